"""Resolves the accounts in a place to an audience. Reads only."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.orm import Session

from policies.audience import STRANGER, Account, Audience, Readers


def resolve_audience(session: Session, readers: Readers) -> Audience:
    """Return the audience of these readers; an account without a link is a stranger.

    Raises ValueError if there are no readers: an empty audience is an error, never "everyone".
    """
    ids: set[int] = {*readers.users, *readers.classes}
    linked = _linked(session, readers.accounts)
    ids.update(linked.values())
    if readers.strangers or len(linked) < len(readers.accounts):
        ids.add(STRANGER)
    return Audience.of(ids)


def unlinked(session: Session, accounts: frozenset[Account]) -> frozenset[Account]:
    """Return the accounts that have no link."""
    return accounts - _linked(session, accounts).keys()


def _linked(session: Session, accounts: Iterable[Account]) -> dict[Account, int]:
    pairs = [(account.source, account.native_id) for account in accounts]
    if not pairs:
        return {}
    sources, native_ids = zip(*pairs, strict=True)
    rows = session.execute(_LINKED, {"sources": list(sources), "native_ids": list(native_ids)})
    return {Account(source, native_id): user_id for source, native_id, user_id in rows}


# Two lists, however many accounts: one text, that is compiled and parsed once.
_LINKED = text("""
    SELECT asked.source, asked.native_id, identity.user_id
    FROM unnest(CAST(:sources AS text[]), CAST(:native_ids AS text[])) AS asked (source, native_id)
    JOIN source ON source.name = asked.source
    JOIN identity ON identity.source_id = source.id AND identity.native_id = asked.native_id
""")
