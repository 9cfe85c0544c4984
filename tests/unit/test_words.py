"""The sentences that users read, word for word: the pages quote them, people search for them and hold us to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.fake_aws import (
    OTHER_STACK_ID,
    PLACE,
    STACK_ID,
    FakeAws,
    FakeClock,
    FakeLogGroup,
    concurrent_change,
    key_arn,
    key_policy_denied,
    log_group,
    owner,
    role_denied,
    throttled,
    unavailable,
)

from log_group_kms.association.context import Context
from log_group_kms.association.diagnosis import Diagnosis
from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.model.association import Association, OnDelete, OnExistingKey
from log_group_kms.model.errors import (
    AccessDenied,
    AlreadyExists,
    ApiError,
    ClaimLost,
    InvalidParameter,
    InvalidRequest,
    KeyNotFound,
    KeyUnusable,
    LimitExceeded,
    NotFound,
    NotStabilized,
    OutOfTime,
    ProviderError,
    ReservedLogGroup,
    ResourceConflict,
    RoleDenied,
    StaleEvent,
)
from log_group_kms.model.keys import KeyArn, KeyDescription, KeyName
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.results import Outcome
from log_group_kms.model.targets import QueryResults
from log_group_kms.request.parse import Ignore, parse_association, parse_event
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Callable

KEY, BEFORE, STRANGE = key_arn(1), key_arn(3), key_arn(4)
ORDERS, RESULTS = log_group(), QueryResults(PLACE)
ME, STRANGER = owner(), owner(stack_id=OTHER_STACK_ID)
ASKED = Association(ORDERS, KEY)

# --- mistakes in the properties ---------------------------------------------------------------------------------------

UUID = "12345678-1234-1234-1234-123456789012"
FORMS_OF_A_KEY = "it must be a key ARN, an alias ARN, alias/NAME, a key id or a multi-Region key id (mrk-…)"
FORMS_OF_A_TARGET = (
    "it must be arn:aws:logs:eu-west-1:111122223333:log-group:NAME or "
    "arn:aws:logs:eu-west-1:111122223333:query-result:*"
)
ONE_TARGET = "exactly one of LogGroupName, ResourceIdentifier, LogGroupNamePrefix is required; given:"


def properties(**changes: object) -> dict[str, Any]:
    """A valid request with *changes*; None takes a property out."""
    valid: dict[str, object] = {"KmsKeyId": KEY.text, "LogGroupName": "/aws/lambda/orders"}
    return {name: value for name, value in (valid | changes).items() if value is not None}


def identified(identifier: str, **changes: object) -> dict[str, Any]:
    """A request for what has this *identifier*."""
    return properties(LogGroupName=None, ResourceIdentifier=identifier, **changes)


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        pytest.param([], "ResourceProperties is []; it must be an object", id="no object"),
        pytest.param(properties(KmsKeyId=None), "KmsKeyId is missing; it is required", id="missing"),
        pytest.param(properties(KmsKeyId=""), "KmsKeyId is ''; it must not be empty", id="empty, required"),
        pytest.param(
            properties(OnDelete=""),
            "OnDelete is ''; it must not be empty (leave it out with AWS::NoValue instead)",
            id="empty, optional",
        ),
        pytest.param(properties(OnDelete=True), "OnDelete is True; it must be a string", id="no string"),
        pytest.param(properties(KmsKeyId="logs"), f"KmsKeyId is 'logs'; {FORMS_OF_A_KEY}", id="no form of a key"),
        pytest.param(
            properties(KmsKeyId=f"arn:aws:kms:us-east-1:111122223333:key/{UUID}"),
            f"KmsKeyId is 'arn:aws:kms:us-east-1:111122223333:key/{UUID}'; the key must be in the Region of the log "
            "group, eu-west-1 (aws); a multi-Region key has a replica ARN in each of its Regions",
            id="key in another Region",
        ),
        pytest.param(properties(LogGroupName=None), f"{ONE_TARGET} none", id="no target"),
        pytest.param(
            properties(ResourceIdentifier=RESULTS.arn),
            f"{ONE_TARGET} LogGroupName '/aws/lambda/orders', ResourceIdentifier '{RESULTS.arn}'",
            id="two targets",
        ),
        pytest.param(
            properties(LogGroupName="a b"),
            "LogGroupName is 'a b'; it must be 1 to 512 characters of A-Z a-z 0-9 . - _ / # (no wildcards)",
            id="no name",
        ),
        pytest.param(
            properties(LogGroupName="aws/spans"),
            "LogGroupName is 'aws/spans'; names that start with aws/ (without a leading slash) are reserved for AWS",
            id="reserved",
        ),
        pytest.param(
            properties(LogGroupName=RESULTS.arn),
            f"LogGroupName is '{RESULTS.arn}'; it must be a name; ResourceIdentifier takes an ARN",
            id="ARN as name",
        ),
        pytest.param(
            identified("/a"),
            f"ResourceIdentifier is '/a'; {FORMS_OF_A_TARGET}; LogGroupName takes a name",
            id="name as ARN",
        ),
        pytest.param(
            identified("arn:aws:logs:us-east-1:111122223333:log-group:/a"),
            f"ResourceIdentifier is 'arn:aws:logs:us-east-1:111122223333:log-group:/a'; {FORMS_OF_A_TARGET}: the "
            "provider works in its own account and Region only, 111122223333 and eu-west-1",
            id="target in another Region",
        ),
        pytest.param(
            identified("arn:aws:logs:eu-west-1:111122223333:query-result:one"),
            f"ResourceIdentifier is 'arn:aws:logs:eu-west-1:111122223333:query-result:one'; {FORMS_OF_A_TARGET}: all "
            "query results of the account, there is no finer setting",
            id="one query's results",
        ),
        pytest.param(
            properties(LogGroupName=None, LogGroupNamePrefix="/aws/*"),
            "LogGroupNamePrefix is '/aws/*'; it is the beginning of a name, and * stands alone for every log group: "
            "leave the * out",
            id="prefix with a wildcard",
        ),
        pytest.param(
            properties(LogGroupName=None, LogGroupNamePrefix="arn:aws:logs"),
            "LogGroupNamePrefix is 'arn:aws:logs'; it must be the beginning of a name, or * for every log group; it is "
            "no ARN",
            id="prefix that is an ARN",
        ),
        pytest.param(
            properties(LogGroupName=None, LogGroupNamePrefix="a b"),
            "LogGroupNamePrefix is 'a b'; it must be * for every log group, or 1 to 512 characters of A-Z a-z 0-9 . "
            "- _ / #",
            id="prefix of strange characters",
        ),
        pytest.param(
            properties(LogGroupName=None, LogGroupNamePrefix="aws/spans"),
            "LogGroupNamePrefix is 'aws/spans'; names that start with aws/ (without a leading slash) are reserved for "
            "AWS",
            id="reserved prefix",
        ),
        pytest.param(
            properties(LogGroupName=None, LogGroupNamePrefix="/", OnMissingLogGroup="Create"),
            "OnMissingLogGroup is 'Create'; it does not apply to LogGroupNamePrefix; it belongs to one log group: "
            "leave it out",
            id="OnMissingLogGroup of a fleet",
        ),
        pytest.param(
            properties(LogGroupName=None, LogGroupNamePrefix="/", ExcludeLogGroupNames="/a"),
            "ExcludeLogGroupNames is '/a'; it must be a list of strings",
            id="no list",
        ),
        pytest.param(
            properties(LogGroupName=None, LogGroupNamePrefix="/", ExcludeLogGroupNames=["a b"]),
            "ExcludeLogGroupNames is ['a b']; 'a b' is no name: each must be 1 to 512 characters of A-Z a-z 0-9 . - _ "
            "/ # and * as wildcard",
            id="exclusion of strange characters",
        ),
        pytest.param(
            properties(OnDelete="Keep"),
            "OnDelete is 'Keep'; it must be one of RestorePrevious, Disassociate, Retain",
            id="OnDelete",
        ),
        pytest.param(
            properties(OnExistingKey="Skip"),
            "OnExistingKey is 'Skip'; it must be one of Override, Keep, Fail",
            id="OnExistingKey",
        ),
        pytest.param(
            properties(OnMissingLogGroup="Skip"),
            "OnMissingLogGroup is 'Skip'; it must be one of Fail, Create",
            id="OnMissingLogGroup",
        ),
        pytest.param(
            properties(PropagationWaitSeconds="901"),
            "PropagationWaitSeconds is '901'; it must be a whole number of seconds from 0 to 900",
            id="too long a wait",
        ),
        pytest.param(
            properties(PropagationWaitSeconds="60", ServiceTimeout="60"),
            "PropagationWaitSeconds is '60'; it must be below ServiceTimeout, which is 60",
            id="wait beyond ServiceTimeout",
        ),
        pytest.param(
            properties(ExcludeLogGroupNames=["/a"]),
            "ExcludeLogGroupNames is ['/a']; it does not apply to one log group; it belongs to LogGroupNamePrefix: "
            "leave it out",
            id="not for one log group",
        ),
        pytest.param(
            identified(RESULTS.arn, OnExistingKey="Keep"),
            "OnExistingKey is 'Keep'; it does not apply to query results, which cannot be read: leave it out",
            id="not for query results",
        ),
        pytest.param(
            properties(kmsKeyId="x"),
            "'kmsKeyId' is no property of this resource; did you mean KmsKeyId?",
            id="wrong case",
        ),
        pytest.param(
            properties(Key="x"), "'Key' is no property of this resource; did you mean KmsKeyId?", id="hardly like one"
        ),
        pytest.param(
            properties(Zzz="x"),
            "'Zzz' is no property of this resource; the properties are KmsKeyId, LogGroupName, ResourceIdentifier, "
            "LogGroupNamePrefix, ExcludeLogGroupNames, OnDelete, OnExistingKey, OnMissingLogGroup, "
            "PropagationWaitSeconds",
            id="like none",
        ),
    ],
)
def test_mistakes(given: object, mistake: str) -> None:
    """A mistake names the property, its value and the rule."""
    with pytest.raises(InvalidRequest) as refused:
        parse_association(given, PLACE)

    assert str(refused.value) == mistake


# --- refusals ---------------------------------------------------------------------------------------------------------

ABOUT = ("AssociateKmsKey", "InvalidParameterException", "AWS's own words", ORDERS.arn, KEY.text)
POLICY_REFUSES = key_policy_denied(target=ORDERS.arn, key=KEY.text)
FINE = KeyDescription(KEY)
NO_SUCH_KEY = KeyNotFound("DescribeKey", "NotFoundException", "?")
MAY_NOT_DESCRIBE = role_denied("kms:DescribeKey", "DescribeKey")
MISSING_STATEMENT = (
    f"The policy of the key {KEY.text} does not let CloudWatch Logs use it for {ORDERS.arn}. Add these statements to "
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
    """What CloudFormation shows for *refusal*, where DescribeKey answers so."""
    aws = FakeAws()
    if isinstance(describe_key, KeyDescription):
        aws.keys[KEY] = describe_key
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
            f"There is no key {KEY.text} in eu-west-1: correct KmsKeyId; a key must be in the Region of the log group, "
            "and a bare key id or alias in the provider's account",
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
            f"CloudWatch Logs does not accept the key {KEY.text} for {ORDERS.arn}, although it is enabled",
            id="key that is fine",
        ),
        pytest.param(
            AccessDenied(*ABOUT),
            MAY_NOT_DESCRIBE,
            f"CloudWatch Logs does not accept the key {KEY.text} for {ORDERS.arn}; more cannot be told, since the "
            "provider may not call DescribeKey on it (AccessDeniedException)",
            id="key, may not describe",
        ),
        pytest.param(
            InvalidParameter(*ABOUT),
            unavailable("DescribeKey"),
            f"CloudWatch Logs does not accept the key {KEY.text} for {ORDERS.arn}; more cannot be told, since "
            "DescribeKey failed too (ServiceUnavailableException)",
            id="key, cannot describe",
        ),
        pytest.param(
            role_denied("kms:Encrypt", target=ORDERS.arn, key=KEY.text),
            FINE,
            f"The provider's role lacks the permission kms:Encrypt on the key {KEY.text}: add the key's ARN to the "
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
            "which in AWS's words): change that policy",
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
            KeyDescription(KEY, state="Disabled"),
            "is disabled: enable it with kms:EnableKey, or use another key",
            id="disabled",
        ),
        pytest.param(
            KeyDescription(KEY, state="PendingDeletion"),
            "is pending deletion: cancel the deletion with kms:CancelKeyDeletion and enable it, or use another key",
            id="pending deletion",
        ),
        pytest.param(
            KeyDescription(KEY, state="PendingImport"),
            "is not usable now, its KeyState is PendingImport: bring it to Enabled, or use another key",
            id="not imported yet",
        ),
        pytest.param(
            KeyDescription(KEY, spec="RSA_2048"),
            "is no symmetric encryption key (KeySpec RSA_2048, KeyUsage ENCRYPT_DECRYPT); CloudWatch Logs takes "
            "KeySpec SYMMETRIC_DEFAULT only: use another key",
            id="asymmetric",
        ),
        pytest.param(
            KeyDescription(KEY, aws_managed=True),
            "is an AWS managed key, whose policy cannot be changed for CloudWatch Logs: use a customer managed key",
            id="AWS managed",
        ),
    ],
)
def test_keys_that_cannot_encrypt(description: KeyDescription, defect: str) -> None:
    """A key's defect is told in the same words where AWS refused the key and where DescribeKey shows it beforehand."""
    aws = FakeAws(keys={KEY: description}, aliases={"alias/logs": KEY})
    aws.log_groups[ORDERS] = FakeLogGroup()

    with pytest.raises(KeyUnusable) as beforehand:
        create(aws, replace(ASKED, key=KeyName("alias/logs")))
    assert str(beforehand.value) == f"KmsKeyId alias/logs is the key {KEY.text}, which {defect}"
    assert reason(POLICY_REFUSES, description) == f"The key {KEY.text} {defect}. {POLICY_REFUSES}"


# --- other failures ---------------------------------------------------------------------------------------------------


def account(key: KeyArn | None = None, claim: Claim | None = None) -> FakeAws:
    """An account with the log group in this state."""
    aws = FakeAws.holding(KEY, STRANGE)
    aws.log_groups[ORDERS] = FakeLogGroup(key, claim)
    return aws


def work(aws: FakeAws, seconds: float = 600) -> Context:
    """An invocation that has so many *seconds*."""
    clock = FakeClock()
    return Context.of(aws, aws, Retrier(clock, clock.now() + seconds))


def create(aws: FakeAws, desired: Association = ASKED, seconds: float = 600) -> str:
    """The note of a Create."""
    outcome = lifecycle.ensure(work(aws, seconds), Ensure(ME, desired))
    assert isinstance(outcome, Outcome)
    return outcome.note


def delete(aws: FakeAws, former: Association = ASKED, *, minted: bool = True) -> str:
    """The note of a Delete."""
    outcome = lifecycle.remove(work(aws), Remove.of(ME, former, minted=minted))
    assert isinstance(outcome, Outcome)
    return outcome.note


def once_associated(aws: FakeAws, key: KeyArn | None, claim: Claim | None) -> FakeAws:
    """With someone who changes the log group to this after each AssociateKmsKey."""

    def interfere(operation: str) -> None:
        if operation == "AssociateKmsKey":
            aws.log_groups[ORDERS] = FakeLogGroup(key, claim)

    aws.after = interfere
    return aws


def a_late_event() -> None:
    """An event that is twice as old as its ServiceTimeout."""
    event = {
        "RequestType": "Create",
        "RequestId": "11111111-2222-3333-4444-555555555555",
        "ResponseURL": "https://cloudformation.example/answer?X-Amz-Date=20270115T080000Z",
        "StackId": STACK_ID,
        "LogicalResourceId": "Encryption",
        "ResourceProperties": properties(ServiceTimeout="60"),
    }
    envelope = Envelope.of(event)
    assert envelope.sent_at
    Deadlines.of(envelope, event, envelope.sent_at + 120, 900)


FAILING = replace(ASKED, on_existing_key=OnExistingKey.FAIL)
ANOTHER_KEY = f"OnExistingKey is Fail and the log group has another key: {STRANGE.text}"
INSTEAD = "Take that key away, or use OnExistingKey Override or Keep"
ACCEPTED = f"AWS accepted {KEY.text} for {ORDERS.arn}, but DescribeLogGroups still shows"
LOOK = "deploy again, or see with CloudTrail who else changes it"


@pytest.mark.parametrize(
    ("failing", "kind", "told"),
    [
        pytest.param(
            lambda: create(account(STRANGE), FAILING), ResourceConflict, f"{ANOTHER_KEY}. {INSTEAD}", id="another key"
        ),
        pytest.param(
            lambda: create(account(STRANGE, Claim(STRANGER, None)), FAILING),
            ResourceConflict,
            f"{ANOTHER_KEY}; it belongs to one:audit/2f1a0c10-0000-0000-0000-000000000002/Encryption. {INSTEAD}",
            id="another key, someone's",
        ),
        pytest.param(
            lambda: create(account(KEY, Claim(ME, None, deleting=True))),
            ClaimLost,
            "A Delete of this very resource is under way on the log group, or did not finish; nothing was changed. "
            "Deploy again once it is done",
            id="its own Delete is under way",
        ),
        pytest.param(
            lambda: create(once_associated(account(), KEY, None)),
            ClaimLost,
            f"This resource's claim on {ORDERS.arn} went away meanwhile: a Delete of it passed by, or someone took its "
            "tags off",
            id="claim gone",
        ),
        pytest.param(
            lambda: create(once_associated(account(), KEY, Claim(STRANGER, None))),
            ClaimLost,
            f"one:audit/2f1a0c10-0000-0000-0000-000000000002/Encryption took {ORDERS.arn} over meanwhile; the last "
            "writer wins",
            id="taken over",
        ),
        pytest.param(
            lambda: create(once_associated(account(), None, Claim(ME, None))),
            NotStabilized,
            f"{ACCEPTED} no key: {LOOK}",
            id="never shown",
        ),
        pytest.param(
            lambda: create(once_associated(account(), STRANGE, Claim(ME, None))),
            NotStabilized,
            f"{ACCEPTED} {STRANGE.text}: {LOOK}",
            id="another key shown",
        ),
        pytest.param(
            lambda: create(account(), seconds=0),
            OutOfTime,
            "Time ran out before this event was done; deploy again, with a longer ServiceTimeout if it is short",
            id="no time",
        ),
        pytest.param(
            a_late_event,
            StaleEvent,
            "This event is 120 s old and CloudFormation waited 60 s for it (ServiceTimeout), so nothing was changed",
            id="late event",
        ),
        pytest.param(
            lambda: create(FakeAws.holding(KEY)),
            NotFound,
            "AWS answered DescribeLogGroups with ResourceNotFoundException: The specified log group does not exist.",
            id="no such log group, before its diagnosis",
        ),
    ],
)
def test_failures(failing: Callable[[], object], kind: type[ProviderError], told: str) -> None:
    """What fails without a refusal says why, whose doing it is, and what to do."""
    with pytest.raises(kind) as failure:
        failing()

    assert str(failure.value) == told


# --- notes on success -------------------------------------------------------------------------------------------------

KEEPING = replace(ASKED, on_existing_key=OnExistingKey.KEEP)
RETAINING = replace(ASKED, on_delete=OnDelete.RETAIN)
NOBODYS = "Nobody claims the log group, and its key is not known to be this resource's; it was left as it is"


def with_a_claim_that_comes_between() -> FakeAws:
    """An account where another stack claims the log group just after our Delete did."""
    aws = account(KEY, Claim(ME, BEFORE))

    def take_over(operation: str) -> None:
        if operation == "TagResource":
            aws.log_groups[ORDERS].claim = Claim(STRANGER, KEY)

    aws.after = take_over
    return aws


def without_tags_and_taken_over() -> FakeAws:
    """An account where another stack claims the log group while our Delete waits to take its key away."""
    aws = account(KEY)
    aws.refuse("DisassociateKmsKey", concurrent_change("DisassociateKmsKey"))

    def take_over(operation: str) -> None:
        if operation == "DisassociateKmsKey":
            aws.log_groups[ORDERS].claim = Claim(STRANGER, KEY)

    aws.before = take_over
    return aws


@pytest.mark.parametrize(
    ("event", "note"),
    [
        pytest.param(lambda: create(account()), "", id="Create"),
        pytest.param(lambda: create(account(KEY, Claim(ME, None))), "", id="Create, all is so already"),
        pytest.param(
            lambda: create(account(STRANGE), KEEPING),
            "The log group keeps the key that it has, as OnExistingKey says: Keep",
            id="kept",
        ),
        pytest.param(lambda: delete(account(KEY, Claim(ME, STRANGE))), "", id="Delete, restored"),
        pytest.param(lambda: delete(account(KEY, Claim(ME, None))), "", id="Delete, there was no key"),
        pytest.param(lambda: delete(account(STRANGE, Claim(ME, STRANGE))), "", id="Delete, all is so already"),
        pytest.param(
            lambda: delete(account(KEY, Claim(ME, None)), RETAINING),
            "The log group keeps its key, as OnDelete says: Retain",
            id="retained",
        ),
        pytest.param(
            lambda: delete(FakeAws.holding(KEY)), "The log group is gone; there was nothing to do", id="log group gone"
        ),
        pytest.param(
            lambda: delete(account(KEY, Claim(STRANGER, None))),
            "The log group belongs to one:audit/2f1a0c10-0000-0000-0000-000000000002/Encryption; it was left as it is",
            id="another's",
        ),
        pytest.param(
            lambda: delete(with_a_claim_that_comes_between()),
            "The log group was taken over, or given back, meanwhile; it was left as it is",
            id="taken over meanwhile",
        ),
        pytest.param(
            lambda: delete(without_tags_and_taken_over()),
            "The log group was taken over meanwhile; it was left as it is",
            id="no tags, taken over meanwhile",
        ),
        pytest.param(
            lambda: delete(account(KEY, Claim(ME, KEY, deleted=True))),
            "An earlier delivery of this Delete gave the log group back, under the key of before",
            id="second delivery",
        ),
        pytest.param(
            lambda: delete(account(KEY, Claim(ME, BEFORE))),
            f"The previous key {BEFORE.text} could not be put back, so the log group is without a key now (AWS "
            "answered AssociateKmsKey with AccessDeniedException: The specified KMS key does not exist or is not "
            f"allowed to be used with Arn '{ORDERS.arn}')",
            id="previous key gone",
        ),
        pytest.param(
            lambda: delete(account(KEY)),
            "The tags were gone, so nobody knows which key was there before: the log group is without a key now",
            id="no tags",
        ),
        pytest.param(lambda: delete(account(STRANGE)), NOBODYS, id="no tags, another key"),
        pytest.param(lambda: delete(account(KEY), minted=False), NOBODYS, id="no tags, made-up id"),
        pytest.param(lambda: create(account(), Association(RESULTS, KEY)), "", id="query results, Create"),
        pytest.param(lambda: delete(account(), Association(RESULTS, KEY)), "", id="query results, Delete"),
        pytest.param(
            lambda: delete(account(), replace(RETAINING, target=RESULTS)),
            "Query results keep their key, as OnDelete says: Retain",
            id="query results, retained",
        ),
    ],
)
def test_notes(event: Callable[[], str], note: str) -> None:
    """A success that is not quite what was asked says so; one that is says nothing."""
    assert event() == note


@pytest.mark.parametrize(
    ("physical_id", "given", "why"),
    [
        pytest.param(
            NOTHING_ASSOCIATED,
            properties(),
            "The Create had associated nothing; there was nothing to undo",
            id="marker",
        ),
        pytest.param(
            ORDERS.arn,
            properties(KmsKeyId=None, Zzz="of a newer version", LogGroupName=None, LogGroupNamePrefix="/*"),
            "This version of the provider cannot have associated anything with such properties: (1) 'Zzz' is no "
            "property of this resource; the properties are KmsKeyId, LogGroupName, ResourceIdentifier, "
            "LogGroupNamePrefix, ExcludeLogGroupNames, OnDelete, OnExistingKey, OnMissingLogGroup, "
            "PropagationWaitSeconds; (2) KmsKeyId is missing; it is required; (3) LogGroupNamePrefix is '/*'; it "
            "is the beginning of a name, and * stands alone for every log group: leave the * out",
            id="another version's properties",
        ),
    ],
)
def test_deletes_without_anything_to_undo(physical_id: str, given: dict[str, Any], why: str) -> None:
    """A Delete that does nothing says why."""
    event = {
        "RequestType": "Delete",
        "RequestId": "11111111-2222-3333-4444-555555555555",
        "ResponseURL": "https://cloudformation.example/answer",
        "StackId": STACK_ID,
        "LogicalResourceId": "Encryption",
        "PhysicalResourceId": physical_id,
        "ResourceProperties": given,
    }

    assert parse_event(Envelope.of(event), event, PLACE) == Ignore(why)
