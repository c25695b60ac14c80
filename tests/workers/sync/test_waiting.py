"""Widening waits, revocation does not; what was done can be taken back."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from policies.change import Change
from policies.described import SeenAccount
from policies.tables.people import UserStatus
from policies.tables.sources import RunKind, RunState
from tests.servers import opened
from tests.workers.sync.conftest import SOURCE, Drive, Line, folder, group, page
from workers.errors import InputInvalid
from workers.sync import runs, sources
from workers.sync.difference import Difference
from workers.sync.runs import Run


def careful(drive: Drive, **limits: int) -> Drive:
    """Whatever gives anybody anything waits."""
    limits = {"widening_limit": 0, "widening_percent": 0, "class_widening_limit": 0, **limits}
    settings = drive.database.settings.model_copy(update=limits)
    return Drive(opened(settings), drive.people)


def refused(push: Callable[[], object]) -> str:
    with pytest.raises(InputInvalid) as error:
        push()
    return str(error.value)


# Ana leaves the staff, and Cy joins; Bob may read the diary.
CHANGED: list[Line] = [
    group("staff", "group:berlin", "user:cy"),
    group("berlin", "user:bob"),
    folder("plans", "group:staff"),
    page("may", parent="plans"),
    page("june", parent="plans"),
    page("diary", "user:cy", "user:bob"),
    page("new", "user:ana"),
]
NARROWED = {"diary": ["cy"], "june": ["bob"], "may": ["bob"]}
AFTER = {"diary": ["bob", "cy"], "june": ["bob", "cy"], "may": ["bob", "cy"], "new": ["ana"]}
BEFORE = {"diary": ["cy"], "june": ["ana", "bob"], "may": ["ana", "bob"]}


# -- waiting ----------------------------------------------------------------------------------


def pairs(difference: Difference | None) -> tuple[int, int]:
    """How many readings of documents are gained and lost."""
    assert difference is not None
    return difference.pairs_gained, difference.pairs_lost


@pytest.mark.parametrize("delta", [False, True])
def test_what_a_waiting_run_takes_away_counts_at_once_and_what_it_gives_does_not(
    small: Drive, delta: bool
) -> None:
    drive = careful(small)
    epoch = drive.epoch()
    waiting = drive.push(*CHANGED, delta=delta)
    assert waiting.state is RunState.WAITING
    assert drive.readers() == NARROWED
    assert waiting.epoch == drive.epoch() == epoch + 1
    assert (pairs(waiting.difference), pairs(waiting.applied)) == ((4, 2), (0, 2))
    assert waiting.waits_for == ("3 people gain 4 readings; more than 0 need confirmation",)


@pytest.mark.parametrize("delta", [False, True])
def test_what_a_waiting_run_gives_counts_once_it_is_confirmed(small: Drive, delta: bool) -> None:
    drive = careful(small)
    waiting = drive.push(*CHANGED, delta=delta)
    run = runs.confirm(drive.database, waiting.id, actor="admin")
    assert drive.readers() == AFTER
    assert waiting.epoch is not None
    assert (run.state, run.epoch) == (RunState.APPLIED, waiting.epoch + 1)
    assert pairs(run.difference) == (4, 0)
    assert "is applied, not waiting" in refused(
        lambda: runs.confirm(drive.database, waiting.id, actor="admin")
    )


def test_a_confirmed_push_and_one_below_the_limit_apply_at_once(small: Drive) -> None:
    assert careful(small).push(*CHANGED, confirmed=True).state is RunState.APPLIED
    assert careful(small, widening_limit=100).push(*CHANGED).state is RunState.APPLIED
    less = careful(small).push(page("may", "user:bob"), page("june"))
    assert less.state is RunState.APPLIED
    assert small.readers() == {"may": ["bob"], "june": [], "diary": [], "new": []}


def test_the_limit_grows_with_what_is_readable_already(small: Drive) -> None:
    """5 readings before: 40 % of them are 2."""
    two = page("diary", "user:cy", "user:ana", "user:bob")
    assert careful(small, widening_percent=39).delta(two).state is RunState.WAITING
    assert careful(small, widening_percent=40).delta(two).state is RunState.APPLIED


@pytest.mark.parametrize("name", ["members", "members_and_guests", "internet"])
def test_what_everybody_may_read_waits_by_a_limit_of_its_own(small: Drive, name: str) -> None:
    drive = careful(small, widening_limit=1000, class_widening_limit=1)
    one, two = page("a", f"class:{name}"), page("b", f"class:{name}")
    assert drive.delta(one).state is RunState.APPLIED
    run = drive.delta(two, page("c", f"class:{name}"))
    assert run.state is RunState.WAITING
    assert "the class members gains 2 documents; more than 1 need confirmation" in run.waits_for
    assert drive.readers()["a"][0] == "ana"
    assert "b" not in drive.readers()


def test_a_first_push_waits_like_any_other(drive: Drive) -> None:
    waiting = careful(drive).push(*CHANGED)
    assert waiting.state is RunState.WAITING
    assert drive.readers() == {}


def test_a_dropped_run_gives_nothing_and_gives_nothing_back(small: Drive) -> None:
    drive = careful(small)
    waiting = drive.push(*CHANGED)
    runs.drop(drive.database, waiting.id, actor="admin")
    assert drive.readers() == NARROWED
    assert runs.run(drive.database, waiting.id).state is RunState.DROPPED
    assert "is dropped, not waiting" in refused(
        lambda: runs.confirm(drive.database, waiting.id, actor="admin")
    )


def test_a_newer_run_takes_the_place_of_one_that_waits(small: Drive) -> None:
    drive = careful(small)
    waiting = drive.push(*CHANGED)
    drive.push(page("may", "user:bob"), page("june"), page("diary"))
    assert runs.run(drive.database, waiting.id).state is RunState.DROPPED


def test_a_delta_that_was_narrowed_is_confirmed_as_it_was_meant(small: Drive) -> None:
    """A group that lets people read and keeps people out closed a page the delta never named."""
    small.delta(page("secret", "user:ana", "user:cy", deny=["group:berlin"]))
    drive = careful(small)
    waiting = drive.delta(group("berlin", "user:cy"))
    assert waiting.state is RunState.WAITING
    assert drive.readers() == {"diary": ["cy"], "june": ["ana"], "may": ["ana"], "secret": []}
    runs.confirm(drive.database, waiting.id, actor="admin")
    assert drive.readers() == {
        "diary": ["cy"], "june": ["ana", "cy"], "may": ["ana", "cy"], "secret": ["ana"],
    }  # fmt: skip


def test_a_delta_waits_in_vain_if_somebody_else_changes_the_same(small: Drive) -> None:
    drive = careful(small)
    waiting, account = drive.delta(*CHANGED), drive.account("ana")
    with drive.database.session("syncer") as session:
        change = Change(session, actor="scim")
        staff = session.scalar(text("SELECT id FROM user_group WHERE native_id = 'staff'"))
        change.set_members(staff, [account])
    message = refused(lambda: runs.confirm(drive.database, waiting.id, actor="admin"))
    assert "somebody else changed: members of group staff" in message


# -- dry runs ---------------------------------------------------------------------------------


def test_a_dry_run_tells_all_and_leaves_no_trace(small: Drive) -> None:
    before = small.everything()
    run = runs.push(
        careful(small).database,
        [CHANGED[:3], CHANGED[3:]],
        source=SOURCE,
        kind=RunKind.COMPLETE,
        actor="test",
        dry_run=True,
    )
    assert run.dry_run
    assert run.state is RunState.WAITING
    assert run.difference is not None
    assert run.difference.pairs_gained == 4
    fresh = runs.push(
        small.database,
        [CHANGED],
        source="never seen",
        kind=RunKind.COMPLETE,
        actor="test",
        dry_run=True,
    )
    assert fresh.left_out_count == 0
    assert small.everything() == before


def test_a_run_that_was_tried_dry_can_be_finished_in_earnest(small: Drive) -> None:
    run_id = small.stage(*CHANGED)
    before = small.everything()
    run = runs.finish(small.database, run_id, pages=1, dry_run=True)
    assert small.everything() == before
    real = runs.finish(small.database, run_id, pages=1)
    assert (real.difference, real.state) == (run.difference, run.state)
    assert small.readers() == AFTER


# -- taking back ------------------------------------------------------------------------------


def test_undo_puts_back_groups_members_folders_and_what_was_gone(small: Drive) -> None:
    small.delta(folder("plans", "group:staff", deny=["user:cy"], gates=[["class:members"]]))
    before, epoch = small.readers(), small.epoch()
    run = small.push(
        group("other", "user:cy"),
        folder("attic", "group:other"),
        folder("plans", "user:cy", parent="attic", inherit=False),
        page("june", "user:bob", parent="plans"),
        page("extra", "user:ana"),
    )
    assert small.readers() != before
    undone = runs.undo(small.database, run.id, actor="admin")
    assert small.readers() == {**before, "extra": []}
    assert undone.state is RunState.UNDONE
    assert undone.epoch == small.epoch() == epoch + 2
    with small.database.session("syncer") as session:
        groups = session.scalars(text("SELECT native_id FROM user_group ORDER BY 1")).all()
        plain = session.execute(
            text("SELECT effect, gate, native_id FROM entry JOIN node ON node.id = node_id"
                 " WHERE native_id = 'plans' ORDER BY 1, 2")
        ).all()  # fmt: skip
    assert groups == ["berlin", "staff"]
    assert [tuple(row) for row in plain] == [
        ("allow", 0, "plans"), ("deny", 0, "plans"), ("gate", 1, "plans"),
    ]  # fmt: skip
    assert "is undone, not applied or waiting" in refused(
        lambda: runs.undo(small.database, run.id, actor="admin")
    )


@pytest.mark.parametrize("confirmed", [False, True])
def test_undo_of_a_run_that_waited_takes_back_both_of_its_changes(
    small: Drive, confirmed: bool
) -> None:
    drive = careful(small)
    waiting = drive.push(*CHANGED)
    if confirmed:
        runs.confirm(drive.database, waiting.id, actor="admin")
    runs.undo(drive.database, waiting.id, actor="admin")
    assert drive.readers() == {**BEFORE, **({"new": []} if confirmed else {})}


def test_only_the_latest_run_of_a_source_is_undone(small: Drive) -> None:
    first = small.push(*CHANGED)
    second = small.delta(page("diary"))
    message = refused(lambda: runs.undo(small.database, first.id, actor="admin"))
    assert message == f"Run {second.id} of the same source was applied after run {first.id} began."


def test_undo_does_not_wipe_out_what_somebody_else_changed_since(small: Drive) -> None:
    run = small.push(*CHANGED)
    with small.database.session("syncer") as session:
        change = Change(session, actor="admin")
        staff = session.scalar(text("SELECT id FROM user_group WHERE native_id = 'staff'"))
        change.set_members(staff, [])
    before = small.everything()
    words = refused(lambda: runs.undo(small.database, run.id, actor="admin"))
    assert f"Since run {run.id} somebody else changed: members of group staff" in words
    assert small.everything() == before


def test_what_others_do_elsewhere_does_not_stand_in_the_way_of_undo(small: Drive) -> None:
    run = small.push(*CHANGED)
    with small.database.session("syncer") as session:
        change = Change(session, actor="admin")
        change.set_status(small.people["bob"], UserStatus.SUSPENDED)
        change.put_account(change.put_source(SOURCE), SeenAccount("U1", "Dee"))
        change.unlink(change.put_source(SOURCE), "cy")
        change.link(small.people["cy"], change.put_source(SOURCE), "cy", by="admin")
    runs.undo(small.database, run.id, actor="admin")
    assert small.readers() == {"diary": ["cy"], "june": ["ana"], "may": ["ana"], "new": []}


def test_what_is_deleted_does_not_come_back_and_undo_says_so(small: Drive) -> None:
    run = small.push(page("may", "user:cy"))
    with small.database.session("syncer") as session:
        session.execute(text("UPDATE node SET gone_at = gone_at - interval '8 days'"))
    runs.delete_old(small.database)
    undone = runs.undo(small.database, run.id, actor="admin")
    assert [(one.place, one.effect) for one in undone.left_out] == [
        ("node diary", "deleted"), ("node june", "deleted"), ("node plans", "deleted"),
    ]  # fmt: skip
    assert small.readers() == {"may": []}


def test_a_mass_revocation_is_an_alert_and_one_command_takes_it_back(small: Drive) -> None:
    drive = careful(small, mass_revocation_limit=2, mass_revocation_percent=50)
    with capture_logs() as logs:
        little = drive.delta(page("june", "user:ana", inherit=False))
        run = drive.push(page("june", "user:ana"))
    alerts = [one for one in logs if one["event"] == "mass_revocation"]
    assert not little.mass_revocation
    assert run.mass_revocation
    assert [(one["run_id"], one["readings_lost"], one["people"]) for one in alerts] == [
        (run.id, 3, 3)
    ]
    assert not {"may", "june", "diary", "Ana", "ana"} & set(str(alerts).split("'"))
    runs.undo(drive.database, run.id, actor="admin")
    assert drive.readers() == {**BEFORE, "june": ["ana"]}


# -- at the same time -------------------------------------------------------------------------


def test_of_two_runs_that_finish_at_the_same_time_one_is_refused(small: Drive) -> None:
    """Both wait for the same change to end; the second one was overtaken."""
    ids = [small.stage(page("may", "user:ana")), small.stage(page("may", "user:bob"))]
    ended: list[Run | InputInvalid] = []

    def end(run_id: int) -> None:
        try:
            ended.append(runs.finish(small.database, run_id, pages=1))
        except InputInvalid as error:
            ended.append(error)

    threads = [threading.Thread(target=end, args=(run_id,)) for run_id in ids]
    with small.database.session("syncer") as session:
        Change(session, actor="test")
        for thread in threads:
            thread.start()
    for thread in threads:
        thread.join()
    (applied,) = [one for one in ended if isinstance(one, Run)]
    (late,) = [one for one in ended if isinstance(one, InputInvalid)]
    assert f"Run {applied.id} of the same source was applied after" in str(late)
    winner = "ana" if applied.id == ids[0] else "bob"
    assert small.readers()["may"] == [winner]


# -- sources ----------------------------------------------------------------------------------


def the_source(drive: Drive) -> sources.SourceFacts:
    (source,) = sources.all_sources(drive.database)
    return source


def test_a_source_is_shown_with_what_it_holds(small: Drive) -> None:
    small.push(page("may", "user:ana"), page("lost", parent="nowhere"))
    source = the_source(small)
    assert (source.name, source.paused, source.max_staleness, source.usable) == (
        SOURCE,
        False,
        None,
        True,
    )
    assert (source.documents, source.closed) == (2, 4)


def test_a_source_is_paused_and_goes_on(small: Drive) -> None:
    sources.set_source(small.database, SOURCE, paused=True, actor="admin")
    assert (the_source(small).paused, the_source(small).usable) == (True, False)
    sources.set_source(small.database, SOURCE, paused=False, actor="admin")
    assert (the_source(small).paused, the_source(small).usable) == (False, True)


def test_a_source_that_is_older_than_its_limit_is_not_used(small: Drive) -> None:
    day = timedelta(hours=24)
    sources.set_source(small.database, SOURCE, max_staleness=day, actor="admin")
    assert (the_source(small).max_staleness, the_source(small).usable) == (day, True)
    with small.database.session("syncer") as session:
        change = Change(session, actor="test")
        change.mark_synced(change.put_source(SOURCE), at=datetime.now(UTC) - timedelta(hours=25))
    assert (the_source(small).max_staleness, the_source(small).usable) == (day, False)
    sources.set_source(small.database, SOURCE, max_staleness=None, actor="admin")
    assert (the_source(small).max_staleness, the_source(small).usable) == (None, True)


@pytest.mark.parametrize("age", [timedelta(0), timedelta(hours=-1), timedelta.max])
def test_a_limit_of_age_that_no_clock_could_hold_is_refused(small: Drive, age: timedelta) -> None:
    before = small.everything()
    message = refused(
        lambda: sources.set_source(small.database, SOURCE, max_staleness=age, actor="admin")
    )
    assert "max_staleness must be more than 0" in message
    assert small.everything() == before


def test_pushes_that_never_ended_are_dropped_after_a_while(small: Drive) -> None:
    old, young = small.stage(page("may")), small.stage(page("may"))
    with small.database.session("syncer") as session:
        session.execute(
            text("UPDATE sync_run SET started_at = started_at - interval '8 days' WHERE id = :id"),
            {"id": old},
        )
    runs.delete_old(small.database)
    assert runs.run(small.database, old).state is RunState.DROPPED
    assert runs.run(small.database, young).state is RunState.STAGING
