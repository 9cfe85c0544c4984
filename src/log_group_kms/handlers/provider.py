"""The entry point of CloudFormation's events: crhelper and Powertools wired to the provider; no rules."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from log_group_kms.association.audit import Audited, Request, Source
from log_group_kms.association.context import Context
from log_group_kms.association.trail import Footprint, Trail
from log_group_kms.aws.clients import Aws
from log_group_kms.cloudformation.errors import NotAnEvent
from log_group_kms.cloudformation.resource import CustomResource
from log_group_kms.handlers.shared import (
    new_logger,
    new_metrics,
    protected_log_groups,
    rate_limits,
    reason,
    seconds_left,
)
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import delay, respond
from log_group_kms.lifecycle.progress import PROGRESS, Done
from log_group_kms.model.errors import ProviderError
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.model.targets import Place
from log_group_kms.retry.clock import SystemClock
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from log_group_kms.cloudformation.envelope import Envelope
    from log_group_kms.lifecycle.progress import Progress
    from log_group_kms.retry.clock import Clock

_NAME: Final = "log-group-kms-association"

logger = new_logger(_NAME)
metrics = new_metrics(_NAME)
resource = CustomResource(NOTHING_ASSOCIATED)
aws = Aws()
clock: Clock = SystemClock()


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Respond to one event of CloudFormation, or leave that to a further invocation.

    Raises:
        NotAnEvent: no response could be delivered.
        DeliveryFailed: CloudFormation did not get the response.
    """
    # Here, as not every event gets as far as `carry_out`, and none may be logged under the keys of the one before.
    named = event if isinstance(event, dict) else {}
    logger.append_keys(
        request_type=named.get("RequestType"),
        stack_id=named.get("StackId"),
        logical_resource_id=named.get("LogicalResourceId"),
        request_id=named.get("RequestId"),
        function_request_id=context.aws_request_id,
    )
    try:
        resource(event, context)
    except NotAnEvent as why:
        # Nobody is answered, so this line and the metric are all that tells of it.
        logger.error("An event that is not CloudFormation's: %s", why)  # noqa: TRY400 - the sentence says it all
        metrics.add_metric(name="NotAnEvent", unit=MetricUnit.Count, value=1)
        metrics.flush_metrics()
        raise
    if not resource.deferred:
        metrics.add_metric(name="Succeeded" if resource.succeeded else "Failed", unit=MetricUnit.Count, value=1)
        metrics.flush_metrics()


@resource.create
@resource.update
@resource.delete
def carry_out(event: dict[str, Any], context: LambdaContext) -> str:
    """Do what *event* asks, and return the physical id of the response; crhelper sends it."""
    trail = _trail(resource.envelope, event)
    resource.read_failure_id_from(lambda: trail.failure_id)
    function_arn, place = _function(event, context)
    queue = os.environ.get("WAIT_QUEUE_URL", "")
    try:
        outcome, deadlines = _outcome(event, context, place, trail, may_delay=bool(queue))
        if not isinstance(outcome, Done) and (seconds := delay(outcome, deadlines, clock.now())) and queue:
            event = {**event, PROGRESS: outcome.as_json()}
            if _put_off(event, queue, seconds):
                return resource.failure_id
            outcome, _ = _outcome(event, context, place, trail)
        if not isinstance(outcome, Done):
            return _go_on_later(event, function_arn, outcome)
    except ProviderError as error:
        _count_refused(len(error.refused))
        return resource.fail(reason(error, aws, place))
    _count_refused(int(outcome.data.get("RefusedCount", 0)))
    resource.Data = dict(outcome.data)
    resource.Reason = outcome.reason
    return outcome.physical_resource_id


def _count_refused(log_groups: int) -> None:
    """Count log groups that AWS refused to a fleet."""
    metrics.add_metric(name="Refused", unit=MetricUnit.Count, value=log_groups)


def _trail(envelope: Envelope, event: Mapping[str, Any]) -> Trail:
    """Return the trail of this event; the invocation before has claimed, whatever may now keep this one from work."""
    own = envelope.physical_resource_id
    if PROGRESS in event and own is None:
        return Trail(PERHAPS_ASSOCIATED, Footprint.PERHAPS)
    return Trail(own or NOTHING_ASSOCIATED)


def _function(event: Mapping[str, Any], context: LambdaContext) -> tuple[str, Place]:
    """Return the function's own ARN and its place. CloudFormation invokes it by that ARN, the ServiceToken.

    The context has the same, except under the Runtime Interface Emulator (`sam local`), which makes one up.
    """
    properties = event.get("ResourceProperties")
    token = str(properties.get("ServiceToken")) if isinstance(properties, dict) else ""
    try:
        return token, Place.of_function(token)
    except ValueError:
        return context.invoked_function_arn, Place.of_function(context.invoked_function_arn)


def _outcome(
    event: Mapping[str, Any], context: LambdaContext, place: Place, trail: Trail, *, may_delay: bool = False
) -> tuple[Done | Progress, Deadlines]:
    """Return what became of *event*, once this invocation can do no more for it, and its deadlines."""
    limits = rate_limits()
    deadlines = Deadlines.of(resource.envelope, event, clock.now(), seconds_left(context))
    # What works on an event that the backstop has settled has to stop.
    retrier = Retrier(clock, deadlines.earliest, over=resource.settled.is_set)
    log_groups = Audited(aws.log_groups, _request(context), clock.now)
    work = Context.of(log_groups, aws.keys, retrier, trail, limits)
    work = work.asking(aws.stacks(place)).protecting(protected_log_groups())
    return respond(resource.envelope, event, place, work, deadlines, may_delay=may_delay), deadlines


def _request(context: LambdaContext) -> Request:
    """Return what the audit log says of the event at work."""
    envelope = resource.envelope
    return Request(
        Source(envelope.request_type.lower()),
        envelope.stack_id,
        envelope.logical_resource_id,
        envelope.request_id,
        context.aws_request_id,
    )


def _put_off(event: Mapping[str, Any], queue: str, seconds: int) -> bool:
    """Leave the response to a further invocation after so many *seconds*; return False where this one has to wait.

    Where nobody knows whether the queue took the event, this one waits as well, and two may give the same response.
    """
    if not resource.defer():
        return True
    try:
        aws.send_later(queue, event, seconds)
    except ProviderError as error:
        resource.take_back()
        logger.warning("The wait is slept out, as the queue did not take the event: %s", error)
        return False
    logger.info("The event goes on in %d s", seconds)
    return True


def _go_on_later(event: Mapping[str, Any], function_arn: str, progress: Progress) -> str:
    """Leave the response to a further invocation."""
    if resource.defer():
        aws.invoke_again(function_arn, {**event, PROGRESS: progress.as_json()})
    return resource.failure_id
