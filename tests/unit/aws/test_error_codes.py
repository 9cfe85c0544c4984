"""The one table from AWS's error codes to types, beside botocore's own models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore.exceptions import ClientError

from log_group_kms.aws import error_codes
from log_group_kms.model import errors
from log_group_kms.model.errors import (
    AccessDenied,
    AlreadyExists,
    ApiError,
    ConcurrentChange,
    InvalidParameter,
    KeyNotFound,
    KeyPolicyDenied,
    LimitExceeded,
    NotFound,
    ReservedLogGroup,
    RoleDenied,
    Throttled,
    Unavailable,
)

if TYPE_CHECKING:
    from botocore.model import ServiceModel

CALLS = {
    "logs": [
        "AssociateKmsKey",
        "CreateLogGroup",
        "DescribeLogGroups",
        "DisassociateKmsKey",
        "ListTagsForResource",
        "TagResource",
        "UntagResource",
    ],
    "kms": ["DescribeKey"],
}


def modelled_codes() -> set[str]:
    """Every error that botocore's models name for the calls that we make."""
    codes: set[str] = set()
    for service, operations in CALLS.items():
        model: ServiceModel = botocore.session.get_session().get_service_model(service)
        for operation in operations:
            for shape in model.operation_model(operation).error_shapes:
                codes.add(str(shape.metadata.get("error", {}).get("code", shape.name)))
                codes.add(shape.name)
    return codes


def test_the_table_is_total() -> None:
    """Each code that the models name is in the table, and each that they do not name is said to be unmodelled."""
    modelled = {code for code in modelled_codes() if code in error_codes.BY_CODE or code.endswith("Exception")}

    assert modelled - set(error_codes.BY_CODE) == set()
    assert set(error_codes.BY_CODE) - modelled == error_codes.UNMODELLED


def test_every_kind_of_refusal_is_reachable() -> None:
    """No type of refusal exists that no answer of AWS leads to."""
    reachable = {*error_codes.BY_CODE.values(), KeyPolicyDenied, ReservedLogGroup, RoleDenied}

    def leaves(kind: type[ApiError]) -> set[type[ApiError]]:
        return {kind}.union(*(leaves(below) for below in kind.__subclasses__())) - {ApiError}

    assert reachable == leaves(errors.ApiError)


@pytest.mark.parametrize(
    ("code", "message", "status", "expected"),
    [
        pytest.param(
            "AccessDeniedException",
            "The specified KMS key does not exist or is not allowed to be used with Arn 'arn:x'",
            400,
            KeyPolicyDenied,
            id="key policy",
        ),
        pytest.param(
            "AccessDeniedException",
            "User: arn:x is not authorized to perform: kms:Encrypt on resource: arn:y",
            400,
            RoleDenied,
            id="role, KMS",
        ),
        pytest.param(
            "AccessDeniedException",
            "User: arn:x is not authorized to perform: logs:TagResource on resource: arn:y",
            400,
            RoleDenied,
            id="role, Logs",
        ),
        pytest.param(
            "AccessDeniedException",
            "User with accountId: 111122223333 is not authorized to perform CreateLogGroup with Tags",
            400,
            RoleDenied,
            id="role, CreateLogGroup with tags",
        ),
        pytest.param("AccessDeniedException", "No.", 400, AccessDenied, id="denied, no reason"),
        pytest.param("ExpiredTokenException", "expired", 403, AccessDenied, id="unknown code, 403"),
        pytest.param("InvalidParameterException", "Huh?", 400, InvalidParameter, id="invalid"),
        pytest.param(
            "InvalidParameterException",
            "The specified KMS Key Id could not be found. 'x'",
            400,
            KeyNotFound,
            id="no such key",
        ),
        pytest.param(
            "InvalidParameterException",
            "Log groups starting with AWS/ are reserved for AWS.",
            400,
            ReservedLogGroup,
            id="reserved",
        ),
        pytest.param("OperationAbortedException", "conflict", 400, ConcurrentChange, id="concurrent change"),
        pytest.param("ResourceNotFoundException", "gone", 400, NotFound, id="not found"),
        pytest.param("ResourceAlreadyExistsException", "there", 400, AlreadyExists, id="exists"),
        pytest.param("LimitExceededException", "full", 400, LimitExceeded, id="limit"),
        pytest.param("TooManyTagsException", "full", 400, LimitExceeded, id="tags"),
        pytest.param("ThrottlingException", "Rate exceeded", 400, Throttled, id="throttled"),
        pytest.param("ServiceUnavailableException", "later", 500, Unavailable, id="unavailable"),
        pytest.param("InternalFailure", "oops", 500, Unavailable, id="unknown code, 500"),
        pytest.param("503", "Slow down", 503, Unavailable, id="no code, 503"),
        pytest.param("SomethingNew", "what", 400, InvalidParameter, id="unknown code, 400"),
        pytest.param("NotFoundException", "Key x is not found.", 400, KeyNotFound, id="KMS: no such key"),
    ],
)
def test_what_aws_answers_and_what_it_means(code: str, message: str, status: int, expected: type[ApiError]) -> None:
    """By its code; by AWS's words where one code means several things; by its HTTP status where the code is new."""
    error = ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item] # the rest is never read
        "AssociateKmsKey",
    )

    refusal = error_codes.error_of(error, "AssociateKmsKey", "arn:target", "arn:key")

    assert type(refusal) is expected
    assert (refusal.target, refusal.key, refusal.message) == ("arn:target", "arn:key", message)


@pytest.mark.parametrize(
    ("words", "action", "about_key"),
    [
        pytest.param(
            "User: arn:x is not authorized to perform: kms:GenerateDataKey on resource: arn:y because …",
            "kms:GenerateDataKey",
            True,
            id="KMS's",
        ),
        pytest.param(
            "User with accountId: 111122223333 is not authorized to perform CreateLogGroup with Tags",
            "logs:TagResource",
            False,
            id="tagging, as of 2022",
        ),
        pytest.param(
            "User with accountId: 111122223333 is not authorized to perform CreateLogGroup with Tags. An additional "
            'permission "logs:TagResource" is required.',
            "logs:TagResource",
            False,
            id="tagging, since 2023",
        ),
    ],
)
def test_the_missing_permission_is_named(words: str, action: str, *, about_key: bool) -> None:
    """Whose permission is missing, KMS's or Logs', is taken from AWS's words."""
    error = ClientError(
        {"Error": {"Code": "AccessDeniedException", "Message": words}, "ResponseMetadata": {"HTTPStatusCode": 400}},  # type: ignore[typeddict-item] # the rest is never read
        "AssociateKmsKey",
    )

    refusal = error_codes.error_of(error, "AssociateKmsKey")

    assert isinstance(refusal, RoleDenied)
    assert (refusal.action, refusal.about_key) == (action, about_key)
