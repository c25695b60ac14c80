"""How old a source is stands beside its name; what is not valid today is said."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.workers.answering.passages import passage
from workers.models.base import Passage, Sentence
from workers.replies.rendering import Reply, compose, from_payload
from workers.wording.text import day, speaking

TEXT = "A hotel costs at most EUR 150."
TODAY = datetime.now(UTC).date()
LATER, EARLIER = TODAY + timedelta(days=40), TODAY - timedelta(days=40)


def replied(opening: str) -> Reply:
    page = replace(passage(TEXT, heading="Hotels"), opening=opening)
    return compose([Sentence(TEXT, 1, TEXT)], [page])


def sources(reply: Reply) -> str:
    """What the last block with text says."""
    elements = reply.payload()["blocks"][1]["elements"]
    return "".join(str(one.get("text", "")) for part in elements for one in part["elements"])


def test_the_pages_own_date_is_shown_in_place_of_the_files() -> None:
    reply = replied("As of 3 March 2024")
    assert "(wiki, as of Mar 3, 2024)" in sources(reply)
    assert reply.note == ""


def test_a_page_that_is_not_in_force_yet_says_from_when() -> None:
    reply = replied(f"Valid from {LATER.isoformat()}")
    assert f"valid from {day(LATER)}" in sources(reply)
    assert reply.note == f"“Handbook” is not in force yet: it is valid from {day(LATER)}."


def test_a_page_that_has_expired_says_until_when_in_the_readers_language() -> None:
    with speaking("de"):
        reply = replied(f"Gültig bis {EARLIER.isoformat()}")
        assert f"gültig bis {day(EARLIER)}" in sources(reply)
        assert reply.note == f"„Handbook“ gilt nicht mehr, nur bis {day(EARLIER)}."


def test_a_page_that_is_in_force_says_nothing_more() -> None:
    reply = replied(f"Valid from {EARLIER.isoformat()}. Valid until {LATER.isoformat()}.")
    assert "valid" not in sources(reply)
    assert reply.note == ""


def test_a_page_that_is_replaced_is_quoted_with_a_warning() -> None:
    assert replied("OBSOLETE: see the new page.").note == (
        "“Handbook” says of itself that it is no longer valid."
    )


def test_what_is_said_of_the_age_outlives_the_outbox() -> None:
    for reply in (replied("As of 3 March 2024"), replied("Expired on 1 May 2020."), replied("")):
        stored = json.loads(json.dumps(reply.payload()))
        assert from_payload(stored).citations == reply.citations
    before = [{name: one[name] for name in one if name != "dating"} for one in stored["citations"]]
    assert from_payload(stored | {"citations": before}).citations == reply.citations


def test_only_the_first_source_is_warned_of() -> None:
    second: Passage = replace(
        passage("Taxis cost EUR 20.", number=2), opening="This page is obsolete."
    )
    reply = compose(
        [Sentence(TEXT, 1, TEXT), Sentence(second.text, 2, second.text)], [passage(TEXT), second]
    )
    assert reply.note == ""
