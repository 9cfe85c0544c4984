"""The command line on the fake account, with somebody at a terminal or nobody."""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from log_group_kms.association.context import Context
from log_group_kms.cli.main import main
from log_group_kms.cli.terminal import Account, Terminal
from log_group_kms.model.ownership import Owner
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS
from log_group_kms.retry.retrier import Retrier
from support.fake_aws import PLACE, FakeAws, FakeClock, FakeLogGroup, fleet, key_arn, log_group, owner
from support.fake_surroundings import LOGS, FakeSurroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from log_group_kms.cli.options import Options
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Claim

KEY, BEFORE, OTHER = key_arn(1), key_arn(2), key_arn(3)
COMMAND_LINE: Final = Owner.of_command_line(fleet())
STRANGER: Final = owner("Trail")
ONE_AFTER_THE_OTHER: Final = replace(DEFAULT_RATE_LIMITS, workers=1)

OVERRIDE: Final = ("--on-existing-key", "Override")
PLAN: Final = ("plan", "--prefix", "*", "--kms-key-id", "alias/logs", *OVERRIDE)
APPLY: Final = ("apply", "--prefix", "*", "--kms-key-id", "alias/logs", *OVERRIDE)
AS_JSON: Final = "--json"


@dataclass
class Desk:
    """The fake account, and somebody at a terminal or nobody."""

    capsys: pytest.CaptureFixture[str]
    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(KEY, BEFORE, OTHER))
    surroundings: FakeSurroundings = field(default_factory=FakeSurroundings)
    clock: FakeClock = field(default_factory=FakeClock)
    terminal: bool = False
    typed: str = ""
    out: str = ""
    err: str = ""

    def holds(self, name: str, key: KeyArn | None = None, claim: Claim | None = None) -> None:
        """Let there be a log group."""
        self.aws.log_groups[log_group(name)] = FakeLogGroup(key, claim)

    def run(self, *arguments: str) -> int:
        """Return the exit code; what it printed is in `out` and `err`."""
        terminal = Terminal(self._connect, self.clock, ONE_AFTER_THE_OTHER, lambda: self.terminal, lambda: self.typed)
        try:
            code = main(arguments, terminal)
        except SystemExit as ended:
            code = int(ended.code or 0)
        self.out, self.err = self.capsys.readouterr()
        return code

    def json(self) -> dict[str, Any]:
        """Return the object on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def states(self) -> dict[str, FakeLogGroup]:
        """Return all log groups by name."""
        return {group.name.text: state for group, state in self.aws.log_groups.items()}

    def keys(self) -> dict[str, KeyArn | None]:
        """Return the keys in force by name."""
        return {name: state.key for name, state in self.states().items()}

    def writing_calls(self) -> set[str]:
        """Return the calls that changed something."""
        return set(self.aws.calls) - {"DescribeLogGroups", "ListTagsForResource", "DescribeKey"}

    def context(self) -> Context:
        """Return the context of a stack's event in the same account."""
        retrier = Retrier(self.clock, self.clock.now() + 3600)
        return Context.of(self.aws, self.aws, retrier, rate_limits=ONE_AFTER_THE_OTHER)

    def interrupt(self, after: int, times: int = 1) -> None:
        """Press Ctrl-C once so many associations are made."""
        made: list[str] = []

        def press(operation: str) -> None:
            made.extend([operation] * (operation == "AssociateKmsKey"))
            if operation == "AssociateKmsKey" and len(made) == after:
                for _ in range(times):
                    os.kill(os.getpid(), signal.SIGINT)

        self.aws.after = press

    @contextmanager
    def _connect(self, _: Options) -> Iterator[Account]:
        yield Account(PLACE, self.aws, self.aws, LOGS, lambda: self.surroundings)
