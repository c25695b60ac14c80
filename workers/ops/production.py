"""Checks all settings together before a process starts: contradictions, and what is unsafe.

Contradictions are always refused. Unsafe settings are refused if KEN_PRODUCTION is true, and are
otherwise only reported by `ken doctor`. No message shows a value.
"""

import ipaddress
import os
from collections.abc import Iterator
from itertools import combinations
from typing import Literal, get_args
from urllib.parse import SplitResult, parse_qs, urlsplit

from workers.errors import SettingsInvalid
from workers.models.address import address_of
from workers.settings import Role, Settings
from workers.slack.encryption import has_token_key

Process = Literal["worker", "bot", "admin", "doors", "up"]
"""`up` starts the others. Only `up` migrates the schema, as the owner."""

SHORTEST_PASSWORD = 16
SHORTEST_LEASE_S = 3
"""A lease is renewed every third of its time, and a renewal may take a second."""

_KNOWN_SECRETS = frozenset({"xoxb-playground", "xapp-playground", "playground"})
"""The playground's secrets, which anybody can read in its source code."""
_SLACK = "https://slack.com/api/"
_LONGEST_MONTH = 31
_QUEUES = frozenset({"redis", "rediss", "redis+socket", "unix"})
_GUARDED_SSL = frozenset({"require", "verify-ca", "verify-full"})


def refuse_unsafe(settings: Settings, process: Process) -> None:
    """Raise SettingsInvalid with a list of everything that is wrong."""
    wrong = contradictions(settings, process)
    if settings.production:
        wrong += unsafe(settings, process)
    if wrong:
        raise SettingsInvalid(
            "\n".join(["The settings cannot be used as they are:", *(f"- {one}" for one in wrong)]),
            remedy=f"Correct them in the environment or in {settings.home / 'ken.env'}; "
            "docs/operate.md explains each. Nothing was started.",
        )


def contradictions(settings: Settings, process: Process) -> list[str]:
    """Return settings that cannot work, or would do something other than intended."""
    return [
        *_slack_is_complete(settings, process),
        *_oauth_is_complete(settings),
        *_addresses(settings),
        *_ports(settings),
        *_playground(settings),
        *_lease(settings),
        *_retention(settings),
    ]


def unsafe(settings: Settings, process: Process) -> list[str]:
    """Return settings that work but are not safe for a company's documents."""
    return [
        *_queue_is_guarded(settings),
        *_postgresql_is_guarded(settings),
        *_passwords(settings),
        *_owner(settings, process),
        *_superuser(settings),
        *_for_trying(settings),
        *_sent_in_the_clear(settings),
    ]


# -- contradictions -----------------------------------------------------------------------------


def _slack_is_complete(settings: Settings, process: Process) -> Iterator[str]:
    if process == "bot" or (process == "up" and settings.has_slack):
        if not settings.has_slack:
            yield "KEN_SLACK_BOT_TOKEN (xoxb-…) is not set: set it, or do not start the bot"
        if settings.slack_mode == "socket" and not settings.slack_app_token.get_secret_value():
            yield "KEN_SLACK_APP_TOKEN (xapp-…) is not set: Socket Mode needs it"
        if settings.slack_mode == "http" and not settings.slack_signing_secret.get_secret_value():
            yield (
                "KEN_SLACK_SIGNING_SECRET is not set: with KEN_SLACK_MODE=http, Ken needs it to "
                "check that an event comes from Slack"
            )


def _oauth_is_complete(settings: Settings) -> Iterator[str]:
    """Check OAuth for every process: workers refresh tokens, and read what the bot encrypted."""
    if not settings.has_oauth:
        return
    if settings.slack_bot_token.get_secret_value():
        yield (
            "KEN_SLACK_BOT_TOKEN and KEN_SLACK_CLIENT_ID are both set: use a token for one "
            "workspace, or OAuth for several. Remove one of the two"
        )
    if not settings.slack_client_secret.get_secret_value():
        yield "KEN_SLACK_CLIENT_SECRET is not set: OAuth needs it beside KEN_SLACK_CLIENT_ID"
    if not has_token_key(settings):
        yield (
            "KEN_TOKEN_KEY is not set, or is not a Fernet key: it encrypts the stored tokens. Make "
            "one with `openssl rand -base64 32 | tr +/ -_`"
        )
    if not settings.slack_workspaces:
        yield (
            "KEN_SLACK_WORKSPACES is not set: anybody who finds the address could install Ken in "
            "another workspace. List the ids of yours (T…, or E… for a whole Grid organisation)"
        )
    if not settings.public_url:
        yield "KEN_PUBLIC_URL is not set: Slack sends people who install Ken there. Set it"
    if settings.slack_mode != "http":
        yield "KEN_SLACK_MODE is socket: installing by OAuth needs the bot's web pages. Set http"


def _addresses(settings: Settings) -> Iterator[str]:
    for name, value in (
        ("KEN_PUBLIC_URL", settings.public_url),
        ("KEN_ADMIN_PAGE_URL", settings.admin_page_url),
        ("KEN_DOORS_URL", settings.doors_url),
        ("KEN_SLACK_API_URL", settings.slack_api_url),
        ("KEN_OTLP_ENDPOINT", settings.otlp_endpoint),
    ):
        if value and not _is_web_address(value):
            yield f"{name} is not a web address: write it as https://HOST/PATH"
    for prefix, model in _models(settings):
        try:
            address_of(model.model_base_url, model.model_name)
        except ValueError as wrong:
            yield f"{prefix}_BASE_URL {wrong}"
        key = model.model_api_key.get_secret_value().strip()
        if not key.isascii() or not key.isprintable() or " " in key:
            yield f"{prefix}_API_KEY has a character that no key has: copy it again"
    try:
        address_of(settings.embedding_base_url, "model")
    except ValueError as wrong:
        yield f"KEN_EMBEDDING_BASE_URL {str(wrong).replace('KEN_MODEL_', 'KEN_EMBEDDING_')}"
    queue = settings.redis_url.get_secret_value()
    if queue and _split(queue).scheme not in _QUEUES:
        yield (
            "KEN_REDIS_URL is not an address of Redis: write it as rediss://:PASSWORD@HOST:PORT/0, "
            "redis://… or redis+socket://…"
        )


def _ports(settings: Settings) -> Iterator[str]:
    """Check that the processes of a data folder, which share a machine, use different ports."""
    ours = {
        "KEN_ADMIN_PORT": settings.admin_port,
        "KEN_DOORS_PORT": settings.doors_port,
        "KEN_WORKER_OPS_PORT": settings.worker_ops_port,
        "KEN_JOBS_OPS_PORT": settings.jobs_ops_port,
        "KEN_BOT_OPS_PORT": settings.bot_ops_port,
    }
    if settings.slack_mode == "http":
        ours["KEN_HTTP_PORT"] = settings.http_port
    if settings.playground is not None:
        ours["KEN_SLACK_API_URL"] = _split(settings.slack_api_url).port or 0
    for (one, first), (other, second) in combinations(ours.items(), 2):
        if first and first == second:
            yield f"{one} and {other} are the same port: give each its own"


def _playground(settings: Settings) -> Iterator[str]:
    if settings.playground is None:
        return
    real = [
        name
        for name, secret in (
            ("KEN_SLACK_BOT_TOKEN", settings.slack_bot_token),
            ("KEN_SLACK_APP_TOKEN", settings.slack_app_token),
        )
        if secret.get_secret_value() not in {"", *_KNOWN_SECRETS}
    ]
    if real:
        yield (
            f"KEN_PLAYGROUND and {' and '.join(real)} are both set: the playground is a Slack of "
            "its own. Remove one of the two"
        )
    if settings.has_slack and settings.slack_api_url == _SLACK:
        yield (
            "KEN_PLAYGROUND is set and KEN_SLACK_API_URL is Slack's own: answers would go to Slack "
            "and not to the playground. Set it to the playground's address"
        )


def _lease(settings: Settings) -> Iterator[str]:
    if settings.lease_s < SHORTEST_LEASE_S:
        yield (
            f"KEN_LEASE_S is less than {SHORTEST_LEASE_S}: a lease could end while its question is "
            "still being answered. Set 6 or more"
        )


def _retention(settings: Settings) -> Iterator[str]:
    if 0 < settings.keep_questions_days <= settings.review_days:
        yield (
            "KEN_KEEP_QUESTIONS_DAYS is not more than KEN_REVIEW_DAYS: an answer whose record is "
            "gone cannot be withdrawn when a reader loses access. Set it higher, or 0 to keep all"
        )
    if 0 < settings.keep_usage_days < _LONGEST_MONTH:
        yield (
            f"KEN_KEEP_USAGE_DAYS is less than {_LONGEST_MONTH}: a month's budget counts what the "
            "models have cost. Set it higher, or 0 to keep all"
        )


# -- what is unsafe -----------------------------------------------------------------------------


def _queue_is_guarded(settings: Settings) -> Iterator[str]:
    url = settings.redis_url.get_secret_value()
    if not url:
        return
    where = _split(url)
    if not where.password:
        yield (
            "KEN_REDIS_URL has no password: anybody who reaches Redis could add to the queue or "
            "empty it. Set requirepass in Redis, and redis://:PASSWORD@… here"
        )
    if where.scheme == "redis" and not _is_here(where.hostname):
        yield (
            "KEN_REDIS_URL sends the password over the network unencrypted. Write rediss://… "
            "(TLS, with ?ssl_cert_reqs=required)"
        )
    # Celery's Redis library checks no certificate by default.
    if where.scheme == "rediss" and parse_qs(where.query).get("ssl_cert_reqs") != ["required"]:
        yield (
            "KEN_REDIS_URL does not require a check of the server's certificate: add "
            "?ssl_cert_reqs=required"
        )


def _postgresql_is_guarded(settings: Settings) -> Iterator[str]:
    from workers.embedded.servers import is_embedded  # noqa: PLC0415 - only what starts waits for it

    url = settings.database_url.get_secret_value()
    if not url or is_embedded(url):
        yield (
            "KEN_DATABASE_URL is the embedded server: the passwords of its superuser and all roles "
            "are in the data folder, where every process can read them. Use a PostgreSQL server of "
            "your own"
        )
        return
    where = _split(url)
    asked = parse_qs(where.query)
    hosts = [host for one in asked.get("host", []) for host in one.split(",")]
    hosts = hosts or [one.rpartition("@")[2] for one in where.netloc.split(",")]
    if all(_is_here(_host(host)) for host in hosts):
        return
    if asked.get("sslmode", [""])[-1] not in _GUARDED_SSL:
        yield (
            "KEN_DATABASE_URL may use the network without encryption: add "
            "?sslmode=verify-full (or require)"
        )


def _passwords(settings: Settings) -> Iterator[str]:
    roles: dict[str, str] = {}
    for role in get_args(Role):
        if secret := settings.password(role).get_secret_value():
            roles[f"KEN_{role.upper()}_PASSWORD"] = secret
    for name, secret in roles.items():
        if len(secret) < SHORTEST_PASSWORD:
            yield (
                f"{name} is shorter than {SHORTEST_PASSWORD} characters: make one with "
                "`openssl rand -hex 24`, and set it for the role"
            )
    for (one, first), (other, second) in combinations(roles.items(), 2):
        if first == second:
            yield f"{one} and {other} are the same: each role needs a password of its own"
    secrets = {
        "KEN_SLACK_BOT_TOKEN": settings.slack_bot_token,
        "KEN_SLACK_APP_TOKEN": settings.slack_app_token,
        "KEN_SLACK_SIGNING_SECRET": settings.slack_signing_secret,
    }
    values = {name: secret.get_secret_value() for name, secret in secrets.items()} | roles
    for name, secret in values.items():
        if secret in _KNOWN_SECRETS:
            yield f"{name} is the playground's, which is public: set your own"


def _owner(settings: Settings, process: Process) -> Iterator[str]:
    if process != "up" and settings.owner_password.get_secret_value():
        yield (
            f"KEN_OWNER_PASSWORD is set for a process that does not migrate ({process}): the owner "
            "can remove row-level security. Set it only for `ken migrate`, in its environment and "
            "not in ken.env"
        )


def _superuser(settings: Settings) -> Iterator[str]:
    if settings.superuser_url.get_secret_value():
        yield (
            "KEN_SUPERUSER_URL is set: whoever reads it can do anything to PostgreSQL. Set it only "
            "for `ken provision`, in its environment and not in ken.env"
        )


def _for_trying(settings: Settings) -> Iterator[str]:
    if settings.playground is not None:
        yield "KEN_PLAYGROUND is set: in it, anybody can write as anybody. Remove it"
    if "KEN_CRASHPOINTS" in os.environ:
        yield "KEN_CRASHPOINTS is set: it kills processes, for tests only. Remove it"


def _sent_in_the_clear(settings: Settings) -> Iterator[str]:
    if settings.has_slack and _split(settings.slack_api_url).scheme != "https":
        yield "KEN_SLACK_API_URL is not https: answers and the token would be sent unencrypted"
    if settings.has_oauth and _split(settings.public_url).scheme != "https":
        yield "KEN_PUBLIC_URL is not https: the codes that install Ken would be sent unencrypted"
    page = _split(settings.admin_page_url)
    if settings.admin_page_url and page.scheme != "https" and not _is_here(page.hostname):
        yield "KEN_ADMIN_PAGE_URL is not https: sessions of administrators could be taken over"
    for prefix, model in _models(settings):
        url = _split(model.model_base_url)
        if model.model_base_url and url.scheme != "https" and not _is_here(url.hostname):
            yield f"{prefix}_BASE_URL is not https: passages and the key would be sent unencrypted"
    url = _split(settings.embedding_base_url)
    if settings.embedding_base_url and url.scheme != "https" and not _is_here(url.hostname):
        yield (
            "KEN_EMBEDDING_BASE_URL is not https: the text of all documents and the key would be "
            "sent unencrypted"
        )


def _models(settings: Settings) -> Iterator[tuple[str, Settings]]:
    """Yield the first model's settings, and the second's in their place, with their prefix."""
    yield "KEN_MODEL", settings
    if (second := settings.fallback_model) is not None:
        yield "KEN_FALLBACK_MODEL", second


# -- addresses ----------------------------------------------------------------------------------


def _split(url: str) -> SplitResult:
    try:
        found = urlsplit(url)
        _ = found.port, found.hostname
    except ValueError:
        return SplitResult("", "", "", "", "")
    return found


def _is_web_address(url: str) -> bool:
    where = _split(url)
    return where.scheme in {"http", "https"} and bool(where.hostname)


def _host(place: str) -> str:
    """Return the host of HOST, HOST:PORT or [HOST]:PORT."""
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place.partition(":")[0] if place.count(":") == 1 else place


def _is_here(host: str | None) -> bool:
    """Return whether it is this machine: no host, a socket's folder, or a loopback address."""
    if not host or host.startswith(("/", "%2F", "%2f", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
