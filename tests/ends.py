"""All of Ken as real processes in a home of its own, for tests from one end to the other."""

import json
import shutil
import socket
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bot.playground.client import Playground, Seen
from tests.ports import free_port
from workers.cli import running
from workers.cli.loading import load_folder
from workers.database.schema import migrate
from workers.embedded.data_dir import socket_folder
from workers.embedded.process import wait_until
from workers.embedded.servers import ensure, write_env
from workers.ingest.pipeline import Report
from workers.settings import load_settings

ANSWER_S = 120


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """A folder of its own, in memory where there is room; in the end nothing of it runs on."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    place = Path(tempfile.mkdtemp(dir=memory if roomy else None))
    place.chmod(0o755)
    yield place / "home"
    running.down(place / "home")
    shutil.rmtree(socket_folder(place / "home"), ignore_errors=True)
    shutil.rmtree(place)


def set_up(data_dir: Path, folder: Path, workspace: Mapping[str, Any], **more: str) -> None:
    """Servers, the folder's documents, and settings for the double; `more` are settings, too."""
    ensure(data_dir)
    migrate(load_settings(data_dir))
    assert load(data_dir, folder).left_out == []
    file = data_dir.parent / "workspace.json"
    file.write_text(json.dumps(workspace))
    write_env(
        data_dir,
        {
            "KEN_PLAYGROUND": str(file),
            "KEN_SLACK_API_URL": f"http://127.0.0.1:{free_port()}/api/",
            "KEN_SLACK_BOT_TOKEN": "xoxb-playground",
            "KEN_SLACK_APP_TOKEN": "xapp-playground",
            "KEN_SLACK_SIGNING_SECRET": "playground",
            "KEN_SWEEP_S": "1",
            **more,
        },
    )


def load(data_dir: Path, folder: Path, *, remove_missing: bool = False) -> Report:
    return load_folder(
        load_settings(data_dir),
        folder,
        source=None,
        allow=(),
        remove_missing=remove_missing,
        console=Console(quiet=True),
    )


def written(
    folder: Path,
    documents: Mapping[str, str],
    principals: Iterable[Mapping[str, Any]],
    permissions: Iterable[Mapping[str, Any]],
) -> Path:
    """A folder as `ken load` takes it; what was in it before is written over."""
    for name, content in documents.items():
        file = folder / "documents" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    source = {"name": "wiki", "url": "https://wiki.acme.example/"}
    (folder / "source.json").write_text(json.dumps(source))
    for name, lines in (("principals", principals), ("permissions", permissions)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def started(data_dir: Path) -> Playground:
    """After `ken up`: the bot listens."""
    running.up(data_dir, lambda step: None)
    slack = Playground(load_settings(data_dir).slack_api_url.removesuffix("/api/"))
    wait_until(lambda: is_up(slack), 60)
    slack.wait_until_ready()
    return slack


def is_up(slack: Playground) -> bool:
    with suppress(OSError):
        slack.calls()
        return True
    return False


def next_direct(slack: Playground, person: str, after: str) -> Seen:
    """The next message of Ken's to somebody alone."""

    def look() -> Seen | None:
        seen = slack.messages(f"DU{person.upper()}")
        return next((m for m in seen if m.user == "UKEN" and m.ts > after), None)

    return slack.wait_for(look, ANSWER_S)


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
