"""Whether what we know of a source's permissions is recent enough to be used."""

from sqlalchemy import text
from sqlalchemy.orm import Session


def any_source_out_of_date(session: Session) -> bool:
    """Whether a source is left out because its last complete permission sync is too old.

    It depends on no document and no reader: whoever asks, the answer is the same.
    """
    return bool(session.scalar(_ANY_OUT_OF_DATE))


_ANY_OUT_OF_DATE = text("""
    SELECT EXISTS (SELECT FROM source WHERE NOT paused AND max_staleness IS NOT NULL
                   AND (synced_at IS NULL OR synced_at < now() - max_staleness))
""")
