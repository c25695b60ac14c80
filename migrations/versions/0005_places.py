"""Places change: readers are asked of Slack again in time, and words keep whose they are."""

from alembic import op

revision = "0005"
down_revision = "0004"

READERS = """
-- `reviewed_at` is when who reads a reply was last asked of Slack; the oldest is asked for first.
CREATE INDEX outbox_reviewed ON outbox (reviewed_at)
    WHERE state = 'posted' AND kind = 'channel' AND reviewed_at IS NOT NULL;
-- All workers together ask now and then.
ALTER TABLE mending ADD COLUMN asked_at timestamptz NOT NULL DEFAULT '-infinity';

-- Slack gives a channel another id (channel_id_changed): what belongs to it goes along.
GRANT UPDATE (channel_id) ON question TO ken_answerer;
GRANT UPDATE (channel_id) ON channel_setting TO ken_answerer;
"""

WORDS = """
-- Somebody else wrote these words where the asker read them: they are passed on to nobody.
ALTER TABLE question ADD COLUMN borrowed boolean NOT NULL DEFAULT false;
-- What is asked again for the same person, of their own words, is theirs; of the rest nobody knows.
ALTER TABLE question NO FORCE ROW LEVEL SECURITY;
UPDATE question SET borrowed = true
WHERE surface = 'shortcut' OR (
    (about IS NOT NULL OR revision LIKE 'errand:%') AND NOT EXISTS (
        SELECT FROM question AS asked
        WHERE asked.id = question.about AND asked.team_id = question.team_id
          AND asked.user_id = question.user_id AND asked.surface <> 'shortcut'
          AND asked.about IS NULL AND asked.revision NOT LIKE 'errand:%'));
ALTER TABLE question FORCE ROW LEVEL SECURITY;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for part in (READERS, WORDS):
        op.execute(part)
