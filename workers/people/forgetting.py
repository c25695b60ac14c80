"""Forgets a person for an administrator: their words, the answers to them alone, and their tokens.

`/ken forget` clears one account's words; this clears those of all accounts of a person, and what
names them beside. That something was asked, and which documents were used, stays for the audit
until it goes by age.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from policies.audit import record
from workers.database.sessions import Database
from workers.intake.messages import BY_A_PROGRAM, OUTSIDE_SLACK
from workers.people.preferences import Cleared, clear_words

_SLACK = "slack:"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much of each was cleared or deleted, or would be."""

    accounts: int
    """In Slack, and one for what programs asked in their name."""
    questions: int
    private_answers: int
    comments: int
    remembered: int
    errands: int
    model_uses: int
    """Which say no more whose they were; the cost stays."""
    tokens: int
    still_open: int
    """Questions that are being answered; a second run forgets them."""


class _OnlyLook(Exception):
    """Undo a transaction that was made to count."""


def forget_person(
    database: Database, user_id: int, *, by: str, only_look: bool = False
) -> Forgotten:
    """Forget the person, and put in the audit how much it was. Safe to repeat.

    `only_look`: change nothing, and count what would be. Each account is one transaction, and the
    rest another: if it is interrupted, run it again.
    """
    accounts = _accounts_of(database, user_id)
    cleared = [_clear(database, account, only_look=only_look) for account in accounts]
    with _undone_if(only_look), database.session("syncer") as session:
        found = Forgotten(
            accounts=len(accounts),
            questions=sum(one.questions for one in cleared),
            private_answers=sum(one.private_answers for one in cleared),
            comments=sum(one.comments for one in cleared),
            remembered=sum(one.remembered for one in cleared),
            still_open=sum(one.still_open for one in cleared),
            **_detach(session, user_id, accounts),
        )
        counted = {name: getattr(found, name) for name in Forgotten.__dataclass_fields__}
        record(session, actor=by, action="forget_person", details={"user_id": user_id, **counted})
        if only_look:
            raise _OnlyLook
    return found


def _accounts_of(database: Database, user_id: int) -> list[tuple[str, str]]:
    """Return the person's accounts as questions name them: a workspace, and an id there."""
    with database.session("syncer") as session:
        rows = session.execute(_READ_ACCOUNTS, {"id": user_id, "slack": _SLACK}).all()
    ours = [(team_id, native_id) for team_id, native_id in rows if team_id not in OUTSIDE_SLACK]
    return [*ours, (BY_A_PROGRAM, str(user_id))]


def _clear(database: Database, account: tuple[str, str], *, only_look: bool) -> Cleared:
    with _undone_if(only_look), database.session("answerer") as session:
        cleared = clear_words(session, *account)
        if only_look:
            raise _OnlyLook
    return cleared


@contextmanager
def _undone_if(only_look: bool) -> Iterator[None]:
    try:
        yield
    except _OnlyLook:
        assert only_look


def _detach(session: Session, user_id: int, accounts: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Delete their errands, which hold comments; end their tokens; take their name off costs."""
    teams, users = zip(*accounts, strict=True)
    theirs = {"teams": list(teams), "users": list(users)}
    return {
        "errands": len(session.execute(_DELETE_ERRANDS, theirs).all()),
        "model_uses": len(session.execute(_DETACH_USES, {"id": user_id}).all()),
        "tokens": len(session.execute(_REVOKE_TOKENS, {"id": user_id}).all()),
    }


# Reads the accounts in Slack that are linked to a person, and those that they asked from while they
# were: a directory that deletes a person takes the links along. Not what is somebody else's by now.
_READ_ACCOUNTS = text("""
    WITH linked AS (
        SELECT substr(source.name, length(:slack) + 1) AS team_id, native_id, identity.user_id
        FROM identity JOIN source ON source.id = identity.source_id
        WHERE source.name LIKE :slack || '%'
    )
    SELECT team_id, native_id FROM linked WHERE user_id = :id
    UNION
    SELECT team_id, question.user_id FROM answer JOIN question ON question.id = answer.question_id
    WHERE asker_id = :id AND NOT EXISTS (
        SELECT FROM linked
        WHERE linked.team_id = question.team_id AND native_id = question.user_id
          AND linked.user_id <> :id)
    ORDER BY 1, 2
""")

# Deletes what these accounts asked of Ken beside questions, once it is done.
_DELETE_ERRANDS = text("""
    DELETE FROM errand
    USING unnest(CAST(:teams AS text[]), CAST(:users AS text[])) AS theirs (team_id, user_id)
    WHERE errand.team_id = theirs.team_id AND errand.user_id = theirs.user_id
      AND done_at IS NOT NULL
    RETURNING errand.id
""")

# Leaves what the models were used for, without saying for whom.
_DETACH_USES = text(
    "UPDATE model_use SET user_id = '', person_id = NULL WHERE person_id = :id RETURNING id"
)

# Revokes the person's tokens for other programs.
_REVOKE_TOKENS = text("""
    UPDATE person_token SET revoked_at = now() WHERE user_id = :id AND revoked_at IS NULL
    RETURNING id
""")
