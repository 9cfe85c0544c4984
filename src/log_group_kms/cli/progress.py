"""Progress on stderr: counted by the threads that make it, shown as a bar, or as a line now and then."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from log_group_kms.cli.terminal import tell
from log_group_kms.cli.wording import duration, throttled_calls
from log_group_kms.fleet.checkpoint import CHANGED, Fate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from log_group_kms.retry.clock import Clock

    T = TypeVar("T")

#: Seconds between two lines where there is no terminal.
_BETWEEN_LINES: Final = 10.0


@dataclass(slots=True)
class Progress:
    """The steps that a command has done; several threads may count.

    Attributes:
        show: is called after each step.
        changed: how many log groups were changed.
        seen: how many were looked at, where that is all there is to do.
        throttled: how many calls AWS refused because of the quota.
        stopping: True after Ctrl-C.
        unrestored: the log groups that are left without a key, each with the reason.
        put_aside: why a log group could not be changed at once, by its name.
        refused: the single log groups that AWS refused, each with its words.
    """

    show: Callable[[Progress], None]
    changed: int = 0
    seen: int = 0
    throttled: int = 0
    stopping: bool = False
    unrestored: list[tuple[str, str]] = field(default_factory=list)
    put_aside: dict[str, str] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count_visit(self, name: str, fate: Fate, why: str) -> None:
        """Count a log group that was visited, by its *fate*."""
        if fate in (Fate.BUSY, Fate.REFUSED):
            with self._lock:
                self.put_aside[name] = why
                if fate is Fate.REFUSED:
                    self.refused.append((name, why))
        if fate not in (*CHANGED, Fate.RELEASED, Fate.UNRESTORED):
            return
        with self._lock:
            self.changed += 1
            if fate is Fate.UNRESTORED:
                self.unrestored.append((name, why))
        self.show(self)

    def count_each(self, items: Iterable[T]) -> Iterator[T]:
        """Yield *items*, and count each as looked at."""
        for item in items:
            yield item
            self.seen += 1
            self.show(self)

    def count_all(self, items: Iterable[object]) -> int:
        """Count *items* as looked at, and return how many they are."""
        return sum(1 for _ in self.count_each(items))

    def count_throttled(self) -> None:
        """Count a call that was throttled."""
        with self._lock:
            self.throttled += 1
        self.show(self)

    def stop(self) -> None:
        """Show that nothing more is begun; called by a signal, so it takes no lock that it may hold already."""
        self.stopping = True
        self.show(self)


@contextmanager
def in_lines(clock: Clock, title: str, total: int | None = None, every: float = _BETWEEN_LINES) -> Iterator[Progress]:
    """Show progress as a line *every* so many seconds, also where nothing moves."""
    lines = _Lines(clock, title, total, every)
    progress = Progress(lines.show)
    done = threading.Event()

    def show_now_and_then() -> None:
        while not done.wait(every):
            lines.show(progress)

    shower = threading.Thread(target=show_now_and_then, daemon=True)
    shower.start()
    try:
        yield progress
    finally:
        done.set()
        shower.join()


@contextmanager
def in_a_bar(console: Console, title: str, total: int | None = None) -> Iterator[Progress]:
    """Show progress as a bar of Rich."""
    with _bar(console, total) as bar:
        task = bar.add_task(title, total=total, done=_done(0, total), rate="", refused="")
        yield Progress(lambda progress: _show_in(bar, task, progress))


class _Lines:
    def __init__(self, clock: Clock, title: str, total: int | None, every: float) -> None:
        self._clock = clock
        self._every = every
        self._title = title
        self._total = total
        self._begun = self._last = clock.now()
        self._lock = threading.Lock()

    def show(self, progress: Progress) -> None:
        """Write a line if it is time; not once it is stopping: then a signal calls, and may neither lock nor print."""
        if progress.stopping:
            return
        with self._lock:
            now = self._clock.now()
            if now - self._last < self._every:
                return
            self._last = now
        tell(self._line(progress, now - self._begun))

    def _line(self, progress: Progress, seconds: float) -> str:
        done = progress.changed or progress.seen
        rate = done / seconds if seconds else 0.0
        of = "" if self._total is None else f" of {self._total:,}"
        if self._total is None or not rate:
            return f"{self._title}: {done:,}{of}, {rate:.1f} a second{_throttled(progress)}"
        left = duration(max(0, self._total - done) / rate)
        return f"{self._title}: {done:,} of {self._total:,}, {rate:.1f} a second, {left} left{_throttled(progress)}"


def _bar(console: Console, total: int | None) -> Bar:
    # `--json` needs no Rich.
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415 - as above
    from rich.progress import Progress as Bar  # noqa: PLC0415 - as above

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[done]}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        *([] if total is None else [TextColumn("left"), TimeRemainingColumn()]),
        TextColumn("{task.fields[refused]}"),
        console=console,
    )


def _show_in(bar: Bar, task: TaskID, progress: Progress) -> None:
    speed, done = bar.tasks[task].speed, progress.changed or progress.seen
    total = bar.tasks[task].total
    bar.update(
        task,
        completed=done,
        done=_done(done, None if total is None else int(total)),
        rate=f"{speed:.1f} a second" if speed else "",
        refused=_throttled(progress).removeprefix(", "),
        description="Stopping" if progress.stopping else bar.tasks[task].description,
    )


def _done(number: int, total: int | None) -> str:
    """Return how many are done, of how many where that is known: AWS tells nobody how many log groups there are."""
    return f"{number:,}" if total is None else f"{number:,}/{total:,}"


def _throttled(progress: Progress) -> str:
    """Return what AWS refused; only changes are held against a quota that others share."""
    return "" if progress.seen else f", {throttled_calls(progress.throttled)}"
