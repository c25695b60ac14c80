"""Worlds that differ only in what an audience may not read: it hears the same bytes (threats 16
to 18).

One company, asked the same questions again and again; in between, documents that the audience
may not read are added, changed and deleted. What is compared is everything that leaves: posts,
the outbox, what the model gets, the passages with their scores, logs, errors, and what
`ken ask --json` prints.
"""

import json
import math
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import numpy as np
from sqlalchemy import select, text
from structlog.testing import capture_logs

import workers.answering.answer as answering
from policies.tables.content import Chunk, Embedding
from policies.tables.people import UserStatus
from tests.prove.company import Company, Words
from tests.prove.facts import Facts, Human, Page, Room, Rules, Thing
from tests.servers import empty
from workers.answering import retrieval
from workers.cli import asking
from workers.database.sessions import Database, driver_of
from workers.intake.leases import question_session
from workers.intake.messages import Surface
from workers.models.base import NOBODY, Draft, Passage, Profile
from workers.models.embedded import QuotingAnswerer
from workers.models.prompt import INSTRUCTIONS, prompt
from workers.models.wishes import Wishes
from workers.replies.outbox import Kind
from workers.slack.messenger import PlaceKind

WORLDS = 12
"""Worlds of one company: the visible part stays, so each is paired with the one before."""
QUESTIONS = 4
VISIBLE = 50
MOST_CHANGED = 40

_SUBJECTS = (
    "budget deadline owner address policy retention holiday allowance audit backup contract "
    "invoice licence forecast headcount incident roadmap supplier training travel warranty"
).split()
_PROJECTS = (
    "Falcon Heron Kestrel Osprey Merlin Harrier Condor Ibis Puffin Egret KEP-4876 TR-2291"
).split()
_CITIES = "Lisbon Oslo Prague Turin Ghent Riga Porto Graz".split()
_VALUES = "ten million;four weeks;twelve people;page 40;a yearly sum;under review".split(";")
_SENTENCES = (
    "The {subject} of {project} is {value}.",
    "{project} keeps its {subject} in {city}.",
    "Ask the office in {city} about the {subject} of {project} before you sign.",
    "Since spring the {subject} of {project} has been {value}, as agreed in {city}.",
    "Nobody in {city} has changed the {subject} since {value} was agreed.",
)
_ASKED = ("What is the {subject} of {project}?", "Where does {project} keep its {subject}?")


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


_BASE = Facts(
    people={
        "alice": Human(),
        "bob": Human(),
        "dora": Human(),
        "eve": Human(),
        "ivan": Human(status=UserStatus.SUSPENDED),
        "gina": Human(guest=True),
    },
    members={
        "team": _names("alice", "bob"),
        "staff": _names("team", "dora"),
        "company": _names("staff", "gina"),
        "board": _names("eve"),
    },
    closed={"archive": "paused", "attic": "stale"},
    accounts={"UALICE": "alice", "UBOB": "bob", "UDORA": "dora", "UGINA": "gina"},
    rooms={
        "CTEAM": Room(PlaceKind.PRIVATE, _names("UALICE", "UBOB")),
        "CALL": Room(PlaceKind.PUBLIC, _names("UALICE", "UBOB", "UDORA")),
        "CGUESTS": Room(PlaceKind.PUBLIC, _names("UALICE", "UGINA")),
    },
)
_FOLDERS = {
    "handbook": Thing("wiki", rules=Rules(allow=_names("members_and_guests"))),
    "projects": Thing("wiki", "handbook", Rules(allow=_names("staff"))),
    "team room": Thing("drive", rules=Rules(allow=_names("team"))),
    "open": Thing("drive", rules=Rules(allow=_names("internet"))),
    "closed": Thing("archive", rules=Rules(allow=_names("internet"))),
    "old": Thing("attic", rules=Rules(allow=_names("internet"))),
}
_READERS = ("internet", "members", "members_and_guests", "company", "staff", "team", "alice", "bob")


@dataclass(frozen=True, slots=True)
class Place:
    """Who asks, and where: the audience."""

    asker: str
    channel: str = ""
    surface: Surface = Surface.SLACK


PLACES = (
    Place("UALICE"),
    Place("UBOB"),
    Place("UGINA"),
    Place("USTRANGER"),
    Place("UALICE", "CTEAM"),
    Place("UBOB", "CALL"),
    Place("UALICE", "CGUESTS"),
    Place("UALICE", surface=Surface.TERMINAL),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that one question made Ken emit, and how long it took."""

    in_channel: str
    """What went to the channel, and to the model for it."""
    altogether: str
    seconds: float


@dataclass
class Tally:
    paired_worlds: int = 0
    """(audience, question) pairs whose two worlds differ in nothing that the audience reads."""
    differing_bytes: int = 0
    answered: int = 0
    fewer: list[float] = field(default_factory=list)
    """Seconds in the world of a pair with fewer documents that the audience may not read."""
    more: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What differed, for the person who looks into it."""

    def figures(self) -> dict[str, Any]:
        apart = float(np.median(self.more) - np.median(self.fewer)) * 1000 if self.more else 0.0
        return {
            "paired_worlds": self.paired_worlds,
            "differing_bytes": self.differing_bytes,
            "timing_median_difference_ms": round(apart, 3),
            "timing_p": round(mann_whitney(self.more, self.fewer), 4),
        }


def run(
    database: Database, *, count: int, seed: int, tell: Callable[[int], None]
) -> dict[str, Any]:
    """At least this many pairs, each company of the next seed. Times are reported, never judged."""
    tally = Tally()
    while tally.paired_worlds < count:
        before = tally.paired_worlds
        play(database, seed, tally, enough=count)
        if tally.wrong:
            for line in tally.wrong:
                print(f"seed {seed}: {line}", file=sys.stderr)  # noqa: T201
            return {**tally.figures(), "failed_seed": seed}
        tell(tally.paired_worlds - before)
        seed += 1
    return tally.figures()


def play(
    database: Database,
    seed: int,
    tally: Tally,
    *,
    worlds: int = WORLDS,
    questions: int = QUESTIONS,
    enough: int = sys.maxsize,
) -> None:
    """One company in this many states, each compared with the one before; fewer if `enough` pairs
    are compared.
    """
    empty(database.settings)
    chance, company = random.Random(seed), Company(database, Witness())
    asked = [_question(chance) for _ in range(questions)]
    company.become(_open(chance, asked))
    company.introduce(*(place.asker for place in PLACES))
    company.analyze()
    heard = _ask_all(company, asked)
    for number in range(1, worlds):
        before, facts_before = heard, company.facts
        company.become(_changed(facts_before, chance, asked))
        if number % 4 == 0:
            company.analyze()  # other plans, the same answers
        heard = _ask_all(company, asked)
        _compare(facts_before, company.facts, before, heard, tally)
        if tally.paired_worlds >= enough:
            break


# What may differ


def _open(chance: random.Random, questions: Sequence[str]) -> Facts:
    """Folders and documents that people read, and in between some that they do not."""
    things = dict(_FOLDERS)
    for number in range(VISIBLE):
        folder = chance.choice(["handbook", "projects", "team room", "open"])
        rules = Rules(allow=_names(chance.choice(_READERS)), inherit=chance.random() < 0.5)
        source = things[folder].source
        things[f"page {number}"] = Thing(source, folder, rules, _page(chance))
        if chance.random() < 0.3:
            things[f"hidden {number}"] = _hidden(replace(_BASE, things=things), chance, questions)
    return replace(_BASE, things=things)


def _changed(facts: Facts, chance: random.Random, questions: Sequence[str]) -> Facts:
    """The same company, with up to this many changes to what at least somebody may not read."""
    things, members, people = dict(facts.things), dict(facts.members), dict(facts.people)
    few = chance.random() < 0.3
    for _ in range(chance.randint(1, 4 if few else MOST_CHANGED)):
        hidden = [name for name in things if name.startswith("hidden")]
        deed = chance.choice(["add", "add", "edit", "delete", "delete", "relabel", "board"])
        if deed == "add" or not hidden:
            things[f"hidden {chance.randrange(10**9)}"] = _hidden(facts, chance, questions)
        elif deed == "edit":
            name = chance.choice(hidden)
            page = _hidden_page(facts, chance, questions)
            things[name] = replace(things[name], page=page)
        elif deed == "delete":
            del things[chance.choice(hidden)]
        elif deed == "relabel":
            name, relabelled = chance.choice(hidden), _hidden(facts, chance, questions)
            if relabelled.source == things[name].source:  # nothing moves from one to another
                things[name] = replace(relabelled, page=things[name].page)
        else:
            name = f"director {len(people)}"
            people[name] = Human(guest=chance.random() < 0.5)
            members["board"] = members["board"] | {name}
    return replace(facts, things=things, members=members, people=people)


def _hidden(facts: Facts, chance: random.Random, questions: Sequence[str]) -> Thing:
    """A document that none of the audiences reads, or only some of them."""
    page = _hidden_page(facts, chance, questions)
    folder = chance.choice(["handbook", "projects", "team room", "open"])
    everybody = _names("internet", "members")
    rules = chance.choice(
        [
            Rules(allow=_names("board"), inherit=False),
            Rules(allow=everybody, deny=_names("internet")),
            Rules(allow=everybody, gates=(_names("board"),)),
            Rules(allow=everybody, gates=(_names("members", "internet"), _names("ivan"))),
            Rules(allow=everybody, deny=_names("account UNOBODY")),
            Rules(allow=everybody, gates=(_names("account UNOBODY"),)),
            Rules(allow=everybody, known=False),
            Rules(allow=_names("ivan"), inherit=False),
            Rules(inherit=False),
            Rules(allow=_names(chance.choice(["alice", "bob", "dora", "team"])), inherit=False),
            None,
        ]
    )
    if rules is None:
        folder = chance.choice(["closed", "old"])
    return Thing(_FOLDERS[folder].source, folder, rules or Rules(), page)


def _hidden_page(facts: Facts, chance: random.Random, questions: Sequence[str]) -> Page:
    """Something else, a page that people read but for a word, or full of a question's words."""
    shown = [one.page for name, one in facts.things.items() if name.startswith("page") and one.page]
    kind = chance.choice(["other", "like another", "stuffed"])
    if kind == "like another" and shown:
        like = chance.choice(shown)
        texts = tuple(text.replace(" is ", " was ") for text in like.texts)
        return Page(like.title, texts)
    if kind == "stuffed":
        asked = chance.choice(questions)
        return Page(asked, (f"{asked} {asked} {_sentence(chance)}", _text(chance)))
    return _page(chance)


def _page(chance: random.Random) -> Page:
    title = f"{chance.choice(_PROJECTS)} {chance.choice(_SUBJECTS)}"
    return Page(title, tuple(_text(chance) for _ in range(chance.randint(1, 3))))


def _text(chance: random.Random) -> str:
    return " ".join(_sentence(chance) for _ in range(chance.randint(1, 4)))


def _sentence(chance: random.Random) -> str:
    return _filled(chance.choice(_SENTENCES), chance)


def _question(chance: random.Random) -> str:
    return _filled(chance.choice(_ASKED), chance)


def _filled(template: str, chance: random.Random) -> str:
    return template.format(
        subject=chance.choice(_SUBJECTS),
        project=chance.choice(_PROJECTS),
        city=chance.choice(_CITIES),
        value=chance.choice(_VALUES),
    )


# What is heard


class Witness:
    """The answerer that quotes; it notes what it is shown and what it writes."""

    name = "quoting"
    counts_rows = False

    def __init__(self) -> None:
        self._answerer = QuotingAnswerer(Words())
        self.kind = Kind.DIRECT
        self.heard: list[tuple[Kind, str]] = []

    def write(
        self,
        question: str,
        passages: tuple[Passage, ...],
        *,
        language: str = "",
        profile: Profile = NOBODY,
    ) -> Draft:
        draft = self._answerer.write(question, passages)
        shown = [replace(one, chunk_id=0, document_id=0) for one in passages]
        told = (INSTRUCTIONS, prompt(question, passages), shown, draft)
        self.heard.append((self.kind, repr(told)))
        return draft


def _ask_all(company: Company, questions: Sequence[str]) -> dict[tuple[Place, str], Heard]:
    return {
        (place, question): _ask(company, place, question)
        for place in PLACES
        for question in questions
    }


def _ask(company: Company, place: Place, question: str) -> Heard:
    witness = company.services.answerer
    assert isinstance(witness, Witness)
    witness.heard, company.slack.posts = [], []
    asker = place.asker
    if place.surface.is_outside_slack:
        asker = str(company.principals[company.facts.accounts[asker]])
    with _noting_kinds(witness), capture_logs() as logs:
        question_id = company.kept(asker, place.channel, question, surface=place.surface)
        start = time.perf_counter()
        company.work(question_id)
        seconds = time.perf_counter() - start
    settings = company.services.settings
    with company.database.session("answerer") as session:
        told = asking.wait(settings, driver_of(session), question_id, timeout_s=1)
    told["seconds"] = None
    with question_session(company.database, question_id) as session:
        kept = [tuple(row) for row in session.execute(_KEPT)]
    posts = [(channel, replace(one, mark="")) for channel, one in company.slack.posts]
    in_channel = (
        [what for kind, what in witness.heard if kind is Kind.CHANNEL],
        [post for post in posts if post[0] == place.channel],
        [row for row in kept if row[0] == Kind.CHANNEL],
    )
    altogether = (witness.heard, posts, kept, logs, json.dumps(told))
    return Heard(
        _without_ids(in_channel, question_id), _without_ids(altogether, question_id), seconds
    )


_KEPT = text("""
    SELECT outbox.kind, outbox.state, payload::text, answer.audience, cited, model, verdicts
    FROM outbox LEFT JOIN answer USING (question_id, kind) ORDER BY outbox.id
""")


def _without_ids(heard: object, question_id: int) -> str:
    """As bytes, but for the number of the question."""
    before = r"question_id\W+|question |\bvalue\W+(?:(?:good|bad|not_asked|wrong|person|mute):)?"
    return re.sub(rf"(?:{before}){question_id}\b", "question N", repr(heard))


@contextmanager
def _noting_kinds(witness: Witness) -> Iterator[None]:
    real = answering._reply

    def reply(services: Any, leased: Any, kind: Kind, wishes: Wishes) -> Any:
        witness.kind = kind
        return real(services, leased, kind, wishes)

    with patch.object(answering, "_reply", reply):
        yield


# What is compared


def _compare(
    before: Facts,
    after: Facts,
    heard_before: dict[tuple[Place, str], Heard],
    heard_after: dict[tuple[Place, str], Heard],
    tally: Tally,
) -> None:
    """Every place and question, as far as its audience reads nothing of what changed."""
    changed = [
        name
        for name in before.things.keys() | after.things.keys()
        if before.things.get(name) != after.things.get(name)
    ]
    more = _hidden_documents(after) > _hidden_documents(before)
    for (place, question), one in heard_before.items():
        other = heard_after[place, question]
        if _blind(place.asker, "", before, after, changed):
            same = (one.altogether, other.altogether)
        elif place.channel and _blind(place.asker, place.channel, before, after, changed):
            same = (one.in_channel, other.in_channel)
        else:
            continue
        tally.paired_worlds += 1
        tally.answered += '"answered": true' in one.altogether
        tally.differing_bytes += _differing(*same)
        if same[0] != same[1]:
            tally.wrong = [*tally.wrong, f"{place}, {question}: {same[0]} and {same[1]}"][:3]
        tally.more.append(other.seconds if more else one.seconds)
        tally.fewer.append(one.seconds if more else other.seconds)


def _blind(asker: str, channel: str, before: Facts, after: Facts, changed: Sequence[str]) -> bool:
    """Whether these readers read nothing of what changed, in neither world."""
    return not any(
        facts.all_read(facts.audience(asker, channel), name)
        for facts in (before, after)
        for name in changed
    )


def _hidden_documents(facts: Facts) -> int:
    return sum(name.startswith("hidden") for name in facts.things)


def _differing(one: str, other: str) -> int:
    a, b = one.encode(), other.encode()
    return sum(x != y for x, y in zip(a, b, strict=False)) + abs(len(a) - len(b))


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """How likely two samples of one distribution are to look so different (1: not at all).

    Mann and Whitney's U by its normal approximation (Annals of Mathematical Statistics, 1947).
    """
    n, m = len(one), len(other)
    if not n or not m:
        return 1.0
    values = np.concatenate([one, other])
    ranks = np.empty(n + m)
    ranks[np.argsort(values, kind="stable")] = np.arange(1, n + m + 1)
    u = float(ranks[:n].sum()) - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


# The leaks that this would see


@contextmanager
def rarity_of_all_documents(database: Database) -> Iterator[None]:
    """A leak: a word's rarity comes from all chunks, even unreadable ones (threat 18)."""

    def rarity(word: str) -> float:
        with database.session("indexer") as session:
            found, chunks = session.execute(_COUNTED, {"word": word}).one()
        return math.log1p(chunks / (1 + found)) / math.log1p(chunks)

    with patch.object(retrieval, "rarity", rarity):
        yield


@contextmanager
def limit_before_filter(database: Database) -> Iterator[None]:
    """A leak: the nearest chunks of all, and of these those that one may read (threat 16)."""
    real = retrieval._near

    def near(session: Any, visible: Any, vector: Any, model: str, **more: Any) -> list[int]:
        readable = set(real(session, visible, vector, model, **more))
        statement = (
            select(Embedding.chunk_id)
            .join(Chunk, Chunk.id == Embedding.chunk_id)
            .order_by(Embedding.vector.cosine_distance(vector), Embedding.chunk_id)
            .limit(retrieval.DEPTH)
        )
        with database.session("indexer") as everything:
            return [one for one in everything.scalars(statement) if one in readable]

    with patch.object(retrieval, "_near", near):
        yield


_COUNTED = text("""
    SELECT count(*) FILTER (WHERE tsv @@ plainto_tsquery('english', :word)), count(*) FROM chunk
""")
