"""The results of the commands: values, and each as the object that `--json` prints."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from log_group_kms.fleet.plan import Action
from log_group_kms.model.targets import LogGroupName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from log_group_kms.fleet.plan import Planned
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.ownership import Owner
    from log_group_kms.model.results import Listed
    from log_group_kms.model.targets import Fleet

#: A deeper path does not tell more of who writes the logs: `/aws/lambda/`.
_SEGMENTS: Final = 2
#: What `apply` changes.
CHANGES: Final = (Action.ASSOCIATE, Action.REKEY, Action.TAKE_OVER)
#: What is left as it is, though it matches: as a stack's fleet counts it.
_SKIPPED: Final = (Action.KEEP, Action.LEAVE, Action.RESERVED, Action.PROTECTED)


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that `apply` would make.

    Attributes:
        fleet: which log groups were looked at.
        key: the wanted key.
        owner: whom `apply` would claim for.
        counts: how many log groups would meet which action.
        log_groups: those to be shown.
    """

    fleet: Fleet
    key: KeyArn
    owner: Owner
    counts: Counter[Action]
    log_groups: tuple[Planned, ...] = ()

    @classmethod
    def of(
        cls, fleet: Fleet, key: KeyArn, owner: Owner, planned: Iterable[Planned], shown: Callable[[Planned], bool]
    ) -> Plan:
        """Count what is *planned*, and keep what is to be *shown*."""
        counts: Counter[Action] = Counter()
        kept = []
        for one in planned:
            counts[one.action] += 1
            if shown(one):
                kept.append(one)
        return cls(fleet, key, owner, counts, tuple(kept))

    @property
    def changes(self) -> int:
        """The number of log groups that would be changed."""
        return sum(self.counts[action] for action in CHANGES)

    @property
    def skipped(self) -> int:
        """The number of those that would be left as they are."""
        return sum(self.counts[action] for action in _SKIPPED)

    def as_json(self) -> dict[str, object]:
        """Return the object of `--json`."""
        return {
            "command": "plan",
            **_where(self.fleet),
            "kms_key_arn": self.key.text,
            "owner": self.owner.text,
            "counts": {action.name.lower(): self.counts[action] for action in Action},
            "log_groups": [
                {
                    "log_group": one.name,
                    "action": one.action.name.lower(),
                    "kms_key_arn": one.key.text if one.key else None,
                    "owner": one.owner.text if one.owner else None,
                }
                for one in self.log_groups
            ],
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """The changes that `apply` or `release` has made.

    Attributes:
        command: which of the two.
        fleet: which log groups.
        owner: whom it claimed for, or gave back for.
        changed: how many log groups it changed.
        seconds: how long that took.
        throttled: how many of its calls AWS refused because of the quota.
        key: the wanted key; None for `release`.
        planned: how many log groups were to be changed; None where nobody had counted.
        compliant: how many had the key already; None where it did not come to an end, and for `release`.
        skipped: how many were left as they are; None as for *compliant*.
        unrestored: names of log groups that are left without a key, as the previous one could not be put back.
        refused: names of log groups that AWS refused, where the others are done.
        not_held: names of log groups that are under the same key as what `release` gives back, and not the owner's.
        complete: False where Ctrl-C or an error ended it.
    """

    command: str
    fleet: Fleet
    owner: Owner
    changed: int = 0
    seconds: float = 0.0
    throttled: int = 0
    key: KeyArn | None = None
    planned: int | None = None
    compliant: int | None = None
    skipped: int | None = None
    unrestored: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    not_held: tuple[str, ...] = ()
    complete: bool = True

    def as_json(self) -> dict[str, object]:
        """Return the object of `--json`."""
        return {
            "command": self.command,
            **_where(self.fleet),
            "kms_key_arn": self.key.text if self.key else None,
            "owner": self.owner.text,
            "planned": self.planned,
            "changed": self.changed,
            "compliant": self.compliant,
            "skipped": self.skipped,
            "unrestored": list(self.unrestored),
            "refused": list(self.refused),
            "not_held": list(self.not_held),
            "throttled": self.throttled,
            "seconds": round(self.seconds, 1),
            "complete": self.complete,
            "error": None,
        }


class Cover(StrEnum):
    """The ways in which a log group is encrypted."""

    ENCRYPTED = "encrypted"
    UNENCRYPTED = "unencrypted"
    RESERVED = "reserved"


@dataclass(frozen=True, slots=True)
class Coverage:
    """The log groups under customer managed keys, counted.

    Attributes:
        fleet: which log groups were looked at.
        totals: how many are under a key, under none, and reserved for AWS.
        keys: how many are under which key.
        prefixes: the totals by the beginning of the name, up to two segments of its path.
        key: the key that all should be under; None where any will do.
        uncovered: the log groups that are under no key, or not under *key*; None where nobody asked for their names.
    """

    fleet: Fleet
    totals: Counter[Cover]
    keys: Counter[KeyArn]
    prefixes: dict[str, Counter[Cover]]
    key: KeyArn | None = None
    uncovered: tuple[Listed, ...] | None = None

    @classmethod
    def of(cls, fleet: Fleet, listing: Iterable[Listed], key: KeyArn | None = None, *, named: bool = False) -> Coverage:
        """Count what a *listing* shows, and keep what is not covered where it is to be *named*."""
        keys: Counter[KeyArn] = Counter()
        prefixes: dict[str, Counter[Cover]] = {}
        uncovered = []
        for listed in listing:
            cover = _cover(listed)
            prefixes.setdefault(prefix_of(listed.name), Counter())[cover] += 1
            if listed.key:
                keys[listed.key] += 1
            if named and (cover is not Cover.ENCRYPTED or (key and listed.key != key)):
                uncovered.append(listed)
        totals: Counter[Cover] = sum(prefixes.values(), Counter())
        return cls(fleet, totals, keys, prefixes, key, tuple(uncovered) if named else None)

    @property
    def others(self) -> int:
        """The number of log groups that have a key, and not the one that they should be under."""
        return self.keys.total() - self.keys[self.key] if self.key else 0

    def as_json(self) -> dict[str, object]:
        """Return the object of `--json`."""
        return {
            "command": "report",
            **_where(self.fleet),
            **_covers(self.totals),
            "keys": [{"kms_key_arn": key.text, "log_groups": number} for key, number in self.keys.most_common()],
            "prefixes": [{"prefix": prefix, **_covers(covers)} for prefix, covers in sorted(self.prefixes.items())],
            "log_groups": None
            if self.uncovered is None
            else [
                {"log_group": listed.name, "kms_key_arn": listed.key.text if listed.key else None}
                for listed in self.uncovered
            ],
        }


def prefix_of(name: str) -> str:
    """Return the beginning of *name* up to its second path segment at most; empty where it has no slash."""
    rooted = name.startswith("/")
    folders = name[rooted:].split("/")[:-1][:_SEGMENTS]
    return "/" * rooted + "".join(f"{folder}/" for folder in folders)


def _cover(listed: Listed) -> Cover:
    if listed.key:
        return Cover.ENCRYPTED
    try:
        LogGroupName(listed.name)
    except ValueError:
        return Cover.RESERVED
    return Cover.UNENCRYPTED


def _covers(counts: Counter[Cover]) -> dict[str, int]:
    return {"matched": counts.total(), **{cover.value: counts[cover] for cover in Cover}}


def _where(fleet: Fleet) -> dict[str, object]:
    return {"account": fleet.place.account, "region": fleet.place.region, "prefix": fleet.prefix or "*"}
