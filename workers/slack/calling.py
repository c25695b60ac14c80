"""One call of Slack's Web API: what failed, and whether trying again could help."""

from collections.abc import Callable, Iterator
from http.client import HTTPException
from typing import Any

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from workers.errors import SlackBusy, SlackRefused, SlackUnavailable
from workers.observe import metrics

PAGE = 200
"""How many of a list are asked for at once."""
_PASSING = frozenset(
    {"fatal_error", "internal_error", "ratelimited", "request_timeout", "service_unavailable"}
)


def call(method: Callable[..., SlackResponse], **arguments: Any) -> SlackResponse:
    """Call Slack. Raises SlackUnavailable or SlackRefused with Slack's error code, and nothing we
    sent.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    with metrics.slack_call(method.__name__):
        return _called(method, given)


def _called(method: Callable[..., SlackResponse], given: dict[str, Any]) -> SlackResponse:
    try:
        return method(**given)
    except SlackApiError as error:
        wait_s = _retry_after(error.response)
        if wait_s is not None:
            raise SlackBusy("ratelimited", retry_after_s=wait_s) from None
        code = str(error.response.get("error", "")) if error.response else ""
        if code and code not in _PASSING:
            raise SlackRefused(code) from None
        raise SlackUnavailable(code or "unreadable") from None
    except (SlackClientError, HTTPException, OSError) as error:
        raise SlackUnavailable(type(error).__name__) from None


def _retry_after(response: SlackResponse | None) -> float | None:
    """Return the seconds to wait if Slack says that we call too often."""
    if response is None or response.status_code != 429:
        return None
    delay = {name.lower(): value for name, value in response.headers.items()}.get("retry-after", "")
    return float(delay) if str(delay).isdecimal() else 1.0


def pages(method: Callable[..., SlackResponse], **arguments: Any) -> Iterator[SlackResponse]:
    """Return all pages of a list. Raises as `call` does."""
    cursor = None
    while True:
        page = call(method, limit=PAGE, cursor=cursor, **arguments)
        yield page
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return
