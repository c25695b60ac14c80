"""What a reader makes of a file: blocks of Markdown, titles, a time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader found; `parse_file` cleans it and gives it a title if there is none."""

    pages: tuple[str, ...]
    titles: tuple[str, ...] = ()
    """The best first; some may be empty or nonsense."""
    updated_at: datetime | None = None


@dataclass(slots=True)
class Blocks:
    """Markdown, block by block."""

    _blocks: list[tuple[str, str]] = field(default_factory=list)

    def heading(self, level: int, text: str) -> None:
        self._blocks.append(("heading", "#" * min(max(level, 1), 6) + " " + " ".join(text.split())))

    def paragraph(self, text: str) -> None:
        lines = (" ".join(line.split()) for line in text.split("\n"))
        self._blocks.append(("text", "\n".join(line for line in lines if line)))

    def item(self, depth: int, text: str) -> None:
        self._blocks.append(("item", "  " * min(depth, 5) + "- " + " ".join(text.split())))

    def code(self, text: str) -> None:
        fence = "~~~~" if "```" in text else "```"
        self._blocks.append(("code", fence + "\n" + text.strip("\n") + "\n" + fence))

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """The first row is the header. A single column is no table."""
        rows = [row for row in rows if any(row)]
        if max(map(len, rows), default=0) < 2:
            for row in rows:
                self.paragraph(row[0])
            return
        lines = ["| " + " | ".join(cell.replace("|", "/") for cell in row) + " |" for row in rows]
        lines.insert(1, "|" + " --- |" * len(rows[0]))
        self._blocks.append(("table", "\n".join(lines)))

    def text(self) -> str:
        parts: list[str] = []
        before = ""
        for kind, text in self._blocks:
            parts += ["\n" if kind == before == "item" else "\n\n", text]
            before = kind
        return "".join(parts[1:])


def time_said(text: str) -> datetime | None:
    try:
        return in_utc(datetime.fromisoformat(text.strip()))
    except ValueError:
        return None


def in_utc(time: datetime | None) -> datetime | None:
    """In UTC, which it is taken to be where it does not say."""
    if time is None:
        return None
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:  # year 1, west of Greenwich
        return None


def columns(value: str | None) -> int:
    """How many columns a cell of a table says that it spans."""
    return int(value) if value and value.isdecimal() and len(value) < 3 and int(value) else 1


ENCRYPTED_PDF = "encrypted PDF"


NO_DOCX = "no DOCX (an old or encrypted Word file?)"


UNPACKS_TOO_LARGE = "too large when unpacked"


_LINE_BREAK = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")


_NO_LETTER = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls, which PostgreSQL (NUL) or UTF-8 (surrogates) refuse, and what nobody sees but a model
reads: zero width, direction marks, tags. The joiners stay: Persian and emoji need them."""


class Format(StrEnum):
    MARKDOWN = "Markdown"
    HTML = "HTML"
    TEXT = "text"
    TABLE = "CSV"
    PDF = "PDF"
    DOCX = "DOCX"


class DocumentUnreadable(Exception):
    """A file gave no text. `reason` is ours: constant words, nothing of what is in the file."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def clean(text: str) -> str:
    """Line ends as `\\n`, and nothing that is no letter, mark or space."""
    return _NO_LETTER.sub("", _LINE_BREAK.sub("\n", text))
