"""What administrators see: why, who, the audience of a channel, and who was shown what."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from policies import Class
from policies.described import Permissions, Person
from policies.tables.people import UserStatus
from tests.workers.slack_company import Company
from workers.admin import explaining
from workers.errors import InputInvalid
from workers.settings import Settings

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def everyone() -> Permissions:
    return Permissions(allow=frozenset({Class.MEMBERS}))


def clock(company: Company) -> str:
    with company.library.database.session("syncer") as session:
        return explaining.clock(session).isoformat()


def why(company: Company, person: str, document: str, at: str | None = None) -> list[str]:
    explained = explaining.explain_access(company.services.settings, person, document, at)
    json.dumps(explained)
    return [explained["reason"], *explaining.why_lines(explained)]


# -- why ------------------------------------------------------------------------------------------


def test_every_refusal_says_what_would_have_to_change(company: Company) -> None:
    library = company.library
    alice = company.person("alice")
    legal = library.group("legal")
    folder = library.folder("deals", Permissions(gates=(frozenset({legal}),)))
    library.document("deal", "text", everyone(), inside=folder)
    library.document("gossip", "text", Permissions(frozenset({3}), frozenset({alice})))
    library.document("odd", "text", Permissions(known=False))
    library.document("mine", "text", Permissions(frozenset({alice})))
    company.person("bob")
    assert why(company, "alice", "deal") == [
        "a gate requires a group that the person is not in",
        "at container deals",
        "the gate requires one of: group legal",
        "needed: that the person is one of these, or a member of one",
    ]
    assert why(company, "alice", "gossip")[1:] == [
        "Alice",
        "on document gossip",
        "needed: no deny for Alice: leave that group, or remove the deny on document gossip",
    ]
    closed, *where = why(company, "alice", "odd")
    assert closed.startswith(
        "permissions on its path are not known, so nobody may read it (since 20"
    )
    assert where == [
        "at document odd",
        "needed: known permissions for document odd: push them again with ken sync push, or load "
        "them again with ken load",
    ]
    assert why(company, "bob", "mine") == [
        "no entry allows it",
        "an allow names one of: Alice",
        "needed: that the person is one of these or a member of one, or an allow for the person",
    ]


def test_a_refusal_names_the_folder_that_cuts_inheritance_and_the_groups_that_would_do(
    company: Company,
) -> None:
    library = company.library
    company.person("bob")
    germany = library.group("germany")
    top = library.folder("hr", everyone())
    cut = library.folder("de", Permissions(frozenset({germany}), inherit=False), inside=top)
    library.document("vacation", "text", inside=library.folder("2026", inside=cut))
    library.document("empty", "text", Permissions(inherit=False))
    assert why(company, "bob", "vacation") == [
        "no entry allows it",
        "an allow names one of: group germany",
        "container de does not inherit, so the allow above it for everyone in members does not "
        "apply",
        "needed: that the person is one of these or a member of one, or an allow for the person",
    ]
    assert why(company, "bob", "empty") == [
        "no entry allows it",
        "needed: an allow: no entry allows anybody to read it",
    ]
    explained = explaining.explain_access(company.services.settings, "bob", "vacation")
    assert explained["cut_at"] == "container de"
    assert (explained["wanted"], explained["stopped"]) == (
        ["group germany"],
        ["everyone in members"],
    )


def test_a_deny_of_an_account_of_nobodys_says_what_to_do_about_it(company: Company) -> None:
    library = company.library
    bob = company.person("bob")
    with library.change() as change:
        drive = change.put_source("drive")
        accounts = change.accounts(drive, ["U9"])
        group = change.put_group(drive, "contractors", name="contractors")
        change.set_members(group, {accounts["U9"]})
    library.document("page", "text", Permissions(frozenset({3}), frozenset({group})))
    before = clock(company)
    assert why(company, "bob", "page") == [
        "a deny names an account that is not linked to anybody and may be this person's: link it, "
        "or mark it as external",
        "account drive:U9 → group contractors",
        "on document page",
        "needed: a link of the account to its owner: ken link set drive:U9 PERSON",
        "needed: or, if it belongs to none of your people: ken link external drive:U9",
        "needed: or a link of this person's own account: ken link set drive:ID PERSON",
    ]
    explained = explaining.explain_access(company.services.settings, "bob", "page")
    assert explained["account"] == {"source": "drive", "native_id": "U9"}
    with library.change() as change:
        change.link(bob, drive, "U9", by="admin")
    assert why(company, "bob", "page")[:2] == [
        "an entry denies it, and deny always wins",
        "Bob → account drive:U9 → group contractors",
    ]
    linked = clock(company)
    with library.change() as change:
        change.unlink(drive, "U9")
        change.set_external(drive, "U9", external=True)
    assert why(company, "bob", "page")[0] == "an entry allows it"
    assert why(company, "bob", "page", linked)[0] == "an entry denies it, and deny always wins"
    assert why(company, "bob", "page", before)[0].startswith("a deny names an account")


def test_who_had_the_account_last_and_has_another_is_not_asked_for_one(company: Company) -> None:
    library = company.library
    bob = company.person("bob")
    with library.change() as change:
        drive = change.put_source("drive")
        account = change.accounts(drive, ["U9"])["U9"]
        for native_id in ("U1", "U9"):
            change.link(bob, drive, native_id, by="admin")
        change.unlink(drive, "U9")
    library.document("page", "text", Permissions(frozenset({3}), frozenset({account})))
    assert why(company, "bob", "page")[3:] == [
        "needed: a link of the account to its owner: ken link set drive:U9 PERSON",
        "needed: or, if it belongs to none of your people: ken link external drive:U9",
    ]


def test_a_source_and_a_person_that_do_not_count_say_since_when(company: Company) -> None:
    library = company.library
    bob = company.person("bob")
    library.document("plan", "text", everyone())
    before = clock(company)
    for paused, limit, words in (
        (True, None, "its source world is paused (since 20"),
        (False, timedelta(hours=1), "its source world has never been synced completely"),
    ):
        with library.change() as change:
            change.set_freshness(library.source_id, paused=paused, max_staleness=limit)
        assert why(company, "bob", "plan")[0].startswith(words)
    with library.change() as change:
        change.mark_synced(library.source_id, at=NOW - timedelta(days=400))
    assert why(company, "bob", "plan")[0].startswith(
        "its source world was last synced at 2025-05-27"
    )
    with library.change() as change:
        change.set_status(bob, UserStatus.SUSPENDED)
    assert why(company, "bob", "plan")[0].startswith("the user is suspended (since 20")
    assert why(company, "bob", "plan", before)[0] == "an entry allows it"


def test_what_is_gone_is_explained_at_its_time_with_its_name(company: Company) -> None:
    library = company.library
    team = library.group("team")
    alice = company.person("alice")
    with library.change() as change:
        change.set_members(team, [alice])
    document = library.document("plan", "text", Permissions(frozenset({team})))
    before = clock(company)
    with library.change() as change:
        change.delete_group(team)
        change.delete_document(document)
    library.person("zoe")
    with pytest.raises(InputInvalid, match="There is no document 'plan'"):
        why(company, "alice", "plan")
    assert why(company, "alice", "plan", before) == [
        "an entry allows it",
        "Alice → group team",
        "on document plan",
    ]
    assert why(company, "zoe", "plan", before)[0] == "there was no such user then"
    with pytest.raises(InputInvalid, match="There is no person 'nobody'"):
        why(company, "nobody", "plan", before)


def test_the_times_that_people_write() -> None:
    for words, at in {
        "90m": NOW - timedelta(minutes=90),
        "2 hours ago": NOW - timedelta(hours=2),
        "3d": NOW - timedelta(days=3),
        "2026-06-30": datetime(2026, 6, 30, tzinfo=UTC),
        "2026-06-30T08:00+02:00": datetime(2026, 6, 30, 6, tzinfo=UTC),
        "2026-07-01T11:59:59Z": NOW - timedelta(seconds=1),
    }.items():
        assert explaining.moment(words, NOW) == at
    for words in ("yesterday", "", "2026-13-01", "999999 d", "-1h", "0001-01-01T00:00+10:00"):
        with pytest.raises(InputInvalid, match="is not a time"):
            explaining.moment(words, NOW)
    with pytest.raises(InputInvalid, match="in the future"):
        explaining.moment("2026-07-01T12:00:01", NOW)


def test_a_time_before_the_history_is_refused(company: Company) -> None:
    company.person("alice")
    company.library.document("plan", "text", everyone())
    with pytest.raises(InputInvalid, match="The history began at 20"):
        why(company, "alice", "plan", "2d")


# -- who ------------------------------------------------------------------------------------------


@pytest.fixture
def crowd(company: Company) -> Settings:
    """Sixty people who read a plan as members of a team."""
    library = company.library
    with library.change() as change:
        people = [
            change.put_user(library.source_id, Person(f"p{n:02}", f"Person {n:02}"))
            for n in range(60)
        ]
    team = library.group("team", people)
    library.document("plan", "text", Permissions(frozenset({team})))
    return company.services.settings


def test_who_names_everybody_with_their_path(crowd: Settings) -> None:
    readers = explaining.who_reads(crowd, "plan")
    assert readers["count"] == len(readers["people"]) == 60
    assert readers["people"][0] == {
        "name": "Person 00",
        "id": "world:p00",
        "path": ["Person 00 → group team", "on document plan"],
    }
    assert readers["classes"] == {"members": False, "members_and_guests": False, "internet": False}


def test_who_cuts_a_long_list_with_a_count(crowd: Settings) -> None:
    lines = explaining.who_lines(explaining.who_reads(crowd, "plan"))
    assert lines[-1] == "  … and 10 more; --json shows all"
    assert len([line for line in lines if "Person" in line]) == 50


def test_who_counts_all_members_of_the_company(company: Company, crowd: Settings) -> None:
    company.person("alice")
    company.library.document("open", "text", everyone())
    readers = explaining.who_reads(crowd, "open")
    assert (readers["count"], readers["classes"]["members"]) == (61, True)
    assert {"name": "Alice", "id": "world:alice"}.items() <= readers["people"][0].items()


def test_who_names_nobody_while_permissions_are_not_known(
    company: Company, crowd: Settings
) -> None:
    before = clock(company)
    with company.library.change() as change:
        change.set_unknown(company.library.ids["plan"])
    (line,) = explaining.who_lines(explaining.who_reads(crowd, "plan"))
    assert line.startswith("nobody: permissions on its path are not known")
    assert explaining.who_reads(crowd, "plan", before)["count"] == 60


# -- audience -------------------------------------------------------------------------------------


@pytest.fixture
def channels(company: Company) -> Settings:
    """Two members, a guest, and a document for each kind of channel."""
    alice, bob = company.person("alice"), company.person("bob")
    company.person("guest", guest=True)
    company.library.document("for all", "text", everyone())
    company.library.document("for both", "text", Permissions(frozenset({alice, bob})))
    return company.services.settings


def test_a_private_channel_is_shown_by_its_members(channels: Settings) -> None:
    board = explaining.audience_in(channels, "board")
    assert (board["rule"], board["people"], board["documents"]) == ("private", ["Alice", "Bob"], 2)
    assert "2 members of the company: Alice, Bob" in explaining.audience_lines(board)


def test_a_public_channel_is_shown_as_the_company(channels: Settings) -> None:
    public = explaining.audience_in(channels, "#all")
    assert (public["rule"], public["classes"], public["documents"]) == ("public", ["members"], 1)
    assert explaining.audience_lines(public)[-1] == "documents that all of them may read: 1"


def test_a_channel_with_a_guest_is_shown_with_the_guest(channels: Settings) -> None:
    guests = explaining.audience_in(channels, "CGUEST")
    assert (guests["guests"], guests["documents"]) == (["Guest"], 0)
    assert "1 guest: Guest" in explaining.audience_lines(guests)


def test_a_channel_of_two_companies_is_shown_as_nobodys(channels: Settings) -> None:
    shared = explaining.audience_in(channels, "joint")
    assert (shared["rule"], shared["people"], shared["documents"]) == ("shared", [], 0)


def test_a_channel_with_somebody_unlinked_says_so(company: Company) -> None:
    company.person("alice")
    audience = explaining.audience_in(company.services.settings, "board")
    assert (audience["strangers"], audience["unlinked"]) == (True, ["UBOB"])
    assert "people without a link: UBOB" in explaining.audience_lines(audience)


# -- shown ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """An answer that was given between two moments, from a plan that is deleted since."""

    settings: Settings
    before: str
    after: str

    def shown(self, since: str | None = None, until: str | None = None) -> dict[str, Any]:
        return explaining.who_was_shown(self.settings, "plan", since, until)


@pytest.fixture
def given(company: Company) -> Given:
    alice = company.person("alice")
    company.library.person("zoe")
    document = company.library.document("plan", "The budget is 10 euros.", everyone())
    before = clock(company)
    company.asked("CALL", "alice", "What is the budget?")
    after = clock(company)
    with company.library.change() as change:
        change.delete_document(document)
        change.set_status(alice, UserStatus.SUSPENDED)
    return Given(company.services.settings, before, after)


def test_what_no_answer_used_was_shown_to_nobody(company: Company) -> None:
    company.library.document("plan", "The budget is 10 euros.", everyone())
    found = explaining.who_was_shown(company.services.settings, "plan", None, None)
    assert explaining.shown_lines(found) == ["no answer used it"]


def test_who_could_have_been_shown_a_document_is_known_from_real_answers(given: Given) -> None:
    found = given.shown()
    (one,) = found["answers"]
    assert (one["channel"], one["cited"], one["asker"]) == ("CALL", True, "Alice")
    assert one["audience"][0] == "everyone in members"
    assert found["people"] == ["Alice", "Zoe"]
    assert (found["classes"], found["strangers"]) == (["members"], False)


def test_who_could_have_been_shown_a_document_is_printed_in_lines_and_as_json(given: Given) -> None:
    found = given.shown()
    json.dumps(found)
    lines = explaining.shown_lines(found)
    assert "in CALL, cited" in lines[1]
    assert lines[-1] == "2 people could have seen it: Alice, Zoe"


def test_only_answers_between_two_moments_are_shown(given: Given) -> None:
    assert len(given.shown(given.before, given.after)["answers"]) == 1
    assert given.shown(given.after)["answers"] == []
    with pytest.raises(InputInvalid, match="--from is later"):
        given.shown(given.after, given.before)


def test_of_a_document_that_never_was_nothing_is_shown(given: Given) -> None:
    with pytest.raises(InputInvalid, match="There is no document"):
        explaining.who_was_shown(given.settings, "nothing", None, None)
