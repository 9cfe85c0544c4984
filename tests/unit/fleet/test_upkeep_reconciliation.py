"""Reconciliation of a fleet: what was missed is brought in, what was changed by hand is mended."""

from __future__ import annotations

import pytest
from support.fake_aws import key_policy_denied, log_group
from unit.fleet.accounts import (
    BEFORE,
    EXPLICIT,
    ME,
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
from unit.fleet.terminals import many

from log_group_kms.fleet.checkpoint import Fate
from log_group_kms.fleet.lookouts import LEASE, LOOKOUTS
from log_group_kms.fleet.plan import Action, Planned
from log_group_kms.fleet.upkeep import Summary
from log_group_kms.model.association import OnDelete
from log_group_kms.model.errors import ClaimLost, KeyPolicyDenied, RoleDenied
from log_group_kms.model.ownership import Claim


def test_reconciliation_mends_drift_and_brings_in_what_was_missed() -> None:
    """Each is told for what it is."""
    account = Account().having(*many(60)).having_fleet().having("/new", key=BEFORE)
    account.aws.log_groups[log_group("/app/00007")].key = None
    account.aws.log_groups[log_group("/app/00008")].key = STRANGE

    outcome = account.reconcile()

    assert (outcome.associated, outcome.compliant, outcome.skipped) == (3, 58, 0)
    assert account.states() == {**{name: held() for name in many(60)}, "/new": held(BEFORE)}
    assert account.told == [("/app/00007", Fate.MENDED), ("/app/00008", Fate.MENDED), ("/new", Fate.ASSOCIATED)]


def test_reconciliation_of_a_whole_fleet_lists_it_and_changes_nothing() -> None:
    """One call for each page of 50, in each of its passes, and nobody is told of anything."""
    account = Account().having(*many(120)).having_fleet()
    account.aws.calls.clear()

    outcome = account.reconcile()

    assert (outcome.associated, outcome.compliant, account.told) == (0, 120, [])
    assert set(account.counts) == {"DescribeLogGroups"}
    assert account.counts["DescribeLogGroups"] <= 2 * 3


def test_reconciliation_leaves_alone_what_is_not_the_fleets() -> None:
    """Excluded ones, explicit owners, other fleets, and other prefixes."""
    account = (
        Account().having("/scratch/x", "no-slash", key=STRANGE).having("/b", key=STRANGE, claim=Claim(EXPLICIT, None))
    )
    account.having("/c", key=STRANGE, claim=Claim(STRANGER, None)).having("/d", key=STRANGE, claim=Claim(SIBLING, None))
    before = account.states()

    outcome = account.reconcile()

    assert (outcome.associated, outcome.skipped, account.states()) == (0, 3, before)


def test_reconciliation_goes_on_in_further_invocations() -> None:
    """Until all is done; each log group is changed once."""
    account = Account().having(*many(300))

    outcome = account.reconcile(seconds=40)

    assert account.invocations > 2
    assert outcome.associated == account.counts["AssociateKmsKey"] == 300
    assert set(account.states().values()) == {held()}


def test_nothing_is_reconciled_for_a_fleet_that_is_not_there() -> None:
    """Not there yet, or there no more; whoever asked is told."""
    account = Account(is_alive=lambda: False).having("/a")

    with pytest.raises(ClaimLost, match="nothing was changed"):
        account.reconcile()
    assert (account.state("/a"), account.aws.calls) == ((None, None), [])


@pytest.mark.parametrize("on_delete", OnDelete)
def test_nothing_is_changed_once_the_fleet_goes(on_delete: OnDelete) -> None:
    """The rule is looked at before the first change: the fleet's Delete may have passed by already."""
    account = Account(settings=SETTINGS | {"ON_DELETE": on_delete}, is_alive=gone_after(1)).having("/a", key=BEFORE)

    with pytest.raises(ClaimLost, match=r"nothing more of .* is associated"):
        account.reconcile()

    assert account.state("/a") == (BEFORE, None)


@pytest.mark.parametrize(
    ("looks", "invocations", "told"),
    [
        pytest.param(6, 1, r"^A Delete of this resource has begun: nothing more of .* is associated\n", id="amid one"),
        pytest.param(
            8, 2, r"^The fleet is being deleted, or is not there yet: nothing more was changed$", id="between two"
        ),
    ],
)
def test_a_rule_that_someone_takes_away_costs_the_fleet_nothing(looks: int, invocations: int, told: str) -> None:
    """What is claimed stands, marked as at work; the fleet's Delete, if one comes, gives all of it back."""
    account = Account(is_alive=gone_after(looks)).having(*many(300))

    with pytest.raises(ClaimLost, match=told):
        account.reconcile(seconds=40)
    assert account.invocations == invocations

    changed = [state for state in account.states().values() if state != (None, None)]
    assert 50 < len(changed) < 300
    assert set(changed) == {held()}
    account.is_alive = lambda: False
    account.delete_fleet()
    assert set(account.states().values()) == {(None, None)}


def test_a_reconciliation_that_changed_nothing_gives_nothing_back() -> None:
    """What the fleet holds is left to the fleet's own Delete."""
    account = Account().having("/a", key=BEFORE).having_fleet()
    account.is_alive = gone_after(1)

    assert account.reconcile().associated == 0
    assert account.state("/a") == held(BEFORE)


def test_a_reconciliation_stops_within_seconds_once_the_rule_is_gone() -> None:
    """However many workers' turns these seconds hold; and a further invocation associates nothing."""
    account = Account().having(*many(400))
    gone_at = 0.0

    def begin_to_delete(operation: str) -> None:
        nonlocal gone_at
        if operation == "AssociateKmsKey" and account.counts[operation] == 310:
            account.is_alive = lambda: False
            gone_at = account.clock.now()
        elif operation == "AssociateKmsKey" and gone_at:
            assert account.clock.now() - gone_at <= LEASE

    account.aws.after = begin_to_delete
    with pytest.raises(ClaimLost):
        account.reconcile(seconds=80)

    assert account.invocations > 1
    assert account.counts["AssociateKmsKey"] <= 310 + 5 * LEASE


@pytest.mark.parametrize("call", [1, 30, 51, 90])
def test_a_delete_that_overtakes_a_reconciliation_leaves_nothing_behind(call: int) -> None:
    """The rule goes first, then the whole fleet; over several invocations, too."""
    account = Account().having(*many(100))

    def overtake(operation: str) -> None:
        if operation == "AssociateKmsKey" and account.counts[operation] == call:
            account.aws.after = lambda _: None
            account.is_alive = lambda: False
            account.delete_fleet()

    account.aws.after = overtake
    with pytest.raises(ClaimLost):
        account.reconcile(seconds=40)

    assert set(account.states().values()) == {(None, None)}


def test_a_delete_that_retains_is_not_undone_by_a_reconciliation() -> None:
    """What it has let go keeps its key, and what was not brought in yet stays out."""
    account = Account(settings=SETTINGS | {"ON_DELETE": "Retain"}).having(*many(100)).having_fleet()
    account.having("/app/00000-new", "/zz")

    def delete(operation: str) -> None:
        if operation == "AssociateKmsKey":
            account.aws.after = lambda _: None
            account.is_alive = lambda: False
            account.delete_fleet()

    account.aws.after = delete
    with pytest.raises(ClaimLost):
        account.reconcile()

    assert {account.state(name) for name in [*many(100), "/app/00000-new"]} == {(OURS, None)}
    assert account.state("/zz") == (None, None)


def test_a_key_at_fault_ends_the_reconciliation_at_once() -> None:
    """With the counts, and not once for each log group."""
    account = Account().having(*many(60)).having("/compliant", key=OURS)
    account.aws.refuse("AssociateKmsKey", *[key_policy_denied()] * 999)

    with pytest.raises(KeyPolicyDenied) as refused:
        account.reconcile()

    assert refused.value.__notes__ == ["Of its log groups: none was changed."]
    assert len([claim for _, claim in account.states().values() if claim]) == 1


def test_a_fault_of_the_role_is_raised() -> None:
    """No log group will fare better."""
    account = Account().having(*many(3))
    denied = RoleDenied("TagResource", "AccessDeniedException", "not authorized", action="logs:TagResource")
    account.aws.refuse("TagResource", *[denied] * 99)

    with pytest.raises(RoleDenied):
        account.reconcile()
    assert set(account.states().values()) == {(None, None)}


# --- the dry run ------------------------------------------------------------------------------------------------------


def test_a_dry_run_tells_all_and_changes_nothing() -> None:
    """What is not the fleet's, or to be left alone, is told as well; the counts are of all."""
    account = Account().having("/a", "/b", key=OURS).having("/c").having("/d", key=STRANGE)
    just_now = account.clock.now() - 60
    account.having("/e", claim=Claim(EXPLICIT, None, written_at=just_now)).having(
        "/f", key=STRANGE, claim=Claim(ME, None)
    )
    account.having("/left-behind", claim=Claim(EXPLICIT, None)).having("/scratch/x")
    told: list[tuple[str, Action]] = []

    summary = Summary.of(account.upkeep().plan(), lambda one: told.append((one.name, one.action)))

    assert told == [
        ("/a", Action.COMPLIANT),
        ("/b", Action.COMPLIANT),
        ("/c", Action.ASSOCIATE),
        ("/d", Action.REKEY),
        ("/e", Action.LEAVE),
        ("/f", Action.REKEY),
        ("/left-behind", Action.ASSOCIATE),
        ("/scratch/x", Action.EXCLUDED),
    ]
    assert summary == Summary(
        {"compliant": 2, "associate": 2, "re-key": 2, "leave to its owner": 1, "excluded": 1}, complete=True
    )
    assert not WRITING & set(account.aws.calls)


def test_a_dry_run_is_what_comes_to_pass() -> None:
    """What would be changed is what the reconciliation then changes."""
    account = Account().having(*many(20)).having_fleet().having("/new").having("/c", key=STRANGE, claim=Claim(ME, None))
    planned = {one.name for one in account.upkeep().plan() if one.changes}
    before = account.states()

    account.reconcile()

    assert {name for name, state in account.states().items() if state != before[name]} == planned == {"/new", "/c"}


def test_a_dry_run_needs_no_fleet() -> None:
    """It is for before there is one, too."""
    account = Account(is_alive=lambda: False).having("/a")

    assert Summary.of(account.upkeep().plan(), lambda _: None).counts == {"associate": 1}


def test_a_dry_run_without_time_for_all_tells_what_it_came_to() -> None:
    """Some 15,000 log groups can be asked for their owners in an invocation: what is told so far is not lost."""
    account = Account().having(*many(500))
    told: list[Planned] = []

    summary = Summary.of(account.upkeep(seconds=20).plan(), told.append)

    assert summary.complete is False
    assert 0 < summary.counts["associate"] == len(told) < 500


def test_other_failures_of_a_dry_run_are_raised() -> None:
    """A part is shown for want of time only."""
    account = Account().having("/a", "/b")
    denied = RoleDenied("ListTagsForResource", "AccessDeniedException", "no", action="logs:ListTagsForResource")
    account.aws.refuse("ListTagsForResource", *[denied] * 99)

    with pytest.raises(RoleDenied):
        Summary.of(account.upkeep().plan(), lambda _: None)


def test_a_delete_shows_though_all_lookouts_are_gone() -> None:
    """No mark tells of it, but the rule does; its Delete gives back what was associated till then."""
    account = Account().having(*many(120))

    def begin_to_delete(operation: str) -> None:
        if operation == "AssociateKmsKey" and account.counts[operation] == 55:
            account.aws.after = lambda _: None
            account.is_alive = lambda: False
            for name in many(LOOKOUTS):
                del account.aws.log_groups[log_group(name)]

    account.aws.after = begin_to_delete
    with pytest.raises(ClaimLost):
        account.reconcile()

    assert account.counts["AssociateKmsKey"] <= 55 + 5 * LEASE
    account.delete_fleet()
    assert set(account.states().values()) == {(None, None)}
