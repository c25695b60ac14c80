"""Accounts become users: noted when they ask, linked by a code, an address or an admin."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from bot.playground.client import Playground
from bot.playground.server import running
from bot.playground.workspace import read_workspace
from policies import Class, current_epoch
from policies.audience import Account as Named
from policies.described import Permissions, SeenAccount
from policies.links import user_by_address
from policies.tables.history import Audit
from policies.tables.keys import LinkCode
from policies.tables.people import Account, LinkedIdentity, User, UserStatus
from tests.workers.slack_company import TEAM, WORKSPACE, Company, kept
from workers.errors import InputInvalid
from workers.intake.messages import Surface
from workers.people import linking
from workers.people.linking import (
    ADDRESS,
    IN_CHANNEL,
    INVALID,
    TAKEN,
    accept,
    acceptable,
    claim,
    code_in,
    make_code,
    remove_link,
    scan,
    set_link,
)
from workers.replies.rendering import NOTHING_FOUND
from workers.slack.client import SlackMessenger

SLACK = f"slack:{TEAM}"
HOUR = timedelta(hours=1)
NOW_LINKED = "Your Slack account is now linked to Alice. What would you like to know?"
QUESTION = "How large is the budget?"

PEOPLE = {
    "team": WORKSPACE["team"],
    "users": [
        {"id": "UALICE", "name": "alice", "real_name": "Alice A.", "email": "alice@acme.example"},
        {"id": "UBOB", "name": "bob", "email": "bob@acme.example"},
        {
            "id": "UUNSURE",
            "name": "unsure",
            "email": "unsure@acme.example",
            "is_email_confirmed": False,
        },
        {"id": "UGUEST", "name": "guest", "email": "guest@acme.example", "is_restricted": True},
        {"id": "ULIMITED", "name": "limited", "is_ultra_restricted": True},
        {"id": "UFAR", "name": "far", "is_stranger": True, "team_id": "T2"},
        {"id": "UORG", "name": "org", "email": "org@acme.example", "team_id": "T2"},
        {"id": "UROBOT", "name": "robot", "email": "robot@acme.example", "is_bot": True},
        {"id": "UGONE", "name": "gone", "email": "gone@acme.example", "deleted": True},
    ],
    "channels": [
        {"id": "CALL", "name": "all", "members": ["UALICE", "UBOB", "UKEN"]},
    ],
}


@pytest.fixture(scope="module")
def shared_slack() -> Iterator[Playground]:
    """Another workspace than the other tests': people with addresses."""
    with running(read_workspace(PEOPLE)) as url:
        yield Playground(url)


@pytest.fixture
def alice(company: Company) -> int:
    """A user without a link, who may read the budget."""
    user_id = company.person("alice", linked=False)
    mail(company, user_id, "alice@acme.example")
    company.library.document(
        "budget", "The budget is two million.", Permissions(allow=frozenset({user_id}))
    )
    return user_id


def mail(company: Company, user_id: int, email: str) -> None:
    with company.library.database.session("syncer") as session:
        session.execute(update(User).where(User.id == user_id).values(email=email))


def by_address(company: Company) -> Company:
    settings = company.services.settings.model_copy(update={"link_by_confirmed_email": True})
    return replace(company, services=replace(company.services, settings=settings))


def owner(company: Company, native_id: str = "UALICE") -> int | None:
    with company.library.database.session("syncer") as session:
        return session.scalar(
            select(LinkedIdentity.user_id).where(LinkedIdentity.native_id == native_id)
        )


def epoch(company: Company) -> int:
    with company.library.database.session("syncer") as session:
        return current_epoch(session)


def accounts(company: Company) -> dict[str, tuple[str, str | None, str]]:
    with company.library.database.session("syncer") as session:
        return {
            one.native_id: (one.name, one.email, one.kind.value)
            for one in session.scalars(select(Account))
        }


def code_for(company: Company, user_id: int, expires: timedelta = HOUR) -> str:
    return make_code(company.library.database, user_id, "test", expires)


def usable(company: Company) -> int:
    with company.library.database.session("syncer") as session:
        return len(session.scalars(select(LinkCode).where(LinkCode.used_at.is_(None))).all())


def scanned(company: Company) -> list[tuple[int, int]]:
    return list(scan(company.library.database, company.services.messenger))


def last(company: Company, channel: str = "DUALICE") -> str:
    return company.posts(channel)[-1].text


def write(company: Company, words: str, person: str = "alice") -> str:
    """A direct message, and what Ken says to it."""
    company.asked(f"DU{person.upper()}", person, words)
    return last(company, f"DU{person.upper()}")


def as_account(company: Company, native_id: str, words: str) -> str:
    """The same from any account, those that cannot write to Ken in the double included."""
    ts = company.slack.say("DUALICE", "UALICE", words).ts
    company.work(kept(user_id=native_id, channel_id="DUALICE", ts=ts, words=words))
    return last(company)


# -- accounts that ask ----


def test_an_account_without_a_link_is_noted_once_and_reads_what_the_internet_reads(
    company: Company, alice: int
) -> None:
    company.library.document(
        "hours", "The desk opens at nine.", Permissions(allow=frozenset({Class.INTERNET}))
    )
    assert "The desk opens at nine." in write(company, "When does the desk open?")
    assert accounts(company) == {"UALICE": ("Alice A.", "alice@acme.example", "member")}
    noted_at = epoch(company)

    assert "two million" not in write(company, QUESTION)

    assert epoch(company) == noted_at
    assert owner(company) is None


def test_what_slack_tells_of_an_account_with_a_link_is_not_asked_for(
    company: Company, alice: int
) -> None:
    set_link_of(company, "UALICE", alice)
    assert "two million" in write(company, QUESTION)
    assert accounts(company) == {}
    asked = [call for call in company.slack.calls() if call.method == "users.info"]
    assert len(asked) == 1  # for the time zone, which the directory does not have
    write(company, QUESTION)
    assert [call for call in company.slack.calls() if call.method == "users.info"] == asked


def test_a_question_is_answered_though_slack_tells_nothing_of_the_asker(
    company: Company, alice: int
) -> None:
    company.slack.fault("error", method="users.info", error="internal_error")
    assert write(company, QUESTION) == NOTHING_FOUND
    assert accounts(company) == {}


def test_a_scan_notes_everybody_and_only_confirmed_addresses(company: Company) -> None:
    """Threat 10: who is no full member of the home workspace is not taken for one."""
    assert scanned(company) == [(8, 8)]
    assert accounts(company) == {
        "UALICE": ("Alice A.", "alice@acme.example", "member"),
        "UBOB": ("bob", "bob@acme.example", "member"),
        "UUNSURE": ("unsure", None, "member"),
        "UGUEST": ("guest", "guest@acme.example", "guest"),
        "ULIMITED": ("limited", None, "guest"),
        "UROBOT": ("robot", "robot@acme.example", "bot"),
        "UGONE": ("gone", None, "stranger"),
        "UKEN": ("Ken", None, "bot"),
    }
    before = epoch(company)
    assert scanned(company) == [(8, 0)]
    assert epoch(company) == before


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({}, "member"),
        ({"is_bot": True}, "bot"),
        ({"is_stranger": True}, "stranger"),
        ({"deleted": True}, "stranger"),
        ({"team_id": "T2"}, "stranger"),
        ({"team_id": None}, "stranger"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"id": "USLACKBOT"}, "bot"),
    ],
)
def test_only_an_active_full_member_of_the_home_workspace_is_a_member(
    company: Company, told: dict[str, object], kind: str
) -> None:
    """Threat 10."""
    messenger = company.services.messenger
    assert isinstance(messenger, SlackMessenger)
    profile = messenger.read_profile({"id": "UX", "team_id": TEAM, "name": "x", **told})
    assert (profile.kind.value, profile.confirmed, profile.email) == (kind, False, None)


# -- a confirmed address ----


def test_a_confirmed_address_links_at_the_question_where_the_setting_allows_it(
    company: Company, alice: int
) -> None:
    assert write(company, QUESTION) == NOTHING_FOUND
    allowed = by_address(company)
    assert "two million" in write(allowed, QUESTION)
    assert owner(company) == alice
    with company.library.database.session("syncer") as session:
        assert session.scalars(select(LinkedIdentity.linked_by)).all().count(ADDRESS) == 1


@pytest.mark.parametrize("person", ["guest", "unsure", "robot", "org"])
def test_the_address_of_anybody_but_a_confirmed_full_member_links_nobody(
    company: Company, person: str
) -> None:
    """Threat 10: guest, bot, other team; and an address that anybody could have typed."""
    user_id = company.person("victim", linked=False)
    mail(company, user_id, f"{person}@acme.example")
    native_id = f"U{person.upper()}"
    ts = company.slack.say("DUALICE", "UALICE", QUESTION).ts

    by_address(company).work(kept(user_id=native_id, channel_id="DUALICE", ts=ts, words=QUESTION))

    assert native_id in accounts(company)
    assert owner(company, native_id) is None


def test_a_removed_link_does_not_come_back_by_address(company: Company, alice: int) -> None:
    """Removing counts for the next question, with the setting on as well."""
    allowed = by_address(company)
    assert "two million" in write(allowed, QUESTION)

    assert remove_link(company.library.database, SLACK, "UALICE", "test")

    assert write(allowed, QUESTION) == NOTHING_FOUND
    assert not remove_link(company.library.database, SLACK, "UALICE", "test")


def test_a_user_suspended_between_the_look_and_the_link_is_not_linked(
    company: Company, alice: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 6: decided once more, under the epoch that the link takes."""

    def look_then_suspend(
        session: Session, source: str, native_id: str, *, confirmed: bool
    ) -> int | None:
        found = user_by_address(session, source, native_id, confirmed=confirmed)
        monkeypatch.setattr(linking, "user_by_address", user_by_address)
        with company.library.change() as change:
            change.set_status(alice, UserStatus.SUSPENDED)
        return found

    monkeypatch.setattr(linking, "user_by_address", look_then_suspend)
    write(by_address(company), QUESTION)
    assert owner(company) is None


# -- a code ----


def test_a_code_said_in_a_direct_message_links_for_the_next_question(
    company: Company, alice: int
) -> None:
    code = code_for(company, alice)
    assert write(company, QUESTION) == NOTHING_FOUND

    assert write(company, f"link {code}") == NOW_LINKED

    assert "two million" in write(company, QUESTION)
    assert usable(company) == 0
    assert write(company, f"link {code}", "bob") == INVALID
    assert owner(company, "UBOB") is None


def test_a_code_has_80_bits_and_only_its_hash_is_kept(company: Company, alice: int) -> None:
    codes = {code_for(company, alice) for _ in range(20)}
    assert len(codes) == 20
    assert all(code_in(f"link {code}") == code for code in codes)
    assert {len(code.replace("-", "")) for code in codes} == {16}
    with company.library.database.session("owner") as session:
        kept_rows = str(session.execute(text("SELECT * FROM link_code")).all())
        told = str(session.execute(text("SELECT details, actor FROM audit")).all())
    assert not [code for code in codes if code in kept_rows + told]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("link K7QF-2M9X-AB01-CD23", "K7QF-2M9X-AB01-CD23"),
        ("LINK  k7qf-2m9x-abO1-cdI3", "K7QF-2M9X-AB01-CD13"),
        ("`link K7QF-2M9X-AB01-CD23`", "K7QF-2M9X-AB01-CD23"),
        ("link K7QF–2M9X–AB01–CD23", "K7QF-2M9X-AB01-CD23"),
        ("link K7QF2M9XAB01CD23", "K7QF-2M9X-AB01-CD23"),
        ("link K7QF-2M9X-AB01-CD2", "K7QF-2M9X-AB01-CD2"),
        ("link K7QF-2M9X", None),
        ("link responsibilities", None),
        ("link mail-server", None),
        ("Where is the link K7QF-2M9X-AB01-CD23?", None),
        ("How do I link my account?", None),
    ],
)
def test_a_code_is_distinguished_from_a_question(words: str, code: str | None) -> None:
    assert code_in(words) == code


def test_wrong_used_expired_and_cancelled_codes_and_those_of_suspended_users_sound_the_same(
    company: Company, alice: int
) -> None:
    """Threat 16: a code that is refused tells nothing."""
    cancelled = code_for(company, alice)
    used = code_for(company, alice)
    write(company, f"link {used}", "bob")
    remove_link(company.library.database, SLACK, "UBOB", "test")
    expired = code_for(company, alice)
    with company.library.database.session("syncer") as session:
        session.execute(text("UPDATE link_code SET expires_at = now() WHERE used_at IS NULL"))
    gone = company.person("gone", linked=False)
    of_suspended = code_for(company, gone)
    with company.library.change() as change:
        change.set_status(gone, UserStatus.SUSPENDED)

    wrong = "0000-0000-0000-0000"
    said = [write(company, f"link {one}") for one in (wrong, cancelled, used, expired)]

    assert {*said, write(company, f"link {of_suspended}")} == {INVALID}
    assert owner(company) is None
    assert usable(company) == 0


def test_a_code_said_in_a_channel_is_refused_and_burnt(company: Company, alice: int) -> None:
    """Somebody else who read it cannot use it either."""
    code = code_for(company, alice)
    company.asked("CALL", "alice", f"<@UKEN> link {code}".removeprefix("<@UKEN> "))
    assert last(company, "CALL") == IN_CHANNEL
    assert owner(company) is None
    assert write(company, f"link {code}", "bob") == INVALID
    assert write(company, f"link {code}") == INVALID

    company.asked("CALL", "alice", "link 0000-0000-0000-0000")
    assert last(company, "CALL") == IN_CHANNEL


def test_a_code_said_at_the_terminal_links_nobody_and_is_burnt(
    company: Company, alice: int
) -> None:
    code = code_for(company, alice)
    company.work(kept(user_id=str(alice), words=f"link {code}", surface=Surface.TERMINAL))
    assert usable(company) == 0
    assert owner(company, str(alice)) is None


@pytest.mark.parametrize("native_id", ["UFAR", "UORG", "UROBOT", "UGONE", "UNOBODY"])
def test_strangers_bots_and_other_workspaces_cannot_use_a_code(
    company: Company, alice: int, native_id: str
) -> None:
    """Threat 10: and what they said is burnt."""
    code = code_for(company, alice)
    assert as_account(company, native_id, f"link {code}") == INVALID
    assert owner(company, native_id) is None
    assert usable(company) == 0


def test_a_guest_may_use_a_code_that_an_admin_made(company: Company) -> None:
    guest = company.person("guest", linked=False, guest=True)
    said = write(company, f"link {code_for(company, guest)}", "guest")
    assert "linked" in said
    assert owner(company, "UGUEST") == guest


def test_the_same_id_in_another_workspace_of_an_event_cannot_use_a_code(
    company: Company, alice: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threat 10, another team: the account that Slack shows us is not the one that asked."""
    code = code_for(company, alice)
    monkeypatch.setattr(linking, "source_of_team", lambda team_id: "slack:T2")
    assert write(company, f"link {code}") == INVALID
    assert owner(company) is None


def test_an_account_of_somebody_else_is_not_taken_over(company: Company, alice: int) -> None:
    bob = company.person("bob")
    code = code_for(company, alice)
    assert write(company, f"link {code}", "bob") == TAKEN
    assert owner(company, "UBOB") == bob
    assert usable(company) == 0


def test_a_reply_that_was_lost_is_given_again_to_whom_the_code_linked(
    company: Company, alice: int
) -> None:
    """A worker that died between the link and the post: the next one says the same."""
    code = code_for(company, alice)
    profile = company.services.messenger.profile("UALICE")
    claim(company.library.database, profile.account, code)
    assert write(company, f"link {code}") == NOW_LINKED
    remove_link(company.library.database, SLACK, "UALICE", "test")
    assert write(company, f"link {code}") == INVALID


def test_after_five_wrong_codes_an_hour_the_right_one_is_refused_and_burnt(
    company: Company, alice: int
) -> None:
    """Of twenty that are said at once, five are looked at: they wait for each other."""
    database = company.library.database
    account, other = Named(SLACK, "UALICE"), Named(SLACK, "UBOB")
    start = threading.Barrier(20)

    def guess(number: int) -> None:
        start.wait()
        claim(database, account, f"0000-0000-0000-{number:04}")

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.session("syncer") as session:
        assert len(session.scalars(select(Audit).where(Audit.action == "code_refused")).all()) == 5

    assert claim(database, account, code_for(company, alice)) == INVALID
    assert usable(company) == 0
    assert owner(company) is None

    assert "linked" in claim(database, other, code_for(company, alice))
    remove_link(database, SLACK, "UBOB", "test")
    with database.session("owner") as session:
        session.execute(text("UPDATE audit SET at = at - interval '61 minutes'"))
    assert "linked" in claim(database, account, code_for(company, alice))


def test_of_ten_who_say_a_code_at_once_one_is_linked(company: Company, alice: int) -> None:
    database = company.library.database
    code = code_for(company, alice)
    start = threading.Barrier(10)
    told: list[str] = []

    def say(number: int) -> None:
        start.wait()
        told.append(claim(database, Named(SLACK, f"U{number}"), code))

    threads = [threading.Thread(target=say, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == sorted([NOW_LINKED, *[INVALID] * 9])
    with database.session("syncer") as session:
        rows = session.scalars(
            select(LinkedIdentity.native_id).where(LinkedIdentity.linked_by == "code")
        ).all()
    assert len(rows) == 1


def test_a_code_is_made_for_an_active_user_and_for_30_days_at_the_most(
    company: Company, alice: int
) -> None:
    gone = company.person("gone", linked=False, status=UserStatus.SUSPENDED)
    for user_id, expires in (
        (gone, HOUR),
        (999_999, HOUR),
        (alice, timedelta(0)),
        (alice, timedelta(days=31)),
    ):
        with pytest.raises(InputInvalid):
            code_for(company, user_id, expires)
    assert usable(company) == 0


def test_wrong_codes_are_on_record_and_take_no_epoch(company: Company, alice: int) -> None:
    write(company, QUESTION)
    before = epoch(company)
    write(company, "link 0000-0000-0000-0000")
    assert epoch(company) == before
    with company.library.database.session("syncer") as session:
        actors = session.scalars(select(Audit.actor).where(Audit.action == "code_refused")).all()
    assert actors == [f"{SLACK}:UALICE"]


# -- an admin's word ----


def set_link_of(company: Company, native_id: str, user_id: int) -> None:
    database = company.library.database
    with company.library.change() as change:
        change.put_source(SLACK)
    set_link(database, SLACK, native_id, user_id, "test")


def test_an_admins_link_counts_for_the_next_question_and_so_does_its_end(
    company: Company, alice: int
) -> None:
    set_link_of(company, "UALICE", alice)
    assert "two million" in write(company, QUESTION)
    remove_link(company.library.database, SLACK, "UALICE", "test")
    assert write(company, QUESTION) == NOTHING_FOUND


def test_an_admin_takes_over_no_account_and_links_nobody_unknown(
    company: Company, alice: int
) -> None:
    bob = company.person("bob")
    deleted = company.person("gone", linked=False, status=UserStatus.DELETED)
    before = epoch(company)
    database = company.library.database
    for source, native_id, user_id in (
        (SLACK, "UBOB", alice),
        (SLACK, "UALICE", deleted),
        (SLACK, "UALICE", 999_999),
        ("slack:T9", "UALICE", alice),
    ):
        with pytest.raises(InputInvalid):
            set_link(database, source, native_id, user_id, "test")
    assert (owner(company, "UBOB"), owner(company, "UALICE")) == (bob, None)
    assert epoch(company) == before


def test_accept_links_what_nothing_speaks_against_in_every_source(
    company: Company, alice: int
) -> None:
    """And not what came up between the list and the yes (threat 8)."""
    bob = company.person("bob", linked=False)
    mail(company, bob, "bob@acme.example")
    scanned(company)
    with company.library.change() as change:
        wiki = change.put_source("wiki")
        for native_id, email in (("a.lice", "alice@acme.example"), ("x", "x@acme.example")):
            change.put_account(wiki, SeenAccount(native_id, native_id, email))
    database = company.library.database
    chosen = acceptable(database)
    assert {(one.source, one.native_id) for one in chosen} == {
        (SLACK, "UALICE"),
        (SLACK, "UBOB"),
        ("wiki", "a.lice"),
    }
    assert [one.source for one in acceptable(database, "wiki")] == ["wiki"]
    with company.library.change() as change:
        change.put_account(wiki, SeenAccount("bob", "Bob", "bob@acme.example"))
        change.put_account(wiki, SeenAccount("bob", "Bob", "bob.new@acme.example"))

    assert accept(database, chosen, "test") == 2

    assert (owner(company), owner(company, "a.lice")) == (alice, alice)
    assert owner(company, "UBOB") is None
    assert accept(database, chosen, "test") == 0
