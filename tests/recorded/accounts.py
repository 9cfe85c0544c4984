"""Accounts as recorded cases hold them: keys and tags by name, and one event of CloudFormation played on them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from support.fake_aws import PLACE, STACK_ID, FakeAws, FakeClock, FakeLogGroup, fleet, key_arn, log_group, owner
from support.trails import TellingTrail

from log_group_kms.association.context import Context
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.lifecycle.progress import PROGRESS, Done
from log_group_kms.model.errors import ProviderError
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.ownership import Claim, Marks
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.retry.rate_limits import RateLimits
from log_group_kms.retry.retrier import Retrier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.model.ownership import Owner

KEY, NEW, BEFORE = key_arn(1), key_arn(2), key_arn(3)
ALL, LAMBDA = fleet(), fleet("/aws/lambda/")
#: Whose marks may be on a log group.
OWNERS: Final = (owner("LogEncryption"), owner("Fleet", target=ALL), owner("Fleet", target=LAMBDA))
#: As long as Lambda gives the provider.
INVOCATION: Final = 870.0
_MOST_INVOCATIONS: Final = 20
_OUTSIDE: Final = ("PhysicalResourceId", "OldResourceProperties")

Json = dict[str, Any]


@dataclass
class Account:
    """A fake account, and the time there."""

    clock: FakeClock = field(default_factory=FakeClock)
    aws: FakeAws = field(default_factory=lambda: FakeAws.holding(KEY, NEW, BEFORE))

    @classmethod
    def holding(cls, *names: str, key: KeyArn | None = None) -> Account:
        """Return one with these log groups."""
        account = cls()
        for name in names:
            account.aws.log_groups[log_group(name)] = FakeLogGroup(key)
        return account

    @classmethod
    def of_json(cls, value: Mapping[str, Any], now: float) -> Account:
        """Return what `as_json` wrote: the tags are all that is known of a claim."""
        account = cls(FakeClock(now))
        account.aws.query_results_key = _key(value["query_results_key"])
        for name, found in value["log_groups"].items():
            tags = found["tags"]
            marks = {one.digest: Marks.of_tags(tags, one) for one in OWNERS}
            account.aws.log_groups[log_group(name)] = FakeLogGroup(
                _key(found["key"]),
                Claim.of_tags(tags),
                marks={digest: mark for digest, mark in marks.items() if mark != Marks()},
            )
        return account

    def as_json(self) -> Json:
        """Return all of it, with the tags as they stand on the log groups."""
        return {
            "query_results_key": self.aws.query_results_key and self.aws.query_results_key.text,
            "log_groups": {
                group.name.text: {"key": state.key and state.key.text, "tags": _tags(state)}
                for group, state in self.aws.log_groups.items()
            },
        }

    def invoke(self, event: Mapping[str, Any], seconds: float = INVOCATION) -> Json:
        """Return the answer to *event* after one invocation, or the event of the next one."""
        envelope = Envelope.of(dict(event))
        deadlines = Deadlines.of(envelope, event, self.clock.now(), seconds)
        failure_id = [envelope.physical_resource_id or NOTHING_ASSOCIATED]
        trail = TellingTrail(lambda told: failure_id.__setitem__(0, told))
        retrier = Retrier(self.clock, deadlines.earliest, jitter=lambda _, most: most)
        try:
            outcome = respond(
                envelope, event, PLACE, Context.of(self.aws, self.aws, retrier, trail, RateLimits(workers=1)), deadlines
            )
        except ProviderError:
            return {"Status": "FAILED", "PhysicalResourceId": failure_id[0], "Data": {}}
        if isinstance(outcome, Done):
            return {
                "Status": "SUCCESS",
                "PhysicalResourceId": outcome.physical_resource_id,
                "Data": dict(outcome.data),
            }
        further: Json = json.loads(json.dumps({**event, PROGRESS: outcome.as_json()}))
        return further

    def play(self, event: Mapping[str, Any]) -> Json:
        """Return the answer to *event* after as many invocations as it takes."""
        for _ in range(_MOST_INVOCATIONS):
            answer = self.invoke(event)
            if "Status" in answer:
                return answer
            event = answer
        raise AssertionError("it does not end")

    def event(self, request_type: str, logical_id: str = "LogEncryption", **more: Any) -> Json:
        """Return an event that CloudFormation sends now; properties in *more* begin with a capital."""
        sent = datetime.fromtimestamp(self.clock.now(), tz=UTC).strftime("%Y%m%dT%H%M%SZ")
        outside: Json = {name: more.pop(name) for name in _OUTSIDE if name in more}
        return {
            "RequestType": request_type,
            "RequestId": "11111111-2222-3333-4444-555555555555",
            "ResponseURL": f"https://cloudformation.example/answer?X-Amz-Date={sent}",
            "StackId": STACK_ID,
            "LogicalResourceId": logical_id,
            "ResourceType": "Custom::LogGroupKmsAssociation",
            "ResourceProperties": {"ServiceTimeout": "3600", **more},
            **outside,
        }


def _key(text: str | None) -> KeyArn | None:
    return KeyArn(text) if text else None


def _tags(state: FakeLogGroup) -> dict[str, str]:
    tags = state.claim.as_tags() if state.claim else {}
    known: dict[str, Owner] = {one.digest: one for one in OWNERS}
    for digest, marks in state.marks.items():
        tags |= marks.as_tags(known[digest])
    return tags
