"""PgBouncer before the database, in each of its modes: what a transaction sets for itself holds."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, make_url, text
from sqlalchemy.orm import Session

from policies import Audience
from policies.audience import Readers
from policies.directory import resolve_audience
from tests.policies.world import World
from workers.cli import doctor
from workers.database.connection import limits_of
from workers.database.roles import ROLES, login
from workers.database.schema import check
from workers.database.sessions import Database, connect
from workers.embedded.process import wait_until
from workers.settings import Role, Settings

_PGBOUNCER = shutil.which("pgbouncer")
_SHOWN = text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")


@pytest.fixture(params=["transaction", "session"])
def pooled(settings: Settings, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """The same database, through PgBouncer with one connection for each role."""
    if _PGBOUNCER is None:
        pytest.skip("no PgBouncer on this machine (Debian's package pgbouncer)")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = make_url(settings.database_url.get_secret_value())
    users = folder / "users.txt"
    users.write_text(
        "".join(
            f'"{login(role)}" "{settings.password(role).get_secret_value()}"\n' for role in ROLES
        )
    )
    written = folder / "pgbouncer.ini"
    written.write_text(
        f"""
[databases]
{url.database} = host={url.query["host"]} port={url.query.get("port", 5432)} dbname={url.database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {users}
pool_mode = {request.param}
default_pool_size = 1
{"user = nobody" if os.geteuid() == 0 else ""}
"""
    )
    pooler = subprocess.Popen([_PGBOUNCER, "-q", written], stderr=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: _listens(port) or pooler.poll() is not None, 20)
        assert pooler.poll() is None, "PgBouncer ended"
        address = f"postgresql://127.0.0.1:{port}/{url.database}"
        yield settings.model_copy(update={"database_url": SecretStr(address)})
    finally:
        pooler.terminate()
        pooler.wait()
        shutil.rmtree(folder)


def _limits_in(transaction: Connection | Session, role: Role) -> dict[str, str]:
    found = transaction.execute(_SHOWN, {"names": list(limits_of(role))})
    return {row.name: row.setting for row in found}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def through(pooled: Settings) -> Iterator[Database]:
    database = Database(pooled)
    yield database
    database.close()


def test_no_connection_asks_for_options_at_its_start(settings: Settings) -> None:
    """PgBouncer refuses them (`unsupported startup parameter`), or is configured to drop them."""
    for role in ROLES:
        engine = connect(settings, role)
        assert "options" not in engine.dialect.create_connect_args(engine.url)[1]
        with engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            assert "options" not in driver.info.get_parameters()
        engine.dispose()


@pytest.mark.parametrize("role", ROLES)
def test_every_transaction_has_its_limits_and_leaves_none(settings: Settings, role: Role) -> None:
    engine = connect(settings, role)
    for _ in range(2):
        with engine.begin() as connection:
            assert _limits_in(connection, role) == limits_of(role)
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        assert raw.execute("SHOW statement_timeout").fetchone() == ("0",)
    engine.dispose()


def test_behind_a_pooler_the_limits_hold_and_no_audience_outlives_its_transaction(
    through: Database, database: Database
) -> None:
    world = World(database)
    ana = world.person("ana")
    for role in ROLES:
        with through.session(role) as session:
            assert _limits_in(session, role) == limits_of(role)
    check(through, "answerer")
    with through.session("answerer") as session:
        audience: Audience = resolve_audience(session, Readers(users=frozenset({ana})))
    with through.reading_for(audience) as session:
        assert session.scalar(text("SELECT current_setting('ken.audience')")) == f"{{{ana}}}"
        assert session.scalar(text("SHOW transaction_isolation")) == "repeatable read"
    with through.session("answerer") as session:  # the same connection of PostgreSQL
        assert not session.scalar(text("SELECT current_setting('ken.audience', true)"))
        assert session.scalar(text("SHOW transaction_isolation")) == "read committed"


def test_doctor_proves_it_through_the_given_address(pooled: Settings) -> None:
    database = Database(pooled)
    for look in (doctor._postgresql, doctor._roles, doctor._transactions):
        finding = look(pooled, database)
        assert finding.ok, finding
    database.close()


def test_doctor_names_what_does_not_hold(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(settings)
    assert doctor._transactions(settings, database).ok
    monkeypatch.setattr(doctor, "limits_of", lambda role: {**limits_of(role), "jit": "on"})
    finding = doctor._transactions(settings, database)
    assert (finding.ok, finding.found) == (False, "ingress: jit")
    database.close()
