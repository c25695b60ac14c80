"""Whether a text contains a quote, word for word, ignoring case, spacing, punctuation and marks."""

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workers.models.sentences import without_marks

if TYPE_CHECKING:  # `ken ask` compares quotes, and does without NumPy
    from workers.models.base import Passage, Sentence

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Scripts without spaces, of South-East and East Asia: each letter counts as a word."""


_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


MIN_QUOTE_WORDS = 3
"""A shorter quote is found almost anywhere, and supports nothing."""


_COPIED_WORDS = 8
"""A quote as long as this that stands in two documents was copied."""


def copies_of(sentence: "Sentence", passages: "Sequence[Passage]") -> list[int]:
    """Return other documents' passages, counted from 1, that also contain the quote of a sentence.

    The whole audience may read all of them: others are not among the passages.
    """
    cited, quote = passages[sentence.passage - 1], words(sentence.quote)
    quoted_text = words(without_marks(cited.text))
    found = []
    for number, other in enumerate(passages, start=1):
        if other.document_id != cited.document_id:
            text = words(without_marks(other.text))
            is_same = text == quoted_text and len(text) >= MIN_QUOTE_WORDS
            if is_same or (len(quote) >= _COPIED_WORDS and contains(text, quote)):
                found.append(number)
    return found


def words(text: str) -> list[str]:
    """Return the words alone, without case, spacing, punctuation and Markdown's marks."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold().replace("_", " "))


def contains(text: list[str], quote: list[str]) -> bool:
    return f" {' '.join(quote)} " in f" {' '.join(text)} "
