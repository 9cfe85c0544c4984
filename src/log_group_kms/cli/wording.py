"""Numbers, owners and actions in words, as tables and progress show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from log_group_kms.cli.findings import CHANGES, Cover
from log_group_kms.fleet.plan import Action

if TYPE_CHECKING:
    from collections import Counter

    from log_group_kms.cli.findings import Plan
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import Fleet

#: In the plan's table: what would be done, or why not.
LABELS: Final = {
    Action.ASSOCIATE: "associate",
    Action.REKEY: "re-key",
    Action.TAKE_OVER: "take over",
    Action.COMPLIANT: "compliant",
    Action.KEEP: "skip (another key)",
    Action.CONFLICT: "refuse (another key)",
    Action.LEAVE: "skip (owned)",
    Action.RESERVED: "skip (reserved for AWS)",
    Action.PROTECTED: "skip (protected)",
    Action.EXCLUDED: "skip (excluded)",
}


def totals(plan: Plan) -> str:
    """Return what a plan comes to, in two lines."""
    counted = {action: f"{plan.counts[action]:,} {LABELS[action]}" for action in Action if plan.counts[action]}
    changes = ", ".join(text for action, text in counted.items() if action in CHANGES)
    left = ", ".join(text for action, text in counted.items() if action not in CHANGES)
    return f"To change: {changes or 'none'}\nTo leave as they are: {left or 'none'}"


def scope(fleet: Fleet) -> str:
    """Return the account, the Region and the log groups."""
    which = f"log groups {fleet.prefix}*" if fleet.prefix else "every log group"
    return f"Account {fleet.place.account}, {fleet.place.region}, {which}"


def share(counts: Counter[Cover]) -> str:
    """Return how many log groups are under a key."""
    encrypted, without, reserved = (counts[cover] for cover in Cover)
    counted = encrypted + without
    if not counted:
        return "there is no log group"
    text = f"{encrypted:,} of {counted:,} under a customer managed key ({encrypted / counted:.0%}), {without:,} without"
    return f"{text}; {reserved:,} more reserved for AWS" if reserved else text


def owner_name(owner: Owner) -> str:
    """Return the resource as its stack's template names it; the tag tells more."""
    if owner.is_command_line:
        return "the command line"
    kind, _, resource = owner.text.partition(":")
    stack, _, rest = resource.partition("/")
    logical_id = rest.rpartition("/")[2]
    return f"{logical_id} of stack {stack}" + (" (fleet)" if kind == "fleet" else "")


def log_groups(number: int) -> str:
    """Return so many log groups in words."""
    return "1 log group" if number == 1 else f"{number:,} log groups"


def throttled_calls(number: int) -> str:
    """Return how many calls were throttled."""
    return "1 call refused for the quota" if number == 1 else f"{number:,} calls refused for the quota"


def duration(seconds: float) -> str:
    """Return *seconds* as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
