"""Many resources of one stack at once, beside a naive handler, at the rate that AWS allows.

Each resource has boto3 clients of its own, as each Lambda execution environment has. The embedded AWS answers so many
AssociateKmsKey and DescribeLogGroups calls a second, and "Rate exceeded" to the others. The naive handler makes the one
call with boto3's defaults and no policy of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3

from benchmarks.report import Section, Table
from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from log_group_kms.association.context import Context
from log_group_kms.aws.clients import Aws
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.model.errors import ProviderError
from log_group_kms.model.targets import Place
from log_group_kms.retry.clock import SystemClock
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.synchronize import Barrier

    from benchmarks.bench import Bench

PROCESSES: Final = 4
#: Seconds: the function's Timeout in template.yaml.
TIMEOUT: Final = 870.0
STACK_ID: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/load/2f1a0c10-0000-0000-0000-000000000001"


@dataclass(frozen=True, slots=True)
class Load:
    """So many resources, and so many calls a second for account and Region."""

    resources: int
    associate: float
    describe: float

    @property
    def at_the_least(self) -> float:
        """Seconds that the quota allows no less than."""
        return self.resources / self.associate


#: As many as a stack may hold; CloudWatch Logs' quotas, of which the first cannot be raised.
FULL: Final = Load(500, 5.0, 10.0)
SHORT: Final = Load(8, 4.0, 20.0)


@dataclass(frozen=True, slots=True)
class Result:
    """One contender's run."""

    succeeded: int
    wall: float
    calls: int
    refused: int


def measure(bench: Bench) -> Section:
    """Everyone, one after the other, on an account of their own."""
    load = SHORT if bench.short else FULL
    results = {contender: run(contender, load) for contender in CONTENDERS}
    rows = tuple(
        (
            name,
            f"{result.succeeded} of {load.resources}",
            f"{result.wall:.0f} s",
            f"{result.wall / load.at_the_least:.2f}" if result.succeeded == load.resources else "",
            f"{result.calls:,}",
            f"{result.refused:,}",
        )
        for name, result in results.items()
    )
    asked = (
        f"{load.resources} resources created at once, each with clients of its own, where AWS takes"
        f" {load.associate:.0f} AssociateKmsKey and {load.describe:.0f} DescribeLogGroups calls a second:"
        f" {load.at_the_least:.0f} s at the least."
    )
    header = ("", "Succeeded", "Until the last answer", "Beside the quota's limit", "Calls", "Of which refused")
    return Section(f"{load.resources} at once", asked, (Table(header, rows),))


def provider(aws: Aws, name: str, key: str) -> bool:
    """A Create, as the function does it."""
    event: dict[str, Any] = {
        "RequestType": "Create",
        "RequestId": name,
        "ResponseURL": "https://cloudformation.example/answer",
        "StackId": STACK_ID,
        "LogicalResourceId": name.strip("/"),
        "ResourceProperties": {"KmsKeyId": key, "LogGroupName": name},
    }
    clock = SystemClock()
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


def make_provider() -> Callable[[str, str], bool]:
    """With clients of its own."""
    aws = Aws()
    aws.log_groups  # noqa: B018 - made before the clock starts, as at a cold start
    return lambda name, key: provider(aws, name, key)


@cache
def _session() -> boto3.Session:
    return boto3.Session()


def make_naive() -> Callable[[str, str], bool]:
    """With a client of its own; a session of its own would only take memory."""
    logs = _session().client("logs")
    return lambda name, key: naive(logs, name, key)


CONTENDERS: Final = {"This provider": make_provider, "A handler with boto3's defaults": make_naive}


@dataclass(frozen=True, slots=True)
class Share:
    """What one process does: a contender's Creates of these log groups, in this environment."""

    contender: str
    environment: Mapping[str, str]
    names: list[str]
    key: str


def many(share: Share, start: Barrier, succeeded: Any) -> None:
    """A process with a thread for each resource."""
    os.environ.update(share.environment)
    names = share.names
    handlers = [CONTENDERS[share.contender]() for _ in names]
    ready = threading.Barrier(len(names) + 1)

    def one(handler: Callable[[str, str], bool], name: str) -> None:
        ready.wait()
        if handler(name, share.key):
            with succeeded.get_lock():
                succeeded.value += 1

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
    with EmbeddedAws.start() as aws:
        names = [f"/load/{number:04d}" for number in range(load.resources)]
        for name in names:
            aws.client("logs").create_log_group(logGroupName=name)
        key = keys.create(aws)
        aws.direction.limit("logs:AssociateKmsKey", load.associate)
        aws.direction.limit("logs:DescribeLogGroups", load.describe)
        aws.direction.forget_calls()

        context = multiprocessing.get_context("spawn")
        start, succeeded = context.Barrier(PROCESSES + 1), context.Value("i", 0)
        processes = [
            context.Process(
                target=many,
                args=(Share(contender, aws.environment, names[part::PROCESSES], key), start, succeeded),
            )
            for part in range(PROCESSES)
        ]
        for process in processes:
            process.start()
        start.wait()
        begun = time.monotonic()
        for process in processes:
            process.join()
        wall = time.monotonic() - begun
        calls = aws.direction.calls()
    refused = sum(call.error == "ThrottlingException" for call in calls)
    return Result(succeeded.value, wall, len(calls), refused)
