"""Links accounts to users: by an administrator, by a code that is used once, or by a confirmed
address.

`policies/links.py` has the rules; this module applies them when somebody asks a question and when
an administrator acts. Everything here runs as the syncer.
"""

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from hashlib import sha256

import structlog
from sqlalchemy import func, insert, select, text, tuple_, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from policies.audience import Account
from policies.audit import record
from policies.change import Change
from policies.directory import unlinked
from policies.links import Unmatched, unmatched, user_by_address
from policies.source import is_external, known_accounts
from policies.tables.history import Audit
from policies.tables.keys import LinkCode
from policies.tables.people import Account as KnownAccount
from policies.tables.people import AccountKind, User, UserStatus
from policies.tables.sources import Source
from workers.database.sessions import Database
from workers.errors import InputInvalid, SlackRefused, SlackUnavailable
from workers.intake.messages import Question
from workers.replies.inert import inert
from workers.services import Services
from workers.slack.messenger import Names, Profile, source_of_team
from workers.wording.mark import N_
from workers.wording.text import gettext

log = structlog.get_logger()

LINKED = N_("Your Slack account is now linked to {name}. What would you like to know?")
INVALID = N_("I cannot use this code. Please ask your administrator for a new one.")
"""The same words for every reason: wrong, used, expired, too many tries, not for this account."""
IN_CHANNEL = N_(
    "Please send a code only in a direct message to me. Others may have seen this one, so it no "
    "longer works. Your administrator can give you a new one."
)
TAKEN = N_("Your Slack account is already linked to someone else. Please ask your administrator.")

ADMIN, CODE, ADDRESS = "admin", "code", "confirmed e-mail"
"""How a link was made."""
LONGEST = timedelta(days=30)
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's alphabet: 32 characters that are not easily confused."""
_LOOK_ALIKE = str.maketrans("OIL", "011")
_GROUPS, _GROUP = 4, 4
_SAID = re.compile(
    r"link\s+(?P<code>[0-9a-z]{3,5}(?:[-‐-―][0-9a-z]{3,5}){2,4}|(?=\S*\d)[0-9a-z]{16})",
    re.IGNORECASE,
)
_TRIES, _TRIES_WITHIN = 5, timedelta(hours=1)
_REFUSED = "code_refused"
_MAY_CLAIM = frozenset({AccountKind.MEMBER, AccountKind.GUEST})
_PAGE = 500


# -- when a question is asked --------------------------------------------------------------------


class AskedByApp(Exception):
    """The account that asks is an app's, whatever the event said."""


def identify_asker(services: Services, question: Question, *, private: bool) -> str | None:
    """Identify the asker before a question is answered; return a reply if the message was a link
    code.

    An account without a link is recorded for the administrators, and linked where the rules allow
    it. Raises SlackUnavailable only for a code, since a question can be answered without this.
    Raises AskedByApp.
    """
    code = code_in(question.text)
    if code is not None:
        return _said(services, code, question, private=private)
    if not question.surface.is_outside_slack:
        try:
            _recognise(services, question)
        except (SlackUnavailable, SQLAlchemyError) as error:
            log.warning("account_not_noted", error=type(error).__name__)
    return None


def code_in(words: str) -> str | None:
    """Return the code in a message, as it was made; None if it is a question like any other."""
    said = _SAID.fullmatch(words.strip(" \t\n`*_"))
    if said is None:
        return None
    letters = re.sub(r"[^0-9A-Z]", "", said["code"].upper()).translate(_LOOK_ALIKE)
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def _said(services: Services, code: str, question: Question, *, private: bool) -> str:
    """Handle a code. It is used up in any case, because it is in a message and in our table."""
    database = services.database
    if not question.surface.takes_link_codes or not private:
        _burn(database, code)
        return IN_CHANNEL
    profile = _profile(services, question)
    if profile is None or profile.kind not in _MAY_CLAIM:
        _burn(database, code)
        return INVALID
    note(database, [profile])
    return claim(database, profile.account, code)


def _profile(services: Services, question: Question) -> Profile | None:
    """Return the asker's profile; None if Slack hides it or they asked in another workspace."""
    try:
        profile = services.messenger_of(question.team_id).profile(question.user_id)
    except SlackRefused:
        return None
    return profile if profile.account == _asker(question) else None


def _asker(question: Question) -> Account:
    return Account(source_of_team(question.team_id), question.user_id)


def _recognise(services: Services, question: Question) -> None:
    account = _asker(question)
    with services.database.session("answerer") as session:
        if not unlinked(session, frozenset({account})):
            return
    profile = _profile(services, question)
    if profile is None:
        return
    note(services.database, [profile])
    if profile.kind is AccountKind.BOT:
        raise AskedByApp
    if services.settings.link_by_confirmed_email:
        link_by_address(services.database, profile)


def link_by_address(database: Database, profile: Profile) -> bool:
    """Link a recorded account to the user with its address, if the rules allow it."""
    of_account = (profile.account.source, profile.account.native_id)
    with database.session("syncer") as session:
        if user_by_address(session, *of_account, confirmed=profile.confirmed) is None:
            return False
    with database.session("syncer") as session:
        change = Change(session, actor=ADDRESS)  # other changes wait from here on
        user_id = user_by_address(session, *of_account, confirmed=profile.confirmed)
        if user_id is None:
            return False
        change.link(user_id, change.put_source(of_account[0]), of_account[1], by=ADDRESS)
        return True


# -- what Slack reports of accounts --------------------------------------------------------------


def note(database: Database, profiles: Sequence[Profile]) -> int:
    """Record what Slack reports of these accounts; return how many are new or changed. Links
    nobody.

    If nothing has changed, no epoch is used.
    """
    with database.session("syncer") as session:
        known = _known(session, profiles)
        new = [
            profile
            for profile in profiles
            if known.get(profile.account)
            != (profile.seen.name, profile.seen.email, profile.seen.kind)
        ]
        if new:
            session.execute(_LIMIT_LOCK_WAIT)
            change = Change(session, actor="slack")
            for profile in new:
                change.put_account(change.put_source(profile.account.source), profile.seen)
        return len(new)


# Limits how long this transaction waits for a lock: a question does not wait for a large sync to
# end; the account is recorded another time.
_LIMIT_LOCK_WAIT = text("SET LOCAL lock_timeout = '2s'")


def scan(database: Database, messenger: Names) -> Iterator[tuple[int, int]]:
    """Record everybody in the workspace; after each page, yield (accounts, new or
    changed) so far.
    """
    seen, new = 0, 0
    for page in messenger.profiles():
        seen, new = seen + len(page), new + note(database, page)
        yield seen, new


def _known(
    session: Session, profiles: Iterable[Profile]
) -> dict[Account, tuple[str, str | None, AccountKind]]:
    wanted = [(profile.account.source, profile.account.native_id) for profile in profiles]
    rows = session.execute(
        select(Source.name, KnownAccount)
        .join(Source, Source.id == KnownAccount.source_id)
        .where(tuple_(Source.name, KnownAccount.native_id).in_(wanted))
    )
    return {
        Account(source, known.native_id): (known.name, known.email, known.kind)
        for source, known in rows
    }


# -- an administrator's decision -----------------------------------------------------------------


def set_link(database: Database, source: str, native_id: str, user_id: int, actor: str) -> None:
    """Link this account to this user, from the next question on. Raises InputInvalid.

    An account that is linked to another user is not taken over: remove that link first.
    """
    with database.session("syncer") as session:
        change = Change(session, actor=actor)
        source_id = _source_id(session, source)
        if change.owner_of(source_id, native_id) not in (None, user_id):
            raise InputInvalid(
                f"{source}:{native_id} is already linked to another user. Nothing was changed.",
                remedy="`ken link list --linked` shows to whom. To remove that link, run "
                f"`ken link remove {source}:{native_id}`.",
            )
        status = session.scalar(select(User.status).where(User.id == user_id))
        if status is None or status is UserStatus.DELETED:
            raise InputInvalid(
                "There is no user with this id, or they were deleted. Nothing was changed."
            )
        change.link(user_id, source_id, native_id, by=ADMIN)


def remove_link(database: Database, source: str, native_id: str, actor: str) -> bool:
    """Remove an account's link, from the next question on; False if it had none. Raises
    InputInvalid.

    The rule of the confirmed address does not link it again: only an administrator or a code does.
    """
    with database.session("syncer") as session:
        change = Change(session, actor=actor)
        source_id = _source_id(session, source)
        if change.owner_of(source_id, native_id) is None:
            return False
        change.unlink(source_id, native_id)
        return True


def set_external(
    database: Database, source: str, native_id: str, actor: str, *, external: bool
) -> bool:
    """Mark an account as external, so that its denies affect nobody here, or undo that.

    Returns False if it was so already. Raises InputInvalid for an account that has a link or is not
    known.
    """
    with database.session("syncer") as session:
        change = Change(session, actor=actor)
        source_id = _source_id(session, source)
        if change.owner_of(source_id, native_id) is not None:
            raise InputInvalid(
                f"{source}:{native_id} is linked to a user. Nothing was changed.",
                remedy="If it belongs to nobody here, first run "
                f"`ken link remove {source}:{native_id}`.",
            )
        if native_id not in known_accounts(session, source_id):
            raise InputInvalid(
                f"There is no account {source}:{native_id}. Nothing was changed.",
                remedy="`ken link list` shows the accounts that have no link.",
            )
        if is_external(session, source_id, native_id) is external:
            return False
        change.set_external(source_id, native_id, external=external)
        return True


def acceptable(database: Database, source: str | None = None) -> list[Unmatched]:
    """Return the accounts whose address identifies a user without any objection."""
    found: list[Unmatched] = []
    after = None
    with database.session("syncer") as session:
        while page := unmatched(session, source, limit=_PAGE, after=after):
            after = page[-1].place
            found += [one for one in page if one.accepted is not None]
    return found


def accept(database: Database, chosen: Iterable[Unmatched], actor: str) -> int:
    """Link these accounts unless an objection has come up since; return how many were linked."""
    return sum(
        accept_one(database, one.source, one.native_id, one.accepted, actor)
        for one in chosen
        if one.accepted is not None
    )


def accept_one(database: Database, source: str, native_id: str, user_id: int, actor: str) -> bool:
    """Link an account to the user that its address identifies, unless something speaks against it.

    Returns whether it was linked.
    """
    with database.session("syncer") as session:
        change = Change(session, actor=actor)
        if user_by_address(session, source, native_id, confirmed=True) != user_id:
            return False
        change.link(user_id, _source_id(session, source), native_id, by=ADMIN)
        return True


def name_of(session: Session, user_id: int) -> str:
    return session.scalars(select(User.name).where(User.id == user_id)).one()


def _source_id(session: Session, name: str) -> int:
    found = session.scalar(select(Source.id).where(Source.name == name))
    if found is None:
        raise InputInvalid(
            f"There is no source {name!r}.",
            remedy="Sources come with `ken link scan` (Slack), `ken load` and `ken sync`.",
        )
    return found


# -- a code that is used once --------------------------------------------------------------------


def make_code(database: Database, user_id: int, actor: str, expires: timedelta) -> str:
    """Make a code that links the account that sends it to this user, once. Earlier codes end.

    It has 80 random bits. Only its hash is stored, so it cannot be shown again. Raises
    InputInvalid.
    """
    if not timedelta(0) < expires <= LONGEST:
        raise InputInvalid(f"A code can be valid for {LONGEST.days} days at most.")
    groups = ["".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS)]
    code = "-".join(groups)
    with database.session("syncer") as session:
        if session.scalar(select(User.status).where(User.id == user_id)) is not UserStatus.ACTIVE:
            raise InputInvalid("There is no active user with this id. No code was made.")
        session.execute(
            update(LinkCode)
            .where(LinkCode.user_id == user_id, LinkCode.used_at.is_(None))
            .values(used_at=func.now())
        )
        session.execute(
            insert(LinkCode).values(
                hash=_hash(code), user_id=user_id, made_by=actor, expires_at=func.now() + expires
            )
        )
        _record(session, actor, "make_code", user_id=user_id)
    return code


def claim(database: Database, account: Account, code: str) -> str:
    """Handle a code that an account sent in private; return the reply.

    The caller has checked that the account may have a link: a person of the home workspace. A code
    that this account used before is accepted again, because the reply may have been lost.
    """
    name = f"{account.source}:{account.native_id}"
    with database.session("syncer") as session:
        session.execute(_LOCK_ACCOUNT, {"name": name})
        if _tries(session, name) >= _TRIES:
            _use_up(session, code)
            return INVALID
        if _user_of(session, code) is None:
            _use_up(session, code)
            _record(session, name, _REFUSED)
            return INVALID
        change = Change(session, actor=name)
        source_id = change.put_source(account.source)
        owner = change.owner_of(source_id, account.native_id)
        user = _user_of(session, code)
        used_now = _use_up(session, code)
        if user is None or not (used_now or owner == user.id):
            _record(session, name, _REFUSED)
            return INVALID
        if owner not in (None, user.id):
            return TAKEN
        if owner is None:
            change.link(user.id, source_id, account.native_id, by=CODE)
        return gettext(LINKED, name=inert(user.name))


def _user_of(session: Session, code: str) -> User | None:
    """Return the active user for whom a code was made, used or not."""
    return session.scalar(
        select(User)
        .join(LinkCode, LinkCode.user_id == User.id)
        .where(LinkCode.hash == _hash(code), User.status == UserStatus.ACTIVE)
        .execution_options(populate_existing=True)
    )


def _use_up(session: Session, code: str) -> bool:
    """Use the code up; return whether it was good until now."""
    good = session.scalar(
        update(LinkCode)
        .where(LinkCode.hash == _hash(code), LinkCode.used_at.is_(None))
        .values(used_at=func.now())
        .returning(LinkCode.expires_at > func.now())
    )
    return bool(good)


def _burn(database: Database, code: str) -> None:
    with database.session("syncer") as session:
        _use_up(session, code)


def _tries(session: Session, name: str) -> int:
    """Return how often the account sent a wrong code recently."""
    return session.scalars(
        select(func.count()).where(
            Audit.actor == name,
            Audit.action == _REFUSED,
            Audit.at > func.now() - _TRIES_WITHIN,
        )
    ).one()


def _record(session: Session, actor: str, action: str, **details: int) -> None:
    record(session, actor=actor, action=action, details=details)


def _hash(code: str) -> bytes:
    return sha256(code.encode()).digest()


# Keeps other transactions from handling a code of the same account until this one ends.
_LOCK_ACCOUNT = text("SELECT pg_advisory_xact_lock(hashtextextended('link ' || :name, 0))")
