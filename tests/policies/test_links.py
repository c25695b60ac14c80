"""Links: the rule by itself, each condition with the attack that it stops, and what admins see."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import delete, select

from policies import links
from policies.change import Change
from policies.described import Person, SeenAccount
from policies.links import linked as linked_accounts
from policies.links import sources_of, unmatched, user_by_address
from policies.objections import AddressHolder, Match, Objection, objections
from policies.tables.people import Account, AccountKind, Address, UserStatus
from tests.policies.world import World

SLACK, WIKI = "slack:T1", "wiki"
ANA, OLD = "ana@acme.example", "UOLD"

CLEAN = Match(
    source_id=1,
    native_id="UANA",
    kind=AccountKind.MEMBER,
    email=ANA,
    confirmed=True,
    user_id=1000,
    user_email=ANA,
    user_status=UserStatus.ACTIVE,
    users=1,
    accounts=1,
    second_account=False,
    linked_before=False,
    holders=frozenset(
        {AddressHolder(1, "UANA", None, now=True), AddressHolder(2, "ana", 1000, now=False)}
    ),
)


def held(*more: AddressHolder) -> frozenset[AddressHolder]:
    return CLEAN.holders | set(more)


def test_an_equal_confirmed_address_with_a_clean_past_has_nothing_against_it() -> None:
    assert objections(CLEAN) == ()
    elsewhere = AddressHolder(3, "ana.lima", None, now=True)
    assert objections(replace(CLEAN, holders=held(elsewhere))) == ()
    assert objections(replace(CLEAN, holders=frozenset())) == ()


@pytest.mark.parametrize(
    ("objection", "match"),
    [
        # threat 10: guest, stranger, bot; people of another team are strangers too
        (Objection.NOT_A_MEMBER, replace(CLEAN, kind=AccountKind.GUEST)),
        (Objection.NOT_A_MEMBER, replace(CLEAN, kind=AccountKind.STRANGER)),
        (Objection.NOT_A_MEMBER, replace(CLEAN, kind=AccountKind.BOT)),
        (Objection.NOT_CONFIRMED, replace(CLEAN, confirmed=False)),
        # threat 4: ids and addresses that look alike are not equal
        (Objection.NOT_EQUAL, replace(CLEAN, email="Ana@acme.example")),
        (Objection.NOT_EQUAL, replace(CLEAN, email="ana@acme.example ")),
        (Objection.NOT_EQUAL, replace(CLEAN, email="\u0430na@acme.example")),
        (Objection.NOT_EQUAL, replace(CLEAN, email=None, user_email=None)),
        (Objection.NOT_EQUAL, replace(CLEAN, email="", user_email="")),
        # threat 9
        (Objection.NOT_ACTIVE, replace(CLEAN, user_status=UserStatus.SUSPENDED)),
        (Objection.NOT_ACTIVE, replace(CLEAN, user_status=UserStatus.DELETED)),
        # unique on both sides
        (Objection.SEVERAL_USERS, replace(CLEAN, users=2)),
        (Objection.SEVERAL_ACCOUNTS, replace(CLEAN, accounts=2)),
        # threat 8: reused address, renamed user, recreated account
        (Objection.SECOND_ACCOUNT, replace(CLEAN, second_account=True)),
        (Objection.LINKED_BEFORE, replace(CLEAN, linked_before=True)),
        (
            Objection.CHANGED_HANDS,
            replace(CLEAN, holders=held(AddressHolder(1, OLD, None, now=False))),
        ),
        (
            Objection.CHANGED_HANDS,
            replace(CLEAN, holders=held(AddressHolder(1, OLD, 1000, now=False))),
        ),
        (
            Objection.CHANGED_HANDS,
            replace(CLEAN, holders=held(AddressHolder(2, "old", 1001, now=True))),
        ),
        (
            Objection.CHANGED_HANDS,
            replace(CLEAN, holders=held(AddressHolder(3, "old", None, now=False))),
        ),
    ],
)
def test_each_condition_alone_stops_its_attack(objection: Objection, match: Match) -> None:
    """Threats 4, 8, 9, 10. Nothing else is against it: without the condition it would be a link."""
    assert objections(match) == (objection,)


# -- the same, from what is stored ---------------------------------------------------------------


class Office:
    """Ana works here; an account in Slack has her address."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ana = self.user("hr", "ana", ANA)
        self.seen("UANA")

    def change(self, act: Callable[[Change], object]) -> None:
        with self.world.change() as change:
            act(change)

    def user(
        self,
        source: str,
        native_id: str,
        email: str | None,
        status: UserStatus = UserStatus.ACTIVE,
    ) -> int:
        person = Person(native_id, native_id.title(), email, status=status)
        with self.world.change() as change:
            return change.put_user(change.put_source(source), person)

    def seen(
        self,
        native_id: str,
        email: str | None = ANA,
        kind: AccountKind = AccountKind.MEMBER,
        source: str = SLACK,
        name: str = "Somebody",
    ) -> None:
        account = SeenAccount(native_id, name, email, kind)
        self.change(lambda change: change.put_account(change.put_source(source), account))

    def link(self, native_id: str, user_id: int, source: str = SLACK) -> None:
        self.change(lambda c: c.link(user_id, c.put_source(source), native_id, by="admin"))

    def unlink(self, native_id: str, source: str = SLACK) -> None:
        self.change(lambda c: c.unlink(c.put_source(source), native_id))

    def whose(self, native_id: str = "UANA", *, confirmed: bool = True) -> int | None:
        with self.world.database.session("syncer") as session:
            return user_by_address(session, SLACK, native_id, confirmed=confirmed)


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


def guest(office: Office) -> None:
    office.seen("UANA", kind=AccountKind.GUEST)


def stranger(office: Office) -> None:
    office.seen("UANA", kind=AccountKind.STRANGER)


def bot(office: Office) -> None:
    office.seen("UANA", kind=AccountKind.BOT)


def other_case(office: Office) -> None:
    office.seen("UANA", "Ana@acme.example")


def suspended(office: Office) -> None:
    office.user("hr", "ana", ANA, UserStatus.SUSPENDED)


def user_of_the_same_address(office: Office) -> None:
    """Another directory's Ana, whose address was never remembered: only that it is there now."""
    office.user("crm", "ana", ANA)
    office.change(lambda c: c.session.execute(delete(Address)))


def account_of_the_same_address(office: Office) -> None:
    office.seen("UTWIN", "ANA@acme.example")
    office.change(lambda c: c.session.execute(delete(Address)))


def address_of_a_linked_account_was_reused(office: Office) -> None:
    """Ana has left Slack's address to somebody new before we ever saw her own account."""
    office.link(OLD, office.ana)


def link_was_removed(office: Office) -> None:
    office.link("UANA", office.ana)
    office.unlink("UANA")


def account_was_recreated(office: Office) -> None:
    """Ana's account was taken away from her; another one has the address now."""
    office.link(OLD, office.ana)
    office.unlink(OLD)


def address_was_another_account(office: Office) -> None:
    """The account was renamed, and the address given to a newcomer."""
    office.seen(OLD, ANA)
    office.seen(OLD, "ana.married@acme.example")


def address_was_another_user(office: Office) -> None:
    """The directory gave the address of one who left to Ana, who is not the Ana of Slack."""
    office.user("hr", "old-ana", ANA)
    office.user("hr", "old-ana", None, UserStatus.DELETED)


def address_moved_away_elsewhere(office: Office) -> None:
    office.seen("old.ana", ANA, source=WIKI)
    office.seen("old.ana", "old@acme.example", source=WIKI)


ATTACKS: dict[Callable[[Office], None], Objection] = {
    guest: Objection.NOT_A_MEMBER,
    stranger: Objection.NOT_A_MEMBER,
    bot: Objection.NOT_A_MEMBER,
    other_case: Objection.NOT_EQUAL,
    suspended: Objection.NOT_ACTIVE,
    user_of_the_same_address: Objection.SEVERAL_USERS,
    account_of_the_same_address: Objection.SEVERAL_ACCOUNTS,
    address_of_a_linked_account_was_reused: Objection.SECOND_ACCOUNT,
    link_was_removed: Objection.LINKED_BEFORE,
    account_was_recreated: Objection.LINKED_BEFORE,
    address_was_another_account: Objection.CHANGED_HANDS,
    address_was_another_user: Objection.CHANGED_HANDS,
    address_moved_away_elsewhere: Objection.CHANGED_HANDS,
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_no_attack_gets_the_link_and_each_would_without_its_condition(
    office: Office, attack: Callable[[Office], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threats 8, 9 and 10, with the leak seen first: the rule less one condition links."""
    assert office.whose() == office.ana
    attack(office)

    assert office.whose() is None

    def without(match: Match) -> tuple[Objection, ...]:
        return tuple(one for one in objections(match) if one is not ATTACKS[attack])

    monkeypatch.setattr(links, "objections", without)
    with office.world.database.session("syncer") as session:
        (row,) = [
            one for one in unmatched(session, SLACK, kinds=AccountKind) if one.native_id == "UANA"
        ]
    assert office.ana in [one.user_id for one in row.suggestions if not one.against]


def test_an_address_that_is_not_confirmed_now_links_nobody(office: Office) -> None:
    assert office.whose(confirmed=True) == office.ana
    assert office.whose(confirmed=False) is None


def test_an_account_that_has_a_link_or_was_never_seen_is_nobodys_by_address(
    office: Office,
) -> None:
    assert office.whose("UNOBODY") is None
    office.link("UANA", office.user("hr", "bo", None))
    assert office.whose() is None


def test_an_address_does_not_outweigh_that_an_administrator_called_the_account_external(
    office: Office,
) -> None:
    assert office.whose() == office.ana
    office.change(lambda c: c.set_external(c.put_source(SLACK), "UANA", external=True))
    assert office.whose() is None
    office.change(lambda c: c.set_external(c.put_source(SLACK), "UANA", external=False))
    assert office.whose() == office.ana


def test_ids_of_accounts_and_sources_are_compared_byte_for_byte(office: Office) -> None:
    """Threat 4: what happened to an account that looks alike says nothing of this one."""
    for alike in ("uana", "UANA ", "U\u0410NA"):
        office.link(alike, office.user("hr", f"other {alike}", None))
        office.unlink(alike)
    assert office.whose() == office.ana
    office.link("UANA", office.ana, source="slack:T2")
    office.unlink("UANA", source="slack:T2")
    assert office.whose() == office.ana


def test_her_accounts_in_two_sources_are_both_hers(office: Office) -> None:
    office.seen("ana.lima", source=WIKI)
    assert office.whose() == office.ana
    office.link("UANA", office.ana)
    with office.world.database.session("syncer") as session:
        assert user_by_address(session, WIKI, "ana.lima", confirmed=True) == office.ana


# -- what an admin sees ----------------------------------------------------------------------------


def test_suggestions_say_why_and_what_speaks_against_them(office: Office) -> None:
    namesake = office.user("crm", "ana lima", "other@acme.example")
    office.seen("UANA", ANA, name="ANA LIMA")
    office.seen("UBOB", None, name="Bob")

    with office.world.database.session("syncer") as session:
        bob, ana = sorted(unmatched(session), key=lambda one: one.native_id, reverse=True)

    assert (bob.native_id, bob.suggestions, bob.accepted) == ("UBOB", (), None)
    assert (ana.source, ana.email, ana.kind) == (SLACK, ANA, AccountKind.MEMBER)
    first, second = ana.suggestions
    assert (first.user_id, first.reason, first.against) == (office.ana, "same address", ())
    assert (second.user_id, second.reason) == (namesake, "same name")
    assert second.against == (Objection.NOT_EQUAL, Objection.CHANGED_HANDS)
    assert ana.accepted == office.ana


def test_deleted_users_are_no_suggestion(office: Office) -> None:
    office.user("hr", "ana", ANA, UserStatus.DELETED)
    with office.world.database.session("syncer") as session:
        assert unmatched(session)[0].suggestions == ()


def test_the_list_goes_on_behind_the_last_account_and_shows_people_first(office: Office) -> None:
    for number in range(5):
        office.seen(f"U{number}", None)
    office.seen("UBOT", None, AccountKind.BOT)
    office.seen("UFAR", None, AccountKind.STRANGER)
    office.seen("zoe", None, source="a wiki")

    with office.world.database.session("syncer") as session:
        pages: list[list[str]] = []
        after = None
        while page := unmatched(session, limit=3, after=after):
            pages.append([one.native_id for one in page])
            after = page[-1].place
        of_slack = [one.native_id for one in unmatched(session, SLACK)]
        everybody = session.scalars(select(Account.native_id)).all()
        shown = unmatched(session, kinds=AccountKind)

    assert pages == [["zoe", "U0", "U1"], ["U2", "U3", "U4"], ["UANA"]]
    assert of_slack == ["U0", "U1", "U2", "U3", "U4", "UANA"]
    assert len(shown) == len(everybody) == 9


def test_linked_accounts_are_listed_with_their_users_and_what_linked_them(office: Office) -> None:
    office.link("UANA", office.ana)
    with office.world.database.session("syncer") as session:
        (one,) = linked_accounts(session, SLACK)
        everything = linked_accounts(session)
        behind = linked_accounts(session, after=("hr", "ana"))
    assert (one.native_id, one.name, one.user_id, one.by) == (
        "UANA",
        "Somebody",
        office.ana,
        "admin",
    )
    assert [(entry.source, entry.native_id) for entry in everything] == [
        ("hr", "ana"),
        (SLACK, "UANA"),
    ]
    assert [entry.native_id for entry in behind] == ["UANA"]


def test_a_source_and_an_id_are_told_apart(office: Office) -> None:
    office.seen("T1:UANA", None, source="slack")
    with office.world.database.session("syncer") as session:
        assert sources_of(session, "slack:T1:UBOB") == [("slack", "T1:UBOB"), (SLACK, "UBOB")]
        assert sources_of(session, "hr:ana") == [("hr", "ana")]
        assert sources_of(session, "nowhere:ana") == []
    office.seen("UBOB", None)
    with office.world.database.session("syncer") as session:
        assert sources_of(session, "slack:T1:UBOB") == [(SLACK, "UBOB")]
