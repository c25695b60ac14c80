"""Who is who: accounts and names become principals of ours. Reads only; writes are `change.py`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import BigInteger, any_, func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from policies.access import STRANGER, Audience, Class
from policies.change import Permissions
from policies.history import as_of
from policies.tables.people import Account as KnownAccount
from policies.tables.people import Group, LinkedIdentity, SourceAccount, User, UserStatus
from policies.tables.permissions import AclState, Effect, Entry, Node, NodeKind
from policies.tables.sources import Source

CLASSES: Mapping[str, Class] = {
    "members": Class.MEMBERS,
    "members_and_guests": Class.MEMBERS_AND_GUESTS,
    "internet": Class.INTERNET,
}


PROVIDER = "scim"
"""The source of the identity provider: its people and groups come by SCIM alone."""
_LONGEST_COMPARED = 100
"""Letters of a name; what resembles it is found in time that grows with their square."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody as a source calls them; compared byte for byte."""

    source: str
    native_id: str


@dataclass(frozen=True, slots=True)
class Readers:
    """Everyone who can read a message, as the place it stands in tells it."""

    accounts: frozenset[Account] = frozenset()
    users: frozenset[int] = frozenset()
    """People whom we know already by their principal id."""
    classes: frozenset[Class] = frozenset()
    strangers: bool = False
    """Somebody may be there whom we cannot name."""

    def __or__(self, more: "Readers") -> "Readers":
        return Readers(
            self.accounts | more.accounts,
            self.users | more.users,
            self.classes | more.classes,
            self.strangers or more.strangers,
        )

    @property
    def told(self) -> dict[str, Any]:
        """As JSON; equal readers are told in the same words."""
        return {
            "accounts": sorted([one.source, one.native_id] for one in self.accounts),
            "users": sorted(self.users),
            "classes": sorted(int(one) for one in self.classes),
            "strangers": self.strangers,
        }

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Readers":
        """Those that `told` was made of."""
        return cls(
            frozenset(Account(source, native_id) for source, native_id in told["accounts"]),
            frozenset(told["users"]),
            frozenset(Class(one) for one in told["classes"]),
            told["strangers"],
        )


class Unresolved(ValueError):
    """A name stands for nobody, or for `found` at once. `similar` are names that exist."""

    def __init__(self, name: str, similar: Sequence[str], *, found: int = 0) -> None:
        super().__init__(name)
        self.name = name
        self.similar = similar
        self.found = found


def resolve_audience(session: Session, readers: Readers) -> Audience:
    """The audience that these readers are; an account without a link is a stranger.

    Raises ValueError when there is nobody: an empty audience is an error, never "everyone".
    """
    ids: set[int] = {*readers.users, *readers.classes}
    linked = _linked(session, readers.accounts)
    ids.update(linked.values())
    if readers.strangers or len(linked) < len(readers.accounts):
        ids.add(STRANGER)
    return Audience.of(ids)


def unlinked(session: Session, accounts: frozenset[Account]) -> frozenset[Account]:
    """Those of the accounts that are no user of ours."""
    return accounts - _linked(session, accounts).keys()


def resolve_user(session: Session, name: str, at: datetime | None = None) -> int:
    """The user of this native id, `SOURCE:ID`, or e-mail address, exactly. Raises Unresolved."""
    identity, user = as_of(LinkedIdentity, at), as_of(User, at)
    qualified = Source.name + ":" + identity.native_id
    linked = select(identity.user_id).distinct()
    for found in (
        linked.where(identity.native_id == name),
        linked.join(Source, Source.id == identity.source_id).where(qualified == name),
        select(user.id).where(user.email == name),
    ):
        ids = session.scalars(found).all()
        if len(ids) == 1:
            return ids[0]
        if ids:
            raise Unresolved(name, [], found=len(ids))
    raise Unresolved(name, _similar_people(session, name))


def resolve_document(session: Session, name: str, at: datetime | None = None) -> int:
    """The document of this native id, `SOURCE:ID` where several sources have it."""
    node = as_of(Node, at)
    rows = session.execute(
        select(node.id, node.native_id)
        .join(Source, Source.id == node.source_id)
        .where(
            node.kind == NodeKind.DOCUMENT,
            or_(node.native_id == name, Source.name + ":" + node.native_id == name),
        )
    ).all()
    if len(rows) == 1:
        return int(rows[0].id)
    similar = session.scalars(
        select(node.native_id)
        .where(node.kind == NodeKind.DOCUMENT, node.native_id.icontains(name, autoescape=True))
        .order_by(func.length(node.native_id))
        .limit(3)
    ).all()
    raise Unresolved(name, similar, found=len(rows))


def principals_of(session: Session, source_id: int) -> dict[str, int]:
    """`user:ID`, `group:ID` and `class:NAME` as this source writes them, to our ids.

    A user of a source is an account of it, linked or not; only those that are principals are here
    (`Change.accounts` makes one).
    """
    accounts = session.execute(
        select(SourceAccount.native_id, SourceAccount.id).where(
            SourceAccount.source_id == source_id
        )
    )
    return {
        **{f"class:{name}": int(one) for name, one in CLASSES.items()},
        **{f"user:{native_id}": account_id for native_id, account_id in accounts},
        **{f"group:{name}": group_id for name, group_id in groups_of(session, source_id).items()},
    }


@dataclass(frozen=True, slots=True)
class NamedPermissions:
    """Permissions as a source writes them, before its names are resolved."""

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    gates: tuple[tuple[str, ...], ...] = ()
    inherit: bool = True

    def names(self) -> Iterable[str]:
        yield from self.allow
        yield from self.deny
        for gate in self.gates:
            yield from gate


def resolve_permissions(named: NamedPermissions, principals: Mapping[str, int]) -> Permissions:
    """Names to ids: nobody's name is dropped from an allow, and closes the node elsewhere.

    Design, section 4: an unknown principal in a deny or a gate makes the node unknown.
    """
    guards = (*named.deny, *(name for gate in named.gates for name in gate))
    return Permissions(
        allow=frozenset(principals[name] for name in named.allow if name in principals),
        deny=frozenset(principals[name] for name in named.deny if name in principals),
        gates=tuple(
            sorted(
                {
                    frozenset(principals[name] for name in gate if name in principals)
                    for gate in named.gates
                },
                key=sorted,
            )
        ),
        inherit=named.inherit,
        known=all(name in principals for name in guards) and all(named.gates),
    )


@dataclass(frozen=True, slots=True)
class StoredNode:
    """A node of a source, with the permissions that it has of its own."""

    id: int
    parent_id: int | None
    permissions: Permissions


def stored_nodes(session: Session, source_id: int) -> dict[str, StoredNode]:
    """All nodes of a source by native id, permissions as `resolve_permissions` gives them."""
    lists: dict[int, dict[tuple[Effect, int], set[int]]] = defaultdict(lambda: defaultdict(set))
    for entry in session.execute(
        select(Entry.node_id, Entry.effect, Entry.gate, Entry.principal_id)
        .join(Node, Node.id == Entry.node_id)
        .where(Node.source_id == source_id)
    ):
        lists[entry.node_id][entry.effect, entry.gate].add(entry.principal_id)
    nodes = session.execute(
        select(Node.id, Node.native_id, Node.parent_id, Node.inherit, Node.acl_state).where(
            Node.source_id == source_id
        )
    )
    return {
        node.native_id: StoredNode(
            node.id,
            node.parent_id,
            Permissions(
                allow=frozenset(lists[node.id][Effect.ALLOW, 0]),
                deny=frozenset(lists[node.id][Effect.DENY, 0]),
                gates=tuple(
                    frozenset(principals)
                    for (effect, _), principals in sorted(lists[node.id].items())
                    if effect is Effect.GATE
                ),
                inherit=node.inherit,
                known=node.acl_state is AclState.OK,
            ),
        )
        for node in nodes
    }


def accounts_linked(session: Session, by: str) -> set[tuple[int, str]]:
    """(source id, native id) of every account that was linked by this."""
    rows = session.execute(
        select(LinkedIdentity.source_id, LinkedIdentity.native_id).where(
            LinkedIdentity.linked_by == by
        )
    )
    return {(source_id, native_id) for source_id, native_id in rows}


def known_accounts(session: Session, source_id: int) -> set[str]:
    """The accounts of this source that are linked, described, or named somewhere: native ids."""
    return {
        native_id
        for table in (LinkedIdentity, KnownAccount, SourceAccount)
        for native_id in session.scalars(
            select(table.native_id).where(table.source_id == source_id)
        )
    }


def is_external(session: Session, source_id: int, native_id: str) -> bool:
    """Whether an administrator said that this account is nobody's here."""
    found = select(SourceAccount.external).where(
        SourceAccount.source_id == source_id, SourceAccount.native_id == native_id
    )
    return bool(session.scalar(found))


def people_of(session: Session, source_id: int) -> dict[str, int]:
    """The active users with an account in this source, by native id."""
    rows = session.execute(
        select(LinkedIdentity.native_id, User.id)
        .join(User, User.id == LinkedIdentity.user_id)
        .where(LinkedIdentity.source_id == source_id, User.status == UserStatus.ACTIVE)
    )
    return {native_id: user_id for native_id, user_id in rows}


def groups_of(session: Session, source_id: int) -> dict[str, int]:
    """The groups of this source, by native id."""
    rows = session.execute(select(Group.native_id, Group.id).where(Group.source_id == source_id))
    return {native_id: group_id for native_id, group_id in rows}


def describe(
    session: Session, principal_ids: Iterable[int], at: datetime | None = None
) -> dict[int, str]:
    """A name for each principal, for explanations to administrators."""
    wanted = list(set(principal_ids))
    names = {int(one): f"everyone in {name}" for name, one in CLASSES.items()}
    names[STRANGER] = "somebody unlinked"
    user, group, account = as_of(User, at), as_of(Group, at), as_of(SourceAccount, at)
    among = literal(wanted, ARRAY(BigInteger))
    users = select(user.id, user.name).where(user.id == any_(among))
    groups = select(group.id, group.name).where(group.id == any_(among))
    names.update((user_id, name) for user_id, name in session.execute(users))
    accounts = (
        select(account.id, Source.name, account.native_id)
        .join(Source, Source.id == account.source_id)
        .where(account.id == any_(among))
    )
    names.update((group_id, f"group {name}") for group_id, name in session.execute(groups))
    names.update((one, f"account {of}:{name}") for one, of, name in session.execute(accounts))
    return names


def _linked(session: Session, accounts: Iterable[Account]) -> dict[Account, int]:
    pairs = [(account.source, account.native_id) for account in accounts]
    if not pairs:
        return {}
    rows = session.execute(
        select(Source.name, LinkedIdentity.native_id, LinkedIdentity.user_id)
        .join(Source, Source.id == LinkedIdentity.source_id)
        .where(tuple_(Source.name, LinkedIdentity.native_id).in_(pairs))
    )
    return {Account(source, native_id): user_id for source, native_id, user_id in rows}


def _similar_people(session: Session, name: str) -> list[str]:
    """Ids that look alike, or whose person's name holds this word; accounts in Slack left out."""
    rows = session.execute(
        select(LinkedIdentity.native_id, User.name)
        .join(User, User.id == LinkedIdentity.user_id)
        .join(Source, Source.id == LinkedIdentity.source_id)
        .where(~Source.name.startswith("slack:"))
        .order_by(LinkedIdentity.native_id)
    ).all()
    ids = [native_id for native_id, _ in rows]
    wanted = name.strip().casefold()
    named = [native_id for native_id, full_name in rows if wanted in full_name.casefold()]
    return list(dict.fromkeys([*get_close_matches(name[:_LONGEST_COMPARED], ids, n=3), *named]))[:3]
