"""What people ask Ken to remember: used for the account that said it, in private, and nowhere else.

Row-level security shows an account only its own.
"""

import re
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from workers.people import preferences
from workers.replies.inert import inert_excerpt
from workers.services import Services
from workers.wording.mark import N_

MOST, LONGEST = 20, 300
"""Things that are remembered for one account, and characters of each."""
_MOST_READ = 1000

REMEMBERED = N_(
    "I will remember that, for you alone. My home tab shows it, and /ken forget clears it."
)
KNOWN = N_("I remember that already.")
FULL = N_(
    "I remember as many things for you as I can keep. Say “forget what you remember” to clear them."
)
CLEARED = N_("I have forgotten everything that you asked me to remember.")
IN_PRIVATE = N_("Tell me that in a direct message. What I remember is for you alone.")

_POLITE = r"(?:(?:please|bitte|ken|hey|hi)[ ,]{1,2}){0,3}"
_REMEMBER = re.compile(
    _POLITE + r"(?:"
    r"(?:remember|note|keep in mind)(?: that |: ?)"
    r"|merke? dir(?: bitte)?(?:, ?dass |: ?)"
    r"|(?:souviens-toi|retiens) (?:que |qu['’])"
    r"|recuerda que "
    r")(?P<words>.+)",
    re.IGNORECASE | re.DOTALL,
)
_FORGET = re.compile(
    _POLITE + r"(?:"
    r"forget (?:everything|all|what) (?:that )?(?:you (?:remember|know|noted)|i (?:told|asked) you"
    r"(?: to remember)?)(?: about me)?"
    r"|forget (?:everything|all) about me"
    r"|vergiss(?: alles)?,? was (?:du dir (?:von mir )?gemerkt hast|du über mich weißt"
    r"|ich dir gesagt habe)"
    r"|vergiss alles über mich"
    r"|oublie (?:tout )?ce que tu (?:sais|as retenu)(?: de moi)?"
    r"|olvida (?:todo )?lo que (?:sabes|recuerdas)(?: de mí)?"
    r")[ .!]{0,3}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Remember:
    words: str


class Forget:
    """The wish that everything is forgotten."""


def wish_in(question: str) -> Remember | Forget | None:
    """Return what somebody asks Ken to remember or forget; None if it is something else."""
    read = question[:_MOST_READ].strip()
    if _FORGET.fullmatch(read):
        return Forget()
    if (found := _REMEMBER.match(read)) and "?" not in read:
        words = inert_excerpt(" ".join(found["words"].split()), LONGEST).rstrip(" .!")
        return Remember(words) if words else None
    return None


def fulfil(services: Services, team_id: str, user_id: str, wish: Remember | Forget) -> str:
    """Do it, and return what to say; doing it twice is harmless."""
    own = {"team": team_id, "user": user_id}
    with services.database.session("answerer") as session:
        preferences.act_as_asker(session, team_id, user_id)
        if isinstance(wish, Forget):
            session.execute(_CLEAR, own)
            return CLEARED
        known = remembered(session, team_id, user_id)
        if wish.words in known:
            return KNOWN
        if len(known) >= MOST:
            return FULL
        session.execute(_STORE, {**own, "words": wish.words})
        return REMEMBERED


def remembered(session: Session, team_id: str, user_id: str) -> tuple[str, ...]:
    """Return what is remembered for this account, oldest first. The session acts as it."""
    own = {"team": team_id, "user": user_id, "most": MOST}
    return tuple(session.scalars(_READ, own))


# Stores something; what is known already stays as it is.
_STORE = text("""
    INSERT INTO memory (team_id, user_id, words) VALUES (:team, :user, :words)
    ON CONFLICT DO NOTHING
""")

# Reads an account's memory. Row-level security shows only its own.
_READ = text("""
    SELECT words FROM memory WHERE team_id = :team AND user_id = :user ORDER BY id LIMIT :most
""")

# Deletes an account's memory.
_CLEAR = text("DELETE FROM memory WHERE team_id = :team AND user_id = :user")
