"""What loading costs on top of the embedder, in one run: `python benchmarks/loading.py HOME SET`.

The same documents are embedded alone, and loaded into the home's database, in turns. HOME is a
home of its own (`ken --home HOME up`); the loaded sources stay in it.
"""

import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from workers.database.sessions import Database
from workers.ingest.bundle import read_bundle
from workers.ingest.parse import parse_markdown
from workers.ingest.pipeline import Loading
from workers.ingest.split import embedded_text, split
from workers.models.embedder import MiniLM
from workers.settings import load_settings

DOCUMENTS, TURNS = 40, 3


def main(data_dir: Path, folder: Path) -> None:
    embedder = MiniLM.load(threads=1)
    database = Database(load_settings(data_dir))
    with tempfile.TemporaryDirectory() as place:
        part = Path(place)
        chunks = _part_of(folder, part)
        ratios = []
        for _ in range(TURNS):
            alone = _seconds_to_embed(embedder, chunks)
            loaded = _seconds_to_load(database, embedder, part)
            ratios.append(loaded / alone)
            sys.stdout.write(
                f"{DOCUMENTS} documents, {len(chunks)} chunks: "
                f"embedder {len(chunks) / alone:.1f}/s, load {len(chunks) / loaded:.1f}/s "
                f"({DOCUMENTS / loaded:.2f} documents/s), "
                f"ratio {loaded / alone:.3f}\n"
            )
    sys.stdout.write(f"ratio, median: {sorted(ratios)[len(ratios) // 2]:.3f}\n")


def _part_of(folder: Path, part: Path) -> list[str]:
    """Some documents, open to all, as a folder; and the texts that will be embedded.

    Without people: putting 2,444 people and groups takes some ten seconds, once for a set.
    """
    lines = (folder / "documents.jsonl").read_text().strip().split("\n")
    chosen = [json.loads(line) for line in lines[:: max(1, len(lines) // DOCUMENTS)]][:DOCUMENTS]
    for line in chosen:
        line["acl"] = {"allow": ["class:members"]}
    (part / "documents.jsonl").write_text("\n".join(map(json.dumps, chosen)))
    return [
        embedded_text(piece, title=line["title"])
        for line in chosen
        for piece in split(parse_markdown(line["text"]).blocks, title=line["title"])
    ]


def _seconds_to_embed(embedder: MiniLM, texts: list[str]) -> float:
    started = time.monotonic()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(embedder.embed_one, texts))
    return time.monotonic() - started


def _seconds_to_load(database: Database, embedder: MiniLM, part: Path) -> float:
    bundle = read_bundle(part, name=f"part-{uuid4().hex[:8]}")
    started = time.monotonic()
    new = _Named(embedder, bundle.source)  # no vector of another turn is at hand for it
    Loading(database, new, bundle, tell=lambda _: None, limit_bytes=20_000_000).run()
    return time.monotonic() - started


class _Named:
    """An embedder under another name: each turn embeds everything."""

    dimension = 384

    def __init__(self, embedder: MiniLM, name: str) -> None:
        self.embed_one = embedder.embed_one
        self.name = name


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
