"""Triage: whose fault is an error? A single log group is put aside; where the key or the role is at fault, all ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from log_group_kms.model.errors import (
    ApiError,
    ConcurrentChange,
    InvalidParameter,
    KeyPolicyDenied,
    LimitExceeded,
    NotStabilized,
    OddKeyInForce,
    PartlyRefused,
    ProviderError,
    RoleDenied,
    Throttled,
    Unavailable,
)
from log_group_kms.retry.policies import FLEET, FLEET_IN_PASSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_group_kms.association.gateway import KeyResolver
    from log_group_kms.fleet.checkpoint import Checkpoint
    from log_group_kms.fleet.cutoff import Cutoff
    from log_group_kms.model.keys import KeyArn
    from log_group_kms.model.targets import Fleet
    from log_group_kms.retry.policies import RetryPolicy

#: What AWS answers whichever log group it is asked about, beside throttling: the credentials are no good (AWS's common
#: errors).
_CREDENTIALS: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
#: What is a single log group's own fault: 50 tags already, someone at work on it.
_CERTAINLY_ITS_OWN: Final = (ConcurrentChange, LimitExceeded, NotStabilized, OddKeyInForce)
#: With more than so many refused one after the other before anything was changed, the fault is not theirs. That takes
#: ten seconds, and whoever protects fifty log groups whose names come first can exclude them.
_MOST_IN_A_ROW: Final = 50
#: So many of those refused are named.
_NAMED: Final = 5


class Triage:
    """The judge of errors: what one on one log group means for the others; workers share it.

    Args:
        keys: KMS.
        cutoff: knows an error from the end of time.
        enrolling: True where no stack asks: then a key at fault does not hold up the log groups that have it.
    """

    def __init__(self, keys: KeyResolver, cutoff: Cutoff, *, enrolling: bool) -> None:
        self._keys = keys
        self._cutoff = cutoff
        self._enrolling = enrolling
        self._lock = threading.Lock()
        self._key: KeyArn | None = None
        self._refused: list[str] = []
        self._first_error: ProviderError | None = None
        self._in_a_row = 0
        self._proved = False
        self._tolerant = True

    def begin(self, checkpoint: Checkpoint) -> None:
        """Start a pass."""
        with self._lock:
            self._key = checkpoint.wanted_key
            self._refused = list(checkpoint.refused)
            self._in_a_row = 0
            # What there is under the key shows that it can be.
            self._tolerant = self._enrolling or checkpoint.claimed or checkpoint.counts.compliant > 0

    @property
    def proved(self) -> bool:
        """True once a change has worked: until then they go one by one, so that a key at fault is met once."""
        with self._lock:
            return self._proved

    def prove(self) -> None:
        """Note that the role is able to change a log group."""
        with self._lock:
            self._proved = True

    def went_well(self) -> None:
        """Note a log group that was not refused."""
        with self._lock:
            self._in_a_row = 0

    @property
    def refused(self) -> tuple[str, ...]:
        """Names of log groups that AWS refused, the first few."""
        with self._lock:
            return tuple(self._refused[:_NAMED])

    def policies(self, *, patient: bool) -> Sequence[RetryPolicy]:
        """Return what is asked again for one log group; a *patient* pass waits for whoever is at work on it."""
        policies: Sequence[RetryPolicy] = FLEET if patient else FLEET_IN_PASSING
        with self._lock:
            # After the first refusal of a kind nobody waits for the next: what the role may not do to one log group, it
            # may not later either.
            role_is_able = self._proved or self._tolerant or self._in_a_row > 0
            key_is_allowed = self._proved and self._enrolling
        if role_is_able:
            policies = tuple(policy for policy in policies if policy.on is not RoleDenied)
        if key_is_allowed:
            # So does the key's policy allow it, but for some log groups.
            policies = tuple(policy for policy in policies if policy.on is not KeyPolicyDenied)
        return policies

    def put_aside(self, name: str, error: ProviderError, *, patient: bool) -> None:
        """Put one log group aside for the last pass and, in that *patient* one, for the end of it.

        Raises:
            ProviderError: the *error*, where no other log group would fare better.
        """
        if self._cutoff.cut_short(error) or not _may_be_its_own(error):
            raise error
        if self._is_the_keys(error) and not (self._enrolling and self.proved):
            raise error
        with self._lock:
            if not isinstance(error, _CERTAINLY_ITS_OWN) and not self._proved:
                self._in_a_row += 1
                if self._in_a_row > _MOST_IN_A_ROW:
                    raise error
            if patient:
                self._refused.append(name)
                self._first_error = self._first_error or error

    def raise_first(self) -> None:
        """Raise what was put aside.

        Raises:
            ProviderError: the first error.
        """
        with self._lock:
            error = self._first_error
        if error:
            raise error

    def failure(self, fleet: Fleet, checkpoint: Checkpoint) -> ProviderError:
        """Return what is raised when all log groups are done but those that were refused."""
        with self._lock:
            error, refused = self._first_error, tuple(self._refused)
        failure = error or PartlyRefused(f"AWS refused log groups of {fleet.arn} for their own sake")
        failure.refused = refused
        failure.add_note(f"Refused: {', '.join(checkpoint.refused)}; the log has them all. {checkpoint.summary}")
        return failure

    def _is_the_keys(self, error: ProviderError) -> bool:
        """Return whether the key is at fault, and not the log group: AWS's words do not always say."""
        if isinstance(error, KeyPolicyDenied) or (isinstance(error, RoleDenied) and error.about_key):
            return True
        with self._lock:
            key, proved = self._key, self._proved
        if not isinstance(error, InvalidParameter) or key is None or error.key != key.text:
            return False
        try:
            return self._keys.is_defective(key)
        except ApiError:
            return not proved


def _may_be_its_own(error: ProviderError) -> bool:
    """Return whether a single log group may be at fault."""
    if isinstance(error, _CERTAINLY_ITS_OWN):
        return True
    return (
        isinstance(error, ApiError)
        and not isinstance(error, Throttled | Unavailable)
        and error.code not in _CREDENTIALS
    )
