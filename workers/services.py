"""The database, the model, the embedder and Slack, as we use them: made once for a process."""

from dataclasses import dataclass
from functools import cache

from workers.database import Database
from workers.errors import InputInvalid
from workers.messenger import Messenger
from workers.models.base import Answerer, Embedder
from workers.settings import Settings, load_settings

AS_SYNCER = (
    "note accounts that have no link",
    "take link codes",
    "link by confirmed address",
    "delete what is gone",
)
"""What a worker does as the syncer, and leaves undone where that password is missing."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that answering needs from outside, in one argument."""

    settings: Settings
    database: Database
    embedder: Embedder
    answerer: Answerer

    @property
    def messenger(self) -> Messenger:
        """Raises InputInvalid where no Slack is connected."""
        return workspace(self.settings)


@cache
def live_services() -> Services:
    """This process's services, from its settings; the embedder is loaded here, once."""
    return make_services(load_settings())


def make_services(settings: Settings) -> Services:
    from workers.models.embedder import MiniLM

    embedder = MiniLM.load()
    return Services(
        settings=settings,
        database=Database(settings),
        embedder=embedder,
        answerer=_answerer(settings, embedder),
    )


def _answerer(settings: Settings, embedder: Embedder) -> Answerer:
    if settings.writes_with_a_model:
        from workers.models.openai import OpenAIAnswerer

        return OpenAIAnswerer.connect(settings)
    from workers.models.embedded import QuotingAnswerer

    return QuotingAnswerer(embedder)


@cache
def workspace(settings: Settings) -> Messenger:
    """The Slack workspace of these settings; no call is made yet. Raises InputInvalid."""
    if not settings.has_slack:
        raise InputInvalid(
            "No Slack workspace is connected to this home.",
            remedy="Set KEN_SLACK_BOT_TOKEN, or try `make demo`: it brings a local one.",
        )
    from workers.slack import SlackMessenger

    return SlackMessenger.connect(settings)
