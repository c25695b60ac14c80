"""The words by which a follow-up, and what it refers to, is recognized: English, German, and the
commonest of French and Spanish.
"""

import re


def words_in(text: str) -> frozenset[str]:
    return frozenset(text.casefold().split())


THANKS = words_in(
    "thanks thank ok okay great cool perfect super nice hi hello hey danke dankeschön prima toll "
    "gut hallo merci bonjour gracias hola alright thx"
)
INTERROGATIVE = words_in(
    "what which who whom whose when where why how was welche welcher welches welchen welchem wer "
    "wen wem wessen wann wo wohin woher warum wieso weshalb wie wieviel inwiefern qui que quoi "
    "quel quelle quels quelles quand où pourquoi comment combien qué quién cuál cuáles cuándo "
    "dónde cómo cuánto cuántos cuántas what's who's when's where's how's"
)
AUXILIARY = words_in(
    "is are am were do does did can could may must should would will has have ist sind bin war "
    "waren kann können darf dürfen muss müssen soll sollen wird werden hat haben habe gibt gilt "
    "gelten est sont peut dois doit faut es son hay puedo puede debo debe"
)
COMMANDS = words_in("tell show explain zeig zeige erklär erkläre nenne")
ASKING = INTERROGATIVE | AUXILIARY | COMMANDS
JOINING = words_in(
    "and or but also then so only even same und oder aber auch dann nur sogar genauso et ou mais "
    "y o pero también aussi"
)
PLACING = words_in(
    "in on at by for from of to with without after before since until during under über bei beim "
    "für von vom zu zum zur mit ohne nach vor seit bis ab während unter aus am auf im ins "
    "à au aux en dans chez pour sans depuis para por con sin desde hasta"
)
POINTING = words_in(
    "it its that this those these they them their there he she his her him one dies diese dieser "
    "dieses diesem diesen es sie ihnen deren dessen dort dafür davon damit darüber dazu dabei "
    "daran danach darauf daraus ça cela eso esto ello lo allí"
)
HOW_MUCH = INTERROGATIVE | words_in(
    "many much long often far not else viele viel lange oft weit nicht sonst soon big high"
)
SMALL = frozenset().union(
    *(ASKING, JOINING, PLACING, POINTING, HOW_MUCH),
    words_in(
        "a an the i me my we us our you your be been no yes about as if than ones any all each "
        "exactly really more details example just please again mean meant "
        "apply applies work works happen happens take takes der die das den dem des ein eine einen "
        "einem einer eines ich mich mir mein meine meinen du wir uns unser unsere er ihn ihm man "
        "kein keine ja nein noch schon als denn vielen genau wirklich mehr too sorry actually "
        "beispiel bitte mal sein dauert geht funktioniert le la les un une des du de je tu il "
        "elle on nous vous el los las una yo mi non oui sí s"
    ),
)
"""Words that say nothing about the topic of a question."""
FRAME = SMALL - PLACING - words_in("work works") | words_in(
    "get gets got give gives gave need needs want wants know find finds do doing done make makes "
    "go goes going come use see say says decide decided look think thing things like let pay paid "
    "had having being bekomme bekommen kriege kriegen brauche brauchen finde finden machen mache "
    "tun weiß avoir être faire ai as a obtenir tener hacer tengo hago"
)
"""Words of a question around its topic."""
ABOUT = words_in("about on of for in to with at from over regarding über von für zu bei mit de")
"""A topic does not begin or end with one of these."""
CUTTING = words_in(
    "without because since while if when unless so although but and or ohne weil wenn falls damit "
    "obwohl aber und oder sans parce mais sin porque pero"
)
"""What follows such a word is not the topic."""
ARTICLES = words_in(
    "the a an my our your their his her this that der die das den dem des ein eine einen einem "
    "einer mein meine meinen meinem meiner unser unsere unserem unseren unserer le la les un une "
    "mon ma mes notre nos el los las una mi mis nuestro nuestra"
)
OWN = words_in("my our mein meine meinen meinem meiner unser unsere unseren mon ma mes mi mis")
AT_PLACES = words_in("in at from inside near im in aus en à au aux dans desde")
FOR_PEOPLE = words_in("for as für fürs als pour para")
PARTICLES = words_in("aside up out off back down over away in on for to with ab an aus auf ein")
PERSONS = words_in("i we you they he she one people somebody someone ich wir man du ihr on je nous")
SLOTS = words_in(
    "do does did can may must should will haben bekommen kriegen dürfen können müssen erhalten"
)
"""Between such a word and a verb, or after it, is who a question is about."""

_DAYS = (
    "monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag|mittwoch|donnerstag"
    "|freitag|samstag|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes"
    "|miércoles|jueves|viernes|sábado|domingo"
)
_MONTHS = (
    "january|february|march|april|june|july|august|september|october|november|december|januar"
    "|februar|märz|juni|juli|oktober|dezember|janvier|février|avril|juin|juillet|septembre"
    "|octobre|novembre|décembre|enero|febrero|marzo|abril|junio|julio|agosto|septiembre|octubre"
    "|noviembre|diciembre"
)
_PERIODS = (
    "week|month|year|quarter|weekend|summer|winter|time|woche|monat|jahr|quartal|wochenende|sommer"
    "|semaine|mois|année|trimestre|semana|mes|año"
)
_NEAR = (
    "this|next|last|the following|previous|coming|diese[rsnm]?|nächste[rsnm]?|kommende[rsnm]?"
    "|letzte[rsnm]?|vorige[rsnm]?|cette|ce|la|le|el|este|esta|próximo|próxima"
)
TIME = re.compile(
    rf"\b(?:today|tomorrow|yesterday|tonight|now|heute|morgen|gestern|übermorgen|aujourd'hui|demain"
    rf"|hier|hoy|mañana|ayer"
    rf"|(?:{_NEAR}) (?:{_PERIODS}|{_DAYS})(?: prochaine?| dernière?| próxim[oa])?"
    rf"|(?:[0-3]?[0-9](?:st|nd|rd|th)?\.? )?(?:{_MONTHS})(?: [0-3]?[0-9](?:st|nd|rd|th)?)?"
    rf"(?: 20[0-9][0-9])?"
    rf"|{_DAYS}|q[1-4](?: 20[0-9][0-9])?|20[0-9][0-9])\b",
    re.IGNORECASE,
)

SUPERLATIVE = re.compile(
    r"\b(?:(?:most|least) \w+|best|worst|biggest|largest|smallest|highest|lowest|cheapest|priciest"
    r"|most|least|fewest|newest|latest|oldest|earliest|fastest|slowest|longest|shortest|heaviest"
    r"|lightest|strongest|weakest|first|last"
    r"|(?:größ|klein|be|schlechte|höch|niedrig|teuer|billig|günstig|neue|älte|läng|kürze|mei|wenig"
    r"|schnell|langsam|er|letz)(?:ste|te)[nrsm]?"
    r"|(?:plus|moins) \w+|meilleure?|pire|(?:más|menos) \w+|mejor|peor|mayor|menor)\b",
    re.IGNORECASE,
)
"""“the best”: one of its kind takes its place."""
CORRECTION = re.compile(
    r"\s{0,3}(?:(?:no|nope|sorry|nein|nee|non|no)\b[\s,.;:!–-]{1,4})?"
    r"(?:(?:sorry|actually|rather|eigentlich|entschuldigung)\b[\s,]{1,3})?"
    r"(?:i (?:really )?mean[t]?\b|i was asking about\b|i'm asking about\b|ich mein(?:t)?e\b"
    r"|ich wollte sagen\b|gemeint (?:war|ist)\b|je (?:veux|voulais) dire\b"
    r"|qu(?:ise|iero|ería) decir\b|me refer(?:ía|í) a\b"
    r"|not that one\b|instead\b|make that\b|sondern\b)[\s,:;–-]{0,4}",
    re.IGNORECASE,
)
"""“no, I meant …”"""
DENIAL = re.compile(
    r"\s{0,3}(?:no|nope|nein|nee|non|sorry)\b[\s]{0,2}[,.;:!–-][\s]{0,3}"
    r"(?:sorry,? |not \w{1,30},? )?",
    re.IGNORECASE,
)
"""“no, in Berlin”"""
LEAD = re.compile(
    r"\s{0,3}(?:(?:and|but|or|so|also|then|ok|okay|only|just|even"
    r"|und|aber|oder|nur|auch|et|mais|y|pero)\b[\s,]{1,3}){1,3}",
    re.IGNORECASE,
)
WHAT_ABOUT = re.compile(
    r"\s{0,3}(?:(?:what|how) about|what if (?:it is|it's|i am|i'm|we are|we're)?"
    r"|if (?:it is|it's|i am|i'm|we are|we're)"
    r"|(?:does|do|would|is) (?:that|this|it|the same) (?:also |still )?"
    r"(?:apply|hold|count|go|work|true|valid|the same|different)(?: the same)?"
    r"|(?:is it |it's )?(?:the )?same(?: question| thing)?(?= (?:for|in|with|at|on)\b)"
    r"|was ist (?:denn )?(?:mit|bei)|was ist(?= in\b)"
    r"|wie (?:ist|wäre|sieht|schaut) (?:es|das)(?: denn)?(?: mit| bei)?"
    r"|(?:gilt|ist) (?:das|dies|es)(?: denn)?(?: auch)?(?= (?:für|in|bei|im)\b)"
    r"|(?:das|die) gleiche(?= (?:für|in)\b)"
    r"|wenn (?:es|ich|das)|qu'en est-il|et si c'est|qué (?:hay|pasa)|si es)\b\s{0,3}",
    re.IGNORECASE,
)
"""“what about …”: what follows takes the place of something in the question before."""
POINTS_NOWHERE = re.compile(
    r"\b(?:is|are|was|were) there\b|\bthere (?:is|are)\b|\bgibt es\b|\bes gibt\b"
    r"|\b(?:this|that|diese[rsmn]?) (?:year|quarter|month|week|jahr|quartal|monat|woche)\b"
    r"|\bis it \w+ (?:to|that)\b|\bist es \w+,? (?:zu|dass)\b",
    re.IGNORECASE,
)
DAS_ALONE = re.compile(r"\b[Dd]as(?=\s*[?!.,]|\s*$|\s+(?:auch|für|in|bei|so|noch|erlaubt)\b)")
"""Before a noun this is an article; here no noun can follow."""
THE_POINTED = re.compile(
    r"\b(?:it|they|them|those|these|this|that)\b(?! (?:year|quarter|month|week|\w+s?\b \w))",
    re.IGNORECASE,
)
"""A pronoun that the topic can take the place of."""
