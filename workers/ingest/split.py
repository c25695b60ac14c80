"""A document as pieces that fit the embedder, each knowing the heading that it stands under."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, pairwise

from workers.ingest.formats.document import (
    Block,
    Code,
    Heading,
    Item,
    Paragraph,
    Question,
    Quotation,
    Row,
    shown,
)
from workers.models.base import Span
from workers.models.embedder import count_tokens
from workers.models.sentences import sentence_ends

PIECE_TOKENS = 200
"""Of a piece with its prefix. The embedder sees 256; shorter pieces find as well, quicker."""
_TITLE_TOKENS, _HEADING_TOKENS = 30, 34
_CONTEXT_TOKENS = 60
"""Of what is repeated where a list, a table or an answer goes on in another piece."""
_MAX_LETTERS = 2_000  # of a piece: the embedder takes a very long word for one token
_MAX_RUN = 400  # letters without a space; a longer run is not a word and may be cut
_MAX_HEADING = 200  # letters of one heading and of an anchor
_MAX_LEAD = 200
_MAX_ROW, _MAX_KEY = 600, 100  # letters of a row, and of the cell that names it
_RUN = re.compile(rf"\S{{1,{_MAX_RUN}}}\s*|\s+")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_MARKS = re.compile(r"[|\-=*_`#>~]{2,}|\|")
_ENDED = re.compile(r"[.!?…。！？][\"'”’)\]]*\Z")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a document, as it is stored, embedded and quoted from."""

    text: str
    heading: str
    """Path of the headings above, such as "Leave > Germany"; empty before the first."""
    anchor: str
    """What follows `#` in a link to this place: a page, or the nearest heading; may be empty."""
    spans: tuple[Span, ...] = ()
    """What the parts of the text are; empty if nothing is known of it but the text."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part stands. Pieces end where it changes."""

    section: int
    heading: str
    anchor: str
    page: int


@dataclass(frozen=True, slots=True)
class _Part:
    kind: str
    text: str
    joint: str
    """What is between this part and the one before it."""
    place: _Place
    context: "tuple[_Part, ...]" = ()
    """What one has to have read before: repeated where a piece begins with this part."""


def split(blocks: Sequence[Block], *, title: str) -> list[Piece]:
    """Split blocks into pieces, in reading order.

    With title and heading in front (`embedded_text`) a piece has at most 200 tokens. Pieces end at
    headings and at pages, else between blocks, sentences, lines and words, in this order, and
    inside a run of letters only when the run has more than 400. A piece that begins within a list,
    a table, code or an answer begins with its lead, its caption or its question once more. Every
    letter except spaces is in some piece. Takes time linear in the text, whatever it holds.
    """
    pieces: list[Piece] = []
    parts: list[_Part] = []
    for part in _parts(blocks):
        if parts and parts[-1].place != part.place:
            pieces.extend(_packed(parts, title))
            parts = []
        parts.append(part)
    if parts:
        pieces.extend(_packed(parts, title))
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
    """How many of the words fit into this many tokens."""
    fitting = 0
    for word in words:
        limit -= count_tokens(word[:_MAX_RUN])
        if limit < 0:
            break
        fitting += 1
    return fitting


# -- blocks to parts: what stands where, and what leads to what ----------------------------------


class _Outline:
    """The headings above a place."""

    def __init__(self) -> None:
        self._above: list[Heading] = []
        self._section = 0
        self._is_at_heading = False

    def enter(self, block: Block) -> _Place:
        """The place of a block. Headings with nothing between them make one section."""
        if isinstance(block, Heading):
            self._section += not self._is_at_heading
            self._above = [*(one for one in self._above if one.level < block.level), block]
        self._is_at_heading = isinstance(block, Heading)
        path = " > ".join(one.text[:_MAX_HEADING] for one in self._above)
        anchors = (one.anchor[:_MAX_HEADING] for one in reversed(self._above) if one.anchor)
        anchor = next(anchors, "")
        return _Place(
            self._section, path, f"page={block.page}" if block.page else anchor, block.page
        )


def _parts(blocks: Sequence[Block]) -> Iterator[_Part]:
    """Headings stand where the text below them stands: on its page, in its section."""
    outline, story = _Outline(), _Story()
    headings: list[_Part] = []
    for block, following in pairwise(chain(blocks, (None,))):
        assert block is not None
        place = outline.enter(block)
        found = story.parts(block, following, place)
        if isinstance(block, Heading):
            headings.extend(found)
            if following is not None:
                continue
        yield from (replace(part, place=place) for part in headings)
        headings = []
        yield from found


class _Story:
    """What has been said that the next block needs: a question, a lead, the items above."""

    def __init__(self) -> None:
        self._question: tuple[_Part, ...] = ()
        self._lead: tuple[_Part, ...] = ()
        self._items: list[tuple[int, _Part]] = []
        self._caption = ""

    def parts(self, block: Block, following: Block | None, place: _Place) -> Iterator[_Part]:
        if isinstance(block, Heading | Question):
            self._question = self._lead = ()
        if isinstance(block, Heading | Question | Paragraph):
            self._items = []
        if isinstance(block, Heading):
            yield _Part("heading", shown(block), "\n\n", place)
        elif isinstance(block, Question):
            question = _Part("question", block.text, "\n\n", place)
            self._question = (question,)
            yield question
        elif isinstance(block, Paragraph):
            yield from self._paragraph(block, following, place)
        elif isinstance(block, Item):
            yield self._item(block, place)
        elif isinstance(block, Row):
            yield from self._row(block, place)
        else:
            yield _Part(block.kind, shown(block), "\n\n", place, self._context())
        self._caption = block.caption if isinstance(block, Row) else ""

    def _context(self, depth: int = 9) -> tuple[_Part, ...]:
        above = [part for level, part in self._items if level < depth]
        return (*self._question, *self._lead, *above)

    def _paragraph(
        self, block: Paragraph, following: Block | None, place: _Place
    ) -> Iterator[_Part]:
        self._lead = ()
        text = block.text
        if not _leads(text, following):
            yield _Part("paragraph", text, "\n\n", place, self._question)
            return
        *_, start, _end = (0, 0, *sentence_ends(text))
        joint = "\n\n"
        if text[:start].strip():
            yield _Part("paragraph", text[:start].rstrip(), joint, place, self._question)
            joint = " "
        lead = _Part("lead", text[start:], joint, place, self._question)
        self._lead = (replace(lead, joint="\n\n"),)
        yield lead

    def _item(self, block: Item, place: _Place) -> _Part:
        joint = "\n" if self._items else "\n\n"
        context = self._context(block.depth)
        item = _Part("item", shown(block), joint, place, context)
        above = [(level, part) for level, part in self._items if level < block.depth]
        self._items = [*above, (block.depth, item)]
        return item

    def _row(self, block: Row, place: _Place) -> Iterator[_Part]:
        self._items = []
        if block.caption and block.caption != self._caption:
            lead = _Part("lead", block.caption, "\n\n", place, self._question)
            self._lead = (lead,)
            yield lead
        for row in _short_rows(block):
            yield _Part("row", row.text, "\n\n", place, self._context())


def _short_rows(row: Row) -> Iterator[Row]:
    """The row; one that is too long, in several: some of its cells, and what names the row."""
    if len(row.text) <= _MAX_ROW:
        yield row
        return
    names = row.columns or ("",) * len(row.cells)
    first = next(at for at, cell in enumerate(row.cells) if cell)
    key = [(names[first], row.cells[first])] if len(row.cells[first]) <= _MAX_KEY else []
    group = key
    for name, cell in list(zip(names, row.cells, strict=False))[first + len(key) :]:
        for part in _short_cells(cell):
            if group != key and len(_row_of(row, [*group, (name, part)]).text) > _MAX_ROW:
                yield _row_of(row, group)
                group = key
            group = [*group, (name, part)]
    yield _row_of(row, group)


def _row_of(row: Row, pairs: Sequence[tuple[str, str]]) -> Row:
    names, cells = zip(*pairs, strict=True)
    return replace(row, cells=cells, columns=names if any(names) else ())


def _short_cells(cell: str) -> Iterator[str]:
    """A cell, or if it is long, groups of its sentences."""
    start = end = 0
    for at in sentence_ends(cell):
        if at - start > _MAX_ROW - _MAX_KEY and end > start:
            yield cell[start:end].strip()
            start = end
        end = at
    if cell[start:].strip():
        yield cell[start:].strip()


def _leads(text: str, following: Block | None) -> bool:
    """Whether a paragraph leads to the list, table or code below it: it is not quoted alone."""
    if isinstance(following, Paragraph):
        return len(text) < _MAX_LEAD and text.endswith((":", "："))
    if not isinstance(following, Item | Row | Code | Quotation):
        return False
    if text.endswith((":", "：")):
        return True
    if isinstance(following, Quotation) or (isinstance(following, Row) and not following.columns):
        return False
    return len(text) < _MAX_LEAD and not _ENDED.search(text)


# -- parts to pieces ------------------------------------------------------------------------------


def _packed(parts: Sequence[_Part], title: str) -> Iterator[Piece]:
    """Neighbours joined while they have at most as many tokens together as there is room for."""
    place = parts[0].place
    room = PIECE_TOKENS - 2 - count_tokens(_prefix(title, place.heading))
    heading = sum(_cost(part.text) for part in parts if part.kind == "heading")
    held: list[_Part] = []
    tokens = letters = 0
    is_body = False
    for part in parts:
        repeated = _repeatable(part.context)
        left = room - sum(_cost(one.text) for one in repeated)
        left = max(left - (heading if heading < room // 3 else 0), room // 3)
        for cut, cost in _fitting(part, left):
            is_over = bool(held) and (tokens + cost > room or letters > _MAX_LETTERS)
            if is_over or (is_body and _is_cut_word(held[-1], cut)):
                yield _piece(_without_openings(held, part.context), place)
                held = []
            if not held:  # a piece begins, perhaps within something
                held, is_body = list(repeated), False
                tokens = sum(_cost(one.text) for one in held)
                letters = sum(len(one.text) for one in held)
                cut = replace(cut, joint=part.joint)
            held.append(cut)
            tokens += cost
            letters += len(cut.text)
            is_body = is_body or cut.kind not in _OPENING
    if any(part.text.strip() for part in held):
        yield _piece(held, place)


_OPENING = ("heading", "lead", "question")


def _is_cut_word(last: _Part, cut: _Part) -> bool:
    """Whether a run of letters was cut between these two: they do not come together again."""
    return not cut.joint and last.text[-1:].isalnum() and cut.text[:1].isalnum()


def _repeatable(context: Sequence[_Part]) -> tuple[_Part, ...]:
    """As much of the context as is worth repeating, the nearest first."""
    kept: list[_Part] = []
    left = _CONTEXT_TOKENS
    for part in reversed(context):
        left -= _cost(part.text)
        if left < 0:
            break
        kept.insert(0, part)
    return tuple(kept)


def _without_openings(held: Sequence[_Part], context: Sequence[_Part]) -> list[_Part]:
    """Without what only opens the next piece, and stands there."""
    kept = list(held)
    texts = {part.text for part in _repeatable(context)}
    while len(kept) > 1 and kept[-1].kind in _OPENING and kept[-1].text in texts:
        kept.pop()
    return kept


def _piece(held: Sequence[_Part], place: _Place) -> Piece:
    """Parts of one block that were cut, and come together again, are one span."""
    text = ""
    spans: list[Span] = []
    for part in held:
        goes_on = bool(text) and not part.joint
        start = len(text) + (len(part.joint) if text else 0)
        text += (part.joint if text else "") + part.text
        if goes_on and spans[-1].kind == part.kind:
            spans[-1] = Span(part.kind, spans[-1].start, len(text))
        else:
            spans.append(Span(part.kind, start, len(text)))
    end = len(text.rstrip())
    trimmed = tuple(Span(one.kind, one.start, min(one.end, end)) for one in spans)
    return Piece(text[:end], place.heading, place.anchor, trimmed)


@lru_cache(maxsize=4096)
def _cost(text: str) -> int:
    return count_tokens(_without_targets(text))


def _fitting(part: _Part, room: int, level: int = 0) -> Iterator[tuple[_Part, int]]:
    """The part with its tokens, or its smaller parts where it does not fit."""
    if len(part.text) <= _MAX_LETTERS:
        cost = count_tokens(_without_targets(part.text))
        if cost <= room or len(part.text) == 1:
            yield part, cost
            return
    start = 0
    for end in _CUTS[min(level, len(_CUTS) - 1)](part):
        joint = "" if start else part.joint
        cut = replace(part, text=part.text[start:end], joint=joint)
        start = end
        yield from _fitting(cut, room, level + 1)


def _at_sentences(part: _Part) -> Iterator[int]:
    return iter((len(part.text),)) if part.kind == "code" else sentence_ends(part.text)


def _at_cells(part: _Part) -> Iterator[int]:
    """A row of very many cells is cut between two of them."""
    if part.kind == "row":
        yield from (match.end() for match in re.finditer("; ", part.text))
    yield len(part.text)


def _at_lines(part: _Part) -> Iterator[int]:
    return (match.end() for match in _LINE.finditer(part.text))


def _at_words(part: _Part) -> Iterator[int]:
    return (match.end() for match in _RUN.finditer(part.text))


def _in_half(part: _Part) -> Iterator[int]:
    yield len(part.text) // 2
    yield len(part.text)


_CUTS: tuple[Callable[[_Part], Iterator[int]], ...] = (
    _at_sentences,
    _at_lines,
    _at_cells,
    _at_words,
    _in_half,
)
