"""One person at the playground's page in headless Chromium, in front of a double of their own.

No bot listens here: an app notes what it hears, and the tests answer as Ken.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk import WebClient

from bot.playground import building
from bot.playground.client import Playground
from bot.playground.double import Access
from bot.playground.pages import Page
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from tests.bot.slack_world import WORLD, Inbox, Json
from tests.browser import expect, picture, require_chromium

ROOT = Path(__file__).parents[2]
TOUR: Json = {
    "question": "How many days?",
    "askers": [{"id": "alice", "why": "She knows."}, {"id": "bob", "why": "He does not."}],
    "more": [{"question": "And here?", "as": "bob", "in": "general", "why": "All read it."}],
}


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(f"Say {value}"), "value": value}


def section(text: str) -> Json:
    words = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [words]}


ANSWER: list[Json] = [
    section("Thirty days."),
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "ken_feedback",
                "positive_button": {"text": plain("Good"), "value": "good:7"},
                "negative_button": {"text": plain("Bad"), "value": "bad:7"},
            }
        ],
    },
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "ken_share", "value": "7", "text": plain("Share")},
            {
                "type": "overflow",
                "action_id": "ken_more",
                "options": [option("wrong:7"), option("mute:7")],
            },
        ],
    },
]
MODAL: Json = {
    "type": "modal",
    "title": plain("What was wrong?"),
    "submit": plain("Send"),
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": plain("Reason"),
            "element": {"type": "plain_text_input", "action_id": "reason", "multiline": True},
        }
    ],
}
HOME: Json = {
    "type": "home",
    "blocks": [
        {"type": "header", "text": plain("What Ken knows of Alice")},
        {
            "type": "actions",
            "elements": [
                {
                    "type": "static_select",
                    "action_id": "ken_language",
                    "placeholder": plain("Language"),
                    "options": [option("en"), option("de")],
                }
            ],
        },
    ],
}


@pytest.fixture(scope="session")
def bundle() -> Path:
    """The page's bundle, built once for all sessions, as `make demo` builds it."""
    require_chromium()
    try:
        return building.build(ROOT / "build")
    except building.NotBuilt as error:
        pytest.skip(f"the page is not built: {error}")


@dataclass
class Desk:
    """One person at one machine: the double, an app that records its events, and a browser."""

    playground: Playground
    ken: WebClient
    inbox: Inbox
    page: Any
    problems: list[str] = field(default_factory=list)

    def act_as(self, name: str) -> None:
        self.page.get_by_role("button", name=re.compile("^Act as")).click()
        self.page.get_by_label("Find somebody").fill(name)
        self.page.keyboard.press("Enter")
        expect(self.page.locator(".act-as .current")).to_contain_text(name, ignore_case=True)

    def open(self, place: str) -> None:
        self.page.get_by_role("navigation").get_by_role("button", name=place).click()

    def write(self, text: str) -> None:
        self.page.get_by_label(re.compile("^Message ")).fill(text)
        self.page.keyboard.press("Enter")

    @property
    def thread(self) -> Any:
        return self.page.get_by_role("region", name="Thread")

    def slack(self) -> str:
        """Return what this person sees, without the panel."""
        return str(self.page.locator("main").inner_text()) + str(
            self.page.get_by_role("navigation").inner_text()
        )

    def received(self, kind: str) -> list[Json]:
        """Return the interactions of this kind that reached the app."""
        forms = [parse_qs(body.decode()) for _, body in self.inbox.requests if b"payload=" in body]
        payloads = [json.loads(form["payload"][0]) for form in forms if "payload" in form]
        return [payload for payload in payloads if payload["type"] == kind]

    def pictured(self, name: str) -> None:
        picture(self.page, name)


Sit = Callable[..., Desk]


@pytest.fixture
def sit(bundle: Path, browser: Any, tmp_path: Path) -> Iterator[Sit]:
    """Open the page in front of a new workspace."""
    tour = tmp_path / "demo.json"
    tour.write_text(json.dumps(TOUR))
    with ExitStack() as stack:

        def begin(world: Json = WORLD, *, listens: bool = True, **window: Any) -> Desk:
            inbox = Inbox()
            events_url = stack.enter_context(inbox.open())
            url = stack.enter_context(
                running(
                    read_workspace(world),
                    Access(events_url=events_url if listens else "", trigger_life_s=600.0),
                    page=Page(data_dir=ROOT / "build", tour=tour),
                )
            )
            size = {name: window.pop(name) for name in ("width", "height") if name in window}
            context = browser.new_context(viewport=size or {"width": 1280, "height": 800}, **window)
            stack.callback(context.close)
            ken = WebClient("xoxb-playground", base_url=f"{url}/api/", retry_handlers=[])
            desk = Desk(Playground(url), ken, inbox, context.new_page())
            desk.page.on("pageerror", lambda error: desk.problems.append(str(error)))
            desk.page.goto(url)
            expect(desk.page.locator("main h1")).to_be_visible()
            return desk

        yield begin


@pytest.fixture
def desk(sit: Sit) -> Iterator[Desk]:
    """Check that the page itself logs no error in any of these tests."""
    begun = sit()
    yield begun
    assert begun.problems == []


def answered(desk: Desk, *, channel: str = "DUALICE", text: str = "Thirty days.") -> None:
    """Answer like the bot, in the thread of the last question there."""
    asked = [one for one in desk.playground.messages(channel) if not one.thread_ts][-1]
    desk.ken.chat_postMessage(
        channel=channel, thread_ts=asked.ts, text=text, blocks=[section(text), *ANSWER[1:]]
    )
