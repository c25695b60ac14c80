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
from collections.abc import Iterable, Sequence
from typing import Any

import structlog
from sqlalchemy import Row, TextClause, text

from policies.audience import Account, Readers
from policies.tables.people import AccountKind
from workers.answering.audience import ChannelReaders, Rule, channel_readers
from workers.database.sessions import Database
from workers.database.statements import statement
from workers.errors import Busy, InputInvalid, SlackRefused, SlackUnavailable
from workers.intake.leases import question_session
from workers.intake.messages import Surface
from workers.replies.outbox import Kind
from workers.replies.revisions import (
    LONG_REST_S,
    REST_MESSAGE,
    UNCONFIRMED,
    push_changes,
    push_to_slack,
    rest_after,
)
from workers.services import Services
from workers.slack.messenger import Conversations, source_of_team
from workers.upkeep.judgement import (
    answers_in_group,
    groups_of_readers,
    judge_by_stored_readers,
    judge_for,
    recorded_answers,
)

log = structlog.get_logger()

_TURN_S = 5.0
"""How long one turn reviews groups of readers; then changes are pushed, and the next
turn goes on."""
_GROUPS_AT_ONCE = 10
_HELD_S = 60.0
"""How long one worker keeps a channel from others."""
_AT_ONCE = 20
"""New replies in one turn."""


def review_all(services: Services) -> None:
    """Run one turn of the sweep. If nothing has changed, it costs one small query."""
    with services.database.session("ingress") as session:
        due = session.execute(_READ_DUE, {"days": services.settings.review_days}).one()
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
        posted = session.execute(_READ_REPLIES_IN_CHANNEL, given).all()
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
        put_off = session.execute(_READ_PUT_OFF_IN_CHANNEL, given).all()
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
        places = set(session.scalars(_READ_CHANNELS_OF_TEAM, given))
    for channel_id in sorted(places & messenger.channels_of(user_id)):
        review_channel(services, channel_id)


def review_team(services: Services, team_id: str) -> None:
    """Schedule a review of all channels of a workspace that Ken lost or regained access to."""
    given = {"team": team_id, "days": services.settings.review_days}
    with services.database.session("ingress") as session:
        posted = session.execute(_READ_REPLIES_IN_TEAM, given).all()
    _put_off(services.database, [(one.question_id, one.kind) for one in posted], 0.0, unread=True)


# -- each reply, once after it was posted ---------------------------------------------------------


def _review_new(services: Services) -> bool:
    """Review new replies: between the final check and the post, readers may have come or lost
    access.

    Returns False if nothing has changed for any of them and nothing was revised.
    """
    days = services.settings.review_days
    with services.database.session("ingress") as session:
        rows = session.execute(_READ_NEW_REPLIES, {"limit": _AT_ONCE, "days": days}).all()
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
        if session.execute(_MARK_UNCHANGED, asked).one_or_none() is not None:
            return False
        return session.execute(_TAKE_REPLY, given).one_or_none() is not None


def _is_asked_of_slack(row: Row[Any]) -> bool:
    return bool(row.kind == Kind.CHANNEL and not Surface(row.surface).is_outside_slack)


def _review_one(services: Services, row: Row[Any]) -> bool:
    """Review one reply. Returns False if the check still holds, for the same readers."""
    database, here = services.database, [(row.question_id, row.kind)]
    if not _is_asked_of_slack(row):
        judge_by_stored_readers(database, recorded_answers(database, here))
    else:
        there = _readers_there(services.messenger_of(row.team_id), database, row.channel_id)
        if _is_unchanged_for(database, row, there):
            return False
        judge_for(database, there, recorded_answers(database, here))
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
        return session.execute(_MARK_UNCHANGED_FOR_READERS, given).one_or_none() is not None


# -- all of them, by their readers ----------------------------------------------------------------


def _review_by_readers(services: Services) -> None:
    """Continue the current review of all answers, or begin one; answers with equal readers go
    together.

    Workers share it: each takes a few groups at a time, under the row that records the progress.
    """
    until = time.monotonic() + _TURN_S
    with services.database.session("answerer") as session:
        session.execute(_BEGIN_REVIEW)
        at = session.execute(_READ_PROGRESS).one()
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
        session.execute(_END_REVIEW, {"pass": at.now_at})


def _groups(services: Services, now_at: int) -> list[tuple[str, list[int]]]:
    """Return each group of readers by key, with the ids of the answers to review for them."""
    with services.database.session("ingress") as session:
        posted = session.execute(
            _READ_POSTED_REPLIES, {"days": services.settings.review_days}
        ).all()
    replies = [(one.question_id, one.kind) for one in posted]
    return groups_of_readers(services.database, replies, now_at)


def _review_groups(
    database: Database, groups: Sequence[tuple[str, list[int]]], now_at: int
) -> bool:
    """Review some groups.

    Returns False if another worker is on it or has begun a new review; the next turn goes on.
    """
    with database.session("answerer") as holding:
        at = holding.execute(_HOLD_PROGRESS).one_or_none()
        if at is None or at.now_at != now_at:
            return False
        try:
            for key, answers in groups:
                if key > at.after:
                    _review_group(database, key, answers)
        except Busy:
            return False
        holding.execute(_ADVANCE_PROGRESS, {"after": groups[-1][0]})
    return True


def _review_group(database: Database, key: str, answers: list[int]) -> None:
    """Review one group. Answers whose readers changed meanwhile were reviewed when they changed."""
    judge_by_stored_readers(database, answers_in_group(database, key, answers))


# -- the channel that was reviewed longest ago ----------------------------------------------------


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
        oldest = session.execute(_READ_OLDEST_CHANNEL, given).one_or_none()
        if oldest is None:
            return
        place = {"channel": oldest.channel_id, "days": services.settings.review_days}
        posted = session.execute(_READ_REPLIES_IN_CHANNEL, place).all()
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
    if given := recorded_answers(database, here):
        there = _readers_there(services.messenger_of(team_id), database, channel_id)
        judge_for(database, there, given)
    _reviewed(database, here)


def _readers_there(messenger: Conversations, database: Database, channel_id: str) -> ChannelReaders:
    """Raises SlackUnavailable, so that one failed call to Slack never withdraws an answer."""
    found = channel_readers(channel_id, messenger, database)
    if found.rule is Rule.UNLISTED:
        place = messenger.place(channel_id)
        if place.complete or place.unanswered:
            raise SlackUnavailable("members")
    return found


# -- reading and writing --------------------------------------------------------------------------


def _taken(services: Services, question_id: int, kind: str) -> bool:
    with question_session(services.database, question_id) as session:
        given = {"id": question_id, "kind": kind, "days": services.settings.review_days}
        taken = session.execute(_TAKE_REPLY, given)
        return taken.scalar_one_or_none() is not None


def _reviewed(database: Database, replies: Iterable[tuple[int, str]]) -> None:
    for question_id, kind in replies:
        with question_session(database, question_id) as session:
            session.execute(_MARK_REVIEWED, {"id": question_id, "kind": kind})


def _put_off(
    database: Database, replies: Iterable[tuple[int, str]], rest_s: float, *, unread: bool = False
) -> None:
    """Put off their review; `unread` as if they had never been reviewed."""
    for question_id, kind in replies:
        with question_session(database, question_id) as session:
            given = {"id": question_id, "kind": kind, "rest_s": rest_s, "unread": unread}
            session.execute(_PUT_OFF_REVIEW, given)


def _leave(database: Database, question_id: int, kind: str, rest_s: float) -> None:
    with question_session(database, question_id) as session:
        session.execute(REST_MESSAGE, {"id": question_id, "kind": kind, "rest_s": rest_s})


# A reply that was not reviewed since it was posted.
_IS_NEW = """
    state = 'posted' AND reviewed_at IS NULL AND mend_at <= now()
    AND posted_at > now() - make_interval(secs => 86400 * :days)
"""
# A reply in a channel that was not reviewed for hours, and can still be withdrawn.
_IS_OLD = """
    state = 'posted' AND kind = 'channel' AND reviewed_at < now() - interval '6 hours'
    AND mend_at <= now() AND (outbox.revision IS NULL OR outbox.revision = 'outdated')
    AND posted_at > now() - make_interval(secs => 86400 * :days)
"""
# An answer, not yet withdrawn or deleted, that is young enough to be reviewed.
_STANDS = """
    outbox.state = 'posted' AND (outbox.revision IS NULL OR outbox.revision = 'outdated')
    AND kind IN ('channel', 'direct') AND posted_at > now() - make_interval(secs => 86400 * :days)
"""


def _sql(words: str) -> TextClause:
    """Make a statement, filling in the parts that several share."""
    return statement(
        words,
        is_new=_IS_NEW,
        is_old=_IS_OLD,
        unconfirmed=UNCONFIRMED,
        stands=_STANDS,
    )


# Reads which work is due. `pass` is a review under way; its worker may have died.
_READ_DUE = _sql("""
    SELECT pass IS NOT NULL OR done < (SELECT value FROM epoch) AS changed,
           EXISTS (SELECT FROM outbox WHERE {is_new}) AS new,
           EXISTS (SELECT FROM outbox WHERE {unconfirmed}) AS unconfirmed
    FROM mending
""")

# Reads the replies that were not reviewed since they were posted, those due longest first.
_READ_NEW_REPLIES = _sql("""
    SELECT question_id, kind, team_id, channel_id, user_id, surface
    FROM (SELECT question_id, kind, mend_at FROM outbox WHERE {is_new}
          ORDER BY mend_at, question_id LIMIT :limit) AS due
    JOIN question ON question.id = question_id
    ORDER BY mend_at, question_id
""")

# Takes a reply for review. A worker that takes it and dies blocks it for this long; changes to push
# do not wait.
_TAKE_REPLY = _sql("""
    UPDATE outbox SET mend_at = CASE WHEN revision IS NULL OR revised_at IS NOT NULL
        THEN now() + interval '60 seconds' ELSE mend_at END
    WHERE question_id = :id AND kind = :kind AND ({is_new} OR {is_old})
    RETURNING id
""")

# Takes the turn to review a channel, which comes every few seconds for all workers together.
_TAKE_TURN = text("""
    UPDATE mending SET asked_at = now() WHERE asked_at < now() - interval '4 seconds'
    RETURNING asked_at
""")

# Reads the channel that was reviewed longest ago.
_READ_OLDEST_CHANNEL = _sql("""
    SELECT question_id, kind, channel_id
    FROM (SELECT question_id, kind, reviewed_at FROM outbox WHERE {is_old}) AS old
    JOIN question ON question.id = question_id
    WHERE surface <> :terminal
    ORDER BY reviewed_at, question_id LIMIT 1
""").bindparams(terminal=Surface.TERMINAL)

# Reads the channels of a workspace in which an answer stands.
_READ_CHANNELS_OF_TEAM = _sql("""
    SELECT DISTINCT question.channel_id
    FROM question JOIN outbox ON question_id = question.id
    WHERE team_id = :team AND surface <> :terminal AND kind = 'channel' AND {stands}
""").bindparams(terminal=Surface.TERMINAL)

# Reads the answers that stand in the channels of a workspace.
_READ_REPLIES_IN_TEAM = _sql("""
    SELECT question_id, kind
    FROM question JOIN outbox ON question_id = question.id
    WHERE team_id = :team AND surface <> :terminal AND kind = 'channel' AND {stands}
    ORDER BY question_id
""").bindparams(terminal=Surface.TERMINAL)

# Puts off the review of a reply, unless a change to it still has to be pushed.
_PUT_OFF_REVIEW = text("""
    UPDATE outbox SET mend_at = now() + make_interval(secs => :rest_s),
                      reviewed_at = CASE WHEN :unread THEN NULL ELSE reviewed_at END
    WHERE question_id = :id AND kind = :kind
      AND (revision IS NULL OR revised_at IS NOT NULL)
""")

# Marks a reply as reviewed now.
_MARK_REVIEWED = text(
    "UPDATE outbox SET reviewed_at = now() WHERE question_id = :id AND kind = :kind"
)

# Marks a reply as reviewed if nothing has changed since its final check. A notice has no recorded
# answer, and cannot be withdrawn.
_MARK_UNCHANGED = _sql("""
    UPDATE outbox SET reviewed_at = now()
    WHERE question_id = :id AND kind = :kind AND {is_new} AND NOT EXISTS (
        SELECT FROM answer WHERE answer.question_id = :id AND answer.kind = :kind
        AND (:asked_of_slack OR epoch <> (SELECT value FROM epoch)))
    RETURNING id
""")

# Stores the current readers of an answer and marks it as reviewed, if nothing has changed since its
# final check; all of these readers were part of that check.
_MARK_UNCHANGED_FOR_READERS = text("""
    WITH kept AS (
        UPDATE answer SET readers = CAST(:there AS jsonb)
        WHERE question_id = :id AND kind = :kind AND readers = CAST(:checked AS jsonb)
          AND epoch = (SELECT value FROM epoch)
        RETURNING id)
    UPDATE outbox SET reviewed_at = now()
    WHERE question_id = :id AND kind = :kind AND EXISTS (SELECT FROM kept)
    RETURNING id
""")

# Begins a review of all answers if something changed since the last one and none is under way.
_BEGIN_REVIEW = text("""
    UPDATE mending SET pass = (SELECT value FROM epoch), after = ''
    WHERE pass IS NULL AND done < (SELECT value FROM epoch)
""")

# Reads how far the review of all answers has come.
_READ_PROGRESS = text("SELECT pass AS now_at, after FROM mending")

# The same, and keeps other workers from it.
_HOLD_PROGRESS = text(f"{_READ_PROGRESS.text} FOR UPDATE SKIP LOCKED")

# Records up to which group of readers the review of all answers has come.
_ADVANCE_PROGRESS = text("UPDATE mending SET after = greatest(after, :after)")

# Ends the review of all answers, unless another was begun meanwhile.
_END_REVIEW = text("UPDATE mending SET done = pass, pass = NULL, after = '' WHERE pass = :pass")

# Reads all answers that stand.
_READ_POSTED_REPLIES = _sql("SELECT question_id, kind FROM outbox WHERE {stands}")

# Reads the answers that stand in a channel.
_READ_REPLIES_IN_CHANNEL = _sql("""
    SELECT question_id, kind, team_id
    FROM question JOIN outbox ON question_id = question.id
    WHERE question.channel_id = :channel AND surface <> :terminal AND kind = 'channel'
      AND {stands}
    ORDER BY question_id
""").bindparams(terminal=Surface.TERMINAL)

# Reads the replies in a channel with a change that Slack has not confirmed and that waits.
_READ_PUT_OFF_IN_CHANNEL = text("""
    SELECT question_id, kind
    FROM question JOIN outbox ON question_id = question.id
    WHERE question.channel_id = :channel AND (kind = 'channel' OR kind LIKE 'channel/%')
      AND outbox.state = 'posted' AND outbox.revision IS NOT NULL AND revised_at IS NULL
      AND mend_at > now() AND posted_at > now() - make_interval(secs => 86400 * :days)
    ORDER BY question_id, kind
""")
