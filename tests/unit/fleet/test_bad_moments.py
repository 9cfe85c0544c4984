"""Fleets in bad moments: each is the shortest form of what the model of fleets at random came upon."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import pytest
from support.fake_aws import FakeAws, FakeClock, FakeLogGroup, fleet, key_arn, log_group, owner

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Asker, Ensure, Remove, Update
from log_group_kms.fleet.checkpoint import Checkpoint
from log_group_kms.fleet.upkeep import Upkeep
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnExistingKey
from log_group_kms.model.errors import ClaimLost
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.results import Outcome
from log_group_kms.model.targets import Exclusions
from log_group_kms.retry.rate_limits import RateLimits
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.keys import KeyArn

OURS, NEW = key_arn(1), key_arn(2)
ALL, ONE = fleet(), log_group("/a/1")
FLEET, EXPLICIT = owner("First", target=ALL), owner("First", target=ONE)
ASKED = Association(ALL, OURS, on_existing_key=OnExistingKey.OVERRIDE)
LONG = 800.0
ONE_BY_ONE = RateLimits(workers=1)
#: Some four changes fit into an invocation.
SLOW = RateLimits(log_groups=0.5, pages=0.5, workers=1)


class SmallPages(FakeAws):
    page_size: ClassVar[int] = 2


class Killed(BaseException):
    """The function's process is gone."""


@dataclass
class Terminal:
    """A fake account."""

    aws: FakeAws = field(default_factory=lambda: SmallPages.holding(OURS, NEW))
    clock: FakeClock = field(default_factory=FakeClock)
    rate_limits: RateLimits = ONE_BY_ONE

    def having(self, *names: str, key: KeyArn | None = None) -> Terminal:
        for name in names:
            self.aws.log_groups[log_group(name)] = FakeLogGroup(key)
        return self

    def context(self, seconds: float = LONG) -> Context:
        retrier = Retrier(self.clock, self.clock.time + seconds, jitter=lambda _, most: most)
        return Context.of(self.aws, self.aws, retrier, rate_limits=self.rate_limits)

    def states(self) -> dict[str, tuple[KeyArn | None, Claim | None]]:
        return {group.name.text: (found.key, found.claim) for group, found in self.aws.log_groups.items()}

    def ensure(self, event: Ensure) -> Outcome:
        outcome = lifecycle.ensure(self.context(), event)
        assert isinstance(outcome, Outcome)
        return outcome

    def delete(self, desired: Association = ASKED, me: Owner = FLEET) -> None:
        """On the same clock: it waits for whoever is at work, who goes on when it is through."""
        assert isinstance(lifecycle.remove(self.context(), Remove.of(me, desired, minted=True)), Outcome)

    def killed_after(self, operation: str, event: Ensure, times: int = 1) -> None:
        """*event* dies after its call of *operation* with this number."""
        calls = 0

        def die(called: str) -> None:
            nonlocal calls
            calls += called == operation
            if calls == times:
                raise Killed

        self.aws.after = die
        with pytest.raises(Killed):
            self.ensure(event)
        self.aws.after = lambda _: None

    def upkeep(self, is_alive: Callable[[], bool], seconds: float = LONG) -> Upkeep:
        event = Ensure(FLEET, ASKED, asker=Asker.ENROLMENT)
        return Upkeep(self.context(seconds), ALL, event, is_alive, lambda _, __, ___: None)


def through(invoke: Callable[[Checkpoint | None], Outcome | Checkpoint]) -> bool:
    """As many invocations as it takes, until it is done or a Delete was noticed; whether one was."""
    checkpoint: Checkpoint | None = None
    for _ in range(100):
        try:
            outcome = invoke(checkpoint)
        except ClaimLost:
            return True
        if isinstance(outcome, Outcome):
            return False
        checkpoint = Checkpoint.of_json(json.loads(json.dumps(outcome.as_json())))
    raise AssertionError("It does not end")


def test_an_update_from_fleet_to_one_log_group_that_died_is_given_back() -> None:
    """CloudFormation never heard of the one log group, so the Update back to the fleet has to give it back."""
    terminal = Terminal().having("/a/1", "/b")
    explicit = Association(ONE, NEW)
    # The fleet is another one's prefix, so that the log group is none of its own.
    old = Association(fleet("/b"), OURS)
    me = owner("First", target=old.target)
    terminal.ensure(Ensure(me, old))
    terminal.killed_after("AssociateKmsKey", Ensure(EXPLICIT, explicit, Update(old.target.arn, old, me)))

    terminal.ensure(Ensure(me, old, Update(old.target.arn, explicit, EXPLICIT)))

    assert terminal.states() == {"/a/1": (None, None), "/b": (OURS, Claim(me, None))}


def test_a_release_of_the_newly_excluded_that_died_is_taken_back_by_the_update_back() -> None:
    """The log group is the fleet's again: no mark of a Delete is left, which would let any other fleet take it."""
    terminal = Terminal().having("/a/1", "/b")
    terminal.ensure(Ensure(FLEET, ASKED))
    excluding = replace(ASKED, exclude=Exclusions(("/a/*",)))
    terminal.killed_after("TagResource", Ensure(FLEET, excluding, Update(ALL.arn, ASKED, FLEET)))

    terminal.ensure(Ensure(FLEET, ASKED, Update(ALL.arn, excluding, FLEET)))

    assert terminal.states() == {"/a/1": (OURS, Claim(FLEET, None)), "/b": (OURS, Claim(FLEET, None))}


def test_a_delete_that_is_delivered_again_in_the_middle_leaves_the_previous_key() -> None:
    """Between its two looks at the claim another delivery was through: what has no tags is none of a fleet's Delete."""
    terminal = Terminal().having("/a/1", key=NEW)
    terminal.ensure(Ensure(FLEET, ASKED))
    desired = replace(ASKED, key=NEW)
    terminal.ensure(Ensure(FLEET, desired, Update(ALL.arn, ASKED, FLEET)))
    assert terminal.states() == {"/a/1": (NEW, Claim(FLEET, NEW))}

    def again(operation: str) -> None:
        if operation == "ListTagsForResource":
            terminal.aws.after = lambda _: None
            terminal.delete(desired)

    terminal.aws.after = again
    terminal.delete(desired)

    assert terminal.states() == {"/a/1": (NEW, None)}


def test_an_enrolment_that_died_after_a_delete_had_passed_by_is_given_back() -> None:
    """Delivered again, it finds that the fleet is gone, and what it had claimed before."""
    terminal = Terminal().having("/a/1")
    alive = True

    def die_after_the_delete(operation: str) -> None:
        nonlocal alive
        if operation == "DescribeLogGroups" and alive:
            alive = False
            hook, terminal.aws.after = terminal.aws.after, lambda _: None
            terminal.delete()
            terminal.aws.after = hook
        if operation == "AssociateKmsKey":
            raise Killed

    terminal.aws.after = die_after_the_delete
    with pytest.raises(Killed):
        terminal.upkeep(lambda: alive).enrol(ONE)
    terminal.aws.after = lambda _: None

    terminal.upkeep(lambda: alive).enrol(ONE)

    assert terminal.states() == {"/a/1": (None, None)}


@pytest.mark.parametrize("call", range(30))
def test_a_reconciliation_that_a_delete_overtakes_leaves_nothing_behind_however_short_its_time(call: int) -> None:
    """Around whichever call, and in whichever of its invocations, it stops, and the Delete gives all back."""
    terminal = Terminal(rate_limits=SLOW).having("/a/1", "/a/2", "/b/1", "/b/2", "/c")
    alive, calls = True, 0

    def overtake(_: str) -> None:
        nonlocal alive, calls
        calls += 1
        if calls == call + 1:
            alive = False
            terminal.aws.after = lambda _: None
            terminal.delete()

    terminal.aws.after = overtake
    lost = through(lambda checkpoint: terminal.upkeep(lambda: alive, seconds=45).reconcile(checkpoint))
    terminal.aws.after = lambda _: None
    if alive:
        assert not lost
        terminal.delete()

    assert set(terminal.states().values()) == {(None, None)}


@pytest.mark.parametrize("call", range(1, 7))
@pytest.mark.parametrize("seconds", [20, 25, 30, 35, 40])
def test_a_delete_that_overtakes_the_last_association_of_an_invocation_leaves_nothing_behind(
    call: int, seconds: float
) -> None:
    """Nothing is associated after the Delete has waited, also where the next turn would come too late."""
    terminal = Terminal(rate_limits=SLOW).having("/a/1", "/a/2", "/b/1", "/b/2", "/c")
    calls = 0

    def overtake(operation: str) -> None:
        nonlocal calls
        calls += operation == "TagResource"
        if calls == call:
            terminal.aws.after = lambda _: None
            terminal.delete()

    terminal.aws.after = overtake
    event = Ensure(FLEET, ASKED, sent_at=terminal.clock.now())
    lost = through(lambda checkpoint: lifecycle.ensure(terminal.context(seconds), event, checkpoint))

    assert lost
    assert set(terminal.states().values()) == {(None, None)}


def test_a_delete_between_the_read_of_the_key_and_that_of_the_claim_leaves_no_key_of_the_past() -> None:
    """The key that was read belongs to a claim that is gone: it is not what was there before."""
    terminal = Terminal().having("/a/1")
    terminal.ensure(Ensure(FLEET, ASKED))
    renewed = replace(ASKED, key=NEW)
    alive, reads = True, 0

    def overtake(operation: str) -> None:
        nonlocal alive, reads
        reads += operation == "DescribeLogGroups"
        if alive and reads == 2:
            alive = False
            terminal.aws.after = lambda _: None
            terminal.delete()

    terminal.aws.after = overtake
    event = Ensure(FLEET, renewed, asker=Asker.ENROLMENT)
    upkeep = Upkeep(terminal.context(), ALL, event, lambda: alive, lambda _, __, ___: None)
    through(upkeep.reconcile)
    terminal.aws.after = lambda _: None

    assert terminal.states() == {"/a/1": (None, None)}
