"""Who may read what, who was shown what, and why: for administrators. Never a word of a document.

Each reads by the syncer's role, which has no right to any text; what comes back is plain values,
for the terminal and for the admin API alike.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from policies.access import readable_documents
from policies.audience import CLASSES, STRANGER, Class, Readers
from policies.audit import Shown, exposure, people_of_classes
from policies.decide import Decision
from policies.directory import resolve_audience, unlinked
from policies.explain import decisions, explain, readers
from policies.history import OutsideHistory, as_of, documents_ever, require_known, since
from policies.names import Unresolved, describe, resolve_document, resolve_user
from policies.tables.content import Document
from policies.tables.people import LinkedIdentity, SourceAccount, User
from policies.tables.permissions import Node
from policies.tables.sources import Source
from workers.answering.audience import Rule, channel_readers
from workers.database.schema import check
from workers.database.sessions import Database
from workers.errors import InputInvalid, ServerUnavailable, SlackRefused, SlackUnavailable
from workers.settings import Settings
from workers.slack.workspaces import find_channel

_AGO = re.compile(r"(\d{1,6})\s*(m|min|minutes?|h|hours?|d|days?)(?:\s+ago)?", re.IGNORECASE)
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_MANY = 12
_LONG = 50
"""Of names in a line, and of lines: the screen gets no more, and says how many there are."""


def explain_access(
    settings: Settings, person: str, document: str, at: str | None = None
) -> dict[str, Any]:
    """Readable or not, and the path that decides. Raises InputInvalid."""
    with administering(settings) as session:
        return why(session, person, document, past_moment(session, at))


def who_reads(settings: Settings, document: str, at: str | None = None) -> dict[str, Any]:
    """Everybody who reads a document. Raises InputInvalid."""
    with administering(settings) as session:
        return who(session, document, past_moment(session, at))


def who_was_shown(
    settings: Settings, document: str, start: str | None, end: str | None
) -> dict[str, Any]:
    """Who could have seen an answer that used a document. Raises InputInvalid."""
    with administering(settings) as session:
        now = _now(session)
        return shown(
            session,
            document,
            moment(start, now) if start else None,
            moment(end, now) if end else None,
        )


@contextmanager
def administering(settings: Settings) -> Iterator[Session]:
    """One snapshot of what the syncer's role may see: permissions and the audit, and no text."""
    database = Database(settings)
    check(database, "syncer")
    try:
        with database.snapshot("syncer") as session:
            yield session
    finally:
        database.close()


# -- why ----------------------------------------------------------------------------------------


def why(session: Session, person: str, document: str, at: datetime | None) -> dict[str, Any]:
    """Whether this person reads (or read, at that moment) this document, and what decides."""
    user_id = _person(session, person, at)
    document_id = _document(session, document, at)
    decision = explain(session, user_id, document_id, at)
    return {
        "person": person,
        "document": document,
        "at": _iso(at),
        "readable": decision.allowed,
        "code": decision.reason,
        "reason": _reason(session, decision, user_id, document_id, at),
        "path": _path(session, decision, at),
        "wanted": _names(session, sorted(decision.wanted), at),
        "cut_at": None if decision.cut_id is None else _node(session, decision.cut_id, at),
        "stopped": _names(session, sorted(decision.stopped), at),
        "account": _account_of(session, decision, at),
        "needed": _needed(session, decision, user_id, document_id, at),
    }


def why_lines(told: dict[str, Any]) -> list[str]:
    """What follows the verdict on the screen."""
    lines: list[str] = list(told["path"])
    if told["wanted"]:
        before = "which wants" if told["code"] == "gate" else "allowed is"
        lines.append(f"{before} one of: {_cut(told['wanted'])}")
    if told["cut_at"]:
        lines.append(
            f"{told['cut_at']} does not inherit, so the allow of {_cut(told['stopped'])} above it "
            "stops there"
        )
    return [*lines, *(f"needed: {one}" for one in told["needed"])]


_REASONS = {
    "allowed": "an entry allows it",
    "unknown": "permissions on its path are not known, so nobody reads it",
    "denied": "an entry denies it, and deny always wins",
    "gate": "a gate requires a group that the person is not in",
    "no_allow": "no entry allows it",
}
_DENIES_NOBODYS = (
    "a deny names an account that nobody is linked to, and it may be this person's: link it, or "
    "mark it as external"
)


def _account_of(session: Session, decision: Decision, at: datetime | None) -> dict[str, str] | None:
    """The account of nobody's that a deny reaches, by its source and its id there."""
    if decision.account_id is None:
        return None
    account = as_of(SourceAccount, at)
    row = session.execute(
        select(Source.name, account.native_id)
        .join(Source, Source.id == account.source_id)
        .where(account.id == decision.account_id)
    ).one()
    return {"source": row.name, "native_id": row.native_id}


def _needed(
    session: Session, decision: Decision, user_id: int, document_id: int, at: datetime | None
) -> list[str]:
    """What would open it, in words that an administrator can act on."""
    node = "" if decision.node_id is None else _node(session, decision.node_id, at)
    match decision.reason:
        case "allowed":
            return []
        case "inactive":
            return ["an active user, as the identity provider or a loaded folder says"]
        case "stale":
            return _needed_of_source(session, document_id, at)
        case "unknown":
            return [
                f"permissions of {node or 'it'} that can be understood: push or load them again"
            ]
        case "denied":
            return _needed_of_deny(session, decision, user_id, node, at)
        case "gate":
            return ["to be one of these, or in one of them"]
    if decision.wanted:
        return ["to be one of these, or in one of them; or an allow of the person's own"]
    return ["an allow: nobody is allowed it"]


def _needed_of_deny(
    session: Session, decision: Decision, user_id: int, node: str, at: datetime | None
) -> list[str]:
    account = _account_of(session, decision, at)
    if account is None:
        (denied,) = _names(session, [decision.principal_id or 0], at)
        return [f"not to be denied as {denied}: out of it, or without that entry on {node}"]
    source, native_id = account["source"], account["native_id"]
    told = [
        f"whose the account is: ken link set {source}:{native_id} PERSON",
        f"or, if it is nobody's here: ken link external {source}:{native_id}",
    ]
    if _has_account(session, user_id, source, at):  # they had this one last, and another is theirs
        return told
    return [*told, f"or this person's own account there: ken link set {source}:ID PERSON"]


def _has_account(session: Session, user_id: int, source: str, at: datetime | None) -> bool:
    link = as_of(LinkedIdentity, at)
    theirs = select(link.user_id).join(Source, Source.id == link.source_id)
    found = theirs.where(link.user_id == user_id, Source.name == source).limit(1)
    return session.scalar(found) is not None


def _needed_of_source(session: Session, document_id: int, at: datetime | None) -> list[str]:
    node, source = as_of(Node, at), as_of(Source, at)
    row = session.execute(
        select(source.name, source.paused)
        .join(node, node.source_id == source.id)
        .where(node.id == document_id)
    ).one()
    if row.paused:
        return [f"the source in use again: ken source set {row.name} --resume"]
    return [
        f"a complete sync: ken sync push FILE --source {row.name}, or ken load",
        f"or a longer limit: ken source set {row.name} --max-staleness PERIOD",
    ]


def _reason(
    session: Session, decision: Decision, user_id: int, document_id: int, at: datetime | None
) -> str:
    if decision.reason == "inactive":
        return _inactive(session, user_id, at)
    if decision.reason == "stale":
        return _stale(session, document_id, at)
    if decision.account_id is not None:
        return _DENIES_NOBODYS
    if decision.reason == "unknown" and decision.node_id is not None:
        known = since(session, Node, [decision.node_id], "acl_state", "unknown", at)
        return _REASONS["unknown"] + _since(known)
    return _REASONS[decision.reason]


def _inactive(session: Session, user_id: int, at: datetime | None) -> str:
    user = as_of(User, at)
    status = session.scalar(select(user.status).where(user.id == user_id))
    if status is None:
        return "there was no such user then"
    return f"the user is {status}" + _since(since(session, User, [user_id], "status", status, at))


def _stale(session: Session, document_id: int, at: datetime | None) -> str:
    node, source = as_of(Node, at), as_of(Source, at)
    columns = (source.id, source.name, source.paused, source.max_staleness, source.synced_at)
    row = session.execute(
        select(*columns).join(node, node.source_id == source.id).where(node.id == document_id)
    ).one()
    if row.paused:
        return f"its source {row.name} is paused" + _since(
            since(session, Source, [row.id], "paused", value=True, at=at)
        )
    if row.synced_at is None:
        return f"its source {row.name} has never been synced completely"
    return (
        f"its source {row.name} was synced last at {_words(row.synced_at)}, and is not used "
        f"when that is more than {row.max_staleness} ago"
    )


def _since(known: datetime | None) -> str:
    return f" (since {_words(known)})" if known else ""


def _path(session: Session, decision: Decision, at: datetime | None) -> list[str]:
    told = [" → ".join(_names(session, decision.path, at))] if decision.path else []
    if decision.node_id is not None:
        node = _node(session, decision.node_id, at)
        told.append(f"{'on' if told else 'at'} {node}")
    return told


def _node(session: Session, node_id: int, at: datetime | None) -> str:
    return _nodes(session, [node_id], at)[node_id]


def _nodes(session: Session, node_ids: Iterable[int], at: datetime | None) -> dict[int, str]:
    node = as_of(Node, at)
    rows = session.execute(
        select(node.id, node.kind, node.native_id).where(node.id.in_(set(node_ids)))
    )
    return {row.id: f"{row.kind} {row.native_id or '(root)'}" for row in rows}


# -- who ----------------------------------------------------------------------------------------


def who(session: Session, document: str, at: datetime | None) -> dict[str, Any]:
    """Every active person who reads it, by which path; and whether the classes do."""
    document_id = _document(session, document, at)
    found = readers(session, document_id, at)
    classes = decisions(session, [*Class], document_id, at)
    names = describe(session, {one for each in found.values() for one in each.path} | {*found}, at)
    nodes = _nodes(session, (each.node_id for each in found.values() if each.node_id), at)
    accounts = _accounts(session, found, at)
    people = [
        {
            "name": names[user_id],
            "id": accounts.get(user_id, str(user_id)),
            "path": [
                " → ".join(_named(names, decision.path)),
                f"on {nodes[decision.node_id or 0]}",
            ],
        }
        for user_id, decision in found.items()
    ]
    everybody = classes[Class.INTERNET]
    return {
        "document": document,
        "at": _iso(at),
        "count": len(people),
        "people": sorted(people, key=lambda one: (str(one["name"]).casefold(), str(one["id"]))),
        "classes": {name: classes[one].allowed for name, one in CLASSES.items()},
        "closed": _reason(session, everybody, STRANGER, document_id, at)
        if everybody.reason in ("unknown", "stale")
        else None,
    }


def who_lines(told: dict[str, Any]) -> list[str]:
    """The classes, then the people; a long list is cut, and says so."""
    if told["closed"]:
        return [f"nobody: {told['closed']}"]
    lines = [
        f"everyone in {name}: {'yes' if yes else 'no'}" for name, yes in told["classes"].items()
    ]
    lines.append(f"people: {told['count']}")
    lines += [
        f"  {one['name']} ({one['id']}): {'; '.join(one['path'])}" for one in told["people"][:_LONG]
    ]
    if (more := told["count"] - _LONG) > 0:
        lines.append(f"  … and {more} more; --json lists all")
    return lines


def _accounts(session: Session, user_ids: Iterable[int], at: datetime | None) -> dict[int, str]:
    """An account of each, as `ken why` takes it; one in Slack only where there is no other."""
    identity = as_of(LinkedIdentity, at)
    rows = session.execute(
        select(identity.user_id, Source.name, identity.native_id)
        .join(Source, Source.id == identity.source_id)
        .order_by(Source.name.startswith("slack:").desc(), Source.name.desc(), identity.native_id)
    )
    wanted = set(user_ids)
    return {user_id: f"{source}:{name}" for user_id, source, name in rows if user_id in wanted}


# -- audience -------------------------------------------------------------------------------------

RULES = {
    Rule.SHARED: "it is shared with another company or workspace, so Ken gives no answer there",
    Rule.EMPTY: "nobody is in it but Ken",
    Rule.PRIVATE: "it is private: whoever is in it",
    Rule.PUBLIC: "it is public: whoever is or may join, and each guest in it",
    Rule.UNLISTED: "its members cannot be listed, or are too many, so anybody may be there",
    Rule.UNLINKED: "too many of its members are not linked, so anybody may be there",
}


def audience_in(settings: Settings, channel: str) -> dict[str, Any]:
    """Who reads in a Slack channel as Ken sees it, and how many documents all of them may read.

    Raises InputInvalid, SlackUnavailable.
    """
    database = Database(settings)
    try:
        with slack_asked():
            messenger, channel_id = find_channel(settings, database, channel)
            there = channel_readers(channel_id, messenger, database)
    finally:
        database.close()
    with administering(settings) as session:
        return {
            "channel": channel,
            "id": channel_id,
            "rule": there.rule.value,
            "reason": RULES[there.rule],
            **(_subjects(session, there.readers) if there.readers else _NOBODY),
        }


_NOBODY: dict[str, Any] = {
    "classes": [],
    "people": [],
    "guests": [],
    "strangers": False,
    "unlinked": [],
    "documents": 0,
}


def _subjects(session: Session, present: Readers) -> dict[str, Any]:
    audience = resolve_audience(session, present)
    rows = session.execute(
        select(User.id, User.name, User.class_id).where(User.id.in_(audience.ids))
    ).all()
    return {
        "classes": [name for name, one in CLASSES.items() if one in audience.ids],
        "people": sorted(row.name for row in rows if row.class_id == Class.MEMBERS),
        "guests": sorted(row.name for row in rows if row.class_id != Class.MEMBERS),
        "strangers": STRANGER in audience.ids,
        "unlinked": sorted(one.native_id for one in unlinked(session, present.accounts)),
        "documents": session.scalars(
            readable_documents(audience).with_only_columns(func.count(Document.id))
        ).one(),
    }


def audience_lines(told: dict[str, Any]) -> list[str]:
    """Who reads there, kind by kind, and what they share."""
    lines = [told["reason"]]
    lines += [f"everyone in {name}" for name in told["classes"]]
    lines += [
        f"{len(told[kind])} {words}: {_cut(told[kind])}"
        for kind, words in (("people", "members of the company"), ("guests", "guests"))
        if told[kind]
    ]
    if told["strangers"]:
        lines.append(f"somebody unlinked: {_cut(told['unlinked']) or 'whoever it may be'}")
    return [*lines, f"documents that all of them may read: {told['documents']}"]


# -- shown ----------------------------------------------------------------------------------------


def shown(
    session: Session, document: str, start: datetime | None, end: datetime | None
) -> dict[str, Any]:
    """Each answer that used the document, and everybody who could have seen one of them."""
    if start and end and start > end:
        raise InputInvalid("--from is later than --to.", remedy="Name the earlier time first.")
    ids = documents_ever(session, document)
    if not ids:
        _document(session, document, None)  # says that there is none, and what is called alike
    answers = [(one, each) for one in sorted(ids) for each in exposure(session, one, start, end)]
    answers.sort(key=lambda pair: (pair[1].at, pair[1].answer_id))
    people = {subject for _, each in answers for subject in each.audience} - {STRANGER, *Class}
    asked = {each.asker_id for _, each in answers if each.asker_id is not None}
    names = describe(session, people | asked)
    everybody = people_of_classes(session, [each for _, each in answers])
    could = everybody | {user_id: names[user_id] for user_id in people}
    return {
        "document": document,
        "from": _iso(start),
        "to": _iso(end),
        "answers": [_answer(each, names) for _, each in answers],
        "people": sorted(could.values(), key=str.casefold),
        "classes": [
            name
            for name, one in CLASSES.items()
            if any(one in each.audience for _, each in answers)
        ],
        "strangers": any(STRANGER in each.audience for _, each in answers),
    }


def _answer(each: Shown, names: dict[int, str]) -> dict[str, Any]:
    return {
        "question": each.question_id,
        "at": _iso(each.at),
        "surface": each.surface,
        "channel": each.channel_id,
        "cited": each.cited,
        "asker": None if each.asker_id is None else names[each.asker_id],
        "audience": _named(names, each.audience),
        "epoch": each.epoch,
    }


def shown_lines(told: dict[str, Any]) -> list[str]:
    """The latest answers, then everybody who could have seen one of all."""
    answers = told["answers"]
    if not answers:
        return ["no answer used it"]
    lines = [f"{len(answers)} answers used it:"]
    if (earlier := len(answers) - _LONG) > 0:
        lines.append(f"  … {earlier} earlier ones; --json lists all")
    lines += [
        f"  {one['at'][:19].replace('T', ' ')} UTC, {_place(one)}, "
        f"{'cited' if one['cited'] else 'used, not cited'}, question {one['question']}, "
        f"for {_cut(one['audience'])}"
        for one in answers[-_LONG:]
    ]
    lines.append(f"{len(told['people'])} people could have seen it: {_cut(told['people'])}")
    if told["strangers"]:
        lines.append("and somebody unlinked")
    return lines


def _place(one: dict[str, Any]) -> str:
    return f"in {one['channel']}" if one["channel"] else "to the asker alone"


# -- names and times ------------------------------------------------------------------------------


def past_moment(session: Session, words: str | None) -> datetime | None:
    """The moment that these words name; None: now. Raises InputInvalid if it is not known."""
    if words is None:
        return None
    at = moment(words, _now(session))
    try:
        require_known(session, at)
    except OutsideHistory as outside:
        raise InputInvalid(
            f"Nothing is known of {_words(at)}: the history began at {_words(outside.began)}.",
            remedy="Name a later time.",
        ) from None
    return at


def moment(words: str, now: datetime) -> datetime:
    """ISO 8601 (UTC unless it says else; a date is its start), or `90m`, `2h`, `3 days ago`.

    Raises InputInvalid, also for a time that is still to come.
    """
    try:
        if ago := _AGO.fullmatch(words.strip()):
            at = now - timedelta(**{_UNITS[ago[2][0].lower()]: int(ago[1])})
        else:
            at = datetime.fromisoformat(words.strip())
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InputInvalid(
            f"{words!r} is no time.",
            remedy="Write it as 2026-07-01T14:30, 2026-07-01, 90m, 2h or 3d.",
        ) from None
    if at > now:
        raise InputInvalid(
            f"{_words(at)} is still to come.", remedy="Name a time that has passed, in UTC."
        )
    return at


def _now(session: Session) -> datetime:
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now


def _person(session: Session, name: str, at: datetime | None) -> int:
    """As the name was understood then; if it was nobody's, as it is today."""
    try:
        return resolve_user(session, name, at)
    except Unresolved as unknown:
        if at is not None and not unknown.found:
            return _person(session, name, None)
        raise not_found("person", unknown) from None


def _document(session: Session, name: str, at: datetime | None) -> int:
    try:
        return resolve_document(session, name, at)
    except Unresolved as unknown:
        raise not_found("document", unknown, f" at {_words(at)}" if at else "") from None


def _names(session: Session, principal_ids: Sequence[int], at: datetime | None) -> list[str]:
    return _named(describe(session, principal_ids, at), principal_ids)


def _named(names: dict[int, str], principal_ids: Iterable[int]) -> list[str]:
    return [names.get(one, f"principal {one}") for one in principal_ids]


def _cut(names: Sequence[str]) -> str:
    more = len(names) - _MANY
    return ", ".join(names[:_MANY]) + (f" and {more} more (--json lists all)" if more > 0 else "")


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


def _words(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@contextmanager
def slack_asked() -> Iterator[None]:
    """Raises ServerUnavailable where Slack does not answer."""
    try:
        yield
    except SlackUnavailable as error:
        why = "refused" if isinstance(error, SlackRefused) else "did not answer"
        raise ServerUnavailable(
            f"Slack {why} ({error}). Nothing was changed.",
            remedy="`ken doctor` looks at the connection. Then repeat this.",
        ) from None


def not_found(kind: str, unknown: Unresolved, then: str = "") -> InputInvalid:
    """What to say about a name that stands for nobody, or for several; `then`, at which time."""
    if unknown.found > 1:
        return InputInvalid(
            f"More than one {kind} is called {unknown.name!r}{then}.",
            remedy=f"Say which by its source: SOURCE:{unknown.name}",
        )
    similar = ", ".join(unknown.similar)
    return InputInvalid(
        f"There is no {kind} {unknown.name!r}{then}.",
        remedy=f"Did you mean: {similar}?" if similar else f"Load one first, or check the {kind}.",
    )
