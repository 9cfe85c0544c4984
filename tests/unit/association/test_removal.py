"""A Delete of one log group: the contract's table, row by row, and who comes while it is at work."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from support.fake_aws import concurrent_change, key_policy_denied, role_denied
from unit.association.account import ASKED, BEFORE, FLEET, ME, NEW, ORDERS, OURS, SIBLING, STRANGE, STRANGER, Account

from log_group_kms.association.removal import Removal
from log_group_kms.model.association import Association, OnDelete
from log_group_kms.model.errors import ApiError, KeyNotFound, RoleDenied
from log_group_kms.model.keys import KeyArn, KeyName
from log_group_kms.model.ownership import Claim
from log_group_kms.model.results import Outcome


@pytest.mark.parametrize(
    ("on_delete", "key", "claim", "state"),
    [
        pytest.param(OnDelete.RESTORE_PREVIOUS, OURS, Claim(ME, BEFORE), BEFORE, id="restores"),
        pytest.param(OnDelete.RESTORE_PREVIOUS, OURS, Claim(ME, None), None, id="there was none"),
        pytest.param(OnDelete.RESTORE_PREVIOUS, STRANGE, Claim(ME, BEFORE), BEFORE, id="changed by hand"),
        pytest.param(OnDelete.DISASSOCIATE, OURS, Claim(ME, BEFORE), None, id="disassociates"),
        pytest.param(OnDelete.DISASSOCIATE, None, Claim(ME, BEFORE), None, id="gone by hand"),
        pytest.param(OnDelete.RETAIN, OURS, Claim(ME, BEFORE), OURS, id="retains"),
        pytest.param(OnDelete.RESTORE_PREVIOUS, OURS, Claim(ME, BEFORE, deleting=True), BEFORE, id="redelivered"),
        pytest.param(
            OnDelete.RESTORE_PREVIOUS, BEFORE, Claim(ME, BEFORE, deleting=True), BEFORE, id="redelivered late"
        ),
        pytest.param(OnDelete.RETAIN, OURS, Claim(ME, BEFORE, deleting=True), OURS, id="redelivered, retains"),
    ],
)
@pytest.mark.parametrize("minted", [True, False], ids=["our id", "made-up id"])
def test_delete_by_the_owner(
    on_delete: OnDelete, key: KeyArn | None, claim: Claim, state: KeyArn | None, *, minted: bool
) -> None:
    """The owner's Delete does what OnDelete says and takes both tags away, whatever its physical id looks like."""
    account = Account().having(key, claim)

    account.delete(replace(ASKED, on_delete=on_delete), minted=minted)

    assert account.state == (state, None)


@pytest.mark.parametrize(
    ("key", "claim", "former", "outcome"),
    [
        pytest.param(OURS, Claim(ME, BEFORE), ASKED, Outcome(ORDERS, BEFORE, OURS, associated=1), id="restored"),
        pytest.param(OURS, Claim(ME, None), ASKED, Outcome(ORDERS, None, OURS, associated=1), id="disassociated"),
        pytest.param(BEFORE, Claim(ME, BEFORE), ASKED, Outcome(ORDERS, BEFORE, BEFORE), id="there already"),
        pytest.param(
            OURS,
            Claim(ME, BEFORE),
            replace(ASKED, on_delete=OnDelete.RETAIN),
            Outcome(ORDERS, None, skipped=1),
            id="retained",
        ),
        pytest.param(OURS, Claim(STRANGER, None), ASKED, Outcome(ORDERS, None, skipped=1), id="another's"),
        pytest.param(OURS, None, ASKED, Outcome(ORDERS, None, OURS, associated=1), id="no tags, our key"),
        pytest.param(STRANGE, None, ASKED, Outcome(ORDERS, None, skipped=1), id="no tags, another key"),
    ],
)
def test_what_a_delete_answers(key: KeyArn, claim: Claim | None, former: Association, outcome: Outcome) -> None:
    """A Delete counts what it changed, and skips what is not its own."""
    assert replace(Account().having(key, claim).delete(former), note="") == outcome


@pytest.mark.parametrize(
    ("slow", "looks"),
    [
        pytest.param("", {}, id="in no time"),
        pytest.param("TagResource", {"AssociateKmsKey"}, id="its claim takes long"),
        pytest.param("DescribeLogGroups", {"AssociateKmsKey"}, id="its read of the key takes long"),
        pytest.param("AssociateKmsKey", {"UntagResource"}, id="its change of the key takes long"),
    ],
)
def test_a_delete_takes_its_claim_away_before_it_reads_the_key(account: Account, slow: str, looks: set[str]) -> None:
    """A reader finds the claim leaving while the Delete decides and acts; the tags go last.

    What it saw half a second ago, or later, it trusts; before that it looks again, just before it changes anything.
    """
    account.having(OURS, Claim(ME, BEFORE))
    seen: list[tuple[str, Claim | None]] = []
    account.aws.before = lambda operation: seen.append((operation, account.state[1]))

    def take_long(operation: str) -> None:
        account.clock.time += 1.1 if operation == slow else 0.1

    account.aws.after = take_long

    account.delete()

    claimed, leaving = Claim(ME, BEFORE), Claim(ME, BEFORE, deleting=True)
    assert seen == [
        ("ListTagsForResource", claimed),
        ("TagResource", claimed),
        ("DescribeLogGroups", leaving),
        *[("ListTagsForResource", leaving)] * ("AssociateKmsKey" in looks),
        ("AssociateKmsKey", leaving),
        *[("ListTagsForResource", leaving)] * ("UntagResource" in looks),
        ("UntagResource", leaving),
    ]


def test_a_former_alias_that_may_not_be_described_holds_no_delete_up(account: Account) -> None:
    """A Delete that may not resolve the alias leaves the key, and does not wait for a permission."""
    account.having(OURS)
    account.aws.refuse("DescribeKey", *[role_denied("kms:DescribeKey", "DescribeKey")] * 30)

    account.delete(replace(ASKED, key=KeyName("alias/logs")))

    assert (account.state, account.clock.slept) == ((OURS, None), [])


@pytest.mark.parametrize("tampered", [False, True], ids=["as it was", "changed by hand"])
@pytest.mark.parametrize("key", [OURS, KeyName("alias/logs")], ids=["arn", "alias"])
def test_a_delete_delivered_twice_leaves_our_key_where_it_was_before(
    account: Account, key: KeyArn | KeyName, *, tampered: bool
) -> None:
    """The second delivery of a Delete does not take the key away if it had been in force before the resource."""
    account.having(OURS)
    account.aws.aliases["alias/logs"] = OURS
    account.create(replace(ASKED, key=key))
    if tampered:
        account.aws.log_groups[ORDERS].key = STRANGE

    for _ in range(2):
        account.delete(replace(ASKED, key=key))

    assert account.state[0] == OURS
    account.create(Association(ORDERS, NEW))
    assert account.state == (NEW, Claim(ME, OURS))


def test_the_mark_of_another_delete_is_no_claim(account: Account) -> None:
    """The mark that another resource's Delete left for itself does not stop ours."""
    account.having(OURS, Claim(STRANGER, OURS, deleted=True))

    account.delete()

    assert account.state[0] is None


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(Claim(STRANGER, BEFORE), id="another stack's"),
        pytest.param(Claim(SIBLING, BEFORE), id="renamed"),
        pytest.param(Claim(FLEET, BEFORE), id="a fleet's"),
        pytest.param(Claim(STRANGER, BEFORE, deleting=True), id="another's, leaving"),
    ],
)
def test_delete_touches_nothing_of_another_owner(claim: Claim) -> None:
    """A Delete leaves what another resource owns, even under the same key."""
    account = Account().having(OURS, claim)

    outcome = account.delete()

    assert account.state == (OURS, claim)
    assert claim.owner.text in outcome.note


@pytest.mark.parametrize(
    ("key", "former", "minted", "left"),
    [
        pytest.param(OURS, ASKED, True, None, id="our key, our id: disassociated"),
        pytest.param(OURS, replace(ASKED, key=KeyName("alias/logs")), True, None, id="our key by alias"),
        pytest.param(OURS, replace(ASKED, on_delete=OnDelete.RETAIN), True, OURS, id="Retain"),
        pytest.param(OURS, ASKED, False, OURS, id="made-up id"),
        pytest.param(STRANGE, ASKED, True, STRANGE, id="another key"),
        pytest.param(OURS, replace(ASKED, key=KeyName("alias/gone")), True, OURS, id="alias that is gone"),
        pytest.param(None, ASKED, True, None, id="no key"),
    ],
)
def test_delete_without_tags(key: KeyArn | None, former: Association, left: KeyArn | None, *, minted: bool) -> None:
    """A Delete that finds no tags takes away only its own key, and only under an id of a success."""
    account = Account().having(key)
    account.aws.aliases["alias/logs"] = OURS

    account.delete(former, minted=minted)

    assert account.state == (left, None)


def test_delete_of_a_log_group_that_is_gone(account: Account) -> None:
    """Nothing to do is a success."""
    del account.aws.log_groups[ORDERS]

    assert "gone" in account.delete().note


def test_delete_of_a_log_group_that_vanishes_half_way(account: Account) -> None:
    """A log group that vanishes between two calls of its Delete is a success too."""
    account.having(OURS, Claim(ME, BEFORE))

    def vanish(operation: str) -> None:
        if operation == "TagResource":
            account.aws.log_groups.clear()

    account.aws.after = vanish

    assert "gone" in account.delete().note


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param([key_policy_denied()] * 30, id="key policy"),
        pytest.param([role_denied("kms:Encrypt")] * 30, id="role's KMS permission"),
        pytest.param([KeyNotFound("AssociateKmsKey", "InvalidParameterException", "?")], id="key gone"),
    ],
)
def test_a_previous_key_that_is_no_longer_usable_is_not_put_back(account: Account, refusal: list[ApiError]) -> None:
    """The Delete succeeds, leaves no key, says so, and does not wait for minutes."""
    account.having(OURS, Claim(ME, BEFORE))
    account.aws.refuse("AssociateKmsKey", *refusal)

    outcome = account.delete()

    assert account.state == (None, None)
    assert BEFORE.text in outcome.note
    assert sum(account.clock.slept) <= 10


def test_our_own_key_that_cannot_be_put_back_leaves_no_mark(account: Account) -> None:
    """The Delete ends without key or tags if our own key had been there before and is refused now."""
    account.having(STRANGE, Claim(ME, OURS))
    account.aws.refuse("AssociateKmsKey", *[key_policy_denied()] * 30)

    outcome = account.delete()

    assert (account.state, outcome.key) == ((None, None), None)
    assert OURS.text in outcome.note


@pytest.mark.parametrize("operation", ["AssociateKmsKey", "DisassociateKmsKey"])
def test_a_delete_that_is_refused_for_good_changes_nothing(account: Account, operation: str) -> None:
    """A Delete that lacks the Logs permission fails and leaves key and claim as they were, for the next try."""
    previous = BEFORE if operation == "AssociateKmsKey" else None
    account.having(OURS, Claim(ME, previous))
    account.aws.refuse(operation, *[role_denied(f"logs:{operation}")] * 30)

    with pytest.raises(RoleDenied):
        account.delete()
    assert account.state == (OURS, Claim(ME, previous))


@pytest.mark.parametrize("when", [pytest.param("TagResource"), "DescribeLogGroups", "AssociateKmsKey"])
def test_a_delete_leaves_what_is_taken_over_half_way(account: Account, when: str) -> None:
    """Another owner, who took it for dead, keeps key and claim."""
    account.having(OURS, Claim(ME, BEFORE))

    def take_over(operation: str) -> None:
        if operation == when:
            account.clock.time += 15
            account.having(STRANGE, Claim(STRANGER, BEFORE))

    account.aws.after = take_over

    outcome = account.delete()

    assert account.state == (STRANGE, Claim(STRANGER, BEFORE))
    assert "taken over" in outcome.note


@pytest.mark.parametrize(
    ("claim", "operation"),
    [
        pytest.param(Claim(ME, BEFORE), "AssociateKmsKey", id="to put the previous key back"),
        pytest.param(Claim(ME, None), "DisassociateKmsKey", id="to take the key away"),
        pytest.param(None, "DisassociateKmsKey", id="to take the key away, without tags"),
    ],
)
def test_a_delete_leaves_what_is_taken_over_while_it_waits(
    account: Account, claim: Claim | None, operation: str
) -> None:
    """Another owner that claims while the Delete waits for a retry keeps key and claim."""
    account.having(OURS, claim)
    account.aws.refuse(operation, concurrent_change())

    def take_over(called: str) -> None:
        if called == operation:
            account.having(STRANGE, Claim(STRANGER, BEFORE))

    account.aws.before = take_over

    account.delete()

    assert account.state == (STRANGE, Claim(STRANGER, BEFORE))
    assert account.aws.calls.count(operation) == 1


@pytest.mark.parametrize("on_delete", OnDelete)
@pytest.mark.parametrize("claim", [Claim(ME, BEFORE), None], ids=["claimed", "without tags"])
def test_a_log_group_that_vanishes_at_any_call_is_no_failure(on_delete: OnDelete, claim: Claim | None) -> None:
    """The stack goes with it."""
    for call in count(1):
        account = Account().having(OURS, claim)
        calls = 0

        def vanish(_: str, *, at: int = call, account: Account = account) -> None:
            nonlocal calls
            calls += 1
            if calls == at:
                del account.aws.log_groups[ORDERS]

        account.aws.before = vanish
        outcome = account.delete(replace(ASKED, on_delete=on_delete))

        if calls < call:
            break
        assert outcome.note == "The log group is gone; there was nothing to do"
    assert call > 1


def test_what_is_taken_over_while_it_is_handed_back_stays_taken() -> None:
    """AWS lets the Delete wait; meanwhile somebody names the log group, and the last writer wins."""
    account = Account().having(OURS, Claim(FLEET, BEFORE))
    account.aws.refuse("TagResource", concurrent_change("TagResource"))

    def take_over(_: str) -> None:
        account.having(NEW, Claim(STRANGER, OURS))

    account.aws.before = take_over

    removal = Removal(account.context().logs, account.context().keys, ORDERS)
    outcome = removal.hand_back(Claim(FLEET, BEFORE), SIBLING)

    assert outcome.skipped == 1
    assert account.state == (NEW, Claim(STRANGER, OURS))
