"""Plain text, tables as text, and what all formats need of text: charsets, questions, footnotes."""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from charset_normalizer import from_bytes

from workers.ingest.formats.document import (
    About,
    Block,
    Code,
    Heading,
    Item,
    Paragraph,
    Question,
    Quotation,
    Row,
    clean,
    one_line,
    squeezed,
    table,
)
from workers.models.sentences import sentence_ends

# -- charsets ---------------------------------------------------------------------------------


def decode(content: bytes, declared: str = "") -> str:
    """As its mark says, as UTF-8, as it declares itself, else what it most likely is.

    Never an error. A stray byte in UTF-8 spoils one letter and not the others.
    """
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return clean(content[len(mark) :].decode(encoding, errors="replace"))
    if encoding := _wide(content[:_SAMPLE]):
        return clean(content.decode(encoding, errors="replace"))
    try:
        return clean(content.decode())
    except UnicodeDecodeError:
        return clean(content.decode(_charset(content, declared), errors="replace"))


_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_MULTIBYTE = re.compile(rb"[\xc3-\xf4][\x80-\xbf]{1,3}")
_HIGH = re.compile(rb"[\x80-\xff]")
_SAMPLE = 60_000
_GUESSED_FROM = 12
"""Letters beyond ASCII. Fewer are those of western Europe."""
_LIKELY = [
    "cp1252", "cp1251", "cp1250", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256",
    "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
]  # fmt: skip


def _wide(sample: bytes) -> str:
    """UTF-16 without a mark: every second byte of line ends, spaces and figures is zero."""
    zeros = sample[0::2].count(0), sample[1::2].count(0)
    if max(zeros) < max(len(sample) // 50, 2) or min(zeros) * 10 > max(zeros):
        return ""
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _charset(content: bytes, declared: str) -> str:
    letters = len(_MULTIBYTE.findall(content[:_SAMPLE]))
    stray = content[:_SAMPLE].decode("utf-8", "replace").count("\ufffd")
    if letters and stray <= max(letters / 4, 1):
        return "utf-8"
    try:
        name = codecs.lookup(declared).name if declared else ""
    except LookupError:
        name = ""
    if name in ("iso8859-1", "ascii"):
        return "cp1252"  # as browsers read it
    if name and name != "utf-8":
        return name
    if len(_HIGH.findall(content[:_SAMPLE])) < _GUESSED_FROM:
        return "cp1252"
    best = from_bytes(content[:_SAMPLE], cp_isolation=_LIKELY).best()
    return best.encoding if best else "cp1252"


# -- what paragraphs are ----------------------------------------------------------------------

_QUESTION = re.compile(r"(?:Q|Question|Frage|F|Pregunta|P)\s{0,3}\d{0,3}\s{0,3}[.:)]\s{1,9}(?=\S)")
_ANSWER = re.compile(r"(?:A|Answer|Antwort|Respuesta|R)\s{0,3}\d{0,3}\s{0,3}[.:)]\s{1,9}(?=\S)")
_ENDED = re.compile(r"[.!…。！？?:;,][\"'”’)\]]*\Z")
_LONGEST_TITLE = 100


def questions(text: str, *, page: int = 0) -> list[Block]:
    """A paragraph as questions and answers, where its lines begin with "Q:" and "A:"."""
    found: list[Block] = []
    lines: list[str] = []
    for line in text.split("\n"):
        question, answer = _QUESTION.match(line), _ANSWER.match(line)
        if (question or answer) and lines:
            found.append(Paragraph("\n".join(lines), page=page))
            lines = []
        if question and ("?" in line or _ANSWER.search(text)):
            found.append(Question(line[question.end() :], page=page))
        elif answer and found and isinstance(found[-1], Question):
            lines = [line[answer.end() :]]
        else:
            lines.append(line)
    if lines:
        found.append(Paragraph("\n".join(lines), page=page))
    return found


def begins_answer(text: str) -> str:
    """Without the "A:" that it begins with."""
    return _ANSWER.sub("", text, count=1)


def bold(text: str, level: int, *, page: int = 0) -> Block:
    """A paragraph all of whose letters are bold: a question, a heading, or a sentence."""
    line = squeezed(text)
    if line.endswith("?"):
        return Question(line, page=page)
    if is_title(line):
        return Heading(line.rstrip(":"), min(level + 1, 6), page=page)
    return Paragraph(text, page=page)


def is_title(line: str) -> bool:
    """Whether it can name what follows: short, and not a sentence."""
    return len(line) <= _LONGEST_TITLE and not _ENDED.search(line.rstrip(":"))


def heading(text: str, level: int, *, anchor: str = "", page: int = 0) -> Block:
    """A heading; or a paragraph, where a whole sentence is set as one, or several are."""
    line = squeezed(text)
    if line.endswith(".") and len(line.split()) > 6 and len(list(sentence_ends(line))) > 1:
        return Paragraph(line, page=page)
    if len(line) > 2 * _LONGEST_TITLE or (
        len(line) > _LONGEST_TITLE and line.endswith((".", ";", ","))
    ):
        return Paragraph(line, page=page)
    return Heading(line, min(max(level, 1), 6), anchor, page=page)


# -- footnotes ----------------------------------------------------------------------------------

_INNER_END = re.compile(r"[.!?]\s+(?=\S)")
"""A note of several sentences stays in the sentence that it belongs to."""
_NOTE = re.compile("\x02([^\x02\x03]{1,80})\x03")
_LATE_NOTE = re.compile("([.!?…,;:。][\"'”’)]*)((?:\x02[^\x02\x03]{1,80}\x03)+)")
_END = re.compile(r"\s{0,3}[.!?…。]?[\"'”’)]{0,5}\s{0,3}\Z")


def note_mark(name: str) -> str:
    """Stands in a text for the mark of a footnote, until `with_notes` puts in what it says."""
    return f"\x02{name}\x03"


def has_notes(text: str) -> bool:
    return "\x02" in text


def with_notes(text: str, notes: Mapping[str, str]) -> str:
    """Footnotes at the end of the sentence where their mark stands: "three months [in Spain: two]."

    A mark directly behind a digit stays as "[1]": without it "30¹ days" would be 301.
    """
    if not has_notes(text):
        return text
    text = _LATE_NOTE.sub(r"\2\1", text)  # a mark behind the full stop belongs before it
    parts: list[str] = []
    start = 0
    for end in sentence_ends(text):
        parts.append(_with_notes_of(text[start:end], notes))
        start = end
    return "".join(parts)


def _with_notes_of(sentence: str, notes: Mapping[str, str]) -> str:
    said: list[str] = []

    def place(mark: re.Match[str]) -> str:
        name, number = mark[1], _number_of(mark[1])
        note = _INNER_END.sub("; ", notes.get(name, "").strip())
        stays = sentence[mark.start() - 1 : mark.start()].isdigit() or not note
        if note:
            said.append(f"{number}: {note}" if stays else note)
        return f"[{number}]" if stays else ""

    shown = _NOTE.sub(place, sentence)
    if not said:
        return shown
    end = _END.search(shown)
    at = end.start() if end else len(shown)
    notes_in_it = "".join(f" [{note.rstrip('.') if at < len(shown) else note}]" for note in said)
    return shown[:at] + notes_in_it + shown[at:]


def _number_of(name: str) -> str:
    """What a person sees of the mark: of "fn:1" and "footnote-1" the 1."""
    found = re.search(r"\d{1,4}\Z", name)
    return found[0] if found else name.rpartition(":")[2]


_STARRED_NOTE = re.compile(r"\A([*†‡])\)? +(\S.*)", re.DOTALL)
_MARKED_NOTE = re.compile(
    "\\A\\s*(?:\x02([^\x02\x03]{1,80})\x03|\\[(\\d{1,3}|[*†‡])\\])\\s*(\\S.*)", re.DOTALL
)
_USED_NOTE = re.compile("(?<=[^\x03\\s])\x02([^\x02\x03]+)\x03")


def noted(blocks: Sequence[Block], notes: Mapping[str, str]) -> Iterator[Block]:
    """Blocks with their footnotes where the marks stand.

    A paragraph that begins with a raised mark is a note, if that mark stands somewhere else.
    """
    used = {
        name
        for block in blocks
        for text in (block.cells if isinstance(block, Row) else (block.text,))
        for name in _USED_NOTE.findall(text)
    }
    found = dict(notes)
    kept: list[Block] = []
    for block in blocks:
        if isinstance(block, Paragraph | Item) and (marked := _MARKED_NOTE.match(block.text)):
            name = marked[1] or marked[2]
            if name in used and name not in found:
                found[name] = one_line(marked[3])
                continue
        starred = _STARRED_NOTE.match(block.text) if isinstance(block, Paragraph) else None
        if starred and starred[1] in used and starred[1] not in found:
            found[starred[1]] = one_line(starred[2])
            continue
        kept.append(block)
    for block in kept:
        if isinstance(block, Row):
            cells = tuple(with_notes(cell, found) for cell in block.cells)
            names = tuple(with_notes(name, {}) for name in block.columns)
            yield replace(block, cells=cells, columns=names)
        else:
            yield replace(block, text=with_notes(block.text, found))
    yield from (Paragraph(said) for name, said in notes.items() if name not in used)


_CLOSED = re.compile(r"[.!?…:;,。！？–-]\Z|\A\Z")


def cell_text(blocks: Sequence[Block]) -> str:
    """The blocks of a cell on one line, one apart from the other."""
    parts: list[str] = []
    before = ""
    for block in blocks:
        text = squeezed(block.text)
        if isinstance(block, Item) and block.mark != "-":
            text = f"{block.mark} {text}"
        joint = " " if _CLOSED.search(before) else "; "
        parts += [joint if parts else "", text]
        before = text
    return "".join(parts)


_POWER_BASE = re.compile(r"(?:\b10|\b2|(?<![^\W\d_])[^\W\d_]{1,2}|[)\]])\Z")


def raised(text: str, before: str, notes: Mapping[str, str] | None, scope: str = "") -> str:
    """What is set as superscript, behind `before`: a footnote's mark, a power, or just letters.

    `notes`: None if it is not known yet whether there is a note of this name.
    """
    mark = text.strip().strip("[]()")
    if not mark:
        return text
    if re.fullmatch(r"\d{1,2}(?:, ?\d{1,2}){1,9}", mark):
        return f"[{mark}]"
    if not mark.isdigit() and mark not in "*†‡§":
        return text if mark.isalpha() else f"^{mark}"
    if notes and scope + mark in notes:
        return note_mark(scope + mark)
    if _POWER_BASE.search(before.rstrip()[-12:]) and mark.isdigit():
        return f"^{mark}"
    return f"[{mark}]"


def raised_later(text: str, before: str) -> str:
    """What is raised, where only the end of the page tells whether it has a note of this name."""
    shown = raised(text, before, None)
    plain = text.strip().strip("[]()")
    is_mark = plain.isdigit() or plain in ("*", "†", "‡")
    return note_mark(plain) if is_mark and shown.startswith("[") else shown


# -- plain text -----------------------------------------------------------------------------------

_ITEM = re.compile(
    r"(?P<indent>[ \t]*)"
    r"(?P<mark>[-*+•●▪◦‣·–—►▶➢➤→✓✔□☐☑■○]|\[[ xX]\]"
    r"|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)]|\d{1,2}(?:\.\d{1,2}){1,3}\.?)"
    r"[ \t]+(?P<text>\S.*)"
)
CHECKED = frozenset(("✓", "✔", "☐", "☑", "[x]", "[X]", "[ ]"))
"""Marks that say something: whether it is done."""
_UNDERLINE = re.compile(r"([=\-~^*#+\"'.])\1{2,}[ \t]*\Z")
_SECTION = re.compile(r"\d{1,2}(?:\.\d{1,2}){0,3}\.?[ \t]+(?P<name>\S.{0,80})\Z")
_GAP = re.compile(r"\t+ *| {2,}")
_CELL = re.compile(r"\S+(?: \S+)*")
_TEXT_UNDERLINES = "=-~^*#+\"'."


def read_text(content: bytes, about: About) -> Iterator[Block]:
    """Text as its author laid it out: underlined and numbered headings, lists, aligned columns."""
    reader = _Text()
    for number, block in enumerate(reader.read(decode(content).expandtabs(8))):
        if number == 0 and isinstance(block, Heading) and block.level == 1:
            about.titles.append(block.text)
        yield block


class _Text:
    def __init__(self) -> None:
        self._underlines: list[str] = []

    def read(self, text: str) -> Iterator[Block]:
        follows_code = False
        for group in _groups(text):
            indent = len(group[0]) - len(group[0].lstrip())
            if follows_code and indent >= 2:
                yield Code("\n".join(_dedented(group)))
                continue
            follows_code = group[-1].rstrip().endswith("::") and not _ITEM.match(group[-1])
            if follows_code:
                group = [*group[:-1], group[-1].rstrip()[:-1]]
            yield from self._group(group)

    def _group(self, lines: list[str]) -> Iterator[Block]:
        while lines and (found := self._heading(lines)):
            block, lines = found
            yield block
        if not lines:
            return
        if rows := drawn(lines) or aligned(lines):
            yield from table_of(rows)
            return
        is_asked = _QUESTION.match(lines[0].lstrip())
        if is_asked and isinstance((asked := questions("\n".join(lines)))[0], Question):
            yield from asked
            return
        if any(line.startswith(">") for line in lines):
            yield from _with_quotations(lines)
            return
        yield from _paragraph_and_items(lines)

    def _heading(self, lines: list[str]) -> tuple[Block, list[str]] | None:
        first = lines[0].strip()
        if len(lines) > 2 and _UNDERLINE.fullmatch(lines[0]) and _UNDERLINE.fullmatch(lines[2]):
            return Heading(lines[1].strip(), self._level("over" + first[0])), lines[3:]
        is_name = len(first) <= 120 and not _UNDERLINE.fullmatch(first) and not _GAP.search(first)
        if is_name and len(lines) > 1 and _UNDERLINE.fullmatch(lines[1].strip()):
            return Heading(first, self._level(lines[1].strip()[0])), lines[2:]
        if _UNDERLINE.fullmatch(first):
            return Paragraph(""), lines[1:]
        if len(lines) == 1 and not lines[0].startswith(" ") and is_title(first):
            numbered = _SECTION.fullmatch(first)
            name = numbered["name"] if numbered else first
            if (name.isupper() and len(name) > 2) or (numbered and name[:1].isupper()):
                depth = first.split()[0].strip(".").count(".") if numbered else 0
                return Heading(first, min(2 + depth, 6)), []
        return None

    def _level(self, mark: str) -> int:
        if mark not in self._underlines:
            self._underlines.append(mark)
        return min(self._underlines.index(mark) + 1, 6)


def _groups(text: str) -> Iterator[list[str]]:
    """Runs of lines without a blank one among them."""
    group: list[str] = []
    for line in text.split("\n"):
        if line.strip():
            group.append(line.rstrip())
        elif group:
            yield group
            group = []
    if group:
        yield group


def typed_item(text: str, *, page: int = 0) -> Item | None:
    """A paragraph whose author typed a bullet or a number before it, as an item."""
    match = _ITEM.match(text)
    if not match or match["mark"] in CHECKED:
        return None
    mark = match["mark"]
    rest = text[match.start("text") :]
    return Item(rest, 0, mark if mark[-1] in ".)" or mark[0].isdigit() else "-", page=page)


def _dedented(lines: Sequence[str]) -> Iterator[str]:
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    return (line[indent:] for line in lines)


def _with_quotations(lines: Sequence[str]) -> Iterator[Block]:
    """Lines of a mail, of which some are quoted from another."""
    for is_quoted, some in groupby(lines, lambda line: line.startswith(">")):
        if is_quoted:
            yield Quotation("\n".join(line.lstrip("> ") for line in some))
        else:
            yield from _paragraph_and_items(list(some))


def drawn(lines: Sequence[str]) -> list[list[str]]:
    """The cells of a table that is drawn with "|", and with "+--+" between its rows."""
    if len(lines) < 2 or not all(line.strip()[0] in "|+" for line in lines):
        return []
    rows: list[list[str]] = []
    has_rules = sum(line.lstrip().startswith("+") for line in lines) > 3
    goes_on = False
    for line in map(str.strip, lines):
        if not set(line) - set("|+-=: "):
            goes_on = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if goes_on and has_rules and len(cells) == len(rows[-1]):
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], cells, strict=True)]
        else:
            rows.append(cells)
        goes_on = True
    return rows if len(rows) > 1 and len({*map(len, rows)}) == 1 else []


def _paragraph_and_items(lines: Sequence[str]) -> Iterator[Block]:
    held: list[str] = []
    item: tuple[str, int] | None = None
    indents: list[int] = []

    def flush() -> Iterator[Block]:
        if held and item:
            yield Item(" ".join(held), item[1], item[0])
        elif held:
            yield from questions("\n".join(held))

    for line in lines:
        match = _ITEM.match(line)
        if match and (item or not held or held[-1].rstrip().endswith((":", ".", ";"))):
            yield from flush()
            indent = len(match["indent"])
            indents = [*(one for one in indents if one < indent), indent]
            mark = match["mark"]
            item = (mark if mark[-1] in ".)" or mark[0].isdigit() else "-", len(indents) - 1)
            kept = f"{mark} " if mark in CHECKED else ""
            held = [kept + match["text"].strip()]
        elif item and not line.startswith(" ") and held[-1].endswith((".", ":", ";", "!", "?")):
            yield from flush()
            item, held, indents = None, [line.strip()], []
        else:
            held.append(line.strip())
    yield from flush()


def aligned(lines: Sequence[str]) -> list[list[str]]:
    """The cells of lines that are set in columns with spaces between them; else nothing."""
    lines = [line for line in lines if set(line) - set("-=_+| ")]
    if len(lines) < 2 or not all(len(_GAP.split(line.strip())) > 1 for line in lines):
        return []
    gaps = _gutters(lines)
    if not gaps or all(map(_ITEM.match, lines)):
        return []
    bounds = [0, *gaps, max(map(len, lines))]
    return [[line[a:b].strip() for a, b in pairwise(bounds)] for line in lines]


def _gutters(lines: Sequence[str]) -> list[int]:
    """Where every line has at least two spaces, or its end: the middle of each such gap."""
    width = max(map(len, lines))
    taken = [False] * width
    for line in lines:
        for one in _CELL.finditer(line):
            taken[one.start() : one.end()] = [True] * (one.end() - one.start())
    found: list[int] = []
    at = 0
    while at < width:
        end = at
        while end < width and not taken[end]:
            end += 1
        if end - at >= 2 and at > 0 and end < width:
            found.append((at + end) // 2)
        at = max(end, at + 1)
    return found


# -- tables ------------------------------------------------------------------------------------

_DATUM = re.compile(r"[\W\d_]*\d[\W\d_]*(?:[A-Za-z€$£%°]{1,4}\W*)?")
_LONG_CELL = 60


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of these rows names the columns, where the format does not say so."""
    if len(rows) < 2 or max(map(len, rows), default=0) < 2:
        return False
    rows = [[_NOTE.sub("", cell) for cell in row] for row in rows]
    first, others = rows[0], rows[1:]
    if sum(map(bool, first)) < max(2, len(first) - 1) or len({*filter(None, first)}) < 2:
        return False
    if any(len(cell) > _LONG_CELL for cell in first) or _are_data(first, others):
        return False
    if len(first) == 2 and not _is_even(others):
        return False
    if any(cell.endswith((".", "!", "?")) and " " in cell for cell in first):
        return False
    return bool(others)


_YEAR = re.compile(r"(?:19|20)\d\d")


def _are_data(first: Sequence[str], others: Sequence[Sequence[str]]) -> bool:
    """Whether the cells of a row are figures themselves: neither years nor counted columns."""
    figures = [(at, cell) for at, cell in enumerate(first) if _DATUM.fullmatch(cell)]
    if not figures:
        return False
    texts = [cell for _, cell in figures]
    if len(texts) > 1 and texts == [str(number) for number in range(1, len(texts) + 1)]:
        return False
    below = [row[at] for row in others for at, _ in figures if at < len(row)]
    are_years = all(map(_YEAR.fullmatch, texts)) and len(set(texts)) == len(texts)
    return not are_years or len(first) == len(texts) or any(map(_YEAR.fullmatch, below))


def _is_even(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the second cells of these rows are alike: a name above them can fit them all."""
    if any(row[0].endswith(":") for row in rows if row):
        return False
    seconds = [row[1] for row in rows if len(row) > 1 and row[1]]
    return len({bool(_DATUM.fullmatch(cell)) for cell in seconds}) <= 1


def table_of(
    rows: Sequence[Sequence[str]], *, caption: str = "", page: int = 0, bold_first: bool = False
) -> Iterator[Block]:
    """The rows of a table of which only the cells are known."""
    header = 1 if bold_first or has_header(rows) else 0
    if not header and len(rows) > 2 and _groups_names(rows[0]) and has_header(rows[1:]):
        rows, header = [_spread(rows[0]), *rows[1:]], 2
    yield from table(rows, header=header, caption=caption, page=page)


def _groups_names(row: Sequence[str]) -> bool:
    """Whether the cells stand over several columns each: "", Berlin, "", Oslo, ""."""
    return len(row) > 3 and not row[0] and bool(row[1]) and 1 < sum(map(bool, row)) < len(row) - 1


def _spread(row: Sequence[str]) -> list[str]:
    found = list(row[:1])
    for cell in row[1:]:
        found.append(cell or found[-1])
    return found
