"""The question's wording: names instead of Slack's ids, and the question above a private answer."""

from collections.abc import Iterable
from dataclasses import replace

import structlog
from sqlalchemy import text

from policies.tables.people import AccountKind
from workers.errors import InputInvalid, SlackRefused, SlackUnavailable
from workers.intake.leases import Leased, question_session, require_lease
from workers.intake.messages import Question
from workers.replies.outbox import Kind, in_place
from workers.replies.rendering import Asked, Reply
from workers.services import Services
from workers.slack.marks import named, references
from workers.slack.messenger import Names, Posted, Said

log = structlog.get_logger()

_MOST_NAMES = 10
"""The most names looked up for one question; further marks are dropped."""


def with_names(services: Services, leased: Leased) -> Leased:
    """Put names in place of mentioned people and channels, and store that. Raises LeaseLost.

    If Slack does not answer, the marks are dropped: a question is clear without a name.
    """
    question = leased.question
    wanted = references(question.text)
    if not wanted:
        return leased
    words = named(question.text, _names(services, question, wanted)).strip()
    with question_session(services.database, leased.id) as session:
        require_lease(session, leased)
        session.execute(_STORE_WORDS, {"id": leased.id, "text": words})
    return replace(leased, question=replace(question, text=words))


def named_thread(services: Services, question: Question, before: list[Said]) -> list[Said]:
    """Put names into what people wrote before it."""
    wanted = [one for said in before[-_MOST_NAMES:] for one in references(said.text)]
    names = _names(services, question, dict.fromkeys(wanted)) if wanted else {}
    return [replace(said, text=named(said.text, names)) for said in before]


def _names(services: Services, question: Question, wanted: Iterable[str]) -> dict[str, str]:
    if question.surface.is_outside_slack:
        return {}
    names: dict[str, str] = {}
    try:
        messenger = services.messenger_of(question.team_id)
        for one in list(wanted)[:_MOST_NAMES]:
            try:
                names[one] = _name(messenger, question.user_id, one)
            except SlackRefused as refused:  # nobody whom Slack shows us
                log.info("name_not_found", error=str(refused))
    except (SlackUnavailable, InputInvalid) as error:
        log.info("names_not_found", error=type(error).__name__)
    return names


def _name(messenger: Names, asker_id: str, wanted: str) -> str:
    """Return a person's name, or a public channel's for a full member; empty if it may not be
    shown.
    """
    if wanted[0] in "UW":
        return messenger.profile(wanted).name
    sees_all = messenger.profile(asker_id).kind is AccountKind.MEMBER
    return messenger.public_name(wanted) if sees_all else ""


def below_question(services: Services, question: Question, kind: Kind, reply: Reply) -> Reply:
    """Put the question above a reply that is posted elsewhere; only the asker sees both."""
    if question.surface.is_outside_slack or in_place(question, kind):
        return reply
    return replace(reply, asked=Asked(question.text, _where_asked(services, question)))


def leading_to_asker(services: Services, question: Question, reply: Reply) -> Reply:
    """Link to the asker's direct messages, whatever is there: the link works for nobody else."""
    if question.surface.is_outside_slack:
        return reply
    try:
        messenger = services.messenger_of(question.team_id)
        return replace(reply, lead_link=messenger.direct_address(question.user_id))
    except (SlackUnavailable, InputInvalid) as error:
        log.info("no_link", error=type(error).__name__)
        return reply


def _where_asked(services: Services, question: Question) -> str:
    """Return a message's address; empty for `/ken`, which has no message, or if Slack has none."""
    if not question.surface.has_message or not question.channel_id:
        return ""
    is_about = question.surface.is_about_a_message
    ts = question.thread_ts if is_about else question.message_ts
    try:
        messenger = services.messenger_of(question.team_id)
        return messenger.permalink(Posted(question.channel_id, ts))
    except (SlackUnavailable, InputInvalid) as error:
        log.info("no_link", error=type(error).__name__)
        return ""


# Stores the question's text with names in place of ids.
_STORE_WORDS = text("UPDATE question SET text = :text WHERE id = :id")
