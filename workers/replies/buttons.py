"""The buttons below a reply: constant words and the question's number, and nothing else.

The worker that runs the errand checks who may press them (`workers/errands.py`).
"""

from dataclasses import dataclass
from typing import Any

from workers.replies.blocks import plain
from workers.wording.mark import N_
from workers.wording.text import gettext, spoken

_GOOD, _BAD = N_("Good answer"), N_("Bad answer")
_SHARE, _PRIVATE = N_("Share with the channel"), N_("Ask privately")
_AGAIN, _CANCEL = N_("Ask again"), N_("Cancel")
_MORE = {
    "not_asked": N_("Not what I asked"),
    "wrong": N_("Wrong or out of date"),
    "person": N_("Ask a person"),
    "mute": N_("Mute this thread"),
}
_SHARE_TITLE = N_("Ask again for the channel?")
_SHARE_WORDS = N_(
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
    feedback = [_block("context_actions", [_feedback(buttons)])] if answers else []
    return [*feedback, *([_block("actions", row)] if row else [])]


def _block(kind: str, shown: list[dict[str, Any]]) -> dict[str, Any]:
    """Make a block whose id ends with its language: what a button opens is in the same one."""
    return {"type": kind, "block_id": f"ken_{kind}.{spoken()}", "elements": shown}


def _options(buttons: Buttons, *, answers: bool) -> list[dict[str, Any]]:
    offered = {
        "not_asked": answers,
        "wrong": answers,
        "person": buttons.person,
        "mute": answers and buttons.mute,
    }
    return [
        {"text": plain(gettext(words)), "value": f"{name}:{buttons.question_id}"}
        for name, words in _MORE.items()
        if offered[name]
    ]


def _button(action_id: str, words: str, buttons: Buttons) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": action_id,
        "text": plain(gettext(words)),
        "value": str(buttons.question_id),
    }


def _feedback(buttons: Buttons) -> dict[str, Any]:
    return {
        "type": "feedback_buttons",
        "action_id": "ken_feedback",
        "positive_button": {"text": plain(gettext(_GOOD)), "value": f"good:{buttons.question_id}"},
        "negative_button": {"text": plain(gettext(_BAD)), "value": f"bad:{buttons.question_id}"},
    }


def _confirm() -> dict[str, Any]:
    return {
        "title": plain(gettext(_SHARE_TITLE)),
        "text": plain(gettext(_SHARE_WORDS)),
        "confirm": plain(gettext(_AGAIN)),
        "deny": plain(gettext(_CANCEL)),
    }
