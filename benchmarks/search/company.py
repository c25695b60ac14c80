"""A synthetic company to search in: texts, clustered vectors, and permissions as companies have.

Half of the spaces are like Slack's channels (one policy for all that is in them), half like a
drive's folders, where two documents in five have entries of their own. What stands together is
about the same, as far as `CORRELATION` goes. Written by COPY, as `Change` would have left it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Cursor, sql
from sqlalchemy import text

from workers.database.sessions import connect
from workers.models.embedder import vocabulary
from workers.settings import Settings

LEVELS = (0.0005, 0.001, 0.01, 0.1, 0.5, 0.9)
"""The share of the chunks that a person sees."""
PER_LEVEL = 4
"""People of each level."""
CORRELATION = 0.7
"""How likely a document is about one of the few subjects of its space."""
MODEL, DIMENSION = "bench", 384
CHUNKS_PER_DOCUMENT, DOCUMENTS_PER_SPACE = 5, 40
_OWN_ENTRIES, _CLOSED = 0.4, 0.3
_SUBJECTS_OF_A_SPACE = 4
_WORDS, _COMMON_WORDS, _OWN_WORDS = 50, 20_000, 12
_PEOPLE, _GROUPS = 1_000, 1_000_000
_FIRST_PERSON, _FIRST_NODE = 10_000, 10_000_000
_BLOCK = 20_000


@dataclass(frozen=True, slots=True)
class Asker:
    level: float
    person: int
    spaces: frozenset[int]
    visible: NDArray[np.int64]
    """The chunks that they may read, by number; a chunk's id is its number and 1."""


@dataclass(slots=True)
class Company:
    """What was made, kept to know what is right."""

    chunks: int
    seed: int = 1
    rng: np.random.Generator = field(init=False)
    space_of: NDArray[np.int64] = field(init=False)
    """Of each document."""
    own: NDArray[np.int64] = field(init=False)
    """The space whose group a document's own entry allows; -1 where it has none."""
    inherits: NDArray[np.bool_] = field(init=False)
    subject_of: NDArray[np.int64] = field(init=False)
    vectors: NDArray[np.float16] = field(init=False)
    askers: list[Asker] = field(init=False)

    def __post_init__(self) -> None:
        self.rng = rng = np.random.default_rng(self.seed)
        documents, spaces = self.documents, self.spaces
        sizes = 1 / np.arange(1, spaces + 1) ** 0.7
        self.space_of = np.sort(rng.choice(spaces, documents, p=sizes / sizes.sum()))
        is_drive = self.space_of % 2 == 1
        has_own = is_drive & (rng.random(documents) < _OWN_ENTRIES)
        self.own = np.where(has_own, rng.integers(0, spaces, documents), -1)
        self.inherits = ~(has_own & (rng.random(documents) < _CLOSED))
        subjects = max(20, self.chunks // 500)
        of_space = rng.integers(0, subjects, (spaces, _SUBJECTS_OF_A_SPACE))
        chosen = of_space[self.space_of, rng.integers(0, _SUBJECTS_OF_A_SPACE, documents)]
        anywhere = rng.integers(0, subjects, documents)
        together = rng.random(documents) < CORRELATION
        self.subject_of = np.where(together, chosen, anywhere)
        self.vectors = self._vectors(subjects)
        self.askers = [self._asker(n, level) for level in LEVELS for n in range(PER_LEVEL)]

    @property
    def documents(self) -> int:
        return self.chunks // CHUNKS_PER_DOCUMENT

    @property
    def spaces(self) -> int:
        return max(50, self.documents // DOCUMENTS_PER_SPACE)

    def _vectors(self, subjects: int) -> NDArray[np.float16]:
        """About as close as those of an embedder: .7 within a document, .5 within a subject."""
        rng, made = self.rng, np.empty((self.chunks, DIMENSION), np.float16)
        centres = _unit(rng.normal(size=(subjects, DIMENSION)))
        for start in range(0, self.documents, _BLOCK):
            subject = self.subject_of[start : start + _BLOCK]
            topic = centres[subject] + 0.7 * _unit(rng.normal(size=(len(subject), DIMENSION)))
            topic = np.repeat(topic, CHUNKS_PER_DOCUMENT, axis=0)
            vectors = _unit(topic + 0.8 * _unit(rng.normal(size=topic.shape)))
            at = start * CHUNKS_PER_DOCUMENT
            made[at : at + len(vectors)] = vectors
        return made

    def _asker(self, number: int, level: float) -> Asker:
        """Somebody who joins spaces until they see their share."""
        wanted, chosen = level * self.documents, set[int]()
        order = self.rng.permutation(self.spaces)
        counts = np.bincount(self.space_of, minlength=self.spaces)
        seen = 0
        for space in order.tolist():
            if seen + counts[space] <= wanted * 1.02:
                chosen.add(space)
                seen += int(counts[space])
        chosen = chosen or {int(np.argmin(np.where(counts, counts, self.documents)))}
        person = _FIRST_PERSON + LEVELS.index(level) * PER_LEVEL + number
        joined = np.zeros(self.spaces, bool)
        joined[list(chosen)] = True
        readable = (joined[self.space_of] & self.inherits) | (
            (self.own >= 0) & joined[np.maximum(self.own, 0)]
        )
        documents = np.flatnonzero(readable)
        chunks = documents[:, None] * CHUNKS_PER_DOCUMENT + np.arange(CHUNKS_PER_DOCUMENT)
        return Asker(level, person, frozenset(chosen), chunks.ravel())

    def policies_of_chunks(self) -> NDArray[np.int64]:
        _key, policy_of = _policies(self)
        return np.repeat(np.array(policy_of) + 1, CHUNKS_PER_DOCUMENT)

    def question(self, asker: Asker, *, own: bool) -> tuple[NDArray[np.float32], str]:
        """Return a vector near a chunk that they may read, or near any, with words of its text."""
        numbers = asker.visible if own else None
        at = int(
            self.rng.choice(numbers) if numbers is not None else self.rng.integers(self.chunks)
        )
        noise = 0.6 * _unit(self.rng.normal(size=(1, DIMENSION)))[0]
        vector = _unit((self.vectors[at].astype(np.float32) + noise)[None])[0]
        words = self.text(at).split()
        chosen = self.rng.choice(len(words), 8, replace=False)
        return vector.astype(np.float32), " ".join(words[place] for place in chosen)

    def text(self, chunk: int) -> str:
        """The same words for a chunk each time: common ones as often as in a language."""
        rng = np.random.default_rng(chunk + 7)
        subject = int(self.subject_of[chunk // CHUNKS_PER_DOCUMENT])
        common = np.searchsorted(_zipf(), rng.random(_WORDS - _OWN_WORDS))
        own = np.random.default_rng(subject).integers(2_000, _COMMON_WORDS, 40)
        words = [*common.tolist(), *rng.choice(own, _OWN_WORDS).tolist()]
        rng.shuffle(words)
        known = _common_words()
        return " ".join(known[word] for word in words)

    def exact(self, asker: Asker, vector: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """The ids of the nearest chunks that they may read."""
        best: list[NDArray[Any]] = []
        for start in range(0, len(asker.visible), _BLOCK * 5):
            numbers = asker.visible[start : start + _BLOCK * 5]
            similar = self.vectors[numbers].astype(np.float32) @ vector
            best.append(np.stack([-similar, numbers.astype(np.float64)]))
        similar, numbers = np.concatenate(best, axis=1)
        first = np.argsort(similar, kind="stable")[:count]
        return np.asarray(numbers[first], np.int64) + 1


def write(company: Company, settings: Settings) -> None:
    """Write all of it as the owner, with row-level security and triggers back in place after."""
    engine = connect(settings, "owner")
    with engine.begin() as connection:
        cursor = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
        cursor.execute("SET LOCAL statement_timeout = 0")
        for table in _CONTENT:
            cursor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        for table in (*_REMEMBERED, *_CONTENT):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table, columns, rows in _tables(company):
            _copy(cursor, table, columns, rows)
        _copy_vectors(cursor, company)
        cursor.execute("UPDATE epoch SET value = value + 1, at = clock_timestamp()")
        for table in (*_REMEMBERED, *_CONTENT):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for table in _CONTENT:
            cursor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for table in ("principal", "node", "policy", "chunk", "embedding_model"):
            cursor.execute(
                sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), 100000000)").format(
                    sql.Literal(table)
                )
            )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


_CONTENT = ("document", "chunk", "embedding")
_REMEMBERED = ("source", "user_account", "user_group", "membership", "node", "entry")
Rows = Iterable[Sequence[object]]


def _tables(company: Company) -> Iterator[tuple[str, tuple[str, ...], Rows]]:
    spaces, documents = company.spaces, company.documents
    people = range(_FIRST_PERSON, _FIRST_PERSON + _PEOPLE)
    yield "source", ("id", "name"), [(1, "bench")]
    principals = [*((p, "user") for p in people), *((_GROUPS + s, "group") for s in range(spaces))]
    yield "principal", ("id", "kind"), principals
    yield "user_account", ("id", "class_id", "name"), ((p, 3, f"person {p}") for p in people)
    groups = ((_GROUPS + s, 1, f"g{s}", f"group {s}") for s in range(spaces))
    yield "user_group", ("id", "source_id", "native_id", "name"), groups
    yield "membership", ("member_id", "group_id"), sorted(_memberships(company, people))
    node = ("id", "source_id", "native_id", "kind", "parent_id", "inherit", "anchor")
    yield "node", node, ((s + 1, 1, f"s{s}", "container", None, True, True) for s in range(spaces))
    ids = _FIRST_NODE + np.arange(documents)
    yield (
        "node",
        node,
        (
            (int(ids[d]), 1, f"d{d}", "document", int(company.space_of[d]) + 1,
             bool(company.inherits[d]), False)
            for d in range(documents)
        ),
    )  # fmt: skip
    entry = ("node_id", "effect", "gate", "principal_id")
    yield "entry", entry, ((s + 1, "allow", 0, _GROUPS + s) for s in range(spaces))
    with_own = np.flatnonzero(company.own >= 0).tolist()
    yield (
        "entry",
        entry,
        ((int(ids[d]), "allow", 0, _GROUPS + int(company.own[d])) for d in with_own),
    )
    key, policy_of = _policies(company)
    yield (
        "policy",
        ("id", "source_id", "anchor_id", "inherit", "known", "own"),
        ((p + 1, 1, space + 1, inherits, True, f"{own} {inherits}")
         for p, (space, own, inherits) in enumerate(key)),
    )  # fmt: skip
    yield (
        "policy_entry",
        ("policy_id", "effect", "gate", "principal_id"),
        ((p + 1, "allow", 0, _GROUPS + own) for p, (_space, own, _i) in enumerate(key) if own >= 0),
    )
    yield (
        "policy_node",
        ("policy_id", "node_id", "grants"),
        ((p + 1, space + 1, inherits) for p, (space, _own, inherits) in enumerate(key)),
    )
    yield (
        "document",
        ("id", "policy_id", "native_id", "title", "content_hash"),
        (
            (int(ids[d]), policy_of[d] + 1, f"d{d}", _title(company, d), "")
            for d in range(documents)
        ),
    )
    yield (
        "chunk",
        ("id", "document_id", "position", "title", "heading", "anchor", "text"),
        (
            (chunk + 1, int(ids[chunk // CHUNKS_PER_DOCUMENT]), chunk % CHUNKS_PER_DOCUMENT,
             _title(company, chunk // CHUNKS_PER_DOCUMENT), "", "", company.text(chunk))
            for chunk in range(company.chunks)
        ),
    )  # fmt: skip
    yield "embedding_model", ("id", "name", "dimension"), [(1, MODEL, DIMENSION)]


def _memberships(company: Company, people: Sequence[int]) -> set[tuple[int, int]]:
    """Everybody in five spaces; the askers in those that make their share."""
    edges = {
        (person, _GROUPS + int(space))
        for person in people[len(company.askers) :]
        for space in company.rng.integers(0, company.spaces, 5)
    }
    return edges | {(one.person, _GROUPS + s) for one in company.askers for s in one.spaces}


def _policies(company: Company) -> tuple[list[tuple[int, int, bool]], list[int]]:
    """Return the distinct permissions of documents, and which of them each has."""
    rows = np.stack([company.space_of, company.own, company.inherits.astype(np.int64)], axis=1)
    distinct, policy_of = np.unique(rows, axis=0, return_inverse=True)
    key = [(space, own, bool(inherits)) for space, own, inherits in distinct.tolist()]
    return key, policy_of.ravel().tolist()


def _title(company: Company, document: int) -> str:
    known = _common_words()
    own = np.random.default_rng(int(company.subject_of[document])).integers(2_000, _COMMON_WORDS, 3)
    return " ".join(known[word] for word in own.tolist())


def _copy(cursor: Cursor, table: str, columns: tuple[str, ...], rows: Rows) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _copy_vectors(cursor: Cursor, company: Company) -> None:
    """In PostgreSQL's binary form, made whole blocks at a time."""
    row = np.dtype([
        ("fields", ">i2"), ("l1", ">i4"), ("chunk", ">i8"), ("l2", ">i4"), ("model", ">i8"),
        ("l3", ">i4"), ("document", ">i8"), ("l4", ">i4"), ("dimension", ">i2"),
        ("unused", ">i2"), ("vector", ">f2", (DIMENSION,)),
    ])  # fmt: skip
    with cursor.copy(
        "COPY embedding (chunk_id, model_id, document_id, vector) FROM STDIN (FORMAT binary)"
    ) as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for start in range(0, company.chunks, _BLOCK):
            vectors = company.vectors[start : start + _BLOCK]
            rows = np.zeros(len(vectors), row)
            rows["fields"], rows["dimension"] = 4, DIMENSION
            rows["l1"] = rows["l2"] = rows["l3"] = 8
            rows["l4"] = 4 + 2 * DIMENSION
            numbers = np.arange(start, start + len(vectors))
            rows["chunk"], rows["model"] = numbers + 1, 1
            rows["document"] = _FIRST_NODE + numbers // CHUNKS_PER_DOCUMENT
            rows["vector"] = vectors
            copy.write(rows.tobytes())
        copy.write(b"\xff\xff")


def _unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / norms, np.float32)


@cache
def _common_words() -> list[str]:
    """English words by falling frequency."""
    ranked = sorted(vocabulary().items(), key=lambda one: one[1])
    words = [word for word, rank in ranked if rank >= 1996 and word.isalpha()]
    return words[:_COMMON_WORDS]


@cache
def _zipf() -> NDArray[np.float64]:
    chances = 1 / np.arange(1, _COMMON_WORDS + 1)
    return np.asarray(np.cumsum(chances / chances.sum()))
