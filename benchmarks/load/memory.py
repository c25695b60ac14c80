"""Memory over questions: samples, the slope after the warm-up, and a plot."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
import psutil

from benchmarks.load.stack import Stack

_WATCHED = ("worker", "bot")
_WARM_UP = 0.2
"""Of all questions: until then caches and connections are filled."""
_WIDTH, _HEIGHT, _EDGE = 720, 320, 48
_COLOURS = ("#1264a3", "#b35900")


@dataclass
class Memory:
    """Megabytes of each process and its children, over the number of questions answered."""

    questions: list[int] = field(default_factory=list)
    megabytes: dict[str, list[float]] = field(default_factory=lambda: {n: [] for n in _WATCHED})

    def sample(self, stack: Stack, questions: int) -> None:
        processes = stack.processes()
        self.questions.append(questions)
        for name in _WATCHED:
            self.megabytes[name].append(sum(map(_resident, processes[name])) / 1e6)

    def figures(self) -> dict[str, dict[str, float]]:
        """Per process: the first and last sample after the warm-up, the highest, the slope."""
        last = self.questions[-1]
        start = next(i for i, done in enumerate(self.questions) if done >= last * _WARM_UP)
        done = self.questions[start:]
        found = {}
        for name, values in self.megabytes.items():
            warm = values[start:]
            slope = float(np.polyfit(done, warm, 1)[0]) if len(set(done)) > 1 else 0.0
            found[name] = {
                "warm_mb": round(warm[0], 1),
                "end_mb": round(warm[-1], 1),
                "most_mb": round(max(values), 1),
                "mb_per_1000": round(slope * 1000, 2),
            }
        return found

    def plot(self, title: str) -> str:
        """An SVG of our own: no library of this project draws."""
        most = max(max(values) for values in self.megabytes.values()) * 1.1
        last = max(self.questions[-1], 1)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            'font-family="sans-serif" font-size="12">',
            f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
            f'<text x="{_EDGE}" y="20">{escape(title)}</text>',
        ]
        for step in range(5):
            x, y = _place(last * step / 4, most * step / 4, last, most)
            parts.append(f'<path d="M{_EDGE},{y:.1f}H{_WIDTH - _EDGE}" stroke="#ddd"/>')
            parts.append(f'<text x="4" y="{y:.1f}">{most * step / 4:.0f} MB</text>')
            parts.append(
                f'<text x="{x:.1f}" y="{_HEIGHT - _EDGE + 18}" text-anchor="middle">'
                f"{last * step / 4:.0f}</text>"
            )
        for (name, values), colour in zip(self.megabytes.items(), _COLOURS, strict=True):
            path = _path(self.questions, values, last, most)
            parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
            x, y = _place(last, values[-1], last, most)
            parts.append(
                f'<text x="{x:.1f}" y="{y - 6:.1f}" fill="{colour}" text-anchor="end">{name}</text>'
            )
        parts.append(
            f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 8}" text-anchor="middle">questions</text></svg>'
        )
        return "\n".join(parts) + "\n"


def _path(across: Sequence[int], up: Sequence[float], last: float, most: float) -> str:
    places = [_place(x, y, last, most) for x, y in zip(across, up, strict=True)]
    return "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _place(questions: float, megabytes: float, last: float, most: float) -> tuple[float, float]:
    x = _EDGE + (_WIDTH - 2 * _EDGE) * questions / last
    return x, _HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * megabytes / most


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
