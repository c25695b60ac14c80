"""Every test that docs/threats.md names is there, and every attack has a row."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "threats.md"
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_test_that_is_named_is_there() -> None:
    named = set(_NAMED.findall(PAGE.read_text()))
    assert len(named) > 50
    missing = [f"{path}::{name}" for path, name in named if not _is_there(path, name)]
    assert missing == []


def test_every_attack_and_standard_has_a_row() -> None:
    page = PAGE.read_text()
    assert [int(row) for row in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)] == [*range(1, 45)]
    assert re.findall(r"^\| (LLM\d\d) \|", page, re.MULTILINE) == [
        f"LLM{number:02}" for number in range(1, 11)
    ]
    sections = re.findall(r"^\| C(\d+)\.(\d) \|", page, re.MULTILINE)
    parts = {"2": 2, "5": 3, "7": 4, "8": 3, "11": 4, "12": 5}  # of AISVS 1.0, as published
    assert sections == [
        (chapter, str(number)) for chapter, last in parts.items() for number in range(1, last + 1)
    ]


def test_a_row_without_a_test_says_what_it_waits_for() -> None:
    attacks = re.findall(r"^\| \d+ \|.*$", PAGE.read_text(), re.MULTILINE)
    silent = [row for row in attacks if not _NAMED.search(row)]
    assert [row for row in silent if "open (" not in row] == []


def _is_there(path: str, name: str) -> bool:
    """A function of the file's own; without a name, the file."""
    file = ROOT / path
    if not file.is_file():
        return False
    return not name or any(
        isinstance(one, ast.FunctionDef) and one.name == name
        for one in ast.parse(file.read_text()).body
    )
