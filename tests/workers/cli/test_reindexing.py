"""`ken reindex`, on a real database and a server that speaks OpenAI's embeddings API."""

from collections.abc import Iterator
from functools import partial

import pytest
import typer
from pydantic import SecretStr
from rich.console import Console

from tests.servers import opened
from tests.workers.answering.asking import only
from tests.workers.library import Library
from tests.workers.models.vector_server import VectorServer, serving
from workers.cli import doctor, running
from workers.cli import reindexing as command
from workers.cli.jobs import progress, show, show_all
from workers.database.sessions import Database
from workers.errors import InputInvalid
from workers.index import versions
from workers.ingest import reindexing
from workers.jobs import rows
from workers.jobs.rows import OpenAlready, Shown
from workers.models import by_name

NAME = VectorServer.model


@pytest.fixture
def server() -> Iterator[VectorServer]:
    with serving(VectorServer()) as one:
        yield one


@pytest.fixture
def database(library: Library, server: VectorServer) -> Database:
    """A company of five pages, indexed by the embedded models as far as the database knows."""
    library.embedder.name = by_name.ENGLISH
    alice = library.person("alice")
    for number in range(5):
        library.document(f"page {number}", f"The budget of part {number} is large.", only(alice))
    _add_multilingual(library)
    known = {"embedding_base_url": server.url, "embedding_api_key": SecretStr("sk-1")}
    return opened(library.database.settings.model_copy(update={**known, "embedding_price": 100.0}))


def _add_multilingual(library: Library) -> None:
    with library.database.session("indexer") as session:
        model_id = versions.model_row(session, by_name.MULTILINGUAL, 512).id
        session.connection().exec_driver_sql(
            "INSERT INTO embedding (chunk_id, model_id, document_id, vector)"
            " SELECT id, %s, document_id, array_fill(0.1, ARRAY[512])::halfvec FROM chunk",
            (model_id,),
        )


@pytest.fixture
def screen() -> Console:
    return Console(record=True, width=200)


def begin(database: Database, screen: Console, model: str | None, **more: object) -> int | None:
    options: dict[str, object] = {"budget": None, "yes": True, **more}
    return command.begin(database, model, None, console=screen, **options)  # type: ignore[arg-type]


def test_what_it_costs_is_told_then_it_is_built_and_what_it_cost_is_told(
    database: Database, screen: Console
) -> None:
    job_id = begin(database, screen, NAME)
    assert job_id is not None
    assert "5 chunks, 5 of them to embed by text-embedding-3-small: at most about" in (
        told := screen.export_text()
    )
    assert "at 100 a million" in told
    job = command.follow(database, job_id)
    assert command.show_result(database, job, screen) == 0
    told = screen.export_text()
    assert "Questions use the index by text-embedding-3-small. 5 texts were embedded" in told
    assert "cost 0.00" in told
    assert "--roll-back` goes back to the one before, for 7 days" in told
    show(job, screen)
    show_all([job], screen)
    command.show_versions(command.listed(database), screen)
    told = screen.export_text()
    assert "reindex" in told
    assert "1.000" in told
    assert progress(job) == "5 of 5"


def test_what_it_may_cost_stands_with_the_job_and_counts_whichever_process_works(
    database: Database, screen: Console
) -> None:
    job_id = begin(database, screen, NAME, budget=50.0)
    assert job_id
    screen.export_text()
    show(rows.job(database, job_id), screen)
    told = screen.export_text()
    assert "expected: 5 chunks, at most about 60 tokens, cost 0.006 at 100 a million" in told
    assert "its budget is 50" in told

    other = opened(database.settings.model_copy(update={"embedding_price": None}))
    assert command.follow(other, job_id).counts["cost"] > 0


def test_the_same_model_again_is_nothing_to_do(database: Database, screen: Console) -> None:
    assert begin(database, screen, None) is None
    assert begin(database, screen, by_name.BUILT_IN) is None
    assert "every chunk has its vectors. Nothing is to be done." in screen.export_text()
    assert rows.jobs(database) == []


def test_what_is_missing_is_added(database: Database, screen: Console) -> None:
    job_id = begin(database, screen, NAME)
    assert job_id
    command.follow(database, job_id)
    with database.session("indexer") as session:
        session.connection().exec_driver_sql("DELETE FROM embedding WHERE chunk_id < 3")
    job_id = begin(database, screen, None, budget=7.0)
    assert job_id
    assert rows.job(database, job_id).details["budget"] == 7.0
    assert "5 chunks, 2 of them to embed" in screen.export_text()
    assert command.show_result(database, command.follow(database, job_id), screen) == 0


def test_where_it_costs_something_it_asks(
    database: Database, screen: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no(_words: str, *, abort: bool) -> None:
        raise typer.Abort

    monkeypatch.setattr(typer, "confirm", no)
    with pytest.raises(typer.Abort):
        begin(database, screen, NAME, yes=False)
    assert rows.jobs(database) == []


def test_a_budget_that_ends_half_way_pauses_it_and_nothing_is_switched(
    database: Database, screen: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reindexing, "_BATCH", 2)
    job_id = begin(database, screen, NAME, budget=0.0015)
    assert job_id
    job = command.follow(database, job_id)
    assert job.state is Shown.PAUSED
    assert 0 < job.done < 5
    screen.export_text()
    assert command.show_result(database, job, screen) == 1
    told = screen.export_text()
    assert "its budget of 0.0015 is used up" in told
    assert "Nothing was switched. Questions use the index by all-MiniLM" in told
    assert f"`ken jobs resume {job_id}` goes on" in told

    with pytest.raises(OpenAlready):
        begin(database, screen, NAME)
    assert begin(database, screen, NAME, budget=0.002) == job_id
    job = command.follow(database, job_id)
    assert (job.state, "its budget of 0.002" in job.reason) == (Shown.PAUSED, True)
    assert 0 < job.done < 5

    rows.cancel(database, job_id, actor="test")
    again = begin(database, screen, NAME)
    assert again
    assert command.follow(database, again).counts["embedded"] == 5 - job.done


def test_a_budget_needs_a_price_and_a_second_one_waits_for_the_first(
    database: Database, screen: Console
) -> None:
    free = opened(database.settings.model_copy(update={"embedding_price": None}))
    with pytest.raises(InputInvalid, match="needs a price"):
        begin(free, screen, NAME, budget=1.0)
    job_id = begin(database, screen, NAME)
    with pytest.raises(OpenAlready, match=f"Job {job_id} \\(reindex\\) is already waiting"):
        begin(database, screen, by_name.BUILT_IN)


def test_the_same_command_again_goes_on_with_what_was_interrupted(
    database: Database, screen: Console
) -> None:
    job_id = begin(database, screen, NAME)
    assert begin(database, screen, NAME) == job_id
    assert f"Job {job_id}, which was begun before, goes on." in screen.export_text()
    assert job_id
    command.follow(database, job_id)
    back = command.begin_roll_back(database)
    assert command.begin_roll_back(database) == back
    with pytest.raises(OpenAlready):
        begin(database, screen, NAME)


@pytest.mark.parametrize(
    ("model", "dimensions", "why"),
    [
        ("nonsense", None, "does not know this model"),
        (by_name.BUILT_IN, 64, "Only vectors of a server"),
    ],
)
def test_a_model_that_is_none_is_refused_before_anything_begins(
    database: Database, screen: Console, model: str, dimensions: int | None, why: str
) -> None:
    with pytest.raises(InputInvalid, match=why):
        command.begin(database, model, dimensions, budget=None, yes=True, console=screen)
    assert rows.jobs(database) == []


def test_shortened_vectors_are_a_model_of_their_own(database: Database, screen: Console) -> None:
    job_id = command.begin(database, NAME, 128, budget=None, yes=True, console=screen)
    assert job_id
    assert command.follow(database, job_id).state is Shown.DONE
    newest, *_ = command.listed(database)
    assert (newest.model, newest.dimension, newest.vectors) == (f"{NAME}@128", 128, 5)


def test_a_failure_says_what_is_safe_and_what_to_do_next(
    database: Database, server: VectorServer, screen: Console
) -> None:
    job_id = begin(database, screen, NAME)
    assert job_id
    server.always = lambda _: (401, {"error": {"message": "Incorrect API key provided"}}, {})
    job = command.follow(database, job_id)
    assert command.show_result(database, job, screen) == 1
    told = screen.export_text()
    assert (
        "failed: The server of the model 'text-embedding-3-small' does not accept the key" in told
    )
    assert "Correct KEN_EMBEDDING_API_KEY" in told
    assert "Nothing was switched." in told


def test_going_back_by_the_command(database: Database, screen: Console) -> None:
    job_id = begin(database, screen, NAME)
    assert job_id
    command.follow(database, job_id)
    back = command.follow(database, command.begin_roll_back(database))
    assert command.show_result(database, back, screen) == 0
    assert "Questions use the index by all-MiniLM" in screen.export_text()


def test_doctor_and_status_say_what_the_index_is_by_and_what_is_wrong_with_it(
    database: Database, server: VectorServer, screen: Console
) -> None:
    look = partial(doctor._safely, doctor._index, database.settings, database)
    assert look() == doctor.Finding("index", True, "by the embedded models")
    job_id = begin(database, screen, NAME)
    assert job_id
    command.follow(database, job_id)
    assert look() == doctor.Finding("index", True, f"by {NAME}, version 2")

    with database.session("indexer") as session:
        session.connection().exec_driver_sql("DELETE FROM embedding WHERE chunk_id < 3")
    assert "2 chunks without a vector" in look().found
    facts = running._holdings(database.settings)
    assert (facts["index_by"], facts["chunks_by_words_alone"]) == (NAME, 2)
    assert "2 chunks without a vector: run `ken reindex`" in running._problems(
        {**facts, "outdated": {}}
    )

    server.turn = 9
    assert "Another model answers under the name" in look().found
    server.always = lambda _: (500, {"error": {"message": "oops"}}, {})
    found = look()
    assert not found.ok
    assert "internal error" in found.found
