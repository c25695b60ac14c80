"""Numbers that are written as words, in English, German, Spanish and French."""

from collections.abc import Sequence
from functools import lru_cache

_EN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_DE = (
    "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn"
    " sechzehn siebzehn achtzehn neunzehn"
)
_ES = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince"
    " dieciséis diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro"
    " veinticinco veintiséis veintisiete veintiocho veintinueve"
)
_FR = (
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
)
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90, "zwanzig": 20, "dreißig": 30, "dreissig": 30, "vierzig": 40, "fünfzig": 50,
    "sechzig": 60, "siebzig": 70, "achtzig": 80, "neunzig": 90, "treinta": 30, "cuarenta": 40,
    "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90, "vingt": 20,
    "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60,
}  # fmt: skip
_LARGE = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "dozen": 12, "hundert": 100,
    "tausend": 1000, "dutzend": 12, "cien": 100, "ciento": 100, "doscientos": 200,
    "doscientas": 200, "trescientos": 300, "cuatrocientos": 400, "quinientos": 500,
    "seiscientos": 600, "setecientos": 700, "ochocientos": 800, "novecientos": 900, "mil": 1000,
    "cent": 100, "cents": 100, "mille": 1000, "docena": 12, "douzaine": 12,
}  # fmt: skip
_ORDINALS = {
    "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "zweite": 2, "dritte": 3, "vierte": 4, "fünfte": 5, "sechste": 6, "siebte": 7,
    "achte": 8, "neunte": 9, "zehnte": 10, "tercer": 3, "tercera": 3, "cuarto": 4, "quinto": 5,
    "deuxième": 2, "troisième": 3, "quatrième": 4, "cinquième": 5,
}  # fmt: skip
_AMBIGUOUS = frozenset("null once uno un one eins cent cents mil mille cuarto six".split())
"""Words that are more often something else when they stand alone: a coin, an article."""
_AND = frozenset({"and", "y", "et", "und"})
_LONGEST = 40


def _named() -> dict[str, int]:
    named: dict[str, int] = {}
    for words in (_EN, _DE, _ES, _FR):
        named.update({word: number for number, word in enumerate(words.split())})
    named |= _TENS | _LARGE
    for word, number in _ORDINALS.items():
        named |= {word + ending: number for ending in ("", "n", "r", "s", "m")}
    ones = dict(zip(_DE.split()[2:10], range(2, 10), strict=True)) | {"ein": 1}
    tens = {word: number for word, number in _TENS.items() if word.endswith(("zig", "ßig"))}
    named |= {f"{one}und{ten}": a + b for one, a in ones.items() for ten, b in tens.items()}
    below = {word: number for word, number in named.items() if 0 < number < 100}
    for one, a in ones.items():
        named[f"{one}hundert"], named[f"{one}tausend"] = a * 100, a * 1000
    named["eintausend"], named["hundertfünfzig"] = 1000, 150
    for word in _DE.split()[2:] + list(tens):
        named[f"hundert{word}"] = 100 + below.get(word, 0)
        for one, a in ones.items():
            named[f"{one}hundert{word}"] = a * 100 + below.get(word, 0)
    return named


_NAMED = _named()


@lru_cache(maxsize=4096)
def number_of(word: str) -> int | None:
    """Return the number that a word of small letters names alone; None if it names none."""
    if word in _AMBIGUOUS and word != "six":
        return None
    return _NAMED.get(word) if len(word) <= _LONGEST else None


def number_in(words: Sequence[str]) -> tuple[int, int] | None:
    """Return the number that the first words name together, and how many they are.

    "two hundred and fifty" is 250 of four words; None if the first names none.
    """
    if not words or (number_of(words[0]) is None and not _begins_large(words)):
        return None
    total = current = used = 0
    for at, word in enumerate(words):
        value = _NAMED.get(word) if len(word) <= _LONGEST else None
        if value is None:
            if word in _AND and current >= 20 and at + 1 < len(words) and _small(words[at + 1]):
                continue
            break
        if used and not _goes_on(current, value):
            break
        if value in (100, 1000, 10**6) and used:
            current = (current or 1) * value
        else:
            current += value
        if value >= 1000 and used:
            total, current = total + current, 0
        used = at + 1
    return (total + current, used) if used else None


def _begins_large(words: Sequence[str]) -> bool:
    """Whether "one hundred" or "mil doscientos" begins here."""
    return (
        len(words) > 1
        and words[0] in _AMBIGUOUS
        and words[0] in _NAMED
        and (_NAMED.get(words[1], 0) >= 100)
    )


def _small(word: str) -> bool:
    return 0 < _NAMED.get(word, 0) < 100


def _goes_on(current: int, value: int) -> bool:
    """Whether a further word belongs to the number: "twenty five", not "five six"."""
    if value in (100, 1000, 10**6):
        return True
    last = current % 100
    return (
        (last == 0 and value < 100 and current >= 100)
        or (last >= 20 and last % 10 == 0 and value < 10)
        or (current == 60 and value < 20)
    )
