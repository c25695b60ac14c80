"""Records what somebody was shown, and on what it was based: for the audit, and for reviews."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from policies import Audience
from policies.audience import Readers
from workers.answering.checking import Checked
from workers.models.prompt import VERSION
from workers.replies.outbox import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What an answer is based on."""

    asker_id: int | None
    """None for a stranger."""
    audience: Audience
    readers: Readers
    checked: Checked
    used: Sequence[int]
    """All documents that it may have been derived from."""
    cited: Sequence[int]
    model: str
    dropped: int = 0
    """Sentences of the draft that were left out."""


def record_answer(session: Session, question_id: int, kind: Kind, basis: Basis) -> None:
    """Record an answer; one that is given again replaces the record."""
    session.execute(
        _RECORD_ANSWER,
        {
            "question_id": question_id,
            "kind": kind,
            "asker_id": basis.asker_id,
            "audience": list(basis.audience.ids),
            "epoch": basis.checked.epoch,
            "used": list(basis.used),
            "cited": list(basis.cited),
            "model": basis.model,
            "prompt_version": VERSION,
            "verdicts": {"dropped_sentences": basis.dropped, "final_check": "passed"},
            "readers": basis.readers.to_json(),
            "versions": {str(one): basis.checked.versions[one] for one in basis.cited},
        },
    )


# Records what an answer was based on; an answer that is given again replaces the record.
_RECORD_ANSWER = text("""
    INSERT INTO answer (question_id, kind, asker_id, audience, epoch, used, cited, model,
                        prompt_version, verdicts, readers, versions)
    VALUES (:question_id, :kind, :asker_id, :audience, :epoch, :used, :cited, :model,
            :prompt_version, :verdicts, :readers, :versions)
    ON CONFLICT (question_id, kind) DO UPDATE
    SET audience = excluded.audience, epoch = excluded.epoch, used = excluded.used,
        cited = excluded.cited, model = excluded.model, verdicts = excluded.verdicts,
        readers = excluded.readers, versions = excluded.versions, answered_at = now()
""").bindparams(*(bindparam(name, type_=JSONB) for name in ("verdicts", "readers", "versions")))
