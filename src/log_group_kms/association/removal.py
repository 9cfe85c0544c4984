"""The end of one log group's association: the claim goes first, then the key of before comes back, then the tags go."""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from log_group_kms.association.claims import Watch, check_tags, check_unclaimed
from log_group_kms.model.errors import (
    AccessDenied,
    ApiError,
    ClaimLost,
    InvalidParameter,
    LimitExceeded,
    NotFound,
    ProviderError,
)
from log_group_kms.model.ownership import Marks
from log_group_kms.model.results import Outcome
from log_group_kms.retry.retrier import no_guard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_group_kms.association.gateway import Gateway, Guard, KeyResolver
    from log_group_kms.association.requests import Remove
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Claim, Owner
    from log_group_kms.model.targets import LogGroup

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Removal:
    """Ends the association of one log group.

    Attributes:
        logs: CloudWatch Logs.
        keys: KMS.
        log_group: the log group.
        watch: knows when its tags were read; None where they have not been.
    """

    logs: Gateway
    keys: KeyResolver
    log_group: LogGroup
    watch: Watch | None = None

    def remove(self, event: Remove) -> Outcome:
        """End the association of *event*, where it is the event's own to end.

        Raises:
            ApiError: AWS refused for good, and not because it is gone already.
        """
        try:
            if event.cancels and event.sent_at is not None:
                # Before the look: the Create that claims after it finds this when it reads its claim back. Where no
                # tag can be written, there is none that claims.
                with suppress(AccessDenied, InvalidParameter, LimitExceeded):
                    self.logs.write_marks(self.log_group, event.owner, Marks(cancelled_at=event.sent_at))
            return self.remove_claimed(event, self.logs.tags_of(self.log_group))
        except NotFound:
            return self._left("The log group is gone; there was nothing to do")

    def remove_claimed(self, event: Remove, claim: Claim | None) -> Outcome:
        """Do the same by the *claim*, which was read just now.

        Raises:
            ApiError: AWS refused for good; NotFound where the log group is gone.
        """
        try:
            return self._remove(event, claim)
        except ClaimLost as lost:
            return self._left(str(lost))

    def hand_back(self, claim: Claim, to: Owner) -> Outcome:
        """Give the log group, whose *claim* was read just now, back to whom a Create took it from that failed.

        Raises:
            ApiError: AWS refused for good; NotFound where the log group is gone.
        """
        try:
            self._write(replace(claim, owner=to, taken_from=None), over=claim)
        except ClaimLost as lost:
            return self._left(str(lost))
        return Outcome(self.log_group, None, note=f"{to.text} has it again")

    def _remove(self, event: Remove, claim: Claim | None) -> Outcome:
        if claim is None or (claim.deleted and claim.owner != event.owner):
            return self._remove_unclaimed(event)
        if claim.owner != event.owner:
            return self._left(f"The log group belongs to {claim.owner.text}; it was left as it is")
        if claim.deleted:
            return self._left("An earlier delivery of this Delete gave the log group back, under the key of before")
        if event.retains:
            self._release(claim)
            return self._left("The log group keeps its key, as OnDelete says: Retain")
        return self._give_back(event, claim)

    def _give_back(self, event: Remove, claim: Claim) -> Outcome:
        leaving = replace(claim, deleting=True)
        watch = self.watch or Watch(self.logs, self.log_group)
        if not claim.deleting:
            watch.check(claim)
            watch.renew()
            self._write(leaving, over=claim)
        wanted = claim.previous if event.restores else None
        before = self.logs.key_of(self.log_group)
        # Just before each change: nobody else came, and no other delivery of this Delete is through.
        watch.check(leaving)
        note = ""
        if before != wanted:
            with self._claimed_again_when_refused(claim, leaving):
                guard = partial(check_tags, self.logs, self.log_group, leaving)
                note = put_back(self.logs, self.log_group, wanted, guard)
            watch.check(leaving)
        in_force = None if note else wanted
        if in_force and not event.owner.is_fleet and in_force == self.keys.known(event.former_key):
            # See `Claim.deleted`. A fleet's Delete leaves alone what has no tags, however often it comes.
            self._write(replace(claim, deleting=False, deleted=True), over=leaving)
        else:
            self._release(leaving)
        return Outcome(self.log_group, in_force, previous=before, associated=int(before != in_force), note=note)

    @contextmanager
    def _claimed_again_when_refused(self, claim: Claim, leaving: Claim) -> Iterator[None]:
        """Write the claim again where AWS refused a Delete for good: nothing has changed, and another may come."""
        try:
            yield
        except NotFound:
            raise
        except ApiError:
            with suppress(ProviderError):
                check_tags(self.logs, self.log_group, leaving)
                self._write(replace(claim, deleting=False), over=leaving)
            raise

    def _remove_unclaimed(self, event: Remove) -> Outcome:
        """Undo the one thing that is certain without tags: our key, under an id that a success of ours has."""
        untouched = "Nobody claims the log group, and its key is not known to be this resource's; it was left as it is"
        if not event.minted or event.retains:
            return self._left(untouched)
        in_force = self.logs.key_of(self.log_group)
        if in_force is None or in_force != self.keys.known(event.former_key):
            return self._left(untouched)
        put_back(self.logs, self.log_group, None, partial(check_unclaimed, self.logs, self.log_group))
        note = "The tags were gone, so nobody knows which key was there before: the log group is without a key now"
        return Outcome(self.log_group, None, previous=in_force, associated=1, note=note)

    def _write(self, claim: Claim, over: Claim) -> None:
        """Write *claim* over the one that was read; before a retry it must be that still."""
        self.logs.rewrite_claim(self.log_group, claim, partial(check_tags, self.logs, self.log_group, over, claim))

    def _release(self, claim: Claim) -> None:
        """Remove *claim*, the one that was read; before a retry it must be that still."""
        self.logs.remove_claim(self.log_group, partial(check_tags, self.logs, self.log_group, claim))

    def _left(self, note: str) -> Outcome:
        return Outcome(self.log_group, None, skipped=1, note=note)


def put_back(logs: Gateway, log_group: LogGroup, previous: KeyArn | None, guard: Guard = no_guard) -> str:
    """Put the *previous* key back; where there was none, or it is no longer usable, leave none.

    Returns:
        What the user should know; empty where it went as asked.
    """
    unusable = logs.restore(log_group, previous, guard) if previous else None
    if previous and unusable is None:
        return ""
    note = ""
    if previous:
        note = f"The previous key {previous.text} could not be put back, so the log group is without a key now"
        note += f" ({unusable})"
        logger.warning(note)
    logs.disassociate(log_group, guard)
    return note
