"""The events in which the provider is killed, and how each ends where nobody kills it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from e2e.crash_account import BILLING, ORDERS, RENAMED, US, Account, Encryption, State, Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.crash_account import Event


@dataclass(frozen=True, slots=True)
class Situation:
    """An event, and how it ends where nobody is killed.

    Attributes:
        title: for the test's name.
        sent: brings the account to where the event finds it, and makes the event.
        requests: what the provider asks for.
        state: what AWS shows in the end.
        told: what CloudFormation is told in the end; the id is a log group's name.
        frees: whether the log group is to be left without a key.
    """

    title: str
    sent: Callable[[Account], Event]
    requests: tuple[str, ...]
    state: State
    told: tuple[str | None, ...]
    frees: bool = False

    def told_by(self, account: Account) -> Told:
        """Return the same with the whole id."""
        target, *found = self.told
        return Told("SUCCESS", account.arn(str(target)), *found)


def creating(before: str | None, **options: str) -> Callable[[Account], Event]:
    """A Create on a log group with this key."""

    def sent(account: Account) -> Event:
        account.log_group(ORDERS, before)
        return account.create(**options)

    return sent


def creating_a_log_group(account: Account) -> Event:
    """A Create of a log group that is not there."""
    return account.create(OnMissingLogGroup="Create")


def creating_by_alias(account: Account) -> Event:
    """A Create that names the key by an alias."""
    account.log_group(ORDERS, "before")
    account.aws.client("kms").create_alias(AliasName="alias/logs", TargetKeyId=account.key("ours"))
    return account.create("alias/logs")


def renaming(account: Account) -> Event:
    """A Create by the same stack's resource under a new logical id, with another key."""
    account.done(creating("before")(account))
    return account.create("new", logical_id=RENAMED)


def changing_the_key(before: str | None) -> Callable[[Account], Event]:
    """An Update to another key."""

    def sent(account: Account) -> Event:
        account.done(creating(before)(account))
        return account.update(account.properties("ours", ORDERS), account.properties("new", ORDERS))

    return sent


def changing_the_target(account: Account) -> Event:
    """An Update to another log group, which has a key of its own."""
    account.done(creating("before")(account))
    account.log_group(BILLING, "billing's")
    return account.update(account.properties("ours", ORDERS), account.properties("ours", BILLING))


def deleting(before: str | None, **options: str) -> Callable[[Account], Event]:
    """The Delete after a Create on a log group with this key."""

    def sent(account: Account) -> Event:
        account.done(creating(before, **options)(account))
        return account.delete(**options)

    return sent


TAGS, KEY = "logs:ListTagsForResource", "logs:DescribeLogGroups"
#: Where no key is in force, or the claim remembers which one was there before.
LOOKS = (TAGS, KEY)
#: Where a key might be another's, who is just giving the log group back.
LOOKS_AROUND = (TAGS, KEY, TAGS)
CONFIRMS = (KEY, TAGS, "PUT")
ACTS = ("logs:TagResource", "logs:AssociateKmsKey", *CONFIRMS)
LEAVES = (TAGS, "logs:TagResource", KEY)

SITUATIONS: Final = [
    Situation(
        "Create over a previous key",
        creating("before"),
        (*LOOKS_AROUND, *ACTS),
        {ORDERS: Encryption("ours", US, "before")},
        (ORDERS, "ours", "before"),
    ),
    Situation(
        "Create where there is no key",
        creating(None),
        (*LOOKS, *ACTS),
        {ORDERS: Encryption("ours", US, "none")},
        (ORDERS, "ours", None),
    ),
    Situation(
        "Create where our key is already",
        creating("ours"),
        (*LOOKS_AROUND, "logs:TagResource", *CONFIRMS),
        {ORDERS: Encryption("ours", US, "ours")},
        (ORDERS, "ours", "ours"),
    ),
    Situation(
        "Create of the log group itself",
        creating_a_log_group,
        (TAGS, "logs:CreateLogGroup", *CONFIRMS),
        {ORDERS: Encryption("ours", US, "none")},
        (ORDERS, "ours", None),
    ),
    Situation(
        "Create by alias",
        creating_by_alias,
        (*LOOKS_AROUND, "kms:DescribeKey", *ACTS),
        {ORDERS: Encryption("ours", US, "before")},
        (ORDERS, "ours", "before"),
    ),
    Situation(
        "Create under a new logical id",
        renaming,
        (*LOOKS, *ACTS),
        {ORDERS: Encryption("new", RENAMED, "before")},
        (ORDERS, "new", "before"),
    ),
    Situation(
        "Update of the key",
        changing_the_key("before"),
        (*LOOKS, *ACTS),
        {ORDERS: Encryption("new", US, "before")},
        (ORDERS, "new", "before"),
    ),
    Situation(
        "Update of the key, where there was none",
        changing_the_key(None),
        (*LOOKS, *ACTS),
        {ORDERS: Encryption("new", US, "none")},
        (ORDERS, "new", None),
    ),
    Situation(
        "Update of the target",
        changing_the_target,
        (*LOOKS_AROUND, *ACTS),
        {ORDERS: Encryption("ours", US, "before"), BILLING: Encryption("ours", US, "billing's")},
        (BILLING, "ours", "billing's"),
    ),
    Situation(
        "Delete, RestorePrevious, previous key",
        deleting("before"),
        (*LEAVES, "logs:AssociateKmsKey", "logs:UntagResource", "PUT"),
        {ORDERS: Encryption("before")},
        (ORDERS,),
    ),
    Situation(
        "Delete, RestorePrevious, no previous key",
        deleting(None),
        (*LEAVES, "logs:DisassociateKmsKey", "logs:UntagResource", "PUT"),
        {ORDERS: Encryption(None)},
        (ORDERS,),
        frees=True,
    ),
    Situation(
        "Delete, RestorePrevious, our own key was there before",
        deleting("ours"),
        (*LEAVES, "logs:TagResource", "PUT"),
        {ORDERS: Encryption("ours", f"deleted:{US}", "ours")},
        (ORDERS,),
    ),
    Situation(
        "Delete, Disassociate",
        deleting("before", OnDelete="Disassociate"),
        (*LEAVES, "logs:DisassociateKmsKey", "logs:UntagResource", "PUT"),
        {ORDERS: Encryption(None)},
        (ORDERS,),
        frees=True,
    ),
    Situation(
        "Delete, Retain",
        deleting("before", OnDelete="Retain"),
        (TAGS, "logs:UntagResource", "PUT"),
        {ORDERS: Encryption("ours")},
        (ORDERS,),
    ),
]
