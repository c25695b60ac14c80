"""A small company for a test: people, groups, folders and pages, written with one line each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import insert, select, text

from policies import Audience, readable_chunks
from policies.change import Change
from policies.described import Permissions, Person
from policies.tables.content import Chunk, Document
from policies.tables.people import UserStatus
from policies.tables.permissions import NodeKind
from workers.database.sessions import Database

SOURCE = "world"


@dataclass
class World:
    """Every method is one committed change."""

    database: Database
    ids: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with self.change() as change:
            self.source_id = change.put_source(SOURCE)

    def change(self) -> "_Changing":
        return _Changing(self.database)

    def person(
        self,
        name: str,
        *,
        groups: Iterable[int] = (),
        guest: bool = False,
        status: UserStatus = UserStatus.ACTIVE,
        profile: Mapping[str, str] | None = None,
    ) -> int:
        with self.change() as change:
            person = Person(name, name.title(), guest=guest, status=status, profile=profile or {})
            user_id = change.put_user(self.source_id, person)
            for group_id in groups:
                change.set_members(group_id, {*_members(change, group_id), user_id})
        self.ids[name] = user_id
        return user_id

    def group(self, name: str, members: Iterable[int] = ()) -> int:
        with self.change() as change:
            group_id = change.put_group(self.source_id, name, name=name)
            change.set_members(group_id, members)
        self.ids[name] = group_id
        return group_id

    def folder(
        self, name: str, permissions: Permissions | None = None, *, inside: int | None = None
    ) -> int:
        with self.change() as change:
            node_id = change.put_node(
                self.source_id, name, kind=NodeKind.CONTAINER, parent_id=inside
            )
            change.set_permissions(node_id, permissions or Permissions())
        self.ids[name] = node_id
        return node_id

    def page(
        self, name: str, permissions: Permissions | None = None, *, inside: int | None = None
    ) -> int:
        """A document whose only chunk says its name."""
        with self.change() as change:
            node_id = change.put_node(
                self.source_id, name, kind=NodeKind.DOCUMENT, parent_id=inside
            )
            change.set_permissions(node_id, permissions or Permissions())
            change.session.execute(
                insert(Document).values(
                    id=node_id,
                    policy_id=change.policy_for(node_id),
                    native_id=name,
                    title=name,
                    content_hash=name,
                )
            )
            change.session.execute(
                insert(Chunk).values(
                    document_id=node_id, position=0, title=name, heading="", anchor="", text=name
                )
            )
        self.ids[name] = node_id
        return node_id

    def texts(self, *subjects: int) -> list[str]:
        """What all of these subjects may read, through the query and row-level security."""
        audience = Audience.of(subjects)
        with self.database.reading_for(audience) as session:
            return sorted(chunk.text for chunk in session.scalars(readable_chunks(audience)))

    def texts_by_row_security(self, *subjects: int) -> list[str]:
        with self.database.reading_for(Audience.of(subjects)) as session:
            return sorted(session.scalars(select(Chunk.text)))


class _Changing:
    def __init__(self, database: Database) -> None:
        self._session = database.session("indexer")

    def __enter__(self) -> Change:
        return Change(self._session.__enter__(), actor="test")

    def __exit__(self, *error: object) -> None:
        self._session.__exit__(*error)  # type: ignore[arg-type]


def _members(change: Change, group_id: int) -> set[int]:
    return set(
        change.session.scalars(
            text("SELECT member_id FROM membership WHERE group_id = :id"), {"id": group_id}
        )
    )
