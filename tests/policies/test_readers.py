"""All readers of a source at once are those that the query gives one by one."""

import pytest

from policies import Audience, readable_documents
from policies.change import Change
from policies.readers import source_readers
from tests.policies.worlds import RandomWorld, Shape
from workers.database.sessions import Database


@pytest.mark.parametrize(
    ("seed", "shape"), [(1, Shape.PLAIN), (2, Shape.PLAIN), (3, Shape.PLAIN), (5, Shape.DEEP)]
)
def test_the_readers_of_all_documents_are_those_that_the_query_lets_read(
    database: Database, seed: int, shape: Shape
) -> None:
    world = RandomWorld(database, seed, shape=shape)
    for _ in range(20):
        world.step()
    with database.session("syncer") as session:
        change = Change(session, actor="test")
        for source_id in world.sources.values():  # neither paused nor stale
            change.set_freshness(source_id, paused=False, max_staleness=None)
        found = [source_readers(session, source_id) for source_id in world.sources.values()]
    subjects = found[0].subjects
    by_query: dict[int, set[int]] = {subject_id: set() for subject_id in subjects.ids}
    for readers in found:
        for document_id, bits in readers.documents.items():
            for subject_id, bit in subjects.bit.items():
                if bits & bit:
                    by_query[subject_id].add(document_id)
    readable = {subject_id: _readable(database, subject_id) for subject_id in subjects.ids}
    assert by_query == readable
    assert sum(map(len, readable.values())) > 20


def _readable(database: Database, subject_id: int) -> set[int]:
    audience = Audience.of([subject_id])
    with database.reading_for(audience) as session:
        return {document.id for document in session.scalars(readable_documents(audience))}
