"""Who may read what. The public names; docs/permissions.md says the rules in words."""

from policies.access import (
    act_for,
    current_epoch,
    readable_chunks,
    readable_documents,
    readable_embeddings,
)
from policies.audience import STRANGER, Audience, Class

__all__ = [
    "STRANGER",
    "Audience",
    "Class",
    "act_for",
    "current_epoch",
    "readable_chunks",
    "readable_documents",
    "readable_embeddings",
]
