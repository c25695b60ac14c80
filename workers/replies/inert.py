"""Makes other people's text harmless: nothing in it can be followed, and addresses are checked.

An address from the cited passage is content and shown as inert code. Any other address is removed,
and so is whatever looks like one of our citations. docs/threats.md has the rules.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, unquote

LONGEST_ADDRESS = 3000
"""Slack's limit for the address of a button; no limit is documented for a link element."""
_GONE = "[…]"
_END, _END_OF_RUN = re.compile(""), re.compile(r"\S*")
"""What is removed with an address: nothing; or, if the removal made a new address, all text
attached to it."""

# Characters that a reader does not see (Default_Ignorable_Code_Point), that change the writing
# direction, controls, and halves of surrogate pairs, which PostgreSQL would refuse.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SLACK_MARK = re.compile(r"<[@#!][^<>\n]{0,300}>|<(?=[@#!])")

_CONFUSABLES = str.maketrans(
    {
        **dict.fromkeys("\u2024\ua4f8\u06d4\u0701\u0702\u0660\u06f0\u3002\ufe52", "."),
        **dict.fromkeys("\u2044\u2215\u2571\u29f8\u3033", "/"),
        **dict.fromkeys("\u2216\u29f5\u29f9\ufe68", "\\"),
        **dict.fromkeys("\u02d0\u02f8\u05c3\u0703\u0704\u1803\u1809\u205a\u2236\ua4fd\ua789", ":"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\ufe58", "-"),
        **dict.fromkeys("\u27e6\u3010\u3014\u3016\u3018\u301a\u2045\u2772\u2997\u298b\ufe47", "["),
        **dict.fromkeys("\u27e7\u3011\u3015\u3017\u3019\u301b\u2046\u2773\u2998\u298c\ufe48", "]"),
        **dict.fromkeys("\u2768\u276a\u27ee\u2985", "("),
        **dict.fromkeys("\u2769\u276b\u27ef\u2986", ")"),
        **dict.fromkeys("\u055d\u201a\u066b", ","),
        # Letters that make up the names of schemes and hosts: Cyrillic, then Greek.
        **dict(zip("авеіјкмнорсѕтухһԁɡӏ", "abeijkmhopcstyxhdgl", strict=True)),
        **dict(zip("АВЕІЈКМНОРСЅТУХ", "ABEIJKMHOPCSTYX", strict=True)),
        **dict(zip("αεικνορτυχ", "aeikvoptux", strict=True)),
        # Letters in circles, in squares, and those that flags are made of.
        **{chr(at + n): chr(97 + n) for at in (0x1F150, 0x1F170, 0x1F1E6) for n in range(26)},
    }
)
"""Characters that look like an ASCII one and that NFKC leaves as they are (Unicode TR 39)."""
_MARKS = frozenset({"Mn", "Me"})


@dataclass(frozen=True, slots=True)
class _Shadow:
    """A text as a reader sees it: what looks like ASCII is ASCII. `at` maps back to the text."""

    text: str
    at: list[int] | None

    @classmethod
    def of(cls, text: str) -> "_Shadow":
        if text.isascii():
            return cls(text, None)
        letters: list[str] = []
        at: list[int] = []
        for place, letter in enumerate(text):
            seen = "" if unicodedata.category(letter) in _MARKS else _seen(letter)
            letters.append(seen)
            at.extend([place] * len(seen))
        return cls("".join(letters), [*at, len(text)])

    def place(self, offset: int) -> int:
        return offset if self.at is None else self.at[offset]

    def until(self, offset: int) -> int:
        """Return the position after the character that ends at this offset, with its combining
        marks.
        """
        return offset if self.at is None else self.at[offset - 1] + 1


def _seen(letter: str) -> str:
    if letter.isascii() or letter == "…":
        return letter
    shown = unicodedata.normalize("NFKC", letter).translate(_CONFUSABLES)
    shown = "".join(one for one in shown if unicodedata.category(one) not in _MARKS)
    return shown if shown and not shown.isspace() else letter


# -- addresses that become links ----------------------------------------------------------------

_WEB_ADDRESS = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,30}|\[[0-9a-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>[/?#][^\s<>|\"`\\]{0,3000})?",
    re.IGNORECASE,
)
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*")
_KEPT_IN_ADDRESS = "%!$&'()*+,-./:;=?@_~#[]"


def web_address(stored: str | None, anchor: str = "") -> str | None:
    """Return a stored address as a link may have it, with the place in the page; None if unsafe.

    It must be http or https with an ASCII host that is what it shows: no user name, no escapes, no
    unusual number, and no `xn--`, which a browser may show as other letters. The reader's own
    machine is refused, too.
    """
    parsed = _WEB_ADDRESS.fullmatch(stored or "")
    if parsed is None or not _is_plain_host(parsed["host"].lower()):
        return None
    port, rest = parsed["port"], parsed["rest"] or ""
    if port is not None and not 1 <= int(port) <= 65535:
        return None
    if _INVISIBLE.search(rest) or _INVISIBLE.search(unquote(rest)):
        return None
    shown = f"{parsed['scheme'].lower()}://{parsed['host'].lower()}{f':{port}' if port else ''}"
    shown += quote(rest, safe=_KEPT_IN_ADDRESS)
    if anchor and "#" not in rest:
        shown += "#" + quote(anchor, safe="=&")
    return shown if len(shown) <= LONGEST_ADDRESS else None


def link(address: str | None, words: str) -> dict[str, Any]:
    """Make a link of a stored address, the only place that does; if it is unsafe, only
    the words.
    """
    checked = web_address(address)
    if checked is None:
        return {"type": "text", "text": words}
    return {"type": "link", "url": checked, "text": words}


def _is_plain_host(host: str) -> bool:
    name = host.strip("[]")
    if host.startswith("[") or _NUMERIC.fullmatch(name.rpartition(".")[2]):
        try:
            address = ip_address(name)
        except ValueError:
            return False
        is_nobodys = address.is_loopback or address.is_unspecified or address.is_link_local
        return str(address) == name and not (is_nobodys or address.is_multicast)
    labels = name.split(".")
    return labels[-1] != "localhost" and not any(
        label.startswith(("xn--", "-")) or label.endswith("-") for label in labels
    )


# -- text ---------------------------------------------------------------------------------------


def inert(text: str, *, passage: str = "", hosts: bool = False) -> str:
    """Return text that can cause nothing: no addresses, mentions or invisible characters.

    An address stays if the `passage` contains it; with `hosts`, a bare `acme.example` stays, too.
    What stays is still shown as code (`elements`).
    """
    shown = _SLACK_MARK.sub("…", _INVISIBLE.sub("", text))
    shown = " ".join(shown.split())
    given = _addresses_in(passage)

    def is_kept(found: _Found) -> bool:
        return found.name in given or (hosts and found.is_bare)

    once = _without_addresses(shown, is_kept, _END)
    return _without_addresses(once, is_kept, _END_OF_RUN)


def inert_excerpt(text: str, limit: int, *, hosts: bool = False) -> str:
    """Return the beginning of a text, inert; with `hosts` it is shown by `elements`."""
    return shortened(inert(text[: 10 * limit], hosts=hosts), limit)


def shortened(text: str, limit: int) -> str:
    """Shorten inert text to this length; an ellipsis shows that something is left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _without_addresses(
    text: str, is_kept: Callable[["_Found"], bool], ends: re.Pattern[str]
) -> str:
    kept, at = [], 0
    for found in _found(text):
        if found.start >= at and not is_kept(found):
            kept += [text[at : found.start], _GONE]
            end = ends.match(text, found.end)
            at = end.end() if end else found.end
    return "".join([*kept, text[at:]])


def elements(text: str) -> list[dict[str, Any]]:
    """Split text for a `rich_text` section, with every address as code, which no client links."""
    made: list[dict[str, Any]] = []
    end = 0
    for found in _found(text):
        if found.start > end:
            made.append({"type": "text", "text": text[end : found.start]})
        code = text[found.start : found.end]
        made.append({"type": "text", "text": code, "style": {"code": True}})
        end = found.end
    if end < len(text):
        made.append({"type": "text", "text": text[end:]})
    return made


@dataclass(frozen=True, slots=True)
class _Found:
    """Something in a text that looks like an address."""

    start: int
    end: int
    name: str
    """As a reader sees it, in lower case: used to find it in a passage."""
    is_bare: bool


_HTTP = r"h(?:tt|xx|\*\*)ps?"
_SCHEMES = (
    r"mailto|vbscript|blob|tel|sms|callto|facetime(?:-audio)?|tg|whatsapp|xmpp|sips?|msteams"
    r"|ms-[a-z]{2,20}|zoommtg|geo|bitcoin|ethereum|market|steam|itms(?:-apps)?|view-source|magnet|ldaps?|smb|afp|s?ftps?|ssh|telnet|gopher|webcal"
)
_COMMON = r"com|net|org|info|biz|io|co|dev|app|example"
_ADDRESS = re.compile(
    r"(?<![a-z0-9+.-])[a-z0-9+.-]++(?::|\[:\]|\(:\))[/\\]{2}\S*"
    rf"|\b{_HTTP}\s?(?::|\[:\]|\(:\))(?:\s?[/\\]|[\w\[])\S*"
    r"|\bwww\d?\.\S+"
    r"|(?<![\w:/\\])(?://|\\\\)[a-z0-9]\S*"
    r"|\bjava\s?script\s?:\S+"
    rf"|\b(?:{_SCHEMES}):\S+"
    r"|\bdata:[^\s,:]{0,200},\S*"
    # An unknown word with a colon, before something that only an address has.
    r"|(?<![\w+.-])[a-z][a-z0-9+-]{1,20}:(?=\+?\d{7}|[/\\]\w|#\w{1,20};|[^\s?:]{1,200}\?[a-z])\S+"
    # Mailboxes, also in the spellings that people use to hide them.
    r"|(?<![\w.+%-])[\w.+%-]++@\w[\w.-]*+(?:[:/?]\S*)?"
    r"|(?<![\w.+%-])[\w.+%-]{1,64}+\s?[\[({]\s?(?:at|@)\s?[\])}]\s?\w\S*"
    # Hosts that have no name, or one without a dot.
    r"|(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d|[/\\?#])\S*"
    r"|(?<![\w.])(?:0x[0-9a-f]{6,8}|\d{8,10})(?::\d{1,5})?[/\\][a-z]\S*"
    r"|\[[0-9a-f.]{0,15}:[0-9a-f:.]{1,40}\][:/\\]\S*"
    r"|\blocalhost(?::\d|[/\\?#])\S*"
    r"|(?<![\w./%-])[\w.%-]++/[\w./%-]*+\?[\w%-]{1,60}=\S*"
    # Telephone numbers.
    r"|(?<![\w+])\+\d(?:[ ()/.-]{0,2}\d){6,17}"
    # Names written in pieces.
    r"|(?<![\w-])[\w-]{1,63}+\s?[\[({]\s?(?:dot|\.)\s?[\])}]\s?[a-z]\S*"
    rf"|(?<![\w-])[\w-]{{1,63}}+(?: dot | \.(?!(?-i:NET)\b) ?|[·‧•∙⋅])(?:{_COMMON})\b\S*"
    r"|(?P<host>(?<![\w-])[\w-]++(?:\.[\w-]++)++)",
    re.IGNORECASE,
)
"""Applied to the shadow of a text. No run of characters is read twice: its time is linear."""
_BEHIND_HOST = re.compile(r"\.?(?::\d{1,5})?[/\\?#]\S*|:\d{1,5}\b")
_BEHIND_SCHEME = re.compile(r"(?::|\[:\]|\(:\))[/\\]{2}\S*")
_TRAILING = ".,;:!?'\"»”’*_~…"
_CLOSING = {")": "(", "]": "[", "}": "{", ">": "<"}
_TOP = re.compile(r"[^\W\d_]{2,63}|xn--[a-z0-9-]{1,59}", re.IGNORECASE)
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_COMMON_TOPS = frozenset(_COMMON.split("|"))
_FILES = frozenset(
    "txt csv tsv json jsonl yaml yml toml ini cfg conf log xml html htm css js jsx ts tsx mjs java"
    " go rb php c h cpp hpp cs swift kt sql ipynb pdf doc docx dot dotx xls xlsx ppt pptx odt ods"
    " odp rtf epub png jpg jpeg gif svg webp mp mp3 mp4 wav eml msg exe msi dmg deb rpm tar gz bz2"
    " xz lock bak tmp env pem crt key bat ps1 dll jar war vue scss less rst adoc".split()
)
_FILES_AND_TOPS = frozenset("md py sh pl rs zip mov ps app".split())
"""File name endings that are also top-level domains: with one dot it counts as a file."""
_ABBREVIATED = frozenset(
    "dr prof dipl ing ca bzw inkl exkl ggf evtl zzgl abs nr art etc vs usw approx incl excl no st"
    " sog vgl max min tel str fig sec para al".split()
)
_PLATFORMS = frozenset({"ASP.NET", "ADO.NET", "VB.NET", "ML.NET"})


def _found(text: str) -> Iterator[_Found]:
    shadow = _Shadow.of(text)
    at = 0
    while found := _ADDRESS.search(shadow.text, at):
        start, at = found.span()
        is_bare = False
        if found["host"] is not None and (scheme := _BEHIND_SCHEME.match(shadow.text, at)):
            at = (
                scheme.end()
            )  # a word with other letters than ASCII is no scheme, and looks like one
        elif found["host"] is not None:
            behind = _BEHIND_HOST.match(shadow.text, at)
            if not _is_host(found["host"], shadow.text[at : at + 1], has_path=behind is not None):
                continue
            is_bare = behind is None
            at = at if behind is None else behind.end()
        end = _trimmed(shadow.text, start, at)
        name = shadow.text[start:end].lower()
        yield _Found(shadow.place(start), shadow.until(end), name, is_bare)


def _trimmed(text: str, start: int, end: int) -> int:
    """Strip the punctuation of the sentence around it."""
    within = set(text[start:end])
    while end - start > 1:
        last = text[end - 1]
        if last not in _TRAILING and _CLOSING.get(last, last) in within:
            break
        end -= 1
    return end


def _is_host(name: str, following: str, *, has_path: bool) -> bool:
    """Whether dotted words are a host, and not a file, an abbreviation or two sentences."""
    *labels, top = name.split(".")
    if not _TOP.fullmatch(top) or _UNSPACED.search(top):
        return False
    if _UNSPACED.search(labels[-1]) and not (top.isascii() and top.islower()):
        return False
    if has_path:
        return True
    if name in _PLATFORMS or not any(letter.isalpha() for label in labels for letter in label):
        return False
    small = top.lower()
    if small in _FILES or (small in _FILES_AND_TOPS and len(labels) == 1):
        return False
    if small in _COMMON_TOPS:
        return True
    is_next_sentence = top[0].isupper() and labels[-1][-1:].islower()
    is_call = following == "("
    return not (is_next_sentence or is_call or labels[-1].lower() in _ABBREVIATED)


def _addresses_in(passage: str) -> frozenset[str]:
    return frozenset(found.name for found in _found(_INVISIBLE.sub("", passage)))


# -- what looks like a citation of ours ---------------------------------------------------------

_NUMBER = (
    r"(?:[#^]?\d{1,6}[a-d]?|one|two|three|four|five|six|seven|eight|nine|ten|i{1,3}|iv|vi{0,3}|ix"
    r"|eins|zwei|drei|vier|fünf)\.?"
)
_SOURCE = r"source|src|ref(?:erence)?|cit(?:ation)?|passage|quelle|beleg|zitat"
_NAMED = (
    rf"(?:(?:{_SOURCE}|note|doc(?:ument)?|fn|see|siehe|footnote|fu(?:ß|ss)note|anm|nr|no|p)[sn]?"
    r"[.:]?\s?)?"
)
_JOINED = r"\s{0,3}(?:[,;/&+…-]|to|and|und|bis)\s{0,3}"
_INSIDE = rf"\s{{0,3}}{_NAMED}{_NUMBER}(?:{_JOINED}{_NUMBER}){{0,20}}\s{{0,3}}(?:†[^\[\]]{{0,60}})?"
_LOOK_ALIKE = re.compile(
    rf"(?P<bracket>\[\[{_INSIDE}\]\]|\[{_INSIDE}\]"
    r"|\[\s?#?\d{1,3}\s?\)|\(\s?#?\d{1,3}\s?\])"
    r"|(?P<open>\[\s?#?\d{1,3}(?=[.!?]?\s*+\Z))"
    rf"|(?P<round>\(\s?(?:(?:{_SOURCE})[sn]?[.:]?\s?)?#?\d(?:\s?[,;-]\s?\d)*+\s?\)"
    r"|[「『〈《⟨˹‹«{<]\s?#?\d{1,3}\s?[」』〉》⟩˼›»}>])",
    re.IGNORECASE,
)
"""Applied to the shadow of a text, in which brackets and digits of every kind are ASCII."""
_SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_RAISED = re.compile(rf"[{_SUPERSCRIPT}]{{1,4}}|[\u2460-\u249b\u24ea-\u24ff\u2776-\u2793]|\d\u20e3")
_UNIT = re.compile(r"(?:[\d⁻⁺]|(?<![^\W\d_])[^\W\d_]{1,2})\Z")
_REFERENCE = re.compile(
    r"(?:\d|§|\b(?:section|paragraph|para|clause|article|art|step|form|table|figure|annex|appendix"
    r"|level|phase|absatz|abs|satz|artikel|nr|no|class|category|group|option"
    # A number in words, repeated in digits.
    r"|one|two|three|four|five|six|seven|eight|nine|eine?|zwei|drei|vier|fünf|sechs|sieben|acht|neun"
    r")\.?)\s?\Z",
    re.IGNORECASE,
)
_ENDS_HERE = re.compile(r"\s*+(?:\Z|[.,;:!?])")
_IN_CODE = re.compile(r"[=`{}_]|\w\(")


def without_look_alikes(text: str) -> str:
    """Remove whatever could be taken for a citation: only our own numbers are shown as such.

    Numbers of a list ("(1) Fill in the form"), of sections and of code (`list[0]`) stay.
    """
    text = _INVISIBLE.sub("", text)
    for instead in ("", "", "…"):  # what goes may leave another one behind
        spans = [*_cited(text), *_raised(text)]
        if not spans:
            break
        text = _without(text, sorted(spans), instead)
    return text


def _without(text: str, spans: list[tuple[int, int]], instead: str) -> str:
    kept, at = [], 0
    for start, end in spans:
        if start >= at:
            kept += [text[at:start].rstrip(), instead]
            at = end
    return "".join([*kept, text[at:]])


def _cited(text: str) -> Iterator[tuple[int, int]]:
    shadow = _Shadow.of(text)
    gone, is_code = -1, bool(_IN_CODE.search(shadow.text))
    for found in _LOOK_ALIKE.finditer(shadow.text):
        start, end = found.span()
        touches = start == gone
        if found["round"] is not None:
            is_one = touches or _stands_where_citations_do(shadow.text, start, end)
        else:
            is_one = touches or not _is_index(
                shadow.text[max(0, start - 1) : start], found[0], is_code=is_code
            )
        if is_one:
            gone = end
            yield shadow.place(start), shadow.until(end)


def _is_index(before: str, brackets: str, *, is_code: bool) -> bool:
    """Whether it is an index in code, such as `list[0]`. Our own numbers begin at 1."""
    if brackets[0] != "[" or not (before.isalnum() or (before and before in "_])")):
        return False
    return is_code or "0" in brackets


def _stands_where_citations_do(text: str, start: int, end: int) -> bool:
    if not _ENDS_HERE.match(text, end):
        return False
    return not _REFERENCE.search(text[max(0, start - 20) : start])


def _raised(text: str) -> Iterator[tuple[int, int]]:
    """Whether it is a raised or circled number; not one of a unit (m², 10³) or at the head of a
    list.
    """
    for found in _RAISED.finditer(text):
        start, end = found.span()
        if found[0][0] in _SUPERSCRIPT:
            if not _UNIT.search(text[max(0, start - 3) : start]):
                yield start, end
        elif _ENDS_HERE.match(text, end):
            yield start, end
