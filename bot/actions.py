"""What people press, submit and type after `/`: handed over, and acknowledged.

Two things call Slack from here: a modal, whose trigger lives 3 seconds, and words on what becomes
of "Ask Ken about this". Neither is worth failing for.
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
from bot.payload import Json, Malformed, identifier, part, row_id, text
from bot.payload import said as said_in
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
    plain,
    reply_to_talk,
    submit_errand,
)

log = structlog.get_logger()

TIMEOUT_S = 2
"""For a call to Slack: it waits for us for three."""

_QUIET = logging.getLogger("ken.slack")
_VERDICTS = ("good", "bad", "not_asked", "wrong")


# -- buttons of an answer -----------------------------------------------------------------------


def on_feedback(body: Json, ack: Ack, client: WebClient, context: BoltContext) -> None:
    verdict, question_id = _choice(_value(body))
    _must_be(verdict, ("good", "bad"))
    _judge(body, client, context, verdict, question_id)
    ack()


def on_more(body: Json, ack: Ack, client: WebClient, context: BoltContext) -> None:
    """The menu of an answer."""
    choice, question_id = _choice(_selected(body))
    match choice:
        case "not_asked" | "wrong":
            _judge(body, client, context, choice, question_id)
        case "person":
            _hand_over("person", body, {"question_id": question_id})
        case "mute":
            _hand_over("mute_thread", body, {"thread_ts": _thread(body), "muted": True})
        case _:
            raise Malformed
    ack()


def on_share(body: Json, ack: Ack) -> None:
    _about_a_question("share", body, ack)


def on_private(body: Json, ack: Ack) -> None:
    _about_a_question("private", body, ack)


def on_again(body: Json, ack: Ack) -> None:
    _about_a_question("again", body, ack)


# -- the modal ----------------------------------------------------------------------------------


def on_reason(body: Json, view: Json, ack: Ack) -> None:
    """Whoever may not have asked for a reason gives none: the worker looks who it is."""
    about = _private(view)
    verdict, question_id = text(about, "verdict"), row_id(str(about.get("question_id")))
    _must_be(verdict, _VERDICTS)
    answers = part(part(view, "state"), "values")
    reason = _told_reason(part(part(answers, views.REASON), views.REASON))
    comment = _storable(text(part(part(answers, views.COMMENT), views.COMMENT), "value")).strip()
    if len(comment) > views.LONGEST_COMMENT:
        _say_in_modal(ack, f"Please use at most {views.LONGEST_COMMENT:,} characters.")
        return
    details: Json = {"question_id": question_id, "verdict": verdict}
    details |= {k: v for k, v in (("reason", reason), ("comment", comment)) if v}
    try:
        _hand_over("feedback", body, details)
    except OperatorError as error:
        log.error("interaction_not_kept", error=type(error).__name__)
        _say_in_modal(ack, views.NOT_KEPT)
        return
    ack()


# -- the home tab -------------------------------------------------------------------------------


def on_language(body: Json, ack: Ack) -> None:
    language = _selected(body)
    if len(language) > 35 or not language.replace("-", "").isalnum():
        raise Malformed
    _hand_over("preferences", body, {"language": language})
    ack()


def on_length(body: Json, ack: Ack) -> None:
    length = _selected(body)
    _must_be(length, tuple(Length))
    _hand_over("preferences", body, {"length": length})
    ack()


def on_mute(body: Json, ack: Ack) -> None:
    wanted = _value(body)
    _must_be(wanted, ("true", "false"))
    _hand_over("mute", body, {"muted": wanted == "true"})
    ack()


def on_forget(body: Json, ack: Ack) -> None:
    """Of the home tab, which asks first, or of the question that `/ken forget` puts."""
    _hand_over("forget", body)
    if not body.get("view"):
        _whisper(body, views.FORGOTTEN, instead=True)
    ack()


def on_link(ack: Ack) -> None:
    """Slack opens it, and wants to hear that we know."""
    ack()


# -- /ken and the menu of a message ---------------------------------------------------------------


def on_command(body: Json, ack: Ack, context: BoltContext) -> None:
    """Answers at once, to that person alone, what becomes of it."""
    try:
        ack(**_commanded(body), response_type="ephemeral")
    except Malformed:
        context["outcome"] = "malformed"
        ack(text=views.NOT_UNDERSTOOD, response_type="ephemeral")
    except OperatorError as error:
        context["outcome"] = "not_kept"
        log.error("interaction_not_kept", error=type(error).__name__)
        ack(text=views.NOT_KEPT, response_type="ephemeral")


def on_ask_about(body: Json, ack: Ack, context: BoltContext) -> None:
    """The text of a message, somebody else's too, is asked for the one who pressed."""
    message = part(body, "message")
    words = _without_address(said_in(message))
    said = "\n".join(filter(None, (words, carried(message))))
    if reply_to_talk(said) is not None:
        _whisper(body, views.ASK_SOMETHING)
    else:
        ts = identifier({**message, "body": text(body, "message_ts")}, "thread_ts", "ts", "body")
        try:
            _ask(Surface.SHORTCUT, body, said, channel_id=_channel(body), thread_ts=ts)
            note = views.LOOKING
        except OperatorError as error:
            context["outcome"] = "not_kept"
            log.error("interaction_not_kept", error=type(error).__name__)
            note = views.NOT_KEPT
        _whisper(body, note)
    ack()


def _commanded(body: Json) -> Json:
    """Does it, and says what was done. Raises Malformed, ServerUnavailable."""
    said = plain(text(body, "text")).strip()
    match said.casefold():
        case "forget":
            return views.ask_to_forget()
        case "mute":
            _hand_over("mute", body, {"muted": True})
            return {"text": views.MUTED}
        case "unmute":
            _hand_over("mute", body, {"muted": False})
            return {"text": views.UNMUTED}
    if len(said) > views.LONGEST_COMMAND:
        return {"text": views.TOO_LONG}
    talk = reply_to_talk(said)
    if talk is None:
        _ask(Surface.COMMAND, body, said, channel_id=_channel(body), thread_ts="")
    return {"text": talk or views.LOOKING}


# -- handing over -------------------------------------------------------------------------------


def _about_a_question(kind: ErrandKind, body: Json, ack: Ack) -> None:
    _hand_over(kind, body, {"question_id": row_id(_value(body))})
    ack()


def _judge(
    body: Json, client: WebClient, context: BoltContext, verdict: str, question_id: int
) -> None:
    """The verdict is kept first: whoever closes the modal has been heard all the same."""
    details = {"question_id": question_id, "verdict": verdict}
    if _hand_over("feedback", body, details) is None or verdict == "good":
        return
    client.default_params.clear()  # Bolt's team_id, which this method does not know
    try:
        client.views_open(
            token=client.token or bot_token(context.enterprise_id, context.team_id),
            trigger_id=identifier(body, "trigger_id"),
            view=views.ask_for_reason(question_id, verdict),
        )
    except (SlackApiError, SlackClientError, OperatorError, OSError, Malformed) as error:
        log.warning("modal_not_opened", error=_code(error))


def _hand_over(kind: ErrandKind, body: Json, details: Json | None = None) -> int | None:
    """Raises ServerUnavailable: Slack then tells the person that it did not work."""
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


def _ask(surface: Surface, body: Json, said: str, *, channel_id: str, thread_ts: str) -> None:
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
            text=said,
            surface=surface,
            revision=event_id,
        )
    )


def _whisper(body: Json, words: str, *, instead: bool = False) -> None:
    """Through the address that Slack gives with each press; nothing is said where it gives none."""
    address = text(body, "response_url")
    if not address:
        return
    try:
        WebhookClient(address, timeout=TIMEOUT_S, retry_handlers=[], logger=_QUIET).send(
            text=words, response_type="ephemeral", replace_original=instead
        )
    except (SlackClientError, OSError, ValueError) as error:
        log.warning("whisper_failed", error=type(error).__name__)


def _say_in_modal(ack: Ack, words: str) -> None:
    ack(response_action="errors", errors={views.COMMENT: words})


# -- parts of interactions ----------------------------------------------------------------------


def _event_id(body: Json) -> str:
    """The same for the same press, however often Slack tells of it; of a fixed length."""
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
    """The workspace that Ken is installed in, also where the person is of another one."""
    installed = text(part(body, "view"), "app_installed_team_id")
    team = body.get("team")
    known = text(team, "id") if isinstance(team, dict) else ""
    own = text(part(body, "user"), "team_id") if isinstance(body.get("user"), dict) else ""
    return installed or known or identifier({"a": text(body, "team_id"), "b": own}, "a", "b")


def _user(body: Json) -> str:
    user = body.get("user")
    return identifier(user, "id") if isinstance(user, dict) else identifier(body, "user_id")


def _channel(body: Json) -> str:
    """Empty in the home tab and in a modal."""
    channel = body.get("channel")
    known = text(channel, "id") if isinstance(channel, dict) else text(body, "channel_id")
    return known or text(part(body, "container"), "channel_id")


def _thread(body: Json) -> str:
    """Of the answer whose button was pressed; an answer in no thread has only itself."""
    container, message = part(body, "container"), part(body, "message")
    thread_ts = text(container, "thread_ts") or text(message, "thread_ts")
    return thread_ts or identifier({**message, **container}, "message_ts", "ts")


def _action(body: Json) -> Json:
    """Slack sends one at a time."""
    return dict(body["actions"][0])


def _value(body: Json) -> str:
    return text(_action(body), "value") or _selected(body)


def _selected(body: Json) -> str:
    return text(part(_action(body), "selected_option"), "value")


def _choice(told: str) -> tuple[str, int]:
    """`word:id`, as our menus and feedback buttons have it."""
    word, _, question_id = told.partition(":")
    return word, row_id(question_id)


def _private(view: Json) -> Json:
    try:
        about = json.loads(text(view, "private_metadata"))
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(about, dict):
        raise Malformed
    return about


def _told_reason(element: Json) -> str:
    reason = text(part(element, "selected_option"), "value")
    if reason:
        _must_be(reason, tuple(views.REASONS))
    return reason


def _without_address(said: str) -> str:
    """A message that was for Ken, or for somebody else, without the mention that begins it."""
    words = said.strip()
    while words.startswith("<@") and ">" in words:
        words = words.partition(">")[2].strip(" \t,:")
    return plain(words).strip()


def _storable(told: str) -> str:
    """Without what JSON in PostgreSQL refuses."""
    return told.replace("\0", "").encode("utf-8", "ignore").decode()


def _must_be(told: str, known: tuple[str, ...]) -> None:
    if told not in known:
        raise Malformed


def _code(error: Any) -> str:
    """Slack's own word, or the error's class: never what was sent."""
    answer = getattr(error, "response", None)
    code = answer.get("error") if answer is not None and hasattr(answer, "get") else None
    return code if isinstance(code, str) else type(error).__name__
