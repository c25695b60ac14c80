"""The little words that decide: negations, modals, quantities, conditions, causes, times.

English, German, Spanish and French together: where a word means something in two languages, the
text's own language decides (`Lexicon.of`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from workers.models.languages import ENGLISH

_NEGATORS = {
    "en": "not no never nobody none nothing neither nor nowhere without cannot n't hardly barely",
    "de": "nicht kein keine keinen keinem keiner keines nie niemals niemand niemanden nichts ohne"
    " weder nirgends kaum",
    "es": "no nunca jamás nadie ningún ninguna ninguno nada sin tampoco ni",
    "fr": "pas aucun aucune jamais personne rien sans ni non",
}
_MUST = {
    "en": "must shall required require requires mandatory obligatory compulsory need needs needed"
    " necessary obliged have-to has-to had-to",
    "de": "muss müssen musst müsst musste mussten erforderlich verpflichtend verpflichtet nötig"
    " notwendig obligatorisch pflicht zwingend braucht brauchen benötigt benötigen bedarf",
    "es": "debe deben debes deberán deberá obligatorio obligatoria obligatorios necesario"
    " necesaria necesita necesitan hace-falta hay-que tiene-que tienen-que requiere requieren"
    " exige",
    "fr": "doit doivent dois devez obligatoire obligatoires nécessaire nécessaires faut exige"
    " requis requise besoin",
}
_MAY = {
    "en": "may can could might allowed permitted possible optional able entitled welcome free-to"
    " permission permits permit allows allow",
    "de": "darf dürfen darfst kann können kannst könnt erlaubt möglich zulässig gestattet"
    " berechtigt freiwillig optional",
    "es": "puede pueden puedes podrá podrán permitido permitida permite permiten posible opcional",
    "fr": "peut peuvent peux pouvez autorisé autorisée autorisés permis permise possible"
    " facultatif",
}
_SHOULD = {
    "en": "should ought recommended recommend advised encouraged",
    "de": "soll sollen sollte sollten sollst empfohlen",
    "es": "debería deberían recomienda recomendado recomendable",
    "fr": "devrait devraient recommandé conseillé",
}
_FORBID = {
    "en": "forbidden prohibited banned disallowed forbid forbids prohibit prohibits ban bans"
    " impermissible impossible unable",
    "de": "verboten untersagt unzulässig verbietet unmöglich",
    "es": "prohibido prohibida prohíbe prohibidos prohibidas imposible",
    "fr": "interdit interdite interdits interdites interdire impossible",
}
_ALL = {
    "en": "all every each any everyone everybody anyone anybody always everything whole entire"
    " everywhere anywhere anytime any-time",
    "de": "alle allen aller alles jede jeder jedes jeden jedem jederzeit immer sämtliche"
    " sämtlichen stets überall",
    "es": "todo toda todos todas cada cualquier cualquiera siempre",
    "fr": "tout toute tous toutes chaque toujours n'importe",
}
_MOST = {
    "en": "most mostly mainly largely primarily chiefly predominantly usually majority"
    " generally typically normally",
    "de": "meisten meist meistens mehrheit überwiegend normalerweise üblicherweise",
    "es": "mayoría generalmente normalmente",
    "fr": "plupart généralement majorité",
}
_SOME = {
    "en": "some several few many sometimes certain various occasionally often partly partially",
    "de": "einige einigen manche mehrere wenige viele manchmal bestimmte teilweise oft",
    "es": "algunos algunas algún varios varias pocos muchos unos veces ciertos",
    "fr": "quelques certains certaines plusieurs parfois beaucoup peu",
}
_ONLY = {
    "en": "only solely exclusively just alone",
    "de": "nur ausschließlich lediglich allein erst",
    "es": "solo sólo solamente únicamente exclusivamente",
    "fr": "seulement uniquement seul seule seuls exclusivement",
}
_CONDITIONS = {
    "en": "if when whenever unless provided providing until till"
    " as-long-as in-case subject-to depending",
    "de": "wenn falls sofern sobald solange soweit vorausgesetzt",
    "es": "si cuando siempre-que hasta-que salvo-que",
    "fr": "si lorsque quand dès tant-que pourvu tandis",
}
_EXCEPTIONS = {
    "en": "except excluding with-the-exception apart-from aside-from other-than but-not unless",
    "de": "außer ausgenommen mit-ausnahme ausser abgesehen es-sei-denn sofern-nicht",
    "es": "salvo excepto con-excepción a-excepción",
    "fr": "sauf excepté hormis hors à-l-exception",
}
_CAUSES = {
    "en": "because since due-to so-that therefore thanks-to as-a-result owing-to in-order hence"
    " thus consequently reason cause causes caused leads-to led-to thereby why",
    "de": "weil da wegen damit deshalb daher aufgrund darum folglich dank denn somit grund",
    "es": "porque debido por-eso gracias-a ya-que para-que por-lo-tanto causa razón",
    "fr": "parce car afin donc grâce puisque cause raison",
}
_FUTURE = {
    "en": "will planned upcoming intend intends intended going-to scheduled future"
    " expected expects proposed proposal considering considered discussed draft announced soon",
    "de": "wird werden geplant plant vorgesehen künftig zukünftig beabsichtigt voraussichtlich"
    " vorgeschlagen entwurf soll demnächst bald",
    "es": "previsto prevista planea planificado futuro próximamente propuesto pronto",
    "fr": "prévu prévue futur prochainement proposé envisagé bientôt",
}
_PLANNED = frozenset(
    "planned planning intend intends proposed proposal"
    " draft geplant plant vorgesehen beabsichtigt vorgeschlagen entwurf voraussichtlich"
    " previsto prevista planea propuesto prévu prévue proposé envisagé scheduled upcoming"
    " piloting undecided".split()
)
_PAST = {
    "en": "was were had used-to formerly previously did ago until-now former earlier been",
    "de": "war waren hatte hatten wurde wurden früher ehemals ehemalige bisher damals",
    "es": "era eran fue fueron tenía tenían había antes estaba estaban anteriormente",
    "fr": "était étaient avait avaient fut ancien ancienne auparavant autrefois",
}
_PRESENT = {
    "en": "is are am has now currently does today still",
    "de": "ist sind hat jetzt derzeit aktuell momentan heute",
    "es": "es son está están tiene tienen ahora actualmente hoy",
    "fr": "est sont a ont maintenant actuellement aujourd'hui",
}
_FUNCTION = {
    "en": "the a an of to in on at by for from with and or but that this these those it its he she"
    " they them their his her him we our us you your i my me who whom which what whose as than then"
    " there here also too be is are was were been being am do does did done have has had having"
    " will would so such into onto out up off down over under about within during between among"
    " per via if when while until unless because since after before both either more less much"
    " very own same other another one ones yes out again once etc not no only just all every each"
    " any some most many few must may can could might should shall let get gets got getting go goes"
    " make makes made take takes took give gives given giving come comes keep however still well"
    " ever else instead rather quite where how why whether though although like upon through across"
    " against toward towards along around yet already even everyone everybody anyone anybody"
    " somebody someone nobody people person persons thing things way ways case cases order part"
    " s t re ve ll d m now today currently apply applies concerned available belong belongs put set"
    " receive receives received according regarding based exist exists mean means say says said"
    " state states stated note noted document documents policy page article section following"
    " yes however addition furthermore besides alternatively hand fact sure indeed finally"
    " namely non un different apart aside time times kind kinds type types use uses used"
    " using find found see shown does-not going gone doing done being getting giving taking making"
    " coming putting keeping letting having itself themselves yourself mr mrs ms dr"
    " first further additional additionally moreover total overall amount amounts number none"
    " nothing",
    "de": "der die das den dem des ein eine einen einem einer eines und oder aber dass es er"
    " sie ihr"
    " ihre ihren ihrem ihrer sein seine seinen wir uns unser man ich du dein mein wer was welche"
    " welcher welches im am zum zur vom beim ins in an auf aus bei mit nach von zu für um"
    " über unter"
    " vor durch gegen zwischen während als wie so auch noch nur schon dann denn da dort hier ist"
    " sind war waren wird werden wurde wurden worden hat haben hatte hatten sein kann können muss"
    " müssen darf dürfen soll sollen sollte nicht kein keine keinen wenn falls sofern weil damit"
    " bis ab seit pro je alle jede jeder jedes jeden mehr weniger sehr selbst sich diese dieser"
    " dieses diesen diesem jene sowie beziehungsweise bzw etwa rund gibt geht gilt gelten steht"
    " stehen macht machen bekommt bekommen erhält erhalten lassen lässt kommt kommen nimmt nehmen"
    " person personen leute fall anspruch möglich außer ohne dabei dafür davon dazu daran darauf"
    " jeweils bereits erst dessen deren sodass jedoch also anderen andere anderer anderes jahr"
    " herr herrn frau gehen gegangen kommen gekommen gemacht gegeben dann zuletzt"
    " binnen innerhalb außerhalb lang lange zeit mal sonst statt jetzt derzeit aktuell",
    "es": "el la los las un una unos unas de del al a en con por para y o pero que se su sus lo le"
    " les es son está están fue ser estar ha han hay tiene tienen tener como más menos muy también"
    " si no ni sin sobre entre hasta desde cada todo toda todos todas este esta estos estas ese esa"
    " qué quién cuál cuando donde durante antes después puede pueden debe deben salvo excepto"
    " porque"
    " ya solo sólo uno persona personas hace hacen dar da recibe reciben otro otra e u me nos"
    " señor señora sr sra don doña quien quienes haber sido",
    "fr": "le la les un une des de du d l au aux à en dans par pour avec et ou mais que qui se s sa"
    " son ses leur leurs ce cet cette ces il elle ils elles on nous vous je tu est sont était être"
    " a ont avoir plus moins très aussi si ne n pas ni sans sur sous entre jusqu depuis chaque tout"
    " toute tous toutes comme quand lorsque où peut peuvent doit doivent sauf car parce y c"
    " qu j m t"
    " monsieur madame mme m chez soi fait faire reçoit reçoivent donne autre autres personne avance"
    " droit",
}
_PREPOSITIONS = {
    "en": "of to in on at by for from with without into onto over under about within during between"
    " among per via after before against than through across behind above below outside inside"
    " near towards",
    "de": "in im an am auf aus bei beim mit nach von vom zu zum zur für um über unter vor durch"
    " gegen zwischen während ohne außerhalb innerhalb seit ab bis als hinter neben pro",
    "es": "de del a al en con sin por para sobre entre hasta desde tras según contra",
    "fr": "de du des à au aux en dans par pour avec sans sur sous entre depuis vers chez contre",
}
_AGENT = {"en": "by", "de": "von vom durch", "es": "por", "fr": "par"}
_BE = {
    "en": "is are was were be been being am gets get got",
    "de": "wird werden wurde wurden worden ist sind",
    "es": "es son fue fueron ser sido está están se",
    "fr": "est sont était étaient être été sera seront",
}
_ANAPHORS = frozenset(
    "it its they them their he his she her this that these those such there here then otherwise"
    " both former latter longer later another ones afterwards thereafter"
    " er sie es ihn ihm ihr ihre ihren dies diese dieser dieses diesen diesem dort danach"
    " davon dafür"
    " dazu darin deren dessen dabei sonst ansonsten andernfalls hierfür daran"
    " él ella ellos ellas esto este esta estos estas eso ese esa allí después ello su sus"
    " il elle ils elles celui celle ceux cela ceci ce cette ces y leur leurs ensuite".split()
)
_BY_LANGUAGE = ("en", "de", "es", "fr")


def _split(words: str) -> frozenset[str]:
    return frozenset(word.replace("-", " ") if "-" in word else word for word in words.split())


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The deciding words of one language."""

    language: str
    negators: frozenset[str]
    must: frozenset[str]
    may: frozenset[str]
    should: frozenset[str]
    forbid: frozenset[str]
    all: frozenset[str]
    most: frozenset[str]
    some: frozenset[str]
    only: frozenset[str]
    conditions: frozenset[str]
    exceptions: frozenset[str]
    causes: frozenset[str]
    future: frozenset[str]
    past: frozenset[str]
    present: frozenset[str]
    function: frozenset[str]
    prepositions: frozenset[str]
    agent: frozenset[str]
    be: frozenset[str]

    @property
    def deciding(self) -> frozenset[str]:
        """All that rules of their own compare: they add nothing."""
        return _deciding(self.language)


@cache
def _deciding(language: str) -> frozenset[str]:
    words = lexicon(language)
    found: frozenset[str] = frozenset().union(
        words.negators, words.must, words.may, words.should, words.forbid, words.all, words.most,
        words.some, words.only, words.conditions, words.exceptions, words.causes,
    )  # fmt: skip
    return found | {part for phrase in found if " " in phrase for part in phrase.split()}


@cache
def lexicon(language: str) -> Lexicon:
    """Return the words of a language; of an unknown one, the English ones."""
    code = language if language in _BY_LANGUAGE else "en"
    groups = (
        _NEGATORS, _MUST, _MAY, _SHOULD, _FORBID, _ALL, _MOST, _SOME, _ONLY, _CONDITIONS,
        _EXCEPTIONS, _CAUSES, _FUTURE, _PAST, _PRESENT, _FUNCTION, _PREPOSITIONS, _AGENT, _BE,
    )  # fmt: skip
    return Lexicon(code, *(_split(group[code]) for group in groups))


def likely_language(words: Sequence[str], usual: str) -> str:
    """Return the language that most of these words are little words of; else the usual one."""
    counts = {code: sum(word in lexicon(code).function for word in words) for code in _BY_LANGUAGE}
    best = max(counts, key=lambda code: (counts[code], code == usual))
    return best if counts[best] > counts.get(usual, 0) else usual


def is_known(language: str) -> bool:
    """Whether the rules have words of this language."""
    return language in ENGLISH or language in _BY_LANGUAGE


PLANNED = _PLANNED
ANAPHORS = _ANAPHORS
