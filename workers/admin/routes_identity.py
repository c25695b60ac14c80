"""Lists accounts and links them to users. Scope `identity`."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from policies.links import Place, linked, unmatched
from policies.tables.people import AccountKind, UserStatus
from workers.admin.callers import Calling, Stored, json_body, needs
from workers.admin.fields import Id, Limit, SourceName, Text
from workers.admin.problems import Conflict, NotFound, documented
from workers.admin.routes_index import NO_SOURCE, source_id_of
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.people import linking

NO_USER = "There is no such user, or they were deleted."
NOT_ACTIVE = "There is no such user, or they are not active."
NO_LINK = "There is no such link."
NO_ACCOUNT = "There is no such account."
HAS_LINK = "The account is linked to a user. Remove that link first."
SOMEBODY_ELSES = "The account is linked to another user. Remove that link first."
_LONGEST_H = 24 * 30

routes = APIRouter(prefix="/v1", tags=["identity"], dependencies=[Depends(needs("identity"))])


class SuggestedUser(BaseModel):
    """A user to whom an account may belong."""

    model_config = ConfigDict(from_attributes=True)

    user_id: int
    name: str
    email: str | None
    reason: str = Field(examples=["same address"])
    against: list[str] = Field(
        description="What contradicts a link, in words. Empty: nothing does.",
        examples=[["the user has another account there"]],
    )


class AccountFacts(BaseModel):
    """An account in a source: linked to a user, or with users to whom it may belong."""

    source: str = Field(examples=["slack:T024BE7LD"])
    native_id: str = Field(examples=["U024BE7LH"])
    name: str | None = Field(description="The source's name for it; null: the source sent none.")
    email: str | None = None
    kind: AccountKind | None = None
    user_id: int | None = Field(None, description="The linked user; null: it has no link.")
    user: str | None = None
    linked_by: str | None = Field(None, description="The rule that made the link.")
    denied: bool = Field(
        False,
        description="True if it has no link and a deny names it: the deny keeps out everybody who "
        "has no link in this source, until the account is linked or marked as external. These "
        "accounts come first.",
    )
    suggestions: list[SuggestedUser] = []


class Cursor(BaseModel):
    after_denied: bool
    after_source: str
    after_id: str


class Accounts(BaseModel):
    accounts: list[AccountFacts]
    next: Cursor | None = Field(
        description="Send all three as parameters for the next page; null: this is the last page."
    )


class LinkMade(BaseModel):
    source: str
    native_id: str
    user_id: int


class CodeWanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    hours: int = Field(
        24, ge=1, le=_LONGEST_H, strict=True, description="How long the code is valid."
    )


class Code(BaseModel):
    code: str = Field(description="Shown only once.", examples=["7K2M-9QXD-4H1T-0ZBR"])
    expires_in_hours: int


@routes.get("/accounts", responses=documented(_404=NO_SOURCE))
def read_accounts(
    database: Stored,
    is_linked: Annotated[
        bool,
        Query(alias="linked", description="`false`: accounts without a link, with suggestions."),
    ] = False,
    is_external: Annotated[
        bool, Query(alias="external", description="`true`: accounts marked as external.")
    ] = False,
    source: Annotated[Text | None, Query(description="Only accounts of this source.")] = None,
    after_denied: Annotated[bool, Query()] = False,
    after_source: Annotated[Text | None, Query()] = None,
    after_id: Annotated[Text | None, Query()] = None,
    limit: Limit = 100,
) -> Accounts:
    """List accounts with a link, or those without one and the users they may belong to."""
    after: Place | None = None
    if after_source is not None and after_id is not None:
        after = (after_denied, after_source, after_id)
    with database.session("syncer") as session:
        if source is not None:
            source_id_of(session, source)
        if is_linked:
            found = _linked(session, source, limit, after)
        else:
            found = _unmatched(session, source, limit, after, external=is_external)
    last = found[-1] if len(found) == limit else None
    behind = last and Cursor(
        after_denied=last.denied, after_source=last.source, after_id=last.native_id
    )
    return Accounts(accounts=found, next=behind)


def _linked(
    session: Session, source: str | None, limit: int, after: Place | None
) -> list[AccountFacts]:
    return [
        AccountFacts(
            source=one.source,
            native_id=one.native_id,
            name=one.name,
            user_id=one.user_id,
            user=one.user,
            linked_by=one.by,
        )
        for one in linked(session, source, limit=limit, after=after and after[1:])
    ]


def _unmatched(
    session: Session, source: str | None, limit: int, after: Place | None, *, external: bool
) -> list[AccountFacts]:
    return [
        AccountFacts(
            source=one.source,
            native_id=one.native_id,
            name=one.name,
            email=one.email,
            kind=one.kind,
            suggestions=[SuggestedUser.model_validate(user) for user in one.suggestions],
            denied=one.denied,
        )
        for one in unmatched(session, source, limit=limit, after=after, external=external)
    ]


_ACCOUNT = "/sources/{source}/accounts/{account:path}/link"
_EXTERNAL = "/sources/{source}/accounts/{account:path}/external"
AccountId = Annotated[
    Text, Path(description="The account's id in its source.", examples=["U024BE7LH"])
]
UserId = Annotated[Id, Path(description="The user's id.", examples=[1042])]


@routes.put(
    _ACCOUNT + "/{user}",
    responses=documented(_404=f"{NO_SOURCE} {NO_USER}", _409=SOMEBODY_ELSES),
)
def put_link(
    source: SourceName, account: AccountId, user: UserId, caller: Calling, database: Stored
) -> LinkMade:
    """Link an account to a user, from the next question on. Safe to repeat."""
    with database.session("syncer") as session:
        source_id = source_id_of(session, source)
        if _status(session, user) in (None, UserStatus.DELETED):
            raise NotFound(NO_USER)
        if _owner(session, source_id, account) not in (None, user):
            raise Conflict(SOMEBODY_ELSES)
    try:
        linking.set_link(database, source, account, user, caller.actor)
    except InputInvalid:  # it has changed since we looked
        raise Conflict(SOMEBODY_ELSES) from None
    return LinkMade(source=source, native_id=account, user_id=user)


@routes.delete(
    _ACCOUNT + "/{user}", status_code=204, responses=documented(_404=f"{NO_SOURCE} {NO_LINK}")
)
def delete_link(
    source: SourceName, account: AccountId, user: UserId, caller: Calling, database: Stored
) -> None:
    """Remove a link, from the next question on."""
    with database.session("syncer") as session:
        if _owner(session, source_id_of(session, source), account) != user:
            raise NotFound(NO_LINK)
    if not linking.remove_link(database, source, account, caller.actor):
        raise NotFound(NO_LINK)


@routes.put(
    _EXTERNAL,
    status_code=204,
    responses=documented(_404=f"{NO_SOURCE} {NO_ACCOUNT}", _409=HAS_LINK),
)
def put_external(source: SourceName, account: AccountId, caller: Calling, database: Stored) -> None:
    """Mark an account as external, such as a partner's: a deny that names it keeps out nobody.

    A later link removes the mark. Safe to repeat.
    """
    _set_external(database, source, account, caller.actor, external=True)


@routes.delete(
    _EXTERNAL,
    status_code=204,
    responses=documented(_404=f"{NO_SOURCE} {NO_ACCOUNT}", _409=HAS_LINK),
)
def delete_external(
    source: SourceName, account: AccountId, caller: Calling, database: Stored
) -> None:
    """Remove the mark: a deny that names the account keeps out everybody without a link there."""
    _set_external(database, source, account, caller.actor, external=False)


def _set_external(
    database: Database, source: str, account: str, actor: str, *, external: bool
) -> None:
    with database.session("syncer") as session:
        source_id = source_id_of(session, source)
        if _owner(session, source_id, account) is not None:
            raise Conflict(HAS_LINK)
    try:
        linking.set_external(database, source, account, actor, external=external)
    except InputInvalid:  # not known, or linked since we looked
        raise NotFound(NO_ACCOUNT) from None


@routes.post(
    "/users/{user}/link-code",
    status_code=201,
    dependencies=[Depends(json_body)],
    responses=documented(
        _404=NOT_ACTIVE, _413="The body is larger than 10 MB.", _415="The body is not JSON."
    ),
)
def make_link_code(user: UserId, wanted: CodeWanted, caller: Calling, database: Stored) -> Code:
    """Create a one-time code that links a Slack account to this user. Earlier codes end."""
    with database.session("syncer") as session:
        if _status(session, user) is not UserStatus.ACTIVE:
            raise NotFound(NOT_ACTIVE)
    expires = timedelta(hours=wanted.hours)
    try:
        code = linking.make_code(database, user, caller.actor, expires)
    except InputInvalid:  # suspended since we looked
        raise NotFound(NOT_ACTIVE) from None
    return Code(code=code, expires_in_hours=wanted.hours)


def _status(session: Session, user_id: int) -> UserStatus | None:
    found = session.scalar(text("SELECT status FROM user_account WHERE id = :id"), {"id": user_id})
    return None if found is None else UserStatus(found)


def _owner(session: Session, source_id: int, native_id: str) -> int | None:
    found: int | None = session.scalar(
        text("SELECT user_id FROM identity WHERE source_id = :source AND native_id = :id"),
        {"source": source_id, "id": native_id},
    )
    return found
