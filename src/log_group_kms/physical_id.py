"""Physical resource ids: which texts CloudFormation takes as one, and the marker of a Create that did nothing."""

from __future__ import annotations

import json
from typing import Final, TypeGuard

#: The id of a failed Create that claimed nothing. No success ever has it, so the Delete that follows does nothing.
NOTHING_ASSOCIATED: Final = "log-group-kms-association:nothing-associated"

#: The id of a failed Create that cannot tell whether it claimed: its Delete goes by the tags. Not the id of a success,
#: under which a Delete without tags takes the wanted key away, also where that was there before.
PERHAPS_ASSOCIATED: Final = "log-group-kms-association:perhaps-associated"

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
