"""The company that searches are measured in: who sees what is what Ken makes of its permissions."""

import numpy as np

from benchmarks.search.company import LEVELS, Company, write
from policies import Audience, readable_chunks
from policies.tables.content import Chunk
from tests.servers import empty
from workers.database.sessions import Database


def test_each_of_the_askers_sees_their_share(database: Database) -> None:
    company = Company(2_000)
    write(company, database.settings)
    try:
        for asker in company.askers:
            audience = Audience.of((asker.person,))
            with database.reading_for(audience) as session:
                ids = session.scalars(readable_chunks(audience).with_only_columns(Chunk.id)).all()
                assert sorted(ids) == (asker.visible + 1).tolist()
    finally:
        empty(database.settings)
    shares = [len(asker.visible) / company.chunks for asker in company.askers[::4]]
    assert np.all(np.diff(shares) >= 0)
    assert abs(shares[-1] - LEVELS[-1]) < 0.2
