"""What enrolment and reconciliation are asked for, and for which fleet."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.fake_aws import PLACE, log_group
from support.project import EVENTS
from unit.fleet.accounts import FLEET, ME, ORDERS, OURS, SETTINGS

from log_group_kms.association.requests import Asker
from log_group_kms.fleet.checkpoint import Checkpoint, Counts, Phase
from log_group_kms.fleet.upkeep import MOST_HOPS, Enrol, Reconcile
from log_group_kms.model.association import OnDelete, OnExistingKey
from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.keys import KeyName
from log_group_kms.request.parse import Ignore
from log_group_kms.request.upkeep import parse_fleet, parse_upkeep


def load(name: str) -> dict[str, Any]:
    """The event of that file."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


# --- what is asked ----------------------------------------------------------------------------------------------------


def created(name: object, **changes: object) -> dict[str, Any]:
    """CloudTrail's event of CreateLogGroup for a log group of this *name*, with *changes* to its detail."""
    event = load("enrolment-create-log-group")
    event["detail"] |= {"requestParameters": {"logGroupName": name}, **changes}
    return event


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        pytest.param(load("enrolment-create-log-group"), Enrol(log_group(ORDERS)), id="a log group was created"),
        pytest.param(created("/x#1"), Enrol(log_group("/x#1")), id="of another name"),
        pytest.param(created(ORDERS, errorMessage="x"), Enrol(log_group(ORDERS)), id="a message is no error's code"),
        pytest.param(load("reconcile"), Reconcile(), id="reconcile"),
        pytest.param(load("reconcile-dry-run"), Reconcile(dry_run=True), id="dry run"),
        pytest.param({"Reconcile": True, "DryRun": False}, Reconcile(), id="no dry run"),
        pytest.param({"Reconcile": True, "Hops": 3}, Reconcile(hops=3), id="after so many invocations"),
        pytest.param({"Reconcile": True, "Hops": "3"}, Reconcile(hops=MOST_HOPS), id="after nobody knows how many"),
        pytest.param({"Reconcile": True, "Progress": {"phase": 1}}, Reconcile(), id="a progress of nobody's"),
    ],
)
def test_what_an_event_asks(event: object, asked: object) -> None:
    """CloudTrail tells of a new log group; a schedule, or a person, asks for a reconciliation."""
    assert parse_upkeep(event, PLACE) == asked


@pytest.mark.parametrize(
    ("event", "why"),
    [
        pytest.param(
            load("enrolment-create-log-group-failed"),
            "CreateLogGroup had failed with AccessDenied",
            id="the call had failed",
        ),
        pytest.param(
            created(ORDERS, errorCode="ResourceAlreadyExistsException"),
            "CreateLogGroup had failed with ResourceAlreadyExistsException",
            id="the log group was there",
        ),
        pytest.param(created(None), "No log group to enrol: None; it must be 1 to 512", id="no name"),
        pytest.param(created(""), "No log group to enrol: ''; it must be 1 to 512", id="an empty name"),
        pytest.param(
            created(ORDERS, requestParameters=None), "No log group to enrol: None", id="requestParameters null"
        ),
        pytest.param(
            created("aws/spans"), "No log group to enrol: 'aws/spans'; names that start with aws/", id="reserved"
        ),
        pytest.param(created("a b"), "No log group to enrol: 'a b'", id="a name that AWS does not accept"),
    ],
)
def test_what_is_left_alone(event: object, why: str) -> None:
    """An event without a log group to enrol is no failure: it would come back for nothing, and end in the queue."""
    asked = parse_upkeep(event, PLACE)

    assert isinstance(asked, Ignore)
    assert asked.why.startswith(why)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        pytest.param(None, "The event must be CloudTrail's of CreateLogGroup", id="nothing"),
        pytest.param([], "The event must be", id="a list"),
        pytest.param({}, "The event must be", id="empty"),
        pytest.param({"Reconcile": False}, "The event must be", id="not to reconcile"),
        pytest.param({"Reconcile": "true"}, "The event must be", id="reconcile, as a string"),
        pytest.param({"reconcile": True}, "The event must be", id="in the wrong case"),
        pytest.param({"detail": {"eventName": "DeleteLogGroup"}}, "The event must be", id="another call"),
        pytest.param(load("create"), "The event must be", id="CloudFormation's"),
        pytest.param({"Reconcile": True, "DryRun": "true"}, "DryRun is 'true'; it must be true or false", id="string"),
        pytest.param({"Reconcile": True, "DryRun": 1}, "DryRun is 1; it must be true or false", id="number"),
        pytest.param({"Reconcile": True, "DryRun": None}, "DryRun is None", id="null"),
        pytest.param(
            {"Reconcile": True, "dryRun": True, "Prefix": "/"},
            "Prefix, dryRun: a reconciliation knows DryRun only",
            id="unknown keys",
        ),
    ],
)
def test_what_nobody_sends(event: object, why: str) -> None:
    """Above all a dry run that is misspelt must not be taken for a real one."""
    with pytest.raises(ValueError, match=r"\S") as mistake:
        parse_upkeep(event, PLACE)

    assert str(mistake.value).startswith(why)


def test_the_event_of_a_further_invocation_is_understood() -> None:
    """It carries how far the ones before came, as JSON."""
    counts = Counts(associated=3, compliant=40)
    checkpoint = Checkpoint(Phase.CHANGE, OURS.text, "token", counts, "/a", claimed=True, refused=("/b",))

    event = json.loads(json.dumps(Reconcile(hops=4).further(checkpoint)))

    assert parse_upkeep(event, PLACE) == Reconcile(checkpoint=checkpoint, hops=5)


# --- for which fleet --------------------------------------------------------------------------------------------------


def test_the_fleet_is_the_one_of_the_environment() -> None:
    """It wants what the fleet's own template says, in the fleet's own name."""
    of_environment, event = parse_fleet(SETTINGS)

    assert of_environment == FLEET
    assert (event.owner, event.asker) == (ME, Asker.ENROLMENT)
    assert (event.association.target, event.association.key) == (FLEET, OURS)
    assert event.association.exclude.patterns == ("/scratch/*", "*secret*")
    assert event.enrolling


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"EXCLUDE_LOG_GROUP_NAMES": ""}, {"exclude": ()}, id="no exclusions"),
        pytest.param({"EXCLUDE_LOG_GROUP_NAMES": "/a, /b ,"}, {"exclude": ("/a", "/b")}, id="exclusions with spaces"),
        pytest.param({"LOG_GROUP_NAME_PREFIX": "*"}, {"prefix": ""}, id="every log group"),
        pytest.param({"KMS_KEY_ID": "alias/logs"}, {"key": KeyName("alias/logs")}, id="an alias"),
        pytest.param({"ON_EXISTING_KEY": "Keep"}, {"on_existing_key": OnExistingKey.KEEP}, id="other keys are kept"),
        pytest.param({}, {"on_delete": OnDelete.RESTORE_PREVIOUS}, id="the default of OnDelete"),
        pytest.param({"ON_DELETE": "Retain"}, {"on_delete": OnDelete.RETAIN}, id="OnDelete"),
    ],
)
def test_each_setting_has_its_effect(changes: dict[str, str], expected: dict[str, object]) -> None:
    """What the template's parameters say reaches the rules."""
    of_environment, event = parse_fleet(SETTINGS | changes)
    found = {
        "exclude": event.association.exclude.patterns,
        "prefix": of_environment.prefix,
        "key": event.association.key,
        "on_existing_key": event.association.on_existing_key,
        "on_delete": event.association.on_delete,
    }

    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize("name", SETTINGS)
def test_a_missing_setting_is_named(name: str) -> None:
    """No KeyError: whoever reads the log knows where to look."""
    with pytest.raises(InvalidRequest, match=f"^{name} is missing from the function's environment"):
        parse_fleet({key: value for key, value in SETTINGS.items() if key != name})


@pytest.mark.parametrize(
    ("changes", "mistake"),
    [
        pytest.param({"FLEET_STACK_ID": "orders"}, "FLEET_STACK_ID: ", id="no stack's ARN"),
        pytest.param({"KMS_KEY_ID": ""}, "KmsKeyId is ''; it must not be empty", id="no key"),
        pytest.param({"KMS_KEY_ID": "logs"}, "KmsKeyId is 'logs'; it must be a key ARN", id="no key's name"),
        pytest.param({"LOG_GROUP_NAME_PREFIX": "/a*"}, "LogGroupNamePrefix is '/a*'", id="a wildcard in the prefix"),
        pytest.param({"LOG_GROUP_NAME_PREFIX": "aws/"}, "reserved for AWS", id="a reserved prefix"),
        pytest.param({"EXCLUDE_LOG_GROUP_NAMES": "/a,b c"}, "'b c' is no name", id="an exclusion that is no name"),
        pytest.param({"ON_EXISTING_KEY": "keep"}, "OnExistingKey is 'keep'; it must be one of", id="in lower case"),
        pytest.param({"ON_DELETE": "Keep"}, "OnDelete is 'Keep'; it must be one of", id="OnDelete"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, str], mistake: str) -> None:
    """With its value and the rule, by the name of the fleet's property."""
    with pytest.raises(InvalidRequest) as refused:
        parse_fleet(SETTINGS | changes)

    assert mistake in str(refused.value)
