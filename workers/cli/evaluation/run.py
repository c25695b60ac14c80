"""`ken eval`: ask every question of an evaluation set as its asker, and measure the answers."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from workers.cli.evaluation.asking import Asked, Asker, EchoAnswerer
from workers.cli.evaluation.channels import read_workspace
from workers.cli.evaluation.figures import Pair, figures, leaks
from workers.cli.evaluation.grading import grade
from workers.cli.evaluation.page import write_page
from workers.cli.evaluation.printing import print_figures
from workers.cli.evaluation.sets import Row, read_directory, read_questions
from workers.cli.loading import progress_bar
from workers.database.schema import check
from workers.errors import InputInvalid
from workers.services import make_services
from workers.settings import Settings


@dataclass(frozen=True, slots=True)
class Choice:
    """Which questions are asked, and how."""

    company: Path | None = None
    """Where documents, people and permissions are; None: in the set's folder."""
    kinds: tuple[str, ...] = ()
    sample: int | None = None
    seed: int = 0
    echo: bool = False


def evaluate_folder(
    settings: Settings,
    folder: Path,
    choice: Choice,
    *,
    page: Path | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Ask the questions, print the figures and return them. Raises InputInvalid."""
    company = choice.company or folder
    rows = chosen(read_questions(folder), choice)
    directory, workspace = read_directory(company), read_workspace(company)
    services = make_services(settings)
    if choice.echo:
        services = replace(services, answerer=EchoAnswerer())
    check(services.database, "answerer")
    asker = Asker(services, workspace)
    plan = [(row, False) for row in rows] + [(row, True) for row in rows if row.paraphrase]
    asked: list[Asked] = []
    with progress_bar() as bar:
        for row, paraphrased in bar.track(plan, description="Questions"):
            asked.append(asker.ask(row, paraphrased=paraphrased))
    pairs: list[Pair] = [(one, grade(one)) for one in asked]
    leaked = [leaks(one, graded, directory, workspace) for one, graded in pairs]
    found = figures(pairs, leaked)
    if console is not None:
        print_figures(found, services.answerer.name, console)
    if page is not None:
        write_page(page, found, pairs)
    return found


def chosen(rows: Sequence[Row], choice: Choice) -> list[Row]:
    """Return the rows to ask, in their order. Raises InputInvalid if there are none."""
    kinds = dict.fromkeys(row.kind for row in rows)
    unknown = [kind for kind in choice.kinds if kind not in kinds]
    if unknown:
        raise InputInvalid(
            f"No question is of the kind {unknown[0]!r}.", remedy=f"Kinds: {', '.join(kinds)}."
        )
    picked = [row for row in rows if not choice.kinds or row.kind in choice.kinds]
    incomplete = next((row for row in picked if row.expected == "answer" and _is_bare(row)), None)
    if incomplete is not None:
        raise InputInvalid(
            f"{incomplete.id}: facts: what must the answer hold?",
            remedy="Complete the row, or remove it (docs/evaluate.md).",
        )
    if choice.sample is None or choice.sample >= len(picked):
        return picked
    drawn = random.Random(choice.seed).sample(range(len(picked)), choice.sample)
    return [picked[number] for number in sorted(drawn)]


def _is_bare(row: Row) -> bool:
    """Whether nothing says what is right: any answer at all would be."""
    return row.facts == ()
