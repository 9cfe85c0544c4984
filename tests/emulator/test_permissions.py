"""The permissions that IAM, where it is enforced, asks of a caller."""

import json

import pytest
from emulator.accounts import GROUP, key, key_of, log_group, log_group_arn, log_groups_key, query_results_arn, refusal
from emulator.queues import messages, queue
from emulator.roles import ALL_KEY_ACTIONS, allow, someone_with, through_logs

from local.client.embedded_aws import EmbeddedAws
from local.client.keys import query_results_statement


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
    """CreateLogGroup with tags needs logs:TagResource as well, and says so in words of its own."""
    role = someone_with(aws_with_auth, allow("logs:CreateLogGroup", "*"))
    logs = aws_with_auth.client("logs", credentials=role)

    logs.create_log_group(logGroupName="/plain")
    code, message, _ = refusal(lambda: logs.create_log_group(logGroupName=GROUP, tags={"a": "b"}))

    assert code == "AccessDeniedException"
    assert message == (
        "User with accountId: 111122223333 is not authorized to perform CreateLogGroup with Tags."
        ' An additional permission "logs:TagResource" is required.'
    )


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


@pytest.mark.parametrize("root", [True, False], ids=["the account's root", "a role"])
def test_a_service_control_policy_denies_whoever_calls(aws_with_auth: EmbeddedAws, *, root: bool) -> None:
    """The calls about tags of some names, in the words that IAM has for it; all else passes."""
    aws = aws_with_auth
    log_group(aws)
    log_group(aws, "/locked/a")
    role = someone_with(aws, allow("logs:*", "*"))
    logs = aws.client("logs") if root else aws.client("logs", credentials=role)
    aws.direction.deny(["logs:*Tag*"], "/locked/*")
    arn = log_group_arn(aws, "/locked/a")

    answers = [
        refusal(lambda: logs.list_tags_for_resource(resourceArn=arn)),
        refusal(lambda: logs.tag_resource(resourceArn=arn, tags={"a": "b"})),
        refusal(lambda: logs.tag_log_group(logGroupName="/locked/a", tags={"a": "b"})),
    ]
    logs.tag_resource(resourceArn=log_group_arn(aws), tags={"a": "b"})
    seen = [group["logGroupName"] for group in logs.describe_log_groups(logGroupNamePrefix="/locked/")["logGroups"]]
    aws.direction.forget_script()
    logs.tag_resource(resourceArn=arn, tags={"c": "d"})

    assert {code for code, _, _ in answers} == {"AccessDeniedException"}
    assert answers[0][1].endswith(
        f" is not authorized to perform: logs:ListTagsForResource on resource: {arn}"
        " with an explicit deny in a service control policy"
    )
    assert seen == ["/locked/a"]
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"c": "d"}


def test_tags_by_name_are_authorised_on_the_log_group(aws_with_auth: EmbeddedAws) -> None:
    """TagLogGroup, UntagLogGroup and ListTagsLogGroup are actions of their own."""
    aws = aws_with_auth
    log_group(aws)
    log_group(aws, "/other")
    role = someone_with(aws, allow(["logs:TagLogGroup", "logs:ListTagsLogGroup"], f"{log_group_arn(aws)}*"))
    logs = aws.client("logs", credentials=role)

    logs.tag_log_group(logGroupName=GROUP, tags={"a": "b"})
    denied = [
        refusal(lambda: logs.untag_log_group(logGroupName=GROUP, tags=["a"]))[0],
        refusal(lambda: logs.list_tags_log_group(logGroupName="/other"))[0],
    ]

    assert logs.list_tags_log_group(logGroupName=GROUP)["tags"] == {"a": "b"}
    assert denied == ["AccessDeniedException", "AccessDeniedException"]


def test_a_listing_by_tags_is_an_action_of_its_own(aws_with_auth: EmbeddedAws) -> None:
    """logs:ListLogGroups, and not logs:DescribeLogGroups."""
    may = someone_with(aws_with_auth, allow("logs:ListLogGroups", "*"))
    may_not = someone_with(aws_with_auth, allow("logs:DescribeLogGroups", "*"), name="other")

    assert aws_with_auth.client("logs", credentials=may).list_log_groups()["logGroups"] == []
    assert refusal(aws_with_auth.client("logs", credentials=may_not).list_log_groups)[0] == "AccessDeniedException"
