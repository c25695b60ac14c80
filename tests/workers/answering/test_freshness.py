"""A revocation counts for the next question, and for the final check of an answer in flight."""

import random

from tests.prove.interleavings import (
    WAYS,
    Happening,
    Schedule,
    draw,
    play,
    run,
    taking_away,
    without_final_check,
)
from workers.database.sessions import Database


def each_way(step: str) -> list[Schedule]:
    """Every way of taking a document from its readers, at this step."""
    chance = random.Random(step)
    schedules = []
    for way in WAYS:
        channel, seed = taking_away(way, chance)
        schedules.append(Schedule(channel, (Happening(way, (step, 1), (step, 1), seed),)))
    return schedules


def test_a_question_that_starts_after_a_revocation_never_sees_the_document(
    database: Database,
) -> None:
    """Threats 6 and 9, by every way: neither the model nor anybody in Slack is shown it."""
    tally = play(database, each_way("before the question"))
    assert {way for way, _step in tally.reached} == set(WAYS)
    assert (tally.late_prompts, tally.late_posts, tally.withheld) == (0, 0, 0), tally.wrong


def test_a_revocation_while_the_model_writes_stops_the_answer(database: Database) -> None:
    """Threats 7, 9 and 12, by every way. Without the final check each of them leaks."""
    tally = play(database, each_way("model writes"))
    assert tally.late_posts == 0, tally.wrong
    assert tally.withheld == len(WAYS)

    with without_final_check():
        leaking = play(database, each_way("model writes"))
    assert leaking.late_posts == len(WAYS)


def test_what_commits_after_the_final_check_began_is_too_late_and_on_record(
    database: Database,
) -> None:
    """Design, section 4: the answer is as fresh as the epoch under which it was checked."""
    tally = play(database, each_way("final decision")[::3])
    assert tally.withheld == 0
    assert (tally.late_posts, tally.late_records) == (0, 0), tally.wrong


def test_at_whatever_step_changes_commit_nothing_late_is_posted(database: Database) -> None:
    """Threats 6, 7, 9 and 12: a slice of what `make prove` runs."""
    figures = run(database, count=16, seed=1, tell=lambda more: None)
    assert figures == {"interleavings": 16, "late_posts": 0}


def test_without_the_final_check_the_same_schedules_leak(database: Database) -> None:
    chance = random.Random(1)
    with without_final_check():
        tally = play(database, [draw(chance) for _ in range(8)])
    assert tally.late_posts > 0
