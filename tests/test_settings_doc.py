"""docs/operate.md lists every setting, and names none that is not there."""

import re
from pathlib import Path

from workers.settings import Settings

PAGE = Path(__file__).parents[1] / "docs" / "operate.md"
KNOWN = {f"KEN_{name.upper()}" for name in Settings.model_fields}


def test_every_setting_has_a_row_and_every_row_a_setting() -> None:
    rows = re.findall(r"^\| (`KEN_[^|]*) \|.*\|.*\|$", PAGE.read_text(), re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(KEN_\w+)`", row)}
    assert named == KNOWN


def test_what_is_said_to_be_usual_is_so() -> None:
    page = PAGE.read_text()
    for name in ("questions_per_minute", "questions_per_day", "review_days", "cards_after_s"):
        (row,) = re.findall(
            rf"^\| [^|]*`KEN_{name.upper()}`[^|]* \| ([^|]*) \|", page, re.MULTILINE
        )
        usual = Settings.model_fields[name].default
        assert f"`{usual:g}`" in row
