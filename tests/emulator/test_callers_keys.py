"""The key of a log group, asked of whoever writes or reads its events."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from emulator.accounts import GROUP, associate, key, log_group, log_group_arn, refusal
from emulator.roles import ALL_KEY_ACTIONS, allow, someone_with, through_logs

from local.client.embedded_aws import Credentials, EmbeddedAws
from local.client.keys import callers_statement, log_groups_statement

SOMEONE = "arn:aws:iam::111122223333:role/someone"
MESSAGE = "paid"

Setting = tuple[list[dict[str, Any]], list[dict[str, Any]]]
#: What the key's policy says beside the documented statement for the service, and what the role's own policy says.
Settings = Callable[[EmbeddedAws], Setting]


@pytest.fixture
def aws(aws_with_auth: EmbeddedAws) -> EmbeddedAws:
    """An account that enforces IAM, and asks for the key of whoever writes or reads."""
    aws_with_auth.direction.require_key_use()
    return aws_with_auth


def role_of(aws: EmbeddedAws, settings: Settings) -> tuple[Credentials, str]:
    """A role that may write to and read from the encrypted log group, as far as Logs is concerned; and the key."""
    in_key_policy, of_role = settings(aws)
    used = key(aws, log_groups_statement(aws), *in_key_policy)
    log_group(aws)
    associate(aws, used)
    aws.client("logs").create_log_stream(logGroupName=GROUP, logStreamName="s")
    return someone_with(aws, allow("logs:*", "*"), *of_role), used


def calls_of(aws: EmbeddedAws, role: Credentials) -> list[Callable[[], Any]]:
    """Each call that carries log events, and each way to name the log group."""
    logs, now = aws.client("logs", credentials=role), int(time.time() * 1000)
    return [
        lambda: logs.put_log_events(
            logGroupName=GROUP, logStreamName="s", logEvents=[{"timestamp": now, "message": MESSAGE}]
        ),
        lambda: logs.get_log_events(logGroupName=GROUP, logStreamName="s"),
        lambda: logs.get_log_events(logGroupIdentifier=log_group_arn(aws), logStreamName="s"),
        lambda: logs.filter_log_events(logGroupName=GROUP),
        lambda: logs.filter_log_events(logGroupIdentifier=GROUP),
    ]


def reads_what_it_wrote(aws: EmbeddedAws, role: Credentials) -> bool:
    """Whether each call of the role works, and shows the event."""
    write, *reads = calls_of(aws, role)
    write()
    return all(MESSAGE in str(read()["events"]) for read in reads)


REFUSED = [
    pytest.param(lambda _: ([], []), id="nowhere"),
    pytest.param(
        lambda aws: ([callers_statement(aws, "arn:aws:iam::111122223333:role/another")], []), id="for another role"
    ),
    pytest.param(
        lambda aws: (
            [{**callers_statement(aws), "Condition": {"StringEquals": {"kms:CallerAccount": "444455556666"}}}],
            [],
        ),
        id="for another account",
    ),
    pytest.param(
        lambda aws: ([], [allow("kms:*", "*", StringEquals={"kms:ViaService": f"s3.{aws.region}.amazonaws.com"})]),
        id="through another service",
    ),
    pytest.param(
        lambda aws: ([{**callers_statement(aws), "Effect": "Deny"}], [allow("kms:*", "*")]), id="denied by the key"
    ),
]

ALLOWED = [
    pytest.param(lambda aws: ([callers_statement(aws)], []), id="key policy, whole account"),
    pytest.param(lambda aws: ([callers_statement(aws, SOMEONE)], []), id="key policy, this role"),
    pytest.param(
        lambda aws: ([callers_statement(aws, "arn:aws:iam::111122223333:role/some*")], []), id="key policy, by pattern"
    ),
    pytest.param(lambda aws: ([], [allow(ALL_KEY_ACTIONS, "*", **through_logs(aws))]), id="the role's own policy"),
]


@pytest.mark.parametrize("settings", REFUSED)
def test_a_caller_without_the_key_is_refused(aws: EmbeddedAws, settings: Settings) -> None:
    """Neither writes nor reads, in the words of IAM; the event is lost."""
    role, used = role_of(aws, settings)

    refusals = [refusal(call) for call in calls_of(aws, role)]

    assert {(code, status) for code, _, status in refusals} == {("AccessDeniedException", 400)}
    asked = [f"is not authorized to perform: kms:{action} on resource: {used} because" for action in ASKED]
    assert [words for words, (_, said, _) in zip(asked, refusals, strict=True) if words not in said] == []
    assert aws.client("logs").filter_log_events(logGroupName=GROUP)["events"] == []


#: For the calls of `calls_of`.
ASKED = ("GenerateDataKey", "Decrypt", "Decrypt", "Decrypt", "Decrypt")


@pytest.mark.parametrize("settings", ALLOWED)
def test_a_caller_with_the_key_writes_and_reads(aws: EmbeddedAws, settings: Settings) -> None:
    """The key's policy is enough, for all or for named roles; so is the role's own."""
    role, _ = role_of(aws, settings)

    assert reads_what_it_wrote(aws, role)


def test_a_log_group_without_a_key_asks_for_none(aws: EmbeddedAws) -> None:
    """What no key encrypts is everybody's who may call Logs."""
    role, _ = role_of(aws, lambda _: ([], []))
    aws.client("logs").disassociate_kms_key(logGroupName=GROUP)

    assert reads_what_it_wrote(aws, role)


@pytest.mark.parametrize(
    "forget",
    [
        pytest.param(lambda aws: aws.direction.require_key_use(required=False), id="taken back"),
        pytest.param(lambda aws: aws.direction.forget_script(), id="script forgotten"),
    ],
)
def test_it_is_asked_for_on_demand(aws: EmbeddedAws, forget: Callable[[EmbeddedAws], None]) -> None:
    """Nobody is asked for a key who was not to be: whether AWS asks everybody is not known."""
    role, _ = role_of(aws, lambda _: ([], []))
    forget(aws)

    assert reads_what_it_wrote(aws, role)
