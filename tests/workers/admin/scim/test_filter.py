"""A filter as SQL selects what `match()` of scim2-models selects; a value stays a value."""

from itertools import product
from typing import Any

import pytest
from scim2_models import ScimFilter

from tests.workers.admin.scim.client import ENTERPRISE, KEN, Scim
from workers.admin.scim.schema import MODELS, POLICY, about
from workers.database.sessions import Database

NAMES = ["alice", "ALINA", "bob", "Bob ", "bobé", "bobe\u0301", "c'; DROP TABLE x --", "%_\\"]

USER_FILTERS = [
    *(f'userName {op} "{value}"' for op, value in product(
        ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"), ("bob", "AL", "%", "bob ", "")
    )),
    'userName eq "c\'; DROP TABLE x --"',
    'userName co "\\\\"',
    'externalId eq "X1"',
    'externalId eq "x1"',
    'externalId eq null',
    'externalId ne "X1"',
    "externalId pr",
    "title pr",
    "not (title pr)",
    'title eq null',
    'title ne null',
    'active eq true',
    'active eq false',
    'active ne true',
    'active eq "True"',
    'name.familyName sw "m"',
    'name.familyName gt "m"',
    'not (name.familyName gt "m")',
    "name pr",
    'emails co "example"',
    'emails.value ew ".org"',
    'emails.type eq "work"',
    'emails.type ne "work"',
    'emails ne "nobody@example.com"',
    'emails eq null',
    'emails ne null',
    'emails.display eq null',
    "emails pr",
    "not (emails pr)",
    'emails[type eq "work"]',
    'emails[type eq "work" and value co "example.com"]',
    'emails[type eq "home" or primary eq true]',
    'emails[not (type eq "work")]',
    'emails[display pr]',
    'emails[type eq "work"].value eq "bob@example.com"',
    f'{ENTERPRISE}:department eq "Sales"',
    f'{ENTERPRISE}:department ne "sales"',
    f'{ENTERPRISE}:manager.value eq "1"',
    f'{ENTERPRISE}:manager pr',
    f'{KEN}:guest eq true',
    f'{KEN}:identities.source sw "slack:"',
    f'{KEN}:identities[source eq "slack:T1" and nativeId eq "U1"]',
    f'{KEN}:identities[source eq "SLACK:T1"]',
    'schemas eq "urn:ietf:params:scim:schemas:extension:ken:2.0:User"',
    "groups pr",
    'groups.display eq "all"',
    'groups[type eq "direct"]',
    'meta.resourceType eq "User"',
    'meta.resourceType eq "Group"',
    'meta.created gt "2020-01-01T00:00:00Z"',
    'meta.created lt "2020-01-01T00:00:00Z"',
    'meta.lastModified le "2999-01-01T00:00:00Z"',
    'meta.version eq "W/\\"1\\""',
    'userName eq "alice" or userName eq "bob" and title pr',
    '(userName eq "alice" or userName eq "bob") and title pr',
    'not (userName eq "alice" or userName eq "bob")',
]  # fmt: skip

GROUP_FILTERS = [
    'displayName eq "ALL"',
    'displayName ne "all"',
    "members pr",
    "not (members pr)",
    "members.value pr",
    'members.display eq "bob"',
    'members[type eq "Group"]',
    'members[type eq "User" and display sw "al"]',
    'members.type ne "Group"',
    "externalId pr",
]


@pytest.fixture
def people(database: Database) -> Scim:
    scim = Scim(database)
    for place, name in enumerate(NAMES):
        more: dict[str, Any] = {}
        if place % 2:
            more["title"] = f"Title {place}"
            more["name"] = {"familyName": "Meier" if place % 4 == 1 else "miller"}
            more[ENTERPRISE] = {"department": "Sales", "manager": {"value": str(place)}}
        if place % 3:
            more["active"] = bool(place % 2)
            more["emails"] = [
                {"value": f"{place}@example.com", "type": "work", "primary": place == 1},
                {"value": "bob@example.com", "type": "home" if place == 2 else "work"},
                {"value": f"{place}@example.org", "display": "d"},
            ][: place % 4]
        if place % 4 == 2:
            more["externalId"] = f"X{place // 2}"
            more[KEN] = {
                "guest": True,
                "identities": [{"source": "slack:T1", "nativeId": f"U{place // 2}"}],
            }
        scim.user(name, **more)
    ids = [one["id"] for one in scim.get("/Users")["Resources"]]
    everyone = scim.group("all", *ids[:5])
    scim.group("few", ids[0], everyone, externalId="g")
    scim.group("none")
    return scim


@pytest.mark.parametrize("kind", ["User", "Group"])
def test_sql_selects_what_the_library_would(people: Scim, kind: str) -> None:
    asked = {"attributes": "displayName,externalId,members.value,members.type,members.display"}
    resources = people.get(f"/{kind}s", **(asked if kind == "Group" else {}))["Resources"]
    models = [MODELS[kind].model_validate(one) for one in resources]
    chosen = 0
    for text in USER_FILTERS if kind == "User" else GROUP_FILTERS:
        with POLICY:
            expected = [
                one.id for one in models if about(ScimFilter, MODELS[kind])(text).match(one)
            ]
        found = [one["id"] for one in people.get(f"/{kind}s", filter=text)["Resources"]]
        assert (text, found) == (text, expected)
        chosen += 0 < len(found) < len(models)
    assert chosen > len(USER_FILTERS if kind == "User" else GROUP_FILTERS) / 3


def test_threat_4_look_alikes_are_different_values(people: Scim) -> None:
    assert people.found("Users", 'userName eq "bob"') == ["bob"]
    assert people.found("Users", 'userName eq "bob "') == ["Bob "]
    assert people.found("Users", 'userName eq "bob\u00e9"') == ["bob\u00e9"]
    assert people.found("Users", 'userName eq "bobe\u0301"') == ["bobe\u0301"]


NO_FILTERS = [
    "userName",
    "userName eq",
    'userName eq "a',
    'userName is "a"',
    'nothing eq "a"',
    'userName eq "a" or',
    "userName eq 3",
    'active gt true',
    'active eq "maybe"',
    'meta.created gt "yesterday"',
    'name eq "a"',
    'userName[value eq "a"]',
    'emails[emails[type eq "a"]]',
    'schemas[value eq "a"]',
    'userName eq "a\\u0000"',
    'userName eq "\\ud800"',
    "(" * 30 + 'userName eq "a"' + ")" * 30,
    " or ".join(['userName eq "aaaaaaaaaaaa"'] * 1000),
    "not " * 3000 + "(title pr)",
    "urn:x:y:z eq 1",
    "\0",
]  # fmt: skip


def test_a_filter_that_means_nothing_is_refused(database: Database) -> None:
    scim = Scim(database)
    for text in NO_FILTERS:
        answer = scim.client.get("/scim/v2/Users", params={"filter": text})
        refusal = (text[:40], answer.status_code, answer.json().get("scimType"))
        assert refusal == (text[:40], 400, "invalidFilter")


def test_a_long_filter_of_many_ids_is_answered(people: Scim) -> None:
    ids = [one["id"] for one in people.get("/Users")["Resources"]]
    nobodys = range(10_000_000, 10_000_300)
    text = " or ".join(f'id eq "{one}"' for one in (*nobodys, *ids))
    assert len(people.found("Users", text, count=200)) == len(NAMES)


def test_lists_are_sorted_as_rfc_7644_says(people: Scim) -> None:
    def order(**query: str) -> list[str]:
        return [one["userName"] for one in people.get("/Users", **query)["Resources"]]

    by_name = order(sortBy="userName")
    assert by_name == sorted(NAMES, key=str.lower)
    assert order(sortBy="userName", sortOrder="descending") == by_name[::-1]
    with_title = [name for place, name in enumerate(NAMES) if place % 2]
    assert order(sortBy="title")[:4] == with_title
    assert set(order(sortBy="title", sortOrder="descending")[4:]) == set(with_title)
    assert order(sortBy="emails", sortOrder="ascending")[0] == "ALINA"
    assert sorted(order(sortBy="meta.created")) == sorted(NAMES)
    for wrong in ("nothing", "name", "groups[value eq 1]", "password"):
        answer = people.client.get("/scim/v2/Users", params={"sortBy": wrong})
        assert (wrong, answer.status_code) == (wrong, 400)


def test_pages_hold_every_resource_once(people: Scim) -> None:
    seen: list[str] = []
    for start in (1, 4, 7):
        page = people.get("/Users", startIndex=start, count=3)
        assert (page["totalResults"], page["startIndex"]) == (len(NAMES), start)
        assert page["itemsPerPage"] == len(page["Resources"])
        seen += [one["userName"] for one in page["Resources"]]
    assert seen == NAMES
    none = people.get("/Users", count=0)
    assert (none["totalResults"], none["Resources"]) == (len(NAMES), [])
    assert people.get("/Users", count=-5)["Resources"] == []
    assert people.get("/Users", startIndex=-5, count=1)["Resources"][0]["userName"] == NAMES[0]
    assert people.get("/Users", startIndex=10**30, count=10**30)["Resources"] == []


def test_search_by_post_and_over_both_types(people: Scim) -> None:
    asked = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": 'userName eq "bob" or displayName eq "few"',
        "attributes": ["displayName", "userName"],
    }
    both = people.send("POST", "/.search", asked).json()
    assert [one.get("userName", one.get("displayName")) for one in both["Resources"]] == [
        "bob",
        "few",
    ]
    asked["filter"] = 'userName eq "bob"'
    one = people.send("POST", "/Users/.search", asked).json()
    assert [set(shown) for shown in one["Resources"]] == [{"schemas", "id", "userName"}]


def test_only_the_attributes_that_were_asked_for(people: Scim) -> None:
    everyone = people.found("Groups", 'displayName eq "all"', excludedAttributes="members")
    assert everyone == ["all"]
    [bare] = people.get("/Groups", filter='displayName eq "all"', excludedAttributes="members")[
        "Resources"
    ]
    assert "members" not in bare
    [named] = people.get("/Groups", filter='displayName eq "all"', attributes="members.value")[
        "Resources"
    ]
    assert "displayName" not in named
    assert all(set(member) == {"value"} for member in named["members"])
