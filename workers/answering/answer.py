"""From a question to its answer. Read this first.

Who will read it -> the best passages of what all of them may read -> a draft -> what of the
draft is supported -> once more: may all of them read it, as of now -> post.
"""

import time
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from policies import Audience, current_epoch
from policies.directory import resolve_audience
from policies.explain import unreadable
from policies.models import QuestionState
from workers.answering import reply as say
from workers.answering.audience import asker, audience_of, is_private
from workers.answering.prompt import VERSION
from workers.answering.reply import Reply
from workers.answering.retrieval import retrieve
from workers.answering.verify import verify
from workers.crashpoints import reached
from workers.errors import AnswerWithdrawn, LayersDisagree, SlackBusy
from workers.linking import meet
from workers.models.base import Passage
from workers.ops import metrics, tracing
from workers.outbox import Kind, deliver, put, settle
from workers.questions import Leased, at_work, still_mine
from workers.services import Services

log = structlog.get_logger()

_LONGEST_WAIT_S = 5.0
"""For Slack, in a worker's hand; where it asks for more, the question is put back."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A reply, and everything that it may have been derived from."""

    reply: Reply
    passages: tuple[Passage, ...] = ()
    """In the order of the prompt, all of them: the model saw each."""
    dropped: int = 0
    """Sentences of the draft that no passage supported."""
    out_of_date: bool = False
    """A source was left out, because its permissions are too old."""

    @property
    def used(self) -> list[int]:
        return sorted({passage.document_id for passage in self.passages})


def answer(leased: Leased, services: Services) -> QuestionState:
    """Answer where it was asked, if all who read there may read the answer; else in private.

    Raises AssistantError for what the asker should hear of, and LeaseLost.
    """
    private = is_private(leased.question, services)
    words = meet(leased.question, services, private=private)
    reached("met")
    if words is not None:
        return _say(leased, services, Kind.DIRECT if private else Kind.CHANNEL, words)
    for kind in (Kind.DIRECT,) if private else (Kind.CHANNEL, Kind.DIRECT):
        told = settle(services, leased, kind)  # a worker before us may have got this far
        if told is None:
            told = _reply(leased, services, kind)
        if told:
            return QuestionState.ANSWERED
    return QuestionState.ABSTAINED


def _say(leased: Leased, services: Services, kind: Kind, words: str) -> QuestionState:
    if settle(services, leased, kind) is None:
        _post(leased, services, kind, say.notice(words))
    return QuestionState.ABSTAINED


def _reply(leased: Leased, services: Services, kind: Kind) -> bool:
    """Compose, check and post. True: an answer; False: the constant sentence."""
    for _attempt in range(2):
        audience = audience_of(leased.question, kind, services)
        reached("audience_known")
        composed = Composed(Reply(""))
        if audience is not None:
            composed = compose_answer(leased.question.text, audience, services)
        if not composed.reply.lines:
            words = say.NOTHING_FOUND if kind is Kind.DIRECT else say.ANSWERED_PRIVATELY
            told = say.notice(words)
            _post(leased, services, kind, _noted(told, composed) if kind is Kind.DIRECT else told)
            return False
        if _check_and_post(leased, services, kind, composed):
            return True
        metrics.ANSWERS_REBUILT.inc()
        log.warning("answer_rebuilt", question_id=leased.id)
    raise AnswerWithdrawn


def _check_and_post(leased: Leased, services: Services, kind: Kind, composed: Composed) -> bool:
    """False: not all of the audience may read it any more. Nothing is posted that was checked
    before a wait: where Slack asks for a moment, the check comes again after it."""
    for wait_left_s in (_LONGEST_WAIT_S, 0.0):
        if not _still_readable(leased, services, kind, composed):
            return False
        try:
            _post(leased, services, kind, _noted(composed.reply, composed))
            return True
        except SlackBusy as busy:
            if (busy.retry_after_s or 0.0) > wait_left_s:
                raise
            time.sleep(busy.retry_after_s or 0.0)
    return False


def compose_answer(question: str, audience: Audience, services: Services) -> Composed:
    """What can be said to this audience; a reply without lines if that is nothing.

    The session is closed before the model is called. Raises LayersDisagree, ModelUnavailable.
    """
    with tracing.span("retrieve") as at:
        vector = services.embedder.embed_one(question)
        with services.database.reading_for(audience) as session:
            passages = retrieve(
                session,
                audience,
                question,
                vector,
                model=services.embedder.name,
                limit=services.settings.passages_per_answer,
            )
            if unreadable(session, audience, {passage.document_id for passage in passages}):
                metrics.LAYERS_DISAGREE.labels("before_prompt").inc()
                log.error("layers_disagree", layer="before_prompt")
                raise LayersDisagree
            out_of_date = session.scalars(_OUT_OF_DATE).one()
        at.set(passages=len(passages))
    reached("passages_read")
    if not passages:
        return Composed(Reply(""), out_of_date=out_of_date)
    with tracing.span("model", model=services.answerer.name):
        draft = services.answerer.write(question, passages)
    reached("model_answered")
    with tracing.span("verify") as at:
        verified = verify(draft, passages)
        at.set(dropped=verified.dropped)
    metrics.SENTENCES_DROPPED.inc(verified.dropped)
    reply = say.compose(verified.sentences, passages)
    return Composed(reply, passages, verified.dropped, out_of_date)


def _noted(reply: Reply, composed: Composed) -> Reply:
    """People are told that a source is out of date, not which (design, section 4)."""
    return replace(reply, note=say.SOURCE_OUT_OF_DATE) if composed.out_of_date else reply


def _still_readable(leased: Leased, services: Services, kind: Kind, composed: Composed) -> bool:
    """The final check: every document of the prompt, against the audience as it is now.

    A fresh look at who reads there and a fresh snapshot; passed, the answer goes on record.
    """
    with tracing.span("check", kind=str(kind)) as at:
        passed = _check(leased, services, kind, composed)
        at.set(passed=passed)
    metrics.FINAL_CHECKS.labels("passed" if passed else "refused").inc()
    reached("checked")
    return passed


def _check(leased: Leased, services: Services, kind: Kind, composed: Composed) -> bool:
    audience = audience_of(leased.question, kind, services)
    if audience is None:
        return False
    with services.database.reading_for(audience) as session:
        epoch = current_epoch(session)
        by_row_security = set(session.scalars(_VISIBLE, {"ids": composed.used}))
        refused = unreadable(session, audience, composed.used)
        if by_row_security != set(composed.used) - refused:
            metrics.LAYERS_DISAGREE.labels("before_post").inc()
            log.error("layers_disagree", layer="before_post", question_id=leased.id)
            raise LayersDisagree
        if refused:
            return False
        asker_id = resolve_audience(session, asker(leased.question)).ids[0]
    with at_work(services.database, leased.id) as session:
        still_mine(session, leased)
        session.execute(
            _RECORD,
            {
                "question_id": leased.id,
                "kind": kind,
                "asker_id": asker_id or None,
                "audience": list(audience.ids),
                "epoch": epoch,
                "used": composed.used,
                "cited": _cited(composed),
                "model": services.answerer.name,
                "prompt_version": VERSION,
                "verdicts": {"dropped_sentences": composed.dropped, "final_check": "passed"},
            },
        )
    return True


def _cited(composed: Composed) -> list[int]:
    named = {citation.document for citation in composed.reply.citations}
    return sorted({p.document_id for p in composed.passages if p.document in named})


def _post(leased: Leased, services: Services, kind: Kind, reply: Reply) -> None:
    put(services, leased, kind, reply)
    deliver(services, leased, kind)


# Of no document: whoever asks, and whatever there is, the answer is the same.
_OUT_OF_DATE = text("""
    SELECT EXISTS (SELECT FROM source WHERE NOT paused AND max_staleness IS NOT NULL
                   AND (synced_at IS NULL OR synced_at < now() - max_staleness))
""")

# Through row-level security alone: what is not visible is not there.
_VISIBLE = text("SELECT id FROM document WHERE id = ANY(:ids)")

_RECORD = text("""
    INSERT INTO answer (question_id, kind, asker_id, audience, epoch, used, cited, model,
                        prompt_version, verdicts)
    VALUES (:question_id, :kind, :asker_id, :audience, :epoch, :used, :cited, :model,
            :prompt_version, :verdicts)
    ON CONFLICT (question_id, kind) DO UPDATE
    SET audience = excluded.audience, epoch = excluded.epoch, used = excluded.used,
        cited = excluded.cited, model = excluded.model, verdicts = excluded.verdicts,
        answered_at = now()
""").bindparams(bindparam("verdicts", type_=JSONB))
