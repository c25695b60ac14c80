"""Answers by a language model: a server that speaks the Responses API or Chat Completions."""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

import httpx2
import structlog

from workers.errors import ModelUnavailable
from workers.models import usage
from workers.models.address import Address, address_of
from workers.models.base import NOBODY, Draft, Passage, Profile
from workers.models.draft import Found, Unterminated, find, is_object
from workers.models.failure import Failed, Fault, refused
from workers.models.forms import (
    DISPENSABLE,
    NAMES,
    Dialect,
    Ending,
    Form,
    completion_in,
    read,
    request,
)
from workers.models.posting import post
from workers.models.prompt import (
    INSTRUCTIONS,
    JUDGED,
    JUDGING,
    REWRITING,
    REWRITTEN,
    conversation,
    judged,
    prompt,
)
from workers.observe import metrics
from workers.settings import Settings

log = structlog.get_logger()

_REQUIRES_NOTHING = "Reply with the single word ready, and without JSON."
"""Used to find a server's form: it enforces one if the answer is JSON nevertheless. The words are
ours, never a person's or a document's."""
_SHORT = 1000
_REWRITING_S = 15.0
"""The longest that a question waits to be rewritten; then the rules do it."""
_REST_S = 60.0
"""For this long, a server with a lasting failure is not called."""
_MORE_ROOM = 4
_LARGEST_BODY = 4_000_000
_OF_A_PATH = frozenset({"no_api", "no_json_body", "no_answer_body"})
_FOR_EVERY_FORM = frozenset(
    {"unauthorized", "forbidden", "no_credit", "redirected", "model_not_found", "bad_address"}
    | {"parameter_reasoning", "parameter_reasoning_effort", "parameter_temperature"}
)
"""Another form would fail in the same way."""


class Hold(IntEnum):
    """How closely a server keeps to the requested form."""

    NONE = 0
    JSON = 1
    DRAFT = 2
    """The requested JSON with something around it."""
    ALL = 3


@dataclass(frozen=True, slots=True)
class ServerForm:
    """How a server has to be asked."""

    dialect: Dialect
    hold: Hold
    before: tuple[tuple[Form, str], ...] = ()
    """The better forms, each with the reason why it is not used; empty if the server ignores it."""

    @property
    def said(self) -> str:
        """Describe it in words: the form, and why it is not a better one."""
        why = {"no_api": "there is no {}", "": "{} gives the wrong form"}
        before = [why.get(reason, "{} does not work").format(NAMES[f]) for f, reason in self.before]
        return NAMES[self.dialect.form] + (f" ({'; '.join(before)})" if before else "")


@dataclass(slots=True)
class _Known:
    """What this process has found out about the server."""

    look: ServerForm | None
    looked_at: float | None = None
    down: Failed | None = None
    down_until: float = 0.0


@dataclass(frozen=True, slots=True)
class OpenAIAnswerer:
    """Finds out once how a server has to be asked, and again when it has changed."""

    client: httpx2.Client
    settings: Settings
    address: Address
    known: _Known
    counts_rows = False
    until: float = math.inf
    """When an answer is of no use any more, by this clock."""
    clock: Callable[[], float] = time.monotonic
    _one_looks: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def connect(cls, settings: Settings) -> "OpenAIAnswerer":
        """Make one; no call is made yet. Raises ValueError for an address that `ken` refuses at its
        start.
        """
        address = address_of(settings.model_base_url, settings.model_name)
        key = settings.model_api_key.get_secret_value().strip() or "none"
        client = httpx2.Client(
            headers={"api-key": key} if address.is_azure else {"Authorization": f"Bearer {key}"},
            follow_redirects=False,
        )
        is_known = not settings.model_base_url or settings.model_api != "auto"
        first = ServerForm(Dialect(address.bases[0], _forms(settings)[0]), Hold.ALL)
        return cls(client, settings, address, _Known(first if is_known else None))

    @property
    def name(self) -> str:
        return self.settings.model_name

    def within(self, seconds: float) -> "OpenAIAnswerer":
        """Return the same answerer, with all that it does for one question to end in this time."""
        return replace(self, until=self.clock() + seconds)

    def write(
        self,
        question: str,
        passages: tuple[Passage, ...],
        *,
        language: str = "",
        profile: Profile = NOBODY,
    ) -> Draft:
        """Ask the model for a draft.

        Raises ModelUnavailable, also for an answer that was truncated, refused or malformed.
        """
        with metrics.model_call():
            try:
                draft = self._write(prompt(question, passages, language, profile))
            except Failed as failed:
                raise _unavailable(failed) from None
        self.known.down = None
        metrics.MODEL_DOWN.set(0)
        return draft

    def rewrite(self, question: str, earlier: Sequence[str]) -> str | None:
        """One small call in the form that is known; None after any failure. Never raises."""
        try:
            said = self._small_call(conversation(question, earlier), REWRITING, REWRITTEN)[
                "question"
            ]
        except (Failed, ValueError, KeyError, TypeError, RecursionError) as error:
            log.info("question_not_rewritten", error=type(error).__name__)
            return None
        return said if isinstance(said, str) else None

    def follows(self, sentence: str, quote: str, around: str) -> bool | None:
        """One small call about one sentence; None after any failure. Never raises."""
        try:
            said = self._small_call(judged(sentence, quote, around), JUDGING, JUDGED)["follows"]
        except (Failed, ValueError, KeyError, TypeError, RecursionError) as error:
            log.info("sentence_not_judged", error=type(error).__name__)
            return None
        return said if isinstance(said, bool) else None

    def _small_call(self, asked: str, instructions: str, schema: dict[str, Any]) -> Any:
        """Return the object that the model answers with, in a short time. Raises Failed, and
        ValueError for an answer of another form.
        """
        if self.known.look is None or self.known.down is not None:
            raise ValueError("how the server is asked is not known, or it is down")
        quick = min(self.settings.model_timeout_s, _REWRITING_S)
        settings = self.settings.model_copy(update={"model_timeout_s": quick})
        bounded = replace(self, settings=settings)
        dialect = self.known.look.dialect
        body = request(*(dialect, settings, asked, _SHORT, instructions), schema=schema)
        text = bounded._answer(dialect, body)
        return json.loads(text[text.index("{") : text.rindex("}") + 1])

    def look(self) -> ServerForm:
        """Return how this server has to be asked; find out if need be. Raises ModelUnavailable."""
        try:
            return self.known.look or self._look_again()
        except Failed as failed:
            raise _unavailable(failed) from None

    def _write(self, asked: str) -> Draft:
        self._rest()
        look = self.known.look or self._look_again()
        try:
            return self._ask(look.dialect, asked)
        except Failed as failed:
            if failed.fault not in (Fault.LASTING, Fault.UNUSABLE):
                raise
            now = self._look_again()
            if now.dialect == look.dialect and failed.fault is Fault.LASTING:
                raise  # the server is well: it is this question alone
            return self._ask(now.dialect, asked)

    def _rest(self) -> None:
        """Do not call a server with a lasting failure for a minute. Raises Failed."""
        down = self.known.down
        if down is not None and self.clock() < self.known.down_until:
            raise Failed(down.fault, down.reason)

    # -- how it has to be asked -----------------------------------------------------------------

    def _look_again(self) -> ServerForm:
        """Find out at most once a minute, in one thread while the others wait. Raises Failed."""
        with self._one_looks:
            self._rest()
            looked_at = self.known.looked_at
            if looked_at is None or self.clock() - looked_at >= _REST_S:
                self.known.look = self._best()
                self.known.looked_at = self.clock()
            assert self.known.look is not None, "it was looked for"
            return self.known.look

    def _best(self) -> ServerForm:
        """Return the best form that the server keeps to. Raises Failed; if the failure lasts, the
        server is not called for a minute.
        """
        try:
            best = self._first_that_holds()
        except Failed as failed:
            if failed.fault is not Fault.PASSING:
                self.known.down, self.known.down_until = failed, self.clock() + _REST_S
                metrics.MODEL_DOWN.set(1)
            raise
        log.info("model_form", form=best.dialect.form, left_out=sorted(best.dialect.left_out))
        return best

    def _first_that_holds(self) -> ServerForm:
        best: ServerForm | None = None
        failures: list[Failed] = []
        before: list[tuple[Form, str]] = []
        nowhere: set[str] = set()
        breaks_at = ""
        for dialect in self._dialects():
            if dialect.url in nowhere or (breaks_at and dialect.base != breaks_at):
                continue
            try:
                adapted, hold = self._adapted(dialect)
            except Failed as failed:
                if _is_for_every_form(failed):
                    raise
                failures.append(failed)
                before.append((dialect.form, failed.reason))
                if failed.reason in _OF_A_PATH:
                    nowhere.add(dialect.url)
                elif failed.fault is Fault.PASSING:
                    breaks_at = dialect.base  # it is there: not to be looked for elsewhere
                continue
            look = ServerForm(adapted, hold, tuple(before))
            if hold is Hold.ALL:
                return look
            if best is None or hold > best.hold:
                best = look
            before.append((dialect.form, ""))
        if best is None:
            raise min(failures, key=_least_final)
        return best

    def _dialects(self) -> Iterator[Dialect]:
        for base in self.address.bases:
            for form in _forms(self.settings):
                yield Dialect(base, form)

    def _adapted(self, dialect: Dialect) -> tuple[Dialect, Hold]:
        """Leave out what the server refuses, each by its name. Raises Failed."""
        room = min(self.settings.model_max_tokens, _SHORT)
        while True:
            body = request(dialect, self.settings, "Are you ready?", room, _REQUIRES_NOTHING)
            try:
                return dialect, _hold(self._answer(dialect, body))
            except Failed as failed:
                if failed.fault in (Fault.CUT, Fault.FINAL):
                    return (
                        dialect,
                        Hold.ALL,
                    )  # it answers in this form; the question itself will show
                if failed.parameter not in DISPENSABLE or failed.parameter in dialect.left_out:
                    raise
                dialect = dialect.without(failed.parameter)

    # -- one question ---------------------------------------------------------------------------

    def _ask(self, dialect: Dialect, asked: str) -> Draft:
        """Ask once more, with more room, for an answer that was cut. Raises Failed."""
        room = self.settings.model_max_tokens
        try:
            return self._ask_once(dialect, asked, room)
        except Failed as cut:
            if cut.fault is not Fault.CUT:
                raise
            log.info("model_answer_cut", reason=cut.reason)
            try:
                return self._ask_once(dialect, asked, room * _MORE_ROOM)
            except Failed as second:
                raise (second if second.fault is Fault.PASSING else cut) from None

    def _ask_once(self, dialect: Dialect, asked: str, max_tokens: int) -> Draft:
        body = request(dialect, self.settings, asked, max_tokens, INSTRUCTIONS)
        text = self._answer(dialect, body)
        found = _find(text)
        if found is None:
            raise Failed(Fault.UNUSABLE, "no_json" if text.strip() else "empty")
        return found.draft

    def _answer(self, dialect: Dialect, body: dict[str, Any]) -> str:
        """Return what was written: all messages and parts in one. Raises Failed."""
        answered = self._meter(self._post(dialect, body), body)
        if (error := refused(200, {}, answered, body)) is not None:
            raise error
        answer = completion_in(answered)
        if answer is None:
            raise Failed(Fault.UNUSABLE, "no_answer_body")
        match answer.ending:
            case Ending.CUT:
                raise Failed(Fault.CUT, answer.reason)
            case Ending.FILTERED | Ending.REFUSED:
                raise Failed(Fault.FINAL, answer.reason)
            case Ending.FAILED:
                raise Failed(Fault.PASSING, answer.reason)
        text = "".join(answer.texts)
        return text if text.strip() else "".join(answer.thoughts)

    def _meter(self, raw: bytes, body: dict[str, Any]) -> Any:
        """Return the parsed body, and count its tokens, whatever became of the answer."""
        answered = _read(raw)
        completion = completion_in(answered)
        said = "".join((*completion.texts, *completion.thoughts)) if completion else ""
        usage.add(answered, asked=json.dumps(body, ensure_ascii=False), said=said)
        return answered

    def _post(self, dialect: Dialect, body: dict[str, Any]) -> bytes:
        """Return the answer's body, within the time for all of it. Raises Failed."""
        posted = post(
            self.client,
            dialect.url,
            body,
            query=self.address.query,
            most_s=min(self.settings.model_timeout_s, self.until - self.clock()),
            clock=self.clock,
            most_bytes=_LARGEST_BODY,
            too_large=Fault.UNUSABLE,
        )
        if posted.status >= 300:
            answered = None
            with suppress(Failed):
                answered = _read(posted.body)
            error = refused(posted.status, posted.headers, answered, body)
            assert error is not None, "a status is a refusal"
            raise error
        return posted.body


def _is_for_every_form(failed: Failed) -> bool:
    """Whether every form would fail: if the server is busy or down, but not if it breaks at one."""
    if failed.fault is Fault.PASSING:
        return failed.reason != "server_error"
    return failed.reason in _FOR_EVERY_FORM


def _least_final(failed: Failed) -> int:
    """Sort key: transient failures first, a missing path last."""
    return -1 if failed.fault is Fault.PASSING else failed.reason == "no_api"


def _forms(settings: Settings) -> tuple[Form, ...]:
    return tuple(Form) if settings.model_api == "auto" else (Form(settings.model_api),)


def _read(raw: bytes) -> Any:
    """Parse a body; if it began as JSON or as a stream, it was cut on its way. Raises Failed."""
    try:
        return read(raw)
    except RecursionError:
        raise Failed(Fault.UNUSABLE, "no_json_body") from None
    except ValueError:
        if raw.lstrip()[:1] in (b"{", b"d", b"e"):
            raise Failed(Fault.PASSING, "cut_body") from None
        raise Failed(Fault.UNUSABLE, "no_json_body") from None


def _find(text: str) -> Found | None:
    """Return the draft in a text; None if there is none. Raises Failed if it was cut."""
    try:
        return find(text)
    except Unterminated:
        raise Failed(Fault.CUT, "unterminated") from None


def _hold(text: str) -> Hold:
    """Return how closely a text keeps to the form. Raises Failed if it was cut."""
    if (found := _find(text)) is not None:
        return Hold.ALL if found.exact else Hold.DRAFT
    return Hold.JSON if is_object(text) else Hold.NONE


def _unavailable(failed: Failed) -> ModelUnavailable:
    metrics.MODEL_FAILURES.labels(failed.reason).inc()
    log.warning("model_failed", reason=failed.reason)
    return ModelUnavailable(
        failed.reason,
        transient=failed.fault is Fault.PASSING,
        retry_after_s=failed.retry_after_s,
    )
