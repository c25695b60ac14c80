"""Finds the chunks with a question's words among what the audience may read.

For somebody who sees a lot, common words would match most of it. How common a word is comes from a
fixed list, so nothing depends on documents that the audience may not read.
"""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func
from sqlalchemy.orm import Session

from policies import Visible, readable_chunks
from policies.tables.base import among
from policies.tables.content import Chunk
from workers.models.rarity import share_of_texts

MOST = 5_000
"""About so many chunks are looked at."""


def matching(
    session: Session,
    visible: Visible,
    rarities: Mapping[str, float],
    *,
    limit: int,
    chunks: float = 0,
    within: Sequence[int] | None = None,
    languages: Collection[str] = (),
) -> list[int]:
    """Return chunks with at least one of these words, roughly the best first.

    `within`: of these documents alone.

    `chunks`: how many the audience may read. Where its words would match too many of them, the
    rarest are looked for: both of the first two, and if few chunks have both, any.
    """
    words = _rarest(rarities, chunks if within is None else 0)
    if not words:
        return []
    if len(words) < len(rarities) and len(words) > 1:
        found = _found(session, visible, " & ".join(words[:2]), limit, within, languages)
        if len(found) == limit:
            return found
    return _found(session, visible, " | ".join(words), limit, within, languages)


def _rarest(rarities: Mapping[str, float], chunks: float) -> list[str]:
    """Return the words as the index has them, the rarest first, until they would match too many."""
    words: list[str] = []
    expected = 0.0
    for lexeme in sorted(rarities, key=lambda one: (-rarities[one], one)):
        expected += chunks * share_of_texts(rarities[lexeme])
        if words and expected > MOST:
            break
        words.append(_quoted(lexeme))
    return words


def _found(
    session: Session,
    visible: Visible,
    words: str,
    limit: int,
    within: Sequence[int] | None,
    languages: Collection[str],
) -> list[int]:
    query = func.to_tsquery("simple", words)
    statement = (
        readable_chunks(visible)
        .with_only_columns(Chunk.id)
        .where(Chunk.tsv.op("@@")(query))
        .order_by(func.ts_rank(Chunk.tsv, query).desc(), Chunk.id)
        .limit(limit)
    )
    if within is not None:
        statement = statement.where(among(Chunk.document_id, within))
    if languages:
        statement = statement.where(Chunk.language.in_(languages))
    return list(session.scalars(statement))


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
