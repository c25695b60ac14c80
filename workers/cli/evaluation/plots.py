"""Draws the figures as SVG: grades by kind, and what refusing more would cost."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from workers.cli.evaluation.grading import Grade

_COLOURS = {
    Grade.RIGHT: "#2e7d4f",
    Grade.CHAT_OK: "#7fb894",
    Grade.PARTLY: "#e0b040",
    Grade.REFUSED: "#9aa3ad",
    Grade.WRONG: "#c8503c",
    Grade.LEAK: "#5b1a6e",
    Grade.ERROR: "#333333",
}
_WIDTH, _BAR, _LABELS, _MARGIN = 760, 22, 170, 40
_SIDE = 420


def write_plots(report: Path, figures: dict[str, Any]) -> list[Path]:
    """Write the plots beside a report, and return their files."""
    plots = {"kinds": grades_by_kind(figures), "abstention": abstention(figures)}
    written = []
    for name, drawn in plots.items():
        if drawn:
            file = report.with_name(f"{report.stem}-{name}.svg")
            file.write_text(drawn)
            written.append(file)
    return written


def grades_by_kind(figures: dict[str, Any]) -> str:
    """Return a bar for each kind, coloured by its grades; empty without questions."""
    tallies = {**figures["by_kind"], "all": figures["total"]}
    tallies = {name: tally for name, tally in tallies.items() if tally["questions"]}
    if not tallies:
        return ""
    height = _MARGIN + len(tallies) * (_BAR + 6) + 10
    parts = [_legend()]
    for number, (name, tally) in enumerate(tallies.items()):
        top = _MARGIN + number * (_BAR + 6)
        label = f"{escape(name)} ({tally['questions']})"
        parts.append(_text(_LABELS - 8, top + 15, label, anchor="end"))
        left = float(_LABELS)
        for grade, colour in _COLOURS.items():
            width = (_WIDTH - _LABELS - 20) * tally[grade] / tally["questions"]
            if width:
                parts.append(
                    f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_BAR}" '
                    f'fill="{colour}"><title>{grade}: {tally[grade]}</title></rect>'
                )
            left += width
    return _svg(_WIDTH, height, parts)


def _legend() -> str:
    parts = []
    for number, (grade, colour) in enumerate(_COLOURS.items()):
        left = _LABELS + number * 82
        parts.append(f'<rect x="{left}" y="10" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(left + 16, 20, str(grade).replace("_", " ")))
    return "".join(parts)


def abstention(figures: dict[str, Any]) -> str:
    """Return right and wrong answers against the share that is refused; empty if nobody says how
    sure an answer is.
    """
    curve = figures["abstention_curve"]
    if not curve:
        return ""
    parts = [_axes()]
    for key, grade in (("right", Grade.RIGHT), ("wrong", Grade.WRONG)):
        points = [(point["refused"], point[key]) for point in curve]
        parts.append(_line(points, _COLOURS[grade]))
        parts.append(_dot(points[0], f"{key} as it is now: {points[0][1]:.0%}", _COLOURS[grade]))
    rightly = [(point["refused"], point["rightly_refused"]) for point in curve]
    parts.append(_line(rightly, "#3c6fb4", dashes="4 3"))
    for number, (words, colour) in enumerate(
        (
            ("right", _COLOURS[Grade.RIGHT]),
            ("wrong", _COLOURS[Grade.WRONG]),
            ("rightly refused, of those without an answer", "#3c6fb4"),
        )
    ):
        parts.append(_text(_SIDE + _MARGIN + 16, 60 + 18 * number, words, colour=colour))
    return _svg(_WIDTH, _SIDE + 2 * _MARGIN, parts)


def _axes() -> str:
    parts = []
    for tenth in range(0, 11, 2):
        x, y = _place((tenth / 10, tenth / 10))
        left, bottom = _place((0, 0))
        parts.append(
            f'<path d="M{x:.1f} {_MARGIN}V{bottom}M{left} {y:.1f}h{_SIDE}" stroke="#ddd"/>'
        )
        parts.append(_text(x, bottom + 16, f"{tenth * 10}", anchor="middle"))
        parts.append(_text(left - 6, y + 4, f"{tenth * 10}", anchor="end"))
    across = "refused where an answer is due, %"
    parts.append(_text(_MARGIN + _SIDE / 2, _SIDE + 2 * _MARGIN - 6, across, anchor="middle"))
    parts.append(_text(_MARGIN, 24, "share, %"))
    return "".join(parts)


def _place(point: tuple[float, float]) -> tuple[float, float]:
    return _MARGIN + point[0] * _SIDE, _MARGIN + (1 - point[1]) * _SIDE


def _line(points: Sequence[tuple[float, float]], colour: str, *, dashes: str = "") -> str:
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in map(_place, points))
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'


def _dot(point: tuple[float, float], title: str, colour: str) -> str:
    x, y = _place(point)
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"><title>{title}</title></circle>'
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f"{''.join(parts)}</svg>\n"
    )
