"""Sources that Ken lists by itself: what was chosen, a sealed secret, and where a pass goes on.

No text of a document is in it. Only the indexer, whose jobs list sources, may read it.
"""

from alembic import op

revision = "0019"
down_revision = "0018"

CONNECTORS = """
CREATE TABLE connector (
    source_id bigint PRIMARY KEY REFERENCES source ON DELETE CASCADE,
    kind text NOT NULL,
    options jsonb NOT NULL DEFAULT '{}',
    secret bytea,
    cursor jsonb NOT NULL DEFAULT '{}',
    problems jsonb NOT NULL DEFAULT '[]',
    added_by text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    passed_at timestamptz,
    full_at timestamptz
);
GRANT SELECT, INSERT, UPDATE, DELETE ON connector TO ken_indexer;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(CONNECTORS)
