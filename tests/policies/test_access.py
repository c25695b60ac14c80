"""Each rule of design, section 4, with somebody allowed and somebody refused, side by side."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from policies import STRANGER, Audience, Class, current_epoch, readable_chunks, visible_in
from policies.change import NodeCycle
from policies.described import Permissions
from policies.explain import explain, unreadable
from policies.freshness import any_source_out_of_date
from policies.tables.content import Chunk
from policies.tables.people import UserStatus
from policies.tables.permissions import Node, NodeKind
from tests.policies.world import World
from workers.database.sessions import connect


def only(*principals: int, inherit: bool = True) -> Permissions:
    return Permissions(allow=frozenset(principals), inherit=inherit)


def test_what_a_group_may_read_reaches_its_members_and_nobody_else(world: World) -> None:
    finance = world.group("finance")
    alice = world.person("alice", groups=[finance])
    bob = world.person("bob")
    world.page("budget", only(finance))

    assert world.texts(alice) == ["budget"]
    assert world.texts(bob) == []
    assert world.texts(STRANGER) == []


@pytest.fixture(params=[2, 4])
def large_ids(world: World, request: pytest.FixtureRequest) -> Iterator[int]:
    """The id before the next one, which needs more bytes than these."""
    last = 1 << (8 * request.param)
    with connect(world.database.settings, "owner").begin() as owner:
        before = owner.scalar(text("SELECT last_value FROM principal_id_seq"))
        owner.execute(_SET_LAST, {"id": last})
    yield last
    with connect(world.database.settings, "owner").begin() as owner:
        owner.execute(_SET_LAST, {"id": before})


_SET_LAST = text("SELECT setval('principal_id_seq', :id)")


def test_a_class_and_somebody_of_a_large_company_are_an_audience(
    world: World, large_ids: int
) -> None:
    """psycopg takes a list of numbers of one type: how many bytes an id needs must not matter."""
    guest = world.person("guest")
    world.page("menu", only(Class.INTERNET))
    world.page("plan", only(Class.MEMBERS))

    assert guest > large_ids
    assert world.texts(Class.MEMBERS, guest) == ["menu", "plan"]


def test_members_of_a_nested_group_read_and_a_cycle_ends(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    inner = world.group("inner", [alice])
    middle = world.group("middle", [inner])
    outer = world.group("outer", [middle])
    with world.change() as change:
        change.set_members(inner, [alice, outer])
    world.page("plan", only(outer))

    assert world.texts(alice) == ["plan"]
    assert world.texts(bob) == []


def test_deny_wins_over_allow_whichever_group_each_comes_from(world: World) -> None:
    staff, interns = world.group("staff"), world.group("interns")
    alice = world.person("alice", groups=[staff])
    ivy = world.person("ivy", groups=[staff, interns])
    world.page("salaries", Permissions(allow=frozenset({staff}), deny=frozenset({interns})))

    assert world.texts(alice) == ["salaries"]
    assert world.texts(ivy) == []


def test_every_gate_must_be_met_by_one_of_its_list(world: World) -> None:
    red, green, blue = (world.group(name) for name in ("red", "green", "blue"))
    alice = world.person("alice", groups=[red, blue])
    bob = world.person("bob", groups=[red, green])
    carl = world.person("carl", groups=[green, blue])
    gates = (frozenset({red}), frozenset({blue}))
    world.page("plan", Permissions(allow=frozenset({red, green}), gates=gates))

    assert world.texts(alice) == ["plan"]
    assert world.texts(bob) == []
    assert world.texts(carl) == []


def test_broken_inheritance_stops_allows_and_neither_denies_nor_gates(world: World) -> None:
    alice, bob, carl = (world.person(name) for name in ("alice", "bob", "carl"))
    top = world.folder(
        "top",
        Permissions(
            allow=frozenset({alice, carl}), deny=frozenset({bob}), gates=(frozenset({alice, bob}),)
        ),
    )
    broken = world.folder("broken", only(alice, bob, carl, inherit=False), inside=top)
    world.page("kept", only(), inside=top)
    world.page("cut", only(), inside=broken)

    assert world.texts(alice) == ["cut", "kept"]
    assert world.texts(bob) == []
    assert world.texts(carl) == []


def test_a_document_of_its_own_breaks_from_its_folder(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    folder = world.folder("folder", only(alice))
    world.page("open", inside=folder)
    world.page("closed", only(bob, inherit=False), inside=folder)

    assert world.texts(alice) == ["open"]
    assert world.texts(bob) == ["closed"]


def test_an_unknown_node_hides_everything_below_it(world: World) -> None:
    alice = world.person("alice")
    folder = world.folder("folder", only(alice))
    inner = world.folder("inner", inside=folder)
    world.page("page", only(alice), inside=inner)
    assert world.texts(alice) == ["page"]

    with world.change() as change:
        change.set_unknown(inner)

    assert world.texts(alice) == []


def test_a_gate_that_lists_nobody_is_met_by_nobody(world: World) -> None:
    alice = world.person("alice")
    world.page("page", Permissions(allow=frozenset({alice}), gates=(frozenset(),)))
    world.page("other", only(alice))

    assert world.texts(alice) == ["other"]


def test_a_deleted_group_in_a_deny_closes_the_node_and_in_an_allow_is_dropped(
    world: World,
) -> None:
    alice = world.person("alice")
    gone = world.group("gone")
    world.page("allowed", only(alice, gone))
    world.page("denied", Permissions(allow=frozenset({alice}), deny=frozenset({gone})))
    assert world.texts(alice) == ["allowed", "denied"]

    with world.change() as change:
        change.delete_group(gone)

    assert world.texts(alice) == ["allowed"]


@pytest.mark.parametrize("status", [UserStatus.SUSPENDED, UserStatus.DELETED])
def test_only_an_active_user_reads_even_what_the_internet_may(
    world: World, status: UserStatus
) -> None:
    alice = world.person("alice")
    world.page("press", only(Class.INTERNET))
    world.page("own", only(alice))
    assert world.texts(alice) == ["own", "press"]

    with world.change() as change:
        change.set_status(alice, status)

    assert world.texts(alice) == []


def test_each_class_reads_what_is_for_it_and_for_wider_ones(world: World) -> None:
    member, guest = world.person("member"), world.person("guest", guest=True)
    world.page("1 internet", only(Class.INTERNET))
    world.page("2 guests", only(Class.MEMBERS_AND_GUESTS))
    world.page("3 members", only(Class.MEMBERS))

    assert world.texts(member) == ["1 internet", "2 guests", "3 members"]
    assert world.texts(guest) == ["1 internet", "2 guests"]
    assert world.texts(STRANGER) == ["1 internet"]
    assert world.texts(Class.MEMBERS) == ["1 internet", "2 guests", "3 members"]


def test_an_audience_reads_what_each_of_it_may(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    world.page("both", only(alice, bob))
    world.page("hers", only(alice))
    world.page("everyones", only(Class.INTERNET))

    assert world.texts(alice, bob) == ["both", "everyones"]
    assert world.texts(alice, STRANGER) == ["everyones"]


def test_a_class_does_not_read_what_one_of_its_people_is_denied(world: World) -> None:
    """A public channel can be joined by whom a deny names: threat 11."""
    bob = world.person("bob")
    outside = world.group("outside", [world.person("gina", guest=True)])
    inside = world.group("inside", [world.group("core", [bob])])
    nobody = world.group("nobody")
    members = frozenset({Class.MEMBERS})
    world.page("but bob", Permissions(allow=members, deny=frozenset({bob})))
    world.page("but inside", Permissions(allow=members, deny=frozenset({inside})))
    world.page("but guests", Permissions(allow=members, deny=frozenset({outside})))
    world.page("but nobody", Permissions(allow=members, deny=frozenset({nobody})))
    world.page("but a class", Permissions(allow=members, deny=frozenset({Class.INTERNET})))

    assert world.texts(Class.MEMBERS) == ["but guests", "but nobody"]
    assert world.texts_by_row_security(Class.MEMBERS) == ["but guests", "but nobody"]


def test_a_source_that_is_paused_or_stale_is_left_out(world: World) -> None:
    alice = world.person("alice")
    world.page("page", only(alice))

    def after(*, paused: bool, max_staleness: timedelta | None, synced: bool) -> list[str]:
        with world.change() as change:
            change.set_freshness(world.source_id, paused=paused, max_staleness=max_staleness)
            if synced:
                change.mark_synced(world.source_id)
        return world.texts(alice)

    hour = timedelta(hours=1)
    assert after(paused=True, max_staleness=None, synced=False) == []
    assert after(paused=False, max_staleness=hour, synced=False) == []
    assert after(paused=False, max_staleness=hour, synced=True) == ["page"]
    assert after(paused=False, max_staleness=timedelta(0), synced=False) == []


def test_a_source_is_out_of_date_when_its_last_sync_is_too_old(world: World) -> None:
    def out_of_date(max_staleness: timedelta | None) -> bool:
        with world.change() as change:
            change.set_freshness(world.source_id, paused=False, max_staleness=max_staleness)
            change.mark_synced(world.source_id)
        with world.database.session("answerer") as session:
            return any_source_out_of_date(session)

    assert not out_of_date(None)
    assert not out_of_date(timedelta(hours=1))
    assert out_of_date(timedelta(0))


def test_a_moved_folder_takes_its_pages_with_it(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    hers, his = world.folder("hers", only(alice)), world.folder("his", only(bob))
    box = world.folder("box", inside=hers)
    inner = world.folder("inner", only(inherit=True), inside=box)
    world.page("plain", inside=box)
    world.page("deep", inside=inner)
    assert world.texts(alice) == ["deep", "plain"]

    with world.change() as change:
        change.move(box, his)

    assert world.texts(alice) == []
    assert world.texts(bob) == ["deep", "plain"]


def test_a_node_cannot_move_below_itself(world: World) -> None:
    outer = world.folder("outer")
    inner = world.folder("inner", inside=outer)
    with pytest.raises(NodeCycle), world.change() as change:
        change.move(outer, inner)


def test_a_node_cannot_move_into_another_source(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    mine = world.folder("mine", only(alice))
    page = world.page("page", inside=mine)
    home = world.source_id
    with world.change() as change:
        world.source_id = change.put_source("elsewhere")
    theirs = world.folder("theirs", only(bob))
    world.source_id = home
    with pytest.raises(ValueError, match="another source"), world.change() as change:
        change.move(page, theirs)
    with pytest.raises(ValueError, match="another source"), world.change() as change:
        change.put_node(home, "page", kind=NodeKind.CONTAINER, parent_id=theirs)
    assert (world.texts(alice), world.texts(bob)) == (["page"], [])
    with world.database.session("syncer") as session:
        node = session.get_one(Node, page)
        assert (node.parent_id, node.kind) == (mine, NodeKind.DOCUMENT)


def test_changed_folder_entries_count_at_once_and_touch_no_document(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    folder = world.folder("folder", only(alice))
    page = world.page("page", inside=folder)
    before = _row_version(world, page)

    with world.change() as change:
        change.set_permissions(folder, only(bob))

    assert (world.texts(alice), world.texts(bob)) == ([], ["page"])
    assert _row_version(world, page) == before


def test_equal_permissions_share_one_policy(world: World) -> None:
    alice = world.person("alice")
    folder = world.folder("folder", only(alice))
    pages = [world.page(f"page {n}", inside=folder) for n in range(3)]
    own = [world.page(f"own {n}", only(alice), inside=folder) for n in range(3)]

    assert len(_policies(world, pages)) == 1
    assert len(_policies(world, own)) == 1
    assert _policies(world, pages) != _policies(world, own)


def test_every_change_takes_the_next_epoch(world: World) -> None:
    with world.change() as change:
        first = change.epoch
    with world.change() as change:
        assert change.epoch == first + 1
        with world.database.session("answerer") as session:
            assert current_epoch(session) == first, "not before it is committed"
    with world.database.session("answerer") as session:
        assert current_epoch(session) == first + 1


# -- the layers, each alone -------------------------------------------------------------------


def test_row_security_alone_shows_what_the_query_shows(world: World) -> None:
    """Threat 32: the answerer's own queries, without any filter."""
    alice, bob = world.person("alice"), world.person("bob")
    world.page("hers", only(alice))
    world.page("his", only(bob))

    assert world.texts_by_row_security(alice) == ["hers"]
    assert world.texts_by_row_security(bob) == ["his"]
    assert world.texts_by_row_security(alice, bob) == []


def test_a_plan_that_is_kept_serves_each_audience_its_own(world: World) -> None:
    """Threat 32: a prepared plan across users, both walls; folded to a constant it leaks."""
    alice, bob = world.person("alice"), world.person("bob")
    world.page("hers", only(alice))
    world.page("his", only(bob))

    def asked_in_turn() -> list[list[str]]:
        world.database.close()
        with world.database.session("answerer") as session:
            session.execute(text("SET plan_cache_mode = force_generic_plan"))
            connection = session.connection().connection.dbapi_connection
            connection.prepare_threshold = 0  # type: ignore[union-attr]
        forms = (world.texts, world.texts_by_row_security)
        return [form(person) for _ in range(8) for form in forms for person in (alice, bob)]

    assert asked_in_turn() == [["hers"], ["his"]] * 16
    with world.database.session("answerer") as session:
        kept = "SELECT generic_plans FROM pg_prepared_statements WHERE statement ~ '^SELECT chunk'"
        assert min(session.scalars(text(kept)).all()) > 2

    owner = connect(world.database.settings, "owner")
    try:
        with owner.begin() as connection:
            shipped = connection.scalar(text(SHIPPED))
            connection.execute(text(FOLDED))
        alices, bobs = asked_in_turn()[-2:]
        assert alices == bobs != []
    finally:
        with owner.begin() as connection:
            connection.execute(text(f"ALTER POLICY readable ON document USING ({shipped})"))
            connection.execute(text("DROP FUNCTION folded"))
        owner.dispose()
        world.database.close()  # what was set for its connection ends with it


FOLDED = """
    CREATE FUNCTION folded() RETURNS bigint[] LANGUAGE sql IMMUTABLE
    AS 'SELECT array(SELECT readable_policies())';
    ALTER POLICY readable ON document USING (policy_id = ANY (folded()));
"""
SHIPPED = "SELECT qual FROM pg_policies WHERE (tablename, policyname) = ('document', 'readable')"


@pytest.mark.parametrize("role", ["answerer", "ingress", "syncer", "owner"])
def test_without_an_audience_no_role_but_the_indexer_sees_text(world: World, role: str) -> None:
    """Threat 32: missing or left-over context is nobody."""
    world.page("page", only(Class.INTERNET))
    with world.database.session("indexer") as session:
        assert session.scalars(select(Chunk.text)).all() == ["page"]
    try:
        with world.database.session(role) as session:  # type: ignore[arg-type]
            session.execute(text("SELECT set_config('ken.audience', '', true)"))
            assert session.scalars(select(Chunk.text)).all() == []
    except ProgrammingError as refused:
        assert "permission denied" in str(refused)


def test_an_audience_does_not_outlive_its_transaction(world: World) -> None:
    """Threat 15: a pooled connection is used by one person after the other."""
    alice = world.person("alice")
    world.page("page", only(alice))
    assert world.texts_by_row_security(alice) == ["page"]
    for _ in range(world.database.settings.worker_threads + 2):
        with world.database.session("answerer") as session:
            assert session.scalars(select(Chunk.text)).all() == []


def test_what_is_visible_is_worked_out_once_only_in_one_snapshot(world: World) -> None:
    alice = world.person("alice")
    world.page("hers", only(alice))
    world.page("nobodys")
    audience = Audience.of([alice])
    with world.database.reading_for(audience) as session:
        visible = visible_in(session, audience)
        assert session.scalars(readable_chunks(visible).with_only_columns(Chunk.text)).all() == [
            "hers"
        ]
    with (
        world.database.session("answerer") as session,
        pytest.raises(ValueError, match="one snapshot"),
    ):
        visible_in(session, audience)


def test_an_audience_has_somebody() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Audience.of([])


@pytest.mark.parametrize("ids", [(5, 4), (4, 4)])
def test_an_audience_is_written_in_one_way_only(ids: tuple[int, ...]) -> None:
    """A subject that counts twice would make `all of them` another number."""
    with pytest.raises(ValueError, match="sorted and distinct"):
        Audience(ids)
    assert Audience.of(ids) == Audience(tuple(sorted({*ids})))


def test_ids_that_nobody_has_read_nothing(world: World) -> None:
    group = world.group("group")
    world.page("page", only(Class.INTERNET))
    for nobody in (group, 10**12, -1):
        assert world.texts(nobody) == []
        assert world.texts_by_row_security(nobody) == []


def test_python_gives_the_reason_and_the_path(world: World) -> None:
    alice, bob = world.person("alice"), world.person("bob")
    inner = world.group("inner", [alice])
    outer = world.group("outer", [inner, bob])
    folder = world.folder("folder", Permissions(allow=frozenset({outer}), deny=frozenset({bob})))
    page = world.page("page", inside=folder)

    with world.database.session("answerer") as session:
        yes, no = explain(session, alice, page), explain(session, bob, page)
        assert unreadable(session, Audience.of([alice]), [page]) == set()
        assert unreadable(session, Audience.of([alice, bob]), [page]) == {page}
        assert unreadable(session, Audience.of([alice]), [page, 10**12]) == {10**12}
    assert (yes.allowed, yes.reason, yes.path) == (True, "allowed", (alice, inner, outer))
    assert yes.node_id == folder
    assert (no.allowed, no.reason, no.path) == (False, "denied", (bob,))


def _row_version(world: World, page: int) -> str:
    with world.database.session("indexer") as session:
        row = session.execute(text("SELECT xmin, ctid FROM document WHERE id = :id"), {"id": page})
        return str(row.one())


def _policies(world: World, pages: list[int]) -> set[int]:
    with world.database.session("indexer") as session:
        return set(
            session.scalars(
                text("SELECT policy_id FROM document WHERE id = ANY(:ids)"), {"ids": pages}
            )
        )
