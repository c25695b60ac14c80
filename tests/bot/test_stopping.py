"""Whenever the signal comes, the bot learns of it."""

import signal
import subprocess
import sys

import pytest

AT_ANY_MOMENT = """
import os, signal
from bot.stopping import Stopping
stopping = Stopping()
signal.signal(signal.SIGALRM, lambda *_: None)
for moment in range(500):
    signal.setitimer(signal.ITIMER_REAL, 1e-6 * (1 + moment % 40))
    stopping.wait()
    os.read(stopping._told, 100)
print("each was noticed")
"""


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    ).stdout


def test_a_signal_is_noticed_whenever_it_comes() -> None:
    """With an Event in its place, some of these rounds wait for their own lock (seen by hand)."""
    assert run(AT_ANY_MOMENT) == "each was noticed\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_signals_count_and_stay(number: signal.Signals) -> None:
    code = (
        "import os; from bot.stopping import Stopping; stop = Stopping();"
        f"print(stop.wait(0)); os.kill(os.getpid(), {int(number)}); print(stop.wait(), stop.wait())"
    )
    assert run(code) == "False\nTrue True\n"
