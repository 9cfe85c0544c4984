"""Evidence: the dashboard and AWS Config's rule, which are there where somebody asks for them."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from support.template import TEMPLATE, Resolver, load
from unit.templates.names import NAME, resolved, there

from log_group_kms.fleet.checkpoint import Counts
from log_group_kms.fleet.gauges import gauges

KEY: Final = "alias/logs"
#: What CloudWatch's grid is wide (CloudWatch API reference, dashboard body structure).
COLUMNS: Final = 24


def widgets() -> list[dict[str, Any]]:
    """The dashboard's widgets."""
    found: list[dict[str, Any]] = json.loads(resolved("Dashboard")["DashboardBody"])["widgets"]
    return found


def metrics_of(widget: dict[str, Any]) -> list[list[Any]]:
    """Its metrics, each spelt out: a dot is what the one before has in that place."""
    spelt: list[list[Any]] = []
    for metric in widget["properties"]["metrics"]:
        if isinstance(metric[0], dict):
            continue
        named = [one for one in metric if isinstance(one, str)]
        spelt.append([spelt[-1][place] if one == "." else one for place, one in enumerate(named)])
    return spelt


@pytest.mark.parametrize(
    ("resource", "parameter"), [("Dashboard", "CreateDashboard"), ("ConfigRule", "CreateConfigRule")]
)
@pytest.mark.parametrize(
    ("parameters", "is_there"),
    [
        pytest.param({"FleetKmsKeyId": KEY}, False, id="nobody asks"),
        pytest.param({"FleetKmsKeyId": KEY, "asked": "yes"}, True, id="asked for"),
        pytest.param({"asked": "yes"}, False, id="no fleet"),
    ],
)
def test_it_is_there_where_somebody_asks(
    resource: str, parameter: str, parameters: dict[str, str], *, is_there: bool
) -> None:
    """Both cost money, and have nothing to show without a fleet."""
    given = {parameter if name == "asked" else name: value for name, value in parameters.items()}

    assert (resource in there("Resources", **given)) is is_there


def test_the_dashboard_shows_what_the_functions_count() -> None:
    """Every metric of ours is one that is written, and each gauge has its place."""
    shown = [metric for widget in widgets() for metric in metrics_of(widget)]
    own = {(name, service) for space, name, _, service in shown if space == "LogGroupKmsAssociation"}
    others = {space for space, *_ in shown} - {"LogGroupKmsAssociation"}

    assert {name for name, _ in own} >= set(gauges(Counts())) - {"LogGroupsUncovered"}
    assert {service for _, service in own} == {NAME, f"{NAME}-enrolment"}
    assert {name for name, _ in own} >= {"DriftMended", "TugOfWar", "Refused", "Throttled"}
    assert others == {"AWS/SQS", "AWS/Lambda"}


def test_the_dashboard_is_told_its_region_and_overlaps_nowhere() -> None:
    """A widget without a Region shows another one's metrics, and one on top of another hides it."""
    places = {
        (x, y)
        for one in widgets()
        for x in range(one["x"], one["x"] + one["width"])
        for y in range(one["y"], one["y"] + one["height"])
    }

    assert {one["properties"]["region"] for one in widgets()} == {"cn-north-1"}
    assert len(places) == sum(one["width"] * one["height"] for one in widgets())
    assert max(x for x, _ in places) < COLUMNS


def test_the_dashboards_queues_and_functions_are_this_stacks() -> None:
    """They are named by the stack, and not by guess."""
    body = load(TEMPLATE)["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    named = Resolver({"AWS::Region": "r"})({"Fn::Sub": body})

    for name in (
        "EnrolmentQueue.QueueName",
        "EnrolmentDeadLetterQueue.QueueName",
        "EnrolmentFunction",
        "ProviderFunction",
    ):
        assert f'"${{{name}}}"' in named


def test_config_compares_with_the_fleets_own_key() -> None:
    """By its ARN, also where the fleet names an alias; Config knows no other form."""
    rule = resolved("ConfigRule")

    assert rule["Source"] == {"Owner": "AWS", "SourceIdentifier": "CLOUDWATCH_LOG_GROUP_ENCRYPTED"}
    assert rule["InputParameters"] == {"KmsKeyId": {"Fn::GetAtt": ["Fleet", "KmsKeyArn"]}}
