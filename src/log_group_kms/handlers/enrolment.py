"""The entry point of the function that enrols new log groups and reconciles the fleet; no rules."""

from __future__ import annotations

import os
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from aws_lambda_powertools.metrics import MetricUnit

from log_group_kms.association.audit import Audited, Request, Source
from log_group_kms.association.context import Context
from log_group_kms.association.last_refusal import LastRefusal
from log_group_kms.aws.clients import Aws
from log_group_kms.fleet.checkpoint import CLAIMED, Checkpoint, Fate
from log_group_kms.fleet.coverage import Coverage
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
from log_group_kms.model.errors import OutOfTime, ProviderError
from log_group_kms.model.targets import Exclusions
from log_group_kms.request.parse import Ignore
from log_group_kms.request.upkeep import parse_fleet, parse_upkeep
from log_group_kms.retry.clock import SystemClock
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from log_group_kms.association.ports import LogGroups
    from log_group_kms.association.requests import Ensure
    from log_group_kms.fleet.checkpoint import Counts
    from log_group_kms.fleet.plan import Planned
    from log_group_kms.model.results import Outcome
    from log_group_kms.model.targets import Fleet
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

#: So many log groups that are left without a key are named in the log's line.
_SHOWN: Final = 50

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
        self._left: set[str] = set()

    def saw(self, name: str, fate: Fate, why: str) -> None:
        """Count the fate of one log group, and log it."""
        about = {"log_group_name": name, "fate": fate.name, "why": why}
        if fate is Fate.TUG_OF_WAR:
            logger.warning("%s: %s, %s", name, fate, why, extra=about)
        else:
            logger.info("%s: %s", name, fate, extra=about)
        with self._lock:
            self._counts[_METRICS.get(fate, "")] += 1
            if fate not in CLAIMED:
                self._left.add(name)

    def refused(self, log_groups: int) -> None:
        """Count log groups that AWS refused for good."""
        with self._lock:
            self._counts["Refused"] += log_groups

    def throttled(self) -> None:
        """Count a call that AWS throttled."""
        with self._lock:
            self._counts["Throttled"] += 1

    def counted(self, counts: Counts) -> None:
        """Take how far the fleet reaches, after a look through the whole of it."""
        for name, log_groups in gauges(counts).items():
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=log_groups)

    def reconciled(self, *, whole: bool, bare: Iterable[str]) -> None:
        """Count a reconciliation, which has seen the *whole* fleet or not, and those that it left so, who are *bare*.

        Who was only listed comes in the next invocation.
        """
        uncovered = [name for name in bare if name in self._left]
        if uncovered:
            shown = {"uncovered_log_groups": uncovered[:_SHOWN], "uncovered": len(uncovered)}
            logger.warning("Log groups of the fleet are without a key", extra=shown)
        metrics.add_metric(name="Reconciled", unit=MetricUnit.Count, value=int(whole))
        metrics.add_metric(name="Uncovered", unit=MetricUnit.Count, value=len(uncovered))

    def flush(self) -> None:
        """Send the counts to CloudWatch."""
        for name in sorted({*_METRICS.values(), "Refused", "Throttled"}):
            metrics.add_metric(name=name, unit=MetricUnit.Count, value=self._counts[name])
        metrics.flush_metrics()


@dataclass(frozen=True, slots=True)
class _Invocation:
    """The fleet that one invocation works for.

    Attributes:
        fleet: which log groups.
        wanted: what the fleet wants.
        context: Lambda's.
        report: what becomes of the log groups.
    """

    fleet: Fleet
    wanted: Ensure
    context: LambdaContext
    report: _Report

    def upkeep(self, log_groups: LogGroups, seconds: float | None = None) -> Upkeep:
        """Return what acts for the fleet, in so many *seconds* at most."""
        left = seconds_left(self.context)
        left -= min(_MARGIN, left / 2)
        retrier = Retrier(clock, clock.now() + (left if seconds is None else min(left, seconds)))
        work = Context.of(log_groups, aws.keys, retrier, rate_limits=rate_limits())
        work = work.asking(aws.stacks(self.fleet.place)).protecting(protected_log_groups())
        report, rounds = self.report, int(os.environ.get("DRIFT_ROUNDS", MOST_ROUNDS))
        return Upkeep(
            work, self.fleet, self.wanted, _is_alive, report.saw, report.counted, report.throttled, most_rounds=rounds
        )

    def log_groups(self, source: Source) -> Audited:
        """Return the port, whose changes are made for the fleet."""
        stack_id, logical_id = os.environ["FLEET_STACK_ID"], os.environ["FLEET_LOGICAL_ID"]
        return Audited(
            aws.log_groups, Request(source, stack_id, logical_id, "", self.context.aws_request_id), clock.now
        )


def handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Enrol the log groups that *event* tells of, or reconcile the fleet; return what came of it.

    Raises:
        EnrolmentFailed: it could not be done. A batch of messages raises nothing: it returns those that failed.
        InvalidRequest: the fleet's settings break a rule.
        ValueError: nobody sends such an event.
    """
    logger.append_keys(function_request_id=context.aws_request_id)
    fleet, wanted = parse_fleet(os.environ)
    report = _Report()
    invocation = _Invocation(fleet, wanted, context, report)
    try:
        return _work_off(event, invocation) if _is_batch(event) else _act(event, invocation)
    except ProviderError as error:
        cause = _cause(error, fleet)
        logger.error(cause)  # noqa: TRY400 - the sentence says it all
        report.refused(len(error.refused))
        raise EnrolmentFailed(cause) from error
    finally:
        report.flush()


def _is_batch(event: object) -> TypeGuard[Mapping[str, Any]]:
    """Return True for messages of a queue, as an event source mapping hands them in."""
    match event:
        case {"Records": [{"eventSource": "aws:sqs"}, *_]}:
            return True
    return False


def _act(event: object, invocation: _Invocation) -> dict[str, Any]:
    """Do what one event asks."""
    match parse_upkeep(event, invocation.fleet.place):
        case Enrol() | Ignore() as known:
            return _enrol(known, invocation)
        case Reconcile(dry_run=True):
            summary = Summary.of(invocation.upkeep(aws.log_groups).plan(), _tell)
            return {"DryRun": True, "Complete": summary.complete, "Counts": summary.counts}
        case Reconcile() as reconcile:
            return _reconcile(reconcile, invocation)


def _enrol(known: Enrol | Ignore, invocation: _Invocation, seconds: float | None = None) -> dict[str, Any]:
    """Enrol one log group, in so many *seconds* at most."""
    if isinstance(known, Ignore):
        logger.info(known.why)
        return {"Ignored": known.why}
    log_groups = LastRefusal(invocation.log_groups(Source.ENROLMENT))
    upkeep = invocation.upkeep(log_groups, seconds)
    try:
        fate = upkeep.enrol(known.log_group, known.changed_by)
    except OutOfTime as late:
        # The end of its time is no cause; why it was not done sooner is.
        raise log_groups.error or late from None
    return {"LogGroupName": known.log_group.name.text, "Fate": fate}


def _work_off(event: Mapping[str, Any], invocation: _Invocation) -> dict[str, Any]:
    """Enrol what a batch of the queue's messages tells of; return which of them the queue is to keep."""
    # Reconciliation does not pay for the import.
    from log_group_kms.handlers.batch import Batch, NotACreation  # noqa: PLC0415 - as above

    def enrol(event: object, seconds: float) -> None:
        try:
            known = parse_upkeep(event, invocation.fleet.place)
        except ValueError as broken:
            raise NotACreation(str(broken)) from None
        if isinstance(known, Reconcile):
            raise NotACreation("A reconciliation does not come through the queue")
        try:
            _enrol(known, invocation, seconds)
        except ProviderError as error:
            raise EnrolmentFailed(_cause(error, invocation.fleet)) from error

    batch = Batch(logger, clock, rate_limits().log_groups, enrol, aws.show_again, invocation.report.refused)
    return batch.work_off(event, invocation.context, os.environ["ENROLMENT_QUEUE_URL"])


def _cause(error: ProviderError, fleet: Fleet) -> str:
    return reason(error, aws, fleet.place, **_WORDS)


def _is_alive() -> bool:
    """Return True while the rule is there: the fleet's stack deletes it before the fleet, and makes it after."""
    return aws.has_rule(os.environ["ENROLMENT_RULE"])


def _reconcile(reconcile: Reconcile, invocation: _Invocation) -> dict[str, Any]:
    coverage = Coverage(invocation.log_groups(Source.RECONCILIATION), _left_out(invocation.wanted))
    whole = False
    try:
        outcome = invocation.upkeep(coverage).reconcile(reconcile.checkpoint)
        whole = not isinstance(outcome, Checkpoint)
    except ProviderError as error:
        # All others are done then.
        whole = bool(error.refused)
        raise
    finally:
        invocation.report.reconciled(whole=whole, bare=coverage.uncovered)
    return _told(outcome, reconcile, invocation)


def _left_out(wanted: Ensure) -> Exclusions:
    """Return what is not to be under the fleet's key."""
    return Exclusions((*wanted.association.exclude.patterns, *protected_log_groups().patterns))


def _told(outcome: Outcome | Checkpoint, reconcile: Reconcile, invocation: _Invocation) -> dict[str, Any]:
    """Return what came of a reconciliation, and let it go on where it is not through."""
    if not isinstance(outcome, Checkpoint):
        counts = {
            "AssociatedCount": outcome.associated,
            "CompliantCount": outcome.compliant,
            "SkippedCount": outcome.skipped,
            "RefusedCount": outcome.refused,
        }
        invocation.report.refused(outcome.refused)
        logger.info("The fleet is whole%s", ", but for what AWS refused" if outcome.refused else "", extra=counts)
        return counts
    goes_on = reconcile.hops < MOST_HOPS
    if goes_on:
        aws.invoke_again(invocation.context.invoked_function_arn, reconcile.further(outcome))
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
