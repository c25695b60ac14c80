"""Ken's own words in one language: which, what falls back, and what values may do."""

from datetime import date
from threading import Thread

import pytest

from workers.replies.rendering import NOTHING_FOUND
from workers.wording import text
from workers.wording.text import age, around, formatted, gettext, ngettext, speaking, spoken


def test_english_is_spoken_until_somebody_says_otherwise() -> None:
    assert spoken() == "en"
    assert gettext("Sources") == "Sources"
    with speaking("de"):
        assert spoken() == "de"
        assert gettext("Sources") == "Quellen"
        with speaking("fr"):
            assert gettext("Untitled") == "Sans titre"
        assert gettext("Untitled") == "Ohne Titel"
    assert spoken() == "en"


@pytest.mark.parametrize("language", ["", "it", "../de", "de.po", "DE", "x" * 9999])
def test_a_language_that_is_not_ours_is_english(language: str) -> None:
    with speaking(language):
        assert spoken() == "en"
        assert gettext("Sources") == "Sources"


def test_a_text_without_a_translation_stays_english() -> None:
    with speaking("de"):
        assert (
            gettext("Nobody has translated {what}.", what="this") == "Nobody has translated this."
        )
        assert gettext("") == ""


def test_without_its_catalogue_a_language_is_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "TRANSLATED", (*text.TRANSLATED, "pl"))
    with speaking("pl"):
        assert spoken() == "pl"
        assert gettext(NOTHING_FOUND) == NOTHING_FOUND


def test_a_value_is_not_read_again() -> None:
    """Names and titles may hold braces, percent signs and places of ours."""
    for hostile in ("{name}", "{0.__class__}", "%(name)s", "{number}{", "\\1", "}{", "{{name}}"):
        with speaking("de"):
            shown = gettext("In Slack you are {name}.", name=hostile)
        assert shown == f"In Slack bist du {hostile}."


def test_a_place_without_a_value_stays() -> None:
    assert gettext("{words} (question {number})", number=3) == "{words} (question 3)"


def test_another_thread_speaks_english() -> None:
    heard = []
    with speaking("es"):
        thread = Thread(target=lambda: heard.append(spoken()))
        thread.start()
        thread.join()
    assert heard == ["en"]


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("en", ["Reading 0 documents", "Reading 1 document", "Reading 2 documents"]),
        ("de", ["Ich lese 0 Dokumente", "Ich lese 1 Dokument", "Ich lese 2 Dokumente"]),
        ("fr", ["Je lis 0 document", "Je lis 1 document", "Je lis 2 documents"]),
        ("es", ["Leo 0 documentos", "Leo 1 documento", "Leo 2 documentos"]),
    ],
)
def test_plurals_follow_the_language(language: str, forms: list[str]) -> None:
    with speaking(language):
        assert [
            ngettext("Reading {number} document", "Reading {number} documents", number)
            for number in range(3)
        ] == forms


def test_what_stands_around_a_place() -> None:
    with speaking("de"):
        assert around("{colleague} would like a person to answer this:", "colleague") == (
            "",
            " wünscht sich dazu eine Antwort von einem Menschen:",
        )


TODAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("updated", "english", "german"),
    [
        (date(2026, 11, 30), "updated today", "heute aktualisiert"),
        (date(2026, 11, 29), "updated 1 day ago", "vor 1 Tag aktualisiert"),
        (date(2026, 11, 24), "updated 6 days ago", "vor 6 Tagen aktualisiert"),
        (date(2026, 11, 9), "updated 3 weeks ago", "vor 3 Wochen aktualisiert"),
        (date(2026, 6, 1), "updated 6 months ago", "vor 6 Monaten aktualisiert"),
        (date(2025, 12, 1), "updated 12 months ago", "vor 12 Monaten aktualisiert"),
        (date(2025, 11, 30), "as of Nov 30, 2025", "Stand 30.11.2025"),
        (date(2027, 1, 2), "as of Jan 2, 2027", "Stand 02.01.2027"),
    ],
)
def test_the_age_of_a_page(updated: date, english: str, german: str) -> None:
    assert age(updated, TODAY) == english
    with speaking("de"):
        assert age(updated, TODAY) == german


def test_the_age_in_french_and_spanish() -> None:
    with speaking("fr"):
        assert age(date(2026, 11, 9), TODAY) == "mis à jour il y a 3 semaines"
        assert age(date(2024, 3, 12), TODAY) == "version du 12 mars 2024"
    with speaking("es"):
        assert age(date(2026, 11, 9), TODAY) == "actualizado hace 3 semanas"
        assert age(date(2024, 3, 12), TODAY) == "versión del 12 mar 2024"


def test_numbers_are_written_as_the_language_does() -> None:
    assert formatted(4000) == "4,000"
    with speaking("de"):
        assert formatted(4000) == "4.000"
