"""The buttons below a reply: constant words and the question's number, and nothing else.

The worker that runs the errand checks who may press them (`workers/errands.py`).
"""

from dataclasses import dataclass
from typing import Any

from workers.replies.blocks import plain

_GOOD, _BAD = "Good answer", "Bad answer"
_SHARE, _PRIVATE, _AGAIN = "Share with the channel", "Ask privately", "Ask again"
_MORE = {
    "not_asked": "Not what I asked",
    "wrong": "Wrong or out of date",
    "person": "Ask a person",
    "mute": "Mute this thread",
}
_SHARE_TITLE = "Ask again for the channel?"
_SHARE_WORDS = (
    "I ask your question again for everyone in the channel, and answer only from what all of them "
    "may read. Nothing is copied from your private answer."
)


@dataclass(frozen=True, slots=True)
class Buttons:
    """What a reply offers besides feedback."""

    question_id: int
    share: bool
    private: bool
    again: bool = False
    person: bool = False
    """A person can be reached."""
    mute: bool = False
    """It is in a thread that others write in, too."""


def button_blocks(buttons: Buttons, *, answers: bool) -> list[dict[str, Any]]:
    """Return Block Kit; for a notice (`answers` is false) only what makes sense without
    an answer.
    """
    row = []
    if buttons.again:
        row.append(_button("ken_again", _AGAIN, buttons))
    if answers and buttons.share:
        row.append(_button("ken_share", _SHARE, buttons) | {"confirm": _confirm()})
    if answers and buttons.private:
        row.append(_button("ken_private", _PRIVATE, buttons))
    if options := _options(buttons, answers=answers):
        row.append({"type": "overflow", "action_id": "ken_more", "options": options})
    feedback = [{"type": "context_actions", "elements": [_feedback(buttons)]}] if answers else []
    return [*feedback, *([{"type": "actions", "elements": row}] if row else [])]


def _options(buttons: Buttons, *, answers: bool) -> list[dict[str, Any]]:
    offered = {
        "not_asked": answers,
        "wrong": answers,
        "person": buttons.person,
        "mute": answers and buttons.mute,
    }
    return [
        {"text": plain(words), "value": f"{name}:{buttons.question_id}"}
        for name, words in _MORE.items()
        if offered[name]
    ]


def _button(action_id: str, words: str, buttons: Buttons) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": action_id,
        "text": plain(words),
        "value": str(buttons.question_id),
    }


def _feedback(buttons: Buttons) -> dict[str, Any]:
    return {
        "type": "feedback_buttons",
        "action_id": "ken_feedback",
        "positive_button": {"text": plain(_GOOD), "value": f"good:{buttons.question_id}"},
        "negative_button": {"text": plain(_BAD), "value": f"bad:{buttons.question_id}"},
    }


def _confirm() -> dict[str, Any]:
    return {
        "title": plain(_SHARE_TITLE),
        "text": plain(_SHARE_WORDS),
        "confirm": plain(_AGAIN),
        "deny": plain("Cancel"),
    }
