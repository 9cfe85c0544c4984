"""The tags of a claim: their names, which are part of the contract and outlive versions, and what fits into one."""

from __future__ import annotations

import re
from typing import Final

OWNER_TAG: Final = "log-group-kms-association:owner"
PREVIOUS_KEY_TAG: Final = "log-group-kms-association:previous-key"
#: On a fleet's log groups only.
SCOPE_TAG: Final = "log-group-kms-association:scope"

#: CloudWatch Logs API reference, TagResource: a tag's value holds at most 256 characters.
TAG_VALUE_LENGTH: Final = 256
#: ... of these characters; `#`, which log-group names may have, is none of them.
_TAG_VALUE: Final = re.compile(r"[\w\s.:/=+@-]*")


def fits_tag(value: str) -> bool:
    """Return whether *value* can be the value of a tag."""
    return len(value) <= TAG_VALUE_LENGTH and _TAG_VALUE.fullmatch(value) is not None
