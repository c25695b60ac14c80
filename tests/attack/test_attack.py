"""`make attack` sees what it looks for: without each protection, its count is not 0."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.payloads import (
    FIELDS,
    LARGEST_FILE,
    BadPayloads,
    Payload,
    bases,
    of_others,
    ours,
    read,
)
from tests.attack.stage import Stage, company
from tests.attack.switches import SWITCHES
from tests.attack.watch import COUNTS, judge

_TEXTS = dict(bases())
_EACH = {"no previews": 1, "silent logs": 1, "identity": 2, "inert text": 2, "escapes": 2}
_USUAL = 5
"""Payloads for each switch: the model begins its drafts in five ways."""
_IN_FRENCH = (
    "Le service des achats publie la liste des fournisseurs chaque lundi. "
    "Les factures sont payées par la comptabilité avant la fin du mois."
)


def _payloads(switch: str, first: int) -> list[Payload]:
    texts = [_TEXTS[kind] for kind in ("autolink", "everybody", "bare host", "phone, en", "person")]
    if switch == "requests":
        texts = [_IN_FRENCH] * _USUAL
    field = "thread" if switch == "identity" else "text"  # its question is rewritten to a secret
    most = _EACH.get(switch, _USUAL)
    return [Payload(first + number, switch, field, one) for number, one in enumerate(texts[:most])]


PAYLOADS = {
    switch: _payloads(switch, 20 * number) for number, switch in enumerate(["nothing", *SWITCHES])
}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with company([one for several in PAYLOADS.values() for one in several]) as made:
        yield made


def test_with_every_protection_nothing_gets_out(stage: Stage) -> None:
    """Threats 19 to 25."""
    for payload in PAYLOADS["nothing"]:
        stage.attack(payload)
    found = judge(stage.left())
    assert {count: found.counts[count] for count in COUNTS} == dict.fromkeys(COUNTS, 0), (
        found.examples
    )
    assert found.answers > 0


@pytest.mark.parametrize("switch", SWITCHES)
def test_without_a_protection_its_count_is_not_0(stage: Stage, switch: str) -> None:
    """Threats 19 to 25: the leak is seen first."""
    count, without = SWITCHES[switch]
    stage.left()
    with without():
        for payload in PAYLOADS[switch]:
            stage.attack(payload)
    assert judge(stage.left()).counts[count] > 0


def test_our_own_payloads_are_at_least_500_in_every_field() -> None:
    full = ours(small=False)
    assert len(full) >= 500
    assert {one.field for one in full} == set(FIELDS)
    assert len({(one.field, one.text) for one in full}) == len(full)
    small = ours(small=True)
    kinds = {one.kind.partition(",")[0] for one in full}
    assert {one.kind.partition(",")[0] for one in small} == kinds


# -- somebody else's payloads -------------------------------------------------------------------


def test_lists_objects_and_tables_are_read_and_each_payload_once(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(["one", "two"]))
    (tmp_path / "b.json").write_text(json.dumps({"kind": ["two", "three\ud800 and \x00"]}))
    (tmp_path / "c.csv").write_text('id,text\n1,"four, and\nfive"\n')
    (tmp_path / "readme.txt").write_text("not read")
    texts = read(tmp_path)
    assert texts == ["one", "two", "three\ud800 and \x00", "four, and\nfive"]
    assert [one.number for one in of_others(texts, first=7)] == [7, 8, 9, 10]


@pytest.mark.parametrize(
    ("name", "written", "says"),
    [
        ("a.json", '["one",\n', "a.json:2: no JSON"),
        ("a.json", '["one", 2]', "item 2: expected a text, found int"),
        ("a.json", '{"a": ["x"], "a": ["y"]}', "a field is there twice"),
        ("a.json", '{"a": "x"}', "field 'a': expected a list"),
        ("a.json", '"x"', "expected a list of texts"),
        ("a.json", "[" * 100_000, "no usable JSON"),
        ("a.json", '[" "]', "item 1: the text is empty"),
        ("a.json", json.dumps(["x" * 20_001]), "item 1: more than 20000"),
        ("a.csv", "id,words\n1,x\n", "a.csv:1: there is no column 'text'"),
        ("a.csv", "", "a.csv:1: there is no column 'text'"),
        ("a.csv", "id,text\n1\n", "line 2, field 'text': expected a text"),
        ("a.csv", 'text\n"x\n', "no CSV"),
        ("a.txt", "x", "no .json and no .csv"),
    ],
)
def test_a_bad_file_is_named_with_its_line_or_field(
    tmp_path: Path, name: str, written: str, says: str
) -> None:
    (tmp_path / name).write_text(written)
    with pytest.raises(BadPayloads) as error:
        read(tmp_path)
    assert says in str(error.value)


def test_what_is_no_text_too_large_or_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadPayloads, match="is not a folder"):
        read(tmp_path / "nowhere")
    (tmp_path / "a.json").write_bytes(b'["\xff"]')
    with pytest.raises(BadPayloads, match="not UTF-8: byte 2"):
        read(tmp_path)
    (tmp_path / "a.json").write_text(f'["{"x" * LARGEST_FILE}"]')
    with pytest.raises(BadPayloads, match="more than 10 MB"):
        read(tmp_path)
