"""What each role may do to text, and that a role with more is refused."""

import re
from collections.abc import Iterable
from typing import Any, get_args

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


AS_OWNER = {"codes_of": {"ken_answerer"}, "readable_set": {"ken_answerer"}}
"""What runs with its owner's rights and may be called, by whom; triggers cannot be."""


def test_what_runs_with_its_owners_rights_gives_no_text_away(database: Database) -> None:
    """Threat 32: where the answerer calls the owner's function, row-level security lets the owner
    see content, so that `codes_of` can read it. No other such function may.
    """
    assert _giving_text_away(_run_as_owner(database)) == []
    with _as_owner(database) as connection:
        connection.execute(text(_LEAKING))
    try:
        assert _giving_text_away(_run_as_owner(database)) == ["leak"]
    finally:
        with _as_owner(database) as connection:
            connection.execute(text("DROP FUNCTION leak"))


def _run_as_owner(database: Database) -> list[Any]:
    with _as_owner(database) as connection:
        return list(connection.execute(text(_READ_AS_OWNER)))


def _as_owner(database: Database) -> Any:
    return connect(database.settings, "owner").begin()


def _giving_text_away(functions: Iterable[Any]) -> list[str]:
    """Those that read text and are not the one that may, or that others may call."""
    found = []
    for name, body, is_trigger, callers, gives in functions:
        reads = re.search(r"\b(document|chunk|embedding)\b", body) is not None
        may_read = name == "codes_of" and "text" not in gives
        may_be_called = is_trigger or set(callers) == AS_OWNER.get(name)
        if (reads and not may_read) or not may_be_called:
            found.append(name)
    return found


_READ_AS_OWNER = """
    SELECT proname, prosrc, prorettype = 'trigger'::regtype,
           ARRAY(SELECT rolname::text FROM pg_roles
                 WHERE rolname LIKE 'ken\\_%' AND rolname <> 'ken_owner'
                   AND has_function_privilege(rolname, pg_proc.oid, 'EXECUTE')),
           ARRAY(SELECT one::regtype::text
                 FROM unnest(proallargtypes, proargmodes) AS given (one, mode)
                 WHERE mode IN ('o', 't'))
    FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
"""
_LEAKING = """
    CREATE FUNCTION leak() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER
    AS $$ SELECT text FROM chunk $$
"""
