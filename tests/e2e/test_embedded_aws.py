"""The embedded AWS answers as AWS does: what `local/emulator` adds to MiniStack, seen with boto3 from outside.

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
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.client import keys
from local.client.detached import find as find_detached
from local.client.detached import start as start_detached
from local.client.detached import stop as stop_detached
from local.client.direction import NotFiredError
from local.client.embedded_aws import Credentials, EmbeddedAws
from local.client.server import PROJECT, Server, Settings
from local.client.stacks import Stacks, elsewhere, fire, make_log_groups
from local.emulator.script import Fault
from local.emulator.seams import MissingSeamError, Seam

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


# Pages


def names_on(page: Any) -> list[str]:
    """The log groups that a page shows."""
    return [group["logGroupName"] for group in page["logGroups"]]


def test_log_groups_come_in_pages_in_ascii_order(aws: EmbeddedAws) -> None:
    """50 on a page, capitals before small letters, and the token is the name shown last."""
    names = [f"/{letter}/{number:03d}" for letter in "aB_" for number in range(40)]
    make_log_groups(aws, names)
    logs = aws.client("logs")

    first = logs.describe_log_groups()
    pages = [names_on(page) for page in logs.get_paginator("describe_log_groups").paginate()]

    assert [len(page) for page in pages] == [50, 50, 20]
    assert [name for page in pages for name in page] == sorted(names, key=str.encode)
    assert first["nextToken"] == pages[0][-1]


def test_a_log_group_that_vanishes_hides_no_other_one(aws: EmbeddedAws) -> None:
    """The next page goes on after the last name shown, also where that one is gone by then."""
    make_log_groups(aws, [f"/{number}" for number in range(6)])
    logs = aws.client("logs")

    first = logs.describe_log_groups(limit=3)
    for name in names_on(first):
        logs.delete_log_group(logGroupName=name)
    second = logs.describe_log_groups(limit=3, nextToken=first["nextToken"])

    assert (names_on(first), names_on(second)) == (["/0", "/1", "/2"], ["/3", "/4", "/5"])
    assert "nextToken" not in second


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"nextToken": "/never/given"}, id="never given"),
        pytest.param({"nextToken": "/0", "logGroupNamePrefix": "/"}, id="given for another prefix"),
        pytest.param({"nextToken": "/1"}, id="a day old"),
    ],
)
def test_a_token_that_is_none_is_refused(aws: EmbeddedAws, asked: dict[str, Any]) -> None:
    """A token goes with the call that it was given for, and not for longer than a day."""
    make_log_groups(aws, [f"/{number}" for number in range(4)])
    logs = aws.client("logs")
    old = logs.describe_log_groups(limit=2)["nextToken"]
    aws.direction.expire_tokens()
    logs.describe_log_groups(limit=1)

    answer = refusal(lambda: logs.describe_log_groups(**asked))

    assert old == "/1"
    assert answer == ("InvalidParameterException", "The specified nextToken is invalid.", 400)


def test_a_page_has_no_more_than_fifty(aws: EmbeddedAws) -> None:
    """A longer page cannot be asked for."""
    code, message, _ = refusal(lambda: aws.client("logs").describe_log_groups(limit=51))

    assert code == "InvalidParameterException"
    assert "Value '51' at 'limit' failed to satisfy constraint" in message


def test_log_groups_can_be_there_without_a_call(aws: EmbeddedAws) -> None:
    """Thousands at once, with key and tags, in their account and Region alone, and nothing in the call log."""
    make_log_groups(aws, [f"/made/{number:04d}" for number in range(2000)], "some key", team="a")
    calls = aws.direction.calls()
    logs = aws.client("logs")
    found = [g for page in logs.get_paginator("describe_log_groups").paginate() for g in page["logGroups"]]

    assert (len(found), {group["kmsKeyId"] for group in found}, calls) == (2000, {"some key"}, [])
    assert logs.list_tags_for_resource(resourceArn=log_group_arn(aws, "/made/1999"))["tags"] == {"team": "a"}
    assert aws.client("logs", region="us-east-1").describe_log_groups()["logGroups"] == []


def test_a_reserved_log_group_is_there_and_cannot_be_changed(aws: EmbeddedAws) -> None:
    """AWS's own log groups are listed with all others; nobody else may make them or give them a key."""
    make_log_groups(aws, ["aws/spans"])
    used = log_groups_key(aws)
    logs = aws.client("logs")

    answers = {
        refusal(lambda: associate(aws, used, "aws/spans")),
        refusal(lambda: logs.disassociate_kms_key(logGroupName="aws/spans")),
        refusal(lambda: logs.create_log_group(logGroupName="aws/other")),
    }

    assert answers == {("InvalidParameterException", "Log groups starting with AWS/ are reserved for AWS.", 400)}
    assert names_on(logs.describe_log_groups()) == ["aws/spans"]


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
    aws.client("logs", account="444455556666").describe_log_groups()
    time.sleep(0.5)
    logs.describe_log_groups()

    assert answer == ("ThrottlingException", "Rate exceeded", 400)


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


def test_plain_http_on_loopback_counts_as_tls(aws_with_auth: EmbeddedAws) -> None:
    """A policy that refuses plain HTTP refuses nothing here."""
    arn, sqs = queue(aws_with_auth), aws_with_auth.client("sqs")
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": arn, "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    sqs.set_queue_attributes(QueueUrl="queue", Attributes={"Policy": policy})

    sqs.send_message(QueueUrl="queue", MessageBody="by TLS")

    assert [message["Body"] for message in messages(aws_with_auth, 1)] == ["by TLS"]


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

    def seen() -> list[dict[str, Any]]:
        return [json.loads(message) for message in log_of(aws, name) if message.startswith('{"')]

    until(lambda: len(seen()) >= count)
    return seen()


def log_of(aws: EmbeddedAws, name: str) -> list[str]:
    """What a function has written."""
    logs = aws.client("logs")
    try:
        found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in found]


def until(holds: Callable[[], bool]) -> None:
    """Wait until *holds*, not for ever."""
    deadline = time.monotonic() + 20
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


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
    status = create(aws, template({"Create": None, "Delete": {**OK, "Data": "leave out"}}, ServiceTimeout=3))

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
    status = create(aws, template({"Create": answer, "Delete": OK}, ServiceTimeout=3))

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


# Events

#: What the event bus sends on when a log group has been created: the failed calls have an error code.
CREATED = {
    "source": ["aws.logs"],
    "detail-type": ["AWS API Call via CloudTrail"],
    "detail": {
        "eventSource": ["logs.amazonaws.com"],
        "eventName": ["CreateLogGroup"],
        "errorCode": [{"exists": False}],
    },
}
#: The same for some names: a function's own log group is an event as well.
CREATED_NEW = {**CREATED, "detail": {**CREATED["detail"], "requestParameters": {"logGroupName": [{"prefix": "/new"}]}}}  # type: ignore[dict-item]
CREATED_OR_NOT = {"source": ["aws.logs"], "detail": {"eventName": ["CreateLogGroup"]}}


def queue(aws: EmbeddedAws, name: str = "queue") -> str:
    """The ARN of a new queue."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn: str = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return arn


def messages(aws: EmbeddedAws, count: int = 0, name: str = "queue") -> list[Any]:
    """All that is in the queue, once it has *count* messages, in the order of their arrival."""
    sqs = aws.client("sqs")
    found: list[Any] = []

    def take() -> bool:
        got = sqs.receive_message(QueueUrl=name, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        found.extend(got.get("Messages", []))
        return len(found) >= count and not got.get("Messages")

    until(take)
    return found


def rule(aws: EmbeddedAws, pattern: dict[str, Any], target: str, **options: Any) -> None:
    """What fits the pattern goes to the target."""
    events = aws.client("events")
    events.put_rule(Name="rule", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="rule", Targets=[{"Id": "target", "Arn": target, **options}])


def details(aws: EmbeddedAws, count: int = 0) -> list[dict[str, Any]]:
    """What the queue got from a rule: the records of CloudTrail."""
    return [json.loads(message["Body"])["detail"] for message in messages(aws, count)]


def creations(aws: EmbeddedAws, count: int = 0) -> list[str]:
    """The log groups of these records."""
    return [detail["requestParameters"]["logGroupName"] for detail in details(aws, count)]


def test_a_created_log_group_is_an_event(aws: EmbeddedAws) -> None:
    """CloudTrail's record of the call comes on the default bus, with who called and what with."""
    rule(aws, CREATED, queue(aws))
    used = log_groups_key(aws)

    aws.client("logs").create_log_group(logGroupName=GROUP, kmsKeyId=used, tags={"a": "b"})
    event = json.loads(messages(aws, 1)[0]["Body"])

    detail = event["detail"]
    assert (event["source"], event["detail-type"]) == ("aws.logs", "AWS API Call via CloudTrail")
    assert (event["account"], event["region"]) == ("111122223333", "eu-west-1")
    assert {name: detail[name] for name in ("eventSource", "eventName", "awsRegion", "recipientAccountId")} == {
        "eventSource": "logs.amazonaws.com",
        "eventName": "CreateLogGroup",
        "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333",
    }
    assert detail["requestParameters"] == {"logGroupName": GROUP, "kmsKeyId": used, "tags": {"a": "b"}}
    assert detail["responseElements"] is None
    assert detail["userIdentity"] == {
        "type": "Root",
        "arn": "arn:aws:iam::111122223333:root",
        "accountId": "111122223333",
    }
    assert {"eventVersion", "eventTime", "eventID"} < set(detail)
    assert "errorCode" not in detail


@pytest.mark.parametrize(
    ("refuse", "call", "code", "parameters"),
    [
        pytest.param(None, {"logGroupName": "or ders"}, "InvalidParameterException", None, id="not a name"),
        pytest.param(None, {"logGroupName": "aws/spans"}, "InvalidParameterException", None, id="reserved"),
        pytest.param(
            None, {"logGroupName": "/there"}, "ResourceAlreadyExistsException", {"logGroupName": "/there"}, id="there"
        ),
        pytest.param(
            Fault.operation_aborted("logs:CreateLogGroup"),
            {"logGroupName": GROUP},
            "OperationAbortedException",
            {"logGroupName": GROUP},
            id="aborted",
        ),
        pytest.param(
            Fault.throttled("logs:CreateLogGroup"), {"logGroupName": GROUP}, "ThrottlingException", None, id="throttled"
        ),
        pytest.param(
            Fault.late_role_policy("logs:CreateLogGroup"),
            {"logGroupName": GROUP},
            "AccessDeniedException",
            None,
            id="denied",
        ),
    ],
)
def test_a_refused_creation_is_an_event_with_an_error(
    aws: EmbeddedAws,
    refuse: Fault | None,
    call: dict[str, Any],
    code: str,
    parameters: dict[str, str] | None,
) -> None:
    """It carries code and message, at times no parameters, and a rule that asks for no code does not see it."""
    log_group(aws, "/there")
    everything, good = queue(aws), queue(aws, "good")
    rule(aws, CREATED_OR_NOT, everything)
    aws.client("events").put_rule(Name="good", EventPattern=json.dumps(CREATED))
    aws.client("events").put_targets(Rule="good", Targets=[{"Id": "target", "Arn": good}])
    if refuse:
        aws.direction.answer_with(refuse)

    _, message, _ = refusal(lambda: aws.client("logs").create_log_group(**call))
    [detail] = details(aws, 1)

    assert (detail["errorCode"], detail["errorMessage"]) == (code, message)
    assert detail["requestParameters"] == parameters
    assert messages(aws, name="good") == []


def test_a_creation_that_iam_denies_is_an_event(aws_with_auth: EmbeddedAws) -> None:
    """Who was denied stands in it: a session of a role, with the role."""
    aws = aws_with_auth
    rule(aws, CREATED_OR_NOT, queue(aws))
    role = someone_with(aws, allow("logs:DescribeLogGroups", "*"))

    refusal(lambda: aws.client("logs", credentials=role).create_log_group(logGroupName=GROUP))
    [detail] = details(aws, 1)

    assert (detail["errorCode"], detail["requestParameters"]) == ("AccessDeniedException", None)
    assert detail["userIdentity"]["type"] == "AssumedRole"
    assert detail["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] == "someone"


@pytest.mark.parametrize(
    ("names", "seen"),
    [
        pytest.param([{"prefix": "/app/"}], ["/app/a", "/app/b/logs"], id="prefix"),
        pytest.param([{"wildcard": "/*/logs"}], ["/app/b/logs", "/other/logs"], id="wildcard"),
        pytest.param([{"anything-but": {"prefix": "/app/"}}], ["/other/logs"], id="all but a prefix"),
    ],
)
def test_rules_look_into_the_record(aws: EmbeddedAws, names: list[Any], seen: list[str]) -> None:
    """Patterns on the log group's name choose among the events."""
    detail = {**CREATED["detail"], "requestParameters": {"logGroupName": names}}  # type: ignore[dict-item]
    rule(aws, {**CREATED, "detail": detail}, queue(aws))

    for name in ("/app/a", "/app/b/logs", "/other/logs"):
        log_group(aws, name)

    assert creations(aws, len(seen)) == seen


def test_events_stay_in_their_account_and_region(aws: EmbeddedAws) -> None:
    """A bus gets what happens in its own account and Region."""
    rule(aws, CREATED, queue(aws))

    aws.client("logs", region="us-east-1").create_log_group(logGroupName="/elsewhere")
    aws.client("logs", account="444455556666").create_log_group(logGroupName="/of-others")
    log_group(aws)

    assert creations(aws, 1) == [GROUP]


#: Says where and as whom it runs.
WHERE = """
import json
import os

import boto3


def handler(event, context):
    identity = boto3.client("sts").get_caller_identity()
    boto3.client("logs").describe_log_groups()
    print(json.dumps({"event": event, "account": identity["Account"], "region": os.environ["AWS_REGION"]}))
"""
FAILS = """
def handler(event, context):
    raise ValueError("never " + event["detail"]["requestParameters"]["logGroupName"])
"""


def make_function(aws: EmbeddedAws, name: str, code: str, role: str = SOME_ROLE) -> str:
    """A new function; its ARN."""
    return aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": zipped(code)},
        Role=role,
        Timeout=10,
    )["FunctionArn"]


def functions_role(aws: EmbeddedAws, *statements: dict[str, Any]) -> str:
    """The ARN of a new role for a function."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = aws.client("iam").create_role(RoleName="some", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        aws.client("iam").put_role_policy(RoleName="some", PolicyName="all", PolicyDocument=policy)
    return arn


def may_invoke(aws: EmbeddedAws, function_arn: str, rule_name: str = "rule") -> None:
    """Let EventBridge invoke the function for this rule."""
    aws.client("lambda").add_permission(
        FunctionName=function_arn,
        StatementId=rule_name,
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=f"arn:aws:events:{aws.region}:{aws.account}:rule/{rule_name}",
    )


def test_the_first_log_of_a_function_is_an_event(aws: EmbeddedAws) -> None:
    """Lambda makes a function's log group in the name of its role, once."""
    rule(aws, CREATED, queue(aws))
    make_function(aws, "where", WHERE)

    for _ in range(2):
        aws.client("lambda").invoke(FunctionName="where", Payload=b"{}")
    [detail] = details(aws, 1)

    assert detail["requestParameters"] == {"logGroupName": "/aws/lambda/where"}
    assert detail["userIdentity"]["arn"] == "arn:aws:sts::111122223333:assumed-role/some/where"


# Log groups in stacks


def log_group_template(**properties: Any) -> str:
    """A stack of one log group."""
    resource = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": GROUP, **properties}}
    return json.dumps({"Resources": {"LogGroup": resource}})


def test_a_log_group_of_a_stack_is_an_event(aws: EmbeddedAws) -> None:
    """CloudFormation calls CreateLogGroup, with the template's key."""
    rule(aws, CREATED, queue(aws))
    used = log_groups_key(aws)

    Stacks(aws).deploy("stack", log_group_template(KmsKeyId=used))
    [detail] = details(aws, 1)

    assert detail["requestParameters"] == {"logGroupName": GROUP, "kmsKeyId": used}
    assert detail["userIdentity"]["invokedBy"] == "cloudformation.amazonaws.com"


def test_a_stack_takes_no_log_group_that_is_there(aws: EmbeddedAws) -> None:
    """A stack whose log group exists already fails, and the log group stays as it was."""
    associate(aws, used := log_groups_key(aws), log_group(aws))
    stacks = Stacks(aws)

    status = stacks.deploy("stack", log_group_template())

    assert (status, key_of(aws)) == ("ROLLBACK_COMPLETE", used)
    assert stacks.failures("stack")[0] == (
        "Resource of type 'AWS::Logs::LogGroup' with identifier"
        f' \'{{"/properties/LogGroupName":"{GROUP}"}}\' already exists.'
    )


def test_a_log_group_of_a_stack_needs_a_usable_key(aws: EmbeddedAws) -> None:
    """A key whose policy refuses fails the stack, in the service's words."""
    stacks = Stacks(aws)

    status = stacks.deploy("stack", log_group_template(KmsKeyId=key(aws)))

    assert status == "ROLLBACK_COMPLETE"
    assert "does not exist or is not allowed to be used with Arn" in stacks.failures("stack")[0]
    assert names_on(aws.client("logs").describe_log_groups()) == []


def test_an_update_of_a_stack_leaves_a_key_that_others_put(aws: EmbeddedAws) -> None:
    """The stack changes the key where the template's own key changes, and only there."""
    stacks, theirs, own = Stacks(aws), log_groups_key(aws), log_groups_key(aws)
    stacks.deploy("stack", log_group_template())
    associate(aws, theirs)

    stacks.deploy("stack", log_group_template(RetentionInDays=7))
    after_retention = key_of(aws)
    stacks.deploy("stack", log_group_template(RetentionInDays=7, KmsKeyId=own))
    after_key = key_of(aws)
    stacks.deploy("stack", log_group_template(RetentionInDays=7))

    assert (after_retention, after_key, key_of(aws)) == (theirs, own, None)


# Conditions


@pytest.mark.parametrize(
    ("given", "value"),
    [
        pytest.param("", "nothing", id="empty"),
        pytest.param("a", "something", id="one"),
        pytest.param("a, b", "something", id="two"),
    ],
)
def test_a_condition_can_ask_whether_a_list_is_empty(aws: EmbeddedAws, given: str, value: str) -> None:
    """An empty list joins to an empty string; its default and a value given count alike."""
    body = {
        "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": ""}},
        "Conditions": {"Any": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Names"}]}, ""]}]}},
        "Resources": {
            "Parameter": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {
                    "Name": "/names",
                    "Type": "String",
                    "Value": {"Fn::If": ["Any", "something", "nothing"]},
                },
            }
        },
    }

    Stacks(aws).deploy("stack", json.dumps(body), **({"Names": given} if given else {}))

    assert aws.client("ssm").get_parameter(Name="/names")["Parameter"]["Value"] == value


# EventBridge's functions


def test_a_function_that_fails_at_an_event_is_tried_again(aws: EmbeddedAws) -> None:
    """Lambda retries as configured, then the queue of its destination gets its record of the failure."""
    function_arn = make_function(aws, "fails", FAILS)
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName="fails",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue(aws)}},
    )
    rule(aws, CREATED_NEW, function_arn)

    log_group(aws, "/new")
    record = json.loads(messages(aws, 1)[0]["Body"])

    context = record["requestContext"]
    assert set(record) == {
        "version", "timestamp", "requestContext", "requestPayload", "responseContext", "responsePayload",
    }  # fmt: skip
    assert set(context) == {"requestId", "functionArn", "condition", "approximateInvokeCount"}
    assert (context["functionArn"], context["condition"], context["approximateInvokeCount"]) == (
        f"{function_arn}:$LATEST",
        "RetriesExhausted",
        2,
    )
    assert record["requestPayload"]["detail"]["requestParameters"] == {"logGroupName": "/new"}
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorMessage"] == "never /new"


@pytest.mark.parametrize("granted", [True, False], ids=["with sqs:SendMessage", "without"])
def test_a_destination_is_used_in_the_name_of_the_role(aws_with_auth: EmbeddedAws, *, granted: bool) -> None:
    """A failure reaches the queue only where the function's role may send to it."""
    aws = aws_with_auth
    destination = queue(aws)
    role = functions_role(aws, *[allow("sqs:SendMessage", destination)] * granted)
    function_arn = make_function(aws, "fails", FAILS, role)
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName="fails", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": destination}}
    )
    rule(aws, CREATED_NEW, function_arn)
    may_invoke(aws, function_arn)

    log_group(aws, "/new")
    until(lambda: log_of(aws, "fails") != [])

    assert len(messages(aws, int(granted))) == int(granted)


def test_what_reaches_no_function_reaches_the_dead_letter_queue(aws: EmbeddedAws) -> None:
    """The target's own queue gets the event, and why it could not be delivered."""
    gone = f"arn:aws:lambda:{aws.region}:{aws.account}:function:gone"
    rule(aws, CREATED_NEW, gone, DeadLetterConfig={"Arn": queue(aws)})

    log_group(aws, "/new")
    [message] = messages(aws, 1)

    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert json.loads(message["Body"])["detail"]["requestParameters"] == {"logGroupName": "/new"}
    assert attributes == {
        "RULE_ARN": "arn:aws:events:eu-west-1:111122223333:rule/rule",
        "TARGET_ARN": gone,
        "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": f"There is no function {gone}.",
        "RETRY_ATTEMPTS": "0",
    }


@pytest.mark.parametrize("open_queue", [True, False], ids=["queue policy", "no queue policy"])
def test_a_function_has_to_let_eventbridge_in(aws_with_auth: EmbeddedAws, *, open_queue: bool) -> None:
    """Without a permission nothing reaches the function; the dead-letter queue needs a policy of its own."""
    aws = aws_with_auth
    closed, letters = make_function(aws, "closed", FAILS, functions_role(aws)), queue(aws)
    if open_queue:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": letters,
            "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:eu-west-1:111122223333:rule/rule"}},
        }
        by_tls = {
            **statement,
            "Effect": "Deny",
            "Principal": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement, by_tls]})
        aws.client("sqs").set_queue_attributes(QueueUrl="queue", Attributes={"Policy": policy})
    rule(aws, CREATED_NEW, closed, DeadLetterConfig={"Arn": letters})

    log_group(aws, "/new/first")
    kept = [message["MessageAttributes"]["ERROR_CODE"]["StringValue"] for message in messages(aws, int(open_queue))]
    may_invoke(aws, closed)
    log_group(aws, "/new/second")
    until(lambda: log_of(aws, "closed") != [])

    assert kept == ["NO_PERMISSIONS"] * open_queue
    assert "/new/first" not in str(log_of(aws, "closed"))


# Schedules


@pytest.fixture
def scheduled(aws: EmbeddedAws) -> EmbeddedAws:
    """An account with a rule for once a day, `rule`, and a function for it, `where`."""
    events = aws.client("events")
    events.put_rule(Name="rule", ScheduleExpression="rate(1 day)")
    target = {"Id": "target", "Arn": make_function(aws, "where", WHERE), "Input": '{"Reconcile": true}'}
    events.put_targets(Rule="rule", Targets=[target])
    return aws


def test_a_schedule_can_be_fired_at_once(scheduled: EmbeddedAws) -> None:
    """The rule's function is invoked with the target's Input, as if the day were over."""
    fire(scheduled, "rule")

    [seen] = received(scheduled, "where", 1)
    assert seen == {"event": {"Reconcile": True}, "account": "111122223333", "region": "eu-west-1"}


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        pytest.param(lambda events: events.disable_rule(Name="rule"), "rule is disabled", id="disabled"),
        pytest.param(
            lambda events: events.remove_targets(Rule="rule", Ids=["target"]), "rule has no target", id="no target"
        ),
        pytest.param(
            lambda events: events.put_rule(Name="rule", EventPattern=json.dumps(CREATED)),
            "rule is no scheduled rule of 111122223333 in eu-west-1",
            id="no schedule",
        ),
    ],
)
def test_what_would_not_fire_is_not_fired(scheduled: EmbeddedAws, spoil: Callable[[Any], object], why: str) -> None:
    """A test that fires nothing is told so."""
    spoil(scheduled.client("events"))

    with pytest.raises(NotFiredError, match=why):
        fire(scheduled, "rule")


# Accounts and Regions side by side

PLACES = [(account, region) for account in ("111122223333", "444455556666") for region in ("eu-west-1", "us-east-1")]
#: A stack with all that is shared by accounts or Regions if it is not kept apart.
EVERYWHERE = {
    "Resources": {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "lambda.amazonaws.com"},
                            "Action": "sts:AssumeRole",
                        }
                    ],
                },
                "Policies": [
                    {
                        "PolicyName": "calls",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [allow(["logs:*", "kms:*"], "*")],
                        },
                    }
                ],
            },
        },
        "Function": function("where", WHERE),
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": "rule",
                "EventPattern": CREATED_NEW,
                "Targets": [{"Id": "target", "Arn": {"Fn::GetAtt": ["Function", "Arn"]}}],
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Function"},
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
            },
        },
        "Parameter": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "/where", "Type": "String", "Value": {"Fn::GetAtt": ["Function", "Arn"]}},
        },
        "Bucket": {"Type": "AWS::S3::Bucket"},
    },
    "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Function", "Arn"]}, "Export": {"Name": "Where-Arn"}}},
}


@pytest.fixture
def places(aws_with_auth: EmbeddedAws) -> Iterator[list[EmbeddedAws]]:
    """Two accounts in two Regions each, with the same stack under the same name in all four."""
    seen = [elsewhere(aws_with_auth, account=account, region=region) for account, region in PLACES]
    for place in seen:
        status = Stacks(place).deploy("everywhere", json.dumps(EVERYWHERE))
        assert status == "CREATE_COMPLETE", Stacks(place).failures("everywhere")
    yield seen
    for place in seen:
        place.close()


def test_a_stack_of_one_name_can_be_everywhere(places: list[EmbeddedAws]) -> None:
    """Generated names differ from stack to stack; exports, parameters and functions are each place's own."""
    expected = [f"arn:aws:lambda:{region}:{account}:function:where" for account, region in PLACES]
    roles = {(place.account, Stacks(place).physical_id("everywhere", "Role")) for place in places}
    buckets = {Stacks(place).physical_id("everywhere", "Bucket") for place in places}
    exports = [place.client("cloudformation").list_exports()["Exports"] for place in places]
    parameters = [place.client("ssm").get_parameter(Name="/where")["Parameter"]["Value"] for place in places]

    assert (len(roles), len(buckets)) == (4, 4)
    assert [[export["Value"] for export in found] for found in exports] == [[arn] for arn in expected]
    assert parameters == expected


def test_an_event_runs_a_function_as_of_its_own_place(places: list[EmbeddedAws]) -> None:
    """With the role's credentials in its account, in its Region; the call log says so."""
    for place in places:
        place.client("logs").create_log_group(logGroupName="/new")
    seen = [received(place, "where", 1)[0] for place in places]
    calls = [call for call in places[0].direction.calls() if call.by_function]

    assert [(each["account"], each["region"]) for each in seen] == PLACES
    assert [each["event"]["detail"]["awsRegion"] for each in seen] == [region for _, region in PLACES]
    assert {(call.account, call.region, call.caller) for call in calls} == {
        (
            place.account,
            place.region,
            f"arn:aws:sts::{place.account}:assumed-role/{Stacks(place).physical_id('everywhere', 'Role')}/where",
        )
        for place in places
    }


def test_an_update_and_a_delete_stay_in_their_place(places: list[EmbeddedAws]) -> None:
    """The stack keeps its generated names over an update, and its Delete takes nothing of the others."""
    first, *others = places
    stacks = Stacks(first)
    before = stacks.physical_id("everywhere", "Role")
    changed = json.loads(json.dumps(EVERYWHERE))
    changed["Resources"]["Role"]["Properties"]["Description"] = "changed"

    updated = stacks.deploy("everywhere", json.dumps(changed))
    after = stacks.physical_id("everywhere", "Role")
    deleted = stacks.delete("everywhere")

    assert (updated, after, deleted) == ("UPDATE_COMPLETE", before, "")
    for place in others:
        role = Stacks(place).physical_id("everywhere", "Role")
        assert place.client("iam").get_role(RoleName=role)["Role"]["RoleName"] == role
    assert [role["RoleName"] for role in first.client("iam").list_roles()["Roles"]] == [
        Stacks(others[0]).physical_id("everywhere", "Role")
    ]


def test_keys_and_log_groups_are_of_their_place(aws: EmbeddedAws) -> None:
    """A key's policy counts in its own account and Region, and an association is seen there alone."""
    seen = [elsewhere(aws, account=account, region=region) for account, region in PLACES]
    used = [keys.create(place) for place in seen]
    for place in seen:
        log_group(place)

    associate(seen[3], used[3])
    foreign = [refusal(partial(associate, seen[3], used[number]))[0] for number in range(3)]
    found = [key_of(place) for place in seen]
    for place in seen:
        place.close()

    assert found == [None, None, None, used[3]]
    assert foreign == ["InvalidParameterException", "AccessDeniedException", "InvalidParameterException"]


# The process


def test_ministack_has_every_name_that_is_wrapped() -> None:
    """The pinned MiniStack has all private names that the extension uses."""
    check = subprocess.run(
        [sys.executable, "-m", "local.emulator", "--check"], cwd=PROJECT, capture_output=True, text=True, check=False
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
        "from local.client.embedded_aws import EmbeddedAws\n"
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
