"""`ken channels`: show and set where Ken answers unasked, how often, and who reads there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from policies.audit import record
from policies.tables.workspaces import ChannelSetting
from workers.admin.explaining import RULES, slack_asked
from workers.answering.audience import channel_readers
from workers.cli.linking import actor
from workers.cli.output import counted
from workers.database.schema import check
from workers.database.sessions import Database
from workers.errors import InputInvalid, SlackRefused
from workers.intake.messages import Surface
from workers.replies.inert import inert
from workers.settings import Settings
from workers.slack.messenger import Conversations, Listed
from workers.slack.workspaces import workspaces

_DIRECT = re.compile(r"D[A-Z0-9]+")
_KNOWN = 12
_UNCHANGED = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A channel that Ken is in, or in which it is set to answer unasked."""

    team_id: str
    channel_id: str
    name: str
    automatic: bool
    per_hour: int | None
    """None if it was never set."""
    answers_last_hour: int
    """Only answers that nobody asked for."""
    rule: str
    readers: str
    """The readers there, in words."""


def listed(settings: Settings, *, only_automatic: bool) -> list[ChannelState]:
    """Return the channels by workspace and name; those that Ken has left come last.

    Raises InputInvalid, ServerUnavailable.
    """
    database = _database(settings)
    stored = _stored(database)
    answers = _answers(database, [channel_id for _, channel_id in stored])
    wanted = {place for place, one in stored.items() if one.automatic}
    found = []
    with slack_asked():
        for messenger in workspaces(settings, database).values():
            for one in _listed_by(messenger):
                place = (messenger.team_id, one.channel_id)
                if place in wanted or (one.has_ken and not only_automatic):
                    rule, readers = _readers(one, messenger, database)
                    found.append(_state(place, one.name, stored, answers, rule, readers))
    gone = wanted - {(one.team_id, one.channel_id) for one in found}
    left = "Slack no longer lists this channel: it is archived, or Ken was removed"
    return sorted(found, key=lambda one: (one.team_id, one.name)) + [
        _state(place, "", stored, answers, "gone", left) for place in sorted(gone)
    ]


def print_channels(found: list[ChannelState], out: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("channel", "id", "unasked", "per hour", "last hour", "who reads there"):
        table.add_column(heading, overflow="fold")
    several = len({one.team_id for one in found}) > 1
    for one in found:
        place = f"{one.team_id}:{one.channel_id}" if several else one.channel_id
        cells = [f"#{one.name}" if one.name else "-", place, "yes" if one.automatic else "no"]
        cells += [str(one.per_hour or "-"), str(one.answers_last_hour), one.readers]
        table.add_row(*(escape(inert(cell)) for cell in cells))
    out.print(table)


def auto(settings: Settings, wanted: str, per_hour: int) -> str:
    """Let Ken answer unasked there; return a sentence. Raises InputInvalid, ServerUnavailable."""
    if _DIRECT.fullmatch(wanted):
        raise InputInvalid(
            f"{wanted} is a direct message: Ken answers every question there. {_UNCHANGED}"
        )
    database = _database(settings)
    with slack_asked():
        messenger, channel = _found(settings, database, wanted)
        team_id = messenger.team_id
        _refuse(channel, messenger)
        rule = channel_readers(channel.channel_id, messenger, database).rule
    place = {"team_id": team_id, "channel_id": channel.channel_id}
    with database.session("syncer") as session:
        changed = session.execute(_ANSWER_UNASKED, {**place, "per_hour": per_hour}).one_or_none()
        if changed:
            _record(session, "channel_auto", **place, per_hour=per_hour)
    return (
        f"Ken now answers unasked in #{inert(channel.name)} of {team_id}, at most "
        f"{counted(per_hour, 'time')} per hour, if everybody who reads there may read the answer. "
        f"Who reads there: {RULES[rule]}. `ken channels quiet {channel.channel_id}` turns it off."
    )


def quiet(settings: Settings, wanted: str) -> str:
    """Let Ken answer there only if it is asked, and return a sentence about it.

    A channel that Slack no longer lists is named by its id. Raises InputInvalid, ServerUnavailable.
    """
    database = _database(settings)
    places = [place for place in _stored(database) if place[1] == wanted]
    if not places:
        with slack_asked():
            messenger, channel = _found(settings, database, wanted)
            places = [(messenger.team_id, channel.channel_id)]
    changed = False
    for team_id, channel_id in places:
        changed |= _silence(database, team_id, channel_id)
    if not changed:
        return f"Ken did not answer unasked in {wanted}. {_UNCHANGED}"
    return f"Ken answers in {wanted} only if it is asked, from the next question on."


# -- which channel ------------------------------------------------------------------------------


def _found(settings: Settings, database: Database, wanted: str) -> tuple[Conversations, Listed]:
    """Find the one channel with this name or id that Ken sees, in any workspace.

    Raises InputInvalid, SlackUnavailable.
    """
    name, found, known = wanted.removeprefix("#"), [], []
    for messenger in workspaces(settings, database).values():
        for one in _listed_by(messenger, group_messages=True):
            if name in (one.channel_id, one.name):
                found.append((messenger, one))
            if one.has_ken and not one.is_group_message:
                known.append(one.name)
    if len(found) == 1:
        return found[0]
    if found:
        places = ", ".join(f"{one.channel_id} of {there.team_id}" for there, one in found)
        raise InputInvalid(
            f"There are {len(found)} channels called {wanted!r}: {places}. {_UNCHANGED}",
            remedy="Give the channel's id instead.",
        )
    raise InputInvalid(
        f"Ken sees no channel {wanted!r}. {_UNCHANGED}",
        remedy=f"Ken is in: {', '.join(sorted(known)[:_KNOWN]) or 'none'}. It sees a private "
        "channel only after somebody has invited it: /invite @Ken.",
    )


def _listed_by(messenger: Conversations, *, group_messages: bool = False) -> Iterator[Listed]:
    for page in messenger.channels():
        yield from (one for one in page if group_messages or not one.is_group_message)


def _refuse(channel: Listed, messenger: Conversations) -> None:
    """Refuse a channel in which Ken can never answer unasked.

    Raises InputInvalid, SlackUnavailable.
    """
    name = f"#{inert(channel.name)}"
    if channel.is_group_message:
        raise InputInvalid(
            f"{name} is a group direct message: Ken answers there only if it is mentioned. "
            f"{_UNCHANGED}"
        )
    if not channel.has_ken:
        raise InputInvalid(
            f"Ken is not in {name}, so it sees no question there. {_UNCHANGED}",
            remedy="Invite it in that channel: /invite @Ken. Then run this command again.",
        )
    if messenger.place(channel.channel_id).external:
        raise InputInvalid(
            f"{name} is shared with another company or workspace, so Ken does not answer there. "
            f"{_UNCHANGED}"
        )


def _readers(channel: Listed, messenger: Conversations, database: Database) -> tuple[str, str]:
    try:
        rule = channel_readers(channel.channel_id, messenger, database).rule
    except SlackRefused:
        return "unknown", "Slack does not list its members"
    return rule.value, RULES[rule]


# -- what is stored -----------------------------------------------------------------------------


def _state(
    place: tuple[str, str],
    name: str,
    stored: dict[tuple[str, str], ChannelSetting],
    answers: dict[str, int],
    rule: str,
    readers: str,
) -> ChannelState:
    one = stored.get(place)
    return ChannelState(
        *place,
        name=name,
        automatic=one is not None and one.automatic,
        per_hour=one.per_hour if one else None,
        answers_last_hour=answers.get(place[1], 0),
        rule=rule,
        readers=readers,
    )


def _stored(database: Database) -> dict[tuple[str, str], ChannelSetting]:
    with database.session("syncer") as session:
        found = session.scalars(select(ChannelSetting)).all()
        session.expunge_all()
    return {(one.team_id, one.channel_id): one for one in found}


def _answers(database: Database, channels: list[str]) -> dict[str, int]:
    """Count the unasked answers by channel, as workers/answering/limits.py does."""
    with database.session("ingress") as session:
        rows = session.execute(_COUNT_UNASKED, {"channels": channels})
        return {row.channel_id: row.answers for row in rows}


def _silence(database: Database, team_id: str, channel_id: str) -> bool:
    place = {"team_id": team_id, "channel_id": channel_id}
    with database.session("syncer") as session:
        if session.execute(_ANSWER_WHEN_ASKED, place).one_or_none() is None:
            return False
        _record(session, "channel_quiet", **place)
    return True


def _record(session: Session, action: str, **details: str | int) -> None:
    record(session, actor=actor(), action=action, details=details)


def _database(settings: Settings) -> Database:
    database = Database(settings)
    check(database, "syncer")
    return database


# Turns on answering unasked in a channel; returns the limit, or nothing if nothing changed.
_ANSWER_UNASKED = text("""
    INSERT INTO channel_setting AS now (team_id, channel_id, automatic, per_hour)
    VALUES (:team_id, :channel_id, true, :per_hour)
    ON CONFLICT (team_id, channel_id) DO UPDATE SET automatic = true, per_hour = :per_hour
    WHERE NOT now.automatic OR now.per_hour <> :per_hour
    RETURNING now.per_hour
""")

# Turns it off; returns the limit that was set, or nothing if it was off.
_ANSWER_WHEN_ASKED = text("""
    UPDATE channel_setting SET automatic = false
    WHERE team_id = :team_id AND channel_id = :channel_id AND automatic
    RETURNING per_hour
""")

# How often Ken answered unasked in the last hour, by channel.
_COUNT_UNASKED = text("""
    SELECT channel_id, count(*) AS answers FROM question
    WHERE channel_id = ANY(:channels)
      AND surface = :unasked AND state = 'answered'
      AND asked_at > now() - interval '1 hour'
    GROUP BY channel_id
""").bindparams(unasked=Surface.AUTOMATIC)
