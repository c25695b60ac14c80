"""Turns a verified answer into a reply: numbered sentences, a list of sources, nothing active.

The text goes into a `rich_text` block, which Slack renders literally: no mrkdwn, no mention, and no
link that a model or a document wrote. The only links are stored addresses of cited documents.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from workers.models.base import Passage, Sentence, Support
from workers.models.quotes import copies_of, words
from workers.models.wishes import Length
from workers.replies.blocks import quote, rich_text, section, span, spans_around
from workers.replies.buttons import Buttons as Buttons
from workers.replies.buttons import button_blocks
from workers.replies.dating import NOTHING_SAID, Dating, age_shown, dating_of, from_stored, note_on
from workers.replies.inert import (
    elements,
    inert,
    inert_excerpt,
    link,
    shortened,
    web_address,
    without_look_alikes,
)
from workers.replies.pages import Page, choice_block, close_line, in_plain
from workers.replies.quoting import shown_quotes
from workers.wording.mark import N_
from workers.wording.text import gettext, spoken

NOTHING_FOUND = N_(
    "That is beyond my ken: I found nothing you may read that answers this. Try other words, or "
    "ask a colleague."
)
"""The same words whether nothing exists or nothing for these readers."""
UNCLEAR = N_("What is your question about? Name the thing you mean, and I will look it up.")
"""For a question without a subject; the same words whatever could be found."""
CANNOT_ACT = N_("I cannot do that, but this may help:")
ANSWERED_PRIVATELY = N_("I have answered you in a direct message.")
"""The same words whether or not private material exists."""
SOURCE_OUT_OF_DATE = N_("I left out a source because its permissions are out of date.")
"""Never names the source or its content: the same words for everybody."""
WITHDRAWN = N_(
    "I withdrew this answer because what may be read here has changed. Ask again if you still need "
    "it."
)
CUT_SHORT = N_(
    "I could not post the whole answer, so I removed the part that was here. Please ask again."
)
OUTDATED = N_(
    "A document behind this answer has changed since. Ask again for an up-to-date answer."
)
CANNOT_SHARE = N_(
    "I found nothing that everyone in the channel may read, so I cannot answer there. Nothing was "
    "posted."
)
"""Sent in private to the person who pressed the button; the same words for every reason."""
LIMITED = N_(
    "You have asked many questions in a short time, so I skipped this one. Try again in a minute, "
    "or tomorrow if that does not help."
)
FORGOTTEN = N_("I no longer have the text of that question. Please ask it again.")
STOPPED = N_("I have stopped. Ask again whenever you like.")
HELP = N_(
    "I answer questions from your company's documents and name the source of every sentence.\n"
    "\n"
    "You can ask, for example:\n"
    "• How many days of vacation do I have?\n"
    "• Can I carry over unused vacation to next year?\n"
    "• How much learning budget do I have per year?\n"
    "• What is the hotel limit per night?\n"
    "• Up to what amount may I buy something without approval?\n"
    "\n"
    "How to ask\n"
    "• In a channel: mention me with your question. There I use only what everyone in the channel "
    "may read. If that is not enough, I write to you in a direct message.\n"
    "• In a direct message, or anywhere with /ken and your question: only you see the answer.\n"
    "• In a thread where I have answered: keep asking; no mention needed.\n"
    "• “Ask Ken about this” in the menu of a message: I look it up for you alone.\n"
    "• Edit your question and I answer again; delete it and I delete my answer.\n"
    "\n"
    "Good to know\n"
    "• “Share with the channel” asks again for everyone there. “Ask privately” asks again for you "
    "alone.\n"
    "• “Mute this thread”, /ken mute and /ken unmute set where I answer without a mention.\n"
    "• /ken forget clears the text of your questions. My home tab shows what I know about you.\n"
    "• Rate my answers: the people who look after the documents see your ratings."
)
EXAMPLES = tuple(line[2:] for line in HELP.splitlines() if line.endswith("?"))
"""Each is answered in the demo company."""
_YOU_ASKED = N_("You asked:")
_COLLEAGUE = N_("A colleague")
_WANTS_A_PERSON = N_("{colleague} would like a person to answer this:")
_QUOTED = N_("From the documents:")
_UNTITLED = N_("Untitled")
_OPEN = N_("open")
_NO_WORDS = N_("(no text)")
_MOST_LINES, _SHORT_LINES = 40, 3
_MOST_SOURCES = 10
"""For one sentence: with all its sources it has to fit a message."""
_LINES_OF_PART, _LARGEST_PART = 10, 12_000
"""Slack accepts about 13,200 characters in a message's blocks; buttons and notes need some."""
_SHORT_ROW = 3
"""A row of more cells than that has a line for each."""
_CELL = re.compile(r"[^:\n]{1,60}: \S")
_MAX_SENTENCE, _MAX_NAME, _MAX_SOURCE, _MAX_QUESTION, _MAX_ASKED = 700, 200, 100, 2000, 150

_USER, _USERGROUP = re.compile(r"[UW][A-Z0-9]{1,20}"), re.compile(r"S[A-Z0-9]{1,20}")
_PERMALINK = re.compile(
    r"https://[a-z0-9-]{1,63}(?:\.enterprise)?\.slack\.com/archives/[CDG][A-Z0-9]{1,20}/p[0-9]{10,20}"
    r"(?:\?thread_ts=[0-9]{1,12}\.[0-9]{1,8}&cid=[CDG][A-Z0-9]{1,20})?"
)
"""Matches what Slack's `chat.getPermalink` returns, and nothing else."""
_CONVERSATION = re.compile(
    r"https://[a-z0-9-]{1,63}(?:\.enterprise)?\.slack\.com/archives/D[A-Z0-9]{1,20}"
)


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage that sentences rest on, by its number in the reply."""

    number: int
    title: str
    heading: str
    """The nearest one; the whole path would fill the line."""
    url: str | None
    source: str
    document: str
    quote: str
    updated_at: str | None
    dating: Dating = NOTHING_SAID


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    citations: tuple[int, ...]
    bold: tuple[str, ...] = ()
    """Words of the text that decide, in bold."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question above a reply that is posted elsewhere; only for the asker."""

    words: str
    link: str = ""
    """Where it was asked; empty if no message holds it."""


@dataclass(frozen=True, slots=True)
class Reply:
    lead: str
    lines: tuple[Line, ...] = ()
    citations: tuple[Citation, ...] = ()
    note: str = ""
    """A constant sentence at the end; empty for none."""
    asked: Asked | None = None
    lead_link: str = ""
    """The conversation that the lead links to; empty for none."""
    understood: str = ""
    """The question as it was understood, if it was completed from the thread; empty for none."""
    pages: tuple[Page, ...] = ()
    """Pages that are named and not quoted. Several: the asker may choose among them. One: it is
    close, and nothing answers."""

    @property
    def asks_back(self) -> bool:
        return len(self.pages) > 1

    def payload(self, buttons: Buttons | None = None) -> dict[str, Any]:
        """Return what the outbox stores: for Slack, and as data for `from_payload`."""
        below = button_blocks(buttons, answers=bool(self.lines)) if buttons else []
        if buttons and self.asks_back:
            below.insert(0, choice_block(self.pages, buttons.question_id))
        return {
            "text": escaped(self.plain()),
            "blocks": [*blocks(self), *below],
            "buttons": asdict(buttons) if buttons else None,
            "lead": self.lead,
            "lines": [_stored(line) for line in self.lines],
            "citations": [_stored_citation(citation) for citation in self.citations],
            "note": self.note,
            "asked": asdict(self.asked) if self.asked else None,
            "language": spoken(),
            "understood": self.understood,
            "pages": [asdict(page) for page in self.pages],
        }

    def plain(self) -> str:
        """Return Slack's fall-back text. Clients look for addresses in it, so it has none."""
        lines = [f"{inert(line.text)} {_numbers(line)}" for line in self.lines]
        named = in_plain(self.pages)
        return "\n".join([self.lead, *lines, *named, *([self.note] if self.note else [])])


def _stored(line: Line) -> dict[str, Any]:
    data = asdict(line)
    return data if line.bold else {name: data[name] for name in ("text", "citations")}


def _stored_citation(citation: Citation) -> dict[str, Any]:
    data = asdict(citation) | {"dating": citation.dating.stored()}
    return data if data["dating"] else {name: data[name] for name in data if name != "dating"}


def notice(words: str, *, question_id: int | None = None) -> Reply:
    """Make a fixed text into a reply in the language spoken here; with the question's number if
    somebody may ask about it.
    """
    if question_id is None:
        return Reply(gettext(words))
    numbered = N_("{words} (question {number})")
    return Reply(gettext(numbered, words=gettext(words), number=question_id))


def withdrawn(words: str = WITHDRAWN) -> Reply:
    """Return the text that replaces an answer that was withdrawn or could not be completed."""
    return Reply(gettext(words))


def outdated(payload: Mapping[str, Any]) -> Reply:
    """Return a stored reply with a note that a document has changed; a second call adds nothing."""
    reply, words = from_payload(payload), gettext(OUTDATED)
    if words in reply.note:
        return reply
    return replace(reply, note=f"{reply.note} {words}".strip())


def from_payload(payload: Mapping[str, Any]) -> Reply:
    """Return the reply that `Reply.payload` stored."""
    return Reply(
        payload["lead"],
        tuple(
            Line(line["text"], tuple(line["citations"]), tuple(line.get("bold") or ()))
            for line in payload["lines"]
        ),
        tuple(
            Citation(**{**citation, "dating": from_stored(citation.get("dating"))})
            for citation in payload["citations"]
        ),
        payload["note"],
        Asked(**payload["asked"]) if payload.get("asked") else None,
        understood=payload.get("understood", ""),
        pages=tuple(Page(**page) for page in payload.get("pages") or ()),
    )


def language_of(payload: Mapping[str, Any]) -> str:
    """Return the language that a stored reply is in."""
    return str(payload.get("language") or "")


def buttons_of(payload: Mapping[str, Any]) -> Buttons | None:
    """Return the buttons that a stored reply was posted with."""
    stored = payload.get("buttons")
    return Buttons(**stored) if stored else None


def compose(
    sentences: Sequence[Sentence], passages: Sequence[Passage], *, length: Length = Length.NORMAL
) -> Reply:
    """Make a reply of these verified sentences. Citations are numbered in order of appearance.

    Only the first sentences are used if there are too many, and a long sentence is cut. A sentence
    that several documents share appears once, with at most ten of them as its sources. If the first
    source is not valid today, the note says so.
    """
    most = _SHORT_LINES if length == "short" else _MOST_LINES
    numbers: dict[int, int] = {}
    quotes: dict[int, str] = {}
    lines: dict[tuple[str, ...], Line] = {}
    for sentence in sentences:
        shown = _quoted(sentence.text, passages[sentence.passage - 1])
        said = tuple(words(shown)) or (shown,)
        if not shown or (said not in lines and len(lines) == most):
            continue
        line = lines.get(said, Line(shown, (), _shown_bold(sentence.bold, shown)))
        cited = list(line.citations)
        copies = (Support(copy, sentence.quote) for copy in copies_of(sentence, passages))
        own = Support(sentence.passage, sentence.quote)
        for passage, words_of_it in (own, *sentence.beside, *copies):
            if numbers.get(passage) not in cited and len(cited) < _MOST_SOURCES:
                cited.append(numbers.setdefault(passage, len(numbers) + 1))
                quotes.setdefault(cited[-1], words_of_it)
        lines[said] = replace(line, citations=tuple(cited))
    citations = tuple(
        _citation(number, passages[passage - 1], quotes[number])
        for passage, number in numbers.items()
    )
    first = next(iter(lines.values()), Line("", ()))
    led_by = [(one.title, one.dating) for one in citations if one.number in first.citations]
    return Reply(gettext(_QUOTED), tuple(lines.values()), citations, note_on(led_by[:1]))


def parts(reply: Reply) -> list[Reply]:
    """Split the reply into messages that Slack accepts, with every sentence whole.

    A source is listed in the part that names it first; the note is in the last part.
    """
    groups = _groups(reply)
    if len(groups) < 2:
        return [reply]
    listed: set[int] = set()
    made = []
    for number, lines in enumerate(groups, start=1):
        named = {cited for line in lines for cited in line.citations} - listed
        listed |= named
        count = f"({number}/{len(groups)})"
        made.append(
            Reply(
                lead=f"{reply.lead} {count}" if number == 1 else count,
                lines=tuple(lines),
                citations=tuple(c for c in reply.citations if c.number in named),
                note=reply.note if number == len(groups) else "",
                asked=reply.asked if number == 1 else None,
                understood=reply.understood if number == 1 else "",
            )
        )
    return made


def person_request(
    question: str, user_id: str, permalink: str = "", *, usergroup_id: str = ""
) -> dict[str, Any]:
    """Return the payload that asks the people in their channel to answer somebody's question.

    The only mentions are the asker and the group on call; the fall-back text has none.
    """
    asked = inert_excerpt(question, _MAX_QUESTION, hosts=True) or gettext(_NO_WORDS)
    colleague = gettext(_COLLEAGUE)
    who = span(colleague)
    if _USER.fullmatch(user_id):
        who = {"type": "user", "user_id": user_id}
    first = spans_around(_WANTS_A_PERSON, "colleague", [who])
    if _USERGROUP.fullmatch(usergroup_id):
        first = [{"type": "usergroup", "usergroup_id": usergroup_id}, span(" "), *first]
    quoted = quote(elements(asked))
    sections = [section(first), quoted]
    if _PERMALINK.fullmatch(permalink):
        sections.append(section([link(permalink, gettext("Go to the conversation"))]))
    words = gettext(_WANTS_A_PERSON, colleague=colleague)
    return Reply(f"{words} {inert(asked)}").payload() | {"blocks": [rich_text(sections)]}


def escaped(text: str) -> str:
    """Escape the fall-back text, the one place where Slack still reads marks (Slack's own rule)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks(reply: Reply) -> list[dict[str, Any]]:
    """Return the Block Kit blocks of a reply; its buttons come below.

    The sources, the note, and each list or row have blocks of their own: clients leave room
    between blocks.
    """
    lead = span(reply.lead)
    if _CONVERSATION.fullmatch(reply.lead_link):
        lead = link(reply.lead_link, reply.lead)
    sections = [*_question(reply.asked), *_understood(reply.understood), section([lead])]
    if reply.pages and not reply.asks_back:
        sections.append(close_line(reply.pages[0]))
    made = [rich_text(group) for group in _apart(sections, reply.lines)]
    if reply.citations:
        made.append(rich_text(_sources(reply)))
    if reply.note:
        made.append(rich_text([section([span(reply.note)])]))
    return made


def _apart(above: list[dict[str, Any]], lines: Sequence[Line]) -> list[list[dict[str, Any]]]:
    """Group what stands above the lines and the lines; one of several rows is a group alone."""
    groups, goes_on = [above], True
    for line in lines:
        has_rows = "\n" in _with_rows(line.text)
        if has_rows or not goes_on:
            groups.append([])
        groups[-1].append(section(_line_elements(line)))
        goes_on = not has_rows
    return groups


def _sources(reply: Reply) -> list[dict[str, Any]]:
    """Return the sources, each with its quote below it, as far as there is room for quotes."""
    listed = [(citation.number, _source_line(citation)) for citation in reply.citations]
    room = _LARGEST_PART - sum(_size(_line_elements(line)) for line in reply.lines)
    room -= sum(_size(line) for _, line in listed)
    quotes = _quotes(reply)
    sections = [section([span(gettext("Sources"), bold=True)])]
    for number, line in listed:
        sections.append(section(line))
        quoted = quotes.get(number, [])
        if quoted and _size(quoted) <= room:
            room -= _size(quoted)
            sections.append(quote(quoted))
    return sections


def _quotes(reply: Reply) -> dict[int, list[dict[str, Any]]]:
    """Return the quotes that are shown below the sources, by the source's number."""
    quotes = ((citation.number, citation.quote) for citation in reply.citations)
    shown = shown_quotes(quotes, (line.text for line in reply.lines))
    return {number: elements(text) for number, text in shown.items()}


def _question(asked: Asked | None) -> list[dict[str, Any]]:
    """Return the question on one line, with a link to it."""
    if asked is None:
        return []
    shown = elements(inert_excerpt(asked.words, _MAX_ASKED, hosts=True) or gettext(_NO_WORDS))
    if _PERMALINK.fullmatch(asked.link):
        shown += [span(" "), link(asked.link, gettext("where you asked"))]
    return [quote(shown)]


def _understood(question: str) -> list[dict[str, Any]]:
    """Return the question as it was understood, on one line."""
    shown = inert_excerpt(question, _MAX_ASKED, hosts=True)
    return [section([span(f"{gettext(_YOU_ASKED)} "), *elements(shown)])] if shown else []


def _groups(reply: Reply) -> list[list[Line]]:
    """Group the lines so that each group fits a message with the sources that are new in it."""
    quotes = _quotes(reply)
    sources = {
        citation.number: _size(_source_line(citation)) + _size(quotes.get(citation.number, []))
        for citation in reply.citations
    }
    groups: list[list[Line]] = []
    size = 0
    for line in reply.lines:
        needed = _size(_line_elements(line)) + sum(
            sources.pop(number, 0) for number in line.citations
        )
        if not groups or len(groups[-1]) == _LINES_OF_PART or size + needed > _LARGEST_PART:
            groups.append([])
            size = 0
        groups[-1].append(line)
        size += needed
    return groups


def _size(elements: list[dict[str, Any]]) -> int:
    """Count characters as Slack's clients do: an emoji as two, and one for the end of the line."""
    return 1 + sum(len(str(element["text"]).encode("utf-16-le")) // 2 for element in elements)


def _line_elements(line: Line) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for piece, is_bold in _in_bold(f"{_with_rows(line.text)} ", line.bold):
        for element in elements(piece):
            is_plain = is_bold and "style" not in element
            made.append({**element, "style": {"bold": True}} if is_plain else element)
    return [*made, span(_numbers(line), code=True)]


def _with_rows(text: str) -> str:
    """Return the text with a line for each cell of a long row of a table."""
    return "\n".join(_one_row(line) for line in text.split("\n"))


def _one_row(line: str) -> str:
    """A cell without a name may only come first: it names the row."""
    cells = line.split("; ")
    is_long = len(cells) > _SHORT_ROW and all(_CELL.match(cell) for cell in cells[1:])
    return "\n".join(cells) if is_long else line


def _in_bold(text: str, bold: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Split a text where words of it are bold; an address is never split by it."""
    at = 0
    places = sorted((text.find(one), one) for one in bold)
    for start, one in places:
        if start >= at:
            if start > at:
                yield text[at:start], False
            yield one, True
            at = start + len(one)
    if at < len(text):
        yield text[at:], False


def _shown_bold(bold: Sequence[str], shown: str) -> tuple[str, ...]:
    """Return those words that stand in the text as it is shown, and cut no address in two."""
    given = dict.fromkeys(" ".join(one.split()) for one in bold)
    return tuple(one for one in given if one and one in shown and not _cuts_an_address(one, shown))


def _cuts_an_address(part: str, shown: str) -> bool:
    start = shown.find(part)
    whole = sum("style" in element for element in elements(shown))
    pieces = (shown[:start], part, shown[start + len(part) :])
    return whole != sum("style" in element for one in pieces for element in elements(one))


def _source_line(citation: Citation) -> list[dict[str, Any]]:
    name = citation.title + (f" › {citation.heading}" if citation.heading else "")
    linked = [link(citation.url, name)]
    if len(named := elements(name)) > 1 or "style" in named[0]:
        opened = link(citation.url, gettext(_OPEN))  # a link never reads as another address
        linked = [*named, *([span(" "), opened] if "url" in opened else [])]
    known = ", ".join(filter(None, (citation.source, _age(citation))))
    return [span(f"[{citation.number}] "), *linked, *elements(f" ({known})" if known else "")]


def _age(citation: Citation) -> str:
    return age_shown(citation.updated_at, citation.dating, datetime.now(UTC).date())


def _numbers(line: Line) -> str:
    return "".join(f"[{number}]" for number in line.citations)


def _citation(number: int, passage: Passage, quote: str) -> Citation:
    return Citation(
        number=number,
        title=inert_excerpt(passage.title, _MAX_NAME, hosts=True) or gettext(_UNTITLED),
        heading=inert_excerpt(passage.heading.rpartition(" > ")[2], _MAX_NAME, hosts=True),
        url=web_address(passage.url, passage.anchor),
        source=inert_excerpt(passage.source, _MAX_SOURCE, hosts=True),
        document=passage.document,
        quote=_quoted(quote, passage),
        updated_at=passage.updated_at.isoformat() if passage.updated_at else None,
        dating=dating_of(passage, datetime.now(UTC).date()),
    )


def _quoted(text: str, passage: Passage) -> str:
    """Make a sentence or a quote safe to show: only addresses of its passage, and no citations."""
    shown = without_look_alikes(text[: 10 * _MAX_SENTENCE])
    lines = (inert(line, passage=passage.text) for line in shown.split("\n"))
    return shortened("\n".join(line for line in lines if line), _MAX_SENTENCE)
