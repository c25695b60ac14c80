"""Our own OpenAPI, and what a tester that somebody else wrote finds when it believes it."""

from typing import Any

import pytest
import schemathesis
from schemathesis.engine import events, from_schema

from policies.described import Permissions
from tests.policies.world import World
from tests.workers.admin.calls import Api
from workers.admin.problems import MEDIA_TYPE

_TRIED = 500


@pytest.fixture
def company(world: World) -> None:
    """So that some calls find what they name."""
    ana = world.person("ana")
    folder = world.folder("hr", Permissions(allow=frozenset({world.group("staff", [ana])})))
    world.page("leave", inside=folder)


def test_schemathesis_finds_no_fault(api: Api, company: None) -> None:
    """Bad input: no 500, no response that OpenAPI does not tell of, nothing without a token."""
    ended = _run(api)

    scenarios = [event for event in ended if isinstance(event, events.ScenarioFinished)]
    faults = [
        (one.recorder.label, check.failure_info.failure.title, check.failure_info.code_sample)
        for one in scenarios
        for checks in one.recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    ]
    broken = (events.NonFatalError, events.FatalError, events.Interrupted)
    assert [event for event in ended if isinstance(event, broken)] == []
    assert faults == []
    assert sum(len(one.recorder.cases) for one in scenarios) > _TRIED
    labels = {one.recorder.label for one in scenarios}
    assert {f"{method} {place}" for method, place, _ in _operations(api)} <= labels


def test_openapi_tells_of_every_operation_what_it_is_and_how_it_refuses(api: Api) -> None:
    assert "ValidationError" not in str(api.openapi)
    for method, place, operation in _operations(api):
        assert operation["description"]
        assert len(operation["tags"]) == 1
        if place in ("/healthz", "/readyz"):
            assert "security" not in operation
            continue
        assert operation["security"] == [{"token": []}], (method, place)
        responses = operation["responses"]
        assert {"401", "403", "422", "500", "503"} <= responses.keys()
        assert ("requestBody" in operation) == ("413" in responses) == ("415" in responses)
        for status, response in responses.items():
            assert response["description"]
            assert int(status) < 400 or list(response["content"]) == [MEDIA_TYPE]


def _operations(api: Api) -> list[tuple[str, str, Any]]:
    return [
        (method.upper(), place, operation)
        for place, operations in api.openapi["paths"].items()
        for method, operation in operations.items()
    ]


def _run(api: Api) -> list[Any]:
    config = schemathesis.Config.from_dict(
        {
            "headers": api.token(),
            "request-timeout": 120,
            "generation": {"max-examples": 3, "deterministic": True, "database": "none"},
            "phases": {"stateful": {"enabled": False}},
            # A schema cannot say which names a source may have, or of which times we know.
            "checks": {"positive_data_acceptance": {"enabled": False}},
        }
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", api.app, config=config)
    return list(from_schema(schema).execute())
