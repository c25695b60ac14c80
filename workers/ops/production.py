"""Settings looked at together, before a process starts: what contradicts itself, what is unsafe.

Contradictions are refused always. What is unsafe is refused where KEN_PRODUCTION is true, and
elsewhere only said by `ken doctor`. No message shows a value.
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

Process = Literal["worker", "bot", "admin", "up"]
"""`up` starts the others, and is the only one of them that migrates, as the owner."""

SHORTEST_PASSWORD = 16
SHORTEST_LEASE_S = 3
"""Renewed every third of it: a renewal may take a second."""

_KNOWN_SECRETS = frozenset({"xoxb-playground", "xapp-playground", "playground"})
"""The playground's, which everybody can read in its source."""
_SLACK = "https://slack.com/api/"
_QUEUES = frozenset({"redis", "rediss", "redis+socket", "unix"})
_GUARDED_SSL = frozenset({"require", "verify-ca", "verify-full"})


def refuse_unsafe(settings: Settings, process: Process) -> None:
    """Raises SettingsInvalid, which lists everything that is wrong at once."""
    wrong = contradictions(settings, process)
    if settings.production:
        wrong += unsafe(settings, process)
    if wrong:
        raise SettingsInvalid(
            "\n".join(["The settings cannot be used as they are:", *(f"- {one}" for one in wrong)]),
            remedy=f"Correct them in the environment or in {settings.home / 'ken.env'}. Nothing "
            "was started; docs/operate.md explains each.",
        )


def contradictions(settings: Settings, process: Process) -> list[str]:
    """What cannot work, or would do something else than was meant."""
    return [
        *_slack_is_complete(settings, process),
        *_oauth_is_complete(settings),
        *_addresses(settings),
        *_ports(settings),
        *_playground(settings),
        *_lease(settings),
    ]


def unsafe(settings: Settings, process: Process) -> list[str]:
    """What works, and is not for a company's documents."""
    return [
        *_queue_is_guarded(settings),
        *_postgresql_is_guarded(settings),
        *_passwords(settings),
        *_owner(settings, process),
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
                "KEN_SLACK_SIGNING_SECRET is not set: with KEN_SLACK_MODE=http nobody could tell "
                "Slack's events from others'"
            )


def _oauth_is_complete(settings: Settings) -> Iterator[str]:
    """Of every process: workers refresh tokens, and read what the bot encrypted."""
    if not settings.has_oauth:
        return
    if settings.slack_bot_token.get_secret_value():
        yield (
            "KEN_SLACK_BOT_TOKEN and KEN_SLACK_CLIENT_ID are both set: one workspace by its token, "
            "or several by OAuth. Remove one or the other"
        )
    if not settings.slack_client_secret.get_secret_value():
        yield "KEN_SLACK_CLIENT_SECRET is not set: OAuth needs it beside KEN_SLACK_CLIENT_ID"
    if not has_token_key(settings):
        yield (
            "KEN_TOKEN_KEY is not set, or is no Fernet key: tokens are only kept encrypted. Make "
            "one with `openssl rand -base64 32 | tr +/ -_`"
        )
    if not settings.slack_workspaces:
        yield (
            "KEN_SLACK_WORKSPACES is not set: whoever found the address could install Ken in their "
            "own workspace. List the ids of yours (T…, or E… for a whole Grid organisation)"
        )
    if not settings.public_url:
        yield "KEN_PUBLIC_URL is not set: Slack must know where to send whoever installs Ken"
    if settings.slack_mode != "http":
        yield "KEN_SLACK_MODE is socket: installing by OAuth needs the bot's web pages. Set http"


def _addresses(settings: Settings) -> Iterator[str]:
    for name, value in (
        ("KEN_PUBLIC_URL", settings.public_url),
        ("KEN_SLACK_API_URL", settings.slack_api_url),
        ("KEN_OTLP_ENDPOINT", settings.otlp_endpoint),
    ):
        if value and not _is_web_address(value):
            yield f"{name} is no address: write it as https://HOST/PATH"
    try:
        address_of(settings.model_base_url, settings.model_name)
    except ValueError as wrong:
        yield f"KEN_MODEL_BASE_URL {wrong}"
    key = settings.model_api_key.get_secret_value().strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        yield "KEN_MODEL_API_KEY holds a character that stands in no key: copy it again"
    queue = settings.redis_url.get_secret_value()
    if queue and _split(queue).scheme not in _QUEUES:
        yield (
            "KEN_REDIS_URL is no address of Redis: write it as rediss://:PASSWORD@HOST:PORT/0, "
            "redis://… or redis+socket://…"
        )


def _ports(settings: Settings) -> Iterator[str]:
    """Of all processes of a home: they run on one machine."""
    ours = {
        "KEN_ADMIN_PORT": settings.admin_port,
        "KEN_WORKER_OPS_PORT": settings.worker_ops_port,
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
            "its own. Remove one or the other"
        )
    if settings.has_slack and settings.slack_api_url == _SLACK:
        yield (
            "KEN_PLAYGROUND is set and KEN_SLACK_API_URL is Slack's own: what is said in the "
            "playground would be answered elsewhere. Set it to the playground's address"
        )


def _lease(settings: Settings) -> Iterator[str]:
    if settings.lease_s < SHORTEST_LEASE_S:
        yield (
            f"KEN_LEASE_S is under {SHORTEST_LEASE_S}: a lease is renewed every third of it, and "
            "would run out while its question is answered. Set 6 or more"
        )


# -- what is unsafe -----------------------------------------------------------------------------


def _queue_is_guarded(settings: Settings) -> Iterator[str]:
    url = settings.redis_url.get_secret_value()
    if not url:
        return
    where = _split(url)
    if not where.password:
        yield (
            "KEN_REDIS_URL has no password: whoever reaches Redis could ring, or empty the queue. "
            "Set requirepass there, and redis://:PASSWORD@… here"
        )
    if where.scheme == "redis" and not _is_here(where.hostname):
        yield (
            "KEN_REDIS_URL sends the password over the network as it is. Write rediss://… "
            "(TLS, with ?ssl_cert_reqs=required)"
        )
    # Celery's library checks no certificate unless it is told to.
    if where.scheme == "rediss" and parse_qs(where.query).get("ssl_cert_reqs") != ["required"]:
        yield (
            "KEN_REDIS_URL does not say that the server's certificate is checked: add "
            "?ssl_cert_reqs=required"
        )


def _postgresql_is_guarded(settings: Settings) -> Iterator[str]:
    from workers.embedded.servers import is_embedded  # noqa: PLC0415 - only what starts waits for it

    url = settings.database_url.get_secret_value()
    if not url or is_embedded(url):
        yield (
            "KEN_DATABASE_URL is the embedded server: its superuser's password and every role's "
            "lie in the home, where each process can read them. Use a PostgreSQL of your own"
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
            "KEN_DATABASE_URL goes over the network and may do so in the clear: add "
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
                "`openssl rand -hex 24`, and give it to the role"
            )
    for (one, first), (other, second) in combinations(roles.items(), 2):
        if first == second:
            yield f"{one} and {other} are equal: each role needs a password of its own"
    secrets = {
        "KEN_SLACK_BOT_TOKEN": settings.slack_bot_token,
        "KEN_SLACK_APP_TOKEN": settings.slack_app_token,
        "KEN_SLACK_SIGNING_SECRET": settings.slack_signing_secret,
    }
    told = {name: secret.get_secret_value() for name, secret in secrets.items()} | roles
    for name, secret in told.items():
        if secret in _KNOWN_SECRETS:
            yield f"{name} is the playground's, which everybody knows: set your own"


def _owner(settings: Settings, process: Process) -> Iterator[str]:
    if process != "up" and settings.owner_password.get_secret_value():
        yield (
            f"KEN_OWNER_PASSWORD is set where nothing migrates ({process}): the owner could take "
            "row-level security away. Give it to `ken migrate` alone, in its environment and not "
            "in ken.env"
        )


def _for_trying(settings: Settings) -> Iterator[str]:
    if settings.playground is not None:
        yield "KEN_PLAYGROUND is set: it lets everybody write as everybody. Remove it"
    if "KEN_CRASHPOINTS" in os.environ:
        yield "KEN_CRASHPOINTS is set: it ends processes, for tests. Remove it"


def _sent_in_the_clear(settings: Settings) -> Iterator[str]:
    if settings.has_slack and _split(settings.slack_api_url).scheme != "https":
        yield "KEN_SLACK_API_URL is not https: answers and the token would go in the clear"
    if settings.has_oauth and _split(settings.public_url).scheme != "https":
        yield "KEN_PUBLIC_URL is not https: what installs Ken would go in the clear"
    model = _split(settings.model_base_url)
    if settings.model_base_url and model.scheme != "https" and not _is_here(model.hostname):
        yield "KEN_MODEL_BASE_URL is not https: passages and the key would go in the clear"


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
    """Of HOST, HOST:PORT or [HOST]:PORT."""
    if place.startswith("["):
        return place[1:].partition("]")[0]
    return place.partition(":")[0] if place.count(":") == 1 else place


def _is_here(host: str | None) -> bool:
    """This machine: a socket's folder, no host at all, or an address that does not leave it."""
    if not host or host.startswith(("/", "%2F", "%2f", "@")) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
