"""The way to CloudWatch Logs and KMS: retries under every call, its turn, and what the trail is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from support.fake_aws import concurrent_change, fleet, key_policy_denied, role_denied, throttled, unavailable
from unit.association.account import BEFORE, ME, ORDERS, OURS, RESULTS, STRANGER, Account

from log_group_kms.association.gateway import Gateway, UnrestorableKeys
from log_group_kms.association.trail import Footprint, Trail
from log_group_kms.model.errors import ApiError, ClaimLost, KeyNotFound, OutOfTime, RoleDenied
from log_group_kms.model.ownership import Claim, Marks, Work
from log_group_kms.retry.retrier import Retrier, no_guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.association.gateway import Guard
    from log_group_kms.retry.rate_limits import Call, Pace

    Change = Callable[[Gateway, Guard], object]

CLAIM, LEAVING = Claim(ME, BEFORE), Claim(ME, BEFORE, deleting=True)
MARKS = Marks(Work.CREATING, 1_800_000_000.0)

#: The changes of an event that has claimed nothing yet, each with its operation.
FIRST_CHANGES = [
    pytest.param("TagResource", lambda logs: logs.claim(ORDERS, CLAIM, no_guard), id="claim"),
    pytest.param("CreateLogGroup", lambda logs: logs.create(ORDERS, OURS, CLAIM), id="create"),
    pytest.param("AssociateKmsKey", lambda logs: logs.associate_unclaimed(RESULTS, OURS), id="query results"),
]
#: The changes of a key, each with its operation.
KEY_CHANGES = [
    pytest.param("AssociateKmsKey", lambda logs, guard: logs.associate(ORDERS, OURS, guard), id="associate"),
    pytest.param("AssociateKmsKey", lambda logs, guard: logs.restore(ORDERS, BEFORE, guard), id="restore"),
    pytest.param("DisassociateKmsKey", lambda logs, guard: logs.disassociate(ORDERS, guard), id="disassociate"),
]
#: The changes of tags, each with its operation.
TAG_CHANGES = [
    pytest.param("TagResource", lambda logs, guard: logs.claim(ORDERS, CLAIM, guard), id="claim"),
    pytest.param("TagResource", lambda logs, guard: logs.rewrite_claim(ORDERS, LEAVING, guard), id="rewrite"),
    pytest.param("UntagResource", lambda logs, guard: logs.remove_claim(ORDERS, guard), id="remove"),
]
#: The changes of marks, each with its operation.
MARK_CHANGES = [
    pytest.param("TagResource", lambda logs, _: logs.write_marks(ORDERS, ME, MARKS), id="mark"),
    pytest.param("UntagResource", lambda logs, _: logs.remove_marks(ORDERS, ME, MARKS), id="unmark"),
]
#: The reads of one log group, each with its operation.
READS = [
    pytest.param("DescribeLogGroups", lambda logs: logs.key_of(ORDERS), id="key_of"),
    pytest.param("ListTagsForResource", lambda logs: logs.tags_of(ORDERS), id="tags_of"),
    pytest.param("ListTagsForResource", lambda logs: logs.claim_on(ORDERS), id="claim_on"),
    pytest.param("ListTagsForResource", lambda logs: logs.marks_on(ORDERS, ME), id="marks_on"),
]
#: The read of many, whose pace is its caller's.
PAGES = [pytest.param("DescribeLogGroups", lambda logs: logs.page(fleet("/"), ""), id="page")]


class RecordingTrail(Trail):
    """Keeps every footprint."""

    def __init__(self) -> None:
        super().__init__()
        self.footprints: list[Footprint] = []

    def leave(self, footprint: Footprint) -> None:
        super().leave(footprint)
        self.footprints.append(footprint)


@dataclass
class RecordingPace:
    """Admits every call at once, and keeps what it is told."""

    told: list[str] = field(default_factory=list)

    def take(self, call: Call) -> None:
        self.told.append(call.value)

    def accepted(self) -> None:
        self.told.append("accepted")

    def refused(self) -> None:
        self.told.append("refused")


def gateway(account: Account, trail: Trail | None = None, pace: Pace | None = None) -> Gateway:
    """The account's CloudWatch Logs, with retries for as long as the account's event has time."""
    return Gateway(account.aws, retrier(account), trail or Trail(), pace)


def retrier(account: Account) -> Retrier:
    """Retries with the longest pauses."""
    return Retrier(account.clock, account.clock.time + account.seconds, jitter=lambda _, most: most)


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("operation", "read"), [*READS, *PAGES])
def test_a_read_is_retried(account: Account, operation: str, read: Callable[[Gateway], object]) -> None:
    """A read that is throttled or unavailable is made again."""
    expected = read(gateway(account))
    account.aws.calls.clear()
    account.aws.refuse(operation, throttled(operation), unavailable(operation))

    assert read(gateway(account)) == expected
    assert account.aws.calls == [operation] * 3


def test_a_claim_of_a_delete_that_is_through_is_none(account: Account) -> None:
    """The mark of a Delete is seen in the tags, and nobody owns the log group."""
    mark = Claim(ME, OURS, deleted=True)
    account.having(OURS, mark)

    logs = gateway(account)

    assert (logs.tags_of(ORDERS), logs.claim_on(ORDERS)) == (mark, None)


# --- the first change -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("operation", "change"), FIRST_CHANGES)
@pytest.mark.parametrize(
    ("refusals", "footprints"),
    [
        pytest.param([], [Footprint.PERHAPS, Footprint.CLAIMED], id="accepted"),
        pytest.param([throttled()], [Footprint.PERHAPS, Footprint.CLAIMED], id="accepted at last"),
        pytest.param([role_denied("?")], [Footprint.PERHAPS, Footprint.NOTHING], id="refused for certain"),
        pytest.param([unavailable()], [Footprint.PERHAPS], id="it may have been done"),
        pytest.param([unavailable(), role_denied("?")], [Footprint.PERHAPS], id="it may have been done at first"),
    ],
)
def test_the_trail_of_a_first_change(
    operation: str, change: Callable[[Gateway], None], refusals: list[ApiError], footprints: list[Footprint]
) -> None:
    """Perhaps a claim before the call; after it a claim, nothing, or still perhaps, as AWS answered."""
    account = Account() if operation == "CreateLogGroup" else Account().having()
    trail = RecordingTrail()
    failing = footprints[-1] is not Footprint.CLAIMED
    account.aws.refuse(operation, *refusals, *[refusals[-1]] * 300 if failing else [])

    if failing:
        with pytest.raises(ApiError):
            change(gateway(account, trail))
    else:
        change(gateway(account, trail))

    assert trail.footprints == footprints


@pytest.mark.parametrize(("operation", "change"), FIRST_CHANGES)
def test_a_first_change_without_time_leaves_nothing(
    account: Account, operation: str, change: Callable[[Gateway], None]
) -> None:
    """No call is made after the deadline, so a failure leaves nothing."""
    account.seconds = 0
    trail = RecordingTrail()

    with pytest.raises(OutOfTime):
        change(gateway(account, trail))

    assert operation not in account.aws.calls
    assert trail.footprint is Footprint.NOTHING


class OvertakenError(Exception):
    """What a rule raises to look and decide again."""


@pytest.mark.parametrize(
    ("refusal", "ending", "footprints"),
    [
        pytest.param(throttled(), ClaimLost("gone"), [Footprint.PERHAPS, Footprint.NOTHING], id="refused for certain"),
        pytest.param(unavailable(), ClaimLost("gone"), [Footprint.PERHAPS], id="it may have been done"),
        pytest.param(throttled(), OvertakenError(), [Footprint.PERHAPS], id="looked at again"),
    ],
)
def test_the_trail_of_a_claim_that_the_guard_ends(
    account: Account, refusal: ApiError, ending: Exception, footprints: list[Footprint]
) -> None:
    """What AWS refused for certain left nothing; what is looked at again is open until then."""
    trail = RecordingTrail()
    account.aws.refuse("TagResource", refusal)

    def end() -> None:
        raise ending

    with pytest.raises(type(ending)):
        gateway(account, trail).claim(ORDERS, CLAIM, end)

    assert trail.footprints == footprints


@pytest.mark.parametrize(("operation", "change"), [*KEY_CHANGES, *TAG_CHANGES[1:]])
@pytest.mark.parametrize("fails", [False, True], ids=["accepted", "refused"])
def test_other_changes_leave_no_trail(account: Account, operation: str, change: Change, *, fails: bool) -> None:
    """A later change makes no difference to the id of a failed answer."""
    trail = RecordingTrail()
    if fails:
        account.aws.refuse(operation, *[role_denied("logs:?")] * 300)
        with pytest.raises(RoleDenied):
            change(gateway(account, trail), no_guard)
    else:
        change(gateway(account, trail), no_guard)

    assert trail.footprints == []


# --- the guard --------------------------------------------------------------------------------------------------------


def lose() -> None:
    """A guard that finds the claim gone."""
    raise ClaimLost("gone")


@pytest.mark.parametrize(("operation", "change"), [*KEY_CHANGES, *TAG_CHANGES])
@pytest.mark.parametrize("refusals", [0, 1, 3])
def test_the_guard_is_asked_before_each_retry(account: Account, operation: str, change: Change, refusals: int) -> None:
    """The guard is asked once after each error, and not before the first try."""
    account.aws.refuse(operation, *[concurrent_change(operation)] * refusals)

    change(gateway(account), lambda: account.aws.calls.append("guard"))

    assert account.aws.calls == [*[operation, "guard"] * refusals, operation]


@pytest.mark.parametrize(("operation", "change"), [*KEY_CHANGES, *TAG_CHANGES])
def test_a_guard_can_end_a_change(account: Account, operation: str, change: Change) -> None:
    """The guard's error is raised, and the call is not made again."""
    account.aws.refuse(operation, concurrent_change(operation))

    with pytest.raises(ClaimLost, match="gone"):
        change(gateway(account), lose)

    assert account.aws.calls == [operation]


# --- the pace ---------------------------------------------------------------------------------------------------------


def kind_of(operation: str) -> str:
    """Return the call as the pace knows it: AssociateKmsKey and DisassociateKmsKey are of one kind."""
    return operation.replace("DisassociateKmsKey", "AssociateKmsKey")


@pytest.mark.parametrize(("operation", "change"), [*KEY_CHANGES, *TAG_CHANGES, *MARK_CHANGES])
def test_a_change_is_admitted_for_each_try(account: Account, operation: str, change: Change) -> None:
    """The pace hears of throttling and of success; of another refusal it hears nothing."""
    pace = RecordingPace()
    account.aws.refuse(operation, throttled(operation), concurrent_change(operation))

    change(gateway(account, pace=pace), no_guard)

    kind = kind_of(operation)
    assert pace.told == [kind, "refused", kind, kind, "accepted"]


@pytest.mark.parametrize(("operation", "read"), READS)
def test_a_read_of_one_log_group_is_admitted_for_each_try(
    account: Account, operation: str, read: Callable[[Gateway], object]
) -> None:
    """Each kind has a quota of its own."""
    pace = RecordingPace()
    account.aws.refuse(operation, throttled(operation))

    read(gateway(account, pace=pace))

    assert pace.told == [operation, "refused", operation, "accepted"]


@pytest.mark.parametrize(("operation", "change"), [*KEY_CHANGES, *TAG_CHANGES])
def test_a_change_at_once_is_not_admitted(account: Account, operation: str, change: Change) -> None:
    """A gateway at once is the same without the pace."""
    pace = RecordingPace()

    change(gateway(account, pace=pace).at_once(), no_guard)

    assert (account.aws.calls, pace.told) == ([operation], [])


# --- the fence --------------------------------------------------------------------------------------------------------


def fenced(account: Account, fence: Guard, pace: Pace | None = None) -> Gateway:
    """A gateway behind a *fence*."""
    return replace(gateway(account, pace=pace), fence=fence)


@pytest.mark.parametrize("paced", [False, True], ids=["at once", "at a pace"])
@pytest.mark.parametrize(
    ("operation", "change", "behind"),
    [
        *[
            pytest.param(*row.values, row.id in ("associate", "claim"), id=row.id)
            for row in (*KEY_CHANGES, *TAG_CHANGES, *MARK_CHANGES)
        ],
    ],
)
def test_the_fence_is_asked_just_before_each_try(
    account: Account, operation: str, change: Change, *, behind: bool, paced: bool
) -> None:
    """Each call that claims or associates is behind it, after its turn has come; what gives back is not."""
    pace = RecordingPace(account.aws.calls) if paced else None
    account.aws.refuse(operation, concurrent_change(operation))

    change(fenced(account, lambda: account.aws.calls.append("fence"), pace), no_guard)

    once = [*[kind_of(operation)] * paced, *["fence"] * behind, operation]
    assert account.aws.calls == [*once, *once, *["accepted"] * paced]


@pytest.mark.parametrize(
    ("operation", "change"), [row for row in (*KEY_CHANGES, *TAG_CHANGES) if row.id in ("associate", "claim")]
)
def test_a_fence_can_end_a_change(account: Account, operation: str, change: Change) -> None:
    """The fence's error is raised, and the call is not made."""
    with pytest.raises(ClaimLost, match="gone"):
        change(fenced(account, lose), no_guard)

    assert operation not in account.aws.calls


# --- the key of before ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(key_policy_denied(), id="key policy"),
        pytest.param(role_denied("kms:Encrypt"), id="role's KMS permission"),
        pytest.param(KeyNotFound("AssociateKmsKey", "InvalidParameterException", "?"), id="key gone"),
    ],
)
def test_a_key_that_cannot_be_restored_is_remembered(account: Account, refusal: ApiError) -> None:
    """The error is given back, and for the next log group nobody waits for that key."""
    logs = gateway(account)
    account.aws.refuse("AssociateKmsKey", *[refusal] * 300)

    first = logs.restore(ORDERS, BEFORE, no_guard)
    waited, calls = sum(account.clock.slept), len(account.aws.calls)
    second = logs.restore(ORDERS, BEFORE, no_guard)

    assert (first, second) == (refusal, refusal)
    assert BEFORE in logs.unrestorable
    assert waited <= 10
    assert (sum(account.clock.slept), len(account.aws.calls)) == (waited, calls + 1)


def test_a_key_that_is_restored_is_no_error(account: Account) -> None:
    """The key is in force again, also where AWS was busy at first."""
    logs = gateway(account)
    account.aws.refuse("AssociateKmsKey", concurrent_change(), key_policy_denied())

    assert logs.restore(ORDERS, BEFORE, no_guard) is None
    assert (account.state[0], BEFORE in logs.unrestorable) == (BEFORE, False)


@pytest.mark.parametrize("refusal", [role_denied("logs:AssociateKmsKey"), unavailable()], ids=["Logs", "unavailable"])
def test_a_refusal_that_is_not_the_keys_fault_is_raised(account: Account, refusal: ApiError) -> None:
    """A missing permission of CloudWatch Logs, or a bad moment, says nothing about the key."""
    logs = gateway(account)
    account.aws.refuse("AssociateKmsKey", *[refusal] * 300)

    with pytest.raises(type(refusal)):
        logs.restore(ORDERS, BEFORE, no_guard)

    assert BEFORE not in logs.unrestorable


def test_unrestorable_keys_are_told_apart() -> None:
    """One key says nothing about another."""
    keys = UnrestorableKeys()
    keys.remember(BEFORE)

    assert (BEFORE in keys, OURS in keys, BEFORE.text in keys) == (True, False, False)


def test_a_claim_of_another_is_read_as_it_is(account: Account) -> None:
    """The gateway decides nothing."""
    account.having(BEFORE, Claim(STRANGER, None))

    logs = gateway(account)

    assert (logs.key_of(ORDERS), logs.claim_on(ORDERS)) == (BEFORE, Claim(STRANGER, None))
