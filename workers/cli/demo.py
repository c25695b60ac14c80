"""`make demo`: the demo company, its local workspace, and one question asked by three people."""

import json
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from sqlalchemy import text

from workers.cli import running
from workers.cli.asking import ask_and_wait, render
from workers.cli.loading import load_folder
from workers.database.schema import migrate
from workers.database.sessions import Database
from workers.embedded.servers import ensure, write_env
from workers.errors import InputInvalid
from workers.settings import Settings, load_settings

COMPANY = Path(__file__).parents[2] / "examples" / "company"
_PAGE_S = 330
"""Longer than the build's own limit."""


def run(data_dir: Path, out: Console) -> None:
    """Start Ken, load the company and ask. A second run reuses everything. Raises OperatorError."""
    steps: list[tuple[str, float]] = []
    started = time.monotonic()

    def took(step: str) -> None:
        nonlocal started
        now = time.monotonic()
        steps.append((step, now - started))
        started = now

    _refuse_other_workspace(load_settings(data_dir))
    with out.status("Starting PostgreSQL and Redis…") as status:
        ensure(data_dir, lambda step: status.update(f"{step}…"))
        migrate(load_settings(data_dir))
    took("servers and schema")
    settings = load_settings(data_dir)
    _refuse_other_documents(settings)
    load_folder(settings, COMPANY, source=None, allow=(), remove_missing=True, console=out)
    took("documents")
    if settings.playground is None:
        write_env(data_dir, _local_workspace())
    with out.status("Starting the worker, the local workspace and the bot…") as status:
        changes = running.up(data_dir, lambda step: status.update(f"{step}…"))
    for change in changes:
        out.print(change, soft_wrap=True)
    took("worker and bot")
    tour = json.loads((COMPANY / "demo.json").read_text())
    _ask_each(load_settings(data_dir), tour, out)
    took("three questions")
    with out.status("Building the playground page (once)…"):
        missing = _build_page(data_dir)
    took("page")
    _print_next(tour, out)
    times = ", ".join(f"{step} {seconds:.1f} s" for step, seconds in steps)
    out.print(f"[dim]{times}[/]\n")
    _print_page(load_settings(data_dir), missing, out)


def _build_page(data_dir: Path) -> str:
    """Build the page, which the playground finds by itself. Returns why it failed, or nothing."""
    command = [sys.executable, "-m", "bot.playground.building", str(data_dir)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PAGE_S)
    except subprocess.TimeoutExpired:
        return "it took too long."
    words = done.stderr.strip().splitlines()
    return (words[-1] if words else "no reason was given.") if done.returncode else ""


def _print_page(settings: Settings, missing: str, out: Console) -> None:
    address = settings.slack_api_url.removesuffix("api/")
    if missing:
        out.print(
            f"[yellow]The playground page could not be built: {escape(missing)}[/] Everything else "
            "runs: ask in the terminal, as above. Run `make demo` again to retry the build."
        )
    else:
        out.print(f"[bold]Open {address} and ask as different people[/]", soft_wrap=True)


def _ask_each(settings: Settings, tour: dict[str, Any], out: Console) -> None:
    out.print(f"\n[bold]“{escape(tour['question'])}”[/], asked by three people:\n")
    for asker in tour["askers"]:
        result = ask_and_wait(
            settings,
            tour["question"],
            person=asker["id"],
            channel=None,
            timeout_s=settings.ask_patience_s,
        )
        out.print(f"[bold cyan]{asker['id']}[/] [dim]{escape(asker['why'])}[/]")
        render(result, out)


def _print_next(tour: dict[str, Any], out: Console) -> None:
    ken = str(Path(sys.argv[0]))
    try:
        ken = str(Path(ken).relative_to(Path.cwd()))
    except ValueError:
        ken = shlex.quote(ken)
    tries = [
        (more["why"], f"{ken} ask {_quoted(more['question'])} --as {more['as']}" + _place(more))
        for more in tour["more"]
    ]
    tries += [
        ("Who may read what, and why.", f"{ken} why luis hr/de/vacation.md"),
        ("How good the answers are, and that nothing leaks.", f"{ken} eval examples/company"),
        ("What is running, and what is stored.", f"{ken} status"),
        ("Stop everything; the data stays.", "make demo-down"),
    ]
    out.rule("Try next", align="left")
    for why, command in tries:
        out.print(f"[dim]# {escape(why)}[/]", soft_wrap=True)
        out.print(f"{escape(command)}\n", soft_wrap=True)  # to be copied in one piece


def _quoted(question: str) -> str:
    return '"' + question.replace('"', '\\"') + '"'


def _place(more: dict[str, Any]) -> str:
    return f" --in {more['in']}" if more["in"] else ""


def _refuse_other_documents(settings: Settings) -> None:
    own = json.loads((COMPANY / "source.json").read_text())["name"]
    database = Database(settings)
    with database.session("indexer") as session:
        others = session.scalars(
            text(
                "SELECT DISTINCT source.name FROM source JOIN node ON node.source_id = source.id "
                "WHERE source.name <> :own"
            ),
            {"own": own},
        ).all()
    database.close()
    if others:
        raise InputInvalid(
            f"{settings.home} holds other documents ({', '.join(others)}); the demo's documents "
            "would be mixed with them.",
            remedy="Give the demo a data folder of its own: `KEN_HOME=.ken-demo make demo`.",
        )


def _refuse_other_workspace(settings: Settings) -> None:
    if settings.has_slack and settings.playground is None:
        raise InputInvalid(
            f"{settings.home} is connected to a Slack workspace; the demo would replace your "
            "tokens. Nothing was changed.",
            remedy="Give the demo a data folder of its own: `KEN_HOME=.ken-demo make demo`.",
        )


def _local_workspace() -> dict[str, str]:
    """Return settings for our local Slack; its port stays the same for this data folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        "KEN_PLAYGROUND": str(COMPANY / "workspace.json"),
        "KEN_SLACK_API_URL": f"http://127.0.0.1:{port}/api/",
        "KEN_SLACK_BOT_TOKEN": "xoxb-playground",
        "KEN_SLACK_APP_TOKEN": "xapp-playground",
        "KEN_SLACK_SIGNING_SECRET": "playground",
    }
