"""Rich Text Format: control words, groups, and letters in the charset of their font."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from workers.ingest.formats.symbols import symbol

_TOKEN = re.compile(
    r"\\(?P<word>[a-zA-Z]{1,32})(?P<number>-?\d{1,10})? ?|\\'(?P<byte>[0-9a-fA-F]{2})"
    r"|\\(?P<escaped>[\\{}])|\\(?P<sign>[^a-zA-Z])|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)|[\r\n]+|\\",
    re.DOTALL,
)
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "big5", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251",
    222: "cp874", 238: "cp1250",
}  # fmt: skip
_SYMBOLS = 2
_TWO_BYTES = ("cp932", "cp949", "gbk", "big5")
_FONT = re.compile(r"\\f(\d{1,5})(?![\d])([^{};]{0,200})")
_FONT_CHARSET = re.compile(r"\\fcharset(\d{1,3})")
_CODE_PAGE = re.compile(r"\\ansicpg(\d{3,5})")


@dataclass(frozen=True, slots=True)
class Token:
    """One of: a control word with its number, a brace, letters."""

    word: str = ""
    number: int | None = None
    brace: str = ""
    text: str = ""


@dataclass(slots=True)
class Fonts:
    """In which charset the letters of each font are."""

    usual: str = "cp1252"
    charsets: Mapping[int, str] = field(default_factory=dict)
    symbols: Mapping[int, str] = field(default_factory=dict)
    """Names of the fonts whose letters are symbols."""

    @classmethod
    def of(cls, source: str) -> "Fonts":
        page = _CODE_PAGE.search(source[:2_000])
        usual = f"cp{page[1]}" if page else "cp1252"
        try:
            b"a".decode(usual)
        except LookupError:
            usual = "cp1252"
        start = source.find("{\\fonttbl")
        charsets: dict[int, str] = {}
        symbols: dict[int, str] = {}
        for font in _FONT.finditer(source, max(start, 0), max(start, 0) + 50_000):
            charset = _FONT_CHARSET.search(font[2])
            number = int(charset[1]) if charset else 0
            if number in _CHARSETS:
                charsets.setdefault(int(font[1]), _CHARSETS[number])
            elif number == _SYMBOLS:
                symbols.setdefault(int(font[1]), font[2].rpartition(" ")[2])
        return cls(usual, charsets, symbols)


class Tokens:
    """The tokens of a source; the reader says which font is on by setting `font`."""

    def __init__(self, source: str, fonts: Fonts) -> None:
        self.font = 0
        self.skipped = 1
        """Letters that stand for the one after `\\u` in old programs."""
        self._source = source
        self._fonts = fonts
        self._bytes = bytearray()
        self._to_skip = 0

    def __iter__(self) -> Iterator[Token]:
        at = 0
        while match := _TOKEN.match(self._source, at):
            at = match.end()
            if (byte := match["byte"]) is not None:
                self._byte(int(byte, 16))
            elif text := match["text"] or match["escaped"]:
                yield from self._letters(text)
            else:
                if text := self._held():
                    yield Token(text=text)
                if match["word"] == "bin":
                    at += max(int(match["number"] or 0), 0)
                elif token := self._token(match):
                    yield token
        if text := self._held():
            yield Token(text=text)

    def _token(self, match: re.Match[str]) -> Token | None:
        if match["brace"]:
            self._to_skip = 0
            return Token(brace=match["brace"])
        number = int(match["number"]) if match["number"] else None
        if match["word"] == "u" and number is not None:
            self._to_skip = self.skipped
            return Token(text=chr(number % 65_536))
        if match["word"]:
            return Token(match["word"], number)
        return Token(match["sign"]) if match["sign"] else None

    def _byte(self, byte: int) -> None:
        if self._to_skip:
            self._to_skip -= 1
        else:
            self._bytes.append(byte)

    def _letters(self, text: str) -> Iterator[Token]:
        skipped, self._to_skip = min(self._to_skip, len(text)), 0
        text = text[skipped:]
        if self._bytes and text and self._is_half():
            self._bytes.append(ord(text[0]) & 0xFF)
            text = text[1:]
        if held := self._held():
            yield Token(text=held)
        if text.isascii():
            yield Token(text=text)
        else:  # letters that should have been written as numbers
            self._bytes += text.encode("latin-1", "replace")
            yield Token(text=self._held())

    def _charset(self) -> str:
        return self._fonts.charsets.get(self.font, self._fonts.usual)

    def _is_half(self) -> bool:
        """Whether the last byte is the first half of a letter of two."""
        if self._charset() not in _TWO_BYTES:
            return False
        try:
            self._bytes.decode(self._charset())
        except UnicodeDecodeError:
            return True
        return False

    def _held(self) -> str:
        if not self._bytes:
            return ""
        held, self._bytes = bytes(self._bytes), bytearray()
        if font := self._fonts.symbols.get(self.font):
            return "".join(symbol(font, f"{0xF000 + byte:X}") for byte in held)
        return held.decode(self._charset(), errors="replace")
