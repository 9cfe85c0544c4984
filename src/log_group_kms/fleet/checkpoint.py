"""The checkpoint of the work on a fleet: the phase, the page, and the counts of what became of the log groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from log_group_kms.model.keys import KeyArn

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.model.results import Listed

    Job = Callable[[], "Fate"]
    #: What becomes of a log group: known at once, or after a job.
    Visit = Callable[[Listed], "Fate | Job"]


class Fate(StrEnum):
    """The fate of a log group."""

    ASSOCIATED = "associated"
    MENDED = "mended, as its key had been changed or taken away"
    COMPLIANT = "had the key already"
    TAKEN_OVER = "taken over with the key"
    INHERITED = "inherited with the key"
    KEPT = "kept another key"
    OWNED = "left to another resource"
    UNCOVERED = "left to another resource, and without a key"
    RESERVED = "reserved for AWS"
    PROTECTED = "protected by ProtectedLogGroupNames"
    RELEASED = "given back"
    UNRESTORED = "left without a key, as the previous one could not be put back"
    REFUSED = "refused by AWS"
    TUG_OF_WAR = "left to whoever keeps changing its key"
    EXCLUDED = "excluded"
    BUSY = "busy"
    PASSED = "passed over"
    UNREAD = "not read"
    UNFINISHED = "unfinished"


#: Put under the key ...
CHANGED: Final = (Fate.ASSOCIATED, Fate.MENDED)
#: ... or claimed at least.
CLAIMED: Final = (*CHANGED, Fate.TAKEN_OVER, Fate.INHERITED)


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of log groups that met each fate, over all invocations of an event."""

    associated: int = 0
    mended: int = 0
    compliant: int = 0
    kept: int = 0
    owned: int = 0
    uncovered: int = 0
    reserved: int = 0
    released: int = 0
    unrestored: int = 0
    refused: int = 0
    busy: int = 0
    unread: int = 0
    protected: int = 0
    excluded: int = 0

    def plus(self, fates: Counter[Fate]) -> Counts:
        """Return the counts with so many more."""
        return Counts(
            self.associated + fates[Fate.ASSOCIATED],
            self.mended + fates[Fate.MENDED],
            self.compliant + fates[Fate.COMPLIANT] + fates[Fate.TAKEN_OVER] + fates[Fate.INHERITED],
            self.kept + fates[Fate.KEPT],
            self.owned + fates[Fate.OWNED],
            self.uncovered + fates[Fate.UNCOVERED],
            self.reserved + fates[Fate.RESERVED],
            self.released + fates[Fate.RELEASED],
            self.unrestored + fates[Fate.UNRESTORED],
            self.refused + fates[Fate.REFUSED],
            self.busy + fates[Fate.BUSY],
            self.unread + fates[Fate.UNREAD],
            self.protected + fates[Fate.PROTECTED],
            self.excluded + fates[Fate.EXCLUDED],
        )

    def from_the_start(self) -> Counts:
        """Return the counts where all pages are to be seen once more: what was changed will count as compliant then."""
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
        return self.kept + self.owned + self.uncovered + self.reserved + self.protected

    def __str__(self) -> str:
        shown = {
            Fate.ASSOCIATED: self.associated,
            Fate.MENDED: self.mended,
            Fate.COMPLIANT: self.compliant,
            Fate.KEPT: self.kept,
            Fate.OWNED: self.owned,
            Fate.UNCOVERED: self.uncovered,
            Fate.RESERVED: self.reserved,
            Fate.PROTECTED: self.protected,
            Fate.RELEASED: self.released,
            Fate.UNRESTORED: self.unrestored,
            Fate.REFUSED: self.refused,
            Fate.UNREAD: self.unread,
        }
        return ", ".join(f"{number:,} {fate}" for fate, number in shown.items() if number > 0) or "none was changed"


class Phase(StrEnum):
    """The purpose of a pass."""

    LOOK = "look"
    CHANGE = "change"
    CHANGE_BUSY = "change-busy"
    TAKE_OVER = "take-over"
    RELEASE_CLAIMED = "release-claimed"
    RELEASE_REST = "release-rest"
    RELEASE = "release"
    RELEASE_BUSY = "release-busy"
    RELEASE_ABANDONED = "release-abandoned"
    DONE = "done"


#: Of the form in which a checkpoint goes to a further invocation. Another one's is left, and the event begins anew.
_VERSION: Final = 1
_COUNTED: Final = frozenset(each.name for each in fields(Counts))
#: No account has more log groups than a million (CloudWatch Logs quotas).
_MOST: Final = 1_000_000
_MOST_NAMES: Final = 5


def _text(value: object, longest: int = 512) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"no text of at most {longest} characters")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -_MOST <= value <= _MOST:
        raise ValueError("no count")
    return value


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The point from which a further invocation goes on with an event.

    Attributes:
        phase: what the pass at work is for.
        key: ARN of the wanted key: all begins anew where an alias means another one by now; empty on Delete.
        token: of the page to go on with; empty for the first.
        counts: so far.
        lookout: name of the log group that is marked as the fleet's at work; empty where none is.
        claimed: whether anything was.
        refused: names of log groups that AWS refused for their own sake, the first few.
        undoing: whether a Delete undoes a Create that has not come to its end.
        inherits: whether the fleet takes over what another one of its stack holds, which goes after it.
        begin: of a Delete, the name before which all was given back by one that had to give up.
        reached: the last name of the pages that are done.
    """

    phase: Phase
    key: str = ""
    token: str = ""
    counts: Counts = Counts()
    lookout: str = ""
    claimed: bool = False
    refused: tuple[str, ...] = ()
    undoing: bool = False
    inherits: bool = False
    begin: str = ""
    reached: str = ""

    def as_json(self) -> dict[str, object]:
        """Return it for the event of a further invocation."""
        return {"version": _VERSION, **asdict(self)}

    @classmethod
    def of_json(cls, value: object) -> Checkpoint | None:
        """Return what `as_json` wrote, also another version of the provider's where that means the same; else None.

        It is only a hint of how far the work is: a checkpoint that nobody wrote costs time, or a count, and no key.
        """
        if not isinstance(value, dict) or value.get("version") != _VERSION:
            return None
        try:
            counts = Counts(**{name: _number(number) for name, number in value["counts"].items() if name in _COUNTED})
            return cls(
                Phase(value["phase"]),
                _text(value["key"], 2048),
                _text(value["token"], 8192),
                counts,
                lookout=_text(value["lookout"]),
                claimed=value["claimed"] is True,
                refused=tuple(_text(name) for name in value["refused"][:_MOST_NAMES]),
                undoing=value["undoing"] is True,
                inherits=value["inherits"] is True,
                begin=_text(value["begin"]),
                reached=_text(value["reached"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    @property
    def resolved_key(self) -> KeyArn:
        """The wanted key; of a pass that puts log groups under one."""
        return KeyArn(self.key)

    @property
    def wanted_key(self) -> KeyArn | None:
        """The wanted key; None on Delete."""
        return self.resolved_key if self.key else None

    @property
    def changes(self) -> bool:
        """True for a pass that puts log groups under the key."""
        return self.phase in (Phase.CHANGE, Phase.CHANGE_BUSY)

    @property
    def summary(self) -> str:
        """The counts in a sentence."""
        return f"Of its log groups: {self.counts}."

    def from_the_start(self) -> Checkpoint:
        """Return it for a pass that has to begin anew."""
        counts = self.counts.from_the_start() if self.changes else self.counts
        return replace(self, token="", counts=counts)  # nosec B106 # a place in a listing

    def counting(self, fates: Counter[Fate]) -> Checkpoint:
        """Return it with so many more; one that takes over has counted them all as compliant before."""
        inherits = self.inherits or fates[Fate.INHERITED] > 0
        if self.phase is Phase.TAKE_OVER:
            fates = Counter({fate: fates[fate] for fate in (*CHANGED, Fate.REFUSED)})
            fates[Fate.COMPLIANT] = -fates.total()
        return replace(self, counts=self.counts.plus(fates), inherits=inherits)

    def then(self, phase: Phase) -> Checkpoint:
        """Return the beginning of the next pass; one for the busy ones comes to all, and counts them anew."""
        later = replace(self, phase=phase, token="", reached="")  # nosec B106 # as above
        if phase is Phase.RELEASE_REST:
            return replace(later, counts=replace(later.counts, unread=0))
        return later.from_the_start() if phase is Phase.CHANGE_BUSY else later


class Ending(StrEnum):
    """The ending of a pass."""

    COMPLETE = "complete"
    UNFINISHED = "unfinished"
