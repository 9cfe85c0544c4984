"""`report --html` over a hundred thousand log groups: the pace of the pages, and flat memory.

The command is the real one, in a process of its own, and AWS is the embedded one. It reads 4 pages of 50 a second, as
DescribeLogGroups allows 10 calls a second that others share.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.report import Section, Table
from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import make_log_groups
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS

if TYPE_CHECKING:
    from benchmarks.bench import Bench

FEW, MANY = 1_000, 100_000
#: One in so many is under no key, and one in twice as many under another.
_UNCOVERED: Final = 10
#: What DescribeLogGroups shows at once.
_PAGE: Final = 50
_MIB: Final = 2**20
_SOURCES: Final = Path(__file__).parents[1] / "src"
#: Tells its own peak: what the system counts for a child begins with what its parent had.
_COMMAND: Final = """
import sys
from log_group_kms.cli.main import main
code = main(sys.argv[1:])
print(open("/proc/self/status").read(), file=sys.stderr)
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Reported:
    """One run of the command.

    Attributes:
        log_groups: how many there were.
        pages: the calls of DescribeLogGroups.
        others: all other calls.
        seconds: from its start to its end.
        peak: its largest resident size, in bytes.
        size: of the page, in bytes.
        rows: how many log groups the page names.
    """

    log_groups: int
    pages: int
    others: int
    seconds: float
    peak: int
    size: int
    rows: int

    @property
    def limit(self) -> float:
        """The seconds that the pages take at the command's own pace."""
        return self.pages / DEFAULT_RATE_LIMITS.pages


def measure(bench: Bench) -> Section:
    """A thousand, and a hundred times as many."""
    few, many = reported(FEW), reported(FEW * 3 if bench.short else MANY)
    table = Table(
        (
            "Log groups",
            "DescribeLogGroups",
            "Other calls",
            "Wall over pages / pace",
            "Peak memory",
            "Named on the page",
        ),
        tuple(
            (
                f"{one.log_groups:,}",
                f"{one.pages:,}",
                f"{one.others:,}",
                f"{one.seconds / one.limit:.2f} ({one.seconds:,.0f} s)",
                f"{one.peak / _MIB:.0f} MiB",
                f"{one.rows:,} ({one.size / _MIB:.1f} MiB)",
            )
            for one in (few, many)
        ),
    )
    notes = (
        f"Memory grows by {(many.peak - few.peak) / _MIB:.1f} MiB.",
        f"The pace is {DEFAULT_RATE_LIMITS.pages:g} pages a second, of a quota of 10 for account and Region.",
    )
    asked = (
        "`log-group-kms report --html` without `--kms-key-id`, in a process of its own: how close to the pace of pages"
        " it comes, and its largest resident size."
    )
    return Section("A report", asked, (table,), notes)


def reported(log_groups: int) -> Reported:
    """Run the command over so many log groups, of which one in ten is under no key."""
    names = [f"/app/{number // 100:04d}/{number:06d}" for number in range(log_groups)]
    with EmbeddedAws.start() as aws, tempfile.TemporaryDirectory() as folder:
        make_log_groups(aws, names[::_UNCOVERED])
        make_log_groups(aws, [name for place, name in enumerate(names) if place % _UNCOVERED], keys.create(aws))
        aws.direction.forget_calls()
        page = Path(folder) / "report.html"
        seconds, peak = _run(page, {**os.environ, **aws.environment, "PYTHONPATH": str(_SOURCES)})
        calls = aws.direction.counts()
        return Reported(
            log_groups,
            calls["logs:DescribeLogGroups"],
            calls.total() - calls["logs:DescribeLogGroups"],
            seconds,
            peak,
            page.stat().st_size,
            page.read_text().count('<tr><th scope="row">/app/'),
        )


def _run(page: Path, environment: dict[str, str]) -> tuple[float, int]:
    """Return how long it took, and its largest resident size; it finds log groups without a key."""
    command = [sys.executable, "-c", _COMMAND, "report", "--json", "--html", str(page)]
    begun = time.monotonic()
    ran = subprocess.run(  # noqa: S603 - our own words
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if ran.returncode != 3:  # noqa: PLR2004 - the exit code for what was found
        raise RuntimeError(ran.stderr)
    return time.monotonic() - begun, int(ran.stderr.rpartition("VmHWM:")[2].split()[0]) * 1024
