"""Explains who may read what, decided in plain Python over the raw rows.

This is the check of each passage before it enters a prompt. It shares neither SQL nor interned
policies with `policies/access.py`: if the two disagree, one is wrong, and no answer is given.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from policies.audience import Audience
from policies.chains import chains_of, load_chains, unpaused_documents, usable_documents
from policies.decide import ChainNode, Decision, SubjectClosure, decide, distinct
from policies.history import as_of, require_known
from policies.rows import rows_of_now
from policies.subjects import closures, load_subjects, path_to
from policies.tables.people import User, UserStatus


def unreadable(session: Session, audience: Audience, document_ids: Iterable[int]) -> set[int]:
    """Return the documents that somebody in the audience may not read."""
    wanted = set(document_ids)
    return _refused(session, audience, wanted, usable=usable_documents(session, wanted))


def revoked(session: Session, audience: Audience, document_ids: Iterable[int]) -> set[int]:
    """Return the documents that somebody in the audience may not read, ignoring stale sources.

    For posted answers: a source that is only late takes access from nobody. A paused source is
    closed here, too. Each of these documents is also `unreadable`.
    """
    wanted = set(document_ids)
    return _refused(session, audience, wanted, usable=unpaused_documents(session, wanted))


def _refused(
    session: Session, audience: Audience, wanted: Collection[int], *, usable: Collection[int]
) -> set[int]:
    rows = rows_of_now(session, audience.ids, wanted)
    chains = chains_of(wanted, rows.nodes, rows.entries)
    nodes = [node for chain in chains.values() for node in chain]
    found = closures(session, audience.ids, chains.values(), rows.people)
    subjects = distinct(found, nodes)
    return {
        document_id
        for document_id in wanted
        if not _all_read(subjects, chains.get(document_id, ()), usable=document_id in usable)
    }


def _all_read(
    subjects: Iterable[SubjectClosure], chain: Sequence[ChainNode], *, usable: bool
) -> bool:
    return all(decide(subject, chain, usable=usable) for subject in distinct(subjects, chain))


def explain(
    session: Session, subject_id: int, document_id: int, at: datetime | None = None
) -> Decision:
    """Explain why this subject may or may not read this document, now or at a past time.

    Raises OutsideHistory.
    """
    return decisions(session, (subject_id,), document_id, at)[subject_id]


def decisions(
    session: Session, subject_ids: Sequence[int], document_id: int, at: datetime | None = None
) -> dict[int, Decision]:
    """Explain the decision for each subject. Raises OutsideHistory."""
    require_known(session, at)
    chains = load_chains(session, {document_id}, at)
    chain = chains.get(document_id, ())
    usable = document_id in usable_documents(session, {document_id}, at)
    subjects = load_subjects(session, subject_ids, chains.values(), at)
    return {
        subject.subject_id: _with_path(decide(subject, chain, usable=usable), subject)
        for subject in subjects
    }


def _with_path(decision: Decision, subject: SubjectClosure) -> Decision:
    if decision.principal_id is None or decision.path:
        return decision
    return replace(decision, path=path_to(subject, decision.principal_id))


def readers(session: Session, document_id: int, at: datetime | None = None) -> dict[int, Decision]:
    """Return every active user who may read it, with the path. Raises OutsideHistory."""
    user = as_of(User, at)
    active = session.scalars(select(user.id).where(user.status == UserStatus.ACTIVE)).all()
    decided = decisions(session, active, document_id, at)
    return {user_id: decision for user_id, decision in decided.items() if decision}
