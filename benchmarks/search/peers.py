"""Other ways to search by meaning inside permissions, each as its own documents advise.

    PEERS_DATABASE=URL python benchmarks/search/peers.py WORKLOAD.npz

Run by `benchmarks.search` in an environment of its own (PEERS below), in a database of its own. The
policies that a person sees are known to each of them, as they are to Ken's search. Prints one line
of JSON for each.
"""

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg
from numpy.typing import NDArray

PEERS = (
    "langchain-postgres==0.0.19",
    "llama-index-vector-stores-postgres==0.9.0",
    "psycopg[binary]",
    "pgvector",
    "numpy",
)
TOP = 10
_BATCH = 1_000
Search = Callable[[int], list[int]]


@dataclass(frozen=True, slots=True)
class Workload:
    """Chunks with vectors and policies; questions, each with what its asker sees."""

    vectors: NDArray[np.float32]
    policies: NDArray[np.int64]
    questions: NDArray[np.float32]
    levels: NDArray[np.float64]
    seen: list[list[int]]
    exact: list[set[int]]

    @classmethod
    def read(cls, path: Path) -> "Workload":
        held = np.load(path, allow_pickle=False)
        seen = np.split(held["seen"], np.cumsum(held["seen_counts"])[:-1])
        exact = np.split(held["exact"], np.cumsum(held["exact_counts"])[:-1])
        return cls(
            held["vectors"].astype(np.float32),
            held["policies"],
            held["questions"],
            held["levels"],
            [one.tolist() for one in seen],
            [set(one.tolist()) for one in exact],
        )


def main(path: Path, url: str) -> None:
    work = Workload.read(path)
    with psycopg.connect(url, autocommit=True) as watching:
        for name, make in METHODS.items():
            try:
                with make(work, url) as (search, settings):
                    figures = measured(work, search, watching)
            except Exception as error:  # noqa: BLE001 - one peer that fails leaves the others
                settings, figures = repr(error)[:300], {}
            sys.stdout.write(json.dumps({"name": name, "settings": settings, **figures}) + "\n")
            sys.stdout.flush()


def measured(work: Workload, search: Search, watching: Any) -> dict[str, Any]:
    """Ask every question; processor time of the client and of all backends but the watching one."""
    cells: dict[float, list[tuple[float, float, bool]]] = defaultdict(list)
    search(0)
    for number, level in enumerate(work.levels.tolist()):
        before = _cpu_ms(watching)
        found = search(number)
        spent = _cpu_ms(watching) - before
        wanted = work.exact[number]
        recall = len(wanted & set(found)) / max(1, len(wanted))
        cells[level].append((spent, recall, len(found) < len(wanted)))
    return {
        f"{level:g}": {
            "recall": round(float(np.mean([recall for _spent, recall, _short in cell])), 4),
            "short": sum(short for _spent, _recall, short in cell),
            "cpu_ms": round(float(np.median([spent for spent, _recall, _short in cell])), 2),
        }
        for level, cell in cells.items()
    }


def _cpu_ms(watching: Any) -> float:
    pids = watching.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    ).fetchall()
    backends = sum(
        int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6 for (pid,) in pids
    )
    return backends + time.process_time() * 1e3


@contextmanager
def numpy_alone(work: Workload, _url: str) -> Iterator[tuple[Search, str]]:
    """The limit: codes in memory, the best 800 compared exactly in memory; no database, no wall."""
    codes = np.packbits(work.vectors > 0, axis=1).view(np.uint64)
    held = work.vectors.astype(np.float16)
    order = np.argsort(work.policies, kind="stable")

    def search(number: int) -> list[int]:
        seen = order[np.isin(work.policies[order], work.seen[number])]
        code = np.packbits(work.questions[number] > 0).view(np.uint64)
        far = np.bitwise_count(codes[seen] ^ code).sum(axis=1, dtype=np.uint16)
        near = seen[np.argpartition(far, 800)[:800]] if len(seen) > 800 else seen
        similar = held[near].astype(np.float32) @ work.questions[number]
        return (near[np.argsort(-similar)[:TOP]] + 1).tolist()  # type: ignore[no-any-return]

    yield search, "codes of one bit a dimension, 800 candidates, float rerank, one core"


@contextmanager
def iterative(work: Workload, url: str) -> Iterator[tuple[Search, str]]:
    """pgvector's HNSW with iterative scans, as its README advises for filters."""
    with psycopg.connect(url, autocommit=True) as connection:
        _fill(connection, work, "iterative")
        connection.execute("CREATE INDEX ON iterative USING hnsw (vector halfvec_cosine_ops)")
        connection.execute("CREATE INDEX ON iterative (policy)")
        connection.execute("ANALYZE iterative")
        connection.execute("SET hnsw.iterative_scan = relaxed_order")
        connection.execute("SET hnsw.ef_search = 100")

        def search(number: int) -> list[int]:
            rows = connection.execute(
                "SELECT id FROM iterative WHERE policy = ANY(%s)"
                " ORDER BY vector <=> %s::halfvec LIMIT 10",
                (work.seen[number], _written(work.questions[number])),
            )
            return [one for (one,) in rows]

        yield search, "HNSW m 16, ef_construction 64, ef_search 100, relaxed_order"


@contextmanager
def rls(work: Workload, url: str) -> Iterator[tuple[Search, str]]:
    """The same table with the policies as row-level security, in the usual form of a sub-select."""
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('iterative')").fetchone() == (None,):
            _fill(connection, work, "iterative")
        connection.execute("ALTER TABLE iterative ENABLE ROW LEVEL SECURITY")
        connection.execute("ALTER TABLE iterative FORCE ROW LEVEL SECURITY")
        connection.execute(
            "CREATE POLICY seen ON iterative USING (policy = ANY ("
            "(SELECT current_setting('bench.seen', true))::bigint[]))"
        )
        reader = f"bench_{uuid4().hex[:8]}"
        connection.execute(f"CREATE ROLE {reader}")
        connection.execute(f"GRANT SELECT ON iterative TO {reader}")
        connection.execute(f"SET ROLE {reader}")
        connection.execute("SET hnsw.iterative_scan = relaxed_order")

        def search(number: int) -> list[int]:
            seen = "{" + ",".join(map(str, work.seen[number])) + "}"
            connection.execute("SELECT set_config('bench.seen', %s, false)", (seen,))
            rows = connection.execute(
                "SELECT id FROM iterative ORDER BY vector <=> %s::halfvec LIMIT 10",
                (_written(work.questions[number]),),
            )
            return [one for (one,) in rows]

        yield search, "row-level security, policy = ANY of a setting, HNSW iterative"
        connection.execute("RESET ROLE")
        connection.execute(f"DROP OWNED BY {reader}")
        connection.execute(f"DROP ROLE {reader}")


@contextmanager
def langchain(work: Workload, url: str) -> Iterator[tuple[Search, str]]:
    """LangChain's PGVectorStore with a metadata column, as shipped: without a vector index."""
    from langchain_core.embeddings import Embeddings  # noqa: PLC0415 - in the peers' environment
    from langchain_postgres import Column, PGEngine, PGVectorStore  # noqa: PLC0415

    class Given(Embeddings):  # type: ignore[misc]
        """Embeds nothing: the vectors of rows and questions are given."""

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            raise AssertionError(f"{len(texts)} texts were to be embedded")

        def embed_query(self, text: str) -> list[float]:
            raise AssertionError(f"a question of {len(text)} letters was to be embedded")

    engine = PGEngine.from_connection_string(url.replace("postgresql://", "postgresql+psycopg://"))
    engine.init_vectorstore_table(
        "langchain",
        384,
        metadata_columns=[Column("policy", "BIGINT"), Column("chunk", "BIGINT")],
    )
    store = PGVectorStore.create_sync(
        engine, Given(), "langchain", metadata_columns=["policy", "chunk"]
    )
    with (  # its own way, a transaction for each row, takes minutes; searching is measured
        psycopg.connect(url, autocommit=True) as connection,
        connection.cursor().copy(
            "COPY langchain (langchain_id, content, embedding, policy, chunk) FROM STDIN"
        ) as copy,
    ):
        for number, vector in enumerate(work.vectors):
            chunk = (int(work.policies[number]), number + 1)
            copy.write_row((uuid4(), "", _written(vector), *chunk))

    def search(number: int) -> list[int]:
        found = store.similarity_search_by_vector(
            work.questions[number].tolist(), k=TOP, filter={"policy": {"$in": work.seen[number]}}
        )
        return [int(one.metadata["chunk"]) for one in found]

    yield search, "PGVectorStore, metadata columns, filter $in, as shipped"


@contextmanager
def llamaindex(work: Workload, url: str) -> Iterator[tuple[Search, str]]:
    """LlamaIndex's PGVectorStore with a metadata filter, as shipped: without a vector index."""
    from llama_index.core.schema import TextNode  # noqa: PLC0415 - in the peers' environment
    from llama_index.core.vector_stores.types import (  # noqa: PLC0415
        FilterOperator,
        MetadataFilter,
        MetadataFilters,
        VectorStoreQuery,
    )
    from llama_index.vector_stores.postgres import PGVectorStore  # noqa: PLC0415

    address = url.replace("postgresql://", "postgresql+psycopg://")
    store = PGVectorStore(
        connection_string=address,
        async_connection_string=address,
        table_name="llamaindex",
        schema_name="public",
        embed_dim=384,
    )
    for part in _parts(len(work.vectors)):
        store.add(
            [
                TextNode(
                    id_=str(one + 1),
                    text="",
                    embedding=work.vectors[one].tolist(),
                    metadata={"policy": str(work.policies[one])},
                )
                for one in part
            ]
        )

    def search(number: int) -> list[int]:
        seen = MetadataFilter(
            key="policy", value=[str(one) for one in work.seen[number]], operator=FilterOperator.IN
        )
        found = store.query(
            VectorStoreQuery(
                query_embedding=work.questions[number].tolist(),
                similarity_top_k=TOP,
                filters=MetadataFilters(filters=[seen]),
            )
        )
        return [int(one) for one in found.ids or ()]

    yield search, "PGVectorStore, MetadataFilters IN, as shipped"


METHODS: dict[str, Callable[[Workload, str], Any]] = {
    "numpy": numpy_alone,
    "iterative": iterative,
    "rls": rls,
    "langchain": langchain,
    "llamaindex": llamaindex,
}


def _parts(count: int) -> Iterable[range]:
    return (range(start, min(start + _BATCH, count)) for start in range(0, count, _BATCH))


def _fill(connection: Any, work: Workload, table: str) -> None:
    connection.execute(f"CREATE TABLE {table} (id bigint, policy bigint, vector halfvec(384))")
    with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
        for number, vector in enumerate(work.vectors):
            copy.write_row((number + 1, int(work.policies[number]), _written(vector)))


def _written(vector: NDArray[np.float32]) -> str:
    return "[" + ",".join(f"{one:.5f}" for one in vector.tolist()) + "]"


if __name__ == "__main__":
    main(Path(sys.argv[1]), os.environ["PEERS_DATABASE"])
