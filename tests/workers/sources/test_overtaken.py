"""Two passes over a source at once: the older list never undoes what the newer one took away."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from bot.playground.client import Playground
from policies.source import NamedPermissions
from policies.tables.sources import RunKind
from tests.workers.sources.channels import SOURCE, Channels
from workers.errors import ServerUnavailable
from workers.ingest.pushed import File, Pushed
from workers.sources import crawl
from workers.sources.slack.channels import SlackChannels
from workers.sync import runs
from workers.sync.sources import all_sources

SECRET = "Written after Bob left."


@pytest.fixture
def channels(channels: Channels, slack: Playground) -> Channels:
    slack.say("CBOARD", "UALICE", "Written before.")
    channels.add("CBOARD")
    channels.crawl()
    assert channels.readable_by("UBOB")
    return channels


def once(monkeypatch: pytest.MonkeyPatch, module: Any, at: str, do: Callable[[], object]) -> None:
    """Do something when this step is reached for the first time."""
    steps = [at]

    def reached(point: str) -> None:
        if point in steps:
            steps.remove(point)
            do()

    monkeypatch.setattr(module, "crashpoint", reached)


# -- a list that is older than what was applied meanwhile --------------------------------------


def bob_leaves_while_a_pass_lists(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass of permissions has listed Bob; he leaves, and a crawl stores what is said then."""

    def meanwhile() -> None:
        slack.leave("CBOARD", "UBOB")
        slack.say("CBOARD", "UALICE", SECRET)
        channels.crawl()
        assert not channels.readable_by("UBOB")

    once(monkeypatch, crawl, "crawl_listed", meanwhile)
    channels.crawl(permissions_only=True)


def test_an_older_list_does_not_bring_back_who_left(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 6: the age of a list is when it began, not when it was pushed."""
    bob_leaves_while_a_pass_lists(channels, slack, monkeypatch)
    assert channels.readable_by("UBOB") == set()
    assert any(SECRET in words for words in channels.readable_by("UALICE"))


def test_by_the_time_of_the_push_it_brings_them_back(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 6, with the protection off."""
    monkeypatch.setattr(runs, "clock", lambda _: None)
    bob_leaves_while_a_pass_lists(channels, slack, monkeypatch)
    assert any(SECRET in words for words in channels.readable_by("UBOB"))


def test_a_source_is_as_fresh_as_the_beginning_of_its_list(
    channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[datetime] = []
    database = channels.database
    once(monkeypatch, crawl, "crawl_listed", lambda: listed.append(runs.clock(database)))
    channels.crawl(permissions_only=True)
    (source,) = [one for one in all_sources(database) if one.name == SOURCE]
    assert source.synced_at is not None
    assert source.synced_at < listed[0]


# -- a push that is overtaken ------------------------------------------------------------------


def somebody_overtakes(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Bob leaves while a channel is read; before that is pushed, others push the older readers."""
    older = channels.connector()
    part = older.parts()[0]
    lines = older.access_of(part)
    left = 0
    pages = SlackChannels._pages

    def overtake(point: str) -> None:
        nonlocal left
        if point == "sync_staged" and left:
            left -= 1
            with monkeypatch.context() as patched:
                patched.setattr(runs, "crashpoint", lambda _: None)
                runs.push(
                    channels.database,
                    [lines],
                    source=SOURCE,
                    kind=RunKind.DELTA,
                    actor="other",
                    confirmed=True,
                )

    def leaving(self: SlackChannels, *given: Any, **more: Any) -> Any:
        nonlocal left
        left = times
        slack.leave("CBOARD", "UBOB")
        slack.say("CBOARD", "UALICE", SECRET)
        yield from pages(self, *given, **more)

    monkeypatch.setattr(runs, "crashpoint", overtake)
    monkeypatch.setattr(SlackChannels, "_pages", leaving)


def test_a_channel_whose_push_is_overtaken_is_listed_again(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_overtakes(channels, slack, monkeypatch, times=crawl._LISTINGS - 1)
    channels.crawl()
    assert channels.readable_by("UBOB") == set()
    assert any(SECRET in words for words in channels.readable_by("UALICE"))


def test_and_if_it_is_overtaken_again_and_again_no_text_is_stored(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_overtakes(channels, slack, monkeypatch, times=crawl._LISTINGS)
    with pytest.raises(ServerUnavailable, match="again and again"):
        channels.crawl()
    assert not any(SECRET in words for words in channels.threads().values())


def test_with_a_push_that_is_given_up_the_text_is_stored_for_who_left(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 6, with the protection off."""
    push_changed = crawl._Access.push_changed

    def gives_up(self: Any, part: Any) -> None:
        try:
            push_changed(self, part)
        except ServerUnavailable:
            return

    monkeypatch.setattr(crawl._Access, "push_changed", gives_up)
    monkeypatch.setattr(crawl, "_LISTINGS", 1)
    somebody_overtakes(channels, slack, monkeypatch, times=9)
    channels.crawl()
    assert any(SECRET in words for words in channels.readable_by("UBOB"))


# -- somebody joins and leaves while a channel is crawled ---------------------------------------


def carl_joins_and_leaves(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another pass gives Carl the channel; he leaves, and only the crawl has seen it."""
    pages = SlackChannels._pages

    def visiting(self: SlackChannels, *given: Any, **more: Any) -> Any:
        slack.join("CBOARD", "UCARL")
        channels.crawl(permissions_only=True, confirmed=True)
        assert channels.readable_by("UCARL")
        slack.leave("CBOARD", "UCARL")
        slack.say("CBOARD", "UALICE", SECRET)
        yield from pages(self, *given, **more)

    monkeypatch.setattr(SlackChannels, "_pages", visiting)


def test_what_another_pass_pushed_is_not_taken_for_ours(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    carl_joins_and_leaves(channels, slack, monkeypatch)
    channels.crawl()
    assert channels.readable_by("UCARL") == set()


def test_taken_for_ours_it_opens_the_text_to_who_left(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 6, with the protection off."""
    monkeypatch.setattr(runs, "is_newest", lambda *_: True)
    carl_joins_and_leaves(channels, slack, monkeypatch)
    channels.crawl()
    assert any(SECRET in words for words in channels.readable_by("UCARL"))


# -- a thread that is stored while permissions are pushed ---------------------------------------


def stored_before_the_push(channels: Channels, monkeypatch: pytest.MonkeyPatch) -> None:
    late = Pushed(
        id="CBOARD/1700000000.000001",
        permissions=NamedPermissions(),
        parent="CBOARD",
        title="Late",
        content=File("thread.txt", b"Stored meanwhile."),
        url="https://acme.slack.com/archives/CBOARD/p1700000000000001",
        updated_at=datetime.now(UTC),
    )
    store = lambda: channels.pushing.put(SOURCE, [late], actor="other")  # noqa: E731 - one call
    once(monkeypatch, runs, "sync_staged", store)
    channels.crawl(permissions_only=True)


def test_a_thread_that_is_stored_meanwhile_is_not_gone(
    channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands below a channel is read when nobody can store any more."""
    stored_before_the_push(channels, monkeypatch)
    assert "Stored meanwhile." in channels.readable_by("UALICE")


def test_read_before_the_push_it_is_gone(
    channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, with the protection off."""
    below = crawl._stored_below

    def before(session: Session, source: str, listed: set[str]) -> list[dict[str, Any]]:
        found = below(session, source, listed)
        return [line for line in found if not str(line["id"]).endswith("1700000000.000001")]

    monkeypatch.setattr(crawl, "_stored_below", before)
    stored_before_the_push(channels, monkeypatch)
    assert "Stored meanwhile." not in channels.readable_by("UALICE")
