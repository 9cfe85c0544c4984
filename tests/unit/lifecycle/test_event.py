"""Deadlines, return values, and a wait that outlasts an invocation."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from support.fake_aws import PLACE, STACK_ID, FakeAws, FakeClock, FakeLogGroup, key_arn, log_group, owner, role_denied
from support.trails import TellingTrail

from log_group_kms.association.context import Context
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import respond
from log_group_kms.lifecycle.progress import PROGRESS, Done, Progress, Propagating
from log_group_kms.model.errors import ApiError, ClaimLost, StaleEvent
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.targets import QueryResults
from log_group_kms.retry.retrier import Retrier

ORDERS, KEY, BEFORE = log_group(), key_arn(1), key_arn(2)
RETURN_VALUES = {
    "KmsKeyArn",
    "PreviousKmsKeyArn",
    "LogGroupName",
    "LogGroupArn",
    "MatchedCount",
    "AssociatedCount",
    "CompliantCount",
    "SkippedCount",
}


class Provider:
    """The provider in a fake account, an invocation at a time."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.aws = FakeAws.holding(KEY, BEFORE)
        self.aws.log_groups[ORDERS] = FakeLogGroup()
        self.failure_id = "(not told)"

    def event(self, request_type: str = "Create", *, dated: bool = False, **properties: str) -> dict[str, Any]:
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
        work = Context.of(self.aws, self.aws, Retrier(self.clock, deadlines.earliest), TellingTrail(self._tell))
        return respond(envelope, event, PLACE, work, deadlines)

    def invoke_until_done(self, event: dict[str, Any], seconds: float) -> tuple[Done, int]:
        """As many invocations as it takes; the progress travels as JSON."""
        for invocations in range(1, 20):
            outcome = self.invoke(event, seconds)
            if isinstance(outcome, Done):
                return outcome, invocations
            event = json.loads(json.dumps({**event, PROGRESS: outcome.as_json()}))
        raise AssertionError("it never ends")

    def _tell(self, physical_id: str) -> None:
        self.failure_id = physical_id


@pytest.fixture
def provider() -> Provider:
    """A log group without a key, and time that passes on request."""
    return Provider()


def test_return_values_of_a_log_group(provider: Provider) -> None:
    """All of the contract's return values, as strings."""
    provider.aws.log_groups[ORDERS] = FakeLogGroup(BEFORE)

    outcome = provider.invoke(provider.event())

    assert outcome == Done(
        ORDERS.arn,
        {
            "KmsKeyArn": KEY.text,
            "PreviousKmsKeyArn": BEFORE.text,
            "LogGroupName": ORDERS.name.text,
            "LogGroupArn": ORDERS.arn,
            "MatchedCount": "1",
            "AssociatedCount": "1",
            "CompliantCount": "0",
            "SkippedCount": "0",
        },
    )


def test_return_values_of_query_results(provider: Provider) -> None:
    """Query results have the same return values, with those of a log group empty."""
    event = provider.event()
    event["ResourceProperties"] = {"KmsKeyId": KEY.text, "ResourceIdentifier": QueryResults(PLACE).arn}

    outcome = provider.invoke(event)

    assert isinstance(outcome, Done)
    assert set(outcome.data) == RETURN_VALUES
    assert (outcome.data["LogGroupName"], outcome.data["LogGroupArn"]) == ("", "")
    assert outcome.physical_resource_id == QueryResults(PLACE).arn


@pytest.mark.parametrize(
    ("state", "changes", "counts"),
    [
        pytest.param(FakeLogGroup(), {}, ("", "1", "1", "0", "0"), id="associated"),
        pytest.param(FakeLogGroup(KEY), {}, (KEY.text, "1", "0", "1", "0"), id="compliant"),
        pytest.param(FakeLogGroup(KEY, Claim(owner(), None)), {}, ("", "1", "0", "1", "0"), id="nothing to do"),
        pytest.param(FakeLogGroup(BEFORE), {"OnExistingKey": "Keep"}, (BEFORE.text, "1", "0", "0", "1"), id="skipped"),
    ],
)
def test_the_counts_of_one_log_group(
    provider: Provider, state: FakeLogGroup, changes: dict[str, str], counts: tuple[str, ...]
) -> None:
    """One log group is matched, and is associated, compliant or skipped; where no key was before, that is empty."""
    provider.aws.log_groups[ORDERS] = replace(state)

    event = provider.event()
    event["ResourceProperties"] |= changes

    outcome = provider.invoke(event)

    assert isinstance(outcome, Done)
    assert counts == tuple(
        outcome.data[name]
        for name in ("PreviousKmsKeyArn", "MatchedCount", "AssociatedCount", "CompliantCount", "SkippedCount")
    )


def test_return_values_under_keep(provider: Provider) -> None:
    """KmsKeyArn is the key in force, which Keep has kept, and the answer says so."""
    provider.aws.log_groups[ORDERS] = FakeLogGroup(BEFORE)

    outcome = provider.invoke(provider.event(OnExistingKey="Keep"))

    assert isinstance(outcome, Done)
    assert (outcome.data["KmsKeyArn"], outcome.data["SkippedCount"]) == (BEFORE.text, "1")
    assert "keeps the key" in outcome.reason


@pytest.mark.parametrize(
    ("physical_id", "reason"),
    [
        pytest.param(ORDERS.arn, "", id="ours"),
        pytest.param("made-up_by_cloudformation", "", id="made up"),
        pytest.param(NOTHING_ASSOCIATED, "The Create had associated nothing; there was nothing to undo", id="marker"),
    ],
)
def test_a_delete_echoes_its_id(provider: Provider, physical_id: str, reason: str) -> None:
    """Whatever id a Delete carries is the id of its answer, which has no return values and says what was not done."""
    provider.aws.log_groups[ORDERS] = FakeLogGroup(KEY, Claim(owner(), None))

    outcome = provider.invoke(provider.event("Delete") | {"PhysicalResourceId": physical_id})

    assert outcome == Done(physical_id, {}, reason)


@pytest.mark.parametrize(
    ("changes", "physical_id", "reason"),
    [
        pytest.param({}, ORDERS.arn, "The log group belongs to", id="the properties say what"),
        pytest.param(
            {"OnDelete": "?"}, PLACE.logs_arn("nothing"), "This version of the provider", id="they say nothing"
        ),
    ],
)
def test_a_delete_without_an_id_is_answered(
    provider: Provider, changes: dict[str, str], physical_id: str, reason: str
) -> None:
    """An id is never empty, even where a Delete brings none."""
    provider.aws.log_groups[ORDERS] = FakeLogGroup(KEY, Claim(owner("Another"), None))
    event = provider.event("Delete")
    event["ResourceProperties"] |= changes
    del event["PhysicalResourceId"]

    outcome = provider.invoke(event)

    assert isinstance(outcome, Done)
    assert (outcome.physical_resource_id, outcome.data) == (physical_id, {})
    assert outcome.reason.startswith(reason)


def test_a_wait_inside_one_invocation(provider: Provider) -> None:
    """PropagationWaitSeconds that fits is slept out before the one answer."""
    began = provider.clock.now()

    outcome = provider.invoke(provider.event(PropagationWaitSeconds="300"))

    assert isinstance(outcome, Done)
    assert (provider.clock.now() - began, outcome.reason) == (300, "")


@pytest.mark.parametrize("seconds", [120, 300, 600])
def test_a_wait_over_several_invocations(provider: Provider, seconds: float) -> None:
    """A wait that does not fit goes on in further invocations, none longer than it may be, and ends in one answer."""
    began = provider.clock.now()

    outcome, invocations = provider.invoke_until_done(provider.event(PropagationWaitSeconds="900"), seconds)

    assert outcome.data["AssociatedCount"] == "1"
    assert provider.clock.now() - began == pytest.approx(900, abs=1)
    assert max(provider.clock.slept) < seconds
    assert 900 / seconds < invocations <= 16


@pytest.mark.parametrize(
    ("request_type", "state", "changes", "waits"),
    [
        pytest.param("Create", FakeLogGroup(), {}, True, id="Create"),
        pytest.param("Create", FakeLogGroup(KEY, Claim(owner(), None)), {}, True, id="Create, redelivered"),
        pytest.param("Create", FakeLogGroup(KEY), {}, False, id="key there already"),
        pytest.param("Create", FakeLogGroup(BEFORE), {"OnExistingKey": "Keep"}, False, id="kept"),
        pytest.param("Update", FakeLogGroup(BEFORE, Claim(owner(), None)), {}, True, id="Update of the key"),
        pytest.param("Delete", FakeLogGroup(KEY, Claim(owner(), None)), {}, False, id="Delete"),
    ],
)
def test_when_it_waits(
    provider: Provider, request_type: str, state: FakeLogGroup, changes: dict[str, str], *, waits: bool
) -> None:
    """It waits after a key of a Create or a changed key, also where an earlier delivery had associated it."""
    provider.aws.log_groups[ORDERS] = replace(state)

    event = provider.event(request_type, PropagationWaitSeconds="300")
    event["ResourceProperties"] |= changes
    provider.invoke(event)

    assert (sum(provider.clock.slept) >= 300) == waits


def test_an_update_of_options_does_not_wait(provider: Provider) -> None:
    """Where neither the template nor AWS changes a key, there is nothing to propagate."""
    provider.aws.log_groups[ORDERS] = FakeLogGroup(KEY, Claim(owner(), None))
    event = provider.event("Update", PropagationWaitSeconds="300")

    provider.invoke(event | {"OldResourceProperties": {"KmsKeyId": KEY.text, "LogGroupName": ORDERS.name.text}})

    assert provider.clock.slept == []


@pytest.mark.parametrize(
    ("wait", "waited", "reason"),
    [
        pytest.param("270", 270, "", id="it just fits"),
        pytest.param(
            "271",
            270,
            "ServiceTimeout was too near for the whole of PropagationWaitSeconds: 1 s were not waited",
            id="one second too long",
        ),
        pytest.param(
            "299",
            270,
            "ServiceTimeout was too near for the whole of PropagationWaitSeconds: 29 s were not waited",
            id="far too long",
        ),
    ],
)
def test_a_wait_ends_before_cloudformation_gives_up(provider: Provider, wait: str, waited: float, reason: str) -> None:
    """Where ServiceTimeout is too near for the whole wait, it succeeds 30 s before and says what was not waited."""
    event = provider.event(dated=True, PropagationWaitSeconds=wait, ServiceTimeout="300")
    began = provider.clock.now()

    outcome = provider.invoke(event)

    assert isinstance(outcome, Done)
    assert (provider.clock.now() - began, outcome.reason) == (waited, reason)


def test_a_further_invocation_that_comes_late_waits_no_more(provider: Provider) -> None:
    """What has passed between two invocations counts as waited."""
    progress = provider.invoke(provider.event(PropagationWaitSeconds="900"), 300)
    assert isinstance(progress, Propagating)
    provider.clock.sleep(900)
    provider.clock.slept.clear()

    outcome = provider.invoke(provider.event(PropagationWaitSeconds="900") | {PROGRESS: progress.as_json()})

    assert (outcome, sum(provider.clock.slept)) == (progress.done, 0)


def test_progress_travels_whole() -> None:
    """What an invocation leaves for the next is read as it was written."""
    progress = Propagating(1_800_000_900.0, Done(ORDERS.arn, {"KmsKeyArn": KEY.text}, "what the user should know"))

    assert Propagating.of_json(json.loads(json.dumps(progress.as_json()))) == progress


@pytest.mark.parametrize("seconds", [400, 900], ids=["in a further invocation", "in the same"])
def test_a_delete_during_the_wait_is_noticed(provider: Provider, seconds: float) -> None:
    """A Create whose claim went away while it waited fails, with nothing left to undo."""

    def delete_passes_by(operation: str) -> None:
        if operation == "ListTagsForResource" and sum(provider.clock.slept) > 300:
            provider.aws.log_groups[ORDERS] = FakeLogGroup()

    provider.aws.before = delete_passes_by

    with pytest.raises(ClaimLost):
        provider.invoke_until_done(provider.event(PropagationWaitSeconds="500"), seconds)
    assert provider.failure_id == NOTHING_ASSOCIATED


def test_a_failure_after_the_wait_can_be_undone(provider: Provider) -> None:
    """A further invocation that cannot look at the claim answers with the id that the Delete needs."""
    progress = provider.invoke(provider.event(PropagationWaitSeconds="900"), 300)
    assert isinstance(progress, Propagating)
    provider.aws.refuse("ListTagsForResource", *[role_denied("logs:ListTagsForResource")] * 99)
    late = provider.event(PropagationWaitSeconds="900") | {PROGRESS: progress.as_json()}
    provider.clock.sleep(900)

    with pytest.raises(ApiError):
        provider.invoke(late)
    assert provider.failure_id == ORDERS.arn


@pytest.mark.parametrize("value", ["x", {"until": "soon"}, {"until": 1.0, "done": {}}])
def test_progress_that_this_function_never_wrote(provider: Provider, value: object) -> None:
    """What stands in for progress but is none is an error, not a success."""
    with pytest.raises(ValueError, match=PROGRESS):
        provider.invoke(provider.event() | {PROGRESS: value})


@pytest.mark.parametrize("request_type", ["Create", "Update", "Delete"])
@pytest.mark.parametrize(
    ("age", "timeout", "stale"),
    [
        pytest.param(0, "60", False, id="fresh"),
        pytest.param(59, "60", False, id="old"),
        pytest.param(60, "60", True, id="given up"),
        pytest.param(3599, None, False, id="old, default"),
        pytest.param(3600, None, True, id="given up, default"),
    ],
)
def test_an_event_that_cloudformation_gave_up_changes_nothing(
    provider: Provider, request_type: str, age: int, timeout: str | None, *, stale: bool
) -> None:
    """An event older than its own ServiceTimeout is a zombie: no call is made for it."""
    event = provider.event(request_type, dated=True)
    if timeout:
        event["ResourceProperties"]["ServiceTimeout"] = timeout
    provider.clock.sleep(age)

    if stale:
        with pytest.raises(StaleEvent):
            provider.invoke(event)
        assert provider.aws.calls == []
    else:
        deadlines = Deadlines.of(Envelope.of(event), event, provider.clock.now(), 900)
        assert deadlines.stack > provider.clock.now() - age


@pytest.mark.parametrize(("seconds", "most"), [(900, 875), (30, 18), (3, 1.8)])
def test_the_handler_stops_well_before_the_function_ends(provider: Provider, seconds: float, most: float) -> None:
    """Its own deadline leaves time for a hanging call, a diagnosis and the answer, also in a short-lived function."""
    event = provider.event()

    deadlines = Deadlines.of(Envelope.of(event), event, provider.clock.now(), seconds)

    assert deadlines.earliest - provider.clock.now() == pytest.approx(most)


@pytest.mark.parametrize(
    ("timeout", "most"),
    [
        pytest.param("900", 875, id="a margin"),
        pytest.param("60", 36, id="a share"),
        pytest.param("3600", 1175, id="the function ends first"),
    ],
)
def test_the_handler_stops_well_before_cloudformation_gives_up(provider: Provider, timeout: str, most: float) -> None:
    """ServiceTimeout counts from when the event was sent, and the earlier of the two ends holds."""
    event = provider.event(dated=True, ServiceTimeout=timeout)

    deadlines = Deadlines.of(Envelope.of(event), event, provider.clock.now(), 1200)

    assert deadlines.earliest - provider.clock.now() == pytest.approx(most)


def test_without_a_date_only_the_function_ends_it(provider: Provider) -> None:
    """An event that does not tell when it was sent is not old."""
    event = provider.event()
    provider.clock.sleep(100_000)

    assert isinstance(provider.invoke(event), Done)
