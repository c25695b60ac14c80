"""A question's whole way through a worker: who reads along decides what is said, and where."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
import structlog

from policies import Class
from policies.described import Permissions
from policies.tables.people import UserStatus
from tests.workers.replies.test_rendering import PAYLOADS, STORED, leaves
from tests.workers.slack_company import Company, FakeAnswerer, Write, kept, quote_all
from workers.errors import AnswerWithdrawn, AssistantError, LayersDisagree, ModelUnavailable
from workers.intake.leases import MAX_ATTEMPTS
from workers.intake.messages import Surface
from workers.models.base import Draft, Passage, Sentence
from workers.observe import logs
from workers.replies.rendering import ANSWERED_PRIVATELY, NOTHING_FOUND

QUESTION = "What is the budget?"


def only(*principals: int) -> Permissions:
    return Permissions(allow=frozenset(principals))


def during(happening: Callable[[], None], *, times: int = 1, write: Write = quote_all) -> Write:
    """A model that thinks for long enough that something happens meanwhile."""
    left = [times]

    def written(question: str, passages: tuple[Passage, ...]) -> Draft:
        if left[0]:
            left[0] -= 1
            happening()
        return write(question, passages)

    return written


def texts(company: Company, channel: str) -> list[str]:
    return [seen.text for seen in company.posts(channel)]


# Who is told what, and where


def test_a_direct_message_is_answered_with_citations(company: Company) -> None:
    """Threat 1."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("hers", "The budget is ten million.", only(alice), title="Budget")
    company.library.document("his", "The budget is canary.", only(bob))

    question_id = company.asked("DUALICE", "alice", QUESTION)

    (posted,) = company.posts("DUALICE")
    assert "The budget is ten million. [1]" in posted.text
    links = [leaf for leaf in leaves(posted.blocks) if leaf["type"] == "link"]
    assert [(link["url"], link["text"]) for link in links] == [
        ("https://wiki.acme.example/hers", "Budget")
    ]
    assert company.state(question_id) == ("answered", None)
    assert "canary" not in company.emitted()


def test_what_the_answer_rests_on_goes_on_record(company: Company) -> None:
    alice = company.person("alice")
    cited = company.library.document("cited", "The budget is ten million.", only(alice))
    used = company.library.document("used", "The budget is in euros.", only(alice))

    def cite_one(question: str, passages: tuple[Passage, ...]) -> Draft:
        (number,) = (n for n, p in enumerate(passages, start=1) if p.document == "cited")
        forged = Sentence("It is a lie.", number, "these words stand nowhere")
        return Draft((Sentence("Ten million.", number, "budget is ten million"), forged))

    company.model.write_next = cite_one
    question_id = company.asked("DUALICE", "alice", QUESTION)

    ((kind, asker, audience, on, quoted, model, verdicts),) = company.look(
        question_id, "SELECT kind, asker_id, audience, used, cited, model, verdicts FROM answer"
    )
    assert (kind, asker, audience, model) == ("direct", alice, [alice], "fake")
    assert on == sorted([cited, used])
    assert quoted == [cited]
    assert verdicts == {"dropped_sentences": 1, "final_check": "passed"}


@pytest.mark.parametrize("channel", ["CBOARD", "GTRIO"])
def test_a_private_channel_is_told_what_all_of_its_members_may_read(
    company: Company, channel: str
) -> None:
    """Threat 11."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("ours", "The budget is ten million.", only(alice, bob))
    company.library.document("hers", "The budget is canary.", only(alice))

    company.asked(channel, "alice", QUESTION)

    (posted,) = company.posts(channel)
    assert "ten million" in posted.text
    assert posted.thread_ts
    assert company.posts("DUALICE") == []
    assert "canary" not in company.emitted()


def test_what_not_all_members_may_read_is_told_to_the_asker_alone(company: Company) -> None:
    """Threat 11."""
    alice, _bob = company.person("alice"), company.person("bob")
    company.library.document("hers", "The budget is ten million.", only(alice))

    question_id = company.asked("CBOARD", "alice", QUESTION)

    assert texts(company, "CBOARD") == [ANSWERED_PRIVATELY]
    assert ["ten million" in told for told in texts(company, "DUALICE")] == [True]
    assert company.posts("DUBOB") == []
    assert company.state(question_id)[0] == "answered"


def test_the_channel_hears_the_same_whether_or_not_private_material_exists(
    company: Company,
) -> None:
    """Threat 16: every byte but time, ids and the mark of the question is equal."""
    alice, _bob = company.person("alice"), company.person("bob")

    def heard() -> list[object]:
        posts = company.posts("CBOARD")
        return [(p.text, [b["elements"] for b in p.blocks], p.attachments) for p in posts]

    company.asked("CBOARD", "alice", QUESTION)
    without = heard()
    assert texts(company, "DUALICE") == [NOTHING_FOUND]

    company.library.document("hers", "The budget is ten million.", only(alice))
    company.asked("CBOARD", "alice", QUESTION)
    assert heard() == without * 2
    assert "ten million" in texts(company, "DUALICE")[1]


def test_nothing_found_and_nothing_allowed_are_the_same_bytes(company: Company) -> None:
    """Threat 16."""
    company.person("alice")
    bob = company.person("bob")
    company.asked("DUALICE", "alice", QUESTION)
    company.library.document("his", "The budget is ten million.", only(bob))
    question_id = company.asked("DUALICE", "alice", QUESTION)

    first, second = company.posts("DUALICE")
    assert first.text == second.text == NOTHING_FOUND
    assert [b["elements"] for b in first.blocks] == [b["elements"] for b in second.blocks]
    assert company.model.shown == []
    assert company.state(question_id) == ("abstained", None)


def test_a_public_channel_is_told_what_every_member_of_the_company_may_read(
    company: Company,
) -> None:
    """Threat 11: whoever may join reads along; a robot that is there does not narrow it."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("open", "The budget is ten million.", only(Class.MEMBERS))
    company.library.document("ours", "The budget is canary.", only(alice, bob))

    company.asked("CALL", "alice", QUESTION)

    assert ["ten million" in told for told in texts(company, "CALL")] == [True]
    assert "canary" not in company.emitted()


@pytest.mark.parametrize("linked", [True, False])
def test_a_guest_in_a_public_channel_reads_along(company: Company, linked: bool) -> None:
    """Threats 10 and 11."""
    company.person("alice")
    company.person("guest", guest=True, linked=linked)
    company.library.document("open", "The budget is ten million.", only(Class.MEMBERS))

    company.asked("CGUEST", "alice", QUESTION)

    assert texts(company, "CGUEST") == [ANSWERED_PRIVATELY]
    assert "ten million" in texts(company, "DUALICE")[0]
    company.asked("CALL", "alice", QUESTION)
    assert "ten million" in texts(company, "CALL")[0]


@pytest.mark.parametrize("channel", ["CSHARED", "CJOINT"])
def test_a_shared_channel_gets_no_answer(company: Company, channel: str) -> None:
    """Threat 10: not even with what the internet may read; the asker hears it alone."""
    company.person("alice")
    company.library.document("open", "The budget is ten million.", only(Class.INTERNET))

    company.asked(channel, "alice", QUESTION)

    assert texts(company, channel) == [ANSWERED_PRIVATELY]
    assert "ten million" in texts(company, "DUALICE")[0]


def test_somebody_unlinked_is_told_what_the_internet_may_read(company: Company) -> None:
    """Threat 10: a Slack account of no user of ours, though a user has the same name."""
    company.library.person("carl")
    company.library.document("open", "The budget is ten million.", only(Class.INTERNET))
    company.library.document("members", "The budget is canary.", only(Class.MEMBERS))

    company.asked("DUCARL", "carl", QUESTION)

    assert "ten million" in texts(company, "DUCARL")[0]
    assert "canary" not in company.emitted()


@pytest.mark.parametrize("status", [UserStatus.SUSPENDED, UserStatus.DELETED])
def test_somebody_suspended_is_told_nothing(company: Company, status: UserStatus) -> None:
    """Threat 9: less than a stranger, who may read what the internet may."""
    company.person("alice", status=status)
    company.library.document("open", "The budget is canary.", only(Class.INTERNET, Class.MEMBERS))

    company.asked("DUALICE", "alice", QUESTION)

    assert texts(company, "DUALICE") == [NOTHING_FOUND]
    assert company.model.shown == []


def test_when_the_members_cannot_be_read_everybody_is_assumed(company: Company) -> None:
    """Design, section 4: no limit and no failure widens access; a stranger may be there."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("ours", "The budget is canary.", only(alice, bob))
    company.library.document("all", "The budget is canary too.", only(Class.MEMBERS_AND_GUESTS))
    company.library.document("open", "The budget is ten million.", only(Class.INTERNET))
    company.slack.fault("error", method="conversations.members", error="internal_error", times=9)

    company.asked("CBOARD", "alice", QUESTION)

    assert ["ten million" in told for told in texts(company, "CBOARD")] == [True]
    assert "canary" not in company.emitted()


# Something changes while the model thinks


def test_what_is_revoked_while_the_model_thinks_is_not_posted(company: Company) -> None:
    """Threat 7: composed anew, once, from what may still be read."""
    alice = company.person("alice")
    lost = company.library.document("lost", "The budget is canary.", only(alice))
    company.library.document("kept", "The budget is ten million.", only(alice))

    def revoke() -> None:
        with company.library.change() as change:
            change.set_permissions(lost, Permissions())

    company.model.write_next = during(revoke)
    question_id = company.asked("DUALICE", "alice", QUESTION)

    assert len(company.model.shown) == 2
    (told,) = texts(company, "DUALICE")
    assert "ten million" in told
    assert "canary" not in everything_posted(company)
    ((used,),) = company.look(question_id, "SELECT used FROM answer")
    assert lost not in used


def test_a_revoked_document_that_was_only_shown_withdraws_the_answer_too(
    company: Company,
) -> None:
    """Threat 7: the model saw it, so the answer may be derived from it, cited or not."""
    alice = company.person("alice")
    lost = company.library.document("lost", "The budget is canary.", only(alice))
    company.library.document("kept", "The budget is ten million.", only(alice))

    def revoke() -> None:
        with company.library.change() as change:
            change.set_permissions(lost, Permissions())

    def cite_the_other(question: str, passages: tuple[Passage, ...]) -> Draft:
        (number,) = (n for n, p in enumerate(passages, start=1) if p.document == "kept")
        said = "It is canary" if len(passages) > 1 else "It is ten million"
        return Draft((Sentence(said, number, "budget is ten million"),))

    company.model.write_next = during(revoke, write=cite_the_other)
    company.asked("DUALICE", "alice", QUESTION)

    assert "It is ten million" in texts(company, "DUALICE")[0]
    assert "canary" not in everything_posted(company)


def test_what_is_revoked_twice_ends_in_a_constant_notice(company: Company) -> None:
    """Threat 7."""
    alice = company.person("alice")
    pages = [
        company.library.document(f"page {number}", "The budget is canary.", only(alice))
        for number in range(3)
    ]

    def revoke() -> None:
        with company.library.change() as change:
            change.set_permissions(pages.pop(), Permissions())

    company.model.write_next = during(revoke, times=2)
    question_id = company.asked("DUALICE", "alice", QUESTION)

    assert len(company.model.shown) == 2
    assert texts(company, "DUALICE") == [f"{AnswerWithdrawn.reply} (question {question_id})"]
    assert "canary" not in everything_posted(company)
    assert company.state(question_id) == ("failed", "AnswerWithdrawn")


@pytest.mark.parametrize("status", [UserStatus.SUSPENDED, UserStatus.DELETED])
def test_an_asker_suspended_while_the_model_thinks_is_told_nothing(
    company: Company, status: UserStatus
) -> None:
    """Threat 9."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is canary.", only(alice))

    def suspend() -> None:
        with company.library.change() as change:
            change.set_status(alice, status)

    company.model.write_next = during(suspend)
    company.asked("DUALICE", "alice", QUESTION)

    assert texts(company, "DUALICE") == [NOTHING_FOUND]


def test_a_member_who_leaves_a_group_while_the_model_thinks_is_told_nothing(
    company: Company,
) -> None:
    """Threat 6."""
    alice = company.person("alice")
    group = company.library.group("finance", [alice])
    company.library.document("theirs", "The budget is canary.", only(group))

    def leave() -> None:
        with company.library.change() as change:
            change.set_members(group, [])

    company.model.write_next = during(leave)
    company.asked("DUALICE", "alice", QUESTION)

    assert texts(company, "DUALICE") == [NOTHING_FOUND]


def test_somebody_who_joins_while_the_model_thinks_reads_along(company: Company) -> None:
    """Threat 12."""
    alice, bob = company.person("alice"), company.person("bob")
    company.person("carl")
    company.library.document("ours", "The budget is ten million.", only(alice, bob))

    company.model.write_next = during(lambda: company.slack.join("CBOARD", "UCARL"))
    company.asked("CBOARD", "alice", QUESTION)

    assert texts(company, "CBOARD") == [ANSWERED_PRIVATELY]
    assert "ten million" in texts(company, "DUALICE")[0]
    company.slack.leave("CBOARD", "UCARL")
    company.asked("CBOARD", "alice", QUESTION)
    assert "ten million" in texts(company, "CBOARD")[1]


def test_an_account_unlinked_while_the_model_thinks_is_a_stranger(company: Company) -> None:
    """Threat 8."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is canary.", only(alice))

    def unlink() -> None:
        with company.library.change() as change:
            change.unlink(change.put_source("slack:T1"), "UALICE")

    company.model.write_next = during(unlink)
    company.asked("DUALICE", "alice", QUESTION)

    assert texts(company, "DUALICE") == [NOTHING_FOUND]


def everything_posted(company: Company) -> str:
    return "\n".join(repr(call.arguments) for call in company.slack.calls())


# The model fails, or lies


def test_a_model_that_does_not_answer_ends_in_a_notice_with_the_number(company: Company) -> None:
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("ours", "The budget is ten million.", only(alice, bob))
    company.model.write_next = failing(ModelUnavailable("canary", passing=False))

    question_id = company.asked("CBOARD", "alice", QUESTION)

    assert texts(company, "CBOARD") == [f"{ModelUnavailable.reply} (question {question_id})"]
    assert company.posts("DUALICE") == []
    assert company.state(question_id) == ("failed", "ModelUnavailable")
    company.rest_is_over(question_id)
    company.work(question_id)
    assert len(company.posts("CBOARD")) == 1


def test_a_model_that_fails_for_a_moment_is_asked_again_and_for_long_is_told(
    company: Company,
) -> None:
    """Fault: the model's 429, 500 or cut stream: rests within a minute, else one honest notice."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is ten million.", only(alice))
    company.model.write_next = failing(ModelUnavailable("canary"))
    lucky, unlucky = (company.said("DUALICE", "alice", QUESTION) for _ in range(2))
    for _ in range(MAX_ATTEMPTS + 2):  # more often than one that kills its workers
        company.work(lucky)
        company.work(unlucky)
        assert company.state(lucky) == company.state(unlucky) == ("kept", None)
        company.rest_is_over(lucky)
        company.rest_is_over(unlucky)
    assert company.posts("DUALICE") == []

    company.asked_long_ago(unlucky, seconds=60)
    company.work(unlucky)
    assert texts(company, "DUALICE") == [f"{ModelUnavailable.reply} (question {unlucky})"]
    assert company.state(unlucky) == ("failed", "ModelUnavailable")

    company.model.write_next = quote_all
    company.work(lucky)
    assert company.state(lucky) == ("answered", None)


def test_a_busy_model_says_how_long_the_question_rests(company: Company) -> None:
    """Fault: 429 with Retry-After; one that asks for more than there is ends in a notice."""
    company.person("alice")
    company.library.document("open", "The budget is ten million.", only(Class.INTERNET))
    question_id = company.said("DUALICE", "alice", QUESTION)
    for asked_s, state in ((30.0, "kept"), (3600.0, "failed")):
        company.model.write_next = failing(ModelUnavailable("busy", retry_after_s=asked_s))
        ((before,),) = company.look(question_id, "SELECT now()")
        company.work(question_id)
        assert company.state(question_id)[0] == state
        if state == "kept":
            ((until, after),) = company.look(question_id, "SELECT expires_at, now() FROM lease")
            assert until - after <= timedelta(seconds=30) <= until - before
            company.rest_is_over(question_id)


def test_a_workspace_that_is_away_for_hours_gets_its_answer_when_it_is_back(
    company: Company,
) -> None:
    """Fault: Slack 5xx; nobody can be told, so nothing ends, and the answer comes in the end."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is ten million.", only(alice))
    question_id = company.said("DUALICE", "alice", QUESTION)
    company.asked_long_ago(question_id, seconds=2 * 3600)
    company.slack.fault("http", method="*", times=200)
    for _ in range(MAX_ATTEMPTS + 2):
        company.work(question_id)
        company.rest_is_over(question_id)
    assert company.state(question_id) == ("kept", None)

    company.slack.calm()
    company.work(question_id)
    assert company.state(question_id) == ("answered", None)
    assert len(company.posts("DUALICE")) == 1


def test_what_waits_for_slack_is_checked_again_before_it_is_posted(company: Company) -> None:
    """Fault: Slack post 429, and a revocation in the time that Slack asked for: threat 8."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is ten million.", only(alice))
    company.slack.fault("ratelimited", method="chat.postMessage", retry_after=1)
    question_id = company.said("DUALICE", "alice", QUESTION)

    def revoke_while_it_sleeps(seconds: float) -> None:
        assert seconds == 1
        with company.library.change() as change:
            change.set_permissions(company.library.ids["hers"], Permissions())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workers.answering.answer.time.sleep", revoke_while_it_sleeps)
        company.work(question_id)

    assert "ten million" not in "".join(texts(company, "DUALICE"))
    assert len(company.posts("DUALICE")) == 1


def test_a_failure_after_the_constant_sentence_is_told_in_private(company: Company) -> None:
    """Who was promised a direct message gets one."""
    alice, _bob = company.person("alice"), company.person("bob")
    company.library.document("hers", "The budget is ten million.", only(alice))
    company.model.write_next = failing(ModelUnavailable("canary", passing=False))

    question_id = company.asked("CBOARD", "alice", QUESTION)

    assert texts(company, "CBOARD") == [ANSWERED_PRIVATELY]
    assert texts(company, "DUALICE") == [f"{ModelUnavailable.reply} (question {question_id})"]
    assert company.state(question_id) == ("failed", "ModelUnavailable")


def test_a_channel_that_takes_no_posts_sends_the_notice_to_the_asker(company: Company) -> None:
    """Faults: channel archived, bot removed."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("ours", "The budget is ten million.", only(alice, bob))
    question_id = company.said("CBOARD", "alice", QUESTION)
    company.slack.fault("error", method="chat.postMessage", error="is_archived", times=2)

    company.work(question_id)

    assert texts(company, "DUALICE") == [f"{AssistantError.reply} (question {question_id})"]
    assert company.state(question_id) == ("failed", "SlackRefused")


def test_a_notice_that_cannot_be_posted_now_is_posted_later(company: Company) -> None:
    """Every accepted question ends visibly."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is ten million.", only(alice))
    company.model.write_next = failing(ModelUnavailable("canary", passing=False))
    company.slack.fault("http", method="chat.postMessage")

    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert company.posts("DUALICE") == []
    assert company.state(question_id) == ("kept", None)

    company.rest_is_over(question_id)
    company.work(question_id)
    assert texts(company, "DUALICE") == [f"{ModelUnavailable.reply} (question {question_id})"]


def test_a_crash_is_tried_again_and_then_told_in_constant_words(
    company: Company, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Threats 26 and 27: whatever the model's library puts into its exception stays there."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is sk-canary.", only(alice))
    company.model.write_next = failing(ValueError("sk-canary in What is the budget?"))
    stream = StringIO()
    with everything_logged(stream):
        question_id = company.said("DUALICE", "alice", QUESTION)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            assert company.posts("DUALICE") == [], attempt
            company.work(question_id)
            company.rest_is_over(question_id)

    assert texts(company, "DUALICE") == [f"{AssistantError.reply} (question {question_id})"]
    assert company.state(question_id) == ("failed", "ValueError")
    captured = capsys.readouterr()
    logged = stream.getvalue() + captured.out + captured.err + caplog.text
    assert "question_failed" in logged
    assert "ValueError" in logged
    for secret in ("canary", "budget"):
        assert secret not in logged
    assert "canary" not in everything_posted(company)


class everything_logged:
    """Every logger at its most talkative, into a stream."""

    def __init__(self, stream: StringIO) -> None:
        self._handler = logging.StreamHandler(stream)
        self._stream = stream

    def __enter__(self) -> None:
        logs.configure()
        structlog.configure(
            logger_factory=structlog.PrintLoggerFactory(self._stream),
            cache_logger_on_first_use=False,
        )
        root = logging.getLogger()
        root.addHandler(self._handler)

    def __exit__(self, *error: object) -> None:
        logging.getLogger().removeHandler(self._handler)
        structlog.reset_defaults()


def failing(error: Exception) -> Write:
    def write(question: str, passages: tuple[Passage, ...]) -> Draft:
        raise error

    return write


def test_a_crash_that_passes_leaves_no_trace_but_the_answer(company: Company) -> None:
    alice = company.person("alice")
    company.library.document("hers", "The budget is ten million.", only(alice))

    def crash() -> None:
        raise RuntimeError

    company.model.write_next = during(crash)
    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert company.posts("DUALICE") == []
    company.work(question_id)  # too early: it rests
    assert company.posts("DUALICE") == []
    company.rest_is_over(question_id)
    company.work(question_id)
    company.work(question_id)
    assert len(company.posts("DUALICE")) == 1
    assert company.state(question_id)[0] == "answered"


def test_an_answer_that_is_out_though_slack_did_not_say_so_is_not_repeated(
    company: Company,
) -> None:
    """Fault: Slack times out after accepting; the next try reads back, and the model rests."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is ten million.", only(alice))
    company.slack.fault("drop_after", method="chat.postMessage")
    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert company.state(question_id) == ("kept", None)

    company.rest_is_over(question_id)
    company.work(question_id)

    assert company.state(question_id) == ("answered", None)
    assert len(company.posts("DUALICE")) == 1
    assert len(company.model.shown) == 1


def test_after_the_last_try_too_the_thread_is_read_before_a_notice_is_posted(
    company: Company,
) -> None:
    """Fault: the answer got out in the try that was the last: nobody hears both."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("ours", "The budget is ten million.", only(alice, bob))
    company.slack.fault("drop_before", method="chat.postMessage", times=3)
    question_id = company.said("CBOARD", "alice", QUESTION)
    for _ in range(3):
        company.work(question_id)
        company.rest_is_over(question_id)
    company.asked_long_ago(question_id, seconds=25 * 3600)  # the last try
    company.slack.fault("drop_after", method="chat.postMessage")
    company.work(question_id)

    assert company.state(question_id) == ("answered", None)
    assert ["ten million" in told for told in texts(company, "CBOARD")] == [True]


def test_a_channel_that_everybody_left_gets_no_answer(company: Company) -> None:
    """An empty audience is an error, never "everyone"."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is ten million.", only(alice))
    question_id = company.said("CBOARD", "alice", QUESTION)
    for person in ("UALICE", "UBOB"):
        company.slack.leave("CBOARD", person)

    company.work(question_id)

    assert texts(company, "CBOARD") == [ANSWERED_PRIVATELY]
    assert "ten million" in texts(company, "DUALICE")[0]


def test_layers_that_disagree_end_the_answer(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design, section 4: one of the two checks is wrong, so nothing is said."""
    alice = company.person("alice")
    company.library.document("hers", "The budget is canary.", only(alice))

    def refuses(session: object, audience: object, document_ids: set[int]) -> set[int]:
        return set(document_ids)

    monkeypatch.setattr("workers.answering.answer.unreadable", refuses)
    question_id = company.asked("DUALICE", "alice", QUESTION)

    assert texts(company, "DUALICE") == [f"{LayersDisagree.reply} (question {question_id})"]
    assert company.model.shown == []


def test_forged_citations_are_dropped(company: Company) -> None:
    """Threat 23."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("hers", "The budget is ten million.", only(alice))
    company.library.document("his", "The budget is canary and secret.", only(bob))
    forged = [
        Sentence("Nothing.", 0, "The budget is ten million."),
        Sentence("The last.", -1, "The budget is ten million."),
        Sentence("Too far.", 2, "The budget is canary and secret."),
        Sentence("Far too far.", 10**12, "The budget is ten million."),
        Sentence("Not said.", 1, "The budget is canary and secret."),
        Sentence("Short.", 1, "is ten"),
        Sentence("", 1, "The budget is ten million."),
    ]
    company.model.write_next = lambda question, passages: Draft(tuple(forged))
    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert texts(company, "DUALICE") == [NOTHING_FOUND]
    assert company.state(question_id)[0] == "abstained"

    good = Sentence("It is ten million.", 1, "The budget is ten million.")
    company.model.write_next = lambda question, passages: Draft((*forged, good))
    company.asked("DUALICE", "alice", QUESTION)
    assert "It is ten million. [1]" in texts(company, "DUALICE")[1]
    assert "Nothing." not in texts(company, "DUALICE")[1]


def test_a_malicious_model_and_document_cause_no_link_no_mention_and_no_markup(
    company: Company,
) -> None:
    """Threats 19, 20 and 22, as Slack gets it; every payload is valid for Slack, too."""
    alice = company.person("alice")
    harmless = [payload.replace("\x00", "").replace("\ud800", "") for payload in PAYLOADS]
    for number in range(0, len(harmless), 8):
        part = " ".join(harmless[number : number + 8])
        company.library.document(
            f"evil {number} {part[:60]}",
            f"The budget is ten million, see {part}",
            only(alice),
            title=f"Budget {part}",
            heading=part,
            anchor=part,
            url=STORED,
        )

    def obey(question: str, passages: tuple[Passage, ...]) -> Draft:
        return Draft(
            tuple(
                Sentence(f"{payload} {p.title}", number, "The budget is ten million")
                for payload in PAYLOADS
                for number, p in enumerate(passages, start=1)
            )
        )

    company.model.write_next = obey
    question_id = company.asked("DUALICE", "alice", QUESTION)

    assert company.state(question_id)[0] == "answered"
    parts = company.posts("DUALICE")
    assert len(parts) > 1
    told = [block for part in parts for block in part.blocks if block["type"] == "rich_text"]
    for leaf in leaves(told):
        assert leaf["type"] in {"rich_text", "rich_text_section", "text", "link"}
        assert leaf["type"] != "link" or leaf["url"].partition("#")[0] == STORED
    for leaf in leaves([part.blocks for part in parts]):
        is_code = leaf.get("style") == {"code": True}  # an address that the passage holds
        assert is_code or "evil.example" not in str(leaf.get("text", ""))
    for posted in parts:
        assert "<" not in posted.text
        assert "://" not in posted.text


# The model sees passages and the question, and nothing else


def test_the_model_is_shown_only_what_the_audience_may_read(company: Company) -> None:
    """Threat 25, and the promise of design, section 1."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("ours", "The budget is ten million.", only(alice, bob))
    company.library.document("hers", "The budget is canary.", only(alice))
    company.model.write_next = lambda question, passages: Draft(())

    company.asked("CBOARD", "alice", QUESTION)

    channel, direct = company.model.shown
    assert [p.document for p in channel[1]] == ["ours"]
    assert {p.document for p in direct[1]} == {"ours", "hers"}
    assert channel[0] == direct[0] == QUESTION


def test_two_people_with_the_same_question_share_nothing(company: Company) -> None:
    """Threat 15."""
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("hers", "The budget is ten million.", only(alice))
    company.library.document("his", "The budget is twenty million.", only(bob))
    for _ in range(2):
        company.asked("DUALICE", "alice", QUESTION)
        company.asked("DUBOB", "bob", QUESTION)
    assert all("ten million" in told for told in texts(company, "DUALICE"))
    assert all("twenty million" in told for told in texts(company, "DUBOB"))


# At the terminal


def test_a_question_from_the_terminal_is_answered_without_slack(company: Company) -> None:
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("hers", "The budget is ten million.", only(alice))
    company.services = replace(
        company.services,
        settings=company.services.settings.model_copy(
            update={"slack_bot_token": type(company.services.settings.slack_bot_token)("")}
        ),
    )
    for person, state in ((alice, "answered"), (bob, "abstained")):
        question_id = kept(user_id=str(person), surface=Surface.TERMINAL, words=QUESTION)
        company.work(question_id)
        assert company.state(question_id) == (state, None)
    assert company.slack.calls() == []


def test_the_fake_model_is_honest_unless_told_otherwise() -> None:
    assert FakeAnswerer().write("?", ()) == Draft(())
