"""Waits for the replies to a question that nobody posts anywhere: its asker reads them from here.

It uses psycopg alone: for `ken ask`, importing more takes longer than the answer.
"""

import time
from typing import Any

from workers.database.connection import Connection, transaction

_POLL_S = 0.02
_SHOWN_PARTS = ("lead", "lines", "citations", "note", "understood")
_SHOWN_OF_PAGE = ("title", "url", "source", "document")


def result_within(
    connection: Connection, question_id: int, timeout_s: float
) -> dict[str, Any] | None:
    """Wait for the question to end, and return its result; None if it has not ended in time.

    Raises psycopg.Error.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with transaction(connection, "answerer", question=str(question_id)):
            ended = connection.execute(_READ_END, (question_id,)).fetchone()
            if ended is not None:
                return _result(connection, question_id, ended)
        time.sleep(_POLL_S)
    return None


def _result(connection: Connection, question_id: int, ended: tuple[Any, ...]) -> dict[str, Any]:
    state, reason, seconds = ended
    return {
        "question_id": question_id,
        "state": state,
        "reason": reason,
        "answered": state == "answered",
        "seconds": round(float(seconds), 3),
        "replies": [
            {
                "kind": kind,
                **{part: payload.get(part, "") for part in _SHOWN_PARTS},
                **_named_pages(payload),
            }
            for kind, payload in connection.execute(_READ_REPLIES, (question_id,))
        ],
    }


def _named_pages(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the pages that a reply names without quoting them; only few replies have any."""
    pages = payload.get("pages") or []
    shown = [{part: page[part] for part in _SHOWN_OF_PAGE} for page in pages]
    return {"pages": shown} if shown else {}


# Reads how a question ended; returns nothing while it is open.
_READ_END = """
    SELECT state, reason, extract(epoch FROM ended_at - asked_at) AS seconds
    FROM question WHERE id = %s AND state <> 'kept'
"""
# Reads the replies to a question.
_READ_REPLIES = "SELECT kind, payload FROM outbox WHERE question_id = %s ORDER BY id"
