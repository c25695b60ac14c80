"""Small pages as passages, with the real embedders."""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from workers.ingest.parse import parse_markdown
from workers.ingest.split import split
from workers.models.base import Passage
from workers.models.embedder import MiniLM
from workers.models.languages import language_of
from workers.models.multilingual import Multilingual

MINI, MULTI = MiniLM.load(threads=1), Multilingual.load()


def passages(
    question: str, pages: Mapping[str, str], dates: Mapping[str, date] | None = None
) -> tuple[Passage, ...]:
    """All pieces of the pages, by how near they are to the question in any language."""
    asked = MULTI.embed_one(question)
    found: list[Passage] = []
    for number, (name, text) in enumerate(pages.items(), start=1):
        parsed, title = parse_markdown(text), text.partition("\n")[0].removeprefix("# ")
        changed = (dates or {}).get(name)
        pieces = split(parsed.blocks, title=title)
        top = pieces[0].text[:400] if pieces[0].heading in ("", title) else ""
        for piece in pieces:
            near = float(asked @ MULTI.embed_one(f"{title}\n{piece.heading}\n{piece.text}"))
            found.append(
                Passage(
                    chunk_id=len(found) + 1,
                    document_id=number,
                    document=name,
                    title=title,
                    heading=piece.heading,
                    text=piece.text,
                    url=None,
                    anchor=piece.anchor,
                    source="files",
                    updated_at=datetime(*changed.timetuple()[:3], tzinfo=UTC) if changed else None,
                    spans=piece.spans,
                    language=language_of(text),
                    relevance=max(0.01, 1.85 * near),
                    opening=top,
                )
            )
    return tuple(sorted(found, key=lambda one: -one.relevance)[:8])
