"""The handler in processes of their own, each of which can be killed at any request that it makes.

One server process imports the handler, as Lambda does when it starts an execution environment; every invocation is a
process forked from there, so that each is as fresh as after a cold start without taking as long.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import IO, TYPE_CHECKING, Any, Final, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TESTS: Final = Path(__file__).parents[1]
_SOURCES: Final = _TESTS.parent / "src"
_ENDS_WITHIN: Final = 10.0

Moment = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL at one of the requests that the process makes, counted from 0.

    *before* it has sent a byte of it, or *after* it has the response's head.
    """

    moment: Moment
    request: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How an invocation's process ended.

    Attributes:
        killed: whether SIGKILL ended it.
        raised: the error that the handler ended with, in Python's words; None where it returned.
        requests: what it asked for, in this order: `logs:TagResource`, `kms:DescribeKey`, `PUT` for the answer; the one
            that it was killed at too.
        output: all that it wrote.
    """

    killed: bool
    raised: str | None
    requests: Sequence[str]
    output: str


class LambdaFunction:
    """Made by `start`."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self._server = server

    @classmethod
    @contextmanager
    def start(cls, environment: Mapping[str, str]) -> Iterator[LambdaFunction]:
        """Start the server, with nothing but *environment*, PATH and the way to the sources; stop it with the block."""
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": os.pathsep.join([str(_SOURCES), str(_TESTS)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        }
        with subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "support.lambda_process_server"],
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as server:
            try:
                yield cls(server)
            finally:
                # The server ends with its standard input, also where this process is killed.
                cast("IO[str]", server.stdin).close()
                _end(server)

    def invoke(self, event: Mapping[str, Any], kill: Kill | None = None) -> Ended:
        """Run the handler with *event* to its end, or to the *kill*."""
        order = {"event": event, "kill": [kill.moment, kill.request] if kill else None}
        to_server, from_server = cast("IO[str]", self._server.stdin), cast("IO[str]", self._server.stdout)
        to_server.write(f"{json.dumps(order)}\n")
        to_server.flush()
        told = json.loads(from_server.readline())
        if told["ended_with"] not in (0, -SIGKILL):
            raise AssertionError(f"the process ended with {told['ended_with']}:\n{told['output']}")
        return Ended(told["ended_with"] == -SIGKILL, told["raised"], tuple(told["requests"]), told["output"])


def _end(server: subprocess.Popen[str]) -> None:
    try:
        server.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        server.kill()
