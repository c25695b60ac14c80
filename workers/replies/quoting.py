"""Which quotes stand below their sources: those that a reader does not see in the answer already.

A sentence that was copied is its own quote. A sentence that a model wrote, or a figure that was
counted, is shown with the words of the document that it rests on, so that anybody can check it.
"""

from collections.abc import Iterable

from workers.models.quotes import contains, words

LONGEST_QUOTE = 200
_CUT = "…"


def shown_quotes(quotes: Iterable[tuple[int, str]], lines: Iterable[str]) -> dict[int, str]:
    """Return the quotes to show, by the number of their source, each of them once.

    `quotes` are those of the sources, made inert, and `lines` are those of the answer.
    """
    answered = [words(line) for line in lines]
    shown: dict[int, str] = {}
    for number, quote in quotes:
        short = _shortened(" ".join(quote.split()))
        said = words(short)
        if (
            said
            and short not in shown.values()
            and not any(contains(one, said) for one in answered)
        ):
            shown[number] = short
    return shown


def _shortened(quote: str) -> str:
    """Cut a quote between words, unless the last one is very long."""
    if len(quote) <= LONGEST_QUOTE:
        return quote
    cut = quote[: LONGEST_QUOTE - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > LONGEST_QUOTE // 2 else cut).rstrip() + _CUT
