"""What a model's sentence asks of its reader must be asked by the cited passage, too (threat 19).

`workers/claims` compares a sentence with its source word by word, and across languages by meaning
alone. A request is where that is too little: "…, so confirm it with your password" is near enough
to its source in meaning. So each thing that can be asked of a reader has its words in four
languages, and a sentence may have none that its source lacks. The same holds for letters: a clause
in another script is no word that a rule reads.
"""

import re
import unicodedata

_WORDS = {
    "call": r"call|calls|calling|phone|dial|ring|anruf\w*|ruf|rufe|rufen|anzurufen|telefon\w*"
    r"|appele[rz]|appelle[rz]?|téléphon\w+|llam[ae]\w*|telefone\w*|hotline",
    "secret": r"passwor[dt]s?|passcodes?|pins?|codes?|kennw[oö]rt\w*|kartennummer|badge|geheimzahl"
    r"|mot de passe|contraseñas?|claves?|card number|credentials?|zugangsdaten|identifiants?",
    "enter": r"type in|fill in|eingeben|einzugeben|gib|geben sie|tipp\w*|saisi\w+|introdu[cz]\w+",
    "click": r"click\w*|button|tap|klick\w*|schaltfläche|knopf|cliqu\w+|bouton|clic|bot[oó]n|pulse",
    "pay": r"pay|pays|paid|paying|repay\w*|transfer\w*|wire|überweis\w*|zahl\w*|bezahl\w*|paye\w*"
    r"|vire[rz]|virement|pag[aou]\w*|transfier\w*|price|costs?|preis\w*|kosten|eur|euros?|usd"
    r"|dollars?",
    "send": r"send|sends|sending|forward|mail|e-?mails?|mailbox|schicke?n?|sende?n?|einsenden"
    r"|weiterleiten|postfach|envoye[rz]|envíe\w*|enviar|correo|courriel",
    "reply": r"reply|replies|respond|antworten?|réponde[rz]|répondre|responda|responder",
    "install": r"install\w*|download\w*|herunterlad\w*|télécharge\w*|descarg\w+|instal[ae]\w*",
    "visit": r"visit|visits|log ?in|sign ?in|log on|anmelden|einloggen|besuchen?|visite[rz]?"
    r"|connecte[rz]|acced\w+|inicie",
    "tell": r"tell|read out|disclose|reveal|nenne?|nennen|verrat\w*|lies|vorlesen|dites|diga|decir",
    "share": r"share|sharing|teilen?|teile|weitergeben|partage[rz]|compart\w+",
    "scan": r"scan\w*|qr|escane\w*",
    "confirm": r"confirm\w*|verify|verifies|bestätig\w*|vérifie[rz]|verifi\w+",
    "ignore": r"ignore\w*|ignorier\w*|disregard|ignora\w*",
}
"""What may be asked of a reader, by the words for it. Nouns, too: a telephone number supports
"call", and a price "pay"."""
_ASKED = re.compile(
    r"\b(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _WORDS.items()) + r")\b",
    re.IGNORECASE,
)
_LATIN = "LATIN"


def adds_request(sentence: str, source: str) -> bool:
    """Whether a sentence asks something of its reader, or names a secret, that its source lacks."""
    return not _asked_in(sentence) <= _asked_in(source)


def adds_script(sentence: str, passage: str) -> bool:
    """Whether a sentence mixes scripts, and one of them is in no word of the passage."""
    scripts = _scripts_of(sentence)
    return len(scripts) > 1 and not scripts <= _scripts_of(passage)


def _asked_in(text: str) -> frozenset[str]:
    return frozenset(str(found.lastgroup) for found in _ASKED.finditer(text))


def _scripts_of(text: str) -> frozenset[str]:
    """Return the scripts of a text's letters, by the first word of each letter's name."""
    if text.isascii():
        return frozenset({_LATIN} if any(one.isalpha() for one in text) else ())
    return frozenset(_script(one) for one in set(text) if one.isalpha())


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "").partition(" ")[0]
    return _LATIN if name in ("FEMININE", "MASCULINE", "FULLWIDTH") else name
