"""What each role may do to text, and that a role with more is refused."""

from typing import get_args

import pytest
from sqlalchemy import text

from workers.database.requirements import GUARDED
from workers.database.schema import check
from workers.database.sessions import Database, connect
from workers.errors import SettingsInvalid
from workers.settings import Role

TEXT = ("document", "chunk", "embedding")
OTHERS: list[Role] = ["ingress", "answerer", "syncer"]


@pytest.mark.parametrize("role", OTHERS)
def test_nobody_but_the_indexer_writes_text(database: Database, role: Role) -> None:
    """Threat 33: a unique or foreign key tells nothing to who can insert nothing.

    The syncer gives a document another policy, and deletes it.
    """
    with database.session(role) as session:
        for table in TEXT:
            for right in ("INSERT", "UPDATE"):
                may = session.scalar(
                    text("SELECT has_any_column_privilege(:table, :right)"),
                    {"table": table, "right": right},
                )
                relabels = (role, table, right) == ("syncer", "document", "UPDATE")
                assert may is relabels, (table, right)
        columns = session.scalars(
            text(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'document'::regclass "
                "AND attnum > 0 AND has_column_privilege('document', attname, 'UPDATE')"
            )
        ).all()
        assert columns == (["policy_id"] if role == "syncer" else [])


def test_a_process_that_row_security_does_not_bind_refuses_to_start(database: Database) -> None:
    """Threat 32: the owner is never whom a process works as."""
    for role in get_args(Role):
        if role == "owner":
            with pytest.raises(SettingsInvalid, match="not bound by row-level security"):
                check(database, role)
        else:
            check(database, role)


@pytest.mark.parametrize("table", GUARDED)
@pytest.mark.parametrize("wall", ["FORCE", "ENABLE"])
def test_without_a_wall_on_every_table_with_text_no_process_starts(
    database: Database, table: str, wall: str
) -> None:
    """Threat 32: somebody changed the schema by hand."""
    down = {"FORCE": "NO FORCE", "ENABLE": "DISABLE"}[wall]
    owner = connect(database.settings, "owner")
    with owner.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} {down} ROW LEVEL SECURITY"))
    try:
        with pytest.raises(SettingsInvalid, match="Row-level security is off"):
            check(database, "answerer")
    finally:
        with owner.begin() as connection:
            connection.execute(text(f"ALTER TABLE {table} {wall} ROW LEVEL SECURITY"))
        owner.dispose()
