"""Why a model's server gave no answer: is it transient, does it last, is it about this question?"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

_PASSING = frozenset({408, 409, 425, 429})
"""The statuses below 500 for which another try may succeed."""
_NO_SUCH_PATH = frozenset({404, 405, 410, 415, 501})
_OF_A_STATUS = {401: "unauthorized", 402: "no_credit", 403: "forbidden", 413: "too_long"}
_NAMED = (
    "store", "max_output_tokens", "max_completion_tokens", "max_tokens", "temperature",
    "reasoning_effort", "reasoning", "response_format", "json_schema", "text",
)  # fmt: skip
"""Our parameters, a longer name before one that is part of it."""
_MODEL_NOT_FOUND = re.compile(
    r"model_?not_?found|deployment_?not_?found|(?:invalid|unknown) (?:model|deployment)\b"
    r"|\b(?:models?|deployment)\b.{0,200}\b(?:not found|not exist|unknown|no such|not available)",
    re.DOTALL,
)
_TOO_LONG = re.compile(
    r"context[_ ](?:length|size|window)|maximum context|too many tokens"
    r"|max_[a-z_]{0,20}tokens\b.{0,40}\b(?:large|at most|less than|exceed|maximum)"
)
_NO_KEY = re.compile(r"(?:invalid|incorrect)[_ ]api[_ ]key|api key not valid")

EXPLAINED: dict[str, tuple[str, str]] = {
    "timeout": (
        "did not give a complete answer in time",
        "Raise KEN_MODEL_TIMEOUT_S, or shorten the prompt with KEN_PASSAGES_PER_ANSWER.",
    ),
    "connection": (
        "cannot be reached, or closed the connection",
        "Check that it is running, KEN_MODEL_BASE_URL, and the network (proxy, TLS).",
    ),
    "busy": ("is busy (429)", "Wait, or raise its limit."),
    "server_error": ("reports an internal error (5xx)", "See its log for the reason."),
    "cut_body": (
        "sends an incomplete body",
        "A proxy in between may cut it off: try without the proxy.",
    ),
    "unauthorized": ("does not accept the key (401)", "Correct KEN_MODEL_API_KEY."),
    "forbidden": (
        "refuses this key (403)",
        "Allow the key to use this model, or this address to call it.",
    ),
    "no_credit": ("has no credit or quota left for this key", "Top it up at the vendor."),
    "redirected": (
        "answers with a redirect",
        "Set KEN_MODEL_BASE_URL to the address that it leads to; Ken follows no redirects.",
    ),
    "model_not_found": (
        "does not know this model",
        "Correct KEN_MODEL_NAME (at Azure the deployment's name), or load the model there.",
    ),
    "no_api": (
        "has neither the Responses API nor Chat Completions there",
        "Correct KEN_MODEL_BASE_URL: it usually ends in /v1.",
    ),
    "bad_address": ("cannot be called", "Correct KEN_MODEL_BASE_URL: https://HOST/v1."),
    "no_json_body": (
        "answers with something other than JSON",
        "It may be a sign-in page, or a proxy's page. Correct KEN_MODEL_BASE_URL.",
    ),
    "no_answer_body": (
        "answers in the form of another API",
        "Correct KEN_MODEL_BASE_URL: Ken speaks the Responses API and Chat Completions.",
    ),
    "body_too_large": (
        "answers with more than 4 MB",
        "Correct KEN_MODEL_BASE_URL: an answer is never that long.",
    ),
    "too_long": (
        "has too small a context, even for a short question",
        "Give it 8,000 tokens or more, or lower KEN_MODEL_MAX_TOKENS.",
    ),
    "no_json": (
        "answers, but not with JSON in any form",
        "Choose a model that follows instructions, or a server that takes a JSON schema.",
    ),
    "empty": ("sends an empty answer", "Choose another model, or see its server's log."),
    "refused": ("refuses a harmless question", "Choose another model."),
    "content_filter": (
        "filters a harmless question or its answer",
        "Loosen the filter (at Azure, the deployment's).",
    ),
    "cut": (
        "cuts its answer off, even with a higher limit",
        "Raise KEN_MODEL_MAX_TOKENS, or lower KEN_MODEL_REASONING_EFFORT.",
    ),
    "parameter": (
        "does not accept a parameter that is set: {parameter}",
        "Unset the setting of that name (KEN_MODEL_REASONING_EFFORT, KEN_MODEL_TEMPERATURE), or "
        "choose another KEN_MODEL_API.",
    ),
}
"""Each reason in words for an operator: what the server does, and what to do about it."""
_CUT = frozenset({"finish_length", "unterminated"})
_FILTERED = frozenset({"status_incomplete/content_filter", "finish_content_filter"})


def explained(reason: str) -> tuple[str, str]:
    """Return what the server does, and what to do about it."""
    name, _, parameter = reason.partition("parameter_")
    if parameter:
        does, remedy = EXPLAINED["parameter"]
        return does.format(parameter=parameter), remedy
    if reason in _FILTERED:
        name = "content_filter"
    elif reason in ("status_failed", "finish_error"):
        name = "server_error"
    elif reason in _CUT or reason.startswith("status_incomplete"):
        name = "cut"
    return EXPLAINED.get(
        name, ("refuses the request", "See its log for the reason, and KEN_MODEL_API.")
    )


class Fault(StrEnum):
    PASSING = "passing"
    """Another try may succeed."""
    CUT = "cut"
    """The answer was cut off."""
    UNUSABLE = "unusable"
    """An answer without a draft."""
    FINAL = "final"
    """This question is refused or filtered; others are not."""
    LASTING = "lasting"
    """The server refuses, and would refuse again: this question, or all of them."""


class Failed(Exception):
    """`reason` is one of our own constants, never the server's text."""

    def __init__(
        self,
        fault: Fault,
        reason: str,
        *,
        retry_after_s: float | None = None,
        parameter: str = "",
    ) -> None:
        super().__init__(reason)
        self.fault = fault
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.parameter = parameter
        """Which of the request's parameters the server named."""


def refused(
    status: int, headers: Mapping[str, str], body: Any, sent: Mapping[str, Any]
) -> Failed | None:
    """Return the failure that a status means, or an error with status 200; None if
    there is none.
    """
    words = _error(body, is_one=status >= 300)
    if status < 300:
        if not words:
            return None
        status = _status_of(body, words)
    if 300 <= status < 400:
        return Failed(Fault.LASTING, "redirected")
    if "insufficient_quota" in words:
        return Failed(Fault.LASTING, "no_credit")
    if "content_filter" in words or "content management policy" in words:
        return Failed(Fault.FINAL, "content_filter")
    if _NO_KEY.search(words):
        return Failed(Fault.LASTING, "unauthorized")
    if status in _PASSING or (status >= 500 and status not in _NO_SUCH_PATH):
        return Failed(
            Fault.PASSING,
            "busy" if status == 429 else "server_error",
            retry_after_s=_retry_after(headers),
        )
    return _lasting(status, words, sent)


def _lasting(status: int, words: str, sent: Mapping[str, Any]) -> Failed:
    """Return the failure of a request that the server refuses and would refuse again."""
    if status in _OF_A_STATUS:
        return Failed(Fault.LASTING, _OF_A_STATUS[status])
    if _MODEL_NOT_FOUND.search(words):
        return Failed(Fault.LASTING, "model_not_found")
    if status in _NO_SUCH_PATH:
        return Failed(Fault.LASTING, "no_api")
    if _TOO_LONG.search(words):
        return Failed(Fault.LASTING, "too_long")
    parameter = _parameter(words, sent)
    return Failed(
        Fault.LASTING, f"parameter_{parameter}" if parameter else "bad_request", parameter=parameter
    )


def _error(body: Any, *, is_one: bool) -> str:
    """Return the text of an error in lower case, to be searched and never shown; empty if none.

    `is_one`: the status says that it is an error, and the body need not.
    """
    if not isinstance(body, dict):
        return ""
    found = [body.get(name) for name in ("error", "detail")]
    if is_one or body.get("object") == "error":
        found.append(body)
    if not any(found) or body.get("output") or body.get("choices"):
        return ""
    return str([one for one in found if one])[:5000].casefold()


def _status_of(body: Any, words: str) -> int:
    """Return the status of an error that came with status 200: its own, else a transient one."""
    error = body.get("error")
    code = (error if isinstance(error, dict) else body).get("code")
    if re.fullmatch(r"[45][0-9][0-9]", str(code)):
        return int(str(code))
    return 400 if _MODEL_NOT_FOUND.search(words) else 500


def _parameter(words: str, sent: Mapping[str, Any]) -> str:
    """Return the parameter that is named, of those that were sent."""
    if "messages" in sent and re.search(
        r"\bsystem\b.{0,40}\b(?:role|message|not supported)", words
    ):
        return "system"
    if "stream" not in sent and re.search(r"\bstream", words):
        return "whole"
    for name in _NAMED:
        is_sent = name in sent or (name == "json_schema" and ("text" in sent))
        if is_sent and re.search(rf"(?<![a-z_]){name}(?![a-z_])", words):
            return name
    return ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return seconds; the header has those or a date (RFC 9110, 10.2.3)."""
    asked = headers.get("retry-after", "")
    if re.fullmatch(r"[0-9]{1,6}([.][0-9]+)?", asked):
        return float(asked)
    if (until := _date(asked)) is None:
        return None
    now = _date(headers.get("date", "")) or datetime.now(UTC)  # the server's clock, not ours
    return max((until - now).total_seconds(), 0.0)


def _date(written: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(written)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
