"""Equal text has one vector: found by its hash, or in a document stored before there were any."""

from sqlalchemy import insert, select, update

from policies.source import vectors_of, vectors_without_hash
from policies.tables.content import Chunk, Embedding, EmbeddingModel
from tests.policies.world import World


def test_a_vector_is_found_by_the_hash_of_its_text(world: World) -> None:
    document_id = world.page("handbook")
    with world.change() as change:
        session = change.session
        model_id = session.scalars(
            insert(EmbeddingModel).values(name="m", dimension=384).returning(EmbeddingModel.id)
        ).one()
        chunk_id = session.scalars(select(Chunk.id).where(Chunk.document_id == document_id)).one()
        session.execute(
            insert(Embedding).values(
                chunk_id=chunk_id, model_id=model_id, document_id=document_id, vector=[1.0] * 384
            )
        )
    with world.database.session("indexer") as session:
        assert vectors_of(session, model_id, [b"hash"]) == {}
        ((chunk, vector),) = vectors_without_hash(session, model_id, document_id)
        assert (chunk.text, list(vector)[:2]) == ("handbook", [1.0, 1.0])
        session.execute(update(Embedding).values(text_hash=b"hash"))
    with world.database.session("indexer") as session:
        assert vectors_of(session, model_id, [b"hash"]).keys() == {b"hash"}
        assert vectors_of(session, model_id + 1, [b"hash"]) == {}
        assert vectors_without_hash(session, model_id, document_id) == []
