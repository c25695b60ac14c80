"""What a page says of its own age, and which of several versions a question is about."""

from datetime import date

import pytest

from workers.models.base import Passage
from workers.models.validity import Validity, stated, validity_of
from workers.models.versions import superseded

TODAY = date(2026, 11, 30)


def page(document_id: int, title: str, opening: str = "", *, path: str = "") -> Passage:
    """A passage from somewhere in a page; its top is known."""
    return Passage(
        chunk_id=document_id,
        document_id=document_id,
        document=path or f"rules/{title.lower().replace(' ', '-')}.md",
        title=title,
        heading="Hotels",
        text="A night costs at most EUR 120.",
        url=None,
        anchor="",
        source="files",
        updated_at=None,
        opening=opening,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("In force from 1 July 2026. It replaces version 2.", Validity(begins=date(2026, 7, 1))),
        ("Valid from 1 January 2027.", Validity(begins=date(2027, 1, 1))),
        ("Gültig ab 1. Januar 2027", Validity(begins=date(2027, 1, 1))),
        ("Gilt ab dem 01.01.2027.", Validity(begins=date(2027, 1, 1))),
        ("Die Regel tritt am 1. März 2026 in Kraft.", Validity(begins=date(2026, 3, 1))),
        ("Applicable à partir du 1 janvier 2027", Validity(begins=date(2027, 1, 1))),
        ("Vigente desde el 1 de enero de 2027.", Validity(begins=date(2027, 1, 1))),
        ("Effective date: 2026-02-01", Validity(begins=date(2026, 2, 1))),
        ("Valid until 31 March 2026.", Validity(ends=date(2026, 3, 31))),
        ("Gültig bis 31. März 2026.", Validity(ends=date(2026, 3, 31))),
        ("Expires: March 31, 2026", Validity(ends=date(2026, 3, 31))),
        ("OBSOLETE since 1 July 2026: see version 3.", Validity(ends=date(2026, 7, 1))),
        (
            "Valid from 1 January to 31 December 2026. Do not share.",
            Validity(begins=date(2026, 1, 1), ends=date(2026, 12, 31)),
        ),
        (
            "Gültig vom 1. Dezember bis 31. Januar 2027.",
            Validity(begins=date(2026, 12, 1), ends=date(2027, 1, 31)),
        ),
        ("As of 3 March 2024", Validity(as_of=date(2024, 3, 3))),
        ("Stand: 03.03.2024", Validity(as_of=date(2024, 3, 3))),
        ("Stand: März 2024", Validity(as_of=date(2024, 3, 1))),
        ("Last updated on 3 March 2024 by Bo Lind.", Validity(as_of=date(2024, 3, 3))),
        ("Dernière mise à jour le 3 mars 2024", Validity(as_of=date(2024, 3, 3))),
        ("The party is on 3 March 2027. Bring cake until 4 March.", Validity()),
        ("Founded in May 2019 by two friends.", Validity()),
        ("The season ended on 17 May 2018 with a party.", Validity()),
    ],
)
def test_a_page_says_from_when_and_until_when_it_holds(text: str, said: Validity) -> None:
    assert stated(text) == said


@pytest.mark.parametrize(
    ("title", "opening", "path"),
    [
        ("Travel rules", "OBSOLETE: see the new page.", ""),
        ("Travel rules", "Owner: Bo. This page is obsolete.", ""),
        ("Travel rules", "This policy has been replaced by the travel guide.", ""),
        ("Reiseregeln", "Diese Richtlinie ist veraltet.", ""),
        ("Reiseregeln", "Diese Seite wurde durch den Reiseleitfaden ersetzt.", ""),
        ("Reiseregeln", "Status: archiviert", ""),
        ("Travel rules", "Status: superseded. Valid until: 2026-03-31.", ""),
        ("Travel rules", "Superseded by: travel-guide.", ""),
        ("Guía de viajes", "Esta página está obsoleta.", ""),
        ("Règles de voyage", "Obsolète. Voir la nouvelle page.", ""),
        ("Travel rules (archived)", "", ""),
        ("Travel rules", "", "archive/travel.md"),
        ("Travel rules", "", "hr/Archiv/travel.md"),
    ],
)
def test_a_page_says_that_it_is_old(title: str, opening: str, path: str) -> None:
    assert validity_of(page(1, title, opening, path=path), TODAY).is_old


@pytest.mark.parametrize(
    "opening",
    [
        "A battery that is out of date is replaced by the help desk.",
        "How to find deprecated calls and obsolete flags.",
        "The present version replaces the one of 2024.",
        "We list who may have archived files.",
    ],
)
def test_a_page_that_speaks_of_old_things_is_not_old(opening: str) -> None:
    assert not validity_of(page(1, "Batteries", opening), TODAY).is_old


def test_as_of_a_day_to_come_is_from_when_a_page_holds() -> None:
    says = validity_of(page(1, "Rates", "As of 1 January 2027"), TODAY)
    assert (says.as_of, says.begins) == (None, date(2027, 1, 1))


FAMILY = (
    page(1, "Travel v1", "In force from 1 April 2022."),
    page(2, "Travel v2", "In force from 1 April 2024."),
    page(3, "Travel v3", "In force from 1 July 2026."),
    page(4, "Travel v4", "Valid from 1 January 2027."),
)
DEUTSCH = (
    page(1, "Reiserichtlinie Fassung 1", "Gültig ab 1. April 2022."),
    page(2, "Reiserichtlinie Fassung 2", "Gültig ab 1. April 2024."),
    page(3, "Reiserichtlinie Fassung 3", "Gültig ab 1. Juli 2026."),
    page(4, "Reiserichtlinie Fassung 4", "Gültig ab 1. Januar 2027."),
)
YEARS = (page(1, "Price list 2025"), page(2, "Price list 2026"), page(3, "Price list 2027"))


@pytest.mark.parametrize(
    ("pages", "question", "meant"),
    [
        (FAMILY, "what is the hotel limit", 3),
        (FAMILY, "what was the hotel limit in 2025", 2),
        (FAMILY, "hotel limit in v2", 2),
        (FAMILY, "hotel limit in version 1", 1),
        (FAMILY, "hotel limit from 1 January 2027", 4),
        (FAMILY, "what will be the hotel limit next year", 4),
        (FAMILY, "what did the previous policy say about hotels", 2),
        (DEUTSCH, "Wie hoch ist die Hotelgrenze", 3),
        (DEUTSCH, "Wie hoch war die Hotelgrenze 2025", 2),
        (DEUTSCH, "Was stand in der Fassung 1", 1),
        (DEUTSCH, "Wie hoch ist die Hotelgrenze nächstes Jahr", 4),
        (DEUTSCH, "Was stand in der alten Reiserichtlinie", 2),
        (YEARS, "what does it cost", 2),
        (YEARS, "what did it cost last year", 1),
        (YEARS, "Was hat es letztes Jahr gekostet", 1),
        (YEARS, "what does it cost in 2027", 3),
        (YEARS, "what does it cost in 2026", 2),
    ],
)
def test_a_question_gets_the_version_of_its_time(
    pages: tuple[Passage, ...], question: str, meant: int
) -> None:
    old = superseded(pages, question, TODAY)
    assert {one.document_id for one in pages} - old.keys() == {meant}


@pytest.mark.parametrize(
    ("pages", "left"),
    [
        ((page(1, "Travel guide", "It replaces the travel rules."), page(2, "Travel rules")), {1}),
        ((page(1, "Reiseleitfaden", "Ersetzt die Reise Regeln."), page(2, "Reise Regeln")), {1}),
        ((page(1, "Travel", "Valid until 31 March 2026."), page(2, "Travel guide")), {2}),
        ((page(1, "Travel", "Valid until 31 March 2027."), page(2, "Travel guide")), {1, 2}),
        ((page(1, "Moorings v1"), page(2, "Radio v2")), {1, 2}),
        ((page(1, "Old Town office"), page(2, "Office")), {1, 2}),
    ],
)
def test_what_is_replaced_or_expired_comes_last(pages: tuple[Passage, ...], left: set[int]) -> None:
    old = superseded(pages, "what is the hotel limit", TODAY)
    assert {one.document_id for one in pages} - old.keys() == left


def test_a_past_year_that_no_old_page_is_about_changes_nothing() -> None:
    pages = (page(1, "Audit", "In force from 1 July 2026."), page(2, "Travel rules"))
    assert superseded(pages, "what was the score in 2025", TODAY) == {}


def test_pages_without_a_title_are_not_versions_of_each_other() -> None:
    pages = (page(1, "", "A page."), page(2, "", "In force from 1 July 2020."))
    assert superseded(pages, "what was it in 2018", TODAY) == {}


def test_hostile_tops_are_survived() -> None:
    for opening in ("valid until " * 60, "9" * 400, "valid from 99 May 0000", "\ud800" * 300):
        superseded([page(1, opening[:200], opening)], opening * 40, TODAY)
