"""The search by words: below row-level security by its index, and the rarest words first."""

import pytest
from sqlalchemy import text

from policies import Audience, visible_in
from tests.workers.answering.asking import only
from tests.workers.library import Library
from workers.index import matching
from workers.models.rarity import rarity, share_of_texts

LEXEMES = {"time": "time", "people": "peopl", "invoice": "invoic", "zymurgy": "zymurgi"}
WORDS = {lexeme: rarity(word) for word, lexeme in LEXEMES.items()}


def found(library: Library, alice: int, *, chunks: float, limit: int = 2) -> list[str]:
    audience = Audience.of([alice])
    with library.database.reading_for(audience) as session:
        visible = visible_in(session, audience)
        ids = matching.matching(session, visible, WORDS, limit=limit, chunks=chunks)
        rows = session.execute(
            text("SELECT id, chunk.text FROM chunk WHERE id = ANY (:ids)"), {"ids": ids}
        )
        texts = {row.id: row.text for row in rows}
    return [texts[one] for one in ids]


@pytest.fixture
def alice(library: Library) -> int:
    alice = library.person("alice")
    for words in ("time and people", "an invoice in time", "zymurgy invoice", "zymurgy"):
        library.document(words, words, only(alice))
    return alice


def test_who_sees_few_chunks_is_searched_by_all_words(library: Library, alice: int) -> None:
    assert len(found(library, alice, chunks=10, limit=10)) == 4


def test_who_sees_many_is_searched_by_the_rare_ones(library: Library, alice: int) -> None:
    many = matching.MOST / share_of_texts(WORDS["peopl"])
    assert "time and people" not in found(library, alice, chunks=many, limit=10)


def test_chunks_with_both_of_the_rarest_come_before_those_with_one(
    library: Library, alice: int
) -> None:
    many = matching.MOST / share_of_texts(WORDS["peopl"])
    assert found(library, alice, chunks=many, limit=1) == ["zymurgy invoice"]
    assert len(found(library, alice, chunks=many, limit=3)) == 3


def test_how_common_a_word_is_falls_with_its_rarity() -> None:
    shares = [share_of_texts(one) for one in WORDS.values()]
    assert shares == sorted(shares, reverse=True)
    assert share_of_texts(0.0) > 0.99
    assert share_of_texts(1.0) < 0.001


def test_the_index_of_words_is_used_below_row_level_security(library: Library, alice: int) -> None:
    """Decision 46: a function that is not marked would be asked only of rows that are allowed."""
    with library.database.reading_for(Audience.of([alice])) as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(
            session.scalars(
                text("EXPLAIN SELECT id FROM chunk WHERE tsv @@ to_tsquery('simple', 'zymurgi')")
            )
        )
    assert "Bitmap Index Scan on chunk_tsv" in plan
    assert "SubPlan" in plan  # the rule, for each match
