"""Create, Update and Delete, by the kind of target; each kind has its rules in a module of its own."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final, assert_never

from log_group_kms.errors import ProviderError
from log_group_kms.fleet import WholeFleet, abandoned_fleet
from log_group_kms.model import Fleet, LogGroup, QueryResults
from log_group_kms.one_log_group import OneLogGroup
from log_group_kms.query_results import AllQueryResults
from log_group_kms.sweep import Sweep
from log_group_kms.work import Remove

if TYPE_CHECKING:
    from log_group_kms.model import Outcome
    from log_group_kms.work import Ensure, Work

logger = logging.getLogger(__name__)

#: Seconds that an Update, which is done by then, spends at most on what one before it may have left behind.
_LOOKING_BACK: Final = 60.0


def ensure(work: Work, event: Ensure, progress: Sweep | None = None) -> Outcome | Sweep:
    """Make what *event* desires so; a fleet's may be a `Sweep`, with which a further invocation goes on.

    Raises:
        ProviderError: it could not be done; see `errors`.
    """
    match event.desired.target:
        case Fleet() as fleet:
            outcome = WholeFleet(work, fleet).ensure(event, progress)
            if isinstance(outcome, Sweep) or (event.former and isinstance(event.former.target, Fleet)):
                # A former fleet is its own to give back: that may take invocations.
                return outcome
        case target:
            outcome = _rules(work, target).ensure(event)
            abandoned = abandoned_fleet(event)
            if abandoned:
                fleet, remove_it = abandoned
                left = WholeFleet(work, fleet).remove(remove_it, progress)
                return left if isinstance(left, Sweep) else outcome
    _release_abandoned(work, event)
    return outcome


def remove(work: Work, event: Remove, progress: Sweep | None = None) -> Outcome | Sweep:
    """End the association of *event*, where it is the event's own to end; `Sweep` as for `ensure`.

    Raises:
        ProviderError: AWS refused for good, and not because it is gone already.
    """
    match event.former.target:
        case Fleet() as fleet:
            return WholeFleet(work, fleet).remove(event, progress)
        case target:
            return _rules(work, target).remove(event)


def still_owns(work: Work, event: Ensure, witnesses: tuple[str, ...]) -> None:
    """Look, after a long wait, whether the claim still stands; query results have none, a fleet asks its *witnesses*.

    Raises:
        ClaimLost: it does not.
    """
    match event.desired.target:
        case Fleet() as fleet:
            WholeFleet(work, fleet).check_claim(event, witnesses)
        case LogGroup() as log_group:
            OneLogGroup(work, log_group).check_claim(event.owner)


def _release_abandoned(work: Work, event: Ensure) -> None:
    """Give back what an Update to another log group had claimed before it died, of which CloudFormation never heard.

    It knows no such target, so it sends the Update back, and no Delete. Tags tell whether there is anything to do; a
    failure to look is none of this event's.
    """
    former, owner = event.former, event.former_owner
    if former is None or owner is None or not isinstance(former.target, LogGroup):
        return
    if former.target.arn in (event.desired.target.arn, event.physical_resource_id):
        return
    in_time = replace(work, patience=work.patience.within(_LOOKING_BACK))
    try:
        remove(in_time, Remove(owner, former, minted=False))
    except ProviderError as error:
        logger.warning("%s may still be claimed: %s", former.target.arn, error)


def _rules(work: Work, target: LogGroup | QueryResults) -> OneLogGroup | AllQueryResults:
    match target:
        case LogGroup():
            return OneLogGroup(work, target)
        case QueryResults():
            return AllQueryResults(work, target)
        case unreachable:
            assert_never(unreachable)
