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
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from rich.table import Table

    from log_group_kms.cli.doctor.findings import Checkup
    from log_group_kms.cli.findings import Coverage, Plan, Summary
    from log_group_kms.cli.progress import Progress
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.results import Listed
    from log_group_kms.model.targets import Place
    from log_group_kms.retry.clock import Clock

#: Rich measures every row before it draws the first: 10,000 take it five seconds.
_MOST_ROWS: Final = 1_000
#: No column gets narrower: so many characters tell keys apart.
_NARROWEST: Final = 9
#: So many names follow a summary.
_MOST_NAMES: Final = 20
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
        if coverage.uncovered:
            self._name(coverage, coverage.uncovered)
        self._out.print(f"{scope(coverage.fleet)}: {share(coverage.totals)}.")
        if coverage.key:
            self._out.print(f"Under another key than {coverage.key.text}: {coverage.others:,}.")

    def summary(self, summary: Summary) -> None:
        """See `Screen`."""
        table = _Rows(("Log groups", "#"))
        for label, number in (
            ("given back" if summary.command == "release" else "associated", summary.changed),
            ("refused by AWS", len(summary.refused) or None),
            ("left without a key", len(summary.unrestored) or None),
            ("had the key already", summary.compliant),
            ("skipped", summary.skipped),
        ):
            if number is not None:
                table.add(label, f"{number:,}")
        self._show(table)
        if summary.not_held:
            who = owner_name(summary.owner)
            self._out.print(f"Left as they are, for they are under the same key but {who} does not hold them:")
            self._list([f"  {name}" for name in summary.not_held])
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

    def _name(self, coverage: Coverage, uncovered: Sequence[Listed]) -> None:
        """Show each log group that is not covered, and why."""
        table = _Rows(("Not covered", "Key in force"))
        for listed in uncovered[:_MOST_ROWS] if self._out.is_terminal else uncovered:
            none = "none" if coverage.fleet.log_group(listed.name) else "none, reserved for AWS"
            table.add(listed.name, _short(listed.key, coverage.fleet.place) if listed.key else none)
        self._show(table)
        if self._out.is_terminal and len(uncovered) > _MOST_ROWS:
            self._out.print(f"These are the first {_MOST_ROWS:,} of {len(uncovered):,}; --json tells all.")

    def _list(self, lines: Sequence[str]) -> None:
        shown = lines[:_MOST_NAMES] if self._out.is_terminal else lines
        for line in shown:
            self._out.print(line, soft_wrap=True)
        if len(shown) < len(lines):
            self._out.print(f"  … and {len(lines) - len(shown):,} more; --json tells all.")

    def _show(self, table: _Rows) -> None:
        if self._out.is_terminal and table.rows:
            self._out.print(_table(table, self._out.width))
            return
        # At once, so that a reader who has seen enough is noticed here.
        for cells, _ in table.rows:
            sys.stdout.write("\t".join(cells).rstrip("\t") + "\n")
            sys.stdout.flush()


def _table(found: _Rows, width: int) -> Table:
    """Return it as Rich draws it; the first column, the name, keeps its room before the others."""
    # `--json` needs no Rich.
    from rich import box  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    room = _room(found, width)
    for column, most in zip(found.columns, room, strict=True):
        numbers = column.startswith("#")
        header = column.removeprefix("#") if len(column) > 1 else column
        table.add_column(
            header,
            justify="right" if numbers else "left",
            overflow="fold" if most is None else "ellipsis",
            no_wrap=most is not None,
            max_width=most,
        )
    for cells, style in found.rows:
        table.add_row(*cells, style=style)
    return table


def _room(found: _Rows, width: int) -> list[int | None]:
    """Return how wide each column may be; None for as wide as it is. Keys and owners are shortened."""
    widths = [
        max(len(column.removeprefix("#")), *(len(cells[place]) for cells, _ in found.rows))
        for place, column in enumerate(found.columns)
    ]
    # Rich puts a space on either side of each column but at the edges, and a line before, between and after them.
    missing = sum(widths) + 3 * (len(widths) - 1) + 2 - width
    room: list[int | None] = [None] * len(widths)
    for place in reversed(range(2, len(widths))):
        if missing <= 0:
            break
        room[place] = max(_NARROWEST, widths[place] - missing)
        missing -= widths[place] - (room[place] or 0)
    return room


def _short(key: KeyArn, place: Place) -> str:
    """Return the key's id, where it is one of this account and Region."""
    return key.text.removeprefix(f"arn:{place.partition}:kms:{place.region}:{place.account}:key/")
