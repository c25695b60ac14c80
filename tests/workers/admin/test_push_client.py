"""The client in examples/push, against our API over a real socket."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.workers.admin.calls import Api
from tests.workers.admin.test_before_the_body import serving
from tests.workers.ingest.folder import Shelf
from workers.database.sessions import Database
from workers.ingest.push import Pushing

FILE = Path(__file__).parents[3] / "examples" / "push" / "ken_push.py"


@pytest.fixture(scope="module")
def client() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ken_push", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def url(api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    token = api.token("push:wiki")["Authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("KEN_TOKEN", token)
    with serving(api.app) as port:
        yield f"http://127.0.0.1:{port}"


def test_a_folder_is_kept_in_step(
    client: ModuleType,
    url: str,
    database: Database,
    people: dict[str, int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """New, changed and removed files; one that cannot be read is named, and the rest is pushed."""
    shelf = Shelf(database)
    (tmp_path / "hr").mkdir()
    (tmp_path / "hr" / "leave.md").write_text("# Leave\n\nSixteen weeks.")
    (tmp_path / "old.txt").write_text("Old.")
    command = [str(tmp_path), "--url", url, "--source", "wiki", "--allow", "user:ana"]
    assert client.main(command) == 0
    assert shelf.readable_by("ana") == {"hr/leave.md", "old.txt"}
    assert shelf.readable_by("ben") == set()

    (tmp_path / "old.txt").unlink()
    (tmp_path / "bad.xyz").write_text("?")
    capsys.readouterr()
    assert client.main(command) == 1
    assert shelf.readable_by("ana") == {"hr/leave.md"}
    assert (
        capsys.readouterr().out.split()
        == (
            "refused bad.xyz /documents/0/file: not a format Ken reads (.xyz)"
            " unchanged hr/leave.md deleted old.txt"
        ).split()
    )


def test_many_documents_are_several_calls(
    client: ModuleType, api: Api, url: str, database: Database, people: dict[str, int]
) -> None:
    token = api.token("push:wiki")["Authorization"].removeprefix("Bearer ")
    ken = client.Ken(url, token, "wiki")
    pages = [
        {"id": f"p{number}", "title": "P", "text": "Words.", "permissions": {"allow": []}}
        for number in range(150)
    ]

    found = list(ken.put(pages))

    assert [one["id"] for one in found] == [one["id"] for one in pages]
    assert {one["result"] for one in found} == {"created"}
    assert {*ken.ids()} == {one["id"] for one in pages}


def test_after_another_push_the_folder_is_read_anew(
    client: ModuleType,
    api: Api,
    url: str,
    database: Database,
    people: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it held while the source was busy is never sent later."""
    (tmp_path / "secret.txt").write_text("Secret.")
    pushing: Pushing = api.app.state.pushing
    busy = pushing.alone("wiki")
    busy.__enter__()
    waited = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        (tmp_path / "secret.txt").write_text("Blank.")
        busy.__exit__(None, None, None)

    monkeypatch.setattr(client.time, "sleep", wait)

    command = [str(tmp_path), "--url", url, "--source", "wiki", "--allow", "user:ana"]
    assert client.main(command) == 0

    assert waited == [client.BUSY_S]
    assert Shelf(database).texts() == {"secret.txt": "Blank."}


def test_a_call_that_is_refused_says_why(client: ModuleType, api: Api, url: str) -> None:
    with pytest.raises(client.Refused, match="403: The token lacks the scope"):
        list(client.Ken(url, api.token("sync:*")["Authorization"][7:], "wiki").ids())
