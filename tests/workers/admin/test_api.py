"""The admin API: who may call what (threat 37), what it does, and how it refuses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from policies.change import Change
from policies.described import Permissions, SeenAccount
from policies.tables.permissions import NodeKind
from tests.policies.world import World
from tests.workers.admin.calls import Api
from tests.workers.admin.pushed import STAFF, everything
from workers.admin.api_keys import revoke, tokens
from workers.database.sessions import Database

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


# who may call what


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


def test_a_scope_opens_its_own_endpoints_and_no_other(api: Api, people: dict[str, int]) -> None:
    """Threat 37: scope × endpoint."""
    api.call("POST", "/v1/sources/wiki/runs", headers=api.token(), json={"kind": "delta"})
    holding = {scope: api.token(scope) for scope in SCOPES}
    for scope, method, path, body in CALLS:
        before = everything(api.database)
        for held, token in holding.items():
            if held == scope or (scope == "sync:wiki" and held == "sync:*"):
                continue
            told = api.call(method, path, headers=token, json=body)
            # A run of another source is as one that does not exist.
            hidden = held == "sync:hr" and path.startswith("/v1/runs/")
            assert told.status_code == (404 if hidden else 403), (method, path, held)
        assert everything(api.database) == before, (method, path)
        told = api.call(method, path, headers=holding[scope], json=body)
        assert told.status_code not in (401, 403, 422), (method, path)


def test_nothing_opens_without_a_good_token(api: Api, people: dict[str, int]) -> None:
    """Threat 37. A bad body is not even read."""
    expired = api.token(*SCOPES, name="expired", expires=timedelta(days=1))
    revoked = api.token(*SCOPES, name="revoked")
    with api.database.session("syncer") as session:
        session.execute(text("UPDATE api_token SET expires_at = now() WHERE name = 'expired'"))
    (token_id,) = (one.id for one in tokens(api.database) if one.name == "revoked")
    revoke(api.database, token_id)
    bad = {"Authorization": "Bearer ken_" + "A" * 43}
    before = everything(api.database)

    for _, method, path, body in CALLS:
        for headers in ({}, bad, expired, revoked):
            for sent in ({"json": body}, {"content": b"{" * 100}):
                told = api.call(method, path, headers=headers, **sent)
                assert told.status_code == 401, (method, path)
                assert told.headers["www-authenticate"] == "Bearer"
    assert everything(api.database) == before


def test_a_token_of_one_source_learns_nothing_of_another(api: Api, people: dict[str, int]) -> None:
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


# identity, index, audit


def test_an_account_is_linked_by_an_admins_word(api: Api, people: dict[str, int]) -> None:
    token = api.token("identity", name="hr")
    with api.database.session("syncer") as session:
        change = Change(session, actor="test")
        slack = change.put_source("slack:T1")
        for native_id, name in (("U1", "Ana"), ("U2", "Ben"), ("a/b c", "Cy")):
            change.put_account(slack, SeenAccount(native_id, name, f"{name.lower()}@acme.example"))

    told = api.call("GET", "/v1/accounts?linked=false&source=slack:T1", headers=token).json()
    found = {one["native_id"]: one for one in told["accounts"]}
    assert set(found) == {"U1", "U2", "a/b c"}
    assert found["U1"]["suggestions"][0]["user_id"] == people["ana"]
    first = api.call("GET", "/v1/accounts?source=slack:T1&limit=1", headers=token).json()
    assert first["accounts"] == told["accounts"][:1]
    behind = f"after_source={first['next']['after_source']}&after_id={first['next']['after_id']}"
    rest = api.call("GET", f"/v1/accounts?source=slack:T1&{behind}", headers=token).json()
    assert rest == {"accounts": told["accounts"][1:], "next": None}

    def link(method: str, account: str, user: int) -> Any:
        place = f"/v1/sources/slack:T1/accounts/{account}/link/{user}"
        return api.call(method, place, headers=token)

    assert link("PUT", "U1", people["ana"]).json()["user_id"] == people["ana"]
    assert link("PUT", "U1", people["ana"]).status_code == 200
    assert link("PUT", "U1", people["ben"]).status_code == 409
    assert link("PUT", "U2", 999).status_code == 404
    assert link("PUT", "a%2Fb%20c", people["ben"]).json()["native_id"] == "a/b c"
    told = api.call("GET", "/v1/accounts?linked=true&source=slack:T1", headers=token).json()
    linked = {one["native_id"]: (one["user_id"], one["linked_by"]) for one in told["accounts"]}
    assert linked == {"U1": (people["ana"], "admin"), "a/b c": (people["ben"], "admin")}
    assert link("DELETE", "U1", people["ben"]).status_code == 404
    assert link("DELETE", "U1", people["ana"]).status_code == 204
    assert link("DELETE", "U1", people["ana"]).status_code == 404
    assert api.call("GET", "/v1/accounts?source=none", headers=token).status_code == 404
    audit = api.call("GET", "/v1/audit", headers=api.token("audit")).json()["rows"]
    assert {row["actor"] for row in audit if row["action"] == "unlink"} == {"token:hr"}


def test_an_account_is_marked_as_nobodys_here(api: Api, people: dict[str, int]) -> None:
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
        Change(session, actor="test").link(people["ana"], slack, "U1", by="admin")
    assert external("PUT", "U1") == 409
    audit = api.call("GET", "/v1/audit", headers=api.token("audit")).json()["rows"]
    said = [row for row in audit if row["action"] == "set_external"]
    assert [(row["actor"], row["details"]["external"]) for row in said] == [
        ("token:hr", True),
        ("token:hr", False),
    ]


def test_a_link_code_is_made_for_an_active_user(api: Api, people: dict[str, int]) -> None:
    token = api.token("identity")

    def make(user: int, **wanted: object) -> Any:
        return api.call("POST", f"/v1/users/{user}/link-code", headers=token, json=wanted)

    told = make(people["ana"], hours=2)
    assert (told.status_code, told.json()["expires_in_hours"]) == (201, 2)
    assert told.headers["cache-control"] == "no-store"
    assert make(people["ana"]).json()["code"] != told.json()["code"]
    for hours in (0, 721, "2", True, None, 1.5):
        assert make(people["ana"], hours=hours).status_code == 422
    assert make(999).status_code == 404
    with api.database.session("syncer") as session:
        session.execute(text("UPDATE user_account SET status = 'suspended' WHERE name = 'Ben'"))
    assert make(people["ben"]).status_code == 404


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


def test_the_audit_is_read_page_by_page(api: Api, people: dict[str, int]) -> None:
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


# In short


def _said(response: Any) -> dict[str, Any]:
    """A problem without the name of its occurrence."""
    return {**response.json(), "instance": ""}


def _now(database: Database) -> str:
    with database.session("syncer") as session:
        now: datetime = session.scalars(text("SELECT clock_timestamp()")).one()
    return now.astimezone(UTC).isoformat().replace("+00:00", "Z")
