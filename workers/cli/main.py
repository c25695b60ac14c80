"""`ken`, the command. Each command is a few lines over the rest of the house."""

import gc
import json
import os
import sys
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
out, err = Console(highlight=False), Console(stderr=True, highlight=False)

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


@app.callback()
def choose_home(
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The data folder, with its own servers. Default: $KEN_HOME, else ./.ken",
        ),
    ] = None,
) -> None:
    if home is not None:
        os.environ["KEN_HOME"] = str(home.expanduser().absolute())  # for child processes too


@app.command(rich_help_panel="Run")
def up() -> None:
    """Start what this home needs: PostgreSQL, Redis, the schema, a worker, and the bot for Slack.

    Repeat it at will: what runs already is left alone.
    """
    from workers.cli import running

    with out.status("Starting…") as status:
        running.up(_home(), lambda step: status.update(f"{step}…"))
    out.print(
        "Ken is up. Next: [bold]ken load FOLDER[/], then [bold]ken ask[/]; "
        "[bold]ken status[/] shows what runs."
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
    """What runs in this home, and what it holds."""
    from workers.cli import running

    facts = running.status(_home())
    if as_json:
        _print_json(facts)
        return
    table = _table("", "")
    for name, fact in facts.items():
        table.add_row(name, str(fact))
    out.print(table)


@app.command(rich_help_panel="Run")
def doctor() -> None:
    """Check each dependency: its version, whether it answers, and what to do if it does not."""
    from workers.cli.doctor import examine

    table, healthy = _table("", "check", "found", "what to do"), True
    for finding in examine(_home()):
        healthy &= finding.ok
        mark = "[green]ok[/]" if finding.ok else "[red]no[/]"
        table.add_row(mark, finding.check, _plain(finding.found), _plain(finding.remedy))
    out.print(table)
    raise typer.Exit(0 if healthy else 1)


@app.command(rich_help_panel="Run")
def migrate() -> None:
    """Bring the database's schema up to date, as its owner. `ken up` does this by itself."""
    from workers.schema import HEAD
    from workers.schema import migrate as run

    run(_settings())
    out.print(f"The schema is at {HEAD}.")


@app.command(rich_help_panel="Run", hidden=True)
def worker() -> None:
    """Answer questions, in the foreground. `ken up` starts one; a deployment starts many."""
    from workers.cli.running import work

    work(_settings())


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
) -> None:
    """Load people, permissions and documents from a folder. docs/loading.md says its format.

    Nothing changes unless the whole folder is understood. Each document is all or nothing, and a
    load that was cut off goes on where it stopped. Exit code 5: some documents were left out.
    """
    from workers.cli.loading import load_folder

    report = load_folder(
        _settings(),
        folder,
        source=source,
        allow=tuple(allow or ()),
        remove_missing=remove_missing,
        console=out,
    )
    raise typer.Exit(5 if report.left_out else 0)


@app.command(rich_help_panel="Questions")
def ask(
    question: Annotated[str, typer.Argument(help="In plain words.")],
    person: Person,
    channel: Annotated[
        str | None,
        typer.Option("--in", metavar="CHANNEL", help="Ask for everybody in this Slack channel."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the answer.")] = 90,
) -> None:
    """Ask as a person, and print the answer with its numbered citations."""
    from workers.cli.asking import ask_and_wait, render
    from workers.logs import configure

    configure()  # what is logged must not stand between the lines of the answer
    told = ask_and_wait(_settings(), question, person=person, channel=channel, timeout_s=timeout)
    if as_json:
        _print_json(told)
    else:
        render(told, out)


@app.command(rich_help_panel="Questions")
def why(
    person: Annotated[str, typer.Argument(help="A user's id or e-mail address.")],
    document: Annotated[str, typer.Argument(help="A document's id, or SOURCE:ID.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Whether a person may read a document, with the path of groups and folders that decides.

    For administrators: it names groups and folders, and never shows what a document says.
    """
    from workers.cli.asking import explain_access

    told = explain_access(_settings(), person, document)
    if as_json:
        _print_json(told)
        return
    mark = "[green]readable[/]" if told["readable"] else "[red]not readable[/]"
    out.print(f"{mark}: {_plain(str(told['reason']))}")
    for step in told["path"]:
        out.print(f"  {_plain(step)}", soft_wrap=True)


@app.command("eval", rich_help_panel="Questions")
def evaluate(
    folder: Annotated[Path, typer.Argument(help="A folder with questions.jsonl, loaded before.")],
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the figures as JSON.")
    ] = None,
    echo: Annotated[
        bool, typer.Option("--echo", help="Answer with the whole prompt: shows what could leak.")
    ] = False,
) -> None:
    """Ask all questions of a set as their askers, and print how good the answers are.

    Exit code 1 if anything leaked.
    """
    from workers.cli.evaluate import evaluate_folder

    figures = evaluate_folder(_settings(), folder, echo=echo, console=out)
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


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))  # noqa: T201


if __name__ == "__main__":
    main()
