"""The tags of a claim: their names, which are part of the contract and outlive versions, and what fits into one."""

from __future__ import annotations

import re
from typing import Final

#: What the names of all of them begin with.
OWN_TAGS: Final = "log-group-kms-association:"

OWNER_TAG: Final = "log-group-kms-association:owner"
PREVIOUS_KEY_TAG: Final = "log-group-kms-association:previous-key"
#: On a fleet's log groups only.
SCOPE_TAG: Final = "log-group-kms-association:scope"
#: When the claim was written, as CloudFormation dates the event; upkeep adds its own word.
WRITTEN_TAG: Final = "log-group-kms-association:written"
#: On a fleet's log groups only: who held it, under the same key, before a Create that may yet fail.
TAKEN_FROM_TAG: Final = "log-group-kms-association:taken-from"
#: ... and that one's scope.
TAKEN_FROM_SCOPE_TAG: Final = "log-group-kms-association:taken-from-scope"
#: How often enrolment put the key back within an hour, after someone else had changed it; it goes with the claim.
MENDED_TAG: Final = "log-group-kms-association:mended"
#: All that a claim consists of.
CLAIM_TAGS: Final = (
    OWNER_TAG,
    PREVIOUS_KEY_TAG,
    SCOPE_TAG,
    WRITTEN_TAG,
    TAKEN_FROM_TAG,
    TAKEN_FROM_SCOPE_TAG,
    MENDED_TAG,
)

#: Marks: of a fleet at work, of a Create that a Delete has cancelled, and of a Delete that had to give up. The owner's
#: digest follows.
WORK_TAG: Final = "log-group-kms-association:work/"
CANCELLED_TAG: Final = "log-group-kms-association:cancelled/"
RELEASED_TAG: Final = "log-group-kms-association:released/"

#: CloudWatch Logs API reference, TagResource: a tag's value holds at most 256 characters.
TAG_VALUE_LENGTH: Final = 256
#: ... of these characters; `#`, which log-group names may have, is none of them.
_TAG_VALUE: Final = re.compile(r"[\w\s.:/=+@-]*")


def fits_tag(value: str) -> bool:
    """Return whether *value* can be the value of a tag."""
    return len(value) <= TAG_VALUE_LENGTH and _TAG_VALUE.fullmatch(value) is not None
