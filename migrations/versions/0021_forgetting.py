"""What a person did is taken away from them, by the role that deletes and reads no word."""

from alembic import op

revision = "0021"
down_revision = "0020"

FORGETTING = """
GRANT SELECT (person_id), UPDATE (user_id, person_id) ON model_use TO ken_syncer;
GRANT SELECT (team_id, user_id) ON errand TO ken_syncer;
GRANT SELECT (user_id) ON question TO ken_syncer;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(FORGETTING)
