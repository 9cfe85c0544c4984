"""One event from its properties to what CloudFormation is told, over as many invocations as its waiting needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from log_group_kms import lifecycle
from log_group_kms.errors import ClaimLost, StaleEvent
from log_group_kms.model import LogGroup
from log_group_kms.request import Ignore, parse_event, parse_service_timeout
from log_group_kms.work import Ensure, Remove

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.envelope import Envelope
    from log_group_kms.model import Outcome, Place
    from log_group_kms.work import Work

#: Where a further invocation finds what the one before left; CloudFormation sends no such key.
PROGRESS: Final = "LogGroupKmsAssociationProgress"

#: Seconds. A call that hangs (20), its diagnosis and the answer must fit between the last call's begin and the end ...
_MARGIN: Final = 25.0
#: ... but at most this share of the time that there is.
_MARGIN_SHARE: Final = 0.4

#: Seconds before the deadline that a wait leaves for a last look at the claim.
_LAST_LOOK: Final = 5.0


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Until when to work; all in seconds since the epoch.

    Attributes:
        invocation: when this invocation must have answered or handed on.
        stack: when CloudFormation must have its answer; infinite where the event does not say when it was sent.
    """

    invocation: float
    stack: float = float("inf")

    @classmethod
    def of(cls, envelope: Envelope, event: Mapping[str, object], now: float, seconds_left: float) -> Deadlines:
        """The deadlines of an invocation that Lambda ends in *seconds_left*.

        Raises:
            StaleEvent: CloudFormation has given this event up.
        """
        invocation = now + seconds_left - _margin(seconds_left)
        if envelope.sent_at is None:
            return cls(invocation)
        patience = parse_service_timeout(event.get("ResourceProperties"))
        if now >= envelope.sent_at + patience:
            raise StaleEvent(
                f"This event is {now - envelope.sent_at:.0f} s old and CloudFormation waited {patience} s for it "
                "(ServiceTimeout), so nothing was changed"
            )
        return cls(invocation, envelope.sent_at + patience - _margin(patience))

    @property
    def earliest(self) -> float:
        """Until when to ask AWS again."""
        return min(self.invocation, self.stack)


@dataclass(frozen=True, slots=True)
class Done:
    """The event ended well.

    Attributes:
        physical_resource_id: what CloudFormation is to know the resource by.
        data: the return values for Fn::GetAtt.
        reason: what the user should know.
    """

    physical_resource_id: str
    data: Mapping[str, str]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Propagating:
    """Associated and read back; the answer waits for PropagationWaitSeconds.

    Attributes:
        until: when to answer, in seconds since the epoch.
        done: the answer.
    """

    until: float
    done: Done

    def as_json(self) -> dict[str, object]:
        """For the event of a further invocation."""
        return asdict(self)

    @classmethod
    def of_json(cls, value: object) -> Propagating | None:
        """What an invocation before left; None where there is nothing."""
        match value:
            case None:
                return None
            case {
                "until": float() | int() as until,
                "done": {
                    "physical_resource_id": str() as physical_id,
                    "data": dict() as data,
                    "reason": str() as reason,
                },
            }:
                return cls(until, Done(physical_id, data, reason))
            case _:
                raise ValueError(f"{PROGRESS} is none that this function writes")


def respond(
    envelope: Envelope, event: Mapping[str, object], place: Place, work: Work, deadlines: Deadlines
) -> Done | Propagating:
    """Do what *event* asks; `Propagating` where a further invocation has to go on.

    Raises:
        ProviderError: what CloudFormation is to be told as a failure.
    """
    match parse_event(envelope, event, place):
        case Ensure() as ensure:
            progress = Propagating.of_json(event.get(PROGRESS))
            return _wait(ensure, progress, work, deadlines) if progress else _ensure(ensure, work, deadlines)
        case Remove() as remove:
            outcome = lifecycle.remove(work, remove)
            return Done(envelope.physical_resource_id or outcome.target.arn, {}, outcome.note)
        case Ignore(why):
            return Done(envelope.physical_resource_id or place.logs_arn("nothing"), {}, why)


def _ensure(event: Ensure, work: Work, deadlines: Deadlines) -> Done | Propagating:
    outcome = lifecycle.ensure(work, event)
    done = Done(outcome.target.arn, _return_values(outcome), outcome.note)
    if not (outcome.settling and event.desired.propagation_wait):
        return done
    return _wait(event, Propagating(work.patience.clock.now() + event.desired.propagation_wait, done), work, deadlines)


def _wait(event: Ensure, progress: Propagating, work: Work, deadlines: Deadlines) -> Done | Propagating:
    """Sleep as long as this invocation may; Lambda ends chains of some 16 quick ones.

    After such a wait the claim is looked at again: a Delete may have passed by.
    """
    if event.new_target:
        work.if_this_fails(event.desired.target.arn)
    clock = work.patience.clock
    until = min(progress.until, deadlines.stack - _LAST_LOOK)
    clock.sleep(max(0.0, min(until, deadlines.invocation - _LAST_LOOK) - clock.now()))
    if clock.now() < until:
        return progress
    try:
        lifecycle.still_owns(work, event)
    except ClaimLost:
        work.if_this_fails(event.id_without_claim)
        raise
    missing = progress.until - until
    if missing < 1:
        return progress.done
    note = f"ServiceTimeout was too near for the whole of PropagationWaitSeconds: {missing:.0f} s were not waited"
    return replace(progress.done, reason=f"{progress.done.reason} {note}".strip())


def _return_values(outcome: Outcome) -> dict[str, str]:
    """Always all of them and always strings, so that Fn::GetAtt never fails."""
    log_group = outcome.target if isinstance(outcome.target, LogGroup) else None
    return {
        "KmsKeyArn": outcome.key.text if outcome.key else "",
        "PreviousKmsKeyArn": outcome.previous.text if outcome.previous else "",
        "LogGroupName": log_group.name.text if log_group else "",
        "LogGroupArn": log_group.arn if log_group else "",
        "MatchedCount": str(outcome.associated + outcome.compliant + outcome.skipped),
        "AssociatedCount": str(outcome.associated),
        "CompliantCount": str(outcome.compliant),
        "SkippedCount": str(outcome.skipped),
    }


def _margin(seconds: float) -> float:
    return min(_MARGIN, seconds * _MARGIN_SHARE)
