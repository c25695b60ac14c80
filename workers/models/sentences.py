"""Where sentences end, and which sentences a text has."""

import re
from collections.abc import Iterator

_END = re.compile(r"[.!?…۔؟।॥።][\"'”’»)\]*_]*(?=\s)|[。！？]")
"""Also the marks of Urdu and Arabic, of Hindi and related languages, of Chinese and Japanese."""
_LAST_WORD = re.compile(r"[^\s(\[\"'*_]{0,12}\Z")
_ABBREVIATIONS = frozenset(
    re.findall(
        r"\S+",
        "e.g i.e eg ie etc vs cf al ca approx resp incl excl no nos nr art sec sect para fig figs"
        " eq vol ch pp p ed eds min max est dept univ inc ltd co corp bros mr mrs ms dr prof st jr"
        " sr gen rep sen hon rev a.m p.m u.s u.k jan feb mar apr jun jul aug sep sept oct nov dec"
        " mon tue wed thu fri sat"
        # German: "z. B." is written with a space, so that its letters are initials as well
        " z.b d.h u.a o.ä u.ä i.d.r z.t s.o s.u v.a m.e ggf bzw inkl exkl zzgl abs nr str tel vgl"
        " evtl ca usw abzgl mind max bspw sog lt hrsg aufl bd kap abb tab anm art ziff ff s mio"
        " mrd tsd jan feb mär apr jun jul aug sept okt nov dez mo di mi do fr sa std min sek"
        # French, Spanish, Italian, Dutch
        " m mme mlle cf env p.ex av apr sr sra srta dra ud uds pág núm art.° p.ej sig sigg dott"
        " ing avv pag ecc bijv d.w.z o.a blz dhr mevr drs págs pp mm réf tél dpto núms av.ª"
        # Swedish, Danish, Norwegian, Polish, Czech; Russian and Ukrainian
        " t.ex bl.a o.s.v d.v.s f.eks osv tlf kl ul nr np tzw tj lek č čj např tzv str"
        " ул пр-т пер обл гг стр рис табл см ср т.е т.к т.д т.п др проф им руб тыс млн млрд вул",
    )
)
_SOMETIMES_LAST = frozenset(
    (
        "etc", "a.m", "p.m", "u.s", "u.k", "inc", "ltd", "co", "corp", "jr", "al", "no",
        "usw", "ff", "ecc", "min", "max", "tab", "so", "mi", "m", "s", "sa", "di",
        "do", "mo", "fr", "sat", "sun", "mon", "fri", "thu", "wed", "tue",
        "т.д", "т.п", "др", "гг", "руб", "млн", "тыс", "млрд", "osv", "o.s.v",
    )
)  # fmt: skip
"""Abbreviations that may end a sentence: they do if a capital follows ("no": never a number)."""

_BEFORE_NUMBER = frozenset("p s n d т д с п г л č".split())
_SPACED = re.compile(
    r"(?<![^\W_])(?:z\. ?[BTZ]\.|d\. ?h\.|u\. ?[aäU]\.|[ou]\. ?Ä\.|o\. ?[äg]\.|i\. ?[dA]\."
    r"|s\. ?[ou]\.|v\. ?a\.|m\. ?E\.|p\. ?e[xj]?\.|d\. ?w\. ?z\.|a\. ?C\.|n\. ?Chr)"
)
_NEXT_WORD = re.compile(r"\s+([^\W\d_]+\.?)")
_WORD_BEFORE = re.compile(r"([^\W\d_]{1,15}\.?)\s{1,9}\Z")
_MONTHS = frozenset(
    "januar jänner februar märz april mai juni juli august september oktober november dezember"
    " jan feb mär apr jun jul aug sep sept okt nov dez quartal halbjahr stock etage jahrhundert"
    " januari februari mars maj augusti januari mei tammikuuta helmikuuta leden února března dubna"
    " května června července srpna září října listopadu prosince".split()
)
"""Words that follow an ordinal in languages that write it with a full stop."""
_BEFORE_ORDINAL = frozenset(
    "der dem den des das im vom zum zur bis ab seit jeder jedem jeden jedes".split()
)

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
_BULLET = re.compile(r"\s*(?:[-•]\s+)?")


def sentences(text: str) -> list[str]:
    """Return the sentences of Markdown or plain text in reading order, without their marks.

    List items and table rows are sentences of their own, a short block of code is one, and
    headings, rules and long code are left out: nobody would quote them as an answer. A sentence of
    more than 600 letters is cut between words.
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


def is_fence(line: str) -> bool:
    """Whether a line of Markdown begins or ends a block of code."""
    return bool(_FENCE.match(line))


def without_bullet(item: str) -> str:
    return _BULLET.sub("", item, count=1)


def sentence_ends(text: str) -> Iterator[int]:
    """Return offsets after each sentence and the space after it; the last is `len(text)`.

    A full stop after an abbreviation or an initial, or before a small letter, ends nothing.
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
    """Clean one line of plain text: links become their words; emphasis, code marks and tags go."""
    text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))
    text = _CODE_MARK.sub(r"\1", _EMPHASIS.sub(r"\2", _TAG.sub(" ", text)))
    return " ".join(text.split())


def _without_comments(text: str) -> str:
    """Remove template comments of Markdown, which are instructions to authors; an open one runs to
    the end.
    """
    shown, *commented = text.split("<!--")
    return shown + " ".join(part.partition("-->")[2] for part in commented)


def _ends_sentence(text: str, mark: int, following: str) -> bool:
    if text[mark] != ".":
        return True
    if following.islower():
        return False
    last = _LAST_WORD.search(text, max(0, mark - 12), mark)
    word = last.group() if last else ""
    if word in _BEFORE_NUMBER and following.isdigit():  # "p. 3", "д. 5"
        return False
    if len(word) == 1 and word.isalpha():  # an initial, as in "J. Doe" and "z. B."
        return word.islower() and not _is_spaced_abbreviation(text, mark)
    if word.isdecimal():
        return not _is_ordinal(text, mark, len(word))
    word = word.lower()
    if word not in _ABBREVIATIONS:
        return True
    if word == "no":
        return not following.isdigit()
    return word in _SOMETIMES_LAST and following.isupper()


def _is_spaced_abbreviation(text: str, mark: int) -> bool:
    """Whether a single small letter before a full stop belongs to "z. B.", "d. h.", "u. a."."""
    return bool(_SPACED.search(text[max(0, mark - 6) : mark + 8]))


def _is_ordinal(text: str, mark: int, digits: int) -> bool:
    """Whether a number before a full stop is an ordinal: "am 3. Juli", "der 2. Stock", "1. the
    buyer".
    """
    if digits > 2:
        return False
    after = _NEXT_WORD.match(text, mark + 1)
    if after and after[1].lower().rstrip(".") in _MONTHS:
        return True
    before = _WORD_BEFORE.search(text, max(0, mark - digits - 16), mark - digits)
    return bool(before and before[1].lower() in _BEFORE_ORDINAL) or mark == digits


def _paragraphs(text: str) -> Iterator[str]:
    """Join paragraphs, list items and table rows to one line; code starts with a line break."""
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
    """Whether a line belongs to no sentence (blank, heading, rule) or is a row of a table."""
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
