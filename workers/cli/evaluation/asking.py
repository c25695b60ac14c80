"""Asks a row in this process, as its asker and for the readers of its channel."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from policies import Audience
from policies.directory import resolve_audience
from policies.names import Unresolved, resolve_user
from workers.answering import by_version
from workers.answering.across import by_best_sentence
from workers.answering.audience import Resolved, asker_readers, channel_readers
from workers.answering.composing import words_to_find
from workers.answering.profile import profile_for
from workers.answering.rehearsal import Rehearsed, rehearse
from workers.answering.resolving import resolved
from workers.answering.retrieval import retrieve
from workers.cli.evaluation.channels import WorkspaceFile
from workers.cli.evaluation.sets import Row
from workers.errors import AssistantError, InputInvalid, LayersDisagree
from workers.intake.messages import AT_THE_TERMINAL, Question, Surface
from workers.models.base import NOBODY, Answerer, Draft, Passage, Profile, Sentence
from workers.models.facets import facets_in, meant
from workers.replies.outbox import Kind
from workers.services import Services
from workers.slack.messenger import Said

_DEPTH = 10


class EchoAnswerer:
    """Answers with its whole prompt. If that holds nothing forbidden, no model can leak."""

    name = "echo"
    counts_rows = False

    def write(
        self,
        question: str,  # noqa: ARG002 - all of the prompt, whatever is asked
        passages: tuple[Passage, ...],
        *,
        language: str = "",  # noqa: ARG002 - passages keep their own language
        profile: Profile = NOBODY,  # noqa: ARG002 - and their order
    ) -> Draft:
        return Draft(
            tuple(
                Sentence(passage.text, number, passage.text)
                for number, passage in enumerate(passages, start=1)
            )
        )


@dataclass
class Recorder:
    """An answerer that remembers what it was shown and how sure it was."""

    answerer: Answerer
    prompted: set[str] = field(default_factory=set)
    scores: list[float] = field(default_factory=list)
    """How well the passages support an answer: the answerer's word, else the best relevance."""

    @property
    def name(self) -> str:
        return self.answerer.name

    @property
    def counts_rows(self) -> bool:
        return self.answerer.counts_rows

    def write(
        self,
        question: str,
        passages: tuple[Passage, ...],
        *,
        language: str = "",
        profile: Profile = NOBODY,
    ) -> Draft:
        self.prompted |= {passage.document for passage in passages}
        draft = self.answerer.write(question, passages, language=language, profile=profile)
        best = max((passage.relevance for passage in passages), default=0.0)
        self.scores.append(best if draft.support is None else draft.support)
        return draft


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and its result; documents are named by their ids in the set."""

    row: Row
    replies: tuple[Rehearsed, ...]
    ranked: tuple[str, ...] = ()
    """The best documents for the asker."""
    prompted: frozenset[str] = frozenset()
    """Every document that the answerer was shown."""
    score: float | None = None
    """How well the passages support an answer; None if the answerer was not asked."""
    seconds: float = 0.0
    paraphrased: bool = False
    failed: bool = False

    @property
    def answers(self) -> bool:
        return any(one.composed.reply.lines for one in self.replies)

    @property
    def rank(self) -> int | None:
        """The rank of the first right document, from 1."""
        found = (n for n, name in enumerate(self.ranked, start=1) if name in self.row.docs)
        return next(found, None)

    @property
    def cited(self) -> set[str]:
        """The documents; one's own profile is none."""
        replies = (one.composed.reply for one in self.replies)
        named = (citation.document for reply in replies for citation in reply.citations)
        return set(filter(None, named))

    @property
    def shown(self) -> set[str]:
        """Every document that was in the results, the prompt or the citations, or was named."""
        pages = (page.document for one in self.replies for page in one.composed.reply.pages)
        return {*self.ranked, *self.prompted, *self.cited, *pages}


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks rows, each as its own asker."""

    services: Services
    workspace: WorkspaceFile

    def ask(self, row: Row, *, paraphrased: bool = False) -> Asked:
        """Ask a row. Raises InputInvalid for an unknown person or channel, LayersDisagree."""
        question = self._question(row, row.paraphrase if paraphrased else row.text)
        before = [Said("", said, "") for who, said in row.thread if who != "agent"]
        recorder = Recorder(self.services.answerer)
        services = replace(self.services, answerer=recorder)
        readers = self._readers(question)
        failed, replies = False, []
        started = time.monotonic()
        try:
            replies = rehearse(services, question, readers.get, before)
        except LayersDisagree:
            raise
        except AssistantError:  # the model did not answer: the other rows are still worth asking
            failed = True
        seconds = time.monotonic() - started
        return Asked(
            row,
            tuple(replies),
            self._ranked(question, before, readers[Kind.DIRECT].audience),
            frozenset(recorder.prompted),
            max(recorder.scores, default=None),
            seconds,
            paraphrased,
            failed,
        )

    def _question(self, row: Row, text: str) -> Question:
        with self.services.database.session("answerer") as session:
            try:
                user_id = resolve_user(session, row.asker)
            except Unresolved:
                raise InputInvalid(
                    f"{row.id}: asker: there is no user {row.asker!r}.",
                    remedy="Load the same folder first: `ken load FOLDER`.",
                ) from None
        return Question(
            event_id=f"eval:{row.id}",
            team_id=AT_THE_TERMINAL,
            channel_id=self.workspace.find_channel(row.channel) if row.channel else "",
            message_ts="",
            thread_ts="",
            user_id=str(user_id),
            text=text,
            surface=Surface.TERMINAL,
        )

    def _readers(self, question: Question) -> "Readers":
        database = self.services.database
        alone = asker_readers(question)
        found = {Kind.DIRECT: alone}
        if question.channel_id:
            there = channel_readers(question.channel_id, self.workspace, database).readers
            if there is not None:
                found[Kind.CHANNEL] = there | alone
        with database.session("answerer") as session:
            return {
                kind: Resolved(resolve_audience(session, readers), readers)
                for kind, readers in found.items()
            }

    def _ranked(
        self, question: Question, before: list[Said], audience: Audience
    ) -> tuple[str, ...]:
        """Return the best documents, each once, in the order of their best passage."""
        words = words_to_find(question, before)
        profile = profile_for(self.services, question, Kind.DIRECT, audience)
        about = meant(profile, facets_in(words, sites=profile.sites))
        words = resolved(words, about)
        with by_version.snapshot(self.services, audience, [words]) as (session, (vectors,)):
            passages = retrieve(
                session,
                audience,
                words,
                vectors.main.vector,
                model=vectors.main.model,
                slope=vectors.main.slope,
                offset=vectors.main.offset,
                multilingual=vectors.multilingual,
                comparison=vectors.comparison,
                limit=_DEPTH,
                per_document=1,
                profile=about,
                index=self.services.index,
            )
        passages = by_best_sentence(passages, words, self.services.multilingual)
        return tuple(passage.document for passage in passages)


Readers = Mapping[Kind, Resolved]
