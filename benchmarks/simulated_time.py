"""Time for real threads that passes only when all of them wait: hours of a fleet's eight workers in seconds.

One thread runs at a time. Where it sleeps, or waits for another one, the thread whose moment comes next goes on; so a
run is the same each time for the same chances, whatever the machine does meanwhile. Threads wait for each other by what
`SimulatedTime.threads` puts in the place of `ThreadPoolExecutor` and `threading.Lock`; a thread that waits by any other
means stops everything.
"""

from __future__ import annotations

import _thread
import heapq
import sys
import threading
from collections import deque
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

#: Threads that wait for the same, the longest waiting first.
Waiting: TypeAlias = deque[_thread.LockType]

_EXECUTOR: Final = "ThreadPoolExecutor"


class StuckError(Exception):
    """Every thread waits for another one."""


class SimulatedTime:
    """The clock, and whose turn it is; see `log_group_kms.retry.clock` for its use."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self._now = now
        self._next: list[tuple[float, int, _thread.LockType]] = []
        self._numbers = count()

    def now(self) -> float:
        """Return seconds since the epoch."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Wait until they have passed, while other threads work."""
        baton = self._baton()
        self._wake(baton, self._now + max(0.0, seconds))
        self._let_others_on()
        baton.acquire()

    def wait_among(self, waiting: Waiting) -> None:
        """Wait until `wake_first` or `wake_all` is called for *waiting*.

        Raises:
            StuckError: nobody is left who could.
        """
        baton = self._baton()
        waiting.append(baton)
        self._let_others_on()
        baton.acquire()

    def wake_first(self, waiting: Waiting) -> None:
        """Let the one go on that has waited longest, if there is one."""
        if waiting:
            self._wake(waiting.popleft(), self._now)

    def wake_all(self, waiting: Waiting) -> None:
        """Let all go on."""
        while waiting:
            self.wake_first(waiting)

    def spawn(self, work: Callable[[], None]) -> None:
        """Let a new thread do *work*, beginning when it is its turn."""
        baton = self._baton()
        self._wake(baton, self._now)

        def run() -> None:
            baton.acquire()
            try:
                work()
                self._let_others_on()
            except StuckError:
                # Whoever waits for this thread would wait for ever.
                _thread.interrupt_main()

        # Not `threading.Thread`, whose start waits by means of its own.
        _thread.start_new_thread(run, ())

    @contextmanager
    def threads(self, package: str) -> Iterator[None]:
        """Let all modules of *package* that use threads keep this time, for as long as the block lasts."""
        modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == package]
        using = [module for module in modules if hasattr(module, _EXECUTOR)]
        if not using:
            raise StuckError(
                f"No module of {package} uses {_EXECUTOR}: whatever it uses instead does not keep this time"
            )
        patches: list[Any] = [patch.object(module, _EXECUTOR, partial(Workers, self)) for module in using]
        patches.append(patch.object(threading, "Lock", partial(_Lock, self)))
        for each in patches:
            each.start()
        try:
            yield
        finally:
            for each in patches:
                each.stop()

    def _baton(self) -> _thread.LockType:
        baton = _thread.allocate_lock()
        baton.acquire()
        return baton

    def _wake(self, baton: _thread.LockType, moment: float) -> None:
        heapq.heappush(self._next, (moment, next(self._numbers), baton))

    def _let_others_on(self) -> None:
        if not self._next:
            raise StuckError
        moment, _, baton = heapq.heappop(self._next)
        self._now = max(self._now, moment)
        baton.release()


class _Lock:
    """A lock whose holder may sleep."""

    def __init__(self, time: SimulatedTime) -> None:
        self._time = time
        self._held = False
        self._waiting: Waiting = deque()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: ARG002, FBT001, FBT002 - as threading's
        while self._held:
            if not blocking:
                return False
            self._time.wait_among(self._waiting)
        self._held = True
        return True

    def release(self) -> None:
        self._held = False
        self._time.wake_first(self._waiting)

    def locked(self) -> bool:
        return self._held

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class _Promise(Future[T]):
    """A future that is waited for in this time."""

    def __init__(self, time: SimulatedTime) -> None:
        super().__init__()
        self._time = time
        self._awaiting: Waiting = deque()
        self.add_done_callback(lambda _: time.wake_all(self._awaiting))

    def result(self, timeout: float | None = None) -> T:
        """See `Future`; *timeout* is not looked at."""
        self._settle()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """See `Future`; *timeout* is not looked at."""
        self._settle()
        return super().exception(timeout)

    def _settle(self) -> None:
        while not self.done():
            self._time.wait_among(self._awaiting)


class Workers(Executor):
    """What of `ThreadPoolExecutor` a fleet uses."""

    def __init__(self, time: SimulatedTime, max_workers: int, thread_name_prefix: str = "") -> None:  # noqa: ARG002 - as ThreadPoolExecutor's
        self._time = time
        self._left = max_workers
        self._jobs: deque[tuple[_Promise[Any], Callable[[], Any]]] = deque()
        self._idle: Waiting = deque()
        self._ending: Waiting = deque()
        self._at_work = 0
        self._closed = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """See `Executor`."""
        promise: _Promise[T] = _Promise(self._time)
        self._jobs.append((promise, partial(fn, *args, **kwargs)))
        if self._idle:
            self._time.wake_first(self._idle)
        elif self._left:
            self._left -= 1
            self._at_work += 1
            self._time.spawn(self._work)
        return promise

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as Executor's
        """See `Executor`."""
        if cancel_futures:
            for promise, _ in self._jobs:
                promise.cancel()
            self._jobs.clear()
        self._closed = True
        self._time.wake_all(self._idle)
        while wait and self._at_work:
            self._time.wait_among(self._ending)

    def _work(self) -> None:
        while self._jobs or not self._closed:
            if not self._jobs:
                self._time.wait_among(self._idle)
                continue
            promise, job = self._jobs.popleft()
            if promise.set_running_or_notify_cancel():
                try:
                    promise.set_result(job())
                except BaseException as failure:  # noqa: BLE001 - whatever it is, it is the promise's
                    promise.set_exception(failure)
        self._at_work -= 1
        self._time.wake_all(self._ending)
