"""The association that a template asks for, and its options."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, cast

from log_group_kms.model.targets import Exclusions, Target

if TYPE_CHECKING:
    from log_group_kms.model.keys import KeyReference


class OnDelete(StrEnum):
    """The rule for the key when a Delete comes."""

    RESTORE_PREVIOUS = "RestorePrevious"
    DISASSOCIATE = "Disassociate"
    RETAIN = "Retain"


class OnExistingKey(StrEnum):
    """The rule for a log group that has another key, which is not this resource's own."""

    OVERRIDE = "Override"
    KEEP = "Keep"
    FAIL = "Fail"

    @classmethod
    def default_for(cls, kind: type[Target]) -> OnExistingKey:
        """Return the rule where a template names none.

        Who names one log group means that one; a fleet must not replace a team's own key unasked.
        """
        return cls.KEEP if kind.many else cls.OVERRIDE


class OnExistingOwner(StrEnum):
    """The rule for a log group that an explicit resource of another stack owns."""

    FAIL = "Fail"
    TAKE_OVER = "TakeOver"


class OnRefusedLogGroup(StrEnum):
    """The rule for a fleet of which AWS refuses single log groups for their own sake."""

    SKIP = "Skip"
    FAIL = "Fail"


class OnMissingLogGroup(StrEnum):
    """The rule for a log group that does not exist."""

    FAIL = "Fail"
    CREATE = "Create"


#: In the metadata of a field: the function that returns its default for a kind of target.
DEFAULT_FOR: Final = "default_for"


@dataclass(frozen=True, slots=True)
class Association:
    """An association that a template asks for: this target under this key, with these options."""

    target: Target
    key: KeyReference
    on_delete: OnDelete = OnDelete.RESTORE_PREVIOUS
    #: None until the target's kind has decided, see `__post_init__`: nobody else meets it so.
    on_existing_key: OnExistingKey = field(
        default=cast("OnExistingKey", None), metadata={DEFAULT_FOR: OnExistingKey.default_for}
    )
    on_existing_owner: OnExistingOwner = OnExistingOwner.FAIL
    on_missing_log_group: OnMissingLogGroup = OnMissingLogGroup.FAIL
    on_refused_log_group: OnRefusedLogGroup = OnRefusedLogGroup.SKIP
    propagation_wait: int = 0
    exclude: Exclusions = field(default_factory=Exclusions)

    def __post_init__(self) -> None:
        if not self.on_existing_key:
            object.__setattr__(self, "on_existing_key", OnExistingKey.default_for(type(self.target)))

    @property
    def overrides(self) -> bool:
        """True where another key is replaced, which is not this resource's own."""
        return self.on_existing_key is OnExistingKey.OVERRIDE

    @property
    def fails_on_refused(self) -> bool:
        """True where the event fails, once all others are done, if AWS refuses single log groups."""
        return self.on_refused_log_group is OnRefusedLogGroup.FAIL

    @property
    def looks_first(self) -> bool:
        """True where nothing may be changed before all was looked at."""
        return self.on_existing_key is OnExistingKey.FAIL
