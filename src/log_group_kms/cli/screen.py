"""The screen: results on stdout, progress on stderr; here as one JSON object, which needs no Rich."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Protocol

from log_group_kms.cli.progress import in_lines

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from log_group_kms.cli.doctor.findings import Checkup
    from log_group_kms.cli.findings import Coverage, Plan, Summary
    from log_group_kms.cli.progress import Progress
    from log_group_kms.retry.clock import Clock


class Screen(Protocol):
    """Shows what a command finds and does."""

    def plan(self, plan: Plan) -> None:
        """Show the result of `plan`."""

    def coverage(self, coverage: Coverage) -> None:
        """Show the result of `report`."""

    def summary(self, summary: Summary) -> None:
        """Show the result of `apply` and `release`."""

    def failure(self, failure: dict[str, object]) -> None:
        """Show what a command that failed has to say beside its line on stderr."""

    def checkup(self, checkup: Checkup) -> None:
        """Show the result of `doctor`."""

    def progress(self, title: str, total: int | None = None) -> AbstractContextManager[Progress]:
        """Show progress while the block runs; of a *total*, where that is known."""


class JsonScreen:
    """Shows one JSON object on stdout."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._printed = False

    def plan(self, plan: Plan) -> None:
        """See `Screen`."""
        self._print(plan.as_json())

    def coverage(self, coverage: Coverage) -> None:
        """See `Screen`."""
        self._print(coverage.as_json())

    def summary(self, summary: Summary) -> None:
        """See `Screen`."""
        self._print(summary.as_json())

    def failure(self, failure: dict[str, object]) -> None:
        """See `Screen`; a plan with conflicts has been printed already, and there is one object always."""
        if not self._printed:
            self._print(failure)

    def checkup(self, checkup: Checkup) -> None:
        """See `Screen`."""
        self._print(checkup.as_json())

    def progress(self, title: str, total: int | None = None) -> AbstractContextManager[Progress]:
        """See `Screen`."""
        return in_lines(self._clock, title, total)

    def _print(self, value: dict[str, object]) -> None:
        self._printed = True
        print(json.dumps(value, indent=2), flush=True)
