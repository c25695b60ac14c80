"""Tokens of the admin API: created, checked and revoked. Only a hash of each is stored."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from pydantic import SecretStr
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from policies.audit import record
from policies.tables.keys import ApiToken
from workers.database.sessions import Database
from workers.errors import InputInvalid

SYNC_ALL = "sync:*"
LONGEST = timedelta(days=3650)
_PLAIN_SCOPES = frozenset({"identity", "index", "audit"})
_SECRET = re.compile(r"ken_[A-Za-z0-9_-]{43}")
_HEADER = re.compile(r"bearer +(\S+)", re.IGNORECASE)


class Unauthorized(Exception):
    """The token is missing or not valid. The error never says which."""


class Forbidden(Exception):
    """The token is valid, but lacks `scope`."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a request's token. No scope allows reading documents."""

    token_id: int
    name: str
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        """The caller's name in the audit and in the history of runs."""
        return f"token:{self.name}"

    @property
    def may_sync_something(self) -> bool:
        return any(scope.startswith("sync:") for scope in self.scopes)

    def may_sync(self, source: str) -> bool:
        return not self.scopes.isdisjoint({f"sync:{source}", SYNC_ALL})

    def may_push(self, source: str) -> bool:
        """No scope stands for every source: a token that writes text does so in its own."""
        return f"push:{source}" in self.scopes

    def require(self, scope: str) -> None:
        """Raise Forbidden without this scope. `sync:*` includes every `sync:SOURCE`."""
        if scope not in self.scopes and not (scope.startswith("sync:") and SYNC_ALL in self.scopes):
            raise Forbidden(scope)


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What is shown of a token after it was created."""

    id: int
    name: str
    scopes: tuple[str, ...]
    made: datetime
    expires: datetime | None
    used: datetime | None
    state: str
    """`valid`, `expired` or `revoked`."""


def make(
    database: Database, name: str, scopes: Iterable[str], expires: timedelta | None = None
) -> SecretStr:
    """Create a token and return its secret, which cannot be read again. Raises InputInvalid."""
    wanted = sorted(set(scopes))
    if not name.strip() or not name.isprintable():
        raise InputInvalid(
            "A token needs a name.",
            remedy="Name what will use it: `ken token create okta --scope identity`.",
        )
    if not wanted:
        raise InputInvalid("A token needs a scope.", remedy=_SCOPES)
    for scope in wanted:
        if not _is_scope(scope):
            raise InputInvalid(f"There is no scope {scope!r}.", remedy=_SCOPES)
    if expires is not None and not timedelta(0) < expires <= LONGEST:
        raise InputInvalid(
            f"--expires must be between one hour and {LONGEST.days} days.",
            remedy="Write for example --expires 90d, or leave it out: valid until revoked.",
        )
    secret = "ken_" + secrets.token_urlsafe(32)
    with database.session("syncer") as session:
        token_id = session.execute(
            insert(ApiToken)
            .values(
                name=name,
                hash=_hash(secret),
                scopes=wanted,
                expires_at=None if expires is None else func.now() + expires,
            )
            .returning(ApiToken.id)
        ).scalar_one()
        _record(session, "make_token", token_id=token_id, scopes=wanted)
    return SecretStr(secret)


def authenticate(database: Database, header: str | None) -> Caller:
    """Return the caller of the token in `Authorization: Bearer …`. Raises Unauthorized.

    The token is looked up by its hash, so the time that this takes reveals no token.
    """
    given = _HEADER.fullmatch(header or "")
    if given is None or not _SECRET.fullmatch(given[1]):
        raise Unauthorized
    with database.session("syncer") as session:
        row = session.execute(
            select(
                ApiToken.id,
                ApiToken.name,
                ApiToken.scopes,
                func.coalesce(ApiToken.used_at < func.now() - _A_DAY, True).label("long_unused"),
            ).where(
                ApiToken.hash == _hash(given[1]),
                ApiToken.revoked_at.is_(None),
                func.coalesce(ApiToken.expires_at > func.now(), True),
            )
        ).one_or_none()
        if row is None:
            raise Unauthorized
        if row.long_unused:  # once a day, not once a request
            session.execute(
                update(ApiToken).where(ApiToken.id == row.id).values(used_at=func.now())
            )
    return Caller(row.id, row.name, frozenset(row.scopes))


def tokens(database: Database) -> list[TokenFacts]:
    """List all tokens ever created, the newest first."""
    with database.session("syncer") as session:
        return [
            TokenFacts(
                id=row.id,
                name=row.name,
                scopes=tuple(row.scopes),
                made=row.made,
                expires=row.expires,
                used=row.used,
                state=row.state,
            )
            for row in session.execute(_READ_TOKENS)
        ]


def revoke(database: Database, token_id: int, *, by: str = "ken token") -> None:
    """Revoke a token: the next request with it is refused. Raises InputInvalid."""
    with database.session("syncer") as session:
        known = session.execute(
            update(ApiToken)
            .where(ApiToken.id == token_id)
            .values(revoked_at=func.coalesce(ApiToken.revoked_at, func.now()))
            .returning(ApiToken.id)
        ).one_or_none()
        if known is not None:
            _record(session, "revoke_token", by, token_id=token_id)
    if known is None:
        raise InputInvalid(f"There is no token {token_id}.", remedy="`ken token list` shows all.")


def _is_scope(scope: str) -> bool:
    kind, _, source = scope.partition(":")
    names_source = bool(source) and source == source.strip() and source.isprintable()
    if scope in _PLAIN_SCOPES or scope == SYNC_ALL:
        return True
    return kind in ("sync", "push") and names_source and source != "*" and len(source) <= 200


def _record(session: Session, action: str, actor: str = "ken token", /, **details: object) -> None:
    record(session, actor=actor, action=action, details=details)


def _hash(secret: str) -> bytes:
    """Hash the secret. A fast hash is enough: its 256 random bits cannot be guessed."""
    return sha256(secret.encode()).digest()


_A_DAY = timedelta(days=1)
_SCOPES = "Scopes are identity, index, audit, push:SOURCE, sync:SOURCE and sync:* (every source)."
# Reads all tokens with their state, the newest first.
_READ_TOKENS = text("""
    SELECT id, name, scopes, made_at AS made, expires_at AS expires, used_at AS used,
           CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
                WHEN expires_at <= now() THEN 'expired' ELSE 'valid' END AS state
    FROM api_token ORDER BY id DESC
""")
