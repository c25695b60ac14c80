"""Each protection switched off: then the count that it keeps at 0 is more than that."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

import workers.answering.answer as answering
from policies import Audience
from policies.audience import Readers
from policies.tables.people import User
from workers.answering import audience, composing, verify
from workers.answering.asked import with_names
from workers.answering.verify import Verified
from workers.claims.check import Checked, check
from workers.claims.verdict import KEPT
from workers.replies import rendering
from workers.replies.blocks import span
from workers.slack import client
from workers.slack.calling import call


@contextmanager
def without_inert_text() -> Iterator[None]:
    """Addresses are shown as they were written."""
    with (
        patch.object(rendering, "inert", lambda words, **_: words),
        patch.object(rendering, "elements", lambda words: [span(words)]),
    ):
        yield


@contextmanager
def without_escapes() -> Iterator[None]:
    """The text for notifications is sent as it is."""
    with (
        patch.object(rendering, "inert", lambda words, **_: words),
        patch.object(rendering, "escaped", lambda words: words),
    ):
        yield


@contextmanager
def with_previews() -> Iterator[None]:
    """Slack may look at addresses in posts."""

    def showing(method: Callable[..., Any], **given: Any) -> Any:
        unfurls = {name: True for name in given if name.startswith("unfurl_")}
        return call(method, **given | unfurls)

    with patch.object(client, "call", showing):
        yield


@contextmanager
def without_quotes_checked() -> Iterator[None]:
    """Whatever a model says that it quotes counts."""

    def believed(draft: Any, passages: Any, **_: Any) -> Verified:
        known = range(1, len(passages) + 1)
        return Verified(tuple(one for one in draft.sentences if one.passage in known))

    with patch.object(composing, "verify", believed):
        yield


@contextmanager
def without_identity() -> Iterator[None]:
    """Everybody is taken for Bob."""

    def mistaken(session: Session, _: Readers) -> Audience:
        return Audience.of([session.scalars(select(User.id).where(User.name == "Bob")).one()])

    with (
        patch.object(answering, "resolve_audience", mistaken),
        patch.object(audience, "resolve_audience", mistaken),
    ):
        yield


@contextmanager
def with_talkative_logs() -> Iterator[None]:
    """What was asked is logged."""

    def logged(services: Any, leased: Any) -> Any:
        structlog.get_logger().warning("asked", text=leased.question.text)
        return with_names(services, leased)

    with patch.object(answering, "with_names", logged):
        yield


@contextmanager
def without_claims() -> Iterator[None]:
    """A sentence needs a genuine quote, and nothing more."""

    def genuine(sentence: str, quote: str, passage: Any, similarity: Any) -> Checked:
        return (
            Checked(KEPT, passage.text)
            if quote in passage.text
            else check(sentence, quote, passage, similarity)
        )

    with patch.object(verify, "check", genuine), without_requests_compared():
        yield


@contextmanager
def without_requests_compared() -> Iterator[None]:
    """What a sentence asks of its reader is compared by its meaning alone."""
    with patch.object(verify, "_addition", lambda *_: None):
        yield


SWITCHES: dict[str, tuple[str, Callable[[], Any]]] = {
    "inert text": ("foreign_links", without_inert_text),
    "escapes": ("live_mentions", without_escapes),
    "no previews": ("unfurls", with_previews),
    "quotes": ("forged_citations", without_quotes_checked),
    "identity": ("canaries", without_identity),
    "silent logs": ("canaries", with_talkative_logs),
    "claims": ("instructions", without_claims),
    "requests": ("instructions", without_requests_compared),
}
"""Each protection: the count that is more than 0 without it, and how it is switched off."""
