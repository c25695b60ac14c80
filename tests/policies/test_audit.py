"""Who was shown what, from what answers put on record; and what was changed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from policies import STRANGER, Class
from policies.audit import audit_rows, exposure, people_of_classes
from policies.described import Permissions
from policies.tables.people import UserStatus
from tests.policies.world import World
from workers.intake.leases import question_session

_numbers = count(1)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def answered(
    world: World,
    audience: Sequence[int],
    used: Sequence[int],
    *,
    cited: Sequence[int] = (),
    kind: str = "channel",
    at: datetime | None = None,
    asker: int | None = None,
) -> int:
    """A question, and an answer to it on record; the question's id."""
    number = str(next(_numbers))
    with world.database.session("ingress") as session:
        question_id: int = session.execute(_ASK, {"number": number}).scalar_one()
    with question_session(world.database, question_id) as session:
        session.execute(
            _RECORD,
            {
                "question_id": question_id,
                "kind": kind,
                "asker": asker,
                "audience": [*map(int, audience)],
                "used": list(used),
                "cited": list(cited),
                "at": at or datetime.now(UTC),
            },
        )
    return question_id


_ASK = text("""
    INSERT INTO question (event_id, surface, team_id, channel_id, message_ts, thread_ts, user_id,
                          text)
    VALUES (:number, 'slack', 'T1', 'CALL', :number, :number, 'UANN', 'What is secret?')
    RETURNING id
""")
_RECORD = text("""
    INSERT INTO answer (question_id, kind, asker_id, audience, epoch, used, cited, model,
                        prompt_version, verdicts, answered_at)
    VALUES (:question_id, :kind, :asker, :audience, 7, :used, :cited, 'm', '1', '{}', :at)
""")


def test_every_answer_that_used_a_document_is_found_and_no_other(world: World) -> None:
    ann, page, other = world.person("ann"), world.page("page"), world.page("other")
    used = answered(world, [ann, Class.MEMBERS], [page, other], at=NOON, asker=ann)
    later = NOON + timedelta(hours=1)
    cited = answered(world, [ann], [page], cited=[page], kind="direct", at=later)
    answered(world, [ann], [other], cited=[other], at=later)
    with world.database.session("syncer") as session:
        first, second = exposure(session, page, None, None)
        assert (first.question_id, first.at, first.channel_id) == (used, NOON, "CALL")
        assert (first.cited, first.asker_id, first.epoch) == (False, ann, 7)
        assert first.audience == (ann, Class.MEMBERS)
        assert (second.question_id, second.channel_id) == (cited, None)
        assert (second.cited, second.asker_id) == (True, None)
        assert exposure(session, page, NOON, NOON) == [first]
        assert exposure(session, page, NOON + timedelta(seconds=1), None) == [second]
        assert exposure(session, page, None, NOON - timedelta(seconds=1)) == []
        assert exposure(session, 10**9, None, None) == []


def test_a_class_is_everybody_who_was_in_it_at_the_time_of_the_answer(world: World) -> None:
    page = world.page("page")
    ann, gus = world.person("ann"), world.person("gus", guest=True)
    answered(world, [Class.MEMBERS], [page])
    answered(world, [gus, STRANGER], [page])
    with world.change() as change:
        change.set_status(ann, UserStatus.DELETED)
    world.person("ben")
    with world.database.session("syncer") as session:
        assert people_of_classes(session, exposure(session, page, None, None)) == {ann: "Ann"}
    answered(world, [Class.MEMBERS_AND_GUESTS], [page])
    with world.database.session("syncer") as session:
        everybody = people_of_classes(session, exposure(session, page, None, None))
        assert set(everybody.values()) == {"Ann", "Ben", "Gus"}


def test_no_word_of_a_question_can_be_read_for_it(world: World) -> None:
    answered(world, [world.person("ann")], [])
    with (
        world.database.session("syncer") as session,
        pytest.raises(ProgrammingError, match="permission denied"),
    ):
        session.execute(text("SELECT text FROM question"))


def test_changes_are_read_in_order_and_in_parts(world: World) -> None:
    page = world.page("page", Permissions(allow=frozenset({Class.MEMBERS})))
    for folder in [world.folder("a"), world.folder("b")]:
        with world.change() as change:
            change.move(page, folder)
    with world.database.session("syncer") as session:
        everything = audit_rows(session, 0, 1_000)
        assert [row.id for row in everything] == sorted(row.id for row in everything)
        moved = [row for row in everything if row.action == "move"]
        assert [row.details for row in moved] == [{"node_id": page}] * 2
        assert moved[0].actor == "test"
        assert moved[0].epoch < moved[1].epoch
        assert audit_rows(session, 0, 2) == everything[:2]
        assert audit_rows(session, everything[1].id, 1_000) == everything[2:]
        assert audit_rows(session, everything[-1].id, 5) == []
