"""A whole Ken with a network and a Slack of its own, in which things are broken one by one."""

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import psycopg
from rich.console import Console
from sqlalchemy import make_url

from policies.change import Change
from policies.described import Permissions
from policies.source import principals_of
from policies.tables.people import UserStatus
from tests.ports import free_port
from tests.survive import company
from tests.survive.background import Background
from tests.survive.checker import Asked, History, StoredQuestion
from tests.survive.company import SOURCE, Past, State
from tests.survive.model import Model
from tests.survive.process import (
    Process,
    Supervisor,
    environment,
    run_to_end,
    wait_until,
    wait_while_it_moves,
)
from tests.survive.proxy import Proxy
from tests.survive.slack import Slack
from workers.cli.loading import load_folder
from workers.database.schema import migrate
from workers.database.sessions import Database
from workers.embedded.data_dir import read_env, socket_folder
from workers.embedded.process import Child
from workers.embedded.servers import EmbeddedPostgres, EmbeddedRedis, ensure
from workers.settings import load_settings

LEASE_S, SWEEP_S, MODEL_TIMEOUT_S = 6, 1, 15
READY_S = 300
_ROOT = Path(__file__).parent.parent.parent
LOGS = _ROOT / "build" / "survive"
_WORKER = ("answerer", "ingress", "syncer")


class Cell:
    """Use it as a context: nothing of it runs on afterwards, whatever happened."""

    def __init__(self, number: int, seed: int, *, http: bool, workers: int) -> None:
        self.number, self.http = number, http
        self.chance = random.Random(f"cell {number} {seed}")
        self.canary = company.canaries(seed)
        self.past = Past()
        self.asked: list[Asked] = []
        self.revision = 2000
        self.found: set[tuple[str, int]] = set()
        """What was wrong with which question, so far."""
        self._workers = workers
        self._stack = ExitStack()
        self._admin: psycopg.Connection[Any] | None = None

    def __enter__(self) -> "Cell":
        try:
            self._make_folder()
            self._start_servers()
            self._start_network()
            self._start_ken()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    # -- making it ----------------------------------------------------------------------------

    def _make_folder(self) -> None:
        memory = Path("/dev/shm")
        roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
        self.folder = Path(tempfile.mkdtemp(prefix="ken-", dir=memory if roomy else None))
        self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._stack.callback(self._keep_logs)
        self.folder.chmod(0o755)
        self.data_dir = self.folder / "home"
        self.points = self.folder / "points"
        self.points.mkdir()
        self.clock = self.folder / "clock"

    def _keep_logs(self) -> None:
        kept = LOGS / f"cell{self.number}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.data_dir / "logs", kept, dirs_exist_ok=True)
        for log in self.folder.glob("*.log"):
            shutil.copy(log, kept)

    def _start_servers(self) -> None:
        self.postgres, self.redis = EmbeddedPostgres(self.data_dir), EmbeddedRedis(self.data_dir)
        self._stack.callback(shutil.rmtree, socket_folder(self.data_dir), ignore_errors=True)
        self._stack.callback(self.postgres.stop)
        self._stack.callback(self.redis.stop)
        ensure(self.data_dir)
        self.settings = load_settings(self.data_dir)
        migrate(self.settings)
        self.database = Database(self.settings)
        self._stack.callback(self.database.close)
        state = company.opening(self.chance)
        self._load(state)
        with self.database.session("indexer") as session:
            Change(session, actor="survive").accounts(self._source_id(), company.PEOPLE)
            self._ids = principals_of(session, self._source_id())
        linked = "SELECT native_id, user_id FROM identity WHERE source_id = %s"
        self._users = dict(self.sql(linked, self._source_id()))
        self.past.add(self.epoch(), state)

    def _load(self, state: State) -> None:
        company.write_bundle(self.bundle, state, self.canary, self.revision)
        quiet = Console(quiet=True)
        report = load_folder(
            self.settings, self.bundle, source=None, allow=(), remove_missing=False, console=quiet
        )
        assert (report.new, report.left_out) == (len(company.TOPICS), [])

    @property
    def bundle(self) -> Path:
        return self.folder / "company"

    def _start_network(self) -> None:
        self.background = Background()
        self._stack.callback(self.background.close)
        self.slack, self.model = Slack(self.background), Model()
        self.bot_port = free_port()
        self.slack.start(self.events_url(self.bot_port) if self.http else "")
        self._stack.callback(self.slack.close)
        self.background.run(self.model.start())
        self._stack.callback(lambda: self.background.run(self.model.close()))
        sockets = self.folder / "net"
        sockets.mkdir()
        self.proxies = {
            "postgres": self._proxy(self._sockets / ".s.PGSQL.5432", sockets / ".s.PGSQL.5432"),
            "redis": self._proxy(self._sockets.parent / "redis" / "redis.sock"),
            "slack": self._proxy(self.slack.port),
            "model": self._proxy(self.model.port),
        }

    def _proxy(self, target: Path | int, listen: Path | int = 0) -> Proxy:
        proxy = Proxy(target, listen)
        self.background.run(proxy.start())
        self._stack.callback(lambda: self.background.run(proxy.close()))
        return proxy

    @property
    def _sockets(self) -> Path:
        where = make_url(self.settings.database_url.get_secret_value()).query
        return Path(str(where["host"]))

    def events_url(self, port: int) -> str:
        return f"http://127.0.0.1:{port}/slack/events"

    def _start_ken(self) -> None:
        self.supervisor = Supervisor()
        self._stack.callback(self.supervisor.close)
        for number in range(self._workers):
            self.start_worker(f"worker{number}")
        self.start_bot("bot", self.bot_port)
        began = time.monotonic()
        self.wait_until_ready()
        self.start_s = time.monotonic() - began

    def start_worker(self, name: str) -> None:
        env = self._environment(name, _WORKER)
        env |= {"KEN_CLOCK": str(self.clock)}
        self._run(name, ["workers.cli.main", "worker"], env, self._worker_is_ready)

    def start_bot(self, name: str, port: int) -> None:
        env = self._environment(name, ("ingress",)) | {"KEN_HTTP_PORT": str(port)}
        self._run(name, ["bot.__main__"], env, self._bot_is_ready)

    def _run(
        self,
        name: str,
        command: Sequence[str],
        env: dict[str, str],
        ready: Callable[[Process], bool],
    ) -> None:
        log = self.folder / f"{name}.log"
        self.supervisor.run(Process(name, command, env, log, ready))

    def _environment(self, name: str, roles: Sequence[str]) -> dict[str, str]:
        """Everything through the proxies, and of the passwords only those that it needs."""
        data_dir = self.folder / name
        data_dir.mkdir(exist_ok=True)
        known = read_env(self.data_dir)
        passwords = {key: known[key] for key in (f"KEN_{role.upper()}_PASSWORD" for role in roles)}
        sockets = self.folder / "net"
        secret = (self.data_dir / "secrets" / "redis").read_text().strip()
        return environment(
            KEN_HOME=str(data_dir),
            KEN_DATABASE_URL=f"postgresql:///ken?host={sockets}&port=5432",
            KEN_REDIS_URL=f"redis://:{secret}@127.0.0.1:{self.proxies['redis'].port}/0",
            KEN_SLACK_API_URL=f"http://127.0.0.1:{self.proxies['slack'].port}/api/",
            KEN_SLACK_BOT_TOKEN="xoxb-playground",
            KEN_SLACK_APP_TOKEN="xapp-playground",
            KEN_SLACK_SIGNING_SECRET="playground",
            KEN_SLACK_MODE="http" if self.http else "socket",
            KEN_MODEL_BASE_URL=f"http://127.0.0.1:{self.proxies['model'].port}/v1",
            KEN_MODEL_TIMEOUT_S=str(MODEL_TIMEOUT_S),
            KEN_LEASE_S=str(LEASE_S),
            KEN_SWEEP_S=str(SWEEP_S),
            KEN_CRASHPOINTS=str(self.points),
            KEN_QUESTIONS_PER_MINUTE="1000000",
            KEN_QUESTIONS_PER_DAY="1000000",
            KEN_CARDS_AFTER_S="0",
            NO_PROXY="127.0.0.1",
            **passwords,
        )

    # -- its processes ------------------------------------------------------------------------

    @property
    def workers(self) -> list[Process]:
        return [p for name, p in self.supervisor.processes.items() if name.startswith("worker")]

    @property
    def bots(self) -> list[Process]:
        return [p for name, p in self.supervisor.processes.items() if name.startswith("bot")]

    def wait_until_ready(self) -> None:
        """Raises TimeoutError with the last words of what is not."""
        for process in list(self.supervisor.processes.values()):
            if not wait_until(partial(process.ready, process), READY_S):
                last = process.log.read_text(errors="replace")[-2000:]
                raise TimeoutError(f"{process.name} is not ready:\n{last}")

    def _worker_is_ready(self, process: Process) -> bool:
        with suppress(OSError):
            told = (self.folder / process.name / "run" / "worker.ready").read_text()
            return process.alive and told == str(process.pid)
        return False

    def _bot_is_ready(self, process: Process) -> bool:
        if not self.http:
            return process.alive and self.slack.is_ready()
        port = process.env["KEN_HTTP_PORT"]
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as told:
            return process.alive and told.status == 200
        return False

    def arm(self, point: str, action: str) -> None:
        """The next process that comes to this point ends, or stops."""
        beside = self.points / ".new"
        beside.write_text(action)
        beside.rename(self.points / point)

    def disarm(self, point: str) -> bool:
        """Whether somebody had come to it."""
        try:
            (self.points / point).unlink()
        except FileNotFoundError:
            return True
        return False

    def wait_until_hit(self, point: str, timeout_s: float = 5) -> bool:
        """Whether somebody came to it in time."""
        armed = self.points / point
        return wait_until(lambda: not armed.exists(), timeout_s, 0.01)

    def command(self, *words: str, timeout_s: float = 60) -> int:
        """`ken WORDS` to its end, with the crash points; a signal is a negative number."""
        known = read_env(self.data_dir)
        env = environment(
            **{name: value for name, value in known.items() if name.startswith("KEN_")},
            KEN_HOME=str(self.data_dir),
            KEN_CRASHPOINTS=str(self.points),
        )
        log = self.folder / "commands.log"
        return run_to_end(["workers.cli.main", *words], env, log, timeout_s)

    # -- its servers --------------------------------------------------------------------------

    def kill_postgres(self, number: signal.Signals) -> None:
        """SIGQUIT is the immediate stop: what is in memory is lost, and the log is replayed."""
        self.postmaster().send_signal(number)
        wait_until(lambda: not self.postgres.running(), 20)

    def postmaster(self) -> psutil.Process:
        pid = int((self.postgres.data / "postmaster.pid").read_text().split()[0])
        postmaster = psutil.Process(pid)
        assert postmaster.cwd() == str(self.postgres.data)
        return postmaster

    def start_postgres(self) -> None:
        self.postgres.start()

    def kill_redis(self) -> None:
        pid = Child(self.data_dir, "redis").pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: Child(self.data_dir, "redis").pid is None, 10)

    def snapshot_redis(self) -> None:
        """Keep its file as it is now."""
        kept = self.folder / "old-redis"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self.redis.data, kept)

    def restore_redis(self) -> None:
        """Put the kept file in the place of the newer one; Redis is down."""
        owner = self.redis.data.stat()
        shutil.rmtree(self.redis.data)
        shutil.copytree(self.folder / "old-redis", self.redis.data)
        for path in (self.redis.data, *self.redis.data.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
        self.redis.data.chmod(0o700)

    def redis_client(self) -> Any:
        return self.redis._client()

    def sql(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """One statement as the superuser, past the proxy; again where its connection is gone."""
        for attempt in range(2):
            try:
                connection = self._superuser()
                found = connection.execute(statement, parameters or None)
                return found.fetchall() if found.description else []
            except psycopg.OperationalError:
                if attempt:
                    raise
                self._admin = None
        raise AssertionError

    def _superuser(self) -> psycopg.Connection[Any]:
        if self._admin is None or self._admin.closed:
            self._admin = self.superuser()
        return self._admin

    def superuser(self) -> psycopg.Connection[Any]:
        """A connection of its own, past the proxy, for what a single statement cannot do."""
        return psycopg.connect(
            host=str(self._sockets),
            port=5432,
            dbname="ken",
            user="postgres",
            password=self.postgres.superuser_password,
            application_name="survive",
            autocommit=True,
        )

    def mend(self) -> None:
        """Whatever a fault left behind is over: all that was broken works."""
        for proxy in self.proxies.values():
            self.background.call(proxy.mend)
        self.background.call(self.model.mend)
        self.slack.mend()
        self.clock.unlink(missing_ok=True)
        for point in self.points.iterdir():
            point.unlink()
        for process in self.supervisor.processes.values():
            if process.frozen:
                process.signal(signal.SIGCONT)
        if not self.redis.running():
            self.redis.start()
        if not self.postgres.running():
            self.postgres.start()

    # -- who may read what --------------------------------------------------------------------

    def epoch(self) -> int:
        return int(self.sql("SELECT value FROM epoch")[0][0])

    def _source_id(self) -> int:
        return int(self.sql("SELECT id FROM source WHERE name = %s", SOURCE)[0][0])

    def change(self) -> None:
        """One small change of who may read what, committed."""
        self._change_to(company.changed(self.past.now, self.chance))

    def revoke(self, person: str) -> None:
        """Somebody loses a document."""
        self._change_to(company.revoked(self.past.now, person, self.chance))

    def _change_to(self, after: State) -> None:
        before = self.past.now
        with self.database.session("indexer") as session:
            change = Change(session, actor="survive")
            for name, members in after.groups.items():
                if members != before.groups[name]:
                    ids = [self._ids[f"user:{person}"] for person in members]
                    change.set_members(self._ids[f"group:{name}"], ids)
            for topic, acl in after.acls.items():
                if acl != before.acls[topic]:
                    allow, deny = (
                        frozenset(self._ids[name] for name in names)
                        for names in (acl.allow, acl.deny)
                    )
                    change.set_permissions(self._node(topic), Permissions(allow, deny))
            for person in before.suspended ^ after.suspended:
                out = person in after.suspended
                status = UserStatus.SUSPENDED if out else UserStatus.ACTIVE
                change.set_status(self._users[person], status)
        self.past.add(change.epoch, after)

    def _node(self, topic: str) -> int:
        return int(self.sql("SELECT id FROM node WHERE native_id = %s", topic)[0][0])

    def stored(self) -> State:
        """Who may read what, as the raw rows say it."""
        names = {number: name for name, number in self._ids.items()}
        groups: dict[str, set[str]] = {name: set() for name in company.GROUPS}
        in_groups = "SELECT member_id, group_id FROM membership JOIN user_group ON id = group_id"
        for member, group in self.sql(in_groups):
            groups[names[group].removeprefix("group:")].add(names[member].removeprefix("user:"))
        acls: dict[str, dict[str, set[str]]] = {
            topic: {"allow": set(), "deny": set()} for topic in company.TOPICS
        }
        for topic, effect, principal in self.sql(
            "SELECT native_id, effect, principal_id FROM entry JOIN node ON node.id = node_id"
        ):
            acls[topic][effect].add(names[principal])
        persons = {number: person for person, number in self._users.items()}
        suspended = self.sql("SELECT id FROM user_account WHERE status <> 'active'")
        return State(
            {name: frozenset(members) for name, members in groups.items()},
            {t: company.Acl(frozenset(a["allow"]), frozenset(a["deny"])) for t, a in acls.items()},
            frozenset(persons[number] for (number,) in suspended),
        )

    # -- asking -------------------------------------------------------------------------------

    def ask(self, *, channel: str = "", person: str = "") -> Asked:
        """Somebody asks something, somewhere."""
        number = len(self.asked) + 1
        if not channel:
            place = self.chance.choice([*company.CHANNELS, "D", "D"])
            channel, person = self._somebody_in(place)
        text = company.question(self.chance.choice(company.TOPICS), number)
        epoch = self.past.steps[-1][0]
        said = self.slack.write(channel, person, text)
        asked = Asked(number, channel, said.ts, person, time.time(), epoch)
        self.asked.append(asked)
        return asked

    def _somebody_in(self, place: str) -> tuple[str, str]:
        if place == "D":
            person = self.chance.choice([*company.PEOPLE, company.STRANGER])
            return f"D{company.slack_id(person)}", person
        return place, self.chance.choice(company.CHANNELS[place][2])

    def kept(self, asked: Sequence[Asked]) -> list[StoredQuestion]:
        rows = self.sql(_KEPT, [one.ts for one in asked])
        return [StoredQuestion(*row) for row in rows]

    def wait_for_ends(self, asked: Sequence[Asked]) -> bool:
        """Whether all of them ended. While anything happens with them, however slowly, we wait."""
        return wait_while_it_moves(lambda: self._ended(asked), lambda: self._steps(asked))

    def _ended(self, asked: Sequence[Asked]) -> bool:
        """And what they leave in Slack has been tidied up once."""
        with suppress(psycopg.OperationalError):
            ended = [one.id for one in self.kept(asked) if one.state != "kept"]
            return len(ended) == len(asked) and self.sql(_UNTIDY, ended) == [(0,)]
        return False

    def deletions_wait(self, asked: Sequence[Asked]) -> bool:
        """Whether something of theirs is still to be deleted, and is tried again soon."""
        return self.sql(_DELETIONS, [one.id for one in self.kept(asked)]) != [(0,)]

    def _steps(self, asked: Sequence[Asked]) -> object:
        """It changes whenever somebody takes, keeps up or gives back one of these questions."""
        with suppress(psycopg.OperationalError):
            return self.sql(_STEPS, [one.ts for one in asked])
        return None

    def history(self, asked: Sequence[Asked]) -> History:
        """What became of these; posts of others are left out."""
        kept = self.kept(asked)
        events = {one.event_id for one in kept}
        everybodys = {event for (event,) in self.sql("SELECT event_id FROM question")}
        since = min(float(one.ts) for one in asked) - 1
        posts = [
            post
            for post in self.slack.posts(since)
            if (event := post.mark.rpartition("/")[0]) in events or event not in everybodys
        ]
        checks = {
            (question, kind): epoch
            for question, kind, epoch in self.sql(_CHECKS, [one.id for one in kept])
        }
        numbers = {one.number for one in asked}
        told = [one for one in list(self.model.told) if one.number in numbers]
        return History(list(asked), kept, posts, checks, self.past, self.canary, self.epoch(), told)


@contextmanager
def holding(cell: Cell) -> Iterator[None]:
    """Whatever is broken inside is whole afterwards."""
    try:
        yield
    finally:
        cell.mend()


_KEPT = """
    SELECT question.id, event_id, channel_id, message_ts, state, reason,
           EXISTS (SELECT FROM lease WHERE question_id = question.id AND expires_at > now())
    FROM question LEFT JOIN lease ON lease.question_id = question.id
    WHERE message_ts = ANY(%s) AND user_id <> ''
"""
"""Not the version of nobody that stands for a message's deletion."""

_UNTIDY = """
    SELECT count(*) FROM outbox WHERE question_id = ANY(%s)
      AND revision IS NOT NULL AND revised_at IS NULL AND mend_at = '-infinity'
"""

_DELETIONS = """
    SELECT count(*) FROM outbox WHERE question_id = ANY(%s)
      AND revision = 'deleted' AND revised_at IS NULL AND mend_at < now() + interval '2 minutes'
"""

_STEPS = """
    SELECT question.id, state, token, expires_at
    FROM question LEFT JOIN lease ON lease.question_id = question.id
    WHERE message_ts = ANY(%s) ORDER BY question.id
"""

_CHECKS = "SELECT question_id, kind, epoch FROM answer WHERE question_id = ANY(%s)"
