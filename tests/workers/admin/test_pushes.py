"""A push by the admin API: in pages, compared, applied or refused; and what a source is told."""

import json
from typing import Any

from sqlalchemy import text

from policies.explain import explain
from policies.tables.permissions import NodeKind
from tests.workers.admin.calls import Api
from tests.workers.admin.pushed import HR, LEAVE, STAFF, everything
from workers.admin.api import make_app
from workers.database.sessions import Database
from workers.settings import Settings

# a push


def test_a_push_in_pages_is_compared_then_applied(api: Api, people: dict[str, int]) -> None:
    token = api.token("sync:wiki", name="wiki")
    run = _begin(api, token)
    api.call("PUT", f"/v1/runs/{run}/pages/2", headers=token, json={"lines": [LEAVE]})
    missing = api.call("POST", f"/v1/runs/{run}/finish", headers=token, json={"pages": 2})
    assert missing.status_code == 409
    assert (
        api.call(
            "PUT", f"/v1/runs/{run}/pages/1", headers=token, json={"lines": [STAFF, HR]}
        ).status_code
        == 204
    )

    wanted = {"pages": 2, "dry_run": True}
    compared = api.call("POST", f"/v1/runs/{run}/finish", headers=token, json=wanted)
    assert _readings(api, people) == set()
    applied = api.call("POST", f"/v1/runs/{run}/finish", headers=token, json={"pages": 2})

    assert compared.json()["difference"]["pairs_gained"] == 2
    assert compared.json()["dry_run"] is True
    assert applied.json()["state"] == "applied"
    assert applied.json()["actor"] == "token:wiki"
    assert applied.json()["difference"] == compared.json()["difference"]
    assert _readings(api, people) == {"ana", "ben"}
    again = api.call("POST", f"/v1/runs/{run}/finish", headers=token, json={"pages": 2})
    assert again.status_code == 409
    (told,) = api.call("GET", "/v1/runs?source=wiki&limit=5", headers=token).json()
    assert told == api.call("GET", f"/v1/runs/{run}", headers=token).json() == applied.json()

    undone = api.call("POST", f"/v1/runs/{run}/undo", headers=token)
    assert undone.json()["state"] == "undone"
    assert _readings(api, people) == set()
    assert api.call("POST", f"/v1/runs/{run}/undo", headers=token).status_code == 409


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
    assert "List the source again and push that" in late.json()["detail"]
    finish = api.openapi["paths"]["/v1/runs/{id}/finish"]["post"]
    assert "applied meanwhile" in finish["responses"]["409"]["description"]
    state = api.call("GET", f"/v1/runs/{older}", headers=token).json()["state"]
    assert state == "refused"


def test_a_run_that_widens_waits_for_a_word(
    settings: Settings, database: Database, people: dict[str, int]
) -> None:
    app = make_app(settings.model_copy(update={"widening_limit": 0, "widening_percent": 0}))
    api = Api(app, database)
    token = api.token("sync:wiki")
    for ending in ("drop", "confirm"):
        run = _begin(api, token)
        api.call(
            "PUT", f"/v1/runs/{run}/pages/1", headers=token, json={"lines": [STAFF, HR, LEAVE]}
        )
        told = api.call("POST", f"/v1/runs/{run}/finish", headers=token, json={"pages": 1}).json()
        assert told["state"] == "waiting"
        assert told["waits_for"]
        assert _readings(api, people) == set()
        api.call("POST", f"/v1/runs/{run}/{ending}", headers=token)
    assert _readings(api, people) == {"ana", "ben"}
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
        told = api.call("PUT", f"/v1/runs/{run}/pages/1", headers=token, json=wanted)
        assert told.status_code == 422
        assert [one["place"] for one in told.json()["errors"]] == [place]
        assert "Sekret" not in told.text
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
        told = api.call("POST", f"/v1/runs/{run}/finish", headers=token, json={"pages": 1})
        assert told.status_code == 422
        assert named in told.json()["errors"][0]["message"]
        state = api.call("GET", f"/v1/runs/{run}", headers=token).json()
        assert (state["state"], state["epoch"]) == ("refused", None)
    told = _put_first_page(api, token, [{"type": "remove_node", "id": "hr"}])
    assert told.status_code == 422
    assert told.json()["errors"][0]["place"] == "/lines"


STALENESSES: dict[Any, str] = {
    1: "PT1S",
    3_630: "PT1H0M30S",
    "PT36H": "P1DT12H",
    "P2W": "P14D",
    "P3650D": "P3650D",
    "PT90M": "PT1H30M",
    315_359_999: "P3649DT23H59M59S",
}


def test_a_source_is_paused_and_gets_a_limit(api: Api, people: dict[str, int]) -> None:
    token = api.token("sync:wiki")

    def change(**wanted: object) -> Any:
        return api.call("PATCH", "/v1/sources/wiki", headers=token, json=wanted)

    assert change(paused=True).json()["paused"] is True
    assert change(max_staleness="P1DT6H").json()["max_staleness"] == "P1DT6H"
    for given, written in STALENESSES.items():
        assert change(max_staleness=given).json()["max_staleness"] == written
        assert change(max_staleness=written).json()["max_staleness"] == written
    told = change(max_staleness=90).json()
    assert (told["paused"], told["max_staleness"], told["usable"]) == (True, "PT1M30S", False)
    assert change().json() == told
    told = change(paused=False, max_staleness=None).json()
    assert (told["max_staleness"], told["usable"]) == (None, True)
    assert api.call("GET", "/v1/sources/wiki", headers=token).json() == told
    everywhere = api.token("sync:*")
    assert api.call("GET", "/v1/sources/none", headers=everywhere).status_code == 404
    assert api.call("PATCH", "/v1/sources/none", headers=everywhere, json={}).status_code == 404
    assert api.call("GET", "/v1/runs?source=none", headers=everywhere).status_code == 404


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
        told = api.call("PATCH", "/v1/sources/wiki", headers=headers, content=content)
        assert told.status_code == 422
        assert [one["place"] for one in told.json()["errors"]] == [place], body
    assert everything(api.database) == before


# small things


def _begin(api: Api, token: dict[str, str]) -> int:
    told = api.call("POST", "/v1/sources/wiki/runs", headers=token, json={"kind": "complete"})
    assert told.status_code == 201
    return int(told.json()["id"])


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
