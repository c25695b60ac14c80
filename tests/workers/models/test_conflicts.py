"""Two pages that say different things of one thing: the answer names both, and nothing else."""

from collections.abc import Mapping
from datetime import date

import pytest

from tests.workers.models.pages import MINI, MULTI, passages
from workers.models.base import Draft, Profile
from workers.models.embedded import QuotingAnswerer

TODAY = date(2026, 11, 30)
NEW, OLD = date(2026, 3, 3), date(2024, 6, 1)
SITES = (("Kiel", "DE"), ("Newport", "US"))

Pages = Mapping[str, str]


def drafted(question: str, pages: Pages, dates: Mapping[str, date]) -> Draft:
    """What is written to a person; the second page is the newer one."""
    found = passages(question, pages, dates)
    profile = Profile(today=TODAY, sites=SITES)
    return QuotingAnswerer(MINI, MULTI).write(question, found, profile=profile)


def said(question: str, one: str, two: str, names: tuple[str, str] = ("a.md", "b.md")) -> list[str]:
    dates = {names[0]: OLD, names[1]: NEW}
    draft = drafted(question, dict(zip(names, (one, two), strict=True)), dates)
    return [sentence.text for sentence in draft.sentences]


DIFFERENT = {
    "days": (
        "how many days of vacation do skippers get",
        "# Harbour FAQ\n\n## Vacation\n\nSkippers get 25 days of vacation a year.",
        "# Leave policy\n\n## Vacation\n\nEvery skipper has 30 days of paid vacation per year.",
        ("30 days", "25 days"),
    ),
    "money": (
        "how much may a hotel cost",
        "# New at the harbour\n\n## Travel\n\nA hotel may cost up to EUR 120 a night.",
        "# Travel policy\n\n## Hotels\n\nWe pay for hotels up to EUR 150 a night.",
        ("EUR 150", "EUR 120"),
    ),
    "a limit in words": (
        "how long do I have to hand in receipts",
        "# Expenses FAQ\n\n## Receipts\n\nHand in your receipts within four weeks.",
        "# Expenses\n\n## Receipts\n\nReceipts have to be handed in within two weeks.",
        ("two weeks", "four weeks"),
    ),
    "a time of day": (
        "until what time can I order lunch",
        "# Kitchen notes\n\n## Lunch\n\nLunch can be ordered until 10:30.",
        "# Canteen\n\n## Lunch\n\nYou can order lunch until 9:45 in the portal.",
        ("9:45", "10:30"),
    ),
    "a date": (
        "when is the summer party",
        "# Crew news\n\n## Summer party\n\nThe summer party is on 12 June 2027.",
        "# Calendar\n\n## Summer party\n\nThe summer party takes place on 19 June 2027.",
        ("19 June 2027", "12 June 2027"),
    ),
    "a person": (
        "who approves the repair of a boat",
        "# Repairs FAQ\n\n## Approval\n\nThe repair of a boat is approved by Ada Kern.",
        "# Repairs\n\n## Approval\n\nBo Lind approves the repair of a boat.",
        ("Bo Lind", "Ada Kern"),
    ),
    "a weekday": (
        "on which day is the harbour office closed",
        "# Harbour FAQ\n\n## Office\n\nThe harbour office is closed on Mondays.",
        "# Opening hours\n\n## Harbour office\n\nOn Tuesdays the harbour office is closed.",
        ("Tuesdays", "Mondays"),
    ),
    "a day of the month": (
        "when are wages paid",
        "# Harbour FAQ\n\n## Wages\n\nWages are paid on the 28th of the month.",
        "# Payroll\n\n## Wages\n\nWages are paid on the 25th of each month.",
        ("25th", "28th"),
    ),
    "yes or no": (
        "are dogs allowed on the boats",
        "# Harbour FAQ\n\n## Dogs\n\nDogs are allowed on all boats.",
        "# House rules\n\n## Dogs\n\nDogs are not allowed on the boats.",
        ("“Dogs are not allowed on the boats.”", "“Dogs are allowed on all boats.”"),
    ),
    "English pages, German question": (
        "Wie viele Tage Urlaub bekommen Skipper?",
        "# Harbour FAQ\n\n## Vacation\n\nSkippers get 25 days of vacation a year.",
        "# Leave policy\n\n## Vacation\n\nSkippers have 30 days of paid vacation a year.",
        ("30 days", "25 days"),
    ),
    "Urlaub": (
        "Wie viele Tage Urlaub bekommen Skipper?",
        "# Fragen zum Hafen\n\n## Urlaub\n\nSkipper bekommen 25 Tage Urlaub im Jahr.",
        "# Urlaubsregelung\n\n## Urlaub\n\nAlle Skipper haben im Jahr 30 Tage Urlaub.",
        ("30 Tage", "25 Tage"),
    ),
    "Geld": (
        "Wie viel darf ein Hotel kosten?",
        "# Neu im Hafen\n\n## Reisen\n\nEin Hotel darf bis zu 120 Euro pro Nacht kosten.",
        "# Reiserichtlinie\n\n## Hotels\n\nHotels dürfen höchstens 150 Euro pro Nacht kosten.",
        ("150 Euro", "120 Euro"),
    ),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_pages_that_differ_are_named_with_both_dates_the_newest_first(name: str) -> None:
    question, one, two, values = DIFFERENT[name]
    first, differing, *rest = said(question, one, two)
    assert not rest
    new, old = (value.strip("“”") for value in values)
    assert new in first
    assert old not in first
    titles = [text.partition("\n")[0].removeprefix("# ") for text in (two, one)]
    assert differing == (
        f"Two pages differ: {values[0]} ({titles[0]}, Mar 3, 2026) and "
        f"{values[1]} ({titles[1]}, Jun 1, 2024)."
    )


def page(title: str, text: str, *, heading: str = "Vacation", top: str = "") -> str:
    return f"# {title}\n\n{top}\n\n## {heading}\n\n{text}"


GET_30, GET_25 = (f"Skippers get {days} days of vacation a year." for days in (30, 25))
SAME = {
    "the same": (page("FAQ", GET_30), page("Policy", GET_30)),
    "two countries": (page("Vacation in Germany", GET_30), page("Vacation in France", GET_25)),
    "one country": (page("Vacation", GET_30), page("Vacation in France", GET_25)),
    "two sites": (page("Kiel", GET_30), page("Newport", GET_25)),
    "interns": (
        page("FAQ", GET_30),
        page("Policy", "Interns on a boat get 25 days of vacation a year."),
    ),
    "a part": (
        page("FAQ", GET_30),
        page("Policy", "Skippers may carry over 5 days of vacation to the next year."),
    ),
    "another unit": (page("FAQ", GET_30), page("Policy", "Skippers get 5 weeks of vacation.")),
    "working days": (
        page("FAQ", GET_30),
        page("Policy", "Skippers get 25 working days of vacation a year."),
    ),
    "a condition": (
        page("FAQ", GET_25),
        page("Policy", "After five years skippers get 30 days of vacation a year."),
    ),
    "a past year": (page("FAQ", GET_30), page("Policy", f"In 2019: {GET_25}")),
    "from next year": (
        page("FAQ", GET_25),
        page("Policy", "From 1 January 2027 skippers get 30 days of vacation a year."),
    ),
    "obsolete": (page("FAQ", GET_30), page("Policy", GET_25, top="OBSOLETE. See the FAQ.")),
    "expired": (page("FAQ", GET_30), page("Policy", GET_25, top="Valid until 31 March 2026.")),
    "not yet": (page("FAQ", GET_25), page("Policy", GET_30, top="Valid from 1 January 2027.")),
    "versions": (page("Vacation v2", GET_25), page("Vacation v3", GET_30)),
    "two reports": (page("Report 2026-09", GET_25), page("Report 2026-10", GET_30)),
    "two boats": (
        page("FAQ", "On the Albatross skippers get 30 days of vacation a year."),
        page("Policy", "On the Bonito skippers get 25 days of vacation a year."),
    ),
    "rows": (
        page("FAQ", "| Who | Days |\n|---|---|\n| Skippers | 30 days |"),
        page("Policy", "| Who | Days |\n|---|---|\n| Skippers | 25 days |"),
    ),
    "something else": (
        page("FAQ", GET_30),
        page("Policy", "A skipper who is sick calls within 2 days.", heading="Sickness"),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_what_differs_in_more_than_the_value_is_no_conflict(name: str) -> None:
    told = said("how many days of vacation do skippers get", *SAME[name])
    assert told
    assert "differ" not in " ".join(told), told


def test_a_page_without_a_date_says_so_and_comes_last() -> None:
    pages = {"a.md": page("Policy", GET_25), "b.md": page("FAQ", GET_30)}
    draft = drafted("how many days of vacation do skippers get", pages, {"b.md": OLD})
    first, differing = draft.sentences
    assert first.text == GET_30
    assert differing.text == (
        "Two pages differ: 30 days (FAQ, Jun 1, 2024) and 25 days (Policy, no date)."
    )


def test_a_pages_own_date_counts_before_that_of_its_file() -> None:
    pages = {
        "a.md": page("Policy", GET_25, top="As of 1 October 2026."),
        "b.md": page("FAQ", GET_30),
    }
    draft = drafted("how many days of vacation do skippers get", pages, {"a.md": OLD, "b.md": NEW})
    assert draft.sentences[0].text == GET_25
    assert "25 days (Policy, Oct 1, 2026) and 30 days (FAQ, Mar 3, 2026)" in draft.sentences[1].text


def test_three_pages_differ() -> None:
    pages = {
        "a.md": page("FAQ", GET_25),
        "b.md": page("Policy", GET_30),
        "c.md": page("Wiki", "Skippers get 28 days of vacation a year."),
    }
    dates = {"a.md": OLD, "b.md": NEW, "c.md": date(2025, 1, 1)}
    draft = drafted("how many days of vacation do skippers get", pages, dates)
    assert draft.sentences[1].text == (
        "3 pages differ: 30 days (Policy, Mar 3, 2026), 28 days (Wiki, Jan 1, 2025), "
        "and 25 days (FAQ, Jun 1, 2024)."
    )


def test_the_sentence_that_names_a_conflict_rests_on_both_pages() -> None:
    found = passages(
        "how many days of vacation do skippers get",
        {"a.md": page("FAQ", GET_25), "b.md": page("Policy", GET_30)},
        {"a.md": OLD, "b.md": NEW},
    )
    draft = QuotingAnswerer(MINI, MULTI).write("how many days of vacation do skippers get", found)
    first, differing = draft.sentences
    assert found[first.passage - 1].document == "b.md"
    (other,) = differing.beside
    assert (differing.passage, differing.quote) == (first.passage, GET_30)
    assert (found[other.passage - 1].document, other.quote) == ("a.md", GET_25)
