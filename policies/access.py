"""Turns an audience into a SQL filter of what all of it may read; no other file does.

Every search starts from `readable_chunks(audience)`; callers add order and limit and can only
narrow it. docs/permissions.md explains the rule. `policies/decide.py` implements it again in plain
Python, and row-level security implements it a third time, each independently.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    LargeBinary,
    Select,
    Subquery,
    TextClause,
    bindparam,
    case,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from policies.audience import Audience, Class
from policies.tables.base import among
from policies.tables.content import Chunk, Document, Embedding, EmbeddingModel
from policies.tables.history import Epoch
from policies.tables.permissions import Policy
from policies.tables.sources import Source

ONE_SNAPSHOT = "ken_one_snapshot"
"""The connection option that makes a transaction one snapshot."""


@dataclass(frozen=True, slots=True, eq=False)
class Visible:
    """An audience with the policies that it may read, computed once for several statements.

    `visible_in` computes it, and it is valid only in that snapshot.
    """

    audience: Audience
    policy_ids: NDArray[np.int64]
    """Ascending."""

    def among(self, policy_ids: NDArray[np.int64]) -> "Visible":
        """Return those of these policies that the audience may read, and no other."""
        wanted = np.unique(policy_ids)
        at = np.searchsorted(self.policy_ids, wanted)
        at[at == len(self.policy_ids)] = 0
        found = wanted[self.policy_ids[at] == wanted] if len(self.policy_ids) else wanted[:0]
        return Visible(self.audience, found)


def visible_in(session: Session, audience: Audience) -> Visible:
    """Return the policies that the audience may read, in this transaction's snapshot.

    Raises ValueError if each statement has a snapshot of its own; then each must compute them.
    """
    if not session.connection().get_execution_options().get(ONE_SNAPSHOT):
        raise ValueError("several statements that rest on one decision need one snapshot")
    return Visible(audience, _ids(session, select(visible_policies(audience).c.policy_id)))


def of_other_sources(session: Session, visible: Visible, source_id: int) -> Visible:
    """Return those of these policies that are in any source but this one, in the same snapshot."""
    others = select(Policy.id).where(Policy.source_id != source_id)
    return visible.among(_ids(session, others))


def of_sources(session: Session, visible: Visible, names: Collection[str]) -> Visible:
    """Return those of these policies that are in the sources of these names; of no name, none."""
    theirs = select(Policy.id).join(Source, Source.id == Policy.source_id)
    return visible.among(_ids(session, theirs.where(Source.name.in_(names))))


def _ids(session: Session, wanted: Select[int]) -> NDArray[np.int64]:
    """Return the ids, ascending. They come in one value: to fetch thousands of rows takes longer
    than to find them.
    """
    (one,) = wanted.subquery().c
    found = session.scalar(select(func.string_agg(func.int8send(one), literal(b"", LargeBinary))))
    return np.sort(np.frombuffer(found or b"", ">i8").astype(np.int64))


def readable_chunks(audience: Audience | Visible) -> Select[Chunk]:
    """Select chunks that every member of the audience may read; callers add order and limit."""
    return (
        select(Chunk)
        .join(Document, Document.id == Chunk.document_id)
        .where(_has_visible_policy(audience))
    )


def readable_embeddings(audience: Audience | Visible, model: str) -> Select[Embedding]:
    """Select the vectors, by one model, of chunks that all of the audience may read."""
    return (
        select(Embedding)
        .join(Document, Document.id == Embedding.document_id)
        .join(EmbeddingModel, EmbeddingModel.id == Embedding.model_id)
        .where(_has_visible_policy(audience), EmbeddingModel.name == model)
    )


def readable_documents(audience: Audience | Visible) -> Select[Document]:
    """Select documents that every member of the audience may read."""
    return select(Document).where(_has_visible_policy(audience))


def _has_visible_policy(audience: Audience | Visible) -> ColumnElement[bool]:
    if isinstance(audience, Audience):
        return Document.policy_id.in_(select(visible_policies(audience).c.policy_id))
    if len(audience.policy_ids) <= _LISTED:
        return among(Document.policy_id, audience.policy_ids.tolist())
    bits = np.zeros(audience.policy_ids[-1] + 1, np.uint8)
    bits[audience.policy_ids] = 1
    held = literal(np.packbits(bits, bitorder="little").tobytes(), LargeBinary)
    is_held = func.get_bit(held, Document.policy_id) != 0
    return case((Document.policy_id < len(bits), is_held), else_=False)


_LISTED = 1_000
"""So many policies are listed, and the planner can start from them; to look each row up among more
is cheaper as bits."""


def act_for(session: Session, audience: Audience) -> None:
    """Set the audience for row-level security until this transaction ends."""
    session.execute(
        text("SELECT set_config('ken.audience', :ids, true)"),
        {"ids": "{" + ",".join(map(str, audience.ids)) + "}"},
    )


def current_epoch(session: Session) -> int:
    return session.scalars(select(Epoch.value)).one()


def visible_policies(audience: Audience) -> Subquery:
    """Select the policies that every subject may read, from live edges; column `policy_id`."""
    return (
        _VISIBLE.bindparams(bindparam("subjects", list(audience.ids), ARRAY(BigInteger)))
        .columns(policy_id=BigInteger)
        .subquery("visible_policies")
    )


_FIRST_FEW = 16
"""The candidate policies are found with this many subjects, each a bit of an integer. The other
subjects are then checked only against what those candidates name."""

# Read it in two halves. `_ALLOWED`: the subjects, and the policies whose allow reaches the first
# few of them. `_NOT_BARRED`: what restricts those policies, how the rest of a large audience
# stands to what they name, and which are left. Nothing is looked up for everybody: the work grows
# with what can be read, not with the company.
#
# An account is a group of one: the user to whom it is linked. An unlinked account has no member,
# and if a deny reaches it, it may belong to anybody who has no link in its source.
#
# A class in `subject` stands for everybody in it. Allows and gates count only if all of them hold
# the principal, which is the class itself. A deny counts if any of them holds it: so from each
# denied principal we walk down, and find whether it reaches a person of the class.
#
# `= ANY (ARRAY(SELECT …))` and `OFFSET 0` keep each step on its index, whatever was estimated.
_ALLOWED = """
    WITH RECURSIVE
    subject AS MATERIALIZED (                  -- subjects that may read anything at all
        SELECT asked.id, coalesce(user_account.class_id, asked.id) AS class_id
        FROM unnest(:subjects) AS asked (id) LEFT JOIN user_account USING (id)
        WHERE user_account.status = 'active'
           OR (user_account.id IS NULL AND asked.id <= {max_class})
    ),

    -- The first few decide which policies are worth a look; one bit for each of them.
    first AS MATERIALIZED (
        SELECT id, class_id, 1 << (row_number() OVER (ORDER BY id))::int AS bit
        FROM subject ORDER BY id LIMIT {first_few}
    ),
    every AS MATERIALIZED (SELECT bit_or(bit) AS bits FROM first),
    acts_as AS (                               -- the user, and all groups reachable upward
        SELECT bit, id AS principal_id FROM first WHERE id > {max_class}
      UNION
        SELECT acts_as.bit, membership.group_id
        FROM acts_as JOIN membership ON membership.member_id = acts_as.principal_id
    ),
    holds AS MATERIALIZED (                    -- P(u): the same, and the classes
        SELECT principal_id, bit_or(bit) AS bits
        FROM (
            SELECT bit, principal_id FROM acts_as
          UNION ALL
            SELECT bit, within_id FROM first JOIN class_within USING (class_id)
        ) AS held
        GROUP BY principal_id
    ),
    doubtful AS MATERIALIZED (                 -- one of them may own an unlinked account
        SELECT FROM first
        WHERE EXISTS (SELECT FROM source_account WHERE last_user_id = first.id)
           OR EXISTS (
               SELECT FROM source
               WHERE EXISTS (SELECT FROM source_account WHERE source_id = source.id)
                 AND NOT EXISTS (
                     SELECT FROM identity WHERE user_id = first.id AND source_id = source.id))
    ),
    held AS MATERIALIZED (SELECT array_agg(principal_id) AS ids FROM holds),
    granting AS MATERIALIZED (
        SELECT node_id, principal_id FROM entry
        WHERE effect = 'allow' AND principal_id = ANY ((SELECT ids FROM held)::bigint[])
    ),
    candidate AS MATERIALIZED (                -- an allow reaches each of the first few
        SELECT policy_id
        FROM (
            SELECT policy_id, principal_id FROM policy_entry
            WHERE effect = 'allow' AND principal_id = ANY ((SELECT ids FROM held)::bigint[])
          UNION ALL
            SELECT policy_id, principal_id FROM policy_node JOIN granting USING (node_id)
            WHERE grants AND node_id = ANY (ARRAY(SELECT node_id FROM granting))
        ) AS allow JOIN holds USING (principal_id)
        GROUP BY policy_id HAVING bit_or(bits) = (SELECT bits FROM every)
    ),
"""

_NOT_BARRED = """
    -- What restricts the candidates: on their own (policy_id), or on a folder above (node_id).
    guarded AS MATERIALIZED (
        SELECT policy_id, node_id FROM policy_node
        WHERE guards AND policy_id = ANY (ARRAY(SELECT policy_id FROM candidate))
    ),
    guard AS MATERIALIZED (
        SELECT policy_id, 0 AS node_id, effect, gate, principal_id FROM policy_entry
        WHERE effect <> 'allow' AND policy_id = ANY (ARRAY(SELECT policy_id FROM candidate))
      UNION ALL
        SELECT 0, node_id, effect, gate, principal_id FROM entry
        WHERE effect <> 'allow' AND node_id = ANY (ARRAY(SELECT DISTINCT node_id FROM guarded))
    ),

    -- The rest of a large audience is looked for downward, from what the candidates name.
    rest AS MATERIALIZED (SELECT id, class_id FROM subject WHERE id > (SELECT max(id) FROM first)),
    allow AS MATERIALIZED (
        SELECT policy_id, principal_id FROM policy_entry
        WHERE effect = 'allow' AND EXISTS (SELECT FROM rest)
          AND policy_id = ANY (ARRAY(SELECT policy_id FROM candidate))
      UNION
        SELECT policy_node.policy_id, entry.principal_id
        FROM policy_node JOIN entry USING (node_id)
        WHERE effect = 'allow' AND grants AND EXISTS (SELECT FROM rest)
          AND policy_id = ANY (ARRAY(SELECT policy_id FROM candidate))
    ),
    unsettled AS MATERIALIZED (                -- not allowed by a class that all of the rest have
        SELECT policy_id, principal_id FROM allow
        WHERE policy_id NOT IN (
            SELECT policy_id FROM allow JOIN class_within ON within_id = principal_id
            WHERE class_id = (SELECT min(class_id) FROM rest))
    ),
    named AS (
        SELECT principal_id FROM unsettled
      UNION
        SELECT principal_id FROM guard WHERE EXISTS (SELECT FROM rest)
      UNION                                    -- a class is everybody in it: a deny of one bars it
        SELECT principal_id FROM guard
        WHERE effect = 'deny' AND (
            EXISTS (SELECT FROM subject WHERE id {is_class}) OR EXISTS (SELECT FROM doubtful))
    ),
    below AS (
        SELECT principal_id AS root_id, principal_id FROM named
      UNION
        SELECT below.root_id, member.member_id
        FROM below CROSS JOIN LATERAL (
            SELECT member_id FROM membership WHERE group_id = below.principal_id OFFSET 0
        ) AS member
    ),
    rest_holds AS MATERIALIZED (
        SELECT root_id AS principal_id, rest.id AS subject_id
        FROM below JOIN rest ON rest.id = below.principal_id
      UNION ALL
        SELECT within_id, rest.id FROM rest JOIN class_within USING (class_id)
        WHERE within_id IN (SELECT principal_id FROM named)
    ),
    whole AS MATERIALIZED (                    -- principals that all of the rest act as
        SELECT principal_id FROM rest_holds
        GROUP BY principal_id HAVING count(*) = (SELECT count(*) FROM rest)
    ),

    -- Denied principals that reach an unlinked account, which one of them may own.
    nobodys AS MATERIALIZED (
        SELECT DISTINCT root_id, source_id, last_user_id
        FROM below JOIN source_account ON source_account.id = below.principal_id
        WHERE NOT external AND NOT EXISTS (
            SELECT FROM membership WHERE group_id = source_account.id)
    ),
    without_link AS MATERIALIZED (             -- sources where one of them has no link
        SELECT source_id
        FROM (SELECT DISTINCT source_id FROM nobodys) AS theirs
        WHERE EXISTS (SELECT FROM subject WHERE id <= {internet})   -- a stranger, or the internet
           OR EXISTS (
               SELECT FROM subject WHERE id > {max_class} AND NOT EXISTS (
                   SELECT FROM identity
                   WHERE user_id = subject.id AND identity.source_id = theirs.source_id))
           OR EXISTS (                         -- a person of a class in the audience
               SELECT FROM user_account JOIN class_within USING (class_id)
               JOIN subject ON subject.id = within_id
               WHERE status = 'active' AND NOT EXISTS (
                   SELECT FROM identity
                   WHERE user_id = user_account.id AND identity.source_id = theirs.source_id))
    ),

    barred AS MATERIALIZED (
        SELECT policy_id, node_id FROM guard
        WHERE effect = 'deny' AND (
            principal_id IN (SELECT principal_id FROM holds)
            OR principal_id IN (SELECT principal_id FROM rest_holds)
            OR principal_id IN (               -- a denied person belongs to a class in the audience
                SELECT root_id
                FROM below
                JOIN user_account ON user_account.id = below.principal_id
                JOIN class_within USING (class_id)
                JOIN subject ON subject.id = within_id
                WHERE user_account.status = 'active')
            OR principal_id IN (
                SELECT root_id FROM nobodys JOIN without_link USING (source_id))
            OR principal_id IN (               -- or one of them had the account last
                SELECT root_id FROM nobodys JOIN subject ON subject.id = last_user_id)
            OR principal_id IN (
                SELECT root_id FROM nobodys
                JOIN user_account ON user_account.id = last_user_id
                JOIN class_within USING (class_id)
                JOIN subject ON subject.id = within_id
                WHERE user_account.status = 'active')
            OR principal_id <= {max_class} AND EXISTS (SELECT FROM subject WHERE id {is_class}))
      UNION                                    -- a gate that one of the first few does not meet
        SELECT policy_id, node_id FROM guard LEFT JOIN holds USING (principal_id)
        WHERE effect = 'gate' GROUP BY policy_id, node_id, gate
        HAVING coalesce(bit_or(bits), 0) <> (SELECT bits FROM every)
      UNION                                    -- or one of the rest
        SELECT policy_id, node_id
        FROM guard
        LEFT JOIN rest_holds USING (principal_id)
        LEFT JOIN whole USING (principal_id)
        WHERE effect = 'gate' GROUP BY policy_id, node_id, gate
        HAVING count(whole.principal_id) = 0
           AND count(DISTINCT subject_id) < (SELECT count(*) FROM rest)
      UNION
        SELECT 0, id FROM node
        WHERE acl_state <> 'ok' AND id = ANY (ARRAY(SELECT DISTINCT node_id FROM guarded))
      UNION
        SELECT id, 0 FROM policy WHERE NOT known
      UNION
        SELECT policy.id, 0 FROM policy JOIN source ON source.id = policy.source_id
        WHERE paused OR max_staleness IS NOT NULL
          AND (synced_at IS NULL OR synced_at < now() - max_staleness)
      UNION                                    -- no allow reaches one of the rest
        SELECT policy_id, 0 FROM unsettled LEFT JOIN rest_holds USING (principal_id)
        WHERE policy_id NOT IN (SELECT policy_id FROM unsettled JOIN whole USING (principal_id))
        GROUP BY policy_id HAVING count(DISTINCT subject_id) < (SELECT count(*) FROM rest)
    )
    SELECT policy_id FROM candidate
    WHERE (SELECT count(*) FROM subject) = cardinality(:subjects)
      AND policy_id NOT IN (SELECT policy_id FROM barred)
      AND policy_id NOT IN (
          SELECT guarded.policy_id FROM guarded JOIN barred USING (node_id) WHERE node_id <> 0)
"""


def _visible(words: str) -> TextClause:
    """Return the statement with its constants filled in. Users' ids are above the classes'."""
    for name, number in {
        "{internet}": f"{Class.INTERNET:d}",
        "{max_class}": f"{max(Class):d}",
        "{is_class}": f"BETWEEN {min(Class):d} AND {max(Class):d}",
        "{first_few}": f"{_FIRST_FEW}",
    }.items():
        words = words.replace(name, number)
    return text(words)


_VISIBLE = _visible(_ALLOWED + _NOT_BARRED)
