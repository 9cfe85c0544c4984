"""A fleet that takes several invocations: one answer, after the last."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from functional.fleets import ARN, FUNCTION, count, counts, event, having, keys_of, named
from support.self_invocations import invocations, keep_invocations

from log_group_kms.fleet.lookouts import FENCE, LOOKOUTS
from log_group_kms.handlers import provider as handler
from log_group_kms.lifecycle.progress import PROGRESS
from log_group_kms.model.tags import CANCELLED_TAG

if TYPE_CHECKING:
    from functional.conftest import Deployment
    from support.cloudformation import ReceivedResponse

#: As CloudFormation makes one up for a Create that it gives up.
MADE_UP: Final = "landing-zone-LogEncryption-1UXV4JCQZ4QYD"


@pytest.fixture
def slow(deployment: Deployment, monkeypatch: pytest.MonkeyPatch, one_worker: None) -> None:  # noqa: ARG001 - sets up
    """A fleet at AWS's own pace, and the function that it calls to go on: that only writes events into its log."""
    monkeypatch.setenv("ASSOCIATIONS_PER_SECOND", "5")
    keep_invocations(deployment.aws, FUNCTION)


def to_the_end(deployment: Deployment, sent: dict[str, Any], already: int = 0) -> tuple[ReceivedResponse, int]:
    """The one answer to the event that was *sent*, and after how many invocations of itself it came."""
    current, hops = sent, 0
    while True:
        handler.handler(dict(current), deployment.context)  # type: ignore[arg-type] # all that is used of the context
        if deployment.cloudformation.responses_to(sent):
            return deployment.cloudformation.response_to(sent), hops
        hops += 1
        current = invocations(deployment.aws, FUNCTION, already + hops)[-1]


@pytest.mark.usefixtures("slow")
def test_a_fleet_goes_on_in_further_invocations(deployment: Deployment) -> None:
    """One answer, after the last; the counts are those of all, and each log group was changed once."""
    key = deployment.key()
    having(deployment, *named(150))
    having(deployment, "/app/zz", key=key)
    deployment.context.remaining_in_millis = 40_000
    create = event(deployment, "Create", key, service_timeout=3600)

    created, hops = to_the_end(deployment, create)

    assert hops > 1
    assert (created.status, counts(created)) == ("SUCCESS", count(151, 150, 1, 0))
    assert deployment.aws.direction.counts()["logs:AssociateKmsKey"] == 150
    assert keys_of(deployment, named(150)) == {key}
    handed_on = invocations(deployment.aws, FUNCTION, hops)
    assert [sent.keys() - create.keys() for sent in handed_on] == [{PROGRESS}] * hops

    deleted, more = to_the_end(deployment, event(deployment, "Delete", key, service_timeout=3600), hops)
    assert (deleted.status, more > 0, "150 given back" in deleted.reason) == ("SUCCESS", True, True)
    assert keys_of(deployment, named(150)) == {None}


@pytest.mark.usefixtures("slow")
def test_an_alias_that_comes_to_mean_another_key(deployment: Deployment) -> None:
    """Pointed elsewhere between two invocations, it means that key for all: the work begins anew."""
    key, other = deployment.key(), deployment.key()
    kms = deployment.aws.client("kms")
    kms.create_alias(AliasName="alias/logs", TargetKeyId=key)
    having(deployment, *named(120))
    deployment.context.remaining_in_millis = 40_000
    create = event(deployment, "Create", "alias/logs", service_timeout=3600)
    handler.handler(dict(create), deployment.context)  # type: ignore[arg-type] # all that is used of the context
    kms.update_alias(AliasName="alias/logs", TargetKeyId=other)
    (further,) = invocations(deployment.aws, FUNCTION, 1)

    deployment.context.remaining_in_millis = 900_000
    handler.handler(further, deployment.context)  # type: ignore[arg-type] # as above

    created = deployment.cloudformation.response_to(create)
    assert further[PROGRESS]["key"] == key
    assert (created.data["KmsKeyArn"], counts(created)) == (other, count(120, 120, 0, 0))
    assert keys_of(deployment, named(120)) == {other}
    assert deployment.send(event(deployment, "Delete", "alias/logs")).status == "SUCCESS"
    assert keys_of(deployment, named(120)) == {None}


@pytest.mark.usefixtures("slow")
def test_a_listing_that_is_too_old_begins_anew(deployment: Deployment) -> None:
    """Nothing is done twice, nothing counted twice."""
    key = deployment.key()
    having(deployment, *named(220))
    # Long enough for a page of 50 log groups also where each call takes a while, and too short for all.
    deployment.context.remaining_in_millis = 60_000
    create = event(deployment, "Create", key, service_timeout=3600)
    handler.handler(dict(create), deployment.context)  # type: ignore[arg-type] # all that is used of the context
    (further,) = invocations(deployment.aws, FUNCTION, 1)
    deployment.aws.direction.expire_tokens()

    deployment.context.remaining_in_millis = 900_000
    handler.handler(further, deployment.context)  # type: ignore[arg-type] # as above

    assert further[PROGRESS]["token"]
    assert counts(deployment.cloudformation.response_to(create)) == count(220, 220, 0, 0)
    assert deployment.aws.direction.counts()["logs:AssociateKmsKey"] == 220


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("physical_id", [ARN, MADE_UP], ids=["known", "made up"])
def test_a_delete_that_overtakes_a_create(deployment: Deployment, physical_id: str) -> None:
    """Between two of its invocations: the Delete finds its mark, waits, and gives back; the Create fails."""
    key, before = deployment.key(), deployment.key()
    having(deployment, *named(120), key=before)
    deployment.context.remaining_in_millis = 40_000
    create = event(deployment, "Create", key, service_timeout=3600, OnExistingKey="Override")
    handler.handler(dict(create), deployment.context)  # type: ignore[arg-type] # all that is used of the context
    (further,) = invocations(deployment.aws, FUNCTION, 1)
    deployment.context.remaining_in_millis = 900_000
    assert keys_of(deployment, named(120)) == {before, key}
    delete = event(deployment, "Delete", key, service_timeout=3600) | {"PhysicalResourceId": physical_id}
    assert deployment.send(delete).status == "SUCCESS"
    assert FENCE in deployment.clock.slept
    deployment.aws.direction.forget_calls()

    handler.handler(further, deployment.context)  # type: ignore[arg-type] # as above

    failed = deployment.cloudformation.response_to(create)
    assert (failed.status, "A Delete of this resource has begun" in failed.reason) == ("FAILED", True)
    assert keys_of(deployment, named(120)) == {before}
    assert "logs:AssociateKmsKey" not in deployment.aws.direction.counts()
    # What cancels the Create stays, for a Create that may yet come again; no claim does.
    marks = [tag for name in named(120) for tag in deployment.tags_of(name)]
    assert (len(marks), {tag.rpartition("/")[0] + "/" for tag in marks}) == (LOOKOUTS, {CANCELLED_TAG})


@pytest.mark.usefixtures("slow")
def test_service_timeout_ends_it(deployment: Deployment) -> None:
    """Before ServiceTimeout is over it answers FAILED, with the counts; the Delete that follows gives those back."""
    key = deployment.key()
    having(deployment, *named(300))

    failed = deployment.send(event(deployment, "Create", key, service_timeout=60))

    assert (failed.status, failed.physical_resource_id) == ("FAILED", ARN)
    assert "ServiceTimeout is too near to go on." in failed.reason
    told = re.search(r"Of its log groups: (\d+) associated\. ", failed.reason)
    assert told, failed.reason
    assert int(told[1]) == deployment.aws.direction.counts()["logs:AssociateKmsKey"] < 300
    invocations(deployment.aws, FUNCTION, 0)

    deleted = deployment.send(event(deployment, "Delete", key, service_timeout=3600))
    assert (deleted.status, f"{told[1]} given back" in deleted.reason) == ("SUCCESS", True)
    assert keys_of(deployment, named(300)) == {None}


@pytest.mark.usefixtures("slow")
def test_a_delete_without_time_for_all(deployment: Deployment) -> None:
    """It fails and says so; the next one goes on from there, and reads no log group again that was given back."""
    key = deployment.key()
    having(deployment, *named(150))
    deployment.send(event(deployment, "Create", key, service_timeout=3600))

    # The clock is ahead by what the Create took.
    now = datetime.fromtimestamp(deployment.clock.now(), UTC)
    failed = deployment.send(event(deployment, "Delete", key, service_timeout=60, sent_at=now))

    told = re.search(r"There is no time to give back more\. Of its log groups: (\d+) given back.*\. ", failed.reason)
    assert told, failed.reason
    assert (failed.status, "Delete it again: that goes on from here" in failed.reason) == ("FAILED", True)
    given_back = {name for name in named(150) if deployment.key_of(name) is None}
    assert len(given_back) == int(told[1]) < 150
    deployment.aws.direction.forget_calls()
    deleted = deployment.send(event(deployment, "Delete", key, service_timeout=3600))
    assert (deleted.status, f"{150 - int(told[1])} given back" in deleted.reason) == ("SUCCESS", True)
    read = {call.log_group for call in deployment.aws.direction.calls() if call.operation == "logs:ListTagsForResource"}
    # All but those that are looked at for marks.
    assert len(read & given_back) <= 8
    assert keys_of(deployment, named(150)) == {None}
    assert not any(deployment.tags_of(name) for name in named(150))


@pytest.mark.usefixtures("slow")
def test_an_update_goes_on_where_a_failed_create_ended(deployment: Deployment) -> None:
    """The next event passes over the log groups that are done."""
    key = deployment.key()
    having(deployment, *named(200))
    create = event(deployment, "Create", key, service_timeout=60)
    deployment.send(create)
    done = deployment.aws.direction.counts()["logs:AssociateKmsKey"]

    old = create["ResourceProperties"]
    updated = deployment.send(event(deployment, "Update", key, service_timeout=3600, old_properties=old))

    assert counts(updated) == count(200, 200 - done, done, 0)


def test_a_fleet_that_may_not_call_itself(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Reason says what is missing; the Delete that follows gives back."""
    monkeypatch.setenv("ASSOCIATIONS_PER_SECOND", "5")
    key = deployment.key()
    having(deployment, *named(150))
    deployment.context.remaining_in_millis = 40_000

    failed = deployment.send(event(deployment, "Create", key, service_timeout=3600))

    assert (failed.status, failed.physical_resource_id) == ("FAILED", ARN)
    assert "lambda:InvokeFunction" in failed.reason
    deployment.context.remaining_in_millis = 900_000
    assert deployment.send(event(deployment, "Delete", key)).status == "SUCCESS"
    assert keys_of(deployment, named(150)) == {None}
