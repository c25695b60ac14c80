"""Slack repeats, refuses, is silent, or throws Ken out.

A fault is a generator: see `scene.Fault`.
"""

from collections.abc import Iterator
from typing import Any

from bot.playground.control.faults import Fault as SlackFault
from tests.ports import free_port
from tests.survive import company
from tests.survive.faults.processes import wake, wake_soon
from tests.survive.process import wait_until
from tests.survive.scene import Scene


def slack_fault(scene: Scene, **fault: Any) -> Iterator[None]:
    cell = scene.cell
    cell.slack.order(SlackFault(**fault))
    yield
    scene.hold(0.5, 2)
    cell.slack.mend()


def disconnected(scene: Scene) -> Iterator[None]:
    """Socket Mode asks to connect again, or just ends; over HTTP there is nothing to end."""
    people = scene.cell.slack.people
    people.fault(scene.cell.chance.choice(["disconnect", "cut"]))
    yield
    people.fault("cut")


def accepted_in_silence(scene: Scene) -> Iterator[None]:
    """Slack has the message, and says nothing until we have given up."""
    cell = scene.cell
    cell.arm("sending", "freeze")
    yield
    if not scene.reached("sending"):
        return
    wait_until(lambda: any(worker.frozen for worker in cell.workers), 2, 0.01)
    cell.proxies["slack"].half_open = True
    wake(cell)
    scene.hold(1, 12)
    cell.background.call(cell.proxies["slack"].mend)


def repeated(scene: Scene) -> Iterator[None]:
    """Each event four times at once."""
    double = scene.cell.slack.double
    delivery = double.delivery
    scene.cell.background.call(lambda: setattr(double, "delivery", _Repeating(delivery)))
    yield
    scene.cell.background.call(lambda: setattr(double, "delivery", delivery))


class _Repeating:
    """A delivery that sends everything four times at once."""

    def __init__(self, delivery: Any) -> None:
        self._delivery = delivery

    def __getattr__(self, name: str) -> Any:
        return getattr(self._delivery, name)

    def send(self, *bodies: Any) -> None:
        for _ in range(4):
            self._delivery.send(*bodies)


def revoked(scene: Scene) -> Iterator[None]:
    yield from slack_fault(scene, kind="error", error="token_revoked", times=1_000_000)


def archived(scene: Scene) -> Iterator[None]:
    cell = scene.cell
    channel = cell.chance.choice([*company.CHANNELS])
    person = cell.chance.choice(company.CHANNELS[channel][2])
    cell.arm("audience_known", "freeze")
    scene.ask(channel=channel, person=person)
    reached = cell.wait_until_hit("audience_known", 5)
    cell.slack.archive(channel)
    if reached:
        wake_soon(cell)
    else:
        scene.missed = True
    yield
    scene.hold(1, 2)
    cell.slack.mend()


def removed(scene: Scene) -> Iterator[None]:
    cell = scene.cell
    channel = cell.chance.choice([*company.CHANNELS])
    person = cell.chance.choice(company.CHANNELS[channel][2])
    scene.ask(channel=channel, person=person)
    cell.slack.remove_ken(channel)
    scene.hold(1, 2)
    cell.slack.mend()
    yield


def thread_deleted(scene: Scene) -> Iterator[None]:
    cell = scene.cell
    asked = scene.ask()
    cell.slack.delete(asked.channel, asked.ts)
    yield


def two_bots(scene: Scene) -> Iterator[None]:
    """A second bot, and events for both."""
    cell = scene.cell
    port = free_port()
    cell.start_bot("bot2", port)
    cell.wait_until_ready()
    if cell.http:
        cell.slack.send_to(cell.events_url(port))
        scene.ask()
        cell.slack.send_to(cell.events_url(cell.bot_port))
    yield
    wait_until(lambda: not cell.slack.pending(), 10)
    cell.supervisor.end("bot2")
