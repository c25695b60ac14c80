"""Load a folder: first who is who and who may read what, then one document after the other.

Each document is all or nothing. A load that was cut off goes on where it stopped, because what
is stored already, and has not changed, is neither split nor embedded again.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from policies.audience import CLASSES
from policies.change import Change
from policies.described import Permissions, Person
from policies.source import (
    NamedPermissions,
    accounts_linked,
    groups_of,
    known_accounts,
    people_of,
    principals_of,
    resolve_permissions,
    stored_nodes,
)
from policies.tables.content import Document
from policies.tables.people import UserStatus
from policies.tables.permissions import Node, NodeKind
from policies.tables.sources import Source
from workers.database.sessions import Database
from workers.errors import InputInvalid, ServerUnavailable
from workers.ingest.beginning import fill_later
from workers.ingest.bundle import Bundle, DocumentLine, Listed, ancestors
from workers.ingest.formats.document import DocumentUnreadable
from workers.ingest.looks import PRINCIPALS
from workers.ingest.parse import Limits, Parsed, Parser, too_large
from workers.ingest.store import Content, Text, store, stored_hashes, title_of
from workers.ingest.turns import SourceBusy, alone
from workers.ingest.vectors import Models, OtherVersion, Prepared
from workers.models.base import Embedder
from workers.observe.crashpoints import crashpoint

_ACTOR = "ken load"
_AHEAD = 4
"""How many documents are embedded while one is stored: neither waits for the other."""
_PATIENCE_S = 10.0
"""For so long a load waits for another one of its source to end."""
_FEW = 10
"""How many documents may vanish from a folder without confirmation."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    place: str
    reason: str


@dataclass
class Report:
    """What a load did. Documents are counted once each."""

    users: int = 0
    groups: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    chunks: int = 0
    embedded: int = 0
    """Chunks whose text was new; the others have the vector of an equal text."""
    multilingual: int = 0
    """Chunks that got a vector by the multilingual model, counted in the same way."""
    by_words_alone: int = 0
    """Chunks without vectors so far, because their model's server did not answer."""
    left_out: list[LeftOut] = field(default_factory=list)
    partial: list[LeftOut] = field(default_factory=list)
    """Loaded, but not to their end: `reason` says what is missing."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a screen shows: the step, how much of it is done, of how much."""

    step: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class _Embedding:
    """A document whose vectors are being computed, while the ones before it are stored."""

    native_id: str
    parent_id: int | None
    permissions: Permissions
    prepared: Prepared


_CLASSES = ", ".join(f"class:{one}" for one in CLASSES)


def _named(name: str) -> str:
    """As it is shown; of a class, with those that there are."""
    return f"{name!r} (the classes are {_CLASSES})" if name.startswith("class:") else repr(name)


def _who_could_be_meant(name: str) -> str:
    if name.startswith("class:"):
        return "Write one of them. Nothing was changed."
    if not name.startswith(("user:", "group:")):
        return f"Write user:ID, group:ID or a class: {_CLASSES}. Nothing was changed."
    return f"Add a line for it to {PRINCIPALS}, or correct the name. Nothing was changed."


class Loading:
    """One load of one bundle, by the indexer's role."""

    def __init__(
        self,
        database: Database,
        embedder: Embedder,
        bundle: Bundle,
        *,
        tell: Callable[[Progress], None],
        limit_bytes: int,
        remove_missing: bool = False,
        multilingual: Embedder | None = None,
        same: Collection[str] = (),
    ) -> None:
        """`same`: paths of files, from the bundle's folder, that look as they did when this process
        loaded them: they are not read again if they are stored.
        """
        self._database = database
        self._same = same
        self._models = Models(database, embedder, multilingual)
        self._bundle = bundle
        self._tell = tell
        self._limit_bytes = limit_bytes
        self._remove_missing = remove_missing
        self._report = Report()
        self._changes: Mapping[str, datetime] = {}
        self._embedding: deque[_Embedding] = deque()

    def run(self) -> Report:
        """Load it all. Raises InputInvalid before anything has changed, or not at all; and
        FolderChanged once who may read what is not as it was read: what is stored stays.
        """
        try:
            with alone(self._database, self._bundle.source, patience_s=_PATIENCE_S):
                return self._run()
        except SourceBusy:
            raise ServerUnavailable(
                f"Another load or push works on source {self._bundle.source!r}.",
                remedy="Let it end, or end it (`ken jobs list` shows jobs). Nothing was changed.",
            ) from None

    def _run(self) -> Report:
        self._bundle.require_unchanged()
        self._refuse_mass_removal()
        self._put_access()
        self._changes = self._bundle.last_changes()
        with (
            closing(self._models),
            Parser(Limits(file_bytes=self._limit_bytes)) as parser,
        ):
            for number, listed in enumerate(self._bundle.documents()):
                self._tell(Progress("Documents", number, self._bundle.total))
                self._load(listed, parser)
                if len(self._embedding) > _AHEAD:
                    self._store(self._embedding.popleft())
            while self._embedding:
                self._store(self._embedding.popleft())
        self._tell(Progress("Documents", self._bundle.total, self._bundle.total))
        self._finish()
        if self._report.by_words_alone:
            fill_later(self._database, actor=_ACTOR)
        return self._report

    # -- access: one transaction --------------------------------------------------------------

    def _put_access(self) -> None:
        """People, groups, links, folders: all of it under one epoch, or nothing."""
        bundle = self._bundle
        self._tell(Progress("People and groups", 0, len(bundle.users) + len(bundle.groups)))
        with self._database.session("indexer") as session:
            change = Change(session, actor=_ACTOR)
            self._source_id = change.put_source(bundle.source, url=bundle.url)
            session.execute(FORGET_STATE, {"source": bundle.source})
            self._models.register(session)
            if bundle.users or bundle.groups:
                self._put_people(change)
            self._principals = self._known_principals(change)
            self._folders = self._put_folders(change)
            self._held = stored_nodes(session, self._source_id)
            self._hashes = stored_hashes(session, self._source_id)
            self._hide_changed(change)

    def _put_people(self, change: Change) -> None:
        bundle = self._bundle
        members: dict[str, set[str]] = {group.id: set() for group in bundle.groups}
        users: dict[str, int] = {}
        for user in bundle.users:
            person = Person(
                native_id=user.id,
                name=user.name or user.id,
                email=user.email,
                guest=user.kind == "guest",
                status=UserStatus(user.status),
                profile=user.profile(),
            )
            users[user.id] = change.put_user(self._source_id, person)
            for group_id in user.groups:
                members[group_id].add(f"user:{user.id}")
        groups = {
            group.id: change.put_group(self._source_id, group.id, name=group.name or group.id)
            for group in bundle.groups
        }
        for group in bundle.groups:
            members[group.id].update(group.members)
        known = {f"group:{native_id}": group_id for native_id, group_id in groups.items()}
        known |= self._accounts(change, set[str]().union(*members.values()))
        for group in bundle.groups:
            change.set_members(groups[group.id], {known[one] for one in members[group.id]})
        self._link_accounts(change, users)
        self._retire(change, users, groups)
        self._report.users, self._report.groups = len(users), len(groups)

    def _link_accounts(self, change: Change, users: Mapping[str, int]) -> None:
        """The accounts elsewhere that this folder names, all of them: others it named are unlinked.

        A deleted person has none: a deny of their account bars everybody it may belong to next.

        Raises InputInvalid for an account that is somebody else's: it is never taken over.
        """
        by = f"{_ACTOR}: {self._bundle.source}"
        named = set()
        for user in self._bundle.users:
            theirs = {} if user.status == "deleted" else user.identities
            for source, native_id in theirs.items():
                source_id = change.put_source(source)
                if change.owner_of(source_id, native_id) not in (None, users[user.id]):
                    raise InputInvalid(
                        f"{PRINCIPALS}: user {user.id!r}: identities: {source}: {native_id!r} is "
                        "linked to somebody else.",
                        remedy="Take it out here, or out of the folder that linked it.",
                    )
                change.link(users[user.id], source_id, native_id, by=by)
                named.add((source_id, native_id))
        for source_id, native_id in accounts_linked(change.session, by) - named:
            change.unlink(source_id, native_id)

    def _retire(self, change: Change, users: Mapping[str, int], groups: Mapping[str, int]) -> None:
        """Suspend people who are no longer in the directory, and empty groups that are gone."""
        held = people_of(change.session, self._source_id)
        for user_id in sorted({*held.values()} - {*users.values()}):
            change.set_status(user_id, UserStatus.SUSPENDED)
        for native_id, group_id in groups_of(change.session, self._source_id).items():
            if native_id not in groups:
                change.delete_group(group_id)

    def _accounts(self, change: Change, names: Iterable[str]) -> dict[str, int]:
        """Return the principals of the accounts among these names that the source has.

        A membership and an entry are an account's, so that they follow its link.
        """
        ids = {name.removeprefix("user:") for name in names if name.startswith("user:")}
        ids &= known_accounts(change.session, self._source_id)
        found = change.accounts(self._source_id, ids)
        return {f"user:{native_id}": account_id for native_id, account_id in found.items()}

    def _known_principals(self, change: Change) -> dict[str, int]:
        """Names to ids. A group that is gone is nobody again: denying it would deny nobody."""
        session = change.session
        folders = [name for named in self._bundle.folders.values() for name in named.names()]
        documents = (name for one in self._bundle.documents() for name in one.permissions.names())
        self._accounts(change, {*folders, *documents})
        known = principals_of(session, self._source_id)
        if self._bundle.users or self._bundle.groups:
            present = {group.id for group in self._bundle.groups}
            for native_id in groups_of(session, self._source_id).keys() - present:
                del known[f"group:{native_id}"]
        return known

    def _put_folders(self, change: Change) -> dict[str, int]:
        """Containers, each after its parent; a folder that nothing is said of inherits."""
        named = {above for path in self._bundle.folders for above in ancestors(path)}
        for listed in self._bundle.documents():
            named.update(listed.parents)
        self._remove_documents_named(named, change)
        held = stored_nodes(change.session, self._source_id)
        folders: dict[str, int] = {}
        for path in sorted(named, key=lambda path: (path != "", path.count("/"), path)):
            parent = None if path == "" else path.rpartition("/")[0]
            folders[path] = change.put_node(
                self._source_id,
                path,
                kind=NodeKind.CONTAINER,
                parent_id=None if parent is None else folders[parent],
            )
            wanted = self._resolve(self._bundle.folders.get(path, NamedPermissions()), path)
            if path not in held or held[path].permissions != wanted:
                change.set_permissions(folders[path], wanted)
        return folders

    def _hide_changed(self, change: Change) -> None:
        """Whose readers have changed is read by nobody from now on, until its turn has come.

        So a revocation counts at once, and for a load that is cut off as well.
        """
        for listed in self._bundle.documents():
            node = self._held.get(listed.native_id)
            if node is None or node.id not in self._hashes:
                continue
            try:
                wanted = self._resolve(listed.permissions, listed.place)
            except InputInvalid:
                wanted = None
            if (node.permissions, node.parent_id) != (wanted, self._parent_id(listed)):
                change.set_unknown(node.id)

    def _parent_id(self, listed: Listed) -> int | None:
        return self._folders[listed.parents[-1]] if listed.parents else None

    def _remove_documents_named(self, folders: Collection[str], change: Change) -> None:
        """A file gave way to a folder of its name."""
        turned = select(Node.id, Node.native_id).where(
            Node.source_id == self._source_id, Node.kind == NodeKind.DOCUMENT
        )
        for node_id, native_id in change.session.execute(turned).all():
            if native_id in folders:
                change.delete_document(node_id)
                self._report.removed += 1

    def _resolve(self, named: NamedPermissions, place: str) -> Permissions:
        """Raises InputInvalid for a name that stands for nobody."""
        nobody = sorted({name for name in named.names() if name not in self._principals})
        if nobody:
            raise InputInvalid(
                f"{place or 'the root folder'}: a permission names nobody: {_named(nobody[0])}.",
                remedy=_who_could_be_meant(nobody[0]),
            )
        return resolve_permissions(named, self._principals)

    # -- documents: one transaction each --------------------------------------------------------

    def _load(self, listed: Listed, parser: Parser) -> None:
        """Put one document, or leave it out with the reason; never half of it.

        Left out, an earlier version stays, unless its readers changed: that is hidden already.
        """
        self._bundle.require_unchanged()
        try:
            permissions = self._resolve(listed.permissions, listed.place)
        except InputInvalid as error:
            reason = str(error).removeprefix(f"{listed.place}: ").rstrip(".")
            self._report.left_out.append(LeftOut(listed.place, reason))
            return
        if self._is_same(listed):
            self._put_unchanged(listed, permissions)
            return
        try:
            found = self._read(listed, parser)
        except DocumentUnreadable as error:
            self._report.left_out.append(LeftOut(listed.place, error.reason))
            return
        self._put(listed, found, permissions)

    def _is_same(self, listed: Listed) -> bool:
        """Whether its file is as it was when this process stored it."""
        node = self._held.get(listed.native_id)
        if not self._same or node is None or not self._hashes.get(node.id):
            return False
        return self._bundle.path_of(listed) in self._same

    def _put_unchanged(self, listed: Listed, permissions: Permissions) -> None:
        """Its text is stored; its readers, or its place, may be others."""
        self._report.unchanged += 1
        parent_id, node = self._parent_id(listed), self._held[listed.native_id]
        if (node.permissions, node.parent_id) != (permissions, parent_id):
            self._put_permissions(listed.native_id, permissions, parent_id)

    def _put(self, listed: Listed, found: Content, permissions: Permissions) -> None:
        parent_id = self._parent_id(listed)
        node = self._held.get(listed.native_id)
        if node is not None and self._hashes.get(node.id) == self._models.hash_of(found):
            self._put_unchanged(listed, permissions)
            return
        prepared = self._models.prepare(found, node.id if node else None)
        self._embedding.append(_Embedding(listed.native_id, parent_id, permissions, prepared))

    def _store(self, one: _Embedding) -> None:
        """Wait for the vectors of a document, and store all of it at once."""
        node = self._held.get(one.native_id)
        prepared = one.prepared
        text = prepared.text()
        while not self._put_text(one, prepared, text):  # another version of the index became active
            prepared = self._models.prepare(prepared.content, node.id if node else None)
            text = prepared.text()
        english, multilingual = prepared.embedded
        self._report.embedded += english
        self._report.multilingual += multilingual
        self._report.chunks += len(prepared.pieces)
        if len(text.vectors) < len(prepared.of_models):
            self._report.by_words_alone += len(prepared.pieces)
        if node is not None and node.id in self._hashes:
            self._report.changed += 1
        else:
            self._report.new += 1

    def _put_text(self, one: _Embedding, prepared: Prepared, text: Text) -> bool:
        """Store a document, unless questions compare other vectors by now; return whether it is."""
        self._bundle.require_unchanged()
        try:
            with self._database.session("indexer") as session:
                change = Change(session, actor=_ACTOR)
                self._models.require(session, prepared)
                store(
                    change,
                    source_id=self._source_id,
                    native_id=one.native_id,
                    parent_id=one.parent_id,
                    permissions=one.permissions,
                    text=text,
                )
                crashpoint("document_written")
        except OtherVersion:
            return False
        crashpoint("document_committed")
        return True

    def _put_permissions(
        self, native_id: str, permissions: Permissions, parent_id: int | None
    ) -> None:
        with self._database.session("indexer") as session:
            change = Change(session, actor=_ACTOR)
            node_id = change.put_node(
                self._source_id, native_id, kind=NodeKind.DOCUMENT, parent_id=parent_id
            )
            change.set_permissions(node_id, permissions)

    def _read(self, listed: Listed, parser: Parser) -> Content:
        """The document's text, from its line or its file. Raises DocumentUnreadable."""
        given = listed.read()
        if isinstance(given, DocumentLine):
            size = len(given.text.encode("utf-8", "replace"))
            if size > self._limit_bytes:
                raise DocumentUnreadable(too_large(size, self._limit_bytes))
            parsed = parser.parse_markdown(given.text)
            self._note_missing(listed, parsed)
            updated_at = given.updated_at or parsed.updated_at
            return Content(
                title_of(given.title) or listed.native_id, parsed.blocks, given.url, updated_at
            )
        parsed = parser.parse(given)
        self._note_missing(listed, parsed)
        address = self._bundle.url
        url = address.rstrip("/") + "/" + quote(listed.native_id) if address else None
        updated_at = parsed.updated_at or self._changes.get(listed.native_id)
        return Content(parsed.title, parsed.blocks, url, updated_at)

    def _note_missing(self, listed: Listed, parsed: Parsed) -> None:
        if parsed.missing:
            self._report.partial.append(LeftOut(listed.place, parsed.missing))

    # -- what is gone -----------------------------------------------------------------------------

    def _missing(self, session: Session) -> list[int]:
        """Documents of this source that the bundle does not list any more."""
        listed = {listed.native_id for listed in self._bundle.documents()}
        rows = session.execute(
            select(Node.native_id, Document.id)
            .join(Document, Document.id == Node.id)
            .join(Source, Source.id == Node.source_id)
            .where(Source.name == self._bundle.source)
        )
        return [node_id for native_id, node_id in rows if native_id not in listed]

    def _refuse_mass_removal(self) -> None:
        """Half a folder, or another folder of the same name, must not take away the rest."""
        with self._database.session("indexer") as session:
            self._refuse_many("documents", len(self._missing(session)), self._bundle.total)
            source = session.scalar(select(Source.id).where(Source.name == self._bundle.source))
            if source is not None and self._bundle.users:
                people = people_of(session, source).keys() - {u.id for u in self._bundle.users}
                self._refuse_many("people", len(people), len(self._bundle.users))

    def _refuse_many(self, what: str, missing: int, present: int) -> None:
        if missing > max(_FEW, present // 10) and not self._remove_missing:
            raise InputInvalid(
                f"{missing} {what} of source {self._bundle.source!r} are not in "
                f"{self._bundle.root} any more.",
                remedy="If that is right, add --remove-missing. If this is another folder, give "
                "it a name of its own: --source NAME.",
            )

    def _finish(self) -> None:
        """The pass was complete: what it did not find is deleted, and the source is fresh."""
        self._bundle.require_unchanged()
        with self._database.session("indexer") as session:
            change = Change(session, actor=_ACTOR)
            for node_id in self._missing(session):
                change.delete_document(node_id)
                self._report.removed += 1
            change.mark_synced(self._source_id)


# Forgets what earlier loads of a source found: the next scheduled one loads it, whatever it sees.
FORGET_STATE = text("""
    UPDATE job SET counts = counts - 'state'
    WHERE kind = 'load' AND subject = :source AND state = 'done' AND counts ? 'new'
        AND counts ? 'state'
""")
