"""The context of one event: its way to AWS, the time that is left, and its trail."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from log_group_kms.association.gateway import Gateway, KeyResolver, UnrestorableKeys
from log_group_kms.association.trail import Trail
from log_group_kms.model.targets import Exclusions
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS

if TYPE_CHECKING:
    from log_group_kms.association.ports import Keys, LogGroups, Stacks
    from log_group_kms.model.ownership import Owner
    from log_group_kms.retry.rate_limits import Pace, RateLimits
    from log_group_kms.retry.retrier import Retrier

_NOTHING: Final = Exclusions()


class AllStacksStand:
    """CloudFormation where nobody may ask it: no stack is known to be gone."""

    def is_gone(self, owner: Owner) -> bool:  # noqa: ARG002 - whoever it is
        """See `ports.Stacks`."""
        return False


@dataclass(frozen=True, slots=True)
class Context:
    """One event's way to AWS.

    Attributes:
        logs: CloudWatch Logs, with retries.
        keys: KMS, with retries.
        rate_limits: how fast a fleet goes.
        stacks: CloudFormation, which is asked where another stack's claim is in the way.
        protected: the log groups that nothing may change, whoever asks.
    """

    logs: Gateway
    keys: KeyResolver
    rate_limits: RateLimits = DEFAULT_RATE_LIMITS
    stacks: Stacks = field(default_factory=AllStacksStand)
    protected: Exclusions = _NOTHING

    @classmethod
    def of(
        cls,
        log_groups: LogGroups,
        keys: Keys,
        retrier: Retrier,
        trail: Trail | None = None,
        rate_limits: RateLimits = DEFAULT_RATE_LIMITS,
    ) -> Context:
        """Return the context of an event that has these ports and this time; its *trail* is what a failure leaves."""
        logs = Gateway(log_groups, retrier, trail or Trail(), unrestorable=UnrestorableKeys())
        return cls(logs, KeyResolver(keys, retrier), rate_limits)

    def protecting(self, names: Exclusions) -> Context:
        """Return the same, but that nothing changes the log groups of these *names*."""
        return replace(self, protected=names)

    @property
    def retrier(self) -> Retrier:
        """The time that is left, and the policies."""
        return self.logs.retrier

    @property
    def trail(self) -> Trail:
        """The trail: what a failure leaves behind."""
        return self.logs.trail

    def asking(self, stacks: Stacks) -> Context:
        """Return the same, where *stacks* may be asked."""
        return replace(self, stacks=stacks)

    def under(self, retrier: Retrier, *, pace: Pace | None = None, trail: Trail | None = None) -> Context:
        """Return the same with another *retrier*, and with another *pace* and *trail* where they are given."""
        logs = replace(self.logs, retrier=retrier, pace=pace or self.logs.pace, trail=trail or self.logs.trail)
        return replace(self, logs=logs, keys=replace(self.keys, retrier=retrier))
