"""Pages of numbers: questions, feedback, usage, the audit, settings, and what nobody may read."""

from collections.abc import Callable

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from policies.described import Permissions
from tests.policies.world import World
from tests.workers.admin.page.visitor import Markup, Visitor
from workers.admin.page.records import written
from workers.database.sessions import Database
from workers.intake.leases import question_session
from workers.settings import Settings

Arrive = Callable[..., Visitor]
WORDS = "zebra"


@pytest.fixture
def asked(database: Database) -> int:
    """A question with an answer, a rating with a comment, and what the model cost."""
    with database.session("ingress") as session:
        found: int = session.execute(
            text("""
                INSERT INTO question (event_id, surface, team_id, channel_id, message_ts, thread_ts,
                                      user_id, text)
                VALUES ('e', 'slack', 'TWHERE', 'CWHERE', '1', '1', 'UWHO', :words) RETURNING id
            """),
            {"words": WORDS},
        ).scalar_one()
    with question_session(database, found) as session:
        of = {"id": found, "words": WORDS}
        session.execute(
            text("""
                INSERT INTO answer (question_id, kind, audience, epoch, used, cited, model,
                                    prompt_version, verdicts)
                VALUES (:id, 'channel', '{1}', 1, '{5,6,7}', '{5}', 'small', '1', '{}')
            """),
            of,
        )
        session.execute(
            text("""
                INSERT INTO model_use (question_id, team_id, user_id, model, outcome, input_tokens,
                                       output_tokens, cost)
                VALUES (:id, 'TWHERE', 'UWHO', 'small', '', 1200, 34, 0.5)
            """),
            of,
        )
        session.execute(
            text(
                "UPDATE question SET state = 'failed', reason = 'ModelUnavailable' WHERE id = :id"
            ),
            of,
        )
        session.execute(
            text("""
                INSERT INTO feedback (question_id, team_id, user_id, verdict, reason, comment,
                                      errand_id)
                VALUES (:id, 'TWHERE', 'UWHO', 'wrong', 'outdated', :words, 1)
            """),
            of,
        )
    return found


def test_questions_and_ratings_are_numbers_without_words_or_names(
    arrive: Arrive, asked: int
) -> None:
    ana = arrive("security")
    questions, ratings = ana.page("/answers"), ana.page("/answers/feedback")
    assert "small" in questions
    assert '<td class="number">1</td><td class="number">3</td>' in questions
    assert "wrong, outdated" in ratings
    for page in (questions, ratings):
        assert f'<th scope="row">{asked}</th>' in page
        for secret in (WORDS, "TWHERE", "CWHERE", "UWHO"):
            assert secret not in page


def test_usage_is_counted_and_names_people_only_to_security(arrive: Arrive, asked: int) -> None:
    ana, ben = arrive("security"), arrive("viewer", "ben")
    assert "1,200" in ben.page("/usage")
    assert "small" in ben.page("/usage?by=model")
    assert ben.get("/usage?by=person").status_code == 404
    assert "UWHO" not in ben.page("/usage") + ben.page("/usage?by=model")
    assert "TWHERE/UWHO" in ana.page("/usage?by=person")
    assert ana.get("/usage?by=x").status_code == 404


def test_the_audit_begins_with_what_was_done_last(arrive: Arrive, world: World) -> None:
    world.group("staff")
    rows = [
        attributes for tag, attributes in Markup(arrive().page("/audit")).elements if tag == "tr"
    ]
    page = arrive("security", "ben").page("/audit")
    assert len(rows) > 2
    assert page.index("admin:ben") < page.index("admin:ana")
    assert "sign in" in page


def test_what_nobody_may_read_is_listed_with_the_reason(arrive: Arrive, world: World) -> None:
    world.page("lost", Permissions(known=False))
    world.page("seen", Permissions())
    page = arrive("content").page("/sources/unreadable?source=world")
    assert "lost" in page
    assert "its permissions are not known" in page
    assert "seen" not in page
    assert arrive("content").get("/sources/unreadable?source=none").status_code == 404
    assert arrive("viewer").get("/sources/unreadable?source=world").status_code == 403


def test_settings_are_shown_and_secrets_are_not(arrive: Arrive, database: Database) -> None:
    page = arrive("security").page("/settings")
    for name in Settings.model_fields:
        assert f"KEN_{name.upper()}<" in page
    secret = "hunter2"
    for name, field in Settings.model_fields.items():
        holds = isinstance(field.default, SecretStr)
        if holds or not field.repr:
            value = SecretStr(secret) if holds else f"https://ken:{secret}@db"
            settings = database.settings.model_copy(update={name: value})
            assert written(settings, name) == "set"
