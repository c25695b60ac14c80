"""Single documents of a source: put, given other readers, or deleted, as a program sends them.

Each document is all or nothing, in a transaction of its own, and what became of it is returned.
When a call returns, all of it counts. What it takes away counts first. One call at a time works on
a source, and a document that a sync or a load has changed since the call began is refused, so that
nothing older overwrites what is newer.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from threading import BoundedSemaphore, Lock
from typing import Final, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from policies.change import Change, NodeCycle
from policies.described import Permissions
from policies.source import (
    PROVIDER,
    StoredNode,
    principals_named,
    resolve_permissions,
    stored_nodes,
)
from policies.tables.content import Document
from policies.tables.permissions import AclState, Node, NodeKind
from policies.tables.sources import Source
from workers.database.sessions import Database
from workers.errors import InputInvalid, ServerUnavailable
from workers.ingest.beginning import fill_later
from workers.ingest.formats.document import DocumentUnreadable
from workers.ingest.parse import Parsed, Parser, too_large
from workers.ingest.pushed import Answer, Became, File, LeftOut, Pushed, Result
from workers.ingest.repeats import Once, begin, remember
from workers.ingest.store import Content, Text, store, stored_hashes, title_of
from workers.ingest.turns import SourceBusy, alone
from workers.ingest.vectors import Models, OtherVersion, Prepared
from workers.models.base import Embedder
from workers.observe.crashpoints import crashpoint
from workers.sync.sources import check_source_name

DOCUMENTS_A_CALL: Final = 100
IDS_A_CALL: Final = 1_000
_AT_ONCE = 4
"""Calls that one process works on at the same time, each for another source."""
_PATIENCE_S = 120.0
"""After this long no further document of a call is read; those that are left are refused."""


class _Refused(Exception):
    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place, self.reason = place, reason


Embedders = Callable[[], tuple[Embedder, Embedder | None]]
Done = TypeVar("Done")


class Pushing:
    """Puts and deletes documents, as the indexer. Loads its models with the first document."""

    def __init__(self, database: Database, parser: Parser, embedders: Embedders) -> None:
        self._database = database
        self._parser = parser
        self._embedders = embedders
        self._loaded: Models | None = None
        self._loading = Lock()
        self._places = BoundedSemaphore(_AT_ONCE)

    def put(
        self,
        source: str,
        documents: Sequence[Pushed],
        *,
        actor: str,
        once: Once | None = None,
    ) -> Answer:
        """Store these documents, each with its readers; return what became of each, in order.

        A source that is new is made. Raises InputInvalid for a name that no source can have,
        SourceBusy, KeyReused and AnswerUnknown; then no document was changed. Raises
        ServerUnavailable if the models of the index cannot be used; then no text was stored.
        """
        _check_name(source)
        with self._database.session("indexer") as session:
            if _source_id(session, source) is None:
                Change(session, actor=actor).put_source(source)
        batch = _Batch(self._database, self._models, self._parser, actor)
        return self._alone_and_once(source, once, lambda: batch.put(source, documents))

    def delete(
        self, source: str, ids: Sequence[str], *, actor: str, once: Once | None = None
    ) -> Answer:
        """Delete these documents with text and vectors: no answer uses them from now on.

        Raises as `put` does.
        """
        _check_name(source)
        return self._alone_and_once(
            source, once, lambda: _delete_all(self._database, source, ids, actor)
        )

    def _alone_and_once(
        self, source: str, once: Once | None, work: Callable[[], list[Result]]
    ) -> Answer:
        if once is not None:  # before it is known whether there is a place: see `begin`
            with self._database.session("indexer") as session:
                earlier = begin(session, source, once)
            if earlier is not None:
                return Answer(tuple(_STORED_RESULTS.validate_python(earlier)), is_repeat=True)
        with self.alone(source):
            results = work()
            if once is not None:
                with self._database.session("indexer") as session:
                    stored = _STORED_RESULTS.dump_python(results, mode="json")
                    remember(session, source, once, stored)
            return Answer(tuple(results))

    @contextmanager
    def alone(self, source: str) -> Iterator[None]:
        """Work on a source while no other call does, of whatever process. Raises SourceBusy."""
        if not self._places.acquire(blocking=False):
            raise SourceBusy
        try:
            with alone(self._database, source):
                yield
        finally:
            self._places.release()

    def close(self) -> None:
        self._parser.close()
        if self._loaded is not None:
            self._loaded.close()

    def _models(self) -> Models:
        with self._loading:
            if self._loaded is None:
                self._loaded = Models(self._database, *self._embedders())
            return self._loaded


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A document whose vectors are being computed."""

    at: int
    document: Pushed
    permissions: Permissions
    parent_id: int | None
    prepared: Prepared
    result: Result


class _Batch:
    """One call's documents, from the first to the last."""

    def __init__(
        self, database: Database, models: Callable[[], Models], parser: Parser, actor: str
    ) -> None:
        self._database = database
        self._load = models
        self._parser = parser
        self._actor = actor
        self._until = time.monotonic() + _PATIENCE_S

    def put(self, source: str, documents: Sequence[Pushed]) -> list[Result]:
        """Change readers first, which is quick; then store new text, as its vectors are there."""
        self._times = Counter(one.id for one in documents)
        self._prepare(source, documents)
        results: dict[int, Result] = {}
        waiting: list[_Waiting] = []
        for at, document in enumerate(documents):
            if document.content is None:
                results[at] = self._or_refused(document, partial(self._put_readers, document))
        if len(results) < len(documents):
            self._models = self._ready()
        for at, document in enumerate(documents):
            if document.content is not None:
                done = self._or_refused(document, partial(self._read, at, document))
                if isinstance(done, Result):
                    results[at] = done
                else:
                    waiting.append(done)
        for one in waiting:
            results[one.at] = self._or_refused(one.document, partial(self._store, one))
        return [results[at] for at in sorted(results)]

    def _or_refused(self, document: Pushed, work: Callable[[], Done]) -> Done | Result:
        """Do a part of the work on a document, or refuse it; the others go on."""
        try:
            return work()
        except _Refused as refused:
            place, reason = refused.place, refused.reason
        except NodeCycle:
            with self._database.session("indexer") as session:
                self._hide(session, [self._held[document.id].id])
            place, reason = "parent", _BELOW_ITSELF
        except IntegrityError:  # a sync removed its folder, or a group, since we looked
            place, reason = "", _CHANGED_MEANWHILE
        return Result(document.id, Became.REFUSED, place, reason)

    def _prepare(self, source: str, documents: Sequence[Pushed]) -> None:
        """Read what is stored of these documents, make their accounts principals, and take away at
        once what they take away."""
        names = {name for one in documents for name in one.permissions.names()}
        ids = {one.id for one in documents}
        nodes = ids | {one.parent for one in documents if one.parent is not None}
        with self._database.session("indexer") as session:
            self._source_id = session.scalars(select(Source.id).where(Source.name == source)).one()
            self._principals = principals_named(session, self._source_id, names)
            accounts = {name for name in names if name.startswith("user:")}
            if new := accounts - self._principals.keys():
                native_ids = [name.removeprefix("user:") for name in new]
                made = Change(session, actor=self._actor).accounts(self._source_id, native_ids)
                self._principals |= {f"user:{name}": one for name, one in made.items()}
            self._held = stored_nodes(session, self._source_id, nodes)
            self._hashes = stored_hashes(session, self._source_id, ids)
            if less := self._outdated(documents):
                self._hide(session, less)
                self._held = stored_nodes(session, self._source_id, nodes)

    def _outdated(self, documents: Sequence[Pushed]) -> list[int]:
        """Stored documents that somebody is to lose, but whose turn comes later, or never.

        Their readers must not go on reading until a text is embedded, or because it is refused; and
        the new readers must not see the old text.
        """
        found = set()
        for document in documents:
            node = self._held.get(document.id)
            if node is None or node.kind is NodeKind.CONTAINER or not node.permissions.known:
                continue
            try:
                permissions, parent_id = self._wanted(document)
            except _Refused:
                found.add(node.id)
                continue
            is_later = document.content is not None or self._times[document.id] > 1
            if is_later and not _is_kept_by_all(node, permissions, parent_id):
                found.add(node.id)
        return sorted(found)

    def _hide(self, session: Session, node_ids: Sequence[int]) -> None:
        change = Change(session, actor=self._actor)
        for node_id in node_ids:
            change.set_unknown(node_id)

    def _ready(self) -> Models:
        """Load the models of the index: for texts alone, after the readers."""
        try:
            models = self._load()
            with self._database.session("indexer") as session:
                models.register(session)
        except InputInvalid as error:
            raise ServerUnavailable(_NO_MODEL, remedy=error.remedy) from None
        return models

    def _wanted(self, document: Pushed) -> tuple[Permissions, int | None]:
        """Return whom a document names, and its folder. Raises _Refused."""
        node = self._held.get(document.id)
        if node is not None and node.kind is NodeKind.CONTAINER:
            raise _Refused("id", _IS_FOLDER)
        found = resolve_permissions(document.permissions, self._principals)
        return replace(found, known=found.known and document.known), self._parent_id(document)

    def _asked(self, document: Pushed) -> tuple[Permissions, int | None, Result]:
        """Return what is wanted of a document, and its result if nothing is to be done."""
        if self._times[document.id] > 1:
            raise _Refused("id", _TWICE)
        result = Result(document.id, Became.UNCHANGED, left_out=self._left_out(document))
        return *self._wanted(document), result

    def _put_readers(self, document: Pushed) -> Result:
        """Change who reads a document that is sent without its text. Raises _Refused."""
        permissions, parent_id, result = self._asked(document)
        if not self._has_text(document):
            raise _Refused("", _NO_TEXT)
        return self._put_permissions(document, permissions, parent_id, result)

    def _has_text(self, document: Pushed) -> bool:
        node = self._held.get(document.id)
        return node is not None and node.id in self._hashes

    def _read(self, at: int, document: Pushed) -> Result | _Waiting:
        """Store a document whose text is known already, or begin to embed it. Raises _Refused."""
        permissions, parent_id, result = self._asked(document)
        node = self._held.get(document.id)
        parsed = self._parsed(document)
        result = replace(result, missing=parsed.missing)
        content = Content(
            title_of(document.title) or parsed.title,
            parsed.blocks,
            document.url,
            document.updated_at or parsed.updated_at,
        )
        if node is not None and self._hashes.get(node.id) == self._models.hash_of(content):
            return self._put_permissions(document, permissions, parent_id, result)
        prepared = self._models.prepare(content, node.id if node else None)
        result = replace(
            result,
            became=Became.UPDATED if self._has_text(document) else Became.CREATED,
            chunks=len(prepared.pieces),
            embedded=max(prepared.embedded),
        )
        return _Waiting(at, document, permissions, parent_id, prepared, result)

    def _parent_id(self, document: Pushed) -> int | None:
        if document.parent is None:
            return None
        parent = self._held.get(document.parent)
        if parent is None or parent.gone or parent.kind is not NodeKind.CONTAINER:
            raise _Refused("parent", _NO_FOLDER)
        return parent.id

    def _left_out(self, document: Pushed) -> tuple[LeftOut, ...]:
        named = document.permissions
        closing = {*named.deny, *(name for gate in named.gates for name in gate)}
        return tuple(
            LeftOut(name, "closed" if name in closing else "dropped")
            for name in dict.fromkeys(named.names())
            if name not in self._principals
        )

    def _parsed(self, document: Pushed) -> Parsed:
        given = document.content
        assert given is not None
        place = document.place
        if time.monotonic() > self._until:
            raise _Refused(place, _NOT_IN_TIME)
        size = len(given.content if isinstance(given, File) else given.encode("utf-8", "replace"))
        if size > self._parser.limits.file_bytes:
            raise _Refused(place, too_large(size, self._parser.limits.file_bytes))
        try:
            if isinstance(given, File):
                return self._parser.parse_content(given.name, given.content)
            return self._parser.parse_markdown(given)
        except DocumentUnreadable as error:
            raise _Refused(place, error.reason) from None

    def _put_permissions(
        self, document: Pushed, permissions: Permissions, parent_id: int | None, result: Result
    ) -> Result:
        held = self._held[document.id]
        wanted = replace(held, permissions=permissions, parent_id=parent_id, gone=False)
        with self._database.session("indexer") as session:
            if self._stored(session, document.id) == wanted:
                return result
            change = Change(session, actor=self._actor)
            self._require_unchanged(session, document)
            node_id = change.put_node(
                self._source_id, document.id, kind=NodeKind.DOCUMENT, parent_id=parent_id
            )
            change.set_permissions(node_id, permissions)
        return replace(result, became=Became.PERMISSIONS)

    def _require_unchanged(self, session: Session, document: Pushed) -> None:
        """Check under a `Change` that nobody has changed its readers or its place since this call
        began. Raises _Refused: what a sync or a load knows may be newer than what this call says.
        """
        if self._stored(session, document.id) != self._held.get(document.id):
            raise _Refused("", _CHANGED_MEANWHILE)

    def _stored(self, session: Session, native_id: str) -> StoredNode | None:
        return stored_nodes(session, self._source_id, [native_id]).get(native_id)

    def _store(self, one: _Waiting) -> Result:
        """Wait for the vectors of a document, and store all of it at once."""
        node = self._held.get(one.document.id)
        prepared = one.prepared
        text = prepared.text()
        while True:
            try:
                done = self._put_text(one, prepared, text)
            except OtherVersion:  # another version of the index became active
                prepared = self._models.prepare(prepared.content, node.id if node else None)
                text = prepared.text()
            else:
                break
        if len(text.vectors) < len(prepared.of_models):
            fill_later(self._database, actor=self._actor)
        return done

    def _put_text(self, one: _Waiting, prepared: Prepared, text: Text) -> Result:
        """Store a document. Raises OtherVersion if questions compare other vectors by now, and
        _Refused."""
        with self._database.session("indexer") as session:
            change = Change(session, actor=self._actor)
            self._require_unchanged(session, one.document)
            self._models.require(session, prepared)
            store(
                change,
                source_id=self._source_id,
                native_id=one.document.id,
                parent_id=one.parent_id,
                permissions=one.permissions,
                text=text,
            )
            crashpoint("push_written")
        crashpoint("push_committed")
        return one.result


def _is_kept_by_all(held: StoredNode, wanted: Permissions, parent_id: int | None) -> bool:
    """Whether a change of readers takes a document away from nobody: nothing but allows come in."""
    same = replace(wanted, allow=held.permissions.allow) == held.permissions
    return same and parent_id == held.parent_id and wanted.allow >= held.permissions.allow


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document of a source as its sender may see it, without its text."""

    id: str
    loaded_at: datetime
    updated_at: datetime | None
    closed: bool
    """Nobody may read it: its permissions are not known, or a sync says that it is gone."""


def stored_documents(
    database: Database, source: str, *, after: str, limit: int
) -> list[StoredDocument] | None:
    """List the documents of a source that have text, by id; None if there is no such source."""
    with database.session("indexer") as session:
        source_id = _source_id(session, source)
        if source_id is None:
            return None
        rows = session.execute(
            select(Node.native_id, Document.loaded_at, Document.updated_at, Node.acl_state)
            .join(Document, Document.id == Node.id)
            .where(Node.source_id == source_id, Node.native_id > after)
            .order_by(Node.native_id)
            .limit(limit)
        )
        return [
            StoredDocument(native_id, loaded, updated, state is not AclState.OK)
            for native_id, loaded, updated, state in rows
        ]


def _delete_all(database: Database, source: str, ids: Sequence[str], actor: str) -> list[Result]:
    with database.session("indexer") as session:
        source_id = _source_id(session, source)
        held = {} if source_id is None else stored_nodes(session, source_id, ids)
        held = {name: node for name, node in held.items() if node.kind is NodeKind.DOCUMENT}
        kept = _with_nodes_below(session, [node.id for node in held.values()])
        doomed = {name: node.id for name, node in held.items() if node.id not in kept}
        if doomed:
            change = Change(session, actor=actor)
            for node_id in doomed.values():
                _delete(change, node_id)
        crashpoint("push_deleted")
    return [
        Result(name, Became.DELETED)
        if name in doomed
        else Result(name, Became.REFUSED, "id", _HAS_NODES_BELOW)
        if name in held
        else Result(name, Became.ABSENT)
        for name in dict.fromkeys(ids)
    ]


def _source_id(session: Session, name: str) -> int | None:
    return session.scalar(select(Source.id).where(Source.name == name))


def _check_name(source: str) -> None:
    check_source_name(source)
    if source == PROVIDER:
        raise InputInvalid(
            f"source: {PROVIDER!r} is reserved for the identity provider.",
            remedy="Use the name of the system that the documents are in.",
        )


def _delete(change: Change, node_id: int) -> None:
    """Delete a document; one that permissions still refer to is read by nobody, and swept later."""
    try:
        with change.session.begin_nested():
            change.delete_document(node_id)
    except IntegrityError:
        change.set_gone(node_id)


def _with_nodes_below(session: Session, node_ids: Collection[int]) -> set[int]:
    """Those of these nodes that have nodes below them which are not among them."""
    doomed = set(node_ids)
    rows = session.execute(select(Node.parent_id, Node.id).where(Node.parent_id.in_(doomed)))
    below = [(parent, child) for parent, child in rows if parent is not None]
    kept: set[int] = set()
    while True:
        more = {parent for parent, child in below if child not in doomed or child in kept} - kept
        if not more:
            return kept
        kept |= more


_TWICE = "this id occurs twice in the call"
_IS_FOLDER = "this id is a folder's"
_NO_FOLDER = "there is no such folder in this source"
_NO_TEXT = "nothing is stored under this id: send its text, too"
_NOT_IN_TIME = "the documents before it took too long: send it again"
_HAS_NODES_BELOW = "there are documents below it: delete or move them first"
_BELOW_ITSELF = "this folder is below the document"
_CHANGED_MEANWHILE = "it, its folder or a group changed meanwhile: send what holds now"
_NO_MODEL = "The models of the index cannot be used with these settings: no text was stored."

_STORED_RESULTS = TypeAdapter(list[Result])
