"""The dictionary of synonyms: four languages, general words, and German compounds."""

from importlib.resources import files

import pytest

from workers.models.stems import stem, stems
from workers.models.synonyms import is_known, synonymous_words, with_synonyms

LINES = (files("workers.models") / "synonyms.txt").read_text(encoding="utf-8").splitlines()


def test_a_group_has_different_words_in_each_of_four_languages() -> None:
    wrong: list[str] = []
    for number, line in enumerate(LINES, start=1):
        columns = [] if line.startswith("#") else [words.split() for words in line.split("|")]
        if columns and (len(columns) != 4 or not all(columns)):
            wrong.append(f"line {number}: four columns with words")
        wrong += [
            f"line {number}: {word}"
            for words in columns
            for word in words
            if words.count(word) > 1 or word != word.lower()
        ]
    assert not wrong


@pytest.mark.parametrize(
    ("word", "language", "to", "one"),
    [
        ("urlaub", "de", "en", "vacation"),
        ("Kündigungsfrist", "de", "en", "notice"),
        ("Krankschreibung", "de", "en", "certificate"),
        ("congés", "fr", "en", "vacation"),
        ("vacaciones", "es", "de", "urlaub"),
        ("salary", "en", "fr", "salaire"),
        ("salary", "", "", "wage"),
        ("salary", "xx", "en", "wage"),
    ],
)
def test_a_word_has_its_synonyms_in_each_language(
    word: str, language: str, to: str, one: str
) -> None:
    assert one in synonymous_words(word, language, to)
    assert word.casefold() not in synonymous_words(word, language, to)


@pytest.mark.parametrize(
    ("compound", "one"),
    [("Sommerurlaub", "vacation"), ("Besucherbuch", "visitor"), ("Firmenhandy", "phone")],
)
def test_a_german_compound_is_what_it_ends_with_or_else_begins_with(
    compound: str, one: str
) -> None:
    assert one in synonymous_words(compound, "de", "en")


@pytest.mark.parametrize("word", ["Quokka", "", "Zzzz", "12", "ei", "au"])
def test_a_word_in_no_group_stands_for_itself_alone(word: str) -> None:
    assert synonymous_words(word, "en", "de") == ()


def test_the_words_of_a_german_page_are_met_by_an_english_question() -> None:
    held = with_synonyms(stems("Der Urlaub beträgt 30 Tage", "de"), "de", "en")
    assert stem("holiday", "en") in held
    assert stem("days", "en") in held
    assert stem("salary", "en") not in held


def test_a_very_long_word_costs_little() -> None:
    assert not is_known("x" * 40_000, "de")
