"""Lambda: chains of invocations, events that it gives up, and log lines at a level."""

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from acceptance.account import NotSeenError
from acceptance.names import PREFIX
from acceptance.probe import Finding, NotRunHereError, Verdict, probe
from acceptance.stage import Stage

#: More than the 16 of Lambda's pages.
_HOPS: Final = 20
_LAST_HOP: Final = 16
_HOP: Final = re.compile(r'"hop": (\d+)')
_NAMESPACE: Final = PREFIX


@probe()
def chain_of_invocations(stage: Stage) -> Finding:
    """Lambda ends a chain of a function's asynchronous invocations of itself after some 16.

    Used in `template.yaml:some 16`, `src/log_group_kms/lifecycle/progress.py:Progress`.
    """
    log_group = stage.run.log_group("functions/chain")
    _invoke(stage, "chain", {"hop": 1, "hops": _HOPS})

    def hops() -> int:
        # A hop may be run again: AWS promises "at least once".
        found = {match[1] for line in stage.lines_of(log_group, "hop") for match in _HOP.finditer(line)}
        return len(found)

    stage.account.until(lambda: hops() or None, stage.account.waits.lines, "the first hop is in the log")
    seen, since = hops(), time.monotonic()
    while seen < _HOPS and time.monotonic() - since < stage.account.waits.quiet:
        time.sleep(stage.account.waits.look)
        if (now := hops()) > seen:
            seen, since = now, time.monotonic()
    return Finding.of(_LAST_HOP - 1 <= seen <= _LAST_HOP + 1, f"{seen} of {_HOPS} invocations ran.")


def _record_of(stage: Stage, name: str) -> Mapping[str, Any]:
    """Return what the destination got of the event that says *name*."""
    sqs, queue = stage.account.client("sqs"), stage.foundation["Queue"]

    def record() -> Mapping[str, Any] | None:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            found: Mapping[str, Any] = json.loads(message["Body"])
            if found.get("requestPayload", {}).get("probe") == name:
                return found
        return None

    return stage.account.until(record, stage.account.waits.given_up, "the record is in the queue")[0]


def _judged(record: Mapping[str, Any]) -> Finding:
    """Return whether the responder would see in the record that the function never ran."""
    context = record["requestContext"]
    held = context.get("approximateInvokeCount") == 0 and not record.get("responsePayload")
    shown = {name: context.get(name) for name in ("condition", "approximateInvokeCount")}
    rest = {name: record.get(name) for name in ("responseContext", "responsePayload")}
    return Finding.of(held, f"The record has {json.dumps({**shown, **rest})}.")


@probe()
def record_of_a_throttled_event(stage: Stage) -> Finding:
    """An event that a busy function's concurrency kept waiting is recorded with no invocation and no response.

    Used in `src/responder.py:_has_run`, `local/emulator/asynchronous.py:_record`.
    """
    with _Concurrency(stage, 1):
        _invoke(stage, "busy", {"seconds": stage.account.waits.busy})
        time.sleep(stage.account.waits.started)
        _invoke(stage, "busy", {"probe": "throttled"})
        return _judged(_record_of(stage, "throttled"))


@probe()
def record_of_an_event_without_concurrency(stage: Stage) -> Finding:
    """An event to a function whose reserved concurrency is zero is recorded with no invocation and no response.

    Used in `src/responder.py:_has_run`, `docs/reference/responder.md:throttled`.
    """
    with _Concurrency(stage, 0):
        _invoke(stage, "busy", {"probe": "stopped"})
        return _judged(_record_of(stage, "stopped"))


class _Concurrency:
    """The busy function's reserved concurrency, for as long as a probe takes."""

    def __init__(self, stage: Stage, reserved: int) -> None:
        self._stage = stage
        self._reserved = reserved

    def __enter__(self) -> None:
        name, functions = self._stage.run.stack("busy"), self._stage.account.functions
        try:
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=self._reserved)
        except ClientError as error:
            # A new account may have 10 concurrent executions, of which nothing can be reserved.
            raise NotRunHereError(f"The account has too little concurrency to reserve any: {error}") from error

    def __exit__(self, *_: object) -> None:
        self._stage.account.functions.delete_function_concurrency(FunctionName=self._stage.run.stack("busy"))


@probe(not_embedded="MiniStack drops no line for its level, and makes no metric of one.")
def metric_lines_at_warn(stage: Stage) -> Finding:
    """A metric that a function prints at LogLevel WARN still becomes a metric: a printed line has no level.

    Used in `template.yaml:ApplicationLogLevel`, `src/log_group_kms/handlers/shared.py:new_metrics`.
    """
    _invoke(stage, "quiet", {"namespace": _NAMESPACE})
    metrics = stage.account.client("cloudwatch")

    def listed() -> bool | None:
        return bool(metrics.list_metrics(Namespace=_NAMESPACE, MetricName="Probed")["Metrics"]) or None

    log_group = stage.run.log_group("functions/quiet")
    try:
        _, after = stage.account.until(listed, stage.account.waits.metric, "the metric is listed")
    except NotSeenError as error:
        lines = stage.lines_of(log_group, "Probed")
        verdict = Verdict.NOT_SETTLED if lines else Verdict.NOT_HELD
        return Finding(verdict, f"{error}. The line is {'' if lines else 'not '}in the log.")
    lines = stage.lines_of(log_group, "Probed")
    return Finding(Verdict.HELD, f"Listed after {after:.0f} s. The line is {'' if lines else 'not '}in the log.")


def _invoke(stage: Stage, name: str, event: Mapping[str, Any]) -> None:
    function, payload = stage.run.stack(name), json.dumps(event).encode()
    stage.account.functions.invoke(FunctionName=function, InvocationType="Event", Payload=payload)


PROBES: Final = (
    chain_of_invocations,
    record_of_an_event_without_concurrency,
    record_of_a_throttled_event,
    metric_lines_at_warn,
)
