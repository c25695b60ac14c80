"""What is older than a company wants to keep is deleted by a role that cannot read it."""

from alembic import op

revision = "0020"
down_revision = "0019"

# The syncer sees when something was asked and whether it has ended, and deletes it with all that
# hangs on it; not a word of it can it read.
RETENTION = """
GRANT SELECT (state) ON question TO ken_syncer;
GRANT DELETE ON question TO ken_syncer;
CREATE POLICY age ON question FOR DELETE TO ken_syncer
    USING (state <> 'kept' AND asked_at < now() - interval '1 day');

GRANT SELECT (id, done_at) ON errand TO ken_syncer;
GRANT DELETE ON errand TO ken_syncer;
CREATE POLICY see_age ON errand FOR SELECT TO ken_syncer USING (true);
CREATE POLICY age ON errand FOR DELETE TO ken_syncer USING (done_at IS NOT NULL);

GRANT SELECT (id, at, model), DELETE ON model_use TO ken_syncer;
GRANT SELECT, DELETE ON document_change TO ken_syncer;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(RETENTION)
