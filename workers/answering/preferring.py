"""Says how well documents fit a person: by country, site, team and language.

A document's facets come from its path, title and headings, and from who may read it: a page for a
group of people who are all in Germany is about Germany. They are worked out when they are needed,
for the few candidates of a question (decision 33), and change only their order.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache

from sqlalchemy import text
from sqlalchemy.orm import Session

from policies import Visible, readable_chunks
from policies.tables.base import among
from policies.tables.content import Chunk, Document
from workers.models.base import Profile, Sites
from workers.models.facets import (
    NO_FACETS,
    Facets,
    country_code,
    facets_in,
    facets_in_path,
    fit,
    names_of,
)

_SAMPLED = 40
"""Members of a group that are looked at: enough to see whether they are all in one country."""
_FEWEST = 2
"""A group of one says nothing about a country."""


def fits(
    session: Session, visible: Visible, chunk_ids: Collection[int], profile: Profile
) -> dict[int, float]:
    """Return how well each chunk fits, from -1 to 1; empty if nothing is known of the person."""
    names = names_of(profile)
    if not (profile.country or profile.location or names):
        return {}
    rows = session.execute(
        readable_chunks(visible)
        .with_only_columns(
            Chunk.id, Document.native_id, Document.policy_id, Chunk.title, Chunk.heading
        )
        .where(among(Chunk.id, chunk_ids))
    ).all()
    readers = _facets_of_readers(session, {row.policy_id for row in rows}, profile)
    return {
        row.id: fit(
            document_facets(row.native_id, row.title, row.heading, profile.sites, names)
            or readers.get(row.policy_id, NO_FACETS),
            profile,
        )
        for row in rows
    }


@lru_cache(maxsize=5_000)
def document_facets(
    path: str, title: str, heading: str, sites: Sites, names: tuple[str, ...] = ()
) -> Facets:
    """Return what a document's path, title and headings name."""
    above = facets_in(f"{title}\n{heading}", sites=sites, teams=names)
    return facets_in_path(path, sites=sites, teams=names) | above


def _facets_of_readers(
    session: Session, policy_ids: Collection[int], profile: Profile
) -> Mapping[int, Facets]:
    """Return where the people are who may read, if a policy allows groups in one country only."""
    countries_of_all = {country for _town, country in profile.sites if country}
    if len(countries_of_all) < _FEWEST or not profile.country:
        return {}  # everybody is in the same country
    where: dict[int, set[str]] = {}
    counted: dict[int, int] = {}
    rows = session.execute(_READ_READERS, {"ids": list(policy_ids), "most": _SAMPLED})
    for policy_id, country, people in rows:
        where.setdefault(policy_id, set()).add(country_code(country))
        counted[policy_id] = counted.get(policy_id, 0) + people
    return {
        policy_id: Facets(countries=frozenset(countries))
        for policy_id, countries in where.items()
        if counted[policy_id] >= _FEWEST and len(countries) == 1 and "" not in countries
    }


# Reads where some direct members of the groups are that a policy allows, with how many there are;
# of a policy that also allows a class or a person, nothing: that is not for one country.
_READ_READERS = text("""
    WITH allowed AS (
        SELECT policy_id, principal_id FROM policy_entry
        WHERE policy_id = ANY (CAST(:ids AS bigint[])) AND effect = 'allow'
      UNION
        SELECT policy_node.policy_id, entry.principal_id
        FROM policy_node JOIN entry ON entry.node_id = policy_node.node_id
        WHERE policy_node.policy_id = ANY (CAST(:ids AS bigint[]))
          AND policy_node.grants AND entry.effect = 'allow'
    ), for_groups AS (
        SELECT policy_id FROM allowed LEFT JOIN user_group ON user_group.id = principal_id
        GROUP BY policy_id HAVING bool_and(user_group.id IS NOT NULL)
    )
    SELECT policy_id, left(coalesce(profile ->> 'country', ''), 100) AS country, count(*) AS people
    FROM allowed JOIN for_groups USING (policy_id)
    CROSS JOIN LATERAL (
        SELECT member_id FROM membership WHERE group_id = principal_id LIMIT :most
    ) AS member
    JOIN user_account ON user_account.id = member_id AND status = 'active'
    GROUP BY policy_id, 2
""")
