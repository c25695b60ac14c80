"""Resolves the names of a source to principals, and reads what is stored of it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from policies.audience import CLASSES
from policies.described import Permissions
from policies.tables.content import Chunk, Embedding, EmbeddingModel
from policies.tables.people import Account, Group, LinkedIdentity, SourceAccount, User, UserStatus
from policies.tables.permissions import AclState, Effect, Entry, Node, NodeKind

PROVIDER = "scim"
"""The source of the identity provider, whose people and groups come only by SCIM."""


def principals_of(session: Session, source_id: int) -> dict[str, int]:
    """Return our ids of `user:ID`, `group:ID` and `class:NAME` as this source writes them.

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


def principals_named(session: Session, source_id: int, names: Iterable[str]) -> dict[str, int]:
    """Return our ids of those of these names that are principals; for few of a large source."""
    wanted = set(names)
    found = {f"class:{name}": int(one) for name, one in CLASSES.items()}
    for kind, table in (("user", SourceAccount), ("group", Group)):
        prefix = f"{kind}:"
        ids = [name.removeprefix(prefix) for name in wanted if name.startswith(prefix)]
        rows = session.execute(
            select(table.native_id, table.id).where(
                table.source_id == source_id, table.native_id == any_(literal(ids, ARRAY(Text)))
            )
        )
        found |= {prefix + native_id: principal_id for native_id, principal_id in rows}
    return {name: one for name, one in found.items() if name in wanted}


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
    """Turn names into ids; drop an unknown name from an allow, and close the node otherwise.

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
    """A node of a source, with its own permissions."""

    id: int
    parent_id: int | None
    permissions: Permissions
    kind: NodeKind
    gone: bool


def stored_nodes(
    session: Session, source_id: int, native_ids: Collection[str] | None = None
) -> dict[str, StoredNode]:
    """Return the nodes of a source by native id, with permissions as ids: all, or these."""
    chosen = [Node.source_id == source_id]
    if native_ids is not None:
        chosen.append(Node.native_id == any_(literal([*native_ids], ARRAY(Text))))
    lists: dict[int, dict[tuple[Effect, int], set[int]]] = defaultdict(lambda: defaultdict(set))
    for entry in session.execute(
        select(Entry.node_id, Entry.effect, Entry.gate, Entry.principal_id)
        .join(Node, Node.id == Entry.node_id)
        .where(*chosen)
    ):
        lists[entry.node_id][entry.effect, entry.gate].add(entry.principal_id)
    columns = (
        Node.id, Node.native_id, Node.parent_id, Node.inherit, Node.acl_state, Node.kind,
        Node.gone_at,
    )  # fmt: skip
    nodes = session.execute(select(*columns).where(*chosen))
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
            node.kind,
            gone=node.gone_at is not None,
        )
        for node in nodes
    }


def vectors_of(session: Session, model_id: int, hashes: Collection[bytes]) -> dict[bytes, Any]:
    """Vectors of texts by the texts' hashes, whichever document they are of: for the indexer."""
    dimension = select(EmbeddingModel.dimension).where(EmbeddingModel.id == model_id)
    rows = session.execute(
        select(Embedding.text_hash, Embedding.vector).where(
            Embedding.model_id == model_id,
            Embedding.text_hash.in_(hashes),
            func.vector_dims(Embedding.vector) == dimension.scalar_subquery(),
        )
    )
    return {key: vector for key, vector in rows if key is not None}


def vectors_without_hash(
    session: Session, model_id: int, document_id: int
) -> list[tuple[Chunk, Any]]:
    """Chunks of a document, and their vectors, that an earlier version stored: for the indexer."""
    rows = session.execute(
        select(Chunk, Embedding.vector)
        .join(Embedding, Embedding.chunk_id == Chunk.id)
        .where(
            Chunk.document_id == document_id,
            Embedding.model_id == model_id,
            Embedding.text_hash.is_(None),
        )
    )
    return [(chunk, vector) for chunk, vector in rows]


def accounts_linked(session: Session, by: str) -> set[tuple[int, str]]:
    """Return (source id, native id) of every account that was linked by this rule."""
    rows = session.execute(
        select(LinkedIdentity.source_id, LinkedIdentity.native_id).where(
            LinkedIdentity.linked_by == by
        )
    )
    return {(source_id, native_id) for source_id, native_id in rows}


def known_accounts(session: Session, source_id: int) -> set[str]:
    """Return native ids of the source's accounts that are linked, described or named."""
    return {
        native_id
        for table in (LinkedIdentity, Account, SourceAccount)
        for native_id in session.scalars(
            select(table.native_id).where(table.source_id == source_id)
        )
    }


def is_external(session: Session, source_id: int, native_id: str) -> bool:
    """Return whether an administrator marked this account as external."""
    found = select(SourceAccount.external).where(
        SourceAccount.source_id == source_id, SourceAccount.native_id == native_id
    )
    return bool(session.scalar(found))


def people_of(session: Session, source_id: int) -> dict[str, int]:
    """Return the active users with an account in this source, by native id."""
    rows = session.execute(
        select(LinkedIdentity.native_id, User.id)
        .join(User, User.id == LinkedIdentity.user_id)
        .where(LinkedIdentity.source_id == source_id, User.status == UserStatus.ACTIVE)
    )
    return {native_id: user_id for native_id, user_id in rows}


def groups_of(session: Session, source_id: int) -> dict[str, int]:
    """Return the groups of this source, by native id."""
    rows = session.execute(select(Group.native_id, Group.id).where(Group.source_id == source_id))
    return {native_id: group_id for native_id, group_id in rows}
