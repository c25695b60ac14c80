"""Every way to ask who may read what, against the oracle, in random worlds that keep changing.

Threats 1 to 5. The ways: what a subject reads, as a list; the filter of a query; row-level
security alone; the check in plain Python, many at once and, for some, one by one; and for a
third of the documents `ken why` of everybody, whose reasons must be true.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sqlalchemy import select

from policies import Audience, readable_chunks, readable_documents, readable_embeddings
from policies.audience import Readers
from policies.decide import Decision
from policies.directory import resolve_audience
from policies.explain import decisions, explain, readers, unreadable
from policies.tables.content import Chunk, Document, Embedding
from tests.policies import oracle
from tests.policies.worlds import MODEL, RandomWorld, Shape
from tests.servers import empty
from workers.database.sessions import Database

ROUNDS = {Shape.PLAIN: 4, Shape.DEEP: 3, Shape.WIDE: 1}
"""Of changes, with a comparison before and after each; the larger a world, the slower."""
STEPS = 8
WHY = 30
"""Documents that `why` is asked about for every subject, each time."""
ALONE = 4
"""Documents that are asked about on their own as well, each time."""


@dataclass
class Tally:
    decisions: int = 0
    """Pairs of an audience and a document, each decided in every way."""
    leaks: int = 0
    wrong_denials: int = 0
    allowed: int = 0
    found: list[str] = field(default_factory=list)

    def add(self, way: str, expected: set[Any], given: set[Any]) -> None:
        self.leaks += len(given - expected)
        self.wrong_denials += len(expected - given)
        if given != expected:
            self.found.append(
                f"{way}: should not be given {list(given - expected)[:5]}, "
                f"should be given {list(expected - given)[:5]}"
            )


def run(
    database: Database, *, count: int, seed: int, tell: Callable[[int], None]
) -> dict[str, int]:
    """At least this many decisions, in the worlds of this seed and those after it."""
    total = Tally()
    while total.decisions < count:
        before = total.decisions
        prove_world(database, seed, total)
        if total.found:
            for line in total.found[:10]:
                sys.stderr.write(f"seed {seed}: {line}\n")
            return {**_figures(total), "failed_seed": seed}
        tell(total.decisions - before)
        seed += 1
    return _figures(total)


def prove_world(database: Database, seed: int, tally: Tally) -> None:
    """One world from its first state through all its changes."""
    empty(database.settings)
    world = RandomWorld(database, seed)
    for _ in range(ROUNDS[world.shape]):
        compare(world, tally)
        for _ in range(STEPS):
            world.step()
    compare(world, tally)


def compare(world: RandomWorld, tally: Tally, *, most: int = 1_000) -> None:
    """All ways against the oracle, for every subject and for random audiences, or so many."""
    documents = world.document_ids(world.facts.documents)
    audiences = list(world.audiences())
    audiences = world.random.sample(audiences, min(most, len(audiences)))
    for subjects in audiences:
        expected = world.document_ids(world.oracle.all_read(subjects))
        audience = world.audience(subjects)
        who = f"{len(audience.ids)} subjects {sorted(set(subjects))[:5]}"
        for way, given in ask(world.database, audience, documents):
            tally.add(f"{way}, {who}", expected, given)
        tally.decisions += len(documents)
        tally.allowed += len(expected)
    alone = [subjects[0] for subjects in audiences if len(subjects) == 1]
    _compare_why(world, alone or world.subjects[:1], tally)
    _compare_batches(world, tally)
    _compare_accounts(world, tally)


def ask(
    database: Database, audience: Audience, documents: set[int]
) -> Iterator[tuple[str, set[int]]]:
    """What this audience is given, in each way."""
    with database.session("syncer") as session:  # row-level security lets it see every id
        listed = readable_documents(audience).with_only_columns(Document.id)
        yield "list", set(session.scalars(listed))
    with database.session("indexer") as session:  # the filter alone: nothing else is in the way
        chunks = readable_chunks(audience).with_only_columns(Chunk.text)
        yield "chunks", {int(text) for text in session.scalars(chunks)}
        vectors = readable_embeddings(audience, MODEL).with_only_columns(Embedding.document_id)
        yield "embeddings", set(session.scalars(vectors))
    with database.reading_for(audience) as session:
        yield "row security", set(session.scalars(select(Document.id)))
        yield "row security on text", {int(text) for text in session.scalars(select(Chunk.text))}
        chunks = readable_chunks(audience).with_only_columns(Chunk.text)
        yield "query", {int(text) for text in session.scalars(chunks)}
        yield "python", documents - unreadable(session, audience, documents)


def _compare_batches(world: RandomWorld, tally: Tally) -> None:
    """Threat 5: asked one by one, twice over, or for nothing at all, the answer is the same."""
    audience = world.audience([world.random.choice(world.subjects)])
    documents = sorted(world.document_ids(world.facts.documents))
    with world.database.reading_for(audience) as session:
        refused = unreadable(session, audience, documents)
        twice = unreadable(session, audience, documents * 2)
        some = set(world.random.sample(documents, ALONE))
        singly = {d for d in some if unreadable(session, audience, [d])}
        nothing = unreadable(session, audience, [])
    tally.add("twice over", set(documents) - refused, set(documents) - twice)
    tally.add("one by one", some - refused, some - singly)
    tally.add("nothing at all", set(), nothing)


def _compare_accounts(world: RandomWorld, tally: Tally) -> None:
    """Threats 4 and 10: an account is the user it is linked to, byte for byte, or a stranger."""
    for account, user in world.accounts().items():
        readers = Readers(accounts=frozenset({account}))
        with world.database.session("answerer") as session:
            given = set(resolve_audience(session, readers).ids)
        expected = world.principals[user or oracle.STRANGER]
        tally.add(f"account {account}", {expected}, given)


def _compare_why(world: RandomWorld, subjects: Sequence[str], tally: Tally) -> None:
    """`ken why` for each of these subjects, and `ken who`: the verdicts, and that they are true."""
    ids = {world.principals[subject]: subject for subject in subjects}
    documents = sorted(world.facts.documents)
    with world.database.session("syncer") as session:
        for document in world.random.sample(documents, min(WHY, 3 * len(ids), len(documents))):
            said = decisions(session, list(ids), world.nodes[document])
            expected = {one for one in ids if world.oracle.read(ids[one], document)}
            tally.add(f"why {document}", expected, {one for one in ids if said[one].allowed})
            lies = {one for one in ids if not is_true(world, ids[one], document, said[one])}
            tally.add(f"reason of why {document}", set(), {(one, said[one]) for one in lies})
        for document in world.random.sample(documents, ALONE):
            node_id, subject_id = world.nodes[document], world.random.choice(list(ids))
            alone = explain(session, subject_id, node_id)
            among = decisions(session, list(ids), node_id)[subject_id]
            tally.add(f"why alone {document}", {among}, {alone})
            expected = {world.principals[one] for one in world.oracle.readers(document)}
            tally.add(f"who {document}", expected, set(readers(session, node_id)))


def is_true(world: RandomWorld, subject: str, document: str, decision: Decision) -> bool:
    """Whether what `ken why` says holds by the facts: the reason, the path, and the node."""
    said = world.oracle
    path = [world.called[one] for one in decision.path]
    node = world.nodes_called.get(decision.node_id or 0, "")
    facts = world.facts.nodes.get(node)
    on_chain = facts is not None and node in said.chain(document)
    match decision.reason:
        case "inactive":
            return not said.active(subject)
        case "stale":
            return not said.usable(document)
        case "unknown":
            return on_chain and (said.closed(node) or not all(facts.gates if facts else ()))
        case "denied":
            if decision.account_id is not None:  # of nobody's, that the subject may be behind
                start = world.called[decision.account_id]
                led = start in said.suspects(subject) and _named_by_group(world, said, start, path)
            elif subject in oracle.CLASSES:  # barred through somebody who is in it
                led = path[0] == subject
            else:
                led = _named_by_group(world, said, subject, path)
            return bool(
                facts and on_chain and led
                and path[-1] in facts.deny and path[-1] in said.bars(subject)
            )  # fmt: skip
        case "gate":
            wanted = {world.called[one] for one in decision.wanted}
            return bool(
                facts and on_chain and wanted in facts.gates and not wanted & said.holds(subject)
            )
        case "allowed":
            return bool(
                facts and node in said.granting(document)
                and path[-1] in facts.allow and _named_by_group(world, said, subject, path)
            )  # fmt: skip
        case "no_allow":
            wanted = {world.called[one] for one in decision.wanted}
            reach, chain = list(said.granting(document)), said.chain(document)
            above = frozenset().union(*(world.facts.nodes[n].allow for n in chain[len(reach) :]))
            stopped = set(filter(world.facts.exists, above))
            return bool(
                not said.holds(subject) & said.allows(document)
                and wanted == set(filter(world.facts.exists, said.allows(document)))
                and {world.called[one] for one in decision.stopped} == stopped
                and decision.cut_id == (world.nodes[reach[-1]] if stopped else None)
            )
    return False


def _named_by_group(world: RandomWorld, said: oracle.Oracle, subject: str, path: list[str]) -> bool:
    """Each step of the path is a link, or a membership that the source gave, upward."""
    return path[0] == subject and all(_is_step(world, said, *step) for step in pairwise(path))


def _is_step(world: RandomWorld, said: oracle.Oracle, below: str, above: str) -> bool:
    if above in oracle.CLASSES:
        return above in said.classes(below)
    if above in world.facts.accounts:
        return world.facts.accounts[above].user == below
    return below in world.facts.groups[above]


def _figures(tally: Tally) -> dict[str, int]:
    return {
        "decisions": tally.decisions,
        "leaks": tally.leaks,
        "wrong_denials": tally.wrong_denials,
    }
