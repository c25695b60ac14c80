"""Checks documents once more before they are shown, against the audience as it is then."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn

import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from policies import Audience, current_epoch
from policies.explain import unreadable
from workers.errors import LayersDisagree
from workers.observe import metrics

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Checked:
    """What a new snapshot says of documents that were found before."""

    epoch: int
    refused: frozenset[int]
    """Those that somebody in the audience may no longer read."""
    versions: dict[int, str]
    """The content hashes of the others."""


def checked_in(session: Session, audience: Audience, document_ids: Collection[int]) -> Checked:
    """Check documents against the audience in this snapshot, by row-level security and by the rule.

    Raises LayersDisagree if the two differ.
    """
    epoch = current_epoch(session)
    visible = session.execute(_READ_VISIBLE_HASHES, {"ids": list(document_ids)})
    versions = {document_id: content_hash for document_id, content_hash in visible}
    refused = unreadable(session, audience, document_ids)
    if set(versions) != set(document_ids) - refused:
        disagree("before_post")
    return Checked(epoch, frozenset(refused), versions)


def disagree(layer: str) -> NoReturn:
    """Count it, log it, and raise LayersDisagree: two checks differ, so one of them is wrong."""
    metrics.LAYERS_DISAGREE.labels(layer).inc()
    log.error("layers_disagree", layer=layer)
    raise LayersDisagree


# Reads the text hashes of documents. By row-level security alone: rows that are not visible do not
# appear.
_READ_VISIBLE_HASHES = text("SELECT id, content_hash FROM document WHERE id = ANY(:ids)")
