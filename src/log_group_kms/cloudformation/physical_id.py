"""Physical resource ids: the texts that CloudFormation takes as one."""

from __future__ import annotations

import json
from typing import Final, TypeGuard

#: "up to 1 KB": https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
LONGEST_ID: Final = 1024


def is_physical_resource_id(value: object) -> TypeGuard[str]:
    """Return True where *value* can be the physical id of a response."""
    return isinstance(value, str) and value.strip() != "" and fits(value, LONGEST_ID)


def fits(text: str, limit: int) -> bool:
    """Return True where *text* takes at most *limit* bytes in a response.

    Escapes count. A lone surrogate fits nowhere.
    """
    try:
        return len(json.dumps(text, ensure_ascii=False).encode()) - len('""') <= limit
    except UnicodeEncodeError:
        return False
