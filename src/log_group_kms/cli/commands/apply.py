"""`apply`: do what `plan` shows."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from log_group_kms.association.requests import Ensure
from log_group_kms.cli.changing import carry_out, conclude
from log_group_kms.cli.command import Command, Exit
from log_group_kms.cli.commands.plan import check_conflicts, look
from log_group_kms.cli.commands.release import RELEASE
from log_group_kms.cli.findings import Summary
from log_group_kms.cli.terminal import tell
from log_group_kms.cli.wording import log_groups, totals
from log_group_kms.fleet.plan import Action
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS

if TYPE_CHECKING:
    from log_group_kms.cli.command import Invocation

#: One in a hundred seconds: whoever wants it slower wants to stop it.
_SLOWEST: Final = 0.01


def apply(invocation: Invocation) -> Exit:
    """Associate the key, after a look and a question.

    Raises:
        ResourceConflict: a log group has a key that must not be replaced.
    """
    wanted, found = look(invocation, lambda _: False)
    tell(totals(found))
    check_conflicts(found)
    summary = Summary("apply", found.fleet, found.owner, key=found.key, planned=found.changes)
    if not found.changes:
        compliant = found.counts[Action.COMPLIANT]
        return conclude(invocation, replace(summary, compliant=compliant, skipped=found.skipped))
    number = log_groups(found.changes)
    place = invocation.place
    if not invocation.agreed(f"Associate {number} of account {place.account} in {place.region} with {found.key.text}?"):
        return Exit.ERROR
    return carry_out(invocation, "Associating", summary, lambda rules: rules.ensure(wanted))


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rate", type=_rate, default=DEFAULT_RATE_LIMITS.log_groups, metavar="N",
        help="log groups a second, default %(default)g; AWS allows 5 calls of each kind for account and Region",
    )  # fmt: skip


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not _SLOWEST <= rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {_SLOWEST:g} on")
    return rate


APPLY = Command(
    "apply",
    "associate the key with every log group that has none; one that has another keeps it, unless it is overridden",
    apply,
    Ensure,
    _add_options,
    changes=True,
    fields=RELEASE.fields,
)
