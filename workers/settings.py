"""All settings: read once, here, from the environment and from the home's `ken.env`."""

import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from workers.errors import SettingsInvalid

Role = Literal["owner", "ingress", "answerer", "syncer", "indexer"]


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that a person, team or workspace may spend on the model in a day or month (UTC)."""

    scope: Literal["person", "team", "workspace"]
    span: Literal["day", "month"]
    most: float

    @classmethod
    def read(cls, written: str) -> "Budget":
        """Read `person/day=0.5`. Raises ValueError."""
        found = _BUDGET.fullmatch(written)
        if found is None:
            raise ValueError(
                f"{written[:60]!r} is no budget: write person, team or workspace, then /day or "
                "/month, then = and an amount, such as person/day=0.5"
            )
        scope, span, most = found.groups()
        return cls(scope, span, float(most))  # type: ignore[arg-type]


_BUDGET = re.compile(r"(person|team|workspace)/(day|month)=([0-9]{1,12}(?:\.[0-9]{1,6})?)")


class Settings(BaseSettings):
    """Every setting is `KEN_` and the field's name; an environment variable beats `ken.env`."""

    model_config = SettingsConfigDict(
        env_prefix="KEN_", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    home: Path
    """The data folder: embedded servers, logs, secrets. One home, one deployment."""

    database_url: Annotated[SecretStr, NoDecode] = SecretStr("")
    """`postgresql://HOST:PORT/NAME` without a user; empty for the home's embedded server."""
    owner_password: SecretStr = SecretStr("")
    ingress_password: SecretStr = SecretStr("")
    answerer_password: SecretStr = SecretStr("")
    syncer_password: SecretStr = SecretStr("")
    indexer_password: SecretStr = SecretStr("")
    superuser_url: Annotated[SecretStr, NoDecode] = SecretStr("")
    """For `ken provision`, `backup` and `restore`: `postgresql://USER:PASSWORD@HOST/postgres`."""
    redis_url: SecretStr = SecretStr("")
    """`redis://…` or `redis+socket://…`; empty for the home's embedded server."""

    slack_bot_token: SecretStr = SecretStr("")
    slack_app_token: SecretStr = SecretStr("")
    """`xapp-…`, for Socket Mode."""
    slack_signing_secret: SecretStr = SecretStr("")
    """For events over HTTP."""
    slack_api_url: str = "https://slack.com/api/"
    slack_client_id: str = ""
    """If set, Ken is installed in several workspaces by OAuth (docs/install.md),
    without a token."""
    slack_client_secret: SecretStr = SecretStr("")
    slack_workspaces: Annotated[tuple[str, ...], NoDecode] = ()
    """Ids of the company's workspaces (`T…`) or Grid organisations (`E…`), separated by commas;
    only these may install Ken."""
    token_key: SecretStr = SecretStr("")
    """Fernet keys separated by commas, the newest first; they encrypt the tokens of
    installations."""
    public_url: str = ""
    """Where browsers reach the bot: `https://ken.example.com`."""
    link_by_confirmed_email: bool = False
    """Whether Slack accounts are linked by an address that Slack has confirmed
    (docs/identities.md)."""
    admins: Annotated[tuple[str, ...], NoDecode] = ()
    """Slack user ids, separated by commas: they get reports of wrong documents and see the admin
    page's link."""
    admin_page_url: str = ""
    """Where administrators open the admin page, if a proxy is in front of it: https://HOST/admin."""
    people_channel: str = ""
    """Where Ken asks for a person: a channel's name or id; empty turns this off."""
    people_group: str = ""
    """The user group (`S…`) that is mentioned there."""
    questions_per_minute: int = Field(10, ge=1)
    questions_per_day: int = Field(300, ge=1)
    """For one person. Questions above this are skipped, with one polite notice."""
    review_days: float = Field(90.0, gt=0)
    """For this many days after posting, an answer is withdrawn if a reader loses access."""
    cards_after_s: float = Field(1.0, ge=0)
    """If an answer takes longer than this, a message shows what Ken is doing."""
    slack_mode: Literal["socket", "http"] = "socket"
    http_host: str = "127.0.0.1"
    http_port: int = Field(3000, ge=0, le=65535)
    """Where the bot listens when `slack_mode` is `http`."""
    admin_host: str = "127.0.0.1"
    admin_port: int = Field(0, ge=0, le=65535)
    """Where the admin API listens (docs/admin-api.md); 0 turns it off."""
    doors_host: str = "127.0.0.1"
    doors_port: int = Field(0, ge=0, le=65535)
    """Where other programs reach Ken (docs/programs.md); 0 turns it off."""
    doors_url: str = ""
    """For `ken mcp`: where those doors are, if not at `doors_host` and `doors_port`."""
    person_token: SecretStr = SecretStr("")
    """For `ken mcp`: the token (`kenp_…`) of the person that it asks as."""
    searches_per_minute: int = Field(60, ge=1)
    """For one person, by all programs together; more are refused, and told to wait."""
    ops_host: str = "127.0.0.1"
    worker_ops_port: int = Field(0, ge=0, le=65535)
    jobs_ops_port: int = Field(0, ge=0, le=65535)
    bot_ops_port: int = Field(0, ge=0, le=65535)
    """Where the worker, the jobs worker and the bot serve /healthz, /readyz and /metrics; 0 turns
    it off."""
    otlp_endpoint: str = ""
    """Where traces are sent, as OTLP over HTTP: `http://HOST:4318/v1/traces`; empty
    turns them off."""
    production: bool = False
    """Whether processes refuse to start with settings that are unsafe
    (workers/ops/production.py)."""
    playground: Path | None = None
    """A workspace file: a local Slack is started from it (never in production)."""

    model_api_key: SecretStr = SecretStr("")
    """If this or `model_base_url` is set, that model writes the answers; else documents
    are quoted."""
    model_base_url: str = Field("", repr=False)
    model_name: str = Field("gpt-5-mini", min_length=1)
    model_api: Literal["auto", "responses", "chat-schema", "chat-json", "chat-text"] = "auto"
    """Which API is used; `auto` finds out what the server accepts (workers/models/forms.py)."""
    model_timeout_s: float = Field(60.0, gt=0, allow_inf_nan=False)
    """For a whole answer."""
    model_max_tokens: int = Field(4000, ge=100)
    """For one answer, thinking included; an answer that was cut is asked for again with four times
    this."""
    model_reasoning_effort: Literal["", "none", "minimal", "low", "medium", "high", "xhigh"] = ""
    model_temperature: float | None = Field(None, ge=0, le=2)
    """None for the server's default. Newer models of OpenAI accept no temperature."""
    model_window: int = Field(0, ge=0)
    """How many tokens the model takes in all, prompt and answer; passages that do not fit are left
    out, the last ones first. 0: not known."""
    model_price_input: float | None = Field(None, ge=0, allow_inf_nan=False)
    model_price_output: float | None = Field(None, ge=0, allow_inf_nan=False)
    """For a million tokens, in whatever currency; None if not known: then only tokens count."""
    fallback_model_name: str = ""
    """A second model, which is asked if the first does not answer; empty for none."""
    fallback_model_base_url: str = Field("", repr=False)
    fallback_model_api_key: SecretStr = SecretStr("")
    """Empty: the first model's address and key."""
    fallback_price_input: float | None = Field(None, ge=0, allow_inf_nan=False)
    fallback_price_output: float | None = Field(None, ge=0, allow_inf_nan=False)
    answer_deadline_s: float = Field(0.0, ge=0, allow_inf_nan=False)
    """For this long after a question was asked its model is waited for; then documents are quoted,
    or a notice says why there is no answer. 0: a minute, or `model_timeout_s` if that is longer."""
    budgets: Annotated[tuple[Budget, ...], NoDecode] = ()
    """The most that the model may cost: `person/day=0.5, team/month=100, workspace/month=500`."""
    second_look: bool = False
    """Whether the model is asked, in a call of its own, about a sentence that the rules keep
    without being sure; its answer can only drop the sentence."""
    ask_patience_s: float = Field(90.0, gt=0, allow_inf_nan=False)
    """How long `ken ask` waits for an answer."""

    passages_per_answer: int = Field(8, ge=1, le=50)
    audience_limit: int = Field(10_000, ge=1)
    """Channels with more members are not listed; their members count as strangers."""
    document_limit_mb: float = Field(20.0, gt=0)
    """A larger document is skipped and listed."""
    keep_index_days: float = Field(7.0, ge=0)
    """For this long after a switch, the index before it can be gone back to."""
    embedding_base_url: str = Field("", repr=False)
    """A server with OpenAI's embeddings API; empty: OpenAI's, if there is a key
    (docs/reindex.md)."""
    embedding_api_key: SecretStr = SecretStr("")
    embedding_timeout_s: float = Field(30.0, gt=0, allow_inf_nan=False)
    """For one call."""
    embedding_patience_s: float = Field(120.0, gt=0, allow_inf_nan=False)
    """For this long a load or a re-index tries again; a question waits four seconds."""
    embedding_batch: int = Field(64, ge=1, le=2048)
    """Texts in one call."""
    embedding_price: float | None = Field(None, ge=0, allow_inf_nan=False)
    """For a million tokens of the server's embeddings; None if not known."""
    worker_threads: int = Field(4, ge=1)
    job_threads: int = Field(2, ge=0)
    """How many jobs run at a time in the jobs worker, a process of its own; 0: `ken up` starts
    none."""
    lease_s: int = Field(6, ge=1)
    sweep_s: float = Field(1.0, gt=0)
    finish_s: float = Field(20.0, ge=0)
    """How long a worker that is stopped may finish its questions before it gives them back."""

    widening_limit: int = Field(1000, ge=0)
    """A sync that lets people read at most this many more documents, counted per person, or at most
    `widening_percent` more, is applied without an administrator's confirmation."""
    widening_percent: int = Field(10, ge=0)
    class_widening_limit: int = Field(20, ge=0)
    """The same, in documents, for everybody of a class at once."""
    mass_revocation_limit: int = Field(100, ge=0)
    """If one sync takes away more readings than this and than `mass_revocation_percent`, there is
    an alert."""
    mass_revocation_percent: int = Field(20, ge=0)
    unlisted_limit: int = Field(5, ge=0)
    """A complete push that leaves out more nodes or memberships than this, and than
    `unlisted_percent` of the existing ones, waits: a broken crawler also lists almost nothing."""
    unlisted_percent: int = Field(50, ge=0)
    keep_questions_days: float = Field(400.0, ge=0, allow_inf_nan=False)
    """Questions, with their answers and ratings, are deleted after this many days; 0: never."""
    keep_usage_days: float = Field(400.0, ge=0, allow_inf_nan=False)
    """The same for what the models were used for; budgets need the current month."""
    keep_gone_days: float = Field(7.0, ge=0)
    """Nobody can read what a source no longer lists, and it is deleted after this many days."""

    @field_validator("budgets", mode="before")
    @classmethod
    def _budgets(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        found = tuple(Budget.read(one) for one in re.split(r"[,\s]+", value) if one)
        if len({(one.scope, one.span) for one in found}) < len(found):
            raise ValueError("one of them is there twice")
        names = ["model_price_input", "model_price_output"]
        if info.data.get("fallback_model_name"):
            names += ["fallback_price_input", "fallback_price_output"]
        missing = [f"KEN_{name.upper()}" for name in names if info.data.get(name) is None]
        if found and missing:
            raise ValueError(f"a budget needs prices: set {' and '.join(missing)}")
        return found

    @field_validator(
        *("model_temperature", "model_price_input", "model_price_output"),
        *("fallback_price_input", "fallback_price_output", "embedding_price"),
        mode="before",
    )
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("admins", "slack_workspaces", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(filter(None, re.split(r"[,\s]+", value))) if isinstance(value, str) else value

    def password(self, role: Role) -> SecretStr:
        secret: SecretStr = getattr(self, f"{role}_password")
        return secret

    @property
    def writes_with_a_model(self) -> bool:
        return bool(self.model_api_key.get_secret_value() or self.model_base_url)

    @property
    def deadline_s(self) -> float:
        return self.answer_deadline_s or max(60.0, self.model_timeout_s)

    @property
    def fallback_model(self) -> "Settings | None":
        """The settings with the second model in the place of the first; None if there is none."""
        if not (self.writes_with_a_model and self.fallback_model_name):
            return None
        changes: dict[str, object] = {
            "model_name": self.fallback_model_name,
            "model_price_input": self.fallback_price_input,
            "model_price_output": self.fallback_price_output,
        }
        if self.fallback_model_base_url:
            changes["model_base_url"] = self.fallback_model_base_url
            changes["model_api"] = "auto"
        if self.fallback_model_base_url or self.fallback_model_api_key.get_secret_value():
            changes["model_api_key"] = self.fallback_model_api_key  # a key goes to its own server
        return self.model_copy(update=changes)

    @property
    def has_slack(self) -> bool:
        """Whether there is a token for one workspace, or OAuth for several."""
        return bool(self.slack_bot_token.get_secret_value()) or self.has_oauth

    @property
    def has_oauth(self) -> bool:
        return bool(self.slack_client_id)

    @property
    def has_syncer(self) -> bool:
        return bool(self.syncer_password.get_secret_value())

    @property
    def admin_url(self) -> str:
        """Where the admin API answers; empty if it is off."""
        return local_url(self.admin_host, self.admin_port)

    @property
    def admin_page(self) -> str:
        """Where administrators open the admin page, without a slash at the end; empty if it is
        off.
        """
        local = self.admin_url
        return self.admin_page_url.rstrip("/") or (f"{local}/admin" if local else "")

    @property
    def programs_url(self) -> str:
        """Where other programs reach Ken; empty if they do not."""
        return self.doors_url.rstrip("/") or local_url(self.doors_host, self.doors_port)


def local_url(host: str, port: int) -> str:
    """Return where a server of this machine answers; empty if its port is 0."""
    written = f"[{host}]" if ":" in host else host
    return f"http://{written}:{port}" if port else ""


class _Home(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="KEN_", extra="ignore")

    home: Path = Path(".ken")


def load_settings(data_dir: Path | None = None) -> Settings:
    """Load the settings of one home: `home`, else `KEN_HOME`, else `.ken` in the working directory.

    Raises SettingsInvalid, which names the setting but never its value.
    """
    folder = (data_dir or _Home().home).expanduser().absolute()
    try:
        return Settings(_env_file=folder / "ken.env", home=folder)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "KEN_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsInvalid(
            f"{name}: {first['msg']}",
            remedy=f"Correct it in the environment or in {folder / 'ken.env'}; docs/operate.md "
            "lists all settings.",
        ) from None


def fingerprints(settings: Settings) -> dict[str, str]:
    """Hash each setting that our processes read at their start: name to hash.

    It shows whether a running process was started with these settings, without storing any.
    """
    fields = {f"KEN_{name.upper()}": getattr(settings, name) for name in Settings.model_fields}
    values = {name: _revealed(value) for name, value in fields.items() if name not in _NOT_READ}
    values |= {name: os.environ[name] for name in _NETWORK if name in os.environ}
    return {
        name: sha256(f"{name}={value}".encode()).hexdigest()[:16] for name, value in values.items()
    }


_NOT_READ = {"KEN_HOME", "KEN_OWNER_PASSWORD", "KEN_SUPERUSER_URL"}
_NETWORK = {
    *("SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "no_proxy"),
}


def _revealed(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def child_environment(settings: Settings) -> dict[str, str]:
    """Return the environment for our own processes: the home, Ken's settings, and what programs
    need.

    The owner's and the superuser's are left out: none of them migrates.
    """
    passed = {"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR"} | _NETWORK
    kept = {k: v for k, v in os.environ.items() if k in passed or k.startswith("KEN_")}
    for name in ("KEN_OWNER_PASSWORD", "KEN_SUPERUSER_URL"):
        kept.pop(name, None)
    return {**kept, "KEN_HOME": str(settings.home), "PYTHONUNBUFFERED": "1"}
