"""How rare a word is in its language in general, whatever documents we hold."""

import math

from workers.models.embedder import vocabulary, word_ids
from workers.models.languages import ENGLISH, is_common

_FIRST_WORD = 1996
"""The id of "the": from here on BERT's vocabulary lists words by falling frequency."""

_COMMON = 0.3
"""Of the commonest words of another language, where PostgreSQL does not leave them out."""
_SHORT = 0.4  # letters and digits stand before that, in no order


def rarity(word: str) -> float:
    """Return the rarity: 0 for "the", 1 for a word that BERT has to put together, such as
    "KEP-4876".

    ln(1 + rank) / ln(1 + last rank), the rank counted in BERT's vocabulary. By Zipf's law
    (frequency falls as 1 / rank) this is an inverse document frequency up to a factor. It is
    independent of our documents, so a ranking made with it reveals nothing about unreadable ones.
    """
    pieces = word_ids(word)
    if len(pieces) != 1:
        return 1.0 if pieces else 0.0
    rank = pieces[0] - _FIRST_WORD
    if pieces[0] == vocabulary()["[UNK]"]:
        return 1.0
    if rank < 0:
        return _SHORT
    return math.log1p(rank) / math.log1p(len(vocabulary()) - 1 - _FIRST_WORD)


_WORDS_OF_A_TEXT, _OF_THE_FIRST = 100, 0.1
"""Words of a chunk; and the share of a language's words that the commonest one is."""


def share_of_texts(rarity: float) -> float:
    """Return in about which share of all texts of a language a word of this rarity stands: Zipf's
    law again, for a text of 100 words.
    """
    rank = math.exp(rarity * math.log1p(len(vocabulary()) - 1 - _FIRST_WORD))
    return 1 - math.exp(-_WORDS_OF_A_TEXT * _OF_THE_FIRST / rank)


def rarity_in(language: str, word: str) -> float:
    """Return the rarity of a word of this language. A fixed list knows English alone: elsewhere a
    common word is .3 and each other one 1.
    """
    if language in ENGLISH:
        return rarity(word)
    return _COMMON if is_common(word, language) else 1.0
