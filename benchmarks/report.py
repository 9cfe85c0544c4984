"""What a question gives, and how all of them become one page: `RESULTS.md`, with plots beside it."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.plot import Plot, drawn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

RESULTS: Final = "RESULTS.md"
#: What a spread leaves out on either side, of 4 parts.
_QUARTILES: Final = 4


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as they are to be read."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As a table of Markdown."""
        rules = tuple("---" for _ in self.header)
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.header, rules, *self.rows))


@dataclass(frozen=True, slots=True)
class Section:
    """The answer to one question.

    Attributes:
        title: the question in a word or two.
        asked: what is measured, and how.
        tables: the figures.
        notes: what must be known to read them.
        plots: where looking is easier than reading.
    """

    title: str
    asked: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()

    def markdown(self) -> str:
        """As a part of the page."""
        return "\n\n".join(self._parts())

    def _parts(self) -> Iterator[str]:
        yield f"## {self.title}"
        yield self.asked
        yield from (f"![{plot.title}]({plot.file_name})" for plot in self.plots)
        yield from (table.markdown() for table in self.tables)
        if self.notes:
            yield "\n".join(f"- {note}" for note in self.notes)


def write(sections: Sequence[Section], folder: Path, *, short: bool, tried: str = "") -> Path:
    """Write the page and its plots into *folder*; the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for section in sections:
        for plot in section.plots:
            (folder / plot.file_name).write_text(drawn(plot))
    page = folder / RESULTS
    parts = [_head(short=short), *(section.markdown() for section in sections), *([tried] if tried else [])]
    page.write_text("\n\n".join(parts) + "\n")
    return page


def _head(*, short: bool) -> str:
    lines = [
        "# Results",
        (
            "Written by `make bench`; not to be edited. All figures of a table are of one run on one machine, its"
            " contenders taken in turns. Ratios and counts travel to other machines; seconds do not."
        ),
        f"{datetime.now(UTC):%Y-%m-%d}, {machine()}.",
    ]
    if short:
        lines.append("**The short form: a few rounds, to see that it runs. Its figures mean nothing.**")
    return "\n\n".join(lines)


def machine() -> str:
    """What the run ran on."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("boto3", "botocore", "urllib3", "crhelper"))
    return (
        f"{os.cpu_count()} cores ({_processor()}), {_memory_gib():.0f} GiB, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, {packages}; load of the machine at the end: {os.getloadavg()[0]:.1f}"
    )


def _processor() -> str:
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or sys.platform


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def median(values: Iterable[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def milliseconds(values: Sequence[float]) -> str:
    """The median of *values*, which are seconds."""
    return f"{median(values) * 1000:,.0f} ms"


def spread(values: Sequence[float], scale: float = 1000, unit: str = "ms") -> str:
    """The middle half of *values*; all of them, where there are few."""
    if len(values) < _QUARTILES:
        low, high = min(values), max(values)
    else:
        low, _, high = statistics.quantiles(values, n=_QUARTILES)
    digits = 0 if scale * high >= 10 else 1  # noqa: PLR2004 - two digits are enough
    return f"{low * scale:,.{digits}f} to {high * scale:,.{digits}f} {unit}"


def ratio(values: Sequence[float], beside: Sequence[float]) -> str:
    """The median of the ratios of each round: a busy moment meets both sides of one."""
    return f"{median(one / other for one, other in zip(values, beside, strict=True)):.2f}"
