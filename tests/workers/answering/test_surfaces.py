"""How a question comes decides where it is answered, and who reads along."""

from dataclasses import replace
from itertools import count, permutations
from typing import Any

import pytest
from sqlalchemy import text

from bot.playground.client import Seen
from policies import Class
from policies.described import Permissions
from tests.workers.slack_company import TEAM, Company, kept, quote_all
from workers import interface
from workers.answering import answer as answering
from workers.answering.talk import reply_to_request, reply_to_talk
from workers.errands import run_errand
from workers.errors import SlackBusy
from workers.intake.messages import Errand, ErrandKind, Question, Surface
from workers.models.base import Draft, Passage
from workers.replies import outbox
from workers.replies import rendering as say
from workers.upkeep import review

QUESTION = "What is the budget?"
_numbers = count(1)


@pytest.fixture
def alice(company: Company) -> int:
    alice = company.person("alice")
    company.person("bob")
    company.library.document("hers", "The budget is canary.", only(alice))
    return alice


def only(*principals: int) -> Permissions:
    return Permissions(frozenset(principals))


def ask(company: Company, surface: Surface, *, channel: str, ts: str, thread: str = "") -> int:
    """Alice asks in some way, and a worker takes it up."""
    question = Question(
        event_id=f"Ev{surface}{next(_numbers)}",
        team_id=TEAM,
        channel_id=channel,
        message_ts=ts,
        thread_ts=thread,
        user_id="UALICE",
        text=QUESTION,
        surface=surface,
        revision="" if surface.is_message else f"r{next(_numbers)}",
    )
    question_id = interface.keep(question)
    assert question_id is not None
    company.work(question_id)
    return question_id


def errand(
    company: Company, kind: ErrandKind, user: str, channel: str = "", **details: object
) -> None:
    """Somebody pressed something, and a worker does it, and all that came of it."""
    known = newest(company)
    errand_id = interface.hand_over(
        Errand(f"Er{next(_numbers)}", kind, TEAM, user, channel, dict(details))
    )
    assert errand_id is not None
    run_errand(company.services, errand_id)
    for question_id in range(known + 1, newest(company) + 1):
        company.work(question_id)


def newest(company: Company) -> int:
    with company.library.database.session("ingress") as session:
        return int(session.scalar(text("SELECT coalesce(max(id), 0) FROM question")) or 0)


@pytest.mark.parametrize("surface", [Surface.COMMAND, Surface.SHORTCUT, Surface.PRIVATE])
def test_what_is_asked_for_oneself_is_answered_to_oneself(
    company: Company, alice: int, surface: Surface
) -> None:
    """Threat 11: the channel learns neither the answer nor that there was a question."""
    said = company.slack.say("all", "alice", "hello")
    question_id = ask(company, surface, channel="CALL", ts=said.ts, thread=said.ts)

    assert company.state(question_id)[0] == "answered"
    assert company.posts("CALL") == []
    (told,) = company.posts("DUALICE")
    assert "canary" in told.text


def test_a_share_is_asked_again_for_the_channel_and_copies_nothing(
    company: Company, alice: int
) -> None:
    """Threat 14: what Alice alone may read does not come into the channel, by no button."""
    question_id = company.asked("CBOARD", "alice", QUESTION)
    assert "canary" in company.posts("DUALICE")[0].text

    errand(company, "share", "UALICE", "DUALICE", question_id=question_id)

    assert [post.text for post in company.posts("CBOARD")] == [say.ANSWERED_PRIVATELY]
    assert company.posts("DUALICE")[-1].text == say.CANNOT_SHARE


def test_a_share_answers_the_channel_from_what_all_of_it_may_read(company: Company) -> None:
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("hers", "The budget is canary.", only(alice))
    question_id = company.asked("CBOARD", "alice", QUESTION)
    company.library.document("ours", "The budget is ten million.", only(alice, bob))

    errand(company, "share", "UALICE", "DUALICE", question_id=question_id)

    shared = company.posts("CBOARD")[-1]
    assert "ten million" in shared.text
    assert "canary" not in "\n".join(repr(post) for post in company.posts("CBOARD"))


@pytest.mark.parametrize(
    ("user", "channel"), [("UBOB", "CBOARD"), ("UBOB", "DUBOB"), ("UCARL", "CBOARD")]
)
def test_only_who_asked_shares(company: Company, alice: int, user: str, channel: str) -> None:
    """Threat 14: a forged press of somebody else's button does nothing."""
    question_id = company.asked("CBOARD", "alice", QUESTION)
    before = newest(company)

    errand(company, "share", user, channel, question_id=question_id)

    assert newest(company) == before


@pytest.mark.parametrize("value", ["1", 2.5, True, None, -1, 10**30, [1]])
def test_a_forged_number_of_a_question_does_nothing(
    company: Company, alice: int, value: object
) -> None:
    company.asked("CBOARD", "alice", QUESTION)
    before = newest(company)
    errand(company, "private", "UBOB", "CBOARD", question_id=value)
    assert newest(company) == before


def test_asking_privately_answers_whoever_asks_by_their_own_rights(
    company: Company, alice: int
) -> None:
    """Threats 11 and 14: Bob presses, and is told what Bob may read."""
    question_id = company.asked("CBOARD", "alice", QUESTION)

    errand(company, "private", "UBOB", "CBOARD", question_id=question_id)

    (told,) = company.posts("DUBOB")
    assert told.text == say.NOTHING_FOUND


def test_what_was_asked_for_oneself_in_a_channel_is_nobody_elses_to_ask_again(
    company: Company, alice: int
) -> None:
    """Threat 14: nobody there has seen what Alice asked with /ken."""
    question_id = ask(company, Surface.COMMAND, channel="CBOARD", ts="1.000001")
    before = newest(company)
    for kind in ("private", "again"):
        errand(company, kind, "UBOB", "CBOARD", question_id=question_id)
    assert newest(company) == before


def test_a_private_question_is_nobody_elses_to_ask_again(company: Company, alice: int) -> None:
    question_id = company.asked("DUALICE", "alice", QUESTION)
    before = newest(company)
    errand(company, "private", "UBOB", "DUALICE", question_id=question_id)
    assert newest(company) == before


@pytest.mark.parametrize("kind", ["share", "private", "again"])
def test_a_press_in_another_workspace_is_no_press_of_ours(
    company: Company, alice: int, kind: ErrandKind
) -> None:
    """Threat 10: the same ids of a person and a channel, under another team; and under ours."""
    question_id = company.asked("CBOARD", "alice", QUESTION)
    before = newest(company)
    for team, user in (("T2", "UALICE"), ("T2", "UBOB"), (TEAM, "UALICE")):
        pressed = Errand(
            f"Er{next(_numbers)}", kind, team, user, "CBOARD", {"question_id": question_id}
        )
        errand_id = interface.hand_over(pressed)
        assert errand_id is not None
        run_errand(company.services, errand_id)
        assert (newest(company) > before) is (team == TEAM)


@pytest.mark.parametrize("surface", [Surface.COMMAND, Surface.SHORTCUT, Surface.PRIVATE])
def test_what_was_asked_for_oneself_is_asked_again_for_oneself(
    company: Company, alice: int, surface: Surface
) -> None:
    """Threat 11: "Ask again" below a private answer leaves no trace in the channel."""
    question_id = ask(company, surface, channel="CALL", ts="1.000001")
    errand(company, "again", "UALICE", "DUALICE", question_id=question_id)
    assert company.posts("CALL") == []
    assert len(company.posts("DUALICE")) == 2


def test_whoever_asks_again_takes_nothing_from_whoever_asked_first(
    company: Company, alice: int
) -> None:
    question_id = company.asked("CBOARD", "alice", QUESTION)
    errand(company, "again", "UBOB", "CBOARD", question_id=question_id)
    assert "canary" in company.posts("DUALICE")[0].text
    assert [post.text for post in company.posts("DUBOB")] == [say.NOTHING_FOUND]

    errand(company, "again", "UALICE", "CBOARD", question_id=question_id)
    assert len(company.posts("DUALICE")) == 1


@pytest.mark.parametrize("kind", ["share", "private", "again"])
def test_a_question_that_was_forgotten_is_not_asked_again(
    company: Company, alice: int, kind: ErrandKind
) -> None:
    question_id = company.asked("CBOARD", "alice", QUESTION)
    errand(company, "forget", "UALICE")
    before = newest(company)

    errand(company, kind, "UALICE", "CBOARD", question_id=question_id)

    assert newest(company) == before
    assert company.posts("DUALICE")[-1].text == say.FORGOTTEN


def test_unasked_it_speaks_only_where_that_is_wanted_and_only_with_an_answer(
    company: Company,
) -> None:
    everybody = company.person("alice"), company.person("bob")
    said = company.slack.say("board", "alice", QUESTION)
    first = ask(company, Surface.AUTOMATIC, channel="CBOARD", ts=said.ts, thread=said.ts)
    assert company.state(first) == ("abstained", "limited")

    wanted(company, "CBOARD", per_hour=1)
    said = company.slack.say("board", "alice", QUESTION)
    second = ask(company, Surface.AUTOMATIC, channel="CBOARD", ts=said.ts, thread=said.ts)
    assert company.state(second) == ("abstained", None)
    assert company.posts("CBOARD") == []
    assert company.posts("DUALICE") == []

    company.library.document("ours", "The budget is ten million.", only(*everybody))
    for expected in ("answered", "abstained"):  # one an hour
        said = company.slack.say("board", "alice", QUESTION)
        question_id = ask(company, Surface.AUTOMATIC, channel="CBOARD", ts=said.ts, thread=said.ts)
        assert company.state(question_id)[0] == expected
    assert len(company.posts("CBOARD")) == 1


def wanted(company: Company, channel: str, *, per_hour: int) -> None:
    with company.library.database.session("syncer") as session:
        session.execute(
            text("INSERT INTO channel_setting VALUES (:team, :channel, true, :per_hour)"),
            {"team": TEAM, "channel": channel, "per_hour": per_hour},
        )


def test_what_people_said_in_the_thread_is_context_and_what_ken_said_is_not(
    company: Company,
) -> None:
    """Threat 13: Bob goes on with Alice's thread, in which Ken has answered."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("ours", "The budget is ten million.", only(alice, bob))
    began = company.slack.say("board", "alice", f"<@UKEN> {QUESTION}").ts
    company.work(kept(channel_id="CBOARD", ts=began))
    said = company.slack.say("board", "bob", "and for Berlin?", thread_ts=began)
    question = Question(
        "Ev-follow-up", TEAM, "CBOARD", said.ts, began, "UBOB", "and for Berlin?", Surface.FOLLOW_UP
    )
    question_id = interface.keep(question)
    assert question_id is not None
    company.work(question_id)

    asked = [question for question, _ in company.model.shown]
    assert asked == [QUESTION, f"{QUESTION}\nand for Berlin?"]


def test_an_edited_question_is_answered_anew_and_its_old_answer_is_gone(
    company: Company, alice: int
) -> None:
    first = company.asked("DUALICE", "alice", "What is the plan?")
    with company.services.database.session("ingress") as session:
        ts = session.scalar(text("SELECT message_ts FROM question WHERE id = :id"), {"id": first})
    (old,) = company.posts("DUALICE")

    edited = interface.keep(
        Question("Ev-edit", TEAM, "DUALICE", str(ts), str(ts), "UALICE", QUESTION, revision="9.9")
    )
    assert edited is not None
    company.work(edited)

    (new,) = company.posts("DUALICE")
    assert new.ts != old.ts
    assert "canary" in new.text


def test_the_answer_to_a_deleted_question_is_deleted(company: Company, alice: int) -> None:
    question_id = company.asked("CBOARD", "alice", QUESTION)
    ts = company.posts("CBOARD")[0].thread_ts
    assert company.posts("DUALICE")

    errand(company, "deleted", "", "CBOARD", ts=ts)

    assert company.posts("CBOARD") == []
    assert company.posts("DUALICE") == []
    assert company.state(question_id)[0] == "answered"


def version(
    company: Company,
    channel: str,
    ts: str,
    *,
    revision: str = "",
    words: str = QUESTION,
    surface: Surface = Surface.SLACK,
) -> int:
    """What Slack tells of a message at one time, and a worker takes up."""
    question = Question(
        f"EvV{next(_numbers)}",
        TEAM,
        channel,
        ts,
        ts,
        "UALICE",
        words,
        surface=surface,
        revision=revision,
    )
    question_id = interface.keep(question)
    assert question_id is not None
    company.work(question_id)
    return question_id


NEWEST = "What is the budget, please?"


@pytest.mark.parametrize("channel", ["DUALICE", "CBOARD"])
@pytest.mark.parametrize("order", list(permutations(["", "9.1", "9.2"])))
def test_in_whatever_order_slack_tells_of_edits_the_newest_is_answered_once(
    company: Company, alice: int, channel: str, order: tuple[str, ...]
) -> None:
    ts = company.slack.say(channel, "UALICE", "what was said").ts
    ids = {
        revision: version(
            company,
            channel,
            ts,
            revision=revision,
            words=NEWEST if revision == "9.2" else f"What is the budget of {revision or 'old'}?",
        )
        for revision in order
    }

    assert len(company.posts("DUALICE")) == 1
    assert len(company.posts(channel)) == 1
    assert company.state(ids["9.2"])[0] == "answered"
    late = order[order.index("9.2") + 1 :]
    assert all(company.state(ids[one]) == ("abstained", "asked_anew") for one in late)
    asked = [question for question, _ in company.model.shown]
    assert asked[-1] == NEWEST


@pytest.mark.parametrize("surface", [Surface.SLACK, Surface.FOLLOW_UP])
def test_what_was_deleted_before_it_came_is_not_answered(
    company: Company, alice: int, surface: Surface
) -> None:
    """Nor is an edit of it; and another message is."""
    ts = company.slack.say("CBOARD", "UALICE", QUESTION).ts
    errand(company, "deleted", "UALICE", "CBOARD", ts=ts)
    first = version(company, "CBOARD", ts, surface=surface)
    edited = version(company, "CBOARD", ts, surface=surface, revision="9.1")
    assert company.state(first) == ("abstained", "asked_anew")
    assert company.state(edited) == ("abstained", "asked_anew")
    assert company.posts("CBOARD") == company.posts("DUALICE") == []
    assert company.model.shown == []
    company.asked("CBOARD", "alice", QUESTION)
    assert company.posts("CBOARD") != []


def test_an_edit_that_takes_the_question_back_before_it_came_and_one_that_asks_again(
    company: Company, alice: int
) -> None:
    ts = company.slack.say("CBOARD", "UALICE", "never mind").ts
    errand(company, "deleted", "UALICE", "CBOARD", ts=ts, revision="9.1")
    assert company.state(version(company, "CBOARD", ts))[0] == "abstained"
    assert company.posts("CBOARD") == []
    again = version(company, "CBOARD", ts, revision="9.2")
    assert company.state(again)[0] == "answered"
    errand(company, "deleted", "UALICE", "CBOARD", ts=ts, revision="9.1")
    assert len(company.posts("CBOARD")) == 1


def test_a_deletion_that_is_told_twice_is_kept_once_and_is_in_nobodys_home(
    company: Company, alice: int
) -> None:
    ts = company.slack.say("CBOARD", "UALICE", QUESTION).ts
    for _ in range(2):
        errand(company, "deleted", "UALICE", "CBOARD", ts=ts)
    with company.library.database.session("ingress") as session:
        rows = session.execute(text("SELECT user_id, state, reason FROM question")).all()
    assert [tuple(row) for row in rows] == [("", "abstained", "deleted")]


def test_an_edited_question_that_nobody_put_to_ken_is_answered_once(
    company: Company,
) -> None:
    """Where Ken answers by itself, too, the answer to the older words goes."""
    company.person("alice")
    company.library.document("ours", "The budget is canary.", only(int(Class.MEMBERS)))
    with company.library.database.session("syncer") as session:
        session.execute(
            text("INSERT INTO channel_setting VALUES (:team, 'CALL', true, 20)"), {"team": TEAM}
        )
    ts = company.slack.say("CALL", "UALICE", QUESTION).ts
    version(company, "CALL", ts, surface=Surface.AUTOMATIC)
    version(company, "CALL", ts, surface=Surface.AUTOMATIC, revision="9.1", words=NEWEST)
    assert len(company.posts("CALL")) == 1


def test_a_question_that_is_deleted_while_the_model_writes_is_not_answered(
    company: Company, alice: int
) -> None:
    said = company.slack.dm("alice", QUESTION)
    question_id = kept(channel_id="DUALICE", ts=said.ts)

    def meanwhile(question: str, passages: tuple[Passage, ...]) -> Draft:
        errand(company, "deleted", "", "DUALICE", ts=said.ts)
        return honest(question, passages)

    honest = company.model.write_next
    company.model.write_next = meanwhile
    company.work(question_id)

    assert company.posts("DUALICE") == []
    assert company.state(question_id) == ("abstained", "deleted")


def test_ken_stops_when_it_is_told_to(company: Company, alice: int) -> None:
    said = company.slack.dm("alice", QUESTION)
    question_id = kept(channel_id="DUALICE", ts=said.ts)

    errand(company, "stopped", "UALICE", "DUALICE", thread_ts=said.ts)
    company.work(question_id)

    assert company.state(question_id) == ("abstained", "stopped")
    assert [post.text for post in company.posts("DUALICE")] == [say.STOPPED]


@pytest.mark.parametrize("surface", [Surface.SLACK, Surface.SHORTCUT])
def test_whoever_stops_stops_their_own_questions_and_nobody_elses(
    company: Company, alice: int, surface: Surface
) -> None:
    """Threat 14: Bob presses in a thread in which Alice waits, for an answer to all or to her."""
    said = company.slack.say("CBOARD", "UBOB", "hello")
    hers = kept(channel_id="CBOARD", ts=said.ts, words=QUESTION, surface=surface)
    his = interface.keep(
        Question(
            "EvBob", TEAM, "CBOARD", "1.1", said.ts, "UBOB", QUESTION, surface=Surface.FOLLOW_UP
        )
    )
    assert his is not None

    errand(company, "stopped", "UBOB", "CBOARD", thread_ts=said.ts)
    company.work(hers)

    assert company.state(his) == ("abstained", "stopped")
    assert company.state(hers)[0] == "answered"
    assert "canary" in company.posts("DUALICE")[-1].text


def test_whoever_stops_beside_somebody_elses_question_changes_nothing(
    company: Company, alice: int
) -> None:
    """Not even a word, or the status of somebody else's question."""
    said = company.slack.say("CBOARD", "UALICE", QUESTION)
    hers = kept(channel_id="CBOARD", ts=said.ts)
    errand(company, "stopped", "UBOB", "CBOARD", thread_ts=said.ts)
    assert company.state(hers) == ("kept", None)
    assert company.posts("CBOARD") == []
    assert company.slack.calls("agents.sessions.setStatus") == []


def test_what_was_asked_for_oneself_is_stopped_without_a_word_in_the_channel(
    company: Company, alice: int
) -> None:
    """Threat 11: that there was a question is nobody else's business."""
    said = company.slack.say("CBOARD", "UBOB", "hello")
    hers = kept(channel_id="CBOARD", ts=said.ts, surface=Surface.SHORTCUT)
    errand(company, "stopped", "UALICE", "CBOARD", thread_ts=said.ts)
    assert company.state(hers) == ("abstained", "stopped")
    assert company.posts("CBOARD") == []
    assert [post.text for post in company.posts("DUALICE")] == [say.STOPPED]


def test_a_flood_gets_one_polite_word_and_costs_no_search(company: Company, alice: int) -> None:
    """Threat 40: what one person sends does not become work, and others are answered."""
    company.services = replace(
        company.services,
        settings=company.services.settings.model_copy(update={"questions_per_minute": 3}),
    )
    asked = [company.asked("DUALICE", "alice", f"{QUESTION} {number}") for number in range(8)]

    assert len(company.model.shown) == 3
    assert [company.state(one) for one in asked[3:]] == [("abstained", "limited")] * 5
    assert [post.text for post in company.posts("DUALICE")[3:]] == [say.LIMITED]
    company.asked("DUBOB", "bob", QUESTION)
    assert company.posts("DUBOB")[0].text == say.NOTHING_FOUND


@pytest.mark.parametrize("words", ["help", "", "?"])
def test_whoever_does_not_know_what_to_ask_is_told(
    company: Company, alice: int, words: str
) -> None:
    company.asked("DUALICE", "alice", words)
    (told,) = company.posts("DUALICE")
    assert told.text == say.escaped(say.HELP)
    assert company.model.shown == []


@pytest.mark.parametrize(
    "words", ["hi", "thanks!", "book me a day off", "you're useless", ":wave:"]
)
@pytest.mark.parametrize("channel", ["CBOARD", "CALL", "DUALICE"])
def test_talk_gets_a_sentence_where_it_stands_and_nowhere_else(
    company: Company, alice: int, channel: str, words: str
) -> None:
    """Never the refusal, nothing searched, and in a channel no direct message."""
    company.asked(channel, "alice", words)
    (told,) = company.posts(channel)
    assert told.text == say.escaped(reply_to_talk(words) or "")
    assert told.text not in (say.NOTHING_FOUND, say.ANSWERED_PRIVATELY)
    assert channel == "DUALICE" or company.posts("DUALICE") == []
    assert company.model.shown == []


@pytest.mark.parametrize("channel", ["CBOARD", "CALL", "DUALICE"])
def test_a_request_is_looked_up_and_is_never_refused_nor_answered_elsewhere(
    company: Company, alice: int, channel: str
) -> None:
    """“Reset my password”: a page may say how; if none does, Ken says that it cannot do it."""
    company.model.write_next = lambda question, passages: Draft(())
    question_id = company.asked(channel, "alice", "Reset my password")
    (posted,) = company.posts(channel)
    assert posted.text == say.escaped(reply_to_request("Reset my password") or "")
    assert channel == "DUALICE" or company.posts("DUALICE") == []
    assert company.state(question_id)[0] == "abstained"

    company.model.write_next = quote_all
    company.library.document("public", "To reset my password I press F1.", only(int(Class.MEMBERS)))
    company.asked(channel, "alice", "Reset my password")
    assert "press F1" in company.posts(channel)[-1].text


def first_block(post: Seen) -> list[dict[str, Any]]:
    """The parts of the first section of a message."""
    section: dict[str, Any] = post.blocks[0]["elements"][0]
    return [{"in": section["type"], **element} for element in section["elements"]]


def begins_with(post: Seen, words: str) -> str:
    """Whether it begins with the quoted question; the address that it leads to."""
    quoted = first_block(post)
    assert {one["in"] for one in quoted} == {"rich_text_quote"}
    links = [one["url"] for one in quoted if one["type"] == "link"]
    assert "".join(one["text"] for one in quoted if one["type"] != "link").strip() == words
    return "".join(links)


@pytest.mark.parametrize("found", [True, False])
def test_a_private_answer_begins_with_its_question_and_the_channel_leads_to_it(
    company: Company, alice: int, found: bool
) -> None:
    """The channel's bytes are the same whether or not there is anything for the asker."""
    if not found:
        company.model.write_next = lambda question, passages: Draft(())
    said = company.slack.say("all", "alice", QUESTION)
    company.work(kept(channel_id="CALL", ts=said.ts))

    (private,), (public,) = company.posts("DUALICE"), company.posts("CALL")
    assert ("canary" in private.text) is found
    address = begins_with(private, QUESTION)
    assert address == f"https://acme.slack.com/archives/CALL/p{said.ts.replace('.', '')}"
    link, _end_of_line = first_block(public)
    assert (link["url"], link["text"]) == (
        "https://acme.slack.com/archives/DUALICE",
        say.ANSWERED_PRIVATELY,
    )
    assert public.text == say.ANSWERED_PRIVATELY
    assert QUESTION not in repr(public.blocks)


def test_without_an_address_the_channels_sentence_is_the_same(company: Company, alice: int) -> None:
    company.slack.fault("error", method="chat.getPermalink", error="message_not_found")
    company.asked("CALL", "alice", QUESTION)
    (private,) = company.posts("DUALICE")
    assert begins_with(private, QUESTION) == ""


@pytest.mark.parametrize(
    ("surface", "has_link"),
    [(Surface.COMMAND, False), (Surface.SHORTCUT, True), (Surface.PRIVATE, True)],
)
def test_what_is_asked_from_elsewhere_says_what_was_asked(
    company: Company, alice: int, surface: Surface, has_link: bool
) -> None:
    said = company.slack.say("all", "bob", QUESTION).ts
    ask(company, surface, channel="CALL", ts=said, thread=said)
    (private,) = company.posts("DUALICE")
    address = f"https://acme.slack.com/archives/CALL/p{said.replace('.', '')}"
    assert begins_with(private, QUESTION) == (address if has_link else "")


def test_a_refusal_to_share_says_which_question(company: Company, alice: int) -> None:
    said = company.slack.say("all", "alice", QUESTION).ts
    ask(company, Surface.SHARE, channel="CALL", ts=said, thread=said)
    (private,) = company.posts("DUALICE")
    assert private.text == say.CANNOT_SHARE
    assert begins_with(private, QUESTION)


def test_a_failure_that_only_the_asker_hears_of_says_which_question(
    company: Company, alice: int
) -> None:
    def broken(question: str, passages: tuple[Passage, ...]) -> Draft:
        raise RuntimeError

    company.model.write_next = broken
    said = company.slack.say("all", "alice", QUESTION).ts
    question_id = ask(company, Surface.PRIVATE, channel="CALL", ts=said, thread=said)
    while company.state(question_id)[0] == "kept":
        company.rest_is_over(question_id)
        company.work(question_id)
    (private,) = company.posts("DUALICE")
    assert begins_with(private, QUESTION)


def test_the_quoted_question_is_one_inert_line(company: Company, alice: int) -> None:
    words = "budget\n<!channel> &lt;@UBOB&gt; https://evil.example/x *b* " + "long " * 99
    ask_words = company.slack.say("all", "alice", "hello").ts
    company.work(kept(channel_id="CALL", ts=ask_words, words=words, surface=Surface.COMMAND))
    (private,) = company.posts("DUALICE")
    quoted = first_block(private)
    shown = "".join(one["text"] for one in quoted)
    assert {one["type"] for one in quoted} == {"text"}
    assert len(shown) <= 150
    assert shown.endswith("…")
    assert not {"\n", "<"} & set(shown)


def test_of_a_long_private_answer_the_first_part_alone_has_the_question(
    company: Company, alice: int
) -> None:
    company.model.write_next = lambda question, passages: Draft(
        tuple(
            replace(sentence, text=f"{sentence.text} {turn}")
            for turn in range(25)
            for sentence in quote_all(question, passages).sentences
        )
    )
    said = company.slack.say("all", "alice", QUESTION).ts
    ask(company, Surface.PRIVATE, channel="CALL", ts=said, thread=said)
    first, *rest = company.posts("DUALICE")
    assert begins_with(first, QUESTION)
    assert len(rest) == 2
    assert "rich_text_quote" not in repr([post.blocks for post in rest])


def test_talk_that_nobody_had_with_ken_gets_nothing(company: Company, alice: int) -> None:
    said = company.slack.say("all", "alice", "how are you?").ts
    company.work(kept(channel_id="CALL", ts=said, words="how are you?", surface=Surface.AUTOMATIC))
    assert company.posts("CALL") == []


@pytest.mark.parametrize(
    ("words", "searched"),
    [
        ("<@UBOB> and <@U0NOBODY> share what budget?", "bob and  share what budget?"),
        ("Is the budget in <#CALL> or <#CBOARD>?", "Is the budget in all or ?"),
        ("Is the budget in https://wiki.example/x?", "Is the budget in  "),
    ],
)
def test_names_stand_for_ids_in_what_is_searched_and_stored(
    company: Company, alice: int, words: str, searched: str
) -> None:
    """A private channel's name is not resolved: not everybody who reads the question knows it."""
    question_id = company.asked("DUALICE", "alice", words)
    assert [asked for asked, _ in company.model.shown] == [searched]
    ((stored,),) = company.look(question_id, "SELECT text FROM question")
    assert "<" not in stored


def test_who_does_not_see_every_channel_is_told_no_name(company: Company) -> None:
    company.person("guest", guest=True)
    question_id = company.asked("CGUEST", "guest", "What is the budget of <#CALL>?")
    ((stored,),) = company.look(question_id, "SELECT text FROM question")
    assert stored == "What is the budget of ?"


def test_where_slack_does_not_answer_the_marks_go(company: Company, alice: int) -> None:
    company.slack.fault("error", method="users.info", error="internal_error", times=9)
    company.asked("DUALICE", "alice", "What budget has <@UBOB>?")
    assert [asked for asked, _ in company.model.shown] == ["What budget has ?"]


def test_an_app_that_only_slack_knows_for_one_is_not_answered(company: Company, alice: int) -> None:
    """Nothing in the event says so: its account does."""
    said = company.slack.say("all", "alice", QUESTION).ts
    question_id = kept(channel_id="CALL", user_id="UROBOT", ts=said)
    company.work(question_id)
    assert company.state(question_id) == ("abstained", "asked_by_app")
    assert company.posts("CALL") == []
    assert company.model.shown == []


def test_marks_in_the_thread_are_words_too(company: Company, alice: int) -> None:
    root = company.slack.say(
        "board", "bob", "<@UKEN|ken> what is the budget of <@UBOB> &amp; co?"
    ).ts
    reply = company.slack.say("board", "alice", "and for interns?", thread_ts=root).ts
    question = Question("EvT", TEAM, "CBOARD", reply, root, "UALICE", "and for interns?")
    question_id = interface.keep(question)
    assert question_id is not None
    company.work(question_id)
    assert company.model.shown[-1][0] == "what is the budget of bob & co?\nand for interns?"


def test_a_long_answer_comes_in_parts_with_buttons_below_the_last(company: Company) -> None:
    alice = company.person("alice")
    for number in range(8):
        company.library.document(f"d{number}", f"The budget {number}. " + "x " * 250, only(alice))
    company.model.write_next = lambda question, passages: Draft(
        tuple(
            replace(sentence, text=f"{sentence.text[:600]} {turn}")
            for turn in range(4)
            for sentence in honest(question, passages).sentences
        )
    )
    honest = type(company.model)().write_next

    company.asked("DUALICE", "alice", QUESTION)

    parts = company.posts("DUALICE")
    assert len(parts) > 1
    kinds = [[block["type"] for block in part.blocks] for part in parts]
    assert all(kind == ["rich_text"] for kind in kinds[:-1])
    assert kinds[-1][:3] == ["rich_text", "context_actions", "actions"]


def test_a_long_answer_that_is_out_in_part_is_not_mixed_with_another(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 7: Slack asks for a moment after the first part, and Alice loses the document; what
    is out stays on record with what it rests on, so that it is withdrawn."""
    alice = company.person("alice")
    document = company.library.document("hers", "The budget is canary. " + "x " * 280, only(alice))
    company.library.document("other", "The budget is another. " + "x " * 280, only(alice))
    honest = type(company.model)().write_next
    company.model.write_next = lambda question, passages: Draft(
        tuple(
            replace(honest(question, passages).sentences[0], text=f"{turn} " + "y " * 300)
            for turn in range(30)
        )
    )
    deliver = outbox.deliver

    def busy(*args: object, part: int = 1) -> None:
        if part == 2:
            with company.library.change() as change:
                change.set_permissions(document, Permissions())
            raise SlackBusy("ratelimited", retry_after_s=0.0)
        deliver(*args, part=part)  # type: ignore[arg-type]

    monkeypatch.setattr(answering, "deliver", busy)
    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert len(company.posts("DUALICE")) == 1

    review.look_at_all(company.services)

    (posted,) = company.posts("DUALICE")
    assert posted.text == say.WITHDRAWN
    assert company.state(question_id) == ("failed", "AnswerWithdrawn")


def test_the_rest_of_a_long_answer_is_checked_again_after_a_crash(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 7: the first part is out, its worker dies, and Alice loses the document."""
    alice = company.person("alice")
    document = company.library.document("hers", "The budget is canary. " + "x " * 280, only(alice))
    honest = type(company.model)().write_next
    company.model.write_next = lambda question, passages: Draft(
        tuple(
            replace(honest(question, passages).sentences[0], text=f"{turn} " + "y " * 300)
            for turn in range(30)
        )
    )
    calls = count(1)
    deliver = outbox.deliver

    def dying(*args: object, part: int = 1) -> None:
        if next(calls) > 1:
            raise RuntimeError
        deliver(*args, part=part)  # type: ignore[arg-type]

    monkeypatch.setattr(answering, "deliver", dying)
    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert len(company.posts("DUALICE")) == 1
    monkeypatch.setattr(answering, "deliver", deliver)
    with company.library.change() as change:
        change.set_permissions(document, Permissions())
    company.rest_is_over(question_id)
    company.work(question_id)

    review.look_at_all(company.services)
    (left,) = company.posts("DUALICE")
    assert left.text == say.WITHDRAWN
