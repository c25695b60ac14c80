"""The tables. The schema is the authorization model with text attached.

Access data lives on small tables of its own: nothing that decides who may read stands on a row
with a vector index, so a changed membership or folder touches no document and no chunk
(design, section 4).
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DIMENSION = 384
"""Of the embedded embedder's vectors; each row also names its model."""


class Base(DeclarativeBase):
    type_annotation_map = {
        int: BigInteger,
        str: Text,
        datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        list[int]: ARRAY(BigInteger),
    }


def _words(kind: type[StrEnum]) -> Enum:
    """Stored as text with a check, so that a migration can add a word without a lock."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        values_callable=lambda words: [word.value for word in words],
        name=kind.__name__.lower(),
        length=16,
    )


# -- who --------------------------------------------------------------------------------------


class PrincipalKind(StrEnum):
    USER = "user"
    GROUP = "group"
    CLASS = "class"
    ACCOUNT = "account"


class UserStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class Principal(Base):
    """Anyone who can stand in a permission. Ids are never reused."""

    __tablename__ = "principal"

    id: Mapped[int] = mapped_column(Identity(start=1000), primary_key=True)
    """Below 1000: the classes, fixed (see `Class`)."""
    kind: Mapped[PrincipalKind] = mapped_column(_words(PrincipalKind))


class ClassWithin(Base):
    """Which classes somebody of a class belongs to: a member is also one of the internet."""

    __tablename__ = "class_within"

    class_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    within_id: Mapped[int] = mapped_column(
        ForeignKey("principal.id"), primary_key=True, autoincrement=False
    )


class User(Base):
    """A person of the company. E-mail is an attribute, never a key."""

    __tablename__ = "user_account"

    id: Mapped[int] = mapped_column(ForeignKey("principal.id"), primary_key=True)
    status: Mapped[UserStatus] = mapped_column(
        _words(UserStatus), default=UserStatus.ACTIVE, server_default="active"
    )
    class_id: Mapped[int] = mapped_column(ForeignKey("principal.id"))
    """The narrowest class: `members`, or `members_and_guests` for a guest."""
    name: Mapped[str]
    email: Mapped[str | None]
    profile: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Title, team, location, country, locale, timezone, manager: what is said of this person."""


class LinkedIdentity(Base):
    """An account in a source, by the immutable id the source gave it, compared byte for byte."""

    __tablename__ = "identity"

    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"), primary_key=True)
    native_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    linked_by: Mapped[str] = mapped_column(default="load", server_default="load")
    """Which rule made the link (design, section 4); for an admin's, the folder that says so."""


class SourceAccount(Base):
    """An account as a principal: what names one outlives links, which say whose it is when asked.

    It is there once a membership or an entry names it, linked or not.
    """

    __tablename__ = "source_account"
    __table_args__ = (UniqueConstraint("source_id", "native_id"),)

    id: Mapped[int] = mapped_column(ForeignKey("principal.id"), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"))
    native_id: Mapped[str]
    external: Mapped[bool] = mapped_column(default=False, server_default="false")
    """An administrator says that it is nobody's here: its denies bar nobody."""
    last_user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    """Whose it was before its link was taken away: a deny of it bars them still."""


class Group(Base):
    __tablename__ = "user_group"
    __table_args__ = (UniqueConstraint("source_id", "native_id"),)

    id: Mapped[int] = mapped_column(ForeignKey("principal.id"), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"))
    native_id: Mapped[str]
    name: Mapped[str]


class Membership(Base):
    """One edge as the source gave it; cycles are allowed, nothing is flattened."""

    __tablename__ = "membership"

    member_id: Mapped[int] = mapped_column(ForeignKey("principal.id"), primary_key=True)
    group_id: Mapped[int] = mapped_column(ForeignKey("principal.id"), primary_key=True, index=True)
    """A group; or an account, whose one member is the user it is linked to: a trigger on `identity`
    keeps that edge."""


# -- what, and who may read it ----------------------------------------------------------------


class NodeKind(StrEnum):
    CONTAINER = "container"
    DOCUMENT = "document"


class AclState(StrEnum):
    OK = "ok"
    UNKNOWN = "unknown"


class Effect(StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    GATE = "gate"


class Source(Base):
    """A system that documents, groups or identities come from."""

    __tablename__ = "source"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    url: Mapped[str | None]
    paused: Mapped[bool] = mapped_column(default=False, server_default="false")
    max_staleness: Mapped[timedelta | None]
    """Older permissions than this are not used; None: no limit."""
    synced_at: Mapped[datetime | None]
    """When the last complete permission sync ended."""


class Node(Base):
    """A resource in a source's tree, with its parent."""

    __tablename__ = "node"
    __table_args__ = (UniqueConstraint("source_id", "native_id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"))
    native_id: Mapped[str]
    kind: Mapped[NodeKind] = mapped_column(_words(NodeKind))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"), index=True)
    inherit: Mapped[bool] = mapped_column(default=True, server_default="true")
    acl_state: Mapped[AclState] = mapped_column(
        _words(AclState), default=AclState.OK, server_default="ok"
    )
    anchor: Mapped[bool] = mapped_column(default=False, server_default="false")
    """A container that has, or once had, permissions of its own: policies refer to it, so that
    changing them touches no document."""
    gone_at: Mapped[datetime | None]
    """Since when the source does not list it: nobody reads it, and after a while it is deleted."""


class Entry(Base):
    """A principal is allowed, denied or required on a node. No entry means no."""

    __tablename__ = "entry"

    node_id: Mapped[int] = mapped_column(
        ForeignKey("node.id", ondelete="CASCADE"), primary_key=True
    )
    effect: Mapped[Effect] = mapped_column(_words(Effect), primary_key=True)
    gate: Mapped[int] = mapped_column(primary_key=True, default=0, server_default="0")
    """Which OR-list of the node a gate entry belongs to; 0 for allow and deny."""
    principal_id: Mapped[int] = mapped_column(
        ForeignKey("principal.id"), primary_key=True, index=True
    )


class Policy(Base):
    """The interned effective permission of documents: equal permissions, one row.

    Made of the nearest anchor above (and, through `PolicyNode`, the anchors above that one) and
    the content of the documents' own entries (`PolicyEntry`).
    """

    __tablename__ = "policy"
    __table_args__ = (
        UniqueConstraint("source_id", "anchor_id", "own", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"))
    anchor_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"), index=True)
    inherit: Mapped[bool]
    known: Mapped[bool]
    own: Mapped[str]
    """Canonical text of inherit, known and the own entries: the interning key."""


class PolicyEntry(Base):
    __tablename__ = "policy_entry"

    policy_id: Mapped[int] = mapped_column(
        ForeignKey("policy.id", ondelete="CASCADE"), primary_key=True
    )
    effect: Mapped[Effect] = mapped_column(_words(Effect), primary_key=True)
    gate: Mapped[int] = mapped_column(primary_key=True)
    principal_id: Mapped[int] = mapped_column(
        ForeignKey("principal.id"), primary_key=True, index=True
    )


class PolicyNode(Base):
    """The anchors on the chain of a policy, all the way to the root."""

    __tablename__ = "policy_node"

    policy_id: Mapped[int] = mapped_column(
        ForeignKey("policy.id", ondelete="CASCADE"), primary_key=True
    )
    node_id: Mapped[int] = mapped_column(ForeignKey("node.id"), primary_key=True, index=True)
    grants: Mapped[bool]
    """False above the first `inherit = false`: allows from here do not reach the document."""
    guards: Mapped[bool] = mapped_column(default=False, server_default="false")
    """The node denies, gates, or is unknown: most do not, and need no second look."""


class Epoch(Base):
    """One row: the number of the last committed change to anything that decides access."""

    __tablename__ = "epoch"

    single: Mapped[bool] = mapped_column(primary_key=True, default=True)
    value: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=func.now())


class Past(Base):
    """A row of a table above as it was before a change. Triggers write it, nobody else can.

    The first change after a moment tells what a row was at that moment; a row without one is
    today what it was then.
    """

    __tablename__ = "past"
    __table_args__ = (Index("past_key", "relation", "key", "id"),)

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    epoch: Mapped[int] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    relation: Mapped[str]
    """Name of the table."""
    key: Mapped[list[Any]] = mapped_column(JSONB)
    before: Mapped[dict[str, Any] | None]
    """None: the row was not there."""


# -- what administrators push -----------------------------------------------------------------


class AccountKind(StrEnum):
    MEMBER = "member"
    GUEST = "guest"
    BOT = "bot"
    STRANGER = "stranger"


class RunKind(StrEnum):
    COMPLETE = "complete"
    DELTA = "delta"


class RunState(StrEnum):
    STAGING = "staging"
    WAITING = "waiting"
    APPLIED = "applied"
    REFUSED = "refused"
    DROPPED = "dropped"
    UNDONE = "undone"


class Account(Base):
    """An account that a source told us of, linked to a user of ours or not."""

    __tablename__ = "account"

    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"), primary_key=True)
    native_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None]
    kind: Mapped[AccountKind] = mapped_column(_words(AccountKind))
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Address(Base):
    """Every e-mail address that an account ever had: one that changed hands links nobody."""

    __tablename__ = "address"

    email: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"), primary_key=True)
    native_id: Mapped[str] = mapped_column(primary_key=True)
    first_seen: Mapped[datetime] = mapped_column(server_default=func.now())


class Provisioned(Base):
    """What the identity provider said of a user or a group, as SCIM (RFC 7643) writes it."""

    __tablename__ = "provisioned"

    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id"), primary_key=True)
    kind: Mapped[str]
    """`User` or `Group`."""
    user_name: Mapped[str | None]
    """Unique without regard to case (RFC 7643, 4.1.1)."""
    external_id: Mapped[str | None]
    resource: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    modified_at: Mapped[datetime] = mapped_column(server_default=func.now())


class LinkCode(Base):
    """A word that links the account which says it to this user, once."""

    __tablename__ = "link_code"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    hash: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiToken(Base):
    """A key to the admin API, by its hash. Being an administrator lets nobody read documents."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str]
    hash: Mapped[bytes] = mapped_column(unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """`identity`, `index`, `audit`, `sync:SOURCE`."""
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]


class SyncRun(Base):
    """One push of a source's permissions: staged, compared, applied or not."""

    __tablename__ = "sync_run"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"), index=True)
    kind: Mapped[RunKind] = mapped_column(_words(RunKind))
    state: Mapped[RunState] = mapped_column(
        _words(RunState), default=RunState.STAGING, server_default="staging"
    )
    actor: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    epoch: Mapped[int | None]
    """Of the change that it made; None: it changed nothing."""
    difference: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    left_out: Mapped[list[Any]] = mapped_column(JSONB, default=list, server_default="[]")


class SyncPage(Base):
    """A part of what a run pushes, until the run ends."""

    __tablename__ = "sync_page"

    run_id: Mapped[int] = mapped_column(
        ForeignKey("sync_run.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    lines: Mapped[list[Any]] = mapped_column(JSONB)


# -- text, guarded by the above ---------------------------------------------------------------


class Document(Base):
    """What a node says. Readable through its policy, by row-level security too."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(ForeignKey("node.id", ondelete="CASCADE"), primary_key=True)
    policy_id: Mapped[int] = mapped_column(ForeignKey("policy.id"), index=True)
    native_id: Mapped[str]
    """The node's, once more, under row-level security: a path is content."""
    title: Mapped[str]
    url: Mapped[str | None]
    updated_at: Mapped[datetime | None]
    content_hash: Mapped[str]
    """Of title and text: equal content is neither split nor embedded again."""
    loaded_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Chunk(Base):
    """A stored piece of a document."""

    __tablename__ = "chunk"
    __table_args__ = (
        UniqueConstraint("document_id", "position"),
        Index("chunk_tsv", "tsv", postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id", ondelete="CASCADE"))
    position: Mapped[int]
    title: Mapped[str]
    """The document's, once more, because it takes part in `tsv`."""
    heading: Mapped[str]
    anchor: Mapped[str]
    """What follows `#` in a link to this place; empty: the document's start."""
    text: Mapped[str]
    tsv: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(to_tsvector('english', translate(title || ' ' || heading,"
            " '-_/', '   ')), 'A') || to_tsvector('english', translate(text, '-_/', '   '))",
            persisted=True,
        ),
    )
    words: Mapped[int] = mapped_column(
        Computed("length(to_tsvector('english', translate(text, '-_/', '   ')))", persisted=True)
    )
    """Distinct lexemes of the text: the length that BM25 wants."""


class EmbeddingModel(Base):
    __tablename__ = "embedding_model"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    dimension: Mapped[int]


class Embedding(Base):
    """A chunk's vector, on a table of its own: no change of permission ever writes here."""

    __tablename__ = "embedding"

    chunk_id: Mapped[int] = mapped_column(
        ForeignKey("chunk.id", ondelete="CASCADE"), primary_key=True
    )
    model_id: Mapped[int] = mapped_column(ForeignKey("embedding_model.id"), primary_key=True)
    document_id: Mapped[int] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), index=True
    )
    vector: Mapped[Any] = mapped_column(HALFVEC(DIMENSION))


# -- questions and what became of them --------------------------------------------------------


class QuestionState(StrEnum):
    KEPT = "kept"
    ANSWERED = "answered"
    ABSTAINED = "abstained"
    FAILED = "failed"


class OutboxState(StrEnum):
    READY = "ready"
    POSTED = "posted"
    DROPPED = "dropped"


class Revision(StrEnum):
    WITHDRAWN = "withdrawn"
    OUTDATED = "outdated"
    DELETED = "deleted"


class StoredQuestion(Base):
    """What somebody asked, unique by Slack's event and by channel and ts (design, section 6)."""

    __tablename__ = "question"
    __table_args__ = (
        UniqueConstraint("channel_id", "message_ts", "revision"),
        Index("question_open", "asked_at", postgresql_where="state = 'kept'"),
        Index("question_thread", "channel_id", "thread_ts"),
        Index("question_asker", "team_id", "user_id", "asked_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    event_id: Mapped[str] = mapped_column(unique=True)
    surface: Mapped[str]
    team_id: Mapped[str]
    channel_id: Mapped[str]
    message_ts: Mapped[str]
    thread_ts: Mapped[str]
    user_id: Mapped[str]
    """As the surface calls the asker: a Slack id, or a user id of ours at the terminal."""
    text: Mapped[str]
    state: Mapped[QuestionState] = mapped_column(
        _words(QuestionState), default=QuestionState.KEPT, server_default="kept"
    )
    reason: Mapped[str | None]
    """Why it failed: the name of an error, never its text."""
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    """Workers that took it, one after the other, and have not come back yet."""
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    trace: Mapped[str | None]
    """W3C traceparent."""
    revision: Mapped[str] = mapped_column(default="", server_default="")
    """When the message was edited, as Slack's ts; of what is no message the event's id."""
    about: Mapped[int | None] = mapped_column(ForeignKey("question.id", ondelete="SET NULL"))
    """The question that is asked again, for other readers."""
    borrowed: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Somebody else wrote the words, or some of them."""


class Lease(Base):
    """Who works on a question, until when. Its token only grows: an old holder is fenced off."""

    __tablename__ = "lease"

    question_id: Mapped[int] = mapped_column(
        ForeignKey("question.id", ondelete="CASCADE"), primary_key=True
    )
    token: Mapped[int]
    holder: Mapped[str]
    expires_at: Mapped[datetime]


class Outbox(Base):
    """A message to post, once: unique by question and kind."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("question_id", "kind"),
        Index("outbox_open", "id", postgresql_where="state = 'ready'"),
        Index(
            "outbox_unsure",
            "posted_at",
            postgresql_where="state = 'posted' AND attempts > 1 AND looked_at IS NULL",
        ),
        Index(
            "outbox_unrevised",
            "mend_at",
            postgresql_where="revision IS NOT NULL AND revised_at IS NULL",
        ),
        Index(
            "outbox_unreviewed",
            "mend_at",
            postgresql_where="state = 'posted' AND reviewed_at IS NULL",
        ),
        Index("outbox_posted", "posted_at", postgresql_where="state = 'posted'"),
        Index(
            "outbox_reviewed",
            "reviewed_at",
            postgresql_where="state = 'posted' AND kind = 'channel' AND reviewed_at IS NOT NULL",
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"))
    kind: Mapped[str]
    """`channel` or `direct`: where the reply goes; `channel/2`: the second part of a long one."""
    payload: Mapped[dict[str, Any]]
    state: Mapped[OutboxState] = mapped_column(
        _words(OutboxState), default=OutboxState.READY, server_default="ready"
    )
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    channel_id: Mapped[str | None]
    message_ts: Mapped[str | None]
    posted_at: Mapped[datetime | None]
    opened_ts: Mapped[str | None]
    """The message that says what is being done, and becomes this one."""
    opened_channel: Mapped[str | None]
    opened_stream: Mapped[bool] = mapped_column(default=False, server_default="false")
    revision: Mapped[Revision | None] = mapped_column(_words(Revision))
    """How the posted message was changed afterwards."""
    revised_at: Mapped[datetime | None]
    """When Slack confirmed that."""
    reviewed_at: Mapped[datetime | None]
    """When Slack was last asked who reads it; none: not yet (workers/upkeep/review.py)."""
    mend_at: Mapped[datetime] = mapped_column(server_default="-infinity")
    """Until then it is left alone, after a failure."""
    looked_at: Mapped[datetime | None]
    """When a message that was tried more than once was looked for again, after it was posted."""


class Answer(Base):
    """What an answer rested on: for the audit, and to mend a posted answer later."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("question_id", "kind"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"))
    kind: Mapped[str]
    asker_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    audience: Mapped[list[int]]
    """The subjects' ids, as `Audience.ids`."""
    epoch: Mapped[int]
    """Of the final check."""
    used: Mapped[list[int]]
    """Documents whose text stood in the prompt."""
    cited: Mapped[list[int]]
    model: Mapped[str]
    prompt_version: Mapped[str]
    verdicts: Mapped[dict[str, Any]]
    answered_at: Mapped[datetime] = mapped_column(server_default=func.now())
    readers: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Who reads there, as `Readers.told`: links and memberships change."""
    versions: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """The content hash of each cited document, by its id."""


class Mending(Base):
    """One row: how far the look at all posted answers has come (workers/upkeep/review.py)."""

    __tablename__ = "mending"

    single: Mapped[bool] = mapped_column(primary_key=True, default=True)
    done: Mapped[int] = mapped_column(default=0, server_default="0")
    """All were looked at as of this epoch."""
    pass_: Mapped[int | None] = mapped_column("pass")
    """The epoch of the look under way."""
    after: Mapped[str] = mapped_column(default="", server_default="")
    """The last group of readers that it has done."""
    asked_at: Mapped[datetime] = mapped_column(server_default="-infinity")
    """When Slack was last asked who reads in a channel of which nothing was heard."""


class Errand(Base):
    """What Slack told us to do that is no question: done at least once, and twice does no harm."""

    __tablename__ = "errand"
    __table_args__ = (Index("errand_open", "due_at", postgresql_where="done_at IS NULL"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    event_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    team_id: Mapped[str]
    user_id: Mapped[str] = mapped_column(default="", server_default="")
    channel_id: Mapped[str] = mapped_column(default="", server_default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    done_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    """None: as it should be; else the name of an error."""


class Preference(Base):
    """How a Slack account wants its answers."""

    __tablename__ = "preference"

    team_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    language: Mapped[str | None]
    length: Mapped[str | None]
    muted: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Ken speaks to them only where they mention it."""
    home_at: Mapped[datetime | None]
    """When their home tab was shown first: since then it is kept up to date."""
    forgotten_at: Mapped[datetime | None]


class MutedThread(Base):
    """A thread in which Ken answers only where it is mentioned."""

    __tablename__ = "muted_thread"

    channel_id: Mapped[str] = mapped_column(primary_key=True)
    thread_ts: Mapped[str] = mapped_column(primary_key=True)


class ChannelSetting(Base):
    """A channel in which Ken answers unasked, if an administrator wants that."""

    __tablename__ = "channel_setting"

    team_id: Mapped[str] = mapped_column(primary_key=True)
    channel_id: Mapped[str] = mapped_column(primary_key=True)
    automatic: Mapped[bool] = mapped_column(default=False, server_default="false")
    per_hour: Mapped[int] = mapped_column(default=20, server_default="20")


class Feedback(Base):
    """What a person thinks of an answer; the last word counts."""

    __tablename__ = "feedback"
    __table_args__ = (Index("feedback_own", "team_id", "user_id"),)

    question_id: Mapped[int] = mapped_column(
        ForeignKey("question.id", ondelete="CASCADE"), primary_key=True
    )
    team_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    reason: Mapped[str] = mapped_column(default="", server_default="")
    comment: Mapped[str] = mapped_column(default="", server_default="")
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    told_at: Mapped[datetime | None]
    """When the administrators were told."""
    errand_id: Mapped[int]
    """Which errand said it: an older one that is run again changes nothing."""


class Installation(Base):
    """A workspace, or a whole organization, that installed Ken; its tokens are encrypted."""

    __tablename__ = "installation"

    enterprise_id: Mapped[str] = mapped_column(primary_key=True, default="", server_default="")
    team_id: Mapped[str] = mapped_column(primary_key=True, default="", server_default="")
    app_id: Mapped[str] = mapped_column(default="", server_default="")
    bot_user_id: Mapped[str] = mapped_column(default="", server_default="")
    bot_id: Mapped[str] = mapped_column(default="", server_default="")
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    bot_token: Mapped[bytes | None]
    refresh_token: Mapped[bytes | None]
    expires_at: Mapped[datetime | None]
    installed_by: Mapped[str] = mapped_column(default="", server_default="")
    installed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    wiped_at: Mapped[datetime | None]


class OAuthState(Base):
    """A word that an installation under way was given, and must come back with."""

    __tablename__ = "oauth_state"

    state: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


class Audit(Base):
    """What was changed, by whom, under which epoch. Rows are only ever added."""

    __tablename__ = "audit"
    __table_args__ = (CheckConstraint("action <> ''"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    epoch: Mapped[int]
    actor: Mapped[str]
    action: Mapped[str]
    details: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
