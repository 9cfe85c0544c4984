"""The fleet at AWS's quotas: how near to them its events come, and how many calls they cost.

Every quota is ten times AWS's, and the fleet's clock is ten times as fast (`hastened`): so it runs as it is deployed,
at AWS's own quotas, in a tenth of the time.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.fleet_events import creating, creating_anothers, deleting, through, updating
from benchmarks.hastened import HastenedClock
from benchmarks.report import Section, Table
from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.emulator.quotas import OFF, PER_SECOND
from log_group_kms.aws.clients import ONCE
from log_group_kms.aws.kms import Kms
from log_group_kms.aws.logs import CloudWatchLogs
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.targets import Fleet, LogGroup, LogGroupName, Place

if TYPE_CHECKING:
    from benchmarks.bench import Bench
    from log_group_kms.association.requests import Ensure, Remove

LOG_GROUPS: Final = 2000
#: So many times AWS's quotas.
FACTOR: Final = 10.0
#: Enough to go over the first second's burst.
SHORT: Final = 30
#: Of so many log groups, one belongs to another stack.
ANOTHERS: Final = 10

_ASSOCIATIONS: Final = PER_SECOND["logs:AssociateKmsKey"]


@dataclass(frozen=True, slots=True)
class Ran:
    """An event over a fleet.

    Attributes:
        event: its name.
        seconds: how long it took, by the fleet's clock.
        calls: how many of each operation.
        refused: how many of them were throttled.
        right: how many log groups are as they should be.
    """

    event: str
    seconds: float
    calls: Counter[str]
    refused: Counter[str]
    right: int


def measure(bench: Bench) -> Section:
    """A fleet's whole life, alone in the account and among others' log groups."""
    log_groups = SHORT if bench.short else LOG_GROUPS
    alone, among = Life(log_groups), Life(log_groups, others=log_groups // ANOTHERS)
    rows = [_row(life, ran) for life in (alone, among) for ran in life.run()]
    header = ("", "Log groups", "Others'", "Beside the quota", "Right", "Refused", "Calls for each log group")
    asked = (
        "How long a fleet's Create, the Update to another key and its Delete take, beside what AWS's quota of"
        f" AssociateKmsKey allows no less than: the log groups over {_ASSOCIATIONS * FACTOR:.0f} a second. Every quota"
        " of CloudWatch Logs is ten times AWS's own, and the fleet's clock is ten times as fast, so that it runs as it"
        " is deployed. A log group of others' is under a key of theirs, and claimed by another stack."
    )
    notes = (
        "Goal: at most 1.10, with under 1 % of the calls refused.",
        "In parentheses: the share of calls of that kind that was refused. A refused call counts as a call.",
    )
    return Section("A fleet at the quotas", asked, (Table(header, tuple(rows)),), notes)


class Life:
    """A fleet's events on an account of its own.

    Args:
        log_groups: how many there are.
        others: how many of them belong to another stack; spread over all.
    """

    def __init__(self, log_groups: int, others: int = 0) -> None:
        self.log_groups = log_groups
        self.others = others

    def run(self) -> list[Ran]:
        """Go through Create, Update and Delete."""
        with EmbeddedAws.start(quota_factor=OFF) as aws:
            first, second, theirs = (KeyArn(keys.create(aws)) for _ in range(3))
            fleet = Fleet(Place("aws", aws.region, aws.account), "")
            make_log_groups(aws, self.log_groups)
            self._make_others(aws, fleet.place, theirs)
            aws.direction.scale_quotas(FACTOR)
            return [
                self._ran(aws, "Create", creating(fleet, first), first.text, theirs.text),
                self._ran(aws, "Update of the key", updating(fleet, first, second), second.text, theirs.text),
                self._ran(aws, "Delete", deleting(fleet, second), "", theirs.text),
            ]

    def _make_others(self, aws: EmbeddedAws, place: Place, key: KeyArn) -> None:
        ports = CloudWatchLogs(aws.client("logs")), Kms(lambda: aws.client("kms"))
        clock = HastenedClock(FACTOR)
        for number in range(self.others):
            target = LogGroup(place, LogGroupName(name_of(number * (self.log_groups // self.others))))
            through(creating_anothers(target, key), *ports, clock)

    def _ran(self, aws: EmbeddedAws, name: str, event: Ensure | Remove, key: str, theirs: str) -> Ran:
        ports = CloudWatchLogs(aws.client("logs", config=ONCE)), Kms(lambda: aws.client("kms"))
        # What an event leaves of the quotas is not the next one's.
        time.sleep(1.0)
        aws.direction.forget_calls()
        clock = HastenedClock(FACTOR)
        begun = clock.now()
        through(event, *ports, clock)
        seconds = clock.now() - begun
        calls, refused = aws.direction.counts(), aws.direction.refused()
        under = keys_in_force(aws)
        right = min(under[key], self.log_groups - self.others) + min(under[theirs], self.others)
        return Ran(name, seconds, calls, refused, right)


def name_of(number: int) -> str:
    """The name of a log group; in the order of the numbers."""
    return f"/app/{number:06d}"


def make_log_groups(aws: EmbeddedAws, number: int) -> None:
    """So many, without a key."""
    logs = aws.client("logs")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda index: logs.create_log_group(logGroupName=name_of(index)), range(number)))


def keys_in_force(aws: EmbeddedAws) -> Counter[str]:
    """How many log groups are under each key; the empty one stands for none."""
    # The quotas are for the fleet's calls.
    aws.direction.scale_quotas(OFF)
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate()
    found = Counter(group.get("kmsKeyId", "") for page in pages for group in page["logGroups"])
    aws.direction.scale_quotas(FACTOR)
    return found


def _row(life: Life, ran: Ran) -> tuple[str, ...]:
    share = ran.seconds / (life.log_groups / _ASSOCIATIONS)
    return (
        ran.event,
        f"{life.log_groups:,}",
        f"{life.others:,}" if life.others else "-",
        f"{share:.2f}",
        f"{ran.right:,} of {life.log_groups:,}",
        f"{ran.refused.total() / ran.calls.total():.1%}",
        told(ran.calls, ran.refused, life.log_groups),
    )


def told(calls: Counter[str], refused: Counter[str], log_groups: int) -> str:
    """Calls of each kind for a log group, with the share that was refused where there is one."""

    def one(operation: str) -> str:
        share = f" ({refused[operation] / calls[operation]:.0%})" if refused[operation] else ""
        return f"{calls[operation] / log_groups:.2f} {operation.removeprefix('logs:')}{share}"

    return ", ".join(one(operation) for operation, _ in calls.most_common() if operation.startswith("logs:"))
