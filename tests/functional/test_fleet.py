"""What CloudFormation is told about a fleet, over one invocation or several, and the state that AWS is left in."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from support.cloudformation import SERVICE_TOKEN, STACK_ID
from support.self_invocations import invocations, keep_invocations

from local.emulator.script import Fault, LogGroups
from log_group_kms.handlers import provider as handler
from log_group_kms.lifecycle.progress import PROGRESS
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from functional.conftest import Deployment
    from support.cloudformation import Answered

EVENTS: Final = Path(__file__).parents[2] / "events"
KEY_OF_THE_EVENTS: Final = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PREFIX: Final = "/app/"
ARN: Final = f"arn:aws:logs:eu-west-1:111122223333:log-group:{PREFIX}*"
FUNCTION: Final = SERVICE_TOKEN.rpartition(":")[2]
OWNER: Final = f"fleet:{STACK_ID.split('/', 1)[1]}/LogEncryption"
#: The tags of an explicit resource of another stack.
EXPLICIT: Final = {OWNER_TAG: "one:orders/5c9f1e20/LogEncryption", PREVIOUS_KEY_TAG: "none"}


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSOCIATIONS_PER_SECOND", "1000")


@pytest.fixture
def slow(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet at AWS's own pace, and the function that it calls to go on: that only writes events into its log."""
    monkeypatch.setenv("ASSOCIATIONS_PER_SECOND", "5")
    keep_invocations(deployment.aws, FUNCTION)


def named(count: int) -> list[str]:
    """So many names, in order."""
    return [f"{PREFIX}{number:04}" for number in range(count)]


def having(deployment: Deployment, *names: str, key: str | None = None, tags: dict[str, str] | None = None) -> None:
    """Log groups that are there at once."""
    aws = deployment.aws
    aws.direction.make_log_groups(LogGroups(list(names), aws.account, aws.region, key, tags or {}))


def event(deployment: Deployment, request_type: str, key: str, **more: Any) -> dict[str, Any]:
    """CloudFormation's event for a fleet; *more* are properties, or arguments of the double."""
    arguments = {name: more.pop(name) for name in ("old_properties", "service_timeout") if name in more}
    properties = {"KmsKeyId": key, "LogGroupNamePrefix": PREFIX, **more}
    physical_id = None if request_type == "Create" else ARN
    return deployment.cloudformation.event(
        request_type, properties=properties, physical_resource_id=physical_id, **arguments
    )


def to_the_end(deployment: Deployment, sent: dict[str, Any], already: int = 0) -> tuple[Answered, int]:
    """The one answer to the event that was *sent*, and after how many invocations of itself it came."""
    current, hops = sent, 0
    while True:
        handler.handler(dict(current), deployment.context)  # type: ignore[arg-type] # all that is used of the context
        if deployment.cloudformation.answers_to(sent):
            return deployment.cloudformation.answer_to(sent), hops
        hops += 1
        current = invocations(deployment.aws, FUNCTION, already + hops)[-1]


def counts(answer: Answered) -> dict[str, str]:
    """The counts among the return values."""
    return {name: value for name, value in answer.data.items() if name.endswith("Count")}


def count(matched: int, associated: int, compliant: int, skipped: int) -> dict[str, str]:
    """The counts, as CloudFormation gets them."""
    return {
        "MatchedCount": str(matched),
        "AssociatedCount": str(associated),
        "CompliantCount": str(compliant),
        "SkippedCount": str(skipped),
    }


def keys_of(deployment: Deployment, names: Iterable[str]) -> set[str | None]:
    """The keys in force."""
    pages = deployment.aws.client("logs").get_paginator("describe_log_groups").paginate()
    found = {group["logGroupName"]: group.get("kmsKeyId") for page in pages for group in page["logGroups"]}
    return {found[name] for name in names}


# --- the life of a fleet ----------------------------------------------------------------------------------------------


def test_the_life_of_a_fleet(deployment: Deployment) -> None:
    """Create, Update of exclusions and of the key, and Delete, as CloudFormation sends them."""
    before, first, second = deployment.key(), deployment.key(), deployment.key()
    having(deployment, *named(60))
    having(deployment, "/app/keyed", key=before)
    having(deployment, "/app/explicit", key=before, tags=EXPLICIT)
    having(deployment, "/app/compliant", key=first)
    having(deployment, "/app/scratch-1", "/elsewhere", "aws/spans")
    overriding = {"OnExistingKey": "Override"}
    excluding = {"ExcludeLogGroupNames": ["/app/scratch-*"], **overriding}

    created = deployment.send(event(deployment, "Create", first, **excluding))
    assert (created.status, created.physical_resource_id) == ("SUCCESS", ARN)
    assert counts(created) == count(63, 61, 1, 1)
    assert (created.data["KmsKeyArn"], created.data["PreviousKmsKeyArn"]) == (first, "")
    assert (created.data["LogGroupName"], created.data["LogGroupArn"]) == ("", "")
    assert keys_of(deployment, [*named(60), "/app/keyed", "/app/compliant"]) == {first}
    assert keys_of(deployment, ["/app/scratch-1", "/elsewhere"]) == {None}
    owned = {OWNER_TAG: OWNER, PREVIOUS_KEY_TAG: before, SCOPE_TAG: f"prefix={PREFIX}"}
    assert (deployment.tags_of("/app/keyed"), deployment.tags_of("/app/compliant")) == (owned, {})

    old = {"KmsKeyId": first, "LogGroupNamePrefix": PREFIX, **excluding}
    excluding = {"ExcludeLogGroupNames": ["/app/scratch-*", "/app/keyed"], **overriding}
    updated = deployment.send(event(deployment, "Update", first, **excluding, old_properties=old))
    assert (updated.status, updated.physical_resource_id, counts(updated)) == ("SUCCESS", ARN, count(62, 0, 61, 1))
    assert (deployment.key_of("/app/keyed"), deployment.tags_of("/app/keyed")) == (before, {})

    old |= excluding
    rekeyed = deployment.send(event(deployment, "Update", second, **excluding, old_properties=old))
    assert (rekeyed.physical_resource_id, counts(rekeyed)) == (ARN, count(62, 61, 0, 1))
    assert keys_of(deployment, [*named(60), "/app/compliant"]) == {second}

    deleted = deployment.send(event(deployment, "Delete", second, **excluding))
    assert (deleted.status, deleted.physical_resource_id) == ("SUCCESS", ARN)
    assert "61 given back" in deleted.reason
    assert keys_of(deployment, named(60)) == {None}
    assert (deployment.key_of("/app/compliant"), deployment.key_of("/app/explicit")) == (first, before)
    assert (deployment.tags_of("/app/0000"), deployment.tags_of("/app/explicit")) == ({}, EXPLICIT)


def test_a_fleet_keeps_the_keys_of_others_unless_it_is_told_otherwise(deployment: Deployment) -> None:
    """By default it changes and claims nothing there: not on Create, not for a new key, and not on Delete."""
    theirs, first, second = deployment.key(), deployment.key(), deployment.key()
    having(deployment, *named(2))
    having(deployment, "/app/keyed", key=theirs)

    created = deployment.send(event(deployment, "Create", first))
    old = {"KmsKeyId": first, "LogGroupNamePrefix": PREFIX}
    updated = deployment.send(event(deployment, "Update", second, old_properties=old))
    state = (deployment.key_of("/app/keyed"), deployment.tags_of("/app/keyed"))
    deleted = deployment.send(event(deployment, "Delete", second))

    assert (created.status, counts(created)) == ("SUCCESS", count(3, 2, 0, 1))
    assert (updated.status, counts(updated)) == ("SUCCESS", count(3, 2, 0, 1))
    assert state == (theirs, {})
    assert (deleted.status, deployment.key_of("/app/keyed")) == ("SUCCESS", theirs)
    assert keys_of(deployment, named(2)) == {None}


def test_the_events_of_the_fleet(deployment: Deployment) -> None:
    """The files of `events/`, one after the other."""
    key = deployment.key()
    having(deployment, "/aws/lambda/orders", "/aws/lambda/payments", "/aws/lambda/scratch-1")

    def sent(name: str) -> tuple[Answered, list[str | None]]:
        text = (EVENTS / name).read_text().replace(KEY_OF_THE_EVENTS, key)
        answer = deployment.send(deployment.cloudformation.sending(json.loads(text)))
        shown = ["/aws/lambda/orders", "/aws/lambda/payments", "/aws/lambda/scratch-1"]
        return answer, [deployment.key_of(log_group) for log_group in shown]

    created, first = sent("create-fleet.json")
    updated, second = sent("update-fleet-exclusions.json")
    deleted, third = sent("delete-fleet.json")

    assert [created.status, updated.status, deleted.status] == ["SUCCESS"] * 3
    assert {answer.physical_resource_id for answer in (created, updated, deleted)} == {ARN.replace(PREFIX, "/")}
    assert (first, second, third) == ([key, key, None], [key, None, None], [None, None, None])


def test_an_empty_fleet(deployment: Deployment) -> None:
    """It is no failure: enrolment, or the next Update, brings the log groups."""
    key = deployment.key()

    created = deployment.send(event(deployment, "Create", key))
    deleted = deployment.send(event(deployment, "Delete", key))

    assert (created.status, counts(created), deleted.status) == ("SUCCESS", count(0, 0, 0, 0), "SUCCESS")


def test_every_log_group(deployment: Deployment) -> None:
    """`*` is all of them; what AWS reserves is skipped, counted, and said."""
    key = deployment.key()
    having(deployment, "/a", "b", "aws/spans")

    created = deployment.send(event(deployment, "Create", key, LogGroupNamePrefix="*"))

    assert created.physical_resource_id == ARN.replace(PREFIX, "")
    assert counts(created) == count(3, 2, 0, 1)
    assert "1 reserved for AWS" in created.reason


def test_fail_changes_nothing_where_one_has_another_key(deployment: Deployment) -> None:
    """On the last page: it looks at all before it changes one, and names it."""
    key, other = deployment.key(), deployment.key()
    having(deployment, *named(70))
    having(deployment, "/app/zzz", key=other)

    failed = deployment.send(event(deployment, "Create", key, OnExistingKey="Fail"))

    assert (failed.status, "log-group:/app/zzz: OnExistingKey is Fail" in failed.reason) == ("FAILED", True)
    assert deployment.aws.direction.counts().keys() & {"logs:TagResource", "logs:AssociateKmsKey"} == set()


def test_a_log_group_that_vanishes_meanwhile(deployment: Deployment) -> None:
    """AWS no longer finds it when its turn comes: the others are done, and it is not counted."""
    key = deployment.key()
    having(deployment, *named(10))
    gone = "ResourceNotFoundException", "The specified log group does not exist."
    deployment.aws.direction.answer_with(Fault("logs:TagResource", *gone, log_group="/app/0004"))

    created = deployment.send(event(deployment, "Create", key))

    assert (created.status, counts(created)) == ("SUCCESS", count(9, 9, 0, 0))


def test_a_busy_log_group(deployment: Deployment) -> None:
    """It comes again when all others are done."""
    key = deployment.key()
    having(deployment, *named(10))
    deployment.aws.direction.answer_with(Fault.operation_aborted(times=12, log_group="/app/0003"))

    created = deployment.send(event(deployment, "Create", key))

    assert (created.status, counts(created)) == ("SUCCESS", count(10, 10, 0, 0))
    assert keys_of(deployment, named(10)) == {key}


def test_one_thousand_log_groups(deployment: Deployment) -> None:
    """All of them, one change each; an Update that finds them so lists them and does nothing else."""
    key = deployment.key()
    having(deployment, *named(1000))
    create = event(deployment, "Create", key)
    deployment.aws.direction.forget_calls()

    created = deployment.send(create)

    assert (created.status, counts(created)) == ("SUCCESS", count(1000, 1000, 0, 0))
    assert deployment.aws.direction.counts()["logs:AssociateKmsKey"] == 1000
    assert keys_of(deployment, named(1000)) == {key}

    deployment.aws.direction.forget_calls()
    again = deployment.send(event(deployment, "Update", key, old_properties=create["ResourceProperties"]))
    assert counts(again) == count(1000, 0, 1000, 0)
    assert deployment.aws.direction.counts() == {"logs:DescribeLogGroups": 20}


# --- a key at fault ---------------------------------------------------------------------------------------------------


def disabled(deployment: Deployment) -> str:
    """A key that someone disabled."""
    key = deployment.key()
    deployment.aws.client("kms").disable_key(KeyId=key)
    return key


@pytest.mark.parametrize(
    ("make_key", "words", "tries"),
    [
        pytest.param(disabled, ["is disabled", "kms:EnableKey"], 1, id="disabled: asked once"),
        pytest.param(
            lambda deployment: deployment.key(for_logs=False),
            ["The policy of the key", "log-group:/app/0000", "Add this statement", "logs.eu-west-1.amazonaws.com"],
            None,
            id="key policy: asked again for as long as its window is open",
        ),
        pytest.param(
            lambda _: "arn:aws:kms:eu-west-1:111122223333:key/99999999-9999-9999-9999-999999999999",
            ["There is no key", "correct KmsKeyId"],
            None,
            id="no such key",
        ),
    ],
)
def test_a_key_at_fault_is_met_once(
    deployment: Deployment, make_key: Callable[[Deployment], str], words: list[str], tries: int | None
) -> None:
    """At the first log group, and not once for each; after the Delete that follows, nothing has changed."""
    having(deployment, *named(60))
    key = make_key(deployment)

    failed = deployment.send(event(deployment, "Create", key))

    assert (failed.status, [word for word in words if word not in failed.reason]) == ("FAILED", [])
    assert "Of its log groups: none was changed." in failed.reason
    asked = [call for call in deployment.aws.direction.calls() if call.operation == "logs:AssociateKmsKey"]
    assert {call.log_group for call in asked} == {"/app/0000"}
    assert tries in (None, len(asked))
    assert failed.physical_resource_id == ARN
    deployment.aws.direction.forget_calls()
    assert deployment.send(event(deployment, "Delete", key)).status == "SUCCESS"
    assert keys_of(deployment, named(60)) == {None}
    assert deployment.tags_of("/app/0000") == {}


def test_a_key_that_cannot_be_found_by_its_name(deployment: Deployment) -> None:
    """No log group is touched, and there is nothing to undo."""
    having(deployment, *named(3))
    deployment.aws.direction.forget_calls()

    failed = deployment.send(event(deployment, "Create", "alias/gone"))

    assert (failed.status, failed.physical_resource_id != ARN) == ("FAILED", True)
    assert "There is no key alias/gone" in failed.reason
    assert {name for name in deployment.aws.direction.counts() if name.startswith("logs:")} == set()


def test_a_key_that_fails_on_the_way(deployment: Deployment) -> None:
    """The Reason has the counts so far, and the Delete that follows gives those back."""
    key = deployment.key()
    having(deployment, *named(60))
    deployment.aws.direction.answer_with(
        replace(Fault.late_key_policy(times=9999), skip=55),
    )

    failed = deployment.send(event(deployment, "Create", key))

    assert (failed.status, failed.physical_resource_id) == ("FAILED", ARN)
    assert re.search(r"Of its log groups: 5\d associated\.", failed.reason)
    assert deployment.send(event(deployment, "Delete", key)).status == "SUCCESS"
    assert keys_of(deployment, named(60)) == {None}


@pytest.mark.parametrize(
    ("action", "claimed"),
    [("logs:TagResource", False), ("logs:AssociateKmsKey", True), ("logs:ListTagsForResource", False)],
)
def test_a_permission_that_is_missing(deployment: Deployment, action: str, *, claimed: bool) -> None:
    """It ends the run at the first log group too, and is named."""
    having(deployment, *named(60))
    key = deployment.key()
    deployment.aws.direction.answer_with(Fault.late_role_policy(action, times=999))

    failed = deployment.send(event(deployment, "Create", key))

    assert (failed.status, f"role lacks the permission {action}" in failed.reason) == ("FAILED", True)
    assert (failed.physical_resource_id == ARN) is claimed
    asked = {call.log_group for call in deployment.aws.direction.calls() if call.operation == action}
    assert len(asked) == 1


# --- several invocations ----------------------------------------------------------------------------------------------


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
def test_an_alias_means_the_same_key_to_the_end(deployment: Deployment) -> None:
    """Also where it is pointed elsewhere between two invocations."""
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

    assert deployment.cloudformation.answer_to(create).data["KmsKeyArn"] == key
    assert keys_of(deployment, named(120)) == {key}


@pytest.mark.usefixtures("slow")
def test_a_listing_that_is_too_old_begins_anew(deployment: Deployment) -> None:
    """Nothing is done twice, nothing counted twice."""
    key = deployment.key()
    having(deployment, *named(120))
    deployment.context.remaining_in_millis = 40_000
    create = event(deployment, "Create", key, service_timeout=3600)
    handler.handler(dict(create), deployment.context)  # type: ignore[arg-type] # all that is used of the context
    (further,) = invocations(deployment.aws, FUNCTION, 1)
    deployment.aws.direction.expire_tokens()

    deployment.context.remaining_in_millis = 900_000
    handler.handler(further, deployment.context)  # type: ignore[arg-type] # as above

    assert further[PROGRESS]["token"]
    assert counts(deployment.cloudformation.answer_to(create)) == count(120, 120, 0, 0)
    assert deployment.aws.direction.counts()["logs:AssociateKmsKey"] == 120


@pytest.mark.usefixtures("slow")
def test_a_delete_that_overtakes_a_create(deployment: Deployment) -> None:
    """Between two of its invocations: the Create notices, gives back, and fails; nothing stays behind."""
    key, before = deployment.key(), deployment.key()
    having(deployment, *named(120), key=before)
    deployment.context.remaining_in_millis = 40_000
    create = event(deployment, "Create", key, service_timeout=3600, OnExistingKey="Override")
    handler.handler(dict(create), deployment.context)  # type: ignore[arg-type] # all that is used of the context
    (further,) = invocations(deployment.aws, FUNCTION, 1)
    deployment.context.remaining_in_millis = 900_000
    assert deployment.send(event(deployment, "Delete", key, service_timeout=3600)).status == "SUCCESS"

    handler.handler(further, deployment.context)  # type: ignore[arg-type] # as above

    failed = deployment.cloudformation.answer_to(create)
    assert (failed.status, "a Delete of it passed by" in failed.reason) == ("FAILED", True)
    assert keys_of(deployment, named(120)) == {before}
    assert deployment.tags_of("/app/0000") == deployment.tags_of("/app/0119") == {}


@pytest.mark.usefixtures("slow")
def test_cloudformations_patience_ends_it(deployment: Deployment) -> None:
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
def test_an_update_goes_on_where_a_failed_create_ended(deployment: Deployment) -> None:
    """What is done stays done: the next event passes over it."""
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


def test_properties_that_do_not_fit_a_fleet(deployment: Deployment) -> None:
    """Every mistake is named, and nothing is called."""
    given = {"OnMissingLogGroup": "Create", "ExcludeLogGroupNames": ["a b"]}
    deployment.aws.direction.forget_calls()

    failed = deployment.send(event(deployment, "Create", "alias/logs", **given))

    assert (failed.status, failed.physical_resource_id) == ("FAILED", NOTHING_ASSOCIATED)
    assert "OnMissingLogGroup" in failed.reason
    assert "'a b' is no name" in failed.reason
    assert deployment.aws.direction.calls() == []
