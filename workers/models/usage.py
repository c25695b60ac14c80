"""Counts the tokens that a model's answers cost, as its server says, or as we estimate them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

_BYTES_OF_A_TOKEN = 3
"""Of a text in UTF-8: English has about four, German and Chinese about three. Fewer bytes mean more
tokens, so this counts rather too many."""
_MOST = 10**9
"""A server that says more than this is wrong."""
_INPUT, _OUTPUT = ("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")


@dataclass(slots=True)
class Usage:
    """The tokens of one or several calls."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    """Whether the server did not say, or said something impossible, of any of them."""

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def cost(self, price_input: float | None, price_output: float | None) -> float | None:
        """Return what they cost, at prices for a million tokens; None if a price is not known."""
        if price_input is None or price_output is None:
            return None
        return (self.input_tokens * price_input + self.output_tokens * price_output) / 1e6


_metered: ContextVar[Usage | None] = ContextVar("metered", default=None)


@contextmanager
def metered() -> Iterator[Usage]:
    """Count what the calls inside cost, also if they fail."""
    usage = Usage()
    token = _metered.set(usage)
    try:
        yield usage
    finally:
        _metered.reset(token)


def add(answered: Any, *, asked: str, said: str) -> None:
    """Add one call: by its body's `usage`, else by the length of what was asked and said."""
    usage = _metered.get()
    if usage is None:
        return
    counts = answered.get("usage") if isinstance(answered, dict) else None
    numbers = [_number(counts, names) for names in (_INPUT, _OUTPUT)]
    usage.estimated = usage.estimated or None in numbers
    usage.input_tokens += estimate(asked) if numbers[0] is None else numbers[0]
    usage.output_tokens += estimate(said) if numbers[1] is None else numbers[1]


def estimate(text: str) -> int:
    """Return about how many tokens a text has: rather too many."""
    return -(-len(text.encode(errors="replace")) // _BYTES_OF_A_TOKEN)


def _number(counts: Any, names: tuple[str, ...]) -> int | None:
    """Return a count that can be true: a whole number that is not negative."""
    if not isinstance(counts, dict):
        return None
    found = next((counts[name] for name in names if name in counts), None)
    is_possible = type(found) is int and 0 <= found <= _MOST
    return found if is_possible else None
