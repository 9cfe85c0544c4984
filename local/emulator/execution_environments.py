"""Invocations that are at work when their function is updated or deleted come to their end, in the old code.

MiniStack ends their processes, and each such event fails. The Lambda developer guide, "Lambda function states", says
that while an update is in progress, invocations use the code and configuration of before. That what is at work then is
not cut short once the update is through, or the function is gone, is our reading: no page says that it is.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from local.emulator import seams

#: Seconds. Lambda lets no invocation take longer.
_LONGEST: Final = 900.0
_BETWEEN_LOOKS: Final = 0.05


class ExecutionEnvironments:
    """The processes that have a last invocation to finish."""

    def __init__(self, end: Callable[[Iterable[Any]], None]) -> None:
        self._end = end
        self._finishing: set[Any] = set()
        self._lock = threading.Lock()
        self._sparing = threading.local()

    def spare(self, invalidate: Callable[..., None], *arguments: Any, **options: Any) -> None:
        """Call MiniStack's *invalidate*, which takes environments out of use; those at work are not ended."""
        self._sparing.on = True
        try:
            invalidate(*arguments, **options)
        finally:
            self._sparing.on = False

    def end(self, workers: Iterable[Any]) -> None:
        """End these environments, or let them finish where they are to be spared."""
        spares = getattr(self._sparing, "on", False)
        finishing: list[Any] = []
        ended: list[Any] = []
        for worker in workers:
            (finishing if spares and worker is not None and worker.in_use else ended).append(worker)
        self._end(ended)
        with self._lock:
            self._finishing.update(finishing)
        for worker in finishing:
            threading.Thread(target=self._end_when_free, args=(worker,), daemon=True).start()

    def end_all(self) -> None:
        """End also those that are at work: the account that they work in is emptied."""
        with self._lock:
            finishing, self._finishing = self._finishing, set()
        self._end(finishing)

    def _end_when_free(self, worker: Any) -> None:
        deadline = time.monotonic() + _LONGEST
        while worker.in_use and time.monotonic() < deadline:
            time.sleep(_BETWEEN_LOOKS)
        with self._lock:
            self._finishing.discard(worker)
        self._end([worker])


def install() -> None:
    """Let invocations finish in every function."""
    environments = ExecutionEnvironments(seams.END_ENVIRONMENTS.get())
    invalidate: Callable[..., None] = seams.INVALIDATE_ENVIRONMENTS.get()
    reset: Callable[[], Any] = seams.RESET.get()

    def sparing(*arguments: Any, **options: Any) -> None:
        environments.spare(invalidate, *arguments, **options)

    def resetting() -> Any:
        environments.end_all()
        return reset()

    seams.END_ENVIRONMENTS.replace(environments.end)
    seams.INVALIDATE_ENVIRONMENTS.replace(sparing)
    seams.RESET.replace(resetting)
