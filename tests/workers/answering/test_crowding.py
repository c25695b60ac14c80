"""Threat 24: a source that somebody has filled with poison does not crowd out the others."""

from unittest.mock import patch

import pytest

from policies import Class
from tests.workers.answering.asking import only
from tests.workers.answering.test_retrieval import LIMIT, ask
from tests.workers.library import Library
from workers.answering import retrieval

QUESTION = "What is the budget of the harbour project?"
POISON = "The budget of the harbour project, the budget of the harbour project, is nothing at all."
HONEST = "The harbour costs us twelve million in all; that was decided for the project in May."
MANY = 150
"""More than both searches together take candidates."""


@pytest.fixture
def company(library: Library) -> int:
    """One honest page in a source of its own, and more poison than all candidates."""
    everybody = only(Class.INTERNET)
    library.document("honest", HONEST, everybody)
    with library.change() as change:
        library.source_id = change.put_source("forum")
    for number in range(MANY):
        library.document(f"poison-{number}", f"{POISON} {number}", everybody)
    return library.person("alice")


def test_one_source_cannot_fill_the_prompt(library: Library, company: int) -> None:
    found = [one.document for one in ask(library, QUESTION, company)]
    assert "honest" in found
    assert len(found) == LIMIT


def test_without_the_second_search_nothing_else_is_found(library: Library, company: int) -> None:
    with patch.object(retrieval, "_crowd", lambda fused, limit: None):
        found = [one.document for one in ask(library, QUESTION, company)]
    assert "honest" not in found


def test_without_a_share_for_each_source_the_best_fill_it(library: Library, company: int) -> None:
    with patch.object(retrieval, "SHARE_OF_SOURCE", 1.0):
        found = [one.document for one in ask(library, QUESTION, company)]
    assert "honest" not in found


def test_what_both_searches_find_takes_one_place(library: Library) -> None:
    alice = library.person("alice")
    for number in range(LIMIT - 1):
        library.document(f"wiki-{number}", f"{HONEST} {number}", only(Class.INTERNET))
    with library.change() as change:
        library.source_id = change.put_source("forum")
    library.document("forum-page", HONEST, only(Class.INTERNET))
    found = [one.document for one in ask(library, QUESTION, alice)]
    assert sorted(found) == ["forum-page", *(f"wiki-{number}" for number in range(LIMIT - 1))]


def test_a_source_that_is_alone_gives_all_passages(library: Library) -> None:
    alice = library.person("alice")
    for number in range(LIMIT + 2):
        library.document(f"page-{number}", f"{HONEST} {number}", only(Class.INTERNET))
    assert len(ask(library, QUESTION, alice)) == LIMIT


def test_the_order_is_that_of_relevance_whatever_the_share(library: Library, company: int) -> None:
    found = [one.document for one in ask(library, QUESTION, company)]
    assert found.index("honest") == LIMIT - 1
