"""Tokens of the double: scopes, expiry, rotation and revocation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.playground.client import Playground
from tests.bot.conftest import EVERY_SCOPE, Start
from tests.bot.slack_schemas import check_calls

APP = {"client_id": "1.2", "client_secret": "playground-client"}


def refused(call: Callable[[], Any]) -> Any:
    with pytest.raises(SlackApiError) as caught:
        call()
    return caught.value.response


def client(slack: Playground, token: str) -> WebClient:
    return WebClient(token, base_url=slack.api_url, retry_handlers=[])


def test_a_call_without_its_scope_says_what_was_needed(
    playground: Playground, ken: WebClient
) -> None:
    playground.grant(["users:read", "channels:history"])

    answer = refused(lambda: ken.chat_postMessage(channel="CGENERAL", text="x"))
    assert (answer["error"], answer["needed"], answer["provided"]) == (
        "missing_scope",
        "chat:write",
        "users:read,channels:history",
    )
    assert ken.users_info(user="UALICE")["ok"]
    assert ken.auth_test().headers["x-oauth-scopes"] == "users:read,channels:history"


def test_the_kind_of_a_conversation_decides_which_scope(
    playground: Playground, ken: WebClient
) -> None:
    playground.grant(["channels:history", "channels:read", "im:write"])

    assert ken.conversations_history(channel="CGENERAL")["ok"]
    assert ken.conversations_open(users="UALICE")["ok"]
    assert ken.conversations_list(types="public_channel")["ok"]
    for call, needed in (
        (lambda: ken.conversations_history(channel="CBOARD"), "groups:history"),
        (lambda: ken.conversations_history(channel="GTRIO"), "mpim:history"),
        (lambda: ken.conversations_history(channel="DUALICE"), "im:history"),
        (lambda: ken.conversations_open(users="UALICE,UBOB"), "mpim:write"),
        (lambda: ken.conversations_list(types="public_channel,im"), "im:read"),
    ):
        assert refused(call)["needed"] == needed


def test_an_address_is_shown_only_with_its_scope(playground: Playground, ken: WebClient) -> None:
    assert ken.users_info(user="UALICE")["user"]["profile"]["email"] == "Alice@acme.example"
    assert "email" in ken.users_profile_get(user="UALICE")["profile"]
    playground.grant([scope for scope in EVERY_SCOPE if scope != "users:read.email"])
    assert "email" not in ken.users_info(user="UALICE")["user"]["profile"]
    assert "@acme.example" not in str(ken.users_list()["members"])
    assert "email" not in ken.users_profile_get(user="UALICE")["profile"]


def test_a_revoked_token_and_a_removed_app_give_different_errors(
    playground: Playground, ken: WebClient
) -> None:
    playground.revoke()
    assert refused(ken.auth_test)["error"] == "token_revoked"
    playground.restore()
    assert ken.auth_test()["ok"]
    playground.uninstall()
    assert refused(ken.auth_test)["error"] == "account_inactive"


def test_an_app_revokes_its_token_or_uninstalls_itself(
    playground: Playground, ken: WebClient
) -> None:
    assert ken.auth_revoke(test=True)["revoked"] is False
    assert ken.auth_test()["ok"]
    assert ken.auth_revoke()["revoked"] is True
    assert refused(ken.auth_test)["error"] == "token_revoked"
    playground.restore()
    wrong = {**APP, "client_secret": "x"}
    assert refused(lambda: ken.apps_uninstall(**wrong))["error"] == "bad_client_secret"
    ken.apps_uninstall(**APP)
    assert refused(ken.auth_test)["error"] == "account_inactive"


def test_a_code_is_valid_once(playground: Playground) -> None:
    nobody = client(playground, "")
    code = playground.code(["chat:write"])

    installed = nobody.oauth_v2_access(**APP, code=code)
    assert (installed["scope"], installed["team"]["id"]) == ("chat:write", "T1")
    assert "refresh_token" not in installed.data
    assert client(playground, installed["access_token"]).auth_test()["user_id"] == "UKEN"
    assert refused(lambda: nobody.oauth_v2_access(**APP, code=code))["error"] == "invalid_code"
    for wrong, error in (
        ({"client_id": "x"}, "invalid_client_id"),
        ({"client_secret": "x"}, "bad_client_secret"),
    ):
        with pytest.raises(SlackApiError, match=error):
            nobody.api_call("oauth.v2.access", json={**APP, "code": "x", **wrong})


@dataclass(frozen=True)
class Rotating:
    """A double whose tokens expire, and the first token that it issued."""

    slack: Playground
    first: Any

    def refresh(self, token: str) -> Any:
        nobody = client(self.slack, "")
        return nobody.oauth_v2_access(**APP, grant_type="refresh_token", refresh_token=token)

    def works(self, token: str) -> bool:
        return bool(client(self.slack, token).auth_test()["ok"])


@pytest.fixture
def rotating(start: Start) -> Iterator[Rotating]:
    slack = start(rotates=True)
    yield Rotating(slack, client(slack, "").oauth_v2_access(**APP, code=slack.code()))
    check_calls(slack.calls())


def test_a_rotating_token_comes_with_its_lifetime(rotating: Rotating) -> None:
    first = rotating.first
    assert (first["expires_in"], first["access_token"][:10]) == (43_200, "xoxe.xoxb-")


def test_a_refresh_token_is_valid_once(rotating: Rotating) -> None:
    first = rotating.first["refresh_token"]
    assert rotating.works(rotating.refresh(first)["access_token"])
    assert refused(lambda: rotating.refresh(first))["error"] == "invalid_refresh_token"


def test_a_token_stays_valid_next_to_its_successor_until_it_expires(rotating: Rotating) -> None:
    first, second = rotating.first, rotating.refresh(rotating.first["refresh_token"])
    assert rotating.works(first["access_token"])
    rotating.slack.expire()
    for ended in (first, second):
        slack = client(rotating.slack, ended["access_token"])
        assert refused(slack.auth_test)["error"] == "token_expired"


def test_an_expired_token_can_be_refreshed_and_a_lasting_one_stays_valid(
    rotating: Rotating,
) -> None:
    rotating.slack.expire()
    assert rotating.works(rotating.refresh(rotating.first["refresh_token"])["access_token"])
    assert rotating.works("xoxb-playground")
    assert {call.token for call in rotating.slack.calls("auth.test")} == {"bot"}


def test_a_revoked_token_cannot_be_refreshed(rotating: Rotating) -> None:
    rotating.slack.revoke()
    error = refused(lambda: rotating.refresh(rotating.first["refresh_token"]))["error"]
    assert error == "invalid_refresh_token"


def test_a_lasting_token_is_exchanged_for_one_that_rotates(start: Start) -> None:
    lasting = start()
    assert (
        refused(lambda: client(lasting, "").oauth_v2_exchange(token="xoxb-playground", **APP))[
            "error"
        ]
        == "token_rotation_not_enabled"
    )
    slack = start(rotates=True)
    exchanged = client(slack, "").oauth_v2_exchange(token="xoxb-playground", **APP)
    assert exchanged["expires_in"] == 43_200
    assert refused(client(slack, "xoxb-playground").auth_test)["error"] == "token_revoked"
    again = refused(
        lambda: client(slack, "").oauth_v2_exchange(token=exchanged["access_token"], **APP)
    )
    assert again["error"] == "token_already_exchanged"


class NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> Request | None:
        return None


def authorize(slack: Playground, **query: str) -> HTTPError:
    """Return the response to a browser, without following a redirect."""
    address = f"{slack.url}/oauth/v2/authorize?{urlencode(query)}"
    with pytest.raises(HTTPError) as caught:
        build_opener(NoRedirects).open(address, timeout=60)
    return caught.value


def test_an_approval_comes_back_with_a_code_and_the_state(playground: Playground) -> None:
    there = "https://ken.example/slack/oauth"
    answer = authorize(
        playground, client_id="1.2", scope="chat:write,commands", state="s1", redirect_uri=there
    )
    back = urlsplit(answer.headers["location"])
    assert (answer.code, back.netloc, back.path) == (302, "ken.example", "/slack/oauth")
    query = parse_qs(back.query)
    assert query["state"] == ["s1"]
    installed = client(playground, "").oauth_v2_access(**APP, code=query["code"][0])
    assert installed["scope"] == "chat:write,commands"
    assert authorize(playground, client_id="x", redirect_uri=there).code == 400
