"""Create, Update and Delete, by the kind of target; each kind has its rules in a module of its own."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final, assert_never

from log_group_kms.errors import ProviderError
from log_group_kms.model import LogGroup, QueryResults
from log_group_kms.one_log_group import OneLogGroup
from log_group_kms.query_results import AllQueryResults
from log_group_kms.work import Remove

if TYPE_CHECKING:
    from log_group_kms.model import Outcome, Target
    from log_group_kms.work import Ensure, Work

logger = logging.getLogger(__name__)

#: Seconds that an Update, which is done by then, spends at most on what one before it may have left behind.
_LOOKING_BACK: Final = 60.0


def ensure(work: Work, event: Ensure) -> Outcome:
    """Make what *event* desires so.

    Raises:
        ProviderError: it could not be done; see `errors`.
    """
    outcome = _rules(work, event.desired.target).ensure(event)
    _release_abandoned(work, event)
    return outcome


def remove(work: Work, event: Remove) -> Outcome:
    """End the association of *event*, where it is the event's own to end.

    Raises:
        ProviderError: AWS refused for good, and not because it is gone already.
    """
    return _rules(work, event.former.target).remove(event)


def still_owns(work: Work, event: Ensure) -> None:
    """Look, after a long wait, whether the claim still stands; query results have none.

    Raises:
        ClaimLost: it does not.
    """
    rules = _rules(work, event.desired.target)
    if isinstance(rules, OneLogGroup):
        rules.check_claim(event.owner)


def _release_abandoned(work: Work, event: Ensure) -> None:
    """Give back what an Update to another log group had claimed before it died, of which CloudFormation never heard.

    It knows no such target, so it sends the Update back, and no Delete. Tags tell whether there is anything to do; a
    failure to look is none of this event's.
    """
    former = event.former
    if former is None or not isinstance(former.target, LogGroup):
        return
    if former.target.arn in (event.desired.target.arn, event.physical_resource_id):
        return
    try:
        remove(replace(work, patience=work.patience.within(_LOOKING_BACK)), Remove(event.owner, former, minted=False))
    except ProviderError as error:
        logger.warning("%s may still be claimed: %s", former.target.arn, error)


def _rules(work: Work, target: Target) -> OneLogGroup | AllQueryResults:
    match target:
        case LogGroup():
            return OneLogGroup(work, target)
        case QueryResults():
            return AllQueryResults(work, target)
        case unreachable:
            assert_never(unreachable)
