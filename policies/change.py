"""Makes every change to who may read what; no other code writes an access table.

A `Change` takes the next epoch at once, which also makes concurrent changes wait for each other:
each sees everything that earlier ones did. Its changes take effect together, when the caller
commits.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, any_, delete, func, insert, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from policies.audience import Class
from policies.audit import record
from policies.described import NewNode, Permissions, Person, SeenAccount
from policies.labels import (
    below,
    intern,
    policies_through,
    reassign_policies,
    recompute_subtree,
    refresh_chains,
    refresh_guards,
)
from policies.tables.history import Epoch
from policies.tables.people import (
    Account,
    Address,
    Group,
    LinkedIdentity,
    Membership,
    Principal,
    PrincipalKind,
    SourceAccount,
    User,
    UserStatus,
)
from policies.tables.permissions import AclState, Effect, Entry, Node, NodeKind
from policies.tables.sources import Source


class NodeCycle(ValueError):
    """A node cannot be its own ancestor."""


class Change:
    """The changes of one transaction, under one epoch. The caller commits."""

    def __init__(self, session: Session, *, actor: str) -> None:
        self.session = session
        self.actor = actor
        self.epoch: int = session.execute(
            update(Epoch)
            .values(value=Epoch.value + 1, at=func.clock_timestamp())
            .returning(Epoch.value)
        ).scalar_one()

    # -- who --------------------------------------------------------------------------------

    def put_source(self, name: str, *, url: str | None = None) -> int:
        """Return the source's id; create the source if it is new."""
        known = self.session.scalar(select(Source.id).where(Source.name == name))
        if known is not None and url is None:
            return known
        return self.session.execute(
            upsert(Source)
            .values(name=name, url=url)
            .on_conflict_do_update(
                index_elements=["name"], set_={"url": func.coalesce(url, Source.url)}
            )
            .returning(Source.id)
        ).scalar_one()

    def set_freshness(
        self, source_id: int, *, paused: bool, max_staleness: timedelta | None
    ) -> None:
        """Set whether a source is paused, and how old its last complete sync may be."""
        self._source(source_id, paused=paused, max_staleness=max_staleness)
        self._record("set_freshness", source_id=source_id, paused=paused)

    def mark_synced(self, source_id: int, *, at: datetime | None = None) -> None:
        """Record a complete permission sync, by default as of now by the database's clock."""
        self._source(source_id, synced_at=at or func.now())

    def put_user(self, source_id: int, person: Person) -> int:
        """Create or update the user with this identity in the source, and return its id."""
        user_id = self.owner_of(source_id, person.native_id)
        values = {
            "name": person.name,
            "email": person.email,
            "status": person.status,
            "class_id": Class.MEMBERS_AND_GUESTS if person.guest else Class.MEMBERS,
            "profile": dict(person.profile),
        }
        if user_id is None:
            user_id = self._principal(PrincipalKind.USER)
            self.session.execute(insert(User).values(id=user_id, **values))
            self.link(user_id, source_id, person.native_id, by=self.actor)
        else:
            self._update_user(user_id, values)
        self._remember_address(source_id, person.native_id, person.email)
        return user_id

    def _update_user(self, user_id: int, values: Mapping[str, Any]) -> None:
        held = self.session.execute(
            select(*(getattr(User, name) for name in values)).where(User.id == user_id)
        ).one()
        if changed := [name for name in values if getattr(held, name) != values[name]]:
            self.session.execute(update(User).where(User.id == user_id).values(**values))
            self._record("put_user", user_id=user_id, changed=changed)

    def put_account(self, source_id: int, account: SeenAccount) -> None:
        """Record an account that a source reported. Does not link it."""
        values = {"name": account.name, "email": account.email, "kind": account.kind}
        self.session.execute(
            upsert(Account)
            .values(source_id=source_id, native_id=account.native_id, **values)
            .on_conflict_do_update(
                index_elements=["source_id", "native_id"], set_={**values, "seen_at": func.now()}
            )
        )
        self._remember_address(source_id, account.native_id, account.email)

    def _remember_address(self, source_id: int, native_id: str, email: str | None) -> None:
        if email:
            self.session.execute(
                upsert(Address)
                .values(source_id=source_id, native_id=native_id, email=email)
                .on_conflict_do_nothing()
            )

    def set_status(self, user_id: int, status: UserStatus) -> None:
        self.session.execute(update(User).where(User.id == user_id).values(status=status))
        self._record("set_status", user_id=user_id, status=status.value)

    def delete_user(self, user_id: int) -> None:
        """Delete the user: no access, no memberships, no accounts, no address.

        The principal stays, because ids are never reused. An account may later be linked to
        another user, who inherits nothing (see `unlink`).
        """
        self.set_status(user_id, UserStatus.DELETED)
        accounts = self.session.execute(
            select(LinkedIdentity.source_id, LinkedIdentity.native_id).where(
                LinkedIdentity.user_id == user_id
            )
        ).all()
        for source_id, native_id in accounts:
            self.unlink(source_id, native_id)
        self.session.execute(delete(Membership).where(Membership.member_id == user_id))
        self.session.execute(update(User).where(User.id == user_id).values(email=None, profile={}))
        self._record("delete_user", user_id=user_id)

    def accounts(self, source_id: int, native_ids: Iterable[str]) -> dict[str, int]:
        """Return the principal of each account, linked or not; create missing ones."""
        wanted = set(native_ids)
        rows = self.session.execute(
            select(SourceAccount.native_id, SourceAccount.id).where(
                SourceAccount.source_id == source_id,
                SourceAccount.native_id == any_(literal(list(wanted), ARRAY(Text))),
            )
        )
        known = {native_id: account_id for native_id, account_id in rows}
        if new := sorted(wanted - known.keys()):
            ids = self.session.scalars(_ADD_ACCOUNTS, {"count": len(new)}).all()
            self.session.execute(
                _NAME_ACCOUNTS, {"ids": ids, "source_id": source_id, "native_ids": new}
            )
            known.update(zip(new, ids, strict=True))
        return known

    def set_external(self, source_id: int, native_id: str, *, external: bool) -> None:
        """Mark an unlinked account as external, or remove the mark.

        A deny of an external account keeps out nobody. Raises ValueError if the account has a
        link. A later link removes the mark.
        """
        if external and self.owner_of(source_id, native_id) is not None:
            raise ValueError(f"account {native_id!r} of source {source_id} has a link")
        account_id = self.accounts(source_id, [native_id])[native_id]
        self.session.execute(
            update(SourceAccount).where(SourceAccount.id == account_id).values(external=external)
        )
        self._record("set_external", source_id=source_id, account_id=account_id, external=external)

    def link(self, user_id: int, source_id: int, native_id: str, *, by: str) -> None:
        """Link an account of the source to this user, and to nobody else.

        All memberships and permissions that name the account now apply to this user.
        """
        before = self.owner_of(source_id, native_id)
        self.session.execute(
            upsert(LinkedIdentity)
            .values(source_id=source_id, native_id=native_id, user_id=user_id, linked_by=by)
            .on_conflict_do_update(
                index_elements=["source_id", "native_id"],
                set_={"user_id": user_id, "linked_by": by},
            )
        )
        if before not in (None, user_id):
            self._record("unlink", user_id=before, source_id=source_id)
        if before != user_id:
            self._record("link", user_id=user_id, source_id=source_id, by=by)

    def owner_of(self, source_id: int, native_id: str) -> int | None:
        """Return the user that this account is linked to, or None."""
        return self.session.scalar(
            select(LinkedIdentity.user_id).where(
                LinkedIdentity.source_id == source_id, LinkedIdentity.native_id == native_id
            )
        )

    def unlink(self, source_id: int, native_id: str) -> None:
        """Remove the link of an account; its user loses the access that it gave them.

        Entries that name it stay: an allow or a gate counts for nobody, and a deny counts for
        everybody without a link in the source, and for the user who had the account last.
        """
        user_id = self.owner_of(source_id, native_id)
        if user_id is None:
            return
        self.session.execute(
            delete(LinkedIdentity).where(
                LinkedIdentity.source_id == source_id, LinkedIdentity.native_id == native_id
            )
        )
        self._record("unlink", user_id=user_id, source_id=source_id)

    def put_group(self, source_id: int, native_id: str, *, name: str) -> int:
        """Return the group's id; create the group without members if it is new."""
        known = self.session.scalar(
            select(Group.id).where(Group.source_id == source_id, Group.native_id == native_id)
        )
        if known is not None:
            self.session.execute(
                update(Group).where(Group.id == known, Group.name != name).values(name=name)
            )
            return known
        group_id = self._principal(PrincipalKind.GROUP)
        self.session.execute(
            insert(Group).values(id=group_id, source_id=source_id, native_id=native_id, name=name)
        )
        return group_id

    def set_members(self, group_id: int, members: Iterable[int]) -> None:
        """Set the complete list of a group's direct members, including groups; cycles allowed."""
        wanted = set(members)
        held = set(
            self.session.scalars(
                select(Membership.member_id).where(Membership.group_id == group_id)
            )
        )
        if gone := held - wanted:
            self.session.execute(
                delete(Membership).where(
                    Membership.group_id == group_id, Membership.member_id.in_(gone)
                )
            )
        if new := wanted - held:
            self.session.execute(_ADD_MEMBERS, {"members": sorted(new), "group_id": group_id})
        if gone or new:
            self._record("set_members", group_id=group_id, left=len(gone), joined=len(new))

    def delete_group(self, group_id: int) -> None:
        """Delete the group: it has no members and belongs to no group.

        A deny or gate that names it can no longer be decided, so those nodes become unknown. Its
        principal stays, because ids are never reused.
        """
        self.session.execute(
            delete(Membership).where(
                (Membership.group_id == group_id) | (Membership.member_id == group_id)
            )
        )
        closed = self._withdraw(group_id)
        self.session.execute(delete(Group).where(Group.id == group_id))
        self._record("delete_group", group_id=group_id, unknown_nodes=closed)

    def _withdraw(self, group_id: int) -> int:
        """Remove the group from allows; close nodes that deny or require it, and count them."""
        entries = self.session.execute(
            select(Entry.node_id, Entry.effect).where(Entry.principal_id == group_id)
        ).all()
        allowing = {node_id for node_id, effect in entries if effect is Effect.ALLOW}
        closed = {node_id for node_id, effect in entries if effect is not Effect.ALLOW}
        self.session.execute(
            delete(Entry).where(
                Entry.principal_id == group_id,
                Entry.effect == Effect.ALLOW,
                Entry.node_id.in_(allowing),
            )
        )
        reassign_policies(self.session, sorted(allowing - closed))
        for node_id in sorted(closed):
            self.set_unknown(node_id)
        return len(closed)

    # -- what -------------------------------------------------------------------------------

    def put_node(
        self, source_id: int, native_id: str, *, kind: NodeKind, parent_id: int | None
    ) -> int:
        """Create the node, or move it if its parent has changed; return its id.

        Raises NodeCycle if the parent lies below the node.
        """
        row = self.session.execute(
            select(Node.id, Node.parent_id, Node.kind, Node.gone_at).where(
                Node.source_id == source_id, Node.native_id == native_id
            )
        ).one_or_none()
        if row is None:
            return self.session.execute(
                insert(Node)
                .values(source_id=source_id, native_id=native_id, kind=kind, parent_id=parent_id)
                .returning(Node.id)
            ).scalar_one()
        if row.kind != kind or row.gone_at is not None:
            self.session.execute(
                update(Node).where(Node.id == row.id).values(kind=kind, gone_at=None)
            )
        if row.parent_id != parent_id:
            self.move(row.id, parent_id)
        return int(row.id)

    def add_nodes(self, source_id: int, nodes: Sequence[NewNode]) -> dict[str, int]:
        """Create many nodes with their permissions; return their ids by native id.

        The nodes must be new: nothing is below them, and no policy refers to them.
        """
        made = self.session.execute(
            _ADD_NODES,
            {
                "source_id": source_id,
                "native_ids": [node.native_id for node in nodes],
                "kinds": [node.kind.value for node in nodes],
                "parents": [node.parent_id for node in nodes],
                "inherit": [node.permissions.inherit for node in nodes],
                "known": [node.permissions.readable for node in nodes],
                "anchors": [not node.permissions.plain for node in nodes],
            },
        )
        ids: dict[str, int] = {native_id: node_id for native_id, node_id in made}
        entries = [
            entry for node in nodes for entry in _entries(ids[node.native_id], node.permissions)
        ]
        self.session.execute(
            _ADD_ENTRIES,
            {
                "nodes": [entry["node_id"] for entry in entries],
                "effects": [entry["effect"].value for entry in entries],
                "gates": [entry["gate"] for entry in entries],
                "principals": [entry["principal_id"] for entry in entries],
            },
        )
        self._record("add_nodes", source_id=source_id, nodes=len(nodes))
        return ids

    def move(self, node_id: int, parent_id: int | None) -> None:
        """Move a node, with everything below it, to another parent of its source.

        Raises NodeCycle, and ValueError if the parent belongs to another source.
        """
        sources = select(func.count(Node.source_id.distinct()))
        if self.session.scalars(sources.where(Node.id.in_((node_id, parent_id)))).one() > 1:
            raise ValueError(f"node {node_id} cannot move into another source")
        if parent_id is not None and parent_id in below(self.session, node_id):
            raise NodeCycle(f"node {node_id} cannot move below itself")
        self.session.execute(update(Node).where(Node.id == node_id).values(parent_id=parent_id))
        recompute_subtree(self.session, node_id)
        self._record("move", node_id=node_id)

    def set_permissions(self, node_id: int, permissions: Permissions) -> None:
        """Set the complete permissions of one node, replacing the earlier ones."""
        before = self.session.execute(
            select(Node.inherit, Node.anchor).where(Node.id == node_id).with_for_update()
        ).one()
        known = permissions.readable and self._all_exist(permissions.guards)
        anchor = before.anchor or not permissions.plain
        self.session.execute(
            update(Node)
            .where(Node.id == node_id)
            .values(
                inherit=permissions.inherit,
                acl_state=AclState.OK if known else AclState.UNKNOWN,
                anchor=anchor,
            )
        )
        self.session.execute(delete(Entry).where(Entry.node_id == node_id))
        if rows := _entries(node_id, permissions):
            self.session.execute(insert(Entry), rows)
        if anchor and not before.anchor:
            recompute_subtree(self.session, node_id)
        else:
            reassign_policies(self.session, [node_id])
            if permissions.inherit != before.inherit:
                refresh_chains(self.session, policies_through(self.session, node_id))
            else:
                refresh_guards(self.session, node_id)
        self._record("set_permissions", node_id=node_id, known=known)

    def _all_exist(self, guards: frozenset[int]) -> bool:
        """A group may have been deleted since its name was looked up: denying it denies nobody."""
        groups = select(Group.id)
        gone = select(Principal.id).where(
            Principal.id.in_(guards),
            Principal.kind == PrincipalKind.GROUP,
            Principal.id.not_in(groups),
        )
        return not guards or self.session.scalar(gone.limit(1)) is None

    def set_unknown(self, node_id: int) -> None:
        """Close a node: nobody may read it or what is below until permissions are set again."""
        anchor = self.session.scalar(select(Node.anchor).where(Node.id == node_id))
        self.session.execute(
            update(Node).where(Node.id == node_id).values(acl_state=AclState.UNKNOWN, anchor=True)
        )
        if anchor:
            reassign_policies(self.session, [node_id])
            refresh_guards(self.session, node_id)
        else:
            recompute_subtree(self.session, node_id)
        self._record("set_unknown", node_id=node_id)

    def set_gone(self, node_id: int) -> None:
        """Mark a node that the source no longer lists: nobody may read it until it is put again."""
        self.session.execute(update(Node).where(Node.id == node_id).values(gone_at=func.now()))
        self.set_unknown(node_id)

    def delete_gone(self, before: datetime) -> int:
        """Delete nodes that were gone before then, with text and vectors, and unused policies.

        Returns the number of nodes. A container stays as long as something in it does.
        """
        deleted, found = 0, 1
        while found:
            self.session.execute(_DELETE_UNUSED_POLICIES)
            found = len(self.session.execute(_DELETE_GONE, {"before": before}).all())
            deleted += found
        if deleted:
            self._record("delete_gone", nodes=deleted)
        return deleted

    def policy_for(self, node_id: int) -> int:
        """Return the policy of a document at this node; equal permissions share one."""
        return intern(self.session, [node_id])[node_id]

    def delete_document(self, node_id: int) -> None:
        """Delete the node at once, with its entries, text and vectors."""
        self.session.execute(delete(Node).where(Node.id == node_id))
        self._record("delete_document", node_id=node_id)

    # -- small things -------------------------------------------------------------------------

    def _principal(self, kind: PrincipalKind) -> int:
        return self.session.execute(
            insert(Principal).values(kind=kind).returning(Principal.id)
        ).scalar_one()

    def _source(self, source_id: int, **values: Any) -> None:
        self.session.execute(update(Source).where(Source.id == source_id).values(**values))

    def _record(self, action: str, **details: Any) -> None:
        record(self.session, actor=self.actor, action=action, details=details, epoch=self.epoch)


def _entries(node_id: int, permissions: Permissions) -> list[dict[str, Any]]:
    """Gates are numbered by their content, so that equal permissions intern to one policy."""
    lists: list[tuple[Effect, int, frozenset[int]]] = [
        (Effect.ALLOW, 0, permissions.allow),
        (Effect.DENY, 0, permissions.deny),
    ]
    gates = sorted(set(permissions.gates), key=sorted)
    lists += [(Effect.GATE, number, gate) for number, gate in enumerate(gates, start=1)]
    return [
        {"node_id": node_id, "effect": effect, "gate": gate, "principal_id": principal_id}
        for effect, gate, principals in lists
        for principal_id in sorted(principals)
    ]


# One statement for many rows: the triggers that remember what was run once a statement.
_ADD_MEMBERS = text("""
    INSERT INTO membership (member_id, group_id)
    SELECT unnest(CAST(:members AS bigint[])), :group_id
""")

_ADD_ACCOUNTS = text("""
    INSERT INTO principal (kind) SELECT 'account' FROM generate_series(1, :count) RETURNING id
""")

_NAME_ACCOUNTS = text("""
    INSERT INTO source_account (id, source_id, native_id)
    SELECT id, :source_id, native_id
    FROM unnest(CAST(:ids AS bigint[]), CAST(:native_ids AS text[])) AS new (id, native_id)
""")

_ADD_NODES = text("""
    INSERT INTO node (source_id, native_id, kind, parent_id, inherit, acl_state, anchor)
    SELECT :source_id, native_id, kind, parent_id, inherit,
           CASE WHEN known THEN 'ok' ELSE 'unknown' END, anchor
    FROM unnest(CAST(:native_ids AS text[]), CAST(:kinds AS text[]), CAST(:parents AS bigint[]),
                CAST(:inherit AS boolean[]), CAST(:known AS boolean[]), CAST(:anchors AS boolean[]))
        AS new (native_id, kind, parent_id, inherit, known, anchor)
    RETURNING native_id, id
""")

_ADD_ENTRIES = text("""
    INSERT INTO entry (node_id, effect, gate, principal_id)
    SELECT * FROM unnest(CAST(:nodes AS bigint[]), CAST(:effects AS text[]),
                         CAST(:gates AS bigint[]), CAST(:principals AS bigint[]))
""")


# Anchors wait for the policies that refer to them.
_DELETE_GONE = text("""
    DELETE FROM node WHERE gone_at < :before
        AND NOT EXISTS (SELECT FROM node AS child WHERE child.parent_id = node.id)
        AND NOT EXISTS (SELECT FROM policy WHERE policy.anchor_id = node.id)
        AND NOT EXISTS (SELECT FROM policy_node WHERE policy_node.node_id = node.id)
    RETURNING id
""")

_DELETE_UNUSED_POLICIES = text("""
    DELETE FROM policy
    WHERE NOT EXISTS (SELECT FROM document WHERE document.policy_id = policy.id)
""")
