"""Makes a follow-up in a thread self-contained: “and in the US?” replaces the place that the
question before it names.

Only people's messages are context, never Ken's answers: each was made for its readers at that time.
Words alone decide. A wrong guess only changes the search; permissions are not affected.
"""

import re
from collections.abc import Sequence

from workers.answering.follow_up_words import (
    ABOUT,
    ARTICLES,
    ASKING,
    AT_PLACES,
    CORRECTION,
    CUTTING,
    DAS_ALONE,
    DENIAL,
    FOR_PEOPLE,
    FRAME,
    HOW_MUCH,
    INTERROGATIVE,
    JOINING,
    LEAD,
    OWN,
    PARTICLES,
    PERSONS,
    PLACING,
    POINTING,
    POINTS_NOWHERE,
    SLOTS,
    SMALL,
    SUPERLATIVE,
    THANKS,
    THE_POINTED,
    TIME,
    WHAT_ABOUT,
)
from workers.models.asks import ATTRIBUTES
from workers.models.base import Rewriter
from workers.models.facets import facets_in
from workers.replies.inert import inert
from workers.slack.messenger import Said

MOST_BEFORE = 12
_LONGEST_BEFORE, _LONGEST_JUDGED = 500, 1000
_FEW = 2
"""Content words: with at most this many, a question that refers back is not complete."""
_MOST_SUBJECT, _MOST_PHRASE, _MOST_FRAGMENT = 10, 3, 8
_POINTED = 4
"""Words of a question whose only subject is a pronoun."""
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_TOKEN = re.compile(r"[^\s]+")
_END = " \t\n?!.,;:…"
_OPENING = ("¿", "¡")
_WHO = frozenset({"who", "wer", "qui", "quién"})
_THE_US = re.compile(r"\bU\.?S\.?(?:A\.?)?(?!\w)|\bthe us\b")
_IT = re.compile(r"\bIT\b")
_CLAUSE = re.compile(r"[.!?\n](?:\s|\Z)")


def self_contained(text: str, before: Sequence[Said]) -> str:
    """Return the question with what it needs of the earlier ones; unchanged if it is complete.

    `before`: what people wrote earlier in the thread, oldest first. What counts is the nearest
    question before it, itself made self-contained, or else the thread's first message.
    """
    if text.lstrip().startswith(_OPENING):  # Spanish: what it opens is the same without it
        made = self_contained(_unopened(text), before)
        return text if made == _unopened(text) else made
    if not leans_back(text):
        return text
    standing = _standing([_cleaned(said.text) for said in before[-MOST_BEFORE:]])
    if not standing and before:
        began = _cleaned(before[0].text)
        standing = "" if _is_thanks(_words(began)) else began
    return _joined(text, standing) if standing else text


def as_asked(answerer: object, text: str, before: Sequence[Said]) -> str:
    """Return the question made self-contained: by the model if it does that, else by rules.

    What people wrote may mislead the model. What it writes is only searched for, and shown as
    text: it changes neither who may read nor what is done.
    """
    by_rules = self_contained(text, before)
    if not before or not isinstance(answerer, Rewriter) or len(text) > _LONGEST_BEFORE:
        return by_rules
    recent = [_cleaned(said.text) for said in before[-MOST_BEFORE:]]
    made = answerer.rewrite(_cleaned(text), recent)
    if made is None or made.strip() == text.strip():
        return by_rules if made is None else text
    shown = _cleaned(" ".join(made[: 2 * _LONGEST_BEFORE].split()))
    return shown if shown and _keeps_names(text, shown) else by_rules


def _keeps_names(text: str, made: str) -> bool:
    """Whether what is rewritten still has each number and name of the question."""
    tokens = _TOKEN.findall(text)
    wanted = [
        _bare(token)
        for at, token in enumerate(tokens)
        if any(map(str.isdigit, token)) or (at and _starts_big(token))
    ]
    return all(one in made.casefold() for one in wanted)


def _unopened(text: str) -> str:
    return text.lstrip().lstrip("".join(_OPENING))


def leans_back(text: str) -> bool:
    """Whether a question is incomplete without the one before it."""
    if CORRECTION.match(text):
        return True
    text = _without_thanks(text)
    denied = DENIAL.match(text)
    if denied and text[denied.end() :].strip(_END):
        text = text[denied.end() :]
    words = _words(text)
    if not words:
        return False
    about = [word for word in words if word not in SMALL]
    if _is_thanks(words):
        return False
    if not about or WHAT_ABOUT.match(_led(text)) or _is_fragment(words):
        return True
    if len(about) > _FEW:
        return False
    if words[0] in JOINING or _points_back(text) or _is_elliptic(words):
        return True
    return len(about) == 1 and _is_bare(words)


def lacks_subject(text: str) -> bool:
    """Whether nothing says what a question is about: “until when?”, “how long does it take?”; or
    all that does points at something: “is that allowed?”.
    """
    words = _words(text)
    asks = bool(words) and (words[0] in ASKING or "?" in text)
    if not asks or len(words) > _MOST_FRAGMENT:
        return False
    about = [word for word in words if word not in SMALL]
    points = words[0] in ASKING and len(words) <= _POINTED and _points_back(text)
    return not about or (points and len(about) == 1)


def subject_of(question: str) -> str:
    """Return what a question is about: “the Columbus lease” of “What about the Columbus lease?”."""
    return _subject(question)[0]


def _subject(question: str) -> tuple[str, bool]:
    """Return what a question is about, and whether that is a thing, which may stand for “it”."""
    asking = [clause for clause in _CLAUSE.split(question) if ASKING.intersection(_words(clause))]
    tokens = _TOKEN.findall((asking[-1] if asking else question).strip(_END))
    core = _core(tokens)
    kept = core or [at for at, token in enumerate(tokens) if _bare(token) not in SMALL]
    kept = kept[:_MOST_SUBJECT]
    said = " ".join(tokens[at] for at in kept).strip(_END)
    in_one = bool(core) and kept == list(range(kept[0], kept[0] + len(kept)))
    before = _bare(tokens[kept[0] - 1]) if kept and kept[0] else ""
    follows_verb = before in SLOTS | PERSONS | {"to", "zu"}
    return said, in_one and not follows_verb and _bare(tokens[kept[0]]) not in PLACING


# -- what stands ------------------------------------------------------------------------------


def _standing(recent: Sequence[str]) -> str:
    """Return the nearest question, with what it needs of those before it."""
    standing = ""
    for earlier in recent:
        if not _asks(earlier):
            continue
        if standing and leans_back(earlier):
            standing = _joined(earlier, standing)[:_LONGEST_BEFORE]
        else:
            standing = earlier
    return standing


def _asks(text: str) -> bool:
    words = _words(text)
    if not words or _is_thanks(words):
        return False
    starts = words[0] in ASKING or bool(CORRECTION.match(text) or DENIAL.match(text))
    goes_on = words[0] in JOINING and words[1:2] and words[1] in PLACING
    return "?" in text or starts or bool(goes_on) or _asks_later(text)


def _asks_later(text: str) -> bool:
    """Whether a later clause asks: “lost my badge, what do I do”."""
    return any(
        _words(clause)[:1] and _words(clause)[0] in INTERROGATIVE for clause in text.split(",")
    )


# -- the two together -------------------------------------------------------------------------


def _joined(text: str, standing: str) -> str:
    """Return the follow-up with what it lacks; it says less of the old than of the new."""
    rest = _without_thanks(text).strip()
    corrected = CORRECTION.match(rest) or DENIAL.match(rest)
    if corrected and rest[corrected.end() :].strip(_END):
        return _with_phrase(standing, rest[corrected.end() :].strip(_END))
    led = _led(rest)
    about = WHAT_ABOUT.match(led)
    phrase = (led[about.end() :] if about else led).strip(_END)
    words = _words(phrase)
    is_phrase = bool(words) and not ASKING.intersection(words[:1]) and len(words) <= _MOST_FRAGMENT
    if is_phrase and (about or _is_fragment(words)) and not _is_pointer(words):
        return _with_phrase(standing, _for_people(_without_verb(phrase)))
    return _with_subject(led.strip() or rest, standing)


def _with_subject(text: str, standing: str) -> str:
    words = _words(text)
    if words[:1] and words[0] in INTERROGATIVE and (placed := _placed_at(text)):
        standing = _with_phrase(standing, placed, adds=False)  # "how many in Berlin?"
    subject, is_thing = _subject(standing)
    if not subject or subject.casefold() in text.casefold():
        return text
    found = THE_POINTED.search(text)
    if found and is_thing and _is_noun_place(text, found):
        return f"{text[: found.start()]}{subject}{text[found.end() :]}"
    if not SMALL.issuperset(words):
        subject = _without_attribute(subject)
    return f"{text.rstrip(_END)} ({subject})?"


def _without_attribute(subject: str) -> str:
    """Return “the lease” of “deadline for the lease”, when something else about it is asked."""
    tokens = subject.split()
    first = 1 if _bare(tokens[0]) in ARTICLES else 0
    has_more = len(tokens) > first + 2 and _bare(tokens[first + 1]) in ABOUT
    if has_more and _bare(tokens[first]) in ATTRIBUTES:
        return " ".join(tokens[first + 2 :])
    return subject


def _is_noun_place(text: str, found: re.Match[str]) -> bool:
    """Whether the pronoun stands alone there: not “that form”, nor German's “es”."""
    after = _words(text[found.end() :])[:1]
    before = _words(text[: found.start()])
    return not after or after[0] in SMALL or bool(before and before[-1] in ASKING)


def _placed_at(text: str) -> str:
    """Return the phrase at the end of “how many in Berlin?”; empty if there is more to it."""
    tokens = _TOKEN.findall(text.strip(_END))
    for at, token in enumerate(tokens):
        word = _bare(token)
        if word in AT_PLACES | FOR_PEOPLE and at + 1 < len(tokens):
            return " ".join(tokens[at:])
        if word not in HOW_MUCH:
            return ""
    return ""


def _with_phrase(standing: str, phrase: str, *, adds: bool = True) -> str:
    """Put a phrase in place of the one of its kind; if there is none and `adds`, at the end."""
    phrase = phrase.strip(_END)
    if not phrase or phrase.casefold() in standing.casefold():
        return standing
    if ASKING.intersection(_words(phrase)[:1]):  # "no, I meant who approves it"
        return _with_subject(phrase + "?", standing) if leans_back(phrase) else phrase
    if TIME.fullmatch(_without_placing(phrase)):
        return _with_time(standing, phrase)
    if put := _with_superlative(standing, phrase):
        return put
    tokens = _TOKEN.findall(phrase)
    first = _bare(tokens[0])
    if first in AT_PLACES:
        found = _phrase_at(standing, AT_PLACES, like=tokens)
    elif first in FOR_PEOPLE:
        found = _phrase_at(standing, FOR_PEOPLE, like=tokens)
        if found is None and (slot := _slot(standing)):
            return _put(standing, slot, " ".join(tokens[1:]))
    elif first in PLACING:
        found = _phrase_at(standing, frozenset({first}), like=tokens)
    else:
        return _with_thing(standing, phrase, tokens)
    if found:
        return _put(standing, found, phrase)
    return _after(standing, phrase) if adds else standing


def _with_thing(standing: str, phrase: str, tokens: Sequence[str]) -> str:
    """Put a thing without a preposition in place of a name, of who is asked about, or of an own
    thing; before a question that is about nothing else yet.
    """
    about = {word for word in _words(standing) if word not in SMALL}
    if about and about <= ATTRIBUTES:  # "the limit?", which Ken asked back
        return phrase if about <= {*_words(phrase)} else f"{phrase}: {_led(standing)}"
    if _bare(tokens[0]) in OWN and (found := _own_thing(standing)):
        return _put(standing, found, phrase)
    if _is_name(tokens) and (found := _last_name(standing)):
        return _put(standing, found, phrase)
    for kind in (FOR_PEOPLE, AT_PLACES) if not _is_name(tokens) else (AT_PLACES, FOR_PEOPLE):
        if found := _phrase_at(standing, kind, like=tokens):
            start = standing.index(" ", found[0]) + 1  # behind the preposition
            return _put(standing, (start, found[1]), phrase)
    last = _bare(tokens[-1])
    if (slot := _slot(standing)) and (last.endswith("s") or not last.isascii() or _is_name(tokens)):
        return _put(standing, slot, phrase)
    is_place = facets_in(phrase).names_a_place
    if not is_place and (found := _counted(standing) or _last_thing(standing)):
        return _put(standing, found, phrase)
    return f"{phrase}: {standing}"


def _with_time(standing: str, phrase: str) -> str:
    times = list(TIME.finditer(standing))
    if not times:
        return _after(standing, phrase)
    return _put(standing, times[-1].span(), _without_placing(phrase))


def _with_superlative(standing: str, phrase: str) -> str:
    """Return “which shop has the worst margin” for “the worst”; empty if it is none, or of none."""
    first, _, rest = phrase.partition(" ")
    superlative = rest if first.casefold() in ARTICLES else phrase
    found = list(SUPERLATIVE.finditer(standing))
    if not found or not SUPERLATIVE.fullmatch(superlative):
        return ""
    return _put(standing, found[-1].span(), superlative)


def _put(standing: str, span: tuple[int, int], phrase: str) -> str:
    first, _, rest = phrase.partition(" ")
    before = standing[: span[0]].split()
    if rest and first.casefold() in ARTICLES and before and before[-1].casefold() in ARTICLES:
        phrase = rest
    return f"{standing[: span[0]]}{phrase}{standing[span[1] :]}"


def _after(standing: str, phrase: str) -> str:
    return f"{standing.rstrip(_END)} {phrase}?"


# -- phrases of the standing question -----------------------------------------------------------


def _phrase_at(
    standing: str, placing: frozenset[str], *, like: Sequence[str]
) -> tuple[int, int] | None:
    """Return where the last phrase with such a preposition is.

    A name never takes the place of a common noun: “in the US” leaves “in the pipeline” alone.
    """
    tokens = list(_TOKEN.finditer(standing))
    for at in range(len(tokens) - 2, -1, -1):
        if _bare(tokens[at][0]) not in placing:
            continue
        end = _phrase_end([token[0] for token in tokens], at + 1)
        words = [token[0] for token in tokens[at + 1 : end]]
        if (
            not words
            or TIME.fullmatch(" ".join(words).strip(_END))
            or _is_pointer(_words(words[0]))
        ):
            continue
        common = _bare(words[0]) in ARTICLES and not _is_name(words)
        if common and _is_name(like):
            continue
        last = tokens[end - 1]
        return tokens[at].start(), last.start() + len(last[0].rstrip(_END))
    return None


def _phrase_end(tokens: Sequence[str], start: int) -> int:
    """Return where a noun phrase ends: an article, and a name or one or two words."""
    at = start
    while at < len(tokens) and _bare(tokens[at]) in ARTICLES and at == start:
        at += 1
    first = at
    while at < len(tokens) and at - first < _MOST_PHRASE:
        word = _bare(tokens[at])
        if word in SMALL or (at > first and _starts_big(tokens[first]) > _starts_big(tokens[at])):
            break
        at += 1
        if tokens[at - 1][-1] in _END:
            break
    return at


def _own_thing(standing: str) -> tuple[int, int] | None:
    """Return where “my hardware key” is."""
    tokens = list(_TOKEN.finditer(standing))
    for at in range(len(tokens) - 1):
        if _bare(tokens[at][0]) in OWN:
            end = _phrase_end([token[0] for token in tokens], at)
            last = tokens[end - 1]
            return tokens[at].start(), last.start() + len(last[0].rstrip(_END))
    return None


def _last_name(standing: str) -> tuple[int, int] | None:
    """Return where the last name is; the first word of a sentence is none."""
    tokens = list(_TOKEN.finditer(standing))
    for at in range(len(tokens) - 1, 0, -1):
        if not _starts_big(tokens[at][0]) or tokens[at - 1][0][-1] in ".?!":
            continue
        start = at
        while start > 1 and _starts_big(tokens[start - 1][0]):
            start -= 1
        last = tokens[at]
        if at + 1 < len(tokens) and tokens[at + 1][0][0].isdigit():
            last = tokens[at + 1]  # "Heron 5"
        return tokens[start].start(), last.start() + len(last[0].rstrip(_END))
    return None


def _slot(standing: str) -> tuple[int, int] | None:
    """Return where a question names who it is about: “do interns have”, “haben Praktikanten”."""
    tokens = list(_TOKEN.finditer(standing))
    for at in range(len(tokens) - 1):
        if _bare(tokens[at][0]) not in SLOTS:
            continue
        start = at + 1
        if _bare(tokens[start][0]) in ARTICLES and start + 1 < len(tokens):
            start += 1
        word = _bare(tokens[start][0])
        if word not in SMALL and word not in PERSONS:
            return tokens[at + 1].start(), tokens[start].start() + len(
                tokens[start][0].rstrip(_END)
            )
    return None


def _counted(standing: str) -> tuple[int, int] | None:
    """Return where a question names what it counts: “how much holiday do I get”."""
    tokens = list(_TOKEN.finditer(standing))
    words = [_bare(token[0]) for token in tokens]
    start = next((at + 1 for at, word in enumerate(words) if word in ("much", "many")), None)
    if start is None or start >= len(words):
        return None
    if "of" in words[start : start + 2]:  # "how many days of vacation"
        start = words.index("of", start) + 1
    end = start
    while end < len(words) and words[end] not in SMALL and end - start < _MOST_PHRASE:
        end += 1
    return (tokens[start].start(), tokens[end - 1].end()) if end > start else None


def _last_thing(standing: str) -> tuple[int, int] | None:
    """Return where the thing is that a question ends with: “how do I report vacation”."""
    tokens = list(_TOKEN.finditer(standing))
    start = len(tokens)
    while start > 0 and _bare(tokens[start - 1][0]) not in SMALL:
        start -= 1
    run = len(tokens) - start
    if not run or not start:
        return None
    if _bare(tokens[start - 1][0]) not in ARTICLES:  # the first is a verb
        start += run - (1 if run < _MOST_PHRASE else 2)
    last = tokens[-1]
    return tokens[start].start(), last.start() + len(last[0].rstrip(_END))


def _core(tokens: Sequence[str]) -> list[int]:
    """Return which words of a question name its topic, in order."""
    kept: list[int] = []
    has_topic = False
    for at, token in enumerate(tokens):
        word = _bare(token)
        if word in CUTTING and has_topic:
            break
        if word not in FRAME or (word in ARTICLES and word not in POINTING):
            kept.append(at)
        has_topic = has_topic or word not in FRAME | PLACING | ARTICLES
        if token[-1] in ",;:" and has_topic:
            break
    words = [_bare(token) for token in tokens]
    while kept and words[kept[-1]] in ABOUT | ARTICLES | PLACING:
        kept.pop()
    while kept and words[kept[0]] in ABOUT | PLACING and words[kept[0]] not in AT_PLACES | {"on"}:
        kept.pop(0)
    return kept if any(words[at] not in SMALL for at in kept) else []


# -- words --------------------------------------------------------------------------------------


def _is_fragment(words: Sequence[str]) -> bool:
    """Whether it has no question word or verb: “Berlin?”, “for interns in Berlin?”, “and for
    interns?”.
    """
    if ASKING.intersection(words):
        return False
    return len(words) <= _FEW or words[0] in PLACING | JOINING


def _is_bare(words: Sequence[str]) -> bool:
    """Whether no verb follows the question word: “How many in Berlin?”."""
    rest = [word for word in words if word not in HOW_MUCH]
    return words[0] in INTERROGATIVE and rest[0] in PLACING


def _is_elliptic(words: Sequence[str]) -> bool:
    """Whether a verb has nothing to act on: “how much did we set aside”, “who decides?”."""
    if words[0] not in INTERROGATIVE:
        return False
    if len(words) == 2 and words[0] in _WHO:
        return True
    rest = [word for word in words[1:] if word not in HOW_MUCH]
    if len(rest) < 2 or rest[0] not in SLOTS or rest[1] not in PERSONS:
        return False
    verb = rest[2:]
    return 1 <= len(verb) <= 2 and all(word in PARTICLES for word in verb[1:])


def _is_pointer(words: Sequence[str]) -> bool:
    return bool(words) and all(word in POINTING | ARTICLES | SMALL for word in words)


def _points_back(text: str) -> bool:
    judged = POINTS_NOWHERE.sub(" ", text[:_LONGEST_JUDGED])
    return bool(POINTING.intersection(_words(judged)) or DAS_ALONE.search(judged))


def _is_thanks(words: Sequence[str]) -> bool:
    """Whether it is nothing but “thanks” and the like."""
    about = [word for word in words if word not in SMALL]
    return bool(about) and THANKS.issuperset(about)


def _without_thanks(text: str) -> str:
    """Leave out a first clause that is nothing but thanks: “thanks! and in the US?”."""
    for mark in re.finditer(r"[.!,;\n–]+", text[:80]):
        words = _words(text[: mark.start()])
        if words and len(words) <= 4 and _is_thanks(words) and text[mark.end() :].strip(_END):
            return _without_thanks(text[mark.end() :].lstrip())
    return text


def _led(text: str) -> str:
    """Leave out “and” and the like in front."""
    found = LEAD.match(text)
    return text[found.end() :] if found and text[found.end() :].strip(_END) else text


def _for_people(phrase: str) -> str:
    """Return “for apprentices” of “does that apply to apprentices?”."""
    return "for" + phrase[2:] if phrase[:3].casefold() == "to " else phrase


def _without_placing(phrase: str) -> str:
    first, _, rest = phrase.partition(" ")
    return rest if first.casefold() in PLACING and rest else phrase


def _without_verb(phrase: str) -> str:
    """Leave out the end of German's “wie sieht es in Berlin aus”."""
    words = phrase.split()
    return (
        " ".join(words[:-1])
        if len(words) > 1 and words[-1].casefold() in ("aus", "too", "so", "auch")
        else phrase
    )


def _is_name(tokens: Sequence[str]) -> bool:
    return any(_starts_big(token) for token in tokens)


def _starts_big(token: str) -> bool:
    return token.lstrip("\"'“„«(")[:1].isupper()


def _bare(token: str) -> str:
    return token.strip(_END + "\"'“”„«»()¿¡").casefold()


def _words(text: str) -> list[str]:
    """Return its words in lower case; the US and IT are no pronouns."""
    judged = text[:_LONGEST_JUDGED]
    if not judged.isupper():
        judged = _IT.sub("it-department", _THE_US.sub("the usa", judged))
    return _WORD.findall(judged.casefold())


def _cleaned(text: str) -> str:
    """Make it short and inert."""
    return inert(text[: 10 * _LONGEST_BEFORE], hosts=True)[:_LONGEST_BEFORE].strip()
