"""deploy/systemd: units that systemd itself understands, each with its own secrets alone."""

import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
MOST_EXPOSED = 2.0
"""Of 10, by systemd's own measure; a plain unit has 9.2."""
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd on this machine"
)


def read(unit: Path) -> ConfigParser:
    found = ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment, method-assign]
    found.read_string(unit.read_text())
    return found


@needs_systemd
def test_systemd_understands_each(tmp_path: Path) -> None:
    """With programs that are there in the place of ours."""
    for unit in UNITS.iterdir():
        text = unit.read_text()
        for program in ("/opt/ken/bin/ken", "/opt/ken/bin/python"):
            text = text.replace(program, sys.executable)
        (tmp_path / unit.name).write_text(text.replace("User=ken\nGroup=ken\n", ""))
    done = subprocess.run(
        ["systemd-analyze", "verify", *sorted(map(str, tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_process_that_is_taken_over_can_do_little(unit: Path) -> None:
    threshold = f"--threshold={MOST_EXPOSED * 10:.0f}"
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", threshold, unit],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_each_runs_as_nobody_special_with_its_own_secrets_and_folder(unit: Path) -> None:
    service = read(unit)["Service"]
    assert service["User"] == "ken"
    assert service["Environment"] == "KEN_HOME=%S/ken/%N"
    assert service["StateDirectory"] == "ken/%N"
    own = unit.stem.removeprefix("ken-").rstrip("@")
    assert f"EnvironmentFile=/etc/ken/{own}.env" in unit.read_text()
    if own != "migrate":
        assert read(unit)["Unit"]["Requires"] == "ken-migrate.service"
        assert service["Restart"] == "always"
