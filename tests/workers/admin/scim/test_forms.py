"""Each form of a request that Entra's and Okta's public SCIM documents show, and what it does.

Entra: "Develop and plan provisioning for a SCIM endpoint", "Known issues and resolutions with SCIM
2.0 protocol compliance". Okta: "Okta and SCIM Version 2.0".
"""

from typing import Any

import pytest

from policies.described import Permissions
from tests.policies.world import World
from tests.workers.admin.scim.client import ENTERPRISE, GROUP, KEN, PATCH, USER, Scim
from workers.database.sessions import Database

MICROSOFT_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
OKTA_USER = "urn:okta:acme_app:1.0:user:custom"
OKTA_GROUP = "urn:okta:custom:group:1.0"
CUSTOM = "urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User"


@pytest.fixture
def scim(database: Database) -> Scim:
    return Scim(database)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


# -- extensions that are not ours --------------------------------------------------------------

GROUPS: list[dict[str, Any]] = [
    {"schemas": [GROUP, MICROSOFT_GROUP], "externalId": "8aa1", "meta": {"resourceType": "Group"}},
    {"schemas": [GROUP, OKTA_GROUP], OKTA_GROUP: {"description": "all of sales"}},
    {"schemas": [GROUP], OKTA_GROUP: {"tags": ["a"] * 200}},
    {"schemas": [GROUP, ENTERPRISE], ENTERPRISE: {"department": "Sales"}},
]  # fmt: skip


@pytest.mark.parametrize("more", GROUPS)
def test_a_group_with_an_extension_of_somebody_elses_is_made_without_it(
    scim: Scim, world: World, more: dict[str, Any]
) -> None:
    ana, ben = scim.user("ana"), scim.user("ben")
    body = {"displayName": "Sales", "members": [{"value": ana}], **more}
    made = scim.send("POST", "/Groups", body)
    assert made.status_code == 201, made.text
    assert made.json()["schemas"] == [GROUP]
    assert [name for name in made.json() if ":" in name] == []
    world.page("plan", Permissions(allow=frozenset({int(made.json()["id"])})))
    assert (world.texts(int(ana)), world.texts(int(ben))) == (["plan"], [])

    again = scim.send("PUT", f"/Groups/{made.json()['id']}", {**body, "displayName": "Sellers"})
    assert (again.status_code, again.json()["displayName"]) == (200, "Sellers")
    assert world.texts(int(ana)) == ["plan"]


def test_a_user_with_an_extension_of_somebody_elses_is_made_and_put_without_it(scim: Scim) -> None:
    body = {
        "schemas": [USER, ENTERPRISE, OKTA_USER, CUSTOM],
        "userName": "ana",
        OKTA_USER: {"guest": False, "badges": list(range(150))},
        CUSTOM: {"CustomAttribute": "x"},
        ENTERPRISE: {"department": "Sales"},
        KEN: {"guest": True},
    }
    made = scim.send("POST", "/Users", body)
    assert made.status_code == 201, made.text
    assert sorted(made.json()["schemas"]) == sorted([USER, ENTERPRISE, KEN])
    assert made.json()[ENTERPRISE] == {"department": "Sales"}
    assert made.json()[KEN]["guest"] is True
    put = scim.send("PUT", f"/Users/{made.json()['id']}", {**body, "title": "CFO"})
    assert (put.status_code, put.json()["title"], OKTA_USER in put.json()) == (200, "CFO", False)


IGNORED: list[dict[str, Any]] = [
    {"op": "Add", "path": f"{CUSTOM}:CustomAttribute", "value": "x"},
    {"op": "Replace", "path": f'{CUSTOM}:list[type eq "a:b"].value', "value": "x"},
    {"op": "Remove", "path": f"{CUSTOM}:CustomAttribute"},
    {"op": "Add", "value": {f"{CUSTOM}:CustomAttribute": "x"}},
    {"op": "replace", "value": {OKTA_USER: {"active": False}}},
]


@pytest.mark.parametrize("operation", IGNORED)
def test_a_patch_of_an_extension_of_somebody_elses_changes_nothing(
    scim: Scim, operation: dict[str, Any]
) -> None:
    ana = scim.user("ana")
    before = scim.get(f"/Users/{ana}")
    assert scim.patched(f"/Users/{ana}", operation) == before
    beside = {"op": "replace", "path": "title", "value": "CFO"}
    assert scim.patched(f"/Users/{ana}", operation, beside)["title"] == "CFO"
    group = scim.group("Sales", ana)
    before = scim.get(f"/Groups/{group}")
    assert scim.patched(f"/Groups/{group}", operation) == before
    assert scim.patch("/Users/999999", operation).status_code == 404


def test_what_stands_beside_an_unknown_extension_in_one_value_counts(scim: Scim) -> None:
    group = scim.group("Sales")
    value = {"schemas": [GROUP, OKTA_GROUP], OKTA_GROUP: {"a": 1}, "displayName": "Sellers"}
    shown = scim.patched(f"/Groups/{group}", {"op": "replace", "value": value})
    assert shown["displayName"] == "Sellers"


# -- forms of a PATCH of a user ----------------------------------------------------------------

WORK_EMAIL = 'emails[type eq "work"].value'

USER_PATCHES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("Entra, a name", {"op": "Replace", "path": "userName", "value": "new"}, {"userName": "new"}),
    ("Entra, added", {"op": "Add", "path": "nickName", "value": "Babs"}, {"nickName": "Babs"}),
    ("Entra, disabled", {"op": "Replace", "path": "active", "value": False}, {"active": False}),
    ("Entra, as text", {"op": "Replace", "path": "active", "value": "False"}, {"active": False}),
    ("Entra, with a flag", {"op": "replace", "path": "active", "value": False}, {"active": False}),
    ("Entra, of 2017", {"op": "Replace", "path": "active",
     "value": [{"$ref": None, "value": "False"}]}, {"active": False}),
    ("Okta, disabled", {"op": "replace", "value": {"active": False}}, {"active": False}),
    ("as text without a path", {"op": "Replace", "value": {"active": "False"}}, {"active": False}),
    ("names in other letters", {"OP": "Replace", "Path": "ACTIVE", "Value": False},
     {"active": False}),
    ("the core schema", {"op": "replace", "path": f"{USER}:active", "value": False},
     {"active": False}),
    ("the core schema, in other letters", {"op": "replace", "value": {f"{USER.upper()}:active":
     False}}, {"active": False}),
    ("Entra, e-mail", {"op": "Replace", "path": WORK_EMAIL, "value": "b@acme.example"},
     {"emails": [{"type": "work", "value": "b@acme.example"}]}),
    ("e-mails as a list", {"op": "replace", "path": "emails", "value":
     [{"value": "b@acme.example", "type": "work", "primary": "True"}]},
     {"emails": [{"type": "work", "value": "b@acme.example", "primary": True}]}),
    ("Entra, several at once", {"op": "replace", "value": {"displayName": "Bjfe",
     "name.givenName": "Kkom", "name.familyName": "Unua", f"{ENTERPRISE}:employeeNumber": "7"}},
     {"displayName": "Bjfe", "name": {"givenName": "Kkom", "familyName": "Unua"},
      ENTERPRISE: {"employeeNumber": "7"}}),
    ("filters as names", {"op": "replace", "value": {"displayName": "B", WORK_EMAIL: "c@d.example",
     'phoneNumbers[type eq "mobile"].value': "1"}},
     {"displayName": "B", "emails": [{"type": "work", "value": "c@d.example"}],
      "phoneNumbers": [{"type": "mobile", "value": "1"}]}),
    ("Entra, address", {"op": "Add", "path": 'addresses[type eq "work"].country', "value": "DE"},
     {"addresses": [{"type": "work", "country": "DE"}]}),
    ("Entra, phone", {"op": "Add", "path": 'phoneNumbers[type eq "fax"].value', "value": "+1"},
     {"phoneNumbers": [{"type": "fax", "value": "+1"}]}),
    ("Entra, role", {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "admin"},
     {"roles": [{"primary": True, "value": "admin"}]}),
    ("Entra, department", {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Sales"},
     {ENTERPRISE: {"department": "Sales"}}),
    ("Entra, with a dot", {"op": "Add", "path": f"{ENTERPRISE}.department", "value": "Sales"},
     {ENTERPRISE: {"department": "Sales"}}),
    ("manager as text", {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "BOSS"},
     {ENTERPRISE: {"manager": {"value": "BOSS"}}}),
    ("manager as object", {"op": "Add", "path": f"{ENTERPRISE}:manager", "value":
     {"value": "BOSS"}}, {ENTERPRISE: {"manager": {"value": "BOSS"}}}),
    ("manager as list", {"op": "Add", "path": "manager", "value":
     [{"$ref": "https://ken.example/scim/v2/Users/BOSS", "value": "BOSS"}]},
     {ENTERPRISE: {"manager": {"value": "BOSS",
      "$ref": "https://ken.example/scim/v2/Users/BOSS"}}}),
    ("manager's value", {"op": "Add", "path": f"{ENTERPRISE}:manager.value", "value": "BOSS"},
     {ENTERPRISE: {"manager": {"value": "BOSS"}}}),
    ("manager in the schema", {"op": "add", "value": {ENTERPRISE: {"manager": "BOSS"}}},
     {ENTERPRISE: {"manager": {"value": "BOSS"}}}),
    ("a title removed", {"op": "Remove", "path": "title", "value": "Clerk"}, {"title": None}),
    ("a title emptied", {"op": "Replace", "path": "title", "value": None}, {"title": None}),
    ("Okta, a password", {"op": "replace", "value": {"password": "x"}}, {"password": None}),
]  # fmt: skip


@pytest.mark.parametrize(("form", "operation", "expected"), USER_PATCHES)
def test_a_user_is_patched(
    scim: Scim, form: str, operation: dict[str, Any], expected: dict[str, Any]
) -> None:
    boss = scim.user("boss")
    ana = scim.user("ana", title="Clerk")
    shown = scim.patched(f"/Users/{ana}", _with_id(operation, boss))
    for name, value in _with_id(expected, boss).items():
        assert shown.get(name) == value, form
    assert shown == scim.get(f"/Users/{ana}")


def _with_id(value: Any, boss: str) -> Any:
    if isinstance(value, dict):
        return {name: _with_id(one, boss) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_id(one, boss) for one in value]
    return value.replace("BOSS", boss) if isinstance(value, str) else value


def test_a_request_in_other_letters_and_declared_as_json_is_the_same(scim: Scim) -> None:
    """RFC 7643, 2.1 and 3: names of attributes and schemas have no case."""
    ana = scim.user("ana")
    body = {
        "SCHEMAS": [PATCH.lower()],
        "operations": [{"OP": "replace", "PATH": "title", "VALUE": "CFO"}],
    }
    for declared in ("application/json", "application/scim+json;charset=UTF-8", "Application/JSON"):
        answer = scim.send("PATCH", f"/Users/{ana}", body, content_type=declared)
        assert (answer.status_code, answer.json()["title"]) == (200, "CFO")
    made = scim.send(
        "POST",
        "/Users",
        {"Schemas": [USER.upper()], "USERNAME": "bo", "Emails": [{"VALUE": "b@a.example"}]},
    )
    assert (made.status_code, made.json()["emails"][0]["value"]) == (201, "b@a.example")


# -- forms of a PATCH of a group ---------------------------------------------------------------

GROUP_PATCHES: list[tuple[str, list[dict[str, Any]], list[str]]] = [
    ("Entra adds", [{"op": "Add", "path": "members", "value": [{"$ref": None, "value": "BEN"}]}],
     ["ANA", "BEN"]),
    ("Entra adds one", [{"op": "Add", "path": "members", "value": {"value": "BEN"}}],
     ["ANA", "BEN"]),
    ("Entra removes", [{"op": "Remove", "path": "members", "value": [{"$ref": None, "value":
     "ANA"}]}], []),
    ("Entra removes, with a flag", [{"op": "remove", "path": 'members[value eq "ANA"]'}], []),
    ("Entra removes somebody who is not there", [{"op": "Remove", "path": "members", "value":
     [{"value": "777777"}]}], ["ANA"]),
    ("Okta swaps", [{"op": "remove", "path": 'members[value eq "ANA"]'}, {"op": "add", "path":
     "members", "value": [{"value": "BEN", "display": "ben@acme.example"}]}], ["BEN"]),
    ("Okta pushes all", [{"op": "replace", "path": "members", "value": [{"value": "BEN",
     "display": "b"}]}], ["BEN"]),
    ("Okta renames and adds", [{"op": "replace", "value": {"id": "GROUP", "displayName": "New"}},
     {"op": "add", "path": "members", "value": [{"value": "BEN"}]}], ["ANA", "BEN"]),
    ("without a path", [{"op": "add", "value": {"members": [{"value": "BEN"}]}}], ["ANA", "BEN"]),
    ("the core schema", [{"op": "remove", "path": f'{GROUP}:members[value eq "ANA"]'}], []),
    ("in other letters", [{"op": "Remove", "path": 'MEMBERS[Value eq "ANA"]'}], []),
    ("none, as null", [{"op": "replace", "path": "members", "value": None}], []),
    ("added, as null", [{"op": "add", "value": {"members": None}}], ["ANA"]),
]  # fmt: skip


@pytest.mark.parametrize(("form", "operations", "left"), GROUP_PATCHES)
def test_a_groups_members_are_patched_and_read_what_it_opens(
    scim: Scim, world: World, form: str, operations: list[dict[str, Any]], left: list[str]
) -> None:
    ids = {"ANA": scim.user("ana"), "BEN": scim.user("ben")}
    group = scim.group("Sales", ids["ANA"])
    world.page("plan", Permissions(allow=frozenset({int(group)})))
    patches = _named(operations, ids | {"GROUP": group})
    shown = scim.patched(f"/Groups/{group}", *patches)
    assert {one["value"] for one in shown.get("members", ())} == {ids[one] for one in left}, form
    readers = [name for name, one in ids.items() if world.texts(int(one)) == ["plan"]]
    assert readers == left, form


def _named(value: Any, ids: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _named(one, ids) for name, one in value.items()}
    if isinstance(value, list):
        return [_named(one, ids) for one in value]
    if isinstance(value, str):
        for name, one in ids.items():
            value = value.replace(name, one)
    return value


def test_okta_puts_a_whole_group(scim: Scim, world: World) -> None:
    ana, ben = scim.user("ana"), scim.user("ben")
    group = scim.group("Sales", ana)
    world.page("plan", Permissions(allow=frozenset({int(group)})))
    before = scim.get(f"/Groups/{group}")
    members = [{"value": ben, "display": "ben@acme.example"}]
    put = scim.send("PUT", f"/Groups/{group}", {**before, "members": members})
    assert put.status_code == 200
    assert (world.texts(int(ana)), world.texts(int(ben))) == ([], ["plan"])


# -- looking things up -------------------------------------------------------------------------


def test_what_both_ask_before_they_write(scim: Scim) -> None:
    boss = scim.user("boss")
    ana = scim.user(
        "ana@acme.example",
        externalId="00u1",
        active=False,
        emails=[{"value": "ana@acme.example", "type": "work"}],
        **{ENTERPRISE: {"manager": boss}},
    )
    group = scim.group("Sales", ana, externalId="8aa1a0c0")
    for asked in (
        'userName eq "ana@acme.example"',
        'USERNAME Eq "ANA@acme.example"',
        'externalId eq "00u1"',
        'emails[type eq "work"].value eq "ana@acme.example"',
        f'id eq "{ana}" and manager eq "{boss}"',
        f'id eq "{ana}" and {ENTERPRISE}:manager eq "{boss}"',
        f'{ENTERPRISE}:manager.value eq "{boss}" and active eq false',
    ):
        assert scim.found("Users", asked, startIndex=1, count=100) == ["ana@acme.example"], asked
    assert scim.found("Users", f'manager eq "{ana}"') == []
    assert scim.found("Users", 'userName eq "manager eq 1"') == []
    for asked in (
        'displayName eq "Sales"',
        f'id eq "{group}" and members eq "{ana}"',
        'externalId eq "8aa1a0c0"',
    ):
        page = scim.get("/Groups", filter=asked, excludedAttributes="members")
        assert [one["displayName"] for one in page["Resources"]] == ["Sales"], asked
        assert "members" not in page["Resources"][0]
    for kind, most in (("Users", 2), ("Groups", 100)):
        page = scim.get(f"/{kind}", startIndex=1, count=most)
        assert {type(page[name]) for name in ("totalResults", "startIndex", "itemsPerPage")} == {
            int
        }


@pytest.mark.parametrize("asked", ["filter=", "filter=%20", "startIndex=&count=", "sortBy="])
def test_a_parameter_without_a_value_is_none(scim: Scim, asked: str) -> None:
    scim.user("ana")
    scim.user("ben")
    assert scim.send("GET", f"/Users?{asked}").json()["totalResults"] == 2
    name, _, _ = asked.partition("=")
    if name == "filter":
        assert scim.send("POST", "/Users/.search", {"filter": ""}).json()["totalResults"] == 2


def test_a_slash_at_the_end_of_an_address_changes_nothing(scim: Scim) -> None:
    body = {"schemas": [USER], "userName": "ana"}
    made = scim.send("POST", "/Users/", body)
    assert made.status_code == 201
    ana = made.json()["id"]
    assert scim.get("/Users/") == scim.get("/Users")
    assert scim.get(f"/Users/{ana}/") == scim.get(f"/Users/{ana}")
    for path in ("/Groups/", "/Schemas/", "/ResourceTypes/User/", "/ServiceProviderConfig/"):
        assert scim.get(path) == scim.get(path.rstrip("/"))
    assert scim.send("POST", "/Users/.search/", {}).json()["totalResults"] == 1
    assert scim.send("GET", "/Users//").status_code == 404
    assert scim.send("GET", "/Users/", authorization="Bearer no").status_code == 401


def test_who_is_made_without_a_word_of_it_is_active_and_found_as_such(scim: Scim) -> None:
    """Entra looks at it after each change."""
    ana = scim.user("ana")
    assert scim.get(f"/Users/{ana}")["active"] is True
    assert scim.found("Users", "active eq true") == ["ana"]


# -- coming back -------------------------------------------------------------------------------


def test_a_post_of_a_suspended_user_is_refused_and_says_how_they_come_back(
    scim: Scim, world: World
) -> None:
    """RFC 7644, 3.3: 409. Both providers look first, find who is suspended, and set `active`."""
    ana = scim.user("ana@acme.example", externalId="00u1")
    world.page("plan", Permissions(allow=frozenset({int(scim.group("finance", ana))})))
    scim.patched(f"/Users/{ana}", {"op": "Replace", "path": "active", "value": "False"})

    again = {
        "schemas": [USER],
        "userName": "Ana@acme.example",
        "externalId": "00u1",
        "active": True,
    }
    refused = scim.send("POST", "/Users", again)
    assert (refused.status_code, refused.json()["scimType"]) == (409, "uniqueness")
    assert f"the id {ana} has it already. That user is suspended" in refused.json()["detail"]
    assert world.texts(int(ana)) == []

    [found] = scim.get("/Users", filter='userName eq "ana@acme.example"')["Resources"]
    assert (found["id"], found["active"]) == (ana, False)
    scim.patched(f"/Users/{ana}", {"op": "Replace", "path": "active", "value": "True"})
    assert world.texts(int(ana)) == ["plan"]
    refused = scim.send("POST", "/Users", again)
    assert refused.status_code == 409
    assert "suspended" not in refused.json()["detail"]


def test_okta_brings_somebody_back_by_a_put_of_the_whole_user(scim: Scim, world: World) -> None:
    ana = scim.user("ana@acme.example")
    world.page("plan", Permissions(allow=frozenset({int(ana)})))
    for active, texts in ((False, []), (True, ["plan"])):
        whole = {**scim.get(f"/Users/{ana}"), "active": active, "groups": []}
        put = scim.send("PUT", f"/Users/{ana}", whole)
        assert (put.status_code, put.json()["active"]) == (200, active)
        assert world.texts(int(ana)) == texts
