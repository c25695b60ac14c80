"""Every surface in Slack, with all of Ken behind it: what stands there afterwards, who can read it.

One stack serves all tests, which run in the order in which they stand. After each a referee looks
at every call and every message since: no word of a document is where somebody may not read it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bot import views
from bot.playground.client import Playground, Seen
from tests.bot.slack_schemas import check_calls
from tests.ends import data_dir, listens, load, set_up, started, written
from tests.ports import free_port
from tests.slack_stack import (
    BONUS,
    CANTEEN,
    CAREERS,
    DOCUMENTS,
    HOURS,
    MOVE,
    PARKING,
    PERMISSIONS,
    PRINCIPALS,
    READERS,
    TRAVEL,
    VACATION,
    WORKSPACE,
    Stack,
    action_ids,
    number_of,
    value_of,
    words_of,
)
from workers.database.sessions import Database
from workers.embedded.process import Child, wait_until
from workers.embedded.servers import write_env
from workers.people.feedback import CALLED
from workers.replies import rendering as say
from workers.settings import load_settings

__all__ = ["data_dir"]

ADMIN_PAGE = "https://ken.acme.example/admin"
DAYS = "thirty days"


@pytest.fixture(scope="module")
def whole(data_dir: Path) -> Iterator[Stack]:
    folder = written(data_dir.parent / "company", DOCUMENTS, PRINCIPALS, PERMISSIONS)
    set_up(
        data_dir,
        folder,
        WORKSPACE,
        KEN_QUESTIONS_PER_MINUTE="1000",
        KEN_CARDS_AFTER_S="1000",
        KEN_ADMINS="UDAN",
        KEN_ADMIN_PAGE_URL=ADMIN_PAGE,
        KEN_PEOPLE_CHANNEL="people",
    )
    slack = started(data_dir)
    database = Database(load_settings(data_dir))
    yield Stack(data_dir, slack, folder, database)
    database.close()


@pytest.fixture
def stack(whole: Stack) -> Iterator[Stack]:
    """Whatever a test did has ended, everybody heard so who did something, nothing leaks."""
    yield whole
    assert wait_until(whole.all_ended, 60)
    whole.judge()
    assert {attempt.failed for attempt in whole.slack.attempts()} <= {""}


# -- asking ----------------------------------------------------------------------------------------


def test_mentions_in_public_and_private_channels(stack: Stack) -> None:
    """Threats 11, 16: the channel reads what all there may, the asker the rest."""
    reply = stack.ask("general", "bob", HOURS)
    assert "Horavent" in reply.text
    assert action_ids(reply) >= {"ken_feedback", "ken_private", "ken_more"}
    assert DAYS in stack.ask("team", "bob", VACATION).text

    before = stack.last("alice")
    assert stack.ask("general", "alice", BONUS).text == say.ANSWERED_PRIVATELY
    reply = stack.direct("alice", after=before)
    assert "Brimvale" in reply.text
    assert action_ids(reply) >= {"ken_feedback", "ken_share"}

    before = stack.last("bob")
    assert stack.ask("general", "bob", BONUS).text == say.ANSWERED_PRIVATELY
    assert say.NOTHING_FOUND in stack.direct("bob", after=before).text


def test_direct_and_group_messages(stack: Stack) -> None:
    """Threat 13: what was said in a direct message is no context of what is asked elsewhere."""
    assert "Brimvale" in stack.tell("alice", BONUS).text
    group = stack.slack.group_dm("alice", ["bob"]).channel
    assert DAYS in stack.ask(group, "alice", VACATION).text
    assert stack.ask(group, "alice", BONUS).text == say.ANSWERED_PRIVATELY
    stack.stays_silent(group, "bob", VACATION)


def test_the_command(stack: Stack) -> None:
    """Threat 11: asked in a channel, answered to nobody there but the asker."""
    slack, before = stack.slack, stack.last("carol")
    posts = stack.posts("general")
    assert slack.command("UCAROL", "general", BONUS).failed == ""
    assert "Brimvale" in stack.direct("carol", after=before).text
    for words, notice in {
        "help": say.HELP,
        "": say.HELP,
        "mute": views.MUTED,
        "unmute": views.UNMUTED,
        "x" * 4001: views.too_long(),
    }.items():
        assert slack.command("UCAROL", "general", words).failed == ""
        assert stack.whispers("general", "carol")[-1] == notice
    assert stack.whispers("general", "carol")[0] == views.LOOKING
    assert stack.posts("general") == posts


def test_the_shortcut(stack: Stack) -> None:
    """Threat 11: somebody else's message, looked up for the one who pressed."""
    slack, before = stack.slack, stack.last("carol")
    said = slack.say("board", "alice", f"carol, tell me: {BONUS}")
    assert slack.shortcut("UCAROL", "board", said.ts).failed == ""
    assert "Brimvale" in stack.direct("carol", after=before).text

    said = slack.say("board", "alice", "", subtype="file_share")
    assert slack.shortcut("UCAROL", "board", said.ts).failed == ""
    assert stack.whispers("board", "carol") == [views.LOOKING, views.ASK_SOMETHING]
    assert stack.posts("board") == []


def test_follow_ups_in_a_thread(stack: Stack) -> None:
    """Sticky until muted, and silent while people talk to each other."""
    slack = stack.slack
    root = slack.say("team", "bob", f"<@UKEN> {VACATION}")
    stack.reply("team", root.ts)
    said = slack.say("team", "alice", TRAVEL, thread_ts=root.ts)
    assert "Traxomir" in stack.reply("team", root.ts, after=said.ts).text

    for words in ("Thanks, that helps.", "<@UBOB> when do you leave?", "I see, so trains then."):
        stack.stays_silent("team", "alice", words, thread_ts=root.ts)
    stack.stays_silent("team", "alice", TRAVEL)

    slack.command("UALICE", "team", "mute")
    assert wait_until(stack.all_ended, 60)
    stack.stays_silent("team", "alice", TRAVEL, thread_ts=root.ts)
    slack.command("UALICE", "team", "unmute")

    slack.say("team", "bob", "<@UKEN> mute", thread_ts=root.ts)
    slack.wait_until_delivered()
    assert wait_until(stack.all_ended, 60)
    stack.stays_silent("team", "alice", TRAVEL, thread_ts=root.ts)
    assert "Traxomir" in stack.ask("team", "alice", TRAVEL, thread_ts=root.ts).text


@pytest.mark.parametrize("channel", ["team", "DUBOB"])
def test_an_edited_question_is_answered_again_and_a_deleted_one_not_at_all(
    stack: Stack, channel: str
) -> None:
    slack, mention = stack.slack, "" if channel.startswith("D") else "<@UKEN> "

    def answer(ts: str, after: str) -> Seen:
        return (
            stack.reply(channel, ts, after=after) if mention else stack.direct("bob", after=after)
        )

    asked = slack.say(channel, "bob", mention + VACATION)
    old = answer(asked.ts, asked.ts)
    assert DAYS in old.text
    slack.edit(channel, asked.ts, mention + TRAVEL)
    stack.gone(channel, old)
    new = answer(asked.ts, old.ts)
    assert "Traxomir" in new.text

    slack.delete(channel, asked.ts)
    stack.gone(channel, new)
    assert {reason for _, reason in stack.ended(channel, asked.ts)} <= {None, "asked_anew"}


# -- what is below an answer -----------------------------------------------------------------------


def test_share_asks_again_for_the_channel(stack: Stack) -> None:
    """Threat 14: nothing of the private answer is copied."""
    slack, before = stack.slack, stack.last("alice")
    asked = slack.say("deal", "alice", f"<@UKEN> {BONUS}")
    reply = stack.direct("alice", after=before)
    assert slack.press("UALICE", "ken_share", channel="DUALICE", ts=reply.ts).failed == ""
    assert say.CANNOT_SHARE in stack.direct("alice", after=reply.ts).text
    assert [m.text for m in stack.posts("deal")] == [say.ANSWERED_PRIVATELY]

    stack.judge()
    slack.leave("deal", "UBOB")
    assert slack.press("UALICE", "ken_share", channel="DUALICE", ts=reply.ts).failed == ""
    notice = stack.reply("deal", asked.ts)
    shared = stack.reply("deal", asked.ts, after=notice.ts)
    assert "Brimvale" in shared.text

    stack.judge()
    slack.join("deal", "UBOB")
    stack.changed("deal", shared, say.WITHDRAWN)
    assert wait_until(stack.all_ended, 60)
    before = stack.last("bob")
    assert slack.press("UBOB", "ken_again", channel="deal", ts=shared.ts).failed == ""
    assert say.CANNOT_SHARE in stack.direct("bob", after=before).text
    assert stack.now("DUALICE", reply) == reply, "alice's own answer is not bob's to take away"


def test_ask_privately_is_for_the_person_who_pressed(stack: Stack) -> None:
    """Threat 14: the same question, with another reader."""
    answer, before = stack.ask("board", "alice", BONUS), stack.last("carol")
    assert "Brimvale" in answer.text
    assert stack.slack.press("UCAROL", "ken_private", channel="board", ts=answer.ts).failed == ""
    assert "Brimvale" in stack.direct("carol", after=before).text


def test_feedback_reaches_the_administrators(stack: Stack) -> None:
    """Threats 11, 22: of a document only what this administrator may read, and all of it inert."""
    slack, before = stack.slack, stack.last("dan")
    answer = stack.ask("board", "alice", BONUS)
    place: dict[str, Any] = {"channel": "board", "ts": answer.ts}
    number = number_of(answer)
    assert slack.press("UALICE", "ken_feedback", **place, value=f"good:{number}").failed == ""
    assert slack.views("UALICE") == []

    assert slack.press("UCAROL", "ken_feedback", **place, value=f"bad:{number}").failed == ""
    (modal,) = slack.views("UCAROL")
    sent = slack.submit(
        "UCAROL",
        modal["id"],
        {
            views.REASON: {
                views.REASON: {
                    "type": "radio_buttons",
                    "selected_option": {
                        "text": {"type": "plain_text", "text": views.REASONS["outdated"]},
                        "value": "outdated",
                    },
                }
            },
            views.COMMENT: {
                views.COMMENT: {"type": "plain_text_input", "value": "<!channel> It was more."}
            },
        },
    )
    assert (sent.closed, sent.errors, sent.failed) == (True, {}, "")
    report = stack.direct("dan", after=before)
    assert "It was more." in report.text
    assert "carol" in report.text
    assert "<!channel>" not in json.dumps([report.text, report.blocks])
    assert "Documents behind the answer that you may read: none" in report.text

    before = stack.last("dan")
    answer = stack.ask("team", "bob", VACATION)
    chosen: dict[str, Any] = {
        "channel": "team",
        "ts": answer.ts,
        "selected": f"wrong:{number_of(answer)}",
    }
    assert slack.press("UBOB", "ken_more", **chosen).failed == ""
    assert "Absence Valdessa" in stack.direct("dan", after=before).text
    slack.close_view("UBOB", slack.views("UBOB")[0]["id"])


def test_a_person_can_be_called(stack: Stack) -> None:
    """Threat 11: the question goes to people, nothing of the answer does."""
    answer, before = stack.ask("board", "alice", BONUS), stack.last("alice")
    chosen: dict[str, Any] = {
        "channel": "board",
        "ts": answer.ts,
        "selected": f"person:{number_of(answer)}",
    }
    assert stack.slack.press("UALICE", "ken_more", **chosen).failed == ""
    assert CALLED in stack.direct("alice", after=before).text
    (called,) = stack.posts("people")
    assert BONUS in called.text


# -- the home tab ----------------------------------------------------------------------------------


def test_the_home_tab_follows_what_changes(stack: Stack) -> None:
    slack = stack.slack

    def shows(person: str, *words: str) -> bool:
        shown = json.dumps(slack.surfaces()["homes"].get(f"U{person.upper()}", {}))
        return all(word in shown for word in words)

    slack.open_home("UALICE")
    slack.open_home("UDAN")
    stack.wait(lambda: shows("alice", "wiki", "ken_length"))
    stack.wait(lambda: shows("dan", ADMIN_PAGE))
    assert not shows("alice", ADMIN_PAGE)

    assert slack.press("UALICE", "ken_length", home=True, selected="short").failed == ""
    stack.wait(
        lambda: shows("alice", '"initial_option": {"text": {"type": "plain_text", "text": "Short')
    )
    assert slack.press("UALICE", "ken_language", home=True, selected="de").failed == ""
    assert slack.press("UALICE", "ken_mute", home=True, value="true").failed == ""
    stack.wait(lambda: shows("alice", "Stummschaltung aufheben"))
    assert slack.press("UALICE", "ken_mute", home=True, value="false").failed == ""
    assert slack.press("UALICE", "ken_language", home=True, selected="asked").failed == ""
    stack.tell("alice", CAREERS)
    stack.wait(lambda: shows("alice", CAREERS))

    assert slack.press("UALICE", "ken_forget", home=True).failed == ""
    stack.wait(lambda: shows("alice", "(forgotten)") and not shows("alice", CAREERS))
    before = stack.whispers("team", "bob")
    slack.command("UBOB", "team", "forget")
    assert stack.whispers("team", "bob") == [*before, views.ASK_TO_FORGET]


def test_prompts_fit_the_person(stack: Stack) -> None:
    """Threat 11: titles are content."""
    prompts = {}
    for person in ("alice", "bob", "wes"):
        stack.slack.open_home(f"U{person.upper()}", "messages")

        def look(person: str = person) -> str:
            shown = stack.slack.surfaces()["prompts"].items()
            return next((json.dumps(its) for key, its in shown if f"DU{person.upper()}" in key), "")

        prompts[person] = stack.wait(look)
    assert "bonus pool of this year" in prompts["alice"]
    assert "bonus" not in prompts["bob"]
    assert "parking space cost" in prompts["bob"]
    assert "What can you do?" in prompts["wes"]  # nobody's account: the press page answers nothing
    assert not any(word in prompts["wes"] for word in ("bonus", "parking", "office"))


# -- posted answers stay right ---------------------------------------------------------------------


def test_who_joins_and_may_not_read_makes_it_go(stack: Stack) -> None:
    """Threat 12: a member joins after the answer was posted."""
    slack = stack.slack
    answer = stack.ask("board", "alice", BONUS)
    assert wait_until(stack.all_reviewed, 60)
    stack.judge()
    slack.join("board", "UBOB")
    for seen in (m for m in stack.posts("board") if "Brimvale" in m.text):
        stack.changed("board", seen, say.WITHDRAWN)
    withdrawn = stack.changed("board", answer, say.WITHDRAWN)
    assert "Brimvale" not in json.dumps(withdrawn.blocks)
    assert wait_until(stack.all_ended, 60)

    before = stack.last("carol")
    assert value_of(withdrawn, "ken_again")
    assert slack.press("UCAROL", "ken_again", channel="board", ts=answer.ts).failed == ""
    assert "Brimvale" in stack.direct("carol", after=before).text
    reply = stack.reply("board", answer.thread_ts, after=answer.ts)
    assert reply.text == say.ANSWERED_PRIVATELY


def test_who_came_while_ken_was_away_makes_it_go_once_ken_is_back(stack: Stack) -> None:
    """Threat 12: of what happens in a private channel without Ken, Slack tells it nothing."""
    slack = stack.slack
    answer = stack.ask("deed", "alice", MOVE)
    assert "Movarro" in answer.text
    assert wait_until(stack.all_reviewed, 60)
    stack.judge()
    slack.leave("deed", "UKEN")
    slack.join("deed", "UCAROL")
    slack.join("deed", "UKEN")
    stack.changed("deed", answer, say.WITHDRAWN)


def test_what_is_replaced_revoked_or_deleted(stack: Stack) -> None:
    """Threats 7, 39: an answer says that it is out of date, or is withdrawn."""
    office = stack.ask("office", "bob", PARKING)
    handbook = "handbook/parking.md"
    changed = {handbook: "# Parking Parvulo\n\nA parking space costs nothing a month (Parvulo).\n"}
    load(stack.data_dir, written(stack.folder, changed, PRINCIPALS, PERMISSIONS))
    outdated = stack.changed("office", office, say.OUTDATED)
    assert "forty euros" in outdated.text
    assert stack.slack.press("UBOB", "ken_again", channel="office", ts=outdated.ts).failed == ""
    again = stack.reply("office", office.thread_ts, after=outdated.ts)
    assert "costs nothing" in again.text
    stack.gone("office", outdated)

    office, away = stack.ask("office", "bob", MOVE), stack.ask("away", "bob", MOVE)
    bobs, alices = stack.tell("bob", MOVE), stack.tell("alice", MOVE)
    assert all("Movarro" in seen.text for seen in (office, away, bobs, alices))
    assert wait_until(stack.all_reviewed, 60)
    stack.judge()
    stack.slack.leave("away", "UKEN")
    revoked = [
        one | ({"allow": ["user:alice"]} if one["path"] == "plans" else {}) for one in PERMISSIONS
    ]
    load(stack.data_dir, written(stack.folder, {}, PRINCIPALS, revoked))
    stack.readers["Movarro"] = frozenset({"UALICE"})
    stack.changed("office", office, say.WITHDRAWN)
    stack.changed("DUBOB", bobs, say.WITHDRAWN)
    assert stack.now("DUALICE", alices) == alices
    stack.slack.join("away", "UKEN")
    stack.changed("away", away, say.WITHDRAWN)

    canteen = stack.ask("office", "bob", CANTEEN)
    (stack.folder / "documents/handbook/canteen.md").unlink()
    load(stack.data_dir, stack.folder, remove_missing=True)
    del stack.readers["Canzonet"]
    gone = stack.changed("office", canteen, say.WITHDRAWN)
    assert "Canzonet" not in json.dumps(gone.blocks)


# -- unasked, guests and strangers -----------------------------------------------------------------


def test_answers_that_nobody_asked_ken_for(stack: Stack) -> None:
    """Only where an administrator wants them, and never in the way."""
    stack.stays_silent("questions", "alice", HOURS)
    with stack.database.session("syncer") as session:
        session.execute(
            text(
                "INSERT INTO channel_setting (team_id, channel_id, automatic, per_hour)"
                " VALUES ('T1', 'CQUESTIONS', true, 2)"
            )
        )
    said = stack.slack.say("questions", "alice", HOURS)
    assert "Horavent" in stack.reply("questions", said.ts).text
    stack.stays_silent("questions", "bob", "I am out for lunch.")

    said = stack.slack.say("questions", "alice", BONUS)
    stack.ends_as("CQUESTIONS", said.ts, ("abstained", None))
    said = stack.slack.say("questions", "bob", HOURS)
    assert "Horavent" in stack.reply("questions", said.ts).text
    said = stack.slack.say("questions", "bob", CAREERS)
    stack.ends_as("CQUESTIONS", said.ts, ("abstained", "limited"))
    assert len(stack.posts("questions")) == 2


def test_guests_strangers_and_who_is_not_linked(stack: Stack) -> None:
    """Threat 10: a guest, somebody of another company, an account that is nobody's."""
    slack, before = stack.slack, stack.last("eve")
    assert stack.ask("hall", "eve", HOURS).text == say.ANSWERED_PRIVATELY
    assert say.NOTHING_FOUND in stack.direct("eve", after=before).text
    assert "Carilex" in stack.ask("hall", "eve", CAREERS).text

    before = stack.last("alice")
    assert stack.ask("partners", "alice", HOURS).text == say.ANSWERED_PRIVATELY
    assert "Horavent" in stack.direct("alice", after=before).text
    assert stack.ask("partners", "vic", HOURS).text == say.ANSWERED_PRIVATELY

    assert say.NOTHING_FOUND in stack.tell("wes", VACATION).text
    assert "Carilex" in stack.tell("wes", CAREERS).text

    answer = stack.ask("office", "alice", VACATION)
    stack.judge()
    slack.share("office")
    stack.changed("office", answer, say.WITHDRAWN)


# -- bad input, and places that are gone -----------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    ["", " \n", "?" * 40_000, "long " * 8000, "🙂🙃🎉", ":tada: :tada:", "متى يفتح المكتب؟",
     "\u202ewhen does the office open?", "a\x00b \x07\x1b[31m \u200b\ufeff", "<!channel> <@UBOB>",
     "\ud83d"],
    ids=["empty", "blank", "marks", "long", "emoji", "names of emoji", "right to left", "override",
         "control", "mentions", "half"],
)  # fmt: skip
def test_senseless_questions_are_answered_all_the_same(stack: Stack, words: str) -> None:
    """Threats 22, 40: a word to the asker, in a channel and alone."""
    replies = [stack.tell("hank", words), stack.ask("general", "hank", words)]
    for seen in replies:
        assert seen.text
        assert "<!channel>" not in json.dumps([seen.text, seen.blocks])
    before = stack.whispers("general", "hank")
    assert stack.slack.command("UHANK", "general", words).failed == ""
    assert len(stack.whispers("general", "hank")) == len(before) + 1


@pytest.mark.parametrize("channel", ["old", "lost"])
def test_a_channel_that_was_archived_or_that_ken_was_removed_from(
    stack: Stack, channel: str
) -> None:
    """Threats 11, 26: only the asker sees it; what waits in Redis is a number."""
    slack, before = stack.slack, stack.last("bob")
    with stack.frozen():
        slack.dm("carol", CAREERS)  # Redis has handed it to the worker already
        slack.wait_until_delivered()
        asked = slack.say(channel, "bob", f"<@UKEN> {VACATION}")
        slack.wait_until_delivered()
        waiting = stack.in_redis()
        assert "answer_question" in waiting
        for word in ("vacation", "UBOB", *READERS):
            assert word not in waiting
        if channel == "old":
            slack.archive(channel)
        else:
            slack.leave(channel, "UKEN")
    reply = stack.direct("bob", after=before)
    assert "question" in reply.text
    stack.ends_as(asked.channel, asked.ts, ("failed", "SlackRefused"))
    assert stack.posts(channel) == []


# -- over HTTP, limits, the end --------------------------------------------------------------------


def test_over_http_with_a_limit_and_cards(stack: Stack) -> None:
    """Threat 40: the same bot with KEN_SLACK_MODE=http; who asks too much hears so once.

    What is streamed is withdrawn like what is posted, with all that was above it.
    """
    stack.stopped()
    for name in ("bot", "playground", "worker"):
        assert Child(stack.data_dir, name).stop(20)
    port = free_port()
    write_env(
        stack.data_dir,
        {
            "KEN_SLACK_MODE": "http",
            "KEN_HTTP_PORT": str(port),
            "KEN_QUESTIONS_PER_MINUTE": "3",
            "KEN_CARDS_AFTER_S": "0",
        },
    )
    slack = stack.slack = started(stack.data_dir)
    assert wait_until(lambda: listens(port), 60)

    answer = stack.ask("crew", "ivy", VACATION)
    assert DAYS in words_of(answer)
    methods = [call.method for call in slack.calls() if call.method.startswith("chat.")]
    ending = ["chat.stopStream", "chat.update"]
    assert [methods[0], *methods[-2:]] == ["chat.startStream", *ending]
    before = stack.last("gerda")
    assert slack.press("UGERDA", "ken_private", channel="crew", ts=answer.ts).failed == ""
    assert DAYS in words_of(stack.direct("gerda", after=before))
    stack.judge()
    slack.join("crew", "UEVE")
    withdrawn = stack.changed("crew", answer, say.WITHDRAWN)
    assert [block["type"] for block in withdrawn.blocks] == ["rich_text", "actions"]
    before = stack.last("ivy")
    assert slack.command("UIVY", "general", CAREERS).failed == ""
    assert "Carilex" in words_of(stack.direct("ivy", after=before))

    for _ in range(2):
        assert DAYS in words_of(stack.tell("gerda", VACATION))
    assert words_of(stack.tell("gerda", VACATION)).strip() == say.LIMITED
    fifth = slack.dm("gerda", VACATION)
    stack.ends_as("DUGERDA", fifth.ts, ("abstained", "limited"))
    assert stack.posts("DUGERDA")[-1].ts < fifth.ts


def test_tokens_that_serve_no_more_end_what_is_asked(stack: Stack) -> None:
    """No reply can be posted: the reason is on record; Ken continues once the token works."""
    slack: Playground = stack.slack
    for order in (slack.revoke, slack.uninstall):
        with stack.frozen():
            asked = slack.dm("judy", HOURS)
            slack.wait_until_delivered()
            order()
        stack.ends_as("DUJUDY", asked.ts, ("failed", "SlackRefused"))
        slack.restore()
    assert {("tokens_revoked", None), ("uninstalled", None)} <= stack.errands()
    assert "Horavent" in words_of(stack.tell("judy", HOURS))


def test_every_call_was_one_that_slack_takes_and_nothing_unfurls(stack: Stack) -> None:
    """Threats 20 to 22, and 10 to 14 over all that was said to anybody."""
    calls = [*stack.calls, *stack.slack.calls()]
    check_calls(calls)
    for call in calls:
        if call.method in ("chat.postMessage", "chat.postEphemeral"):
            flags = {name: call.arguments.get(name) for name in ("unfurl_links", "unfurl_media")}
            assert {str(flag).lower() for flag in flags.values()} <= {"false", "0"}, call.method
            assert call.arguments["parse"] == "none"
    assert {kind for kind, outcome in stack.errands() if outcome} <= set()
    assert sum("Brimvale" in json.dumps(call.arguments) for call in calls) > 5
    stack.judge()


def test_no_word_of_a_document_or_of_anybody_is_in_logs_or_redis(stack: Stack) -> None:
    """Threat 26: no question, no answer, no token."""
    logged = "".join(
        file.read_text(errors="replace")
        for file in (stack.data_dir / "logs").iterdir()
        if not file.name.startswith(("postgres", "redis"))
    )
    kept = stack.in_redis()
    assert "bot_started" in logged
    assert "answer_revised" in logged
    for word in (*READERS, "vacation", "bonus", "It was more", "xoxb", "xapp"):
        assert word not in logged
        assert word not in kept
