"""Shows what is stored of each source, and what nobody may read. Scope `index`."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.orm import Session

from workers.admin.callers import Stored, needs
from workers.admin.fields import LARGEST, Limit, SourceName, Staleness
from workers.admin.problems import NotFound, documented

NO_SOURCE = "There is no such source."
routes = APIRouter(prefix="/v1", tags=["index"], dependencies=[Depends(needs("index"))])


class SourceIndex(BaseModel):
    """What is stored of one source."""

    source: str = Field(examples=["wiki"])
    documents: int = Field(description="Documents with text.", examples=[1200])
    nodes: int = Field(description="Folders and documents that were pushed or loaded.")
    unreadable: int = Field(
        description="Nodes whose permissions are not known: nobody may read them."
    )
    gone: int = Field(description="Nodes that the source no longer lists: nobody may read them.")
    groups: int
    accounts: int = Field(description="Accounts that are linked to a user.")
    paused: bool
    max_staleness: Staleness | None = Field(description="Null: no limit.")
    synced_at: datetime | None = Field(
        description="When the last complete push began, or load ended; null: never."
    )
    usable: bool = Field(
        description="False: left out of every answer, because it is paused or too old."
    )


class Index(BaseModel):
    epoch: int = Field(description="The number of the last change of access.")
    sources: list[SourceIndex]


class UnreadableNode(BaseModel):
    """A node that nobody may read, together with everything below it."""

    id: int
    native_id: str = Field(description="The node's id in its source.", examples=["folder/plans"])
    kind: str = Field(examples=["container"])
    reason: str = Field(
        description="`unknown`: its permissions could not be understood. `gone`: its source no "
        "longer lists it.",
        examples=["unknown"],
    )


class UnreadableNodes(BaseModel):
    nodes: list[UnreadableNode]
    next: int | None = Field(description="`after` for the next page; null: this is the last page.")


@routes.get("/index", responses=documented())
def read_index(database: Stored) -> Index:
    """Show how much is stored of each source, and whether it is used for answers."""
    with database.session("syncer") as session:
        epoch: int = session.scalars(text("SELECT value FROM epoch")).one()
        sources = [SourceIndex(**row._asdict()) for row in session.execute(_COUNT_INDEX)]
    return Index(epoch=epoch, sources=sources)


@routes.get("/index/{source}/unreadable", responses=documented(_404=NO_SOURCE))
def read_unreadable(
    source: SourceName,
    database: Stored,
    after: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
    limit: Limit = 100,
) -> UnreadableNodes:
    """List the nodes of a source that nobody may read, by id."""
    with database.session("syncer") as session:
        nodes = unreadable(session, source, after=after, limit=limit)
    return UnreadableNodes(nodes=nodes, next=nodes[-1].id if len(nodes) == limit else None)


def unreadable(session: Session, source: str, *, after: int, limit: int) -> list[UnreadableNode]:
    """Return nodes that nobody may read, by id. Raises NotFound."""
    wanted = {"source_id": source_id_of(session, source), "after": after, "limit": limit}
    rows = session.execute(_READ_UNREADABLE, wanted)
    return [UnreadableNode(**row._asdict()) for row in rows]


def source_id_of(session: Session, source: str) -> int:
    """Return the id of a source by its name. Raises NotFound."""
    found: Any = session.scalar(text("SELECT id FROM source WHERE name = :name"), {"name": source})
    if found is None:
        raise NotFound(NO_SOURCE)
    return int(found)


# Reads each source with the number of its documents, nodes, groups and accounts.
_COUNT_INDEX = text("""
    SELECT source.name AS source, paused, max_staleness, synced_at,
           NOT paused AND coalesce(now() - synced_at <= max_staleness, max_staleness IS NULL)
               AS usable,
           (SELECT count(*) FROM document JOIN node ON node.id = document.id
            WHERE node.source_id = source.id) AS documents,
           (SELECT count(*) FROM node WHERE source_id = source.id) AS nodes,
           (SELECT count(*) FROM node WHERE source_id = source.id AND acl_state = 'unknown'
               AND gone_at IS NULL) AS unreadable,
           (SELECT count(*) FROM node WHERE source_id = source.id AND gone_at IS NOT NULL) AS gone,
           (SELECT count(*) FROM user_group WHERE source_id = source.id) AS groups,
           (SELECT count(*) FROM identity WHERE source_id = source.id) AS accounts
    FROM source ORDER BY source.name
""")

# Reads one page of a source's nodes that nobody may read, with the reason.
_READ_UNREADABLE = text("""
    SELECT id, native_id, kind, CASE WHEN gone_at IS NULL THEN 'unknown' ELSE 'gone' END AS reason
    FROM node WHERE source_id = :source_id AND acl_state = 'unknown' AND id > :after
    ORDER BY id LIMIT :limit
""")
