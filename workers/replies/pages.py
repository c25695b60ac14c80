"""Pages that a reply names without quoting them: several that the asker may mean, or one that is
close where nothing answers.

A title is content: it is made inert, and shown only to readers of its page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workers.replies.blocks import plain, section, spans_around
from workers.replies.inert import elements, inert, inert_excerpt, link
from workers.wording.mark import N_
from workers.wording.text import gettext, spoken

MOST_CHOICES = 3
WHICH = N_("Which of these do you mean?")
"""The lead of a question that is asked back."""
ONLY_ASKER = N_(
    "Only the person who asked can choose there. Ask me the question yourself, and the choice is "
    "yours."
)
CHOICE_GONE = N_("That choice is no longer there. Please ask your question again.")
_CLOSE = N_("This page is close: {page}")
_LONGEST = 75
"""Slack's limit for the words of a button."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page by its name."""

    title: str
    """Inert, and different from the others of its reply."""
    url: str | None
    source: str
    document: str
    """What its source calls it."""
    document_id: int


def label_of(title: str) -> str:
    """Return a title as it may stand on a button."""
    return inert_excerpt(title, _LONGEST)


def in_plain(pages: Sequence[Page]) -> list[str]:
    """Return the lines for Slack's fall-back text: a numbered list of choices, or the one page."""
    names = [inert(page.title) for page in pages]
    if len(names) == 1:
        return [gettext(_CLOSE, page=names[0])]
    return [f"{number}. {name}" for number, name in enumerate(names, start=1)]


def close_line(page: Page) -> dict[str, Any]:
    """Return the line that names the page that is close, with a link to it."""
    named = elements(page.title)
    if len(named) == 1 and "style" not in named[0]:  # a link never reads as another address
        named = [link(page.url, page.title)]
    return section(spans_around(_CLOSE, "page", named))


def choice_block(pages: Sequence[Page], question_id: int) -> dict[str, Any]:
    """Return a button for each choice. Its value names no page: the worker knows which it is."""
    buttons = [
        {
            "type": "button",
            "action_id": f"ken_choice_{number}",
            "text": plain(page.title),
            "value": f"{number}:{question_id}",
        }
        for number, page in enumerate(pages, start=1)
    ]
    return {"type": "actions", "block_id": f"ken_choices.{spoken()}", "elements": buttons}
