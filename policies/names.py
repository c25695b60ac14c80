"""Resolves and writes names of people, documents and principals for administrators."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from difflib import get_close_matches

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from policies.audience import CLASSES, STRANGER
from policies.history import as_of
from policies.tables.base import among
from policies.tables.people import Group, LinkedIdentity, SourceAccount, User
from policies.tables.permissions import Node, NodeKind
from policies.tables.sources import Source

_LONGEST_COMPARED = 100
"""The most characters of a name; finding similar names takes quadratic time."""


class Unresolved(ValueError):
    """A name has no match, or `found` matches. `similar` are names that exist."""

    def __init__(self, name: str, similar: Sequence[str], *, found: int = 0) -> None:
        super().__init__(name)
        self.name = name
        self.similar = similar
        self.found = found


def resolve_user(session: Session, name: str, at: datetime | None = None) -> int:
    """Return the user with exactly this native id, `SOURCE:ID` or e-mail. Raises Unresolved."""
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
    """Return the document with this native id, or `SOURCE:ID` if several sources have it."""
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


def describe(
    session: Session, principal_ids: Iterable[int], at: datetime | None = None
) -> dict[int, str]:
    """Return a name for each principal, for explanations to administrators."""
    wanted = set(principal_ids)
    names = {int(one): f"everyone in {name}" for name, one in CLASSES.items()}
    names[STRANGER] = "somebody unlinked"
    user, group, account = as_of(User, at), as_of(Group, at), as_of(SourceAccount, at)
    users = select(user.id, user.name).where(among(user.id, wanted))
    groups = select(group.id, group.name).where(among(group.id, wanted))
    names.update((user_id, name) for user_id, name in session.execute(users))
    accounts = (
        select(account.id, Source.name, account.native_id)
        .join(Source, Source.id == account.source_id)
        .where(among(account.id, wanted))
    )
    names.update((group_id, f"group {name}") for group_id, name in session.execute(groups))
    names.update((one, f"account {of}:{name}") for one, of, name in session.execute(accounts))
    return names


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
