"""Text of an earlier version is found as before after the upgrade to languages (0009)."""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from policies.described import Permissions
from tests.policies.test_upgrade import a_database_of, upgrade
from tests.policies.world import World
from workers.database.sessions import Database
from workers.settings import Settings

BEFORE = "0008"
_AFTERWARDS = """
    SELECT native_id, chunk.language, tsvector_to_array(tsv), words, vector_dims(vector)
    FROM document JOIN chunk ON chunk.document_id = document.id
    JOIN embedding ON embedding.chunk_id = chunk.id
"""


@pytest.fixture
def before() -> Iterator[Settings]:
    """A database as the version before left it."""
    yield from a_database_of(BEFORE)


def test_words_and_vectors_stay_until_the_next_load_and_so_do_their_readers(
    before: Settings,
) -> None:
    database = Database(before)
    world = World(database)
    ana, bob = world.person("ana"), world.person("bob")
    world.page("The budgets", Permissions(allow=frozenset({ana})))
    with database.session("indexer") as session:
        session.execute(text("INSERT INTO embedding_model (name, dimension) VALUES ('one', 384)"))
        session.execute(
            text("""
                INSERT INTO embedding (chunk_id, model_id, document_id, vector)
                SELECT chunk.id, 1, document_id, :vector FROM chunk
            """),
            {"vector": str([1.0] * 384)},
        )
        stored = session.execute(text("SELECT tsvector_to_array(tsv), words FROM chunk")).one()

    upgrade(before, "head")

    with database.session("indexer") as session:
        (row,) = session.execute(text(_AFTERWARDS)).all()
        assert tuple(row) == ("The budgets", "", *stored, 384)
        session.execute(text("UPDATE chunk SET language = 'de'"))
        session.execute(text("UPDATE embedding SET vector = :one"), {"one": str([1.0] * 512)})
        assert "the" in session.scalars(text("SELECT tsvector_to_array(tsv) FROM chunk")).one()
    assert (world.texts(ana), world.texts(bob)) == (["The budgets"], [])
    with database.session("answerer") as session:
        assert session.scalar(text("SELECT words_of('de', 'Häuser') = words_of('de', 'haus')"))
        assert session.scalar(text("SELECT count(*) FROM chunk")) == 0, "row-level security"
    database.close()
