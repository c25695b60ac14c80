"""A walk through the admin page in headless Chromium without scripts, in the light and dark."""

from collections.abc import Iterator
from typing import Any

import pytest

from policies.described import Permissions, SeenAccount
from policies.tables.sources import RunKind
from tests.browser import axe, browser, expect, grave_problems, picture  # noqa: F401 - fixtures
from tests.policies.world import World
from tests.workers.admin.calls import Api
from tests.workers.admin.page.visitor import Visitor
from tests.workers.admin.test_before_the_body import serving
from workers.admin import api_keys
from workers.database.sessions import Database
from workers.jobs import rows
from workers.people import person_tokens
from workers.sync import runs, sources

NASTY = "<img src=x onerror=alert(1)>"
FOLDERS = ("Company", "People and culture", "Leave and absence")


@pytest.fixture
def address(api: Api, database: Database) -> Iterator[str]:
    with serving(api.app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def company(database: Database) -> World:
    """A company with something on every page."""
    world = World(database)
    staff = world.group("staff", [world.person(name) for name in ("ana", "ben", "cleo", "dora")])
    everyone = world.group("everyone", [staff, world.person("eve")])
    inside = None
    for name in FOLDERS:
        allowed = Permissions(allow=frozenset({everyone})) if inside is None else Permissions()
        inside = world.folder(name, allowed, inside=inside)
    world.page("parental-leave", inside=inside)
    world.page(f"notes {NASTY}", Permissions(deny=frozenset({staff})), inside=inside)
    with world.change() as change:
        slack = change.put_source("slack:T0ACME")
        for number, name in enumerate(("Ana", "Fred", "Gus")):
            account = SeenAccount(f"U{number}", name, f"{name.lower()}@acme.example")
            change.put_account(slack, account)
    strict = Database(
        database.settings.model_copy(update={"widening_limit": 0, "widening_percent": 0})
    )
    lines: list[dict[str, Any]] = [
        {"type": "group", "id": "board", "members": ["user:none", "group:none"]},
        {"type": "node", "id": "minutes", "kind": "document", "allow": ["user:ana", "user:ben"]},
    ]
    for source in ("world", "wiki"):
        runs.push(strict, [lines], source=source, kind=RunKind.DELTA, actor="token:wiki")
    strict.close()
    sources.set_source(database, "wiki", actor="test", paused=True)
    with database.session("indexer") as session:
        for number in range(60):
            rows.submit(session, "load", subject=f"folder-{number}", actor="terminal:ana")
    rows.pause(database, 7, actor="test")
    api_keys.make(database, "okta", ["identity"])
    person_tokens.issue(database, world.ids["ana"], "laptop", by="test")
    return world


def test_an_administrator_walks_through_all_pages(
    browser: Any,  # noqa: F811
    axe: str,  # noqa: F811
    api: Api,
    database: Database,
    address: str,
    company: World,
) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.set_default_timeout(20_000)
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    link = Visitor(api.app, database).link("security")
    page.goto(f"{address}/admin/sign-in?link={link}")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert page.url == f"{address}/admin/"

    menu = page.get_by_role("navigation", name="Pages", exact=True)
    menu.get_by_role("link", name="Sources").click()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="wiki"))
    row.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("status")).to_contain_text("Resumed")

    menu.get_by_role("link", name="Pushes").click()
    page.get_by_role("link", name="Push 1", exact=True).click()
    expect(page.get_by_role("heading", name="Why it waits")).to_be_visible()
    picture(page, "admin-push", full_page=True)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status")).to_contain_text("Confirmed")

    menu.get_by_role("link", name="Jobs").click()
    page.get_by_role("link", name="Next page").click()
    page.get_by_role("link", name="Job 7", exact=True).click()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("status")).to_contain_text("Done")

    menu.get_by_role("link", name="Access").click()
    why = page.locator("form").filter(has=page.get_by_role("heading", name="Why"))
    why.get_by_label("Person").fill("ana")
    why.get_by_label("Document").fill("parental-leave")
    why.get_by_role("button", name="Explain").click()
    expect(page.get_by_role("group", name="The path that decides")).to_contain_text("group staff")
    picture(page, "admin-why", full_page=True)
    why.get_by_label("Document").fill(f"notes {NASTY}")
    why.get_by_role("button", name="Explain").click()
    expect(page.get_by_text("an entry denies it")).to_be_visible()
    picture(page, "admin-why-not", full_page=True)
    who = page.locator("form").filter(has=page.get_by_role("heading", name="Who"))
    who.get_by_label("Document").fill("parental-leave")
    who.get_by_role("button", name="List readers").click()
    expect(page.get_by_role("heading", name="5 people may read")).to_be_visible()

    menu.get_by_role("link", name="Accounts").click()
    menu.get_by_role("link", name="Tokens").click()
    page.get_by_role("link", name="This page").click()
    _assert_accessible(browser, axe, page, address)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("ken admin-link")).to_be_visible()
    page.goto(f"{address}/admin/tokens")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert [one for one in messages if "Security Policy" in one] == []


def _assert_accessible(browser: Any, axe: str, page: Any, address: str) -> None:  # noqa: F811
    """axe-core is a script, so it looks with scripts on, as the same administrator."""
    found = []
    asking = "/access/why?person=ana&document=parental-leave"
    wide = ("/", "/sources", "/pushes/2", "/jobs/7", asking, "/people", "/answers", "/audit")
    looks = (("light", 1280, wide), ("dark", 390, ("/", "/sources", asking)))
    for colours, width, paths in looks:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=colours, bypass_csp=True
        )
        context.add_cookies(page.context.cookies())
        seen = context.new_page()
        for path in paths:
            seen.goto(f"{address}/admin{path}")
            found += [f"{path}, {colours}: {one}" for one in grave_problems(seen, axe)]
            name = path.split("?")[0].replace("/", "-").rstrip("-")
            picture(seen, f"admin-{colours}{name}", full_page=True)
        context.close()
    assert found == []
