"""Who is signed in to the admin page: a link that works once, then a session that ends.

Only hashes are stored. Each request looks its session up, so ending one counts at once.
"""

import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

import structlog
from pydantic import SecretStr
from sqlalchemy import insert, text, update
from sqlalchemy.orm import Session

from policies.audit import record
from policies.tables.keys import AdminSession
from workers.admin.api_keys import Unauthorized
from workers.database.sessions import Database
from workers.database.statements import statement
from workers.errors import InputInvalid

LINK_LIFE = timedelta(minutes=10)
SESSION_LIFE = timedelta(hours=12)
IDLE_LIFE = timedelta(hours=1)
_LONGEST_NAME = 60
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
log = structlog.get_logger()


class AdminRole(StrEnum):
    """What an administrator may do; each role includes those before it. None reads a document."""

    VIEWER = "viewer"
    """Sees how Ken is doing: states, counts and times."""
    CONTENT = "content"
    """Sees names of documents; pauses and resumes sources, and works with jobs."""
    SECURITY = "security"
    """Sees who may read what; decides about pushes, links, tokens and sessions."""

    def includes(self, needed: "AdminRole") -> bool:
        order = list(AdminRole)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The administrator of a request."""

    id: int
    name: str
    role: AdminRole
    form_token: str = field(repr=False)
    """Each form carries it; another site cannot know it."""

    @property
    def actor(self) -> str:
        """The administrator's name in the audit and in the history of runs."""
        return f"admin:{self.name}"


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """A link or a session, as administrators see it."""

    id: int
    name: str
    role: str
    made: datetime
    began: datetime | None
    used: datetime | None
    state: str
    """`link`, `signed in` or `ended`."""


def make_link(database: Database, name: str, role: str, *, actor: str) -> SecretStr:
    """Make a link for this administrator, and return its secret. Raises InputInvalid."""
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise InputInvalid(
            f"An administrator needs a name of at most {_LONGEST_NAME} printable characters.",
            remedy="Name the person, for the audit: `ken admin-link ana --role security`.",
        )
    if role not in list(AdminRole):
        raise InputInvalid(f"There is no role {role!r}.", remedy=f"Roles: {', '.join(AdminRole)}.")
    secret = secrets.token_urlsafe(32)
    with database.session("syncer") as session:
        now = session.scalars(text("SELECT now()")).one()
        session.execute(
            insert(AdminSession).values(
                name=name, role=role, link_hash=_hash(secret), link_expires_at=now + LINK_LIFE
            )
        )
        _record(session, actor, "make_admin_link", name=name, role=role)
    return SecretStr(secret)


def begin(database: Database, link: str) -> SecretStr:
    """Use a link, and return the secret of the session that it begins. Raises Unauthorized."""
    secret = secrets.token_urlsafe(32)
    with database.session("syncer") as session:
        row = None
        if _SECRET.fullmatch(link):
            hashes = {"link_hash": _hash(link), "hash": _hash(secret)}
            row = session.execute(_USE_LINK, hashes).one_or_none()
        if row is not None:
            _record(session, f"admin:{row.name}", "sign_in", session_id=row.id, role=row.role)
    if row is None:
        log.warning("sign_in_refused")
        raise Unauthorized
    return SecretStr(secret)


def find(database: Database, secret: str) -> SignedIn:
    """Return who is signed in with this secret. Raises Unauthorized."""
    if not _SECRET.fullmatch(secret):
        raise Unauthorized
    with database.session("syncer") as session:
        row = session.execute(_FIND_SESSION, {"hash": _hash(secret)}).one_or_none()
        if row is None:
            raise Unauthorized
        if row.long_unused:  # once a minute, not once a request
            session.execute(_MARK_USED, {"id": row.id})
    token = hmac.digest(secret.encode(), b"form", "sha256").hex()
    return SignedIn(row.id, row.name, AdminRole(row.role), token)


def end(database: Database, session_id: int, *, actor: str) -> bool:
    """End a session or a link; return whether there was one that had not ended."""
    with database.session("syncer") as session:
        ended = session.scalar(
            update(AdminSession)
            .where(AdminSession.id == session_id, AdminSession.ended_at.is_(None))
            .values(ended_at=text("now()"))
            .returning(AdminSession.id)
        )
        if ended is not None:
            _record(session, actor, "end_admin_session", session_id=session_id)
    return ended is not None


def sessions(database: Database) -> list[SessionFacts]:
    """List links and sessions, the newest first."""
    with database.session("syncer") as session:
        rows = session.execute(_READ_SESSIONS)
        return [SessionFacts(**row._asdict()) for row in rows]


def _record(session: Session, actor: str, action: str, **details: object) -> None:
    record(session, actor=actor, action=action, details=details)


def _hash(secret: str) -> bytes:
    """A fast hash is enough: the secret's 256 random bits cannot be guessed."""
    return sha256(secret.encode()).digest()


_IS_OPEN = f"""
    ended_at IS NULL
    AND began_at > now() - interval '{SESSION_LIFE.total_seconds()} s'
    AND used_at > now() - interval '{IDLE_LIFE.total_seconds()} s'
"""

# Turns a link that is not used, ended or expired into a session, once.
_USE_LINK = text("""
    UPDATE admin_session SET hash = :hash, began_at = now(), used_at = now()
    WHERE link_hash = :link_hash AND hash IS NULL AND ended_at IS NULL AND link_expires_at > now()
    RETURNING id, name, role
""")

# Returns the session of a secret, unless it has ended.
_FIND_SESSION = statement(
    """
    SELECT id, name, role, used_at < now() - interval '1 minute' AS long_unused
    FROM admin_session WHERE hash = :hash AND {is_open}
    """,
    is_open=_IS_OPEN,
)

_MARK_USED = text("UPDATE admin_session SET used_at = now() WHERE id = :id")

# Returns the newest links and sessions, with their state.
_READ_SESSIONS = statement(
    """
    SELECT id, name, role, made_at AS made, began_at AS began, used_at AS used,
           CASE WHEN {is_open} THEN 'signed in'
                WHEN hash IS NULL AND ended_at IS NULL AND link_expires_at > now() THEN 'link'
                ELSE 'ended' END AS state
    FROM admin_session ORDER BY id DESC LIMIT 1000
    """,
    is_open=_IS_OPEN,
)
