"""What is worked out of whole tables: the row that fits, the largest, the next, counts and sums."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from unittest.mock import patch

import pytest

from workers.models import embedded
from workers.models.base import NOBODY, Passage, Profile, Sentence, Span
from workers.models.embedded import QuotingAnswerer, _of_rows
from workers.models.embedder import MiniLM
from workers.models.tables import Worked, tables_in, work_out
from workers.models.weighing import understand
from workers.wording.text import speaking

TODAY = date(2026, 11, 30)
BOATS = (
    "boat: Gannet; harbour: Kiel; berths: 6; price: EUR 210,000; built: 2009; leaky: no.",
    "boat: Heron; harbour: Brest; berths: 4; price: EUR 95,500; built: 1998; leaky: yes.",
    "boat: Kestrel; harbour: Kiel; berths: 8; price: EUR 1,250,000; built: 2021; leaky: no.",
)
WATCH = (
    "from: 2026-11-23; to: 2026-11-30; watch: Ada Kern; deputy: Bo Lind.",
    "from: 2026-11-30; to: 2026-12-07; watch: Bo Lind; deputy: Cleo Marsh.",
    "from: 2026-12-07; to: 2026-12-14; watch: Cleo Marsh; deputy: Ada Kern.",
)


def table(rows: Sequence[str], title: str) -> list[Passage]:
    """One chunk a row, as a long table is stored."""
    return [
        Passage(
            chunk_id=at,
            document_id=1,
            document=f"lists/{title}.csv",
            title=title,
            heading="",
            text=row,
            url=None,
            anchor="",
            source="files",
            updated_at=None,
            spans=(Span("row", 0, len(row)),),
            relevance=0.5,
        )
        for at, row in enumerate(rows, start=1)
    ]


def worked(
    question: str, rows: Sequence[str], title: str, profile: Profile = NOBODY
) -> Worked | None:
    (found,) = tables_in(table(rows, title))
    asked = understand(question)
    return work_out(found, asked, profile, TODAY)


def told_rows(found: Worked) -> list[Sentence]:
    return list(_of_rows(found))


def first_cells(answer: Worked | None) -> list[str]:
    assert answer is not None
    return [next(iter(row.cells.values())) for row in answer.rows]


def test_rows_have_the_columns_that_stand_before_their_colons() -> None:
    (found,) = tables_in(table(BOATS, "boats"))
    assert found.columns == ("boat", "harbour", "berths", "price", "built", "leaky")
    assert found.rows[1].cells["harbour"] == "Brest"


def test_a_colon_or_semicolon_within_a_cell_makes_no_column() -> None:
    rows = [*WATCH, "from: 2026-12-14; to: 2026-12-21; watch: Bo Lind; deputy: none; see: note."]
    (found,) = tables_in(table([*rows, *WATCH * 5], "watch"))
    assert "see" not in found.columns or found.rows[3].cells["deputy"].startswith("none")


@pytest.mark.parametrize(
    ("question", "boats"),
    [
        ("what is our most expensive boat", ["Kestrel"]),
        ("cheapest boat in kiel", ["Gannet"]),
        ("which boat has the most berths", ["Kestrel"]),
        ("our oldest boat?", ["Heron"]),
        ("which boats are leaky", ["Heron"]),
    ],
)
def test_rows_are_compared(question: str, boats: list[str]) -> None:
    assert first_cells(worked(question, BOATS, "boats")) == boats


@pytest.mark.parametrize(
    ("question", "figure"),
    [
        ("how many boats are in kiel", "2"),
        ("how many berths do the boats have in total", "18"),
        ("how many berths have the boats in kiel", "14"),
    ],
)
def test_rows_are_counted_and_added_up(question: str, figure: str) -> None:
    answer = worked(question, BOATS, "boats")
    assert answer is not None
    assert answer.figure == figure


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ["1 (from 1 row)", "2 (from 2 rows)"]),
        ("de", ["1 (aus 1 Zeile)", "2 (aus 2 Zeilen)"]),
        ("fr", ["1 (sur 1 ligne)", "2 (sur 2 lignes)"]),
        ("es", ["1 (de 1 fila)", "2 (de 2 filas)"]),
    ],
)
def test_how_many_rows_were_counted_is_told_in_the_language_of_the_reply(
    language: str, told: list[str]
) -> None:
    rows = tables_in(table(BOATS, "boats"))[0].rows
    with speaking(language):
        first = [told_rows(Worked(rows[:many], figure=str(many)))[0] for many in (1, 2)]
    assert [one.text for one in first] == told
    assert [one.bold for one in first] == [("1",), ("2",)]


@pytest.mark.parametrize(
    "question",
    [
        "how many boats were sold to Norway",  # nothing here speaks of it
        "how many boats are leaky in harbour towns with a lighthouse",
        "how many people work here",
    ],
)
def test_nothing_is_counted_if_a_word_of_the_question_fits_nothing(question: str) -> None:
    assert worked(question, BOATS, "boats") is None


def test_a_sum_over_rows_that_may_be_lost_or_won_is_not_given() -> None:
    rows = ["deal: A; value: 100; stage: won.", "deal: B; value: 50; stage: lost."]
    assert worked("total value of the deals", rows, "deals") is None


@pytest.mark.parametrize(
    ("question", "person"),
    [
        ("who has the watch this week", "2026-11-30"),
        ("who has the watch next week", "2026-12-07"),
        ("who had the watch on 25 November 2026", "2026-11-23"),
    ],
)
def test_the_row_is_found_whose_days_are_meant(question: str, person: str) -> None:
    assert first_cells(worked(question, WATCH, "watch")) == [person]


FINDINGS = [
    "where: Kiel; finding: a blocked basin; due: 2026-11-02.",
    "where: Brest; finding: a loose cable; due: 2026-11-09.",
    "where: Genoa; finding: a cracked step; due: 2026-12-15.",
]


def test_a_row_of_another_day_does_not_answer() -> None:
    assert worked("how did Brest do in October", FINDINGS, "findings") is None
    assert first_cells(worked("what is due in Brest", FINDINGS, "findings")) == ["Brest"]


FEES = (
    "Fee: Marketing share; How much: 1.5 % of net sales; When: monthly, by the 10th.",
    "Fee: Training; How much: EUR 900; When: once, before the opening.",
)


def test_a_row_that_hardly_fits_is_no_answer_though_its_words_do() -> None:
    fees = tuple(replace(one, relevance=0.1) for one in table(FEES, "fees"))
    answerer = QuotingAnswerer(MiniLM.load(threads=1))
    (sentence,) = answerer.write("how much is the marketing share", fees).sentences
    assert "1.5 %" in sentence.text
    asked = "what share of my own turnover do you take from me"
    assert answerer.write(asked, fees).sentences == ()
    with patch.object(embedded, "_is_found", lambda *_: True):
        assert answerer.write(asked, fees).sentences != ()


def test_a_country_alone_chooses_rows_only_where_several_are_asked_for() -> None:
    rows = ("quay: North; country: Germany.", "quay: South; country: Germany.",
            "quay: West; country: Spain.")  # fmt: skip
    assert first_cells(worked("which quays are in Germany", rows, "quays")) == ["North", "South"]
    assert worked("are quays long in Germany", rows, "quays and long piers") is None


def test_the_last_day_of_a_week_belongs_to_the_next_one() -> None:
    assert first_cells(worked("who has the watch today", WATCH, "watch")) == ["2026-11-30"]


def test_the_rows_of_the_person_who_asks_come_first() -> None:
    bo = Profile(name="Bo Lind")
    assert first_cells(worked("when do I have the watch this week", WATCH, "watch", bo)) == [
        "2026-11-30"
    ]


def test_next_is_the_first_day_from_today_on() -> None:
    rows = ["fair: Kiel; day: 2026-10-01.", "fair: Brest; day: 2027-03-01.",
            "fair: Genoa; day: 2027-01-15."]  # fmt: skip
    assert first_cells(worked("when is the next fair", rows, "fairs")) == ["Genoa"]
