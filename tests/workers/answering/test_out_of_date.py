"""Answers say that a source is out of date, and not which documents it has."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policies.described import Permissions
from tests.workers.answering.asking import QUESTION
from tests.workers.slack_company import Company
from workers.replies.rendering import (
    ANSWERED_PRIVATELY,
    NOTHING_FOUND,
    SOURCE_OUT_OF_DATE,
    Reply,
)


def source(company: Company, name: str, *, hours_ago: int | None, paused: bool = False) -> None:
    """A source with a limit of 24 hours; None: never synced."""
    with company.library.change() as change:
        source_id = change.put_source(name)
        change.set_freshness(source_id, paused=paused, max_staleness=timedelta(hours=24))
        if hours_ago is not None:
            change.mark_synced(source_id, at=datetime.now(UTC) - timedelta(hours=hours_ago))


def last(company: Company, channel: str) -> tuple[str, list[Any]]:
    post = company.posts(channel)[-1]
    told = [block for block in post.blocks if block["type"] == "rich_text"]
    return post.text, told[-1]["elements"][-1]["elements"]


@pytest.mark.parametrize("hours_ago", [25, None])
def test_an_answer_ends_with_the_sentence_if_some_source_is_out_of_date(
    company: Company, hours_ago: int | None
) -> None:
    alice = company.person("alice")
    company.library.document(
        "hers", "The budget is ten million.", Permissions(allow=frozenset({alice}))
    )
    source(company, "secret drive", hours_ago=hours_ago)
    company.asked("DUALICE", "alice", QUESTION)
    text, end = last(company, "DUALICE")
    assert "ten million" in text
    assert text.endswith(f"\n{SOURCE_OUT_OF_DATE}")
    assert end == [
        {"type": "text", "text": SOURCE_OUT_OF_DATE}, {"type": "text", "text": "\n"},
    ]  # fmt: skip
    assert "secret drive" not in company.emitted()


def test_nothing_found_ends_with_it_too_whether_or_not_the_source_has_something(
    company: Company,
) -> None:
    alice = company.person("alice")
    source(company, "world", hours_ago=25)
    company.asked("DUALICE", "alice", QUESTION)
    company.library.document(
        "hers", "The budget is ten million.", Permissions(allow=frozenset({alice}))
    )
    company.asked("DUALICE", "alice", QUESTION)
    empty, full = (seen.text for seen in company.posts("DUALICE"))
    assert empty == full == f"{NOTHING_FOUND}\n{SOURCE_OUT_OF_DATE}"


def test_a_channel_answer_has_it_and_the_word_that_it_is_private_has_not(company: Company) -> None:
    alice, bob = company.person("alice"), company.person("bob")
    source(company, "drive", hours_ago=25)
    company.asked("CBOARD", "alice", QUESTION)
    assert last(company, "CBOARD")[0] == ANSWERED_PRIVATELY
    company.library.document(
        "ours", "The budget is ten million.", Permissions(allow=frozenset({alice, bob}))
    )
    company.asked("CBOARD", "alice", QUESTION)
    assert last(company, "CBOARD")[0].endswith(SOURCE_OUT_OF_DATE)


@pytest.mark.parametrize(("hours_ago", "paused"), [(23, False), (25, True), (None, True)])
def test_a_source_that_is_fresh_or_only_paused_is_not_mentioned(
    company: Company, hours_ago: int | None, paused: bool
) -> None:
    company.person("alice")
    source(company, "drive", hours_ago=hours_ago, paused=paused)
    company.asked("DUALICE", "alice", QUESTION)
    assert last(company, "DUALICE")[0] == NOTHING_FOUND


def test_the_sentence_is_kept_with_the_reply() -> None:
    assert Reply("x", note=SOURCE_OUT_OF_DATE).payload()["note"] == SOURCE_OUT_OF_DATE
    assert Reply("x").payload()["note"] == ""
