"""Where sentences end, and a passage as sentences that can be quoted."""

import re
from collections.abc import Iterator

_END = re.compile(r"[.!?…][\"'”’)\]*_]*(?=\s)|[。！？]")
_LAST_WORD = re.compile(r"[^\s(\[\"'*_]{0,12}\Z")
_ABBREVIATIONS = frozenset(
    re.findall(
        r"\S+",
        "e.g i.e eg ie etc vs cf al ca approx resp incl excl no nos nr art sec sect para fig figs"
        " eq vol ch pp p ed eds min max est dept univ inc ltd co corp bros mr mrs ms dr prof st jr"
        " sr gen rep sen hon rev a.m p.m u.s u.k jan feb mar apr jun jul aug sep sept oct nov dec"
        " mon tue wed thu fri sat",
    )
)
_SOMETIMES_LAST = frozenset(
    ("etc", "a.m", "p.m", "u.s", "u.k", "inc", "ltd", "co", "corp", "jr", "sr", "al", "no")
)
"""Abbreviations that may end a sentence: they do when a capital follows ("no": never a number)."""

_FENCE = re.compile(r"[ \t]{0,12}(`{3,}|~{3,})")
_LIST_MARK = re.compile(r"\s*(?:[-*+•]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?")
_QUOTE_MARK = re.compile(r"(?:\s{0,3}>)+\s?")
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s|\Z)")
_RULE = re.compile(r"[\s\-=*_|:+]+\Z")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,300}>")
_IMAGE = re.compile(r"!\[([^\[\]]{0,300})\]\([^()\s]{0,2000}(?:\s+\"[^\"]{0,200}\")?\)")
_LINK = re.compile(r"\[([^\[\]]{1,500})\](?:\([^()]{0,2000}\)|\[[^\[\]]{0,200}\])")
_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,3}|_{1,3})(?=\S)([^*_\n]{1,500})(?<=\S)\1(?![\w*])")
_CODE_MARK = re.compile(r"`{1,2}([^`\n]{1,500})`{1,2}")
_MAX_LETTERS = 600
_MAX_CODE_LINES = 8


def sentences(text: str) -> list[str]:
    """Sentences of Markdown or plain text in reading order, without their marks.

    List items and table rows are sentences of their own, a short block of code is one, and
    headings, rules and long code are left out: nobody would quote them as an answer. A sentence
    of more than 600 letters is cut between words.
    """
    found: list[str] = []
    for paragraph in _paragraphs(_without_comments(text)):
        if paragraph.startswith("\n"):  # code, kept as it is
            found.append(paragraph.strip("\n"))
            continue
        plain = without_marks(paragraph)
        start = 0
        for end in sentence_ends(plain):
            found.extend(_cut(plain[start:end].strip()))
            start = end
    return [sentence for sentence in found if any(letter.isalnum() for letter in sentence)]


def sentence_ends(text: str) -> Iterator[int]:
    """Offsets behind each sentence and the space that follows it; the last is `len(text)`.

    A full stop behind an abbreviation or an initial, or before a small letter, ends nothing.
    """
    for match in _END.finditer(text):
        end = match.end()
        while end < len(text) and text[end].isspace():
            end += 1
        if end < len(text) and _ends_sentence(text, match.start(), text[end]):
            yield end
    if text:
        yield len(text)


def without_marks(text: str) -> str:
    """One line of plain text: links become their words, and emphasis, code marks and tags go."""
    text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))
    text = _CODE_MARK.sub(r"\1", _EMPHASIS.sub(r"\2", _TAG.sub(" ", text)))
    return " ".join(text.split())


def _without_comments(text: str) -> str:
    """Template comments of Markdown are instructions to authors; an open one runs to the end."""
    shown, *commented = text.split("<!--")
    return shown + " ".join(part.partition("-->")[2] for part in commented)


def _ends_sentence(text: str, mark: int, following: str) -> bool:
    if text[mark] != ".":
        return True
    if following.islower():
        return False
    last = _LAST_WORD.search(text, max(0, mark - 12), mark)
    word = last.group() if last else ""
    if len(word) == 1 and word.isupper():  # an initial, as in "J. Doe"
        return False
    word = word.lower()
    if word not in _ABBREVIATIONS:
        return True
    if word == "no":
        return not following.isdigit()
    return word in _SOMETIMES_LAST and following.isupper()


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs, list items and table rows joined to one line; code starts with a line break."""
    lines: list[str] = []
    code: list[str] = []
    fence = ""
    for line in map(_without_quote_mark, text.splitlines()):
        mark, item = _FENCE.match(line), _LIST_MARK.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                yield from _code(code)
                code, fence = [], ""
            else:
                code.append(line)
        elif not (mark or item or _stands_alone(line)):
            lines.append(line.strip())
        else:
            yield " ".join(lines)
            lines = [line[item.end() :]] if item else []
            fence = mark[1] if mark else ""
            if line.lstrip().startswith("|") and not _RULE.match(line):
                yield ", ".join(cell.strip() for cell in line.strip().strip("|").split("|"))
    yield " ".join(lines)
    yield from _code(code)


def _without_quote_mark(line: str) -> str:
    return _QUOTE_MARK.sub("", line, count=1) if line.lstrip().startswith(">") else line


def _stands_alone(line: str) -> bool:
    """Blank lines, headings and rules, which are in no sentence, and rows of a table."""
    rule_or_blank = not line.strip() or _RULE.match(line)
    return bool(rule_or_blank or _HEADING.match(line) or line.lstrip().startswith("|"))


def _code(lines: list[str]) -> Iterator[str]:
    if len(lines) <= _MAX_CODE_LINES and sum(map(len, lines)) <= _MAX_LETTERS:
        yield "\n" + "\n".join(lines)


def _cut(sentence: str) -> Iterator[str]:
    start = 0
    while len(sentence) - start > _MAX_LETTERS:
        end = sentence.rfind(" ", start, start + _MAX_LETTERS)
        end = end if end > start else start + _MAX_LETTERS
        yield sentence[start:end]
        start = end + (sentence[end] == " ")
    yield sentence[start:]
