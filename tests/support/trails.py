"""A trail that tells at once what a failure would be answered with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_group_kms.association.trail import Footprint, Trail

if TYPE_CHECKING:
    from collections.abc import Callable


class TellingTrail(Trail):
    """Tells *tell* the id of a failure whenever it changes."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def leave(self, footprint: Footprint) -> None:
        super().leave(footprint)
        self._tell(self.failure_id)
