"""Documents are stored as blocks: what the parts of a chunk are, and who read it.

Chunks without spans are those of an earlier version: the next load reads their documents again.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

READING = """
ALTER TABLE document ADD COLUMN reader_version integer NOT NULL DEFAULT 0;
ALTER TABLE chunk ADD COLUMN spans jsonb;
-- Equal text is embedded once, whichever document it stands in.
ALTER TABLE embedding ADD COLUMN text_hash bytea;
CREATE INDEX embedding_text ON embedding (text_hash, model_id) WHERE text_hash IS NOT NULL;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(READING)
