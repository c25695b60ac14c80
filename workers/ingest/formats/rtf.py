"""Rich Text Format: its words by striprtf, which forgets how they look; that is marked before."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from striprtf.striprtf import rtf_to_text

from workers.ingest.formats.document import (
    OTHER_FORMAT,
    About,
    Block,
    DocumentUnreadable,
    Item,
    in_utc,
    one_line,
    time_said,
)
from workers.ingest.formats.text import (
    bold,
    has_notes,
    heading,
    note_mark,
    noted,
    questions,
    table_of,
)

_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'[0-9a-fA-F]{2}|\\[^a-zA-Z]"
    r"|(?P<brace>[{}])"
)
_STYLE = re.compile(r"\{[^{}]*?\\s(\d{1,4})\b[^{}]*?\bheading (\d)[^{};]*;\}", re.IGNORECASE)
_TITLE_STYLE = re.compile(r"\{[^{}]*?\\s(\d{1,4})\b[^{}]* Title;\}")
_PROPERTY = re.compile(r"\{\\(title|revtim)\b ?((?:[^{}\\]|\\[^{}])*)\}")
_LINK = re.compile(r"(?i)hyperlink(?=\s)")
_NO_TIME = {"yr": 0, "mo": 0, "dy": 0, "hr": 0, "min": 0}
_TIME = re.compile(r"\\(yr|mo|dy|hr|min)(\d{1,4})")
_ITEM = re.compile(r"\s*(?P<mark>[•·▪◦‣–\-*\uf0b7]|\(?\w{1,4}[.)])\t\s*(?P<text>\S.*)", re.DOTALL)

_BOLD, _PLAIN, _NOTE, _NOTE_END, _STRUCK, _STRUCK_END = range(0xE000, 0xE006)
_HEADING = 0xE010
"""Letters for private use that stand for how the text behind them looks."""
_MARKS = re.compile("[\ue000-\ue00f\ue010-\ue01f]")
_NOTED = re.compile("\ue002([^\ue002\ue003]*)\ue003")
_NOT_SHOWN = re.compile("\ue004[^\ue004\ue005]*\ue005?")


def read_rtf(content: bytes, about: About) -> Iterator[Block]:
    """Headings by their style, lists, tables, footnotes where their mark stands."""
    if not content.lstrip()[:5] == b"{\\rtf":
        raise DocumentUnreadable(OTHER_FORMAT)
    source = content.decode("latin-1")
    _note_properties(source, about)
    marked = _Marker(_LINK.sub("link", source)).marked()
    text = _NOT_SHOWN.sub("", _joined(_plain(marked)))
    notes: dict[str, str] = {}

    def note(match: re.Match[str]) -> str:
        name = f"note:{len(notes) + 1}"
        notes[name] = one_line(_MARKS.sub("", match[1])).strip(" 0123456789")
        return note_mark(name)

    yield from noted(list(_blocks(_NOTED.sub(note, text))), notes)


def _note_properties(source: str, about: About) -> None:
    for found in _PROPERTY.finditer(source[:100_000]):
        if found[1] == "title":
            about.titles.append(_plain("{\\rtf1 " + found[2] + "}"))
        else:
            at = {name: int(number) for name, number in _TIME.findall(found[2])}
            said = "{yr:04}-{mo:02}-{dy:02}T{hr:02}:{min:02}".format_map(_NO_TIME | at)
            about.updated_at = in_utc(time_said(said))


def _plain(source: str) -> str:
    return str(rtf_to_text(source, errors="replace"))  # type: ignore[no-untyped-call]


def _joined(text: str) -> str:
    """Two halves of a letter as one: RTF writes an emoji as two numbers."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@dataclass(frozen=True, slots=True)
class _Look:
    """How the letters of a group look; a group within it begins alike."""

    is_bold: bool = False
    is_struck: bool = False
    """Or hidden."""
    is_note: bool = False
    """The group is a footnote by itself."""


class _Marker:
    """The same RTF with marks where headings, bold letters and footnotes begin and end."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._styles = {number: int(level) for number, level in _STYLE.findall(source[:_SHEETS])}
        self._styles |= dict.fromkeys(_TITLE_STYLE.findall(source[:_SHEETS]), 1)
        self._outer: list[_Look] = []
        self._look = _Look()

    def marked(self) -> str:
        parts: list[str] = []
        end = 0
        for token in _TOKEN.finditer(self._source):
            before, after = self._marks(token["brace"], token["word"], token["number"])
            if before or after:
                parts += [self._source[end : token.start()], before]
                parts += ["" if token["word"] == "footnote" else token[0], after]
                end = token.end()
        return "".join([*parts, self._source[end:]])

    def _marks(self, brace: str | None, word: str | None, number: str | None) -> tuple[str, str]:
        """What is to stand before a token and behind it."""
        if brace == "{":
            self._outer.append(self._look)
            self._look = replace(self._look, is_note=False)
        elif brace and self._outer:
            inner = self._look
            marks = self._change(self._outer.pop())
            return (_mark(_NOTE_END) if inner.is_note else "") + marks, ""
        elif word in ("b", "plain", "strike", "striked", "v", "deleted"):
            is_on = number != "0"
            if word == "plain":
                return "", self._change(_Look(is_note=self._look.is_note))
            if word == "b":
                return "", self._change(replace(self._look, is_bold=is_on))
            return "", self._change(replace(self._look, is_struck=is_on))
        elif word == "footnote":
            self._look = replace(self._look, is_note=True)
            return _mark(_NOTE), ""
        elif word == "outlinelevel" and number in list("012345"):
            return "", _mark(_HEADING + int(number or 0) + 1)
        elif word == "s" and number in self._styles:
            return "", _mark(_HEADING + self._styles[number])
        return "", ""

    def _change(self, look: _Look) -> str:
        before, self._look = self._look, look
        marks = ""
        if before.is_bold != look.is_bold:
            marks += _mark(_BOLD if look.is_bold else _PLAIN)
        if before.is_struck != look.is_struck:
            marks += _mark(_STRUCK if look.is_struck else _STRUCK_END)
        return marks


_SHEETS = 300_000
"""Letters at the beginning in which a sheet of styles is looked for."""


def _mark(number: int) -> str:
    return f"\\uc1\\u{number}?"


@dataclass(slots=True)
class _Line:
    """What the marks in a line say of it."""

    level: int = 0
    """Of a heading; 0 for any other line."""
    is_bold: bool = False
    ends_bold: bool = False


def _line(line: str, *, is_bold: bool) -> _Line:
    found = _Line()
    letters = bold_letters = 0
    for part in _parts_of(line):
        mark = ord(part[0])
        if mark in (_BOLD, _PLAIN):
            is_bold = mark == _BOLD
        elif _HEADING <= mark < _HEADING + 10:
            found.level = mark - _HEADING
        else:
            count = sum(map(str.isalnum, part))
            letters += count
            bold_letters += count if is_bold else 0
    found.is_bold, found.ends_bold = 0 < letters == bold_letters, is_bold
    return found


def _blocks(text: str) -> Iterator[Block]:
    rows: list[list[str]] = []
    level, is_bold = 0, False
    for line in text.split("\n"):
        look = _line(line, is_bold=is_bold)
        is_bold = look.ends_bold
        plain = _MARKS.sub("", line)
        if plain.rstrip().endswith("|"):
            rows.append([one_line(cell) for cell in plain.rstrip()[:-1].split("|")])
            continue
        if plain.strip():
            yield from table_of(rows)
            rows = []
        if look.level and plain.strip():
            level = look.level
            yield heading(plain, level)
        elif item := _ITEM.fullmatch(plain):
            mark = item["mark"]
            yield Item(item["text"], 0, mark if mark[-1] in ".)" else "-")
        elif look.is_bold and not has_notes(plain):
            yield bold(plain, level)
        elif plain.strip():
            yield from questions(plain)
    yield from table_of(rows)


def _parts_of(line: str) -> Iterator[str]:
    start = 0
    for mark in _MARKS.finditer(line):
        if mark.start() > start:
            yield line[start : mark.start()]
        yield mark[0]
        start = mark.end()
    if start < len(line):
        yield line[start:]
