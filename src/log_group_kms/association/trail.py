"""The trail: what an event leaves behind if it fails now, from which the physical id of the failed answer follows."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from log_group_kms.model.physical_id import NOTHING_ASSOCIATED

if TYPE_CHECKING:
    from collections.abc import Callable


class Footprint(Enum):
    """The traces of an event that fails now."""

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
        """Read the id that belongs to a footprint off *id_of*."""
        self._id_of = id_of

    def leave(self, footprint: Footprint) -> None:
        """Note that a failure leaves this *footprint* from now on."""
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
