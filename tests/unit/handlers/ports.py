"""What the enrolment's function has of AWS, in these tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from support.fake_aws import FakeAws
from unit.fleet.accounts import OURS

from log_group_kms.association.context import AllStacksStand

if TYPE_CHECKING:
    from log_group_kms.model.targets import Place


@dataclass
class Ports:
    """The fake, and a fleet that is alive."""

    log_groups: FakeAws = field(default_factory=lambda: FakeAws.holding(OURS))

    @property
    def keys(self) -> FakeAws:
        return self.log_groups

    def has_rule(self, _: str) -> bool:
        return True

    def stacks(self, _: Place) -> AllStacksStand:
        return AllStacksStand()
