"""A change of a message is pushed to Slack until Slack confirms it."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tests.workers.upkeep.posted_answers import SECRET, Desk, Killed, replace_text
from workers.errors import SlackBusy, SlackRefused, SlackUnavailable
from workers.replies import revisions
from workers.replies.rendering import WITHDRAWN
from workers.slack.messenger import Message

# Pushed until Slack confirms


def test_what_a_killed_worker_left_is_done_by_the_next_turn(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.allow(document, alice)
    desk.slack.failures = [Killed()]
    with pytest.raises(Killed):
        desk.turn()
    assert desk.revisions(question_id) == [("withdrawn", False)]
    assert "million" not in str(desk.look(question_id, "SELECT payload FROM outbox"))

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]
    assert desk.revisions(question_id) == [("withdrawn", True)]


def test_where_slack_is_busy_the_change_is_pushed_later(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, _bob, document = board
    first = desk.answered("CBOARD", "UALICE", document)
    second = desk.answered("CBOARD", "UALICE", document)
    desk.allow(document, alice)
    desk.slack.failures = [SlackBusy("ratelimited", retry_after_s=30)]
    desk.turn()
    assert desk.slack.calls.count("update") == 1, "the workspace is left alone for this turn"
    desk.turn()
    assert desk.revisions(first) == [("withdrawn", False)], "it rests as long as Slack said"
    assert desk.revisions(second) == [("withdrawn", True)]

    desk.rest_is_over(first)
    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN] * 2
    assert desk.revisions(first) == [("withdrawn", True)]


def test_a_message_that_is_gone_is_left_alone(desk: Desk, board: tuple[int, int, int]) -> None:
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.slack.messages.clear()
    desk.allow(document, alice)

    desk.turn()

    assert desk.revisions(question_id) == [("withdrawn", True)]


def test_what_slack_refuses_for_now_is_tried_again_after_a_long_rest(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """An archived channel is still read, and may be opened again."""
    alice, _bob, document = board
    archived = desk.answered("CBOARD", "UALICE", document)
    other = desk.answered("CBOARD", "UALICE", document)
    desk.slack.failures = [SlackRefused("is_archived")]
    desk.allow(document, alice)
    desk.turn()
    assert desk.revisions(archived) == [("withdrawn", False)]
    assert desk.revisions(other) == [("withdrawn", True)]

    desk.rest_is_over(archived)
    desk.turn()

    assert desk.revisions(archived) == [("withdrawn", True)]


def test_a_withdrawal_during_the_push_of_an_older_change_is_the_last_word(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    replace_text(desk, document, "other")

    def revoked_meanwhile() -> None:
        desk.allow(document, alice)
        desk.turn()

    desk.slack.meanwhile = revoked_meanwhile
    desk.turn()
    assert desk.revisions(question_id) == [("withdrawn", False)]
    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]
    assert desk.revisions(question_id) == [("withdrawn", True)]


def test_a_worker_that_lost_its_transaction_pushes_the_change_again(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    """It froze before it pushed; another worker pushed the newer change meanwhile."""
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    replace_text(desk, document, "other")

    def frozen() -> None:
        with desk.library.database.session("answerer") as session:
            session.execute(
                text("""
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE usename = current_user AND datname = current_database()
                      AND pid <> pg_backend_pid()
                """)
            )
        desk.allow(document, alice)
        desk.turn()

    desk.slack.meanwhile = frozen
    with pytest.raises(SQLAlchemyError):
        desk.turn()
    assert SECRET in desk.shown("CBOARD")[0], "the older word came last"

    desk.turn()

    assert desk.shown("CBOARD") == [WITHDRAWN]
    assert desk.revisions(question_id) == [("withdrawn", True)]


# What is taken away


def test_all_messages_of_a_question_are_taken_away(desk: Desk, board: tuple[int, int, int]) -> None:
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document, parts=2)
    other = desk.answered("CBOARD", "UALICE", document)

    revisions.remove(desk.services, question_id)

    assert len(desk.shown("CBOARD")) == 1
    assert desk.revisions(question_id) == [("deleted", True)] * 2
    assert desk.revisions(other) == [(None, False)]
    assert "million" not in str(desk.look(question_id, "SELECT payload FROM outbox"))
    revisions.remove(desk.services, question_id)
    assert desk.slack.calls.count("delete") == 2


def test_a_message_that_is_out_and_not_on_record_is_taken_away(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.look(
        question_id,
        "UPDATE outbox SET state = 'ready', channel_id = NULL, message_ts = NULL, posted_at = NULL,"
        " opened_channel = 'CBOARD', opened_ts = '9.9' RETURNING id",
    )
    desk.slack.messages["CBOARD", "9.9"] = Message("Searching…", [], "")

    revisions.remove(desk.services, question_id)

    assert desk.shown("CBOARD") == []
    desk.rest_is_over(question_id)
    desk.turn()  # what was late is gone, too
    assert desk.revisions(question_id) == [("deleted", True)]


def test_a_message_that_slack_shows_late_is_taken_away_late(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    ((posted, message),) = desk.slack.messages.items()
    desk.look(
        question_id,
        "UPDATE outbox SET state = 'ready', channel_id = NULL, message_ts = NULL, posted_at = NULL"
        " RETURNING id",
    )
    desk.slack.messages.clear()
    revisions.remove(desk.services, question_id)
    desk.slack.messages[posted] = message
    assert desk.look(question_id, "SELECT state FROM outbox") == [("dropped",)], "it waits for none"

    desk.rest_is_over(question_id)
    desk.turn()

    assert desk.shown("CBOARD") == []
    assert desk.revisions(question_id) == [("deleted", True)]


def test_what_was_never_out_is_not_looked_for_for_ever(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    *_, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.look(question_id, "UPDATE outbox SET state = 'ready', posted_at = NULL RETURNING id")
    desk.slack.messages.clear()
    revisions.remove(desk.services, question_id)
    assert desk.revisions(question_id) == [("deleted", False)]
    desk.look(question_id, "UPDATE outbox SET mend_at = now() RETURNING id")

    desk.turn()

    assert desk.revisions(question_id) == [("deleted", True)]


def test_where_slack_is_away_the_sweep_takes_it_away_later(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.slack.failures = [SlackUnavailable("TimeoutError")]
    revisions.remove(desk.services, question_id)
    assert len(desk.shown("CBOARD")) == 1
    desk.allow(document, alice)
    desk.rest_is_over(question_id)

    desk.turn()

    assert desk.shown("CBOARD") == []
    assert desk.revisions(question_id) == [("deleted", True)]
