"""The forms in which language models' servers are asked, and how their answers are read.

Shapes: https://platform.openai.com/docs/api-reference/responses and /chat; what others make of them
was read in vLLM, Ollama, llama.cpp, LiteLLM and Azure.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from workers.models.draft import SCHEMA
from workers.settings import Settings


class Form(StrEnum):
    """From the one that enforces most of an answer's form to the one that enforces nothing."""

    RESPONSES = "responses"
    CHAT_SCHEMA = "chat-schema"
    CHAT_JSON = "chat-json"
    CHAT_TEXT = "chat-text"


NAMES = {
    Form.RESPONSES: "Responses API",
    Form.CHAT_SCHEMA: "Chat Completions with a JSON schema",
    Form.CHAT_JSON: "Chat Completions in JSON mode",
    Form.CHAT_TEXT: "Chat Completions with JSON requested in the prompt",
}
DISPENSABLE = (
    "store", "max_output_tokens", "max_completion_tokens", "max_tokens", "system", "whole"
)  # fmt: skip
"""What a server may refuse: it is left out, or written otherwise, once it was refused by name.
`system`: a message with that role; `whole`: an answer in one piece, if it only streams."""
_CUT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
_FILTERED = frozenset({"content_filter", "safety"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one server has to be asked."""

    base: str
    form: Form
    left_out: frozenset[str] = frozenset()

    @property
    def url(self) -> str:
        end = "/responses" if self.form is Form.RESPONSES else "/chat/completions"
        return self.base + end

    def without(self, name: str) -> "Dialect":
        return replace(self, left_out=self.left_out | {name})


def request(
    dialect: Dialect,
    settings: Settings,
    asked: str,
    max_tokens: int,
    instructions: str,
    *,
    schema: dict[str, Any] = SCHEMA,
) -> dict[str, Any]:
    """Return the body: the instructions, the question with its passages, and nobody's name.

    `schema`: of the JSON that is to come back.
    """
    named = {"name": "answer", "strict": True, "schema": schema}
    if dialect.form is Form.RESPONSES:
        body = _responses(settings, asked, max_tokens, instructions, named)
    else:
        body = _chat(dialect, settings, asked, max_tokens, instructions, named)
    body = {"model": settings.model_name, "store": False, **body}
    if settings.model_temperature is not None:
        body["temperature"] = settings.model_temperature
    if "whole" in dialect.left_out:
        body["stream"] = True
    return {name: value for name, value in body.items() if name not in dialect.left_out}


def _responses(
    settings: Settings, asked: str, max_tokens: int, instructions: str, named: dict[str, Any]
) -> dict[str, Any]:
    effort = settings.model_reasoning_effort
    return {
        "instructions": instructions,
        "input": asked,
        "text": {"format": {"type": "json_schema", **named}},
        "max_output_tokens": max_tokens,
        **({"reasoning": {"effort": effort}} if effort else {}),
    }


def _chat(
    dialect: Dialect,
    settings: Settings,
    asked: str,
    max_tokens: int,
    instructions: str,
    named: dict[str, Any],
) -> dict[str, Any]:
    """Return the name of the limit: every server accepts `max_tokens`, except OpenAI's newer
    models.
    """
    messages = [{"role": "system", "content": instructions}, {"role": "user", "content": asked}]
    if "system" in dialect.left_out:
        messages = [{"role": "user", "content": f"{instructions}\n\n{asked}"}]
    budget = "max_completion_tokens" if "max_tokens" in dialect.left_out else "max_tokens"
    effort = settings.model_reasoning_effort
    return {
        "messages": messages,
        budget: max_tokens,
        **_response_format(dialect.form, named),
        **({"reasoning_effort": effort} if effort else {}),
    }


def _response_format(form: Form, named: dict[str, Any]) -> dict[str, Any]:
    match form:
        case Form.CHAT_SCHEMA:
            return {"response_format": {"type": "json_schema", "json_schema": named}}
        case Form.CHAT_JSON:
            return {"response_format": {"type": "json_object"}}
        case _:
            return {}


# -- what comes back ----------------------------------------------------------------------------


class Ending(StrEnum):
    """How an answer ended, as the server reports it."""

    WHOLE = "whole"
    CUT = "cut"
    FILTERED = "filtered"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer as the server gave it: its texts, those of its thinking, and how it ended."""

    texts: tuple[str, ...] = ()
    thoughts: tuple[str, ...] = ()
    """Used only if there is no text: some servers return the whole answer as thinking."""
    ending: Ending = Ending.WHOLE
    reason: str = ""
    """A constant of ours, for the log."""


def read(raw: bytes) -> Any:
    """Return the JSON of a body, streamed or not, whatever its content type is. Raises ValueError.

    Gemini puts it into a list.
    """
    text = raw.decode("utf-8-sig")
    if text.lstrip().startswith(("data:", "event:", ":", "id:")):
        return _streamed(text)
    body = json.loads(text)
    return body[0] if isinstance(body, list) and len(body) == 1 else body


def completion_in(body: Any) -> Completion | None:
    """Return the answer in a body; None if it is an answer in neither form."""
    if not isinstance(body, dict):
        return None
    if isinstance(body.get("choices"), list):
        return _of_choices(body["choices"])
    if (
        isinstance(body.get("output"), list)
        or isinstance(body.get("output_text"), str)
        or body.get("status") in ("failed", "incomplete")
    ):
        return _of_output(body)
    return None


def _of_output(body: dict[str, Any]) -> Completion:
    texts: list[str] = []
    thoughts: list[str] = []
    refused = False
    for item in _objects(body.get("output")):
        match item.get("type"):
            case "reasoning":
                thoughts += _texts(item.get("content"))
            case "function_call":
                texts += _texts(item.get("arguments"))
            case _:
                texts += _texts(item.get("content"))
                refused = refused or _refuses(item.get("content"))
    texts = texts or _texts(body.get("output_text"))
    ending, reason = _responses_ending(body, refused=refused and not any(texts))
    return Completion(tuple(texts), tuple(thoughts), ending, reason)


def _responses_ending(body: dict[str, Any], *, refused: bool) -> tuple[Ending, str]:
    details = body.get("incomplete_details")
    why = details.get("reason") if isinstance(details, dict) else None
    match body.get("status"), why:
        case "incomplete", "content_filter":
            return Ending.FILTERED, "status_incomplete/content_filter"
        case "incomplete", "max_output_tokens" | "max_tokens" | None:
            return Ending.CUT, "status_incomplete/max_output_tokens"
        case "incomplete", _:
            return Ending.CUT, "status_incomplete/other"
        case None | "completed", _:
            return (Ending.REFUSED, "refused") if refused else (Ending.WHOLE, "")
        case _:
            return Ending.FAILED, "status_failed"


def _of_choices(choices: list[Any]) -> Completion | None:
    """Return the first of several that is complete and not empty."""
    all_told = [_of_choice(choice) for choice in _objects(choices)]
    whole = [one for one in all_told if one.ending is Ending.WHOLE]
    saying = [one for one in whole if any(one.texts)]
    return next(iter(saying + whole + all_told), None)


def _of_choice(choice: dict[str, Any]) -> Completion:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {"content": choice.get("text")}
    texts = _texts(message.get("content"))
    for call in [*_objects(message.get("tool_calls")), {"function": message.get("function_call")}]:
        if isinstance(call.get("function"), dict):
            texts += _texts(call["function"].get("arguments"))
    thoughts = _texts(message.get("reasoning_content")) + _texts(message.get("reasoning"))
    ending, reason = Ending.WHOLE, ""
    match str(choice.get("finish_reason")).casefold():
        case finish if finish in _CUT:
            ending, reason = Ending.CUT, "finish_length"
        case finish if finish in _FILTERED:
            ending, reason = Ending.FILTERED, "finish_content_filter"
        case "error":
            ending, reason = Ending.FAILED, "finish_error"
        case _ if not any(texts) and (message.get("refusal") or _refuses(message.get("content"))):
            ending, reason = Ending.REFUSED, "refused"
    return Completion(tuple(texts), tuple(thoughts), ending, reason)


def _texts(content: Any) -> list[str]:
    """Return the texts of a string, a list of parts, or an object that should have been
    JSON text.
    """
    if isinstance(content, str):
        return [content]
    if isinstance(content, dict):
        return [json.dumps(content)]
    texts = (part.get("text") for part in _objects(content))
    return [text for text in texts if isinstance(text, str)]


def _refuses(content: Any) -> bool:
    return any(part.get("type") == "refusal" for part in _objects(content))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


def _streamed(text: str) -> Any:
    """Join what a server that only streams sent into one body. Raises ValueError if it
    has no end.
    """
    sent = list(_data(text))
    events = [json.loads(data) for data in sent if data != "[DONE]"]
    for event in reversed(list(_objects(events))):
        if isinstance(event.get("response"), dict) and event["response"].get("status") in (
            "completed",
            "incomplete",
            "failed",
        ):
            return event["response"]
        if "error" in event and "choices" not in event:
            return event
    choices = [choice for event in _objects(events) for choice in _objects(event.get("choices"))]
    finished = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    if not finished and sent[-1:] != ["[DONE]"]:
        raise ValueError("a stream without its end")
    deltas = [choice["delta"] for choice in choices if isinstance(choice.get("delta"), dict)]
    message: dict[str, Any] = {
        name: "".join(delta[name] for delta in deltas if isinstance(delta.get(name), str))
        for name in ("content", "reasoning_content", "reasoning", "refusal")
    }
    calls = [call.get("function") for one in deltas for call in _objects(one.get("tool_calls"))]
    arguments = [text for call in _objects(calls) for text in _texts(call.get("arguments"))]
    message["function_call"] = {"arguments": "".join(arguments)}
    return {"choices": [{"message": message, "finish_reason": [None, *finished][-1]}]}


def _data(text: str) -> Iterator[str]:
    """https://html.spec.whatwg.org/multipage/server-sent-events.html, with one line for each event.

    Only CR and LF end a line there; a string in JSON may contain other separators.
    """
    for line in re.split(r"[\r\n]+", text):
        if line.startswith("data:") and line.removeprefix("data:").strip():
            yield line.removeprefix("data:").strip()
