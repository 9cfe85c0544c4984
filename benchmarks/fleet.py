"""The fleet: at the quota, not over it, and in flat memory."""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.report import Section, Table
from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from log_group_kms.association.context import Context
from log_group_kms.association.requests import Ensure, Update
from log_group_kms.aws.clients import ONCE
from log_group_kms.aws.kms import Kms
from log_group_kms.aws.logs import CloudWatchLogs
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association
from log_group_kms.model.keys import KeyArn, KeyDescription
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.results import Listed, Outcome, Page
from log_group_kms.model.targets import Fleet, LogGroup, Place, QueryResults
from log_group_kms.retry.clock import SystemClock
from log_group_kms.retry.rate_limits import RateLimits
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from log_group_kms.association.ports import Keys, LogGroups
    from log_group_kms.fleet.checkpoint import Checkpoint
    from log_group_kms.model.keys import KeyReference
    from log_group_kms.retry.clock import Clock

LOG_GROUPS: Final = 2000
QUOTA: Final = 50.0
#: As one invocation has them, in seconds.
INVOCATION: Final = 845.0
FEW, MANY = 1_000, 100_000

_STACK: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/landing-zone/2f1a0c10-0000-0000-0000-000000000001"
_MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Ran:
    """A run over a fleet.

    Attributes:
        outcome: what came of it.
        seconds: how long it took, by the clock that it was given.
        calls: how many of each operation.
        refused: how many of them were throttled.
        invocations: how many it took.
    """

    outcome: Outcome
    seconds: float
    calls: Counter[str]
    refused: int = 0
    invocations: int = 1


def measure(bench: Bench) -> Section:
    """At the quota on the embedded AWS; then in flat memory, on an account that is made up as it goes."""
    log_groups = 100 if bench.short else LOG_GROUPS
    first, second = at_the_quota(log_groups, QUOTA)
    share = first.seconds / (log_groups / QUOTA)
    calls = sum(first.calls.values())
    quota = Table(
        ("", "Log groups", "Wall over log groups / quota", "Calls", "Refused", "Encrypted"),
        (
            (
                "First run",
                f"{log_groups:,}",
                f"{share:.2f} (goal 1.05)",
                f"{calls:,}",
                f"{first.refused} ({first.refused / calls:.1%}, goal under 1 %)",
                f"{first.outcome.associated:,}",
            ),
            (
                "Second run",
                f"{log_groups:,}",
                "-",
                f"{sum(second.calls.values()):,}, none of them writing",
                str(second.refused),
                f"{second.outcome.compliant:,}",
            ),
        ),
    )
    few, many = peak_memory(FEW), peak_memory(FEW * 2 if bench.short else MANY)
    memory = Table(
        ("Log groups", "Invocations", "Peak of the run", "A second run's calls"),
        tuple(
            (f"{found.log_groups:,}", str(found.invocations), f"{found.peak / _MIB:.2f} MiB", _told(found.second))
            for found in (few, many)
        ),
    )
    notes = (
        f"AssociateKmsKey is held at {QUOTA:.0f} calls a second, ten times AWS's quota, so that the run is short.",
        f"Memory grows by {(many.peak - few.peak) / _MIB:.2f} MiB (goal: under 20).",
        (
            "The second run is an Update or a reconciliation. A Create also reads the tags of what has the key already:"
            " it may be the fleet's new name."
        ),
    )
    asked = (
        "How close to the quota a fleet of log groups comes under its key, and what is refused on the way; how much"
        " memory a run takes (traced by Python, on a fake account with a fake clock)."
    )
    return Section("A fleet at the quota", asked, (quota, memory), notes)


def at_the_quota(log_groups: int, quota: float) -> tuple[Ran, Ran]:
    """The Create of a fleet on the embedded AWS, and an Update that finds all done."""
    with EmbeddedAws.start() as aws:
        key = KeyArn(keys.create(aws))
        make_log_groups(aws, log_groups)
        aws.direction.limit("AssociateKmsKey", quota)
        fleet = Fleet(Place("aws", aws.region, aws.account), "")
        ports = CloudWatchLogs(aws.client("logs", config=ONCE)), Kms(lambda: aws.client("kms"))
        ran = []
        for event in (creating(fleet, key), updating(fleet, key)):
            aws.direction.forget_calls()
            begun = time.monotonic()
            outcome, invocations = through(event, *ports, SystemClock(), RateLimits.of(quota))
            seconds = time.monotonic() - begun
            refused = sum(aws.direction.refused().values())
            ran.append(Ran(outcome, seconds, aws.direction.counts(), refused, invocations))
        return ran[0], ran[1]


def make_log_groups(aws: EmbeddedAws, number: int) -> None:
    """So many, without a key."""
    logs = aws.client("logs")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda index: logs.create_log_group(logGroupName=f"/app/{index:06d}"), range(number)))


def creating(fleet: Fleet, key: KeyArn) -> Ensure:
    """A Create."""
    return Ensure(Owner.of_resource(_STACK, "Fleet", fleet), Association(fleet, key))


def updating(fleet: Fleet, key: KeyArn) -> Ensure:
    """An Update that changes nothing."""
    owner, association = Owner.of_resource(_STACK, "Fleet", fleet), Association(fleet, key)
    return Ensure(owner, association, Update(fleet.arn, association, owner))


def through(
    event: Ensure, log_groups: LogGroups, kms: Keys, clock: Clock, rate_limits: RateLimits
) -> tuple[Outcome, int]:
    """All invocations of *event*, and how many they were."""
    progress: Checkpoint | None = None
    invocations = 0
    while True:
        invocations += 1
        retrier = Retrier(clock, clock.now() + INVOCATION)
        work = Context.of(log_groups, kms, retrier, rate_limits=rate_limits)
        outcome = lifecycle.ensure(work, event, progress)
        if isinstance(outcome, Outcome):
            return outcome, invocations
        progress = outcome


@dataclass(frozen=True, slots=True)
class Peak:
    """What a run took."""

    log_groups: int
    invocations: int
    peak: int
    second: Counter[str]


def peak_memory(number: int) -> Peak:
    """The most that Python had allocated during a run over so many log groups, beyond what there was before."""
    account = MadeUp(number)
    clock = Leaping()
    fleet = Fleet(account.place, "")
    rate_limits = RateLimits(workers=1)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        _, invocations = through(creating(fleet, account.key), account, account, clock, rate_limits)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    account.calls.clear()
    through(updating(fleet, account.key), account, account, clock, rate_limits)
    return Peak(number, invocations, peak - before, account.calls)


def _told(calls: Counter[str]) -> str:
    return ", ".join(f"{number:,} {operation}" for operation, number in sorted(calls.items()))


class Leaping:
    """A clock that loses no time."""

    def __init__(self) -> None:
        self._now = 1_800_000_000.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """They are over."""
        self._now += seconds


class MadeUp:
    """An account in three bytes a log group, so that what grows is the run's: the ports' promises for one fleet."""

    place: Final = Place("aws", "eu-west-1", "111122223333")
    key: Final = KeyArn("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")

    def __init__(self, number: int) -> None:
        self._number = number
        self._associated = bytearray(number)
        self._claimed = bytearray(number)
        self._owner = Owner.of_resource(_STACK, "Fleet", Fleet(self.place, ""))
        self.calls: Counter[str] = Counter()

    def key_of(self, log_group: LogGroup) -> KeyArn | None:
        """See `ports.LogGroups`."""
        self.calls["DescribeLogGroups"] += 1
        return self.key if self._associated[_index(log_group)] else None

    def page(self, _fleet: Fleet, token: str) -> Page:
        """See `ports.LogGroups`."""
        self.calls["DescribeLogGroups"] += 1
        first = int(token or "0")
        indices = range(first, min(first + 50, self._number))
        listed = (Listed(f"/app/{index:06d}", self.key if self._associated[index] else None) for index in indices)
        return Page(tuple(listed), str(first + 50) if first + 50 < self._number else "")

    def claim_on(self, log_group: LogGroup) -> Claim | None:
        """See `ports.LogGroups`."""
        self.calls["ListTagsForResource"] += 1
        return Claim(self._owner, None) if self._claimed[_index(log_group)] else None

    def write_claim(self, log_group: LogGroup, claim: Claim) -> None:
        """See `ports.LogGroups`."""
        self.calls["TagResource"] += 1
        self._claimed[_index(log_group)] = claim.owner == self._owner

    def remove_claim(self, log_group: LogGroup) -> None:
        """See `ports.LogGroups`."""
        self.calls["UntagResource"] += 1
        self._claimed[_index(log_group)] = False

    def create(self, log_group: LogGroup, key: KeyArn, claim: Claim) -> None:
        """See `ports.LogGroups`; a fleet never does."""
        raise NotImplementedError

    def associate(self, target: LogGroup | QueryResults, key: KeyArn) -> None:
        """See `ports.LogGroups`."""
        self.calls["AssociateKmsKey"] += 1
        self._associated[_index(target)] = key == self.key

    def disassociate(self, target: LogGroup | QueryResults) -> None:
        """See `ports.LogGroups`."""
        self.calls["DisassociateKmsKey"] += 1
        self._associated[_index(target)] = False

    def describe(self, key: KeyReference) -> KeyDescription:
        """See `ports.Keys`."""
        self.calls["DescribeKey"] += 1
        return KeyDescription(KeyArn(key.text))


def _index(target: LogGroup | QueryResults) -> int:
    return int(target.arn.rpartition("/")[2])
