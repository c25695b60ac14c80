"""What an explanation holds: the path, the node, what a gate wants; and one for many alike."""

from datetime import timedelta

from sqlalchemy import event

from policies import STRANGER, Audience, Class
from policies.decide import Decision, SubjectClosure, decide
from policies.described import Permissions
from policies.explain import decisions, explain, readers, revoked, unreadable
from policies.tables.people import UserStatus
from tests.policies.world import World


def allow(*principals: int, inherit: bool = True) -> Permissions:
    return Permissions(allow=frozenset(principals), inherit=inherit)


def _why(world: World, subject: int, document: int) -> Decision:
    with world.database.session("syncer") as session:
        return explain(session, subject, document)


def test_the_whole_way_up_is_shown_and_the_node_where_it_ends(world: World) -> None:
    team = world.group("team")
    area = world.group("area", [team])
    company = world.group("company", [area, team])
    with world.change() as change:
        change.set_members(team, [area])  # a cycle
    ann, bob = world.person("ann", groups=[team]), world.person("bob")
    world.group("unrelated", [ann, team])
    folder = world.folder("folder", allow(company))
    page = world.page("page", inside=world.folder("within", inside=folder))
    assert _why(world, ann, page) == Decision(
        True, "allowed", folder, company, (ann, team, company)
    )
    assert _why(world, bob, page) == Decision(False, "no_allow", wanted=frozenset({company}))


def test_an_allow_above_what_does_not_inherit_is_shown_and_does_not_count(world: World) -> None:
    ann, team = world.person("ann"), world.group("team")
    above = world.folder("above", allow(ann))
    cut = world.folder("cut", allow(team, inherit=False), inside=above)
    page = world.page("page", inside=cut)
    assert _why(world, ann, page) == Decision(
        False, "no_allow", wanted=frozenset({team}), cut_id=cut, stopped=frozenset({ann})
    )


def test_what_is_late_is_not_revoked_and_what_is_paused_or_an_accounts_of_nobodys_is(
    world: World,
) -> None:
    """Threat 12: what of a posted answer's documents is taken back."""
    ann = world.person("ann")
    with world.change() as change:
        account = change.accounts(change.put_source("drive"), ["U9"])["U9"]
    page = world.page("page", allow(ann))
    denied = world.page("denied", Permissions(frozenset({ann}), frozenset({account})))
    audience = Audience.of([ann])
    for paused, late, closed, taken in (
        (False, False, {denied}, {denied}),
        (False, True, {page, denied}, {denied}),
        (True, False, {page, denied}, {page, denied}),
    ):
        with world.change() as change:
            most = timedelta(0) if late else None
            change.set_freshness(world.source_id, paused=paused, max_staleness=most)
        with world.database.session("syncer") as session:
            assert unreadable(session, audience, [page, denied]) == closed
            assert revoked(session, audience, [page, denied]) == taken


def test_a_class_is_on_the_way_and_a_stranger_has_one(world: World) -> None:
    ann = world.person("ann")
    page = world.page("page", allow(Class.INTERNET))
    for subject, path in (
        (ann, (ann, Class.INTERNET)),
        (STRANGER, (STRANGER, Class.INTERNET)),
        (Class.MEMBERS, (Class.MEMBERS, Class.INTERNET)),
        (Class.INTERNET, (Class.INTERNET,)),
    ):
        assert _why(world, subject, page).path == path
    own = world.page("own", allow(ann))
    assert _why(world, ann, own).path == (ann,)


def test_a_gate_says_whom_it_wants(world: World) -> None:
    ann, legal, board = world.person("ann"), world.group("legal"), world.group("board")
    gates = (frozenset({Class.INTERNET}), frozenset({legal, board}))
    folder = world.folder("folder", Permissions(gates=gates))
    page = world.page("page", allow(ann), inside=folder)
    refused = _why(world, ann, page)
    assert refused == Decision(False, "gate", folder, wanted=frozenset({legal, board}))


def test_a_denied_class_names_who_of_it_is_denied(world: World) -> None:
    team = world.group("team")
    inner = world.group("inner")
    with world.change() as change:
        change.set_members(team, [inner])
    guest = world.person("gus", guest=True, groups=[inner])
    page = world.page("page", Permissions(frozenset({Class.INTERNET}), frozenset({team})))
    with world.database.session("syncer") as session:
        found = decisions(session, [*Class, guest], page)
    assert found[Class.MEMBERS].allowed, "a denied guest bars nobody of the company"
    assert found[Class.MEMBERS_AND_GUESTS].path == (Class.MEMBERS_AND_GUESTS, team)
    assert found[guest] == Decision(False, "denied", page, team, (guest, inner, team))
    with world.change() as change:
        change.set_status(guest, UserStatus.SUSPENDED)
    assert _why(world, Class.MEMBERS_AND_GUESTS, page).allowed
    assert _why(world, guest, page).reason == "inactive"


def test_who_reads_are_the_active_ones_whom_an_entry_reaches(world: World) -> None:
    team = world.group("team")
    ann, bob = world.person("ann", groups=[team]), world.person("bob")
    world.person("sue", groups=[team], status=UserStatus.SUSPENDED)
    page = world.page("page", allow(team))
    with world.database.session("syncer") as session:
        assert readers(session, page) == {ann: Decision(True, "allowed", page, team, (ann, team))}
        assert readers(session, 10**9) == {}
    assert _why(world, bob, page).reason == "no_allow"
    assert _why(world, ann, 10**9).reason == "unknown"


def test_one_among_many_who_are_alike_still_counts(world: World) -> None:
    """Threat 5: the check decides once for all who are alike, and for nobody else."""
    team, other = world.group("team"), world.group("other")
    people = [world.person(f"p{n}", groups=[team]) for n in range(6)]
    page = world.page("page", allow(team))

    def refused() -> bool:
        audience = Audience.of(people)
        with world.database.session("answerer") as session:
            return bool(unreadable(session, audience, [page]))

    assert not refused()
    for changed, undone in (
        (allow(team), allow(team)),
        (Permissions(frozenset({team}), frozenset({people[3]})), allow(team)),
        (Permissions(frozenset({team}), frozenset({other})), allow(team)),
    ):
        with world.change() as change:
            change.set_permissions(page, changed)
            change.set_members(other, [people[4]] if other in changed.deny else [])
        assert refused() == bool(changed.deny)
        with world.change() as change:
            change.set_permissions(page, undone)
    with world.change() as change:
        change.set_status(people[2], UserStatus.SUSPENDED)
    assert refused()


def test_many_members_cost_no_more_statements_than_one(world: World) -> None:
    groups = [world.group(f"g{n}") for n in range(3)]
    people = [world.person(f"p{n}", groups=[groups[n % 3]]) for n in range(12)]
    pages = [world.page(f"page {n}", allow(*groups)) for n in range(4)]
    statements: list[str] = []
    engine = world.database.engine("answerer")
    event.listen(
        engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )

    def asked(ids: list[int], documents: list[int]) -> int:
        statements.clear()
        with world.database.session("answerer") as session:
            assert unreadable(session, Audience.of(ids), documents) == set()
        return len(statements)

    assert asked(people, pages) == asked(people[:1], pages[:1]) < 12


def test_a_chain_that_is_not_there_is_unknown() -> None:
    stranger = SubjectClosure(STRANGER, True, frozenset({1}), frozenset({1}), {})
    assert decide(stranger, (), usable=True) == Decision(False, "unknown")
