"""From a question to its answer. Read this first.

The steps: who will read the answer; the best passages that all of them may read; a draft by the
model; the sentences that passages support; a final check that all readers may read it right now;
posting.
"""

import time
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import text

from policies.directory import resolve_audience
from policies.explain import unreadable
from policies.tables.questions import QuestionState
from workers.answering.asked import (
    below_question,
    leading_to_asker,
    named_thread,
    with_names,
)
from workers.answering.audience import asker_readers, audience_of, is_private
from workers.answering.checking import checked_in
from workers.answering.composing import Composed, compose_for, is_unclear, words_for_nothing
from workers.answering.drafting import Waiting
from workers.answering.follow_up import lacks_subject
from workers.answering.limits import RateLimit, may_speak_unasked, rate_limit
from workers.answering.progress import Progress, shown
from workers.answering.record import Basis, record_answer
from workers.answering.spending import Payer
from workers.answering.talk import reply_to_request, reply_to_talk
from workers.errors import AnswerWithdrawn, SlackBusy, SlackRefused
from workers.intake.leases import Leased, question_session, require_lease
from workers.intake.messages import Question
from workers.models.wishes import Wishes
from workers.observe import metrics, tracing
from workers.observe.crashpoints import crashpoint
from workers.people import language, memory
from workers.people.linking import AskedByApp, identify_asker
from workers.replies import rendering as say
from workers.replies.outbox import (
    Existing,
    Kind,
    deliver,
    deliver_if_missing,
    existing_reply,
    kinds_of,
    missing_parts,
    put,
    put_and_deliver,
)
from workers.replies.rendering import Reply
from workers.services import Services
from workers.slack.messenger import Said
from workers.wording.text import gettext, speaking

log = structlog.get_logger()

_LONGEST_WAIT_S = 5.0
"""How long a worker waits for Slack; if Slack asks for more, the question is put back."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a question ended, and the reason if no reply was posted."""

    state: QuestionState
    reason: str | None = None


def answer(services: Services, leased: Leased) -> Ended:
    """Answer where it was asked if all readers there may read the answer, else in private.

    Raises AssistantError for a failure that is reported to the asker, and LeaseLost.
    """
    leased = with_names(services, leased)
    question = leased.question
    kinds = places_of(question)
    first = kinds[0]
    wishes = language.wishes_of(services, question)
    match rate_limit(services, leased):
        case RateLimit.JUST_EXCEEDED if not question.surface.is_unasked:
            return _say(services, leased, first, wishes, say.LIMITED, reason="limited")
        case RateLimit.JUST_EXCEEDED | RateLimit.EXCEEDED:
            return Ended(QuestionState.ABSTAINED, "limited")
    talk = reply_to_talk(question.text, leased.id, follows=_follows(question))
    if question.surface.is_unasked:
        if talk is not None:
            return Ended(QuestionState.ABSTAINED, "talk")
        return _answer_unasked(services, leased, wishes)
    try:
        with speaking(language.of_reply(question, first, wishes)):
            words = identify_asker(services, question, private=first is Kind.DIRECT)
    except AskedByApp:
        return Ended(QuestionState.ABSTAINED, "asked_by_app")
    crashpoint("met")
    words = words or _remember(services, question, first) or talk
    if words is None and lacks_subject(question.text):
        before = _said_before(services, question)
        words = say.UNCLEAR if is_unclear(question, before) else None
    if words is not None:
        return _say(services, leased, first, wishes, words)
    return _answer_first(services, leased, kinds, wishes)


def _remember(services: Services, question: Question, first: Kind) -> str | None:
    """Remember or forget what the asker says, in private alone; None if they asked neither."""
    wish = memory.wish_in(question.text)
    surface = question.surface
    if wish is None or surface.is_quiet or not (surface.takes_wishes and question.is_in_own_words):
        return None
    if first is not Kind.DIRECT:
        return memory.IN_PRIVATE
    return memory.fulfil(services, question.team_id, question.user_id, wish)


def places_of(question: Question) -> tuple[Kind, ...]:
    """Return where it may be answered, in this order."""
    kinds = kinds_of(question)
    # a request to do something never opens a direct message
    return kinds if reply_to_request(question.text) is None else kinds[:1]


def _answer_first(
    services: Services, leased: Leased, kinds: tuple[Kind, ...], wishes: Wishes
) -> Ended:
    """Answer in the first of these places where its readers may read the answer."""
    question = leased.question
    for kind in kinds:
        if question.surface.is_share and kind is Kind.DIRECT:
            return _say(services, leased, kind, wishes, say.CANNOT_SHARE)
        if ended := _end_in(services, leased, kind, wishes):
            return ended
    return Ended(QuestionState.ABSTAINED)


def _say(
    services: Services,
    leased: Leased,
    kind: Kind,
    wishes: Wishes,
    words: str,
    *,
    reason: str | None = None,
) -> Ended:
    if _existing(services, leased, kind) is Existing.NOTHING:
        with speaking(language.of_reply(leased.question, kind, wishes)):
            _post(services, leased, kind, say.notice(words))
    return Ended(QuestionState.ABSTAINED, reason)


def _answer_unasked(services: Services, leased: Leased, wishes: Wishes) -> Ended:
    """Answer a question that was not addressed to Ken, or stay silent."""
    if not may_speak_unasked(services, leased.question):
        return Ended(QuestionState.ABSTAINED, "limited")
    ended = _end_in(services, leased, Kind.CHANNEL, wishes)
    return ended or Ended(QuestionState.ABSTAINED)


def _existing(services: Services, leased: Leased, kind: Kind) -> Existing:
    """Return what an earlier worker has posted; NOTHING if there was none."""
    return Existing.NOTHING if leased.is_first else existing_reply(services, leased, kind)


def _end_in(services: Services, leased: Leased, kind: Kind, wishes: Wishes) -> Ended | None:
    """Return how the question ends if it is answered or asked back there now, by an earlier worker
    or by this one; None if there is nothing to say there.
    """
    match _existing(services, leased, kind):
        case Existing.NOTHING:
            with speaking(language.of_reply(leased.question, kind, wishes)):
                return _reply(services, leased, kind, wishes)
        case Existing.ANSWER:
            _finish_parts(services, leased, kind)
            return Ended(QuestionState.ANSWERED)
        case Existing.ASKED_BACK:
            return Ended(QuestionState.ABSTAINED, "asked_back")
        case Existing.NOTICE:
            return None


def _reply(services: Services, leased: Leased, kind: Kind, wishes: Wishes) -> Ended | None:
    """Compose, check and post. Returns None if it was no answer and asks nothing back."""
    for _attempt in range(2):
        with shown(services, leased, kind) as progress:
            composed = _compose(services, leased, kind, wishes, progress)
        if not composed.reply.lines and not composed.reply.pages:
            _post_nothing(services, leased, kind, composed)
            return None
        if _check_and_post(services, leased, kind, composed):
            return _ended(composed.reply)
        metrics.ANSWERS_REBUILT.inc()
        log.warning("answer_rebuilt", question_id=leased.id)
    raise AnswerWithdrawn


def _ended(reply: Reply) -> Ended | None:
    if reply.asks_back:
        return Ended(QuestionState.ABSTAINED, "asked_back")
    return Ended(QuestionState.ANSWERED) if reply.lines else None


def _compose(
    services: Services, leased: Leased, kind: Kind, wishes: Wishes, progress: Progress
) -> Composed:
    question = leased.question
    readers = audience_of(services, question, kind)
    crashpoint("audience_known")
    if readers is None:
        return Composed(Reply(""))
    before = _said_before(services, question)
    limited = question.surface.is_limited
    payer = Payer(leased.id, question.team_id, question.user_id, is_limited=limited)
    waiting = Waiting(payer, leased.asked_at, services.settings.deadline_s)
    return compose_for(
        services, question, kind, readers, before, wishes, progress=progress, waiting=waiting
    )


def _follows(question: Question) -> bool:
    """Whether something was said before it in its thread."""
    return bool(question.earlier) or question.thread_ts not in ("", question.message_ts)


def _said_before(services: Services, question: Question) -> list[Said]:
    """Return what people wrote in the thread before; Ken's own answers are never context (threat
    13).
    """
    if question.earlier:
        return [Said("", said, "") for said in question.earlier]
    if not question.surface.reads_thread or not _follows(question):
        return []
    try:
        before = services.messenger_of(question.team_id).said_before(
            question.channel_id, question.thread_ts, question.message_ts
        )
        return named_thread(services, question, before)
    except SlackRefused as refused:  # then the question has to stand for itself
        log.info("thread_not_read", error=type(refused).__name__)
        return []


def _post_nothing(services: Services, leased: Leased, kind: Kind, composed: Composed) -> None:
    """Reply without an answer, in the same words whatever exists that these readers may
    not read.
    """
    question = leased.question
    if question.surface.is_quiet:
        return
    reply = words_for_nothing(question, kind)
    if reply_to_request(question.text) is not None:
        _post(services, leased, kind, reply)
    elif kind is Kind.CHANNEL:
        _post(services, leased, kind, leading_to_asker(services, question, reply))
    else:
        nothing = replace(reply, understood=composed.reply.understood)
        reply = _noted(nothing, composed)
        _post(services, leased, kind, reply, buttons=_buttons(services, leased, kind))


def _check_and_post(services: Services, leased: Leased, kind: Kind, composed: Composed) -> bool:
    """Check and post; False if some of the audience may no longer read it.

    Nothing is posted on a check made before a wait: if Slack asks us to wait, we check again after
    it. An answer that is posted in part is not written again; its posted parts are withdrawn by
    their own record.
    """
    noted = _noted(composed.reply, composed)
    parts = say.parts(below_question(services, leased.question, kind, noted))
    for wait_left_s in (_LONGEST_WAIT_S, 0.0):
        if not _still_readable(services, leased, kind, composed):
            if existing_reply(services, leased, kind) is Existing.ANSWER:
                raise AnswerWithdrawn
            return False
        try:
            _post_parts(services, leased, kind, parts)
        except SlackBusy as busy:
            if (busy.retry_after_s or 0.0) > wait_left_s:
                raise
            time.sleep(busy.retry_after_s or 0.0)
        else:
            return True
    return False


def _post_parts(services: Services, leased: Leased, kind: Kind, parts: list[Reply]) -> None:
    """Write all parts down before the first is posted; the buttons are below the last."""
    buttons = [None] * (len(parts) - 1) + [_buttons(services, leased, kind)]
    for number in range(2, len(parts) + 1):
        at = number - 1
        put(services, leased, kind, parts[at], buttons[at], part=number)
    put_and_deliver(services, leased, kind, parts[0], buttons[0])
    for number in range(2, len(parts) + 1):
        deliver(services, leased, kind, part=number)


def _finish_parts(services: Services, leased: Leased, kind: Kind) -> None:
    """Complete a long answer that an earlier worker posted in part, after a new check."""
    missing = missing_parts(services, leased, kind)
    if not missing:
        return
    resolved = audience_of(services, leased.question, kind)
    with question_session(services.database, leased.id) as session:
        used = session.scalar(_READ_USED_DOCUMENTS, {"id": leased.id, "kind": kind})
    if resolved is None or used is None:
        raise AnswerWithdrawn
    with services.database.reading_for(resolved.audience) as session:
        if unreadable(session, resolved.audience, used):
            raise AnswerWithdrawn
    for part in missing:
        deliver_if_missing(services, leased, kind, part)


def _buttons(services: Services, leased: Leased, kind: Kind) -> say.Buttons:
    question = leased.question
    in_channel = kind is Kind.CHANNEL and not is_private(question)
    beside_a_channel = kind is Kind.DIRECT and not is_private(question)
    return say.Buttons(
        question_id=leased.id,
        share=beside_a_channel and question.surface.is_addressed,
        private=in_channel,
        person=bool(services.settings.people_channel),
        mute=in_channel,
    )


def _noted(reply: Reply, composed: Composed) -> Reply:
    """Add the note that a source is out of date, without naming it (docs/permissions.md)."""
    if not composed.out_of_date:
        return reply
    return replace(reply, note=f"{reply.note} {gettext(say.SOURCE_OUT_OF_DATE)}".strip())


def _still_readable(services: Services, leased: Leased, kind: Kind, composed: Composed) -> bool:
    """Make the final check: every document of the prompt, against the audience as it is now.

    Readers and permissions are read again; if the check passes, the answer is recorded.
    """
    with tracing.span("check", kind=str(kind)) as at:
        passed = _check(services, leased, kind, composed)
        at.set(passed=passed)
    metrics.FINAL_CHECKS.labels("passed" if passed else "refused").inc()
    crashpoint("checked")
    return passed


def _check(services: Services, leased: Leased, kind: Kind, composed: Composed) -> bool:
    resolved = audience_of(services, leased.question, kind)
    if resolved is None:
        return False
    audience = resolved.audience
    if composed.only_for not in (None, audience):
        return False
    with services.database.reading_for(audience) as session:
        checked = checked_in(session, audience, composed.used)
        if checked.refused:
            return False
        alone = audience if kind is Kind.DIRECT else None
        asker_id = (alone or resolve_audience(session, asker_readers(leased.question))).ids[0]
    with question_session(services.database, leased.id) as session:
        require_lease(session, leased)
        record_answer(
            session,
            leased.id,
            kind,
            Basis(
                asker_id=asker_id or None,
                audience=audience,
                readers=resolved.readers,
                checked=checked,
                used=composed.used,
                cited=composed.cited,
                model=composed.model or services.answerer.name,
                dropped=composed.dropped,
            ),
        )
    return True


def _post(
    services: Services,
    leased: Leased,
    kind: Kind,
    reply: Reply,
    *,
    buttons: say.Buttons | None = None,
) -> None:
    below = below_question(services, leased.question, kind, reply)
    put_and_deliver(services, leased, kind, below, buttons)


# Reads the documents that an answer used.
_READ_USED_DOCUMENTS = text("SELECT used FROM answer WHERE question_id = :id AND kind = :kind")
