"""Says in an answer for which country it was assumed to be, and which others there are."""

import re
from collections.abc import Sequence
from dataclasses import replace

from workers.answering.preferring import document_facets
from workers.models.base import Passage, Profile
from workers.models.facets import Facets, country_name
from workers.replies.rendering import Reply
from workers.wording.text import ENGLISH, gettext, listed, spoken

_FALLS_BEHIND = 0.1
"""A passage whose relevance is this much below the quoted one is about something else."""
_MOST_OTHERS = 2
_WORD = re.compile(r"[^\W\d_]{4,}")
_WITH_ARTICLE = frozenset({"AE", "GB", "NL", "PH", "US"})
"""Countries that English calls “the …”."""


def with_assumption(
    reply: Reply, passages: Sequence[Passage], profile: Profile, asked: Facets
) -> Reply:
    """Add the country if the profile decided, and offer the others that these readers may read of.

    `asked`: what the question names; if it names a country or a site, nothing was assumed.
    """
    if not reply.lines or not profile.country or asked.names_a_place:
        return reply
    quoted = {citation.document for citation in reply.citations}
    named = {
        passage.document: document_facets(
            passage.document, passage.title, passage.heading, profile.sites
        ).all_countries
        for passage in passages
    }
    theirs = [
        passage
        for passage in passages
        if passage.document in quoted and named[passage.document] == {profile.country}
    ]
    if not theirs:
        return reply
    lowest = max(passage.relevance for passage in theirs) - _FALLS_BEHIND
    subject = set[str]().union(*map(_subject, theirs))
    others = dict.fromkeys(
        country
        for passage in passages
        if profile.country not in named[passage.document]
        and passage.relevance >= lowest
        and subject & _subject(passage)
        for country in sorted(named[passage.document])
    )
    begun = reply.lead.rstrip(":").rstrip()
    lead = gettext("{lead}, for {country}:", lead=begun, country=_named(profile.country))
    offered = listed([_named(one) for one in list(others)[:_MOST_OTHERS]])
    note = (
        gettext("I also have a page for {countries}: ask me about it.", countries=offered)
        if offered
        else ""
    )
    return replace(reply, lead=lead, note=" ".join(filter(None, (reply.note, note))))


def _subject(passage: Passage) -> set[str]:
    """Return the words of its title: a page on the same subject has one of them."""
    return set(_WORD.findall(passage.title.casefold()))


def _named(country: str) -> str:
    name = country_name(country, spoken())
    return f"the {name}" if spoken() == ENGLISH and country in _WITH_ARTICLE else name
