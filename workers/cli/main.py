"""`ken`, the command: registers every subcommand. What each of them does is in `commands/`."""

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from workers.cli.commands import jobs, people, questions, run, slack, sources, sync, tokens
from workers.cli.output import err, out, plain
from workers.errors import OperatorError

_INTERRUPTED = 130

app = typer.Typer(
    name="ken",
    help="Answers from your company's documents, with sources, and only from what every reader "
    "may read.\n\n"
    "Start with `ken up`, then `ken load FOLDER`, then "
    '`ken ask "How many days of leave do I have?" --as ana`.',
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run `ken`. An OperatorError becomes one message with its remedy, and its exit code."""
    gc.set_threshold(100_000)  # importing makes many objects and no garbage: saves 0.1 s
    # One text is embedded on each core; numpy's own threads would wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        _command()()
    except OperatorError as error:
        err.print(f"[bold red]error:[/] {plain(str(error))}")
        if error.remedy:
            err.print(f"[bold]what to do:[/] {plain(error.remedy)}")
        sys.exit(error.exit_code)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:  # typer prints nothing on Ctrl-C
            err.print("Interrupted. Work done so far is kept; run the same command to continue.")
        raise


def _command() -> Callable[[], Any]:
    """Return the command as it runs. Its help shows no type beside a flag, which takes no value."""
    command = get_command(app)
    _hide_types_of_flags(command)
    return command


def _hide_types_of_flags(command: Any) -> None:
    for option in command.get_params(typer.Context(command)):
        if getattr(option, "is_flag", False):
            option.metavar = ""
    for below in getattr(command, "commands", {}).values():
        _hide_types_of_flags(below)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        out.print(f"ken {version('ken')}")
        raise typer.Exit


@app.callback()
def choose_data_dir(
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--home",
            metavar="DIR",
            help="The data folder, with its own servers. Default: $KEN_HOME, else ./.ken",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    if data_dir is not None:
        os.environ["KEN_HOME"] = str(data_dir.expanduser().absolute())  # for child processes too


RUN = "Run"
app.command(rich_help_panel=RUN)(run.up)
app.command(rich_help_panel=RUN)(run.down)
app.command(rich_help_panel=RUN)(run.status)
app.command(rich_help_panel=RUN)(run.doctor)
app.command(rich_help_panel=RUN)(run.provision)
app.command(rich_help_panel=RUN)(run.migrate)
app.command(rich_help_panel=RUN)(run.backup)
app.command(rich_help_panel=RUN)(run.restore)
app.command(rich_help_panel=RUN, hidden=True)(run.worker)
app.command(rich_help_panel=RUN, hidden=True)(run.admin)
app.command(rich_help_panel=RUN, hidden=True)(run.doors)
app.command(rich_help_panel=RUN, hidden=True)(run.demo)
app.add_typer(slack.installations_app, name="installations", rich_help_panel=RUN)
app.add_typer(tokens.token_app, name="token", rich_help_panel=RUN)
app.command("admin-link", rich_help_panel=RUN)(tokens.admin_link)
app.add_typer(tokens.person_token_app, name="person-token", rich_help_panel=RUN)

DOCUMENTS = "Documents and people"
app.command(rich_help_panel=DOCUMENTS)(people.load)
app.command(rich_help_panel=DOCUMENTS)(jobs.reindex)
app.add_typer(jobs.jobs_app, name="jobs", rich_help_panel=DOCUMENTS)
app.add_typer(people.link_app, name="link", rich_help_panel=DOCUMENTS)
app.command(rich_help_panel=DOCUMENTS)(people.forget)
app.add_typer(sync.sync_app, name="sync", rich_help_panel=DOCUMENTS)
sync.source_app.add_typer(sources.add_app, name="add")
app.add_typer(sync.source_app, name="source", rich_help_panel=DOCUMENTS)

QUESTIONS = "Questions"
app.command(rich_help_panel=QUESTIONS)(questions.ask)
app.command(rich_help_panel=QUESTIONS)(run.mcp)
app.command(rich_help_panel=QUESTIONS)(questions.why)
app.command(rich_help_panel=QUESTIONS)(questions.who)
app.command(rich_help_panel=QUESTIONS)(questions.audience)
app.command(rich_help_panel=QUESTIONS)(questions.shown)
app.command(rich_help_panel=QUESTIONS)(questions.usage)
app.command("eval", rich_help_panel=QUESTIONS)(questions.evaluate)
app.add_typer(slack.channels_app, name="channels", rich_help_panel=QUESTIONS)


if __name__ == "__main__":
    main()
