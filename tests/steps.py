"""Counts the steps that a backtracking matcher takes: how long a pattern can be kept busy.

Python's `re` has no such count, and time is no measure on a busy machine. This is a matcher of the
same kind, without its shortcuts, over the tree that `re` itself parses a pattern into.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import product
from re import _constants as sre
from re import _parser as parser
from typing import Any

Then = Callable[[int], bool]
_LETTERS = "a1 \n-_.,:/<>@!|[]()#?=\"'*`~&;+\\Aé日"
"""What patterns are asked about, beside the letters that they name."""


_MOST_TEXTS = 100


class TooMany(Exception):
    """More steps than were allowed."""


def _tree(pattern: re.Pattern[str]) -> list[Any]:
    parsed = _plain(parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE.value))
    assert isinstance(parsed, list)
    return parsed


def _plain(of: Any) -> Any:
    """Lists and tuples in place of the parser's own classes."""
    if isinstance(of, (list, parser.SubPattern)):
        return [_plain(one) for one in of]
    return tuple(map(_plain, of)) if isinstance(of, tuple) else of


class Matcher:
    """`search` as `re` does it, from each place on, with a count."""

    def __init__(self, pattern: re.Pattern[str], most: int, how: str = "search") -> None:
        self._tree = _tree(pattern)
        self._flags = pattern.flags
        self._most = most
        self._how = how
        self.steps = 0
        self._taken: dict[tuple[Any, int, str], bool] = {}

    def run(self, text: str) -> None:
        """As `sub` and `finditer` do, on behind each match; or as `match` or `fullmatch` does.

        Raises TooMany.
        """
        at = 0
        while at <= len(text):
            self._groups: dict[int, tuple[int, int]] = {}
            self._end = -1
            found = self._run(self._tree, 0, at, text, lambda end: self._done(end, text))
            if self._how != "search":
                return
            at = max(self._end, at + 1) if found else at + 1

    def _done(self, at: int, text: str) -> bool:
        self._end = at
        return self._how != "fullmatch" or at == len(text)

    def _takes(self, node: tuple[Any, Any], letter: str) -> bool:
        known = (node[0], id(node[1]), letter)
        if known not in self._taken:
            self._taken[known] = _takes(node, self._flags, letter)
        return self._taken[known]

    def _count(self) -> None:
        self.steps += 1
        if self.steps > self._most:
            raise TooMany

    def _run(  # noqa: C901 - a branch for each operation of a pattern
        self, nodes: list[Any], index: int, at: int, text: str, then: Then
    ) -> bool:
        self._count()
        if index == len(nodes):
            return then(at)
        op, of = nodes[index]

        def rest(place: int) -> bool:
            return self._run(nodes, index + 1, place, text, then)

        if _is_one_letter(op):
            return at < len(text) and self._takes((op, of), text[at]) and rest(at + 1)
        if op is sre.AT:
            return _is_at(of, self._flags, text, at) and rest(at)
        if op is sre.SUBPATTERN:
            group, *_flags, inner = of

            def closed(place: int) -> bool:
                if group is not None:
                    self._groups[group] = (at, place)
                return rest(place)

            return self._run(inner, 0, at, text, closed)
        if op is sre.BRANCH:
            return any(self._run(one, 0, at, text, rest) for one in of[1])
        if op in (sre.ASSERT, sre.ASSERT_NOT):
            return self._looks(of, at, text) is (op is sre.ASSERT) and rest(at)
        if op is sre.GROUPREF:
            start, end = self._groups.get(of, (0, -1))
            known = text[start:end] if end >= start else None
            return known is not None and text.startswith(known, at) and rest(at + len(known))
        if op is sre.ATOMIC_GROUP:
            return self._once(of, at, text, rest)
        if op is sre.POSSESSIVE_REPEAT:
            return self._once([(sre.MAX_REPEAT, of)], at, text, rest)
        assert op in (sre.MAX_REPEAT, sre.MIN_REPEAT), op
        return self._repeat(op is sre.MAX_REPEAT, of, at, text, rest)

    def _once(self, nodes: list[Any], at: int, text: str, rest: Then) -> bool:
        ends: list[int] = []

        def ended(end: int) -> bool:
            ends.append(end)
            return True

        return self._run(nodes, 0, at, text, ended) and rest(ends[0])

    def _looks(self, of: Any, at: int, text: str) -> bool:
        direction, inner = of
        if direction < 0:
            width = _width(inner)
            return at >= width and self._run(inner, 0, at - width, text, lambda end: True)
        return self._run(inner, 0, at, text, lambda end: True)

    def _repeat(self, greedy: bool, of: Any, at: int, text: str, rest: Then) -> bool:
        least, most, inner = of
        nodes: list[Any] = inner
        if len(nodes) == 1 and _is_one_letter(nodes[0][0]):
            return self._repeat_letter(greedy, least, most, nodes[0], at, text, rest)

        def again(count: int, place: int) -> bool:
            def one_more() -> bool:
                return count < most and self._run(
                    nodes,
                    0,
                    place,
                    text,
                    lambda end: (end > place or count < least) and again(count + 1, end),
                )

            if count < least:
                return one_more()
            return (one_more() or rest(place)) if greedy else (rest(place) or one_more())

        return again(0, at)

    def _repeat_letter(
        self, greedy: bool, least: int, most: int, node: Any, at: int, text: str, rest: Then
    ) -> bool:
        end = at
        furthest = min(len(text), at + most) if most is not sre.MAXREPEAT else len(text)
        if not greedy:
            while end - at < least or not rest(end):
                self._count()
                if end >= furthest or not self._takes(node, text[end]):
                    return False
                end += 1
            return True
        while end < furthest and self._takes(node, text[end]):
            self._count()
            end += 1
        while end - at >= least:
            if rest(end):
                return True
            end -= 1
        return False


def _width(nodes: list[Any]) -> int:
    """Of what a look behind asks for: `re` takes nothing there whose width may vary."""
    width = 0
    for op, of in nodes:
        if _is_one_letter(op):
            width += 1
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            width += of[0] * _width(of[2])
        elif op is sre.SUBPATTERN:
            width += _width(of[3])
        elif op is sre.BRANCH:
            width += _width(of[1][0])
    return width


def _is_one_letter(op: Any) -> bool:
    return op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)


def _is_at(of: Any, flags: int, text: str, at: int) -> bool:
    kind = str(of)
    if kind == "AT_BEGINNING":
        return at == 0 or bool(flags & re.MULTILINE and text[at - 1] == "\n")
    if kind == "AT_BEGINNING_STRING":
        return at == 0
    if kind == "AT_END_STRING":
        return at == len(text)
    if kind == "AT_END":
        is_line = bool(flags & re.MULTILINE) and text[at : at + 1] == "\n"
        return at == len(text) or is_line or (at == len(text) - 1 and text[at] == "\n")
    before, after = text[max(0, at - 1) : at], text[at : at + 1]
    inside = _is_word(before) != _is_word(after)
    return inside if kind == "AT_BOUNDARY" else not inside


def _is_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


def _takes(node: tuple[Any, Any], flags: int, letter: str) -> bool:
    op, of = node
    return _taken(str(op), _frozen(of), flags & (re.IGNORECASE | re.ASCII | re.DOTALL), letter)


def _frozen(of: Any) -> Any:
    return tuple(map(_frozen, of)) if isinstance(of, (list, tuple)) else of


@cache
def _taken(op: str, of: Any, flags: int, letter: str) -> bool:
    if op == "ANY":
        return letter != "\n" or bool(flags & re.DOTALL)
    items = of if op == "IN" else ((sre.LITERAL, of),)
    negated = op == "NOT_LITERAL" or (op == "IN" and items[0][0] is sre.NEGATE)
    seen = {letter, letter.lower(), letter.upper()} if flags & re.IGNORECASE else {letter}
    return any(_is_in(item, one, flags) for item in items for one in seen) is not negated


def _is_in(item: Any, letter: str, flags: int) -> bool:
    kind, of = item
    if kind is sre.NEGATE or len(letter) != 1:
        return False
    if kind is sre.LITERAL:
        return bool(ord(letter) == of)
    if kind is sre.RANGE:
        return bool(of[0] <= ord(letter) <= of[1])
    name = str(of).removeprefix("CATEGORY_")
    shape = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[name.removeprefix("NOT_")]
    is_one = re.fullmatch(shape, letter, flags & re.ASCII) is not None
    return is_one is not name.startswith("NOT_")


# -- what keeps a pattern busy --------------------------------------------------------------------


def pumps(pattern: re.Pattern[str], length: int) -> Iterator[str]:
    """Texts made of a pattern's own parts: a beginning, a part again and again, an odd end."""
    flags = pattern.flags
    repeated = dict.fromkeys(_repeated(_tree(pattern), flags, ""))
    words = dict.fromkeys(one for _, word in repeated for one in word)
    for before, word in repeated:
        for one in word:
            for end in ("", "\x00"):
                yield before + one * (length // len(one)) + end
                yield (before + one) * (length // len(before + one)) + end
    singles = [one for one in words if len(one) == 1][:5]
    for one, other in product(singles, repeat=2):
        if one != other:
            yield (one + other) * (length // 2) + "\x00"
            yield one * (length // 2) + other * (length // 2) + "\x00"


def _repeated(nodes: list[Any], flags: int, before: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each repeated part: what comes before it in one match, and words of it."""
    for op, of in nodes:
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            _least, most, inner = of
            if most > 8:
                yield before, _words(inner, flags)
            yield from _repeated(inner, flags, before)
        elif op is sre.SUBPATTERN:
            yield from _repeated(of[3], flags, before)
        elif op is sre.BRANCH:
            for one in of[1]:
                yield from _repeated(one, flags, before)
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            yield from _repeated(of[1], flags, before)
        elif op is sre.ATOMIC_GROUP:
            yield from _repeated(of, flags, before)
        before += _sample([(op, of)], flags)


def _words(nodes: list[Any], flags: int) -> tuple[str, ...]:
    if len(nodes) == 1 and _is_one_letter(nodes[0][0]):
        return tuple(_letters(nodes[0], flags)[:4])
    return (_sample(nodes, flags),) if _sample(nodes, flags) else ()


def _letters(node: tuple[Any, Any], flags: int) -> list[str]:
    op, of = node
    named = [chr(of)] if op is sre.LITERAL else []
    if op is sre.IN:
        named = [chr(o) for kind, o in of if kind is sre.LITERAL][:2]
        named += [chr(o[0]) for kind, o in of if kind is sre.RANGE][:2]
    return [one for one in dict.fromkeys([*named, *_LETTERS]) if _takes(node, flags, one)]


def _sample(nodes: list[Any], flags: int) -> str:
    """One text that the nodes match, more or less."""
    made = ""
    for op, of in nodes:
        if _is_one_letter(op):
            made += (_letters((op, of), flags) or [""])[0]
        elif op is sre.SUBPATTERN:
            made += _sample(of[3], flags)
        elif op is sre.BRANCH:
            made += _sample(of[1][0], flags)
        elif op is sre.ATOMIC_GROUP:
            made += _sample(of, flags)
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            made += _sample(of[2], flags) * of[0]
    return made


@contextmanager
def deep_calls() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(200_000)
    yield
    sys.setrecursionlimit(before)


def worst(pattern: re.Pattern[str], how: str, *, length: int, most: int) -> str | None:
    """A text of about this length that takes more steps than `most`; None: none was found.

    `how` it is used: `search` (and `sub`, `finditer` …), `match` or `fullmatch`.
    """
    with deep_calls():
        for text in list(dict.fromkeys(pumps(pattern, length)))[:_MOST_TEXTS]:
            try:
                Matcher(pattern, most, how).run(text)
            except TooMany:
                return text
    return None
