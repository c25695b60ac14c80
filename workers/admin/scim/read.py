"""Reads users and groups as SCIM resources: what was sent, with ids, metadata and members."""

from collections.abc import Sequence
from typing import Any

from scim2_models import NotFoundException, ScimFilter, SearchRequest
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from policies.tables.people import Group, Membership, Provisioned, User
from workers.admin.scim.filter import Matching, sorted_by
from workers.admin.scim.schema import LARGEST_PAGE, MODELS, PAGE, about

_LARGEST_INTEGER = 2**31


def find(session: Session, kind: str, scim_id: str, base: str, *, members: bool = True) -> Any:
    """Return the resource with this id. Raises NotFoundException."""
    row = row_of(session, kind, scim_id)
    return resources_of(session, [row.principal_id], base, members=members)[0]


def search(
    session: Session, kinds: Sequence[str], request: SearchRequest[Any], base: str, *, members: bool
) -> tuple[int, list[Any]]:
    """Return how many resources a query selects, and the requested page of them."""
    found = or_(*(_selected(kind, request) for kind in kinds))
    total = session.scalar(select(func.count()).select_from(Provisioned).where(found)) or 0
    count = min(PAGE if request.count is None else request.count, LARGEST_PAGE)
    if count == 0:
        return total, []
    order = sorted_by(
        request.sort_binding(MODELS[kinds[0]]),
        descending=request.sort_order == SearchRequest.SortOrder.descending,
    )
    ids = session.scalars(
        select(Provisioned.principal_id)
        .where(found)
        .order_by(*order)
        .offset(min(request.start_index_0 or 0, _LARGEST_INTEGER))
        .limit(count)
    ).all()
    return total, resources_of(session, ids, base, members=members)


def _selected(kind: str, request: SearchRequest[Any]) -> Any:
    of_kind = Provisioned.kind == kind
    if request.filter is None:
        return of_kind
    bound = about(ScimFilter, MODELS[kind])(str(request.filter))
    return of_kind & Matching(bound).visit(bound.ast)


def resources_of(session: Session, ids: Sequence[int], base: str, *, members: bool) -> list[Any]:
    rows = session.scalars(select(Provisioned).where(Provisioned.principal_id.in_(ids)))
    found = {row.principal_id: row for row in rows}
    groups = _groups_of(session, ids, base)
    inside = _members_of(session, ids, base) if members else {}
    return [
        MODELS[found[one].kind].model_validate(
            {
                **found[one].resource,
                "id": str(one),
                "meta": _meta(found[one], base),
                **({"groups": groups[one]} if one in groups else {}),
                **({"members": inside[one]} if one in inside else {}),
            }
        )
        for one in ids
    ]


def _meta(row: Provisioned, base: str) -> dict[str, Any]:
    return {
        "resourceType": row.kind,
        "created": row.created_at,
        "lastModified": row.modified_at,
        "location": _location(base, row.kind, row.principal_id),
        "version": etag(row.version),
    }


def etag(version: int) -> str:
    return f'W/"{version}"'


def _location(base: str, kind: str, principal_id: int) -> str:
    return f"{base}/{kind}s/{principal_id}"


def _groups_of(session: Session, ids: Sequence[int], base: str) -> dict[int, list[dict[str, str]]]:
    """Return the groups that each is a direct member of."""
    found: dict[int, list[dict[str, str]]] = {}
    for row in session.execute(
        select(Membership.member_id, Group.id, Group.name)
        .join(Group, Group.id == Membership.group_id)
        .join(Provisioned, Provisioned.principal_id == Group.id)
        .join(User, User.id == Membership.member_id)
        .where(Membership.member_id.in_(ids))
        .order_by(Group.id)
    ):
        found.setdefault(row.member_id, []).append(
            {
                "value": str(row.id),
                "$ref": _location(base, "Group", row.id),
                "display": row.name,
                "type": "direct",
            }
        )
    return found


def _members_of(session: Session, ids: Sequence[int], base: str) -> dict[int, list[dict[str, str]]]:
    found: dict[int, list[dict[str, str]]] = {}
    for row in session.execute(
        select(
            Membership.group_id,
            Membership.member_id,
            Provisioned.kind,
            func.coalesce(User.name, Group.name).label("name"),
        )
        .join(Provisioned, Provisioned.principal_id == Membership.member_id)
        .outerjoin(User, User.id == Membership.member_id)
        .outerjoin(Group, Group.id == Membership.member_id)
        .where(Membership.group_id.in_(ids))
        .order_by(Membership.member_id)
    ):
        found.setdefault(row.group_id, []).append(
            {
                "value": str(row.member_id),
                "$ref": _location(base, row.kind, row.member_id),
                "display": row.name,
                "type": row.kind,
            }
        )
    return found


def row_of(session: Session, kind: str, scim_id: str) -> Provisioned:
    principal_id = id_of(scim_id)
    row = session.get(Provisioned, principal_id) if principal_id is not None else None
    if row is None or row.kind != kind:
        raise NotFoundException(detail=f"There is no {kind} with this id")
    return row


def id_of(scim_id: str) -> int | None:
    """Return the principal's id, or None if it cannot be one of ours."""
    if scim_id.isascii() and scim_id.isdigit() and len(scim_id) < 19 and scim_id[0] != "0":
        return int(scim_id)
    return None


def version_in(versions: str, version: int) -> bool:
    """Return whether the entity tags of `If-Match` include this version (compared weakly)."""
    given = {one.strip().removeprefix("W/") for one in versions.split(",")}
    return "*" in given or f'"{version}"' in given
