"""What CloudFormation is told about each refusal of AWS, and the state that AWS is left in."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from support.cloudformation import STACK_ID
from support.lambda_context import LambdaContext

from local.emulator.script import Fault
from log_group_kms.cloudformation.errors import NotAnEvent
from log_group_kms.handlers import provider as handler
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED, PERHAPS_ASSOCIATED
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, WRITTEN_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from functional.conftest import Deployment
    from support.cloudformation import ReceivedResponse

ORDERS: Final = "/aws/lambda/orders"
ARN: Final = f"arn:aws:logs:eu-west-1:111122223333:log-group:{ORDERS}"
QUERY_RESULTS: Final = "arn:aws:logs:eu-west-1:111122223333:query-result:*"
OWNER: Final = f"one:{STACK_ID.split('/', 1)[1]}/LogEncryption"


def create(deployment: Deployment, key: str, sent_at: datetime | None = None, **properties: object) -> ReceivedResponse:
    """Send a Create with this *key*, by default now, and return the response."""
    target = {} if "ResourceIdentifier" in properties else {"LogGroupName": ORDERS}
    given = {"KmsKeyId": key, **target, **properties}
    return deployment.send(deployment.cloudformation.event("Create", properties=given, sent_at=sent_at))


def delete(deployment: Deployment, key: str, physical_id: str, **properties: object) -> ReceivedResponse:
    """Send the Delete of *physical_id*, and return the response."""
    target = {} if "ResourceIdentifier" in properties else {"LogGroupName": ORDERS}
    given = {"KmsKeyId": key, **target, **properties}
    return deployment.send(
        deployment.cloudformation.event("Delete", properties=given, physical_resource_id=physical_id)
    )


def dated(event: Mapping[str, Any]) -> str:
    """Return when CloudFormation sent *event*, as its ResponseURL says and a claim repeats."""
    url: str = event["ResponseURL"]
    (date,) = parse_qs(urlsplit(url).query)["X-Amz-Date"]
    return date


def test_the_life_of_an_association(deployment: Deployment) -> None:
    """Create, Update of the key, Update of the target and both Deletes, as CloudFormation sends them."""
    before, first, second = deployment.key(), deployment.key(), deployment.key()
    deployment.log_group(ORDERS, before)
    deployment.log_group("/billing")
    cloudformation = deployment.cloudformation
    properties = {"KmsKeyId": first, "LogGroupName": ORDERS}

    creating = cloudformation.event("Create", properties=properties)
    created = deployment.send(creating)
    assert (created.status, created.physical_resource_id) == ("SUCCESS", ARN)
    assert (created.data["KmsKeyArn"], created.data["PreviousKmsKeyArn"]) == (first, before)
    assert deployment.key_of(ORDERS) == first
    claim = {OWNER_TAG: OWNER, PREVIOUS_KEY_TAG: before}
    assert deployment.tags_of(ORDERS) == {**claim, WRITTEN_TAG: dated(creating)}

    new_key = properties | {"KmsKeyId": second}
    updating = cloudformation.event(
        "Update",
        properties=new_key,
        old_properties=properties,
        physical_resource_id=ARN,
        sent_at=datetime.now(UTC) + timedelta(seconds=2),
    )
    updated = deployment.send(updating)
    assert (updated.status, updated.physical_resource_id, deployment.key_of(ORDERS)) == ("SUCCESS", ARN, second)
    assert deployment.tags_of(ORDERS) == {**claim, WRITTEN_TAG: dated(updating)}
    assert dated(updating) > dated(creating)

    new_target = new_key | {"LogGroupName": "/billing"}
    replaced = deployment.send(
        cloudformation.event("Update", properties=new_target, old_properties=new_key, physical_resource_id=ARN)
    )
    assert replaced.physical_resource_id == ARN.replace(ORDERS, "/billing")
    assert (deployment.key_of(ORDERS), deployment.key_of("/billing")) == (second, second)

    assert delete(deployment, second, ARN).status == "SUCCESS"
    assert (deployment.key_of(ORDERS), deployment.tags_of(ORDERS)) == (before, {})
    ended = delete(deployment, second, replaced.physical_resource_id, LogGroupName="/billing")
    assert (ended.status, deployment.key_of("/billing"), deployment.tags_of("/billing")) == ("SUCCESS", None, {})


def test_query_results(deployment: Deployment) -> None:
    """The account's query results are put under the key, and freed."""
    key = deployment.key()

    created = create(deployment, key, ResourceIdentifier=QUERY_RESULTS)
    deleted = delete(deployment, key, created.physical_resource_id, ResourceIdentifier=QUERY_RESULTS)

    assert (created.status, created.physical_resource_id, deleted.status) == ("SUCCESS", QUERY_RESULTS, "SUCCESS")
    calls = [(call.operation, call.status) for call in deployment.aws.direction.calls() if "KmsKey" in call.operation]
    assert calls == [("logs:AssociateKmsKey", 200), ("logs:DisassociateKmsKey", 200)]


def disabled(deployment: Deployment) -> str:
    """A key that someone disabled."""
    key = deployment.key()
    deployment.aws.client("kms").disable_key(KeyId=key)
    return key


def pending_deletion(deployment: Deployment) -> str:
    """A key that someone scheduled for deletion."""
    key = deployment.key()
    deployment.aws.client("kms").schedule_key_deletion(KeyId=key)
    return key


@pytest.mark.parametrize(
    ("make_key", "words"),
    [
        pytest.param(disabled, ["is disabled", "kms:EnableKey"], id="disabled"),
        pytest.param(pending_deletion, ["pending deletion", "kms:CancelKeyDeletion"], id="pending deletion"),
        pytest.param(
            lambda deployment: deployment.key(spec="RSA_2048"),
            ["no symmetric encryption key", "RSA_2048"],
            id="asymmetric",
        ),
        pytest.param(
            lambda deployment: deployment.key(for_logs=False),
            ["The policy of the key", ARN, "Add these statements", "logs.eu-west-1.amazonaws.com"],
            id="key policy",
        ),
        pytest.param(
            lambda _: "arn:aws:kms:eu-west-1:111122223333:key/99999999-9999-9999-9999-999999999999",
            ["There is no key", "correct KmsKeyId"],
            id="no such key",
        ),
        pytest.param(lambda _: "alias/gone", ["There is no key alias/gone"], id="no such alias"),
    ],
)
@pytest.mark.parametrize("by_alias", [False, True], ids=["by ARN", "by alias"])
def test_a_key_that_cannot_be_used(
    deployment: Deployment, make_key: Callable[[Deployment], str], words: list[str], *, by_alias: bool
) -> None:
    """The Reason tells what is wrong with the key; nothing has changed once the Delete that follows is through."""
    before = deployment.key()
    deployment.log_group(ORDERS, before)
    key = make_key(deployment)
    if by_alias and "alias" not in key and "9999" not in key:
        deployment.aws.client("kms").create_alias(AliasName="alias/logs", TargetKeyId=key)
        key = "alias/logs"

    failed = create(deployment, key)

    assert (failed.status, [word for word in words if word not in failed.reason]) == ("FAILED", [])
    assert delete(deployment, key, failed.physical_resource_id).status == "SUCCESS"
    assert (deployment.key_of(ORDERS), deployment.tags_of(ORDERS)) == (before, {})


@pytest.mark.parametrize(
    ("fault", "words", "physical_id"),
    [
        pytest.param(
            Fault.late_role_policy("logs:TagResource", times=999),
            ["role lacks the permission logs:TagResource", "add it to the role"],
            NOTHING_ASSOCIATED,
            id="tagging",
        ),
        pytest.param(
            Fault.late_role_policy("logs:AssociateKmsKey", times=999),
            ["role lacks the permission logs:AssociateKmsKey"],
            ARN,
            id="associating",
        ),
        pytest.param(
            Fault.late_role_policy("logs:AssociateKmsKey", action="kms:Encrypt", times=999),
            ["role lacks the permission kms:Encrypt", "KmsKeyArns"],
            ARN,
            id="KMS",
        ),
        pytest.param(
            Fault.late_role_policy("logs:DescribeLogGroups", times=999),
            ["role lacks the permission logs:DescribeLogGroups"],
            PERHAPS_ASSOCIATED,
            id="looking",
        ),
        pytest.param(Fault.operation_aborted(times=999), ["Someone else kept changing"], ARN, id="conflict"),
        pytest.param(
            Fault.throttled(times=9999), ["Too many AssociateKmsKey calls", "5 a second"], ARN, id="throttled"
        ),
        pytest.param(Fault.unavailable(times=999), ["could not be reached or failed inside"], ARN, id="unavailable"),
    ],
)
def test_a_refusal_that_never_heals(deployment: Deployment, fault: Fault, words: list[str], physical_id: str) -> None:
    """After its window the last refusal is diagnosed; once it is lifted, the Delete that follows leaves nothing."""
    deployment.log_group(ORDERS)
    key = deployment.key()
    deployment.aws.direction.answer_with(fault)
    deployment.context.remaining_in_millis = 100_000

    failed = create(deployment, key)

    assert (failed.status, [word for word in words if word not in failed.reason]) == ("FAILED", [])
    assert failed.physical_resource_id == physical_id
    deployment.aws.direction.forget_script()
    assert delete(deployment, key, failed.physical_resource_id).status == "SUCCESS"
    assert (deployment.key_of(ORDERS), deployment.tags_of(ORDERS)) == (None, {})


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault.operation_aborted(times=4), id="conflict"),
        pytest.param(Fault.throttled(times=9), id="throttled"),
        pytest.param(Fault.unavailable(times=5), id="unavailable"),
        pytest.param(Fault.unavailable(status=500, times=5), id="failed inside"),
        pytest.param(Fault.late_key_policy(times=6), id="key policy seen late"),
        pytest.param(Fault.late_role_policy(action="kms:Encrypt", times=3), id="role's policy seen late"),
        pytest.param(Fault.operation_aborted("logs:TagResource", times=2), id="conflict while tagging"),
        pytest.param(Fault.throttled("logs:DescribeLogGroups", times=5), id="throttled while looking"),
    ],
)
def test_a_refusal_that_heals(deployment: Deployment, fault: Fault) -> None:
    """What passes is waited out: the Create succeeds in its first invocation."""
    deployment.log_group(ORDERS)
    key = deployment.key()
    deployment.aws.direction.answer_with(fault)

    assert create(deployment, key).status == "SUCCESS"
    assert (deployment.key_of(ORDERS), deployment.aws.direction.pending()) == (key, [])


@pytest.mark.parametrize(
    "fault", [Fault.throttled(times=3), Fault.unavailable(times=3)], ids=["throttled", "unavailable"]
)
def test_the_claim_is_looked_at_before_every_retry(deployment: Deployment, fault: Fault) -> None:
    """AWS sees no second AssociateKmsKey without a look at the tags before it: no library retries in between."""
    deployment.log_group(ORDERS)
    key = deployment.key()
    deployment.aws.direction.forget_calls()
    deployment.aws.direction.answer_with(fault)

    create(deployment, key)

    calls = [call.operation for call in deployment.aws.direction.calls()]
    tries = [number for number, call in enumerate(calls) if call == "logs:AssociateKmsKey"]
    assert [calls[number - 1] for number in tries[1:]] == ["logs:ListTagsForResource"] * 3


def test_lambda_can_read_the_time_of_every_log_line() -> None:
    """A timestamp that is not RFC 3339 makes Lambda take an error for INFO, and drop it at LogLevel WARN."""
    record = logging.makeLogRecord({"levelno": logging.ERROR, "levelname": "ERROR", "msg": "Answered FAILED"})

    line = json.loads(handler.logger.registered_handler.format(record))

    assert line["level"] == "ERROR"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|\+00:00)", line["timestamp"])


def test_a_key_that_shows_late(deployment: Deployment) -> None:
    """The read-back is waited for."""
    deployment.log_group(ORDERS)
    key = deployment.key()
    deployment.aws.direction.show_old_key(4)

    assert create(deployment, key).data["KmsKeyArn"] == key


def test_a_missing_log_group(deployment: Deployment) -> None:
    """It is named, with what to do."""
    failed = create(deployment, deployment.key())

    assert (failed.status, failed.physical_resource_id) == ("FAILED", NOTHING_ASSOCIATED)
    assert "There is no log group" in failed.reason
    assert "OnMissingLogGroup" in failed.reason


def test_a_missing_log_group_that_is_to_be_created(deployment: Deployment) -> None:
    """It is made under the key, in one call, and its Delete leaves it."""
    key = deployment.key()

    created = create(deployment, key, OnMissingLogGroup="Create")

    assert (created.status, deployment.key_of(ORDERS)) == ("SUCCESS", key)
    assert delete(deployment, key, created.physical_resource_id, OnMissingLogGroup="Create").status == "SUCCESS"
    assert (deployment.key_of(ORDERS), deployment.tags_of(ORDERS)) == (None, {})


def test_a_previous_key_that_is_gone(deployment: Deployment) -> None:
    """A Delete that cannot put the previous key back succeeds without one, and says so."""
    before, key = deployment.key(), deployment.key()
    deployment.log_group(ORDERS, before)
    create(deployment, key)
    deployment.aws.client("kms").schedule_key_deletion(KeyId=before)

    deleted = delete(deployment, key, ARN)

    assert (deleted.status, deployment.key_of(ORDERS), deployment.tags_of(ORDERS)) == ("SUCCESS", None, {})
    assert before in deleted.reason


def test_tags_of_others_stay(deployment: Deployment) -> None:
    """Claiming and releasing leave every other tag alone."""
    deployment.log_group(ORDERS)
    deployment.aws.client("logs").tag_resource(resourceArn=ARN, tags={"team": "orders"})
    key = deployment.key()

    create(deployment, key)
    delete(deployment, key, ARN)

    assert deployment.tags_of(ORDERS) == {"team": "orders"}


@pytest.mark.parametrize(
    ("event", "most"),
    [
        pytest.param("create", 6, id="create where there is no key"),
        pytest.param("create over a key", 7, id="create over another key, which has the tags read once more"),
        pytest.param("create again", 2, id="create again"),
        pytest.param("options", 2, id="options"),
        pytest.param("key", 6, id="another key, which dates the claim anew"),
        pytest.param("delete", 5, id="delete"),
    ],
)
def test_the_calls_that_aws_sees(deployment: Deployment, event: str, most: int) -> None:
    """An event of the happy path costs no more calls than the contract allows, counted by AWS."""
    first, second = deployment.key(), deployment.key()
    deployment.log_group(ORDERS, deployment.key() if event == "create over a key" else None)
    properties = {"KmsKeyId": first, "LogGroupName": ORDERS}
    # What is delivered again was sent in the same second.
    sent_at = datetime.now(UTC)
    if event not in ("create", "create over a key"):
        create(deployment, first, sent_at)
    deployment.aws.direction.forget_calls()

    match event:
        case "create" | "create over a key" | "create again":
            create(deployment, first, sent_at)
        case "delete":
            delete(deployment, first, ARN)
        case "options" | "key":
            change = {"OnDelete": "Retain"} if event == "options" else {"KmsKeyId": second}
            update = deployment.cloudformation.event(
                "Update",
                properties=properties | change,
                old_properties=properties,
                physical_resource_id=ARN,
                sent_at=datetime.now(UTC) + timedelta(seconds=2),
            )
            deployment.send(update)

    calls = deployment.aws.direction.counts()
    assert 2 <= calls.total() <= most, calls


def test_a_stale_event_changes_nothing(deployment: Deployment) -> None:
    """An event that CloudFormation gave up is answered FAILED, and AWS hears nothing of it."""
    deployment.log_group(ORDERS)
    key = deployment.key()
    deployment.aws.direction.forget_calls()
    sent = datetime.now(UTC) - timedelta(seconds=301)
    event = deployment.cloudformation.event(
        "Create", properties={"KmsKeyId": key, "LogGroupName": ORDERS}, service_timeout=300, sent_at=sent
    )

    failed = deployment.send(event)

    assert (failed.status, deployment.aws.direction.calls()) == ("FAILED", [])
    assert "nothing was changed" in failed.reason


def test_a_service_token_says_where(deployment: Deployment) -> None:
    """`sam local` makes the function's ARN up; the ServiceToken is the one that CloudFormation invoked."""
    deployment.log_group(ORDERS)
    deployment.context = LambdaContext(invoked_function_arn="arn:aws:lambda:us-east-1:012345678912:function:f")

    assert create(deployment, deployment.key()).physical_resource_id == ARN


def test_without_a_service_token_the_context_says_where(deployment: Deployment) -> None:
    """Properties without a ServiceToken, or none at all, still get a response that says what is wrong."""
    event = deployment.cloudformation.event("Create")
    del event["ResourceProperties"]

    failed = deployment.send(event)

    assert failed.status == "FAILED"
    assert "ResourceProperties is None" in failed.reason


@pytest.mark.parametrize("event", [None, [], "event", {}, {"RequestType": "Create"}], ids=str)
def test_an_object_that_is_no_event_is_answered_to_nobody(deployment: Deployment, event: Any) -> None:
    """Nobody could be told: the invocation fails, and AWS hears nothing of it."""
    with pytest.raises(NotAnEvent):
        handler.handler(event, LambdaContext())  # type: ignore[arg-type] # all that is used of Lambda's context
    assert deployment.aws.direction.calls() == []


def test_a_wait_that_cannot_go_on(deployment: Deployment, caplog: pytest.LogCaptureFixture) -> None:
    """Where the function may not call itself, the Reason says so; and no log of the call holds the event."""
    deployment.log_group(ORDERS)
    key = deployment.key()
    deployment.context.remaining_in_millis = 100_000
    caplog.set_level(logging.DEBUG)
    event = deployment.cloudformation.event(
        "Create", properties={"KmsKeyId": key, "LogGroupName": ORDERS, "PropagationWaitSeconds": 600}
    )

    failed = deployment.send(event)

    assert (failed.status, failed.physical_resource_id) == ("FAILED", ARN)
    assert "could not call itself" in failed.reason
    assert event["ResponseURL"].rpartition("X-Amz-Signature=")[2] not in caplog.text


def test_nothing_that_is_logged_holds_the_response_url(
    deployment: Deployment, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither success nor failure nor the libraries at DEBUG write the pre-signed URL, whatever the level."""
    deployment.log_group(ORDERS)
    key = deployment.key()
    caplog.set_level(logging.DEBUG)
    event = deployment.cloudformation.event("Create", properties={"KmsKeyId": key, "LogGroupName": ORDERS})

    deployment.send(event)
    create(deployment, "alias/gone")

    signature = event["ResponseURL"].rpartition("X-Amz-Signature=")[2]
    written = "".join(capfd.readouterr()) + caplog.text
    assert "Answered SUCCESS" in written
    assert signature not in written
