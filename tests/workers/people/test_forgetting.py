"""`ken forget`: one person's words go, in all their accounts, and nobody else's."""

import json
from typing import Any

import pytest
from sqlalchemy import make_url, text

from policies.change import Change
from policies.described import Permissions
from tests import servers
from tests.workers.slack_company import TEAM, Company, kept
from workers.cli.commands.people import forget
from workers.intake.messages import BY_A_PROGRAM, Question, Surface
from workers.intake.store import store_question
from workers.people.forgetting import Forgotten, forget_person
from workers.people.memory import Remember, fulfil, remembered
from workers.people.person_tokens import issue, tokens
from workers.people.preferences import FORGOTTEN


@pytest.fixture
def ids(company: Company) -> dict[str, int]:
    """Alice and Bob asked the same; Alice also through a program."""
    found = {name: company.person(name) for name in ("alice", "bob")}
    readers = Permissions(allow=frozenset(found.values()))
    company.library.document("plan", "The plan is canary.", readers)
    for name, user_id in found.items():
        company.asked(f"DU{name.upper()}", name, f"What is the plan, asks {name}?")
        fulfil(company.services, TEAM, f"U{name.upper()}", Remember(f"{name} likes tea"))
        issue(company.services.database, user_id, "laptop", by="test")
    program = Question(
        event_id="program:1",
        team_id=BY_A_PROGRAM,
        channel_id="",
        message_ts="1",
        thread_ts="1",
        user_id=str(found["alice"]),
        text="What is the plan, asks alice's program?",
        surface=Surface.PROGRAM,
    )
    question_id = store_question(company.services.database, program)
    assert question_id is not None
    company.work(question_id)
    return found


def words(company: Company) -> str:
    """All that is stored of what anybody asked, and was told alone."""
    found = []
    for question_id in range(1, 10):
        found += company.look(question_id, "SELECT text FROM question")
        found += company.look(question_id, "SELECT payload::text FROM outbox")
    return str(found)


def memory_of(company: Company, name: str) -> tuple[str, ...]:
    account = f"U{name.upper()}"
    with company.services.database.session("answerer", asker=f"{TEAM}/{account}") as session:
        return remembered(session, TEAM, account)


def test_what_a_person_said_and_was_told_goes_and_nobody_elses(
    company: Company, ids: dict[str, int]
) -> None:
    database = company.services.database
    assert forget_person(database, ids["alice"], by="admin") == Forgotten(
        accounts=2,
        questions=2,
        private_answers=2,
        comments=0,
        remembered=1,
        errands=0,
        model_uses=0,
        tokens=1,
        still_open=0,
    )
    left = words(company)
    assert "asks alice" not in left
    assert "asks bob" in left
    assert left.count("The plan is canary.") >= 1  # Bob's own answer
    assert FORGOTTEN in left
    assert (memory_of(company, "alice"), memory_of(company, "bob")) == ((), ("bob likes tea",))
    states = {one.user_id: one.state for one in tokens(database)}
    assert states == {ids["alice"]: "revoked", ids["bob"]: "valid"}
    again = forget_person(database, ids["alice"], by="admin")
    assert (again.questions, again.private_answers, again.tokens) == (0, 0, 0)


def test_who_has_left_is_forgotten_too_and_who_has_the_account_now_is_not(
    company: Company, ids: dict[str, int]
) -> None:
    """The directory has deleted both, and with them their links; Bob's account is Carl's now."""
    database = company.services.database
    carl = company.person("carl")
    with database.session("syncer") as session:
        change = Change(session, actor="scim")
        for user_id in ids.values():
            change.delete_user(user_id)
        source_id = change.put_source(f"slack:{TEAM}")
        change.link(carl, source_id, "UBOB", by="admin")
    left = forget_person(database, ids["alice"], by="admin")
    assert (left.accounts, left.questions, left.remembered) == (2, 2, 1)
    assert "asks alice" not in words(company)
    forget_person(database, ids["bob"], by="admin")
    assert "asks bob" in words(company)


def test_costs_stay_without_a_name_and_errands_that_are_done_go(
    company: Company, ids: dict[str, int]
) -> None:
    url = make_url(company.services.settings.database_url.get_secret_value())
    with servers._superuser(company.services.settings, url.database) as server:
        for name, user_id in ids.items():
            given = {"user": f"U{name.upper()}", "id": user_id, "event": name}
            for statement in (USE, ERRANDS):
                server.execute(statement, given)
    found = forget_person(company.services.database, ids["alice"], by="admin")
    assert (found.model_uses, found.errands) == (1, 1)
    with company.services.database.session("answerer") as session:
        uses = session.execute(text("SELECT user_id, person_id, cost FROM model_use ORDER BY id"))
        assert [tuple(row) for row in uses] == [("", None, 2.5), ("UBOB", ids["bob"], 2.5)]
    with company.services.database.session("syncer") as session:
        left = session.execute(text("SELECT user_id, done_at IS NULL FROM errand ORDER BY id"))
        assert [tuple(row) for row in left] == [("UALICE", True), ("UBOB", False), ("UBOB", True)]


USE = """
    INSERT INTO model_use (team_id, user_id, person_id, model, outcome, cost)
    VALUES ('T1', %(user)s, %(id)s, 'gpt', '', 2.5)
"""
ERRANDS = """
    INSERT INTO errand (event_id, kind, team_id, user_id, done_at)
    VALUES ('done' || %(event)s, 'feedback', 'T1', %(user)s, now()),
           ('open' || %(event)s, 'home', 'T1', %(user)s, NULL)
"""


def test_looking_changes_nothing_and_counts_the_same(company: Company, ids: dict[str, int]) -> None:
    database = company.services.database
    before = words(company)
    seen = forget_person(database, ids["alice"], by="admin", only_look=True)
    assert words(company) == before
    assert _audited(company) == []
    assert forget_person(database, ids["alice"], by="admin") == seen


def test_the_audit_says_how_much_and_not_what(company: Company, ids: dict[str, int]) -> None:
    forget_person(company.services.database, ids["alice"], by="terminal:root")
    (row,) = _audited(company)
    assert row.actor == "terminal:root"
    assert row.details["user_id"] == ids["alice"]
    assert row.details["questions"] == 2
    assert all(isinstance(one, int) for one in row.details.values())


def test_who_was_shown_what_stays_for_the_audit(company: Company, ids: dict[str, int]) -> None:
    forget_person(company.services.database, ids["alice"], by="admin")
    with company.services.database.session("syncer") as session:
        shown = session.scalars(text("SELECT asker_id FROM answer ORDER BY id")).all()
    assert shown == [ids["alice"], ids["bob"], ids["alice"]]


def test_an_open_question_is_left_to_its_worker_and_counted(
    company: Company, ids: dict[str, int]
) -> None:
    kept(user_id="UALICE", words="still open")
    found = forget_person(company.services.database, ids["alice"], by="admin")
    assert found.still_open == 1
    assert "still open" in words(company)


def test_the_command_shows_first_and_forgets_when_told(
    company: Company,
    ids: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = company.services.settings
    monkeypatch.setattr("workers.cli.commands.people.command_settings", lambda: settings)
    forget("alice", really=False, as_json=False)
    assert "Nothing was changed" in capsys.readouterr().out
    forget("alice", really=True, as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert (report["person"], report["forgotten"], report["questions"]) == ("Alice", True, 2)
    assert "asks alice" not in words(company)


def _audited(company: Company) -> list[Any]:
    with company.services.database.session("syncer") as session:
        return list(
            session.execute(text("SELECT actor, details FROM audit WHERE action = 'forget_person'"))
        )
