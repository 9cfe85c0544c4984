"""Evidence of coverage: the key of each log group of a listing, and the cause where it is not the wanted one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from log_group_kms.model.errors import AccessDenied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.results import Listed
    from log_group_kms.model.targets import Exclusions, Fleet, LogGroup


class Cause(StrEnum):
    """The causes for which a log group is under the wanted key, or is not; in the order of the page."""

    COVERED = "covered"
    WITHOUT_KEY = "without a key"
    OTHER_KEY = "kept under another key"
    OWNED = "owned by another resource"
    EXCLUDED = "excluded"
    RESERVED = "reserved for AWS"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a log group is held against.

    Attributes:
        fleet: which log groups.
        key: the key that all should be under; None where any customer managed key will do.
        exclude: the log groups that are left alone.
    """

    fleet: Fleet
    key: KeyArn | None
    exclude: Exclusions


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A log group that is not covered, with the key in force and the owner, where there is one."""

    name: str
    cause: Cause
    key: KeyArn | None = None
    owner: Owner | None = None


@dataclass
class Evidence:
    """Judges log groups as they are listed, and keeps no more of them than counts.

    Attributes:
        wanted: what they are held against.
        owner_of: reads who has a claim on a log group. It is asked where another key is in force: one call each.
        tell: is given what is not covered.
        counts: how many there are by cause.
        owners_unknown: True where the caller may not read claims, so that none is told.
    """

    wanted: Wanted
    owner_of: Callable[[LogGroup], Owner | None]
    tell: Callable[[Uncovered], None]
    counts: Counter[Cause] = field(default_factory=Counter)
    owners_unknown: bool = False

    def watching(self, listing: Iterable[Listed]) -> Iterator[Listed]:
        """Yield what is in *listing*, and judge it on its way."""
        for listed in listing:
            judged = self._judge(listed)
            self.counts[judged.cause] += 1
            if judged.cause is not Cause.COVERED:
                self.tell(judged)
            yield listed

    def _judge(self, listed: Listed) -> Uncovered:
        log_group, wanted = self.wanted.fleet.log_group(listed.name), self.wanted
        if listed.key and wanted.key in (None, listed.key):
            return Uncovered(listed.name, Cause.COVERED)
        if log_group is None:
            return Uncovered(listed.name, Cause.RESERVED, listed.key)
        if wanted.exclude.cover(listed.name):
            return Uncovered(listed.name, Cause.EXCLUDED, listed.key)
        if listed.key is None:
            # Whoever owns it: a claim without a key exempts nothing from encryption.
            return Uncovered(listed.name, Cause.WITHOUT_KEY)
        owner = self._owner_of(log_group)
        named = owner is not None and not owner.is_fleet
        return Uncovered(listed.name, Cause.OWNED if named else Cause.OTHER_KEY, listed.key, owner)

    def _owner_of(self, log_group: LogGroup) -> Owner | None:
        if self.owners_unknown:
            return None
        try:
            return self.owner_of(log_group)
        except AccessDenied:
            self.owners_unknown = True
            return None
