"""One pass over a source: first who may read what, then its documents, part by part.

A pass that is cut off goes on where it stopped; what it stored already is not embedded again. What
it does not find is deleted only after a part was listed to its end, unless most of it is missing.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from policies.tables.permissions import Node, NodeKind
from policies.tables.sources import RunKind, RunState
from workers.database.sessions import Database
from workers.errors import ServerUnavailable
from workers.ingest.push import DOCUMENTS_A_CALL, IDS_A_CALL, Pushing
from workers.ingest.pushed import Became
from workers.ingest.turns import SourceBusy
from workers.observe.crashpoints import crashpoint
from workers.settings import Settings
from workers.sources.base import Connector, Lines, Page, Part, PartRefused
from workers.sources.store import put_cursor, put_passed, read
from workers.sync import runs
from workers.sync.lines import LINES_A_PAGE
from workers.sync.runs import Overtaken, Run
from workers.sync.sources import source_id_of

log = structlog.get_logger()

FULL_EVERY = timedelta(days=1)
_PROBLEMS = 100
"""At most this many problems of a pass are stored."""

_LISTINGS = 3
"""So often a list is made before the pass gives up, if others push the source meanwhile."""
_DIRECTORY = ""
"""Stands for what belongs to no part."""

Tell = Callable[[str, int, int], None]
"""Called after each committed step with its name, how many parts are done, and of how many."""


@dataclass
class Pass:
    """What a pass did."""

    run: Run | None = None
    """The last push of permissions."""
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def as_counts(self) -> dict[str, Any]:
        return {**self.counts, "problems": len(self.problems)}


@dataclass(frozen=True, slots=True)
class Wanted:
    full: bool = False
    """Everything is read again, whatever its age."""
    permissions_only: bool = False
    confirmed: bool = False
    """An administrator has seen what the breaker holds back, and wants it."""


def crawl(
    database: Database,
    connector: Connector,
    pushing: Pushing,
    *,
    wanted: Wanted,
    actor: str,
    tell: Tell = lambda *_: None,
) -> Pass:
    """Make one pass. Raises SourceRefused and ServerUnavailable; what was stored before stays."""
    done = Pass()
    parts = connector.parts()
    done.problems += [f"{one.name}: {one.problem}" for one in parts if one.problem]
    access = _Access(database, connector, wanted, actor, done)
    access.push(parts)
    tell("permissions", 0, len(parts))
    if not wanted.permissions_only:
        _Content(database, connector, pushing, wanted, actor, done, tell, access).crawl(parts)
    return done


# -- who may read -----------------------------------------------------------------------------


@dataclass
class _Access:
    database: Database
    connector: Connector
    wanted: Wanted
    actor: str
    done: Pass
    pushed: dict[str, Lines] = field(default_factory=dict)
    """By part, what was pushed of it last, as long as nobody else pushes."""

    def push(self, parts: Sequence[Part]) -> None:
        """Push a complete list: what the connector lists, and the documents stored below it."""

        def listed() -> dict[str, Lines]:
            accounts = [line for page in self.connector.directory() for line in page]
            found = {part.id: self.connector.access_of(part) for part in parts}
            crashpoint("crawl_listed")
            return {_DIRECTORY: accounts, **found}

        self._push(listed, RunKind.COMPLETE)

    def push_changed(self, part: Part) -> None:
        """Push what has changed of a part since: its text may have been written for fewer readers
        than it had when this pass began.
        """
        self._push(lambda: {part.id: self.connector.access_of(part)}, RunKind.DELTA)

    def is_newest(self) -> bool:
        """Whether nobody else's run was applied since ours: it may have brought readers back."""
        return self.done.run is not None and runs.is_newest(self.database, self.done.run.id)

    def _push(self, list_now: Callable[[], Mapping[str, Lines]], kind: RunKind) -> None:
        """List and push. If another run was applied since the list began, it may be newer than the
        list: then list again. Raises ServerUnavailable after some tries; no text may be stored.
        """
        for _ in range(_LISTINGS):
            began = runs.clock(self.database)
            found = list_now()
            if not self.is_newest():
                self.pushed.clear()
            if found.items() <= self.pushed.items():
                return
            try:
                self.done.run = self._pushed(found, kind, began)
            except Overtaken:
                continue
            self.pushed.update(found)
            return
        raise ServerUnavailable(_OVERTAKEN, remedy="The next pass goes on.")

    def _pushed(self, found: Mapping[str, Lines], kind: RunKind, began: datetime) -> Run:
        lines = [line for some in found.values() for line in some]
        listed = {line["id"] for line in lines if line["type"] == "node"}
        source = self.connector.source
        run = runs.push(
            self.database,
            [lines[at : at + LINES_A_PAGE] for at in range(0, len(lines), LINES_A_PAGE)],
            source=source,
            kind=kind,
            actor=self.actor,
            confirmed=self.wanted.confirmed,
            listed_at=began,
            rest=(lambda session: _stored_below(session, source, listed))
            if kind is RunKind.COMPLETE
            else None,
        )
        if run.state is RunState.WAITING:
            self.done.problems.append(
                f"permissions: run {run.id} waits ({'; '.join(run.waits_for)}): "
                f"`ken sync show {run.id}`, then `ken sync confirm {run.id}`"
            )
        return run


def _stored_below(session: Session, source: str, listed: set[str]) -> list[dict[str, Any]]:
    """The stored documents whose container is listed: they inherit, unless they are listed, too."""
    container = select(Node.id, Node.native_id).subquery()
    rows = session.execute(
        select(Node.native_id, container.c.native_id)
        .join(container, container.c.id == Node.parent_id)
        .where(
            Node.source_id == source_id_of(session, source),
            Node.kind == NodeKind.DOCUMENT,
            Node.gone_at.is_(None),
        )
    )
    return [
        {"type": "node", "id": name, "kind": "document", "parent": parent}
        for name, parent in rows
        if parent in listed and name not in listed
    ]


# -- documents --------------------------------------------------------------------------------


@dataclass
class _Content:
    database: Database
    connector: Connector
    pushing: Pushing
    wanted: Wanted
    actor: str
    done: Pass
    tell: Tell
    access: _Access

    def crawl(self, parts: Sequence[Part]) -> None:
        """Read each part to its end; go on in the middle of the one that was cut off."""
        self._stored = read(self.database, self.connector.source)
        at = dict(self._stored.cursor)
        if not at or (self.wanted.full and not at["full"]):
            at = self._begin()
        ended = set(at.get("ended", ()))
        for number, part in enumerate(parts):
            if part.problem or part.id in ended:
                continue
            try:
                self._crawl_part(part, at, number, len(parts))
            except PartRefused as refused:
                self.done.problems.append(f"{part.name}: {refused}")
            ended.add(part.id)
            at = {**at, "ended": sorted(ended), "part": None}
            self._put(at)
            crashpoint("crawl_part_ended")
        self.tell("documents", len(parts), len(parts))
        problems = self.done.problems[:_PROBLEMS]
        since = datetime.fromisoformat(at["began"]) if at["full"] else None
        put_passed(self.database, self._stored.source_id, problems=problems, full_since=since)

    def _begin(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        last = self._stored.full_at
        full = self.wanted.full or last is None or last < now - FULL_EVERY
        return {"began": now.isoformat(), "full": full}

    def _crawl_part(self, part: Part, at: dict[str, Any], number: int, of: int) -> None:
        here = at.get("part") or {}
        if here.get("id") != part.id:
            here = {"id": part.id, "cursor": None, "missing": []}
        missing: list[str] = list(here["missing"])
        for page in self.connector.pages(part.id, here["cursor"], full=at["full"]):
            missing += self._missing(part.id, page)
            self.access.push_changed(part)
            self._put_documents(part, page)
            if not self.access.is_newest():
                self.access.push_changed(part)
            here = {"id": part.id, "cursor": page.cursor, "missing": missing}
            self._put({**at, "part": here})
            crashpoint("crawl_page_stored")
            self.tell(part.name, number, of)
        self._delete(part, missing)

    def _put_documents(self, part: Part, page: Page) -> None:
        documents = page.documents
        for start in range(0, len(documents), DOCUMENTS_A_CALL):
            some = documents[start : start + DOCUMENTS_A_CALL]
            try:
                answer = self.pushing.put(self.connector.source, some, actor=self.actor)
            except SourceBusy:
                raise ServerUnavailable(_BUSY, remedy="The next pass goes on.") from None
            for one in answer.results:
                self.done.counts[one.became.value] += 1
                if one.became is Became.REFUSED:
                    self.done.problems.append(f"{part.name}: {one.id}: {one.reason}")

    def _missing(self, part: str, page: Page) -> list[str]:
        """Stored documents in what the page covers that are not on it."""
        low, high = page.covers
        listed = {one.id for one in page.documents}
        with self.database.session("indexer") as session:
            parent = select(Node.id).where(
                Node.source_id == self._stored.source_id, Node.native_id == part
            )
            held = session.scalars(
                select(Node.native_id).where(
                    Node.source_id == self._stored.source_id,
                    Node.parent_id == parent.scalar_subquery(),
                    Node.kind == NodeKind.DOCUMENT,
                    Node.native_id >= low,
                    Node.native_id < high,
                )
            ).all()
        return [name for name in held if name not in listed]

    def _delete(self, part: Part, missing: Sequence[str]) -> None:
        """Delete what was not found. If that is most of the part, it may be a mistake and waits."""
        if not missing:
            return
        held = self._count(part.id)
        if not self.wanted.confirmed and _is_most(len(missing), held, self.database.settings):
            log.error("unlisted_wait", source=self.connector.source, missing=len(missing))
            self.done.problems.append(
                f"{part.name}: {len(missing)} of {held} documents were not found. They stay; if "
                f"they are gone: `ken source sync {self.connector.source} --full --yes`"
            )
            return
        for start in range(0, len(missing), IDS_A_CALL):
            some = missing[start : start + IDS_A_CALL]
            answer = self.pushing.delete(self.connector.source, some, actor=self.actor)
            self.done.counts.update(one.became.value for one in answer.results)

    def _count(self, part: str) -> int:
        with self.database.session("indexer") as session:
            parent = select(Node.id).where(
                Node.source_id == self._stored.source_id, Node.native_id == part
            )
            counted = select(func.count()).where(
                Node.parent_id == parent.scalar_subquery(), Node.kind == NodeKind.DOCUMENT
            )
            return session.scalars(counted).one()

    def _put(self, at: Mapping[str, Any]) -> None:
        put_cursor(self.database, self._stored.source_id, at)


_OVERTAKEN = "Others push the permissions of this source again and again."
_BUSY = "Somebody else is pushing documents of this source."


def _is_most(missing: int, held: int, settings: Settings) -> bool:
    """The measure by which a list of permissions waits, too (docs/sync.md)."""
    return missing > settings.unlisted_limit and missing * 100 > held * settings.unlisted_percent
