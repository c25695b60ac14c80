"""What an order names: its channel, its people and its message."""

from bot.playground.double import Double
from bot.playground.workspace import Channel, Json, Message


class Impossible(Exception):
    """The order makes no sense in this workspace."""


def channel_of(double: Double, order: Json) -> Channel:
    """By id or by name. Raises Impossible."""
    wanted = str(order.get("channel", "")).removeprefix("#")
    for channel in double.workspace.channels.values():
        if wanted and wanted in (channel.id, channel.name):
            return channel
    raise Impossible(f"there is no channel {wanted!r}")


def user_of(double: Double, order: Json) -> str:
    """Raises Impossible."""
    return user_named(double, order.get("user", ""))


def user_named(double: Double, wanted: object) -> str:
    """By id or by name. Raises Impossible."""
    for user in double.workspace.users.values():
        if wanted and wanted in (user.id, user.name):
            return user.id
    raise Impossible(f"there is no user {wanted!r}")


def message_of(double: Double, order: Json) -> Message:
    """Raises Impossible."""
    channel = channel_of(double, order)
    message = double.workspace.find(channel.id, str(order.get("ts")))
    if message is None:
        raise Impossible(f"there is no message {order.get('ts')!r} in {channel.id}")
    return message


def message_seen_by(double: Double, user_id: str, order: Json) -> Message:
    """One that this person sees: they are in its channel, or it is for them alone."""
    channel = channel_of(double, order)
    if user_id not in channel.members:
        raise Impossible(f"{user_id} is not in {channel.id}")
    for message in double.workspace.messages:
        if (message.channel, message.ts) == (channel.id, str(order.get("ts"))) and (
            message.ephemeral_to in ("", user_id)
        ):
            return message
    raise Impossible(f"{user_id} sees no message {order.get('ts')!r} in {channel.id}")
