"""`release`: give back what `apply` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_group_kms.association.requests import Remove
from log_group_kms.cli.changing import carry_out
from log_group_kms.cli.command import Command, Exit
from log_group_kms.cli.findings import Summary
from log_group_kms.cli.requests import remove_of
from log_group_kms.cli.wording import owner_name

if TYPE_CHECKING:
    from log_group_kms.cli.command import Invocation


def release(invocation: Invocation) -> Exit:
    """Give back what the owner holds, after a question."""
    fleet, removal = remove_of(invocation)
    which = f"log groups {fleet.prefix}*" if fleet.prefix else "every log group"
    where = f"{which} in account {fleet.place.account}, {fleet.place.region}"
    if not invocation.agreed(f"Give back ({removal.on_delete}) what {owner_name(removal.owner)} holds of {where}?"):
        return Exit.ERROR
    summary = Summary("release", fleet, removal.owner)
    return carry_out(invocation, "Giving back", summary, lambda rules: rules.remove(removal))


RELEASE = Command("release", "give back what apply holds", release, Remove, changes=True)
