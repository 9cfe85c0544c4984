"""The provider in a fake account, driven by CloudFormation's events."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from support.fake_aws import PLACE, STACK_ID, FakeAws, FakeClock, FakeLogGroup, key_arn, log_group
from support.trails import TellingTrail

from log_group_kms.association.context import Context
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.lifecycle.progress import PROGRESS, Done, Progress
from log_group_kms.retry.retrier import Retrier

ORDERS, KEY, BEFORE = log_group(), key_arn(1), key_arn(2)


class Provider:
    """The provider in a fake account, an invocation at a time."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.aws = FakeAws.holding(KEY, BEFORE)
        self.aws.log_groups[ORDERS] = FakeLogGroup()
        self.failure_id = "(not told)"

    def event(self, request_type: str = "Create", *, dated: bool = False, **properties: str) -> dict[str, Any]:
        """An event of CloudFormation, which says when it was sent where it is *dated*."""
        sent = datetime.fromtimestamp(self.clock.now(), tz=UTC).strftime("%Y%m%dT%H%M%SZ")
        return {
            "RequestType": request_type,
            "RequestId": "11111111-2222-3333-4444-555555555555",
            "ResponseURL": "https://cloudformation.example/answer" + (f"?X-Amz-Date={sent}" if dated else ""),
            "StackId": STACK_ID,
            "LogicalResourceId": "Encryption",
            "ResourceProperties": {"KmsKeyId": KEY.text, "LogGroupName": ORDERS.name.text} | properties,
            **({} if request_type == "Create" else {"PhysicalResourceId": ORDERS.arn}),
        }

    def invoke(self, event: dict[str, Any], seconds: float = 900) -> Done | Progress:
        """One invocation, which Lambda would end in so many *seconds*."""
        envelope = Envelope.of(event)
        deadlines = Deadlines.of(envelope, event, self.clock.now(), seconds)
        retrier = Retrier(self.clock, deadlines.earliest)
        context = Context.of(self.aws, self.aws, retrier, TellingTrail(self._tell))
        return respond(envelope, event, PLACE, self.context(context), deadlines)

    def context(self, context: Context) -> Context:
        """Return the context of an event, as this provider's settings make it."""
        return context

    def invoke_until_done(self, event: dict[str, Any], seconds: float) -> tuple[Done, int]:
        """Invoke as often as it takes; the progress travels as JSON."""
        for invocations in range(1, 20):
            outcome = self.invoke(event, seconds)
            if isinstance(outcome, Done):
                return outcome, invocations
            event = json.loads(json.dumps({**event, PROGRESS: outcome.as_json()}))
        raise AssertionError("it never ends")

    def _tell(self, physical_id: str) -> None:
        self.failure_id = physical_id
