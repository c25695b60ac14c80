"""What is pushed by the admin API, and what it changes."""

from sqlalchemy import text

from workers.database.sessions import Database

STAFF = {"type": "group", "id": "staff", "members": ["user:ana", "user:ben"]}

HR = {"type": "node", "id": "hr", "kind": "container", "allow": ["group:staff"]}

LEAVE = {"type": "node", "id": "leave", "kind": "document", "parent": "hr"}

PAGE = {"id": "page", "title": "Page", "text": "All about it.", "permissions": {"allow": []}}


def everything(database: Database) -> dict[str, int]:
    """How many rows each table has that a call could change."""
    tables = (
        "source", "sync_run", "sync_page", "node", "entry", "user_group", "membership", "identity",
        "link_code", "past", "push_request", "document", "chunk", "embedding",
    )  # fmt: skip
    with database.session("owner") as session:
        return {
            table: int(session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)  # noqa: S608
            for table in tables
        }
