"""docs/glossary.md explains every word it should, and names only tables and files that exist."""

import re
from pathlib import Path

from policies.tables import content, history, index, jobs, keys, permissions, questions, usage

ROOT = Path(__file__).parents[1]
ROWS = re.findall(
    r"^\| (?!word|---)(.*) \|$", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE
)
CELLS = [row.split(" | ") for row in ROWS]
WORDS = (
    "question,errand,ring,lease,audience,subject,policy,node,entry,gate,epoch,index version,job,"
    "passage,chunk,code,citation,claim,choice,budget,rest,door,person token"
).split(",")
TABLES = {
    one.__tablename__: set(one.__table__.columns.keys())
    for module in (content, history, index, jobs, keys, permissions, questions, usage)
    for one in vars(module).values()
    if hasattr(one, "__tablename__")
}


def test_every_word_has_one_row_of_three_cells() -> None:
    assert sorted(cells[0] for cells in CELLS) == sorted(WORDS)
    assert {len(cells) for cells in CELLS} == {3}


def test_every_file_that_is_named_exists() -> None:
    named = {path for row in ROWS for path in re.findall(r"`((?:workers|policies)/[\w./]+)`", row)}
    assert len(named) > 8
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_every_table_and_column_that_is_named_exists() -> None:
    listed = [re.match(r"tables? ((?:`\w+`(?:, | and )?)+)", cells[2]) for cells in CELLS]
    names = {name for one in listed if one for name in re.findall(r"`(\w+)`", one[1])}
    assert names >= {"question", "errand", "lease", "chunk", "node", "entry", "policy", "epoch"}
    assert names <= TABLES.keys()
    columns = {one for row in ROWS for one in re.findall(r"`([a-z_]+)\.([a-z_]+)`", row)}
    assert len(columns) > 5
    assert [pair for pair in sorted(columns) if pair[1] not in TABLES[pair[0]]] == []
