"""`ken backup` and `ken restore`: what comes back is what was there, or nothing changes."""

import hashlib
import json
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import make_url, text

from tests.servers import HOME
from tests.workers.cli.terminal import Ken
from tests.workers.ingest.folder import Shelf
from workers.cli import saving
from workers.cli.provisioning import provision_server
from workers.database import backup, requirements
from workers.database.schema import check, migrate
from workers.database.sessions import Database
from workers.embedded.postgres import EmbeddedPostgres
from workers.errors import InputInvalid, SchemaBehind, ServerUnavailable
from workers.settings import Settings
from workers.sync.sources import all_sources


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The settings of the tests, as somebody sets them who has a server of their own."""
    known = EmbeddedPostgres(HOME).superuser
    host, password = known["host"], known["password"]
    return settings.model_copy(
        update={
            "superuser_url": SecretStr(f"postgresql://postgres:{password}@/postgres?host={host}")
        }
    )


@pytest.fixture
def elsewhere(settings: Settings) -> Iterator[Settings]:
    """The same, for a database that is not there yet."""
    url = make_url(settings.database_url.get_secret_value())
    other = f"{url.database}_again"
    there = settings.model_copy(
        update={
            "database_url": SecretStr(url.set(database=other).render_as_string(hide_password=False))
        }
    )
    yield there
    with _server(settings) as server:
        server.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(other))
        )


def _server(settings: Settings) -> psycopg.Connection[Any]:
    return psycopg.connect(settings.superuser_url.get_secret_value(), autocommit=True)


def databases(settings: Settings) -> set[str]:
    """Of this test alone."""
    ours = make_url(settings.database_url.get_secret_value()).database or ""
    with _server(settings) as server:
        found = server.execute("SELECT datname FROM pg_database").fetchall()
    return {name for (name,) in found if name.startswith(ours.removesuffix("_again"))}


def _save(settings: Settings, folder: Path) -> backup.Manifest:
    return saving.save(settings, folder, lambda _: None)


def _restore(settings: Settings, folder: Path, *, pauses: bool = False) -> list[str]:
    _, to_know = saving.restore(settings, folder, pauses=pauses, progress=lambda _: None)
    return to_know


_saved: list[Path] = []


@pytest.fixture
def saved(
    settings: Settings, shelf: Shelf, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A backup of the shelf, made once for all tests here: its documents are always the same."""
    if not _saved:
        folder = tmp_path_factory.mktemp("backups") / "monday"
        _save(settings, folder)
        _saved.append(folder)
    copy = tmp_path / "monday"
    shutil.copytree(_saved[0], copy)
    return copy


def test_the_same_people_read_the_same_again(
    shelf: Shelf, settings: Settings, elsewhere: Settings, saved: Path
) -> None:
    (told, advice) = _restore(elsewhere, saved)
    assert "is not in it" in told
    assert "Sync or load" in advice
    database = Database(elsewhere)
    try:
        check(database, "answerer")
        again = Shelf(database)
        assert again.readable_by("ana") == shelf.readable_by("ana") == {"plan"}
        assert again.readable_by("bo") == shelf.readable_by("bo") == {"pay"}
        assert again.readable_by("ana", "bo") == set()
        assert again.texts() == shelf.texts()
        same = "SELECT md5(string_agg(embedding::text, '' ORDER BY chunk_id)) FROM embedding"
        assert again.rows(same) == shelf.rows(same)
    finally:
        database.close()
    assert len(databases(settings)) == 2


def test_row_level_security_comes_back_and_binds_the_owner(
    elsewhere: Settings, saved: Path
) -> None:
    _restore(elsewhere, saved)
    database = Database(elsewhere)
    try:
        with database.session("answerer") as session:
            assert session.scalar(text("SELECT count(*) FROM document")) == 0
        with database.session("owner") as session:
            assert session.scalar(text("SELECT count(*) FROM document")) == 0
    finally:
        database.close()


def test_it_is_one_moment_whatever_is_written_meanwhile(
    database: Database, settings: Settings, elsewhere: Settings, shelf: Shelf, tmp_path: Path
) -> None:
    def tell(step: str) -> None:
        if step == "Counting the rows":
            with database.session("syncer") as session:
                session.execute(text("UPDATE source SET url = 'https://later.example'"))

    saving.save(settings, tmp_path / "one", tell)
    _restore(elsewhere, tmp_path / "one")
    again = Database(elsewhere)
    try:
        with again.session("syncer") as session:
            assert session.scalars(text("SELECT DISTINCT url FROM source")).all() == [None]
    finally:
        again.close()


def test_only_its_owner_reads_a_backup(saved: Path) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o700
    assert {file.name for file in saved.iterdir()} == {"backup.json", "database.dump"}
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in saved.iterdir())


def test_no_argument_holds_the_password(settings: Settings) -> None:
    server, database = saving._server(settings)
    assert server.parameters["password"]
    assert server.parameters["password"] not in " ".join(server.reached(database))


def test_sources_can_be_paused_before_anybody_asks(elsewhere: Settings, saved: Path) -> None:
    _, advice = _restore(elsewhere, saved, pauses=True)
    assert "--resume" in advice
    database = Database(elsewhere)
    try:
        assert all(source.paused for source in all_sources(database))
        assert Shelf(database).readable_by("ana") == set()
    finally:
        database.close()


def test_secrets_without_their_key_are_counted(
    settings: Settings, elsewhere: Settings, shelf: Shelf, tmp_path: Path
) -> None:
    with (
        _server(settings) as _,
        psycopg.connect(
            settings.superuser_url.get_secret_value().replace(
                "/postgres?", f"/{make_url(settings.database_url.get_secret_value()).database}?"
            )
        ) as here,
    ):
        here.execute(
            "INSERT INTO connector (source_id, kind, secret, added_by) "
            "SELECT id, 'slack', 'sealed by another key', 'test' FROM source"
        )
    _save(settings, tmp_path / "sealed")
    assert any(
        "1 secret in it cannot be read" in one for one in _restore(elsewhere, tmp_path / "sealed")
    )


def test_a_folder_that_is_there_is_not_written_to(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    with pytest.raises(InputInvalid, match="already there"):
        _save(settings, tmp_path / "kept")
    assert list(tmp_path.iterdir()) == [tmp_path / "kept"]


def test_a_folder_that_cannot_be_made_is_an_error_without_a_trace(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServerUnavailable, match="could not be written"):
        _save(settings, tmp_path / "file" / "below")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_dump_that_fails_leaves_nothing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup.Server, "reached", lambda *_: ["--dbname", "host=/nowhere"])
    with pytest.raises(ServerUnavailable, match="pg_dump did not succeed"):
        _save(settings, tmp_path / "half")
    assert list(tmp_path.iterdir()) == []


def _described(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def changed(folder: Path) -> None:
        found = json.loads((folder / "backup.json").read_text())
        change(found)
        (folder / "backup.json").write_text(json.dumps(found))

    return changed


def _truncate(folder: Path) -> None:
    """As a copy that was cut off, with a description that was made to fit."""
    dump = folder / "database.dump"
    dump.write_bytes(dump.read_bytes()[:-2000])
    checksum = hashlib.sha256(dump.read_bytes()).hexdigest()
    _described(lambda found: found.update(sha256=checksum))(folder)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: (folder / "backup.json").unlink(), "backup.json cannot be read"),
        (lambda folder: (folder / "backup.json").write_text("{"), "backup.json is not JSON"),
        (lambda folder: (folder / "backup.json").write_text("[]"), "not the description"),
        (lambda folder: (folder / "backup.json").write_text("[" * 100_000), "is not JSON"),
        (_described(lambda found: found.pop("schema")), "schema: is missing"),
        (_described(lambda found: found.update(rows={"chunk": "2"})), "rows: are numbers"),
        (_described(lambda found: found.update(schema="9999")), "newer Ken"),
        (_described(lambda found: found["rows"].update(chunk=7)), "7 rows in chunk, and 2 came"),
        (lambda folder: (folder / "database.dump").write_bytes(b"x"), "is damaged"),
        (lambda folder: (folder / "database.dump").unlink(), "database.dump cannot be read"),
        (_truncate, "pg_restore did not succeed"),
    ],
)  # fmt: skip
def test_a_damaged_backup_changes_nothing(
    elsewhere: Settings, saved: Path, damage: Callable[[Path], object], told: str
) -> None:
    damage(saved)
    before = databases(elsewhere)
    with pytest.raises((InputInvalid, ServerUnavailable), match=told) as failed:
        _restore(elsewhere, saved)
    assert "Nothing was changed" in str(failed.value)
    assert databases(elsewhere) == before


def test_a_database_with_something_in_it_stays_as_it_is(
    settings: Settings, shelf: Shelf, saved: Path
) -> None:
    before = shelf.texts()
    with pytest.raises(InputInvalid, match="not empty: there are rows in"):
        _restore(settings, saved)
    assert shelf.texts() == before


def test_an_empty_database_gives_way(elsewhere: Settings, saved: Path) -> None:
    _restore(elsewhere, saved)  # makes the roles' database
    with pytest.raises(InputInvalid, match="not empty"):
        _restore(elsewhere, saved)
    name = make_url(elsewhere.database_url.get_secret_value()).database or ""
    with _server(elsewhere) as server:
        server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
    provision_server(elsewhere)
    migrate(elsewhere)
    _restore(elsewhere, saved)


def test_what_a_killed_restore_left_is_taken_away(elsewhere: Settings, saved: Path) -> None:
    name = make_url(elsewhere.database_url.get_secret_value()).database
    with _server(elsewhere) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(f"{name}_restoring")))
    _restore(elsewhere, saved)
    assert f"{name}_restoring" not in databases(elsewhere)


def test_two_restores_do_not_meet(elsewhere: Settings, saved: Path) -> None:
    name = f"{make_url(elsewhere.database_url.get_secret_value()).database}_restoring"
    with _server(elsewhere) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        address = elsewhere.superuser_url.get_secret_value().replace("/postgres?", f"/{name}?")
        with psycopg.connect(address), pytest.raises(InputInvalid, match="Another restore"):
            _restore(elsewhere, saved)
        server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def test_an_older_ken_leaves_a_newer_schema_alone(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requirements, "HEAD", "0001")
    monkeypatch.setattr("workers.database.schema.HEAD", "0001")
    with pytest.raises(SchemaBehind, match="of a newer version"):
        check(database, "answerer")
    with pytest.raises(SchemaBehind, match="of a newer version") as refused:
        migrate(settings)
    assert "newer version" in refused.value.remedy


def test_the_command_says_what_is_in_it_and_what_is_not(
    ken: Ken, settings: Settings, shelf: Shelf, tmp_path: Path
) -> None:
    superuser = settings.superuser_url.get_secret_value()
    done = ken("backup", str(tmp_path / "tuesday"), KEN_SUPERUSER_URL=superuser)
    assert (done.code, done.err) == (0, "")
    assert "rows" in done.out
    assert "Not in it: ken.env" in done.out
    again = ken("restore", str(tmp_path / "tuesday"), KEN_SUPERUSER_URL=superuser)
    assert again.code == 2
    assert "not empty" in again.err
