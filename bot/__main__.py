"""`python -m bot`: Slack on one side, the door to the workers on the other, until SIGTERM."""

import signal
import sys
from contextlib import suppress
from threading import Event
from typing import Any
from urllib.error import URLError

import structlog
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError

from bot.app import create_app
from bot.web import create_web
from workers.interface import OperatorError, Settings, configure_logs, load_settings

log = structlog.get_logger()

_LONGEST_WAIT_S = 30.0


def main() -> int:
    configure_logs()
    try:
        settings = load_settings()
    except OperatorError as error:
        return _refuse(str(error), error.exit_code)
    missing = _missing(settings)
    if missing:
        return _refuse(missing)
    serve = serve_http if settings.slack_mode == "http" else serve_socket
    return serve(create_app(settings), settings)


def serve_socket(app: App, settings: Settings) -> int:
    """Until SIGTERM or SIGINT. What is being kept then is still kept, but the connection is gone
    before it is acknowledged: Slack sends it again, and `ask` knows it.
    """
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    handler = SocketModeHandler(app, settings.slack_app_token.get_secret_value())
    try:
        refusal = _connect(handler, stop)
        if refusal:
            return _refuse(f"Slack refused the app token (KEN_SLACK_APP_TOKEN): {refusal}")
        log.info("bot_started", mode="socket")
        stop.wait()
    finally:
        with suppress(AttributeError):  # the SDK's, if the connection ends at this moment
            handler.client.close()
    log.info("bot_stopped", mode="socket")
    return 0


def serve_http(app: App, settings: Settings) -> int:
    """Until SIGTERM, which gunicorn takes gracefully."""
    web = create_web(app, settings.slack_signing_secret.get_secret_value())
    options = {
        "bind": f"{settings.http_host}:{settings.http_port}",
        "worker_class": "gthread",
        "workers": 1,
        "threads": 16,
        "control_socket_disable": True,
        "proc_name": "ken-bot",
    }

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return web

    Server().run()
    return 0


def _connect(handler: SocketModeHandler, stop: Event) -> str:
    """Waits for Slack as long as it takes; returns Slack's error if it will not have us."""
    wait_s = 1.0
    while not stop.is_set():
        try:
            handler.client.connect()
            return ""
        except SlackApiError as error:
            if error.response.status_code == 200:
                return str(error.response["error"])
            log.warning("slack_unreachable", status=error.response.status_code)
        except (URLError, OSError) as error:
            log.warning("slack_unreachable", error=type(error).__name__)
        stop.wait(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
    return ""


def _missing(settings: Settings) -> str:
    if settings.slack_mode == "http" and not settings.slack_signing_secret.get_secret_value():
        return "KEN_SLACK_SIGNING_SECRET is not set; events over HTTP cannot be checked without it"
    if settings.slack_mode == "socket" and not settings.slack_app_token.get_secret_value():
        return "KEN_SLACK_APP_TOKEN (xapp-…) is not set; Socket Mode needs it"
    if not settings.has_slack:
        return "KEN_SLACK_BOT_TOKEN (xoxb-…) is not set"
    return ""


def _refuse(message: str, exit_code: int = 2) -> int:
    sys.stderr.write(f"bot: {message}\n")
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
