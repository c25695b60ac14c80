"""A verified answer as people see it: numbered sentences, a list of sources, nothing active.

Everything is a `rich_text` block, whose text Slack shows as it is: no mrkdwn, no mention, no
link of a model's or a document's making. The only links are stored addresses of cited documents.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote as quote_url

from workers.models.base import Passage, Sentence

NOTHING_FOUND = "That is beyond my ken: I found nothing that you may read which answers this."
"""The same words whether there is nothing, or nothing for these readers."""
ANSWERED_PRIVATELY = "I have answered you in a direct message."
"""The same words whether or not private material exists."""
SOURCE_OUT_OF_DATE = "A source was out of date and was left out."
"""Never which one, nor what is in it: the same words for everybody."""
_QUOTED = "From the documents:"
_UNTITLED = "Untitled"
_MOST_LINES = 10
_MAX_SENTENCE, _MAX_NAME, _MAX_SOURCE = 700, 200, 100
"""Together under 12,600 characters: Slack takes about 13,200 in the blocks of a message."""

# Every repetition is bounded: text that was made to be slow takes no longer than other text.
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]{0,30}://\S*"
    r"|\bwww\.\S+"
    r"|\b(?:mailto|javascript|vbscript|blob|tel|sms):\S+"
    r"|\bdata:[^\s,]{0,200},\S*"
    r"|\b[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.[a-z]{2,24}(?::\d{1,5})?[/?#]\S*",
    re.IGNORECASE,
)
_SLACK_MARK = re.compile(r"<[@#!][^<>\n]{0,300}>|<(?=[@#!])")
# What Unicode lets a reader not see (Default_Ignorable_Code_Point), what moves the writing
# direction, controls, and halves of characters, which PostgreSQL would refuse.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_BRACKETED = r"\[\s*\d{1,6}(?:\s*,\s*\d{1,6}){0,20}\s*\]"
_NUMBER = re.compile(rf"(?:\s+|(?<![\w\])])){_BRACKETED}(?:\s*{_BRACKETED})*")
"""Looks like a citation of ours: only ours are shown (not `list[0]`, which code may hold)."""
_WEB_ADDRESS = re.compile(r"https?://[^\s/?#<>|\"][^\s<>|\"]{0,3000}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that sentences rest on, by its number in the reply."""

    number: int
    title: str
    heading: str
    """The nearest one; the way down to it would fill the line."""
    url: str | None
    source: str
    document: str
    quote: str
    updated_at: str | None


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    lead: str
    lines: tuple[Line, ...] = ()
    citations: tuple[Citation, ...] = ()
    note: str = ""
    """A constant sentence at the end; empty: none."""

    def payload(self) -> dict[str, Any]:
        """What the outbox keeps: for Slack, and for whoever reads it as data."""
        return {
            "text": escaped(self.plain()),
            "blocks": blocks(self),
            "lead": self.lead,
            "lines": [asdict(line) for line in self.lines],
            "citations": [asdict(citation) for citation in self.citations],
            "note": self.note,
        }

    def plain(self) -> str:
        told = [f"{line.text} {_numbers(line)}" for line in self.lines]
        return "\n".join([self.lead, *told, *([self.note] if self.note else [])])


def notice(words: str, *, question_id: int | None = None) -> Reply:
    """A constant sentence, with the question's number where somebody may ask about it."""
    return Reply(words if question_id is None else f"{words} (question {question_id})")


def compose(sentences: Sequence[Sentence], passages: Sequence[Passage]) -> Reply:
    """The reply that these verified sentences make. Citations are numbered as they appear.

    Of more sentences than a message holds the first are taken, and a long one is cut.
    """
    numbers: dict[int, int] = {}
    quotes: dict[int, str] = {}
    lines: list[Line] = []
    for sentence in sentences:
        shown = _shown(_NUMBER.sub("", inert(sentence.text)), _MAX_SENTENCE)
        if not shown or len(lines) == _MOST_LINES:
            continue
        number = numbers.setdefault(sentence.passage, len(numbers) + 1)
        quotes.setdefault(number, sentence.quote)
        lines.append(Line(shown, (number,)))
    citations = tuple(
        _citation(number, passages[passage - 1], quotes[number])
        for passage, number in numbers.items()
    )
    return Reply(_QUOTED, tuple(lines), citations)


def inert(text: str) -> str:
    """Text that can cause nothing: no address, no mention, nothing that cannot be seen."""
    shown = _INVISIBLE.sub("", text)
    shown = _SLACK_MARK.sub("…", shown)
    shown = _ADDRESS.sub("[…]", shown)
    return " ".join(shown.split())


def escaped(text: str) -> str:
    """For the fall-back text, the one place where Slack still reads marks (Slack's own rule)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks(reply: Reply) -> list[dict[str, Any]]:
    """Block Kit for a reply."""
    parts = [_section([_text(reply.lead)])]
    for line in reply.lines:
        parts.append(_section([_text(f"{line.text} "), _text(_numbers(line), code=True)]))
    if reply.citations:
        parts.append(_section([_text("Sources", bold=True)]))
    for citation in reply.citations:
        parts.append(_section(_source_line(citation)))
    if reply.note:
        parts.append(_section([_text(reply.note)]))
    return [{"type": "rich_text", "elements": parts}]


def _source_line(citation: Citation) -> list[dict[str, Any]]:
    name = citation.title + (f" › {citation.heading}" if citation.heading else "")
    linked = {"type": "link", "url": citation.url, "text": name} if citation.url else _text(name)
    age = f", updated {citation.updated_at[:10]}" if citation.updated_at else ""
    return [_text(f"[{citation.number}] "), linked, _text(f" ({citation.source}{age})")]


def _section(elements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "rich_text_section", "elements": [*elements, _text("\n")]}


def _text(text: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def _numbers(line: Line) -> str:
    return "".join(f"[{number}]" for number in line.citations)


def _citation(number: int, passage: Passage, quote: str) -> Citation:
    return Citation(
        number=number,
        title=_shown(passage.title, _MAX_NAME) or _UNTITLED,
        heading=_shown(passage.heading.rpartition(" > ")[2], _MAX_NAME),
        url=_place(passage),
        source=_shown(passage.source, _MAX_SOURCE),
        document=passage.document,
        quote=_shown(quote, _MAX_SENTENCE),
        updated_at=passage.updated_at.isoformat() if passage.updated_at else None,
    )


def _place(passage: Passage) -> str | None:
    """The stored address, with the place in the page, if it is a web address that Slack takes."""
    address = passage.url or ""
    if not _WEB_ADDRESS.fullmatch(address) or _INVISIBLE.search(address):
        return None
    has_place = passage.anchor and "#" not in address
    return f"{address}#{quote_url(passage.anchor, safe='=&')}" if has_place else address


def _shown(text: str, limit: int) -> str:
    """Inert, and no longer than this."""
    shown = inert(text[: 10 * limit])
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"
