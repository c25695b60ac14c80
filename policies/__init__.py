"""Who may read what. The public names; docs/permissions.md says the rules in words."""

from policies.access import (
    ONE_SNAPSHOT,
    Visible,
    act_for,
    current_epoch,
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
    "readable_chunks",
    "readable_documents",
    "readable_embeddings",
    "visible_in",
]
