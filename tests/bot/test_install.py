"""Installing Ken by OAuth, as a browser does it: pages, stored tokens, refusals."""

import http.client
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from pydantic import SecretStr

from bot import install, listeners
from bot.app import create_app
from bot.web import create_web
from tests.bot.slack_world import serving
from tests.bot.test_web import MESSAGE, Bot, signed
from tests.servers import opened
from tests.workers.slack_tokens import SlackTokens, by_oauth
from workers import interface
from workers.database.sessions import Database
from workers.errors import SlackRefused
from workers.intake.messages import Errand, Question
from workers.settings import Settings
from workers.slack.bot_tokens import token_of
from workers.slack.installations import installed

MANIFEST = Path(__file__).parents[2] / "deploy" / "slack-manifest.yaml"

Json = dict[str, Any]


@dataclass
class Page:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def is_inert(self) -> bool:
        """Check that the page has no script and would run none."""
        allowed = self.headers["content-security-policy"]
        return "<script" not in self.body and allowed.startswith("default-src 'none'")


@dataclass
class Browser:
    """A browser that stores the cookie."""

    host: str
    cookie: str = ""

    def get(self, path: str) -> Page:
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.request("GET", path, headers={"Cookie": self.cookie} if self.cookie else {})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        page = Page(response.status, headers, response.read().decode())
        connection.close()
        if "set-cookie" in headers:
            self.cookie = headers["set-cookie"].partition(";")[0]
        return page

    def start(self) -> Json:
        """To Slack: what it is asked for."""
        page = self.get("/slack/install")
        assert page.status == 302
        return {
            name: values[0]
            for name, values in parse_qs(urlsplit(page.headers["location"]).query).items()
        }

    def come_back(self, **query: str) -> Page:
        return self.get("/slack/oauth_redirect?" + "&".join(f"{k}={v}" for k, v in query.items()))


@pytest.fixture
def slack_tokens() -> Iterator[SlackTokens]:
    with SlackTokens().open() as opened:
        yield opened


@pytest.fixture
def ours(settings: Settings, slack_tokens: SlackTokens) -> Settings:
    return by_oauth(
        settings,
        slack_api_url=slack_tokens.url,
        slack_mode="http",
        slack_signing_secret=SecretStr("playground"),
    )


@pytest.fixture
def database(ours: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    made = opened(ours)
    monkeypatch.setattr(interface, "_door", lambda: made)
    monkeypatch.setattr(interface, "_settings", lambda: ours)
    yield made
    made.close()


@pytest.fixture
def browser(ours: Settings, database: Database) -> Iterator[Browser]:
    app = create_app(ours)
    with serving(create_web(app, "playground", flow=install.oauth_flow(ours))) as url:
        yield Browser(url.removeprefix("http://"))


def test_installing_asks_only_for_the_scopes_of_ken(browser: Browser) -> None:
    asked = browser.start()
    assert asked["client_id"] == "client-1"
    assert asked["redirect_uri"] == "https://ken.example/slack/oauth_redirect"
    assert tuple(asked["scope"].split(",")) == install.SCOPES
    assert "user_scope" not in asked


def test_ken_is_installed_by_a_person(browser: Browser, database: Database) -> None:
    page = browser.come_back(code="canary-code", state=browser.start()["state"])
    assert page.status == 200
    assert "Ken is installed in Acme" in page.body
    assert token_of(database, "answerer", team_id="T1").secret == "canary-token-1"
    assert interface.bot_token(None, "T1") == "canary-token-1"


def test_the_installation_page_shows_no_secret_and_runs_no_script(browser: Browser) -> None:
    page = browser.come_back(code="canary-code", state=browser.start()["state"])
    assert page.is_inert
    assert "canary" not in page.body + repr(page.headers)


def test_a_name_with_markup_is_shown_as_text(browser: Browser, slack_tokens: SlackTokens) -> None:
    slack_tokens.given = {"team": {"id": "T1", "name": "<script>alert(1)</script>"}}
    page = browser.come_back(code="canary-code", state=browser.start()["state"])
    assert page.status == 200
    assert page.is_inert
    assert "&lt;script&gt;" in page.body


def test_an_organisation_installs_ken_for_all_its_workspaces(
    browser: Browser, slack_tokens: SlackTokens, database: Database
) -> None:
    slack_tokens.given = {
        "team": None,
        "enterprise": {"id": "E1", "name": "Acme Group"},
        "is_enterprise_install": True,
    }
    page = browser.come_back(code="canary-code", state=browser.start()["state"])
    assert "Ken is installed in Acme Group" in page.body
    (row,) = installed(database, "ingress")
    assert (row.enterprise_id, row.team_id) == ("E1", "")
    assert interface.bot_token("E1", "T7") == "canary-token-1"


@pytest.mark.parametrize(
    "given",
    [
        {"team": {"id": "TFOREIGN", "name": "Elsewhere"}},
        {"team": None, "enterprise": {"id": "E9", "name": "E"}, "is_enterprise_install": True},
        # T1 in its list says nothing of the whole organisation that it is in.
        {
            "team": {"id": "T1", "name": "Acme"},
            "enterprise": {"id": "E9", "name": "E"},
            "is_enterprise_install": True,
        },
    ],
)
def test_another_companys_workspace_is_refused_and_its_token_revoked(
    browser: Browser, slack_tokens: SlackTokens, database: Database, given: Json
) -> None:
    slack_tokens.given = given
    page = browser.come_back(code="canary-code", state=browser.start()["state"])
    assert page.status == 403
    assert "KEN_SLACK_WORKSPACES" in page.body
    assert installed(database, "ingress") == []
    assert ("auth.revoke", "canary-token-1") in [
        (method, asked.get("token")) for method, asked in slack_tokens.calls
    ]


def test_a_state_of_another_browser_installs_nothing(
    browser: Browser, slack_tokens: SlackTokens, database: Database
) -> None:
    state = browser.start()["state"]
    stranger = Browser(browser.host)
    forger = Browser(browser.host, cookie="slack-app-oauth-state=forged")
    for page in (
        stranger.come_back(code="canary-code", state=state),
        forger.come_back(code="canary-code", state="forged"),
        browser.come_back(code="canary-code", state="forged"),
        browser.come_back(code="canary-code"),
    ):
        assert page.status == 400
        assert page.is_inert
        assert "Nothing was installed" in page.body
    assert slack_tokens.calls == []
    assert installed(database, "ingress") == []


def test_a_state_is_valid_once(browser: Browser, slack_tokens: SlackTokens) -> None:
    state = browser.start()["state"]
    cookie = browser.cookie
    assert browser.come_back(code="canary-code", state=state).status == 200
    slack_tokens.codes.add("canary-code")
    again = Browser(browser.host, cookie=cookie).come_back(code="canary-code", state=state)
    assert again.status == 400
    assert "was already used" in again.body
    assert slack_tokens.methods.count("oauth.v2.access") == 1


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({"error": "access_denied"}, 200, "You cancelled"),
        ({"error": "%3Cscript%3E"}, 400, "Slack did not accept"),
        ({"error": "invalid_scope"}, 400, "Slack did not accept"),
    ],
)
def test_a_cancelled_or_refused_installation_is_explained(
    browser: Browser, query: dict[str, str], status: int, words: str
) -> None:
    page = browser.come_back(**query)
    assert page.status == status
    assert words in page.body
    assert page.is_inert
    assert 'href="/slack/install"' in page.body


def test_a_wrong_code_is_refused(browser: Browser, database: Database) -> None:
    for query in ({"code": "canary-wrong"}, {}):
        page = browser.come_back(state=browser.start()["state"], **query)
        assert page.status == 400
        assert page.is_inert
        assert "canary" not in page.body
    assert installed(database, "ingress") == []


def test_without_slack_or_postgresql_the_page_says_so_and_nothing_is_stored(
    browser: Browser, slack_tokens: SlackTokens, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = browser.start()["state"]
    slack_tokens.given = {"access_token": ""}
    assert browser.come_back(code="canary-code", state=state).status == 400
    assert installed(database, "ingress") == []

    flow = install.oauth_flow(by_oauth(database.settings, slack_api_url="http://127.0.0.1:9/api/"))
    assert flow is not None
    state = flow.settings.state_store.issue()
    page = install.respond(
        flow,
        install.REDIRECT,
        f"code=canary-code&state={state}",
        {"cookie": f"slack-app-oauth-state={state}"},
    )
    assert page.status == 503

    nowhere = by_oauth(
        database.settings, database_url=SecretStr("postgresql://127.0.0.1:1/nothing")
    )
    away = opened(nowhere)
    monkeypatch.setattr(interface, "_door", lambda: away)
    away_flow = install.oauth_flow(nowhere)
    assert away_flow is not None
    assert install.respond(away_flow, install.INSTALL, "", {}).status == 503


def test_the_start_page_passes_no_query_to_slack(browser: Browser) -> None:
    page = browser.get("/slack/install?team=T1%26scope%3Dadmin%0d%0aX-Evil:1")
    assert page.status == 302
    assert "evil" not in repr(page.headers).lower()
    assert "admin" not in page.headers["location"]


def test_threat_26_installing_leaves_no_code_and_no_token_in_the_logs(
    browser: Browser,
    slack_tokens: SlackTokens,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        browser.come_back(code="canary-wrong", state=browser.start()["state"])
        browser.come_back(code="canary-code", state=browser.start()["state"])
        slack_tokens.codes.add("canary-code")
        slack_tokens.given = {"team": {"id": "TFOREIGN", "name": "Elsewhere"}}
        browser.come_back(code="canary-code", state=browser.start()["state"])
    output = capfd.readouterr()
    logged = caplog.text + output.out + output.err
    assert "installation_kept" in logged
    assert "installation_refused" in logged
    assert "canary" not in logged


def test_without_oauth_there_are_no_installation_pages(ours: Settings, tmp_path: Path) -> None:
    one = Settings(home=tmp_path, slack_bot_token=SecretStr("xoxb-one"))
    assert install.oauth_flow(one) is None
    app = create_app(one)
    with serving(create_web(app, "playground", flow=install.oauth_flow(one))) as url:
        assert Browser(url.removeprefix("http://")).get("/slack/install").status == 404


def test_events_of_a_workspace_without_a_token_are_stored(
    browser: Browser, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Question] = []
    monkeypatch.setattr(listeners, "ask", kept.append)
    with pytest.raises(SlackRefused):
        token_of(database, "ingress", team_id="T1")
    assert interface.bot_token(None, "T1") is None
    body = json.dumps(MESSAGE).encode()
    assert Bot(browser.host).post(body, signed(body)) == 200
    assert [question.event_id for question in kept] == ["Ev1"]


def test_without_postgresql_an_event_is_not_acknowledged(
    ours: Settings, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = SecretStr("postgresql://127.0.0.1:1/nothing")
    away = opened(ours.model_copy(update={"database_url": nowhere}))
    monkeypatch.setattr(interface, "_door", lambda: away)
    body = json.dumps(MESSAGE).encode()
    assert Bot(browser.host).post(body, signed(body)) == 503


def test_an_ended_installation_is_an_errand_with_its_owner_and_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[Errand] = []
    monkeypatch.setattr(listeners, "submit_errand", kept.append)
    body = {"event_id": "Ev1", "event_time": 1_700_000_000, "team_id": "T1"}
    wide = {"enterprise_id": "E1", "team_id": "T1", "is_enterprise_install": True}
    event = {"type": "app_uninstalled"}
    listeners.on_uninstalled(event, {**body, "authorizations": [{"team_id": "T1"}]})
    listeners.on_uninstalled(event, {**body, "authorizations": [wide]})
    at = {"at": 1_700_000_000}
    assert [one.details for one in kept] == [
        at,
        {**at, "enterprise_id": "E1", "org_wide": True},
    ]


def test_ken_asks_for_what_the_manifest_says() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert sorted(install.SCOPES) == sorted(manifest["oauth_config"]["scopes"]["bot"])


def test_the_page_on_installing_gives_the_reason_of_each_scope() -> None:
    page = (MANIFEST.parents[1] / "docs" / "install.md").read_text(encoding="utf-8")
    reasons = page.partition("## What each scope is for")[2].partition("##")[0]
    assert sorted(re.findall(r"`([a-z_.]+:[a-z.]+|commands)`", reasons)) == sorted(install.SCOPES)
