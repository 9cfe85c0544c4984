"""The errors, in the words of CloudFormation and CloudWatch Logs.

::

    ProviderError
    ├── InvalidRequest           the template's properties break a rule; every mistake is named
    ├── StaleEvent               CloudFormation gave this event up long ago
    ├── OutOfTime                the deadline passed before the work was done
    ├── ResourceConflict         OnExistingKey says Fail
    │   ├── OwnedByAnotherStack  OnExistingOwner says Fail
    │   └── ClaimLost            a Delete or another resource took the log group over meanwhile
    │       ├── ClaimGone        nobody has a claim now
    │       └── TakenOver        another resource did
    ├── OddKeyInForce            the key in force is shown by something that no tag could remember
    ├── ProtectedLogGroup        the provider's parameter ProtectedLogGroupNames names it
    ├── NotStabilized            accepted, but not visible within its window
    ├── PartlyRefused            AWS refused some log groups of a fleet, the others are done
    ├── KeyUnusable              DescribeKey shows that this key can never encrypt log groups
    └── ApiError                  AWS refused a call
        ├── NotFound             no such log group
        ├── AlreadyExists        the log group was created meanwhile
        ├── ReservedLogGroup     its name belongs to AWS
        ├── LimitExceeded        a quota on the number of things, not on the rate of calls
        ├── InvalidParameter     anything else that AWS calls invalid
        ├── ConcurrentChange     someone else is changing the log group just now
        ├── Throttled            too many calls in this account and Region
        ├── Unavailable          failed in transit or inside AWS: it may have been done all the same
        ├── KeyNotFound          no such key
        └── AccessDenied         refused, for a reason that AWS does not tell apart
            ├── KeyPolicyDenied  the key's policy does not let CloudWatch Logs use it here
            └── RoleDenied       the provider's role lacks a permission
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_group_kms.model.ownership import Owner


class ProviderError(Exception):
    """The root: its text becomes the Reason of a FAILED response."""

    #: Names of all log groups that AWS refused, where a fleet has done the others.
    refused: tuple[str, ...] = ()


class InvalidRequest(ProviderError):
    """The event's properties break a rule; nothing was called and nothing changed."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        numbered = [f"({number}) {mistake}" for number, mistake in enumerate(self.mistakes, 1)]
        super().__init__("; ".join(numbered) if len(numbered) > 1 else self.mistakes[0])


class StaleEvent(ProviderError):
    """The event is older than its own ServiceTimeout: CloudFormation no longer listens."""


class OutOfTime(ProviderError):
    """The deadline passed before the work was done."""


class ResourceConflict(ProviderError):
    """The log group has a key that this resource must not replace."""


class OwnedByAnotherStack(ResourceConflict):
    """An explicit resource of another stack owns the log group, and OnExistingOwner is Fail.

    Attributes:
        owner: that resource.
    """

    def __init__(self, owner: Owner) -> None:
        super().__init__(
            f"The log group belongs to {owner.described}, and OnExistingOwner is Fail, so nothing was changed. "
            "Take the log group out of that stack first, or let this resource take it over with "
            "OnExistingOwner: TakeOver"
        )
        self.owner = owner


class ClaimLost(ResourceConflict):
    """The claim on the log group did not stand until the end."""


class ClaimGone(ClaimLost):
    """Nobody owns the log group now: a Delete passed by, or someone took the tags off."""


class TakenOver(ClaimLost):
    """Another resource owns the log group now.

    Attributes:
        by_fleet: whether that is a fleet, which what is named explicitly goes before.
    """

    def __init__(self, text: str, *, by_fleet: bool) -> None:
        super().__init__(text)
        self.by_fleet = by_fleet


class OddKeyInForce(ProviderError):
    """DescribeLogGroups shows a key that is no key's ARN, so that no Delete could put it back."""


class ProtectedLogGroup(ProviderError):
    """The deployer protects the log group: no template may touch it."""


class NotStabilized(ProviderError):
    """AWS accepted the change but did not show it within the window."""


class PartlyRefused(ProviderError):
    """AWS refused some log groups of a fleet for their own sake; the others are done."""


class KeyUnusable(ProviderError):
    """The key exists, but can never (or not now) encrypt log groups."""


@dataclass(eq=False)
class ApiError(ProviderError):
    """AWS refused a call.

    Attributes:
        operation: the API operation, such as `AssociateKmsKey`.
        code: AWS's error code.
        message: AWS's own words.
        target: the ARN of the log group or query results that the call was about, or empty.
        key: the key that the call was about, as it was given to AWS, or empty.
        waited: seconds that were spent on trying again before this became final.
        cut_short: whether the end of time made it final, and nothing else.
    """

    operation: str
    code: str
    message: str
    target: str = ""
    key: str = ""
    waited: float = 0.0
    cut_short: bool = False

    #: Whether the call may have taken effect although it failed.
    uncertain: ClassVar[bool] = False

    def __str__(self) -> str:
        return f"AWS answered {self.operation} with {self.code}: {self.message}"


class NotFound(ApiError):
    """The log group does not exist."""


class AlreadyExists(ApiError):
    """The log group exists already."""


class ReservedLogGroup(ApiError):
    """Log groups whose name starts with `aws/` belong to AWS."""


class LimitExceeded(ApiError):
    """A quota on the number of things is used up."""


class InvalidParameter(ApiError):
    """AWS calls a parameter invalid and does not say more in its code."""


class ConcurrentChange(ApiError):
    """OperationAborted: someone else is creating or changing the log group."""


class Throttled(ApiError):
    """The account and Region make too many calls a second."""


class Unavailable(ApiError):
    """Failed in transit, or inside AWS."""

    uncertain = True


class KeyNotFound(ApiError):
    """KMS or CloudWatch Logs knows no such key."""


class AccessDenied(ApiError):
    """A refusal whose cause the message does not give away."""


class KeyPolicyDenied(AccessDenied):
    """The key's policy does not (yet) let CloudWatch Logs use it for this target, or there is no such key."""


@dataclass(eq=False)
class RoleDenied(AccessDenied):
    """The provider's role lacks a permission.

    Attributes:
        action: the IAM action that is missing, such as `kms:Encrypt`.
    """

    action: str = ""

    @property
    def about_key(self) -> bool:
        """True where a KMS permission is missing, and not one of CloudWatch Logs."""
        return self.action.startswith("kms:")
