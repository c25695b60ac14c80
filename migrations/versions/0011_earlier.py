"""What was said before a question that is asked in the terminal is stored with it."""

from alembic import op

revision = "0011"
down_revision = "0010"

EARLIER = """
ALTER TABLE question ADD COLUMN earlier text[] NOT NULL DEFAULT '{}';
GRANT UPDATE (earlier) ON question TO ken_answerer;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(EARLIER)
