"""The command as people meet it: a process, what it prints, and the code that it ends with."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.ports import free_port
from tests.workers.cli.terminal import PATIENCE_S, Done, Ken
from tests.workers.ingest.folder import Folder, Shelf, document, user
from tests.workers.models.servers import Server, only_chat
from workers.cli import running
from workers.cli.commands.run import up
from workers.cli.loading import progress_bar
from workers.cli.main import app
from workers.database.sessions import connect
from workers.embedded.process import Child, wait_until
from workers.services import AS_SYNCER
from workers.settings import Settings

# It teaches


TAUGHT = {
    "": ["ken up", "ken load FOLDER", "--as ana", "KEN_HOME"],
    "up": [
        "Start PostgreSQL, Redis",
        "if KEN_ADMIN_PORT is set",
        "Safe to repeat",
    ],
    "down": ["Stop what", "Data stays"],
    "status": ["Show what is running", "--json"],
    "doctor": ["Check each dependency", "what to do"],
    "provision": ["Create the database", "safe to repeat", "KEN_SUPERUSER_URL"],
    "migrate": ["Update the database's schema"],
    "backup": ["while questions go on", "KEN_SUPERUSER_URL", "It holds all documents"],
    "restore": ["empty database", "--pause-sources", "nothing is changed unless"],
    "admin-link": ["signs an administrator in", "--role", "No role gives access to the text"],
    "load": [
        "docs/loading.md",
        "class:members",
        "--remove-missing",
        "run it again to continue",
        "--watch",
    ],
    "ask": ["Ask a question as a person", "--as", "--in", "--json", "sources"],
    "forget": ["Forget what a person asked", "--yes", "--json", "not touched"],
    "why": ["Explain whether a person may read a document", "never shows the text"],
    "who": ["List everybody who may read a document", "--at"],
    "audience": ["Show who reads a Slack channel", "how many documents"],
    "shown": ["List each answer that used a document", "--from", "--to"],
    "eval": ["how good the answers are", "Exit code 1 if anything leaked"],
    "reindex": ["while questions go on", "--model", "--roll-back", "none ever half of each"],
    "mcp": ["Pass an MCP client", "KEN_PERSON_TOKEN", "docs/programs.md"],
    "usage": ["Show the tokens", "--by", "--days"],
}


def test_help_says_what_each_command_is_for(subtests: pytest.Subtests) -> None:
    ken = Ken(Path("nowhere"))
    started = {name: ken.start(*name.split(), "--help") for name in TAUGHT}
    for name, process in started.items():
        with subtests.test(name):
            done = ken.result(process)
            assert done.code == 0
            assert [words for words in TAUGHT[name] if words not in done.out] == []
            assert "<bool>" not in done.out  # a flag takes no value
    shown = [each for each in app.registered_commands if not each.hidden]
    assert len(shown) == len(TAUGHT) - 1, "a command without a test of its help"


def test_a_command_that_is_misspelt_or_lacks_a_word_points_to_the_help() -> None:
    ken = Ken(Path("nowhere"))
    wrong = (("lod", "folder"), ("ask", "Where?"), ("load", "--nonsense"))
    for process in [ken.start(*arguments) for arguments in wrong]:
        done = ken.result(process)
        assert (done.code, done.out) == (2, "")
        assert "--help" in done.err


# What can be wrong, and what to do


def test_a_wrong_word_is_named_with_what_was_perhaps_meant(
    ken: Ken, shelf: Shelf, subtests: pytest.Subtests
) -> None:
    cases = (
        (("ask", "Where?", "--as", "Lima"), "no person 'Lima'", "Did you mean: ana?"),
        (("why", "zoe", "plan"), "no person 'zoe'", "Check the spelling"),
        (("why", "ana", "PLA"), "no document 'PLA'", "Did you mean: plan?"),
        (("ask", " ", "--as", "ana"), "question is empty", "Write a question"),
        (("ask", "Where?", "--as", "ana", "--in", "general"), "No Slack", "KEN_SLACK_BOT_TOKEN"),
        (("load", "no/such/folder"), "no/such/folder is not there", "Name a folder"),
        (("eval", "tests"), "questions.jsonl does not exist", "Name a folder with"),
    )
    started = [ken.start(*arguments) for arguments, _, _ in cases]  # at once: it saves seconds
    for process, (arguments, expected, remedy) in zip(started, cases, strict=True):
        with subtests.test(" ".join(arguments)):
            error = ken.refusal(process, code=2)
            assert expected in error
            assert remedy in error.partition("what to do: ")[2]


def test_a_home_without_a_database_says_how_to_get_one_and_is_not_made(tmp_path: Path) -> None:
    ken = Ken(tmp_path / "nowhere")
    error = ken.refused("ask", "Where?", "--as", "ana", code=2)
    assert "No database is set up in this data folder" in error
    assert "ken up" in error.partition("what to do: ")[2]
    assert not ken.data_dir.exists()


def test_postgresql_that_is_down_is_reported_without_its_address(
    ken: Ken, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    dead = f"postgresql:///ken?host={tmp_path / 'dead'}&port=5432"
    folder = Folder(tmp_path / "wiki")
    folder.documents(document("plan", "class:members"))
    started = (
        ken.start("ask", "Where?", "--as", "ana", KEN_DATABASE_URL=dead),
        ken.start("load", str(folder.root), KEN_DATABASE_URL=dead),
    )
    for process in started:
        with subtests.test(str(process.args)):
            error = ken.refusal(process, code=3)
            assert "PostgreSQL does not answer" in error
            assert "KEN_DATABASE_URL" in error.partition("what to do: ")[2]
            assert "dead" not in error


@pytest.mark.parametrize(
    "address",
    ["ken:hunter2@host/ken", "postgresql://ken:hunter2@host:port/ken"],
)
def test_an_address_that_is_none_is_named_and_never_shown(ken: Ken, address: str) -> None:
    ken.secrets += ("hunter2",)
    error = ken.refused("why", "ana", "plan", code=2, KEN_DATABASE_URL=address)
    assert "KEN_DATABASE_URL" in error


def test_a_setting_that_is_none_is_named_and_its_value_never_shown(ken: Ken) -> None:
    ken.secrets += ("hunter2",)
    error = ken.refused("status", code=2, KEN_LEASE_S="hunter2")
    assert "KEN_LEASE_S" in error
    assert "integer" in error


@pytest.fixture
def old_schema(settings: Settings) -> Iterator[None]:
    """A database that has had no migration, by its own books."""
    engine = connect(settings, "owner")
    with engine.begin() as connection:
        (number,) = connection.execute(text("DELETE FROM alembic_version RETURNING *")).one()
    yield
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO alembic_version VALUES (:it)"), {"it": number})
    engine.dispose()


def test_a_schema_that_is_behind_is_refused_by_every_command_that_would_use_it(
    ken: Ken, old_schema: None, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    folder = Folder(tmp_path / "wiki")
    folder.documents(document("plan", "class:members"))
    started = (
        ken.start("ask", "Where?", "--as", "ana"),
        ken.start("load", str(folder.root)),
    )
    for process in started:
        with subtests.test(str(process.args)):
            error = ken.refusal(process, code=4)
            assert "schema is missing; this version needs" in error
            assert "ken migrate" in error.partition("what to do: ")[2]


def test_a_line_that_is_refused_is_shown_by_file_and_number(ken: Ken, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "wiki")
    folder.documents(document("plan", "class:members"), "{")
    error = ken.refused("load", str(folder.root), code=2)
    assert "documents.jsonl:2" in error
    assert "Nothing was changed" in error


# Why


def test_why_tells_the_groups_that_lead_to_a_document(ken: Ken, shelf: Shelf) -> None:
    as_json = ken.start("why", "ana@acme.example", "wiki:plan", "--json")
    done = ken("why", "ana", "plan")
    assert done.code == 0
    assert done.out.splitlines() == [
        "readable: an entry allows it",
        "  Ana Lima → account wiki:ana → group berlin → group staff",
        "  on document plan",
    ]
    assert ken.result(as_json).json() == {
        "person": "ana@acme.example",
        "document": "wiki:plan",
        "at": None,
        "readable": True,
        "code": "allowed",
        "reason": "an entry allows it",
        "path": [
            "Ana Lima → account wiki:ana → group berlin → group staff",
            "on document plan",
        ],
        "wanted": [],
        "cut_at": None,
        "stopped": [],
        "account": None,
        "needed": [],
    }


def test_why_tells_that_nothing_leads_to_a_document_and_shows_nothing_of_it(
    ken: Ken, shelf: Shelf
) -> None:
    as_json = ken.start("why", "bo", "plan", "--json")
    done = ken("why", "bo", "plan")
    assert done.code == 0
    assert done.out.splitlines() == [
        "not readable: no entry allows it",
        "  an allow names one of: group staff",
        "  needed: that the person is one of these or a member of one, or an allow for the person",
    ]
    body = ken.result(as_json).json()
    assert (body["readable"], body["path"]) == (False, [])


# Status, doctor


def test_status_counts_what_the_home_holds_and_says_what_runs(ken: Ken, shelf: Shelf) -> None:
    _started_and_ended(ken, "worker")
    process = ken.start("status")
    body = ken("status", "--json").json()
    assert body["data_folder"] == str(ken.data_dir)
    assert (body["worker"], body["bot"]) == ("stopped", "not set up")
    assert (body["people"], body["groups"], body["documents"], body["chunks"]) == (2, 2, 2, 2)
    assert body["nodes_nobody_may_read"] == body["questions_waiting"] == 0
    assert [name for name in body if not re.fullmatch(r"[a-z_]+", name)] == []
    shown = ken.result(process)
    assert all(
        name.replace("_", " ") in shown.out for name in body.keys() - {"outdated", "problems"}
    )
    assert "worker is stopped: run `ken up`" in shown.out
    assert shown.code == 1


def test_status_looks_at_a_home_where_nothing_is_and_at_a_database_that_is_down(
    ken: Ken, tmp_path: Path
) -> None:
    looked = Ken(tmp_path / "nowhere")("status", "--json")
    nothing = looked.json()
    assert (looked.code, len(nothing["problems"])) == (1, 4)
    assert {nothing[name] for name in ("redis", "postgresql", "worker", "jobs")} == {"stopped"}
    assert {nothing[name] for name in ("bot", "admin", "doors", "playground")} == {"not set up"}
    dead = f"postgresql:///ken?host={tmp_path / 'dead'}&port=5432"
    down = ken("status", "--json", KEN_DATABASE_URL=dead)
    assert down.json()["database"] == "does not answer"
    assert "the database does not answer: run `ken doctor`" in down.json()["problems"]
    assert down.code == 1


def test_where_a_supervisor_runs_the_worker_status_and_doctor_do_not_miss_one_of_ours(
    ken: Ken,
) -> None:
    """Servers of your own, and `ken up` never started a worker here."""
    result = ken("status", "--json")
    assert (result.json()["worker"], result.json()["problems"], result.code) == (
        "not started here",
        [],
        0,
    )
    assert found(ken("doctor"), "worker") == ["!!", "`ken up` has started none here"]


def test_doctor_names_what_is_missing_and_what_to_do_and_ends_with_1(ken: Ken) -> None:
    _started_and_ended(ken, "worker")
    done = ken("doctor")
    assert done.code == 1
    (worker,) = (line for line in done.out.splitlines() if " worker " in line)
    assert worker.split() == "no worker not running here Run `ken up`.".split()
    (database,) = (line for line in done.out.splitlines() if " PostgreSQL " in line)
    assert database.split()[0] == "ok"


def test_doctor_shows_what_production_would_refuse_and_what_contradicts_itself(ken: Ken) -> None:
    short = [line for line in ken("doctor").out.splitlines() if " production " in line]
    assert [line.split()[0] for line in short] == ["!!"]
    refused = [
        line for line in ken("doctor", "--production").out.splitlines() if " production " in line
    ]
    assert {line.split()[0] for line in refused} == {"no"}
    assert any("KEN_OWNER_PASSWORD" in line for line in refused)
    strictly = ken("doctor", "--production", "--json")
    assert strictly.code == 1
    failed = [one["found"] for one in strictly.json() if not one["ok"]]
    assert any("KEN_OWNER_PASSWORD" in one for one in failed)
    strict = ken("doctor", KEN_PRODUCTION="true", KEN_LEASE_S="1").out.splitlines()
    marks = {line.split()[0] for line in strict if " production " in line}
    assert marks == {"no"}
    (lease,) = (line for line in strict if "KEN_LEASE_S" in line)
    assert lease.split()[:2] == ["no", "settings"]


def test_doctor_says_how_a_model_is_asked_and_no_log_stands_in_its_output(ken: Ken) -> None:
    server = Server(only_chat)
    try:
        findings = ken("doctor", "--json", KEN_MODEL_BASE_URL=server.host).json()
    finally:
        server.close()
    (model,) = (one for one in findings if one["check"] == "model")
    assert model["ok"]
    assert "there is no Responses API" in model["found"]
    assert "“From 11:30 to 14:00 on working days.” (verified" in model["found"]


def test_doctor_asks_the_admin_api_where_it_has_a_port(ken: Ken) -> None:
    port = str(free_port())
    settings = {"KEN_ADMIN_PORT": port, "HTTP_PROXY": "http://127.0.0.1:9"}
    assert found(ken("doctor"), "admin API") == ["ok", "off: KEN_ADMIN_PORT is not set"]
    (mark, words, remedy) = found(ken("doctor", **settings), "admin API")
    assert (mark, words) == (
        "no",
        f"does not answer at http://127.0.0.1:{port} (ConnectionRefusedError)",
    )
    assert "Run `ken up`" in remedy
    admin = ken.start("admin", **settings)
    try:
        ready = ken.data_dir / "run" / "admin.ready"
        assert wait_until(lambda: ready.exists() or admin.poll() is not None, PATIENCE_S)
        assert found(ken("doctor", **settings), "admin API") == ["ok", f"http://127.0.0.1:{port}"]
    finally:
        admin.terminate()
        ken.result(admin)


def test_doctor_does_not_take_another_server_for_the_admin_api(ken: Ken) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        done = ken("doctor", KEN_ADMIN_PORT=str(other.server_port))
        other.shutdown()
    mark, words, remedy = found(done, "admin API")
    assert (mark, words[:22], remedy) == (
        "no",
        "another program answer",
        "Set another KEN_ADMIN_PORT.",
    )


def _started_and_ended(ken: Ken, name: str) -> None:
    child = Child(ken.data_dir, name)
    child.start(["true"], {})
    assert wait_until(lambda: not child.running(), PATIENCE_S)


def found(done: Done, check: str) -> list[str]:
    """The columns of one line of `ken doctor` but its name."""
    lines = [re.split(r"\s{2,}", line.strip()) for line in done.out.splitlines()]
    ((mark, _, *words),) = (line for line in lines if line[1:2] == [check])
    return [mark, *words]


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("127.0.0.1", 0, "The admin API is off. To start it, set KEN_ADMIN_PORT"),
        ("127.0.0.1", 3100, "The admin API answers at http://127.0.0.1:3100;"),
        ("::1", 3100, "The admin API answers at http://[::1]:3100;"),
    ],
)
def test_up_says_where_the_admin_api_is(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    host: str,
    port: int,
    expected: str,
) -> None:
    for name, value in (("HOME", tmp_path), ("ADMIN_HOST", host), ("ADMIN_PORT", port)):
        monkeypatch.setenv(f"KEN_{name}", str(value))
    monkeypatch.setattr(running, "up", lambda data_dir, tell: [])
    up()
    assert expected in " ".join(capsys.readouterr().out.split())


# A worker without the syncer's password


def test_doctor_says_what_a_worker_leaves_undone_without_the_syncers_password(ken: Ken) -> None:
    mark, words = found(ken("doctor"), "roles")
    assert (mark, "syncer" in words) == ("ok", True)
    mark, words, remedy = found(ken("doctor", KEN_SYNCER_PASSWORD=""), "roles")
    assert mark == "no"
    assert "KEN_SYNCER_PASSWORD is not set" in words
    assert [duty for duty in AS_SYNCER if duty not in words] == []
    assert "Set it" in remedy


@pytest.mark.parametrize("missing", [True, False])
def test_a_worker_without_the_syncers_password_says_so_once_and_goes_on(
    ken: Ken, tmp_path: Path, missing: bool
) -> None:
    """Redis is away, so that the worker takes nothing: its complaint of that ends the test."""
    extra = {"KEN_REDIS_URL": f"redis+socket:///{tmp_path}/no-redis.sock"}
    worker = ken.start("worker", **extra, **({"KEN_SYNCER_PASSWORD": ""} if missing else {}))
    assert worker.stderr is not None
    too_long = threading.Timer(PATIENCE_S, worker.kill)
    too_long.start()
    events = []
    for line in worker.stderr:
        if line.startswith("{"):  # Celery has words of its own for running it as root
            events.append(json.loads(line))
            if events[-1]["event"] == "library":
                break
    too_long.cancel()
    worker.kill()
    worker.communicate()
    assert events[-1]["event"] == "library"
    warned = [one for one in events if one["event"] == "syncer_password_missing"]
    assert [(one["level"], one["not_done"]) for one in warned] == (
        [("warning", list(AS_SYNCER))] if missing else []
    )


# Load


def test_load_says_what_it_did_and_ends_with_5_if_something_was_left_out(
    ken: Ken, tmp_path: Path
) -> None:
    folder = Folder(tmp_path / "wiki")
    folder.principals(user("ana"))
    folder.documents(document("plan", "user:ana"), document("[pay]", "user:zoe"))
    done = ken("load", str(folder.root), "--source", "drive")
    assert done.code == 5
    assert (
        "drive: 1 new, 0 changed, 0 unchanged, 0 removed, 1 left out, 0 in part; 1 person, "
        in done.out
    )
    assert "left out documents.jsonl:2: a permission names nobody: 'user:zoe'" in done.out

    folder.documents(document("plan", "user:ana"))
    done = ken("load", str(folder.root), "--source", "drive")
    assert done.code == 0
    assert "0 new, 0 changed, 1 unchanged, 0 removed, 0 left out" in done.out


# For machines, and without a terminal


def test_the_version_is_that_of_the_package(ken: Ken) -> None:
    result = ken("--version")
    assert (result.code, result.out) == (0, f"ken {version('ken')}\n")


def test_what_is_printed_for_machines_has_plain_keys_and_times_in_utc(
    ken: Ken, shelf: Shelf
) -> None:
    assert ken("token", "create", "okta", "--scope", "identity", "--expires", "90d").code == 0
    shown = [
        ken.start(*command.split(), "--json")
        for command in ("status", "doctor", "token list", "source list", "link list", "sync runs")
    ]
    bodies = [ken.result(process).json() for process in shown]
    assert [name for one in bodies for name in _names_in(one) if not _PLAIN.fullmatch(name)] == []
    [token] = bodies[2]
    assert [datetime.fromisoformat(token[name]).utcoffset() for name in ("made", "expires")] == [
        timedelta(0),
        timedelta(0),
    ]
    [wiki] = bodies[3]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", wiki["synced_at"])


_PLAIN = re.compile(r"[a-z][a-z0-9_]*")


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, dict | list):
            yield from _names_in(one)


def test_load_for_machines_prints_its_report_alone(ken: Ken, tmp_path: Path) -> None:
    (tmp_path / "wiki").mkdir()
    (tmp_path / "wiki" / "plan.md").write_text("# Plan\n\nThe office moves to Hamburg in May.\n")
    result = ken("load", str(tmp_path / "wiki"), "--allow", "class:members", "--json")
    assert (result.code, result.json()["new"], result.json()["left_out"]) == (0, 1, [])


def test_without_a_terminal_progress_is_a_line_now_and_then_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress_bar(every_s=0) as bar:
        task = bar.add_task("Documents", total=4000)
        bar.update(task, completed=120)
        for _ in bar.track(range(2), description="Questions"):
            pass
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Documents: 120 of 4000, after" in captured.err
    assert "Questions: 2 of 2, after" in captured.err
    with progress_bar(every_s=3600) as bar:
        bar.update(bar.add_task("Documents", total=2), completed=1)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("allow", "expected", "remedy"),
    [
        ("class:everyone", "names nobody: 'class:everyone'", "class:members, class:members_and_"),
        ("everyone", "names nobody: 'everyone'", "Write user:ID, group:ID or a class: class:"),
        ("group:nix", "names nobody: 'group:nix'", "Add a line for it to principals.jsonl"),
    ],
)
def test_load_says_who_could_be_meant_by_a_name_that_stands_for_nobody(
    ken: Ken, tmp_path: Path, allow: str, expected: str, remedy: str
) -> None:
    (tmp_path / "wiki").mkdir()
    (tmp_path / "wiki" / "plan.md").write_text("# Plan\n\nThe office moves.\n")
    error = ken.refused("load", str(tmp_path / "wiki"), "--allow", allow, code=2)
    assert expected in error
    assert remedy in error
    assert "Nothing was changed" in error


def test_load_says_which_classes_there_are_where_a_document_names_another(
    ken: Ken, tmp_path: Path
) -> None:
    folder = Folder(tmp_path / "drive")
    folder.documents(document("plan", "class:everyone"), document("menu", "class:members"))
    done = ken("load", str(tmp_path / "drive"), "--json")
    assert done.code == 5
    (left,) = done.json()["left_out"]
    assert "names nobody: 'class:everyone' (the classes are class:members, " in left["reason"]


def test_the_demo_leaves_a_home_with_a_slack_workspace_as_it_is(ken: Ken) -> None:
    before = sorted(ken.data_dir.iterdir())
    error = ken.refused("demo", code=2, KEN_SLACK_BOT_TOKEN="xoxb-real")
    assert "is connected to a Slack workspace" in error
    assert "KEN_HOME=.ken-demo make demo" in error
    assert sorted(ken.data_dir.iterdir()) == before
    assert ken("status", "--json").json()["documents"] == 0


def test_load_says_what_it_reads_where_there_is_nothing_to_read(ken: Ken, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "plan.md").write_text("# Plan\n")
    for place, reason in (
        ("nowhere", "is not there"),
        ("plan.md", "is a file, not a folder"),
        ("empty", "holds no documents"),
    ):
        error = ken.refused("load", str(tmp_path / place), "--allow", "class:members", code=2)
        assert reason in error
        assert "Markdown, HTML, plain text, CSV, PDF, Word, Excel, PowerPoint" in error
