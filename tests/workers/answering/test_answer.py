"""A question's whole way through a worker: who reads along decides what is said, and where."""

from dataclasses import replace

import pytest

from policies import Class
from policies.tables.people import UserStatus
from tests.workers.answering.asking import QUESTION, only
from tests.workers.answering.thinking import texts
from tests.workers.replies.test_rendering import leaves
from tests.workers.slack_company import Company, FakeAnswerer, kept
from workers.intake.messages import Surface
from workers.models.base import Draft, Passage, Sentence
from workers.replies.rendering import ANSWERED_PRIVATELY, NOTHING_FOUND

# Who gets which reply, and where


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
def test_a_private_channel_gets_what_all_of_its_members_may_read(
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


def test_what_not_all_members_may_read_goes_to_the_asker_alone(company: Company) -> None:
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


def test_a_public_channel_gets_what_every_member_of_the_company_may_read(
    company: Company,
) -> None:
    """Threat 11: people who may join read along; a robot that is there does not narrow it."""
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


def test_somebody_unlinked_gets_what_the_internet_may_read(company: Company) -> None:
    """Threat 10: a Slack account of no user of ours, though a user has the same name."""
    company.library.person("carl")
    company.library.document("open", "The budget is ten million.", only(Class.INTERNET))
    company.library.document("members", "The budget is canary.", only(Class.MEMBERS))

    company.asked("DUCARL", "carl", QUESTION)

    assert "ten million" in texts(company, "DUCARL")[0]
    assert "canary" not in company.emitted()


@pytest.mark.parametrize("status", [UserStatus.SUSPENDED, UserStatus.DELETED])
def test_somebody_suspended_gets_nothing(company: Company, status: UserStatus) -> None:
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


def test_the_fake_model_is_honest_unless_asked_otherwise() -> None:
    assert FakeAnswerer().write("?", ()) == Draft(())
