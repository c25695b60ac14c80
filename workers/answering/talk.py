"""Recognizes messages that are not questions (greetings, thanks, requests to act) and answers them.

Only words decide, and each is looked at a fixed number of times. If in doubt, it is a question.
"""

import re
from collections.abc import Sequence

from workers.answering import talk_phrases, talk_romance
from workers.answering.follow_up_words import JOINING
from workers.answering.oneself import asked_about_oneself
from workers.answering.talk_replies import VARIANTS
from workers.answering.talk_words import (
    ACTS,
    ACTS_IF_ASKED,
    ADDS,
    ALONE,
    AROUND_GREETINGS,
    ASKING,
    ASKING_BACK,
    BAGS,
    BESIDE,
    DAYS,
    DOES,
    DONE,
    EMOJI,
    GIVES,
    GREETINGS,
    KEN,
    LEADING,
    LOOKS_UP,
    MAILS,
    MAKE,
    MAKES,
    MESSAGES,
    NO_VERBS,
    OBJECTS,
    OF_WORK,
    OPENINGS,
    OPENINGS_THAT_ASK,
    ORDERS,
    PHRASES,
    PLEASE,
    POINTING,
    POINTING_BACK,
    POLITE,
    RISES,
    SAYS,
    SPEAKERS,
    TELLING,
    THAT,
    TO_ME,
    TOLD,
    TURNED,
    TURNS,
    WHOM,
    WHOSE,
    WRITES,
    Talk,
    words_in,
)
from workers.models.small_talk import normalised
from workers.replies.rendering import HELP
from workers.slack.marks import is_only_carried
from workers.wording.mark import N_

_REPLIES = {
    Talk.INSULT: N_(
        "I am sorry that I was not more help. Try asking in other words, or press “Bad "
        "answer” below an answer: the people who look after the documents will see it."
    ),
    Talk.HELP: HELP,
    Talk.WHO: N_(
        "I am Ken, an assistant. I answer questions from your company's documents and name "
        "my sources. Write “help” to see what I can do."
    ),
    Talk.INVITE: N_("Of course. What would you like to know?"),
    Talk.JOKE: N_("I am better at documents than at jokes. Ask me something about your company."),
    Talk.HOW: N_("I am well, thank you. What would you like to know?"),
    Talk.PRAISE: N_("Thank you, that is kind."),
    Talk.TEST: N_("I am here. What would you like to know?"),
    Talk.WISH: N_("Thank you, the same to you!"),
    Talk.BYE: N_("Goodbye! I am here when you have a question."),
    Talk.THANKS: N_("You are welcome."),
    Talk.SORRY: N_("No problem."),
    Talk.SURE: N_("To be sure, open the sources: they are listed below each of my answers."),
    Talk.CHAT: N_("I only know your company's documents. What would you like to know from them?"),
    Talk.GREETING: N_("Hello! What would you like to know?"),
    Talk.ACK: N_("Good. I am here if you have another question."),
    Talk.ACT: N_(
        "I cannot do that for you: I only answer questions from your company's documents. "
        "Ask me how it is done, and I will look it up."
    ),
    Talk.WORDLESS: N_("I can only read words. What would you like to know?"),
    Talk.UNREADABLE: N_(
        "I cannot read files or forwarded messages of this kind. Tell me in your own "
        "words what you would like to know."
    ),
}

_PHRASES = PHRASES | talk_phrases.PHRASES
_BEGINNING = 5
_SAYS_NOTHING = (
    KEN | GREETINGS | ALONE | WHOM | WHOSE | TOLD | OBJECTS | NO_VERBS | ASKING | ASKING_BACK
) | words_in("please can could would you will send get make tomorrow today now bitte kannst du the")
_BAGS = (*BAGS, *talk_phrases.BAGS)
_LONGEST_PHRASE = max(len(phrase.split()) for phrase in _PHRASES)
_LONGEST, _MOST_WORDS, _MOST_CLAUSES = 240, 30, 6
_CLAUSE_END = re.compile(r"[.,;:!?…¡¿。，、！？\n()–—]+|\s-\s")
_WORD = re.compile(r"[^\W_]+")
_LONGEST_OPENING = 5
_LONGEST_CHAT = 9
_HAVE_A = re.compile(r"have an? (?:very )?(?:nice|good|great|lovely|wonderful) ")


def reply_to_talk(text: str, seed: int = 0, *, follows: bool = False) -> str | None:
    """Return the reply to talk, or None if it is a question that has to be looked up.

    `text` is plain, with names in place of marks. `seed` picks one of the variants, always the
    same. `follows`: something was asked before, and “how does this work?” means that.
    """
    talk = None if asked_about_oneself(text) else talk_of(text)
    if talk is None or (follows and _goes_on_asking(talk, text)):
        return None
    variants: tuple[str, ...] = (
        *((_REPLIES[talk],) if talk in _REPLIES else ()),
        *VARIANTS.get(talk, ()),
    )
    return variants[seed % len(variants)]


def _goes_on_asking(talk: Talk, text: str) -> bool:
    """Whether it means what was asked before: “how does this work?”, “and the worst?”."""
    words = _WORD.findall(normalised(text))
    if talk is Talk.INSULT:
        return "?" in text and bool(words) and words[0] in JOINING
    return talk is Talk.HELP and not POINTING.isdisjoint(words)


def reply_to_request(text: str) -> str | None:
    """Return the reply to a request to act if nothing was found for it; None if it is not one.

    “Reset my password” may also be a search, so it is looked up first.
    """
    if len(text) > _LONGEST:
        return None
    words = _WORD.findall(normalised(text))
    # “Can you book business class?” asks whether one may.
    may_ask = words[:1] in (["can"], ["kannst"]) and (ALONE | THAT).isdisjoint(words)
    is_whether = "?" in text and may_ask
    return _REPLIES[Talk.ACT] if _may_ask_to_act(words) and not is_whether else None


def fits_request(text: str, pages: Sequence[str]) -> bool:
    """Whether pages are about what a request wants done: half of its words, or their beginnings,
    are in them, and more than one unless there is only one.
    """
    words = {word[:_BEGINNING] for word in _WORD.findall(normalised(text)) if _says_what(word)}
    held = {word[:_BEGINNING] for page in pages for word in _WORD.findall(page.casefold())}
    found = words & held
    return bool(found) and 2 * len(found) >= len(words) and (len(found) > 1 or len(words) == 1)


def _says_what(word: str) -> bool:
    return len(word) > 2 and word not in _SAYS_NOTHING


def talk_of(text: str) -> Talk | None:
    if is_only_carried(text):
        return Talk.UNREADABLE
    if len(text) > _LONGEST or "\n>" in text or text.startswith(">"):
        return None
    if not text.strip():
        return Talk.HELP
    said = normalised(text)
    clauses = [_WORD.findall(clause) for clause in _CLAUSE_END.split(said)]
    clauses = [clause for clause in clauses if clause]
    words = [word for clause in clauses for word in clause]
    if not words:
        return Talk.HELP if "?" in said else _shown(text)
    if len(words) > _MOST_WORDS:
        return None
    if _asks_to_act(words) or talk_romance.asks_to_act(words):
        return Talk.ACT
    whole = _talk_in(words, asked="?" in said)
    if whole is not None or len(clauses) > _MOST_CLAUSES:
        return whole
    said_something = [clause for clause in clauses if not ALONE.issuperset(clause)]
    asked = "?" in said
    found = [
        _talk_in(clause, asked=asked) or _chat(clause, asked=asked) for clause in said_something
    ]
    if not found or None in found:
        return None
    return min((talk for talk in found if talk), key=list(Talk).index)


def _shown(text: str) -> Talk:
    """Return what a message without words says by its emoji."""
    for talk, emoji in EMOJI:
        if any(one in text for one in emoji):
            return talk
    return Talk.WORDLESS


def _talk_in(words: list[str], *, asked: bool) -> Talk | None:
    """Return the kind of talk in one clause; a greeting or the like may precede it without a comma.

    With `asked` (a question mark), “is that ok?” refers to what was said before and is not talk.
    """
    rest = list(words)
    while len(rest) > 1 and rest[-1] in ALONE and not _known(rest):
        rest.pop()
    is_leading = LEADING.issuperset(rest)
    for start in range(len(rest)):
        talk = _known(rest[start:])
        if talk in POINTING_BACK and asked and not ASKING_BACK.isdisjoint(rest):
            return None
        if talk is not None:
            return talk
        if rest[start] not in LEADING:
            return None
    return Talk.ACK if is_leading else None


def _known(words: list[str]) -> Talk | None:
    if len(words) <= _LONGEST_PHRASE:
        phrase = " ".join(words)
        if phrase in _PHRASES:
            return _PHRASES[phrase]
        if _HAVE_A.match(phrase) and words[-1] in DAYS:
            return Talk.WISH
    if talk_phrases.READS_ALONG.fullmatch(" ".join(words)):
        return Talk.PRIVATE
    for talk, core, around in _BAGS:
        if not core.isdisjoint(words) and all(word in core or word in around for word in words):
            return talk
    return None


def _chat(words: list[str], *, asked: bool) -> Talk | None:
    """Return the kind of a sentence of which only the opening is known: “thanks for the quick
    reply”.
    """
    if len(words) > _LONGEST_CHAT:
        return None
    openings = OPENINGS_THAT_ASK if asked else OPENINGS_THAT_ASK | OPENINGS
    for start in range(len(words)):
        for length in range(_LONGEST_OPENING, 0, -1):
            talk = openings.get(" ".join(words[start : start + length]))
            if talk is not None:
                return talk if _goes_on(talk, words[start + length :]) else None
        if words[start] not in LEADING:
            return None
    return None


def _goes_on(talk: Talk, rest: list[str]) -> bool:
    """Whether the rest of a sentence that begins as talk is not a question."""
    if talk is Talk.WISH:
        return AROUND_GREETINGS.issuperset(rest)
    asks = ASKING | OF_WORK if talk is Talk.CHAT else ASKING
    return asks.isdisjoint(rest) and not any(map(str.isdigit, rest))


def _asks_to_act(words: list[str]) -> bool:
    """Whether it asks Ken to act, which it cannot: “Book me a day off”, “please cancel my trip”."""
    polite, said = _asked_for(words)
    if len(said) < 2 or not ASKING.isdisjoint(said):
        return False
    verb, whom = said[0], said[1]
    if whom == "du" and len(said) > 2:
        whom = said[2]  # "buchst du mir einen Flug?"
    end = [word for word in said if word not in ALONE and word not in ("for", "me")]
    if verb in MAKE:
        return whom in WHOM | {"a", "some", "einen"} and end[-1] in MAKES
    if verb in WRITES:
        return not MESSAGES.isdisjoint(end) and (bool(polite) or "to" in end or verb == "set")
    if words[-1] in DONE:  # German puts the verb last
        return bool(polite) and verb in WHOM | WHOSE
    if verb == "do":
        return whom in WHOSE or " ".join(said) in ("do it", "do it for me", "do this for me")
    if verb not in ACTS | ACTS_IF_ASKED or (verb in LOOKS_UP and whom in WHOM):
        return False
    if whom in WHOM or words[-2:] == ["for", "me"]:
        return True
    return whom in WHOSE and (bool(polite) or verb in ACTS)


def _may_ask_to_act(words: list[str]) -> bool:
    """Whether there is a verb of doing with an object."""
    polite, said = _asked_for(words)
    if len(said) < 2 or not ASKING.isdisjoint(said):
        return False
    verb, whom, further = said[0], said[1], said[2:]
    if verb in LOOKS_UP:
        return False
    if "dass" in words and polite and not TELLING.isdisjoint(said):
        return True  # German's verb is late: "kannst du Bob schreiben, dass ich krank bin"
    if verb in GIVES:
        return not RISES.isdisjoint(further)
    if verb in SAYS:
        messages = TOLD | MESSAGES | (SPEAKERS if whom not in WHOM else frozenset())
        is_message = not messages.isdisjoint(further)
        return is_message or (whom in OBJECTS and whom not in WHOM)
    if verb in MAILS:
        return bool(polite) or not THAT.isdisjoint(further)
    if verb in TURNS and whom in TURNED:
        return not OBJECTS.isdisjoint(further[:1])
    if whom in TO_ME:
        return verb not in NO_VERBS
    is_please = verb in ACTS and said[-1] in PLEASE  # "order 20 bags of flour please"
    if is_please or verb in ORDERS or (verb in ADDS and not BESIDE.isdisjoint(further[:1])):
        return True
    is_verb = verb in ACTS | ACTS_IF_ASKED | DOES | MAKE or said[-1] in DONE
    return is_verb and (bool(polite) or whom in OBJECTS)


def _asked_for(words: list[str]) -> tuple[str, list[str]]:
    """Split off the polite words in front of what is asked for."""
    start = 0
    while start < len(words) and words[start] in GREETINGS | KEN | words_in("there ok okay"):
        start += 1
    phrase = " ".join(words[start : start + 5]) + " "
    polite = next((one for one in POLITE if phrase.startswith(f"{one} ")), "")
    return polite, words[start + len(polite.split()) :]
