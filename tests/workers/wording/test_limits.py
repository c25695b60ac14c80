"""Every kind of reply, the home tab and the modal, in every language, within Slack's limits."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot import views
from bot.playground.blocks.block_kit import check_blocks, check_view
from policies.source import PROVIDER
from policies.tables.questions import QuestionState
from tests.workers.answering.passages import passage
from workers.errors import AnswerWithdrawn, AssistantError, ModelUnavailable
from workers.models.base import Profile, Sentence
from workers.people.attributes import KnownPerson
from workers.people.home_contents import AskedBefore, HomeContents, LinkedPerson
from workers.people.home_view import view_of
from workers.replies import rendering as say
from workers.replies.buttons import Buttons
from workers.replies.pages import CHOICE_GONE, ONLY_ASKER, WHICH, Page, label_of
from workers.wording.text import ENGLISH, TRANSLATED, speaking

LANGUAGES = (ENGLISH, *TRANSLATED)
HOSTILE = "{name} %(name)s {0.__class__} <!channel> *bold*"
ALL = Buttons(7, share=True, private=True, again=True, person=True, mute=True)
NOTICES = (
    *(say.NOTHING_FOUND, say.ANSWERED_PRIVATELY, say.WITHDRAWN, say.CUT_SHORT, say.CANNOT_SHARE),
    *(say.LIMITED, say.FORGOTTEN, say.STOPPED, say.HELP, say.UNCLEAR, say.CANNOT_ACT),
    *(CHOICE_GONE, ONLY_ASKER, WHICH),
    *(AssistantError.reply, ModelUnavailable.reply, AnswerWithdrawn.reply),
)


def home(**more: Any) -> HomeContents:
    now = datetime.now(UTC)
    asked = [
        AskedBefore(HOSTILE, state, now, forgotten=False, is_own=True) for state in QuestionState
    ]
    known: dict[str, Any] = {
        "profile": None,
        "person": KnownPerson(
            Profile(title=HOSTILE, team=HOSTILE, country="DE", groups=(HOSTILE,) * 9),
            is_member=True,
            hidden=frozenset({"title"}),
        ),
        "remembered": (HOSTILE,) * 20,
        "link": LinkedPerson(HOSTILE, active=False, by=PROVIDER, profile_fields={"title": HOSTILE}),
        "sources": (("drive", now), ("wiki", None)),
        "out_of_date": True,
        "questions": (*asked, AskedBefore("", QuestionState.KEPT, now, True, is_own=False)),
        "language": "asked",
        "length": "normal",
        "muted": False,
        "admin_url": "https://admin.example/",
    }
    return HomeContents(**(known | more))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reply_fits_slack(language: str) -> None:
    page = passage("The budget is ten million.", title=HOSTILE, heading=HOSTILE)
    with speaking(language):
        answer = say.compose([Sentence("The budget is ten million.", 1, "ten million")], [page])
        check_blocks(answer.payload(ALL)["blocks"])
        check_blocks(say.outdated(answer.payload(ALL)).payload(ALL)["blocks"])
        check_blocks(say.person_request(HOSTILE, "U1")["blocks"])
        named = [Page(label_of(f"{n} {HOSTILE * 9}"), None, "wiki", "d", n) for n in range(3)]
        for pages in (named, named[:1]):
            check_blocks(say.Reply(say.NOTHING_FOUND, pages=tuple(pages)).payload(ALL)["blocks"])
        for words in NOTICES:
            for number in (None, 2**63 - 1):
                notice = say.notice(words, question_id=number).payload(ALL)
                check_blocks(notice["blocks"])
                assert len(notice["text"]) < 4000


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_home_tab_fits_slack(language: str) -> None:
    with speaking(language):
        for shown in (
            home(),
            home(link=None, person=None, remembered=(), questions=(), muted=True),
        ):
            check_view(view_of(shown))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_modal_and_the_replies_to_commands_fit_slack(language: str) -> None:
    with speaking(language):
        for verdict in ("bad", "wrong", "not_asked"):
            check_view(views.ask_for_reason(7, verdict))
        check_blocks(views.ask_to_forget()["blocks"])
        assert "{" not in views.too_long() + views.comment_too_long()


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_left_in_english(language: str) -> None:
    """What a reply, the home tab and the modal say differs from English, label by label."""
    spoken = {}
    for code in (ENGLISH, language):
        with speaking(code):
            shown = [
                say.notice(say.HELP).payload(ALL),
                view_of(home()),
                views.ask_for_reason(7, "bad"),
            ]
            spoken[code] = set(_labels(shown))
    same = {
        one for one in spoken[ENGLISH] & spoken[language] if len(one) > 12 and HOSTILE not in one
    }
    assert not same


def _labels(value: Any) -> list[str]:
    if isinstance(value, list):
        return [label for one in value for label in _labels(one)]
    if not isinstance(value, dict):
        return []
    own = [value["text"]] if value.get("type") == "plain_text" else []
    return [*own, *(label for one in value.values() for label in _labels(one))]
