"""What is too old is deleted with all that hangs on it; what is open, young or needed stays."""

from typing import Any, LiteralString

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from policies.described import Permissions
from tests import servers
from tests.workers.slack_company import Company, kept
from workers.database.sessions import Database
from workers.ops.production import contradictions
from workers.settings import Settings
from workers.upkeep.retention import Deleted, delete_aged

DAYS, A_DAY = 400, 86_400


def as_superuser(company: Company, statement: LiteralString) -> list[Any]:
    """Past row-level security, which binds even the owner."""
    settings = company.services.settings
    name = make_url(settings.database_url.get_secret_value()).database
    with servers._superuser(settings, name) as server:
        found = server.execute(statement)
        return found.fetchall() if found.description else []


def held(company: Company) -> dict[str, int]:
    """How many rows hang on questions."""
    (row,) = as_superuser(
        company,
        "SELECT (SELECT count(*) FROM question), (SELECT count(*) FROM outbox),"
        " (SELECT count(*) FROM answer), (SELECT count(*) FROM lease)",
    )
    return dict(zip(("question", "outbox", "answer", "lease"), row, strict=True))


@pytest.fixture
def asked(company: Company) -> tuple[int, int]:
    """Two questions that were answered, one of them long ago."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is ten.", Permissions(allow=frozenset({alice})))
    old = company.asked("DUALICE", "alice", "What is the budget?")
    young = company.asked("DUALICE", "alice", "And the budget?")
    company.asked_long_ago(old, (DAYS + 1) * A_DAY)
    company.asked_long_ago(young, (DAYS - 1) * A_DAY)
    return old, young


def test_an_old_question_goes_with_all_that_hangs_on_it(
    company: Company, asked: tuple[int, int]
) -> None:
    before = held(company)
    assert before["question"] == 2
    assert delete_aged(company.services.database) == Deleted(questions=1)
    after = held(company)
    assert after["question"] == 1
    assert all(after[name] <= before[name] // 2 for name in ("outbox", "answer", "lease"))
    assert company.state(asked[1])[0] == "answered"
    assert delete_aged(company.services.database) == Deleted()


def test_an_open_question_is_never_deleted(company: Company) -> None:
    """Not by the duty, and not by the role: row-level security holds it."""
    question_id = kept(words="canary")
    company.asked_long_ago(question_id, 10 * DAYS * A_DAY)
    assert delete_aged(company.services.database) == Deleted()
    with company.services.database.session("syncer") as session:
        assert session.execute(text("DELETE FROM question RETURNING id")).all() == []
    assert held(company)["question"] == 1


def test_the_audit_says_how_much_and_not_what(company: Company, asked: tuple[int, int]) -> None:
    delete_aged(company.services.database)
    with company.services.database.session("syncer") as session:
        (row,) = session.execute(
            text("SELECT actor, details FROM audit WHERE action = 'delete_aged'")
        )
    assert row.actor == "retention"
    assert row.details == {"questions": 1, "questions_days": DAYS, "usage_days": DAYS}


@pytest.mark.parametrize(
    "read",
    [
        "SELECT text FROM question",
        "SELECT earlier FROM question",
        "DELETE FROM question RETURNING text",
        "DELETE FROM question WHERE text = 'canary'",
        "SELECT details FROM errand",
        "SELECT payload FROM outbox",
    ],
)
def test_the_role_that_deletes_reads_no_word(database: Database, read: str) -> None:
    with database.session("syncer") as session, pytest.raises(ProgrammingError):
        session.execute(text(read))


def test_with_zero_days_everything_is_kept(company: Company, asked: tuple[int, int]) -> None:
    """A legal hold."""
    database = company.services.database
    database.settings.__dict__.update(keep_questions_days=0.0, keep_usage_days=0.0)
    try:
        assert delete_aged(database) == Deleted()
    finally:
        database.settings.__dict__.update(keep_questions_days=400.0, keep_usage_days=400.0)


def test_usage_and_errands_go_by_age_but_the_last_use_of_a_model_stays(company: Company) -> None:
    as_superuser(
        company,
        "INSERT INTO model_use (at, team_id, user_id, model, outcome)"
        " SELECT now() - make_interval(days => ago), 'T1', 'U1', model, ''"
        " FROM (VALUES (500, 'a'), (450, 'a'), (1, 'a'), (600, 'b')) AS use (ago, model)",
    )
    as_superuser(
        company,
        "INSERT INTO errand (event_id, kind, team_id, done_at)"
        " SELECT ago::text, 'home', 'T1', now() - make_interval(days => ago)"
        " FROM (VALUES (500), (1), (NULL)) AS done (ago) WHERE ago IS NOT NULL",
    )
    as_superuser(
        company, "INSERT INTO errand (event_id, kind, team_id) VALUES ('open', 'home', 'T1')"
    )
    assert delete_aged(company.services.database) == Deleted(errands=1, model_uses=2)
    left = as_superuser(company, "SELECT model FROM model_use ORDER BY model")
    assert [model for (model,) in left] == ["a", "b"]


def test_traces_of_deleted_documents_go_once_every_worker_knows(company: Company) -> None:
    company.library.document("gone", "text", Permissions())
    company.library.document("there", "text", Permissions())
    with company.library.change() as change:
        change.delete_document(company.library.ids["gone"])
    company.library.document("later", "text", Permissions())
    assert delete_aged(company.services.database) == Deleted()
    as_superuser(company, "UPDATE audit SET at = at - interval '8 days'")
    assert delete_aged(company.services.database) == Deleted(document_changes=1)
    left = as_superuser(company, "SELECT document_id FROM document_change")
    there = {company.library.ids[name] for name in ("there", "later")}
    assert {document_id for (document_id,) in left} == there


def test_a_record_may_not_go_before_its_answer_can_be_withdrawn(settings: Settings) -> None:
    def wrong(**changes: float) -> list[str]:
        return contradictions(settings.model_copy(update=changes), "worker")

    assert wrong() == []
    assert "KEN_KEEP_QUESTIONS_DAYS" in wrong(keep_questions_days=90.0, review_days=90.0)[0]
    assert "KEN_KEEP_USAGE_DAYS" in wrong(keep_usage_days=30.0)[0]
    assert wrong(keep_questions_days=0.0, keep_usage_days=0.0) == []


def test_the_role_that_deletes_cannot_delete_what_was_asked_today(company: Company) -> None:
    """Threat 32: the record of who was shown what is there for as long as somebody may ask."""
    question_id = company.asked("DUALICE", "alice", "What is the plan?")
    with company.services.database.session("syncer") as session:
        gone = session.execute(text("DELETE FROM question RETURNING id")).all()
    assert gone == []
    assert company.state(question_id)[0] != "kept"
