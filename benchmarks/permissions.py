"""What deciding costs: visible policies of a subject and of an audience, and each kind of change.

    python -m benchmarks.permissions HOME [FILE]

A company of 10,000 people, 25,000 groups and about 100,000 policies is made in a database of its
own on HOME's server, and dropped at the end. Each form is measured beside the naive one, in turn.
"""

import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from psycopg import sql
from rich.console import Console
from sqlalchemy import BigInteger, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from benchmarks.databases import own_database
from policies import Audience
from policies.access import visible_policies
from policies.change import Change
from policies.described import Permissions
from workers.database.sessions import Database, connect
from workers.embedded.servers import ensure
from workers.settings import Settings, load_settings

PEOPLE, GROUPS, SPACES, FOLDERS, POLICIES = 10_000, 25_000, 600, 6_000, 60_000
SUBJECT_GROUPS, AUDIENCE = 500, 5_000
ABOVE = (200, 10_000, 100_000)
"""Folders with this many documents each; every other one has an entry of its own."""
Figures = dict[str, float]
out = Console(highlight=False)


def main(data_dir: Path, report: Path | None) -> None:
    ensure(data_dir)
    with own_database(load_settings(data_dir)) as settings:
        out.print("Making the company")
        company = _Company(settings)
        figures = {}
        database = Database(settings)
        for name, measure in MEASURES.items():
            figures[name] = measure(database, company)
            shown = "  ".join(f"{key} {value:g}" for key, value in figures[name].items())
            out.print(f"{name:44} {shown}", soft_wrap=True)
        database.close()
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(json.dumps(figures, indent=2) + "\n")


class _Company:
    """Written by COPY, as `Change` would have left it."""

    def __init__(self, settings: Settings) -> None:
        self.random = random.Random(1)
        self.people = range(1_000, 1_000 + PEOPLE)
        self.groups = range(1_000_000, 1_000_000 + GROUPS)
        self.heavy = self.people[0]
        self.above = {count: 50_000 + number for number, count in enumerate(ABOVE)}
        engine = connect(settings, "owner")
        with engine.begin() as connection:
            cursor = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
            cursor.execute("ALTER TABLE document NO FORCE ROW LEVEL SECURITY")
            for table, columns, rows in self._tables():
                statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
                    sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
                )
                with cursor.copy(statement) as copy:
                    for row in rows:
                        copy.write_row(row)
            for table in ("node", "policy", "principal", "source"):
                cursor.execute(
                    sql.SQL("SELECT setval(pg_get_serial_sequence({}, 'id'), 10000000)").format(
                        sql.Literal(table)
                    )
                )
            cursor.execute("ALTER TABLE document FORCE ROW LEVEL SECURITY")
            cursor.execute(
                "UPDATE policy_node SET guards = true WHERE node_id IN "
                "(SELECT node_id FROM entry WHERE effect <> 'allow')"
            )
            cursor.execute(
                "CREATE TABLE flat_document AS SELECT id AS document_id,"
                " ARRAY[]::bigint[] AS principals FROM node WHERE kind = 'document'"
            )
            cursor.execute("CREATE INDEX ON flat_document (document_id)")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        engine.dispose()

    def _tables(self) -> Iterator[tuple[str, tuple[str, ...], Iterator[tuple[object, ...]]]]:
        yield "source", ("id", "name"), iter([(1, "bench")])
        principals = [(one, "user") for one in self.people] + [(g, "group") for g in self.groups]
        yield "principal", ("id", "kind"), iter(principals)
        people = ((one, 3, f"person {one}") for one in self.people)
        yield "user_account", ("id", "class_id", "name"), people
        groups = ((one, 1, f"g{one}", f"group {one}") for one in self.groups)
        yield "user_group", ("id", "source_id", "native_id", "name"), groups
        yield "membership", ("member_id", "group_id"), iter(sorted(self._memberships()))
        nodes = list(self._nodes())
        nodes += [
            (self.above[count], 1, f"above {count}", "container", None, True, True)
            for count in ABOVE
        ]
        yield (
            "node",
            ("id", "source_id", "native_id", "kind", "parent_id", "inherit", "anchor"),
            iter(nodes),
        )
        entries, policies, own, chains, documents = self._policies(nodes)
        below = list(self._below(entries, policies, own, chains, documents))
        yield (
            "node",
            ("id", "source_id", "native_id", "kind", "parent_id", "inherit", "anchor"),
            iter(below),
        )
        yield "entry", ("node_id", "effect", "gate", "principal_id"), iter(entries)
        yield (
            "policy",
            ("id", "source_id", "anchor_id", "inherit", "known", "own"),
            iter(policies),
        )
        yield "policy_entry", ("policy_id", "effect", "gate", "principal_id"), iter(own)
        yield "policy_node", ("policy_id", "node_id", "grants"), iter(chains)
        yield "document", ("id", "policy_id", "native_id", "title", "content_hash"), iter(documents)

    def _memberships(self) -> set[tuple[int, int]]:
        """Everybody in about ten groups; groups in groups, four deep; one person in 500 in all."""
        chance, edges = self.random, set()
        for one in self.people:
            edges |= {(one, group) for group in chance.sample(self.groups[1_000:], 8)}
        for number, group in enumerate(self.groups[1_000:]):
            if number % 3 == 0:
                edges.add((group, chance.choice(self.groups[10:1_000])))
        for group in self.groups[100:1_000]:
            edges.add((group, chance.choice(self.groups[10:100])))
        for group in self.groups[10:100]:
            edges.add((group, self.groups[0]))
        for one in self.people:  # everybody is in the company's own group, through a department
            edges.add((one, self.groups[10 + one % 90]))
        direct = chance.sample(self.groups[1_000:], SUBJECT_GROUPS - 150)
        return edges | {(self.heavy, group) for group in direct}

    def _nodes(self) -> Iterator[tuple[object, ...]]:
        for folder in range(1, FOLDERS + 1):
            parent = None if folder <= SPACES else self.random.randint(1, min(folder - 1, 3_000))
            inherit = self.random.random() > 0.1
            yield folder, 1, f"f{folder}", "container", parent, inherit, True
        for document in range(POLICIES):
            parent = self.random.randint(1, FOLDERS)
            inherit = self.random.random() > 0.3
            yield 100_000 + document, 1, f"d{document}", "document", parent, inherit, False

    def _policies(self, nodes: list[tuple[object, ...]]) -> Any:
        chance = self.random
        parent_of = {node[0]: node[4] for node in nodes}
        inherits = {node[0]: node[5] for node in nodes}
        entries: list[tuple[object, ...]] = []
        for folder in range(1, FOLDERS + 1):
            entries.append((folder, "allow", 0, self._principal()))
            if chance.random() < 0.03:
                entries.append((folder, "deny", 0, self._principal()))
            if chance.random() < 0.05:
                entries.append((folder, "gate", 1, self._principal()))
        entries += [(folder, "allow", 0, 3) for folder in range(5_950, FOLDERS)]
        policies, own, chains, documents = [], [], [], []
        for number in range(POLICIES):
            policy, node = number + 1, 100_000 + number
            mine = {("allow", 0, self._principal()) for _ in range(chance.randint(1, 3))}
            if chance.random() < 0.03:
                mine.add(("deny", 0, self._principal()))
            if chance.random() < 0.03:
                mine.add(("gate", 1, self._principal()))
            entries += [(node, *one) for one in mine]
            own += [(policy, *one) for one in mine]
            policies.append((policy, 1, parent_of[node], inherits[node], True, str(node)))
            at, grants = parent_of[node], inherits[node]
            while at is not None:
                chains.append((policy, at, grants))
                grants = grants and inherits[at]
                at = parent_of[at]
            documents.append((node, policy, f"d{number}", "", ""))
        return sorted(set(entries)), policies, own, chains, documents

    def _below(self, *tables: list[tuple[object, ...]]) -> Iterator[tuple[object, ...]]:
        """The documents below the folders of `ABOVE`, with the policies that they share."""
        entries, policies, own, chains, documents = tables
        labels: dict[tuple[int, int | None], int] = {}
        node = 2_000_000
        for count in ABOVE:
            entries.append((self.above[count], "allow", 0, self.groups[5]))
            for number in range(count):
                node += 1
                principal = self._principal() if number % 2 else None
                entry = [(node, "allow", 0, principal)] if principal else []
                entries += entry
                key = (count, principal)
                if key not in labels:
                    labels[key] = policy = len(policies) + 1
                    policies.append((policy, 1, self.above[count], True, True, _own_key(principal)))
                    own += [(policy, "allow", 0, principal)] if principal else []
                    chains.append((policy, self.above[count], True))
                documents.append((node, labels[key], f"b{node}", "", ""))
                yield node, 1, f"b{node}", "document", self.above[count], True, bool(entry)

    def _principal(self) -> int:
        if self.random.random() < 0.5:
            return self.random.choice(self.people)
        return self.random.choice(self.groups[100:])


def _own_key(principal: int | None) -> str:
    """As `Change` writes `policy.own`."""
    key = "t ok" + (f" allow:0:{principal}" if principal else "")
    return hashlib.sha256(key.encode()).hexdigest()


def _subject(database: Database, company: _Company) -> Figures:
    """Somebody in 500 groups. Naive: every policy's rules against every principal of theirs."""
    audience = Audience.of((company.heavy,))
    return _paired(
        ours=lambda: _visible(database, audience),
        naive=lambda: _by_joining_everything(database, audience),
        turns=40,
    )


def _audience(database: Database, company: _Company) -> Figures:
    """5,000 people. Naive: one after the other, and what is left in the end."""
    members = company.people[:AUDIENCE]
    return _paired(
        ours=lambda: _visible(database, Audience.of(members)),
        naive=lambda: set.intersection(
            *(_visible(database, Audience.of((one,))) for one in members)
        ),
        turns=20,
        naive_turns=1,
    )


def _by_row_security(database: Database, company: _Company) -> Figures:
    """The second wall's own form, for the same two."""
    figures: Figures = {}
    for name, ids in (("subject", company.people[:1]), ("audience", company.people[:AUDIENCE])):
        with database.reading_for(Audience.of(ids)) as session:
            times = [
                _timed(
                    lambda: session.scalar(
                        text("SELECT array_agg(readable_policies) FROM readable_policies()")
                    )
                )
                for _ in range(20)
            ]
        figures |= {f"{name}_{key}": value for key, value in _spread(times).items()}
    return figures


def _visible(database: Database, audience: Audience) -> set[int]:
    """As one row: a question's search uses them where they are, and fetches none."""
    with database.session("answerer") as session:
        found = session.scalar(select(func.array_agg(visible_policies(audience).c.policy_id)))
        return set(found or ())


def _by_joining_everything(database: Database, audience: Audience) -> set[int]:
    with database.session("answerer") as session:
        session.execute(text("SET LOCAL statement_timeout = '10min'"))
        naive = NAIVE.bindparams(subjects=list(audience.ids)).columns(policy_id=BigInteger)
        found = session.scalar(select(func.array_agg(naive.subquery().c.policy_id)))
        return set(found or ())


def _membership(database: Database, company: _Company) -> Figures:
    """One person joins or leaves a group. Naive: rewrite the flattened lists of their policies."""
    return _paired(
        ours=lambda: _toggle_member(database, company),
        naive=lambda: _flatten(database, company.heavy),
        turns=30,
        naive_turns=5,
    )


def _toggle_member(database: Database, company: _Company) -> None:
    group_id = company.groups[2_000]
    with database.session("syncer") as session:
        change = Change(session, actor="bench")
        members = set(
            session.scalars(
                text("SELECT member_id FROM membership WHERE group_id = :id"), {"id": group_id}
            )
        )
        change.set_members(group_id, members ^ {company.heavy})
        _assert_no_vector_touched(session)


def _flatten(database: Database, user_id: int) -> None:
    with database.session("owner") as session:
        session.execute(text("CREATE TABLE IF NOT EXISTS flat (policy_id bigint, user_id bigint)"))
        session.execute(text("CREATE INDEX IF NOT EXISTS flat_user ON flat (user_id)"))
        session.execute(text("DELETE FROM flat WHERE user_id = :id"), {"id": user_id})
        rows = session.scalars(NAIVE, {"subjects": [user_id]}).all()
        session.execute(
            text("INSERT INTO flat SELECT unnest(CAST(:policies AS bigint[])), :id"),
            {"policies": list(rows), "id": user_id},
        )


def _folder(documents: int) -> Callable[[Database, _Company], Figures]:
    def measure(database: Database, company: _Company) -> Figures:
        """A folder's entries change, now and then a deny. Naive: a list on each document."""
        node_id = company.above[documents]
        state = {"turn": 0}

        def ours() -> None:
            state["turn"] += 1
            deny = frozenset({company.people[9]}) if state["turn"] % 2 else frozenset[int]()
            allow = frozenset({company.groups[1 + state["turn"] % 8]})
            with database.session("syncer") as session:
                Change(session, actor="bench").set_permissions(
                    node_id, Permissions(allow=allow, deny=deny)
                )
                _assert_no_vector_touched(session)

        def naive() -> None:
            with database.session("owner") as session:
                session.execute(_COPY_TO_DOCUMENTS, {"parent": node_id, "turn": state["turn"]})

        return _paired(ours=ours, naive=naive, turns=10 if documents < 100_000 else 6)

    return measure


def _first(documents: int) -> Callable[[Database, _Company], Figures]:
    def measure(database: Database, company: _Company) -> Figures:
        """A folder between gets its first permissions: the documents below are re-labelled."""
        with database.session("owner") as session:
            between = session.execute(
                _PUT_BETWEEN, {"above": company.above[documents]}
            ).scalar_one()
            session.execute(_HANG_BELOW, {"above": company.above[documents], "between": between})

        def change() -> None:
            with database.session("syncer") as session:
                Change(session, actor="bench").set_permissions(
                    between, Permissions(allow=frozenset({company.groups[5]}))
                )
                _assert_no_vector_touched(session)

        return {"once_ms": round(_timed(change), 1)}

    return measure


def _assert_no_vector_touched(session: Session) -> None:
    touched = session.scalar(_TOUCHED)
    assert touched == 0, f"{touched} rows of chunk or embedding"


def _paired(
    *,
    ours: Callable[[], object],
    naive: Callable[[], object],
    turns: int,
    naive_turns: int | None = None,
) -> Figures:
    """Both forms in turn; where they return something, it is the same."""
    times: dict[str, list[float]] = {"ours": [], "naive": []}
    found: dict[str, object] = {}

    def turn(name: str, form: Callable[[], object]) -> None:
        started = time.perf_counter()
        found[name] = form()
        times[name].append((time.perf_counter() - started) * 1000)

    for number in range(turns):
        turn("ours", ours)
        if number < (naive_turns or turns):
            turn("naive", naive)
            assert found["ours"] == found["naive"]
    return {
        **_spread(times["ours"]),
        **{f"naive_{key}": value for key, value in _spread(times["naive"]).items()},
        "ratio": round(median(times["naive"]) / median(times["ours"]), 1),
    }


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _spread(times: list[float]) -> Figures:
    return {"p50_ms": round(median(times), 2), "p95_ms": round(float(np.percentile(times, 95)), 2)}


# The obvious form: all rules of all policies, joined with all that anybody of the audience holds.
NAIVE = text("""
    WITH RECURSIVE
    subject AS (SELECT unnest(:subjects) AS id),
    acts_as AS (
        SELECT id AS subject_id, id AS principal_id FROM subject JOIN user_account USING (id)
        WHERE status = 'active'
      UNION
        SELECT acts_as.subject_id, membership.group_id
        FROM acts_as JOIN membership ON membership.member_id = acts_as.principal_id
    ),
    holds AS MATERIALIZED (
        SELECT subject_id, principal_id FROM acts_as
      UNION ALL
        SELECT user_account.id, within_id
        FROM subject JOIN user_account USING (id) JOIN class_within USING (class_id)
    ),
    rule AS MATERIALIZED (
        SELECT policy_id, 0 AS node_id, effect, gate, principal_id FROM policy_entry
      UNION ALL
        SELECT policy_id, node_id, effect, gate, principal_id
        FROM policy_node JOIN entry USING (node_id) WHERE effect <> 'allow' OR grants
    )
    SELECT policy_id FROM rule JOIN holds USING (principal_id)
    WHERE effect = 'allow'
    GROUP BY policy_id HAVING count(DISTINCT subject_id) = (SELECT count(*) FROM subject)
  EXCEPT
    SELECT policy_id FROM rule JOIN holds USING (principal_id) WHERE effect = 'deny'
  EXCEPT
    SELECT policy_id FROM rule LEFT JOIN holds USING (principal_id)
    WHERE effect = 'gate' GROUP BY policy_id, node_id, gate
    HAVING count(DISTINCT subject_id) < (SELECT count(*) FROM subject)
""").bindparams(bindparam("subjects", type_=ARRAY(BigInteger)))

_COPY_TO_DOCUMENTS = text("""
    UPDATE flat_document SET principals = ARRAY[CAST(:turn AS bigint)]
    WHERE document_id IN (SELECT id FROM node WHERE parent_id = :parent)
""")
_TOUCHED = text("""
    SELECT sum(pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
               + pg_stat_get_xact_tuples_deleted(oid))
    FROM pg_class WHERE relname IN ('chunk', 'embedding')
""")
_PUT_BETWEEN = text("""
    INSERT INTO node (source_id, native_id, kind, parent_id)
    VALUES (1, gen_random_uuid()::text, 'container', :above) RETURNING id
""")
_HANG_BELOW = text("""
    UPDATE node SET parent_id = :between WHERE parent_id = :above AND id <> :between
""")


MEASURES: dict[str, Callable[[Database, _Company], Figures]] = {
    "visible policies of a subject": _subject,
    "visible policies of an audience": _audience,
    "the same by row-level security": _by_row_security,
    "a membership": _membership,
    "a folder above 200 documents": _folder(200),
    "a folder above 10,000 documents": _folder(10_000),
    "a folder above 100,000 documents": _folder(100_000),
    "a folder's first own entries, above 200": _first(200),
    "a folder's first own entries, above 10,000": _first(10_000),
    "a folder's first own entries, above 100,000": _first(100_000),
}

if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
