"""Commands that ask, evaluate, and explain who may read or was shown a document."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workers.cli.data_dir import command_settings
from workers.cli.output import err, out, plain, print_json, print_lines
from workers.errors import InputInvalid

if TYPE_CHECKING:
    from workers.cli.evaluation.run import Choice

Person = Annotated[
    str,
    typer.Option(
        "--as", metavar="PERSON", help="The person who asks: a user's id or e-mail address."
    ),
]


def usage(
    by: Annotated[str, typer.Option("--by", help="What a line is: person, day or model.")] = "day",
    days: Annotated[int, typer.Option(min=1, max=3660, help="How far back.")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show the tokens that the language model used and what they cost, by person, day or model.

    Money needs prices: KEN_MODEL_PRICE_INPUT and KEN_MODEL_PRICE_OUTPUT, for a million tokens.
    """
    from workers.cli.usage import read_usage, shown

    lines = read_usage(command_settings(), by=by, days=days)
    if as_json:
        print_json([line.data for line in lines])
        return
    out.print(shown(lines, by))
    if any(line.without_price for line in lines):
        out.print(
            "Some calls have no cost: no price was set. Set KEN_MODEL_PRICE_INPUT and "
            "KEN_MODEL_PRICE_OUTPUT (docs/operate.md).",
            soft_wrap=True,
        )


def ask(
    question: Annotated[str, typer.Argument(help="The question, in plain words.")],
    person: Person,
    channel: Annotated[
        str | None,
        typer.Option("--in", metavar="CHANNEL", help="Answer for everybody in this Slack channel."),
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(
            "--after",
            metavar="TEXT",
            help="What somebody said before in the same conversation. Repeat the option to add "
            "more, oldest first.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(help="Seconds to wait for the answer.", show_default="KEN_ASK_PATIENCE_S"),
    ] = None,
) -> None:
    """Ask a question as a person, and print the answer with its numbered sources.

    Example: `ken ask "How many days of leave do I have?" --as ana`.

    A follow-up: `ken ask "and for interns?" --after "How many days of leave do I have?" --as ana`.
    """
    from workers.cli.asking import ask_and_wait, render, worker_trouble
    from workers.settings import load_settings

    settings = load_settings()
    facts = ask_and_wait(
        settings,
        question,
        person=person,
        channel=channel,
        after=after or (),
        timeout_s=settings.ask_patience_s if timeout is None else timeout,
    )
    if as_json:
        print_json(facts)
    else:
        render(facts, out)
    if facts["state"] == "failed" and (trouble := worker_trouble(settings)):
        err.print(f"[bold]what to do:[/] {plain(trouble)}", soft_wrap=True)


At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="Answer for a past time: 2026-07-01T14:30 (UTC), or 90m, 2h or 3d ago.",
    ),
]


def why(
    person: Annotated[str, typer.Argument(help="A user's id or e-mail address.")],
    document: Annotated[str, typer.Argument(help="A document's id, or SOURCE:ID.")],
    at: At = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Explain whether a person may read a document, with the groups and folders that decide.

    For administrators: it names groups and folders, and never shows the text of a document.
    Example: `ken why ana hr/leave.md`.
    """
    from workers.admin import explaining

    facts = explaining.explain_access(command_settings(), person, document, at)
    if as_json:
        print_json(facts)
        return
    verdict = "[green]readable[/]" if facts["readable"] else "[red]not readable[/]"
    out.print(f"{verdict}: {plain(facts['reason'])}", soft_wrap=True)
    print_lines(explaining.why_lines(facts))


def who(
    document: Annotated[str, typer.Argument(help="A document's id, or SOURCE:ID.")],
    at: At = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List everybody who may read a document, and the group and entry that allow it.

    For administrators. Example: `ken who hr/leave.md`.
    """
    from workers.admin import explaining

    facts = explaining.who_reads(command_settings(), document, at)
    print_json(facts) if as_json else print_lines(explaining.who_lines(facts))


def audience(
    channel: Annotated[str, typer.Argument(help="A Slack channel's name or id.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show who reads a Slack channel, and how many documents all of them may read."""
    from workers.admin import explaining

    facts = explaining.audience_in(command_settings(), channel)
    print_json(facts) if as_json else print_lines(explaining.audience_lines(facts))


def shown(
    document: Annotated[
        str, typer.Argument(help="A document's id, or SOURCE:ID. Deleted documents count too.")
    ],
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Default: the first answer.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Default: the last answer.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List each answer that used a document, and who could have seen it."""
    from workers.admin import explaining

    facts = explaining.who_was_shown(command_settings(), document, start, end)
    print_json(facts) if as_json else print_lines(explaining.shown_lines(facts))


def evaluate(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A folder with questions.jsonl that `ken load` has loaded."),
    ] = None,
    company: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the documents, people, permissions and channels of the set are, if not in "
            "its own folder.",
        ),
    ] = None,
    kinds: Annotated[
        str, typer.Option(metavar="KIND,…", help="Ask only questions of these kinds.")
    ] = "",
    sample: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Ask only N questions, drawn at random.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draw the same questions again.")] = 0,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write the figures to this file as JSON, and plots beside it."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a page with the figures and what was not right. It holds text of "
            "documents: keep it where only people may look who may read all of them.",
        ),
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="BEFORE AFTER",
            help="Compare two reports of one set instead, and list the rows that changed.",
        ),
    ] = None,
    export_feedback: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write questions whose askers told administrators that the answer is wrong to "
            "this file instead, as rows to complete.",
        ),
    ] = None,
    echo: Annotated[
        bool, typer.Option("--echo", help="Answer with the whole prompt, to show what could leak.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Ask every question of an evaluation set as its asker, and print how good the answers are.

    Nothing is stored or posted. Exit code 1 if anything leaked. Described in docs/evaluate.md.
    """
    if compare is not None:
        _compare(*compare, as_json=as_json)
    elif export_feedback is not None:
        _export_feedback(export_feedback, as_json=as_json)
    elif folder is None:
        raise InputInvalid(
            "No question set is named.", remedy="Name a folder: `ken eval examples/company`."
        )
    else:
        from workers.cli.evaluation.run import Choice

        names = tuple(filter(None, (kind.strip() for kind in kinds.split(","))))
        choice = Choice(company, names, sample, seed, echo)
        _evaluate(folder, choice, report=report, html=html, as_json=as_json)


def _evaluate(
    folder: Path, choice: "Choice", *, report: Path | None, html: Path | None, as_json: bool
) -> None:
    from workers.cli.evaluation.plots import write_plots
    from workers.cli.evaluation.run import evaluate_folder

    figures = evaluate_folder(
        command_settings(), folder, choice, page=html, console=None if as_json else out
    )
    if as_json:
        print_json(figures)
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(figures, indent=2) + "\n")
        write_plots(report, figures)
    raise typer.Exit(1 if figures["leaks"] else 0)


def _compare(before: Path, after: Path, *, as_json: bool) -> None:
    from workers.cli.evaluation.comparing import compare
    from workers.cli.evaluation.printing import print_comparison

    compared = compare(before, after)
    print_json(compared) if as_json else print_comparison(compared, out)


def _export_feedback(file: Path, *, as_json: bool) -> None:
    from workers.cli.evaluation.exporting import export_feedback
    from workers.database.sessions import Database

    database = Database(command_settings())
    try:
        exported = export_feedback(database, file)
    finally:
        database.close()
    if as_json:
        print_json({"rows": exported.rows, "left_out": exported.left_out})
        return
    out.print(
        f"{exported.rows} questions written to {plain(str(file))}. Add what answers must hold.\n"
        f"{exported.left_out} other ratings stay where they are: their askers were not told that "
        "anybody reads their words."
    )
