"""What the enrolment's function has of AWS, in these tests."""

from __future__ import annotations

from dataclasses import dataclass, field

from support.fake_aws import FakeAws
from unit.fleet.accounts import OURS


@dataclass
class Ports:
    """The fake, and a fleet that is alive."""

    log_groups: FakeAws = field(default_factory=lambda: FakeAws.holding(OURS))

    @property
    def keys(self) -> FakeAws:
        return self.log_groups

    def has_rule(self, _: str) -> bool:
        return True
