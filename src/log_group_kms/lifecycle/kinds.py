"""Create, Update and Delete, by the kind of target; each kind has its rules in a module of its own."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final, assert_never

from log_group_kms.association.log_group import OneLogGroup
from log_group_kms.association.query_results import AllQueryResults
from log_group_kms.association.requests import Remove
from log_group_kms.fleet.checkpoint import Checkpoint
from log_group_kms.fleet.rules import WholeFleet, abandoned_fleet
from log_group_kms.model.errors import ProviderError
from log_group_kms.model.targets import Fleet, LogGroup, QueryResults

if TYPE_CHECKING:
    from log_group_kms.association.context import Context
    from log_group_kms.association.requests import Ensure
    from log_group_kms.model.results import Outcome

logger = logging.getLogger(__name__)

#: Seconds that an Update, which is done by then, spends at most on what one before it may have left behind.
_LOOKING_BACK: Final = 60.0


def ensure(context: Context, event: Ensure, progress: Checkpoint | None = None) -> Outcome | Checkpoint:
    """Make what *event* desires so; a fleet's may be a `Checkpoint`, with which a further invocation goes on.

    Raises:
        ProviderError: it could not be done; see `errors`.
    """
    match event.association.target:
        case Fleet() as fleet:
            outcome = WholeFleet(context, fleet).ensure(event, progress)
            if isinstance(outcome, Checkpoint) or (event.former and isinstance(event.former.target, Fleet)):
                # A former fleet is its own to give back: that may take invocations.
                return outcome
        case target:
            outcome = _rules(context, target).ensure(event)
            abandoned = abandoned_fleet(event)
            if abandoned:
                fleet, remove_it = abandoned
                left = WholeFleet(context, fleet).remove(remove_it, progress)
                return left if isinstance(left, Checkpoint) else outcome
    _release_abandoned(context, event)
    return outcome


def remove(context: Context, event: Remove, progress: Checkpoint | None = None) -> Outcome | Checkpoint:
    """End the association of *event*, where it is the event's own to end; `Checkpoint` as for `ensure`.

    Raises:
        ProviderError: AWS refused for good, and not because it is gone already.
    """
    match event.former.target:
        case Fleet() as fleet:
            return WholeFleet(context, fleet).remove(event, progress)
        case target:
            return _rules(context, target).remove(event)


def still_owns(context: Context, event: Ensure, sentinels: tuple[str, ...]) -> None:
    """Look, after a long wait, whether the claim still stands; query results have none, a fleet asks its *witnesses*.

    Raises:
        ClaimLost: it does not.
    """
    match event.association.target:
        case Fleet() as fleet:
            WholeFleet(context, fleet).check_claim(event, sentinels)
        case LogGroup() as log_group:
            OneLogGroup(context, log_group).check_claim(event.owner)


def _release_abandoned(context: Context, event: Ensure) -> None:
    """Give back what an Update to another log group had claimed before it died, of which CloudFormation never heard.

    It knows no such target, so it sends the Update back, and no Delete. Tags tell whether there is anything to do; a
    failure to look is none of this event's.
    """
    former, owner = event.former, event.former_owner
    if former is None or owner is None or not isinstance(former.target, LogGroup):
        return
    if former.target.arn in (event.association.target.arn, event.physical_resource_id):
        return
    in_time = replace(context, retrier=context.retrier.within(_LOOKING_BACK))
    try:
        remove(in_time, Remove(owner, former, minted=False))
    except ProviderError as error:
        logger.warning("%s may still be claimed: %s", former.target.arn, error)


def _rules(context: Context, target: LogGroup | QueryResults) -> OneLogGroup | AllQueryResults:
    match target:
        case LogGroup():
            return OneLogGroup(context, target)
        case QueryResults():
            return AllQueryResults(context, target)
        case unreachable:
            assert_never(unreachable)
