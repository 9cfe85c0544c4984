"""`report`: which log groups are under which key."""

from __future__ import annotations

from contextlib import ExitStack
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
    from collections.abc import Iterable

    from log_group_kms.cli.command import Invocation
    from log_group_kms.fleet.reader import FleetReader
    from log_group_kms.model.results import Listed
    from log_group_kms.model.targets import Fleet


def report(invocation: Invocation) -> Exit:
    """Show which log groups are under which key, from the listing alone; and write that as a page, if asked."""
    fleet = fleet_of(invocation)
    reader = reader_of(invocation, fleet)
    with invocation.screen.progress("Looking") as progress:
        listing = progress.count_each(reader.every_page())
        path = invocation.options.html
        try:
            coverage = _on_a_page(invocation, path, reader, listing) if path else Coverage.of(fleet, listing)
        except BrokenPipeError:
            raise  # of stderr or stdout: `main` knows what to do
        except OSError as failed:
            return _not_written(invocation, f"{path} could not be written: {failed.strerror}")
    if not coverage.totals:
        warn_of_nothing(invocation, fleet)
    invocation.screen.coverage(coverage)
    if path:
        tell(f"The page is {path}")
    return Exit.FOUND if coverage.totals[Cover.UNENCRYPTED] else Exit.DONE


def _on_a_page(invocation: Invocation, path: Path, reader: FleetReader, listing: Iterable[Listed]) -> Coverage:
    """Return the coverage that a *listing* shows, and write the page of it."""
    fleet: Fleet = reader.fleet
    wanted = Wanted(fleet, key_of(invocation), exclusions_of(invocation))
    with ExitStack() as opened:
        try:
            page = opened.enter_context(Page.at(path))
            evidence = Evidence(wanted, reader.claim_on, page.add)
            coverage = Coverage.of(fleet, evidence.watching(listing))
            page.write(Facts(evidence, coverage.keys, invocation.terminal.clock.now()))
        except NoFolderError as wrong:
            raise Misuse(f"--html {wrong}") from None
    return coverage


def _not_written(invocation: Invocation, why: str) -> Exit:
    invocation.screen.failure({"command": invocation.options.command, "error": why})
    tell(why)
    return Exit.ERROR


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--html", type=Path, metavar="FILE",
        help="write the report as a page, too: one file for a browser or for paper, which loads nothing",
    )  # fmt: skip
    parser.add_argument(
        "--kms-key-id", dest="KmsKeyId", metavar="KEY",
        help="on the page, only what is under this key is covered: key ARN, alias ARN, alias/NAME, key id or mrk- id",
    )  # fmt: skip
    parser.add_argument(
        "--exclude", dest="ExcludeLogGroupNames", nargs="+", action="extend", default=[], metavar="PATTERN",
        help="on the page, names that are left alone; * stands for any characters",
    )  # fmt: skip


REPORT = Command(
    "report", "show which log groups are under which key; changes nothing", report, add_options=_add_options
)
