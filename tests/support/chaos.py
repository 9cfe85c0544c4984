"""What the models of CloudFormation at random share: mishaps around any call, and the contract for one log group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from log_group_kms.model.association import OnDelete, OnExistingKey
from log_group_kms.model.ownership import Claim, Owner
from support.fake_aws import concurrent_change, key_policy_denied, throttled, unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from log_group_kms.model.keys import KeyArn
    from support.fake_aws import FakeAws

HEALING: Final = (concurrent_change, throttled, unavailable)
#: A key's policy refuses those calls alone that name a key (AssociateKmsKey and CreateLogGroup in CloudWatch Logs' API
#: reference).
HEALING_WITH_A_KEY: Final = (*HEALING, key_policy_denied)

Hook = Callable[[str], None]


class Killed(BaseException):
    """The function's process is gone: nothing after this point runs."""


@dataclass(frozen=True)
class Mishap:
    """Something that happens around the call with this number."""

    call: int
    what: str
    after: bool


@dataclass(frozen=True)
class State:
    """A log group as anybody can see it."""

    key: KeyArn | None
    claim: Claim | None


class Options(Protocol):
    """What a template says of a resource, beside its target."""

    @property
    def key(self) -> KeyArn: ...

    @property
    def on_delete(self) -> OnDelete: ...

    @property
    def on_existing_key(self) -> OnExistingKey: ...


def owned(claim: Claim | None) -> Claim | None:
    """The mark of a Delete that is through is no claim."""
    return None if claim and claim.deleted else claim


def expected_hold(before: State, me: Owner, wanted: Options, former: Options | None) -> State | None:
    """The contract's row for a Create or an Update of one log group; None where it has to fail."""
    claim = before.claim
    sibling = claim is not None and claim.owner.is_sibling_of(me)
    without_tags = claim is None and former is not None and before.key is not None and before.key == former.key
    if before.key not in (None, wanted.key) and not sibling and not without_tags:
        if wanted.on_existing_key is OnExistingKey.KEEP:
            return before
        if wanted.on_existing_key is OnExistingKey.FAIL:
            return None
    previous = None if without_tags else before.key
    if claim and (sibling or claim.deleting):
        previous = claim.previous
    return State(wanted.key, Claim(me, previous))


def expected_release(before: State, me: Owner, wanted: Options, *, minted: bool = True) -> State:
    """The contract's row for a Delete of one log group."""
    if before.claim is None:
        ours = minted and before.key == wanted.key and wanted.on_delete is not OnDelete.RETAIN
        return State(None if ours else before.key, None)
    return given_back(before, me, wanted.on_delete)


def given_back(before: State, me: Owner, on_delete: OnDelete) -> State:
    """What *me* leaves of what it owns; all else stays."""
    if before.claim is None or before.claim.owner != me:
        return before
    left = {
        OnDelete.RESTORE_PREVIOUS: before.claim.previous,
        OnDelete.DISASSOCIATE: None,
        OnDelete.RETAIN: before.key,
    }
    return State(left[on_delete], None)


def response_url(sent_at: float) -> str:
    """Where an event is answered that CloudFormation sent at this time."""
    sent = datetime.fromtimestamp(sent_at, tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"https://cloudformation.example/answer?X-Amz-Date={sent}"


def event_of(
    request_type: str, stack: str, name: str, properties: dict[str, Any], *, sent_at: float, number: int
) -> dict[str, Any]:
    """An event of CloudFormation, without a physical id."""
    return {
        "RequestType": request_type,
        "RequestId": f"request-{number}",
        "ResponseURL": response_url(sent_at),
        "StackId": stack,
        "LogicalResourceId": name,
        "ResourceProperties": properties,
    }


class Strikes:
    """Lets mishaps strike at their calls; each strikes once.

    Args:
        aws: on which they strike.
        mishaps: `killed`, `refused`, and what *act* knows.
        act: does any other mishap, at an operation; no mishap strikes meanwhile.
    """

    def __init__(self, aws: FakeAws, mishaps: Sequence[Mishap], act: Callable[[Mishap, str], None]) -> None:
        self._aws = aws
        self._left = list(mishaps)
        self._act = act
        self._calls = 0

    def before(self, operation: str) -> None:
        self._strike(operation, after=False)

    def after(self, operation: str) -> None:
        self._strike(operation, after=True)
        self._calls += 1

    def _strike(self, operation: str, *, after: bool) -> None:
        for mishap in [mishap for mishap in self._left if (mishap.call, mishap.after) == (self._calls, after)]:
            self._left.remove(mishap)
            match mishap.what:
                case "killed":
                    raise Killed
                case "refused":
                    if not after:
                        with_a_key = operation in ("AssociateKmsKey", "CreateLogGroup")
                        refusals = HEALING_WITH_A_KEY if with_a_key else HEALING
                        self._aws.refuse(operation, refusals[mishap.call % len(refusals)](operation))
                case _:
                    hooks: tuple[Hook, Hook] = self._aws.before, self._aws.after
                    self._aws.before = self._aws.after = lambda _: None
                    self._act(mishap, operation)
                    self._aws.before, self._aws.after = hooks
