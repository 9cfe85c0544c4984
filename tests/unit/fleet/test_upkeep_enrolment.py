"""Enrolment of a new log group into its fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.fake_aws import OTHER_STACK_ID, concurrent_change, log_group, owner, throttled
from unit.fleet.accounts import (
    BEFORE,
    EXPLICIT,
    FLEET,
    ME,
    ORDERS,
    OURS,
    SETTINGS,
    SIBLING,
    STRANGE,
    STRANGER,
    WRITING,
    Account,
    gone_after,
    held,
)
from unit.fleet.terminals import denied_by_scp, not_supported

from log_group_kms.association.requests import Ensure
from log_group_kms.fleet.checkpoint import Fate
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnDelete
from log_group_kms.model.errors import ApiError, ClaimLost, ConcurrentChange, KeyPolicyDenied, ResourceConflict
from log_group_kms.model.ownership import Claim, Owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import LogGroup


@pytest.mark.parametrize("before", [None, BEFORE], ids=["without a key", "with a key of its creator's"])
def test_a_new_log_group_is_enrolled(before: KeyArn | None) -> None:
    """It is under the key, owned by the fleet, and what was there before is remembered."""
    account = Account().having(ORDERS, key=before).having("/other")

    assert account.enrol(ORDERS) is Fate.ASSOCIATED
    assert account.state(ORDERS) == held(before)
    assert account.state("/other") == (None, None)
    assert account.told == [(ORDERS, Fate.ASSOCIATED)]


def test_an_alias_is_resolved() -> None:
    """The fleet's key may be named so."""
    account = Account(settings=SETTINGS | {"KMS_KEY_ID": "alias/logs"}).having(ORDERS)
    account.aws.aliases["alias/logs"] = OURS

    account.enrol(ORDERS)

    assert account.state(ORDERS) == held()


@pytest.mark.parametrize("name", ["/scratch/x", "/a/secret/b", "no-slash"])
def test_what_does_not_belong_to_the_fleet_is_passed_over(name: str) -> None:
    """Excluded, or of another prefix: it is not even looked at."""
    account = Account().having(name)

    assert account.enrol(name) is Fate.PASSED
    assert (account.state(name), account.aws.calls) == ((None, None), [])


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(Claim(EXPLICIT, None), id="an explicit resource of the same stack"),
        pytest.param(Claim(owner(stack_id=OTHER_STACK_ID), BEFORE), id="an explicit resource of another stack"),
        pytest.param(Claim(STRANGER, None), id="another stack's fleet"),
        pytest.param(Claim(SIBLING, None), id="another fleet of the same stack"),
    ],
)
def test_what_another_owns_is_left_to_it(claim: Claim) -> None:
    """Explicit owners win, and of two fleets nobody here knows which comes after."""
    account = Account().having(ORDERS, key=STRANGE, claim=claim)

    assert account.enrol(ORDERS) is Fate.OWNED
    assert account.state(ORDERS) == (STRANGE, claim)


def test_what_the_command_line_holds_comes_to_the_fleet() -> None:
    """It held it for the fleet, with what was there before."""
    account = Account().having(ORDERS, key=STRANGE, claim=Claim(Owner.of_command_line(FLEET), BEFORE))

    assert account.enrol(ORDERS) is Fate.ASSOCIATED
    assert account.state(ORDERS) == held(BEFORE)


def test_an_explicit_resource_that_comes_later_wins() -> None:
    """A log group that was enrolled before its own stack named it belongs to that stack from then on."""
    account = Account().having(ORDERS)
    account.enrol(ORDERS)
    lifecycle.ensure(account.context(), Ensure(EXPLICIT, Association(log_group(ORDERS), STRANGE)))

    assert account.enrol(ORDERS) is Fate.OWNED
    assert account.state(ORDERS) == (STRANGE, Claim(EXPLICIT, OURS))


def test_another_key_is_kept_where_the_fleet_says_so() -> None:
    """Nothing is claimed there."""
    account = Account(settings=SETTINGS | {"ON_EXISTING_KEY": "Keep"}).having(ORDERS, key=STRANGE)

    assert account.enrol(ORDERS) is Fate.KEPT
    assert account.state(ORDERS) == (STRANGE, None)


@pytest.mark.parametrize("claim", [None, Claim(ME, BEFORE)], ids=["created under it", "delivered again"])
def test_what_is_under_the_key_already_stays_as_it_is(claim: Claim | None) -> None:
    """CloudTrail's events come twice at times; and a log group may be created under the very key."""
    account = Account().having(ORDERS, key=OURS, claim=claim)

    assert account.enrol(ORDERS) is Fate.COMPLIANT
    assert account.state(ORDERS) == (OURS, claim)
    assert not WRITING & set(account.aws.calls)


def test_a_log_group_that_vanished_is_no_failure() -> None:
    """Whoever created it has deleted it again."""
    assert Account().enrol("/gone") is Fate.PASSED


@pytest.mark.parametrize("operation", ["ListTagsForResource", "TagResource", "AssociateKmsKey"])
def test_a_log_group_that_vanishes_amid_the_work_is_no_failure(operation: str) -> None:
    """Not after any of the calls."""
    account = Account().having(ORDERS)

    def vanish(called: str) -> None:
        if called == operation:
            account.aws.log_groups.pop(log_group(ORDERS), None)

    account.aws.before = vanish

    assert account.enrol(ORDERS) is Fate.PASSED


def test_the_creators_own_conflict_is_ridden_out() -> None:
    """Whoever creates the log group still changes it for a minute: its retention, its tags."""
    account = Account().having(ORDERS)
    until = account.clock.now() + 60

    def conflict(operation: str) -> None:
        if operation in {"AssociateKmsKey", "TagResource"} and account.clock.now() < until:
            account.aws.refuse(operation, concurrent_change(operation))

    account.aws.before = conflict

    assert account.enrol(ORDERS) is Fate.ASSOCIATED
    assert account.state(ORDERS) == held()


def test_a_conflict_that_never_ends_is_raised() -> None:
    """Lambda tries again later, and keeps the event in the end."""
    account = Account().having(ORDERS)
    account.aws.refuse("AssociateKmsKey", *[concurrent_change()] * 999)

    with pytest.raises(ConcurrentChange):
        account.enrol(ORDERS)


def test_throttling_is_ridden_out() -> None:
    """The quota is everybody's."""
    account = Account().having(ORDERS)
    account.aws.refuse("AssociateKmsKey", *[throttled()] * 9)

    assert account.enrol(ORDERS) is Fate.ASSOCIATED


def test_a_key_at_fault_is_raised() -> None:
    """With the log group that it was about, for the diagnosis."""
    account = Account().having(ORDERS)
    account.aws.closed_to_logs.add(OURS)

    with pytest.raises(KeyPolicyDenied) as refused:
        account.enrol(ORDERS)
    assert refused.value.target == log_group(ORDERS).arn


def test_drift_is_mended_and_told_as_such() -> None:
    """A log group of the fleet's whose key someone took away was not new."""
    account = Account().having(ORDERS, claim=Claim(ME, BEFORE))

    assert account.enrol(ORDERS) is Fate.MENDED
    assert account.state(ORDERS) == held(BEFORE)
    assert account.told == [(ORDERS, Fate.MENDED)]


@pytest.mark.parametrize("on_delete", OnDelete)
def test_the_fleets_delete_gives_back_what_was_enrolled(on_delete: OnDelete) -> None:
    """As it says; the tags are the fleet's own."""
    account = Account(settings=SETTINGS | {"ON_DELETE": on_delete}).having("/a").having_fleet()
    account.having(ORDERS, key=BEFORE).enrol(ORDERS)

    account.delete_fleet()

    kept = {OnDelete.RESTORE_PREVIOUS: BEFORE, OnDelete.DISASSOCIATE: None, OnDelete.RETAIN: OURS}
    assert account.state(ORDERS) == (kept[on_delete], None)


def test_nothing_is_enrolled_for_a_fleet_that_is_gone() -> None:
    """Lambda keeps events for hours; such a one only looks whether it was there before."""
    account = Account(is_alive=lambda: False).having(ORDERS)

    assert account.enrol(ORDERS) is Fate.PASSED
    assert (account.state(ORDERS), account.aws.calls) == ((None, None), ["ListTagsForResource"])


@pytest.mark.parametrize("seconds", [0, 60], ids=["at once", "when nobody is at work on it any more"])
def test_what_was_enrolled_for_a_fleet_that_is_gone_is_given_back(seconds: float) -> None:
    """An earlier delivery had claimed it, after the fleet's Delete had passed by; nobody else comes for it."""
    account = Account(is_alive=lambda: False).having(ORDERS, key=OURS, claim=Claim(ME, None))
    until = account.clock.now() + seconds
    account.aws.before = lambda operation: (
        account.aws.refuse(operation, concurrent_change(operation))
        if operation == "DisassociateKmsKey" and account.clock.now() < until
        else None
    )

    assert account.enrol(ORDERS) is Fate.RELEASED
    assert account.state(ORDERS) == (None, None)


def test_what_cannot_be_given_back_for_a_fleet_that_is_gone_is_raised() -> None:
    """Lambda tries again later, and keeps the event in the end."""
    account = Account(is_alive=lambda: False).having(ORDERS, key=OURS, claim=Claim(ME, None))
    account.aws.refuse("DisassociateKmsKey", *[concurrent_change("DisassociateKmsKey")] * 999)

    with pytest.raises(ConcurrentChange):
        account.enrol(ORDERS)


@pytest.mark.parametrize(
    ("on_delete", "key"),
    [(OnDelete.RESTORE_PREVIOUS, BEFORE), (OnDelete.DISASSOCIATE, None), (OnDelete.RETAIN, OURS)],
)
def test_what_is_enrolled_while_the_fleet_goes_is_given_back(on_delete: OnDelete, key: KeyArn | None) -> None:
    """The fleet's Delete may have passed by already, so this does what that would have done."""
    account = Account(settings=SETTINGS | {"ON_DELETE": on_delete}, is_alive=gone_after(1)).having(ORDERS, key=BEFORE)

    assert account.enrol(ORDERS) is Fate.RELEASED
    assert account.state(ORDERS) == (key, None)


def test_what_was_there_before_the_fleet_went_stays() -> None:
    """Only what this event has changed is its own to give back."""
    account = Account(is_alive=gone_after(1)).having(ORDERS, key=OURS, claim=Claim(ME, BEFORE))

    assert account.enrol(ORDERS) is Fate.COMPLIANT
    assert account.state(ORDERS) == held(BEFORE)


def overtake(account: Account, operation: str, come: Callable[[], object], *, refused: bool = False) -> None:
    """Others *come* after the call of this *operation*; before it, where it is *refused* for now."""

    def overtaking(called: str) -> None:
        if called == operation:
            account.aws.before = account.aws.after = lambda _: None
            come()
            if refused:
                account.aws.refuse(operation, concurrent_change(operation))

    if refused:
        account.aws.before = overtaking
    else:
        account.aws.after = overtaking


@pytest.mark.parametrize(
    ("operation", "refused"),
    [
        pytest.param("TagResource", False, id="between claim and association"),
        pytest.param("AssociateKmsKey", True, id="before the association is tried once more"),
        pytest.param("AssociateKmsKey", False, id="after the association"),
    ],
)
def test_a_delete_that_overtakes_an_enrolment_leaves_nothing_behind(operation: str, *, refused: bool) -> None:
    """The rule goes first, and the log group ends as it was; Lambda delivers the event again."""
    account = Account().having(ORDERS, key=BEFORE)

    def delete() -> None:
        account.is_alive = lambda: False
        account.delete_fleet()

    overtake(account, operation, delete, refused=refused)
    try:
        account.enrol(ORDERS)
    except ClaimLost:
        assert account.enrol(ORDERS) is Fate.PASSED

    assert account.state(ORDERS) == (BEFORE, None)


@pytest.mark.parametrize("alive", [True, False], ids=["of an exclusion", "of the fleet"])
def test_a_delete_that_has_begun_and_stands_still_ends_an_enrolment(*, alive: bool) -> None:
    """Where the fleet is gone, the enrolment does the rest itself; else whoever began goes on."""
    account = Account().having(ORDERS, key=BEFORE)

    def begin() -> None:
        account.is_alive = lambda: alive
        account.aws.log_groups[log_group(ORDERS)].claim = Claim(ME, BEFORE, deleting=True)

    overtake(account, "AssociateKmsKey", begin)

    if alive:
        with pytest.raises(ClaimLost):
            account.enrol(ORDERS)
        assert account.state(ORDERS)[1] == Claim(ME, BEFORE, deleting=True)
    else:
        assert account.enrol(ORDERS) is Fate.RELEASED
        assert account.state(ORDERS) == (BEFORE, None)


def test_a_key_that_is_not_to_be_replaced_is_told_with_the_log_group() -> None:
    """One of a batch of events: which one it is, its error says."""
    account = Account(settings=SETTINGS | {"ON_EXISTING_KEY": "Fail"}).having(ORDERS, key=STRANGE)

    with pytest.raises(ResourceConflict, match=f":log-group:{ORDERS}: OnExistingKey is Fail"):
        account.enrol(ORDERS)
    assert account.state(ORDERS) == (STRANGE, None)


def test_tags_that_someone_takes_off_before_the_association_are_written_again() -> None:
    """The fleet is alive."""
    account = Account().having(ORDERS, key=BEFORE)
    overtake(account, "AssociateKmsKey", lambda: account.having(ORDERS, key=BEFORE), refused=True)

    assert account.enrol(ORDERS) is Fate.ASSOCIATED
    assert account.state(ORDERS) == held(BEFORE)


def test_what_loses_key_and_tags_after_the_association_is_brought_in_once_more() -> None:
    """In the same delivery: the fleet is alive, so that it was no Delete which passed by."""
    account = Account().having(ORDERS, key=BEFORE)
    overtake(account, "AssociateKmsKey", lambda: account.having(ORDERS, key=BEFORE))

    assert account.enrol(ORDERS) is Fate.ASSOCIATED
    assert account.state(ORDERS) == held(BEFORE)
    assert account.counts["AssociateKmsKey"] == 2


@pytest.mark.parametrize("refusal", [denied_by_scp, not_supported])
def test_a_log_group_that_aws_refuses_is_raised_at_once(refusal: Callable[[LogGroup], ApiError]) -> None:
    """The fleet's role is not new: nobody waits for a permission that a policy takes away for good."""
    account = Account().having(ORDERS)
    account.aws.refuse("AssociateKmsKey", *[refusal(log_group(ORDERS))] * 99)
    begun = account.clock.now()

    with pytest.raises(ApiError) as refused:
        account.enrol(ORDERS)

    assert refused.value.target == log_group(ORDERS).arn
    assert account.clock.now() - begun < 5
