"""What a text names, and whether it fits a person."""

import pytest

from workers.models.base import NOBODY, Profile, Sites
from workers.models.facets import (
    NO_FACETS,
    Facets,
    country_code,
    country_name,
    facets_in,
    facets_in_path,
    fit,
    meant,
    town_of,
)

SITES: Sites = (("Berlin", "DE"), ("Columbus", "US"), ("Reading", "GB"), ("", "AT"))
BERLINER = Profile(location="Berlin", country="DE", locale="de-DE", team="Finance")


def countries(text: str) -> set[str]:
    return set(facets_in(text, sites=SITES).countries)


@pytest.mark.parametrize(
    "text",
    [
        "vacation in the US", "US employees", "in the us, please", "The USA", "U.S. staff",
        "the U. S. A.", "the United States", "American holidays", "the States",
        "in den Vereinigten Staaten", "amerikanische Feiertage", "aux États-Unis", "Etats-Unis",
        "Estados Unidos", "EE. UU.", "estadounidenses",
    ],
)  # fmt: skip
def test_the_united_states_have_many_names(text: str) -> None:
    assert countries(text) == {"US"}


@pytest.mark.parametrize(
    "text",
    [
        "for Germany", "germany?", "GERMANY", "German law", "Deutschland", "deutsche Feiertage",
        "die deutschen Büros", "Employees (Germany)", "en Allemagne", "salariés allemands",
        "Alemania", "empleados alemanes", "the DE office", "in German offices",
        "Deutschland-Ticket",
    ],
)  # fmt: skip
def test_germany_is_named_in_four_languages(text: str) -> None:
    assert countries(text) == {"DE"}


@pytest.mark.parametrize(
    "text",
    [
        "", "does it work for us?", "let us know", "u.s.w.", "Latin America", "German shepherd",
        "polish the table", "Michael Jordan", "réunion d'équipe", "La réunion", "jersey",
        "IT POLICY FOR US ALL", "de la empresa", "no", "Us", "Georgia", "What is in it for us",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_country_is_none(text: str) -> None:
    assert countries(text) == set()


def test_several_countries_are_all_named() -> None:
    found = countries("UK, Austria; Bosnia & Herzegovina and South Korea")
    assert found == {"GB", "AT", "BA", "KR"}
    assert countries("Türkiye") == countries("Turkey") == countries("in der Türkei") == {"TR"}
    assert countries("Hong Kong") == {"HK"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("in German", "de"), ("in German, please", "de"), ("auf Deutsch bitte", "de"),
        ("en français", "fr"), ("the Spanish version", "es"), ("English", "en"),
        ("auf Englisch", "en"), ("the German language", "de"),
    ],
)  # fmt: skip
def test_an_adjective_may_be_a_language(text: str, language: str) -> None:
    assert facets_in(text) == Facets(languages=frozenset({language}))


def test_a_town_is_known_from_the_companys_people() -> None:
    assert facets_in("the berlin office", sites=SITES).sites == {("Berlin", "DE")}
    assert facets_in("Büro BERLIN", sites=SITES).all_countries == {"DE"}
    assert facets_in("the berlin office") == NO_FACETS
    assert facets_in("Munich", sites=SITES) == NO_FACETS


def test_a_town_that_is_also_a_word_needs_a_place_beside_it() -> None:
    for text in ("Reading list", "reading in bed", "I like reading", "Reading"):
        found = facets_in(text, sites=SITES)
        assert bool(found.sites) == (text == "Reading"), text
    for text in ("in Reading", "the Reading office", "from Reading to Berlin"):
        assert ("Reading", "GB") in facets_in(text, sites=SITES).sites, text


def test_a_folders_code_counts_where_the_company_has_people() -> None:
    def in_path(path: str) -> set[str]:
        return set(facets_in_path(path, sites=SITES).countries)

    assert in_path("hr/de/vacation.md") == {"DE"}
    assert in_path("hr/uk/vacation.md") == in_path("hr/vacation-uk.md") == {"GB"}
    assert in_path("hr/Germany/vacation.md") == {"DE"}
    assert in_path("hr/vacation-us.md") == in_path("HR/USA/x.pdf") == {"US"}
    assert in_path("it/hr/fr/help.md") == set()  # departments; and nobody is in France
    assert in_path("politica-de-vacaciones.md") == in_path("a-de.md") == set()
    assert facets_in_path("Berlin/de/x.md", sites=SITES) == Facets(
        frozenset({"DE"}), frozenset({("Berlin", "DE")}), frozenset({"de"})
    )


def test_it_fits_whoever_has_what_it_names() -> None:
    def fits(text: str, profile: Profile = BERLINER) -> float:
        return fit(facets_in(text, sites=SITES, teams=("Finance",)), profile)

    assert fits("Germany") == fits("Berlin") == fits("Germany and the US") == 1
    assert fits("the US") == fits("Columbus") == fits("Columbus, Germany") == -1
    assert fits("vacation") == fits("in Europe or in the US") == 0
    assert fits("Finance") == fits("auf Deutsch") == 0.5
    assert fits("Finance in Columbus") == -1
    assert fits("auf Englisch") == 0
    for text in ("Germany", "the US", "Berlin", "Finance"):
        assert fits(text, NOBODY) == 0
    assert fits("Columbus", Profile(country="Germany")) == -1
    assert fits("Berlin", Profile(country="DE")) == 1
    assert fits("Germany", Profile(location="Berlin")) == 0


def test_what_a_question_names_takes_the_persons_place() -> None:
    def about(question: str) -> tuple[str, str]:
        profile = meant(BERLINER, facets_in(question, sites=SITES))
        return profile.country, profile.location

    assert about("my vacation") == ("DE", "Berlin")
    assert about("vacation in the US") == ("US", "")
    assert about("vacation in Germany") == ("DE", "Berlin")
    assert about("the office in Columbus") == ("US", "Columbus")
    for everywhere in ("vacation in the three countries", "Urlaub in allen Ländern", "all offices"):
        assert about(everywhere) == ("", ""), everywhere
    assert about("is Germany like other countries?") == ("DE", "Berlin")
    assert about("Germany or the US?") == about("Berlin or Columbus?") == ("", "")


def test_a_profiles_country_may_be_a_code_or_a_name() -> None:
    assert country_code("DE") == country_code(" de ") == country_code("Deutschland") == "DE"
    assert country_code("UK") == country_code("United Kingdom") == "GB"
    assert country_code("") == country_code("Atlantis") == country_code("Germany or France") == ""
    assert country_code("x" * 100_000) == ""
    assert country_name("DE") == "Germany"
    assert country_name("US", "de") == "Vereinigte Staaten"
    assert country_name("??", "tlh") == "??"


def test_a_location_is_a_town_or_nothing() -> None:
    assert (
        town_of("Berlin, Germany") == town_of("BERLIN HQ") == town_of("Berlin (Mitte)") == "berlin"
    )
    assert town_of("São Paulo") == "sao paulo"
    for location in ("", "Remote", "Home office", "2nd floor", "HQ", "-", "x" * 100_000 + " y"):
        assert town_of(location) in ("", "x" * 100)


def test_hostile_texts_take_linear_time() -> None:
    text = "the united states of " * 50_000 + "\u202e<!channel>"
    assert facets_in(text, sites=SITES, teams=("united states of the moon", "", "***")) == Facets(
        frozenset({"US"})
    )
    assert facets_in_path("/" * 100_000 + "de") == NO_FACETS
