"""What was answered to a push, so that a request that is sent again under its key changes nothing.

No text of a document is in it: ids, and what became of each.
"""

from alembic import op

revision = "0018"
down_revision = "0017"

REQUESTS = """
CREATE TABLE push_request (
    source_id bigint NOT NULL REFERENCES source ON DELETE CASCADE,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    results jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source_id, key)
);
CREATE INDEX push_request_at ON push_request (at);
GRANT SELECT, INSERT, DELETE ON push_request TO ken_indexer;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(REQUESTS)
