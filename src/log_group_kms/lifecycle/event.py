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
LAST_LOOK: Final = 5.0

#: Seconds. A shorter wait is slept out: what follows a delay costs another start of the function.
_SHORTEST_DELAY: Final = 30.0
#: Seconds: the longest delay of a message (SQS API reference, SendMessage).
_LONGEST_DELAY: Final = 900.0
#: Seconds before the stack's deadline in which nothing is left to a queue: to be late there is to be too late. The way
#: back takes a few seconds, and a minute more for each time that it fails.
WAY_BACK: Final = 90.0

#: Seconds. Below that, a further invocation would begin nothing before it had to answer.
_SHORTEST_HOP: Final = 30.0


def respond(  # noqa: PLR0913 - an event and all that it is worked on with
    envelope: Envelope,
    event: Mapping[str, object],
    place: Place,
    context: Context,
    deadlines: Deadlines,
    *,
    may_delay: bool = False,
) -> Done | Progress:
    """Do what *event* asks; return `Progress` where a further invocation has to go on.

    Where it *may_delay*, a long wait is not slept out: the further invocation is for `delay` seconds later.

    Raises:
        ProviderError: the Reason of a FAILED response.
    """
    progress = parse_progress(event.get(PROGRESS))
    checkpoint = None if isinstance(progress, Propagating) else progress
    match parse_event(envelope, event, place):
        case Ensure() as request:
            if isinstance(progress, Propagating) and _is_of(request, progress, context):
                return _wait(request, progress, context, deadlines, may_delay=may_delay)
            return _ensure(request, checkpoint, context, deadlines, may_delay=may_delay)
        case Remove() as request:
            outcome = remove(context, request, checkpoint)
            if not isinstance(outcome, Outcome):
                if _in_time(context, deadlines):
                    return outcome
                outcome = give_up(context, request, outcome)
            return Done(envelope.physical_resource_id or outcome.target.arn, {}, outcome.note)
        case Ignore(why):
            return Done(envelope.physical_resource_id or place.logs_arn("nothing"), {}, why)


def delay(progress: Progress, deadlines: Deadlines, now: float) -> int:
    """Return for how many seconds the further invocation can be put off; 0 where it is not worth it, or not safe."""
    if not isinstance(progress, Propagating):
        return 0
    seconds = min(progress.until, deadlines.stack - WAY_BACK) - now
    return int(min(seconds, _LONGEST_DELAY)) if seconds >= _SHORTEST_DELAY else 0


def _ensure(
    event: Ensure, checkpoint: Checkpoint | None, context: Context, deadlines: Deadlines, *, may_delay: bool
) -> Done | Progress:
    outcome = ensure(context, event, checkpoint)
    if not isinstance(outcome, Outcome):
        if _in_time(context, deadlines):
            return outcome
        outcome = give_up(context, event, outcome)
    done = Done(outcome.target.arn, return_values(outcome), outcome.note)
    if not (outcome.settling and event.association.propagation_wait):
        return done
    until = context.retrier.clock.now() + event.association.propagation_wait
    return _wait(event, Propagating(until, done), context, deadlines, may_delay=may_delay)


def _is_of(event: Ensure, progress: Propagating, context: Context) -> bool:
    """Return whether *progress* is what *event* leaves. An alias may mean another key by now: then all begins anew."""
    key = context.keys.known(event.association.key)
    return progress.is_of(event, key, context.retrier.clock.now())


def _in_time(context: Context, deadlines: Deadlines) -> bool:
    """Return whether CloudFormation waits long enough for a further invocation."""
    return deadlines.stack - context.retrier.clock.now() > _SHORTEST_HOP


def _wait(
    event: Ensure, progress: Propagating, context: Context, deadlines: Deadlines, *, may_delay: bool
) -> Done | Progress:
    """Sleep as long as this invocation may, unless the wait can be put off; Lambda ends chains of some 16 quick ones.

    After such a wait the claim is looked at again: a Delete may have passed by.
    """
    context.trail.follow(event.failure_id)
    context.trail.leave(Footprint.CLAIMED)
    clock = context.retrier.clock
    if may_delay and delay(progress, deadlines, clock.now()):
        return progress
    until = min(progress.until, deadlines.stack - LAST_LOOK)
    clock.sleep(max(0.0, min(until, deadlines.invocation - LAST_LOOK) - clock.now()))
    if clock.now() < until:
        return progress
    rules_for(context, event.association.target).check_claim(event)
    missing = progress.until - until
    if missing < 1:
        return progress.done
    note = f"ServiceTimeout was too near for the whole of PropagationWaitSeconds: {missing:.0f} s were not waited"
    return replace(progress.done, reason=f"{progress.done.reason} {note}".strip())
