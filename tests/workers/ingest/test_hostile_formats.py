"""Broken, locked and hostile files of each format: refused with a reason; nothing else is hurt."""

import io
import random
import resource
import zipfile
from pathlib import Path

import pytest

from tests.workers.ingest.binary_sheets import xls, xlsb
from tests.workers.ingest.files import LAUGHS, MEMORY_OF_PARENT, put, read, refusal, refusal_by
from tests.workers.ingest.office import (
    LETTER,
    MAIL,
    RTF,
    SETTINGS,
    STYLES,
    epub,
    locked,
    ods,
    odt,
    slides,
    workbook,
    zipped,
)
from workers.ingest.formats.document import (
    DocumentUnreadable,
)
from workers.ingest.parse import Limits, Parser

SEALED = "<manifest><encryption-data/></manifest>"


CIPHER = '<encryption><CipherReference URI="book/a.xhtml"/></encryption>'
WRONG = "not what its suffix says"


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1_000)
ALIASES = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


MERGES = "a0: &a0 {k: v}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}], k{n}: v}}\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        *((f"a.{suffix}", b"Only words.", WRONG) for suffix in "xlsx xls ods pptx odt".split()),
        *((f"a.{suffix}", b"Only words.", WRONG) for suffix in "rtf eml epub zip".split()),
        ("a.pptx", zipped({"a.md": "x"}), WRONG),
        ("a.odt", zipped({"a.md": "x"}), WRONG),
        ("a.odt", ods(), WRONG),
        ("a.epub", zipped({"a.md": "x"}), WRONG),
        ("a.xlsx", zipped({"a.md": "x"}), "damaged spreadsheet"),
        ("a.xls", OLE, "damaged spreadsheet"),
        ("a.json", "{", "damaged JSON"),
        ("a.yaml", "a: [", "damaged YAML"),
        ("a.toml", "a", "damaged TOML"),
        ("a.odt", zipped({"content.xml": "<x"}), "damaged ODT"),
        ("a.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        ("a.pptx", OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        ("a.odt", odt("", manifest=SEALED), "encrypted"),
        ("a.epub", epub({"a.xhtml": "<p>x"}, encryption=CIPHER), "encrypted"),
        ("a.pptx", locked(slides()), "encrypted"),
        ("a.json", "[" * 100_000, "nested too deep"),
        ("a.json", "[" * 900 + "1" + "]" * 900, "nested too deep"),
        ("a.yaml", "[" * 200 + "]" * 200, "nested too deep"),
        ("a.yaml", "[" * 100_000, "damaged YAML"),
        ("a.toml", "a = " + "[" * 100_000, "nested too deep"),
        ("a.yaml", ALIASES, "too large when unpacked"),
        ("a.yaml", MERGES, "too large when unpacked"),
        ("a.yaml", "a: &a [*a]", "too large when unpacked"),
        ("a.pptx", slides()[:20_000], WRONG),
        ("a.zip", zipped({}), "empty"),
        ("a.json", "{}", "empty"),
    ],
)
def test_a_reason_says_why_a_file_is_not_read(
    tmp_path: Path, name: str, content: str | bytes, reason: str
) -> None:
    assert refusal(tmp_path, name, content) == reason


def test_members_that_need_a_password_are_counted(tmp_path: Path) -> None:
    content = locked(zipped({"a.md": "x", "b.md": "x"}))
    with pytest.raises(DocumentUnreadable):
        read(tmp_path, "a.zip", content)


BOMB = bytes(300_000_000)


def test_a_bomb_hurts_only_its_own_child(tmp_path: Path, parser: Parser) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    zeros = zipped({"bomb.txt": BOMB})
    laughing = f"<!DOCTYPE x [{LAUGHS}]><x>&l9;</x>"
    bombs = {f"zeros.{suffix}": zeros for suffix in "xlsx ods pptx odt epub zip".split()}
    bombs |= {
        "laughs.odt": zipped({"content.xml": laughing}),
        "deep.odt": zipped({"content.xml": "<x>" * 100_000}),
        "laughs.epub": zipped({"META-INF/container.xml": laughing}),
    }
    reasons = {}
    for name, content in bombs.items():
        reasons[name] = refusal_by(parser, put(tmp_path, name, content))
        assert parser.parse(put(tmp_path, "good.md", "# Good\n\nText.")).text == "Text."
    assert {reasons.pop(name) for name in list(reasons) if name.startswith("zeros")} == {
        "too large when unpacked"
    }
    assert reasons == {
        "laughs.odt": "damaged ODT",
        "deep.odt": "damaged ODT",
        "laughs.epub": "damaged EPUB",
    }
    far = ods('<table:table-row table:number-rows-repeated="1048576"/>' * 9 + FAR)
    rows = parser.parse(put(tmp_path, "far.ods", far)).blocks
    assert [row.text.count("x") for row in rows] == [100] * 9
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY_OF_PARENT


FAR = (
    '<table:table-row><table:table-cell table:number-columns-repeated="16384"'
    ' office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>'
) * 9


def test_a_file_that_another_one_names_is_not_read(tmp_path: Path) -> None:
    secret = put(tmp_path, "secret.txt", "the secret")
    entity = f'<!DOCTYPE x [<!ENTITY x SYSTEM "file://{secret}">]>'
    body = "<x><body><text><p>&x;Text.</p></text></body></x>"
    parsed = read(tmp_path, "a.odt", zipped({"content.xml": entity + body}))
    assert parsed.text == "Text."
    page = epub({"a.xhtml": f'<p>Text.</p><object data="file://{secret}"/>'})
    assert read(tmp_path, "a.epub", page).text == "Text."


GOOD: dict[str, bytes] = {
    "a.xlsx": workbook(),
    "a.xls": xls({"Rates": [["City", "Limit"], ["Oslo", 190.0]]}),
    "a.xlsb": xlsb({"Rates": [["City", "Limit"], ["Oslo", 190.0]]}),
    "a.ods": ods(),
    "a.pptx": slides(),
    "a.odt": odt(LETTER, styles=STYLES),
    "a.rtf": RTF.encode(),
    "a.eml": MAIL.format(kind="text/html", text="<p>Text.").encode(),
    "a.epub": epub({"a.xhtml": "<p>Text.</p>"}),
    "a.json": b'{"a": [{"b": 1}, {"b": 2}], "c": {"d": "e"}}',
    "a.yaml": SETTINGS.encode(),
    "a.toml": b'a = 1\n[b]\nc = "d"\n',
    "a.py": b"import os\n\ndef add(a):\n    return a\n",
    "a.zip": zipped({"a.md": "# A\n\nText.", "a.csv": "a,b\n1,2\n"}),
}


def mutated(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 3, 30))):
        at = chance.randrange(len(changed))
        end = min(at + chance.choice((1, 1, 4, 100)), len(changed))
        match chance.randrange(4):
            case 0:
                changed[at:end] = chance.randbytes(end - at)
            case 1:
                del changed[at:end]
            case 2:
                changed[at:at] = changed[at:end] * chance.choice((1, 50))
            case _:
                del changed[max(at, 1) :]
        changed = changed or bytearray(b"x")
    return bytes(changed)


def mutated_within(content: bytes, chance: random.Random) -> bytes:
    """An archive one of whose members is mutated; anything else as it is."""
    if not content.startswith(b"PK"):
        return mutated(content, chance)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members: dict[str, str | bytes] = {one: archive.read(one) for one in archive.namelist()}
    name = chance.choice([name for name, member in members.items() if member])
    members[name] = mutated(bytes(members[name]), chance)  # type: ignore[arg-type]
    return zipped(members)


# calamine reserves what a damaged binary workbook asks for: its child ends, and nothing else
@pytest.mark.parametrize("name", GOOD)
def test_mutated_files_are_read_or_refused_with_a_reason(
    tmp_path: Path, parser: Parser, name: str
) -> None:
    chance = random.Random(f"mutated {name}")
    many = 300 if name not in ("a.xls", "a.xlsb") else 100
    outcomes = {"read": 0, "refused": 0}
    for number in range(many):
        change = mutated if number % 3 == 0 else mutated_within
        path = put(tmp_path, name, change(GOOD[name], chance))
        try:
            parser.parse(path)
            outcomes["read"] += 1
        except DocumentUnreadable as error:
            is_binary = name in ("a.xls", "a.xlsb") and error.reason in STOPPED[:2]
            assert error.reason not in STOPPED or is_binary, path.read_bytes()[:200]
            outcomes["refused"] += 1
    assert sum(outcomes.values()) == many


STOPPED = ("the parser stopped", "needed too much memory", f"took longer than {Limits().seconds} s")
