"""Vectors from a server that speaks OpenAI's embeddings API (KEN_EMBEDDING_BASE_URL).

Every answer is checked: as many vectors as texts, each for its own text whatever their order, all
of one length, none with something that is no number. What fails for a moment is tried again until
the time for it is over; what would fail again is named at once.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import numpy as np
import structlog
from numpy.typing import NDArray

from workers.errors import InputInvalid, ServerUnavailable, TextRefused
from workers.models.address import Address, address_of
from workers.models.failure import Failed, Fault, explained, refused
from workers.models.posting import post
from workers.models.usage import estimate
from workers.observe import metrics
from workers.settings import Settings

log = structlog.get_logger()

_FIRST_REST_S, _LONGEST_REST_S = 0.5, 30.0
_LARGEST_BODY = 256_000_000
_SHORTEST = 200
"""Letters below which a text that is too long for a model is not halved again."""
_WORDS = {
    "model_not_found": (
        "does not know this model",
        "Write its name as the server has it: `ken reindex --model NAME`.",
    ),
    "no_api": (
        "has no embeddings there",
        "Correct KEN_EMBEDDING_BASE_URL: it usually ends in /v1.",
    ),
    "parameter_dimensions": (
        "cannot shorten the vectors of this model",
        "Leave out --dimensions.",
    ),
    "too_long": ("takes no text as long as a chunk", "Choose a model that reads 512 tokens."),
    "content_filter": (
        "filters what it was sent",
        "Loosen its filter (at Azure, the deployment's).",
    ),
}
_MAY_BE_OF_THE_TEXT = frozenset({"too_long", "content_filter", "bad_request"})
"""For these reasons a server may refuse one text and take another."""
_UNUSABLE = {
    "no_vectors": "an answer without vectors",
    "count": "another number of vectors than texts",
    "order": "vectors whose numbers do not say which text they are for",
    "lengths": "vectors of different lengths",
    "not_finite": "a vector with something in it that is no number (NaN)",
    "zero": "a vector without a direction",
    "dimension": "vectors of another length than before",
}


class _Unusable(Exception):
    """An answer that cannot be used; `reason` is one of `_UNUSABLE`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Learned:
    """What calls have found out, for all copies of an embedder."""

    base: str | None = None
    dimension: int = 0
    tokens: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class RemoteEmbedder:
    """A model of a server. Its name is the model's, with `@N` if its vectors are shortened to N."""

    name: str
    client: httpx2.Client
    address: Address
    settings: Settings
    patience_s: float
    learned: _Learned
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def connect(cls, settings: Settings, name: str) -> "RemoteEmbedder":
        """Make one; no call is made yet. Raises InputInvalid if no server is set, or its address is
        none.
        """
        key = settings.embedding_api_key.get_secret_value().strip()
        if not settings.embedding_base_url and not key:
            raise InputInvalid(
                f"The model {name!r} is not an embedded one, and no server for others is set. "
                "Nothing was changed.",
                remedy="Set KEN_EMBEDDING_BASE_URL (and KEN_EMBEDDING_API_KEY), or choose the "
                "embedded models: --model built-in.",
            )
        try:
            address = address_of(settings.embedding_base_url, _model(name)[0])
        except ValueError as wrong:
            words = str(wrong).replace("KEN_MODEL_", "KEN_EMBEDDING_")
            raise InputInvalid(f"KEN_EMBEDDING_BASE_URL {words}.") from None
        shown = key or "none"
        client = httpx2.Client(
            headers={"api-key": shown}
            if address.is_azure
            else {"Authorization": f"Bearer {shown}"},
            follow_redirects=False,
        )
        learned = _Learned(dimension=_model(name)[1] or 0)
        return cls(name, client, address, settings, settings.embedding_patience_s, learned)

    @property
    def dimension(self) -> int:
        """Ask for one vector, if the length is not known yet. Raises as `embed`."""
        if not self.learned.dimension:
            self.embed(["How long is a vector?"])
        return self.learned.dimension

    def within(self, seconds: float) -> "RemoteEmbedder":
        """Return the same one, with all that it does for one call to end in this time."""
        return replace(self, patience_s=seconds)

    def take_tokens(self) -> int:
        """Return the tokens since the last time, as the server counted or as we estimate them."""
        with self.learned.lock:
            taken, self.learned.tokens = self.learned.tokens, 0
        return taken

    def embed_one(self, text: str) -> NDArray[np.float32]:
        """Return shape (dimension,), length 1. Raises as `embed`."""
        vector: NDArray[np.float32] = self.embed([text])[0]
        return vector

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return shape (n, dimension), each row of length 1, in calls of KEN_EMBEDDING_BATCH texts.

        Raises ServerUnavailable for what may pass, InputInvalid for what a setting must change,
        TextRefused for what may be the fault of a text.
        """
        until = self.clock() + self.patience_s
        size = self.settings.embedding_batch
        parts = [texts[at : at + size] for at in range(0, len(texts), size)]
        if not parts:
            return np.empty((0, self.dimension), np.float32)
        return np.concatenate([self._patiently(part, until) for part in parts])

    def _patiently(self, texts: Sequence[str], until: float) -> NDArray[np.float32]:
        """Try again for as long as there is time, and as the server asks."""
        rest_s, why = _FIRST_REST_S, ""
        while True:
            try:
                return self._fitting(texts, until)
            except Failed as failed:
                why = failed.reason
                metrics.EMBEDDING_FAILURES.labels(why).inc()
                if failed.fault is not Fault.PASSING:
                    raise self._refused(failed) from None
                wait_s = failed.retry_after_s or rest_s
            except _Unusable as unusable:
                metrics.EMBEDDING_FAILURES.labels(unusable.reason).inc()
                if unusable.reason == "dimension":
                    raise InputInvalid(
                        f"The model {self.name!r} sends {_UNUSABLE[unusable.reason]}. Nothing of "
                        "it is used."
                    ) from None
                why, wait_s = unusable.reason, rest_s
            if self.clock() + wait_s >= until:
                raise self._unavailable(why)
            log.info("embedding_tried_again", reason=why, after_s=wait_s)
            self.sleep(wait_s)
            rest_s = min(rest_s * 2, _LONGEST_REST_S)

    def _fitting(self, texts: Sequence[str], until: float) -> NDArray[np.float32]:
        """Where a call is too long for the server, ask for half as many texts, then for half a
        text: the beginning of a chunk says what it is about.
        """
        try:
            return self._once(texts, until)
        except Failed as failed:
            if failed.reason != "too_long":
                raise
            if len(texts) > 1:
                half = len(texts) // 2
                return np.concatenate(
                    [self._fitting(texts[:half], until), self._fitting(texts[half:], until)]
                )
            if len(texts[0]) <= _SHORTEST:
                raise
            return self._fitting([texts[0][: len(texts[0]) // 2]], until)

    def _once(self, texts: Sequence[str], until: float) -> NDArray[np.float32]:
        model, dimensions = _model(self.name)
        body: dict[str, Any] = {"model": model, "input": [*texts], "encoding_format": "float"}
        if dimensions:
            body["dimensions"] = dimensions
        vectors = self._read(self._answered(body, until), texts)
        with self.learned.lock:
            known = self.learned.dimension
            if known and vectors.shape[1] != known:
                raise _Unusable("dimension")
            self.learned.dimension = vectors.shape[1]
        return vectors

    def _answered(self, body: dict[str, Any], until: float) -> Any:
        """Ask where the API may begin, until it is found. Raises Failed."""
        bases = [self.learned.base] if self.learned.base else self.address.bases
        for number, base in enumerate(bases, start=1):
            try:
                answered = self._post(f"{base}/embeddings", body, until)
            except Failed as failed:
                if failed.reason != "no_api" or number == len(bases):
                    raise
            else:
                self.learned.base = base
                return answered
        raise Failed(Fault.LASTING, "no_api")

    def _post(self, url: str, body: dict[str, Any], until: float) -> Any:
        posted = post(
            self.client,
            url,
            body,
            query=self.address.query,
            most_s=min(self.settings.embedding_timeout_s, until - self.clock()),
            clock=self.clock,
            most_bytes=_LARGEST_BODY,
            too_large=Fault.LASTING,
        )
        answered = None
        with suppress(ValueError, RecursionError):
            answered = json.loads(posted.body)
        if (error := refused(posted.status, posted.headers, answered, body)) is not None:
            raise _of_embeddings(error, answered)
        if answered is None:
            reason = "cut_body" if posted.body.lstrip()[:1] == b"{" else "no_json_body"
            raise Failed(Fault.PASSING if reason == "cut_body" else Fault.LASTING, reason)
        return answered

    def _read(self, answered: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors in the order of their texts. Raises _Unusable."""
        self._count_tokens(answered, texts)
        rows = answered.get("data") if isinstance(answered, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise _Unusable("no_vectors")
        if len(rows) != len(texts):
            raise _Unusable("count")
        numbers = [row.get("index", at) for at, row in enumerate(rows)]
        if sorted(n for n in numbers if type(n) is int) != list(range(len(texts))):
            raise _Unusable("order")
        found = [row.get("embedding") for row in rows]
        if not all(isinstance(one, list) and one for one in found):
            raise _Unusable("no_vectors")
        if len({len(one) for one in found}) != 1:
            raise _Unusable("lengths")
        try:
            vectors = np.array(found, np.float64)[np.argsort(numbers)]
        except (TypeError, ValueError):
            raise _Unusable("not_finite") from None
        if not np.isfinite(vectors).all():
            raise _Unusable("not_finite")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not lengths.all():
            raise _Unusable("zero")
        unit: NDArray[np.float32] = (vectors / lengths).astype(np.float32)
        return unit

    def _count_tokens(self, answered: Any, texts: Sequence[str]) -> None:
        used = answered.get("usage") if isinstance(answered, dict) else None
        said = used.get("total_tokens", used.get("prompt_tokens")) if isinstance(used, dict) else 0
        is_said = type(said) is int and 0 < said < 10**9
        counted = said if is_said and said else sum(map(estimate, texts))
        metrics.MODEL_TOKENS.labels(self.name, "input").inc(counted)
        with self.learned.lock:
            self.learned.tokens += counted

    def _refused(self, failed: Failed) -> InputInvalid:
        does, remedy = _WORDS.get(failed.reason) or explained(failed.reason)
        kind = TextRefused if failed.reason in _MAY_BE_OF_THE_TEXT else InputInvalid
        return kind(
            f"The server of the model {self.name!r} {does}.",
            remedy=remedy.replace("KEN_MODEL_", "KEN_EMBEDDING_"),
        )

    def _unavailable(self, reason: str) -> ServerUnavailable:
        if reason in _UNUSABLE:
            return ServerUnavailable(
                f"The server of the model {self.name!r} sends {_UNUSABLE[reason]}. Nothing of it "
                "is used.",
                remedy="See its log.",
            )
        does, remedy = explained(reason)
        return ServerUnavailable(
            f"The server of the model {self.name!r} {does}.",
            remedy=remedy.replace("KEN_MODEL_", "KEN_EMBEDDING_"),
        )


def _model(name: str) -> tuple[str, int | None]:
    """Split a name into the model's, and the length to which its vectors are shortened."""
    model, at, dimensions = name.rpartition("@")
    if at and dimensions.isascii() and dimensions.isdigit():
        return model, int(dimensions)
    return name, None


def _of_embeddings(error: Failed, answered: Any) -> Failed:
    """Recognise what only a server of embeddings says."""
    words = json.dumps(answered).casefold()[:5000] if answered is not None else ""
    if error.reason == "bad_request" and "dimensions" in words:
        return Failed(Fault.LASTING, "parameter_dimensions")
    if error.reason == "bad_request" and ("too long" in words or "maximum" in words):
        return Failed(Fault.LASTING, "too_long")
    return error
