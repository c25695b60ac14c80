"""Prints the figures of a run, and of a comparison, for a person."""

from typing import Any

from rich.console import Console
from rich.table import Table

from workers.cli.evaluation.grading import Grade

_GRADES = {
    Grade.RIGHT: "right",
    Grade.PARTLY: "partly",
    Grade.WRONG: "wrong",
    Grade.REFUSED: "refused",
    Grade.CHAT_OK: "chat ok",
    Grade.LEAK: "leak",
    Grade.ERROR: "error",
}


def print_figures(figures: dict[str, Any], answerer: str, console: Console) -> None:
    console.print(_by_kind(figures))
    console.print()
    console.print(_retrieval(figures))
    rows, abstention, citations = figures["rows"], figures["abstention"], figures["citations"]
    console.print(
        f"answerer: {answerer}; graded by {figures['graded_by']}\n"
        f"answered {citations['answered']} of {rows['answer']}, citations right: "
        f"{_figure(citations['precision'])}\n"
        f"abstained {abstention['right']} of {rows['abstain']} that have no answer"
    )
    on_topic = figures["unanswered_on_topic"]
    if on_topic["questions"]:
        refused = on_topic[Grade.RIGHT]
        console.print(f"of these on topic, but not answered: {refused} of {on_topic['questions']}")
    seconds = figures["seconds"]
    console.print(f"seconds per question: p50 {seconds['p50']:.3f}, p95 {seconds['p95']:.3f}")
    style = "bold red" if figures["leaks"] else "green"
    console.print(f"leaks: {figures['leaks']}", style=style)


def _by_kind(figures: dict[str, Any]) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("")
    for column in ("n", *_GRADES.values(), "good"):
        table.add_column(column, justify="right")
    tallies = dict(figures["by_kind"])
    languages = figures["by_language"]
    if len(languages) > 1:
        tallies |= {f"in {name}": tally for name, tally in languages.items()}
    tallies["answer due"], tallies["all"] = figures["answer_due"], figures["total"]
    for name, tally in tallies.items():
        counts = (str(tally[grade] or "") for grade in _GRADES)
        table.add_row(name, str(tally["questions"]), *counts, _percent(tally["good"]))
    return table


def _retrieval(figures: dict[str, Any]) -> Table:
    table = Table(box=None, header_style="bold")
    for column in ("", "hit@1", "hit@10", "MRR"):
        table.add_column(column, justify="left" if not column else "right")
    for kind in ("verbatim", "paraphrase"):
        table.add_row(kind, *map(_figure, figures[kind].values()))
    return table


def print_comparison(compared: dict[str, Any], console: Console) -> None:
    table = Table(box=None, header_style="bold")
    for column in ("", "n", "before", "after", "difference", "95 % of the time within"):
        table.add_column(column, justify="left" if not column else "right")
    for name, one in compared["shares"].items():
        low, high = one["interval"]
        table.add_row(
            name,
            str(one["questions"]),
            _percent(one["before"]),
            _percent(one["after"]),
            f"{100 * one['difference']:+.1f}",
            f"{100 * low:+.1f} to {100 * high:+.1f}",
        )
    console.print(table)
    for row in compared["changed"]:
        again = " (paraphrase)" if row["paraphrased"] else ""
        console.print(f"{row['id']}{again}, {row['kind']}: {row['before']} -> {row['after']}")
    if compared["only_in_one"]:
        console.print(f"{compared['only_in_one']} questions are in one report only.")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
