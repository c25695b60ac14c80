"""A source that is pushed: people with accounts in it, and what they may read afterwards."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import text

from policies.change import Change
from policies.described import Person
from policies.readers import source_readers
from policies.tables.sources import RunKind
from workers.database.sessions import Database, connect
from workers.sync import runs
from workers.sync.runs import Run

SOURCE = "drive"
Line = Mapping[str, Any]


def group(name: str, *members: str) -> Line:
    return {"type": "group", "id": name, "members": list(members)}


def folder(name: str, *allow: str, **more: Any) -> Line:
    return {"type": "node", "id": name, "kind": "container", "allow": list(allow), **more}


def page(name: str, *allow: str, **more: Any) -> Line:
    return {"type": "node", "id": name, "kind": "document", "allow": list(allow), **more}


@dataclass
class Drive:
    """What is pushed goes through the whole of `runs`; nothing of the database is faked."""

    database: Database
    people: dict[str, int] = field(default_factory=dict)

    def person(self, name: str, *, guest: bool = False) -> int:
        with self.database.session("syncer") as session:
            change = Change(session, actor="test")
            source_id = change.put_source(SOURCE)
            self.people[name] = change.put_user(source_id, Person(name, name.title(), guest=guest))
        return self.people[name]

    def account(self, name: str) -> int:
        """The principal that its group and its entries name."""
        with self.database.session("syncer") as session:
            change = Change(session, actor="test")
            return change.accounts(change.put_source(SOURCE), [name])[name]

    def push(
        self, *lines: Line, delta: bool = False, pages: int = 1, confirmed: bool = False
    ) -> Run:
        run_id = self.stage(*lines, delta=delta, pages=pages)
        return runs.finish(self.database, run_id, pages=pages, confirmed=confirmed)

    def delta(self, *lines: Line, confirmed: bool = False) -> Run:
        return self.push(*lines, delta=True, confirmed=confirmed)

    def stage(
        self, *lines: Line, delta: bool = False, pages: int = 1, numbers: Iterable[int] = ()
    ) -> int:
        kind = RunKind.DELTA if delta else RunKind.COMPLETE
        run_id = runs.begin(self.database, source=SOURCE, kind=kind, actor="test")
        for number in numbers or range(1, pages + 1):
            runs.put_page(self.database, run_id, number, lines[number - 1 :: pages])
        return run_id

    def readers(self) -> dict[str, list[str]]:
        """Who reads each document now, by name; the classes too."""
        with self.database.session("syncer") as session:
            rows = session.execute(text("SELECT id, native_id, source_id FROM node")).all()
            source_id = session.scalar(text("SELECT id FROM source WHERE name = 'drive'"))
            found = source_readers(session, source_id or 0)
        names = {user_id: name for name, user_id in self.people.items()}
        names |= {1: "internet", 2: "members_and_guests", 3: "members"}
        return {
            row.native_id: sorted(
                names[subject_id]
                for subject_id, bit in found.subjects.bit.items()
                if found.documents[row.id] & bit
            )
            for row in rows
            if row.id in found.documents
        }

    def epoch(self) -> int:
        with self.database.session("syncer") as session:
            return int(session.execute(text("SELECT value FROM epoch")).scalar_one())

    def everything(self, *but: str) -> dict[str, Sequence[str]]:
        """Every row of every table, as the owner sees them."""
        engine = connect(self.database.settings, "owner")
        with engine.connect() as session:
            tables = session.scalars(
                text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace ="
                     " 'public'::regnamespace ORDER BY 1")
            ).all()  # fmt: skip
            found: dict[str, Sequence[str]] = {
                table: sorted(session.scalars(text(f"SELECT it::text FROM {table} AS it")))  # noqa: S608
                for table in tables
                if table not in but
            }
        engine.dispose()
        return found


@pytest.fixture
def drive(database: Database) -> Drive:
    made = Drive(database)
    for name in ("ana", "bob", "cy"):
        made.person(name)
    return made


@pytest.fixture
def small(drive: Drive) -> Drive:
    """A folder of the staff with two documents, and one of Cy's own."""
    drive.push(
        group("staff", "user:ana", "group:berlin"),
        group("berlin", "user:bob"),
        folder("plans", "group:staff"),
        page("may", parent="plans"),
        page("june", parent="plans"),
        page("diary", "user:cy"),
    )
    return drive
