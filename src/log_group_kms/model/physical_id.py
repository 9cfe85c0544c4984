"""Marker ids: the physical ids of a failed Create that no success ever has."""

from __future__ import annotations

from typing import Final

#: The id of a failed Create that claimed nothing. No success ever has it, so the Delete that follows does nothing.
NOTHING_ASSOCIATED: Final = "log-group-kms-association:nothing-associated"

#: The id of a failed Create that cannot tell whether it claimed: its Delete goes by the tags. Not the id of a success,
#: under which a Delete without tags takes the wanted key away, also where that was there before.
PERHAPS_ASSOCIATED: Final = "log-group-kms-association:perhaps-associated"
