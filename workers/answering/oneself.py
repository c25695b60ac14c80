"""Answers questions about oneself, in English and German, from one's own profile.

The profile is a source that only that person reads: it is cited, and given in private alone.
"""

import re
from collections.abc import Callable

from babel import Locale, UnknownLocaleError

from workers.models.base import Profile
from workers.models.facets import country_name
from workers.replies.rendering import Citation, Line, Reply

_MOST_READ = 300
_EVERYTHING = "everything"

_QUESTIONS: dict[str, dict[str, str]] = {
    "en": {
        "name": "who am i|what(?:'s| is) my name|what am i called",
        "manager": "(?:who(?:'s| is)|what(?:'s| is) the name of) my (?:line )?"
        "(?:manager|boss|supervisor|lead)|who do i report to|to whom do i report",
        "groups": "(?:which|what) groups (?:am i|do you have me) (?:in|a member of|part of)"
        "|what are my groups|(?:list|show)(?: me)? my groups",
        "title": "what(?:'s| is) my (?:job )?(?:title|role|position|job)",
        "team": "(?:which|what) (?:team|department) (?:am i (?:in|on|part of)|do i belong to)"
        "|what(?:'s| is) my (?:team|department)",
        "location": "where am i (?:based|located)"
        "|what(?:'s| is) my (?:location|site|office)|(?:which|what) (?:site|office) am i (?:in|at)",
        "country": "(?:which|what) country (?:am i in|do you have for me|do i work in)"
        "|what(?:'s| is) my country",
        "timezone": "(?:which|what) time ?zone (?:do you have for me|am i in|do i have)"
        "|what(?:'s| is) my time ?zone",
        "locale": "(?:which|what) (?:language|locale) do you have for me"
        "|what(?:'s| is) my (?:language|locale)",
        "remembered": "what (?:do|did) you remember(?: about me)?"
        "|what (?:did i|have i) (?:tell you|told you|asked you) to remember",
        _EVERYTHING: "what do you know about me|what(?:'s| is) in my profile"
        "|show(?: me)? my profile",
    },
    "de": {
        "name": "wer bin ich|wie heiße ich|was ist mein name",
        "manager": "wer ist (?:mein|meine) (?:chef|chefin|vorgesetzter|vorgesetzte|manager"
        "|managerin|führungskraft|teamleiter|teamleiterin)|an wen berichte ich"
        "|wie heißt (?:mein|meine) (?:chef|chefin|vorgesetzter|vorgesetzte|manager|managerin)",
        "groups": "in welchen gruppen bin ich(?: mitglied)?|welche gruppen habe ich"
        "|was sind meine gruppen|zeig(?:e)?(?: mir)? meine gruppen",
        "title": "(?:was ist|wie lautet|wie heißt) (?:mein|meine) (?:job)?"
        "(?:titel|rolle|position|stelle|funktion|berufsbezeichnung)",
        "team": "in welche[mr] (?:team|abteilung) (?:bin|arbeite) ich|zu welchem team gehöre ich"
        "|was ist (?:mein|meine) (?:team|abteilung)",
        "location": "wo bin ich (?:ansässig|stationiert)|(?:was|wo) ist mein (?:standort|büro)"
        "|an welchem standort (?:bin|arbeite) ich",
        "country": "in welchem land (?:bin|arbeite) ich|was ist mein land"
        "|welches land hast du für mich",
        "timezone": "welche zeitzone (?:hast du für mich|habe ich)|in welcher zeitzone bin ich"
        "|was ist meine zeitzone",
        "locale": "welche sprache hast du für mich|was ist meine sprache",
        "remembered": "was hast du dir (?:über mich |von mir )?gemerkt"
        "|was (?:solltest|sollst) du dir merken",
        _EVERYTHING: "was weißt du über mich|was steht in meinem profil"
        "|zeig(?:e)?(?: mir)? mein profil",
    },
}
_POLITE = (
    "(?:(?:hi|hey|hello|hallo|ken|please|bitte|so|and|und|also|tell me|can you tell me"
    "|do you know|sag mir|kannst du mir sagen|weißt du) ){0,4}"
)
_AT_THE_END = "(?: please| bitte| again| nochmal)?"
_PATTERNS = {
    language: {name: re.compile(f"{_POLITE}(?:{ways}){_AT_THE_END}".casefold())
               for name, ways in questions.items()}
    for language, questions in _QUESTIONS.items()
}  # fmt: skip
_NAMES = {
    "en": {"name": "name", "title": "title", "team": "team", "manager": "manager",
           "location": "location", "country": "country", "locale": "language",
           "timezone": "time zone", "groups": "groups", "remembered": "what I remember"},
    "de": {"name": "Name", "title": "Titel", "team": "Team", "manager": "Führungskraft",
           "location": "Standort", "country": "Land", "locale": "Sprache",
           "timezone": "Zeitzone", "groups": "Gruppen", "remembered": "was ich mir gemerkt habe"},
}  # fmt: skip
_LEAD = {"en": "From your profile:", "de": "Aus deinem Profil:"}
_TITLE = {"en": "Your profile", "de": "Dein Profil"}
_SOURCE = {"en": "your company's directory", "de": "Verzeichnis deiner Firma"}
_SAYS = {"en": "Your {name}: {value}", "de": "{name}: {value}"}
_UNKNOWN = {
    "en": "I do not know that about you, or you have switched it off in my home tab ({name}).",
    "de": "Das weiß ich nicht über dich, oder du hast es im Home-Tab ausgeschaltet ({name}).",
}


def asked_about_oneself(question: str) -> tuple[str, str] | None:
    """Return the language and the attribute that somebody asks about themselves; None if not."""
    words = " ".join(re.findall(r"[^\s?!.,:;]+", question[:_MOST_READ].casefold())).replace(
        "’", "'"
    )
    if len(question) > _MOST_READ:
        return None
    for language, patterns in _PATTERNS.items():
        for name, pattern in patterns.items():
            if pattern.fullmatch(words):
                return language, name
    return None


def from_profile(asked: tuple[str, str], profile: Profile) -> Reply:
    """Answer such a question; the profile is the person's who alone reads the reply."""
    language, wanted = asked
    names = _NAMES[language]
    values = {name: _VALUES[name](profile, language) for name in names}
    shown = [name for name in names if values[name]] if wanted == _EVERYTHING else [wanted]
    lines = [
        _SAYS[language].format(name=names[name], value=values[name])
        if values.get(name)
        else _UNKNOWN[language].format(name=names[name])
        for name in shown
    ]
    quoted = "; ".join(f"{name}: {values[name]}" for name in shown if values.get(name))
    cited = Citation(
        number=1,
        title=_TITLE[language],
        heading="",
        url=None,
        source=_SOURCE[language],
        document="",
        quote=quoted[:_LONGEST_QUOTE],
        updated_at=None,
    )
    told = tuple(Line(line, (1,)) for line in lines)
    return Reply(_LEAD[language], told or (Line(_UNKNOWN[language], (1,)),), (cited,))


_LONGEST_QUOTE = 700


def _language_name(profile: Profile, language: str) -> str:
    try:
        return str(Locale.parse(profile.locale, sep="-").get_display_name(language) or "")
    except (ValueError, UnknownLocaleError, TypeError):
        return profile.locale


_VALUES: dict[str, Callable[[Profile, str], str]] = {
    "name": lambda profile, _: profile.name,
    "title": lambda profile, _: profile.title,
    "team": lambda profile, _: profile.team,
    "manager": lambda profile, _: profile.manager,
    "location": lambda profile, _: profile.location,
    "country": lambda profile, language: (
        country_name(profile.country, language) if profile.country else ""
    ),
    "locale": _language_name,
    "timezone": lambda profile, _: profile.timezone,
    "groups": lambda profile, _: ", ".join(profile.groups),
    "remembered": lambda profile, _: "; ".join(profile.remembered),
}
