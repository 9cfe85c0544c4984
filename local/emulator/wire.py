"""Requests and responses of AWS's JSON protocol, as MiniStack passes them around."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from local.emulator.answers import Refusal

#: Status, headers, body.
Response: TypeAlias = tuple[int, dict[str, str], bytes]

_FIRST_ERROR: Final = 400
_JSON: Final = "application/x-amz-json-1.1"
_INVOKE: Final = re.compile(r"/2015-03-31/functions/[^/]+/invocations")
_SERVICES: Final = {"AmazonSQS": "sqs", "Logs_20140328": "logs", "TrentService": "kms"}
_LOG_GROUP_ARN: Final = re.compile(r"arn:[^:]+:logs:[^:]*:[^:]*:log-group:(?P<name>[^:]+)(:\*)?")


@dataclass(frozen=True, slots=True)
class Request:
    """A call to an operation that this package knows."""

    #: As in a policy: `logs:AssociateKmsKey`.
    operation: str
    payload: dict[str, Any]
    headers: dict[str, str]

    @property
    def log_group(self) -> str | None:
        """The log group that the call is about, where it names one."""
        name = self.payload.get("logGroupName") or self.payload.get("logGroupNamePrefix")
        if name:
            return str(name)
        identifier = str(self.payload.get("logGroupIdentifier") or "")
        if identifier and not identifier.startswith("arn:"):
            return identifier
        arn = identifier or self.payload.get("resourceIdentifier") or self.payload.get("resourceArn") or ""
        return log_group_in(str(arn))


def log_group_in(arn: str) -> str | None:
    """Return the name in a log group's ARN, None if it is not one."""
    found = _LOG_GROUP_ARN.fullmatch(arn)
    return found["name"] if found else None


def parse(method: str, path: str, headers: dict[str, str], body: bytes) -> Request | None:
    """Return the call, or None where it is to another service."""
    if method == "POST" and _INVOKE.fullmatch(path):
        return Request("lambda:Invoke", {}, headers)
    prefix, _, operation = headers.get("x-amz-target", "").partition(".")
    service = _SERVICES.get(prefix)
    if service is None:
        return None
    return Request(f"{service}:{operation}", object_in(body), headers)


def object_in(body: bytes) -> dict[str, Any]:
    """Return the JSON object in *body*; empty where there is none."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def succeed(payload: dict[str, Any] | None = None) -> Response:
    """Return a response of 200; operations without an output have an empty body."""
    return 200, {"Content-Type": _JSON}, b"" if payload is None else json.dumps(payload).encode()


def refuse(refusal: Refusal) -> Response:
    """Return the refusal as the JSON protocol carries it."""
    body = {"__type": refusal.code, "message": refusal.message}
    headers = {"Content-Type": _JSON, "x-amzn-errortype": refusal.code}
    return refusal.status, headers, json.dumps(body).encode()


def error_code(response: Response) -> str | None:
    """Return the code of a refusal, None for a success."""
    status, headers, body = response
    if status < _FIRST_ERROR or not isinstance(body, bytes):  # a streaming body is a success
        return None
    return headers.get("x-amzn-errortype") or str(object_in(body).get("__type", "")) or "Unknown"
