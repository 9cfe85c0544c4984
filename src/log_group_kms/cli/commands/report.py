"""`report`: which log groups are under which key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_group_kms.cli.command import Command, Exit
from log_group_kms.cli.findings import Cover, Coverage
from log_group_kms.cli.nearest import warn_of_nothing
from log_group_kms.cli.requests import fleet_of, looking
from log_group_kms.fleet.reader import FleetReader
from log_group_kms.retry.rate_limits import AdaptiveRateLimiter

if TYPE_CHECKING:
    from log_group_kms.cli.command import Invocation


def report(invocation: Invocation) -> Exit:
    """Show which log groups are under which key, from the listing alone."""
    fleet = fleet_of(invocation)
    context = looking(invocation.context())
    clock, limits = invocation.terminal.clock, context.rate_limits
    reads, pages = (AdaptiveRateLimiter(clock, per_second) for per_second in (limits.reads, limits.pages))
    reader = FleetReader(fleet, context.logs, reads, pages)
    with invocation.screen.progress("Looking") as progress:
        coverage = Coverage.of(fleet, progress.count_each(reader.every_page()))
    if not coverage.totals:
        warn_of_nothing(invocation, fleet)
    invocation.screen.coverage(coverage)
    return Exit.FOUND if coverage.totals[Cover.UNENCRYPTED] else Exit.DONE


REPORT = Command("report", "show which log groups are under which key; changes nothing", report)
