"""A fake account with one log group, and the events of a resource for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from support.fake_aws import OTHER_STACK_ID, PLACE, FakeAws, FakeClock, FakeLogGroup, fleet, key_arn, log_group, owner
from support.trails import TellingTrail

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Ensure, Remove, Update
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnExistingOwner
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.results import Outcome
from log_group_kms.model.targets import QueryResults
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from log_group_kms.fleet.checkpoint import Checkpoint
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Claim, Owner

ORDERS, BILLING = log_group("/aws/lambda/orders"), log_group("/aws/lambda/billing")
OURS, NEW, BEFORE, STRANGE = key_arn(1), key_arn(2), key_arn(3), key_arn(4)
ME, SIBLING = owner(), owner("Renamed")
STRANGER = owner(stack_id=OTHER_STACK_ID)
RESULTS = QueryResults(PLACE)
FLEET = owner("Fleet", target=fleet("/aws/"))
#: Most of these tests are about what two owners do to each other.
ASKED = TAKING_OVER = Association(ORDERS, OURS, on_existing_owner=OnExistingOwner.TAKE_OVER)


def ended(outcome: Outcome | Checkpoint) -> Outcome:
    """One log group needs no further invocation."""
    assert isinstance(outcome, Outcome)
    return outcome


@dataclass
class Account:
    """A fake account, and what a failure would be answered with."""

    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(OURS, NEW, BEFORE, STRANGE))
    clock: FakeClock = field(default_factory=FakeClock)
    failure_id: str = "(not told)"
    #: Until the deadline of each event.
    seconds: float = 600

    def having(self, key: KeyArn | None = None, claim: Claim | None = None) -> Account:
        """Return the same account, with the log group in this state."""
        self.aws.log_groups[ORDERS] = FakeLogGroup(key, claim)
        return self

    @property
    def state(self) -> tuple[KeyArn | None, Claim | None]:
        """The log group's key and claim."""
        return self.aws.log_groups[ORDERS].key, self.aws.log_groups[ORDERS].claim

    def context(self) -> Context:
        retrier = Retrier(self.clock, self.clock.time + self.seconds, jitter=lambda _, most: most)
        return Context.of(self.aws, self.aws, retrier, TellingTrail(self._tell))

    def create(self, desired: Association = ASKED, me: Owner = ME, sent_at: float | None = None) -> Outcome:
        self.failure_id = NOTHING_ASSOCIATED
        return ended(lifecycle.ensure(self.context(), Ensure(me, desired, sent_at=sent_at)))

    def update(self, desired: Association, former: Association | None = ASKED, sent_at: float | None = None) -> Outcome:
        self.failure_id = ORDERS.arn
        event = Ensure(ME, desired, Update(ORDERS.arn, former, ME if former else None), sent_at=sent_at)
        return ended(lifecycle.ensure(self.context(), event))

    def delete(self, former: Association = ASKED, me: Owner = ME, *, minted: bool = True) -> Outcome:
        return ended(lifecycle.remove(self.context(), Remove.of(me, former, minted=minted)))

    def cancel(self, former: Association = ASKED, sent_at: float | None = None) -> Outcome:
        """A Delete with an id that CloudFormation made up: it gave the Create up, which may still be at work."""
        event = replace(Remove.of(ME, former), cancels=True, sent_at=self.clock.now() if sent_at is None else sent_at)
        return ended(lifecycle.remove(self.context(), event))

    def _tell(self, physical_id: str) -> None:
        self.failure_id = physical_id
