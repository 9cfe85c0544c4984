"""What the provider does without the permissions that are for convenience: `OPTIONAL` says why each is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from functional.fleets import EXPLICIT, PREFIX, event, having, keys_of, named
from functional.test_least_privilege import OPTIONAL, embedded_aws, enrol_as, invoke, policy_without, work_as
from support.template import actions

from log_group_kms.model.tags import OWNER_TAG, WRITTEN_TAG
from log_group_kms.model.times import stamp_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from functional.conftest import Deployment

    from local.client.embedded_aws import Credentials

#: The fixtures that enforce IAM.
__all__ = ["embedded_aws", "enrol_as"]

#: More than the lookouts of a fleet and its own log groups are read for.
OTHERS: Final = 40


@pytest.mark.parametrize("action", OPTIONAL)
def test_the_role_has_each(action: str) -> None:
    """What is said of them here is said of the role."""
    assert action in actions("associations")


@pytest.mark.parametrize(
    ("missing", "read"),
    [
        pytest.param(None, range(1, OTHERS), id="allowed: of its own alone"),
        pytest.param("logs:ListLogGroups", range(OTHERS, 2 * OTHERS), id="denied: of all"),
    ],
)
def test_a_delete_of_a_fleet_reads_tags(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, missing: str | None, read: range
) -> None:
    """Each Delete gives back what the fleet has, and leaves the others; ListLogGroups spares the tags of those."""
    key, others = deployment.key(), deployment.key()
    having(deployment, *named(2))
    explicit = [f"{PREFIX}explicit-{number}" for number in range(OTHERS)]
    having(deployment, *explicit, key=others, tags=EXPLICIT)
    work_as(deployment, policy_without(missing), monkeypatch)
    assert deployment.send(event(deployment, "Create", key)).status == "SUCCESS"
    assert keys_of(deployment, named(2)) == {key}
    deployment.aws.direction.forget_calls()

    deleted = deployment.send(event(deployment, "Delete", key))

    assert (deleted.status, keys_of(deployment, named(2)), keys_of(deployment, explicit)) == (
        "SUCCESS",
        {None},
        {others},
    )
    assert deployment.aws.direction.counts()["logs:ListTagsForResource"] in read


@pytest.mark.parametrize(
    ("missing", "status"),
    [
        pytest.param(None, "SUCCESS", id="allowed: it is taken over"),
        pytest.param("cloudformation:DescribeStacks", "FAILED", id="denied: it is left to its owner"),
    ],
)
def test_an_owner_whose_stack_is_gone(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, missing: str | None, status: str
) -> None:
    """OnExistingOwner is Fail: who lacks the permission reads who the owner is, and that TakeOver is a way out."""
    theirs, ours = deployment.key(), deployment.key()
    having(deployment, "/orders", key=theirs, tags=EXPLICIT)
    work_as(deployment, policy_without(missing), monkeypatch)
    properties = {"KmsKeyId": ours, "LogGroupName": "/orders"}

    answer = deployment.send(deployment.cloudformation.event("Create", properties=properties))

    assert answer.status == status
    if status == "SUCCESS":
        assert deployment.key_of("/orders") == ours
        assert deployment.tags_of("/orders")[OWNER_TAG] != EXPLICIT[OWNER_TAG]
    else:
        assert (deployment.key_of("/orders"), deployment.tags_of("/orders")) == (theirs, EXPLICIT)
        assert [word for word in ("LogEncryption of stack orders", "TakeOver") if word not in answer.reason] == []


@pytest.mark.parametrize(
    ("missing", "associated"),
    [
        pytest.param(None, 2, id="allowed: it is brought in"),
        pytest.param("cloudformation:DescribeStacks", 0, id="denied: it is left to its owner"),
    ],
)
def test_what_a_deleted_stack_left_without_a_key(
    deployment: Deployment, enrol_as: Callable[[str], Credentials], missing: str | None, associated: int
) -> None:
    """The enrolment brings in what was claimed just now by a stack that is gone, where it may ask for it."""
    key = deployment.key()
    deployment.aws.client("kms").create_alias(AliasName="alias/logs", TargetKeyId=key)
    claim = EXPLICIT | {WRITTEN_TAG: stamp_of(deployment.clock.now() - 60)}
    having(deployment, "/fleet/claimed", "/fleet/too", tags=claim)
    enrol_as(policy_without(missing, "EnrolmentRole"))

    answer = invoke({"Reconcile": True})

    assert answer["AssociatedCount"] == associated
    if associated:
        assert deployment.key_of("/fleet/claimed") == key
        assert deployment.tags_of("/fleet/claimed")[OWNER_TAG] != EXPLICIT[OWNER_TAG]
    else:
        assert (deployment.key_of("/fleet/claimed"), deployment.tags_of("/fleet/claimed")) == (None, claim)
