"""All posted answers are looked at again, those with equal readers together."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from policies import Class
from tests.workers.slack_company import TEAM
from tests.workers.upkeep.posted_answers import SECRET, Desk, Killed, only
from workers.database.sessions import connect
from workers.replies.rendering import Line, Reply
from workers.services import Services
from workers.upkeep import judgement, review

# All of them, by their readers


def test_a_turn_in_which_nothing_changed_looks_at_nothing(
    desk: Desk, board: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, document = board
    desk.answered("CBOARD", "UALICE", document)
    desk.turn()
    for name in ("_review_new", "_review_by_readers", "push_changes"):
        monkeypatch.setattr(review, name, lambda *_: pytest.fail("there is nothing to do"))

    desk.turn()


def test_equal_readers_are_looked_at_together(
    desk: Desk, board: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, _bob, document = board
    questions = [desk.answered("CBOARD", "UALICE", document) for _ in range(5)]
    desk.answered("DUALICE", "UALICE", document)
    desk.allow(document, alice)
    judged = judgements(monkeypatch)

    desk.turn()

    assert sorted(judged) == [1, 5]
    assert {desk.revisions(one)[0] for one in questions} == {("withdrawn", True)}
    assert SECRET in desk.shown("DUALICE")[0]


def test_a_killed_look_goes_on_where_it_was(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    document, people = company_of(desk, 4)
    monkeypatch.setattr(review, "_GROUPS_AT_ONCE", 1)
    judged: list[str] = []
    look = review._review_group

    def killed_at_the_third(database: Any, key: str, answers: list[int]) -> None:
        if len(judged) == 2:
            judged.append("killed")
            raise Killed
        judged.append(key)
        look(database, key, answers)

    monkeypatch.setattr(review, "_review_group", killed_at_the_third)
    desk.allow(document)
    with pytest.raises(Killed):
        desk.turn()
    desk.turn()

    keys = [one for one in judged if one != "killed"]
    assert len(keys) == len(set(keys)) == 4
    assert all(desk.revisions(one) == [("withdrawn", True)] for one in people.values())


def test_a_change_in_the_middle_of_a_look_has_another_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 39: the group that it bears on was done already."""
    document, people = company_of(desk, 3)
    monkeypatch.setattr(review, "_GROUPS_AT_ONCE", 1)
    look = review._review_group
    seen: list[str] = []

    def revoked_after_the_second(database: Any, key: str, answers: list[int]) -> None:
        look(database, key, answers)
        seen.append(key)
        if len(seen) == 2:
            desk.allow(document)

    monkeypatch.setattr(review, "_review_group", revoked_after_the_second)
    desk.library.folder("another epoch")
    desk.turn()
    assert {desk.revisions(one)[0][0] for one in people.values()} == {None, "withdrawn"}

    desk.turn()

    assert {desk.revisions(one)[0] for one in people.values()} == {("withdrawn", True)}


def test_two_workers_share_a_look(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one has some groups in hand, the other leaves the look to it."""
    document, people = company_of(desk, 3)
    monkeypatch.setattr(review, "_GROUPS_AT_ONCE", 1)
    look = review._review_group
    seen: list[str] = []

    def the_other_comes(database: Any, key: str, answers: list[int]) -> None:
        seen.append(key)
        if len(seen) == 1:
            desk.turn()
        look(database, key, answers)

    monkeypatch.setattr(review, "_review_group", the_other_comes)
    desk.allow(document)

    desk.turn()

    assert len(seen) == 3
    assert desk.slack.calls.count("update") == 3
    assert {desk.revisions(one)[0] for one in people.values()} == {("withdrawn", True)}


def test_what_another_worker_did_between_two_steps_is_not_done_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, people = company_of(desk, 3)
    monkeypatch.setattr(review, "_GROUPS_AT_ONCE", 1)
    step = review._review_groups

    def the_other_comes_next(database: Any, groups: Any, now_at: int) -> bool:
        done = step(database, groups, now_at)
        monkeypatch.setattr(review, "_review_groups", step)
        monkeypatch.setattr(review, "_TURN_S", -1.0)
        desk.turn()  # for one step
        return done

    monkeypatch.setattr(review, "_review_groups", the_other_comes_next)
    judged = judgements(monkeypatch)
    desk.allow(document)

    desk.turn()

    assert judged == [1] * 3
    assert {desk.revisions(one)[0] for one in people.values()} == {("withdrawn", True)}


def test_a_plan_of_an_older_look_takes_nothing_from_a_newer_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow worker's list does not hold what was posted since."""
    document, people = company_of(desk, 2)
    late = ("carl", "dora", "emil", "fred")  # one of them comes before somebody in the list
    desk.library.folder("another epoch")
    plan = review._groups

    def slow(services: Services, now_at: int) -> list[tuple[str, list[int]]]:
        old = plan(services, now_at)
        monkeypatch.setattr(review, "_groups", plan)
        desk.turn()  # another worker ends this look
        for name in late:
            desk.person(name)
        desk.allow(document, Class.MEMBERS)
        for name in late:
            people[name] = desk.answered(f"DU{name.upper()}", f"U{name.upper()}", document)
        desk.allow(document)
        with desk.library.database.session("answerer") as session:
            session.execute(review._BEGIN_REVIEW)  # and begins another
        return old

    monkeypatch.setattr(review, "_groups", slow)
    desk.turn()
    desk.turn()

    assert {desk.revisions(people[name])[0] for name in late} == {("withdrawn", True)}


def test_an_answer_of_long_ago_is_left_as_it_is(desk: Desk, board: tuple[int, int, int]) -> None:
    alice, _bob, document = board
    question_id = desk.answered("CBOARD", "UALICE", document)
    desk.look(question_id, "UPDATE outbox SET posted_at = now() - interval '91 days' RETURNING id")
    desk.allow(document, alice)

    desk.turn()

    assert desk.revisions(question_id) == [(None, False)]


def test_answers_on_record_before_their_readers_were_go_by_their_audiences(
    desk: Desk, board: tuple[int, int, int]
) -> None:
    alice, _bob, document = board
    goes = desk.answered("CBOARD", "UALICE", document)
    stays = desk.answered("DUALICE", "UALICE", document)
    for question_id in (goes, stays):
        desk.look(question_id, "UPDATE answer SET readers = '{}' RETURNING id")
    desk.allow(document, alice)

    desk.turn()

    assert desk.revisions(goes) == [("withdrawn", True)]
    assert desk.revisions(stays) == [(None, False)]


def test_across_questions_nobody_sees_a_word(desk: Desk, board: tuple[int, int, int]) -> None:
    """Threat 32: and without saying so, not even what an answer rests on."""
    *_, document = board
    desk.answered("CBOARD", "UALICE", document)
    with desk.library.database.session("answerer") as session:
        assert session.execute(text("SELECT id FROM answer")).all() == []
        judgement._act_as_reviewer(session)
        assert len(session.execute(text("SELECT id FROM answer")).all()) == 1
        for table in ("question", "outbox", "document", "chunk"):
            assert session.execute(text(f"SELECT * FROM {table}")).all() == []  # noqa: S608
    with desk.library.database.session("ingress") as session:
        assert (
            session.scalar(text("SELECT has_column_privilege('outbox', 'payload', 'SELECT')"))
            is False
        )


# What it costs


def test_a_look_at_many_answers_takes_as_many_steps_as_there_are_audiences(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And several turns where there is no time for it in one: each goes on where the last ended."""
    document = desk.library.document("budget", SECRET, only(Class.MEMBERS))
    names = [f"p{number}" for number in range(25)]
    for name in names:
        desk.person(name)
    many(desk, document, [f"U{name.upper()}" for name in names], 20)
    monkeypatch.setattr(review, "_TURN_S", -1.0)
    judged = judgements(monkeypatch)
    assert turns_until_done(desk) == 3
    assert judged == [20] * 25
    with desk.library.change() as change:
        change.delete_document(document)

    assert turns_until_done(desk) == 3

    assert judged == [20] * 50
    with desk.library.database.session("ingress") as session:
        left = session.scalar(text("SELECT count(*) FROM outbox WHERE revision IS NULL"))
    assert left == 0


# For tests


def judgements(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many answers are judged at once, each time."""
    judged: list[int] = []
    judge = judgement._judged

    def judging(database: Any, audience: Any, given: Any) -> Any:
        judged.append(len(given))
        return judge(database, audience, given)

    monkeypatch.setattr(judgement, "_judged", judging)
    return judged


def company_of(desk: Desk, people: int) -> tuple[int, dict[str, int]]:
    """A document that each may read, and each one's answer from it in a direct message."""
    names = [f"person{number}" for number in range(people)]
    ids = [desk.person(name) for name in names]
    document = desk.library.document("budget", SECRET, only(*ids))
    return document, {
        name: desk.answered(f"DU{name.upper()}", f"U{name.upper()}", document) for name in names
    }


def many(desk: Desk, document: int, user_ids: list[str], each: int) -> None:
    """Posted answers, written in one go."""
    owner = connect(desk.settings, "owner")
    tables = ("question", "answer", "outbox")
    payload = Reply("", (Line(SECRET, ()),)).payload()
    with owner.begin() as connection:
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
        connection.execute(
            text("""
                INSERT INTO question (event_id, surface, team_id, channel_id, message_ts, thread_ts,
                                      user_id, text)
                SELECT user_id || '/' || number, 'slack', :team, 'D' || user_id, number::text,
                       '', user_id, ''
                FROM unnest(CAST(:users AS text[])) AS user_id, generate_series(1, :each) AS number
            """),
            {"team": TEAM, "users": user_ids, "each": each},
        )
        connection.execute(
            text("""
                INSERT INTO answer (question_id, kind, audience, epoch, used, cited, model,
                                    prompt_version, verdicts, readers)
                SELECT id, 'direct', '{1}', 0, ARRAY[CAST(:document AS bigint)], '{}', '', '', '{}',
                       jsonb_build_object(
                           'accounts', jsonb_build_array(
                               jsonb_build_array('slack:' || team_id, user_id)),
                           'users', '[]'::jsonb, 'classes', '[]'::jsonb, 'strangers', false)
                FROM question
            """),
            {"document": document},
        )
        connection.execute(
            text("""
                INSERT INTO outbox (question_id, kind, payload, state, channel_id, message_ts,
                                    posted_at, reviewed_at)
                SELECT id, 'direct', CAST(:payload AS jsonb), 'posted', channel_id, message_ts,
                       now(), now()
                FROM question
            """),
            {"payload": json.dumps(payload)},
        )
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"))
    owner.dispose()


def turns_until_done(desk: Desk) -> int:
    """Without telling Slack."""
    turns = 0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(review, "push_changes", lambda _: None)
        while turns < 10:
            desk.turn()
            turns += 1
            with desk.library.database.session("ingress") as session:
                if session.scalar(text("SELECT done >= value FROM mending, epoch")):
                    break
    return turns
