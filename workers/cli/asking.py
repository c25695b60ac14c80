"""Asking at the terminal."""

import time
from typing import Any
from uuid import uuid4

from rich.console import Console
from rich.markup import escape
from sqlalchemy import text
from sqlalchemy.orm import Session

from policies.names import Unresolved, resolve_user
from policies.tables.questions import QuestionState
from workers.admin.explaining import not_found
from workers.database.schema import check
from workers.database.sessions import Database
from workers.errors import InputInvalid, ServerUnavailable
from workers.intake.leases import at_work
from workers.intake.messages import Question, Surface
from workers.interface import ask, plain
from workers.settings import Settings

_POLL_S = 0.02
_SHOWN_PARTS = ("lead", "lines", "citations", "note")


def ask_and_wait(
    settings: Settings, question: str, *, person: str, channel: str | None, timeout_s: float
) -> dict[str, Any]:
    """Ask through the queue like everybody, and wait for the worker's answer.

    Raises InputInvalid for an unknown person or channel, ServerUnavailable when no answer comes.
    """
    if not question.strip():
        raise InputInvalid("The question is empty.", remedy='Ask something: ken ask "…" --as ana')
    database = Database(settings)
    check(database, "answerer")
    with database.session("answerer") as session:
        user_id = _user(session, person)
    asked = str(uuid4())
    question_id = ask(
        Question(
            event_id=asked,
            team_id="terminal",
            channel_id=_channel(settings, channel) if channel else "",
            message_ts=asked,
            thread_ts=asked,
            user_id=str(user_id),
            text=plain(question),
            surface=Surface.TERMINAL,
        )
    )
    assert question_id is not None, "a fresh uuid is no repetition"
    return _wait(database, question_id, timeout_s)


def render(told: dict[str, Any], out: Console) -> None:
    """The answer as a person reads it."""
    for reply in told["replies"]:
        where = "in the channel" if reply["kind"] == "channel" else "to the asker alone"
        if len(told["replies"]) > 1:
            out.print(f"[dim]{where}:[/]")
        out.print(escape(reply["lead"]))
        for line in reply["lines"]:
            numbers = "".join(f"[{number}]" for number in line["citations"])
            out.print(f"  • {escape(line['text'])} [cyan]{escape(numbers)}[/]")
        for citation in reply["citations"]:
            out.print(_source_line(citation), soft_wrap=True)
        if reply["note"]:
            out.print(f"[yellow]{escape(reply['note'])}[/]")
        out.print()


def _source_line(citation: dict[str, Any]) -> str:
    name = citation["title"] + (f" › {citation['heading']}" if citation["heading"] else "")
    age = f", updated {citation['updated_at'][:10]}" if citation["updated_at"] else ""
    address = f"\n      {citation['url']}" if citation["url"] else ""
    number = escape(f"[{citation['number']}]")
    where = escape(f"({citation['source']}{age}){address}")
    return f"  [cyan]{number}[/] {escape(name)} [dim]{where}[/]"


def _user(session: Session, person: str) -> int:
    try:
        return resolve_user(session, person)
    except Unresolved as unknown:
        raise not_found("person", unknown) from None


def _channel(settings: Settings, name: str) -> str:
    from workers.slack.workspaces import workspace

    return workspace(settings).find_channel(name)


def _wait(database: Database, question_id: int, timeout_s: float) -> dict[str, Any]:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with at_work(database, question_id) as session:
            row = session.execute(_READ_END, {"id": question_id}).one_or_none()
            if row is not None:
                return _told(session, question_id, row)
        time.sleep(_POLL_S)
    raise ServerUnavailable(
        f"No answer within {timeout_s:.0f} s. Question {question_id} is kept.",
        remedy=worker_trouble(database.settings)
        or "See `ken doctor`; with a slow model, raise KEN_ASK_PATIENCE_S.",
    )


def worker_trouble(settings: Settings) -> str:
    """Why a question may have found no answer here, and what helps; empty: not for that reason."""
    from workers.cli.running import PROCESSES, names  # here: only who waited in vain needs it
    from workers.embedded.process import Child

    (process,) = (one for one in PROCESSES if one.name == "worker")
    worker = Child(settings.home, process.name)
    if not worker.running():
        return "No worker runs in this home: `ken up`."
    changed = worker.outdated(process.reads(settings))
    if not changed:
        return ""
    return f"The worker runs with other settings than these ({names(changed)}): `ken up`."


def _told(session: Session, question_id: int, ended: Any) -> dict[str, Any]:
    rows = session.execute(_READ_REPLIES, {"id": question_id})
    return {
        "question_id": question_id,
        "state": ended.state,
        "reason": ended.reason,
        "answered": ended.state == QuestionState.ANSWERED,
        "seconds": round(float(ended.seconds), 3),
        "replies": [
            {
                "kind": row.kind,
                **{part: row.payload.get(part, "") for part in _SHOWN_PARTS},
            }
            for row in rows
        ],
    }


# How a question ended; nothing while it is open.
_READ_END = text("""
    SELECT state, reason, extract(epoch FROM ended_at - asked_at) AS seconds
    FROM question WHERE id = :id AND state <> 'kept'
""")
# What was written down for it.
_READ_REPLIES = text("SELECT kind, payload FROM outbox WHERE question_id = :id ORDER BY id")
