"""`release`: give back what `apply` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_group_kms.association.requests import Remove
from log_group_kms.cli.changing import carry_out
from log_group_kms.cli.command import Command, Exit
from log_group_kms.cli.findings import Summary
from log_group_kms.cli.holdings import holdings_of
from log_group_kms.cli.requests import remove_of
from log_group_kms.cli.wording import log_groups, owner_name

if TYPE_CHECKING:
    from log_group_kms.cli.command import Invocation
    from log_group_kms.cli.holdings import Holdings
    from log_group_kms.model.targets import Fleet


def release(invocation: Invocation) -> Exit:
    """Give back what the owner holds, after a look and a question."""
    fleet, removal = remove_of(invocation)
    holdings = holdings_of(invocation, fleet, removal.owner)
    if not invocation.agreed(_question(fleet, removal, holdings)):
        return Exit.ERROR
    planned = len(holdings.held) or None
    summary = Summary("release", fleet, removal.owner, planned=planned, not_held=holdings.beside)
    return carry_out(invocation, "Giving back", summary, lambda rules: rules.remove(removal))


def _question(fleet: Fleet, removal: Remove, holdings: Holdings) -> str:
    who = owner_name(removal.owner)
    which = f"log groups {fleet.prefix}*" if fleet.prefix else "every log group"
    where = f"{which} in account {fleet.place.account}, {fleet.place.region}"
    if not holdings.held:
        # How soon ListLogGroups shows a new tag is not known.
        looked = log_groups(holdings.encrypted)
        return f"AWS shows none that {who} holds of {where}. Look at each of the {looked} that have a key?"
    return f"Give back ({removal.on_delete}) {log_groups(len(holdings.held))} that {who} holds of {where}?"


RELEASE = Command(
    "release",
    "give back what apply holds",
    release,
    Remove,
    changes=True,
    fields="command, account, region, prefix, kms_key_arn, owner, planned, changed, compliant, skipped,\n"
    "unrestored (names), refused (names), not_held (names), throttled (calls), seconds,\n"
    "complete (false after Ctrl-C or an error), error (or null)",
)
