"""Explains to administrators who may read what, who was shown what, and why.

It never reads the text of a document: each function connects as the syncer's role, which has no
right to it. The results are plain values, for the terminal and for the admin API.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from policies.access import readable_documents
from policies.audience import CLASSES, STRANGER, Class, Readers
from policies.audit import Shown, exposure, people_of_classes
from policies.chains import load_chains
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
"""The most names in a line, and the most lines, that the terminal shows; the rest is counted."""


def explain_access(
    settings: Settings, person: str, document: str, at: str | None = None
) -> dict[str, Any]:
    """Explain whether a person may read a document. Raises InputInvalid."""
    with administering(settings) as session:
        return why(session, person, document, past_moment(session, at))


def who_reads(settings: Settings, document: str, at: str | None = None) -> dict[str, Any]:
    """List everybody who may read a document. Raises InputInvalid."""
    with administering(settings) as session:
        return who(session, document, past_moment(session, at))


def who_was_shown(
    settings: Settings, document: str, start: str | None, end: str | None
) -> dict[str, Any]:
    """List who could have seen an answer that used a document. Raises InputInvalid."""
    with administering(settings) as session:
        now = clock(session)
        return shown(
            session,
            document,
            moment(start, now) if start else None,
            moment(end, now) if end else None,
        )


@contextmanager
def administering(settings: Settings) -> Iterator[Session]:
    """Open one snapshot as the syncer's role: it sees permissions and the audit, but no text."""
    database = Database(settings)
    check(database, "syncer")
    try:
        with database.snapshot("syncer") as session:
            yield session
    finally:
        database.close()


# -- why ----------------------------------------------------------------------------------------


def why(session: Session, person: str, document: str, at: datetime | None) -> dict[str, Any]:
    """Explain whether this person may read this document, now or at `at`, and what decides."""
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


def why_lines(facts: dict[str, Any]) -> list[str]:
    """Return the lines that follow the verdict in the terminal."""
    lines: list[str] = list(facts["path"])
    if facts["wanted"]:
        before = "the gate requires" if facts["code"] == "gate" else "an allow names"
        lines.append(f"{before} one of: {_cut(facts['wanted'])}")
    if facts["cut_at"]:
        lines.append(
            f"{facts['cut_at']} does not inherit, so the allow above it for "
            f"{_cut(facts['stopped'])} does not apply"
        )
    return [*lines, *(f"needed: {one}" for one in facts["needed"])]


_REASONS = {
    "allowed": "an entry allows it",
    "unknown": "permissions on its path are not known, so nobody may read it",
    "denied": "an entry denies it, and deny always wins",
    "gate": "a gate requires a group that the person is not in",
    "no_allow": "no entry allows it",
}
_DENIES_UNLINKED = (
    "a deny names an account that is not linked to anybody and may be this person's: link it, or "
    "mark it as external"
)


def _account_of(session: Session, decision: Decision, at: datetime | None) -> dict[str, str] | None:
    """Return the unlinked account that a deny reaches, as its source and its id there."""
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
    """Say what would make it readable, so that an administrator can act on it."""
    node = "" if decision.node_id is None else _node(session, decision.node_id, at)
    match decision.reason:
        case "allowed":
            return []
        case "inactive":
            return ["an active user: set the status in the identity provider, or load it again"]
        case "stale":
            return _needed_of_source(session, document_id, at)
        case "unknown":
            return [
                f"known permissions for {node or 'it'}: push them again with ken sync push, or "
                "load them again with ken load"
            ]
        case "denied":
            return _needed_of_deny(session, decision, user_id, node, at)
        case "gate":
            return ["that the person is one of these, or a member of one"]
    if decision.wanted:
        return ["that the person is one of these or a member of one, or an allow for the person"]
    return ["an allow: no entry allows anybody to read it"]


def _needed_of_deny(
    session: Session, decision: Decision, user_id: int, node: str, at: datetime | None
) -> list[str]:
    account = _account_of(session, decision, at)
    if account is None:
        (denied,) = _names(session, [decision.principal_id or 0], at)
        return [f"no deny for {denied}: leave that group, or remove the deny on {node}"]
    source, native_id = account["source"], account["native_id"]
    needed = [
        f"a link of the account to its owner: ken link set {source}:{native_id} PERSON",
        f"or, if it belongs to none of your people: ken link external {source}:{native_id}",
    ]
    if _has_account(session, user_id, source, at):  # it was theirs last; now they have another
        return needed
    return [*needed, f"or a link of this person's own account: ken link set {source}:ID PERSON"]


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
        return [f"resume the source: ken source set {row.name} --resume"]
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
        return _DENIES_UNLINKED
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
        f"its source {row.name} was last synced at {_words(row.synced_at)}, longer ago than its "
        f"limit of {row.max_staleness}"
    )


def _since(known: datetime | None) -> str:
    return f" (since {_words(known)})" if known else ""


def _path(session: Session, decision: Decision, at: datetime | None) -> list[str]:
    steps = [" → ".join(_names(session, decision.path, at))] if decision.path else []
    if decision.node_id is not None:
        node = _node(session, decision.node_id, at)
        steps.append(f"{'on' if steps else 'at'} {node}")
    return steps


def _node(session: Session, node_id: int, at: datetime | None) -> str:
    return _nodes(session, [node_id], at)[node_id]


def _nodes(session: Session, node_ids: Iterable[int], at: datetime | None) -> dict[int, str]:
    node = as_of(Node, at)
    rows = session.execute(
        select(node.id, node.kind, node.native_id).where(node.id.in_(set(node_ids)))
    )
    return {row.id: f"{row.kind} {row.native_id or '(root)'}" for row in rows}


@dataclass(frozen=True, slots=True)
class PictureNode:
    """A folder or a document on the way to the one that was asked about."""

    name: str
    known: bool
    inherits: bool
    decides: bool
    allow: tuple[str, ...]
    deny: tuple[str, ...]
    gates: tuple[tuple[str, ...], ...]
    """Of each gate, somebody must be one of these."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What a decision was made from: the way through groups, and the folders from the top."""

    groups: tuple[str, ...]
    """From the person, or an account that may be theirs, to the principal that decides; empty if
    no entry decides."""
    nodes: tuple[PictureNode, ...]


def picture(session: Session, person: str, document: str, at: datetime | None) -> Picture:
    """Return what `why` decides from, by names. Raises InputInvalid."""
    user_id, document_id = _person(session, person, at), _document(session, document, at)
    decision = explain(session, user_id, document_id, at)
    chain = load_chains(session, {document_id}, at).get(document_id, [])
    titles = _nodes(session, (one.node_id for one in chain), at)
    principals = {
        principal
        for one in chain
        for principals in (one.allow, one.deny, *one.gates)
        for principal in principals
    }
    names = describe(session, principals | {*decision.path}, at)

    def named(principal_ids: Iterable[int]) -> tuple[str, ...]:
        return tuple(sorted(_named(names, principal_ids)))

    return Picture(
        groups=tuple(_named(names, decision.path)),
        nodes=tuple(
            PictureNode(
                name=titles[one.node_id],
                known=one.known,
                inherits=one.inherit,
                decides=one.node_id == decision.node_id,
                allow=named(one.allow),
                deny=named(one.deny),
                gates=tuple(named(gate) for gate in one.gates),
            )
            for one in reversed(chain)
        ),
    )


# -- who ----------------------------------------------------------------------------------------


def who(session: Session, document: str, at: datetime | None) -> dict[str, Any]:
    """List every active person who may read it, with the path, and which classes may."""
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


def who_lines(facts: dict[str, Any]) -> list[str]:
    """Return lines for the classes, then the people; a long list is shortened and says so."""
    if facts["closed"]:
        return [f"nobody: {facts['closed']}"]
    lines = [
        f"everyone in {name}: {'yes' if yes else 'no'}" for name, yes in facts["classes"].items()
    ]
    lines.append(f"people: {facts['count']}")
    lines += [
        f"  {one['name']} ({one['id']}): {'; '.join(one['path'])}"
        for one in facts["people"][:_LONG]
    ]
    if (more := facts["count"] - _LONG) > 0:
        lines.append(f"  … and {more} more; --json shows all")
    return lines


def _accounts(session: Session, user_ids: Iterable[int], at: datetime | None) -> dict[int, str]:
    """Return an account of each as `ken why` accepts it, in Slack only if there is no other."""
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
    Rule.SHARED: "it is shared with another company or workspace, so Ken does not answer there",
    Rule.EMPTY: "nobody but Ken is in it",
    Rule.PRIVATE: "it is private: its members",
    Rule.PUBLIC: "it is public: all members of the company, and each guest in it",
    Rule.UNLISTED: "its members cannot be listed, or are too many, so Ken treats it as if anybody "
    "could read there",
    Rule.UNLINKED: "too many of its members are not linked, so Ken treats it as if anybody could "
    "read there",
}


def audience_in(settings: Settings, channel: str) -> dict[str, Any]:
    """Show who reads a Slack channel, and how many documents all of them may read.

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


def audience_lines(facts: dict[str, Any]) -> list[str]:
    """Return lines for each kind of reader, and how many documents all of them may read."""
    lines = [facts["reason"]]
    lines += [f"everyone in {name}" for name in facts["classes"]]
    lines += [
        f"{_counted(len(facts[kind]), one, many)}: {_cut(facts[kind])}"
        for kind, one, many in (
            ("people", "member of the company", "members of the company"),
            ("guests", "guest", "guests"),
        )
        if facts[kind]
    ]
    if facts["strangers"]:
        lines.append(f"people without a link: {_cut(facts['unlinked']) or 'not known which'}")
    return [*lines, f"documents that all of them may read: {facts['documents']}"]


# -- shown ----------------------------------------------------------------------------------------


def shown(
    session: Session, document: str, start: datetime | None, end: datetime | None
) -> dict[str, Any]:
    """List each answer that used the document, and everybody who could have seen one of them."""
    if start and end and start > end:
        raise InputInvalid("--from is later than --to.", remedy="Give the earlier time as --from.")
    ids = documents_ever(session, document)
    if not ids:
        _document(session, document, None)  # raises, and names similar documents
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


def shown_lines(facts: dict[str, Any]) -> list[str]:
    """Return lines for the latest answers, then everybody who could have seen any answer."""
    answers = facts["answers"]
    if not answers:
        return ["no answer used it"]
    lines = [f"{_counted(len(answers), 'answer', 'answers')} used it:"]
    if (earlier := len(answers) - _LONG) > 0:
        lines.append(f"  … {earlier} earlier; --json shows all")
    lines += [
        f"  {one['at'][:19].replace('T', ' ')} UTC, {_place(one)}, "
        f"{'cited' if one['cited'] else 'used, not cited'}, question {one['question']}, "
        f"for {_cut(one['audience'])}"
        for one in answers[-_LONG:]
    ]
    people = _counted(len(facts["people"]), "person", "people")
    lines.append(f"{people} could have seen it: {_cut(facts['people'])}")
    if facts["strangers"]:
        lines.append("and people without a link")
    return lines


def _counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun, in the singular or the plural."""
    return f"{number} {one if number == 1 else many}"


def _place(one: dict[str, Any]) -> str:
    return f"in {one['channel']}" if one["channel"] else "to the asker alone"


# -- names and times ------------------------------------------------------------------------------


def past_moment(session: Session, words: str | None) -> datetime | None:
    """Return the time that the words name, or None for now. Raises InputInvalid."""
    if words is None:
        return None
    at = moment(words, clock(session))
    try:
        require_known(session, at)
    except OutsideHistory as outside:
        raise InputInvalid(
            f"The history began at {_words(outside.began)}, after {_words(at)}.",
            remedy="Give a later time.",
        ) from None
    return at


def moment(words: str, now: datetime) -> datetime:
    """Read ISO 8601 (UTC by default; a date means its start), or `90m`, `2h`, `3 days ago`.

    Raises InputInvalid, also for a time in the future.
    """
    try:
        if ago := _AGO.fullmatch(words.strip()):
            at = now - timedelta(**{_UNITS[ago[2][0].lower()]: int(ago[1])})
        else:
            at = datetime.fromisoformat(words.strip())
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InputInvalid(
            f"{words!r} is not a time.",
            remedy="Write it as 2026-07-01T14:30, 2026-07-01, 90m, 2h or 3d.",
        ) from None
    if at > now:
        raise InputInvalid(f"{_words(at)} is in the future.", remedy="Give a past time, in UTC.")
    return at


def clock(session: Session) -> datetime:
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now


def _person(session: Session, name: str, at: datetime | None) -> int:
    """Find the person by the name as it was then, or if there was none, as it is today."""
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
    return ", ".join(names[:_MANY]) + (f" and {more} more (--json shows all)" if more > 0 else "")


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


def _words(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@contextmanager
def slack_asked() -> Iterator[None]:
    """Turn SlackUnavailable into a ServerUnavailable for the terminal."""
    try:
        yield
    except SlackUnavailable as error:
        why = "refused" if isinstance(error, SlackRefused) else "did not answer"
        raise ServerUnavailable(
            f"Slack {why} ({error}). Nothing was changed.",
            remedy="Check the connection with `ken doctor`, then run this command again.",
        ) from None


class Unknown(InputInvalid):
    """A person or a document that is not there, or that several are called."""


def not_found(kind: str, unknown: Unresolved, then: str = "") -> Unknown:
    """Return the error for a name with no match or several; `then` says at which time."""
    if unknown.found > 1:
        return Unknown(
            f"More than one {kind} is called {unknown.name!r}{then}.",
            remedy=f"Say which one by its source: SOURCE:{unknown.name}",
        )
    similar = ", ".join(unknown.similar)
    return Unknown(
        f"There is no {kind} {unknown.name!r}{then}.",
        remedy=f"Did you mean: {similar}?"
        if similar
        else "Check the spelling, or load it first with `ken load`.",
    )
