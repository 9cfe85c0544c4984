"""What the rules for every kind of target work with: the event, the ports, and key resolution."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from log_group_kms.decision import Wish
from log_group_kms.errors import KeyUnusable, OutOfTime, ProviderError, Refused, Throttled
from log_group_kms.model import Association, KeyArn, KeyReference, Owner
from log_group_kms.pacing import AT_ONCE, DEFAULT_TEMPO
from log_group_kms.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.waiting import THROTTLED, UNAVAILABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_group_kms.pacing import Tempo, Turns
    from log_group_kms.ports import Keys, LogGroups
    from log_group_kms.waiting import Patience


@dataclass(frozen=True, slots=True)
class Ensure:
    """Create and Update are both this: *desired* is to be so.

    Attributes:
        owner: the resource.
        desired: what its template says.
        former: what its template said before; None on Create, and where that cannot be understood.
        physical_resource_id: the event's own; None on Create.
        former_owner: who the resource was before: another owner where the kind or the scope of its target was another.
        enrolling: whether this is no event of CloudFormation, but enrolment or reconciliation for a fleet.
    """

    owner: Owner
    desired: Association
    former: Association | None = None
    physical_resource_id: str | None = None
    former_owner: Owner | None = None
    enrolling: bool = False

    @property
    def creating(self) -> bool:
        """Whether this is a Create."""
        return self.physical_resource_id is None

    @property
    def new_target(self) -> bool:
        """Whether this is a Create, or an Update to another target, which is a replacement."""
        return self.physical_resource_id != self.desired.target.arn

    def wish(self, key: KeyArn, former_key: KeyArn | None = None) -> Wish:
        """What it wants of a log group; see `Wish`."""
        return Wish(
            self.owner,
            key,
            self.desired.on_existing_key,
            former_key,
            creating=self.creating,
            enrolling=self.enrolling,
            former_owner=self.former_owner,
        )

    @property
    def may_undo(self) -> bool:
        """Whether to put back what was there before where a Delete took the claim away meanwhile.

        Not on an Update: the tags may be gone for another reason, and the key was this resource's before.
        """
        return self.new_target or self.enrolling

    @property
    def changes_key(self) -> bool:
        """Whether the template names another key, or another target, than before."""
        return self.new_target or self.former is None or self.former.key != self.desired.key

    @property
    def id_without_claim(self) -> str:
        """The physical id of a failure that left nothing behind."""
        return self.physical_resource_id or NOTHING_ASSOCIATED


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete is this.

    Attributes:
        owner: the resource.
        former: the association that is to end.
        minted: whether the event's physical id is one that a success of ours answers with.
    """

    owner: Owner
    former: Association
    minted: bool


@dataclass(frozen=True, slots=True)
class Work:
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
    patience: Patience
    if_this_fails: Callable[[str], None]
    tempo: Tempo = DEFAULT_TEMPO
    turns: Turns = AT_ONCE
    spoilt: set[KeyArn] = field(default_factory=set)

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
        description = self.patience.attempt(lambda: self.keys.describe(key))
        if description.defect:
            raise KeyUnusable(f"KmsKeyId {key.text} is the key {description.arn.text}, which {description.defect}")
        return description.arn

    def known(self, key: KeyReference) -> KeyArn | None:
        """The key ARN behind a *key* of former days; None where nobody can tell any more."""
        if isinstance(key, KeyArn):
            return key
        try:
            return self.patience.attempt(lambda: self.keys.describe(key), policies=(THROTTLED, UNAVAILABLE)).arn
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
            except Refused as refusal:
                doubtful = doubtful or refusal.uncertain
                raise

        if event.new_target:
            self.if_this_fails(PERHAPS_ASSOCIATED)
        try:
            self.patience.attempt(watched, before_retry=before_retry)
        except (Refused, OutOfTime):
            if event.new_target and not doubtful:
                self.if_this_fails(event.id_without_claim)
            raise
        if event.new_target:
            self.if_this_fails(event.desired.target.arn)
