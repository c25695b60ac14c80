"""How rare a word is in English at large."""

import pytest

from workers.models.rarity import rarity


def test_the_commonest_word_weighs_nothing_and_an_unknown_one_everything() -> None:
    assert rarity("the") == 0.0
    assert rarity("csinode") == 1.0


@pytest.mark.parametrize(
    ("common", "rare"), [("of", "how"), ("how", "week"), ("week", "indicators"), ("who", "payroll")]
)
def test_rarer_words_weigh_more(common: str, rare: str) -> None:
    assert rarity(common) < rarity(rare)


@pytest.mark.parametrize("name", ["KEP-4876", "4876", "RFC3425", "timesheet", "🙂"])
def test_numbers_names_and_compounds_are_rare(name: str) -> None:
    assert rarity(name) == 1.0


def test_case_and_accents_make_no_difference() -> None:
    assert rarity("Résumé") == rarity("resume")


def test_no_word_lies_outside_the_scale() -> None:
    words = ["", " ", "a", "7", "?", "x" * 10_000, "zwölf", "日", "the"]

    assert all(0.0 <= rarity(word) <= 1.0 for word in words)
    assert rarity("") == 0.0
