"""Tells the language of a few words, such as a greeting, where statistics have too little."""

import re
import unicodedata

_LONGEST = 240
_SHORTCODE = re.compile(r":[a-z0-9_+'-]{1,60}:|<3|(?<!\S)[:;xX]-?[DPpOo3)(/]{1,3}(?!\S)")
_APOSTROPHE = re.compile(r"['’`´]")
_WORD = re.compile(r"[^\W_]+")
_ACRONYM = re.compile(r"\b(US|IT)\b")
"""In lower case they would be pronouns."""
_STRETCHED = re.compile(r"([^\W\d_])\1\1+")

_GERMAN = frozenset(
    """
    hallo hallöchen moin servus grüezi tach guten morgen tag abend danke dankeschön dank
    vielen besten herzlichen dir euch tschüss tschüs wiedersehen bis bald später dann du
    bist dumm doof blöd blöder dumme wer was kannst bitte hilfe witz einen mir mich meine
    mein das ist der die wie geht gehts gut gemacht antwort nicht nichts nervst klappe
    schrott quatsch müll echt super toll klasse prima verstanden klar genau ja nein schönes
    schönen wochenende feierabend entschuldigung kein keine frage habe ich erinnere buche
    bestelle bestell schick schicke schreib schreibe trag kannst könntest sag sage morgen
    heute ein eine und für ruf rufe bin arbeite welchem welcher welches welche lautet heißt
    """.split()
)
_FRENCH = frozenset(
    """
    bonjour bonsoir salut coucou merci beaucoup pour aide moi qui es tu t êtes vous que sais
    peux faire quoi une blague ça va c est ce je j ai mon ma mes réponse au revoir à demain
    bonne journée soirée d accord compris nul inutile bête travail génial voir peut quel
    quelle de la le les un et s il te plaît rappelle réserve envoie commande appelle annule
    mail
    """.split()
)
_SPANISH = frozenset(
    """
    hola buenos buenas días dias tardes noches gracias muchas mil por ayuda quién quien eres
    qué puedes hacer sirves cómo como te llamas es esto mi jefe ver chiste cuéntame dime
    adiós hasta luego mañana vale entendido tonto inútil respuesta bien hecho trabajo genial
    de acuerdo recuérdame envía reserva resérvame un una el la para correo mándame llama
    cancela
    """.split()
)
_KNOWN = {"de": _GERMAN, "fr": _FRENCH, "es": _SPANISH}
"""Words of talk."""
_ALSO_ENGLISH = frozenset("super toll mail tag die was bald es la un echt prima tu bin".split())
"""They show a language only beside another word of it."""


def language_of_talk(text: str) -> str:
    """Return the language that most words of a short message are from: en, de, fr or es.

    Of equals the first in this order; English if no word is known.
    """
    words = _WORD.findall(normalised(text[:_LONGEST]))
    found = {code: sum(word in known for word in words) for code, known in _KNOWN.items()}
    best = max(found, key=lambda code: found[code])
    is_sure = found[best] * 2 > len(words) and not _ALSO_ENGLISH.issuperset(words)
    return best if is_sure else "en"


def normalised(text: str) -> str:
    """Return a message in lower case, without emoji in letters, apostrophes and stretched words."""
    said = unicodedata.normalize("NFKC", _SHORTCODE.sub(" ", text))
    if not said.isupper():
        said = _ACRONYM.sub(r"\1\1", said)
    said = said.casefold()
    return _STRETCHED.sub(r"\1", _APOSTROPHE.sub(" ", said))
