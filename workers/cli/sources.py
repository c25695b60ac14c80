"""`ken source add`, `test`, `sync`, `show` and `remove`: sources that Ken lists by itself."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from getpass import getpass
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rich.console import Console
from rich.markup import escape

from workers.admin.explaining import slack_asked
from workers.cli import jobs as cli_jobs
from workers.cli.linking import actor
from workers.cli.output import counted
from workers.cli.syncing import period
from workers.database.schema import check
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.job_kinds import KINDS
from workers.jobs import leases, rows, schedules
from workers.jobs.rows import JobFacts, Shown
from workers.settings import Settings
from workers.sources import store
from workers.sources.base import Part
from workers.sources.jobs import CRAWL, PERMISSIONS, require_syncer
from workers.sources.kinds import connect, slack_channels
from workers.sources.slack.channels import ALL_PUBLIC, KIND, Options, SlackChannels
from workers.sources.store import Stored
from workers.sync.sources import set_source

_STALE = "1d"
"""A source that could not be listed for this long is left out of answers."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where the token of an app of its own comes from; by default Ken's own token is used."""

    asked: bool = False
    env: str = ""
    file: Path | None = None

    def read(self) -> SecretStr | None:
        """Raises InputInvalid; the value is in no message."""
        if self.asked:
            return _plausible(getpass("Bot token (xoxb-…): "), "what was typed")
        if self.env:
            return _plausible(os.environ.get(self.env, ""), f"the variable {self.env}")
        if self.file is None:
            return None
        try:
            return _plausible(self.file.read_text(), str(self.file))
        except (OSError, UnicodeDecodeError):
            raise InputInvalid(
                f"{self.file} cannot be read.", remedy="Name a file that holds the token alone."
            ) from None


def _plausible(value: str, where: str) -> SecretStr:
    token = value.strip()
    if not token.startswith("xoxb-") or not token.isascii() or not token.isprintable():
        raise InputInvalid(
            f"There is no bot token in {where}.", remedy="It begins with xoxb- and is on one line."
        )
    return SecretStr(token)


def add_slack(
    settings: Settings,
    channels: Sequence[str],
    *,
    with_bots: bool,
    workspace: str,
    secret: Secret,
    every: str,
    permissions_every: str,
    max_staleness: str | None,
) -> tuple[Stored, list[Part]]:
    """Look at the channels, then store them, with passes on a schedule. Raises InputInvalid,
    SourceRefused, ServerUnavailable; then nothing was stored.

    Without `max_staleness` a new source gets a day, and one that is there keeps what it has.
    """
    database = _database(settings)
    limit = period(max_staleness or _STALE)
    spans = {CRAWL: _span(every, "--every")}
    spans[PERMISSIONS] = _span(permissions_every, "--permissions-every")
    token = secret.read()
    with slack_asked():
        found = slack_channels(
            database,
            Options((ALL_PUBLIC,)),
            token.get_secret_value() if token else "",
            f"{KIND}:{workspace}" if workspace else "",
        )
        chosen = channels
        if list(channels) != [ALL_PUBLIC]:
            chosen = [found.messenger.find_channel(name) for name in channels]
        options = Options(tuple(dict.fromkeys(chosen)), with_bots)
        looked = SlackChannels(found.messenger, options)
        parts = looked.parts()
        source = looked.source
    is_new = source not in {one.source for one in store.all_connectors(database)}
    store.put(database, source, KIND, options.to_json(), actor=actor(), secret=token)
    if is_new or max_staleness is not None:
        set_source(database, source, actor=actor(), max_staleness=limit)
    for kind, span in spans.items():
        schedules.put(database, kind, source, every=span, actor=actor())
    return store.read(database, source), parts


def look(settings: Settings, source: str) -> list[Part]:
    """Ask the source what it lets us read; nothing is stored. Raises as `add_slack` does."""
    database = _database(settings)
    return connect(database, store.read(database, source)).parts()


def sync(
    settings: Settings, source: str, *, full: bool, permissions_only: bool, confirmed: bool
) -> JobFacts:
    """Make one pass now, in this process. Raises InputInvalid, OpenAlready."""
    database = _database(settings)
    store.read(database, source)
    kind = PERMISSIONS if permissions_only else CRAWL
    with database.session("indexer") as session:
        job_id = rows.submit(
            session,
            kind,
            actor=actor(),
            subject=source,
            details={"full": full, "confirmed": confirmed},
        )
    leases.work(database, job_id, KINDS)
    return rows.job(database, job_id)


def remove(settings: Settings, source: str) -> int:
    """Remove a source with its secret and its documents; return how many. Raises InputInvalid."""
    database = _database(settings)
    store.read(database, source)
    for kind in (CRAWL, PERMISSIONS):
        schedules.remove(database, kind, source)
    return store.remove(database, source, actor=actor())


def one(settings: Settings, source: str) -> Stored:
    return store.read(_database(settings), source)


def as_json(stored: Stored) -> dict[str, Any]:
    names = ("source", "kind", "options", "problems", "added_by", "passed_at", "full_at")
    shown = {name: getattr(stored, name) for name in names}
    return {**shown, "has_secret": stored.has_secret, "goes_on": bool(stored.cursor)}


def show_parts(parts: Sequence[Part], console: Console) -> None:
    """Say at once what can be read, and why the rest cannot."""
    good = [part for part in parts if not part.problem]
    bad = [part for part in parts if part.problem]
    names = ", ".join(f"#{part.name}" for part in good[:20])
    console.print(
        f"I can read {counted(len(good), 'channel')}" + (f": {escape(names)}." if good else ".")
    )
    for part in bad:
        console.print(f"  [yellow]not[/] {escape(part.name)}: {escape(part.problem)}")


def show(stored: Stored, console: Console) -> None:
    console.print(
        f"[bold]{escape(stored.source)}[/], {stored.kind}, added by {escape(stored.added_by)}"
    )
    chosen = ", ".join(stored.options.get("channels", ()))
    console.print(
        f"  channels: {escape(chosen)}" + ("; with bots" if stored.options.get("with_bots") else "")
    )
    console.print(f"  token: {'its own, sealed' if stored.has_secret else 'that of Ken'}")
    for what, at in (("last pass", stored.passed_at), ("last full pass", stored.full_at)):
        console.print(f"  {what}: {f'{at:%Y-%m-%d %H:%M} UTC' if at else 'none yet'}")
    if stored.cursor:
        console.print("  A pass was cut off; the next one goes on where it stopped.")
    for problem in stored.problems:
        console.print(f"  [yellow]problem:[/] {escape(problem)}", soft_wrap=True)


def show_job(settings: Settings, job: JobFacts, console: Console) -> bool:
    """Show how a pass ended and what it could not do; return whether it was done."""
    cli_jobs.show(job, console)
    for problem in store.read(_database(settings), job.subject).problems:
        console.print(f"  [yellow]problem:[/] {escape(problem)}", soft_wrap=True)
    return job.state is Shown.DONE


def _span(words: str, option: str) -> timedelta:
    found = period(words, option)
    if not found:
        raise InputInvalid(f"{option}: write a period, such as 15m or 6h.")
    return found


def _database(settings: Settings) -> Database:
    database = Database(settings)
    check(database, "indexer")
    require_syncer(settings)
    return database
