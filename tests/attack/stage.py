"""A company that is attacked: documents, people and channels with payloads, and a hostile model.

Everything but Slack and the model is real: the load, PostgreSQL with its roles, retrieval, the
checks, rendering, the outbox. Slack is the double; the model is a server of its own.
"""

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import structlog
from pydantic import SecretStr
from sqlalchemy import text

from bot.playground.client import Call, Playground
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from tests.attack.hostile import FACT, HostileModel
from tests.attack.payloads import Payload
from tests.servers import home_in_use, own_database
from workers import interface
from workers.answering.suggestions import suggest
from workers.database.sessions import Database
from workers.ingest.bundle import read_bundle
from workers.ingest.pipeline import Loading
from workers.intake.messages import Question, Surface, storable
from workers.interface import store_question
from workers.models.embedded import QuotingAnswerer
from workers.models.embedder import MiniLM
from workers.models.multilingual import Multilingual
from workers.models.openai import OpenAIAnswerer
from workers.observe import logs
from workers.people.home_tab import publish
from workers.services import Services
from workers.slack.marks import plain
from workers.tasks import work_on

Json = dict[str, Any]

TEAM, BOT_TOKEN = "T1", "xoxb-playground"
WIKI = "https://wiki.acme.example/"
DRIVE = "https://drive.acme.example/"
SECRET = "vermilionette"
"""Stands in the documents that Bob alone may read; nobody asks in his name."""
SECRETS = 12
_OF_PEOPLE = frozenset({"profile", "group name", "site", "memory"})
_STAFF = {"allow": ["group:staff"]}
_LONGEST_FILE_NAME = 150


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is stored."""

    key: str
    url: str
    text: str
    """Title, headings and text, of all its parts."""
    is_secret: bool


@dataclass
class Left:
    """Everything that left, and what it may be compared with."""

    payloads: Mapping[str, Payload]
    """By the name of their project."""
    documents: Mapping[str, Document]
    """By their addresses."""
    calls: list[Call] = field(default_factory=list)
    asked: list[Json] = field(default_factory=list)
    logs: str = ""
    passwords: tuple[str, ...] = ()
    states: Counter[str] = field(default_factory=Counter)


def attacked(payloads: Sequence[Payload]) -> Left:
    """Ask about every payload, and return all that left."""
    with company(payloads) as stage:
        for payload in payloads:
            stage.attack(payload)
        stage.look_around()
        return stage.left()


def key_of(payload: Payload) -> str:
    return f"q{payload.number:05}x"


def private(payload: Payload) -> str:
    """Return a word of somebody's memory, title or group, which nobody else may see."""
    return f"mine{key_of(payload)}"


@contextmanager
def company(payloads: Sequence[Payload]) -> Iterator["Stage"]:
    """Load the company of these payloads; in the end all of its servers are stopped."""
    model = HostileModel({key_of(one): one.text for one in payloads})
    log = io.StringIO()
    try:
        with (
            home_in_use(),
            own_database() as empty,
            running(read_workspace(_workspace(payloads))) as url,
        ):
            slack = Playground(url)
            settings = empty.model_copy(
                update={
                    "slack_api_url": slack.api_url,
                    "slack_bot_token": SecretStr(BOT_TOKEN),
                    "lease_s": 600,
                    "model_base_url": model.url,
                    "model_api": "chat-schema",
                    "second_look": True,
                }
            )
            database = Database(settings)
            with patch.object(interface, "_door", lambda: database):
                services = Services(
                    settings,
                    database,
                    MiniLM.load(),
                    OpenAIAnswerer.connect(settings),
                    multilingual=Multilingual.load(),
                )
                with TemporaryDirectory() as folder:
                    _load(services, Path(folder), payloads)
                yield Stage(services, slack, model, payloads, log)
            structlog.reset_defaults()
            database.close()
    finally:
        model.close()


# -- the company --------------------------------------------------------------------------------


def _workspace(payloads: Sequence[Payload]) -> Json:
    people = [_person(one) for one in payloads if one.field in _OF_PEOPLE]
    return {
        "team": {"id": TEAM, "name": "Acme", "domain": "acme"},
        "users": [
            {"id": f"U{name.upper()}", "name": name}
            for name in ("alice", "bob", "mallory", *people)
        ],
        "channels": [
            {
                "id": "CBOARD",
                "name": "board",
                "is_private": True,
                "members": ["UALICE", "UBOB", "UKEN"],
            },
            {"id": "CNAMED", "name": "named", "members": ["UALICE", "UKEN"]},
        ],
    }


def _person(payload: Payload) -> str:
    return f"p{payload.number}"


def _load(services: Services, folder: Path, payloads: Sequence[Payload]) -> None:
    """Load the documents and people as `ken load` does, from a folder for each source."""
    wiki, drive = folder / "wiki", folder / "drive"
    _write_lines(wiki / "principals.jsonl", _principals(payloads))
    listed = [one for one in payloads if one.field not in ("file name", "source name")]
    _write_lines(wiki / "documents.jsonl", [*map(_line, listed), *_secrets()])
    (wiki / "source.json").write_text(json.dumps({"name": "wiki", "url": WIKI}))
    _load_folder(services, wiki)
    for payload in payloads:
        if payload.field == "file name":
            file = drive / "documents" / _file_name(payload)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(FACT.format(key=key_of(payload)) + "\n")
        if payload.field == "source name":
            _load_source(services, folder / key_of(payload), payload)
    if drive.exists():
        (drive / "source.json").write_text(json.dumps({"name": "drive", "url": DRIVE}))
        _load_folder(services, drive, "class:members")


def _load_folder(services: Services, folder: Path, *allow: str) -> None:
    report = Loading(
        services.database,
        services.embedder,
        read_bundle(folder, allow=allow),
        tell=lambda step: None,
        limit_bytes=10**7,
        multilingual=services.multilingual,
    ).run()
    assert not report.left_out, report.left_out


def _load_source(services: Services, folder: Path, payload: Payload) -> None:
    """A source whose name is the payload; a name of nothing is none."""
    name = " ".join(storable(payload.text).split())[:300] or "nameless"
    line = {
        "id": key_of(payload),
        "title": "Budget",
        "text": FACT.format(key=key_of(payload)),
        "url": WIKI + key_of(payload),
        "acl": {"allow": ["class:members"]},
    }
    _write_lines(folder / "documents.jsonl", [line])
    (folder / "source.json").write_text(json.dumps({"name": f"{name} {key_of(payload)}"}))
    _load_folder(services, folder)


def _principals(payloads: Sequence[Payload]) -> Iterator[Json]:
    yield {"type": "group", "id": "staff", "name": "Staff"}
    for name in ("alice", "bob", "mallory"):
        yield _user(name)
    for payload in payloads:
        words = storable(payload.text)
        if payload.field == "group name":
            yield {"type": "group", "id": key_of(payload), "name": f"{private(payload)} {words}"}
        if payload.field in _OF_PEOPLE:
            yield _user(_person(payload), **_profile(payload, words))


def _user(name: str, *, groups: Sequence[str] = (), **more: str) -> Json:
    return {
        "type": "user",
        "id": name,
        "name": name.title(),
        "groups": ["staff", *groups],
        "identities": {f"slack:{TEAM}": f"U{name.upper()}"},
        **more,
    }


def _profile(payload: Payload, words: str) -> dict[str, Any]:
    match payload.field:
        case "profile":
            title = f"{private(payload)} {words}"
            return {"title": title, "team": words, "manager": words, "locale": words}
        case "site":
            return {"location": words, "country": "DE"}
        case "group name":
            return {"groups": [key_of(payload)]}
    return {}


def _line(payload: Payload) -> Json:
    """A document with the fact about its project; the payload stands in its field."""
    key, words = key_of(payload), storable(payload.text)
    fact, title, body = FACT.format(key=key), f"Budget {key}", ""
    match payload.field:
        case "text":
            body = f"{fact}\n\n{words}"
        case "title":
            title, body = words, fact
        case "heading":
            body = f"# {' '.join(words.split())}\n\n{fact}"
        case "cell":
            cell = " ".join(words.split()).replace("|", "¦")
            body = f"{fact}\n\n| project | remark |\n| --- | --- |\n| {key} | {cell} |"
        case _:
            body = fact
    return {"id": key, "title": title, "text": body, "url": WIKI + key, "acl": _STAFF}


def _secrets() -> Iterator[Json]:
    for number in range(SECRETS):
        yield {
            "id": f"secret-{number}",
            "title": "Budget of the board",
            "text": f"The budget of project secret of the board is {SECRET}{number} euros.",
            "url": f"{WIKI}secret-{number}",
            "acl": {"allow": ["user:bob"]},
        }


def _file_name(payload: Payload) -> str:
    words = storable(payload.text).translate({ord("/"): None, ord("\\"): None})
    shown = "".join(one for one in words if one.isprintable()).encode()[:_LONGEST_FILE_NAME]
    return f"{shown.decode(errors='ignore').lstrip('.')} {key_of(payload)}.md"


def _write_lines(file: Path, lines: Iterable[Json]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))


# -- what people do -----------------------------------------------------------------------------


@dataclass
class Stage:
    services: Services
    slack: Playground
    model: HostileModel
    payloads: Sequence[Payload]
    log: io.StringIO
    seen: tuple[int, int, int] = (0, 0, 0)
    """How many calls, requests and letters of logs `left` has returned before."""

    def attack(self, payload: Payload) -> None:
        """Do what brings this payload before the model and into a reply."""
        with redirect_stderr(self.log):
            logs.configure("attack")
        key, words = key_of(payload), storable(payload.text)
        question = f"What is the budget of project {key}?"
        match payload.field:
            case "question":
                self._ask("UALICE", "DUALICE", f"{question} {words}", key)
            case "thread":
                before = self.slack.say("CBOARD", "UBOB", f"{words} Project {key}.").ts
                self._ask("UALICE", "CBOARD", "And what is its budget?", key, thread_ts=before)
            case "person's name":
                self.slack.change_user("UMALLORY", real_name=words)
                asked = f"What does <@UMALLORY> say about the budget of project {key}?"
                self._ask("UALICE", "CBOARD", asked, key)
            case "channel name":
                self.slack.change_channel("CNAMED", name=words)
                asked = f"Is the budget of project {key} discussed in <#CNAMED>?"
                self._ask("UALICE", "CNAMED", asked, key)
            case field if field in _OF_PEOPLE:
                self._ask_of_oneself(payload, words)
            case _:
                self._ask("UALICE", "DUALICE", question, key)
                if payload.number % 2 == 0:
                    self._ask("UALICE", "DUALICE", question, f"{key}-quoting", is_quoting=True)

    def _ask_of_oneself(self, payload: Payload, words: str) -> None:
        key, user = key_of(payload), f"U{_person(payload).upper()}"
        if payload.field == "memory":
            said = " ".join(words.replace("?", ".").split())
            self._ask(
                user, f"D{user}", f"Remember that {private(payload)} {said}", f"{key}-remember"
            )
        self._ask(user, f"D{user}", "What do you know about me?", f"{key}-own")
        self._ask(user, f"D{user}", f"What is the budget of project {key} here?", key)
        publish(self.services, TEAM, user)

    def look_around(self) -> None:
        """Open Alice's home tab, with her last questions, and suggest questions to her."""
        publish(self.services, TEAM, "UALICE")
        suggest(self.services, TEAM, "UALICE", "DUALICE")

    def _ask(
        self,
        user: str,
        channel: str,
        words: str,
        event: str,
        *,
        thread_ts: str = "",
        is_quoting: bool = False,
    ) -> None:
        ts = self.slack.say(channel, user, words, thread_ts=thread_ts).ts
        question_id = store_question(
            Question(
                event_id=event,
                team_id=TEAM,
                channel_id=channel,
                message_ts=ts,
                thread_ts=thread_ts or ts,
                user_id=user,
                text=storable(plain(words)),
                surface=Surface.SLACK,
            )
        )
        assert question_id is not None, event
        services = self.services
        if is_quoting:
            services = replace(
                services, answerer=QuotingAnswerer(services.embedder, services.multilingual)
            )
        work_on(services, question_id)

    def left(self) -> Left:
        """Return what left since the last time."""
        calls, asked, logged = self.seen
        all_calls, log = self.slack.calls(), self.log.getvalue()
        self.seen = len(all_calls), len(self.model.asked), len(log)
        settings = self.services.settings
        secrets = [
            settings.slack_bot_token,
            settings.password("ingress"),
            settings.password("answerer"),
        ]
        return Left(
            payloads={key_of(one): one for one in self.payloads},
            documents={one.url: one for one in _stored(self.services.database)},
            calls=all_calls[calls:],
            asked=self.model.asked[asked:],
            logs=log[logged:],
            passwords=tuple(filter(None, (one.get_secret_value() for one in secrets))),
            states=_states(self.services.database),
        )


def _stored(database: Database) -> Iterator[Document]:
    """Every document as it is stored, read by the role that loads."""
    with database.session("indexer") as session:
        rows = session.execute(
            text(
                "SELECT document.url, document.title,"
                " string_agg(chunk.heading || ' ' || chunk.text, ' ' ORDER BY chunk.position)"
                " FROM document JOIN chunk ON chunk.document_id = document.id"
                " GROUP BY document.id"
            )
        ).all()
    for url, title, words in rows:
        whole = f"{title} {words}"
        key = whole.partition("The budget of project ")[2].partition(" ")[0]
        yield Document(key, url or "", whole, SECRET in whole)


def _states(database: Database) -> Counter[str]:
    with database.session("ingress") as session:
        rows = session.execute(text("SELECT state, reason FROM question"))
        return Counter(f"{state} {reason or ''}".strip() for state, reason in rows)
