"""A pass that Slack or a crash cuts off: what is stored stays whole, and the next ends the same."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from bot.playground.client import Playground
from tests.workers.sources.channels import Channels
from workers.errors import ServerUnavailable
from workers.ingest.push import Pushing
from workers.sources import crawl, store
from workers.sources.base import SourceRefused
from workers.sources.slack import channels as slack_channels
from workers.sources.slack.channels import SlackChannels

THREADS = 7


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads a page, so that seven threads are four pages."""
    monkeypatch.setattr(slack_channels, "_THREADS_A_PAGE", 2)


@pytest.fixture
def channels(channels: Channels, slack: Playground, small_pages: None) -> Channels:
    for channel in ("CALL", "CBOARD"):
        for number in range(THREADS):
            root = slack.say(channel, "UALICE", f"Thread {number} of {channel}.")
            if number % 3 == 0:
                slack.say(channel, "UBOB", "A reply.", thread_ts=root.ts)
    channels.add("CALL", "CBOARD")
    return channels


class Killed(BaseException):
    """The process ends here."""


def test_every_page_is_read_and_a_pass_that_is_told_to_wait_waits(
    channels: Channels, slack: Playground
) -> None:
    for method in ("conversations.history", "conversations.members", "conversations.replies"):
        slack.fault("ratelimited", method=method, times=2, retry_after=30)
    slack.fault("http", method="conversations.info", status=503)
    slack.fault("drop_after", method="conversations.history")

    done = channels.crawl()

    assert done.counts == {"created": 2 * THREADS}
    assert sorted(channels.waited) == [1.0, 4.0, *[30.0] * 6]
    assert len(slack.calls("conversations.history")) == 2 * 4 + 3


def test_a_slack_that_does_not_answer_ends_the_pass_and_changes_nothing(
    channels: Channels, slack: Playground
) -> None:
    """Threat 38: an answer that does not come, or comes in half, is not an empty list."""
    channels.crawl()
    before = channels.state()
    for method in ("conversations.members", "conversations.history"):
        slack.fault("http", method=method, status=500, times=50)
        with pytest.raises(ServerUnavailable):
            channels.crawl(full=True)
        slack.calm()
        assert channels.state() == before


def test_half_a_page_is_no_page(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 38: `ok` without its list deletes nothing and takes nobody's membership."""
    channels.crawl()
    before = channels.state()
    whole = SlackChannels._call

    for method, name in (
        ("conversations_history", "messages"),
        ("conversations_members", "members"),
        ("conversations_info", "channel"),
    ):

        def half(self: SlackChannels, called: str, **arguments: Any) -> Any:
            found = whole(self, called, **arguments)
            return {**found, name: None} if called == method else found  # noqa: B023

        monkeypatch.setattr(SlackChannels, "_call", half)
        with pytest.raises(ServerUnavailable, match="half"):
            channels.crawl(full=True)
        assert channels.state() == before


def test_without_that_check_half_a_page_takes_everything(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 38, with the protections off."""
    channels.crawl()
    whole = SlackChannels._call

    def half(self: SlackChannels, called: str, **arguments: Any) -> Any:
        found = whole(self, called, **arguments)
        is_history = called == "conversations_history"
        return {**found, "messages": None, "has_more": False} if is_history else found

    monkeypatch.setattr(SlackChannels, "_call", half)
    monkeypatch.setattr(slack_channels, "_messages_of", lambda found: found["messages"] or [])
    monkeypatch.setattr(crawl, "_is_most", lambda *_: False)
    channels.crawl(full=True)
    assert channels.threads() == {}


SECRET = "Only for those who are in it now."


def test_what_is_written_after_a_channel_became_private_is_not_stored_for_everybody(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 6: who may read was listed before; it is looked up again before the text is stored."""
    _after_the_list(monkeypatch, slack)
    channels.crawl()
    assert any(SECRET in words for words in channels.readable_by("UBOB"))
    assert not any(SECRET in words for words in channels.readable_by("UCARL"))


def test_without_that_look_everybody_reads_it(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 6, with the protection off."""
    monkeypatch.setattr(crawl._Access, "push_changed", lambda *_: None)
    _after_the_list(monkeypatch, slack)
    channels.crawl()
    assert any(SECRET in words for words in channels.readable_by("UCARL"))


def _after_the_list(monkeypatch: pytest.MonkeyPatch, slack: Playground) -> None:
    """Once everybody's permissions are listed, the channel becomes private, and is written in."""

    def change(point: str) -> None:
        if point == "crawl_listed":
            slack.convert("CALL", "UALICE")
            slack.say("CALL", "UBOB", SECRET)

    monkeypatch.setattr(crawl, "crashpoint", change)


def test_a_token_that_ends_in_the_middle_is_named_and_the_next_one_goes_on(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = _counted(monkeypatch)
    _at_page(monkeypatch, 3, slack.revoke)
    with pytest.raises(SourceRefused, match="token_revoked"):
        channels.crawl()
    assert store.read(channels.database, "slack:T1").cursor["part"]["id"] == "CALL"
    assert channels.state()["whole"]

    slack.restore()
    pages.clear()
    channels.crawl()
    assert len(pages) == 2 * 4 - 3
    assert len(channels.threads()) == 2 * THREADS


def test_one_channel_that_is_refused_keeps_nobody_else_out_and_is_closed(
    channels: Channels, slack: Playground
) -> None:
    """403 on one part: its documents are closed by name, the others are read."""
    channels.crawl()
    slack.grant(["channels:read", "channels:history", "groups:read", "users:read"])
    slack.say("CALL", "UALICE", "News.")

    done = channels.crawl()

    assert done.problems == ["board: Slack does not let Ken read it (missing_scope)"]
    assert any("News." in words for words in channels.readable_by("UCARL"))
    slack.grant(["channels:read", "channels:history", "users:read"])
    done = channels.crawl()
    assert done.problems == ["CBOARD: Slack does not let Ken read it (missing_scope)"]
    assert not any("CBOARD" in words for words in channels.readable_by("UBOB"))


def test_a_channel_that_is_renamed_while_it_is_read_is_read_to_its_end(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at_page(monkeypatch, 2, lambda: slack.rename("CALL", "UALICE", "everybody"))
    assert channels.crawl().counts == {"created": 2 * THREADS}


def test_what_is_said_or_deleted_while_it_is_read_is_right_after_the_next_pass(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    oldest = min(slack.messages("CALL"), key=lambda one: one.ts)

    def change() -> None:
        slack.delete("CALL", oldest.ts)
        slack.say("CALL", "UBOB", "Meanwhile.")

    _at_page(monkeypatch, 2, change)
    channels.crawl()
    channels.crawl()
    texts = " ".join(words for name, words in channels.threads().items() if "CALL/" in name)
    assert "Meanwhile." in texts
    assert "Thread 0" not in texts


@pytest.mark.parametrize("seed", range(3))
def test_killed_anywhere_and_started_again_it_ends_as_without(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Seven kills in a pass, at random steps: the same end, and nothing is embedded twice."""
    chance = random.Random(seed)
    reference = _reference(channels)
    embedded = channels.embedder.calls
    left = 7

    def maybe(point: str) -> None:
        nonlocal left
        if left and chance.random() < 0.5:
            left -= 1
            raise Killed

    for module in (crawl, "workers.ingest.push"):
        monkeypatch.setattr(f"{getattr(module, '__name__', module)}.crashpoint", maybe)
    for _ in range(100):
        try:
            channels.crawl(full=True)
            break
        except Killed:
            assert channels.state()["whole"]
            for name in ("UBOB", "UCARL", "UGUEST"):
                assert channels.readable_by(name) <= reference["readers"][name]
    else:
        pytest.fail("it never ends")

    assert left == 0
    assert channels.state() == reference["state"]
    assert channels.embedder.calls <= 2 * embedded


def test_a_channel_that_lists_almost_nothing_waits_for_a_word(
    channels: Channels, slack: Playground
) -> None:
    """Threat 38: the documents stay until somebody confirms, and are gone then."""
    channels.crawl()
    _delete_all_but_the_last(slack)

    done = channels.crawl(full=True)

    assert len(channels.threads()) == 2 * THREADS
    assert done.problems == [
        "all: 6 of 7 documents were not found. They stay; if they are gone: "
        "`ken source sync slack:T1 --full --yes`"
    ]
    done = channels.crawl(full=True, confirmed=True)
    assert (done.counts["deleted"], done.problems) == (THREADS - 1, [])


def test_without_the_breaker_the_same_list_takes_everything(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 38, with the protection off."""
    channels.crawl()
    _delete_all_but_the_last(slack)
    monkeypatch.setattr(crawl, "_is_most", lambda *_: False)
    channels.crawl(full=True)
    assert len(channels.threads()) == THREADS + 1


def test_a_pass_of_each_kind_looks_as_far_back_as_it_should(
    channels: Channels, slack: Playground
) -> None:
    """The first is full, the next looks only at what is recent; a day later it is full again."""
    channels.crawl()
    channels.crawl()
    asked = [call.arguments["oldest"] for call in slack.calls("conversations.history")]
    first, second = asked[0], asked[-1]
    assert float(first) == 0
    assert float(second) > 0
    with channels.database.session("owner") as session:
        session.execute(text("UPDATE connector SET full_at = full_at - interval '25 hours'"))
    channels.crawl()
    assert float(slack.calls("conversations.history")[-1].arguments["oldest"]) == 0


def _delete_all_but_the_last(slack: Playground) -> None:
    last = _last_root(slack)
    for one in sorted(slack.messages("CALL"), key=lambda one: one.ts, reverse=True):
        if last not in (one.ts, one.thread_ts):
            slack.delete("CALL", one.ts)


def _last_root(slack: Playground) -> str:
    return next(one.ts for one in slack.messages("CALL") if f"Thread {THREADS - 1}" in one.text)


def _reference(channels: Channels) -> dict[str, Any]:
    """What a pass that nothing disturbs leaves; then everything is taken away again."""
    channels.crawl(full=True)
    readers = {name: channels.readable_by(name) for name in ("UBOB", "UCARL", "UGUEST")}
    found = {"state": channels.state(), "readers": readers}
    ids = [*channels.threads()]
    channels.pushing.delete("slack:T1", ids, actor="test")
    return found


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    pages: list[str] = []
    put = Pushing.put

    def counting(self: Pushing, source: str, documents: Any, **more: Any) -> Any:
        pages.append(source)
        return put(self, source, documents, **more)

    monkeypatch.setattr(Pushing, "put", counting)
    return pages


def _at_page(monkeypatch: pytest.MonkeyPatch, number: int, do: Any) -> None:
    """Do something after so many pages were read."""
    pages = SlackChannels._pages
    seen = 0

    def counting(self: SlackChannels, part: str, *given: Any, **more: Any) -> Iterator[Any]:
        nonlocal seen
        for page in pages(self, part, *given, **more):
            yield page
            seen += 1
            if seen == number:
                do()

    monkeypatch.setattr(SlackChannels, "_pages", counting)
