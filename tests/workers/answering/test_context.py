"""Follow-ups in a thread: what gets an earlier question in front, and what stands alone."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workers.replies.test_rendering import PAYLOADS, check_text, hostile
from workers.answering.context import self_contained
from workers.slack.client import SlackMessenger, TokenBucket
from workers.slack.marks import named, plain
from workers.slack.messenger import Said

FULL = "How many days of vacation do interns have?"
VOLL = "Wie viele Urlaubstage haben Praktikanten?"


def after(text: str, *before: str) -> list[str]:
    """The lines of the question that is asked after these messages."""
    return self_contained(text, said(before)).split("\n")


def said(before: Sequence[str]) -> list[Said]:
    return [Said("U1", named(plain(text), {}), f"{number}.0") for number, text in enumerate(before)]


@pytest.mark.parametrize(
    "text",
    [
        "and in Berlin?",
        "And for working students in our Munich office?",
        "and how many for apprentices?",
        "what about apprentices?",
        "But what about part-time working students in Munich?",
        "how about the people in Austria?",
        "same for apprentices?",
        "only in Germany?",
        "also on Sundays?",
        "in Berlin?",
        "for apprentices",
        "Berlin?",
        "sick leave?",
        "why?",
        "Why not?",
        "why not in Berlin?",
        "since when?",
        "how long?",
        "how many in Berlin?",
        "does that apply to apprentices?",
        "Is it the same in Berlin?",
        "who decides that?",
        "how long does it take?",
        "where do I find the form for it?",
        "do they have to do it?",
        "more details please",
        "und in Berlin?",
        "und für Praktikanten?",
        "Und wie viele in Berlin?",
        "was ist mit Azubis?",
        "Wie sieht es mit Werkstudenten in unserem Münchner Büro aus?",
        "auch für Azubis?",
        "nur in Deutschland?",
        "für Azubis",
        "warum?",
        "wieso nicht?",
        "seit wann?",
        "wie lange?",
        "wie weit?",
        "wie viele in Berlin?",
        "gilt das auch für Azubis?",
        "Wer genehmigt das?",
        "Wie beantrage ich das?",
        "Ist das erlaubt?",
        "Wo finde ich die Regeln dafür?",
        "und dann?",
    ],
)
def test_a_follow_up_gets_the_question_before_it(text: str) -> None:
    assert after(text, FULL) == [FULL, text]
    assert after(text, VOLL) == [VOLL, text]
    assert after(text) == [text]


@pytest.mark.parametrize(
    "text",
    [
        FULL,
        VOLL,
        "Who approves travel expenses?",
        "And who approves travel expenses abroad?",
        "And how many vacation days do interns have?",
        "What is Scrum?",
        "Who is Anna Müller?",
        "Where is the Berlin office?",
        "How do I request parental leave?",
        "How to request vacation?",
        "Is it allowed to smoke?",
        "Is it allowed to expense lunch?",
        "What holidays are there this year?",
        "How many days do I have this year?",
        "In which cases may I carry over vacation?",
        "vacation days for interns",
        "Wer genehmigt Reisekosten?",
        "Wo finde ich das Formular?",
        "Gibt es einen Zuschuss?",
        "Bei wem melde ich mich krank?",
        "Was kostet das Deutschlandticket?",
        "Was ist Scrum?",
        "Und wer genehmigt Reisekosten ins Ausland, wenn Anna krank ist?",
        "thanks!",
        "Ok, thank you",
        "Danke",
    ],
)
def test_what_stands_alone_stays_as_it_is(text: str) -> None:
    assert after(text, "Where is the canteen?", "Wo ist die Kantine?") == [text]


def test_the_nearest_question_counts_and_talk_does_not() -> None:
    """Threat 13: of what people said, questions alone; the nearest that can be understood."""
    assert after("and in Berlin?", "Where is the canteen?", FULL, "No idea.", "Thanks!", "ok?") == [
        FULL,
        "and in Berlin?",
    ]


def test_a_chain_of_follow_ups_goes_back_to_its_question() -> None:
    assert after("why?", "Where is the canteen?", FULL, "and in Berlin?", "let me see") == [
        FULL,
        "and in Berlin?",
        "why?",
    ]


def test_where_nobody_asked_the_thread_is_about_its_first_message() -> None:
    assert after("and in Berlin?", "vacation days interns", "let me see", "hm") == [
        "vacation days interns",
        "and in Berlin?",
    ]
    assert after("and in Berlin?", "Thanks!", "let me see") == ["and in Berlin?"]
    assert after("and in Berlin?", *["let me see"] * 7) == ["and in Berlin?"]


def test_only_the_last_six_messages_are_looked_at() -> None:
    assert after("and in Berlin?", FULL, *["let me see"] * 5) == [FULL, "and in Berlin?"]
    assert after("and in Berlin?", FULL, *["let me see"] * 6) == ["and in Berlin?"]


def test_of_a_long_message_its_beginning_is_taken() -> None:
    (earlier, _) = after("and in Berlin?", f"{FULL} {'word ' * 20_000}")
    assert earlier.startswith(FULL)
    assert len(earlier) <= 500


@pytest.mark.parametrize(
    ("sent", "used"),
    [
        (f"<@UKEN> {FULL}", FULL),
        (f"<@UBOB> <!here> {FULL} <!subteam^S1|@all>", f"{FULL} @all"),
        ("Who reads <#C1|general> &amp; why?", "Who reads general & why?"),
        (
            "What does <https://wiki.acme.example/leave?x=1|the leave page> say?",
            "What does the leave page say?",
        ),
        ("What does <https://evil.example/x> say?", "What does […] say?"),
        ("Who is &lt;!channel&gt; and &lt;@U1&gt;?", "Who is … and …?"),
        ("Who\u200b\U000e0041 is it\u202e for?", "Who is it for?"),
    ],
)
def test_marks_of_slack_become_words(sent: str, used: str) -> None:
    """Threat 22: what was typed elsewhere in the thread names and links nobody here."""
    assert after("and in Berlin?", sent) == [used, "and in Berlin?"]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_survives_in_what_was_said_before(payload: str) -> None:
    """Threats 20 and 22."""
    for earlier in after("why?", f"How is {payload} made?")[:-1]:
        check_text(earlier)


words_of_follow_ups = st.lists(
    st.sampled_from(
        "and und how wie weit long many lange not in for für that das it es is gibt there Berlin "
        "what about was ist mit thanks danke ? . year".split()
    ),
    max_size=6,
).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(st.lists(words_of_follow_ups | hostile, max_size=9), words_of_follow_ups | hostile)
def test_nothing_comes_in_but_what_was_said_before(before: list[str], text: str) -> None:
    """Threat 13: the question is untouched, and each line in front is one of the last six."""
    made = self_contained(text, said(before))
    assert made.endswith(text)
    front = made[: len(made) - len(text)]
    lines = front.split("\n")[:-1]
    assert len(lines) <= min(6, len(before))
    for line in lines:
        check_text(line, hosts=True)  # it is searched for, and shown nowhere
        assert 0 < len(line) <= 500


class FakeSlack:
    """Two threads of a channel, as `conversations.replies` gives them."""

    def __init__(self) -> None:
        self.threads: dict[str, list[dict[str, Any]]] = {"1.0": [], "50.0": []}

    def post(self, thread_ts: str, ts: str, text: str, **more: str) -> None:
        self.threads[thread_ts].append({"ts": ts, "text": text, **more})

    def auth_test(self) -> dict[str, str]:
        return {"user_id": "UKEN", "team_id": "T1"}

    def conversations_replies(self, *, ts: str, **_: Any) -> dict[str, Any]:
        return {"messages": self.threads[ts]}


def test_an_answer_another_bot_or_another_thread_is_never_context() -> None:
    """Threat 13: only what people said before, in this thread, comes in front of a question."""
    slack = FakeSlack()
    slack.post("1.0", "1.0", FULL, user="UALICE")
    slack.post("1.0", "2.0", "Is it 30 days for the board?", user="UKEN", bot_id="BKEN")
    slack.post("1.0", "3.0", "Is it 31 days for the board?", user="UKEN")
    slack.post("1.0", "4.0", "Is it 32 days?", subtype="bot_message", bot_id="BROBOT")
    slack.post("1.0", "5.0", "Is it 33 days?", user="UROBOT", bot_id="BROBOT")
    slack.post("1.0", "6.0", "Is it 34 days?", user="USLACKBOT")
    slack.post("1.0", "7.0", "Is it 35 days?", user="UBOB", subtype="channel_join")
    slack.post("1.0", "9.0", "and in Berlin?", user="UBOB")
    slack.post("1.0", "99.0", "Is it 36 days?", user="UBOB")
    slack.post("50.0", "50.0", "Is it 37 days?", user="UBOB")
    client = cast(Any, slack)
    messenger = SlackMessenger(client, client, client, 10, TokenBucket(1))
    before = messenger.said_before("C1", "1.0", "9.0")
    assert self_contained("and in Berlin?", before) == f"{FULL}\nand in Berlin?"
