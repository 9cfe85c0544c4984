"""The way to CloudWatch Logs and KMS: each call asked again while that may help, and at the pace that is set.

The rules above say what is to be done. How often it is tried, how fast, and what a failure leaves behind is decided
here.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from log_group_kms.association.trail import Footprint, Trail
from log_group_kms.model.errors import (
    AccessDenied,
    ApiError,
    InvalidParameter,
    KeyNotFound,
    KeyUnusable,
    NotFound,
    ProviderError,
    RoleDenied,
    Throttled,
)
from log_group_kms.model.keys import KeyArn, KeyReference
from log_group_kms.retry.policies import THROTTLED, UNAVAILABLE, restoring
from log_group_kms.retry.rate_limits import Call
from log_group_kms.retry.retrier import no_guard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from log_group_kms.association.ports import Keys, LogGroups
    from log_group_kms.model.keys import KeyDescription
    from log_group_kms.model.ownership import Claim, Marks, Owner
    from log_group_kms.model.results import Page
    from log_group_kms.model.targets import Fleet, LogGroup, QueryResults
    from log_group_kms.retry.rate_limits import Pace
    from log_group_kms.retry.retrier import Retrier

    #: Is called before each retry, and raises where the retry must not be made.
    Guard = Callable[[], None]

T = TypeVar("T")


class UnrestorableKeys:
    """Previous keys that could not be put back; several threads share them."""

    def __init__(self) -> None:
        self._keys: set[KeyArn] = set()
        self._lock = threading.Lock()

    def remember(self, key: KeyArn) -> None:
        """Remember *key*: for the next log group nobody waits for it any more."""
        with self._lock:
            self._keys.add(key)

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._keys


@dataclass(frozen=True, slots=True)
class Gateway:
    """CloudWatch Logs, asked again under the retrier's policies.

    Every method may raise the last ApiError, and OutOfTime where there was no time for a first try. A method that
    changes something takes a *guard*; what that raises is raised here.

    Attributes:
        port: CloudWatch Logs.
        retrier: asks again.
        trail: records what a failure leaves behind.
        pace: admits each call about a log group; None where there is nothing to space.
        fence: is called just before each call that claims or associates, and raises where it must not be made.
        unrestorable: previous keys that could not be put back.
    """

    port: LogGroups
    retrier: Retrier
    trail: Trail
    pace: Pace | None = None
    fence: Guard = no_guard
    unrestorable: UnrestorableKeys = field(default_factory=UnrestorableKeys)

    # --- reading ------------------------------------------------------------------------------------------------------

    def key_of(self, log_group: LogGroup) -> KeyArn | None:
        """Return the key in force; None where there is none."""
        return self._attempt(Call.READ_KEY, lambda: self.port.key_of(log_group))

    def tags_of(self, log_group: LogGroup, guard: Guard = no_guard) -> Claim | None:
        """Return what the tags say, also where a Delete is through."""
        return self._attempt(Call.READ_TAGS, lambda: self.port.claim_on(log_group), guard)

    def claim_on(self, log_group: LogGroup, guard: Guard = no_guard) -> Claim | None:
        """Return the claim; None where nobody owns the log group."""
        claim = self.tags_of(log_group, guard)
        return None if claim and claim.deleted else claim

    def marks_on(self, log_group: LogGroup, owner: Owner) -> Marks:
        """Return the marks that *owner*'s events left on the log group."""
        return self._attempt(Call.READ_TAGS, lambda: self.port.marks_on(log_group, owner))

    def page(self, fleet: Fleet, token: str) -> Page:
        """Return a page of the *fleet*'s log groups."""
        return self.retrier.attempt(lambda: self.port.page(fleet, token))

    def claimed(self, owners: Sequence[str], token: str) -> tuple[Sequence[str], str] | None:
        """Return a page of names by their owner tags; see `ports.LogGroups`."""
        return self.retrier.attempt(lambda: self.port.claimed(owners, token))

    def wait_for_key(self, log_group: LogGroup, key: KeyArn, *, created: bool = False) -> None:
        """Look until DescribeLogGroups shows *key*; one that was *created* just now may be shown late.

        Raises:
            NotStabilized: it does not.
        """

        def seen_instead() -> str:
            try:
                seen = self.key_of(log_group)
            except NotFound:
                if not created:
                    raise
                return f"AWS created {log_group.arn}, but DescribeLogGroups does not show it yet: deploy again"
            if seen == key:
                return ""
            shown = seen.text if seen else "no key"
            return (
                f"AWS accepted {key.text} for {log_group.arn}, but DescribeLogGroups still shows {shown}: deploy "
                "again, or see with CloudTrail who else changes it"
            )

        self.retrier.until(seen_instead)

    # --- what an event changes first: its failure leaves something behind from then on --------------------------------

    def claim(self, log_group: LogGroup, claim: Claim, guard: Guard) -> None:
        """Write *claim* for an event that has claimed nothing yet."""
        self._first_change(
            self._admitted(Call.WRITE_TAGS, lambda: self.port.write_claim(log_group, claim), self.fence), guard
        )

    def create(self, log_group: LogGroup, key: KeyArn, claim: Claim) -> None:
        """Create the log group, encrypted and claimed."""
        self._first_change(lambda: self.port.create(log_group, key, claim))

    def associate_unclaimed(self, query_results: QueryResults, key: KeyArn) -> None:
        """Associate *key* with what cannot be claimed."""
        self._first_change(lambda: self.port.associate(query_results, key))

    def _first_change(self, call: Callable[[], None], guard: Guard = no_guard) -> None:
        doubtful = False

        def watched() -> None:
            nonlocal doubtful
            try:
                call()
            except ApiError as error:
                doubtful = doubtful or error.uncertain
                raise

        self.trail.leave(Footprint.PERHAPS)
        try:
            self.retrier.attempt(watched, guard=guard)
        except ProviderError:
            if not doubtful:
                self.trail.leave(Footprint.NOTHING)
            raise
        self.trail.leave(Footprint.CLAIMED)

    # --- all other changes --------------------------------------------------------------------------------------------

    def rewrite_claim(self, log_group: LogGroup, claim: Claim, guard: Guard) -> None:
        """Write *claim* over the one that was read."""
        self._attempt(Call.WRITE_TAGS, lambda: self.port.write_claim(log_group, claim), guard)

    def remove_claim(self, log_group: LogGroup, guard: Guard) -> None:
        """Remove the claim's tags."""
        self._attempt(Call.REMOVE_TAGS, lambda: self.port.remove_claim(log_group), guard)

    def write_marks(self, log_group: LogGroup, owner: Owner, marks: Marks) -> None:
        """Write *owner*'s *marks*."""
        self._attempt(Call.WRITE_TAGS, lambda: self.port.write_marks(log_group, owner, marks))

    def remove_marks(self, log_group: LogGroup, owner: Owner, marks: Marks) -> None:
        """Remove *owner*'s *marks*."""
        self._attempt(Call.REMOVE_TAGS, lambda: self.port.remove_marks(log_group, owner, marks))

    def associate(self, log_group: LogGroup, key: KeyArn, guard: Guard) -> None:
        """Associate *key*."""
        call = self._admitted(Call.CHANGE_KEY, lambda: self.port.associate(log_group, key), self.fence)
        self.retrier.attempt(call, guard=guard)

    def disassociate(self, target: LogGroup | QueryResults, guard: Guard = no_guard) -> None:
        """Take the key away."""
        self._attempt(Call.CHANGE_KEY, lambda: self.port.disassociate(target), guard)

    def restore(self, log_group: LogGroup, previous: KeyArn, guard: Guard) -> ApiError | None:
        """Put the *previous* key back.

        Returns:
            The error where that key is not usable any more; None where it is in force.
        """
        policies = restoring(self.retrier.policies, unrestorable=previous in self.unrestorable)
        try:
            self.retrier.attempt(
                self._admitted(Call.CHANGE_KEY, lambda: self.port.associate(log_group, previous)),
                policies=policies,
                guard=guard,
            )
        except (AccessDenied, InvalidParameter, KeyNotFound) as error:
            if isinstance(error, RoleDenied) and not error.about_key:
                raise
            self.unrestorable.remember(previous)
            return error
        return None

    def at_once(self) -> Gateway:
        """Return the same without a pace."""
        return replace(self, pace=None)

    def _attempt(self, kind: Call, call: Callable[[], T], guard: Guard = no_guard) -> T:
        return self.retrier.attempt(self._admitted(kind, call), guard=guard)

    def _admitted(self, kind: Call, call: Callable[[], T], fence: Guard = no_guard) -> Callable[[], T]:
        """Return *call* at the pace, and behind the *fence*, which knows best just before it."""
        pace = self.pace

        def admitted() -> T:
            if pace is None:
                fence()
                return call()
            pace.take(kind)
            fence()
            try:
                result = call()
            except Throttled:
                pace.refused()
                raise
            pace.accepted()
            return result

        return admitted


@dataclass(frozen=True, slots=True)
class KeyResolver:
    """Finds the ARN of a key that a template names.

    Attributes:
        port: KMS.
        retrier: asks again.
    """

    port: Keys
    retrier: Retrier

    def resolve(self, key: KeyReference) -> KeyArn:
        """Return the key ARN behind *key*: DescribeLogGroups shows nothing else, so only that would ever read back.

        Raises:
            KeyUnusable: KMS says that this key cannot encrypt log groups.
            ApiError: KMS does not know the key, or may not be asked.
        """
        if isinstance(key, KeyArn):
            return key
        description = self.describe(key)
        if description.defect:
            raise KeyUnusable(f"KmsKeyId {key.text} is the key {description.arn.text}, which {description.defect}")
        return description.arn

    def describe(self, key: KeyReference) -> KeyDescription:
        """Return what KMS says of *key*.

        Raises:
            ApiError: KMS does not know the key, or may not be asked.
        """
        return self.retrier.attempt(lambda: self.port.describe(key))

    def known(self, key: KeyReference | None) -> KeyArn | None:
        """Return the key ARN behind a former *key*; None where KMS no longer knows it."""
        if key is None or isinstance(key, KeyArn):
            return key
        try:
            return self.retrier.attempt(lambda: self.port.describe(key), policies=(THROTTLED, UNAVAILABLE)).arn
        except ProviderError:
            return None

    def is_defective(self, key: KeyArn) -> bool:
        """Ask KMS once, without a retry, for a fault of *key*.

        Raises:
            ApiError: KMS does not answer.
        """
        return self.port.describe(key).defect != ""
