"""Tables of Rich, and a progress bar where stderr is a terminal; plain lines into a file or a pipe."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from log_group_kms.cli.doctor.findings import Level
from log_group_kms.cli.findings import CHANGES, Cover
from log_group_kms.cli.progress import in_a_bar, in_lines
from log_group_kms.cli.wording import LABELS, owner_name, scope, share, throttled_calls, totals
from log_group_kms.fleet.plan import Action

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.table import Table

    from log_group_kms.cli.doctor.findings import Checkup
    from log_group_kms.cli.findings import Coverage, Plan, Summary
    from log_group_kms.cli.progress import Progress
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import Place
    from log_group_kms.retry.clock import Clock

#: Rich measures every row before it draws the first: 10,000 take it five seconds.
_MOST_ROWS: Final = 1_000
#: Into a file or a pipe no line is folded; a row there is a line, its cells between tabs.
_WIDE: Final = 1_000
_STYLES: Final = {Action.COMPLIANT: "green", Action.CONFLICT: "red", **dict.fromkeys(CHANGES, "yellow")}

_LEVELS: Final = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}


@dataclass(frozen=True, slots=True)
class _Rows:
    """A table before it is drawn; the header of a column of numbers begins with `#`."""

    columns: tuple[str, ...]
    rows: list[tuple[tuple[str, ...], str]] = field(default_factory=list)

    def add(self, *cells: str, style: str = "") -> None:
        """Add a row."""
        self.rows.append((cells, style))


class TableScreen:
    """Shows tables on stdout.

    Raises:
        ModuleNotFoundError: there is no Rich.
    """

    def __init__(self, clock: Clock) -> None:
        from rich.console import Console  # noqa: PLC0415 - `--json` needs no Rich

        self._clock = clock
        width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDE
        self._out = Console(width=width, highlight=False, markup=False)
        self._err = Console(stderr=True, highlight=False, markup=False)

    def plan(self, plan: Plan) -> None:
        """See `Screen`."""
        shown = plan.log_groups[:_MOST_ROWS] if self._out.is_terminal else plan.log_groups
        table = _Rows(("Log group", "Action", "Key in force", "Owner"))
        for one in shown:
            key = _short(one.key, plan.fleet.place) if one.key else ""
            owner = owner_name(one.owner) if one.owner else ""
            table.add(one.name, LABELS[one.action], key, owner, style=_STYLES.get(one.action, "dim"))
        self._show(table)
        if len(plan.log_groups) > len(shown):
            self._out.print(f"These are the first {_MOST_ROWS:,} of {len(plan.log_groups):,}; --json tells all.")
        self._out.print(scope(plan.fleet))
        self._out.print(f"Key: {plan.key.text}")
        self._out.print(totals(plan))

    def coverage(self, coverage: Coverage) -> None:
        """See `Screen`."""
        keys = _Rows(("Key", "#Log groups"))
        for key, number in coverage.keys.most_common():
            keys.add(key.text, f"{number:,}")
        for cover, name in ((Cover.UNENCRYPTED, "none of yours"), (Cover.RESERVED, "none, reserved for AWS")):
            if coverage.totals[cover]:
                keys.add(name, f"{coverage.totals[cover]:,}", style="dim")
        prefixes = _Rows(("Prefix", "#Log groups", "#Under a key", "#Without"))
        for prefix, covers in sorted(coverage.prefixes.items()):
            numbers = (covers.total(), covers[Cover.ENCRYPTED], covers[Cover.UNENCRYPTED])
            prefixes.add(prefix or "(no slash)", *(f"{number:,}" for number in numbers))
        if coverage.totals:
            self._show(keys)
            self._show(prefixes)
        self._out.print(f"{scope(coverage.fleet)}: {share(coverage.totals)}.")

    def summary(self, summary: Summary) -> None:
        """See `Screen`."""
        table = _Rows(("Log groups", "#"))
        for label, number in (
            ("given back" if summary.command == "release" else "associated", summary.changed),
            ("left without a key", len(summary.unrestored) or None),
            ("had the key already", summary.compliant),
            ("skipped", summary.skipped),
        ):
            if number is not None:
                table.add(label, f"{number:,}")
        self._show(table)
        pace = f", {summary.changed / summary.seconds:.1f} a second" if summary.seconds and summary.changed else ""
        self._out.print(
            f"{scope(summary.fleet)}, for {owner_name(summary.owner)}: {summary.seconds:.0f} s{pace}, "
            f"{throttled_calls(summary.throttled)}."
        )

    def failure(self, failure: dict[str, object]) -> None:
        """See `Screen`: the line on stderr is all."""

    def checkup(self, checkup: Checkup) -> None:
        """See `Screen`; a line each."""
        self._out.print(scope(checkup.fleet))
        for finding in checkup.findings:
            self._out.print(finding.line, style=_LEVELS[finding.verdict.level], soft_wrap=True)

    def progress(self, title: str, total: int | None = None) -> AbstractContextManager[Progress]:
        """See `Screen`."""
        return in_a_bar(self._err, title, total) if self._err.is_terminal else in_lines(self._clock, title, total)

    def _show(self, table: _Rows) -> None:
        if self._out.is_terminal and table.rows:
            self._out.print(_table(table))
            return
        # At once, so that a reader who has seen enough is noticed here.
        for cells, _ in table.rows:
            sys.stdout.write("\t".join(cells).rstrip("\t") + "\n")
            sys.stdout.flush()


def _table(found: _Rows) -> Table:
    """Return it as Rich draws it."""
    from rich import box  # noqa: PLC0415 - `--json` needs no Rich
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in found.columns:
        numbers = column.startswith("#")
        header = column.removeprefix("#") if len(column) > 1 else column
        table.add_column(header, justify="right" if numbers else "left", overflow="fold")
    for cells, style in found.rows:
        table.add_row(*cells, style=style)
    return table


def _short(key: KeyArn, place: Place) -> str:
    """Return the key's id, where it is one of this account and Region."""
    return key.text.removeprefix(f"arn:{place.partition}:kms:{place.region}:{place.account}:key/")
