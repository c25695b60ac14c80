"""Asks Ken as one person, for a program: the question takes the path of every other question."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg

from workers.database.connection import connected
from workers.errors import ServerUnavailable
from workers.intake.messages import BY_A_PROGRAM, Question, Surface
from workers.intake.store import ring, store_question
from workers.people.person_tokens import ASK, Caller
from workers.replies.waiting import result_within
from workers.services import Services
from workers.slack.marks import plain


class NoAnswerYet(Exception):
    """The question is stored, and no worker has answered it in time."""


@dataclass(frozen=True, slots=True)
class Cited:
    """A source of an answer, by its number there."""

    number: int
    id: str
    """With this name, the document can be fetched."""
    title: str
    heading: str
    url: str | None
    source: str
    quote: str
    updated_at: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """What Ken says, sentence by sentence, with the numbers of each one's sources."""

    is_answered: bool
    lead: str
    sentences: tuple[tuple[str, tuple[int, ...]], ...] = ()
    citations: tuple[Cited, ...] = ()
    note: str = ""
    pages: tuple[dict[str, Any], ...] = field(default=())
    """Pages that the question may be about, if Ken asks back."""


def ask(services: Services, caller: Caller, question: str) -> Answered:
    """Ask, and wait for the answer. Raises OutOfScope, NoAnswerYet, ServerUnavailable."""
    caller.require(ASK)
    event = f"program:{uuid4()}"
    question_id = store_question(
        services.database,
        Question(
            event_id=event,
            team_id=BY_A_PROGRAM,
            channel_id="",
            message_ts=event,
            thread_ts=event,
            user_id=str(caller.user_id),
            text=plain(question),
            surface=Surface.PROGRAM,
            sources=caller.sources,
        ),
    )
    assert question_id is not None, "a fresh uuid is never a repetition"
    ring(services.settings, question_id)
    try:
        with connected(services.settings, "answerer") as connection:
            ended = result_within(connection, question_id, services.settings.ask_patience_s)
    except psycopg.Error:
        raise ServerUnavailable("PostgreSQL does not answer.") from None
    if ended is None:
        raise NoAnswerYet
    return _answered(ended)


def _answered(ended: dict[str, Any]) -> Answered:
    """Return the last reply, which is the answer if there is one."""
    reply = ended["replies"][-1] if ended["replies"] else {}
    return Answered(
        is_answered=ended["answered"],
        lead=reply.get("lead", ""),
        sentences=tuple((one["text"], tuple(one["citations"])) for one in reply.get("lines", ())),
        citations=tuple(
            Cited(
                number=one["number"],
                id=f"{one['source']}:{one['document']}",
                title=one["title"],
                heading=one["heading"],
                url=one["url"],
                source=one["source"],
                quote=one["quote"],
                updated_at=one["updated_at"],
            )
            for one in reply.get("citations", ())
        ),
        note=reply.get("note", ""),
        pages=tuple(reply.get("pages", ())),
    )
