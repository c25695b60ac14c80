"""Suggested questions: what headings and sentences ask, and that a page of theirs answers each."""

from pathlib import Path

import pytest

from policies import Audience
from policies.names import resolve_user
from workers.answering.composing import compose_answer
from workers.answering.suggestions import MOST, of_heading, of_statement, suggested
from workers.database.sessions import Database
from workers.ingest.bundle import read_bundle
from workers.ingest.pipeline import Loading
from workers.models.embedded import QuotingAnswerer
from workers.models.embedder import MiniLM
from workers.services import Services
from workers.settings import Settings

COMPANY = Path(__file__).parents[3] / "examples" / "company"


@pytest.mark.parametrize(
    ("heading", "question"),
    [
        ("Who approves a laptop?", "Who approves a laptop?"),
        ("How to request a laptop", "How do I request a laptop?"),
    ],
)
def test_a_heading_that_asks_is_a_question(heading: str, question: str) -> None:
    assert of_heading(heading) == question


@pytest.mark.parametrize(
    "heading", ["", "Vacation", "Parental leave", "Ready for launch?", "What?"]
)
def test_a_heading_that_asks_nothing_gives_no_question(heading: str) -> None:
    assert of_heading(heading) is None


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("The learning budget is 1,200 euros a year.", "What is the learning budget?"),
        ("Our core hours are 10:00 to 15:00.", "What are our core hours?"),
        ("Your probation is six months long.", "What is my probation?"),
        ("Heron is an autonomous robot.", "What is Heron?"),
        ("A parking space costs forty euros a month.", "What does a parking space cost?"),
        ("Monthly tickets cost 49 euros each.", "What do Monthly tickets cost?"),
        (
            "The certificate renewal takes about an hour.",
            "How long does the certificate renewal take?",
        ),
        ("The office opens at eight.", "When does the office open?"),
        ("You have 30 days of vacation a year.", "How many days of vacation do I have?"),
        ("Every robot has four wheels, all driven.", "How many wheels does every robot have?"),
    ],
)
def test_a_sentence_that_states_something_answers_a_question(sentence: str, question: str) -> None:
    assert of_statement(sentence) == question


def test_a_word_that_is_written_small_elsewhere_is_no_name() -> None:
    page = "Monthly tickets cost 49 euros. Ask for monthly tickets at the desk."
    assert (
        of_statement("Monthly tickets cost 49 euros each.", page) == "What do monthly tickets cost?"
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "Is.",
        "It is a robot.",
        "This is the first step.",
        "There is a form for that.",
        "The form is signed by both.",
        "An exception ends after a month or so.",
        "In Berlin the office opens at eight.",
        "The, as we call it, is a robot.",
        "The desk (second floor) is a room.",
        "Everybody has thirty days of vacation.",
        "The team has 2 million EUR.",
        "What is a robot?",
        "The is a robot.",
    ],
)
def test_what_cannot_be_asked_simply_is_not_asked(sentence: str) -> None:
    assert of_statement(sentence) is None


def test_each_suggestion_in_the_demo_company_is_answered_and_fits_the_person(
    database: Database, settings: Settings
) -> None:
    embedder = MiniLM.load()
    Loading(
        database, embedder, read_bundle(COMPANY), tell=lambda _: None, limit_bytes=10_000_000
    ).run()
    services = Services(settings, database, embedder, QuotingAnswerer(embedder))
    found = {}
    for person in ("ana", "luis"):
        with database.session("answerer") as session:
            audience = Audience.of([resolve_user(session, person)])
        found[person] = suggested(services, audience)
        assert len(found[person]) == MOST
        assert all(compose_answer(services, one, audience).reply.lines for one in found[person])
    assert found["ana"] != found["luis"]
