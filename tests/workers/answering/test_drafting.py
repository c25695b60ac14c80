"""A model that fails or costs too much: another one, the documents' own words, or one notice."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

import workers.answering.drafting as drafting
from policies import Class
from tests.workers.answering.asking import only
from tests.workers.answering.passages import passage
from tests.workers.answering.test_failures import failing
from tests.workers.answering.thinking import texts
from tests.workers.slack_company import Company, FakeAnswerer, quote_all
from workers.answering.drafting import (
    BUDGET_OF_DAY,
    BUDGET_OF_MONTH,
    NOT_ANSWERING,
    Asking,
    fitting,
)
from workers.answering.spending import FAILURES, Payer, may_call, record, rests
from workers.database.sessions import connect
from workers.errors import ModelUnavailable, OverBudget
from workers.models.base import NOBODY, Draft, Passage
from workers.models.prompt import prompt
from workers.models.usage import Usage, estimate
from workers.settings import Budget, Settings

QUESTION = "What is the budget of the harbour?"
FACT = "The budget of the harbour is ten million euros."
LASTING = ModelUnavailable("unauthorized", transient=False)
PASSING = ModelUnavailable("timeout")


@pytest.fixture
def asked(company: Company) -> Company:
    """A company that has a model, and one page that anybody may read."""
    with_settings(company, model_name="fake", model_base_url="http://127.0.0.1:9/v1")
    company.person("alice", profile={"team": "Sales"})
    company.person("bob", profile={"team": "Sales"})
    company.library.document("open", FACT, only(Class.INTERNET))
    return company


def with_settings(company: Company, **more: Any) -> Settings:
    settings = company.services.settings.model_copy(update=more)
    company.services = replace(company.services, settings=settings)
    return settings


def uses(company: Company) -> list[tuple[str, str]]:
    with company.services.database.session("answerer") as session:
        rows = session.connection().exec_driver_sql(
            "SELECT model, outcome FROM model_use ORDER BY id"
        )
        return [(row.model, row.outcome) for row in rows]


def as_owner(company: Company, statement: str, **given: object) -> None:
    owner = connect(company.services.settings, "owner")
    with owner.begin() as connection:
        connection.execute(text(statement), given)
    owner.dispose()


def forget_rest(company: Company) -> None:
    """As if the time of the rest had passed."""
    as_owner(company, "UPDATE model_use SET again_at = now() WHERE again_at > now()")


# -- failures -----------------------------------------------------------------------------------


def test_a_model_that_will_not_answer_is_replaced_by_the_documents_and_that_is_said(
    asked: Company,
) -> None:
    """Fault: the key is refused, the model is not there, the account is empty."""
    asked.model.write_next = failing(LASTING)
    question_id = asked.asked("DUALICE", "alice", QUESTION)

    (told,) = texts(asked, "DUALICE")
    assert FACT in told
    assert NOT_ANSWERING in told
    assert asked.state(question_id) == ("answered", None)
    ((model,),) = asked.look(question_id, "SELECT model FROM answer")
    assert model == "quoting"
    assert uses(asked) == [("fake", "unauthorized")]


def test_a_failure_that_may_pass_is_tried_again_until_the_deadline(asked: Company) -> None:
    """Fault: 429, 5xx, timeouts, cut streams."""
    asked.model.write_next = failing(PASSING)
    question_id = asked.said("DUALICE", "alice", QUESTION)
    asked.work(question_id)
    assert asked.state(question_id) == ("kept", None)
    assert texts(asked, "DUALICE") == []

    asked.asked_long_ago(question_id, seconds=57)
    asked.rest_is_over(question_id)
    asked.work(question_id)
    (told,) = texts(asked, "DUALICE")
    assert NOT_ANSWERING in told
    assert asked.state(question_id) == ("answered", None)


def test_after_the_deadline_no_model_is_asked(asked: Company) -> None:
    """A question that waited for a worker is answered at once, and the model is not blamed."""
    question_id = asked.said("DUALICE", "alice", QUESTION)
    asked.asked_long_ago(question_id, seconds=60)
    asked.work(question_id)
    assert asked.model.shown == []
    assert NOT_ANSWERING in texts(asked, "DUALICE")[0]
    assert uses(asked) == []


def test_what_no_document_answers_word_for_word_ends_in_the_honest_notice(asked: Company) -> None:
    asked.model.write_next = failing(LASTING)
    question_id = asked.asked("DUALICE", "alice", "Why is the moon made of cheese?")
    assert texts(asked, "DUALICE") == [f"{ModelUnavailable.reply} (question {question_id})"]
    assert asked.state(question_id) == ("failed", "ModelUnavailable")


def test_a_second_model_answers_where_the_first_does_not(asked: Company) -> None:
    with_settings(asked, fallback_model_name="other")
    other = FakeAnswerer(name="other")
    asked.services = replace(asked.services, second=other)
    asked.model.write_next = failing(PASSING)
    question_id = asked.asked("DUALICE", "alice", QUESTION)

    (told,) = texts(asked, "DUALICE")
    assert NOT_ANSWERING not in told
    assert len(other.shown) == 1
    ((model,),) = asked.look(question_id, "SELECT model FROM answer")
    assert model == "other"
    assert uses(asked) == [("fake", "timeout"), ("other", "")]


def test_after_failures_in_a_row_a_model_rests_and_then_one_question_tries_it(
    asked: Company,
) -> None:
    asked.model.write_next = failing(LASTING)
    for _ in range(FAILURES + 2):
        asked.asked("DUALICE", "alice", QUESTION)
    assert len(asked.model.shown) == FAILURES
    assert all(NOT_ANSWERING in told for told in texts(asked, "DUALICE"))
    database = asked.services.database
    assert rests(database, "fake")

    forget_rest(asked)
    assert may_call(database, "fake")
    assert not may_call(database, "fake"), "somebody else tries it"

    forget_rest(asked)
    asked.asked("DUALICE", "alice", QUESTION)  # it fails once more, and rests at once
    assert len(asked.model.shown) == FAILURES + 1
    assert rests(database, "fake")

    forget_rest(asked)
    asked.model.write_next = quote_all
    asked.asked("DUALICE", "alice", QUESTION)
    assert may_call(database, "fake")
    assert may_call(database, "fake")


def test_without_the_breaker_each_question_waits_for_the_model(
    asked: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "may_call", lambda database, model: True)
    asked.model.write_next = failing(LASTING)
    for _ in range(FAILURES + 2):
        asked.asked("DUALICE", "alice", QUESTION)
    assert len(asked.model.shown) == FAILURES + 2


def test_a_server_that_says_when_it_has_time_is_not_called_before(asked: Company) -> None:
    """Fault: 429 with Retry-After."""
    asked.model.write_next = failing(ModelUnavailable("busy", retry_after_s=3600.0))
    asked.asked("DUALICE", "alice", QUESTION)
    assert NOT_ANSWERING in texts(asked, "DUALICE")[0]
    assert rests(asked.services.database, "fake")


@pytest.mark.parametrize("reason", ["refused", "content_filter", "no_json", "empty", "too_long"])
def test_what_is_wrong_with_one_question_rests_no_model(asked: Company, reason: str) -> None:
    """Faults: refusals, schema violations, empty output, a context that is too long."""
    asked.model.write_next = failing(ModelUnavailable(reason, transient=False))
    for _ in range(FAILURES + 1):
        asked.asked("DUALICE", "alice", QUESTION)
    assert len(asked.model.shown) == FAILURES + 1
    assert NOT_ANSWERING in texts(asked, "DUALICE")[-1]


def test_without_a_model_of_its_own_a_company_records_nothing(company: Company) -> None:
    company.person("alice")
    company.library.document("open", FACT, only(Class.INTERNET))
    company.asked("DUALICE", "alice", QUESTION)
    assert uses(company) == []


# -- budgets ------------------------------------------------------------------------------------


def spend(company: Company, user: str, dollars: float, *, team: str = "T1") -> None:
    settings = company.services.settings.model_copy(
        update={"model_price_input": 1e6, "model_price_output": 0.0}
    )
    question_id = company.said("DUCARL", "carl", "hello")
    record(company.services.database, settings, Payer(question_id, team, user), Usage(1))
    as_owner(company, "UPDATE model_use SET cost = :cost WHERE cost = 1", cost=dollars)


def a_month_ago(company: Company) -> None:
    as_owner(company, "UPDATE model_use SET at = at - interval '32 days'")


@pytest.mark.parametrize(
    ("budget", "spender", "team", "note"),
    [
        (Budget("person", "day", 5), "UALICE", "T1", BUDGET_OF_DAY),
        (Budget("person", "month", 5), "UALICE", "T1", BUDGET_OF_MONTH),
        (Budget("team", "day", 5), "UBOB", "T1", BUDGET_OF_DAY),
        (Budget("team", "month", 5), "UBOB", "T1", BUDGET_OF_MONTH),
        (Budget("workspace", "day", 5), "UCARL", "T1", BUDGET_OF_DAY),
        (Budget("workspace", "month", 5), "UCARL", "T1", BUDGET_OF_MONTH),
    ],
)
def test_when_a_budget_is_used_up_the_documents_are_quoted_and_no_model_is_called(
    asked: Company, budget: Budget, spender: str, team: str, note: str
) -> None:
    """Threat 40: the money, too, has an end."""
    with_settings(asked, budgets=(budget,))
    spend(asked, spender, 4.0, team=team)
    asked.asked("DUALICE", "alice", QUESTION)
    assert len(asked.model.shown) == 1, "there is money left"

    spend(asked, spender, 1.5, team=team)
    asked.asked("DUALICE", "alice", QUESTION)
    assert len(asked.model.shown) == 1
    assert note in texts(asked, "DUALICE")[-1]
    assert FACT in texts(asked, "DUALICE")[-1]

    a_month_ago(asked)
    asked.asked("DUALICE", "alice", QUESTION)
    assert len(asked.model.shown) == 2, "a new day and a new month"


def test_what_others_spend_is_not_ones_own(asked: Company) -> None:
    with_settings(asked, budgets=(Budget("person", "day", 5),))
    spend(asked, "UBOB", 100.0)
    spend(asked, "UALICE", 100.0, team="T2")
    asked.asked("DUALICE", "alice", QUESTION)
    assert len(asked.model.shown) == 1
    with_settings(asked, budgets=(Budget("team", "day", 5),))
    asked.person("carl")  # has no team
    asked.asked("DUCARL", "carl", QUESTION)
    assert len(asked.model.shown) == 2


def test_over_budget_and_without_a_quotation_there_is_a_polite_word(asked: Company) -> None:
    with_settings(asked, budgets=(Budget("workspace", "day", 5),))
    spend(asked, "UBOB", 10.0)
    question_id = asked.asked("DUALICE", "alice", "Why is the moon made of cheese?")
    assert texts(asked, "DUALICE") == [f"{OverBudget.reply} (question {question_id})"]
    assert asked.model.shown == []


def test_without_prices_tokens_are_counted_and_cost_nothing(asked: Company) -> None:
    question_id = asked.said("DUALICE", "alice", QUESTION)
    payer = Payer(question_id, "T1", "UALICE")
    record(asked.services.database, asked.services.settings, payer, Usage(100, 20))
    with asked.services.database.session("answerer") as session:
        row = session.connection().exec_driver_sql("SELECT * FROM model_use").one()
    assert (row.input_tokens, row.output_tokens, row.cost) == (100, 20, None)
    assert row.person_id == asked.library.ids["alice"]


# -- what fits ----------------------------------------------------------------------------------


def _asking(*texts: str) -> Asking:
    return Asking(QUESTION, tuple(map(passage, texts)), "", NOBODY)


def test_passages_that_do_not_fit_the_window_are_left_out_from_the_end_and_none_is_cut(
    settings: Settings,
) -> None:
    asking = _asking(*(f"{number} " + "words " * 300 for number in range(8)))
    for window in (3000, 4000, 5000, 8000):
        limited = settings.model_copy(update={"model_window": window, "model_max_tokens": 500})
        shown = fitting(limited, asking)
        assert shown == asking.passages[: len(shown)]
        assert estimate(prompt(QUESTION, shown)) <= window - 500
        longer = asking.passages[: len(shown) + 1]
        assert len(shown) == 8 or estimate(prompt(QUESTION, longer)) > window - 2000
    assert fitting(settings, asking) == asking.passages
    tiny = settings.model_copy(update={"model_window": 10})
    assert fitting(tiny, asking) == asking.passages[:1]


def test_if_the_server_says_that_it_is_too_long_half_of_the_passages_are_tried(
    asked: Company,
) -> None:
    """Fault: the context is longer than anybody said."""
    for number in range(5):
        asked.library.document(f"more-{number}", f"{FACT} {number}", only(Class.INTERNET))

    def takes_two(question: str, passages: tuple[Passage, ...]) -> Draft:
        if len(passages) > 2:
            raise ModelUnavailable("too_long", transient=False)
        return quote_all(question, passages)

    asked.model.write_next = takes_two
    question_id = asked.asked("DUALICE", "alice", QUESTION)
    assert [len(passages) for _, passages in asked.model.shown] == [6, 3, 1]
    assert NOT_ANSWERING not in texts(asked, "DUALICE")[0]
    ((used,),) = asked.look(question_id, "SELECT used FROM answer")
    assert len(used) == 1, "the final check is of what the model saw"


# -- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("person/day=1", "set KEN_MODEL_PRICE_INPUT and KEN_MODEL_PRICE_OUTPUT"),
        ("nobody/day=1", "is no budget"),
        ("person/week=1", "is no budget"),
        ("person/day=-1", "is no budget"),
        ("person/day=many", "is no budget"),
        ("person/day=1 person/day=2", "twice"),
    ],
)
def test_a_budget_that_cannot_hold_is_refused_at_the_start(
    tmp_path: Any, given: str, says: str
) -> None:
    prices = {} if "set KEN" in says else {"model_price_input": 1, "model_price_output": 2}
    with pytest.raises(ValueError, match=says):
        Settings(home=tmp_path, budgets=given, **prices)  # type: ignore[arg-type]


def test_the_second_models_key_goes_to_its_own_server(tmp_path: Any) -> None:
    make: Callable[..., Settings] = lambda **more: Settings(  # noqa: E731
        home=tmp_path, model_api_key=SecretStr("first"), fallback_model_name="small", **more
    )
    same = make().fallback_model
    assert same is not None
    assert (same.model_name, same.model_api_key.get_secret_value()) == ("small", "first")
    other = make(fallback_model_base_url="http://other/v1").fallback_model
    assert other is not None
    assert (other.model_base_url, other.model_api_key.get_secret_value()) == ("http://other/v1", "")
    assert Settings(home=tmp_path, fallback_model_name="small").fallback_model is None
