"""Determines everyone who will read a reply, as of now."""

from dataclasses import dataclass
from enum import StrEnum

from policies import Audience, Class
from policies.audience import Account, Readers
from policies.directory import resolve_audience, unlinked
from workers.database.sessions import Database
from workers.intake.messages import Question
from workers.replies.outbox import Kind
from workers.services import Services
from workers.slack.messenger import Conversations, Place, PlaceKind, source_of_team

_MANY_UNLINKED = 50
"""With more unlinked people than this in a public channel, they are not looked up one by one."""
_ANYBODY = Readers(classes=frozenset({Class.MEMBERS_AND_GUESTS}), strangers=True)
"""Used if we do not know who is there: a guest or an unknown person may be."""


def asker_readers(question: Question) -> Readers:
    """Return the asker alone, as readers."""
    if question.surface.is_outside_slack:
        return Readers(users=frozenset({int(question.user_id)}))
    return Readers(
        accounts=frozenset({Account(source_of_team(question.team_id), question.user_id)})
    )


@dataclass(frozen=True, slots=True)
class Resolved:
    """An audience, and the readers that it was made of."""

    audience: Audience
    readers: Readers


def readers_of(services: Services, question: Question, kind: Kind) -> Readers | None:
    """Return who will read a reply of this kind right now; None if no reply may be given there.

    None if people of another company read there, or if nobody is there any more.
    """
    return asker_readers(question) if kind is Kind.DIRECT else _channel(services, question)


def audience_of(services: Services, question: Question, kind: Kind) -> Resolved | None:
    """Return the same as an audience."""
    readers = readers_of(services, question, kind)
    if readers is None:
        return None
    with services.database.session("answerer") as session:
        return Resolved(resolve_audience(session, readers), readers)


def is_private(question: Question) -> bool:
    """Whether only the asker reads the place where it was asked."""
    return not question.channel_id or question.in_direct_message


class Rule(StrEnum):
    """How a channel's readers were determined."""

    SHARED = "shared"
    """Shared with another company or workspace: no answer there."""
    EMPTY = "empty"
    PRIVATE = "private"
    PUBLIC = "public"
    UNLISTED = "unlisted"
    """Its members cannot be listed completely, or there are too many."""
    UNLINKED = "unlinked"
    """Too many of its members have no link."""


@dataclass(frozen=True, slots=True)
class ChannelReaders:
    rule: Rule
    readers: Readers | None
    """None if no reply may be given there."""


def channel_readers(
    channel_id: str, messenger: Conversations, database: Database
) -> ChannelReaders:
    """Return everyone who can read a message in this channel, now or by joining."""
    place = messenger.place(channel_id)
    if place.external:
        return ChannelReaders(Rule.SHARED, None)
    if place.kind is PlaceKind.PRIVATE:
        rule = Rule.PRIVATE if place.members else Rule.EMPTY
        return ChannelReaders(rule, Readers(accounts=place.members) if place.members else None)
    return _public(place, messenger, database)


def _channel(services: Services, question: Question) -> Readers | None:
    """Return the channel's readers and the asker, who may ask for a channel from the terminal."""
    messenger = services.messenger_of(question.team_id)
    readers = channel_readers(question.channel_id, messenger, services.database).readers
    return None if readers is None else readers | asker_readers(question)


def _public(place: Place, messenger: Conversations, database: Database) -> ChannelReaders:
    """Return all members of the company, since they may join, and each guest who is there."""
    if not place.complete:
        return ChannelReaders(Rule.UNLISTED, _ANYBODY)
    with database.session("answerer") as session:
        nameless = unlinked(session, place.members)
    if len(nameless) > _MANY_UNLINKED:
        return ChannelReaders(Rule.UNLINKED, _ANYBODY)
    return ChannelReaders(
        Rule.PUBLIC,
        Readers(
            classes=frozenset({Class.MEMBERS}),
            accounts=(place.members - nameless) | messenger.guests(nameless),
        ),
    )
