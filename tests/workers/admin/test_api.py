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
from tests.workers.admin.pushed import PAGE, STAFF, everything
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
    ("push:wiki", "POST", "/v1/sources/wiki/documents", {"documents": [PAGE]}),
    ("push:wiki", "GET", "/v1/sources/wiki/documents", None),
    ("push:wiki", "POST", "/v1/sources/wiki/documents/delete", {"ids": ["page"]}),
    ("identity", "GET", "/v1/accounts", None),
    ("identity", "PUT", "/v1/sources/wiki/accounts/ana/link/1", None),
    ("identity", "DELETE", "/v1/sources/wiki/accounts/ana/link/1", None),
    ("identity", "PUT", "/v1/sources/wiki/accounts/ana/external", None),
    ("identity", "DELETE", "/v1/sources/wiki/accounts/ana/external", None),
    ("identity", "POST", "/v1/users/1/link-code", {"hours": 1}),
    ("index", "GET", "/v1/index", None),
    ("index", "GET", "/v1/index/wiki/unreadable", None),
    ("index", "GET", "/v1/index-versions", None),
    ("index", "GET", "/v1/jobs", None),
    ("index", "GET", "/v1/jobs/1", None),
    ("index", "POST", "/v1/jobs/1/pause", None),
    ("index", "POST", "/v1/jobs/1/resume", None),
    ("index", "POST", "/v1/jobs/1/cancel", None),
    ("index", "POST", "/v1/reindexes", {}),
    ("index", "POST", "/v1/reindexes/roll-back", None),
    ("index", "POST", "/v1/index/wiki/reread", None),
    ("index", "GET", "/v1/schedules", None),
    ("index", "PUT", "/v1/schedules/reindex", {"every": "P1D"}),
    ("index", "PUT", "/v1/schedules/reread/wiki", {"every": "P1D"}),
    ("index", "DELETE", "/v1/schedules/reindex", None),
    ("index", "DELETE", "/v1/schedules/reread/wiki", None),
    ("audit", "GET", "/v1/audit", None),
    ("audit", "GET", "/v1/why?person=ana&document=leave", None),
    ("audit", "GET", "/v1/who?document=leave", None),
    ("audit", "GET", "/v1/exposure?document=leave", None),
]
"""Every endpoint, with the scope that opens it."""

SCOPES = (
    *("identity", "index", "audit", "sync:wiki", "sync:hr", "sync:*"),
    *("push:wiki", "push:hr", "push:world"),
)


# Who may call what


def test_the_matrix_has_every_endpoint(api: Api) -> None:
    documented = {
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
    assert documented - tried == {("GET", "/healthz"), ("GET", "/readyz")}


def test_a_scope_opens_its_own_endpoints_and_no_other(api: Api, people: dict[str, int]) -> None:
    """Threat 37: scope × endpoint."""
    api.call("POST", "/v1/sources/wiki/runs", headers=api.token(), json={"kind": "delta"})
    holding = {scope: api.token(scope) for scope in SCOPES}
    for scope, method, path, body in CALLS:
        before = everything(api.database)
        for held, token in holding.items():
            if held == scope or (scope == "sync:wiki" and held == "sync:*"):
                continue
            answer = api.call(method, path, headers=token, json=body)
            # A run of another source is as one that does not exist.
            hidden = held == "sync:hr" and path.startswith("/v1/runs/")
            assert answer.status_code == (404 if hidden else 403), (method, path, held)
        assert everything(api.database) == before, (method, path)
        answer = api.call(method, path, headers=holding[scope], json=body)
        assert answer.status_code not in (401, 403, 422), (method, path)


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
                answer = api.call(method, path, headers=headers, **sent)
                assert answer.status_code == 401, (method, path)
                assert answer.headers["www-authenticate"] == "Bearer"
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
        answer = api.call(method, path.replace("wiki", "world"), headers=everything, json=body)
        assert "zebra" not in answer.text or path.startswith("/v1/index/")
    with api.database.session("syncer") as session, pytest.raises(Exception, match="permission"):
        session.execute(text("SELECT title FROM document"))


# Identity, index, audit


@pytest.fixture
def accounts(api: Api, people: dict[str, int]) -> int:
    """Three accounts of Slack, and no link; of two Ana and Ben have the address. Their source."""
    with api.database.session("syncer") as session:
        change = Change(session, actor="test")
        slack = change.put_source("slack:T1")
        for native_id, name in (("U1", "Ana"), ("U2", "Ben"), ("a/b c", "Cy")):
            change.put_account(slack, SeenAccount(native_id, name, f"{name.lower()}@acme.example"))
    return slack


def _listed(api: Api, more: str = "") -> Any:
    place = f"/v1/accounts?source=slack:T1{more}"
    return api.call("GET", place, headers=api.token("identity")).json()


def _link(api: Api, method: str, account: str, user: int) -> Any:
    place = f"/v1/sources/slack:T1/accounts/{account}/link/{user}"
    return api.call(method, place, headers=api.token("identity", name="hr"))


def _audited(api: Api, action: str) -> list[Any]:
    rows = api.call("GET", "/v1/audit", headers=api.token("audit")).json()["rows"]
    return [row for row in rows if row["action"] == action]


def test_accounts_without_a_link_are_listed_with_whose_they_may_be(
    api: Api, people: dict[str, int], accounts: int
) -> None:
    found = {one["native_id"]: one for one in _listed(api, "&linked=false")["accounts"]}
    assert set(found) == {"U1", "U2", "a/b c"}
    assert found["U1"]["suggestions"][0]["user_id"] == people["ana"]


def test_accounts_are_listed_page_by_page(api: Api, accounts: int) -> None:
    all_of_them = _listed(api)["accounts"]
    first = _listed(api, "&limit=1")
    assert first["accounts"] == all_of_them[:1]
    behind = f"&after_source={first['next']['after_source']}&after_id={first['next']['after_id']}"
    assert _listed(api, behind) == {"accounts": all_of_them[1:], "next": None}


def test_of_a_source_that_is_not_there_no_accounts_are_listed(api: Api, accounts: int) -> None:
    token = api.token("identity")
    assert api.call("GET", "/v1/accounts?source=slack:T1", headers=token).status_code == 200
    assert api.call("GET", "/v1/accounts?source=none", headers=token).status_code == 404


def test_an_account_is_linked_by_an_admins_word(
    api: Api, people: dict[str, int], accounts: int
) -> None:
    assert _link(api, "PUT", "U1", people["ana"]).json()["user_id"] == people["ana"]
    assert _link(api, "PUT", "a%2Fb%20c", people["ben"]).json()["native_id"] == "a/b c"
    linked = {
        one["native_id"]: (one["user_id"], one["linked_by"])
        for one in _listed(api, "&linked=true")["accounts"]
    }
    assert linked == {"U1": (people["ana"], "admin"), "a/b c": (people["ben"], "admin")}


def test_a_link_may_be_repeated_and_given_to_nobody_else(
    api: Api, people: dict[str, int], accounts: int
) -> None:
    _link(api, "PUT", "U1", people["ana"])
    assert _link(api, "PUT", "U1", people["ana"]).status_code == 200
    assert _link(api, "PUT", "U1", people["ben"]).status_code == 409
    assert _link(api, "PUT", "U2", 999).status_code == 404


def test_a_link_is_taken_back_once_by_its_own_name(
    api: Api, people: dict[str, int], accounts: int
) -> None:
    _link(api, "PUT", "U1", people["ana"])
    assert _link(api, "DELETE", "U1", people["ben"]).status_code == 404
    assert _link(api, "DELETE", "U1", people["ana"]).status_code == 204
    assert _link(api, "DELETE", "U1", people["ana"]).status_code == 404
    assert {row["actor"] for row in _audited(api, "unlink")} == {"token:hr"}


@pytest.fixture
def partner(api: Api, accounts: int) -> str:
    """The account of a partner, which a page denies, as it stands in an address."""
    with api.database.session("syncer") as session:
        change = Change(session, actor="test")
        (account,) = change.accounts(accounts, ["a/b c"]).values()
        node = change.put_node(accounts, "page", kind=NodeKind.DOCUMENT, parent_id=None)
        change.set_permissions(node, Permissions(deny=frozenset({account})))
    return "a%2Fb%20c"


def _denied(api: Api, more: str = "") -> list[tuple[str, bool]]:
    return [(one["native_id"], one["denied"]) for one in _listed(api, more)["accounts"]]


def _external(api: Api, method: str, account: str) -> int:
    place = f"/v1/sources/slack:T1/accounts/{account}/external"
    return int(api.call(method, place, headers=api.token("identity", name="hr")).status_code)


def test_an_account_that_is_denied_heads_the_list(api: Api, partner: str) -> None:
    assert _denied(api) == [("a/b c", True), ("U1", False), ("U2", False)]
    first = _listed(api, "&limit=1")["next"]
    assert first == {"after_denied": True, "after_source": "slack:T1", "after_id": "a/b c"}
    behind = "&after_denied=true&after_source=slack:T1&after_id=a/b c"
    assert _denied(api, behind) == [("U1", False), ("U2", False)]


def test_an_account_is_marked_as_nobodys_here_and_back(api: Api, partner: str) -> None:
    before = _denied(api)
    assert _external(api, "PUT", partner) == _external(api, "PUT", partner) == 204
    assert _denied(api) == [("U1", False), ("U2", False)]
    assert _denied(api, "&external=true") == [("a/b c", False)]
    assert _external(api, "DELETE", partner) == 204
    assert _denied(api) == before
    said = [(row["actor"], row["details"]["external"]) for row in _audited(api, "set_external")]
    assert said == [("token:hr", True), ("token:hr", False)]


def test_an_account_that_is_linked_or_not_there_is_not_marked(
    api: Api, people: dict[str, int], accounts: int
) -> None:
    _link(api, "PUT", "U1", people["ana"])
    assert _external(api, "PUT", "U1") == 409
    assert _external(api, "PUT", "none") == 404


def _code(api: Api, user: int, **wanted: object) -> Any:
    place = f"/v1/users/{user}/link-code"
    return api.call("POST", place, headers=api.token("identity"), json=wanted)


def test_a_link_code_is_another_each_time_and_cached_nowhere(
    api: Api, people: dict[str, int]
) -> None:
    answer = _code(api, people["ana"], hours=2)
    assert (answer.status_code, answer.json()["expires_in_hours"]) == (201, 2)
    assert answer.headers["cache-control"] == "no-store"
    assert _code(api, people["ana"]).json()["code"] != answer.json()["code"]


@pytest.mark.parametrize("hours", [0, 721, "2", True, None, 1.5])
def test_a_link_code_lives_for_whole_hours_up_to_a_month(
    api: Api, people: dict[str, int], hours: object
) -> None:
    assert _code(api, people["ana"], hours=hours).status_code == 422


def test_a_link_code_is_made_for_an_active_user_alone(api: Api, people: dict[str, int]) -> None:
    assert _code(api, people["ben"]).status_code == 201
    with api.database.session("syncer") as session:
        session.execute(text("UPDATE user_account SET status = 'suspended' WHERE name = 'Ben'"))
    assert _code(api, people["ben"]).status_code == 404
    assert _code(api, 999).status_code == 404


@pytest.fixture
def index(world: World) -> tuple[int, int]:
    """A page that Ana reads, one below a folder that is not known, one folder that is gone."""
    ana = world.person("ana")
    folder = world.folder("plans", Permissions(allow=frozenset({ana})))
    world.page("one", inside=folder)
    closed = world.folder("closed", Permissions(known=False))
    world.page("two", inside=closed)
    gone = world.folder("gone")
    with world.change() as change:
        change.set_gone(gone)
    return closed, gone


def _source(api: Api) -> Any:
    (source,) = api.call("GET", "/v1/index", headers=api.token("index")).json()["sources"]
    return source


def _unreadable(api: Api, source: str, more: str = "") -> Any:
    place = f"/v1/index/{source}/unreadable{more}"
    return api.call("GET", place, headers=api.token("index"))


def test_the_index_counts_what_each_source_holds(api: Api, index: tuple[int, int]) -> None:
    source = _source(api)
    counts = {name: source[name] for name in ("documents", "nodes", "unreadable", "gone", "groups")}
    assert counts == {"documents": 2, "nodes": 5, "unreadable": 1, "gone": 1, "groups": 0}
    assert (source["source"], source["accounts"], source["usable"]) == ("world", 1, True)


def test_the_index_says_when_a_source_is_out_of_date(api: Api, world: World) -> None:
    with world.change() as change:
        change.set_freshness(world.source_id, paused=False, max_staleness=timedelta(hours=1))
    assert (_source(api)["usable"], _source(api)["max_staleness"]) == (False, "PT1H")


def test_the_index_lists_what_nobody_may_read_page_by_page(
    api: Api, index: tuple[int, int]
) -> None:
    closed, gone = index
    answer = _unreadable(api, "world").json()
    listed = [(one["id"], one["native_id"], one["reason"]) for one in answer["nodes"]]
    assert listed == [(closed, "closed", "unknown"), (gone, "gone", "gone")]
    first = _unreadable(api, "world", "?limit=1").json()
    assert (len(first["nodes"]), first["next"]) == (1, closed)
    rest = _unreadable(api, "world", f"?after={closed}").json()
    assert rest == {"nodes": answer["nodes"][1:], "next": None}
    assert _unreadable(api, "none").status_code == 404


def test_the_audit_is_read_page_by_page(api: Api, people: dict[str, int]) -> None:
    token = api.token("audit", name="auditor")
    answer = api.call("GET", "/v1/audit", headers=token).json()
    assert [row["action"] for row in answer["rows"]] == ["link", "link", "make_token"]
    assert answer["next"] is None
    rows: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = api.call("GET", f"/v1/audit?limit=1&after={after}", headers=token).json()
        rows, after = rows + page["rows"], page["next"]
    assert rows == answer["rows"]


@pytest.fixture
def before(api: Api, world: World) -> str:
    """The time before Ben came into a group that reads about leave, in place of Ana."""
    ana, ben = world.person("ana"), world.person("ben")
    staff = world.group("staff", [ana])
    folder = world.folder("hr", Permissions(allow=frozenset({staff})))
    world.page("leave", inside=folder)
    then = _now(api.database)
    with world.change() as change:
        change.set_members(staff, {ben})
    return then


def _why(api: Api, person: str, at: str = "") -> Any:
    place = f"/v1/why?person={person}&document=leave{at and f'&at={at}'}"
    return api.call("GET", place, headers=api.token("audit")).json()


def test_why_tells_the_path(api: Api, before: str) -> None:
    ana, ben = _why(api, "ana"), _why(api, "ben")
    assert (ana["readable"], ana["code"]) == (False, "no_allow")
    assert (ben["readable"], ben["path"]) == (True, ["Ben → group staff", "on container hr"])


def test_why_tells_how_it_was(api: Api, before: str) -> None:
    assert [_why(api, one, before)["readable"] for one in ("ana", "ben")] == [True, False]


def test_who_tells_the_readers_now_and_then(api: Api, before: str) -> None:
    def readers(at: str = "") -> list[str]:
        place = f"/v1/who?document=world:leave{at and f'&at={at}'}"
        answer = api.call("GET", place, headers=api.token("audit")).json()
        return [one["name"] for one in answer["people"]]

    assert (readers(), readers(before)) == (["Ben"], ["Ana"])


def test_of_what_no_answer_used_nobody_was_shown_anything(api: Api, before: str) -> None:
    place = f"/v1/exposure?document=leave&from={before}"
    answer = api.call("GET", place, headers=api.token("audit")).json()
    assert (answer["answers"], answer["people"], answer["to"]) == ([], [], None)


# In short


def _said(response: Any) -> dict[str, Any]:
    """A problem without the name of its occurrence."""
    return {**response.json(), "instance": ""}


def _now(database: Database) -> str:
    with database.session("syncer") as session:
        now: datetime = session.scalars(text("SELECT clock_timestamp()")).one()
    return now.astimezone(UTC).isoformat().replace("+00:00", "Z")
