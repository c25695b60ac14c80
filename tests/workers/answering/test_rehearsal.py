"""A rehearsal says what a worker would, stores nothing and posts nothing."""

import pytest
from sqlalchemy import text

from policies import Class
from policies.directory import resolve_audience
from tests.workers.answering.asking import only
from tests.workers.slack_company import TEAM, Company
from workers.answering.audience import Resolved, readers_of
from workers.answering.rehearsal import Rehearsed, rehearse
from workers.intake.leases import question_session
from workers.intake.messages import Question
from workers.replies.outbox import Kind
from workers.replies.rendering import from_payload
from workers.slack.messenger import Said

WORDS = (
    "What is the budget?",
    "Where is the canteen?",
    "hello!",
    "Please reset my password",
    "Please remember that I like tea",
    "Who is my manager?",
)
PLACES = ("DUALICE", "CALL", "CBOARD", "CSHARED")


@pytest.fixture(autouse=True)
def pages(company: Company, alice: int) -> None:
    company.library.document("all", "The canteen is open.", only(Class.MEMBERS))


def question(channel: str, words: str) -> Question:
    return Question("Ev", TEAM, channel, "1.0", "1.0", "UALICE", words)


def rehearsed(
    company: Company, one: Question, before: tuple[Said, ...] = (), *, seed: int = 0
) -> list[Rehearsed]:
    def readers_in(kind: Kind) -> Resolved | None:
        readers = readers_of(company.services, one, kind)
        if readers is None:
            return None
        with company.services.database.session("answerer") as session:
            return Resolved(resolve_audience(session, readers), readers)

    return rehearse(company.services, one, readers_in, before, seed=seed)


@pytest.mark.parametrize("channel", PLACES)
@pytest.mark.parametrize("words", WORDS)
def test_it_says_what_a_worker_says(company: Company, channel: str, words: str) -> None:
    question_id = company.asked(channel, "alice", words)
    with question_session(company.services.database, question_id) as session:
        rows = session.execute(
            text("SELECT kind, payload FROM outbox WHERE question_id = :id ORDER BY id"),
            {"id": question_id},
        ).all()
    said = [(kind, from_payload(payload)) for kind, payload in rows]

    got = rehearsed(company, question(channel, words), seed=question_id)
    assert [(str(one.kind), one.composed.reply.lines) for one in got] == [
        (kind, reply.lines) for kind, reply in said
    ]
    assert [one.composed.reply.lead for one in got] == [reply.lead for _, reply in said]


def test_a_follow_up_is_searched_with_what_it_refers_to(company: Company) -> None:
    before = (Said("UALICE", "What is the budget?", "0.5"),)
    rehearsed(company, question("DUALICE", "and for interns?"), before)
    assert "budget" in company.model.shown[-1][0]


def test_nothing_is_stored_or_posted(company: Company) -> None:
    rehearsed(company, question("CALL", WORDS[0]))
    assert company.posts("CALL") == company.posts("DUALICE") == []
    with company.library.database.session("ingress") as session:
        assert session.scalar(text("SELECT count(*) FROM question")) == 0
