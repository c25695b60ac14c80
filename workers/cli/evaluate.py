"""`ken eval`: ask every question of an evaluation set as its asker, and measure the answers.

This file decides by itself, from the set's own groups and entries, what an asker may not read:
the code under test does not judge itself.
"""

import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from policies import Audience
from policies.names import Unresolved, resolve_user
from workers.answering.answer import Composed, compose_answer
from workers.answering.retrieval import retrieve
from workers.cli.loading import progress_bar
from workers.database.schema import check
from workers.errors import InputInvalid
from workers.models.base import NOBODY, Draft, Passage, Profile, Sentence
from workers.models.quotes import words
from workers.services import Services, make_services
from workers.settings import Settings

_DEPTH = 10


class EchoAnswerer:
    """Answers with its whole prompt. If that holds nothing forbidden, no model can leak."""

    name = "echo"
    counts_rows = False

    def write(
        self,
        question: str,  # noqa: ARG002 - all of the prompt, whatever is asked
        passages: tuple[Passage, ...],
        *,
        language: str = "",  # noqa: ARG002 - passages keep their own language
        profile: Profile = NOBODY,  # noqa: ARG002 - and their order
    ) -> Draft:
        return Draft(
            tuple(
                Sentence(passage.text, number, passage.text)
                for number, passage in enumerate(passages, start=1)
            )
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and its result; documents are named by their ids in the set."""

    row: dict[str, Any]
    paraphrased: bool
    ranked: tuple[str, ...]
    composed: Composed
    seconds: float

    @property
    def answers(self) -> bool:
        return bool(self.composed.reply.lines)

    @property
    def wanted(self) -> set[str]:
        return {*self.row["expected_doc_ids"], *(self.row.get("also_acceptable_doc_ids") or ())}

    @property
    def rank(self) -> int | None:
        """The rank of the first right document, from 1."""
        found = (n for n, name in enumerate(self.ranked, start=1) if name in self.wanted)
        return next(found, None)

    @property
    def cited(self) -> set[str]:
        return {citation.document for citation in self.composed.reply.citations}

    @property
    def shown(self) -> set[str]:
        """Every document that was in the results, the prompt or the citations."""
        prompted = {passage.document for passage in self.composed.passages}
        return {*self.ranked, *prompted, *self.cited}


@dataclass
class Set:
    """An evaluation set (its FORMAT.md), and who may read what in it."""

    questions: list[dict[str, Any]]
    chains: dict[str, list[dict[str, Any]]]
    """The permission lines that apply to each document, its own first."""
    groups_of: dict[str, set[str]]
    guests: set[str]

    def forbidden(self, asker: str, names: set[str]) -> set[str]:
        """Return those of the documents that the asker may not read."""
        held = self._held(f"user:{asker}")
        return {name for name in names if not _reads(held, self.chains.get(name, []))}

    def _held(self, principal: str) -> set[str]:
        held, waiting = {principal}, [principal]
        while waiting:
            for group in self.groups_of[waiting.pop()] - held:
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


def evaluate_folder(
    settings: Settings, folder: Path, *, echo: bool, console: Console | None
) -> dict[str, Any]:
    """Ask every question, print the figures and return them. Raises InputInvalid."""
    questions = _read_set(folder)
    services = make_services(settings)
    if echo:
        services = replace(services, answerer=EchoAnswerer())
    check(services.database, "answerer")
    asked: list[Asked] = []
    plan = [(row, False) for row in questions.questions]
    plan += [(row, True) for row in questions.questions if row.get("paraphrase")]
    with progress_bar() as bar:
        for row, paraphrased in bar.track(plan, description="Questions"):
            asked.append(_ask(services, row, paraphrased=paraphrased))
    figures = _figures(asked, questions)
    if console is not None:
        _print(figures, services.answerer.name, console)
    return figures


def _read_set(folder: Path) -> Set:
    questions = list(_lines(folder / "questions.jsonl"))
    if not questions:
        raise InputInvalid(f"{folder}/questions.jsonl has no questions.")
    groups_of: dict[str, set[str]] = defaultdict(set)
    guests = set()
    for line in _lines(folder / "principals.jsonl"):
        name = f"{line['type']}:{line['id']}"
        for member in line.get("members", ()):
            groups_of[member].add(name)
        for group in line.get("groups", ()):
            groups_of[name].add(f"group:{group}")
        if line.get("kind") == "guest":
            guests.add(name)
    return Set(questions, _chains(folder), groups_of, guests)


def _chains(folder: Path) -> dict[str, list[dict[str, Any]]]:
    if (folder / "documents.jsonl").exists():
        return {line["id"]: [line["acl"]] for line in _lines(folder / "documents.jsonl")}
    lines = {line["path"].strip("/"): line for line in _lines(folder / "permissions.jsonl")}
    base = folder / "documents"
    chains = {}
    for file in base.rglob("*.*"):
        path = file.relative_to(base)
        above = [path.as_posix(), *(p.as_posix().strip(".") for p in path.parents)]
        chains[above[0]] = [lines[place] for place in above if place in lines]
    return chains


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    if not file.exists():
        raise InputInvalid(
            f"{file} does not exist.",
            remedy="Name a folder with questions.jsonl, principals.jsonl and its documents.",
        )
    with file.open() as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield json.loads(line)
            except ValueError:
                raise InputInvalid(f"{file.name}:{number}: not JSON.") from None


def _ask(services: Services, row: dict[str, Any], *, paraphrased: bool) -> Asked:
    question = row["paraphrase"] if paraphrased else row["text"]
    with services.database.session("answerer") as session:
        try:
            audience = Audience.of([resolve_user(session, row["asker"])])
        except Unresolved:
            raise InputInvalid(
                f"{row['id']}: asker: there is no user {row['asker']!r}.",
                remedy="Load the same folder first: `ken load FOLDER`.",
            ) from None
    started = time.monotonic()
    composed = compose_answer(services, question, audience)
    seconds = time.monotonic() - started
    return Asked(row, paraphrased, _ranked(services, audience, question), composed, seconds)


def _ranked(services: Services, audience: Audience, question: str) -> tuple[str, ...]:
    """Return the best documents, each once, in the order of their best passage."""
    vector = services.embedder.embed_one(question)
    with services.database.reading_for(audience) as session:
        passages = retrieve(
            session,
            audience,
            question,
            vector,
            model=services.embedder.name,
            limit=_DEPTH,
            per_document=1,
        )
    return tuple(passage.document for passage in passages)


def _figures(asked: Sequence[Asked], questions: Set) -> dict[str, Any]:
    """Compute the figures that `docs/benchmarks.md` shows."""
    verbatim = [one for one in asked if not one.paraphrased]
    answer = [one for one in verbatim if one.row["expected"] == "answer"]
    abstain = [one for one in verbatim if one.row["expected"] == "abstain"]
    answer_paraphrased = [
        one for one in asked if one.paraphrased and one.row["expected"] == "answer"
    ]
    cited = [name in one.wanted for one in answer for name in one.cited]
    seconds = sorted(one.seconds for one in asked)
    return {
        "leaks": sum(_leaks(one, questions) for one in asked),
        "rows": {"answer": len(answer), "abstain": len(abstain)},
        "verbatim": _retrieval(answer),
        "paraphrase": _retrieval(answer_paraphrased),
        "citations": {"precision": _share(cited), "answered": sum(one.answers for one in answer)},
        "abstention": {
            "right": sum(not one.answers for one in abstain),
            "wrong": sum(one.answers for one in abstain),
        },
        "seconds": {
            "p50": round(_percentile(seconds, 0.50), 4),
            "p95": round(_percentile(seconds, 0.95), 4),
        },
    }


def _leaks(one: Asked, questions: Set) -> bool:
    """Return whether a forbidden document was used, or text found only in one was shown."""
    row = one.row
    named = one.shown & {*(row.get("forbidden_doc_ids") or ())}
    if named or questions.forbidden(row["asker"], one.shown):
        return True
    if row["expected"] != "abstain":
        return False
    reply = one.composed.reply
    parts = [reply.lead, *(line.text for line in reply.lines)]
    parts += [part for c in reply.citations for part in (c.title, c.heading, c.quote)]
    shown = [f" {' '.join(words(part))} " for part in parts]
    marks = [f" {' '.join(words(mark))} " for mark in row.get("leak_markers") or ()]
    return any(mark in part for mark in marks for part in shown)


def _retrieval(rows: Sequence[Asked]) -> dict[str, float | None]:
    ranks = [one.rank for one in rows]
    return {
        "hit_at_1": _share([rank == 1 for rank in ranks]),
        "hit_at_10": _share([rank is not None for rank in ranks]),
        "mrr": _share([1 / rank if rank else 0.0 for rank in ranks]),
    }


def _share(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _percentile(ordered: Sequence[float], part: float) -> float:
    """Return a percentile by nearest rank."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def _print(figures: dict[str, Any], answerer: str, console: Console) -> None:
    table = Table(box=None, header_style="bold")
    for column in ("", "hit@1", "hit@10", "MRR"):
        table.add_column(column, justify="left" if not column else "right")
    for kind in ("verbatim", "paraphrase"):
        values = figures[kind].values()
        table.add_row(kind, *("-" if value is None else f"{value:.3f}" for value in values))
    console.print(table)
    rows, abstention, citations = figures["rows"], figures["abstention"], figures["citations"]
    precision = citations["precision"]
    console.print(
        f"answerer: {answerer}\n"
        f"answered {citations['answered']} of {rows['answer']}, citations right: "
        + ("-" if precision is None else f"{precision:.3f}")
        + f"\nabstained {abstention['right']} of {rows['abstain']} that have no answer"
        + f"\nseconds per question: p50 {figures['seconds']['p50']:.3f}, "
        f"p95 {figures['seconds']['p95']:.3f}"
    )
    style = "bold red" if figures["leaks"] else "green"
    console.print(f"leaks: {figures['leaks']}", style=style)
