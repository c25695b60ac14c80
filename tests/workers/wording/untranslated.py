"""What the code marks as Ken's own words, and what the catalogues lack; `make words` prints it."""

from importlib.resources import files
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from workers.wording.text import TRANSLATED

ROOT = Path(__file__).parents[3]
KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None, "spans_around": None}


def texts() -> set[str]:
    """Every text that the code marks, by its English (first) form."""
    found = set()
    for room in ("bot", "workers"):
        for _file, _line, text, _comments, _context in extract_from_dir(
            ROOT / room, keywords=KEYWORDS
        ):
            found.add(text[0] if isinstance(text, tuple) else text)
    return found


def catalogue(language: str) -> Catalog:
    with (files("workers.wording") / f"{language}.po").open("rb") as stream:
        return read_po(stream, locale=language)


def forms(message: Message) -> list[str]:
    """Return the translated forms; one unless it has a plural."""
    shown = message.string
    return [shown] if isinstance(shown, str) else list(shown or ())


def missing(language: str) -> list[str]:
    """Return the texts without a translation, by their English form."""
    known = catalogue(language)
    return [one for one in sorted(texts()) if one not in known or not any(forms(known[one]))]


if __name__ == "__main__":
    for language in TRANSLATED:
        found = missing(language)
        print(f"{language}: {len(found)} without a translation")  # noqa: T201
        for text in found:
            print(f"  {text}")  # noqa: T201
