"""A sentence is kept only if it follows from its quote and what is around it (threat 23)."""

import json
from pathlib import Path

import pytest

from tests.attack import claims as measuring
from tests.workers.answering.passages import passage
from workers.claims.check import check
from workers.claims.figure import equal
from workers.claims.figures import figures
from workers.claims.place import places_of
from workers.claims.verdict import Reason, Verdict

SET = Path(__file__).parents[2] / "attack" / "claims.jsonl"
RULES = passage(
    "Permanent employees in Germany may work abroad for up to 40 days a year, unless the tax team"
    " objects. Nora Feld approves requests of the sales team, and Ivo Brandt approves those of"
    " engineering. The lab is closed on Mondays. Receipts must be handed in before 31 March."
    " The old portal was switched off in 2024. Shared accounts are prohibited.",
    title="Handbook",
    heading="Rules",
    language="en",
)
TABLE = passage(
    "| Room | Floor | Seats | Screen | Price per hour |\n| --- | --- | --- | --- | --- |\n"
    "| Alster | 2 | 12 | yes | 45 EUR |\n| Elbe | 3 | 30 | no | 120 EUR |",
    title="Rooms",
    language="en",
)


def verdict(sentence: str, quote: str) -> Verdict:
    place = TABLE if "|" in quote else RULES
    return check(sentence, quote, place).verdict


@pytest.mark.parametrize(
    ("sentence", "quote", "reason"),
    [
        ("Shared accounts are allowed.", "Shared accounts are prohibited", Reason.NEGATION),
        ("The lab is open on Mondays.", "The lab is closed on Mondays", Reason.OPPOSITE),
        ("The lab is closed on Tuesdays.", "The lab is closed on Mondays", Reason.DATE),
        ("The lab is always closed.", "The lab is closed on Mondays", Reason.QUANTITY),
        ("The lab is closed on Mondays because of cleaning.", "The lab is closed on Mondays",
         Reason.CAUSE),
        ("The pool is closed on Mondays by order of the mayor.", "The lab is closed on Mondays",
         Reason.ADDED),
        ("Call the lab on Mondays.", "The lab is closed on Mondays", Reason.INSTRUCTION),
        ("The lab in Kiel is closed on Mondays.", "The lab is closed on Mondays", Reason.NAME),
        ("Permanent employees in Germany may work abroad for up to 60 days a year, unless the tax"
         " team objects.", "may work abroad for up to 40 days a year", Reason.NUMBER),
        ("Permanent employees in Germany may work abroad for up to 40 weeks a year, unless the tax"
         " team objects.", "may work abroad for up to 40 days a year", Reason.UNIT),
        ("Permanent employees in Germany may work abroad for at least 40 days a year, unless the"
         " tax team objects.", "may work abroad for up to 40 days a year", Reason.BOUND),
        ("Permanent employees in Germany must work abroad for up to 40 days a year, unless the tax"
         " team objects.", "may work abroad for up to 40 days a year", Reason.MODAL),
        ("Permanent employees in Germany may work abroad for up to 40 days a year.",
         "may work abroad for up to 40 days a year", Reason.CONDITION),
        ("Ivo Brandt approves requests of the sales team.", "approves requests of the sales team",
         Reason.PAIRING),
        ("Receipts must be handed in after 31 March.", "must be handed in before 31 March",
         Reason.BOUND),
        ("The old portal will be switched off in 2024.", "The old portal was switched off",
         Reason.STATUS),
        ("Shared portals are prohibited.", "in 2024. Shared accounts are", Reason.BORDER),
        ("Shared accounts are forbidden.", "Shared accounts are forbidden", Reason.QUOTE),
        ("Elbe has 12 seats.", "Elbe | 3 | 30", Reason.NUMBER),
        ("Elbe has 3 seats.", "Elbe | 3 | 30", Reason.CELL),
        ("The Elbe room has a screen.", "Elbe | 3 | 30 | no", Reason.CELL),
    ],
)  # fmt: skip
def test_what_does_not_follow_is_dropped_with_the_reason(
    sentence: str, quote: str, reason: Reason
) -> None:
    assert verdict(sentence, quote).reason is reason


@pytest.mark.parametrize(
    ("sentence", "quote"),
    [
        ("Shared accounts are not allowed.", "Shared accounts are prohibited"),
        ("The lab is not open on Mondays.", "The lab is closed on Mondays"),
        ("Receipts have to be handed in before 31.03.", "must be handed in before 31 March"),
        ("Staff in Germany with a permanent contract may work abroad for forty days a year at"
         " most, except if the tax team objects.", "may work abroad for up to 40 days a year"),
        ("Requests of the sales team are approved by Nora Feld.",
         "Nora Feld approves requests of the sales team"),
        ("In 2024 the old portal was turned off.", "The old portal was switched off in 2024"),
        ("Elbe has 30 seats.", "Elbe | 3 | 30"),
        ("The Alster room costs €45.00 per hour.", "Alster | 2 | 12 | yes | 45 EUR"),
        ("The Elbe room has no screen.", "Elbe | 3 | 30 | no"),
    ],
)  # fmt: skip
def test_what_follows_is_kept(sentence: str, quote: str) -> None:
    assert verdict(sentence, quote).is_kept, verdict(sentence, quote)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,200 EUR", "1.200 Euro"), ("€1.2m", "1.2 million euros"), ("$3k", "3,000 dollars"),
        ("20 Cent", "0,20 €"), ("31 December", "31.12."), ("2026-02-14", "14 February 2026"),
        ("16:30", "half past four"), ("10 pm", "22:00"), ("90 minutes", "1.5 hours"),
        ("18 months", "one and a half years"), ("90 days", "3 months"), ("2 GB", "2,048 MB"),
        ("66 % of all", "two thirds of all"), ("250 g", "a quarter of a kilo"),
        ("-18 °C", "minus 18 degrees"), ("zweihundertfünfzig Euro", "250 EUR"),
        ("28 Urlaubstage", "28 days"), ("media hora", "30 minutos"), ("twenty-five", "25"),
        ("four out of five", "80 %"), ("10 miles", "16 km"), ("100 °F", "37.8 °C"),
    ],
)  # fmt: skip
def test_a_number_is_the_same_in_whatever_format(one: str, other: str) -> None:
    (first,), (second,) = figures(one), figures(other)
    assert equal(first, second)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,200 EUR", "1,200 USD"), ("2 GB", "2 MB"), ("20 °C", "-20 °C"), ("10 pm", "10 am"),
        ("31 March", "31 May"), ("6 weeks", "6 months"), ("4 %", "40 %"), ("5 days", "5 hours"),
    ],
)  # fmt: skip
def test_another_number_is_another_one(one: str, other: str) -> None:
    (first,), (second,) = figures(one), figures(other)
    assert not equal(first, second)


def test_the_sentence_of_a_quote_counts_whole_with_its_surroundings() -> None:
    (place,) = places_of("Elbe | 3 | 30", TABLE)
    assert place.blocks[0].cells[2] == ("Seats", "30")
    assert "Rooms" in place.context
    assert [other.cells[0][1] for other in place.others] == ["Alster"]
    listed = passage("To get a badge you need:\n- a passport\n- a photo\n", title="Desk")
    (place,) = places_of("a passport", listed)
    assert "To get a badge you need:" in place.context


def test_our_own_set_by_rules_alone_keeps_few_false_sentences() -> None:
    """A rule that is lost shows here; `make attack` measures with the embedders."""
    lines = [json.loads(line) for line in SET.read_text(encoding="utf-8").splitlines()]
    assert len(lines) > 300
    kept = [
        check(one["sentence"], one["quote"], measuring.passage(one)).verdict.is_kept
        for one in lines
    ]
    false = [is_kept for is_kept, one in zip(kept, lines, strict=True) if not one["supported"]]
    true = [is_kept for is_kept, one in zip(kept, lines, strict=True) if one["supported"]]
    assert sum(false) <= 0.06 * len(false)
    assert len(true) - sum(true) <= 0.35 * len(true)


@pytest.mark.parametrize("text", ["", "\n", "no json", '{"sentence": 1}', "[1]"])
def test_a_file_that_is_no_set_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "claims.jsonl"
    file.write_text(text)
    with pytest.raises(measuring.BadSet):
        list(measuring.read(file))
    with pytest.raises(measuring.BadSet):
        list(measuring.read(tmp_path / "missing.jsonl"))
