"""Everyone who will read a reply, as of now (design, section 4, Audience)."""

from policies import Audience, Class
from policies.directory import Account, Readers, resolve_audience, unlinked
from workers.interface import Question
from workers.messenger import Place, PlaceKind
from workers.outbox import Kind
from workers.services import Services
from workers.slack import source_of_team

_MANY_UNLINKED = 50
"""So many unlinked people in a public channel are not looked up one by one."""
_ANYBODY = Readers(classes=frozenset({Class.MEMBERS_AND_GUESTS}), strangers=True)
"""Where we do not know who is there: a guest, and one whom we cannot name, may be."""


def asker(question: Question) -> Readers:
    """The person who asked, alone."""
    if question.surface == "terminal":
        return Readers(users=frozenset({int(question.user_id)}))
    return Readers(
        accounts=frozenset({Account(source_of_team(question.team_id), question.user_id)})
    )


def audience_of(question: Question, kind: Kind, services: Services) -> Audience | None:
    """Who reads a reply of this kind; None: none is given there.

    Strangers of another company read along, or nobody is there any more.
    """
    readers = asker(question) if kind is Kind.DIRECT else _channel(question, services)
    if readers is None:
        return None
    with services.database.session("answerer") as session:
        return resolve_audience(session, readers)


def is_private(question: Question, services: Services) -> bool:
    """Whether only the asker reads where the question was asked."""
    if not question.channel_id:
        return True
    return services.messenger.place(question.channel_id).kind is PlaceKind.DIRECT


def _channel(question: Question, services: Services) -> Readers | None:
    """Whoever is there, and the asker: at the terminal one may ask for a channel from outside."""
    place = services.messenger.place(question.channel_id)
    if place.external or (place.kind is PlaceKind.PRIVATE and not place.members):
        return None
    if place.kind is PlaceKind.PRIVATE:
        return Readers(accounts=place.members) | asker(question)
    return _public(place, services) | asker(question)


def _public(place: Place, services: Services) -> Readers:
    """Everybody of the company may join; and each guest who is there reads too."""
    if not place.complete:
        return _ANYBODY
    with services.database.session("answerer") as session:
        nameless = unlinked(session, place.members)
    if len(nameless) > _MANY_UNLINKED:
        return _ANYBODY
    return Readers(
        classes=frozenset({Class.MEMBERS}),
        accounts=(place.members - nameless) | services.messenger.guests(nameless),
    )
