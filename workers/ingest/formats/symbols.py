"""Letters of Word's fonts of symbols, and parts of formulas, as everybody can read them."""

BEFORE_PART = {("sSup", "sup"): "^", ("f", "den"): "/", ("rad", "e"): "√"}
"""In a formula of Office, what stands between two parts of it."""

_WINGDINGS = {
    0x28: "☎", 0x2A: "✉", 0x4A: "☺", 0x6C: "●", 0x6E: "■", 0x6F: "☐", 0x71: "☐", 0x76: "❖",
    0x78: "☒", 0x9F: "•", 0xA7: "▪", 0xA8: "☐", 0xD8: "➢", 0xE0: "→", 0xE8: "→", 0xF0: "⇨",
    0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
}  # fmt: skip
_GREEK = dict(zip(b"abgdezhqiklmnxoprstufcyw", "αβγδεζηθικλμνξοπρστυφχψω", strict=True))
_SYMBOL = {
    **_GREEK,
    **{ord(chr(letter).upper()): greek.upper() for letter, greek in _GREEK.items()},
    0xA2: "′", 0xA3: "≤", 0xA5: "∞", 0xAB: "↔", 0xAC: "←", 0xAD: "↑", 0xAE: "→", 0xAF: "↓",
    0xB0: "°", 0xB1: "±", 0xB3: "≥", 0xB4: "×", 0xB7: "•", 0xB8: "÷", 0xB9: "≠", 0xBB: "≈",
    0xD6: "√", 0xDE: "⇒", 0xE5: "∑",
}  # fmt: skip
_FONTS = {"wingdings": _WINGDINGS, "symbol": _SYMBOL}


def symbol(font: str, code: str) -> str:
    """The letter that a font of symbols shows for a code such as "F0FC"; "" if it is not known."""
    try:
        number = int(code[:6], 16)
    except ValueError:
        return ""
    number -= 0xF000 if number >= 0xF000 else 0
    known = _FONTS.get(font.lower().strip(), {})
    return known.get(
        number, chr(number) if font.lower().strip() == "symbol" and 32 <= number < 127 else ""
    )
