"""A load stores the language of each chunk, and a vector by each embedder."""

import pytest
from sqlalchemy import text

from tests.workers.ingest.folder import FakeEmbedder, Folder, Shelf, document, user

GERMAN = "Der Urlaub wird im Portal beantragt, und die Häuser sind im August geschlossen."
ENGLISH = "The vacation is requested in the portal, and the houses are closed in August."


@pytest.fixture
def folder(folder: Folder) -> Folder:
    folder.principals(user("ana"), user("bob"))
    return folder


def _second() -> FakeEmbedder:
    return FakeEmbedder(name="second", dimension=512)


def _stored(shelf: Shelf) -> list[tuple[str, str, str, int]]:
    rows = shelf.rows("""
        SELECT native_id, chunk.language, embedding_model.name, vector_dims(vector)
        FROM document JOIN chunk ON chunk.document_id = document.id
        JOIN embedding ON embedding.chunk_id = chunk.id
        JOIN embedding_model ON embedding_model.id = model_id ORDER BY 1, 2, 3
    """)
    return [(native_id, language, name, dimension) for native_id, language, name, dimension in rows]


def test_each_chunk_has_a_language_and_a_vector_by_each_model(shelf: Shelf, folder: Folder) -> None:
    shelf.multilingual = _second()
    folder.documents(
        document("de", "user:ana", text=GERMAN),
        document("en", "user:ana", text=ENGLISH),
        document("table", "user:ana", text="KEP-4876 12.5"),
    )

    report = shelf.load(folder)

    assert (report.embedded, report.multilingual) == (3, 3)
    assert _stored(shelf) == [
        (name, language, model, dimension)
        for name, language in (("de", "de"), ("en", "en"), ("table", ""))
        for model, dimension in (("fake", 384), ("second", 512))
    ]


def test_a_chunk_that_is_unsure_has_the_language_of_its_document(
    shelf: Shelf, folder: Folder
) -> None:
    folder.documents(document("de", "user:ana", text=f"# Urlaub\n\n{GERMAN}\n\n# X\n\nKEP 12.5"))

    shelf.load(folder)

    assert {row[1] for row in _stored(shelf)} == {"de"}


def test_words_are_stored_as_their_language_inflects_them(shelf: Shelf, folder: Folder) -> None:
    folder.documents(document("de", "user:ana", text=GERMAN))

    shelf.load(folder)

    (lexemes,) = shelf.rows("SELECT tsvector_to_array(tsv) FROM chunk")[0]
    assert {"haus", "beantragt"} <= {*lexemes}
    assert not {"und", "die", "der"} & {*lexemes}


def test_the_next_load_adds_what_an_earlier_version_did_not_store_and_embeds_nothing_twice(
    shelf: Shelf, folder: Folder
) -> None:
    folder.documents(document("de", "user:ana", text=GERMAN), document("en", "user:bob"))
    shelf.load(folder)
    with shelf.database.session("indexer") as session:
        session.execute(text("UPDATE chunk SET language = ''"))
    shelf.multilingual, before = _second(), shelf.embedder.calls

    report = shelf.load(folder)
    again = shelf.load(folder)

    assert (report.changed, report.embedded, report.multilingual) == (2, 0, 2)
    assert (again.unchanged, again.embedded, again.multilingual) == (2, 0, 0)
    assert shelf.embedder.calls == before
    assert ("de", "de", "second", 512) in _stored(shelf)
    assert (shelf.readable_by("ana"), shelf.readable_by("bob")) == ({"de"}, {"en"})


def test_a_load_that_is_cut_off_leaves_no_document_with_half_of_its_vectors(
    shelf: Shelf, folder: Folder
) -> None:
    folder.documents(*(document(name, "user:ana") for name in ("one", "two", "three", "four")))
    shelf.multilingual = FakeEmbedder(name="second", dimension=512, cut_off_at=3)
    with pytest.raises(KeyboardInterrupt):
        shelf.load(folder)
    names = [row[0] for row in _stored(shelf)]

    assert all(names.count(name) == 2 for name in names)

    shelf.multilingual = _second()
    shelf.load(folder)
    assert len(_stored(shelf)) == 8
