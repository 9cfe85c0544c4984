"""The alarms: what is counted by the functions is watched, and under the names that they count it by."""

from typing import Any, Final

import pytest
from support.template import TEMPLATE, load
from unit.templates.names import NAME, resolved, there

KEY: Final = "alias/logs"
TOPIC: Final = "arn:aws-cn:sns:cn-north-1:111122223333:alarms"
ALARMS: Final = sorted(
    name for name, one in load(TEMPLATE)["Resources"].items() if one["Type"] == "AWS::CloudWatch::Alarm"
)


@pytest.mark.parametrize(
    ("name", "metric", "service", "statistic"),
    [
        ("FailedAlarm", "Failed", NAME, "Sum"),
        ("RefusedAlarm", "Refused", NAME, "Sum"),
        ("DriftAlarm", "DriftMended", f"{NAME}-enrolment", "Sum"),
        ("TugOfWarAlarm", "TugOfWar", f"{NAME}-enrolment", "Sum"),
        ("FleetRefusedAlarm", "Refused", f"{NAME}-enrolment", "Sum"),
        ("UncoveredAlarm", "Uncovered", f"{NAME}-enrolment", "Maximum"),
    ],
)
def test_one_is_enough(name: str, metric: str, service: str, statistic: str) -> None:
    """A single log group or event raises the alarm; what is not told is no fault."""
    alarm = resolved(name)
    function = "ProviderFunction" if service == NAME else "EnrolmentFunction"
    variables = resolved(function)["Environment"]["Variables"]

    assert (alarm["Namespace"], alarm["MetricName"]) == (variables["POWERTOOLS_METRICS_NAMESPACE"], metric)
    assert alarm["Dimensions"] == [{"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}]
    assert service == variables["POWERTOOLS_SERVICE_NAME"]
    assert (alarm["Statistic"], alarm["EvaluationPeriods"]) == (statistic, 1)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
    assert alarm["TreatMissingData"] == "notBreaching"


def test_a_reconciliation_that_does_not_happen_raises_one() -> None:
    """Silence is what it is raised by: 26 hours where there is one a day."""
    alarm = resolved("ReconcileAlarm")
    hours = load(TEMPLATE)["Parameters"]["ReconcileAlarmHours"]

    assert alarm["MetricName"] == "Reconciled"
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (3600, 26)
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert alarm["TreatMissingData"] == "breaching"
    # CloudWatch looks back for seven days at most, and only in periods of an hour or more.
    assert hours["MaxValue"] * alarm["Period"] == 7 * 24 * 3600


@pytest.mark.parametrize(
    ("parameters", "is_there"),
    [
        pytest.param({"FleetKmsKeyId": KEY}, True, id="fleet"),
        pytest.param({"FleetKmsKeyId": KEY, "ReconcileAlarmHours": "0"}, False, id="switched off"),
        pytest.param({}, False, id="no fleet"),
    ],
)
def test_where_nothing_reconciles_nothing_is_missed(parameters: dict[str, Any], *, is_there: bool) -> None:
    """That alarm is there with a fleet, unless its hours are 0."""
    assert ("ReconcileAlarm" in there("Resources", **parameters)) is is_there


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_reaches_the_topic(name: str) -> None:
    """Where there is one; else it only shows."""
    assert resolved(name, AlarmTopicArn=TOPIC)["AlarmActions"] == [TOPIC]
    assert resolved(name)["AlarmActions"] == {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize("function", ["ProviderFunction", "EnrolmentFunction"])
def test_no_level_drops_metrics_or_audit_log(function: str) -> None:
    """Lambda takes a line without a level for INFO, so it must let that through at every LogLevel."""
    properties = resolved(function, LogLevel="ERROR")

    assert properties["LoggingConfig"]["ApplicationLogLevel"] == "DEBUG"
    assert properties["Environment"]["Variables"]["POWERTOOLS_LOG_LEVEL"] == "ERROR"
