"""Tags of log groups: what the calls about them refuse, and MiniStack takes.

Sources: the service model for patterns and codes; the API reference of TagResource for the limits. TagResource,
UntagResource and ListTagsForResource take an ARN, and the model's pattern for it has no `#`, which the name of a log
group may have. That AWS refuses such a name in the words that it has for an ARN with `:*` is our belief.
"""

import re
from typing import Any, Final

from local.emulator import answers, seams
from local.emulator.answers import RefusedError
from local.emulator.wire import Request

_MOST_TAGS: Final = 50
_BY_ARN: Final = ("logs:TagResource", "logs:UntagResource", "logs:ListTagsForResource")
_WRITING: Final = ("logs:TagResource", "logs:TagLogGroup", "logs:CreateLogGroup")
_RESOURCE_ARN: Final = r"[\w+=/:,.@-]*"
#: The API reference of TagResource: letters, digits, space and a few signs, in any script.
_TAG_TEXT: Final = r"[\w .:/=+\-@]*"
_LONGEST_KEY: Final = 128
_LONGEST_VALUE: Final = 256


def require_valid_tags(request: Request) -> None:
    """Refuse a call about tags that AWS refuses.

    Raises:
        RefusedError: its ARN is none of a log group as these calls take it; or a tag is too long, has other characters,
            or is one too many.
    """
    if request.operation in _BY_ARN and not re.fullmatch(_RESOURCE_ARN, str(request.payload.get("resourceArn") or "")):
        raise RefusedError(answers.INVALID_RESOURCE_ARN)
    if request.operation in _WRITING:
        _require_valid(request, request.payload.get("tags") or {})


def _require_valid(request: Request, tags: dict[str, Any]) -> None:
    for key, value in tags.items():
        if not re.fullmatch(_TAG_TEXT, key) or not 0 < len(key) <= _LONGEST_KEY or key.lower().startswith("aws:"):
            raise RefusedError(answers.malformed("tags", key, _TAG_TEXT))
        if not re.fullmatch(_TAG_TEXT, str(value)) or len(str(value)) > _LONGEST_VALUE:
            raise RefusedError(answers.malformed("tags", str(value), _TAG_TEXT))
    if len(tags) > _MOST_TAGS:
        raise RefusedError(answers.too_many("tags", _MOST_TAGS))
    if len({**_tags_there(request), **tags}) > _MOST_TAGS:
        by_name = request.operation == "logs:TagLogGroup"
        raise RefusedError(answers.TOO_MANY_TAGS_BY_NAME if by_name else answers.TOO_MANY_TAGS)


def _tags_there(request: Request) -> dict[str, str]:
    group = seams.LOG_GROUPS.get().get(request.log_group)
    return group["tags"] if group else {}
