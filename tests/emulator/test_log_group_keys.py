"""The key of a log group: which keys and which targets CloudWatch Logs takes."""

from collections.abc import Callable

import pytest
from emulator.accounts import GROUP, associate, key, key_of, log_group, log_group_arn, log_groups_key, refusal

from local.client.embedded_aws import EmbeddedAws
from local.client.keys import log_groups_statement, query_results_statement
from local.emulator.script import LogGroups


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


def test_a_delivery_log_group_takes_a_key(aws: EmbeddedAws) -> None:
    """Seen on AWS for the creation with a key (aws-cdk#34338); that AssociateKmsKey takes it too is our belief."""
    used = log_groups_key(aws)
    logs = aws.client("logs")

    logs.create_log_group(logGroupName="/new", logGroupClass="DELIVERY", kmsKeyId=used)
    logs.create_log_group(logGroupName="/there", logGroupClass="DELIVERY")
    associate(aws, used, "/there")

    assert [key_of(aws, "/new"), key_of(aws, "/there")] == [used, used]


def test_a_listing_may_show_what_is_no_key_arn(aws: EmbeddedAws) -> None:
    """A log group that no call has made may have a `kmsKeyId` of any form: the model's pattern allows all text."""
    made = LogGroups(["/odd"], aws.account, aws.region, key="1234abcd-12ab-34cd-56ef-1234567890ab")

    aws.direction.make_log_groups(made)

    assert key_of(aws, "/odd") == "1234abcd-12ab-34cd-56ef-1234567890ab"
