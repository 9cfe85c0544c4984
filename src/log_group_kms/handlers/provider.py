"""The function's entry point: crhelper and Powertools wired to the provider; no rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from log_group_kms.association.context import Context
from log_group_kms.association.diagnosis import Diagnosis
from log_group_kms.association.trail import Footprint, Trail
from log_group_kms.aws.clients import Aws, logs_service_principal
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.cloudformation.resource import LogGroupKmsResource
from log_group_kms.handlers.shared import new_logger, rate_limits
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.lifecycle.progress import PROGRESS, Done
from log_group_kms.model.errors import ProviderError
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.model.targets import Place
from log_group_kms.retry.clock import SystemClock
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from log_group_kms.lifecycle.progress import Progress
    from log_group_kms.retry.clock import Clock

_NAME: Final = "log-group-kms-association"

logger = new_logger(_NAME)
metrics = Metrics(service=_NAME, namespace="LogGroupKmsAssociation")
resource = LogGroupKmsResource()
aws = Aws()
clock: Clock = SystemClock()


def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Answer one event of CloudFormation, or leave it to a further invocation.

    Raises:
        NotAnEvent: nobody could be answered.
        DeliveryFailed: CloudFormation did not get the answer.
    """
    # Here, as not every event gets as far as `answer`, and none may be logged under the keys of the one before.
    named = event if isinstance(event, dict) else {}
    logger.append_keys(
        request_type=named.get("RequestType"),
        stack_id=named.get("StackId"),
        logical_resource_id=named.get("LogicalResourceId"),
        request_id=named.get("RequestId"),
        function_request_id=context.aws_request_id,
    )
    resource(event, context)
    if not resource.handed_on:
        metrics.add_metric(name="Succeeded" if resource.succeeded else "Failed", unit=MetricUnit.Count, value=1)
        metrics.flush_metrics()


@resource.create
@resource.update
@resource.delete
def answer(event: dict[str, Any], context: LambdaContext) -> str:
    """The physical id of the answer; crhelper sends it."""
    envelope = Envelope.of(event)
    trail = _trail(envelope, event)
    resource.read_failure_id_from(lambda: trail.failure_id)
    place = Place.of_function(_function_arn(event, context))
    try:
        outcome = _respond(envelope, event, context, place, trail)
        if not isinstance(outcome, Done):
            return _go_on_later(event, context, outcome)
    except ProviderError as error:
        return resource.fail(_reason(error, place))
    resource.Data = dict(outcome.data)
    resource.Reason = outcome.reason
    return outcome.physical_resource_id


def _trail(envelope: Envelope, event: Mapping[str, Any]) -> Trail:
    """Return the trail of this event; the invocation before has claimed, whatever may now keep this one from work."""
    own = envelope.physical_resource_id
    if PROGRESS in event and own is None:
        return Trail(PERHAPS_ASSOCIATED, Footprint.PERHAPS)
    return Trail(own or NOTHING_ASSOCIATED)


def _respond(
    envelope: Envelope, event: Mapping[str, Any], context: LambdaContext, place: Place, trail: Trail
) -> Done | Progress:
    seconds_left = context.get_remaining_time_in_millis() / 1000
    deadlines = Deadlines.of(envelope, event, clock.now(), seconds_left)
    retrier = Retrier(clock, deadlines.earliest, over=lambda: resource.answered)
    work = Context.of(aws.log_groups, aws.keys, retrier, trail, rate_limits())
    return respond(envelope, event, place, work, deadlines)


def _function_arn(event: Mapping[str, Any], context: LambdaContext) -> str:
    """The function's own ARN: CloudFormation invokes it by that, the ServiceToken.

    The context has the same, except under the Runtime Interface Emulator (`sam local`), which makes one up.
    """
    properties = event.get("ResourceProperties")
    token = properties.get("ServiceToken") if isinstance(properties, dict) else None
    try:
        Place.of_function(str(token))
    except ValueError:
        return context.invoked_function_arn
    return str(token)


def _go_on_later(event: Mapping[str, Any], context: LambdaContext, progress: Progress) -> str:
    """Leave the answer to a further invocation."""
    if resource.answer_later():
        aws.invoke_again(_function_arn(event, context), {**event, PROGRESS: progress.as_json()})
    return resource.fallback_physical_resource_id


def _reason(error: ProviderError, place: Place) -> str:
    return Diagnosis(aws.keys, place, logs_service_principal(place)).tell(error)
