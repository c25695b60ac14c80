"""deploy/compose.yaml: valid by the specification's schema, and as safe as it says."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft7Validator

from workers.cli.main import app
from workers.ops.production import Process, refuse_unsafe
from workers.settings import Role, Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PAGE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = PAGE["services"]
OURS = {name: one for name, one in SERVICES.items() if "KEN_IMAGE" in one["image"]}
RUNNING = {"worker", "jobs", "bot", "admin", "doors"}
AS: dict[str, Process] = {"jobs": "worker"}
"""A process whose settings are looked at as another's."""


def test_it_is_what_the_specification_allows() -> None:
    """compose-spec.json is the specification's own schema (Apache-2.0), of 2026."""
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    errors = [one.message for one in Draft7Validator(schema).iter_errors(PAGE)]
    assert errors == []
    broken = {**PAGE, "services": {"worker": {"imagee": "x"}}}
    assert list(Draft7Validator(schema).iter_errors(broken))


def test_every_container_of_ours_can_write_nothing_and_gains_no_right() -> None:
    assert OURS.keys() == {*RUNNING, "provision", "migrate", "ken"}
    for name, one in OURS.items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert one["user"] == "10001:10001", name
        assert not one.get("privileged"), name
        assert not [volume for volume in one["volumes"] if volume.startswith((".", "/"))], name


def test_nothing_listens_beyond_this_machine_and_the_servers_on_no_network() -> None:
    published = [port for one in SERVICES.values() for port in one.get("ports", ())]
    assert len(published) == 2
    assert all(port.startswith("127.0.0.1:") for port in published)
    for name in ("postgresql", "valkey", "provision", "migrate"):
        assert SERVICES[name]["network_mode"] == "none", name


@pytest.mark.parametrize(
    ("secret", "holders"),
    [
        ("POSTGRES_PASSWORD", {"postgresql", "provision"}),
        ("KEN_OWNER_PASSWORD", {"provision", "migrate"}),
        ("KEN_SYNCER_PASSWORD", {"provision", "worker", "jobs", "admin", "ken"}),
        ("KEN_INDEXER_PASSWORD", {"provision", "jobs", "admin", "ken"}),
        ("KEN_ANSWERER_PASSWORD", {"provision", "worker", "doors", "ken"}),
        ("KEN_SLACK_BOT_TOKEN", {"worker", "jobs", "bot", "ken"}),
        ("KEN_MODEL_API_KEY", {"worker"}),
    ],
)
def test_a_secret_is_known_only_where_it_is_needed(secret: str, holders: set[str]) -> None:
    assert {name for name, one in SERVICES.items() if f"${{{secret}" in json.dumps(one)} == holders


@pytest.mark.parametrize("name", sorted(RUNNING))
def test_each_process_would_start_in_production(name: str, tmp_path: Path) -> None:
    """With the passwords that deploy/make-env makes, and the tokens of a workspace."""
    settings = settings_of(name, tmp_path)
    assert settings.production
    process = AS.get(name, name)
    assert process in get_args(Process)
    refuse_unsafe(settings, process)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["jobs", "ken"])
def test_passes_over_slack_have_what_they_need(name: str, tmp_path: Path) -> None:
    """They push permissions as the syncer; the schedules run in `jobs`, the commands in `ken`."""
    settings = settings_of(name, tmp_path)
    roles: tuple[Role, ...] = ("syncer", "indexer", "ingress")
    assert all(settings.password(role).get_secret_value() for role in roles)
    assert settings.has_slack


def test_every_variable_is_a_setting_and_every_command_is_there() -> None:
    known = {f"KEN_{name.upper()}" for name in Settings.model_fields}
    for name, one in OURS.items():
        assert one.get("environment", {}).keys() <= known, name
    commands = {
        each.name or each.callback.__name__ for each in app.registered_commands if each.callback
    }
    started = {one["command"][0] for one in OURS.values() if one.get("command")}
    assert started == {"provision", "migrate", "worker", "admin", "doors"}
    assert started <= commands


def test_what_runs_is_restarted_and_says_how_it_is() -> None:
    ops = {name: f"{name.upper()}_OPS" for name in ("worker", "jobs", "bot")}
    ports = {**ops, "admin": "ADMIN", "doors": "DOORS"}
    for name in RUNNING:
        one = SERVICES[name]
        assert one["restart"] == "unless-stopped"
        assert one["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        own = {key for key in one["environment"] if key.endswith("_PORT")}
        assert own == {f"KEN_{ports[name]}_PORT"}, "the image's own check asks it, and no other"


def test_the_file_of_secrets_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    import subprocess  # noqa: PLC0415 - only here

    script = tmp_path / "make-env"
    script.write_bytes((DEPLOY / "make-env").read_bytes())
    assert subprocess.run(["sh", script], check=False, capture_output=True).returncode == 0
    made = tmp_path / ".env"
    assert made.stat().st_mode & 0o777 == 0o600
    lines = dict(re.findall(r"^(\w+)=(.*)$", made.read_text(), re.MULTILINE))
    secrets = [value for key, value in lines.items() if key.endswith("_PASSWORD")]
    assert len(set(secrets)) == len(secrets) == 7
    assert all(re.fullmatch("[0-9a-f]{48}", one) for one in secrets)
    needed = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text())) - {"KEN_IMAGE"}
    assert needed <= lines.keys()
    before = made.read_text()
    again = subprocess.run(["sh", script], check=False, capture_output=True)
    assert (again.returncode, made.read_text()) == (1, before)


def settings_of(name: str, home: Path) -> Settings:
    """What a process of this service reads, with values for what .env holds."""
    values = {
        "KEN_SLACK_BOT_TOKEN": "xoxb-1",
        "KEN_SLACK_APP_TOKEN": "xapp-1",
        "KEN_MODEL_NAME": "gpt-5-mini",
    }

    def filled(found: re.Match[str]) -> str:
        return values.get(found[1], found[1].lower().ljust(48, "x") if "PASS" in found[1] else "")

    given: dict[str, Any] = {
        key.removeprefix("KEN_").lower(): re.sub(r"\$\{(\w+)[^}]*\}", filled, value)
        for key, value in SERVICES[name]["environment"].items()
    }
    return Settings(home=home, **given)
