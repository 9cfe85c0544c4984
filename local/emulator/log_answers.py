"""MiniStack's answers about log groups and their tags, put into AWS's words."""

import json

from local.emulator import answers, wire
from local.emulator.wire import Request, Response


def in_aws_words(request: Request, response: Response) -> Response:
    """Return the response without names that MiniStack adds to messages, and without keys that AWS does not show."""
    code = wire.error_code(response)
    if code == answers.NO_SUCH_LOG_GROUP.code and request.log_group is not None:
        return wire.refuse(answers.NO_SUCH_LOG_GROUP)
    if code is None and request.operation == "logs:DescribeLogGroups" and "logGroupNamePattern" in request.payload:
        return _without_keys(response)
    return response


def _without_keys(response: Response) -> Response:
    """Return a listing by pattern, which by the API reference has arn, creationTime and logGroupName, and no key."""
    status, headers, body = response
    found = wire.object_in(body)
    for group in found["logGroups"]:
        group.pop("kmsKeyId", None)
    return status, headers, json.dumps(found).encode()
