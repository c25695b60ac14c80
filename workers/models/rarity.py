"""How rare a word is in English in general, whatever documents we hold."""

import math

from workers.models.embedder import vocabulary, word_ids

_FIRST_WORD = 1996
"""The id of "the": from here on BERT's vocabulary lists words by falling frequency."""

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
