"""Lookouts: the first log groups of a fleet, on which its Create and its Delete find each other.

A Create that may be overtaken marks the first lookout that takes a tag as *at work* before it changes anything, and
from then on looks at that mark every few seconds: nothing is claimed or associated on the word of an older look. A
Delete that finds such a mark, or was sent because CloudFormation gave a Create up, marks all lookouts as *cancelled*
and waits until no such look can be valid and no call can be under way. So whatever that Create did shows in the tags by
then, and nothing comes after it; whoever of the two dies, dies so.
"""

from __future__ import annotations

import logging
import math
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from log_group_kms.model.errors import ApiError, ClaimLost, NotFound, OutOfTime, ProviderError, Throttled, Unavailable
from log_group_kms.model.ownership import Marks, Work
from log_group_kms.retry.policies import QUEUED, UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from log_group_kms.association.gateway import Gateway
    from log_group_kms.association.requests import Ensure, Remove
    from log_group_kms.fleet.checkpoint import Checkpoint
    from log_group_kms.fleet.reader import FleetReader
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.targets import Exclusions, LogGroup

logger = logging.getLogger(__name__)

#: So many take a Delete's mark: some may come or go between two looks ...
LOOKOUTS: Final = 4
#: ... and so many are tried, as some may refuse a tag.
_TRIED: Final = 8
#: Seconds for which a look vouches that no Delete has begun. One ListTagsForResource in this time is 4 % of the quota.
LEASE: Final = 5.0
#: Seconds that a call may take which has begun: botocore's time-outs of one try (`aws.clients.ONCE`), and a little.
_LONGEST_CALL: Final = 11.0
#: Seconds for which the note of a Delete that had to give up holds: CloudFormation lets nobody change a fleet whose
#: Delete failed, so that nothing is claimed before the next one.
_NOTE_HOLDS: Final = 86_400.0
#: Seconds by which the clocks of CloudFormation and Lambda may differ.
_SKEW: Final = 300.0
#: Seconds that a Delete waits for the Create that it cancels.
FENCE: Final = LEASE + _LONGEST_CALL


def lost_fleet(arn: str) -> ClaimLost:
    """Return the error of the fleet with this *arn* whose Delete has begun."""
    return ClaimLost(f"A Delete of this resource has begun: nothing more of {arn} is associated")


@dataclass(frozen=True, slots=True)
class Found:
    """The marks as a Delete finds them.

    Attributes:
        at_work: whether a Create, a reconciliation or the command line may be at work.
        unfinished: whether a Create has not come to its end.
        begin: the name before which a Delete that had to give up has given all back.
    """

    at_work: bool
    unfinished: bool
    begin: str


NO_MARKS: Final = Found(at_work=False, unfinished=False, begin="")


@dataclass(frozen=True, slots=True)
class Lookouts:
    """The lookouts of a fleet.

    Attributes:
        reader: reads the fleet.
        owner: whose marks they are.
        protected: log groups that nothing may change: they are none.
    """

    reader: FleetReader
    owner: Owner
    protected: Exclusions

    def __iter__(self) -> Iterator[LogGroup]:
        """Yield the log groups that may be lookouts, in the order of their names."""
        page = self.reader.logs.page(self.reader.fleet, "")
        listed = (self.reader.fleet.log_group(each.name) for each in page.log_groups)
        found = [group for group in listed if group and not self.protected.cover(group.name.text)]
        yield from found[:_TRIED]

    def marked(self) -> Iterator[tuple[LogGroup, Marks]]:
        """Yield the lookouts whose marks can be read, with these."""
        for group in self:
            try:
                self.reader.reads.take()
                yield group, self._logs.marks_on(group, self.owner)
            except ApiError as error:
                _unless_its_own(error)

    def cancelled_after(self, moment: float) -> bool:
        """Return whether a Delete has cancelled what was sent at this *moment*, in seconds since the epoch."""
        now = self._logs.retrier.clock.now()
        return any(_is_cancelled(marks, moment, now) for _, marks in self.marked())

    def read(self) -> Found:
        """Return what the marks tell a Delete."""
        marks = [marks for _, marks in self.marked()]
        works = {each.work for each in marks}
        since = self._logs.retrier.clock.now() - _NOTE_HOLDS
        begins = (each.released_to for each in marks if each.released_at is not None and each.released_at > since)
        return Found(
            at_work=not works.isdisjoint({Work.CREATING, Work.MENDING}),
            unfinished=not works.isdisjoint({Work.CREATING, Work.FAILED}),
            begin=max(begins, default=""),
        )

    def cancel(self, event: Remove) -> None:
        """Mark all lookouts, and wait until the Create that *event* cancels has stopped.

        Raises:
            OutOfTime: there is no time for that.
        """
        clock = self._logs.retrier.clock
        marks = Marks(cancelled_at=clock.now() if event.sent_at is None else event.sent_at)
        list(islice((group for group in self if self._write(group, marks)), LOOKOUTS))
        if self._logs.retrier.deadline.at - clock.now() <= FENCE:
            raise OutOfTime("There is no time to wait for the Create that this Delete cancels")
        clock.sleep(FENCE)

    def clear(self) -> None:
        """Take the marks off, if there is time, but for what cancels a Create that may yet come again."""
        with suppress(ProviderError):
            for group, marks in list(self.marked()):
                left = replace(marks, cancelled_at=None)
                if left != Marks():
                    self._logs.remove_marks(group, self.owner, left)

    def note_released(self, name: str) -> None:
        """Leave a note for the next Delete: up to *name* all is given back."""
        marks = Marks(released_at=self._logs.retrier.clock.now(), released_to=name)
        next((group for group in self if self._write(group, marks)), None)

    def mark(self, work: Work) -> LogGroup | None:
        """Mark the first lookout that takes it, and return that; None where none does."""
        return next((group for group in self if self._write(group, Marks(work))), None)

    def _write(self, group: LogGroup, marks: Marks) -> bool:
        try:
            self._logs.write_marks(group, self.owner, marks)
        except ApiError as error:
            _unless_its_own(error)
            return False
        return True

    @property
    def _logs(self) -> Gateway:
        """CloudWatch Logs; nobody waits for a permission on a log group that others can stand in for."""
        logs = self.reader.logs
        return replace(logs, retrier=logs.retrier.under((QUEUED, UNAVAILABLE)))


class Lease:
    """The right of a fleet's event to change log groups; its workers share it.

    Args:
        lookouts: the fleet's.
        event: what asks. An Update has no Delete beside it, and the command line's own work has none at all.
        is_alive: returns whether no Delete of the fleet has begun; None where only the marks show it.
    """

    def __init__(self, lookouts: Lookouts, event: Ensure, is_alive: Callable[[], bool] | None) -> None:
        self._lookouts = lookouts
        self._reader = lookouts.reader
        self._event = event
        self._needed = event.may_undo and not event.owner.is_command_line
        self._is_alive = is_alive or (lambda: True)
        self._work = Work.MENDING if event.enrolling else Work.CREATING
        # As exact as a mark is.
        self._asked_at = math.floor(self._now) if event.sent_at is None else event.sent_at
        self._lock = threading.Lock()
        self._post: LogGroup | None = None
        self._marked = False
        self._valid_until = float("-inf")

    def begin(self, checkpoint: Checkpoint) -> None:
        """Go on from *checkpoint*, whose invocation may have marked a lookout.

        Who makes a checkpoint up can name any log group: one that cannot be a lookout of this fleet gets no tag.
        """
        name = checkpoint.lookout
        if name and name.startswith(self._reader.fleet.prefix) and not self._lookouts.protected.cover(name):
            self._post = self._reader.fleet.log_group(name)
            self._marked = True

    @property
    def begun(self) -> bool:
        """Whether anything was to be changed yet."""
        with self._lock:
            return self._marked

    @property
    def lookout(self) -> str:
        """The name of the lookout that is marked; empty where none is."""
        with self._lock:
            return self._post.name.text if self._post else ""

    def check(self, ahead: float = 0.0) -> None:
        """See, by a look that is valid for *ahead* more seconds, that no Delete has begun.

        Raises:
            ClaimLost: one has.
            ApiError: that cannot be told.
        """
        if not self._needed:
            return
        with self._lock:
            if self._now + ahead < self._valid_until:
                return
            if self._post is None:
                # Also where none took it: the permission may be seen late, or someone was at work on all of them.
                self._post = self._lookouts.mark(self._work)
                self._marked = True
            while self._now + ahead >= self._valid_until:
                self._valid_until = self._look() + LEASE

    def shows_no_delete(self) -> bool:
        """Return whether a look just now shows that no Delete has begun, whatever the tags of one log group say.

        Raises:
            ApiError: that cannot be told.
        """
        with self._lock:
            self._valid_until = float("-inf")
        try:
            self.check()
        except ClaimLost:
            return False
        # Where no lookout takes a mark, a Delete leaves none.
        return self._needed and self.lookout != ""

    def end(self, *, failed: bool) -> None:
        """Take the mark off; where a Create *failed*, say so to its Delete.

        If there is no time for that, the Delete takes the Create for one that has died, and waits for it in vain.
        """
        with self._lock:
            post, self._post = self._post, None
        with suppress(ProviderError):
            if post and failed and self._work is Work.CREATING:
                self._reader.logs.write_marks(post, self._event.owner, Marks(Work.FAILED))
            elif post:
                self._reader.logs.remove_marks(post, self._event.owner, Marks(self._work))
        if self._needed and not failed and self._work is Work.CREATING:
            # An earlier delivery may have died with a mark on another one: this one has come to the end.
            self._lookouts.clear()

    def _look(self) -> float:
        """Look at the marked lookout; where it is gone, at the others, and mark one of them.

        Returns:
            When the look began, in seconds since the epoch; long ago where it showed nothing.
        """
        if self._post:
            # All workers wait for this one.
            self._reader.reads.spend()
        begun = self._now
        if not self._is_alive():
            raise self._lost()
        if self._post is None:
            # No lookout takes a tag.
            return begun
        try:
            marks = self._reader.logs.marks_on(self._post, self._event.owner)
        except NotFound:
            marks = Marks()
        if _is_cancelled(marks, self._asked_at, self._now):
            raise self._lost()
        if marks.work is not self._work:
            # A look at the new one has yet to show that no Delete has begun.
            self._post = self._lookouts.mark(self._work)
            return float("-inf")
        return begun

    def _lost(self) -> ClaimLost:
        return lost_fleet(self._reader.fleet.arn)

    @property
    def _now(self) -> float:
        return self._reader.logs.retrier.clock.now()


def _is_cancelled(marks: Marks, moment: float, now: float) -> bool:
    """Return whether *marks* cancel what was sent at this *moment*.

    No Delete was sent after *now*: who dates a mark far ahead holds nothing up for good.
    """
    return marks.cancelled_at is not None and moment <= marks.cancelled_at <= now + _SKEW


def _unless_its_own(error: ApiError) -> None:
    """Leave a lookout out that refuses its tags.

    Raises:
        ApiError: the *error*, where the log group is not at fault.
    """
    if isinstance(error, Throttled | Unavailable):
        raise error
    logger.info("No lookout: %s", error)
