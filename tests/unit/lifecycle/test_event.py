"""The answer to an event: return values, counts and ids."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.fake_aws import PLACE, FakeLogGroup, owner
from unit.lifecycle.provider import BEFORE, KEY, ORDERS, Provider

from log_group_kms.lifecycle.progress import Done
from log_group_kms.model.ownership import Claim
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.targets import QueryResults

RETURN_VALUES = {
    "KmsKeyArn",
    "PreviousKmsKeyArn",
    "LogGroupName",
    "LogGroupArn",
    "MatchedCount",
    "AssociatedCount",
    "CompliantCount",
    "SkippedCount",
    "RefusedCount",
}


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
            "RefusedCount": "0",
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
    """The answer to a Delete has the id that it came with and no return values, and says what was not done."""
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
