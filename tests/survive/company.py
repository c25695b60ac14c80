"""The company that the fault suite asks about: who may read what at which epoch, in plain Python.

Each document holds a canary: a word that stands nowhere else, in its title, text and address.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

TEAM = "T1"
SOURCE = "wiki"
MEMBERS = ("ana", "bo", "cy", "dee", "newcomer")
"""The newcomer is in no group, so that what everybody reads is what anybody reads."""
GUEST, STRANGER = "gil", "zoe"
"""Zoe's Slack account is linked to nobody."""
PEOPLE = (*MEMBERS, GUEST)
GROUPS = ("staff", "finance", "legal")
TOPICS = (
    "absence travel training budget invoice supplier contract licence patent audit backup roadmap"
).split()
CHANNELS = {
    "CPAIR": ("pair", True, ("ana", "bo")),
    "CBOARD": ("board", True, ("ana", "cy", "dee")),
    "CMIXED": ("mixed", True, ("bo", STRANGER)),
    "CALL": ("all", False, ("ana", "bo", "cy", GUEST)),
}
"""Name, whether it is private, and who is in it beside Ken."""

_CLASSES = {"members": MEMBERS, "members_and_guests": PEOPLE, "internet": (*PEOPLE, STRANGER)}
_PRINCIPALS = (
    *(f"user:{name}" for name in PEOPLE),
    *(f"group:{name}" for name in GROUPS),
    *(f"class:{name}" for name in _CLASSES),
)


@dataclass(frozen=True, slots=True)
class Acl:
    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class State:
    """Everything that decides who reads, as it is at one epoch."""

    groups: Mapping[str, frozenset[str]]
    acls: Mapping[str, Acl]
    """By document."""
    suspended: frozenset[str] = frozenset()

    def may_read(self, person: str, document: str) -> bool:
        if person in self.suspended:
            return False
        held = {f"user:{person}"}
        held |= {f"group:{name}" for name, members in self.groups.items() if person in members}
        held |= {f"class:{name}" for name, everybody in _CLASSES.items() if person in everybody}
        acl = self.acls[document]
        return bool(held & acl.allow) and not held & acl.deny

    def readings(self) -> frozenset[tuple[str, str]]:
        """Every person and document that they may read."""
        everybody = (*PEOPLE, STRANGER)
        return frozenset((p, d) for p in everybody for d in self.acls if self.may_read(p, d))


@dataclass
class Past:
    """Which state counted since which epoch."""

    steps: list[tuple[int, State]] = field(default_factory=list)

    def add(self, epoch: int, state: State) -> None:
        self.steps.append((epoch, state))
        self.steps.sort(key=lambda step: step[0])

    def at(self, epoch: int) -> State:
        return [state for since, state in self.steps if since <= epoch][-1]

    def between(self, first: int, last: int) -> list[State]:
        """Every state that counted at some epoch from `first` to `last`."""
        return [self.at(first), *(s for since, s in self.steps if first < since <= last)]

    @property
    def now(self) -> State:
        return self.steps[-1][1]


def readers(channel: str) -> tuple[str, ...]:
    """Everyone who can read a message there, now or by joining (design, section 4)."""
    if channel.startswith("D"):
        return (person_of(channel[1:]),)
    _name, private, present = CHANNELS[channel]
    return present if private else (*MEMBERS, *(p for p in present if p == GUEST))


def slack_id(person: str) -> str:
    return f"U{person.upper()}"


def person_of(slack_id: str) -> str:
    return slack_id.removeprefix("U").lower()


def canaries(seed: int) -> dict[str, str]:
    """The canary of each document, by its topic."""
    chance = random.Random(f"canaries {seed}")
    return {topic: "qx" + "".join(chance.choices("bcdfgjkz", k=9)) for topic in TOPICS}


def opening(chance: random.Random) -> State:
    acls = {
        topic: Acl(allow=frozenset(chance.sample(_PRINCIPALS, chance.randint(1, 2))))
        for topic in TOPICS
    }
    acls["absence"] = Acl(allow=frozenset({"class:members"}))
    acls["travel"] = Acl(allow=frozenset({"class:internet"}))
    groups = {name: frozenset(chance.sample(PEOPLE, 3)) for name in GROUPS}
    return State({**groups, "staff": frozenset(MEMBERS[:4])}, acls)


def revoked(state: State, person: str, chance: random.Random) -> State:
    """The state after this person lost a document, if they read any but that for everybody."""
    held = [topic for topic in TOPICS if topic != "travel" and state.may_read(person, topic)]
    if not held or person == STRANGER:
        return state
    topic = chance.choice(held)
    denied = replace(state.acls[topic], deny=state.acls[topic].deny | {f"user:{person}"})
    return replace(state, acls={**state.acls, topic: denied})


def changed(state: State, chance: random.Random) -> State:
    """The state after one small change: a group's members, a document's readers, a suspension."""
    denying = [topic for topic, acl in state.acls.items() if acl.deny]
    if len(denying) > 2:
        topic = chance.choice(denying)
        return replace(state, acls={**state.acls, topic: Acl(state.acls[topic].allow)})
    match chance.randrange(4):
        case 0:
            group, person = chance.choice(GROUPS), chance.choice(PEOPLE)
            members = state.groups[group] ^ {person}
            return replace(state, groups={**state.groups, group: members})
        case 1:
            person = chance.choice(PEOPLE)
            return replace(state, suspended=frozenset() if state.suspended else frozenset({person}))
        case _:
            topic, name = chance.choice(TOPICS), chance.choice(_PRINCIPALS)
            acl = state.acls[topic]
            if chance.random() < 0.7:
                acl = replace(acl, allow=acl.allow ^ {name})
            else:
                acl = replace(acl, deny=acl.deny ^ {name} if not acl.deny else frozenset())
            return replace(state, acls={**state.acls, topic: acl})


def question(topic: str, number: int) -> str:
    return f"What is the {topic} limit of Acme? (no. {number})"


def workspace() -> dict[str, Any]:
    """What the Slack double starts from."""
    users = [{"id": slack_id(p), "name": p, "is_restricted": p == GUEST} for p in PEOPLE]
    channels = [
        {
            "id": channel,
            "name": name,
            "is_private": private,
            "members": [*map(slack_id, present), "UKEN"],
        }
        for channel, (name, private, present) in CHANNELS.items()
    ]
    return {
        "team": {"id": TEAM, "name": "Acme", "domain": "acme"},
        "users": [*users, {"id": slack_id(STRANGER), "name": STRANGER}],
        "channels": channels,
    }


def write_bundle(folder: Path, state: State, canary: Mapping[str, str], revision: int) -> None:
    """For `ken load`; another revision says something else in the same documents."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.json").write_text(json.dumps({"name": SOURCE}))
    people = [
        {
            "type": "user",
            "id": person,
            "kind": "guest" if person == GUEST else "member",
            "status": "suspended" if person in state.suspended else "active",
            "identities": {f"slack:{TEAM}": slack_id(person)},
        }
        for person in PEOPLE
    ]
    _write_lines(folder / "principals.jsonl", [*people, *_group_lines(state)])
    documents = [
        {
            "id": topic,
            "title": f"{topic.title()} {canary[topic]}",
            "text": f"The {topic} limit of Acme is {canary[topic]} as agreed in year {revision}.",
            "url": f"https://wiki.acme.example/{canary[topic]}",
            "acl": _acl_fields(acl),
        }
        for topic, acl in state.acls.items()
    ]
    _write_lines(folder / "documents.jsonl", documents)


def write_push(file: Path, state: State) -> None:
    """For `ken sync push`: all that the source says of its groups and documents."""
    nodes = [
        {"type": "node", "id": topic, "kind": "document", **_acl_fields(acl)}
        for topic, acl in state.acls.items()
    ]
    _write_lines(file, [*_group_lines(state), *nodes])


def _group_lines(state: State) -> list[dict[str, Any]]:
    return [
        {"type": "group", "id": name, "members": [f"user:{p}" for p in sorted(members)]}
        for name, members in state.groups.items()
    ]


def _acl_fields(acl: Acl) -> dict[str, list[str]]:
    return {"allow": sorted(acl.allow), "deny": sorted(acl.deny)}


def _write_lines(file: Path, lines: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
