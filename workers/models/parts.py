"""Two questions in one, and comparisons: the questions that a message holds, each by itself."""

import re
from collections.abc import Iterator, Sequence

MOST_PARTS = 4
_LONGEST = 2_000
_BEGINS = (
    "who|who's|whos|whom|when|when's|where|what|what's|whats|how|why|which|are|is|can|do|does|may"
    "|must|should|will|wer|wen|wem|wann|wo|wohin|was|wie|warum|wieso|welche|welcher|welches|sind"
    "|ist|kann|darf|muss|gibt|qui|quand|où|que|quel|quelle|comment|pourquoi|combien|quién|cuándo"
    "|dónde|qué|cómo|cuánto|cuántos|cuántas|cuál"
)
_LED = r"(?:for|in|at|by|to|from|since|until|with|auf|für|in|bei|bis|seit|von|pour|à|de|para|en)"
_JOINT = re.compile(
    rf"(?<!\?)\?++ (?=\w)|[,;]? (?:and|und|y|et|&|\+|plus) (?:also |auch )?"
    rf"(?=(?:{_LED} )?(?:{_BEGINS})(?!\w))|[,;] (?=(?:{_LED} )?(?:{_BEGINS})(?!\w))",
    re.IGNORECASE,
)
_ASKS = re.compile(rf"(?<![\w'-])(?:{_BEGINS})(?!\w)", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_VERSUS = re.compile(
    r"(?<![\w.'-])(?P<one>[\w.'-]++) (?:vs\.?|versus|compared (?:to|with)|gegenüber"
    r"|im vergleich zu) "
    r"(?:the |der |die |das |in )?(?P<other>[\w.'-]+)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(
    r"(?<!\w)(?:between|zwischen|entre) (?:the )?(?P<one>[\w.'-]+(?: [\w.'-]+)?) (?:and|und|et|y) "
    r"(?:the )?(?P<other>[\w.'-]+)",
    re.IGNORECASE,
)
_NO_SIDES = frozenset(
    "after before during now then old new older former vor nach während danach vorher alt"
    " neu".split()
)
"""Words that name no side without the rest of the sentence."""
_FEW_WORDS, _MOST_DIFFERENT = 3, 4
_SHORT_COUNTRIES = frozenset({"us", "uk", "eu"})
"""Beside “vs” they are countries, however they are written."""


def parts_of(question: str) -> tuple[str, ...]:
    """Return the questions in a message, at most four, each with the topic that it needs.

    A comparison gives one question for each side. One question comes back as it is.
    """
    text = " ".join(question[:_LONGEST].split())
    for pattern in (_VERSUS, _BETWEEN):
        found = pattern.search(text)
        if found and not {found["one"].lower(), found["other"].lower()} & _NO_SIDES:
            return tuple(_sides(text, found))
    pieces: list[str] = []
    for piece in (one.strip(" ?,;") for one in _JOINT.split(text)):
        if pieces and not _ASKS.search(piece):  # "…? In Kiel, I mean" belongs to what was asked
            pieces[-1] = f"{pieces[-1]} {piece}".strip()
        elif _WORD.search(piece):
            pieces.append(piece)
    if len(pieces) < 2 or not _ASKS.search(pieces[0]) or _is_clause(pieces):
        return (question,)
    topic = _topic(pieces[0])
    return tuple(
        piece if at == 0 or len(_WORD.findall(piece)) > _FEW_WORDS + 2 else f"{topic} {piece}"
        for at, piece in enumerate(pieces[:MOST_PARTS])
    )


def is_comparison(parts: Sequence[str]) -> bool:
    """Whether these parts differ in little more than the sides that are compared."""
    first, *rest = [set(_WORD.findall(part.casefold())) for part in parts]
    return bool(rest) and all(len(first ^ other) <= _MOST_DIFFERENT for other in rest)


def _is_clause(pieces: list[str]) -> bool:
    """Whether what follows only belongs to the question before it: “if I …, what happens?”."""
    return bool(re.match(r"(?:if|wenn|falls|si|cuando)(?!\w)", pieces[0], re.IGNORECASE))


def _sides(text: str, found: "re.Match[str]") -> Iterator[str]:
    before, after = text[: found.start()], text[found.end() :]
    for side in (found["one"], found["other"]):
        side = side.upper() if side.lower() in _SHORT_COUNTRIES else side
        yield " ".join(f"{before} {side} {after}".split())


def _topic(first: str) -> str:
    """Return what stands before the question word: “guest wifi: how long”; else all of it."""
    asks = _ASKS.search(first)
    before = first[: asks.start()] if asks else ""
    return before.strip(" :,-–—") if len(_WORD.findall(before)) else first
