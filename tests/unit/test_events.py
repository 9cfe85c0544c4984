import json
from pathlib import Path
from typing import Any, Final

import pytest
from support.template import TEMPLATE, Resolver
from support.template import load as load_template

from log_group_kms.association.requests import Ensure, Remove
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.fleet.upkeep import Enrol
from log_group_kms.model.physical_id import NOTHING_ASSOCIATED
from log_group_kms.model.targets import Place
from log_group_kms.request.parse import parse_event
from log_group_kms.request.upkeep import parse_fleet, parse_upkeep

EVENTS: Final = Path(__file__).parents[2] / "events"
PLACE: Final = Place("aws", "eu-west-1", "111122223333")

WELL_FORMED: Final = {
    "create",
    "create-alias",
    "create-fleet",
    "create-missing-log-group",
    "create-query-results",
    "create-stale",
    "delete",
    "delete-after-failed-create",
    "delete-fleet",
    "delete-made-up-id",
    "delete-query-results",
    "delete-stale",
    "update-fleet-exclusions",
    "update-key",
    "update-options",
    "update-target",
}
#: Whose properties are at fault: the event around them is CloudFormation's.
ODD_PROPERTIES: Final = {
    "malformed-no-target",
    "malformed-three-mistakes",
    "malformed-two-targets",
    "malformed-unknown-property",
    "malformed-wrong-region",
}
NOT_CLOUDFORMATIONS: Final = {
    "malformed-http-response-url",
    "malformed-missing-response-url",
    "malformed-not-an-event",
    "malformed-unknown-request-type",
}
#: What the enrolment's function gets: from EventBridge, and from a person.
CLOUDTRAILS: Final = {
    "enrolment-create-log-group",
    "enrolment-create-log-group-failed",
    "enrolment-disassociate-kms-key",
    "enrolment-untag-resource",
}
RECONCILIATIONS: Final = {"reconcile", "reconcile-dry-run"}
FIELDS: Final = {
    "RequestType",
    "ServiceToken",
    "ResponseURL",
    "StackId",
    "RequestId",
    "LogicalResourceId",
    "ResourceType",
    "ResourceProperties",
}
#: EventBridge user guide, "Events from AWS services".
EVENTBRIDGES_FIELDS: Final = {
    *("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
}
FURTHER_FIELDS: Final = {
    "Create": set(),
    "Update": {"PhysicalResourceId", "OldResourceProperties"},
    "Delete": {"PhysicalResourceId"},
}


def load(name: str) -> dict[str, Any]:
    """The event of that file."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def leaves(value: Any) -> list[Any]:
    """Every value in *value* that is no object and no list."""
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value]


def test_there_is_one_file_for_each_situation() -> None:
    """The folder holds the events that the tests name, and no other."""
    assert {path.stem for path in EVENTS.glob("*.json")} == (
        WELL_FORMED | ODD_PROPERTIES | NOT_CLOUDFORMATIONS | CLOUDTRAILS | RECONCILIATIONS
    )


@pytest.mark.parametrize("name", sorted(WELL_FORMED | ODD_PROPERTIES))
def test_it_is_what_cloudformation_sends(name: str) -> None:
    """An event has CloudFormation's fields, with every scalar a string, and can be answered."""
    event = load(name)
    envelope = Envelope.of(event)

    assert event.keys() == FIELDS | FURTHER_FIELDS[event["RequestType"]]
    assert event["ResourceProperties"]["ServiceToken"] == event["ServiceToken"]
    assert [leaf for leaf in leaves(event) if not isinstance(leaf, str)] == []
    assert envelope.resource_type == "Custom::LogGroupKmsAssociation"


@pytest.mark.parametrize("name", sorted(WELL_FORMED | ODD_PROPERTIES))
def test_it_is_stale_only_where_that_is_the_point(name: str) -> None:
    """An event without the time of its signature is never too old, so that it can be sent by hand at any time."""
    assert (Envelope.of(load(name)).sent_at is not None) is name.endswith("-stale")


def test_the_delete_after_a_failed_create_carries_the_marker() -> None:
    """A Create that did nothing gave the marker for an id; its Delete brings it back."""
    assert load("delete-after-failed-create")["PhysicalResourceId"] == NOTHING_ASSOCIATED


def test_requests_are_told_apart() -> None:
    """No two of the events share a request id with different contents."""
    requests = [load(name)["RequestId"] for name in sorted(WELL_FORMED | ODD_PROPERTIES)]

    assert len(set(requests)) == len(requests)


def test_the_fleets_events_are_the_life_of_one_fleet() -> None:
    """Created, updated and deleted: each begins with the properties that the one before left."""
    created, updated, deleted = (load(name) for name in ("create-fleet", "update-fleet-exclusions", "delete-fleet"))

    assert updated["OldResourceProperties"] == created["ResourceProperties"]
    assert deleted["ResourceProperties"] == updated["ResourceProperties"]
    assert {event["StackId"] for event in (created, updated, deleted)} == {created["StackId"]}
    physical_ids = [updated["PhysicalResourceId"], deleted["PhysicalResourceId"]]
    assert physical_ids == ["arn:aws:logs:eu-west-1:111122223333:log-group:/*"] * 2
    parsed = [parse_event(Envelope.of(event), event, PLACE) for event in (created, updated, deleted)]
    assert [type(event) for event in parsed] == [Ensure, Ensure, Remove]


@pytest.mark.parametrize("name", sorted(CLOUDTRAILS))
def test_it_is_what_eventbridge_delivers(name: str) -> None:
    """CloudTrail's record lies in the envelope of EventBridge, with all that the rule's pattern looks for."""
    event = load(name)
    pattern = load_template(TEMPLATE)["Resources"]["EnrolmentRule"]["Properties"]["EventPattern"]
    wanted = {**{key: pattern[key] for key in ("source", "detail-type")}, **pattern["detail"]}
    found = {**event, **event["detail"]}

    assert event.keys() == EVENTBRIDGES_FIELDS
    assert wanted.pop("errorCode") == [{"exists": False}]
    assert found["eventName"] in {name for one in wanted.pop("$or") for name in one["eventName"]}
    assert {key: [found[key]] for key in wanted} == wanted
    assert ("errorCode" in found) is name.endswith("-failed")


def test_a_call_that_failed_may_have_no_parameters() -> None:
    """CloudTrail has `null` for them, and no empty object."""
    assert load("enrolment-create-log-group-failed")["detail"]["requestParameters"] is None


def test_reconciliations_differ_in_the_dry_run_alone() -> None:
    """The event for a dry run is the one for a reconciliation, with one word more."""
    assert load("reconcile-dry-run") == load("reconcile") | {"DryRun": True}


def local_function(name: str) -> Any:
    """Return a function's properties in the template for `sam local`, as that resolves them."""
    resources = load_template(EVENTS / "template.yaml")["Resources"]
    return Resolver({"AWS::Partition": "aws"})(resources[name]["Properties"])


def test_the_enrolment_is_the_one_that_sam_local_runs() -> None:
    """The template for `sam local` differs in its endpoints of AWS, its settings and the way to its code alone."""
    real = load_template(TEMPLATE)["Resources"]["EnrolmentFunction"]["Properties"]
    local = local_function("EnrolmentFunction")
    same = ["FunctionName", "Handler", "Runtime", "MemorySize", "Timeout"]
    own = {name for name in local["Environment"]["Variables"] if name.startswith("AWS_ENDPOINT_URL_")}

    assert {name: local[name] for name in same} == {name: real[name] for name in same}
    assert local["Environment"]["Variables"].keys() - own == real["Environment"]["Variables"].keys()


def test_sam_locals_enrolment_works_for_the_fleet_of_the_events() -> None:
    """The event that deletes the fleet gives back what was enrolled."""
    created = load("create-fleet")
    fleets = parse_event(Envelope.of(created), created, PLACE)
    _, enrolments = parse_fleet(local_function("EnrolmentFunction")["Environment"]["Variables"])
    enrol = parse_upkeep(load("enrolment-create-log-group"), PLACE)

    assert isinstance(fleets, Ensure)
    assert (enrolments.owner, enrolments.association) == (fleets.owner, fleets.association)
    assert isinstance(enrol, Enrol)
    assert enrol.log_group.name.text.startswith(created["ResourceProperties"]["LogGroupNamePrefix"])
