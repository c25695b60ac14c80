"""Sends one request to a model's server, and reads the whole answer within a time and a size."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from workers.models.failure import Failed, Fault

_CONNECT_S = 10.0


@dataclass(frozen=True, slots=True)
class Posted:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def post(
    client: httpx2.Client,
    url: str,
    body: dict[str, Any],
    *,
    query: Any,
    most_s: float,
    clock: Callable[[], float],
    most_bytes: int,
    too_large: Fault,
) -> Posted:
    """Post a body and read the answer, all of it within `most_s` and up to `most_bytes`.

    Raises Failed; `too_large` is the fault of an answer that is longer.
    """
    if most_s <= 0:
        raise Failed(Fault.PASSING, "timeout")
    until = clock() + most_s
    raw = bytearray()
    try:
        with client.stream(
            "POST",
            url,
            params=query,
            json=body,
            timeout=httpx2.Timeout(most_s, connect=min(most_s, _CONNECT_S)),
        ) as response:
            for piece in response.iter_bytes():
                raw += piece
                if clock() > until:
                    raise Failed(Fault.PASSING, "timeout")
                if len(raw) > most_bytes:
                    raise Failed(too_large, "body_too_large")
    except httpx2.TimeoutException:
        raise Failed(Fault.PASSING, "timeout") from None
    except httpx2.HTTPError:
        raise Failed(Fault.PASSING, "connection") from None
    except httpx2.InvalidURL:
        raise Failed(Fault.LASTING, "bad_address") from None
    return Posted(response.status_code, response.headers, bytes(raw))
