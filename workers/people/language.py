"""Decides in which language Ken speaks: the one a person chose, that of their profile, or that of
the question.

A choice and a profile count only where nobody else reads the reply. In a shared place the language
is the question's, which everybody there can see.
"""

import re
from typing import Any

from sqlalchemy import TextClause

from policies.tables.people import UserStatus
from workers.database.statements import statement
from workers.intake.messages import Question
from workers.models.languages import language_of
from workers.models.small_talk import language_of_talk
from workers.models.wishes import LANGUAGES, Length, Wishes
from workers.people.linking import code_in
from workers.replies.outbox import Kind
from workers.services import Services
from workers.slack.messenger import source_of_team
from workers.wording.text import ENGLISH

_LANGUAGE_TAG = re.compile(r"\s{0,9}([A-Za-z]{2})(?:[-_.][A-Za-z0-9@._-]{0,40})?\s{0,9}")


def wishes_of(services: Services, question: Question) -> Wishes:
    """Return what the asker chose; the language may be that of their profile."""
    if question.surface.is_outside_slack:
        return _read(services, _OF_USER, {"id": int(question.user_id)})
    return _of_account(services, question.team_id, question.user_id)


def of_reply(question: Question, kind: Kind, wishes: Wishes) -> str:
    """Return the language of every word of the reply to this question in this place."""
    own = wishes.language if kind is Kind.DIRECT else ""
    return own or of_words("" if code_in(question.text) else question.text)


def of_account(services: Services, team_id: str, user_id: str, words: str = "") -> str:
    """Return the language of a text for one account alone, beside a question with these words."""
    return _of_account(services, team_id, user_id).language or of_words(words)


def _of_account(services: Services, team_id: str, user_id: str) -> Wishes:
    given = {"team": team_id, "user": user_id, "source": source_of_team(team_id)}
    return _read(services, _OF_ACCOUNT, given)


def _read(services: Services, query: TextClause, given: dict[str, Any]) -> Wishes:
    with services.database.session("answerer") as session:
        row = session.execute(query, given | {"active": UserStatus.ACTIVE}).one_or_none()
    if row is None:
        return Wishes()
    tag = _LANGUAGE_TAG.fullmatch(row.locale or "")
    offered = (row.chosen, tag and tag[1].lower())
    return Wishes(
        language=next((one for one in offered if one in LANGUAGES), ""),
        length=Length.SHORT if row.length == Length.SHORT else Length.NORMAL,
    )


def of_words(words: str) -> str:
    """Return the language of a question or of talk; English if it is none of ours."""
    found = language_of(words) or language_of_talk(words)
    return found if found in LANGUAGES else ENGLISH


# Whether a user has switched off their locale, from any account of theirs.
_HIDES_LOCALE = """EXISTS (
    SELECT FROM identity AS own JOIN source AS theirs ON theirs.id = own.source_id
    JOIN preference ON preference.user_id = own.native_id
         AND theirs.name = 'slack:' || preference.team_id
    WHERE own.user_id = user_account.id AND 'locale' = ANY (preference.hidden))"""

# Returns what an account chose, and the locale in the profile of the person that it is linked to.
_OF_ACCOUNT = statement(
    """
    SELECT preference.language AS chosen, preference.length,
           (SELECT profile ->> 'locale'
            FROM identity JOIN source ON source.id = source_id
            JOIN user_account ON user_account.id = identity.user_id
            WHERE source.name = :source AND native_id = :user AND status = :active
              AND NOT {hides}) AS locale
    FROM (SELECT CAST(:team AS text) AS team_id, CAST(:user AS text) AS user_id) AS asker
         LEFT JOIN preference USING (team_id, user_id)
    """,
    hides=_HIDES_LOCALE,
)

# Returns the same for a user who asks from a terminal, where nothing can be chosen.
_OF_USER = statement(
    """
    SELECT '' AS chosen, '' AS length, profile ->> 'locale' AS locale FROM user_account
    WHERE id = :id AND status = :active AND NOT {hides}
    """,
    hides=_HIDES_LOCALE,
)
