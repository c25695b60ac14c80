"""A Slack account becomes a user's by a code, through the real bot and worker: ten seconds."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console
from sqlalchemy import text

from bot.playground.client import Playground
from tests.bot.slack_schemas import check_calls
from tests.ends import data_dir, started
from tests.ports import free_port
from tests.test_end_to_end import BONUS, WORKSPACE, wrote
from workers.cli.loading import load_folder
from workers.database.schema import migrate
from workers.database.sessions import Database
from workers.embedded.servers import ensure, write_env
from workers.people.linking import INVALID, make_code
from workers.replies.rendering import NOTHING_FOUND
from workers.settings import load_settings

__all__ = ["data_dir"]

TOLD = "The bonus pool of this year is two million euros."


@pytest.fixture(scope="module")
def slack(data_dir: Path) -> Playground:
    """Alice is known, and no account in Slack is hers."""
    ensure(data_dir)
    settings = load_settings(data_dir)
    migrate(settings)
    folder = data_dir.parent / "company"
    folder.mkdir()
    for name, line in {
        "source": {"name": "wiki"},
        "principals": {"type": "user", "id": "alice", "name": "Alice Adler"},
        "documents": {
            "id": "bonus",
            "title": "Bonus",
            "text": TOLD,
            "acl": {"allow": ["user:alice"]},
        },
    }.items():
        suffix = "json" if name == "source" else "jsonl"
        (folder / f"{name}.{suffix}").write_text(json.dumps(line) + "\n")
    quiet = Console(quiet=True)
    report = load_folder(
        settings, folder, source=None, allow=(), remove_missing=False, console=quiet
    )
    assert (report.new, report.left_out) == (1, [])
    workspace = data_dir.parent / "workspace.json"
    workspace.write_text(json.dumps(WORKSPACE))
    write_env(
        data_dir,
        {
            "KEN_PLAYGROUND": str(workspace),
            "KEN_SLACK_API_URL": f"http://127.0.0.1:{free_port()}/api/",
            "KEN_SLACK_BOT_TOKEN": "xoxb-playground",
            "KEN_SLACK_APP_TOKEN": "xapp-playground",
            "KEN_SLACK_SIGNING_SECRET": "playground",
        },
    )
    return started(data_dir)


def test_a_code_in_a_direct_message_opens_her_documents_to_her_and_nobody_else(
    data_dir: Path, slack: Playground
) -> None:
    """Threats 8, 10 and 26: from one end to the other."""
    database = Database(load_settings(data_dir))
    with database.session("syncer") as session:
        alice = session.execute(text("SELECT id FROM user_account")).scalar_one()
    assert wrote(slack, "alice", BONUS).text == NOTHING_FOUND

    code = make_code(database, alice, "test", timedelta(hours=1))
    database.close()
    assert "linked to Alice Adler." in wrote(slack, "alice", f"link {code}").text
    assert wrote(slack, "bob", f"link {code}").text == INVALID

    assert "two million euros" in wrote(slack, "alice", BONUS).text
    assert wrote(slack, "bob", BONUS).text == NOTHING_FOUND
    check_calls(slack.calls())
    logged = "".join(file.read_text(errors="replace") for file in (data_dir / "logs").iterdir())
    for secret in (code, code.replace("-", ""), code[:9]):
        assert secret not in logged
