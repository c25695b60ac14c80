"""A question finds what answers it in another language, and never what one may not read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select

from policies import Audience, Visible, visible_in
from policies.tables.content import Chunk, Embedding, EmbeddingModel
from tests.workers.answering.asking import only
from tests.workers.library import Library
from workers.answering import retrieval
from workers.answering.across import by_best_sentence
from workers.answering.retrieval import meaning_by, retrieve
from workers.models.base import Passage
from workers.models.embedder import MiniLM
from workers.models.multilingual import Multilingual

VACATION = {
    "en": "Every employee gets thirty days of paid vacation a year. It is requested in the portal.",
    "de": "Jede Angestellte bekommt dreißig Tage bezahlten Urlaub im Jahr. Er wird im Portal"
    " beantragt.",
    "es": "Cada empleado tiene treinta días de vacaciones pagadas al año. Se solicitan en el"
    " portal.",
    "fr": "Chaque employé a trente jours de congés payés par an. Ils sont demandés dans le"
    " portail.",
}
OTHERS = {
    "en": "The server room is cooled by two machines, and the alarm rings on the second floor.",
    "de": "Der Serverraum wird von zwei Maschinen gekühlt, und der Alarm läutet im zweiten Stock.",
    "es": "La sala de servidores se enfría con dos máquinas y la alarma suena en el segundo piso.",
    "fr": "La salle des serveurs est refroidie par deux machines et l'alarme sonne au deuxième.",
}
QUESTIONS = {
    "en": "How many vacation days do I have?",
    "de": "Wie viele Urlaubstage habe ich?",
    "es": "¿Cuántos días de vacaciones tengo?",
    "fr": "Combien de jours de congés ai-je ?",
}


@pytest.fixture(scope="module")
def english() -> MiniLM:
    return MiniLM.load(threads=1)


@pytest.fixture(scope="module")
def multilingual() -> Multilingual:
    return Multilingual.load()


@pytest.fixture
def shelves(library: Library, english: MiniLM, multilingual: Multilingual) -> Library:
    library.embedder = english  # type: ignore[assignment]
    library.multilingual = multilingual
    return library


def ask(
    library: Library, question: str, *subjects: int, limit: int = 3, across: bool = True
) -> tuple[Passage, ...]:
    audience = Audience.of(subjects)
    with library.database.reading_for(audience) as session:
        return retrieve(
            session,
            audience,
            question,
            library.embedder.embed_one(question),
            model=library.embedder.name,
            limit=limit,
            multilingual=meaning_by(library.multilingual, question) if across else None,
        )


def first(library: Library, question: str, *subjects: int) -> str:
    return ask(library, question, *subjects)[0].document


def test_a_question_finds_the_page_of_any_language(shelves: Library) -> None:
    people = {language: shelves.person(f"reads-{language}") for language in VACATION}
    for language in VACATION:
        shelves.document(f"vacation-{language}", VACATION[language], only(people[language]))
        shelves.document(f"server-{language}", OTHERS[language], only(people[language]))

    found = {
        (asked, read): first(shelves, QUESTIONS[asked], people[read])
        for asked in QUESTIONS
        for read in VACATION
    }

    assert found == {pair: f"vacation-{pair[1]}" for pair in found}


def test_the_page_in_the_language_of_the_question_comes_first(shelves: Library) -> None:
    alice = shelves.person("alice")
    for language in VACATION:
        shelves.document(language, VACATION[language], only(alice))

    assert {asked: first(shelves, QUESTIONS[asked], alice) for asked in QUESTIONS} == {
        asked: asked for asked in QUESTIONS
    }


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("Urlaub", "de"),
        ("bezahlter urlaub dreissig tage", "de"),
        ("vacaciones dias pagadas", "es"),
        ("conges payes par employe", "fr"),
        ("Conge\u0301s paye\u0301s", "fr"),
    ],
)
def test_short_words_without_accents_find_the_page(
    shelves: Library, question: str, page: str
) -> None:
    alice = shelves.person("alice")
    for language in ("de", "es", "fr"):
        shelves.document(language, VACATION[language], only(alice))
        shelves.document(f"server-{language}", OTHERS[language], only(alice))

    assert first(shelves, question, alice) == page


def test_words_are_found_as_their_language_inflects_them(shelves: Library) -> None:
    """By words alone: none has a vector by the multilingual model."""
    shelves.multilingual = None
    alice = shelves.person("alice")
    shelves.document("häuser", "Die Häuser der Firma stehen alle in der Altstadt.", only(alice))
    audience = Audience.of([alice])
    question = "Wo steht das haus der Firmen?"

    with shelves.database.reading_for(audience) as session:
        visible = visible_in(session, audience)
        meaning = retrieval.Meaning("unknown", shelves.embedder.embed_one(question))
        asked = retrieval._understand(session, visible, question, meaning, None)
        matching = retrieval._matching(session, visible, asked)

    assert asked.present == {"de"}
    assert asked.rarities["de"].keys() >= {"haus", "firm"}
    assert "das" not in {*asked.rarities["de"], *asked.rarities[""]}
    assert len(matching) == 1


@pytest.mark.parametrize(
    "question", ["vacation 休暇 отпуск Urlaub ?", "ß" * 40_000, "Urlaub " * 5_800, "\ud800 \x00 ü"]
)
def test_mixed_scripts_and_endless_questions_break_nothing(shelves: Library, question: str) -> None:
    alice = shelves.person("alice")
    shelves.document("de", VACATION["de"], only(alice))

    assert {passage.document for passage in ask(shelves, question, alice)} <= {"de"}


def test_english_alone_is_ranked_as_without_the_second_model(shelves: Library) -> None:
    alice = shelves.person("alice")
    shelves.document("vacation", VACATION["en"], only(alice))
    shelves.document("server", OTHERS["en"], only(alice))
    question = QUESTIONS["en"]

    assert ask(shelves, question, alice) == ask(shelves, question, alice, across=False)


def test_a_chunk_of_an_earlier_version_is_found_as_before(shelves: Library) -> None:
    alice = shelves.person("alice")
    shelves.multilingual = None
    shelves.document("server", OTHERS["en"], only(alice))
    shelves.document("vacation", VACATION["en"], only(alice))
    shelves.multilingual = Multilingual.load()

    assert first(shelves, "Wo ist die vacation?", alice) == "vacation"


# -- nobody finds what they may not read -----------------------------------------------------------


@pytest.mark.parametrize("asked", QUESTIONS)
def test_a_forbidden_page_of_another_language_is_never_found(shelves: Library, asked: str) -> None:
    alice, bob = shelves.person("alice"), shelves.person("bob")
    for language in VACATION:
        shelves.document(f"hers-{language}", VACATION[language], only(alice))
        shelves.document(f"his-{language}", VACATION[language], only(bob))

    found = {one.document for one in ask(shelves, QUESTIONS[asked], alice, limit=8)}

    assert found == {f"hers-{language}" for language in VACATION}
    assert ask(shelves, QUESTIONS[asked], alice, bob) == ()


@pytest.mark.parametrize("asked", QUESTIONS)
def test_pages_that_one_may_not_read_change_no_relevance(
    shelves: Library, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither their number, nor their words, nor that there is any in that language."""
    monkeypatch.setattr(retrieval, "DEPTH", 3)
    alice, bob = shelves.person("alice"), shelves.person("bob")
    shelves.document("hers", VACATION["en"], only(alice))
    shelves.document("server", OTHERS["en"], only(alice))
    before = ask(shelves, QUESTIONS[asked], alice)

    for number in range(retrieval.DEPTH + 1):
        shelves.document(f"his-{number}", QUESTIONS["de"], only(bob))

    assert ask(shelves, QUESTIONS[asked], alice) == before


@contextmanager
def _limit_before_filter(library: Library) -> Iterator[None]:
    """A leak: the nearest of all by the multilingual model, and of these those that may be read."""
    real = retrieval._near

    def near(session: object, visible: Visible, vector: object, model: str, **more: Any) -> object:
        readable = set(real(session, visible, vector, model, **more))  # type: ignore[arg-type]
        if model != Multilingual.name:
            return sorted(readable)
        statement = (
            select(Embedding.chunk_id)
            .join(Chunk, Chunk.id == Embedding.chunk_id)
            .join(EmbeddingModel, EmbeddingModel.id == Embedding.model_id)
            .where(Chunk.language == "de", EmbeddingModel.name == model)
            .order_by(Embedding.vector.cosine_distance(vector))
            .limit(1)
        )
        with library.database.session("indexer") as everything:
            return [one for one in everything.scalars(statement) if one in readable]

    with patch.object(retrieval, "_near", near):
        yield


def test_the_tests_above_notice_a_second_search_that_is_filtered_too_late(
    shelves: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval, "DEPTH", 3)
    alice, bob = shelves.person("alice"), shelves.person("bob")
    shelves.document("hers", "Erholung: dreißig Tage, und zwar bezahlt.", only(alice))
    for number in range(retrieval.DEPTH):
        shelves.document(f"english-{number}", f"{OTHERS['en']} {number}", only(alice))
    with _limit_before_filter(shelves):
        before = ask(shelves, QUESTIONS["en"], alice, limit=200)
        shelves.document("his", QUESTIONS["de"], only(bob))
        assert ask(shelves, QUESTIONS["en"], alice, limit=200) != before
    assert ask(shelves, QUESTIONS["en"], alice, limit=200) == before


# -- the best sentence -----------------------------------------------------------------------------


def _passage(document: str, text: str, *, relevance: float, language: str = "de") -> Passage:
    return Passage(
        *(1, 1, document, document, "", text, None, "", "wiki", None),
        relevance=relevance,
        language=language,
    )


def test_the_passage_whose_sentence_answers_comes_before_one_about_the_topic(
    multilingual: Multilingual,
) -> None:
    topic = _passage("topic", f"{OTHERS['de']} Der Urlaub ist wichtig.", relevance=0.45)
    answer = _passage("answer", f"{OTHERS['de']} {VACATION['de']}", relevance=0.44)

    found = by_best_sentence([topic, answer], QUESTIONS["en"], multilingual)

    assert [one.document for one in found] == ["answer", "topic"]


def test_english_alone_and_no_model_change_nothing(multilingual: Multilingual) -> None:
    passages = [
        _passage("one", OTHERS["en"], relevance=0.2, language="en"),
        _passage("two", VACATION["en"], relevance=0.4, language=""),
    ]

    assert by_best_sentence(passages, QUESTIONS["en"], multilingual) == tuple(passages)
    assert by_best_sentence(passages, QUESTIONS["de"], None) == tuple(passages)
    assert by_best_sentence([], QUESTIONS["de"], multilingual) == ()


def test_a_passage_that_was_preferred_for_the_asker_stays_before_its_equal(
    multilingual: Multilingual,
) -> None:
    preferred = _passage("for their country", VACATION["de"], relevance=0.40)
    other = _passage("for another", VACATION["de"], relevance=0.45)

    found = by_best_sentence([preferred, other], QUESTIONS["de"], multilingual)

    assert [one.document for one in found] == ["for their country", "for another"]
