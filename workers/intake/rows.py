"""Inserts questions with psycopg alone: the bot and `ken ask` use the same statement."""

from dataclasses import asdict

from psycopg import sql

from workers.database.connection import Connection
from workers.intake.messages import QUESTION_COLUMNS, Question, storable


def insert_question(connection: Connection, question: Question, *, trace: str | None) -> int | None:
    """Insert the question. Returns its id, None if it was stored before. Raises psycopg.Error."""
    row = {
        **asdict(question),
        "text": storable(question.text),
        "earlier": list(map(storable, question.earlier)),
        "sources": None if question.sources is None else list(question.sources),
        "trace": trace,
    }
    stored = connection.execute(_STORE_QUESTION, row).fetchone()
    return stored[0] if stored else None


_COLUMNS = (*QUESTION_COLUMNS, "trace")
# Inserts a question that is new; returns its id, or nothing if it was stored before.
_STORE_QUESTION = sql.SQL(
    "INSERT INTO question ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING RETURNING id"
).format(
    columns=sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
    values=sql.SQL(", ").join(map(sql.Placeholder, _COLUMNS)),
)
