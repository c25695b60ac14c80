"""deploy/Dockerfile: linted, small in what it takes, and nobody's root."""

import re
import subprocess
import sys
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from workers.ops import probe
from workers.settings import Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
LINES = DOCKERFILE.read_text().replace("\\\n", " ").splitlines()


def of(instruction: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in LINES if line.startswith(f"{instruction} ")]


def test_the_linter_finds_nothing() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([linter, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_what_it_runs_is_not_root_and_asks_itself_how_it_is() -> None:
    assert of("USER") == ["10001:10001"]
    assert LINES.index("USER 10001:10001") > max(
        at for at, line in enumerate(LINES) if line.startswith(("COPY", "RUN"))
    )
    assert "workers.ops.probe" in of("HEALTHCHECK")[0]
    assert of("ENTRYPOINT") == ['["ken"]']
    assert not [line for line in LINES if re.match(r"(ENV|ARG).*(PASSWORD|TOKEN|KEY|SECRET)", line)]


def test_it_takes_each_package_and_nothing_else() -> None:
    """The wheel is built from what is copied; what is not copied cannot be in the image."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    wanted = {name.rstrip("*").rstrip(".") for name in packages}
    copied = {line.split()[0] for line in of("COPY") if not line.startswith("--from")}
    assert copied == {*wanted, "requirements.txt", "pyproject.toml"}
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text()
    assert set(re.findall(r"^!(.+)$", ignored, re.MULTILINE)) == copied | {"README.md", "LICENSE"}
    assert re.search(r"^\*$", ignored, re.MULTILINE)


def test_what_is_installed_is_what_is_locked() -> None:
    (install, build) = [line for line in of("RUN") if "pip" in line]
    assert "--require-hashes" in install
    assert "--no-index" in build


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_asks_every_port_that_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, code: int
) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        settings = Settings(home=tmp_path, worker_ops_port=server.server_address[1])
        monkeypatch.setattr(probe, "load_settings", lambda: settings)
        assert probe.main() == code
        server.shutdown()
    assert probe.main() == 1  # nobody answers


def test_a_container_without_a_port_has_nothing_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "load_settings", lambda: Settings(home=tmp_path))
    assert probe.main() == 0
