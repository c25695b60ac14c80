"""`ken link`: link accounts to people, for administrators."""

import getpass
import re
from collections.abc import Iterator
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from policies.links import PEOPLE, Linked, Suggestion, Unmatched, linked, sources_of, unmatched
from policies.names import Unresolved, resolve_user
from policies.tables.people import AccountKind, UserStatus
from workers.cli.output import counted
from workers.database.schema import check
from workers.database.sessions import Database
from workers.errors import InputInvalid, OperatorError, SlackRefused, SlackUnavailable
from workers.people import linking
from workers.people.forgetting import Forgotten, forget_person
from workers.replies.inert import inert
from workers.settings import Settings
from workers.slack.messenger import Names
from workers.slack.workspaces import workspaces
from workers.sync.sources import source_id_of

_PAGE = 500
_EXPIRES = re.compile(r"(\d{1,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class ScanFailed(OperatorError):
    """Slack did not return the whole list of members."""

    exit_code = 3


def without_link(
    settings: Settings, source: str | None, *, everybody: bool, external: bool = False
) -> Iterator[Unmatched]:
    """Yield accounts without a link, or with `external` those marked as external.

    `everybody` includes bots and people of other companies.
    """
    kinds = frozenset(AccountKind) if everybody else PEOPLE
    database, after = _database_with(settings, source), None
    while True:
        with database.session("syncer") as session:
            page = unmatched(
                session, source, limit=_PAGE, after=after, kinds=kinds, external=external
            )
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].place


def with_link(settings: Settings, source: str | None) -> Iterator[Linked]:
    database, after = _database_with(settings, source), None
    while True:
        with database.session("syncer") as session:
            page = linked(session, source, limit=_PAGE, after=after)
        yield from page
        if len(page) < _PAGE:
            return
        after = (page[-1].source, page[-1].native_id)


def print_unmatched(found: list[Unmatched], out: Console) -> None:
    """Print the accounts. Names come from outside, so terminal control characters are removed."""
    if denied := sum(one.denied for one in found):
        out.print(
            f"{denied} of these accounts {'is' if denied == 1 else 'are'} named by a deny (marked "
            "!). Until you link them, or mark them with `ken link external ACCOUNT`, each deny "
            "keeps out everybody who has no link in the same source."
        )
    table = _table("account", "name", "address", "kind", "may be", "contradicted by")
    for one in found:
        name = f"{'! ' if one.denied else ''}{one.source}:{one.native_id}"
        account = (name, one.name, one.email or "", one.kind.value)
        for suggestion in one.suggestions or (None,):
            table.add_row(*map(_shown, (*account, *_suggested(suggestion))))
            account = ("", "", "", "")
    out.print(table)


def print_linked(found: list[Linked], out: Console) -> None:
    table = _table("account", "name", "person", "linked by")
    for one in found:
        user = one.user if one.status is UserStatus.ACTIVE else f"{one.user} ({one.status.value})"
        account = f"{one.source}:{one.native_id}"
        table.add_row(*map(_shown, (account, one.name or "", user, one.by)))
    out.print(table)


def scan(settings: Settings, out: Console) -> None:
    """Store the members of the Slack workspaces. Raises ScanFailed; what was read stays stored."""
    database = _database(settings)
    for messenger in workspaces(settings, database).values():
        _scan(database, messenger, out)


def _scan(database: Database, messenger: Names, out: Console) -> None:
    seen = new = 0
    try:
        with out.status("Reading the workspace…") as status:
            for seen, new in linking.scan(database, messenger):
                status.update(f"Reading the workspace… {counted(seen, 'account')}, {new} new")
    except SlackUnavailable as error:
        why = "refused" if isinstance(error, SlackRefused) else "did not answer"
        raise ScanFailed(
            f"Slack {why} after {counted(seen, 'account')} ({error}). They are stored.",
            remedy="Run `ken link scan` again. It needs the scopes users:read and "
            "users:read.email.",
        ) from None
    out.print(
        f"Read {counted(seen, 'account')}, {new} of them new or changed. "
        "Next: [bold]ken link list[/]"
    )


def set_link(settings: Settings, account: str, person: str) -> str:
    """Link the account and return a sentence about it. Raises InputInvalid."""
    database = _database(settings)
    source, native_id = _account(database, account)
    user_id, name = person_named(database, person)
    linking.set_link(database, source, native_id, user_id, actor())
    return f"{account} is linked to {name}. It counts from the next question on."


def remove_link(settings: Settings, account: str) -> str:
    database = _database(settings)
    source, native_id = _account(database, account)
    if not linking.remove_link(database, source, native_id, actor()):
        return f"{account} had no link. Nothing was changed."
    return f"The link of {account} is removed. It counts from the next question on."


def set_external(settings: Settings, account: str, *, external: bool) -> str:
    """Set or remove the mark and return a sentence about it. Raises InputInvalid."""
    database = _database(settings)
    source, native_id = _account(database, account)
    changed = linking.set_external(database, source, native_id, actor(), external=external)
    if not changed:
        was = "already" if external else "not"
        return f"{account} was {was} marked as external. Nothing was changed."
    if external:
        return (
            f"{account} is marked as external: a deny that names it keeps out nobody. It counts "
            "from the next question on."
        )
    return (
        f"{account} is not marked as external any longer: a deny that names it keeps out everybody "
        "without a link in that source. It counts from the next question on."
    )


def make_code(settings: Settings, person: str, expires: str) -> tuple[str, str]:
    """Return a code and the person's name. Raises InputInvalid."""
    found = _EXPIRES.fullmatch(expires)
    if found is None:
        raise InputInvalid(
            f"--expires: {expires!r} is not a period.", remedy="Write 30m, 8h or 2d."
        )
    period = timedelta(**{_UNITS[found[2]]: int(found[1])})
    database = _database(settings)
    user_id, name = person_named(database, person)
    return linking.make_code(database, user_id, actor(), period), name


def acceptable(settings: Settings, source: str | None) -> list[Unmatched]:
    return linking.acceptable(_database_with(settings, source), source)


def accept(settings: Settings, chosen: list[Unmatched]) -> int:
    return linking.accept(_database(settings), chosen, actor())


def _account(database: Database, account: str) -> tuple[str, str]:
    with database.session("syncer") as session:
        found = [one for one in sources_of(session, account) if one[1]]
    if len(found) == 1:
        return found[0]
    raise InputInvalid(
        f"The account {account!r} could be in {len(found)} sources."
        if found
        else f"No known source has the account {account!r}.",
        remedy="Write SOURCE:ID as `ken link list` shows it, for example slack:T0ACME:U0ANA. "
        "`ken link scan` reads the accounts of a Slack workspace.",
    )


def person_named(database: Database, person: str) -> tuple[int, str]:
    with database.session("syncer") as session:
        try:
            user_id = resolve_user(session, person)
        except Unresolved as unknown:
            similar = ", ".join(unknown.similar)
            raise InputInvalid(
                f"More than one person is called {person!r}."
                if unknown.found
                else f"There is no person {person!r}.",
                remedy=f"Did you mean: {similar}?"
                if similar
                else "Write the person's SOURCE:ID or e-mail address.",
            ) from None
        return user_id, inert(linking.name_of(session, user_id))


def _suggested(suggestion: Suggestion | None) -> tuple[str, str]:
    if suggestion is None:
        return "", ""
    address = f" <{suggestion.email}>" if suggestion.email else ""
    return f"{suggestion.name}{address}: {suggestion.reason}", "; ".join(suggestion.against)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _shown(text: str) -> str:
    return escape(inert(text))


def _database(settings: Settings) -> Database:
    database = Database(settings)
    check(database, "syncer")
    return database


def _database_with(settings: Settings, source: str | None) -> Database:
    """Return a database in which the source exists. Raises InputInvalid if it does not."""
    database = _database(settings)
    if source is not None:
        with database.session("syncer") as session:
            source_id_of(session, source)
    return database


def forget(settings: Settings, person: str, *, only_look: bool) -> tuple[str, Forgotten]:
    """Forget a person, and return their name and how much it was. Raises InputInvalid."""
    database = _database(settings)
    user_id, name = person_named(database, person)
    return name, forget_person(database, user_id, by=actor(), only_look=only_look)


def actor() -> str:
    try:
        return f"terminal:{getpass.getuser()}"
    except (KeyError, OSError):  # in a container, the user may have no name
        return "terminal"
