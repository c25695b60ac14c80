"""What was stored before accounts were principals is the accounts' after the upgrade (0006)."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import func, select

from policies.described import Permissions
from policies.tables.content import Document
from policies.tables.people import Membership, SourceAccount
from policies.tables.permissions import Entry, Policy, PolicyEntry
from tests import servers
from tests.policies.world import SOURCE, World
from workers.database.roles import ROLES, provision
from workers.database.sessions import Database, connect
from workers.embedded.servers import ensure
from workers.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
BEFORE = "0005"


@pytest.fixture
def before() -> Iterator[Settings]:
    """A database as the version before left it."""
    yield from a_database_of(BEFORE)


def a_database_of(revision: str) -> Iterator[Settings]:
    """Make a database with an earlier schema, and drop it afterwards."""
    ensure(servers.HOME)
    shared = load_settings(servers.HOME)
    name = f"test_{uuid4().hex[:12]}"
    passwords = {role: shared.password(role).get_secret_value() for role in ROLES}
    with servers._superuser(shared) as server:
        provision(server, passwords, database=name)
    settings = servers._with_database(shared, name)
    upgrade(settings, revision)
    yield settings
    with servers._superuser(shared) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def upgrade(settings: Settings, revision: str) -> None:
    """Bring the schema to a revision, as the owner."""
    engine = connect(settings, "owner")
    with engine.begin() as connection:
        config = Config(ROOT / "alembic.ini")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_members_and_entries_that_came_by_a_link_follow_it_after_the_upgrade(
    before: Settings,
) -> None:
    database = Database(before)
    world = World(database)
    ana, bob, cyd = (world.person(name) for name in ("ana", "bob", "cyd"))
    staff, barred = world.group("staff", {ana, bob}), world.group("barred", {bob})
    with world.change() as change:
        scim = change.put_source("scim")
        change.link(ana, scim, "uuid", by="scim")
        provided = change.put_group(scim, "provided", name="provided")
        change.set_members(provided, {ana})
    folder = world.folder("folder", Permissions(allow=frozenset({staff}), deny=frozenset({barred})))
    world.page("in folder", inside=folder)
    world.page("own", Permissions(frozenset({ana, cyd}), gates=(frozenset({ana, staff}),)))
    world.page("denied", Permissions(allow=frozenset({3}), deny=frozenset({cyd})))
    world.page("provided", Permissions(allow=frozenset({provided})))
    with database.session("indexer") as session:
        labels = session.execute(select(Document.id, Document.policy_id)).all()

    upgrade(before, "head")

    def texts() -> list[list[str]]:
        return [world.texts(one) for one in (ana, bob, cyd)]

    readable = [["denied", "in folder", "own", "provided"], ["denied"], []]
    assert texts() == readable
    with world.change() as change:
        found = select(SourceAccount.native_id).where(SourceAccount.source_id == world.source_id)
        assert set(change.session.scalars(found)) == {"ana", "bob", "cyd"}
        people = [ana, bob, cyd]
        for table in (Entry, PolicyEntry):
            named = select(func.count()).where(table.principal_id.in_(people))
            assert change.session.scalar(named) == 0
        groups = select(Membership.group_id).where(Membership.member_id.in_(people))
        assert provided in change.session.scalars(groups).all()
        assert not {staff, barred} & {*change.session.scalars(groups)}
        assert change.session.execute(select(Document.id, Document.policy_id)).all() == labels
        policies = change.session.scalar(select(func.count(Policy.id)))
        assert [change.policy_for(node_id) for node_id, _ in labels] == [one for _, one in labels]
        assert change.session.scalar(select(func.count(Policy.id))) == policies
        for name in ("ana", "cyd"):
            change.unlink(change.put_source(SOURCE), name)
    assert texts() == [["provided"], ["denied"], []], "denied to all who may own cyd's account"
    with world.change() as change:
        change.link(ana, world.source_id, "ana", by="admin")
        change.link(cyd, world.source_id, "cyd", by="admin")
    assert texts() == readable
    database.close()
