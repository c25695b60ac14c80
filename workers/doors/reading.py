"""Finds and fetches what one person may read, for a program that asks as them, and records it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from sqlalchemy import text

from policies.audience import Readers
from workers.answering.checking import checked_in
from workers.answering.profile import profile_for
from workers.answering.record import Basis, record_answer
from workers.answering.retrieval import EVERYTHING, Only
from workers.answering.searching import find, read
from workers.intake.leases import question_session
from workers.intake.messages import BY_A_PROGRAM, Question, Surface
from workers.models.base import Passage
from workers.people.person_tokens import SEARCH, Caller
from workers.replies.inert import web_address
from workers.replies.outbox import Kind
from workers.services import Services

MOST_PASSAGES = 50
"""For one search."""


class NotThere(Exception):
    """There is no such document, or the person may not read it: nobody is told which."""


class TooMany(Exception):
    """The person's programs have searched too often within a minute."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One search, and what it is limited to."""

    query: str
    limit: int
    only: Only = EVERYTHING


def search(
    services: Services, caller: Caller, wanted: Sequence[Wanted]
) -> list[tuple[Passage, ...]]:
    """Return the best passages for each search, best first, as far as the caller's token reaches.

    They are checked once more in a new snapshot, and recorded, before anything is returned. Raises
    OutOfScope, TooMany, LayersDisagree.
    """
    caller.require(SEARCH)
    question_id, asked = _begin(services, caller)
    profile = profile_for(services, asked, Kind.DIRECT, caller.audience)
    found = [
        find(
            services,
            one.query,
            caller.audience,
            limit=min(one.limit, MOST_PASSAGES),
            profile=profile,
            only=_narrowed(one.only, caller),
        ).passages
        for one in wanted
    ]
    readable = _check_and_record(
        services, caller, question_id, {one.document_id for passages in found for one in passages}
    )
    return [
        tuple(one for one in passages if one.document_id in readable)[:limit]
        for passages, limit in zip(found, (one.limit for one in wanted), strict=True)
    ]


def fetch(services: Services, caller: Caller, name: str) -> tuple[Passage, ...]:
    """Return the chunks of a document in order, by the name that a search returned (`name_of`).

    Raises NotThere, OutOfScope, TooMany, LayersDisagree.
    """
    caller.require(SEARCH)
    question_id, _ = _begin(services, caller)
    found = read(services, name, caller.audience, sources=caller.sources)
    if not _check_and_record(services, caller, question_id, {one.document_id for one in found}):
        raise NotThere
    return found


def name_of(passage: Passage) -> str:
    """Return the name of a passage's document. No number of ours: numbers count other documents."""
    return f"{passage.source}:{passage.document}"


def address_of(passage: Passage) -> str | None:
    """Return the stored address of a passage's place, if it is a safe one."""
    return web_address(passage.url, passage.anchor)


def _narrowed(only: Only, caller: Caller) -> Only:
    """Return the limits, and the token's: a source has to be within both."""
    if caller.sources is None:
        return only
    if only.sources is None:
        return replace(only, sources=caller.sources)
    return replace(only, sources=tuple(one for one in only.sources if one in caller.sources))


def _begin(services: Services, caller: Caller) -> tuple[int, Question]:
    """Put the request on record, without its words. Raises TooMany."""
    event = f"search:{uuid4()}"
    asked = Question(
        event_id=event,
        team_id=BY_A_PROGRAM,
        channel_id="",
        message_ts=event,
        thread_ts=event,
        user_id=str(caller.user_id),
        text="",
        surface=Surface.SEARCH,
        sources=caller.sources,
    )
    given = {
        "event": event,
        "team": asked.team_id,
        "user": asked.user_id,
        "sources": None if caller.sources is None else list(caller.sources),
        "most": services.settings.searches_per_minute,
    }
    with services.database.session("ingress") as session:
        question_id = session.scalar(_BEGIN, given)
    if question_id is None:
        raise TooMany
    return question_id, asked


def _check_and_record(
    services: Services, caller: Caller, question_id: int, document_ids: set[int]
) -> set[int]:
    """Return those of the documents that the person may read right now, and put them on record."""
    if not document_ids:
        return set()
    with services.database.reading_for(caller.audience) as session:
        checked = checked_in(session, caller.audience, document_ids)
    shown = sorted(document_ids - checked.refused)
    basis = Basis(
        asker_id=caller.user_id,
        audience=caller.audience,
        readers=Readers(users=frozenset({caller.user_id})),
        checked=checked,
        used=shown,
        cited=shown,
        model="",
    )
    with question_session(services.database, question_id) as session:
        record_answer(session, question_id, Kind.DIRECT, basis)
    return set(shown)


# Puts a search on record and returns its id; nothing if the person has searched too often.
_BEGIN = text("""
    INSERT INTO question (event_id, surface, team_id, channel_id, message_ts, thread_ts, user_id,
                          text, sources, state, ended_at)
    SELECT :event, :search, :team, '', :event, :event, :user, '', CAST(:sources AS text[]),
           'answered', now()
    WHERE :most > (
        SELECT count(*) FROM question
        WHERE team_id = :team AND user_id = :user AND surface = :search
          AND asked_at > now() - interval '1 minute')
    RETURNING id
""").bindparams(search=Surface.SEARCH)
