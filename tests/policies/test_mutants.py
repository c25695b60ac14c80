"""See the leak first: with one part of the rule taken out of the query, somebody reads too much.

Each mutant is the shipped SQL with one protection off. A random company (see `test_agreement`)
must notice every one of them; the query as shipped agrees with the oracle on the same company.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from policies import STRANGER, Audience, Class, access, readable_documents
from tests.policies.test_agreement import RandomCompany
from tests.policies.world import World

SHIPPED = str(access._VISIBLE)
MOST_ROUNDS = 12

MUTANTS = {
    "denies are not looked at": ("WHERE effect = 'deny'\n      UNION", "WHERE false\n      UNION"),
    "gates are not looked at": ("WHERE effect = 'gate'", "WHERE false"),
    "an unknown folder is taken for a known one": ("node.acl_state <> 'ok'", "false"),
    "an unknown document is taken for a known one": ("policy.known", "true"),
    "suspended people read on": ("WHERE user_account.status = 'active'\n      UNION\n", "UNION\n"),
    "one of the audience is enough": (
        "count(DISTINCT subject_id) = (SELECT count(*) FROM subject)",
        "count(DISTINCT subject_id) > 0",
    ),
    "one of the audience is enough for a gate": (
        "count(DISTINCT subject_id) < (SELECT count(*) FROM subject)",
        "count(DISTINCT subject_id) < 1",
    ),
    "a class is not everybody in it": ("denied_below.denied_id\n", "0\n"),
    "a stranger counts as a member": (
        "class_within.class_id = subject.id",
        "class_within.class_id = greatest(subject.id, 3)",
    ),
}


@pytest.fixture
def shipped() -> Iterator[None]:
    before = access._VISIBLE
    yield
    access._VISIBLE = before


def test_every_mutant_of_the_query_leaks_and_the_query_does_not(
    world: World, shipped: None
) -> None:
    company = RandomCompany(world, seed=7)
    unseen = dict(MUTANTS)
    for _ in range(MOST_ROUNDS):
        for _ in range(25):
            company.step()
        for name, (protection, nothing) in list(unseen.items()):
            assert protection in SHIPPED, name
            access._VISIBLE = text(SHIPPED.replace(protection, nothing))
            if _leaks(company):
                del unseen[name]
        access._VISIBLE = text(SHIPPED)
        assert not _leaks(company)
        if not unseen:
            break
    assert unseen == {}


def _leaks(company: RandomCompany) -> bool:
    """Whether some audience is given what the oracle refuses it."""
    facts = company.facts
    subjects = [*facts.users, *map(int, Class), STRANGER]
    audiences = [(subject,) for subject in subjects]
    pairs = [(one, other) for one in subjects for other in subjects if one < other]
    for ids in [*audiences, *pairs]:
        with company.world.database.session("indexer") as session:  # row security is not asked
            given = {d.id for d in session.scalars(readable_documents(Audience.of(ids)))}
        if any(not facts.read(subject, document) for subject in ids for document in given):
            return True
    return False
