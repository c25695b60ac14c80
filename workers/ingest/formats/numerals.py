"""Numbers of lists as they are written: 3, c, C, iii, III."""

_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"),
    (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


def numeral(number: int, form: str) -> str:
    """`form` is what 1 is written as: "1", "01", "a", "A", "i" or "I"."""
    if form == "01":
        return f"{number:02}"
    if form.lower() == "a" and 0 < number <= 780:  # after z come aa, bb, cc in Word
        letter = chr(ord(form) + (number - 1) % 26)
        return letter * ((number - 1) // 26 + 1)
    if form.lower() == "i" and 0 < number < 4000:
        roman = "".join(_roman(number))
        return roman if form == "i" else roman.upper()
    return str(number)


def _roman(number: int) -> list[str]:
    parts: list[str] = []
    for value, letters in _ROMAN:
        parts.append(letters * (number // value))
        number %= value
    return parts
