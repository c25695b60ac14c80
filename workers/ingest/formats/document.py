"""The shape of every document that is read: typed blocks, in reading order.

A reader is a generator `read_x(content: bytes, about: About) -> Iterator[Block]`: it yields blocks
whose text is plain (no Markdown, no tags: what a person sees), and notes in `about` the titles it
finds, when the document says it was changed, and what of it could not be read.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True, slots=True)
class Heading:
    """Names what follows it. Never quoted by itself."""

    text: str
    level: int = 1
    anchor: str = ""
    """What follows `#` in a link to this place; empty if the document has no such place."""
    page: int = 0
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text. Line breaks in it are breaks that a person sees."""

    text: str
    page: int = 0
    kind: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list; one that belongs to the item above it is one deeper."""

    text: str
    depth: int = 0
    mark: str = "-"
    """As a person sees it: "-", or a number such as "3." or "b)"."""
    page: int = 0
    kind: Literal["item"] = "item"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table with the names of its columns, so that it can be understood alone.

    Header rows are not yielded: they are the `columns` of the rows below them. A row without names
    and with two cells is a term and what is said of it.
    """

    cells: tuple[str, ...]
    columns: tuple[str, ...] = ()
    """As many as the cells, or none. A cell whose column has no name names its row."""
    caption: str = ""
    """Of the table; the same for each of its rows."""
    page: int = 0
    kind: Literal["row"] = "row"

    @property
    def text(self) -> str:
        """Such as "Grade: Senior; Days of leave: 28."."""
        if not any(self.columns):
            filled = [cell for cell in self.cells if cell]
            if len(filled) == 2:
                return ended(_named(*filled))
            return ended(_side_by_side(filled))
        names = (*self.columns, *[""] * (len(self.cells) - len(self.columns)))
        pairs = zip(names, self.cells, strict=False)
        return ended(_side_by_side([_named(name, cell) for name, cell in pairs if cell]))


@dataclass(frozen=True, slots=True)
class Code:
    """Letter for letter."""

    text: str
    language: str = ""
    page: int = 0
    kind: Literal["code"] = "code"


@dataclass(frozen=True, slots=True)
class Quotation:
    text: str
    page: int = 0
    kind: Literal["quotation"] = "quotation"


@dataclass(frozen=True, slots=True)
class Question:
    """What the blocks up to the next question or heading answer. Never quoted by itself."""

    text: str
    page: int = 0
    kind: Literal["question"] = "question"


@dataclass(frozen=True, slots=True)
class Caption:
    """What a figure shows: its caption, or the words that stand for it."""

    text: str
    page: int = 0
    kind: Literal["caption"] = "caption"


Block = Annotated[
    Heading | Paragraph | Item | Row | Code | Quotation | Question | Caption,
    Field(discriminator="kind"),
]


@dataclass(slots=True)
class About:
    """What a reader notes beside the blocks, and the name of the file that it reads."""

    name: str = ""
    titles: list[str] = field(default_factory=list)
    """The best first; some may be empty or nonsense."""
    updated_at: datetime | None = None
    pages: int = 0
    """How many there are; 0 for a document without pages."""
    missing: str = ""
    """What was not read, by `not_read`: nothing of what is in the file."""


def shown(block: Block) -> str:
    """A block as it stands in a chunk: marked as people mark plain text, and as models read it."""
    if isinstance(block, Heading):
        return "#" * min(max(block.level, 1), 6) + " " + block.text
    if isinstance(block, Item):
        return "  " * min(block.depth, 5) + f"{block.mark} {block.text}"
    if isinstance(block, Code):
        fence = "~~~~" if "```" in block.text else "```"
        return f"{fence}\n{block.text}\n{fence}"
    if isinstance(block, Quotation):
        return "> " + block.text.replace("\n", "\n> ")
    return block.text


def as_text(blocks: Iterable[Block]) -> str:
    """All blocks, as they are shown, with blank lines between them."""
    parts: list[str] = []
    before, caption = "", ""
    for block in blocks:
        if isinstance(block, Row) and block.caption and block.caption != caption:
            parts += ["\n\n", block.caption]
        caption = block.caption if isinstance(block, Row) else ""
        parts += ["\n" if block.kind == before == "item" else "\n\n", shown(block)]
        before = block.kind
    return "".join(parts[1:])


def ended(text: str) -> str:
    """With a full stop where nothing ends it."""
    return text if not text or text.endswith((".", "!", "?", "…", "。")) else text + "."


_STOP = re.compile(r"(?<=[^\W\d_]{3})\.\Z")


def _side_by_side(cells: Sequence[str]) -> str:
    """Cells on one line; the full stop of a sentence in one of them gives way."""
    return "; ".join([*(_STOP.sub("", cell) for cell in cells[:-1]), *cells[-1:]])


def _named(name: str, cell: str) -> str:
    return f"{name.rstrip(':').rstrip()}: {cell}" if name else cell


def tidy(block: Block) -> Block | None:
    """A block with clean text: no control characters, single spaces; None if nothing is left."""
    if isinstance(block, Row):
        cells = tuple(one_line(cell) for cell in block.cells)
        if not any(map(is_said, cells)):
            return None
        columns = tuple(one_line(name) for name in block.columns)
        return replace(block, cells=cells, columns=columns, caption=one_line(block.caption))
    if isinstance(block, Code):
        text = clean(block.text).strip("\n").rstrip()
    elif isinstance(block, Paragraph | Quotation):
        text = "\n".join(filter(None, map(one_line, clean(block.text).split("\n"))))
    else:
        text = one_line(block.text)
    return replace(block, text=text) if is_said(text) else None


def is_said(text: str) -> bool:
    """Whether there is a letter, a digit or a symbol that means something, such as a check mark."""
    return any(letter.isalnum() or letter > "\u2190" for letter in text)


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


def squeezed(text: str) -> str:
    """On one line; marks of footnotes, which `clean` would take, stay."""
    return " ".join(text.split())


def table(
    rows: Sequence[Sequence[str]],
    *,
    header: int = 1,
    caption: str = "",
    page: int = 0,
) -> Iterator[Block]:
    """The rows of a table below its `header` rows, each with the names of its columns.

    Names of two header rows are joined ("Rate > 2026"). A single column is not a table.
    """
    filled = [tuple(map(squeezed, row)) for row in rows if any(map(str.strip, row))]
    width = max(map(len, filled), default=0)
    if width < 2:
        for row in filled:
            yield Paragraph(row[0], page=page)
        return
    filled = [(*row, *[""] * (width - len(row))) for row in filled]
    header = min(header, len(filled) - 1)
    columns = tuple(map(_joined, zip(*filled[:header], strict=True))) if header else ()
    for row in filled[header:]:
        yield Row(row, columns, caption, page=page)


def _joined(names: Sequence[str]) -> str:
    return " > ".join(dict.fromkeys(filter(None, names)))


@dataclass(frozen=True, slots=True)
class Slugs:
    """Anchors as GitHub makes them: small letters, no punctuation, a number if seen before."""

    _used: dict[str, int] = field(default_factory=dict)

    def of(self, heading: str) -> str:
        slug = _NOT_IN_ANCHOR.sub("", heading.lower()).replace(" ", "-")
        times = self._used.get(slug, 0)
        self._used[slug] = times + 1
        return f"{slug}-{times}" if times else slug


_NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")


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


EMPTY = "empty"


NO_TEXT = "no text in it (a scan?)"


ENCRYPTED_PDF = "encrypted PDF"


NO_DOCX = "no DOCX (an old or encrypted Word file?)"


UNPACKS_TOO_LARGE = "too large when unpacked"


ENCRYPTED = "encrypted"


OTHER_FORMAT = "not what its suffix says"


TOO_DEEP = "nested too deep"


TOO_MANY = "too many"


UNKNOWN_FORMAT = "not a format Ken reads"


_LINE_BREAK = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")


_NO_LETTER = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls, which PostgreSQL (NUL) or UTF-8 (surrogates) refuse, and what nobody sees but a model
reads: zero width, direction marks, tags. The joiners stay: Persian and emoji need them."""


def not_read(what: str, reason: str) -> str:
    """Such as "pages 340 to 619 were not read: took longer than 30 s"; `reason` is one of ours."""
    return f"{what} not read: {reason}"


class Format(StrEnum):
    MARKDOWN = "Markdown"
    HTML = "HTML"
    TEXT = "text"
    TABLE = "CSV"
    PDF = "PDF"
    DOCX = "DOCX"
    SHEETS = "spreadsheet"
    SLIDES = "PPTX"
    ODT = "ODT"
    RTF = "RTF"
    EMAIL = "email"
    EPUB = "EPUB"
    JSON = "JSON"
    YAML = "YAML"
    TOML = "TOML"
    CODE = "source code"
    ZIP = "ZIP"


class DocumentUnreadable(Exception):
    """A file gave no text. `reason` is ours: constant words, nothing of what is in the file."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def clean(text: str) -> str:
    """Return a text with `\\n` as line ends, and only letters, marks and spaces."""
    return _NO_LETTER.sub("", _LINE_BREAK.sub("\n", text))
