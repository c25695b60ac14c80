"""No pattern of ours takes longer than linear on what people, documents or models write."""

import ast
import importlib
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.steps import worst

ROOT = Path(__file__).parents[1]
LENGTH, MOST = 400, 60_000
"""Steps: 150 for each letter. A quadratic pattern takes at least half of 400 squared."""
_ANCHORED = frozenset({"match", "fullmatch"})
_METHODS = frozenset({*_ANCHORED, "search", "sub", "subn", "finditer", "findall", "split"})


def used_patterns() -> Iterator[Any]:
    """Every pattern in bot/ and workers/, with each way in which its module uses it."""
    seen: set[tuple[object, int, str]] = set()
    for file in sorted([*ROOT.glob("bot/**/*.py"), *ROOT.glob("workers/**/*.py")]):
        tree = ast.parse(file.read_text())
        for name, pattern, how in [*_of_names(file, tree), *_written(tree)]:
            if isinstance(pattern.pattern, str) and (*_key(pattern), how) not in seen:
                seen.add((*_key(pattern), how))
                yield pytest.param(pattern, how, id=f"{file.relative_to(ROOT)}:{name}-{how}")


def _key(pattern: re.Pattern[Any]) -> tuple[object, int]:
    return pattern.pattern, pattern.flags


def _of_names(file: Path, tree: ast.AST) -> Iterator[tuple[str, re.Pattern[Any], str]]:
    """Compiled once, at the head of a module. One whose use is not seen may be searched for."""
    if file.name == "__main__.py":
        return
    module = importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    calls: dict[str, set[str]] = defaultdict(set)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            calls[node.value.id].add(node.attr)
    for name, value in vars(module).items():
        if isinstance(value, re.Pattern):
            for how in _ways(calls[name]):
                yield name, value, how


def _written(tree: ast.AST) -> Iterator[tuple[str, re.Pattern[Any], str]]:
    """`re.sub(r"…", …)` and `re.compile(rf"…{name}…")` inside a function."""
    inside = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)]
    calls = {node for one in inside for node in ast.walk(one) if isinstance(node, ast.Call)}
    then = {
        node.value: node.attr
        for one in inside
        for node in ast.walk(one)
        if isinstance(node, ast.Attribute)
    }
    for call in sorted(calls, key=lambda call: call.lineno):
        of_re = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "re"
        written = _text(call.args[0]) if of_re and call.args else None
        if written is not None:
            assert isinstance(call.func, ast.Attribute)
            for how in _ways({call.func.attr, then.get(call, "")}):
                yield str(call.lineno), re.compile(written), how


def _ways(calls: set[str]) -> list[str]:
    anchored = sorted(calls & _ANCHORED)
    return anchored if anchored and not calls & (_METHODS - _ANCHORED) else [*anchored, "search"]


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "U1" for part in node.values
        )
    return None


PATTERNS = list(used_patterns())


@pytest.mark.parametrize(("pattern", "how"), PATTERNS)
def test_every_pattern_is_linear(pattern: re.Pattern[str], how: str) -> None:
    """Threat 40. The text is in the failure: letters, again and again."""
    found = worst(pattern, how, length=LENGTH, most=MOST)
    assert found is None, (pattern.pattern, found[:40], found[-10:])


def test_there_are_patterns_to_look_at() -> None:
    assert len(PATTERNS) > 90


@pytest.mark.parametrize(
    "slow",
    [
        r"[ \t]*<@U1(?:\|[^>]*)?>",
        r"\s+x",
        r"(?:\s+|(?<!\w))\[1\]",
        r"(a+)+b",
        r"(?:a|a)*b",
        r"a*a*b",
        r"[.!?:]\s+\W*(\w+)",
        r"x.*y.*z",
        r"(?:\w+-)*\w+:",
        r"<[^>]*>",
        r"a.*?b",
        r"(a{1,200}){1,200}b",
    ],
)
def test_a_slow_pattern_is_found(slow: str) -> None:
    assert worst(re.compile(slow), "search", length=LENGTH, most=MOST) is not None


@pytest.mark.parametrize(
    ("quick", "how"),
    [
        (r"<@U1>", "search"),
        (r"[^\W_]+(?:[-'][^\W_]+)*", "search"),
        (r"(?<!\s)\s++x", "search"),
        (r"[ \t]*x", "match"),
        (r"https?://[^\s/]\S*", "fullmatch"),
    ],
)
def test_a_quick_pattern_is_not(quick: str, how: str) -> None:
    assert worst(re.compile(quick), how, length=LENGTH, most=MOST) is None
