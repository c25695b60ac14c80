"""A push by the admin API: in pages, compared, applied or refused; and what is set for a source."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from policies.explain import explain
from policies.tables.permissions import NodeKind
from tests.workers.admin.calls import Api
from tests.workers.admin.pushed import HR, LEAVE, STAFF, everything
from tests.workers.ingest.folder import FakeEmbedder
from workers.admin.api import make_app
from workers.database.sessions import Database
from workers.settings import Settings


def _finish(api: Api, token: dict[str, str], run: int, **wanted: object) -> Any:
    return api.call("POST", f"/v1/runs/{run}/finish", headers=token, json=wanted)


@pytest.fixture
def pushed(api: Api, people: dict[str, int]) -> int:
    """A run with both of its pages, the second first, that is not finished."""
    token = api.token("sync:wiki", name="wiki")
    run = _begin(api, token)
    for page, lines in ((2, [LEAVE]), (1, [STAFF, HR])):
        place = f"/v1/runs/{run}/pages/{page}"
        assert api.call("PUT", place, headers=token, json={"lines": lines}).status_code == 204
    return run


def test_a_push_that_lacks_a_page_is_not_applied(api: Api, people: dict[str, int]) -> None:
    token = api.token("sync:wiki")
    run = _begin(api, token)
    api.call("PUT", f"/v1/runs/{run}/pages/2", headers=token, json={"lines": [LEAVE]})
    assert _finish(api, token, run, pages=2).status_code == 409


def test_a_push_in_pages_is_compared_then_applied(
    api: Api, people: dict[str, int], pushed: int
) -> None:
    token = api.token("sync:wiki", name="wiki")
    compared = _finish(api, token, pushed, pages=2, dry_run=True).json()
    assert (compared["difference"]["pairs_gained"], compared["dry_run"]) == (2, True)
    assert _readings(api, people) == set()

    applied = _finish(api, token, pushed, pages=2).json()
    assert (applied["state"], applied["actor"]) == ("applied", "token:wiki")
    assert applied["difference"] == compared["difference"]
    assert _readings(api, people) == {"ana", "ben"}


def test_a_push_is_applied_once_and_listed_as_it_ended(api: Api, pushed: int) -> None:
    token = api.token("sync:wiki")
    applied = _finish(api, token, pushed, pages=2).json()
    assert _finish(api, token, pushed, pages=2).status_code == 409
    (listed,) = api.call("GET", "/v1/runs?source=wiki&limit=5", headers=token).json()
    assert listed == applied
    assert api.call("GET", f"/v1/runs/{pushed}", headers=token).json() == applied


def test_a_push_is_undone_once(api: Api, people: dict[str, int], pushed: int) -> None:
    token = api.token("sync:wiki")
    _finish(api, token, pushed, pages=2)
    undone = api.call("POST", f"/v1/runs/{pushed}/undo", headers=token)
    assert undone.json()["state"] == "undone"
    assert _readings(api, people) == set()
    assert api.call("POST", f"/v1/runs/{pushed}/undo", headers=token).status_code == 409


def test_a_push_that_was_overtaken_is_a_conflict_that_says_what_to_do(
    api: Api, people: dict[str, int]
) -> None:
    token = api.token("sync:wiki")
    older, newer = _begin(api, token), _begin(api, token)
    for run in (older, newer):
        page = {"lines": [STAFF, HR, LEAVE]}
        api.call("PUT", f"/v1/runs/{run}/pages/1", headers=token, json=page)
    api.call("POST", f"/v1/runs/{newer}/finish", headers=token, json={"pages": 1})

    late = api.call("POST", f"/v1/runs/{older}/finish", headers=token, json={"pages": 1})
    assert (late.status_code, late.json()["type"], late.json()["errors"]) == (
        409, "about:blank", [],
    )  # fmt: skip
    assert f"Run {newer} of the same source was applied after" in late.json()["detail"]
    assert "List the source again and push the new list" in late.json()["detail"]
    finish = api.openapi["paths"]["/v1/runs/{id}/finish"]["post"]
    assert "applied meanwhile" in finish["responses"]["409"]["description"]
    state = api.call("GET", f"/v1/runs/{older}", headers=token).json()["state"]
    assert state == "refused"


def test_a_run_that_widens_waits_for_a_word(
    settings: Settings, database: Database, people: dict[str, int]
) -> None:
    app = make_app(
        settings.model_copy(update={"widening_limit": 0, "widening_percent": 0}),
        lambda: (FakeEmbedder(), None),
    )
    api = Api(app, database)
    token = api.token("sync:wiki")
    for ending in ("drop", "confirm"):
        run = _begin(api, token)
        api.call(
            "PUT", f"/v1/runs/{run}/pages/1", headers=token, json={"lines": [STAFF, HR, LEAVE]}
        )
        answer = api.call("POST", f"/v1/runs/{run}/finish", headers=token, json={"pages": 1}).json()
        assert answer["state"] == "waiting"
        assert answer["waits_for"]
        assert _readings(api, people) == set()
        api.call("POST", f"/v1/runs/{run}/{ending}", headers=token)
    assert _readings(api, people) == {"ana", "ben"}
    app.state.database.close()
    assert api.call("POST", f"/v1/runs/{run}/drop", headers=token).status_code == 409
    app.state.database.close()


BAD_LINES: list[tuple[Any, str]] = [
    ({**LEAVE, "kind": "wall"}, "/lines/1/node/kind"),
    ({**LEAVE, "allow": ["everybody"]}, "/lines/1/node/allow/0"),
    ({**LEAVE, "allow": "user:ana"}, "/lines/1/node/allow"),
    ({**LEAVE, "id": "a\0b"}, "/lines/1/node/id"),
    ({**LEAVE, "id": "x" * 501}, "/lines/1/node/id"),
    ({**LEAVE, "dany": []}, "/lines/1/node/dany"),
    ({**LEAVE, "Sekret name of a thing": []}, "/lines/1/node"),
    ({**LEAVE, "inherit": "yes"}, "/lines/1/node/inherit"),
    ({"type": "node", "id": "x", "kind": "document"}, "/lines/1/node"),
    ({"type": "wish"}, "/lines/1"),
    ({}, "/lines/1"),
    ("Sekret", "/lines/1"),
]


def test_a_bad_line_is_named_and_changes_nothing(api: Api, people: dict[str, int]) -> None:
    token = api.token("sync:wiki")
    run = _begin(api, token)
    for line, place in BAD_LINES:
        wanted = {"lines": [STAFF, line]}
        response = api.call("PUT", f"/v1/runs/{run}/pages/1", headers=token, json=wanted)
        assert response.status_code == 422
        assert [one["place"] for one in response.json()["errors"]] == [place]
        assert "Sekret" not in response.text
    finish = api.call("POST", f"/v1/runs/{run}/finish", headers=token, json={"pages": 1})
    assert finish.status_code == 409


def test_what_only_the_whole_push_shows_is_refused_and_named(
    api: Api, people: dict[str, int]
) -> None:
    token = api.token("sync:wiki")
    ring = [{**HR, "parent": "low"}, {**HR, "id": "low", "parent": "hr"}]
    for lines, named in (([LEAVE, LEAVE, HR], "twice"), (ring, "below themselves")):
        run = _begin(api, token)
        api.call("PUT", f"/v1/runs/{run}/pages/1", headers=token, json={"lines": lines})
        response = api.call("POST", f"/v1/runs/{run}/finish", headers=token, json={"pages": 1})
        assert response.status_code == 422
        assert named in response.json()["errors"][0]["message"]
        state = api.call("GET", f"/v1/runs/{run}", headers=token).json()
        assert (state["state"], state["epoch"]) == ("refused", None)
    response = _put_first_page(api, token, [{"type": "remove_node", "id": "hr"}])
    assert response.status_code == 422
    assert response.json()["errors"][0]["place"] == "/lines"


STALENESSES: dict[Any, str] = {
    1: "PT1S",
    3_630: "PT1H0M30S",
    "PT36H": "P1DT12H",
    "P2W": "P14D",
    "P3650D": "P3650D",
    "PT90M": "PT1H30M",
    315_359_999: "P3649DT23H59M59S",
}


def _set(api: Api, **wanted: object) -> Any:
    place = "/v1/sources/wiki"
    return api.call("PATCH", place, headers=api.token("sync:wiki"), json=wanted).json()


def test_a_source_is_paused_and_keeps_its_limit(api: Api, people: dict[str, int]) -> None:
    assert _set(api, paused=True)["paused"] is True
    response = _set(api, max_staleness=90)
    assert (response["paused"], response["max_staleness"], response["usable"]) == (
        True,
        "PT1M30S",
        False,
    )
    assert _set(api) == response


def test_a_source_that_goes_on_without_a_limit_is_usable(api: Api, people: dict[str, int]) -> None:
    _set(api, paused=True, max_staleness=90)
    response = _set(api, paused=False, max_staleness=None)
    assert (response["max_staleness"], response["usable"]) == (None, True)
    token = api.token("sync:wiki")
    assert api.call("GET", "/v1/sources/wiki", headers=token).json() == response


@pytest.mark.parametrize(("given", "written"), STALENESSES.items())
def test_a_limit_is_written_in_one_way(
    api: Api, people: dict[str, int], given: Any, written: str
) -> None:
    assert _set(api, max_staleness=given)["max_staleness"] == written
    assert _set(api, max_staleness=written)["max_staleness"] == written


def test_a_source_that_is_not_there_is_not_found(api: Api, people: dict[str, int]) -> None:
    token = api.token("sync:*")
    assert api.call("GET", "/v1/sources/wiki", headers=token).status_code == 200
    assert api.call("GET", "/v1/sources/none", headers=token).status_code == 404
    assert api.call("PATCH", "/v1/sources/none", headers=token, json={}).status_code == 404
    assert api.call("GET", "/v1/runs?source=none", headers=token).status_code == 404


BAD_WISHES: list[tuple[Any, str]] = [
    ({"paused": "yes"}, "/paused"),
    ({"paused": None}, "/paused"),
    ({"max_staleness": 0}, "/max_staleness"),
    ({"max_staleness": -5}, "/max_staleness"),
    ({"max_staleness": 5e-324}, "/max_staleness"),
    ({"max_staleness": 1.5}, "/max_staleness"),
    ({"max_staleness": "PT1.5S"}, "/max_staleness"),
    ({"max_staleness": "PT0H"}, "/max_staleness"),
    ({"max_staleness": "P1W1D"}, "/max_staleness"),
    ({"max_staleness": "P1DT"}, "/max_staleness"),
    ({"max_staleness": "P١D"}, "/max_staleness"),
    ({"max_staleness": "PT0S"}, "/max_staleness"),
    ({"max_staleness": "P"}, "/max_staleness"),
    ({"max_staleness": "PT"}, "/max_staleness"),
    ({"max_staleness": "P1Y"}, "/max_staleness"),
    ({"max_staleness": "1:00"}, "/max_staleness"),
    ({"max_staleness": "P99999999999999999999D"}, "/max_staleness"),
    ({"max_staleness": 1e300}, "/max_staleness"),
    ({"max_staleness": True}, "/max_staleness"),
    ({"max_staleness": []}, "/max_staleness"),
    ({"stale": 1}, "/stale"),
    ([], "body"),
    (None, "body"),
]


def test_a_bad_wish_for_a_source_is_named(api: Api, people: dict[str, int]) -> None:
    headers = api.token("sync:wiki") | {"Content-Type": "application/json"}
    before = everything(api.database)
    for body, place in BAD_WISHES:
        content = json.dumps(body).encode()
        response = api.call("PATCH", "/v1/sources/wiki", headers=headers, content=content)
        assert response.status_code == 422
        assert [one["place"] for one in response.json()["errors"]] == [place], body
    assert everything(api.database) == before


def _begin(api: Api, token: dict[str, str]) -> int:
    response = api.call("POST", "/v1/sources/wiki/runs", headers=token, json={"kind": "complete"})
    assert response.status_code == 201
    return int(response.json()["id"])


def _put_first_page(api: Api, token: dict[str, str], lines: list[Any]) -> Any:
    run = _begin(api, token)
    return api.call("PUT", f"/v1/runs/{run}/pages/1", headers=token, json={"lines": lines})


def _readings(api: Api, people: dict[str, int]) -> set[str]:
    """Who may read the page about leave."""
    with api.database.session("syncer") as session:
        node_id = session.scalar(
            text("SELECT id FROM node WHERE native_id = 'leave' AND kind = :kind"),
            {"kind": NodeKind.DOCUMENT},
        )
        return {
            name
            for name, user_id in people.items()
            if node_id is not None and explain(session, user_id, node_id)
        }
