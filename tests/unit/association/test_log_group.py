"""The contract's table, row by row, against a fake AWS with state."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import pytest
from support.fake_aws import (
    OTHER_STACK_ID,
    PLACE,
    FakeAws,
    FakeClock,
    FakeLogGroup,
    concurrent_change,
    fleet,
    key_arn,
    key_policy_denied,
    log_group,
    owner,
    role_denied,
    throttled,
    unavailable,
)
from support.trails import TellingTrail

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Ensure, Remove, Update
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnDelete, OnExistingKey, OnMissingLogGroup
from log_group_kms.model.errors import (
    ApiError,
    ClaimLost,
    ConcurrentChange,
    KeyNotFound,
    KeyUnusable,
    NotFound,
    NotStabilized,
    OutOfTime,
    ProviderError,
    ResourceConflict,
    RoleDenied,
)
from log_group_kms.model.keys import KeyArn, KeyDescription, KeyName
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.model.results import Outcome
from log_group_kms.model.targets import QueryResults
from log_group_kms.request.parse import parse_physical_id
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from log_group_kms.fleet.checkpoint import Checkpoint

ORDERS, BILLING = log_group("/aws/lambda/orders"), log_group("/aws/lambda/billing")
OURS, NEW, BEFORE, STRANGE = key_arn(1), key_arn(2), key_arn(3), key_arn(4)
ME, SIBLING = owner(), owner("Renamed")
STRANGER = owner(stack_id=OTHER_STACK_ID)
FLEET = owner("Fleet", target=fleet("/aws/"))
ASKED = Association(ORDERS, OURS)


def ended(outcome: Outcome | Checkpoint) -> Outcome:
    """One log group needs no further invocation."""
    assert isinstance(outcome, Outcome)
    return outcome


@dataclass
class Terminal:
    """A fake account, and what a failure would be answered with."""

    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(OURS, NEW, BEFORE, STRANGE))
    clock: FakeClock = field(default_factory=FakeClock)
    failure_id: str = "(not told)"

    def having(self, key: KeyArn | None = None, claim: Claim | None = None) -> Terminal:
        """With the log group in this state."""
        self.aws.log_groups[ORDERS] = FakeLogGroup(key, claim)
        return self

    @property
    def state(self) -> tuple[KeyArn | None, Claim | None]:
        """The log group's key and claim."""
        return self.aws.log_groups[ORDERS].key, self.aws.log_groups[ORDERS].claim

    def work(self) -> Context:
        retrier = Retrier(self.clock, self.clock.time + 600, jitter=lambda _, most: most)
        return Context.of(self.aws, self.aws, retrier, TellingTrail(self._tell))

    def create(self, desired: Association = ASKED, me: Owner = ME) -> Outcome:
        self.failure_id = NOTHING_ASSOCIATED
        return ended(lifecycle.ensure(self.work(), Ensure(me, desired)))

    def update(self, desired: Association, former: Association | None = ASKED) -> Outcome:
        self.failure_id = ORDERS.arn
        event = Ensure(ME, desired, Update(ORDERS.arn, former, ME if former else None))
        return ended(lifecycle.ensure(self.work(), event))

    def delete(self, former: Association = ASKED, me: Owner = ME, *, minted: bool = True) -> Outcome:
        return ended(lifecycle.remove(self.work(), Remove.of(me, former, minted=minted)))

    def _tell(self, physical_id: str) -> None:
        self.failure_id = physical_id


@pytest.fixture
def terminal() -> Terminal:
    """A log group without a key that nobody owns."""
    return Terminal().having()


# --- Create -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "claim", "state"),
    [
        pytest.param(None, None, (OURS, Claim(ME, None)), id="no key"),
        pytest.param(BEFORE, None, (OURS, Claim(ME, BEFORE)), id="another key, nobody's"),
        pytest.param(OURS, None, (OURS, Claim(ME, OURS)), id="our key there already, nobody's"),
        pytest.param(STRANGE, Claim(STRANGER, BEFORE), (OURS, Claim(ME, STRANGE)), id="another stack's"),
        pytest.param(OURS, Claim(STRANGER, BEFORE), (OURS, Claim(ME, OURS)), id="another stack's, same key"),
        pytest.param(STRANGE, Claim(FLEET, None), (OURS, Claim(ME, STRANGE)), id="a fleet's"),
        pytest.param(OURS, Claim(SIBLING, BEFORE), (OURS, Claim(ME, BEFORE)), id="renamed logical id"),
        pytest.param(NEW, Claim(SIBLING, None), (OURS, Claim(ME, None)), id="renamed, and another key"),
        pytest.param(
            STRANGE, Claim(STRANGER, BEFORE, deleting=True), (OURS, Claim(ME, BEFORE)), id="another stack's, leaving"
        ),
        pytest.param(None, Claim(ME, BEFORE), (OURS, Claim(ME, BEFORE)), id="redelivered before the key"),
        pytest.param(OURS, Claim(ME, BEFORE), (OURS, Claim(ME, BEFORE)), id="redelivered after the key"),
    ],
)
def test_create_claims_and_associates(key: KeyArn | None, claim: Claim | None, state: tuple[KeyArn, Claim]) -> None:
    """A Create ends with the wanted key in force, itself the owner, and what was there before remembered once."""
    terminal = Terminal().having(key, claim)

    outcome = terminal.create()

    assert terminal.state == state
    assert (outcome.target, outcome.key, outcome.previous) == (ORDERS, OURS, state[1].previous)


@pytest.mark.parametrize(
    ("key", "claim", "outcome"),
    [
        pytest.param(None, None, Outcome(ORDERS, OURS, None, associated=1, settling=True), id="no key"),
        pytest.param(BEFORE, None, Outcome(ORDERS, OURS, BEFORE, associated=1, settling=True), id="another key"),
        pytest.param(OURS, None, Outcome(ORDERS, OURS, OURS, compliant=1), id="our key, nobody's"),
        pytest.param(OURS, Claim(SIBLING, BEFORE), Outcome(ORDERS, OURS, BEFORE, compliant=1), id="renamed"),
        pytest.param(
            OURS, Claim(ME, BEFORE), Outcome(ORDERS, OURS, BEFORE, compliant=1, settling=True), id="redelivered"
        ),
    ],
)
def test_what_a_create_answers(key: KeyArn | None, claim: Claim | None, outcome: Outcome) -> None:
    """A Create counts what it changed; a key that it, or its earlier delivery, has just associated must settle."""
    assert Terminal().having(key, claim).create() == outcome


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_create_delivered_again_changes_nothing(terminal: Terminal, times: int) -> None:
    """However often a Create is delivered, the first previous key is remembered."""
    terminal.having(BEFORE)
    for _ in range(times):
        terminal.create()

    assert terminal.state == (OURS, Claim(ME, BEFORE))
    assert terminal.aws.calls.count("AssociateKmsKey") == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("alias/logs", OURS, id="alias"),
        pytest.param("mrk-1234", OURS, id="multi-Region key id"),
    ],
)
def test_a_key_that_is_no_arn_is_resolved(terminal: Terminal, name: str, expected: KeyArn) -> None:
    """AWS is given the key ARN behind an alias or an id, since only that reads back."""
    terminal.aws.aliases[name] = OURS

    outcome = terminal.create(replace(ASKED, key=KeyName(name)))

    assert (outcome.key, terminal.state) == (expected, (expected, Claim(ME, None)))


@pytest.mark.parametrize(
    ("description", "words"),
    [
        pytest.param(KeyDescription(OURS, state="Disabled"), "is disabled", id="disabled"),
        pytest.param(KeyDescription(OURS, state="PendingDeletion"), "pending deletion", id="pending deletion"),
        pytest.param(KeyDescription(OURS, state="PendingImport"), "KeyState is PendingImport", id="pending import"),
        pytest.param(KeyDescription(OURS, spec="RSA_2048"), "no symmetric", id="asymmetric"),
        pytest.param(KeyDescription(OURS, usage="GENERATE_VERIFY_MAC"), "no symmetric", id="not for encryption"),
        pytest.param(KeyDescription(OURS, aws_managed=True), "AWS managed", id="AWS managed"),
    ],
)
def test_a_key_that_cannot_encrypt_is_refused_before_anything_changes(
    terminal: Terminal, description: KeyDescription, words: str
) -> None:
    """What DescribeKey tells while a name is resolved ends the Create with nothing claimed."""
    terminal.aws.aliases["alias/logs"] = OURS
    terminal.aws.keys[OURS] = description

    with pytest.raises(KeyUnusable, match=words):
        terminal.create(replace(ASKED, key=KeyName("alias/logs")))
    assert (terminal.state, terminal.failure_id) == ((None, None), NOTHING_ASSOCIATED)


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        pytest.param(None, "nobody's", id="nobody's"),
        pytest.param(Claim(STRANGER, None), "another stack's", id="another stack's"),
        pytest.param(Claim(FLEET, None), "a fleet's", id="a fleet's"),
    ],
)
def test_keep_leaves_another_key(claim: Claim | None, why: str) -> None:
    """OnExistingKey Keep changes nothing and claims nothing, answers with the kept key, and its Delete does nothing."""
    terminal = Terminal().having(STRANGE, claim)
    keeping = replace(ASKED, on_existing_key=OnExistingKey.KEEP)

    outcome = terminal.create(keeping)
    terminal.update(keeping, keeping)
    terminal.delete(keeping)

    assert terminal.state == (STRANGE, claim), why
    assert replace(outcome, note="") == Outcome(ORDERS, STRANGE, STRANGE, skipped=1)


@pytest.mark.parametrize("event", ["create", "update"])
def test_fail_refuses_another_key(event: str) -> None:
    """OnExistingKey Fail names the key that is there and its owner, changes nothing, and leaves nothing to undo."""
    terminal = Terminal().having(STRANGE, Claim(STRANGER, None))
    failing = replace(ASKED, on_existing_key=OnExistingKey.FAIL)

    with pytest.raises(ResourceConflict, match=f"{STRANGE.text}; it belongs to {STRANGER.text}"):
        terminal.create(failing) if event == "create" else terminal.update(failing, failing)
    assert terminal.state == (STRANGE, Claim(STRANGER, None))
    assert terminal.failure_id == (NOTHING_ASSOCIATED if event == "create" else ORDERS.arn)


@pytest.mark.parametrize("choice", list(OnExistingKey))
@pytest.mark.parametrize("key", [None, OURS], ids=["no key", "our key"])
def test_on_existing_key_is_about_another_key_only(choice: OnExistingKey, key: KeyArn | None) -> None:
    """Where there is no key, or the wanted one, every OnExistingKey associates and claims."""
    terminal = Terminal().having(key)

    terminal.create(replace(ASKED, on_existing_key=choice))

    assert terminal.state == (OURS, Claim(ME, key))


def test_a_missing_log_group_fails(terminal: Terminal) -> None:
    """A log group that is not there is an error that names it and leaves nothing to undo."""
    del terminal.aws.log_groups[ORDERS]

    with pytest.raises(NotFound) as missing:
        terminal.create()
    assert (missing.value.target, terminal.aws.log_groups, terminal.failure_id) == (ORDERS.arn, {}, NOTHING_ASSOCIATED)


def test_a_missing_log_group_is_created_encrypted_and_claimed(terminal: Terminal) -> None:
    """OnMissingLogGroup Create makes it under the key and the claim in one call; its Delete leaves it unencrypted."""
    del terminal.aws.log_groups[ORDERS]
    creating = replace(ASKED, on_missing_log_group=OnMissingLogGroup.CREATE)

    outcome = terminal.create(creating)

    assert (terminal.state, outcome) == ((OURS, Claim(ME, None)), Outcome(ORDERS, OURS, associated=1, settling=True))
    assert {"AssociateKmsKey", "TagResource"}.isdisjoint(terminal.aws.calls)
    terminal.delete(creating)
    assert terminal.state == (None, None)


def test_a_log_group_that_someone_else_creates_meanwhile_is_associated(terminal: Terminal) -> None:
    """Losing the race for CreateLogGroup ends like a Create on a log group that was there."""
    del terminal.aws.log_groups[ORDERS]

    def someone_is_quicker(operation: str) -> None:
        if operation == "CreateLogGroup":
            terminal.having(BEFORE)

    terminal.aws.before = someone_is_quicker

    terminal.create(replace(ASKED, on_missing_log_group=OnMissingLogGroup.CREATE))

    assert terminal.state == (OURS, Claim(ME, BEFORE))


def test_a_create_whose_other_delivery_creates_meanwhile_can_be_undone(terminal: Terminal) -> None:
    """Of two deliveries that race for CreateLogGroup, the slower one fails with the id that the claim calls for."""
    del terminal.aws.log_groups[ORDERS]
    terminal.aws.refuse("AssociateKmsKey", *[key_policy_denied()] * 300)

    def the_other_is_quicker(operation: str) -> None:
        if operation == "CreateLogGroup":
            terminal.having(STRANGE, Claim(ME, None))

    terminal.aws.before = the_other_is_quicker

    with pytest.raises(ApiError):
        terminal.create(replace(ASKED, on_missing_log_group=OnMissingLogGroup.CREATE))
    assert terminal.failure_id == ORDERS.arn


# --- Update -----------------------------------------------------------------------------------------------------------


def test_a_new_key_is_associated_directly(terminal: Terminal) -> None:
    """An Update of the key never disassociates first, and keeps what was there before the resource."""
    terminal.having(OURS, Claim(ME, BEFORE))

    outcome = terminal.update(Association(ORDERS, NEW))

    assert terminal.state == (NEW, Claim(ME, BEFORE))
    assert (outcome.target.arn, outcome.previous) == (ORDERS.arn, BEFORE)
    assert "DisassociateKmsKey" not in terminal.aws.calls


def test_options_only_need_no_change(terminal: Terminal) -> None:
    """An Update of options reads and changes nothing."""
    terminal.having(OURS, Claim(ME, BEFORE))

    outcome = terminal.update(replace(ASKED, on_delete=OnDelete.RETAIN))

    assert (terminal.state, outcome.compliant) == ((OURS, Claim(ME, BEFORE)), 1)
    assert set(terminal.aws.calls) == {"DescribeLogGroups", "ListTagsForResource"}


@pytest.mark.parametrize(
    ("key", "desired", "outcome"),
    [
        pytest.param(
            OURS, Association(ORDERS, NEW), Outcome(ORDERS, NEW, BEFORE, associated=1, settling=True), id="new key"
        ),
        pytest.param(
            NEW, Association(ORDERS, NEW), Outcome(ORDERS, NEW, BEFORE, compliant=1, settling=True), id="redelivered"
        ),
        pytest.param(
            OURS, replace(ASKED, on_delete=OnDelete.RETAIN), Outcome(ORDERS, OURS, BEFORE, compliant=1), id="options"
        ),
        pytest.param(STRANGE, ASKED, Outcome(ORDERS, OURS, BEFORE, associated=1, settling=True), id="drift"),
    ],
)
def test_what_an_update_answers(key: KeyArn, desired: Association, outcome: Outcome) -> None:
    """An Update counts what it changed; only a key that was just changed must settle."""
    assert Terminal().having(key, Claim(ME, BEFORE)).update(desired) == outcome


@pytest.mark.parametrize("drifted", [None, STRANGE], ids=["key gone", "key changed"])
def test_drift_is_mended(drifted: KeyArn | None) -> None:
    """A key that someone changed by hand under our claim is mended."""
    terminal = Terminal().having(drifted, Claim(ME, BEFORE))

    terminal.update(replace(ASKED, on_existing_key=OnExistingKey.FAIL))

    assert terminal.state == (OURS, Claim(ME, BEFORE))


@pytest.mark.parametrize(
    ("key", "state"),
    [
        pytest.param(OURS, (NEW, Claim(ME, None)), id="our old key: nobody knows what was before"),
        pytest.param(NEW, (NEW, Claim(ME, NEW)), id="the new key already: it was there before us"),
        pytest.param(STRANGE, (NEW, Claim(ME, STRANGE)), id="another key"),
        pytest.param(None, (NEW, Claim(ME, None)), id="no key"),
    ],
)
@pytest.mark.parametrize("former_key", [OURS, KeyName("alias/former")], ids=["arn", "alias"])
def test_an_update_without_tags_claims_again(
    key: KeyArn | None, state: tuple[KeyArn, Claim], former_key: KeyArn | KeyName
) -> None:
    """Where the tags are gone, an Update claims again."""
    terminal = Terminal().having(key)
    terminal.aws.aliases["alias/former"] = OURS

    terminal.update(Association(ORDERS, NEW), Association(ORDERS, former_key))

    assert terminal.state == state


def test_the_former_key_of_another_log_group_is_not_ours_here(terminal: Terminal) -> None:
    """A rollback to the old log group takes no key for its own that the resource had wanted elsewhere."""
    terminal.having(NEW)
    keeping = replace(ASKED, on_existing_key=OnExistingKey.KEEP)

    terminal.update(keeping, Association(BILLING, NEW))

    assert terminal.state == (NEW, None)


def test_a_former_alias_that_is_gone_does_not_fail_an_update(terminal: Terminal) -> None:
    """An old key that nobody can resolve any more is no reason to fail: what is in force counts as another's."""
    terminal.having(STRANGE)

    terminal.update(Association(ORDERS, NEW), Association(ORDERS, KeyName("alias/gone")))

    assert terminal.state == (NEW, Claim(ME, STRANGE))


def test_a_new_target_leaves_the_old_one_for_its_delete(terminal: Terminal) -> None:
    """An Update to another log group associates that one and answers with its id; the old one waits for its Delete."""
    terminal.having(OURS, Claim(ME, BEFORE))
    terminal.aws.log_groups[BILLING] = FakeLogGroup(STRANGE)

    outcome = terminal.update(Association(BILLING, OURS))

    assert outcome.target.arn == BILLING.arn
    assert terminal.state == (OURS, Claim(ME, BEFORE))
    assert terminal.aws.log_groups[BILLING] == FakeLogGroup(OURS, Claim(ME, STRANGE))


def test_an_update_takes_a_claim_back_that_a_dead_delete_left(terminal: Terminal) -> None:
    """A target that returns after its Delete died half-way keeps what was there before."""
    terminal.having(OURS, Claim(ME, BEFORE, deleting=True))

    terminal.update(ASKED, Association(BILLING, OURS))

    assert terminal.state == (OURS, Claim(ME, BEFORE))


# --- Delete -----------------------------------------------------------------------------------------------------------


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
    terminal = Terminal().having(key, claim)

    terminal.delete(replace(ASKED, on_delete=on_delete), minted=minted)

    assert terminal.state == (state, None)


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
    assert replace(Terminal().having(key, claim).delete(former), note="") == outcome


def test_a_delete_takes_its_claim_away_before_it_reads_the_key(terminal: Terminal) -> None:
    """Whoever reads the claim while the Delete decides and acts finds it leaving; the tags go last."""
    terminal.having(OURS, Claim(ME, BEFORE))
    seen: list[tuple[str, Claim | None]] = []
    terminal.aws.before = lambda operation: seen.append((operation, terminal.state[1]))

    terminal.delete()

    claimed, leaving = Claim(ME, BEFORE), Claim(ME, BEFORE, deleting=True)
    assert seen == [
        ("ListTagsForResource", claimed),
        ("TagResource", claimed),
        ("DescribeLogGroups", leaving),
        ("ListTagsForResource", leaving),
        ("AssociateKmsKey", leaving),
        ("UntagResource", leaving),
    ]


def test_a_former_alias_that_may_not_be_described_holds_no_delete_up(terminal: Terminal) -> None:
    """Who may not ask what an alias meant leaves the key, and does not wait for a permission."""
    terminal.having(OURS)
    terminal.aws.refuse("DescribeKey", *[role_denied("kms:DescribeKey", "DescribeKey")] * 30)

    terminal.delete(replace(ASKED, key=KeyName("alias/logs")))

    assert (terminal.state, terminal.clock.slept) == ((OURS, None), [])


@pytest.mark.parametrize("tampered", [False, True], ids=["as it was", "changed by hand"])
@pytest.mark.parametrize("key", [OURS, KeyName("alias/logs")], ids=["arn", "alias"])
def test_a_delete_delivered_twice_leaves_our_key_where_it_was_before(
    terminal: Terminal, key: KeyArn | KeyName, *, tampered: bool
) -> None:
    """Where the wanted key was there already, the second delivery of a Delete must not take it for our own."""
    terminal.having(OURS)
    terminal.aws.aliases["alias/logs"] = OURS
    terminal.create(replace(ASKED, key=key))
    if tampered:
        terminal.aws.log_groups[ORDERS].key = STRANGE

    for _ in range(2):
        terminal.delete(replace(ASKED, key=key))

    assert terminal.state[0] == OURS
    terminal.create(Association(ORDERS, NEW))
    assert terminal.state == (NEW, Claim(ME, OURS))


def test_the_mark_of_another_delete_is_no_claim(terminal: Terminal) -> None:
    """What another resource's Delete left behind to know itself again does not keep ours from its work."""
    terminal.having(OURS, Claim(STRANGER, OURS, deleted=True))

    terminal.delete()

    assert terminal.state[0] is None


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
    terminal = Terminal().having(OURS, claim)

    outcome = terminal.delete()

    assert terminal.state == (OURS, claim)
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
    """Without tags only our own key under an id of ours is taken away."""
    terminal = Terminal().having(key)
    terminal.aws.aliases["alias/logs"] = OURS

    terminal.delete(former, minted=minted)

    assert terminal.state == (left, None)


def test_delete_of_a_log_group_that_is_gone(terminal: Terminal) -> None:
    """Nothing to do is a success."""
    del terminal.aws.log_groups[ORDERS]

    assert "gone" in terminal.delete().note


def test_delete_of_a_log_group_that_vanishes_half_way(terminal: Terminal) -> None:
    """A log group that vanishes between two calls of its Delete is a success too."""
    terminal.having(OURS, Claim(ME, BEFORE))

    def vanish(operation: str) -> None:
        if operation == "TagResource":
            terminal.aws.log_groups.clear()

    terminal.aws.after = vanish

    assert "gone" in terminal.delete().note


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param([key_policy_denied()] * 30, id="key policy"),
        pytest.param([role_denied("kms:Encrypt")] * 30, id="role's KMS permission"),
        pytest.param([KeyNotFound("AssociateKmsKey", "InvalidParameterException", "?")], id="key gone"),
    ],
)
def test_a_previous_key_that_is_no_longer_usable_is_not_put_back(terminal: Terminal, refusal: list[ApiError]) -> None:
    """The Delete succeeds, leaves no key, says so, and does not wait for minutes."""
    terminal.having(OURS, Claim(ME, BEFORE))
    terminal.aws.refuse("AssociateKmsKey", *refusal)

    outcome = terminal.delete()

    assert terminal.state == (None, None)
    assert BEFORE.text in outcome.note
    assert sum(terminal.clock.slept) <= 10


def test_our_own_key_that_cannot_be_put_back_leaves_no_mark(terminal: Terminal) -> None:
    """Where our own key had been there before and is refused now, the Delete ends without key or tags."""
    terminal.having(STRANGE, Claim(ME, OURS))
    terminal.aws.refuse("AssociateKmsKey", *[key_policy_denied()] * 30)

    outcome = terminal.delete()

    assert (terminal.state, outcome.key) == ((None, None), None)
    assert OURS.text in outcome.note


@pytest.mark.parametrize("operation", ["AssociateKmsKey", "DisassociateKmsKey"])
def test_a_delete_that_is_refused_for_good_changes_nothing(terminal: Terminal, operation: str) -> None:
    """Without the Logs permission the Delete fails and leaves key and claim as they were, for the next try."""
    previous = BEFORE if operation == "AssociateKmsKey" else None
    terminal.having(OURS, Claim(ME, previous))
    terminal.aws.refuse(operation, *[role_denied(f"logs:{operation}")] * 30)

    with pytest.raises(RoleDenied):
        terminal.delete()
    assert terminal.state == (OURS, Claim(ME, previous))


def test_a_delete_leaves_what_is_taken_over_half_way(terminal: Terminal) -> None:
    """Who claims between a Delete's claim and its change keeps key and claim."""
    terminal.having(OURS, Claim(ME, BEFORE))

    def take_over(operation: str) -> None:
        if operation == "TagResource":
            terminal.having(STRANGE, Claim(STRANGER, BEFORE))

    terminal.aws.after = take_over

    outcome = terminal.delete()

    assert terminal.state == (STRANGE, Claim(STRANGER, BEFORE))
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
    terminal: Terminal, claim: Claim | None, operation: str
) -> None:
    """The same, where the Delete was refused for now and waits."""
    terminal.having(OURS, claim)
    terminal.aws.refuse(operation, concurrent_change())

    def take_over(called: str) -> None:
        if called == operation:
            terminal.having(STRANGE, Claim(STRANGER, BEFORE))

    terminal.aws.before = take_over

    terminal.delete()

    assert terminal.state == (STRANGE, Claim(STRANGER, BEFORE))
    assert terminal.aws.calls.count(operation) == 1


# --- races and failures of a Create -----------------------------------------------------------------------------------


def delete_passes_by(terminal: Terminal, when: str, *, unfinished: bool = False, times: int = 1) -> None:
    """Let a Delete of the same resource, with a made-up id, run before the operation *when*."""
    left = times

    def run(operation: str) -> None:
        nonlocal left
        if operation != when:
            return
        left -= 1
        if left:
            return
        terminal.aws.before = lambda _: None
        if unfinished:
            _, claim = terminal.state
            assert claim
            terminal.aws.log_groups[ORDERS].claim = replace(claim, deleting=True)
        else:
            terminal.delete(minted=False)

    terminal.aws.before = run


@pytest.mark.parametrize("unfinished", [False, True], ids=["through", "under way"])
@pytest.mark.parametrize("before", [None, BEFORE, OURS], ids=["no key", "another key", "our key"])
def test_a_create_that_its_delete_overtakes_undoes_itself(before: KeyArn | None, *, unfinished: bool) -> None:
    """A Create that finds its claim gone leaves the log group as it was before, and fails with nothing to undo."""
    terminal = Terminal().having(before)
    terminal.aws.refuse("AssociateKmsKey", concurrent_change(), concurrent_change())
    delete_passes_by(
        terminal, "AssociateKmsKey" if before != OURS else "DescribeLogGroups", times=2, unfinished=unfinished
    )

    with pytest.raises(ClaimLost):
        terminal.create()
    if unfinished:
        terminal.delete(minted=False)
    assert terminal.state == (before, Claim(ME, OURS, deleted=True) if before == OURS else None)
    assert terminal.failure_id == NOTHING_ASSOCIATED


@pytest.mark.parametrize(
    ("claim", "key"),
    [
        pytest.param(None, BEFORE, id="its Delete is through"),
        pytest.param(Claim(ME, BEFORE, deleting=True), BEFORE, id="its Delete is under way"),
        pytest.param(Claim(STRANGER, OURS), OURS, id="another took over"),
        pytest.param(Claim(STRANGER, OURS, deleting=True), OURS, id="another took over, and is leaving"),
    ],
)
def test_a_create_that_loses_its_claim_after_the_key_undoes_its_own_work_only(
    terminal: Terminal, claim: Claim | None, key: KeyArn
) -> None:
    """Where its own Delete passed by between AssociateKmsKey and the read-back, it puts back; another's it leaves."""
    terminal.having(BEFORE)

    def tags_only(operation: str) -> None:
        # A Delete reads the old key, so it has nothing to put back; then the Create's AssociateKmsKey arrives.
        if operation == "AssociateKmsKey":
            terminal.aws.after = lambda _: None
            terminal.aws.log_groups[ORDERS].claim = claim

    terminal.aws.after = tags_only

    with pytest.raises(ClaimLost):
        terminal.create()
    assert (terminal.state, terminal.failure_id) == ((key, claim), NOTHING_ASSOCIATED)


def test_an_undo_that_cannot_put_the_previous_key_back_logs_it(
    terminal: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    """The Create has failed for another reason by then, so that only the log can tell."""
    terminal.having(BEFORE)
    terminal.aws.closed_to_logs.add(BEFORE)

    def tags_only(operation: str) -> None:
        if operation == "AssociateKmsKey":
            terminal.aws.log_groups[ORDERS].claim = None

    terminal.aws.after = tags_only

    with pytest.raises(ClaimLost):
        terminal.create()
    assert terminal.state == (None, None)
    assert [record.getMessage() for record in caplog.records if BEFORE.text in record.getMessage()]


def test_a_create_looks_before_it_asks_again(terminal: Terminal) -> None:
    """A Create that was refused for now, and taken over while it waited, does not put its key over the other's."""
    terminal.aws.refuse("AssociateKmsKey", concurrent_change())

    def take_over(operation: str) -> None:
        if operation == "AssociateKmsKey":
            terminal.having(STRANGE, Claim(STRANGER, None))

    terminal.aws.before = take_over

    with pytest.raises(ClaimLost, match="the last writer wins"):
        terminal.create()
    assert terminal.state == (STRANGE, Claim(STRANGER, None))


def test_a_create_fails_where_its_own_delete_is_under_way(terminal: Terminal) -> None:
    """A Create that finds its Delete's mark changes nothing; the Delete that follows finishes the work."""
    terminal.having(OURS, Claim(ME, BEFORE, deleting=True))

    with pytest.raises(ClaimLost, match="under way"):
        terminal.create()
    assert terminal.state == (OURS, Claim(ME, BEFORE, deleting=True))
    assert terminal.failure_id == ORDERS.arn


def test_of_two_creators_the_later_claim_wins(terminal: Terminal) -> None:
    """A Create that another stack's takes over meanwhile fails and leaves the other's key and claim."""

    def take_over(operation: str) -> None:
        if operation == "AssociateKmsKey":
            terminal.having(STRANGE, Claim(STRANGER, None))

    terminal.aws.after = take_over

    with pytest.raises((ClaimLost, NotStabilized)):
        terminal.create()
    assert terminal.state == (STRANGE, Claim(STRANGER, None))
    assert terminal.failure_id == NOTHING_ASSOCIATED


def test_a_key_that_came_last_under_an_older_claim_is_overridden(terminal: Terminal) -> None:
    """Where our claim stands but another's key came last, ours is associated once more."""
    overridden = False

    def override_once(operation: str) -> None:
        nonlocal overridden
        if operation == "AssociateKmsKey" and not overridden:
            overridden = True
            terminal.aws.log_groups[ORDERS].key = STRANGE

    terminal.aws.after = override_once

    terminal.create()

    assert terminal.state == (OURS, Claim(ME, None))


@pytest.mark.parametrize("taken_over", [False, True], ids=["still ours", "taken over"])
def test_a_create_looks_before_it_asks_again_once_more(terminal: Terminal, *, taken_over: bool) -> None:
    """Where ours is associated once more and that is refused for now, it goes on for as long as its claim stands."""
    overridden = False

    def override_once(operation: str) -> None:
        nonlocal overridden
        if operation == "AssociateKmsKey" and not overridden:
            overridden = True
            terminal.aws.log_groups[ORDERS].key = STRANGE
            terminal.aws.refuse("AssociateKmsKey", concurrent_change())

    def take_over(operation: str) -> None:
        if operation == "AssociateKmsKey" and overridden and taken_over:
            terminal.having(STRANGE, Claim(STRANGER, None))

    terminal.aws.before, terminal.aws.after = take_over, override_once

    with pytest.raises(ClaimLost) if taken_over else nullcontext():
        terminal.create()
    assert terminal.state == ((STRANGE, Claim(STRANGER, None)) if taken_over else (OURS, Claim(ME, None)))


def test_a_key_that_never_shows_is_an_error(terminal: Terminal) -> None:
    """What AWS accepts but never shows is reported with what it shows instead; the Delete that follows can undo it."""

    def never(operation: str) -> None:
        if operation == "AssociateKmsKey":
            terminal.aws.log_groups[ORDERS].key = None

    terminal.aws.after = never

    with pytest.raises(NotStabilized, match="still shows no key"):
        terminal.create()
    assert terminal.failure_id == ORDERS.arn


@pytest.mark.parametrize(
    ("operation", "refusals", "failure_id"),
    [
        pytest.param(
            "DescribeLogGroups", [role_denied("logs:DescribeLogGroups")], PERHAPS_ASSOCIATED, id="cannot look"
        ),
        pytest.param(
            "ListTagsForResource", [role_denied("logs:ListTagsForResource")], PERHAPS_ASSOCIATED, id="cannot tell"
        ),
        pytest.param("TagResource", [role_denied("logs:TagResource")], NOTHING_ASSOCIATED, id="cannot claim"),
        pytest.param("TagResource", [unavailable()], PERHAPS_ASSOCIATED, id="may have claimed"),
        pytest.param(
            "TagResource", [unavailable(), role_denied("logs:TagResource")], PERHAPS_ASSOCIATED, id="may have, first"
        ),
        pytest.param("AssociateKmsKey", [key_policy_denied()], ORDERS.arn, id="claimed"),
    ],
)
def test_the_id_of_a_failed_create_says_whether_it_claimed(
    terminal: Terminal, operation: str, refusals: list[ApiError], failure_id: str
) -> None:
    """The marker where nothing was claimed; the id of a success where it was; one of its own where nobody can tell."""
    terminal.having(BEFORE)
    terminal.aws.refuse(operation, *refusals, *[refusals[-1]] * 300)

    with pytest.raises(ApiError):
        terminal.create()
    assert (terminal.failure_id, terminal.state[0]) == (failure_id, BEFORE)


def test_a_create_that_cannot_tell_takes_no_key_away_that_was_there(terminal: Terminal) -> None:
    """Where AWS lets nobody look until time is up, the Delete that follows leaves the key that was there before."""
    terminal.having(OURS)
    terminal.aws.refuse("ListTagsForResource", *[throttled("ListTagsForResource")] * 300)
    with pytest.raises(ApiError):
        terminal.create()
    terminal.aws.forgive()

    terminal.delete(minted=parse_physical_id(terminal.failure_id, PLACE) is not None)

    assert terminal.state == (OURS, None)


def test_an_update_gives_back_what_one_before_it_left_behind(terminal: Terminal) -> None:
    """An Update to another log group that died leaves a claim there, of which only the Update back can know."""
    terminal.having(OURS, Claim(ME, BEFORE))
    terminal.aws.log_groups[BILLING] = FakeLogGroup(OURS, Claim(ME, STRANGE))

    terminal.update(ASKED, Association(BILLING, OURS))

    assert terminal.state == (OURS, Claim(ME, BEFORE))
    assert terminal.aws.log_groups[BILLING] == FakeLogGroup(STRANGE)


@pytest.mark.parametrize("claim", [None, Claim(STRANGER, None)], ids=["nobody's", "another stack's"])
def test_an_update_gives_nothing_back_that_it_does_not_own(terminal: Terminal, claim: Claim | None) -> None:
    """A former target that carries no claim of this resource is left alone, also under the wanted key."""
    terminal.having(OURS, Claim(ME, BEFORE))
    terminal.aws.log_groups[BILLING] = FakeLogGroup(OURS, claim)

    terminal.update(ASKED, Association(BILLING, OURS))

    assert terminal.aws.log_groups[BILLING] == FakeLogGroup(OURS, claim)


def test_an_update_succeeds_where_it_cannot_look_for_what_was_left_behind(
    terminal: Terminal, caplog: pytest.LogCaptureFixture
) -> None:
    """The wanted log group is what counts; what may be left behind stands in the log."""
    terminal.having(OURS, Claim(ME, BEFORE))
    denied = role_denied("logs:ListTagsForResource", "ListTagsForResource")
    looks = 0

    def deny_the_second_look(operation: str) -> None:
        nonlocal looks
        if operation == "ListTagsForResource":
            looks += 1
            if looks == 2:
                terminal.aws.refuse("ListTagsForResource", *[denied] * 99)

    terminal.aws.before = deny_the_second_look

    outcome = terminal.update(ASKED, Association(BILLING, OURS))

    assert (outcome.compliant, caplog.messages) == (1, [f"{BILLING.arn} may still be claimed: {denied}"])


def test_a_failed_update_keeps_its_id_unless_it_claimed_a_new_target(terminal: Terminal) -> None:
    """A failed Update answers with the event's id; with the new target's once that is claimed."""
    terminal.having(OURS, Claim(ME, None))
    terminal.aws.log_groups[BILLING] = FakeLogGroup()
    terminal.aws.refuse("AssociateKmsKey", *[key_policy_denied()] * 300)

    with pytest.raises(ApiError):
        terminal.update(Association(ORDERS, NEW))
    assert terminal.failure_id == ORDERS.arn
    with pytest.raises(ApiError):
        terminal.update(Association(BILLING, NEW))
    assert terminal.failure_id == BILLING.arn


def test_no_time_left_means_no_call(terminal: Terminal) -> None:
    """Past the deadline nothing is called and nothing changes."""
    work = Context.of(terminal.aws, terminal.aws, Retrier(terminal.clock, terminal.clock.time))

    with pytest.raises(OutOfTime):
        lifecycle.ensure(work, Ensure(ME, ASKED))
    assert terminal.aws.calls == []


def test_what_heals_is_waited_for(terminal: Terminal) -> None:
    """Refusals that time heals are outlasted, all kinds in one event."""
    terminal.aws.refuse("TagResource", throttled(), unavailable(), role_denied("logs:TagResource"))
    terminal.aws.refuse(
        "AssociateKmsKey", concurrent_change(), key_policy_denied(), throttled(), role_denied("kms:Encrypt")
    )

    terminal.create()

    assert terminal.state == (OURS, Claim(ME, None))


# --- query results ----------------------------------------------------------------------------------------------------

RESULTS = QueryResults(PLACE)
QUERIES = Association(RESULTS, OURS)


def test_query_results_have_one_setting(terminal: Terminal) -> None:
    """Create, Update and Delete set and clear the one key of the account's query results; the last writer wins."""
    terminal.aws.query_results_key = STRANGE

    assert terminal.create(QUERIES).key == OURS
    assert terminal.aws.query_results_key == OURS
    lifecycle.ensure(terminal.work(), Ensure(ME, replace(QUERIES, key=NEW), Update(RESULTS.arn, QUERIES)))
    assert terminal.aws.query_results_key == NEW
    terminal.delete(QUERIES)
    assert terminal.aws.query_results_key is None


@pytest.mark.parametrize(
    ("former", "outcome"),
    [
        pytest.param(None, Outcome(RESULTS, OURS, associated=1, settling=True), id="Create"),
        pytest.param(
            replace(QUERIES, key=NEW), Outcome(RESULTS, OURS, associated=1, settling=True), id="Update of the key"
        ),
        pytest.param(QUERIES, Outcome(RESULTS, OURS, associated=1), id="Update of options"),
    ],
)
def test_what_an_event_of_query_results_answers(
    terminal: Terminal, former: Association | None, outcome: Outcome
) -> None:
    """Each Create and each Update associates; the key must settle where the template names another one."""
    event = Ensure(ME, QUERIES, Update(RESULTS.arn, former) if former else None)

    assert lifecycle.ensure(terminal.work(), event) == outcome


@pytest.mark.parametrize(
    ("on_delete", "outcome"),
    [
        pytest.param(OnDelete.RESTORE_PREVIOUS, Outcome(RESULTS, None, associated=1), id="RestorePrevious"),
        pytest.param(OnDelete.DISASSOCIATE, Outcome(RESULTS, None, associated=1), id="Disassociate"),
        pytest.param(OnDelete.RETAIN, Outcome(RESULTS, None, skipped=1), id="Retain"),
    ],
)
def test_what_a_delete_of_query_results_answers(terminal: Terminal, on_delete: OnDelete, outcome: Outcome) -> None:
    """Nobody knows which key query results had before, so that RestorePrevious takes the key away too."""
    assert replace(terminal.delete(replace(QUERIES, on_delete=on_delete)), note="") == outcome


def test_a_create_of_query_results_whose_key_is_unknown_leaves_nothing_to_undo(terminal: Terminal) -> None:
    """A failure before the one call must not make the Delete that follows strip another stack's key."""
    with pytest.raises(KeyNotFound):
        terminal.create(replace(QUERIES, key=KeyName("alias/gone")))
    assert terminal.failure_id == NOTHING_ASSOCIATED


def test_query_results_are_retained(terminal: Terminal) -> None:
    """OnDelete Retain leaves the key."""
    terminal.create(QUERIES)

    terminal.delete(replace(QUERIES, on_delete=OnDelete.RETAIN))

    assert terminal.aws.query_results_key == OURS


@pytest.mark.parametrize(
    ("refusal", "failure_id"),
    [
        pytest.param(key_policy_denied(), NOTHING_ASSOCIATED, id="refused for certain"),
        pytest.param(unavailable(), PERHAPS_ASSOCIATED, id="it may have been done"),
    ],
)
def test_a_failed_create_of_query_results(terminal: Terminal, refusal: ApiError, failure_id: str) -> None:
    """A Create that AWS refused must not make the Delete that follows strip another stack's key."""
    terminal.aws.query_results_key = STRANGE
    terminal.aws.refuse("AssociateKmsKey", *[refusal] * 300)

    with pytest.raises(ApiError):
        terminal.create(QUERIES)
    assert (terminal.failure_id, terminal.aws.query_results_key) == (failure_id, STRANGE)


# --- the cost ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "most"),
    [
        pytest.param("create", 6, id="happy Create"),
        pytest.param("create again", 3, id="redelivered Create"),
        pytest.param("options", 3, id="Update of options"),
        pytest.param("key", 5, id="Update of the key"),
        pytest.param("delete", 6, id="Delete"),
    ],
)
def test_the_calls_that_an_event_costs(terminal: Terminal, event: str, most: int) -> None:
    """No event of the happy path makes more calls than the contract allows."""
    terminal.having(BEFORE)
    if event != "create":
        terminal.create()
    terminal.aws.calls.clear()
    match event:
        case "create" | "create again":
            terminal.create()
        case "options":
            terminal.update(replace(ASKED, on_delete=OnDelete.RETAIN))
        case "key":
            terminal.update(Association(ORDERS, NEW))
        case "delete":
            terminal.delete()

    assert len(terminal.aws.calls) <= most, terminal.aws.calls


def test_every_error_says_something(terminal: Terminal) -> None:
    """CloudFormation drops an answer without a Reason, so no failure may be silent."""
    terminal.aws.refuse("AssociateKmsKey", *[concurrent_change()] * 300)

    with pytest.raises(ProviderError) as failure:
        terminal.create()
    assert str(failure.value)


# --- what others do while a refused call waits ------------------------------------------------------------------------

THEIRS: Final = (STRANGE, Claim(STRANGER, BEFORE))


def taken_over_at(terminal: Terminal, operation: str, call: int = 1) -> None:
    """Refuse the so-maniest call of *operation* for now, and let another stack take the log group over meanwhile."""
    calls = 0

    def take_over(called: str) -> None:
        nonlocal calls
        calls += called == operation
        if called == operation and calls == call:
            terminal.aws.refuse(operation, throttled(operation))
            terminal.having(*THEIRS)

    terminal.aws.before = take_over


@pytest.mark.parametrize(
    ("operation", "on_delete"),
    [
        ("TagResource", OnDelete.RESTORE_PREVIOUS),
        ("TagResource", OnDelete.DISASSOCIATE),
        ("UntagResource", OnDelete.RESTORE_PREVIOUS),
        ("UntagResource", OnDelete.DISASSOCIATE),
        ("UntagResource", OnDelete.RETAIN),
    ],
)
def test_a_delete_whose_tag_call_waits_leaves_what_is_taken_over(operation: str, on_delete: OnDelete) -> None:
    """A retry of a tag call never writes over, or removes, the tags of who came meanwhile."""
    terminal = Terminal().having(OURS, Claim(ME, BEFORE))
    taken_over_at(terminal, operation)

    terminal.delete(replace(ASKED, on_delete=on_delete))

    assert terminal.state == THEIRS


def test_a_delete_whose_last_mark_waits_leaves_what_is_taken_over(terminal: Terminal) -> None:
    """The same for the mark of a Delete that leaves our own key in force."""
    terminal.having(OURS, Claim(ME, OURS))
    taken_over_at(terminal, "TagResource", call=2)

    terminal.delete()

    assert terminal.state == THEIRS


@pytest.mark.parametrize("choice", list(OnExistingKey))
def test_a_create_whose_claim_waits_decides_anew(choice: OnExistingKey) -> None:
    """What OnExistingKey says holds for who came while the claim was refused for now; what is theirs is remembered."""
    terminal = Terminal().having(None)
    taken_over_at(terminal, "TagResource")

    if choice is OnExistingKey.FAIL:
        with pytest.raises(ResourceConflict):
            terminal.create(replace(ASKED, on_existing_key=choice))
    else:
        terminal.create(replace(ASKED, on_existing_key=choice))

    expected = (OURS, Claim(ME, STRANGE)) if choice is OnExistingKey.OVERRIDE else THEIRS
    assert terminal.state == expected


def test_a_claim_that_was_written_although_it_failed_stands(terminal: Terminal) -> None:
    """A claim whose answer was lost is found before the retry, and kept."""
    terminal.having(BEFORE)
    lost = False

    def lose_the_answer(operation: str) -> None:
        nonlocal lost
        if operation == "TagResource" and not lost:
            lost = True
            raise unavailable("TagResource")

    terminal.aws.after = lose_the_answer

    terminal.create()

    assert terminal.state == (OURS, Claim(ME, BEFORE))


@pytest.mark.parametrize("operation", ["TagResource", "UntagResource"])
def test_a_delete_whose_tag_call_worked_although_it_failed(terminal: Terminal, operation: str) -> None:
    """A tag call of a Delete whose answer was lost is found done before the retry."""
    terminal.having(OURS, Claim(ME, BEFORE))
    lost = False

    def lose_the_answer(called: str) -> None:
        nonlocal lost
        if called == operation and not lost:
            lost = True
            raise unavailable(operation)

    terminal.aws.after = lose_the_answer

    terminal.delete()

    assert terminal.state == (BEFORE, None)


def test_no_change_is_made_after_a_look_that_took_the_time(terminal: Terminal) -> None:
    """A look at the claim that hangs until the deadline ends the attempt: the refusal before it is reported."""
    terminal.aws.refuse("AssociateKmsKey", concurrent_change())
    looks = 0

    def hang(operation: str) -> None:
        nonlocal looks
        looks += operation == "ListTagsForResource"
        if operation == "ListTagsForResource" and looks == 2:
            terminal.clock.time += 1000

    terminal.aws.before = hang

    with pytest.raises(ConcurrentChange):
        terminal.create()
    assert terminal.state == (None, Claim(ME, None))


def test_a_log_group_that_shows_late_after_its_creation(terminal: Terminal) -> None:
    """DescribeLogGroups may not show at once what CreateLogGroup made: that is waited for."""
    del terminal.aws.log_groups[ORDERS]
    hidden = 3

    def hide(operation: str) -> None:
        nonlocal hidden
        if operation == "DescribeLogGroups" and ORDERS in terminal.aws.log_groups and hidden:
            hidden -= 1
            raise NotFound("DescribeLogGroups", "ResourceNotFoundException", "not yet", ORDERS.arn)

    terminal.aws.before = hide

    outcome = terminal.create(replace(ASKED, on_missing_log_group=OnMissingLogGroup.CREATE))

    assert (terminal.state, outcome.key, hidden) == ((OURS, Claim(ME, None)), OURS, 0)


def test_a_log_group_that_never_shows_after_its_creation(terminal: Terminal) -> None:
    """In the end it is an error that says so, and can be undone."""
    del terminal.aws.log_groups[ORDERS]

    def hide(operation: str) -> None:
        if operation == "DescribeLogGroups" and ORDERS in terminal.aws.log_groups:
            raise NotFound("DescribeLogGroups", "ResourceNotFoundException", "not yet", ORDERS.arn)

    terminal.aws.before = hide

    with pytest.raises(NotStabilized, match="does not show it yet"):
        terminal.create(replace(ASKED, on_missing_log_group=OnMissingLogGroup.CREATE))
    assert terminal.failure_id == ORDERS.arn


def test_a_claim_that_is_there_after_all_can_be_undone(terminal: Terminal) -> None:
    """Where one look misses the claim and the next finds it, the failure keeps the id under which it is undone."""
    looks = 0

    def miss(operation: str) -> None:
        nonlocal looks
        looks += operation == "ListTagsForResource"
        if operation == "ListTagsForResource" and looks == 2:
            hidden = terminal.aws.log_groups[ORDERS].claim
            terminal.aws.log_groups[ORDERS].claim = None
            terminal.aws.after = lambda _: setattr(terminal.aws.log_groups[ORDERS], "claim", hidden)

    terminal.aws.before = miss

    with pytest.raises(ClaimLost):
        terminal.create()
    assert (terminal.failure_id, terminal.state) == (ORDERS.arn, (OURS, Claim(ME, None)))
