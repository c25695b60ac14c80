"""Installs Ken in several workspaces with Bolt's OAuth, our store and our pages (docs/install.md).

GET /slack/install redirects to Slack; Slack redirects back to GET /slack/oauth_redirect.
"""

import html
import logging
from collections.abc import Callable
from http.client import HTTPException
from urllib.parse import urljoin

import structlog
from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.error import BoltError
from slack_bolt.oauth import OAuthFlow
from slack_bolt.oauth.callback_options import CallbackOptions, FailureArgs, SuccessArgs
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientError
from slack_sdk.oauth.installation_store import Installation

from workers.interface import (
    OperatorError,
    Settings,
    installation_store,
    may_install,
    state_store,
)

log = structlog.get_logger()

INSTALL, REDIRECT = "/slack/install", "/slack/oauth_redirect"

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "metadata.message:read",
    "mpim:history",
    "mpim:read",
    "users:read",
    "users:read.email",
)
"""The scopes of deploy/slack-manifest.yaml, which gives the reason for each."""

_TIMEOUT_S = 10
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_START_AGAIN = f'<p><a href="{INSTALL}">Start again</a></p>'
_FAILURES = {
    "access_denied": (
        "Ken was not installed",
        "You cancelled, or your workspace's administrators have not approved it. Nothing was "
        "changed and nothing was stored.",
    ),
    "invalid_browser": (
        "This page was opened in another browser, or has expired",
        "Nothing was installed. Start again in the browser that you want to use, and allow cookies "
        "for this site.",
    ),
    "invalid_state": (
        "This page was already used, or is more than ten minutes old",
        "Nothing was installed this time.",
    ),
    "not_ours": (
        "This workspace is not one of the company's",
        "Ken was not installed, and the token that Slack issued was revoked. To allow this "
        "workspace, ask the person who runs Ken to add its id to KEN_SLACK_WORKSPACES.",
    ),
    "unavailable": (
        "Ken cannot be installed right now",
        "Its database or Slack did not answer, and no token was stored. Try again in a minute.",
    ),
}
_OTHER_FAILURE = ("Slack did not accept the installation", "Nothing was stored.")


class ForeignWorkspace(BoltError):
    """The workspace belongs to another company; one deployment serves one company."""


def oauth_flow(settings: Settings) -> OAuthFlow | None:
    """Return the OAuth flow, or None if Ken serves only the workspace of its token."""
    if not settings.has_oauth:
        return None
    quiet = _quiet_logger()
    return Flow(
        client=WebClient(
            base_url=settings.slack_api_url, timeout=_TIMEOUT_S, retry_handlers=[], logger=quiet
        ),
        logger=quiet,
        is_allowed=lambda found: may_install(
            settings,
            enterprise_id=found.enterprise_id or "",
            team_id="" if found.is_enterprise_install else found.team_id or "",
        ),
        settings=OAuthSettings(
            client_id=settings.slack_client_id,
            client_secret=settings.slack_client_secret.get_secret_value(),
            scopes=SCOPES,
            user_scopes=[],
            redirect_uri=settings.public_url.rstrip("/") + REDIRECT,
            install_path=INSTALL,
            install_page_rendering_enabled=False,
            redirect_uri_path=REDIRECT,
            authorization_url=urljoin(settings.slack_api_url, "../oauth/v2/authorize"),
            installation_store=installation_store(),
            state_store=state_store(),
            callback_options=CallbackOptions(success=_installed, failure=_failed),
            logger=quiet,
        ),
    )


class Flow(OAuthFlow):
    """Bolt's flow, which stores nothing about a workspace of another company."""

    def __init__(
        self,
        *,
        client: WebClient,
        logger: logging.Logger,
        settings: OAuthSettings,
        is_allowed: Callable[[Installation], bool],
    ) -> None:
        super().__init__(client=client, logger=logger, settings=settings)
        self._is_allowed = is_allowed

    def store_installation(self, request: BoltRequest, installation: Installation) -> None:
        if not self._is_allowed(installation):
            self._revoke_token(installation)
            raise ForeignWorkspace("not one of the company's workspaces")
        if not installation.bot_token:
            raise BoltError("Slack sent no bot token")
        super().store_installation(request, installation)

    def _revoke_token(self, installation: Installation) -> None:
        log.warning(
            "installation_refused",
            enterprise_id=installation.enterprise_id,
            team_id=installation.team_id,
        )
        try:
            self.client.auth_revoke(token=installation.bot_token)
        except (SlackClientError, HTTPException, OSError) as error:
            log.warning("token_not_revoked", error=type(error).__name__)


def respond(flow: OAuthFlow, path: str, query: str, headers: dict[str, str]) -> BoltResponse:
    """Return a page for the person who installs Ken. The start page ignores its query."""
    try:
        if path == INSTALL:
            return _guarded(flow.handle_installation(BoltRequest(body="", headers=dict(headers))))
        request = BoltRequest(body="", query=query, headers=dict(headers))
        return flow.handle_callback(request)
    except (OperatorError, SlackClientError, HTTPException, OSError) as error:
        log.error("install_unavailable", error=type(error).__name__)
        return _page(503, *_FAILURES["unavailable"], end=_START_AGAIN)


def _installed(args: SuccessArgs) -> BoltResponse:
    found = args.installation
    name = (found.enterprise_name if found.is_enterprise_install else found.team_name) or ""
    words = "Mention Ken in a channel, or send it a direct message. You can close this page."
    return _without_cookie(args, _page(200, f"Ken is installed in {name or 'Slack'}", words))


def _failed(args: FailureArgs) -> BoltResponse:
    reason = "not_ours" if isinstance(args.error, ForeignWorkspace) else args.reason
    known = reason in _FAILURES
    log.warning("install_failed", reason=reason if known else "other")
    status = {"access_denied": 200, "not_ours": 403}.get(reason, 400)
    page = _page(status, *_FAILURES.get(reason, _OTHER_FAILURE), end=_START_AGAIN)
    return _without_cookie(args, page)


def _without_cookie(args: SuccessArgs | FailureArgs, page: BoltResponse) -> BoltResponse:
    page.headers["set-cookie"] = [args.settings.state_utils.build_set_cookie_for_deletion()]
    return page


def _page(status: int, title: str, words: str, *, end: str = "") -> BoltResponse:
    title, words = html.escape(title), html.escape(words)
    body = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body><h1>{title}</h1><p>{words}</p>{end}</body></html>"
    )
    return BoltResponse(status=status, body=body, headers=dict(_HEADERS))


def _guarded(response: BoltResponse) -> BoltResponse:
    response.headers.update({name: [value] for name, value in _HEADERS.items()})
    return response


def _quiet_logger() -> logging.Logger:
    """A logger that drops the flow's and the SDK's lines: they quote codes and tokens."""
    logger = logging.getLogger("ken.slack.install")
    logger.setLevel(logging.CRITICAL)
    return logger
