"""Every kind of the fault suite has a row in docs/faults.md, and every test it names is there."""

import re
from pathlib import Path

from tests.survive.kinds import KINDS
from tests.test_threats_doc import _NAMED, _is_there

PAGE = Path(__file__).parents[1] / "docs" / "faults.md"
ROWS = re.findall(r"^\| (?!fault|---)(.*) \|$", PAGE.read_text(), re.MULTILINE)


def test_every_test_that_is_named_is_there() -> None:
    named = set(_NAMED.findall(PAGE.read_text()))
    assert len(named) > 15
    assert [f"{path}::{name}" for path, name in named if not _is_there(path, name)] == []


def test_every_kind_has_a_row_and_every_row_a_kind_or_a_test() -> None:
    shown = [row.split(" | ")[2] for row in ROWS]
    named = {name for cell in shown for name in re.findall(r"`(\w+)`", cell)}
    assert named == {kind.name for kind in KINDS}
    assert [cell for cell in shown if "`" not in cell] == []
