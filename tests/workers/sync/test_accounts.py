"""What a push says of accounts that nobody is linked to, and what links make of it."""

import pytest

from policies.change import Change
from policies.described import Person
from policies.tables.people import UserStatus
from tests.workers.sync.conftest import SOURCE, Drive, folder, group, page

ACCOUNT = {"type": "account", "id": "U9", "name": "Xavier", "email": "x@acme.example"}
LINES = (
    ACCOUNT,
    group("contractors", "user:U9"),
    group("outsiders", "group:contractors"),
    folder("root", "class:members"),
    page("by account", parent="root", deny=["user:U9"]),
    page("by group", parent="root", deny=["group:contractors"]),
    page("by group of groups", parent="root", deny=["group:outsiders"]),
    page("for all", parent="root"),
    page("for the account", "user:U9"),
    page("for the group", "group:outsiders"),
    page("behind a gate of it", "class:members", gates=[["user:U9", "user:ana"]]),
)
DENIED = {"by account", "by group", "by group of groups"}
LINKED = ["ana", "bob", "cy"]


@pytest.fixture
def pushed(drive: Drive) -> Drive:
    """Xavier and Yana have no account in the drive; the others have."""
    for name in ("xavier", "yana"):
        with drive.database.session("syncer") as session:
            change = Change(session, actor="scim")
            directory = change.put_source("people")
            drive.people[name] = change.put_user(directory, Person(name, name.title()))
    drive.push(*LINES, confirmed=True)
    return drive


def _link(drive: Drive, name: str, account: str = "U9") -> None:
    with drive.database.session("syncer") as session:
        change = Change(session, actor="admin")
        change.link(drive.people[name], change.put_source(SOURCE), account, by="admin")


def _unlink(drive: Drive, account: str = "U9") -> None:
    with drive.database.session("syncer") as session:
        change = Change(session, actor="admin")
        change.unlink(change.put_source(SOURCE), account)


def _set_external(drive: Drive, *, external: bool) -> None:
    with drive.database.session("syncer") as session:
        change = Change(session, actor="admin")
        change.set_external(change.put_source(SOURCE), "U9", external=external)


def test_a_deny_that_reaches_an_account_of_nobodys_bars_all_who_have_none_there(
    pushed: Drive,
) -> None:
    """It may be theirs. In an allow or a gate it counts for nobody, and closes nothing."""
    found = pushed.readers()
    assert [found[name] for name in sorted(DENIED)] == [LINKED] * 3
    assert found["for all"] == [*LINKED, "members", "xavier", "yana"]
    assert found["for the account"] == found["for the group"] == []
    assert found["behind a gate of it"] == ["ana"]


def test_a_link_counts_for_what_was_pushed_before_it(pushed: Drive) -> None:
    """Xavier alone is barred then; nothing has to be pushed again, and no document is touched."""
    tables = ("node", "entry", "policy", "policy_entry", "policy_node", "document", "chunk")
    before = pushed.everything()
    _link(pushed, "xavier")
    found, after = pushed.readers(), pushed.everything()
    assert [found[name] for name in sorted(DENIED)] == [[*LINKED, "yana"]] * 3
    assert found["for the account"] == found["for the group"] == ["xavier"]
    assert found["behind a gate of it"] == ["ana", "xavier"]
    assert [after[one] for one in tables] == [before[one] for one in tables]
    pushed.push(*LINES, confirmed=True)
    assert pushed.readers() == found


def test_taking_a_link_away_never_widens_and_giving_it_back_restores_all(pushed: Drive) -> None:
    unlinked = pushed.readers()
    _link(pushed, "xavier")
    linked = pushed.readers()
    _unlink(pushed)
    after = pushed.readers()
    assert after == unlinked
    assert all(set(after[name]) <= set(linked[name]) for name in after)
    _link(pushed, "xavier")
    assert pushed.readers() == linked


def test_of_two_accounts_of_one_person_the_one_that_is_taken_away_still_bars_them(
    pushed: Drive,
) -> None:
    _link(pushed, "xavier")
    _link(pushed, "xavier", "U10")
    before = pushed.readers()
    assert "xavier" not in before["by group"]
    _unlink(pushed)
    after = pushed.readers()
    assert after["by group"] == LINKED
    assert all(set(after[name]) <= set(before[name]) for name in after)
    _link(pushed, "yana")  # it was hers
    assert pushed.readers()["by group"] == [*LINKED, "xavier"]


def test_an_account_that_changes_hands_takes_all_along(pushed: Drive) -> None:
    _link(pushed, "xavier")
    _link(pushed, "yana")
    found = pushed.readers()
    assert found["for the account"] == ["yana"]
    assert found["by account"] == [*LINKED, "xavier"]


def test_an_external_account_bars_nobody_until_that_is_taken_back(pushed: Drive) -> None:
    before = pushed.readers()
    _set_external(pushed, external=True)
    found = pushed.readers()
    assert [found[name] for name in sorted(DENIED)] == [found["for all"]] * 3
    assert found["for the account"] == []
    pushed.push(*LINES, confirmed=True)
    assert pushed.readers() == found, "what a source says of an account does not change it"
    _set_external(pushed, external=False)
    assert pushed.readers() == before


def test_a_link_ends_that_an_account_is_external(pushed: Drive) -> None:
    _set_external(pushed, external=True)
    _link(pushed, "xavier")
    with pytest.raises(ValueError, match="has a link"):
        _set_external(pushed, external=True)
    _unlink(pushed)
    assert pushed.readers()["by group"] == LINKED


def test_an_account_that_is_named_and_never_described_counts_the_same(drive: Drive) -> None:
    drive.push(page("all", "class:members", deny=["user:unheard of"]))
    assert drive.readers() == {"all": [*LINKED, "members"]}, "everybody has an account there"
    with drive.database.session("syncer") as session:
        change = Change(session, actor="scim")
        drive.people["eve"] = change.put_user(change.put_source("people"), Person("eve", "Eve"))
    assert drive.readers() == {"all": LINKED}


def test_a_link_of_somebody_suspended_bars_them_and_nobody_else(pushed: Drive) -> None:
    _link(pushed, "xavier")
    with pushed.database.session("syncer") as session:
        Change(session, actor="scim").set_status(pushed.people["xavier"], UserStatus.SUSPENDED)
    assert pushed.readers()["by group"] == [*LINKED, "members", "yana"]
    with pushed.database.session("syncer") as session:
        Change(session, actor="scim").delete_user(pushed.people["xavier"])
    assert pushed.readers()["by group"] == LINKED, "the account may be somebody's next"
