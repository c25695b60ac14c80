"""Settings that contradict each other, and those that are unsafe: all named at once, no value."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from workers.errors import SettingsInvalid
from workers.ops.production import Process, contradictions, refuse_unsafe, unsafe
from workers.settings import Settings

HOME = Path("/nowhere")

SAFE: dict[str, Any] = {
    "home": HOME,
    "database_url": SecretStr("postgresql://db.example/ken?sslmode=verify-full"),
    "redis_url": SecretStr(
        "rediss://:a-long-password-of-redis@queue.example:6380/0?ssl_cert_reqs=required"
    ),
    "ingress_password": SecretStr("ingress-0123456789"),
    "answerer_password": SecretStr("answerer-0123456789"),
    "syncer_password": SecretStr("syncer-0123456789"),
    "slack_bot_token": SecretStr("xoxb-real"),
    "slack_app_token": SecretStr("xapp-real"),
    "model_base_url": "https://model.example/v1",
    "admin_port": 3100,
    "worker_ops_port": 9101,
    "bot_ops_port": 9102,
    "otlp_endpoint": "http://127.0.0.1:4318/v1/traces",
}
SECRET = "hunter2"
OAUTH: dict[str, Any] = {
    "slack_bot_token": SecretStr(""),
    "slack_mode": "http",
    "slack_signing_secret": SecretStr("signing-secret"),
    "slack_client_id": "1234.5678",
    "slack_client_secret": SecretStr("client-secret"),
    "slack_workspaces": ("T1",),
    "token_key": SecretStr("aGVyZS1hcmUtdGhpcnR5LXR3by1ieXRlcy1vZi1rZXk="),
    "public_url": "https://ken.example",
}


def changed(**other: Any) -> Settings:
    return Settings(**{**SAFE, **other})


def names(problems: list[str]) -> str:
    return "\n".join(problems)


@pytest.mark.parametrize("process", ["worker", "bot", "admin", "up"])
@pytest.mark.parametrize("production", [True, False])
def test_what_is_safe_is_not_refused(process: Process, production: bool) -> None:
    refuse_unsafe(changed(production=production), process)


@pytest.mark.parametrize(
    ("process", "other", "named"),
    [
        ("bot", {"slack_bot_token": SecretStr("")}, "KEN_SLACK_BOT_TOKEN"),
        ("bot", {"slack_app_token": SecretStr("")}, "KEN_SLACK_APP_TOKEN"),
        ("bot", {"slack_mode": "http"}, "KEN_SLACK_SIGNING_SECRET"),
        ("up", {"slack_mode": "http"}, "KEN_SLACK_SIGNING_SECRET"),
        ("worker", {"model_base_url": "model.example"}, "KEN_MODEL_BASE_URL"),
        ("worker", {"model_base_url": "https://[::1"}, "KEN_MODEL_BASE_URL"),
        ("worker", {"model_api_key": SecretStr("sk-\u200bhunter2")}, "KEN_MODEL_API_KEY"),
        ("worker", {"model_api_key": SecretStr("Bearer hunter2")}, "KEN_MODEL_API_KEY"),
        ("worker", {"slack_api_url": "slack.com"}, "KEN_SLACK_API_URL"),
        ("worker", {"otlp_endpoint": "collector:4318"}, "KEN_OTLP_ENDPOINT"),
        ("worker", {"redis_url": SecretStr("amqp://hunter2@queue")}, "KEN_REDIS_URL"),
        ("worker", {"lease_s": 2}, "KEN_LEASE_S"),
        ("worker", {"worker_ops_port": 3100}, "KEN_ADMIN_PORT and KEN_WORKER_OPS_PORT"),
        ("worker", {"bot_ops_port": 9101}, "KEN_WORKER_OPS_PORT and KEN_BOT_OPS_PORT"),
        (
            "admin",
            {"slack_mode": "http", "slack_signing_secret": SecretStr("s"), "http_port": 3100},
            "KEN_ADMIN_PORT and KEN_HTTP_PORT",
        ),
        ("worker", {"playground": HOME}, "KEN_PLAYGROUND and KEN_SLACK_BOT_TOKEN"),
        (
            "worker",
            {
                "playground": HOME,
                "slack_bot_token": SecretStr("xoxb-playground"),
                "slack_app_token": SecretStr("xapp-playground"),
            },
            "KEN_SLACK_API_URL is Slack's own",
        ),
        ("worker", OAUTH | {"slack_bot_token": SecretStr("xoxb-real")}, "are both set"),
        ("worker", OAUTH | {"slack_client_secret": SecretStr("")}, "KEN_SLACK_CLIENT_SECRET"),
        ("worker", OAUTH | {"token_key": SecretStr("")}, "KEN_TOKEN_KEY"),
        ("bot", OAUTH | {"token_key": SecretStr("hunter2")}, "KEN_TOKEN_KEY"),
        ("bot", OAUTH | {"slack_workspaces": ()}, "KEN_SLACK_WORKSPACES"),
        ("bot", OAUTH | {"public_url": ""}, "KEN_PUBLIC_URL is not set"),
        ("bot", OAUTH | {"public_url": "ken.example"}, "KEN_PUBLIC_URL is not a web address"),
        ("bot", OAUTH | {"slack_mode": "socket"}, "KEN_SLACK_MODE"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_always(
    process: Process, other: dict[str, Any], named: str
) -> None:
    settings = changed(**other)
    (problem,) = [one for one in contradictions(settings, process) if named in one]
    with pytest.raises(SettingsInvalid, match="cannot be used as they are") as refusal:
        refuse_unsafe(settings, process)
    assert problem in str(refusal.value)
    assert SECRET not in str(refusal.value)
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("process", "other"),
    [
        ("worker", {"slack_app_token": SecretStr("")}),  # only the bot opens a socket
        ("admin", {"slack_mode": "http"}),
        ("bot", OAUTH),
        ("worker", OAUTH),
        ("worker", {"http_port": 3100}),  # nothing listens there in mode socket
        ("worker", {"admin_port": 0, "worker_ops_port": 0, "bot_ops_port": 0}),
        (
            "up",
            {
                "playground": HOME,
                "slack_bot_token": SecretStr("xoxb-playground"),
                "slack_app_token": SecretStr("xapp-playground"),
                "slack_api_url": "http://127.0.0.1:8065/api/",
            },
        ),
    ],
)
def test_what_only_looks_like_a_contradiction_is_none(
    process: Process, other: dict[str, Any]
) -> None:
    assert contradictions(changed(**other), process) == []


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"redis_url": SecretStr("rediss://q.example/?ssl_cert_reqs=required")}, "no password"),
        ({"redis_url": SecretStr("redis://:hunter2@q.example:6379")}, "over the network"),
        ({"redis_url": SecretStr("redis://:hunter2@10.0.0.7")}, "over the network"),
        ({"redis_url": SecretStr("rediss://:hunter2@q.example")}, "the server's certificate"),
        (
            {"redis_url": SecretStr("rediss://:hunter2@q.example?ssl_cert_reqs=none")},
            "the server's certificate",
        ),
        ({"redis_url": SecretStr("redis://127.0.0.1:6379/0")}, "no password"),
        ({"database_url": SecretStr("postgresql://db.example/ken")}, "KEN_DATABASE_URL"),
        (
            {"database_url": SecretStr("postgresql://db.example/ken?sslmode=prefer")},
            "KEN_DATABASE_URL",
        ),
        ({"database_url": SecretStr("postgresql:///ken?host=10.0.0.7")}, "KEN_DATABASE_URL"),
        (
            {"database_url": SecretStr("postgresql:///ken?host=/run/pg,10.0.0.7")},
            "KEN_DATABASE_URL",
        ),
        (
            {"database_url": SecretStr("postgresql:///ken?host=/tmp/ken-0123456789abcdef/pg")},
            "embedded",
        ),
        ({"database_url": SecretStr("")}, "embedded"),
        ({"answerer_password": SecretStr("fifteen-letters")}, "KEN_ANSWERER_PASSWORD is shorter"),
        (
            {"answerer_password": SecretStr("syncer-0123456789")},
            "KEN_ANSWERER_PASSWORD and KEN_SYNCER_PASSWORD are the same",
        ),
        ({"ingress_password": SecretStr("playground")}, "KEN_INGRESS_PASSWORD is the playground"),
        ({"slack_bot_token": SecretStr("xoxb-playground")}, "KEN_SLACK_BOT_TOKEN is the playg"),
        ({"owner_password": SecretStr("owner-0123456789")}, "KEN_OWNER_PASSWORD is set"),
        (
            {
                "playground": HOME,
                "slack_bot_token": SecretStr(""),
                "slack_app_token": SecretStr(""),
            },
            "KEN_PLAYGROUND is set",
        ),
        ({"slack_api_url": "http://127.0.0.1:8065/api/"}, "KEN_SLACK_API_URL is not https"),
        ({"model_base_url": "http://model.example/v1"}, "KEN_MODEL_BASE_URL is not https"),
        (OAUTH | {"public_url": "http://ken.example"}, "KEN_PUBLIC_URL is not https"),
    ],
)
def test_what_is_unsafe_is_refused_in_production_and_only_there(
    other: dict[str, Any], named: str
) -> None:
    assert [one for one in unsafe(changed(**other), "worker") if named in one]
    refuse_unsafe(changed(**other), "worker")
    with pytest.raises(SettingsInvalid, match=named) as refusal:
        refuse_unsafe(changed(**other, production=True), "worker")
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize(
    "other",
    [
        {"redis_url": SecretStr("redis://:a-password-of-redis@127.0.0.1:6379/0")},
        {"redis_url": SecretStr("redis://:a-password-of-redis@[::1]:6379/0")},
        {"redis_url": SecretStr("redis+socket://:a-password-of-redis@/run/redis.sock")},
        {"database_url": SecretStr("postgresql://localhost:5432/ken")},
        {"database_url": SecretStr("postgresql:///ken?host=/run/postgresql")},
        {"database_url": SecretStr("postgresql://a.example,b.example/ken?sslmode=require")},
        {"model_base_url": "http://127.0.0.1:8000/v1"},
        {"model_base_url": ""},
    ],
)
def test_what_does_not_leave_the_machine_may_be_plain(other: dict[str, Any]) -> None:
    assert unsafe(changed(**other), "worker") == []


def test_only_what_migrates_may_have_the_owners_password() -> None:
    settings = changed(owner_password=SecretStr("owner-0123456789"), production=True)
    refuse_unsafe(settings, "up")
    for process in ("worker", "bot", "admin"):
        with pytest.raises(SettingsInvalid, match="KEN_OWNER_PASSWORD is set"):
            refuse_unsafe(settings, process)


def test_a_process_for_tests_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEN_CRASHPOINTS", "/nowhere")
    with pytest.raises(SettingsInvalid, match="KEN_CRASHPOINTS"):
        refuse_unsafe(changed(production=True), "worker")


def test_all_problems_are_listed_at_once() -> None:
    wrong = changed(
        production=True,
        lease_s=1,
        redis_url=SecretStr("redis://q.example"),
        ingress_password=SecretStr("short"),
        slack_api_url="http://slack.example/api/",
    )
    with pytest.raises(SettingsInvalid) as refusal:
        refuse_unsafe(wrong, "bot")
    lines = [line for line in str(refusal.value).splitlines() if line.startswith("- ")]
    assert [line.split()[1] for line in lines] == [
        "KEN_LEASE_S",
        "KEN_REDIS_URL",
        "KEN_REDIS_URL",
        "KEN_INGRESS_PASSWORD",
        "KEN_SLACK_API_URL",
    ]
