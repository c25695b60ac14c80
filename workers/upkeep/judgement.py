"""Judges posted answers: may everybody who reads one still read the documents it used?

Works on the recorded answers, without their text. `review.py` says when an answer is judged, and
for which readers; what becomes of it is written into the outbox.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Row, TextClause, text
from sqlalchemy.orm import Session

from policies import STRANGER, Audience, Class
from policies.audience import Readers
from policies.directory import resolve_audience
from policies.explain import revoked, unreadable
from policies.tables.questions import PostedChange
from workers.answering.audience import ChannelReaders, Rule
from workers.database.sessions import Database
from workers.database.statements import statement
from workers.errors import Busy
from workers.intake.leases import question_session
from workers.observe import metrics
from workers.replies.revisions import revise

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class PostedAnswer:
    """A posted answer as it is recorded, without its text."""

    question_id: int
    kind: str
    key: str
    """Identifies its readers: equal readers have equal keys."""
    used: frozenset[int]
    versions: Mapping[str, str]


def recorded_answers(database: Database, pairs: Iterable[tuple[int, str]]) -> list[PostedAnswer]:
    """Return the recorded answers of these replies; a notice has none."""
    with database.session("answerer") as session:
        _act_as_reviewer(session)
        return [_posted_answer(row) for row in session.execute(_READ_ANSWERS, _as_arrays(pairs))]


def groups_of_readers(
    database: Database, pairs: Iterable[tuple[int, str]], epoch: int
) -> list[tuple[str, list[int]]]:
    """Return each group of readers by key, with the ids of the answers they read that were checked
    before this epoch.
    """
    with database.session("answerer") as session:
        _act_as_reviewer(session)
        rows = session.execute(_GROUP_BY_READERS, {**_as_arrays(pairs), "epoch": epoch})
        return [(row.key, row.answers) for row in rows]


def answers_in_group(database: Database, key: str, answer_ids: Sequence[int]) -> list[PostedAnswer]:
    """Return these answers, without those whose readers are no longer the group's."""
    with database.session("answerer") as session:
        _act_as_reviewer(session)
        rows = session.execute(_READ_ANSWERS_BY_ID, {"answers": list(answer_ids)}).all()
    return [_posted_answer(row) for row in rows if row.key == key]


def _as_arrays(pairs: Iterable[tuple[int, str]]) -> dict[str, list[Any]]:
    listed = list(pairs)
    return {"ids": [one for one, _ in listed], "kinds": [kind for _, kind in listed]}


def _posted_answer(row: Row[Any]) -> PostedAnswer:
    return PostedAnswer(row.question_id, row.kind, row.key, frozenset(row.used), row.versions)


def _act_as_reviewer(session: Session) -> None:
    """Let row-level security show which documents answers used (no text), for this transaction."""
    session.execute(text("SELECT set_config('ken.mending', 'on', true)"))


def judge_for(database: Database, there: ChannelReaders, given: Sequence[PostedAnswer]) -> None:
    """Withdraw what somebody who reads there now may not read; store the readers of the rest."""
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
        _store_readers(database, one, readers, audience)


def judge_by_stored_readers(database: Database, given: Sequence[PostedAnswer]) -> None:
    """Judge answers of equal readers by the readers that are recorded, resolved as of now.

    A recorded reader may have lost the link since; in a public channel only guests count one by
    one, and only Slack knows who is a guest. If that alone would withdraw an answer, its channel is
    reviewed next instead. Raises Busy if the readers change meanwhile.
    """
    if not given:
        return
    with question_session(database, given[0].question_id) as session:
        stored = session.execute(
            _READ_READERS, {"id": given[0].question_id, "kind": given[0].kind}
        ).one()
    if stored.key != given[0].key:
        raise Busy
    if stored.readers:
        readers = Readers.from_json(stored.readers)
        audience = _resolved(database, readers)
    else:  # an old record has only the audience
        readers, audience = Readers(), Audience.of(stored.audience)
    verdicts = _judged(database, audience, given)
    without_stranger = verdicts
    is_link_lost = STRANGER in audience.ids and STRANGER not in stored.audience
    if is_link_lost and Class.MEMBERS in readers.classes and PostedChange.WITHDRAWN in verdicts:
        known = Audience.of(set(audience.ids) - {STRANGER})
        without_stranger = _judged(database, known, given)
    for one, verdict, milder in zip(given, verdicts, without_stranger, strict=True):
        if verdict is not milder:
            with question_session(database, one.question_id) as session:
                session.execute(_REVIEW_CHANNEL_NEXT, {"id": one.question_id, "kind": one.kind})
        elif verdict is not None:
            revise(database, one.question_id, one.kind, verdict)


def _resolved(database: Database, readers: Readers) -> Audience:
    with database.session("answerer") as session:
        return resolve_audience(session, readers)


def _judged(
    database: Database, audience: Audience, given: Sequence[PostedAnswer]
) -> list[PostedChange | None]:
    """Decide for each answer, in one snapshot; two independent checks must agree."""
    used = frozenset[int]().union(*(one.used for one in given))
    with database.reading_for(audience) as session:
        hashes = {
            row.id: row.content_hash
            for row in session.execute(_READ_VISIBLE_HASHES, {"ids": list(used)})
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
    given: PostedAnswer, refused: set[int], hashes: Mapping[int, str]
) -> PostedChange | None:
    if given.used & refused:
        return PostedChange.WITHDRAWN
    now = {str(document_id): each for document_id, each in hashes.items()}
    if any(now.get(document_id, was) != was for document_id, was in given.versions.items()):
        return PostedChange.OUTDATED
    return None


def _store_readers(
    database: Database, given: PostedAnswer, readers: Readers, audience: Audience
) -> None:
    with question_session(database, given.question_id) as session:
        kept = session.execute(
            _STORE_READERS,
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


# Equal for equal readers; an old record without readers goes by its audience.
_KEY = """
    md5(readers::text || CASE WHEN readers = '{}' THEN audience::text ELSE '' END) COLLATE "C"
"""

# The recorded answers of the given replies.
_PAIRS = """
    answer JOIN unnest(CAST(:ids AS bigint[]), CAST(:kinds AS text[])) AS wanted (question_id, kind)
        USING (question_id, kind)
"""


def _sql(words: str) -> TextClause:
    """Make a statement, filling in the parts that several share."""
    return statement(words, key=_KEY, pairs=_PAIRS)


# Groups answers by their readers. An answer whose final check had this epoch or a later one is
# still right.
_GROUP_BY_READERS = _sql("""
    SELECT {key} AS key, array_agg(id) AS answers FROM {pairs}
    WHERE epoch < :epoch GROUP BY 1 ORDER BY 1
""")

# Reads the recorded answers of replies.
_READ_ANSWERS = _sql("SELECT question_id, kind, {key} AS key, used, versions FROM {pairs}")

# Reads recorded answers by their own ids.
_READ_ANSWERS_BY_ID = _sql("""
    SELECT question_id, kind, {key} AS key, used, versions FROM answer WHERE id = ANY(:answers)
""")

# Reads who reads an answer, as recorded.
_READ_READERS = _sql("""
    SELECT {key} AS key, readers, audience FROM answer WHERE question_id = :id AND kind = :kind
""")

# Stores the current readers of an answer, unless they were changed meanwhile; `audience` keeps
# everybody who could have seen it.
_STORE_READERS = _sql("""
    UPDATE answer SET readers = CAST(:readers AS jsonb), audience = ARRAY(
        SELECT DISTINCT unnest(audience || CAST(:audience AS bigint[])) ORDER BY 1)
    WHERE question_id = :id AND kind = :kind AND {key} = :key
    RETURNING id
""")

# Reads the text hashes of documents. By row-level security alone: rows that are not visible do not
# appear.
_READ_VISIBLE_HASHES = text("SELECT id, content_hash FROM document WHERE id = ANY(:ids)")

# Makes its channel one of the next to review (`review_oldest`).
_REVIEW_CHANNEL_NEXT = text("""
    UPDATE outbox SET reviewed_at = now() - interval '1 day'
    WHERE question_id = :id AND kind = :kind
""")
