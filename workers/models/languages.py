"""Which language a text is in, from its commonest words and its script.

Each word votes for the languages that it is common in. So a text of one word can be placed, and a
text of names or terms alone stays unsure. docs/decisions/ compares this with libraries.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache, lru_cache

_MOST_READ = 6_000
"""Letters of a text that decide."""
_ENOUGH = 1.0
_MARGIN = 1.5
"""How many times the votes of the second language the first must have."""
_WRITTEN_WORDS, _WRITTEN = 5, 0.2
"""So many different common words, and this share of all its words, has a part that is written in a
language: prose has two to three times as much."""
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")

_COMMON = {
    "en": """
        the of and to in is that for it as was with be by on not he his but at are this have
        from or had an they which one you were all her she there would their we him been has
        when who will no more if out so what up its about into than them can only other some
        could these two may then do first any my now such like our over me even most after
        also did many must before through where your how should does don't doesn't can't i'm
        you're we're they're that's there's isn't it's what's who's i a why whose am whom
        get got give gets need needs want wants please tell show help hello hi hey thanks
        thank yes new old using use used without between because during while every next
        last week month year day days much per vacation holiday leave expense expenses
        salary payroll travel password policy notice period meeting office team manager boss
        employee employees employment contract sick training working work reset setup
        parking everyone someone who'll morning good
    """,
    "de": """
        der die das und ist von zu den mit sich des auf für im nicht ein eine als auch es an
        werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen
        so zum war haben nur oder aber vor zur bis mehr durch man sein wurde sei hatte kann
        gegen vom können schon wenn habe seine ihre dann unter wir soll ich eines jahr zwei
        jahren diese dieser wieder keine uns ihr mich mir dich dir du dem da was wer wo wann
        warum wieso weshalb welche welcher welches welchem welchen wem wen wessen wieviel viel viele
        gibt muss müssen darf dürfen mein meine meinen meinem meiner dein deine unser unsere
        ja nein bitte danke hallo guten morgen moin servus heißt bekomme bekommen brauche
        brauchen möchte finde finden mache machen kein keinen wofür womit wohin woher ab ob
        seit während ohne zwischen weil denn doch sehr gilt gelten geht steht ins beim
        urlaub gehalt spesen passwort frist kündigung arbeitszeit regeln antrag beantragen
        chef büro mitarbeiter dienstreise reisekosten abrechnung krankmeldung elternzeit
        vielen dank tschüss bist kannst
        krank zurücksetzen einrichten hilfe krieg kriege kriegen tage tagen wochen monat
        monate stunden
    """,
    "fr": """
        de la le les et des en un du une que est pour qui dans a par plus pas au sur ne se
        ce il sont aux avec son cette ou été mais leur ses comme elle deux nous ces fait
        être même tout entre dont sans où sa je vous tu mon ma mes ton ta tes notre nos
        votre vos leurs y quand comment combien pourquoi quel quelle quels quelles quoi si
        très peut peuvent peux puis dois doit faut faire ai as avez avons ont suis es sommes
        êtes était étaient avant après depuis pendant chez vers sous selon lors afin donc
        car bien aussi encore toujours jamais rien aide revoir toute toutes tous chaque autre autres
        merci bonjour bonsoir salut oui non svp l' d' qu' j' n' c' s' m' t' cela ça celui
        celle congé congés salaire frais dépenses voyage passe télétravail préavis contrat
        employé employés équipe bureau réunion jours jour semaine mois année note
        responsable stagiaires réinitialiser demander ordinateur politique délai
    """,
    "es": """
        de la que el en y a los del se las por un para con no una su al lo como más pero sus
        le ya o este sí porque esta entre cuando muy sin sobre también me hasta hay donde
        quien desde todo nos durante todos uno les ni contra otros ese eso ante ellos e esto
        mí antes algunos qué unos yo otro otras otra él tanto esa estos mucho quienes nada
        muchos cual poco ella estar estas algunas algo nosotros mi mis tú te ti tu tus es
        son fue era ser está están cuál cuáles cuánto cuánta cuántos cuántas cuanto cuanta
        cuantos cuantas dónde cuándo cómo quién quiénes tengo tiene tienen tenemos puedo
        puede pueden debo debe hacer hago necesito quiero según tras hacia fueron han había
        así cada gracias hola ayuda adiós buenos buenas días qu por favor vacaciones sueldo salario
        nómina nomina gastos viaje viajes contraseña contrasena permiso política politica
        contrato empleado empleados equipo oficina jefe reunión día semana año becarios
        restablecer solicitar pido ordenador portátil portatil baja teletrabajo plazo
        preaviso horas
    """,
    "it": """
        di che è e la il un a per in una sono mi ho non ma lo ha le si ti i con cosa se io
        come da ci no questo qui sei del bene tu sì me più al mio c'è perché solo te era gli
        tutto della così mia ne questa fare quando hai essere chi molto quello va alla anche
        nel suo dei delle nella degli dal dalla sul sulla loro ogni dopo prima dove quale
        quali quanto quanti quanta quante quindi tra fra hanno aveva stato stata posso può
        devo deve grazie ciao buongiorno l' d' un' dell' all' nell' c' ferie stipendio
        rimborso spese
    """,
    "pt": """
        de que e o a do da em um para é com não uma os no se na por mais as dos como mas foi
        ao ele das tem à seu sua ou ser quando muito há nos já está eu também só pelo pela
        até isso ela entre era depois sem mesmo aos ter seus quem nas me esse eles estão
        você tinha foram essa num nem suas meu às minha têm numa pelos elas havia seja qual
        será nós tenho lhe deles onde quanto quantos quantas quais posso pode preciso
        obrigado obrigada olá bom dia férias salário despesas
    """,
    "nl": """
        de van een het en in is dat op te zijn met voor niet aan er om ook als dan maar bij
        of uit nog worden door naar heeft tot ze wordt werd hij was over deze dit wat ik je
        mijn jouw ons onze hun hoe waar wanneer wie waarom welke hoeveel kan kunnen moet
        moeten mag heb hebben geen wel meer zich al veel bedankt dank graag goedemorgen
        vakantie salaris wachtwoord
    """,
    "sv": """
        och att det som en på är av för med till den har de inte om ett han men var jag sig
        från vi så kan när år under också efter eller nu sin där vid mot ska skulle kommer
        ut får finns vara hade alla andra mycket än här då sedan över bara blir upp även vad
        hur vem varför vilken vilka min mitt mina din ditt tack hej
    """,
    "pl": """
        na się do nie jest że jak po co dla od za przez ale jego tym tylko oraz czy ma są
        był była było może już ich jej ze który która które tego tej być przed przy bez pod
        kiedy gdzie kto dlaczego ile jaki jaka jakie mam mój moja moje proszę dziękuję cześć
    """,
}
_LETTERS = {"de": "ß", "es": "ñ¿¡", "fr": "œ", "pt": "ãõ", "pl": "łąęśżźń", "sv": "å"}
"""Letters that no other of these languages has; each counts as a common word."""
_ENDINGS = {
    "de": ("ung", "ungen", "keit", "keiten", "schaft", "tät", "frist", "gesetz", "lich", "ieren"),
    "es": ("ción", "ciones", "idad", "idades"),
    "pt": ("ção", "ções", "idade"),
    "it": ("zione", "zioni"),
    "fr": ("eurs", "eaux", "ité"),
}
"""Of words of six letters or more; each counts as a common word."""
_LONG = 6

ENGLISH = frozenset({"", "en"})
"""What is taken for English: also where nobody is sure, as with code, names and numbers."""
LANGUAGES = (*_COMMON, "ru", "uk", "el", "ar", "he", "th", "ko", "ja", "zh", "hi")
"""All that `language_of` returns, but for ""."""

_UKRAINIAN = frozenset("іїєґ")
_LETTERS_HELD = {"CJK": 3, "HIRAGANA": 2, "KATAKANA": 2, "JAPANESE": 2}
"""About how many Latin letters a letter of these scripts stands for."""
_SCRIPTS = {
    "JAPANESE": "ja",
    "CYRILLIC": "ru",
    "GREEK": "el",
    "ARABIC": "ar",
    "HEBREW": "he",
    "THAI": "th",
    "HANGUL": "ko",
    "CJK": "zh",
    "DEVANAGARI": "hi",
}


def language_of(text: str) -> str:
    """Return the ISO 639-1 code of the text's language, such as `de`; "" where unsure.

    Only the beginning of a long text is read. A script of its own decides alone; between languages
    in Latin letters their commonest words, some letters and some endings do.
    """
    text = unicodedata.normalize("NFC", text[:_MOST_READ]).casefold().replace("\u2019", "'")
    return _by_script(text) or _by_words(text)


def language_of_part(text: str, whole: str) -> str:
    """Return the language of a part of a document, whose language as a whole is `whole`.

    Names, paths and lists have words that are common in some language ("SIG", "TODO", "io"). So a
    part is in another language than its document only if it is written in it.
    """
    found = language_of(text)
    if found in ("", whole) or found not in _COMMON:
        return found or whole
    words = _WORD.findall(text[:_MOST_READ].casefold())
    common = [word for word in words if found in _languages_of(word)]
    written = len({*common}) >= _WRITTEN_WORDS and len(common) >= _WRITTEN * len(words)
    return found if written else whole


def is_common(word: str, language: str) -> bool:
    """Return whether it is one of the language's commonest words, of those that are known here."""
    return language in _common().get(word.casefold(), ())


def _by_script(text: str) -> str:
    counts = Counter(_script(letter) for letter in text if letter.isalpha())
    kana = counts["HIRAGANA"] + counts["KATAKANA"]
    counts["JAPANESE"] = kana + counts["CJK"] if kana else 0
    weights = {script: n * _LETTERS_HELD.get(script, 1) for script, n in counts.items()}
    total = sum(weights.values()) - weights["JAPANESE"]
    for script, language in _SCRIPTS.items():
        if weights.get(script, 0) > total / 2:
            return "uk" if language == "ru" and not _UKRAINIAN.isdisjoint(text) else language
    return ""


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ", 1)[0]


def _by_words(text: str) -> str:
    votes: defaultdict[str, float] = defaultdict(float)
    for word in _WORD.findall(text):
        languages = _languages_of(word)
        for language in languages:
            votes[language] += 1 / len(languages)
    for language, letters in _LETTERS.items():
        votes[language] += sum(map(text.count, letters))
    ranked = sorted(votes.items(), key=lambda pair: -pair[1])
    (first, most), (_, next_most) = (*ranked, ("", 0.0), ("", 0.0))[:2]
    return first if most >= _ENOUGH and most >= _MARGIN * next_most else ""


def _languages_of(word: str) -> Sequence[str]:
    """Return the languages that a word is common in, or that write such an elision or ending."""
    if word in _common():
        return _common()[word]
    before, mark, after = word.partition("'")
    if mark:
        return _common().get(before + mark, ()) or _languages_of(after)
    return [
        language
        for language, endings in _ENDINGS.items()
        if len(word) >= _LONG and word.endswith(endings)
    ]


@cache
def _common() -> dict[str, tuple[str, ...]]:
    languages: defaultdict[str, list[str]] = defaultdict(list)
    for language, words in _COMMON.items():
        for word in dict.fromkeys(words.split()):
            languages[word].append(language)
    return {word: tuple(found) for word, found in languages.items()}
