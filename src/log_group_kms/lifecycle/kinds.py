"""The kinds of target: the one place that picks the rules for one, and what an Update before left behind."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from log_group_kms.association.log_group import LogGroupRules
from log_group_kms.association.requests import Remove
from log_group_kms.model.errors import KeyPolicyDenied, ProviderError
from log_group_kms.model.results import Outcome
from log_group_kms.model.targets import Fleet, LogGroup, QueryResults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from log_group_kms.association.context import Context
    from log_group_kms.association.requests import Ensure
    from log_group_kms.fleet.checkpoint import Checkpoint
    from log_group_kms.model.targets import Target

logger = logging.getLogger(__name__)

#: Seconds that an Update, which is done by then, spends at most on what one before it may have left behind.
_LOOKING_BACK: Final = 60.0


class Rules(Protocol):
    """The rules for one kind of target. A `Checkpoint` means that a further invocation must go on from there."""

    def ensure(self, event: Ensure) -> Outcome | Checkpoint:
        """Make the association so.

        Raises:
            ProviderError: it could not be done; see `errors`.
        """

    def remove(self, event: Remove) -> Outcome | Checkpoint:
        """End the association, where it is the event's own to end.

        Raises:
            ProviderError: AWS refused for good, and not because it is gone already.
        """

    def check_claim(self, event: Ensure) -> None:
        """See, after a long wait, that the claim still stands.

        Raises:
            ClaimLost: it does not.
        """


def _log_group_rules(context: Context, log_group: LogGroup, _: Checkpoint | None) -> Rules:
    if not context.protected.cover(log_group.name.text):
        return LogGroupRules(context, log_group)
    from log_group_kms.association.protected import ProtectedLogGroupRules  # noqa: PLC0415 - as below

    return ProtectedLogGroupRules(log_group)


# Each kind but the most frequent one pays for its own import: a fleet's takes a fifth of all of the provider's.
def _query_results_rules(context: Context, query_results: QueryResults, _: Checkpoint | None) -> Rules:
    from log_group_kms.association.query_results import QueryResultsRules  # noqa: PLC0415 - as above

    return QueryResultsRules(context, query_results)


def _fleet_rules(context: Context, fleet: Fleet, progress: Checkpoint | None) -> Rules:
    from log_group_kms.fleet.rules import FleetRules  # noqa: PLC0415 - as above

    return FleetRules(context, fleet, progress)


#: A new kind of target is registered here.
_RULES: Final[Mapping[type[Target], Callable[[Context, Any, Checkpoint | None], Rules]]] = {
    LogGroup: _log_group_rules,
    QueryResults: _query_results_rules,
    Fleet: _fleet_rules,
}


def rules_for(context: Context, target: Target, progress: Checkpoint | None = None) -> Rules:
    """Return the rules for *target*, which go on from *progress* where they span several invocations."""
    return _RULES[type(target)](context, target, progress)


def ensure(context: Context, event: Ensure, progress: Checkpoint | None = None) -> Outcome | Checkpoint:
    """Make the association so, and give back what an Update before had begun with when it died.

    Raises:
        ProviderError: it could not be done; see `errors`.
    """
    context.trail.follow(event.failure_id)
    target, abandoned = event.association.target, event.abandoned
    try:
        outcome = rules_for(context, target, progress).ensure(event)
    except KeyPolicyDenied as refused:
        # The statement that the Reason asks for: one for a fleet's first log group alone would fail at the next.
        refused.target = target.arn
        raise
    if not isinstance(outcome, Outcome) or abandoned is None:
        return outcome
    if not abandoned.target.many:
        _release(context, abandoned)
    elif not target.many:
        left = rules_for(context, abandoned.target, progress).remove(abandoned)
        return outcome if isinstance(left, Outcome) else left
    return outcome


def remove(context: Context, event: Remove, progress: Checkpoint | None = None) -> Outcome | Checkpoint:
    """End the association of *event*, where it is the event's own to end.

    Raises:
        ProviderError: AWS refused for good, and not because it is gone already.
    """
    return rules_for(context, event.target, progress).remove(event)


def give_up(context: Context, event: Ensure | Remove, progress: Checkpoint) -> Outcome:
    """End *event* where CloudFormation does not wait for another invocation, which alone could go on from *progress*.

    Raises:
        OutOfTime: it is not as good as done.
    """
    from log_group_kms.fleet.rules import FleetRules  # noqa: PLC0415 - see above

    target = event.target if isinstance(event, Remove) else event.association.target
    # A fleet alone takes several invocations.
    return FleetRules(context, cast("Fleet", target)).give_up(event, progress)


def _release(context: Context, abandoned: Remove) -> None:
    """Give back one log group. Tags show whether there is anything to do; a failure to look is not this event's."""
    in_time = context.under(context.retrier.within(_LOOKING_BACK))
    try:
        remove(in_time, abandoned)
    except ProviderError as error:
        logger.warning("%s may still be claimed: %s", abandoned.target.arn, error)
