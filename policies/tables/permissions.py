"""Permissions: the tree of each source, its entries, and the interned policies."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Identity, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from policies.tables.base import Base, as_text
from policies.tables.people import Principal
from policies.tables.sources import Source


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


class Node(Base):
    """A resource in a source's tree, with its parent."""

    __tablename__ = "node"
    __table_args__ = (UniqueConstraint("source_id", "native_id"),)

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id))
    native_id: Mapped[str]
    kind: Mapped[NodeKind] = mapped_column(as_text(NodeKind))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("node.id"), index=True)
    inherit: Mapped[bool] = mapped_column(default=True, server_default="true")
    acl_state: Mapped[AclState] = mapped_column(
        as_text(AclState), default=AclState.OK, server_default="ok"
    )
    anchor: Mapped[bool] = mapped_column(default=False, server_default="false")
    """A container that has, or once had, permissions of its own: policies refer to it, so that
    changing them touches no document."""
    gone_at: Mapped[datetime | None]
    """Since when the source no longer lists it: nobody may read it, and later it is deleted."""


class Entry(Base):
    """A principal is allowed, denied or required on a node. No entry means no access."""

    __tablename__ = "entry"

    node_id: Mapped[int] = mapped_column(ForeignKey(Node.id, ondelete="CASCADE"), primary_key=True)
    effect: Mapped[Effect] = mapped_column(as_text(Effect), primary_key=True)
    gate: Mapped[int] = mapped_column(primary_key=True, default=0, server_default="0")
    """The number of the node's OR-list that a gate entry belongs to; 0 for allow and deny."""
    principal_id: Mapped[int] = mapped_column(
        ForeignKey(Principal.id), primary_key=True, index=True
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
    source_id: Mapped[int] = mapped_column(ForeignKey(Source.id))
    anchor_id: Mapped[int | None] = mapped_column(ForeignKey(Node.id), index=True)
    inherit: Mapped[bool]
    known: Mapped[bool]
    own: Mapped[str]
    """Canonical text of inherit, known and the own entries: the interning key."""


class PolicyEntry(Base):
    __tablename__ = "policy_entry"

    policy_id: Mapped[int] = mapped_column(
        ForeignKey(Policy.id, ondelete="CASCADE"), primary_key=True
    )
    effect: Mapped[Effect] = mapped_column(as_text(Effect), primary_key=True)
    gate: Mapped[int] = mapped_column(primary_key=True)
    principal_id: Mapped[int] = mapped_column(
        ForeignKey(Principal.id), primary_key=True, index=True
    )


class PolicyNode(Base):
    """The anchors on the chain of a policy, all the way to the root."""

    __tablename__ = "policy_node"

    policy_id: Mapped[int] = mapped_column(
        ForeignKey(Policy.id, ondelete="CASCADE"), primary_key=True
    )
    node_id: Mapped[int] = mapped_column(ForeignKey(Node.id), primary_key=True, index=True)
    grants: Mapped[bool]
    """False above the first `inherit = false`: allows from here do not reach the document."""
    guards: Mapped[bool] = mapped_column(default=False, server_default="false")
    """True if the node denies, has gates or is unknown; most do not, and are skipped."""
