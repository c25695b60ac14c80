"""Answers that people judge, and people who are called, for the tests of feedback."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from bot.playground.client import Seen
from policies.described import Permissions
from tests.workers.pressed import answered, pressed
from tests.workers.slack_company import Company, kept
from workers.people import feedback

PRESSED: dict[str, Any] = {"verdict": "wrong", "reason": "outdated", "comment": "It is eleven now."}


def only(*principals: int) -> Permissions:
    return Permissions(allow=frozenset(principals))


def settled(company: Company, **values: Any) -> None:
    """With other settings."""
    settings = company.services.settings.model_copy(update=values)
    company.services = replace(company.services, settings=settings)


def asked(
    company: Company,
    channel: str = "DUALICE",
    person: str = "alice",
    *,
    words: str = "What is the budget?",
    cited: Iterable[int] = (),
) -> int:
    """A question that was answered where it was asked: in private, or for the channel."""
    kind = "direct" if channel.startswith("D") else "channel"
    said = company.slack.say(channel, f"U{person.upper()}", words)
    question_id = kept(channel_id=channel, user_id=f"U{person.upper()}", ts=said.ts, words=words)
    answered(company, question_id, kind=kind, channel=channel, ts=said.ts, cited=cited)
    return question_id


def take(company: Company, question_id: Any, person: str = "alice", **more: Any) -> None:
    feedback.store_feedback(
        company.services, pressed("feedback", person, question_id=question_id, **more)
    )


def call(company: Company, question_id: Any, person: str = "alice", **more: Any) -> None:
    company_errand = pressed("person", person, question_id=question_id, **more)
    feedback.call_person(company.services, company_errand)


def said(company: Company, question_id: int) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in company.look(question_id, _KEPT)]


def told(company: Company, person: str) -> list[Seen]:
    return company.posts(f"DU{person.upper()}")


_KEPT = """
    SELECT user_id, verdict, reason, comment, told_at IS NOT NULL FROM feedback ORDER BY user_id
"""


def leaves_of(value: Any) -> Iterable[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from leaves_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves_of(item)
