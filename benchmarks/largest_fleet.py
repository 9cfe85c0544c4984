"""The largest fleet whose Create fits into CloudFormation's hour, at AWS's own quotas: simulated.

The fleet's own rules, with all their workers, on the tests' stateful fake of AWS. What is simulated is time
(`simulated_time`), the quotas, and the way to AWS and back.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Final

from support.fake_aws import FakeAws, FakeLogGroup, fleet, key_arn, log_group, throttled

from benchmarks.fleet import name_of, told
from benchmarks.fleet_events import INVOCATION, creating, through
from benchmarks.report import Section, Table
from benchmarks.simulated_time import SimulatedTime
from local.emulator.quotas import PER_SECOND, Quotas

if TYPE_CHECKING:
    from benchmarks.bench import Bench

#: Seconds for a call to AWS and back.
NETWORK: Final = 0.03
#: Seconds: the longest ServiceTimeout, without what the provider keeps for its answer (`lifecycle.deadlines`).
HOUR: Final = 3600.0 - 25.0
#: Log groups of a first guess, and in what steps the answer is told.
GUESS, STEP = 1000, 100

_ASSOCIATIONS: Final = PER_SECOND["logs:AssociateKmsKey"]


@dataclass
class Metered:
    """A fake account behind a network, that refuses what is over a quota."""

    time: SimulatedTime
    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(key_arn(1)))
    calls: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._quotas = Quotas(clock=self.time.now)
        self.aws.before, self.aws.after = self._arrive, self._answer

    def _arrive(self, operation: str) -> None:
        self.time.sleep(NETWORK / 2)
        name = f"logs:{operation}"
        self.calls[name] += 1
        if not self._quotas.admit(name, "111122223333", "eu-west-1"):
            self.refused[name] += 1
            self.time.sleep(NETWORK / 2)
            raise throttled(operation)

    def _answer(self, _: str) -> None:
        self.time.sleep(NETWORK / 2)


@dataclass(frozen=True, slots=True)
class Ran:
    """A simulated Create."""

    log_groups: int
    seconds: float
    invocations: int
    associated: int
    calls: Counter[str]
    refused: Counter[str]


def measure(bench: Bench) -> Section:
    """Look for it."""
    ran = create(GUESS // 10) if bench.short else largest()
    header = ("Log groups", "Under the key", "Seconds", "Beside the quota", "Invocations", "Refused", "Calls for each")
    row = (
        f"{ran.log_groups:,}",
        f"{ran.associated:,}",
        f"{ran.seconds:,.0f}",
        f"{ran.seconds / (ran.log_groups / _ASSOCIATIONS):.2f}",
        str(ran.invocations),
        f"{ran.refused.total() / ran.calls.total():.1%}",
        told(ran.calls, ran.refused, ran.log_groups),
    )
    asked = (
        f"The most log groups, in steps of {STEP}, whose Create ends within {HOUR:,.0f} s: an hour, without what the"
        " provider keeps for its answer. AWS's own quotas, nobody else in the account,"
        f" {NETWORK * 1000:.0f} ms a call, invocations of {INVOCATION:.0f} s. A simulation: the fleet's rules and all"
        " their workers on a fake of AWS, and a clock that goes on when all of them wait."
    )
    return Section("The largest fleet", asked, (Table(header, (row,)),))


def largest() -> Ran:
    """The largest that fits, to the step; time grows with the log groups, nearly in proportion."""
    fits, step = create(GUESS), STEP
    too_many: int | None = None
    while True:
        guess = int(fits.log_groups * HOUR / fits.seconds) // step * step
        guess = max(fits.log_groups + step, guess if too_many is None else min(guess, too_many - step))
        if too_many is not None and guess >= too_many:
            return fits
        ran = create(guess)
        if ran.seconds <= HOUR:
            fits = ran
        else:
            too_many = guess


def create(log_groups: int) -> Ran:
    """The Create of a fleet of so many, none of which has a key."""
    time = SimulatedTime()
    account = Metered(time)
    for number in range(log_groups):
        account.aws.log_groups[log_group(name_of(number))] = FakeLogGroup()
    # `lifecycle.kinds` loads the rules of a kind when it meets the first target of that kind.
    import_module("log_group_kms.fleet.rules")
    # Pauses are drawn the same each time.
    random.seed(0)
    begun = time.now()
    with time.threads("log_group_kms"):
        gone = through(creating(fleet(""), key_arn(1)), account.aws, account.aws, time)
    under = sum(group.key == key_arn(1) for group in account.aws.log_groups.values())
    return Ran(log_groups, time.now() - begun, gone.invocations, under, account.calls, account.refused)
