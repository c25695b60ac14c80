"""What Word and Writer put around text: headers and footers, tables that only lay out a page."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from workers.ingest.formats.document import Block, Paragraph, Row
from workers.ingest.formats.text import cell_text, table_of

_PAGE_NUMBER = re.compile(r"(?i)\W*(?:page|seite|p\.|s\.)?\W*\d*\W*(?:of|von|/)?\W*\d*\W*")
_MUCH_TEXT = 300


def said_once(stories: Iterable[Sequence[Block]]) -> list[str]:
    """The texts of headers or footers, each once, without page numbers."""
    found: dict[str, None] = {}
    for blocks in stories:
        text = cell_text([one for one in blocks if not _PAGE_NUMBER.fullmatch(one.text)])
        if any(map(str.isalpha, text)):
            found.setdefault(text, None)
    return list(found)


def lays_out(rows: Sequence[Sequence[str]], flows: Sequence[Sequence[Block]]) -> bool:
    """Whether a table has one column, holds other tables, or is one row of much text: its cells
    are read one after the other."""
    if max(map(len, rows), default=0) < 2:
        return True
    if any(isinstance(block, Row) for flow in flows for block in flow):
        return True
    is_one_row = sum(map(any, rows)) == 1
    much = sum(len(block.text) for flow in flows for block in flow) > _MUCH_TEXT
    return is_one_row and much and any(len(flow) > 1 for flow in flows)


def tabbed(blocks: Iterable[Block]) -> Iterator[Block]:
    """Paragraphs below each other whose words are set apart by as many tabs, as rows of a table."""
    for tabs, group in groupby(blocks, _tabs):
        some = list(group)
        rows = [re.split(r"\t+", block.text.strip()) for block in some]
        are_pairs = len(some) > 2 or all(row[0].endswith(":") for row in rows)
        if (tabs > 1 and len(some) > 1) or (tabs == 1 and are_pairs):
            yield from table_of(rows)
        else:
            yield from some


def _tabs(block: Block) -> int:
    is_line = isinstance(block, Paragraph) and "\n" not in block.text.strip()
    return len(re.findall(r"\t+", block.text.strip())) if is_line else 0
