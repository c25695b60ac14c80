"""The model or Slack fails, or the model lies: a constant notice, and nothing else."""

import logging
from datetime import timedelta
from io import StringIO

import pytest
import structlog

from policies import Class
from policies.described import Permissions
from tests.workers.answering.asking import QUESTION, only
from tests.workers.answering.thinking import during, everything_posted, texts
from tests.workers.replies.test_rendering import PAYLOADS, STORED, leaves
from tests.workers.slack_company import Company, Write, quote_all
from workers.errors import AssistantError, LayersDisagree, ModelUnavailable
from workers.intake.leases import MAX_ATTEMPTS
from workers.models.base import Draft, Passage, Sentence
from workers.observe import logs
from workers.replies.rendering import ANSWERED_PRIVATELY, NOTHING_FOUND


def test_a_model_that_does_not_answer_ends_in_a_notice_with_the_number(company: Company) -> None:
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("ours", "The budget is ten million.", only(alice, bob))
    company.model.write_next = failing(ModelUnavailable("canary", transient=False))

    question_id = company.asked("CBOARD", "alice", QUESTION)

    assert texts(company, "CBOARD") == [f"{ModelUnavailable.reply} (question {question_id})"]
    assert company.posts("DUALICE") == []
    assert company.state(question_id) == ("failed", "ModelUnavailable")
    company.rest_is_over(question_id)
    company.work(question_id)
    assert len(company.posts("CBOARD")) == 1


def test_a_model_that_fails_for_a_moment_is_asked_again_and_for_long_is_reported(
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
    """Fault: Slack 5xx; no reply can be posted, so nothing ends, and the answer comes later."""
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


def test_a_failure_after_the_constant_sentence_is_reported_in_private(company: Company) -> None:
    """Who was promised a direct message gets one."""
    alice, _bob = company.person("alice"), company.person("bob")
    company.library.document("hers", "The budget is ten million.", only(alice))
    company.model.write_next = failing(ModelUnavailable("canary", transient=False))

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
    company.model.write_next = failing(ModelUnavailable("canary", transient=False))
    company.slack.fault("http", method="chat.postMessage")

    question_id = company.asked("DUALICE", "alice", QUESTION)
    assert company.posts("DUALICE") == []
    assert company.state(question_id) == ("kept", None)

    company.rest_is_over(question_id)
    company.work(question_id)
    assert texts(company, "DUALICE") == [f"{ModelUnavailable.reply} (question {question_id})"]


def test_a_crash_is_tried_again_and_then_reported_in_constant_words(
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

    monkeypatch.setattr("workers.answering.searching.unreadable", refuses)
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
    company.model.write_next = lambda question, passages: Draft((good, *forged))
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
            ),
            is_quoted=True,  # the check of claims would drop them: here it is of no help
        )

    company.model.write_next = obey
    question_id = company.asked("DUALICE", "alice", QUESTION)

    assert company.state(question_id)[0] == "answered"
    parts = company.posts("DUALICE")
    assert len(parts) > 1
    told = [block for part in parts for block in part.blocks if block["type"] == "rich_text"]
    for leaf in leaves(told):
        kind = leaf["type"].removeprefix("rich_text_")
        assert kind in {"rich_text", "section", "quote", "text", "link"}
        assert leaf["type"] != "link" or leaf["url"].partition("#")[0] == STORED
    for leaf in leaves([part.blocks for part in parts]):
        is_code = leaf.get("style") == {"code": True}  # an address that the passage holds
        assert is_code or "evil.example" not in str(leaf.get("text", ""))
    for posted in parts:
        assert "<" not in posted.text
        assert "://" not in posted.text
