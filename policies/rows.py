"""Loads the current raw rows for a decision in plain Python, in one statement.

An answer asks for them twice. `chains.py` and `subjects.py` load the same as it was at a moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from policies.subjects import People


class NodeRow(NamedTuple):
    id: int
    parent_id: int | None
    inherit: bool
    acl_state: str


class EntryRow(NamedTuple):
    node_id: int
    effect: str
    gate: int
    principal_id: int


@dataclass(frozen=True, slots=True)
class Rows:
    nodes: Sequence[NodeRow]
    """Nodes and entries of the documents and of everything above them."""
    entries: Sequence[EntryRow]
    people: People


def rows_of_now(session: Session, subject_ids: Sequence[int], document_ids: Iterable[int]) -> Rows:
    """Load the rows of these documents and of these subjects."""
    given = {"documents": list(document_ids), "subjects": list(subject_ids)}
    found = session.execute(_ROWS_OF_NOW, given).one()
    return Rows(
        [NodeRow(*row) for row in found.nodes],
        [EntryRow(*row) for row in found.entries],
        People(
            {user_id: (status, class_id) for user_id, status, class_id in found.users},
            dict(found.edges),
        ),
    )


# Plain rows of the tables, with no rule in it: that is `decide`. OFFSET 0 keeps each step on its
# index, whatever was estimated.
_ROWS_OF_NOW = text("""
    WITH RECURSIVE
    above AS (
        SELECT id, parent_id FROM node WHERE id = ANY (CAST(:documents AS bigint[]))
      UNION
        SELECT parent.id, parent.parent_id
        FROM above CROSS JOIN LATERAL (
            SELECT id, parent_id FROM node WHERE id = above.parent_id OFFSET 0
        ) AS parent
    ),
    up AS (
        SELECT id FROM user_account WHERE id = ANY (CAST(:subjects AS bigint[]))
      UNION
        SELECT member_of.group_id
        FROM up CROSS JOIN LATERAL (
            SELECT group_id FROM membership WHERE member_id = up.id OFFSET 0
        ) AS member_of
    )
    SELECT
        (SELECT coalesce(jsonb_agg(jsonb_build_array(id, parent_id, inherit, acl_state)), '[]')
         FROM node WHERE id = ANY (ARRAY(SELECT id FROM above))) AS nodes,
        (SELECT coalesce(jsonb_agg(jsonb_build_array(node_id, effect, gate, principal_id)), '[]')
         FROM entry WHERE node_id = ANY (ARRAY(SELECT id FROM above))) AS entries,
        (SELECT coalesce(jsonb_agg(jsonb_build_array(id, status, class_id)), '[]')
         FROM user_account WHERE id = ANY (CAST(:subjects AS bigint[]))) AS users,
        (SELECT coalesce(jsonb_agg(jsonb_build_array(member_id, group_ids)), '[]')
         FROM (SELECT member_id, array_agg(group_id) AS group_ids FROM membership
               WHERE member_id = ANY (ARRAY(SELECT id FROM up)) GROUP BY member_id) AS edge
        ) AS edges
""")
