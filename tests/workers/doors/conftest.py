"""A company with two sources, and the doors that programs ask it through."""

import pytest

from tests.workers.doors.programs import Programs
from tests.workers.library import Library
from tests.workers.slack_company import FakeAnswerer
from workers.database.sessions import Database
from workers.doors import asking
from workers.services import Services
from workers.settings import Settings
from workers.tasks import work_on


@pytest.fixture
def programs(
    library: Library, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Programs:
    """A worker answers what is asked within the ring, in this process."""
    settings = settings.model_copy(update={"lease_s": 600, "ask_patience_s": 600.0})
    services = Services(settings, database, library.embedder, FakeAnswerer())
    monkeypatch.setattr(asking, "ring", lambda _, question_id: work_on(services, question_id))
    return Programs(library, services)
