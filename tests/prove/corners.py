"""The corners that random worlds seldom reach: two companies, and what may be read in each."""

from collections.abc import Callable, Iterator
from functools import partial

from sqlalchemy import select

from policies import Audience, readable_documents
from policies.described import Permissions, Person
from policies.explain import unreadable
from policies.source import NamedPermissions, principals_of, resolve_permissions
from policies.tables.content import Document
from policies.tables.people import UserStatus
from tests.policies.world import World
from tests.servers import empty
from workers.database.sessions import Database

CROWD = 30
"""More people than the query looks at first, so that the rest are looked for downward."""
FEW = 20


Audiences = list[tuple[list[int], set[str]]]
"""Who asks together, and all that they may read."""


def leak(database: Database) -> bool:
    """Whether somebody is given, in some way, what the rules below refuse."""
    return any(leaks() for leaks in written(database))


def written(database: Database) -> Iterator[Callable[[], bool]]:
    """One corner after the other, in an empty database: whether it leaks as the code is when asked.

    The cheapest is first.
    """
    for corner in (_after_changes, _of_classes, _in_a_crowd, _of_accounts, _of_one_taken_away):
        empty(database.settings)
        world = World(database)
        yield partial(_leaks, world, corner(world))


def _leaks(world: World, audiences: Audiences) -> bool:
    return any(_given(world, subjects) - allowed for subjects, allowed in audiences)


def _in_a_crowd(world: World) -> Audiences:
    """All read together; one, or some, of those who are looked at last may not."""
    people = [*_crowd(world, CROWD - 1), world.person("guest", guest=True)]
    everybody, few = frozenset(people), frozenset(people[:FEW])
    all_of_us, some_of_us = world.group("all", everybody), world.group("some", few)
    last = world.group("last", {people[-1]})
    ours = frozenset({all_of_us})
    world.page("for all", Permissions(allow=ours))
    world.page("for one less", Permissions(allow=everybody - {people[-1]}))
    world.page("for some", Permissions(allow=frozenset({some_of_us})))
    world.page("for members", Permissions(allow=frozenset({3})))
    world.page("not for the last", Permissions(allow=ours, deny=frozenset({last})))
    world.page("gate of some", Permissions(allow=ours, gates=(frozenset({some_of_us}),)))
    world.page("gate of the first", Permissions(allow=ours, gates=(frozenset(people[:16]),)))
    return [(people, {"for all"})]


def _crowd(world: World, count: int) -> list[int]:
    with world.change() as change:
        names = [f"p{number}" for number in range(count)]
        return [change.put_user(world.source_id, Person(name, name.title())) for name in names]


def _of_classes(world: World) -> Audiences:
    """Classes overlap: a deny of one bars a reader of another."""
    world.page("not for members", Permissions(allow=frozenset({1}), deny=frozenset({3})))
    world.page("for everybody", Permissions(allow=frozenset({1})))
    return [([1], {"for everybody"})]


def _of_accounts(world: World) -> Audiences:
    """An account of nobody's may be anybody's who has no link there: a deny of it bars them all."""
    gone = world.person("gone", status=UserStatus.SUSPENDED)
    ana, cyd = world.person("ana"), world.person("cyd")
    crowd = _crowd(world, CROWD)
    with world.change() as change:
        drive = change.put_source("drive")
        change.link(ana, drive, "U1", by="admin")
        for number, person in enumerate(crowd):
            change.link(person, drive, f"P{number}", by="admin")
        accounts = change.accounts(drive, ["U9", "external"])
        change.set_external(drive, "external", external=True)
        inner = change.put_group(drive, "inner", name="inner")
        outer = change.put_group(drive, "outer", name="outer")
        change.set_members(inner, {accounts["U9"]})
        change.set_members(outer, {inner})
    last = world.person("last")
    everybody = frozenset({1})
    for name, denied in (("U9", accounts["U9"]), ("outer", outer)):
        folder = world.folder(f"folder of {name}", Permissions(deny=frozenset({denied})))
        world.page(f"not for {name}", Permissions(everybody, frozenset({denied})))
        world.page(f"not within for {name}", Permissions(everybody), inside=folder)
    world.page("not for an external one", Permissions(everybody, frozenset({accounts["external"]})))
    world.page("for U9", Permissions(frozenset({accounts["U9"]})))
    world.page("gate of U9", Permissions(everybody, gates=(frozenset({accounts["U9"]}),)))
    external = {"not for an external one"}
    linked = {f"not for {name}" for name in ("U9", "outer")}
    linked |= {f"not within for {name}" for name in ("U9", "outer")} | external
    return [
        ([ana], linked),
        ([cyd], external),
        ([gone, cyd], set()),
        ([0], external),
        ([1], external),
        ([2], external),
        ([3], external),
        ([cyd, *crowd], external),
        ([*crowd, last], external),
        ([ana, *crowd], linked),
    ]


def _of_one_taken_away(world: World) -> Audiences:
    """Everybody has a link there; a deny of an account bars still whose it was last."""
    ana, ben = world.person("ana"), world.person("ben")
    crowd = _crowd(world, CROWD)
    last = world.person("last")
    with world.change() as change:
        drive = change.put_source("drive")
        for number, person in enumerate((ana, ben, *crowd, last)):
            change.link(person, drive, f"P{number}", by="admin")
        accounts = change.accounts(drive, ["U1", "U2", "U3", "U4"])
        for person, account in ((ana, "U1"), (last, "U2"), (ana, "U3")):
            change.link(person, drive, account, by="admin")
        group = change.put_group(drive, "group", name="group")
        change.set_members(group, {accounts["U1"]})
        for account in ("U1", "U2"):
            change.unlink(drive, account)
        change.link(ben, drive, "U3", by="admin")
    everybody = frozenset({1})
    world.page("not for ana", Permissions(everybody, frozenset({group})))
    world.page("not for the last", Permissions(everybody, frozenset({accounts["U2"]})))
    world.page("not for U4", Permissions(everybody, frozenset({accounts["U4"]})))
    world.page("for U3", Permissions(frozenset({accounts["U3"]})))
    return [
        ([ana], {"not for U4", "not for the last"}),
        ([ben], {"not for U4", "not for ana", "not for the last", "for U3"}),
        ([1], set()),
        ([3], {"not for U4"}),
        ([*crowd, last], {"not for U4", "not for ana"}),
        ([ana, *crowd], {"not for U4", "not for the last"}),
    ]


def _after_changes(world: World) -> Audiences:
    """What a change must keep in step: breaks, marks, gates, links, names that nobody has."""
    ana = world.person("ana")
    team, other = world.group("team", {ana}), world.group("other")
    mine = frozenset({team})
    shelf = world.folder("shelf", Permissions(allow=mine))
    box = world.folder("box", Permissions(allow=frozenset({other})), inside=shelf)
    world.page("in a box that breaks", inside=box)
    drawer = world.folder("drawer", Permissions(allow=frozenset({other})), inside=shelf)
    world.page("in a drawer that moves", inside=drawer)
    case = world.folder("case", Permissions(allow=mine))
    world.page("in a case that denies", inside=case)
    world.page("one gate", Permissions(allow=mine, gates=(frozenset({team, other}),)))
    world.page("two gates", Permissions(allow=mine, gates=(frozenset({team}), frozenset({other}))))
    with world.change() as change:
        change.set_permissions(box, Permissions(allow=frozenset({other}), inherit=False))
        change.move(drawer, None)
        change.set_permissions(case, Permissions(allow=mine, deny=frozenset({team})))
        wiki = change.put_source("wiki")
        change.link(ana, wiki, "W1", by="admin")
        account = change.accounts(wiki, ["W1"])["W1"]
        writers = change.put_group(wiki, "writers", name="writers")
        change.set_members(writers, {account})
        known = principals_of(change.session, world.source_id)
    world.page("for writers", Permissions(allow=frozenset({writers})))
    home, world.source_id = world.source_id, wiki
    world.page("for W1", Permissions(allow=frozenset({account})))
    world.source_id = home
    named = NamedPermissions(allow=("group:team",), deny=("group:nobody",))
    world.page("denies nobody we know", resolve_permissions(named, known))
    with world.change() as change:
        change.unlink(wiki, "W1")
    return [([ana], {"one gate"})]


def _given(world: World, subjects: list[int]) -> set[str]:
    """Names of documents that these are given together, by any of the ways."""
    audience = Audience.of(subjects)
    with world.database.session("indexer") as session:
        names = {row.id: row.native_id for row in session.scalars(select(Document))}
        given = {one.id for one in session.scalars(readable_documents(audience))}
    with world.database.reading_for(audience) as session:
        given |= set(session.scalars(select(Document.id)))
        given |= names.keys() - unreadable(session, audience, names)
    return {names[one] for one in given}
