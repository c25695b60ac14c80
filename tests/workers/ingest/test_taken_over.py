"""The process that reads files may be taken over by one: it knows nothing, and is not believed."""

import json
import sys
from pathlib import Path

import pytest

from tests.workers.ingest.files import put, refusal_by
from workers.errors import ServerUnavailable
from workers.ingest.formats.document import Paragraph
from workers.ingest.parse import Limits, Parsed, Parser

FRAME = "lambda reply: len(reply).to_bytes(4, 'big') + reply"


def taken_over(program: str) -> Parser:
    """A parser whose child starts well, and answers with what `program` sends."""

    class TakenOver(Parser):
        command = (
            sys.executable,
            "-c",
            f"import json, os, resource, socket\nframe = {FRAME}\ns = socket.socket(fileno=0)\n"
            f"s.sendall(frame(b'ready'))\ns.recv(9999)\n{program}",
        )

    return TakenOver(Limits(seconds=5))


def answer(blocks: object = None, **fields: object) -> str:
    about = {"title": "T", "updated_at": None, "missing": ""} | fields
    said = [{"kind": "paragraph", "text": "Text."}] if blocks is None else blocks
    return json.dumps(about) + "\n" + json.dumps(said)


def paragraph(text: object, **fields: object) -> dict[str, object]:
    return {"kind": "paragraph", "text": text} | fields


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("os._exit(0)", "the parser stopped"),
        ("os.abort()", "the parser stopped"),
        ("s.sendall(b'\\xff' * 4); s.recv(1)", "more text than 5 MB"),
        ("s.sendall(frame(b'no JSON'))", "the parser stopped"),
        ("s.sendall(frame(b'[' * 100_000))", "the parser stopped"),
        (f"s.sendall(frame({answer([])!r}.encode()))", "the parser stopped"),
        (f"s.sendall(frame({answer([1])!r}.encode()))", "the parser stopped"),
        (f"s.sendall(frame({answer([paragraph(1)])!r}.encode()))", "the parser stopped"),
        (f"s.sendall(frame({answer([paragraph('a' + chr(0))])!r}.encode()))", "the parser stopped"),
        (
            f"s.sendall(frame({answer([paragraph('a', page='1')])!r}.encode()))",
            "the parser stopped",
        ),
        (
            f"s.sendall(frame({answer([paragraph('a', kind='x')])!r}.encode()))",
            "the parser stopped",
        ),
        (f"s.sendall(frame({answer(missing='salaries')!r}.encode()))", "the parser stopped"),
        (f"s.sendall(frame({answer(title=chr(0xD800))!r}.encode()))", "the parser stopped"),
        (f"s.sendall(frame({answer(updated_at='2026-01-01')!r}.encode()))", "the parser stopped"),
        ('s.sendall(frame(b\'{"reason": "salary: 5000"}\'))', "the parser stopped"),
    ],
)
def test_nothing_is_believed_of_a_child(tmp_path: Path, program: str, reason: str) -> None:
    path = put(tmp_path, "a.txt", "Text.")
    with taken_over(program) as parser:
        assert refusal_by(parser, path) == reason
    with taken_over(f"s.sendall(frame({answer()!r}.encode()))") as parser:
        assert parser.parse(path) == Parsed("T", (Paragraph("Text."),), None)


def test_a_child_holds_no_secrets_and_no_files_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEN_OWNER_PASSWORD", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    program = (
        "from workers.ingest.sandbox import confine\nconfine(1 << 30)\n"
        "kept = [dict(os.environ), [resource.getrlimit(kind)[1] for kind in"
        " (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)], len(os.listdir('/proc/self/fd'))]\n"
        "about = json.dumps({'title': 'T', 'updated_at': None, 'missing': ''})\n"
        "blocks = json.dumps([{'kind': 'paragraph', 'text': json.dumps(kept)}])\n"
        "s.sendall(frame((about + chr(10) + blocks).encode()))"
    )
    with (
        put(tmp_path, "a.txt", "Text.").open() as file,
        taken_over(program) as parser,
    ):
        environment, limits, files = json.loads(parser.parse(Path(file.name)).text)
    # the last is ours, of workers/models: no secret
    assert set(environment) <= {"PATH", "LC_ALL", "TZ", "LC_CTYPE", "ORT_DISABLE_TELEMETRY"}
    assert limits == [0, 0]
    assert files == 4  # three, and the folder that is being listed


def test_a_child_that_ended_between_two_documents_is_replaced(tmp_path: Path) -> None:
    path = put(tmp_path, "a.txt", "Text.")
    with taken_over(f"s.sendall(frame({answer()!r}.encode()))") as parser:
        assert [parser.parse(path).text for _ in range(3)] == ["Text."] * 3


def test_an_installation_that_cannot_read_anything_says_so(tmp_path: Path) -> None:
    class Broken(Parser):
        command = (sys.executable, "-c", "raise SystemExit")

    with Broken() as parser, pytest.raises(ServerUnavailable):
        parser.parse(put(tmp_path, "a.txt", "Text."))
