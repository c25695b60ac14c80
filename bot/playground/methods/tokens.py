"""auth.revoke, apps.uninstall and oauth.v2.*: installing and removing Ken.

tooling.tokens.rotate is about an app's configuration, which Ken does not touch.
"""

import time

from bot.playground.tokens import LIFE_S
from bot.playground.web_api import Refused, Slack, method
from bot.playground.workspace import APP_ID, BOT_USER, Json


@method("auth.revoke", test="bool")
def revoke(slack: Slack, arguments: Json) -> Json:
    if arguments.get("test"):
        return {"revoked": False}
    token = slack.tokens.of(slack.token)
    if token is not None:
        token.error = "token_revoked"
    slack.news.append({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}})
    return {"revoked": True}


@method("apps.uninstall", client_id="str!", client_secret="str!")
def uninstall(slack: Slack, arguments: Json) -> Json:
    _check_client(slack, arguments)
    slack.tokens.refuse_all("account_inactive")
    slack.news.append({"type": "app_uninstalled"})
    slack.news.append({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}})
    return {}


@method(
    "oauth.v2.access",
    token="",
    client_id="str",
    client_secret="str",
    code="str",
    redirect_uri="str",
    grant_type="str",
    refresh_token="str",
)
def access(slack: Slack, arguments: Json) -> Json:
    """Exchange a code or (`grant_type=refresh_token`) a refresh token for a bot token, once."""
    _check_client(slack, arguments)
    match arguments.get("grant_type", "authorization_code"):
        case "authorization_code":
            scopes = slack.tokens.codes.pop(arguments.get("code", ""), None)
            if scopes is None:
                raise Refused("invalid_code")
            return _installation(slack, scopes, rotates=slack.rotates)
        case "refresh_token":
            old = slack.tokens.refreshers.pop(arguments.get("refresh_token", ""), None)
            if old is None or old.error:
                raise Refused("invalid_refresh_token")
            return _installation(slack, old.scopes, rotates=True)
    raise Refused("invalid_grant_type")


@method("oauth.v2.exchange", client_id="str!", client_secret="str!")
def exchange(slack: Slack, arguments: Json) -> Json:
    """Exchange a token that never expires for one that rotates; the old one is revoked."""
    _check_client(slack, arguments)
    if not slack.rotates:
        raise Refused("token_rotation_not_enabled")
    token = slack.tokens.of(slack.token)
    if token is None or token.refusal:
        raise Refused("invalid_token")
    if token.expires_at < time.monotonic() + LIFE_S + 1:
        raise Refused("token_already_exchanged")
    token.error = "token_revoked"
    return _installation(slack, token.scopes, rotates=True)


def _check_client(slack: Slack, arguments: Json) -> None:
    client_id, client_secret = slack.client
    if arguments.get("client_id") != client_id:
        raise Refused("invalid_client_id")
    if arguments.get("client_secret") != client_secret:
        raise Refused("bad_client_secret")


def _installation(slack: Slack, scopes: tuple[str, ...], *, rotates: bool) -> Json:
    team = slack.workspace.team
    answer: Json = {
        "app_id": APP_ID,
        "token_type": "bot",
        "scope": ",".join(scopes),
        "bot_user_id": BOT_USER,
        "team": {"id": team.id, "name": team.name},
        "enterprise": None,
        "is_enterprise_install": False,
        "authed_user": {"id": next(iter(slack.workspace.users))},
    }
    if not rotates:
        return {**answer, "access_token": slack.tokens.issue(scopes)}
    token, refresher = slack.tokens.issue_rotating(scopes)
    rotating = {"access_token": token, "refresh_token": refresher, "expires_in": LIFE_S}
    return {**answer, **rotating}
