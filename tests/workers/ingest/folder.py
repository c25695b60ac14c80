"""A folder to load, written with one line each; and what the database holds of it afterwards."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from policies import Audience, readable_documents
from policies.names import resolve_user
from workers.database.sessions import Database
from workers.ingest.bundle import read_bundle
from workers.ingest.pipeline import Loading, Report

LIMIT_BYTES = 1_000_000

Line = dict[str, Any]


class FakeEmbedder:
    """Unit vectors that stand for nothing. Counts its calls, and can be cut off at one of them."""

    name = "fake"
    dimension = 384

    def __init__(
        self, *, cut_off_at: int | None = None, name: str = "", dimension: int = 0
    ) -> None:
        self.name = name or self.name
        self.dimension = dimension or self.dimension
        self.calls = 0
        self._cut_off_at = cut_off_at
        self._lock = Lock()

    def embed_one(self, text: str) -> NDArray[np.float32]:
        with self._lock:
            self.calls += 1
            if self.calls == self._cut_off_at:
                raise KeyboardInterrupt
        seed = int.from_bytes(sha256(text.encode()).digest()[:8], "big")
        vector = np.random.default_rng(seed).standard_normal(self.dimension).astype(np.float32)
        return vector / np.linalg.norm(vector)


@dataclass
class Folder:
    """What is to be loaded, on the disk."""

    root: Path

    def principals(self, *lines: Line | str) -> None:
        self._write("principals.jsonl", lines)

    def permissions(self, *lines: Line | str) -> None:
        self._write("permissions.jsonl", lines)

    def documents(self, *lines: Line | str) -> None:
        self._write("documents.jsonl", lines)

    def file(self, path: str, content: str | bytes) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        return place

    def _write(self, name: str, lines: Collection[Line | str]) -> None:
        written = (line if isinstance(line, str) else json.dumps(line) for line in lines)
        self.file(name, "".join(line + "\n" for line in written))


def user(name: str, /, **more: Any) -> Line:
    return {"type": "user", "id": name, **more}


def group(name: str, *members: str) -> Line:
    return {"type": "group", "id": name, "members": list(members)}


def document(name: str, *allow: str, text: str | None = None, **acl: Any) -> Line:
    """One whose text says its name, unless another is given."""
    words = f"All about {name}." if text is None else text
    return {"id": name, "title": name.title(), "text": words, "acl": {"allow": [*allow], **acl}}


STAFF = (user("ana"), user("bo"), user("cy"), group("staff", "user:ana", "user:bo"))


@dataclass
class Shelf:
    """A database to load into, and to look at."""

    database: Database
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)
    multilingual: FakeEmbedder | None = None

    def load(self, folder: Folder, *, remove_missing: bool = False, **options: Any) -> Report:
        """`options` are those of `read_bundle`."""
        return Loading(
            self.database,
            self.embedder,
            read_bundle(folder.root, **options),
            tell=lambda _: None,
            limit_bytes=LIMIT_BYTES,
            remove_missing=remove_missing,
            multilingual=self.multilingual,
        ).run()

    def readable_by(self, *people: str) -> set[str]:
        """What all of these people may read, by the query and by row-level security."""
        with self.database.session("answerer") as session:
            audience = Audience.of(resolve_user(session, name) for name in people)
        with self.database.reading_for(audience) as session:
            return {
                document.native_id for document in session.scalars(readable_documents(audience))
            }

    def texts(self) -> dict[str, str]:
        """Each document's chunks in their order."""
        rows = self.rows("""
            SELECT native_id, coalesce(string_agg(chunk.text, '|' ORDER BY position), '')
            FROM document LEFT JOIN chunk ON chunk.document_id = document.id GROUP BY native_id
        """)
        return dict(rows)

    def versions(self) -> dict[str, tuple[int, str]]:
        """By document, its row and the version of its row."""
        rows = self.rows("SELECT native_id, id, xmin::text || ctid::text FROM document")
        return {name: (document_id, version) for name, document_id, version in rows}

    def is_whole(self) -> bool:
        """Every document has its chunks, and every chunk its vector."""
        (counts,) = self.rows("""
            SELECT count(*) FILTER (WHERE chunk.id IS NULL),
                   count(*) FILTER (WHERE embedding.chunk_id IS NULL)
            FROM document LEFT JOIN chunk ON chunk.document_id = document.id
            LEFT JOIN embedding ON embedding.chunk_id = chunk.id
        """)
        return counts == (0, 0)

    def dump(self) -> dict[str, list[str]]:
        """Every row of every table that a load writes, the epoch and the audit among them."""
        held: dict[str, list[str]] = {table: [] for table in _TABLES}
        for table, row in self.rows(_ALL_ROWS):
            held[table].append(row)
        return held

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.database.session("indexer") as session:
            return [tuple(row) for row in session.execute(text(query))]


_TABLES = (
    "epoch source principal user_account identity user_group membership node entry policy "
    "policy_entry policy_node document chunk embedding embedding_model audit"
).split()
_ROWS_OF = "SELECT '{0}', t::text FROM {0} t"
_ALL_ROWS = " UNION ALL ".join(map(_ROWS_OF.format, _TABLES)) + " ORDER BY 1, 2"


def left_out(report: Report) -> dict[str, str]:
    return {one.place: one.reason for one in report.left_out}
