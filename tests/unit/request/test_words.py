"""Mistakes in the properties, word for word: people search for these sentences and hold us to them."""

from __future__ import annotations

from typing import Any

import pytest
from support.fake_aws import PLACE, STACK_ID, key_arn, log_group

from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.targets import QueryResults
from log_group_kms.request.parse import Ignore, parse_association, parse_event

KEY = key_arn(1)
ORDERS, RESULTS = log_group(), QueryResults(PLACE)
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
            properties(LogGroupName=None, LogGroupNamePrefix="/", OnRefusedLogGroup="Keep"),
            "OnRefusedLogGroup is 'Keep'; it must be one of Skip, Fail",
            id="OnRefusedLogGroup",
        ),
        pytest.param(
            properties(OnRefusedLogGroup="Fail"),
            "OnRefusedLogGroup is 'Fail'; it does not apply to one log group; it belongs to LogGroupNamePrefix: "
            "leave it out",
            id="OnRefusedLogGroup of one log group",
        ),
        pytest.param(
            identified(RESULTS.arn, OnRefusedLogGroup="Skip"),
            "OnRefusedLogGroup is 'Skip'; it does not apply to query results, which cannot be read: leave it out",
            id="OnRefusedLogGroup of query results",
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
            "LogGroupNamePrefix, ExcludeLogGroupNames, OnDelete, OnExistingKey, OnExistingOwner, OnRefusedLogGroup, "
            "OnMissingLogGroup, PropagationWaitSeconds",
            id="like none",
        ),
    ],
)
def test_mistakes(given: object, mistake: str) -> None:
    """A mistake names the property, its value and the rule."""
    with pytest.raises(InvalidRequest) as refused:
        parse_association(given, PLACE)

    assert str(refused.value) == mistake


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
            "LogGroupNamePrefix, ExcludeLogGroupNames, OnDelete, OnExistingKey, OnExistingOwner, OnRefusedLogGroup, "
            "OnMissingLogGroup, PropagationWaitSeconds; (2) KmsKeyId is missing; it is required; (3) "
            "LogGroupNamePrefix is '/*'; it is the beginning of a name, and * stands alone for every log "
            "group: leave the * out",
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
