"""What the bot itself shows: the modal that asks for a reason, and the words of `/ken`."""

import json
from typing import Any

View = dict[str, Any]

CALLBACK_ID = "ken_feedback_reason"
REASON, COMMENT = "reason", "comment"
"""Blocks of the modal, and the elements in them."""
LONGEST_COMMENT = 2000
LONGEST_COMMAND = 4000

REASONS = {
    "wrong": "It is wrong",
    "outdated": "It is out of date",
    "incomplete": "Something is missing",
    "not_asked": "It is not what I asked",
    "unclear": "It is hard to understand",
    "other": "Something else",
}

LOOKING = "I am looking it up, and will answer you in our direct messages."
ASK_SOMETHING = "There is no text in this message that I could look up."
NOT_KEPT = (
    "I could not write that down just now, so nothing has happened. Please try again in a minute."
)
NOT_UNDERSTOOD = "I could not read that. Nothing has happened. `/ken help` says what I can do."
TOO_LONG = (
    f"That is longer than {LONGEST_COMMAND:,} characters. Nothing has happened. Please ask shorter."
)
ASK_TO_FORGET = (
    "Shall I forget? I clear the words of your questions that have ended, of my private answers in "
    "my own records, and of your comments. What stands in Slack stays. This cannot be undone."
)
FORGOTTEN = (
    "I am forgetting the texts of your questions and comments. My home tab shows what is left."
)
MUTED = (
    "From now on I speak to you only where you mention me or write to me. `/ken unmute` ends that."
)
UNMUTED = "From now on I answer your questions in threads I am part of, without a mention."


def ask_to_forget() -> View:
    """The answer to `/ken forget`: nothing happens until the button is pressed."""
    button = {
        "type": "button",
        "action_id": "ken_forget",
        "text": _plain("Forget"),
        "style": "danger",
        "value": "forget",
    }
    words = {"type": "section", "text": _plain(ASK_TO_FORGET)}
    return {"text": ASK_TO_FORGET, "blocks": [words, {"type": "actions", "elements": [button]}]}


def ask_for_reason(question_id: int, verdict: str) -> View:
    """The modal; what it is about travels with it."""
    return {
        "type": "modal",
        "callback_id": CALLBACK_ID,
        "private_metadata": json.dumps({"question_id": question_id, "verdict": verdict}),
        "title": _plain("What was wrong?"),
        "submit": _plain("Send"),
        "close": _plain("Not now"),
        "blocks": [
            {
                "type": "input",
                "block_id": REASON,
                "optional": True,
                "label": _plain("Reason"),
                "element": _reasons(verdict),
            },
            {
                "type": "input",
                "block_id": COMMENT,
                "optional": True,
                "label": _plain("What should it say?"),
                "hint": _plain("The people who look after the documents will read this."),
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
    options = {reason: _option(reason, words) for reason, words in REASONS.items()}
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
