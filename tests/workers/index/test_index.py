"""What a worker holds to find candidates: it is as the database is, and decides nothing."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from policies import Audience, readable_chunks, visible_in
from policies.tables.content import Chunk
from tests.workers.answering.asking import only
from tests.workers.library import DIMENSION, Library
from workers.answering.retrieval import retrieve
from workers.database.sessions import Database
from workers.index import copy, nearest
from workers.index.codes import NONE, Codes, code_of, codes_of, joined, nearest_of
from workers.index.copy import Index
from workers.observe import metrics

MODEL = "words"


def vector(seed: int) -> NDArray[np.float32]:
    made = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made))


def found(
    library: Library, index: Index | None, asked: NDArray[np.float32], *subjects: int
) -> list[int]:
    audience = Audience.of(subjects)
    with library.database.reading_for(audience) as session:
        visible = visible_in(session, audience)
        return nearest.nearest(session, visible, index, asked, MODEL, limit=10)


def counted(library: Library, index: Index, *subjects: int) -> tuple[int, int]:
    """How many chunks the audience may read: by the index, and by the query."""
    audience = Audience.of(subjects)
    with library.database.reading_for(audience) as session:
        visible = visible_in(session, audience)
        count = readable_chunks(audience).with_only_columns(func.count(Chunk.id))
        return index.visible_chunks(session, visible, MODEL), session.scalars(count).one()


# -- it is as the database is ----------------------------------------------------------------------


@pytest.mark.parametrize("fewest", [20_000, 0])
def test_it_keeps_up_with_every_change(
    library: Library, monkeypatch: pytest.MonkeyPatch, fewest: int
) -> None:
    """Counts are exact, and with few chunks what is found is what comparing all finds."""
    monkeypatch.setattr(copy, "_FEWEST", fewest)
    chance = random.Random(1)
    alice, bob = library.person("alice"), library.person("bob")
    folders = [library.folder(f"folder {one}", only(one)) for one in (alice, bob)]
    index = Index()
    for step in range(60):
        name = f"page {chance.randrange(12)}"
        deed = chance.choice(["store", "store", "store", "permit", "move", "delete", "group"])
        if deed == "store" or name not in library.ids:
            vectors = [vector(step * 10 + number) for number in range(chance.randint(1, 4))]
            library.document(
                name,
                [f"{name} {step} {number}" for number in range(len(vectors))],
                vectors=vectors,
                inside=chance.choice(folders),
            )
        elif deed == "permit":
            with library.change() as change:
                change.set_permissions(library.ids[name], only(chance.choice([alice, bob])))
        elif deed == "move":
            with library.change() as change:
                change.set_permissions(folders[0], only(chance.choice([alice, bob])))
        elif deed == "delete":
            with library.change() as change:
                change.delete_document(library.ids.pop(name))
        else:
            library.group(f"group {step}", [alice])
        for subjects in ((alice,), (bob,), (alice, bob)):
            by_index, by_query = counted(library, index, *subjects)
            assert by_index == by_query, (step, deed)
            asked = vector(step)
            assert found(library, index, asked, *subjects) == found(library, None, asked, *subjects)


def test_another_question_reads_nothing_anew_where_nothing_changed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = library.person("alice")
    library.document("hers", "Budget", only(alice))
    index = Index()
    assert len(found(library, index, vector(1), alice)) == 1
    monkeypatch.setattr(copy, "_read", None)
    assert len(found(library, index, vector(1), alice)) == 1


def test_a_code_is_what_the_database_makes_of_a_vector(library: Library) -> None:
    alice = library.person("alice")
    library.document("hers", "Budget", only(alice), vectors=[vector(3)])
    with library.database.session("indexer") as session:
        bits = session.scalars(text("SELECT binary_quantize(vector)::text FROM embedding")).one()
    assert (
        np.packbits(np.array(list(bits), np.uint8)).view(np.uint64).tolist()
        == code_of(vector(3)).tolist()
    )


def test_vectors_of_another_length_stop_no_question(library: Library) -> None:
    """Fault: the model behind a name has vectors of another length. Whatever is stored by it is
    compared with nothing; all other chunks are found as before."""
    alice = library.person("alice")
    for name in ("one", "two"):
        library.document(name, f"Budget {name}", only(alice))
    index = Index()
    held = found(library, index, vector(1), alice)
    short = library.document("short", "Budget", only(alice), vectors=[vector(1)[:100]])

    (last,) = _chunks(library, short)
    assert found(library, index, vector(1), alice) == held
    assert found(library, Index(), vector(1), alice) == held
    assert found(library, None, vector(1), alice) == [*held, last]
    audience = Audience.of([alice])
    with library.database.reading_for(audience) as session:
        passages = retrieve(
            session, audience, "Budget", vector(1), model=MODEL, limit=5, index=Index()
        )
    assert {passage.document for passage in passages} == {"one", "two", "short"}


def _chunks(library: Library, document_id: int) -> list[int]:
    with library.database.session("indexer") as session:
        return list(session.scalars(select(Chunk.id).where(Chunk.document_id == document_id)))


# -- it decides nothing ----------------------------------------------------------------------------


def test_a_copy_that_is_not_up_to_date_opens_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names what was taken away since; the statement does not give it out, and the search is
    made again without it."""
    alice, bob = library.person("alice"), library.person("bob")
    group = library.group("group", [alice, bob])
    taken = library.document("taken", "Budget", only(group))
    library.document("kept", "Plan", only(group))
    index = Index()
    assert len(found(library, index, vector(1), alice)) == 2
    (held,) = index._copies.values()
    old = held.base, held.added
    with library.change() as change:
        change.set_permissions(taken, only(bob))
    monkeypatch.setattr(copy._Copy, "parts", lambda self, session: old)

    before = _short()
    assert found(library, index, vector(1), alice) == found(library, None, vector(1), alice)
    assert len(found(library, index, vector(1), bob)) == 2
    assert len(found(library, index, vector(1), alice)) == 1
    assert _short() > before


def test_a_copy_that_names_what_it_likes_opens_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every chunk under a policy that the asker sees: both walls still look at the document."""
    alice, bob = library.person("alice"), library.person("bob")
    library.document("hers", "Plan", only(alice))
    library.document("his", ["Budget"] * 3, only(bob), vectors=[vector(1)] * 3)
    index = Index()
    found(library, index, vector(1), bob)
    (held,) = index._copies.values()
    with library.database.reading_for(Audience.of([alice])) as session:
        (hers,) = visible_in(session, Audience.of([alice])).policy_ids
    base = held.base
    lie = codes_of(
        base.chunk_ids,
        base.document_ids,
        np.full(len(base), hers),
        base.foreign,
        np.ascontiguousarray(base.words.T),
    )
    monkeypatch.setattr(copy._Copy, "parts", lambda self, session: (lie, NONE))

    ids = found(library, index, vector(1), alice)

    audience = Audience.of([alice])
    with library.database.reading_for(audience) as session:
        assert ids == session.scalars(readable_chunks(audience).with_only_columns(Chunk.id)).all()


def test_where_the_database_fails_the_question_fails_as_with_any_statement(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = library.person("alice")
    library.document("hers", "Budget", only(alice))
    index = Index()
    with monkeypatch.context() as broken:
        broken.setattr(copy, "_READ_CODES", "COPY (SELECT 1 / 0) TO STDOUT (FORMAT binary)")
        with pytest.raises(DBAPIError):
            found(library, index, vector(1), alice)
    assert len(found(library, index, vector(1), alice)) == 1


def _short() -> float:
    return metrics.REGISTRY.get_sample_value("ken_searches_short_total") or 0.0


@pytest.mark.parametrize("role", ["ingress", "syncer", "indexer"])
def test_codes_are_for_the_answerer_alone(database: Database, role: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        database.session(role) as session,  # type: ignore[arg-type]
    ):
        session.execute(text("SELECT codes_of('words', NULL)"))


# -- codes -----------------------------------------------------------------------------------------

ROWS = st.lists(
    st.tuples(st.integers(1, 6), st.integers(1, 5), st.booleans(), st.integers(0, 2**64 - 1)),
    max_size=40,
)


def made(rows: Sequence[tuple[int, int, bool, int]], start: int = 1) -> Codes:
    """Codes of 64 bits: document, policy, foreign, code."""
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return codes_of(
        np.arange(start, start + len(rows)),
        np.array(columns[0], np.int64),
        np.array(columns[1], np.int64),
        np.array(columns[2], np.bool_),
        np.array(columns[3], np.uint64).reshape(-1, 1),
    )


@given(ROWS, st.sets(st.integers(1, 5)), st.integers(0, 2**64 - 1), st.booleans())
@settings(deadline=None)
def test_the_nearest_codes_of_visible_policies_are_found(
    rows: list[tuple[int, int, bool, int]], seen: set[int], asked: int, foreign_only: bool
) -> None:
    bits = np.unpackbits(np.array([asked], np.uint64).view(np.uint8))
    question = np.where(bits, 1.0, -1.0).astype(np.float32)
    visible = [
        ((code ^ asked).bit_count(), number)
        for number, (_document, policy, foreign, code) in enumerate(rows, start=1)
        if policy in seen and (foreign or not foreign_only)
    ]

    given_ = nearest_of(
        [made(rows)],
        np.array(sorted(seen), np.int64),
        question,
        limit=5,
        foreign_only=foreign_only,
    )

    assert given_.chunk_ids.tolist() == [number for _far, number in sorted(visible)[:5]]
    assert given_.policy_ids.tolist() == [rows[n - 1][1] for n in given_.chunk_ids.tolist()]
    assert given_.visible == len(visible)


@given(ROWS, ROWS, st.integers(0, 2**64 - 1))
@settings(deadline=None)
def test_codes_of_other_policies_change_nothing(
    rows: list[tuple[int, int, bool, int]], hidden: list[tuple[int, int, bool, int]], asked: int
) -> None:
    """Threat 16: whether they stand among the others, in what was added since, or are gone."""
    bits = np.unpackbits(np.array([asked], np.uint64).view(np.uint8))
    question = np.where(bits, 1.0, -1.0).astype(np.float32)
    seen = np.arange(1, 6)
    unseen = [(document + 10, policy + 10, *rest) for document, policy, *rest in hidden]
    alone = nearest_of([made(rows)], seen, question, limit=5)
    other = made(unseen, start=1_000)  # type: ignore[arg-type]
    gone = other.without(other.document_ids)

    for parts in ([joined(made(rows), other)], [made(rows), other], [made(rows), gone]):
        among_others = nearest_of(parts, seen, question, limit=5)
        assert among_others.chunk_ids.tolist() == alone.chunk_ids.tolist()
        assert among_others.visible == alone.visible
