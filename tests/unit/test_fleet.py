"""The fleet: every log group whose name begins so, at the quota, over as many invocations as it takes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import (
    OTHER_STACK_ID,
    FakeAws,
    FakeClock,
    FakeLogGroup,
    concurrent_change,
    fleet,
    key_arn,
    key_policy_denied,
    log_group,
    owner,
    throttled,
    unavailable,
)

from log_group_kms import lifecycle
from log_group_kms.errors import (
    ClaimLost,
    ConcurrentChange,
    KeyPolicyDenied,
    ResourceConflict,
    RoleDenied,
)
from log_group_kms.fleet import WholeFleet
from log_group_kms.model import (
    Association,
    Claim,
    Exclusions,
    Fleet,
    KeyArn,
    KeyName,
    OnDelete,
    OnExistingKey,
    Outcome,
    Owner,
)
from log_group_kms.pacing import Tempo
from log_group_kms.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.plan import Action
from log_group_kms.sweep import Sweep
from log_group_kms.waiting import Patience
from log_group_kms.work import Ensure, Remove, Work

if TYPE_CHECKING:
    from collections.abc import Callable

OURS, NEW, BEFORE, STRANGE = key_arn(1), key_arn(2), key_arn(3), key_arn(4)
ALL = fleet()
LAMBDA = fleet("/aws/lambda/")
ME, SIBLING = owner("Fleet", target=ALL), owner("Renamed", target=ALL)
EXPLICIT, STRANGER = owner(), owner("Fleet", OTHER_STACK_ID, ALL)
ASKED = Association(ALL, OURS)
WRITING = {"AssociateKmsKey", "DisassociateKmsKey", "TagResource", "UntagResource", "CreateLogGroup"}

State = tuple[KeyArn | None, Claim | None]


@dataclass
class World:
    """A fake account, and what a failure would be answered with."""

    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(OURS, NEW, BEFORE, STRANGE))
    clock: FakeClock = field(default_factory=FakeClock)
    tempo: Tempo = field(default_factory=lambda: Tempo(workers=1))
    failure_id: str = "(not told)"
    #: What became of log groups, as the fleet tells it.
    told: list[tuple[str, str]] = field(default_factory=list)
    invocations: int = 0

    def having(self, *names: str, key: KeyArn | None = None, claim: Claim | None = None) -> World:
        """With these log groups in this state."""
        for name in names:
            self.aws.log_groups[log_group(name)] = FakeLogGroup(key, claim)
        return self

    def state(self, name: str) -> State:
        found = self.aws.log_groups[log_group(name)]
        return found.key, found.claim

    def states(self) -> dict[str, State]:
        return {group.name.text: (state.key, state.claim) for group, state in self.aws.log_groups.items()}

    def work(self, seconds: float = 800) -> Work:
        patience = Patience(self.clock, self.clock.time + seconds, jitter=lambda _, most: most)
        return Work(self.aws, self.aws, patience, self._tell, self.tempo)

    def create(self, desired: Association = ASKED, me: Owner = ME, seconds: float = 800) -> Outcome:
        self.failure_id = NOTHING_ASSOCIATED
        return self.through(Ensure(me, desired), seconds)

    def update(
        self,
        desired: Association,
        former: Association | None = ASKED,
        *,
        me: Owner = ME,
        physical_id: str = "",
        seconds: float = 800,
    ) -> Outcome:
        physical_id = physical_id or (former.target.arn if former else desired.target.arn)
        self.failure_id = physical_id
        former_owner = replace(me, scope=former.target.scope) if former and isinstance(former.target, Fleet) else None
        return self.through(Ensure(me, desired, former, physical_id, former_owner), seconds)

    def through(self, event: Ensure, seconds: float = 800) -> Outcome:
        """As many invocations as it takes, each so long; the progress travels as JSON."""
        return self._through(lambda work, sweep: lifecycle.ensure(work, event, sweep), seconds)

    def delete(self, former: Association = ASKED, me: Owner = ME, seconds: float = 800) -> Outcome:
        event = Remove(me, former, minted=True)
        return self._through(lambda work, sweep: lifecycle.remove(work, event, sweep), seconds)

    def _through(self, invoke: Callable[[Work, Sweep | None], Outcome | Sweep], seconds: float) -> Outcome:
        sweep: Sweep | None = None
        for _ in range(100):
            self.invocations += 1
            outcome = invoke(self.work(seconds), sweep)
            if isinstance(outcome, Outcome):
                return outcome
            sweep = Sweep.of_json(json.loads(json.dumps(outcome.as_json())))
            assert sweep == outcome
        raise AssertionError("it does not end")

    def _tell(self, physical_id: str) -> None:
        self.failure_id = physical_id

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.aws.calls)


def held(previous: KeyArn | None = None, key: KeyArn = OURS, me: Owner = ME) -> State:
    """What the fleet leaves on a log group that it has taken."""
    return key, Claim(me, previous)


def numbers(outcome: Outcome) -> tuple[int, int, int]:
    """Associated, compliant, skipped."""
    return outcome.associated, outcome.compliant, outcome.skipped


def many(count: int) -> list[str]:
    """So many names, in order."""
    return [f"/app/{number:05d}" for number in range(count)]


# --- Create -----------------------------------------------------------------------------------------------------------


def test_every_log_group_on_every_page_is_associated_and_claimed() -> None:
    """More log groups than fit on a page; another key is remembered."""
    world = World().having(*many(120)).having("/app/other", key=BEFORE)

    outcome = world.create()

    assert numbers(outcome) == (121, 0, 0)
    assert world.states() == {**{name: held() for name in many(120)}, "/app/other": held(BEFORE)}
    assert outcome.key == OURS
    assert world.failure_id == ALL.arn


def test_only_names_that_begin_so_belong_to_the_fleet() -> None:
    """Others are neither changed nor counted."""
    world = World().having("/aws/lambda/a", "/aws/lambd", "/aws/rds/b", "x/aws/lambda/c")
    me = owner("Fleet", target=LAMBDA)

    outcome = world.create(replace(ASKED, target=LAMBDA), me)

    assert numbers(outcome) == (1, 0, 0)
    assert world.state("/aws/lambda/a") == held(me=me)
    assert [world.state(name) for name in ("/aws/lambd", "/aws/rds/b", "x/aws/lambda/c")] == [(None, None)] * 3


def test_an_empty_fleet_is_no_failure() -> None:
    """Enrolment will bring the log groups."""
    assert numbers(World().create()) == (0, 0, 0)


def test_excluded_log_groups_are_neither_read_nor_counted() -> None:
    """A wildcard stands for any characters, at any place."""
    world = World().having("/a", "/b/secret/x", "/b/open", "/c")

    outcome = world.create(replace(ASKED, exclude=Exclusions(("*secret*", "/c"))))

    assert numbers(outcome) == (2, 0, 0)
    assert (world.state("/b/secret/x"), world.state("/c")) == ((None, None), (None, None))


def test_what_has_the_key_already_is_left_unclaimed() -> None:
    """It was under the key before the fleet, and stays so after it."""
    world = World().having("/a", key=OURS).having("/b")

    created = world.create()
    world.delete()

    assert numbers(created) == (1, 1, 0)
    assert world.states() == {"/a": (OURS, None), "/b": (None, None)}


@pytest.mark.parametrize(
    ("claim", "key"),
    [
        pytest.param(Claim(EXPLICIT, None), STRANGE, id="an explicit resource of the same stack"),
        pytest.param(Claim(owner(stack_id=OTHER_STACK_ID), BEFORE), STRANGE, id="one of another stack"),
        pytest.param(Claim(STRANGER, None), STRANGE, id="another stack's fleet"),
        pytest.param(Claim(EXPLICIT, None), None, id="claimed, and not associated yet"),
    ],
)
def test_what_another_owns_is_left_alone(claim: Claim, key: KeyArn | None) -> None:
    """It is skipped and counted, its key and tags stay."""
    world = World().having("/a", key=key, claim=claim).having("/b")

    outcome = world.create()

    assert numbers(outcome) == (1, 0, 1)
    assert world.state("/a") == (key, claim)
    assert "1 left to another resource" in outcome.note


def test_reserved_log_groups_are_skipped_without_a_call() -> None:
    """Names that begin with aws/ belong to AWS."""
    world = World().having("/a")
    world.aws.reserved.append("aws/spans")

    outcome = world.create()

    assert numbers(outcome) == (1, 0, 1)
    assert "1 reserved for AWS" in outcome.note


@pytest.mark.parametrize("operation", ["DescribeLogGroups", "ListTagsForResource", "TagResource", "AssociateKmsKey"])
@pytest.mark.parametrize("call", [2, 3])
def test_a_log_group_that_vanishes_meanwhile_is_passed_over(operation: str, call: int) -> None:
    """Whenever it goes, the others are done, and it is not counted."""
    world = World().having("/a", "/b", "/c")
    seen = 0

    def vanish(called: str) -> None:
        nonlocal seen
        seen += called == operation
        if called == operation and seen == call:
            for name in ("/b", "/c"):
                if log_group(name) in world.aws.log_groups:
                    del world.aws.log_groups[log_group(name)]

    world.aws.before = vanish
    outcome = world.create()

    assert set(world.states().values()) == {held()}
    assert outcome.associated == len(world.states())


def test_keep_leaves_other_keys_alone() -> None:
    """It claims nothing there, so its Delete changes nothing there."""
    world = World().having("/a", key=STRANGE).having("/b")

    outcome = world.create(replace(ASKED, on_existing_key=OnExistingKey.KEEP))

    assert numbers(outcome) == (1, 0, 1)
    assert world.states() == {"/a": (STRANGE, None), "/b": held()}
    assert "1 kept another key" in outcome.note


def test_fail_looks_at_all_before_it_changes_one() -> None:
    """The conflict on the last page is found before the first log group is changed, and named."""
    world = World().having(*many(70)).having("/zzz", key=STRANGE)

    with pytest.raises(ResourceConflict, match="log-group:/zzz: OnExistingKey is Fail"):
        world.create(replace(ASKED, on_existing_key=OnExistingKey.FAIL))

    assert not WRITING & set(world.aws.calls)


def test_fail_accepts_what_others_own() -> None:
    """That is skipped, as always; there is nothing to fail for."""
    claim = Claim(EXPLICIT, None)
    world = World().having("/a").having("/b", key=STRANGE, claim=claim)

    outcome = world.create(replace(ASKED, on_existing_key=OnExistingKey.FAIL))

    assert numbers(outcome) == (1, 0, 1)
    assert world.state("/b") == (STRANGE, claim)


def test_a_key_at_fault_is_met_once() -> None:
    """The first refusal that is final ends it: not one window per log group."""
    world = World(tempo=Tempo(workers=8)).having(*many(60))
    world.aws.closed_to_logs.add(OURS)

    with pytest.raises(KeyPolicyDenied) as refused:
        world.create()

    claimed = [name for name, (_, claim) in world.states().items() if claim]
    assert claimed == ["/app/00000"]
    assert refused.value.waited == pytest.approx(120, abs=15)
    assert world.failure_id == ALL.arn


def test_a_failure_tells_the_counts_so_far() -> None:
    """Whoever reads the Reason knows how far it came."""
    world = World().having(*many(60))
    world.aws.before = lambda _: world.aws.closed_to_logs.add(OURS) if world.counts["AssociateKmsKey"] == 55 else None

    with pytest.raises(KeyPolicyDenied) as refused:
        world.create()

    assert refused.value.__notes__ == ["Of its log groups: 55 associated."]


def test_an_alias_is_resolved_once() -> None:
    """All log groups get the key that it meant at the begin, also in a further invocation."""
    world = World().having(*many(200))
    world.aws.aliases["alias/logs"] = OURS
    world.aws.after = lambda operation: (
        world.aws.aliases.update({"alias/logs": NEW}) if operation == "AssociateKmsKey" else None
    )

    outcome = world.create(replace(ASKED, key=KeyName("alias/logs")), seconds=40)

    assert world.invocations > 1
    assert outcome.key == OURS
    assert {key for key, _ in world.states().values()} == {OURS}
    assert world.counts["DescribeKey"] == 1


# --- redelivered, renamed, replaced -----------------------------------------------------------------------------------


def test_a_second_run_over_a_compliant_fleet_lists_and_does_nothing_else() -> None:
    """No writing call, and none per log group: one for each page of 50."""
    world = World().having(*many(240))
    world.create()
    world.aws.calls.clear()

    outcome = world.update(ASKED)

    assert numbers(outcome) == (0, 240, 0)
    assert world.counts == {"DescribeLogGroups": 5}


def test_a_create_that_is_delivered_again_changes_nothing() -> None:
    """What was there before stays remembered."""
    world = World().having("/a", key=BEFORE).having("/b")
    world.create()
    world.aws.calls.clear()

    outcome = world.create()

    assert numbers(outcome) == (0, 2, 0)
    assert not WRITING & set(world.aws.calls)
    assert world.states() == {"/a": held(BEFORE), "/b": held()}


def test_a_renamed_fleet_takes_over_with_what_was_remembered() -> None:
    """The Delete of the old logical id then finds nothing of its own, and no log group loses its key."""
    world = World().having("/a", key=BEFORE).having(*many(60))
    world.create()

    outcome = world.create(me=SIBLING)
    world.delete()

    assert numbers(outcome) == (0, 61, 0)
    assert world.states() == {"/a": held(BEFORE, me=SIBLING), **{name: held(me=SIBLING) for name in many(60)}}


@pytest.mark.parametrize(("old", "new"), [(ALL, LAMBDA), (LAMBDA, ALL)], ids=["narrower", "wider"])
def test_another_prefix_keeps_what_both_match(old: Fleet, new: Fleet) -> None:
    """The Delete of the old id in the clean-up gives back what only that one matched."""
    world = World().having("/aws/lambda/a", key=BEFORE).having("/other")
    before, after = owner("Fleet", target=old), owner("Fleet", target=new)
    world.create(replace(ASKED, target=old), before)

    outcome = world.update(replace(ASKED, target=new), replace(ASKED, target=old), me=after)
    world.delete(replace(ASKED, target=old), before)

    assert outcome.target == new
    assert world.failure_id == new.arn
    assert world.state("/aws/lambda/a") == held(BEFORE, me=after)
    assert world.state("/other") == (held(me=after) if new == ALL else (None, None))


def test_the_rollback_of_another_prefix_gives_back_what_was_abandoned() -> None:
    """An Update that died had claimed for a fleet of which CloudFormation never heard; the Update back releases it."""
    world = World().having("/aws/lambda/a").having("/other", key=BEFORE)
    narrow, wide = owner("Fleet", target=LAMBDA), owner("Fleet", target=ALL)
    world.create(replace(ASKED, target=LAMBDA), narrow)
    world.update(ASKED, replace(ASKED, target=LAMBDA), me=wide)

    world.update(replace(ASKED, target=LAMBDA), ASKED, me=narrow, physical_id=LAMBDA.arn)

    assert world.states() == {"/aws/lambda/a": held(me=narrow), "/other": (BEFORE, None)}


# --- Update -----------------------------------------------------------------------------------------------------------


def test_a_new_key_is_associated_over_the_old_one() -> None:
    """What was there before the fleet stays remembered; there is no moment without a key."""
    world = World().having("/a", key=BEFORE).having("/b")
    world.create()
    world.aws.calls.clear()

    outcome = world.update(replace(ASKED, key=NEW))

    assert numbers(outcome) == (2, 0, 0)
    assert world.states() == {"/a": held(BEFORE, NEW), "/b": held(None, NEW)}
    assert "DisassociateKmsKey" not in world.counts


def test_a_key_that_was_there_before_is_no_former_key_of_the_fleet() -> None:
    """A log group that had the fleet's old key without its doing gets that one back."""
    world = World().having("/a", key=OURS)
    world.create()
    world.update(replace(ASKED, key=NEW))

    assert world.state("/a") == held(OURS, NEW)
    world.delete(replace(ASKED, key=NEW))
    assert world.state("/a") == (OURS, None)


def test_what_is_newly_excluded_is_given_back() -> None:
    """Others that are excluded, before or by now, are not touched."""
    world = World().having("/a", key=BEFORE).having("/b", "/c").having("/d", claim=Claim(EXPLICIT, None), key=STRANGE)
    old = replace(ASKED, exclude=Exclusions(("/c",)))
    world.create(old)

    outcome = world.update(replace(ASKED, exclude=Exclusions(("/a", "/c", "/d"))), old)

    assert world.states() == {
        "/a": (BEFORE, None),
        "/b": held(),
        "/c": (None, None),
        "/d": (STRANGE, Claim(EXPLICIT, None)),
    }
    assert numbers(outcome) == (0, 1, 0)


def test_what_is_no_longer_excluded_is_associated() -> None:
    """The fleet has grown."""
    world = World().having("/a", "/b")
    old = replace(ASKED, exclude=Exclusions(("/a",)))
    world.create(old)

    outcome = world.update(ASKED, old)

    assert numbers(outcome) == (1, 1, 0)
    assert world.states() == {"/a": held(), "/b": held()}


def test_an_update_mends_what_was_changed_by_hand() -> None:
    """Drift is put right like a new key."""
    world = World().having("/a", "/b", "/c")
    world.create()
    world.aws.log_groups[log_group("/a")].key = None
    world.aws.log_groups[log_group("/b")].key = STRANGE

    outcome = world.update(ASKED)

    assert numbers(outcome) == (2, 1, 0)
    assert set(world.states().values()) == {held()}


# --- Delete -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on_delete", "keys"),
    [
        (OnDelete.RESTORE_PREVIOUS, [BEFORE, None]),
        (OnDelete.DISASSOCIATE, [None, None]),
        (OnDelete.RETAIN, [OURS, OURS]),
    ],
)
def test_a_delete_gives_back_what_the_fleet_owns(on_delete: OnDelete, keys: list[KeyArn | None]) -> None:
    """As OnDelete says, on every page; no tag stays."""
    world = World().having("/a", key=BEFORE).having("/b", *many(60))
    world.create()

    outcome = world.delete(replace(ASKED, on_delete=on_delete))

    assert [world.state("/a"), world.state("/b")] == [(key, None) for key in keys]
    assert {claim for _, claim in world.states().values()} == {None}
    assert "62 given back" in outcome.note


def test_a_delete_touches_nothing_else() -> None:
    """Neither what others own, nor what has the fleet's key without its doing."""
    claim = Claim(EXPLICIT, BEFORE)
    world = World().having("/a").having("/b", key=OURS).having("/c", key=OURS, claim=claim)
    world.create()
    world.having("/d", key=OURS)

    world.delete()
    world.delete()

    assert world.states() == {"/a": (None, None), "/b": (OURS, None), "/c": (OURS, claim), "/d": (OURS, None)}


def test_a_delete_gives_back_also_what_was_changed_by_hand() -> None:
    """The tags say whose it is."""
    world = World().having("/a", key=BEFORE).having("/b")
    world.create()
    world.aws.log_groups[log_group("/a")].key = None
    world.aws.log_groups[log_group("/b")].key = STRANGE

    world.delete()

    assert world.states() == {"/a": (BEFORE, None), "/b": (None, None)}


def test_a_delete_leaves_what_an_explicit_resource_took_over() -> None:
    """The last writer wins."""
    world = World().having("/a", "/b")
    world.create()
    lifecycle.ensure(world.work(), Ensure(EXPLICIT, Association(log_group("/a"), NEW)))

    world.delete()

    assert world.states() == {"/a": (NEW, Claim(EXPLICIT, OURS)), "/b": (None, None)}


def test_a_previous_key_that_is_gone_is_waited_for_once() -> None:
    """All others that had it are left without a key, at once, and told."""
    world = World().having(*many(30), key=BEFORE)
    world.create()
    world.aws.closed_to_logs.add(BEFORE)
    begun = world.clock.now()

    outcome = world.delete()

    assert set(world.states().values()) == {(None, None)}
    assert "30 left without a key" in outcome.note
    assert world.clock.now() - begun < 30 * 0.2 * 2 + 15


# --- busy, throttled, failing -----------------------------------------------------------------------------------------


def test_a_busy_log_group_holds_nobody_up_and_is_done_at_the_end() -> None:
    """It is put aside after seconds, and comes again when all others are done."""
    world = World().having("/a", "/b", "/c")
    busy_until = world.clock.now() + 20

    def refuse(operation: str) -> None:
        if operation == "AssociateKmsKey" and world.clock.now() < busy_until and not world.state("/b")[0]:
            world.aws.refuse(operation, concurrent_change())

    world.aws.before = refuse
    outcome = world.create()

    assert numbers(outcome) == (3, 0, 0)
    assert set(world.states().values()) == {held()}


def test_a_log_group_that_stays_busy_fails_the_fleet_when_all_others_are_done() -> None:
    """Nobody is told that all is encrypted while one is not."""
    world = World().having("/a", "/b", "/c")

    def refuse(operation: str) -> None:
        a = world.aws.log_groups[log_group("/a")]
        if operation == "AssociateKmsKey" and a.claim and not a.key:
            others = [world.state(name)[1] for name in ("/b", "/c")]
            if all(claim is None or world.state(name)[0] for name, claim in zip(("/b", "/c"), others, strict=True)):
                world.aws.refuse(operation, concurrent_change())

    world.aws.before = refuse
    with pytest.raises(ConcurrentChange):
        world.create()

    assert [world.state(name) for name in ("/b", "/c")] == [held(), held()]


def test_a_busy_log_group_of_a_delete_is_given_back_at_the_end() -> None:
    """As on Create."""
    world = World().having("/a", "/b")
    world.create()
    world.aws.refuse("DisassociateKmsKey", *[concurrent_change()] * 5)

    world.delete()

    assert set(world.states().values()) == {(None, None)}


def test_refusals_that_pass_are_waited_out() -> None:
    """Throttling and failures in transit cost time, and nothing else."""
    world = World().having(*many(20))
    world.aws.refuse("AssociateKmsKey", throttled(), throttled(), unavailable(), key_policy_denied())
    world.aws.refuse("DescribeLogGroups", throttled("DescribeLogGroups"))
    world.aws.refuse("ListTagsForResource", throttled("ListTagsForResource"))

    assert numbers(world.create()) == (20, 0, 0)
    assert set(world.states().values()) == {held()}


def test_a_role_without_permission_ends_it() -> None:
    """No log group will fare better."""
    world = World().having(*many(5))
    denied = RoleDenied("TagResource", "AccessDeniedException", "not authorized", action="logs:TagResource")
    world.aws.refuse("TagResource", *[denied] * 50)

    with pytest.raises(RoleDenied):
        world.create()

    assert set(world.states().values()) == {(None, None)}
    assert world.failure_id == PERHAPS_ASSOCIATED


# --- pace -------------------------------------------------------------------------------------------------------------


def test_associations_are_drawn_apart_by_the_quota() -> None:
    """Never more than five in a second, and no slower than that by more than a twentieth."""
    world = World().having(*many(200))
    times: list[float] = []
    world.aws.after = lambda operation: times.append(world.clock.now()) if operation == "AssociateKmsKey" else None

    world.create()

    assert min(later - earlier for earlier, later in zip(times, times[5:], strict=False)) >= 1.0
    assert times[-1] - times[0] <= 200 / 5 * 1.05


def test_log_groups_that_need_no_change_take_no_turn() -> None:
    """Four hundred kept keys do not take the eighty seconds of four hundred associations."""
    world = World(tempo=Tempo(reads=1000, pages=1000, workers=1)).having(*many(400), key=STRANGE)
    begun = world.clock.now()

    world.create(replace(ASKED, on_existing_key=OnExistingKey.KEEP))

    assert world.clock.now() - begun < 5


def test_several_at_once_end_as_one_by_one() -> None:
    """Threads change nothing but the time that it takes."""
    world = World(tempo=Tempo(workers=8)).having(*many(130)).having("/kept", key=STRANGE, claim=Claim(EXPLICIT, None))

    outcome = world.create()

    assert numbers(outcome) == (130, 0, 1)
    assert {world.state(name) for name in many(130)} == {held()}
    assert world.counts["AssociateKmsKey"] == 130


# --- further invocations ----------------------------------------------------------------------------------------------


def test_what_does_not_fit_into_one_invocation_goes_on_in_the_next() -> None:
    """Every log group is changed once, and the counts are those of all invocations."""
    world = World().having(*many(300)).having("/zz", key=OURS)

    outcome = world.create(seconds=40)

    assert world.invocations > 2
    assert numbers(outcome) == (300, 1, 0)
    assert world.counts["AssociateKmsKey"] == 300
    assert {world.state(name) for name in many(300)} == {held()}


def test_a_delete_goes_on_in_the_next_invocation_too() -> None:
    """Until all is given back."""
    world = World().having(*many(200))
    world.create()
    world.invocations = 0

    outcome = world.delete(seconds=40)

    assert world.invocations > 1
    assert "200 given back" in outcome.note
    assert set(world.states().values()) == {(None, None)}


def test_a_token_that_is_too_old_begins_the_listing_anew() -> None:
    """Nothing is done twice, and nothing counted twice."""
    world = World().having(*many(120))
    event = Ensure(ME, ASKED)
    sweep = lifecycle.ensure(world.work(30), event)
    assert isinstance(sweep, Sweep)
    assert sweep.token
    world.aws.stale_tokens.add(sweep.token)

    outcome = lifecycle.ensure(world.work(), event, sweep)

    assert isinstance(outcome, Outcome)
    assert numbers(outcome) == (120, 0, 0)
    assert world.counts["AssociateKmsKey"] == 120


def test_a_refusal_that_the_end_of_the_invocation_cuts_short_is_no_failure() -> None:
    """The next invocation asks again."""
    world = World().having(*many(10))
    until = world.clock.now() + 100
    world.aws.before = lambda operation: (
        world.aws.refuse(operation, throttled())
        if operation == "AssociateKmsKey" and world.clock.now() < until
        else None
    )

    outcome = world.create(seconds=60)

    assert world.invocations > 1
    assert numbers(outcome) == (10, 0, 0)


# --- a Delete that passes by ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [1, 2, 30, 49, 50, 51, 52, 80, 118, 119, 120])
def test_a_delete_that_overtakes_a_create_leaves_nothing_behind(call: int) -> None:
    """Whenever it comes after the first claim, at the end nothing is encrypted or owned."""
    world = World().having("/a", key=BEFORE).having(*many(119))

    def overtake(operation: str) -> None:
        if operation == "AssociateKmsKey" and world.counts[operation] == call:
            world.aws.after = lambda _: None
            world.delete()

    world.aws.after = overtake
    with pytest.raises(ClaimLost):
        world.create()

    assert world.state("/a") == (BEFORE, None)
    assert {world.state(name) for name in many(119)} == {(None, None)}


def test_one_log_group_whose_tags_someone_took_off_is_claimed_again() -> None:
    """The witnesses still stand, so that no Delete passed by."""
    world = World().having(*many(20))

    def strip(operation: str) -> None:
        if operation == "AssociateKmsKey" and world.counts[operation] == 10:
            world.aws.log_groups[log_group("/app/00009")].claim = None

    world.aws.after = strip
    outcome = world.create()

    assert outcome.associated == 20
    assert set(world.states().values()) == {held()}


def test_an_explicit_resource_that_comes_in_between_keeps_the_log_group() -> None:
    """The last writer wins, and it is counted as left to it."""
    world = World().having("/a", "/b", "/c")
    explicit = Ensure(EXPLICIT, Association(log_group("/b"), NEW))

    def come(operation: str) -> None:
        if operation == "TagResource" and (world.state("/b")[1] or Claim(STRANGER, None)).owner == ME:
            world.aws.after = lambda _: None
            lifecycle.ensure(world.work(), explicit)

    world.aws.after = come
    outcome = world.create()

    _, claim = world.state("/b")
    assert claim
    assert claim.owner == EXPLICIT
    assert numbers(outcome) == (2, 0, 1)


# --- a crash ----------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The function's process is gone."""


@pytest.mark.parametrize("call", range(1, 60, 3))
def test_a_crash_costs_no_log_group_a_second_change(call: int) -> None:
    """Delivered again, the event passes over what is done: at most the call that was at work is made twice."""
    world = World().having("/a", key=BEFORE).having(*many(9))
    calls = 0

    def die(_: str) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            world.aws.after = lambda _: None
            raise Killed

    world.aws.after = die
    if len(world.aws.calls) < call:
        try:
            world.create()
        except Killed:
            world.create()

    assert world.states() == {"/a": held(BEFORE), **{name: held() for name in many(9)}}
    assert world.counts["AssociateKmsKey"] <= 11


# --- enrolment and reconciliation -------------------------------------------------------------------------------------


def enrolling(desired: Association = ASKED) -> Ensure:
    """What enrolment and reconciliation want."""
    return Ensure(ME, desired, desired, desired.target.arn, ME, enrolling=True)


def test_reconciliation_mends_drift_and_finds_what_was_missed() -> None:
    """What it associates belongs to the fleet, so that the fleet's Delete gives it back."""
    world = World().having(*many(60))
    world.create()
    world.having("/new").having("/b", key=BEFORE)
    world.aws.log_groups[log_group("/app/00007")].key = None

    outcome = world.through(enrolling())

    assert numbers(outcome) == (3, 59, 0)
    assert world.state("/b") == held(BEFORE)
    world.delete()
    assert world.states() == {**dict.fromkeys((*many(60), "/new"), (None, None)), "/b": (BEFORE, None)}


def test_reconciliation_leaves_explicit_owners_and_other_fleets_alone() -> None:
    """Also another fleet of its own stack: which of the two comes after, only CloudFormation knows."""
    claims = [Claim(EXPLICIT, None), Claim(STRANGER, None), Claim(SIBLING, None)]
    world = World()
    for number, claim in enumerate(claims):
        world.having(f"/{number}", key=STRANGE, claim=claim)

    outcome = world.through(enrolling())

    assert numbers(outcome) == (0, 0, 3)
    assert [claim for _, claim in world.states().values()] == claims


def test_reconciliation_undoes_what_a_delete_overtook() -> None:
    """The fleet is gone: nothing stays behind in its name."""
    world = World().having("/a", "/b", "/c")

    def overtake(operation: str) -> None:
        if operation == "AssociateKmsKey" and world.counts[operation] == 2:
            world.aws.after = lambda _: None
            world.delete()

    world.aws.after = overtake
    with pytest.raises(ClaimLost):
        world.through(enrolling())

    assert set(world.states().values()) == {(None, None)}


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_a_plan_tells_what_would_be_done_and_does_nothing() -> None:
    """Each log group with its action, its key and its owner."""
    world = World().having("/a").having("/b", key=STRANGE).having("/c", key=OURS)
    world.having("/d", key=STRANGE, claim=Claim(EXPLICIT, None)).having("/e").having(
        "/f", key=OURS, claim=Claim(SIBLING, None)
    )
    world.aws.reserved.append("aws/spans")
    desired = replace(ASKED, exclude=Exclusions(("/e",)))

    planned = list(WholeFleet(world.work(), ALL).plan(Ensure(ME, desired)))

    assert [(one.name, one.action, one.key, one.owner) for one in planned] == [
        ("/a", Action.ASSOCIATE, None, None),
        ("/b", Action.REKEY, STRANGE, None),
        ("/c", Action.COMPLIANT, OURS, None),
        ("/d", Action.LEAVE, STRANGE, EXPLICIT),
        ("/e", Action.EXCLUDED, None, None),
        ("/f", Action.TAKE_OVER, OURS, SIBLING),
        ("aws/spans", Action.RESERVED, None, None),
    ]
    assert not WRITING & set(world.aws.calls)


@pytest.mark.parametrize(
    ("on_existing_key", "action"), [(OnExistingKey.KEEP, Action.KEEP), (OnExistingKey.FAIL, Action.CONFLICT)]
)
def test_a_plan_tells_kept_keys_and_conflicts(on_existing_key: OnExistingKey, action: Action) -> None:
    """A conflict does not end the plan."""
    world = World().having("/a", key=STRANGE).having("/b")

    planned = list(WholeFleet(world.work(), ALL).plan(Ensure(ME, replace(ASKED, on_existing_key=on_existing_key))))

    assert [one.action for one in planned] == [action, Action.ASSOCIATE]


def test_the_plan_is_what_comes_to_pass() -> None:
    """What is planned to change changes, and nothing else."""
    world = World().having(*many(70)).having("/b", key=STRANGE, claim=Claim(EXPLICIT, None)).having("/c", key=OURS)
    planned = {one.name for one in WholeFleet(world.work(), ALL).plan(Ensure(ME, ASKED)) if one.changes}
    before = world.states()

    world.create()

    assert {name for name, state in world.states().items() if state != before[name]} == planned


# --- ten thousand -----------------------------------------------------------------------------------------------------


def test_ten_thousand_log_groups() -> None:
    """In the hours that the quota asks for, over many invocations, each changed once; then all are given back."""
    world = World().having(*many(10_000))

    created = world.create(seconds=845)
    assert numbers(created) == (10_000, 0, 0)
    assert world.counts["AssociateKmsKey"] == 10_000
    assert world.invocations == pytest.approx(10_000 / 5 / 830, abs=1)
    assert numbers(world.update(ASKED)) == (0, 10_000, 0)

    assert world.delete(seconds=845).associated == 10_000
    assert set(world.states().values()) == {(None, None)}
