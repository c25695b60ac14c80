"""What a question asks for: an amount, a date, a person, a way to do something, and so on.

Words alone decide, in English, German, French and Spanish. A wrong guess only changes which of the
readable passages is quoted first.
"""

import re
from collections.abc import Iterable
from enum import StrEnum

ATTRIBUTES = frozenset(
    "deadline date limit price cost costs fee rate budget amount number name address contact owner"
    " reason rule rules policy process procedure status time duration size phone email form"
    " frist termin preis kosten grenze limit betrag nummer grund regel regeln ablauf dauer adresse"
    " délai date limite prix coût montant numéro raison règle procédure durée adresse formulaire"
    " plazo fecha límite precio coste importe número motivo regla procedimiento duración"
    " dirección formulario".split()
)
"""What may be asked about many things: another question about the same one leaves it out."""
_LONGEST = 2_000
"""Characters of a question or a unit that are looked at."""


class Sought(StrEnum):
    """What the answer must hold."""

    AMOUNT = "amount"
    DATE = "date"
    DURATION = "duration"
    PERSON = "person"
    PLACE = "place"
    COMMAND = "command"
    WAY = "way"
    REASON = "reason"
    YES_NO = "yes_no"
    SEVERAL = "several"
    PHONE = "phone"
    EMAIL = "email"
    LINK = "link"
    OVERVIEW = "overview"
    """Of a page: a summary, what is new in it."""


def _any_of(words: str) -> "re.Pattern[str]":
    return re.compile(rf"(?<!\w)(?:{'|'.join(words.split('|'))})(?!\w)", re.IGNORECASE)


_ASKS: dict[Sought, "re.Pattern[str]"] = {
    Sought.PERSON: _any_of(
        "who|whom|whose|who's|whos|which (?:person|colleague)|contact person|wer|wen|wem|wessen"
        "|ansprechpartner(?:in)?|qui|à qui|quién|quien|quiénes"
    ),
    Sought.DATE: _any_of(
        "when|when's|whens|what (?:date|day)|which (?:date|day|week|month)|deadline|due|until when"
        "|by when|what time|wann|welchem tag|welcher tag|frist|quand|quelle date|cuándo|cuando"
        "|qué (?:día|fecha)|expires?"
    ),
    Sought.DURATION: _any_of(
        "how (?:long|quickly|fast|soon|often)|notice period|wie (?:lange|lang|schnell|oft)"
        "|kündigungsfrist|combien de temps|cuánto tiempo|for how long"
    ),
    Sought.AMOUNT: _any_of(
        "how (?:much|many|far|high|big|large|heavy|old|hot|cold|deep|wide)|what percentage|percent"
        "|price|prices|cost|costs|limit|allowance|budget|salary|fee|rate|maximum|minimum|total"
        "|number of|which number|what number|at which|ghz|wie (?:viel|viele|hoch|weit|groß|schwer)"
        "|wieviel|wieviele|kosten|kostet|preis|grenze|höchstens|mindestens|combien|prix"
        "|cuánto|cuánta|cuántos|cuántas|cuanto|cuantos|precio|worth|earn"
    ),
    Sought.PLACE: _any_of(
        "where|where's|wheres|which (?:room|floor|office|city)|wo|wohin|woher|où|dónde|donde|adónde"
    ),
    Sought.REASON: _any_of(
        "why|how come|reason|reasons|cause|wieso|warum|weshalb|grund|pourquoi|por qué|what caused"
    ),
    Sought.COMMAND: _any_of(
        "command|cmd|befehl|kommando|commande|comando|which flag|what flag|syntax"
    ),
    Sought.WAY: _any_of(
        "how (?:do|does|can|to|should|would|could)|what (?:do i do|should i do|to do|now|happens)"
        "|steps|procedure|wie (?:kann|mache|mach|geht|bekomme|komme|melde|beantrage|funktioniert)"
        "|was (?:tun|muss ich|mache ich|jetzt)|comment|cómo|como (?:puedo|se|hago)|way to"
    ),
    Sought.PHONE: _any_of(
        "(?:tele)?phone numbers?|hotline|extension|mobile number|(?:what|which) number do i"
        "|telefonnummer|rufnummer|handynummer|durchwahl|numéro de téléphone"
        "|número de teléfono|teléfono de"
    ),
    Sought.OVERVIEW: _any_of(
        "summari[sz]e|summary|overview|sum up|tl;?dr|tell me (?:all |everything )?about"
        "|brief me on|what(?:'s| is| has| was|) (?:new|changed) in|zusammenfassen|zusammenfassung"
        "|fass(?:e)? .{1,60}? zusammen|überblick|was ist neu|résume[rz]|aperçu|resumir"
        "|resumen"
    ),
    Sought.EMAIL: _any_of(
        "e-?mail address|email of|e-?mail-?adresse|mailadresse|adresse e-?mail|correo de"
        "|dirección de correo"
    ),
    Sought.LINK: _any_of("link to|url|web address|internetadresse|lien vers|enlace a"),
    Sought.SEVERAL: _any_of(
        "which|list|what are|who are|exceptions|requirements|steps|welche|alle|quels|quelles"
        "|qué|cuáles|everything|both|versions|changed|changes|differences?|different"
    ),
}
_WHETHER = re.compile(
    r"\W*+(?:(?:and|but|so|hi|hello|hey|ok|okay|und|aber)\W++)?"
    r"(?:can|may|is|are|am|do|does|did|should|must|will|has|have|could|would|were|ok to"
    r"|was(?= (?:the|it|there|this|that|he|she|they|we|you|my|our|an?|any|i|not)\b)"
    r"|allowed|darf|dürfen|kann|können|muss|müssen|soll|ist|sind|gibt|hat|haben|bekomme|krieg"
    r"|est-ce|puis-je|peut-on|puedo|hay|es|está)(?!\w)",
    re.IGNORECASE,
)

_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty"
    "|fifty|hundred|thousand|half|twice|third|quarter|zwei|drei|vier|fünf|sechs|sieben"
    "|acht|neun|zehn|elf|zwölf|zwanzig|dreißig|hundert|tausend|deux|trois|quatre|cinq|dix|dos|tres"
    "|cuatro|cinco|diez|nothing|free|kostenlos|gratis"
)
_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|januar|februar|märz|mai|juni|juli|oktober|dezember|janvier|février|mars|avril|juin|juillet"
    "|août|septembre|octobre|novembre|décembre|enero|febrero|marzo|abril|mayo|junio|julio|agosto"
    "|septiembre|octubre|noviembre|diciembre"
)
_DAYS = (
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag|mittwoch|donnerstag"
    "|freitag|samstag|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes"
    "|miércoles|jueves|viernes|sábado|domingo"
)
_UNITS_OF_TIME = (
    "seconds?|minutes?|hours?|days?|weeks?|months?|years?|sekunden?|minuten?|stunden?|tagen?|tage"
    "|tag|wochen?|monaten?|monate|monat|jahren?|jahre|jahr|jours?|semaines?|mois|ans?|heures?"
    "|días?|semanas?|meses|mes|años?|horas?|quarters?"
)
_ORDINALS = (
    r"\d{1,2}(?:st|nd|rd|th)|second|third|fourth|fifth|sixth|seventh|tenth|zweiten|dritten|vierten"
    "|fünften|sechsten|siebten|zehnten|deuxième|troisième|quatrième|segundo|tercer|cuarto"
)
_WHEN = re.compile(
    r"\d{4}-\d\d(?:-\d\d)?|\d{1,2}:\d\d|(?<![\d.,])(?:19|20)\d\d(?!\d|[.,]\d)"
    rf"|(?:\d{{1,2}}\.? (?:to|bis|and|und|–|-) )?\d{{1,2}}(?:st|nd|rd|th)?\.? (?:{_MONTHS})(?!\w)"
    rf"|(?<!\w)(?:{_MONTHS}) \d{{1,2}}(?!\d)|\d{{1,2}}\.\d{{1,2}}\.|(?:\A|\n)\d{{1,2}}[.)] ",
    re.IGNORECASE,
)
"""Numbers of a date, of a time or of a list: no amounts."""
_LISTS = re.compile(
    r"(?<!\w)(?:(?:which|what) (?:\w{1,20} )?(?!(?:is|was|has|does|this|as)\b)\w{2,30}s(?!\w)"
    r"|what are|who are|list|all (?:the|our)|welche \w{2,30}(?:e|en|er|s)(?!\w)|wer sind|was sind"
    r"|alle|quels|quelles|cuáles|qué \w{2,30}s(?!\w))",
    re.IGNORECASE,
)
_CAPITAL = r"[A-ZÄÖÜÁÉÍÓÚÑÇ][\w'’-]{1,30}"
_NAMED = re.compile(rf"(?<!\w){_CAPITAL} {_CAPITAL}")
_HOLDS: dict[Sought, "re.Pattern[str]"] = {
    Sought.AMOUNT: re.compile(rf"\d|(?<!\w)(?:{_NUMBER_WORDS})(?!\w)", re.IGNORECASE),
    Sought.DATE: re.compile(
        rf"(?<!\w)(?:{_MONTHS}|{_DAYS})(?!\w)|\d{{4}}-\d\d|\d{{1,2}}\.\d{{1,2}}\.|\d{{1,2}}:\d\d"
        rf"|(?<!\w)(?:end of|first|last|next|before|after|until|within|bis|ab|vor|nach)(?!\w)"
        rf"|(?<!\w)(?:(?:{_ORDINALS}) |\d{{1,2}}\. )(?:[\w-]{{1,15}} )?(?:{_UNITS_OF_TIME})(?!\w)",
        re.IGNORECASE,
    ),
    Sought.DURATION: re.compile(
        rf"(?:\d|(?<!\w)(?:{_NUMBER_WORDS}))[\w.,-]{{0,12}} ?(?:[\w-]{{1,12}} )?"
        rf"(?:{_UNITS_OF_TIME})(?!\w)|(?<!\w)(?:every|each|once|twice|daily|weekly|monthly"
        r"|at once|immediately|sofort|täglich|wöchentlich|monatlich)(?!\w)",
        re.IGNORECASE,
    ),
    Sought.PERSON: re.compile(
        rf"(?<!\w){_CAPITAL} {_CAPITAL}|(?i:(?<!\w)(?:manager|managers|head|officer|team|lead"
        r"|department|supervisor|director|owner|ceo|cfo|cto|coo|leiter|leiterin|leitung|chef|chefin"
        r"|abteilung|vorgesetzte[rn]?|helpdesk|desk|council|equipo|responsable|équipe)(?!\w))"
    ),
    Sought.PLACE: re.compile(
        r"(?i:(?<!\w)(?:room|floor|building|street|yard|office|entrance|corridor|desk|shelf|cabinet"
        r"|door|gate|hall|portal|folder|channel|tool|page|menu|raum|stock|etage|gebäude|straße|hof"
        r"|büro|schrank|ordner|bureau|oficina|sala|planta)(?!\w))|(?<!\w)(?:in|at|to|under|on) "
        rf"(?:the )?{_CAPITAL}|@"
    ),
    Sought.COMMAND: re.compile(
        r"(?i:(?<!\w)(?:run|command|type|execute|befehl)(?!\w))|(?<!\w)--?\w|(?<!\w)\w+ctl(?!\w)"
        r"|`|\$ "
    ),
    Sought.WAY: re.compile(
        r"(?:\A|[.:;!?\n-] ?|\d\. )(?:Enter|Ask|Call|Open|Use|Send|Write|Press|Report|Go|Tell|Fill"
        r"|Click|Log|Run|Take|Set|Put|Check|Find|Do|Keep|Leave|Choose|Select|Sign|Submit|Book|Give"
        r"|Contact|Request|Wait|Turn|Lock|Read|Bring|Meet|Register|Upload|Download|Add|Start|Stop"
        r"|Melde|Rufe|Ruf|Öffne|Schreibe|Gib|Geh|Gehe|Klicke|Wähle|Frage|Nimm|Fülle|Bitte)(?!\w)"
        r"|(?i:(?<!\w)you (?:can|must|need|should|have to)(?!\w))"
    ),
    Sought.REASON: re.compile(
        r"(?<!\w)(?:because|since|due to|reasons?|caused?|causes|so that|therefore|as a result"
        r"|otherwise|the idea|weil|denn|deshalb|daher|grund|damit|parce que|car|porque|failed|was "
        r"full|had no|in order to|led to|wanted)(?!\w)",
        re.IGNORECASE,
    ),
    Sought.YES_NO: re.compile(
        r"(?<!\w)(?:may|must|can|cannot|can't|allowed|not|never|no|only|need|needs|required"
        r"|possible|always|both|up to|if|are|is|darf|dürfen|muss|müssen|nicht|nie|kein|keine|nur"
        r"|erlaubt|verboten|möglich|können|kann|ne|pas|peut|doit|puede|debe|permitido)(?!\w)",
        re.IGNORECASE,
    ),
    Sought.PHONE: re.compile(
        r"\d[\d ()/-]{5,}|(?<!\w)(?:call|dial|phone|number|extension|ext|durchwahl|nummer|notruf"
        r"|numéro|número)\W{1,3}\d{2}",
        re.IGNORECASE,
    ),
    Sought.EMAIL: re.compile(r"[\w.-]@[\w-]"),
    Sought.LINK: re.compile(r"https?://|www\.|\w\.\w{2,12}/", re.IGNORECASE),
    Sought.SEVERAL: re.compile(r"\n(?:- |\d|[a-z]\))|,[^,]{1,80}(?:,| and | or | und | y | et )|;"),
}


def sought_in(question: str) -> frozenset[Sought]:
    """Return what the words of a question ask for; several, or none, may be found."""
    text = question[:_LONGEST]
    found = {kind for kind, pattern in _ASKS.items() if pattern.search(text)}
    if Sought.DURATION in found:
        found.discard(Sought.WAY)
    if Sought.AMOUNT in found and Sought.WAY in found:  # "how do I see how much I have left"
        found.discard(Sought.SEVERAL)
    if not found - {Sought.SEVERAL, Sought.AMOUNT} and _WHETHER.match(text):
        found.add(Sought.YES_NO)
    return frozenset(found)


_MARKED = (Sought.AMOUNT, Sought.DATE, Sought.DURATION, Sought.PERSON)
_MOST_MARKS = 3
_VALUE = re.compile(
    r"(?:[A-Z]{3} |[€$£] ?)?\d[\d.,:]*(?: ?(?:%|[€$£]|[\w°]{1,14}))?", re.IGNORECASE
)


def marks(text: str, sought: Iterable[Sought]) -> tuple[str, ...]:
    """Return the words of a sentence that are what is asked for; nothing if there are many."""
    wanted = [kind for kind in sought if kind in _MARKED]
    found: list[str] = []
    for kind in wanted:
        pattern = _NAMED if kind is Sought.PERSON else _VALUE
        found += [match.group().strip() for match in pattern.finditer(text)]
    unique = tuple(dict.fromkeys(found))
    return unique if 1 <= len(unique) <= _MOST_MARKS else ()


def asks_for_a_list(question: str) -> bool:
    """Whether it asks for things of one kind: “which trainings are mandatory”."""
    return bool(_LISTS.search(question[:_LONGEST]))


def holds(sought: Sought, text: str) -> bool:
    """Whether a text has such a thing."""
    if sought is Sought.AMOUNT:
        text = _WHEN.sub(" ", text[:_LONGEST])
    return bool(_HOLDS[sought].search(text[:_LONGEST]))
