"""What people see while Ken works, and that it never stands in the way of the answer."""

from dataclasses import replace
from typing import Any

import pytest

from bot.playground.client import Seen
from policies.described import Permissions
from tests.workers.slack_company import Company, kept, quote_all
from workers.errors import SlackUnavailable
from workers.intake.leases import MAX_ATTEMPTS
from workers.intake.messages import Surface
from workers.models.base import Draft, Passage
from workers.replies import outbox
from workers.replies import rendering as say
from workers.slack.client import TokenBucket, _cut

QUESTION = "What is the budget?"


@pytest.fixture
def alice(company: Company, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(TokenBucket, "take", lambda allowance: True)
    alice = company.person("alice")
    bob = company.person("bob")
    both = Permissions(frozenset({alice, bob}))
    for name in ("plan", "memo"):
        company.library.document(name, f"The budget is ten million, says the {name}.", both)
    settings = company.services.settings.model_copy(update={"cards_after_s": 0.0})
    company.services = replace(company.services, settings=settings)
    return alice


def seen_while_thinking(
    company: Company, channel: str, *, after: str, step: str = "Reading"
) -> list[list[Seen]]:
    """The model writes once the cards stand there; what stood there then comes in this list."""
    found: list[list[Seen]] = []

    def write(question: str, passages: tuple[Passage, ...]) -> Draft:
        def working() -> list[Seen]:
            posts = [post for post in company.posts(channel) if post.ts > after]
            return posts if posts and step in repr(posts) else []

        found.append(company.slack.wait_for(working))
        return quote_all(question, passages)

    company.model.write_next = write
    return found


@pytest.mark.parametrize("channel", ["CBOARD", "DUALICE"])
@pytest.mark.parametrize("streams", [True, False])
def test_the_message_that_shows_the_work_becomes_the_answer(
    company: Company, alice: int, channel: str, streams: bool
) -> None:
    if not streams:
        company.slack.fault("ratelimited", method="chat.startStream", times=9)
    said = company.slack.say(channel, "alice", QUESTION)
    found = seen_while_thinking(company, channel, after=said.ts)

    company.work(kept(channel_id=channel, ts=said.ts))

    ((working,),) = found
    assert working.streaming is streams
    assert "Reading 2 documents" in repr(working)
    assert "ten million" not in repr(working)
    (answer,) = company.posts(channel)
    assert answer.ts == working.ts
    assert "ten million" in repr(answer.blocks)
    assert [block["type"] for block in answer.blocks if block["type"] != "task_card"][-2:] == [
        "context_actions",
        "actions",
    ]
    assert_nothing_goes_on(company)


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("channel", ["CBOARD", "DUALICE"])
@pytest.mark.parametrize("end", ["nothing found", "failed", "withdrawn", "long"])
def test_whatever_ends_leaves_nothing_in_progress(
    company: Company, alice: int, channel: str, streams: bool, end: str
) -> None:
    if not streams:
        company.slack.fault("ratelimited", method="chat.startStream", times=9)
    said = company.slack.say(channel, "alice", QUESTION)
    seen_while_thinking(company, channel, after=said.ts)
    showing, shown = company.model.write_next, list[Draft]()

    def ending(question: str, passages: tuple[Passage, ...]) -> Draft:
        draft = (quote_all if shown else showing)(question, passages)
        shown.append(draft)
        match end:
            case "nothing found":
                return Draft(())
            case "failed":
                raise RuntimeError
            case "withdrawn":
                with company.library.change() as change:
                    change.set_permissions(company.library.ids["plan"], Permissions())
            case "long":
                return Draft(tuple(draft.sentences * 12))
        return draft

    company.model.write_next = ending
    question_id = kept(channel_id=channel, ts=said.ts)
    for _ in range(MAX_ATTEMPTS + 1):
        company.work(question_id)
        if company.state(question_id)[0] != "kept":
            break
        company.rest_is_over(question_id)

    assert company.state(question_id)[0] != "kept"
    assert company.posts(channel)
    assert_nothing_goes_on(company)


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("error", ["msg_too_long", "invalid_blocks", "edit_window_closed"])
def test_an_opening_that_slack_does_not_change_gives_way_to_a_new_message(
    company: Company, alice: int, error: str, streams: bool
) -> None:
    if not streams:
        company.slack.fault("ratelimited", method="chat.startStream", times=9)
    said = company.slack.say("board", "alice", QUESTION)
    found = seen_while_thinking(company, "CBOARD", after=said.ts)
    showing = company.model.write_next

    def refusing(question: str, passages: tuple[Passage, ...]) -> Draft:
        draft = showing(question, passages)
        company.slack.fault("error", method="chat.update", error=error, times=9)
        return draft

    company.model.write_next = refusing
    question_id = kept(channel_id="CBOARD", ts=said.ts)
    company.work(question_id)
    outbox.remove_late_duplicates(company.services, question_id, "channel")

    (answer,) = company.posts("CBOARD")
    assert answer.ts != found[0][0].ts
    assert "ten million" in answer.text
    assert_nothing_goes_on(company)


def test_a_worker_that_dies_before_it_posts_again_leaves_one_message(
    company: Company, alice: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The opening goes before the reply comes: the next worker finds neither, and posts."""
    said = company.slack.say("board", "alice", QUESTION)
    seen_while_thinking(company, "CBOARD", after=said.ts)
    showing = company.model.write_next

    def refusing(question: str, passages: tuple[Passage, ...]) -> Draft:
        draft = showing(question, passages)
        company.slack.fault("error", method="chat.update", error="msg_too_long")
        company.slack.fault("drop_after", method="chat.postMessage")
        return draft

    company.model.write_next = refusing
    question_id = kept(channel_id="CBOARD", ts=said.ts)
    company.work(question_id)
    company.model.write_next = quote_all
    company.rest_is_over(question_id)
    company.work(question_id)

    (answer,) = company.posts("CBOARD")
    assert "ten million" in answer.text
    assert company.state(question_id)[0] == "answered"


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("letter", ["&", "各", "x"])
def test_the_fall_back_text_fits_whatever_it_is_made_of(
    company: Company, alice: int, letter: str, streams: bool
) -> None:
    if not streams:
        company.slack.fault("ratelimited", method="chat.startStream", times=9)
    said = company.slack.say("board", "alice", QUESTION)
    seen_while_thinking(company, "CBOARD", after=said.ts)
    showing = company.model.write_next

    def at_length(question: str, passages: tuple[Passage, ...]) -> Draft:
        draft = showing(question, passages)
        return Draft(
            tuple(
                replace(sentence, text=f"{sentence.text} {letter * 600} {number}")
                for number, sentence in enumerate(draft.sentences * 4)
            ),
            is_quoted=True,
        )

    company.model.write_next = at_length
    company.work(kept(channel_id="CBOARD", ts=said.ts))

    first, *_rest = company.posts("CBOARD")
    assert first.text.endswith("…")
    assert len(first.text.encode()) <= 4_000
    assert "ten million" in repr(first.blocks)
    assert company.slack.calls("chat.delete") == []


@pytest.mark.parametrize("most", range(20, 40))
def test_what_is_cut_is_no_half_of_a_character_or_an_entity(most: int) -> None:
    for text in ("a &lt;b&gt; &amp; " * 9, "各拠点は" * 9, "&amp;" * 9, "x" * 99):
        cut = _cut(text, most)
        assert len(cut.encode()) <= most
        assert cut.endswith("…")
        kept_back = cut.removesuffix("…")
        assert text.startswith(kept_back)
        assert kept_back.count("&") == kept_back.count(";")
        assert _cut(text, 1000) == text


def assert_nothing_goes_on(company: Company) -> None:
    surfaces = company.slack.surfaces()
    assert surfaces["statuses"] == {}
    assert {session["status"] for session in surfaces["sessions"].values()} <= {"active"}
    seen = [*company.posts("CBOARD"), *company.posts("DUALICE")]
    assert not any(post.streaming for post in seen)
    assert "in_progress" not in repr(seen)
    assert not {"plan", "task_card"} & {block["type"] for post in seen for block in post.blocks}


def test_what_cannot_be_shown_costs_nothing_but_itself(company: Company, alice: int) -> None:
    for method in ("assistant.threads.setStatus", "chat.startStream"):
        company.slack.fault("error", method=method, error="internal_error")
    company.asked("DUALICE", "alice", QUESTION)
    (answer,) = company.posts("DUALICE")
    assert "ten million" in answer.text


def test_a_working_message_that_slack_opened_in_silence_is_taken_away(
    company: Company, alice: int
) -> None:
    """Slack took it, and the connection ended before it said so."""
    company.slack.fault("drop_after", method="chat.startStream")
    said = company.slack.say("board", "alice", QUESTION)
    question_id = kept(channel_id="CBOARD", ts=said.ts)
    found = seen_while_thinking(company, "CBOARD", after=said.ts, step="Searching")

    company.work(question_id)

    ((orphan,),) = found
    (answer,) = company.posts("CBOARD")
    assert answer.ts != orphan.ts
    assert "ten million" in answer.text


def test_a_working_message_of_a_worker_that_died_is_taken_away(
    company: Company, alice: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It opened a stream, and did not live to write that down."""
    said = company.slack.say("board", "alice", QUESTION)
    question_id = kept(channel_id="CBOARD", ts=said.ts)
    found = seen_while_thinking(company, "CBOARD", after=said.ts)
    writing = company.model.write_next

    def dying(question: str, passages: tuple[Passage, ...]) -> Draft:
        writing(question, passages)
        raise SlackUnavailable("the worker is gone")

    company.model.write_next = dying
    monkeypatch.setattr(outbox, "_RECORD_OPENING", outbox._TEAM_OF_QUESTION)
    company.work(question_id)
    monkeypatch.undo()
    ((orphan,),) = found
    assert [post.ts for post in company.posts("CBOARD")] == [orphan.ts]

    company.model.write_next = quote_all
    company.rest_is_over(question_id)
    company.work(question_id)

    (answer,) = company.posts("CBOARD")
    assert answer.ts != orphan.ts
    assert "ten million" in answer.text


def test_a_working_message_on_record_becomes_the_answer_of_the_next_worker(
    company: Company, alice: int
) -> None:
    said = company.slack.dm("alice", QUESTION)
    question_id = kept(channel_id="DUALICE", ts=said.ts)
    found = seen_while_thinking(company, "DUALICE", after=said.ts)
    writing = company.model.write_next

    def dying(question: str, passages: tuple[Passage, ...]) -> Draft:
        writing(question, passages)
        raise SlackUnavailable("the worker is gone")

    company.model.write_next = dying
    company.work(question_id)
    company.model.write_next = quote_all
    company.rest_is_over(question_id)
    company.work(question_id)

    ((working,),) = found
    (answer,) = company.posts("DUALICE")
    assert answer.ts == working.ts
    assert "ten million" in repr(answer.blocks)


def test_a_stream_that_slack_ended_is_changed_into_the_answer(company: Company, alice: int) -> None:
    """After five minutes Slack takes nothing more for it."""
    said = company.slack.dm("alice", QUESTION)
    found = seen_while_thinking(company, "DUALICE", after=said.ts)
    company.slack.fault("stream_expired", method="chat.stopStream")

    company.work(kept(channel_id="DUALICE", ts=said.ts))

    ((working,),) = found
    (answer,) = company.posts("DUALICE")
    assert answer.ts == working.ts
    assert "ten million" in answer.text


def test_a_working_message_that_somebody_deleted_does_not_take_the_answer_along(
    company: Company, alice: int
) -> None:
    said = company.slack.dm("alice", QUESTION)
    found = seen_while_thinking(company, "DUALICE", after=said.ts)
    writing = company.model.write_next

    def deleting(question: str, passages: tuple[Passage, ...]) -> Draft:
        draft = writing(question, passages)
        company.slack.delete("DUALICE", found[0][0].ts)
        return draft

    company.model.write_next = deleting
    company.work(kept(channel_id="DUALICE", ts=said.ts))

    (answer,) = company.posts("DUALICE")
    assert "ten million" in answer.text


def test_the_cards_say_no_more_than_the_readers_may_know(company: Company, alice: int) -> None:
    """Threats 16 and 17: what Bob may not read is not counted where Bob reads along."""
    for number in range(3):
        company.library.document(
            f"secret {number}", f"The budget is canary {number}.", Permissions(frozenset({alice}))
        )
    said = company.slack.say("board", "alice", QUESTION)
    found = seen_while_thinking(company, "CBOARD", after=said.ts)
    company.work(kept(channel_id="CBOARD", ts=said.ts))
    assert "Reading 2 documents" in repr(found)


def test_nothing_is_shown_where_no_reply_may_come(company: Company, alice: int) -> None:
    """Unasked, and for oneself: the channel sees no message that says that Ken is at work."""
    said = company.slack.say("board", "alice", "hello")

    def write(question: str, passages: tuple[Passage, ...]) -> Draft:
        assert company.posts("CBOARD") == []
        return quote_all(question, passages)

    company.model.write_next = write
    for surface in (Surface.PRIVATE, Surface.COMMAND):
        question_id = kept(channel_id="CBOARD", ts=said.ts, surface=surface)
        company.work(question_id)
        assert company.state(question_id)[0] == "answered"
    assert company.posts("CBOARD") == []
    statuses: Any = company.slack.surfaces()["statuses"]
    assert statuses == {}
    assert say.ANSWERED_PRIVATELY not in repr(company.posts("DUALICE"))


def test_streams_are_few_enough_for_slack_and_none_after_it_had_enough() -> None:
    """Tier 2: about 20 a minute for a workspace."""
    allowance = TokenBucket(15)
    assert [allowance.take() for _ in range(16)] == [True] * 15 + [False]
    allowance = TokenBucket(15)
    allowance.empty(60)
    assert not allowance.take()
