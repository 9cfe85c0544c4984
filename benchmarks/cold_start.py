# ruff: noqa: INP001 - programs, not a package
"""What a cold start costs: the handler with its clients, beside boto3 with one client, in fresh processes.

python benchmarks/cold_start.py [ROUNDS]

A round starts each once, so that a busy moment of the machine meets both. All bytecode is there before the first round,
as it is on AWS in a package that was built with the runtime's own Python.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[1]
GOAL: Final = 1.3

BOTO3: Final = "import boto3; boto3.client('logs')"
#: The clients that a Create makes whose key is named by an alias; one that names a key ARN makes only the first.
HANDLER: Final = "from log_group_kms.handler import aws; aws.log_groups; aws._kms_client"

TIMED: Final = "import time; begin = time.perf_counter(); {}; print(time.perf_counter() - begin)"


def seconds(statement: str, environment: Mapping[str, str]) -> float:
    """How long *statement* takes in a process of its own; the interpreter's own start is the same for all."""
    command = [sys.executable, "-c", TIMED.format(statement)]
    ran = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    return float(ran.stdout)


def main(rounds: int) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT / "src"),
            "PYTHONPYCACHEPREFIX": bytecode,
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }
        contenders = {"boto3 and its client for logs": BOTO3, "the handler and its clients": HANDLER}
        for statement in contenders.values():
            seconds(statement, environment)
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, statement in contenders.items():
                times[name].append(seconds(statement, environment))

    print(f"{'':32}{'minimum':>10}{'median':>10}   of {rounds} rounds")
    for name, measured in times.items():
        print(f"{name:32}{min(measured) * 1000:>7.0f} ms{statistics.median(measured) * 1000:>7.0f} ms")
    base, ours = times.values()
    by_minimum, by_median = (figure(ours) / figure(base) for figure in (min, statistics.median))
    print(f"{f'ratio (goal: {GOAL})':32}{by_minimum:>10.2f}{by_median:>10.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
