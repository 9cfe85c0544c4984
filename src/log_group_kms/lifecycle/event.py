"""One event from its properties to its response, over as many invocations as its waiting needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.association.trail import Footprint
from log_group_kms.lifecycle.kinds import ensure, give_up, remove, rules_for
from log_group_kms.lifecycle.progress import PROGRESS, Done, Propagating, parse_progress
from log_group_kms.lifecycle.return_values import return_values
from log_group_kms.model.results import Outcome
from log_group_kms.request.parse import Ignore, parse_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.association.context import Context
    from log_group_kms.cloudformation.envelope import Envelope
    from log_group_kms.fleet.checkpoint import Checkpoint
    from log_group_kms.lifecycle.deadlines import Deadlines
    from log_group_kms.lifecycle.progress import Progress
    from log_group_kms.model.targets import Place

#: Seconds before the deadline that a wait leaves for a last look at the claim.
_LAST_LOOK: Final = 5.0

#: Seconds. Below that, a further invocation would begin nothing before it had to answer.
_SHORTEST_HOP: Final = 30.0


def respond(
    envelope: Envelope, event: Mapping[str, object], place: Place, context: Context, deadlines: Deadlines
) -> Done | Progress:
    """Do what *event* asks; return `Progress` where a further invocation has to go on.

    Raises:
        ProviderError: the Reason of a FAILED response.
    """
    progress = parse_progress(event.get(PROGRESS))
    checkpoint = None if isinstance(progress, Propagating) else progress
    match parse_event(envelope, event, place):
        case Ensure() as request:
            if isinstance(progress, Propagating) and _is_of(request, progress, context):
                return _wait(request, progress, context, deadlines)
            return _ensure(request, checkpoint, context, deadlines)
        case Remove() as request:
            outcome = remove(context, request, checkpoint)
            if not isinstance(outcome, Outcome):
                if _in_time(context, deadlines):
                    return outcome
                outcome = give_up(context, request, outcome)
            return Done(envelope.physical_resource_id or outcome.target.arn, {}, outcome.note)
        case Ignore(why):
            return Done(envelope.physical_resource_id or place.logs_arn("nothing"), {}, why)


def _ensure(event: Ensure, checkpoint: Checkpoint | None, context: Context, deadlines: Deadlines) -> Done | Progress:
    outcome = ensure(context, event, checkpoint)
    if not isinstance(outcome, Outcome):
        if _in_time(context, deadlines):
            return outcome
        outcome = give_up(context, event, outcome)
    done = Done(outcome.target.arn, return_values(outcome), outcome.note)
    if not (outcome.settling and event.association.propagation_wait):
        return done
    until = context.retrier.clock.now() + event.association.propagation_wait
    return _wait(event, Propagating(until, done), context, deadlines)


def _is_of(event: Ensure, progress: Propagating, context: Context) -> bool:
    """Return whether *progress* is what *event* leaves. An alias may mean another key by now: then all begins anew."""
    key = context.keys.known(event.association.key)
    return progress.is_of(event, key, context.retrier.clock.now())


def _in_time(context: Context, deadlines: Deadlines) -> bool:
    """Return whether CloudFormation waits long enough for a further invocation."""
    return deadlines.stack - context.retrier.clock.now() > _SHORTEST_HOP


def _wait(event: Ensure, progress: Propagating, context: Context, deadlines: Deadlines) -> Done | Progress:
    """Sleep as long as this invocation may; Lambda ends chains of some 16 quick ones.

    After such a wait the claim is looked at again: a Delete may have passed by.
    """
    context.trail.follow(event.failure_id)
    context.trail.leave(Footprint.CLAIMED)
    clock = context.retrier.clock
    until = min(progress.until, deadlines.stack - _LAST_LOOK)
    clock.sleep(max(0.0, min(until, deadlines.invocation - _LAST_LOOK) - clock.now()))
    if clock.now() < until:
        return progress
    rules_for(context, event.association.target).check_claim(event)
    missing = progress.until - until
    if missing < 1:
        return progress.done
    note = f"ServiceTimeout was too near for the whole of PropagationWaitSeconds: {missing:.0f} s were not waited"
    return replace(progress.done, reason=f"{progress.done.reason} {note}".strip())
