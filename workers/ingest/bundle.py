"""A folder as it is loaded: people and groups, permissions, and documents as files or as JSONL.

Everything is read and checked before anything is changed; docs/loading.md says the format.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from os.path import exists
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from policies.source import NamedPermissions
from workers.errors import InputInvalid, ServerUnavailable
from workers.ingest.formats.suffixes import FORMATS_IN_WORDS
from workers.ingest.history import last_changes
from workers.ingest.looks import (
    CONTROL_FILES,
    DOCUMENTS,
    DOCUMENTS_FOLDER,
    PERMISSIONS,
    PRINCIPALS,
    SOURCE,
    Looks,
    look_at_control_files,
)
from workers.ingest.parse import inside

_BESIDE = {
    *CONTROL_FILES, "questions.jsonl", "workspace.json", "demo.json", "README.md", "LICENCES.md",
    "LICENSE",
}  # fmt: skip

T = TypeVar("T")
Words = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""PostgreSQL holds no NUL."""
Id = Annotated[Words, StringConstraints(min_length=1, max_length=500)]
Name = Annotated[str, StringConstraints(pattern=r"^(user|group|class):.{1,500}$")]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class UserLine(_Line):
    type: Literal["user"]
    id: Id
    name: Words = ""
    email: Words | None = None
    kind: Literal["member", "guest"] = "member"
    status: Literal["active", "suspended", "deleted"] = "active"
    groups: tuple[Id, ...] = ()
    """Direct groups; the same may be said by the group's `members`."""
    identities: dict[Id, Id] = Field(default_factory=dict)
    """Accounts elsewhere, by source: {"slack:T0ACME": "U0ANA"}."""
    title: Words | None = None
    team: Words | None = None
    location: Words | None = None
    country: Words | None = None
    locale: Words | None = None
    timezone: Words | None = None
    manager: Words | None = None

    def profile(self) -> dict[str, str]:
        fields = ("title", "team", "location", "country", "locale", "timezone", "manager")
        return {field: value for field in fields if (value := getattr(self, field)) is not None}


class GroupLine(_Line):
    type: Literal["group"]
    id: Id
    name: Words = ""
    members: tuple[Name, ...] = ()


PrincipalLine = Annotated[UserLine | GroupLine, Field(discriminator="type")]


class Acl(_Line):
    """Who may read. A word that we do not know is refused: it may be a misspelt `deny`."""

    model_config = ConfigDict(extra="forbid")

    allow: tuple[Name, ...] = ()
    deny: tuple[Name, ...] = ()
    gates: tuple[tuple[Name, ...], ...] = ()
    inherit: bool = True

    def named(self) -> NamedPermissions:
        return NamedPermissions(self.allow, self.deny, self.gates, self.inherit)


class PermissionLine(Acl):
    path: Words
    """Of a folder or a file, from the documents' folder; "" is that folder itself."""


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


class DocumentLine(_Line):
    id: Id
    title: str
    text: str
    url: Words | None = None
    updated_at: Annotated[datetime, AfterValidator(_aware)] | None = None
    """Without an offset: UTC."""
    acl: Acl


class _SourceFile(_Line):
    name: Id
    url: Words | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A document as the bundle lists it, before its text is read."""

    native_id: str
    parents: tuple[str, ...]
    """Containers above, the root first, by native id."""
    permissions: NamedPermissions
    place: str
    """Where it was listed, for messages: a file, or a file and a line."""
    read: Callable[[], "DocumentLine | Path"]
    """The text, or the file to parse; called once, when its turn comes."""


class FolderChanged(ServerUnavailable):
    """Who may read what was changed while a folder was loaded: the load is to begin again."""


@dataclass(frozen=True)
class Bundle:
    """A folder to load, all of its structure checked."""

    root: Path
    controls: Looks
    """The control files as they looked before they were read."""
    listing: tuple[str, ...] | None
    """The files by path, listed once: a later one has permissions that were not read. None for
    JSONL."""
    source: str
    url: str | None
    users: tuple[UserLine, ...]
    groups: tuple[GroupLine, ...]
    folders: dict[str, NamedPermissions]
    """Permissions by container, by native id; "" is the root."""
    files: dict[str, NamedPermissions]
    """Permissions of single files, by path."""
    total: int
    """Documents."""

    def documents(self) -> Iterator[Listed]:
        """Every document in a fixed order; JSONL is read line by line."""
        if self.listing is None:
            yield from self._lines()
        else:
            yield from self._files(self.listing)

    def require_unchanged(self) -> None:
        """Raises FolderChanged if a control file is not as it was when it was read."""
        if look_at_control_files(self.root) != self.controls:
            raise FolderChanged(
                f"Who may read what in {self.root.name} was changed while it was loaded.",
                remedy="What is stored stays. Load it again.",
            )

    def last_changes(self) -> Mapping[str, datetime]:
        """Return when each file was last changed, by its native id, as far as Git says it."""
        return last_changes(_documents_folder(self.root), self.listing) if self.listing else {}

    def path_of(self, listed: Listed) -> str | None:
        """Return the path of a document's file from the folder; None if it is a line."""
        if self.listing is None:
            return None
        return (_documents_folder(self.root) / listed.native_id).relative_to(self.root).as_posix()

    def _lines(self) -> Iterator[Listed]:
        for number, line in _read_lines(self.root / DOCUMENTS, TypeAdapter(DocumentLine)):
            yield Listed(
                native_id=line.id,
                parents=(),
                permissions=line.acl.named(),
                place=f"{DOCUMENTS}:{number}",
                read=lambda line=line: line,  # type: ignore[misc]
            )

    def _files(self, listing: tuple[str, ...]) -> Iterator[Listed]:
        base = _documents_folder(self.root)
        for path in listing:
            file = base / path
            yield Listed(
                native_id=path,
                parents=ancestors(path)[:-1],
                permissions=self.files.get(path, NamedPermissions()),
                place=path,
                read=lambda file=file: file,  # type: ignore[misc]
            )


def read_bundle(
    root: Path,
    *,
    name: str | None = None,
    allow: tuple[str, ...] = (),
    settled: Looks | None = None,
) -> Bundle:
    """Read and check the structure of a folder. `allow` lets these read a folder that says nothing.

    Raises InputInvalid with file, line and field; and FolderChanged if the control files do not
    look as `settled`, or were changed while they were read. Nothing has been changed then.
    """
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "is not there"
        raise InputInvalid(
            f"{root} {what}. Nothing was changed.",
            remedy=f"Name a folder with documents: {FORMATS_IN_WORDS}, or {DOCUMENTS}.",
        )
    controls = look_at_control_files(root) if settled is None else settled
    listing = None if DOCUMENTS in controls else tuple(_document_files(_documents_folder(root)))
    source = _read_source(root, name)
    users, groups = _read_principals(root)
    bundle = Bundle(root, controls, listing, source.name, source.url, users, groups, {}, {}, 0)
    total = _check_documents(bundle)
    folders, files = ({}, {}) if listing is None else _read_permissions(root, allow)
    bundle.require_unchanged()
    return replace(bundle, folders=folders, files=files, total=total)


def ancestors(path: str) -> tuple[str, ...]:
    """The path itself after all that is above it: "a/b" -> ("", "a", "a/b"), "" -> ("",)."""
    parts = path.split("/") if path else []
    return tuple("/".join(parts[:length]) for length in range(len(parts) + 1))


def _read_source(root: Path, name: str | None) -> _SourceFile:
    file = root / SOURCE
    if not file.exists():
        return _SourceFile(name=name or root.resolve().name)
    try:
        source = _SourceFile.model_validate_json(file.read_bytes())
    except OSError as error:
        raise _unreadable(file, error) from None
    except ValidationError as error:
        raise _invalid(file.name, error) from None
    return source.model_copy(update={"name": name}) if name else source


def _read_principals(root: Path) -> tuple[tuple[UserLine, ...], tuple[GroupLine, ...]]:
    file = root / PRINCIPALS
    if not file.exists():
        return (), ()
    users: dict[str, UserLine] = {}
    groups: dict[str, GroupLine] = {}
    adapter: TypeAdapter[UserLine | GroupLine] = TypeAdapter(PrincipalLine)
    for number, line in _read_lines(file, adapter):
        kind: dict[str, Any] = users if line.type == "user" else groups
        if line.id in kind:
            raise InputInvalid(
                f"{PRINCIPALS}:{number}: id: the {line.type} {line.id!r} is there twice.",
                remedy="Keep one of the two lines.",
            )
        kind[line.id] = line
    _check_members(users, groups)
    _check_accounts(users)
    return tuple(users.values()), tuple(groups.values())


def _check_members(users: dict[str, UserLine], groups: dict[str, GroupLine]) -> None:
    known = {f"user:{name}" for name in users} | {f"group:{name}" for name in groups}
    for group in groups.values():
        for member in group.members:
            if member not in known:
                raise InputInvalid(
                    f"{PRINCIPALS}: group {group.id!r}: members: {member!r} is nobody.",
                    remedy="Add a line for it, or take it out; classes cannot be members.",
                )
    for user in users.values():
        for group_id in user.groups:
            if group_id not in groups:
                raise InputInvalid(
                    f"{PRINCIPALS}: user {user.id!r}: groups: there is no group {group_id!r}.",
                    remedy="Add a line for the group, or take it out.",
                )


def _check_accounts(users: dict[str, UserLine]) -> None:
    owners: dict[tuple[str, str], str] = {}
    for user in users.values():
        for account in user.identities.items():
            if owners.setdefault(account, user.id) != user.id:
                raise InputInvalid(
                    f"{PRINCIPALS}: user {user.id!r}: identities: {': '.join(account)!r} is the "
                    f"account of {owners[account]!r} already.",
                    remedy="An account is one person's: take it out of one of the two lines.",
                )


def _read_permissions(
    root: Path, allow: tuple[str, ...]
) -> tuple[dict[str, NamedPermissions], dict[str, NamedPermissions]]:
    file = root / PERMISSIONS
    folders: dict[str, NamedPermissions] = {}
    files: dict[str, NamedPermissions] = {}
    if file.exists() and allow:
        raise InputInvalid(
            f"{PERMISSIONS} says who may read {root.name}, and so does --allow.",
            remedy=f"Leave --allow away, or write it into {PERMISSIONS}.",
        )
    if not file.exists():
        if not allow:
            raise InputInvalid(
                f"Nothing says who may read {root.name}: there is no {PERMISSIONS}.",
                remedy=f"Write {PERMISSIONS} (docs/loading.md), or let everybody of the company "
                "read all of it: --allow class:members",
            )
        return {"": NamedPermissions(allow=allow)}, files
    base = _documents_folder(root)
    for number, line in _read_lines(file, TypeAdapter(PermissionLine)):
        path = line.path.strip("/")
        place = base / path
        if path in folders or path in files:
            raise InputInvalid(
                f"{PERMISSIONS}:{number}: path: {path!r} is there twice.",
                remedy="Put both lists of permissions on one line.",
            )
        if not _is_plain(path) or not inside(base, place) or not _is_there(place):
            raise InputInvalid(
                f"{PERMISSIONS}:{number}: path: there is no {path!r} below {base.name}/.",
                remedy="Correct the path, without '.', '..' and '//' in it, or delete the line.",
            )
        (folders if place.is_dir() else files)[path] = line.named()
    return folders, files


def _is_there(path: Path) -> bool:
    return exists(path)  # noqa: PTH110 - pathlib's raises for a name that is too long


def _check_documents(bundle: Bundle) -> int:
    """How many there are. Raises InputInvalid for none, and for an id that stands twice."""
    seen: dict[str, str] = {}
    for listed in bundle.documents():
        if listed.native_id in seen:
            raise InputInvalid(
                f"{listed.place}: id: {listed.native_id!r} is there twice "
                f"(first at {seen[listed.native_id]}).",
                remedy="Give each document an id of its own.",
            )
        if not _is_utf8(listed.native_id):
            raise InputInvalid(
                f"{listed.native_id!r}: the name of this file is not UTF-8.",
                remedy="Rename the file, or its folder.",
            )
        seen[listed.native_id] = listed.place
    if not seen:
        raise InputInvalid(
            f"{bundle.root} holds no documents. Nothing was changed.",
            remedy=f"Put documents into it ({FORMATS_IN_WORDS}), or name another folder.",
        )
    return len(seen)


def _is_utf8(name: str) -> bool:
    """A file's name may be any bytes; Python shows those that are not UTF-8 as surrogates."""
    return name == name.encode("utf-8", "replace").decode("utf-8")


def _is_plain(path: str) -> bool:
    """Written as a document's id is: another spelling would name a file and bear on nothing."""
    return path == "" or not {"", ".", ".."} & {*path.split("/")}


def _documents_folder(root: Path) -> Path:
    return root / DOCUMENTS_FOLDER if (root / DOCUMENTS_FOLDER).is_dir() else root


def _document_files(base: Path) -> Iterator[str]:
    for file in sorted(base.rglob("*")):
        parts = file.relative_to(base).parts
        hidden = any(part.startswith(".") for part in parts)
        beside = base.name != DOCUMENTS_FOLDER and len(parts) == 1 and parts[0] in _BESIDE
        if not hidden and not beside and file.is_file() and inside(base, file):
            yield file.relative_to(base).as_posix()


def _read_lines(file: Path, adapter: TypeAdapter[T]) -> Iterator[tuple[int, T]]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    yield number, adapter.validate_json(line)
                except ValidationError as error:
                    raise _invalid(f"{file.name}:{number}", error) from None
    except OSError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: OSError) -> InputInvalid:
    return InputInvalid(
        f"{file.name} cannot be read: {error.strerror}.",
        remedy="It is a file of JSON that you may read; see docs/loading.md.",
    )


def _invalid(place: str, error: ValidationError) -> InputInvalid:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"] if part not in ("user", "group"))
    problem = f"{place}: {field}: {first['msg']}" if field else f"{place}: {first['msg']}"
    more = error.error_count() - 1
    return InputInvalid(
        problem + (f" (and {more} more in this line)" if more else ""),
        remedy="Correct the line; docs/loading.md shows the format. Nothing was changed.",
    )
