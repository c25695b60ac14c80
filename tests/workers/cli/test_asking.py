"""`ken ask` as people meet it: what it prints, what it waits for, and what it loads."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from policies.names import Unresolved, resolve_user
from tests.workers.cli.terminal import PATIENCE_S, Ken
from tests.workers.ingest.folder import FakeEmbedder, Folder, Shelf, document, user
from workers.cli import asking
from workers.database.sessions import Database, driver_of
from workers.embedded.process import wait_until
from workers.models.base import NOBODY, Draft, Passage, Profile, Sentence
from workers.services import Services
from workers.settings import Settings
from workers.tasks import work_on


class FirstSentence:
    """In place of a language model: it says what the best passage says."""

    name = "first sentence"
    counts_rows = False

    def write(
        self,
        question: str,
        passages: tuple[Passage, ...],
        *,
        language: str = "",
        profile: Profile = NOBODY,
    ) -> Draft:
        return Draft((Sentence(passages[0].text, 1, passages[0].text),))


@pytest.fixture
def worker(settings: Settings, database: Database) -> Callable[[int], None]:
    services = Services(settings, database, FakeEmbedder(), FirstSentence())
    return lambda question_id: work_on(services, question_id)


def kept(database: Database) -> list[int]:
    with database.session("ingress") as session:
        return list(session.scalars(text("SELECT id FROM question WHERE state = 'kept'")))


def question_kept_by(database: Database, process: subprocess.Popen[str]) -> int:
    wait_until(lambda: bool(kept(database)) or process.poll() is not None, PATIENCE_S)
    (question_id,) = kept(database)
    return question_id


def test_ask_prints_the_answer_of_a_worker_to_who_may_read_it(
    ken: Ken, shelf: Shelf, worker: Callable[[int], None]
) -> None:
    process = ken.start("ask", "Where does the office move?", "--as", "ana", "--json")
    worker(question_kept_by(shelf.database, process))
    body = ken.result(process).json()
    assert (body["answered"], body["state"]) == (True, "answered")
    (reply,) = body["replies"]
    (line,) = reply["lines"]
    assert line["text"] == "The office moves to Hamburg in May."
    assert [(one["number"], one["title"]) for one in reply["citations"]] == [(1, "Plan")]


def test_what_was_said_before_makes_a_follow_up_complete(
    ken: Ken, shelf: Shelf, worker: Callable[[int], None]
) -> None:
    earlier = ["Where does the office move?", "Thanks!"]
    after = [part for text in earlier for part in ("--after", text)]
    process = ken.start("ask", "and in June?", *after, "--as", "ana", "--json")
    worker(question_kept_by(shelf.database, process))
    (reply,) = ken.result(process).json()["replies"]
    assert reply["understood"] == "Where does the office move in June?"
    assert [one["title"] for one in reply["citations"]] == ["Plan"]


def test_a_complete_question_takes_nothing_from_before(
    ken: Ken, shelf: Shelf, worker: Callable[[int], None]
) -> None:
    process = ken.start(
        *("ask", "Where does the office move?", "--after", "Who wins?", "--as", "ana", "--json")
    )
    worker(question_kept_by(shelf.database, process))
    (reply,) = ken.result(process).json()["replies"]
    assert reply["understood"] == ""


def test_ask_tells_who_may_not_read_it_nothing_of_it(
    ken: Ken, shelf: Shelf, worker: Callable[[int], None]
) -> None:
    shelf.load(_only_the_plan(shelf, ken.data_dir.parent / "wiki"))
    process = ken.start("ask", "Where does the office move?", "--as", "bo", "--json")
    worker(question_kept_by(shelf.database, process))
    done = ken.result(process)
    assert (done.code, done.json()["answered"]) == (0, False)
    assert "Hamburg" not in done.out
    assert "plan" not in done.out.lower()


def _only_the_plan(shelf: Shelf, root: Path) -> Folder:
    folder = Folder(root)
    folder.documents(document("plan", "group:staff", text="The office moves to Hamburg in May."))
    return folder


def test_ask_without_a_queue_prints_nothing_but_the_answer_to_its_output(
    ken: Ken, shelf: Shelf, worker: Callable[[int], None], tmp_path: Path
) -> None:
    dead = f"redis+socket:///{tmp_path}/no-redis.sock"
    process = ken.start(
        "ask", "Where does the office move?", "--as", "ana", "--json", KEN_REDIS_URL=dead
    )
    worker(question_kept_by(shelf.database, process))
    done = ken.result(process)
    assert done.code == 0
    assert done.json()["answered"] is True


def test_ask_without_a_worker_says_that_the_question_is_kept_and_it_is(
    ken: Ken, shelf: Shelf, worker: Callable[[int], None]
) -> None:
    error = ken.refused("ask", "Where?", "--as", "ana", code=3, KEN_ASK_PATIENCE_S="1")
    (question_id,) = kept(shelf.database)
    assert f"Question {question_id} is stored" in error
    assert "ken up" in error.partition("what to do: ")[2]
    worker(question_id)
    assert kept(shelf.database) == []


def test_ctrl_c_stops_with_a_sentence_and_its_own_code(ken: Ken, shelf: Shelf) -> None:
    process = ken.start("ask", "Where?", "--as", "ana")
    question_kept_by(shelf.database, process)
    process.send_signal(signal.SIGINT)
    done = ken.result(process)
    assert done.code in (130, -signal.SIGINT)  # a shell calls both 130
    assert done.out == ""
    assert "Interrupted" in done.err


@pytest.mark.parametrize(
    "name", ["ana", "wiki:ana", "ana@acme.example", "bo", "wiki:bo", "zoe", "", "wiki:", "ANA"]
)
def test_ask_finds_the_user_that_every_other_command_finds(
    name: str, settings: Settings, shelf: Shelf, tmp_path: Path
) -> None:
    """Ana and Bo are in two sources: Bo is another person in the second."""
    other = Folder(tmp_path / "drive")
    other.principals(user("bo", name="Bo Other", email="other@acme.example"))
    other.documents(document("menu", "class:members"))
    shelf.load(other)
    with shelf.database.session("answerer") as session:
        try:
            expected = resolve_user(session, name)
        except Unresolved:
            expected = None
        assert asking.user_named(driver_of(session), name) == expected
    assert (expected is None) == (name not in ("ana", "wiki:ana", "ana@acme.example", "wiki:bo"))


# What it loads


SLOW = {
    *("celery", "kombu", "redis", "sqlalchemy", "policies"),
    *("httpx2", "slack_sdk", "opentelemetry", "prometheus_client"),
    *("onnxruntime", "numpy", "structlog"),
}
LOADED = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from workers.cli.main import main
sys.argv = ["ken", *sys.argv[1:]]
main()
"""
"""`ken`, which says at its end what it has loaded."""


@pytest.fixture
def watched(ken: Ken) -> Ken:
    return replace(ken, command=(sys.executable, "-c", LOADED))


@pytest.mark.parametrize("command", ["", "ask", "sync push", "load", "up"])
def test_help_loads_the_command_line_alone(command: str, watched: Ken) -> None:
    done = watched(*command.split(), "--help")
    assert done.code == 0
    loaded = set(json.loads(done.err))
    assert "workers.cli.main" in loaded
    assert loaded & (SLOW | {"psycopg", "pydantic_settings", "workers.settings"}) == set()


def test_ask_loads_what_a_row_and_a_ring_and_a_wait_need(
    watched: Ken, shelf: Shelf, worker: Callable[[int], None]
) -> None:
    process = watched.start("ask", "Where does the office move?", "--as", "ana")
    worker(question_kept_by(shelf.database, process))
    done = watched.result(process)
    assert "The office moves to Hamburg in May." in done.out
    loaded = set(json.loads(done.err))
    assert "psycopg" in loaded
    assert loaded & SLOW == set()


def test_a_source_is_shown_by_its_title_beside_its_dates() -> None:
    citation = {
        "title": "Fees", "heading": "Keys", "updated_at": None, "url": "", "number": 1,
        "source": "hr", "dating": {"ends": "2026-05-01"},
    }  # fmt: skip
    assert (
        asking._source_line(citation)
        == "  [cyan][1][/] Fees › Keys [dim](hr, valid until 2026-05-01)[/]"
    )
