"""Answers by a language model: OpenAI's Responses API, or any server that speaks it."""

import re
from dataclasses import dataclass
from json import JSONDecodeError

import openai
import structlog
from pydantic import BaseModel, Field, ValidationError

from workers.answering.prompt import INSTRUCTIONS, prompt
from workers.errors import ModelUnavailable
from workers.models.base import Draft, Passage, Sentence
from workers.ops import metrics
from workers.settings import Settings

log = structlog.get_logger()
_MAX_TOKENS = 4000
_PASSING = frozenset({408, 409, 429})
"""The statuses below 500 that another try may change."""
_MALFORMED = (ValidationError, JSONDecodeError, AttributeError, TypeError)
"""What the SDK raises for an answer of another shape; the last two where it is no response."""


class _Said(BaseModel):
    """One sentence of the answer."""

    text: str
    passage: int = Field(description="The number of the passage that it rests on")
    quote: str = Field(description="5 to 30 words copied from that passage, word for word")


class _Answered(BaseModel):
    """The answer, or no sentences if the passages do not hold it."""

    sentences: list[_Said]


@dataclass(frozen=True, slots=True)
class OpenAIAnswerer:
    client: openai.OpenAI
    name: str

    @classmethod
    def connect(cls, settings: Settings) -> "OpenAIAnswerer":
        """No call is made yet, and each is made once: the question itself is tried again."""
        client = openai.OpenAI(
            api_key=settings.model_api_key.get_secret_value() or "none",
            base_url=settings.model_base_url or None,
            timeout=settings.model_timeout_s,
            max_retries=0,
        )
        return cls(client, settings.model_name)

    def write(self, question: str, passages: tuple[Passage, ...], *, language: str = "") -> Draft:
        """Raises ModelUnavailable; also for an answer cut short, refused or malformed."""
        with metrics.model_call():
            return self._write(prompt(question, passages, language))

    def _write(self, told: str) -> Draft:
        try:
            response = self.client.responses.parse(
                model=self.name,
                instructions=INSTRUCTIONS,
                input=told,
                text_format=_Answered,
                max_output_tokens=_MAX_TOKENS,
                store=False,
            )
            answered = response.output_parsed
        except openai.APIStatusError as error:
            passing = error.status_code in _PASSING or error.status_code >= 500
            raise _unavailable(
                type(error).__name__, passing=passing, retry_after_s=_retry_after(error)
            ) from None
        except (openai.OpenAIError, *_MALFORMED) as error:
            raise _unavailable(type(error).__name__) from None
        if response.status != "completed" or answered is None:
            raise _unavailable(f"status_{response.status}")
        return Draft(tuple(Sentence(s.text, s.passage, s.quote) for s in answered.sentences))


def _unavailable(
    reason: str, *, passing: bool = True, retry_after_s: float | None = None
) -> ModelUnavailable:
    metrics.MODEL_FAILURES.labels(reason.partition("_")[0]).inc()  # the server says the rest
    log.warning("model_failed", reason=reason)
    return ModelUnavailable(reason, passing=passing, retry_after_s=retry_after_s)


def _retry_after(error: openai.APIStatusError) -> float | None:
    """Seconds (RFC 9110, 10.2.3); a date is not understood."""
    told = error.response.headers.get("retry-after", "")
    return float(told) if re.fullmatch(r"[0-9]{1,6}([.][0-9]+)?", told) else None
