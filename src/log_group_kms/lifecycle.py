"""Create, Update and Delete, by the kind of target; each kind has its rules in a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from log_group_kms.model import LogGroup, QueryResults
from log_group_kms.one_log_group import OneLogGroup
from log_group_kms.query_results import AllQueryResults

if TYPE_CHECKING:
    from log_group_kms.model import Outcome, Target
    from log_group_kms.work import Ensure, Remove, Work


def ensure(work: Work, event: Ensure) -> Outcome:
    """Make what *event* desires so.

    Raises:
        ProviderError: it could not be done; see `errors`.
    """
    return _rules(work, event.desired.target).ensure(event)


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


def _rules(work: Work, target: Target) -> OneLogGroup | AllQueryResults:
    match target:
        case LogGroup():
            return OneLogGroup(work, target)
        case QueryResults():
            return AllQueryResults(work, target)
        case unreachable:
            assert_never(unreachable)
