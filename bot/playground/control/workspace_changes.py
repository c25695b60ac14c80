"""Orders that change the workspace: channels, their members and sharing, people, installation."""

from dataclasses import fields
from typing import Any

from bot.playground.control.order import InvalidOrder, channel_of, user_named, user_of
from bot.playground.double import Double
from bot.playground.events import kinds
from bot.playground.workspace import BOT_USER, Channel, Json, Message, User


def open_home(double: Double, order: Json) -> Json:
    """{user, tab: "home" | "messages"}: the person opens the app."""
    user, tab = user_of(double, order), order.get("tab", "home")
    if tab not in ("home", "messages"):
        raise InvalidOrder(f"tab: {tab!r} is not home or messages")
    channel = double.workspace.open_im(user)
    double.announce(kinds.app_home_opened(double.workspace, channel, user, str(tab)))
    return {"channel": channel.id}


def archive(double: Double, order: Json) -> Json:
    """{channel, user?}"""
    return _set_archived(double, order, is_archived=True)


def unarchive(double: Double, order: Json) -> Json:
    """{channel, user?}"""
    return _set_archived(double, order, is_archived=False)


def create_channel(double: Double, order: Json) -> Json:
    """{name, is_private?, members?}: Ken may be one of the members."""
    name = str(order.get("name", ""))
    if not name or any(channel.name == name for channel in double.workspace.channels.values()):
        raise InvalidOrder(f"the channel name {name!r} is empty or taken")
    channel = Channel(
        id=double.workspace.next_id("C"),
        name=name,
        is_private=bool(order.get("is_private")),
        members=[user_named(double, member) for member in order.get("members", [])],
    )
    double.workspace.channels[channel.id] = channel
    if BOT_USER in channel.members:
        double.announce(kinds.member_joined(double.workspace, channel, BOT_USER))
    return {"channel": channel.id}


def share(double: Double, order: Json) -> Json:
    """{channel, team}: shares the channel with another company."""
    channel = channel_of(double, order)
    channel.is_ext_shared = True
    team_id = str(order.get("team") or "TOTHER")
    double.announce(kinds.channel_shared(double.workspace, channel, team_id))
    return {}


def unshare(double: Double, order: Json) -> Json:
    """{channel, team}"""
    channel = channel_of(double, order)
    channel.is_ext_shared = False
    team_id = str(order.get("team") or "TOTHER")
    double.announce(kinds.channel_unshared(double.workspace, channel, team_id))
    return {}


def convert(double: Double, order: Json) -> Json:
    """{channel, user}: makes a private channel public, or a public one private."""
    channel, user = channel_of(double, order), user_of(double, order)
    if channel.is_im or channel.is_mpim:
        raise InvalidOrder(f"{channel.id} is a direct conversation, not a channel")
    channel.is_private = not channel.is_private
    now = "private" if channel.is_private else "public"
    words = f"made this channel *{now}*."
    return _post_notice(double, channel, user, f"channel_convert_to_{now}", words)


def rename(double: Double, order: Json) -> Json:
    """{channel, user, name}"""
    channel, user, name = channel_of(double, order), user_of(double, order), str(order["name"])
    words = f'has renamed the channel from "{channel.name}" to "{name}"'
    channel.name = name
    double.announce(kinds.channel_renamed(double.workspace, channel))
    return _post_notice(double, channel, user, "channel_name", words)


def change_id(double: Double, order: Json) -> Json:
    """{channel, id}: its messages are then found only under the new id."""
    workspace, channel, new_id = double.workspace, channel_of(double, order), str(order["id"])
    if new_id in workspace.channels:
        raise InvalidOrder(f"{new_id} already exists")
    old_id, channel.id = channel.id, new_id
    workspace.channels[new_id] = workspace.channels.pop(old_id)
    for message in workspace.messages:
        if message.channel == old_id:
            message.channel = new_id
    for marks in workspace.read.values():
        if old_id in marks:
            marks[new_id] = marks.pop(old_id)
    double.announce(kinds.channel_id_changed(workspace, channel, old_id))
    return {"channel": new_id}


def change_channel(double: Double, order: Json) -> Json:
    """{channel, ...}: changes fields of the workspace file, without an event."""
    _set(channel_of(double, order), order, named="channel", fixed=("id", "is_im"))
    return {}


def remove_bot(double: Double, order: Json) -> Json:
    """{channel}: removes Ken from it."""
    channel = channel_of(double, order)
    if BOT_USER not in channel.members:
        raise InvalidOrder(f"Ken is not in {channel.id}")
    channel.members.remove(BOT_USER)
    double.announce_raw(kinds.bot_removed(double.workspace, channel))
    return {}


def keep_out(double: Double, _order: Json) -> Json:
    """{}: the organisation takes Ken's access to this workspace away, until `let_in`."""
    double.announce_raw(kinds.team_access(double.workspace, is_granted=False))
    double.tokens.refuse_all("team_access_not_granted")
    return {}


def let_in(double: Double, _order: Json) -> Json:
    """{}: the organisation gives Ken access to this workspace again."""
    double.tokens.refuse_all("")
    double.announce_raw(kinds.team_access(double.workspace, is_granted=True))
    return {}


def change_user(double: Double, order: Json) -> Json:
    """{user, ...}: changes fields of the workspace file, `deleted` for instance."""
    user = double.workspace.users[user_of(double, order)]
    _set(user, order, named="user", fixed=("id",))
    for kind in ("user_change", "user_profile_changed"):  # at the same moment
        double.announce_raw(kinds.user_changed(double.workspace, user, kind))
    return {}


def revoke(double: Double, _order: Json) -> Json:
    """{}: revokes Ken's tokens, until `restore`."""
    double.tokens.refuse_all("token_revoked")
    double.announce_raw({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}})
    return {}


def restore(double: Double, _order: Json) -> Json:
    """{}: makes Ken's tokens valid again, as after a new installation with the same ones."""
    double.tokens.refuse_all("")
    return {}


def uninstall(double: Double, _order: Json) -> Json:
    """{}: uninstalls Ken. Slack sends both events, in either order."""
    double.tokens.refuse_all("account_inactive")
    double.announce_raw({"type": "app_uninstalled"})
    double.announce_raw({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [BOT_USER]}})
    return {}


def expire(double: Double, _order: Json) -> Json:
    """{}: expires the tokens that rotate, as after twelve hours."""
    double.tokens.expire_all()
    return {}


def code(double: Double, order: Json) -> Json:
    """{scopes?}: approves an installation, and returns its code for oauth.v2.access."""
    return {"code": double.tokens.new_code(tuple(order.get("scopes") or double.access.scopes))}


def grant(double: Double, order: Json) -> Json:
    """{scopes}: sets the scopes of Ken's tokens."""
    for token in double.tokens.known.values():
        token.scopes = tuple(order["scopes"])
    return {}


def stop(double: Double, order: Json) -> Json:
    """{user, channel, thread_ts}: clicks the stop button of an agent session."""
    user, channel = user_of(double, order), channel_of(double, order)
    stopped = []
    for key, stream in double.workspace.streams.items():
        message = double.workspace.find(*key.split("/"))
        if message and (message.channel, message.thread_ts) == (channel.id, order["thread_ts"]):
            stream.is_stopped = True
            stopped.append(message.ts)
    double.announce(
        kinds.session_stopped(double.workspace, channel, user, str(order["thread_ts"]), stopped)
    )
    return {"stopped": stopped}


def look_at(double: Double, order: Json) -> Json:
    """{user, channel}: the person opens a channel next to Ken's pane."""
    user, channel = user_of(double, order), channel_of(double, order)
    double.announce_raw(kinds.context_changed(double.workspace, channel, user))
    return {}


def _set_archived(double: Double, order: Json, *, is_archived: bool) -> Json:
    channel = channel_of(double, order)
    if channel.is_archived == is_archived:
        raise InvalidOrder(f"{channel.id} is {'already' if is_archived else 'not'} archived")
    channel.is_archived = is_archived
    user = user_of(double, order) if order.get("user") else ""
    double.announce(kinds.channel_archived(double.workspace, channel, user))
    return {}


def _set(record: Channel | User, order: Json, *, named: str, fixed: tuple[str, ...]) -> None:
    """Set the record's fields as ordered. Raises InvalidOrder."""
    changes: dict[str, Any] = {name: value for name, value in order.items() if name != named}
    unknown = changes.keys() - {item.name for item in fields(record)} | changes.keys() & {*fixed}
    if unknown:
        raise InvalidOrder(f"unknown or fixed fields: {', '.join(sorted(unknown))}")
    for name, value in changes.items():
        setattr(record, name, value)


def _post_notice(double: Double, channel: Channel, user: str, subtype: str, words: str) -> Json:
    """Post the note that Slack writes into a conversation when somebody changes it."""
    workspace = double.workspace
    message = Message(
        channel=channel.id, ts=workspace.next_ts(), user=user, text=words, subtype=subtype
    )
    workspace.messages.append(message)
    double.announce(kinds.message_posted(workspace, message))
    return {"ts": message.ts}
