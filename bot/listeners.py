"""Listeners for events: each becomes a `Question` or an `Errand`, without a call to Slack.

Whether a message is meant for Ken is decided from its text first, and only then with a query, so
that most messages of a workspace cost no query.
"""

import re

from bot.asking import asks_ken, without_quotations
from bot.payload import Json, identifier, message_text, part, text
from workers.interface import (
    Errand,
    ErrandKind,
    Question,
    Surface,
    ask,
    auto_answer_enabled,
    carried,
    is_ken_thread,
    is_known_question,
    is_muted,
    plain,
    submit_errand,
)

_HUMAN_SUBTYPES = frozenset({"", "file_share", "thread_broadcast"})
_APP_FIELDS = ("bot_id", "app_id", "bot_profile")
"""Any one of these fields marks an app's message; Slack does not always send all of them."""
_SLACKBOT = "USLACKBOT"
_HELP = "help"
"""The question that stands for a mention without text."""
_MUTE_WORDS = {"mute": True, "unmute": False}
_CHANNEL_SUBTYPES = ("channel_", "group_", "mpim_", "mpdm_")
_HARMLESS_NOTES = frozenset(
    {"channel_join", "channel_leave"}  # these have an event of their own
    | {"channel_topic", "channel_purpose", "group_topic", "group_purpose"}
)
"""Slack's own notes in a conversation that do not change who can read it. The others may."""
_LIMITING_FLAGS = ("is_restricted", "is_ultra_restricted", "is_stranger", "deleted")


def on_mention(event: Json, body: Json) -> None:
    """Ask a message that mentions Ken. If an edit added the mention, its time is the revision."""
    words, own_id = message_text(event), _own_id(body)
    is_meant = not own_id or _mentions(words, own_id)  # not in code, quoted or forwarded
    if _is_from_person(event, body) and is_meant:
        _ask_or_mute(event, body, revision=text(part(event, "edited"), "ts"))


def on_message(event: Json, body: Json) -> None:
    """Handle a message, an edit or a deletion.

    Slack sends a mention in a channel twice, also as `app_mention`; `ask` recognises it by its ts.
    """
    subtype = text(event, "subtype")
    if subtype == "message_changed":
        _on_edit(event, body)
    elif subtype == "message_deleted":
        _on_deletion(event, body, text(event, "deleted_ts"))
    elif subtype.startswith(_CHANNEL_SUBTYPES):
        if subtype not in _HARMLESS_NOTES:
            _submit("place", event, body)
    elif _is_from_person(event, body):
        _on_posted(event, body)


def on_member_joined(event: Json, body: Json) -> None:
    """Also when Ken itself joins: nothing reported who joined while it was out."""
    _submit("joined", event, body)


def on_channel_shared(event: Json, body: Json) -> None:
    _submit("shared", event, body)


def on_place_changed(event: Json, body: Json) -> None:
    """A channel was archived, renamed, unshared, deleted or left: its readers are looked up."""
    place = event.get("channel")
    where = place if isinstance(place, dict) else {"id": place}
    _submit("place", {**event, "channel": identifier(where, "id")}, body)


def on_channel_id_changed(event: Json, body: Json) -> None:
    """The channel has a new id, for instance because a private channel was shared."""
    old, new = identifier(event, "old_channel_id"), identifier(event, "new_channel_id")
    _submit("moved", {"channel": new}, body, {"old": old})


def on_person_changed(event: Json, body: Json) -> None:
    """Store a change of a person who is not, or may not be, a full member of our workspace.

    Slack sends this event for each new status and photo too; those of full members change nothing.
    """
    user = part(event, "user")
    flags = [user.get(name) for name in _LIMITING_FLAGS[:2]]
    is_full = None not in flags and not any(user.get(name) for name in _LIMITING_FLAGS)
    if not is_full or text(user, "team_id") not in ("", _team_id(body)):
        _submit("standing", {}, body, user_id=identifier(user, "id"))


def on_team_access(event: Json, body: Json) -> None:
    """An organisation gave its Ken access to some of its workspaces, or took it away."""
    for team_id in event.get("team_ids") or ():
        event_id = f"{identifier(body, 'event_id')}/{identifier({'team': team_id}, 'team')}"
        submit_errand(Errand(event_id=event_id, kind="team_access", team_id=team_id))


def on_home_opened(event: Json, body: Json) -> None:
    """Somebody opened the Home tab or the Messages tab of the app."""
    kinds: dict[str, ErrandKind] = {"home": "home", "messages": "prompts"}
    kind = kinds.get(text(event, "tab"))
    if kind:
        _submit(kind, event, body)


def on_session_stopped(event: Json, body: Json) -> None:
    _submit("stopped", event, body, {"thread_ts": text(event, "thread_ts")})


def on_uninstalled(event: Json, body: Json) -> None:
    _submit("uninstalled", event, body, _organisation(body))


def on_tokens_revoked(event: Json, body: Json) -> None:
    """Handle revoked bot tokens; Ken holds no tokens of people."""
    if part(event, "tokens").get("bot"):
        _submit("tokens_revoked", event, body, _organisation(body))


# -- new messages -------------------------------------------------------------------------------


def _on_posted(event: Json, body: Json) -> None:
    kind, words = text(event, "channel_type"), message_text(event)
    if kind == "im" or (kind == "mpim" and _mentions(words, _own_id(body))):
        _ask_or_mute(event, body)
    elif not _mentions(words, _own_id(body)) and asks_ken(words):
        surface = _unaddressed_surface(event, body)
        if surface:
            _ask_or_mute(event, body, surface=surface)


def _unaddressed_surface(event: Json, body: Json) -> Surface | None:
    """Return the surface of a question that does not mention Ken, or None if it is not for Ken."""
    channel_id, thread_ts = identifier(event, "channel"), text(event, "thread_ts")
    if thread_ts and thread_ts != text(event, "ts"):
        surface = Surface.FOLLOW_UP
        wanted = is_ken_thread(channel_id, thread_ts)
    else:
        surface = Surface.AUTOMATIC
        wanted = text(event, "channel_type") != "mpim" and auto_answer_enabled(channel_id)
    if not wanted or is_muted(_team_id(body), identifier(event, "user")):
        return None
    return surface


def _ask_or_mute(
    event: Json, body: Json, *, surface: Surface = Surface.SLACK, revision: str = ""
) -> None:
    """Ask the message as a question, or mute or unmute if that is its only word."""
    own = _without_mention(message_text(event), _own_id(body))
    words = "\n".join(filter(None, (own, carried(event))))
    wanted = _MUTE_WORDS.get(words.casefold())
    if wanted is not None:
        _mute(event, body, muted=wanted)
        return
    ts = identifier(event, "ts")
    ask(
        Question(
            event_id=identifier(body, "event_id"),
            team_id=_team_id(body),
            channel_id=identifier(event, "channel"),
            message_ts=ts,
            thread_ts=text(event, "thread_ts") or ts,
            user_id=identifier(event, "user"),
            text=words or _HELP,
            surface=surface,
            revision=revision,
        )
    )


def _mute(event: Json, body: Json, *, muted: bool) -> None:
    """Mute the thread if the message is in one, otherwise the person."""
    thread_ts = text(event, "thread_ts")
    if thread_ts and text(event, "channel_type") != "im":
        _submit("mute_thread", event, body, {"thread_ts": thread_ts, "muted": muted})
    else:
        _submit("mute", event, body, {"muted": muted})


# -- edits and deletions ------------------------------------------------------------------------


def _on_edit(event: Json, body: Json) -> None:
    """Ask an edited question again, or withdraw one that is no longer a question.

    Slack also sends an edit when a link is unfurled or a reply is posted; then the text is the
    same, and nothing happens.
    """
    message, before = part(event, "message"), part(event, "previous_message")
    if text(message, "subtype") == "tombstone":
        _on_deletion(event, body, text(message, "ts"))
        return
    revision = text(part(message, "edited"), "ts")
    words, words_before = message_text(message), message_text(before)
    if not _is_from_person(message, body) or not revision or words == words_before:
        return
    own_id, direct = _own_id(body), text(event, "channel_type") == "im"
    if not direct and not (_may_ask(words_before, own_id) or _may_ask(words, own_id)):
        return
    ts = identifier(message, "ts")
    if not (words.strip() or carried(message)) or (not direct and not _may_ask(words, own_id)):
        _on_deletion(event, body, ts, revision=revision)
        return
    mentioned = direct or _mentions(words, own_id)
    if not mentioned and _mentions(words_before, own_id):
        _on_deletion(event, body, ts, revision=revision)
        return
    edited = _in_conversation(event, message)
    surface: Surface | None = Surface.SLACK
    if not direct and not (mentioned and _mentions(words_before, own_id)):
        is_known = is_known_question(identifier(event, "channel"), ts)
        if not mentioned:  # the edit may arrive before the message itself
            unasked = Surface.FOLLOW_UP if _is_reply(message) else Surface.AUTOMATIC
            surface = unasked if is_known else _unaddressed_surface(edited, body)
        elif not is_known:  # Slack also sends app_mention for the new mention
            surface = None
    if surface:
        _ask_or_mute(edited, body, surface=surface, revision=revision)


def _on_deletion(event: Json, body: Json, ts: str, *, revision: str = "") -> None:
    """Withdraw the answers to a deleted question, even if the question has not arrived yet.

    `revision` is the time of the edit that removed the question, or empty if it was deleted.
    """
    before = part(event, "previous_message")
    channel_id = identifier(event, "channel")
    if not ts or (before and not _may_have_asked(event, before, body)):
        return
    if is_known_question(channel_id, ts) or (
        before and _is_for_ken(_in_conversation(event, before), body)
    ):
        details = {"ts": ts, **({"revision": revision} if revision else {})}
        _submit("deleted", event, body, details, user_id=text(before, "user"))


def _is_for_ken(message: Json, body: Json) -> bool:
    if text(message, "channel_type") == "im":
        return True
    return (
        _mentions(message_text(message), _own_id(body))
        or _unaddressed_surface(message, body) is not None
    )


def _in_conversation(event: Json, message: Json) -> Json:
    """Add the event's conversation to a message that came inside it."""
    return {**message, "channel": event.get("channel"), "channel_type": event.get("channel_type")}


def _may_have_asked(event: Json, message: Json, body: Json) -> bool:
    if not _is_from_person(message, body):
        return False
    return text(event, "channel_type") == "im" or _may_ask(message_text(message), _own_id(body))


def _may_ask(words: str, own_id: str) -> bool:
    return _mentions(words, own_id) or asks_ken(words)


# -- parts of events ----------------------------------------------------------------------------


def _submit(
    kind: ErrandKind,
    event: Json,
    body: Json,
    details: Json | None = None,
    *,
    user_id: str | None = None,
) -> None:
    """Store the errand. Raises ServerUnavailable."""
    submit_errand(
        Errand(
            event_id=identifier(body, "event_id"),
            kind=kind,
            team_id=_team_id(body),
            user_id=text(event, "user") if user_id is None else user_id,
            channel_id=text(event, "channel"),
            details=details or {},
        )
    )


def _is_from_person(message: Json, body: Json) -> bool:
    """Return False for Slack's own notes and for messages of an app, including Ken."""
    if any(message.get(name) for name in _APP_FIELDS):
        return False
    if text(message, "subtype") not in _HUMAN_SUBTYPES:
        return False
    return text(message, "user") not in ("", _SLACKBOT, _own_id(body))


def _is_reply(message: Json) -> bool:
    return text(message, "thread_ts") not in ("", text(message, "ts"))


def _installation(body: Json) -> Json:
    """Return the installation that the event is for: our workspace and bot user."""
    authorizations: list[Json] = body.get("authorizations") or [{}]
    return authorizations[0]


def _own_id(body: Json) -> str:
    return text(_installation(body), "user_id")


def _team_id(body: Json) -> str:
    return text(_installation(body), "team_id") or identifier(body, "team_id")


def _organisation(body: Json) -> Json:
    """Return which installation ended, and when, so that a late event does not end a newer one.

    An installation for a whole Enterprise organisation has no workspace.
    """
    found = text(_installation(body), "enterprise_id") or text(body, "enterprise_id")
    wide = _installation(body).get("is_enterprise_install") is True
    at = body.get("event_time")
    return (
        ({"enterprise_id": found} if found else {})
        | ({"org_wide": True} if wide else {})
        | ({"at": at} if isinstance(at, int) else {})
    )


def _mention(own_id: str) -> re.Pattern[str]:
    return re.compile(rf"<@{re.escape(own_id)}(?:\|[^<>]*)?>")


def _mentions(words: str, own_id: str) -> bool:
    """Return whether the text mentions Ken outside code and quotations."""
    return bool(own_id and _mention(own_id).search(without_quotations(words)))


def _without_mention(words: str, own_id: str) -> str:
    """Remove the mentions of Ken, each with the blanks before it."""
    *before, last = _mention(own_id).split(words) if own_id else [words]
    return plain("".join([*(part.rstrip(" \t") for part in before), last])).strip()
