"""The page of `report --html`: one file that shows all by itself, on a screen and on paper, in any browser.

It loads nothing, runs no script, and says so to the browser. What is not covered is written down as it is found, so
that a hundred thousand log groups take no more memory than ten.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import IO, TYPE_CHECKING, Final

from log_group_kms.cli.evidence import Cause
from log_group_kms.cli.wording import owner_name
from log_group_kms.version import VERSION

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from log_group_kms.cli.evidence import Evidence, Uncovered
    from log_group_kms.model.keys import KeyArn

#: Each at least 4.5 to 1 against white (WCAG 2.2, 1.4.3 and 1.4.11).
_COLOURS: Final = {
    Cause.COVERED: "#1a7f37",
    Cause.WITHOUT_KEY: "#b42318",
    Cause.OTHER_KEY: "#b54708",
    Cause.OWNED: "#6941c6",
    Cause.EXCLUDED: "#475467",
    Cause.RESERVED: "#667085",
}
#: In pixels, of the chart. Its longest bar has this width; one that stands for any log group at all can be seen.
_WIDTH, _LABELS, _BAR, _ROW, _SLIVER = 760, 210, 450, 30, 2

_STYLE: Final = """\
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #101828; background: #fff; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem; margin: 1rem 0; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
.share { font-size: 1.3rem; font-weight: 600; }
figure { margin: 1rem 0; } svg { width: 100%; height: auto; }
svg text { font: 14px system-ui, sans-serif; fill: #101828; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; margin-bottom: .4rem; color: #344054; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #d0d5dd;
  overflow-wrap: anywhere; }
thead th { border-bottom: 2px solid #101828; } tbody th { font-weight: 400; }
table.rows { table-layout: fixed; font-size: .9rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
footer { margin-top: 2.5rem; color: #344054; font-size: .9rem; }
@media print {
  @page { margin: 15mm; }
  body { font-size: 10pt; max-width: none; margin: 0; padding: 0; }
  thead { display: table-header-group; } tr, figure { break-inside: avoid; } h2 { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""


class NoFolderError(Exception):
    """There can be no such file; the text says why."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page says beside what it counts.

    Attributes:
        evidence: what was judged, and against what.
        keys: how many log groups are under which key.
        taken_at: when the listing was complete, in seconds since the epoch.
    """

    evidence: Evidence
    keys: Counter[KeyArn]
    taken_at: float


class Page:
    """A page at work: rows go into a file of their own until it is known what stands before them."""

    def __init__(self, path: Path, rows: IO[str]) -> None:
        self._path = path
        self._rows = rows
        self._written = 0

    @classmethod
    @contextmanager
    def at(cls, path: Path) -> Iterator[Page]:
        """Begin the page that will be at *path*; nothing is there before it is complete.

        Raises:
            NoFolderError: there can be no such file.
        """
        if path.is_dir() or not os.access(path.parent, os.W_OK):
            raise NoFolderError(f"{path}: it is a folder, or is in none that can be written")
        with tempfile.TemporaryFile("w+", encoding="utf-8") as rows:
            yield cls(path, rows)

    def add(self, found: Uncovered) -> None:
        """Write the row of a log group that is not covered."""
        self._written += 1
        key = found.key.text if found.key else "none"
        owner = owner_name(found.owner) if found.owner else ""
        cells = "".join(f"<td>{escape(text)}</td>" for text in (found.cause.value, key, owner))
        self._rows.write(f'<tr><th scope="row">{escape(found.name)}</th>{cells}</tr>\n')

    def write(self, facts: Facts) -> None:
        """Write the whole page, in place of any that was there.

        Raises:
            OSError: it could not be written, as on a full disk.
        """
        unfinished = self._path.with_name(f"{self._path.name}.part")
        try:
            with unfinished.open("w", encoding="utf-8") as out:
                out.writelines(_before(facts))
                if self._written:
                    out.write(_HEAD_OF_ROWS)
                    self._rows.seek(0)
                    shutil.copyfileobj(self._rows, out)
                    out.write("</tbody>\n</table>\n")
                else:
                    out.write("<p>None.</p>\n")
                out.write(_after(facts))
            unfinished.replace(self._path)
        except OSError:
            with suppress(OSError):
                unfinished.unlink()
            raise


_HEAD_OF_ROWS: Final = """\
<table class="rows">
<colgroup><col style="width: 32%"><col style="width: 18%"><col style="width: 34%"><col style="width: 16%"></colgroup>
<thead><tr><th scope="col">Log group</th><th scope="col">Cause</th><th scope="col">Key in force</th>\
<th scope="col">Owner</th></tr></thead>
<tbody>
"""


def _before(facts: Facts) -> Iterator[str]:
    """Yield all that stands before the rows."""
    wanted, counts = facts.evidence.wanted, facts.evidence.counts
    place = wanted.fleet.place
    title = f"Log groups under KMS keys: account {place.account}, {place.region}"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    yield (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>CloudWatch Logs log groups under KMS keys</h1>\n<dl>\n"
    )
    facts_told = {
        "Account": place.account,
        "Region": place.region,
        "Log groups": f"names that begin with {wanted.fleet.prefix}" if wanted.fleet.prefix else "all",
        "Excluded": ", ".join(wanted.exclude.patterns) or "none",
        "Key": wanted.key.text if wanted.key else "any customer managed key",
        "Date": f"{datetime.fromtimestamp(facts.taken_at, tz=UTC):%Y-%m-%d %H:%M:%S} UTC",
        "Version": f"log-group-kms {VERSION}",
    }
    yield from (f"<dt>{name}</dt><dd>{escape(text)}</dd>\n" for name, text in facts_told.items())
    yield "</dl>\n</header>\n<main>\n<section>\n<h2>Coverage</h2>\n"
    yield f'<p class="share">{_share(counts)}</p>\n{_chart(counts)}{_causes(counts)}</section>\n'
    yield f"<section>\n<h2>Keys in force</h2>\n{_keys(facts.keys)}</section>\n"
    yield "<section>\n<h2>Log groups that are not covered</h2>\n"


def _after(facts: Facts) -> str:
    unknown = (
        "<p>Owners are not told: the caller may not read the log groups' tags "
        "(<code>logs:ListTagsForResource</code>).</p>\n"
        if facts.evidence.owners_unknown
        else ""
    )
    return (
        f"{unknown}</section>\n</main>\n<footer>\n<p>Written by <code>log-group-kms report</code> from what "
        "DescribeLogGroups lists. It tells which key new log events are encrypted with; those of before a change stay "
        "under the key that was in force when they came.</p>\n</footer>\n</body>\n</html>\n"
    )


def _share(counts: Counter[Cause]) -> str:
    """Return how many are covered of those that can be; rounded down, so that 100 % means all."""
    can_be = counts.total() - counts[Cause.RESERVED]
    if not can_be:
        return "There is no log group that could be put under a key."
    covered = counts[Cause.COVERED]
    return f"{covered:,} of {can_be:,} log groups covered ({1000 * covered // can_be / 10:g} %)"


def _chart(counts: Counter[Cause]) -> str:
    """Return the bars by cause; each says its number beside it, so that no colour has to be told from another."""
    most = max(counts.values(), default=0)
    told = "; ".join(f"{cause.value}: {counts[cause]:,}" for cause in Cause)
    height = _ROW * len(Cause)
    bars = []
    for row, cause in enumerate(Cause):
        number = counts[cause]
        length = max(_SLIVER, round(_BAR * number / most)) if number else 0
        top, middle = row * _ROW + 5, row * _ROW + 20
        bars.append(
            f'<text x="{_LABELS - 12}" y="{middle}" text-anchor="end">{cause.value}</text>'
            f'<rect x="{_LABELS}" y="{top}" width="{length}" height="{_ROW - 10}" fill="{_COLOURS[cause]}"/>'
            f'<text x="{_LABELS + length + 8}" y="{middle}">{number:,}</text>\n'
        )
    return (
        f'<figure>\n<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="chart-title chart-desc">\n'
        f'<title id="chart-title">Log groups by cause</title>\n<desc id="chart-desc">{escape(told)}</desc>\n'
        f"{''.join(bars)}</svg>\n<figcaption>Log groups by cause. The table has the same numbers.</figcaption>\n"
        "</figure>\n"
    )


def _causes(counts: Counter[Cause]) -> str:
    total = counts.total()
    rows = "".join(
        f'<tr><th scope="row">{cause.value[0].upper()}{cause.value[1:]}</th>'
        f'<td class="number">{counts[cause]:,}</td><td class="number">{_percent(counts[cause], total)}</td></tr>\n'
        for cause in Cause
    )
    return (
        f'<table>\n<thead><tr><th scope="col">Cause</th><th scope="col" class="number">Log groups</th>'
        f'<th scope="col" class="number">Share</th></tr></thead>\n<tbody>\n{rows}</tbody>\n'
        f'<tfoot><tr><th scope="row">All</th><td class="number">{total:,}</td><td></td></tr></tfoot>\n</table>\n'
    )


def _percent(number: int, total: int) -> str:
    return f"{100 * number / total:.1f} %" if total else ""


def _keys(keys: Counter[KeyArn]) -> str:
    if not keys:
        return "<p>None.</p>\n"
    rows = "".join(
        f'<tr><th scope="row">{escape(key.text)}</th><td class="number">{number:,}</td></tr>\n'
        for key, number in keys.most_common()
    )
    return (
        '<table>\n<thead><tr><th scope="col">Key</th><th scope="col" class="number">Log groups</th></tr></thead>\n'
        f"<tbody>\n{rows}</tbody>\n</table>\n"
    )
