"""The fleet's memory: flat, however many log groups there are."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.fleet_events import STACK, creating, through, updating
from benchmarks.report import Section, Table
from log_group_kms.model.keys import KeyArn, KeyDescription
from log_group_kms.model.ownership import Claim, Marks, Owner
from log_group_kms.model.results import Listed, Page
from log_group_kms.model.targets import Fleet, LogGroup, Place, QueryResults
from log_group_kms.retry.rate_limits import RateLimits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.bench import Bench
    from log_group_kms.model.keys import KeyReference

FEW, MANY = 1_000, 100_000

_MIB: Final = 2**20


def measure(bench: Bench) -> Section:
    """On an account that is made up as it goes."""
    few, many = peak_memory(FEW), peak_memory(FEW * 2 if bench.short else MANY)
    memory = Table(
        ("Log groups", "Invocations", "Peak of the run", "A second run's calls"),
        tuple(
            (f"{found.log_groups:,}", str(found.invocations), f"{found.peak / _MIB:.2f} MiB", _told(found.second))
            for found in (few, many)
        ),
    )
    notes = (
        f"Memory grows by {(many.peak - few.peak) / _MIB:.2f} MiB (goal: under 20).",
        (
            "The second run is an Update or a reconciliation. A Create also reads the tags of what has the key already:"
            " it may be the fleet's new name."
        ),
    )
    asked = "How much memory a Create takes, traced by Python, on a fake account with a fake clock."
    return Section("A fleet's memory", asked, (memory,), notes)


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
        ran = through(creating(fleet, account.key), account, account, clock, rate_limits)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    account.calls.clear()
    through(updating(fleet, account.key, account.key), account, account, clock, rate_limits)
    return Peak(number, ran.invocations, peak - before, account.calls)


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
        self._owner = Owner.of_resource(STACK, "Fleet", Fleet(self.place, ""))
        self._marks: dict[int, Marks] = {}
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

    def claimed(self, _owners: Sequence[str], _token: str) -> None:
        """See `ports.LogGroups`; this one does without."""

    def marks_on(self, log_group: LogGroup, _owner: Owner) -> Marks:
        """See `ports.LogGroups`."""
        self.calls["ListTagsForResource"] += 1
        return self._marks.get(_index(log_group), Marks())

    def write_marks(self, log_group: LogGroup, _owner: Owner, marks: Marks) -> None:
        """See `ports.LogGroups`."""
        self.calls["TagResource"] += 1
        self._marks[_index(log_group)] = marks

    def remove_marks(self, log_group: LogGroup, _owner: Owner, _marks: Marks) -> None:
        """See `ports.LogGroups`."""
        self.calls["UntagResource"] += 1
        self._marks.pop(_index(log_group), None)

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
