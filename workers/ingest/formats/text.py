"""What all formats need of text: charsets, questions, footnotes, typed marks, tables."""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from charset_normalizer import from_bytes

from workers.ingest.formats.document import (
    Block,
    Heading,
    Item,
    Paragraph,
    Question,
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


def begins_question(text: str) -> bool:
    """Whether it begins with "Q:" or the like."""
    return bool(_QUESTION.match(text))


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
        is_letter = len(name) == 1 and name.isalpha() and not note
        return name if is_letter else f"[{number}]" if stays else ""

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
_PLAIN_NOTE = re.compile(r"\A(\d{1,2}) (\S.*)", re.DOTALL)
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
    for block in _with_typed_notes(blocks, used):
        if isinstance(block, Paragraph | Item) and (marked := _MARKED_NOTE.match(block.text)):
            name = marked[1] or marked[2]
            if name in used and name not in found:
                found[name] = one_line(marked[3])
                continue
        if isinstance(block, Item) and block.mark == "*":
            if "*" in used and "*" not in found:
                found["*"] = one_line(block.text)
                continue
            block = replace(block, mark="-")
        plain = _PLAIN_NOTE.match(block.text) if isinstance(block, Paragraph) and kept else None
        if plain and plain[1] in used and plain[1] not in found:
            found[plain[1]] = one_line(plain[2])
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


def _with_typed_notes(blocks: Sequence[Block], used: set[str]) -> Iterator[Block]:
    """Items such as "2) Only in May" as notes, where all marks of such a list are referred to."""
    for is_item, group in groupby(blocks, lambda block: isinstance(block, Item)):
        some = list(group)
        marks = [block.mark for block in some if isinstance(block, Item)]
        if is_item and all(mark.endswith(")") and mark.strip("()") in used for mark in marks):
            pairs = zip(some, marks, strict=True)
            yield from (Paragraph(f"[{mark.strip('()')}] {one.text}") for one, mark in pairs)
        else:
            yield from some


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
    is_letter = len(plain) == 1 and "a" <= plain <= "z"  # 5^a: where there is a note of this name
    return note_mark(plain) if (is_mark and shown.startswith("[")) or is_letter else shown


# -- typed marks -------------------------------------------------------------------------------

TYPED_MARK = re.compile(
    r"(?P<indent>[ \t]*)"
    r"(?P<mark>[-*+•●▪◦‣·–—►▶➢➤→✓✔□☐☑■○]|\[[ xX]\]"
    r"|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)]|\d{1,2}(?:\.\d{1,2}){1,3}\.?)"
    r"[ \t]+(?P<text>\S.*)"
)
CHECKED = frozenset(("✓", "✔", "☐", "☑", "[x]", "[X]", "[ ]"))
"""Marks that say something: whether it is done."""


def _is_sign(match: re.Match[str]) -> bool:
    """Whether a dash or a cross stands before a figure: "– 3,4 %", "+ 49 30"."""
    return match["mark"] in "-–—+" and match["text"][0].isdigit()


def typed_items(text: str, *, page: int = 0) -> list[Item]:
    """The items of a paragraph whose author typed a bullet or a number before each; else none."""
    found: list[Item] = []
    for line in text.split("\n"):
        match = TYPED_MARK.match(line)
        if match and match["mark"] not in CHECKED and not _is_sign(match):
            mark = match["mark"]
            is_kept = mark[-1] in ".)*" or mark[0].isdigit()  # a star may begin a footnote
            shown = mark if is_kept else "-"
            found.append(Item(line[match.start("text") :], 0, shown, page=page))
        elif not found:
            return []
        else:
            found[-1] = replace(found[-1], text=f"{found[-1].text}\n{line}")
    return found


# -- tables ------------------------------------------------------------------------------------

_DATUM = re.compile(
    r"[\W\d_]*\d[\W\d_]*(?:[A-Za-z€$£%°]{1,4}\W*)?"
    r"|\d{1,2}\.?[ -](?:de )?[^\W\d_]{3,10}\.?,?(?: de)?[ -]\d{4}"
    r"|[^\W\d_]{3,10}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}"
)
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
    if not caption and len(rows) > 2 and rows[0] and rows[0][0] and not any(rows[0][1:]):
        caption, rows, bold_first = rows[0][0], rows[1:], False  # a title over all columns
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
