"""Enrolment of new log groups, and reconciliation of the fleet: what is asked, and what becomes of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest
from support.fake_aws import (
    OTHER_STACK_ID,
    PLACE,
    STACK_ID,
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
)
from support.project import EVENTS

from log_group_kms.association.context import Context
from log_group_kms.association.requests import Asker, Ensure, Remove
from log_group_kms.fleet.checkpoint import Checkpoint, Counts, Fate, Phase
from log_group_kms.fleet.plan import Action, Planned
from log_group_kms.fleet.upkeep import MOST_HOPS, Enrol, Reconcile, Summary, Upkeep
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.association import Association, OnDelete, OnExistingKey
from log_group_kms.model.errors import ClaimLost, ConcurrentChange, InvalidRequest, KeyPolicyDenied, RoleDenied
from log_group_kms.model.keys import KeyArn, KeyName
from log_group_kms.model.ownership import Claim, Owner
from log_group_kms.model.results import Outcome
from log_group_kms.request.parse import Ignore
from log_group_kms.request.upkeep import parse_fleet, parse_upkeep
from log_group_kms.retry.rate_limits import RateLimits
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


OURS, BEFORE, STRANGE = key_arn(1), key_arn(2), key_arn(3)
ORDERS: Final = "/aws/lambda/orders"
FLEET: Final = fleet("/")
ME: Final = owner("Fleet", target=FLEET)
EXPLICIT, SIBLING, STRANGER = owner(), owner("Renamed", target=FLEET), owner("Fleet", OTHER_STACK_ID, FLEET)
SETTINGS: Final = {
    "FLEET_STACK_ID": STACK_ID,
    "FLEET_LOGICAL_ID": "Fleet",
    "KMS_KEY_ID": OURS.text,
    "LOG_GROUP_NAME_PREFIX": "/",
    "EXCLUDE_LOG_GROUP_NAMES": "/scratch/*,*secret*",
    "ON_EXISTING_KEY": "Override",
    "ON_DELETE": "RestorePrevious",
    "ENROLMENT_RULE": "enrolment",
}
WRITING: Final = {"AssociateKmsKey", "DisassociateKmsKey", "TagResource", "UntagResource", "CreateLogGroup"}

State = tuple[KeyArn | None, Claim | None]


def load(name: str) -> dict[str, Any]:
    """The event of that file."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


# --- what is asked ----------------------------------------------------------------------------------------------------


def created(name: object, **changes: object) -> dict[str, Any]:
    """CloudTrail's event of CreateLogGroup for a log group of this *name*, with *changes* to its detail."""
    event = load("enrolment-create-log-group")
    event["detail"] |= {"requestParameters": {"logGroupName": name}, **changes}
    return event


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        pytest.param(load("enrolment-create-log-group"), Enrol(log_group(ORDERS)), id="a log group was created"),
        pytest.param(created("/x#1"), Enrol(log_group("/x#1")), id="of another name"),
        pytest.param(created(ORDERS, errorMessage="x"), Enrol(log_group(ORDERS)), id="a message is no error's code"),
        pytest.param(load("reconcile"), Reconcile(), id="reconcile"),
        pytest.param(load("reconcile-dry-run"), Reconcile(dry_run=True), id="dry run"),
        pytest.param({"Reconcile": True, "DryRun": False}, Reconcile(), id="no dry run"),
        pytest.param({"Reconcile": True, "Hops": 3}, Reconcile(hops=3), id="after so many invocations"),
        pytest.param({"Reconcile": True, "Hops": "3"}, Reconcile(hops=MOST_HOPS), id="after nobody knows how many"),
        pytest.param({"Reconcile": True, "Progress": {"phase": 1}}, Reconcile(), id="a progress of nobody's"),
    ],
)
def test_what_an_event_asks(event: object, asked: object) -> None:
    """CloudTrail tells of a new log group; a schedule, or a person, asks for a reconciliation."""
    assert parse_upkeep(event, PLACE) == asked


@pytest.mark.parametrize(
    ("event", "why"),
    [
        pytest.param(
            load("enrolment-create-log-group-failed"),
            "CreateLogGroup had failed with AccessDenied",
            id="the call had failed",
        ),
        pytest.param(
            created(ORDERS, errorCode="ResourceAlreadyExistsException"),
            "CreateLogGroup had failed with ResourceAlreadyExistsException",
            id="the log group was there",
        ),
        pytest.param(created(None), "No log group to enrol: None; it must be 1 to 512", id="no name"),
        pytest.param(created(""), "No log group to enrol: ''; it must be 1 to 512", id="an empty name"),
        pytest.param(
            created(ORDERS, requestParameters=None), "No log group to enrol: None", id="requestParameters null"
        ),
        pytest.param(
            created("aws/spans"), "No log group to enrol: 'aws/spans'; names that start with aws/", id="reserved"
        ),
        pytest.param(created("a b"), "No log group to enrol: 'a b'", id="a name that AWS does not accept"),
    ],
)
def test_what_is_left_alone(event: object, why: str) -> None:
    """An event without a log group to enrol is no failure: it would come back for nothing, and end in the queue."""
    asked = parse_upkeep(event, PLACE)

    assert isinstance(asked, Ignore)
    assert asked.why.startswith(why)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        pytest.param(None, "The event must be CloudTrail's of CreateLogGroup", id="nothing"),
        pytest.param([], "The event must be", id="a list"),
        pytest.param({}, "The event must be", id="empty"),
        pytest.param({"Reconcile": False}, "The event must be", id="not to reconcile"),
        pytest.param({"Reconcile": "true"}, "The event must be", id="reconcile, as a string"),
        pytest.param({"reconcile": True}, "The event must be", id="in the wrong case"),
        pytest.param({"detail": {"eventName": "DeleteLogGroup"}}, "The event must be", id="another call"),
        pytest.param(load("create"), "The event must be", id="CloudFormation's"),
        pytest.param({"Reconcile": True, "DryRun": "true"}, "DryRun is 'true'; it must be true or false", id="string"),
        pytest.param({"Reconcile": True, "DryRun": 1}, "DryRun is 1; it must be true or false", id="number"),
        pytest.param({"Reconcile": True, "DryRun": None}, "DryRun is None", id="null"),
        pytest.param(
            {"Reconcile": True, "dryRun": True, "Prefix": "/"},
            "Prefix, dryRun: a reconciliation knows DryRun only",
            id="unknown keys",
        ),
    ],
)
def test_what_nobody_sends(event: object, why: str) -> None:
    """Above all a dry run that is misspelt must not be taken for a real one."""
    with pytest.raises(ValueError, match=r"\S") as mistake:
        parse_upkeep(event, PLACE)

    assert str(mistake.value).startswith(why)


def test_the_event_of_a_further_invocation_is_understood() -> None:
    """It carries how far the ones before came, as JSON."""
    counts = Counts(associated=3, compliant=40)
    checkpoint = Checkpoint(Phase.CHANGE, OURS.text, "token", counts, ("/a", "/b"), claimed=True)

    event = json.loads(json.dumps(Reconcile(hops=4).further(checkpoint)))

    assert parse_upkeep(event, PLACE) == Reconcile(checkpoint=checkpoint, hops=5)


# --- for which fleet --------------------------------------------------------------------------------------------------


def test_the_fleet_is_the_one_of_the_environment() -> None:
    """It wants what the fleet's own template says, in the fleet's own name."""
    of_environment, event = parse_fleet(SETTINGS)

    assert of_environment == FLEET
    assert (event.owner, event.asker) == (ME, Asker.ENROLMENT)
    assert (event.association.target, event.association.key) == (FLEET, OURS)
    assert event.association.exclude.patterns == ("/scratch/*", "*secret*")
    assert event.enrolling


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"EXCLUDE_LOG_GROUP_NAMES": ""}, {"exclude": ()}, id="no exclusions"),
        pytest.param({"EXCLUDE_LOG_GROUP_NAMES": "/a, /b ,"}, {"exclude": ("/a", "/b")}, id="exclusions with spaces"),
        pytest.param({"LOG_GROUP_NAME_PREFIX": "*"}, {"prefix": ""}, id="every log group"),
        pytest.param({"KMS_KEY_ID": "alias/logs"}, {"key": KeyName("alias/logs")}, id="an alias"),
        pytest.param({"ON_EXISTING_KEY": "Keep"}, {"on_existing_key": OnExistingKey.KEEP}, id="other keys are kept"),
        pytest.param({}, {"on_delete": OnDelete.RESTORE_PREVIOUS}, id="the default of OnDelete"),
        pytest.param({"ON_DELETE": "Retain"}, {"on_delete": OnDelete.RETAIN}, id="OnDelete"),
    ],
)
def test_each_setting_has_its_effect(changes: dict[str, str], expected: dict[str, object]) -> None:
    """What the template's parameters say reaches the rules."""
    of_environment, event = parse_fleet(SETTINGS | changes)
    found = {
        "exclude": event.association.exclude.patterns,
        "prefix": of_environment.prefix,
        "key": event.association.key,
        "on_existing_key": event.association.on_existing_key,
        "on_delete": event.association.on_delete,
    }

    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("name", SETTINGS)
def test_a_missing_setting_is_named(name: str) -> None:
    """No KeyError: whoever reads the log knows where to look."""
    with pytest.raises(InvalidRequest, match=f"^{name} is missing from the function's environment"):
        parse_fleet({key: value for key, value in SETTINGS.items() if key != name})


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        pytest.param({"KMS_KEY_ID": ""}, "KmsKeyId is ''; it must not be empty", id="no key"),
        pytest.param({"KMS_KEY_ID": "logs"}, "KmsKeyId is 'logs'; it must be a key ARN", id="no key's name"),
        pytest.param({"LOG_GROUP_NAME_PREFIX": "/a*"}, "LogGroupNamePrefix is '/a*'", id="a wildcard in the prefix"),
        pytest.param({"LOG_GROUP_NAME_PREFIX": "aws/"}, "reserved for AWS", id="a reserved prefix"),
        pytest.param({"EXCLUDE_LOG_GROUP_NAMES": "/a,b c"}, "'b c' is no name", id="an exclusion that is no name"),
        pytest.param({"ON_EXISTING_KEY": "keep"}, "OnExistingKey is 'keep'; it must be one of", id="in lower case"),
        pytest.param({"ON_DELETE": "Keep"}, "OnDelete is 'Keep'; it must be one of", id="OnDelete"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, str], mistake: str) -> None:
    """With its value and the rule, by the name of the fleet's property."""
    with pytest.raises(InvalidRequest) as refused:
        parse_fleet(SETTINGS | changes)

    assert mistake in str(refused.value)


# --- a fake account ---------------------------------------------------------------------------------------------------


@dataclass
class Account:
    """A fake account with a fleet, and the enrolment that works for it."""

    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(OURS, BEFORE, STRANGE))
    clock: FakeClock = field(default_factory=FakeClock)
    settings: dict[str, str] = field(default_factory=lambda: dict(SETTINGS))
    #: Whether the fleet's rule is there.
    is_alive: Callable[[], bool] = lambda: True
    #: What became of log groups, as it is told.
    told: list[tuple[str, Fate]] = field(default_factory=list)
    invocations: int = 0

    def having(self, *names: str, key: KeyArn | None = None, claim: Claim | None = None) -> Account:
        """With these log groups in this state."""
        for name in names:
            self.aws.log_groups[log_group(name)] = FakeLogGroup(key, claim)
        return self

    def having_fleet(self) -> Account:
        """With the fleet's Create done."""
        _, event = parse_fleet(self.settings)
        lifecycle.ensure(self.work(), Ensure(event.owner, event.association))
        return self

    def enrol(self, name: str) -> Fate:
        return self.upkeep().enrol(log_group(name))

    def reconcile(self, seconds: float = 800) -> Outcome:
        """As many invocations as it takes, each so long; the progress travels as JSON."""
        checkpoint: Checkpoint | None = None
        for _ in range(100):
            self.invocations += 1
            outcome = self.upkeep(seconds).reconcile(checkpoint)
            if isinstance(outcome, Outcome):
                return outcome
            event = json.loads(json.dumps(Reconcile().further(outcome)))
            asked = parse_upkeep(event, PLACE)
            assert isinstance(asked, Reconcile)
            checkpoint = asked.checkpoint
        raise AssertionError("it does not end")

    def delete_fleet(self) -> None:
        """The fleet's own Delete."""
        _, event = parse_fleet(self.settings)
        lifecycle.remove(self.work(), Remove.of(event.owner, event.association, minted=True))

    def upkeep(self, seconds: float = 800) -> Upkeep:
        return Upkeep(self.work(seconds), *parse_fleet(self.settings), self._alive, self._saw)

    def work(self, seconds: float = 800) -> Context:
        retrier = Retrier(self.clock, self.clock.time + seconds, jitter=lambda _, most: most)
        return Context.of(self.aws, self.aws, retrier, rate_limits=RateLimits(workers=1))

    def state(self, name: str) -> State:
        found = self.aws.log_groups[log_group(name)]
        return found.key, found.claim

    def states(self) -> dict[str, State]:
        return {group.name.text: (state.key, state.claim) for group, state in self.aws.log_groups.items()}

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.aws.calls)

    def _alive(self) -> bool:
        """As it is by then, not as it was when the work began."""
        return self.is_alive()

    def _saw(self, name: str, fate: Fate, _: str) -> None:
        self.told.append((name, fate))


def held(previous: KeyArn | None = None, key: KeyArn = OURS) -> State:
    """What belongs to the fleet."""
    return key, Claim(ME, previous)


def many(count: int) -> list[str]:
    """So many names, in order."""
    return [f"/app/{number:05d}" for number in range(count)]


def gone_after(calls: int) -> Callable[[], bool]:
    """A rule that is there so many looks long."""
    looks: Iterator[int] = iter(range(1_000))
    return lambda: next(looks) < calls


# --- enrolment --------------------------------------------------------------------------------------------------------


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
    lifecycle.ensure(account.work(), Ensure(EXPLICIT, Association(log_group(ORDERS), STRANGE)))

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


@pytest.mark.parametrize("operation", ["TagResource", "AssociateKmsKey"])
def test_a_delete_that_overtakes_an_enrolment_leaves_nothing_behind(operation: str) -> None:
    """Whenever it comes after the claim; the rule goes first, and the log group ends as it was."""
    account = Account().having(ORDERS, key=BEFORE)

    def overtake(called: str) -> None:
        if called == operation:
            account.aws.after = lambda _: None
            account.is_alive = lambda: False
            account.delete_fleet()

    account.aws.after = overtake

    assert account.enrol(ORDERS) is Fate.PASSED
    assert account.state(ORDERS) == (BEFORE, None)


@pytest.mark.parametrize("operation", ["TagResource", "AssociateKmsKey"])
def test_tags_that_someone_takes_off_are_written_again(operation: str) -> None:
    """The fleet is alive."""
    account = Account().having(ORDERS, key=BEFORE)

    def strip(called: str) -> None:
        if called == operation:
            account.aws.after = lambda _: None
            account.aws.log_groups[log_group(ORDERS)] = FakeLogGroup(BEFORE)

    account.aws.after = strip

    assert account.enrol(ORDERS) is Fate.ASSOCIATED
    assert account.state(ORDERS) == held(BEFORE)


# --- reconciliation ---------------------------------------------------------------------------------------------------


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
    """One call for each page of 50, and nobody is told of anything."""
    account = Account().having(*many(120)).having_fleet()
    account.aws.calls.clear()

    outcome = account.reconcile()

    assert (outcome.associated, outcome.compliant, account.told) == (0, 120, [])
    assert account.counts == {"DescribeLogGroups": 3}


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


@pytest.mark.parametrize(
    ("on_delete", "key"),
    [(OnDelete.RESTORE_PREVIOUS, BEFORE), (OnDelete.DISASSOCIATE, None), (OnDelete.RETAIN, OURS)],
)
def test_what_is_reconciled_while_the_fleet_goes_is_given_back(on_delete: OnDelete, key: KeyArn | None) -> None:
    """As the fleet's Delete would, which may have passed by already."""
    account = Account(settings=SETTINGS | {"ON_DELETE": on_delete}, is_alive=gone_after(1)).having("/a", key=BEFORE)

    with pytest.raises(ClaimLost, match="went away meanwhile"):
        account.reconcile()
    assert account.state("/a") == (key, None)


def test_a_rule_that_someone_takes_away_costs_the_fleet_nothing() -> None:
    """The claims stand, so no Delete has passed by; if one comes, it comes to all of them."""
    account = Account(is_alive=gone_after(2)).having(*many(300))

    with pytest.raises(ClaimLost, match="nothing more was changed"):
        account.reconcile(seconds=40)
    changed = [state for state in account.states().values() if state != (None, None)]
    assert len(changed) > 50
    assert set(changed) == {held()}


def test_a_reconciliation_that_changed_nothing_gives_nothing_back() -> None:
    """What the fleet holds is left to the fleet's own Delete."""
    account = Account().having("/a", key=BEFORE).having_fleet()
    account.is_alive = gone_after(1)

    assert account.reconcile().associated == 0
    assert account.state("/a") == held(BEFORE)


def test_giving_back_goes_on_in_further_invocations() -> None:
    """What a Delete has begun with, and what it has not come to yet, does not fit into one."""
    account = Account().having(*many(400))

    def begin_to_delete(operation: str) -> None:
        if operation == "AssociateKmsKey" and account.counts[operation] == 310:
            account.aws.after = lambda _: None
            account.is_alive = lambda: False
            for name in many(10):
                account.aws.log_groups[log_group(name)] = FakeLogGroup()

    account.aws.after = begin_to_delete
    with pytest.raises(ClaimLost, match="went away meanwhile"):
        account.reconcile(seconds=80)

    assert account.invocations > 2
    assert set(account.states().values()) == {(None, None)}


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
    """It has come to the first page only: what it has not come to yet keeps its key all the same."""
    account = Account(settings=SETTINGS | {"ON_DELETE": "Retain"}).having(*many(100)).having_fleet()
    account.having("/app/00000-new", "/zz")

    def begin_to_delete(operation: str) -> None:
        if operation == "AssociateKmsKey":
            account.aws.after = lambda _: None
            account.is_alive = lambda: False
            account.aws.log_groups[log_group("/app/00000-new")].claim = None

    account.aws.after = begin_to_delete
    with pytest.raises(ClaimLost):
        account.reconcile()

    assert {account.state(name) for name in many(100)} == {(OURS, None)}


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
    account.having("/e", claim=Claim(EXPLICIT, None)).having("/scratch/x").having(
        "/f", key=STRANGE, claim=Claim(ME, None)
    )
    told: list[tuple[str, Action]] = []

    summary = Summary.of(account.upkeep().plan(), lambda one: told.append((one.name, one.action)))

    assert told == [
        ("/a", Action.COMPLIANT),
        ("/b", Action.COMPLIANT),
        ("/c", Action.ASSOCIATE),
        ("/d", Action.REKEY),
        ("/e", Action.LEAVE),
        ("/f", Action.REKEY),
        ("/scratch/x", Action.EXCLUDED),
    ]
    assert summary == Summary(
        {"compliant": 2, "associate": 1, "re-key": 2, "leave to its owner": 1, "excluded": 1}, complete=True
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

    assert not summary.complete
    assert 0 < summary.counts["associate"] == len(told) < 500


def test_other_failures_of_a_dry_run_are_raised() -> None:
    """A part is shown for want of time only."""
    account = Account().having("/a", "/b")
    denied = RoleDenied("ListTagsForResource", "AccessDeniedException", "no", action="logs:ListTagsForResource")
    account.aws.refuse("ListTagsForResource", *[denied] * 99)

    with pytest.raises(RoleDenied):
        Summary.of(account.upkeep().plan(), lambda _: None)
