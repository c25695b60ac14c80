"""Reads a question set, and decides by itself what an asker may not read.

It uses the set's own groups and entries: the code under test does not judge itself.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.errors import InputInvalid

Patterns = tuple[re.Pattern[str], ...]
EXPECTED = ("answer", "abstain", "chat", "ask_back")


@dataclass(frozen=True, slots=True)
class Row:
    """One question, and what is due to it."""

    id: str
    asker: str
    text: str
    expected: str
    kind: str
    language: str = ""
    paraphrase: str = ""
    channel: str = ""
    where: str = ""
    """In a channel: `channel` or `dm`, where the answer is due."""
    thread: tuple[tuple[str, str], ...] = ()
    """What was said before, oldest first: who, and the text."""
    facts: tuple[Patterns, ...] | None = None
    """Each must match by one of its patterns; None: the set names documents only."""
    wrong: Patterns = ()
    docs: frozenset[str] = frozenset()
    """The documents that may be cited."""
    forbidden_docs: frozenset[str] = frozenset()
    leak_markers: tuple[str, ...] = ()
    answer: str = ""
    """What a good colleague would say."""

    @property
    def is_unanswered_on_topic(self) -> bool:
        """Whether the documents are about it and do not say it."""
        return self.kind in {"on-topic-unanswerable", "absent"}


@dataclass(frozen=True, slots=True)
class Directory:
    """Who may read what in a set's company."""

    chains: Mapping[str, list[dict[str, Any]]]
    """The permission lines that apply to each document, its own first."""
    groups_of: Mapping[str, set[str]]
    guests: frozenset[str]
    people: frozenset[str]
    """The ids of its active users."""
    accounts: Mapping[str, str]
    """The user of each account, `SOURCE:ID`."""

    def forbidden(self, asker: str, names: Iterable[str]) -> set[str]:
        """Return those of the documents that the asker may not read."""
        held = self._held(f"user:{asker}")
        return {name for name in names if not _reads(held, self.chains.get(name, []))}

    @property
    def members(self) -> frozenset[str]:
        return frozenset(one for one in self.people if f"user:{one}" not in self.guests)

    def _held(self, principal: str) -> set[str]:
        held, waiting = {principal}, [principal]
        while waiting:
            for group in self.groups_of.get(waiting.pop(), set()) - held:
                held.add(group)
                waiting.append(group)
        classes = {"class:internet", "class:members_and_guests"}
        return held | classes | (set() if principal in self.guests else {"class:members"})


def _reads(held: set[str], chain: list[dict[str, Any]]) -> bool:
    if any(held & {*line.get("deny", ())} for line in chain):
        return False
    if not all(held & {*gate} for line in chain for gate in line.get("gates", ())):
        return False
    for line in chain:
        if held & {*line.get("allow", ())}:
            return True
        if not line.get("inherit", True):
            return False
    return False


def read_questions(folder: Path) -> list[Row]:
    """Return the rows of `questions.jsonl`, in its order. Raises InputInvalid."""
    file = folder / "questions.jsonl"
    rows = [_row(line, f"{file.name}:{number}") for number, line in enumerate(lines_of(file), 1)]
    if not rows:
        raise InputInvalid(f"{file} has no questions.")
    return rows


def _row(line: dict[str, Any], place: str) -> Row:
    try:
        return Row(
            id=str(line["id"]),
            asker=line["asker"],
            text=line["text"],
            expected=_expected(line["expected"]),
            kind=line.get("kind") or line.get("category") or line["expected"],
            language=line.get("language") or "",
            paraphrase=line.get("paraphrase") or "",
            channel=line.get("channel") or "",
            where=line.get("where") or "",
            thread=tuple((turn.get("who", ""), turn["text"]) for turn in line.get("thread") or ()),
            facts=tuple(map(_patterns, line["facts"])) if "facts" in line else None,
            wrong=_patterns(line.get("wrong") or ()),
            docs=frozenset(
                line["docs"]
                if "docs" in line
                else [*line["expected_doc_ids"], *(line.get("also_acceptable_doc_ids") or ())]
            ),
            forbidden_docs=frozenset(line.get("forbidden_doc_ids") or ()),
            leak_markers=tuple(line.get("leak_markers") or ()),
            answer=line.get("answer") or line.get("expected_answer") or "",
        )
    except KeyError as missing:
        raise InputInvalid(f"{place}: {missing.args[0]} is missing.", remedy=_FORMAT) from None
    except (re.error, TypeError, ValueError, AttributeError) as error:
        raise InputInvalid(f"{place}: {error}", remedy=_FORMAT) from None


def _expected(value: Any) -> str:
    if value not in EXPECTED:
        raise ValueError(f"expected must be one of {', '.join(EXPECTED)}.")
    return str(value)


def _patterns(written: Iterable[str]) -> Patterns:
    return tuple(re.compile(one, re.IGNORECASE) for one in written)


def read_directory(folder: Path) -> Directory:
    """Return who may read what, from a folder that `ken load` takes. Raises InputInvalid."""
    groups_of: dict[str, set[str]] = defaultdict(set)
    guests, people, accounts = set(), set(), {}
    for line in lines_of(folder / "principals.jsonl"):
        name = f"{line['type']}:{line['id']}"
        for member in line.get("members", ()):
            groups_of[member].add(name)
        for group in line.get("groups", ()):
            groups_of[name].add(f"group:{group}")
        if line.get("kind") == "guest":
            guests.add(name)
        if line["type"] == "user" and line.get("status", "active") == "active":
            people.add(line["id"])
        for source, native_id in (line.get("identities") or {}).items():
            accounts[f"{source}:{native_id}"] = line["id"]
    return Directory(_chains(folder), groups_of, frozenset(guests), frozenset(people), accounts)


def _chains(folder: Path) -> dict[str, list[dict[str, Any]]]:
    if (folder / "documents.jsonl").exists():
        return {line["id"]: [line["acl"]] for line in lines_of(folder / "documents.jsonl")}
    lines = {line["path"].strip("/"): line for line in lines_of(folder / "permissions.jsonl")}
    base = folder / "documents"
    chains = {}
    for file in base.rglob("*.*"):
        path = file.relative_to(base)
        above = [path.as_posix(), *(p.as_posix().strip(".") for p in path.parents)]
        chains[above[0]] = [lines[place] for place in above if place in lines]
    return chains


def lines_of(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSONL file. Raises InputInvalid."""
    if not file.exists():
        raise InputInvalid(f"{file} does not exist.", remedy=_FORMAT)
    with file.open() as lines:
        for number, line in enumerate(lines, start=1):
            try:
                found = json.loads(line)
            except ValueError:
                raise InputInvalid(f"{file.name}:{number}: not JSON.") from None
            if not isinstance(found, dict):
                raise InputInvalid(f"{file.name}:{number}: not an object.")
            yield found


_FORMAT = (
    "Name a folder with questions.jsonl, and its documents and principals.jsonl there or in "
    "--company (docs/evaluate.md)."
)
