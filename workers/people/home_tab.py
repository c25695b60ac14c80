"""Ken's home tab in Slack: who Ken thinks somebody is, what they may read, what they want.

It is composed for one account and published at once: `home_contents.py` reads what it shows, and
`home_view.py` says how that looks.
"""

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from workers.errors import AssistantError
from workers.people.home_contents import profile_of, read_contents
from workers.people.home_view import view_of
from workers.services import Services

log = structlog.get_logger()


def publish(services: Services, team_id: str, user_id: str) -> None:
    """Show the home tab as everything is now. Raises SlackUnavailable, LayersDisagree.

    One at a time for an account: whoever changes something and publishes then is the last.
    """
    messenger = services.messenger_of(team_id)
    profile = profile_of(messenger, user_id)
    with services.database.session("answerer") as session:
        session.execute(_MARK_SHOWN, {"team": team_id, "user": user_id})
        home = read_contents(services, team_id, user_id, profile)
        messenger.publish_home(user_id, view_of(home))


def is_shown(services: Services, team_id: str, user_id: str) -> bool:
    """Whether they have ever looked at their home tab."""
    with services.database.session("answerer") as session:
        return bool(session.scalar(_IS_SHOWN, {"team": team_id, "user": user_id}))


def publish_if_shown(services: Services, team_id: str, user_id: str) -> None:
    """Once more, if they have ever looked at it. What fails is logged: the next look mends it."""
    try:
        if is_shown(services, team_id, user_id):
            publish(services, team_id, user_id)
    except (AssistantError, SQLAlchemyError) as error:
        log.warning("home_not_published", error=type(error).__name__)


# Says that the home tab is shown to this account. The row is locked until it is published; where
# that fails it was not shown.
_MARK_SHOWN = text("""
    INSERT INTO preference (team_id, user_id, home_at) VALUES (:team, :user, now())
    ON CONFLICT (team_id, user_id) DO UPDATE SET home_at = coalesce(preference.home_at, now())
""")

# Whether the home tab was ever shown to this account.
_IS_SHOWN = text("""
    SELECT home_at IS NOT NULL FROM preference WHERE team_id = :team AND user_id = :user
""")
