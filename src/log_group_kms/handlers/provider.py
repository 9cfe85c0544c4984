"""The function's entry point: crhelper and Powertools wired to the provider; no rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from log_group_kms.association.context import Context
from log_group_kms.association.diagnosis import Diagnosis
from log_group_kms.aws.clients import Aws, logs_service_principal
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.cloudformation.resource import LogGroupKmsResource
from log_group_kms.handlers.shared import new_logger, rate_limits
from log_group_kms.lifecycle.event import PROGRESS, Deadlines, Done, respond
from log_group_kms.model.errors import ProviderError
from log_group_kms.model.physical_id import PERHAPS_ASSOCIATED
from log_group_kms.model.targets import Place
from log_group_kms.retry.retrier import Retrier, SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from log_group_kms.lifecycle.event import Progress
    from log_group_kms.retry.retrier import Clock

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
    if PROGRESS in event and envelope.physical_resource_id is None:
        # The invocation before has claimed, whatever may now keep this one from its work.
        _if_this_fails(PERHAPS_ASSOCIATED)
    place = Place.of_function(_function_arn(event, context))
    try:
        outcome = _respond(envelope, event, context, place)
        if not isinstance(outcome, Done):
            return _go_on_later(event, context, outcome)
    except ProviderError as error:
        return resource.fail(_reason(error, place))
    resource.Data = dict(outcome.data)
    resource.Reason = outcome.reason
    return outcome.physical_resource_id


def _respond(envelope: Envelope, event: Mapping[str, Any], context: LambdaContext, place: Place) -> Done | Progress:
    seconds_left = context.get_remaining_time_in_millis() / 1000
    deadlines = Deadlines.of(envelope, event, clock.now(), seconds_left)
    retrier = Retrier(clock, deadlines.earliest, over=lambda: resource.answered)
    work = Context(aws.log_groups, aws.keys, retrier, _if_this_fails, rate_limits())
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


def _if_this_fails(physical_resource_id: str) -> None:
    resource.fallback_physical_resource_id = physical_resource_id


def _go_on_later(event: Mapping[str, Any], context: LambdaContext, progress: Progress) -> str:
    """Leave the answer to a further invocation."""
    if resource.answer_later():
        aws.invoke_again(_function_arn(event, context), {**event, PROGRESS: progress.as_json()})
    return resource.fallback_physical_resource_id


def _reason(error: ProviderError, place: Place) -> str:
    return Diagnosis(aws.keys, place, logs_service_principal(place)).tell(error)
