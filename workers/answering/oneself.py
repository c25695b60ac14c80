"""Answers questions about oneself, in four languages, from one's own profile.

The profile is a source that only that person reads: it is cited, and given in private alone.
"""

import re
from collections.abc import Callable

from babel import Locale, UnknownLocaleError

from workers.models.base import Profile
from workers.models.facets import country_name
from workers.replies.inert import without_look_alikes
from workers.replies.rendering import Citation, Line, Reply
from workers.wording.mark import N_
from workers.wording.text import gettext, spoken

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
    "fr": {
        "name": "qui suis-je|quel est mon nom|comment (?:je m'appelle|est-ce que je m'appelle)",
        "manager": "(?:qui est|qui c'est|c'est qui|quel est le nom de) (?:mon|ma) "
        "(?:manager|manageur|manageuse|chef|cheffe|responsable|supérieur|supérieure|patron"
        "|patronne)|à qui (?:je rapporte|est-ce que je rapporte|dois-je rendre compte)",
        "groups": "(?:dans|de) quels groupes (?:suis-je|est-ce que je suis|je suis)(?: membre)?"
        "|je suis dans quels groupes|quels sont mes groupes|(?:montre|montrez)-moi mes groupes",
        "title": "quel(?:le)? est (?:mon|ma) (?:titre|poste|fonction|rôle)",
        "team": "dans (?:quelle équipe|quel service) (?:suis-je|est-ce que je suis|je suis"
        "|je travaille)|quelle est mon équipe|quel est mon service",
        "location": "où (?:suis-je basée?|est mon bureau)|quel est mon (?:site|bureau)"
        "|sur quel site (?:suis-je|je travaille)",
        "country": "dans quel pays (?:suis-je|est-ce que je suis|je travaille)|quel est mon pays",
        "timezone": "quel est mon fuseau horaire|dans quel fuseau horaire (?:suis-je|je suis)",
        "locale": "quelle est ma langue|quelle langue as-tu pour moi",
        "remembered": "(?:de quoi te souviens-tu|de quoi vous souvenez-vous|qu'as-tu retenu"
        "|qu'avez-vous retenu)(?: (?:de moi|sur moi|à mon sujet))?",
        _EVERYTHING: "(?:que sais-tu|que savez-vous|qu'est-ce que tu sais) (?:de|sur) moi"
        "|qu'y a-t-il dans mon profil|(?:montre|montrez)-moi mon profil",
    },
    "es": {
        "name": "quién soy|cómo me llamo|cuál es mi nombre",
        "manager": "(?:quién es|cuál es el nombre de|cómo se llama) mi (?:manager|jefe|jefa"
        "|responsable|superior|superiora|supervisor|supervisora)|a quién (?:reporto|rindo cuentas)",
        "groups": "(?:en|de) qué grupos (?:estoy|soy miembro)|cuáles son mis grupos"
        "|muéstrame mis grupos",
        "title": "cuál es mi (?:título|puesto|cargo|rol|función)",
        "team": "en qué (?:equipo|departamento) (?:estoy|trabajo)"
        "|cuál es mi (?:equipo|departamento)|a qué (?:equipo|departamento) pertenezco",
        "location": "dónde (?:estoy ubicad[oa]|está mi oficina)|cuál es mi (?:sede|oficina)"
        "|en qué (?:sede|oficina) (?:estoy|trabajo)",
        "country": "en qué país (?:estoy|trabajo)|cuál es mi país",
        "timezone": "cuál es mi (?:zona horaria|huso horario)"
        "|en qué (?:zona horaria|huso horario) estoy",
        "locale": "cuál es mi idioma|qué idioma tienes para mí",
        "remembered": "(?:qué recuerdas|de qué te acuerdas)(?: (?:de|sobre) mí)?",
        _EVERYTHING: "qué sabes (?:de|sobre) mí|qué hay en mi perfil|muéstrame mi perfil",
    },
}
_POLITE = (
    "(?:(?:hi|hey|hello|hallo|ken|please|bitte|so|and|und|also|tell me|can you tell me"
    "|do you know|sag mir|kannst du mir sagen|weißt du|bonjour|salut|et|dis-moi|dites-moi"
    "|peux-tu me dire|pouvez-vous me dire|hola|y|dime|puedes decirme) ){0,4}"
)
_AT_THE_END = (
    "(?: please| bitte| again| nochmal| déjà| s'il te plaît| s'il vous plaît| stp| svp| por favor)?"
)
_PATTERNS = {
    language: {name: re.compile(f"{_POLITE}(?:{ways}){_AT_THE_END}".casefold())
               for name, ways in questions.items()}
    for language, questions in _QUESTIONS.items()
}  # fmt: skip
_NAMES = {
    "name": N_("name"),
    "title": N_("title"),
    "team": N_("team"),
    "manager": N_("manager"),
    "location": N_("location"),
    "country": N_("country"),
    "locale": N_("language"),
    "timezone": N_("time zone"),
    "groups": N_("groups"),
    "remembered": N_("what I remember"),
}
_SAYS = {
    "name": N_("Your name: {value}"),
    "title": N_("Your title: {value}"),
    "team": N_("Your team: {value}"),
    "manager": N_("Your manager: {value}"),
    "location": N_("Your location: {value}"),
    "country": N_("Your country: {value}"),
    "locale": N_("Your language: {value}"),
    "timezone": N_("Your time zone: {value}"),
    "groups": N_("Your groups: {value}"),
    "remembered": N_("What I remember: {value}"),
}
_LEAD = N_("From your profile:")
_TITLE = N_("Your profile")
_SOURCE = N_("your company's directory")
_UNKNOWN = N_("I do not know that about you, or you have switched it off in my home tab ({name}).")
_NOTHING_REMEMBERED = N_("You have not asked me to remember anything.")
_NOTHING = N_("I know nothing about you from your company's directory.")


def asked_about_oneself(question: str) -> str | None:
    """Return the attribute that somebody asks about themselves; None if they ask none."""
    words = " ".join(re.findall(r"[^\s?!.,:;¿¡]+", question[:_MOST_READ].casefold())).replace(
        "’", "'"
    )
    if len(question) > _MOST_READ:
        return None
    for patterns in _PATTERNS.values():
        for name, pattern in patterns.items():
            if pattern.fullmatch(words):
                return name
    return None


def from_profile(wanted: str, profile: Profile) -> Reply:
    """Answer such a question in the language spoken here; who reads the reply is the profile's
    person alone.
    """
    values = {name: without_look_alikes(_VALUES[name](profile)) for name in _NAMES}
    shown = [name for name in _NAMES if values[name]] if wanted == _EVERYTHING else [wanted]
    lines = [_said(name, values[name]) for name in shown] or [gettext(_NOTHING)]
    quoted = "; ".join(f"{gettext(_NAMES[name])}: {values[name]}" for name in shown if values[name])
    cited = Citation(
        number=1,
        title=gettext(_TITLE),
        heading="",
        url=None,
        source=gettext(_SOURCE),
        document="",
        quote=quoted[:_LONGEST_QUOTE],
        updated_at=None,
    )
    return Reply(gettext(_LEAD), tuple(Line(line, (1,)) for line in lines), (cited,))


def _said(name: str, value: str) -> str:
    if value:
        return gettext(_SAYS[name], value=value)
    if name == "remembered":
        return gettext(_NOTHING_REMEMBERED)
    return gettext(_UNKNOWN, name=gettext(_NAMES[name]))


_LONGEST_QUOTE = 700


def _language_name(profile: Profile) -> str:
    try:
        return str(Locale.parse(profile.locale, sep="-").get_display_name(spoken()) or "")
    except (ValueError, UnknownLocaleError, TypeError):
        return profile.locale


_VALUES: dict[str, Callable[[Profile], str]] = {
    "name": lambda profile: profile.name,
    "title": lambda profile: profile.title,
    "team": lambda profile: profile.team,
    "manager": lambda profile: profile.manager,
    "location": lambda profile: profile.location,
    "country": lambda profile: country_name(profile.country, spoken()) if profile.country else "",
    "locale": _language_name,
    "timezone": lambda profile: profile.timezone,
    "groups": lambda profile: ", ".join(profile.groups),
    "remembered": lambda profile: "; ".join(profile.remembered),
}
