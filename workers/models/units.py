"""Which parts of a passage can be quoted and understood alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workers.models.base import Span
from workers.models.sentences import is_fence, sentence_ends, sentences, without_bullet

MOST_WORDS = 90
"""Words of a unit: an answer has at most about 120, with what leads to it."""
_MAX_LETTERS = 600
"""Letters of a row, of code, and of a sentence: a longer one is cut between words."""
_MAX_CODE_LINES = 8
_MIN_QUOTE_WORDS = 3
_MOST_ITEMS = 40
"""Items of a list that are weighed; more is no list that people read."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of a passage that can be quoted."""

    text: str
    """What is shown; it can be understood alone."""
    quote: str
    """Its words in the passage, without a gap."""
    parts: tuple[str, ...]
    """What it says, sentence by sentence or item by item: each is weighed by itself."""
    kind: str
    """Of its last span: paragraph, item, row, code, quotation or caption."""


def units(text: str, spans: Sequence[Span]) -> list[Unit]:
    """Return what can be quoted of a passage, in reading order.

    A paragraph, or a few sentences of a long one; an answer with its question; a list, if it is
    short, or an item, with the lead; a row with its column names; a short block of code with the
    sentence before it. Never a heading, a question or a lead alone. Without spans: its sentences.
    """
    if not spans:
        return [_of(one, (one,), "paragraph") for one in sentences(text)]
    found: list[Unit] = []
    for at, span in enumerate(spans):
        if span.kind == "item":
            if at == 0 or spans[at - 1].kind != "item":
                found.extend(_of_list(text, spans, at))
        elif span.kind in ("paragraph", "quotation", "caption"):
            found.extend(_of_paragraph(text, spans, at))
        elif span.kind == "row":
            found.append(_of_row(text, spans, at))
        elif span.kind == "code":
            found.extend(_of_code(text, spans, at))
    return [unit for unit in found if any(letter.isalnum() for letter in unit.text)]


def _of(text: str, parts: Sequence[str], kind: str, *, quote: str = "") -> Unit:
    return Unit(text, quote or text, tuple(parts), kind)


def _of_paragraph(text: str, spans: Sequence[Span], at: int) -> Iterator[Unit]:
    kind = spans[at].kind
    said = [one for one in sentences_of(plain(text, spans[at])) if one.strip()]
    opens = at and spans[at - 1].kind in ("question", "lead")
    question = " ".join(plain(text, spans[at - 1]).split()) if opens else ""
    for start, group in enumerate(_groups(said)):
        if all(one.endswith("?") for one in group):  # it asks, and says nothing
            continue
        shown = " ".join(group)
        if question and start == 0:
            yield _of(f"{question} {shown}", [f"{question} {one}" for one in group], kind)
        else:
            yield _of(shown, group, kind)


def _groups(said: Sequence[str]) -> Iterator[list[str]]:
    """Group sentences to at most `MOST_WORDS`; a paragraph that is a little longer, in halves."""
    total = sum(len(one.split()) for one in said)
    pieces = -(-total // MOST_WORDS)
    room = total / pieces if pieces else 0
    group: list[str] = []
    words = 0
    for one in said:
        size = len(one.split())
        if (group and words + size > MOST_WORDS) or (pieces > 1 and group and words >= room):
            yield group
            group, words = [], 0
        group.append(one)
        words += size
    if group:
        yield group


def _of_row(text: str, spans: Sequence[Span], at: int) -> Unit:
    row = plain(text, spans[at])
    shown = _joined(text, spans, _start(spans, at, ("question",)), at)
    return _of(shown if len(shown) <= _MAX_LETTERS else row, [row], "row")


def _of_list(text: str, spans: Sequence[Span], first: int) -> Iterator[Unit]:
    """Quote a short list whole; of a long one an item, with what leads to it."""
    last = first
    while last + 1 < len(spans) and spans[last + 1].kind == "item":
        last += 1
    start = _start(spans, first, ("lead", "question"))
    whole = _joined(text, spans, start, last)
    opening = [plain(text, span) for span in spans[start:first]]
    above: list[tuple[int, str]] = []
    items: list[tuple[int, str, str]] = []
    for at in range(first, last + 1):
        item, depth = plain(text, spans[at]), _depth(text, spans[at])
        above = [(level, name) for level, name in above if level < depth]
        context = [*opening, *(name for _, name in above)]
        items.append((at, " … ".join((*context, item)), " ".join((*context, item))))
        above.append((depth, item))
    if len(whole.split()) <= MOST_WORDS:
        yield _of(whole, [core for _, _, core in items[:_MOST_ITEMS]], "item")
        return
    for at, shown, core in items[:_MOST_ITEMS]:
        yield _of(shown, [core], "item", quote=_long_enough(text, spans, first, at))


def _long_enough(text: str, spans: Sequence[Span], first: int, at: int) -> str:
    """Return the item as a quote; one of a word or two begins with the items before it."""
    start = at
    while start > first and len(_joined(text, spans, start, at).split()) < _MIN_QUOTE_WORDS:
        start -= 1
    return _joined(text, spans, start, at)


def _of_code(text: str, spans: Sequence[Span], at: int) -> Iterator[Unit]:
    code = plain(text, spans[at])
    if code.count("\n") >= _MAX_CODE_LINES or len(code) > _MAX_LETTERS:
        return
    lead = ""
    if at and spans[at - 1].kind in ("lead", "paragraph", "item"):
        *_, lead = ("", *sentences_of(plain(text, spans[at - 1])))
    whole = f"{lead}\n{code}" if lead else code
    yield _of(whole if len(whole) <= _MAX_LETTERS else code, [whole], "code")


def _start(spans: Sequence[Span], at: int, kinds: Sequence[str]) -> int:
    """Return the first of the spans of these kinds that come directly before this one."""
    while at and spans[at - 1].kind in kinds:
        at -= 1
    return at


def _joined(text: str, spans: Sequence[Span], first: int, last: int) -> str:
    alone = first == last
    shown = (
        plain(text, one) if alone or one.kind != "item" else text[one.start : one.end]
        for one in spans[first : last + 1]
    )
    return "\n".join(shown)


def plain(text: str, span: Span) -> str:
    """Return a part's text without its markup: bullets, fences, quotation signs."""
    own = text[span.start : span.end]
    if span.kind == "code":
        return "\n".join(line for line in own.split("\n") if not is_fence(line))
    if span.kind == "item":
        return without_bullet(own)
    if span.kind == "quotation":
        own = own.removeprefix("> ").replace("\n> ", "\n")
    return own


def _depth(text: str, span: Span) -> int:
    own = text[span.start : span.end]
    return len(own) - len(own.lstrip(" "))


def sentences_of(said: str) -> Iterator[str]:
    start = 0
    for end in sentence_ends(said):
        yield from _cut(" ".join(said[start:end].split()))
        start = end


def _cut(sentence: str) -> Iterator[str]:
    start = 0
    while len(sentence) - start > _MAX_LETTERS:
        end = sentence.rfind(" ", start, start + _MAX_LETTERS)
        end = end if end > start else start + _MAX_LETTERS
        yield sentence[start:end]
        start = end + (sentence[end] == " ")
    yield sentence[start:]
