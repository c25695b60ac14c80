"""Compares two reports of one set, question by question."""

import json
import math
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workers.cli.evaluation.grading import Grade
from workers.errors import InputInvalid

_SAMPLES, _SEED = 2000, 20261130
_GOOD = frozenset({Grade.RIGHT, Grade.CHAT_OK})

Key = tuple[str, bool]


def compare(before: Path, after: Path) -> dict[str, Any]:
    """Return the differences, with 95 % intervals of a paired bootstrap over the questions.

    Raises InputInvalid.
    """
    earlier, later = _read(before), _read(after)
    shared = [key for key in earlier if key in later]
    if not shared:
        raise InputInvalid(
            "The two reports have no question in common.", remedy="Compare reports of one set."
        )
    pairs = [(earlier[key], later[key]) for key in shared]
    kinds = dict.fromkeys(row["kind"] for _, row in pairs)
    groups = {kind: [pair for pair in pairs if pair[1]["kind"] == kind] for kind in kinds}
    groups["all"] = pairs
    shares = {f"good, {name}": _difference(group, _GOOD) for name, group in groups.items()}
    due = [pair for pair in pairs if pair[1]["expected"] == "answer"]
    for grade in (Grade.RIGHT, Grade.WRONG, Grade.REFUSED):
        if due:
            shares[f"{grade}, answer due"] = _difference(due, {grade})
    return {
        "shares": shares,
        "changed": [
            {
                "id": new["id"],
                "paraphrased": new["paraphrased"],
                "kind": new["kind"],
                "before": old["grade"],
                "after": new["grade"],
            }
            for old, new in pairs
            if old["grade"] != new["grade"]
        ],
        "only_in_one": len(earlier.keys() ^ later.keys()),
    }


def _read(report: Path) -> dict[Key, Mapping[str, Any]]:
    try:
        rows = json.loads(report.read_text())["questions"]
        return {
            (row["id"], bool(row["paraphrased"])): row
            for row in rows
            if isinstance(row["grade"], str) and isinstance(row["kind"], str) and row["expected"]
        }
    except FileNotFoundError:
        raise InputInvalid(f"{report} does not exist.") from None
    except (KeyError, TypeError, ValueError):
        raise InputInvalid(
            f"{report} is not a report of `ken eval`.",
            remedy="Write both with `ken eval SET --report FILE`.",
        ) from None


def _difference(
    pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    counted: set[Grade] | frozenset[Grade],
) -> dict[str, Any]:
    old = [before["grade"] in counted for before, _ in pairs]
    new = [after["grade"] in counted for _, after in pairs]
    steps = [int(late) - int(early) for early, late in zip(old, new, strict=True)]
    return {
        "questions": len(pairs),
        "before": round(sum(old) / len(old), 4),
        "after": round(sum(new) / len(new), 4),
        "difference": round(sum(steps) / len(steps), 4),
        "interval": _interval(steps),
    }


def _interval(steps: Sequence[int]) -> tuple[float, float]:
    """Return the middle 95 % of the mean when the questions are drawn anew, with replacement.

    The same figures give the same interval: the seed is fixed.
    """
    drawing = random.Random(_SEED)
    count = len(steps)
    means = sorted(sum(drawing.choices(steps, k=count)) / count for _ in range(_SAMPLES))
    tail = math.floor(0.025 * _SAMPLES)
    return round(means[tail], 4), round(means[-tail - 1], 4)
