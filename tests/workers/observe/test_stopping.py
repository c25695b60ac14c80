"""A process that has run out of memory ends at once: another takes over what it had."""

import subprocess
import sys

import pytest

_NO_MEMORY_TO_BEGIN = """
def bootstrap(thread):
    raise MemoryError
threading.Thread._bootstrap = bootstrap
threading.Thread(target=print).start()
"""
_NOT_EVEN_TO_SAY_SO = """
threading.Thread._bootstrap = lambda thread: None
threading.Thread(target=print).start()
"""
_NO_MEMORY_TO_GO_ON = """
def work():
    raise MemoryError
threading.Thread(target=work).start()
threading.Event().wait(60)
"""
_CAUGHT = """
try:
    raise MemoryError
except Exception as error:
    stopping.exit_if_out_of_memory(error)
"""


@pytest.mark.parametrize(
    "lacking", [_NO_MEMORY_TO_BEGIN, _NOT_EVEN_TO_SAY_SO, _NO_MEMORY_TO_GO_ON, _CAUGHT]
)
def test_a_worker_ends_of_the_first_lack_of_memory(lacking: str) -> None:
    begun = "import threading\nfrom workers.observe import stopping\nstopping._BEGIN_S = 0.2\n"
    begun += "stopping.exit_on_memory_error()\n"
    ended = subprocess.run([sys.executable, "-c", begun + lacking], timeout=60, check=False)
    assert ended.returncode == 70


def test_it_survives_every_other_failure() -> None:
    script = (
        "import threading\nfrom workers.observe import stopping\nstopping.exit_on_memory_error()\n"
        "thread = threading.Thread(target=lambda: 1 / 0)\nthread.start()\nthread.join()\n"
        "stopping.exit_if_out_of_memory(ValueError())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert "ZeroDivisionError" in ended.stderr
