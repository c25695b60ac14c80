"""Who is who: the accounts in a place become the audience that they are. Reads only."""

from collections.abc import Iterable

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from policies.audience import STRANGER, Account, Audience, Readers
from policies.tables.people import LinkedIdentity
from policies.tables.sources import Source


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
