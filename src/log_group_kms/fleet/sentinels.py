"""Sentinels: the log groups that an event claimed first, on which a Delete that passes by shows.

A Delete takes claims away from the first log group on. Where a sentinel's claim and key are gone, it was a Delete,
unless this is an Update or the fleet is known to be alive.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from log_group_kms.fleet.checkpoint import MOST_SENTINELS
from log_group_kms.model.errors import ClaimLost, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from log_group_kms.fleet.checkpoint import Checkpoint
    from log_group_kms.fleet.reader import FleetReader
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Claim, Owner
    from log_group_kms.model.targets import LogGroup


@dataclass(frozen=True, slots=True)
class Purpose:
    """The purpose of a run on a fleet, as far as its sentinels and its triage need to know.

    Attributes:
        owner: whose claims they are.
        may_undo: True where a Delete may pass by: not on an Update.
        enrolling: True where no stack asks.
        retains: True where a Delete leaves the key in force.
    """

    owner: Owner
    may_undo: bool = False
    enrolling: bool = False
    retains: bool = False


class Sentinels:
    """The names of the log groups that were claimed first, in this invocation and before; workers share them.

    Args:
        reader: reads the log groups.
        purpose: what the run is for.
        is_alive: returns whether no Delete of the fleet has begun yet; None where only the claims show it.
    """

    def __init__(self, reader: FleetReader, purpose: Purpose, is_alive: Callable[[], bool] | None) -> None:
        self._reader = reader
        self._purpose = purpose
        self._is_alive = is_alive
        self._lock = threading.Lock()
        self._names: tuple[str, ...] = ()
        self._key: KeyArn | None = None

    def begin(self, checkpoint: Checkpoint) -> None:
        """Start a pass with those of the *checkpoint*."""
        with self._lock:
            self._names = checkpoint.sentinels
            self._key = checkpoint.wanted_key

    def post(self, name: str) -> None:
        """Add the log group of this *name*, which was claimed just now, while there are few.

        Raises:
            ClaimLost: it would be the first one, and the fleet's Delete has begun: one that begins later meets it.
        """
        with self._lock:
            first = not self._names
        if first and self._is_alive and self.fleet_may_be_gone():
            raise self.lost()
        with self._lock:
            if len(self._names) < MOST_SENTINELS:
                self._names = (*self._names, name)

    def check(self, checkpoint: Checkpoint) -> None:
        """See, by those of the *checkpoint*, whether a Delete passed by.

        Raises:
            ClaimLost: it did.
        """
        stand = self._stand(checkpoint.sentinels)
        unknown = stand is None and checkpoint.claimed and self._is_alive
        if stand is False or (unknown and self.fleet_may_be_gone()):
            raise self.lost()

    def fleet_is_lost(self) -> bool:
        """Return whether a claim that went away just now went with a Delete of the whole fleet."""
        with self._lock:
            names = self._names
        return not self._stand(names) and self.fleet_may_be_gone()

    def fleet_may_be_gone(self) -> bool:
        """Return whether a Delete can have begun: an Update has none beside it, enrolment can ask."""
        return self._purpose.may_undo and (self._is_alive is None or not self._is_alive())

    def lost(self) -> ClaimLost:
        """Return the error of a fleet whose Delete passed by."""
        return lost_fleet(self._reader.fleet.arn)

    def _stand(self, names: Iterable[str]) -> bool | None:
        """Return whether this fleet's claims still stand, by the first sentinel that shows it; None where none does."""
        for group in filter(None, map(self._reader.fleet.log_group, names)):
            try:
                claim = self._reader.claim_on(group)
                if claim and claim.stands_for(self._purpose.owner):
                    return True
                if (claim is None or claim.owner == self._purpose.owner) and not self._has_key_still(group, claim):
                    return None if not self.fleet_may_be_gone() else False
            except NotFound:
                continue
        return None

    def _has_key_still(self, group: LogGroup, claim: Claim | None) -> bool:
        """Return whether someone took the tags alone: the fleet's Delete would have taken the key as well."""
        if claim or self._purpose.retains or self._key is None:
            return False
        return self._reader.key_of(group) == self._key


def lost_fleet(arn: str) -> ClaimLost:
    """Return the error of the fleet with this *arn* whose Delete passed by."""
    return ClaimLost(
        f"This resource's claims on {arn} went away meanwhile: a Delete of it passed by, or someone took its tags off"
    )
