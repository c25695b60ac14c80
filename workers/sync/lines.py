"""The lines that a source pushes, one JSON object each. docs/sync.md describes the format.

An unknown field or word is always refused: it may be a misspelt `deny`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from policies.source import NamedPermissions
from policies.tables.people import AccountKind
from policies.tables.permissions import NodeKind
from policies.tables.sources import RunKind
from workers.errors import InputInvalid

LINES_A_PAGE = 10_000
_MEMBERS, _NAMES, _GATES = 100_000, 10_000, 100

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=2_000)]
"""PostgreSQL cannot store NUL."""
Id = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", min_length=1, max_length=500)]
NodeId = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=500)]
"""May be empty: `ken load` uses that id for the folder that it loads."""
Member = Annotated[str, StringConstraints(pattern=r"^(user|group):[^\x00]{1,500}$")]
Name = Annotated[
    str,
    StringConstraints(
        pattern=r"^((user|group):[^\x00]{1,500}|class:(members|members_and_guests|internet))$"
    ),
]
Names = Annotated[tuple[Name, ...], Field(max_length=_NAMES)]


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AccountLine(_Line):
    """An account of the source, which an administrator can link to a person."""

    type: Literal["account"]
    id: Id
    name: Text
    email: Text | None = None
    kind: AccountKind = AccountKind.MEMBER


class GroupLine(_Line):
    """A group with all its direct members."""

    type: Literal["group"]
    id: Id
    name: Text = ""
    members: Annotated[tuple[Member, ...], Field(max_length=_MEMBERS)]


class NodeLine(_Line):
    """A folder or a document, with all its permissions."""

    type: Literal["node"]
    id: NodeId
    kind: NodeKind
    parent: NodeId | None = None
    allow: Names = ()
    deny: Names = ()
    gates: Annotated[tuple[Names, ...], Field(max_length=_GATES)] = ()
    inherit: StrictBool = True
    unknown: StrictBool = False
    """The source could not read the permissions: nobody may read the node."""

    @model_validator(mode="after")
    def _says_who_reads(self) -> Self:
        """Refuse a document without permissions: it is neither public nor silently hidden."""
        says = {"allow", "deny", "gates", "inherit", "unknown"} & self.model_fields_set
        if self.kind is NodeKind.DOCUMENT and self.parent is None and not says:
            raise PydanticCustomError(
                "no_permissions",
                "nothing says who may read this document: give it a parent or `allow` "
                '(for nobody: []; if it is not known: "unknown": true)',
            )
        return self

    def named(self) -> NamedPermissions:
        return NamedPermissions(self.allow, self.deny, self.gates, self.inherit)


class RemoveGroupLine(_Line):
    type: Literal["remove_group"]
    id: Id


class RemoveNodeLine(_Line):
    type: Literal["remove_node"]
    id: NodeId


Line = AccountLine | GroupLine | NodeLine | RemoveGroupLine | RemoveNodeLine
_OF_DELTA = TypeAdapter[Line](Annotated[Line, Field(discriminator="type")])
_OF_COMPLETE = TypeAdapter[Line](
    Annotated[AccountLine | GroupLine | NodeLine, Field(discriminator="type")]
)


def check_line(line: Any, kind: RunKind, *, place: str) -> dict[str, Any]:
    """Check a line and return only the fields that it has, ready to be stored.

    Raises InputInvalid with the place (a page or file, and a line) and the field.
    """
    try:
        found = _adapter(kind).validate_python(line)
    except ValidationError as error:
        raise _invalid(place, error) from None
    return found.model_dump(mode="json", exclude_unset=True)


def check_page(number: int, lines: Sequence[Any], kind: RunKind) -> list[dict[str, Any]]:
    """Check all lines of a page. Raises InputInvalid with page, line and field."""
    if len(lines) > LINES_A_PAGE:
        raise InputInvalid(
            f"page {number}: it has {len(lines)} lines; at most {LINES_A_PAGE} are allowed.",
            remedy="Send more pages.",
        )
    return [
        check_line(line, kind, place=f"page {number}, line {at}")
        for at, line in enumerate(lines, start=1)
    ]


def read_line(stored: Mapping[str, Any]) -> Line:
    """Read a line that was checked before it was stored."""
    return _OF_DELTA.validate_python(stored)


def _adapter(kind: RunKind) -> TypeAdapter[Line]:
    return _OF_DELTA if kind is RunKind.DELTA else _OF_COMPLETE


_TYPES = {"account", "group", "node", "remove_group", "remove_node"}


def _invalid(place: str, error: ValidationError) -> InputInvalid:
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    parts = [str(part) for part in first["loc"]]
    field = ".".join(parts[1:] if parts and parts[0] in _TYPES else parts)
    message = f"{place}: {field}: {first['msg']}" if field else f"{place}: {first['msg']}"
    more = error.error_count() - 1
    return InputInvalid(
        message + (f" (and {more} more in this line)" if more else ""),
        remedy="Correct the line; docs/sync.md shows the format. Nothing was changed.",
    )
