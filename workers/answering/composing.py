"""Composes what is said to a question, for given readers: the best passages that all of them may
read, a draft by the model, and the sentences of it that passages support.

Nothing is posted here. `answer.py` checks again and posts; `rehearsal.py` only shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from policies import Audience
from workers.answering.assuming import with_assumption
from workers.answering.audience import Resolved
from workers.answering.choosing import about_page, pages_of, title_of
from workers.answering.drafting import Asking, Waiting, Written, helper, write
from workers.answering.follow_up import as_asked, lacks_subject, self_contained
from workers.answering.oneself import asked_about_oneself, from_profile
from workers.answering.profile import profile_for
from workers.answering.progress import CHECKING, SEARCHING, Progress, reading
from workers.answering.retrieval import EVERYTHING, Only
from workers.answering.searching import find
from workers.answering.talk import fits_request, reply_to_request
from workers.answering.verify import Verified, count, verify
from workers.claims.likeness import likeness
from workers.intake.messages import Question
from workers.models.base import NOBODY, Judge, Passage, Profile
from workers.models.facets import facets_in, meant
from workers.models.wishes import Length, Wishes
from workers.observe import tracing
from workers.observe.crashpoints import crashpoint
from workers.replies import rendering as say
from workers.replies.outbox import Kind
from workers.replies.pages import WHICH, Page
from workers.replies.rendering import Reply
from workers.services import Services
from workers.slack.marks import searchable
from workers.slack.messenger import Said
from workers.wording.text import gettext


@dataclass(frozen=True, slots=True)
class Composed:
    """A reply, and everything that it may have been derived from."""

    reply: Reply
    passages: tuple[Passage, ...] = ()
    """All passages in the order of the prompt: the model saw each."""
    dropped: int = 0
    """Sentences of the draft that no passage supported."""
    out_of_date: bool = False
    """Whether a source was left out because its permissions are too old."""
    only_for: Audience | None = None
    """The one person whose own profile this is from; nobody else may get it."""
    pages: tuple[Page, ...] = ()
    """Pages that the question may be about, or the one that is close (`Reply.pages`)."""
    model: str = ""
    """Who wrote the draft."""

    @property
    def used(self) -> list[int]:
        return sorted({passage.document_id for passage in self.passages})

    @property
    def cited(self) -> list[int]:
        """Documents that the reply names: all that is shown of them."""
        named = {one.document for one in self.reply.citations}
        named |= {page.document for page in self.reply.pages}
        return sorted({p.document_id for p in self.passages if p.document in named})


def compose_for(
    services: Services,
    question: Question,
    kind: Kind,
    readers: Resolved,
    before: Sequence[Said],
    wishes: Wishes,
    *,
    progress: Progress | None = None,
    waiting: Waiting | None = None,
) -> Composed:
    """Compose the answer to a question for these readers, after what was said before it."""
    with helper(services, waiting) as model:
        asked = as_asked(model, question.text, before)
    profile = profile_for(services, question, kind, readers.audience)
    if (about := asked_about_oneself(asked)) is not None:
        if question.sources is not None:  # one's own profile is none of these sources
            return Composed(Reply(""))
        return _from_profile(about, profile, kind, readers.audience)
    if question.chosen is not None:
        title = title_of(services, question.chosen, readers.audience)
        if not title:
            return Composed(Reply(""))
        asked = about_page(asked, title)
    composed = compose_answer(
        services,
        searchable(asked),
        readers.audience,
        progress=progress,
        language=wishes.language if kind is Kind.DIRECT else "",
        length=wishes.length,
        profile=profile,
        only=_limited_to(question),
        waiting=waiting,
    )
    composed = _with_pages(question, kind, _for_request(question, composed))
    if asked == question.text:
        return composed
    return replace(composed, reply=replace(composed.reply, understood=asked))


def _limited_to(question: Question) -> Only:
    """Return the document that the asker chose, and the sources that a program's token names."""
    chosen = None if question.chosen is None else (question.chosen,)
    return Only(sources=question.sources, documents=chosen)


def _with_pages(question: Question, kind: Kind, composed: Composed) -> Composed:
    """Ask back among the pages; or name the one that is close, to the asker alone: what a channel
    hears is always the same where nothing answers.
    """
    pages, may_ask = composed.pages, not question.surface.is_quiet and question.chosen is None
    if not pages or reply_to_request(question.text) is not None:
        return composed
    if len(pages) > 1:
        reply = Reply(gettext(WHICH), pages=pages)
        return replace(composed, reply=reply) if may_ask else composed
    if composed.reply.lines or kind is not Kind.DIRECT:
        return composed
    return replace(composed, reply=replace(say.notice(say.NOTHING_FOUND), pages=pages))


def _from_profile(about: str, profile: Profile, kind: Kind, audience: Audience) -> Composed:
    """Answer a question about oneself; where others read, nothing: then it is tried in private."""
    if kind is not Kind.DIRECT or len(audience.ids) != 1:
        return Composed(Reply(""))
    return Composed(from_profile(about, profile), only_for=audience)


def words_to_find(question: Question, before: Sequence[Said]) -> str:
    """Return the words that are searched for: of a follow-up, with what it refers to."""
    return searchable(self_contained(question.text, before))


def is_unclear(question: Question, before: Sequence[Said]) -> bool:
    """Whether neither the question nor what was said before says what it is about."""
    if question.surface.is_quiet or not lacks_subject(question.text):
        return False
    if asked_about_oneself(question.text) is not None:
        return False
    return self_contained(question.text, before) == question.text


def _for_request(question: Question, composed: Composed) -> Composed:
    """Say that Ken cannot act above a page that tells how; no lines if the page does not fit."""
    if not composed.reply.lines or reply_to_request(question.text) is None:
        return composed
    cited = set(composed.cited)
    pages = [passage for passage in composed.passages if passage.document_id in cited]
    if fits_request(question.text, [f"{p.title} {p.heading} {p.text}" for p in pages]):
        return replace(composed, reply=replace(composed.reply, lead=gettext(say.CANNOT_ACT)))
    return replace(composed, reply=replace(composed.reply, lines=(), citations=()))


def words_for_nothing(question: Question, kind: Kind) -> Reply:
    """Return the reply if there is no answer: the same whatever these readers may not read."""
    request = reply_to_request(question.text)
    if request is not None:
        return say.notice(request)
    return say.notice(say.ANSWERED_PRIVATELY if kind is Kind.CHANNEL else say.NOTHING_FOUND)


def compose_answer(
    services: Services,
    question: str,
    audience: Audience,
    *,
    progress: Progress | None = None,
    language: str = "",
    length: Length = Length.NORMAL,
    profile: Profile = NOBODY,
    only: Only = EVERYTHING,
    waiting: Waiting | None = None,
) -> Composed:
    """Compose an answer for this audience; without lines if there is nothing to say.

    `profile`: of the person asking, or what all of the audience have in common. `only`: what it
    is limited to. `waiting`: who waits for it, if anybody does.

    The session is closed before the model is called. Raises LayersDisagree, ModelUnavailable,
    OverBudget.
    """
    progress = progress or Progress()
    progress.at(SEARCHING)
    asked = facets_in(question, sites=profile.sites)
    with tracing.span("retrieve") as at:
        found = find(
            services,
            question,
            audience,
            limit=services.settings.passages_per_answer,
            profile=profile,
            only=only,
            whole_tables=services.answerer.counts_rows,
        )
        passages, out_of_date = found.passages, found.out_of_date
        at.set(passages=len(passages))
    crashpoint("passages_read")
    if not passages:
        return Composed(Reply(""), out_of_date=out_of_date)
    progress.at(reading(len({passage.document_id for passage in passages})))
    with tracing.span("model", model=services.answerer.name):
        about = meant(profile, asked)
        written = write(services, Asking(question, passages, language, about), waiting)
    passages = written.passages
    crashpoint("model_answered")
    progress.at(CHECKING)
    with tracing.span("verify") as at:
        verified = _verified(services, written, waiting)
        at.set(dropped=verified.dropped)
    count(verified)
    reply = say.compose(verified.sentences, passages, length=length)
    reply = with_assumption(reply, passages, profile, asked)
    if written.note and reply.lines:
        reply = replace(reply, note=f"{written.note} {reply.note}".strip())
    pages = pages_of(written.draft.pages, passages, profile.sites)
    return Composed(
        reply, passages, verified.dropped, out_of_date, pages=pages, model=written.model
    )


def _verified(services: Services, written: Written, waiting: Waiting | None) -> Verified:
    """Keep what passages support; the model that wrote may be asked again (KEN_SECOND_LOOK)."""
    similarity = likeness(services.embedder, services.multilingual)
    if not services.settings.second_look or written.model != services.answerer.name:
        return verify(written.draft, written.passages, similarity=similarity)
    with helper(services, waiting) as model:
        judge = model if isinstance(model, Judge) else None
        return verify(written.draft, written.passages, similarity=similarity, judge=judge)
