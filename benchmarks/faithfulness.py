"""Checks answers that people have judged: MTRAG's responses with scores of faithfulness.

python -m benchmarks.faithfulness FILE [REPORT]

FILE is `mtrag-human/evaluations/reference_subset_with_human_evaluations.json` of
https://github.com/IBM/mt-rag-benchmark. Its responses have no quotes: for each sentence, the few
sentences of the contexts that are nearest in meaning are tried as its quote. A response is flagged
if a sentence follows from none of them.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from workers.answering.verify import verify
from workers.claims.likeness import Similarity, likeness
from workers.models.base import Draft, Passage, Sentence
from workers.models.embedder import MiniLM
from workers.models.multilingual import Multilingual
from workers.models.quotes import MIN_QUOTE_WORDS, words
from workers.models.sentences import sentences

_TRIED = 3
_UNFAITHFUL = 2
"""Three people judged each: 1 no, 2 mostly no, 3 mostly yes, 4 yes. Their median counts."""


@dataclass(slots=True)
class Judged:
    """The responses of one model with one score."""

    responses: int = 0
    flagged: int = 0
    sentences: int = 0
    dropped: int = 0
    reasons: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def main(arguments: Sequence[str]) -> int:
    if not arguments:
        print(__doc__)  # noqa: T201
        return 2
    found = measure(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    show(found)
    if len(arguments) > 1:
        data = {f"{model}, {score}": _data(one) for (model, score), one in sorted(found.items())}
        Path(arguments[1]).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return 0


def measure(data: dict[str, Any]) -> dict[tuple[str, int], Judged]:
    """Return the counts for each model and median score."""
    embedder = MiniLM.load()
    similarity = likeness(embedder, Multilingual.load())
    documents = {one["document_id"]: one for one in data["documents"]}
    tasks = {one["task_id"]: one for one in data["tasks"]}
    passages_of = {
        name: tuple(_passages(task["contexts"], documents)) for name, task in tasks.items()
    }
    found: dict[tuple[str, int], Judged] = defaultdict(Judged)
    for response in data["evaluations"]:
        scores = [int(one["value"]) for one in response["annotations"]["faithfulness"].values()]
        judged = found[response["model_id"], int(median(scores))]
        passages = passages_of[response["task_id"]]
        if not passages:
            continue
        _add(judged, response["model_response"], passages, embedder, similarity)
    return found


def _passages(contexts: Sequence[Any], documents: dict[str, Any]) -> Iterator[Passage]:
    for number, context in enumerate(contexts):
        document = documents[context["document_id"]]
        yield Passage(
            chunk_id=number,
            document_id=number,
            document=str(number),
            title=document.get("title") or "",
            heading="",
            text=document["text"],
            url=None,
            anchor="",
            source="mtrag",
            updated_at=None,
        )


def _add(
    judged: Judged,
    response: str,
    passages: tuple[Passage, ...],
    embedder: MiniLM,
    similarity: Similarity | None,
) -> None:
    sources = [
        (number, sentence)
        for number, passage in enumerate(passages, start=1)
        for sentence in sentences(passage.text)
        if len(words(sentence)) >= MIN_QUOTE_WORDS
    ]
    if not sources:
        return
    vectors = np.stack([embedder.embed_one(sentence) for _, sentence in sources])
    said = [one for one in sentences(response) if len(words(one)) >= MIN_QUOTE_WORDS]
    dropped = 0
    for sentence in said:
        near = np.argsort(-(vectors @ embedder.embed_one(sentence)))[:_TRIED]
        reasons = []
        for at in near:
            number, quote = sources[at]
            draft = Draft((Sentence(sentence, number, quote),))
            verified = verify(draft, passages, similarity=similarity)
            reasons += [*verified.reasons][:1]
            if not verified.reasons:
                break
        else:
            dropped += 1
            judged.reasons[str(reasons[0])] += 1
    judged.responses += 1
    judged.flagged += dropped > 0
    judged.sentences += len(said)
    judged.dropped += dropped


def show(found: dict[tuple[str, int], Judged]) -> None:
    table = Table(title="flagged: a sentence follows from no near quote", title_justify="left")
    for name in ("judged", "model", "responses", "flagged", "sentences", "dropped"):
        table.add_column(name)
    for label, wanted in (("unfaithful", True), ("faithful", False)):
        for model in sorted({model for model, _ in found}):
            several = [
                one
                for (of, score), one in found.items()
                if of == model and (score <= _UNFAITHFUL) is wanted
            ]
            table.add_row(
                label,
                model,
                str(sum(one.responses for one in several)),
                str(sum(one.flagged for one in several)),
                str(sum(one.sentences for one in several)),
                str(sum(one.dropped for one in several)),
            )
    Console().print(table)


def _data(one: Judged) -> dict[str, Any]:
    counts = {name: getattr(one, name) for name in ("responses", "flagged", "sentences", "dropped")}
    return {**counts, "reasons": dict(one.reasons)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
