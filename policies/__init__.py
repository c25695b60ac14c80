"""Who may read what. The public names; docs/permissions.md says the rules in words."""

from policies.access import (
    STRANGER,
    Audience,
    Class,
    act_for,
    current_epoch,
    readable_chunks,
    readable_documents,
    readable_embeddings,
)

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
