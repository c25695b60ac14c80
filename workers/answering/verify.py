"""Keeps only the sentences of a draft that follow from their quotes; `workers/claims` decides.

A sentence that does not follow, with a quote that is really there, is replaced by the passage's own
sentence: the reader sees what the document says, and never what a model made of it. Without the
first sentence, which is the answer, nothing else of the draft is shown.
"""

from collections import Counter
from dataclasses import dataclass, field

from workers.answering.dated import without_source
from workers.answering.reader_requests import adds_request, adds_script
from workers.claims.check import Checked, check
from workers.claims.likeness import Similarity
from workers.claims.verdict import Reason, Verdict
from workers.models.base import Draft, Judge, Passage, Sentence, Support
from workers.models.quotes import MIN_QUOTE_WORDS, contains, words
from workers.models.sentences import without_marks
from workers.observe import metrics

_NO_QUOTE = frozenset({Reason.PASSAGE, Reason.QUOTE, Reason.BORDER})
"""Reasons that leave nothing to show in a sentence's place."""
_MOST_SENTENCES = 30
"""Sentences of a model that are compared; it is asked for six. This bounds the work."""
_LONGEST_QUOTED = 600
"""Letters of a passage's own sentence that is shown in place of another one."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The sentences that may be shown, and why others were dropped."""

    sentences: tuple[Sentence, ...]
    reasons: Counter[Reason] = field(default_factory=Counter)

    @property
    def dropped(self) -> int:
        return self.reasons.total()


def verify(
    draft: Draft,
    passages: tuple[Passage, ...],
    *,
    similarity: Similarity | None = None,
    judge: Judge | None = None,
) -> Verified:
    """Keep what follows from its quote in the passage that it names; show the quote for the rest.

    A sentence that rests on several passages needs all of its quotes. A passage is Markdown: a
    quote may leave out its marks and the targets of its links. `similarity`: a second signal beside
    the rules. `judge`: asked about what the rules keep without being sure; it can only drop. Both
    may be left out.
    """
    kept: list[Sentence] = []
    reasons: Counter[Reason] = Counter()
    for number, sentence in enumerate(draft.sentences):
        if draft.is_quoted:
            checked = Checked(_copied(sentence, passages))
        elif number >= _MOST_SENTENCES:
            checked = Checked(Verdict(Reason.UNDECIDED))
        else:
            checked = _checked(sentence, passages, similarity, judge)
        if checked.verdict.reason is None:
            kept.append(sentence)
            continue
        reasons[checked.verdict.reason] += 1
        shown = _in_its_place(sentence, checked)
        if shown is not None and shown not in kept:
            kept.append(shown)
        elif shown is None and number == 0 and not draft.is_quoted:
            rest = len(draft.sentences) - 1
            return Verified((), reasons + Counter({Reason.REMAINDER: rest}))
    return Verified(tuple(kept), reasons)


def count(verified: Verified) -> None:
    """Add what was dropped to the metrics, by reason."""
    for reason, number in verified.reasons.items():
        metrics.SENTENCES_DROPPED.labels(reason).inc(number)


def _checked(
    sentence: Sentence,
    passages: tuple[Passage, ...],
    similarity: Similarity | None,
    judge: Judge | None,
) -> Checked:
    if not 1 <= sentence.passage <= len(passages):
        return Checked(Verdict(Reason.PASSAGE))
    passage = passages[sentence.passage - 1]
    said = without_source(sentence.text, passage)
    checked = check(said, sentence.quote, passage, similarity)
    if checked.verdict.is_kept and (reason := _addition(said, checked, passage)):
        return Checked(Verdict(reason), checked.source, checked.around)
    if judge is None or not checked.verdict.is_kept or checked.verdict.is_sure:
        return checked
    follows = judge.follows(said, checked.source, checked.around)
    answered = {True: "follows", False: "does_not_follow", None: "no_answer"}[follows]
    metrics.SECOND_LOOKS.labels(answered).inc()
    if follows is False:
        return Checked(Verdict(Reason.SECOND_LOOK), checked.source, checked.around)
    return checked


def _addition(said: str, checked: Checked, passage: Passage) -> Reason | None:
    """Return what a sentence adds that no comparison by meaning sees; None if nothing."""
    if adds_request(said, f"{checked.around}\n{checked.source}"):
        return Reason.INSTRUCTION
    written = f"{passage.title} {passage.heading} {passage.text}"
    return Reason.ADDED if adds_script(said, written) else None


def _copied(sentence: Sentence, passages: tuple[Passage, ...]) -> Verdict:
    """Check that all quotations of a sentence of our own answerer are in their passages."""
    supports = (Support(sentence.passage, sentence.quote), *sentence.beside)
    if not words(sentence.text):
        return Verdict(Reason.QUOTE)
    if not all(1 <= one.passage <= len(passages) for one in supports):
        return Verdict(Reason.PASSAGE)
    return Verdict() if all(_is_in(one, passages) for one in supports) else Verdict(Reason.QUOTE)


def _is_in(support: Support, passages: tuple[Passage, ...]) -> bool:
    quote = words(support.quote)
    if len(quote) < MIN_QUOTE_WORDS:
        return False
    text = passages[support.passage - 1].text
    return contains(words(text), quote) or contains(words(without_marks(text)), quote)


def _in_its_place(sentence: Sentence, checked: Checked) -> Sentence | None:
    """Return the passage's own sentence, in quotation marks; None if there is no quote."""
    if checked.verdict.reason in _NO_QUOTE or not checked.source:
        return None
    if len(checked.source) > _LONGEST_QUOTED:
        return None
    return Sentence(f"“{without_marks(checked.source)}”", sentence.passage, sentence.quote)
