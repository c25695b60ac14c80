"""HTML: what a reader of the page sees, without what stands around it on every page."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lxml import etree  # type: ignore[import-untyped]

from workers.ingest.formats.document import (
    About,
    Block,
    Caption,
    Code,
    Heading,
    Item,
    Paragraph,
    Question,
    Quotation,
    Row,
    columns,
    is_said,
    one_line,
    shown,
    table,
    time_said,
)
from workers.ingest.formats.text import (
    bold,
    cell_text,
    decode,
    has_header,
    heading,
    note_mark,
    noted,
    questions,
    raised,
)

_DROPPED = frozenset(
    (
        "script style noscript template nav footer svg math iframe object embed canvas audio video"
        " map button select textarea datalist del s strike rp rt"
    ).split()
)
_ROLES = frozenset(
    "navigation banner contentinfo search menu menubar toolbar dialog alertdialog tablist".split()
)
_BLOCKS = frozenset(
    (
        "address article aside blockquote body caption center dd details dialog div dl dt fieldset"
        " figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main ol p pre"
        " section summary table tbody td tfoot th thead title tr ul"
    ).split()
)
TAGS = (
    _BLOCKS
    | _DROPPED
    | frozenset(
        (
            "a abbr acronym b base basefont bdi bdo big br cite code col colgroup data dfn em font"
            " frame frameset head hgroup i img input ins kbd label link mark meta meter optgroup"
            " option output param picture progress q rb rtc ruby samp search slot small source span"
            " strong sub sup time track tt u var wbr"
        ).split()
    )
)
"""The elements of HTML; anything else between angle brackets may be a placeholder."""
_INVISIBLE = re.compile(r"(?i)display\s*:\s*none|visibility\s*:\s*hidden")
_CHANGED = frozenset(("article:modified_time", "last-modified", "dcterms.modified", "date"))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CELLS = ("td", "th")
_BOLD = ("b", "strong")

_WHERE = (
    r"site|page|main|global|top|bottom|left|right|header|head|wiki|app|docs?|md|bd|side|mobile|user"
    r"|primary|secondary|local|floating|sticky|article|post|blog|section|quick|js|c|l|m|o|u"
)
_AROUND = (
    r"cookies?|consent|gdpr|ccpa|nav|navbar|navigation|navi|menu|submenu|menubar|sidebar|sidenav"
    r"|breadcrumbs?|footer|skip|skip-?links?|skip-?nav|toc|table-of-contents|share|sharing|social"
    r"|related|pagination|pager|newsletter|subscribe|popup|paywall|advert|advertisement|ads?"
    r"|sponsored|promo|comments?|comment-list|disqus|toolbar|masthead|topbar|search-?box"
    r"|search-?form|login-?form|feedback-?widget|back-to-top|edit-?page|print-?hide|no-?print"
)
_PART = (
    r"banner|bar|notice|consent|popup|list|links?|menu|wrapper|wrap|container|inner|content|items?"
    r"|left|right|top|bottom|main|primary|secondary|box|block|widget|panel|overlay|modal|dialog"
    r"|section|area|nav|navigation|buttons?|thread|column|col|footer|header|\d+"
)
_BOILERPLATE = re.compile(
    rf"(?i)(?:(?:{_WHERE})[-_]{{1,2}})*(?:{_AROUND})(?:[-_]{{1,2}}(?:{_PART}))*"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT_AROUND = ("html", "body", "main", "article", "td", "th", "tr", "table", "tbody", "h1", "pre")
_CHARSET = re.compile(rb"(?i)(?:charset|encoding)\s*=\s*[\"']?\s*([a-z0-9_.:-]{2,40})")
_NOTE_CLASS = re.compile(r"(?i)foot-?note|fn\b|noteref|cite_ref|reference")
_NOTE_TARGET = re.compile(
    r"(?i)#(?:user-content-)?(?:fn(?!ref)|foot-?note(?!-?ref)|cite_note|endnote(?!-?ref))[-_:]?\w*\d"
)
_BACK = re.compile(r"^[\s^↑↩︎⏎\d.)\]\[*†‡]+|[\s↩︎⏎^↑]+$")
_MOST_TABLES = 20
"""Tables in tables, of which the innermost still counts as one."""


def read_html(content: bytes, about: About) -> Iterator[Block]:
    """libxml2 mends the tags and tells them one by one: no tree, so no depth is too deep.

    Parts that are named as menus, banners and the like are left out, unless they are the page.
    """
    text = _decoded(content)
    page = _parsed(text)
    if page.dropped > 3 * page.letters + 200:
        page = _parsed(text, keeps_all=True)
    about.titles += [page.title, page.first_heading]
    about.updated_at = page.updated_at
    yield from page.found()


def html_blocks(text: str) -> Iterator[Block]:
    """A piece of HTML within another format."""
    yield from _parsed(text, keeps_all=True).found()


def _parsed(text: str, *, keeps_all: bool = False) -> "_Page":
    page = _Page(keeps_all=keeps_all)
    parser = etree.HTMLParser(target=page, encoding="utf-8", no_network=True, huge_tree=False)
    parser.feed(text.encode())
    parser.close()
    return page


def _decoded(content: bytes) -> str:
    said = _CHARSET.search(content[:4096])
    return decode(content, said[1].decode("ascii") if said else "")


@dataclass(slots=True)
class _Flow:
    """Blocks of the page, or of a cell, with the text that is being read."""

    blocks: list[Block] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    bold: int = 0
    letters: int = 0


@dataclass(slots=True)
class _List:
    kind: str
    """ul, ol, or dl."""
    number: int = 1
    style: str = "1"


class _Page:
    """A target of lxml's parser: every `start` has its `end`, in order."""

    def __init__(self, *, keeps_all: bool) -> None:
        self.title = self.first_heading = ""
        self.updated_at: datetime | None = None
        self.letters = self.dropped = 0
        self._keeps_all = keeps_all
        self._flows = [_Flow()]
        self._skipped = 0  # open elements from the dropped one on
        self._is_around = False  # dropped for its name alone
        self._open: Counter[str] = Counter()
        self._lists: list[_List] = []
        self._mark = ""
        self._tables: list[_Grid] = []
        self._raised: list[tuple[int, bool]] = []
        self._links: list[tuple[int, str]] = []
        self._terms: list[str] = []
        self._id = ""
        self._note = ""
        self._notes: dict[str, str] = {}
        self._noted: list[bool] = []
        self._language = ""
        self._level = 0  # of the last heading
        self._main: list[Block] | None = None
        self._main_start = 0

    # -- the parser's calls ---------------------------------------------------------------------

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._skipped or self._is_dropped(tag, attributes):
            self._skipped += 1
            return
        if tag in _BLOCKS:
            self._flush()
        self._open[tag] += 1
        if tag == "table":
            self._tables.append(_Grid(attributes))
        if len(self._tables) <= _MOST_TABLES and self._tables and tag in _CELLS:
            self._tables[-1].start_cell(tag, attributes)
            self._flows.append(_Flow())
        elif tag == "tr" and self._tables:
            self._tables[-1].start_row(self._open["thead"] > 0)
        self._note_place(tag, attributes)
        opened = getattr(self, f"_start_{tag}", None)
        if opened:
            opened(attributes)

    def end(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        if tag in _BLOCKS:
            self._flush(tag)
        closed = getattr(self, f"_end_{tag}", None)
        if closed:
            closed()
        if (
            self._noted
            and tag in ("li", "div", "p", "aside", "section", "dd")
            and self._noted.pop()
        ):
            self._note = ""
        self._open[tag] -= 1

    def data(self, text: str) -> None:
        count = sum(map(str.isalnum, text))
        if self._skipped:
            self.dropped += count if self._is_around else 0
            return
        flow = self._flows[-1]
        if self._open["title"]:
            flow.text.append(text)
            return
        self.letters += count
        flow.letters += count
        flow.bold += count if any(self._open[one] for one in _BOLD) else 0
        flow.text.append(text if self._open["pre"] else re.sub(r"[^\S\xa0]+|\xa0", " ", text))

    def close(self) -> None:
        self._flush()
        while len(self._flows) > 1:  # cells that were never closed
            flow = self._flows.pop()
            self._flows[-1].blocks.extend(flow.blocks)

    def found(self) -> Iterator[Block]:
        """The blocks of the main part, if the page says which that is; else all, with footnotes."""
        blocks = self._flows[0].blocks
        if self._main and sum(map(_size, self._main)) * 4 > sum(map(_size, blocks)):
            blocks = self._main
        yield from noted(blocks, self._notes)

    # -- what is left out -----------------------------------------------------------------------

    def _is_dropped(self, tag: str, attributes: Mapping[str, str]) -> bool:
        self._is_around = False
        in_page = self._open["main"] or self._open["article"] or self._open["section"]
        role = attributes.get("role", "").lower()
        is_panel = role == "tabpanel" or "tab-pane" in attributes.get("class", "")
        if (
            (tag in _DROPPED and not (tag == "footer" and in_page))
            or (tag == "header" and not in_page)
            or role in _ROLES
        ):
            return True
        if not is_panel and (
            "hidden" in attributes
            or attributes.get("aria-hidden", "").lower() == "true"
            or bool(_INVISIBLE.search(attributes.get("style", "")))
        ):
            return True
        if self._keeps_all or tag in _NOT_AROUND:
            return False
        named = f"{attributes.get('class', '')} {attributes.get('id', '')}"
        if (tag == "aside" and not in_page) or any(
            _BOILERPLATE.fullmatch(_CAMEL.sub("-", name)) for name in named.split()[:12]
        ):
            self._is_around = True
            return True
        return False

    def _note_place(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Where a link can lead to: the nearest id. And whether this is the text of a footnote."""
        name = attributes.get("id") or (attributes.get("name", "") if tag == "a" else "")
        if name and (tag in _HEADINGS or tag in ("a", "section", "div", "article", "span")):
            self._id = name.strip()[:200]
        if tag in ("li", "div", "p", "aside", "section", "dd"):
            is_note = bool(name and not self._note and _NOTE_TARGET.match("#" + name))
            self._noted.append(is_note)
            if is_note:
                self._note = name

    # -- elements -------------------------------------------------------------------------------

    def _start_br(self, _attributes: Mapping[str, str]) -> None:
        self._flows[-1].text.append("\n")

    def _start_meta(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get("property") or attributes.get("name") or ""
        if name.lower() in _CHANGED:
            self.updated_at = self.updated_at or time_said(attributes.get("content", ""))

    def _start_img(self, attributes: Mapping[str, str]) -> None:
        words = one_line(attributes.get("alt", ""))
        flow = self._flows[-1]
        if not is_said(words) or re.fullmatch(r"[\w-]+\.\w{3,4}", words):
            return
        if "".join(flow.text).strip():
            flow.text.append(f" [{words}] ")
        else:
            flow.blocks.append(Caption(words))

    def _start_ul(self, _attributes: Mapping[str, str]) -> None:
        self._lists.append(_List("ul"))

    def _start_ol(self, attributes: Mapping[str, str]) -> None:
        self._lists.append(
            _List("ol", _number(attributes.get("start"), 1), attributes.get("type", "1"))
        )

    def _end_ul(self) -> None:
        if self._lists:
            self._lists.pop()

    _end_ol = _end_ul

    def _start_li(self, attributes: Mapping[str, str]) -> None:
        self._mark = "-"
        if self._lists and self._lists[-1].kind == "ol":
            listed = self._lists[-1]
            listed.number = _number(attributes.get("value"), listed.number)
            self._mark = _numeral(listed.number, listed.style) + "."
            listed.number += 1

    def _end_li(self) -> None:
        self._mark = ""

    def _start_sup(self, attributes: Mapping[str, str]) -> None:
        is_note = bool(_NOTE_CLASS.search(attributes.get("class", "")))
        self._raised.append((len(self._flows[-1].text), is_note or self._open["a"] > 0))

    def _end_sup(self) -> None:
        if not self._raised:
            return
        (start, is_note), flow = self._raised.pop(), self._flows[-1]
        text, before = "".join(flow.text[start:]), "".join(flow.text[:start])
        if "\x02" in text:
            return
        plain = text.strip().strip("[]()")
        if plain and (is_note or (not before.strip() and plain.isdigit())):
            flow.text[start:] = [note_mark(plain)]
        else:
            flow.text[start:] = [_raised_later(text, before)]

    def _start_a(self, attributes: Mapping[str, str]) -> None:
        target = attributes.get("href", "")
        is_note = not self._note and _NOTE_TARGET.match(target)
        self._links.append((len(self._flows[-1].text), target[1:80] if is_note else ""))

    def _end_a(self) -> None:
        start, note = self._links.pop() if self._links else (0, "")
        if note:
            self._flows[-1].text[start:] = [note_mark(note)]

    def _start_pre(self, attributes: Mapping[str, str]) -> None:
        self._language = _language(attributes)

    def _start_code(self, attributes: Mapping[str, str]) -> None:
        self._language = self._language or _language(attributes)

    def _start_dl(self, _attributes: Mapping[str, str]) -> None:
        self._lists.append(_List("dl"))

    _end_dl = _end_ul

    def _start_dd(self, _attributes: Mapping[str, str]) -> None:
        self._flows.append(_Flow())

    def _end_dd(self) -> None:
        if len(self._flows) < 2:
            return
        flow = self._flows.pop()
        terms, self._terms = ", ".join(self._terms), []
        here = self._flows[-1].blocks
        if terms and len(flow.blocks) == 1 and isinstance(flow.blocks[0], Paragraph):
            here.append(Row((terms, one_line(flow.blocks[0].text))))
            return
        if terms:
            here.append(Paragraph(terms + ":"))
        here.extend(flow.blocks)

    def _end_td(self) -> None:
        if self._tables and self._tables[-1].is_in_cell and len(self._flows) > 1:
            self._tables[-1].end_cell(self._flows.pop().blocks)

    _end_th = _end_td

    def _end_table(self) -> None:
        if self._tables:
            self._flows[-1].blocks.extend(self._tables.pop().blocks())

    def _end_main(self) -> None:
        if len(self._flows) == 1 and self._main is None and self._open["main"] == 1:
            self._main = self._flows[0].blocks[self._main_start :]

    def _start_main(self, _attributes: Mapping[str, str]) -> None:
        if self._open["main"] == 1:
            self._main_start = len(self._flows[0].blocks)

    # -- text to blocks -------------------------------------------------------------------------

    def _flush(self, closing: str = "") -> None:
        flow = self._flows[-1]
        text = "".join(flow.text)
        is_bold = flow.letters > 0 and flow.bold == flow.letters
        flow.text, flow.bold, flow.letters = [], 0, 0
        if not text.strip():
            return
        if self._open["title"]:
            self.title = self.title or text
        elif self._note:
            note = f"{self._notes.get(self._note, '')} {_BACK.sub('', ' '.join(text.split()))}"
            self._notes[self._note] = note.strip()
        else:
            flow.blocks.extend(self._blocks(text, closing, is_bold=is_bold))

    def _blocks(self, text: str, closing: str, *, is_bold: bool) -> Sequence[Block]:
        level = next((level for tag, level in _HEADINGS.items() if self._open[tag]), 0)
        if level:
            self.first_heading = self.first_heading or (text if level == 1 else "")
            self._level = level
            found = heading(text, level, anchor=self._id)
            self._id = ""
            return [found]
        return self._named(text) or self._running(text, closing, is_bold=is_bold)

    def _named(self, text: str) -> Sequence[Block] | None:
        """Of text whose element says what it is; None if it only runs on."""
        if self._open["pre"]:
            language, self._language = self._language, ""
            return [Code(text, language)]
        if self._open["summary"]:
            return [Question(text)]
        if self._open["figcaption"] or self._open["legend"]:
            return [Caption(text)]
        return None

    def _running(self, text: str, closing: str, *, is_bold: bool) -> Sequence[Block]:
        if self._open["dt"]:
            self._terms.append(one_line(text).rstrip(":"))
            return []
        if self._open["caption"] and self._tables:
            self._tables[-1].caption = one_line(text)
            return []
        if self._mark:
            mark, self._mark = self._mark, ""
            depth = max(sum(one.kind != "dl" for one in self._lists) - 1, 0)
            return [Item(text, depth, mark)]
        if (
            self._open["li"]
            and self._flows[-1].blocks
            and isinstance(last := self._flows[-1].blocks[-1], Item)
            and not self._open["blockquote"]
            and closing in ("p", "div", "li")
        ):
            self._flows[-1].blocks[-1] = replace(last, text=f"{last.text}\n{text}")
            return []
        if self._open["blockquote"]:
            return [Quotation(text)]
        if is_bold and not self._tables:
            return [bold(text, self._level)]
        return questions(text)


def _size(block: Block) -> int:
    return len(shown(block))


def _number(value: str | None, otherwise: int) -> int:
    return int(value) if value and re.fullmatch(r"-?\d{1,6}", value.strip()) else otherwise


def _numeral(number: int, style: str) -> str:
    if style.lower() == "a" and 0 < number <= 26:
        return chr(ord(style) + number - 1)
    if style.lower() == "i" and 0 < number < 40:
        roman = "x" * (number // 10) + (
            "", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"
        )[number % 10]  # fmt: skip
        return roman if style == "i" else roman.upper()
    return str(number)


def _language(attributes: Mapping[str, str]) -> str:
    found = re.search(
        r"(?:language|lang|brush:|highlight-source)[-: ]+([\w+#-]{1,30})",
        attributes.get("class", ""),
    )
    return found[1] if found else ""


def _raised_later(text: str, before: str) -> str:
    """A raised figure; whether the page has a note of this name is only known at its end."""
    shown_at_once = raised(text, before, None)
    plain = text.strip().strip("[]()")
    if plain.isdigit() and shown_at_once.startswith("["):
        return note_mark(plain)
    return shown_at_once


class _Grid:
    """A table: its rows if it holds data; the blocks of its cells if it only lays out a page."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        self.caption = ""
        self.is_in_cell = False
        self._rows: list[list[str]] = []
        self._flows: list[list[Block]] = []
        self._names: list[bool] = []
        """Of each row: whether all its cells are headings."""
        self._is_layout = attributes.get("role", "") in ("presentation", "none")
        self._size = (1, 1)
        self._is_name = self._in_head = False
        self._repeated: dict[int, tuple[int, str]] = {}

    def start_row(self, in_head: bool) -> None:
        if self._rows:
            self._repeat()
        self._rows.append([])
        self._names.append(True)
        self._in_head = in_head

    def start_cell(self, tag: str, attributes: Mapping[str, str]) -> None:
        if not self._rows:
            self.start_row(False)
        self.is_in_cell = True
        self._is_name = tag == "th" or self._in_head
        self._size = columns(attributes.get("rowspan")), columns(attributes.get("colspan"))

    def end_cell(self, blocks: list[Block]) -> None:
        self.is_in_cell = False
        self._repeat()
        (rows, width), text = self._size, cell_text(blocks)
        self._flows.append(blocks)
        row = self._rows[-1]
        self._names[-1] = self._names[-1] and self._is_name
        for at in range(width):
            said = text if at == 0 or self._is_name else ""
            if rows > 1:
                self._repeated[len(row)] = rows - 1, said
            row.append(said)

    def _repeat(self) -> None:
        """A cell over several rows is repeated, so that each row says it all."""
        row = self._rows[-1]
        while len(row) in self._repeated:
            left, text = self._repeated.pop(len(row))
            if left > 1:
                self._repeated[len(row)] = left - 1, text
            row.append(text)

    def blocks(self) -> list[Block]:
        if self._rows:
            self._repeat()
        if self._lays_out():
            return [block for flow in self._flows for block in flow]
        rows = [row for row in self._rows if any(row)]
        names = [name for name, row in zip(self._names, self._rows, strict=True) if any(row)]
        header = 0
        while header < len(names) - 1 and names[header]:
            header += 1
        if not header and has_header(rows):
            header = 1
        return list(table(rows, header=header, caption=self.caption))

    def _lays_out(self) -> bool:
        if self._is_layout or max(map(len, self._rows), default=0) < 2:
            return True
        if any(self._names):
            return False
        return any(
            isinstance(block, Heading | Row | Code) or (isinstance(block, Item) and len(flow) > 8)
            for flow in self._flows
            for block in flow
        )
