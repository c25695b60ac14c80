"""`ken`, the command. Each command is a few lines over the rest of the house."""

import gc
import json
import os
import sys
from collections.abc import Iterable, Set
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from workers.errors import OperatorError
from workers.settings import Settings, load_settings

app = typer.Typer(
    name="ken",
    help="Answers from your company's documents: cited, and only what every reader may read.\n\n"
    "Start with `ken up`, then `ken load FOLDER`, then "
    '`ken ask "How many days of leave do I have?" --as ana`.',
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
_INTERRUPTED = 130
# Ids are shown as they are: `:` among letters is no emoji.
out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

Person = Annotated[
    str, typer.Option("--as", metavar="PERSON", help="Who asks: a user's id or e-mail address.")
]


def main() -> None:
    """Run `ken`. An OperatorError becomes one message with its remedy, and its exit code."""
    gc.set_threshold(100_000)  # importing makes many objects and no garbage: a tenth of a second
    try:
        app()
    except OperatorError as error:
        err.print(f"[bold red]error:[/] {_plain(str(error))}")
        if error.remedy:
            err.print(f"[bold]what to do:[/] {_plain(error.remedy)}")
        sys.exit(error.exit_code)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:  # typer says no word about Ctrl-C
            err.print("Stopped. What was done so far is kept; the same command goes on from there.")
        raise


def _show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"ken {version('ken')}")
        raise typer.Exit


@app.callback()
def choose_home(
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The data folder, with its own servers. Default: $KEN_HOME, else ./.ken",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Show the version, and end."
        ),
    ] = False,
) -> None:
    if home is not None:
        os.environ["KEN_HOME"] = str(home.expanduser().absolute())  # for child processes too


@app.command(rich_help_panel="Run")
def up() -> None:
    """Start what this home needs: PostgreSQL, Redis, the schema, a worker, and the bot for Slack.

    The admin API, with SCIM, starts where KEN_ADMIN_PORT is set: at that port of KEN_ADMIN_HOST,
    which is 127.0.0.1 unless you set it (docs/admin-api.md).

    Repeat it as often as you like: what runs already is left alone, unless it was started with
    other settings. Then it is started again.
    """
    from workers.cli import running

    with out.status("Starting…") as status:
        changes = running.up(_home(), lambda step: status.update(f"{step}…"))
    for change in changes:
        out.print(change, soft_wrap=True)
    out.print(
        "Ken is up. Next: [bold]ken load FOLDER[/], then [bold]ken ask[/]; "
        "[bold]ken status[/] shows what runs."
    )
    url = _settings().admin_url
    out.print(
        f"The admin API answers at {_plain(url)}; [bold]ken token create[/] makes a key to it."
        if url
        else "There is no admin API: set KEN_ADMIN_PORT, for example to 3100, and repeat this."
    )


@app.command(rich_help_panel="Run")
def down() -> None:
    """Stop what `ken up` started in this home, and nothing else. Data stays."""
    from workers.cli import running

    stopped = running.down(_home())
    out.print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@app.command(rich_help_panel="Run")
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """What runs in this home, and what it holds. Exit code 1 if something is wrong."""
    from workers.cli import running

    facts = running.status(_home())
    problems = facts["problems"]
    if as_json:
        _print_json(facts)
        raise typer.Exit(1 if problems else 0)
    table = _table("", "")
    for name, fact in facts.items():
        if name not in ("outdated", "problems"):
            table.add_row(name.replace("_", " "), str(fact))
    out.print(table)
    for problem in problems:
        out.print(f"[red]{_plain(problem)}[/]", soft_wrap=True)
    raise typer.Exit(1 if problems else 0)


@app.command(rich_help_panel="Run")
def doctor(
    production: Annotated[
        bool,
        typer.Option("--production", help="Fail on each setting that production would refuse."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Check each dependency: its version, whether it answers, and what to do if it does not.

    Exit code 1 if a check fails. Marked !!: fine for trying, and refused where KEN_PRODUCTION is
    true.
    """
    from dataclasses import asdict

    from workers.cli.doctor import examine

    findings = []
    table = _table("", "check", "found", "what to do")
    for finding in examine(_home(), production=production):
        findings.append(finding)
        mark = "[green]ok[/]" if finding.ok else "[red]no[/]"
        if finding.ok and finding.warns:
            mark = "[yellow]!![/]"
        table.add_row(mark, finding.check, _plain(finding.found), _plain(finding.remedy))
    if as_json:
        _print_json([asdict(finding) for finding in findings])
    else:
        out.print(table)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@app.command(rich_help_panel="Run")
def migrate() -> None:
    """Bring the database's schema up to date, as its owner. `ken up` does this by itself."""
    from workers.database.schema import HEAD
    from workers.database.schema import migrate as run

    run(_settings())
    out.print(f"The schema is at {HEAD}.")


@app.command(rich_help_panel="Run", hidden=True)
def worker() -> None:
    """Answer questions, in the foreground. `ken up` starts one; a deployment starts many."""
    from workers.cli.running import work

    work(_settings())


@app.command(rich_help_panel="Run", hidden=True)
def admin() -> None:
    """Serve the admin API in the foreground. `ken up` starts it where KEN_ADMIN_PORT is set."""
    from workers.cli.admin import serve

    serve(_settings())


installations_app = typer.Typer(
    help="Slack workspaces that installed Ken by OAuth.", no_args_is_help=True
)
app.add_typer(installations_app, name="installations", rich_help_panel="Run")


@installations_app.command("list")
def list_installations(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Every installation, and whether Ken can speak there. Tokens are not shown."""
    from workers.cli import installing

    found = installing.rows(_settings())
    if as_json:
        _print_json(found)
    elif found:
        installing.print_rows(found, out)
    else:
        out.print("Nobody has installed Ken by OAuth. docs/install.md says how.")


@installations_app.command("wipe")
def wipe_installation(
    place: Annotated[str, typer.Argument(help="A workspace's id, T…, or an organisation's, E….")],
) -> None:
    """Forget the tokens of one workspace, as when Ken is uninstalled there."""
    from workers.cli import installing

    out.print(_plain(installing.wipe(_settings(), place)))


channels_app = typer.Typer(
    help="Slack channels in which Ken answers questions that nobody put to it.\n\n"
    "Elsewhere it answers whoever mentions it, or goes on in a thread that it is part of. Try it "
    "in one channel: `ken channels auto help --per-hour 5`.",
    no_args_is_help=True,
)
app.add_typer(channels_app, name="channels", rich_help_panel="Questions")

Channel = Annotated[
    str, typer.Argument(metavar="CHANNEL", help="Its name or its id, such as help or C0HELP.")
]


@channels_app.command("list")
def list_channels(
    automatic: Annotated[
        bool, typer.Option("--automatic", help="Only those in which Ken answers unasked.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """The channels that Ken is in: where it answers unasked, how often it did, and who reads there.

    The answers are those of the last hour that nobody asked for; the limit counts them.
    """
    from dataclasses import asdict

    from workers.cli import channels

    with err.status("Reading the channels…"):
        found = channels.listed(_settings(), only_automatic=automatic)
    if as_json:
        _print_json([asdict(one) for one in found])
    elif found:
        channels.print_channels(found, out)
    else:
        out.print(
            "Ken answers unasked nowhere. `ken channels auto CHANNEL` changes that."
            if automatic
            else "Ken is in no channel. Invite it to one: /invite @Ken."
        )


@channels_app.command("auto")
def answer_unasked(
    channel: Channel,
    per_hour: Annotated[
        int,
        typer.Option(min=1, max=1000, metavar="N", help="At most this many answers an hour."),
    ] = 20,
) -> None:
    """Ken answers questions in this channel that nobody put to it, as of the next one.

    It speaks only where it finds an answer that all who read there may read, and says nothing
    otherwise. Whoever said `/ken mute` is left alone. Say it again to change the limit.
    """
    from workers.cli import channels

    out.print(_plain(channels.auto(_settings(), channel, per_hour)), soft_wrap=True)


@channels_app.command("quiet")
def answer_when_asked(channel: Channel) -> None:
    """Ken answers in this channel only where it is asked, as of the next question."""
    from workers.cli import channels

    out.print(_plain(channels.quiet(_settings(), channel)), soft_wrap=True)


token_app = typer.Typer(help="Keys to the admin API.", no_args_is_help=True)
app.add_typer(token_app, name="token", rich_help_panel="Run")


@token_app.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What will use it: `okta`, `wiki-sync`.")],
    scope: Annotated[
        list[str],
        typer.Option(help="identity, index, audit, sync:SOURCE or sync:*. Say it again for more."),
    ],
    expires: Annotated[
        str | None,
        typer.Option(metavar="PERIOD", help="12h, 90d, 52w. Default: good until revoked."),
    ] = None,
) -> None:
    """Make a token and print it. It is shown this once, and kept as a hash.

    A token opens what its scopes say and no document.
    """
    from workers.cli.admin import make_token

    print(make_token(_settings(), name, scope, expires))  # noqa: T201
    err.print("Keep it now: nobody can show it again.")


@token_app.command("list")
def list_tokens(
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """All tokens that were made: what they open, when they were used, which are good."""
    from dataclasses import asdict

    from workers.cli import admin

    found = admin.list_tokens(_settings())
    if as_json:
        _print_json([asdict(one) for one in found])
        return
    table = _table("id", "name", "scopes", "made", "expires", "last used", "")
    for one in found:
        scopes = _plain(", ".join(one.scopes))
        dates = (f"{at:%Y-%m-%d}" if at else "never" for at in (one.made, one.expires, one.used))
        table.add_row(str(one.id), _plain(one.name), scopes, *dates, one.state)
    out.print(table)


@token_app.command("revoke")
def revoke_token(token_id: Annotated[int, typer.Argument(metavar="ID", min=1)]) -> None:
    """End a token, as of the next request."""
    from workers.cli import admin

    admin.revoke_token(_settings(), token_id)
    out.print(f"Token {token_id} opens nothing any more.")


@app.command(rich_help_panel="Documents and people")
def load(
    folder: Annotated[Path, typer.Argument(help="Documents, or a folder with documents.jsonl.")],
    source: Annotated[
        str | None, typer.Option(help="The source's name. Default: source.json's, or the folder's.")
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PRINCIPAL",
            help="Who may read a folder that has no permissions.jsonl: class:members, group:ID, "
            "user:ID. Say it again for more.",
        ),
    ] = None,
    remove_missing: Annotated[
        bool,
        typer.Option(
            "--remove-missing", help="Go on even if many loaded documents are not there any more."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Load people, permissions and documents from a folder. docs/loading.md says its format.

    Nothing changes unless the whole folder is understood. Each document is all or nothing, and a
    load that was cut off goes on where it stopped. Exit code 5: some documents were left out.
    """
    from dataclasses import asdict

    from workers.cli.loading import load_folder

    report = load_folder(
        _settings(),
        folder,
        source=source,
        allow=tuple(allow or ()),
        remove_missing=remove_missing,
        console=None if as_json else out,
    )
    if as_json:
        _print_json(asdict(report))
    raise typer.Exit(5 if report.left_out else 0)


link_app = typer.Typer(help="Which accounts are whose: docs/identities.md.", no_args_is_help=True)
app.add_typer(link_app, name="link", rich_help_panel="Documents and people")

LinkSource = Annotated[
    str | None, typer.Option("--source", help="Of this source alone, such as slack:T0ACME.")
]
LinkAccount = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="SOURCE:ID, such as slack:T0ACME:U0ANA.")
]


@link_app.command("list")
def list_links(
    source: LinkSource = None,
    linked: Annotated[
        bool, typer.Option("--linked/--unlinked", help="Accounts with a link, or without.")
    ] = False,
    everybody: Annotated[
        bool, typer.Option("--all", help="Bots and people of other companies as well.")
    ] = False,
    external: Annotated[
        bool, typer.Option("--external", help="Accounts marked as nobody's here.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Accounts that are nobody's yet, whose they may be, and what speaks against it."""
    from dataclasses import asdict

    from workers.cli import linking

    if linked:
        owned = list(linking.with_link(_settings(), source))
        _print_json([asdict(one) for one in owned]) if as_json else linking.print_linked(owned, out)
        return
    found = list(linking.without_link(_settings(), source, everybody=everybody, external=external))
    if as_json:
        _print_json([asdict(one) for one in found])
    elif found:
        linking.print_unmatched(found, out)
    elif external:
        out.print("No account is marked as external.")
    else:
        out.print("Every account that Ken knows of has a link. `ken link scan` looks for more.")


@link_app.command("scan")
def scan_accounts() -> None:
    """Read who is in the Slack workspace. That links nobody."""
    from workers.cli.linking import scan

    scan(_settings(), out)


@link_app.command("set")
def set_link(
    account: LinkAccount,
    person: Annotated[str, typer.Argument(help="A user's id or e-mail address.")],
) -> None:
    """This account is this person, as of the next question."""
    from workers.cli import linking

    out.print(_plain(linking.set_link(_settings(), account, person)))


@link_app.command("remove")
def remove_link(account: LinkAccount) -> None:
    """This account is nobody's, as of the next question."""
    from workers.cli import linking

    out.print(_plain(linking.remove_link(_settings(), account)))


@link_app.command("external")
def mark_external(
    account: LinkAccount,
    off: Annotated[bool, typer.Option("--off", help="Take it back.")] = False,
) -> None:
    """This account is nobody's here, such as a partner's: what denies it bars nobody of yours."""
    from workers.cli import linking

    out.print(_plain(linking.set_external(_settings(), account, external=not off)))


@link_app.command("code")
def link_code(
    person: Annotated[str, typer.Argument(help="A user's id or e-mail address.")],
    expires: Annotated[str, typer.Option(metavar="PERIOD", help="30m, 8h, 2d.")] = "1h",
) -> None:
    """Print a code. Whoever sends `link CODE` to Ken in a direct message is this person: once.

    Give it to them by a way that is theirs alone. An earlier code of theirs ends.
    """
    from workers.cli.linking import make_code

    code, name = make_code(_settings(), person, expires)
    print(code)  # noqa: T201
    err.print(f"For {_plain(name)} alone, once, within {expires}. Nobody can show it again.")


@link_app.command("accept")
def accept_links(
    source: LinkSource = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Link the accounts whose address is a user's, letter for letter, and was nobody else's."""
    from workers.cli import linking

    chosen = linking.acceptable(_settings(), source)
    if not chosen:
        out.print("There is none to accept. `ken link list` shows what speaks against the others.")
        return
    linking.print_unmatched(chosen, out)
    if dry_run:
        return
    if not yes:
        typer.confirm(f"Link these {len(chosen)}?", abort=True)
    out.print(f"Linked: {linking.accept(_settings(), chosen)} of {len(chosen)}.")


sync_app = typer.Typer(
    help="Push who may read what of a source, and look at what was pushed: docs/sync.md.\n\n"
    "Try `ken sync push FILE --source wiki --dry-run` first: it shows who would gain and who would "
    "lose, and changes nothing.",
    no_args_is_help=True,
)
app.add_typer(sync_app, name="sync", rich_help_panel="Documents and people")

RunId = Annotated[int, typer.Argument(metavar="RUN", min=1, help="As `ken sync runs` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@sync_app.command("push")
def push_permissions(
    place: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="JSON lines: a file, a folder of *.jsonl, or - for standard input."
        ),
    ],
    source: Annotated[str, typer.Option(help="The source that these are the permissions of.")],
    delta: Annotated[
        bool,
        typer.Option("--delta", help="Only what changed. Without it: everything there is."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the difference and change nothing.")
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", help="Apply it even if people gain much to read, or it leaves most out."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Push groups, folders, documents and who may read them, and show who gains and who loses.

    All of it is applied at once, or nothing. What a complete push does not list is read by nobody
    from now on. If people would gain much, the run waits for `ken sync confirm`, and what it
    takes away counts at once. A list that leaves out most of the source waits with that, too.

    Exit code 0: applied. 2: the input is wrong, nothing was changed. 5: applied, and names that
    stand for nobody were left out. 6: waits for confirmation.
    """
    from workers.cli import syncing

    run = syncing.push(
        _settings(),
        place,
        source=source,
        delta=delta,
        dry_run=dry_run,
        confirmed=yes,
    )
    _print_json(syncing.as_json(run)) if as_json else syncing.show(run, out)
    raise typer.Exit(syncing.exit_code(run))


@sync_app.command("runs")
def list_runs(
    source: Annotated[str | None, typer.Argument(help="Of this source alone.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=1000, help="At most this many, the newest first.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """The history: what was pushed, by whom, what it changed and what became of it."""
    from workers.cli import syncing

    found = syncing.history(_settings(), source, limit)
    if as_json:
        _print_json([syncing.as_json(run) for run in found])
    else:
        syncing.show_runs(found, out)


@sync_app.command("show")
def show_run(run_id: RunId, as_json: AsJson = False) -> None:
    """One run: who gained and who lost, what waits, and what was left out."""
    from workers.cli import syncing

    run = syncing.one(_settings(), run_id)
    _print_json(syncing.as_json(run)) if as_json else syncing.show(run, out)


@sync_app.command("confirm")
def confirm_run(run_id: RunId, as_json: AsJson = False) -> None:
    """Apply all of a run that waits. Refused if another was applied since."""
    from workers.cli import syncing

    run = syncing.confirm(_settings(), run_id)
    _print_json(syncing.as_json(run)) if as_json else syncing.show(run, out)


@sync_app.command("drop")
def drop_run(run_id: RunId) -> None:
    """Forget what a run waits for. What it took away stays away until the next push."""
    from workers.cli import syncing

    syncing.drop(_settings(), run_id)
    out.print(f"Run {run_id} is dropped.")


@sync_app.command("undo")
def undo_run(run_id: RunId, as_json: AsJson = False) -> None:
    """Put back all that the latest run of a source changed, in one step.

    Refused where somebody else changed the same since. A document that was deleted does not come
    back: load it again.
    """
    from workers.cli import syncing

    run = syncing.undo(_settings(), run_id)
    _print_json(syncing.as_json(run)) if as_json else syncing.show(run, out)


source_app = typer.Typer(
    help="Sources: which are used, and how old their permissions may be.", no_args_is_help=True
)
app.add_typer(source_app, name="source", rich_help_panel="Documents and people")


@source_app.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """Every source: whether it is used, when it was synced, what nobody may read."""
    from dataclasses import asdict

    from workers.cli import syncing

    found = syncing.sources(_settings())
    if as_json:
        _print_json([asdict(one) for one in found])
    else:
        syncing.show_sources(found, out)


@source_app.command("set")
def set_source(
    name: Annotated[str, typer.Argument(help="As `ken source list` shows it.")],
    max_staleness: Annotated[
        str | None,
        typer.Option(
            metavar="PERIOD",
            help="30m, 24h, 7d or none: a source whose last complete push is older is left out of "
            "every answer.",
        ),
    ] = None,
    paused: Annotated[
        bool | None,
        typer.Option("--pause/--resume", help="Leave it out of every answer, or use it again."),
    ] = None,
) -> None:
    """Pause a source, or say how old its permissions may be. It counts for the next question."""
    from workers.cli import syncing

    syncing.set_source(_settings(), name, max_staleness=max_staleness, paused=paused)
    out.print(f"{_plain(name)} is set; `ken source list` shows it.")


@app.command(rich_help_panel="Questions")
def ask(
    question: Annotated[str, typer.Argument(help="In plain words.")],
    person: Person,
    channel: Annotated[
        str | None,
        typer.Option("--in", metavar="CHANNEL", help="Ask for everybody in this Slack channel."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(help="Seconds to wait for the answer.", show_default="KEN_ASK_PATIENCE_S"),
    ] = None,
) -> None:
    """Ask as a person, and print the answer with its numbered citations."""
    from workers.cli.asking import ask_and_wait, render, worker_trouble

    settings = _settings()
    told = ask_and_wait(
        settings,
        question,
        person=person,
        channel=channel,
        timeout_s=settings.ask_patience_s if timeout is None else timeout,
    )
    if as_json:
        _print_json(told)
    else:
        render(told, out)
    if told["state"] == "failed" and (trouble := worker_trouble(_settings())):
        err.print(f"[bold]what to do:[/] {_plain(trouble)}", soft_wrap=True)


At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="TIME", help="As it was then: 2026-07-01T14:30 (UTC), 90m, 2h or 3d ago."
    ),
]


@app.command(rich_help_panel="Questions")
def why(
    person: Annotated[str, typer.Argument(help="A user's id or e-mail address.")],
    document: Annotated[str, typer.Argument(help="A document's id, or SOURCE:ID.")],
    at: At = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Whether a person may read a document, with the path of groups and folders that decides.

    For administrators: it names groups and folders, and never shows what a document says.
    """
    from workers.admin import explaining

    told = explaining.explain_access(_settings(), person, document, at)
    if as_json:
        _print_json(told)
        return
    verdict = "[green]readable[/]" if told["readable"] else "[red]not readable[/]"
    out.print(f"{verdict}: {_plain(told['reason'])}", soft_wrap=True)
    _print_lines(explaining.why_lines(told))


@app.command(rich_help_panel="Questions")
def who(
    document: Annotated[str, typer.Argument(help="A document's id, or SOURCE:ID.")],
    at: At = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Everybody who may read a document, and by which path. For administrators."""
    from workers.admin import explaining

    told = explaining.who_reads(_settings(), document, at)
    _print_json(told) if as_json else _print_lines(explaining.who_lines(told))


@app.command(rich_help_panel="Questions")
def audience(
    channel: Annotated[str, typer.Argument(help="A Slack channel's name or id.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Who reads in a Slack channel, and how many documents all of them may read."""
    from workers.admin import explaining

    told = explaining.audience_in(_settings(), channel)
    _print_json(told) if as_json else _print_lines(explaining.audience_lines(told))


@app.command(rich_help_panel="Questions")
def shown(
    document: Annotated[
        str, typer.Argument(help="A document's id, or SOURCE:ID; deleted ones too.")
    ],
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Default: the first answer.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Default: the last answer.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Who could have been shown a document: each answer that used it, and who reads there."""
    from workers.admin import explaining

    told = explaining.who_was_shown(_settings(), document, start, end)
    _print_json(told) if as_json else _print_lines(explaining.shown_lines(told))


@app.command("eval", rich_help_panel="Questions")
def evaluate(
    folder: Annotated[Path, typer.Argument(help="A folder with questions.jsonl, loaded before.")],
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the figures as JSON.")
    ] = None,
    echo: Annotated[
        bool, typer.Option("--echo", help="Answer with the whole prompt: shows what could leak.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Ask all questions of a set as their askers, and print how good the answers are.

    Exit code 1 if anything leaked.
    """
    from workers.cli.evaluate import evaluate_folder

    figures = evaluate_folder(_settings(), folder, echo=echo, console=None if as_json else out)
    if as_json:
        _print_json(figures)
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(figures, indent=2) + "\n")
    raise typer.Exit(1 if figures["leaks"] else 0)


@app.command(rich_help_panel="Run", hidden=True)
def demo() -> None:
    """Load the demo company and ask one question as three people. `make demo` runs this."""
    from workers.cli.demo import run

    run(_home(), out)


def _home() -> Path:
    return _settings().home


def _settings() -> Settings:
    from workers.observe.logs import configure

    configure()  # what is logged must not stand between the lines that a command prints
    return load_settings()


def _table(*columns: str):  # type: ignore[no-untyped-def]
    from rich.table import Table

    table = Table(box=None, show_header=any(columns), header_style="bold")
    for column in columns:
        table.add_column(column)
    return table


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        out.print(f"  {_plain(line)}", soft_wrap=True)


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False, default=_as_json))  # noqa: T201


def _as_json(value: object) -> object:
    """Times are ISO 8601, in UTC, everywhere."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Set):
        return sorted(value)
    return str(value)


if __name__ == "__main__":
    main()
