"""Provisioning as Okta and Entra do it, and what it means for who reads what."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text

from policies.audience import Account, Class, Readers
from policies.change import Change
from policies.described import Permissions
from policies.directory import resolve_audience
from policies.tables.history import Audit
from policies.tables.people import LinkedIdentity, User
from tests.policies.world import World
from tests.workers.admin.scim.client import ENTERPRISE, GROUP, KEN, PATCH, USER, Scim
from workers.database.sessions import Database
from workers.sync import sources


@pytest.fixture
def scim(database: Database) -> Scim:
    return Scim(database)


@pytest.fixture
def world(database: Database) -> World:
    return World(database)


def allow(*ids: str) -> Permissions:
    return Permissions(allow=frozenset(int(one) for one in ids))


# -- who reads what ----------------------------------------------------------------------------


def test_a_provisioned_group_opens_a_page_to_its_members_and_nobody_else(
    scim: Scim, world: World
) -> None:
    ana, ben = scim.user("ana"), scim.user("ben")
    world.page("plan", allow(scim.group("finance", ana)))
    assert world.texts(int(ana)) == ["plan"]
    assert world.texts(int(ben)) == []


def test_nested_groups_reach_upward_also_in_a_cycle(scim: Scim, world: World) -> None:
    ana, ben = scim.user("ana"), scim.user("ben")
    inner = scim.group("inner", ana)
    outer = scim.group("outer", inner, ben)
    world.page("outer page", allow(outer))
    world.page("inner page", allow(inner))
    assert world.texts(int(ana)) == ["inner page", "outer page"]
    assert world.texts(int(ben)) == ["outer page"]
    add = {"op": "add", "path": "members", "value": [{"value": outer}, {"value": inner}]}
    assert len(scim.patched(f"/Groups/{inner}", add)["members"]) == 3
    assert world.texts(int(ben)) == ["inner page", "outer page"]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Replace", "path": "active", "value": "False"},  # Entra
        {"op": "replace", "value": {"active": False}},  # Okta
        {"op": "replace", "path": f"{USER}:active", "value": False},
    ],
)
def test_threat_9_a_deactivated_user_reads_nothing_at_the_next_question(
    scim: Scim, world: World, operation: dict[str, object]
) -> None:
    ana, ben = scim.user("ana"), scim.user("ben")
    world.page("plan", allow(scim.group("finance", ana, ben)))
    assert world.texts(int(ana)) == ["plan"]
    assert scim.patched(f"/Users/{ana}", operation)["active"] is False
    assert world.texts(int(ana)) == []
    assert world.texts(int(ben)) == ["plan"]
    scim.patched(f"/Users/{ana}", {"op": "replace", "path": "active", "value": True})
    assert world.texts(int(ana)) == ["plan"]


def test_a_user_made_inactive_reads_nothing(scim: Scim, world: World) -> None:
    ana = scim.user("ana", active=False)
    world.page("plan", allow(ana))
    assert world.texts(int(ana)) == []


def test_what_is_left_out_does_not_widen(scim: Scim, world: World) -> None:
    """A PUT or a removal without `active` or `guest` leaves both as they were."""
    ana = scim.user("ana", active=False, **{KEN: {"guest": True}})
    world.page("own", allow(ana))
    bare = {"schemas": [USER], "userName": "ana"}
    shown = scim.send("PUT", f"/Users/{ana}", bare).json()
    assert (shown["active"], shown[KEN]["guest"]) == (False, True)
    scim.patched(f"/Users/{ana}", {"op": "remove", "path": "active"})
    assert world.texts(int(ana)) == []
    scim.patched(
        f"/Users/{ana}",
        {"op": "remove", "path": f"{KEN}:guest"},
        {"op": "add", "path": "active", "value": True},
    )
    assert _class(scim.database, ana) == "guest"


def test_a_guest_is_not_a_member(scim: Scim, world: World) -> None:
    ana, gus = scim.user("ana"), scim.user("gus", **{KEN: {"guest": True}})
    assert (_class(scim.database, ana), _class(scim.database, gus)) == ("member", "guest")
    path = f"{KEN}:guest"
    scim.patched(f"/Users/{ana}", {"op": "Add", "path": path, "value": "True"})
    assert _class(scim.database, ana) == "guest"
    scim.patched(f"/Users/{ana}", {"op": "Replace", "path": path, "value": False})
    assert _class(scim.database, ana) == "member"


def test_a_member_who_was_removed_reads_nothing_more(scim: Scim, world: World) -> None:
    ana, ben, cleo = (scim.user(name) for name in ("ana", "ben", "cleo"))
    group = scim.group("finance", ana, ben, cleo)
    world.page("plan", allow(group))
    okta = {"op": "remove", "path": f'members[value eq "{ana}"]'}
    scim.patched(f"/Groups/{group}", okta)
    assert (world.texts(int(ana)), world.texts(int(ben))) == ([], ["plan"])
    entra = {"op": "Remove", "path": "members", "value": [{"value": ben}, {"value": "999999"}]}
    scim.patched(f"/Groups/{group}", entra)
    assert (world.texts(int(ben)), world.texts(int(cleo))) == ([], ["plan"])
    scim.patched(f"/Groups/{group}", {"op": "remove", "path": "members"})
    assert world.texts(int(cleo)) == []


def test_threat_8_who_comes_back_with_the_same_names_inherits_nothing(
    scim: Scim, world: World
) -> None:
    attributes = {
        "externalId": "00u1",
        "emails": [{"value": "ana@acme.example", "primary": True}],
        KEN: {"identities": [{"source": "slack:T0ACME", "nativeId": "U1"}]},
    }
    ana = scim.user("ana", **attributes)
    world.page("own", allow(ana))
    world.page("plan", allow(scim.group("finance", ana)))
    assert world.texts(int(ana)) == ["own", "plan"]

    assert scim.send("DELETE", f"/Users/{ana}").status_code == 204
    assert world.texts(int(ana)) == []
    assert scim.send("GET", f"/Users/{ana}").status_code == 404
    assert scim.send("DELETE", f"/Users/{ana}").status_code == 404
    assert _linked(scim.database, "U1") == []

    again = scim.user("ana", **attributes)
    assert int(again) > int(ana)
    assert world.texts(int(again)) == []
    assert _linked(scim.database, "U1") == [int(again)]


def test_threat_9_a_deleted_user_loses_group_account_and_address(
    scim: Scim, database: Database
) -> None:
    ana = scim.user("ana", emails=[{"value": "ana@acme.example"}], title="CFO")
    group = scim.group("finance", ana)
    before = scim.get(f"/Groups/{group}")
    with database.session("syncer") as session:
        change = Change(session, actor="admin")
        change.link(int(ana), change.put_source("wiki"), "W1", by="admin")
    scim.send("DELETE", f"/Users/{ana}")
    after = scim.get(f"/Groups/{group}")
    assert "members" not in after
    assert after["meta"]["version"] != before["meta"]["version"]
    with database.session("syncer") as session:
        row = session.get_one(User, int(ana))
        assert (row.status, row.email, row.profile) == ("deleted", None, {})
        assert session.scalar(select(func.count()).select_from(LinkedIdentity)) == 0
        assert session.scalar(text("SELECT count(*) FROM membership")) == 0


def test_a_deleted_group_opens_nothing_and_its_deny_closes(scim: Scim, world: World) -> None:
    ana, ben = scim.user("ana"), scim.user("ben")
    finance, banned = scim.group("finance", ana), scim.group("banned", ben)
    world.page("plan", allow(finance))
    world.page("open", Permissions(allow=frozenset({int(ana)}), deny=frozenset({int(banned)})))
    assert world.texts(int(ana)) == ["open", "plan"]
    assert scim.send("DELETE", f"/Groups/{finance}").status_code == 204
    assert world.texts(int(ana)) == ["open"]
    assert scim.send("DELETE", f"/Groups/{banned}").status_code == 204
    assert world.texts(int(ana)) == []


# -- accounts ----------------------------------------------------------------------------------


def test_an_account_that_the_provider_vouches_for_asks_as_its_user(
    scim: Scim, database: Database
) -> None:
    one, two = ({"source": "slack:T0ACME", "nativeId": name} for name in ("U1", "U2"))
    ana = scim.user("ana", **{KEN: {"identities": [one]}})
    with database.session("answerer") as session:
        account = Account("slack:T0ACME", "U1")
        audience = resolve_audience(session, Readers(accounts=frozenset({account})))
    assert audience.ids == (int(ana),)
    scim.patched(f"/Users/{ana}", {"op": "add", "path": f"{KEN}:identities", "value": [two]})
    assert (_linked(database, "U1"), _linked(database, "U2")) == ([int(ana)], [int(ana)])
    gone = f'{KEN}:identities[nativeId eq "U1"]'
    scim.patched(f"/Users/{ana}", {"op": "remove", "path": gone})
    assert (_linked(database, "U1"), _linked(database, "U2")) == ([], [int(ana)])
    scim.patched(f"/Users/{ana}", {"op": "remove", "path": f"{KEN}:identities"})
    assert _linked(database, "U2") == []


def test_an_add_to_a_list_keeps_what_is_there(scim: Scim) -> None:
    """RFC 7644, 3.5.2.1. scim2-tester 0.5.2 expects otherwise (test_compliance.py)."""
    one, two = ({"source": "slack:T0ACME", "nativeId": name} for name in ("U1", "U2"))
    ana = scim.user("ana", **{KEN: {"identities": [one]}})
    add = {"op": "add", "path": f"{KEN}:identities", "value": [two]}
    assert scim.patched(f"/Users/{ana}", add)[KEN]["identities"] == [one, two]


def test_an_account_is_never_taken_from_somebody_else(scim: Scim, database: Database) -> None:
    mine = {KEN: {"identities": [{"source": "slack:T0ACME", "nativeId": "U1"}]}}
    ana = scim.user("ana", **mine)
    answer = scim.send("POST", "/Users", {"schemas": [USER], "userName": "ben", **mine})
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    assert "identities[0]" in answer.json()["detail"]
    assert _linked(database, "U1") == [int(ana)]
    assert scim.found("Users", 'userName eq "ben"') == []


def test_a_link_that_an_administrator_made_is_left_alone(scim: Scim, database: Database) -> None:
    ana = scim.user("ana")
    with database.session("syncer") as session:
        change = Change(session, actor="admin")
        change.link(int(ana), change.put_source("wiki"), "W1", by="admin")
    scim.send("PUT", f"/Users/{ana}", {"schemas": [USER], "userName": "ana", KEN: {}})
    assert _linked(database, "W1") == [int(ana)]


def test_a_source_that_the_provider_is_first_to_name_holds_nothing(
    scim: Scim, world: World
) -> None:
    """Threat 37: a scope `identity` makes sources, and by that nobody reads more or less."""
    ben = scim.user("ben")
    world.page("plan", allow(ben))
    mine = {KEN: {"identities": [{"source": "wiki", "nativeId": "W1"}]}}
    ana = scim.user("ana", **mine)
    assert (world.texts(int(ana)), world.texts(int(ben))) == ([], ["plan"])
    made = {source.name: source for source in sources.all_sources(world.database)}["wiki"]
    assert (made.usable, made.synced_at, made.documents, made.closed) == (True, None, 0, 0)


def test_our_own_identities_are_not_for_sale(scim: Scim) -> None:
    body = {
        "schemas": [USER],
        "userName": "ana",
        KEN: {"identities": [{"source": "scim", "nativeId": "1"}]},
    }
    answer = scim.send("POST", "/Users", body)
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")


# -- what is said of a user --------------------------------------------------------------------


def test_a_profile_is_what_the_provider_says(scim: Scim, database: Database) -> None:
    boss = scim.user("boss", displayName="Ines Adler")
    attributes = {
        "name": {"givenName": "Ana", "familyName": "Meier"},
        "title": "Analyst",
        "emails": [
            {"value": "private@acme.example", "type": "home"},
            {"value": "Ana.Meier@corp.local", "type": "work", "primary": True},
        ],
        "addresses": [{"locality": "Berlin", "country": "DE"}],
        "preferredLanguage": "de-DE",
        "timezone": "Europe/Berlin",
        ENTERPRISE: {"department": "Finance", "manager": boss},
    }
    ana = scim.user("ana", **attributes)
    with database.session("syncer") as session:
        row = session.get_one(User, int(ana))
        assert (row.name, row.email) == ("Ana Meier", "Ana.Meier@corp.local")
        assert row.profile == {
            "title": "Analyst",
            "team": "Finance",
            "location": "Berlin",
            "country": "DE",
            "locale": "de-DE",
            "timezone": "Europe/Berlin",
            "manager": "Ines Adler",
        }
        assert session.scalars(select(Audit.actor).distinct()).all() == ["token:idp"]


def test_a_password_is_not_kept(scim: Scim, database: Database) -> None:
    ana = scim.user("ana", password="correct horse")
    assert "password" not in scim.get(f"/Users/{ana}")
    with database.session("syncer") as session:
        kept = session.scalar(text("SELECT string_agg(resource::text, '') FROM provisioned"))
    assert "ana" in kept
    assert "correct horse" not in kept


def test_user_names_are_unique_but_for_case(scim: Scim) -> None:
    ana = scim.user("Ana@acme.example")
    for name, status in (("ANA@acme.example", 409), ("ana@acme.example ", 201), ("аna", 201)):
        answer = scim.send("POST", "/Users", {"schemas": [USER], "userName": name})
        assert (name, answer.status_code) == (name, status)
    taken = scim.patch(f"/Users/{ana}", {"op": "replace", "path": "userName", "value": "аna"})
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    assert "userName" in taken.json()["detail"]
    renamed = {"op": "replace", "path": "userName", "value": "ana@ACME.example"}
    assert scim.patched(f"/Users/{ana}", renamed)["userName"] == "ana@ACME.example"


# -- Okta and Entra ----------------------------------------------------------------------------


def test_okta_provisions_a_person(scim: Scim) -> None:
    """developer.okta.com: SCIM 2.0 protocol reference."""
    none = scim.get("/Users", filter='userName eq "ana@acme.example"', startIndex=1, count=100)
    assert (none["totalResults"], none["Resources"]) == (0, [])
    made = scim.send(
        "POST",
        "/Users",
        {
            "schemas": [USER],
            "userName": "ana@acme.example",
            "name": {"givenName": "Ana", "familyName": "Meier"},
            "emails": [{"primary": True, "value": "ana@acme.example", "type": "work"}],
            "displayName": "Ana Meier",
            "locale": "en-US",
            "externalId": "00ujl29u0le5T6Aj10h7",
            "groups": [],
            "password": "1mz050nq",
            "active": True,
        },
    )
    assert made.status_code == 201
    ana = made.json()["id"]
    assert made.headers["location"] == f"https://ken.example/scim/v2/Users/{ana}"
    assert made.headers["location"] == made.json()["meta"]["location"]
    assert made.headers["content-type"] == "application/scim+json"
    put = {**made.json(), "name": {"givenName": "Anna", "familyName": "Meier"}, "groups": []}
    changed = scim.send("PUT", f"/Users/{ana}", put)
    assert (changed.status_code, changed.json()["name"]["givenName"]) == (200, "Anna")
    off = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]}
    assert scim.send("PATCH", f"/Users/{ana}", off).json()["active"] is False


def test_okta_provisions_a_group(scim: Scim) -> None:
    """The same page."""
    ana, group = scim.user("ana"), scim.group("Engineering")
    renamed = {"op": "replace", "value": {"id": group, "displayName": "Engineers"}}
    joined = {"op": "add", "path": "members", "value": [{"value": ana, "display": "Ana"}]}
    shown = scim.patched(f"/Groups/{group}", renamed, joined)
    assert (shown["displayName"], [one["value"] for one in shown["members"]]) == (
        "Engineers",
        [ana],
    )
    assert scim.get(f"/Users/{ana}")["groups"][0]["display"] == "Engineers"
    assert scim.get("/Groups", startIndex=1, count=100)["totalResults"] == 1
    replaced = {"op": "replace", "path": "members", "value": []}
    assert "members" not in scim.patched(f"/Groups/{group}", replaced)


def test_entra_provisions_a_person(scim: Scim) -> None:
    """learn.microsoft.com: Develop and plan provisioning for a SCIM endpoint."""
    assert scim.found("Users", 'userName eq "8a1e5a0f-not-there"') == []
    boss = scim.user("boss")
    ana = scim.user(
        "ana@acme.example",
        externalId="0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        active=True,
        meta={"resourceType": "User"},
        name={"formatted": "Ana Meier", "familyName": "Meier", "givenName": "Ana"},
        roles=[],
    )
    shown = scim.patched(
        f"/Users/{ana}",
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "ana@acme.example"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "anna@acme.example"},
        {"op": "Replace", "path": "name.familyName", "value": "Mayer"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": boss},
        {"op": "Add", "value": {f"{ENTERPRISE}:department": "Sales", "title": "Boss"}},
    )
    assert shown["emails"] == [{"type": "work", "value": "anna@acme.example"}]
    assert shown["name"]["familyName"] == "Mayer"
    assert shown[ENTERPRISE] == {"manager": {"value": boss}, "department": "Sales"}
    assert scim.found("Users", f'externalId eq "{shown["externalId"]}"') == ["ana@acme.example"]


def test_entra_provisions_a_group(scim: Scim) -> None:
    """The same page."""
    ana, boss = scim.user("ana"), scim.user("boss")
    group = scim.group("Sales", externalId="8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159")
    for one in (ana, boss):
        scim.patched(
            f"/Groups/{group}",
            {"op": "Add", "path": "members", "value": [{"$ref": None, "value": one}]},
        )
    belongs = f'id eq "{group}" and members eq "{ana}"'
    assert scim.found("Groups", belongs, excludedAttributes="members") == ["Sales"]
    both = [{"$ref": None, "value": one} for one in (ana, boss)]
    scim.patched(f"/Groups/{group}", {"op": "Remove", "path": "members", "value": both})
    assert scim.found("Groups", belongs) == []
    assert scim.send("DELETE", f"/Groups/{group}").status_code == 204


# -- versions ----------------------------------------------------------------------------------


def test_what_is_known_already_is_not_sent_again(scim: Scim) -> None:
    path = f"/Users/{scim.user('ana')}"
    first = scim.send("GET", path).headers["etag"]
    assert scim.send("GET", path, if_none_match=first).status_code == 304
    assert scim.send("GET", path, if_none_match='W/"77", *').status_code == 304
    scim.patch(path, {"op": "add", "path": "title", "value": "Analyst"})
    now = scim.send("GET", path, if_none_match=first)
    assert (now.status_code, now.json()["title"]) == (200, "Analyst")


def test_a_version_guards_a_change(scim: Scim) -> None:
    path = f"/Users/{scim.user('ana')}"
    first = scim.send("GET", path).headers["etag"]
    title = {"op": "add", "path": "title", "value": "Analyst"}
    assert scim.patch(path, title, if_match=first).status_code == 200
    late = scim.patch(path, {**title, "value": "late"}, if_match=first)
    assert (late.status_code, late.json()["status"]) == (412, "412")
    assert scim.get(path)["title"] == "Analyst"


def test_a_version_guards_a_deletion(scim: Scim) -> None:
    path = f"/Users/{scim.user('ana')}"
    first = scim.send("GET", path).headers["etag"]
    now = scim.patch(path, {"op": "add", "path": "title", "value": "Analyst"}).headers["etag"]
    assert scim.send("DELETE", path, if_match=first).status_code == 412
    assert scim.send("DELETE", path, if_match=f'W/"9", {now}').status_code == 204


def test_what_changes_nothing_keeps_its_version(scim: Scim) -> None:
    path = f"/Users/{scim.user('ana')}"
    title = {"op": "add", "path": "title", "value": "Analyst"}
    assert scim.patch(path, title).headers["etag"] == scim.patch(path, title).headers["etag"]


def test_two_patches_of_a_group_at_once_both_count(scim: Scim) -> None:
    people = [scim.user(f"user {number}") for number in range(12)]
    group = scim.group("all")

    def join(one: str) -> int:
        add = {"op": "add", "path": "members", "value": [{"value": one}]}
        return Scim(scim.database).patch(f"/Groups/{group}", add).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(join, people)) == {200}
    members = scim.get(f"/Groups/{group}")["members"]
    assert sorted(one["value"] for one in members) == sorted(people)


def test_of_two_changes_of_one_version_one_is_refused(scim: Scim) -> None:
    group = scim.group("all")
    version = scim.send("GET", f"/Groups/{group}").headers["etag"]

    def rename(name: str) -> int:
        named = {"op": "replace", "path": "displayName", "value": name}
        answer = Scim(scim.database).patch(f"/Groups/{group}", named, if_match=version)
        return answer.status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(rename, ["a", "b", "c", "d"])) == [200, 412, 412, 412]


# -- what is announced, and who may ask --------------------------------------------------------


def test_discovery(scim: Scim) -> None:
    config = scim.get("/ServiceProviderConfig")
    assert config["bulk"]["supported"] is False
    assert all(config[name]["supported"] for name in ("patch", "filter", "sort", "etag"))
    assert {one["id"] for one in scim.get("/ResourceTypes")["Resources"]} == {"User", "Group"}
    assert scim.get(f"/Schemas/{KEN}")["attributes"][0]["name"] == "identities"
    assert {GROUP, USER, ENTERPRISE, KEN} <= {
        one["id"] for one in scim.get("/Schemas")["Resources"]
    }
    filtered = scim.client.get("/scim/v2/Schemas", params={"filter": "id pr"})
    assert filtered.status_code == 403
    for path in ("/Bulk", "/Me"):
        assert scim.send("POST", path, {}).json()["status"] == "501"


@pytest.mark.parametrize(
    ("token", "status"), [("", 401), ("Bearer ken_bad", 401), ("Bearer ken_other_scope", 403)]
)
def test_nothing_without_a_token_that_may(scim: Scim, token: str, status: int) -> None:
    ana = scim.user("ana")
    for method, path in (
        ("GET", "/Users"),
        ("GET", "/ServiceProviderConfig"),
        ("POST", "/Users"),
        ("PATCH", f"/Users/{ana}"),
        ("DELETE", f"/Users/{ana}"),
        ("POST", "/.search"),
    ):
        answer = scim.send(method, path, None, authorization=token)
        assert (path, answer.status_code) == (path, status)
        assert answer.json()["status"] == str(status)
    assert scim.get(f"/Users/{ana}")["userName"] == "ana"


def _class(database: Database, user_id: str) -> str:
    with database.session("syncer") as session:
        class_id = session.get_one(User, int(user_id)).class_id
    return "member" if class_id == Class.MEMBERS else "guest"


def _linked(database: Database, native_id: str) -> list[int]:
    found = select(LinkedIdentity.user_id).where(LinkedIdentity.native_id == native_id)
    with database.session("syncer") as session:
        return list(session.scalars(found))
