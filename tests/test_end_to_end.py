"""All of Ken as real processes in a home of its own: asked in Slack's double, answered there.

Slow on purpose, about half a minute: servers, worker and bot start once for the file, and the
tests run in the order in which they stand.
"""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import CallToolResult
from sqlalchemy import text

from bot.playground.client import Playground, Seen
from tests.bot.slack_schemas import check_calls
from tests.ends import ANSWER_S, data_dir, listens, next_direct, set_up, started, written
from tests.ports import free_port
from tests.servers import opened
from workers.cli import running
from workers.cli.doors import make_token, revoke_token
from workers.embedded.process import Child, wait_until
from workers.embedded.servers import EmbeddedPostgres, EmbeddedRedis, write_env
from workers.jobs import rows
from workers.replies.rendering import ANSWERED_PRIVATELY, NOTHING_FOUND
from workers.settings import load_settings

__all__ = ["data_dir"]

WORKSPACE = {
    "team": {"id": "T1", "name": "Acme", "domain": "acme"},
    "users": [
        {"id": "UALICE", "name": "alice"},
        {"id": "UBOB", "name": "bob"},
    ],
    "channels": [
        {"id": "CTEAM", "name": "team", "is_private": True, "members": ["UALICE", "UBOB", "UKEN"]},
    ],
}
PEOPLE = [
    {
        "type": "user",
        "id": name,
        "groups": ["staff"],
        "identities": {"slack:T1": f"U{name.upper()}"},
    }
    for name in ("alice", "bob")
]
PERMISSIONS = [
    {"path": "handbook", "allow": ["group:staff"]},
    {"path": "finance", "allow": ["user:alice"]},
]
DOCUMENTS = {
    "handbook/vacation.md": (
        "# Absence\n\n## Paid vacation\n\nEverybody has thirty days of paid vacation a year.\n"
    ),
    "handbook/travel.md": "# Travel\n\nTrains are booked in first class above four hours.\n",
    "finance/bonus.md": "# Bonus\n\nThe bonus pool of this year is two million euros.\n",
}
VACATION = "How many days of paid vacation does everybody have a year?"
BONUS = "How large is the bonus pool of this year?"


@pytest.fixture(scope="module")
def slack(data_dir: Path) -> Playground:
    """Servers, documents, the double, a worker and the bot over Socket Mode."""
    groups = [{"type": "group", "id": "staff"}]
    folder = written(data_dir.parent / "company", DOCUMENTS, [*PEOPLE, *groups], PERMISSIONS)
    set_up(data_dir, folder, WORKSPACE)
    return started(data_dir)


def mentioned(slack: Playground, person: str, question: str) -> Seen:
    """The reply in the thread of a mention in the private channel."""
    asked = slack.say("team", person, f"<@UKEN> {question}")
    return slack.wait_for_reply("team", asked.ts, ANSWER_S)


def wrote(slack: Playground, person: str, question: str) -> Seen:
    """The next message of Ken's to somebody who writes to it directly."""
    asked = slack.dm(person, question)
    return next_direct(slack, person, asked.ts)


def links(seen: Seen) -> list[str]:
    return [
        leaf["url"]
        for block in seen.blocks
        if block["type"] == "rich_text"
        for section in block["elements"]
        for leaf in section["elements"]
        if leaf["type"] == "link"
    ]


def family(data_dir: Path) -> list[psutil.Process]:
    """Every process of the home: by its command, its folder or its environment."""

    def belongs(process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            marks = [*process.cmdline(), process.environ().get("KEN_HOME", "")]
            with suppress(psutil.Error):
                marks.append(process.cwd())
            return any(str(data_dir) in one for one in marks)
        return False

    return [process for process in psutil.process_iter() if belongs(process)]


def check_conversation(slack: Playground) -> None:
    """In the channel what both may read; alone, what the asker may."""
    reply = mentioned(slack, "bob", VACATION)
    assert "thirty days" in reply.text
    assert links(reply) == ["https://wiki.acme.example/handbook/vacation.md#paid-vacation"]

    private = slack.dm("alice", BONUS)
    reply = next_direct(slack, "alice", private.ts)
    assert "two million euros" in reply.text
    assert links(reply) == ["https://wiki.acme.example/finance/bonus.md"]

    assert wrote(slack, "bob", BONUS).text == NOTHING_FOUND

    last = slack.messages("DUALICE")[-1].ts
    assert mentioned(slack, "alice", BONUS).text == ANSWERED_PRIVATELY
    assert "two million euros" in next_direct(slack, "alice", last).text
    bobs = [seen.text for channel in ("team", "DUBOB") for seen in slack.messages(channel)]
    assert not [one for one in bobs if "two million" in one]
    check_calls(slack.calls())


def test_questions_are_answered_over_socket_mode(slack: Playground) -> None:
    """Threats 1, 11 and 16, from one end to the other."""
    check_conversation(slack)


def test_a_question_asked_while_redis_is_down_is_answered_once_it_is_back(
    data_dir: Path, slack: Playground
) -> None:
    """Faults: Redis down; Slack still hears that the question is kept, the sweeper finds it."""
    queue = EmbeddedRedis(data_dir)
    queue.stop()
    asked = slack.say("team", "bob", f"<@UKEN> {VACATION}")
    slack.wait_until_delivered()
    assert {attempt.failed for attempt in slack.attempts()} == {""}
    assert [m for m in slack.messages("team") if m.thread_ts == asked.ts] == []

    queue.start()
    assert "thirty days" in slack.wait_for_reply("team", asked.ts, ANSWER_S).text
    assert len([m for m in slack.messages("team") if m.thread_ts == asked.ts]) == 1


def test_a_worker_that_was_killed_is_started_again_and_answers_what_was_asked_meanwhile(
    data_dir: Path, slack: Playground
) -> None:
    """Fault: kill -9 of an idle worker."""
    worker = Child(data_dir, "worker")
    killed = worker.pid
    assert killed
    os.kill(killed, signal.SIGKILL)
    assert wait_until(lambda: not worker.running(), 60)
    asked = slack.say("team", "bob", f"<@UKEN> {VACATION}")
    slack.wait_until_delivered()

    running.up(data_dir, lambda step: None)

    assert worker.pid not in (None, killed)
    assert "thirty days" in slack.wait_for_reply("team", asked.ts, ANSWER_S).text
    assert running.status(data_dir)["worker"] == "running"
    check_calls(slack.calls())


def test_questions_are_answered_over_http(data_dir: Path, slack: Playground) -> None:
    """The same, with KEN_SLACK_MODE=http: what reads settings starts again, the servers stay."""
    ran = {name: Child(data_dir, name).pid for name in ("bot", "jobs", "playground", "worker")}
    redis = Child(data_dir, "redis").pid
    write_env(
        data_dir,
        {
            "KEN_SLACK_MODE": "http",
            "KEN_HTTP_PORT": str(free_port()),
            "KEN_DOORS_PORT": str(free_port()),
        },
    )
    assert set(running.status(data_dir)["outdated"]) == set(ran)

    over_http = started(data_dir)
    port = load_settings(data_dir).http_port
    assert wait_until(lambda: listens(port), 60)  # the double would try again in a minute

    assert [name for name, pid in ran.items() if Child(data_dir, name).pid in (None, pid)] == []
    assert Child(data_dir, "redis").pid == redis
    assert running.status(data_dir)["problems"] == []
    check_conversation(over_http)


def test_a_program_asks_as_a_person_over_standard_input_and_output(
    data_dir: Path, slack: Playground
) -> None:
    """`ken mcp` leads to the doors that `ken up` has started; a worker answers."""
    settings = load_settings(data_dir)
    bobs = make_token(settings, "bob", "laptop", None, None, "1d")

    async def asked(*questions: str) -> list[CallToolResult]:
        environment = {**os.environ, "KEN_HOME": str(data_dir), "KEN_PERSON_TOKEN": bobs}
        ken = StdioServerParameters(
            command=sys.executable, args=["-m", "workers.cli.main", "mcp"], env=environment
        )
        async with Client(ken) as client:
            return [await client.call_tool("ask", {"question": one}) for one in questions]

    vacation, bonus = asyncio.run(asked(VACATION, BONUS))
    assert "thirty days" in str(vacation.structured_content)
    assert "two million euros" not in str(bonus)
    revoke_token(settings, 1)
    (refused,) = asyncio.run(asked(VACATION))
    assert refused.is_error
    assert "thirty days" not in str(refused)


def test_the_jobs_worker_takes_what_is_due_and_says_what_became_of_it(
    data_dir: Path, slack: Playground
) -> None:
    """From the row through the ring to its own process; no question's worker takes a job."""
    database = opened(load_settings(data_dir))
    with database.session("indexer") as session:
        job_id = rows.submit(session, "unheard of", actor="test")
    assert wait_until(lambda: not rows.job(database, job_id).state.is_open, 60)
    assert "no job of the kind unheard of" in rows.job(database, job_id).reason
    with database.session("indexer") as session:
        holder = session.scalar(text("SELECT holder FROM job WHERE id = :id"), {"id": job_id})
    assert str(holder).endswith(f":{Child(data_dir, 'jobs').pid}")


def test_down_leaves_no_process_of_the_home(data_dir: Path, slack: Playground) -> None:
    names = {process.name() for process in family(data_dir)}
    assert {"postgres", "valkey-server"} <= names

    stopped = running.down(data_dir)

    everything = {"bot", "doors", "jobs", "worker", "playground", "redis", "postgresql"}
    assert set(stopped) == everything
    assert [p.cmdline() for p in family(data_dir)] == []
    assert running.down(data_dir) == []
    assert not EmbeddedPostgres(data_dir).running()


def test_nothing_that_was_asked_or_answered_is_in_the_logs(
    data_dir: Path, slack: Playground
) -> None:
    """Threat 26: no text, no token, whatever happened above."""
    logged = "".join(
        file.read_text(errors="replace")
        for file in (data_dir / "logs").iterdir()
        if not file.name.startswith(("postgres", "redis"))
    )
    assert logged
    for secret in ("vacation", "thirty", "bonus", "million", "xoxb", "xapp", "UALICE"):
        assert secret not in logged
