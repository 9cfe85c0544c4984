"""The benchmarks' own instruments: time that goes faster, time that is simulated, and the crowd that backs off."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from benchmarks import backoff, fleet, largest_fleet, load, simulated_time
from benchmarks.hastened import HastenedClock
from benchmarks.simulated_time import SimulatedTime, StuckError
from local.emulator.quotas import PER_SECOND

if TYPE_CHECKING:
    from concurrent.futures import Executor


def test_a_hastened_clock_goes_so_many_times_as_fast() -> None:
    """Its sleeps are as much shorter, and its own time tells nothing of that."""
    clock = HastenedClock(20.0)
    begun, before = time.monotonic(), clock.now()

    clock.sleep(2.0)

    real, seen = time.monotonic() - begun, clock.now() - before
    assert 0.1 <= real < 1.0
    assert seen == pytest.approx(real * 20, rel=0.05)


class Work:
    """Jobs of threads that keep a simulated time; a module's part is played by this test's own."""

    def __init__(self) -> None:
        self.time = SimulatedTime(now=0.0)
        self.log: list[tuple[float, str]] = []

    def workers(self, number: int) -> Executor:
        """A crew in this time."""
        return simulated_time.Workers(self.time, number)

    def nap(self, name: str, seconds: float) -> str:
        """A job."""
        self.time.sleep(seconds)
        self.log.append((self.time.now(), name))
        return name


def test_sleeping_threads_wake_in_order() -> None:
    """Those of several workers overlap; no real time goes by."""
    work = Work()
    begun = time.monotonic()

    with work.workers(3) as crew:
        promises = [crew.submit(work.nap, name, seconds) for name, seconds in (("c", 900), ("a", 300), ("b", 600))]
        names = [promise.result() for promise in promises]

    assert names == ["c", "a", "b"]
    assert work.log == [(300, "a"), (600, "b"), (900, "c")]
    assert time.monotonic() - begun < 5


def test_workers_take_one_job_after_the_other() -> None:
    """Two of them need as long for four jobs as one for two."""
    work = Work()

    with work.workers(2) as crew:
        for name in "abcd":
            crew.submit(work.nap, name, 10)

    assert work.log == [(10, "a"), (10, "b"), (20, "c"), (20, "d")]


def test_a_failed_job_fails_its_promise() -> None:
    """And nothing else."""
    work = Work()

    with work.workers(1) as crew:
        failing = crew.submit(lambda: 1 / 0)
        other = crew.submit(work.nap, "other", 1)

    assert isinstance(failing.exception(), ZeroDivisionError)
    assert other.result() == "other"


def test_jobs_that_have_not_begun_can_be_dropped() -> None:
    """A shutdown waits for the others."""
    work = Work()

    crew = work.workers(1)
    first, second = crew.submit(work.nap, "first", 5), crew.submit(work.nap, "second", 5)
    work.time.sleep(1)
    crew.shutdown(wait=True, cancel_futures=True)

    assert (first.result(), second.cancelled()) == ("first", True)
    assert work.time.now() == 5


def test_a_lock_may_be_held_while_its_holder_sleeps() -> None:
    """Others wait for it in this time, too."""
    work = Work()
    with work.time.threads("log_group_kms"):
        lock = threading.Lock()

    def one(name: str) -> None:
        with lock:
            work.nap(name, 7)

    with work.workers(2) as crew:
        crew.submit(one, "a")
        crew.submit(one, "b")

    assert work.log == [(7, "a"), (14, "b")]


def test_threads_that_wait_for_each_other_are_an_error() -> None:
    """No test hangs."""
    work = Work()

    with pytest.raises(StuckError):
        work.time.wait_among(simulated_time.Waiting())


def test_a_package_that_uses_other_threads_is_an_error() -> None:
    """Its threads would not keep this time."""
    with pytest.raises(StuckError, match="No module of json uses ThreadPoolExecutor"), SimulatedTime().threads("json"):
        pass


def test_the_threads_of_before_are_back_afterwards() -> None:
    """Also for the lock, which is everybody's."""
    before = threading.Lock

    with SimulatedTime().threads("log_group_kms"):
        assert threading.Lock is not before

    assert threading.Lock is before


def test_a_simulated_fleet_comes_under_its_key_at_the_quotas() -> None:
    """All of it, at no more than AWS takes of each call, and the same each time."""
    first, second = (largest_fleet.create(60) for _ in range(2))

    assert first == second
    assert first.associated == 60
    for operation, per_second in PER_SECOND.items():
        taken = first.calls[operation] - first.refused[operation]
        # A second's worth is there at first.
        assert taken <= per_second * (first.seconds + 1)
    assert first.calls["logs:AssociateKmsKey"] - first.refused["logs:AssociateKmsKey"] == 60


def test_the_largest_fleet_fits_and_the_next_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the step."""
    monkeypatch.setattr(largest_fleet, "HOUR", 60.0)
    monkeypatch.setattr(largest_fleet, "GUESS", 20)
    monkeypatch.setattr(largest_fleet, "STEP", 5)

    found = largest_fleet.largest()

    assert found.seconds <= 60 < largest_fleet.create(found.log_groups + 5).seconds


def test_a_crowd_makes_all_its_calls() -> None:
    """Each process its six; with no more than the quotas allow, and the same each time."""
    policy = backoff.Pauses(2, 12)

    first, second = (backoff.Crowd(policy, 60, seed=1).run() for _ in range(2))

    assert first == second
    # The bursts of the first second are not in the ratio.
    assert first.ratio > 0.9
    assert 0 < first.refused < 1


def test_longer_pauses_refuse_less_and_take_longer() -> None:
    """What the comparison is about."""
    short, long = (backoff.Crowd(backoff.Pauses(2, longest), 200, seed=1).run() for longest in (8, 60))

    assert short.refused > long.refused
    assert short.ratio < long.ratio


def test_the_least_time_is_that_of_the_scarcest_call() -> None:
    """Two reads of tags at 5 a second outweigh two listings at 10; calls without a quota count for nothing."""
    calls = Counter({"logs:ListTagsForResource": 2, "logs:DescribeLogGroups": 2, "kms:DescribeKey": 100})

    assert load.least(calls, 500) == 200


def test_calls_are_told_for_each_log_group() -> None:
    """With the share that was refused."""
    calls, refused = Counter({"logs:TagResource": 20, "logs:DescribeLogGroups": 5}), Counter({"logs:TagResource": 5})

    assert fleet.told(calls, refused, 10) == "2.00 TagResource (25%), 0.50 DescribeLogGroups"
