"""Re-checks posted answers: an answer that some reader may no longer read is withdrawn.

A review runs once for each reply after it was posted, since readers may have joined or lost access
meanwhile; for all answers after a change of permissions or texts; for a channel when Slack reports
a change there; and for each channel a few times a day, since Slack does not report everything. It
asks Slack for a channel's current readers each time. Changes are written into the outbox and pushed
to Slack, again at each turn until Slack has confirmed them. Doing anything twice is harmless.

A source whose permissions are too old is left out of new answers, but posted answers stay: its last
sync counts until the next. If a source is paused, its answers are withdrawn.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from policies import STRANGER, Audience, Class
from policies.audience import Account, Readers
from policies.directory import resolve_audience
from policies.explain import revoked, unreadable
from policies.tables.people import AccountKind
from policies.tables.questions import PostedChange
from workers.answering.audience import ChannelReaders, Rule, channel_readers
from workers.database.sessions import Database
from workers.database.statements import statement
from workers.errors import Busy, InputInvalid, SlackRefused, SlackUnavailable
from workers.intake.leases import question_session
from workers.intake.messages import Surface
from workers.observe import metrics
from workers.replies.outbox import Kind
from workers.replies.revisions import (
    LONG_REST_S,
    REST_MESSAGE,
    UNCONFIRMED,
    push_changes,
    push_to_slack,
    rest_after,
    revise,
)
from workers.services import Services
from workers.slack.messenger import Conversations, source_of_team

log = structlog.get_logger()

_TURN_S = 5.0
"""How long one turn reviews groups of readers; then changes are pushed, and the next
turn goes on."""
_GROUPS_AT_ONCE = 10
_HELD_S = 60.0
"""How long one worker keeps a channel from others."""
_AT_ONCE = 20
"""New replies in one turn."""


@dataclass(frozen=True, slots=True)
class _PostedAnswer:
    """A posted answer as it is recorded, without its text."""

    question_id: int
    kind: str
    key: str
    """Identifies its readers: equal readers have equal keys."""
    used: frozenset[int]
    versions: Mapping[str, str]


def review_all(services: Services) -> None:
    """Run one turn of the sweep. If nothing has changed, it costs one small query."""
    with services.database.session("ingress") as session:
        due = session.execute(_DUE, {"days": services.settings.review_days}).one()
    looked = due.new and _review_new(services)
    if due.changed:
        _review_by_readers(services)
    if looked or due.changed or due.unconfirmed:
        push_changes(services)


def review_channel(services: Services, channel_id: str) -> None:
    """Review the answers in this channel against the people who read it now.

    Raises SlackUnavailable, and Busy if another worker does the same; try again then. If Slack
    refuses to list the readers, the answers wait like new ones.
    """
    given = {"channel": channel_id, "days": services.settings.review_days}
    with services.database.session("ingress") as session:
        posted = session.execute(_IN_CHANNEL, given).all()
    for team_id in {one.team_id for one in posted}:
        here = [(one.question_id, one.kind) for one in posted if one.team_id == team_id]
        try:
            _review_in_channel(services, team_id, channel_id, here)
        except SlackRefused as refused:
            _put_off(services.database, here, LONG_REST_S, unread=True)
            log.warning("not_reviewed", channel_id=channel_id, error=str(refused))
    for question_id, kind in {(one.question_id, one.kind) for one in posted}:
        push_to_slack(services, question_id, kind)
    with services.database.session("ingress") as session:
        put_off = session.execute(_PUT_OFF_IN_CHANNEL, given).all()
    for one in put_off:  # Ken may be back from where it had been removed
        _leave(services.database, one.question_id, one.kind, 0.0)
        push_to_slack(services, one.question_id, one.kind)


def review_places_of(services: Services, team_id: str, user_id: str) -> None:
    """Review the places that this person can read, unless they are a full member; guests count one
    by one.

    Raises SlackUnavailable, Busy.
    """
    messenger = services.messenger_of(team_id)
    if messenger.profile(user_id).kind is AccountKind.MEMBER:
        return
    given = {"team": team_id, "days": services.settings.review_days}
    with services.database.session("ingress") as session:
        places = set(session.scalars(_PLACES, given))
    for channel_id in sorted(places & messenger.channels_of(user_id)):
        review_channel(services, channel_id)


def review_team(services: Services, team_id: str) -> None:
    """Schedule a review of all channels of a workspace that Ken lost or regained access to."""
    given = {"team": team_id, "days": services.settings.review_days}
    with services.database.session("ingress") as session:
        posted = session.execute(_IN_TEAM, given).all()
    _put_off(services.database, [(one.question_id, one.kind) for one in posted], 0.0, unread=True)


# -- each reply, once after it was posted ---------------------------------------------------------


def _review_new(services: Services) -> bool:
    """Review new replies: between the final check and the post, readers may have come or lost
    access.

    Returns False if nothing has changed for any of them and nothing was revised.
    """
    days = services.settings.review_days
    with services.database.session("ingress") as session:
        rows = session.execute(_NEW, {"limit": _AT_ONCE, "days": days}).all()
    stopped: set[str] = set()
    looked = False
    for row in rows:
        if row.team_id in stopped or not _needs_review(services, row):
            continue
        try:
            looked |= _review_one(services, row)
        except Busy:
            looked = True
        except SlackRefused as refused:  # its readers are unknown: it waits
            _leave(services.database, row.question_id, row.kind, LONG_REST_S)
            log.warning("not_reviewed", question_id=row.question_id, error=str(refused))
        except (SlackUnavailable, InputInvalid) as error:
            stopped.add(row.team_id)
            _leave(services.database, row.question_id, row.kind, rest_after(error))
            log.warning("not_reviewed", question_id=row.question_id, error=type(error).__name__)
    return looked


def _needs_review(services: Services, row: Row[Any]) -> bool:
    """Whether this worker has to review it; not if nothing has changed since its final check.

    Every change of permissions or texts takes an epoch. While the answer's epoch is the current
    one, and its readers do not depend on Slack, the check still holds. A notice needs no review.
    """
    given = {"id": row.question_id, "kind": row.kind, "days": services.settings.review_days}
    asked = {**given, "asked_of_slack": _is_asked_of_slack(row)}
    with question_session(services.database, row.question_id) as session:
        if session.execute(_REVIEW_UNCHANGED, asked).one_or_none() is not None:
            return False
        return session.execute(_TAKE, given).one_or_none() is not None


def _is_asked_of_slack(row: Row[Any]) -> bool:
    return bool(row.kind == Kind.CHANNEL and not Surface(row.surface).is_terminal)


def _review_one(services: Services, row: Row[Any]) -> bool:
    """Review one reply. Returns False if the check still holds, for the same readers."""
    database, here = services.database, [(row.question_id, row.kind)]
    if not _is_asked_of_slack(row):
        _withdraw_or_mark_outdated(database, _answers(database, here))
    else:
        there = _readers_there(services.messenger_of(row.team_id), database, row.channel_id)
        if _is_unchanged_for(database, row, there):
            return False
        _judge_for(database, there, _answers(database, here))
    _reviewed(database, here)
    return True


def _is_unchanged_for(database: Database, row: Row[Any], there: ChannelReaders) -> bool:
    """Whether nothing has changed since the final check, which included the people who read it now.

    That check also included the asker, in the channel or not; from now on only those who are there
    count. If so, it is marked as reviewed.
    """
    if there.readers is None:
        return False
    asker = Account(source_of_team(row.team_id), row.user_id)
    checked = there.readers | Readers(accounts=frozenset({asker}))
    given = {
        "id": row.question_id,
        "kind": row.kind,
        "checked": json.dumps(checked.to_json()),
        "there": json.dumps(there.readers.to_json()),
    }
    with question_session(database, row.question_id) as session:
        return session.execute(_REVIEW_UNCHANGED_FOR, given).one_or_none() is not None


# -- all of them, by their readers ----------------------------------------------------------------


def _review_by_readers(services: Services) -> None:
    """Continue the current review of all answers, or begin one; answers with equal readers go
    together.

    Workers share it: each takes a few groups at a time, under the row that records the progress.
    """
    until = time.monotonic() + _TURN_S
    with services.database.session("answerer") as session:
        session.execute(_BEGIN)
        at = session.execute(_AT).one()
    if at.now_at is None:
        return
    groups = [one for one in _groups(services, at.now_at) if one[0] > at.after]
    while groups:
        some, groups = groups[:_GROUPS_AT_ONCE], groups[_GROUPS_AT_ONCE:]
        if not _review_groups(services.database, some, at.now_at):
            return
        if groups and time.monotonic() > until:
            return
    with services.database.session("answerer") as session:
        session.execute(_END, {"pass": at.now_at})


def _groups(services: Services, now_at: int) -> list[tuple[str, list[int]]]:
    """Return each group of readers by key, with the ids of the answers that they read."""
    with services.database.session("ingress") as session:
        posted = session.execute(_POSTED, {"days": services.settings.review_days}).all()
    pairs = {"ids": [one.question_id for one in posted], "kinds": [one.kind for one in posted]}
    with services.database.session("answerer") as session:
        _act_as_reviewer(session)
        rows = session.execute(_GROUPS, {**pairs, "pass": now_at})
        return [(row.key, row.answers) for row in rows]


def _review_groups(
    database: Database, groups: Sequence[tuple[str, list[int]]], now_at: int
) -> bool:
    """Returns False if another worker is on it or has begun a new review; the next turn goes on."""
    with database.session("answerer") as holding:
        at = holding.execute(_HOLD).one_or_none()
        if at is None or at.now_at != now_at:
            return False
        try:
            for key, answers in groups:
                if key > at.after:
                    _review_group(database, key, answers)
        except Busy:
            return False
        holding.execute(_ADVANCE, {"after": groups[-1][0]})
    return True


def _review_group(database: Database, key: str, answers: list[int]) -> None:
    """Review one group. Answers whose readers changed meanwhile were reviewed by whoever changed
    them.
    """
    with database.session("answerer") as session:
        _act_as_reviewer(session)
        rows = session.execute(_ANSWERS_BY_ID, {"answers": answers}).all()
    _withdraw_or_mark_outdated(database, [_posted_answer(row) for row in rows if row.key == key])


# -- those of the channel that was not looked at for longest --------------------------------------


def review_oldest(services: Services) -> None:
    """Review the channel that was reviewed longest ago: Slack does not report every change of
    readers.

    One channel at a time, some seconds apart, because Slack limits our calls.
    """
    given = {"days": services.settings.review_days}
    with services.database.session("answerer") as session:
        if session.execute(_TAKE_TURN).one_or_none() is None:
            return
    with services.database.session("ingress") as session:
        oldest = session.execute(_OLDEST, given).one_or_none()
        if oldest is None:
            return
        place = {"channel": oldest.channel_id, "days": services.settings.review_days}
        posted = session.execute(_IN_CHANNEL, place).all()
    here = [(one.question_id, one.kind) for one in posted]
    if not _taken(services, oldest.question_id, oldest.kind):
        return
    _put_off(services.database, here, _HELD_S)  # for other workers
    try:
        review_channel(services, oldest.channel_id)
    except (SlackUnavailable, InputInvalid, Busy) as error:
        _put_off(services.database, here, rest_after(error))
        log.warning("not_reviewed", channel_id=oldest.channel_id, error=type(error).__name__)


# -- a channel's ----------------------------------------------------------------------------------


def _review_in_channel(
    services: Services, team_id: str, channel_id: str, here: Iterable[tuple[int, str]]
) -> None:
    """Ask Slack for the readers, withdraw what they may not read, and store the readers."""
    database, here = services.database, list(here)
    if given := _answers(database, here):
        there = _readers_there(services.messenger_of(team_id), database, channel_id)
        _judge_for(database, there, given)
    _reviewed(database, here)


def _judge_for(database: Database, there: ChannelReaders, given: Sequence[_PostedAnswer]) -> None:
    """Withdraw what somebody who reads there now may not read, and record the readers
    for the rest.
    """
    verdicts: Sequence[PostedChange | None] = [PostedChange.WITHDRAWN] * len(given)
    if there.readers is not None:
        verdicts = _judged(database, _resolved(database, there.readers), given)
    for one, verdict in zip(given, verdicts, strict=True):
        if verdict is not None:
            revise(database, one.question_id, one.kind, verdict)
    if there.rule is Rule.EMPTY:
        return
    readers = there.readers or Readers(strangers=True)
    audience = _resolved(database, readers)
    for one in given:
        _keep_readers(database, one, readers, audience)


def _readers_there(messenger: Conversations, database: Database, channel_id: str) -> ChannelReaders:
    """Raises SlackUnavailable, so that one failed call to Slack never withdraws an answer."""
    found = channel_readers(channel_id, messenger, database)
    if found.rule is Rule.UNLISTED:
        place = messenger.place(channel_id)
        if place.complete or place.unanswered:
            raise SlackUnavailable("members")
    return found


def _keep_readers(
    database: Database, given: _PostedAnswer, readers: Readers, audience: Audience
) -> None:
    with question_session(database, given.question_id) as session:
        kept = session.execute(
            _KEEP_READERS,
            {
                "id": given.question_id,
                "kind": given.kind,
                "key": given.key,
                "readers": json.dumps(readers.to_json()),
                "audience": list(audience.ids),
            },
        ).scalar_one_or_none()
    if kept is None:  # we cannot tell which list of readers is newer
        raise Busy


# -- what is wrong --------------------------------------------------------------------------------


def _withdraw_or_mark_outdated(database: Database, given: Sequence[_PostedAnswer]) -> None:
    """Review answers of equal readers. Raises Busy if the readers change meanwhile."""
    if not given:
        return
    with question_session(database, given[0].question_id) as session:
        stored = session.execute(
            _READERS, {"id": given[0].question_id, "kind": given[0].kind}
        ).one()
    if stored.key != given[0].key:
        raise Busy
    # An old record without readers.
    readers = Readers.from_json(stored.readers) if stored.readers else Readers()
    audience = _resolved(database, readers) if stored.readers else Audience.of(stored.audience)
    verdicts = _judged(database, audience, given)
    milder = verdicts
    lost = STRANGER in audience.ids and STRANGER not in stored.audience
    if lost and Class.MEMBERS in readers.classes and PostedChange.WITHDRAWN in verdicts:
        milder = _judged(database, Audience.of(set(audience.ids) - {STRANGER}), given)
    for one, verdict, without in zip(given, verdicts, milder, strict=True):
        if verdict is not without:  # Slack knows whether they are a guest
            with question_session(database, one.question_id) as session:
                session.execute(_IS_NEXT, {"id": one.question_id, "kind": one.kind})
        elif verdict is not None:
            revise(database, one.question_id, one.kind, verdict)


def _resolved(database: Database, readers: Readers) -> Audience:
    with database.session("answerer") as session:
        return resolve_audience(session, readers)


def _judged(
    database: Database, audience: Audience, given: Sequence[_PostedAnswer]
) -> list[PostedChange | None]:
    """Decide for each answer, in one snapshot; two independent checks must agree."""
    used = frozenset[int]().union(*(one.used for one in given))
    with database.reading_for(audience) as session:
        hashes = {
            row.id: row.content_hash for row in session.execute(_VISIBLE, {"ids": list(used)})
        }
        refused = revoked(session, audience, used)
        if hashes.keys() != used - refused:
            late = unreadable(session, audience, used) - refused
            if hashes.keys() != used - refused - late:
                metrics.LAYERS_DISAGREE.labels("after_post").inc()
                log.error("layers_disagree", layer="after_post")
            refused |= used - hashes.keys() - late
    return [_verdict(one, refused, hashes) for one in given]


def _verdict(
    given: _PostedAnswer, refused: set[int], hashes: Mapping[int, str]
) -> PostedChange | None:
    if given.used & refused:
        return PostedChange.WITHDRAWN
    now = {str(document_id): each for document_id, each in hashes.items()}
    if any(now.get(document_id, was) != was for document_id, was in given.versions.items()):
        return PostedChange.OUTDATED
    return None


# -- reading and writing --------------------------------------------------------------------------


def _answers(database: Database, pairs: Iterable[tuple[int, str]]) -> list[_PostedAnswer]:
    """Return the recorded answers of these replies; a notice has none."""
    listed = list(pairs)
    given = {"ids": [one for one, _ in listed], "kinds": [kind for _, kind in listed]}
    with database.session("answerer") as session:
        _act_as_reviewer(session)
        return [_posted_answer(row) for row in session.execute(_ANSWERS, given)]


def _posted_answer(row: Row[Any]) -> _PostedAnswer:
    return _PostedAnswer(row.question_id, row.kind, row.key, frozenset(row.used), row.versions)


def _act_as_reviewer(session: Session) -> None:
    """Let row-level security show which documents answers used (no text), for this transaction."""
    session.execute(text("SELECT set_config('ken.mending', 'on', true)"))


def _taken(services: Services, question_id: int, kind: str) -> bool:
    with question_session(services.database, question_id) as session:
        given = {"id": question_id, "kind": kind, "days": services.settings.review_days}
        taken = session.execute(_TAKE, given)
        return taken.scalar_one_or_none() is not None


def _reviewed(database: Database, replies: Iterable[tuple[int, str]]) -> None:
    for question_id, kind in replies:
        with question_session(database, question_id) as session:
            session.execute(_REVIEWED, {"id": question_id, "kind": kind})


def _put_off(
    database: Database, replies: Iterable[tuple[int, str]], rest_s: float, *, unread: bool = False
) -> None:
    """Put off their review; `unread` as if they had never been reviewed."""
    for question_id, kind in replies:
        with question_session(database, question_id) as session:
            given = {"id": question_id, "kind": kind, "rest_s": rest_s, "unread": unread}
            session.execute(_PUT_OFF, given)


def _leave(database: Database, question_id: int, kind: str, rest_s: float) -> None:
    with question_session(database, question_id) as session:
        session.execute(REST_MESSAGE, {"id": question_id, "kind": kind, "rest_s": rest_s})


_IS_NEW = """
    state = 'posted' AND reviewed_at IS NULL AND mend_at <= now()
    AND posted_at > now() - make_interval(secs => 86400 * :days)
"""
_IS_OLD = """
    state = 'posted' AND kind = 'channel' AND reviewed_at < now() - interval '6 hours'
    AND mend_at <= now() AND (outbox.revision IS NULL OR outbox.revision = 'outdated')
    AND posted_at > now() - make_interval(secs => 86400 * :days)
"""
_STANDS = """
    outbox.state = 'posted' AND (outbox.revision IS NULL OR outbox.revision = 'outdated')
    AND kind IN ('channel', 'direct') AND posted_at > now() - make_interval(secs => 86400 * :days)
"""
_KEY = """
    md5(readers::text || CASE WHEN readers = '{}' THEN audience::text ELSE '' END) COLLATE "C"
"""

_PAIRS = """
    answer JOIN unnest(CAST(:ids AS bigint[]), CAST(:kinds AS text[])) AS wanted (question_id, kind)
        USING (question_id, kind)
"""


def _sql(words: str) -> TextClause:
    """Make a statement, filling in the parts that several share."""
    return statement(
        words,
        is_new=_IS_NEW,
        is_old=_IS_OLD,
        unconfirmed=UNCONFIRMED,
        stands=_STANDS,
        key=_KEY,
        pairs=_PAIRS,
    )


# `pass` is a review under way; its worker may have died.
_DUE = _sql("""
    SELECT pass IS NOT NULL OR done < (SELECT value FROM epoch) AS changed,
           EXISTS (SELECT FROM outbox WHERE {is_new}) AS new,
           EXISTS (SELECT FROM outbox WHERE {unconfirmed}) AS unconfirmed
    FROM mending
""")

_NEW = _sql("""
    SELECT question_id, kind, team_id, channel_id, user_id, surface
    FROM (SELECT question_id, kind, mend_at FROM outbox WHERE {is_new}
          ORDER BY mend_at, question_id LIMIT :limit) AS due
    JOIN question ON question.id = question_id
    ORDER BY mend_at, question_id
""")

# A worker that takes it and dies blocks it for this long. Changes to push do not wait.
_TAKE = _sql("""
    UPDATE outbox SET mend_at = CASE WHEN revision IS NULL OR revised_at IS NOT NULL
        THEN now() + interval '60 seconds' ELSE mend_at END
    WHERE question_id = :id AND kind = :kind AND ({is_new} OR {is_old})
    RETURNING id
""")

_TAKE_TURN = text("""
    UPDATE mending SET asked_at = now() WHERE asked_at < now() - interval '4 seconds'
    RETURNING asked_at
""")

# The channel that was reviewed longest ago.
_OLDEST = _sql("""
    SELECT question_id, kind, channel_id
    FROM (SELECT question_id, kind, reviewed_at FROM outbox WHERE {is_old}) AS old
    JOIN question ON question.id = question_id
    WHERE surface <> :terminal
    ORDER BY reviewed_at, question_id LIMIT 1
""").bindparams(terminal=Surface.TERMINAL)

_PLACES = _sql("""
    SELECT DISTINCT question.channel_id
    FROM question JOIN outbox ON question_id = question.id
    WHERE team_id = :team AND surface <> :terminal AND kind = 'channel' AND {stands}
""").bindparams(terminal=Surface.TERMINAL)

_IN_TEAM = _sql("""
    SELECT question_id, kind
    FROM question JOIN outbox ON question_id = question.id
    WHERE team_id = :team AND surface <> :terminal AND kind = 'channel' AND {stands}
    ORDER BY question_id
""").bindparams(terminal=Surface.TERMINAL)

_PUT_OFF = text("""
    UPDATE outbox SET mend_at = now() + make_interval(secs => :rest_s),
                      reviewed_at = CASE WHEN :unread THEN NULL ELSE reviewed_at END
    WHERE question_id = :id AND kind = :kind
      AND (revision IS NULL OR revised_at IS NOT NULL)
""")

# Makes its channel one of the next to review (`review_oldest`).
_IS_NEXT = text("""
    UPDATE outbox SET reviewed_at = now() - interval '1 day'
    WHERE question_id = :id AND kind = :kind
""")

_REVIEWED = text("UPDATE outbox SET reviewed_at = now() WHERE question_id = :id AND kind = :kind")

# A notice has no recorded answer, and cannot be withdrawn.
_REVIEW_UNCHANGED = _sql("""
    UPDATE outbox SET reviewed_at = now()
    WHERE question_id = :id AND kind = :kind AND {is_new} AND NOT EXISTS (
        SELECT FROM answer WHERE answer.question_id = :id AND answer.kind = :kind
        AND (:asked_of_slack OR epoch <> (SELECT value FROM epoch)))
    RETURNING id
""")

# Like `_KEEP_READERS`; the current readers were all part of the final check.
_REVIEW_UNCHANGED_FOR = text("""
    WITH kept AS (
        UPDATE answer SET readers = CAST(:there AS jsonb)
        WHERE question_id = :id AND kind = :kind AND readers = CAST(:checked AS jsonb)
          AND epoch = (SELECT value FROM epoch)
        RETURNING id)
    UPDATE outbox SET reviewed_at = now()
    WHERE question_id = :id AND kind = :kind AND EXISTS (SELECT FROM kept)
    RETURNING id
""")

_BEGIN = text("""
    UPDATE mending SET pass = (SELECT value FROM epoch), after = ''
    WHERE pass IS NULL AND done < (SELECT value FROM epoch)
""")

_AT = text("SELECT pass AS now_at, after FROM mending")

_HOLD = text(f"{_AT.text} FOR UPDATE SKIP LOCKED")

_ADVANCE = text("UPDATE mending SET after = greatest(after, :after)")

_END = text("UPDATE mending SET done = pass, pass = NULL, after = '' WHERE pass = :pass")

_POSTED = _sql("SELECT question_id, kind FROM outbox WHERE {stands}")

_IN_CHANNEL = _sql("""
    SELECT question_id, kind, team_id
    FROM question JOIN outbox ON question_id = question.id
    WHERE question.channel_id = :channel AND surface <> :terminal AND kind = 'channel'
      AND {stands}
    ORDER BY question_id
""").bindparams(terminal=Surface.TERMINAL)

_PUT_OFF_IN_CHANNEL = text("""
    SELECT question_id, kind
    FROM question JOIN outbox ON question_id = question.id
    WHERE question.channel_id = :channel AND (kind = 'channel' OR kind LIKE 'channel/%')
      AND outbox.state = 'posted' AND outbox.revision IS NOT NULL AND revised_at IS NULL
      AND mend_at > now() AND posted_at > now() - make_interval(secs => 86400 * :days)
    ORDER BY question_id, kind
""")

# An answer whose final check had this epoch or a later one is still right.
_GROUPS = _sql("""
    SELECT {key} AS key, array_agg(id) AS answers FROM {pairs}
    WHERE epoch < :pass GROUP BY 1 ORDER BY 1
""")

_ANSWERS = _sql("SELECT question_id, kind, {key} AS key, used, versions FROM {pairs}")

_ANSWERS_BY_ID = _sql("""
    SELECT question_id, kind, {key} AS key, used, versions FROM answer WHERE id = ANY(:answers)
""")

_READERS = _sql("""
    SELECT {key} AS key, readers, audience FROM answer WHERE question_id = :id AND kind = :kind
""")

# `readers` are the current ones; `audience` keeps everybody who could have seen it.
_KEEP_READERS = _sql("""
    UPDATE answer SET readers = CAST(:readers AS jsonb), audience = ARRAY(
        SELECT DISTINCT unnest(audience || CAST(:audience AS bigint[])) ORDER BY 1)
    WHERE question_id = :id AND kind = :kind AND {key} = :key
    RETURNING id
""")

# By row-level security alone: rows that are not visible do not appear.
_VISIBLE = text("SELECT id, content_hash FROM document WHERE id = ANY(:ids)")
