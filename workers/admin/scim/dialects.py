"""Translates requests of identity providers that differ from RFC 7643 and 7644.

Based on the public documents of Entra ID and Okta. Unknown extensions are left out, as RFC 7643
(3.3) allows; unknown attributes are still refused.
"""

import re
from collections.abc import Iterator
from typing import Any

from scim2_models import InvalidPathException, PatchOp, Path

from workers.admin.scim.schema import ENTERPRISE, MODELS, Group, KenUser, User, about

_KNOWN = {
    "User": (str(User.__schema__), ENTERPRISE, str(KenUser.__schema__)),
    "Group": (str(Group.__schema__),),
}
_PATCH = str(PatchOp.__schema__)
_NEVER_IGNORED = (
    "urn:ietf:params:scim:schemas:core:",
    "urn:ietf:params:scim:schemas:extension:ken:",
)
"""A typing error in one of these must not pass as a foreign extension: `guest` is in ours."""
_MANAGER = f"{ENTERPRISE}:manager"

# -- extensions that Ken does not know ---------------------------------------------------------


def without_unknown(payload: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the request without schemas that are neither SCIM's nor ours."""
    if kind not in _KNOWN:
        return payload
    known = _of_known_schemas(payload, kind)
    for name, value in known.items():
        if name.lower() == "schemas":
            known[name] = _known_schemas(value, kind)
        elif name.lower() == "operations" and isinstance(value, list) and value:
            known[name] = [each for one in value for each in _known_operation(one, kind)]
            if not known[name]:
                raise NothingOfOurs
    return known


class NothingOfOurs(Exception):
    """A PATCH of unknown extensions only: it changes nothing, and succeeds."""


def _of_known_schemas(value: dict[str, Any], kind: str) -> dict[str, Any]:
    spelt = [(_spelt(name, kind), one) for name, one in value.items()]
    return {name: one for name, one in spelt if name is not None}


def _known_schemas(schemas: Any, kind: str) -> Any:
    if not isinstance(schemas, list):
        return schemas
    spelt = [_spelt(one, kind) if isinstance(one, str) else one for one in schemas]
    known = [one for one in spelt if one is not None]
    return known or schemas  # with no schema of ours it is refused


def _known_operation(operation: Any, kind: str) -> Iterator[Any]:
    path = _part(operation, "path")
    value = _part(operation, "value")
    if isinstance(path, str):
        spelt = _spelt(path, kind)
        if spelt is not None:
            yield _with(operation, path=spelt)
    elif path is None and isinstance(value, dict):
        known = _of_known_schemas(value, kind)
        if "schemas" in known:
            known["schemas"] = _known_schemas(known["schemas"], kind)
        if known or not value:
            yield _with(operation, value=known)
    else:
        yield operation


def _spelt(name: str, kind: str) -> str | None:
    """Return a schema or an attribute's path as we spell it; None for an unknown extension."""
    head = name.partition("[")[0].lower()
    if ":" not in head:
        return name
    for schema in (*_KNOWN[kind], _PATCH):
        if head == schema.lower():
            return schema + name[len(schema) :]
        if head.startswith((f"{schema}:".lower(), f"{schema}.".lower())):
            return f"{schema}:{name[len(schema) + 1 :]}"  # Entra wrote a dot until 2018
    return name if f"{head}:".startswith(_NEVER_IGNORED) else None


# -- other spellings----------------------------------------------------------------------------


def in_rfc_words(payload: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the same request as RFC 7644 writes it."""
    if kind not in _KNOWN:
        return payload
    return {
        name: [each for one in value for each in _operations(one, kind)]
        if name.lower() == "operations" and isinstance(value, list)
        else _with_manager(name, value)
        for name, value in payload.items()
    }


def _operations(operation: Any, kind: str) -> Iterator[Any]:
    """Split an operation without a path, whose filtered values need an operation each."""
    path, value = _part(operation, "path"), _part(operation, "value")
    if isinstance(path, str):
        yield _with_path(operation, path, value, kind)
        return
    if path is not None or not isinstance(value, dict):
        yield operation
        return
    plain = {name: _with_manager(name, one) for name, one in value.items() if "[" not in name}
    if plain or not value:
        yield _with(operation, value=plain)
    for name, one in value.items():
        if "[" in name:
            yield _with_path(_with(operation, path=name, value=one), name, one, kind)


def _with_path(operation: dict[str, Any], path: str, value: Any, kind: str) -> dict[str, Any]:
    if kind == "User" and re.fullmatch(r"manager(\..*)?", path, re.IGNORECASE):
        path = f"{ENTERPRISE}:{path}"
        operation = _with(operation, path=path)
    if _is_wrapped(value) and _is_single(path, kind):
        value = value[0] if path.lower() == _MANAGER.lower() else value[0].get("value")
    elif _removes(operation) and _is_plain(value) and _is_single(path, kind):
        value = None
    if path.lower() == _MANAGER.lower():
        value = _as_manager(value)
    elif path.lower() == ENTERPRISE.lower():
        value = _with_manager(path, value)
    if value is _part(operation, "value"):
        return operation
    return _with(operation, value=value)


def _is_wrapped(value: Any) -> bool:
    """Recognise Entra's `[{"$ref": null, "value": "False"}]` for a single value."""
    match value:
        case [dict(one)]:
            return "value" in one and one.keys() <= {"$ref", "value"}
    return False


def _is_plain(value: Any) -> bool:
    return value is not None and not isinstance(value, dict | list)


def _is_single(path: str, kind: str) -> bool:
    """Return whether the path leads to an attribute with one value."""
    try:
        binding = about(Path, MODELS[kind])(path).resolve()
    except InvalidPathException:
        return False
    return binding is not None and not binding.is_multivalued


def _removes(operation: dict[str, Any]) -> bool:
    return str(_part(operation, "op")).lower() == "remove"


def _with_manager(name: str, value: Any) -> Any:
    """Turn Entra's manager, a plain id, into the object of RFC 7643."""
    if name.lower() == _MANAGER.lower():
        return _as_manager(value)
    if name.lower() == ENTERPRISE.lower() and isinstance(value, dict):
        return {
            key: _as_manager(one) if key.lower() == "manager" else one for key, one in value.items()
        }
    return value


def _as_manager(value: Any) -> Any:
    return {"value": value} if isinstance(value, str) else value


def filter_in_rfc_words(text: str) -> str:
    """Translate Entra's `manager eq "ID"`, which asks whether a reference has a value."""
    return _ASKED_MANAGER.sub(
        lambda found: found[0] if found[0].startswith('"') else f"{_MANAGER}.value", text
    )


_ASKED_MANAGER = re.compile(
    rf'"(?:[^"\\]|\\.)*+"?|(?<![\w:.])(?:{re.escape(ENTERPRISE)}:)?manager(?=\s+(?:eq|ne)\s)',
    re.IGNORECASE,
)

# -- an operation's members, however they are spelt --------------------------------------------


def _part(operation: Any, name: str) -> Any:
    if not isinstance(operation, dict):
        return None
    return next((one for key, one in operation.items() if key.lower() == name), None)


def _with(operation: dict[str, Any], **parts: Any) -> dict[str, Any]:
    kept = {name: one for name, one in operation.items() if name.lower() not in parts}
    return {**kept, **parts}
