"""The one table from AWS's error codes to types."""

from __future__ import annotations

import re
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotocoreConnectionError

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
    from collections.abc import Iterator, Mapping

    from log_group_kms.model.keys import KeyReference
    from log_group_kms.model.targets import Target


#: By code alone. CloudWatch Logs' and KMS's models name them, but for those of `UNMODELLED`.
BY_CODE: Final[Mapping[str, type[ApiError]]] = {
    "AccessDeniedException": AccessDenied,
    "DependencyTimeoutException": Unavailable,
    "InvalidArnException": InvalidParameter,
    "InvalidParameterException": InvalidParameter,
    "KMSInternalException": Unavailable,
    "LimitExceededException": LimitExceeded,
    "NotFoundException": KeyNotFound,
    "OperationAbortedException": ConcurrentChange,
    "RequestLimitExceeded": Throttled,
    "ResourceAlreadyExistsException": AlreadyExists,
    "ResourceNotFoundException": NotFound,
    "ServiceUnavailableException": Unavailable,
    "Throttling": Throttled,
    "ThrottlingException": Throttled,
    "TooManyRequestsException": Throttled,
    "TooManyTagsException": LimitExceeded,
    "ValidationException": InvalidParameter,
}
#: The services answer these too, though no model of the operations names them (terraform-provider-aws#29282,
#: aws-cdk#26837).
UNMODELLED: Final = frozenset(
    {
        "AccessDeniedException",
        "RequestLimitExceeded",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "ValidationException",
    }
)

#: AWS has one code for each group of these, so its words must tell them apart (sources: terraform-provider-aws#25258
#: and #29282, landing-zone-accelerator#751 and #768).
_BY_MESSAGE: Final = (
    (AccessDenied, "The specified KMS key does not exist or is not allowed to be used", KeyPolicyDenied),
    (InvalidParameter, "The specified KMS Key Id could not be found", KeyNotFound),
    (InvalidParameter, "Log groups starting with AWS/ are reserved", ReservedLogGroup),
)
_NOT_AUTHORIZED: Final = re.compile(r"is not authorized to perform: (?P<action>[\w-]+:\w+)")
#: CreateLogGroup's own words for a role that may create log groups and not tag them (aws-parallelcluster#4580,
#: DataDog/cloudformation-template#61). The older ones end there, the later ones name the permission.
_NOT_AUTHORIZED_TO_TAG: Final = "is not authorized to perform CreateLogGroup with Tags"


@contextmanager
def translated_errors(operation: str, target: Target | None, key: KeyReference | None = None) -> Iterator[None]:
    """Translate what boto3 raises."""
    about = (target.arn if target else "", key.text if key else "")
    try:
        yield
    except ClientError as error:
        raise error_of(error, operation, *about) from error
    except (HTTPClientError, BotocoreConnectionError) as error:
        raise Unavailable(operation, type(error).__name__, str(error), *about) from error


def error_of(error: ClientError, operation: str, target: str = "", key: str = "") -> ApiError:
    """Return the meaning of *error*: by its code, and by AWS's words where one code means several things."""
    code = error.response["Error"].get("Code", "Unknown")
    message = error.response["Error"].get("Message", "")
    kind = BY_CODE.get(code)
    if kind is None:
        status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        kind = Unavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else InvalidParameter
        kind = AccessDenied if status == HTTPStatus.FORBIDDEN else kind
    for general, words, special in _BY_MESSAGE:
        if kind is general and words in message:
            kind = special
    missing = _missing_permission(message)
    if kind is AccessDenied and missing:
        return RoleDenied(operation, code, message, target, key, action=missing)
    return kind(operation, code, message, target, key)


def _missing_permission(message: str) -> str:
    """Return the action that a role lacks by AWS's words; empty where they name none."""
    if _NOT_AUTHORIZED_TO_TAG in message:
        return "logs:TagResource"
    found = _NOT_AUTHORIZED.search(message)
    return found["action"] if found else ""
