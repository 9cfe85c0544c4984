"""One pass over many log groups: page by page, several at once, until time is short.

Only counts, the next page's token and a few names go from page to page and from invocation to invocation, so that
memory stays flat, and a crash costs the page that was at work.
"""

from __future__ import annotations

from collections import Counter, deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from log_group_kms.fleet.checkpoint import CHANGED, CLAIMED, Checkpoint, Ending, Fate
from log_group_kms.model.errors import InvalidParameter, ProviderError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator

    from log_group_kms.fleet.checkpoint import Job, Visit
    from log_group_kms.fleet.cutoff import Cutoff
    from log_group_kms.fleet.triage import Triage
    from log_group_kms.model.results import Page

#: Pages that are at work at once: the end of one overlaps with the beginning of the next.
_PAGES_AT_WORK: Final = 2


@dataclass(slots=True)
class _Batch:
    """A page at work."""

    token: str
    next_token: str
    known: Counter[Fate]
    last: str = ""
    jobs: list[tuple[str, Future[Fate]]] = field(default_factory=list)
    #: Names of those that were changed, and that the page does not show so, nor what was read back one by one.
    doubtful: set[str] = field(default_factory=set)

    def fates(self) -> tuple[Counter[Fate], dict[str, Fate]]:
        """Return what became of all, when that is known, and which were claimed."""
        met = {name: future.result() for name, future in self.jobs}
        return self.known + Counter(met.values()), {name: fate for name, fate in met.items() if fate in CLAIMED}


class _UnfinishedError(Exception):
    """Time is short."""


class PageRunner:
    """Makes one pass over the pages of a fleet.

    Args:
        cutoff: the moment from which nothing more is begun.
        workers: how many jobs run at once.
        stopped: is set where one job's failure ends the pass.
        triage: knows whether a change has worked.
        page: lists the page with a token; raises InvalidParameter where that is too old.
        late: returns those of the changed log groups of these names that the page with this token does not show so.
        confirm: reads the log group of this name back; returns its fate, or None where it is as it was left.
    """

    def __init__(  # noqa: PLR0913 - one part a parameter
        self,
        cutoff: Cutoff,
        workers: int,
        *,
        stopped: threading.Event,
        triage: Triage,
        page: Callable[[str], Page],
        late: Callable[[str, Iterable[str]], list[str]],
        confirm: Callable[[str], Fate | None],
    ) -> None:
        self._cutoff = cutoff
        self._workers = workers
        self._stopped = stopped
        self._triage = triage
        self._page = page
        self._late = late
        self._confirm = confirm

    def run(self, checkpoint: Checkpoint, visit: Visit) -> tuple[Checkpoint, Ending]:
        """Go over all pages from the *checkpoint* on; return how far it came, and how it ended.

        Raises:
            ProviderError: what a job raises, and not because time is short.
        """
        self._stopped.clear()
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
        """Return how far a pass came that did not come to its end."""
        if not (isinstance(failure, _UnfinishedError) or self._cutoff.cut_short(failure)):
            failure.add_note(_so_far(checkpoint, at_work).summary)
            raise failure
        try:
            return self._cut(checkpoint, at_work), Ending.UNFINISHED
        except ProviderError as worse:
            # A page at work held more than the end of time.
            return self._ended(checkpoint, at_work, worse)

    def _check_time(self) -> None:
        if self._cutoff.passed:
            raise _UnfinishedError

    def _page_or_none(self, token: str, checkpoint: Checkpoint) -> Page | None:
        """Return the page; None where the token came from an earlier invocation and AWS no longer takes it."""
        try:
            return self._page(token)
        except InvalidParameter:
            if not token or token != checkpoint.token:
                raise
            return None

    def _begin(self, crew: Executor, checkpoint: Checkpoint, batch: _Batch, jobs: list[tuple[str, Job]]) -> None:
        for name, job in jobs:
            one_by_one = self._workers == 1 or (checkpoint.changes and not self._triage.proved)
            future = _at_once(partial(self._guarded, job)) if one_by_one else crew.submit(self._guarded, job)
            if one_by_one and future.result() in CLAIMED:
                self._triage.prove()
            batch.jobs.append((name, future))

    def _guarded(self, job: Job) -> Fate:
        """Return the job's own fate, unless time is short: then a further invocation does it."""
        if self._stopped.is_set() or self._cutoff.passed:
            return Fate.UNFINISHED
        try:
            return job()
        except Exception as failure:
            if self._cutoff.cut_short(failure):
                return Fate.UNFINISHED
            self._stopped.set()
            raise

    def _settle(self, checkpoint: Checkpoint, at_work: deque[_Batch]) -> Checkpoint:
        """Count the oldest page at work."""
        batch = at_work[0]
        fates, claimed = batch.fates()
        if fates[Fate.UNFINISHED]:
            raise _UnfinishedError
        changed = [name for name, fate in claimed.items() if fate in CHANGED]
        if changed:
            batch.doubtful = set(self._late(batch.token, changed))
            for name in sorted(batch.doubtful):
                if fate := self._confirm(name):
                    fates[claimed[name]] -= 1
                    fates[fate] += 1
                else:
                    batch.doubtful.discard(name)
        at_work.popleft()
        return replace(
            checkpoint,
            claimed=checkpoint.claimed or bool(claimed),
            token=batch.next_token,
            reached=batch.last,
        ).counting(fates)

    def _cut(self, checkpoint: Checkpoint, at_work: deque[_Batch]) -> Checkpoint:
        """Count what is done; the first page that is not will be seen again."""
        try:
            while at_work:
                checkpoint = self._settle(checkpoint, at_work)
        except (_UnfinishedError, ProviderError) as failure:
            if not (isinstance(failure, _UnfinishedError) or self._cutoff.cut_short(failure)):
                raise
        for batch in at_work:
            fates, claimed = batch.fates()
            # The further invocation brings them in again, and counts them then, or finds them under the key.
            fates.subtract(claimed[name] for name in batch.doubtful)
            done = Counter({fate: fates[fate] for fate in (*CHANGED, Fate.RELEASED, Fate.UNRESTORED)})
            if checkpoint.changes:
                done[Fate.COMPLIANT] = -sum(fates[fate] for fate in CHANGED)
            checkpoint = replace(checkpoint, claimed=checkpoint.claimed or bool(claimed)).counting(done)
        return checkpoint


def _opened(token: str, page: Page, visit: Visit) -> tuple[_Batch, list[tuple[str, Job]]]:
    """Return a page with what is known of it at once, and the jobs that it takes to know the rest."""
    visits = [(listed.name, visit(listed)) for listed in page.log_groups]
    known = Counter(fate for _, fate in visits if isinstance(fate, Fate))
    last = page.log_groups[-1].name if page.log_groups else ""
    return _Batch(token, page.next_token, known, last), [
        (name, job) for name, job in visits if not isinstance(job, Fate)
    ]


def _so_far(checkpoint: Checkpoint, at_work: Iterable[_Batch]) -> Checkpoint:
    """Return the checkpoint for the note of a failure: it counts the done part of the pages at work, too."""
    for batch in at_work:
        done = (future for _, future in batch.jobs if future.done() and not future.cancelled())
        fates = Counter(future.result() for future in done if not future.exception())
        checkpoint = checkpoint.counting(batch.known + fates)
    return checkpoint


def _at_once(job: Job) -> Future[Fate]:
    """Do *job* before anything else; what it raises is raised here."""
    future: Future[Fate] = Future()
    future.set_result(job())
    return future


@contextmanager
def _crew(workers: int) -> Iterator[Executor]:
    """Lend threads, and wait for their end; work that they have not begun is dropped."""
    crew = ThreadPoolExecutor(workers, thread_name_prefix="fleet")
    try:
        yield crew
    finally:
        crew.shutdown(wait=True, cancel_futures=True)
