"""What durability needs to see: a question's trace, and messages that were tried more than once."""

from alembic import op

revision = "0003"
down_revision = "0002"

CHANGES = """
-- W3C traceparent: a question that is rung again stays in its trace.
ALTER TABLE question ADD COLUMN trace text;

-- When a message that was tried more than once was looked for again, after it was posted.
ALTER TABLE outbox ADD COLUMN looked_at timestamptz;
CREATE INDEX outbox_unsure ON outbox (posted_at)
    WHERE state = 'posted' AND attempts > 1 AND looked_at IS NULL;

-- The few nodes whose permissions nobody knows: a metric counts them.
CREATE INDEX node_unknown ON node (source_id) WHERE acl_state = 'unknown' AND gone_at IS NULL;

-- Whoever sweeps and whoever measures sees states and times, no payload and no channel.
GRANT SELECT (question_id, kind, state, attempts, posted_at, looked_at)
    ON outbox TO ken_ingress;
CREATE POLICY watch ON outbox FOR SELECT TO ken_ingress USING (true);
GRANT SELECT (reason) ON question TO ken_ingress;
GRANT SELECT ON epoch TO ken_ingress;
GRANT SELECT (id, name, paused, max_staleness, synced_at) ON source TO ken_ingress;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(CHANGES)
