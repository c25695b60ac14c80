"""Where a language model answers: reads KEN_MODEL_BASE_URL and finds the addresses to call."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

_OPENAI = "https://api.openai.com/v1"
_PASTED = re.compile(
    r"/(?:chat/completions|responses|completions|models|embeddings|api/chat|api/generate)\Z",
    re.IGNORECASE,
)
"""Endings of full addresses, which people copy from a vendor's page."""
_AZURE = (".azure.com", ".azure-api.net", ".azure.us", ".azure.cn")
_HAS_VERSION = re.compile(r"/v[0-9]|/deployments/", re.IGNORECASE)
_SECRETS = re.compile(r"key|token|secret|password|sig|code|auth", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """One server. `bases`: where its API may begin, the most likely first."""

    bases: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    is_azure: bool = False
    """It expects the key as `api-key`; its other header is for tokens of other services."""

    @property
    def shown(self) -> str:
        """Return it for people to read; `address_of` accepts no secrets in it."""
        return self.bases[0]


def address_of(url: str, model: str) -> Address:
    """Parse an address. Raises ValueError with what is wrong and what to write; never the value."""
    given = url.strip()
    if not given:
        return Address((_OPENAI,))
    try:
        where = urlsplit(given)
        is_one = where.scheme in ("http", "https") and bool(where.hostname) and where.port != 0
    except ValueError:  # a broken port or bracket; its words hold the value
        is_one = False
    if not is_one:
        raise ValueError("is not an address: write it as https://HOST/v1")
    if "@" in where.netloc:
        raise ValueError(
            "contains a name or a password: write it as https://HOST/v1, and the key as "
            "KEN_MODEL_API_KEY"
        )
    if re.search(r"[\s\\]", given) or not given.isprintable() or where.fragment:
        raise ValueError("contains a space, a backslash or a #: write it as https://HOST/v1")
    query = tuple(parse_qsl(where.query, keep_blank_values=True))
    if any(_SECRETS.search(name) for name, _ in query):
        raise ValueError(
            "contains a secret after its ?: remove it, and set it as KEN_MODEL_API_KEY"
        )
    host, path = where.hostname or "", _without_end(where.path)
    dated = any(name == "api-version" for name, _ in query)
    of_azure = host.rstrip(".").endswith(_AZURE)
    return Address(
        tuple(
            f"{where.scheme}://{where.netloc}{one}"
            for one in _paths(path, model, of_azure=of_azure, dated=dated)
        ),
        query,
        of_azure or dated,
    )


def _without_end(path: str) -> str:
    return _PASTED.sub("", re.sub("//+", "/", path).rstrip("/"))


def _paths(path: str, model: str, *, of_azure: bool, dated: bool) -> tuple[str, ...]:
    """Azure has two APIs: /openai/v1, and one with dates, in which chat belongs to a deployment."""
    if of_azure and not dated and path in ("", "/openai"):
        return ("/openai/v1",)
    if dated and (path == "/openai" or (of_azure and not path)):
        return ("/openai", f"/openai/deployments/{model}")
    if _HAS_VERSION.search(path):
        return (path,)
    return (f"{path}/v1", path)
