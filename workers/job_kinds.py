"""What each kind of job does.

A new kind is a function `(Database, Running) -> counts` that is named here. It does a small step,
commits it, and calls `running.step(...)`, which records progress and says whether to go on; called
again after a crash or a pause, it goes on from what is stored. `rows.submit` makes one job now,
`schedules.put` one every so often. Only one job of a kind is open for a subject at a time.
"""

from collections.abc import Mapping

from workers.ingest import beginning, reindexing, scheduled
from workers.jobs.leases import Work
from workers.sources import reread
from workers.sources.jobs import CRAWL, PERMISSIONS, run_pass

KINDS: Mapping[str, Work] = {
    scheduled.KIND: scheduled.load,
    beginning.KIND: reindexing.reindex,
    reindexing.DROP: reindexing.drop_vectors,
    reread.KIND: reread.reread,
    CRAWL: run_pass,
    PERMISSIONS: run_pass,
}
