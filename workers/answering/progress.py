"""Shows people that Ken is working: a status at once, and step cards if it takes longer.

Any of it may fail without harm: it runs beside the work, in its own thread.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError

from workers.errors import InputInvalid, SlackUnavailable
from workers.intake.leases import Leased, LeaseLost
from workers.intake.messages import Errand, Question
from workers.intake.store import submit_errand
from workers.replies.inert import inert
from workers.replies.outbox import Kind, open_progress_message
from workers.services import Services
from workers.slack.messenger import Task
from workers.wording.mark import N_
from workers.wording.text import gettext, ngettext

log = structlog.get_logger()

SEARCHING = Task("search", N_("Searching the documents that may be read here"))
CHECKING = Task("check", N_("Checking every sentence against its source"))


def reading(documents: int) -> Task:
    """The step of reading this many documents, all of which the readers may read."""
    return Task(
        "read", ngettext("Reading {number} document", "Reading {number} documents", documents)
    )


@dataclass(slots=True)
class Progress:
    """The steps so far; the last one is in progress."""

    tasks: list[Task] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _over: bool = False
    _quiet: bool = False

    def at(self, task: Task) -> None:
        """Begin this step, in the language spoken here; the steps before it are done."""
        with self._changed:
            before = [Task(one.name, one.title, done=True) for one in self.tasks]
            self.tasks = [*before, Task(task.name, gettext(task.title))]
            self._changed.notify_all()

    def end(self, showing: threading.Thread) -> None:
        """End the display; returns once no message of ours is being opened or changed."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
            while not self._changed.wait_for(lambda: self._quiet, 1.0) and showing.is_alive():
                pass  # it may have died without a word, for lack of memory

    def quiet(self) -> None:
        with self._changed:
            self._quiet = True
            self._changed.notify_all()

    def is_over_within(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._over, seconds)

    def after(self, shown: list[Task]) -> list[Task] | None:
        """Wait until the steps differ from those shown, and return them; None once it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self.tasks != shown)
            return None if self._over else list(self.tasks)


@contextmanager
def shown(services: Services, leased: Leased, kind: Kind) -> Iterator[Progress]:
    """Show the steps of the work inside the block, if somebody waits for a reply in this place."""
    progress = Progress()
    if not _somebody_waits(leased, kind):
        yield progress
        return
    showing = threading.Thread(
        target=_show, args=(services, leased, kind, progress), name="progress", daemon=True
    )
    showing.start()
    try:
        yield progress
    finally:
        progress.end(showing)


def _somebody_waits(leased: Leased, kind: Kind) -> bool:
    """Whether somebody waits there: in the thread of a question that was addressed to Ken."""
    question = leased.question
    if not question.surface.is_addressed:
        return False
    return kind is Kind.CHANNEL or question.in_direct_message


def _show(services: Services, leased: Leased, kind: Kind, progress: Progress) -> None:
    try:
        with suppress(SlackUnavailable):
            _set_working(services, leased.question, working=True)  # until it rests
        if not progress.is_over_within(services.settings.cards_after_s):
            _show_cards(services, leased, kind, progress)
    except (SlackUnavailable, InputInvalid, LeaseLost, SQLAlchemyError) as error:
        log.info("progress_not_shown", question_id=leased.id, error=type(error).__name__)
    finally:
        progress.quiet()


def rest(services: Services, question: Question) -> None:
    """Clear the status "working" of a question that ends, whichever worker set it.

    If Slack refuses that now, an errand repeats it until it works. Raises ServerUnavailable.
    """
    if not question.surface.is_addressed:
        return
    try:
        _set_working(services, question, working=False)
    except SlackUnavailable as error:
        if error.transient:
            submit_errand(services.database, resting(question))
    except InputInvalid:
        pass  # Ken is no longer in this workspace


def resting(question: Question | Row[Any]) -> Errand:
    """Return the errand that clears the status of this question, or of a row of its table."""
    return Errand(
        event_id=f"rested:{question.event_id}",
        kind="rested",
        team_id=question.team_id,
        user_id=question.user_id,
        channel_id=question.channel_id,
        details={"thread_ts": question.thread_ts},
    )


def _set_working(services: Services, question: Question, *, working: bool) -> None:
    """Raises SlackUnavailable, InputInvalid."""
    services.messenger_of(question.team_id).set_working(
        question.channel_id,
        question.thread_ts,
        question.user_id,
        inert(question.text),
        working=working,
    )


def _show_cards(services: Services, leased: Leased, kind: Kind, progress: Progress) -> None:
    """Raises SlackUnavailable, LeaseLost."""
    messenger = services.messenger_of(leased.question.team_id)
    tasks = progress.after([])
    opened = open_progress_message(services, leased, kind, tasks) if tasks else None
    while opened is not None and (tasks := progress.after(tasks or [])) is not None:
        messenger.show(opened, tasks)
