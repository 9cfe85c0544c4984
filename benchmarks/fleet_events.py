"""A fleet's events, each gone through with all its invocations, as the function does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Ensure, Remove, Update
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnExistingKey
from log_group_kms.model.ownership import Owner
from log_group_kms.model.results import Outcome
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from log_group_kms.association.ports import Keys, LogGroups
    from log_group_kms.fleet.checkpoint import Checkpoint
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import Fleet, Target
    from log_group_kms.retry.clock import Clock
    from log_group_kms.retry.rate_limits import RateLimits

#: As one invocation has them, in seconds.
INVOCATION: Final = 845.0
STACK: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/landing-zone/2f1a0c10-0000-0000-0000-000000000001"
OTHERS_STACK: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/others/2f1a0c10-0000-0000-0000-000000000002"


@dataclass(frozen=True, slots=True)
class Gone:
    """What came of an event, and how many invocations it took."""

    outcome: Outcome
    invocations: int


def creating(fleet: Fleet, key: KeyArn) -> Ensure:
    """A Create."""
    return Ensure(_owner(fleet), _wanted(fleet, key))


def updating(fleet: Fleet, former: KeyArn, key: KeyArn) -> Ensure:
    """The Update from one key to another, or of nothing."""
    return Ensure(_owner(fleet), _wanted(fleet, key), Update(fleet.arn, _wanted(fleet, former), _owner(fleet)))


def deleting(fleet: Fleet, key: KeyArn) -> Remove:
    """The Delete."""
    return Remove.of(_owner(fleet), _wanted(fleet, key), minted=True)


def creating_anothers(target: Target, key: KeyArn) -> Ensure:
    """The Create of another stack's resource."""
    return Ensure(Owner.of_resource(OTHERS_STACK, "Theirs", target), Association(target, key))


def through(
    event: Ensure | Remove,
    log_groups: LogGroups,
    kms: Keys,
    clock: Clock,
    rate_limits: RateLimits = DEFAULT_RATE_LIMITS,
) -> Gone:
    """Go through all invocations of *event*."""
    progress: Checkpoint | None = None
    invocations = 0
    while True:
        invocations += 1
        work = Context.of(log_groups, kms, Retrier(clock, clock.now() + INVOCATION), rate_limits=rate_limits)
        if isinstance(event, Remove):
            outcome = lifecycle.remove(work, event, progress)
        else:
            outcome = lifecycle.ensure(work, event, progress)
        if isinstance(outcome, Outcome):
            return Gone(outcome, invocations)
        progress = outcome


def _owner(fleet: Fleet) -> Owner:
    return Owner.of_resource(STACK, "Fleet", fleet)


def _wanted(fleet: Fleet, key: KeyArn) -> Association:
    """Another key is no reason to leave a log group alone; another owner is."""
    return Association(fleet, key, on_existing_key=OnExistingKey.OVERRIDE)
