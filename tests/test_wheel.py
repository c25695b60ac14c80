"""The wheel holds all that Ken needs, and works where nothing of this repository is."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from uuid import uuid4
from zipfile import ZipFile

import pytest

from tests import servers
from workers.database.roles import ROLES
from workers.embedded.servers import ensure
from workers.settings import load_settings

ROOT = Path(__file__).parents[1]
IN_IT = ("bot", "workers", "policies", "migrations", "examples/company")
DEVELOPERS_OWN = {"migrations/script.py.mako"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make wheel` builds it, which first makes the environment up to date."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)
    made = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*made, "--wheel-dir", folder, ROOT], check=True)
    (built,) = folder.glob("ken-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel alone; libraries come from this one, Ken does not."""
    place = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    python = place / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return place


def test_every_file_of_ours_is_in_it_and_nothing_else(wheel: Path) -> None:
    ours = {
        str(path.relative_to(ROOT))
        for folder in IN_IT
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert packed == ours - DEVELOPERS_OWN


def test_an_empty_database_is_made_ready_by_what_is_installed(
    installed: Path, tmp_path: Path
) -> None:
    """Roles, migrations, catalogues and word lists are found where the wheel puts them."""
    ensure(servers.HOME)
    shared = load_settings(servers.HOME)
    name = f"test_{uuid4().hex[:12]}"
    with servers._superuser(shared) as server:
        known = server.info
        superuser = (
            f"postgresql:///postgres?host={known.host}&port={known.port}&user={known.user}"
            f"&password={known.password}"
        )
    there = servers._with_database(shared, name).database_url.get_secret_value()
    passwords = {
        f"KEN_{role.upper()}_PASSWORD": shared.password(role).get_secret_value() for role in ROLES
    }
    environment = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "KEN_HOME": str(tmp_path / "data"),
        "KEN_DATABASE_URL": there,
        "KEN_SUPERUSER_URL": superuser,
        **passwords,
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            [installed / "bin" / command[0], *command[1:]],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        assert run("ken", "--version").startswith("ken ")
        assert name in run("ken", "provision")
        assert name in run("ken", "provision")  # safe to repeat
        assert "The schema is at" in run("ken", "migrate")
        loaded = run("python", "-c", LOADS)
        assert str(installed) in loaded
    finally:
        with servers._superuser(shared) as server:
            server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


LOADS = """
from workers.cli.demo import COMPANY
from workers.claims import check
from workers.models import synonyms
from workers.models.embedder import MiniLM
from workers.wording.text import gettext, speaking
from workers.replies.rendering import NOTHING_FOUND
assert (COMPANY / "demo.json").is_file()
assert MiniLM.load().embed_one("warm").shape == (384,)
with speaking("de"):
    assert gettext(NOTHING_FOUND) != NOTHING_FOUND
print(check.__file__)
"""
