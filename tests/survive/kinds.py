"""Every way in which something is broken here, and the row of faults.md that it stands for."""

import resource
import signal
from functools import partial

from tests.survive.faults import model, network, permissions, postgres, processes, redis, slack
from tests.survive.model import MODES
from tests.survive.scene import Kind

WORKER_POINTS = (
    "taken met audience_known opened passages_read model_answered checked written_down "
    "attempt_counted sending accepted marked finished"
).split()
_KILLED = "kill -9 worker at each boundary"
_BOT_KILLED = "kill -9 bot before / after commit / before ack"
_FROZEN = "SIGSTOP worker beyond lease, then SIGCONT"
_DEPLOY = "deploy: warm stop, rolling"
_MIGRATED = "deploy: migration while live"
_RETRIES = "Slack retries x4, concurrent, after restart, out of order"
_READS = "Slack 5xx on reads"
_SYNC = "sync crash after stage / mid swap"
_AT_ONCE = "sync + question + revoke + re-index concurrently"
_VISIBILITY = "visibility timeout shorter than task"
_POST = "Slack post: 429, 5xx, ok:false, timeout after accepting, reset"
_GONE = "Slack token revoked, channel archived, bot removed, thread deleted"
_POSTGRES = "Postgres: immediate stop, crash recovery, terminate, locks, connections, disk full"
_MODEL = "LLM 429, 500, timeouts, slow drip, cut, invalid JSON, refusal, empty, wrong citations"

REINDEX_POINTS = (
    *("job_taken", "vectors_written", "vectors_committed", "version_ready", "switch_written"),
    *("switch_committed", "job_ended"),
)

KINDS: tuple[Kind, ...] = (
    *(
        Kind(f"worker_killed_{p}", _KILLED, partial(processes.killed_at, p), 2)
        for p in WORKER_POINTS
    ),
    *(
        Kind(f"bot_killed_{p}", _BOT_KILLED,
             partial(processes.killed_at, p), 2)
        for p in ("asked", "kept", "rung")
    ),
    *(
        Kind(f"worker_frozen_{p}", _FROZEN,
             partial(processes.frozen_at, p), 2)
        for p in ("taken", "model_answered", "attempt_counted", "sending", "accepted")
    ),
    Kind("worker_frozen_long", _FROZEN,
         partial(processes.frozen_at, "sending", beyond_s=62), doubles=True),
    Kind("worker_asleep", _FROZEN, processes.asleep, 2),
    Kind("worker_killed", "BRPOP-window loss: random kill -9",
         partial(processes.signalled, signal.SIGKILL, "worker"), 6),
    Kind("bot_killed", "kill -9 bot", partial(processes.signalled, signal.SIGKILL, "bot"), 2),
    Kind("all_killed", "kill -9 of everything", processes.all_killed, 2),
    Kind("worker_terminated", _DEPLOY,
         partial(processes.signalled, signal.SIGTERM, "worker"), 2),
    Kind("bot_terminated", _DEPLOY, partial(processes.signalled, signal.SIGTERM, "bot"), 2),
    Kind("deployed", _DEPLOY, processes.deployed),
    Kind("migrated_meanwhile", _MIGRATED, postgres.migrated_meanwhile, 2),
    Kind("worker_without_memory", "OOM", partial(processes.starved, resource.RLIMIT_AS)),
    Kind("worker_without_files", "OOM", partial(processes.starved, resource.RLIMIT_NOFILE)),
    Kind("clock_forward", "clock jump ±1 h", partial(processes.clock_jumped, 3600.0)),
    Kind("clock_back", "clock jump ±1 h", partial(processes.clock_jumped, -3600.0)),
    Kind("poison", "poison question", processes.poison),
    Kind("redis_killed", "Redis kill -9", redis.killed, 2),
    Kind("redis_flushed", "Redis FLUSHALL", redis.flushed, 2),
    Kind("redis_empty", "Redis restart empty", redis.empty),
    Kind("redis_old", "Redis restart with old AOF", redis.old),
    Kind("redis_reset", "Redis connection reset in bursts", redis.reset, 2),
    Kind("redis_stalled", "ack with Redis down / slow", redis.stalled, 2),
    Kind("redis_refused", "ack with Redis down / slow", partial(network.refused, "redis")),
    Kind("redis_half_open", "Redis half-open", partial(network.half_open, "redis")),
    Kind("redis_slow", "Redis latency", partial(network.slow, "redis")),
    Kind("redis_cut", "Redis cut after n bytes", partial(network.cut, "redis")),
    Kind("visibility", _VISIBILITY, model.beyond_visibility),
    Kind("rung_often", "two workers, two sweepers: single effect", redis.rung_often, 2),
    Kind("forged", "forged messages on the broker", redis.forged),
    Kind("postgres_immediate", _POSTGRES, partial(postgres.stopped, signal.SIGQUIT), 3),
    Kind("postgres_killed", _POSTGRES, partial(postgres.stopped, signal.SIGKILL), 2),
    Kind("postgres_terminated", _POSTGRES, postgres.connections_ended, 3),
    Kind("postgres_full", _POSTGRES, postgres.no_connections),
    Kind("postgres_read_only", _POSTGRES, postgres.read_only),
    Kind("postgres_locked", _POSTGRES, postgres.locked),
    Kind("postgres_disk_full", _POSTGRES, postgres.disk_full, 2),
    Kind("postgres_stalled", _POSTGRES, partial(network.stalled, "postgres"), 2),
    Kind("postgres_reset", _POSTGRES, partial(network.reset, "postgres")),
    Kind("postgres_refused", "ack with Postgres down", partial(network.refused, "postgres"), 2),
    Kind("postgres_half_open", _POSTGRES, partial(network.half_open, "postgres")),
    Kind("postgres_slow", _POSTGRES, partial(network.slow, "postgres")),
    Kind("postgres_cut", _POSTGRES, partial(network.cut, "postgres")),
    Kind("event_twice", _RETRIES,
         partial(slack.slack_fault, kind="duplicate_event", times=4)),
    Kind("event_out_of_order", _RETRIES,
         partial(slack.slack_fault, kind="reorder_events", times=1)),
    Kind("event_repeated", _RETRIES, slack.repeated, 2),
    Kind("two_bots", "two beats / two sweepers / two bots", slack.two_bots),
    Kind("post_rate_limited", _POST,
         partial(slack.slack_fault, kind="ratelimited", method="chat.postMessage", times=3), 2),
    Kind("post_5xx", _POST, partial(slack.slack_fault, kind="http", method="chat.postMessage",
                                    times=3), 2),
    Kind("post_not_ok", _POST, partial(slack.slack_fault, kind="error", method="chat.postMessage",
                                       times=2, error="internal_error")),
    Kind("post_dropped_after", _POST,
         partial(slack.slack_fault, kind="drop_after", method="chat.postMessage", times=2), 3),
    Kind("post_dropped_before", _POST,
         partial(slack.slack_fault, kind="drop_before", method="chat.postMessage", times=2), 2),
    Kind("post_delayed", _POST, partial(slack.slack_fault, kind="delay", method="chat.postMessage",
                                        times=2, seconds=3.0)),
    Kind("post_in_silence", _POST, slack.accepted_in_silence, 2),
    *(
        Kind(f"reads_fail_{name.replace('.', '_')}", _READS,
             partial(slack.slack_fault, kind="http", method=name, times=4))
        for name in ("conversations.info", "conversations.members", "conversations.open",
                     "conversations.replies", "auth.test", "users.info")
    ),
    Kind("slack_stalled", "Slack stalled", partial(network.stalled, "slack")),
    Kind("slack_refused", "Slack down", partial(network.refused, "slack"), 2),
    Kind("slack_reset", "Slack reset in bursts", partial(network.reset, "slack")),
    Kind("slack_cut", "Slack cut after n bytes", partial(network.cut, "slack"), 2),
    Kind("slack_slow", "Slack latency", partial(network.slow, "slack")),
    Kind("slack_disconnected", "Socket Mode closed", slack.disconnected),
    Kind("slack_revoked", _GONE, slack.revoked, untold=True),
    Kind("slack_archived", _GONE, slack.archived, untold=True),
    Kind("slack_removed", _GONE, slack.removed, untold=True),
    Kind("slack_thread_deleted", _GONE, slack.thread_deleted, untold=True),
    *(Kind(f"model_{mode}", _MODEL, partial(model.misbehaves, mode)) for mode in MODES),
    Kind("model_timeout", _MODEL, model.times_out),
    Kind("model_refused", _MODEL, partial(network.refused, "model")),
    Kind("model_reset", _MODEL, partial(network.reset, "model")),
    Kind("model_cut_bytes", _MODEL, partial(network.cut, "model")),
    *(
        Kind(f"sync_killed_{p}", _SYNC,
             partial(permissions.sync_killed, f"sync_{p}"))
        for p in ("staged", "applied", "committed")
    ),
    Kind("changed_meanwhile", _AT_ONCE, permissions.changed_meanwhile, 4),
    Kind("pushed_meanwhile", _AT_ONCE, permissions.pushed_meanwhile, 2),
    Kind("loaded_meanwhile", _AT_ONCE, permissions.loaded_meanwhile),
    *(
        Kind(f"load_killed_{p}", "load crash at each step",
             partial(permissions.load_killed, f"document_{p}"))
        for p in ("written", "committed")
    ),
    *(
        Kind(f"reindex_killed_{p}", "re-index crash at each step",
             partial(permissions.reindex_killed, p))
        for p in REINDEX_POINTS
    ),
)  # fmt: skip
