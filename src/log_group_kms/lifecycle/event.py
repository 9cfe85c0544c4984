"""One event from its properties to what CloudFormation is told, over as many invocations as its waiting needs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.fleet.checkpoint import Checkpoint
from log_group_kms.lifecycle import kinds as lifecycle
from log_group_kms.model.errors import ClaimLost, OutOfTime, StaleEvent
from log_group_kms.model.targets import Fleet, LogGroup
from log_group_kms.request.parse import Ignore, parse_event, parse_service_timeout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.association.context import Context
    from log_group_kms.cloudformation.envelope import Envelope
    from log_group_kms.model.results import Outcome
    from log_group_kms.model.targets import Place

#: Where a further invocation finds what the one before left; CloudFormation sends no such key.
PROGRESS: Final = "LogGroupKmsAssociationProgress"

#: Seconds. A call that hangs (20), its diagnosis and the answer must fit between the last call's begin and the end ...
_MARGIN: Final = 25.0
#: ... but at most this share of the time that there is.
_MARGIN_SHARE: Final = 0.4

#: Seconds before the deadline that a wait leaves for a last look at the claim.
_LAST_LOOK: Final = 5.0

#: Seconds. Below that, a further invocation would begin nothing before it had to answer.
_SHORTEST_HOP: Final = 30.0


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
        retrier = parse_service_timeout(event.get("ResourceProperties"))
        if now >= envelope.sent_at + retrier:
            raise StaleEvent(
                f"This event is {now - envelope.sent_at:.0f} s old and CloudFormation waited {retrier} s for it "
                "(ServiceTimeout), so nothing was changed"
            )
        return cls(invocation, envelope.sent_at + retrier - _margin(retrier))

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
        witnesses: see `Outcome`.
    """

    until: float
    done: Done
    sentinels: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """For the event of a further invocation."""
        return asdict(self)

    @classmethod
    def of_json(cls, value: object) -> Propagating | None:
        """What `as_json` wrote; None where *value* is something else."""
        match value:
            case {
                "until": float() | int() as until,
                "done": {
                    "physical_resource_id": str() as physical_id,
                    "data": dict() as data,
                    "reason": str() as reason,
                },
                "sentinels": list() | tuple() as sentinels,
            }:
                return cls(until, Done(physical_id, data, reason), tuple(sentinels))
            case _:
                return None


#: What an invocation leaves to the next.
Progress = Propagating | Checkpoint


def respond(
    envelope: Envelope, event: Mapping[str, object], place: Place, context: Context, deadlines: Deadlines
) -> Done | Progress:
    """Do what *event* asks; `Progress` where a further invocation has to go on.

    Raises:
        ProviderError: what CloudFormation is to be told as a failure.
    """
    progress = _progress(event.get(PROGRESS))
    checkpoint = progress if isinstance(progress, Checkpoint) else None
    match parse_event(envelope, event, place):
        case Ensure() as ensure if isinstance(progress, Propagating):
            return _wait(ensure, progress, context, deadlines)
        case Ensure() as ensure:
            return _ensure(ensure, checkpoint, context, deadlines)
        case Remove() as remove:
            outcome = lifecycle.remove(context, remove, checkpoint)
            if isinstance(outcome, Checkpoint):
                return _in_time(outcome, context, deadlines)
            return Done(envelope.physical_resource_id or outcome.target.arn, {}, outcome.note)
        case Ignore(why):
            return Done(envelope.physical_resource_id or place.logs_arn("nothing"), {}, why)


def _progress(value: object) -> Progress | None:
    """What an invocation before left; None where there was none."""
    progress = Propagating.of_json(value) or Checkpoint.of_json(value)
    if value is not None and progress is None:
        raise ValueError(f"{PROGRESS} is none that this function writes")
    return progress


def _ensure(event: Ensure, checkpoint: Checkpoint | None, context: Context, deadlines: Deadlines) -> Done | Progress:
    outcome = lifecycle.ensure(context, event, checkpoint)
    if isinstance(outcome, Checkpoint):
        return _in_time(outcome, context, deadlines)
    done = Done(outcome.target.arn, _return_values(outcome), outcome.note)
    if not (outcome.settling and event.association.propagation_wait):
        return done
    until = context.retrier.clock.now() + event.association.propagation_wait
    return _wait(event, Propagating(until, done, outcome.sentinels), context, deadlines)


def _in_time(checkpoint: Checkpoint, context: Context, deadlines: Deadlines) -> Checkpoint:
    """Go on in a further invocation, where CloudFormation has the patience for one.

    Raises:
        OutOfTime: it has not; with the counts.
    """
    if deadlines.stack - context.retrier.clock.now() > _SHORTEST_HOP:
        return checkpoint
    raise OutOfTime(
        f"ServiceTimeout is too near to go on. {checkpoint.told} "
        "Use a longer ServiceTimeout (3600 at most) or narrower prefixes, or associate most of them beforehand with "
        "python -m log_group_kms apply"
    )


def _wait(event: Ensure, progress: Propagating, context: Context, deadlines: Deadlines) -> Done | Progress:
    """Sleep as long as this invocation may; Lambda ends chains of some 16 quick ones.

    After such a wait the claim is looked at again: a Delete may have passed by.
    """
    if event.new_target:
        context.if_this_fails(event.association.target.arn)
    clock = context.retrier.clock
    until = min(progress.until, deadlines.stack - _LAST_LOOK)
    clock.sleep(max(0.0, min(until, deadlines.invocation - _LAST_LOOK) - clock.now()))
    if clock.now() < until:
        return progress
    try:
        lifecycle.still_owns(context, event, progress.sentinels)
    except ClaimLost:
        if not isinstance(event.association.target, Fleet):
            # Of a fleet, others than the witnesses may still be claimed: their Delete has to come.
            context.if_this_fails(event.id_without_claim)
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
