"""The bot may read which language a person chose, for its own replies and its modal."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("GRANT SELECT (language) ON preference TO ken_ingress")
