"""Tokens of people: with one, another program asks as its person. Only a hash of each is stored."""

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from pydantic import SecretStr
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from policies.audience import Audience
from policies.audit import record
from policies.tables.keys import PersonToken
from policies.tables.people import User, UserStatus
from policies.tables.sources import Source
from workers.database.sessions import Database
from workers.errors import InputInvalid

SEARCH, ASK = "search", "ask"
SCOPES = (SEARCH, ASK)
USUAL, LONGEST = timedelta(days=90), timedelta(days=366)
MOST = 20
"""Valid tokens of one person."""
_LONGEST_NAME = 100
_SECRET = re.compile(r"kenp_[A-Za-z0-9_-]{43}")
_HEADER = re.compile(r"bearer +(\S+)", re.IGNORECASE)
_A_DAY = timedelta(days=1)


class Unauthorized(Exception):
    """No token, none that is valid, or its person is not active. The error never says which."""


class OutOfScope(Exception):
    """The token is valid, but does not reach this far."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The person that a request is made as, and how far its token reaches."""

    token_id: int
    user_id: int
    scopes: frozenset[str]
    sources: tuple[str, ...] | None
    """The only sources that it reads; None for all that the person may read."""

    @property
    def audience(self) -> Audience:
        """Return who reads what this caller is shown: the person alone."""
        return Audience((self.user_id,))

    def require(self, scope: str) -> None:
        """Raise OutOfScope without this scope."""
        if scope not in self.scopes:
            raise OutOfScope


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What is shown of a token after it was issued."""

    id: int
    user_id: int
    person: str
    name: str
    scopes: tuple[str, ...]
    sources: tuple[str, ...] | None
    made_by: str
    made: datetime
    expires: datetime
    used: datetime | None
    state: str
    """`valid`, `expired`, `revoked`, or `not active` while its person is not."""


def issue(
    database: Database,
    user_id: int,
    name: str,
    *,
    by: str,
    scopes: Collection[str] = SCOPES,
    sources: Collection[str] | None = None,
    good_for: timedelta = USUAL,
) -> SecretStr:
    """Issue a token and return its secret, which cannot be read again. Raises InputInvalid."""
    _check(name, scopes, good_for)
    secret = "kenp_" + secrets.token_urlsafe(32)
    with database.session("syncer") as session:
        _check_person(session, user_id)
        limited = None if sources is None else _known(session, sources)
        token_id = session.execute(
            insert(PersonToken)
            .values(
                user_id=user_id,
                name=name.strip(),
                hash=hash_of(secret),
                scopes=sorted(set(scopes)),
                sources=limited,
                made_by=by,
                expires_at=func.now() + good_for,
            )
            .returning(PersonToken.id)
        ).scalar_one()
        details = {"token_id": token_id, "user_id": user_id, "scopes": sorted(set(scopes))}
        record(
            session,
            actor=by,
            action="issue_person_token",
            details={**details, "sources": limited, "days": good_for.days},
        )
    return SecretStr(secret)


def authenticate(database: Database, header: str | None) -> Caller:
    """Return the caller of the token in `Authorization: Bearer …`. Raises Unauthorized.

    Person and token are looked up each time: who was suspended a moment ago is nobody now. The
    token is found by its hash, so the time that this takes reveals no token.
    """
    given = _HEADER.fullmatch(header or "")
    if given is None or not _SECRET.fullmatch(given[1]):
        raise Unauthorized
    with database.session("answerer") as session:
        row = session.execute(
            select(
                PersonToken.id,
                PersonToken.user_id,
                PersonToken.scopes,
                PersonToken.sources,
                func.coalesce(PersonToken.used_at < func.now() - _A_DAY, True).label("long_unused"),
            )
            .join(User, User.id == PersonToken.user_id)
            .where(
                PersonToken.hash == hash_of(given[1]),
                PersonToken.revoked_at.is_(None),
                PersonToken.expires_at > func.now(),
                User.status == UserStatus.ACTIVE,
            )
        ).one_or_none()
        if row is None:
            raise Unauthorized
        if row.long_unused:  # once a day, not once a request
            used = update(PersonToken).where(PersonToken.id == row.id)
            session.execute(used.values(used_at=func.now()))
    sources = None if row.sources is None else tuple(row.sources)
    return Caller(row.id, row.user_id, frozenset(row.scopes), sources)


def tokens(database: Database, user_id: int | None = None) -> list[TokenFacts]:
    """List the tokens of one person, or of all, the newest first."""
    with database.session("syncer") as session:
        return [
            TokenFacts(
                **{
                    **row._asdict(),
                    "scopes": tuple(row.scopes),
                    "sources": None if row.sources is None else tuple(row.sources),
                }
            )
            for row in session.execute(_READ_TOKENS, {"user_id": user_id})
        ]


def revoke(database: Database, token_id: int, *, by: str, user_id: int | None = None) -> None:
    """Revoke a token: the next request with it is refused. `user_id`: only if it is this person's.

    Raises InputInvalid; of somebody else's token it says that there is none.
    """
    changed = update(PersonToken).where(PersonToken.id == token_id)
    if user_id is not None:
        changed = changed.where(PersonToken.user_id == user_id)
    with database.session("syncer") as session:
        owner = session.scalar(
            changed.values(revoked_at=func.coalesce(PersonToken.revoked_at, func.now())).returning(
                PersonToken.user_id
            )
        )
        if owner is not None:
            details = {"token_id": token_id, "user_id": owner}
            record(session, actor=by, action="revoke_person_token", details=details)
    if owner is None:
        raise InputInvalid(
            f"There is no token {token_id}.", remedy="`ken person-token list` shows all."
        )


def hash_of(secret: str) -> bytes:
    """Hash the secret. A fast hash is enough: its 256 random bits cannot be guessed."""
    return sha256(secret.encode()).digest()


def holds_token(words: str) -> bool:
    """Whether a text contains something that looks like a token of a person."""
    return _SECRET.search(words) is not None


def _check(name: str, scopes: Collection[str], good_for: timedelta) -> None:
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise InputInvalid(
            f"A token needs a name of at most {_LONGEST_NAME} characters.",
            remedy="Name the program that will use it, such as `laptop`.",
        )
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InputInvalid(
            "A token's scopes are search, ask, or both.",
            remedy="`search` finds and fetches passages, `ask` asks Ken for an answer.",
        )
    if not timedelta(0) < good_for <= LONGEST:
        raise InputInvalid(
            f"A token is valid for between one hour and {LONGEST.days} days.",
            remedy="Write for example --expires 90d.",
        )


def _check_person(session: Session, user_id: int) -> None:
    """Raise InputInvalid unless the person is active and has room for one more."""
    status = session.scalar(select(User.status).where(User.id == user_id).with_for_update())
    if status is not UserStatus.ACTIVE:
        raise InputInvalid("This person is not active, so they get no token.")
    if (session.scalar(_COUNT_VALID, {"user_id": user_id}) or 0) >= MOST:
        raise InputInvalid(
            f"This person has {MOST} valid tokens already.", remedy="Revoke one of them first."
        )


def _known(session: Session, names: Collection[str]) -> list[str]:
    """Return the names, sorted. Raises InputInvalid if there are none, or if one is no source."""
    wanted = sorted(set(names))
    known = set(session.scalars(select(Source.name).where(Source.name.in_(wanted))))
    if not wanted or known != set(wanted):
        raise InputInvalid(
            "A source of this name does not exist.", remedy="`ken source list` shows all."
        )
    return wanted


# Counts the valid tokens of a person.
_COUNT_VALID = text("""
    SELECT count(*) FROM person_token
    WHERE user_id = :user_id AND revoked_at IS NULL AND expires_at > now()
""")

# Reads the tokens of one person, or of all, with their state, the newest first.
_READ_TOKENS = text("""
    SELECT person_token.id, user_id, user_account.name AS person, person_token.name, scopes,
           sources, made_by, made_at AS made, expires_at AS expires, used_at AS used,
           CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
                WHEN expires_at <= now() THEN 'expired'
                WHEN status <> 'active' THEN 'not active' ELSE 'valid' END AS state
    FROM person_token JOIN user_account ON user_account.id = user_id
    WHERE user_id = coalesce(CAST(:user_id AS bigint), user_id)
    ORDER BY person_token.id DESC
""")
