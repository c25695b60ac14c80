"""What a model wrote stands only where a passage says so (threat 23)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.workers.answering.passages import passage
from workers.answering.verify import verify
from workers.claims.verdict import Reason
from workers.models.base import Draft, Passage, Sentence
from workers.models.quotes import words

LEAVE = passage("Everybody has **thirty** days of [paid leave](https://wiki.example/leave) a year.")
TRAVEL = passage("Trains are first class above four hours.", document="travel", number=2)


def is_kept(quote: str, *, number: int = 1, text: str = "You have thirty days.") -> bool:
    draft = Draft((Sentence(text, number, quote),))
    verified = verify(draft, (LEAVE, TRAVEL))
    is_shown = draft.sentences[0] in verified.sentences
    assert is_shown == (verified.dropped == 0)
    return is_shown


@pytest.mark.parametrize(
    "quote",
    [
        "Everybody has **thirty** days",
        "everybody HAS thirty DAYS",
        "  Everybody\n has   thirty days,",
        "“thirty days of paid leave”",
        "`thirty` *days* of __paid leave__ a year",
        "thirty days of [paid leave](https://wiki.example/leave) a year.",
        "ｔｈｉｒｔｙ days of paid leave",
    ],
)
def test_a_quote_is_found_whatever_its_case_spacing_and_marks(quote: str) -> None:
    assert is_kept(quote)


@pytest.mark.parametrize(
    "quote",
    [
        "Everybody has forty days",
        "thirty days paid leave",
        "leave paid of days",
        "very body has thirty",
        "Everybody has thirty days of paid leave a year and more",
        "Trains are first class",
    ],
)
def test_a_quote_that_the_passage_does_not_hold_is_dropped(quote: str) -> None:
    """Threat 23: also words left out, turned round, cut, or of another passage."""
    assert not is_kept(quote)


@pytest.mark.parametrize("quote", ["", "  ", "days", "thirty days", "…!?", "** **"])
def test_a_quote_of_fewer_than_three_words_supports_nothing(quote: str) -> None:
    assert not is_kept(quote)
    assert is_kept("thirty days of")


@pytest.mark.parametrize("number", [0, -1, -2, 3, 4, 10**30])
def test_a_passage_number_that_was_not_given_is_dropped(number: int) -> None:
    """Threat 23: -1 is the last passage in Python, and none here."""
    quote = "Trains are first class above four hours."
    assert not is_kept(quote, number=number)
    assert is_kept(quote, number=2, text="Above four hours, trains are first class.")


def test_a_sentence_without_a_word_is_dropped() -> None:
    assert not is_kept("thirty days of paid", text="\u200b …")
    assert is_kept("thirty days of paid", text="Thirty.")


def test_what_is_supported_stays_in_its_order_and_the_rest_is_counted() -> None:
    good = Sentence("Trains above four hours are first class.", 2, "Trains are first class")
    forged = Sentence("Flights.", 2, "Flights are first class")
    also_good = Sentence("Everybody has 30 days.", 1, "Everybody has thirty days")

    verified = verify(Draft((good, forged, also_good)), (LEAVE, TRAVEL))

    assert verified.sentences == (good, also_good)
    assert verified.dropped == 1


def test_nothing_is_supported_by_no_passages() -> None:
    draft = Draft((Sentence("Thirty days.", 1, "Everybody has thirty days"),))
    assert verify(draft, ()).sentences == ()
    assert verify(Draft(()), (LEAVE,)).sentences == ()


def test_a_false_sentence_with_a_genuine_quote_gives_way_to_the_passages_own() -> None:
    """Threat 23: the reader sees what the document says, never what a model made of it."""
    false = Sentence(
        "You have 99 days of paid leave a year.", 1, "thirty days of paid leave a year"
    )
    verified = verify(Draft((false,)), (LEAVE,))

    (shown,) = verified.sentences
    assert shown.text == "“Everybody has thirty days of paid leave a year.”"
    assert verified.reasons == {Reason.NUMBER: 1}


def test_without_its_first_sentence_nothing_of_a_draft_is_shown() -> None:
    forged = Sentence("You have forty days.", 1, "Everybody has forty days")
    rest = Sentence("Trains above four hours are first class.", 2, "Trains are first class")
    verified = verify(Draft((forged, rest)), (LEAVE, TRAVEL))

    assert verified.sentences == ()
    assert verified.reasons == {Reason.QUOTE: 1, Reason.REMAINDER: 1}
    assert verify(Draft((rest, forged)), (LEAVE, TRAVEL)).sentences == (rest,)


def test_what_our_own_answerer_copied_is_not_checked_as_a_claim() -> None:
    counted = Sentence("2 (from 2 rows)", 1, "Everybody has thirty days")
    assert verify(Draft((counted,), is_quoted=True), (LEAVE,)).sentences == (counted,)
    assert verify(Draft((counted,)), (LEAVE,)).sentences != (counted,)
    forged = Sentence("2 (from 2 rows)", 1, "Everybody has forty days")
    assert verify(Draft((forged,), is_quoted=True), (LEAVE,)).sentences == ()


def test_a_flood_of_sentences_and_an_endless_one_are_not_compared() -> None:
    """Threat 40."""
    good = Sentence("Trains above four hours are first class.", 2, "Trains are first class")
    verified = verify(Draft((good,) * 500), (LEAVE, TRAVEL))
    assert verified.reasons == {Reason.UNDECIDED: 470}
    endless = Sentence("Trains are first class above four hours " * 50, 2, "Trains are first class")
    assert verify(Draft((good, endless)), (LEAVE, TRAVEL)).sentences == (good,)


class _Judging:
    def __init__(self, says: bool | None) -> None:
        self.says, self.asked = says, list[tuple[str, str, str]]()

    def follows(self, sentence: str, quote: str, around: str) -> bool | None:
        self.asked.append((sentence, quote, around))
        return self.says


@pytest.mark.parametrize(("says", "is_kept"), [(True, True), (None, True), (False, False)])
def test_a_second_look_can_only_drop(says: bool | None, is_kept: bool) -> None:
    quote = "thirty days of paid leave a year"
    unsure = Sentence("Everybody grabs thirty days of paid leave a year.", 1, quote)
    false = Sentence("Everybody has forty days of paid leave a year.", 1, quote)
    sure = Sentence("Everybody has 30 days of paid leave a year.", 1, quote)
    judge = _Judging(says)

    verified = verify(Draft((sure, unsure, false)), (LEAVE,), judge=judge)

    assert sure in verified.sentences
    assert (unsure in verified.sentences) is is_kept
    assert false not in verified.sentences
    assert [asked[0] for asked in judge.asked] == [unsure.text]
    assert judge.asked[0][1:] == (
        "Everybody has **thirty** days of [paid leave](https://wiki.example/leave) a year.",
        "Handbook",
    )


@pytest.mark.parametrize(
    ("told", "quote"),
    [("有給休暇は年間三十日です。", "年間三十日です"), ("พนักงานมีวันลาสามสิบวันต่อปี", "วันลาสามสิบวัน")],
)
def test_a_language_without_spaces_can_be_quoted(told: str, quote: str) -> None:
    draft = Draft((Sentence(quote, 1, quote), Sentence(quote, 1, quote[::-1])))
    assert verify(draft, (passage(told),)).sentences == (Sentence(quote, 1, quote),)


@given(st.lists(st.builds(Sentence, st.text(), st.integers(-3, 5), st.text()), max_size=6))
def test_whatever_is_kept_can_be_found(drafted: list[Sentence]) -> None:
    """Threat 23, with anything that a model could write."""
    passages: tuple[Passage, ...] = (LEAVE, TRAVEL)
    for sentence in verify(Draft(tuple(drafted)), passages).sentences:
        told = words(passages[sentence.passage - 1].text)
        assert set(words(sentence.quote)) <= set(told)
