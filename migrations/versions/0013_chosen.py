"""A question that is asked again with a choice names the page that its asker chose."""

from alembic import op

revision = "0013"
down_revision = "0012"

CHOSEN = "ALTER TABLE question ADD COLUMN chosen bigint"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(CHOSEN)
