"""`python -m bot.playground`: a Slack of your own on this machine."""

import argparse
import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from aiohttp import web

from bot.playground.double import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Access, Double
from bot.playground.events.delivery import ACK_TIMEOUT_S, RETRY_DELAYS_S
from bot.playground.pages import Page, page_of
from bot.playground.server import HOST, create_server
from bot.playground.workspace import WorkspaceInvalid, load_workspace
from workers.interface import OperatorError

_EPILOG = """\
Start the bot against it, over Socket Mode:

  KEN_SLACK_API_URL=http://127.0.0.1:8065/api/ KEN_SLACK_BOT_TOKEN=xoxb-playground \\
  KEN_SLACK_APP_TOKEN=xapp-playground python -m bot

Ask as somebody of the workspace file, then look:

  curl -d '{"channel": "general", "user": "alice", "text": "<@UKEN> who are we?"}' \\
    http://127.0.0.1:8065/_double/say
  curl 'http://127.0.0.1:8065/_double/messages?channel=general'

Give the command, press a button of an answer (its ts is in the messages), open the home:

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

UKEN is the bot; it and everybody's direct messages with it are added. Tokens and the signing
secret may also come from KEN_SLACK_BOT_TOKEN, KEN_SLACK_APP_TOKEN and KEN_SLACK_SIGNING_SECRET.
"""


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        workspace = load_workspace(options.workspace)
        workspace.serial = time.time_ns() // 1000  # an id of before a restart is never given again
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
    """Until SIGTERM or SIGINT."""
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
        description="A Slack of your own on this machine: Web API, events, people who write.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    env = os.environ
    add("--workspace", type=Path, required=True, metavar="FILE", help="people and channels (JSON)")
    add("--port", type=int, default=8065, help="on 127.0.0.1; 0 takes a free one")
    add("--events-url", default="", metavar="URL", help="send events there, not by Socket Mode")
    add("--state", type=Path, metavar="FILE", help="keep messages here over a restart")
    add("--bot-token", default=env.get("KEN_SLACK_BOT_TOKEN") or BOT_TOKEN)
    add("--app-token", default=env.get("KEN_SLACK_APP_TOKEN") or APP_TOKEN)
    add("--signing-secret", default=env.get("KEN_SLACK_SIGNING_SECRET") or SIGNING_SECRET)
    add("--ack-timeout", type=float, default=ACK_TIMEOUT_S, metavar="S", help="then it is repeated")
    add("--retry-delays", type=float, nargs="*", default=RETRY_DELAYS_S, metavar="S")
    return parser


if __name__ == "__main__":
    sys.exit(main())
