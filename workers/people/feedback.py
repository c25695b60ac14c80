"""Feedback on answers, and how it reaches administrators; and asking a person for help."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import structlog
from sqlalchemy import text

from policies import readable_documents
from policies.audience import Account
from policies.tables.content import Document
from policies.tables.people import UserStatus
from workers.errors import InputInvalid, SlackRefused
from workers.intake.leases import question_session, stored_question
from workers.intake.messages import Question, StoredErrand
from workers.people import language
from workers.people.reading import reading_as, require_agreement
from workers.replies.blocks import Json, rich_text, section
from workers.replies.inert import elements, inert, inert_excerpt, link
from workers.replies.rendering import escaped, notice, person_request
from workers.services import Services
from workers.slack.marks import own_words
from workers.slack.messenger import (
    Conversations,
    Message,
    Messenger,
    Names,
    PlaceKind,
    Posted,
    Posts,
    source_of_team,
)
from workers.wording.mark import N_
from workers.wording.text import speaking

log = structlog.get_logger()

VERDICTS = frozenset({"good", "bad", "not_asked", "wrong"})
_WORD = re.compile(r"[a-z_]{1,32}")
_FOR_ADMINS = frozenset({"wrong", "outdated"})
_LARGEST_ID = 2**63 - 1
_LONGEST_COMMENT, _LONGEST_QUESTION, _LONGEST_NAME, _LONGEST_TITLE = 2000, 1000, 100, 200

CALLED = N_(
    "I have passed your question on to colleagues, in the channel that your company has set up for "
    "this. Someone there will get back to you."
)
NOT_YOURS = N_(
    "I can pass on only questions in your own words. Please ask it yourself, then use the button "
    "below my answer."
)
NOBODY_TO_CALL = N_(
    "There is no channel set up for reaching a person, so I sent nothing. Your administrator can "
    "set one up."
)
NOT_CALLED = N_(
    "I could not post in the channel for reaching a person, so nothing was sent. Please tell your "
    "administrator."
)
_WRONG = "A colleague says that one of my answers is wrong or out of date."
_NO_WORDS = "(no text)"
_NOT_SHOWN = "(not shown: someone else wrote it, where not everyone can read)"
_NO_TITLE = "none"
_TO_THE_ANSWER = "Go to the answer"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, and where its answers are."""

    id: int
    question: Question
    answers: tuple[tuple[str, str, str], ...]
    """Kind, channel and ts of each posted message."""
    cited: tuple[int, ...]

    def is_by(self, errand: StoredErrand) -> bool:
        return (self.question.team_id, self.question.user_id) == (errand.team_id, errand.user_id)

    @property
    def in_channel(self) -> Posted | None:
        """The answer that everybody in the channel can read."""
        for kind, channel_id, message_ts in self.answers:
            if kind == "channel" and not channel_id.startswith("D"):
                return Posted(channel_id, message_ts)
        return None


@dataclass(frozen=True, slots=True)
class _Feedback:
    verdict: str
    reason: str
    comment: str

    @property
    def for_admins(self) -> bool:
        return self.verdict == "wrong" or self.reason in _FOR_ADMINS


class _Stored(Enum):
    """Result of storing a person's feedback."""

    NEW = "new"
    REPORTED_BEFORE = "reported before"
    """Administrators already have a message about this person and this answer."""
    SUPERSEDED = "superseded"
    """The same person has sent newer feedback."""


def store_feedback(services: Services, errand: StoredErrand) -> None:
    """Store a person's feedback on an answer that they can have seen; the latest counts.

    If it says that the answer is wrong or out of date, administrators get a message. Raises
    SlackUnavailable.
    """
    asked, feedback = _asked(services, errand), _feedback_in(errand)
    if asked is None or feedback is None or not (asked.is_by(errand) or asked.in_channel):
        log.warning("feedback_refused", errand_id=errand.id)
        return
    stored = _store(services, errand, asked, feedback)
    if stored is _Stored.SUPERSEDED:
        return
    log.info(
        "feedback_kept", question_id=asked.id, verdict=feedback.verdict, reason=feedback.reason
    )
    if feedback.for_admins:
        _tell_admins(
            services,
            errand,
            asked,
            feedback,
            look=stored is _Stored.REPORTED_BEFORE or errand.attempts > 1,
        )


def call_person(services: Services, errand: StoredErrand) -> None:
    """Ask in the channel for people, and tell the person who pressed the button what happened.

    Nothing of the answer is posted there. Raises SlackUnavailable.
    """
    asked = _asked(services, errand)
    if asked is None:
        log.warning("call_refused", errand_id=errand.id)
        return
    messenger = services.messenger_of(errand.team_id)
    channel_id = ""
    if not _may_pass_on(messenger, errand, asked):
        log.warning("call_refused", errand_id=errand.id)
        words = NOT_YOURS
    elif not services.settings.people_channel:
        words = NOBODY_TO_CALL
    elif channel_id := _call(services, messenger, errand, asked):
        words = CALLED
    else:
        words = NOT_CALLED
    number = None if words == NOT_YOURS else asked.id
    chosen = language.of_account(services, errand.team_id, errand.user_id, asked.question.text)
    with speaking(chosen):
        payload = notice(words, question_id=number).payload()
    if channel_id:
        payload["blocks"].append(_where(channel_id))
    message = Message(payload["text"], payload["blocks"], f"errand:{errand.id}/{errand.user_id}")
    _tell(
        messenger,
        errand.user_id,
        message,
        since=asked.question.message_ts,
        look=errand.attempts > 1,
    )


# -- the question that it is about ---------------------------------------------------------------


def _asked(services: Services, errand: StoredErrand) -> _Asked | None:
    """Return the question; None if there is none with this id that came from Slack."""
    question_id = errand.details.get("question_id")
    if type(question_id) is not int or not 0 < question_id <= _LARGEST_ID:
        return None
    with question_session(services.database, question_id) as session:
        question = stored_question(session, question_id)
        if (
            question is None
            or question.surface.is_outside_slack
            or question.team_id != errand.team_id
        ):
            return None
        answers = session.execute(_POSTED_MESSAGES, {"id": question_id}).all()
        cited = session.scalars(_CITED_DOCUMENTS, {"id": question_id}).all()
    question = replace(question, text=own_words(question.text))
    return _Asked(question_id, question, tuple(map(tuple, answers)), tuple(cited))


def _feedback_in(errand: StoredErrand) -> _Feedback | None:
    verdict = errand.details.get("verdict")
    reason, comment = errand.details.get("reason") or "", errand.details.get("comment") or ""
    given = (verdict, reason, comment)
    if not all(isinstance(one, str) for one in given) or verdict not in VERDICTS:
        return None
    if reason and not _WORD.fullmatch(reason):
        return None
    return _Feedback(verdict, reason, comment[:_LONGEST_COMMENT])


def _store(services: Services, errand: StoredErrand, asked: _Asked, feedback: _Feedback) -> _Stored:
    """Store the feedback, unless the same person has sent newer feedback on this answer."""
    with question_session(services.database, asked.id) as session:
        was_reported = session.execute(
            _STORE_FEEDBACK,
            {
                "question": asked.id,
                "team": errand.team_id,
                "user": errand.user_id,
                "verdict": feedback.verdict,
                "reason": feedback.reason,
                "comment": feedback.comment,
                "errand": errand.id,
            },
        ).scalar_one_or_none()
    if was_reported is None:
        return _Stored.SUPERSEDED
    return _Stored.REPORTED_BEFORE if was_reported else _Stored.NEW


# -- for administrators --------------------------------------------------------------------------


def _tell_admins(
    services: Services, errand: StoredErrand, asked: _Asked, feedback: _Feedback, *, look: bool
) -> None:
    """Send each administrator the feedback, with only the documents that this one may read.

    Further feedback from the same person on the same answer updates that message.
    """
    messenger = services.messenger_of(errand.team_id)
    name = _name(messenger, errand.user_id)
    words = asked.question.text if _may_pass_on(messenger, errand, asked) else _NOT_SHOWN
    reached = False
    for admin in dict.fromkeys(services.settings.admins):
        try:
            if _is_inactive(services, errand.team_id, admin):
                continue
            link = _link_for(messenger, errand.team_id, admin, asked)
            titles = _titles_for(services, errand.team_id, admin, asked.cited)
            payload = _report(
                asked.id, feedback, name=name, words=words, titles=titles, address=link
            )
            mark = f"feedback:{asked.id}/{errand.user_id}/{admin}"
            message = Message(payload["text"], payload["blocks"], mark)
            _tell(messenger, admin, message, since=asked.question.message_ts, look=look)
            reached = True
        except SlackRefused as refused:
            log.warning("admin_not_told", errand_id=errand.id, error=type(refused).__name__)
    if reached:
        with question_session(services.database, asked.id) as session:
            whose = {"team": errand.team_id, "user": errand.user_id}
            session.execute(_MARK_REPORTED, {"question": asked.id, **whose})


def _titles_for(
    services: Services, team_id: str, user_id: str, document_ids: Sequence[int]
) -> list[str]:
    with reading_as(services, team_id, user_id) as (session, audience):
        rows = session.execute(
            readable_documents(audience)
            .with_only_columns(Document.id, Document.title)
            .where(Document.id.in_(document_ids))
            .order_by(Document.title)
        ).all()
        require_agreement(session, audience, [row.id for row in rows])
    return [
        title
        for title in (inert_excerpt(row.title, _LONGEST_TITLE, hosts=True) for row in rows)
        if title
    ]


def _link_for(messenger: Messenger, team_id: str, user_id: str, asked: _Asked) -> str:
    """Return the answer's address if this person can open it; empty if not."""
    if asked.in_channel is None:
        return ""
    place = messenger.place(asked.in_channel.channel_id)
    is_there = Account(source_of_team(team_id), user_id) in place.members
    if not is_there and (place.kind is not PlaceKind.PUBLIC or not place.complete):
        return ""
    return _permalink(messenger, asked.in_channel)


def _report(
    question_id: int,
    feedback: _Feedback,
    *,
    name: str,
    words: str,
    titles: Sequence[str],
    address: str,
) -> Json:
    rows = {
        "From": name,
        "Verdict": feedback.verdict.replace("_", " "),
        "Reason": feedback.reason.replace("_", " "),
        "Comment": inert_excerpt(feedback.comment, _LONGEST_COMMENT, hosts=True),
        "Question": inert_excerpt(words, _LONGEST_QUESTION, hosts=True) or _NO_WORDS,
        "Documents behind the answer that you may read": "; ".join(titles) or _NO_TITLE,
    }
    lead = f"{_WRONG} (question {question_id})"
    lines = [f"{what}: {shown}" for what, shown in rows.items() if shown]
    sections = [section(elements(one)) for one in (lead, *lines)]
    if address:
        shown = link(address, _TO_THE_ANSWER)
        sections.append({"type": "rich_text_section", "elements": [shown]})
    return {
        "text": escaped("\n".join([lead, *map(inert, lines)])),
        "blocks": [rich_text(sections)],
    }


def _is_inactive(services: Services, team_id: str, user_id: str) -> bool:
    """Whether the account belongs to a user who is not active."""
    given = {"source": source_of_team(team_id), "user": user_id}
    with services.database.session("answerer") as session:
        status = session.scalar(_READ_STATUS, given)
    return status is not None and status != UserStatus.ACTIVE


# -- for people ----------------------------------------------------------------------------------


def _may_pass_on(messenger: Conversations, errand: StoredErrand, asked: _Asked) -> bool:
    """Whether it may be passed on: their own words, or words that everybody in the company can
    read.
    """
    if asked.is_by(errand) and asked.question.is_in_own_words:
        return True
    if asked.in_channel is None:
        return False
    place = messenger.place(asked.in_channel.channel_id)
    return place.kind is PlaceKind.PUBLIC and place.complete and not place.external


def _call(services: Services, messenger: Messenger, errand: StoredErrand, asked: _Asked) -> str:
    """Post in the channel for people; return its id, or empty if it cannot be used."""
    settings = services.settings
    try:
        channel_id = messenger.find_channel(settings.people_channel)
        if messenger.place(channel_id).external:
            log.error("people_channel_unusable", reason="shared with another company")
            return ""
        mark = (
            f"person:{asked.id}/{errand.user_id}"  # who presses again, and who comes after a crash
        )
        if messenger.find(channel_id, "", mark, since=asked.question.message_ts):
            return channel_id
        with speaking(language.of_words(asked.question.text)):
            payload = person_request(
                asked.question.text,
                errand.user_id,
                _conversation(messenger, asked),
                usergroup_id=settings.people_group,
            )
        messenger.post(channel_id, "", Message(payload["text"], payload["blocks"], mark))
    except (InputInvalid, SlackRefused) as error:
        log.error("people_channel_unusable", reason=type(error).__name__)
        return ""
    return channel_id


def _where(channel_id: str) -> Json:
    channel = {"type": "channel", "channel_id": channel_id}
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [channel]}]}


def _conversation(messenger: Posts, asked: _Asked) -> str:
    """Return where others can continue the conversation; empty for a direct message."""
    return _permalink(messenger, asked.in_channel) if asked.in_channel else ""


# -- both ----------------------------------------------------------------------------------------


def _tell(messenger: Posts, user_id: str, message: Message, *, since: str, look: bool) -> None:
    """Send it once; if it may have been sent before, read the conversation back first."""
    if look and (found := messenger.find_direct(user_id, message.mark, since=since)):
        messenger.update(found[0], message)
        return
    messenger.post_direct(user_id, message)


def _permalink(messenger: Posts, posted: Posted) -> str:
    try:
        return messenger.permalink(posted)
    except SlackRefused:  # it was deleted
        return ""


def _name(messenger: Names, user_id: str) -> str:
    try:
        return inert_excerpt(messenger.profile(user_id).name, _LONGEST_NAME) or user_id
    except SlackRefused:
        return user_id


# Returns what was posted for a question, and where.
_POSTED_MESSAGES = text("""
    SELECT kind, channel_id, message_ts FROM outbox
    WHERE question_id = :id AND state = 'posted' ORDER BY id
""")

# Returns the documents that its answers cite.
_CITED_DOCUMENTS = text("SELECT DISTINCT unnest(cited) FROM answer WHERE question_id = :id")

# Stores a person's latest feedback on an answer; returns whether administrators were informed of it
# before, or nothing if newer feedback is stored.
_STORE_FEEDBACK = text("""
    INSERT INTO feedback (question_id, team_id, user_id, verdict, reason, comment, errand_id)
    VALUES (:question, :team, :user, :verdict, :reason, :comment, :errand)
    ON CONFLICT (question_id, team_id, user_id) DO UPDATE
    SET verdict = excluded.verdict, reason = excluded.reason, comment = excluded.comment,
        at = now(), errand_id = excluded.errand_id
    WHERE feedback.errand_id <= excluded.errand_id
    RETURNING told_at IS NOT NULL
""")

# Records that administrators have a message about this person and answer.
_MARK_REPORTED = text("""
    UPDATE feedback SET told_at = now()
    WHERE question_id = :question AND team_id = :team AND user_id = :user
""")

# Returns the status of the user whom an account is linked to.
_READ_STATUS = text("""
    SELECT status FROM identity JOIN source ON source.id = source_id
    JOIN user_account ON user_account.id = user_id
    WHERE source.name = :source AND native_id = :user
""")
