"""What an answer knows of people changes its order, and never what they may read."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text

from policies import Class
from policies.tables.people import UserStatus
from tests.workers.answering.asking import only
from tests.workers.slack_company import TEAM, Company, kept
from workers.answering import retrieval
from workers.answering.profile import today_in
from workers.answering.resolving import resolved
from workers.intake.messages import Surface
from workers.models.base import NOBODY, Profile

QUESTION = "How many days of vacation?"
GERMAN = {"country": "DE", "location": "Berlin", "team": "Finance", "timezone": "Europe/Berlin"}
AMERICAN = {"country": "US", "location": "Columbus", "team": "Sales", "timezone": "US/Eastern"}
HOSTILE = "<!channel> <@UBOB> *x* \u202e[1] https://evil.example " * 800
DIRECT = {"alice": "DUALICE", "bob": "DUBOB", "guest": "DUGUEST", "far": "DUFAR"}


@pytest.fixture
def offices(company: Company) -> Company:
    """A page for each country and team, with the same words in each."""
    words = "The vacation is a number of days."
    for name in ("hr/de/vacation", "hr/us/vacation", "Sales/vacation", "Finance/vacation"):
        company.library.document(name, words, only(Class.INTERNET), title="Vacation")
    return company


def order(company: Company) -> list[str]:
    """The documents that the model saw last, in order."""
    _question, passages = company.model.shown[-1]
    return [passage.document for passage in passages]


def ask(company: Company, channel: str, person: str = "alice", words: str = QUESTION) -> list[str]:
    company.asked(channel, person, words)
    return order(company)


def used(company: Company) -> Profile:
    return company.model.profiles[-1]


def test_the_same_question_finds_what_is_meant_for_ones_country_and_team(offices: Company) -> None:
    offices.person("alice", profile=GERMAN)
    offices.person("bob", profile=AMERICAN)

    hers, his = ask(offices, "DUALICE"), ask(offices, "DUBOB", "bob")

    assert hers[:2] == ["hr/de/vacation", "Finance/vacation"]
    assert his[:2] == ["hr/us/vacation", "Sales/vacation"]
    assert hers[-1] == "hr/us/vacation"
    assert his[-1] == "hr/de/vacation"
    assert sorted(hers) == sorted(his)  # nothing is hidden


def test_what_a_question_names_counts_for_more_than_the_person(offices: Company) -> None:
    offices.person("alice", profile=GERMAN)
    offices.person("bob", profile=AMERICAN)
    assert ask(offices, "DUALICE", words=f"{QUESTION} In the US")[0] == "hr/us/vacation"
    assert used(offices).country == "US"
    assert used(offices).location == ""


def test_a_channel_has_what_all_of_its_readers_have_in_common(offices: Company) -> None:
    offices.person("alice", profile=GERMAN)
    offices.person("bob", profile={**GERMAN, "team": "Sales", "location": "Munich"})

    assert ask(offices, "CBOARD")[0] == "hr/de/vacation"

    assert used(offices) == Profile(
        country="DE",
        timezone="Europe/Berlin",
        today=today_in("Europe/Berlin"),
        sites=(("Berlin", "DE"), ("Munich", "DE")),
    )


@pytest.mark.parametrize("channel", ["CBOARD", "CALL", "GTRIO"])
def test_a_mixed_or_open_channel_has_nothing_in_common(offices: Company, channel: str) -> None:
    offices.person("alice", profile=GERMAN)
    offices.person("bob", profile=AMERICAN)
    ask(offices, channel)
    assert used(offices).country == used(offices).location == used(offices).name == ""
    assert used(offices).today is None


@pytest.mark.parametrize("guest", [True, False])
def test_a_guest_or_a_stranger_in_a_channel_leaves_nothing_in_common(
    offices: Company, guest: bool
) -> None:
    offices.person("alice", profile=GERMAN)
    offices.person("bob", guest=guest, linked=guest, profile=GERMAN)
    ask(offices, "CBOARD")
    assert used(offices).country == ""


def test_a_guest_has_their_own_profile_in_private_and_a_stranger_none(offices: Company) -> None:
    offices.person("guest", guest=True, profile=AMERICAN)
    assert ask(offices, "DUGUEST", "guest")[0] == "hr/us/vacation"
    offices.person("alice", linked=False, profile=GERMAN)
    ask(offices, "DUALICE")
    assert (used(offices).country, used(offices).name) == ("", "")


def test_a_title_a_manager_and_groups_stay_private(offices: Company) -> None:
    mine = {**GERMAN, "title": "Boss", "manager": "bob"}
    bob = offices.person("bob", profile=mine)
    alice = offices.person("alice", profile=mine)
    offices.library.group("g", (alice, bob))

    ask(offices, "CBOARD")
    assert (used(offices).title, used(offices).manager, used(offices).groups) == ("", "", ())

    ask(offices, "DUALICE")
    profile = used(offices)
    assert (profile.name, profile.title, profile.manager) == ("Alice", "Boss", "Bob")
    assert profile.groups == ("g",)


def test_an_attribute_that_is_switched_off_is_not_used(offices: Company) -> None:
    offices.person("alice", profile=GERMAN)
    offices.person("bob", profile=GERMAN)
    with offices.library.database.session("answerer") as session:
        session.execute(
            text("INSERT INTO preference (team_id, user_id, hidden) VALUES (:t, 'UALICE', :h)"),
            {"t": TEAM, "h": ["country", "location", "timezone", "groups"]},
        )

    ask(offices, "DUALICE")
    assert (used(offices).country, used(offices).location, used(offices).timezone) == ("", "", "")
    assert used(offices).team == "Finance"
    ask(offices, "CBOARD", "bob")
    assert (used(offices).country, used(offices).team) == ("", "Finance")
    ask(offices, "DUBOB", "bob")
    assert used(offices).country == "DE"


def test_time_zone_and_locale_come_from_slack_where_nothing_better_is_known(
    company: Company,
) -> None:
    company.library.document("page", "Vacation days.", only(Class.INTERNET))
    company.person("alice", profile={"timezone": "Europe/Berlin", "locale": "de-DE"})
    company.person("bob")
    ask(company, "DUALICE")
    assert (used(company).timezone, used(company).locale) == ("Europe/Berlin", "de-DE")
    ask(company, "DUBOB", "bob")
    assert used(company).locale == "en-US"
    assert used(company).timezone


def test_a_page_for_people_of_one_country_is_about_that_country(company: Company) -> None:
    """Who may read it says so; its path and title name no country."""
    alice = company.person("alice", profile=GERMAN)
    bob = company.person("bob", profile=AMERICAN)
    others = [company.library.person(name, profile=GERMAN) for name in ("dora", "emil")]
    germans = company.library.group("g1", (alice, *others))
    everybody = company.library.group("g2", (alice, bob))
    for name, group in (("a", everybody), ("z", germans)):
        company.library.document(name, "The vacation is a number of days.", only(group))

    assert ask(company, "DUALICE") == ["z", "a"]
    alone = company.library.person("frida", profile={"country": "FR"})
    company.library.document("b", "The vacation is a number of days.", only(everybody, alone))
    assert ask(company, "DUALICE") == ["z", "a", "b"]


@pytest.mark.parametrize("country", ["DE", "US", "XX", "Germany", "", HOSTILE])
def test_a_profile_that_lies_changes_the_order_alone(company: Company, country: str) -> None:
    alice, bob = (company.person(name, profile={"country": "DE"}) for name in ("alice", "bob"))
    words = "The vacation is a number of days."
    for number in range(3):
        company.library.document(f"hr/de/{number}", words, only(alice))
        company.library.document(f"hr/us/{number}", words, only(alice))
    company.library.document("hr/us/secret", words, only(bob))
    honest = ask(company, "DUALICE")

    company.person("alice", profile={"country": country, "team": "Secret", "location": "hr"})
    lying = ask(company, "DUALICE")

    assert sorted(honest) == sorted(lying)
    assert "secret" not in company.emitted()


def test_without_the_preference_both_people_get_the_same_order(
    offices: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tests above see is the profile, and nothing else."""
    for weight in ("_FITS", "_FITS_OTHERS"):
        monkeypatch.setattr(retrieval, weight, 0.0)
    offices.person("alice", profile=GERMAN)
    offices.person("bob", profile=AMERICAN)
    assert ask(offices, "DUALICE") == ask(offices, "DUBOB", "bob")


def test_at_the_terminal_a_person_has_the_same_profile(offices: Company) -> None:
    alice = offices.person("alice", profile=GERMAN)
    offices.work(kept(user_id=str(alice), words=QUESTION, surface=Surface.TERMINAL))
    assert order(offices)[0] == "hr/de/vacation"
    assert (used(offices).name, used(offices).team) == ("Alice", "Finance")


def test_hostile_values_are_short_and_inert(company: Company) -> None:
    names = ("title", "team", "location", "country", "locale", "timezone", "manager")
    alice = company.person("alice", profile=dict.fromkeys(names, HOSTILE))
    company.library.group(HOSTILE[:400], (alice,))
    company.library.document("page", "Vacation days.", only(Class.INTERNET))
    ask(company, "DUALICE")
    profile = used(company)
    shown = [profile.title, profile.team, profile.location, profile.timezone, *profile.groups]
    assert len(shown) == 5
    for value in shown:
        assert value
        assert len(value) <= 110
        assert not any(sign in value for sign in ("<!", "<@", "\u202e", "https"))
    assert profile.country == ""


def test_somebody_inactive_has_no_profile(company: Company) -> None:
    company.person("alice", status=UserStatus.SUSPENDED, profile=GERMAN)
    company.asked("DUALICE", "alice", QUESTION)
    assert company.model.profiles == []


# What words mean for a person

NOW = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
BERLINER = Profile(location="Berlin", country="DE", today=today_in("Europe/Berlin", NOW))


def test_today_is_the_day_where_the_person_is() -> None:
    assert today_in("Europe/Berlin", NOW) == date(2026, 12, 1)
    assert today_in("America/New_York", NOW) == date(2026, 11, 30)
    for none in ("", "Nowhere/Land", "../../etc/passwd", "/etc/passwd", "x" * 5000, "\0"):
        assert today_in(none, NOW) == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("asked", "means"),
    [
        ("Who is off here?", "Who is off here (Berlin, Germany)?"),
        ("Gibt es hier Parkplätze?", "Gibt es hier (Berlin, Deutschland) Parkplätze?"),
        ("OKRs this quarter?", "OKRs this quarter (Q4 2026)?"),
        ("OKRs next quarter?", "OKRs next quarter (Q1 2027)?"),
        ("Ziele im nächsten Quartal?", "Ziele im nächsten Quartal (Q1 2027)?"),
        ("holidays this year", "holidays this year"),
        ("holidays next year", "holidays next year (2027)"),
        ("holidays last month", "holidays last month (November 2026)"),
        ("qui est absent aujourd'hui ?", "qui est absent aujourd'hui (1 décembre 2026) ?"),
        ("el próximo trimestre", "el próximo trimestre (Q1 2027)"),
        ("the theremin", "the theremin"),
        ("", ""),
    ],
)
def test_words_that_depend_on_the_person_are_made_clear_for_the_search(
    asked: str, means: str
) -> None:
    assert resolved(asked, BERLINER) == means
    assert resolved(asked, NOBODY) == asked


def test_the_question_is_answered_as_it_was_asked(offices: Company) -> None:
    offices.person("alice", profile=GERMAN)
    offices.asked("DUALICE", "alice", "How many days of vacation are there here?")
    question, _passages = offices.model.shown[-1]
    assert question == "How many days of vacation are there here?"


def test_an_endless_question_is_resolved_in_linear_time() -> None:
    assert resolved("this " * 8000, BERLINER) == "this " * 8000
