"""The association that a template asks for, and its options."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from log_group_kms.model.targets import Exclusions, Target

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyReference


class OnDelete(StrEnum):
    """The ways in which a Delete treats the key of what it owns."""

    RESTORE_PREVIOUS = "RestorePrevious"
    DISASSOCIATE = "Disassociate"
    RETAIN = "Retain"


class OnExistingKey(StrEnum):
    """The ways to treat a log group that has another key which is not this resource's own."""

    OVERRIDE = "Override"
    KEEP = "Keep"
    FAIL = "Fail"


class OnMissingLogGroup(StrEnum):
    """The ways to treat a log group that is not there."""

    FAIL = "Fail"
    CREATE = "Create"


@dataclass(frozen=True, slots=True)
class Association:
    """The association that a template asks for: this target under this key, and how."""

    target: Target
    key: KeyReference
    on_delete: OnDelete = OnDelete.RESTORE_PREVIOUS
    on_existing_key: OnExistingKey = OnExistingKey.OVERRIDE
    on_missing_log_group: OnMissingLogGroup = OnMissingLogGroup.FAIL
    propagation_wait: int = 0
    exclude: Exclusions = field(default_factory=Exclusions)

    @property
    def looks_first(self) -> bool:
        """True where nothing may be changed before all was looked at."""
        return self.on_existing_key is OnExistingKey.FAIL
