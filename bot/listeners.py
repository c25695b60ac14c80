"""What Slack sent becomes a `Question` and is handed over. No table, no model, no call to Slack."""

import re
from typing import Any

from workers.interface import Question, ask

_WRITTEN_BY_PEOPLE = frozenset({None, "file_share", "thread_broadcast"})
_SLACKBOT = "USLACKBOT"


def on_mention(event: dict[str, Any], body: dict[str, Any]) -> None:
    _pass_on(event, body)


def on_message(event: dict[str, Any], body: dict[str, Any]) -> None:
    """In a channel only a mention is a question; in a direct message everything is."""
    if event.get("channel_type") == "im":
        _pass_on(event, body)


def _pass_on(event: dict[str, Any], body: dict[str, Any]) -> None:
    if not _is_from_a_person(event):
        return
    installation = _installation(body)
    text = _without_mention(event.get("text") or "", installation.get("user_id"))
    if not text:
        return
    ask(
        Question(
            event_id=body["event_id"],
            team_id=installation.get("team_id") or body["team_id"],
            channel_id=event["channel"],
            message_ts=event["ts"],
            thread_ts=event.get("thread_ts") or event["ts"],
            user_id=event["user"],
            text=text,
        )
    )


def _is_from_a_person(event: dict[str, Any]) -> bool:
    """Edits, joins and whatever an app posted, this one included, are no questions."""
    if event.get("bot_id") or event.get("subtype") not in _WRITTEN_BY_PEOPLE:
        return False
    return event.get("user") not in (None, _SLACKBOT)


def _installation(body: dict[str, Any]) -> dict[str, Any]:
    """Whom Slack sent this to: our workspace and our bot user, in shared channels too."""
    authorizations: list[dict[str, Any]] = body.get("authorizations") or [{}]
    return authorizations[0]


def _without_mention(text: str, bot_user_id: str | None) -> str:
    """What the person typed: Slack sends `&`, `<` and `>` as entities, and those three alone."""
    if bot_user_id:
        text = re.sub(rf"[ \t]*<@{re.escape(bot_user_id)}(?:\|[^>]*)?>", "", text)
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, letter)
    return text.strip()
