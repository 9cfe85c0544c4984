"""The Reason of a call that AWS refused, word for word: people search for these sentences and hold us to them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.fake_aws import PLACE, FakeAws, concurrent_change, key_policy_denied, role_denied, throttled, unavailable
from unit.association.account import ASKED, ORDERS, OURS, Account

from log_group_kms.association.diagnosis import Diagnosis
from log_group_kms.model.errors import (
    AccessDenied,
    AlreadyExists,
    ApiError,
    InvalidParameter,
    KeyNotFound,
    KeyUnusable,
    LimitExceeded,
    NotFound,
    ReservedLogGroup,
    RoleDenied,
)
from log_group_kms.model.keys import KeyDescription, KeyName

ABOUT = ("AssociateKmsKey", "InvalidParameterException", "AWS's own words", ORDERS.arn, OURS.text)
POLICY_REFUSES = key_policy_denied(target=ORDERS.arn, key=OURS.text)
FINE = KeyDescription(OURS)
NO_SUCH_KEY = KeyNotFound("DescribeKey", "NotFoundException", "?")
MAY_NOT_DESCRIBE = role_denied("kms:DescribeKey", "DescribeKey")
MISSING_STATEMENT = (
    f"The policy of the key {OURS.text} does not let CloudWatch Logs use it for {ORDERS.arn}. Add these statements to "
    "the key policy (the second is for whoever writes to and reads from the log group): "
    '{"Effect": "Allow", "Principal": {"Service": "logs.eu-west-1.amazonaws.com"}, "Action": '
    '["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"], "Resource": "*", '
    f'"Condition": {{"ArnLike": {{"kms:EncryptionContext:aws:logs:arn": "{ORDERS.arn}"}}}}}}, '
    '{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": '
    '["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"], "Resource": "*", '
    '"Condition": {"StringEquals": {"kms:ViaService": "logs.eu-west-1.amazonaws.com", '
    '"kms:CallerAccount": "111122223333"}}}'
)


def reason(refusal: ApiError, describe_key: KeyDescription | ApiError) -> str:
    """Return the Reason that CloudFormation shows for *refusal*, if DescribeKey answers with *describe_key*."""
    aws = FakeAws()
    if isinstance(describe_key, KeyDescription):
        aws.keys[OURS] = describe_key
    else:
        aws.refuse("DescribeKey", describe_key)
    return Diagnosis(aws, PLACE, "logs.eu-west-1.amazonaws.com").reason(refusal)


@pytest.mark.parametrize(
    ("refusal", "describe_key", "cause"),
    [
        pytest.param(POLICY_REFUSES, FINE, MISSING_STATEMENT, id="key policy"),
        pytest.param(
            POLICY_REFUSES,
            MAY_NOT_DESCRIBE,
            f"{MISSING_STATEMENT}; more cannot be told, since the provider may not call DescribeKey on it "
            "(AccessDeniedException)",
            id="key policy, may not describe",
        ),
        pytest.param(
            POLICY_REFUSES,
            throttled("DescribeKey"),
            f"{MISSING_STATEMENT}; more cannot be told, since DescribeKey failed too (ThrottlingException)",
            id="key policy, cannot describe",
        ),
        pytest.param(
            POLICY_REFUSES,
            NO_SUCH_KEY,
            f"There is no key {OURS.text} in eu-west-1: correct KmsKeyId; a key must be in the Region of the log "
            "group, and a bare key id or alias in the provider's account",
            id="no such key",
        ),
        pytest.param(
            KeyNotFound("DescribeKey", "NotFoundException", "?", key="alias/gone"),
            NO_SUCH_KEY,
            "There is no key alias/gone in eu-west-1: correct KmsKeyId; a key must be in the Region of the log group, "
            "and a bare key id or alias in the provider's account",
            id="no such alias",
        ),
        pytest.param(
            InvalidParameter(*ABOUT),
            FINE,
            f"CloudWatch Logs does not accept the key {OURS.text} for {ORDERS.arn}, although it is enabled",
            id="key that is fine",
        ),
        pytest.param(
            AccessDenied(*ABOUT),
            MAY_NOT_DESCRIBE,
            f"CloudWatch Logs does not accept the key {OURS.text} for {ORDERS.arn}; more cannot be told, since the "
            "provider may not call DescribeKey on it (AccessDeniedException)",
            id="key, may not describe",
        ),
        pytest.param(
            InvalidParameter(*ABOUT),
            unavailable("DescribeKey"),
            f"CloudWatch Logs does not accept the key {OURS.text} for {ORDERS.arn}; more cannot be told, since "
            "DescribeKey failed too (ServiceUnavailableException)",
            id="key, cannot describe",
        ),
        pytest.param(
            role_denied("kms:Encrypt", target=ORDERS.arn, key=OURS.text),
            FINE,
            f"The provider's role lacks the permission kms:Encrypt on the key {OURS.text}: add the key's ARN to the "
            "provider's parameter KmsKeyArns, and where the key is in another account, let its policy allow the role "
            "kms:Encrypt as well",
            id="role's KMS permission",
        ),
        pytest.param(
            role_denied("logs:TagResource", target=ORDERS.arn),
            FINE,
            f"The provider's role lacks the permission logs:TagResource on {ORDERS.arn}: add it to the role, or take "
            "back what removed it",
            id="role's Logs permission",
        ),
        pytest.param(
            role_denied("logs:DescribeLogGroups"),
            FINE,
            "The provider's role lacks the permission logs:DescribeLogGroups on CloudWatch Logs: add it to the role, "
            "or take back what removed it",
            id="role's Logs permission, on nothing particular",
        ),
        pytest.param(
            RoleDenied("AssociateKmsKey", "?", "with an explicit deny in a policy", action="logs:AssociateKmsKey"),
            FINE,
            "The provider's role lacks the permission logs:AssociateKmsKey, which a policy denies explicitly (see "
            "which in AWS's words): change that policy. The provider's own roles deny what its parameter "
            "ProtectedLogGroupNames names: if that is it, leave this log group alone",
            id="explicit deny",
        ),
        pytest.param(
            role_denied("lambda:InvokeFunction", "Invoke"),
            FINE,
            "The function could not call itself, to go on in a further invocation: see that its role has "
            "lambda:InvokeFunction on it (for PropagationWaitSeconds, a shorter one helps too)",
            id="going on",
        ),
        pytest.param(
            NotFound(*ABOUT),
            FINE,
            f"There is no log group {ORDERS.arn}: create it first (DependsOn), correct its name, or set "
            "OnMissingLogGroup to Create",
            id="no such log group",
        ),
        pytest.param(
            ReservedLogGroup(*ABOUT),
            FINE,
            f"{ORDERS.arn} is reserved for AWS and cannot be associated with a key: use another log group",
            id="reserved",
        ),
        pytest.param(
            replace(concurrent_change(), target=ORDERS.arn),
            FINE,
            f"Someone else kept changing {ORDERS.arn}: deploy again, or see who does with CloudTrail",
            id="someone else changes it",
        ),
        pytest.param(
            throttled(),
            FINE,
            "Too many AssociateKmsKey calls in account 111122223333 and Region eu-west-1 (AWS allows 5 a second and no "
            "more) for this one to get its turn in time: deploy again, or fewer at once",
            id="throttled",
        ),
        pytest.param(
            replace(throttled("TagResource"), target=ORDERS.arn),
            FINE,
            f"Too many TagResource calls in account 111122223333 and Region eu-west-1 for {ORDERS.arn} to get its turn "
            "in time: deploy again, or fewer at once",
            id="throttled elsewhere",
        ),
        pytest.param(
            unavailable(),
            FINE,
            "AWS could not be reached or failed inside while working on the account: deploy again",
            id="unavailable",
        ),
        pytest.param(
            LimitExceeded(*ABOUT),
            FINE,
            f"A quota is used up for {ORDERS.arn}: take tags off or delete log groups, or ask AWS for more",
            id="quota",
        ),
        pytest.param(AlreadyExists(*ABOUT), FINE, f"AWS refused the request about {ORDERS.arn}", id="anything else"),
    ],
)
def test_refusals(refusal: ApiError, describe_key: KeyDescription | ApiError, cause: str) -> None:
    """The Reason names cause, resource and remedy, and ends with AWS's own words."""
    assert reason(refusal, describe_key) == (
        f"{cause}. AWS answered {refusal.operation} with {refusal.code}: {refusal.message}"
    )


@pytest.mark.parametrize(
    ("description", "defect"),
    [
        pytest.param(
            KeyDescription(OURS, state="Disabled"),
            "is disabled: enable it with kms:EnableKey, or use another key",
            id="disabled",
        ),
        pytest.param(
            KeyDescription(OURS, state="PendingDeletion"),
            "is pending deletion: cancel the deletion with kms:CancelKeyDeletion and enable it, or use another key",
            id="pending deletion",
        ),
        pytest.param(
            KeyDescription(OURS, state="PendingImport"),
            "is not usable now, its KeyState is PendingImport: bring it to Enabled, or use another key",
            id="not imported yet",
        ),
        pytest.param(
            KeyDescription(OURS, spec="RSA_2048"),
            "is no symmetric encryption key (KeySpec RSA_2048, KeyUsage ENCRYPT_DECRYPT); CloudWatch Logs takes "
            "KeySpec SYMMETRIC_DEFAULT only: use another key",
            id="asymmetric",
        ),
        pytest.param(
            KeyDescription(OURS, aws_managed=True),
            "is an AWS managed key, whose policy cannot be changed for CloudWatch Logs: use a customer managed key",
            id="AWS managed",
        ),
    ],
)
def test_keys_that_cannot_encrypt(description: KeyDescription, defect: str) -> None:
    """A key's defect is told in the same words where AWS refused the key and where DescribeKey shows it beforehand."""
    account = Account(FakeAws(keys={OURS: description}, aliases={"alias/logs": OURS})).having()

    with pytest.raises(KeyUnusable) as beforehand:
        account.create(replace(ASKED, key=KeyName("alias/logs")))
    assert str(beforehand.value) == f"KmsKeyId alias/logs is the key {OURS.text}, which {defect}"
    assert reason(POLICY_REFUSES, description) == f"The key {OURS.text} {defect}. {POLICY_REFUSES}"
