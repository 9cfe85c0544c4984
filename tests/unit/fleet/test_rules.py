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
from support.trails import TellingTrail

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Asker, Ensure, Remove, Update
from log_group_kms.fleet.checkpoint import Checkpoint
from log_group_kms.fleet.plan import Action
from log_group_kms.fleet.rules import FleetRules
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnDelete, OnExistingKey
from log_group_kms.model.errors import ClaimLost, ConcurrentChange, KeyPolicyDenied, ResourceConflict, RoleDenied
from log_group_kms.model.keys import KeyArn, KeyName
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.model.results import Outcome
from log_group_kms.model.targets import Exclusions, Fleet
from log_group_kms.retry.rate_limits import RateLimits
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable

OURS, NEW, BEFORE, STRANGE = key_arn(1), key_arn(2), key_arn(3), key_arn(4)
ALL = fleet()
LAMBDA = fleet("/aws/lambda/")
ME, SIBLING = owner("Fleet", target=ALL), owner("Renamed", target=ALL)
EXPLICIT, STRANGER = owner(), owner("Fleet", OTHER_STACK_ID, ALL)
ASKED = Association(ALL, OURS, on_existing_key=OnExistingKey.OVERRIDE)
WRITING = {"AssociateKmsKey", "DisassociateKmsKey", "TagResource", "UntagResource", "CreateLogGroup"}

State = tuple[KeyArn | None, Claim | None]


@dataclass
class Terminal:
    """A fake account, and what a failure would be answered with."""

    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(OURS, NEW, BEFORE, STRANGE))
    clock: FakeClock = field(default_factory=FakeClock)
    rate_limits: RateLimits = field(default_factory=lambda: RateLimits(workers=1))
    failure_id: str = "(not told)"
    #: What became of log groups, as the fleet tells it.
    told: list[tuple[str, str]] = field(default_factory=list)
    invocations: int = 0

    def having(self, *names: str, key: KeyArn | None = None, claim: Claim | None = None) -> Terminal:
        """With these log groups in this state."""
        for name in names:
            self.aws.log_groups[log_group(name)] = FakeLogGroup(key, claim)
        return self

    def state(self, name: str) -> State:
        found = self.aws.log_groups[log_group(name)]
        return found.key, found.claim

    def states(self) -> dict[str, State]:
        return {group.name.text: (state.key, state.claim) for group, state in self.aws.log_groups.items()}

    def work(self, seconds: float = 800) -> Context:
        retrier = Retrier(self.clock, self.clock.time + seconds, jitter=lambda _, most: most)
        return Context.of(self.aws, self.aws, retrier, TellingTrail(self._tell), self.rate_limits)

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
        return self.through(Ensure(me, desired, Update(physical_id, former, former_owner)), seconds)

    def through(self, event: Ensure, seconds: float = 800) -> Outcome:
        """As many invocations as it takes, each so long; the progress travels as JSON."""
        return self._through(lambda work, checkpoint: lifecycle.ensure(work, event, checkpoint), seconds)

    def delete(self, former: Association = ASKED, me: Owner = ME, seconds: float = 800) -> Outcome:
        event = Remove.of(me, former, minted=True)
        return self._through(lambda work, checkpoint: lifecycle.remove(work, event, checkpoint), seconds)

    def _through(self, invoke: Callable[[Context, Checkpoint | None], Outcome | Checkpoint], seconds: float) -> Outcome:
        checkpoint: Checkpoint | None = None
        for _ in range(100):
            self.invocations += 1
            outcome = invoke(self.work(seconds), checkpoint)
            if isinstance(outcome, Outcome):
                return outcome
            checkpoint = Checkpoint.of_json(json.loads(json.dumps(outcome.as_json())))
            assert checkpoint == outcome
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
    terminal = Terminal().having(*many(120)).having("/app/other", key=BEFORE)

    outcome = terminal.create()

    assert numbers(outcome) == (121, 0, 0)
    assert terminal.states() == {**{name: held() for name in many(120)}, "/app/other": held(BEFORE)}
    assert outcome.key == OURS
    assert terminal.failure_id == ALL.arn


def test_only_names_that_begin_so_belong_to_the_fleet() -> None:
    """Others are neither changed nor counted."""
    terminal = Terminal().having("/aws/lambda/a", "/aws/lambd", "/aws/rds/b", "x/aws/lambda/c")
    me = owner("Fleet", target=LAMBDA)

    outcome = terminal.create(replace(ASKED, target=LAMBDA), me)

    assert numbers(outcome) == (1, 0, 0)
    assert terminal.state("/aws/lambda/a") == held(me=me)
    assert [terminal.state(name) for name in ("/aws/lambd", "/aws/rds/b", "x/aws/lambda/c")] == [(None, None)] * 3


def test_an_empty_fleet_is_no_failure() -> None:
    """Enrolment will bring the log groups."""
    assert numbers(Terminal().create()) == (0, 0, 0)


def test_excluded_log_groups_are_neither_read_nor_counted() -> None:
    """A wildcard stands for any characters, at any place."""
    terminal = Terminal().having("/a", "/b/secret/x", "/b/open", "/c")

    outcome = terminal.create(replace(ASKED, exclude=Exclusions(("*secret*", "/c"))))

    assert numbers(outcome) == (2, 0, 0)
    assert (terminal.state("/b/secret/x"), terminal.state("/c")) == ((None, None), (None, None))


def test_what_has_the_key_already_is_left_unclaimed() -> None:
    """It was under the key before the fleet, and stays so after it."""
    terminal = Terminal().having("/a", key=OURS).having("/b")

    created = terminal.create()
    terminal.delete()

    assert numbers(created) == (1, 1, 0)
    assert terminal.states() == {"/a": (OURS, None), "/b": (None, None)}


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
    terminal = Terminal().having("/a", key=key, claim=claim).having("/b")

    outcome = terminal.create()

    assert numbers(outcome) == (1, 0, 1)
    assert terminal.state("/a") == (key, claim)
    assert "1 left to another resource" in outcome.note


def test_reserved_log_groups_are_skipped_without_a_call() -> None:
    """Names that begin with aws/ belong to AWS."""
    terminal = Terminal().having("/a")
    terminal.aws.reserved.append("aws/spans")

    outcome = terminal.create()

    assert numbers(outcome) == (1, 0, 1)
    assert "1 reserved for AWS" in outcome.note


@pytest.mark.parametrize("operation", ["DescribeLogGroups", "ListTagsForResource", "TagResource", "AssociateKmsKey"])
@pytest.mark.parametrize("call", [2, 3])
def test_a_log_group_that_vanishes_meanwhile_is_passed_over(operation: str, call: int) -> None:
    """Whenever it goes, the others are done, and it is not counted."""
    terminal = Terminal().having("/a", "/b", "/c")
    seen = 0

    def vanish(called: str) -> None:
        nonlocal seen
        seen += called == operation
        if called == operation and seen == call:
            for name in ("/b", "/c"):
                if log_group(name) in terminal.aws.log_groups:
                    del terminal.aws.log_groups[log_group(name)]

    terminal.aws.before = vanish
    outcome = terminal.create()

    assert set(terminal.states().values()) == {held()}
    assert outcome.associated == len(terminal.states())


def test_keep_leaves_other_keys_alone() -> None:
    """It claims nothing there, so its Delete changes nothing there."""
    terminal = Terminal().having("/a", key=STRANGE).having("/b")

    outcome = terminal.create(replace(ASKED, on_existing_key=OnExistingKey.KEEP))

    assert numbers(outcome) == (1, 0, 1)
    assert terminal.states() == {"/a": (STRANGE, None), "/b": held()}
    assert "1 kept another key" in outcome.note


def test_fail_looks_at_all_before_it_changes_one() -> None:
    """The conflict on the last page is found before the first log group is changed, and named."""
    terminal = Terminal().having(*many(70)).having("/zzz", key=STRANGE)

    with pytest.raises(ResourceConflict, match="log-group:/zzz: OnExistingKey is Fail"):
        terminal.create(replace(ASKED, on_existing_key=OnExistingKey.FAIL))

    assert not WRITING & set(terminal.aws.calls)


def test_fail_accepts_what_others_own() -> None:
    """That is skipped, as always; there is nothing to fail for."""
    claim = Claim(EXPLICIT, None)
    terminal = Terminal().having("/a").having("/b", key=STRANGE, claim=claim)

    outcome = terminal.create(replace(ASKED, on_existing_key=OnExistingKey.FAIL))

    assert numbers(outcome) == (1, 0, 1)
    assert terminal.state("/b") == (STRANGE, claim)


def test_a_key_at_fault_is_met_once() -> None:
    """The first refusal that is final ends it: not one window per log group."""
    terminal = Terminal(rate_limits=RateLimits(workers=8)).having(*many(60))
    terminal.aws.closed_to_logs.add(OURS)

    with pytest.raises(KeyPolicyDenied) as refused:
        terminal.create()

    claimed = [name for name, (_, claim) in terminal.states().items() if claim]
    assert claimed == ["/app/00000"]
    assert refused.value.waited == pytest.approx(120, abs=15)
    assert terminal.failure_id == ALL.arn


def test_a_failure_tells_the_counts_so_far() -> None:
    """Whoever reads the Reason knows how far it came."""
    terminal = Terminal().having(*many(60))
    terminal.aws.before = lambda _: (
        terminal.aws.closed_to_logs.add(OURS) if terminal.counts["AssociateKmsKey"] == 55 else None
    )

    with pytest.raises(KeyPolicyDenied) as refused:
        terminal.create()

    assert refused.value.__notes__ == ["Of its log groups: 55 associated."]


def test_an_alias_is_resolved_once() -> None:
    """All log groups get the key that it meant at the begin, also in a further invocation."""
    terminal = Terminal().having(*many(200))
    terminal.aws.aliases["alias/logs"] = OURS
    terminal.aws.after = lambda operation: (
        terminal.aws.aliases.update({"alias/logs": NEW}) if operation == "AssociateKmsKey" else None
    )

    outcome = terminal.create(replace(ASKED, key=KeyName("alias/logs")), seconds=40)

    assert terminal.invocations > 1
    assert outcome.key == OURS
    assert {key for key, _ in terminal.states().values()} == {OURS}
    assert terminal.counts["DescribeKey"] == 1


# --- redelivered, renamed, replaced -----------------------------------------------------------------------------------


def test_a_second_run_over_a_compliant_fleet_lists_and_does_nothing_else() -> None:
    """No writing call, and none per log group: one for each page of 50."""
    terminal = Terminal().having(*many(240))
    terminal.create()
    terminal.aws.calls.clear()

    outcome = terminal.update(ASKED)

    assert numbers(outcome) == (0, 240, 0)
    assert terminal.counts == {"DescribeLogGroups": 5}


def test_a_create_that_is_delivered_again_changes_nothing() -> None:
    """What was there before stays remembered."""
    terminal = Terminal().having("/a", key=BEFORE).having("/b")
    terminal.create()
    terminal.aws.calls.clear()

    outcome = terminal.create()

    assert numbers(outcome) == (0, 2, 0)
    assert not WRITING & set(terminal.aws.calls)
    assert terminal.states() == {"/a": held(BEFORE), "/b": held()}


def test_a_renamed_fleet_takes_over_with_what_was_remembered() -> None:
    """The Delete of the old logical id then finds nothing of its own, and no log group loses its key."""
    terminal = Terminal().having("/a", key=BEFORE).having(*many(60))
    terminal.create()

    outcome = terminal.create(me=SIBLING)
    terminal.delete()

    assert numbers(outcome) == (0, 61, 0)
    assert terminal.states() == {"/a": held(BEFORE, me=SIBLING), **{name: held(me=SIBLING) for name in many(60)}}


@pytest.mark.parametrize(("old", "new"), [(ALL, LAMBDA), (LAMBDA, ALL)], ids=["narrower", "wider"])
def test_another_prefix_keeps_what_both_match(old: Fleet, new: Fleet) -> None:
    """The Delete of the old id in the clean-up gives back what only that one matched."""
    terminal = Terminal().having("/aws/lambda/a", key=BEFORE).having("/other")
    before, after = owner("Fleet", target=old), owner("Fleet", target=new)
    terminal.create(replace(ASKED, target=old), before)

    outcome = terminal.update(replace(ASKED, target=new), replace(ASKED, target=old), me=after)
    terminal.delete(replace(ASKED, target=old), before)

    assert outcome.target == new
    assert terminal.failure_id == new.arn
    assert terminal.state("/aws/lambda/a") == held(BEFORE, me=after)
    assert terminal.state("/other") == (held(me=after) if new == ALL else (None, None))


def test_the_rollback_of_another_prefix_gives_back_what_was_abandoned() -> None:
    """An Update that died had claimed for a fleet of which CloudFormation never heard; the Update back releases it."""
    terminal = Terminal().having("/aws/lambda/a").having("/other", key=BEFORE)
    narrow, wide = owner("Fleet", target=LAMBDA), owner("Fleet", target=ALL)
    terminal.create(replace(ASKED, target=LAMBDA), narrow)
    terminal.update(ASKED, replace(ASKED, target=LAMBDA), me=wide)

    terminal.update(replace(ASKED, target=LAMBDA), ASKED, me=narrow, physical_id=LAMBDA.arn)

    assert terminal.states() == {"/aws/lambda/a": held(me=narrow), "/other": (BEFORE, None)}


# --- Update -----------------------------------------------------------------------------------------------------------


def test_a_new_key_is_associated_over_the_old_one() -> None:
    """What was there before the fleet stays remembered; there is no moment without a key."""
    terminal = Terminal().having("/a", key=BEFORE).having("/b")
    terminal.create()
    terminal.aws.calls.clear()

    outcome = terminal.update(replace(ASKED, key=NEW))

    assert numbers(outcome) == (2, 0, 0)
    assert terminal.states() == {"/a": held(BEFORE, NEW), "/b": held(None, NEW)}
    assert "DisassociateKmsKey" not in terminal.counts


def test_a_key_that_was_there_before_is_no_former_key_of_the_fleet() -> None:
    """A log group that had the fleet's old key without its doing gets that one back."""
    terminal = Terminal().having("/a", key=OURS)
    terminal.create()
    terminal.update(replace(ASKED, key=NEW))

    assert terminal.state("/a") == held(OURS, NEW)
    terminal.delete(replace(ASKED, key=NEW))
    assert terminal.state("/a") == (OURS, None)


def test_what_is_newly_excluded_is_given_back() -> None:
    """Others that are excluded, before or by now, are not touched."""
    terminal = (
        Terminal().having("/a", key=BEFORE).having("/b", "/c").having("/d", claim=Claim(EXPLICIT, None), key=STRANGE)
    )
    old = replace(ASKED, exclude=Exclusions(("/c",)))
    terminal.create(old)

    outcome = terminal.update(replace(ASKED, exclude=Exclusions(("/a", "/c", "/d"))), old)

    assert terminal.states() == {
        "/a": (BEFORE, None),
        "/b": held(),
        "/c": (None, None),
        "/d": (STRANGE, Claim(EXPLICIT, None)),
    }
    assert numbers(outcome) == (0, 1, 0)


def test_what_is_no_longer_excluded_is_associated() -> None:
    """The fleet has grown."""
    terminal = Terminal().having("/a", "/b")
    old = replace(ASKED, exclude=Exclusions(("/a",)))
    terminal.create(old)

    outcome = terminal.update(ASKED, old)

    assert numbers(outcome) == (1, 1, 0)
    assert terminal.states() == {"/a": held(), "/b": held()}


def test_an_update_mends_what_was_changed_by_hand() -> None:
    """Drift is put right like a new key."""
    terminal = Terminal().having("/a", "/b", "/c")
    terminal.create()
    terminal.aws.log_groups[log_group("/a")].key = None
    terminal.aws.log_groups[log_group("/b")].key = STRANGE

    outcome = terminal.update(ASKED)

    assert numbers(outcome) == (2, 1, 0)
    assert set(terminal.states().values()) == {held()}


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
    terminal = Terminal().having("/a", key=BEFORE).having("/b", *many(60))
    terminal.create()

    outcome = terminal.delete(replace(ASKED, on_delete=on_delete))

    assert [terminal.state("/a"), terminal.state("/b")] == [(key, None) for key in keys]
    assert {claim for _, claim in terminal.states().values()} == {None}
    assert "62 given back" in outcome.note


def test_a_delete_touches_nothing_else() -> None:
    """Neither what others own, nor what has the fleet's key without its doing."""
    claim = Claim(EXPLICIT, BEFORE)
    terminal = Terminal().having("/a").having("/b", key=OURS).having("/c", key=OURS, claim=claim)
    terminal.create()
    terminal.having("/d", key=OURS)

    terminal.delete()
    terminal.delete()

    assert terminal.states() == {"/a": (None, None), "/b": (OURS, None), "/c": (OURS, claim), "/d": (OURS, None)}


def test_a_delete_gives_back_also_what_was_changed_by_hand() -> None:
    """The tags say whose it is."""
    terminal = Terminal().having("/a", key=BEFORE).having("/b")
    terminal.create()
    terminal.aws.log_groups[log_group("/a")].key = None
    terminal.aws.log_groups[log_group("/b")].key = STRANGE

    terminal.delete()

    assert terminal.states() == {"/a": (BEFORE, None), "/b": (None, None)}


def test_a_delete_leaves_what_an_explicit_resource_took_over() -> None:
    """The last writer wins."""
    terminal = Terminal().having("/a", "/b")
    terminal.create()
    lifecycle.ensure(terminal.work(), Ensure(EXPLICIT, Association(log_group("/a"), NEW)))

    terminal.delete()

    assert terminal.states() == {"/a": (NEW, Claim(EXPLICIT, OURS)), "/b": (None, None)}


def test_a_previous_key_that_is_gone_is_waited_for_once() -> None:
    """All others that had it are left without a key, at once, and told."""
    terminal = Terminal().having(*many(30), key=BEFORE)
    terminal.create()
    terminal.aws.closed_to_logs.add(BEFORE)
    begun = terminal.clock.now()

    outcome = terminal.delete()

    assert set(terminal.states().values()) == {(None, None)}
    assert "30 left without a key" in outcome.note
    assert terminal.clock.now() - begun < 30 * 0.2 * 2 + 15


# --- busy, throttled, failing -----------------------------------------------------------------------------------------


def test_a_busy_log_group_holds_nobody_up_and_is_done_at_the_end() -> None:
    """It is put aside after seconds, and comes again when all others are done."""
    terminal = Terminal().having("/a", "/b", "/c")
    busy_until = terminal.clock.now() + 20

    def refuse(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.clock.now() < busy_until and not terminal.state("/b")[0]:
            terminal.aws.refuse(operation, concurrent_change())

    terminal.aws.before = refuse
    outcome = terminal.create()

    assert numbers(outcome) == (3, 0, 0)
    assert set(terminal.states().values()) == {held()}


def test_a_log_group_that_stays_busy_fails_the_fleet_when_all_others_are_done() -> None:
    """Nobody is told that all is encrypted while one is not."""
    terminal = Terminal().having("/a", "/b", "/c")

    def refuse(operation: str) -> None:
        a = terminal.aws.log_groups[log_group("/a")]
        if operation == "AssociateKmsKey" and a.claim and not a.key:
            others = [terminal.state(name)[1] for name in ("/b", "/c")]
            if all(claim is None or terminal.state(name)[0] for name, claim in zip(("/b", "/c"), others, strict=True)):
                terminal.aws.refuse(operation, concurrent_change())

    terminal.aws.before = refuse
    with pytest.raises(ConcurrentChange):
        terminal.create()

    assert [terminal.state(name) for name in ("/b", "/c")] == [held(), held()]


def test_a_busy_log_group_of_a_delete_is_given_back_at_the_end() -> None:
    """As on Create."""
    terminal = Terminal().having("/a", "/b")
    terminal.create()
    terminal.aws.refuse("DisassociateKmsKey", *[concurrent_change()] * 5)

    terminal.delete()

    assert set(terminal.states().values()) == {(None, None)}


def test_refusals_that_pass_are_waited_out() -> None:
    """Throttling and failures in transit cost time, and nothing else."""
    terminal = Terminal().having(*many(20))
    terminal.aws.refuse("AssociateKmsKey", throttled(), throttled(), unavailable(), key_policy_denied())
    terminal.aws.refuse("DescribeLogGroups", throttled("DescribeLogGroups"))
    terminal.aws.refuse("ListTagsForResource", throttled("ListTagsForResource"))

    assert numbers(terminal.create()) == (20, 0, 0)
    assert set(terminal.states().values()) == {held()}


def test_a_role_without_permission_ends_it() -> None:
    """No log group will fare better."""
    terminal = Terminal().having(*many(5))
    denied = RoleDenied("TagResource", "AccessDeniedException", "not authorized", action="logs:TagResource")
    terminal.aws.refuse("TagResource", *[denied] * 50)

    with pytest.raises(RoleDenied):
        terminal.create()

    assert set(terminal.states().values()) == {(None, None)}
    assert terminal.failure_id == PERHAPS_ASSOCIATED


# --- pace -------------------------------------------------------------------------------------------------------------


def test_associations_are_drawn_apart_by_the_quota() -> None:
    """Never more than five in a second, and no slower than that by more than a twentieth."""
    terminal = Terminal().having(*many(200))
    times: list[float] = []
    terminal.aws.after = lambda operation: (
        times.append(terminal.clock.now()) if operation == "AssociateKmsKey" else None
    )

    terminal.create()

    assert min(later - earlier for earlier, later in zip(times, times[5:], strict=False)) >= 1.0
    assert times[-1] - times[0] <= 200 / 5 * 1.05


def test_log_groups_that_need_no_change_take_no_turn() -> None:
    """Four hundred kept keys do not take the eighty seconds of four hundred associations."""
    terminal = Terminal(rate_limits=RateLimits(reads=1000, pages=1000, workers=1)).having(*many(400), key=STRANGE)
    begun = terminal.clock.now()

    terminal.create(replace(ASKED, on_existing_key=OnExistingKey.KEEP))

    assert terminal.clock.now() - begun < 5


def test_several_at_once_end_as_one_by_one() -> None:
    """Threads change nothing but the time that it takes."""
    terminal = (
        Terminal(rate_limits=RateLimits(workers=8))
        .having(*many(130))
        .having("/kept", key=STRANGE, claim=Claim(EXPLICIT, None))
    )

    outcome = terminal.create()

    assert numbers(outcome) == (130, 0, 1)
    assert {terminal.state(name) for name in many(130)} == {held()}
    assert terminal.counts["AssociateKmsKey"] == 130


# --- further invocations ----------------------------------------------------------------------------------------------


def test_what_does_not_fit_into_one_invocation_goes_on_in_the_next() -> None:
    """Every log group is changed once, and the counts are those of all invocations."""
    terminal = Terminal().having(*many(300)).having("/zz", key=OURS)

    outcome = terminal.create(seconds=40)

    assert terminal.invocations > 2
    assert numbers(outcome) == (300, 1, 0)
    assert terminal.counts["AssociateKmsKey"] == 300
    assert {terminal.state(name) for name in many(300)} == {held()}


def test_a_delete_goes_on_in_the_next_invocation_too() -> None:
    """Until all is given back."""
    terminal = Terminal().having(*many(200))
    terminal.create()
    terminal.invocations = 0

    outcome = terminal.delete(seconds=40)

    assert terminal.invocations > 1
    assert "200 given back" in outcome.note
    assert set(terminal.states().values()) == {(None, None)}


def test_a_token_that_is_too_old_begins_the_listing_anew() -> None:
    """Nothing is done twice, and nothing counted twice."""
    terminal = Terminal().having(*many(120))
    event = Ensure(ME, ASKED)
    checkpoint = lifecycle.ensure(terminal.work(30), event)
    assert isinstance(checkpoint, Checkpoint)
    assert checkpoint.token
    terminal.aws.stale_tokens.add(checkpoint.token)

    outcome = lifecycle.ensure(terminal.work(), event, checkpoint)

    assert isinstance(outcome, Outcome)
    assert numbers(outcome) == (120, 0, 0)
    assert terminal.counts["AssociateKmsKey"] == 120


def test_a_refusal_that_the_end_of_the_invocation_cuts_short_is_no_failure() -> None:
    """The next invocation asks again."""
    terminal = Terminal().having(*many(10))
    until = terminal.clock.now() + 100
    terminal.aws.before = lambda operation: (
        terminal.aws.refuse(operation, throttled())
        if operation == "AssociateKmsKey" and terminal.clock.now() < until
        else None
    )

    outcome = terminal.create(seconds=60)

    assert terminal.invocations > 1
    assert numbers(outcome) == (10, 0, 0)


# --- a Delete that passes by ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [1, 2, 30, 49, 50, 51, 52, 80, 118, 119, 120])
def test_a_delete_that_overtakes_a_create_leaves_nothing_behind(call: int) -> None:
    """Whenever it comes after the first claim, at the end nothing is encrypted or owned."""
    terminal = Terminal().having("/a", key=BEFORE).having(*many(119))

    def overtake(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == call:
            terminal.aws.after = lambda _: None
            terminal.delete()

    terminal.aws.after = overtake
    with pytest.raises(ClaimLost):
        terminal.create()

    assert terminal.state("/a") == (BEFORE, None)
    assert {terminal.state(name) for name in many(119)} == {(None, None)}


def test_one_log_group_whose_tags_someone_took_off_is_claimed_again() -> None:
    """The witnesses still stand, so that no Delete passed by."""
    terminal = Terminal().having(*many(20))

    def strip(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 10:
            terminal.aws.log_groups[log_group("/app/00009")].claim = None

    terminal.aws.after = strip
    outcome = terminal.create()

    assert outcome.associated == 20
    assert set(terminal.states().values()) == {held()}


def test_an_explicit_resource_that_comes_in_between_keeps_the_log_group() -> None:
    """The last writer wins, and it is counted as left to it."""
    terminal = Terminal().having("/a", "/b", "/c")
    explicit = Ensure(EXPLICIT, Association(log_group("/b"), NEW))

    def come(operation: str) -> None:
        if operation == "TagResource" and (terminal.state("/b")[1] or Claim(STRANGER, None)).owner == ME:
            terminal.aws.after = lambda _: None
            lifecycle.ensure(terminal.work(), explicit)

    terminal.aws.after = come
    outcome = terminal.create()

    _, claim = terminal.state("/b")
    assert claim
    assert claim.owner == EXPLICIT
    assert numbers(outcome) == (2, 0, 1)


# --- a crash ----------------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The function's process is gone."""


@pytest.mark.parametrize("call", range(1, 60, 3))
def test_a_crash_costs_no_log_group_a_second_change(call: int) -> None:
    """Delivered again, the event passes over what is done: at most the call that was at work is made twice."""
    terminal = Terminal().having("/a", key=BEFORE).having(*many(9))
    calls = 0

    def die(_: str) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            terminal.aws.after = lambda _: None
            raise Killed

    terminal.aws.after = die
    if len(terminal.aws.calls) < call:
        try:
            terminal.create()
        except Killed:
            terminal.create()

    assert terminal.states() == {"/a": held(BEFORE), **{name: held() for name in many(9)}}
    assert terminal.counts["AssociateKmsKey"] <= 11


# --- enrolment and reconciliation -------------------------------------------------------------------------------------


def enrolling(desired: Association = ASKED) -> Ensure:
    """What enrolment and reconciliation want."""
    return Ensure(ME, desired, asker=Asker.ENROLMENT)


def test_reconciliation_mends_drift_and_finds_what_was_missed() -> None:
    """What it associates belongs to the fleet, so that the fleet's Delete gives it back."""
    terminal = Terminal().having(*many(60))
    terminal.create()
    terminal.having("/new").having("/b", key=BEFORE)
    terminal.aws.log_groups[log_group("/app/00007")].key = None

    outcome = terminal.through(enrolling())

    assert numbers(outcome) == (3, 59, 0)
    assert terminal.state("/b") == held(BEFORE)
    terminal.delete()
    assert terminal.states() == {**dict.fromkeys((*many(60), "/new"), (None, None)), "/b": (BEFORE, None)}


def test_reconciliation_leaves_explicit_owners_and_other_fleets_alone() -> None:
    """Also another fleet of its own stack: which of the two comes after, only CloudFormation knows."""
    claims = [Claim(EXPLICIT, None), Claim(STRANGER, None), Claim(SIBLING, None)]
    terminal = Terminal()
    for number, claim in enumerate(claims):
        terminal.having(f"/{number}", key=STRANGE, claim=claim)

    outcome = terminal.through(enrolling())

    assert numbers(outcome) == (0, 0, 3)
    assert [claim for _, claim in terminal.states().values()] == claims


def test_reconciliation_undoes_what_a_delete_overtook() -> None:
    """The fleet is gone: nothing stays behind in its name."""
    terminal = Terminal().having("/a", "/b", "/c")

    def overtake(operation: str) -> None:
        if operation == "AssociateKmsKey" and terminal.counts[operation] == 2:
            terminal.aws.after = lambda _: None
            terminal.delete()

    terminal.aws.after = overtake
    with pytest.raises(ClaimLost):
        terminal.through(enrolling())

    assert set(terminal.states().values()) == {(None, None)}


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_a_plan_tells_what_would_be_done_and_does_nothing() -> None:
    """Each log group with its action, its key and its owner."""
    terminal = Terminal().having("/a").having("/b", key=STRANGE).having("/c", key=OURS)
    terminal.having("/d", key=STRANGE, claim=Claim(EXPLICIT, None)).having("/e").having(
        "/f", key=OURS, claim=Claim(SIBLING, None)
    )
    terminal.aws.reserved.append("aws/spans")
    desired = replace(ASKED, exclude=Exclusions(("/e",)))

    planned = list(FleetRules(terminal.work(), ALL).plan(Ensure(ME, desired)))

    assert [(one.name, one.action, one.key, one.owner) for one in planned] == [
        ("/a", Action.ASSOCIATE, None, None),
        ("/b", Action.REKEY, STRANGE, None),
        ("/c", Action.COMPLIANT, OURS, None),
        ("/d", Action.LEAVE, STRANGE, EXPLICIT),
        ("/e", Action.EXCLUDED, None, None),
        ("/f", Action.TAKE_OVER, OURS, SIBLING),
        ("aws/spans", Action.RESERVED, None, None),
    ]
    assert not WRITING & set(terminal.aws.calls)


@pytest.mark.parametrize(
    ("on_existing_key", "action"), [(OnExistingKey.KEEP, Action.KEEP), (OnExistingKey.FAIL, Action.CONFLICT)]
)
def test_a_plan_tells_kept_keys_and_conflicts(on_existing_key: OnExistingKey, action: Action) -> None:
    """A conflict does not end the plan."""
    terminal = Terminal().having("/a", key=STRANGE).having("/b")

    planned = list(FleetRules(terminal.work(), ALL).plan(Ensure(ME, replace(ASKED, on_existing_key=on_existing_key))))

    assert [one.action for one in planned] == [action, Action.ASSOCIATE]


def test_the_plan_is_what_comes_to_pass() -> None:
    """What is planned to change changes, and nothing else."""
    terminal = (
        Terminal().having(*many(70)).having("/b", key=STRANGE, claim=Claim(EXPLICIT, None)).having("/c", key=OURS)
    )
    planned = {one.name for one in FleetRules(terminal.work(), ALL).plan(Ensure(ME, ASKED)) if one.changes}
    before = terminal.states()

    terminal.create()

    assert {name for name, state in terminal.states().items() if state != before[name]} == planned


# --- ten thousand -----------------------------------------------------------------------------------------------------


def test_ten_thousand_log_groups() -> None:
    """In the hours that the quota asks for, over many invocations, each changed once; then all are given back."""
    terminal = Terminal().having(*many(10_000))

    created = terminal.create(seconds=845)
    assert numbers(created) == (10_000, 0, 0)
    assert terminal.counts["AssociateKmsKey"] == 10_000
    assert terminal.invocations == pytest.approx(10_000 / 5 / 830, abs=1)
    assert numbers(terminal.update(ASKED)) == (0, 10_000, 0)

    assert terminal.delete(seconds=845).associated == 10_000
    assert set(terminal.states().values()) == {(None, None)}
