"""What is asked again, for how long, and what never happens while waiting."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fake_aws import (
    FakeClock,
    concurrent_change,
    key_policy_denied,
    role_denied,
    throttled,
    unavailable,
)

from log_group_kms.model.errors import (
    ApiError,
    ConcurrentChange,
    KeyNotFound,
    KeyPolicyDenied,
    NotFound,
    NotStabilized,
    OutOfTime,
    RoleDenied,
    Throttled,
    Unavailable,
)
from log_group_kms.retry.policies import (
    CONCURRENT_CHANGE,
    FLEET,
    FLEET_IN_PASSING,
    IN_PASSING,
    KEY_POLICY_PROPAGATION,
    POLICIES,
    QUEUED,
    READ_BACK,
    RESTORING,
    THROTTLED,
    RetryPolicy,
    restoring,
)
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable


class Service:
    """Answers with its refusals, one after the other, and then works."""

    def __init__(self, refusals: list[ApiError]) -> None:
        self.refusals = list(refusals)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.refusals:
            raise self.refusals.pop(0)
        return "done"


def retrier(clock: FakeClock, seconds: float = 600.0) -> Retrier:
    """Without jitter, so that the pauses can be compared."""
    return Retrier(clock, clock.now() + seconds, jitter=lambda _, most: most)


WRONG_FOR_GOOD = [
    NotFound("AssociateKmsKey", "ResourceNotFoundException", "?"),
    KeyNotFound("AssociateKmsKey", "InvalidParameterException", "?"),
]


@pytest.mark.parametrize(
    ("refusals", "slept"),
    [
        pytest.param([], [], id="first call works"),
        pytest.param([key_policy_denied()] * 5, [1, 2, 4, 8, 10], id="policy seen late"),
        pytest.param([role_denied("kms:Encrypt")] * 5, [1, 2, 4, 8, 8], id="role seen late"),
        pytest.param([concurrent_change()] * 6, [0.5, 1, 2, 4, 8, 8], id="someone else changes it"),
        pytest.param([throttled()] * 5, [2, 8, 30, 30, 30], id="throttled"),
        pytest.param([unavailable()] * 5, [1, 2, 4, 8, 10], id="service fails"),
        pytest.param([throttled(), concurrent_change(), throttled()], [2, 0.5, 8], id="each kind has its own pace"),
    ],
)
def test_what_time_may_heal_is_asked_again(refusals: list[ApiError], slept: list[float]) -> None:
    """A refusal that waiting may cure is retried with growing pauses up to the policy's longest."""
    clock, service = FakeClock(), Service(refusals)

    assert retrier(clock).attempt(service) == "done"
    assert clock.slept == slept


@pytest.mark.parametrize("refusal", WRONG_FOR_GOOD, ids=["no log group", "no key"])
def test_what_time_cannot_heal_is_raised_at_once(refusal: ApiError) -> None:
    """No pause, no second call."""
    clock, service = FakeClock(), Service([refusal])

    with pytest.raises(type(refusal)):
        retrier(clock).attempt(service)
    assert (clock.slept, service.calls) == ([], 1)


FOR_EVER: dict[type[ApiError], Callable[[], ApiError]] = {
    ConcurrentChange: concurrent_change,
    KeyPolicyDenied: key_policy_denied,
    RoleDenied: lambda: role_denied("kms:Encrypt"),
    Throttled: throttled,
    Unavailable: unavailable,
}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.on.__name__)
def test_a_window_closes_with_the_last_refusal(policy: RetryPolicy) -> None:
    """A refusal that never heals is raised when its window closes or time is up, and tells how long it took."""
    clock = FakeClock()
    service = Service([FOR_EVER[policy.on]() for _ in range(5000)])

    with pytest.raises(policy.on) as last:
        retrier(clock, seconds=4000).attempt(service)
    assert sum(clock.slept) == pytest.approx(policy.backoff.window)
    assert last.value.waited == pytest.approx(sum(clock.slept))


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.on.__name__)
def test_the_deadline_closes_every_window(policy: RetryPolicy) -> None:
    """A window that outlasts the deadline ends with the last refusal too, and nobody looks again at that moment."""
    clock, service = FakeClock(), Service([FOR_EVER[policy.on]() for _ in range(5000)])
    waiting = retrier(clock, seconds=20)

    def look() -> None:
        waiting.attempt(Service([]))

    with pytest.raises(policy.on):
        waiting.attempt(service, guard=look)
    assert clock.now() < waiting.deadline.at


def test_restoring_waits_less_for_the_key() -> None:
    """A previous key that is refused holds a rollback up for seconds, not minutes."""
    clock, service = FakeClock(), Service([key_policy_denied()] * 100)

    with pytest.raises(ApiError):
        retrier(clock).attempt(service, policies=RESTORING)
    assert sum(clock.slept) == pytest.approx(10)


@pytest.mark.parametrize("refusal", [key_policy_denied(), role_denied("kms:Encrypt")], ids=["key", "role"])
@pytest.mark.parametrize("table", [POLICIES, FLEET], ids=["one log group", "a fleet"])
def test_a_key_that_is_put_back_is_waited_for_ten_seconds(table: tuple[RetryPolicy, ...], refusal: ApiError) -> None:
    """Whatever the table says of a key that is new."""
    clock, service = FakeClock(), Service([refusal] * 100)

    with pytest.raises(type(refusal)):
        retrier(clock).attempt(service, policies=restoring(table))
    assert sum(clock.slept) == pytest.approx(10)


@given(
    seconds=st.floats(0.1, 900),
    kinds=st.lists(st.sampled_from([concurrent_change, throttled, key_policy_denied, unavailable]), max_size=60),
    jitter=st.floats(0, 1),
)
def test_no_pause_ends_after_the_deadline(seconds: float, kinds: list[Callable[[], ApiError]], jitter: float) -> None:
    """Whatever is refused and however the jitter falls, no sleep goes past the deadline."""
    clock = FakeClock()
    waiting = Retrier(clock, clock.now() + seconds, jitter=lambda least, most: least + (most - least) * jitter)
    began = clock.now()
    with suppress(ApiError):
        waiting.attempt(Service([kind() for kind in kinds]))

    assert clock.now() <= began + seconds + 1e-6


@pytest.mark.parametrize(
    ("seconds", "slept"),
    [
        pytest.param(7.5, [1, 2, 3.5], id="the third is cut"),
        pytest.param(8.5, [1, 2, 4, 0.5], id="a fourth is short"),
        pytest.param(4.0, [1, 2], id="no time for a third"),
        pytest.param(0.5, [], id="no time at all"),
    ],
)
def test_the_last_try_comes_just_before_the_deadline(seconds: float, slept: list[float]) -> None:
    """A long pause does not run into the deadline, nor end the tries long before it: a second is left for the try."""
    clock, service = FakeClock(), Service([key_policy_denied()] * 9)

    with pytest.raises(KeyPolicyDenied):
        retrier(clock, seconds).attempt(service)
    assert clock.slept == pytest.approx(slept, abs=1e-3)


def test_no_call_begins_on_the_deadline() -> None:
    """The deadline itself is too late for a first try."""
    clock, service = FakeClock(), Service([])

    with pytest.raises(OutOfTime):
        retrier(clock, seconds=0).attempt(service)
    assert service.calls == 0


def test_pauses_have_full_jitter() -> None:
    """Each pause is drawn between nothing and the ceiling of its try: who starts at once does not go on in step."""
    drawn: list[tuple[float, float]] = []

    def jitter(least: float, most: float) -> float:
        drawn.append((least, most))
        return most / 2

    clock = FakeClock()
    Retrier(clock, clock.now() + 600, jitter=jitter).attempt(Service([key_policy_denied()] * 5))

    assert drawn == [(0, 1), (0, 2), (0, 4), (0, 8), (0, 10)]
    assert clock.slept == [0.5, 1, 2, 4, 5]


@pytest.mark.parametrize(("tries", "seconds"), [(0, 1), (3, 8), (4, 10), (5000, 10)])
def test_the_longest_pause_after_so_many_tries(tries: int, seconds: float) -> None:
    """Pauses double up to the policy's longest, and no number of tries is too large to reckon with."""
    assert KEY_POLICY_PROPAGATION.backoff.ceiling(tries) == seconds


def test_before_a_retry_the_caller_looks() -> None:
    """What `guard` raises ends the attempt; it is not asked before the first call."""
    clock, service = FakeClock(), Service([throttled()] * 3)
    looks: list[int] = []

    def look() -> None:
        looks.append(service.calls)
        if len(looks) == 2:
            raise NotStabilized("gone")

    with pytest.raises(NotStabilized):
        retrier(clock).attempt(service, guard=look)
    assert looks == [1, 2]


def test_a_look_that_takes_the_time_that_was_left_ends_with_the_refusal() -> None:
    """Whoever reads the Reason hears of that, and how long it was waited for."""
    clock, service = FakeClock(1_000.0), Service([throttled()] * 3)

    with pytest.raises(Throttled) as refused:
        retrier(clock, 60).attempt(service, guard=lambda: clock.sleep(58))

    assert service.calls == 1
    assert refused.value.waited == clock.now() - 1_000 == 60


def test_an_event_that_is_answered_already_makes_no_call() -> None:
    """Once the backstop has answered, nothing is called any more."""
    clock, service = FakeClock(), Service([])

    with pytest.raises(OutOfTime):
        Retrier(clock, clock.now() + 600, over=lambda: True).attempt(service)
    assert service.calls == 0


def test_an_answer_while_it_sleeps_ends_the_attempt() -> None:
    """The backstop may answer during a pause: then the last refusal is raised and nothing more is called."""
    clock, service = FakeClock(), Service([throttled()] * 9)

    with pytest.raises(ApiError):
        Retrier(clock, clock.now() + 600, over=lambda: bool(clock.slept)).attempt(service)
    assert service.calls == 1


@pytest.mark.parametrize("looks", [1, 2, 6])
def test_polling_ends_when_it_shows(looks: int) -> None:
    """What is accepted is looked for until it shows."""
    clock, seen = FakeClock(), ["no key"] * (looks - 1) + [""]

    retrier(clock).until(lambda: seen.pop(0))

    assert (seen, len(clock.slept)) == ([], looks - 1)


def test_polling_that_never_succeeds_tells_what_was_seen() -> None:
    """The window of the read-back closes with what was seen last."""
    clock = FakeClock()

    with pytest.raises(NotStabilized, match="no key"):
        retrier(clock).until(lambda: "no key")
    assert sum(clock.slept) == pytest.approx(READ_BACK.window)


@pytest.mark.parametrize(("seconds", "left"), [(5.0, 5.0), (5000.0, 600.0)], ids=["sooner", "no later"])
def test_a_nearer_deadline(seconds: float, left: float) -> None:
    """A best effort gets a nearer deadline, never a later one, and pauses as before."""
    clock, service = FakeClock(), Service([throttled()] * 999)
    shorter = retrier(clock).within(seconds)

    with pytest.raises(ApiError):
        shorter.attempt(service)
    assert shorter.deadline.at == 1_800_000_000.0 + left
    assert clock.slept[0] == 2.0


def test_a_nearer_deadline_ends_with_the_event() -> None:
    """Once the event is answered, neither makes a call."""
    clock, service = FakeClock(), Service([])

    with pytest.raises(OutOfTime):
        Retrier(clock, clock.now() + 600, over=lambda: True).within(5).attempt(service)
    assert service.calls == 0


# --- other policies ---------------------------------------------------------------------------------------------------

TABLES = [
    pytest.param(POLICIES, id="POLICIES"),
    pytest.param(FLEET, id="FLEET"),
    pytest.param(FLEET_IN_PASSING, id="FLEET_IN_PASSING"),
    pytest.param(RESTORING, id="RESTORING"),
]


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_one_policy_for_each_refusal_that_may_pass(table: tuple[RetryPolicy, ...]) -> None:
    """None is forgotten, and none stands twice: which one held would depend on the order."""
    assert sorted(policy.on.__name__ for policy in table) == sorted(kind.__name__ for kind in FOR_EVER)


@pytest.mark.parametrize(
    ("table", "usual", "own"),
    [
        pytest.param(FLEET, POLICIES, {THROTTLED: QUEUED}, id="FLEET"),
        pytest.param(
            FLEET_IN_PASSING, POLICIES, {THROTTLED: QUEUED, CONCURRENT_CHANGE: IN_PASSING}, id="FLEET_IN_PASSING"
        ),
    ],
)
def test_a_fleet_waits_as_others_do_but_for_its_queue(
    table: tuple[RetryPolicy, ...], usual: tuple[RetryPolicy, ...], own: dict[RetryPolicy, RetryPolicy]
) -> None:
    """A fleet has its own policies where it has a better place to wait, and all others unchanged."""
    assert set(table) == {own.get(policy, policy) for policy in usual}


def test_an_unrestorable_key_is_not_waited_for() -> None:
    """Nobody waits for the key of another log group's bad experience; everything else may pass."""
    clock = FakeClock()
    waiting = retrier(clock).under(restoring(POLICIES, unrestorable=True))

    for refusal in (key_policy_denied(), role_denied("kms:Encrypt")):
        with pytest.raises(type(refusal)):
            waiting.attempt(Service([refusal]))
    assert clock.slept == []
    assert waiting.attempt(Service([throttled(), concurrent_change(), unavailable()])) == "done"


@pytest.mark.parametrize(
    ("table", "refusals", "slept"),
    [
        pytest.param(FLEET, [throttled()] * 6, [0.2, 0.4, 0.8, 1.6, 2, 2], id="throttled"),
        pytest.param(FLEET, [concurrent_change()] * 6, [0.5, 1, 2, 4, 8, 8], id="busy"),
        pytest.param(FLEET, [key_policy_denied()] * 5, [1, 2, 4, 8, 10], id="policy seen late"),
        pytest.param(FLEET_IN_PASSING, [throttled()] * 6, [0.2, 0.4, 0.8, 1.6, 2, 2], id="in passing, throttled"),
        pytest.param(FLEET_IN_PASSING, [concurrent_change()] * 5, [0.5, 1, 2, 4, 2.5], id="in passing, busy"),
        pytest.param(FLEET_IN_PASSING, [key_policy_denied()] * 5, [1, 2, 4, 8, 10], id="in passing, policy seen late"),
    ],
)
def test_how_a_fleet_waits(table: tuple[RetryPolicy, ...], refusals: list[ApiError], slept: list[float]) -> None:
    """Short for its queue, which is drawn apart elsewhere; short for who is busy, in passing; else as all others."""
    clock, service = FakeClock(), Service(refusals)

    assert retrier(clock).under(table).attempt(service) == "done"
    assert clock.slept == pytest.approx(slept)


@pytest.mark.parametrize(
    ("table", "kind", "seconds"),
    [
        pytest.param(FLEET, concurrent_change, 120, id="busy"),
        pytest.param(FLEET_IN_PASSING, concurrent_change, 10, id="in passing, busy"),
        pytest.param(FLEET, throttled, 3600, id="throttled"),
        pytest.param(FLEET_IN_PASSING, throttled, 3600, id="in passing, throttled"),
    ],
)
def test_how_long_a_fleet_waits(table: tuple[RetryPolicy, ...], kind: Callable[[], ApiError], seconds: float) -> None:
    """In passing it gives a busy log group up soon; the queue ends with the deadline only."""
    clock, service = FakeClock(), Service([kind() for _ in range(5000)])

    with pytest.raises(ApiError) as last:
        retrier(clock, seconds=4000).under(table).attempt(service)
    assert [sum(clock.slept), last.value.waited] == pytest.approx([seconds, seconds])


def test_other_policies_hold_for_all_that_does_not_say() -> None:
    """A call that brings its own policies has those."""
    clock = FakeClock()
    waiting = retrier(clock).under(())

    with pytest.raises(Throttled):
        waiting.attempt(Service([throttled()]))
    assert waiting.attempt(Service([throttled()]), policies=POLICIES) == "done"
    assert clock.slept == [2.0]


def changed_in_both_ways(waiting: Retrier) -> list[Retrier]:
    """Under other policies and with a nearer deadline, in either order."""
    return [waiting.under(FLEET).within(100), waiting.within(100).under(FLEET)]


def test_nothing_else_changes_with_the_policies() -> None:
    """The clock, the deadline and the jitter stay."""
    clock = FakeClock()
    waiting = Retrier(clock, clock.now() + 600, jitter=lambda _, most: most / 4)

    other = waiting.under(FLEET)
    other.attempt(Service([throttled()] * 2))

    assert other.clock is clock
    assert other.deadline.at == waiting.deadline.at
    assert clock.slept == [0.05, 0.1]


@pytest.mark.parametrize("order", [0, 1], ids=["policies first", "deadline first"])
def test_policies_and_a_nearer_deadline(order: int) -> None:
    """Each keeps what the other has changed."""
    clock = FakeClock()
    waiting = changed_in_both_ways(retrier(clock))[order]

    assert waiting.deadline.at == clock.now() + 100
    assert waiting.attempt(Service([throttled()] * 2)) == "done"
    assert clock.slept == [0.2, 0.4]


@pytest.mark.parametrize("order", [0, 1], ids=["policies first", "deadline first"])
def test_policies_end_with_the_event(order: int) -> None:
    """Once the event is answered, no call is made under any policies."""
    clock, service = FakeClock(), Service([])
    waiting = changed_in_both_ways(Retrier(clock, clock.now() + 600, over=lambda: True))[order]

    with pytest.raises(OutOfTime):
        waiting.attempt(service)
    assert service.calls == 0


def test_who_changes_the_policies_changes_nobody_elses() -> None:
    """The retrier that was there stays as it was."""
    clock = FakeClock()
    waiting = retrier(clock)

    waiting.under(FLEET).within(1)

    assert waiting.attempt(Service([throttled()])) == "done"
    assert (clock.slept, waiting.deadline.at) == ([2.0], 1_800_000_600.0)
