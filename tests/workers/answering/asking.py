"""A question asked in some way, and what is done about it, for the tests of answering."""

from itertools import count

from sqlalchemy import text

from policies.described import Permissions
from tests.workers.slack_company import TEAM, Company
from workers import interface
from workers.errands import run_errand
from workers.intake.messages import Errand, ErrandKind, Question, Surface

QUESTION = "What is the budget?"

_numbers = count(1)


def only(*principals: int) -> Permissions:
    return Permissions(frozenset(principals))


def ask(company: Company, surface: Surface, *, channel: str, ts: str, thread: str = "") -> int:
    """Alice asks in some way, and a worker takes it up."""
    question = Question(
        event_id=f"Ev{surface}{next(_numbers)}",
        team_id=TEAM,
        channel_id=channel,
        message_ts=ts,
        thread_ts=thread,
        user_id="UALICE",
        text=QUESTION,
        surface=surface,
        revision="" if surface.is_message else f"r{next(_numbers)}",
    )
    question_id = interface.store_question(question)
    assert question_id is not None
    company.work(question_id)
    return question_id


def errand(
    company: Company, kind: ErrandKind, user: str, channel: str = "", **details: object
) -> None:
    """Somebody pressed something, and a worker does it, and all that came of it."""
    known = newest(company)
    errand_id = interface.submit_errand(
        Errand(f"Er{next(_numbers)}", kind, TEAM, user, channel, dict(details))
    )
    assert errand_id is not None
    run_errand(company.services, errand_id)
    for question_id in range(known + 1, newest(company) + 1):
        company.work(question_id)


def newest(company: Company) -> int:
    with company.library.database.session("ingress") as session:
        return int(session.scalar(text("SELECT coalesce(max(id), 0) FROM question")) or 0)
