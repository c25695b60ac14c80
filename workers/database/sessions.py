"""Opens database sessions by role; no other file does."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import sqlalchemy
from psycopg import Cursor
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session, SessionTransaction

from policies import ONE_SNAPSHOT, Audience, act_for
from workers.database.connection import (
    PATIENCE_S,
    Connection,
    arguments,
    limiting,
    no_address,
    not_set_up,
)
from workers.settings import Role, Settings

_CUSTOM, _PATIENCE = "ken_custom", "ken_patience"
"""The execution options that carry a transaction's own settings, and how long its statements may
take."""


class Database:
    """Sessions by role. Only `ken up` and `ken migrate` connect as the owner."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._engines: dict[Role, Engine] = {}

    @contextmanager
    def session(self, role: Role, **custom: str) -> Iterator[Session]:
        """Open one transaction: committed at the end, rolled back on any error.

        `custom` are settings of ours for this transaction, by their names behind `ken.`. They go
        with its limits in one statement.
        """
        with self._begun(role, {_CUSTOM: custom}) as session:
            yield session

    @contextmanager
    def reading_for(
        self, audience: Audience, *, patience_s: int | None = None
    ) -> Iterator[Session]:
        """Open one snapshot, in which row-level security shows what all the audience may read.

        `patience_s`: how long each statement may take; None for as long as any of the role's.
        """
        options = {ONE_SNAPSHOT: True, _PATIENCE: patience_s}
        with self._begun("answerer", options) as session:
            act_for(session, audience)
            yield session

    @contextmanager
    def snapshot(self, role: Role) -> Iterator[Session]:
        """Open one transaction in which every statement sees the same data."""
        with self._begun(role, {ONE_SNAPSHOT: True}) as session:
            yield session

    @contextmanager
    def _begun(self, role: Role, options: Mapping[str, Any]) -> Iterator[Session]:
        """A connection that died while it was kept is replaced, once: asking each time whether it
        lives would cost as much as beginning.
        """
        session = Session(self.engine(role))
        try:
            session.connection(execution_options=options)
        except DBAPIError as error:
            session.close()
            if not error.connection_invalidated:
                raise
            session.connection(execution_options=options)
        with session, _transaction_of(session):
            yield session

    def engine(self, role: Role) -> Engine:
        if role not in self._engines:
            self._engines[role] = connect(self.settings, role)
        return self._engines[role]

    def close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()


def connect(settings: Settings, role: Role) -> Engine:
    """Return an engine for one role. It connects on first use; errors never show parameters."""
    base = settings.database_url.get_secret_value()
    if not base:
        raise not_set_up()
    engine = create_engine(
        _address(base, f"ken_{role}", settings.password(role).get_secret_value()),
        hide_parameters=True,
        pool_size=settings.worker_threads + 1,
        pool_timeout=PATIENCE_S[role],
        connect_args=arguments(role),
    )
    event.listen(engine, "begin", partial(_begin, role))
    event.listen(engine, "do_execute_no_params", _execute_unprepared)
    return engine


def _begin(role: Role, begun: sqlalchemy.Connection) -> None:
    """Begin a transaction and set its own settings, in one round trip.

    With an isolation level, SQLAlchemy has already made psycopg begin.
    """
    options = begun.get_execution_options()
    words = limiting(role, options.get(_CUSTOM, {}), options.get(_PATIENCE))
    if "isolation_level" not in options:
        kept = begun.connection.dbapi_connection
        assert kept is not None
        kept.autocommit = True  # a transaction of another isolation level has changed that
        level = " ISOLATION LEVEL REPEATABLE READ" if options.get(ONE_SNAPSHOT) else ""
        words = f"BEGIN{level}; {words}"
    begun.exec_driver_sql(words, execution_options={"no_parameters": True})


def _execute_unprepared(cursor: Cursor, words: str, _: Any) -> bool:
    """Begin without a prepared statement: two commands in one cannot be prepared."""
    cursor.execute(words.encode(), prepare=False)
    return True  # so SQLAlchemy need not begin


def driver_of(session: Session) -> Connection:
    """Return the session's psycopg connection, within its transaction."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return connection


def _transaction_of(session: Session) -> SessionTransaction:
    found = session.get_transaction()
    assert found is not None
    return found


def _address(base: str, user: str, password: str) -> URL:
    """Return the address for SQLAlchemy. Raises SettingsInvalid, which never shows it."""
    try:
        url = make_url(base)
    except (ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() != "postgresql":
        raise no_address()
    return url.set(drivername="postgresql+psycopg", username=user, password=password)
