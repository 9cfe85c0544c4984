"""Marker ids: the physical ids of a failed Create that no success ever has; and what decides which one it gets."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

#: The id of a failed Create that claimed nothing. No success ever has it, so the Delete that follows does nothing.
NOTHING_ASSOCIATED: Final = "log-group-kms-association:nothing-associated"

#: The id of a failed Create that cannot tell whether it claimed: its Delete goes by the tags. Not the id of a success,
#: under which a Delete without tags takes the wanted key away, also where that was there before.
PERHAPS_ASSOCIATED: Final = "log-group-kms-association:perhaps-associated"


class Footprint(Enum):
    """What an event leaves behind if it fails now."""

    NOTHING = "nothing"
    PERHAPS = "perhaps a claim"
    CLAIMED = "a claim"


class Trail:
    """The footprint that one event has left so far; the rules write it, and the id of a failed answer is read off it.

    Args:
        failure_id: the id for as long as nobody knows what the event asks for.
        footprint: what is left from the beginning.
    """

    def __init__(self, failure_id: str = NOTHING_ASSOCIATED, footprint: Footprint = Footprint.NOTHING) -> None:
        self.footprint = footprint
        self._id_of: Callable[[Footprint], str] = lambda _: failure_id

    def follow(self, id_of: Callable[[Footprint], str]) -> None:
        """From now on, *id_of* tells the id that belongs to a footprint."""
        self._id_of = id_of

    def leave(self, footprint: Footprint) -> None:
        """From now on, a failure leaves this *footprint*."""
        self.footprint = footprint

    @property
    def failure_id(self) -> str:
        """The physical id, if the event fails now."""
        return self._id_of(self.footprint)


class FleetTrail(Trail):
    """The trail of one log group of a fleet: once one is claimed, the fleet is; what else is known changes nothing."""

    def __init__(self, fleet: Trail) -> None:
        super().__init__()
        self._fleet = fleet

    def leave(self, footprint: Footprint) -> None:
        """See `Trail`."""
        super().leave(footprint)
        if footprint is Footprint.CLAIMED:
            self._fleet.leave(footprint)
