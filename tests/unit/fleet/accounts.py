"""A fake account with a fleet in it, and the enrolment that works for that fleet."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from support.fake_aws import (
    OTHER_STACK_ID,
    PLACE,
    STACK_ID,
    FakeAws,
    FakeClock,
    FakeLogGroup,
    fleet,
    key_arn,
    log_group,
    owner,
)

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet.upkeep import Reconcile, Upkeep
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.ownership import Claim
from log_group_kms.model.results import Outcome
from log_group_kms.request.upkeep import parse_fleet, parse_upkeep
from log_group_kms.retry.rate_limits import RateLimits
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_group_kms.fleet.checkpoint import Checkpoint, Fate

OURS, BEFORE, STRANGE = key_arn(1), key_arn(2), key_arn(3)
ORDERS: Final = "/aws/lambda/orders"
FLEET: Final = fleet("/")
ME: Final = owner("Fleet", target=FLEET)
EXPLICIT, SIBLING, STRANGER = owner(), owner("Renamed", target=FLEET), owner("Fleet", OTHER_STACK_ID, FLEET)
SETTINGS: Final = {
    "FLEET_STACK_ID": STACK_ID,
    "FLEET_LOGICAL_ID": "Fleet",
    "KMS_KEY_ID": OURS.text,
    "LOG_GROUP_NAME_PREFIX": "/",
    "EXCLUDE_LOG_GROUP_NAMES": "/scratch/*,*secret*",
    "ON_EXISTING_KEY": "Override",
    "ON_DELETE": "RestorePrevious",
    "ENROLMENT_RULE": "enrolment",
}


WRITING: Final = {"AssociateKmsKey", "DisassociateKmsKey", "TagResource", "UntagResource", "CreateLogGroup"}
State = tuple[KeyArn | None, Claim | None]


@dataclass
class Account:
    """A fake account with a fleet, and the enrolment that works for it."""

    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(OURS, BEFORE, STRANGE))
    clock: FakeClock = field(default_factory=FakeClock)
    settings: dict[str, str] = field(default_factory=lambda: dict(SETTINGS))
    #: Whether the fleet's rule is there.
    is_alive: Callable[[], bool] = lambda: True
    #: What became of log groups, as it is told.
    told: list[tuple[str, Fate]] = field(default_factory=list)
    invocations: int = 0

    def having(self, *names: str, key: KeyArn | None = None, claim: Claim | None = None) -> Account:
        """With these log groups in this state."""
        for name in names:
            self.aws.log_groups[log_group(name)] = FakeLogGroup(key, claim)
        return self

    def having_fleet(self) -> Account:
        """With the fleet's Create done."""
        _, event = parse_fleet(self.settings)
        lifecycle.ensure(self.context(), Ensure(event.owner, event.association))
        return self

    def enrol(self, name: str) -> Fate:
        return self.upkeep().enrol(log_group(name))

    def reconcile(self, seconds: float = 800) -> Outcome:
        """As many invocations as it takes, each so long; the progress travels as JSON."""
        checkpoint: Checkpoint | None = None
        for _ in range(100):
            self.invocations += 1
            outcome = self.upkeep(seconds).reconcile(checkpoint)
            if isinstance(outcome, Outcome):
                return outcome
            event = json.loads(json.dumps(Reconcile().further(outcome)))
            asked = parse_upkeep(event, PLACE)
            assert isinstance(asked, Reconcile)
            checkpoint = asked.checkpoint
        raise AssertionError("it does not end")

    def delete_fleet(self) -> None:
        """The fleet's own Delete."""
        _, event = parse_fleet(self.settings)
        lifecycle.remove(self.context(), Remove.of(event.owner, event.association, minted=True))

    def upkeep(self, seconds: float = 800) -> Upkeep:
        return Upkeep(self.context(seconds), *parse_fleet(self.settings), self._alive, self._saw)

    def context(self, seconds: float = 800) -> Context:
        retrier = Retrier(self.clock, self.clock.time + seconds, jitter=lambda _, most: most)
        return Context.of(self.aws, self.aws, retrier, rate_limits=RateLimits(workers=1))

    def state(self, name: str) -> State:
        found = self.aws.log_groups[log_group(name)]
        return found.key, found.claim

    def states(self) -> dict[str, State]:
        return {group.name.text: (state.key, state.claim) for group, state in self.aws.log_groups.items()}

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.aws.calls)

    def _alive(self) -> bool:
        """As it is by then, not as it was when the work began."""
        return self.is_alive()

    def _saw(self, name: str, fate: Fate, _: str) -> None:
        self.told.append((name, fate))


def held(previous: KeyArn | None = None, key: KeyArn = OURS) -> State:
    """What belongs to the fleet."""
    return key, Claim(ME, previous)


def gone_after(calls: int) -> Callable[[], bool]:
    """A rule that is there so many looks long."""
    looks: Iterator[int] = iter(range(1_000))
    return lambda: next(looks) < calls
