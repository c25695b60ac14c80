"""Packages of npm that only tests use, each in a folder of its own below build/."""

import fcntl
import json
import shutil
import subprocess
from pathlib import Path

import pytest

INSTALL_S = 60
_BUILD = Path(__file__).parents[2] / "build"


def installed(name: str, version: str) -> Path:
    """Return the folder with its node_modules; the first of several test processes fills it.

    Skips the test if there is no npm, or if npm cannot get it in time.
    """
    folder = _BUILD / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        package = folder / "node_modules" / name / "package.json"
        if package.exists() and json.loads(package.read_text())["version"] == version:
            return folder
        npm = shutil.which("npm")
        if not npm:
            pytest.skip(f"there is no npm to install {name} with")
        options = ("--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--prefer-offline")
        command = [npm, "install", *options, "--prefix", str(folder), f"{name}@{version}"]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_S)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            pytest.skip(f"npm could not install {name}@{version} within {INSTALL_S} s")
    return folder
