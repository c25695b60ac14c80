"""The demo company loads completely, and everybody reads what its files say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policies import Audience
from policies.names import resolve_user
from tests.workers.ingest.folder import (
    LIMIT_BYTES,
    Folder,
    Shelf,
)
from workers.answering.composing import compose_answer
from workers.database.sessions import Database
from workers.ingest.bundle import read_bundle
from workers.ingest.pipeline import Loading
from workers.models.embedded import QuotingAnswerer
from workers.models.embedder import MiniLM
from workers.replies.rendering import EXAMPLES
from workers.services import Services
from workers.settings import Settings

COMPANY = Path(__file__).parents[3] / "examples" / "company"


def test_the_demo_company_loads_completely_and_each_person_reads_what_its_files_say(
    shelf: Shelf,
) -> None:
    report = shelf.load(Folder(COMPANY))
    people = [line for line in lines_of("principals.jsonl") if line["type"] == "user"]
    assert report.left_out == []
    assert (report.new, report.users, report.groups) == (111, 27, 19)
    assert shelf.is_whole()
    for person in people:
        assert shelf.readable_by(person["id"]) == expected(person), person["id"]
    assert len({frozenset(expected(person)) for person in people}) > 10, "too easy an oracle"


def test_the_examples_of_the_help_text_are_answered_in_the_demo_company(
    database: Database, settings: Settings
) -> None:
    """By the page that the evaluation set expects, in its own words."""
    embedder = MiniLM.load()
    Loading(
        database, embedder, read_bundle(COMPANY), tell=lambda _: None, limit_bytes=LIMIT_BYTES
    ).run()
    services = Services(settings, database, embedder, QuotingAnswerer(embedder))
    asked = [line for line in lines_of("questions.jsonl") if line["text"] in EXAMPLES]
    assert {line["text"] for line in asked if line["expected"] == "answer"} == set(EXAMPLES)
    for line in asked:
        with database.session("answerer") as session:
            audience = Audience.of([resolve_user(session, line["asker"])])
        reply = compose_answer(services, line["text"], audience).reply
        words = " ".join(sentence.text for sentence in reply.lines)
        if line["expected"] == "answer":
            assert line["expected_answer"] in words, line
        for marker in line["leak_markers"]:
            assert marker not in words, line


def expected(person: dict[str, Any]) -> set[str]:
    """What the files of the company give this person, without a line of Ken's own code."""
    if person["status"] != "active":
        return set()
    held = {f"user:{person['id']}", "class:internet", "class:members_and_guests"}
    held |= {"class:members"} if person["kind"] == "member" else set()
    groups = [line for line in lines_of("principals.jsonl") if line["type"] == "group"]
    for _ in groups:
        held |= {f"group:{line['id']}" for line in groups if held & set(line["members"])}
    said = {line["path"]: line for line in lines_of("permissions.jsonl")}
    base = COMPANY / "documents"
    files = (file.relative_to(base).as_posix() for file in base.rglob("*") if file.is_file())
    return {file for file in files if reads(held, [said.get(path, {}) for path in chain(file)])}


def reads(held: set[str], chain: list[dict[str, Any]]) -> bool:
    if any(held & set(line.get("deny", ())) for line in chain):
        return False
    if not all(held & set(gate) for line in chain for gate in line.get("gates", ())):
        return False
    for line in chain:
        if held & set(line.get("allow", ())):
            return True
        if not line.get("inherit", True):
            return False
    return False


def chain(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""


def lines_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (COMPANY / name).read_text().splitlines()]
