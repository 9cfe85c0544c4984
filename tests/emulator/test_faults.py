"""Faults and late reads that a test can script, and the log of calls."""

import pytest
from emulator.accounts import GROUP, associate, key_of, log_group, log_group_arn, log_groups_key, refusal

from local.client.embedded_aws import EmbeddedAws
from local.emulator.script import Fault


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        pytest.param(
            Fault.operation_aborted(),
            (
                "OperationAbortedException",
                "A conflicting operation is currently in progress against this resource. Please try again.",
                400,
            ),
            id="aborted",
        ),
        pytest.param(Fault.throttled(), ("ThrottlingException", "Rate exceeded", 400), id="throttled"),
        pytest.param(
            Fault.unavailable(),
            ("ServiceUnavailableException", "The service cannot complete the request.", 503),
            id="503",
        ),
        pytest.param(
            Fault.unavailable(status=500),
            ("ServiceUnavailableException", "The service cannot complete the request.", 500),
            id="500",
        ),
        pytest.param(
            Fault.late_key_policy(),
            (
                "AccessDeniedException",
                (
                    "The specified KMS key does not exist or is not allowed to be used with Arn"
                    f" 'arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}'"
                ),
                400,
            ),
            id="late key policy",
        ),
        pytest.param(
            Fault.late_role_policy(),
            (
                "AccessDeniedException",
                (
                    "User: arn:aws:iam::111122223333:root is not authorized to perform: logs:AssociateKmsKey"
                    f" on resource: arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}"
                    " because no identity-based policy allows the logs:AssociateKmsKey action"
                ),
                400,
            ),
            id="late role policy",
        ),
        pytest.param(
            Fault("logs:AssociateKmsKey", "Odd", "Something else.", status=418),
            ("Odd", "Something else.", 418),
            id="any",
        ),
    ],
)
def test_a_fault_strikes_as_often_as_it_was_told(aws: EmbeddedAws, fault: Fault, answer: tuple[str, str, int]) -> None:
    """The next call gets the scripted refusal and changes nothing; the one after it succeeds."""
    log_group(aws)
    used = log_groups_key(aws)
    aws.direction.answer_with(fault)

    refused = refusal(lambda: associate(aws, used))
    unchanged = key_of(aws)
    associate(aws, used)

    assert (refused, unchanged, key_of(aws)) == (answer, None, used)
    assert aws.direction.pending() == []


def test_a_late_role_policy_names_the_key(aws: EmbeddedAws) -> None:
    """A `kms:` action is denied on the key, not on the log group."""
    log_group(aws)
    used = log_groups_key(aws)
    aws.direction.answer_with(Fault.late_role_policy(action="kms:Encrypt"))

    _, message, _ = refusal(lambda: associate(aws, used))

    assert f"is not authorized to perform: kms:Encrypt on resource: {used} because" in message


def test_a_fault_can_wait_for_its_log_group_and_its_turn(aws: EmbeddedAws) -> None:
    """Calls about other log groups, and the first few that it is told to skip, pass."""
    used = log_groups_key(aws)
    log_group(aws)
    log_group(aws, "/other")
    fault = Fault.throttled(log_group=GROUP, skip=1, times=2)
    aws.direction.answer_with(fault)

    associate(aws, used, "/other")
    associate(aws, used)
    codes = [refusal(lambda: associate(aws, used))[0]]
    left = aws.direction.pending()
    aws.direction.forget_script()
    associate(aws, used)

    assert codes == ["ThrottlingException"]
    assert left == [Fault.throttled(log_group=GROUP, times=1)]


def test_a_lost_answer_is_not_a_lost_change(aws: EmbeddedAws) -> None:
    """A fault may strike after the call was carried out."""
    log_group(aws)
    used = log_groups_key(aws)
    aws.direction.answer_with(Fault("logs:AssociateKmsKey", "InternalFailure", "", status=500, carried_out=True))

    code, _, _ = refusal(lambda: associate(aws, used))

    assert (code, key_of(aws)) == ("InternalFailure", used)


def test_other_operations_can_fail_too(aws: EmbeddedAws) -> None:
    """Faults are for any operation of Logs and KMS."""
    log_group(aws)
    used = log_groups_key(aws)
    aws.direction.answer_with(
        Fault.throttled("kms:DescribeKey"), Fault.operation_aborted("logs:TagResource", log_group=GROUP)
    )

    codes = [
        refusal(lambda: aws.client("kms").describe_key(KeyId=used))[0],
        refusal(lambda: aws.client("logs").tag_resource(resourceArn=log_group_arn(aws), tags={"a": "b"}))[0],
    ]

    assert codes == ["ThrottlingException", "OperationAbortedException"]


def test_a_change_can_be_seen_late(aws: EmbeddedAws) -> None:
    """DescribeLogGroups shows the old key for as many reads as it was told, after an association and a removal."""
    log_group(aws)
    used = log_groups_key(aws)
    aws.direction.show_old_key(2, log_group=GROUP, changes=2)

    associate(aws, used)
    associated = [key_of(aws) for _ in range(3)]
    aws.client("logs").disassociate_kms_key(logGroupName=GROUP)
    removed = [key_of(aws) for _ in range(3)]

    assert associated == [None, None, used]
    assert removed == [used, used, None]


def test_refused_calls_are_counted(aws: EmbeddedAws) -> None:
    """What was throttled, by a quota or by script, is counted by operation; other refusals are none of it."""
    aws.direction.limit("logs:DescribeLogGroups", per_second=1)
    aws.direction.answer_with(Fault.throttled("logs:TagResource"))
    logs = aws.client("logs")

    logs.describe_log_groups()
    refusal(logs.describe_log_groups)
    refusal(lambda: logs.tag_resource(resourceArn=log_group_arn(aws), tags={"a": "b"}))
    refusal(lambda: logs.tag_resource(resourceArn=log_group_arn(aws), tags={"a": "b"}))

    assert aws.direction.refused() == {"logs:DescribeLogGroups": 1, "logs:TagResource": 1}
    assert aws.direction.refused(by_function=True) == {}


def test_every_call_is_logged(aws: EmbeddedAws) -> None:
    """Calls are counted with who made them and what they got, until they are forgotten."""
    log_group(aws)
    refusal(lambda: associate(aws, "no key"))
    calls = aws.direction.calls()
    aws.direction.forget_calls()

    assert [(c.operation, c.log_group, c.error, c.by_function, c.account, c.region) for c in calls] == [
        ("logs:CreateLogGroup", GROUP, None, False, "111122223333", "eu-west-1"),
        ("logs:AssociateKmsKey", GROUP, "InvalidParameterException", False, "111122223333", "eu-west-1"),
    ]
    assert aws.direction.counts() == {}


def test_the_call_log_tells_account_and_region(aws: EmbeddedAws) -> None:
    """A call is of the account that signs it, and of the Region that it is signed for."""
    aws.client("logs", account="444455556666", region="us-east-1").describe_log_groups()

    [call] = aws.direction.calls()
    assert (call.account, call.region, call.caller) == (
        "444455556666", "us-east-1", "arn:aws:iam::444455556666:root"
    )  # fmt: skip
