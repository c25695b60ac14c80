"""Chunks whose text a model's server refuses; and metrics say which schedules are overdue."""

from alembic import op

revision = "0022"
down_revision = "0021"

REFUSED = """
CREATE TABLE refused_text (
    chunk_id bigint NOT NULL REFERENCES chunk ON DELETE CASCADE,
    model_id bigint NOT NULL REFERENCES embedding_model,
    reason text NOT NULL,
    PRIMARY KEY (chunk_id, model_id)
);
GRANT SELECT, INSERT, DELETE ON refused_text TO ken_indexer;
GRANT SELECT (kind, due_at, paused, quiet_from, quiet_to) ON schedule TO ken_ingress;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(REFUSED)
