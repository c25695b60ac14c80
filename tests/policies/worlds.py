"""Random companies with every dimension of threats 2 to 5, given to Ken and to the oracle alike.

One seed, one world: it is built in one change, then goes on by rounds of random changes, each
committed on its own. Every world has cycles, diamonds, gates on gates, breaks under gates, ids
that look alike and lists with duplicates; some are 100 levels deep, a few over 1,000 wide.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import insert

from policies import STRANGER, Audience, Class
from policies.audience import Account
from policies.change import Change
from policies.described import Permissions, Person
from policies.source import NamedPermissions, principals_of, resolve_permissions
from policies.tables.content import DIMENSION, Chunk, Document, Embedding, EmbeddingModel
from policies.tables.people import LinkedIdentity, Principal, PrincipalKind, User, UserStatus
from policies.tables.permissions import NodeKind
from tests.policies import oracle
from workers.database.sessions import Database

MODEL = "none"
NOBODY = 10**9
"""An id that was never given to anybody."""
LOOK_ALIKE = ("ops", "Ops", "ops ", "оps", "ops\u200b", "caf\u00e9", "cafe\u0301", "1")
GHOSTS = ("group:ghost", "user:OPS", "group: ops", "user:ops\u00a0", "class:Members", "ops", "")
CLASS_KEYS = dict(zip(oracle.CLASSES, map(int, Class), strict=True))


MAIN = ("wiki", "Wiki", "drive")
"""The sources that people, groups and most documents come from."""


class Shape(StrEnum):
    PLAIN = "plain"
    DEEP = "deep"
    WIDE = "wide"


def shape_of(seed: int) -> Shape:
    """Of 16 worlds, four are deep and one is wide: they take longest."""
    return {0: Shape.WIDE, 1: Shape.DEEP, 4: Shape.DEEP, 9: Shape.DEEP, 12: Shape.DEEP}.get(
        seed % 16, Shape.PLAIN
    )


class RandomWorld:
    """What Ken was given (in `database`) and what the oracle was given (`facts`) are the same."""

    def __init__(self, database: Database, seed: int, *, shape: Shape | None = None) -> None:
        self.database = database
        self.random = random.Random(seed)
        self.shape = shape or shape_of(seed)
        self.facts = oracle.Facts()
        self.principals = {oracle.STRANGER: STRANGER, "nobody": NOBODY, **CLASS_KEYS}
        self.called = {one: key for key, one in self.principals.items()}
        self.nodes: dict[str, int] = {}
        self.nodes_called: dict[int, str] = {}
        self.sources: dict[str, int] = {}
        self.crowd: list[str] = []
        """The many of a wide world, who are nothing else."""
        self.chains: set[str] = set()
        """The groups and folders of a deep world that must stay in line."""
        self._oracle: oracle.Oracle | None = None
        with self._change() as change:
            self._build(change)

    # -- asked by the tests -------------------------------------------------------------------

    @property
    def oracle(self) -> oracle.Oracle:
        if self._oracle is None:
            self._oracle = oracle.Oracle(self.facts)
        return self._oracle

    @property
    def subjects(self) -> list[str]:
        """Every user, the classes, a stranger, and two that are no user at all."""
        return [*self.facts.users, *oracle.CLASSES, oracle.STRANGER, "nobody", self._any_group()]

    def audience(self, subjects: Iterable[str]) -> Audience:
        return Audience.of(self.principals[subject] for subject in subjects)

    def document_ids(self, keys: Iterable[str]) -> set[int]:
        return {self.nodes[key] for key in keys}

    def audiences(self) -> Iterator[tuple[str, ...]]:
        """Every subject alone (of a crowd, some), then random audiences of many sizes.

        Half of these are drawn from people who share a document, so that they may read something.
        """
        crowd = set(self.crowd)
        alone = [s for s in self.subjects if s not in crowd]
        alone += self.random.sample(self.crowd, min(12, len(self.crowd)))
        yield from ((subject,) for subject in alone)
        for size in (2, 2, 2, 2, 3, 3, 5, 5, 20, 20, 300, 1_100):
            drawn_from = alone + self.crowd
            if self.random.random() < 0.6:
                document = self.random.choice(sorted(self.facts.documents))
                drawn_from = sorted(self.oracle.readers(document)) or drawn_from
            yield tuple(self.random.choices(drawn_from, k=size))

    def accounts(self) -> dict[Account, str | None]:
        """Accounts but the crowd's, each with the user whom it is linked to; some are nobody's."""
        linked: dict[Account, str | None] = {
            Account(source, native_id): None
            for source in self.facts.sources
            for native_id in (*LOOK_ALIKE, "nobody")
            if source in MAIN
        }
        for (source, name), account in self.facts.names.items():
            if name.startswith("user:") and not name.startswith("user:w"):
                owner = self.facts.accounts[account].user
                linked[Account(source, name.removeprefix("user:"))] = owner
        return linked

    # -- random changes, each committed -------------------------------------------------------

    def step(self) -> None:
        kinds: dict[Callable[[Change], None], int] = {
            self._change_members: 6,
            self._change_permissions: 8,
            self._move: 3,
            self._change_status: 2,
            self._close: 1,
            self._change_freshness: 1,
            self._delete_some_group: 1,
            self._new_group: 1,
            self._change_link: 4,
            self._change_external: 1,
            self._delete_document: 1,
            self._new_document: 1,
        }
        (kind,) = self.random.choices(list(kinds), weights=list(kinds.values()))
        with self._change() as change:
            kind(change)

    def _change_members(self, change: Change) -> None:
        group = self._any_group()
        members = set(self.facts.groups[group])
        if group in self.chains or self.random.random() < 0.5:
            members ^= set(self._some(1, classes=False))
        else:
            members = set(self._some(5, classes=False))
        self._set_members(change, group, members)

    def _change_permissions(self, change: Change) -> None:
        self._set_permissions(change, self.random.choice(list(self.facts.nodes)))

    def _move(self, change: Change) -> None:
        node = self.random.choice([n for n in self.facts.nodes if n not in self.chains])
        inside = self._any_folder(self.facts.nodes[node].source)
        if inside is None or node not in self.oracle.chain(inside):
            change.move(self.nodes[node], self._node_id(inside))
            self.facts.nodes[node].parent = inside

    def _change_status(self, change: Change) -> None:
        user = self.random.choice([u for u in self.facts.users if u not in set(self.crowd)])
        if self.facts.users[user].status != "deleted":  # such an id never comes back
            status = self.random.choices(["active", "suspended", "deleted"], [12, 4, 1])[0]
            self._set_status(change, user, status)

    def _close(self, change: Change) -> None:
        self._set_unknown(change, self.random.choice(self._leaves()))

    def _change_freshness(self, change: Change) -> None:
        source = self.random.choice(MAIN)
        kinds = [(False, None, None), (False, 48, 1), (True, None, 1), (False, 48, 96)]
        kinds += [(False, 48, None), (True, 48, 96)]
        paused, limit, ago = self.random.choices(kinds, [12, 6, 1, 1, 1, 1])[0]
        self._set_freshness(change, source, paused=paused, max_hours=limit, hours_ago=ago)

    def _delete_some_group(self, change: Change) -> None:
        group = self._any_group()
        if group not in self.chains and len(self.facts.groups) > 7:
            self._delete_group(change, group)

    def _delete_group(self, change: Change, group: str) -> None:
        change.delete_group(self.principals[group])
        del self.facts.groups[group]
        for members in self.facts.groups.values():
            members.discard(group)
        self.facts.names = {n: who for n, who in self.facts.names.items() if who != group}

    def _new_group(self, change: Change) -> None:
        """Perhaps under an id that a deleted one had."""
        source = self.random.choice(MAIN)
        native_id = self.random.choice([*LOOK_ALIKE, "fresh", "top", "ring 0"])
        if (source, f"group:{native_id}") not in self.facts.names:
            group = self._group(change, source, native_id)
            self._set_members(change, group, self._some(4, classes=False))

    def _change_link(self, change: Change) -> None:
        """An account is linked, goes to somebody else, or is nobody's any more."""
        source = self.random.choice(MAIN)
        native_id = self.random.choice([*LOOK_ALIKE, "u1", "u2", "second"])
        account = self.facts.accounts.get(self._key("account", source, native_id))
        if account and account.user and self.random.random() < 0.5:
            change.unlink(self.sources[source], native_id)
            account.user, account.had_by = None, account.user
        else:
            self._link(change, source, native_id, self.random.choice(self._ordinary()))

    def _link(self, change: Change, source: str, native_id: str, user: str) -> None:
        """Named before its link, or after: it comes to the same."""
        if first := self.random.random() < 0.5:
            self._account(change, source, native_id)
        change.link(self.principals[user], self.sources[source], native_id, by="test")
        if not first:
            self._account(change, source, native_id)
        account = self.facts.accounts[self._key("account", source, native_id)]
        account.user, account.had_by, account.external = user, None, False

    def _change_external(self, change: Change) -> None:
        """An administrator says that an account is nobody's here, or takes it back."""
        nobodys = [key for key, account in self.facts.accounts.items() if account.user is None]
        if nobodys:
            key = self.random.choice(nobodys)
            account = self.facts.accounts[key]
            account.external = not account.external
            native_id = key.removeprefix(f"account {account.source} ")
            change.set_external(self.sources[account.source], native_id, external=account.external)

    def _delete_document(self, change: Change) -> None:
        if len(self.facts.documents) > 20:
            document = self.random.choice(sorted(self.facts.documents))
            change.delete_document(self.nodes[document])
            self.facts.documents.discard(document)
            del self.facts.nodes[document]

    def _new_document(self, change: Change) -> None:
        source = self.random.choice(MAIN)
        self._document(change, source, f"new {len(self.nodes)}", self._any_folder(source))

    # -- the first state ----------------------------------------------------------------------

    def _build(self, change: Change) -> None:
        for name in MAIN:
            self._source(change, name)
        change.session.execute(insert(EmbeddingModel).values(name=MODEL, dimension=DIMENSION))
        self._build_people(change)
        self._build_groups(change)
        self._build_folders(change)
        self._build_documents(change)
        self._build_deleted_groups(change)
        self._build_closed_sources(change)
        for user, status in zip(
            self.random.sample(list(self.facts.users), 2), ("suspended", "deleted"), strict=True
        ):
            self._set_status(change, user, status)

    def _build_people(self, change: Change) -> None:
        for native_id in LOOK_ALIKE:
            self._user(change, "wiki", native_id, guest=self.random.random() < 0.25)
        for native_id in self.random.sample(LOOK_ALIKE, 2):
            self._user(change, "Wiki", native_id, guest=False)
        for number in range(3):
            self._user(change, "drive", f"u{number}", guest=number == 0)
        if self.shape is Shape.WIDE:
            self._build_crowd(change, 1_100)
        for native_id in ("nobody's", "external"):
            self._account(change, "drive", native_id)
        change.set_external(self.sources["drive"], "external", external=True)
        self.facts.accounts[self._key("account", "drive", "external")].external = True
        for _ in range(6):
            self._change_link(change)
        self._link(change, "drive", "second", self._key("user", "drive", "u1"))

    def _build_crowd(self, change: Change, size: int) -> None:
        """As `put_user` would, at once."""
        self.crowd = [self._key("user", "drive", f"w{number}") for number in range(size)]
        kinds = [{"kind": PrincipalKind.USER}] * size
        ids = change.session.scalars(insert(Principal).returning(Principal.id), kinds).all()
        users = [{"id": one, "name": "crowd", "class_id": Class.MEMBERS} for one in ids]
        change.session.execute(insert(User), users)
        accounts = [
            {"source_id": self.sources["drive"], "native_id": f"w{number}", "user_id": one}
            for number, one in enumerate(ids)
        ]
        change.session.execute(insert(LinkedIdentity), accounts)
        named = change.accounts(self.sources["drive"], [f"w{number}" for number in range(size)])
        for number, (key, one) in enumerate(zip(self.crowd, ids, strict=True)):
            _remember(self.principals, self.called, key, one)
            self.facts.users[key] = oracle.User()
            account = self._key("account", "drive", f"w{number}")
            _remember(self.principals, self.called, account, named[f"w{number}"])
            self.facts.accounts[account] = oracle.Account("drive", key)
            self.facts.names["drive", f"user:w{number}"] = account

    def _build_groups(self, change: Change) -> None:
        plain = [self._group(change, "wiki", native_id) for native_id in LOOK_ALIKE]
        plain += [self._group(change, "Wiki", native_id) for native_id in ("ops", "1")]
        for group in plain:
            self._set_members(change, group, self._some(4, classes=False))
        ring = [self._group(change, "drive", f"ring {number}") for number in range(3)]
        for group, below in zip(ring, [*ring[1:], ring[0]], strict=True):
            self._set_members(change, group, [below, *self._some(1, classes=False)])
        itself = self._group(change, "drive", "itself")
        self._set_members(change, itself, [itself, *self._some(2, classes=False)])
        bottom, left, right, top = (
            self._group(change, "drive", native_id)
            for native_id in ("bottom", "left", "right", "top")
        )
        self._set_members(change, bottom, self._some(3, classes=False))
        self._set_members(change, left, [bottom])
        self._set_members(change, right, [bottom])
        self._set_members(change, top, [left, right])
        self._group(change, "drive", "empty")
        if self.shape is Shape.DEEP:
            self._build_deep_groups(change)
        if self.shape is Shape.WIDE:
            self._set_members(change, self._group(change, "drive", "wide"), self.crowd)

    def _build_deep_groups(self, change: Change) -> None:
        line = [self._group(change, "drive", f"level {number}") for number in range(101)]
        self.chains.update(line)
        self._set_members(change, line[0], self._some(3, classes=False) or list(self.facts.users))
        for group, below in zip(line[1:], line, strict=False):
            self._set_members(change, group, [below])

    def _build_folders(self, change: Change) -> None:
        for source in MAIN:
            for number in range(3):
                inside = self._any_folder(source)
                self._set_permissions(change, self._folder(change, source, f"f{number}", inside))
        gated = self._folder(change, "wiki", "gated", None)
        self._allow(change, gated, "internet", gates=[["members"], self._some(6)])
        twice = self._folder(change, "wiki", "twice gated", gated)
        self._allow(change, twice, gates=[[*self._some(6), "members_and_guests"]])
        broken = self._folder(change, "wiki", "broken under gate", twice)
        self._allow(change, broken, *self._some(6), inherit=False)
        self._set_unknown(change, self._folder(change, "wiki", "unknown root", None))
        open_root = self._folder(change, "drive", "open", None)
        self._allow(change, open_root, "members")
        self._set_unknown(change, self._folder(change, "drive", "unknown within", open_root))
        self._folder(change, "drive", "below unknown", self._key("node", "drive", "unknown within"))
        if self.shape is Shape.DEEP:
            self._build_deep_folders(change)

    def _build_deep_folders(self, change: Change) -> None:
        inside: str | None = None
        for number in range(101):
            inside = self._folder(change, "drive", f"depth {number}", inside)
            self.chains.add(inside)
            if number in (0, 60):
                self._allow(change, inside, *self._some(6), "internet", inherit=number == 0)
            elif number in (20, 80):
                self._allow(change, inside, gates=[[*self._some(6), "members_and_guests"]])
            elif number == 40:
                self._allow(change, inside, *self._some(2), deny=self._some(1, classes=False))

    def _build_documents(self, change: Change) -> None:
        for source in ("wiki", "Wiki"):
            for native_id in LOOK_ALIKE:
                self._set_permissions(
                    change, self._document(change, source, native_id, self._any_folder(source))
                )
        folders = [node for node in self.facts.nodes if node not in self.facts.documents]
        inside = [f for f in folders if f not in self.chains] + self._deep_samples()
        for number, folder in enumerate(inside):
            source = self.facts.nodes[folder].source
            self._document(change, source, f"plain {number}", folder)
        for number in range(40):
            source = self.random.choice(MAIN)
            document = self._document(change, source, f"own {number}", self._any_folder(source))
            self._set_permissions(change, document)
        open_folder = self._key("node", "drive", "open")
        for number in range(3):  # equal permissions, so one policy
            document = self._document(change, "drive", f"same {number}", open_folder)
            self._allow(change, document, "1 of them", inherit=False)
        self._set_unknown(change, self._document(change, "drive", "unknown itself", open_folder))
        self._build_lists(change)

    def _build_lists(self, change: Change) -> None:
        """Empty lists, and lists of over 1,000: of ghosts everywhere, of people in a wide world."""
        nothing = self._document(change, "drive", "allows nobody", None)
        self._allow(change, nothing)
        impossible = self._document(change, "drive", "an empty gate", None)
        self._allow(change, impossible, "internet", gates=[[]])
        long = self._document(change, "wiki", "a long list", None)
        ghosts = [f"group:ghost {number}" for number in range(1_001)]
        self._set_named(
            change, long, NamedPermissions(allow=("group:ops", "user:Ops", *ghosts, "group:ops"))
        )
        if self.shape is Shape.WIDE:
            wide = self.crowd + self._some(5)
            folder = self._folder(change, "drive", "wide", None)
            self._allow(change, folder, *wide, "1 of them")
            self._document(change, "drive", "wide allow", folder)
            gate = self._document(change, "drive", "wide gate", None)
            self._allow(change, gate, "internet", gates=[wide, self.crowd[50:]])
            deny = self._document(change, "drive", "wide deny", folder)
            self._allow(change, deny, "internet", deny=self.crowd[40:])

    def _build_deleted_groups(self, change: Change) -> None:
        """One comes again under the same id; two leave a deny and a gate behind."""
        first, denied, required = (
            self._group(change, "drive", native_id)
            for native_id in ("reborn", "denied", "required")
        )
        for native_id in ("allows who is gone", "denies who is gone", "requires who is gone"):
            self._document(change, "drive", native_id, None)
        allows, denies, requires = list(self.nodes)[-3:]
        self._allow(change, allows, first, *self._some(2))
        self._allow(change, denies, "internet", deny=[denied])
        self._allow(change, requires, "internet", gates=[[required, "internet"]])
        self._build_denies_of_accounts(change)
        for group in (first, denied, required):
            self._set_members(change, group, self._some(3, classes=False))
            self._delete_group(change, group)
        self._set_members(
            change, self._group(change, "drive", "reborn"), self._some(5, classes=False)
        )

    def _build_denies_of_accounts(self, change: Change) -> None:
        """Of an account of nobody's: by itself, through groups, in a gate; of an external one."""
        nobodys, external = (self._key("account", "drive", one) for one in ("nobody's", "external"))
        inner = self._group(change, "drive", "contractors")
        outer = self._group(change, "drive", "outsiders")
        self._set_members(change, inner, [nobodys])
        self._set_members(change, outer, [inner, external])
        for name, denied in {
            "denies an account": nobodys,
            "denies a group of one": outer,
            "denies an external account": external,
        }.items():
            page = self._document(change, "drive", name, None)
            self._allow(change, page, "internet", deny=[denied])
        page = self._document(change, "drive", "requires an account", None)
        self._allow(change, page, "internet", gates=[[nobodys, *self._some(4)]])
        self._allow(change, self._document(change, "drive", "allows an account", None), nobodys)

    def _build_closed_sources(self, change: Change) -> None:
        """Each with a document that everybody could read."""
        for name, paused, max_hours, hours_ago in (
            ("paused", True, None, 1.0),
            ("stale", False, 48.0, 96.0),
            ("never synced", False, 48.0, None),
            ("fresh", False, 48.0, 1.0),
        ):
            self._source(change, name)
            self._allow(change, self._document(change, name, "page", None), "internet")
            self._set_freshness(
                change, name, paused=paused, max_hours=max_hours, hours_ago=hours_ago
            )

    def _deep_samples(self) -> list[str]:
        levels = (0, 1, 39, 40, 59, 60, 61, 81, 99, 100)
        deep = self.shape is Shape.DEEP
        return [self._key("node", "drive", f"depth {level}") for level in levels] if deep else []

    # -- one thing, given to both -------------------------------------------------------------

    @contextmanager
    def _change(self) -> Iterator[Change]:
        with self.database.session("indexer") as session:
            yield Change(session, actor="test")
        self._oracle = None

    def _source(self, change: Change, name: str) -> None:
        self.sources[name] = change.put_source(name)
        self.facts.sources[name] = oracle.Source()

    def _user(self, change: Change, source: str, native_id: str, *, guest: bool) -> str:
        key = self._key("user", source, native_id)
        person = Person(native_id, f"{native_id} of {source}", guest=guest)
        _remember(self.principals, self.called, key, change.put_user(self.sources[source], person))
        self.facts.users[key] = oracle.User(guest=guest)
        account = self._account(change, source, native_id)
        self.facts.accounts[account].user = key
        return key

    def _account(self, change: Change, source: str, native_id: str) -> str:
        key = self._key("account", source, native_id)
        if key not in self.principals:
            found = change.accounts(self.sources[source], [native_id, native_id])
            _remember(self.principals, self.called, key, found[native_id])
            self.facts.accounts[key] = oracle.Account(source)
            self.facts.names[source, f"user:{native_id}"] = key
        return key

    def _group(self, change: Change, source: str, native_id: str) -> str:
        key = self._key("group", source, native_id)
        while key in self.principals:
            key += " again"
        group_id = change.put_group(self.sources[source], native_id, name=native_id)
        _remember(self.principals, self.called, key, group_id)
        self.facts.groups[key] = set()
        self.facts.names[source, f"group:{native_id}"] = key
        return key

    def _folder(self, change: Change, source: str, native_id: str, inside: str | None) -> str:
        return self._node(change, source, native_id, inside, NodeKind.CONTAINER)

    def _document(self, change: Change, source: str, native_id: str, inside: str | None) -> str:
        """One chunk, whose text is a canary: its node's id."""
        key = self._node(change, source, native_id, inside, NodeKind.DOCUMENT)
        node_id = self.nodes[key]
        change.session.execute(
            insert(Document).values(
                id=node_id,
                policy_id=change.policy_for(node_id),
                native_id=native_id,
                title=native_id,
                content_hash=native_id,
            )
        )
        chunk_id = change.session.execute(
            insert(Chunk)
            .values(
                document_id=node_id,
                position=0,
                title=native_id,
                heading="",
                anchor="",
                text=str(node_id),
            )
            .returning(Chunk.id)
        ).scalar_one()
        change.session.execute(
            insert(Embedding).values(
                chunk_id=chunk_id, model_id=1, document_id=node_id, vector=[1.0] * DIMENSION
            )
        )
        self.facts.documents.add(key)
        return key

    def _node(
        self, change: Change, source: str, native_id: str, inside: str | None, kind: NodeKind
    ) -> str:
        key = self._key("node", source, native_id)
        node_id = change.put_node(
            self.sources[source], native_id, kind=kind, parent_id=self._node_id(inside)
        )
        _remember(self.nodes, self.nodes_called, key, node_id)
        self.facts.nodes[key] = oracle.Node(source, inside)
        return key

    def _set_members(self, change: Change, group: str, members: Iterable[str]) -> None:
        ids = [self.principals[member] for member in members]
        change.set_members(self.principals[group], ids * self.random.choice([1, 1, 2]))
        self.facts.groups[group] = set(members)

    def _set_status(self, change: Change, user: str, status: str) -> None:
        change.set_status(self.principals[user], UserStatus(status))
        self.facts.users[user].status = status

    def _set_unknown(self, change: Change, node: str) -> None:
        change.set_unknown(self.nodes[node])
        self.facts.nodes[node].unknown = True

    def _set_freshness(
        self,
        change: Change,
        source: str,
        *,
        paused: bool,
        max_hours: float | None,
        hours_ago: float | None,
    ) -> None:
        change.set_freshness(
            self.sources[source],
            paused=paused,
            max_staleness=None if max_hours is None else timedelta(hours=max_hours),
        )
        facts = self.facts.sources[source]
        if hours_ago is not None:
            synced_at = datetime.now(UTC) - timedelta(hours=hours_ago)
            change.mark_synced(self.sources[source], at=synced_at)
            facts.hours_ago = hours_ago
        facts.paused, facts.max_hours = paused, max_hours

    # -- permissions --------------------------------------------------------------------------

    def _set_permissions(self, change: Change, node: str) -> None:
        """Random ones; half as ids, half as the names that the source uses."""
        if self.random.random() < 0.5:
            self._set_named(change, node, self._random_names(self.facts.nodes[node].source))
            return
        self._allow(
            change,
            node,
            *self._some(5),
            *self.random.choice([(), (), oracle.CLASSES[:1], oracle.CLASSES[1:2], ("members",)]),
            deny=self._some(2) if self.random.random() < 0.15 else (),
            gates=[
                [*self._some(5), self.random.choice(oracle.CLASSES)]
                for _ in range(self.random.choice([0, 0, 0, 0, 1, 2]))
            ]
            * self.random.choice([1, 2]),
            inherit=self.random.random() < 0.75,
        )

    def _allow(
        self,
        change: Change,
        node: str,
        *allow: str,
        deny: Sequence[str] = (),
        gates: Sequence[Sequence[str]] = (),
        inherit: bool = True,
    ) -> None:
        """By ids; a key of nobody's is left out, as an unknown name in an allow is."""
        change.set_permissions(
            self.nodes[node],
            Permissions(
                allow=frozenset(self.principals[one] for one in allow if one in self.principals),
                deny=frozenset(self.principals[one] for one in deny),
                gates=tuple(frozenset(self.principals[one] for one in gate) for gate in gates),
                inherit=inherit,
            ),
        )
        facts = self.facts.nodes[node]
        facts.allow, facts.deny = set(allow), set(deny)
        facts.gates, facts.inherit = [set(gate) for gate in gates], inherit
        facts.unknown = False

    def _set_named(self, change: Change, node: str, named: NamedPermissions) -> None:
        source = self.facts.nodes[node].source
        principals = principals_of(change.session, self.sources[source])
        change.set_permissions(self.nodes[node], resolve_permissions(named, principals))
        facts = self.facts.nodes[node]
        facts.allow = {self.facts.named(source, name) for name in named.allow}
        facts.deny = {self.facts.named(source, name) for name in named.deny}
        facts.gates = [{self.facts.named(source, n) for n in gate} for gate in named.gates]
        facts.inherit, facts.unknown = named.inherit, False

    def _random_names(self, source: str) -> NamedPermissions:
        known = [name for of, name in self.facts.names if of == source]
        known += [f"class:{name}" for name in oracle.CLASSES]

        def some(most: int, ghosts: float) -> tuple[str, ...]:
            names = self.random.choices(known, k=self.random.randint(0, most))
            names += self.random.choices(GHOSTS, k=2) if self.random.random() < ghosts else []
            return tuple(names + names[:1])

        return NamedPermissions(
            allow=(*some(5, 0.4), *self.random.choice([(), (), ("class:members",)])),
            deny=some(2, 0.2) if self.random.random() < 0.15 else (),
            gates=tuple(
                (*some(4, 0.1), f"class:{self.random.choice(oracle.CLASSES)}")
                if self.random.random() < 0.9
                else some(2, 0.5)
                for _ in range(self.random.choice([0, 0, 0, 0, 1, 2]))
            ),
            inherit=self.random.random() < 0.75,
        )

    # -- chance -------------------------------------------------------------------------------

    def _some(self, most: int, *, classes: bool = True) -> list[str]:
        """Users, accounts, groups and, where they may stand, classes; some twice."""
        drawn: list[str] = []
        for _ in range(self.random.randint(0, most)):
            kind = self.random.random()
            if kind < 0.25 or not self.facts.groups:
                drawn.append(self.random.choice(self._ordinary()))
            elif kind < 0.45:
                drawn.append(self.random.choice(self._some_accounts()))
            elif kind < 0.85 or not classes:
                drawn.append(self._any_group())
            else:
                drawn.append(self.random.choice(oracle.CLASSES))
        return drawn

    def _ordinary(self) -> list[str]:
        return list(self.facts.users)[: len(self.facts.users) - len(self.crowd)]

    def _some_accounts(self) -> list[str]:
        crowd = set(self.crowd)
        return [key for key, facts in self.facts.accounts.items() if facts.user not in crowd]

    def _any_group(self) -> str:
        """One of a hundred levels as often as any other group."""
        line = [group for group in self.facts.groups if group in self.chains]
        rest = [group for group in self.facts.groups if group not in self.chains]
        return self.random.choice([*rest, self.random.choice(line or rest)])

    def _any_folder(self, source: str) -> str | None:
        folders = [
            node
            for node, facts in self.facts.nodes.items()
            if facts.source == source
            and node not in self.facts.documents
            and node not in self.chains
            and "unknown" not in node
        ]
        return self.random.choice([None, *folders, *folders])

    def _leaves(self) -> list[str]:
        """Nodes whose closing does not close the whole world."""
        parents = {node.parent for node in self.facts.nodes.values()}
        return [node for node in self.facts.nodes if node not in parents]

    def _node_id(self, node: str | None) -> int | None:
        return None if node is None else self.nodes[node]

    def _key(self, kind: str, source: str, native_id: str) -> str:
        return f"{kind} {source} {native_id}"


def _remember(ids: dict[str, int], called: dict[int, str], key: str, new_id: int) -> None:
    """Two things that the source tells apart never get one id (threat 4)."""
    assert new_id not in called, f"{key!r} was taken for {called[new_id]!r}"
    ids[key], called[new_id] = new_id, key
