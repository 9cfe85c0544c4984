"""Calls about log groups as CloudTrail tells the default event bus of them, where the account has a trail.

CreateLogGroup, and what changes a key or tags. Every call, the refused ones too; of CreateLogGroup also what
CloudFormation and Lambda call: MiniStack writes such a log group into its table without a call. How CloudTrail writes
the parameters of the others is in no sample that was found: here they are the API's own.

Sources: the EventBridge user guide, "Events from AWS services via CloudTrail"; the CloudTrail user guide, "Record
contents"; landing-zone-accelerator-on-aws#773 for refused calls, whose `requestParameters` may be null. Of which errors
that is so is not documented: here, of all that come before the log group itself is looked at. AWS's events come seconds
or minutes after the call, at times twice; these come at once, and once.
"""

import json
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ministack.core.arn import parse_arn
from ministack.core.responses import get_account_id, get_region

from local.emulator import answers, log_groups_behind, seams, wire
from local.emulator.director import caller_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.emulator.wire import Request, Response

_CREATION: Final = "CreateLogGroup"
_OPERATIONS: Final = (
    _CREATION,
    "AssociateKmsKey",
    "DisassociateKmsKey",
    "TagLogGroup",
    "TagResource",
    "UntagLogGroup",
    "UntagResource",
)
#: The same names are calls of other services, too.
_TARGET: Final = "Logs_20140328"
#: These are about a log group that the call has already been understood to mean.
_KEEP_PARAMETERS: Final = (
    answers.LOG_GROUP_EXISTS.code,
    answers.OPERATION_ABORTED.code,
    "LimitExceededException",
)
_LAMBDA_USER_AGENT: Final = "awslambda-worker/1.0"
_CLOUDFORMATION: Final = "cloudformation.amazonaws.com"


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call about a log group."""

    operation: str
    parameters: dict[str, Any]
    #: The caller's ARN.
    caller: str
    source: str
    user_agent: str
    #: The AWS service that calls for somebody.
    invoked_by: str | None = None
    error_code: str | None = None
    error_message: str | None = None

    @classmethod
    def by_request(cls, request: "Request", response: "Response") -> "ApiCall":
        """Make the record of a customer's call."""
        agent = request.headers.get("user-agent", "")
        refusal = wire.object_in(response[2]) if wire.error_code(response) else {}
        message = refusal.get("message") or refusal.get("Message")
        operation = request.operation.partition(":")[2]
        return cls(
            operation, request.payload, caller_of(request), "127.0.0.1", agent, None, wire.error_code(response), message
        )

    @classmethod
    def by_cloudformation(cls, parameters: dict[str, Any]) -> "ApiCall":
        """Make the record of a stack's call. Who deploys it is not known there: it is the account's root for all."""
        root = f"arn:aws:iam::{get_account_id()}:root"
        return cls(_CREATION, parameters, root, _CLOUDFORMATION, _CLOUDFORMATION, _CLOUDFORMATION)

    @classmethod
    def by_lambda(cls, log_group: str, config: dict[str, Any]) -> "ApiCall":
        """Make the record of Lambda's call for a function's first log, in the name of its role."""
        role = str(config.get("Role", "")).rpartition("/")[2]
        caller = f"arn:aws:sts::{get_account_id()}:assumed-role/{role}/{config.get('FunctionName')}"
        return cls(_CREATION, {"logGroupName": log_group}, caller, "127.0.0.1", _LAMBDA_USER_AGENT)

    def tell(self) -> None:
        """Put the event on the caller's default bus."""
        seams.DISPATCH_EVENT.get()(
            {
                "EventId": str(uuid.uuid4()),
                "Source": "aws.logs",
                "DetailType": "AWS API Call via CloudTrail",
                "Detail": json.dumps(self._record()),
                "EventBusName": "default",
                "Time": int(time.time()),
                "Resources": [],
                "Account": get_account_id(),
                "Region": get_region(),
            }
        )

    def _record(self) -> dict[str, Any]:
        record: dict[str, Any] = {
            "eventVersion": "1.11",
            "userIdentity": self._identity(),
            "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "logs.amazonaws.com",
            "eventName": self.operation,
            "awsRegion": get_region(),
            "sourceIPAddress": self.source,
            "userAgent": self.user_agent,
        }
        if self.error_code is not None:
            record |= {"errorCode": self.error_code, "errorMessage": self.error_message or ""}
        known = self.error_code is None or self.error_code in _KEEP_PARAMETERS
        return record | {
            "requestParameters": self.parameters if known else None,
            "responseElements": None,
            "requestID": str(uuid.uuid4()),
            "eventID": str(uuid.uuid4()),
            "readOnly": False,
            "eventType": "AwsApiCall",
            "apiVersion": "20140328",
            "managementEvent": True,
            "recipientAccountId": get_account_id(),
            "eventCategory": "Management",
        }

    def _identity(self) -> dict[str, Any]:
        kind, _, name = parse_arn(self.caller).resource.partition("/")
        identity: dict[str, Any] = {
            "type": {"root": "Root", "assumed-role": "AssumedRole"}.get(kind, "IAMUser"),
            "arn": self.caller,
            "accountId": get_account_id(),
        }
        if kind == "assumed-role":
            role = name.partition("/")[0]
            issuer = {"type": "Role", "arn": f"arn:aws:iam::{get_account_id()}:role/{role}", "userName": role}
            identity["sessionContext"] = {"sessionIssuer": {**issuer, "accountId": get_account_id()}}
        if self.invoked_by is not None:
            identity["invokedBy"] = self.invoked_by
        return identity


def install() -> None:
    """Tell of every call; put it outside all that may refuse the call."""
    _tell_of_requests()
    _tell_of_functions()


def _tell_of_requests() -> None:
    dispatch: Callable[..., Awaitable[Response]] = seams.DISPATCH.get()

    async def telling(  # noqa: PLR0913, PLR0917 - MiniStack's own signature
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any], request_id: str
    ) -> "Response":
        response = await dispatch(method, path, headers, body, query, request_id)
        prefix, _, operation = headers.get("x-amz-target", "").rpartition(".")
        if prefix == _TARGET and operation in _OPERATIONS:
            request = wire.parse(method, path, headers, body)
            if request is not None:
                ApiCall.by_request(request, response).tell()
        return response

    seams.DISPATCH.replace(telling)


def _tell_of_functions() -> None:
    write: Callable[..., None] = seams.WRITE_FUNCTION_LOG.get()
    # Functions run side by side, and one of them makes the log group.
    making = threading.Lock()

    def telling(function: dict[str, Any], *given: Any, **named: Any) -> None:
        config = function.get("config") or function
        log_group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config.get('FunctionName')}"
        with making:
            is_new = log_group not in seams.LOG_GROUPS.get()
            if is_new:
                log_groups_behind.make_one(log_group)
        if is_new:
            ApiCall.by_lambda(log_group, config).tell()
        write(function, *given, **named)

    seams.WRITE_FUNCTION_LOG.replace(telling)
