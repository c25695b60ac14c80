"""The admin API: who may call what (threat 37), what it does, and how it refuses."""

import asyncio
import json
from collections.abc import MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from policies.change import Change
from policies.described import Permissions, Person, SeenAccount
from policies.explain import explain
from policies.tables.permissions import NodeKind
from tests.policies.world import World
from tests.workers.admin.calls import Api
from workers.admin import routes_index
from workers.admin.api import make_app
from workers.admin.api_keys import revoke, tokens
from workers.admin.callers import LARGEST_BODY
from workers.database.sessions import Database
from workers.settings import Settings

STAFF = {"type": "group", "id": "staff", "members": ["user:ana", "user:ben"]}
HR = {"type": "node", "id": "hr", "kind": "container", "allow": ["group:staff"]}
LEAVE = {"type": "node", "id": "leave", "kind": "document", "parent": "hr"}

CALLS: list[tuple[str, str, str, Any]] = [
    ("sync:wiki", "GET", "/v1/sources/wiki", None),
    ("sync:wiki", "PATCH", "/v1/sources/wiki", {"paused": False}),
    ("sync:wiki", "POST", "/v1/sources/wiki/runs", {"kind": "delta"}),
    ("sync:wiki", "GET", "/v1/runs?source=wiki", None),
    ("sync:wiki", "GET", "/v1/runs/1", None),
    ("sync:wiki", "PUT", "/v1/runs/1/pages/1", {"lines": [STAFF]}),
    ("sync:wiki", "POST", "/v1/runs/1/finish", {"pages": 1}),
    ("sync:wiki", "POST", "/v1/runs/1/confirm", None),
    ("sync:wiki", "POST", "/v1/runs/1/drop", None),
    ("sync:wiki", "POST", "/v1/runs/1/undo", None),
    ("identity", "GET", "/v1/accounts", None),
    ("identity", "PUT", "/v1/sources/wiki/accounts/ana/link/1", None),
    ("identity", "DELETE", "/v1/sources/wiki/accounts/ana/link/1", None),
    ("identity", "PUT", "/v1/sources/wiki/accounts/ana/external", None),
    ("identity", "DELETE", "/v1/sources/wiki/accounts/ana/external", None),
    ("identity", "POST", "/v1/users/1/link-code", {"hours": 1}),
    ("index", "GET", "/v1/index", None),
    ("index", "GET", "/v1/index/wiki/unreadable", None),
    ("audit", "GET", "/v1/audit", None),
    ("audit", "GET", "/v1/why?person=ana&document=leave", None),
    ("audit", "GET", "/v1/who?document=leave", None),
    ("audit", "GET", "/v1/exposure?document=leave", None),
]
"""Every endpoint, with the scope that opens it."""
SCOPES = ("identity", "index", "audit", "sync:wiki", "sync:hr", "sync:*")


@pytest.fixture
def company(database: Database) -> dict[str, int]:
    """Ana and Ben, with accounts in the wiki."""
    with database.session("syncer") as session:
        change = Change(session, actor="test")
        source_id = change.put_source("wiki")
        people = {
            name: change.put_user(
                source_id, Person(name, name.title(), email=f"{name}@acme.example")
            )
            for name in ("ana", "ben")
        }
    return people


# -- who may call what ------------------------------------------------------------------------


def test_the_matrix_has_every_endpoint(api: Api) -> None:
    told = {
        (method.upper(), place)
        for place, operations in api.openapi["paths"].items()
        for method in operations
    }
    tried = {
        (method, place)
        for _, method, path, _ in CALLS
        for place in api.openapi["paths"]
        if api.is_at(path, place)
    }
    assert told - tried == {("GET", "/healthz"), ("GET", "/readyz")}


def test_a_scope_opens_its_own_endpoints_and_no_other(api: Api, company: dict[str, int]) -> None:
    """Threat 37: scope × endpoint."""
    api.call("POST", "/v1/sources/wiki/runs", headers=api.token(), json={"kind": "delta"})
    holding = {scope: api.token(scope) for scope in SCOPES}
    for scope, method, path, body in CALLS:
        before = _everything(api.database)
        for held, token in holding.items():
            if held == scope or (scope == "sync:wiki" and held == "sync:*"):
                continue
            told = api.call(method, path, headers=token, json=body)
            # A run of another source is as one that does not exist.
            hidden = held == "sync:hr" and path.startswith("/v1/runs/")
            assert told.status_code == (404 if hidden else 403), (method, path, held)
        assert _everything(api.database) == before, (method, path)
        told = api.call(method, path, headers=holding[scope], json=body)
        assert told.status_code not in (401, 403, 422), (method, path)


def test_nothing_opens_without_a_good_token(api: Api, company: dict[str, int]) -> None:
    """Threat 37. A bad body is not even read."""
    expired = api.token(*SCOPES, name="expired", expires=timedelta(days=1))
    revoked = api.token(*SCOPES, name="revoked")
    with api.database.session("syncer") as session:
        session.execute(text("UPDATE api_token SET expires_at = now() WHERE name = 'expired'"))
    (token_id,) = (one.id for one in tokens(api.database) if one.name == "revoked")
    revoke(api.database, token_id)
    bad = {"Authorization": "Bearer ken_" + "A" * 43}
    before = _everything(api.database)

    for _, method, path, body in CALLS:
        for headers in ({}, bad, expired, revoked):
            for sent in ({"json": body}, {"content": b"{" * 100}):
                told = api.call(method, path, headers=headers, **sent)
                assert told.status_code == 401, (method, path)
                assert told.headers["www-authenticate"] == "Bearer"
    assert _everything(api.database) == before


def test_a_token_of_one_source_learns_nothing_of_another(api: Api, company: dict[str, int]) -> None:
    """Threat 37: the same bytes for another source's run as for none, and a source as for none."""
    api.call("POST", "/v1/sources/wiki/runs", headers=api.token(), json={"kind": "complete"})
    other = api.token("sync:hr")
    for method, path, body in (
        ("GET", "", None),
        ("PUT", "/pages/1", {"lines": [STAFF]}),
        ("POST", "/finish", {"pages": 1}),
        ("POST", "/confirm", None),
        ("POST", "/drop", None),
        ("POST", "/undo", None),
    ):
        one, none = (
            api.call(method, f"/v1/runs/{run}{path}", headers=other, json=body) for run in (1, 999)
        )
        assert (one.status_code, _said(one)) == (none.status_code, _said(none)) == (404, _said(one))
    for place in ("/v1/sources/{}", "/v1/runs?source={}"):
        there, absent = (
            api.call("GET", place.format(name), headers=other) for name in ("wiki", "nowhere")
        )
        assert (there.status_code, _said(there)) == (403, _said(absent))
    assert (
        api.call("GET", "/v1/runs/1", headers=api.token("sync:wiki")).json()["state"] == "staging"
    )


def test_being_an_admin_lets_nobody_read(api: Api, world: World) -> None:
    """A token with every scope finds no word of a document, by any endpoint."""
    world.page("zebra-crossing-plan", Permissions())
    everything = api.token()
    for _, method, path, body in CALLS:
        told = api.call(method, path.replace("wiki", "world"), headers=everything, json=body)
        assert "zebra" not in told.text or path.startswith("/v1/index/")
    with api.database.session("syncer") as session, pytest.raises(Exception, match="permission"):
        session.execute(text("SELECT title FROM document"))


# -- a push -----------------------------------------------------------------------------------


def test_a_push_in_pages_is_compared_then_applied(api: Api, company: dict[str, int]) -> None:
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
    assert _readings(api, company) == set()
    applied = api.call("POST", f"/v1/runs/{run}/finish", headers=token, json={"pages": 2})

    assert compared.json()["difference"]["pairs_gained"] == 2
    assert compared.json()["dry_run"] is True
    assert applied.json()["state"] == "applied"
    assert applied.json()["actor"] == "token:wiki"
    assert applied.json()["difference"] == compared.json()["difference"]
    assert _readings(api, company) == {"ana", "ben"}
    again = api.call("POST", f"/v1/runs/{run}/finish", headers=token, json={"pages": 2})
    assert again.status_code == 409
    (told,) = api.call("GET", "/v1/runs?source=wiki&limit=5", headers=token).json()
    assert told == api.call("GET", f"/v1/runs/{run}", headers=token).json() == applied.json()

    undone = api.call("POST", f"/v1/runs/{run}/undo", headers=token)
    assert undone.json()["state"] == "undone"
    assert _readings(api, company) == set()
    assert api.call("POST", f"/v1/runs/{run}/undo", headers=token).status_code == 409


def test_a_push_that_was_overtaken_is_a_conflict_that_says_what_to_do(
    api: Api, company: dict[str, int]
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
    settings: Settings, database: Database, company: dict[str, int]
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
        assert _readings(api, company) == set()
        api.call("POST", f"/v1/runs/{run}/{ending}", headers=token)
    assert _readings(api, company) == {"ana", "ben"}
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


def test_a_bad_line_is_named_and_changes_nothing(api: Api, company: dict[str, int]) -> None:
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
    api: Api, company: dict[str, int]
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


def test_a_source_is_paused_and_gets_a_limit(api: Api, company: dict[str, int]) -> None:
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


def test_a_bad_wish_for_a_source_is_named(api: Api, company: dict[str, int]) -> None:
    headers = api.token("sync:wiki") | {"Content-Type": "application/json"}
    before = _everything(api.database)
    for body, place in BAD_WISHES:
        content = json.dumps(body).encode()
        told = api.call("PATCH", "/v1/sources/wiki", headers=headers, content=content)
        assert told.status_code == 422
        assert [one["place"] for one in told.json()["errors"]] == [place], body
    assert _everything(api.database) == before


# -- identity, index, audit -------------------------------------------------------------------


def test_an_account_is_linked_by_an_admins_word(api: Api, company: dict[str, int]) -> None:
    token = api.token("identity", name="hr")
    with api.database.session("syncer") as session:
        change = Change(session, actor="test")
        slack = change.put_source("slack:T1")
        for native_id, name in (("U1", "Ana"), ("U2", "Ben"), ("a/b c", "Cy")):
            change.put_account(slack, SeenAccount(native_id, name, f"{name.lower()}@acme.example"))

    told = api.call("GET", "/v1/accounts?linked=false&source=slack:T1", headers=token).json()
    found = {one["native_id"]: one for one in told["accounts"]}
    assert set(found) == {"U1", "U2", "a/b c"}
    assert found["U1"]["suggestions"][0]["user_id"] == company["ana"]
    first = api.call("GET", "/v1/accounts?source=slack:T1&limit=1", headers=token).json()
    assert first["accounts"] == told["accounts"][:1]
    behind = f"after_source={first['next']['after_source']}&after_id={first['next']['after_id']}"
    rest = api.call("GET", f"/v1/accounts?source=slack:T1&{behind}", headers=token).json()
    assert rest == {"accounts": told["accounts"][1:], "next": None}

    def link(method: str, account: str, user: int) -> Any:
        place = f"/v1/sources/slack:T1/accounts/{account}/link/{user}"
        return api.call(method, place, headers=token)

    assert link("PUT", "U1", company["ana"]).json()["user_id"] == company["ana"]
    assert link("PUT", "U1", company["ana"]).status_code == 200
    assert link("PUT", "U1", company["ben"]).status_code == 409
    assert link("PUT", "U2", 999).status_code == 404
    assert link("PUT", "a%2Fb%20c", company["ben"]).json()["native_id"] == "a/b c"
    told = api.call("GET", "/v1/accounts?linked=true&source=slack:T1", headers=token).json()
    linked = {one["native_id"]: (one["user_id"], one["linked_by"]) for one in told["accounts"]}
    assert linked == {"U1": (company["ana"], "admin"), "a/b c": (company["ben"], "admin")}
    assert link("DELETE", "U1", company["ben"]).status_code == 404
    assert link("DELETE", "U1", company["ana"]).status_code == 204
    assert link("DELETE", "U1", company["ana"]).status_code == 404
    assert api.call("GET", "/v1/accounts?source=none", headers=token).status_code == 404
    audit = api.call("GET", "/v1/audit", headers=api.token("audit")).json()["rows"]
    assert {row["actor"] for row in audit if row["action"] == "unlink"} == {"token:hr"}


def test_an_account_is_marked_as_nobodys_here(api: Api, company: dict[str, int]) -> None:
    token = api.token("identity", name="hr")
    with api.database.session("syncer") as session:
        change = Change(session, actor="test")
        slack = change.put_source("slack:T1")
        change.put_account(slack, SeenAccount("U1", "Ana"))
        change.put_account(slack, SeenAccount("a/b c", "A partner"))
        (account,) = change.accounts(slack, ["a/b c"]).values()
        node = change.put_node(slack, "page", kind=NodeKind.DOCUMENT, parent_id=None)
        change.set_permissions(node, Permissions(deny=frozenset({account})))

    def listed(more: str = "") -> list[tuple[str, bool]]:
        told = api.call("GET", f"/v1/accounts?source=slack:T1{more}", headers=token).json()
        return [(one["native_id"], one["denied"]) for one in told["accounts"]]

    def external(method: str, account: str) -> int:
        place = f"/v1/sources/slack:T1/accounts/{account}/external"
        return int(api.call(method, place, headers=token).status_code)

    assert listed() == [("a/b c", True), ("U1", False)]
    first = api.call("GET", "/v1/accounts?source=slack:T1&limit=1", headers=token).json()["next"]
    assert first == {"after_denied": True, "after_source": "slack:T1", "after_id": "a/b c"}
    behind = "&after_denied=true&after_source=slack:T1&after_id=a/b c"
    assert listed(behind) == [("U1", False)]
    assert external("PUT", "a%2Fb%20c") == external("PUT", "a%2Fb%20c") == 204
    assert listed() == [("U1", False)]
    assert listed("&external=true") == [("a/b c", False)]
    assert external("DELETE", "a%2Fb%20c") == 204
    assert listed() == [("a/b c", True), ("U1", False)]
    assert external("PUT", "none") == 404
    with api.database.session("syncer") as session:
        Change(session, actor="test").link(company["ana"], slack, "U1", by="admin")
    assert external("PUT", "U1") == 409
    audit = api.call("GET", "/v1/audit", headers=api.token("audit")).json()["rows"]
    said = [row for row in audit if row["action"] == "set_external"]
    assert [(row["actor"], row["details"]["external"]) for row in said] == [
        ("token:hr", True),
        ("token:hr", False),
    ]


def test_a_link_code_is_made_for_an_active_user(api: Api, company: dict[str, int]) -> None:
    token = api.token("identity")

    def make(user: int, **wanted: object) -> Any:
        return api.call("POST", f"/v1/users/{user}/link-code", headers=token, json=wanted)

    told = make(company["ana"], hours=2)
    assert (told.status_code, told.json()["expires_in_hours"]) == (201, 2)
    assert told.headers["cache-control"] == "no-store"
    assert make(company["ana"]).json()["code"] != told.json()["code"]
    for hours in (0, 721, "2", True, None, 1.5):
        assert make(company["ana"], hours=hours).status_code == 422
    assert make(999).status_code == 404
    with api.database.session("syncer") as session:
        session.execute(text("UPDATE user_account SET status = 'suspended' WHERE name = 'Ben'"))
    assert make(company["ben"]).status_code == 404


def test_the_index_counts_and_lists_what_nobody_may_read(api: Api, world: World) -> None:
    ana = world.person("ana")
    folder = world.folder("plans", Permissions(allow=frozenset({ana})))
    world.page("one", inside=folder)
    closed = world.folder("closed", Permissions(known=False))
    world.page("two", inside=closed)
    gone = world.folder("gone")
    with world.change() as change:
        change.set_gone(gone)
    token = api.token("index")

    (source,) = api.call("GET", "/v1/index", headers=token).json()["sources"]
    counts = {name: source[name] for name in ("documents", "nodes", "unreadable", "gone", "groups")}
    assert counts == {"documents": 2, "nodes": 5, "unreadable": 1, "gone": 1, "groups": 0}
    assert (source["source"], source["accounts"], source["usable"]) == ("world", 1, True)
    told = api.call("GET", "/v1/index/world/unreadable", headers=token).json()
    listed = [(one["id"], one["native_id"], one["reason"]) for one in told["nodes"]]
    assert listed == [(closed, "closed", "unknown"), (gone, "gone", "gone")]
    first = api.call("GET", "/v1/index/world/unreadable?limit=1", headers=token).json()
    assert (len(first["nodes"]), first["next"]) == (1, closed)
    rest = api.call("GET", f"/v1/index/world/unreadable?after={closed}", headers=token).json()
    assert rest == {"nodes": told["nodes"][1:], "next": None}
    assert api.call("GET", "/v1/index/none/unreadable", headers=token).status_code == 404
    with world.change() as change:
        change.set_freshness(world.source_id, paused=False, max_staleness=timedelta(hours=1))
    (source,) = api.call("GET", "/v1/index", headers=token).json()["sources"]
    assert (source["usable"], source["max_staleness"]) == (False, "PT1H")


def test_the_audit_is_read_page_by_page(api: Api, company: dict[str, int]) -> None:
    token = api.token("audit", name="auditor")
    told = api.call("GET", "/v1/audit", headers=token).json()
    assert [row["action"] for row in told["rows"]] == ["link", "link", "make_token"]
    assert told["next"] is None
    rows: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = api.call("GET", f"/v1/audit?limit=1&after={after}", headers=token).json()
        rows, after = rows + page["rows"], page["next"]
    assert rows == told["rows"]


def test_why_and_who_tell_the_path_now_and_then(api: Api, world: World) -> None:
    ana, ben = world.person("ana"), world.person("ben")
    staff = world.group("staff", [ana])
    folder = world.folder("hr", Permissions(allow=frozenset({staff})))
    world.page("leave", inside=folder)
    then = _now(api.database)
    with world.change() as change:
        change.set_members(staff, {ben})
    token = api.token("audit")

    def why(person: str, at: str = "") -> Any:
        place = f"/v1/why?person={person}&document=leave{at}"
        return api.call("GET", place, headers=token).json()

    assert (why("ana")["readable"], why("ana")["code"]) == (False, "no_allow")
    assert (why("ben")["readable"], why("ben")["path"]) == (
        True,
        ["Ben → group staff", "on container hr"],
    )
    at = f"&at={then}"
    assert (why("ana", at)["readable"], why("ben", at)["readable"]) == (True, False)

    def readers(at: str = "") -> list[str]:
        told = api.call("GET", f"/v1/who?document=world:leave{at}", headers=token).json()
        return [one["name"] for one in told["people"]]

    assert (readers(), readers(at)) == (["Ben"], ["Ana"])
    told = api.call("GET", f"/v1/exposure?document=leave&from={then}", headers=token).json()
    assert (told["answers"], told["people"], told["to"]) == ([], [], None)


# -- how it refuses ---------------------------------------------------------------------------


REFUSED = [
    ("GET", "/v1/nowhere", b"", "", 404),
    ("GET", "/nowhere", b"", "", 404),
    ("GET", "/docs", b"", "", 404),
    ("GET", "/v1/audit/", b"", "", 404),
    ("DELETE", "/v1/index", b"", "", 405),
    ("PUT", "/v1/runs/1", b"", "", 405),
    ("DELETE", "/v1/runs/1/finish", b"", "", 405),
    ("POST", "/v1/sources/wiki/runs", b'{"kind": "delta"}', "text/plain", 415),
    ("POST", "/v1/sources/wiki/runs", b'{"kind": "delta"}', "", 415),
    ("POST", "/v1/sources/wiki/runs", b'{"kind": "delta"', "application/json", 422),
    ("POST", "/v1/sources/wiki/runs", b"\xff\xfe", "application/json", 422),
    ("POST", "/v1/sources/wiki/runs", b"", "application/json", 422),
    ("POST", "/v1/sources/wiki/runs", b'{"kind": "Sekret"}', "application/json", 422),
    ("POST", "/v1/sources/wiki/runs", b'{"kind": "\\ud800"}', "application/json", 422),
    ("POST", "/v1/sources/wiki/runs", b'{"\\ud800": 1}', "application/json", 422),
    (
        "POST",
        "/v1/sources/wiki/runs",
        b'{"kind": ' + b"9" * 5000 + b"}",
        "application/json",
        422,
    ),
    ("POST", "/v1/sources/wiki/runs", b"[" * 100_000, "application/json", 422),
    ("POST", "/v1/sources/a%00b/runs", b'{"kind": "delta"}', "application/json", 422),
    ("POST", "/v1/sources/%20a/runs", b'{"kind": "delta"}', "application/json", 422),
    ("POST", f"/v1/sources/{'x' * 201}/runs", b'{"kind": "delta"}', "application/json", 422),
    ("GET", "/v1/sources/%ed%a0%80", b"", "", 404),
    ("GET", "/v1/runs?source=a%00b", b"", "", 422),
    ("GET", "/v1/runs", b"", "", 422),
    ("GET", "/v1/runs?source=wiki&limit=0", b"", "", 422),
    ("GET", "/v1/runs?source=wiki&limit=1001", b"", "", 422),
    ("GET", "/v1/runs/0", b"", "", 422),
    ("GET", "/v1/runs/Sekret", b"", "", 422),
    ("GET", f"/v1/runs/{2**63}", b"", "", 422),
    ("GET", f"/v1/runs/{2**63 - 1}", b"", "", 404),
    ("GET", f"/v1/audit?after={2**63}", b"", "", 422),
    ("GET", f"/v1/audit?after={2**63 - 1}", b"", "", 200),
    ("PUT", "/v1/sources/wiki/accounts/a%00b/link/1", b"", "", 422),
    ("GET", "/v1/accounts?after_source=%00&after_id=x", b"", "", 422),
    ("GET", "/v1/why?person=ana", b"", "", 422),
    ("GET", "/v1/why?person=a%00&document=x", b"", "", 422),
    ("GET", "/v1/why?person=ana&document=Sekret", b"", "", 404),
    ("GET", "/v1/why?person=Sekret&document=leave", b"", "", 404),
    ("GET", "/v1/who?document=Sekret", b"", "", 404),
    ("GET", "/v1/who?document=x&at=yesterday", b"", "", 422),
    ("GET", "/v1/who?document=x&at=2026-05-01", b"", "", 422),
    ("GET", "/v1/who?document=x&at=2026-05-01T10:00:00", b"", "", 422),
    ("GET", "/v1/who?document=x&at=1700000000", b"", "", 422),
    ("GET", "/v1/who?document=x&at=1999-01-01T00:00:00Z", b"", "", 422),
    ("GET", "/v1/who?document=x&at=9998-01-01T00:00:00Z", b"", "", 422),
    ("GET", "/v1/who?document=x&at=0001-01-01T00:00:00%2B14:00", b"", "", 422),
    ("GET", "/v1/exposure?document=x&from=0001-01-01T00:00:00%2B14:00", b"", "", 422),
    ("GET", "/v1/exposure?document=x&from=9999-12-31T23:59:59-14:00", b"", "", 422),
    ("GET", "/v1/exposure?document=Sekret", b"", "", 404),
    (
        "GET",
        "/v1/exposure?document=x&from=2026-05-02T00:00:00Z&to=2026-05-01T00:00:00Z",
        b"",
        "",
        422,
    ),
]


def test_every_refusal_is_a_problem(api: Api, company: dict[str, int]) -> None:
    token = api.token()
    before = _everything(api.database)
    for method, path, content, content_type, status in REFUSED:
        headers = token | ({"Content-Type": content_type} if content_type else {})
        told = api.call(method, path, headers=headers, content=content)
        assert told.status_code == status, (method, path, content[:20])
        assert "Sekret" not in told.text
        assert status != 405 or "allow" in told.headers
    assert _everything(api.database) == before


def test_an_allow_header_names_every_method(api: Api) -> None:
    told = api.call("DELETE", "/v1/sources/wiki", headers=api.token())
    assert told.headers["allow"] == "GET, PATCH"


def test_a_body_over_the_limit_is_refused(api: Api, company: dict[str, int]) -> None:
    """Bad input: oversized."""
    token = api.token("sync:wiki") | {"Content-Type": "application/json"}
    content = b" " * (LARGEST_BODY + 1)
    told = api.call("POST", "/v1/sources/wiki/runs", headers=token, content=content)
    assert told.status_code == 413


def test_a_body_without_an_end_is_not_read_to_its_end(api: Api, company: dict[str, int]) -> None:
    """Whatever the header says of its length."""
    token = api.token("sync:wiki") | {"Content-Type": "application/json"}
    for length in ({}, {"content-length": "17"}):
        status, read = asyncio.run(_endless(api, token | length))
        assert status == 413
        assert read == LARGEST_BODY // 1_000_000 + 1


async def _endless(api: Api, headers: dict[str, str]) -> tuple[int, int]:
    """The status, and how many parts of a megabyte were read."""
    read, statuses = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b" " * 1_000_000, "more_body": read < 100}

    async def send(message: MutableMapping[str, Any]) -> None:
        statuses.append(message.get("status"))

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/sources/wiki/runs",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    await api.app(scope, receive, send)
    return statuses[0] or 0, read


def test_a_body_within_the_limit_is_read(api: Api, company: dict[str, int]) -> None:
    token = api.token("sync:wiki") | {"Content-Type": "application/json"}
    content = b'{"kind": "delta"}'.ljust(LARGEST_BODY)
    told = api.call("POST", "/v1/sources/wiki/runs", headers=token, content=content)
    assert told.status_code == 201


def test_a_fault_of_ours_tells_nothing_but_a_reference(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("Sekret of a document")

    monkeypatch.setattr(routes_index, "source_id_of", broken)
    with capture_logs() as events:
        told = api.call("GET", "/v1/index/wiki/unreadable", headers=api.token())

    assert told.status_code == 500
    assert "Sekret" not in told.text
    (event,) = events
    assert event == {
        "event": "request_failed",
        "reference": told.json()["instance"].removeprefix("urn:uuid:"),
        "error": "RuntimeError",
        "log_level": "error",
    }


@pytest.mark.parametrize("where", ["workers.admin.routes_index", "workers.admin.callers"])
def test_a_database_that_does_not_answer_is_told_as_such(
    api: Api, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def gone(*_: object) -> object:
        raise OperationalError("SELECT Sekret", {}, Exception("Sekret"))

    token = api.token()
    name = "authenticate" if where.endswith("callers") else "source_id_of"
    monkeypatch.setattr(f"{where}.{name}", gone)
    told = api.call("GET", "/v1/index/wiki/unreadable", headers=token)

    assert told.status_code == 503
    assert told.headers["retry-after"]
    assert "Sekret" not in told.text


def test_the_health_of_the_process_needs_no_token_and_tells_nothing(api: Api) -> None:
    assert api.call("GET", "/healthz").json() == {"status": "up"}
    ready = api.call("GET", "/readyz")
    assert ready.json() == {"ok": True, "postgresql": True, "schema": True}


def test_scim_stands_beside_it_behind_the_scope_of_identity(api: Api) -> None:
    for headers, status in (
        ({}, 401),
        (api.token("sync:*", "index", "audit"), 403),
        (api.token("identity"), 200),
    ):
        told = api.raw("GET", "/scim/v2/Users", headers=headers)
        assert told.status_code == status
        assert told.headers["content-type"] == "application/scim+json"


# -- small things -----------------------------------------------------------------------------


def _begin(api: Api, token: dict[str, str]) -> int:
    told = api.call("POST", "/v1/sources/wiki/runs", headers=token, json={"kind": "complete"})
    assert told.status_code == 201
    return int(told.json()["id"])


def _put_first_page(api: Api, token: dict[str, str], lines: list[Any]) -> Any:
    run = _begin(api, token)
    return api.call("PUT", f"/v1/runs/{run}/pages/1", headers=token, json={"lines": lines})


def _said(response: Any) -> dict[str, Any]:
    """A problem without the name of its occurrence."""
    return {**response.json(), "instance": ""}


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


def _now(database: Database) -> str:
    with database.session("syncer") as session:
        now: datetime = session.scalars(text("SELECT clock_timestamp()")).one()
    return now.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _everything(database: Database) -> dict[str, int]:
    """How many rows each table has that a call could change."""
    tables = (
        "source", "sync_run", "sync_page", "node", "entry", "user_group", "membership", "identity",
        "link_code", "past",
    )  # fmt: skip
    with database.session("syncer") as session:
        return {
            table: int(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608
            for table in tables
        }
