"""Questions about oneself: answered from one's own profile, for oneself alone."""

import json

import pytest
from sqlalchemy import text

from policies import Class
from tests.workers.answering.asking import errand, only
from tests.workers.answering.thinking import texts
from tests.workers.replies.test_rendering import leaves
from tests.workers.slack_company import TEAM, Company, kept
from workers.answering import answer, composing, oneself
from workers.answering.oneself import asked_about_oneself, from_profile
from workers.intake.messages import Surface
from workers.models.base import NOBODY, Profile
from workers.people import attributes
from workers.replies.rendering import ANSWERED_PRIVATELY, CANNOT_SHARE
from workers.wording.text import ENGLISH, TRANSLATED, gettext, speaking

PROFILE = {
    "title": "Controller",
    "team": "Finance",
    "manager": "bob",
    "location": "Berlin",
    "country": "DE",
    "locale": "it-IT",
    "timezone": "Europe/Berlin",
}


@pytest.fixture
def alice(company: Company) -> int:
    company.person("bob", profile={"title": "canary"})
    alice = company.person("alice", profile=PROFILE)
    company.library.group("payroll", (alice,))
    company.library.document("page", "My manager is canary.", only(Class.INTERNET))
    return alice


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Who is my manager?", "Your manager: Bob"),
        ("hey ken, who's my boss", "Your manager: Bob"),
        ("Wer ist mein Chef?", "Führungskraft: Bob"),
        ("What’s my title?", "Your title: Controller"),
        ("In welchem Team bin ich?", "Team: Finance"),
        ("Which groups am I in?", "Your groups: payroll"),
        ("In welchen Gruppen bin ich?", "Gruppen: payroll"),
        ("what time zone do you have for me?", "Your time zone: Europe/Berlin"),
        ("Where am I based?", "Your location: Berlin"),
        ("Which country am I in?", "Your country: Germany"),
        ("In welchem Land bin ich?", "Land: Deutschland"),
        ("what's my language", "Your language: Italian (Italy)"),
        ("Wie heiße ich?", "Name: Alice"),
        ("wer ist meine Chefin?", "Führungskraft: Bob"),
        ("Qui est mon manager ?", "Votre responsable : Bob"),
        ("Bonjour, dans quelle équipe suis-je ?", "Votre équipe : Finance"),
        ("Quels sont mes groupes ?", "Vos groupes : payroll"),
        ("¿Quién es mi jefa?", "Tu responsable: Bob"),
        ("¿en qué grupos estoy?", "Tus grupos: payroll"),
        ("¿En qué equipo trabajo, por favor?", "Tu equipo: Finance"),
    ],
)
def test_ones_own_profile_answers_in_private(
    company: Company, alice: int, question: str, told: str
) -> None:
    question_id = company.asked("DUALICE", "alice", question)
    (posted,) = company.posts("DUALICE")
    assert f"{told} [1]" in posted.text
    assert "canary" not in posted.text
    assert company.model.shown == []
    assert company.state(question_id) == ("answered", None)


def test_everything_that_is_known_is_told_on_request(company: Company, alice: int) -> None:
    company.asked("DUALICE", "alice", "What do you know about me?")
    (posted,) = company.posts("DUALICE")
    for value in ("Alice", "Controller", "Finance", "Bob", "Berlin", "Germany", "payroll"):
        assert value in posted.text


def test_in_a_channel_the_answer_goes_to_the_asker_alone(company: Company, alice: int) -> None:
    company.asked("CBOARD", "alice", "Who is my manager?")
    assert texts(company, "CBOARD") == [ANSWERED_PRIVATELY]
    (posted,) = company.posts("DUALICE")
    assert "Your manager: Bob" in posted.text


def test_it_is_not_shared_with_the_channel_by_a_button(company: Company, alice: int) -> None:
    question_id = company.asked("CBOARD", "alice", "Who is my manager?")
    errand(company, "share", "UALICE", "DUALICE", question_id=question_id)
    assert texts(company, "CBOARD") == [ANSWERED_PRIVATELY]
    assert CANNOT_SHARE in company.posts("DUALICE")[-1].text


def test_nobody_elses_profile_is_told(company: Company, alice: int) -> None:
    company.asked("DUBOB", "bob", "Who is my manager?")
    (posted,) = company.posts("DUBOB")
    assert "I do not know that about you" in posted.text
    assert "Alice" not in posted.text


def test_what_is_switched_off_is_not_told(company: Company, alice: int) -> None:
    with company.library.database.session("answerer") as session:
        session.execute(
            text("INSERT INTO preference (team_id, user_id, hidden) VALUES (:t, 'UALICE', :h)"),
            {"t": TEAM, "h": ["manager"]},
        )
    company.asked("DUALICE", "alice", "Who is my manager?")
    (posted,) = company.posts("DUALICE")
    assert "Bob" not in posted.text
    assert "switched it off" in posted.text


def test_the_profile_is_cited_as_a_source_in_the_usual_shape(company: Company, alice: int) -> None:
    question_id = kept(user_id=str(alice), words="Who is my manager?", surface=Surface.TERMINAL)
    company.work(question_id)
    ((payload,),) = company.look(question_id, "SELECT payload FROM outbox")
    assert payload["lines"] == [{"text": "Your manager: Bob", "citations": [1]}]
    assert payload["citations"] == [
        {
            "number": 1,
            "title": "Your profile",
            "heading": "",
            "url": None,
            "source": "your company's directory",
            "document": "",
            "quote": "manager: Bob",
            "updated_at": None,
        }
    ]
    ((used, cited),) = company.look(question_id, "SELECT used, cited FROM answer")
    assert (used, cited) == ([], [])


def test_an_account_that_changes_hands_meanwhile_gets_the_new_persons_profile(
    company: Company, alice: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The final check notices that somebody else reads now."""
    dora = company.library.person("dora", profile={"manager": "Someone"})
    compose = answer._compose

    def relinked(*given: object) -> composing.Composed:
        composed = compose(*given)  # type: ignore[arg-type]
        with company.library.change() as change:
            change.link(dora, change.put_source(f"slack:{TEAM}"), "UALICE", by="admin")
        return composed

    monkeypatch.setattr(answer, "_compose", relinked)
    company.asked("DUALICE", "alice", "Who is my manager?")
    (posted,) = company.posts("DUALICE")
    assert "Bob" not in posted.text
    assert "Someone" in posted.text


@pytest.mark.parametrize(
    "question",
    [
        "Who is my manager's manager?",
        "Who is my manager in Berlin?",
        "What is the title of the board?",
        "Who are you?",
        "Which groups is Bob in?",
        "who is my manager " * 100,
        "",
    ],
)
def test_other_questions_are_looked_up(question: str) -> None:
    assert asked_about_oneself(question) is None


def test_hostile_values_stay_text(company: Company) -> None:
    hostile = "<!channel> *x* \u202e https://evil.example [9] " * 900
    company.person("alice", profile={"title": hostile, "manager": hostile})
    company.asked("DUALICE", "alice", "What do you know about me?")
    (posted,) = company.posts("DUALICE")
    assert len(posted.text) < 2000
    assert not {leaf["type"] for leaf in leaves(posted.blocks)} & {"link", "user", "broadcast"}
    for sign in ("<!channel", "\u202e", "https://evil"):
        assert sign not in json.dumps(posted.blocks) + posted.text


@pytest.mark.parametrize(
    ("code", "told", "button"),
    [
        ("en", "From your profile:\nYour manager: Bob [1]", "Good answer"),
        ("de", "Aus deinem Profil:\nDeine Führungskraft: Bob [1]", "Gute Antwort"),
        ("fr", "D’après votre profil :\nVotre responsable : Bob [1]", "Bonne réponse"),
        ("es", "De tu perfil:\nTu responsable: Bob [1]", "Buena respuesta"),
    ],
)
def test_lines_sources_and_buttons_are_in_one_language(
    company: Company, alice: int, code: str, told: str, button: str
) -> None:
    """That of the reply, whatever the question is in."""
    errand(company, "preferences", "UALICE", language=code)
    for question in ("Who is my manager?", "Wer ist mein Chef?"):
        company.asked("DUALICE", "alice", question)
        posted = company.posts("DUALICE")[-1]
        assert posted.text == told
        shown = json.dumps(posted.blocks, ensure_ascii=False)
        with speaking(code):
            assert gettext("Your profile") in shown
            assert gettext("your company's directory") in shown
        assert button in shown


@pytest.mark.parametrize("code", [ENGLISH, *TRANSLATED])
def test_what_is_not_known_is_told_in_every_language(code: str) -> None:
    with speaking(code):
        for name in oneself._NAMES:
            (line,) = from_profile(name, NOBODY).lines
            assert "{" not in line.text
            assert "switched it off" not in line.text or code == ENGLISH
        assert from_profile("everything", NOBODY).lines[0].text == gettext(oneself._NOTHING)
        country = from_profile("country", Profile(country="DE")).lines[0].text
    names = {"en": "Germany", "de": "Deutschland", "fr": "Allemagne", "es": "Alemania"}
    assert country.endswith(names[code])


def test_every_attribute_has_a_question_a_name_and_a_value() -> None:
    for named in (oneself._NAMES, oneself._SAYS, oneself._VALUES):
        assert {*attributes.ATTRIBUTES, "name", "remembered"} == set(named)
    for questions in oneself._QUESTIONS.values():
        assert set(oneself._NAMES) < set(questions)
    assert "klingon" in from_profile("locale", Profile(locale="klingon")).lines[0].text
