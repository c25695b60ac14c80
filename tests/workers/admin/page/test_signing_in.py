"""Signing in to the admin page: links, sessions, forms of other sites, and roles."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from policies.audit import audit_rows
from tests.workers.admin.page.visitor import ORIGIN, Visitor
from workers.admin.page import app as page
from workers.admin.page import sessions
from workers.admin.page.app import page_app
from workers.database.sessions import Database
from workers.errors import InputInvalid

Arrive = Callable[..., Visitor]

FORMS = [path for path, _, _ in page._forms()]
PAGES = [path for path, _, _ in page._pages()]


def at(path: str) -> str:
    return path.replace("{id}", "1")


def backdate(database: Database, columns: str) -> None:
    with database.session("owner") as session:
        session.execute(text(f"UPDATE admin_session SET {columns}"))  # noqa: S608 - our own words


def test_nobody_sees_a_page_without_signing_in(stranger: Visitor) -> None:
    for path in PAGES:
        answer = stranger.get(at(path))
        assert answer.status_code == 401, path
        assert "ken admin-link" in answer.text
        assert "<nav" not in answer.text


def test_a_link_works_once(arrive: Arrive, stranger: Visitor) -> None:
    link = stranger.link("viewer")
    opened = stranger.get(f"/sign-in?link={link}")
    assert (opened.status_code, link in opened.text) == (200, True)
    assert stranger.get(f"/sign-in?link={link}").status_code == 200, "to look does not use it"
    assert stranger.send("/sign-in", link=link).status_code == 303
    assert stranger.get("/").status_code == 200
    other = Visitor(stranger.client.app, stranger.database)  # type: ignore[arg-type]
    refused = other.send("/sign-in", link=link)
    assert (refused.status_code, "was used before" in refused.text) == (401, True)
    assert other.get("/").status_code == 401


def test_a_session_cannot_be_stolen_by_a_script_or_sent_by_another_site(stranger: Visitor) -> None:
    answer = stranger.send("/sign-in", link=stranger.link("viewer"))
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/admin"} <= set(re.split("; ?", cookie))
    assert "secure" not in cookie
    assert "expires" not in cookie


def test_behind_tls_the_cookie_never_leaves_it(database: Database) -> None:
    settings = database.settings.model_copy(
        update={"admin_page_url": "https://ken.acme.example/admin"}
    )
    with TestClient(page_app(Database(settings)), base_url="http://127.0.0.1:3100") as client:
        link = sessions.make_link(database, "ana", "viewer", actor="test").get_secret_value()
        for origin, status in (
            ("http://127.0.0.1:3100", 403),
            ("https://ken.acme.example", 303),
        ):
            answer = client.post(
                "/sign-in", data={"link": link}, headers={"origin": origin}, follow_redirects=False
            )
            assert answer.status_code == status
        unknown = client.get("/", headers={"cookie": "__Host-ken_admin=x"})
        assert "Secure" in unknown.headers["set-cookie"], "else no browser would forget it"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-ken_admin=")
    assert {"HttpOnly", "Path=/", "SameSite=strict", "Secure"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    "columns",
    [
        "link_expires_at = now() - interval '1 second'",
        "ended_at = now()",
    ],
)
def test_a_link_that_has_expired_or_was_ended_signs_nobody_in(
    stranger: Visitor, database: Database, columns: str
) -> None:
    link = stranger.link("security")
    backdate(database, columns)
    assert stranger.send("/sign-in", link=link).status_code == 401
    assert stranger.get("/").status_code == 401


def test_a_link_that_nobody_made_signs_nobody_in(stranger: Visitor) -> None:
    stranger.link("security")
    for link in ("", "x", "A" * 43, "ü" * 43, "A" * 44, "' OR true --"):
        assert stranger.send("/sign-in", link=link).status_code == 401


@pytest.mark.parametrize(
    "columns",
    [
        "began_at = now() - interval '12 hours 1 second'",
        "used_at = now() - interval '61 minutes'",
        "ended_at = now()",
    ],
)
def test_a_session_ends(arrive: Arrive, database: Database, columns: str) -> None:
    ana = arrive()
    token = ana.form_token()
    backdate(database, columns)
    assert ana.get("/").status_code == 401
    assert ana.send("/sources/pause", form_token=token, source="wiki").status_code == 401


def test_signing_out_ends_the_session_on_the_server(arrive: Arrive) -> None:
    ana = arrive()
    cookie = ana.client.cookies["ken_admin"]
    assert ana.post("/sign-out").headers["location"] == "/admin/sign-in"
    ana.client.cookies.set("ken_admin", cookie, path="/admin")
    assert ana.get("/").status_code == 401


def test_only_hashes_are_stored(arrive: Arrive, stranger: Visitor, database: Database) -> None:
    link = stranger.link("viewer")
    cookie = arrive().client.cookies["ken_admin"]
    with database.session("syncer") as session:
        stored = str(session.execute(text("SELECT admin_session::text FROM admin_session")).all())
    for secret in (link, cookie):
        assert secret not in stored
        assert secret.encode().hex() not in stored


# -- forms ----------------------------------------------------------------------------------------


def states(database: Database) -> Any:
    with database.session("syncer") as session:
        return session.execute(text("SELECT name, paused FROM source ORDER BY name")).all()


def test_a_form_of_this_page_counts(
    arrive: Arrive, people: dict[str, int], database: Database
) -> None:
    ana = arrive("content")
    answer = ana.post("/sources/pause", source="wiki")
    assert answer.headers["location"] == "/admin/sources?done=paused"
    assert states(database) == [("wiki", True)]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://ken.test:81", "https://ken.test", None]
)
def test_a_form_of_another_site_changes_nothing(
    arrive: Arrive, people: dict[str, int], database: Database, origin: str | None
) -> None:
    ana = arrive("content")
    headers = {} if origin is None else {"origin": origin}
    headers["x-none"] = ""
    token = ana.form_token()
    answer = ana.send("/sources/pause", headers=headers, form_token=token, source="wiki")
    assert answer.status_code == 403
    assert states(database) == [("wiki", False)]


def test_a_form_needs_the_token_of_its_own_session(
    arrive: Arrive, people: dict[str, int], database: Database
) -> None:
    ana, ben = arrive("content"), arrive("content", "ben")
    for forged in ("", "0" * 64, ben.form_token(), "ü"):
        answer = ana.send("/sources/pause", form_token=forged, source="wiki")
        assert answer.status_code == 403
    assert states(database) == [("wiki", False)]


def test_without_its_token_a_form_would_count(
    arrive: Arrive,
    people: dict[str, int],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the token keeps out: a form that another page of this host sends."""
    ana = arrive("content")
    monkeypatch.setattr("workers.admin.page.app.hmac.compare_digest", lambda *_: True)
    assert ana.send("/sources/pause", source="wiki").status_code == 303
    assert states(database) == [("wiki", True)]


def test_another_site_cannot_sign_somebody_in(stranger: Visitor) -> None:
    """Else what an administrator does would be done in the name of whoever made the link."""
    link = stranger.link("viewer")
    foreign = {"origin": "https://evil.example"}
    assert stranger.send("/sign-in", headers=foreign, link=link).status_code == 403
    assert stranger.send("/sign-in", link=link).status_code == 303


def test_a_form_that_is_no_form_or_too_large_is_refused(arrive: Arrive) -> None:
    ana = arrive("content")
    headers = {"origin": ORIGIN}
    for sent, status in (
        ({"json": {"source": "wiki"}}, 415),
        ({"data": {"source": "x" * 30_000}}, 413),
        ({"data": {f"field{n}": "x" for n in range(60)}}, 422),
    ):
        answer = ana.client.post("/admin/sources/pause", headers=headers, **sent)  # type: ignore[arg-type]
        assert answer.status_code == status


# -- roles ----------------------------------------------------------------------------------------


def test_a_viewer_changes_nothing(arrive: Arrive) -> None:
    ana = arrive("viewer")
    token = ana.form_token()
    for path in FORMS:
        answer = ana.send(at(path), form_token=token, source="wiki")
        assert answer.status_code == 403, path
        assert "viewer" in answer.text


def test_each_role_includes_those_before_it(arrive: Arrive) -> None:
    status = {
        role: {path: arrive(role).get(at(path)).status_code for path in PAGES}
        for role in ("viewer", "content", "security")
    }
    for path, _, needed in page._pages():
        for role, found in status.items():
            allowed = sessions.AdminRole(role).includes(needed)
            assert found[path] in ((200, 404) if allowed else (403,)), f"{role} at {path}"


def test_a_link_needs_a_name_and_a_role(database: Database) -> None:
    for name, role in (("", "viewer"), ("a\nb", "viewer"), ("x" * 61, "viewer"), ("ana", "owner")):
        with pytest.raises(InputInvalid):
            sessions.make_link(database, name, role, actor="test")


# -- the record -----------------------------------------------------------------------------------


def test_who_signed_in_and_what_they_did_is_in_the_audit(
    arrive: Arrive, people: dict[str, int], database: Database
) -> None:
    ana = arrive("content")
    ana.post("/sources/pause", source="wiki")
    ana.post("/sign-out")
    with database.session("syncer") as session:
        found = [(row.actor, row.action) for row in audit_rows(session, 0, 100)]
    assert found[-4:] == [
        ("test", "make_admin_link"),
        ("admin:ana", "sign_in"),
        ("admin:ana", "set_freshness"),
        ("admin:ana", "end_admin_session"),
    ]


def test_every_answer_forbids_scripts_frames_and_caches(arrive: Arrive, stranger: Visitor) -> None:
    answers = [arrive().get("/"), stranger.get("/"), stranger.get("/nothing")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "<script" not in answer.text
        assert "style=" not in answer.text
    assert answers[1].status_code, answers[2].status_code == (401, 404)


def test_the_style_sheet_is_served_to_anybody_and_kept(stranger: Visitor) -> None:
    answer = stranger.get("/style.css?0")
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
