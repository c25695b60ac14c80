"""Keeps only the sentences of a model's draft whose quotes are in the passages."""

from dataclasses import dataclass

from workers.models.base import Draft, Passage, Sentence, Support
from workers.models.quotes import MIN_QUOTE_WORDS, contains, words
from workers.models.sentences import without_marks


@dataclass(frozen=True, slots=True)
class Verified:
    """The sentences that may be shown, and how many were dropped."""

    sentences: tuple[Sentence, ...]
    dropped: int


def verify(draft: Draft, passages: tuple[Passage, ...]) -> Verified:
    """Keep the sentences whose quote is in the passage that they name.

    A sentence that rests on several passages needs all of its quotes. A passage is Markdown: a
    quote may leave out its marks and the targets of its links.
    """
    kept = tuple(sentence for sentence in draft.sentences if _supported(sentence, passages))
    return Verified(kept, len(draft.sentences) - len(kept))


def _supported(sentence: Sentence, passages: tuple[Passage, ...]) -> bool:
    supports = (Support(sentence.passage, sentence.quote), *sentence.beside)
    return bool(words(sentence.text)) and all(_is_in(one, passages) for one in supports)


def _is_in(support: Support, passages: tuple[Passage, ...]) -> bool:
    if not 1 <= support.passage <= len(passages):
        return False
    quote = words(support.quote)
    if len(quote) < MIN_QUOTE_WORDS:
        return False
    text = passages[support.passage - 1].text
    return contains(words(text), quote) or contains(words(without_marks(text)), quote)
