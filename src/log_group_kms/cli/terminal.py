"""The world of the command line: the person at the terminal, the time, and the account."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from log_group_kms.retry.clock import SystemClock
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from log_group_kms.association.ports import Keys, LogGroups
    from log_group_kms.cli.doctor.ports import Surroundings
    from log_group_kms.cli.options import Options
    from log_group_kms.model.targets import Place
    from log_group_kms.retry.clock import Clock
    from log_group_kms.retry.rate_limits import RateLimits


@dataclass(frozen=True, slots=True)
class Account:
    """The place to which the caller's credentials lead, and the ports there.

    Attributes:
        place: partition, Region and account.
        log_groups: CloudWatch Logs.
        keys: KMS.
        service_principal: CloudWatch Logs, as a key policy names it.
        surroundings: returns the port of `doctor`.
    """

    place: Place
    log_groups: LogGroups
    keys: Keys
    service_principal: str
    surroundings: Callable[[], Surroundings]


@contextmanager
def connect(options: Options) -> Iterator[Account]:
    """Yield the real account; its errors are translated for as long as the block runs.

    Raises:
        ModuleNotFoundError: there is no boto3.
        ProviderError: there are no credentials, or they are no good.
    """
    # `--help` needs no boto3, and no time to load it.
    from log_group_kms.aws.clients import Aws, configured, logs_service_principal  # noqa: PLC0415 - as above

    with configured():
        aws = Aws(profile=options.profile, region=options.region, any_service=True)
        place = aws.place()
        yield Account(place, aws.log_groups, aws.keys, logs_service_principal(place), lambda: aws.surroundings)


def _is_interactive() -> bool:
    return sys.stdin.isatty()


def _read_line() -> str:
    return sys.stdin.readline()


@dataclass(frozen=True, slots=True)
class Terminal:
    """The outside of a command.

    Attributes:
        connect: opens the way to an account.
        clock: the time.
        rate_limits: how fast a fleet goes, but for `--rate`.
        is_interactive: tells that somebody is there to be asked.
        read_line: returns what that one types.
    """

    connect: Callable[[Options], AbstractContextManager[Account]] = connect
    clock: Clock = field(default_factory=SystemClock)
    rate_limits: RateLimits = DEFAULT_RATE_LIMITS
    is_interactive: Callable[[], bool] = _is_interactive
    read_line: Callable[[], str] = _read_line

    def ask(self, question: str) -> bool:
        """Ask a question on stderr; True for a Yes."""
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        return self.read_line().strip().lower() in ("y", "yes")


def tell(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
