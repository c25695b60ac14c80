"""The embedded servers, for real: one home for the whole file, others where a test breaks it."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from celery import Celery
from redis.backoff import NoBackoff
from redis.retry import Retry

from workers.database.roles import ROLES, login, provision
from workers.embedded import postgres as embedded_postgres
from workers.embedded.data_dir import SystemUser, socket_folder
from workers.embedded.process import is_alive, wait_until
from workers.embedded.servers import Child, EmbeddedPostgres, EmbeddedRedis, ensure, write_env
from workers.errors import InputInvalid, OperatorError, ServerUnavailable
from workers.settings import load_settings

ENVIRONMENT = {"PATH": os.environ["PATH"]}
SLEEPER = ("sleep", "600")
AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """For homes: nobody can reach it (pytest's own are closed), in memory where there is room."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    folder = Path(tempfile.mkdtemp(dir=memory if roomy else None))
    folder.chmod(0o755)
    yield folder
    for data_dir in (run.parent for run in folder.rglob("run")):
        for postmaster in postmasters(data_dir):
            postmaster.send_signal(signal.SIGQUIT)  # at once: nothing here is kept
            assert wait_until(lambda: not postmasters(data_dir), 60)  # noqa: B023
        EmbeddedRedis(data_dir).stop()
        shutil.rmtree(socket_folder(data_dir), ignore_errors=True)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def data_dir(place: Path) -> Path:
    folder = place / "the home, with spaces"
    ensure(folder)
    return folder


@pytest.fixture
def postgres(data_dir: Path) -> EmbeddedPostgres:
    """Running, whatever the test before did."""
    server = EmbeddedPostgres(data_dir)
    server.start()
    return server


@pytest.fixture
def queue(data_dir: Path) -> EmbeddedRedis:
    server = EmbeddedRedis(data_dir)
    server.start()
    return server


@pytest.fixture
def stranger() -> Iterator[psutil.Process]:
    """A process that is none of ours."""
    process = subprocess.Popen(SLEEPER)
    yield psutil.Process(process.pid)
    process.kill()
    process.wait()


def connect(server: EmbeddedPostgres, user: str, password: str) -> psycopg.Connection:
    return psycopg.connect(server.url, user=user, password=password, autocommit=True)


def as_superuser(server: EmbeddedPostgres) -> psycopg.Connection:
    return connect(server, "postgres", server.superuser_password)


def postmasters(data_dir: Path) -> list[psutil.Process]:
    family = [
        one
        for one in psutil.process_iter(["name", "cwd", "ppid"])
        if one.info["name"] == "postgres"
        and one.info["cwd"] == str(data_dir.resolve() / "postgres")
    ]
    pids = {one.pid for one in family}
    return [one for one in family if one.info["ppid"] not in pids and is_alive(one)]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Starting and stopping


def test_starting_and_stopping_may_be_repeated(
    postgres: EmbeddedPostgres, queue: EmbeddedRedis, data_dir: Path
) -> None:
    before = [one.pid for one in postmasters(data_dir)]
    postgres.start()
    queue.start()
    assert [one.pid for one in postmasters(data_dir)] == before

    for _ in range(2):
        postgres.stop()
        queue.stop()
        assert not postgres.running()
        assert not queue.running()
    assert postmasters(data_dir) == []

    steps: list[str] = []
    ensure(data_dir, steps.append)
    assert postgres.running()
    assert queue.running()
    assert steps == ["Starting PostgreSQL", "Starting Redis"]


def test_four_processes_that_start_a_home_with_a_long_path_give_one_server(place: Path) -> None:
    data_dir = place / ("long " * 20) / ("path " * 20) / "home"
    assert len(str(data_dir)) > 200
    program = (
        "import sys, pathlib, workers.embedded.servers as e; e.ensure(pathlib.Path(sys.argv[1]))"
    )
    racing = [subprocess.Popen([sys.executable, "-c", program, str(data_dir)]) for _ in range(4)]

    assert [one.wait() for one in racing] == [0, 0, 0, 0]
    assert len(postmasters(data_dir)) == 1
    with as_superuser(EmbeddedPostgres(data_dir)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    log = (data_dir / "logs" / "postgres.log").read_text()
    assert log.count("ready to accept connections") == 1
    assert (data_dir / "logs" / "redis.log").read_text().count("Ready to accept connections") == 1


def test_stopping_one_home_stops_nothing_else(
    postgres: EmbeddedPostgres, place: Path, stranger: psutil.Process
) -> None:
    other = EmbeddedPostgres(place / "another data folder")
    other.start()
    other.stop()
    assert not other.running()
    assert postgres.running()
    assert is_alive(stranger)


def test_what_was_committed_is_there_after_the_postmaster_was_killed(
    postgres: EmbeddedPostgres, data_dir: Path
) -> None:
    with as_superuser(postgres) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (line text)")
        connection.execute("INSERT INTO kept VALUES ('committed')")
        [postmaster] = postmasters(data_dir)
        postmaster.kill()
        assert wait_until(lambda: not postgres.running(), 60)
    postgres.start()
    with as_superuser(postgres) as connection:
        assert connection.execute("SELECT DISTINCT line FROM kept").fetchall() == [("committed",)]
        connection.execute("DROP TABLE kept")


def test_a_stale_pid_file_neither_hurts_the_process_that_has_its_number_now_nor_hinders_a_start(
    postgres: EmbeddedPostgres, stranger: psutil.Process
) -> None:
    postgres.stop()
    (postgres.data / "postmaster.pid").write_text(f"{stranger.pid}\n{postgres.data}\n0\n5432\n")
    postgres.stop()
    postgres.start()
    assert postgres.running()
    assert is_alive(stranger)


def test_a_socket_that_was_removed_comes_back(postgres: EmbeddedPostgres, data_dir: Path) -> None:
    (socket_folder(data_dir.resolve()) / "pg" / ".s.PGSQL.5432").unlink()
    assert not postgres.running()
    postgres.start()
    assert postgres.running()


def test_sockets_stay_where_they_are_when_the_folder_for_temporary_files_changes(
    postgres: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = postgres.url
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert postgres.url == before
    assert postgres.running()


@pytest.mark.skipif(not AS_ROOT, reason="only root has to become somebody else")
def test_root_runs_the_servers_as_nobody_and_in_a_closed_folder_in_a_user_namespace(
    postgres: EmbeddedPostgres, data_dir: Path, place: Path
) -> None:
    assert postmasters(data_dir)[0].uids().real != 0

    if not SystemUser(0, 0, ("unshare", "--user", "--map-user=65534")).can_run(Path("/bin/true")):
        pytest.skip("this machine allows no user namespaces")
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    inside = EmbeddedPostgres(closed / "home")
    inside.start()
    assert inside.running()
    assert inside.data.stat().st_uid == 0


# Who gets in


def test_postgres_lets_nobody_in_without_the_right_password(
    postgres: EmbeddedPostgres, data_dir: Path
) -> None:
    settings = load_settings(data_dir)
    for role in ROLES:
        password = settings.password(role).get_secret_value()
        with connect(postgres, login(role), password) as connection:
            assert connection.execute("SELECT current_user").fetchone() == (login(role),)
        for wrong in ("", "wrong"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                connect(postgres, login(role), wrong)
    with pytest.raises(psycopg.OperationalError, match="password"):
        connect(postgres, "postgres", "")


def test_redis_lets_nobody_in_without_the_password(queue: EmbeddedRedis, data_dir: Path) -> None:
    path = str(socket_folder(data_dir.resolve()) / "redis" / "redis.sock")
    for wrong in (None, "wrong"):
        once = Retry(NoBackoff(), 0)
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(unix_socket_path=path, password=wrong, retry=once).ping()
    assert queue.running()
    assert queue.version().startswith(("Valkey", "Redis"))


def test_neither_server_listens_on_the_network(
    postgres: EmbeddedPostgres, queue: EmbeddedRedis, data_dir: Path
) -> None:
    with as_superuser(postgres) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    assert "port 0" in (data_dir / "run" / "redis.conf").read_text().splitlines()


def test_no_role_is_a_superuser_or_escapes_row_security_and_only_the_owner_creates(
    postgres: EmbeddedPostgres, data_dir: Path
) -> None:
    with as_superuser(postgres) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'ken\\_%' AND rolcanlogin AND NOT"
            " (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication)"
        ).fetchone() == (5,)
        assert connection.execute(
            "SELECT has_database_privilege('pg_monitor', 'ken', 'CONNECT')"
        ).fetchone() == (False,)
    settings = load_settings(data_dir)
    with connect(postgres, "ken_owner", settings.owner_password.get_secret_value()) as owner:
        owner.execute("CREATE TABLE made (v vector(2))")
        owner.execute("DROP TABLE made")
    with connect(postgres, "ken_answerer", settings.answerer_password.get_secret_value()) as reader:
        for forbidden in ("CREATE TABLE made ()", "CREATE TEMP TABLE made ()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(forbidden)


def test_provisioning_again_takes_away_what_a_role_should_not_have(
    postgres: EmbeddedPostgres, data_dir: Path
) -> None:
    settings = load_settings(data_dir)
    passwords = {role: settings.password(role).get_secret_value() for role in ROLES}
    with as_superuser(postgres) as connection:
        connection.execute("ALTER ROLE ken_syncer SUPERUSER BYPASSRLS PASSWORD 'guessed'")
        provision(connection, passwords)
        assert connection.execute(
            "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = 'ken_syncer'"
        ).fetchone() == (False, False)
    with connect(postgres, "ken_syncer", passwords["syncer"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="password"):
        connect(postgres, "ken_syncer", "guessed")


def test_a_folder_for_sockets_that_somebody_else_made_is_refused(place: Path) -> None:
    data_dir = place / "attacked"
    trap = place / "trap"
    trap.mkdir()
    socket_folder(data_dir.resolve()).symlink_to(trap)
    try:
        with pytest.raises(ServerUnavailable, match="another user") as refused:
            EmbeddedRedis(data_dir).start()
        assert refused.value.remedy
        assert list(trap.iterdir()) == []
    finally:
        socket_folder(data_dir.resolve()).unlink()


# What is on the disk


def test_only_the_files_owner_can_read_them(postgres: EmbeddedPostgres, data_dir: Path) -> None:
    secret = [data_dir / "ken.env", data_dir / "run" / "redis.conf"]
    secret += [*(data_dir / "secrets").iterdir(), *(data_dir / "logs").iterdir()]
    assert {mode(path) for path in secret} == {0o600}
    closed = ["logs", "secrets", "postgres", "redis"]
    assert {mode(data_dir / name) for name in closed} == {0o700}
    assert mode(data_dir) == (0o711 if AS_ROOT else 0o700)
    sockets = socket_folder(data_dir.resolve())
    assert {mode(sockets / name) for name in ("pg", "redis")} == {0o700}
    assert mode(sockets / "redis" / "redis.sock") == 0o700


def test_the_superusers_password_is_not_in_ken_env(
    postgres: EmbeddedPostgres, data_dir: Path
) -> None:
    kept = (data_dir / "ken.env").read_text()
    assert len(postgres.superuser_password) >= 32
    assert postgres.superuser_password not in kept
    settings = load_settings(data_dir)
    assert settings.database_url.get_secret_value() == postgres.url
    assert settings.redis_url.get_secret_value() == EmbeddedRedis(data_dir).url
    assert len({settings.password(role).get_secret_value() for role in ROLES}) == len(ROLES)


def test_no_password_is_on_a_command_line(
    postgres: EmbeddedPostgres, queue: EmbeddedRedis, data_dir: Path
) -> None:
    lines = " ".join(
        " ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])
    )
    for name in ("postgres", "redis"):
        assert (data_dir / "secrets" / name).read_text().strip() not in lines


def test_the_log_holds_neither_statements_nor_values(
    postgres: EmbeddedPostgres, data_dir: Path
) -> None:
    with as_superuser(postgres) as connection:
        connection.execute("CREATE TABLE said (line text PRIMARY KEY)")
        connection.execute("INSERT INTO said VALUES ('zebra')")
        connection.execute("DO $$ BEGIN RAISE WARNING 'zebra'; END $$")
        for statement in (
            "SELECT 'zebra'::int",
            "INSERT INTO said VALUES ('zebra')",
            "SELECT zebra",
        ):
            with pytest.raises(psycopg.Error, match="zebra"):
                connection.execute(statement)
        connection.execute("DROP TABLE said")
        backend = psutil.Process(connection.info.backend_pid)
        with as_superuser(postgres) as second:
            second.execute("SELECT 'ready'")
            backend.send_signal(signal.SIGKILL)  # "Failed process was running: …"
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 'zebra'")
    assert wait_until(postgres.running, 60)
    log = (data_dir / "logs" / "postgres.log").read_text()
    assert "terminated by signal 9" in log
    assert "zebra" not in log


def test_what_redis_holds_survives_a_restart_and_celery_speaks_to_it(
    queue: EmbeddedRedis,
) -> None:
    app = Celery("bell", broker=queue.url, set_as_current=False)
    app.send_task("ring", (17,))
    queue.stop()
    queue.start()
    with app.connection_for_read() as connection, connection.SimpleQueue("celery") as bell:
        message = bell.get(block=False)
        assert message.headers["task"] == "ring"
        message.ack()


def test_lines_that_somebody_added_to_ken_env_stay(data_dir: Path) -> None:
    path = data_dir / "ken.env"
    with path.open("a") as file:
        file.write("# ours\nKEN_MODEL_NAME=large\n")
    write_env(data_dir, {"KEN_MODEL_NAME": "it's \\ a 'name' # 100 $HOME & more"})
    ensure(data_dir)
    assert "# ours" in path.read_text().splitlines()
    assert path.read_text().count("KEN_MODEL_NAME") == 1
    assert load_settings(data_dir).model_name == "it's \\ a 'name' # 100 $HOME & more"
    assert mode(path) == 0o600
    for name, value in (("KEN_X", "two\nlines"), ("KEN_X", "${HOME}"), ("not a valid name", "")):
        with pytest.raises(InputInvalid):
            write_env(data_dir, {name: value})


# What can be wrong


def test_a_failed_creation_leaves_nothing_behind_and_can_be_repeated(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = place / "unlucky"
    monkeypatch.setitem(embedded_postgres._INITIAL, "shared_buffers", "nonsense")
    with pytest.raises(ServerUnavailable, match="could not be created") as failed:
        EmbeddedPostgres(data_dir).start()
    assert failed.value.remedy
    assert [path.name for path in data_dir.iterdir() if "postgres" in path.name] == []


def test_a_database_of_another_major_version_is_refused_and_not_touched(place: Path) -> None:
    server = EmbeddedPostgres(place / "old")
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(ServerUnavailable, match="made by PostgreSQL 15") as refused:
        server.start()
    assert "pg_dump" in refused.value.remedy
    assert [path.name for path in server.data.iterdir()] == ["PG_VERSION"]


def test_a_home_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for data_dir in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OperatorError, match="file") as refused:
            ensure(data_dir)
        assert refused.value.remedy


@pytest.mark.skipif(not AS_ROOT, reason="takes root to give a folder away")
def test_a_home_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    with pytest.raises(InputInvalid, match="belongs to user 12345"):
        ensure(tmp_path)


def test_servers_that_ken_env_names_itself_are_never_replaced(tmp_path: Path) -> None:
    production = "postgresql://db.example.com:5432/ken"
    write_env(tmp_path, {"KEN_DATABASE_URL": production})
    with pytest.raises(InputInvalid, match="KEN_DATABASE_URL"):
        ensure(tmp_path)
    assert load_settings(tmp_path).database_url.get_secret_value() == production
    assert not (tmp_path / "postgres").exists()


# Children


def test_a_child_is_started_once_and_found_again_by_name(tmp_path: Path) -> None:
    child = Child(tmp_path, "worker")
    program = (
        "import os, time; print(os.environ['COLOUR'], os.getsid(0) == os.getpid(), flush=True)"
    )
    argv = [sys.executable, "-c", f"{program}; time.sleep(600)"]
    child.start(argv, {"COLOUR": "green"})
    child.start(argv, {"COLOUR": "red"})
    again = Child(tmp_path, "worker")
    assert again.running()
    assert wait_until(lambda: again.tail(9) == "green True", 60)
    assert again.stop(10)
    assert not child.running()
    assert not child.stop(10)
    assert mode(tmp_path / "logs" / "worker.log") == 0o600


def test_a_child_that_does_not_listen_is_ended_with_its_own_children(tmp_path: Path) -> None:
    child = Child(tmp_path, "deaf")
    child.start(["sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait; wait; wait"], ENVIRONMENT)
    assert wait_until(lambda: child.tail(1).isdigit(), 60)
    grandchild = psutil.Process(int(child.tail(1)))
    assert child.stop(0.1)
    assert not child.running()
    assert not is_alive(grandchild)


def test_a_child_that_died_is_not_running_even_while_it_is_a_zombie(tmp_path: Path) -> None:
    child = Child(tmp_path, "short")
    child.start(["true"], ENVIRONMENT)
    assert wait_until(lambda: not child.running(), 60)


def test_a_process_that_has_the_number_of_a_dead_child_is_left_alone(
    tmp_path: Path, stranger: psutil.Process
) -> None:
    child = Child(tmp_path, "worker")
    child.start(["true"], ENVIRONMENT)
    (tmp_path / "run" / "worker.json").write_text(f'{{"pid": {stranger.pid}, "created": 1000.0}}')
    assert not child.running()
    assert not child.stop(0.1)
    assert is_alive(stranger)


def test_a_damaged_record_and_a_missing_program_are_reported(tmp_path: Path) -> None:
    child = Child(tmp_path, "worker")
    with pytest.raises(ServerUnavailable, match="cannot be started"):
        child.start(["no-such-program"], ENVIRONMENT)
    (tmp_path / "run" / "worker.json").write_text("{")
    with pytest.raises(InputInvalid, match="damaged"):
        child.running()
