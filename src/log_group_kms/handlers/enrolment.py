"""The entry point of the function that enrols new log groups and reconciles the fleet; no rules."""

from __future__ import annotations

import os
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from log_group_kms.association.context import Context
from log_group_kms.aws.clients import Aws
from log_group_kms.fleet.checkpoint import Checkpoint, Fate
from log_group_kms.fleet.gauges import gauges
from log_group_kms.fleet.plan import Action
from log_group_kms.fleet.rounds import MOST_ROUNDS
from log_group_kms.fleet.upkeep import MOST_HOPS, Enrol, Reconcile, Summary, Upkeep
from log_group_kms.handlers.shared import (
    new_logger,
    new_metrics,
    protected_log_groups,
    rate_limits,
    reason,
    seconds_left,
)
from log_group_kms.model.errors import ProviderError
from log_group_kms.request.parse import Ignore
from log_group_kms.request.upkeep import parse_fleet, parse_upkeep
from log_group_kms.retry.clock import SystemClock
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from log_group_kms.fleet.checkpoint import Counts
    from log_group_kms.fleet.plan import Planned
    from log_group_kms.model.targets import Place
    from log_group_kms.retry.clock import Clock

_NAME: Final = "log-group-kms-association-enrolment"

#: Seconds that are left for the last call and for what follows it.
_MARGIN: Final = 25.0

#: The fates that have a metric.
_METRICS: Final = {
    Fate.ASSOCIATED: "Enrolled",
    Fate.MENDED: "DriftMended",
    Fate.BUSY: "Busy",
    Fate.TUG_OF_WAR: "TugOfWar",
}

#: For whoever reads the log or the queue: no stack is being deployed.
_WORDS: Final = {
    "caller": "The enrolment's role",
    "asker": "the enrolment",
    "again": "wait for the next reconciliation, or start one",
    "key": "FleetKmsKeyId",
    "missing": "it was deleted meanwhile, and there is nothing to do",
}

logger = new_logger(_NAME)
metrics = new_metrics(_NAME)
aws = Aws()
clock: Clock = SystemClock()


class EnrolmentFailed(Exception):  # noqa: N818 - what Lambda's record of the failure shows
    """Lambda is to try again, and then to keep the event in the queue; the text says what is wrong."""


class _Report:
    """The fates of log groups, for the log and the metrics; several threads tell."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def saw(self, name: str, fate: Fate, why: str) -> None:
        """Count the fate of one log group, and log it."""
        about = {"log_group_name": name, "fate": fate.name, "why": why}
        if fate is Fate.TUG_OF_WAR:
            logger.warning("%s: %s, %s", name, fate, why, extra=about)
        else:
            logger.info("%s: %s", name, fate, extra=about)
        with self._lock:
            self._counts[_METRICS.get(fate, "")] += 1

    def throttled(self) -> None:
        """Count a call that AWS throttled."""
        with self._lock:
            self._counts["Throttled"] += 1

    def counted(self, counts: Counts) -> None:
        """Take how far the fleet reaches, after a look through the whole of it."""
        for name, log_groups in gauges(counts).items():
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=log_groups)

    def flush(self) -> None:
        """Send the counts to CloudWatch."""
        for name in sorted({*_METRICS.values(), "Throttled"}):
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=self._counts[name])
        metrics.flush_metrics()


def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Enrol the log group that *event* tells of, or reconcile the fleet; return what came of it.

    Raises:
        EnrolmentFailed: it could not be done.
        InvalidRequest: the fleet's settings break a rule.
        ValueError: nobody sends such an event.
    """
    logger.append_keys(function_request_id=context.aws_request_id)
    fleet, wanted = parse_fleet(os.environ)
    place = fleet.place
    report = _Report()
    rounds = int(os.environ.get("DRIFT_ROUNDS", MOST_ROUNDS))
    work = _work(context, place)
    upkeep = Upkeep(work, fleet, wanted, _is_alive, report.saw, report.counted, report.throttled, rounds)
    try:
        match parse_upkeep(event, place):
            case Enrol(log_group, changed_by):
                return {"LogGroupName": log_group.name.text, "Fate": upkeep.enrol(log_group, changed_by)}
            case Reconcile(dry_run=True):
                summary = Summary.of(upkeep.plan(), _tell)
                return {"DryRun": True, "Complete": summary.complete, "Counts": summary.counts}
            case Reconcile() as reconcile:
                return _reconcile(upkeep, reconcile, context)
            case Ignore(why):
                logger.info(why)
                return {"Ignored": why}
    except ProviderError as error:
        cause = reason(error, aws, place, **_WORDS)
        logger.error(cause)  # noqa: TRY400 - the sentence says it all
        raise EnrolmentFailed(cause) from error
    finally:
        report.flush()


def _work(context: LambdaContext, place: Place) -> Context:
    left = seconds_left(context)
    retrier = Retrier(clock, clock.now() + left - min(_MARGIN, left / 2))
    context_of_event = Context.of(aws.log_groups, aws.keys, retrier, rate_limits=rate_limits())
    return context_of_event.asking(aws.stacks(place)).protecting(protected_log_groups())


def _is_alive() -> bool:
    """Return True while the rule is there: the fleet's stack deletes it before the fleet, and makes it after."""
    return aws.has_rule(os.environ["ENROLMENT_RULE"])


def _reconcile(upkeep: Upkeep, reconcile: Reconcile, context: LambdaContext) -> dict[str, Any]:
    outcome = upkeep.reconcile(reconcile.checkpoint)
    if not isinstance(outcome, Checkpoint):
        counts = {
            "AssociatedCount": outcome.associated,
            "CompliantCount": outcome.compliant,
            "SkippedCount": outcome.skipped,
            "RefusedCount": outcome.refused,
        }
        logger.info("The fleet is whole", extra=counts)
        return counts
    goes_on = reconcile.hops < MOST_HOPS
    if goes_on:
        aws.invoke_again(context.invoked_function_arn, reconcile.further(outcome))
    else:
        logger.warning("The rest is left to the next schedule. %s", outcome.summary)
    return {"GoesOn": goes_on, "SoFar": outcome.summary}


def _tell(planned: Planned) -> None:
    if planned.action is not Action.COMPLIANT:
        logger.info(
            "Dry run, %s: %s",
            planned.name,
            planned.action,
            extra={
                "log_group_name": planned.name,
                "action": planned.action,
                "key": planned.key.text if planned.key else "",
                "owner": planned.owner.text if planned.owner else "",
            },
        )
