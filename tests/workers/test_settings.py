"""Settings come from the environment and from the home's `ken.env`, and are never shown."""

import os
from pathlib import Path

import pytest

from workers.errors import SettingsInvalid
from workers.settings import Settings, child_environment, load_settings

SECRET = "hunter2-" * 3


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting from outside takes part, and nothing is in the working directory."""
    for name in list(os.environ):
        if name.startswith("KEN_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def put(data_dir: Path, *lines: str) -> None:
    (data_dir / "ken.env").write_text("\n".join(lines) + "\n")


def test_the_environment_beats_the_file_which_beats_what_is_usual(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(data_dir).passages_per_answer == 8
    put(data_dir, "KEN_PASSAGES_PER_ANSWER=5", "KEN_WORKER_THREADS=3")
    assert load_settings(data_dir).passages_per_answer == 5
    monkeypatch.setenv("KEN_PASSAGES_PER_ANSWER", "7")
    assert load_settings(data_dir).passages_per_answer == 7
    assert load_settings(data_dir).worker_threads == 3


def test_the_home_is_what_is_given_else_ken_home_else_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().home == tmp_path / ".ken"
    monkeypatch.setenv("KEN_HOME", "~/elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings().home == tmp_path / "elsewhere"
    assert load_settings(tmp_path / "given").home == tmp_path / "given"


def test_each_home_has_a_file_of_its_own_and_a_word_that_is_not_ours_is_passed_over(
    data_dir: Path, tmp_path: Path
) -> None:
    put(data_dir, "KEN_LEASE_S=7", "KEN_NO_SUCH_SETTING=1", "PATH=/nowhere", "HOME=/nowhere")
    put(tmp_path, "KEN_LEASE_S=8")
    assert load_settings(data_dir).lease_s == 7
    assert load_settings(tmp_path).lease_s == 8
    assert load_settings(data_dir).home == data_dir


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEN_LEASE_S", SECRET),
        ("KEN_LEASE_S", "0"),
        ("KEN_SWEEP_S", "-1"),
        ("KEN_HTTP_PORT", "65536"),
        ("KEN_PASSAGES_PER_ANSWER", "51"),
        ("KEN_DOCUMENT_LIMIT_MB", "nan"),
        ("KEN_SLACK_MODE", SECRET),
        ("KEN_MODEL_TIMEOUT_S", SECRET),
    ],
)
@pytest.mark.parametrize("place", ["environment", "ken.env"])
def test_a_setting_without_a_valid_value_is_named_and_its_value_is_not_shown(
    place: str, name: str, value: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == "environment":
        monkeypatch.setenv(name, value)
    else:
        put(data_dir, f"{name}={value}")
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(data_dir)
    assert str(caught.value).startswith(f"{name}: ")
    assert SECRET not in str(caught.value) + caught.value.remedy
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert caught.value.exit_code == 2


def test_an_invalid_setting_comes_with_a_remedy(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEN_LEASE_S", "x")
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(data_dir)
    assert "ken.env" in caught.value.remedy


def secret_settings() -> list[str]:
    named = ("password", "token", "secret", "key", "url")
    shown = ("slack_api_url", "model_base_url", "public_url", "admin_page_url",
             "fallback_model_base_url", "doors_url", "embedding_base_url")  # fmt: skip
    return [name for name in Settings.model_fields if name.endswith(named) and name not in shown]


def test_no_secret_is_shown_by_repr_str_json_or_an_error(data_dir: Path) -> None:
    names = secret_settings()
    assert {"database_url", "redis_url", "owner_password", "slack_bot_token",
            "slack_signing_secret", "model_api_key"} <= set(names)  # fmt: skip
    put(data_dir, *(f"KEN_{name.upper()}={SECRET}{name}" for name in names))
    settings = load_settings(data_dir)
    shown = (repr(settings), str(settings), settings.model_dump_json(), f"{settings!r:>10}")
    assert all(SECRET not in one for one in shown)
    for name in names:
        assert getattr(settings, name).get_secret_value() == SECRET + name
    with pytest.raises(Exception, match="frozen") as caught:
        settings.lease_s = 5  # type: ignore[misc]
    assert SECRET not in str(caught.value)


def test_a_value_is_taken_as_it_is_written(data_dir: Path) -> None:
    put(data_dir, "KEN_OWNER_PASSWORD='a b#c\"d'", "KEN_MODEL_NAME=${HOME}", "# KEN_LEASE_S=1", "")
    settings = load_settings(data_dir)
    assert settings.owner_password.get_secret_value() == 'a b#c"d'
    assert settings.lease_s == 6


def test_our_own_processes_get_the_home_and_ken_s_settings_and_no_other_secret(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEN_LEASE_S", "7")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    put(data_dir, f"KEN_OWNER_PASSWORD={SECRET}")
    passed = child_environment(load_settings(data_dir))
    assert (passed["KEN_HOME"], passed["KEN_LEASE_S"]) == (str(data_dir), "7")
    assert all(SECRET not in value for value in passed.values())


def test_a_model_writes_only_where_one_is_set_and_slack_is_there_only_with_a_token(
    data_dir: Path,
) -> None:
    bare = load_settings(data_dir)
    assert (bare.writes_with_a_model, bare.has_slack) == (False, False)
    put(data_dir, "KEN_MODEL_BASE_URL=http://127.0.0.1:1/v1", "KEN_SLACK_BOT_TOKEN=xoxb-1")
    loaded = load_settings(data_dir)
    assert (loaded.writes_with_a_model, loaded.has_slack) == (True, True)


def test_slack_is_there_as_well_where_workspaces_install_ken_by_oauth(data_dir: Path) -> None:
    put(data_dir, "KEN_SLACK_CLIENT_ID=1.2", "KEN_SLACK_WORKSPACES=T1, E1 ,T2")
    loaded = load_settings(data_dir)
    assert (loaded.has_slack, loaded.has_oauth) == (True, True)
    assert loaded.slack_workspaces == ("T1", "E1", "T2")


def test_our_own_processes_do_not_get_the_owners_password(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 32: who could take row-level security away is nobody who works."""
    monkeypatch.setenv("KEN_OWNER_PASSWORD", SECRET)
    monkeypatch.setenv("KEN_SYNCER_PASSWORD", "passed-on")
    passed = child_environment(load_settings(data_dir))
    assert "KEN_OWNER_PASSWORD" not in passed
    assert passed["KEN_SYNCER_PASSWORD"] == "passed-on"
