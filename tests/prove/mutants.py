"""See the leak first: with one protection taken out, somebody is given what the oracle refuses.

Each mutant is what we ship with one thing changed: in the query, in row-level security, in the
tables' walls, in the plain Python, in what a change keeps in step, in the path of an answer. A
mutant that leaks nowhere is a protection that no test would miss.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from unittest.mock import patch

from sqlalchemy import select, text

from policies import access
from policies.audience import Readers
from policies.directory import resolve_audience
from policies.tables.content import Document
from tests.policies.oracle import STRANGER
from tests.policies.worlds import RandomWorld, Shape
from tests.prove import corners, decisions, interleavings
from tests.prove.protections import MUTANTS, Mutant
from tests.servers import empty
from workers.answering import answer
from workers.answering.audience import Resolved, audience_of
from workers.database.sessions import Database, connect
from workers.intake.messages import Question
from workers.replies.outbox import Kind
from workers.services import Services

WORLDS = 10
"""This many may pass before a mutant counts as unnoticed."""
STEPS = 25
SCHEDULES = 150


def run(
    database: Database, *, count: int, seed: int, tell: Callable[[int], None]
) -> dict[str, int]:
    """All mutants, whatever the count: how many there are, and how many were noticed."""
    killed = noticed(database, seed=seed, tell=tell)
    for mutant in MUTANTS:
        if mutant.name not in killed:
            sys.stderr.write(f"nobody noticed: {mutant.name}\n")
    return {"mutants": len(MUTANTS), "mutants_killed": len(killed)}


def noticed(
    database: Database, *, seed: int = 0, tell: Callable[[int], None] = lambda done: None
) -> set[str]:
    """The names of the mutants that leak. What is shipped leaks nothing in the same worlds.

    Told is each mutant that has come to its end, noticed or not.
    """
    killed: set[str] = set()
    for name in _noticed_in_corners(database):
        killed.add(name)
        tell(1)
    for number in range(WORLDS):
        left = [one for one in MUTANTS if one.name not in killed and one.where not in _ANSWERING]
        if not left:
            break
        for name in _noticed_in(database, seed + number, left):
            killed.add(name)
            tell(1)
    for mutant in MUTANTS:
        if mutant.where in _ANSWERING:
            if _posts_late(mutant, database):
                killed.add(mutant.name)
            tell(1)
        elif mutant.name not in killed:
            tell(1)
    return killed


def _posts_late(mutant: Mutant, database: Database) -> bool:
    empty(database.settings)
    with active(mutant, database):
        tally = interleavings.play(database, interleavings.drawn(0, SCHEDULES), until_late=True)
    return tally.late_posts > 0


def _noticed_in_corners(database: Database) -> Iterator[str]:
    """Each corner is written once for all that change how it is read."""
    left = [mutant for mutant in MUTANTS if mutant.where not in _ANSWERING]
    for leaks in corners.written(database):
        assert not leaks(), "without any mutant"
        for mutant in [one for one in left if one.where not in _WRITING]:
            with active(mutant, database):
                noticed = leaks()
            if noticed:
                left.remove(mutant)
                yield mutant.name
    for mutant in left:
        if mutant.where in _WRITING or mutant.where == "schema":  # whose triggers write, too
            with active(mutant, database):
                noticed = corners.leak(database)
            if noticed:
                yield mutant.name


def _noticed_in(database: Database, seed: int, mutants: list[Mutant]) -> Iterator[str]:
    for mutant in mutants:  # those that change what is written need a world of their own
        if mutant.where in _WRITING:
            with active(mutant, database):
                leaks = _leaks(_world(database, seed))
            if leaks:
                yield mutant.name
    world = _world(database, seed)
    assert not _leaks(world), f"seed {seed}: without any mutant"
    for mutant in mutants:
        if mutant.where not in _WRITING:
            with active(mutant, database):
                leaks = _leaks(world)
            if leaks:
                yield mutant.name


def _world(database: Database, seed: int) -> RandomWorld:
    empty(database.settings)
    world = RandomWorld(database, seed, shape=Shape.PLAIN)
    for _ in range(STEPS):
        world.step()
    return world


def _leaks(world: RandomWorld) -> bool:
    """Whether some audience is given, in some way, what the oracle refuses it."""
    state = world.random.getstate()
    documents = world.document_ids(world.facts.documents)
    try:
        for subjects in world.audiences():
            allowed = world.document_ids(world.oracle.all_read(subjects))
            for _way, given in decisions.ask(world.database, world.audience(subjects), documents):
                if given - allowed:
                    return True
        return _somebody_else(world) or _left_behind(world)
    finally:
        world.random.setstate(state)


def _somebody_else(world: RandomWorld) -> bool:
    """Threats 4 and 10: whether an audience of two accounts is not these two."""
    accounts = world.accounts()
    linked = [one for one, user in accounts.items() if user]
    for account, user in accounts.items():
        other = world.random.choice(linked)
        readers = Readers(accounts=frozenset({account, other}))
        with world.database.session("answerer") as session:
            given = set(resolve_audience(session, readers).ids)
        if given != {world.principals[one or STRANGER] for one in (user, accounts[other])}:
            return True
    return False


def _left_behind(world: RandomWorld) -> bool:
    """Threat 32: whether a connection goes back to the pool with somebody's rights."""
    for subject in world.subjects[:12]:
        with world.database.reading_for(world.audience([subject])):
            pass
        with world.database.session("answerer") as session:
            if session.scalars(select(Document.id)).first() is not None:
                return True
    return False


@contextmanager
def active(mutant: Mutant, database: Database) -> Iterator[None]:
    """The mutant instead of what is shipped, until the block ends."""
    if mutant.where == "query":
        manager = _query(mutant)
    elif mutant.where == "row security":
        manager = _row_security(mutant, database)
    elif mutant.where == "schema":
        manager = _schema(mutant, database)
    elif mutant.where == "answer":
        manager = _switch(mutant)
    else:
        manager = _module(mutant)
    with manager:
        yield
    if mutant.where != "query":
        database.close()  # no connection outlives a mutant that may have left something on it


@contextmanager
def _query(mutant: Mutant) -> Iterator[None]:
    shipped = access._VISIBLE
    access._VISIBLE = text(_replaced(str(shipped), mutant))
    try:
        yield
    finally:
        access._VISIBLE = shipped


@contextmanager
def _row_security(mutant: Mutant, database: Database) -> Iterator[None]:
    shipped = _as_owner(database, "SELECT pg_get_functiondef('readable_policies'::regproc)")
    _as_owner(database, _replaced(shipped, mutant))
    try:
        yield
    finally:
        _as_owner(database, shipped)


@contextmanager
def _schema(mutant: Mutant, database: Database) -> Iterator[None]:
    _as_owner(database, mutant.instead)
    try:
        yield
    finally:
        _as_owner(database, mutant.protection)


def _as_owner(database: Database, statement: str) -> str:
    engine = connect(database.settings, "owner")
    try:
        with engine.begin() as connection:
            found = connection.exec_driver_sql(statement.replace("%", "%%"))
            return str(found.scalar()) if found.returns_rows else ""
    finally:
        engine.dispose()


@contextmanager
def _switch(mutant: Mutant) -> Iterator[None]:
    if mutant.name.endswith("the final check is left out"):
        with interleavings.without_final_check():
            yield
        return
    found: dict[tuple[int, Kind], Resolved | None] = {}

    def once(services: Services, question: Question, kind: Kind) -> Resolved | None:
        key = (hash(question), kind)
        return found.setdefault(key, audience_of(services, question, kind))

    with patch.object(answer, "audience_of", once):
        yield


@contextmanager
def _module(mutant: Mutant) -> Iterator[None]:
    """The module's source with the change, in the place of each function that it defines.

    Methods are changed on the class that everybody has imported already.
    """
    module = import_module(mutant.where)
    assert module.__file__ is not None
    source = _replaced(Path(module.__file__).read_text(), mutant)
    changed = ModuleType(module.__name__)
    sys.modules[module.__name__] = changed  # dataclasses look their module up
    try:
        exec(compile(source, module.__file__, "exec"), changed.__dict__)
    finally:
        sys.modules[module.__name__] = module
    undo: list[Callable[[], None]] = []
    for name, shipped in vars(module).items():
        other = getattr(changed, name, None)
        if getattr(shipped, "__module__", None) != module.__name__:
            continue
        if isinstance(shipped, FunctionType):
            undo += _everywhere(shipped, other)
        elif isinstance(shipped, type):
            undo += _methods(shipped, other)
    try:
        yield
    finally:
        for step in undo:
            step()


def _everywhere(shipped: object, other: object) -> list[Callable[[], None]]:
    undo: list[Callable[[], None]] = []
    ours = [module for name, module in sys.modules.items() if name.partition(".")[0] in _OURS]
    for module in ours:
        for name, held in list(vars(module).items()):
            if held is shipped:
                setattr(module, name, other)
                undo.append(partial(setattr, module, name, shipped))
    return undo


def _methods(shipped: type, other: object) -> list[Callable[[], None]]:
    undo: list[Callable[[], None]] = []
    for name, method in list(vars(shipped).items()):
        if isinstance(method, FunctionType):
            setattr(shipped, name, vars(other)[name])
            undo.append(partial(setattr, shipped, name, method))
    return undo


def _replaced(shipped: str, mutant: Mutant) -> str:
    assert mutant.protection in shipped, f"{mutant.where}: {mutant.name}: nothing to change"
    return shipped.replace(mutant.protection, mutant.instead)


_OURS = {"policies", "workers", "bot", "tests"}
_WRITING = {"policies.change", "policies.labels", "policies.directory", "policies.source"}
_ANSWERING = {"answer", "workers.answering.audience"}
