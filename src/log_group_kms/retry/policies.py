"""Waiting is data: which error is retried, for how long, how often, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from log_group_kms.model.errors import (
    ApiError,
    ConcurrentChange,
    KeyPolicyDenied,
    RoleDenied,
    Throttled,
    Unavailable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that grow from *first* up to *longest*, for as long as the *window* is open; all in seconds.

    Attributes:
        first: the longest pause before the second try.
        longest: the longest one of all.
        window: how long it is tried again.
        growth: by so much each pause may be longer than the one before.
        least: the shortest pause, as a share of the longest one at that point.
        remembered: the share of its tries with which the next call of the same event begins where it fails so.
    """

    first: float
    longest: float
    window: float
    growth: float = 2.0
    least: float = 0.0
    remembered: float = 0.0

    def ceiling(self, tries: float) -> float:
        """The longest pause after so many *tries*."""
        return min(self.longest, self.first * math.pow(self.growth, min(tries, 30.0)))


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The rule for one kind of error: it is asked again, with these pauses."""

    on: type[ApiError]
    backoff: Backoff


#: Someone else (CloudFormation, the service that writes the logs, another stack) is creating or changing the log group;
#: that takes them seconds (aws-cdk#15709).
CONCURRENT_CHANGE: Final = RetryPolicy(on=ConcurrentChange, backoff=Backoff(first=0.5, longest=8.0, window=120.0))
#: AssociateKmsKey and the calls on tags allow 5 calls a second each for account and Region, not adjustable. The 500
#: resources that a stack may hold need two looks at the tags each, so 200 seconds, and other tools share the quotas.
#: Only the deadline ends this window. Short pauses only add refused calls, which the others meet, and long ones leave
#: the quota unused at the queue's end; that an event remembers how crowded it was spares as many refusals again
#: (simulated and measured: `benchmarks/backoff.py`, `benchmarks/load.py`).
THROTTLED: Final = RetryPolicy(
    on=Throttled,
    backoff=Backoff(first=2.0, longest=30.0, window=3600.0, growth=4.0, least=0.5, remembered=0.75),
)
#: A key policy made in the same stack takes seconds, at times minutes, to be seen (KMS developer guide).
KEY_POLICY_PROPAGATION: Final = RetryPolicy(on=KeyPolicyDenied, backoff=Backoff(first=1.0, longest=10.0, window=120.0))
#: So does a role's policy, but the provider's role is seldom younger than a minute, and who lacks a permission for good
#: should learn it soon.
ROLE_PROPAGATION: Final = RetryPolicy(on=RoleDenied, backoff=Backoff(first=1.0, longest=8.0, window=30.0))
#: This outlasts a short failure of the service or the network.
UNAVAILABLE: Final = RetryPolicy(on=Unavailable, backoff=Backoff(first=1.0, longest=10.0, window=60.0))

POLICIES: Final = (
    CONCURRENT_CHANGE,
    THROTTLED,
    KEY_POLICY_PROPAGATION,
    ROLE_PROPAGATION,
    UNAVAILABLE,
)

#: What a fleet meets on its way it does not wait for long: it comes back to the log group at the end, and then waits.
IN_PASSING: Final = RetryPolicy(on=ConcurrentChange, backoff=Backoff(first=0.5, longest=4.0, window=10.0))
#: A fleet's calls stand in a queue of their own (`rate_limits`): what holds it up is there, not here.
QUEUED: Final = RetryPolicy(on=Throttled, backoff=Backoff(first=0.2, longest=2.0, window=3600.0))
FLEET: Final = (QUEUED, *(policy for policy in POLICIES if policy is not THROTTLED))
FLEET_IN_PASSING: Final = (IN_PASSING, *(policy for policy in FLEET if policy is not CONCURRENT_CHANGE))

#: A key that is put back was in use before, so its policy is not new: a refusal is hardly ever cured by waiting, and a
#: rollback should not take minutes.
_PUTTING_BACK: Final = (
    RetryPolicy(on=KeyPolicyDenied, backoff=Backoff(first=1.0, longest=4.0, window=10.0)),
    RetryPolicy(on=RoleDenied, backoff=Backoff(first=1.0, longest=4.0, window=10.0)),
)


def restoring(policies: Sequence[RetryPolicy], *, unrestorable: bool = False) -> tuple[RetryPolicy, ...]:
    """Return *policies* for a key that is put back; nobody waits for one that was *unrestorable* elsewhere."""
    others = tuple(policy for policy in policies if policy.on not in (KeyPolicyDenied, RoleDenied))
    return others if unrestorable else (*others, *_PUTTING_BACK)


RESTORING: Final = restoring(POLICIES)

#: A Delete needs a second for one log group, and looks again before it changes anything later than that
#: (`association.claims.FRESH`). One that has died leaves its mark; after this it is nobody's any more.
OTHERS_DELETE: Final = Backoff(first=0.5, longest=2.0, window=15.0)

#: DescribeLogGroups shows a change within the second, as a rule.
READ_BACK: Final = Backoff(first=0.2, longest=5.0, window=30.0)
