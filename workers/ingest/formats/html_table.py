"""Tables of web pages, and lists that count down."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from workers.ingest.formats.document import (
    Block,
    Code,
    Heading,
    Item,
    Paragraph,
    Row,
    columns,
    table,
)
from workers.ingest.formats.text import cell_text, has_header

_LONGEST_NAME = 300
"""Letters of a heading of a column."""


class Grid:
    """A table: its rows if it holds data; the blocks of its cells if it only lays out a page."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        self.caption = ""
        self.is_in_cell = False
        self._rows: list[list[str]] = []
        self._flows: list[list[Block]] = []
        self._names: list[bool] = []
        """Of each row: whether all its cells are headings."""
        self._is_layout = attributes.get("role", "") in ("presentation", "none")
        self._size = (1, 1)
        self._is_name = self._in_head = False
        self._repeated: dict[int, tuple[int, str]] = {}
        self._wide: set[int] = set()
        """Rows that are one cell over all columns."""
        self._row_names: set[int] = set()
        """Rows whose first cell alone is a heading: it names the row."""

    def start_row(self, in_head: bool) -> None:
        if self._rows:
            self._repeat()
        self._rows.append([])
        self._names.append(True)
        self._in_head = in_head

    def start_cell(self, tag: str, attributes: Mapping[str, str]) -> None:
        if not self._rows:
            self.start_row(False)
        self.is_in_cell = True
        self._is_name = tag == "th" or self._in_head
        self._size = columns(attributes.get("rowspan")), columns(attributes.get("colspan"))

    def end_cell(self, blocks: list[Block]) -> None:
        self.is_in_cell = False
        self._repeat()
        (rows, width), text = self._size, cell_text(blocks)
        self._flows.append(blocks)
        row = self._rows[-1]
        number = len(self._rows) - 1
        if row:
            self._wide.discard(number)
            if not self._is_name and self._names[-1] and len(row) == 1:
                self._row_names.add(number)
        elif width > 1:
            self._wide.add(number)
        self._names[-1] = self._names[-1] and self._is_name
        for at in range(width):
            said = text if at == 0 or number not in self._wide else ""
            if rows > 1:
                self._repeated[len(row)] = rows - 1, said
            row.append(said)

    def _repeat(self) -> None:
        """A cell over several rows is repeated, so that each row says it all."""
        row = self._rows[-1]
        while len(row) in self._repeated:
            left, text = self._repeated.pop(len(row))
            if left > 1:
                self._repeated[len(row)] = left - 1, text
            row.append(text)

    def blocks(self) -> list[Block]:
        if self._rows:
            self._repeat()
        if self._lays_out():
            return [block for flow in self._flows for block in flow]
        numbers = [number for number, row in enumerate(self._rows) if any(row)]
        caption = self.caption
        if numbers[1:] and numbers[0] in self._wide:  # a title in the first row
            caption = " > ".join(filter(None, (caption, self._rows[numbers[0]][0])))
            numbers = numbers[1:]
        rows = [self._rows[number] for number in numbers]
        header = 0
        while header < len(rows) - 1 and self._is_header(numbers[header]):
            header += 1
        if not header and numbers[:1] != [*self._row_names & {*numbers[:1]}] and has_header(rows):
            header = 1
        return list(self._in_groups(numbers, rows[:header], caption))

    def _is_header(self, number: int) -> bool:
        return self._names[number] and number not in self._wide

    def _in_groups(
        self, numbers: list[int], names: list[list[str]], caption: str
    ) -> Iterator[Block]:
        """The rows; one that is a single cell over all columns is the title of those below it."""
        rows: list[list[str]] = []
        group = ""
        for number in numbers[len(names) :]:
            if number not in self._wide:
                rows.append(self._rows[number])
                continue
            yield from self._group(names, rows, caption, group)
            group, rows = self._rows[number][0], []
        yield from self._group(names, rows, caption, group)

    def _group(
        self, names: list[list[str]], rows: list[list[str]], caption: str, group: str
    ) -> Iterator[Block]:
        if rows:
            both = " > ".join(filter(None, (caption, group)))
            yield from table([*names, *rows], header=len(names), caption=both)
        elif group:
            yield Paragraph(group)  # below the last row: a remark

    def _lays_out(self) -> bool:
        if self._is_layout or max(map(len, self._rows), default=0) < 2:
            return True
        names = [row for row, is_name in zip(self._rows, self._names, strict=True) if is_name]
        if any(len(cell) > _LONGEST_NAME for row in names for cell in row):
            return True  # each row would say it all again, and in tables in tables all the more
        if names:
            return False
        return any(
            isinstance(block, Heading | Row | Code) or (isinstance(block, Item) and len(flow) > 8)
            for flow in self._flows
            for block in flow
        )


def upwards(blocks: list[Block], count: int) -> None:
    """Number the items of a list that counts down to 1; the last ones are its items."""
    for at in reversed(range(len(blocks))):
        found = re.fullmatch(r"-?(\d+)\.", getattr(blocks[at], "mark", ""))
        block = blocks[at]
        if found and isinstance(block, Item):
            blocks[at] = replace(block, mark=f"{count - int(found[1])}.")
            if found[1] == "0":
                return
