"""The database, the model, the embedder and Slack as we use them; made once per process."""

from dataclasses import dataclass, field
from functools import cache

import structlog
from sqlalchemy.exc import SQLAlchemyError

from workers.database.sessions import Database
from workers.index.copy import Index
from workers.models.base import Answerer, BatchEmbedder, Embedder
from workers.models.by_name import QuestionEmbedders
from workers.settings import Settings, load_settings
from workers.slack.bot_tokens import MINIMUM_LIFETIME, token_of
from workers.slack.messenger import Messenger
from workers.slack.workspaces import installed_workspace, workspace

log = structlog.get_logger()

AS_SYNCER = (
    "record accounts without a link",
    "accept link codes",
    "link by confirmed address",
    "delete documents that are gone",
)
"""What a worker does as the syncer, and cannot do without that password."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that answering needs from outside, in one argument."""

    settings: Settings
    database: Database
    embedder: Embedder
    answerer: Answerer
    multilingual: BatchEmbedder | None = field(default=None, kw_only=True)
    """For questions and documents that are not English."""
    second: Answerer | None = field(default=None, kw_only=True)
    """The model that is asked where the first does not answer."""
    index: Index = field(default_factory=Index, kw_only=True)
    """What this process holds to find passages fast."""

    question_embedders: QuestionEmbedders = field(default_factory=QuestionEmbedders, kw_only=True)
    """For questions, where the index is by a model that is not embedded."""

    @property
    def messenger(self) -> Messenger:
        """Return the one workspace of the token. Raises InputInvalid if there is none."""
        return workspace(self.settings)

    def messenger_of(self, team_id: str) -> Messenger:
        """Return the workspace of a question; if a token is set it is that one, whatever the team.

        Raises SlackRefused if Ken is not installed there (any more), SlackUnavailable if its token
        has expired and Slack does not give another, InputInvalid if no Slack is connected.
        """
        if not self.settings.has_oauth:
            return self.messenger
        token = token_of(
            self.database, "answerer", team_id=team_id, minimum_lifetime=MINIMUM_LIFETIME
        )
        return installed_workspace(self.settings, team_id, token)


@cache
def live_services() -> Services:
    """Return this process's services, from its settings; the embedder is loaded here, once."""
    return make_services(load_settings())


def make_services(settings: Settings) -> Services:
    from workers.models.embedder import MiniLM  # noqa: PLC0415 - ONNX is loaded where it is used
    from workers.models.multilingual import Multilingual  # noqa: PLC0415 - and its weights

    embedder, multilingual = MiniLM.load(), Multilingual.load()
    return Services(
        settings=settings,
        database=Database(settings),
        embedder=embedder,
        answerer=_answerer(settings, embedder, multilingual),
        multilingual=multilingual,
        second=_second(settings),
    )


def warm(services: Services) -> None:
    """Load what the first question would wait for: weights, and the codes of all chunks."""
    embedders = [one for one in (services.embedder, services.multilingual) if one is not None]
    for one in embedders:
        one.embed_one("warm")
    try:
        services.index.warm(services.database, *(one.name for one in embedders))
    except SQLAlchemyError as error:  # then the first question does it
        log.warning("index_not_read", error=type(error).__name__)


def _second(settings: Settings) -> Answerer | None:
    if (others := settings.fallback_model) is None:
        return None
    from workers.models.openai import OpenAIAnswerer  # noqa: PLC0415 - where it is used

    return OpenAIAnswerer.connect(others)


def _answerer(settings: Settings, embedder: Embedder, multilingual: Embedder) -> Answerer:
    if settings.writes_with_a_model:
        from workers.models.openai import OpenAIAnswerer  # noqa: PLC0415 - the one in use

        return OpenAIAnswerer.connect(settings)
    from workers.models.embedded import QuotingAnswerer  # noqa: PLC0415 - the one in use

    return QuotingAnswerer(embedder, multilingual)
