"""PATCH of a group. Members are a set of ids, so that one of 10,000 is changed cheaply."""

from collections.abc import Iterator
from typing import Any

from scim2_models import InvalidPathException, MutabilityException, PatchOp, PatchOperation, Path
from scim2_models.path import AttrPath, CompareOperator, Comparison

from workers.admin.scim.schema import ScimGroup, about
from workers.admin.scim.store import members_in

_GROUP_PATH = about(Path, ScimGroup)
_GROUP_PATCH = about(PatchOp, ScimGroup)
_VALUE_ALONE = AttrPath("value")


def patch_group(patch: Any, group: Any, members: list[int]) -> tuple[Any, list[str]]:
    """Apply all operations; return the group and the ids of its members."""
    held = dict.fromkeys(str(one) for one in members)
    for operation in patch.operations or []:
        for part in _parts(operation):
            path = _GROUP_PATH(part.path or "")
            if _is_of_members(path):
                _change_members(held, part, path)
            else:
                _GROUP_PATCH(operations=[part]).patch(group)
    return group, list(held)


def _parts(operation: PatchOperation[Any]) -> Iterator[PatchOperation[Any]]:
    """Split Okta's `replace` without a path into members and other attributes."""
    if operation.path or not isinstance(operation.value, dict):
        yield operation
        return
    others = {}
    for name, value in operation.value.items():
        try:
            of_members = _is_of_members(_GROUP_PATH(name))
        except InvalidPathException:
            of_members = False
        if of_members:
            yield operation.model_copy(update={"path": _GROUP_PATH(name), "value": value})
        else:
            others[name] = value
    if others:
        yield operation.model_copy(update={"value": others})


def _is_of_members(path: Path[Any]) -> bool:
    binding = path.resolve() if path else None
    return binding is not None and binding.field_name == "members"


def _change_members(held: dict[str, None], operation: PatchOperation[Any], path: Path[Any]) -> None:
    binding = path.resolve()
    if binding is None or binding.sub_field_name is not None:
        raise MutabilityException(
            detail=f"{path}: a member can be added or removed, but not changed"
        )
    match operation.op, path.value_filter:
        case PatchOperation.Op.add, None:
            held.update(dict.fromkeys(_ids(operation.value)))
        case PatchOperation.Op.replace_, None:
            wanted = _ids(operation.value)
            held.clear()
            held.update(dict.fromkeys(wanted))
        case PatchOperation.Op.remove, None if operation.value is None:
            held.clear()
        case PatchOperation.Op.remove, None:
            for one in _ids(operation.value):
                held.pop(one, None)
        case PatchOperation.Op.remove, _ if operation.value is None:
            for one in _selected(held, path):
                held.pop(one, None)
        case _:
            raise MutabilityException(
                detail=f"{path}: a member can be added or removed, but not changed"
            )


def _ids(value: Any) -> list[str]:
    """Return the ids that an operation names. Raises InvalidValueException, ValidationError."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return members_in(ScimGroup.model_validate({"members": values}).members or [])


def _selected(held: dict[str, None], path: Path[Any]) -> list[str]:
    """Return the members that the filter in brackets selects, usually one by its id."""
    match path.value_filter:
        case Comparison(attr, CompareOperator.eq, str(one)) if attr == _VALUE_ALONE:
            return [one]
    group = ScimGroup.model_validate({"members": [{"value": one} for one in held]})
    return [member.value for member in path.get(group) or []]
