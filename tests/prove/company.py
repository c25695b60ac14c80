"""The company of a proof: its database, kept in step with facts that the proof knows, and a Slack.

`Company.become` writes the difference between two facts through `Change`, so that every
revocation, and its undoing, is a function from facts to facts.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, text

from policies.audience import CLASSES, STRANGER, Account
from policies.change import Change
from policies.described import Permissions, Person
from policies.tables.people import AccountKind
from policies.tables.permissions import Node, NodeKind
from tests.prove.facts import ACCOUNT, NOBODY, Closed, Facts, Human, Page, Rules, Thing
from tests.workers.library import DIMENSION, WordEmbedder
from workers.database.sessions import Database, connect, driver_of
from workers.errors import SlackUnavailable
from workers.index import versions
from workers.ingest.formats.document import Paragraph
from workers.ingest.split import Piece
from workers.ingest.store import Content, Text, Vectors, store
from workers.intake.messages import Question, Surface
from workers.intake.rows import insert_question
from workers.models.base import Answerer
from workers.people.linking import note
from workers.services import Services
from workers.slack.messenger import (
    Listed,
    Message,
    Messenger,
    Opened,
    Place,
    PlaceKind,
    Posted,
    Profile,
    Said,
    Task,
)
from workers.tasks import work_on

TEAM = "TPROVE"
SLACK = f"slack:{TEAM}"
DIRECTORY = "people of the proof"
_MAX_STALENESS = timedelta(days=1)
_numbers = count(1)


class Words(WordEmbedder):
    """The bag of words of the tests, remembered: a proof embeds the same few texts often."""

    def embed_one(self, text: str) -> NDArray[np.float32]:
        return _embedded(text)


@lru_cache(maxsize=20_000)
def _embedded(text: str) -> NDArray[np.float32]:
    return WordEmbedder().embed_one(text)


@dataclass(frozen=True, slots=True)
class Connected(Services):
    """Services with a Slack that stands in this process."""

    slack: Messenger

    @property
    def messenger(self) -> Messenger:
        return self.slack

    def messenger_of(self, team_id: str) -> Messenger:
        return self.slack


@dataclass
class Company:
    """The database, kept in step with `facts`, and Slack, which shows their rooms."""

    database: Database
    answerer: Answerer
    facts: Facts = field(default_factory=Facts)
    told: dict[int, Facts] = field(default_factory=dict)
    """What was true under each epoch."""
    names: dict[int, str] = field(default_factory=lambda: {STRANGER: NOBODY})
    """Of principals; deleted ones stay."""
    documents: dict[int, str] = field(default_factory=dict)
    """Names of nodes by id; deleted ones stay."""
    principals: dict[str, int] = field(default_factory=dict)
    nodes: dict[str, int] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names.update({int(one): name for name, one in CLASSES.items()})
        self.principals.update({name: int(one) for name, one in CLASSES.items()})
        self.slack = FakeSlack(self)
        self.services = Connected(
            self.database.settings, self.database, Words(), self.answerer, self.slack
        )

    def become(self, facts: Facts) -> None:
        """These are the facts from now on: the difference is one committed change."""
        with self.becoming(facts):
            pass

    @contextmanager
    def becoming(self, facts: Facts) -> Iterator[None]:
        """The change is written, and counts when the block ends. Slack's rooms count then, too."""
        with self.database.session("indexer") as session:
            change = Change(session, actor="proof")
            _Writing(self, change, self.facts, facts).write()
            yield
        self.facts = facts
        self.told[change.epoch] = facts

    def at(self, epoch: int) -> Facts:
        """What was true under this epoch: the last of ours up to it (Ken takes some of its own)."""
        return self.told[max(one for one in self.told if one <= epoch)]

    def introduce(self, *accounts: str) -> None:
        """Ken has seen these in Slack before; whom it meets for the first time it notes."""
        note(self.database, [self.slack.profile(one) for one in accounts])

    def analyze(self) -> None:
        """PostgreSQL counts its rows, as it does by itself after a while."""
        owner = connect(self.database.settings, "owner")
        with owner.begin() as connection:
            connection.execute(text("ANALYZE"))
        owner.dispose()

    def kept(
        self, asker: str, channel: str, words: str, *, surface: Surface = Surface.SLACK
    ) -> int:
        """A question as the door keeps it: its id. No channel: nobody else reads along."""
        number = f"{TEAM}.{next(_numbers)}"
        question = Question(
            event_id=number,
            team_id=TEAM,
            channel_id=channel or (f"D{asker}" if surface == Surface.SLACK else ""),
            message_ts=number,
            thread_ts=number,
            user_id=asker,
            text=words,
            surface=surface,
        )
        with self.database.session("ingress") as session:
            question_id = insert_question(driver_of(session), question, trace=None)
        assert question_id is not None
        return question_id

    def work(self, question_id: int) -> None:
        work_on(self.services, question_id)


class FakeSlack(Messenger):
    """The rooms are those of the company's facts, as of now."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.posts: list[tuple[str, Message]] = []
        """What was posted, by channel; D and a Slack id: to that person alone."""
        self.on_post: Callable[[str, Message], None] = lambda channel_id, message: None

    def whoami(self) -> str:
        return TEAM

    def place(self, channel_id: str) -> Place:
        if channel_id.startswith("D"):
            return Place(PlaceKind.DIRECT)
        room = self.company.facts.rooms[channel_id]
        members = frozenset(Account(SLACK, one) for one in room.members)
        return Place(room.kind, members, external=room.external)

    @property
    def team_id(self) -> str:
        return TEAM

    def channels(self) -> Iterator[list[Listed]]:
        yield []

    def channels_of(self, user_id: str) -> frozenset[str]:
        rooms = self.company.facts.rooms.items()
        return frozenset(channel_id for channel_id, room in rooms if user_id in room.members)

    def find_channel(self, name: str) -> str:
        return name

    def guests(self, accounts: frozenset[Account]) -> frozenset[Account]:
        return frozenset(one for one in accounts if one.native_id.startswith("UG"))

    def profile(self, user_id: str) -> Profile:
        kind = AccountKind.GUEST if user_id.startswith("UG") else AccountKind.MEMBER
        return Profile(Account(SLACK, user_id), user_id, None, confirmed=False, kind=kind)

    def public_name(self, channel_id: str) -> str:
        return ""

    def profiles(self) -> Iterator[list[Profile]]:
        yield []

    def post(self, channel_id: str, thread_ts: str, message: Message) -> Posted:
        self.posts.append((channel_id, message))
        self.on_post(channel_id, message)
        return Posted(channel_id, f"{len(self.posts)}.000001")

    def post_direct(self, user_id: str, message: Message) -> Posted:
        return self.post(f"D{user_id}", "", message)

    def find(self, channel_id: str, thread_ts: str, mark: str, *, since: str) -> list[Posted]:
        return []

    def find_direct(self, user_id: str, mark: str, *, since: str) -> list[Posted]:
        return []

    def delete(self, posted: Posted) -> None:
        raise AssertionError("nothing is said twice here")

    def update(self, posted: Posted, message: Message) -> None:
        raise AssertionError("nothing that was posted is changed here")

    def open(
        self, channel_id: str, thread_ts: str, user_id: str, tasks: Sequence[Task], mark: str
    ) -> Opened:
        raise SlackUnavailable("no cards here")

    def show(self, opened: Opened, tasks: Sequence[Task]) -> None:
        raise AssertionError("nothing is open here")

    def close(self, opened: Opened, message: Message) -> Posted:
        raise AssertionError("nothing is open here")

    def find_open(self, channel_id: str, thread_ts: str, mark: str, *, since: str) -> list[Posted]:
        return []

    def set_working(
        self, channel_id: str, thread_ts: str, user_id: str, title: str, *, working: bool
    ) -> None:
        pass

    def said_before(self, channel_id: str, thread_ts: str, before: str) -> list[Said]:
        return []

    def set_prompts(self, channel_id: str, prompts: Sequence[tuple[str, str]], title: str) -> None:
        pass

    def publish_home(self, user_id: str, view: dict[str, Any]) -> None:
        pass

    def permalink(self, posted: Posted) -> str:
        return ""

    def direct_address(self, user_id: str) -> str:
        return ""


@dataclass
class _Writing:
    """The difference between two facts, as calls of `Change`."""

    company: Company
    change: Change
    before: Facts
    after: Facts

    def write(self) -> None:
        for source in sorted(
            {SLACK, DIRECTORY} | {thing.source for thing in self.after.things.values()}
        ):
            if source not in self.company.sources:
                self._open(source)
        self._people()
        self._account_principals()
        made = self._groups()
        self._things(made)
        self._accounts()
        for source, source_id in self.company.sources.items():
            if self.before.closed.get(source) != self.after.closed.get(source):
                self._close(source_id, self.after.closed.get(source))

    def _open(self, source: str) -> None:
        source_id = self.change.put_source(source)
        self.company.sources[source] = source_id
        self._close(source_id, None)

    def _close(self, source_id: int, how: Closed | None) -> None:
        """Nobody waits for a source to grow stale: its last sync was two days ago."""
        self.change.set_freshness(source_id, paused=how == "paused", max_staleness=_MAX_STALENESS)
        past = datetime.now(UTC) - 2 * _MAX_STALENESS if how == "stale" else None
        self.change.mark_synced(source_id, at=past)

    def _people(self) -> None:
        for name, human in self.after.people.items():
            known = self.before.people.get(name)
            if known is None or replace(known, status=human.status) != human:
                self._principal(name, self.change.put_user(self._directory, _person(name, human)))
            elif known != human:
                self.change.set_status(self.company.principals[name], human.status)

    def _account_principals(self) -> None:
        """Of the accounts that groups and permissions name, linked or not."""
        rules = (thing.rules.names() for thing in self.after.things.values())
        named = frozenset[str]().union(*self.after.members.values(), *rules)
        new = {one for one in named - self.company.principals.keys() if one.startswith(ACCOUNT)}
        ids = {one.removeprefix(ACCOUNT) for one in new}
        for account, account_id in self.change.accounts(self.company.sources[SLACK], ids).items():
            self._principal(ACCOUNT + account, account_id)

    def _groups(self) -> set[str]:
        """The groups that are new."""
        for name in self.before.members.keys() - self.after.members.keys():
            self.change.delete_group(self.company.principals.pop(name))
        made = set(self.after.members.keys() - self.before.members.keys())
        for name in sorted(made):
            self._principal(name, self.change.put_group(self._directory, name, name=name))
        for name, members in self.after.members.items():
            if members != self.before.members.get(name) or members & made:
                self.change.set_members(self.company.principals[name], self._ids(members))
        return made

    def _things(self, made: set[str]) -> None:
        for name in self.before.things.keys() - self.after.things.keys():
            self.change.delete_document(self.company.nodes.pop(name))
        for name, thing in self.after.things.items():
            known = self.before.things.get(name)
            if known is None or known.page != thing.page:
                self._put(name, thing)
                continue
            node_id = self.company.nodes[name]
            if known.parent != thing.parent:
                self.change.move(node_id, self._node(thing.parent))
            if known.rules != thing.rules and replace(known.rules, known=False) == thing.rules:
                self.change.set_unknown(node_id)
            elif known.rules != thing.rules or thing.rules.names() & made:
                self.change.set_permissions(node_id, self._permissions(thing.rules))

    def _put(self, name: str, thing: Thing) -> None:
        source_id, parent_id = self.company.sources[thing.source], self._node(thing.parent)
        permissions = self._permissions(thing.rules)
        if thing.page is None:
            node_id = self.change.put_node(
                source_id, name, kind=NodeKind.CONTAINER, parent_id=parent_id
            )
            self.change.set_permissions(node_id, permissions)
        else:
            store(
                self.change,
                source_id=source_id,
                native_id=name,
                parent_id=parent_id,
                permissions=permissions,
                text=self._text(name, thing.page),
            )
            node_id = self.change.session.scalars(
                select(Node.id).where(Node.source_id == source_id, Node.native_id == name)
            ).one()
        self.company.nodes[name] = node_id
        self.company.documents[node_id] = name

    def _text(self, name: str, page: Page) -> Text:
        model = self.company.services.embedder.name
        return Text(
            Content(
                page.title,
                tuple(map(Paragraph, page.texts)),
                f"https://wiki.acme.example/{name}",
                _UPDATED,
            ),
            name,
            [Piece(one, "", "") for one in page.texts],
            [
                Vectors(
                    versions.model_row(self.change.session, model, DIMENSION).id,
                    [_embedded(one) for one in page.texts],
                )
            ],
        )

    def _accounts(self) -> None:
        source_id = self.company.sources[SLACK]
        for account in self.before.accounts.keys() - self.after.accounts.keys():
            self.change.unlink(source_id, account)
        for account, person in self.after.accounts.items():
            if self.before.accounts.get(account) != person:
                user_id = self.company.principals[person]
                self.change.link(user_id, source_id, account, by="admin")

    @property
    def _directory(self) -> int:
        return self.company.sources[DIRECTORY]

    def _principal(self, name: str, principal_id: int) -> None:
        self.company.principals[name] = principal_id
        self.company.names[principal_id] = name

    def _node(self, name: str | None) -> int | None:
        return None if name is None else self.company.nodes[name]

    def _ids(self, names: frozenset[str]) -> frozenset[int]:
        ids = self.company.principals
        return frozenset(ids[name] for name in names if name in ids)

    def _permissions(self, rules: Rules) -> Permissions:
        gates: Sequence[frozenset[int]] = [self._ids(gate) for gate in rules.gates]
        return Permissions(
            allow=self._ids(rules.allow),
            deny=self._ids(rules.deny),
            gates=tuple(sorted(gates, key=sorted)),
            inherit=rules.inherit,
            known=rules.known
            and (rules.deny.union(*rules.gates)) <= self.company.principals.keys(),
        )


def _person(name: str, human: Human) -> Person:
    return Person(
        name,
        human.shown_as or name.title(),
        human.email or None,
        guest=human.guest,
        status=human.status,
    )


_UPDATED = datetime(2026, 11, 1, tzinfo=UTC)
