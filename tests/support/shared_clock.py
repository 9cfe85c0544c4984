"""Events at work at the same time, on one clock: each call takes its time, and who comes first is the same each run."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from support.fake_aws import FakeAws, FakeClock

#: A whole event of one resource; what it returns or raises is kept.
Event = Callable[[], object]


class SharedClock(FakeClock):
    """Time that passes for all threads at once: of those that sleep, the first to wake is let go on, alone."""

    def __init__(self, time: float = FakeClock.time) -> None:
        super().__init__(time)
        self._sleeping: list[tuple[float, int, threading.Event]] = []
        self._numbers = count()
        self._rests = threading.Event()
        self._ended = 0

    def sleep(self, seconds: float) -> None:
        woken = threading.Event()
        heapq.heappush(self._sleeping, (self.time + seconds, next(self._numbers), woken))
        self._rests.set()
        assert woken.wait(30)

    def play(self, *acts: Callable[[], None]) -> None:
        """Run each of *acts* in a thread of its own, until all have come to their end."""
        threads = [threading.Thread(target=self._act, args=(act,)) for act in acts]
        for thread in threads:
            self._rests.clear()
            thread.start()
            assert self._rests.wait(30)
        while self._ended < len(acts):
            self.time, _, woken = heapq.heappop(self._sleeping)
            self._rests.clear()
            woken.set()
            assert self._rests.wait(30)
        for thread in threads:
            thread.join()

    def _act(self, act: Callable[[], None]) -> None:
        try:
            act()
        finally:
            self._ended += 1
            self._rests.set()


@dataclass
class Together:
    """Events that run at the same time on one account, with latencies that a *seed* decides on.

    Attributes:
        aws: the account.
        clock: of all events.
        seed: of the latencies, of 10 to 60 ms for the way to AWS and as many for the way back.
        answers: what each event returned, or raised.
    """

    aws: FakeAws
    clock: SharedClock
    seed: int
    answers: list[object] = field(default_factory=list)

    def run(self, *events: tuple[float, Event]) -> list[object]:
        """Run each event from so many seconds on, and return the answers."""
        draw = Random(self.seed)  # noqa: S311 - the same each run, and no secret
        self.answers = [None] * len(events)
        self.aws.before = self.aws.after = lambda _: self.clock.sleep(draw.uniform(0.01, 0.06))
        self.clock.play(*(self._act(number, start, event) for number, (start, event) in enumerate(events)))
        self.aws.before = self.aws.after = lambda _: None
        return self.answers

    def _act(self, number: int, start: float, event: Event) -> Callable[[], None]:
        def act() -> None:
            self.clock.sleep(start)
            try:
                self.answers[number] = event()
            except Exception as failure:  # noqa: BLE001 - kept, and judged by the test
                self.answers[number] = failure

        return act
