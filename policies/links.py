"""Lists accounts with and without a link, and the users they may belong to.

A matching address or name is a suggestion. Only `change.py` writes a link.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    collate,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from policies.objections import AddressHolder, Match, objections
from policies.tables.history import Past
from policies.tables.people import (
    Account,
    AccountKind,
    Address,
    LinkedIdentity,
    Membership,
    SourceAccount,
    User,
    UserStatus,
)
from policies.tables.permissions import Effect, Entry
from policies.tables.sources import Source

_MOST_SUGGESTIONS = 5


# -- what an administrator sees--------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A user to whom an account may belong."""

    user_id: int
    name: str
    email: str | None
    reason: str
    against: tuple[str, ...]
    """What contradicts it; if empty, `ken link accept` links it."""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An account without a link, and the users it may belong to."""

    source: str
    native_id: str
    name: str
    email: str | None
    kind: AccountKind
    suggestions: tuple[Suggestion, ...]
    denied: bool = False
    """True if a deny names it: that keeps out everybody without a link in its source."""

    @property
    def place(self) -> "Place":
        """Its place in the list, for `after`."""
        return (self.denied, self.source, self.native_id)

    @property
    def accepted(self) -> int | None:
        """The user that the address alone identifies, with nothing contradicting it."""
        clean = [one.user_id for one in self.suggestions if not one.against]
        return clean[0] if len(clean) == 1 else None


@dataclass(frozen=True, slots=True)
class Linked:
    """An account with a link."""

    source: str
    native_id: str
    name: str | None
    """The source's name for the account; None if it sent none."""
    user_id: int
    user: str
    status: UserStatus
    by: str


PEOPLE = frozenset({AccountKind.MEMBER, AccountKind.GUEST})
Place = tuple[bool, str, str]
"""Denied, source, native id."""


def unmatched(
    session: Session,
    source: str | None = None,
    *,
    limit: int = 100,
    after: Place | None = None,
    kinds: Iterable[AccountKind] = PEOPLE,
    external: bool = False,
) -> list[Unmatched]:
    """Return accounts without a link: first those of any kind that a deny names.

    Then by source and native id, after `after`. `external` selects the accounts that an
    administrator marked as external, which are otherwise left out.
    """
    wanted = (
        _without_link()
        .where(or_(_KNOWN.kind.in_(kinds), _DENIED, _IS_EXTERNAL), _IS_EXTERNAL.is_(external))
        .order_by(_DENIED.desc(), collate(Source.name, "C"), _KNOWN.native_id)
        .limit(limit)
    )
    if source is not None:
        wanted = wanted.where(Source.name == source)
    if after is not None:
        behind = _DENIED.is_(after[0]) & _behind(_KNOWN.native_id, after[1:])
        wanted = wanted.where(or_(behind, ~_DENIED) if after[0] else behind)
    return _with_suggestions(session, wanted, confirmed=True)


def linked(
    session: Session,
    source: str | None = None,
    *,
    limit: int = 100,
    after: tuple[str, str] | None = None,
) -> list[Linked]:
    """Return accounts with a link by source and native id, after `after`."""
    wanted = (
        select(
            Source.name,
            LinkedIdentity.native_id,
            Account.name,
            User.id,
            User.name,
            User.status,
            LinkedIdentity.linked_by,
        )
        .join(Source, Source.id == LinkedIdentity.source_id)
        .join(User, User.id == LinkedIdentity.user_id)
        .outerjoin(
            Account,
            (Account.source_id == LinkedIdentity.source_id)
            & (Account.native_id == LinkedIdentity.native_id),
        )
        .order_by(collate(Source.name, "C"), LinkedIdentity.native_id)
        .limit(limit)
    )
    if source is not None:
        wanted = wanted.where(Source.name == source)
    if after is not None:
        wanted = wanted.where(_behind(LinkedIdentity.native_id, after))
    return [Linked(*row) for row in session.execute(wanted)]


def user_by_address(
    session: Session, source: str, native_id: str, *, confirmed: bool
) -> int | None:
    """Return the user that an unlinked account's address identifies, with nothing against it.

    `confirmed` is the address as the account's source confirms it now. None for an account that
    is marked as external.
    """
    wanted = _without_link().where(
        Source.name == source, _KNOWN.native_id == native_id, ~_IS_EXTERNAL
    )
    found = _with_suggestions(session, wanted, confirmed=confirmed)
    return found[0].accepted if found else None


def sources_of(session: Session, qualified: str) -> list[tuple[str, str]]:
    """Return each (source, native id) that `SOURCE:ID` can mean.

    If there are several, only those with a known account.
    """
    names = session.scalars(
        select(Source.name)
        .where(func.starts_with(qualified, Source.name + ":"))
        .order_by(func.length(Source.name))
    )
    read = [(name, qualified[len(name) + 1 :]) for name in names]
    if len(read) < 2:
        return read
    known = [
        session.execute(
            select(Source.name, table.native_id)
            .join(Source, Source.id == table.source_id)
            .where(tuple_(Source.name, table.native_id).in_(read))
        ).all()
        for table in (Account, LinkedIdentity)
    ]
    return sorted({(name, native_id) for rows in known for name, native_id in rows}) or read


_KNOWN = aliased(
    Account,
    union_all(
        select(*Account.__table__.columns),
        select(
            SourceAccount.source_id,
            SourceAccount.native_id,
            SourceAccount.native_id,
            null(),
            literal(AccountKind.MEMBER.value, Text),
            func.now(),
        ).where(
            ~exists().where(
                Account.source_id == SourceAccount.source_id,
                Account.native_id == SourceAccount.native_id,
            )
        ),
    ).subquery("known"),
)
"""Every account that its source described, or that something names."""

_NAMED_BY_DENY = select(Entry.principal_id.label("id")).where(Entry.effect == Effect.DENY)
_REACHED = _NAMED_BY_DENY.cte("reached", recursive=True)
_REACHED = _REACHED.union(
    select(Membership.member_id).join(_REACHED, Membership.group_id == _REACHED.c.id)
)
_IS_EXTERNAL = func.coalesce(SourceAccount.external, literal(value=False))
_DENIED = ~_IS_EXTERNAL & func.coalesce(
    SourceAccount.id.in_(select(_REACHED.c.id)), literal(value=False)
)


def _without_link() -> Select[str, Account, bool]:
    return (
        select(Source.name, _KNOWN, _DENIED)
        .join(Source, Source.id == _KNOWN.source_id)
        .outerjoin(
            SourceAccount,
            (SourceAccount.source_id == _KNOWN.source_id)
            & (SourceAccount.native_id == _KNOWN.native_id),
        )
        .outerjoin(
            LinkedIdentity,
            (LinkedIdentity.source_id == _KNOWN.source_id)
            & (LinkedIdentity.native_id == _KNOWN.native_id),
        )
        .where(LinkedIdentity.user_id.is_(None))
    )


def _behind(native_id: InstrumentedAttribute[str], after: tuple[str, str]) -> ColumnElement[bool]:
    name = collate(Source.name, "C")
    return or_(name > after[0], (name == after[0]) & (native_id > after[1]))


# -- facts that decide --------------------------------------------------------------------------


def _with_suggestions(
    session: Session, wanted: Select[str, Account, bool], *, confirmed: bool
) -> list[Unmatched]:
    """An account holds an address only if it is confirmed there, as of when it was seen."""
    rows = session.execute(wanted).all()
    facts = _Facts(session, [account for _, account, _ in rows])
    return [
        Unmatched(
            source,
            account.native_id,
            account.name,
            account.email,
            account.kind,
            facts.suggestions(account, confirmed=confirmed),
            denied,
        )
        for source, account, denied in rows
    ]


class _Facts:
    """The facts that decide about links of some accounts, read at once for all of them."""

    def __init__(self, session: Session, accounts: Sequence[Account]) -> None:
        emails = {_fold(account.email) for account in accounts if account.email}
        names = {_fold(account.name) for account in accounts if account.name}
        self._users = session.scalars(
            select(User)
            .where(or_(_folded(User.email).in_(emails), _folded(User.name).in_(names)))
            .order_by(User.id)
        ).all()
        self._addresses = _addresses(session, emails)
        self._holders = _holders(session, emails, self._addresses)
        user_ids = [user.id for user in self._users]
        sources = {account.source_id for account in accounts}
        native_ids = {account.native_id for account in accounts}
        self._owned = _owned(session, user_ids, sources)
        self._ended = _ended_links(session, sources, native_ids, user_ids)

    def suggestions(self, account: Account, *, confirmed: bool) -> tuple[Suggestion, ...]:
        found = [
            Suggestion(
                user.id,
                user.name,
                user.email,
                "same address" if by_address else "same name",
                tuple(objections(self._match(account, user, confirmed=confirmed))),
            )
            for user in self._users
            if user.status is not UserStatus.DELETED
            and ((by_address := _same(account.email, user.email)) or _same(account.name, user.name))
        ]
        found.sort(key=lambda one: (one.reason, len(one.against)))
        return tuple(found[:_MOST_SUGGESTIONS])

    def _match(self, account: Account, user: User, *, confirmed: bool) -> Match:
        email = _fold(account.email or "")
        source_id, native_id = account.source_id, account.native_id
        return Match(
            source_id=source_id,
            native_id=native_id,
            kind=account.kind,
            email=account.email,
            confirmed=confirmed,
            user_id=user.id,
            user_email=user.email,
            user_status=user.status,
            users=sum(_same(account.email, one.email) for one in self._users),
            accounts=sum(one == source_id for one, _ in self._addresses[email]),
            second_account=(source_id, user.id) in self._owned,
            linked_before=(source_id, native_id, None) in self._ended
            or (source_id, None, user.id) in self._ended,
            holders=frozenset(self._holders[email]),
        )


def _addresses(session: Session, emails: set[str]) -> dict[str, set[tuple[int, str]]]:
    """The accounts that have each address now."""
    found = defaultdict(set)
    for email, source_id, native_id in session.execute(
        select(_folded(Account.email), Account.source_id, Account.native_id).where(
            _folded(Account.email).in_(emails)
        )
    ):
        found[email].add((source_id, native_id))
    return found


def _holders(
    session: Session, emails: set[str], now: dict[str, set[tuple[int, str]]]
) -> dict[str, list[AddressHolder]]:
    """The accounts that have or had each address."""
    found = defaultdict(list)
    for email, source_id, native_id, user_id in session.execute(
        select(_folded(Address.email), Address.source_id, Address.native_id, LinkedIdentity.user_id)
        .outerjoin(
            LinkedIdentity,
            (LinkedIdentity.source_id == Address.source_id)
            & (LinkedIdentity.native_id == Address.native_id),
        )
        .where(_folded(Address.email).in_(emails))
    ):
        has_it = (source_id, native_id) in now[email]
        found[email].append(AddressHolder(source_id, native_id, user_id, has_it))
    return found


def _owned(session: Session, user_ids: list[int], sources: set[int]) -> set[tuple[int, int]]:
    """(source, user) of those who have an account there."""
    rows = session.execute(
        select(LinkedIdentity.source_id, LinkedIdentity.user_id).where(
            LinkedIdentity.user_id.in_(user_ids), LinkedIdentity.source_id.in_(sources)
        )
    )
    return {(source_id, user_id) for source_id, user_id in rows}


def _ended_links(
    session: Session, sources: set[int], native_ids: set[str], user_ids: list[int]
) -> set[tuple[int, str | None, int | None]]:
    """(source, native id, None) and (source, None, user) of links there that were changed."""
    user_id = Past.before["user_id"].as_integer()
    rows = session.execute(
        select(Past.key, user_id).where(
            Past.relation == LinkedIdentity.__tablename__,
            Past.before.is_not(None),
            Past.key[0].as_integer().in_(sources),
            or_(Past.key[1].as_string().in_(native_ids), user_id.in_(user_ids)),
        )
    ).all()
    accounts = {(source_id, native_id, None) for (source_id, native_id), _ in rows}
    users = {(source_id, None, before) for (source_id, _), before in rows}
    return accounts | users


def _same(one: str | None, other: str | None) -> bool:
    return bool(one and other) and _fold(one or "") == _fold(other or "")


def _fold(text: str) -> str:
    """Without capitals of ASCII, and nothing else: as `_folded` in the database."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _folded(column: InstrumentedAttribute[Any]) -> ColumnElement[str]:
    return func.lower(collate(column, "C"))
