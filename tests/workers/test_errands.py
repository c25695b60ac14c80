"""An errand is done at least once, whatever happens to the worker that does it."""

from collections.abc import Callable
from typing import Any, get_args

import pytest
from sqlalchemy import text

from tests.workers.slack_company import TEAM, Company
from workers import errands, sweeper
from workers.errors import SlackBusy, SlackRefused, SlackUnavailable
from workers.intake.messages import Errand, ErrandKind, StoredErrand
from workers.interface import submit_errand
from workers.services import Services


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[StoredErrand]:
    """Records the home tabs that were published; it accepts everything."""
    found: list[StoredErrand] = []
    does(monkeypatch, found.append)
    return found


def does(monkeypatch: pytest.MonkeyPatch, duty: Callable[[StoredErrand], object]) -> None:
    def do(services: Services, kept: StoredErrand) -> None:
        duty(kept)

    monkeypatch.setitem(errands._HANDLERS, "home", do)


def keep(event_id: str = "Ev1", **details: Any) -> int | None:
    return submit_errand(Errand(event_id, "home", TEAM, "UALICE", "", details))


def test_every_kind_of_errand_has_a_handler() -> None:
    assert errands._HANDLERS.keys() == set(get_args(ErrandKind))


def row(company: Company) -> Any:
    with company.library.database.session("ingress") as session:
        return session.execute(
            text(
                "SELECT attempts, outcome, done_at IS NOT NULL AS done,"
                " extract(epoch FROM due_at) AS due FROM errand"
            )
        ).one()


def clock(company: Company) -> Any:
    """The database's."""
    with company.library.database.session("ingress") as session:
        return session.scalar(text("SELECT extract(epoch FROM now())"))


def due_now(company: Company) -> None:
    with errands._at(company.library.database, 1) as session:
        session.execute(text("UPDATE errand SET due_at = now() - interval '2 seconds'"))


def test_an_errand_is_kept_once_and_done_once(company: Company, done: list[StoredErrand]) -> None:
    assert keep(note="a\0b") == 1
    assert keep() is None

    errands.run_errand(company.services, 1)
    errands.run_errand(company.services, 1)

    assert [(kept.user_id, kept.details) for kept in done] == [("UALICE", {"note": "ab"})]
    assert row(company).done


def test_a_lost_ring_is_found_again(company: Company, done: list[StoredErrand]) -> None:
    keep()
    sweeper.do_errands(company.services)
    assert done == []  # its ring may be on its way

    due_now(company)
    sweeper.do_errands(company.services)
    assert len(done) == 1


def test_a_worker_that_dies_over_it_leaves_it_to_the_next(
    company: Company, monkeypatch: pytest.MonkeyPatch, done: list[StoredErrand]
) -> None:
    class Killed(BaseException):
        pass

    def killed(kept: StoredErrand) -> None:
        raise Killed

    keep()
    does(monkeypatch, killed)
    before = clock(company)
    with pytest.raises(Killed):
        errands.run_errand(company.services, 1)
    assert row(company).due - clock(company) <= 30 <= row(company).due - before
    does(monkeypatch, done.append)
    errands.run_errand(company.services, 1)
    assert done == []  # for a while it may still be at it

    due_now(company)
    errands.run_errand(company.services, 1)
    assert [kept.attempts for kept in done] == [2]


@pytest.mark.parametrize(
    ("error", "rest_s"),
    [
        (SlackUnavailable("timeout"), 1),
        (SlackBusy("ratelimited", retry_after_s=77), 77),
        (RuntimeError("a bug"), 1),
    ],
)
def test_what_may_pass_is_tried_again_after_a_rest(
    company: Company,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    rest_s: float,
) -> None:
    def fails(kept: StoredErrand) -> None:
        raise error

    keep()
    does(monkeypatch, fails)
    before = clock(company)
    errands.run_errand(company.services, 1)

    found = row(company)
    assert not found.done
    assert found.due - clock(company) <= rest_s <= found.due - before


@pytest.mark.parametrize("error", [SlackRefused("user_not_found"), RuntimeError("a bug")])
def test_what_does_not_pass_ends_with_the_name_of_the_error(
    company: Company,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
) -> None:
    """Threats 26 and 27: the name is on record and in the log, and what was sent is not."""

    def fails(kept: StoredErrand) -> None:
        raise error

    keep(comment="canary")
    does(monkeypatch, fails)
    for _ in range(errands._MOST_DEATHS):
        due_now(company)
        errands.run_errand(company.services, 1)

    assert (row(company).done, row(company).outcome) == (True, type(error).__name__)
    captured = capsys.readouterr()
    assert "canary" not in captured.out + captured.err


def test_a_worker_sees_no_errand_but_the_one_it_is_on(
    company: Company, done: list[StoredErrand]
) -> None:
    """Threat 32: what people write into feedback is theirs."""
    keep("Ev1")
    keep("Ev2")
    with company.library.database.session("answerer") as session:
        assert session.scalar(text("SELECT count(*) FROM errand")) == 0
    with errands._at(company.library.database, 2) as session:
        assert session.scalars(text("SELECT event_id FROM errand")).all() == ["Ev2"]


def test_a_thread_that_is_gone_shows_nothing_that_could_be_taken_back(company: Company) -> None:
    """Deleting it removed the status too."""
    submit_errand(Errand("Ev1", "rested", TEAM, "UALICE", "CALL", {"thread_ts": "1.000001"}))
    errands.run_errand(company.services, 1)
    assert (row(company).done, row(company).outcome) == (True, None)
    (call,) = company.slack.calls("agents.sessions.setStatus")
    assert call.response is not None
    assert call.response["ok"] is False
