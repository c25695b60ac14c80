"""One source, loaded from files and pushed as well: who says what, as docs/sync.md tells it."""

from pathlib import Path
from typing import Any

from policies.change import Change
from policies.described import Person
from policies.tables.sources import RunKind
from tests.workers.ingest.folder import Folder, Shelf, document, user
from tests.workers.sync.conftest import Line, page
from workers.database.sessions import Database
from workers.sync import runs

SOURCE = "wiki"


def pushed(database: Database, *lines: Line) -> None:
    runs.push(database, [lines], source=SOURCE, kind=RunKind.COMPLETE, actor="test", confirmed=True)


def wiki(place: Path, *documents: dict[str, Any]) -> Folder:
    folder = Folder(place / SOURCE)
    folder.principals(user("ana"), user("bo"))
    folder.documents(*documents)
    return folder


def test_of_a_load_and_a_push_the_later_one_says_who_reads(
    database: Database, tmp_path: Path
) -> None:
    shelf, folder = Shelf(database), wiki(tmp_path, document("may", "user:ana"))
    for _ in range(2):
        shelf.load(folder)
        assert (shelf.readable_by("ana"), shelf.readable_by("bo")) == ({"may"}, set())
        pushed(database, page("may", "user:bo"))
        assert (shelf.readable_by("ana"), shelf.readable_by("bo")) == (set(), {"may"})


def test_each_keeps_of_the_other_what_is_said_here(database: Database, tmp_path: Path) -> None:
    """A push closes what it does not list; a load deletes documents with text, and no others."""
    shelf = Shelf(database)
    shelf.load(wiki(tmp_path, document("may", "user:ana"), document("june", "user:ana")))
    pushed(database, page("may", "user:ana"), page("no text yet", "user:ana"))
    assert shelf.readable_by("ana") == {"may"}
    assert shelf.texts().keys() == {"may", "june"}
    shelf.load(wiki(tmp_path, document("june", "user:ana")))
    assert shelf.readable_by("ana") == {"june"}
    assert {name for (name,) in shelf.rows("SELECT native_id FROM node")} == {
        "june", "no text yet",
    }  # fmt: skip


def test_text_is_loaded_closed_and_a_push_of_the_same_id_opens_it(
    database: Database, tmp_path: Path
) -> None:
    with database.session("syncer") as session:
        change = Change(session, actor="test")
        for name in ("ana", "bo"):
            change.put_user(change.put_source(SOURCE), Person(name, name))
    shelf, folder = Shelf(database), Folder(tmp_path / SOURCE)
    folder.documents({"id": "may", "title": "May", "text": "In May.", "acl": {}})
    shelf.load(folder)
    assert shelf.readable_by("ana") == set()
    pushed(database, page("may", "user:ana"))
    assert (shelf.readable_by("ana"), shelf.readable_by("bo")) == ({"may"}, set())
    shelf.load(folder)
    assert shelf.readable_by("ana") == set()
    pushed(database, page("may", "user:ana"))
    assert shelf.readable_by("ana") == {"may"}
    assert shelf.embedder.calls == 1
