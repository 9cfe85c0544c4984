"""`plan`: see before it is done what a fleet would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_group_kms.association.requests import Ensure
from log_group_kms.cli.command import Command, Exit
from log_group_kms.cli.findings import Plan
from log_group_kms.cli.nearest import warn_of_nothing
from log_group_kms.cli.requests import ensure_of, reader_of
from log_group_kms.fleet.plan import Action
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.model.errors import ResourceConflict

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

    from log_group_kms.cli.command import Invocation
    from log_group_kms.fleet.plan import Planned


def plan(invocation: Invocation) -> Exit:
    """Show what `apply` would change.

    Raises:
        ResourceConflict: it would refuse; see `check_conflicts`.
    """
    show_all = invocation.options.all
    _, found = look(invocation, lambda one: show_all or one.action is not Action.COMPLIANT)
    invocation.screen.plan(found)
    check_conflicts(found)
    return Exit.FOUND if found.changes else Exit.DONE


def look(invocation: Invocation, shown: Callable[[Planned], bool]) -> tuple[Ensure, Plan]:
    """Return what is wanted, and what would be done for it; the plan keeps the log groups that are to be *shown*.

    Raises:
        Misuse: an option breaks a rule.
        ProviderError: it could not be told.
    """
    fleet, wanted, key = ensure_of(invocation)
    # AWS tells nobody how many log groups there are, and reading their owners takes long: a listing is quick.
    with invocation.screen.progress("Listing") as progress:
        total = progress.count_all(reader_of(invocation, fleet).every_page())
    with invocation.screen.progress("Looking", total) as progress:
        planned = FleetRules(invocation.context(), fleet).plan(wanted)
        found = Plan.of(fleet, key, wanted.owner, progress.count_each(planned), shown)
    if not found.counts:
        warn_of_nothing(invocation, fleet)
    return wanted, found


def check_conflicts(found: Plan) -> None:
    """See that no log group has a key that must not be replaced.

    Raises:
        ResourceConflict: one has.
    """
    conflicts = found.counts[Action.CONFLICT]
    if conflicts:
        raise ResourceConflict(
            f"Log groups that have another key: {conflicts:,}. With --on-existing-key Fail nothing is changed before"
            " they have none"
        )


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="show also the log groups that have the key already")


PLAN = Command(
    "plan",
    "show what apply would change; changes nothing",
    plan,
    Ensure,
    _add_options,
    fields="command, account, region, prefix, kms_key_arn, owner, counts (by action),\n"
    "log_groups: [log_group, action, kms_key_arn (in force, or null), owner (or null)]\n"
    "The actions: associate, rekey, take_over, compliant, keep, conflict, leave, reserved, protected,\n"
    "excluded.",
    found="there is something to change",
)
