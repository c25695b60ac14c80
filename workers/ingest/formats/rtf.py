"""Rich Text Format, as its letters look: headings by their style, lists, tables, footnotes.

striprtf gives the letters alone: 10 with a raised 6 is 106 there, and each paragraph of a cell is
a line between the others.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from workers.ingest.formats.document import (
    OTHER_FORMAT,
    TOO_DEEP,
    About,
    Block,
    Caption,
    Code,
    DocumentUnreadable,
    Heading,
    Item,
    Paragraph,
    Quotation,
    in_utc,
    one_line,
    table,
    time_said,
)
from workers.ingest.formats.docx import kind_by_name
from workers.ingest.formats.rtf_tokens import Fonts, Token, Tokens
from workers.ingest.formats.running import lays_out, said_once, tabbed
from workers.ingest.formats.text import (
    bold,
    cell_text,
    has_notes,
    heading,
    note_mark,
    noted,
    questions,
    raised_later,
    table_of,
    typed_items,
)

_STYLE = re.compile(r"\{\\s(\d{1,4})\b([^{};]{0,500});?\}")
_OUTLINE = re.compile(r"\\outlinelevel(\d)")
_CONTROL = re.compile(r"\\[a-zA-Z]{1,32}-?\d{0,10} ?")
_PROPERTY = re.compile(r"\{\\(title|revtim)\b ?((?:[^{}\\]|\\[^{}])*)\}")
_NO_TIME = {"yr": 0, "mo": 0, "dy": 0, "hr": 0, "min": 0}
_TIME = re.compile(r"\\(yr|mo|dy|hr|min)(\d{1,4})")
_SHEETS = 300_000
"""Letters at the beginning in which a sheet of styles is looked for."""
_DEEPEST = 1_000
_BULLET = "•·▪◦‣–-*o§\uf0b7●■□➢✓→"
_SKIPPED = frozenset(
    "fonttbl colortbl stylesheet info pict object generator themedata datastore listtable"
    " listoverridetable rsidtbl xmlnstbl fldinst bkmkstart bkmkend sp shprslt pn nonshppict tc xe"
    " datafield mmathPr background revtbl ftnsep ftnsepc aftnsep aftnsepc annotation atnid"
    " atnauthor atntime atnref atndate pgptbl latentstyles filetbl upr private wgrffmtfilter"
    " colorschememapping defchp defpap".split()
)
_HEADERS = ("header", "headerl", "headerr", "headerf")
_FOOTERS = ("footer", "footerl", "footerr", "footerf")
_READ = frozenset(("shpinst", "shptxt", "do", "dptxbxtext", "ud"))
"""Destinations that old programs may skip, whose text is seen all the same."""
_LETTERS = {
    "tab": "\t", "line": "\n", "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’",
    "ldblquote": "“", "rdblquote": "”", "bullet": "•", "~": " ", "_": "-", "emspace": " ",
    "enspace": " ", "qmspace": " ", "lbr": "\n",
}  # fmt: skip


def read_rtf(content: bytes, about: About) -> Iterator[Block]:
    """As it looks with all changes accepted; a footnote is where its mark stands."""
    if not content.lstrip()[:5] == b"{\\rtf":
        raise DocumentUnreadable(OTHER_FORMAT)
    source = content.decode("latin-1")
    _note_properties(source, about)
    reader = _Reader(source)
    reader.read()
    about.titles.append(reader.title)
    headers, footers = (
        [Paragraph(text) for text in said_once(reader.around(names))]
        for names in (_HEADERS, _FOOTERS)
    )
    yield from noted([*headers, *tabbed(reader.blocks()), *footers], reader.notes)


def _note_properties(source: str, about: About) -> None:
    for found in _PROPERTY.finditer(source[:100_000]):
        if found[1] == "title":
            reader = _Reader("{" + found[2] + "\\par}", Fonts.of(source))
            reader.read()
            about.titles.append(cell_text(reader.blocks()))
        else:
            at = {name: int(number) for name, number in _TIME.findall(found[2])}
            said = "{yr:04}-{mo:02}-{dy:02}T{hr:02}:{min:02}".format_map(_NO_TIME | at)
            about.updated_at = in_utc(time_said(said))


def _styles(source: str) -> Mapping[int, tuple[str, int]]:
    """What paragraphs of a style are, by its number: as `kind_by_name`."""
    found: dict[int, tuple[str, int]] = {}
    start = source.find("{\\stylesheet")
    for style in _STYLE.finditer(source, max(start, 0), max(start, 0) + _SHEETS):
        name = _CONTROL.sub("", style[2]).strip().lower()
        outline = _OUTLINE.search(style[2])
        kind = kind_by_name(name)
        if kind is None and outline and int(outline[1]) < 6:
            kind = "heading", int(outline[1]) + 1
        if kind:
            found[int(style[1])] = ("title", 1) if name == "title" else kind
    return found


@dataclass(frozen=True, slots=True)
class _Look:
    """How the letters of a group look; a group within it begins alike."""

    is_bold: bool = False
    is_hidden: bool = False
    """Or struck out, or deleted."""
    is_raised: bool = False
    is_skipped: bool = False
    """Nobody sees it."""
    font: int = 0
    skipped: int = 1


@dataclass(slots=True)
class _Paragraph:
    parts: list[tuple[str, bool]] = field(default_factory=list)
    """Letters, and whether they are raised."""
    letters: int = 0
    bold: int = 0
    mark: str = ""
    """Of a list, as it is written before the text."""

    def text(self) -> str:
        """With marks of notes and powers where letters are raised."""
        text = held = ""
        for part, is_raised in [*self.parts, ("", False)]:
            if is_raised:
                held += part
                continue
            if held:
                text += raised_later(_joined(held), text)
                held = ""
            text += part
        return _joined(text).strip()


def _joined(text: str) -> str:
    """Two halves of a letter as one: RTF writes an emoji as two numbers."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@dataclass(slots=True)
class _RowLook:
    """What the definition of a row says of its cells."""

    is_header: bool = False
    below: list[bool] = field(default_factory=list)
    """Of each cell: whether it goes on from the row above."""
    is_below: bool = False


class _Story:
    """Blocks of the body, of a note or of a header."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.paragraph = _Paragraph()
        self.row = _RowLook()
        self.is_in_row = False
        self._level = 0  # of the last heading
        self._cell: list[Block] = []
        self._cells: list[list[Block]] = []
        self._rows: list[list[str]] = []
        self._flows: list[list[Block]] = []
        self._looks: list[bool] = []
        """Of each row: whether all its cells are bold."""
        self._header = 0

    def end_paragraph(self, kind: str, level: int, depth: int) -> None:
        paragraph, self.paragraph = self.paragraph, _Paragraph(mark="")
        text = paragraph.text()
        if not text:
            return
        is_bold = 0 < paragraph.letters == paragraph.bold
        found = self._blocks(text, kind, level, depth, paragraph.mark, is_bold=is_bold)
        if self.is_in_row:
            self._cell += found
            return
        self.end_table()
        if kind == "code" and self.blocks and isinstance(last := self.blocks[-1], Code):
            self.blocks[-1] = Code(f"{last.text}\n{text}")
        else:
            self.blocks += found

    def _blocks(
        self, text: str, kind: str, level: int, depth: int, mark: str, *, is_bold: bool
    ) -> list[Block]:
        if kind in ("heading", "title") and not self.is_in_row:
            self._level = level
            return [heading(f"{mark} {text}" if mark[:1].isalnum() else text, level)]
        if mark or kind == "item":
            is_number = mark.strip("()[].")[:1].isalnum() and mark not in _BULLET
            return [Item(text, depth, mark if is_number else "-")]
        if kind in _OF_STYLES:
            return [_OF_STYLES[kind](text)]
        if is_bold and not has_notes(text):
            return [bold(text, self._level)]
        return list(typed_items(text) or questions(text))

    def end_cell(self) -> None:
        self._cells.append(self._cell)
        self._cell = []

    def end_row(self) -> None:
        cells, self._cells = self._cells, []
        texts = [cell_text(cell) for cell in cells]
        above = self._rows[-1] if self._rows else []
        for at, is_below in enumerate(self.row.below[: len(texts)]):
            if is_below and not texts[at] and at < len(above):
                texts[at] = above[at]
        self._header += self.row.is_header and self._header == len(self._rows)
        self._rows.append(texts)
        self._flows += cells
        self._looks.append(all(isinstance(one, Heading) for cell in cells for one in cell))
        self.is_in_row = False

    def end_table(self) -> None:
        if self._cell or self._cells:
            self.end_cell()
            self.end_row()
        rows, flows, looks = self._rows, self._flows, self._looks
        header, self._header = self._header, 0
        self._rows, self._flows, self._looks = [], [], []
        if not rows:
            return
        if lays_out(rows, flows):
            self.blocks += [block for flow in flows for block in flow]
        elif header:
            self.blocks += table(rows, header=header)
        else:
            is_bold = looks[0] and not all(looks)
            self.blocks += table_of([row for row in rows if any(row)], bold_first=is_bold)


_OF_STYLES: Mapping[str, Callable[[str], Block]] = {
    "code": Code, "quotation": Quotation, "caption": Caption,
}  # fmt: skip


@dataclass(slots=True)
class _Group:
    """An open group: what is to be restored behind it."""

    look: _Look
    story: _Story | None = None
    """The one around it, where it is a story of its own."""
    name: str = ""
    parts: list[tuple[str, bool]] | None = None
    """Of the paragraph around it, where it is a list's mark."""
    kind: tuple[str, int] = ("", 0)
    depth: int = 0
    """Of the paragraph around it."""


class _Reader:
    def __init__(self, source: str, fonts: Fonts | None = None) -> None:
        self.title = ""
        self.notes: dict[str, str] = {}
        self._tokens = Tokens(source, fonts or Fonts.of(source))
        self._styles = _styles(source)
        self._body = self._story = _Story()
        self._around: list[tuple[str, _Story]] = []
        self._look = _Look()
        self._groups: list[_Group] = []
        self._kind: tuple[str, int] = ("", 0)
        self._depth = 0
        self._may_skip = False  # behind `\*`

    def blocks(self) -> list[Block]:
        return self._body.blocks

    def around(self, names: tuple[str, ...]) -> Iterator[list[Block]]:
        return (story.blocks for name, story in self._around if name in names)

    def read(self) -> None:
        for token in self._tokens:
            if token.brace:
                self._brace(token.brace)
            elif token.word:
                self._word(token)
            elif not self._look.is_skipped:
                self._say(token.text)
        self._end_paragraph()
        self._story.end_table()

    # -- groups ---------------------------------------------------------------------------------

    def _brace(self, brace: str) -> None:
        self._may_skip = False
        if brace == "{":
            if len(self._groups) >= _DEEPEST:
                raise DocumentUnreadable(TOO_DEEP)
            self._groups.append(_Group(self._look, kind=self._kind, depth=self._depth))
        elif self._groups:
            self._end_group(self._groups.pop())
        self._tokens.font, self._tokens.skipped = self._look.font, self._look.skipped

    def _end_group(self, group: _Group) -> None:
        self._look = group.look
        if group.parts is not None:
            paragraph = self._story.paragraph
            paragraph.mark = one_line("".join(part for part, _ in paragraph.parts))
            paragraph.parts = group.parts
            self._kind, self._depth = group.kind, group.depth
        if group.story is None:
            return
        self._end_paragraph()
        self._story.end_table()
        self._kind, self._depth = group.kind, group.depth
        story, self._story = self._story, group.story
        if group.name == "footnote":
            name = f"note:{len(self.notes) + 1}"
            self.notes[name] = cell_text(story.blocks).lstrip("\x02\x03 0123456789.[]")
            self._story.paragraph.parts.append((note_mark(name), False))
        elif group.name in _HEADERS or group.name in _FOOTERS:
            self._around.append((group.name, story))
        else:
            self._story.blocks += story.blocks

    def _destination(self, word: str) -> bool:
        """Whether the word says that its group is no part of the text around it."""
        may_skip, self._may_skip = self._may_skip, False
        if not self._groups:
            return False
        group = self._groups[-1]
        if word in _SKIPPED or (may_skip and word not in _READ and word not in _MARKS):
            self._look = replace(self._look, is_skipped=True)
        elif self._look.is_skipped:
            return False
        elif word in _MARKS:
            group.parts, self._story.paragraph.parts = self._story.paragraph.parts, []
        elif word in (*_STORIES, *_HEADERS, *_FOOTERS):
            group.story, group.name, self._story = self._story, word, _Story()
            self._kind, self._depth = ("", 0), 0
            self._look = replace(self._look, is_bold=False, is_raised=False)
        else:
            return word in _READ
        return True

    # -- words ----------------------------------------------------------------------------------

    def _word(self, token: Token) -> None:
        word, number = token.word, token.number
        if word == "*":
            self._may_skip = True
        elif self._destination(word) or self._look.is_skipped:
            return
        elif word in _LETTERS:
            self._say(_LETTERS[word])
        elif word in _LOOKS or word in ("plain", "up", "f", "uc"):
            self._change(word, number)
        elif word in _ENDS:
            self._end(word)
        elif word.startswith(("cl", "tr")):
            self._define_row(word)
        else:
            self._of_paragraph(word, number)

    def _change(self, word: str, number: int | None) -> None:
        if word == "plain":
            self._look = _Look(skipped=self._look.skipped)
        elif word == "up":
            self._look = replace(self._look, is_raised=bool(number or number is None))
        elif word == "f":
            self._look = replace(self._look, font=number or 0)
        elif word == "uc":
            self._look = replace(self._look, skipped=min(max(number or 0, 0), 10))
        else:
            name, is_on = _LOOKS[word]
            is_on = is_on and number != 0
            self._look = replace(self._look, **{name: is_on})
        self._tokens.font, self._tokens.skipped = self._look.font, self._look.skipped

    def _end(self, word: str) -> None:
        story = self._story
        if word in ("cell", "row", "nestcell", "nestrow"):
            story.is_in_row = True
        self._end_paragraph()
        if word == "cell":
            story.end_cell()
        elif word == "row":
            story.end_row()

    def _define_row(self, word: str) -> None:
        row = self._story.row
        if word == "trowd":
            self._story.is_in_row = True
            self._story.row = _RowLook()
        elif word == "trhdr":
            row.is_header = True
        elif word in ("clvmrg", "clvmgf"):
            row.is_below = word == "clvmrg"

    def _of_paragraph(self, word: str, number: int | None) -> None:
        if word == "cellx":
            self._story.row.below.append(self._story.row.is_below)
            self._story.row.is_below = False
        elif word == "pard":
            self._kind, self._depth = ("", 0), 0
        elif word == "intbl":
            self._story.is_in_row = True
        elif word == "s":
            self._kind = self._styles.get(number or 0, self._kind)
        elif word == "outlinelevel" and number is not None and 0 <= number < 6:
            self._kind = "heading", number + 1
        elif word == "ilvl":
            self._depth = min(max(number or 0, 0), 9)

    def _end_paragraph(self) -> None:
        kind, level = self._kind
        if kind in ("heading", "title") and level == 1:
            self.title = self.title or one_line(self._story.paragraph.text())
        self._story.end_paragraph(kind, level, self._depth)

    def _say(self, text: str) -> None:
        if self._look.is_hidden:
            return
        paragraph = self._story.paragraph
        letters = sum(map(str.isalnum, text))
        paragraph.letters += letters
        paragraph.bold += letters if self._look.is_bold else 0
        paragraph.parts.append((text, self._look.is_raised))


_MARKS = ("listtext", "pntext")
_STORIES = ("footnote", "shptxt", "dptxbxtext")
_ENDS = ("par", "cell", "row", "nestcell", "nestrow", "sect", "page")
_LOOKS = {
    "b": ("is_bold", True),
    "strike": ("is_hidden", True),
    "striked": ("is_hidden", True),
    "v": ("is_hidden", True),
    "deleted": ("is_hidden", True),
    "super": ("is_raised", True),
    "nosupersub": ("is_raised", False),
    "sub": ("is_raised", False),
}
