"""A place or a person changes in Slack: what stands there is looked at again, by who reads it now.

The double does it and tells the bot, the bot keeps an errand, and a worker does it. Each look is
taken away once, so that the leak is seen.
"""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from bot.app import create_app
from bot.playground.client import Playground
from bot.playground.double import Access
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from bot.web import create_web
from policies import Class
from policies.change import Change
from policies.described import Permissions
from tests.bot.slack_schemas import check_calls
from tests.bot.slack_world import serving, settings_for
from tests.workers.library import Library
from tests.workers.slack_company import TEAM, WORKSPACE, Company, FakeAnswerer, kept
from workers import interface
from workers.admin import explaining
from workers.database.sessions import connect
from workers.errands import run_errand
from workers.replies.rendering import WITHDRAWN
from workers.services import Services
from workers.settings import Settings
from workers.upkeep import review

QUESTION = "What is the budget?"
Act = Callable[[Playground], object]

ROOM = {"id": "CROOM", "name": "room", "is_private": True, "members": ["UALICE", "UBOB", "UKEN"]}


@pytest.fixture
def live(
    library: Library, door: None, settings: Settings, tmp_path: Path, monkeypatch: Any
) -> Iterator[Company]:
    """A company whose bot hears what the double tells."""
    monkeypatch.setattr(interface, "ring", lambda *_, **__: None)
    app = create_app(settings_for(Playground("http://127.0.0.1:9"), tmp_path))
    world = copy.deepcopy({**WORKSPACE, "channels": [*WORKSPACE["channels"], ROOM]})
    with (
        serving(create_web(app, "playground")) as bot,
        running(read_workspace(world), Access(events_url=f"{bot}/slack/events")) as url,
    ):
        slack, model = Playground(url), FakeAnswerer()
        connected = settings.model_copy(
            update={"slack_api_url": slack.api_url, "slack_bot_token": SecretStr("xoxb-playground")}
        )
        services = Services(connected, library.database, library.embedder, model)
        yield Company(library, slack, services, model)
        check_calls(slack.calls())


def only(*principals: int) -> Permissions:
    return Permissions(frozenset(principals))


def answered(company: Company, channel: str, *readers: int) -> int:
    """Alice asks there, and the answer, which these may read, was looked at once."""
    company.library.document(f"in-{channel}", "The budget is canary.", only(*readers))
    question_id = company.asked(channel, "alice", QUESTION)
    turn(company)
    assert stands(company, channel)
    return question_id


def stands(company: Company, channel: str) -> bool:
    return any("canary" in repr(post) for post in company.posts(channel))


def turn(company: Company, times: int = 3) -> None:
    """What every turn of a worker does with posted answers, after a change of permissions, too."""
    company.library.person(f"somebody{company.library.source_id}")
    for _ in range(times):
        review.review_all(company.services)


def heard(company: Company) -> list[str]:
    """A worker does what the bot has kept: the kinds of the errands."""
    company.slack.wait_until_delivered()
    with company.library.database.session("ingress") as session:
        rows = session.execute(
            text("SELECT id, kind FROM errand WHERE done_at IS NULL ORDER BY id")
        ).all()
    for row in rows:
        run_errand(company.services, row.id)
    return [row.kind for row in rows]


def hours_pass(company: Company, hours: int) -> None:
    """As if Slack had last been asked this long ago."""
    owner = connect(company.services.settings, "owner")
    with owner.begin() as connection:
        for table, column in (
            ("outbox", "reviewed_at"),
            ("outbox", "mend_at"),
            ("mending", "asked_at"),
        ):
            connection.execute(text(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))
            connection.execute(
                text(f"UPDATE {table} SET {column} = {column} - make_interval(hours => :hours)"),  # noqa: S608
                {"hours": hours},
            )
        connection.execute(text("ALTER TABLE outbox FORCE ROW LEVEL SECURITY"))
    owner.dispose()


# -- what Slack says of a place --------------------------------------------------------------------


def somebody_is_added(slack: Playground) -> None:
    slack.change_channel("room", members=["UALICE", "UBOB", "UCARL", "UKEN"])


def archived_and_back(slack: Playground) -> None:
    somebody_is_added(slack)
    slack.archive("room")
    slack.unarchive("room")


def renamed(slack: Playground) -> None:
    somebody_is_added(slack)
    slack.rename("room", "alice", "hall")


def unshared(slack: Playground) -> None:
    somebody_is_added(slack)
    slack.unshare("room")


def left(slack: Playground) -> None:
    somebody_is_added(slack)
    slack.leave("room", "bob")


PLACES: list[tuple[Act, str]] = [
    (lambda slack: slack.convert("room", "alice"), "place"),
    (archived_and_back, "place"),
    (renamed, "place"),
    (unshared, "place"),
    (left, "place"),
    (lambda slack: slack.share("room"), "shared"),
    (lambda slack: slack.join("room", "carl"), "joined"),
]


@pytest.mark.parametrize(("act", "kind"), PLACES)
def test_what_slack_says_of_a_place_has_its_readers_looked_up(
    live: Company, act: Act, kind: str
) -> None:
    """Threat 12. Without the errand the answer stands: what was stored says that all may read."""
    alice, bob = live.person("alice"), live.person("bob")
    live.person("carl")
    answered(live, "CROOM", alice, bob)

    act(live.slack)
    turn(live, 6)
    assert stands(live, "CROOM")

    assert kind in heard(live)
    assert not stands(live, "CROOM")
    assert live.posts("CROOM")[0].text == WITHDRAWN


def test_a_channel_that_is_made_private_keeps_what_its_members_may_read(live: Company) -> None:
    """And one whose new readers may all read it keeps it, too."""
    alice, bob = live.person("alice"), live.person("bob")
    answered(live, "CROOM", alice, bob, int(Class.MEMBERS))
    live.slack.convert("room", "alice")
    assert heard(live) == ["place"]
    assert stands(live, "CROOM")
    live.slack.convert("room", "alice")
    assert heard(live) == ["place"]
    assert stands(live, "CROOM")


@pytest.mark.parametrize("flag", ["is_org_shared", "is_pending_ext_shared", "is_ext_shared"])
def test_a_place_that_others_share_or_are_invited_to_keeps_no_answer(
    live: Company, flag: str
) -> None:
    """With other workspaces of the organisation, and from the invitation on."""
    alice, bob = live.person("alice"), live.person("bob")
    answered(live, "CROOM", alice, bob)
    live.slack.change_channel("room", **{flag: True})
    live.slack.rename("room", "alice", "hall")
    heard(live)
    assert not stands(live, "CROOM")
    live.asked("CROOM", "alice", QUESTION)
    assert not stands(live, "CROOM")


def test_people_who_left_or_read_until_it_was_withdrawn_are_on_record(
    live: Company,
) -> None:
    """`ken shown`: all who could have seen it, not only those who are there at the last look."""

    def could_have_seen() -> tuple[list[str], bool]:
        shown = explaining.who_was_shown(live.services.settings, "in-CROOM", None, None)
        return shown["people"], shown["strangers"]

    alice, bob = live.person("alice"), live.person("bob")
    live.person("carl")
    answered(live, "CROOM", alice, bob)
    live.slack.leave("room", "bob")
    heard(live)
    assert stands(live, "CROOM")
    assert could_have_seen() == (["Alice", "Bob"], False)
    live.slack.join("room", "carl")
    heard(live)
    assert not stands(live, "CROOM")
    assert could_have_seen() == (["Alice", "Bob", "Carl"], False)


@pytest.mark.parametrize("is_shared", [True, False])
def test_that_strangers_could_have_seen_it_is_on_record(live: Company, is_shared: bool) -> None:
    alice, bob = live.person("alice"), live.person("bob")
    answered(live, "CROOM", alice, bob)
    if is_shared:
        live.slack.share("room")
    else:
        for name in ("alice", "bob"):
            live.slack.leave("room", name)
    heard(live)
    assert not stands(live, "CROOM")
    shown = explaining.who_was_shown(live.services.settings, "in-CROOM", None, None)
    assert shown["strangers"] is is_shared


def test_what_could_not_be_withdrawn_in_an_archive_is_when_it_is_opened_again(
    live: Company,
) -> None:
    alice, bob = live.person("alice"), live.person("bob")
    live.person("carl")
    question_id = answered(live, "CROOM", alice, bob)
    somebody_is_added(live.slack)
    live.slack.archive("room")
    heard(live)
    assert live.look(question_id, "SELECT revision FROM outbox") == [("withdrawn",)]
    live.slack.unarchive("room")
    heard(live)
    assert not stands(live, "CROOM")


def test_a_channel_with_another_id_keeps_its_answers_and_their_protection(live: Company) -> None:
    """What is posted is found under the new id: withdrawn there, and followed."""
    alice, bob = live.person("alice"), live.person("bob")
    live.person("carl")
    question_id = answered(live, "CROOM", alice, bob)
    thread_ts = live.posts("CROOM")[0].thread_ts
    live.slack.change_id("room", "CNEW")
    assert heard(live) == ["moved"]

    assert stands(live, "CNEW")
    assert interface.is_ken_thread("CNEW", thread_ts)
    assert live.look(question_id, "SELECT channel_id FROM question") == [("CNEW",)]
    live.slack.join("room", "carl")
    heard(live)
    assert not stands(live, "CNEW")


def test_a_message_that_slack_tells_under_both_ids_is_answered_once(live: Company) -> None:
    """The older answer would stand under an id that nobody looks at any more."""
    alice, bob = live.person("alice"), live.person("bob")
    question_id = answered(live, "CROOM", alice, bob)
    ((ts,),) = live.look(question_id, "SELECT message_ts FROM question")
    live.slack.change_id("room", "CNEW")
    again = kept(channel_id="CNEW", ts=ts)
    live.work(again)
    assert len(live.posts("CNEW")) == 2
    assert heard(live) == ["moved"]
    assert len(live.posts("CNEW")) == 1
    assert live.state(question_id) == ("answered", None)
    assert stands(live, "CNEW")


def test_where_ken_was_removed_its_answers_wait_until_it_is_back(live: Company) -> None:
    alice, bob = live.person("alice"), live.person("bob")
    live.person("carl")
    answered(live, "CROOM", alice, bob)
    live.slack.remove_bot("room")
    assert heard(live) == ["place"]
    live.slack.change_channel("room", members=["UALICE", "UBOB", "UCARL"])
    live.slack.join("room", "UKEN")
    assert heard(live) == ["joined"]
    assert not stands(live, "CROOM")


def test_a_workspace_that_lets_ken_in_again_is_looked_at(live: Company) -> None:
    alice, bob = live.person("alice"), live.person("bob")
    live.person("carl")
    answered(live, "CROOM", alice, bob)
    live.slack.keep_out()
    assert heard(live) == ["team_access"]
    somebody_is_added(live.slack)
    live.slack.let_in()
    assert heard(live) == ["team_access"]
    for _ in range(2):
        review.review_all(live.services)
    assert not stands(live, "CROOM")


# -- what Slack says of a person -------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["is_restricted", "is_ultra_restricted"])
def test_a_member_who_becomes_a_guest_reads_as_one(live: Company, flag: str) -> None:
    """Carl has no link, so as a full member he is nobody but one of all."""
    live.person("alice")
    answered(live, "CALL", int(Class.MEMBERS))
    live.slack.join("all", "carl")
    heard(live)
    assert stands(live, "CALL")

    live.slack.change_user("carl", **{flag: True})
    turn(live, 6)
    assert stands(live, "CALL")

    assert heard(live) == ["standing", "standing"]
    assert not stands(live, "CALL")


@pytest.mark.parametrize("leaves", [Change.unlink, Change.delete_user])
@pytest.mark.parametrize("is_guest", [True, False])
def test_who_loses_the_link_in_a_public_channel_is_one_of_all_members_unless_slack_says_guest(
    live: Company, leaves: Callable[..., None], *, is_guest: bool
) -> None:
    """Somebody leaves the company: what is posted in all their channels stays for the others."""
    live.person("alice")
    bob = live.person("bob")
    answered(live, "CALL", int(Class.MEMBERS))
    live.slack.change_user("bob", is_restricted=is_guest)
    live.slack.wait_until_delivered()
    with live.library.change() as change:
        slack = change.put_source(f"slack:{TEAM}")
        leaves(change, *((slack, "UBOB") if leaves is Change.unlink else (bob,)))
    hours_pass(live, 1)
    for _ in range(3):
        review.review_all(live.services)
    assert stands(live, "CALL")
    review.review_oldest(live.services)
    assert stands(live, "CALL") is not is_guest


def test_what_a_guest_without_a_link_may_read_no_more_is_withdrawn_without_asking_slack(
    live: Company,
) -> None:
    live.person("alice")
    answered(live, "CGUEST", int(Class.INTERNET))
    with live.library.change() as change:
        change.set_permissions(live.library.ids["in-CGUEST"], only(int(Class.MEMBERS)))
    for _ in range(3):
        review.review_all(live.services)
    assert not stands(live, "CGUEST")


def test_a_full_member_who_changes_their_photograph_is_no_errand(live: Company) -> None:
    live.slack.change_user("carl", title="Head of Lunch")
    assert heard(live) == []


# -- what nobody says ------------------------------------------------------------------------------


def test_a_group_message_that_gains_a_member_without_a_word_is_looked_at_in_time(
    live: Company,
) -> None:
    """Design, section 4: at least once a day, from Slack and not from what was stored."""
    alice, bob = live.person("alice"), live.person("bob")
    live.person("carl")
    answered(live, "GTRIO", alice, bob)
    live.slack.change_channel("trio", members=["UALICE", "UBOB", "UCARL", "UKEN"])
    turn(live, 6)
    review.review_oldest(live.services)
    assert stands(live, "GTRIO")

    hours_pass(live, 7)
    review.review_oldest(live.services)
    assert not stands(live, "GTRIO")


def test_a_guest_of_whom_nobody_heard_is_found_in_time(live: Company) -> None:
    """The bot was down when Slack reported it."""
    live.person("alice")
    answered(live, "CALL", int(Class.MEMBERS))
    live.slack.change_channel("all", members=["UALICE", "UBOB", "UGUEST", "UKEN"])
    turn(live, 6)
    assert stands(live, "CALL")
    hours_pass(live, 7)
    review.review_oldest(live.services)
    assert not stands(live, "CALL")


def test_places_are_asked_for_one_after_the_other_the_oldest_first(live: Company) -> None:
    """By all workers together one every few seconds, however many there are."""
    alice, bob = live.person("alice"), live.person("bob")
    answered(live, "CROOM", alice, bob)
    answered(live, "CBOARD", alice, bob)
    hours_pass(live, 30)
    before = len(live.slack.calls("conversations.members"))

    def asked_for() -> list[str]:
        calls = live.slack.calls("conversations.members")[before:]
        return [str(call.arguments["channel"]) for call in calls]

    review.review_oldest(live.services)
    review.review_oldest(live.services)
    assert asked_for() == ["CROOM"]
    hours_pass(live, 1)
    review.review_oldest(live.services)
    assert asked_for() == ["CROOM", "CBOARD"]
    hours_pass(live, 1)
    review.review_oldest(live.services)
    assert len(asked_for()) == 2


def test_a_look_that_slack_does_not_answer_comes_again(live: Company) -> None:
    alice, bob = live.person("alice"), live.person("bob")
    live.person("carl")
    answered(live, "CROOM", alice, bob)
    somebody_is_added(live.slack)
    hours_pass(live, 7)
    live.slack.fault("error", method="conversations.members", error="internal_error", times=9)
    review.review_oldest(live.services)
    assert stands(live, "CROOM")
    live.slack.calm()
    hours_pass(live, 1)
    review.review_oldest(live.services)
    assert not stands(live, "CROOM")


def test_an_errand_that_slack_refuses_is_done_when_it_does_not(live: Company) -> None:
    """Nothing that was heard is lost, though an errand that is refused has ended."""
    alice, bob = live.person("alice"), live.person("bob")
    live.person("carl")
    question_id = answered(live, "CROOM", alice, bob)
    live.slack.fault("error", method="conversations.info", error="channel_not_found", times=1)
    live.slack.convert("room", "alice")
    heard(live)
    assert stands(live, "CROOM")
    live.look(question_id, "UPDATE outbox SET mend_at = now() RETURNING id")
    for _ in range(2):
        review.review_all(live.services)
    assert not stands(live, "CROOM")


def test_every_change_is_heard_under_our_team(live: Company) -> None:
    live.slack.rename("board", "alice", "boards")
    heard(live)
    with live.library.database.session("answerer") as session:
        session.execute(text("SELECT set_config('ken.errand', '1', true)"))
        row = session.execute(text("SELECT team_id, channel_id, outcome FROM errand")).one()
    assert tuple(row) == (TEAM, "CBOARD", None)
