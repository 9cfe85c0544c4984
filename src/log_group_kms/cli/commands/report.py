"""`report`: which log groups are under which key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from log_group_kms.cli.command import Command, Exit, Misuse
from log_group_kms.cli.evidence import Evidence, Wanted
from log_group_kms.cli.findings import Cover, Coverage
from log_group_kms.cli.nearest import warn_of_nothing
from log_group_kms.cli.page import Facts, NoFolderError, Page
from log_group_kms.cli.requests import exclusions_of, fleet_of, key_of, reader_of
from log_group_kms.cli.terminal import tell

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from log_group_kms.cli.command import Invocation
    from log_group_kms.fleet.reader import FleetReader
    from log_group_kms.model.keys import KeyArn


def report(invocation: Invocation) -> Exit:
    """Show which log groups are under which key, from the listing alone; name those that a fleet has left, if asked."""
    fleet, key = fleet_of(invocation), key_of(invocation)
    reader = reader_of(invocation, fleet)
    path = invocation.options.html
    try:
        coverage = _on_a_page(invocation, path, reader, key) if path else _covered(invocation, reader, key)
    except NoFolderError as wrong:
        raise Misuse(f"--html {wrong}") from None
    except BrokenPipeError:
        raise  # of stderr or stdout: `main` knows what to do
    except OSError as failed:
        return _not_written(invocation, f"{path} could not be written: {failed.strerror}")
    if not coverage.totals:
        warn_of_nothing(invocation, fleet)
    invocation.screen.coverage(coverage)
    if path:
        tell(f"The page is {path}")
    uncovered = coverage.totals[Cover.UNENCRYPTED] + coverage.others
    return Exit.FOUND if uncovered else Exit.DONE


def _covered(
    invocation: Invocation, reader: FleetReader, key: KeyArn | None, evidence: Evidence | None = None
) -> Coverage:
    with invocation.screen.progress("Listing") as progress:
        listing = progress.count_each(reader.every_page())
        if evidence:
            listing = evidence.watching(listing)
        return Coverage.of(reader.fleet, listing, key, named=invocation.options.names)


def _on_a_page(invocation: Invocation, path: Path, reader: FleetReader, key: KeyArn | None) -> Coverage:
    """Return the coverage, and write the page of it.

    Raises:
        NoFolderError: there can be no such file.
        OSError: it could not be written.
    """
    with Page.at(path) as page:
        wanted = Wanted(reader.fleet, key, exclusions_of(invocation))
        evidence = Evidence(wanted, reader.owner_of, page.add)
        coverage = _covered(invocation, reader, key, evidence)
        page.write(Facts(evidence, coverage.keys, invocation.terminal.clock.now()))
    return coverage


def _not_written(invocation: Invocation, why: str) -> Exit:
    invocation.screen.failure({"command": invocation.options.command, "error": why})
    tell(why)
    return Exit.ERROR


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--kms-key-id", dest="KmsKeyId", metavar="KEY",
        help="count as covered only what is under this key: key ARN, alias ARN, alias/NAME, key id or mrk- id",
    )  # fmt: skip
    parser.add_argument(
        "--names", action="store_true",
        help="name each log group that is not covered: what a fleet has skipped, or AWS refused",
    )  # fmt: skip
    parser.add_argument(
        "--html", type=Path, metavar="FILE",
        help="write the report as a page, too: one file for a browser or for paper, which loads nothing",
    )  # fmt: skip
    parser.add_argument(
        "--exclude", dest="ExcludeLogGroupNames", nargs="+", action="extend", default=[], metavar="PATTERN",
        help="on the page, names that are left alone; * stands for any characters",
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
