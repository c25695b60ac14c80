"""All ways to ask who may read what agree with the oracle: a slice of `make prove`."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from sqlalchemy import select

from policies import Audience
from policies.decide import Decision
from policies.tables.permissions import Policy
from tests.policies.oracle import CLASSES, STRANGER, Facts, Node, Oracle, Source, User
from tests.policies.worlds import RandomWorld, Shape
from tests.prove.decisions import Tally, compare, is_true
from workers.database.sessions import Database


@pytest.mark.parametrize(("shape", "most"), [(Shape.PLAIN, 14), (Shape.DEEP, 8), (Shape.WIDE, 8)])
def test_every_way_to_ask_agrees_with_the_oracle(
    database: Database, shape: Shape, most: int
) -> None:
    """Threats 1 to 5. `make prove` does it a million times, with more changes in between."""
    world, tally = RandomWorld(database, seed=3, shape=shape), Tally()
    dimensions = DIMENSIONS | DIMENSIONS_OF.get(shape, {})
    assert [name for name, has in dimensions.items() if not has(world.facts)] == []
    compare(world, tally, most=most)
    for _ in range(10):
        world.step()
    compare(world, tally, most=most // 2)
    assert tally.found == []
    assert 0 < tally.allowed < tally.decisions, "where all or nothing is read, nothing is proved"


# -- the proof would notice -------------------------------------------------------------------


def _all_policies(audience: Audience) -> Any:
    return select(Policy.id.label("policy_id")).subquery()


def _no_policy(audience: Audience) -> Any:
    return select(Policy.id.label("policy_id")).where(Policy.id < 0).subquery()


def test_a_way_that_gives_too_much_or_too_little_is_noticed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = RandomWorld(database, seed=3)
    filters = {"list", "chunks", "embeddings"}
    for target, broken, noticed, leaks in (
        ("policies.access.visible_policies", _all_policies, filters, True),
        ("policies.access.visible_policies", _no_policy, {*filters, "query"}, False),
        (
            "workers.database.sessions.act_for",
            lambda session, audience: None,
            {"row security", "row security on text", "query"},
            False,
        ),
        ("tests.prove.decisions.unreadable", lambda *asked: set(), {"python"}, True),
    ):
        tally = Tally()
        with monkeypatch.context() as patched:
            patched.setattr(target, broken)
            compare(world, tally, most=3)
        assert {line.split(",")[0] for line in tally.found} == noticed
        assert bool(tally.leaks) is leaks
        assert bool(tally.wrong_denials) is not leaks


def test_a_reason_that_is_not_so_is_noticed(database: Database) -> None:
    world = RandomWorld(database, seed=3)
    document = next(d for d in sorted(world.facts.documents) if world.oracle.readers(d))
    reader = sorted(world.oracle.readers(document))[0]
    me, node_id = world.principals[reader], world.nodes[document]
    empty_group = world.principals["group drive empty"]
    for lie in (
        Decision(False, "inactive"),
        Decision(False, "stale"),
        Decision(False, "no_allow"),
        Decision(False, "unknown", node_id=node_id),
        Decision(False, "gate", node_id=node_id),
        Decision(False, "denied", node_id=node_id, path=(me,)),
        Decision(True, "allowed", node_id=node_id, path=(me, empty_group)),
        Decision(False, "because"),
    ):
        assert not is_true(world, reader, document, lie), lie


# -- the worlds have what the issue names -----------------------------------------------------


def _above(facts: Facts, group: str) -> set[str]:
    """The groups that the group is in, at any distance; itself only in a cycle."""
    found: set[str] = set()
    waiting = [group]
    while waiting:
        below = waiting.pop()
        new = {one for one, members in facts.groups.items() if below in members} - found
        found |= new
        waiting += new
    return found


def _diamond(facts: Facts, bottom: str) -> bool:
    """Two groups above it, neither within the other, have one above them in common."""
    above = {group: _above(facts, group) for group in _above(facts, bottom)}
    return any(
        other not in above[one] and one not in above[other] and above[one] & above[other]
        for one in above
        for other in above
        if one < other
    )


def _depth(facts: Facts, node: str) -> int:
    return len(list(Oracle(facts).chain(node)))


def _lists(facts: Facts) -> Iterable[set[str]]:
    for node in facts.nodes.values():
        yield from (node.allow, node.deny, *node.gates)


def _ids(facts: Facts) -> set[str]:
    return {name.partition(":")[2] for _, name in facts.names}


def _chains(facts: Facts) -> Iterable[list[Node]]:
    """From the document up."""
    oracle = Oracle(facts)
    for document in facts.documents:
        yield [facts.nodes[node] for node in oracle.chain(document)]


def _on_some_chain(has: Callable[[list[Node]], bool]) -> Callable[[Facts], bool]:
    return lambda facts: any(has(chain) for chain in _chains(facts))


def _guarded_by_nobody(node: Node) -> bool:
    return any(one.startswith("nobody") for one in node.deny.union(*node.gates))


def _break_under_gate(chain: list[Node]) -> bool:
    breaks = [height for height, node in enumerate(chain) if not node.inherit]
    return bool(breaks) and any(node.gates for node in chain[breaks[0] + 1 :])


def _some_source(has: Callable[[Source], bool]) -> Callable[[Facts], bool]:
    return lambda facts: any(map(has, facts.sources.values()))


def _some_user(has: Callable[[User], bool]) -> Callable[[Facts], bool]:
    return lambda facts: any(map(has, facts.users.values()))


def _links(facts: Facts, source: str | None = None) -> list[str]:
    """The user of each link, of one source or of all."""
    accounts = facts.accounts.values()
    return [one.user for one in accounts if one.user and source in (None, one.source)]


def _is_nobodys(facts: Facts, principal: str) -> bool:
    account = facts.accounts.get(principal)
    return account is not None and account.user is None and not account.external


def _of_nobodys(lists: Callable[[Node], Iterable[set[str]]]) -> "Dimension":
    return lambda facts: any(
        _is_nobodys(facts, one)
        for node in facts.nodes.values()
        for entries in lists(node)
        for one in entries
    )


def _below(facts: Facts, group: str) -> set[str]:
    found: set[str] = set()
    waiting = [group]
    while waiting:
        new = facts.groups.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


Dimension = Callable[[Facts], bool]

DIMENSIONS: dict[str, Dimension] = {
    "a cycle of groups": lambda f: any(g in _above(f, g) - f.groups[g] for g in f.groups),
    "a group in itself": lambda f: any(g in members for g, members in f.groups.items()),
    "a diamond of groups": lambda f: _diamond(f, "group drive bottom"),
    "an empty group": lambda f: not all(f.groups.values()),
    "several gates on one node": _on_some_chain(lambda c: any(len(n.gates) > 1 for n in c)),
    "gates above gates": _on_some_chain(lambda c: sum(bool(n.gates) for n in c) > 1),
    "a break under a gate": _on_some_chain(_break_under_gate),
    "an unknown document": _on_some_chain(lambda c: c[0].unknown),
    "an unknown folder within": _on_some_chain(lambda c: any(n.unknown for n in c[1:-1])),
    "an unknown root": lambda f: any(n.unknown and n.parent is None for n in f.nodes.values()),
    "closed by a name of nobody": _on_some_chain(lambda c: any(map(_guarded_by_nobody, c))),
    "an allow of nobody's name": lambda f: any("nobody" in one for n in _lists(f) for one in n),
    "a node without entries": lambda f: not all(n.allow or n.deny for n in f.nodes.values()),
    "an empty gate": lambda f: any(not all(n.gates) for n in f.nodes.values()),
    "names over 1,000": lambda f: any(len(n.allow) > 1_000 for n in f.nodes.values()),
    "ids that differ by case": lambda f: {"ops", "Ops"} <= _ids(f),
    "ids that differ by a space": lambda f: {"ops", "ops "} <= _ids(f),
    "ids that differ by normal form": lambda f: {"caf\u00e9", "cafe\u0301"} <= _ids(f),
    "ids of letters that look alike": lambda f: {"ops", "оps"} <= _ids(f),
    "an id with a zero-width space": lambda f: {"ops", "ops\u200b"} <= _ids(f),
    "a user and a group of one id": lambda f: (
        {("wiki", "user:caf\u00e9"), ("wiki", "group:caf\u00e9")} <= f.names.keys()
    ),
    "one id in two sources": lambda f: {("wiki", "group:1"), ("Wiki", "group:1")} <= f.names.keys(),
    "sources that differ by case": lambda f: {"wiki", "Wiki"} <= f.sources.keys(),
    "a guest": _some_user(lambda u: u.guest),
    "a suspended user": _some_user(lambda u: u.status == "suspended"),
    "a deleted user": _some_user(lambda u: u.status == "deleted"),
    "a user of two accounts": lambda f: any(_links(f).count(u) > 1 for u in f.users),
    "a user of two accounts in one source": lambda f: any(
        len(_links(f, s)) > len(set(_links(f, s))) for s in f.sources
    ),
    "a user without an account": lambda f: not f.users.keys() <= set(_links(f)),
    "an account of nobody's in a group": lambda f: any(
        _is_nobodys(f, one) for members in f.groups.values() for one in members
    ),
    "a deny of an account of nobody's": _of_nobodys(lambda n: [n.deny]),
    "an allow of an account of nobody's": _of_nobodys(lambda n: [n.allow]),
    "a gate of an account of nobody's": _of_nobodys(lambda n: n.gates),
    "a deny of a group with an account of nobody's": lambda f: any(
        _is_nobodys(f, one) for n in f.nodes.values() for g in n.deny for one in _below(f, g)
    ),
    "an external account": lambda f: any(one.external for one in f.accounts.values()),
    "a paused source": _some_source(lambda s: s.paused),
    "a stale source": _some_source(
        lambda s: bool(s.max_hours and s.hours_ago and s.hours_ago > s.max_hours)
    ),
    "a source that never synced": _some_source(lambda s: bool(s.max_hours and s.hours_ago is None)),
    "a deleted group that an entry names": lambda f: any(
        one.startswith("group") and not f.exists(one) for entries in _lists(f) for one in entries
    ),
    "a group under the id of a deleted one": lambda f: any(g.endswith("again") for g in f.groups),
}
DIMENSIONS_OF: dict[Shape, dict[str, Dimension]] = {
    Shape.DEEP: {
        "groups 100 deep": lambda f: len(_above(f, "group drive level 0")) >= 100,
        "folders 100 deep": lambda f: any(_depth(f, document) > 100 for document in f.documents),
    },
    Shape.WIDE: {
        "a group of over 1,000": lambda f: any(len(m) > 1_000 for m in f.groups.values()),
        "an allow of over 1,000": lambda f: any(len(n.allow) > 1_050 for n in f.nodes.values()),
        "a deny of over 1,000": lambda f: any(len(n.deny) > 1_000 for n in f.nodes.values()),
        "a gate of over 1,000": lambda f: any(
            len(g) > 1_000 for n in f.nodes.values() for g in n.gates
        ),
    },
}


# -- the oracle says what the design says -----------------------------------------------------

ANA, GUS, SUE = "ana", "gus", "sue"


def _company(**nodes: Node) -> Facts:
    """Ana is in `team` in `all`; Gus is a guest; Sue is suspended."""
    return Facts(
        sources={"s": Source()},
        users={ANA: User(), GUS: User(guest=True), SUE: User(status="suspended")},
        groups={"team": {ANA, SUE}, "all": {"team", "all"}},
        nodes=nodes,
        documents={"page"},
    )


def _page(**fields: Any) -> Node:
    return Node("s", **{"parent": None, **fields})


@pytest.mark.parametrize(
    ("facts", "readers"),
    [
        (_company(page=_page()), set()),
        (_company(page=_page(allow={"all"})), {ANA}),
        (_company(page=_page(allow={GUS, "ghost"})), {GUS}),
        (_company(page=_page(allow={"members"})), {ANA, "members"}),
        (
            _company(page=_page(allow={"members_and_guests"})),
            {ANA, GUS, "members", "members_and_guests"},
        ),
        (_company(page=_page(allow={"internet"})), {ANA, GUS, STRANGER, *CLASSES}),
        (_company(page=_page(allow={"internet"}, deny={"team"})), {GUS, STRANGER}),
        (_company(page=_page(allow={"internet"}, deny={SUE})), {ANA, GUS, STRANGER, *CLASSES}),
        (_company(page=_page(allow={"internet"}, deny={GUS})), {ANA, STRANGER, "members"}),
        (_company(page=_page(allow={"internet"}, deny={"members"})), {GUS, STRANGER}),
        (_company(page=_page(allow={"internet"}, deny={"ghost"})), set()),
        (_company(page=_page(allow={"internet"}, gates=[{"ghost", ANA}])), set()),
        (_company(page=_page(allow={"internet"}, gates=[{"all", GUS}])), {ANA, GUS}),
        (_company(page=_page(allow={"internet"}, gates=[{"all", GUS}, {GUS}])), {GUS}),
        (_company(page=_page(allow={"internet"}, gates=[set()])), set()),
        (_company(page=_page(allow={"internet"}, unknown=True)), set()),
        (_company(page=_page(parent="f"), f=_page(allow={GUS})), {GUS}),
        (_company(page=_page(parent="f", allow={ANA}), f=_page(allow={GUS})), {ANA, GUS}),
        (_company(page=_page(parent="f", allow={ANA}, inherit=False), f=_page(allow={GUS})), {ANA}),
        (
            _company(page=_page(parent="f", inherit=False, allow={ANA, GUS}), f=_page(deny={ANA})),
            {GUS},
        ),
        (
            _company(
                page=_page(parent="f", inherit=False, allow={ANA, GUS}), f=_page(gates=[{"all"}])
            ),
            {ANA},
        ),
        (_company(page=_page(parent="f", allow={ANA}), f=_page(unknown=True)), set()),
    ],
)
def test_the_oracle_says_what_the_design_says(facts: Facts, readers: set[str]) -> None:
    said = Oracle(facts)
    subjects = [*facts.users, STRANGER, *CLASSES, "nobody", "team"]
    assert {one for one in subjects if said.read(one, "page")} == readers
    assert said.readers("page") == readers & facts.users.keys()


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        (Source(), True),
        (Source(paused=True), False),
        (Source(max_hours=2, hours_ago=1), True),
        (Source(max_hours=2, hours_ago=3), False),
        (Source(max_hours=2), False),
        (Source(hours_ago=3), True),
    ],
)
def test_the_oracle_leaves_out_what_is_paused_or_stale(source: Source, reads: bool) -> None:
    facts = _company(page=_page(allow={ANA}))
    facts.sources["s"] = source
    assert Oracle(facts).read(ANA, "page") is reads
