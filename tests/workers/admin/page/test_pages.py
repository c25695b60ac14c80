"""What the admin page shows and does: each page, hostile names, and what is not there."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from policies.audit import audit_rows
from policies.described import Permissions, SeenAccount
from policies.tables.sources import RunKind
from tests.policies.world import World
from tests.workers.admin.page.visitor import Markup, Visitor
from tests.workers.admin.pushed import HR, LEAVE, STAFF
from workers.admin import api_keys
from workers.admin.page import app, rendering, sessions
from workers.database.sessions import Database
from workers.jobs import rows
from workers.people import person_tokens
from workers.sync import runs, sources

Arrive = Callable[..., Visitor]
HOSTILE = "<img src=x onerror=alert(1)>\"'<!channel>{{7*7}}\u202egpj.exe"
LARGEST = 2**63 - 1
ASKING = ("/access/why", "/access/who", "/access/shown", "/sources/unreadable")
"""Pages that need a name."""


def actions(database: Database) -> list[tuple[str, str]]:
    with database.session("syncer") as session:
        return [(row.actor, row.action) for row in audit_rows(session, 0, 1000)]


@pytest.fixture
def job(database: Database, people: dict[str, int]) -> int:
    with database.session("indexer") as session:
        return rows.submit(session, "load", subject="wiki", actor="test")


@pytest.fixture
def waiting(database: Database, people: dict[str, int]) -> int:
    """A push that lets everybody read a document, which waits."""
    limits = {"widening_limit": 0, "widening_percent": 0, "class_widening_limit": 0}
    strict = Database(database.settings.model_copy(update=limits))
    lines: list[dict[str, Any]] = [STAFF, HR, LEAVE]
    found = runs.push(strict, [lines], source="wiki", kind=RunKind.COMPLETE, actor="token:wiki")
    strict.close()
    assert found.state == "waiting"
    return found.id


# -- overview -------------------------------------------------------------------------------------


def test_the_overview_says_what_needs_somebody(
    arrive: Arrive, database: Database, waiting: int, job: int
) -> None:
    ana = arrive("viewer")
    sources.set_source(database, "wiki", actor="test", paused=True)
    rows.pause(database, job, actor="test")
    page = ana.page("/")
    assert f'href="/admin/pushes/{waiting}"' in page
    assert "wiki is paused" in page
    assert f"Job {job} (load wiki) is paused" in page
    runs.confirm(database, waiting, actor="test")
    sources.set_source(database, "wiki", actor="test", paused=False)
    rows.cancel(database, job, actor="test")
    assert "Nothing. Ken is well." in ana.page("/")


def test_a_question_that_waits_and_a_model_that_rests_are_named(
    arrive: Arrive, database: Database
) -> None:
    with database.session("ingress") as session:
        session.execute(
            text("""
                INSERT INTO question (event_id, surface, team_id, channel_id, message_ts, thread_ts,
                                      user_id, text, asked_at)
                VALUES ('e', 'slack', 'T1', 'C1', '1', '1', 'U1', 'zebra', now() - interval '3 min')
            """)
        )
    with database.session("answerer") as session:
        session.execute(
            text("""
                INSERT INTO model_use (team_id, user_id, model, outcome, again_at)
                VALUES ('T1', 'U1', 'small', 'timeout', now() + interval '1 minute')
            """)
        )
    page = arrive("viewer").page("/")
    assert "1 question waits for an answer, the oldest was asked 3 minutes ago" in page
    assert "The model small is not asked for a while" in page
    assert "zebra" not in page


def test_a_deny_on_an_account_of_nobodys_is_urgent(arrive: Arrive, world: World) -> None:
    with world.change() as change:
        drive = change.put_source("drive")
        change.put_account(drive, SeenAccount("U5", "Eve"))
    assert "Some accounts are linked to nobody" in arrive("viewer").page("/")


# -- sources and jobs -----------------------------------------------------------------------------


def test_a_source_shows_how_fresh_it_is(
    arrive: Arrive, database: Database, waiting: int, job: int
) -> None:
    sources.set_source(database, "wiki", actor="test", max_staleness=timedelta(hours=6))
    with database.session("owner") as session:
        session.execute(text("UPDATE source SET synced_at = now() - interval '7 hours'"))
    page = arrive("viewer").page("/sources")
    assert "limit: 6 hours" in page
    assert "out of date" in page
    assert f'<a href="/admin/jobs/{job}">' in page
    assert f'<a href="/admin/pushes/{waiting}">' in page
    assert "<button>Pause" not in page, "a viewer may not"


def test_a_source_that_is_not_there_is_not_found(arrive: Arrive) -> None:
    ana = arrive("content")
    for name in ("none", HOSTILE, "x" * 600, "a\x00b", ""):
        assert ana.post("/sources/pause", source=name).status_code == 404


def test_a_job_is_paused_resumed_and_ended_by_name(
    arrive: Arrive, database: Database, job: int
) -> None:
    ana = arrive("content")
    for word, state in (("pause", "paused"), ("resume", "waiting"), ("cancel", "cancelled")):
        answer = ana.post(f"/jobs/{job}/{word}")
        assert answer.headers["location"] == f"/admin/jobs/{job}?done=asked"
        assert rows.job(database, job).state == state
    refused = ana.post(f"/jobs/{job}/pause")
    assert (refused.status_code, "cannot be paused" in refused.text) == (409, True)
    assert actions(database)[-3:] == [
        ("admin:ana", "pause_job"),
        ("admin:ana", "resume_job"),
        ("admin:ana", "cancel_job"),
    ]


# -- pushes ---------------------------------------------------------------------------------------


def test_a_push_shows_what_it_would_change_before_it_is_confirmed(
    arrive: Arrive, database: Database, waiting: int
) -> None:
    page = arrive("security").page(f"/pushes/{waiting}")
    assert "May read more: 2 people" in page
    assert "Ana" in page
    assert "Confirm: apply all of it" in page
    for role in ("viewer", "content"):
        seen = arrive(role).page(f"/pushes/{waiting}")
        assert "May read more: 2 people" in seen
        assert "Ana" not in seen.replace("ana", ""), "whose access changes is for security"
        assert "Confirm:" not in seen


def test_of_two_administrators_who_confirm_one_push_the_second_learns_of_the_first(
    arrive: Arrive, database: Database, waiting: int
) -> None:
    ana, ben = arrive("security"), arrive("security", "ben")
    tokens = {one: one.form_token() for one in (ana, ben)}

    def confirm(one: Visitor) -> Any:
        return one.send(f"/pushes/{waiting}/confirm", form_token=tokens[one])

    with ThreadPoolExecutor(2) as at_once:
        first, second = sorted(at_once.map(confirm, (ana, ben)), key=lambda one: one.status_code)
    assert (first.status_code, second.status_code) == (303, 409)
    assert runs.run(database, waiting).state == "applied"
    by = runs.run(database, waiting).ended_by
    assert by in ("admin:ana", "admin:ben")
    assert f"It was decided by {by}." in second.text
    assert "May read more" not in second.text


def test_a_push_is_dropped_or_undone(arrive: Arrive, database: Database, waiting: int) -> None:
    ana = arrive("security")
    assert ana.post(f"/pushes/{waiting}/drop").headers["location"].endswith("?done=dropped")
    assert runs.run(database, waiting).state == "dropped"
    assert ana.post(f"/pushes/{waiting}/confirm").status_code == 409
    assert ana.post(f"/pushes/{waiting}/undo").status_code == 409


# -- who may read what ----------------------------------------------------------------------------


@pytest.fixture
def company(world: World) -> World:
    staff = world.group("staff", [world.person("ana")])
    world.person("eve")
    hr = world.folder("hr", Permissions(allow=frozenset({staff})))
    world.page("zebra", inside=hr)
    return world


def test_why_shows_the_groups_and_the_folders_that_decide(arrive: Arrive, company: World) -> None:
    ana = arrive("security")
    allowed = Markup(ana.page("/access/why?person=ana&document=zebra"))
    assert "may read" in allowed.text
    assert "group staff" in allowed.text
    assert "container hr" in allowed.text
    refused = ana.page("/access/why?person=eve&document=zebra")
    assert "may not read" in refused
    assert "no entry allows it" in refused
    assert "Any one of these would be enough: group staff" in refused


def test_who_lists_the_readers(arrive: Arrive, company: World) -> None:
    page = arrive("security").page("/access/who?document=zebra")
    assert "1 person may read" in page
    assert "Ana → group staff" in page
    assert "Eve</th>" not in page
    beyond = arrive("security").page("/access/who?document=zebra&after=5000")
    assert "There is nobody further" in beyond


def test_shown_lists_answers_without_their_text(arrive: Arrive, company: World) -> None:
    assert "0 answers used" in arrive("security").page("/access/shown?document=zebra&from=7d")


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("why?person=nobody&document=zebra", 404),
        ("why?person=ana&document=zeb", 404),
        ("why?person=&document=", 404),
        ("who?document=zeb", 404),
        ("shown?document=zeb", 404),
        ("who?document=zebra&at=tomorrow", 422),
        ("who?document=zebra&at=2020-01-01", 422),
        ("shown?document=zebra&from=1d&to=2d", 422),
    ],
)
def test_what_is_not_known_is_said_without_names_that_are_alike(
    arrive: Arrive, company: World, question: str, status: int
) -> None:
    answer = arrive("security").get(f"/access/{question}")
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert "Did you mean" not in answer.text


# -- accounts -------------------------------------------------------------------------------------


@pytest.fixture
def accounts(database: Database, people: dict[str, int]) -> None:
    with World(database).change() as change:
        slack = change.put_source("slack:T1")
        change.put_account(slack, SeenAccount("U1", "Ana", "ana@acme.example"))
        change.put_account(slack, SeenAccount("U2", "Benny", "benny@acme.example"))


def test_an_account_is_linked_where_nothing_speaks_against_it(
    arrive: Arrive, database: Database, people: dict[str, int], accounts: None
) -> None:
    ana = arrive("security")
    page = ana.page("/people")
    assert "Link to Ana" in page
    assert page.count("Link to") == 1
    chosen = {"source": "slack:T1", "account": "U1"}
    other = ana.post("/people/link", **chosen, user=str(people["ben"]))
    assert other.status_code == 409, "the address is not his"
    done = ana.post("/people/link", **chosen, user=str(people["ana"]))
    assert done.headers["location"] == "/admin/people?done=linked"
    assert ana.post("/people/link", **chosen, user=str(people["ana"])).status_code == 409
    assert "U1" not in ana.page("/people")
    nowhere = {**chosen, "source": "none"}
    assert ana.post("/people/link", **nowhere, user=str(people["ana"])).status_code in (404, 409)


def test_an_account_is_marked_as_external_and_back(
    arrive: Arrive, people: dict[str, int], accounts: None
) -> None:
    ana = arrive("security")
    chosen = {"source": "slack:T1", "account": "U2"}
    assert ana.post("/people/mark", **chosen).headers["location"].endswith("done=marked")
    assert "U2" not in ana.page("/people")
    assert "U2" in ana.page("/people?external=yes")
    assert ana.post("/people/unmark", **chosen).headers["location"].endswith("done=unmarked")
    assert ana.post("/people/mark", source="slack:T1", account="none").status_code == 409


# -- tokens ---------------------------------------------------------------------------------------


def test_tokens_are_listed_and_revoked(
    arrive: Arrive, database: Database, people: dict[str, int]
) -> None:
    secret = api_keys.make(database, "okta", ["identity"]).get_secret_value()
    theirs = person_tokens.issue(database, people["ben"], "laptop", by="test").get_secret_value()
    (token,), (of_person,) = api_keys.tokens(database), person_tokens.tokens(database)
    ana = arrive("security")
    for path, shown in (("/tokens", "okta"), ("/tokens/people", "laptop")):
        page = ana.page(path)
        assert shown in page
        assert secret not in page
        assert theirs not in page
    assert ana.post(f"/tokens/{token.id}/revoke").status_code == 303
    assert ana.post(f"/tokens/people/{of_person.id}/revoke").status_code == 303
    assert api_keys.tokens(database)[0].state == "revoked"
    assert person_tokens.tokens(database)[0].state == "revoked"
    assert actions(database)[-2:] == [
        ("admin:ana", "revoke_token"),
        ("admin:ana", "revoke_person_token"),
    ]


def test_a_session_is_ended_by_another_administrator(arrive: Arrive) -> None:
    ana, ben = arrive("security"), arrive("viewer", "ben")
    page = ana.page("/tokens/sessions")
    assert "this one" in page
    (session,) = {
        path.split("/")[-2]
        for tag, attributes in Markup(page).elements
        if tag == "form" and (path := attributes["action"] or "").endswith("/end")
    } - {str(_own(ana))}
    assert ana.post(f"/tokens/sessions/{session}/end").status_code == 303
    assert ben.get("/").status_code == 401
    assert ana.post(f"/tokens/sessions/{session}/end").status_code == 404


def _own(visitor: Visitor) -> int:
    secret = visitor.client.cookies["ken_admin"]
    return sessions.find(visitor.database, secret).id


# -- what is not there ----------------------------------------------------------------------------


def test_every_id_that_is_not_there_has_the_same_answer(arrive: Arrive) -> None:
    ana = arrive("security")
    ids = ["999999", "0", "-1", "x", "1e3", "٣", str(LARGEST), str(LARGEST + 1)]
    for path in [path for path, _, _ in app._pages() if "{id}" in path]:
        for id in ids:
            found = ana.get(path.replace("{id}", id))
            assert found.status_code == 404, f"{path} {id}"
            assert Markup(found.text).text.count("There is nothing here") == 1


def test_nothing_is_done_to_what_is_not_there(arrive: Arrive) -> None:
    ana = arrive("security")
    token = ana.form_token()
    for path in [path for path, _, _ in app._forms() if "{id}" in path]:
        for id in ("999999", "x", str(LARGEST + 1)):
            found = ana.send(path.replace("{id}", id), form_token=token)
            assert found.status_code == 404, f"{path} {id}"


def test_a_page_beyond_the_end_is_empty_and_one_that_is_no_number_is_not_there(
    arrive: Arrive, people: dict[str, int]
) -> None:
    ana = arrive("security")
    for path in [path for path, _, _ in app._pages() if "{id}" not in path]:
        beyond = ana.get(f"{path}?after=1").status_code
        assert beyond == (404 if path in ASKING else 200), path
        for after in ("x", "0", str(LARGEST + 1)):
            assert ana.get(f"{path}?after={after}").status_code == 404, path


def test_a_long_list_has_pages_and_nothing_is_left_out(
    arrive: Arrive, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.session("indexer") as session:
        made = [rows.submit(session, "load", subject=f"s{n}", actor="test") for n in range(120)]
    ana, found, path = arrive("viewer"), [], "/jobs"
    while path:
        elements = Markup(ana.page(path)).elements
        links = [found["href"] or "" for tag, found in elements if tag == "a" and "href" in found]
        found += [int(one.rsplit("/", 1)[1]) for one in links if "/jobs/" in one]
        path = next((one.removeprefix("/admin") for one in links if "after=" in one), "")
    assert found == sorted(made, reverse=True)


# -- hostile names --------------------------------------------------------------------------------


@pytest.fixture
def hostile(database: Database, world: World) -> dict[str, int]:
    """Everything that has a name has one that wants to be more."""
    name = HOSTILE
    plain = name.replace("\u202e", "")
    person = world.person(name)
    group = world.group(name, [person])
    folder = world.folder(f"folder {name}", Permissions(allow=frozenset({group})))
    world.page(f"page {name}", inside=folder)
    with world.change() as change:
        source = change.put_source(plain)
        change.put_account(source, SeenAccount(name, name, f"{name}@acme.example"))
    with database.session("indexer") as session:
        job = rows.submit(session, name, subject=plain, actor=name)
        session.execute(
            text("UPDATE job SET reason = :name, step = :name, counts = :counts"),
            {"name": name, "counts": f'{{"{plain.replace(chr(34), "")}": 1}}'},
        )
    lines = [
        {"type": "group", "id": name, "name": name, "members": [f"user:{name}", "user:none"]},
        {"type": "node", "id": f"n {name}", "kind": "document", "allow": [f"group:{name}"]},
    ]
    run = runs.push(database, [lines], source=plain, kind=RunKind.DELTA, actor=name)
    api_keys.make(database, plain, ["identity"])
    person_tokens.issue(database, person, plain, by=name)
    return {"job": job, "run": run.id}


def test_hostile_names_are_shown_and_do_nothing(
    arrive: Arrive, hostile: dict[str, int], stranger: Visitor
) -> None:
    ana = arrive("security", HOSTILE.replace("\u202e", "")[:60])
    paths = [
        *(path for path, _, _ in app._pages() if "{id}" not in path),
        f"/jobs/{hostile['job']}",
        f"/pushes/{hostile['run']}",
    ]
    queries = {
        "/access/why": {"person": HOSTILE, "document": f"page {HOSTILE}"},
        "/access/who": {"document": f"page {HOSTILE}"},
        "/access/shown": {"document": f"page {HOSTILE}"},
        "/pushes": {"source": HOSTILE.replace("\u202e", "")},
        "/sources/unreadable": {"source": HOSTILE.replace("\u202e", "")},
        "/jobs": {"open": HOSTILE},
    }
    seen = 0
    for path in paths:
        answer = ana.client.get(f"/admin{path}", params=queries.get(path, {}))
        assert answer.status_code == 200, path
        page = Markup(answer.text)
        seen += page.text.count("<img src=x")
        _assert_inert(page, answer.text)
    assert seen > 20, "the names are there, as text"
    _assert_inert(Markup(stranger.get(f"/sign-in?link={HOSTILE}").text), "")


def _assert_inert(page: Markup, written: str) -> None:
    for tag, attributes in page.elements:
        assert tag not in ("img", "script", "iframe", "object", "style", "svg")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for address in (attributes.get("href"), attributes.get("action")):
            assert address is None or address.startswith(("/admin/", "#"))
    assert "\u202e" not in written
    assert "49gpj" not in written


def test_a_name_that_is_not_escaped_would_be_noticed(
    arrive: Arrive, hostile: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = rendering._environment()
    found.autoescape = False
    found.cache.clear()  # type: ignore[union-attr]
    try:
        page = arrive("viewer").page("/jobs")
    finally:
        found.autoescape = True
        found.cache.clear()  # type: ignore[union-attr]
    with pytest.raises(AssertionError):
        _assert_inert(Markup(page), page)


# -- being an administrator -----------------------------------------------------------------------


def test_being_an_administrator_lets_nobody_read(arrive: Arrive, database: Database) -> None:
    world = World(database)
    world.page("a-page", Permissions())
    with database.session("indexer") as session:
        session.execute(text("UPDATE document SET title = 'zebra'"))
        session.execute(text("UPDATE chunk SET text = 'zebra', title = 'zebra'"))
    ana = arrive("security")
    for path, _, _ in app._pages():
        asked = "?document=a-page&person=ana" if path.startswith("/access/") else ""
        assert "zebra" not in ana.get(path.replace("{id}", "1") + asked).text
    with database.session("syncer") as session, pytest.raises(Exception, match="permission"):
        session.execute(text("SELECT text FROM question"))
    with database.session("syncer") as session, pytest.raises(Exception, match="permission"):
        session.execute(text("SELECT comment FROM feedback"))


def test_an_error_of_ours_is_said_without_details(
    arrive: Arrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = arrive("viewer")

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("zebra")

    monkeypatch.setattr(rows, "jobs", fails)
    answer = ana.get("/jobs")
    assert (answer.status_code, "zebra" in answer.text) == (500, False)
    assert answer.headers["content-type"].startswith("text/html")
