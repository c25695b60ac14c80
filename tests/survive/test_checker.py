"""The checker sees what it is there to see: a history that is right passes, a planted fault not."""

from dataclasses import replace

import pytest

from tests.survive.checker import Asked, History, Post, StoredQuestion, Told, judge
from tests.survive.company import Acl, Past, State
from tests.survive.play import percentile
from workers.replies.rendering import ANSWERED_PRIVATELY, WITHDRAWN

CANARY = {"budget": "qxbudget", "travel": "qxtravel"}
OPEN = Acl(allow=frozenset({"class:internet"}))
BOARD = Acl(allow=frozenset({"group:finance"}))
STATE = State(
    {"finance": frozenset({"ana", "cy", "dee"})}, {"budget": BOARD, "travel": OPEN}
)  # fmt: skip


def said(channel: str, ts: str, text: str, *, event: str, kind: str) -> Post:
    return Post(channel, ts, "", f"{text} {event}/{kind}", text, f"{event}/{kind}")


@pytest.fixture
def history() -> History:
    """Three questions: in a private channel, in private, and in a channel answered in private."""
    asked = [
        Asked(1, "CBOARD", "1.0", "ana", 1.0, 5),
        Asked(2, "DUBO", "2.0", "bo", 2.0, 5),
        Asked(3, "CPAIR", "3.0", "ana", 3.0, 5),
    ]
    kept = [
        StoredQuestion(11, "Ev1", "CBOARD", "1.0", "answered", None),
        StoredQuestion(12, "Ev2", "DUBO", "2.0", "answered", None),
        StoredQuestion(13, "Ev3", "CPAIR", "3.0", "answered", None),
    ]
    posts = [
        said("CBOARD", "1.5", "qxbudget", event="Ev1", kind="channel"),
        said("DUBO", "2.5", "qxtravel", event="Ev2", kind="direct"),
        said("CPAIR", "3.5", ANSWERED_PRIVATELY, event="Ev3", kind="channel"),
        said("DUANA", "3.6", "qxbudget", event="Ev3", kind="direct"),
    ]
    checks = {(11, "channel"): 6, (12, "direct"): 6, (13, "direct"): 6}
    past = Past([(5, STATE)])
    return History(asked, kept, posts, checks, past, CANARY, 6, [Told(1, "qxbudget")])


def wrongs(history: History) -> list[tuple[str, int]]:
    return [(one.wrong, one.number) for one in judge(history)]


def test_a_history_that_is_right_passes(history: History) -> None:
    assert judge(history) == []


def test_an_answer_withdrawn_before_its_end_is_given_again_in_private(history: History) -> None:
    posts = [*history.posts[:2], replace(history.posts[2], text=WITHDRAWN), history.posts[3]]
    assert judge(replace(history, posts=posts)) == []


def test_an_answer_in_the_channel_and_another_in_private_stand_twice(history: History) -> None:
    posts = [*history.posts[:2], replace(history.posts[2], text="qxbudget"), history.posts[3]]
    assert ("twice", 3) in wrongs(replace(history, posts=posts))


def test_a_question_that_was_never_kept_is_lost(history: History) -> None:
    found = replace(history, kept=history.kept[1:], posts=history.posts[1:])
    assert wrongs(found) == [("lost", 1)]


def test_a_question_that_is_still_open_is_lost(history: History) -> None:
    kept = [replace(history.kept[0], state="kept"), *history.kept[1:]]
    assert wrongs(replace(history, kept=kept)) == [("lost", 1)]


def test_a_question_that_ended_without_a_word_is_lost(history: History) -> None:
    assert wrongs(replace(history, posts=history.posts[1:])) == [("lost", 1)]


def test_a_promise_of_a_private_answer_that_never_came_is_lost(history: History) -> None:
    assert wrongs(replace(history, posts=history.posts[:3])) == [("lost", 3)]


def test_only_where_no_reply_can_be_posted_a_failed_one_may_be_silent(
    history: History,
) -> None:
    failed = replace(history.kept[0], state="failed", reason="SlackRefused")
    silent = replace(history, kept=[failed, *history.kept[1:]], posts=history.posts[1:])
    assert wrongs(silent) == [("lost", 1)]

    untold = [replace(history.asked[0], untold=True), *history.asked[1:]]
    assert wrongs(replace(silent, asked=untold)) == []

    nameless = replace(failed, reason=None)
    found = replace(silent, asked=untold, kept=[nameless, *history.kept[1:]])
    assert wrongs(found) == [("lost", 1)]


def test_a_message_that_stands_twice_is_found(history: History) -> None:
    again = replace(history.posts[1], ts="2.7")
    assert wrongs(replace(history, posts=[*history.posts, again])) == [("twice", 2)]


def test_an_answer_both_in_the_channel_and_in_private_is_found(history: History) -> None:
    posts = [replace(post, text="The limit is ten.") for post in history.posts[2:3]]
    found = replace(history, posts=[*history.posts[:2], *posts, *history.posts[3:]])
    assert wrongs(found) == [("twice", 3)]


def test_a_message_that_answers_no_question_is_found(history: History) -> None:
    stray = said("CPAIR", "9.0", "Hello.", event="Ev9", kind="channel")
    assert wrongs(replace(history, posts=[*history.posts, stray])) == [("twice", 0)]


def test_a_canary_that_one_reader_could_not_read_at_the_check_is_a_leak(history: History) -> None:
    """Revoked at epoch 6, which is the check's; a check at epoch 5 would have been right."""
    revoked = State({"finance": frozenset({"ana", "cy"})}, STATE.acls)
    late = replace(history, past=Past([(5, STATE), (6, revoked)]), told=[])
    assert wrongs(late) == [("leak", 1)]

    early = {**history.checks, (11, "channel"): 5}
    assert wrongs(replace(late, checks=early)) == []


def test_a_canary_in_a_channel_is_judged_by_everybody_there(history: History) -> None:
    posts = [replace(history.posts[2], content="qxbudget"), *history.posts[:2], history.posts[3]]
    checks = {**history.checks, (13, "channel"): 6}
    assert wrongs(replace(history, posts=posts, checks=checks)) == [("leak", 3)]  # of bo


def test_an_answer_without_a_final_check_is_a_leak(history: History) -> None:
    checks = {key: epoch for key, epoch in history.checks.items() if key[0] != 12}
    assert wrongs(replace(history, checks=checks)) == [("leak", 2)]


def test_a_check_that_is_older_than_the_question_is_a_leak(history: History) -> None:
    past = Past([(3, STATE)])
    found = replace(history, past=past, checks={**history.checks, (12, "direct"): 4})
    assert wrongs(found) == [("leak", 2)]


def test_a_canary_in_a_prompt_that_its_asker_could_never_read_is_a_leak(history: History) -> None:
    assert wrongs(replace(history, told=[Told(2, "qxbudget")])) == [("leak", 2)]


def test_a_suspended_person_reads_nothing_and_a_class_reads_what_it_is_allowed() -> None:
    open_to_guests = Acl(allow=frozenset({"class:members_and_guests"}))
    state = State({}, {"budget": open_to_guests}, frozenset({"ana"}))
    assert [state.may_read(p, "budget") for p in ("bo", "gil", "zoe", "ana")] == [
        True,
        True,
        False,
        False,
    ]
    denied = replace(state, acls={"budget": replace(open_to_guests, deny=frozenset({"user:bo"}))})
    assert not denied.may_read("bo", "budget")


def test_percentiles_are_of_the_nearest_rank() -> None:
    hundred = [float(number) for number in range(1, 101)]
    assert percentile(hundred, 0.99) == 99.0
    assert percentile(hundred, 0.5) == 50.0
    assert percentile([3.0], 0.99) == 3.0
