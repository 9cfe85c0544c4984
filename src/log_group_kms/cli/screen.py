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

    def checkup(self, checkup: Checkup) -> None:
        """Show the result of `doctor`."""

    def progress(self, title: str, total: int | None = None) -> AbstractContextManager[Progress]:
        """Show progress while the block runs; of a *total*, where that is known."""


class JsonScreen:
    """Shows one JSON object on stdout."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def plan(self, plan: Plan) -> None:
        """See `Screen`."""
        self._print(plan.as_json())

    def coverage(self, coverage: Coverage) -> None:
        """See `Screen`."""
        self._print(coverage.as_json())

    def summary(self, summary: Summary) -> None:
        """See `Screen`."""
        self._print(summary.as_json())

    def checkup(self, checkup: Checkup) -> None:
        """See `Screen`."""
        self._print(checkup.as_json())

    def progress(self, title: str, total: int | None = None) -> AbstractContextManager[Progress]:
        """See `Screen`."""
        return in_lines(self._clock, title, total)

    def _print(self, value: dict[str, object]) -> None:
        print(json.dumps(value, indent=2), flush=True)
