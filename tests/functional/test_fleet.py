"""Answers to CloudFormation about a fleet, and the state that AWS is left in."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from functional.fleets import ARN, EXPLICIT, OWNER, PREFIX, count, counts, date_of, event, having, keys_of, named

from local.emulator.script import Fault
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG, WRITTEN_TAG

if TYPE_CHECKING:
    from collections.abc import Callable

    from functional.conftest import Deployment
    from support.cloudformation import ReceivedResponse

EVENTS: Final = Path(__file__).parents[2] / "events"
KEY_OF_THE_EVENTS: Final = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSOCIATIONS_PER_SECOND", "1000")


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

    create = event(deployment, "Create", first, **excluding)
    created = deployment.send(create)
    assert (created.status, created.physical_resource_id) == ("SUCCESS", ARN)
    assert counts(created) == count(63, 61, 1, 1)
    assert (created.data["KmsKeyArn"], created.data["PreviousKmsKeyArn"]) == (first, "")
    assert (created.data["LogGroupName"], created.data["LogGroupArn"]) == ("", "")
    assert keys_of(deployment, [*named(60), "/app/keyed", "/app/compliant"]) == {first}
    assert keys_of(deployment, ["/app/scratch-1", "/elsewhere"]) == {None}
    owned = {
        OWNER_TAG: OWNER,
        PREVIOUS_KEY_TAG: before,
        SCOPE_TAG: f"prefix={PREFIX}",
        WRITTEN_TAG: date_of(create),
    }
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

    def sent(name: str) -> tuple[ReceivedResponse, list[str | None]]:
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
    """It looks at all log groups, to the last page, before it changes one, and names the one with another key."""
    key, other = deployment.key(), deployment.key()
    having(deployment, *named(70))
    having(deployment, "/app/zzz", key=other)

    failed = deployment.send(event(deployment, "Create", key, OnExistingKey="Fail"))

    assert (failed.status, "log-group:/app/zzz: OnExistingKey is Fail" in failed.reason) == ("FAILED", True)
    assert deployment.aws.direction.counts().keys() & {"logs:TagResource", "logs:AssociateKmsKey"} == set()


def test_a_log_group_that_vanishes_meanwhile(deployment: Deployment) -> None:
    """AWS no longer finds it when the fleet comes to it: the others are done, and it is not counted."""
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
            ["The policy of the key", "log-group:/app/0000", "Add these statements", "logs.eu-west-1.amazonaws.com"],
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
    """It may be that of single log groups: the run ends at the 51st that is refused, and the permission is named."""
    having(deployment, *named(60))
    key = deployment.key()
    deployment.aws.direction.answer_with(Fault.late_role_policy(action, times=999))

    failed = deployment.send(event(deployment, "Create", key))

    assert (failed.status, f"role lacks the permission {action}" in failed.reason) == ("FAILED", True)
    assert (failed.physical_resource_id == ARN) is claimed
    asked = {call.log_group for call in deployment.aws.direction.calls() if call.operation == action}
    assert asked == set(named(51))
    assert keys_of(deployment, named(60)) == {None}


def refusing(deployment: Deployment, *names: str) -> None:
    """Let AWS refuse the tags of these log groups."""
    for name in names:
        deployment.aws.direction.answer_with(Fault.late_role_policy("logs:TagResource", times=999, log_group=name))


def test_a_log_group_that_aws_refuses(deployment: Deployment) -> None:
    """It holds up nobody: it is counted and named, and the others come under the key."""
    key = deployment.key()
    having(deployment, *named(10))
    refusing(deployment, "/app/0004")

    created = deployment.send(event(deployment, "Create", key))

    assert (created.status, counts(created)) == ("SUCCESS", count(10, 9, 0, 0, 1))
    assert "9 associated, 1 refused by AWS" in created.reason
    assert (deployment.key_of("/app/0004"), deployment.tags_of("/app/0004")) == (None, {})
    assert keys_of(deployment, set(named(10)) - {"/app/0004"}) == {key}


def test_a_refusal_that_is_to_fail(deployment: Deployment) -> None:
    """OnRefusedLogGroup is Fail: the others are done, the refused one is named, and the Delete gives back."""
    key = deployment.key()
    having(deployment, *named(10))
    refusing(deployment, "/app/0004")

    failed = deployment.send(event(deployment, "Create", key, OnRefusedLogGroup="Fail"))

    assert (failed.status, failed.physical_resource_id) == ("FAILED", ARN)
    assert "Refused: /app/0004; the log has them all. Of its log groups: 9 associated, 1 refused" in failed.reason
    assert keys_of(deployment, named(10)) == {key, None}
    assert deployment.send(event(deployment, "Delete", key)).status == "SUCCESS"
    assert keys_of(deployment, named(10)) == {None}


def test_a_fleet_of_which_aws_refuses_all(deployment: Deployment) -> None:
    """That is no success, whatever OnRefusedLogGroup says."""
    having(deployment, *named(3))
    refusing(deployment, *named(3))

    failed = deployment.send(event(deployment, "Create", deployment.key(), OnRefusedLogGroup="Skip"))

    assert (failed.status, "3 refused by AWS" in failed.reason) == ("FAILED", True)
    assert keys_of(deployment, named(3)) == {None}


def test_properties_that_do_not_fit_a_fleet(deployment: Deployment) -> None:
    """Every mistake is named, and nothing is called."""
    given = {"OnMissingLogGroup": "Create", "ExcludeLogGroupNames": ["a b"]}
    deployment.aws.direction.forget_calls()

    failed = deployment.send(event(deployment, "Create", "alias/logs", **given))

    assert (failed.status, failed.physical_resource_id) == ("FAILED", NOTHING_ASSOCIATED)
    assert "OnMissingLogGroup" in failed.reason
    assert "'a b' is no name" in failed.reason
    assert deployment.aws.direction.calls() == []
