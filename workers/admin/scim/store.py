"""Stores users and groups from an identity provider, in one change.

`Change` writes what decides access; `provisioned` stores the rest, so that it can be read back. An
id is our principal's, an address or a name is never a key, and nothing outlives a delete.
"""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

from scim2_models import (
    InvalidValueException,
    PreconditionFailedException,
    UniquenessException,
)
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Text,
    any_,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Session

from policies.audience import Class
from policies.change import Change
from policies.described import Person
from policies.source import PROVIDER
from policies.tables.people import Group, LinkedIdentity, Membership, Provisioned, User, UserStatus
from policies.tables.sources import Source
from workers.admin.scim.profile import email_of, name_of, profile_of
from workers.admin.scim.read import etag, id_of, resources_of, row_of, version_in
from workers.admin.scim.schema import KenUser

SOURCE = PROVIDER
BY = "scim"
"""The rule that made a link: an id that the identity provider gave."""

LONGEST_NAME = 500
LONGEST_LIST = 100


def create_user(session: Session, actor: str, user: Any) -> str:
    """Create a user and return its id. Raises UniquenessException, InvalidValueException."""
    change = Change(session, actor=actor)
    _check_user_name(session, user, None)
    person = _person(user, str(uuid4()), UserStatus.ACTIVE, guest=False, session=session)
    user.active = person.status is UserStatus.ACTIVE
    user_id = change.put_user(change.put_source(SOURCE), person)
    _set_accounts(change, user_id, user)
    _store(session, user_id, "User", user)
    return str(user_id)


def change_user(
    session: Session, actor: str, scim_id: str, alter: Callable[[Any], Any], versions: str | None
) -> None:
    """Change a user: `alter` turns the current resource into the new one. Raises SCIMException."""
    change = Change(session, actor=actor)
    row = row_of(session, "User", scim_id)
    _check_version(row, versions)
    after = alter(resources_of(session, [row.principal_id], "", members=False)[0])
    _check_user_name(session, after, row.principal_id)
    held = session.execute(
        select(User.status, User.class_id).where(User.id == row.principal_id)
    ).one()
    person = _person(
        after,
        _native_id(change, row.principal_id),
        held.status,
        guest=held.class_id == Class.MEMBERS_AND_GUESTS,
        session=session,
    )
    change.put_user(change.put_source(SOURCE), person)
    _set_accounts(change, row.principal_id, after)
    _store_again(session, row, after)


def create_group(session: Session, actor: str, group: Any) -> str:
    """Create a group and return its id. Raises InvalidValueException."""
    _check_names(group, "display_name")
    change = Change(session, actor=actor)
    members = _known(session, members_in(group.members or []), before=set())
    group_id = change.put_group(change.put_source(SOURCE), str(uuid4()), name=group.display_name)
    change.set_members(group_id, members)
    _store(session, group_id, "Group", group)
    return str(group_id)


def change_group(
    session: Session,
    actor: str,
    scim_id: str,
    alter: Callable[[Any, list[int]], tuple[Any, Iterable[str | int]]],
    versions: str | None,
) -> None:
    """Change a group: `alter` returns the new resource and member ids. See `change_user`."""
    change = Change(session, actor=actor)
    row = row_of(session, "Group", scim_id)
    _check_version(row, versions)
    group_id = row.principal_id
    before = session.scalars(
        select(Membership.member_id).where(Membership.group_id == group_id)
    ).all()
    after, wanted = alter(resources_of(session, [group_id], "", members=False)[0], list(before))
    _check_names(after, "display_name")
    members = _known(session, wanted, before=set(before))
    native_id = session.execute(select(Group.native_id).where(Group.id == group_id)).scalar_one()
    change.put_group(change.put_source(SOURCE), native_id, name=after.display_name)
    change.set_members(group_id, members)
    _store_again(session, row, after, changed=members != set(before))


def remove(session: Session, actor: str, kind: str, scim_id: str, versions: str | None) -> None:
    """Delete a user or group. A later one with the same name is somebody else (threat 8)."""
    change = Change(session, actor=actor)
    row = row_of(session, kind, scim_id)
    _check_version(row, versions)
    groups = select(Membership.group_id).where(Membership.member_id == row.principal_id)
    session.execute(
        update(Provisioned)
        .where(Provisioned.principal_id.in_(groups))
        .values(version=Provisioned.version + 1, modified_at=func.now())
    )
    if kind == "User":
        change.delete_user(row.principal_id)
    else:
        change.delete_group(row.principal_id)
    session.execute(delete(Provisioned).where(Provisioned.principal_id == row.principal_id))


def members_in(members: Iterable[Any]) -> list[str]:
    """Return the ids in a list of members. Raises InvalidValueException."""
    ids = [member.value for member in members]
    for place, one in enumerate(ids):
        if not one:
            raise InvalidValueException(detail=f"members[{place}].value: a member needs an id")
    return ids


def _known(session: Session, wanted: Iterable[str | int], *, before: set[int]) -> set[int]:
    """Turn ids into principals; present members need not be looked up."""
    given = [(str(one), id_of(str(one))) for one in wanted]
    new = {one for _, one in given if one is not None} - before
    known = before | set(
        session.scalars(
            select(Provisioned.principal_id).where(
                Provisioned.principal_id == any_(cast(sorted(new), ARRAY(BigInteger)))
            )
        )
        if new
        else ()
    )
    for place, (text, one) in enumerate(given):
        if one not in known:
            raise InvalidValueException(
                detail=f"members[{place}].value: there is no user or group with the id {text!r}"
            )
    return {one for _, one in given if one is not None}


def _check_version(row: Provisioned, versions: str | None) -> None:
    """Check `If-Match`. Raises PreconditionFailedException."""
    if versions is not None and not version_in(versions, row.version):
        raise PreconditionFailedException(
            detail=f"The resource has changed; its version is {etag(row.version)}. Read it again."
        )


def _check_names(resource: Any, required: str) -> None:
    if not (getattr(resource, required) or "").strip():
        raise InvalidValueException(detail=f"{_SPELT[required]}: is required")
    for name, spelt in _SPELT.items():
        if len(getattr(resource, name, None) or "") > LONGEST_NAME:
            raise InvalidValueException(detail=f"{spelt}: longer than {LONGEST_NAME} characters")


_SPELT = {"user_name": "userName", "display_name": "displayName", "external_id": "externalId"}


def _check_user_name(session: Session, user: Any, user_id: int | None) -> None:
    _check_names(user, "user_name")
    taken = session.execute(
        select(User.id, User.status)
        .join(Provisioned, Provisioned.principal_id == User.id)
        .where(
            func.lower(Provisioned.user_name) == func.lower(cast(user.user_name, Text)),
            User.id.is_distinct_from(user_id),
        )
    ).one_or_none()
    if taken is None:
        return
    # A POST must not reactivate a user: somebody new may have an old name (threat 8).
    back = ". That user is suspended: if it is the same person, set active to true"
    raise UniquenessException(
        detail=f"userName: the user with the id {taken.id} has it already"
        + (back if taken.status == UserStatus.SUSPENDED else "")
    )


def _person(
    user: Any, native_id: str, status: UserStatus, *, guest: bool, session: Session
) -> Person:
    """Build the person; if `active` or `guest` is left out, it stays as it was."""
    if user.active is not None:
        status = UserStatus.ACTIVE if user.active else UserStatus.SUSPENDED
    extension = user[KenUser]
    if extension is not None and extension.guest is not None:
        guest = extension.guest
    return Person(
        native_id=native_id,
        name=name_of(user),
        email=email_of(user),
        guest=guest,
        status=status,
        profile=profile_of(session, user),
    )


def _native_id(change: Change, user_id: int) -> str:
    """Return the native id in our source; a new one if an administrator removed the link."""
    source_id = change.put_source(SOURCE)
    held = change.session.scalars(
        select(LinkedIdentity.native_id)
        .where(LinkedIdentity.source_id == source_id, LinkedIdentity.user_id == user_id)
        .limit(1)
    ).one_or_none()
    if held is None:
        held = str(uuid4())
        change.link(user_id, source_id, held, by=BY)
    return held


def _set_accounts(change: Change, user_id: int, user: Any) -> None:
    """Link the accounts that the provider sends, and unlink those it no longer sends."""
    extension = user[KenUser]
    named = [(one.source, one.native_id) for one in (extension and extension.identities) or []]
    held = {
        (name, native_id)
        for name, native_id in change.session.execute(
            select(Source.name, LinkedIdentity.native_id)
            .join(Source, Source.id == LinkedIdentity.source_id)
            .where(
                LinkedIdentity.user_id == user_id,
                LinkedIdentity.linked_by == BY,
                Source.name != SOURCE,
            )
        )
    }
    for source, native_id in sorted(held - set(named)):
        change.unlink(change.put_source(source), native_id)
    for place, (source, native_id) in enumerate(named):
        where = f"{KenUser.__schema__}:identities[{place}]"
        _check_account(source, native_id, where)
        source_id = change.put_source(source)
        owner = change.owner_of(source_id, native_id)
        if owner not in (None, user_id):
            raise UniquenessException(
                detail=f"{where}: this account is linked to another user. Remove that link first."
            )
        if owner is None:
            change.link(user_id, source_id, native_id, by=BY)


def _check_account(source: str | None, native_id: str | None, where: str) -> None:
    """Check the names; a new source is created, so its name must be readable."""
    if not source or not native_id or source == SOURCE:
        raise InvalidValueException(detail=f"{where}: needs a source and a nativeId")
    if not source.isprintable() or source != source.strip():
        raise InvalidValueException(
            detail=f"{where}: the source starts or ends with a space, or is not printable"
        )
    if max(len(source), len(native_id)) > LONGEST_NAME:
        raise InvalidValueException(detail=f"{where}: longer than {LONGEST_NAME} characters")


def _store(session: Session, principal_id: int, kind: str, resource: Any) -> None:
    session.execute(
        insert(Provisioned).values(
            principal_id=principal_id,
            kind=kind,
            user_name=getattr(resource, "user_name", None),
            external_id=resource.external_id,
            resource=_to_store(resource),
        )
    )


def _store_again(
    session: Session, row: Provisioned, resource: Any, *, changed: bool = False
) -> None:
    new = _to_store(resource)
    if changed or new != row.resource:
        session.execute(
            update(Provisioned)
            .where(Provisioned.principal_id == row.principal_id)
            .values(
                user_name=getattr(resource, "user_name", None),
                external_id=resource.external_id,
                resource=new,
                version=Provisioned.version + 1,
                modified_at=func.clock_timestamp(),
            )
        )
        session.expire(row)


def _to_store(resource: Any) -> dict[str, Any]:
    """Return what was sent, without the attributes that are ours, and never a password."""
    sent: dict[str, Any] = resource.model_dump(mode="json")
    for name, value in sent.items():
        if isinstance(value, list) and name != "members" and len(value) > LONGEST_LIST:
            raise InvalidValueException(detail=f"{name}: more than {LONGEST_LIST} values")
    return {name: value for name, value in sent.items() if name not in _OURS}


_OURS = frozenset({"id", "meta", "groups", "members", "password"})
