"""The Bolt app: which listener hears what, and what Slack is told when one fails."""

import logging
from typing import Any

import structlog
from slack_bolt import App, BoltRequest, BoltResponse
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_sdk import WebClient

from bot import listeners
from workers.interface import Settings, metrics, tracing

log = structlog.get_logger()


def create_app(settings: Settings) -> App:
    """Nothing here or in a listener waits for Slack.

    With a token, Bolt would call auth.test before the first event, and answer 200 to an event that
    it then does not process if that call fails; hence `authorize`.
    """
    quiet = _quiet_logger()
    app = Counted(
        name=quiet.name,
        logger=quiet,
        client=WebClient(base_url=settings.slack_api_url, logger=quiet),
        authorize=_authorize(settings.slack_bot_token.get_secret_value()),
        signing_secret=settings.slack_signing_secret.get_secret_value(),
        process_before_response=True,
        token_verification_enabled=False,
        raise_error_for_unhandled_request=True,
    )
    app.event("app_mention")(listeners.on_mention)
    app.event("message")(listeners.on_message)
    app.error(_on_error)
    return app


class Counted(App):
    """What came, and what Slack was told; a trace begins here."""

    def dispatch(self, req: BoltRequest) -> BoltResponse:
        metrics.EVENTS_RECEIVED.inc()
        outcome = "not_kept"
        try:
            with tracing.span("event", event_id=_event_id(req)) as at:
                response = super().dispatch(req)
                at.set(status=response.status)
            outcome = "acknowledged" if response.status == 200 else "not_kept"
        finally:
            metrics.EVENTS.labels(outcome).inc()
        return response


def _event_id(req: BoltRequest) -> str | None:
    body: Any = req.body
    found = body.get("event_id") if isinstance(body, dict) else None
    return found if isinstance(found, str) else None


def _authorize(bot_token: str) -> Any:
    def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, bot_token=bot_token or None
        )

    return authorize


def _on_error(error: Exception, body: dict[str, Any]) -> BoltResponse:
    """An event that is not kept is not acknowledged, so that Slack sends it again.

    What no listener wants (other events, actions, commands, views) is acknowledged; Bolt would
    answer 404.
    """
    if isinstance(error, BoltUnhandledRequestError):
        return BoltResponse(status=200)
    log.error("event_not_kept", event_id=body.get("event_id"), error=type(error).__name__)
    return BoltResponse(status=503)


def _quiet_logger() -> logging.Logger:
    """Below warnings Bolt and the SDK log whole requests, the badly signed ones included."""
    logger = logging.getLogger("ken.slack")
    logger.setLevel(logging.WARNING)
    return logger
