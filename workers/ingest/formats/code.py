"""Source code: a block for each function or section, below its name, letter for letter."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workers.ingest.formats.document import About, Block, Code, Heading
from workers.ingest.formats.suffixes import LANGUAGES, suffix_of
from workers.ingest.formats.text import decode

_MODIFIERS = (
    r"(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|async"
    r"|override|open|sealed|partial|virtual|inline|extern|unsafe|const|pub(?:\([\w:]+\))?"
    r"|local|data|case|suspend|readonly)\s+){0,6}"
)
_KEYWORDS = (
    r"def|class|function\*?|func|fn|fun|sub|struct|enum|interface|trait|impl|type|module|namespace"
    r"|object|protocol|extension|record|union|message|service|resource|variable|output|provider"
)
_SQL = (
    r"(?i:create\s+(?:or\s+replace\s+)?(?:\w+\s+){0,2}?"
    r"(?:table|view|function|procedure|index|trigger|type)\s+(?:if\s+not\s+exists\s+)?)"
)
_DEFINITION = re.compile(
    r"(?P<indent>[ \t]*)(?:"
    rf"{_MODIFIERS}(?:{_KEYWORDS})\b\s*(?:\([^()]{{0,80}}\)\s*)?(?:<[^<>]{{0,60}}>\s*)?"
    r"(?P<name>[\w$][\w$.:]{0,100}|(?:\"[^\"]{1,60}\"\s*){1,2})"
    rf"|{_SQL}(?P<sql>[\w.\"`]{{1,100}})"
    rf"|{_MODIFIERS}(?:let\s+|var\s+)?(?P<variable>[\w$.]{{1,80}})\s*(?::[^=]{{1,80}})?(?:=|<-)\s*"
    r"(?:async\s+)?(?:function\b|\([^()]{0,200}\)\s*(?::[^=]{1,60})?=>)"
    r"|(?:[\w$<>\[\],.*&?:]{1,60}\s+){1,5}[*&]{0,3}(?P<method>[\w~:]{1,80})\s*\([^;{}]{0,300}\)"
    r"[\w\s,.]{0,80}\{?\s*\Z"
    r"|(?P<brief>[\w$]{1,80})\s*\([^;{}]{0,300}\)\s*\{\s*\Z"
    r"|\[(?P<section>[\w. \"-]{1,100})\]\s*\Z)"
)
_NO_DEFINITION = re.compile(
    r"[})]{0,9}\s{0,9}(?:if|for|while|switch|return|catch|else|do|new|throw|elif|with|assert|print|foreach"
    r"|await|yield|raise|import|from|using|not|and|or|in|is|case|when|unless|echo|goto)\b"
)
_ABOVE = re.compile(r"\s*(?:#(?!include|define|if)|//|/\*|\*|--|;|@|\[[\w(]|'''|\"\"\")")
_LONGEST_LINE = 400
_LONG = 60
"""Lines from which the members of a class have sections of their own."""


def read_code(content: bytes, about: About) -> Iterator[Block]:
    """Its title is the name of the file; a comment above a function belongs to it."""
    if about.name:
        about.titles.append(about.name)
    language = LANGUAGES.get(suffix_of(about.name), "")
    lines = decode(content).split("\n")
    for section in _sections(lines, 0):
        yield from _blocks(section, language, 2)


@dataclass(frozen=True, slots=True)
class _Section:
    name: str
    lines: Sequence[str]


def _blocks(section: _Section, language: str, level: int) -> Iterator[Block]:
    if section.name:
        yield Heading(section.name, level)
    if level > 2 or not section.name or len(section.lines) < _LONG:
        yield Code("\n".join(section.lines), language)
        return
    indents = [
        len(match["indent"].expandtabs(4))
        for line in section.lines
        if (match := _definition(line)) and match["indent"]
    ]
    for inner in _sections(section.lines, min(indents, default=10_000)):
        if inner.name and inner.lines is not section.lines and indents:
            yield Heading(f"{section.name}: {inner.name}", level + 1)
        yield Code("\n".join(inner.lines), language)


def _sections(lines: Sequence[str], indent: int) -> Iterator[_Section]:
    """Runs of lines, a new one at each definition with this indent, or at the comment above it."""
    name, start = "", 0
    for at, line in enumerate(lines):
        match = _definition(line)
        if not match or len(match["indent"].expandtabs(4)) != indent:
            continue
        begin = at
        while begin > start and _ABOVE.match(lines[begin - 1]):
            begin -= 1
        if begin > start and any(map(str.strip, lines[start:begin])):
            yield _Section(name, lines[start:begin])
            start = begin
        name = _name(match)
    if any(map(str.strip, lines[start:])):
        yield _Section(name, lines[start:])


def _definition(line: str) -> re.Match[str] | None:
    if _NO_DEFINITION.match(line.lstrip()):
        return None
    match = _DEFINITION.match(line[:_LONGEST_LINE])
    return match if match and _name(match) else None


def _name(match: re.Match[str]) -> str:
    found = next(
        filter(None, match.group("name", "sql", "variable", "method", "brief", "section")), ""
    )
    return " ".join(found.strip(":`").replace('"', "").split())
