"""The rules of the house that no linter knows: read off the syntax tree, not off the text.

Whatever is quoted to somebody is read through `policies` (`readable_chunks` and its sisters), which
turn the people who will see it into a filter. A statement of another's own on a table with text of
documents would go past that filter; those that there are stand below, each with why it is safe.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import grimp
import pytest

from policies.tables import content
from policies.tables.base import Base
from workers.intake.messages import Surface

ROOT = Path(__file__).parents[1]
CONTENT = {"Document": "document", "Chunk": "chunk", "Embedding": "embedding"}
"""The classes whose rows are text of documents, or derived from it, and their tables."""
NO_CONTENT = {"EmbeddingModel", "DocumentChange", "RefusedText"}
"""In the same file, and no text: the names of models, that something changed, and which chunks have
no vector."""

ALLOWED = {
    (
        "workers/answering/checking.py",
        "_READ_VISIBLE_HASHES",
    ): "the final check: row-level security alone says"
    " which of the prompt's documents these readers see; the query and the rule must agree with it",
    ("workers/upkeep/judgement.py", "_READ_VISIBLE_HASHES"): "the same for answers that are posted",
    ("workers/ingest/pipeline.py", "Loading._missing"): "the loader compares a source's documents"
    " with its bundle: ids for a deletion, under the role that writes them; they go to nobody",
    ("workers/ingest/store.py", "stored_hashes"): "the loader skips what has not changed: hashes,"
    " under the role that writes them",
    (
        "workers/ingest/push.py",
        "stored_documents",
    ): "whoever pushes a source's documents may list their ids, and when they were stored: no text",
    (
        "workers/answering/retrieval.py",
        "_TOP",
    ): "joined to `readable_chunks` alone, on the same document: who may read a chunk of it may"
    " read its first one; row-level security holds for both",
    **{
        ("workers/ingest/reindexing.py", name): "a re-index reads the text of every chunk for its"
        " new vector, under the role that writes both; the vector goes to the same chunk, and what"
        " is told of it are counts"
        for name in (
            *("_READ_WITHOUT_VECTOR", "_HOLD_CHUNKS", "_DELETE_SOME"),
            "_READ_OLDEST_AND_NEWEST",
        )
    },
    (
        "workers/ingest/judged.py",
        "_NEAREST",
    ): "the check before a switch counts how many of an administrator's questions find their"
    " documents; two numbers are told",
    (
        "workers/sources/reread.py",
        "_MARK_SOME",
    ): "documents are marked to be read again, by the indexer; their ids go to nobody",
    (
        "workers/ingest/beginning.py",
        "_ESTIMATE",
    ): "how much a re-index would embed: counts, for the indexer",
    **{
        ("workers/index/gate.py", name): "the check before a switch compares vectors with each"
        " other, under the indexer's role, and tells a share of them alone"
        for name in (
            *("_COUNT_CHUNKS", "_COUNT_OTHER_DIMENSIONS", "_SAMPLE_CHUNKS"),
            *("_NEAREST_OF_ALL", "_NEAREST_BY_CODES"),
        )
    },
    **{
        ("workers/index/versions.py", name): "counts of chunks and vectors, for the indexer"
        for name in ("_COUNT_MISSING", "_IS_MISSING", "WITHOUT_VECTOR", "_READ_VERSIONS")
    },
    (
        "workers/cli/running.py",
        "_COUNT_ROWS",
    ): "`ken status` counts rows for the operator of the machine; it names none",
    (
        "workers/admin/routes_index.py",
        "_COUNT_INDEX",
    ): "an administrator sees how many documents a source has; none is named",
}
"""File, and function or constant; why nobody reads there what they may not."""

SURFACES = {surface.value for surface in Surface}

_NARROWS = {"join", "outerjoin", "select_from", "add_columns", "with_only_columns"}
_READS_BY_CLASS = {"get", "get_one", "query", "exists", "aliased"}
_BEFORE_TABLE = {"FROM", "JOIN", "UPDATE", "INTO", "TABLE", "ONLY", "USING", "COPY"}
_STATEMENT = {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "COPY", "TRUNCATE", "LOCK", "MERGE"}


@dataclass(frozen=True, slots=True)
class Found:
    """A statement on content: the function or constant that holds it, its line, what it names."""

    scope: str
    line: int
    names: str


def statements_on_content(source: str) -> Iterator[Found]:
    """Each `select` of a content class, and each text of SQL that names a content table."""
    tree = ast.parse(source)
    classes = _content_classes(tree)
    docstrings = set(_docstrings(tree))
    for scope, node in _with_scopes(tree):
        if isinstance(node, ast.Call) and (name := _selected(node, classes)):
            yield Found(scope, node.lineno, name)
        elif isinstance(node, ast.JoinedStr | ast.Constant) and node not in docstrings:
            for table in _tables_named(_words_of(node)):
                yield Found(scope, node.lineno, table)


# -- the tests ------------------------------------------------------------------------------------


def test_content_is_read_through_policies() -> None:
    found = {
        (str(path.relative_to(ROOT)), one.scope): one.line
        for path in _files()
        for one in statements_on_content(path.read_text())
    }
    gone_past = [
        f"{path}:{line} ({scope})"
        for (path, scope), line in found.items()
        if (path, scope) not in ALLOWED
    ]
    assert not gone_past, "start from policies.readable_chunks and its sisters, or say why not"


def test_every_exception_is_still_there() -> None:
    found = {
        (str(path.relative_to(ROOT)), one.scope)
        for path in _files()
        for one in statements_on_content(path.read_text())
    }
    assert ALLOWED.keys() <= found


def test_every_table_of_content_is_known() -> None:
    """Who adds one decides here whether it holds text."""
    there = {
        mapper.class_.__name__: mapper.class_.__tablename__
        for mapper in Base.registry.mappers
        if mapper.class_.__module__ == content.__name__
    }
    assert there.keys() == CONTENT.keys() | NO_CONTENT
    assert CONTENT.items() <= there.items()


@pytest.mark.parametrize(
    "source",
    [
        "from policies.tables.content import Document\nx = select(Document)",
        "from policies.tables.content import Document as D\nx = sql.select(D.title)",
        "from policies.tables import content\nx = select(content.Chunk.text)",
        "import policies.tables.content as c\nx = select(c.Embedding)",
        "from policies.tables.content import Document\nx = select(func.count(Document.id))",
        "from policies.tables.content import Chunk\nx = select(Node.id).where(1).join(Chunk)",
        "from policies.tables.content import Document\nx = session.get(Document, 1)",
        "from policies.tables.content import Document\nx = select(a).where(exists(Document.id))",
        "from policies.tables.content import Chunk\nC = aliased(Chunk)\nx = select(C.text)",
        "x = text('SELECT title FROM document')",
        "x = 'select text from public.chunk where id = 1'",
        'x = text("""\n  -- all\n  SELECT 1 FROM node JOIN\n  "document" USING (id)""")',
        "x = f'SELECT {what} FROM document'",
        "x = 'SELECT 1 FROM node, chunk'",
        "x = 'UPDATE document SET title = 1 RETURNING title'",
        "x = 'TABLE embedding'",
        "x = 'COPY document TO STDOUT'",
        "PART = 'JOIN chunk ON chunk.document_id = node.id'",
    ],
)
def test_a_way_past_the_policies_is_found(source: str) -> None:
    assert list(statements_on_content(source))


@pytest.mark.parametrize(
    "source",
    [
        "from policies.tables.content import Chunk\nx = readable_chunks(a).join(Chunk, 1)",
        "from policies.tables.content import Document\nx = readable_documents(a).where(Document)",
        "from policies.tables.content import Document\nx = insert(Document)",
        "from docx import Document\nx = select(Document)",
        "x = 'Nothing is quoted to you, document by document.'",
        "def f():\n    'The same as SELECT FROM document.'",
        "x = 'SELECT id FROM node -- JOIN document'",
        "x = 'SELECT document_id FROM answer WHERE chunk = :document'",
    ],
)
def test_what_starts_from_the_policies_or_reads_no_content_is_left_alone(source: str) -> None:
    assert not list(statements_on_content(source))


def test_nobody_asks_a_surface_its_name() -> None:
    """`Surface` answers what follows from how a question came, to Python and to SQL alike."""
    assert not [
        f"{path.relative_to(ROOT)}:{line}"
        for path in _files()
        for line in surfaces_named(path.read_text())
    ]


@pytest.mark.parametrize(
    "source",
    [
        "if question.surface == 'slack': pass",
        "if row.surface in ('share', 'private'): pass",
        "x = text(\"SELECT 1 FROM question WHERE surface <> 'terminal'\")",
        "x = f\"AND older.surface IN ('slack', {other})\"",
    ],
)
def test_a_surface_called_by_name_is_found(source: str) -> None:
    assert list(surfaces_named(source))


@pytest.mark.parametrize(
    "source",
    [
        "if question.surface.is_outside_slack: pass",
        "x = text('SELECT 1 FROM question WHERE surface = ANY(:messages)')",
        "x = text(\"UPDATE outbox SET state = 'posted' WHERE kind = 'private'\")",
        "if kind == 'share': pass",
    ],
)
def test_a_surface_asked_by_property_is_left_alone(source: str) -> None:
    assert not list(surfaces_named(source))


def test_services_come_first() -> None:
    """The wide argument before the narrow ones, everywhere."""
    assert not [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in _files()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and not _has_services_first(node)
    ]


def _has_services_first(function: ast.FunctionDef) -> bool:
    names = [one.arg for one in function.args.args if one.arg not in ("self", "cls")]
    return "services" not in names or names[0] == "services"


def test_no_import_runs_in_a_circle() -> None:
    """A reader of a module has read, or can read first, all that it stands on."""
    graph = grimp.build_graph("bot", "workers", "policies", cache_dir=None)
    TopologicalSorter(_imports(graph)).prepare()


def test_a_circle_would_be_found() -> None:
    graph = grimp.build_graph("bot", "workers", "policies", cache_dir=None)
    graph.add_import(importer="policies.tables.base", imported="workers.tasks")
    with pytest.raises(CycleError):
        TopologicalSorter(_imports(graph)).prepare()


def _imports(graph: grimp.ImportGraph) -> dict[str, set[str]]:
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def _files() -> list[Path]:
    return sorted([*ROOT.glob("bot/**/*.py"), *ROOT.glob("workers/**/*.py")])


# -- what is looked for ---------------------------------------------------------------------------


def surfaces_named(source: str) -> Iterator[int]:
    """The lines on which a surface is compared with a text, in Python or in SQL."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            is_surface = any(_last_name(side) == "surface" for side in sides)
            if is_surface and any(
                isinstance(part, ast.Constant) and part.value in SURFACES
                for side in sides
                for part in ast.walk(side)
            ):
                yield node.lineno
        elif isinstance(node, ast.JoinedStr | ast.Constant):
            words = _words_of(node)
            if any(word.rpartition(".")[2] == "surface" for word in words) and any(
                word.startswith("'") and word.strip("'") in SURFACES for word in words
            ):
                yield node.lineno


def _content_classes(tree: ast.AST) -> dict[str, str]:
    """What this file calls each content class: by its own name, another, or through its module."""
    called = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("policies"):
            for one in node.names:
                known = one.asname or one.name
                if one.name in CONTENT:
                    called[known] = one.name
                else:
                    called |= {f"{known}.{name}": name for name in CONTENT}
        elif isinstance(node, ast.Import):
            for one in node.names:
                if one.name.startswith("policies"):
                    called |= {f"{one.asname or one.name}.{name}": name for name in CONTENT}
    return called


def _with_scopes(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Every node, and the function, method or constant that it stands in."""
    for top in tree.body:
        if isinstance(top, ast.ClassDef):
            for part in top.body:
                yield from ((f"{top.name}.{_name(part)}", node) for node in ast.walk(part))
        else:
            yield from ((_name(top), node) for node in ast.walk(top))


def _name(statement: ast.stmt) -> str:
    match statement:
        case ast.FunctionDef() | ast.ClassDef():
            return statement.name
        case ast.Assign():
            return ast.unparse(statement.targets[0])
        case ast.AnnAssign():
            return ast.unparse(statement.target)
    return ""


def _docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    """A text that stands by itself is read by people only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.JoinedStr):
            yield node.value


def _selected(call: ast.Call, classes: dict[str, str]) -> str | None:
    """The content class that is read by this call; None if none is."""
    name = _last_name(call.func)
    mentioned = [
        classes[written]
        for argument in [*call.args, *(one.value for one in call.keywords)]
        for node in ast.walk(argument)
        if isinstance(node, ast.Name | ast.Attribute) and (written := _written(node)) in classes
    ]
    if not mentioned:
        return None
    if name in ("select", *_READS_BY_CLASS):
        return mentioned[0]
    if name in _NARROWS and _last_name(_root(call)) == "select":
        return mentioned[0]
    return None


def _root(call: ast.Call) -> ast.expr:
    """What a chain of calls begins with: of `select(a).join(b).limit(1)` it is `select`."""
    at: ast.expr = call
    while True:
        if isinstance(at, ast.Call) and isinstance(at.func, ast.Attribute):
            at = at.func.value
        elif isinstance(at, ast.Call):
            return at.func
        else:
            return at


def _last_name(node: ast.expr) -> str:
    return _written(node).rpartition(".")[2]


def _written(node: ast.expr) -> str:
    """`a` or `a.b.c` as it stands there; nothing for what is no name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _written(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return ""


def _words_of(node: ast.JoinedStr | ast.Constant) -> list[str]:
    """The words and signs of a text; what is put into it stands as one sign."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = "".join(
        str(part.value) if isinstance(part, ast.Constant) and isinstance(part.value, str) else " ? "
        for part in parts
    )
    lines = (line.partition("--")[0] for line in text.replace('"', "").split("\n"))
    spaced = "\n".join(lines)
    for sign in "(),;":
        spaced = spaced.replace(sign, f" {sign} ")
    return spaced.split()


def _tables_named(words: list[str]) -> Iterator[str]:
    """The content tables of a statement, or of a part of one."""
    is_statement = bool(words) and words[0].upper() in _STATEMENT
    for before, word in pairwise(words):
        table = word.lower().removeprefix("public.")
        if table in CONTENT.values() and (
            before.upper() in _BEFORE_TABLE or (is_statement and before == ",")
        ):
            yield table
