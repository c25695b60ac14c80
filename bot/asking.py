"""Decides from its text alone whether a message that does not mention Ken is meant for it.

A missed question means silence; a false one means a bot that butts in. So a question mark counts, a
question word counts only at the beginning, and code, quotations and messages that are addressed to
somebody else never count.
"""

import re

_LONGEST = 4000
"""Characters. A longer message is pasted text, not a question."""

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_QUOTATION = re.compile(
    r"^[ \t]*(?:&gt;|>){3}(?s:.*)"  # three: all that follows
    r"|^[ \t]*(?:&gt;|>).*$"
    r"|(?<![\w~])~(?=[^\s~])[^~\n]*(?<!\s)~(?![\w~])",  # struck out
    re.MULTILINE,
)
_TO_SOMEBODY = re.compile(
    r"^\W*<(?:@|!)[^<>]*>|,\s*<@[^<>]*>[\s?!.]*$|^\W*@(?!ken\b)\w", re.IGNORECASE
)
_LINK = re.compile(r"<(?:[@#!][^<>]*|[a-z]+:[^<>|]*(?:\|([^<>]*))?)>|\bhttps?://\S+", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]")

_MARK = re.compile(
    r"\?(?=[\s\"'»”’)*_~?!.…]|$)"
    r"|[\uff1f\u061f\u037e\u055e\u1367\u1945\u2047-\u2049\u203d\u2e2e\ua60f\ua6f7¿\u2753\u2754]"
    r"|[\U00011143]"
)

_GREETING = r"(?:hi|hey|hello|hallo|moin|servus|bonjour|salut|hola|ciao|ok|okay|dear|liebe[rs]?)"
_FILLER = re.compile(
    rf"^(?:(?:{_GREETING}|so|and|but|also|well|now|please|pls|und|aber|bitte|et|mais|alors|y|pero"
    r"|por favor|e|ma|quindi)\b(?:[ \t]+(?:all|team|folks|everyone|zusammen))?[\s,!.:–-]*){1,3}",
    re.IGNORECASE,
)
_NAMED = re.compile(
    rf"^(?:{_GREETING}[\s,]+)?@?ken\s*(?:[,:!?–—-]|\Z)|^{_GREETING}[\s,]+@?ken\b"
    r"|,\s*@?ken\s*[?!.]*\Z",
    re.IGNORECASE,
)
_NAME_FIRST = re.compile(r"^@?ken\s+", re.IGNORECASE)
_THANKS = re.compile(r"^(?:thank|thx|cheers|danke|merci|gracias|grazie|bye|tschüss)", re.IGNORECASE)

_PERSON = r"(?:i|you|we|they|he|she|it|there|this|that|these|those|anyone|anybody|someone|somebody)"
_ENGLISH = rf"""
      what(?:'s|’s)?\b(?!\s+(?:an?|the\s+(?:hell|heck|fuck)|i|you|we|they|he|she|it|ever)\b)(?=\s+\w)
    | who(?:'s|’s)?\s+(?!knows|cares|am\s+i\s+to)\w
    | (?:when|where)(?:'s|’s|\s+(?:is|are|was|were|do|does|did|can|could|will|would|should|must|has
        |have|may|to))\b
    | why\b(?!\s+(?:i|you|we|they|he|she|it|not)\b)(?=\s+\w)
    | (?:whose|which)\s+(?!(?:is|are|was|were|of|means?)\b)(?:\w+\s+){{1,4}}
        (?:is|are|was|were|do|does|did|can|could|will|should|must|has|have|applies|apply)\b
    | how\s+(?:is|are|was|were|do|does|did|can|could|will|would|should|must|many|much|long|often
        |far|old|big|large|to|come|about|late|early|soon|high)\b
    | (?:can|could|will|would|should|may|is|are|am|did|does|has|was|were)\s+{_PERSON}\b
    | (?:is|are|does|did|has)\s+(?:the|my|our|your)\s+\w
    | (?:do|have)\s+(?:i|you|we|they|anyone|anybody)\b
    | any(?:one|body)\s+(?:know|knows|have|has|got)\b | any\s+(?:idea|ideas|chance|update|updates)\b
    | (?:show|tell|give|help|remind)\s+(?:me|us)\b(?!\s+about\s+it\b)
    | (?:find|search|look\s+up|look\s+for)\s+(?:me|us|the|all|my|our|a|an|for)\b
    | (?:explain|summari[sz]e|compare)\s+\w | list\s+(?:the|all|my|our|every|me)\b
"""
_GERMAN = r"""
      (?:wer|wem|wen|wessen|wann|warum|wieso|weshalb|woher|wohin|womit|wofür|wozu|worin|wieviele?)
        \s+(?!weiß\b|weiss\b|immer\b|auch\b)\w
    | wo\s+(?!wir\b|ich\b|es\b|immer\b|auch\b)\w
    | wie\s+(?!gesagt|besprochen|immer|schön|nett|toll|cool|auch|schade|ich|wir\b)\w
    | was\s+(?:ist|sind|muss|müssen|kann|können|darf|dürfen|soll|sollen|heißt|bedeutet|kostet|gilt
        |gibt|passiert|macht|mache|machen|tun|steht|brauche|brauchen|hat|haben|wird|war|bekomme)\b
    | welche[rsnm]?\s+\w+\s+\w
    | (?:kannst|könntest|weißt|hast|darf|muss|soll|kann)\s+(?:du|man|jemand|mir)\b
    | (?:weiß|hat|kennt)\s+(?:jemand|wer)\b | (?:gibt\s+es|gibt['’]?s)\s+\w
    | (?:darf|soll)\s+ich\b | (?:dürfen|sollen|müssen|können)\s+(?:wir|sie)\b
    | (?:zeige?|sage?|gib|erklär|erkläre|nenne?|liste)\s+(?:mir|uns|bitte|alle)\b
    | (?:zeigen|sagen|erklären|geben)\s+sie\s+(?:mir|uns|bitte)\b
    | (?:suche?|finde)\s+(?:mir|uns|bitte|alle|die|den|das)\b
"""
_FRENCH = r"""
      (?:qu['’]est-ce|est-ce|y\s+a-t-il|quand\s+est|quand\s+(?:sont|doit|faut|peut)|pourquoi|combien)
    | qui\s+(?!sait\b)\w | où\s+(?:est|sont|se|puis|peut|trouver|en|dois|faut|vas?)\b
    | comment\s+(?:faire|fait-on|puis-je|peut-on|puis|peux|dois|est|sont|ça|se|obtenir|demander
        |marche|fonctionne|je)\b
    | quel(?:le)?s?\s+(?!beau|belle|bon|bonne|dommage|plaisir|horreur|chance)\w
    | que\s+(?:faire|faut|dit|dois|doit|se|signifie)\b | quoi\s+faire\b
    | (?:peux-tu|pouvez-vous|peut-on|puis-je|dois-je|a-t-on|avons-nous|sais-tu|savez-vous|as-tu
        |avez-vous|faut-il)\b
    | (?:montrez?|dis|dites|donnez?|trouvez?|expliquez?)-(?:moi|nous)\b | expliquez?\s+\w
"""
_SPANISH = r"""
      qué\s+(?!bien|pena|bonito|bonita|lástima|bueno|buena|guay|suerte)\w
    | (?:quién|quiénes|cuándo|dónde|adónde|cuál|cuáles|cuánto|cuánta|cuántos|cuántas)\s+\w
    | cómo\s+(?!no\b)\w | por\s+qué\s+\w
    | (?:muéstra|explíca|di|da|enséña|búsca)(?:me|nos)\b
    | (?:busca|encuentra|enumera|explica)\s+\w | (?:puedes|podrías|puedo|podemos|hay)\s+\w
"""
_ITALIAN = r"""
      chi\s+(?!sa\b)\w | (?:che\s+)?cosa\s+\w | (?:perché|quale|quali|qual)\s+\w
    | (?:quando|dove)\s+(?:è|sono|si|posso|devo|possiamo|trovo|va|inizia|arriva|c['’])\b
    | dov['’]è\b | com['’]è\b | come\s+(?:si|faccio|posso|funziona|devo|mai|possiamo|va)\b
    | quant[oaie]\s+(?:è|sono|costa|ho|giorni|tempo|volte|ferie)\b
    | (?:puoi|potresti|posso|possiamo)\s+\w | c['’]è\s+\w
    | (?:mostra|spiega|dim|dam|trova)(?:mi|ci)\b | (?:cerca|elenca|riassumi)\s+\w
"""
_ASKS = re.compile(
    "^(?:" + "|".join((_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN)) + ")",
    re.IGNORECASE | re.VERBOSE,
)


def asks_ken(text: str) -> bool:
    """Return whether this text, as Slack sends it, names Ken, asks, or requests a search."""
    own = _own_text(text)
    if not own or _TO_SOMEBODY.search(own):
        return False
    own = _LINK.sub(lambda link: link.group(1) or " ", own).strip()
    if not _WORD.search(own):
        return False
    if _MARK.search(own):
        return True
    if _THANKS.match(own):
        return False
    return bool(_NAMED.search(own) or _begins_a_question(own))


def _own_text(text: str) -> str:
    """Remove code and quotations; return an empty text if it is too long for a question."""
    return "" if len(text) > _LONGEST else without_quotations(text).strip()


def without_quotations(text: str) -> str:
    """Remove code, quotations and struck-out text."""
    return _QUOTATION.sub(" ", _CODE.sub(" ", text))


def _begins_a_question(own: str) -> bool:
    begun = own.lstrip("*_~\"'“„«» \t")
    without = _NAME_FIRST.sub("", _FILLER.sub("", begun))
    return bool(_ASKS.match(begun) or _ASKS.match(without))
