"""HTML: what a reader of the page sees, without what stands around it on every page."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lxml import etree  # type: ignore[import-untyped]

from workers.ingest.formats.around import (
    MAIN,
    gives_consent,
    is_about_cookies,
    is_around,
    is_note,
    is_unseen,
    kind_of,
    language_in,
    opens,
)
from workers.ingest.formats.document import (
    About,
    Block,
    Caption,
    Code,
    Item,
    Paragraph,
    Question,
    Quotation,
    Row,
    is_said,
    one_line,
    shown,
    squeezed,
    time_said,
)
from workers.ingest.formats.html_table import Grid, upwards
from workers.ingest.formats.numerals import numeral
from workers.ingest.formats.text import (
    bold,
    decode,
    heading,
    note_mark,
    noted,
    questions,
    raised_later,
    typed_items,
)

_DROPPED = frozenset(
    (
        "script style noscript template nav footer svg annotation iframe object embed canvas audio"
        " video map button select textarea datalist del s strike rp rt"
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
_CHANGED = frozenset(("article:modified_time", "last-modified", "dcterms.modified", "date"))
_JOINTS = {"mfrac": "/", "msup": "^"}
_PERMALINK = re.compile(
    r"(?:^|\s)(?:headerlink|hash-link|header-?anchor|anchor-?link|heading-?link)(?:\s|$)"
)
_HEADING_MARKS = re.compile(r"\A\s{0,9}[#¶]\s{0,9}(?=\S)|\s{0,3}[¶🔗]\s{0,9}\Z")
_TITLE_BUTTON = re.compile(r"(?i)accordion|collapsible|\bfaq")
_PANEL = re.compile(r"(?:^|\s)(?:tab-pane|tabbed-block|tab-panel|tabpanel)(?:\s|$)")
_LIST_STYLE = re.compile(r"(?i)list-style(?:-type)?\s*:\s*([a-z-]{1,20})")
_LIST_STYLES = {
    "lower-alpha": "a", "lower-latin": "a", "upper-alpha": "A", "upper-latin": "A",
    "lower-roman": "i", "upper-roman": "I", "none": "", "disc": "", "circle": "", "square": "",
}  # fmt: skip
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_CELLS = ("td", "th")
_BOLD = ("b", "strong")

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
    step: int = 1
    items: int = 0


@dataclass(slots=True)
class _Formula:
    depth: int
    tag: str
    parts: int = 0


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
        self._tables: list[Grid] = []
        self._raised: list[tuple[int, bool]] = []
        self._links: list[tuple[int, str]] = []
        self._terms: list[str] = []
        self._has_meaning = False
        self._id = ""
        self._note = ""
        self._notes: dict[str, str] = {}
        self._noted: list[bool] = []
        self._language = ""
        self._level = 0  # of the last heading
        self._main: list[Block] | None = None
        self._mains: list[tuple[int, int]] = []  # open parts that are the main one: depth, start
        self._depth = 0
        self._tabs: list[str] = []
        self._panels: list[tuple[int, _Flow, int, str]] = []
        self._button: list[str] | None = None
        self._reads_tabs = False
        self._formulas: list[_Formula] = []

    # -- the parser's calls ---------------------------------------------------------------------

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._skipped or self._is_dropped(tag, attributes):
            self._start_dropped(tag, attributes)
            return
        self._depth += 1
        if self._formulas and self._formulas[-1].depth == self._depth - 1:
            self._between_parts()
        if tag in _JOINTS:
            self._formulas.append(_Formula(self._depth, tag))
        if tag in _BLOCKS:
            self._flush()
        self._note_part(tag, attributes)
        self._open[tag] += 1
        if tag == "table":
            self._tables.append(Grid(attributes))
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
            if not self._skipped:
                self._end_dropped()
            return
        if tag in _BLOCKS:
            self._flush(tag)
        self._end_part()
        if self._formulas and self._formulas[-1].depth == self._depth:
            self._formulas.pop()
        self._depth -= 1
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
            if self._reads_tabs and self._tabs:
                self._tabs[-1] += text
            elif self._button is not None:
                self._button.append(text)
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
        if tag == "button" and self._opens_text(attributes):
            return False
        in_page = self._open["main"] or self._open["article"] or self._open["section"]
        role = attributes.get("role", "").lower()
        if (
            (tag in _DROPPED and not (tag == "footer" and in_page))
            or (tag == "header" and not in_page)
            or role in _ROLES
        ):
            return True
        if is_unseen(tag, attributes):
            return True
        names = attributes.get("class", "")
        if "tabbed-labels" in names or (tag == "a" and _PERMALINK.search(names)):
            return True
        if self._keeps_all or tag in _NOT_AROUND:
            return False
        if is_note(attributes):
            return False
        named = f"{attributes.get('class', '')} {attributes.get('id', '')}"
        if not opens(attributes) and ((tag == "aside" and not in_page) or is_around(named)):
            self._is_around = True
            return True
        return False

    def _opens_text(self, attributes: Mapping[str, str]) -> bool:
        """Whether a button is the title of the text that it opens, such as a question."""
        in_heading = any(self._open[tag] for tag in _HEADINGS)
        return in_heading or bool(_TITLE_BUTTON.search(attributes.get("class", "")[:500]))

    def _start_button(self, _attributes: Mapping[str, str]) -> None:
        if not any(self._open[tag] for tag in _HEADINGS):
            self._flush()

    def _end_button(self) -> None:
        flow = self._flows[-1]
        if not any(self._open[tag] for tag in _HEADINGS):
            flow.bold = flow.letters
            self._flush()

    def _start_dropped(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Of what is left out, the titles of tabs and the words of buttons are of use."""
        if not self._skipped:
            names = attributes.get("class", "")
            self._reads_tabs = attributes.get("role") == "tablist" or "tabbed-labels" in names
            self._tabs = [] if self._reads_tabs else self._tabs
            self._button = [] if tag == "button" else None
        elif (
            self._reads_tabs
            and (attributes.get("role") == "tab" or tag in ("li", "label", "a"))
            and (not self._tabs or self._tabs[-1].strip())
        ):
            self._tabs.append("")
        self._skipped += 1

    def _end_dropped(self) -> None:
        label, self._button = "".join(self._button or ()), None
        if gives_consent(label):
            self._flush()
            drop_consent(self._flows[-1].blocks)

    def _note_part(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Whether it is the main part of the page, or what a tab opens."""
        name = attributes.get("id", "").lower()
        if len(self._flows) == 1 and (
            tag == "main" or attributes.get("role") == "main" or name in MAIN
        ):
            self._mains.append((self._depth, len(self._flows[0].blocks)))
        is_panel = attributes.get("role") == "tabpanel" or bool(
            _PANEL.search(attributes.get("class", ""))
        )
        if is_panel and self._tabs:
            flow = self._flows[-1]
            label = one_line(self._tabs.pop(0))
            self._panels.append((self._depth, flow, len(flow.blocks), label))

    def _between_parts(self) -> None:
        """Of a fraction or a power in a formula: what stands between its two parts."""
        formula = self._formulas[-1]
        formula.parts += 1
        if formula.parts == 2:
            self._flows[-1].text.append(_JOINTS[formula.tag])

    def _end_part(self) -> None:
        if self._mains and self._mains[-1][0] == self._depth:
            _, start = self._mains.pop()
            self._main = self._main or self._flows[0].blocks[start:]  # the innermost
        if self._panels and self._panels[-1][0] == self._depth:
            _, flow, start, label = self._panels.pop()
            first = flow.blocks[start] if start < len(flow.blocks) else None
            if label and isinstance(first, Paragraph):
                flow.blocks[start] = replace(first, text=f"{label}: {first.text}")
            elif label and first:
                flow.blocks.insert(start, Paragraph(f"{label}:"))

    def _note_place(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Where a link can lead to: the nearest id. And whether this is the text of a footnote."""
        name = attributes.get("id") or (attributes.get("name", "") if tag == "a" else "")
        if name and (tag in _HEADINGS or tag in ("a", "section", "div", "article", "span")):
            self._id = name.strip()[:200]
        if tag in ("li", "div", "p", "aside", "section", "dd"):
            is_target = _NOTE_TARGET.match("#" + name) or is_note(attributes)
            begins = bool(name and not self._note and is_target)
            self._noted.append(begins)
            if begins:
                self._note = name

    # -- elements -------------------------------------------------------------------------------

    def _start_br(self, _attributes: Mapping[str, str]) -> None:
        flow = self._flows[-1]
        asks = 0 < flow.letters == flow.bold and "".join(flow.text).rstrip().endswith("?")
        if asks and not self._mark and not self._open["li"]:
            self._flush()  # its answer follows
        else:
            flow.text.append("\n")

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
        found = _LIST_STYLE.search(attributes.get("style", ""))
        style = attributes.get("type") or _LIST_STYLES.get(found[1].lower() if found else "", "1")
        is_reversed = "reversed" in attributes
        start = _number(attributes.get("start"), 0 if is_reversed else 1)
        self._lists.append(_List("ol", start, style, -1 if is_reversed else 1))

    def _end_ul(self) -> None:
        if self._lists:
            self._lists.pop()

    def _end_ol(self) -> None:
        listed = self._lists.pop() if self._lists else None
        if listed and listed.step < 0 and listed.items and listed.number == -listed.items:
            upwards(self._flows[-1].blocks, listed.items)  # it ends with 1

    def _start_li(self, attributes: Mapping[str, str]) -> None:
        self._mark = "-"
        if self._lists and self._lists[-1].kind == "ol":
            listed = self._lists[-1]
            listed.number = _number(attributes.get("value"), listed.number)
            self._mark = numeral(listed.number, listed.style) + "." if listed.style else "-"
            listed.number += listed.step
            listed.items += 1

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
            flow.text[start:] = [raised_later(text, before)]

    def _start_a(self, attributes: Mapping[str, str]) -> None:
        target = attributes.get("href", "")
        is_named = "noteref" in kind_of(attributes) and target.startswith("#")
        is_note = not self._note and (is_named or _NOTE_TARGET.match(target))
        self._links.append((len(self._flows[-1].text), target[1:80] if is_note else ""))

    def _end_a(self) -> None:
        start, note = self._links.pop() if self._links else (0, "")
        if note:
            self._flows[-1].text[start:] = [note_mark(note)]

    def _start_pre(self, attributes: Mapping[str, str]) -> None:
        self._language = language_in(attributes)

    def _start_code(self, attributes: Mapping[str, str]) -> None:
        self._language = self._language or language_in(attributes)

    def _start_dl(self, _attributes: Mapping[str, str]) -> None:
        self._lists.append(_List("dl"))

    _end_dl = _end_ul

    def _start_dd(self, _attributes: Mapping[str, str]) -> None:
        self._flows.append(_Flow())

    def _end_dd(self) -> None:
        if len(self._flows) < 2:
            return
        flow = self._flows.pop()
        self._has_meaning = True
        terms = ", ".join(self._terms)
        here = self._flows[-1].blocks
        if terms and flow.blocks and isinstance(flow.blocks[0], Paragraph):
            here.append(Row((terms, squeezed(flow.blocks.pop(0).text))))
        elif terms:
            here.append(Paragraph(terms + ":"))
        here.extend(flow.blocks)

    def _end_td(self) -> None:
        if self._tables and self._tables[-1].is_in_cell and len(self._flows) > 1:
            self._tables[-1].end_cell(self._flows.pop().blocks)

    _end_th = _end_td

    def _end_table(self) -> None:
        if self._tables:
            self._flows[-1].blocks.extend(self._tables.pop().blocks())

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
            found = heading(_HEADING_MARKS.sub("", text), level, anchor=self._id)
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
            self._terms = [] if self._has_meaning else self._terms
            self._has_meaning = False
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
        return typed_items(text) or questions(text)


def _size(block: Block) -> int:
    return len(shown(block))


def _number(value: str | None, otherwise: int) -> int:
    return int(value) if value and re.fullmatch(r"-?\d{1,6}", value.strip()) else otherwise


def drop_consent(blocks: list[Block]) -> None:
    """Take away what stands above a button that accepts cookies, if it is about them."""
    for back in range(1, min(4, len(blocks)) + 1):
        if is_about_cookies(shown(blocks[-back])):
            del blocks[-back:]
            return
