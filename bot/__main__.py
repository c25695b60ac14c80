"""`python -m bot`: passes what Slack sends to the workers, until SIGTERM."""

import logging
import sys
from contextlib import suppress
from threading import Condition
from typing import Any
from urllib.error import URLError

import structlog
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.app import MeteredApp, create_app
from bot.install import oauth_flow
from bot.stopping import Stopping
from bot.web import DeadlineWorker, create_web
from workers.interface import (
    OperatorError,
    Report,
    Settings,
    bot_listener,
    bot_readiness,
    configure_logs,
    load_settings,
    refuse_unsafe,
    tracing,
)

log = structlog.get_logger()

_LONGEST_WAIT_S = 30.0
_FINISH_S = 10
"""How long a stopping bot has to store what has already arrived."""


def main() -> int:
    configure_logs("bot")
    try:
        settings = load_settings()
        refuse_unsafe(settings, "bot")
        serve = serve_http if settings.slack_mode == "http" else serve_socket
        return serve(create_app(settings), settings)
    except OperatorError as error:
        return _refuse("\n".join(filter(None, (str(error), error.remedy))), error.exit_code)


def serve_socket(app: MeteredApp, settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. Raises OperatorError.

    What has arrived by then is stored and acknowledged. If that takes too long, Slack sends it
    again, and `ask` recognises it.
    """
    stop = Stopping()
    handler = Handler(app, settings.slack_app_token.get_secret_value())
    listener = bot_listener(settings, works=handler.works, ready=bot_readiness(settings))
    tracing.configure(settings, "bot")
    if listener is not None:
        listener.start()
    try:
        refusal = _connect(handler, stop)
        if refusal:
            return _refuse(f"Slack refused the app token (KEN_SLACK_APP_TOKEN): {refusal}")
        log.info("bot_started", mode="socket")
        stop.wait()
        if not handler.finish(_FINISH_S):
            log.warning("bot_not_finished")
    finally:
        with suppress(AttributeError):  # raised by the SDK if the connection ends right now
            handler.client.close()
        tracing.close()
    log.info("bot_stopped", mode="socket")
    return 0


class Handler(SocketModeHandler):
    """Counts events in progress, so that none is cut off between storing and acknowledging."""

    def __init__(self, app: MeteredApp, app_token: str) -> None:
        super().__init__(app, app_token)
        self._app = app
        self._under_way = 0
        self._changed = Condition()

    def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        with self._changed:
            self._under_way += 1
        try:
            if self._app.accepts(req.payload):
                super().handle(client, req)
            else:
                client.send_socket_mode_response(SocketModeResponse(req.envelope_id))
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def finish(self, timeout_s: float) -> bool:
        """Wait for all events in progress; return whether they ended in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._under_way == 0, timeout_s)

    def works(self) -> Report:
        """Report whether the SDK's threads are alive. While Slack is down they keep retrying."""
        threads = (self.client.current_session_runner, self.client.message_processor)
        return Report(
            {"threads": all(thread.is_alive() for thread in threads)},
            {"connected": self.client.is_connected()},
        )


class QuietLogger(Logger):  # type: ignore[misc]
    """gunicorn's logger, reduced to warnings through our log: its own lines quote requests."""

    def setup(self, _cfg: Any) -> None:
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)
        self.access_log.setLevel(logging.CRITICAL)


def serve_http(app: MeteredApp, settings: Settings) -> int:
    """Serve until SIGTERM; then gunicorn finishes what has arrived. Raises OperatorError.

    The health port is bound here, but answered in gunicorn's worker, which has the counters.
    """
    ready = bot_readiness(settings)
    secret = settings.slack_signing_secret.get_secret_value()
    web = create_web(app, secret, ready, oauth_flow(settings))
    listener = bot_listener(settings, works=lambda: Report({"process": True}, {}), ready=ready)
    options = {
        "bind": f"{settings.http_host}:{settings.http_port}",
        "worker_class": DeadlineWorker,
        "workers": 1,
        "threads": 16,
        "graceful_timeout": _FINISH_S,
        "worker_exit": lambda _server, _worker: tracing.close(),
        "control_socket_disable": True,
        "logger_class": QuietLogger,
        "proc_name": "ken-bot",
    }

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            tracing.configure(settings, "bot")
            if listener is not None:
                listener.start()
            return web

    Server().run()
    return 0


def _connect(handler: SocketModeHandler, stop: Stopping) -> str:
    """Connect, however long it takes; return Slack's error if it refuses the token."""
    wait_s = 1.0
    while not stop.wait(0):
        try:
            handler.client.connect()
        except SlackApiError as error:
            if error.response.status_code == 200:
                return str(error.response["error"])
            log.warning("slack_unreachable", status=error.response.status_code)
        except (URLError, OSError) as error:
            log.warning("slack_unreachable", error=type(error).__name__)
        else:
            return ""
        stop.wait(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
    return ""


def _refuse(message: str, exit_code: int = 2) -> int:
    sys.stderr.write(f"bot: {message}\n")
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
