"""`python -m bot.playground`: runs the Slack simulator on this machine."""

import argparse
import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.playground.double import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Access, Double
from bot.playground.events.delivery import ACK_TIMEOUT_S, RETRY_DELAYS_S
from bot.playground.pages import Page, page_of
from bot.playground.server import HOST, create_server
from bot.playground.workspace import WorkspaceInvalid, load_workspace
from workers.interface import OperatorError

_EPILOG = """\
Connect the bot to it over Socket Mode:

  KEN_SLACK_API_URL=http://127.0.0.1:8065/api/ KEN_SLACK_BOT_TOKEN=xoxb-playground \\
  KEN_SLACK_APP_TOKEN=xapp-playground python -m bot

Ask a question as a person from the workspace file, then read the channel:

  curl -d '{"channel": "general", "user": "alice", "text": "<@UKEN> who are we?"}' \\
    http://127.0.0.1:8065/_double/say
  curl 'http://127.0.0.1:8065/_double/messages?channel=general'

Send the slash command, click a button of an answer (its ts is in the messages), open the Home tab:

  curl -d '{"user": "alice", "channel": "general", "text": "help"}' \\
    http://127.0.0.1:8065/_double/command
  curl -d '{"user": "alice", "channel": "general", "ts": "TS", "action_id": "ken_share"}' \\
    http://127.0.0.1:8065/_double/press
  curl -d '{"user": "alice", "tab": "home"}' http://127.0.0.1:8065/_double/open_home

The workspace file:

  {"team": {"id": "T1", "name": "Acme", "domain": "acme"},
   "users": [{"id": "UALICE", "name": "alice", "email": "alice@acme.example"}],
   "channels": [{"id": "CGENERAL", "name": "general", "members": ["UALICE", "UKEN"]}],
   "usergroups": [{"id": "SHELP", "name": "helpers", "users": ["UALICE"]}]}

The bot user, UKEN, is added, and a direct conversation with it for everybody. Tokens and the
signing secret can also come from KEN_SLACK_BOT_TOKEN, KEN_SLACK_APP_TOKEN and
KEN_SLACK_SIGNING_SECRET.
"""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        workspace = load_workspace(options.workspace)
        workspace.serial = time.time_ns() // 1000  # ids are not reused after a restart
    except WorkspaceInvalid as error:
        sys.stderr.write(f"playground: {error}\n")
        return 2
    access = Access(
        bot_token=options.bot_token,
        app_token=options.app_token,
        signing_secret=options.signing_secret,
        events_url=options.events_url,
        ack_timeout_s=options.ack_timeout,
        retry_delays_s=tuple(options.retry_delays),
    )
    try:
        page = page_of(options.workspace)
    except OperatorError as error:
        sys.stderr.write(f"playground: {error}\n")
        return 2
    return asyncio.run(_serve(Double(workspace, access, options.state), page, options.port))


async def _serve(double: Double, page: Page, port: int) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(create_server(double, page), shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        sys.stdout.write(f"playground: http://{HOST}:{runner.addresses[0][1]}\n")
        sys.stdout.flush()
        await stop.wait()
    except OSError as error:
        sys.stderr.write(f"playground: port {port}: {error.strerror}\n")
        return 3
    finally:
        await runner.cleanup()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot.playground",
        description="Run a Slack simulator on this machine: Web API, events, people who write.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    env = os.environ
    add("--workspace", type=Path, required=True, metavar="FILE", help="people and channels (JSON)")
    add("--port", type=int, default=8065, help="port on 127.0.0.1; 0 picks a free one")
    add("--events-url", default="", metavar="URL", help="post events here, not over Socket Mode")
    add("--state", type=Path, metavar="FILE", help="store messages here, to survive a restart")
    for name, variable, usual in (
        ("bot-token", "KEN_SLACK_BOT_TOKEN", BOT_TOKEN),
        ("app-token", "KEN_SLACK_APP_TOKEN", APP_TOKEN),
        ("signing-secret", "KEN_SLACK_SIGNING_SECRET", SIGNING_SECRET),
    ):
        add(f"--{name}", default=env.get(variable) or usual, help=f"{usual}, or {variable}")
    seconds: dict[str, Any] = {"type": float, "metavar": "S"}
    help_text = "wait this long for an acknowledgement, then send the event again"
    add("--ack-timeout", default=ACK_TIMEOUT_S, help=help_text, **seconds)
    help_text = "wait this long before each repeat of an event"
    add("--retry-delays", nargs="*", default=RETRY_DELAYS_S, help=help_text, **seconds)
    return parser


if __name__ == "__main__":
    sys.exit(main())
