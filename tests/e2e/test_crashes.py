"""The handler's process is killed, with SIGKILL, around each request that it makes; the next delivery converges.

Where it may be killed is a table: what each event asks AWS for, in this order, and then the PUT of its answer. The
process that runs the handler is a real one, with the real boto3, against the embedded AWS.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest
from support.cloudformation import STACK_ID, CloudFormation
from support.lambda_process import Kill, LambdaFunction

from local.client import keys
from log_group_kms.model.physical_id import PERHAPS_ASSOCIATED
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from support.cloudformation import Answered
    from support.lambda_process import Ended, Moment

    from local.client.embedded_aws import EmbeddedAws

    Event = Mapping[str, Any]

ORDERS, BILLING = "/orders", "/billing"
LOGICAL_ID = "LogEncryption"
#: As CloudFormation makes one up where a Create was never answered.
MADE_UP_ID: Final = f"landing-zone-{LOGICAL_ID}-1V5D3Z0JW2Q4K"
#: What `Encryption` calls the owners.
US, RENAMED = LOGICAL_ID, "Renamed"


@dataclass(frozen=True, slots=True)
class Encryption:
    """A log group as AWS shows it, with keys by their names here and owners by their logical ids."""

    key: str | None
    owner: str | None = None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer means; the counts tell one invocation's share, so that they differ in a second delivery."""

    status: str
    physical_resource_id: str
    key: str | None = None
    previous: str | None = None


State = dict[str, Encryption]


@dataclass
class Account:
    """An account with the provider, and CloudFormation on the other side."""

    aws: EmbeddedAws
    function: LambdaFunction
    cloudformation: CloudFormation
    _keys: dict[str, str] = field(default_factory=dict)

    def key(self, name: str) -> str:
        """The ARN of the key that is called *name* here."""
        if name not in self._keys:
            self._keys[name] = keys.create(self.aws)
        return self._keys[name]

    def log_group(self, name: str, key: str | None = None) -> None:
        """A log group, under the key of this name."""
        logs = self.aws.client("logs")
        logs.create_log_group(logGroupName=name)
        if key:
            logs.associate_kms_key(logGroupName=name, kmsKeyId=self.key(key))

    def state(self) -> State:
        """Every log group."""
        groups = self.aws.client("logs").describe_log_groups()["logGroups"]
        return {group["logGroupName"]: self._encryption(group.get("kmsKeyId"), group["arn"]) for group in groups}

    def create(self, key: str = "ours", target: str = ORDERS, logical_id: str = US, **options: str) -> Event:
        return self._event("Create", self.properties(key, target, **options), logical_resource_id=logical_id)

    def update(self, before: Mapping[str, str], after: Mapping[str, str]) -> Event:
        former_id = self.arn(before["LogGroupName"])
        return self._event("Update", after, old_properties=before, physical_resource_id=former_id)

    def delete(self, physical_id: str = "", **options: str) -> Event:
        properties = self.properties("ours", ORDERS, **options)
        return self._event("Delete", properties, physical_resource_id=physical_id or self.arn(ORDERS))

    def properties(self, key: str, target: str, **options: str) -> dict[str, str]:
        named = key if key.startswith("alias/") else self.key(key)
        return {"KmsKeyId": named, "LogGroupName": target, **options}

    def done(self, event: Event) -> None:
        """Deliver *event*, whose success the test takes for granted."""
        self.function.invoke(event)
        assert self.cloudformation.answer_to(event).status == "SUCCESS"

    def told(self, answer: Answered) -> Told:
        """What *answer* means."""
        key, previous = answer.data.get("KmsKeyArn"), answer.data.get("PreviousKmsKeyArn")
        return Told(answer.status, answer.physical_resource_id, self._named(key), self._named(previous))

    def arn(self, log_group: str) -> str:
        return f"arn:aws:logs:{self.aws.region}:{self.aws.account}:log-group:{log_group}"

    def _event(self, request_type: str, properties: Mapping[str, str], **more: Any) -> Event:
        return self.cloudformation.event(request_type, properties=properties, **more)

    def _encryption(self, key: str | None, arn: str) -> Encryption:
        tags = self.aws.client("logs").list_tags_for_resource(resourceArn=arn.removesuffix(":*"))["tags"]
        owner = tags.get(OWNER_TAG, "").replace(f"one:{STACK_ID.split('/', 1)[1]}/", "")
        return Encryption(self._named(key), owner or None, self._named(tags.get(PREVIOUS_KEY_TAG)))

    def _named(self, key: str | None) -> str | None:
        """A key's name here; none and nothing stay what they are."""
        return {arn: name for name, arn in self._keys.items()}.get(key or "", key or None)


@dataclass(frozen=True, slots=True)
class Situation:
    """An event, and how it ends where nobody is killed.

    Attributes:
        title: for the test's name.
        sent: brings the account to where the event finds it, and makes the event.
        requests: what the provider asks for.
        state: what AWS shows in the end.
        told: what CloudFormation is told in the end; the id is a log group's name.
        frees: whether the log group is to be left without a key.
    """

    title: str
    sent: Callable[[Account], Event]
    requests: tuple[str, ...]
    state: State
    told: tuple[str | None, ...]
    frees: bool = False

    def told_by(self, account: Account) -> Told:
        """The same with the whole id."""
        target, *found = self.told
        return Told("SUCCESS", account.arn(str(target)), *found)


# --- the events -------------------------------------------------------------------------------------------------------


def creating(before: str | None, **options: str) -> Callable[[Account], Event]:
    """A Create on a log group with this key."""

    def sent(account: Account) -> Event:
        account.log_group(ORDERS, before)
        return account.create(**options)

    return sent


def creating_a_log_group(account: Account) -> Event:
    """A Create of a log group that is not there."""
    return account.create(OnMissingLogGroup="Create")


def creating_by_alias(account: Account) -> Event:
    """A Create that names the key by an alias."""
    account.log_group(ORDERS, "before")
    account.aws.client("kms").create_alias(AliasName="alias/logs", TargetKeyId=account.key("ours"))
    return account.create("alias/logs")


def renaming(account: Account) -> Event:
    """A Create by the same stack's resource under a new logical id, with another key."""
    account.done(creating("before")(account))
    return account.create("new", logical_id=RENAMED)


def changing_the_key(before: str | None) -> Callable[[Account], Event]:
    """An Update to another key."""

    def sent(account: Account) -> Event:
        account.done(creating(before)(account))
        return account.update(account.properties("ours", ORDERS), account.properties("new", ORDERS))

    return sent


def changing_the_target(account: Account) -> Event:
    """An Update to another log group, which has a key of its own."""
    account.done(creating("before")(account))
    account.log_group(BILLING, "billing's")
    return account.update(account.properties("ours", ORDERS), account.properties("ours", BILLING))


def deleting(before: str | None, **options: str) -> Callable[[Account], Event]:
    """The Delete after a Create on a log group with this key."""

    def sent(account: Account) -> Event:
        account.done(creating(before, **options)(account))
        return account.delete(**options)

    return sent


LOOKS = ("logs:DescribeLogGroups", "logs:ListTagsForResource")
ACTS = ("logs:TagResource", "logs:AssociateKmsKey", *LOOKS, "PUT")
LEAVES = ("logs:ListTagsForResource", "logs:TagResource", *LOOKS)

SITUATIONS: Final = [
    Situation(
        "Create over a previous key",
        creating("before"),
        (*LOOKS, *ACTS),
        {ORDERS: Encryption("ours", US, "before")},
        (ORDERS, "ours", "before"),
    ),
    Situation(
        "Create where there is no key",
        creating(None),
        (*LOOKS, *ACTS),
        {ORDERS: Encryption("ours", US, "none")},
        (ORDERS, "ours", None),
    ),
    Situation(
        "Create where our key is already",
        creating("ours"),
        (*LOOKS, "logs:TagResource", *LOOKS, "PUT"),
        {ORDERS: Encryption("ours", US, "ours")},
        (ORDERS, "ours", "ours"),
    ),
    Situation(
        "Create of the log group itself",
        creating_a_log_group,
        ("logs:DescribeLogGroups", "logs:CreateLogGroup", *LOOKS, "PUT"),
        {ORDERS: Encryption("ours", US, "none")},
        (ORDERS, "ours", None),
    ),
    Situation(
        "Create by alias",
        creating_by_alias,
        (*LOOKS, "kms:DescribeKey", *ACTS),
        {ORDERS: Encryption("ours", US, "before")},
        (ORDERS, "ours", "before"),
    ),
    Situation(
        "Create under a new logical id",
        renaming,
        (*LOOKS, *ACTS),
        {ORDERS: Encryption("new", RENAMED, "before")},
        (ORDERS, "new", "before"),
    ),
    Situation(
        "Update of the key",
        changing_the_key("before"),
        (*LOOKS, "logs:AssociateKmsKey", *LOOKS, "PUT"),
        {ORDERS: Encryption("new", US, "before")},
        (ORDERS, "new", "before"),
    ),
    Situation(
        "Update of the key, where there was none",
        changing_the_key(None),
        (*LOOKS, "logs:AssociateKmsKey", *LOOKS, "PUT"),
        {ORDERS: Encryption("new", US, "none")},
        (ORDERS, "new", None),
    ),
    Situation(
        "Update of the target",
        changing_the_target,
        (*LOOKS, *ACTS),
        {ORDERS: Encryption("ours", US, "before"), BILLING: Encryption("ours", US, "billing's")},
        (BILLING, "ours", "billing's"),
    ),
    Situation(
        "Delete, RestorePrevious, previous key",
        deleting("before"),
        (*LEAVES, "logs:AssociateKmsKey", "logs:UntagResource", "PUT"),
        {ORDERS: Encryption("before")},
        (ORDERS,),
    ),
    Situation(
        "Delete, RestorePrevious, no previous key",
        deleting(None),
        (*LEAVES, "logs:DisassociateKmsKey", "logs:UntagResource", "PUT"),
        {ORDERS: Encryption(None)},
        (ORDERS,),
        frees=True,
    ),
    Situation(
        "Delete, RestorePrevious, our own key was there before",
        deleting("ours"),
        (*LEAVES, "logs:TagResource", "PUT"),
        {ORDERS: Encryption("ours", f"deleted:{US}", "ours")},
        (ORDERS,),
    ),
    Situation(
        "Delete, Disassociate",
        deleting("before", OnDelete="Disassociate"),
        (*LEAVES, "logs:DisassociateKmsKey", "logs:UntagResource", "PUT"),
        {ORDERS: Encryption(None)},
        (ORDERS,),
        frees=True,
    ),
    Situation(
        "Delete, Retain",
        deleting("before", OnDelete="Retain"),
        ("logs:ListTagsForResource", "logs:UntagResource", "PUT"),
        {ORDERS: Encryption("ours")},
        (ORDERS,),
    ),
]


def every_kill(situations: list[Situation], moments: tuple[Moment, ...] = ("before", "after")) -> list[Any]:
    """Each of them killed at each request."""
    return [
        pytest.param(situation, Kill(moment, number), id=f"{situation.title}: {moment} {number + 1} {request}")
        for situation in situations
        for number, request in enumerate(situation.requests)
        for moment in moments
    ]


# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def function(embedded_aws: EmbeddedAws) -> Iterator[LambdaFunction]:
    """The handler, imported once."""
    with LambdaFunction.start(embedded_aws.environment) as started:
        yield started


@pytest.fixture
def account(aws: EmbeddedAws, function: LambdaFunction) -> Iterator[Account]:
    """An empty account."""
    with CloudFormation.start() as cloudformation:
        yield Account(aws, function, cloudformation)


@contextmanager
def no_key_lost(account: Account, situation: Situation) -> Iterator[None]:
    """What had a key keeps one, at every moment, unless it is to be freed.

    A key goes in no other way than by DisassociateKmsKey, and AWS logs each of those.
    """
    account.aws.direction.forget_calls()
    yield
    freed = account.aws.direction.counts()["logs:DisassociateKmsKey"]
    assert situation.frees or not freed, account.aws.direction.calls()


def killed(account: Account, event: Event, kill: Kill) -> Ended:
    """An invocation that is killed for sure, and what was left is looked at."""
    ended = account.function.invoke(event, kill)
    assert (ended.killed, len(ended.requests)) == (True, kill.request + 1), ended
    return ended


def keyed(state: State) -> set[str]:
    """The log groups that have a key."""
    return {name for name, encryption in state.items() if encryption.key}


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.title)
def test_an_invocation_that_nobody_kills(account: Account, situation: Situation) -> None:
    """Makes these requests in this order, and ends in this state: what the other tests here compare with."""
    event = situation.sent(account)

    with no_key_lost(account, situation):
        ended = account.function.invoke(event)

    assert (ended.killed, ended.raised, ended.requests) == (False, None, situation.requests)
    assert account.state() == situation.state
    assert account.told(account.cloudformation.answer_to(event)) == situation.told_by(account)


@pytest.mark.parametrize(("situation", "kill"), every_kill(SITUATIONS))
def test_the_next_delivery_converges(account: Account, situation: Situation, kill: Kill) -> None:
    """Wherever the first delivery was killed, the second ends as an undisturbed one does, and it alone answers."""
    event = situation.sent(account)
    before = account.state()

    with no_key_lost(account, situation):
        killed(account, event, kill)
        left = account.state()
        answered_already = account.cloudformation.answers_to(event)[:]
        second = account.function.invoke(event)

    assert situation.frees or keyed(before) <= keyed(left)
    assert account.state() == situation.state
    assert (second.killed, second.raised) == (False, None)
    answered_by_put = kill == Kill("after", len(situation.requests) - 1)
    assert len(answered_already) == int(answered_by_put)
    if answered_by_put:
        late_answer_is_dropped(account, event)
    first, *late = (account.told(answer) for answer in account.cloudformation.answers_to(event))
    assert [first, *late] == [situation.told_by(account)] * (1 + len(answered_already))


def late_answer_is_dropped(account: Account, event: Event) -> None:
    """CloudFormation drops the answer of a delivery that comes after one; the double calls it a violation."""
    (violation,) = account.cloudformation.violations
    assert violation.startswith("2 answers to one event"), violation
    assert account.cloudformation.attempts_at(event) == 2
    account.cloudformation.violations.clear()


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.title)
def test_delivery_after_delivery_is_killed(account: Account, situation: Situation) -> None:
    """One is killed after its first request, the next after its second, and so on, until one has answered."""
    event = situation.sent(account)

    with no_key_lost(account, situation):
        for request in count():
            account.function.invoke(event, Kill("after", request))
            if account.cloudformation.answers_to(event):
                break

    assert account.state() == situation.state
    assert account.told(account.cloudformation.answer_to(event)) == situation.told_by(account)


#: Where a Create is given up, and what the log group is left with where it had been claimed.
GIVEN_UP: Final = {
    "Create over a previous key": Encryption("before"),
    "Create where there is no key": Encryption(None),
    "Create where our key is already": Encryption("ours", f"deleted:{US}", "ours"),
}


def given_up() -> list[Any]:
    """Creates that are killed for good, and the id that CloudFormation then knows: its own, or the responder's."""
    return [
        pytest.param(
            situation,
            number,
            by_responder,
            id=f"{situation.title}: {number + 1} {request}, {'responder' if by_responder else 'nobody'} answers",
        )
        for situation in SITUATIONS
        if situation.title in GIVEN_UP
        for number, request in enumerate(situation.requests)
        for by_responder in (False, True)
    ]


@pytest.mark.parametrize(("situation", "last", "by_responder"), given_up())
def test_the_delete_of_a_create_that_was_killed_for_good(
    account: Account, situation: Situation, last: int, *, by_responder: bool
) -> None:
    """A Create is killed after this request and never delivered again: the Delete that follows leaves all as before."""
    killed(account, situation.sent(account), Kill("after", last))
    physical_id = PERHAPS_ASSOCIATED if by_responder else MADE_UP_ID
    delete = account.delete(physical_id)

    account.function.invoke(delete)

    assert account.told(account.cloudformation.answer_to(delete)) == Told("SUCCESS", physical_id)
    claimed = "logs:TagResource" in situation.requests[: last + 1]
    left = GIVEN_UP[situation.title]
    assert account.state() == {ORDERS: left if claimed else Encryption(left.key)}


@pytest.mark.parametrize(
    "last",
    [pytest.param(number, id=f"{number + 1} {request}") for number, request in enumerate((*LOOKS, *ACTS[:-1]))],
)
def test_the_rollback_of_a_new_target_that_was_killed_for_good(account: Account, last: int) -> None:
    """An Update to another log group is killed after this request, and answered FAILED under the old id.

    Then CloudFormation sends the Update back and no Delete for the new log group, which nobody owns in the end.
    """
    event = changing_the_target(account)
    before = account.state()
    killed(account, event, Kill("after", last))
    back = account.update(event["ResourceProperties"], event["OldResourceProperties"])
    back = {**back, "PhysicalResourceId": account.arn(ORDERS)}

    account.function.invoke(back)

    assert account.cloudformation.answer_to(back).status == "SUCCESS"
    assert account.state() == before


def test_the_output_holds_no_response_url(account: Account) -> None:
    """Neither the killed nor the living write it."""
    account.log_group(ORDERS)
    event = account.create()
    signature = event["ResponseURL"].rpartition("X-Amz-Signature=")[2]

    written = account.function.invoke(event, Kill("before", 6)).output + account.function.invoke(event).output

    assert "Answered SUCCESS" in written
    assert signature not in written
