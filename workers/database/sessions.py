"""Sessions, by role: the one place that opens them."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from policies import Audience, act_for
from workers.errors import SettingsInvalid
from workers.settings import Role, Settings


class Database:
    """Sessions by role. No process of ours connects as the owner but `ken up`, to migrate."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._engines: dict[Role, Engine] = {}

    @contextmanager
    def session(self, role: Role) -> Iterator[Session]:
        """One transaction: committed at the end, undone by any error."""
        with Session(self.engine(role)) as session, session.begin():
            yield session

    @contextmanager
    def reading_for(self, audience: Audience) -> Iterator[Session]:
        """One snapshot, in which row-level security shows what all of the audience may read."""
        with Session(self.engine("answerer")) as session, session.begin():
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            act_for(session, audience)
            yield session

    def engine(self, role: Role) -> Engine:
        if role not in self._engines:
            self._engines[role] = connect(self.settings, role)
        return self._engines[role]

    def close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()


def connect(settings: Settings, role: Role) -> Engine:
    """An engine for one role; connects when first used. Errors never show parameters."""
    base = settings.database_url.get_secret_value()
    if not base:
        raise SettingsInvalid(
            "No database is set up for this home.",
            remedy="Run `ken up`, or set KEN_DATABASE_URL.",
        )
    engine = create_engine(
        _address(base, f"ken_{role}", settings.password(role).get_secret_value()),
        hide_parameters=True,
        pool_size=settings.worker_threads + 1,
        pool_timeout=_PATIENCE_S[role],
        pool_pre_ping=True,
        connect_args={
            # A plan kept across transactions would ignore what the next one sets for itself.
            "prepare_threshold": None,
            "connect_timeout": 3,
            # A server that vanished without a word is given up; else we would wait for ever.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            "application_name": f"ken {role}",
        },
    )
    limits = ", ".join(
        f"set_config('{name}', '{value}', true)" for name, value in limits_of(role).items()
    )
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql(f"SELECT {limits}"))
    return engine


def limits_of(role: Role) -> dict[str, str]:
    """What each transaction of a role sets for itself; times in milliseconds.

    Never as options at the start of a connection: PgBouncer refuses those, or drops them silently.
    """
    return {
        "statement_timeout": str(_PATIENCE_S[role] * 1000),
        "idle_in_transaction_session_timeout": "60000",
        "jit": "off",  # compiling a plan costs more than our short queries take
    }


_PATIENCE_S: dict[Role, int] = {
    "owner": 60,
    "ingress": 3,  # Slack waits 3 seconds, and asks again
    "answerer": 60,
    "syncer": 60,
    "indexer": 60,
}
"""For a connection, and for a statement."""


def _address(base: str, user: str, password: str) -> URL:
    """Raises SettingsInvalid, which never shows the address: it may hold a password."""
    try:
        url = make_url(base)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() != "postgresql":
        raise SettingsInvalid(
            "KEN_DATABASE_URL is no address of a PostgreSQL database.",
            remedy="Write it as postgresql://HOST:PORT/NAME, without a user.",
        )
    return url.set(drivername="postgresql+psycopg", username=user, password=password)
