"""Loads the chain of a document: the node itself and those above it, with their entries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from policies.decide import ChainNode, Freshness
from policies.history import as_of
from policies.tables.base import among
from policies.tables.permissions import AclState, Effect, Entry, Node
from policies.tables.sources import Source


def load_chains(
    session: Session, document_ids: Iterable[int], at: datetime | None = None
) -> dict[int, list[ChainNode]]:
    """Return the chain of each document, itself first. A node that does not exist has none."""
    wanted = set(document_ids)
    nodes = _nodes_above(session, wanted, at)
    entry = as_of(Entry, at)
    columns = (entry.node_id, entry.effect, entry.gate, entry.principal_id)
    own = select(*columns).where(among(entry.node_id, (node.id for node in nodes)))
    return chains_of(wanted, nodes, session.execute(own))


def chains_of(
    wanted: Collection[int], node_rows: Iterable[Any], entry_rows: Iterable[Any]
) -> dict[int, list[ChainNode]]:
    """Build the chains from loaded rows of these nodes and all above them."""
    nodes = {node.id: node for node in node_rows}
    entries: dict[int, list[Any]] = defaultdict(list)
    for row in entry_rows:
        entries[row.node_id].append(row)
    found = {node.id: _chain_node(node, entries[node.id]) for node in nodes.values()}
    return {
        document_id: [found[node_id] for node_id in _climb(nodes, document_id)]
        for document_id in nodes.keys() & wanted
    }


def _nodes_above(session: Session, node_ids: Collection[int], at: datetime | None) -> Sequence[Any]:
    node = as_of(Node, at)
    above = (
        select(node.id, node.parent_id).where(among(node.id, node_ids)).cte("above", recursive=True)
    )
    above = above.union(select(node.id, node.parent_id).join(above, node.id == above.c.parent_id))
    columns = (node.id, node.parent_id, node.inherit, node.acl_state)
    return session.execute(select(*columns).join(above, node.id == above.c.id)).all()


def _climb(nodes: Mapping[int, Any], node_id: int) -> list[int]:
    chain: list[int] = []
    at: int | None = node_id
    while at is not None and at not in chain:
        chain.append(at)
        at = nodes[at].parent_id
    return chain


def _chain_node(node: Any, entries: Sequence[Any]) -> ChainNode:
    gates: dict[int, set[int]] = defaultdict(set)
    for entry in entries:
        if entry.effect == Effect.GATE:
            gates[entry.gate].add(entry.principal_id)
    return ChainNode(
        node_id=node.id,
        inherit=node.inherit,
        known=node.acl_state == AclState.OK,
        allow=frozenset(e.principal_id for e in entries if e.effect == Effect.ALLOW),
        deny=frozenset(e.principal_id for e in entries if e.effect == Effect.DENY),
        gates=tuple(frozenset(gate) for _, gate in sorted(gates.items())),
    )


def usable_documents(
    session: Session, document_ids: Iterable[int], at: datetime | None = None
) -> set[int]:
    """Return the documents whose source is neither paused nor stale by the database's clock."""
    node, source = as_of(Node, at), as_of(Source, at)
    rows = session.execute(
        select(node.id, source.paused, source.max_staleness, source.synced_at, func.now())
        .join(source, source.id == node.source_id)
        .where(among(node.id, set(document_ids)))
    )
    return {
        node_id
        for node_id, paused, max_staleness, synced_at, now in rows
        if Freshness(paused, max_staleness, synced_at).usable(at or now)
    }


def unpaused_documents(session: Session, document_ids: Iterable[int]) -> set[int]:
    """Return the documents whose source is not paused, regardless of its age."""
    return set(
        session.scalars(
            select(Node.id)
            .join(Source, Source.id == Node.source_id)
            .where(among(Node.id, set(document_ids)), Source.paused.is_(False))
        )
    )
