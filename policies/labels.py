"""Keeps each document's policy in step with nodes and entries; only `change.py` calls it.

Equal permissions are one row. A document keeps its policy whatever changes above it, unless its
chain of anchors becomes another: by a move, or by a folder's first own entries.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session


def recompute_subtree(session: Session, node_id: int) -> None:
    """Update chains and policies below a node that moved, or became an anchor."""
    hanging = below(session, node_id)
    refresh_chains(session, _policies_anchored_at(session, hanging))
    reassign_policies(session, hanging)  # policies that are made now know their chain


def reassign_policies(session: Session, node_ids: Sequence[int]) -> None:
    """Set the current policy of each document among these nodes."""
    with_text = session.scalars(_READ_DOCUMENTS, {"ids": list(node_ids)}).all()
    labels = intern(session, with_text)
    if labels:
        session.execute(
            _ASSIGN_POLICIES, {"documents": list(labels.keys()), "policies": list(labels.values())}
        )


def intern(session: Session, node_ids: Sequence[int]) -> dict[int, int]:
    """Return the policy of each node; create missing ones with their entries and chain."""
    if not node_ids:
        return {}
    rows = session.execute(_READ_LABELS, {"ids": list(node_ids)}).all()
    missing = {_key(row): row for row in rows if row.policy_id is None}
    made = _make_policies(session, list(missing.values()))
    return {
        row.node_id: row.policy_id if row.policy_id is not None else made[_key(row)] for row in rows
    }


def refresh_chains(session: Session, policy_ids: Sequence[int]) -> None:
    """Write again which anchors are above these policies."""
    if policy_ids:
        session.execute(_DELETE_CHAINS, {"ids": list(policy_ids)})
        session.execute(_INSERT_CHAINS, {"ids": list(policy_ids)})


def refresh_guards(session: Session, node_id: int) -> None:
    """Update whether a node denies, has gates, or is unknown."""
    session.execute(_UPDATE_GUARDS, {"id": node_id})


def policies_through(session: Session, node_id: int) -> Sequence[int]:
    """Return the policies that have this anchor on their chain."""
    return session.scalars(_READ_POLICIES_THROUGH, {"id": node_id}).all()


def below(session: Session, node_id: int) -> Sequence[int]:
    """Return the node and all its descendants."""
    return session.scalars(_READ_SUBTREE, {"id": node_id}).all()


def _policies_anchored_at(session: Session, node_ids: Sequence[int]) -> Sequence[int]:
    return session.scalars(_READ_POLICIES_ANCHORED, {"ids": list(node_ids)}).all()


def _make_policies(session: Session, labels: Sequence[Row[Any]]) -> dict[tuple[object, ...], int]:
    """All at once: a folder above many documents makes many."""
    if not labels:
        return {}
    made = session.execute(
        _INSERT_POLICIES,
        {
            name: [getattr(label, name) for label in labels]
            for name in ("source_id", "anchor_id", "inherit", "known", "own")
        },
    ).all()
    ids = {_key(row): row.id for row in made}
    session.execute(
        _COPY_ENTRIES,
        {
            "policies": [ids[_key(label)] for label in labels],
            "nodes": [label.node_id for label in labels],
        },
    )
    refresh_chains(session, list(ids.values()))
    return ids


def _key(row: Row[Any]) -> tuple[object, ...]:
    """The key by which two policies are the same."""
    return row.source_id, row.anchor_id, row.own


# Reads the nearest anchor above each node, the content of its own entries as one hash, and the
# policy that already stands for both.
_READ_LABELS = text("""
    WITH RECURSIVE climb AS (
        SELECT id AS node_id, parent_id AS at FROM node WHERE id = ANY(:ids)
      UNION
        SELECT climb.node_id, node.parent_id
        FROM climb JOIN node ON node.id = climb.at
        WHERE NOT node.anchor
    ),
    label AS (
        SELECT climb.node_id, climb.at AS anchor_id
        FROM climb LEFT JOIN node ON node.id = climb.at
        WHERE climb.at IS NULL OR node.anchor
    ),
    own AS (
        SELECT node.id AS node_id, node.source_id, node.inherit, node.acl_state = 'ok' AS known,
               encode(sha256(convert_to(concat_ws(' ', node.inherit, node.acl_state,
                   (SELECT string_agg(concat_ws(':', effect, gate, principal_id), ','
                                      ORDER BY effect, gate, principal_id)
                    FROM entry WHERE entry.node_id = node.id)), 'UTF8')), 'hex') AS own
        FROM node WHERE id = ANY(:ids)
    )
    SELECT own.node_id, own.source_id, label.anchor_id, own.inherit, own.known, own.own,
           policy.id AS policy_id
    FROM own JOIN label USING (node_id)
    LEFT JOIN policy ON policy.source_id = own.source_id AND policy.own = own.own
         AND policy.anchor_id IS NOT DISTINCT FROM label.anchor_id
""")

# Inserts policies; returns their ids with the columns that identify them.
_INSERT_POLICIES = text("""
    INSERT INTO policy (source_id, anchor_id, inherit, known, own)
    SELECT * FROM unnest(
        CAST(:source_id AS bigint[]), CAST(:anchor_id AS bigint[]), CAST(:inherit AS boolean[]),
        CAST(:known AS boolean[]), CAST(:own AS text[]))
    RETURNING id, source_id, anchor_id, own
""")

# Copies the entries of nodes to the policies that were made for them.
_COPY_ENTRIES = text("""
    INSERT INTO policy_entry (policy_id, effect, gate, principal_id)
    SELECT made.policy_id, effect, gate, principal_id
    FROM unnest(CAST(:policies AS bigint[]), CAST(:nodes AS bigint[])) AS made (policy_id, node_id)
    JOIN entry USING (node_id)
""")

# Reads which of these nodes are documents.
_READ_DOCUMENTS = text("SELECT id FROM document WHERE id = ANY(:ids)")

# Assigns a policy to each document; a document that already has it is not written.
_ASSIGN_POLICIES = text("""
    UPDATE document SET policy_id = label.policy_id
    FROM unnest(CAST(:documents AS bigint[]), CAST(:policies AS bigint[]))
         AS label (document_id, policy_id)
    WHERE document.id = label.document_id AND document.policy_id <> label.policy_id
""")

# Reads the policies that have this anchor on their chain.
_READ_POLICIES_THROUGH = text("SELECT policy_id FROM policy_node WHERE node_id = :id")

# Reads the policies whose nearest anchor is one of these nodes.
_READ_POLICIES_ANCHORED = text("SELECT id FROM policy WHERE anchor_id = ANY(:ids)")

# Deletes the chains of policies.
_DELETE_CHAINS = text("DELETE FROM policy_node WHERE policy_id = ANY(:ids)")

# Inserts the chain of each policy: the anchors above it, whether their allows count for it, and
# whether they deny, have gates or are unknown.
_INSERT_CHAINS = text("""
    WITH RECURSIVE climb AS (
        SELECT id AS policy_id, anchor_id AS node_id, inherit AS grants
        FROM policy WHERE id = ANY(:ids) AND anchor_id IS NOT NULL
      UNION
        SELECT climb.policy_id, node.parent_id, climb.grants AND node.inherit
        FROM climb JOIN node ON node.id = climb.node_id
        WHERE node.parent_id IS NOT NULL
    )
    INSERT INTO policy_node (policy_id, node_id, grants, guards)
    SELECT climb.policy_id, climb.node_id, climb.grants,
           node.acl_state <> 'ok' OR EXISTS (
               SELECT FROM entry WHERE entry.node_id = node.id AND effect <> 'allow')
    FROM climb JOIN node ON node.id = climb.node_id WHERE node.anchor
""")

# Updates in all chains whether a node denies, has gates, or is unknown.
_UPDATE_GUARDS = text("""
    UPDATE policy_node SET guards = NOT guards
    FROM node
    WHERE node.id = :id AND policy_node.node_id = node.id
      AND guards <> (node.acl_state <> 'ok' OR EXISTS (
          SELECT FROM entry WHERE entry.node_id = node.id AND effect <> 'allow'))
""")

# Reads a node and all its descendants.
_READ_SUBTREE = text("""
    WITH RECURSIVE below AS (
        SELECT id FROM node WHERE id = :id
      UNION
        SELECT node.id FROM below JOIN node ON node.parent_id = below.id
    )
    SELECT id FROM below
""")
