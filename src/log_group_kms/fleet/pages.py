"""One pass over many log groups: page by page, several at once, until time is short.

Only counts, the next page's token and a few names go from page to page and from invocation to invocation, so that
memory stays flat, and a crash costs the page that was at work.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from log_group_kms.fleet.checkpoint import CHANGED, CLAIMED, Checkpoint, Fate, Phase
from log_group_kms.model.errors import ClaimLost, InvalidParameter, NotStabilized, OutOfTime, ProviderError
from log_group_kms.retry.policies import POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from log_group_kms.model.results import Listed, Page
    from log_group_kms.retry.retrier import Retrier

    Job = Callable[[], "Fate"]
    #: What becomes of a log group: known at once, or after a job.
    Visit = Callable[[Listed], "Fate | Job"]


#: Seconds that no further log group is begun before the deadline: longer than the longest pause between two tries, so
#: that what is refused for now goes on in the next invocation, and is no failure ...
_RESERVE: Final = 15.0
#: ... but at most this share of the time that there is.
_RESERVE_SHARE: Final = 0.4
#: Pages that are at work at once: the end of one overlaps with the begin of the next.
_PAGES_AT_WORK: Final = 2
#: What may be cut short by the deadline, and is no failure then.
_MAY_BE_CUT_SHORT: Final[tuple[type[ProviderError], ...]] = (NotStabilized, *(policy.on for policy in POLICIES))


@dataclass(slots=True)
class _Batch:
    """A page at work."""

    token: str
    next_token: str
    known: Counter[Fate]
    jobs: list[tuple[str, Future[Fate]]] = field(default_factory=list)

    def fates(self) -> tuple[Counter[Fate], dict[str, Fate]]:
        """What became of all, when that is known, and which were claimed."""
        met = {name: future.result() for name, future in self.jobs}
        return self.known + Counter(met.values()), {name: fate for name, fate in met.items() if fate in CLAIMED}


class _UnfinishedError(Exception):
    """Time is short."""


class Ending(StrEnum):
    """How a pass ended."""

    COMPLETE = "complete"
    UNFINISHED = "unfinished"
    LOST = "lost"


class PageRunner:
    """Makes the passes of one invocation.

    Args:
        patience: until when.
        workers: how many jobs run at once.
        page: lists the page with a token; raises InvalidParameter where that is too old.
        before_changes: is called before the jobs of each page that may change something; raises ClaimLost to end.
        confirm: reads back the log groups of these names on the page with this token; tells the fates of those that
            are not as they were left.
    """

    def __init__(
        self,
        retrier: Retrier,
        workers: int,
        *,
        page: Callable[[str], Page],
        before_changes: Callable[[Checkpoint], None],
        confirm: Callable[[str, Iterable[str]], Mapping[str, Fate]],
    ) -> None:
        self._clock = retrier.clock
        self._workers = workers
        self._page = page
        self._before_changes = before_changes
        self._confirm = confirm
        left = retrier.deadline - self._clock.now()
        #: When to begin nothing more, in seconds since the epoch.
        self.cutoff = retrier.deadline - min(_RESERVE, left * _RESERVE_SHARE)
        #: Set where one job's failure ends the pass.
        self.stopped = threading.Event()
        #: Whether a change has worked: until then they go one by one, so that a key at fault is met once.
        self.proved = False

    def cut_short(self, failure: Exception) -> bool:
        """Whether *failure* is none, but the end of this invocation's time."""
        in_time = isinstance(failure, _MAY_BE_CUT_SHORT) and self._clock.now() >= self.cutoff
        return in_time or isinstance(failure, OutOfTime)

    def make(self, checkpoint: Checkpoint, visit: Visit) -> tuple[Checkpoint, Ending]:
        """Go over all pages from where *sweep* stands; tells how far it came.

        Raises:
            ProviderError: what a job raises, and not because time is short.
        """
        self.stopped.clear()
        at_work: deque[_Batch] = deque()
        with _crew(self._workers) as crew:
            try:
                token: str | None = checkpoint.token
                while token is not None:
                    self._check_time()
                    page = self._page_or_none(token, checkpoint)
                    if page is None:
                        checkpoint, token = checkpoint.from_the_start(), ""
                        continue
                    batch, jobs = _opened(token, page, visit)
                    if jobs and checkpoint.changes:
                        self._before_changes(checkpoint)
                    at_work.append(batch)
                    self._begin(crew, checkpoint, batch, jobs)
                    if len(at_work) == _PAGES_AT_WORK:
                        checkpoint = self._settle(checkpoint, at_work)
                    token = page.next_token or None
                while at_work:
                    checkpoint = self._settle(checkpoint, at_work)
            except (_UnfinishedError, ProviderError) as failure:
                return self._ended(checkpoint, at_work, failure)
        return checkpoint, Ending.COMPLETE

    def _ended(self, checkpoint: Checkpoint, at_work: deque[_Batch], failure: Exception) -> tuple[Checkpoint, Ending]:
        """What a pass comes to that did not come to its end."""
        if isinstance(failure, ClaimLost):
            self.stopped.set()
            return checkpoint, Ending.LOST
        if not (isinstance(failure, _UnfinishedError) or self.cut_short(failure)):
            failure.add_note(_so_far(checkpoint, at_work).told)
            raise failure
        try:
            return self._cut(checkpoint, at_work), Ending.UNFINISHED
        except ProviderError as worse:
            # A page at work held more than the end of time.
            return self._ended(checkpoint, at_work, worse)

    def _check_time(self) -> None:
        if self._clock.now() >= self.cutoff:
            raise _UnfinishedError

    def _page_or_none(self, token: str, checkpoint: Checkpoint) -> Page | None:
        """None where the token came from an earlier invocation and AWS no longer takes it."""
        try:
            return self._page(token)
        except InvalidParameter:
            if not token or token != checkpoint.token:
                raise
            return None

    def _begin(self, crew: Executor, checkpoint: Checkpoint, batch: _Batch, jobs: list[tuple[str, Job]]) -> None:
        for name, job in jobs:
            one_by_one = self._workers == 1 or (checkpoint.changes and not self.proved)
            future = _at_once(partial(self._guarded, job)) if one_by_one else crew.submit(self._guarded, job)
            self.proved = self.proved or (one_by_one and future.result() in CHANGED)
            batch.jobs.append((name, future))

    def _guarded(self, job: Job) -> Fate:
        """The job's own fate, unless time is short: then a further invocation does it."""
        if self.stopped.is_set() or self._clock.now() >= self.cutoff:
            return Fate.UNFINISHED
        try:
            return job()
        except Exception as failure:
            if self.cut_short(failure):
                return Fate.UNFINISHED
            self.stopped.set()
            raise

    def _settle(self, checkpoint: Checkpoint, at_work: deque[_Batch]) -> Checkpoint:
        """Count the oldest page at work."""
        batch = at_work[0]
        fates, claimed = batch.fates()
        if fates[Fate.UNFINISHED]:
            raise _UnfinishedError
        changed = [name for name, fate in claimed.items() if fate in CHANGED]
        if changed:
            for name, fate in self._confirm(batch.token, changed).items():
                fates[claimed[name]] -= 1
                fates[fate] += 1
        at_work.popleft()
        if checkpoint.phase is Phase.CHANGE_BUSY:
            # All others were counted before.
            fates = Counter({fate: fates[fate] for fate in CHANGED})
        return replace(checkpoint.having(claimed), token=batch.next_token, counts=checkpoint.counts.plus(fates))

    def _cut(self, checkpoint: Checkpoint, at_work: deque[_Batch]) -> Checkpoint:
        """Count what is done; the first page that is not will be seen again."""
        try:
            while at_work:
                checkpoint = self._settle(checkpoint, at_work)
        except (_UnfinishedError, ProviderError) as failure:
            if not (isinstance(failure, _UnfinishedError) or self.cut_short(failure)):
                raise
        for batch in at_work:
            fates, claimed = batch.fates()
            done = Counter({fate: fates[fate] for fate in (*CHANGED, Fate.RELEASED, Fate.UNRESTORED)})
            if checkpoint.phase is Phase.CHANGE:
                done[Fate.COMPLIANT] = -sum(fates[fate] for fate in CHANGED)
            checkpoint = replace(checkpoint.having(claimed), counts=checkpoint.counts.plus(done))
        return checkpoint


def _opened(token: str, page: Page, visit: Visit) -> tuple[_Batch, list[tuple[str, Job]]]:
    """A page with what is known of it at once, and the jobs that it takes to know the rest."""
    visits = [(listed.name, visit(listed)) for listed in page.log_groups]
    known = Counter(fate for _, fate in visits if isinstance(fate, Fate))
    return _Batch(token, page.next_token, known), [(name, job) for name, job in visits if not isinstance(job, Fate)]


def _so_far(checkpoint: Checkpoint, at_work: Iterable[_Batch]) -> Checkpoint:
    """What a failure is told with: also the done part of the pages at work."""
    for batch in at_work:
        done = (future for _, future in batch.jobs if future.done() and not future.cancelled())
        fates = Counter(future.result() for future in done if not future.exception())
        checkpoint = replace(checkpoint, counts=checkpoint.counts.plus(batch.known + fates))
    return checkpoint


def _at_once(job: Job) -> Future[Fate]:
    """Done before anything else is; what it raises is raised here."""
    future: Future[Fate] = Future()
    future.set_result(job())
    return future


@contextmanager
def _crew(workers: int) -> Iterator[Executor]:
    """Threads that have ended at the end; of what they have not begun, nothing is."""
    crew = ThreadPoolExecutor(workers, thread_name_prefix="fleet")
    try:
        yield crew
    finally:
        crew.shutdown(wait=True, cancel_futures=True)
