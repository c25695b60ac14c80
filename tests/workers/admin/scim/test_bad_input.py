"""What is malformed, too much, or meant to break something: a SCIM error, and nothing changed."""

import json
import random
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.workers.admin.scim.client import (
    ENTERPRISE,
    GROUP,
    KEN,
    PATCH,
    USER,
    Scim,
)
from workers.admin.scim import endpoints as server
from workers.database.sessions import Database

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
VALID = {"schemas": [USER], "userName": "new", "emails": [{"value": "new@acme.example"}]}


@pytest.fixture
def scim(database: Database) -> Scim:
    made = Scim(database)
    ana = made.user("ana", emails=[{"value": "ana@acme.example", "type": "work"}])
    made.group("finance", ana)
    return made


def everything(database: Database) -> str:
    with database.session("syncer") as session:
        return "\n".join(
            str(session.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2")).all())  # noqa: S608
            for table in (
                "principal",
                "user_account",
                "identity",
                "user_group",
                "membership",
                "provisioned",
                "source",
                "audit",
                "epoch",
            )
        )


def refused(answer: Any, status: int, scim_type: str | None, named: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem.get("scimType")) == (status, scim_type), (problem, named)
    assert problem["schemas"] == [ERROR]
    assert problem["status"] == str(status)
    assert named in problem["detail"]
    assert "pydantic" not in problem["detail"]


BAD_USERS: list[tuple[dict[str, Any], str, str]] = [
    ({"userName": 3}, "invalidValue", "userName"),
    ({"userName": None}, "invalidValue", "userName"),
    ({"userName": "  "}, "invalidValue", "userName"),
    ({"userName": "n" * 501}, "invalidValue", "userName"),
    ({"userName": "n\0"}, "invalidValue", "userName"),
    ({"userName": "\ud800"}, "invalidValue", "userName"),
    ({"USERNAME": "other"}, "invalidSyntax", "twice"),
    ({"shoeSize": 42}, "invalidSyntax", "shoeSize"),
    ({"active": "perhaps"}, "invalidValue", "active"),
    ({"active": {"a": 1}}, "invalidValue", "active"),
    ({"title": "t" * 20_001}, "invalidValue", "title"),
    ({"emails": "a@acme.example"}, "invalidValue", "emails"),
    ({"emails": [{"value": "a@x"}, {"value": "nobody"}]}, "invalidValue", "emails[1].value"),
    ({"emails": [{"value": "a@x"}] * 101}, "invalidValue", "emails"),
    ({"emails": [{"value": "a@x", "shoe": 1}]}, "invalidSyntax", "emails[0].shoe"),
    ({"externalId": "x" * 501}, "invalidValue", "externalId"),
    ({"externalId": ["x"]}, "invalidValue", "externalId"),
    ({"name": "Ana"}, "invalidValue", "name"),
    ({"schemas": [USER, GROUP]}, "invalidSyntax", GROUP),
    ({"schemas": ["urn:x:y"]}, "invalidSyntax", "schemas"),
    ({f"{KEN}s": {"guest": True}}, "invalidSyntax", f"{KEN}s"),
    ({KEN.replace("2.0", "2.1"): {"guest": True}}, "invalidSyntax", "2.1"),
    ({f"{USER}:active": False}, "invalidSyntax", f"{USER}:active"),
    ({"schemas": [GROUP]}, "invalidSyntax", "schemas"),
    ({"schemas": "x"}, "invalidValue", "schemas"),
    ({ENTERPRISE: {"manager": 3}}, "invalidValue", "manager"),
    ({ENTERPRISE: []}, "invalidValue", ENTERPRISE),
    ({KEN: {"guest": "perhaps"}}, "invalidValue", f"{KEN}:guest"),
    ({KEN: {"identities": [{"source": "x"}]}}, "invalidValue", "identities[0]"),
    ({KEN: {"identities": [{"source": 3, "nativeId": "x"}]}}, "invalidValue", "source"),
    ({KEN: {"identities": [{"source": "wiki ", "nativeId": "x"}]}}, "invalidValue", "[0]"),
    ({KEN: {"identities": [{"source": "wi\nki", "nativeId": "x"}]}}, "invalidValue", "[0]"),
    ({KEN: {"identities": [{"source": "wi\u200bki", "nativeId": "x"}]}}, "invalidValue", "[0]"),
    ({KEN: {"identities": [{"source": "x" * 501, "nativeId": "x"}]}}, "invalidValue", "[0]"),
    ({KEN: {"identities": [{"source": "x", "nativeId": "x" * 501}]}}, "invalidValue", "[0]"),
    ({"emails": [[[[[[[[[[[[]]]]]]]]]]]]}, "invalidSyntax", "nested"),
]  # fmt: skip


def test_a_bad_user_is_refused_by_the_name_of_the_field(scim: Scim) -> None:
    for more, scim_type, named in BAD_USERS:
        before = everything(scim.database)
        refused(scim.send("POST", "/Users", {**VALID, **more}), 400, scim_type, named)
        assert everything(scim.database) == before


NOT_JSON = [
    (b"", "line 1"),
    (b"{", "line 1"),
    (b'{"userName": "a"', "line 1"),
    (b"[]", "not a JSON object"),
    (b"3", "not a JSON object"),
    (b'{"userName": NaN}', "NaN"),
    (b'{"a": ' + b"9" * 5000 + b"}", "number"),
    (b'{"a": ' + b"[" * 100_000, "nested"),
    (b'{"userName": "\xff"}', "UTF-8"),
    (b'{"userName": "a", "userName": "b"}', "twice"),
]  # fmt: skip


def test_what_is_not_json_is_refused(scim: Scim) -> None:
    for body, named in NOT_JSON:
        refused(scim.send("POST", "/Users", body), 400, "invalidSyntax", named)


BAD_PATCHES: list[tuple[dict[str, Any], str, str]] = [
    ({"op": "zap", "path": "title", "value": "x"}, "invalidValue", "zap"),
    ({"path": "title", "value": "x"}, "invalidValue", "op"),
    ({"op": "add", "path": "shoeSize", "value": "x"}, "invalidPath", "shoeSize"),
    ({"op": "add", "path": "title[", "value": "x"}, "invalidPath", "column"),
    ({"op": "add", "path": "(" * 3000, "value": "x"}, "invalidPath", ""),
    ({"op": "add", "path": 3, "value": "x"}, "invalidValue", "path"),
    ({"op": "add", "value": {"shoeSize": 3}}, "invalidValue", "shoeSize"),
    ({"op": "add", "value": "x"}, "invalidValue", ""),
    ({"op": "add", "path": "title"}, "invalidValue", "value"),
    ({"op": "replace", "path": "id", "value": "1"}, "mutability", "id"),
    ({"op": "replace", "value": {"id": "1"}}, "mutability", "id"),
    ({"op": "replace", "path": "meta.version", "value": "1"}, "mutability", "meta"),
    ({"op": "add", "path": "groups", "value": [{"value": "1"}]}, "mutability", "groups"),
    ({"op": "remove", "path": "userName"}, "mutability", "required"),
    ({"op": "remove"}, "noTarget", "path"),
    ({"op": "add", "path": f"{KEN}s:guest", "value": True}, "invalidPath", f"{KEN}s"),
    ({"op": "add", "value": {KEN.replace("2.0", "2.1"): {"guest": True}}}, "invalidValue", "2.1"),
    ({"op": "replace", "path": "active", "value": [{"value": "x"}]}, "invalidValue", "active"),
    ({"op": "replace", "path": "active", "value": [{"value": True}, {"value": False}]},
     "invalidValue", "active"),
    ({"op": "remove", "path": "emails", "value": "ana@acme.example"}, "invalidValue", "value"),
    ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue", "active"),
    ({"op": "replace", "path": "emails", "value": [{"value": 3}]}, "invalidValue", "emails"),
    ({"op": "replace", "path": 'emails[type co "x"].value', "value": "a@x"}, "noTarget", ""),
    ({"op": "add", "path": "emails", "value": [{"value": "a@x"}] * 100}, "invalidValue",
     "emails"),
    ({"op": "replace", "path": "title", "value": "\0"}, "invalidValue", "Operations[1].value"),
]  # fmt: skip


def test_a_bad_patch_changes_nothing_of_what_came_before_it(scim: Scim) -> None:
    for operation, scim_type, named in BAD_PATCHES:
        [ana] = scim.get("/Users")["Resources"]
        before = everything(scim.database)
        first = {"op": "add", "path": "title", "value": "Queen"}
        answer = scim.patch(f"/Users/{ana['id']}", first, operation)
        refused(answer, 400, scim_type, named)
        assert everything(scim.database) == before


BAD_GROUP_PATCHES: list[tuple[dict[str, Any], str, str]] = [
    ({"op": "add", "path": "members", "value": [{"value": "ANA"}] * 3 + [{"value": "0"}]},
     "invalidValue", "members[3].value"),
    ({"op": "add", "path": "members", "value": [{"value": "999999"}]}, "invalidValue",
     "999999"),
    ({"op": "add", "path": "members", "value": [{"value": "9" * 30}]}, "invalidValue",
     "members[0]"),
    ({"op": "add", "path": "members", "value": [{"value": "²"}]}, "invalidValue", "members[0]"),
    ({"op": "add", "path": "members", "value": [{"value": 3}]}, "invalidValue", "members[0]"),
    ({"op": "add", "path": "members", "value": [{"display": "Ana"}]}, "invalidValue",
     "members[0].value"),
    ({"op": "add", "path": "members", "value": [{"value": "ANA", "x": 1}]}, "invalidSyntax",
     "members[0].x"),
    ({"op": "add", "path": "members", "value": "ANA"}, "invalidValue", "members[0]"),
    ({"op": "add", "path": "members"}, "invalidValue", ""),
    ({"op": "replace", "path": 'members[value eq "ANA"].value', "value": "1"}, "mutability",
     "members"),
    ({"op": "replace", "path": 'members[value eq "ANA"]', "value": {"value": "1"}},
     "mutability", "members"),
    ({"op": "remove", "path": 'members[value xx "1"]'}, "invalidPath", "column"),
    ({"op": "remove", "path": "members", "value": "ANA"}, "invalidValue", "value"),
    ({"op": "remove", "value": {"members": [{"value": "ANA"}]}}, "noTarget", "path"),
    ({"op": "replace", "path": "displayName", "value": " "}, "invalidValue", "displayName"),
    ({"op": "remove", "path": "displayName"}, "mutability", "required"),
    ({"op": "replace", "value": {"members": [{"value": "0"}], "displayName": "x"}},
     "invalidValue", "members[0]"),
]  # fmt: skip


def test_a_bad_patch_of_a_group_changes_nothing(scim: Scim) -> None:
    for operation, scim_type, named in BAD_GROUP_PATCHES:
        [ana] = scim.get("/Users")["Resources"]
        [group] = scim.get("/Groups")["Resources"]
        before = everything(scim.database)
        patch = json.loads(json.dumps(operation).replace("ANA", ana["id"]))
        answer = scim.patch(f"/Groups/{group['id']}", {"op": "remove", "path": "members"}, patch)
        if patch["op"] == "add" and named == "members[3].value":
            assert "'0'" in answer.json()["detail"]
            named = "members["
        refused(answer, 400, scim_type, named)
        assert everything(scim.database) == before


def test_an_unknown_member_of_a_new_group_is_named_by_its_place(scim: Scim) -> None:
    [ana] = scim.get("/Users")["Resources"]
    before = everything(scim.database)
    for method, path in (("POST", "/Groups"), ("PUT", "/Groups/{}")):
        [group] = scim.get("/Groups")["Resources"]
        members = [{"value": ana["id"]}] * 3 + [{"value": "7"}]
        body = {"schemas": [GROUP], "displayName": "g", "members": members}
        answer = scim.send(method, path.format(group["id"]), body)
        refused(answer, 400, "invalidValue", "members[3].value")
    assert everything(scim.database) == before


def test_too_much_is_refused(scim: Scim) -> None:
    body = json.dumps({**VALID, "title": "t" * 1_000_000}).encode()
    refused(scim.send("POST", "/Users", body), 413, None, "1000000")
    [ana] = scim.get("/Users")["Resources"]
    many = [{"op": "add", "path": "title", "value": "t"}] * 101
    refused(scim.patch(f"/Users/{ana['id']}", *many), 400, "invalidValue", "Operations")
    values = [{"value": f"{number}@x"} for number in range(40)]
    removals: list[dict[str, Any]] = [{"op": "remove", "path": "emails", "value": values}] * 8
    refused(scim.patch(f"/Users/{ana['id']}", *removals), 400, "invalidValue", "300")
    [group] = scim.get("/Groups")["Resources"]
    many = [{"op": "add", "path": "externalId", "value": "t"}] * 1001
    refused(scim.patch(f"/Groups/{group['id']}", *many), 400, "invalidValue", "Operations")


def test_a_body_is_declared_as_json(scim: Scim) -> None:
    for declared in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = scim.send("POST", "/Users", VALID, content_type=declared)
        refused(answer, 415, None, "Content-Type")
    assert scim.send("POST", "/Users", VALID, content_type="application/json").status_code == 201


NEVER_GIVEN = ["0", "-1", "1e3", "²", "9" * 40, "%00", "null", "1000 "]  # fmt: skip


def test_an_id_that_we_never_gave_is_nobodys(scim: Scim) -> None:
    for one in NEVER_GIVEN:
        for kind in ("Users", "Groups"):
            for method in ("GET", "PUT", "PATCH", "DELETE"):
                body = {"schemas": [PATCH], "Operations": [{"op": "remove", "path": "title"}]}
                if method == "PUT":
                    body = {"schemas": [USER if kind == "Users" else GROUP], "userName": "u"}
                    body = {**body, "displayName": "d"}
                sent = None if method in ("GET", "DELETE") else body
                if kind == "Groups" and method == "PUT":
                    sent = {"schemas": [GROUP], "displayName": "d"}
                if kind == "Groups" and method == "PATCH":
                    sent = {"schemas": [PATCH], "Operations": [{"op": "remove", "path": "members"}]}
                answer = scim.send(method, f"/{kind}/{one}", sent)
                assert answer.status_code in (404, 405), answer.text


def test_a_user_is_no_group_and_a_class_is_neither(scim: Scim) -> None:
    [ana] = scim.get("/Users")["Resources"]
    [group] = scim.get("/Groups")["Resources"]
    for path in (f"/Groups/{ana['id']}", f"/Users/{group['id']}", "/Users/1", "/Groups/3"):
        refused(scim.send("GET", path), 404, None, "no ")


def test_places_that_are_not_there_and_ways_that_are_not_taken(scim: Scim) -> None:
    for path in ("/nothing", "/Users//", "/users", "/Users/1/2", "//", "/Schemas/urn:x"):
        refused(scim.send("GET", path), 404, None, "")
    for method, path in (("DELETE", "/Users"), ("POST", "/Users/1"), ("PUT", "/Schemas")):
        refused(scim.send(method, path), 405, None, "")


def test_of_a_fault_of_ours_only_a_reference_is_shown(
    scim: Scim, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("secret of ana@acme.example")

    monkeypatch.setattr(server, "find", broken)
    answer = scim.send("GET", "/Users/1000")
    refused(answer, 500, None, "Nothing was changed")
    shown = answer.text + capsys.readouterr().out + capsys.readouterr().err
    assert "KeyError" in shown
    assert "secret" not in shown


def test_without_a_database_the_provider_tries_again(
    scim: Scim, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT secret", {}, Exception("secret"))

    monkeypatch.setattr(server, "find", broken)
    answer = scim.send("GET", "/Users/1000")
    refused(answer, 503, None, "database")
    assert (answer.headers["retry-after"], "secret" in answer.text) == ("10", False)


def test_fuzzed_bodies_are_answered_and_what_is_refused_changes_nothing(scim: Scim) -> None:
    chance = random.Random(7)
    [ana] = scim.get("/Users")["Resources"]
    [group] = scim.get("/Groups")["Resources"]
    before = everything(scim.database)
    statuses: dict[int, int] = {}
    for _ in range(500):
        path, kind = chance.choice(
            [
                ("/Users", USER),
                ("/Groups", GROUP),
                (f"/Users/{ana['id']}", USER),
                (f"/Groups/{group['id']}", GROUP),
            ]
        )
        methods = ["POST"] if path in ("/Users", "/Groups") else ["PUT", "PATCH"]
        method = chance.choice(methods)
        answer = scim.send(method, path, _body(chance, method, kind, ana["id"]))
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code < 500, answer.text
        after = everything(scim.database)
        if answer.status_code >= 400:
            assert answer.json()["schemas"] == [ERROR]
            assert after == before
        before = after
    assert statuses[400] > 200
    assert statuses.get(200, 0) + statuses.get(201, 0) > 5


def _body(chance: random.Random, method: str, kind: str, member: str) -> Any:
    """A valid body with a few things in it replaced by what nobody would send."""
    if method == "PATCH":
        paths = ["title", "members", "displayName", "active", "emails", KEN, "name.givenName", ""]
        body: Any = {
            "schemas": [PATCH],
            "Operations": [
                {
                    "op": chance.choice(["add", "replace", "remove", "Add"]),
                    "path": chance.choice(paths) + chance.choice(["", "", "[value eq 1]", "."]),
                    "value": chance.choice([_odd(chance, 2), [{"value": member}], "x"]),
                }
                for _ in range(chance.randint(1, 3))
            ],
        }
    elif kind == USER:
        body = {**VALID, "userName": f"user {chance.random()}", "name": {"givenName": "g"}, KEN: {}}
    else:
        body = {"schemas": [GROUP], "displayName": "g", "members": [{"value": member}]}
    for _ in range(chance.randint(0, 2)):
        _spoil(chance, body)
    sent = json.dumps(body).encode()
    if chance.random() < 0.15:
        place = chance.randrange(len(sent))
        sent = sent[:place] + bytes([chance.randrange(256)]) + sent[place + chance.randint(0, 9) :]
    return sent


def _spoil(chance: random.Random, body: Any) -> None:
    while True:
        key = chance.choice(list(body) if isinstance(body, dict) else range(len(body)))
        deeper = body[key]
        if isinstance(deeper, dict | list) and deeper and chance.random() < 0.6:
            body = deeper
            continue
        if chance.random() < 0.2 and isinstance(body, dict):
            body[str(_odd(chance, 0))] = _odd(chance, 1)
        else:
            body[key] = _odd(chance, 2)
        return


def _odd(chance: random.Random, depth: int) -> Any:
    plain = [None, True, 0, -1, 1e308, 10**40, "", " ", "\0", "\ud800", "a" * 30_000, "é", "'; --"]
    if depth and chance.random() < 0.4:
        inner = _odd(chance, depth - 1)
        return chance.choice([[inner], {"value": inner}, [{"value": inner}, inner], {}, []])
    return chance.choice(plain)
