"""The catalogues: complete, with the same places and line breaks as the English text, and loaded
from `.po` without a step of their own.
"""

import re
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Message

from tests.workers.wording.untranslated import catalogue, forms, missing, texts
from workers.wording.text import TRANSLATED

HOW = "Run `make words`, then fill in each empty msgstr in workers/wording/*.po."
_PLACE = re.compile(r"\{[^{}]*\}")


def entries(language: str) -> Iterator[tuple[Message, list[tuple[str, str]]]]:
    """Each entry with its pairs of English and translated forms."""
    for message in catalogue(language):
        if message.id and any(forms(message)):
            english = [message.id] if isinstance(message.id, str) else list(message.id)
            yield (
                message,
                [
                    (english[min(at, len(english) - 1)], one)
                    for at, one in enumerate(forms(message))
                ],
            )


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_text_that_one_language_has_every_language_has(language: str) -> None:
    """`make words` lists what has no translation yet; it is shown in English."""
    untouched = set.intersection(*(set(missing(one)) for one in TRANSLATED))

    assert not set(missing(language)) - untouched, HOW


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_has_no_text_that_the_code_lacks(language: str) -> None:
    ids = (one.id[0] if isinstance(one.id, tuple) else one.id for one in catalogue(language))

    assert {one for one in ids if one} <= texts(), "Run `make words`."


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_places_lines_and_commands_of_its_text(language: str) -> None:
    for message, pairs in entries(language):
        assert not message.fuzzy, f"Look at {message.id!r}, then remove its fuzzy mark."
        for english, shown in pairs:
            assert sorted(_PLACE.findall(shown)) == sorted(_PLACE.findall(english)), english
            assert shown.count("\n") == english.count("\n"), english
            for command in ("/ken mute", "/ken unmute", "/ken forget", "`/ken help`"):
                assert shown.count(command) == english.count(command), english


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_is_plain_text(language: str) -> None:
    """It goes into text elements and plain-text objects, and once into a fall-back text."""
    for _message, pairs in entries(language):
        for _english, shown in pairs:
            assert not set(shown) & set("<>&*_~"), shown
            assert "http" not in shown
            assert shown.replace("\n", "").replace("\u00a0", "").isprintable(), shown


def test_german_and_spanish_are_informal_and_french_is_formal() -> None:
    """As Slack itself speaks these languages."""
    banned = {
        "de": re.compile(r"\b(Ihnen|Ihr|Ihre[rmns]?)\b|(?<![.:!?“”\n] )(?<!^)\bSie\b"),
        "fr": re.compile(r"\b(tu|toi|ton|tes)\b", re.IGNORECASE),
        "es": re.compile(r"\b(usted|ustedes|vosotros)\b", re.IGNORECASE),
    }
    for language, words in banned.items():
        for _message, pairs in entries(language):
            for _english, shown in pairs:
                assert not words.search(shown), shown
