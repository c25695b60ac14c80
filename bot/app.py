"""The Bolt app: which listener hears what, and what Slack is told when one fails."""

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
from workers.interface import Settings, metrics, tracing

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
"""Changes of a place that the manifest cannot ask for, or not without a further scope: Slack tells
of some in a message. Where it sends such an event all the same, it counts.
"""
ACTIONS = {
    "ken_feedback": actions.on_feedback,
    "ken_share": actions.on_share,
    "ken_private": actions.on_private,
    "ken_again": actions.on_again,
    "ken_more": actions.on_more,
    "ken_language": actions.on_language,
    "ken_length": actions.on_length,
    "ken_mute": actions.on_mute,
    "ken_forget": actions.on_forget,
    "ken_admin": actions.on_link,
}
COMMAND = "/ken"
SHORTCUT = "ken_ask_about"


class Counted(App):
    """What came, and what Slack was told; a trace begins here."""

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
        """False: Slack does not write such a thing, and Bolt stumbles over it. Counted here; to be
        acknowledged and forgotten.
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


def create_app(settings: Settings) -> Counted:
    """No listener waits for Slack, but for the modal's 2 seconds (bot/actions.py).

    With a token, Bolt would call auth.test before the first event, and answer 200 to an event that
    it then does not process if that call fails; hence `authorize`. Of several workspaces none has
    its token here: an event needs none, and is kept where Ken has none.
    """
    quiet = _quiet_logger()
    app = Counted(
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
    """What is not kept is not acknowledged: Slack sends an event again, and tells a person who
    pressed something that it did not work.

    What no listener wants (other events, actions, commands, views) is acknowledged; Bolt would
    answer 404. So is what makes no sense: it would make none the next time.
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
    """Below warnings Bolt and the SDK log whole requests, the badly signed ones included."""
    logger = logging.getLogger("ken.slack")
    logger.setLevel(logging.WARNING)
    return logger
