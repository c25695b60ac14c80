"""Answers on a board that two people read."""

import pytest

from tests.workers.library import Library
from tests.workers.upkeep.posted_answers import SECRET, Desk, FakeSlack, only
from workers.settings import Settings


@pytest.fixture
def desk(library: Library, door: None, settings: Settings) -> Desk:
    return Desk(library, FakeSlack(), settings)


@pytest.fixture
def board(desk: Desk) -> tuple[int, int, int]:
    """Alice and Bob in a private channel, and a document that both may read."""
    alice, bob = desk.person("alice"), desk.person("bob")
    desk.slack.members["CBOARD"] = {"UALICE", "UBOB"}
    document = desk.library.document("budget", SECRET, only(alice, bob))
    return alice, bob, document
