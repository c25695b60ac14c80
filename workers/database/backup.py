"""Saves the whole database to a folder while questions go on, and puts it back into an empty one.

PostgreSQL's own `pg_dump` and `pg_restore` do the work, as a superuser: row-level security binds
the owner. A folder is complete or not there, and a restored database gets its name last.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from workers.database.requirements import HEAD, revision
from workers.errors import InputInvalid, OperatorError, ServerUnavailable

Progress = Callable[[str], None]
"""Called with what is being done, again and again."""

MANIFEST, DUMP = "backup.json", "database.dump"
_LOOK_S = 1.0
_PATIENCE_S = 10


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server, as its superuser: libpq's parameters without `dbname`."""

    parameters: Mapping[str, Any]
    programs: tuple[Path, ...] = ()
    """Folders in which `pg_dump` is looked for before those of PATH."""

    def connect(self, database: str) -> psycopg.Connection[Any]:
        """Raises ServerUnavailable, without the address."""
        try:
            return psycopg.connect(
                **{"connect_timeout": _PATIENCE_S, **self.parameters},
                dbname=database,
                autocommit=True,
            )
        except psycopg.Error:  # its words repeat the address
            raise ServerUnavailable(
                "PostgreSQL does not answer, or refuses its superuser.",
                remedy="`ken up` starts the embedded one. With your own server, check "
                "KEN_SUPERUSER_URL: postgresql://USER:PASSWORD@HOST/postgres.",
            ) from None

    def program(self, name: str) -> Path:
        """Return `pg_dump` or `pg_restore`, as new as the server. Raises ServerUnavailable."""
        with self.connect("postgres") as connection:
            wanted = connection.info.server_version // 10_000
        path = os.pathsep.join([*map(str, self.programs), os.environ.get("PATH", "")])
        for folder in path.split(os.pathsep):
            found = shutil.which(name, path=folder)
            if found and (_major(found) or 0) >= wanted:
                return Path(found)
        raise ServerUnavailable(
            f"There is no {name} of PostgreSQL {wanted} or newer on this machine.",
            remedy=f"Install the package postgresql-client-{wanted}, then run this again.",
        )

    def reached(self, database: str) -> list[str]:
        """Return the arguments by which a program reaches a database, without the password."""
        known = {name: one for name, one in self.parameters.items() if name != "password"}
        return ["--no-password", "--dbname", make_conninfo(**known, dbname=database)]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds: `backup.json`."""

    made_at: str
    """ISO 8601, in UTC: the moment of the snapshot."""
    ken: str
    schema: str
    postgres: str
    pgvector: str
    bytes: int
    sha256: str
    rows: dict[str, int]
    """By table."""


def save(server: Server, database: str, folder: Path, progress: Progress) -> Manifest:
    """Save a database as it is at one moment. Raises InputInvalid, ServerUnavailable.

    The folder must not be there yet; it appears when everything is in it.
    """
    folder = folder.expanduser().absolute()
    if folder.exists() or folder.is_symlink():
        raise InputInvalid(
            f"{folder} is already there. Nothing was changed.", remedy="Name a new folder."
        )
    workshop = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}")
    try:
        workshop.mkdir(mode=0o700, parents=True)
        manifest = _saved(server, database, workshop, progress)
        _write(workshop / MANIFEST, json.dumps(asdict(manifest), indent=2) + "\n")
        workshop.rename(folder)
    except OSError as error:
        raise ServerUnavailable(
            f"The backup could not be written: {error.strerror}. Nothing was left behind.",
            remedy="Name a folder on a disk with enough space, where you may write.",
        ) from None
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return manifest


def read(folder: Path, progress: Progress) -> Manifest:
    """Read what a backup holds, and check all of it. Raises InputInvalid with the place."""
    file = folder / MANIFEST
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise _unusable(file, "is not JSON") from None
    manifest = _manifest(file, found)
    progress("Checking the backup")
    dump = folder / DUMP
    try:
        with dump.open("rb") as opened:
            checksum = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise _unusable(dump, f"cannot be read: {error.strerror}") from None
    if checksum != manifest.sha256:
        raise _unusable(dump, "is damaged: its checksum is not that of backup.json")
    if manifest.schema > HEAD:
        raise InputInvalid(
            f"{file}: schema: the backup is of a newer Ken ({manifest.ken}, schema "
            f"{manifest.schema}; this one knows {HEAD}). Nothing was changed.",
            remedy=f"Install Ken {manifest.ken}, or a newer one.",
        )
    return manifest


def restore(
    server: Server,
    database: str,
    folder: Path,
    manifest: Manifest,
    *,
    prepare: Callable[[str], None],
    complete: Callable[[str], None],
    progress: Progress,
) -> None:
    """Put a backup back, as the database of that name, which must hold nothing.

    Everything happens in a database of another name: `prepare` makes it, with the roles, and
    `complete` brings its schema up to date. Only then does it take the place of the empty one.
    Raises InputInvalid, ServerUnavailable; the database of that name is then as it was.
    """
    _refuse_unless_empty(server, database)
    workshop = f"{database}_restoring"
    _clear(server, workshop)  # a killed one left it
    try:
        prepare(workshop)
        progress("Putting the rows back")
        _run(
            *(server, "pg_restore", "--exit-on-error", "--jobs=2"),
            *(*server.reached(workshop), str(folder / DUMP)),
        )
        progress("Checking the rows")
        with server.connect(workshop) as connection:
            _refuse_unless_whole(manifest, _rows(connection))
        complete(workshop)
        progress("Giving the database its name")
        _refuse_unless_empty(server, database)
        with server.connect("postgres") as connection:
            names = {"old": sql.Identifier(database), "new": sql.Identifier(workshop)}
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {old} WITH (FORCE)").format(**names)
            )
            connection.execute(sql.SQL("ALTER DATABASE {new} RENAME TO {old}").format(**names))
    finally:
        with suppress(OperatorError):
            _clear(server, workshop)


def _clear(server: Server, workshop: str) -> None:
    """Drop what is left of a restore. Raises InputInvalid while one is running."""
    with server.connect("postgres") as connection:
        try:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(workshop))
            )
        except psycopg.errors.ObjectInUse:
            raise InputInvalid(
                "Another restore is running. Nothing was changed.",
                remedy="Wait until it has ended.",
            ) from None


def _saved(server: Server, database: str, workshop: Path, progress: Progress) -> Manifest:
    dump = workshop / DUMP
    _write(dump, "")  # with nobody else's right to read it, before there is anything in it
    with _snapshot(server, database) as (connection, snapshot):
        schema = revision(connection)
        if schema is None:
            raise InputInvalid(
                f"The database {database} has no schema, so there is nothing to save.",
                remedy="Run `ken up` or `ken migrate` first.",
            )
        made_at = datetime.now(UTC).isoformat(timespec="seconds")
        progress("Counting the rows")
        rows = _rows(connection)
        postgres, pgvector = _versions(connection)
        _run(
            *(
                server,
                "pg_dump",
                "--format=custom",
                "--compress=1",
                f"--snapshot={snapshot}",
                f"--file={dump}",
            ),
            *server.reached(database),
            saying=lambda: progress(f"Saving: {dump.stat().st_size / 1e6:,.0f} MB so far"),
        )
    progress("Checking the backup")
    _run(server, "pg_restore", "--list", str(dump))
    with dump.open("rb") as opened:
        checksum = hashlib.file_digest(opened, "sha256").hexdigest()
    return Manifest(
        made_at=made_at,
        ken=version("ken"),
        schema=schema,
        postgres=postgres,
        pgvector=pgvector,
        bytes=dump.stat().st_size,
        sha256=checksum,
        rows=rows,
    )


@contextmanager
def _snapshot(server: Server, database: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """Hold one moment of the database, which the rows are counted and saved in."""
    with server.connect(database) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        yield connection, row[0]


_TABLES = """
    SELECT relname FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
     ORDER BY relname
"""
_HELD = (
    *("source", "document", "user_account", "user_group", "question", "installation"),
    *("api_token", "person_token", "channel_setting", "audit"),
)
"""A database has been used if one of these tables has a row; migrations write to others alone."""


def _rows(connection: psycopg.Connection[Any]) -> dict[str, int]:
    counted = {}
    for (table,) in connection.execute(_TABLES).fetchall():
        row = connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier("public", table))
        ).fetchone()
        counted[table] = row[0] if row else 0
    return counted


def _refuse_unless_empty(server: Server, database: str) -> None:
    with server.connect("postgres") as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", (database,))
        if not found.rowcount:
            return
    with server.connect(database) as connection:
        there = {table for (table,) in connection.execute(_TABLES).fetchall()}
        held = [
            table
            for table in _HELD
            if table in there
            and connection.execute(
                sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier("public", table))
            ).rowcount
        ]
    if held:
        raise InputInvalid(
            f"The database {database} is not empty: there are rows in {', '.join(held[:5])}"
            f"{' and others' if len(held) > 5 else ''}. Nothing was changed.",
            remedy="Restore into a new data folder (`ken --home DIR restore`), or, on your own "
            "server, into a new database (KEN_DATABASE_URL).",
        )


def _refuse_unless_whole(manifest: Manifest, found: Mapping[str, int]) -> None:
    for table, rows in manifest.rows.items():
        if found.get(table, 0) != rows:
            raise InputInvalid(
                f"The backup says {rows} rows in {table}, and {found.get(table, 0)} came back. "
                "Nothing was changed.",
                remedy="Take another backup: this one is not whole.",
            )


def _run(
    server: Server,
    program: str,
    *words: str,
    saying: Callable[[], None] = lambda: None,
) -> None:
    """Run one of PostgreSQL's programs to its end, saying each second how far it is.

    Its own words may quote a row, so they are not shown. Raises ServerUnavailable.
    """
    password = str(server.parameters.get("password", ""))
    with subprocess.Popen(
        [server.program(program), *words],
        env={**os.environ, "PGPASSWORD": password, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        told = ""
        try:
            while running.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    _, told = running.communicate(timeout=_LOOK_S)
                saying()
        except BaseException:
            running.kill()
            raise
    if running.returncode:
        why = (
            "the disk is full" if "No space left" in told else f"it ended with {running.returncode}"
        )
        raise ServerUnavailable(
            f"PostgreSQL's {program} did not succeed: {why}. Nothing was changed.",
            remedy="Free space, or see PostgreSQL's log; then run this again.",
        )


def _versions(connection: psycopg.Connection[Any]) -> tuple[str, str]:
    row = connection.execute(
        "SELECT current_setting('server_version'), "
        "(SELECT extversion FROM pg_extension WHERE extname = 'vector')"
    ).fetchone()
    server, vector = row or ("", "")
    return server.split()[0], vector or ""


def _manifest(file: Path, found: Any) -> Manifest:
    if not isinstance(found, dict):
        raise _unusable(file, "is not the description of a backup")
    for field in fields(Manifest):
        value, wanted = found.get(field.name), {"bytes": int, "rows": dict}.get(field.name, str)
        if type(value) is not wanted:
            raise _unusable(file, f"{field.name}: is missing or of another kind")
    if not all(type(rows) is int for rows in found["rows"].values()):
        raise _unusable(file, "rows: are numbers, by table")
    return Manifest(**{field.name: found[field.name] for field in fields(Manifest)})


def _unusable(file: Path, what: str) -> InputInvalid:
    return InputInvalid(
        f"{file} {what}. Nothing was changed.", remedy="Name the folder that `ken backup` made."
    )


def _write(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())


def _major(program: str) -> int | None:
    try:
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    found = re.search(r"\d+", told.stdout)
    return int(found[0]) if found else None
