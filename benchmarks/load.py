# ruff: noqa: INP001 - programs, not a package
"""Many resources of one stack at once, beside a naive handler, at the rate that AWS allows.

python benchmarks/load.py [RESOURCES]

Each resource has boto3 clients of its own, as each Lambda execution environment has. The embedded AWS answers 5
AssociateKmsKey and 10 DescribeLogGroups calls a second, and "Rate exceeded" to the others. The quota's own limit is
RESOURCES / 5 seconds. The naive handler makes the one call with boto3's defaults and no policy of its own.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

PROJECT: Final = Path(__file__).parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "src")]

import boto3  # noqa: E402 - after the path is set

from local.embedded_aws import EmbeddedAws  # noqa: E402
from log_group_kms.aws import Aws  # noqa: E402
from log_group_kms.envelope import Envelope  # noqa: E402
from log_group_kms.errors import ProviderError  # noqa: E402
from log_group_kms.model import Place  # noqa: E402
from log_group_kms.provider import Deadlines, respond  # noqa: E402
from log_group_kms.waiting import Patience, SystemClock  # noqa: E402
from log_group_kms.work import Work  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.synchronize import Barrier

#: Calls a second for account and Region: CloudWatch Logs' quotas, of which the first cannot be raised.
ASSOCIATE: Final = 5.0
DESCRIBE: Final = 10.0
PROCESSES: Final = 4
#: Seconds: the function's Timeout in template.yaml.
TIMEOUT: Final = 900.0
STACK_ID: Final = "arn:aws:cloudformation:eu-west-1:111122223333:stack/load/2f1a0c10-0000-0000-0000-000000000001"


@dataclass(frozen=True, slots=True)
class Result:
    """One contender's run."""

    succeeded: int
    wall: float
    calls: int
    refused: int


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
    work = Work(aws.log_groups, aws.keys, Patience(clock, deadlines.earliest), lambda _: None)
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


def make_naive() -> Callable[[str, str], bool]:
    """With a client of its own."""
    logs = boto3.Session().client("logs")
    return lambda name, key: naive(logs, name, key)


CONTENDERS: Final = {"this provider": make_provider, "naive handler": make_naive}


def many(contender: str, names: list[str], key: str, start: Barrier, succeeded: Any) -> None:
    """A process with a thread for each of *names*."""
    handlers = [CONTENDERS[contender]() for _ in names]
    ready = threading.Barrier(len(names) + 1)

    def one(handler: Callable[[str, str], bool], name: str) -> None:
        ready.wait()
        if handler(name, key):
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


def run(contender: str, resources: int) -> Result:
    """All *resources* at once, on an account of their own."""
    with EmbeddedAws.start() as aws:
        os.environ.update(aws.environment)
        names = [f"/load/{number:04d}" for number in range(resources)]
        for name in names:
            aws.client("logs").create_log_group(logGroupName=name)
        everyone = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
        logs = everyone | {"Principal": {"Service": "logs.eu-west-1.amazonaws.com"}}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [everyone, logs]})
        key = aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
        aws.direction.limit("logs:AssociateKmsKey", ASSOCIATE)
        aws.direction.limit("logs:DescribeLogGroups", DESCRIBE)
        aws.direction.forget_calls()

        context = multiprocessing.get_context("spawn")
        start, succeeded = context.Barrier(PROCESSES + 1), context.Value("i", 0)
        processes = [
            context.Process(target=many, args=(contender, names[part::PROCESSES], key, start, succeeded))
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


def main(resources: int) -> None:
    """Measure, and print a table."""
    limit = resources / ASSOCIATE
    print(
        f"{resources} resources at once, {ASSOCIATE:.0f} AssociateKmsKey calls a second: {limit:.0f} s at the least\n"
    )
    print(f"{'':16}{'succeeded':>12}{'wall / limit':>14}{'calls':>8}{'refused':>9}")
    for contender in CONTENDERS:
        result = run(contender, resources)
        print(
            f"{contender:16}{f'{result.succeeded} of {resources}':>12}{result.wall / limit:>14.2f}"
            f"{result.calls:>8}{result.refused:>9}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
