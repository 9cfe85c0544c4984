"""What the rules for every kind of target work with: the ports and key resolution."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from log_group_kms.model.errors import ApiError, KeyUnusable, OutOfTime, ProviderError, Throttled
from log_group_kms.model.keys import KeyArn, KeyReference
from log_group_kms.model.physical_id import PERHAPS_ASSOCIATED
from log_group_kms.retry.policies import THROTTLED, UNAVAILABLE
from log_group_kms.retry.rate_limits import DEFAULT_RATE_LIMITS, UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.association.ports import Keys, LogGroups
    from log_group_kms.association.requests import Ensure
    from log_group_kms.retry.rate_limits import RateLimiter, RateLimits
    from log_group_kms.retry.retrier import Retrier


@dataclass(frozen=True, slots=True)
class Context:
    """One event's ports.

    Attributes:
        log_groups: CloudWatch Logs.
        keys: KMS.
        patience: asks again.
        if_this_fails: is told, as that becomes known, with which physical id a failure is to be answered.
        tempo: how fast a fleet goes.
        turns: admits each call of AssociateKmsKey and DisassociateKmsKey for a log group.
        spoilt: previous keys that could not be put back: for the next log group nobody waits for them any more.
    """

    log_groups: LogGroups
    keys: Keys
    retrier: Retrier
    if_this_fails: Callable[[str], None]
    rate_limits: RateLimits = DEFAULT_RATE_LIMITS
    turns: RateLimiter = UNLIMITED
    unrestorable: set[KeyArn] = field(default_factory=set)

    def change(self, call: Callable[[], None]) -> None:
        """Make the *call* of AssociateKmsKey or DisassociateKmsKey for a log group when its turn comes.

        Raises:
            Refused: what the call raises.
            OutOfTime: the turn would come too late.
        """
        self.turns.take()
        try:
            call()
        except Throttled:
            self.turns.refused()
            raise
        self.turns.accepted()

    def resolve(self, key: KeyReference) -> KeyArn:
        """The key ARN behind *key*: DescribeLogGroups shows nothing else, so anything else would never read back.

        Raises:
            KeyUnusable: KMS says that this key cannot encrypt log groups.
            Refused: KMS does not know the key, or may not be asked.
        """
        if isinstance(key, KeyArn):
            return key
        description = self.retrier.attempt(lambda: self.keys.describe(key))
        if description.defect:
            raise KeyUnusable(f"KmsKeyId {key.text} is the key {description.arn.text}, which {description.defect}")
        return description.arn

    def known(self, key: KeyReference) -> KeyArn | None:
        """The key ARN behind a *key* of former days; None where nobody can tell any more."""
        if isinstance(key, KeyArn):
            return key
        try:
            return self.retrier.attempt(lambda: self.keys.describe(key), policies=(THROTTLED, UNAVAILABLE)).arn
        except ProviderError:
            return None

    def first_change(
        self, event: Ensure, call: Callable[[], None], before_retry: Callable[[], None] = lambda: None
    ) -> None:
        """Make the *call* that first changes something.

        Once it is made, a failure of a Create (or of an Update to another target) is answered with the id that a
        success would have, so that the Delete that follows undoes it; not where AWS refused the call for certain.
        """
        doubtful = False

        def watched() -> None:
            nonlocal doubtful
            try:
                call()
            except ApiError as refusal:
                doubtful = doubtful or refusal.uncertain
                raise

        if event.new_target:
            self.if_this_fails(PERHAPS_ASSOCIATED)
        try:
            self.retrier.attempt(watched, before_retry=before_retry)
        except (ApiError, OutOfTime):
            if event.new_target and not doubtful:
                self.if_this_fails(event.id_without_claim)
            raise
        if event.new_target:
            self.if_this_fails(event.association.target.arn)
