"""Threat 43: a library reports to its maker what a company's machine does."""

import os
import subprocess
import sys
from pathlib import Path


def written_by(code: str, home: Path) -> list[Path]:
    """Run it as a company's machine would, in an empty home, and return what it wrote there.

    Nothing else is handed on: on a machine that says that it is a CI, by one of ten variables, the
    runtime reports nothing, and a test there would see no leak.
    """
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    return [path for path in home.rglob("*") if path.is_file()]


def test_the_runtime_of_the_embedder_writes_nothing_down_to_be_sent(tmp_path: Path) -> None:
    # the leak: by itself, it keeps an identifier of the machine and a queue of events
    assert written_by("import onnxruntime", tmp_path / "alone")
    embed = "from workers.models.embedder import MiniLM; MiniLM.load(threads=1).embed_one('hello')"
    assert written_by(embed, tmp_path / "ken") == []
