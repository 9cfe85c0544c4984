"""A Create and its Delete in threads of their own, on the machine's clock: once both have ended, nothing is left."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Final

from support.fake_aws import FakeAws, FakeLogGroup, log_group
from unit.fleet.terminals import ASKED, BEFORE, ME, OURS, many

from log_group_kms.association import claims
from log_group_kms.association.context import Context
from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet import lookouts, visits
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.errors import ClaimLost
from log_group_kms.model.results import Outcome
from log_group_kms.retry.rate_limits import RateLimits
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

#: Instead of 5 and 16 seconds. A Create takes several leases.
LEASE: Final = 0.1
FENCE: Final = 0.2
LOG_GROUPS: Final = 150
LIMITS: Final = RateLimits(log_groups=3_000, pages=3_000, workers=6)
#: What a call may take that has begun.
LONGEST_CALL: Final = FENCE - LEASE
#: The calls of a Create and of a Delete.
PORT: Final = (
    "key_of", "page", "claim_on", "write_claim", "remove_claim", "marks_on", "write_marks", "remove_marks",
    "associate", "disassociate",
)  # fmt: skip


@dataclass
class Machine:
    """The machine's clock; it knows when each thread has looked at it last."""

    looked: threading.local = field(default_factory=threading.local)

    def now(self) -> float:
        self.looked.at = time.time()
        return float(self.looked.at)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class Run:
    """An account, in which one Create and its Delete are at work.

    Attributes:
        draw: draws how long the calls take, and when the Delete comes.
        slowest: seconds from the last look at the clock to the end of a call that claims or associates: where the
            machine holds a thread up for longer than AWS and botocore may, the run shows nothing.
    """

    draw: random.Random
    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(OURS, BEFORE))
    clock: Machine = field(default_factory=Machine)
    slowest: float = 0.0

    def __post_init__(self) -> None:
        for name in many(LOG_GROUPS):
            self.aws.log_groups[log_group(name)] = FakeLogGroup(BEFORE if self.draw.random() < 0.3 else None)
        self.before = self.keys
        lock = threading.Lock()
        for method in PORT:
            setattr(self.aws, method, self._taking_time(getattr(self.aws, method), lock))

    @property
    def keys(self) -> dict[str, object]:
        return {group.name.text: state.key for group, state in self.aws.log_groups.items()}

    def context(self) -> Context:
        return Context.of(self.aws, self.aws, Retrier(self.clock, time.time() + 60), rate_limits=LIMITS)

    def create(self, event: Ensure) -> bool:
        """Whether it came to its end, and was not lost."""
        try:
            return isinstance(lifecycle.ensure(self.context(), event), Outcome)
        except ClaimLost:
            return False

    def go(self) -> bool:
        """Both of them; whether the Create came to its end."""
        sent_at = float(int(time.time()))
        with ThreadPoolExecutor(1) as beside:
            created = beside.submit(self.create, Ensure(ME, ASKED, sent_at=sent_at))
            time.sleep(self.draw.uniform(0.0, 0.1))
            at_work = any(state.marks for state in self.aws.log_groups.values())
            made_up = not at_work or self.draw.random() < 0.5
            delete = Remove.of(ME, ASKED, minted=not made_up)
            delete = replace(delete, cancels=made_up, sent_at=float(int(time.time())))
            assert isinstance(lifecycle.remove(self.context(), delete), Outcome)
            return created.result()

    def _taking_time(self, call: Callable[..., object], lock: threading.Lock) -> Callable[..., object]:
        @wraps(call)
        def taking_time(*arguments: object) -> object:
            looked = getattr(self.clock.looked, "at", time.time())
            time.sleep(self.draw.uniform(0.0, 0.002))
            with lock:
                result = call(*arguments)
                self.slowest = max(self.slowest, time.time() - looked)
            time.sleep(self.draw.uniform(0.0, 0.002))
            return result

        return taking_time


def test_a_delete_in_a_thread_of_its_own_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """At twenty moments of a Create by several workers."""
    monkeypatch.setattr(lookouts, "LEASE", LEASE)
    monkeypatch.setattr(lookouts, "FENCE", FENCE)
    monkeypatch.setattr(visits, "_VISIT", LEASE / 10)
    monkeypatch.setattr(claims, "FRESH", LEASE / 10)
    overtaken = 0

    for seed in range(20):
        for _ in range(5):
            run, begun = Run(random.Random(seed)), time.monotonic()  # noqa: S311 - no secret
            ended = run.go()
            # Nobody has waited for a key that the other one took away.
            assert time.monotonic() - begun < 10, seed
            if run.slowest < LONGEST_CALL:
                break
        assert run.keys == run.before, seed
        assert not [name for name, state in run.aws.log_groups.items() if state.claim], seed
        overtaken += not ended

    assert overtaken >= 10
