"""In which language Ken says its own words: chosen, of the profile, of the question; and where."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from policies.tables.questions import PostedChange
from tests.workers.answering.asking import errand, only
from tests.workers.slack_company import TEAM, Company
from workers.answering.talk import _REPLIES, reply_to_talk
from workers.answering.talk_replies import VARIANTS
from workers.errors import ModelUnavailable
from workers.models.base import Draft, Passage
from workers.people import language
from workers.replies import rendering as say
from workers.replies import revisions
from workers.wording.text import TRANSLATED, gettext, speaking

GERMAN = "Was ist das budget und wer darf es ausgeben?"
WHOLE_GERMAN = "Wie viele Tage Urlaub habe ich im Jahr?"
FRENCH = "Quel est le budget de notre équipe pour cette année ?"
SPANISH = "¿Cuál es el presupuesto para este año y quién lo decide?"
ASKED = {"de": GERMAN, "fr": FRENCH, "es": SPANISH}


def in_language(code: str, words: str) -> str:
    with speaking(code):
        return gettext(words)


def choose(company: Company, code: str, person: str = "UALICE") -> None:
    errand(company, "preferences", person, language=code)


def has_locale(company: Company, user_id: int, locale: Any) -> None:
    with company.library.database.session("syncer") as session:
        session.execute(
            text("UPDATE user_account SET profile = CAST(:profile AS jsonb) WHERE id = :id"),
            {"id": user_id, "profile": json.dumps({"locale": locale})},
        )


def nothing(question: str, passages: tuple[Passage, ...]) -> Draft:
    return Draft(())


@pytest.mark.parametrize("code", TRANSLATED)
def test_an_answer_a_refusal_and_talk_are_in_the_language_of_the_question(
    company: Company, alice: int, code: str
) -> None:
    company.asked("DUALICE", "alice", ASKED[code])
    answered = company.posts("DUALICE")[-1]
    company.model.write_next = nothing
    company.asked("DUALICE", "alice", ASKED[code])
    refused = company.posts("DUALICE")[-1]

    assert in_language(code, "From the documents:") in answered.text
    shown = json.dumps(answered.blocks, ensure_ascii=False)
    for label in ("Sources", "Good answer", "Bad answer", "Not what I asked"):
        assert in_language(code, label) in shown
        assert label not in shown or in_language(code, label) == label
    assert refused.text == in_language(code, say.NOTHING_FOUND)


@pytest.mark.parametrize("code", TRANSLATED)
def test_nothing_found_is_the_same_bytes_whether_or_not_something_exists(
    company: Company, code: str
) -> None:
    """In each language, in private and in the channel."""
    company.person("alice")
    bob = company.person("bob")
    shown = []
    for _again in range(2):
        for channel in ("DUALICE", "CALL"):
            company.asked(channel, "alice", ASKED[code])
        shown.append(
            [
                (post.text, post.blocks[0]["elements"])
                for post in (company.posts("CALL")[-1], company.posts("DUALICE")[-2])
            ]
        )
        company.library.document("his", f"{ASKED[code]} The budget is canary.", only(bob))
    assert shown[0] == shown[1]
    assert shown[0][0][0] == in_language(code, say.ANSWERED_PRIVATELY)
    assert shown[0][1][0] == in_language(code, say.NOTHING_FOUND)
    assert "canary" not in company.emitted()


def test_a_choice_counts_before_the_profile_and_the_profile_before_the_question(
    company: Company, alice: int
) -> None:
    company.model.write_next = nothing

    def refusal() -> str:
        company.asked("DUALICE", "alice", GERMAN)
        return company.posts("DUALICE")[-1].text

    assert refusal() == in_language("de", say.NOTHING_FOUND)
    has_locale(company, alice, "fr-CA")
    assert refusal() == in_language("fr", say.NOTHING_FOUND)
    choose(company, "es")
    assert refusal() == in_language("es", say.NOTHING_FOUND)
    choose(company, "en")
    assert refusal() == say.NOTHING_FOUND
    choose(company, "asked")
    assert refusal() == in_language("fr", say.NOTHING_FOUND)


def test_a_locale_that_is_switched_off_does_not_count(company: Company, alice: int) -> None:
    has_locale(company, alice, "fr-FR")
    assert language.of_account(company.services, TEAM, "UALICE") == "fr"
    errand(company, "preferences", "UALICE", language="asked")
    with company.library.database.session("answerer") as session:
        session.execute(text("UPDATE preference SET hidden = ARRAY['locale']"))

    assert language.of_account(company.services, TEAM, "UALICE") == "en"
    assert language.of_account(company.services, TEAM, "UALICE", GERMAN) == "de"


@pytest.mark.parametrize(
    "locale", ["it-IT", "", None, "x" * 5000, {"de": 1}, ["de"], "{name}", "../de", 7, "deutsch"]
)
def test_a_locale_that_is_none_of_ours_leaves_the_question_to_decide(
    company: Company, alice: int, locale: Any
) -> None:
    has_locale(company, alice, locale)
    company.model.write_next = nothing
    company.asked("DUALICE", "alice", SPANISH)

    assert company.posts("DUALICE")[-1].text == in_language("es", say.NOTHING_FOUND)


@pytest.mark.parametrize("locale", ["de", "de-DE", "de_AT.UTF-8", " DE-ch ", "de-Latn-DE"])
def test_a_locale_is_read_in_its_usual_forms(company: Company, alice: int, locale: str) -> None:
    has_locale(company, alice, locale)

    assert language.of_account(company.services, TEAM, "UALICE") == "de"
    assert language.of_account(company.services, TEAM, "UBOB") == "en"


def test_in_a_channel_neither_choice_nor_profile_shows(company: Company, alice: int) -> None:
    """What somebody chose in private is not for all to see."""
    choose(company, "de")
    has_locale(company, alice, "fr-FR")
    company.asked("CALL", "alice", "What is the budget of this team?")

    (posted,) = company.posts("CALL")
    assert posted.text == say.ANSWERED_PRIVATELY
    assert in_language("de", "From the documents:") in company.posts("DUALICE")[-1].text


def test_in_a_channel_the_question_decides(company: Company) -> None:
    alice, bob = company.person("alice"), company.person("bob")
    company.library.document("ours", "Das Budget ist klein.", only(alice, bob))
    company.asked("CBOARD", "alice", GERMAN)

    assert company.posts("CBOARD")[-1].text.startswith("Aus den Dokumenten:")


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_failure_is_told_in_that_language(company: Company, alice: int, code: str) -> None:
    def fail(question: str, passages: tuple[Passage, ...]) -> Draft:
        raise ModelUnavailable("down", transient=False)

    company.model.write_next = fail
    question_id = company.asked("DUALICE", "alice", ASKED[code])

    words = in_language(code, ModelUnavailable.reply)
    with speaking(code):
        expected = gettext("{words} (question {number})", words=words, number=question_id)
    assert company.posts("DUALICE")[-1].text == expected


def test_talk_is_answered_in_the_language_of_its_person(company: Company, alice: int) -> None:
    english = [reply_to_talk("thanks", seed) or "" for seed in range(10)]
    company.asked("DUALICE", "alice", "vielen Dank")
    assert company.posts("DUALICE")[-1].text in [in_language("de", one) for one in english]
    choose(company, "es")
    company.asked("DUALICE", "alice", "thanks")
    assert company.posts("DUALICE")[-1].text in [in_language("es", one) for one in english]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("Danke dir!", "de"),
        ("Gut gemacht", "de"),
        ("merci", "fr"),
        ("qui es-tu ?", "fr"),
        ("¡gracias!", "es"),
        ("vale", "es"),
        ("thanks a lot", "en"),
        ("super", "en"),
        ("mail?", "en"),
        ("VPN", "en"),
    ],
)
def test_a_few_words_are_answered_in_their_language(said: str, code: str) -> None:
    assert language.of_words(said) == code


@pytest.mark.parametrize("said", ["Danke dir!", "merci", "¡gracias!"])
def test_thanks_are_answered_as_they_were_said(company: Company, alice: int, said: str) -> None:
    question_id = company.asked("DUALICE", "alice", said)
    english = reply_to_talk(said, question_id) or ""
    told = company.posts("DUALICE")[-1].text
    assert told == in_language(language.of_words(said), english) != english


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_reply_to_talk_is_translated(code: str) -> None:
    replies = [*_REPLIES.values(), *(one for ones in VARIANTS.values() for one in ones)]
    for words in (*replies, say.UNCLEAR, say.CANNOT_ACT):
        assert in_language(code, words) != words


def test_a_question_about_nothing_is_asked_back_in_its_language(
    company: Company, alice: int
) -> None:
    choose(company, "de")
    company.asked("DUALICE", "alice", "until when?")
    assert company.posts("DUALICE")[-1].text == in_language("de", say.UNCLEAR)


def test_above_a_page_for_a_request_and_a_completed_question_stand_words_of_that_language(
    company: Company, alice: int
) -> None:
    page = "Reset my password: ask the help desk."
    company.library.document("reset", page, only(alice))
    choose(company, "fr")
    company.asked("DUALICE", "alice", "Reset my password")
    assert company.posts("DUALICE")[-1].text.startswith(in_language("fr", say.CANNOT_ACT))
    with speaking("fr"):
        shown = json.dumps(say.Reply("x", understood="y").payload(), ensure_ascii=False)
    assert "Vous avez demandé" in shown


def test_a_withdrawn_answer_says_so_in_the_language_it_was_in(company: Company, alice: int) -> None:
    question_id = company.asked("DUALICE", "alice", GERMAN)
    choose(company, "fr")  # what was posted stays in one language
    for change in (PostedChange.OUTDATED, PostedChange.WITHDRAWN):
        revisions.revise(company.library.database, question_id, "direct", change)
        assert revisions.push_to_slack(company.services, question_id, "direct")
        shown = company.posts("DUALICE")[-1]
        words = {"outdated": say.OUTDATED, "withdrawn": say.WITHDRAWN}[change.value]
        assert in_language("de", words) in shown.text
        assert "Noch einmal fragen" in json.dumps(shown.blocks)
    assert "canary" not in shown.text


def test_the_language_of_a_worker_is_that_of_one_question_at_a_time(
    company: Company, alice: int
) -> None:
    company.asked("DUALICE", "alice", WHOLE_GERMAN)
    company.asked("DUALICE", "alice", "How many days of vacation do I have in this year?")

    assert company.posts("DUALICE")[-1].text.startswith("From the documents:")
