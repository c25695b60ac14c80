"""What a change takes away at once, beyond what it names."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from policies import Audience, readable_documents
from policies.change import Change, NodeCycle
from policies.described import NewNode, Permissions, Person, SeenAccount
from policies.labels import reassign_policies, refresh_guards
from policies.source import stored_nodes
from policies.tables.content import Document
from policies.tables.history import Audit, Past
from policies.tables.people import Address, LinkedIdentity, Membership
from policies.tables.permissions import AclState, Node, NodeKind, Policy
from tests.policies.world import World

LATER = datetime.now(UTC) + timedelta(days=1)


def test_unlinking_takes_what_the_account_brought_and_nothing_else(world: World) -> None:
    """Threat 8: access goes with the link, in the source of the account alone."""
    ana, team = world.person("ana"), world.group("team")
    with world.change() as change:
        wiki = change.put_source("wiki")
        change.link(ana, wiki, "W1", by="admin")
        account = change.accounts(wiki, ["W1"])["W1"]
        writers = change.put_group(wiki, "writers", name="writers")
        change.set_members(writers, {account})
        change.set_members(team, {ana})
    world.page("by team", Permissions(allow=frozenset({team})))
    with world.change() as change:
        pages = {
            "by writers": Permissions(allow=frozenset({writers})),
            "by name": Permissions(allow=frozenset({account})),
            "denied": Permissions(allow=frozenset({team}), deny=frozenset({account})),
        }
        for name, permissions in pages.items():
            node = change.put_node(wiki, name, kind=NodeKind.DOCUMENT, parent_id=None)
            change.set_permissions(node, permissions)
            _add_document(change, node, name)
    assert _readable(world, ana) == {"by team", "by writers", "by name"}
    with world.change() as change:
        change.unlink(wiki, "W1")
    assert _readable(world, ana) == {"by team"}
    with world.change() as change:
        change.link(ana, wiki, "W1", by="admin")
    assert _readable(world, ana) == {"by team", "by writers", "by name"}


def test_an_account_that_changes_hands_leaves_nothing_with_the_one_before(world: World) -> None:
    ana, ben = world.person("ana"), world.person("ben")
    with world.change() as change:
        wiki = change.put_source("wiki")
        change.link(ana, wiki, "W1", by="admin")
        account = change.accounts(wiki, ["W1"])["W1"]
        writers = change.put_group(wiki, "writers", name="writers")
        change.set_members(writers, {account})
    with world.change() as change:
        change.link(ben, wiki, "W1", by="admin")
        assert change.owner_of(wiki, "W1") == ben
    with world.database.session("syncer") as session:
        edges = select(Membership.member_id, Membership.group_id)
        assert {tuple(row) for row in session.execute(edges)} == {
            (ben, account),
            (account, writers),
        }


def test_every_address_that_an_account_had_is_remembered(world: World) -> None:
    with world.change() as change:
        change.put_user(world.source_id, Person("ana", "Ana", email="ana@example.com"))
        change.put_user(world.source_id, Person("ana", "Ana", email="ana.new@example.com"))
        change.put_account(world.source_id, SeenAccount("w1", "Ana", email="ana@example.com"))
    with world.database.session("syncer") as session:
        held = session.execute(select(Address.email, Address.native_id)).all()
    assert {tuple(row) for row in held} == {
        ("ana@example.com", "ana"),
        ("ana.new@example.com", "ana"),
        ("ana@example.com", "w1"),
    }


def test_what_is_gone_is_read_by_nobody_and_later_deleted_with_its_text(world: World) -> None:
    """Threat 39."""
    ana = world.person("ana")
    folder = world.folder("f", Permissions(allow=frozenset({ana})))
    page = world.page("p", inside=folder)
    kept = world.page("kept", Permissions(allow=frozenset({ana})))
    assert world.texts(ana) == ["kept", "p"]
    with world.change() as change:
        change.set_gone(folder)
        change.set_gone(page)
    assert world.texts(ana) == ["kept"]
    with world.change() as change:
        assert change.delete_gone(datetime.now(UTC) - timedelta(days=1)) == 0
    with world.change() as change:
        assert change.delete_gone(LATER) == 2
    with world.database.session("indexer") as session:
        assert session.scalars(select(Document.id)).all() == [kept]
        assert len(session.scalars(select(Policy.id)).all()) == 1


@pytest.mark.parametrize("as_known", [True, False])
def test_what_is_put_again_is_read_by_nobody_before_its_permissions_are_set(
    world: World, as_known: bool
) -> None:
    """Who may read it was decided before it went. Put back as known, it would be read at once."""
    ana = world.person("ana")
    folder = world.folder("f", Permissions(allow=frozenset({ana})))
    page = world.page("p", inside=folder)
    with world.change() as change:
        change.set_gone(folder)
        change.set_gone(page)
    with world.change() as change:
        for native_id, kind, parent in (
            ("f", NodeKind.CONTAINER, None),
            ("p", NodeKind.DOCUMENT, folder),
        ):
            node = change.put_node(world.source_id, native_id, kind=kind, parent_id=parent)
            if as_known:
                _know_again(change.session, node)
    assert world.texts(ana) == (["p"] if as_known else [])


def _know_again(session: Session, node_id: int) -> None:
    """The slip: what it was before it went counts again."""
    session.execute(update(Node).where(Node.id == node_id).values(acl_state=AclState.OK))
    reassign_policies(session, [node_id])
    refresh_guards(session, node_id)


def test_what_is_put_again_in_time_is_back(world: World) -> None:
    ana = world.person("ana")
    page = world.page("p", Permissions(allow=frozenset({ana})))
    with world.change() as change:
        change.set_gone(page)
    with world.change() as change:
        assert page == change.put_node(world.source_id, "p", kind=NodeKind.DOCUMENT, parent_id=None)
        change.set_permissions(page, Permissions(allow=frozenset({ana})))
        assert change.delete_gone(LATER) == 0
    assert world.texts(ana) == ["p"]


def test_a_group_that_is_deleted_gives_nothing_and_closes_what_denied_it(world: World) -> None:
    ana = world.person("ana")
    team, others = world.group("team", {ana}), world.group("others")
    world.page("by team", Permissions(allow=frozenset({team})))
    world.page("without others", Permissions(allow=frozenset({ana}), deny=frozenset({others})))
    assert world.texts(ana) == ["by team", "without others"]
    with world.change() as change:
        change.delete_group(team)
        change.delete_group(others)
    assert world.texts(ana) == []


def test_a_deny_or_gate_of_a_group_that_was_deleted_meanwhile_closes_the_node(
    world: World,
) -> None:
    """Its name was looked up before; denying nobody would let everybody in."""
    ana, others = world.person("ana"), world.group("others")
    with world.change() as change:
        change.delete_group(others)
    mine = frozenset({ana})
    world.page("denies it", Permissions(allow=mine, deny=frozenset({others})))
    world.page("requires it", Permissions(allow=mine, gates=(frozenset({others, ana}),)))
    world.page("allows it", Permissions(allow=frozenset({others, ana})))
    assert world.texts(ana) == ["allows it"]


def test_what_is_written_again_as_it_is_stored_leaves_no_trace(world: World) -> None:
    """A sync that finds nothing new must not drown the audit in changes that were none."""
    person = Person("ana", "Ana", email="ana@example.com", profile={"title": "Lead"})
    with world.change() as change:
        ana = change.put_user(world.source_id, person)
    before = _recorded(world)
    with world.change() as change:
        assert change.put_user(world.source_id, person) == ana
        change.link(ana, world.source_id, "ana", by="scim")
        change.unlink(world.source_id, "nobody's")
    assert _recorded(world) == before
    with world.database.session("syncer") as session:
        assert session.scalars(select(LinkedIdentity.linked_by)).all() == ["scim"]
        assert session.scalars(select(Past.relation).where(Past.before.is_not(None))).all() == [
            "identity"
        ], "who made the link is all that changed"
    with world.change() as change:
        change.put_user(world.source_id, Person("ana", "Ana", email="ana@example.com", guest=True))
    assert _recorded(world)[len(before) :] == ["put_user"]


def test_a_node_that_is_put_under_another_parent_takes_its_readers_from_there(
    world: World,
) -> None:
    ana, ben = world.person("ana"), world.person("ben")
    mine = world.folder("mine", Permissions(allow=frozenset({ana})))
    yours = world.folder("yours", Permissions(allow=frozenset({ben})))
    inner = world.folder("inner", inside=mine)
    page = world.page("p", inside=inner)
    assert (world.texts(ana), world.texts(ben)) == (["p"], [])
    with world.change() as change:
        put = change.put_node(world.source_id, "inner", kind=NodeKind.CONTAINER, parent_id=yours)
        assert put == inner
    assert (world.texts(ana), world.texts(ben)) == ([], ["p"])
    with world.change() as change, pytest.raises(NodeCycle):
        change.put_node(world.source_id, "inner", kind=NodeKind.CONTAINER, parent_id=page)
    assert (world.texts(ana), world.texts(ben)) == ([], ["p"])


def test_nodes_that_are_written_many_at_once_mean_what_they_mean_one_by_one(world: World) -> None:
    """A first sync writes a whole source this way."""
    ana, ben = world.person("ana"), world.person("ben")
    team = world.group("team", {ana, ben})
    folders = {
        "plain": Permissions(),
        "open": Permissions(allow=frozenset({team})),
        "gated": Permissions(allow=frozenset({team}), gates=(frozenset({ana}),)),
        "unclear": Permissions(allow=frozenset({team}), known=False),
    }
    pages = {
        ("plain", "as its folder"): Permissions(),
        ("plain", "allowed"): Permissions(allow=frozenset({ben})),
        ("open", "open as its folder"): Permissions(),
        ("open", "denied"): Permissions(deny=frozenset({ana})),
        ("open", "gate that nobody meets"): Permissions(gates=(frozenset(),)),
        ("open", "not understood"): Permissions(known=False),
        ("open", "broken"): Permissions(inherit=False),
        ("open", "two gates"): Permissions(gates=(frozenset({team}), frozenset({ben}))),
        ("gated", "gated as its folder"): Permissions(),
        ("gated", "gated and broken"): Permissions(allow=frozenset({team}), inherit=False),
        ("unclear", "below what is unclear"): Permissions(allow=frozenset({ana})),
    }
    with world.change() as change:
        many, one_by_one = change.put_source("many"), change.put_source("one by one")
        above = change.add_nodes(
            many,
            [NewNode(name, NodeKind.CONTAINER, None, own) for name, own in folders.items()],
        )
        nodes = change.add_nodes(
            many,
            [
                NewNode(name, NodeKind.DOCUMENT, above[folder], own)
                for (folder, name), own in pages.items()
            ],
        )
        for name, node_id in nodes.items():
            _add_document(change, node_id, name)
        singly = {}
        for name, own in folders.items():
            singly[name] = change.put_node(
                one_by_one, name, kind=NodeKind.CONTAINER, parent_id=None
            )
            change.set_permissions(singly[name], own)
        for (folder, name), own in pages.items():
            node_id = change.put_node(
                one_by_one, name, kind=NodeKind.DOCUMENT, parent_id=singly[folder]
            )
            change.set_permissions(node_id, own)
            _add_document(change, node_id, f"{name}, singly")

    anas = {"open as its folder", "gated as its folder", "gated and broken"}
    bens = {"allowed", "open as its folder", "denied", "two gates"}
    for person, names in ((ana, anas), (ben, bens)):
        assert _readable(world, person) == names | {f"{name}, singly" for name in names}
    with world.database.session("syncer") as session:
        at_once, asked = stored_nodes(session, many), stored_nodes(session, one_by_one)
    assert at_once.keys() == asked.keys() == {*folders, *(name for _, name in pages)}
    assert {name: node.permissions for name, node in at_once.items()} == {
        name: node.permissions for name, node in asked.items()
    }

    with world.change() as change:
        change.set_permissions(above["open"], Permissions(allow=frozenset({ben})))
        change.set_permissions(singly["open"], Permissions(allow=frozenset({ben})))
    assert _readable(world, ana) == {
        "gated as its folder", "gated and broken",
        "gated as its folder, singly", "gated and broken, singly",
    }  # fmt: skip


def _recorded(world: World) -> list[str]:
    with world.database.session("syncer") as session:
        return list(session.scalars(select(Audit.action).order_by(Audit.id)))


def _add_document(change: Change, node_id: int, name: str) -> None:
    change.session.add(
        Document(
            id=node_id,
            policy_id=change.policy_for(node_id),
            native_id=name,
            title=name,
            content_hash="",
        )
    )
    change.session.flush()


def _readable(world: World, user_id: int) -> set[str]:
    audience = Audience.of((user_id,))
    with world.database.reading_for(audience) as session:
        return {document.native_id for document in session.scalars(readable_documents(audience))}
