"""Undoes a run: computes the rows of its source as they were before it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from workers.sync.snapshot import Rows, stored_rows

_Key = tuple[str, str]
"""The table, and the key as JSON."""
_Image = dict[str, Any] | None
"""A row as it was, or None if it did not exist."""


@dataclass(frozen=True, slots=True)
class Rewound:
    """The rows before some epochs, and what prevents going back to them."""

    rows: Rows
    changed_since: tuple[str, ...]
    """What somebody else has changed since."""
    deleted: tuple[str, ...]
    """Native ids of nodes that were deleted with their text and do not come back."""


def rewind(session: Session, source_id: int, epochs: Sequence[int]) -> Rewound:
    """Compute the rows of the source before these epochs, which belong to one run."""
    now = stored_rows(session, source_id)
    run = _Run(
        source_id=source_id,
        now=now,
        then=Rows(dict(now.groups), set(now.members), dict(now.nodes), set(now.entries)),
        first=_images(session, _READ_BEFORE_RUN, epochs),
        later=_images(session, _READ_CHANGED_LATER, epochs),
    )
    changed = {*_groups(run), *_members(run), *_nodes(run), *_entries(run)}
    return Rewound(run.then, tuple(sorted(changed)), tuple(sorted(_deleted(run))))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The rows now, the rows `then` that are being built, and the row images to build them from."""

    source_id: int
    now: Rows
    then: Rows
    first: Mapping[_Key, _Image]
    later: Mapping[_Key, _Image]


def _groups(run: _Run) -> Iterator[str]:
    """Restore the groups; yield what somebody changed since, as the next three functions do."""
    for (group_id,), before in _of(run.first, "user_group"):
        if group_id in run.now.groups or _is_of(before, run.source_id):
            _restore(run.then.groups, group_id, before and (before["native_id"], before["name"]))
            if _differs(run.later, "user_group", [group_id], _group(run.now, group_id)):
                yield _group_name(run, group_id)


def _members(run: _Run) -> Iterator[str]:
    """Restore the members, after the groups."""
    for (member_id, group_id), before in _of(run.first, "membership"):
        if group_id in run.now.groups or group_id in run.then.groups:
            _mark(run.then.members, (member_id, group_id), there=before is not None)
            there = (member_id, group_id) in run.now.members
            if _differs(run.later, "membership", [member_id, group_id], {} if there else None):
                yield f"members of {_group_name(run, group_id)}"


def _nodes(run: _Run) -> Iterator[str]:
    for (node_id,), before in _of(run.first, "node"):
        if node_id in run.now.nodes:
            _restore(run.then.nodes, node_id, before)
            if _differs(run.later, "node", [node_id], run.now.nodes[node_id]):
                yield f"node {run.now.nodes[node_id]['native_id']}"


def _deleted(run: _Run) -> set[str]:
    return {
        str(before["native_id"])
        for (node_id,), before in _of(run.first, "node")
        if node_id not in run.now.nodes
        and before is not None
        and before["source_id"] == run.source_id
    }


def _entries(run: _Run) -> Iterator[str]:
    for (node_id, effect, gate, principal_id), before in _of(run.first, "entry"):
        if node_id in run.now.nodes:
            entry = (node_id, effect, gate, principal_id)
            _mark(run.then.entries, entry, there=before is not None)
            there = entry in run.now.entries
            if _differs(run.later, "entry", list(entry), {} if there else None):
                yield f"permissions of node {run.now.nodes[node_id]['native_id']}"


def _images(session: Session, statement: TextClause, epochs: Sequence[int]) -> dict[_Key, _Image]:
    rows = session.execute(statement, {"epochs": list(epochs)})
    return {(relation, json.dumps(key)): before for relation, key, before in rows}


def _of(images: Mapping[_Key, _Image], relation: str) -> Iterator[tuple[list[Any], _Image]]:
    for (table, key), before in images.items():
        if table == relation:
            yield json.loads(key), before


def _differs(
    later: Mapping[_Key, _Image], relation: str, key: list[Any], now: Mapping[str, Any] | None
) -> bool:
    """Return whether the row has changed since the run; `later` holds what the run left."""
    at = (relation, json.dumps(key))
    if at not in later:
        return False
    left = later[at]
    if left is None or now is None:
        return (left is None) != (now is None)
    return any(_plain(name, left[name]) != _plain(name, now[name]) for name in _COMPARED[relation])


_COMPARED = {
    "user_group": ("native_id", "name"),
    "membership": (),
    "node": ("native_id", "kind", "parent_id", "inherit", "acl_state", "gone_at"),
    "entry": (),
}


def _plain(name: str, value: Any) -> Any:
    return value is not None if name == "gone_at" else value


def _is_of(before: _Image, source_id: int) -> bool:
    """Return whether the row was of this source; False also if the run added it."""
    return before is not None and before["source_id"] == source_id


def _group(rows: Rows, group_id: int) -> dict[str, str] | None:
    group = rows.groups.get(group_id)
    return None if group is None else {"native_id": group[0], "name": group[1]}


def _group_name(run: _Run, group_id: int) -> str:
    return f"group {(run.then.groups.get(group_id) or run.now.groups[group_id])[0]}"


def _restore(rows: dict[int, Any], key: int, before: Any) -> None:
    if before is None:
        rows.pop(key, None)
    else:
        rows[key] = before


def _mark(rows: set[Any], row: tuple[Any, ...], *, there: bool) -> None:
    if there:
        rows.add(row)
    else:
        rows.discard(row)


# Reads each row that a run changed, as it was before the run.
_READ_BEFORE_RUN = text("""
    SELECT DISTINCT ON (relation, key) relation, key, before FROM past
    WHERE epoch = ANY(:epochs) AND relation IN ('user_group', 'membership', 'node', 'entry')
    ORDER BY relation, key, id
""")

# Reads rows that the run changed and somebody changed later, as they were in between.
_READ_CHANGED_LATER = text("""
    SELECT DISTINCT ON (relation, key) relation, key, before FROM past
    WHERE epoch > (SELECT min(one) FROM unnest(CAST(:epochs AS bigint[])) AS one)
      AND NOT epoch = ANY(:epochs)
      AND (relation, key) IN (SELECT relation, key FROM past WHERE epoch = ANY(:epochs))
    ORDER BY relation, key, id
""")
