"""Row-level security works its rule out once for a snapshot, and nobody can put another there.

The result is kept as a setting, which whoever speaks SQL as the answerer can write. It counts only
under its seal: for this audience, this snapshot and this time.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import Session

from policies import Audience, act_for
from policies.described import Permissions
from policies.tables.content import Chunk
from tests.policies.world import World
from workers.database.sessions import Database, connect

_KEPT = text("SELECT current_setting('ken.readable', true)")
_KEEP = text("SELECT set_config('ken.readable', :kept, true)")


def only(*principals: int) -> Permissions:
    return Permissions(allow=frozenset(principals))


def texts(session: Session) -> list[str]:
    return sorted(session.scalars(select(Chunk.text)))


def test_it_is_worked_out_once_for_a_snapshot(world: World) -> None:
    alice = world.person("alice")
    world.page("hers", only(alice))
    with world.database.reading_for(Audience.of([alice])) as session:
        assert not session.scalar(_KEPT)
        assert texts(session) == ["hers"]
        kept = session.scalar(_KEPT)
        assert kept
        assert texts(session) == ["hers"]
        assert session.scalar(_KEPT) == kept


def test_another_audience_in_the_same_transaction_gets_its_own(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    world.page("hers", only(alice))
    world.page("his", only(bob))
    with world.database.reading_for(Audience.of([alice])) as session:
        assert texts(session) == ["hers"]
        act_for(session, Audience.of([bob]))
        assert texts(session) == ["his"]
        act_for(session, Audience.of([alice, bob]))
        assert texts(session) == []


def test_a_change_counts_for_the_next_statement_where_each_has_its_snapshot(world: World) -> None:
    alice = world.person("alice")
    page = world.page("hers", only(alice))
    with world.database.session("answerer") as session:
        act_for(session, Audience.of([alice]))
        assert texts(session) == ["hers"]
        with world.change() as change:
            change.set_permissions(page, only())
        assert texts(session) == []


def test_what_another_may_read_cannot_be_carried_over(world: World) -> None:
    """Neither to another audience, nor to a later transaction, nor with other bits."""
    alice, bob = world.person("alice"), world.person("bob")
    world.page("hers", only(alice))
    with world.database.reading_for(Audience.of([alice])) as session:
        assert texts(session) == ["hers"]
        kept = session.scalars(_KEPT).one()
    everything = kept[:64] + "f" * len(kept[64:])
    for audience, forged in ((bob, kept), (bob, everything), (alice, everything)):
        with world.database.reading_for(Audience.of([audience])) as session:
            session.execute(_KEEP, {"kept": forged})
            assert texts(session) == (["hers"] if audience == alice else [])


def test_without_the_seal_a_forged_result_would_open_everything(world: World) -> None:
    """Or the test above would show nothing."""
    bob = world.person("bob")
    world.page("nobodys")
    with without_seal(world.database), world.database.reading_for(Audience.of([bob])) as session:
        session.execute(_KEEP, {"kept": "0" * 64 + "f" * 64})
        assert texts(session) == ["nobodys"]
    with world.database.reading_for(Audience.of([bob])) as session:
        session.execute(_KEEP, {"kept": "0" * 64 + "f" * 64})
        assert texts(session) == []


@contextmanager
def without_seal(database: Database) -> Iterator[None]:
    owner = connect(database.settings, "owner")
    with owner.begin() as connection:
        shipped = connection.execute(
            text("SELECT pg_get_functiondef('readable_set'::regproc)")
        ).scalar_one()
        check = "IF substr(kept, 1, 64) = sealed(about, bits) THEN"
        assert check in shipped
        connection.exec_driver_sql(shipped.replace(check, "IF true THEN").replace("%", "%%"))
    try:
        yield
    finally:
        with owner.begin() as connection:
            connection.exec_driver_sql(shipped.replace("%", "%%"))
        owner.dispose()


@pytest.mark.parametrize("nonsense", ["x", "0" * 63, "0" * 64 + "f", "0" * 64 + "zz"])
def test_nonsense_opens_nothing(world: World, nonsense: str) -> None:
    """It is refused, or not looked at."""
    bob = world.person("bob")
    world.page("nobodys")
    found: list[str] = []
    with suppress(DBAPIError), world.database.reading_for(Audience.of([bob])) as session:
        session.execute(_KEEP, {"kept": nonsense})
        found = texts(session)
    assert found == []


@pytest.mark.parametrize("role", ["ingress", "answerer", "syncer", "indexer"])
def test_nobody_but_the_owner_knows_the_secret_or_seals(database: Database, role: str) -> None:
    for words in ("SELECT secret FROM seal", "SELECT sealed('', '')"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            database.session(role) as session,  # type: ignore[arg-type]
        ):
            session.execute(text(words))
