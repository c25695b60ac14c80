"""`make read`: how well each format is read, and that no mutated file breaks a reader.

Figures go to build/figures/read.json. Ends with code 1 where a goal is missed.
"""

import html
import io
import json
import os
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import docx
from lxml import etree  # type: ignore[import-untyped]
from pypdf import PdfReader

from tests.workers.ingest.files import pdf, word
from workers.ingest.formats.document import (
    Block,
    DocumentUnreadable,
    Heading,
    Item,
    Paragraph,
    Row,
)
from workers.ingest.parse import STOPPED, TOO_MUCH_MEMORY, Parser, parse_file

EXAMPLES = Path(__file__).parents[3] / "examples" / "company" / "documents"
FIGURES = Path("build") / "figures" / "read.json"
GOALS = {"pdf": 0.97, "docx": 0.98, "html": 0.95}
"""Precision and recall of words, against a second library."""
DOCUMENTS = 30
MUTATED, MUTATED_SMALL = 10_000, 300
_WORD = re.compile(r"[^\W_]+")
_WORDS = (
    "harbour lantern meadow copper violin orchard granite pepper saddle cotton marble thistle "
    "walnut beacon ferry anchor saffron juniper basalt cobalt heron otter plover kestrel"
).split()


def main() -> int:
    chance = random.Random(20261130)
    with tempfile.TemporaryDirectory() as place:
        words = _words()
        fuzz = _fuzz(Path(place), chance, MUTATED_SMALL if os.environ.get("SMALL") else MUTATED)
        figures = {
            "blocks": _blocks(Path(place), chance),
            "words": words,
            "fuzz": fuzz,
        }
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(json.dumps(figures, indent=2))
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    missed = [
        name
        for name, goal in GOALS.items()
        if min(words[name]["precision"], words[name]["recall"]) < goal
    ]
    for name in missed:
        sys.stdout.write(f"{name}: below {GOALS[name]}\n")
    broken = fuzz["stopped"] + fuzz["from_another_file"]
    return 1 if missed or broken else 0


# -- block kinds: the same content, written in each format --------------------------------------


def _content(chance: random.Random) -> list[Block]:
    def said(low: int, high: int) -> str:
        return " ".join(chance.choices(_WORDS, k=chance.randint(low, high))).capitalize()

    found: list[Block] = []
    for _ in range(chance.randint(2, 4)):
        names = tuple(said(1, 2) for _ in range(3))
        found += [Heading(said(2, 4), 2), Paragraph(said(25, 40) + ". " + said(9, 20) + ".")]
        found += [Item(said(3, 8) + ".") for _ in range(chance.randint(2, 5))]
        found.append(Paragraph(said(12, 20) + "."))
        rows = range(chance.randint(2, 4))
        found += [Row(tuple(said(1, 2) for _ in range(3)), names) for _ in rows]
        found.append(Paragraph(said(12, 20) + "."))
    return found


def _blocks(place: Path, chance: random.Random) -> dict[str, dict[str, float]]:
    """By format, the blocks that were found as they were written: kind and words."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in WRITERS}
    for number in range(DOCUMENTS):
        content = _content(chance)
        wanted = Counter((one.kind, _key(one)) for one in content)
        for name, write in WRITERS.items():
            path = place / f"made-{number}.{name}"
            path.write_bytes(write(content))
            found = Counter((one.kind, _key(one)) for one in parse_file(path).blocks)
            counts[name]["right"] += (wanted & found).total()
            counts[name]["wanted"] += wanted.total()
            counts[name]["found"] += found.total()
    return {
        name: {
            "recall": round(count["right"] / count["wanted"], 4),
            "precision": round(count["right"] / count["found"], 4),
        }
        for name, count in counts.items()
    }


def _key(block: Block) -> str:
    return " ".join(_WORD.findall(block.text.lower()))


def _tables(content: Sequence[Block]) -> Iterable[Block | list[Row]]:
    """Blocks, with the rows of a table together."""
    rows: list[Row] = []
    for block in [*content, None]:
        if isinstance(block, Row):
            rows.append(block)
            continue
        if rows:
            yield rows
            rows = []
        if block is not None:
            yield block


def _markdown(content: Sequence[Block]) -> bytes:
    lines: list[str] = []
    for one in _tables(content):
        if isinstance(one, list):
            lines += ["| " + " | ".join(one[0].columns) + " |", "|---|---|---|"]
            lines += ["| " + " | ".join(row.cells) + " |" for row in one]
            lines.append("")
        elif isinstance(one, Heading):
            lines += [f"## {one.text}", ""]
        elif isinstance(one, Item):
            lines.append(f"- {one.text}")
        else:
            lines += ["", one.text, ""]
    return "\n".join(lines).encode()


def _html(content: Sequence[Block]) -> bytes:
    parts = ["<!doctype html><meta charset=utf-8><title>Made by a test</title><main>"]
    tags = {"heading": "h2", "paragraph": "p", "item": "li"}
    for one in _tables(content):
        if isinstance(one, list):
            rows = [one[0].columns, *(row.cells for row in one)]
            cells = (
                "".join(f"<{'td' if at else 'th'}>{html.escape(cell)}" for cell in row)
                for at, row in enumerate(rows)
            )
            parts.append("<table>" + "".join(f"<tr>{row}" for row in cells) + "</table>")
        else:
            tag = tags[one.kind]
            shown = f"<{tag}>{html.escape(one.text)}</{tag}>"
            parts.append(f"<ul>{shown}</ul>" if tag == "li" else shown)
    return "\n".join(parts).encode()


def _docx(content: Sequence[Block]) -> bytes:
    document = docx.Document()
    for one in _tables(content):
        if isinstance(one, list):
            table = document.add_table(len(one) + 1, 3)
            texts = [*one[0].columns, *(cell for row in one for cell in row.cells)]
            for cell, text in zip(table._cells, texts, strict=True):
                cell.text = text
        elif isinstance(one, Heading):
            document.add_heading(one.text, 2)
        else:
            document.add_paragraph(one.text, "List Bullet" if isinstance(one, Item) else None)
    return word(document)


def _pdf(content: Sequence[Block]) -> bytes:
    pages: list[list[Any]] = [[]]
    y = 800
    for one in _tables(content):
        lines = _set(one)
        if y - 14 * len(lines) < 60:
            pages.append([])
            y = 800
        for cells in lines:
            for left, size, text in cells:
                pages[-1].append((y, size, text, left))
            y -= 14
        y -= 12 if not isinstance(one, Item) else 0
    return placed_pdf(pages)


def _set(one: Block | list[Row]) -> list[list[tuple[int, int, str]]]:
    if isinstance(one, list):
        rows = [one[0].columns, *(row.cells for row in one)]
        return [[(60 + 170 * at, 10, cell) for at, cell in enumerate(row)] for row in rows]
    if isinstance(one, Heading):
        return [[(60, 15, one.text)]]
    words = one.text.split()
    if isinstance(one, Item):
        words.insert(0, "-")
    return [[(60, 10, " ".join(words[at : at + 13]))] for at in range(0, len(words), 13)]


def placed_pdf(pages: Sequence[Sequence[tuple[int, int, str, int]]]) -> bytes:
    """A PDF of lines at places."""
    content = pdf(*([(y, size, "@") for y, size, _, _ in page] for page in pages)).decode("latin-1")
    shown = iter([line for page in pages for line in page])

    def place(_match: re.Match[str]) -> str:
        y, size, text, left = next(shown)
        return f"BT /F1 {size} Tf {left} {y} Td ({text}) Tj ET"

    content = re.sub(r"BT /F1 \d+ Tf 72 \d+ Td \(@\) Tj ET", place, content)
    content = re.sub(r"/Length \d+", "/Length 0", content)
    return (
        content[: content.index("xref\n")].encode("latin-1") + b"trailer << /Root 1 0 R >>\n%%EOF"
    )


def _text(content: Sequence[Block]) -> bytes:
    lines: list[str] = []
    for one in _tables(content):
        if isinstance(one, list):
            rows = [one[0].columns, *(row.cells for row in one)]
            lines += ["".join(f"{cell:<26}" for cell in row).rstrip() for row in rows] + [""]
        elif isinstance(one, Heading):
            lines += [one.text, "-" * len(one.text), ""]
        elif isinstance(one, Item):
            lines.append(f"  - {one.text}")
        else:
            lines += ["", one.text, ""]
    return "\n".join(lines).encode()


WRITERS: dict[str, Callable[[Sequence[Block]], bytes]] = {
    "md": _markdown,
    "html": _html,
    "docx": _docx,
    "pdf": _pdf,
    "txt": _text,
}


# -- words: against a second library --------------------------------------------------------------


def _words() -> dict[str, dict[str, float]]:
    seconds: dict[str, Callable[[bytes], str]] = {
        "pdf": _by_pypdf,
        "docx": _by_python_docx,
        "html": _by_lxml,
    }
    return {name: _compared(name, second) for name, second in seconds.items()}


def _compared(suffix: str, second: Callable[[bytes], str]) -> dict[str, float]:
    shared = ours = theirs = files = 0
    for path in sorted(EXAMPLES.rglob(f"*.{suffix}")):
        parsed = parse_file(path)
        said = " ".join((parsed.title, *(" ".join(_said(one)) for one in parsed.blocks)))
        found, wanted = (
            Counter(_WORD.findall(said)),
            Counter(_WORD.findall(second(path.read_bytes()))),
        )
        shared += (found & wanted).total()
        ours += found.total()
        theirs += wanted.total()
        files += 1
    return {
        "files": files,
        "precision": round(shared / max(ours, 1), 4),
        "recall": round(shared / max(theirs, 1), 4),
    }


def _said(block: Block) -> Iterable[str]:
    """Words as they stand in the file: the names of columns only once, which is not counted."""
    if isinstance(block, Row):
        return block.cells
    mark = block.mark.rstrip(".") if isinstance(block, Item) and block.mark != "-" else ""
    return (mark, block.text)


def _by_pypdf(content: bytes) -> str:
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return re.sub(r"(?<=[^\W\d_])-\n(?=[a-z])", "", text)


def _by_python_docx(content: bytes) -> str:
    document = docx.Document(io.BytesIO(content))
    cells = (cell.text for table in document.tables for row in table.rows for cell in row.cells)
    return "\n".join((*(one.text for one in document.paragraphs), *cells))


def _by_lxml(content: bytes) -> str:
    tree = etree.fromstring(content, etree.HTMLParser(encoding="utf-8"))
    for tag in ("script", "style", "nav", "footer", "header", "button"):
        etree.strip_elements(tree, tag, with_tail=False)
    return " ".join(tree.itertext())


# -- mutated files ------------------------------------------------------------------------------


_MARKERS = ("quillback", "hornbeam", "jackdaw", "vermouth", "saltmarsh", "umbrella", "pimpernel")
"""No change of a few letters makes one of another."""


def _fuzz(place: Path, chance: random.Random, many: int) -> dict[str, int]:
    """Each file says a word of its own: none may come out of another."""
    seeds = []
    for own, (suffix, write) in zip(_MARKERS, WRITERS.items(), strict=False):
        seeds.append(
            (suffix, own, write([Paragraph(f"The {own} stands here."), *_content(chance)]))
        )
    seeds.append(("csv", "wolframite", b"Name,Days\nwolframite,30\n" * 30))
    counts = Counter(dict.fromkeys(("files", "read", "refused", "stopped", "from_another_file"), 0))
    with Parser() as parser:
        for number in range(many):
            suffix, own, content = seeds[number % len(seeds)]
            path = place / f"mutated.{suffix}"
            path.write_bytes(_mutated(content, chance))
            counts["files"] += 1
            try:
                text = parser.parse(path).text
            except DocumentUnreadable as error:
                counts["refused"] += 1
                counts["stopped"] += error.reason in (STOPPED, TOO_MUCH_MEMORY)
                continue
            counts["read"] += 1
            others = (word for _, word, _ in seeds if word != own)
            counts["from_another_file"] += any(word in text for word in others)
    return dict(counts)


def _mutated(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 3, 10, 40))):
        at = chance.randrange(len(changed)) if changed else 0
        match chance.randrange(5):
            case 0:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del changed[at : at + chance.choice((1, 20, 400))]
            case 2:
                changed[at:at] = changed[at : at + chance.choice((5, 50, 500))] * chance.choice(
                    (1, 30)
                )
            case 3:
                changed[at:at] = chance.choice(_NASTY)
            case _:
                changed = changed[: max(at, 10)] if chance.random() < 0.05 else changed
    return bytes(changed[:2_000_000])


_NASTY = (
    b"<table><tr><td>", b"</table>", b"](", b"**", b"`" * 9, b"> " * 50, b"- " * 50, b"|" * 30,
    b"\x00", b"\xff\xfe", b"&#x110000;", b"<![CDATA[", b"%PDF-", b"endobj", b"<w:p>", b"[^1]: x\n",
    b"\n---\n", b'"', b"\x02\x03", b"{{<", b"1. " * 20, b"9" * 40, "\u202e\U000e0041".encode(),
)  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
