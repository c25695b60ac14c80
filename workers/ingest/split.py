"""A document as pieces that fit the embedder, each knowing the heading that it stands under."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workers.models.embedder import count_tokens
from workers.models.sentences import sentence_ends, without_marks

PIECE_TOKENS = 200
"""Of a piece with its prefix. The embedder sees 256; shorter pieces find as well, quicker."""
_TITLE_TOKENS, _HEADING_TOKENS = 30, 34
_MAX_LETTERS = 2_000  # of a piece: the embedder takes a very long word for one token
_MAX_RUN = 400  # letters without a space; a longer run is no word and may be cut
_MAX_HEADING = 200  # letters of one heading and of an anchor
_LINE = re.compile(r"([^\n]*+)(\n?+)((?:[ \t\r\f\v]*+\n)*+)")  # possessive: keeps no way back
_FENCE = re.compile(r"[ \t]{0,12}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-{2,})\s*\Z")
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,9}[.)])[ \t]+\S")
_RUN = re.compile(rf"\S{{1,{_MAX_RUN}}}\s*|\s+")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_MARKS = re.compile(r"[|\-=*_`#>~]{2,}|\|")
_NOT_IN_ANCHOR = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a document; `text` is the document from `start` on, unchanged."""

    text: str
    heading: str
    """Path of the headings above, such as "Leave > Germany"; empty before the first."""
    anchor: str
    """GitHub's name of the nearest heading, for a link that ends in `#anchor`; may be empty."""
    start: int


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    kind: str
    """heading, text, item, table or code; a part of one of these keeps its kind."""


@dataclass(frozen=True, slots=True)
class _Section:
    start: int
    end: int
    heading: str
    anchor: str


def split(text: str, *, title: str) -> list[Piece]:
    """Markdown or plain text as pieces in reading order; blank text gives none.

    With title and heading in front (`embedded_text`) a piece has at most 200 tokens. Pieces end at
    headings, else between blocks, sentences, lines and words, in this order, and inside a run of
    letters only when the run has more than 400. Every letter that is no space is in exactly one
    piece. Takes time linear in the text, whatever it holds.
    """
    pieces: list[Piece] = []
    for section in _sections(text):
        room = PIECE_TOKENS - 2 - count_tokens(_prefix(title, section.heading))
        blocks = _blocks(text, section.start, section.end)
        for start, end in _packed(text, blocks, room):
            inner = text[start:end].strip()
            if inner:
                at = text.index(inner[0], start)
                pieces.append(Piece(inner, section.heading, section.anchor, at))
    return pieces


def embedded_text(piece: Piece, *, title: str) -> str:
    """What the embedder reads: title, heading path and text, on lines of their own.

    Without targets of links and runs of marks: they take a seventh of the tokens and lead astray
    (84 paraphrased questions, vectors alone: MRR .60 without them, .58 with them).
    """
    return f"{_prefix(title, piece.heading)}\n{_without_targets(piece.text)}"


def _without_targets(text: str) -> str:
    return _MARKS.sub(" ", _LINK.sub(r"\1", text))


def _prefix(title: str, heading: str) -> str:
    """Title and path, at most 64 tokens; of a long path the end is kept, which says most."""
    words = title.split()
    path = heading.removeprefix(title).removeprefix(" > ").split()
    end = _within(words, _TITLE_TOKENS)
    start = len(path) - _within(reversed(path), _HEADING_TOKENS)
    return " ".join(words[:end]) + "\n" + " ".join(path[start:])


def _within(words: Iterable[str], limit: int) -> int:
    """How many of the words fit into so many tokens."""
    fitting = 0
    for word in words:
        limit -= count_tokens(word[:_MAX_RUN])
        if limit < 0:
            break
        fitting += 1
    return fitting


def _sections(text: str) -> Iterator[_Section]:
    """A section is a run of headings with nothing between them, and what stands below."""
    start, path, anchor, before = 0, "", "", "heading"
    outline: list[tuple[int, str]] = []
    used: Counter[str] = Counter()
    for block in _blocks(text, 0, len(text)):
        if block.kind == "heading":
            if before != "heading":
                yield _Section(start, block.start, path, anchor)
                start = block.start
            level, heading = _read_heading(text[block.start : block.end])
            outline = [*(above for above in outline if above[0] < level), (level, heading)]
            path = " > ".join(name for _, name in outline if name)
            anchor = _anchor(heading, used)
        before = block.kind
    yield _Section(start, len(text), path, anchor)


def _read_heading(block: str) -> tuple[int, str]:
    lines = block.strip().split("\n", maxsplit=1)
    marks = _HEADING.match(lines[0])
    if marks:
        name = lines[0].strip().lstrip("#").strip().rstrip("#")
        return len(marks[1]), without_marks(name[: 4 * _MAX_HEADING])[:_MAX_HEADING]
    level = 1 if lines[-1].lstrip().startswith("=") else 2
    return level, without_marks(lines[0][: 4 * _MAX_HEADING])[:_MAX_HEADING]


def _anchor(heading: str, used: Counter[str]) -> str:
    """As GitHub does it: small letters, no punctuation, a number behind one seen before."""
    slug = _NOT_IN_ANCHOR.sub("", heading.lower()).replace(" ", "-")
    used[slug] += 1
    return slug if used[slug] == 1 else f"{slug}-{used[slug] - 1}"


def _blocks(text: str, start: int, end: int) -> Iterator[_Span]:
    """Headings, paragraphs, list items, tables and code, without gaps."""
    at, kind, lines, fence, is_open = start, "", 0, "", False
    for match in _LINE.finditer(text, start, end):
        line = match[1]
        if fence:
            if _is_end_of_code(line, fence):
                fence, is_open = "", False
            continue
        found = _kind(line)
        if is_open and kind == "text" and lines == 1 and _UNDERLINE.match(line):
            kind, is_open = "heading", False
            continue
        if not (is_open and _continues(found, kind)):
            if match.start() > at:
                yield _Span(at, match.start(), kind)
            at, kind, lines = match.start(), found, 0
        if found == "code":
            fence = line.lstrip()[:3]
        lines += 1
        is_open = found != "heading" and not match[3]
    if end > at:
        yield _Span(at, end, kind)


def _kind(line: str) -> str:
    if _FENCE.match(line):
        return "code"
    if _HEADING.match(line):
        return "heading"
    if line.lstrip(" \t").startswith("|"):
        return "table"
    return "item" if _LIST_ITEM.match(line) else "text"


def _continues(line_kind: str, block_kind: str) -> bool:
    if line_kind == "text":
        return block_kind in ("text", "item")
    return line_kind == block_kind == "table"


def _is_end_of_code(line: str, fence: str) -> bool:
    closing = line.strip()
    return closing.startswith(fence) and not closing.strip(fence[0])


def _packed(text: str, blocks: Iterable[_Span], room: int) -> Iterator[tuple[int, int]]:
    """Neighbours joined while they have at most `room` tokens together."""
    start = end = tokens = 0
    for block in blocks:
        for part, cost in _fitting(text, block, room):
            if end and (
                tokens + cost > room
                or part.end - start > _MAX_LETTERS
                or (text[part.start - 1].isalnum() and text[part.start].isalnum())
            ):
                yield start, end
                end = 0
            if not end:
                start, tokens = part.start, 0
            end = part.end
            tokens += cost
    if end:
        yield start, end


def _fitting(text: str, span: _Span, room: int, level: int = 0) -> Iterator[tuple[_Span, int]]:
    """The span with its tokens, or its smaller parts where it does not fit."""
    if span.end - span.start <= _MAX_LETTERS:
        cost = count_tokens(_without_targets(text[span.start : span.end]))
        if cost <= room or span.end - span.start == 1:
            yield span, cost
            return
    for end in _CUTS[min(level, len(_CUTS) - 1)](text, span):
        part = _Span(span.start, end, span.kind)
        span = _Span(end, span.end, span.kind)
        yield from _fitting(text, part, room, level + 1)


def _at_sentences(text: str, span: _Span) -> Iterator[int]:
    if span.kind in ("code", "table"):
        yield span.end
        return
    for end in sentence_ends(text[span.start : span.end]):
        yield span.start + end


def _at_lines(text: str, span: _Span) -> Iterator[int]:
    for match in _LINE.finditer(text, span.start, span.end):
        if match.end() > match.start():
            yield match.end()


def _at_words(text: str, span: _Span) -> Iterator[int]:
    for match in _RUN.finditer(text, span.start, span.end):
        yield match.end()


def _in_half(_text: str, span: _Span) -> Iterator[int]:
    yield (span.start + span.end) // 2
    yield span.end


_CUTS = (_at_sentences, _at_lines, _at_words, _in_half)
