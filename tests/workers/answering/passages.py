"""Passages for tests that need no database."""

from datetime import UTC, datetime

from workers.models.base import Passage


def passage(
    text: str, *, document: str = "handbook", number: int = 1, **more: str | None
) -> Passage:
    told: dict[str, str | None] = {
        "title": document.title(),
        "heading": "",
        "url": f"https://wiki.acme.example/{document}",
        "anchor": "",
        "source": "wiki",
        **more,
    }
    return Passage(
        chunk_id=number,
        document_id=number,
        document=document,
        text=text,
        updated_at=datetime(2026, 5, 4, tzinfo=UTC),
        **told,  # type: ignore[arg-type]
    )
