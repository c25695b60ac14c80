"""A push or a load that is killed on its way, or that runs while people ask.

A fault is a generator: see `scene.Fault`.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.survive import company
from tests.survive.cell import Cell
from tests.survive.company import State
from tests.survive.scene import Scene

_DONE = (0, 5)
"""Exit codes of `ken`: done, and done but for names that stand for nobody."""


def sync_killed(point: str, scene: Scene) -> Iterator[None]:
    """What a killed push leaves is the old list or the new, whole."""
    cell = scene.cell
    old, new = _written_push(cell)
    cell.arm(point, "kill")
    code = cell.command(*_push(cell))
    scene.missed = not cell.disarm(point)
    _note_pushed(scene, old, new)
    if scene.missed and code not in _DONE:
        scene.findings.append(f"ken sync push ended with {code}")
    yield
    if cell.past.now is not new:
        if cell.command(*_push(cell)) not in _DONE:
            scene.findings.append("a push after one that was killed was refused")
        _note_pushed(scene, old, new)


def pushed_meanwhile(scene: Scene) -> Iterator[None]:
    """People ask while all permissions change at once."""
    cell = scene.cell
    old, new = _written_push(cell)
    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(cell.command, *_push(cell))
        while not pushing.done():
            scene.ask()
            scene.hold(0.4, 1.2)
        yield
    if pushing.result() not in _DONE:
        scene.findings.append(f"ken sync push ended with {pushing.result()}")
    _note_pushed(scene, old, new)


def changed_meanwhile(scene: Scene) -> Iterator[None]:
    """Between the passages and the final check: the model holds its answer back meanwhile."""
    cell = scene.cell
    cell.background.call(lambda: cell.model.misbehave("stall"))
    yield
    for asked in scene.asked:
        scene.hold(0, 0.2)
        cell.revoke(asked.person)
    cell.change()
    cell.background.call(cell.model.mend)


def loaded_meanwhile(scene: Scene) -> Iterator[None]:
    """People ask while every document is stored again."""
    cell = scene.cell
    _write_revision(cell)
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(cell.command, "load", str(cell.bundle))
        while not loading.done():
            scene.ask()
            scene.hold(0.4, 1.2)
        yield
    _check_loaded(scene, loading.result())


def load_killed(point: str, scene: Scene) -> Iterator[None]:
    """Loaded again after a crash; meanwhile each document is what it was, or what it will be."""
    cell = scene.cell
    _write_revision(cell)
    cell.arm(point, "kill")
    cell.command("load", str(cell.bundle))
    scene.missed = not cell.disarm(point)
    halves = cell.sql(
        "SELECT count(*) FROM document WHERE NOT EXISTS (SELECT FROM chunk JOIN embedding "
        "ON embedding.chunk_id = chunk.id WHERE chunk.document_id = document.id)"
    )
    if halves != [(0,)]:
        scene.findings.append("a document is stored without its text or its vectors")
    yield
    _check_loaded(scene, cell.command("load", str(cell.bundle)))


def reindex_killed(point: str, scene: Scene) -> Iterator[None]:
    """Begun again after a crash; until the switch the old index is whole, from then on the new."""
    cell = scene.cell
    wanted = _other_model(cell)
    cell.sql(_DELETE_VECTORS, wanted)
    cell.arm(point, "kill")
    cell.command("reindex", "--model", wanted, "--yes")
    scene.missed = not cell.disarm(point)
    _check_index(scene)
    yield
    cell.sql("UPDATE job SET leased_until = '-infinity' WHERE state = 'waiting'")  # time passes
    code = cell.command("reindex", "--model", wanted, "--yes")
    if code != 0 or _active(cell) != wanted:
        scene.findings.append(f"ken reindex ended with {code}, the index is by {_active(cell)}")
    _check_index(scene)


_MODELS = ("all-MiniLM-L6-v2-w8a8", "use-multilingual-3")
_DELETE_VECTORS = """
    DELETE FROM embedding WHERE model_id = (SELECT id FROM embedding_model WHERE name = %s)
"""
_COUNT_WITHOUT_VECTOR = """
    SELECT count(*) FROM chunk WHERE NOT EXISTS (
        SELECT FROM embedding JOIN embedding_model ON embedding_model.id = model_id
        WHERE chunk_id = chunk.id AND name = %s)
"""


def _other_model(cell: Cell) -> str:
    return _MODELS[0] if _active(cell) == _MODELS[1] else _MODELS[1]


def _active(cell: Cell) -> str:
    found = cell.sql(
        "SELECT name FROM index_version JOIN embedding_model ON embedding_model.id = model_id "
        "WHERE state = 'active'"
    )
    return str(found[0][0]) if found else ""


def _check_index(scene: Scene) -> None:
    """Every chunk has a vector by the model that questions use now."""
    model = _active(scene.cell) or _MODELS[0]
    missing = scene.cell.sql(_COUNT_WITHOUT_VECTOR, model)
    if missing != [(0,)]:
        scene.findings.append(f"{missing[0][0]} chunks have no vector in the active index")


def _written_push(cell: Cell) -> tuple[State, State]:
    """What counts now, and what the file for the push says: some changes at once."""
    old = new = cell.past.now
    for _ in range(6):
        new = company.changed(new, cell.chance)
    new = State(new.groups, new.acls, old.suspended)  # a push says nothing of that
    company.write_push(cell.folder / "push.jsonl", new)
    return old, new


def _push(cell: Cell) -> tuple[str, ...]:
    return ("sync", "push", str(cell.folder / "push.jsonl"), "--source", company.SOURCE, "--yes")


def _note_pushed(scene: Scene, old: State, new: State) -> None:
    """Which of the two counts now, by the run's record; the rows must be that one, whole."""
    cell = scene.cell
    last = cell.sql("SELECT state, epoch FROM sync_run ORDER BY id DESC LIMIT 1")
    applied = bool(last) and last[0][0] == "applied" and last[0][1] > cell.past.steps[-1][0]
    if applied:
        cell.past.add(last[0][1], new)
    if cell.stored().readings() != (new if applied else old).readings():
        scene.findings.append("permissions are neither the old list nor the new")


def _write_revision(cell: Cell) -> None:
    cell.revision += 1
    company.write_bundle(cell.bundle, cell.past.now, cell.canary, cell.revision)


def _check_loaded(scene: Scene, code: int) -> None:
    cell = scene.cell
    if code != 0:
        scene.findings.append(f"ken load ended with {code}")
    texts = cell.sql("SELECT count(*) FROM chunk WHERE text LIKE %s", f"%year {cell.revision}.%")
    if texts != [(len(company.TOPICS),)]:
        scene.findings.append("a load left old text behind")
