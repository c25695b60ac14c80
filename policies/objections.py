"""Decides what contradicts linking an account to a user: a plain rule over values.

Design, section 4, Identity link. A matching address makes a link only if nothing contradicts it.
"""

from dataclasses import dataclass
from enum import StrEnum

from policies.tables.people import AccountKind, UserStatus


class Objection(StrEnum):
    """Why an account is not linked without an administrator. The texts are for administrators."""

    NOT_A_MEMBER = "only an administrator can link guests, bots and people of other companies"
    NOT_CONFIRMED = "the address is not confirmed"
    NOT_EQUAL = "the addresses are not the same, letter for letter"
    NOT_ACTIVE = "the user is suspended or deleted"
    SEVERAL_USERS = "several users have this address"
    SEVERAL_ACCOUNTS = "several accounts there have this address"
    SECOND_ACCOUNT = "the user has another account there"
    LINKED_BEFORE = "an earlier link of this account or user there was removed"
    CHANGED_HANDS = "the address belonged to another account before"


@dataclass(frozen=True, slots=True)
class AddressHolder:
    """An account that has or had the address."""

    source_id: int
    native_id: str
    user_id: int | None
    """The linked user; None if it has no link."""
    now: bool
    """True if its source says that it still has the address."""


@dataclass(frozen=True, slots=True)
class Match:
    """An account and a user who may be the same person, with all facts that decide it.

    Counts and holders are of the address in upper or lower case: to mailboxes it is the same.
    """

    source_id: int
    native_id: str
    kind: AccountKind
    email: str | None
    confirmed: bool
    """The source confirms that the owner of the account has the address."""
    user_id: int
    user_email: str | None
    user_status: UserStatus
    users: int
    """Users with this address now, of any status."""
    accounts: int
    """Accounts of this source with this address now."""
    second_account: bool
    """The user is linked to another account of this source."""
    linked_before: bool
    """In this source, the account had another link before, or the user another account."""
    holders: frozenset[AddressHolder] = frozenset()


def objections(match: Match) -> tuple[Objection, ...]:
    """Return what contradicts linking the two by their address; empty if nothing does."""
    found = {
        Objection.NOT_A_MEMBER: match.kind is not AccountKind.MEMBER,
        Objection.NOT_CONFIRMED: not match.confirmed,
        Objection.NOT_EQUAL: not match.email or match.email != match.user_email,
        Objection.NOT_ACTIVE: match.user_status is not UserStatus.ACTIVE,
        Objection.SEVERAL_USERS: match.users > 1,
        Objection.SEVERAL_ACCOUNTS: match.accounts > 1,
        Objection.SECOND_ACCOUNT: match.second_account,
        Objection.LINKED_BEFORE: match.linked_before,
        Objection.CHANGED_HANDS: any(_is_another(holder, match) for holder in match.holders),
    }
    return tuple(objection for objection, holds in found.items() if holds)


def _is_another(holder: AddressHolder, match: Match) -> bool:
    """Whether the address was somebody's who is neither this account nor this user.

    An account elsewhere that nobody is linked to may be the user's as long as it has the address.
    """
    if holder.source_id == match.source_id:
        return holder.native_id != match.native_id
    if holder.user_id is not None:
        return holder.user_id != match.user_id
    return not holder.now
