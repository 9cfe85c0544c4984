"""What people run for fleets today, at the same quota."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.fleet import FACTOR
from benchmarks.peers import cloud_custodian
from benchmarks.report import Section, Table
from local.emulator.quotas import PER_SECOND

if TYPE_CHECKING:
    from benchmarks.bench import Bench

LOG_GROUPS: Final = 2000
#: AssociateKmsKey calls a second; every other call is held at as many times AWS's quota.
QUOTA: Final = PER_SECOND["logs:AssociateKmsKey"] * FACTOR

_ASKED: Final = (
    "Cloud Custodian's `set-encryption` on every log group of an account without a key, where AWS takes"
    f" {QUOTA:.0f} AssociateKmsKey calls a second, ten times its quota as for the fleet above, and of all other calls"
    " ten times as many as well. It has no clock to hasten."
)
_HEADER: Final = (
    "Log groups",
    "Wall over log groups / quota",
    "Calls",
    "Refused",
    "Encrypted",
    "Said it had succeeded",
)


def measure(bench: Bench) -> Section:
    """One run; none in the short form, for which nothing is installed."""
    row: tuple[str, ...] = ("",) * len(_HEADER)
    note = "Not run in the short form."
    if not bench.short:
        try:
            row, note = _row(cloud_custodian.run(LOG_GROUPS, FACTOR)), _NOTE
        except cloud_custodian.NotInstalledError as why:
            note = f"Not measured here: {why}"
    return Section("A fleet by Cloud Custodian", _ASKED, (Table(_HEADER, (row,)),), (note,))


_NOTE: Final = (
    "It calls one log group after the other, with boto3's retries. It writes no tags and reads nothing back, so that"
    " nothing tells what key was there before; log groups that are made later wait for its next run."
)


def _row(ran: cloud_custodian.Ran) -> tuple[str, ...]:
    share = f"{ran.seconds / (LOG_GROUPS / QUOTA):.2f}"
    refused = f"{ran.refused:,} ({ran.refused / ran.calls:.1%})"
    return f"{LOG_GROUPS:,}", share, f"{ran.calls:,}", refused, f"{ran.encrypted:,}", "Yes" if ran.succeeded else "No"
