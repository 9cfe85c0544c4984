"""Another version of the provider under living stacks, fleets and events: there, back, and a failed try.

Both are this working tree, under two version numbers: no version was released before. The recorded cases
(tests/recorded) hold what another version's formats are.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from e2e.artifacts import Release
from e2e.waiting import eventually

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks, make_log_groups, query_results_key
from local.demo import provider
from local.demo.associations import Encryption, encryption_of, owner_of, template
from log_group_kms.version import VERSION

#: Seconds. Two versions work one after the other.
LONGEST: Final = 120
EARLIER: Final = "0.0.9"
FUNCTION: Final = "log-group-kms-association"
#: At five a second they take longer than a deployment, and more than one invocation of `_HOP`.
FLEET: Final = [f"/app/{number:03d}" for number in range(300)]
#: Seconds that Lambda gives an invocation here, so that a fleet takes several.
_HOP: Final = 20
SLOW: Final = {"AssociationsPerSecond": "5"}
FAST: Final = {"AssociationsPerSecond": "50"}


class Account:
    """An account in which the provider's version changes, and all else lives on."""

    def __init__(self, aws: EmbeddedAws, earlier: Release, later: Release) -> None:
        self.aws = aws
        self.earlier, self.later = earlier, later
        self.key, self.new_key = keys.create(aws), keys.create(aws)

    @property
    def stacks(self) -> Stacks:
        """All its stacks."""
        return Stacks(self.aws)

    @property
    def version(self) -> str:
        """The version in force, by the stack's output and the function's description."""
        output = self.stacks.outputs(provider.STACK)["Version"]
        described = self.aws.client("lambda").get_function_configuration(FunctionName=FUNCTION)["Description"]
        assert described.startswith(f"Version {output} "), described
        return output

    def deploy(self, release: Release, parameters: Mapping[str, str]) -> None:
        """Deploy a version over the one that is there."""
        ran = release.deploy(self.aws, parameters=parameters)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def of(self, log_group: str) -> Encryption | None:
        """Return the encryption in force on a log group."""
        return encryption_of(self.aws, log_group)

    def held(self, stack: str, key: str, kind: str = "one") -> Encryption:
        """A log group as the stack's resource leaves it."""
        return Encryption(key, owner_of(self.stacks, stack, "LogEncryption").replace("one:", f"{kind}:"), "none")

    def begin(self, stack: str, **properties: object) -> None:
        """Begin to create a stack with one association, and do not wait for it."""
        body = template(LogEncryption={"ServiceTimeout": 900, **properties})
        self.aws.client("cloudformation").create_stack(StackName=stack, TemplateBody=body)

    def key_counts(self) -> Counter[str]:
        """Count the fleet's log groups by their key, which is empty for none."""
        pages = self.aws.client("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/app/")
        return Counter(group.get("kmsKeyId", "") for page in pages for group in page["logGroups"])

    def versions_that_logged(self) -> set[str]:
        """The versions that wrote lines into the provider's log."""
        log = self.stacks.outputs(provider.STACK)["LogGroupName"]
        pages = self.aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=log)
        found = set()
        for event in (event for page in pages for event in page["events"]):
            if event["message"].startswith("{"):
                found.add(json.loads(event["message"]).get("version"))
        return found - {None}

    def events(self, stack: str) -> list[str]:
        """The types of all events that CloudFormation has sent for a stack."""
        return [event["RequestType"] for event in self.aws.direction.events() if f"stack/{stack}/" in event["StackId"]]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account with the earlier version, one stack for one log group and one for query results."""
    earlier = Release.of_version(EARLIER, tmp_path_factory.mktemp("earlier"))
    later = Release.of_version(None, tmp_path_factory.mktemp("later"))
    # The quotas are another test's: here the parameter alone holds the fleet back.
    with EmbeddedAws.start(auth=True, quota_factor=0, patient=True) as aws:
        account = Account(aws, earlier, later)
        account.deploy(earlier, SLOW)
        make_log_groups(aws, ["/orders", "/payments", "/late", *FLEET])
        yield account


def settled(account: Account, stack: str) -> str:
    """The status of a stack once it has settled."""
    eventually(lambda: not account.stacks.status(stack).endswith("_IN_PROGRESS"), seconds=LONGEST)
    return account.stacks.status(stack)


def stacks_live_under_the_earlier_version(account: Account) -> None:
    """One log group; all query results."""
    one = {"LogGroupName": "/orders", "KmsKeyId": account.key}
    results = f"arn:aws:logs:{account.aws.region}:{account.aws.account}:query-result:*"

    assert account.version == EARLIER
    assert account.stacks.deploy("orders", template(LogEncryption=one)) == "CREATE_COMPLETE"
    results_stack = template(LogEncryption={"ResourceIdentifier": results, "KmsKeyId": account.key})
    assert account.stacks.deploy("results", results_stack) == "CREATE_COMPLETE"


def a_failed_upgrade_is_rolled_back_under_them(account: Account) -> None:
    """The later version's template has a resource that fails: the earlier code is back, and nothing else has moved."""
    before = account.of("/orders")
    whole = (account.later.folder / "provider.yaml").read_text()
    broken = whole.replace(
        "\nOutputs:\n",
        "\n  Broken:\n    Type: Custom::LogGroupKmsAssociation\n    Properties:\n"
        "      ServiceToken: !GetAtt ProviderFunction.Arn\n      ServiceTimeout: 60\n"
        f"      LogGroupName: /no/such/group\n      KmsKeyId: {account.key}\n\nOutputs:\n",
        1,
    )
    (account.later.folder / "broken.yaml").write_text(broken)

    ran = account.later.deploy(account.aws, "broken.yaml", SLOW)

    assert ran.returncode != 0
    assert account.stacks.status(provider.STACK) == "UPDATE_ROLLBACK_COMPLETE"
    assert account.version == EARLIER
    assert account.of("/orders") == before
    late = template(LogEncryption={"LogGroupName": "/late", "KmsKeyId": account.key})
    assert account.stacks.deploy("late", late) == "CREATE_COMPLETE"
    assert account.stacks.delete("late") == ""


def events_in_flight_end_well(account: Account) -> None:
    """A Create that waits, and a fleet of several invocations, begin under the earlier version; both are created."""
    account.aws.client("lambda").update_function_configuration(FunctionName=FUNCTION, Timeout=_HOP)
    begun = account.aws.direction.counts(by_function=True)["logs:AssociateKmsKey"] + 5
    account.begin("payments", LogGroupName="/payments", KmsKeyId=account.key, PropagationWaitSeconds="60")
    account.begin("fleet", LogGroupNamePrefix="/app/", KmsKeyId=account.key)
    eventually(lambda: account.aws.direction.counts(by_function=True)["logs:AssociateKmsKey"] > begun, seconds=LONGEST)

    account.deploy(account.later, SLOW)
    in_flight = [account.stacks.status(name) for name in ("payments", "fleet")]

    assert account.version == VERSION
    assert in_flight == ["CREATE_IN_PROGRESS"] * 2, [account.stacks.failures(name) for name in ("payments", "fleet")]
    ended = [settled(account, name) for name in ("payments", "fleet")]
    assert ended == ["CREATE_COMPLETE"] * 2, [account.stacks.failures(name) for name in ("payments", "fleet")]
    assert account.of("/payments") == account.held("payments", account.key)
    assert account.of(FLEET[-1]) == account.held("fleet", account.key, "fleet")
    assert account.key_counts() == {account.key: len(FLEET)}
    outputs = account.stacks.outputs("fleet")
    assert int(outputs["LogEncryptionAssociatedCount"]) == len(FLEET)
    assert account.versions_that_logged() >= {EARLIER, VERSION}


def living_stacks_notice_nothing(account: Account) -> None:
    """The ServiceToken is the same, so that no stack had to change: none has had another event than its Create."""
    assert account.of("/orders") == account.held("orders", account.key)
    assert query_results_key(account.aws, "/orders") == account.key
    assert [account.events(name) for name in ("orders", "results", "payments", "fleet")] == [["Create"]] * 4


def the_later_version_changes_and_ends_what_the_earlier_began(account: Account) -> None:
    """A new key under the same physical id; a Delete that leaves the log group as it was."""
    one = {"LogGroupName": "/orders", "KmsKeyId": account.new_key}
    before = account.stacks.physical_id("orders", "LogEncryption")

    assert account.stacks.deploy("orders", template(LogEncryption=one)) == "UPDATE_COMPLETE"
    assert account.stacks.physical_id("orders", "LogEncryption") == before
    assert account.of("/orders") == account.held("orders", account.new_key)
    assert account.stacks.delete("payments") == ""
    assert account.of("/payments") == Encryption()


def the_earlier_version_comes_back_under_them(account: Account) -> None:
    """A downgrade: it changes and ends what the later one wrote."""
    account.deploy(account.earlier, FAST)
    narrow = {"LogGroupNamePrefix": "/app/", "KmsKeyId": account.new_key, "ServiceTimeout": 900}

    assert account.version == EARLIER
    assert account.stacks.deploy("fleet", template(LogEncryption=narrow)) == "UPDATE_COMPLETE"
    assert account.key_counts() == {account.new_key: len(FLEET)}
    assert account.stacks.delete("orders") == ""
    assert account.stacks.delete("fleet") == ""
    assert account.stacks.delete("results") == ""
    assert account.of("/orders") == Encryption()
    assert account.key_counts() == {"": len(FLEET)}
    assert query_results_key(account.aws, "/orders") is None


#: Every step goes on where the one before has left it.
STORY: Final = (
    stacks_live_under_the_earlier_version,
    a_failed_upgrade_is_rolled_back_under_them,
    events_in_flight_end_well,
    living_stacks_notice_nothing,
    the_later_version_changes_and_ends_what_the_earlier_began,
    the_earlier_version_comes_back_under_them,
)


def test_another_version_under_living_stacks(account: Account) -> None:
    """Each step's docstring says what holds after it."""
    for step in STORY:
        step(account)


def test_equal_code_has_an_equal_name(tmp_path: Path) -> None:
    """The version alone tells two releases apart, and the code has it: so their packages have other names."""
    one, same, other = (
        Release.of_version(version, tmp_path / name)
        for name, version in (("one", None), ("same", None), ("other", EARLIER))
    )

    assert one.code.name == same.code.name != other.code.name
