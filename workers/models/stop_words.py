"""Words that say nothing about the subject of a text, by language: one list for all of this room.

A short question is often in no language that can be recognized, so all of them count in every text.
French and Spanish were tried: they made no answer right, and one wrong (docs/benchmarks.md).
"""

_WORDS = {
    "en": (
        "a about after again all also am an and any are as at be because been before being between "
        "both but by can could did do does doing done down each else even ever every few for from "
        "further get got gets give go goes had has have having he her here hers him his how i if "
        "in into is it its just let me may might more most much many must my no nor not now of off "
        "on once one only or other our out over own same shall she should so some such tell than "
        "that the their them then there these they this those through to too under until up us use "
        "very was we were what when where which while who whom whose why will with would you your "
        "im whats whos wheres whens hows dont please ok exactly really"
    ),
    "de": (
        "der die das den dem des ein eine einen einem einer und oder aber ich du er sie es wir ihr "
        "man mich mir mein meine was wer wie wo wann warum wieso welche welcher welches ist sind "
        "war hat haben habe darf kann muss soll gibt zu zum zur im in am an auf aus bei mit nach "
        "von vor für über unter bis nicht kein keine auch noch schon nur dazu"
    ),
}
_ALL = frozenset(" ".join(_WORDS.values()).split())


def says_something(word: str) -> bool:
    """Whether a word says something of the subject of a text."""
    return (len(word) > 1 or word.isdigit()) and word.casefold() not in _ALL
