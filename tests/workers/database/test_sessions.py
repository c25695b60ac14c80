"""A transaction begins on a connection that lives, in the isolation that it was asked for."""

import os
import socket

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from policies import Audience
from workers.database.sessions import Database
from workers.settings import Settings

AUDIENCE = Audience.of([3])


def _isolation(database: Database, *, snapshot: bool) -> str:
    with database.snapshot("answerer") if snapshot else database.session("answerer") as session:
        return str(session.scalar(text("SELECT current_setting('transaction_isolation')")))


def _break_kept_connection(database: Database) -> None:
    """As a server that went away and came back leaves it."""
    with database.session("answerer") as session:
        kept = session.connection().connection.dbapi_connection
    assert kept is not None
    with socket.socket(fileno=os.dup(kept.fileno())) as shared:
        shared.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_connection_that_died_while_it_was_kept_is_replaced(
    database: Database, snapshot: bool
) -> None:
    _break_kept_connection(database)
    expected = "repeatable read" if snapshot else "read committed"
    assert _isolation(database, snapshot=snapshot) == expected


def test_a_database_that_is_not_there_raises(settings: Settings) -> None:
    url = make_url(settings.database_url.get_secret_value()).set(database="nothing_there")
    shown = SecretStr(url.render_as_string(hide_password=False))
    away = Database(settings.model_copy(update={"database_url": shown}))
    with pytest.raises(OperationalError), away.session("answerer"):
        pass


def test_one_isolation_does_not_stay_for_the_next_transaction(database: Database) -> None:
    found = [_isolation(database, snapshot=one) for one in (True, False, True, False)]
    assert found == ["repeatable read", "read committed"] * 2


def test_an_error_undoes_the_transaction_and_an_end_commits_it(database: Database) -> None:
    insert = text("INSERT INTO source (name) VALUES (:name)")

    def fail() -> None:
        with database.session("syncer") as session:
            session.execute(insert, {"name": "undone"})
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with database.session("syncer") as session:
        session.execute(insert, {"name": "committed"})
    with database.session("syncer") as session:
        assert session.scalars(text("SELECT name FROM source")).all() == ["committed"]


def test_what_a_transaction_sets_for_itself_ends_with_it(database: Database) -> None:
    shown = text("SELECT current_setting('ken.question', true)")
    with database.session("answerer", question="it's 7") as session:
        assert session.scalar(shown) == "it's 7"
    with database.session("answerer") as session:
        assert not session.scalar(shown)
    with pytest.raises(ValueError, match="backslash"), database.session("answerer", question="\\"):
        pass
