"""Every file that a page, a docstring or a comment names is there; each room says what it holds."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
_NAMED = re.compile(r"(?<![\w./*<-])(?:[\w-]++/)*+[\w-]++\.py\b(?!\.)")
"""`policies/access.py`; or its end, `answering/answer.py` or `answer.py`, where that is enough."""
_ROOMS = ("bot", "workers", "policies", "migrations", "tests", "docs", "examples", "benchmarks")
_NOT_OURS = {"NNNN_what.py", "NAME.py", "setup.py"}
"""What a page lets its reader write, or tells of another project."""


@cache
def _ours() -> frozenset[str]:
    """Every file of the house that people write."""
    top = [*ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "pyproject.toml"]
    below = [path for room in _ROOMS for path in (ROOT / room).rglob("*") if path.is_file()]
    found = (str(path.relative_to(ROOT)) for path in [*top, *below])
    return frozenset(path for path in found if "node_modules" not in path)


@cache
def _ends() -> frozenset[str]:
    """Every path of ours, and every end of one from a slash on."""
    parts = [name.split("/") for name in _ours()]
    return frozenset("/".join(one[start:]) for one in parts for start in range(len(one)))


def _missing(text: str) -> list[str]:
    named = {one for one in _NAMED.findall(text) if one.rpartition("/")[2] not in _NOT_OURS}
    return sorted(named - _ends())


def _spoken(path: str) -> str:
    """What people read: of Python its docstrings and comments."""
    text = (ROOT / path).read_text()
    if not path.endswith(".py"):
        return text
    docstrings = [
        node.value.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    comments = [line.partition("#")[2] for line in text.splitlines()]
    return "\n".join([*docstrings, *comments])


def _texts() -> list[str]:
    """A migration that was released is never edited, so it may name what has moved since."""
    return sorted(
        path
        for path in _ours()
        if path.endswith((".md", ".py", "Makefile", ".toml", ".yaml", ".yml"))
        and not path.startswith("migrations/versions/")
    )


def test_every_file_that_is_named_is_there() -> None:
    missing = {path: gone for path in _texts() if (gone := _missing(_spoken(path)))}
    assert missing == {}


def test_a_file_that_is_gone_is_found() -> None:
    assert _missing("as `policies/models.py`, policies/access.py and `answer.py` say") == [
        "policies/models.py"
    ]


def test_every_room_says_what_it_holds_in_one_sentence() -> None:
    rooms = [*ROOT.glob("bot/**/__init__.py"), *ROOT.glob("workers/**/__init__.py")]
    silent = [
        str(room.parent.relative_to(ROOT))
        for room in rooms
        if len((ast.get_docstring(ast.parse(room.read_text())) or "").splitlines()) != 1
    ]
    assert rooms
    assert silent == []
