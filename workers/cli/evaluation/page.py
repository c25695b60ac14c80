"""Writes a run as a page for a person: figures, plots, and what was said where it was not right.

It holds questions and text of documents. So it is written only to the file that the operator names,
readable by its owner alone, and it loads nothing from elsewhere.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from workers.cli.evaluation.asking import Asked
from workers.cli.evaluation.figures import Pair
from workers.cli.evaluation.grading import Grade
from workers.cli.evaluation.plots import abstention, grades_by_kind

_MOST_EXAMPLES, _LONGEST = 40, 900
_GOOD = (Grade.RIGHT, Grade.CHAT_OK)
_STYLE = """
body{font:15px/1.45 sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%;margin:1rem 0}
td,th{border-bottom:1px solid #ddd;padding:.35rem .5rem;text-align:left;vertical-align:top}
td.n{text-align:right} svg{max-width:100%}
.wrong{color:#c8503c} .leak{color:#5b1a6e;font-weight:bold}
.warn{background:#fff4d6;padding:.6rem .8rem} pre{white-space:pre-wrap;margin:0;font:inherit}
"""


def write_page(file: Path, figures: dict[str, Any], pairs: Sequence[Pair]) -> None:
    """Write the page, readable by its owner alone. Overwrites it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(_page(figures, pairs))


def _page(figures: dict[str, Any], pairs: Sequence[Pair]) -> str:
    total, due = figures["total"], figures["answer_due"]
    parts = [
        "<h1>How good the answers are</h1>",
        '<p class="warn">This page holds questions and text of documents, each as its asker may '
        "read it. Keep it where only people may look who may read all of them.</p>",
        f"<p>{due[Grade.RIGHT]} of {due['questions']} answers are right, {due[Grade.WRONG]} wrong, "
        f"{due[Grade.REFUSED]} refused. All {total['questions']} questions: "
        f"{total[Grade.RIGHT] + total[Grade.CHAT_OK]} as they should be, "
        f"<b>{figures['leaks']} leaks</b>. Half of the answers took at most "
        f"{figures['seconds']['p50']:.2f} s, 95 % at most {figures['seconds']['p95']:.2f} s.</p>",
        grades_by_kind(figures),
        _table(figures),
        "<h2>If Ken refused more</h2>" + drawn if (drawn := abstention(figures)) else "",
        "<h2>What is not right</h2>",
        *(_examples(kind, pairs) for kind in figures["by_kind"]),
    ]
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>ken eval</title>'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _table(figures: dict[str, Any]) -> str:
    names = ["", "questions", *(str(grade).replace("_", " ") for grade in Grade)]
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = []
    for name, tally in {**figures["by_kind"], "all": figures["total"]}.items():
        cells = [tally["questions"], *(tally[grade] or "" for grade in Grade)]
        numbers = "".join(f'<td class="n">{cell}</td>' for cell in cells)
        rows.append(f"<tr><td>{escape(name)}</td>{numbers}</tr>")
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _examples(kind: str, pairs: Sequence[Pair]) -> str:
    found = [p for p in pairs if p[0].row.kind == kind and p[1].grade not in _GOOD]
    if not found:
        return ""
    rows = []
    for one, graded in found[:_MOST_EXAMPLES]:
        cells = (
            f"{escape(one.row.id)}<br><b class='{graded.grade}'>{graded.grade}</b>",
            _asked(one),
            _cut(one.row.answer),
            _cut(graded.said)
            + "".join(f"<br>[{escape(name)}]" for name in dict.fromkeys(graded.cited) if name),
        )
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    more = len(found) - _MOST_EXAMPLES
    note = f"<p>{more} more.</p>" if more > 0 else ""
    head = "<tr><th></th><th>asked</th><th>due</th><th>got</th></tr>"
    return f"<h3>{escape(kind)}</h3><table>{head}{''.join(rows)}</table>{note}"


def _asked(one: Asked) -> str:
    row = one.row
    place = f" in #{escape(row.channel)}" if row.channel else ""
    before = "".join(f"{_cut(said)}<br>" for _, said in row.thread)
    text = row.paraphrase if one.paraphrased else row.text
    return f"{before}<b>{_cut(text)}</b><br>{escape(row.asker)}{place}"


def _cut(text: str) -> str:
    return f"<pre>{escape(text[:_LONGEST])}{'…' if len(text) > _LONGEST else ''}</pre>"
