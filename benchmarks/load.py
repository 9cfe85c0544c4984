"""Many resources of one stack at once, beside a naive handler, at the rates that AWS allows.

Each resource has boto3 clients of its own, as each Lambda execution environment has. The embedded AWS holds every call
at AWS's quotas, and answers "Rate exceeded" to the others. So that the run is short, the quotas are a few times AWS's,
and the provider's clock is as many times as fast (`hastened`). The naive handler makes the one call with boto3's
defaults and no policy of its own; boto3 has no clock to hasten, so it runs at AWS's own quotas.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3

from benchmarks.fleet import told
from benchmarks.hastened import HastenedClock
from benchmarks.report import Section, Table
from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.emulator.quotas import OFF, PER_SECOND
from log_group_kms.association.context import Context
from log_group_kms.aws.clients import Aws
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.model.errors import ProviderError
from log_group_kms.model.targets import Place
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping
    from multiprocessing.synchronize import Barrier

    from benchmarks.bench import Bench
    from log_group_kms.retry.clock import Clock

PROCESSES: Final = 4
#: A log group for the calls of a resource that nobody disturbs.
ALONE: Final = "/alone"
#: Seconds: the function's Timeout in template.yaml.
TIMEOUT: Final = 870.0
STACK_ID: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/load/2f1a0c10-0000-0000-0000-000000000001"


@dataclass(frozen=True, slots=True)
class Load:
    """So many resources at once, at so many times AWS's quotas."""

    resources: int
    factor: float


@dataclass(frozen=True, slots=True)
class Contender:
    """Whoever creates a resource.

    Attributes:
        make: makes a handler with clients of its own, for a clock so many times as fast; the handler takes a log group
            and a key, and returns whether it succeeded.
        has_clock: whether its pauses can be hastened.
    """

    make: Callable[[float], Callable[[str, str], bool]]
    has_clock: bool


#: As many as a stack may hold. With a larger factor the machine's own time would show.
FULL: Final = Load(500, 2.0)
SHORT: Final = Load(8, 4.0)


@dataclass(frozen=True, slots=True)
class Result:
    """One contender's run.

    Attributes:
        succeeded: how many resources have their key.
        wall: seconds until the last answer, by the contender's clock.
        least: seconds that AWS's quotas allow no less than for the calls that one resource alone makes.
        calls: how many of each operation.
        refused: how many of them were throttled.
    """

    succeeded: int
    wall: float
    least: float
    calls: Counter[str]
    refused: Counter[str]


def measure(bench: Bench) -> Section:
    """Everyone, one after the other, on an account of their own."""
    load = SHORT if bench.short else FULL
    rows = tuple(_row(name, load, run(name, load)) for name in CONTENDERS)
    asked = (
        f"{load.resources} resources created at once, each with clients of its own, where every call of CloudWatch Logs"
        " is held at AWS's quota. *Beside the quotas* is the time until the last answer, over what the quotas allow no"
        " less than for the calls that each resource makes when it is alone. The provider runs at"
        f" {load.factor:.0f} times the quotas, with a clock as many times as fast."
    )
    header = ("", "Succeeded", "Until the last answer", "Beside the quotas", "Refused", "Calls for each resource")
    notes = ("Goal: all succeed, at most 1.20, with at most 60 % of all calls refused.",)
    return Section(f"{load.resources} at once", asked, (Table(header, rows),), notes)


def _row(name: str, load: Load, result: Result) -> tuple[str, ...]:
    all_there = result.succeeded == load.resources
    return (
        name,
        f"{result.succeeded} of {load.resources}",
        f"{result.wall:.0f} s",
        f"{result.wall / result.least:.2f}" if all_there else "",
        f"{result.refused.total():,} of {result.calls.total():,} ({result.refused.total() / result.calls.total():.0%})",
        told(result.calls, result.refused, load.resources),
    )


def least(calls: Counter[str], resources: int) -> float:
    """Seconds that AWS's quotas allow no less than, where each resource makes these calls."""
    return max(
        number * resources / PER_SECOND[operation] for operation, number in calls.items() if operation in PER_SECOND
    )


def provider(aws: Aws, clock: Clock, name: str, key: str) -> bool:
    """A Create, as the function does it."""
    event: dict[str, Any] = {
        "RequestType": "Create",
        "RequestId": name,
        "ResponseURL": "https://cloudformation.example/answer",
        "StackId": STACK_ID,
        "LogicalResourceId": name.strip("/"),
        "ResourceProperties": {"KmsKeyId": key, "LogGroupName": name},
    }
    envelope = Envelope.of(event)
    deadlines = Deadlines.of(envelope, event, clock.now(), TIMEOUT)
    work = Context.of(aws.log_groups, aws.keys, Retrier(clock, deadlines.earliest))
    try:
        respond(envelope, event, Place("aws", "eu-west-1", "111122223333"), work, deadlines)
    except ProviderError:
        return False
    return True


def naive(logs: Any, name: str, key: str) -> bool:
    """The same, as a first version is written."""
    try:
        logs.associate_kms_key(logGroupName=name, kmsKeyId=key)
    except Exception:  # noqa: BLE001 - whatever it is, the stack fails
        return False
    return True


def make_provider(factor: float) -> Callable[[str, str], bool]:
    """With clients of its own."""
    aws, clock = Aws(), HastenedClock(factor)
    aws.log_groups  # noqa: B018 - made before the clock starts, as at a cold start
    return lambda name, key: provider(aws, clock, name, key)


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def make_naive(_: float) -> Callable[[str, str], bool]:
    """With a client of its own; a session of its own would only take memory."""
    logs = _session().client("logs")
    return lambda name, key: naive(logs, name, key)


CONTENDERS: Final = {
    "This provider": Contender(make_provider, has_clock=True),
    "A handler with boto3's defaults": Contender(make_naive, has_clock=False),
}


@dataclass(frozen=True, slots=True)
class Share:
    """What one process does: a contender's Creates of these log groups, in this environment."""

    contender: str
    factor: float
    environment: Mapping[str, str]
    names: list[str]
    key: str


def many(share: Share, start: Barrier, succeeded: Any, last: Any) -> None:
    """A process with a thread for each resource; notes how many *succeeded*, and when the *last* one answered."""
    os.environ.update(share.environment)
    names = share.names
    handlers = [CONTENDERS[share.contender].make(share.factor) for _ in names]
    ready = threading.Barrier(len(names) + 1)

    def one(handler: Callable[[str, str], bool], name: str) -> None:
        ready.wait()
        done = handler(name, share.key)
        with succeeded.get_lock():
            succeeded.value += done
            # The system's clock: all processes have the same.
            last.value = max(last.value, time.monotonic())

    pairs = zip(handlers, names, strict=True)
    threads = [threading.Thread(target=one, args=(handler, name)) for handler, name in pairs]
    for thread in threads:
        thread.start()
    start.wait()
    ready.wait()
    for thread in threads:
        thread.join()


def run(contender: str, load: Load) -> Result:
    """All resources at once, on an account of their own."""
    factor = load.factor if CONTENDERS[contender].has_clock else 1.0
    with EmbeddedAws.start(quota_factor=OFF) as aws:
        names = [f"/load/{number:04d}" for number in range(load.resources)]
        for name in (ALONE, *names):
            aws.client("logs").create_log_group(logGroupName=name)
        key = keys.create(aws)
        aws.direction.forget_calls()
        _at_once(Share(contender, factor, aws.environment, [ALONE], key), processes=1)
        alone = aws.direction.counts()
        aws.direction.scale_quotas(factor)
        aws.direction.forget_calls()
        succeeded, wall = _at_once(Share(contender, factor, aws.environment, names, key), PROCESSES)
        calls, refused = aws.direction.counts(), aws.direction.refused()
    return Result(succeeded, wall * factor, least(alone, load.resources), calls, refused)


def _at_once(share: Share, processes: int) -> tuple[int, float]:
    """Let so many processes do it; return how many resources succeeded, and the seconds until the last answer."""
    context = multiprocessing.get_context("spawn")
    start, succeeded, last = context.Barrier(processes + 1), context.Value("i", 0), context.Value("d", 0.0)
    parts = [replace(share, names=share.names[part::processes]) for part in range(processes)]
    running = [context.Process(target=many, args=(part, start, succeeded, last)) for part in parts]
    for process in running:
        process.start()
    start.wait()
    begun = time.monotonic()
    for process in running:
        process.join()
    return succeeded.value, last.value - begun
