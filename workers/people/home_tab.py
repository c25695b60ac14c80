"""Publishes Ken's home tab in Slack: who a person is, what they may read, what they prefer.

It is made for one account: `home_contents.py` reads what it shows, and `home_view.py` lays it out.
"""

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from workers.errors import AssistantError
from workers.people import language
from workers.people.home_contents import profile_of, read_contents
from workers.people.home_view import view_of
from workers.services import Services
from workers.wording.text import speaking

log = structlog.get_logger()


def publish(services: Services, team_id: str, user_id: str) -> None:
    """Publish the home tab as of now. Raises SlackUnavailable, LayersDisagree.

    One at a time for each account, so the last change is the last one published.
    """
    messenger = services.messenger_of(team_id)
    profile = profile_of(messenger, user_id)
    with services.database.session("answerer") as session:
        session.execute(_MARK_SHOWN, {"team": team_id, "user": user_id})
        home = read_contents(services, team_id, user_id, profile)
        with speaking(language.of_account(services, team_id, user_id)):
            messenger.publish_home(user_id, view_of(home))


def is_shown(services: Services, team_id: str, user_id: str) -> bool:
    """Whether this account has ever opened its home tab."""
    with services.database.session("answerer") as session:
        return bool(session.scalar(_IS_SHOWN, {"team": team_id, "user": user_id}))


def publish_if_shown(services: Services, team_id: str, user_id: str) -> None:
    """Publish again if they have ever opened it. A failure is logged; opening it again
    repairs it.
    """
    try:
        if is_shown(services, team_id, user_id):
            publish(services, team_id, user_id)
    except (AssistantError, SQLAlchemyError) as error:
        log.warning("home_not_published", error=type(error).__name__)


# Records that this account has its home tab. The row is locked until it is published; if that
# fails, the record is rolled back.
_MARK_SHOWN = text("""
    INSERT INTO preference (team_id, user_id, home_at) VALUES (:team, :user, now())
    ON CONFLICT (team_id, user_id) DO UPDATE SET home_at = coalesce(preference.home_at, now())
""")

# Returns whether the home tab was ever shown to this account.
_IS_SHOWN = text("""
    SELECT home_at IS NOT NULL FROM preference WHERE team_id = :team AND user_id = :user
""")
