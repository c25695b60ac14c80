"""Listeners for buttons, menus, modals, `/ken` and the message menu: each stores an errand or a
question, then acknowledges.

Two calls to Slack are made here: to open the modal, whose trigger lasts 3 seconds, and to send a
short private note that says what happens with "Ask Ken about this". If one of them fails, the
errand or question is stored all the same.
"""

import json
import logging
import time
from hashlib import sha256
from typing import Any

import structlog
from slack_bolt import Ack, BoltContext
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookClient

from bot import views
from bot.payload import Json, Malformed, identifier, message_text, part, row_id, text
from workers.interface import (
    Errand,
    ErrandKind,
    Length,
    OperatorError,
    Question,
    Surface,
    ask,
    bot_token,
    carried,
    chosen_language,
    gettext,
    language_of,
    plain,
    reply_to_talk,
    speaking,
    submit_errand,
)

log = structlog.get_logger()

TIMEOUT_S = 2
"""Of a call to Slack, which itself waits 3 seconds for our acknowledgement."""

_QUIET = logging.getLogger("ken.slack")
_VERDICTS = ("good", "bad", "not_asked", "wrong")


# -- buttons of an answer -----------------------------------------------------------------------


def on_feedback(body: Json, ack: Ack, client: WebClient, context: BoltContext) -> None:
    verdict, question_id = _choice(_value(body))
    _require_one_of(verdict, ("good", "bad"))
    _store_verdict(body, client, context, verdict, question_id)
    ack()


def on_more(body: Json, ack: Ack, client: WebClient, context: BoltContext) -> None:
    """Run the choice from the menu of an answer."""
    choice, question_id = _choice(_selected(body))
    match choice:
        case "not_asked" | "wrong":
            _store_verdict(body, client, context, choice, question_id)
        case "person":
            _submit("person", body, {"question_id": question_id})
        case "mute":
            _submit("mute_thread", body, {"thread_ts": _thread(body), "muted": True})
        case _:
            raise Malformed
    ack()


def on_share(body: Json, ack: Ack) -> None:
    _submit_for_question("share", body, ack)


def on_private(body: Json, ack: Ack) -> None:
    _submit_for_question("private", body, ack)


def on_again(body: Json, ack: Ack) -> None:
    _submit_for_question("again", body, ack)


def on_choice(body: Json, ack: Ack) -> None:
    """Submit what the person chose where Ken asked back. The worker knows what was offered."""
    number, question_id = _choice(_value(body))
    _submit("choice", body, {"question_id": question_id, "choice": row_id(number)})
    ack()


# -- the modal ----------------------------------------------------------------------------------


def on_reason(body: Json, view: Json, ack: Ack) -> None:
    """Store the reason and the comment from the modal. The worker checks that the person may."""
    about = _metadata(view)
    verdict, question_id = text(about, "verdict"), row_id(str(about.get("question_id")))
    _require_one_of(verdict, _VERDICTS)
    answers = part(part(view, "state"), "values")
    reason = _chosen_reason(part(part(answers, views.REASON), views.REASON))
    comment = _storable(text(part(part(answers, views.COMMENT), views.COMMENT), "value")).strip()
    if len(comment) > views.LONGEST_COMMENT:
        with speaking(_language(body)):
            _show_modal_error(ack, views.comment_too_long())
        return
    details: Json = {"question_id": question_id, "verdict": verdict}
    details |= {k: v for k, v in (("reason", reason), ("comment", comment)) if v}
    try:
        _submit("feedback", body, details)
    except OperatorError as error:
        log.error("interaction_not_kept", error=type(error).__name__)
        with speaking(_language(body)):
            _show_modal_error(ack, gettext(views.NOT_KEPT))
        return
    ack()


# -- the home tab -------------------------------------------------------------------------------


def on_language(body: Json, ack: Ack) -> None:
    language = _selected(body)
    if len(language) > 35 or not language.replace("-", "").isalnum():
        raise Malformed
    _submit("preferences", body, {"language": language})
    ack()


def on_length(body: Json, ack: Ack) -> None:
    length = _selected(body)
    _require_one_of(length, tuple(Length))
    _submit("preferences", body, {"length": length})
    ack()


def on_mute(body: Json, ack: Ack) -> None:
    wanted = _value(body)
    _require_one_of(wanted, ("true", "false"))
    _submit("mute", body, {"muted": wanted == "true"})
    ack()


def on_attribute(body: Json, ack: Ack) -> None:
    """Switch an attribute of the person on or off. The worker knows which ones there are."""
    name, _, wanted = _value(body).partition(":")
    _require_one_of(wanted, ("on", "off"))
    if len(name) > 35 or not name.isalpha():
        raise Malformed
    _submit("preferences", body, {"attribute": name, "used": wanted == "on"})
    ack()


def on_forget(body: Json, ack: Ack) -> None:
    """Run the Forget button, in the Home tab or below the reply to `/ken forget`."""
    _submit("forget", body)
    if not body.get("view"):
        with speaking(_language(body)):
            _reply_privately(body, views.FORGOTTEN, instead=True)
    ack()


def on_link(ack: Ack) -> None:
    """Acknowledge the click; Slack opens the URL itself."""
    ack()


# -- /ken and the menu of a message ---------------------------------------------------------------


def on_command(body: Json, ack: Ack, context: BoltContext) -> None:
    """Run `/ken`, and reply at once and only to that person with what happens next."""
    try:
        with speaking(_language(body, plain(text(body, "text")))):
            ack(**_commanded(body), response_type="ephemeral")
    except Malformed:
        context["outcome"] = "malformed"
        ack(text=views.NOT_UNDERSTOOD, response_type="ephemeral")
    except OperatorError as error:
        context["outcome"] = "not_kept"
        log.error("interaction_not_kept", error=type(error).__name__)
        ack(text=views.NOT_KEPT, response_type="ephemeral")


def on_ask_about(body: Json, ack: Ack, context: BoltContext) -> None:
    """Ask the text of a message, anybody's, as a question of the person who clicked."""
    message = part(body, "message")
    said = _without_leading_mentions(message_text(message))
    words = "\n".join(filter(None, (said, carried(message))))
    if reply_to_talk(words) is not None:
        note = views.ASK_SOMETHING
    else:
        ts = identifier({**message, "body": text(body, "message_ts")}, "thread_ts", "ts", "body")
        try:
            _ask(Surface.SHORTCUT, body, words, channel_id=_channel(body), thread_ts=ts)
            note = views.LOOKING
        except OperatorError as error:
            context["outcome"] = "not_kept"
            log.error("interaction_not_kept", error=type(error).__name__)
            note = views.NOT_KEPT
    with speaking(_language(body, said)):
        _reply_privately(body, note)
    ack()


def _commanded(body: Json) -> Json:
    """Run the command and return the reply. Raises Malformed, ServerUnavailable."""
    words = plain(text(body, "text")).strip()
    match words.casefold():
        case "forget":
            return views.ask_to_forget()
        case "mute":
            _submit("mute", body, {"muted": True})
            return {"text": gettext(views.MUTED)}
        case "unmute":
            _submit("mute", body, {"muted": False})
            return {"text": gettext(views.UNMUTED)}
    if len(words) > views.LONGEST_COMMAND:
        return {"text": views.too_long()}
    talk = reply_to_talk(words)
    if talk is None:
        _ask(Surface.COMMAND, body, words, channel_id=_channel(body), thread_ts="")
    return {"text": gettext(talk or views.LOOKING)}


# -- storing errands and questions --------------------------------------------------------------


def _submit_for_question(kind: ErrandKind, body: Json, ack: Ack) -> None:
    _submit(kind, body, {"question_id": row_id(_value(body))})
    ack()


def _store_verdict(
    body: Json, client: WebClient, context: BoltContext, verdict: str, question_id: int
) -> None:
    """Store the verdict, then open the modal that asks for a reason.

    The verdict is stored first, so closing the modal loses nothing.
    """
    details = {"question_id": question_id, "verdict": verdict}
    if _submit("feedback", body, details) is None or verdict == "good":
        return
    with speaking(_language(body)):
        view = views.ask_for_reason(question_id, verdict)
    client.default_params.clear()  # Bolt adds team_id, which views.open does not take
    try:
        client.views_open(
            token=client.token or bot_token(context.enterprise_id, context.team_id),
            trigger_id=identifier(body, "trigger_id"),
            view=view,
        )
    except (SlackApiError, SlackClientError, OperatorError, OSError, Malformed) as error:
        log.warning("modal_not_opened", error=_code(error))


def _submit(kind: ErrandKind, body: Json, details: Json | None = None) -> int | None:
    """Store the errand. Raises ServerUnavailable: then Slack shows the person an error."""
    return submit_errand(
        Errand(
            event_id=_event_id(body),
            kind=kind,
            team_id=_team(body),
            user_id=_user(body),
            channel_id=_channel(body),
            details=details or {},
        )
    )


def _ask(surface: Surface, body: Json, words: str, *, channel_id: str, thread_ts: str) -> None:
    """Raises ServerUnavailable."""
    event_id = _event_id(body)
    ask(
        Question(
            event_id=event_id,
            team_id=_team(body),
            channel_id=channel_id,
            message_ts=f"{time.time():.6f}",
            thread_ts=thread_ts,
            user_id=_user(body),
            text=words,
            surface=surface,
            revision=event_id,
        )
    )


def _reply_privately(body: Json, words: str, *, instead: bool = False) -> None:
    """Send a note of ours through the interaction's response_url, if it has one."""
    address = text(body, "response_url")
    if not address:
        return
    try:
        WebhookClient(address, timeout=TIMEOUT_S, retry_handlers=[], logger=_QUIET).send(
            text=gettext(words), response_type="ephemeral", replace_original=instead
        )
    except (SlackClientError, OSError, ValueError) as error:
        log.warning("whisper_failed", error=type(error).__name__)


def _show_modal_error(ack: Ack, words: str) -> None:
    ack(response_action="errors", errors={views.COMMENT: words})


def _language(body: Json, words: str = "") -> str:
    """Return the language for this person alone: their choice, or else that of the message that the
    button is on, or that of their own words.
    """
    chosen = chosen_language(_team(body), _user(body))
    return chosen or (_language_of_buttons(body) if not words else language_of(words))


def _language_of_buttons(body: Json) -> str:
    """Return the language that a reply's buttons are in, which their block's id ends with."""
    actions = body.get("actions")
    return text(_action(body), "block_id").rpartition(".")[2] if actions else ""


# -- parts of interactions ----------------------------------------------------------------------


def _event_id(body: Json) -> str:
    """Return an id of fixed length, the same each time Slack sends the same interaction."""
    trigger_id = text(body, "trigger_id")
    if trigger_id:
        unique = ["trigger", trigger_id]
    elif body.get("actions"):
        container = part(body, "container")
        where = text(container, "message_ts") or text(container, "view_id")
        unique = [where, identifier(_action(body), "action_ts"), _action(body)["action_id"]]
    else:
        view = part(body, "view")
        unique = [identifier(view, "id"), identifier(view, "hash")]
    whole = json.dumps([_team(body), _channel(body), _user(body), *unique])
    return f"press-{sha256(whole.encode()).hexdigest()[:40]}"


def _team(body: Json) -> str:
    """Return the workspace where Ken is installed, even if the person is from another one."""
    installed = text(part(body, "view"), "app_installed_team_id")
    team = body.get("team")
    known = text(team, "id") if isinstance(team, dict) else ""
    own = text(part(body, "user"), "team_id") if isinstance(body.get("user"), dict) else ""
    return installed or known or identifier({"a": text(body, "team_id"), "b": own}, "a", "b")


def _user(body: Json) -> str:
    user = body.get("user")
    return identifier(user, "id") if isinstance(user, dict) else identifier(body, "user_id")


def _channel(body: Json) -> str:
    """Return the channel's id, or an empty text in the Home tab and in a modal."""
    channel = body.get("channel")
    known = text(channel, "id") if isinstance(channel, dict) else text(body, "channel_id")
    return known or text(part(body, "container"), "channel_id")


def _thread(body: Json) -> str:
    """Return the thread of the clicked answer; outside a thread, the answer's own ts."""
    container, message = part(body, "container"), part(body, "message")
    thread_ts = text(container, "thread_ts") or text(message, "thread_ts")
    return thread_ts or identifier({**message, **container}, "message_ts", "ts")


def _action(body: Json) -> Json:
    """Return the first action; Slack sends one at a time."""
    return dict(body["actions"][0])


def _value(body: Json) -> str:
    return text(_action(body), "value") or _selected(body)


def _selected(body: Json) -> str:
    return text(part(_action(body), "selected_option"), "value")


def _choice(value: str) -> tuple[str, int]:
    """Split `word:id`, the form of the values in our menus and feedback buttons."""
    word, _, question_id = value.partition(":")
    return word, row_id(question_id)


def _metadata(view: Json) -> Json:
    try:
        about = json.loads(text(view, "private_metadata"))
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(about, dict):
        raise Malformed
    return about


def _chosen_reason(element: Json) -> str:
    reason = text(part(element, "selected_option"), "value")
    if reason:
        _require_one_of(reason, tuple(views.REASONS))
    return reason


def _without_leading_mentions(words: str) -> str:
    """Remove the mentions at the beginning of a message, of Ken or of anybody else."""
    words = words.strip()
    while words.startswith("<@") and ">" in words:
        words = words.partition(">")[2].strip(" \t,:")
    return plain(words).strip()


def _storable(value: str) -> str:
    """Remove what PostgreSQL does not store in JSON: NUL and lone surrogates."""
    return value.replace("\0", "").encode("utf-8", "ignore").decode()


def _require_one_of(value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise Malformed


def _code(error: Any) -> str:
    """Return Slack's error code, or else the error's class; never what was sent."""
    answer = getattr(error, "response", None)
    code = answer.get("error") if answer is not None and hasattr(answer, "get") else None
    return code if isinstance(code, str) else type(error).__name__
