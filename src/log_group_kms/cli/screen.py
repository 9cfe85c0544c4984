"""What the command line shows: the result on stdout, as tables or as one JSON object, and progress on stderr.

Rich is an extra, which the function does not carry: it is imported when there is a table to draw.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from log_group_kms.cli.findings import CHANGES, Advance, Cover
from log_group_kms.fleet.plan import Action

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.table import Table

    from log_group_kms.cli.findings import Coverage, Plan, Summary
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import Fleet, Place
    from log_group_kms.retry.clock import Clock

#: Seconds between two lines of progress where there is no terminal.
_BETWEEN_LINES: Final = 10.0
#: Rich measures every row before it draws the first: 10,000 take it five seconds.
_MOST_ROWS: Final = 1_000
#: Into a file or a pipe no line is folded.
_WIDE: Final = 1_000

#: What stands in the plan's table: what would be done, or why not.
_LABELS: Final = {
    Action.ASSOCIATE: "associate",
    Action.REKEY: "re-key",
    Action.TAKE_OVER: "take over",
    Action.COMPLIANT: "compliant",
    Action.KEEP: "skip (another key)",
    Action.CONFLICT: "refuse (another key)",
    Action.LEAVE: "skip (owned)",
    Action.RESERVED: "skip (reserved for AWS)",
    Action.EXCLUDED: "skip (excluded)",
}
_STYLES: Final = {Action.COMPLIANT: "green", Action.CONFLICT: "red", **dict.fromkeys(CHANGES, "yellow")}


class Screen(Protocol):
    """Where a command shows what it finds and does."""

    def plan(self, plan: Plan) -> None:
        """The result of `plan`."""

    def coverage(self, coverage: Coverage) -> None:
        """The result of `report`."""

    def summary(self, summary: Summary) -> None:
        """The result of `apply` and `release`."""

    def advance(self, title: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """Progress while the block runs; of a *total*, where that is known."""


class JsonScreen:
    """One JSON object on stdout; no Rich."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def plan(self, plan: Plan) -> None:
        """See `Screen`."""
        self._print(plan.as_json())

    def coverage(self, coverage: Coverage) -> None:
        """See `Screen`."""
        self._print(coverage.as_json())

    def summary(self, summary: Summary) -> None:
        """See `Screen`."""
        self._print(summary.as_json())

    def advance(self, title: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """See `Screen`."""
        return _in_lines(self._clock, title, total)

    def _print(self, value: dict[str, object]) -> None:
        print(json.dumps(value, indent=2), flush=True)


class TableScreen:
    """Tables, and a progress bar where stderr is a terminal.

    Raises:
        ModuleNotFoundError: there is no Rich.
    """

    def __init__(self, clock: Clock) -> None:
        from rich.console import Console  # noqa: PLC0415 - an extra

        self._clock = clock
        width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDE
        self._out = Console(width=width, highlight=False, markup=False)
        self._err = Console(stderr=True, highlight=False, markup=False)

    def plan(self, plan: Plan) -> None:
        """See `Screen`."""
        table = _table("Log group", "Action", "Key in force", "Owner")
        for one in plan.log_groups[:_MOST_ROWS]:
            key = _short(one.key, plan.fleet.place) if one.key else ""
            owner = whose(one.owner) if one.owner else ""
            table.add_row(one.name, _LABELS[one.action], key, owner, style=_STYLES.get(one.action, "dim"))
        if plan.log_groups:
            self._out.print(table)
        if len(plan.log_groups) > _MOST_ROWS:
            self._out.print(f"These are the first {_MOST_ROWS:,} of {len(plan.log_groups):,}; --json tells all.")
        self._out.print(f"{_where(plan.fleet)}")
        self._out.print(f"Key: {plan.key.text}")
        self._out.print(totals(plan))

    def coverage(self, coverage: Coverage) -> None:
        """See `Screen`."""
        keys = _table("Key", "#Log groups")
        for key, number in coverage.keys.most_common():
            keys.add_row(key.text, f"{number:,}")
        for cover, name in ((Cover.UNENCRYPTED, "none of yours"), (Cover.RESERVED, "none, reserved for AWS")):
            if coverage.totals[cover]:
                keys.add_row(name, f"{coverage.totals[cover]:,}", style="dim")
        prefixes = _table("Prefix", "#Log groups", "#Under a key", "#Without")
        for prefix, covers in sorted(coverage.prefixes.items()):
            numbers = (covers.total(), covers[Cover.ENCRYPTED], covers[Cover.UNENCRYPTED])
            prefixes.add_row(prefix or "(no slash)", *(f"{number:,}" for number in numbers))
        if coverage.totals:
            self._out.print(keys)
            self._out.print(prefixes)
        self._out.print(f"{_where(coverage.fleet)}: {_share(coverage.totals)}.")

    def summary(self, summary: Summary) -> None:
        """See `Screen`."""
        table = _table("Log groups", "#")
        for label, number in (
            ("given back" if summary.command == "release" else "associated", summary.changed),
            ("left without a key", len(summary.unrestored) or None),
            ("had the key already", summary.compliant),
            ("skipped", summary.skipped),
        ):
            if number is not None:
                table.add_row(label, f"{number:,}")
        self._out.print(table)
        pace = f", {summary.changed / summary.seconds:.1f} a second" if summary.seconds and summary.changed else ""
        self._out.print(
            f"{_where(summary.fleet)}, for {whose(summary.owner)}: {summary.seconds:.0f} s{pace}, "
            f"{_refused(summary.throttled)}."
        )

    def advance(self, title: str, total: int | None = None) -> AbstractContextManager[Advance]:
        """See `Screen`."""
        return self._in_a_bar(title, total) if self._err.is_terminal else _in_lines(self._clock, title, total)

    @contextmanager
    def _in_a_bar(self, title: str, total: int | None) -> Iterator[Advance]:
        with _bar(self._err) as bar:
            task = bar.add_task(title, total=total, rate="", refused="")
            yield Advance(lambda advance: _show_in(bar, task, advance))


def told(text: str) -> None:
    """A sentence on stderr."""
    print(text, file=sys.stderr, flush=True)


def totals(plan: Plan) -> str:
    """What a plan comes to, in two lines."""
    counted = {action: f"{plan.counts[action]:,} {_LABELS[action]}" for action in Action if plan.counts[action]}
    changes = ", ".join(text for action, text in counted.items() if action in CHANGES)
    left = ", ".join(text for action, text in counted.items() if action not in CHANGES)
    return f"To change: {changes or 'none'}\nTo leave as they are: {left or 'none'}"


@contextmanager
def _in_lines(clock: Clock, title: str, total: int | None) -> Iterator[Advance]:
    """A line now and then."""
    lines = _Lines(clock, title, total)
    yield Advance(lines.show)


class _Lines:
    def __init__(self, clock: Clock, title: str, total: int | None) -> None:
        self._clock = clock
        self._title = title
        self._total = total
        self._begun = self._last = clock.now()
        self._lock = threading.Lock()

    def show(self, advance: Advance) -> None:
        """Called by a signal once it is *stopping*: nothing may be locked or printed then."""
        if advance.stopping:
            return
        with self._lock:
            now = self._clock.now()
            if now - self._last < _BETWEEN_LINES:
                return
            self._last = now
        told(self._line(advance, now - self._begun))

    def _line(self, advance: Advance, seconds: float) -> str:
        done = advance.changed or advance.seen
        rate = done / seconds
        if self._total is None or not rate:
            return f"{self._title}: {done:,}, {rate:.1f} a second{_refusals(advance)}"
        left = _duration(max(0, self._total - done) / rate)
        return f"{self._title}: {done:,} of {self._total:,}, {rate:.1f} a second, {left} left{_refusals(advance)}"


def _bar(console: Console) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[refused]}"),
        console=console,
    )


def _show_in(bar: Progress, task: TaskID, advance: Advance) -> None:
    speed = bar.tasks[task].speed
    bar.update(
        task,
        completed=advance.changed or advance.seen,
        rate=f"{speed:.1f} a second" if speed else "",
        refused=_refusals(advance).removeprefix(", "),
        description="Stopping" if advance.stopping else bar.tasks[task].description,
    )


def _table(*columns: str) -> Table:
    """An empty one; a column of numbers begins with `#`."""
    from rich import box  # noqa: PLC0415 - an extra
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        numbers = column.startswith("#")
        header = column.removeprefix("#") if len(column) > 1 else column
        table.add_column(header, justify="right" if numbers else "left", overflow="fold")
    return table


def _where(fleet: Fleet) -> str:
    which = f"log groups {fleet.prefix}*" if fleet.prefix else "every log group"
    return f"Account {fleet.place.account}, {fleet.place.region}, {which}"


def _share(counts: Counter[Cover]) -> str:
    encrypted, without, reserved = (counts[cover] for cover in Cover)
    counted = encrypted + without
    if not counted:
        return "there is no log group"
    told = f"{encrypted:,} of {counted:,} under a customer managed key ({encrypted / counted:.0%}), {without:,} without"
    return f"{told}; {reserved:,} more reserved for AWS" if reserved else told


def _short(key: KeyArn, place: Place) -> str:
    """The key's id, where it is one of this account and Region."""
    return key.text.removeprefix(f"arn:{place.partition}:kms:{place.region}:{place.account}:key/")


def whose(owner: Owner) -> str:
    """The resource as its stack's template names it; the tag tells more."""
    if owner.is_command_line:
        return "the command line"
    kind, _, resource = owner.text.partition(":")
    stack, _, rest = resource.partition("/")
    logical_id = rest.rpartition("/")[2]
    return f"{logical_id} of stack {stack}" + (" (fleet)" if kind == "fleet" else "")


def _refusals(advance: Advance) -> str:
    """Only changes are held against a quota that others share."""
    return "" if advance.seen else f", {_refused(advance.throttled)}"


def _refused(calls: int) -> str:
    return "1 call refused for the quota" if calls == 1 else f"{calls:,} calls refused for the quota"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
