"""Ways to rank, in one run on a loaded set: `python benchmarks/ranking.py HOME SET`.

For each way: hit@1, hit@10 and MRR of the rows that expect an answer, verbatim and paraphrased.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from pathlib import Path

from policies import Audience, visible_in
from policies.names import resolve_user
from workers.answering import retrieval
from workers.answering.retrieval import _Candidate
from workers.cli.evaluation.sets import read_questions
from workers.database.sessions import Database
from workers.models.embedder import MiniLM
from workers.settings import load_settings

Lists = tuple[Sequence[int], Sequence[int], Mapping[int, _Candidate]]


def by_reciprocal_ranks(lists: Lists, *, k: int, meaning: float) -> list[int]:
    near, matching, candidates = lists
    words = sorted(matching, key=lambda one: -candidates[one].share)[: retrieval.DEPTH]
    scores: dict[int, float] = defaultdict(float)
    for weight, ranking in ((meaning, near), (1.0, words)):
        for rank, chunk_id in enumerate(ranking, start=1):
            scores[chunk_id] += weight / (k + rank)
    return sorted(scores, key=lambda one: -scores[one])


WAYS: dict[str, Callable[[Lists], list[int]]] = {
    "meaning alone": lambda lists: list(lists[0]),
    "words alone": lambda lists: sorted(lists[1], key=lambda one: -lists[2][one].share),
    "RRF, k 60, 1:1": lambda lists: by_reciprocal_ranks(lists, k=60, meaning=1),
    "RRF, k 10, 3:1": lambda lists: by_reciprocal_ranks(lists, k=10, meaning=3),
    "the same, then by relevance": lambda lists: [
        one.chunk_id for one in sorted(retrieval._fuse(*lists), key=lambda one: -one.relevance)
    ],
    "as shipped (and the second chunk)": lambda lists: [
        one.chunk_id
        for one in retrieval._pick(retrieval._fuse(*lists), {}, limit=60, per_document=1)
    ],
}


def main(data_dir: Path, folder: Path) -> None:
    database, embedder = Database(load_settings(data_dir)), MiniLM.load()
    ranks: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    for row in read_questions(folder):
        if row.expected != "answer":
            continue
        for kind, question in (("verbatim", row.text), ("paraphrase", row.paraphrase)):
            if question:
                lists, names = _search(database, embedder, row.asker, question)
                for way, rank in WAYS.items():
                    ranks[way, kind].append(_first(rank(lists), lists, names, row.docs))
    for (way, kind), found in ranks.items():
        hits = [sum(r is not None and r <= k for r in found) / len(found) for k in (1, 10)]
        mrr = sum(1 / r for r in found if r) / len(found)
        sys.stdout.write(f"{way:36} {kind:11} {hits[0]:.3f} {hits[1]:.3f} {mrr:.3f}\n")


def _search(
    database: Database, embedder: MiniLM, asker: str, question: str
) -> tuple[Lists, dict[int, str]]:
    vector = embedder.embed_one(question)
    with database.session("answerer") as session:
        audience = Audience.of([resolve_user(session, asker)])
    with database.reading_for(audience) as session:
        visible = visible_in(session, audience)
        meaning = retrieval.Meaning(embedder.name, vector)
        asked = retrieval._understand(session, visible, question, meaning, None)
        near = retrieval._all_near(session, visible, asked)
        matching = retrieval._matching(session, visible, asked)
        candidates = retrieval._weigh(session, visible, {*near, *matching}, asked)
        passages = retrieval._read(session, visible, list(candidates.values()))
    return (near, matching, candidates), {p.document_id: p.document for p in passages}


def _first(
    order: Sequence[int], lists: Lists, names: Mapping[int, str], wanted: Set[str]
) -> int | None:
    seen = list(dict.fromkeys(names[lists[2][chunk_id].document_id] for chunk_id in order))
    return next((n for n, name in enumerate(seen, start=1) if name in wanted), None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
