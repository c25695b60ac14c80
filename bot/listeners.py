"""What happens in Slack becomes a `Question` or an `Errand`. No table, no model, no call to Slack.

Whether a message is meant for Ken is first seen in its text, then asked at the door: most messages
of a workspace cost no query.
"""

import re

from bot.asking import asks_ken, without_quotations
from bot.payload import Json, identifier, part, text
from bot.payload import said as said_in
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

_WRITTEN_BY_PEOPLE = frozenset({"", "file_share", "thread_broadcast"})
_WRITTEN_BY_APPS = ("bot_id", "app_id", "bot_profile")
"""Each alone says so; Slack does not always send all of them."""
_SLACKBOT = "USLACKBOT"
_HELP = "help"
"""What a mention without words asks."""
_ORDERS = {"mute": True, "unmute": False}
_OF_A_PLACE = ("channel_", "group_", "mpim_", "mpdm_")
_MERE_WORDS = frozenset(
    {"channel_join", "channel_leave"}  # an event of their own says so
    | {"channel_topic", "channel_purpose", "group_topic", "group_purpose"}
)
"""Of what Slack writes into a conversation about itself, all but these may change who reads it."""
_STANDINGS = ("is_restricted", "is_ultra_restricted", "is_stranger", "deleted")


def on_mention(event: Json, body: Json) -> None:
    """Also when an edit added the mention: then the edit's time is the question's revision."""
    said, own_id = said_in(event), _own_id(body)
    is_meant = not own_id or _mentions(said, own_id)  # not in code, quoted or forwarded
    if _is_from_a_person(event, body) and is_meant:
        _pass_on(event, body, revision=text(part(event, "edited"), "ts"))


def on_message(event: Json, body: Json) -> None:
    """Slack tells a mention in a channel as `app_mention`, too; the door knows it by its ts."""
    subtype = text(event, "subtype")
    if subtype == "message_changed":
        _on_edit(event, body)
    elif subtype == "message_deleted":
        _on_deletion(event, body, text(event, "deleted_ts"))
    elif subtype.startswith(_OF_A_PLACE):
        if subtype not in _MERE_WORDS:
            _hand_over("place", event, body)
    elif _is_from_a_person(event, body):
        _on_words(event, body)


def on_member_joined(event: Json, body: Json) -> None:
    """Ken, too: who came while it was away it hears from nobody."""
    _hand_over("joined", event, body)


def on_channel_shared(event: Json, body: Json) -> None:
    _hand_over("shared", event, body)


def on_place_changed(event: Json, body: Json) -> None:
    """Opened, closed, archived, renamed, shared no more, left: who reads there is looked up."""
    place = event.get("channel")
    where = place if isinstance(place, dict) else {"id": place}
    _hand_over("place", {**event, "channel": identifier(where, "id")}, body)


def on_channel_id_changed(event: Json, body: Json) -> None:
    """A private channel that is shared, for instance, goes on under another id."""
    old, new = identifier(event, "old_channel_id"), identifier(event, "new_channel_id")
    _hand_over("moved", {"channel": new}, body, {"old": old})


def on_person_changed(event: Json, body: Json) -> None:
    """Slack says so of every status and photograph. A full member of ours reads what all may."""
    user = part(event, "user")
    told = [user.get(name) for name in _STANDINGS[:2]]
    is_full = None not in told and not any(user.get(name) for name in _STANDINGS)
    if not is_full or text(user, "team_id") not in ("", _team_id(body)):
        _hand_over("standing", {}, body, user_id=identifier(user, "id"))


def on_team_access(event: Json, body: Json) -> None:
    """A whole organisation's Ken may be kept out of a workspace, and let in again."""
    for team_id in event.get("team_ids") or ():
        event_id = f"{identifier(body, 'event_id')}/{identifier({'team': team_id}, 'team')}"
        submit_errand(Errand(event_id=event_id, kind="team_access", team_id=team_id))


def on_home_opened(event: Json, body: Json) -> None:
    """The home tab, or the direct messages, where the agent's conversations are."""
    kinds: dict[str, ErrandKind] = {"home": "home", "messages": "prompts"}
    kind = kinds.get(text(event, "tab"))
    if kind:
        _hand_over(kind, event, body)


def on_session_stopped(event: Json, body: Json) -> None:
    _hand_over("stopped", event, body, {"thread_ts": text(event, "thread_ts")})


def on_uninstalled(event: Json, body: Json) -> None:
    _hand_over("uninstalled", event, body, _organisation(body))


def on_tokens_revoked(event: Json, body: Json) -> None:
    """Tokens of people are none of ours: we hold the bot's."""
    if part(event, "tokens").get("bot"):
        _hand_over("tokens_revoked", event, body, _organisation(body))


# -- what was said ------------------------------------------------------------------------------


def _on_words(event: Json, body: Json) -> None:
    kind, said = text(event, "channel_type"), said_in(event)
    if kind == "im" or (kind == "mpim" and _mentions(said, _own_id(body))):
        _pass_on(event, body)
    elif not _mentions(said, _own_id(body)) and asks_ken(said):
        surface = _unasked(event, body)
        if surface:
            _pass_on(event, body, surface=surface)


def _unasked(event: Json, body: Json) -> Surface | None:
    """How a question that nobody put to Ken becomes one of Ken's."""
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


def _pass_on(
    event: Json, body: Json, *, surface: Surface = Surface.SLACK, revision: str = ""
) -> None:
    """A message becomes a question; `mute` and `unmute`, and nothing else, are orders."""
    own = _without_mention(said_in(event), _own_id(body))
    said = "\n".join(filter(None, (own, carried(event))))
    wanted = _ORDERS.get(said.casefold())
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
            text=said or _HELP,
            surface=surface,
            revision=revision,
        )
    )


def _mute(event: Json, body: Json, *, muted: bool) -> None:
    """In a thread it is the thread that is left alone, elsewhere the person."""
    thread_ts = text(event, "thread_ts")
    if thread_ts and text(event, "channel_type") != "im":
        _hand_over("mute_thread", event, body, {"thread_ts": thread_ts, "muted": muted})
    else:
        _hand_over("mute", event, body, {"muted": muted})


# -- what was changed ---------------------------------------------------------------------------


def _on_edit(event: Json, body: Json) -> None:
    """Slack also tells of an edit when a link was unfurled or a reply came: the text stays."""
    message, before = part(event, "message"), part(event, "previous_message")
    if text(message, "subtype") == "tombstone":
        _on_deletion(event, body, text(message, "ts"))
        return
    revision = text(part(message, "edited"), "ts")
    said, said_before = said_in(message), said_in(before)
    if not _is_from_a_person(message, body) or not revision or said == said_before:
        return
    own_id, direct = _own_id(body), text(event, "channel_type") == "im"
    if not direct and not (_may_ask(said_before, own_id) or _may_ask(said, own_id)):
        return
    ts = identifier(message, "ts")
    if not (said.strip() or carried(message)) or (not direct and not _may_ask(said, own_id)):
        _on_deletion(event, body, ts, revision=revision)
        return
    mentioned = direct or _mentions(said, own_id)
    if not mentioned and _mentions(said_before, own_id):
        _on_deletion(event, body, ts, revision=revision)
        return
    edited = _in_place(event, message)
    surface: Surface | None = Surface.SLACK
    if not direct and not (mentioned and _mentions(said_before, own_id)):
        is_known = is_known_question(identifier(event, "channel"), ts)
        if not mentioned:  # it may have come before the message itself
            unasked = Surface.FOLLOW_UP if _is_reply(message) else Surface.AUTOMATIC
            surface = unasked if is_known else _unasked(edited, body)
        elif not is_known:  # Slack tells of the new mention, too
            surface = None
    if surface:
        _pass_on(edited, body, surface=surface, revision=revision)


def _on_deletion(event: Json, body: Json, ts: str, *, revision: str = "") -> None:
    """A question that is gone takes its answers along, also one that has not reached us yet.

    `revision`: of the edit that asks nothing any more.
    """
    before = part(event, "previous_message")
    channel_id = identifier(event, "channel")
    if not ts or (before and not _may_have_asked(event, before, body)):
        return
    if is_known_question(channel_id, ts) or (
        before and _is_for_ken(_in_place(event, before), body)
    ):
        details = {"ts": ts, **({"revision": revision} if revision else {})}
        _hand_over("deleted", event, body, details, user_id=text(before, "user"))


def _is_for_ken(message: Json, body: Json) -> bool:
    if text(message, "channel_type") == "im":
        return True
    return _mentions(said_in(message), _own_id(body)) or _unasked(message, body) is not None


def _in_place(event: Json, message: Json) -> Json:
    """A message as it was in this event's conversation."""
    return {**message, "channel": event.get("channel"), "channel_type": event.get("channel_type")}


def _may_have_asked(event: Json, message: Json, body: Json) -> bool:
    if not _is_from_a_person(message, body):
        return False
    return text(event, "channel_type") == "im" or _may_ask(said_in(message), _own_id(body))


def _may_ask(said: str, own_id: str) -> bool:
    return _mentions(said, own_id) or asks_ken(said)


# -- parts of events ----------------------------------------------------------------------------


def _hand_over(
    kind: ErrandKind,
    event: Json,
    body: Json,
    details: Json | None = None,
    *,
    user_id: str | None = None,
) -> None:
    """Raises ServerUnavailable."""
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


def _is_from_a_person(message: Json, body: Json) -> bool:
    """Joins, and messages that an app posted, this one included, are not questions."""
    if any(message.get(name) for name in _WRITTEN_BY_APPS):
        return False
    if text(message, "subtype") not in _WRITTEN_BY_PEOPLE:
        return False
    return text(message, "user") not in ("", _SLACKBOT, _own_id(body))


def _is_reply(message: Json) -> bool:
    return text(message, "thread_ts") not in ("", text(message, "ts"))


def _installation(body: Json) -> Json:
    """Whom Slack sent this to: our workspace and our bot user, in shared channels too."""
    authorizations: list[Json] = body.get("authorizations") or [{}]
    return authorizations[0]


def _own_id(body: Json) -> str:
    return text(_installation(body), "user_id")


def _team_id(body: Json) -> str:
    return text(_installation(body), "team_id") or identifier(body, "team_id")


def _organisation(body: Json) -> Json:
    """Whose installation ended, and when: an installation of a whole Enterprise organisation has no
    workspace, and a late event does not end a newer one."""
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


def _mentions(said: str, own_id: str) -> bool:
    """Whether Ken is spoken to; a mention in code or in a quotation is somebody else's."""
    return bool(own_id and _mention(own_id).search(without_quotations(said)))


def _without_mention(said: str, own_id: str) -> str:
    """What the person typed. A mention goes with the blanks before it."""
    *before, last = _mention(own_id).split(said) if own_id else [said]
    return plain("".join([*(part.rstrip(" \t") for part in before), last])).strip()
