"""Who may read what, as SQL: the one place that turns people into a filter.

`readable_chunks(audience)` is where every search starts; callers add order and limit and can
only narrow it. The rule is design, section 4, and docs/permissions.md; `policies/explain.py`
says the same in plain Python and row-level security says it again, each on its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from sqlalchemy import BigInteger, Select, Subquery, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from policies.models import Chunk, Document, Embedding, EmbeddingModel, Epoch


class Class(IntEnum):
    """The principals that stand for many, by their fixed ids.

    As a subject of an audience, a class is everybody in it, now or later: it reads only what
    all of them may read.
    """

    INTERNET = 1
    MEMBERS_AND_GUESTS = 2
    MEMBERS = 3


STRANGER = 0
"""The subject for somebody we cannot name (unlinked): one person, with the class `internet`."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Everyone who can read the reply. It may quote only what all of them may read."""

    ids: tuple[int, ...]
    """The subjects: users by principal id, classes, or STRANGER. Sorted, no duplicates."""

    def __post_init__(self) -> None:
        if not self.ids:
            raise ValueError("an audience has at least one subject")
        if list(self.ids) != sorted(set(self.ids)):
            raise ValueError("the subjects of an audience are sorted and distinct")

    @classmethod
    def of(cls, ids: Iterable[int]) -> "Audience":
        return cls(tuple(sorted(set(ids))))


def readable_chunks(audience: Audience) -> Select[Chunk]:
    """Chunks that every member of the audience may read; callers add order and limit."""
    return (
        select(Chunk)
        .join(Document, Document.id == Chunk.document_id)
        .where(Document.policy_id.in_(select(visible_policies(audience).c.policy_id)))
    )


def readable_embeddings(audience: Audience, model: str) -> Select[Embedding]:
    """The vectors, by one model, of chunks that every member of the audience may read."""
    return (
        select(Embedding)
        .join(Document, Document.id == Embedding.document_id)
        .join(EmbeddingModel, EmbeddingModel.id == Embedding.model_id)
        .where(
            Document.policy_id.in_(select(visible_policies(audience).c.policy_id)),
            EmbeddingModel.name == model,
        )
    )


def readable_documents(audience: Audience) -> Select[Document]:
    """Documents that every member of the audience may read."""
    return select(Document).where(
        Document.policy_id.in_(select(visible_policies(audience).c.policy_id))
    )


def act_for(session: Session, audience: Audience) -> None:
    """Tell row-level security who will read, until this transaction ends."""
    session.execute(
        text("SELECT set_config('ken.audience', :ids, true)"),
        {"ids": "{" + ",".join(map(str, audience.ids)) + "}"},
    )


def current_epoch(session: Session) -> int:
    return session.scalars(select(Epoch.value)).one()


def visible_policies(audience: Audience) -> Subquery:
    """The policies that every subject meets, worked out from live edges; column `policy_id`."""
    return (
        _VISIBLE.bindparams(bindparam("subjects", list(audience.ids), ARRAY(BigInteger)))
        .columns(policy_id=BigInteger)
        .subquery("visible_policies")
    )


# A class in `subject` stands for everybody in it. What all of them hold is the class itself:
# that decides allows and gates. What any of them holds decides denies: so from each denied
# principal we walk down, and find whether somebody of the class is reached.
_VISIBLE = text("""
    WITH RECURSIVE
    subject AS (
        SELECT unnest(:subjects) AS id
    ),
    acts_as AS (                               -- the user, and all groups reachable upward
        SELECT user_account.id AS subject_id, user_account.id AS principal_id
        FROM subject JOIN user_account USING (id)
        WHERE user_account.status = 'active'
      UNION
        SELECT acts_as.subject_id, membership.group_id
        FROM acts_as JOIN membership ON membership.member_id = acts_as.principal_id
    ),
    holds AS (                                 -- P(u): the same, and the classes
        SELECT subject_id, principal_id FROM acts_as
      UNION ALL
        SELECT user_account.id, class_within.within_id
        FROM subject JOIN user_account USING (id) JOIN class_within USING (class_id)
        WHERE user_account.status = 'active'
      UNION ALL
        SELECT subject.id, class_within.within_id
        FROM subject JOIN class_within ON class_within.class_id = subject.id
    ),
    allowed AS (
        SELECT policy_id FROM policy_rule JOIN holds USING (principal_id)
        WHERE effect = 'allow'
        GROUP BY policy_id HAVING count(DISTINCT subject_id) = (SELECT count(*) FROM subject)
    ),
    restriction AS MATERIALIZED (              -- few, and asked several times
        SELECT policy_id, node_id, gate, effect, principal_id
        FROM policy_rule WHERE effect <> 'allow'
    ),
    denied_below AS (                          -- whom a deny reaches, if a class is listening
        SELECT DISTINCT principal_id AS denied_id, principal_id FROM restriction
        WHERE effect = 'deny' AND EXISTS (SELECT FROM subject WHERE id IN (1, 2, 3))
      UNION
        SELECT denied_below.denied_id, membership.member_id
        FROM denied_below JOIN membership ON membership.group_id = denied_below.principal_id
    ),
    denied_principal AS (
        SELECT principal_id FROM holds
      UNION
        SELECT denied_below.denied_id
        FROM denied_below
        JOIN user_account ON user_account.id = denied_below.principal_id
        JOIN class_within ON class_within.class_id = user_account.class_id
        JOIN subject ON subject.id = class_within.within_id
        WHERE user_account.status = 'active'
      UNION                                    -- the classes overlap, so a denied one bars all
        SELECT class.id FROM principal AS class
        WHERE class.kind = 'class' AND EXISTS (SELECT FROM subject WHERE id IN (1, 2, 3))
    ),
    barred AS (
        SELECT policy_id FROM restriction JOIN denied_principal USING (principal_id)
        WHERE effect = 'deny'
      UNION
        SELECT policy_id                       -- a gate that some subject does not meet
        FROM restriction LEFT JOIN holds USING (principal_id)
        WHERE effect = 'gate'
        GROUP BY policy_id, node_id, gate
        HAVING count(DISTINCT subject_id) < (SELECT count(*) FROM subject)
      UNION
        SELECT policy_node.policy_id
        FROM policy_node JOIN node ON node.id = policy_node.node_id
        WHERE node.acl_state <> 'ok'
    )
    SELECT allowed.policy_id
    FROM allowed
    JOIN policy ON policy.id = allowed.policy_id
    JOIN source ON source.id = policy.source_id
    WHERE policy.known
      AND NOT source.paused
      AND (source.max_staleness IS NULL OR source.synced_at >= now() - source.max_staleness)
      AND NOT EXISTS (SELECT FROM barred WHERE barred.policy_id = allowed.policy_id)
""")
