"""Markdown as its readers see it, with what GitHub, Jekyll, Hugo, MkDocs and wikis add to it."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import datetime

from markdown_it import MarkdownIt
from markdown_it.token import Token

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
    Slugs,
    one_line,
    table,
    time_said,
)
from workers.ingest.formats.html import TAGS, html_blocks
from workers.ingest.formats.text import (
    bold,
    decode,
    heading,
    note_mark,
    questions,
    raised,
    with_notes,
)
from workers.models.sentences import without_marks

_UPDATED = ("updated_at", "updated", "last_modified", "lastmod", "modified", "date")
_VALID = {
    "status": "Status", "valid_from": "Valid from", "effective": "Effective",
    "effective_date": "Effective", "valid_until": "Valid until", "expires": "Expires",
    "superseded_by": "Superseded by", "replaced_by": "Replaced by", "replaces": "Replaces",
}  # fmt: skip
"""Fields that say when a page holds: unlike the others, they are for its readers."""
_OLD = frozenset(
    "superseded obsolete deprecated archived outdated expired replaced veraltet archiviert ersetzt"
    " ungültig obsolète archivé remplacé obsoleto archivado".split()
)
_LONGEST_FIELD = 100
_FRONT_MATTER = re.compile(
    r"---[ \t]*\n(?![ \t]*\n)(?P<fields>(?:.*\n)*?)(?:---|\.\.\.)[ \t]*(?:\n|\Z)"
)
_FIELD = re.compile(r"([\w.-]+)[ \t]*:(?:[ \t]+(.*)|[ \t]*)\Z")
_MORE_OF_FIELD = re.compile(r"[ \t]+\S|- |#|\s*\Z|[\])}]")

_FENCE = re.compile(r"[ \t]{0,12}(?:[-*+>]\s+)*(`{3,}|~{3,})")
_NOTE = re.compile(r" {0,3}\[\^([^\]\s]{1,60})\]:[ \t]*(.*)\Z")
_DIRECTIVE = re.compile(r"\s{0,12}(?:>\s?){0,9}\s{0,9}(?::{3,}[\w\s{}.=\"'-]*|\{%.*%\}|\{:.*\})\Z")
_BOX = re.compile(
    r"\s{0,12}:{3,}[ \t]{0,3}[\w-]{1,30}"
    r"(?:\[(?P<inner>[^\]]{1,200})\]|[ \t]+(?P<title>[^{\s][^{}]{0,200}))"
)
_COMPONENT_TAB = re.compile(
    r"\s{0,12}<Tab(?:Item)?\b[^>]{0,300}?\b(?:label|title)=\"([^\"]{1,100})\"[^>]{0,300}>\s*\Z"
)
_MODULE = re.compile(r"import [\w{},* ]{1,200} from ['\"]|export (?:const|default) ")
_ADMONITION = re.compile(r"(\s*)(?:!!!|\?\?\?\+?)\s+[\w-]+(?:\s+\"([^\"]*)\")?\s*\Z")
_TAB = re.compile(r"(\s*)===\+?!?\s+\"([^\"]*)\"\s*\Z")
_ALERT = re.compile(r"\s*\[!\w{1,20}\][+-]?[ \t]*")

_CODE_OR_EXTRA = re.compile(
    r"(?P<code>(?<!`)(`{1,4})(?!`)(?:[^`]|(?!\2(?!`))`){1,2000}?\2(?!`))"
    r"|\{\{[<%][^{}]{0,300}?\btext=\"(?P<text>[^\"]{0,200})\"[^{}]{0,300}?[%>]\}\}"
    r"|\{\{[<%][^{}]{0,500}[%>]\}\}"
    r"|\{%[^%]{0,500}%\}|\{:[^{}\n]{0,200}\}|\{[#.][\w#.:= \"'-]{1,200}\}"
    r"|\[\^(?P<note>[^\]\s]{1,60})\]"
    r"|\^\[(?P<inline>[^\[\]]{1,400})\]"
    r"|(?P<dunder>(?<!\w)__[A-Za-z]\w{0,40}__(?=\.\w|\())"
    r"|(?<=\d)(?P<times>\*)(?=\d)"
    r"|(?<=\w)~(?P<below>\w{1,10})~(?!~)|(?<=\w)\^(?P<power>[\w-]{1,10})\^"
    r"|(?<![\w=])==(?P<marked>[^=\s](?:[^=\n]{0,200}[^=\s])?)==(?![\w=])"
    r"|!?\[\[(?:[^\[\]|\n]{1,200}\|)?(?P<wiki>[^\[\]|\n]{1,200})\]\]"
    r"|(?<![\w:]):[a-z][a-z0-9_+-]{1,30}:(?![\w:])"
)
_EMPTY_BRACKETS = re.compile(r"\(\s*\)|\[\s*\](?!\()")
_STRAY = re.compile(r"(?<!\s)\*\*(?!\d)|(?<!\d)\*\*(?!\s)|(?<!\w)__(?=\w[^_]*\Z)|~~")
_IDENTITY = re.compile(r"\{#([\w.:-]{1,100})[^{}]{0,100}\}\s*\Z")
_ASKED = re.compile(r"(\*\*|__)([^*_\n]{3,300}\?)\1[ \t]*\\?\n(?=\S)")
"""A question in bold letters, with its answer on the next line."""
_TASK = re.compile(r"\[([ xX])\]\s+")
_CLOSE_TAG = re.compile(r"<\s{0,3}(/?)\s{0,3}([A-Za-z][A-Za-z0-9-]*)")
_STRUCK = ("del", "s", "strike")
_INTERRUPTING = (
    *("bullet_list_open", "ordered_list_open", "list_item_close"),
    *("blockquote_open", "blockquote_close"),
)
_LONGEST_INLINE = 10_000
"""Letters of a paragraph whose marks are read one by one; of a longer one they are struck out."""


def read_markdown(content: bytes, about: About) -> Iterator[Block]:
    """Marks become what they mean; code keeps every letter; what is struck out goes."""
    text = decode(content)
    text, fields = _without_toml(text) or _without_front_matter(text)
    if fields.get("title"):
        about.titles.append(fields["title"])
    about.updated_at = _time_in(fields)
    lines, notes = _prepared(text)
    page = _Page(notes)
    validity = _validity(fields)
    for block in page.blocks("\n".join(lines)):
        is_title = isinstance(block, Heading) and block.level == 1
        if validity and not is_title:
            yield Paragraph(validity)
            validity = ""
        if isinstance(block, Heading) and block.level == 1 and len(about.titles) < 2:
            about.titles.append(block.text)
        yield block


def _without_front_matter(text: str) -> tuple[str, dict[str, str]]:
    """Fields between the first two rules, if all that stands there is `key: value`."""
    front = _FRONT_MATTER.match(text)
    if not front:
        return text, {}
    fields: dict[str, str] = {}
    for line in front["fields"].split("\n"):
        if field := _FIELD.match(line):
            fields[field[1].lower()] = (field[2] or "").strip(" \t'\"")
        elif not (_MORE_OF_FIELD.match(line) and (fields or not line.strip())):
            return text, {}
    return (text[front.end() :], fields) if fields else (text, {})


def _without_toml(text: str) -> tuple[str, dict[str, str]] | None:
    """As above, of Hugo: TOML between two lines of "+++"."""
    if not text.startswith("+++\n"):
        return None
    front, mark, rest = text[4:].partition("\n+++\n")
    try:
        found = tomllib.loads(front) if mark else {}
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    return (rest, {name.lower(): str(value) for name, value in found.items()}) if found else None


def _validity(fields: dict[str, str]) -> str:
    """Return what front matter says of when the page holds; of a status, only that it is old."""
    said = [
        f"{words}: {one_line(fields[name])[:_LONGEST_FIELD]}."
        for name, words in _VALID.items()
        if fields.get(name) and (name != "status" or fields[name].casefold() in _OLD)
    ]
    return " ".join(said)


def _time_in(fields: dict[str, str]) -> datetime | None:
    return time_said(next((fields[key] for key in _UPDATED if key in fields), ""))


def _prepared(text: str) -> tuple[list[str], dict[str, str]]:
    """Lines without footnotes, which are put where they are referred to, and without what is
    written to other programs; what stands in a box or a tab stands at the margin."""
    lines: list[str] = []
    notes: dict[str, str] = {}
    fence = note = ""
    inset: list[int] = []
    for line in text.split("\n"):
        indent = len(line) - len(line.lstrip())
        while inset and line.strip() and indent < inset[-1]:
            inset.pop()
        if inset and line.strip():
            line = line[inset[-1] :]
        if mark := _FENCE.match(line):
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        elif not fence:
            if found := _NOTE.match(line):
                note = found[1]
                notes[note] = found[2]
                continue
            if note and line.startswith(("    ", "\t")):
                notes[note] += " " + line.strip()
                continue
            note = note if not line.strip() else ""
            if (opened := _opened(line, inset)) is not None:
                lines += ["", opened, ""]
                continue
        lines.append(line)
    return lines, {name: one_line(said) for name, said in notes.items()}


def _opened(line: str, inset: list[int]) -> str | None:
    """The title of the box or tab that a line opens or closes; None if it is a line of the text."""
    if box := _ADMONITION.match(line) or _TAB.match(line):
        inset.append((inset[-1] if inset else 0) + len(box[1]) + 4)
        return _titled(box[2])
    if box := _BOX.match(line):
        return _titled(box["inner"] or box["title"])
    if tab := _COMPONENT_TAB.match(line):
        return _titled(tab[1])
    return "" if _DIRECTIVE.match(line.rstrip()) or _MODULE.match(line) else None


def _titled(title: str | None) -> str:
    """The title of a box or a tab, which leads to what stands in it; or asks what it answers."""
    title = (title or "").strip()
    return f"**{title}**" if title.endswith("?") else f"{title}:" if title else ""


class _Page:
    def __init__(self, notes: dict[str, str]) -> None:
        self._markdown = MarkdownIt("commonmark", {"maxNesting": 40})
        self._markdown.enable(["table", "strikethrough"])
        self._markdown.disable("inline")
        self._notes = notes
        self._slugs = Slugs()
        self._environment: dict[str, object] = {}
        self._level = 0  # of the last heading
        self._lists: list[int] = []  # the last number of each open list
        self._item: list[str] | None = None
        self._mark = "-"
        self._quotes = 0
        self._alert = False
        self._rows: list[list[str]] = []
        self._head = 0

    def blocks(self, text: str) -> Iterator[Block]:
        tokens = self._markdown.parse(text, self._environment)
        for at, token in enumerate(tokens):
            yield from self._block(token, tokens, at)
        yield from self._flush()

    def _block(self, token: Token, tokens: Sequence[Token], at: int) -> Iterator[Block]:
        match token.type:
            case "inline":
                yield from self._text(token, tokens[at - 1])
            case "fence" | "code_block":
                yield from self._flush()
                yield Code(token.content, token.info.strip().split(" ")[0].strip("{}.")[:40])
            case "html_block":
                yield from self._flush()
                yield from html_blocks(token.content)
            case "table_close":
                yield from self._flush()
                yield from table(self._rows, header=self._head)
                self._rows, self._head = [], 0
            case kind if kind in _INTERRUPTING:
                yield from self._flush()
                self._enter(token)
            case _:
                self._enter(token)

    def _enter(self, token: Token) -> None:
        """A list, a quotation or a table begins or ends."""
        match token.type:
            case "bullet_list_open":
                self._lists.append(0)
            case "ordered_list_open":
                self._lists.append(int(token.attrGet("start") or 1) - 1)
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                self._item, self._mark = [], "-"
                if token.info:  # whatever is written behind the first number, it counts by ones
                    self._lists[-1] += 1
                    self._mark = f"{self._lists[-1]}{token.markup}"
            case "blockquote_open":
                self._quotes += 1
            case "blockquote_close":
                self._quotes -= 1
                self._alert = self._alert and self._quotes > 0
            case "tr_open":
                self._rows.append([])
            case "thead_close":
                self._head = len(self._rows)

    def _flush(self) -> Iterator[Block]:
        """The item that is open, as far as it has been read."""
        if self._item:
            yield Item("\n".join(self._item), len(self._lists) - 1, self._mark)
            self._item = None

    def _text(self, token: Token, opening: Token) -> Iterator[Block]:
        content = token.content
        if opening.type == "heading_open":
            named = _IDENTITY.search(content)
            text, _ = self._plain(content)
            level = int(opening.tag[1])
            anchor = named[1] if named else self._slugs.of(one_line(text))
            found = heading(text, level, anchor=anchor)
            if isinstance(found, Heading):
                self._level = level
            yield found
        elif opening.type in ("td_open", "th_open"):
            self._rows[-1].append(one_line(self._plain(content)[0]))
        elif self._quotes and (alert := _ALERT.match(content)):
            self._alert = True
            if content := content[alert.end() :]:
                yield from self._paragraph(content)
        else:
            yield from self._paragraph(content)

    def _paragraph(self, content: str) -> Iterator[Block]:
        if defined := _definitions(content):
            yield from self._flush()
            for term, meaning in defined:
                yield Row((self._plain(term)[0], self._plain(meaning)[0]))
            return
        if self._item is None and (asked := _ASKED.match(content)):
            yield Question(self._plain(asked[2])[0])
            content = content[asked.end() :]
        if self._item == [] and (task := _TASK.match(content)):  # a box that is seen
            content = ("☐ " if task[1] == " " else "☑ ") + content[task.end() :]
        text, look = self._plain(content)
        if self._item is not None:
            self._item.append(text)
        elif look == "picture":
            yield Caption(text)
        elif look == "bold":
            yield bold(text, self._level)
        elif self._quotes and not self._alert:
            yield Quotation(text)
        else:
            yield from questions(text)

    def _plain(self, content: str) -> tuple[str, str]:
        """The text as it is seen; and "bold" or "picture", if it is all of that."""
        content = _CODE_OR_EXTRA.sub(_extra, content)
        if len(content) > _LONGEST_INLINE:
            return with_notes(without_marks(content), self._notes), ""
        tokens: list[Token] = []
        self._markdown.inline.parse(content, self._markdown, self._environment, tokens)
        text, look = _Inline(self._notes).read(tokens)
        return _EMPTY_BRACKETS.sub("", with_notes(text, self._notes)), look


def _definitions(content: str) -> list[tuple[str, str]]:
    """Terms and what they mean, each meaning on a line that begins with a colon."""
    term, found = "", []
    for line in content.split("\n"):
        if line.startswith(": ") or line.startswith(":\t"):
            if not term:
                return []
            found.append((term, line[1:].strip()))
        else:
            term = line.strip()
    return found


def _extra(match: re.Match[str]) -> str:
    if match["code"]:
        return match[0]
    if match["note"]:
        return note_mark(match["note"])
    if match["inline"]:
        return f" [{match['inline']}]"
    if match["dunder"] or match["times"]:
        return re.sub(r"([_*])", r"\\\1", match[0])
    if match["power"]:
        return "^" + match["power"]
    return match["text"] or match["wiki"] or match["below"] or match["marked"] or ""


class _Inline:
    """Inline tokens as text: struck-out words go, addresses go, raised figures stay apart."""

    def __init__(self, notes: dict[str, str]) -> None:
        self._notes = notes
        self._parts: list[str] = []
        self._struck = 0
        self._raised: list[int] = []
        self._strong = 0
        self._paired: set[str] = set()
        """Elements that are closed: those of another program, and no placeholders."""
        self._letters = {"bold": 0, "picture": 0, "": 0}

    def read(self, tokens: Sequence[Token]) -> tuple[str, str]:
        tags = (_CLOSE_TAG.match(one.content) for one in tokens if one.type == "html_inline")
        self._paired = {tag[2].lower() for tag in tags if tag and tag[1]}
        for token in tokens:
            self._token(token)
        seen = sum(self._letters.values())
        looks = (look for look in ("bold", "picture") if seen and self._letters[look] == seen)
        return "".join(self._parts), next(looks, "")

    def _token(self, token: Token) -> None:
        match token.type:
            case "s_open":
                self._struck += 1
            case "s_close":
                self._struck -= 1
            case "strong_open":
                self._strong += 1
            case "strong_close":
                self._strong -= 1
            case "html_inline":
                self._tag(token.content)
            case "softbreak" | "hardbreak":
                self._parts.append("\n")
            case "code_inline":
                self._say(token.content, "")
            case "image":
                self._say(token.content, "picture")
            case "text" | "text_special":
                self._say(_STRAY.sub("", token.content), "bold" if self._strong else "")

    def _say(self, text: str, look: str) -> None:
        if not self._struck:
            self._parts.append(text)
            self._letters[look] += sum(map(str.isalnum, text))

    def _tag(self, tag: str) -> None:
        found = _CLOSE_TAG.match(tag)
        name = found[2].lower() if found else ""
        if name == "br":
            self._parts.append("\n")
        elif name in _STRUCK and found:
            self._struck += -1 if found[1] and self._struck else not found[1]
        elif name == "sup" and found:
            if not found[1]:
                self._raised.append(len(self._parts))
            elif self._raised:
                start = self._raised.pop()
                text, before = "".join(self._parts[start:]), "".join(self._parts[:start])
                self._parts[start:] = [raised(text, before, self._notes)]
        elif name in ("strong", "b") and found:
            self._strong += -1 if found[1] and self._strong else not found[1]
        elif name and name not in TAGS and name not in self._paired:
            self._say(tag, "")  # no tag of HTML: a placeholder such as <version>
