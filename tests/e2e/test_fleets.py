"""A fleet through its whole life: the provider with `FleetKmsKeyId`, as `sam deploy` puts it there, IAM enforced."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from e2e.waiting import eventually

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks, fire, make_log_groups
from local.demo import provider
from local.demo.associations import Encryption, encryption_of, owner_of, template
from log_group_kms.model.tags import WORK_TAG

#: Times AWS's quotas of all calls, so that a thousand log groups take twenty seconds.
QUOTA_FACTOR: Final = 10.0
#: AssociateKmsKey's calls a second.
QUOTA: Final = 50
THOUSAND: Final = [f"/app/{number:04d}" for number in range(1000)]
RULE: Final = "log-group-kms-association-enrolment"
OTHERS_KEY, EXCLUDED, EXPLICIT = "/team/other-key", "/sandbox/a", "/team/explicit"


class Account:
    """An account with a thousand log groups, and a provider with a fleet over them."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.key, self.new_key, self.others_key = (keys.create(aws) for _ in range(3))

    @property
    def stacks(self) -> Stacks:
        """All its stacks."""
        return Stacks(self.aws)

    @property
    def owner(self) -> str:
        """The owner tag of what the fleet owns."""
        return owner_of(self.stacks, provider.STACK, "Fleet").replace("one:", "fleet:")

    def held(self, previous_key: str = "none", key: str = "") -> Encryption:
        """A log group as the fleet leaves it."""
        return Encryption(key or self.key, self.owner, previous_key)

    def of(self, log_group: str) -> Encryption | None:
        """Return the encryption in force on a log group."""
        return encryption_of(self.aws, log_group)

    def key_counts(self, prefix: str) -> Counter[str]:
        """Count these log groups by their key, which is empty for none."""
        pages = self.aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        return Counter(group.get("kmsKeyId", "") for page in pages for group in page["logGroups"])

    def parameters(self, key: str) -> dict[str, str]:
        """The provider's."""
        return {
            "FleetKmsKeyId": key,
            "FleetOnExistingKey": "Override",
            "FleetExcludeLogGroupNames": "/sandbox/*,/aws/lambda/log-group-kms-association-enrolment-*",
            "AssociationsPerSecond": str(QUOTA),
        }

    @property
    def at_work(self) -> bool:
        """Whether a log group bears the mark of a fleet at work, which goes last."""
        logs = self.aws.client("logs")
        arn = f"arn:aws:logs:{self.aws.region}:{self.aws.account}:log-group:{THOUSAND[0]}"
        return any(name.startswith(WORK_TAG) for name in logs.list_tags_for_resource(resourceArn=arn)["tags"])

    def reconcile(self, **event: bool) -> dict[str, object]:
        """Invoke the enrolment's function for a reconciliation; return its answer."""
        payload = json.dumps({"Reconcile": True, **event}).encode()
        answer = self.aws.client("lambda").invoke(FunctionName="log-group-kms-association-enrolment", Payload=payload)
        found: dict[str, object] = json.loads(answer["Payload"].read())
        assert answer.get("FunctionError") is None, found
        return found


@pytest.fixture(scope="module")
def account(sam: provider.Sam, built: Path) -> Iterator[Account]:
    """An account with all that is there before the fleet comes."""
    with EmbeddedAws.start(auth=True, quota_factor=QUOTA_FACTOR, patient=True) as aws:
        account = Account(aws)
        make_log_groups(aws, [*THOUSAND, EXCLUDED])
        make_log_groups(aws, [OTHERS_KEY], account.others_key)
        make_log_groups(aws, ["aws/spans"])
        sam.deploy(aws, built, parameters=account.parameters(account.key))
        yield account


def a_thousand_log_groups_come_under_the_key(account: Account, _: provider.Sam, __: Path) -> None:
    """Each once, at the quota and not over it; what is excluded or reserved is left alone."""
    called, refused = account.aws.direction.counts(by_function=True), account.aws.direction.refused(by_function=True)

    assert account.stacks.status(provider.STACK) == "CREATE_COMPLETE"
    assert account.key_counts("/app/") == {account.key: 1000}
    assert account.of(THOUSAND[0]) == account.held()
    assert account.of(OTHERS_KEY) == account.held(account.others_key)
    assert account.of(EXCLUDED) == Encryption()
    assert 1001 <= called["logs:AssociateKmsKey"] - refused["logs:AssociateKmsKey"] <= 1020
    assert refused.total() < 0.01 * called.total()


def a_new_log_group_is_enrolled_as_it_is_created(account: Account, _: provider.Sam, __: Path) -> None:
    """By CloudTrail's event; it belongs to the fleet."""
    account.aws.client("logs").create_log_group(logGroupName="/new/one")
    account.aws.client("logs").create_log_group(logGroupName="/sandbox/new")

    eventually(lambda: account.of("/new/one") == account.held())
    assert account.of("/sandbox/new") == Encryption()


def a_log_group_with_a_resource_of_its_own_stays_out_of_the_fleet(account: Account, _: provider.Sam, __: Path) -> None:
    """The stack that makes it and names it explicitly wins, although enrolment hears of it, too."""
    one = {"LogGroupName": EXPLICIT, "KmsKeyId": account.others_key, "OnMissingLogGroup": "Create"}

    assert account.stacks.deploy("team", template(LogEncryption=one)) == "CREATE_COMPLETE"
    account.reconcile()
    found = account.of(EXPLICIT)
    assert found
    assert (found.key, found.owner) == (account.others_key, owner_of(account.stacks, "team", "LogEncryption"))


def a_key_that_someone_takes_away_is_back_within_moments(account: Account, _: provider.Sam, __: Path) -> None:
    """By CloudTrail's event; the fleet's own change brings about no second look."""
    logs = account.aws.client("logs")
    logs.disassociate_kms_key(logGroupName=THOUSAND[3])
    logs.associate_kms_key(logGroupName=THOUSAND[4], kmsKeyId=account.others_key)

    eventually(lambda: {account.of(name) for name in THOUSAND[3:5]} == {account.held()})


def a_fight_over_a_key_ends(account: Account, _: provider.Sam, __: Path) -> None:
    """After three rounds it is left to whoever takes it away; the next reconciliation mends it."""
    logs = account.aws.client("logs")
    for _round in range(3):
        logs.disassociate_kms_key(logGroupName=THOUSAND[6])
        eventually(lambda: account.of(THOUSAND[6]) == account.held())
    logs.disassociate_kms_key(logGroupName=THOUSAND[6])
    # Worked off after it.
    logs.create_log_group(logGroupName="/new/after-the-fight")
    eventually(lambda: account.of("/new/after-the-fight") == account.held())
    left = account.of(THOUSAND[6])
    account.reconcile()

    assert left is not None
    assert left.key is None
    assert account.of(THOUSAND[6]) == account.held()


def what_an_explicit_resource_gives_back_is_the_fleets_again(account: Account, _: provider.Sam, __: Path) -> None:
    """Within moments, and not a day later."""
    one = {"LogGroupName": "/team/for-a-while", "KmsKeyId": account.others_key, "OnMissingLogGroup": "Create"}
    assert account.stacks.deploy("while", template(LogEncryption=one)) == "CREATE_COMPLETE"

    assert account.stacks.delete("while") == ""

    eventually(lambda: account.of("/team/for-a-while") == account.held())


def another_fleet_costs_no_look_but_for_what_it_gives_back(account: Account, _: provider.Sam, __: Path) -> None:
    """The rule sends on one event of a Create, and of a Delete one for each log group."""
    make_log_groups(account.aws, [f"/sandbox/{number:03d}" for number in range(100)])
    heard = Heard(account)

    fleet = {"KmsKeyId": account.key, "LogGroupNamePrefix": "/sandbox/", "ServiceTimeout": 3600}
    assert account.stacks.deploy("sandbox", template(Fleet=fleet)) == "CREATE_COMPLETE"
    created = heard.so_far()
    assert account.stacks.delete("sandbox") == ""
    deleted = heard.so_far()

    # The mark that it was at work, which its end takes off: however many log groups there are.
    assert created == {"UntagResource": 1}
    # The hundred, the one that was there before, and such marks.
    assert deleted["UntagResource"] - 101 in range(3)
    assert set(deleted) == {"UntagResource"}
    heard.end()


class Heard:
    """What the enrolment's rule sends on: a second rule with the same pattern puts it into a queue."""

    def __init__(self, account: Account) -> None:
        self._events, self._sqs = account.aws.client("events"), account.aws.client("sqs")
        self._url = self._sqs.create_queue(QueueName="heard")["QueueUrl"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        arn = found["Attributes"]["QueueArn"]
        sender = {"Service": "events.amazonaws.com"}
        statement = {"Effect": "Allow", "Principal": sender, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        self._events.put_rule(Name="heard", EventPattern=self._events.describe_rule(Name=RULE)["EventPattern"])
        self._events.put_targets(Rule="heard", Targets=[{"Id": "heard", "Arn": arn}])

    def so_far(self) -> Counter[str]:
        """Count the events since the last time by their call, beside what functions' first logs are."""
        counts: Counter[str] = Counter()
        while found := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                counts[json.loads(message["Body"])["detail"]["eventName"]] += 1
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        counts.pop("CreateLogGroup", None)
        return counts

    def end(self) -> None:
        """Take the rule away."""
        self._events.remove_targets(Rule="heard", Ids=["heard"])
        self._events.delete_rule(Name="heard")


def a_dry_run_tells_and_changes_nothing(account: Account, _: provider.Sam, __: Path) -> None:
    """Neither keys nor tags; the rule is off, so that no event mends it meanwhile."""
    account.aws.client("events").disable_rule(Name=RULE)
    logs = account.aws.client("logs")
    logs.disassociate_kms_key(logGroupName=THOUSAND[5])
    logs.associate_kms_key(logGroupName=THOUSAND[7], kmsKeyId=account.others_key)
    make_log_groups(account.aws, ["/app/missed"])
    account.aws.direction.forget_calls()

    answer = account.reconcile(DryRun=True)

    assert answer["DryRun"] is True
    counts = answer["Counts"]
    assert isinstance(counts, dict)
    assert (counts["associate"], counts["re-key"]) == (2, 1)
    called = account.aws.direction.counts(by_function=True)
    assert not {"logs:AssociateKmsKey", "logs:TagResource"} & set(called)


def the_schedule_mends_what_was_changed_by_hand_or_missed(account: Account, _: provider.Sam, __: Path) -> None:
    """Three log groups are not as they should be; afterwards all are."""
    fire(account.aws, "log-group-kms-association-reconcile")

    eventually(lambda: account.key_counts("/app/") == {account.key: 1001})
    assert account.of(THOUSAND[5]) == account.held()
    assert account.of("/app/missed") == account.held()
    eventually(lambda: not account.at_work)
    account.aws.client("events").enable_rule(Name=RULE)


def a_reconciliation_of_a_whole_fleet_lists_and_does_nothing_else(account: Account, _: provider.Sam, __: Path) -> None:
    """A page of 50 log groups a call, no call for each of them."""
    account.aws.direction.forget_calls()

    answer = account.reconcile()

    assert answer["AssociatedCount"] == 0
    called = account.aws.direction.counts(by_function=True)
    assert called["logs:DescribeLogGroups"] <= 25
    # The explicit one's owner is asked.
    assert called["logs:ListTagsForResource"] <= 3
    assert not {"logs:AssociateKmsKey", "logs:TagResource"} & set(called)


def a_new_key_reaches_all(account: Account, sam: provider.Sam, built: Path) -> None:
    """Directly over the old one: there is no Disassociate."""
    account.aws.direction.forget_calls()

    sam.deploy(account.aws, built, parameters=account.parameters(account.new_key))

    assert account.key_counts("/app/") == {account.new_key: 1001}
    assert account.of(OTHERS_KEY) == account.held(account.others_key, account.new_key)
    assert "logs:DisassociateKmsKey" not in account.aws.direction.counts(by_function=True)
    account.aws.client("logs").create_log_group(logGroupName="/new/two")
    eventually(lambda: account.of("/new/two") == account.held(key=account.new_key))


def the_fleets_delete_gives_all_back(account: Account, sam: provider.Sam, built: Path) -> None:
    """The Delete gives back what was enrolled and reconciled, too; what others own stays theirs."""
    sam.deploy(account.aws, built, parameters={"AssociationsPerSecond": str(QUOTA), "FleetKmsKeyId": ""})

    assert account.key_counts("/app/") == {"": 1001}
    assert account.of("/new/one") == Encryption()
    assert account.of("/new/two") == Encryption()
    assert account.of(OTHERS_KEY) == Encryption(account.others_key)
    found = account.of(EXPLICIT)
    assert found
    assert found.key == account.others_key


def a_fleet_in_a_stack_of_its_own(account: Account, _: provider.Sam, __: Path) -> None:
    """The fleet has its return values; its prefix changes without a moment in which both match and neither holds."""
    fleet = {"KmsKeyId": account.key, "ServiceTimeout": 3600}
    stacks = account.stacks

    assert stacks.deploy("own", template(Fleet={"LogGroupNamePrefix": "/app/000", **fleet})) == "CREATE_COMPLETE"
    created = stacks.outputs("own")
    assert stacks.deploy("own", template(Fleet={"LogGroupNamePrefix": "/app/00", **fleet})) == "UPDATE_COMPLETE"
    updated = stacks.outputs("own")
    counts = account.key_counts("/app/00")
    assert stacks.delete("own") == ""

    assert created["FleetRef"].endswith(":log-group:/app/000*")
    assert (created["FleetMatchedCount"], created["FleetAssociatedCount"]) == ("10", "10")
    assert (updated["FleetMatchedCount"], updated["FleetAssociatedCount"]) == ("100", "90")
    assert counts == {account.key: 100}
    assert account.key_counts("/app/00") == {"": 100}


#: One account, one story: every step goes on where the one before has left it.
STORY: Final = (
    a_thousand_log_groups_come_under_the_key,
    a_new_log_group_is_enrolled_as_it_is_created,
    a_log_group_with_a_resource_of_its_own_stays_out_of_the_fleet,
    a_key_that_someone_takes_away_is_back_within_moments,
    a_fight_over_a_key_ends,
    what_an_explicit_resource_gives_back_is_the_fleets_again,
    another_fleet_costs_no_look_but_for_what_it_gives_back,
    a_dry_run_tells_and_changes_nothing,
    the_schedule_mends_what_was_changed_by_hand_or_missed,
    a_reconciliation_of_a_whole_fleet_lists_and_does_nothing_else,
    a_new_key_reaches_all,
    the_fleets_delete_gives_all_back,
    a_fleet_in_a_stack_of_its_own,
)


def test_the_life_of_a_fleet(account: Account, sam: provider.Sam, built: Path) -> None:
    """Each step's docstring says what holds after it."""
    for step in STORY:
        step(account, sam, built)
