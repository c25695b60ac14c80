"""`ken link`, as an administrator uses it."""

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from policies.described import Permissions, Person, SeenAccount
from policies.tables.people import AccountKind
from tests.workers.slack_company import TEAM, Company
from workers.cli import commands, linking, main, output
from workers.errors import InputInvalid
from workers.people.linking import claim

SLACK = f"slack:{TEAM}"
ESCAPE = "\x1b[31m"

Ken = Callable[..., Result]


@pytest.fixture
def ken(company: Company, monkeypatch: pytest.MonkeyPatch) -> Ken:
    """The command in this process; what it raises is raised here."""
    monkeypatch.setattr(commands.people, "command_settings", lambda: company.services.settings)
    monkeypatch.setattr(output.out, "_width", 300)

    def run(*arguments: str, answer: str = "") -> Result:
        return CliRunner().invoke(main.app, arguments, input=answer, catch_exceptions=False)

    return run


@pytest.fixture
def people(company: Company) -> dict[str, int]:
    """Ana and Bo of the directory; accounts in Slack with Ana's address and with Bo's name."""
    with company.library.change() as change:
        hr, slack = change.put_source("hr"), change.put_source(SLACK)
        ids = {
            name: change.put_user(hr, Person(name, f"{name.title()} Lima", f"{name}@acme.example"))
            for name in ("ana", "bo")
        }
        change.put_account(slack, SeenAccount("UANA", "Ana", "ana@acme.example"))
        change.put_account(slack, SeenAccount("UBO", f"bo lima{ESCAPE}[bold]", None))
        change.put_account(slack, SeenAccount("UBO2", "Bo Lima", None))
        change.put_account(slack, SeenAccount("UBOT", "deploy", None, AccountKind.BOT))
    return ids


def listed(ken: Ken, *more: str) -> dict[str, list[tuple[str, list[str]]]]:
    """What `ken link list --json` says: account to (person, against)."""
    return {
        one["native_id"]: [(other["name"], other["against"]) for other in one["suggestions"]]
        for one in json.loads(ken("link", "list", "--json", *more).stdout)
    }


def test_the_list_names_accounts_without_a_link_and_what_speaks_against_each_suggestion(
    ken: Ken, people: dict[str, int]
) -> None:
    found = listed(ken)
    assert found["UANA"] == [("Ana Lima", [])]
    assert found["UBO"] == []
    assert found["UBO2"] == [("Bo Lima", [found["UBO2"][0][1][0]])]
    assert "letter for letter" in found["UBO2"][0][1][0]
    assert "UBOT" not in found
    assert "UBOT" in listed(ken, "--all")
    assert listed(ken, "--source", SLACK).keys() == found.keys()


@pytest.mark.parametrize("command", [("list",), ("list", "--linked"), ("accept", "--yes")])
def test_a_source_that_is_not_there_is_named_and_not_taken_for_one_without_accounts(
    ken: Ken, command: tuple[str, ...]
) -> None:
    for odd in ("nowhere", "\udcff"):
        with pytest.raises(InputInvalid, match="there is no source") as refused:
            ken("link", *command, "--source", odd)
        assert "ken source list" in refused.value.remedy


def test_the_table_shows_others_words_as_they_are_and_lets_them_do_nothing(
    ken: Ken, people: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    with output.out.capture() as captured:
        ken("link", "list")
    table = captured.get()
    assert "slack:T1:UBO " in table
    assert "bo lima[31m[bold]" in table
    assert "\x1b" not in table


def test_set_and_remove_take_the_account_and_the_person_by_their_names(
    ken: Ken, people: dict[str, int]
) -> None:
    ken("link", "set", "slack:T1:UBO", "bo@acme.example")
    owned = json.loads(ken("link", "list", "--linked", "--source", SLACK, "--json").stdout)
    assert [(one["native_id"], one["user_id"], one["by"]) for one in owned] == [
        ("UBO", people["bo"], "admin")
    ]
    ken("link", "remove", "slack:T1:UBO")
    assert "UBO" in listed(ken)


@pytest.mark.parametrize(
    "arguments",
    [
        ("set", "slack:T1:UBO", "nobody"),
        ("set", "slack:T9:UBO", "bo"),
        ("set", "slack:T1:", "bo"),
        ("set", "UBO", "bo"),
        ("remove", "UBO"),
        ("code", "nobody"),
        ("code", "bo", "--expires", "soon"),
        ("code", "bo", "--expires", "31d"),
        ("code", "bo", "--expires", "0m"),
    ],
)
def test_what_is_not_understood_is_refused(
    ken: Ken, people: dict[str, int], arguments: tuple[str, ...]
) -> None:
    with pytest.raises(InputInvalid):
        ken("link", *arguments)
    assert json.loads(ken("link", "list", "--linked", "--source", SLACK, "--json").stdout) == []


def test_an_account_that_could_be_in_two_sources_is_refused(
    ken: Ken, company: Company, people: dict[str, int]
) -> None:
    with company.library.change() as change:
        change.put_source("slack")
    with pytest.raises(InputInvalid, match="2 sources"):
        ken("link", "set", "slack:T1:UNEW", "bo")
    ken("link", "set", "slack:T1:UBO", "bo")  # known in one of them
    assert "UBO" not in listed(ken)


def test_a_printed_code_links_who_says_it(
    ken: Ken, company: Company, people: dict[str, int]
) -> None:
    printed = ken("link", "code", "bo", "--expires", "30m").stdout.strip()
    account = company.services.messenger.profile("UBOB").account
    assert "Bo Lima" in claim(company.library.database, account, printed)


def test_accept_shows_first_and_links_after_a_yes(ken: Ken, people: dict[str, int]) -> None:
    for arguments, answer in ((("--dry-run",), ""), ((), "n\n")):
        ken("link", "accept", *arguments, answer=answer)
        assert "UANA" in listed(ken)
    ken("link", "accept", "--source", "hr", "--yes")
    assert "UANA" in listed(ken)

    ken("link", "accept", answer="y\n")

    assert set(listed(ken)) == {"UBO", "UBO2"}


def test_scan_reads_the_workspace_and_says_so_when_slack_does_not_answer(
    ken: Ken, company: Company
) -> None:
    ken("link", "scan")
    assert "UALICE" in listed(ken)
    company.slack.fault("error", method="users.list", error="missing_scope")
    with pytest.raises(linking.ScanFailed, match="refused"):
        ken("link", "scan")


def test_an_account_that_is_denied_heads_the_list_until_it_is_linked_or_external(
    ken: Ken, people: dict[str, int], company: Company
) -> None:
    """A deny of it keeps out everybody without a link there: of whatever kind, described or not."""
    with company.library.change() as change:
        slack = change.put_source(SLACK)
        accounts = change.accounts(slack, ["UBOT", "unheard of"])
        group = change.put_group(slack, "out", name="out")
        change.set_members(group, {accounts["UBOT"]})
    denied = frozenset({group, accounts["unheard of"]})
    company.library.page("page", Permissions(frozenset({3}), denied))

    found = json.loads(ken("link", "list", "--json", "--source", SLACK).stdout)
    assert [(one["native_id"], one["denied"]) for one in found] == [
        ("UBOT", True), ("unheard of", True), ("UANA", False), ("UBO", False), ("UBO2", False),
    ]  # fmt: skip
    shown = ken("link", "list").stdout
    assert shown.startswith("2 of these accounts are named by a deny (marked !).")
    assert f"! {SLACK}:UBOT" in shown

    assert "is marked as external" in ken("link", "external", f"{SLACK}:UBOT").stdout
    assert "was already marked as external" in ken("link", "external", f"{SLACK}:UBOT").stdout
    left = json.loads(ken("link", "list", "--all", "--json", "--source", SLACK).stdout)
    assert [one["native_id"] for one in left] == ["unheard of", "UANA", "UBO", "UBO2"]
    (one,) = json.loads(ken("link", "list", "--external", "--json").stdout)
    assert (one["native_id"], one["denied"]) == ("UBOT", False)
    assert (
        "is not marked as external any longer"
        in ken("link", "external", f"{SLACK}:UBOT", "--off").stdout
    )
    assert ken("link", "list", "--external").stdout.startswith("No account is marked")

    ken("link", "set", f"{SLACK}:unheard of", "hr:bo")
    with pytest.raises(InputInvalid, match="is linked to a user"):
        ken("link", "external", f"{SLACK}:unheard of")
    with pytest.raises(InputInvalid, match="There is no account"):
        ken("link", "external", f"{SLACK}:UNONE")


def test_the_list_goes_on_behind_a_denied_account(
    ken: Ken, people: dict[str, int], company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with company.library.change() as change:
        accounts = change.accounts(change.put_source(SLACK), ["UBO2", "UBOT"])
    company.library.page("page", Permissions(deny=frozenset(accounts.values())))
    monkeypatch.setattr(linking, "_PAGE", 1)
    found = json.loads(ken("link", "list", "--json", "--source", SLACK).stdout)
    assert [one["native_id"] for one in found] == ["UBO2", "UBOT", "UANA", "UBO"]
