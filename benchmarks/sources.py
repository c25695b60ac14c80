"""What a pass over a source costs, and that one that is killed again and again ends the same.

    python -m benchmarks.sources HOME [FILE]

A connector that lists documents by itself stands in for a source, and vectors that cost nothing for
the embedders: what is measured is our own work. SMALL=1 takes a tenth of the documents.
"""

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import psutil
from numpy.typing import NDArray
from rich.console import Console
from sqlalchemy import text

from benchmarks.databases import own_database
from policies.source import NamedPermissions
from policies.tables.sources import RunKind
from workers.database.sessions import Database
from workers.embedded.servers import ensure
from workers.ingest.parse import Parser
from workers.ingest.push import Pushing
from workers.ingest.pushed import Pushed
from workers.settings import load_settings
from workers.sources import store
from workers.sources.base import Cursor, Lines, Page, Part
from workers.sources.crawl import Wanted, crawl
from workers.sync import runs
from workers.sync.lines import LINES_A_PAGE

_SHARE = 10 if os.environ.get("SMALL") == "1" else 1
DOCUMENTS, PARTS, KILLS = 10_000 // _SHARE, 20, 20
NODES = 100_000 // _SHARE
_A_PAGE = 50
_SOURCE = "bench"
out = Console(highlight=False)


class Killed(BaseException):
    """The process would end here."""


class Listing:
    """A source with this many documents in each part, read by a group of a hundred people each."""

    source = _SOURCE

    def __init__(self, documents: int) -> None:
        self.each = documents // PARTS
        self.leaver = ""

    def parts(self) -> list[Part]:
        return [Part(f"p{number:02}", f"part {number}") for number in range(PARTS)]

    def directory(self) -> Iterator[Lines]:
        yield []

    def access_of(self, part: Part) -> Lines:
        members = [f"user:{part.id}-{number}" for number in range(100)]
        members = [one for one in members if one != self.leaver]
        return [
            {"type": "group", "id": part.id, "members": members},
            {"type": "node", "id": part.id, "kind": "container", "allow": [f"group:{part.id}"]},
        ]

    def pages(self, part: str, cursor: Cursor | None, *, full: bool) -> Iterator[Page]:  # noqa: ARG002 - it always lists all
        start = int(cursor["next"]) if cursor else 0
        for first in range(start, self.each, _A_PAGE):
            last = min(first + _A_PAGE, self.each)
            yield Page(
                tuple(self._document(part, number) for number in range(first, last)),
                (f"{part}/{first:06}", f"{part}/{last:06}"),
                {"next": last},
            )

    def _document(self, part: str, number: int) -> Pushed:
        words = f"Document {number} of {part} tells what everybody there should know. " * 12
        name = f"{part}/{number:06}"
        return Pushed(
            id=name, permissions=NamedPermissions(), parent=part, title=name, content=words
        )


class Free:
    """Vectors from the texts' hashes."""

    name, dimension = "free", 384

    def embed_one(self, text: str) -> NDArray[np.float32]:
        seed = int.from_bytes(sha256(text.encode()).digest()[:8], "big")
        vector = np.random.default_rng(seed).standard_normal(self.dimension).astype(np.float32)
        return vector / np.linalg.norm(vector)


def main(data_dir: Path, report: Path | None) -> None:
    ensure(data_dir)
    figures: dict[str, Any] = {"documents": DOCUMENTS, "kills": KILLS, "nodes": NODES}
    with own_database(load_settings(data_dir)) as settings:
        database = Database(settings)
        with Parser() as parser:
            pushing = Pushing(database, parser, lambda: (Free(), None))
            figures |= _content(database, pushing)
            figures |= _permissions(database, pushing)
        database.close()
    out.print(json.dumps(figures, indent=2))
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(figures, indent=2) + "\n")
    if figures["end_states_that_differ"]:
        sys.exit(1)


def _content(database: Database, pushing: Pushing) -> dict[str, Any]:
    """A first pass, one over what has not changed, and one that is killed at random."""
    store.put(database, _SOURCE, "bench", {}, actor="bench")
    listing, process = Listing(DOCUMENTS), psutil.Process()
    after_a_part: list[int] = []

    def tell(_step: str, _done: int, _of: int) -> None:
        after_a_part.append(process.memory_info().rss)

    first_s = _timed(
        lambda: crawl(database, listing, pushing, wanted=Wanted(), actor="b", tell=tell)
    )
    whole = _state(database)
    again_s = _timed(lambda: crawl(database, listing, pushing, wanted=Wanted(full=True), actor="b"))
    store.remove(database, _SOURCE, actor="bench")
    store.put(database, _SOURCE, "bench", {}, actor="bench")
    killed_s = _timed(lambda: _killed(database, listing, pushing))
    tenth = len(after_a_part) // 10
    return {
        "first_pass_s": first_s,
        "documents_per_s": round(DOCUMENTS / first_s, 1),
        "unchanged_pass_s": again_s,
        "killed_pass_s": killed_s,
        "end_states_that_differ": int(_state(database) != whole),
        "memory_growth_mb": round((after_a_part[-1] - after_a_part[tenth]) / 1e6, 1),
    }


def _killed(database: Database, listing: Listing, pushing: Pushing) -> None:
    chance, left = random.Random(7), KILLS
    steps = DOCUMENTS // _A_PAGE

    def maybe(_point: str) -> None:
        nonlocal left
        if left and chance.random() < 2 * KILLS / steps:
            left -= 1
            raise Killed

    with patch("workers.sources.crawl.crashpoint", maybe):
        while True:
            try:
                crawl(database, listing, pushing, wanted=Wanted(), actor="bench")
            except Killed:
                continue
            break
    out.print(f"killed {KILLS - left} times")


def _permissions(database: Database, pushing: Pushing) -> dict[str, Any]:
    """A pass of permissions over many documents, in which one person leaves a group."""
    listing = Listing(NODES)
    lines = [line for part in listing.parts() for line in listing.access_of(part)]
    lines += [
        {"type": "node", "id": f"{part.id}/{number:06}", "kind": "document", "parent": part.id}
        for part in listing.parts()
        for number in range(listing.each)
    ]
    pages = [lines[at : at + LINES_A_PAGE] for at in range(0, len(lines), LINES_A_PAGE)]
    runs.push(database, pages, source=_SOURCE, kind=RunKind.COMPLETE, actor="bench", confirmed=True)
    listing.leaver = "user:p03-7"
    wanted = Wanted(permissions_only=True)
    return {
        "permissions_pass_s": _timed(
            lambda: crawl(database, listing, pushing, wanted=wanted, actor="bench")
        )
    }


def _state(database: Database) -> list[Any]:
    query = """
        SELECT document.native_id, content_hash, string_agg(chunk.text, '|' ORDER BY position),
               count(embedding.chunk_id)
        FROM document JOIN chunk ON chunk.document_id = document.id
        LEFT JOIN embedding ON embedding.chunk_id = chunk.id
        GROUP BY document.id ORDER BY 1
    """
    with database.session("indexer") as session:
        return [tuple(row) for row in session.execute(text(query))]


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
