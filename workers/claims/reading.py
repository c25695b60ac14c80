"""A sentence read for comparison: its words, its figures and the clauses that it has."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

from workers.claims.concepts import concepts_of, is_opposite, is_same
from workers.claims.figure import Figure
from workers.claims.figures import figures
from workers.claims.lexicon import ANAPHORS, Lexicon, lexicon
from workers.models.stems import stem

_WORD = re.compile(r"[^\W_]+(?:[-'\u2019.][^\W_]+)*")
_STRONG = re.compile(r"[;:.!?|\n\u2013\u2014]")
_COMMA = re.compile(r"[,()\[\]]")
_LONGEST = 2_000
"""Letters of a text that are read; a longer one is no sentence."""
_LABEL = 3
"""Words before a colon that name what follows, and are no statement: "Day 2: …"."""
_COMPOUND, _PREFIX, _PREFIX_SHARE = 5, 5, 0.7
_SPLIT_NEGATIONS = {"cannot": ("can", "not"), "won't": ("will", "not"), "can't": ("can", "not"),
                    "shan't": ("shall", "not"), "ain't": ("is", "not")}  # fmt: skip
_CONTRASTS = frozenset(
    "but while whereas however sondern aber während jedoch pero sino mientras mais tandis".split()
)
_CONJUNCTIONS = frozenset("and or und oder y o e et ou".split())
_RELATIVES = frozenset("who which whom whose quien quienes qui dont".split())
_NO_RELATIVE = frozenset("so such now provided say says means mean means".split())
_PREFIXES = frozenset("un non in im ir il dis nicht no".split())
_FINITE = frozenset("have has had do does did hat haben hatte tiene tienen ha han".split())
_CAUSE_IN_FRONT = frozenset("da denn car".split())
"""Words that give a reason only where a clause begins: "da" is "there", too."""
_NO_REASON = frozenset("well soon long far in of for with before always usual if a an".split())
_BUT_FOR = frozenset("any anything anyone anywhere no none nobody nothing nowhere".split())
_UNTIL = frozenset("until till hasta jusqu bis".split())
_SUPPOSING = frozenset("should had were sollte sollten solltest solltet".split())
"""Words that make a condition of a sentence that begins with them: "Should it rain, …"."""
_ELIDED = frozenset("l d n s c j m t qu".split())


class Part(StrEnum):
    """What a clause is for the sentence."""

    MAIN = "main"
    CONDITION = "condition"
    EXCEPTION = "exception"
    RELATIVE = "relative"
    CAUSE = "cause"
    CONTRAST = "contrast"


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    text: str
    """In small letters."""
    raw: str
    start: int
    end: int
    at: int
    """Its place among the words."""
    language: str
    is_name: bool
    """A proper name or an identifier: it must be the same letter by letter."""
    is_function: bool
    after_strong: bool
    """Whether a mark that ends a statement is before it."""
    after_comma: bool

    @property
    def stem(self) -> str:
        return stem(
            _without_infix(self.text) if self.language == "de" else self.text, self.language
        )

    @property
    def concepts(self) -> frozenset[tuple[int, int]]:
        if self.text in lexicon(self.language).prepositions:
            return frozenset()  # "on" is a preposition far more often than a switch
        return concepts_of(self.text, self.language)


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """A part of a sentence with a negation and a modal of its own."""

    part: Part
    words: tuple[Word, ...]
    figures: tuple[Figure, ...]
    opens_statement: bool
    """Whether it has a subject of its own: what is said before it does not belong to it."""

    @property
    def content(self) -> list[Word]:
        return [word for word in self.words if not word.is_function]

    @property
    def start(self) -> int:
        return min(
            [word.start for word in self.words[:1]] + [one.start for one in self.figures[:1]]
        )

    def spoken(self) -> str:
        return f" {' '.join(word.text for word in self.words)} "


@dataclass(frozen=True)
class Reading:
    """A text with its words, figures and clauses."""

    text: str
    language: str

    @cached_property
    def lexicon(self) -> Lexicon:
        return lexicon(self.language)

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        return tuple(figures(self.text))

    @cached_property
    def words(self) -> tuple[Word, ...]:
        return tuple(_words(self.text, self.language, self.lexicon, self.figures))

    @cached_property
    def content(self) -> tuple[Word, ...]:
        return tuple(word for word in self.words if not word.is_function)

    @cached_property
    def clauses(self) -> tuple[Clause, ...]:
        return tuple(_clauses(self.words, self.figures, self.lexicon))

    @cached_property
    def pieces(self) -> tuple[Clause, ...]:
        """Finer than clauses: also between the members of a list."""
        return tuple(_pieces(self.words, self.figures, self.lexicon))

    @cached_property
    def spoken(self) -> str:
        return f" {' '.join(word.text for word in self.words)} "

    @cached_property
    def refers_back(self) -> bool:
        """Whether a word of it stands for something that was said before."""
        return any(word.text in ANAPHORS for word in self.words)


@lru_cache(maxsize=2048)
def read(text: str, language: str) -> Reading:
    """Return a text read in a language; an unknown one is read as English."""
    return Reading(" ".join(text[:_LONGEST].split()) if "\n" not in text else text, language)


def lists_of(reading: Reading) -> Iterator[tuple[int, list[str]]]:
    """Yield where each list begins, with its members: "a desk, a chair and a lamp"."""
    for found in _LIST.finditer(reading.text):
        yield found.start(), _BETWEEN_MEMBERS.split(found[0])


_MEMBER = r"[^\W\d_][\w'-]*+(?: [^\W\d_][\w'-]*+){0,3}"
_LIST = re.compile(
    rf"(?<![\w'-]){_MEMBER}(?:, {_MEMBER}){{0,8}},? (?:and|or|und|oder|y|e|o|et|ou) {_MEMBER}"
)
_BETWEEN_MEMBERS = re.compile(r",? (?:and|or|und|oder|y|e|o|et|ou) |, ")


def matches(one: Word, other: Word) -> bool:
    """Whether two words mean the same: by stem, by concept, as a part of a compound."""
    if one.text == other.text:
        return True
    if one.is_name and other.is_name:
        return _possessive(one.text) == _possessive(other.text)
    if is_same(one.concepts, other.concepts):
        return True
    if one.language == other.language and one.stem == other.stem:
        return True
    if is_opposite(one.concepts, other.concepts) or _is_negated(one, other):
        return False
    return _akin(one, other) or _parts_match(one, other)


def opposes(one: Word, other: Word) -> bool:
    """Whether two words are opposites, and not the same word."""
    if one.text == other.text or (one.language == other.language and one.stem == other.stem):
        return False
    return is_opposite(one.concepts, other.concepts) or _is_negated(one, other)


def _is_negated(one: Word, other: Word) -> bool:
    """Whether one is the other with un-, non-, in- or dis- before it."""
    if one.language != other.language:
        return False
    short, long = sorted((one.stem, other.stem), key=len)
    before = long[: len(long) - len(short)].rstrip("-")
    return len(short) > 3 and long.endswith(short) and before in _PREFIXES


def found_in(word: Word, others: Iterable[Word]) -> list[Word]:
    return [other for other in others if matches(word, other)]


def is_said(word: Word, others: Iterable[Word]) -> bool:
    """Whether the very word is there, not only one that means the same."""
    return any(
        word.text == other.text or (word.language == other.language and word.stem == other.stem)
        for other in others
        if not other.is_function
    )


_INFIX = re.compile(
    r"(?P<prefix>ab|an|auf|aus|bei|ein|fest|frei|her|hin|los|mit|nach|statt|teil|um|vor|weg|weiter"
    r"|zu|zurück|zusammen)(?:ge|zu)(?P<rest>\w{3,}(?:t|en))"
)


def _without_infix(text: str) -> str:
    """Return "einreicht" for "eingereicht" and "einreichen" for "einzureichen" (German)."""
    found = _INFIX.fullmatch(text)
    return f"{found['prefix']}{found['rest'].removesuffix('t')}" if found else text


def _possessive(text: str) -> str:
    return text.removesuffix("'s").removesuffix("\u2019s").removesuffix("s")


def _akin(one: Word, other: Word) -> bool:
    """Whether two words share most of their beginning, or one is a part of the other's compound."""
    a, b = sorted((one.text, other.text), key=len)
    common = 0
    while common < len(a) and a[common] == b[common]:
        common += 1
    if common >= _PREFIX and common >= _PREFIX_SHARE * len(a) and len(b) - common <= 5:
        return not (one.is_name and other.is_name)
    is_german = "de" in (one.language, other.language)
    short = stem(a, one.language) if is_german else a
    return is_german and len(short) >= _COMPOUND - 1 and (b.startswith(short) or b.endswith(a))


def _parts_match(one: Word, other: Word) -> bool:
    """Whether all parts of a hyphened word are the other word, or its parts."""
    mine, theirs = one.text.split("-"), other.text.split("-")
    if len(mine) == len(theirs) == 1:
        return False
    short, long = sorted((mine, theirs), key=len)
    return "".join(short) == "".join(long) or any(part in long for part in short if len(part) > 2)


def _words(text: str, language: str, words: Lexicon, found: Sequence[Figure]) -> Iterator[Word]:
    taken = [(one.start, one.end) for one in found]
    starts = [start for start, _ in taken]
    before, at, statement = 0, 0, 0
    for match in _WORD.finditer(text):
        position = bisect_right(starts, match.start()) - 1
        if position >= 0 and match.start() < taken[position][1]:
            continue
        gap = text[before : match.start()]
        strong = at > 0 and bool(_STRONG.search(_without_figures(gap)))
        is_label = strong and _ends_label(gap) and at - statement <= _LABEL
        strong = strong and not is_label
        comma = bool(_COMMA.search(gap)) or is_label
        statement = at if strong else statement
        for raw, start, end in _split(match, words.language):
            shown = raw.casefold().replace("\u2019", "'")
            yield Word(
                shown,
                raw,
                start,
                end,
                at,
                language,
                _is_name(raw, text, start, at == 0 or strong, words.language),
                shown in words.function or shown in words.deciding,
                strong,
                comma,
            )
            strong = comma = False
            at += 1
        before = match.end()


_BESIDE_LABEL = re.compile(r"[\s\d*_(),\"]")


def _ends_label(gap: str) -> bool:
    return _BESIDE_LABEL.sub("", gap) == ":"


_NAME_GOES_ON = re.compile(r" [A-Z\u00c0-\u00de][a-z\u00df-\u00ff]")
_DOTTED = re.compile(r"[^.]+")
_FIGURE_MARKS = re.compile(r"\d[.:,]\d|\d\.")


def _without_figures(gap: str) -> str:
    return _FIGURE_MARKS.sub(" ", gap)


def _split(match: "re.Match[str]", language: str) -> Iterator[tuple[str, int, int]]:
    """Yield a word, or the two of "cannot", "doesn't", "n'est", with their places."""
    raw, start, end = match[0], match.start(), match.end()
    shown = raw.casefold().replace("\u2019", "'")
    if shown in _SPLIT_NEGATIONS:
        for part in _SPLIT_NEGATIONS[shown]:
            yield part, start, end
    elif shown.endswith("n't"):
        yield raw[:-3], start, end
        yield "not", start, end
    elif shown.endswith("'s"):
        yield raw[:-2], start, end - 2
    elif "'" in shown and (shown.partition("'")[0] in _ELIDED or language == "fr"):
        first, _, rest = raw.replace("\u2019", "'").partition("'")
        yield first, start, start + len(first)
        yield rest, start + len(first) + 1, end
    elif "." in shown and not any(letter.isdigit() for letter in shown):
        for one in _DOTTED.finditer(raw):
            yield one[0], start + one.start(), start + one.end()
    else:
        yield raw, start, end


def _is_name(raw: str, text: str, start: int, is_first: bool, language: str) -> bool:
    has_digit = any(letter.isdigit() for letter in raw)
    if has_digit and any(letter.isalpha() for letter in raw):
        return True
    if not raw[:1].isupper() or len(raw) < 2:
        return False
    if raw.isupper() and len(raw) <= 6:
        return True
    if is_first:
        return language != "de" and bool(_NAME_GOES_ON.match(text, start + len(raw)))
    return language != "de"


def _clauses(words: Sequence[Word], found: Sequence[Figure], lexicon: Lexicon) -> Iterator[Clause]:
    yield from _cut(words, found, list(_clause_starts(words, lexicon, found)))


def _clause_starts(
    words: Sequence[Word], lexicon: Lexicon, found: Sequence[Figure]
) -> Iterator[tuple[int, Part, bool]]:
    in_front = False  # a condition that begins the sentence ends at its comma
    in_relative = False  # one without a comma ends at the verb of the main clause
    inside = 0  # of a marker of several words, such as "es sei denn"
    for at, word in enumerate(words):
        part = _part_that_begins(words, at, lexicon) if at >= inside else None
        if word.text in _UNTIL and _is_before_figure(words, at, found):
            part = None
        if part is not None:
            inside = at + _length_of_marker(words, at, lexicon)
        if (word.after_strong or at == 0) and _supposes(words, at):
            part = Part.CONDITION
        if word.after_strong or at == 0:
            in_front = part in (Part.CONDITION, Part.CAUSE, Part.EXCEPTION)
            yield at, part or Part.MAIN, True
        elif in_relative and _ends_relative(words, at, lexicon, found):
            in_relative = False
            yield at, Part.MAIN, False
        elif part is not None:
            in_relative = part is Part.RELATIVE and not word.after_comma
            own = part is Part.CONTRAST and not _is_verbal(words[at + 1 : at + 2], lexicon)
            yield at, part, own
        elif in_front and word.after_comma:
            in_front = False
            yield at, Part.MAIN, False
        elif (opens := _main_begins(words, at, lexicon)) is not None:
            yield at, Part.MAIN, opens


def _supposes(words: Sequence[Word], at: int) -> bool:
    """Whether a sentence begins as a condition without "if", which ends at its comma."""
    if words[at].text not in _SUPPOSING or at + 1 == len(words):
        return False
    return any(word.after_comma for word in words[at + 2 :])


def _is_before_figure(words: Sequence[Word], at: int, found: Sequence[Figure]) -> bool:
    """Whether only an article stands between a word and a number: "until the 30th" is a bound."""
    gap = words[at + 1].start if at + 1 < len(words) else 1 << 30
    first = next((one for one in found if one.start >= words[at].end), None)
    return first is not None and first.start <= gap


def _main_begins(words: Sequence[Word], at: int, lexicon: Lexicon) -> bool | None:
    """Return whether a main clause that begins here has a subject of its own; None if none does."""
    word = words[at]
    if word.text in _CONJUNCTIONS and at + 1 < len(words):
        if _is_verbal(words[at + 1 : at + 2], lexicon):
            return False
        return True if word.after_comma and _has_verb(words[at + 1 : at + 9]) else None
    denies = word.after_comma and _is_negator(word, lexicon)
    return False if denies and words[at - 1].text not in _CONJUNCTIONS else None


def _ends_relative(
    words: Sequence[Word],
    at: int,
    lexicon: Lexicon,
    found: Sequence[Figure],
) -> bool:
    """Whether the verb of the main clause is here: "people who were paged may …"."""
    word = words[at]
    behind_figure = any(0 <= word.start - one.end <= 1 for one in found)
    if behind_figure and not word.is_function:
        return True
    if not (_is_verbal([word], lexicon) or word.text in _FINITE):
        return False
    if word.text in lexicon.negators:
        return False
    start = next(
        back for back in range(at - 1, -1, -1) if words[back].text in _RELATIVES | {"that"}
    )
    between = words[start + 1 : at]
    adjacent = _is_verbal([words[at - 1]], lexicon) or words[at - 1].text in _FINITE
    return bool(between) and not adjacent


def _is_verbal(words: Sequence[Word], lexicon: Lexicon) -> bool:
    """Whether the first of these is an auxiliary, a modal or a negation: no subject of its own."""
    return any(
        word.text in lexicon.be
        or word.text in lexicon.may
        or word.text in lexicon.must
        or word.text in lexicon.should
        or word.text in lexicon.negators
        or word.text in lexicon.future
        for word in words
    )


def _has_verb(words: Sequence[Word]) -> bool:
    until = next((at for at, word in enumerate(words) if at and word.after_comma), len(words))
    return len([word for word in words[:until] if not word.is_function]) >= 2


def _is_negator(word: Word, lexicon: Lexicon) -> bool:
    return word.text in lexicon.negators


def _part_that_begins(words: Sequence[Word], at: int, lexicon: Lexicon) -> Part | None:
    word = words[at].text
    pair = f"{word} {words[at + 1].text}" if at + 1 < len(words) else word
    triple = f"{pair} {words[at + 2].text}" if at + 2 < len(words) else pair
    said = {word, pair, triple}
    if not said.isdisjoint(lexicon.exceptions) or _is_but_for(words, at):
        return Part.EXCEPTION
    if not said.isdisjoint(lexicon.causes) and (
        word not in _CAUSE_IN_FRONT or not at or words[at].after_comma or words[at].after_strong
    ):
        return Part.CAUSE
    if not said.isdisjoint(lexicon.conditions):
        return Part.CONDITION
    if word == "as" and lexicon.language == "en" and _is_because(words, at):
        return Part.CAUSE
    if word in _CONTRASTS:
        return Part.CONTRAST
    if word in _RELATIVES and at:
        return Part.RELATIVE
    if word == "that" and lexicon.language == "en" and at and _is_relative_that(words, at):
        return Part.RELATIVE
    return None


def _is_because(words: Sequence[Word], at: int) -> bool:
    """Whether "as" gives a reason: it does behind a comma, but for "as well as", "as a rule"."""
    behind = words[at + 1].text if at + 1 < len(words) else ""
    return words[at].after_comma and behind not in _NO_REASON


def _is_but_for(words: Sequence[Word], at: int) -> bool:
    """Whether "but" is "except": "on no day but Tuesday"."""
    if words[at].text != "but" or words[at].after_comma or words[at].after_strong:
        return False
    return any(word.text in _BUT_FOR for word in words[max(0, at - 3) : at])


def _length_of_marker(words: Sequence[Word], at: int, lexicon: Lexicon) -> int:
    markers = lexicon.exceptions | lexicon.causes | lexicon.conditions
    sizes = (
        size for size in (3, 2) if " ".join(word.text for word in words[at : at + size]) in markers
    )
    return next(sizes, 1)


def _is_relative_that(words: Sequence[Word], at: int) -> bool:
    before = words[at - 1]
    return not before.is_function and before.text not in _NO_RELATIVE


def _pieces(words: Sequence[Word], found: Sequence[Figure], lexicon: Lexicon) -> Iterator[Clause]:
    starts: list[tuple[int, Part, bool]] = []
    own = {at: (part, opens) for at, part, opens in _clause_starts(words, lexicon, found)}
    for at, word in enumerate(words):
        if at in own:
            starts.append((at, *own[at]))
        elif word.after_comma or word.text in _CONJUNCTIONS:
            starts.append((at, Part.MAIN, False))
    yield from _cut(words, found, starts)


def _cut(
    words: Sequence[Word], found: Sequence[Figure], starts: Sequence[tuple[int, Part, bool]]
) -> Iterator[Clause]:
    """Yield the clauses; a figure belongs to the one that it stands in."""
    bounds = [words[at].start for at, _, _ in starts]
    for number, (at, part, opens) in enumerate(starts):
        until = starts[number + 1][0] if number + 1 < len(starts) else len(words)
        first = 0 if number == 0 else bounds[number]
        last = bounds[number + 1] if number + 1 < len(starts) else 1 << 30
        own = tuple(one for one in found if first <= one.start < last)
        yield Clause(part, tuple(words[at:until]), own, opens)
    if not words and found:
        yield Clause(Part.MAIN, (), tuple(found), True)
