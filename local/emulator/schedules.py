"""Scheduled rules, fired when a test wants it.

MiniStack fires them too, by the clock. The event is AWS's "Scheduled Event": the EventBridge user guide, "Creating a
rule that runs on a schedule".
"""

import time
import uuid
from typing import Any

from ministack.core.responses import request_scope

from local.emulator import operations, seams
from local.emulator.operations import OperationRefusedError
from local.emulator.script import Firing


def fire(firing: Firing) -> dict[str, Any]:
    """Send the rule's event to its targets now; return how many they are, and why not if none is."""
    with request_scope(firing.account, firing.region):
        try:
            rule = operations.call("events", "AWSEvents.DescribeRule", Name=firing.rule)
        except OperationRefusedError:
            rule = {}
        if not rule.get("ScheduleExpression"):
            return {"targets": 0, "why": f"{firing.rule} is no scheduled rule of {firing.account} in {firing.region}"}
        if rule.get("State") != "ENABLED":
            return {"targets": 0, "why": f"{firing.rule} is disabled"}
        targets = operations.call("events", "AWSEvents.ListTargetsByRule", Rule=firing.rule)["Targets"]
        for target in targets:
            seams.INVOKE_TARGET.get()(target, _event(rule, firing), rule)
    return {"targets": len(targets), "why": "" if targets else f"{firing.rule} has no target"}


def _event(rule: dict[str, Any], firing: Firing) -> dict[str, Any]:
    return {
        "EventId": str(uuid.uuid4()),
        "Source": "aws.events",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "EventBusName": "default",
        "Time": int(time.time()),
        "Resources": [rule["Arn"]],
        "Account": firing.account,
        "Region": firing.region,
    }
