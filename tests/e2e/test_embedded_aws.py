"""The embedded AWS answers as AWS does: what `local/extension` adds to MiniStack, seen with boto3 from outside.

A test that passes only through the extension proves our reading of AWS, not AWS; the sources stand beside the answers.
"""

import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.detached import find as find_detached
from local.detached import start as start_detached
from local.detached import stop as stop_detached
from local.embedded_aws import Credentials, EmbeddedAws
from local.extension.seams import MissingSeamError, Seam
from local.script import Fault
from local.server import PROJECT, Server, Settings

GROUP = "/aws/lambda/orders"
SERVICE_ACTIONS = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]


def log_group_arn(aws: EmbeddedAws, name: str = GROUP) -> str:
    """The ARN that tags and key policies go by."""
    return f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{name}"


def query_results_arn(aws: EmbeddedAws) -> str:
    """All query results of the account and Region."""
    return f"arn:aws:logs:{aws.region}:{aws.account}:query-result:*"


def owner_statement(aws: EmbeddedAws) -> dict[str, Any]:
    """What KMS's default policy says: the account's IAM policies decide, and no service may."""
    principal = {"AWS": f"arn:aws:iam::{aws.account}:root"}
    return {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}


def log_groups_statement(aws: EmbeddedAws, pattern: str = "*") -> dict[str, Any]:
    """The documented statement for log groups."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{aws.region}.amazonaws.com"},
        "Action": SERVICE_ACTIONS,
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_group_arn(aws, pattern)}},
    }


def query_results_statement(aws: EmbeddedAws) -> dict[str, Any]:
    """The documented statement for query results."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{aws.region}.amazonaws.com"},
        "Action": SERVICE_ACTIONS,
        "Resource": "*",
        "Condition": {
            "ArnEquals": {"aws:SourceArn": query_results_arn(aws)},
            "StringEquals": {"aws:SourceAccount": aws.account},
        },
    }


def key(aws: EmbeddedAws, *statements: dict[str, Any], **given: Any) -> str:
    """The ARN of a new key with the owner's statement and these."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": [owner_statement(aws), *statements]})
    return aws.client("kms").create_key(Policy=policy, **given)["KeyMetadata"]["Arn"]


def log_groups_key(aws: EmbeddedAws) -> str:
    """A key that log groups can use."""
    return key(aws, log_groups_statement(aws))


def log_group(aws: EmbeddedAws, name: str = GROUP) -> str:
    """A new log group; its name."""
    aws.client("logs").create_log_group(logGroupName=name)
    return name


def associate(aws: EmbeddedAws, key_arn: str, name: str = GROUP) -> None:
    """Put the log group under the key."""
    aws.client("logs").associate_kms_key(logGroupName=name, kmsKeyId=key_arn)


def key_of(aws: EmbeddedAws, name: str = GROUP) -> str | None:
    """The key that DescribeLogGroups shows."""
    [found] = aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return found.get("kmsKeyId")


def refusal(call: Callable[[], object]) -> tuple[str, str, int]:
    """Code, message and HTTP status of the refusal that *call* gets."""
    with pytest.raises(ClientError) as caught:
        call()
    answer = caught.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


# The key of a log group


@pytest.mark.parametrize("suffix", ["", ":*"], ids=["plain ARN", "ARN with :*"])
def test_a_log_group_is_known_by_its_arn(aws: EmbeddedAws, suffix: str) -> None:
    """Both forms of a log group's ARN are the log group."""
    log_group(aws)
    logs, arn = aws.client("logs"), log_group_arn(aws) + suffix
    used = log_groups_key(aws)

    logs.associate_kms_key(resourceIdentifier=arn, kmsKeyId=used)
    associated = key_of(aws)
    logs.disassociate_kms_key(resourceIdentifier=arn)

    assert (associated, key_of(aws)) == (used, None)


def test_another_key_takes_the_place_of_the_first(aws: EmbeddedAws) -> None:
    """AssociateKmsKey over another key overrides it; over the same key, and Disassociate without one, succeed."""
    log_group(aws)
    first, second = log_groups_key(aws), log_groups_key(aws)

    associate(aws, first)
    associate(aws, second)
    associate(aws, second)
    in_force = key_of(aws)
    aws.client("logs").disassociate_kms_key(logGroupName=GROUP)
    aws.client("logs").disassociate_kms_key(logGroupName=GROUP)

    assert in_force == second
    assert key_of(aws) is None


@pytest.mark.parametrize(
    "make_key",
    [
        pytest.param(key, id="default policy"),
        pytest.param(lambda aws: key(aws, log_groups_statement(aws, "/other")), id="another log group's"),
        pytest.param(lambda aws: key(aws, query_results_statement(aws)), id="only query results"),
        pytest.param(lambda aws: f"arn:aws:kms:{aws.region}:{aws.account}:key/{'0' * 8}", id="no such key"),
        pytest.param(
            lambda aws: key(aws, {**log_groups_statement(aws), "Action": ["kms:Encrypt"]}), id="only some actions"
        ),
        pytest.param(
            lambda aws: key(
                aws, log_groups_statement(aws), {**log_groups_statement(aws), "Effect": "Deny", "Action": "kms:*"}
            ),
            id="explicit deny",
        ),
    ],
)
def test_a_key_whose_policy_refuses_is_denied(aws: EmbeddedAws, make_key: Callable[[EmbeddedAws], str]) -> None:
    """A key that is not there and a key whose policy refuses the logs service look the same."""
    log_group(aws)
    refused = make_key(aws)

    answer = refusal(lambda: associate(aws, refused))

    assert answer == (
        "AccessDeniedException",
        (
            "The specified KMS key does not exist or is not allowed to be used with Arn"
            f" 'arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}'"
        ),
        400,
    )
    assert key_of(aws) is None


@pytest.mark.parametrize(
    "name_of",
    [
        pytest.param(lambda arn: arn.rpartition("/")[2], id="bare id"),
        pytest.param(lambda _: "alias/orders", id="alias"),
        pytest.param(lambda arn: arn.replace("eu-west-1", "eu-west-2"), id="another Region"),
    ],
)
def test_what_is_no_key_arn_cannot_be_found(aws: EmbeddedAws, name_of: Callable[[str], str]) -> None:
    """Anything but the ARN of a key of this Region is refused with AWS's other text."""
    log_group(aws)
    given = name_of(log_groups_key(aws))

    answer = refusal(lambda: associate(aws, given))

    assert answer == ("InvalidParameterException", f"The specified KMS Key Id could not be found. '{given}'", 400)


@pytest.mark.parametrize(
    ("given", "break_key"),
    [
        pytest.param({}, "disable_key", id="disabled"),
        pytest.param({}, "schedule_key_deletion", id="pending deletion"),
        pytest.param({"KeySpec": "RSA_2048"}, None, id="asymmetric"),
        pytest.param({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}, None, id="HMAC"),
    ],
)
def test_a_key_that_cannot_encrypt_is_refused(aws: EmbeddedAws, given: dict[str, str], break_key: str | None) -> None:
    """A key that is allowed but unusable is an invalid parameter."""
    log_group(aws)
    unusable = key(aws, log_groups_statement(aws), **given)
    if break_key:
        getattr(aws.client("kms"), break_key)(KeyId=unusable)

    code, _, status = refusal(lambda: associate(aws, unusable))

    assert (code, status) == ("InvalidParameterException", 400)
    assert key_of(aws) is None


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        pytest.param(
            {"logGroupName": "/nowhere"},
            ("ResourceNotFoundException", "The specified log group does not exist.", 400),
            id="no such log group",
        ),
        pytest.param(
            {"logGroupName": "aws/spans"},
            ("InvalidParameterException", "Log groups starting with AWS/ are reserved for AWS.", 400),
            id="reserved",
        ),
        pytest.param({}, ("InvalidParameterException", None, 400), id="no target"),
        pytest.param(
            {"logGroupName": GROUP, "resourceIdentifier": f"arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}"},
            ("InvalidParameterException", None, 400),
            id="two targets",
        ),
        pytest.param({"logGroupName": "or ders"}, ("InvalidParameterException", None, 400), id="not a name"),
        pytest.param(
            {"resourceIdentifier": f"arn:aws:logs:eu-west-1:444455556666:log-group:{GROUP}"},
            ("InvalidParameterException", None, 400),
            id="another account",
        ),
        pytest.param(
            {"resourceIdentifier": "arn:aws:logs:us-east-1:111122223333:query-result:*"},
            ("InvalidParameterException", None, 400),
            id="another Region's query results",
        ),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused(
    aws: EmbeddedAws, target: dict[str, str], answer: tuple[str, str | None, int]
) -> None:
    """AssociateKmsKey and DisassociateKmsKey take exactly one existing target of this account and Region."""
    log_group(aws)
    used = log_groups_key(aws)
    logs = aws.client("logs")

    answers = [
        refusal(lambda: logs.associate_kms_key(kmsKeyId=used, **target)),
        refusal(lambda: logs.disassociate_kms_key(**target)),
    ]

    code, message, status = answer
    assert [(got_code, got_status) for got_code, _, got_status in answers] == [(code, status)] * 2
    if message:
        assert [got_message for _, got_message, _ in answers] == [message] * 2


def test_a_log_group_can_be_made_with_a_key(aws: EmbeddedAws) -> None:
    """CreateLogGroup takes a usable key and makes nothing with any other."""
    used, refused = log_groups_key(aws), key(aws)
    logs = aws.client("logs")

    logs.create_log_group(logGroupName=GROUP, kmsKeyId=used)
    code, _, _ = refusal(lambda: logs.create_log_group(logGroupName="/other", kmsKeyId=refused))

    assert (key_of(aws), code) == (used, "AccessDeniedException")
    assert [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]] == [GROUP]


def test_accounts_and_regions_are_apart(aws: EmbeddedAws) -> None:
    """A log group of one account and Region is nowhere else."""
    log_group(aws)

    elsewhere = [
        aws.client("logs", region="us-east-1").describe_log_groups()["logGroups"],
        aws.client("logs", account="444455556666").describe_log_groups()["logGroups"],
    ]

    assert elsewhere == [[], []]


def test_a_listing_by_pattern_shows_no_key(aws: EmbeddedAws) -> None:
    """`logGroupNamePattern` leaves the key out."""
    associate(aws, log_groups_key(aws), log_group(aws))

    [found] = aws.client("logs").describe_log_groups(logGroupNamePattern="orders")["logGroups"]

    assert "kmsKeyId" not in found


# The key of the query results


def run_query(aws: EmbeddedAws, **where: str) -> str | None:
    """The key that a new query's results are encrypted with."""
    logs = aws.client("logs", region=where.get("region", aws.region))
    query = logs.start_query(logGroupName=GROUP, startTime=0, endTime=1, queryString="fields @message")["queryId"]
    return logs.get_query_results(queryId=query).get("encryptionKey")


def test_query_results_carry_the_key(aws: EmbeddedAws) -> None:
    """A finished query shows the key that was set for the account and Region when it ran."""
    log_group(aws)
    used = key(aws, query_results_statement(aws))
    logs, arn = aws.client("logs"), query_results_arn(aws)

    before = run_query(aws)
    logs.associate_kms_key(resourceIdentifier=arn, kmsKeyId=used)
    during = run_query(aws)
    logs.disassociate_kms_key(resourceIdentifier=arn)

    assert (before, during, run_query(aws)) == (None, used, None)


def test_the_log_groups_statement_does_not_cover_query_results(aws: EmbeddedAws) -> None:
    """Query results need a statement of their own in the key's policy."""
    used, arn = log_groups_key(aws), query_results_arn(aws)

    answer = refusal(lambda: aws.client("logs").associate_kms_key(resourceIdentifier=arn, kmsKeyId=used))

    assert answer == (
        "AccessDeniedException",
        (
            "The specified KMS key does not exist or is not allowed to be used with Arn"
            " 'arn:aws:logs:eu-west-1:111122223333:query-result:*'"
        ),
        400,
    )


# Tags


def test_tags_of_a_missing_log_group(aws: EmbeddedAws) -> None:
    """The tag operations say of a missing log group what all others say."""
    logs, arn = aws.client("logs"), log_group_arn(aws)

    answers = {
        refusal(lambda: logs.list_tags_for_resource(resourceArn=arn)),
        refusal(lambda: logs.tag_resource(resourceArn=arn, tags={"a": "b"})),
        refusal(lambda: logs.untag_resource(resourceArn=arn, tagKeys=["a"])),
    }

    assert answers == {("ResourceNotFoundException", "The specified log group does not exist.", 400)}


def test_tags_are_written_read_and_removed(aws: EmbeddedAws) -> None:
    """Tags go by the ARN without `:*`."""
    log_group(aws)
    logs, arn = aws.client("logs"), log_group_arn(aws)

    logs.tag_resource(resourceArn=arn, tags={"team": "a", "log-group-kms-association:owner": "one:s/1/L"})
    logs.untag_resource(resourceArn=arn, tagKeys=["team", "never there"])

    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"log-group-kms-association:owner": "one:s/1/L"}


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        pytest.param({"owner": "a" * 257}, "InvalidParameterException", id="value too long"),
        pytest.param({"o" * 129: "a"}, "InvalidParameterException", id="key too long"),
        pytest.param({"owner": "a*b"}, "InvalidParameterException", id="a character that is not allowed"),
        pytest.param({"aws:owner": "a"}, "InvalidParameterException", id="AWS's own prefix"),
        pytest.param({f"t{n}": "a" for n in range(50)}, "TooManyTagsException", id="51 with the one that is there"),
    ],
)
def test_tags_have_limits(aws: EmbeddedAws, tags: dict[str, str], code: str) -> None:
    """Tags that AWS would refuse are refused, and nothing is written."""
    logs, arn = aws.client("logs"), log_group_arn(aws, log_group(aws))
    logs.tag_resource(resourceArn=arn, tags={"there": "before"})

    answer = refusal(lambda: logs.tag_resource(resourceArn=arn, tags=tags))

    assert answer[0] == code
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"there": "before"}


# Faults, quotas and the call log


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


def test_a_quota_is_for_each_account_and_region(aws: EmbeddedAws) -> None:
    """More calls a second than the quota get "Rate exceeded"; other Regions, and the next second, do not."""
    log_group(aws)
    aws.direction.limit("logs:DescribeLogGroups", per_second=3)
    logs = aws.client("logs")

    for _ in range(3):
        logs.describe_log_groups()
    answer = refusal(logs.describe_log_groups)
    aws.client("logs", region="us-east-1").describe_log_groups()
    time.sleep(0.5)
    logs.describe_log_groups()

    assert answer == ("ThrottlingException", "Rate exceeded", 400)


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


# IAM

ALL_KEY_ACTIONS = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]


def allow(actions: str | list[str], resource: str, **condition: Any) -> dict[str, Any]:
    """A statement of an identity policy."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


def someone_with(aws: EmbeddedAws, *statements: dict[str, Any]) -> Credentials:
    """A session of a role with this policy."""
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": aws.account}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="someone", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_role_policy(RoleName="someone", PolicyName="all", PolicyDocument=policy)
    return aws.assume(role["Arn"])


def through_logs(aws: EmbeddedAws) -> dict[str, Any]:
    """The condition that keeps a key from direct use."""
    return {"StringEquals": {"kms:ViaService": f"logs.{aws.region}.amazonaws.com"}}


def test_a_role_may_associate(aws_with_auth: EmbeddedAws) -> None:
    """The documented permissions are enough: `log-group:NAME:*`, and the key through the logs service."""
    aws = aws_with_auth
    log_group(aws)
    used = log_groups_key(aws)
    role = someone_with(
        aws,
        allow(["logs:AssociateKmsKey", "logs:DisassociateKmsKey"], f"{log_group_arn(aws)}:*"),
        allow(ALL_KEY_ACTIONS, used, **through_logs(aws)),
    )
    logs = aws.client("logs", credentials=role)

    logs.associate_kms_key(logGroupName=GROUP, kmsKeyId=used)
    associated = key_of(aws)
    logs.associate_kms_key(resourceIdentifier=log_group_arn(aws), kmsKeyId=used)
    logs.disassociate_kms_key(resourceIdentifier=f"{log_group_arn(aws)}:*")

    assert (associated, key_of(aws)) == (used, None)


def test_the_key_is_not_open_to_direct_use(aws_with_auth: EmbeddedAws) -> None:
    """A statement with kms:ViaService does not let the role call KMS itself."""
    used = log_groups_key(aws_with_auth)
    role = someone_with(aws_with_auth, allow(ALL_KEY_ACTIONS, used, **through_logs(aws_with_auth)))
    kms = aws_with_auth.client("kms", credentials=role)

    answer = refusal(lambda: kms.encrypt(KeyId=used, Plaintext=b"x"))

    assert answer[0] == "AccessDeniedException"


def test_the_suffix_is_part_of_the_permission(aws_with_auth: EmbeddedAws) -> None:
    """A policy for the log group's ARN without `:*` does not match."""
    aws = aws_with_auth
    log_group(aws)
    used = log_groups_key(aws)
    role = someone_with(aws, allow("logs:*", log_group_arn(aws)), allow("kms:*", "*"))

    answer = refusal(lambda: aws.client("logs", credentials=role).associate_kms_key(logGroupName=GROUP, kmsKeyId=used))

    assert answer == (
        "AccessDeniedException",
        (
            "User: arn:aws:sts::111122223333:assumed-role/someone/test is not authorized to perform:"
            f" logs:AssociateKmsKey on resource: arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}:*"
            " because no identity-based policy allows the logs:AssociateKmsKey action"
        ),
        400,
    )


@pytest.mark.parametrize("missing", ALL_KEY_ACTIONS)
def test_every_permission_on_the_key_is_needed(aws_with_auth: EmbeddedAws, missing: str) -> None:
    """Without any one of them the association is denied on the key, in IAM's words."""
    aws = aws_with_auth
    log_group(aws)
    used = log_groups_key(aws)
    others = [action for action in ALL_KEY_ACTIONS if action != missing]
    role = someone_with(aws, allow("logs:*", "*"), allow(others, used))

    code, message, status = refusal(
        lambda: aws.client("logs", credentials=role).associate_kms_key(logGroupName=GROUP, kmsKeyId=used)
    )

    assert (code, status) == ("AccessDeniedException", 400)
    assert message.startswith(
        "User: arn:aws:sts::111122223333:assumed-role/someone/test is not authorized to perform:"
        f" {missing.removesuffix('*')}"
    )
    assert f"on resource: {used} because no identity-based policy allows the {missing.removesuffix('*')}" in message


def test_query_results_are_authorised_on_their_arn(aws_with_auth: EmbeddedAws) -> None:
    """The query-result ARN is what a policy names."""
    aws = aws_with_auth
    used, arn = key(aws, query_results_statement(aws)), query_results_arn(aws)
    role = someone_with(aws, allow("logs:AssociateKmsKey", arn), allow(ALL_KEY_ACTIONS, used))

    aws.client("logs", credentials=role).associate_kms_key(resourceIdentifier=arn, kmsKeyId=used)

    assert aws.direction.calls()[-1].error is None


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [
        pytest.param(f"arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}:*", False, id="one name"),
        pytest.param("arn:aws:logs:eu-west-1:111122223333:log-group:*", True, id="all names"),
    ],
)
def test_a_listing_is_authorised_on_no_name(aws_with_auth: EmbeddedAws, resource: str, *, allowed: bool) -> None:
    """A policy scoped to one log group denies DescribeLogGroups, even for its own prefix."""
    role = someone_with(aws_with_auth, allow("logs:DescribeLogGroups", resource))
    logs = aws_with_auth.client("logs", credentials=role)

    if allowed:
        assert logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"] == []
    else:
        _, message, _ = refusal(lambda: logs.describe_log_groups(logGroupNamePrefix=GROUP))
        assert "on resource: arn:aws:logs:eu-west-1:111122223333:log-group::log-stream: because" in message


def test_tags_are_authorised_without_the_suffix(aws_with_auth: EmbeddedAws) -> None:
    """TagResource, UntagResource and ListTagsForResource go by the plain ARN."""
    aws = aws_with_auth
    log_group(aws)
    arn = log_group_arn(aws)
    role = someone_with(aws, allow(["logs:TagResource", "logs:UntagResource", "logs:ListTagsForResource"], arn))
    logs = aws.client("logs", credentials=role)

    logs.tag_resource(resourceArn=arn, tags={"a": "b", "c": "d"})
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])

    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"c": "d"}


def test_making_a_tagged_log_group_needs_two_permissions(aws_with_auth: EmbeddedAws) -> None:
    """CreateLogGroup with tags needs logs:TagResource as well."""
    role = someone_with(aws_with_auth, allow("logs:CreateLogGroup", "*"))
    logs = aws_with_auth.client("logs", credentials=role)

    logs.create_log_group(logGroupName="/plain")
    code, message, _ = refusal(lambda: logs.create_log_group(logGroupName=GROUP, tags={"a": "b"}))

    assert code == "AccessDeniedException"
    assert "logs:TagResource" in message


def test_an_alias_is_authorised_as_its_key(aws_with_auth: EmbeddedAws) -> None:
    """DescribeKey by alias needs a permission on the key, as KMS never authorises on aliases."""
    aws = aws_with_auth
    used = log_groups_key(aws)
    aws.client("kms").create_alias(AliasName="alias/orders", TargetKeyId=used)
    role = someone_with(aws, allow("kms:DescribeKey", used))

    found = aws.client("kms", credentials=role).describe_key(KeyId="alias/orders")["KeyMetadata"]["Arn"]

    assert found == used


# Stacks with custom resources

#: Answers as its property `Answers` says for each request type; without an entry it crashes.
PROVIDER = """
import json
import os
import urllib.request

import boto3


def handler(event, context):
    print(json.dumps(event))
    properties = event["ResourceProperties"]
    boto3.client("logs").describe_log_groups()
    if event.get("Again"):
        boto3.client("logs").create_log_group(logGroupName="/again")
        return
    if properties.get("InvokesItself"):
        boto3.client("lambda").invoke(
            FunctionName=context.invoked_function_arn, InvocationType="Event", Payload=json.dumps({**event, "Again": 1})
        )
    answer = json.loads(properties["Answers"])[event["RequestType"]]
    if answer is None:
        return
    body = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")} | answer
    body = {name: value for name, value in body.items() if value != "leave out"}
    request = urllib.request.Request(
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT",
        headers={"Content-Type": properties.get("ContentType", "")},
    )
    urllib.request.urlopen(request)
"""

#: The destination of what the provider could not answer.
RESPONDER = """
import json
import urllib.request


def handler(record, context):
    print(json.dumps(record))
    event = record["requestPayload"]
    body = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")} | {
        "Status": "SUCCESS" if event["RequestType"] == "Delete" else "FAILED",
        "Reason": "the provider said " + record["responsePayload"]["errorMessage"],
        "PhysicalResourceId": event.get("PhysicalResourceId", "from the responder"),
    }
    urllib.request.urlopen(urllib.request.Request(
        event["ResponseURL"], data=json.dumps(body).encode(), method="PUT", headers={"Content-Type": ""}
    ))
"""

#: Makes the log group that it is told, in its own time.
SLOW = """
import time

import boto3


def handler(event, context):
    time.sleep(0.3)
    boto3.client("logs").create_log_group(logGroupName=event)
"""
SOME_ROLE = "arn:aws:iam::111122223333:role/some"


def zipped(code: str) -> bytes:
    """A deployment package of one module."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("index.py", code)
    return package.getvalue()


OK = {"Status": "SUCCESS", "PhysicalResourceId": "id-1", "Data": {"Key": "value"}}
ALWAYS_OK = {"Create": OK, "Update": OK, "Delete": OK}


def function(name: str, code: str) -> dict[str, Any]:
    """A Lambda function as a template's resource."""
    properties = {
        "FunctionName": name,
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Timeout": 10,
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": code},
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def template(answers: dict[str, Any], *, retries: int = 0, **properties: Any) -> str:
    """A stack of one custom resource and its provider."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    resource = {
        "ServiceToken": {"Fn::GetAtt": ["Provider", "Arn"]},
        "ServiceTimeout": 20,
        "Answers": json.dumps(answers),
        **properties,
    }
    policy = {
        "PolicyName": "calls",
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [allow(["logs:*", "lambda:InvokeFunction"], "*")],
        },
    }
    resources = {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "provider",
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
                "Policies": [policy],
            },
        },
        "Provider": function("provider", PROVIDER),
        "Responder": function("responder", RESPONDER),
        "Invocations": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": {"Ref": "Provider"},
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": retries,
                "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Responder", "Arn"]}}},
            },
        },
        "Thing": {"Type": "Custom::Thing", "DependsOn": "Invocations", "Properties": resource},
    }
    outputs = {"Key": {"Value": {"Fn::GetAtt": ["Thing", "Key"]}}}
    return json.dumps({"Resources": resources, **({"Outputs": outputs} if "Data" in str(answers) else {})})


def settled(aws: EmbeddedAws) -> str:
    """The stack's status once nothing is in progress."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status = aws.client("cloudformation").describe_stacks(StackName="stack")["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(0.05)
    raise TimeoutError(status)


def create(aws: EmbeddedAws, body: str) -> str:
    """Create the stack; the status that it ends in."""
    aws.client("cloudformation").create_stack(
        StackName="stack", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    return settled(aws)


def update(aws: EmbeddedAws, body: str) -> str:
    """Update the stack; the status that it ends in."""
    aws.client("cloudformation").update_stack(
        StackName="stack", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    return settled(aws)


def things_events(aws: EmbeddedAws) -> list[tuple[str, str, str]]:
    """Status, physical id and reason of the custom resource's stack events, oldest first."""
    events = aws.client("cloudformation").describe_stack_events(StackName="stack")["StackEvents"]
    return [
        (event["ResourceStatus"], event.get("PhysicalResourceId", ""), event.get("ResourceStatusReason", ""))
        for event in reversed(events)
        if event["LogicalResourceId"] == "Thing"
    ]


def received(aws: EmbeddedAws, name: str, count: int) -> list[dict[str, Any]]:
    """What a function got, each delivery of it, once its log has so many; the log comes after the answer."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = aws.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
        messages = [json.loads(event["message"]) for event in found if event["message"].startswith('{"')]
        if len(messages) >= count:
            return messages
        time.sleep(0.05)
    raise TimeoutError(name)


def put(url: str, body: bytes) -> int:
    """The HTTP status of an answer to CloudFormation."""
    request = urllib.request.Request(  # noqa: S310 - a ResponseURL of the embedded AWS
        url, data=body, method="PUT", headers={"Content-Type": ""}
    )
    try:
        # No proxy stands before the loopback address.
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_stack_is_driven_through_its_life(aws: EmbeddedAws) -> None:
    """Create, Update and Delete reach the function, and its Data the stack; its calls are known as a function's."""
    created = create(aws, template(ALWAYS_OK, Size=1))
    outputs = aws.client("cloudformation").describe_stacks(StackName="stack")["Stacks"][0]["Outputs"]
    updated = update(aws, template(ALWAYS_OK, Size=2))
    events = aws.direction.events()

    assert (created, updated) == ("CREATE_COMPLETE", "UPDATE_COMPLETE")
    assert [output["OutputValue"] for output in outputs] == ["value"]
    assert [(event["RequestType"], event["ResourceProperties"]["Size"]) for event in events] == [
        ("Create", "1"),
        ("Update", "2"),
    ]
    assert events[1]["OldResourceProperties"]["Size"] == "1"
    assert aws.direction.counts(by_function=True) == {"logs:DescribeLogGroups": 2}
    assert [answer.verdict for answer in aws.direction.answers()] == ["used", "used"]


def test_a_failed_create_is_followed_by_a_delete(aws: EmbeddedAws) -> None:
    """The Reason stands in the stack's events, and a Delete with the failed answer's id follows."""
    failed = {"Status": "FAILED", "Reason": "No such key. Name one.", "PhysicalResourceId": "id-of-failure"}

    status = create(aws, template({"Create": failed, "Delete": {**OK, "PhysicalResourceId": "id-of-failure"}}))

    create_event, delete_event = aws.direction.events()
    assert status == "ROLLBACK_COMPLETE"
    assert things_events(aws) == [
        ("CREATE_IN_PROGRESS", "", ""),
        (
            "CREATE_FAILED",
            "",
            (
                "Received response status [FAILED] from custom resource. Message returned: No such key. Name one."
                f" (RequestId: {create_event['RequestId']})"
            ),
        ),
        ("DELETE_IN_PROGRESS", "id-of-failure", ""),
        ("DELETE_COMPLETE", "id-of-failure", ""),
    ]
    assert (delete_event["RequestType"], delete_event["PhysicalResourceId"]) == ("Delete", "id-of-failure")
    assert delete_event["ResourceProperties"] == create_event["ResourceProperties"]


def test_a_create_without_an_answer_is_deleted_by_a_made_up_id(aws: EmbeddedAws) -> None:
    """When ServiceTimeout is over, CloudFormation invents the physical id that it deletes."""
    status = create(aws, template({"Create": None, "Delete": {**OK, "Data": "leave out"}}, ServiceTimeout=1))

    _, failed, deleting, _ = things_events(aws)
    assert status == "ROLLBACK_COMPLETE"
    assert failed[2].startswith("CloudFormation did not receive a response from your custom resource.")
    assert deleting[1].startswith("stack-Thing-")
    assert aws.direction.events()[1]["PhysicalResourceId"] == deleting[1]


def test_a_resource_that_fails_in_an_update_is_deleted(aws: EmbeddedAws) -> None:
    """A custom resource that an update adds, and that fails, gets its Delete in the update's rollback."""
    failing = template({"Create": {**OK, "Status": "FAILED", "Reason": "no", "Data": "leave out"}, "Delete": OK})
    without = json.loads(failing)
    del without["Resources"]["Thing"], without["Outputs"]
    created = create(aws, json.dumps(without))

    status = update(aws, failing)

    assert (created, status) == ("CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    assert [event["RequestType"] for event in aws.direction.events()] == ["Create", "Delete"]


def test_a_failed_stack_that_was_kept_deletes_the_failed_resource(aws: EmbeddedAws) -> None:
    """Without rollback the Delete comes when the stack is deleted."""
    body = template({"Create": {**OK, "Status": "FAILED", "Reason": "no", "Data": "leave out"}, "Delete": OK})
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName="stack", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"], OnFailure="DO_NOTHING"
    )
    status = settled(aws)
    before = [event["RequestType"] for event in aws.direction.events()]

    cloudformation.delete_stack(StackName="stack")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="stack", WaiterConfig={"Delay": 1})

    assert (status, before) == ("CREATE_FAILED", ["Create"])
    assert [event["RequestType"] for event in aws.direction.events()] == ["Create", "Delete"]


def test_a_throttled_asynchronous_invocation_is_tried_again(aws: EmbeddedAws) -> None:
    """Events that arrive while the function's concurrency is used up wait in the queue."""
    functions = aws.client("lambda")
    functions.create_function(
        FunctionName="slow",
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": zipped(SLOW)},
        Role=SOME_ROLE,
        Timeout=10,
    )
    functions.put_function_concurrency(FunctionName="slow", ReservedConcurrentExecutions=1)

    for number in range(3):
        functions.invoke(FunctionName="slow", InvocationType="Event", Payload=json.dumps(f"/made/{number}").encode())
    deadline = time.monotonic() + 20
    while aws.direction.counts()["logs:CreateLogGroup"] < 3 and time.monotonic() < deadline:
        time.sleep(0.05)

    made = [call.log_group for call in aws.direction.calls() if call.operation == "logs:CreateLogGroup"]
    assert sorted(made, key=str) == ["/made/0", "/made/1", "/made/2"]


def test_a_failed_update_is_sent_back(aws: EmbeddedAws) -> None:
    """A failed Update is followed by an Update to the old properties; an id that it named besides is deleted."""
    create(aws, template(ALWAYS_OK, Size=1))
    failed = {"Status": "FAILED", "Reason": "no", "PhysicalResourceId": "id-2"}

    status = update(aws, template({**ALWAYS_OK, "Update": failed}, Size=2))

    events = [
        (e["RequestType"], e["PhysicalResourceId"], e["ResourceProperties"]["Size"]) for e in aws.direction.events()[1:]
    ]
    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert events == [("Update", "id-1", "2"), ("Update", "id-1", "1"), ("Delete", "id-2", "2")]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param({**OK, "PhysicalResourceId": ""}, "Invalid PhysicalResourceId", id="empty id"),
        pytest.param({**OK, "PhysicalResourceId": "leave out"}, "Invalid PhysicalResourceId", id="no id"),
        pytest.param({**OK, "PhysicalResourceId": "x" * 1025}, "Invalid PhysicalResourceId", id="id over 1 KB"),
        pytest.param({**OK, "Data": {"Key": "x" * 4096}}, "Response object is too long.", id="over 4,096 bytes"),
        pytest.param({**OK, "Reason": None}, "CloudFormation did not receive a response", id="null Reason"),
        pytest.param({**OK, "RequestId": "other"}, "CloudFormation did not receive a response", id="another request"),
        pytest.param({**OK, "Status": "OK"}, "CloudFormation did not receive a response", id="unknown status"),
    ],
)
def test_an_answer_that_cloudformation_would_not_take(aws: EmbeddedAws, answer: dict[str, Any], reason: str) -> None:
    """What breaks the protocol fails the resource, at once or as if no answer had come."""
    status = create(aws, template({"Create": answer, "Delete": OK}, ServiceTimeout=1))

    assert status == "ROLLBACK_COMPLETE"
    assert things_events(aws)[1][2].startswith(reason)


def test_a_content_type_breaks_the_signature(aws: EmbeddedAws) -> None:
    """A PUT with a Content-Type gets 403, as from S3; the function's crash then reaches the responder."""
    status = create(aws, template({"Create": OK, "Delete": OK}, ContentType="application/json"))

    first = aws.direction.answers()[0]
    assert status == "ROLLBACK_COMPLETE"
    assert (first.http_status, first.verdict) == (403, "signature does not match")


def test_the_storage_of_answers_can_fail(aws: EmbeddedAws) -> None:
    """A scripted fault refuses the PUT, and the second delivery of the event answers."""
    aws.direction.answer_with(Fault("cloudformation:Answer", "SlowDown", "", status=503))

    status = create(aws, template(ALWAYS_OK, retries=1))

    assert status == "CREATE_COMPLETE"
    assert [(answer.http_status, answer.verdict) for answer in aws.direction.answers()] == [
        (503, "refused by script"),
        (200, "used"),
    ]


def test_a_crash_reaches_the_destination(aws: EmbeddedAws) -> None:
    """A provider that crashes is invoked again as often as it is configured, then its destination gets the record."""
    status = create(aws, template({"Delete": OK}, retries=1))

    [record] = received(aws, "responder", 1)
    context = record["requestContext"]
    assert status == "ROLLBACK_COMPLETE"
    assert things_events(aws)[1][2].startswith(
        "Received response status [FAILED] from custom resource. Message returned: the provider said "
    )
    assert set(record) == {
        "version", "timestamp", "requestContext", "requestPayload", "responseContext", "responsePayload",
    }  # fmt: skip
    assert (context["condition"], context["approximateInvokeCount"]) == ("RetriesExhausted", 2)
    assert context["functionArn"] == "arn:aws:lambda:eu-west-1:111122223333:function:provider:$LATEST"
    assert [event["RequestType"] for event in received(aws, "provider", 3)] == ["Create", "Create", "Delete"]


def test_a_function_can_invoke_itself(aws_with_auth: EmbeddedAws) -> None:
    """An asynchronous invocation of itself reaches the function, under its role."""
    aws = aws_with_auth

    status = create(aws, template(ALWAYS_OK, InvokesItself="yes"))
    deadline = time.monotonic() + 10
    while aws.direction.counts()["logs:CreateLogGroup"] < 1 and time.monotonic() < deadline:
        time.sleep(0.05)

    callers = {call.caller for call in aws.direction.calls() if call.by_function}
    assert status == "CREATE_COMPLETE"
    assert aws.direction.counts(by_function=True)["lambda:Invoke"] == 1
    assert key_of(aws, "/again") is None
    assert callers == {"arn:aws:sts::111122223333:assumed-role/provider/provider"}


def test_the_response_url_looks_presigned(aws: EmbeddedAws) -> None:
    """The ResponseURL has the date and the other parameters of a presigned URL, and a quoted name."""
    create(aws, template(ALWAYS_OK))

    url = aws.direction.events()[0]["ResponseURL"]
    path, _, query = url.partition("?")
    assert {part.partition("=")[0] for part in query.split("&")} == {
        "X-Amz-Algorithm", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Expires", "X-Amz-Credential", "X-Amz-Signature",
    }  # fmt: skip
    assert "arn%3Aaws%3Acloudformation" in path


def test_a_late_answer_changes_nothing(aws: EmbeddedAws) -> None:
    """A second answer to an event is taken by the storage and ignored by CloudFormation."""
    create(aws, template(ALWAYS_OK))
    event = aws.direction.events()[0]
    names = ("StackId", "RequestId", "LogicalResourceId")
    body = {name: event[name] for name in names} | {"Status": "FAILED", "Reason": "late", "PhysicalResourceId": "x"}

    accepted = put(event["ResponseURL"], json.dumps(body).encode())

    assert (accepted, settled(aws)) == (200, "CREATE_COMPLETE")
    assert [answer.verdict for answer in aws.direction.answers()] == ["used", "late"]


def test_an_altered_response_url_is_denied(aws: EmbeddedAws) -> None:
    """A URL that was quoted again no longer fits its signature."""
    create(aws, template(ALWAYS_OK))
    url = aws.direction.events()[0]["ResponseURL"].replace("%", "%25")

    assert put(url, b"{}") == 403


# The process


def test_ministack_has_every_name_that_is_wrapped() -> None:
    """The pinned MiniStack has all private names that the extension uses."""
    check = subprocess.run(
        [sys.executable, "-m", "local.extension", "--check"], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert (check.returncode, check.stderr) == (0, "")


def test_a_missing_name_is_explained() -> None:
    """A name that is gone is reported with what it is needed for, and what to do."""
    gone = Seam("ministack.core.arn", "gone_in_the_next_version", "this test")

    with pytest.raises(
        MissingSeamError, match=r"MiniStack has no ministack\.core\.arn\.gone_in_the_next_version, which"
    ):
        gone.get()


def test_an_interrupted_test_run_leaves_nothing(tmp_path: Path) -> None:
    """The server and its files go even when the process that started it is killed."""
    program = (
        "import tempfile, time\n"
        "from local.embedded_aws import EmbeddedAws\n"
        "with EmbeddedAws.start() as aws:\n"
        "    print(aws.direction.process_id(), aws.endpoint.rpartition(':')[2], flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(  # noqa: S603 - the program above
        [sys.executable, "-c", program], cwd=PROJECT, env=environment, stdout=subprocess.PIPE
    ) as run:
        assert run.stdout is not None
        process_id, port = map(int, run.stdout.readline().split())
        server = Server(process_id, port)
        was_up = server.answers()
        run.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while (server.answers() or list(tmp_path.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert was_up
    assert not server.answers()
    assert list(tmp_path.iterdir()) == []


def test_one_can_be_left_running(tmp_path: Path) -> None:
    """A detached one is found again by its state, is not started twice, and leaves nothing when stopped."""
    state = tmp_path / "state"

    started = start_detached(Settings("111122223333", "eu-west-1", auth=False), state)
    found = find_detached(state)
    stopped = stop_detached(state)

    assert found is not None
    assert found.environment == started.environment
    assert found.environment["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert (stopped, stop_detached(state), find_detached(state), state.exists()) == (True, False, None, False)
