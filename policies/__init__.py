"""Who may read what: the public names. docs/permissions.md explains the rules."""

from policies.access import (
    ONE_SNAPSHOT,
    Visible,
    act_for,
    current_epoch,
    of_other_sources,
    of_sources,
    readable_chunks,
    readable_documents,
    readable_embeddings,
    visible_in,
)
from policies.audience import STRANGER, Audience, Class

__all__ = [
    "ONE_SNAPSHOT",
    "STRANGER",
    "Audience",
    "Class",
    "Visible",
    "act_for",
    "current_epoch",
    "of_other_sources",
    "of_sources",
    "readable_chunks",
    "readable_documents",
    "readable_embeddings",
    "visible_in",
]
