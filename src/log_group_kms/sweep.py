"""One pass over many log groups: page by page, several at once, until time is short.

Only counts, the next page's token and a few names go from page to page and from invocation to invocation, so that
memory stays flat, and a crash costs the page that was at work.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Final

from log_group_kms.errors import ClaimLost, InvalidParameter, NotStabilized, OutOfTime, ProviderError
from log_group_kms.waiting import POLICIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from log_group_kms.model import Listed, Page
    from log_group_kms.waiting import Patience

    Job = Callable[[], "Fate"]
    #: What becomes of a log group: known at once, or after a job.
    Visit = Callable[[Listed], "Fate | Job"]

#: Seconds that no further log group is begun before the deadline: longer than the longest pause between two tries, so
#: that what is refused for now goes on in the next invocation, and is no failure ...
_RESERVE: Final = 15.0
#: ... but at most this share of the time that there is.
_RESERVE_SHARE: Final = 0.4
#: Some of them may vanish or be taken over, and then tell nothing.
MOST_WITNESSES: Final = 3
#: Pages that are at work at once: the end of one overlaps with the begin of the next.
_PAGES_AT_WORK: Final = 2
#: What may be cut short by the deadline, and is no failure then.
_MAY_BE_CUT_SHORT: Final[tuple[type[ProviderError], ...]] = (NotStabilized, *(policy.on for policy in POLICIES))


class Fate(StrEnum):
    """What became of a log group."""

    ASSOCIATED = "associated"
    MENDED = "mended, as its key had been changed or taken away"
    COMPLIANT = "had the key already"
    TAKEN_OVER = "taken over with the key"
    KEPT = "kept another key"
    OWNED = "left to another resource"
    RESERVED = "reserved for AWS"
    RELEASED = "given back"
    UNRESTORED = "left without a key, as the previous one could not be put back"
    BUSY = "busy"
    PASSED = "passed over"
    UNFINISHED = "unfinished"


#: Put under the key ...
CHANGED: Final = (Fate.ASSOCIATED, Fate.MENDED)
#: ... or claimed at least.
CLAIMED: Final = (*CHANGED, Fate.TAKEN_OVER)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many log groups met which fate, over all invocations of an event."""

    associated: int = 0
    mended: int = 0
    compliant: int = 0
    kept: int = 0
    owned: int = 0
    reserved: int = 0
    released: int = 0
    unrestored: int = 0
    busy: int = 0

    def plus(self, fates: Counter[Fate]) -> Counts:
        """With so many more."""
        return Counts(
            self.associated + fates[Fate.ASSOCIATED],
            self.mended + fates[Fate.MENDED],
            self.compliant + fates[Fate.COMPLIANT] + fates[Fate.TAKEN_OVER],
            self.kept + fates[Fate.KEPT],
            self.owned + fates[Fate.OWNED],
            self.reserved + fates[Fate.RESERVED],
            self.released + fates[Fate.RELEASED],
            self.unrestored + fates[Fate.UNRESTORED],
            self.busy + fates[Fate.BUSY],
        )

    def from_the_start(self) -> Counts:
        """Where all pages are to be seen once more: what was changed will count as compliant then."""
        return Counts(
            associated=self.associated,
            mended=self.mended,
            compliant=-self.changed,
            released=self.released,
            unrestored=self.unrestored,
        )

    @property
    def changed(self) -> int:
        """Put under the key."""
        return self.associated + self.mended

    @property
    def skipped(self) -> int:
        """Left as they were, though they match."""
        return self.kept + self.owned + self.reserved

    def __str__(self) -> str:
        told = {
            Fate.ASSOCIATED: self.associated,
            Fate.MENDED: self.mended,
            Fate.COMPLIANT: self.compliant,
            Fate.KEPT: self.kept,
            Fate.OWNED: self.owned,
            Fate.RESERVED: self.reserved,
            Fate.RELEASED: self.released,
            Fate.UNRESTORED: self.unrestored,
        }
        return ", ".join(f"{number:,} {fate}" for fate, number in told.items() if number > 0) or "none was changed"


class Phase(StrEnum):
    """What a pass is for."""

    LOOK = "look"
    CHANGE = "change"
    CHANGE_BUSY = "change-busy"
    CONFIRM = "confirm"
    UNDO = "undo"
    RELEASE = "release"
    RELEASE_BUSY = "release-busy"
    RELEASE_ABANDONED = "release-abandoned"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far the passes of an event have come: what a further invocation begins with.

    Attributes:
        phase: what the pass at work is for.
        key: ARN of the wanted key, so that an alias means the same one to the end; empty on Delete.
        token: of the page to go on with; empty for the first.
        counts: so far.
        witnesses: names of the log groups that were claimed first.
        claimed: whether anything was.
        refused: names of log groups that AWS refused for their own sake, in the last pass.
    """

    phase: Phase
    key: str = ""
    token: str = ""
    counts: Counts = Counts()
    witnesses: tuple[str, ...] = ()
    claimed: bool = False
    refused: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """For the event of a further invocation."""
        return asdict(self)

    @classmethod
    def of_json(cls, value: object) -> Sweep | None:
        """What `as_json` wrote; None where *value* is something else."""
        match value:
            case {
                "phase": str() as phase,
                "key": str() as key,
                "token": str() as token,
                "counts": dict() as counts,
                "witnesses": list() | tuple() as witnesses,
                "claimed": bool() as claimed,
                "refused": list() | tuple() as refused,
            }:
                # What another version of the provider counted, this one overlooks.
                known = {field.name: counts[field.name] for field in fields(Counts) if field.name in counts}
                return cls(Phase(phase), key, token, Counts(**known), tuple(witnesses), claimed, tuple(refused))
            case _:
                return None

    @property
    def changes(self) -> bool:
        """Whether the pass puts log groups under the key."""
        return self.phase in (Phase.CHANGE, Phase.CHANGE_BUSY)

    @property
    def told(self) -> str:
        """The counts in a sentence."""
        return f"Of its log groups: {self.counts}."

    def from_the_start(self) -> Sweep:
        """Where the pass has to begin anew; that for the busy ones has counted nothing else."""
        counts = self.counts.from_the_start() if self.phase is Phase.CHANGE else self.counts
        return replace(self, token="", counts=counts)

    def having(self, claimed: Iterable[str]) -> Sweep:
        """With these log groups claimed."""
        witnesses = tuple(dict.fromkeys((*self.witnesses, *claimed)))
        return replace(self, witnesses=witnesses[:MOST_WITNESSES], claimed=bool(witnesses))

    def then(self, phase: Phase) -> Sweep:
        """The begin of the next pass."""
        return replace(self, phase=phase, token="")


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


class Passes:
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
        patience: Patience,
        workers: int,
        *,
        page: Callable[[str], Page],
        before_changes: Callable[[Sweep], None],
        confirm: Callable[[str, Iterable[str]], Mapping[str, Fate]],
    ) -> None:
        self._clock = patience.clock
        self._workers = workers
        self._page = page
        self._before_changes = before_changes
        self._confirm = confirm
        left = patience.deadline - self._clock.now()
        #: When to begin nothing more, in seconds since the epoch.
        self.cutoff = patience.deadline - min(_RESERVE, left * _RESERVE_SHARE)
        #: Set where one job's failure ends the pass.
        self.stopped = threading.Event()
        #: Whether a change has worked: until then they go one by one, so that a key at fault is met once.
        self.proved = False

    def cut_short(self, failure: Exception) -> bool:
        """Whether *failure* is none, but the end of this invocation's time."""
        in_time = isinstance(failure, _MAY_BE_CUT_SHORT) and self._clock.now() >= self.cutoff
        return in_time or isinstance(failure, OutOfTime)

    def make(self, sweep: Sweep, visit: Visit) -> tuple[Sweep, Ending]:
        """Go over all pages from where *sweep* stands; tells how far it came.

        Raises:
            ProviderError: what a job raises, and not because time is short.
        """
        self.stopped.clear()
        at_work: deque[_Batch] = deque()
        with _crew(self._workers) as crew:
            try:
                token: str | None = sweep.token
                while token is not None:
                    self._check_time()
                    page = self._page_or_none(token, sweep)
                    if page is None:
                        sweep, token = sweep.from_the_start(), ""
                        continue
                    batch, jobs = _opened(token, page, visit)
                    if jobs and sweep.changes:
                        self._before_changes(sweep)
                    at_work.append(batch)
                    self._begin(crew, sweep, batch, jobs)
                    if len(at_work) == _PAGES_AT_WORK:
                        sweep = self._settle(sweep, at_work)
                    token = page.next_token or None
                while at_work:
                    sweep = self._settle(sweep, at_work)
            except (_UnfinishedError, ProviderError) as failure:
                return self._ended(sweep, at_work, failure)
        return sweep, Ending.COMPLETE

    def _ended(self, sweep: Sweep, at_work: deque[_Batch], failure: Exception) -> tuple[Sweep, Ending]:
        """What a pass comes to that did not come to its end."""
        if isinstance(failure, ClaimLost):
            self.stopped.set()
            return sweep, Ending.LOST
        if not (isinstance(failure, _UnfinishedError) or self.cut_short(failure)):
            failure.add_note(_so_far(sweep, at_work).told)
            raise failure
        try:
            return self._cut(sweep, at_work), Ending.UNFINISHED
        except ProviderError as worse:
            # A page at work held more than the end of time.
            return self._ended(sweep, at_work, worse)

    def _check_time(self) -> None:
        if self._clock.now() >= self.cutoff:
            raise _UnfinishedError

    def _page_or_none(self, token: str, sweep: Sweep) -> Page | None:
        """None where the token came from an earlier invocation and AWS no longer takes it."""
        try:
            return self._page(token)
        except InvalidParameter:
            if not token or token != sweep.token:
                raise
            return None

    def _begin(self, crew: Executor, sweep: Sweep, batch: _Batch, jobs: list[tuple[str, Job]]) -> None:
        for name, job in jobs:
            one_by_one = self._workers == 1 or (sweep.changes and not self.proved)
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

    def _settle(self, sweep: Sweep, at_work: deque[_Batch]) -> Sweep:
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
        if sweep.phase is Phase.CHANGE_BUSY:
            # All others were counted before.
            fates = Counter({fate: fates[fate] for fate in CHANGED})
        return replace(sweep.having(claimed), token=batch.next_token, counts=sweep.counts.plus(fates))

    def _cut(self, sweep: Sweep, at_work: deque[_Batch]) -> Sweep:
        """Count what is done; the first page that is not will be seen again."""
        try:
            while at_work:
                sweep = self._settle(sweep, at_work)
        except (_UnfinishedError, ProviderError) as failure:
            if not (isinstance(failure, _UnfinishedError) or self.cut_short(failure)):
                raise
        for batch in at_work:
            fates, claimed = batch.fates()
            done = Counter({fate: fates[fate] for fate in (*CHANGED, Fate.RELEASED, Fate.UNRESTORED)})
            if sweep.phase is Phase.CHANGE:
                done[Fate.COMPLIANT] = -sum(fates[fate] for fate in CHANGED)
            sweep = replace(sweep.having(claimed), counts=sweep.counts.plus(done))
        return sweep


def _opened(token: str, page: Page, visit: Visit) -> tuple[_Batch, list[tuple[str, Job]]]:
    """A page with what is known of it at once, and the jobs that it takes to know the rest."""
    visits = [(listed.name, visit(listed)) for listed in page.log_groups]
    known = Counter(fate for _, fate in visits if isinstance(fate, Fate))
    return _Batch(token, page.next_token, known), [(name, job) for name, job in visits if not isinstance(job, Fate)]


def _so_far(sweep: Sweep, at_work: Iterable[_Batch]) -> Sweep:
    """What a failure is told with: also the done part of the pages at work."""
    for batch in at_work:
        done = (future for _, future in batch.jobs if future.done() and not future.cancelled())
        fates = Counter(future.result() for future in done if not future.exception())
        sweep = replace(sweep, counts=sweep.counts.plus(batch.known + fates))
    return sweep


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
