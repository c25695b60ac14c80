"""Access data as it was: what was decided and named at each moment is what is said of it later."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from policies import STRANGER, Class
from policies.decide import Decision
from policies.described import Permissions, Person
from policies.explain import decisions, explain, readers
from policies.history import OutsideHistory, began_at, documents_ever, people_in, since
from policies.names import Unresolved, describe, resolve_document, resolve_user
from policies.tables.people import User, UserStatus
from policies.tables.permissions import NodeKind
from policies.tables.sources import Source
from tests.policies.world import World
from tests.policies.worlds import RandomWorld, Shape
from workers.database.sessions import Database


def clock(database: Database) -> datetime:
    with database.session("syncer") as session:
        now: datetime = session.scalars(select(func.clock_timestamp())).one()
        return now


# -- a company, and what happened in it, one change after the other -----------------------------

PEOPLE = ("alice", "bob", "carol", "dana")
DOCUMENTS = ("budget", "plan", "notes")


def _group_deleted(world: World) -> None:
    with world.change() as change:
        change.delete_group(world.ids["team"])


def _group_renamed(world: World) -> None:
    with world.change() as change:
        change.put_group(world.source_id, "finance", name="money")


def _members_changed(world: World) -> None:
    with world.change() as change:
        change.set_members(world.ids["finance"], {world.ids["carol"]})


def _node_moved(world: World) -> None:
    with world.change() as change:
        change.move(world.ids["plan"], world.ids["closed"])


def _entry_denies(world: World) -> None:
    with world.change() as change:
        change.set_permissions(
            world.ids["open"],
            Permissions(
                allow=frozenset({Class.MEMBERS}), deny=frozenset({world.ids["dana"]}), inherit=False
            ),
        )


def _node_unknown(world: World) -> None:
    with world.change() as change:
        change.set_unknown(world.ids["closed"])


def _user_suspended(world: World) -> None:
    with world.change() as change:
        change.set_status(world.ids["carol"], UserStatus.SUSPENDED)


def _user_renamed(world: World) -> None:
    with world.change() as change:
        change.put_user(world.source_id, Person("dana", "Dana Vogt", guest=True))


def _account_unlinked(world: World) -> None:
    with world.change() as change:
        change.unlink(world.source_id, "bob")


def _account_given_on(world: World) -> None:
    with world.change() as change:
        change.link(world.ids["alice"], world.source_id, "bob", by="admin")


def _source_paused(world: World) -> None:
    with world.change() as change:
        change.set_freshness(world.source_id, paused=True, max_staleness=None)


def _source_goes_on(world: World) -> None:
    with world.change() as change:
        change.set_freshness(world.source_id, paused=False, max_staleness=timedelta(hours=3))
        change.mark_synced(world.source_id)


def _document_deleted(world: World) -> None:
    with world.change() as change:
        change.delete_document(world.ids["notes"])


def _document_made_anew(world: World) -> None:
    world.page("notes", Permissions(allow=frozenset({world.ids["dana"]})))


CHANGES: tuple[Callable[[World], None], ...] = (
    _group_renamed,
    _group_deleted,
    _members_changed,
    _account_unlinked,
    _entry_denies,
    _node_moved,
    _user_suspended,
    _user_renamed,
    _source_paused,
    _source_goes_on,
    _document_deleted,
    _account_given_on,
    _document_made_anew,
    _node_unknown,
)
State = dict[tuple[str, str], object]


@dataclass
class Diary:
    """What was said of everybody and everything, with the time at which it was said."""

    world: World
    pages: list[tuple[datetime, State]] = field(default_factory=list)

    def note(self) -> None:
        with self.world.database.session("syncer") as session:
            self.pages.append((clock(self.world.database), state_of(session)))

    def differences(self, session: Session) -> Iterator[tuple[datetime, tuple[str, str]]]:
        """Where what is said today of a moment is not what was said at that moment."""
        for at, then in self.pages:
            for pair, said in then.items():
                if _why(session, *pair, at) != said:
                    yield at, pair


def state_of(session: Session) -> State:
    return {
        (person, document): _why(session, person, document, None)
        for person in PEOPLE
        for document in DOCUMENTS
    }


def _why(session: Session, person: str, document: str, at: datetime | None) -> object:
    try:
        user_id = resolve_user(session, person, at)
        document_id = resolve_document(session, document, at)
    except Unresolved as unknown:
        return unknown.name
    decision = explain(session, user_id, document_id, at)
    return decision, describe(session, {*decision.path, *decision.wanted}, at)


@pytest.fixture
def diary(world: World) -> Diary:
    team = world.group("team")
    finance = world.group("finance", [team])
    world.person("alice", groups=[team])
    world.person("bob", groups=[finance])
    world.person("carol")
    world.person("dana")
    opened = world.folder("open", Permissions(allow=frozenset({Class.MEMBERS})))
    closed = world.folder("closed", Permissions(gates=(frozenset({world.ids["dana"]}),)))
    world.page("budget", Permissions(allow=frozenset({finance}), gates=()), inside=None)
    world.page("plan", inside=opened)
    world.page("notes", Permissions(allow=frozenset({team, world.ids["dana"]})), inside=closed)
    diary = Diary(world)
    diary.note()
    for change in CHANGES:
        change(world)
        diary.note()
    return diary


def test_each_moment_is_shown_as_it_was_then_and_what_is_forgotten_is_noticed(
    diary: Diary, subtests: pytest.Subtests
) -> None:
    """Groups deleted and renamed, nodes moved, accounts unlinked and given on, users suspended."""
    with diary.world.database.session("syncer") as session:
        assert list(diary.differences(session)) == []
    pages = [said for _, said in diary.pages]
    unseen = [one.__name__ for n, one in enumerate(CHANGES) if pages[n] == pages[n + 1]]
    assert unseen == [], "each change is seen"
    for relation, lost in FORGOTTEN:
        with subtests.test(f"{relation} {lost}"), diary.world.database.session("owner") as session:
            forget = f"DELETE FROM past WHERE relation = '{relation}' AND before IS {lost}"  # noqa: S608
            assert session.execute(text(forget)).rowcount > 0  # type: ignore[attr-defined]
            assert next(diary.differences(session), None) is not None
            session.rollback()


FORGOTTEN = [
    *((one, "NOT NULL") for one in ("source", "user_account", "identity", "user_group")),
    *((one, "NOT NULL") for one in ("membership", "node", "entry")),
    *((one, "NULL") for one in ("membership", "node", "entry")),
]
"""Of a table, what rows were before, and that they were not there: each is needed."""


@pytest.mark.parametrize("seed", [2])
def test_random_worlds_are_explained_as_they_were(database: Database, seed: int) -> None:
    """Every subject, some documents, by every change of the generator; paths and nodes too."""
    world = RandomWorld(database, seed, shape=Shape.PLAIN)
    subjects = [world.principals[one] for one in world.subjects]
    pages: list[tuple[datetime, dict[int, dict[int, Decision]], dict[int, set[int]]]] = []
    for _ in range(4):
        for _ in range(6):
            world.step()
        documents = [world.nodes[one] for one in sorted(world.facts.documents)]
        asked = world.random.sample(documents, 4)
        with database.session("syncer") as session:
            said = {one: decisions(session, subjects, one) for one in asked}
            who = {one: set(readers(session, one)) for one in asked[:1]}
        pages.append((clock(database), said, who))
    for _ in range(6):
        world.step()
    with database.session("syncer") as session:
        for at, said, who in pages:
            assert {one: decisions(session, subjects, one, at) for one in said} == said
            assert {one: set(readers(session, one, at)) for one in who} == who
        today = {one: decisions(session, subjects, one) for one in pages[0][1]}
    assert today != pages[0][1], "a history that is today's tables would be noticed"


# -- times ---------------------------------------------------------------------------------------


def test_a_time_to_come_and_one_before_the_history_are_refused(world: World) -> None:
    page = world.page("page", Permissions(allow=frozenset({Class.INTERNET})))
    with world.database.session("syncer") as session:
        began = began_at(session)
        assert explain(session, STRANGER, page, clock(world.database))
        assert not explain(session, STRANGER, page, began), "the page was not there yet"
        last = session.scalars(text("SELECT at FROM epoch")).one()
        assert explain(session, STRANGER, page, last), "a change counts from its time"
        assert not explain(session, STRANGER, page, last - timedelta(microseconds=1))
        for at in (began - timedelta(microseconds=1), datetime.now(UTC) + timedelta(hours=1)):
            with pytest.raises(OutsideHistory) as refused:
                explain(session, STRANGER, page, at)
            assert (refused.value.at, refused.value.began) == (at, began)


def test_a_history_without_any_change_began_with_the_last_one(database: Database) -> None:
    with database.session("syncer") as session:
        assert began_at(session) == session.scalar(text("SELECT at FROM epoch"))


def _later(world: World, period: timedelta) -> None:
    """As if all that is remembered had happened that much earlier."""
    with world.database.session("owner") as session:
        session.execute(text("UPDATE past SET at = at - :period"), {"period": period})


def test_a_source_is_stale_by_the_clock_of_the_moment(world: World) -> None:
    page = world.page("page", Permissions(allow=frozenset({Class.INTERNET})))
    now = clock(world.database)
    with world.change() as change:
        change.set_freshness(world.source_id, paused=False, max_staleness=timedelta(hours=1))
        change.mark_synced(world.source_id, at=now - timedelta(minutes=90))
    _later(world, timedelta(hours=2))
    with world.database.session("syncer") as session:
        at = now - timedelta(minutes=45)
        assert explain(session, STRANGER, page).reason == "stale"
        assert explain(session, STRANGER, page, at).reason == "allowed"
        assert explain(session, STRANGER, page, at + timedelta(minutes=30)).reason == "stale"


# -- one row, one name, one class -----------------------------------------------------------------


def test_since_when_a_row_has_its_value(world: World) -> None:
    key, before = [world.source_id], clock(world.database)
    for paused in (True, True, False, True):
        with world.change() as change:
            change.set_freshness(world.source_id, paused=paused, max_staleness=None)
    with world.database.session("syncer") as session:
        last = session.scalars(select(func.max(text("at"))).select_from(text("past"))).one()
        assert since(session, Source, key, "paused", value=True) == last
        made = since(session, Source, key, "paused", value=False, at=before)
        assert made is not None
        assert made < before
        ever = since(session, Source, key, "name", "world")
        assert ever == began_at(session)
        assert since(session, User, key, "status", "active") is None


def test_a_document_is_found_by_every_node_that_had_its_name(world: World) -> None:
    with world.change() as change:
        other = change.put_source("other")
        folder = change.put_node(other, "page", kind=NodeKind.CONTAINER, parent_id=None)
        elsewhere = change.put_node(other, "pages", kind=NodeKind.DOCUMENT, parent_id=None)
    first = world.page("page")
    with world.change() as change:
        change.delete_document(first)
        change.move(folder, None)
    second = world.page("page")
    with world.database.session("syncer") as session:
        assert documents_ever(session, "page") == {first, second}
        assert documents_ever(session, "world:page") == {first, second}
        assert documents_ever(session, "other:page") == set()
        assert documents_ever(session, "pages") == {elsewhere}


def test_people_of_a_class_are_those_of_each_moment(world: World) -> None:
    ann, guest = world.person("ann"), world.person("gus", guest=True)
    first = clock(world.database)
    ben = world.person("ben")
    with world.change() as change:
        change.set_status(ann, UserStatus.SUSPENDED)
    second = clock(world.database)
    cat = world.person("cat")
    with world.database.session("syncer") as session:

        def people(one: Class, *moments: datetime) -> set[int]:
            return set(people_in(session, one, moments))

        assert people(Class.MEMBERS) == set()
        assert people(Class.MEMBERS, first) == {ann}
        assert people(Class.MEMBERS, second) == {ben}
        assert people(Class.MEMBERS, first, first, second) == {ann, ben}
        assert people(Class.INTERNET, clock(world.database)) == {ben, cat, guest}
        assert people_in(session, Class.MEMBERS, [second]) == {ben: "Ben"}


def test_only_who_administers_reads_what_was(world: World) -> None:
    page = world.page("page", Permissions(allow=frozenset({Class.INTERNET})))
    at = clock(world.database)
    with world.database.session("syncer") as session:
        assert explain(session, STRANGER, page, at)
    with (
        world.database.session("answerer") as session,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        explain(session, STRANGER, page, at)
