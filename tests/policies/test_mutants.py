"""See the leak first: with one part of the rule taken out of the query, somebody reads too much.

Each mutant is the shipped SQL with one protection off. A random world (see `worlds`)
must notice every one of them; the query as shipped agrees with the oracle on the same world.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from policies import access, readable_documents
from policies.models import Document
from tests.policies.worlds import RandomWorld
from workers.database import Database

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
    database: Database, shipped: None
) -> None:
    world = RandomWorld(database, seed=7)
    unseen = dict(MUTANTS)
    for _ in range(MOST_ROUNDS):
        for name, (protection, nothing) in list(unseen.items()):
            assert protection in SHIPPED, name
            access._VISIBLE = text(SHIPPED.replace(protection, nothing))
            if _leaks(world):
                del unseen[name]
        access._VISIBLE = text(SHIPPED)
        assert not _leaks(world)
        if not unseen:
            break
        for _ in range(25):
            world.step()
    assert unseen == {}


def _leaks(world: RandomWorld) -> bool:
    """Whether some audience is given what the oracle refuses it."""
    for subjects in world.audiences():
        asked = readable_documents(world.audience(subjects)).with_only_columns(Document.id)
        with world.database.session("indexer") as session:  # row security is not asked
            given = set(session.scalars(asked))
        if given - world.document_ids(world.oracle.all_read(subjects)):
            return True
    return False
