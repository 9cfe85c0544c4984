"""Who writes to an encrypted log group and reads from it needs the key: a role of the account, and the example's stack.

AWS asks for it; whether AWS enforces it for every caller is not known. The embedded AWS does so while these tests run.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from emulator.roles import ALL_KEY_ACTIONS, allow, someone_with, through_logs

from local.client import keys
from local.client.embedded_aws import Credentials, EmbeddedAws
from local.client.server import PROJECT
from local.client.stacks import Stacks

EXAMPLE: Final = (PROJECT / "examples" / "log-group.yaml").read_text()
#: Of the example's key: the statement for whoever calls CloudWatch Logs.
CALLERS: Final = re.compile(r" +- Sid: TheAccountUsesItThroughCloudWatchLogs\n(?: {12}.+\n)+")
MESSAGE: Final = "order 42 is paid"


@pytest.fixture
def aws(deployed: EmbeddedAws) -> Iterator[EmbeddedAws]:
    """The shared account with the provider, where callers need the key for as long as a test runs."""
    deployed.direction.require_key_use()
    yield deployed
    deployed.direction.require_key_use(required=False)


@pytest.fixture
def name() -> str:
    """A name that no other test has, for the stack, the role and, with a slash before it, for the log group."""
    return f"written-{uuid4().hex[:8]}"


def without_statement(template: str, _: str) -> str:
    """The template, its key's policy without the statement for callers."""
    cut, count = CALLERS.subn("", template)
    assert count == 1
    return cut


def for_roles(template: str, pattern: str) -> str:
    """The template, its statement for callers narrowed as docs/reference/permissions.md says."""
    (statement,) = CALLERS.findall(template)
    narrow = " " * 14 + "ArnLike:\n" + " " * 16 + f"aws:PrincipalArn: {pattern}\n"
    return template.replace(statement, statement + narrow)


def of_another_role(template: str, _: str) -> str:
    """The template, its statement narrowed to a role that nobody here has."""
    return for_roles(template, "arn:aws:iam::111122223333:role/another")


def as_it_is(template: str, _: str) -> str:
    """The template as its users have it."""
    return template


def encrypted_log_group(aws: EmbeddedAws, name: str, template: str) -> str:
    """A log group that somebody else made, put under the key of the example's stack; its name."""
    group = f"/{name}"
    aws.client("logs").create_log_group(logGroupName=group)
    aws.client("logs").create_log_stream(logGroupName=group, logStreamName="s")
    assert Stacks(aws).deploy(name, template, LogGroupName=group) == "CREATE_COMPLETE"
    return group


def write(aws: EmbeddedAws, role: Credentials, group: str) -> None:
    """One event, now."""
    events: list[Any] = [{"timestamp": int(time.time() * 1000), "message": MESSAGE}]
    aws.client("logs", credentials=role).put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def read(aws: EmbeddedAws, group: str, role: Credentials | None = None) -> list[str]:
    """What the log group holds, as the role sees it, or the account's root."""
    logs = aws.client("logs", credentials=role or Credentials(aws.account))
    return [event["message"] for event in logs.get_log_events(logGroupName=group, logStreamName="s")["events"]]


def refused_action(call: Callable[[], object]) -> str:
    """The action that the refusal of *call* names."""
    with pytest.raises(ClientError, match=r"is not authorized to perform: kms:\w+ on resource: arn:aws:kms:") as caught:
        call()
    return caught.value.response["Error"]["Message"].partition("perform: ")[2].partition(" ")[0]


@pytest.mark.parametrize("change", [without_statement, of_another_role])
def test_a_role_without_the_key_loses_its_events(
    aws: EmbeddedAws, name: str, change: Callable[[str, str], str]
) -> None:
    """It may write to and read from every log group, and does neither once this one is under the key."""
    role = someone_with(aws, allow("logs:*", "*"), name=name)
    group = encrypted_log_group(aws, name, change(EXAMPLE, name))

    refused = [refused_action(lambda: write(aws, role, group)), refused_action(lambda: read(aws, group, role))]

    assert refused == ["kms:GenerateDataKey", "kms:Decrypt"]
    assert read(aws, group) == []


@pytest.mark.parametrize(
    ("change", "has_own_policy"),
    [
        pytest.param(as_it_is, False, id="the example"),
        pytest.param(
            lambda template, name: for_roles(template, f"arn:aws:iam::111122223333:role/{name}*"),
            False,
            id="narrowed to roles",
        ),
        pytest.param(without_statement, True, id="the role's own policy instead"),
    ],
)
def test_a_role_with_the_key_writes_and_reads(
    aws: EmbeddedAws, name: str, change: Callable[[str, str], str], *, has_own_policy: bool
) -> None:
    """The example's statement is enough, narrowed to the role as well; so is a statement of the role's own."""
    of_the_key = [allow(ALL_KEY_ACTIONS, "*", **through_logs(aws))] if has_own_policy else []
    role = someone_with(aws, allow("logs:*", "*"), *of_the_key, name=name)
    group = encrypted_log_group(aws, name, change(EXAMPLE, name))

    write(aws, role, group)

    assert read(aws, group, role) == [MESSAGE]


def test_the_statements_of_a_reason_are_enough_for_who_writes(aws: EmbeddedAws, name: str) -> None:
    """Whoever copies them out of the stack's events has a key that works for the service and for the role."""
    policy = keys.policy(keys.account_statement(aws))
    key, role = keys.create(aws, Policy=policy), someone_with(aws, allow("logs:*", "*"), name=name)
    group = f"/{name}"
    aws.client("logs").create_log_group(logGroupName=group)
    aws.client("logs").create_log_stream(logGroupName=group, logStreamName="s")
    stacks, impatient = Stacks(aws), EXAMPLE.replace("ServiceTimeout: 900", "ServiceTimeout: 8")

    stacks.deploy(name, impatient, LogGroupName=group, KmsKeyId=key)
    found = re.search(r"to the key policy \(.+?\): (\{.+\})", stacks.failures(name)[0])
    assert found
    aws.client("kms").put_key_policy(KeyId=key, Policy=f"{policy[:-2]}, {found[1]}]}}")
    stacks.delete(name)
    assert stacks.deploy(name, EXAMPLE, LogGroupName=group, KmsKeyId=key) == "CREATE_COMPLETE"
    write(aws, role, group)

    assert read(aws, group, role) == [MESSAGE]
