"""How many false sentences with a genuine quote the check of claims keeps, and true ones it drops.

A line of a set: `id, passage_title, passage_heading, passage_text, passage_language, sentence,
quote, language, supported, kind`. By rules and the two embedders, as in answers; no model is asked.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from workers.claims.check import check
from workers.claims.likeness import likeness
from workers.models.base import Passage
from workers.models.embedder import MiniLM
from workers.models.multilingual import Multilingual

FIELDS = {
    "passage_title": str,
    "passage_heading": str,
    "passage_text": str,
    "sentence": str,
    "quote": str,
    "supported": bool,
    "kind": str,
}


class BadSet(ValueError):
    """A file is not there, or a line of it is no claim."""


@dataclass(slots=True)
class Measured:
    """The counts of one file."""

    file: Path
    kinds: Counter[tuple[bool, str]] = field(default_factory=Counter)
    wrong: Counter[tuple[bool, str]] = field(default_factory=Counter)
    reasons: Counter[tuple[bool, str]] = field(default_factory=Counter)
    seconds: float = 0.0

    def total(self, counts: Counter[tuple[bool, str]], *, supported: bool) -> int:
        return sum(number for (said, _), number in counts.items() if said is supported)

    @property
    def false(self) -> int:
        return self.total(self.kinds, supported=False)

    @property
    def false_kept(self) -> int:
        return self.total(self.wrong, supported=False)

    @property
    def true(self) -> int:
        return self.total(self.kinds, supported=True)

    @property
    def true_dropped(self) -> int:
        return self.total(self.wrong, supported=True)


def measure(file: Path) -> Measured:
    """Check each claim of a file. Raises BadSet."""
    claims = list(read(file))
    similarity = likeness(MiniLM.load(), Multilingual.load())
    found = Measured(file)
    began = time.monotonic()
    for claim in claims:
        kind = claim["supported"], claim["kind"]
        verdict = check(claim["sentence"], claim["quote"], passage(claim), similarity).verdict
        found.kinds[kind] += 1
        found.wrong[kind] += verdict.is_kept is not claim["supported"]
        if verdict.reason is not None:
            found.reasons[claim["supported"], verdict.reason.value] += 1
    found.seconds = time.monotonic() - began
    return found


def read(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the claims of a file. Raises BadSet."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSet(f"{file}: {type(error).__name__}") from None
    if not any(line.strip() for line in lines):
        raise BadSet(f"{file}: no claim in it")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            claim = json.loads(line)
        except ValueError:
            raise BadSet(f"{file}:{number}: no JSON") from None
        wrong = [
            name
            for name, kind in FIELDS.items()
            if not isinstance(claim, dict) or not isinstance(claim.get(name), kind)
        ]
        if wrong:
            raise BadSet(f"{file}:{number}: without a usable {', '.join(wrong)}")
        yield claim


def passage(claim: dict[str, Any]) -> Passage:
    return Passage(
        chunk_id=1,
        document_id=1,
        document="claims",
        title=claim["passage_title"],
        heading=claim["passage_heading"],
        text=claim["passage_text"],
        url=None,
        anchor="",
        source="claims",
        updated_at=None,
        language=str(claim.get("passage_language") or ""),
    )


def show(console: Console, measured: Measured) -> None:
    """Print a table by kind."""
    table = Table(title=str(measured.file), title_justify="left")
    for name in ("", "kind", "wrong", "of"):
        table.add_column(name, justify="left" if name in ("", "kind") else "right")
    for supported, label in ((False, "false kept"), (True, "true dropped")):
        for said, kind in sorted(measured.kinds):
            if said is supported:
                wrong, number = measured.wrong[said, kind], measured.kinds[said, kind]
                table.add_row(label, kind, str(wrong), str(number))
                label = ""
        wrong = measured.total(measured.wrong, supported=supported)
        number = measured.total(measured.kinds, supported=supported)
        share = f"{100 * wrong / number:.1f} %" if number else "-"
        table.add_row("", f"[bold]all: {share}", str(wrong), str(number), end_section=True)
    console.print(table)


def write(file: Path, measured: Sequence[Measured]) -> None:
    """Write the figures: those of the first file, and of each file by its name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    told = {
        **_told(measured[0]),
        "files": {str(one.file): _told(one) for one in measured[1:]},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    file.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _told(measured: Measured) -> dict[str, Any]:
    by_kind = {
        kind: {
            "supported": supported,
            "true_dropped" if supported else "false_kept": measured.wrong[supported, kind],
            "true" if supported else "false": number,
        }
        for (supported, kind), number in sorted(measured.kinds.items())
    }
    reasons = {
        label: {
            reason: number
            for (said, reason), number in sorted(measured.reasons.items())
            if said is supported
        }
        for supported, label in ((False, "false"), (True, "true"))
    }
    number = sum(measured.kinds.values())
    return {
        "file": str(measured.file),
        "false": measured.false,
        "false_kept": measured.false_kept,
        "true": measured.true,
        "true_dropped": measured.true_dropped,
        "by kind": by_kind,
        "by reason": reasons,
        "ms_per_claim": round(1000 * measured.seconds / number, 2),
    }
