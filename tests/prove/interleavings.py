"""Revocations at every step of an answer: nothing that was taken away before the final check
began is posted (threats 6, 7, 9, 12).

A schedule says which change begins and commits at which step. The steps are hooks in the real
path of a question, so that a schedule always runs the same way.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

from sqlalchemy import text

import workers.answering.answer as answering
import workers.answering.checking as checking
import workers.answering.composing as composing
import workers.answering.searching as searching
import workers.replies.outbox as outbox
from policies.tables.people import UserStatus
from tests.prove.company import Company
from tests.prove.facts import Facts, Human, Page, Room, Rules, Thing
from tests.servers import empty
from workers.database.sessions import Database
from workers.errors import AnswerWithdrawn
from workers.intake.leases import question_session
from workers.models.base import NOBODY, Draft, Passage, Profile, Sentence
from workers.models.wishes import Wishes
from workers.replies.outbox import Kind
from workers.slack.messenger import Message, PlaceKind

QUESTION = "What is the budget?"

STEPS = (
    "before the question",
    "audience resolved",
    "question embedded",
    "passages found",
    "layer 4 passed",
    "model writes",
    "draft verified",
    "final check begins",
    "final audience",
    "final snapshot",
    "final decision",
    "final check over",
    "written down",
)


def _page(name: str) -> Page:
    return Page(name.title(), (f"The budget of the {name} is {canary(name)} million.",))


def canary(document: str) -> str:
    return f"kanari{document}x"


def _names(*names: str) -> frozenset[str]:
    return frozenset(names)


START = Facts(
    people={
        "alice": Human(),
        "bob": Human(),
        "carl": Human(),
        "gina": Human(guest=True),
    },
    members={
        "team": _names("alice", "bob"),
        "staff": _names("team"),
        "company": _names("staff", "gina"),
        "wardens": _names("alice", "bob"),
        "keepers": _names("carl"),
        "barred": frozenset(),
    },
    things={
        "wiki": Thing("wiki"),
        "handbook": Thing("wiki", "wiki", Rules(allow=_names("staff"))),
        "plan": Thing("wiki", "handbook", page=_page("plan")),
        "memo": Thing("wiki", "wiki", Rules(allow=_names("team")), _page("memo")),
        "menu": Thing("wiki", "wiki", Rules(allow=_names("internet")), _page("menu")),
        "attic": Thing("wiki", "wiki", Rules(allow=_names("carl"))),
        "cellar": Thing("wiki", "wiki", Rules(gates=(_names("keepers"),))),
        "vault": Thing("wiki", "wiki", Rules(allow=_names("company"), gates=(_names("wardens"),))),
        "secret": Thing("wiki", "vault", page=_page("secret")),
        "drive": Thing("drive", rules=Rules(allow=_names("members"), deny=_names("barred"))),
        "news": Thing("drive", "drive", page=_page("news")),
        "letter": Thing(
            "drive", "drive", Rules(allow=_names("alice", "bob"), inherit=False), _page("letter")
        ),
        "poster": Thing("drive", "drive", Rules(allow=_names("company")), _page("poster")),
    },
    accounts={"UALICE": "alice", "UBOB": "bob", "UCARL": "carl", "UGINA": "gina"},
    rooms={
        "CTEAM": Room(PlaceKind.PRIVATE, _names("UALICE", "UBOB")),
        "CALL": Room(PlaceKind.PUBLIC, _names("UALICE", "UBOB")),
        "CGUESTS": Room(PlaceKind.PUBLIC, _names("UALICE", "UGINA")),
    },
)

Way = Callable[[Facts, random.Random], Facts]


def _with_rules(facts: Facts, node: str, **changed: Any) -> Facts:
    thing = facts.things[node]
    return _with_thing(facts, node, replace(thing, rules=replace(thing.rules, **changed)))


def _with_thing(facts: Facts, node: str, thing: Thing) -> Facts:
    return replace(facts, things={**facts.things, node: thing})


_ACCOUNTS = ("account UALICE", "account UBOB", "account UNOBODY")


def _leave_group(facts: Facts, chance: random.Random) -> Facts:
    group = chance.choice(sorted(name for name, members in facts.members.items() if members))
    gone = chance.choice(sorted(facts.members[group]))
    return replace(facts, members={**facts.members, group: facts.members[group] - {gone}})


def _join_denied_group(facts: Facts, chance: random.Random) -> Facts:
    joined = facts.members["barred"] | {chance.choice(["alice", "bob", "team", "gina", *_ACCOUNTS])}
    return replace(facts, members={**facts.members, "barred": joined})


def _delete_group(facts: Facts, chance: random.Random) -> Facts:
    gone = chance.choice(sorted(facts.members.keys() - {"barred"}) or ["barred"])
    left = {name: members - {gone} for name, members in facts.members.items() if name != gone}
    return replace(facts, members=left)


def _remove_entry(facts: Facts, chance: random.Random) -> Facts:
    node = chance.choice([name for name, thing in facts.things.items() if thing.rules.allow])
    allow = facts.things[node].rules.allow
    return _with_rules(facts, node, allow=allow - {chance.choice(sorted(allow))})


def _add_deny(facts: Facts, chance: random.Random) -> Facts:
    node = chance.choice(list(facts.things))
    denied = chance.choice(["alice", "bob", "gina", "members", *_ACCOUNTS, *sorted(facts.members)])
    return _with_rules(facts, node, deny=facts.things[node].rules.deny | {denied})


def _add_gate(facts: Facts, chance: random.Random) -> Facts:
    node = chance.choice(list(facts.things))
    gate = chance.choice([_names("keepers"), _names("wardens"), _names("bob", "carl")])
    return _with_rules(facts, node, gates=(*facts.things[node].rules.gates, gate))


def _break_inheritance(facts: Facts, chance: random.Random) -> Facts:
    return _with_rules(facts, chance.choice(facts.documents()), inherit=False)


def _set_unknown(facts: Facts, chance: random.Random) -> Facts:
    return _with_rules(facts, chance.choice(list(facts.things)), known=False)


def _move(facts: Facts, chance: random.Random) -> Facts:
    node = chance.choice(["plan", "secret", "memo", "handbook", "vault"])
    if node not in facts.things:
        return facts
    under = chance.choice(["attic", "cellar", "vault" if node != "vault" else "wiki", None])
    things = {**facts.things}
    moved = replace(things.pop(node), parent=under)
    below = {name: things.pop(name) for name, one in facts.things.items() if one.parent == node}
    return replace(facts, things={**things, node: moved, **below})


def _delete_document(facts: Facts, chance: random.Random) -> Facts:
    gone = chance.choice(facts.documents())
    return replace(facts, things={n: one for n, one in facts.things.items() if n != gone})


def _suspend(facts: Facts, chance: random.Random) -> Facts:
    return _with_status(facts, chance.choice(["alice", "bob", "gina"]), UserStatus.SUSPENDED)


def _delete_user(facts: Facts, chance: random.Random) -> Facts:
    return _with_status(facts, chance.choice(["alice", "bob", "gina"]), UserStatus.DELETED)


def _with_status(facts: Facts, person: str, status: UserStatus) -> Facts:
    human = replace(facts.people[person], status=status)
    return replace(facts, people={**facts.people, person: human})


def _unlink(facts: Facts, chance: random.Random) -> Facts:
    gone = chance.choice(["UALICE", "UALICE", "UBOB", "UGINA"])
    return replace(facts, accounts={a: p for a, p in facts.accounts.items() if a != gone})


def _link_to_another(facts: Facts, chance: random.Random) -> Facts:
    account = chance.choice(["UALICE", "UALICE", "UBOB"])
    return replace(facts, accounts={**facts.accounts, account: "carl"})


def _pause(facts: Facts, chance: random.Random) -> Facts:
    return replace(facts, closed={**facts.closed, chance.choice(["wiki", "drive"]): "paused"})


def _grow_stale(facts: Facts, chance: random.Random) -> Facts:
    return replace(facts, closed={**facts.closed, chance.choice(["wiki", "drive"]): "stale"})


def _join_room(facts: Facts, chance: random.Random) -> Facts:
    who = chance.choice(["UCARL", "UGINA", "UNKNOWN", "UGNEW"])
    rooms = {
        name: replace(room, members=room.members | {who}) for name, room in facts.rooms.items()
    }
    return replace(facts, rooms=rooms)


def _share_room(facts: Facts, chance: random.Random) -> Facts:
    return replace(
        facts, rooms={name: replace(one, external=True) for name, one in facts.rooms.items()}
    )


WAYS: dict[str, Way] = {
    "membership removed": _leave_group,
    "joined a group that is denied": _join_denied_group,
    "group deleted": _delete_group,
    "entry removed": _remove_entry,
    "deny added": _add_deny,
    "gate added": _add_gate,
    "inheritance broken": _break_inheritance,
    "node set unknown": _set_unknown,
    "node moved": _move,
    "document deleted": _delete_document,
    "user suspended": _suspend,
    "user deleted": _delete_user,
    "link removed": _unlink,
    "account linked to another": _link_to_another,
    "source paused": _pause,
    "source grown stale": _grow_stale,
    "somebody joins the channel": _join_room,
    "channel shared with another company": _share_room,
}


ANY_WAY: dict[str, Way] = {**WAYS, "given back": lambda facts, chance: START}


@dataclass(frozen=True, slots=True)
class Happening:
    """A change that begins at one step and commits at the same or a later one."""

    way: str
    begins: tuple[str, int]
    """A step, and which time the answer gets there."""
    commits: tuple[str, int]
    seed: int
    """What the way chooses."""

    def change(self, facts: Facts) -> Facts:
        return ANY_WAY[self.way](facts, random.Random(self.seed))


@dataclass(frozen=True, slots=True)
class Schedule:
    channel: str
    """Empty: a direct message."""
    happenings: tuple[Happening, ...]


def draw(chance: random.Random) -> Schedule:
    """One or two changes, at any steps, in their order. The first takes something away."""
    way = chance.choice(list(WAYS))
    channel, seed = taking_away(way, chance)
    first = _happening(way, seed, chance, after=(STEPS[0], 1))
    if chance.random() < 0.6:
        return Schedule(channel, (first,))
    way = chance.choice([*WAYS, *["given back"] * 8])
    second = _happening(way, chance.randrange(2**32), chance, after=first.commits)
    return Schedule(channel, (first, second))


def taking_away(way: str, chance: random.Random) -> tuple[str, int]:
    """A place, and a seed with which this way takes a document from those who read there."""
    while True:
        channel = chance.choice(["", "", *START.rooms])
        seed = chance.randrange(2**32)
        changed = WAYS[way](START, random.Random(seed))
        if _readable(START, channel) - _readable(changed, channel):
            return channel, seed


def _readable(facts: Facts, channel: str) -> set[str]:
    readers = facts.audience("UALICE", channel)
    return {name for name in facts.documents() if facts.all_read(readers, name)}


def _happening(way: str, seed: int, chance: random.Random, *, after: tuple[str, int]) -> Happening:
    times = [
        (step, time) for time in (1, 2) for step in STEPS if _order((step, time)) >= _order(after)
    ]
    weights = [4 if time == 1 else 1 for _step, time in times]
    begins, commits = sorted(chance.choices(times, weights, k=2), key=_order)
    return Happening(way, begins, commits if chance.random() < 0.3 else begins, seed)


def _order(time: tuple[str, int]) -> tuple[int, int]:
    return time[1], STEPS.index(time[0])


class Echo:
    """A model that repeats every passage, and quotes it."""

    name = "echo"
    counts_rows = False

    def __init__(self) -> None:
        self.on_write: Callable[[tuple[Passage, ...]], None] = lambda passages: None

    def write(
        self,
        question: str,
        passages: tuple[Passage, ...],
        *,
        language: str = "",
        profile: Profile = NOBODY,
    ) -> Draft:
        self.on_write(passages)
        return Draft(
            tuple(Sentence(one.text, number, one.text) for number, one in enumerate(passages, 1))
        )


@dataclass
class Tally:
    """What the schedules showed."""

    interleavings: int = 0
    late_posts: int = 0
    """Posts with a document that was taken from its readers before the final check began (and
    not given back before it looked)."""
    late_prompts: int = 0
    """Prompts with a document that was taken away before it was looked for."""
    late_records: int = 0
    """Answers on record that rest on what was not readable under their own epoch."""
    posted: int = 0
    withheld: int = 0
    """Answers that were taken back or rebuilt after the model had written."""
    reached: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Changes that were committed, by way and step."""
    first_wrong: int = 0
    """The first schedule with something late, counted from 0."""
    wrong: list[str] = field(default_factory=list)
    """What went wrong, for the person who looks into it."""


def run(
    database: Database, *, count: int, seed: int, tell: Callable[[int], None]
) -> dict[str, int]:
    """This many schedules, each of the next seed, in one company that is mended after each."""
    empty(database.settings)
    tally = play(database, drawn(seed, count), tell)
    for line in tally.wrong:
        print(line, file=sys.stderr)  # noqa: T201
    late = tally.late_posts + tally.late_prompts + tally.late_records
    figures = {"interleavings": tally.interleavings, "late_posts": late}
    return figures | ({"failed_seed": seed + tally.first_wrong} if late else {})


def drawn(seed: int, count: int) -> Iterator[Schedule]:
    """This many schedules, each of the next seed."""
    return (draw(random.Random(one)) for one in range(seed, seed + count))


def play(
    database: Database,
    schedules: Iterable[Schedule],
    tell: Callable[[int], None] = lambda more: None,
    *,
    until_late: bool = False,
) -> Tally:
    """One question under each of the schedules; `until_late`: no more after the first late post."""
    company = Company(database, Echo())
    company.become(START)
    company.introduce(*START.accounts)
    company.analyze()
    tally = Tally()
    for schedule in schedules:
        _play_one(company, schedule, tally)
        company.become(START)
        tell(1)
        if until_late and tally.late_posts:
            break
    return tally


def _play_one(company: Company, schedule: Schedule, tally: Tally) -> None:
    running = _Running(company, schedule, tally)
    assert isinstance(company.services.answerer, Echo)
    company.services.answerer.on_write = running.written
    company.slack.on_post = running.posted
    with hooks(running), ExitStack() as running.open:
        question_id = company.kept("UALICE", schedule.channel, QUESTION)
        running.reached("before the question")
        company.work(question_id)
    running.compare(question_id)
    tally.interleavings += 1


class _Running:
    """One question on its way, with the changes that wait for it."""

    def __init__(self, company: Company, schedule: Schedule, tally: Tally) -> None:
        self.company, self.schedule, self.tally = company, schedule, tally
        self.open = ExitStack()
        self.waiting = list(schedule.happenings)
        self.half_done: Happening | None = None
        self.times: Counter[str] = Counter()
        self.kind = Kind.DIRECT
        self.asked_for: frozenset[str] | None = None
        self.found_in = company.facts
        self.checked: tuple[Facts, Facts] | None = None
        """What was true for the final check of what is posted next: of its readers, and of its
        documents. Taken when it begins, and once more when it looks."""
        self.began_at: dict[str, int] = {}
        """Under which epoch it began, for each kind."""

    def reached(self, step: str) -> None:
        before = self.company.facts
        if step == "audience resolved":
            self.asked_for = self._audience(before)
        self.times[step] += 1
        self._go_on(step)
        if step == "question embedded":
            self.found_in = self.company.facts
        if step == "final check begins":
            self.checked = self.company.facts, self.company.facts
            self.began_at[self.kind] = max(self.company.told)
        if step == "final audience":
            self.checked = before, self.company.facts

    def written(self, passages: tuple[Passage, ...]) -> None:
        wrong = [
            one.document
            for one in passages
            if not self.found_in.all_read(self.asked_for, one.document)
        ]
        self._note("late_prompts", wrong)
        self.reached("model writes")

    def posted(self, channel_id: str, message: Message) -> None:
        told = repr(message)
        channel = "" if channel_id.startswith("D") else channel_id
        documents = [name for name in START.documents() if canary(name) in told]
        wrong = documents
        if self.checked is not None:
            of_readers, of_documents = self.checked
            readers = of_readers.audience("UALICE", channel)
            wrong = [one for one in documents if not of_documents.all_read(readers, one)]
        self.tally.posted += bool(documents)
        self._note("late_posts", wrong)

    def compare(self, question_id: int) -> None:
        """Against the books: the state of the question, and the answers on record."""
        with question_session(self.company.database, question_id) as session:
            state, reason = session.execute(text("SELECT state, reason FROM question")).one()
            answers = session.execute(text("SELECT kind, audience, epoch, used FROM answer")).all()
        as_it_should_be = state in ("answered", "abstained") or reason == AnswerWithdrawn.__name__
        assert as_it_should_be, (state, reason, self.schedule)
        self.tally.withheld += self.times["final check begins"] > len(answers)
        for row in answers:
            facts = self.company.at(row.epoch)
            readers = frozenset(self.company.names[one] for one in row.audience)
            used = [self.company.documents[one] for one in row.used]
            wrong = [one for one in used if not facts.all_read(readers, one)]
            self._note("late_records", wrong)
            assert row.epoch >= self.began_at[row.kind], self.schedule

    def _go_on(self, step: str) -> None:
        """Begin and commit what this step is the time for."""
        now = (step, self.times[step])
        if self.half_done is not None and _order(self.half_done.commits) <= _order(now):
            self._commit(step)
        while self.half_done is None and self.waiting and self.waiting[0].begins == now:
            self.half_done = self.waiting.pop(0)
            facts = self.half_done.change(self.company.facts)
            self.open.enter_context(self.company.becoming(facts))
            if self.half_done.commits == now:
                self._commit(step)

    def _commit(self, step: str) -> None:
        assert self.half_done is not None
        self.open.close()
        self.tally.reached[self.half_done.way, step] += 1
        self.half_done = None

    def _audience(self, facts: Facts) -> frozenset[str] | None:
        channel = self.schedule.channel if self.kind is Kind.CHANNEL else ""
        return facts.audience("UALICE", channel)

    def _note(self, what: str, documents: list[str]) -> None:
        if documents:
            if not self.tally.wrong:
                self.tally.first_wrong = self.tally.interleavings
            setattr(self.tally, what, getattr(self.tally, what) + 1)
            self.tally.wrong = [f"{what}: {documents} in {self.schedule}", *self.tally.wrong][:10]


@contextmanager
def hooks(running: _Running) -> Iterator[None]:
    """While this is open, an answer stops at each of the steps."""
    in_final_check = [False]

    def after(function: Callable[..., Any], step: str, final: str = "") -> Callable[..., Any]:
        def hooked(*args: Any, **named: Any) -> Any:
            result = function(*args, **named)
            running.reached(final if in_final_check[0] else step)
            return result

        return hooked

    def reply(services: Any, leased: Any, kind: Kind, wishes: Wishes) -> Any:
        running.kind = kind
        return real_reply(services, leased, kind, wishes)

    def final_check(*args: Any) -> bool:
        running.reached("final check begins")
        in_final_check[0] = True
        try:
            passed = bool(real_final_check(*args))
        finally:
            in_final_check[0] = False
        running.reached("final check over")
        return passed

    def deliver(*args: Any) -> None:
        running.reached("written down")
        real_deliver(*args)

    real_reply, real_final_check = answering._reply, answering._still_readable
    real_deliver = outbox._deliver
    embedder = type(running.company.services.embedder)
    with ExitStack() as stack:
        stack.enter_context(patch.object(answering, "_reply", reply))
        stack.enter_context(patch.object(answering, "_still_readable", final_check))
        stack.enter_context(
            patch.object(embedder, "embed_one", after(embedder.embed_one, "question embedded"))
        )
        for module, name, step, final in (
            (answering, "audience_of", "audience resolved", "final audience"),
            (searching, "retrieve", "passages found", ""),
            (searching, "unreadable", "layer 4 passed", ""),
            (composing, "verify", "draft verified", ""),
            (checking, "current_epoch", "", "final snapshot"),
            (checking, "unreadable", "", "final decision"),
        ):
            hooked = after(getattr(module, name), step, final)
            stack.enter_context(patch.object(module, name, hooked))
        stack.enter_context(patch.object(outbox, "_deliver", deliver))
        yield


@contextmanager
def without_final_check() -> Iterator[None]:
    """The leak that the final check stands against: whatever was written is posted."""
    with patch.object(answering, "_still_readable", lambda *checked: True):
        yield
