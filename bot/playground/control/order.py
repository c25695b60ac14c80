"""Finds the channel, the people and the message that an order names.

An order is the JSON body of a POST to `/_double/`.
"""

from bot.playground.double import Double
from bot.playground.workspace import Channel, Json, Message


class InvalidOrder(Exception):
    """The order cannot be carried out in this workspace."""


def channel_of(double: Double, order: Json) -> Channel:
    """Find the channel by id or name. Raises InvalidOrder."""
    wanted = str(order.get("channel", "")).removeprefix("#")
    for channel in double.workspace.channels.values():
        if wanted and wanted in (channel.id, channel.name):
            return channel
    raise InvalidOrder(f"there is no channel {wanted!r}")


def user_of(double: Double, order: Json) -> str:
    """Return the id of the order's user. Raises InvalidOrder."""
    return user_named(double, order.get("user", ""))


def user_named(double: Double, wanted: object) -> str:
    """Find a user by id or name, and return the id. Raises InvalidOrder."""
    for user in double.workspace.users.values():
        if wanted and wanted in (user.id, user.name):
            return user.id
    raise InvalidOrder(f"there is no user {wanted!r}")


def message_of(double: Double, order: Json) -> Message:
    """Find the order's message. Raises InvalidOrder."""
    channel = channel_of(double, order)
    message = double.workspace.find(channel.id, str(order.get("ts")))
    if message is None:
        raise InvalidOrder(f"there is no message {order.get('ts')!r} in {channel.id}")
    return message


def message_seen_by(double: Double, user_id: str, order: Json) -> Message:
    """Find the order's message, if this person sees it. Raises InvalidOrder."""
    channel = channel_of(double, order)
    if user_id not in channel.members:
        raise InvalidOrder(f"{user_id} is not in {channel.id}")
    for message in double.workspace.messages:
        if (message.channel, message.ts) == (channel.id, str(order.get("ts"))) and (
            message.ephemeral_to in ("", user_id)
        ):
            return message
    raise InvalidOrder(f"{user_id} sees no message {order.get('ts')!r} in {channel.id}")
