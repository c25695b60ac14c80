"""The Bolt app: which listener handles which event, and what Slack gets if one fails."""

import logging
from typing import Any

import structlog
from slack_bolt import App, BoltContext, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.request.internals import build_context
from slack_bolt.request.payload_utils import to_action, to_step
from slack_sdk import WebClient

from bot import actions, listeners, views
from bot.payload import Malformed, check
from workers.interface import MOST_CHOICES, Settings, metrics, tracing

log = structlog.get_logger()

PLACE_CHANGES = (
    *("channel_archive", "channel_unarchive", "channel_rename", "channel_deleted", "channel_left"),
    *("group_archive", "group_unarchive", "group_rename", "group_deleted", "group_left"),
    "channel_unshared",
)
EVENTS = {
    "app_mention": listeners.on_mention,
    "message": listeners.on_message,
    "member_joined_channel": listeners.on_member_joined,
    "member_left_channel": listeners.on_place_changed,
    "channel_shared": listeners.on_channel_shared,
    **dict.fromkeys(PLACE_CHANGES, listeners.on_place_changed),
    "channel_id_changed": listeners.on_channel_id_changed,
    "user_change": listeners.on_person_changed,
    "user_profile_changed": listeners.on_person_changed,
    "team_access_granted": listeners.on_team_access,
    "team_access_revoked": listeners.on_team_access,
    "app_home_opened": listeners.on_home_opened,
    "agent_session_stopped": listeners.on_session_stopped,
    "app_uninstalled": listeners.on_uninstalled,
    "tokens_revoked": listeners.on_tokens_revoked,
}
UNSUBSCRIBED = (
    *("channel_convert_to_private", "channel_convert_to_public"),
    *("shared_channel_invite_accepted", "shared_channel_invite_approved"),
)
"""Changes of a channel that the manifest cannot subscribe to, or only with a further scope. Slack
announces some of them in a message. If such an event arrives anyway, it is handled.
"""
ACTIONS = {
    "ken_feedback": actions.on_feedback,
    "ken_share": actions.on_share,
    "ken_private": actions.on_private,
    "ken_again": actions.on_again,
    **{f"ken_choice_{number}": actions.on_choice for number in range(1, MOST_CHOICES + 1)},
    "ken_more": actions.on_more,
    "ken_language": actions.on_language,
    "ken_length": actions.on_length,
    "ken_mute": actions.on_mute,
    "ken_attribute": actions.on_attribute,
    "ken_forget": actions.on_forget,
    "ken_admin": actions.on_link,
}
COMMAND = "/ken"
SHORTCUT = "ken_ask_about"


class MeteredApp(App):
    """Bolt's app, which counts each event and its outcome, and starts its trace."""

    def dispatch(self, req: BoltRequest) -> BoltResponse:
        metrics.EVENTS_RECEIVED.inc()
        outcome = "not_kept"
        try:
            with tracing.span("event", event_id=_event_id(req.body)) as at:
                response = super().dispatch(req)
                at.set(status=response.status)
            done = req.context.get("outcome", "acknowledged")
            outcome = done if response.status == 200 else "not_kept"
        finally:
            metrics.EVENTS.labels(outcome).inc()
        return response

    def accepts(self, body: Any) -> bool:
        """Return False if the body is malformed: Bolt would raise on it.

        It is counted here. The caller acknowledges it and does nothing else.
        """
        try:
            check(body)
            build_context(BoltContext(), body)
            to_action(body), to_step(body)
        except (Malformed, AttributeError, IndexError, KeyError, TypeError, RecursionError):
            metrics.EVENTS_RECEIVED.inc()
            metrics.EVENTS.labels("malformed").inc()
            return False
        return True


def create_app(settings: Settings) -> MeteredApp:
    """Build the app. No listener waits for Slack, except to open a modal (bot/actions.py).

    With a token, Bolt would call auth.test before the first event; if that failed, it would answer
    200 to an event without processing it. `authorize` avoids that call. With several workspaces, no
    token is given here: an event needs none, and is stored even if Ken has no token for it.
    """
    quiet = _quiet_logger()
    app = MeteredApp(
        name=quiet.name,
        logger=quiet,
        client=WebClient(
            base_url=settings.slack_api_url,
            logger=quiet,
            timeout=actions.TIMEOUT_S,
            retry_handlers=[],
        ),
        authorize=_authorize(settings.slack_bot_token.get_secret_value()),
        signing_secret=settings.slack_signing_secret.get_secret_value(),
        process_before_response=True,
        token_verification_enabled=False,
        raise_error_for_unhandled_request=True,
    )
    for event_type, listener in EVENTS.items():
        app.event(event_type)(listener)
    for event_type in UNSUBSCRIBED:
        app.event(event_type)(listeners.on_place_changed)
    for action_id, press in ACTIONS.items():
        app.block_action(action_id)(press)
    app.view_submission(views.CALLBACK_ID)(actions.on_reason)
    app.command(COMMAND)(actions.on_command)
    app.message_shortcut(SHORTCUT)(actions.on_ask_about)
    app.error(_on_error)
    return app


def _event_id(body: Any) -> str | None:
    found = body.get("event_id") if isinstance(body, dict) else None
    return found if isinstance(found, str) else None


def _authorize(bot_token: str) -> Any:
    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, bot_token=bot_token or None
        )

    return authorize


def _on_error(error: Exception, body: dict[str, Any], context: BoltContext) -> BoltResponse:
    """Answer 503 if something was not stored: Slack then repeats an event, and shows an error to a
    person who clicked something.

    Events, actions, commands and views without a listener are acknowledged (Bolt would answer 404).
    So is malformed input, which a repeat would not change.
    """
    if isinstance(error, BoltUnhandledRequestError):
        context["outcome"] = "unknown"
        return BoltResponse(status=200)
    if isinstance(error, Malformed):
        context["outcome"] = "malformed"
        log.warning("event_malformed", event_id=_event_id(body))
        return BoltResponse(status=200)
    log.error("event_not_kept", event_id=_event_id(body), error=type(error).__name__)
    return BoltResponse(status=503)


def _quiet_logger() -> logging.Logger:
    """A logger for warnings only: below them, Bolt and the SDK log whole requests."""
    logger = logging.getLogger("ken.slack")
    logger.setLevel(logging.WARNING)
    return logger
