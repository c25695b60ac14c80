"""Checks whether the permissions of sources are recent enough to be used."""

from sqlalchemy import text
from sqlalchemy.orm import Session


def any_source_out_of_date(session: Session) -> bool:
    """Return whether a source is left out because its last complete permission sync is too old.

    The result depends on no document and no reader: it is the same for everybody.
    """
    return bool(session.scalar(_ANY_OUT_OF_DATE))


_ANY_OUT_OF_DATE = text("""
    SELECT EXISTS (SELECT FROM source WHERE NOT paused AND max_staleness IS NOT NULL
                   AND (synced_at IS NULL OR synced_at < now() - max_staleness))
""")
