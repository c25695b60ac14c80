"""The tables as migrated are the tables as modelled, and text has one door."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from policies import tables
from policies.tables.base import Base
from workers.database.requirements import HEAD
from workers.database.sessions import connect
from workers.settings import Settings

ROOT = Path(__file__).parents[2]


def test_the_newest_migration_is_the_one_that_this_version_asks_for() -> None:
    scripts = ScriptDirectory.from_config(Config(ROOT / "alembic.ini"))
    assert scripts.get_current_head() == HEAD


def test_the_migrated_tables_and_columns_are_those_in_python(settings: Settings) -> None:
    for module in iter_modules(tables.__path__):
        import_module(f"{tables.__name__}.{module.name}")
    engine = connect(settings, "owner")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        found = compare_metadata(context, Base.metadata)
    engine.dispose()
    kinds = {"add_table", "remove_table", "add_column", "remove_column"}
    named = [one for one in found if isinstance(one, tuple) and one[0] in kinds]
    assert [one for one in named if getattr(one[1], "name", "") != "alembic_version"] == []


def test_a_table_is_declared_beside_the_rules_that_guard_it() -> None:
    """A table with text that is added in `workers` would be far from row-level security."""
    files = [*(ROOT / "workers").rglob("*.py"), *(ROOT / "bot").rglob("*.py")]
    assert [file.name for file in files if "__tablename__" in file.read_text()] == []
