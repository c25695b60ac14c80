"""A small index that is built again: a library of a few documents, and a second model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from tests.workers.library import Library, WordEmbedder
from workers.index import versions
from workers.ingest import beginning, reindexing
from workers.jobs import rows
from workers.jobs.leases import work
from workers.jobs.rows import Shown
from workers.models.base import BatchEmbedder
from workers.settings import Settings

BEFORE = [("words", 384)]


@dataclass
class Other(WordEmbedder):
    """Another model: bags of words, turned round. It can be made to fail at a call, or to lie."""

    name: str = "other"
    embedded: list[str] = field(default_factory=list)
    at_call: dict[int, Callable[[], object]] = field(default_factory=dict)
    made: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda vectors: vectors

    def embed_one(self, text: str) -> NDArray[np.float32]:
        self.embedded.append(text)
        if (act := self.at_call.get(len(self.embedded))) is not None:
            act()
        return self.made(super().embed_one(text)[::-1].copy())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([self.made(super(Other, self).embed_one(one)[::-1]) for one in texts])


@dataclass
class Indexed:
    """A library of a few documents, and a second model to index it by."""

    library: Library
    other: Other = field(default_factory=Other)
    jobs: int = 0

    @property
    def database(self) -> Any:
        return self.library.database

    def named(self, _settings: Settings, name: str) -> BatchEmbedder:
        first = Other("words", made=lambda vectors: vectors[..., ::-1].copy())
        return {"other": self.other, "words": first}[name]

    def begin(self, *models: tuple[str, int], budget: float | None = None) -> int:
        return beginning.begin(
            self.database,
            models or [("other", 384)],
            actor="test",
            before=BEFORE,
            budget=budget,
        )

    def run(self, job_id: int) -> Shown:
        """Work on it until it rests or ends."""
        self.sql("UPDATE job SET due_at = now() WHERE id = :id", id=job_id)
        kinds = {
            beginning.KIND: lambda database, running: reindexing.reindex(
                database, running, self.named
            ),
            reindexing.DROP: reindexing.drop_vectors,
        }
        work(self.database, job_id, kinds)
        return rows.job(self.database, job_id).state

    @property
    def alice(self) -> int:
        return self.library.ids["alice"]

    def shown(self, job_id: int) -> Shown:
        return rows.job(self.database, job_id).state

    def active(self) -> str:
        with self.database.session("answerer") as session:
            found = versions.active(session)
        return found.names if found else "none"

    def states(self) -> list[str]:
        with self.database.session("indexer") as session:
            return [f"{one.model} {one.state}" for one in versions.all_versions(session)]

    def vectors(self, model: str) -> int:
        (found,) = self.sql(
            "SELECT count(*) FROM embedding JOIN embedding_model ON embedding_model.id = model_id"
            " WHERE name = :name",
            name=model,
        )
        return int(found[0])

    def sql(self, words: str, **given: Any) -> list[Any]:
        with self.database.session("indexer") as session:
            result = session.execute(text(words), given)
            return list(result.all()) if result.returns_rows else []
