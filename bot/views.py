"""Texts and views of the bot itself: the modal that asks for a reason, the replies to `/ken`.

A constant is shown with `gettext`, in the language that is spoken there.
"""

import json
from typing import Any

from workers.interface import N_, formatted, gettext

View = dict[str, Any]

CALLBACK_ID = "ken_feedback_reason"
REASON, COMMENT = "reason", "comment"
"""Ids of the modal's blocks, and of the element in each."""
LONGEST_COMMENT = 2000
LONGEST_COMMAND = 4000

REASONS = {
    "wrong": N_("It is wrong"),
    "outdated": N_("It is out of date"),
    "incomplete": N_("Something is missing"),
    "not_asked": N_("It is not what I asked"),
    "unclear": N_("It is hard to understand"),
    "other": N_("Something else"),
}

LOOKING = N_("I am looking it up and will answer in our direct messages.")
ASK_SOMETHING = N_("This message has no text that I could look up.")
NOT_KEPT = N_(
    "I could not save that just now, so nothing has changed. Please try again in a minute."
)
NOT_UNDERSTOOD = N_(
    "I could not read that, so nothing has changed. Send `/ken help` to see what I can do."
)
ASK_TO_FORGET = N_(
    "Shall I forget? I will clear the text of your finished questions, of my private answers to "
    "you in my own records, and of your comments, and what you asked me to remember. Messages in "
    "Slack stay. This cannot be undone."
)
FORGOTTEN = N_(
    "I am clearing the text of your questions and comments, and what you asked me to remember. My "
    "Home tab shows what is left."
)
MUTED = N_(
    "From now on I reply only when you mention me or write to me directly. "
    "Use `/ken unmute` to undo this."
)
UNMUTED = N_("From now on I answer your questions in threads that I am part of; no mention needed.")


def too_long() -> str:
    words = N_(
        "That is longer than {number} characters, so I have not looked it up. Please shorten it."
    )
    return gettext(words, number=formatted(LONGEST_COMMAND))


def comment_too_long() -> str:
    return gettext("Please use at most {number} characters.", number=formatted(LONGEST_COMMENT))


def ask_to_forget() -> View:
    """Reply to `/ken forget`. Nothing is cleared until the button is clicked."""
    button = {
        "type": "button",
        "action_id": "ken_forget",
        "text": _plain(gettext("Forget")),
        "style": "danger",
        "value": "forget",
    }
    words = gettext(ASK_TO_FORGET)
    section = {"type": "section", "text": _plain(words)}
    return {"text": words, "blocks": [section, {"type": "actions", "elements": [button]}]}


def ask_for_reason(question_id: int, verdict: str) -> View:
    """Build the modal; it carries the question and the verdict in its private metadata."""
    return {
        "type": "modal",
        "callback_id": CALLBACK_ID,
        "private_metadata": json.dumps({"question_id": question_id, "verdict": verdict}),
        "title": _plain(gettext("What was wrong?")),
        "submit": _plain(gettext("Send")),
        "close": _plain(gettext("Not now")),
        "blocks": [
            {
                "type": "input",
                "block_id": REASON,
                "optional": True,
                "label": _plain(gettext("Reason")),
                "element": _reasons(verdict),
            },
            {
                "type": "input",
                "block_id": COMMENT,
                "optional": True,
                "label": _plain(gettext("What should it say?")),
                "hint": _plain(gettext("The people who look after the documents will read this.")),
                "element": {
                    "type": "plain_text_input",
                    "action_id": COMMENT,
                    "multiline": True,
                    "max_length": LONGEST_COMMENT,
                },
            },
        ],
    }


def _reasons(verdict: str) -> dict[str, Any]:
    options = {reason: _option(reason, gettext(words)) for reason, words in REASONS.items()}
    chosen = {"initial_option": options[verdict]} if verdict in options else {}
    return {
        "type": "radio_buttons",
        "action_id": REASON,
        "options": list(options.values()),
        **chosen,
    }


def _option(value: str, words: str) -> dict[str, Any]:
    return {"text": _plain(words), "value": value}


def _plain(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words}
