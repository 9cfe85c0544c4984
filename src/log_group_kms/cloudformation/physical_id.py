"""Physical resource ids: which texts CloudFormation takes as one."""

from __future__ import annotations

import json
from typing import Final, TypeGuard

#: "up to 1 KB": https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
LONGEST_ID: Final = 1024


def is_physical_resource_id(value: object) -> TypeGuard[str]:
    """Whether *value* can stand as the physical id of an answer."""
    return isinstance(value, str) and value.strip() != "" and fits(value, LONGEST_ID)


def fits(text: str, limit: int) -> bool:
    """Whether *text* takes at most *limit* bytes in an answer; escapes count, a lone surrogate fits nowhere."""
    try:
        return len(json.dumps(text, ensure_ascii=False).encode()) - len('""') <= limit
    except UnicodeEncodeError:
        return False
