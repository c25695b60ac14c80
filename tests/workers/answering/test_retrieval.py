"""Ranking inside what the policy allows, on real PostgreSQL with vectors of our own."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from policies import Audience, Class
from policies.described import Permissions
from policies.tables.people import UserStatus
from tests.workers.answering.asking import only
from tests.workers.library import Library, direction
from workers.answering.retrieval import MAX_QUESTION, PER_DOCUMENT, retrieve
from workers.index.copy import Index
from workers.models.base import Passage

LIMIT = 8
HOSTILE = [
    "it's Bob's budget",
    "it''s \\' \\\\' budget",
    'say "budget" or ""budget""',
    "budget & ! | <-> <2> ( ) :* :A",
    "!!budget & (budget | !budget",
    "budget:*",
    "'; DROP TABLE chunk; --",
    "') OR 1=1 --",
    "$$budget$$ $1 %s %(budget)s :budget {budget} \\x00",
    "budget_%_[a-z]*",
    "bud\u200bget budget",
    "👍🏽 👩‍👩‍👧 🇩🇪",
    "予算はいくらですか",
    "",
    " \t\n ",
    "?",
    "the of and is",
    "\u0000budget\ud800",
    "budget " * 1429,
    "x" * 10_000,
    "' " * 5_000,
    "\\" * 10_000,
    "👍" * 10_000,
    " ".join(f"word{number}" for number in range(2_000)),
]
"""Questions that are more than words, to a parser that takes them for its own language."""


def ask(
    library: Library,
    question: str,
    *subjects: int,
    limit: int = LIMIT,
    per_document: int = PER_DOCUMENT,
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
            per_document=per_document,
            index=Index(),
        )


def names(passages: tuple[Passage, ...]) -> list[str]:
    return [passage.document for passage in passages]


def test_only_what_all_of_the_audience_may_read_is_found(library: Library) -> None:
    """Threats 1 and 11: the question fits each page equally, by words and by meaning."""
    alice, bob = library.person("alice"), library.person("bob")
    gone = library.person("gone", status=UserStatus.SUSPENDED)
    library.document("hers", "The budget is ten million.", only(alice))
    library.document("his", "The budget is ten million.", only(bob, gone))
    library.document("ours", "The budget is ten million.", only(alice, bob))
    library.document("anybodys", "The budget is ten million.", only(Class.INTERNET))
    library.document("nobodys", "The budget is ten million.")

    def found(*subjects: int) -> set[str]:
        return set(names(ask(library, "What is the budget?", *subjects)))

    assert found(alice) == {"hers", "ours", "anybodys"}
    assert found(bob) == {"his", "ours", "anybodys"}
    assert found(alice, bob) == {"ours", "anybodys"}
    assert found(alice, bob, 0) == {"anybodys"}
    assert found(0) == {"anybodys"}
    assert found(gone) == set()
    assert found(alice, gone) == set()


def test_a_passage_brings_what_a_reply_needs(library: Library) -> None:
    alice = library.person("alice")
    node_id = library.document(
        "handbook",
        "The budget is ten million.",
        only(alice),
        title="Handbook",
        heading="Money",
        anchor="money",
    )
    (passage,) = ask(library, "budget", alice)
    assert replace(passage, relevance=0.0, chunk_id=0) == Passage(
        chunk_id=0,
        document_id=node_id,
        document="handbook",
        title="Handbook",
        heading="Money",
        text="The budget is ten million.",
        url="https://wiki.acme.example/handbook",
        anchor="money",
        source="world",
        updated_at=None,
        language="en",
    )


def test_the_nearest_come_first_and_words_count_too(library: Library) -> None:
    alice = library.person("alice")
    library.embedder.vectors["question"] = direction(1)
    library.document("far", "alpha", only(alice), vectors=[direction(0, 1)])
    library.document("near", "beta", only(alice), vectors=[direction(1, 0.1)])
    library.document("between", "gamma", only(alice), vectors=[direction(1, 1)])
    assert names(ask(library, "question", alice)) == ["near", "between", "far"]

    library.document("said", "the question", only(alice), vectors=[direction(1, 0.1)])
    assert names(ask(library, "question", alice))[0] == "said"


def test_a_document_gives_a_few_passages_at_most(library: Library) -> None:
    """Threat 24: one page that repeats the question does not crowd out the others."""
    alice = library.person("alice")
    library.document("spam", ["What is the budget?"] * 40, only(alice))
    for number in range(4):
        library.document(f"page {number}", f"Page {number} has the budget.", only(alice))

    found = Counter(names(ask(library, "What is the budget?", alice)))
    assert found["spam"] == PER_DOCUMENT
    assert set(found) == {"spam", *(f"page {number}" for number in range(4))}
    alone = Counter(names(ask(library, "What is the budget?", alice, per_document=1)))
    assert set(alone.values()) == {1}
    assert len(ask(library, "What is the budget?", alice, limit=2)) == 2


def test_vectors_of_another_model_take_no_part(library: Library) -> None:
    alice = library.person("alice")
    library.embedder.vectors["question"] = direction(1)
    library.document("ours", "alpha", only(alice), vectors=[direction(1)])
    library.embedder.name = "another"
    library.document("theirs", "beta", only(alice), vectors=[direction(1)])

    library.embedder.name = "words"
    assert names(ask(library, "question", alice)) == ["ours"]
    library.embedder.name = "another"
    assert names(ask(library, "question", alice)) == ["theirs"]
    library.embedder.name = "unknown"
    assert ask(library, "question", alice) == ()


@pytest.fixture
def budget(library: Library) -> int:
    """Alice; she may read one page about the budget, and there is one more."""
    alice, bob = library.person("alice"), library.person("bob")
    library.document("hers", "The budget is ten million, it's Bob's.", only(alice))
    library.document("his", "The budget is ten million, it's Bob's.", only(bob))
    return alice


@pytest.mark.parametrize("question", HOSTILE, ids=range(len(HOSTILE)))
def test_no_question_breaks_the_search_or_widens_it(
    library: Library, budget: int, question: str
) -> None:
    """Threats 31 and 40: operators, quotes, emoji, nothing at all, and far too much."""
    assert names(ask(library, question, budget)) == ["hers"]
    with library.database.session("indexer") as session:
        assert session.scalar(text("SELECT count(*) FROM chunk")) == 2


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.one_of(
        st.text(),
        st.text(alphabet="'\"\\&|!()<>:*- budget", max_size=60),
        st.lists(st.sampled_from([*HOSTILE[:14], "budget"])).map(" ".join),
    )
)
def test_no_text_at_all_breaks_the_search(library: Library, budget: int, question: str) -> None:
    """Threat 31, fuzzed."""
    assert names(ask(library, question, budget)) == ["hers"]


def test_words_far_into_an_endless_question_take_no_part(library: Library, budget: int) -> None:
    """Threat 40: the work on one question is bounded."""
    vector = library.embedder.embed_one("nothing")
    library.embedder.vectors |= {"x " * MAX_QUESTION + "budget": vector, "x budget": vector}
    (late,) = ask(library, "x " * MAX_QUESTION + "budget", budget)
    (early,) = ask(library, "x budget", budget)
    assert late.relevance < early.relevance


def test_what_the_audience_may_not_read_changes_nothing(library: Library) -> None:
    """Threats 16 and 18: the result is the same, to the last digit of every number.

    The hidden documents are nearer than all others, hold the rare words many times, fill every
    list of candidates, and share folders and titles with what may be read.
    """
    alice, bob = library.person("alice"), library.person("bob")
    folder = library.folder("shared folder")
    for number in range(12):
        library.document(
            f"open {number}",
            [f"The zyzzyva budget of team {number} is {number} million.", f"Part {number}."],
            only(alice),
            title="Budget" if number % 3 else "Plan",
            inside=folder,
        )
    questions = ["What is the zyzzyva budget of team 7?", "budget", "unrelated words", ""]
    before = [ask(library, question, alice) for question in questions]
    assert before[0]

    for number in range(15):
        library.document(
            f"hidden {number}",
            [*questions[:3] * 3, "zyzzyva " * 50, "budget " * 50, "team 7"],
            only(bob) if number % 2 else Permissions(),
            title="Budget",
            inside=folder,
        )

    after = [ask(library, question, alice) for question in questions]
    assert after == before
    assert "hidden 1" in names(ask(library, questions[0], bob))


def test_what_was_hidden_and_is_gone_leaves_no_trace(library: Library) -> None:
    """Threats 16 and 39: also not in the order of equals."""
    alice, bob = library.person("alice"), library.person("bob")
    for number in range(6):
        library.document(f"open {number}", "The same budget.", only(alice))
    before = ask(library, "budget", alice)
    hidden = [
        library.document(f"hidden {number}", "The same budget.", only(bob)) for number in range(6)
    ]
    assert ask(library, "budget", alice) == before
    for node_id in hidden:
        with library.change() as change:
            change.delete_document(node_id)
    assert ask(library, "budget", alice) == before
    assert ask(library, "budget", bob) == ()


def test_a_chunk_that_has_no_vector_yet_is_found_by_its_words(library: Library) -> None:
    alice = library.person("alice")
    library.document("done", "The budget is ten million.", only(alice))
    library.page("budget", only(alice))
    assert names(ask(library, "What is the budget?", alice)) == ["done", "budget"]
