"""`ken usage`: tokens and money by person, day and model."""

import pytest
from rich.console import Console
from sqlalchemy import text

from tests.workers.library import Library
from tests.workers.slack_company import kept
from workers.answering.spending import FAILURES, Payer, record
from workers.cli.running import _holdings, _problems
from workers.cli.usage import read_usage, shown
from workers.errors import InputInvalid
from workers.models.usage import Usage
from workers.ops import facts
from workers.settings import Settings

PRICED: dict[str, object] = {"model_price_input": 2.0, "model_price_output": 8.0}


def used(
    library: Library,
    user: str,
    usage: Usage,
    failure: str = "",
    set_to: dict[str, object] | None = None,
) -> None:
    settings = library.database.settings.model_copy(update={"model_name": "gpt", **(set_to or {})})
    payer = Payer(kept(user_id=user), "T1", user)
    record(library.database, settings, payer, usage, failure=failure)


def printed(lines: object, by: str) -> str:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(shown(lines, by))  # type: ignore[arg-type]
    return captured.get()


def test_a_line_for_each_person_with_tokens_and_money(
    settings: Settings, library: Library, door: None
) -> None:
    used(library, "UALICE", Usage(1_000_000, 500_000), set_to=PRICED)
    used(library, "UALICE", Usage(0, 0), "timeout", set_to=PRICED)
    used(library, "UBOB", Usage(100, 10, estimated=True))
    alice, bob = read_usage(settings, by="person", days=30)
    assert (alice.name, alice.questions, alice.calls, alice.failed) == ("T1/UALICE", 2, 2, 1)
    assert (alice.input_tokens, alice.output_tokens, alice.cost) == (1_000_000, 500_000, 6.0)
    assert (bob.cost, bob.without_price, bob.estimated) == (0, 1, 1)
    table = printed([alice, bob], "person")
    assert "6.0000" in table
    assert "no price" in table
    assert "1,000,100" in table


def test_by_day_and_by_model_and_by_nothing_else(
    settings: Settings, library: Library, door: None
) -> None:
    used(library, "UALICE", Usage(7, 3), set_to=PRICED)
    used(library, "UALICE", Usage(7, 3), set_to={"model_name": "[bold]other"})
    (day,) = read_usage(settings, by="day", days=30)
    assert (day.calls, day.input_tokens) == (2, 14)
    models = read_usage(settings, by="model", days=30)
    assert {one.name for one in models} == {"gpt", "[bold]other"}
    assert "[bold]other" in printed(models, "model")
    with pytest.raises(InputInvalid, match="there is no such list"):
        read_usage(settings, by="x; DROP TABLE model_use", days=30)


def test_an_empty_company_has_used_nothing(settings: Settings, library: Library) -> None:
    assert read_usage(settings, by="person", days=1) == []
    assert "in all" in printed([], "person")


def test_a_model_that_rests_is_seen_in_status_and_metrics(
    settings: Settings, library: Library, door: None
) -> None:
    for _ in range(FAILURES):
        used(library, "UALICE", Usage(), "timeout")
    used(library, "UALICE", Usage(1, 1), set_to={"model_name": "other"})
    held = _holdings(settings)
    models = held["models"]
    assert isinstance(models, dict)
    assert models["gpt"].startswith("rests until ")
    assert models["gpt"].endswith("UTC: timeout")
    assert models["other"] == "answers"
    (problem,) = [one for one in _problems({**held, "outdated": {}}) if "model" in one]
    assert "the model gpt rests until" in problem

    exposition = facts.exposition(settings, library.database)().decode()
    assert 'ken_model_resting{model="gpt"} 1.0' in exposition
    assert 'ken_model_resting{model="other"} 0.0' in exposition


def test_the_bots_role_sees_no_text_in_it_and_cannot_write_it(library: Library) -> None:
    with library.database.session("ingress") as session:
        may = session.scalar(
            text("SELECT has_table_privilege('model_use', 'INSERT, UPDATE, DELETE')")
        )
    assert not may
