"""Ranking inside what the policy allows: by meaning and by words, fused.

Both searches start from `readable_chunks(audience)` and are exact. No statistic of a document
that the audience may not read takes part: how rare a word is comes from a fixed list.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, BigInteger, Text, bindparam, column, func, select, text
from sqlalchemy.orm import Session

from policies import Audience, readable_chunks
from policies.models import Chunk, Document, Embedding, EmbeddingModel, Node, Source
from workers.models.base import Passage
from workers.models.rarity import rarity

DEPTH = 200
"""Candidates of each search that take part in the fusion."""
RRF_K = 60
"""Reciprocal rank fusion: Cormack, Clarke, Büttcher, SIGIR 2009."""
PER_DOCUMENT = 3
"""One document gives at most so many passages to a prompt: it cannot crowd out the others."""
MAX_QUESTION = 4000
"""Characters of a question that take part in the search."""
