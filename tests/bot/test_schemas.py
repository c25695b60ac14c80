"""The double has no method, argument, error or limit that Slack does not have."""

import json
import re
from pathlib import Path

import pytest

import bot.playground.double
import bot.playground.methods
from bot.playground.control.faults import TIERS
from bot.playground.tokens import KEN_SCOPES
from bot.playground.web_api import COMMON_ERRORS, METHODS
from tests.bot.slack_schemas import SHARED, UNLISTED, needs_shared, required, schema

pytestmark = needs_shared


@pytest.mark.parametrize("method", sorted(METHODS))
def test_the_arguments_of_a_method_are_those_of_slack(method: str) -> None:
    arguments = schema(method)["args"]
    known = METHODS[method]

    assert known.kinds.keys() <= arguments["properties"].keys()
    assert known.required == required(method)
    assert ("token" in arguments["properties"]) == bool(known.token)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_method_needs_the_scopes_that_slack_lists(method: str) -> None:
    assert set(METHODS[method].scopes) == set(schema(method)["scope"].get("bot", []))


def test_every_scope_of_ken_is_needed_by_a_method_or_an_event() -> None:
    wanted = {scope for known in METHODS.values() for scope in known.scopes}
    assert set(KEN_SCOPES) <= wanted | {"app_mentions:read", "commands", "metadata.message:read"}


def test_every_error_in_the_methods_is_one_that_slack_gives() -> None:
    listed = {error for method in METHODS for error in schema(method).get("errors", {})}
    folder = Path(next(iter(bot.playground.methods.__path__)))
    beside = ("web_api", "blocks/content", "blocks/chunks", "views", "double")
    files = [*folder.glob("*.py"), *(folder.parent / f"{name}.py" for name in beside)]
    raised = {
        error
        for file in files
        for error in re.findall(
            r'(?:Refused\(|otherwise=|otherwise: str = )"(\w+)"', file.read_text()
        )
    }

    assert len(raised) >= 65
    assert raised <= listed | COMMON_ERRORS | {error for _, error in UNLISTED}


def test_no_method_is_called_more_often_than_the_stricter_of_slacks_lists_allows() -> None:
    tiers = json.loads((SHARED / "rate_limit_tiers.json").read_text())
    for method in METHODS:
        by_page = f"tier{schema(method)['rate_limits'].removeprefix('t')}"
        strictest = min(tiers.get(method, by_page).lower(), by_page)
        assert TIERS.get(method, "special") == ("special" if "special" in strictest else strictest)
