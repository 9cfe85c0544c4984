"""MiniStack's answers about log groups and their tags, put into AWS's words, and the limits that it does not check."""

import json
import re
from typing import Any, Final

from local.emulator import answers, seams, wire
from local.emulator.answers import RefusedError
from local.emulator.wire import Request, Response

_MOST_TAGS: Final = 50
#: The API reference of TagResource: letters, digits, space and a few signs, in any script.
_TAG_TEXT: Final = r"[\w .:/=+\-@]*"
_LONGEST_KEY: Final = 128
_LONGEST_VALUE: Final = 256


def require_valid_tags(request: Request) -> None:
    """Refuse tags that AWS refuses; MiniStack takes any.

    Raises:
        RefusedError: a tag is too long, has other characters, or is one too many.
    """
    if request.operation not in ("logs:TagResource", "logs:CreateLogGroup"):
        return
    tags: dict[str, Any] = request.payload.get("tags") or {}
    for key, value in tags.items():
        if not re.fullmatch(_TAG_TEXT, key) or not 0 < len(key) <= _LONGEST_KEY or key.lower().startswith("aws:"):
            raise RefusedError(answers.malformed("tags", key, _TAG_TEXT))
        if not re.fullmatch(_TAG_TEXT, str(value)) or len(str(value)) > _LONGEST_VALUE:
            raise RefusedError(answers.malformed("tags", str(value), _TAG_TEXT))
    if len({**_tags_there(request), **tags}) > _MOST_TAGS:
        raise RefusedError(answers.TOO_MANY_TAGS)


def _tags_there(request: Request) -> dict[str, str]:
    group = seams.LOG_GROUPS.get().get(request.log_group)
    return group["tags"] if group else {}


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
