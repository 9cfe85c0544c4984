"""Bad input: the stack fails with a Reason that says what is wrong, nothing is changed, and it can be deleted.

The Reasons are read where a user reads them, in the stack's events. No test empties the embedded AWS: each has a log
group, keys and a stack of its own.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from local.client import keys
from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks, in_region
from local.demo import provider
from local.demo.associations import Encryption, encryption_of, template
from local.emulator.script import Call, Fault

#: In a refused stack, a resource has exactly this history: its Create failed, and the Delete that followed succeeded.
REFUSED: Final = ["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
NO_SUCH_KEY: Final = "0987dcba-09fe-87dc-65ba-ab0987654321"
#: Seconds. Ends the waiting for what time might heal early.
SHORT_TIMEOUT: Final = 8
#: How CloudFormation puts a Reason into a stack's events.
SHOWN: Final = re.compile(
    r"Received response status \[FAILED\] from custom resource. Message returned: (?P<reason>.+) \(RequestId: [\w-]+\)"
)


@pytest.fixture(scope="module")
def aws(deployed: EmbeddedAws) -> EmbeddedAws:
    """An account with the provider, shared by all tests here."""
    return deployed


@pytest.fixture(scope="module")
def without_tagging(aws: EmbeddedAws, sam: provider.Sam, built: Path) -> Iterator[EmbeddedAws]:
    """Another Region of the account, where somebody took logs:TagResource out of the provider's role."""
    curtailed = built.with_name("curtailed.yaml")
    whole = built.read_text()
    curtailed.write_text(re.sub(r"\n +- logs:TagResource\b", "", whole))
    assert curtailed.read_text() != whole
    seen = in_region(aws, "eu-west-3")
    sam.deploy(seen, curtailed, f"{provider.STACK}-curtailed")
    yield seen
    seen.close()


@pytest.fixture
def name() -> str:
    """A name that no other test has, for the stack and, with a slash before it, for the log group."""
    return f"refused-{uuid4().hex[:8]}"


def log_group_of(aws: EmbeddedAws, name: str, key: str | None = None) -> str:
    """A log group that somebody else made, under a key where one is given."""
    aws.client("logs").create_log_group(logGroupName=f"/{name}")
    if key:
        aws.client("logs").associate_kms_key(logGroupName=f"/{name}", kmsKeyId=key)
    return f"/{name}"


def reason_of_refusal(aws: EmbeddedAws, stack: str, properties: dict[str, Any]) -> str:
    """The Reason in the events of the stack with these properties, which is refused, rolled back and deleted."""
    stacks = Stacks(aws)

    assert stacks.deploy(stack, template(LogEncryption=properties)) == "ROLLBACK_COMPLETE"
    assert stacks.history(stack, "LogEncryption") == REFUSED
    [shown] = stacks.failures(stack)
    assert stacks.delete(stack) == ""

    found = SHOWN.fullmatch(shown)
    assert found, shown
    return found["reason"]


def calls_of_provider(aws: EmbeddedAws, since: int) -> list[Call]:
    """Return the provider's calls after the first *since* calls."""
    return [call for call in aws.direction.calls()[since:] if call.by_function]


# --- Properties -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        pytest.param(
            {"logGroupName": "{group}", "KmsKeyId": "{key}"},
            "(1) 'logGroupName' is no property of this resource; did you mean LogGroupName?; "
            "(2) exactly one of LogGroupName, ResourceIdentifier, LogGroupNamePrefix is required; given: none",
            id="a property in the wrong case",
        ),
        pytest.param(
            {"LogGroupName": "no spaces allowed", "KmsKeyId": "arn:aws:s3:::not-a-key", "OnDelete": "Keep"},
            "(1) KmsKeyId is 'arn:aws:s3:::not-a-key'; it must be a key ARN, an alias ARN, alias/NAME, a key id or a "
            "multi-Region key id (mrk-…); "
            "(2) LogGroupName is 'no spaces allowed'; it must be 1 to 512 characters of A-Z a-z 0-9 . - _ / # "
            "(no wildcards); "
            "(3) OnDelete is 'Keep'; it must be one of RestorePrevious, Disassociate, Retain",
            id="three mistakes, all named",
        ),
        pytest.param(
            {"KmsKeyId": "{key}"},
            "exactly one of LogGroupName, ResourceIdentifier, LogGroupNamePrefix is required; given: none",
            id="no target",
        ),
        pytest.param(
            {"LogGroupName": "{group}", "ResourceIdentifier": "{arn}", "KmsKeyId": "{key}"},
            "exactly one of LogGroupName, ResourceIdentifier, LogGroupNamePrefix is required; given: "
            "LogGroupName '{group}', ResourceIdentifier '{arn}'",
            id="two targets",
        ),
        pytest.param(
            {"LogGroupName": "{group}"},
            "KmsKeyId is missing; it is required",
            id="no key",
        ),
        pytest.param(
            {"ResourceIdentifier": "arn:aws:logs:us-east-1:{account}:log-group:{group}:*", "KmsKeyId": "{key}"},
            "ResourceIdentifier is 'arn:aws:logs:us-east-1:{account}:log-group:{group}:*'; it must be "
            "arn:aws:logs:{region}:{account}:log-group:NAME or arn:aws:logs:{region}:{account}:query-result:*: "
            "the provider works in its own account and Region only, {account} and {region}",
            id="a log group of another Region",
        ),
        pytest.param(
            {"LogGroupName": "{group}", "KmsKeyId": "arn:aws:kms:us-east-1:{account}:key/" + NO_SUCH_KEY},
            "KmsKeyId is 'arn:aws:kms:us-east-1:{account}:key/" + NO_SUCH_KEY + "'; the key must be in the Region of "
            "the log group, {region} (aws); a multi-Region key has a replica ARN in each of its Regions",
            id="a key of another Region",
        ),
        pytest.param(
            {"LogGroupName": "aws/spans", "KmsKeyId": "{key}"},
            "LogGroupName is 'aws/spans'; names that start with aws/ (without a leading slash) are reserved for AWS",
            id="a reserved name",
        ),
        pytest.param(
            {"LogGroupNamePrefix": "/aws/*", "KmsKeyId": "{key}"},
            "LogGroupNamePrefix is '/aws/*'; it is the beginning of a name, and * stands alone for every log group: "
            "leave the * out",
            id="a prefix",
        ),
        pytest.param(
            {"LogGroupName": "{group}", "KmsKeyId": "{key}", "PropagationWaitSeconds": 60, "ServiceTimeout": 60},
            "PropagationWaitSeconds is '60'; it must be below ServiceTimeout, which is 60",
            id="a wait that no answer can outlast",
        ),
        pytest.param(
            {"LogGroupName": "{group}", "KmsKeyId": "{key}", "ExcludeLogGroupNames": ["/tmp/*"]},  # noqa: S108 - a name
            "ExcludeLogGroupNames is ['/tmp/*']; it does not apply to one log group; it belongs to LogGroupNamePrefix: "
            "leave it out",
            id="an exception from one log group",
        ),
        pytest.param(
            {
                "ResourceIdentifier": "arn:aws:logs:{region}:{account}:query-result:*",
                "KmsKeyId": "{key}",
                "OnExistingKey": "Keep",
            },
            "OnExistingKey is 'Keep'; it does not apply to query results, which cannot be read: leave it out",
            id="an option that query results do not have",
        ),
    ],
)
def test_properties_that_break_a_rule(aws: EmbeddedAws, name: str, properties: dict[str, Any], reason: str) -> None:
    """The Reason names the property, the value and the rule, for every mistake; no service is called."""
    teams = keys.create(aws)
    group = log_group_of(aws, name, teams)
    known = {
        "group": group,
        "key": keys.create(aws),
        "account": aws.account,
        "region": aws.region,
        "arn": f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{group}",
    }
    given = {key: value.format(**known) if isinstance(value, str) else value for key, value in properties.items()}
    before = len(aws.direction.calls())

    assert reason_of_refusal(aws, name, given) == reason.format(**known)
    assert calls_of_provider(aws, before) == []
    assert encryption_of(aws, group) == Encryption(teams)


# --- What AWS refuses -------------------------------------------------------------------------------------------------


def a_disabled_key(aws: EmbeddedAws) -> str:
    """Somebody disabled it."""
    key = keys.create(aws)
    aws.client("kms").disable_key(KeyId=key)
    return key


def a_key_pending_deletion(aws: EmbeddedAws) -> str:
    """Somebody scheduled its deletion."""
    key = keys.create(aws)
    aws.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    return key


def an_asymmetric_key(aws: EmbeddedAws) -> str:
    """It encrypts, but not symmetrically."""
    return keys.create(aws, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")


@pytest.mark.parametrize("named", ["ARN", "id"])
@pytest.mark.parametrize(
    ("make_key", "defect"),
    [
        pytest.param(a_disabled_key, "disabled: enable it", id="disabled"),
        pytest.param(a_key_pending_deletion, "pending deletion: cancel", id="pending deletion"),
        pytest.param(an_asymmetric_key, "no symmetric encryption key (KeySpec RSA_2048", id="asymmetric"),
    ],
)
def test_a_key_that_cannot_encrypt(
    aws: EmbeddedAws, name: str, make_key: Callable[[EmbeddedAws], str], defect: str, named: str
) -> None:
    """The Reason names the key, what is wrong with it and what to do; the log group keeps what it has."""
    teams, key = keys.create(aws), make_key(aws)
    group = log_group_of(aws, name, teams)
    key_id = key.rpartition("/")[2]
    about = {"ARN": f"The key {key} is ", "id": f"KmsKeyId {key_id} is the key {key}, which is "}

    reason = reason_of_refusal(aws, name, {"LogGroupName": group, "KmsKeyId": key if named == "ARN" else key_id})

    assert reason.startswith(about[named] + defect)
    assert "use another key" in reason
    assert encryption_of(aws, group) == Encryption(teams)


def test_a_key_that_is_not_there(aws: EmbeddedAws, name: str) -> None:
    """The Reason names it, and the Region that it was looked for in."""
    group = log_group_of(aws, name)

    reason = reason_of_refusal(aws, name, {"LogGroupName": group, "KmsKeyId": NO_SUCH_KEY})

    assert reason.startswith(f"There is no key {NO_SUCH_KEY} in {aws.region}: correct KmsKeyId")
    assert encryption_of(aws, group) == Encryption()


def test_an_alias_that_is_not_there(aws: EmbeddedAws, name: str) -> None:
    """The Reason names the alias, at once."""
    group, alias = log_group_of(aws, name), f"alias/{name}"
    # The words are AWS's (cloudposse/docs#152). Our reading: as KMS authorises on the key, it looks the alias up first;
    # MiniStack would refuse the alias itself.
    words = f"Alias arn:aws:kms:{aws.region}:{aws.account}:{alias} is not found."
    aws.direction.answer_with(Fault("kms:DescribeKey", "NotFoundException", words, times=2))

    reason = reason_of_refusal(aws, name, {"LogGroupName": group, "KmsKeyId": alias})

    assert reason.startswith(f"There is no key {alias} in {aws.region}: correct KmsKeyId")
    assert encryption_of(aws, group) == Encryption()


def test_a_log_group_that_is_not_there(aws: EmbeddedAws, name: str) -> None:
    """The Reason names it and the three ways out; it is not created."""
    reason = reason_of_refusal(aws, name, {"LogGroupName": f"/{name}", "KmsKeyId": keys.create(aws)})

    assert reason.startswith(f"There is no log group arn:aws:logs:{aws.region}:{aws.account}:log-group:/{name}")
    assert "OnMissingLogGroup" in reason
    assert encryption_of(aws, f"/{name}") is None


def test_another_key_where_the_template_says_fail(aws: EmbeddedAws, name: str) -> None:
    """OnExistingKey Fail: the Reason names the key that is there."""
    teams = keys.create(aws)
    group = log_group_of(aws, name, teams)
    properties = {"LogGroupName": group, "KmsKeyId": keys.create(aws), "OnExistingKey": "Fail"}

    reason = reason_of_refusal(aws, name, properties)

    assert reason.startswith(f"OnExistingKey is Fail and the log group has another key: {teams}")
    assert encryption_of(aws, group) == Encryption(teams)


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param([], id="no statement for CloudWatch Logs"),
        pytest.param([keys.query_results_statement], id="only the one for query results"),
    ],
)
def test_a_key_whose_policy_does_not_let_cloudwatch_logs_use_it(
    aws: EmbeddedAws, name: str, statements: list[Callable[[EmbeddedAws], keys.Statement]]
) -> None:
    """The Reason brings the statements to add, and with them in the policy the same stack succeeds."""
    policy = keys.policy(keys.account_statement(aws), *(statement(aws) for statement in statements))
    key, group = keys.create(aws, Policy=policy), log_group_of(aws, name)
    properties = {"LogGroupName": group, "KmsKeyId": key}

    reason = reason_of_refusal(aws, name, {**properties, "ServiceTimeout": SHORT_TIMEOUT})
    left = encryption_of(aws, group)
    found = re.search(r"Add these statements to the key policy \(.+?\): (\{.+\})", reason)
    assert found, reason
    aws.client("kms").put_key_policy(KeyId=key, Policy=f"{policy[:-2]}, {found[1]}]}}")
    stacks = Stacks(aws)
    mended = stacks.deploy(name, template(LogEncryption=properties))

    assert reason.startswith(f"The policy of the key {key} does not let CloudWatch Logs use it for arn:aws:logs:")
    assert left == Encryption()
    assert mended == "CREATE_COMPLETE"


def test_a_role_that_lacks_a_permission(without_tagging: EmbeddedAws, name: str) -> None:
    """Nothing is changed if the claim is refused; the Reason names the permission and the log group."""
    teams = keys.create(without_tagging)
    group = log_group_of(without_tagging, name, teams)
    properties = {
        "LogGroupName": group,
        "KmsKeyId": keys.create(without_tagging),
        "ServiceTimeout": SHORT_TIMEOUT,
    }

    reason = reason_of_refusal(without_tagging, name, properties)

    assert reason.startswith("The provider's role lacks the permission logs:TagResource on arn:aws:logs:eu-west-3:")
    assert encryption_of(without_tagging, group) == Encryption(teams)
