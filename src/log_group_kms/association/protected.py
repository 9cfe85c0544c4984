"""A log group that the deployer protects: nothing of a template changes it.

The roles have an explicit Deny on these names, so that IAM holds it. What stands here says so in the answer, before
anything is called.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from log_group_kms.model.errors import ProtectedLogGroup
from log_group_kms.model.results import Outcome

if TYPE_CHECKING:
    from log_group_kms.association.requests import Ensure, Remove
    from log_group_kms.model.targets import LogGroup


@dataclass(frozen=True, slots=True)
class ProtectedLogGroupRules:
    """The rules for one log group that `ProtectedLogGroupNames` names: no call is made about it."""

    log_group: LogGroup

    def ensure(self, _event: Ensure, /) -> NoReturn:
        """Refuse a Create and an Update.

        Raises:
            ProtectedLogGroup: always.
        """
        raise self._refused()

    def remove(self, _event: Remove, /) -> Outcome:
        """Leave it as it is. A Delete must not fail for that: its stack could never go."""
        note = "The provider's parameter ProtectedLogGroupNames protects the log group; it was left as it is"
        return Outcome(self.log_group, None, skipped=1, note=note)

    def check_claim(self, _event: Ensure, /) -> NoReturn:
        """Refuse what an invocation before this one began with; the name was not protected then.

        Raises:
            ProtectedLogGroup: always.
        """
        raise self._refused()

    def _refused(self) -> ProtectedLogGroup:
        return ProtectedLogGroup(
            f"{self.log_group.arn} is protected by the provider's parameter ProtectedLogGroupNames, so nothing was "
            "changed: take it out of this template, or ask whoever deploys the provider to take the name out of that "
            "parameter"
        )
