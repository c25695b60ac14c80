"""`ken ask`: store a question, ring the queue, and wait for the answer.

It uses no SQLAlchemy, Celery or HTTP client: importing them takes longer than the answer.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg

from workers.cli.data_dir import configure_logs
from workers.cli.output import plain
from workers.database.connection import Connection, connected, transaction
from workers.database.requirements import require, unreachable
from workers.errors import InputInvalid, OperatorError, ServerUnavailable
from workers.intake import doorbell
from workers.intake.messages import AT_THE_TERMINAL, Question, Surface
from workers.intake.rows import insert_question
from workers.replies.quoting import shown_quotes
from workers.replies.waiting import result_within
from workers.settings import Settings
from workers.slack.marks import plain as without_marks

if TYPE_CHECKING:
    from rich.console import Console

_MOST_EARLIER, _LONGEST_EARLIER = 20, 4000


def ask_and_wait(
    settings: Settings,
    question: str,
    *,
    person: str,
    channel: str | None,
    after: Sequence[str] = (),
    timeout_s: float,
) -> dict[str, Any]:
    """Ask through the queue, as Slack does, and wait for the worker's answer.

    `after`: what was said before in the same conversation, oldest first; the newest of it counts.

    Raises InputInvalid for an unknown person or channel, ServerUnavailable when no answer comes.
    """
    if not question.strip():
        raise InputInvalid(
            "The question is empty.", remedy='Write a question: `ken ask "…" --as ana`.'
        )
    with _answering(settings), connected(settings, "answerer") as connection:
        with transaction(connection, "answerer"):
            require(connection)
            user_id = user_named(connection, person)
        if user_id is None:
            user_id = _resolved(settings, person)
        asked = str(uuid4())
        question_id = _ask(
            settings,
            Question(
                event_id=asked,
                team_id=AT_THE_TERMINAL,
                channel_id=_channel(settings, channel) if channel else "",
                message_ts=asked,
                thread_ts=asked,
                user_id=str(user_id),
                text=without_marks(question),
                surface=Surface.TERMINAL,
                earlier=_cut(after),
            ),
        )
        return wait(settings, connection, question_id, timeout_s)


def _cut(after: Sequence[str]) -> tuple[str, ...]:
    said = (without_marks(text[:_LONGEST_EARLIER]).strip() for text in after[-_MOST_EARLIER:])
    return tuple(filter(None, said))


def render(result: dict[str, Any], out: "Console") -> None:
    """Print the answer for a person."""
    for reply in result["replies"]:
        where = "in the channel" if reply["kind"] == "channel" else "to the asker alone"
        if len(result["replies"]) > 1:
            out.print(f"[dim]{where}:[/]")
        if reply["understood"]:
            out.print(f"[dim]You asked: {plain(reply['understood'])}[/]")
        out.print(plain(reply["lead"]))
        _print_pages(reply.get("pages", []), out)
        for line in reply["lines"]:
            numbers = "".join(f"[{number}]" for number in line["citations"])
            out.print(f"  • {plain(line['text'])} [cyan]{plain(numbers)}[/]")
        quotes = shown_quotes(
            [(citation["number"], citation["quote"]) for citation in reply["citations"]],
            [line["text"] for line in reply["lines"]],
        )
        for citation in reply["citations"]:
            out.print(_source_line(citation), soft_wrap=True)
            if quoted := quotes.get(citation["number"]):
                out.print(f"      [italic]“{plain(quoted)}”[/]", soft_wrap=True)
        if reply["note"]:
            out.print(f"[yellow]{plain(reply['note'])}[/]")
        out.print()


def _print_pages(pages: Sequence[dict[str, Any]], out: "Console") -> None:
    """Print the choices as a numbered list, or the page that is close."""
    for number, page in enumerate(pages, start=1):
        before = f"{number}." if len(pages) > 1 else "This page is close:"
        out.print(f"  {before} {plain(page['title'])}", soft_wrap=True)
        if page["url"]:
            out.print(f"      {plain(page['url'])}", soft_wrap=True)


def _source_line(citation: dict[str, Any]) -> str:
    name = citation["title"] + (f" › {citation['heading']}" if citation["heading"] else "")
    age = f", updated {citation['updated_at'][:10]}" if citation["updated_at"] else ""
    dating = citation.get("dating", {})
    for key, words in (("as_of", "as of"), ("begins", "valid from"), ("ends", "valid until")):
        age += f", {words} {dating[key]}" if key in dating else ""
    address = f"\n      {citation['url']}" if citation["url"] else ""
    number = plain(f"[{citation['number']}]")
    where = plain(f"({citation['source']}{age}){address}")
    return f"  [cyan]{number}[/] {plain(name)} [dim]{where}[/]"


@contextmanager
def _answering(settings: Settings) -> Iterator[None]:
    """Raise ServerUnavailable instead of psycopg's error, which may show an address."""
    try:
        yield
    except psycopg.OperationalError:
        raise unreachable(settings) from None


def _ask(settings: Settings, question: Question) -> int:
    """Store the question, then ring the queue; the sweeper rings again if that is lost."""
    with connected(settings, "ingress") as connection, transaction(connection, "ingress"):
        question_id = insert_question(connection, question, trace=None)
    assert question_id is not None, "a fresh uuid is never a repetition"
    try:
        doorbell.send(settings, doorbell.TASK, question_id)
    except (OSError, ValueError, OperatorError) as error:
        import structlog

        configure_logs()
        structlog.get_logger().warning("ring_failed", id=question_id, error=type(error).__name__)
    return question_id


def user_named(connection: Connection, person: str) -> int | None:
    """Return the one user of this name, as `resolve_user` does, or None if not exactly one."""
    for way in _FIND_USER:
        users = connection.execute(way, (person,)).fetchall()
        if users:
            return users[0][0] if len(users) == 1 else None
    return None


def _resolved(settings: Settings, person: str) -> int:
    """Resolve the name with the slower code, which suggests similar names. Raises InputInvalid."""
    from policies.names import Unresolved, resolve_user
    from workers.admin.explaining import not_found
    from workers.database.sessions import Database

    configure_logs()
    database = Database(settings)
    try:
        with database.session("answerer") as session:
            return resolve_user(session, person)
    except Unresolved as unknown:
        raise not_found("person", unknown) from None
    finally:
        database.close()


def _channel(settings: Settings, name: str) -> str:
    from workers.slack.workspaces import workspace

    configure_logs()
    return workspace(settings).find_channel(name)


def wait(
    settings: Settings, connection: Connection, question_id: int, timeout_s: float
) -> dict[str, Any]:
    """Wait for the question to end and return the result.

    Raises ServerUnavailable, psycopg.Error.
    """
    ended = result_within(connection, question_id, timeout_s)
    if ended is not None:
        return ended
    raise ServerUnavailable(
        f"No answer within {timeout_s:.0f} s. Question {question_id} is stored and will still be "
        "answered.",
        remedy=worker_trouble(settings)
        or "Run `ken doctor`. If the model is slow, raise KEN_ASK_PATIENCE_S.",
    )


def worker_trouble(settings: Settings) -> str:
    """Say whether the worker explains a missing answer, and what to do; empty if it does not."""
    from workers.cli.running import PROCESSES, names  # needed only after a timeout
    from workers.embedded.process import Child

    configure_logs()
    (process,) = (one for one in PROCESSES if one.name == "worker")
    worker = Child(settings.home, process.name)
    if not worker.running():
        return "No worker is running here. Start it with `ken up`."
    changed = worker.outdated(process.reads(settings))
    if not changed:
        return ""
    return f"The worker runs with old values of {names(changed)}. Restart it with `ken up`."


_FIND_USER = (
    "SELECT DISTINCT user_id FROM identity WHERE native_id = %s",
    "SELECT DISTINCT user_id FROM identity JOIN source ON source.id = identity.source_id "
    "WHERE source.name || ':' || identity.native_id = %s",
    "SELECT id FROM user_account WHERE email = %s",
)
"""The same look-ups as `policies.names.resolve_user`, in its order; a test compares the two."""
