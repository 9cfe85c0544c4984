"""`report`: which log groups are under which key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_group_kms.cli.command import Command, Exit
from log_group_kms.cli.findings import Cover, Coverage
from log_group_kms.cli.nearest import warn_of_nothing
from log_group_kms.cli.requests import fleet_of, key_of, reader_of

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from log_group_kms.cli.command import Invocation


def report(invocation: Invocation) -> Exit:
    """Show which log groups are under which key, from the listing alone; name those that a fleet has left, if asked."""
    fleet, key = fleet_of(invocation), key_of(invocation)
    reader = reader_of(invocation, fleet)
    with invocation.screen.progress("Listing") as progress:
        listing = progress.count_each(reader.every_page())
        coverage = Coverage.of(fleet, listing, key, named=invocation.options.names)
    if not coverage.totals:
        warn_of_nothing(invocation, fleet)
    invocation.screen.coverage(coverage)
    uncovered = coverage.totals[Cover.UNENCRYPTED] + coverage.others
    return Exit.FOUND if uncovered else Exit.DONE


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--kms-key-id", dest="KmsKeyId", metavar="KEY",
        help="count as covered only what is under this key: key ARN, alias ARN, alias/NAME, key id or mrk- id",
    )  # fmt: skip
    parser.add_argument(
        "--names", action="store_true",
        help="name each log group that is not covered: what a fleet has skipped, or AWS refused",
    )  # fmt: skip


REPORT = Command(
    "report",
    "show which log groups are under which key; changes nothing",
    report,
    add_options=_add_options,
    fields="command, account, region, prefix, matched, encrypted, unencrypted, reserved,\n"
    "keys: [kms_key_arn, log_groups], prefixes: [prefix, matched, encrypted, unencrypted, reserved],\n"
    "log_groups (with --names, else null): [log_group, kms_key_arn (in force, or null)]",
    found="a log group is under no customer managed key, or with --kms-key-id not under that one",
)
