"""`report`: which log groups are under which key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_group_kms.cli.command import Command, Exit
from log_group_kms.cli.findings import Cover, Coverage
from log_group_kms.cli.nearest import warn_of_nothing
from log_group_kms.cli.requests import fleet_of, reader_of

if TYPE_CHECKING:
    from log_group_kms.cli.command import Invocation


def report(invocation: Invocation) -> Exit:
    """Show which log groups are under which key, from the listing alone."""
    fleet = fleet_of(invocation)
    reader = reader_of(invocation, fleet)
    with invocation.screen.progress("Looking") as progress:
        coverage = Coverage.of(fleet, progress.count_each(reader.every_page()))
    if not coverage.totals:
        warn_of_nothing(invocation, fleet)
    invocation.screen.coverage(coverage)
    return Exit.FOUND if coverage.totals[Cover.UNENCRYPTED] else Exit.DONE


REPORT = Command("report", "show which log groups are under which key; changes nothing", report)
