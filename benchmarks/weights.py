"""Fits the weights of `workers/models/weighing.py`.

    python benchmarks/weights.py DATA_DIR=SET DATA_DIR=SET ...

Each SET is a folder with `questions.jsonl`, and DATA_DIR is where it was loaded (`ken --home`).
Every set is left out once: the weights are fitted on the others, and what they do on the set left
out is what counts. The weights of all sets together come last, to be put into the code.

A unit is right if it holds the facts of its row; in a set that names no facts, if it is in a right
document and shares most words with the answer. Rows that are asked in a channel are left out.
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.cli.evaluation.asking import Asker
from workers.cli.evaluation.channels import read_workspace
from workers.cli.evaluation.sets import Row, read_questions
from workers.models import weighing
from workers.models.base import NOBODY, Draft, Passage, Profile
from workers.models.embedders import Embedders
from workers.models.parts import parts_of
from workers.models.quotes import words
from workers.models.stop_words import says_something
from workers.services import Services, make_services
from workers.settings import load_settings

Array = NDArray[np.float64]
LAMBDAS = (0.003, 0.01, 0.03, 0.1)
"""How strongly fitted weights are pulled towards those of the code."""
RIGHT, LIKE_THE_ANSWER = 0.5, 0.6
_RANK_STEPS, _SURE_STEPS, _COMPARED = 500, 800, 5


@dataclass(frozen=True, slots=True)
class Measured:
    """The units of one question: their measures, and which of them are right."""

    is_answerable: bool
    measures: Array
    """Shape (units, measures)."""
    right: Array
    """Shape (units,): 1 for a unit that answers."""


class Recorder:
    """An answerer that only remembers what it was asked and shown."""

    name = "recorder"
    counts_rows = True

    def __init__(self) -> None:
        self.shown: list[tuple[str, tuple[Passage, ...], Profile]] = []

    def write(
        self,
        question: str,
        passages: tuple[Passage, ...],
        *,
        language: str = "",  # noqa: ARG002 - a quote keeps its language
        profile: Profile = NOBODY,
    ) -> Draft:
        self.shown.append((question, passages, profile))
        return Draft(())


def main(arguments: Sequence[str]) -> None:
    sets: dict[str, list[Measured]] = {}
    for argument in arguments:
        data_dir, _, folder = argument.partition("=")
        sets[Path(folder).name] = list(measured(Path(data_dir), Path(folder)))
    prior = weighing.WEIGHTS.astype(np.float64)
    say("as in the code", {name: figures(rows, prior) for name, rows in sets.items()})
    for pull in LAMBDAS if len(sets) > 1 else ():
        for name in sets:
            others = [rows for other, rows in sets.items() if other != name]
            say(f"pull {pull}, left out", {name: figures(sets[name], fitted(others, prior, pull))})
    weights = fitted(list(sets.values()), prior, LAMBDAS[-1])
    say("all sets together", {name: figures(rows, weights) for name, rows in sets.items()})
    say("weights", dict(zip(weighing.NAMES, np.round(weights, 2).tolist(), strict=True)))
    for name in sets if len(sets) > 1 else ():
        others = [rows for other, rows in sets.items() if other != name]
        own = fitted(others, prior, LAMBDAS[-1])
        say("refusing, left out", {name: refusing(sets[name], own, sure(others, own))})
    names = (*weighing.NAMES, "score", "margin")
    found = sure(list(sets.values()), weights)
    say("confidence", dict(zip(names, np.round(found, 2).tolist(), strict=True)))


def say(what: str, value: object) -> None:
    sys.stdout.write(f"{what}: {value}\n")


# -- what the sets say ------------------------------------------------------------------------


def measured(data_dir: Path, folder: Path) -> Iterator[Measured]:
    """Yield what each question of a set finds, weighed as an answer would be."""
    os.environ["KEN_HOME"] = str(data_dir)
    services = make_services(load_settings())
    for row in read_questions(folder):
        if row.expected in ("answer", "abstain") and not row.channel:
            yield from _units_of(services, folder, row)


def _units_of(services: Services, folder: Path, row: Row) -> Iterator[Measured]:
    recorder = Recorder()
    Asker(replace(services, answerer=recorder), read_workspace(folder)).ask(row)
    if not recorder.shown or len(parts_of(recorder.shown[0][0])) > 1:
        return  # talk, or several questions in one
    question, passages, profile = recorder.shown[0]
    embedders = Embedders(services.embedder, services.multilingual)
    compare = embedders.compare_with(question).similarity
    asked = weighing.understand(question)
    units = weighing.weigh(asked, passages, compare, profile=profile, compared=weighing.MOST_UNITS)
    if units:
        is_answerable = row.expected == "answer"
        right = [
            is_answerable and is_right(row, passages[one.number - 1], one.unit.text)
            for one in units
        ]
        yield Measured(
            is_answerable,
            np.array([one.measures for one in units], dtype=np.float64),
            np.array(right, dtype=np.float64),
        )


def is_right(row: Row, passage: Passage, text: str) -> bool:
    """Whether a unit answers a row: by its facts, else by the words of its answer."""
    if row.facts is not None:
        met = sum(any(one.search(text) for one in fact) for fact in row.facts)
        slips = any(one.search(text) for one in row.wrong)
        return bool(row.facts) and not slips and met >= RIGHT * len(row.facts)
    wanted, held = (
        {word for word in words(one) if says_something(word)} for one in (row.answer, text)
    )
    if passage.document not in row.docs or not wanted or not held:
        return False
    return len(wanted & held) >= LIKE_THE_ANSWER * min(len(wanted), len(held))


# -- fitting ----------------------------------------------------------------------------------


def fitted(sets: Sequence[Sequence[Measured]], prior: Array, pull: float) -> Array:
    """Fit the order: the right units of a question shall have the greatest part of its softmax.

    Every set counts the same, however many questions it has.
    """
    groups: list[tuple[Array, Array, float]] = []
    for rows in sets:
        useful = [row for row in rows if row.right.any()]
        groups += [(row.measures, row.right / row.right.sum(), 1 / len(useful)) for row in useful]
    scale, total = _scale([one[0] for one in groups]), sum(one[2] for one in groups)
    start = prior * scale

    def slope(weights: Array) -> Array:
        found = pull * (weights - start)
        for measures, wanted, share in groups:
            scores = (measures / scale) @ weights
            odds = np.exp(scores - scores.max())
            found = found + share / total * ((measures / scale).T @ (odds / odds.sum() - wanted))
        return found

    return _descended(start, slope, steps=_RANK_STEPS, rate=0.05) / scale


def sure(sets: Sequence[Sequence[Measured]], weights: Array, pull: float = 0.003) -> Array:
    """Fit how sure it is that the best unit answers, by its measures, its score and its lead."""
    known = [_bests(rows, weights) for rows in sets]
    measures = np.vstack([one[0] for one in known])
    right = np.concatenate([one[1] for one in known])
    share = np.concatenate([np.full(len(one[1]), 1 / len(one[1])) for one in known]) / len(known)
    scale = _scale([measures])
    scale[0] = 1.0  # of the bias
    own = [weighing._CONFIDENCE.get(name, 0.0) for name in weighing.NAMES]
    start = np.array([*own, weighing._BY_SCORE, weighing._BY_MARGIN]) * scale
    held = np.full(len(start), pull)
    held[0] = 0.0

    def slope(weights: Array) -> Array:
        odds = 1 / (1 + np.exp(-np.clip((measures / scale) @ weights, -30, 30)))
        found: Array = (measures / scale).T @ (share * (odds - right)) + held * (weights - start)
        return found

    return _descended(start, slope, steps=_SURE_STEPS, rate=0.03) / scale


def _bests(rows: Sequence[Measured], weights: Array) -> tuple[Array, Array]:
    """Return of each question its best unit's measures, score and lead; and whether it is right."""
    found: list[Array] = []
    right: list[float] = []
    for row in rows:
        scores = row.measures @ weights
        best = int(scores.argmax())
        compared = np.sort(scores)[::-1][:_COMPARED].mean()
        lead = scores[best] - compared
        found.append(np.array([*row.measures[best], scores[best] - weighing._SCORE_SHIFT, lead]))
        right.append(float(row.right[best]))
    return np.array(found), np.array(right)


def _scale(measures: Sequence[Array]) -> Array:
    """Return how far each measure spreads; one that never differs is left as it is."""
    spread: Array = np.vstack(measures).std(axis=0)
    spread[spread < 1e-6] = 1.0
    return spread


def _descended(start: Array, slope: Callable[[Array], Array], *, steps: int, rate: float) -> Array:
    """Descend by Adam (Kingma and Ba, 2015)."""
    weights, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step in range(1, steps + 1):
        found = slope(weights)
        mean, square = 0.9 * mean + 0.1 * found, 0.999 * square + 0.001 * found**2
        moved = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        weights = weights - rate * moved
    return weights


# -- figures ----------------------------------------------------------------------------------


def figures(rows: Sequence[Measured], weights: Array) -> str:
    """Return how many answerable questions have a right unit first, and at all."""
    answerable = [row for row in rows if row.is_answerable]
    first = sum(bool(row.right[int((row.measures @ weights).argmax())]) for row in answerable)
    at_all = sum(bool(row.right.any()) for row in answerable)
    return f"{first} right of {len(answerable)} ({at_all} could be)"


def refusing(rows: Sequence[Measured], weights: Array, confidence: Array) -> Mapping[str, float]:
    """Return what becomes of the questions if those are refused that it is not sure of."""
    measures, right = _bests(rows, weights)
    answerable = np.array([row.is_answerable for row in rows])
    given = measures @ confidence >= 0
    return {
        "right": round(float((right * given)[answerable].mean()), 3),
        "wrong": round(float(((1 - right) * given)[answerable].mean()), 3),
        "unanswerable refused": round(float((~given)[~answerable].mean()), 3),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
