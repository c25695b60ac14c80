"""Slack's channels as a source: threads are documents, and who is in a channel reads them."""

from datetime import UTC, datetime

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import text

from bot.playground.client import Playground
from tests.servers import opened
from tests.workers.sources.channels import SOURCE, Channels
from workers.sources import store
from workers.sources.base import SourceRefused
from workers.sources.slack import threads
from workers.sync.sources import all_sources


def _said(*lines: str) -> str:
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    return "\n\n".join(line.replace("@", f" ({day}): ") for line in lines)


def test_a_thread_is_a_document_with_its_authors_and_its_address(
    channels: Channels, slack: Playground
) -> None:
    root = slack.say("CALL", "UALICE", "Where is the key?")
    slack.say("CALL", "UBOB", "In the *drawer* of <@UALICE>.", thread_ts=root.ts)
    slack.say("CALL", "UBOB", "Lunch is at noon.")
    channels.add("CALL")

    done = channels.crawl()

    assert (done.counts["created"], done.problems) == (2, [])
    thread = f"CALL/{root.ts}"
    assert channels.threads()[thread] == _said(
        "alice@Where is the key?", "bob@In the *drawer* of alice."
    )
    titles = {row[0]: row[1:3] for row in channels.state()["titles"]}
    address = f"https://acme.slack.com/archives/CALL/p{root.ts.replace('.', '')}"
    assert titles[thread] == ("Where is the key?", address)


def test_a_public_channel_is_every_members_and_a_private_one_its_own(
    channels: Channels, slack: Playground
) -> None:
    """A guest reads a public channel only if they are in it; nobody else of another company."""
    for channel in ("CALL", "CGUEST", "CBOARD"):
        slack.say(channel, "UALICE", f"All about {channel}.")
    channels.add("CALL", "CGUEST", "CBOARD")
    channels.crawl()

    readable = {
        person: {text.rpartition(" ")[2] for text in channels.readable_by(person)}
        for person in ("UALICE", "UBOB", "UCARL", "UGUEST")
    }
    assert readable == {
        "UALICE": {"CALL.", "CGUEST.", "CBOARD."},
        "UBOB": {"CALL.", "CGUEST.", "CBOARD."},
        "UCARL": {"CALL.", "CGUEST."},
        "UGUEST": {"CGUEST."},
    }
    assert channels.readable_by("UALICE", "UGUEST") == channels.readable_by("UGUEST")


def test_direct_messages_and_channels_that_nobody_chose_are_never_read(
    channels: Channels, slack: Playground
) -> None:
    slack.say("GTRIO", "UALICE", "Among three.")
    slack.dm("UALICE", "To Ken alone.")
    slack.say("CBOARD", "UALICE", "Not chosen.")
    slack.say("CALL", "UALICE", "Chosen.")
    channels.add("GTRIO", "CALL")
    done = channels.crawl()
    assert done.problems == ["GTRIO: direct messages are never read"]
    assert [*channels.threads().values()] == [_said("alice@Chosen.")]

    channels.add("*")
    channels.crawl(full=True)
    assert {name.partition("/")[0] for name in channels.threads()} == {"CALL"}


def test_what_changes_in_slack_changes_at_the_next_pass(
    channels: Channels, slack: Playground
) -> None:
    """A reply, an edit, a deleted message, a deleted thread; the rest is not embedded again."""
    kept = slack.say("CALL", "UALICE", "It stays as it is.")
    edited = slack.say("CALL", "UALICE", "Before.")
    asked = slack.say("CALL", "UALICE", "Who has it?")
    gone = slack.say("CALL", "UBOB", "Delete me.")
    answer = slack.say("CALL", "UBOB", "I do.", thread_ts=asked.ts)
    channels.add("CALL")
    channels.crawl()
    embedded = channels.embedder.calls

    slack.edit("CALL", edited.ts, "After.")
    slack.delete("CALL", gone.ts)
    slack.delete("CALL", answer.ts)
    slack.say("CALL", "UBOB", "Now I do.", thread_ts=asked.ts)
    done = channels.crawl()

    assert done.counts == {"updated": 2, "unchanged": 1, "deleted": 1}
    assert channels.threads() == {
        f"CALL/{kept.ts}": _said("alice@It stays as it is."),
        f"CALL/{edited.ts}": _said("alice@After."),
        f"CALL/{asked.ts}": _said("alice@Who has it?", "bob@Now I do."),
    }
    assert channels.embedder.calls == embedded + 2


def test_who_leaves_or_joins_reads_accordingly_and_no_text_is_touched(
    channels: Channels, slack: Playground
) -> None:
    """Permissions alone, as their own pass makes them; a channel that is renamed keeps its text."""
    slack.say("CBOARD", "UALICE", "The plan.")
    channels.add("CBOARD")
    channels.crawl()
    embedded = channels.embedder.calls
    assert [name for name in ("UBOB", "UCARL") if channels.readable_by(name)] == ["UBOB"]

    slack.leave("CBOARD", "UBOB")
    slack.join("CBOARD", "UCARL")
    slack.rename("CBOARD", "UALICE", "directors")
    done = channels.crawl(permissions_only=True)

    assert [name for name in ("UBOB", "UCARL") if channels.readable_by(name)] == ["UCARL"]
    assert (done.counts, channels.embedder.calls) == ({}, embedded)
    (source,) = [one for one in all_sources(channels.database) if one.name == SOURCE]
    assert source.synced_at is not None


def test_a_channel_that_becomes_private_or_loses_ken_is_closed_at_once(
    channels: Channels, slack: Playground
) -> None:
    slack.say("CALL", "UALICE", "Open.")
    slack.say("CBOARD", "UALICE", "Closed.")
    channels.add("CALL", "CBOARD")
    channels.crawl()
    slack.convert("CALL", "UALICE")
    slack.remove_bot("CBOARD")

    done = channels.crawl()

    assert channels.readable_by("UCARL") == set()
    assert channels.readable_by("UBOB") == {_said("alice@Open.")}
    assert done.problems == ["CBOARD: it does not exist, or is private and Ken is not in it"]


def test_kens_own_answers_bots_and_notices_are_no_source(
    channels: Channels, slack: Playground
) -> None:
    """An answer quotes documents that not all who join later may read. Bots only by choice."""
    slack.join("CALL", "UCARL")
    slack.say("CALL", "UROBOT", "Build 7 failed.", subtype="bot_message")
    slack.say("CALL", "UKEN", "An answer of Ken.")
    root = slack.say("CALL", "UALICE", "Why?")
    slack.say("CALL", "UKEN", "Because.", thread_ts=root.ts)
    channels.add("CALL")
    channels.crawl()
    assert [*channels.threads().values()] == [_said("alice@Why?")]

    channels.add("CALL", with_bots=True)
    channels.crawl(full=True)
    texts = " ".join(channels.threads().values())
    assert "Build 7 failed." in texts
    assert "Ken" not in texts
    assert "Because" not in texts


def test_without_that_rule_an_answer_becomes_a_source(
    channels: Channels, slack: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    slack.say("CALL", "UKEN", "An answer of Ken.")
    channels.add("CALL")
    monkeypatch.setattr(threads, "counts", lambda *_: True)
    channels.crawl()
    assert "An answer of Ken." in " ".join(channels.threads().values())


def test_whatever_stands_in_a_name_or_a_message_is_stored_as_words(
    channels: Channels, slack: Playground
) -> None:
    """Bad input: control characters, very long names, marks, headings, nothing but a picture."""
    slack.change_user("UALICE", real_name="\x00\x1b[31mEve\u202e" + "x" * 3000)
    slack.change_channel("CALL", name="\x07" + "n" * 900)
    for words in ("# Heading\n\n<!channel> <@UBOB> &lt;@UBOB&gt;", "\x00", ":tada:", "w " * 9000):
        slack.say("CALL", "UALICE", words)
    channels.add("CALL")

    done = channels.crawl()

    texts = "\n".join(channels.threads().values())
    assert done.problems == []
    assert "\x00" not in texts
    assert "\x1b" not in texts
    assert "<!channel>" not in texts
    assert "bob" in texts
    assert max(len(title) for _, title, *_ in channels.state()["titles"]) <= 200
    assert channels.state()["whole"]


def test_accounts_are_described_and_linked_to_nobody(channels: Channels, slack: Playground) -> None:
    """An account that somebody is linked to keeps its link; the others are left to an admin."""
    channels.add("CALL")
    channels.crawl()
    with channels.database.session("owner") as session:
        accounts = set(session.scalars(text("SELECT native_id FROM account")))
        linked = set(session.scalars(text("SELECT native_id FROM identity")))
    assert {"UALICE", "UGUEST", "UROBOT"} <= accounts
    assert linked == {"UALICE", "UBOB", "UCARL", "UGUEST"}


def test_a_secret_is_sealed_and_shown_nowhere(channels: Channels, slack: Playground) -> None:
    """Threat 26: it is in no row as it was given, in no `repr`, and is kept when options change."""
    key = SecretStr(Fernet.generate_key().decode())
    channels.database = opened(channels.database.settings.model_copy(update={"token_key": key}))
    channels.add("CALL", secret="xoxb-playground")
    channels.add("CALL", "CBOARD")
    stored = store.read(channels.database, SOURCE)
    assert stored.has_secret
    assert "xoxb-playground" not in repr(stored)
    assert stored.sealed is not None
    assert b"xoxb-playground" not in stored.sealed
    assert store.secret_of(channels.database, stored) == "xoxb-playground"

    other = SecretStr(Fernet.generate_key().decode())
    channels.database = opened(channels.database.settings.model_copy(update={"token_key": other}))
    with pytest.raises(SourceRefused, match="cannot be opened"):
        channels.crawl()


def test_what_is_removed_is_read_by_nobody_and_its_secret_is_gone(
    channels: Channels, slack: Playground
) -> None:
    slack.say("CALL", "UALICE", "Open.")
    channels.add("CALL")
    channels.crawl()
    assert store.remove(channels.database, SOURCE, actor="test") == 1
    assert channels.readable_by("UALICE") == set()
    assert channels.threads() == {}
    assert store.all_connectors(channels.database) == []
