"""Beside Landing Zone Accelerator, which gives a key of its own to each log group that has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from functional.fleets import count, counts, event, having, keys_of, named

if TYPE_CHECKING:
    from functional.conftest import Deployment


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSOCIATIONS_PER_SECOND", "1000")


def lza_comes_by(deployment: Deployment, key: str) -> None:
    """Do what LZA's two functions do: associate where there is no key, and leave Control Tower's log groups alone."""
    logs = deployment.aws.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate():
        for found in page["logGroups"]:
            if "kmsKeyId" not in found and "aws-controltower" not in found["logGroupName"]:
                logs.associate_kms_key(logGroupName=found["logGroupName"], kmsKeyId=key)


def test_with_keep_whoever_comes_first_has_the_log_group(deployment: Deployment) -> None:
    """What LZA has encrypted stays so; what the fleet has encrypted LZA leaves alone."""
    theirs, ours = deployment.key(), deployment.key()
    having(deployment, *named(3))
    lza_comes_by(deployment, theirs)
    having(deployment, "/app/new")

    created = deployment.send(event(deployment, "Create", ours, OnExistingKey="Keep"))
    lza_comes_by(deployment, theirs)

    assert (created.status, counts(created)) == ("SUCCESS", count(4, 1, 0, 3))
    assert keys_of(deployment, named(3)) == {theirs}
    assert deployment.key_of("/app/new") == ours


def test_with_override_the_fleet_has_all_and_gives_them_back(deployment: Deployment) -> None:
    """LZA does not take back what has a key, and the fleet's Delete puts LZA's key in place again."""
    theirs, ours = deployment.key(), deployment.key()
    having(deployment, *named(3))
    lza_comes_by(deployment, theirs)

    created = deployment.send(event(deployment, "Create", ours, OnExistingKey="Override"))
    lza_comes_by(deployment, theirs)
    held = keys_of(deployment, named(3))
    deployment.send(event(deployment, "Delete", ours, OnExistingKey="Override"))

    assert counts(created) == count(3, 3, 0, 0)
    assert (held, keys_of(deployment, named(3))) == ({ours}, {theirs})


def test_control_towers_log_groups_are_the_fleets_alone(deployment: Deployment) -> None:
    """LZA passes over them; the fleet does not, unless they are excluded."""
    theirs, ours = deployment.key(), deployment.key()
    having(deployment, "/app/aws-controltower/CloudTrailLogs")
    lza_comes_by(deployment, theirs)

    deployment.send(event(deployment, "Create", ours))

    assert deployment.key_of("/app/aws-controltower/CloudTrailLogs") == ours
