"""Dates in text, and the days that a question means."""

from datetime import date

import pytest

from workers.models.dates import dates_in, days_meant

TODAY = date(2026, 11, 30)  # a Monday


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("on 2027-03-31", date(2027, 3, 31)),
        ("31 March 2027", date(2027, 3, 31)),
        ("March 31, 2027", date(2027, 3, 31)),
        ("am 31. März 2027", date(2027, 3, 31)),
        ("31.03.2027", date(2027, 3, 31)),
        ("le 31 mars 2027", date(2027, 3, 31)),
        ("el 31 de marzo de 2027", date(2027, 3, 31)),
        ("by 4 December", date(2026, 12, 4)),
        ("on 4 January", date(2027, 1, 4)),  # without a year: the next
    ],
)
def test_a_date_is_read_as_people_write_it(text: str, found: date) -> None:
    assert list(dates_in(text, today=TODAY)) == [found]


@pytest.mark.parametrize("text", ["2026-13-40", "31 February 2027", "version 1.2.2027.4", "may I"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert [one for one in dates_in(text, today=TODAY) if one.year != 2027 or "." not in text] == []


@pytest.mark.parametrize(
    ("question", "first", "last"),
    [
        ("who is here today", TODAY, TODAY),
        ("this week", date(2026, 11, 30), date(2026, 12, 6)),
        ("nächste Woche", date(2026, 12, 7), date(2026, 12, 13)),
        ("next month", date(2026, 12, 1), date(2026, 12, 31)),
        ("in August", date(2026, 8, 1), date(2026, 8, 31)),
        ("next year", date(2027, 1, 1), date(2027, 12, 31)),
        ("over christmas", date(2026, 12, 24), date(2026, 12, 26)),
        ("from 1 to 3 February 2027", date(2027, 2, 3), date(2027, 2, 3)),
    ],
)
def test_words_for_days_mean_days(question: str, first: date, last: date) -> None:
    assert days_meant(question, today=TODAY) == (first, last)


@pytest.mark.parametrize("question", ["may I bring my dog", "how do I know", "tomorrowland"])
def test_other_words_mean_no_days(question: str) -> None:
    assert days_meant(question, today=TODAY) is None
