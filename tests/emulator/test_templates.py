"""Templates: log groups, functions that are there, conditions over lists and in change sets."""

import json
from typing import Any

import pytest
from emulator.accounts import GROUP, associate, key, key_of, log_group, log_groups_key, names_on
from emulator.queues import CREATED, creations, details, queue, rule

from local.client.embedded_aws import EmbeddedAws
from local.client.stacks import Stacks


def log_group_template(**properties: Any) -> str:
    """A stack of one log group."""
    resource = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": GROUP, **properties}}
    return json.dumps({"Resources": {"LogGroup": resource}})


def test_a_log_group_of_a_stack_is_an_event(aws: EmbeddedAws) -> None:
    """CloudFormation calls CreateLogGroup, with the template's key."""
    rule(aws, CREATED, queue(aws))
    used = log_groups_key(aws)

    Stacks(aws).deploy("stack", log_group_template(KmsKeyId=used))
    [detail] = details(aws, 1)

    assert detail["requestParameters"] == {"logGroupName": GROUP, "kmsKeyId": used}
    assert detail["userIdentity"]["invokedBy"] == "cloudformation.amazonaws.com"


def test_a_stack_takes_no_log_group_that_is_there(aws: EmbeddedAws) -> None:
    """A stack whose log group exists already fails, and the log group stays as it was."""
    associate(aws, used := log_groups_key(aws), log_group(aws))
    stacks = Stacks(aws)

    status = stacks.deploy("stack", log_group_template())

    assert (status, key_of(aws)) == ("ROLLBACK_COMPLETE", used)
    assert stacks.failures("stack")[0] == (
        "Resource of type 'AWS::Logs::LogGroup' with identifier"
        f' \'{{"/properties/LogGroupName":"{GROUP}"}}\' already exists.'
    )


def test_a_log_group_of_a_stack_needs_a_usable_key(aws: EmbeddedAws) -> None:
    """A key whose policy refuses fails the stack, in the service's words."""
    stacks = Stacks(aws)

    status = stacks.deploy("stack", log_group_template(KmsKeyId=key(aws)))

    assert status == "ROLLBACK_COMPLETE"
    assert "does not exist or is not allowed to be used with Arn" in stacks.failures("stack")[0]
    assert names_on(aws.client("logs").describe_log_groups()) == []


def test_an_update_of_a_stack_leaves_a_key_that_others_put(aws: EmbeddedAws) -> None:
    """The stack changes the key where the template's own key changes, and only there."""
    stacks, theirs, own = Stacks(aws), log_groups_key(aws), log_groups_key(aws)
    stacks.deploy("stack", log_group_template())
    associate(aws, theirs)

    stacks.deploy("stack", log_group_template(RetentionInDays=7))
    after_retention = key_of(aws)
    stacks.deploy("stack", log_group_template(RetentionInDays=7, KmsKeyId=own))
    after_key = key_of(aws)
    stacks.deploy("stack", log_group_template(RetentionInDays=7))

    assert (after_retention, after_key, key_of(aws)) == (theirs, own, None)


def test_a_log_group_without_a_name_keeps_its_generated_one(aws: EmbeddedAws) -> None:
    """An update changes it in place, and leaves the key that others put on it."""
    stacks, theirs = Stacks(aws), log_groups_key(aws)
    body = {"Resources": {"LogGroup": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 7}}}}
    stacks.deploy("stack", json.dumps(body))
    name = stacks.physical_id("stack", "LogGroup")
    associate(aws, theirs, name)

    body["Resources"]["LogGroup"]["Properties"] = {"RetentionInDays": 30}
    status = stacks.deploy("stack", json.dumps(body))

    assert (status, stacks.physical_id("stack", "LogGroup")) == ("UPDATE_COMPLETE", name)
    assert names_on(aws.client("logs").describe_log_groups()) == [name]
    assert key_of(aws, name) == theirs


def test_a_log_group_of_another_name_takes_the_place_of_the_first(aws: EmbeddedAws) -> None:
    """A new name is a new log group, with the template's key and an event of its own; the old one is deleted."""
    stacks, used = Stacks(aws), log_groups_key(aws)
    stacks.deploy("stack", log_group_template())
    rule(aws, CREATED, queue(aws))

    status = stacks.deploy("stack", log_group_template(LogGroupName="/new", KmsKeyId=used))

    assert (status, key_of(aws, "/new")) == ("UPDATE_COMPLETE", used)
    assert names_on(aws.client("logs").describe_log_groups()) == ["/new"]
    assert creations(aws, 1) == ["/new"]


@pytest.mark.parametrize(
    ("given", "value"),
    [
        pytest.param("", "nothing", id="empty"),
        pytest.param("a", "something", id="one"),
        pytest.param("a, b", "something", id="two"),
    ],
)
def test_a_condition_can_ask_whether_a_list_is_empty(aws: EmbeddedAws, given: str, value: str) -> None:
    """An empty list joins to an empty string; its default and a value given count alike."""
    body = {
        "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": ""}},
        "Conditions": {"Any": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Names"}]}, ""]}]}},
        "Resources": {
            "Parameter": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {
                    "Name": "/names",
                    "Type": "String",
                    "Value": {"Fn::If": ["Any", "something", "nothing"]},
                },
            }
        },
    }

    Stacks(aws).deploy("stack", json.dumps(body), **({"Names": given} if given else {}))

    assert aws.client("ssm").get_parameter(Name="/names")["Parameter"]["Value"] == value


PARAMETER: Any = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/p", "Type": "String", "Value": "v"}}


def changes(aws: EmbeddedAws, name: str, kind: str, **parameters: str) -> list[tuple[str, str]]:
    """Action and logical id of each change in a change set of a stack with a conditional resource."""
    body = {
        "Parameters": {"With": {"Type": "String", "Default": ""}},
        "Conditions": {"Wanted": {"Fn::Not": [{"Fn::Equals": [{"Ref": "With"}, ""]}]}},
        "Resources": {
            "Always": PARAMETER,
            "Perhaps": {**PARAMETER, "Condition": "Wanted", "Properties": {**PARAMETER["Properties"], "Name": "/q"}},
        },
    }
    client = aws.client("cloudformation")
    made = client.create_change_set(
        StackName="stack",
        ChangeSetName=name,
        ChangeSetType=kind,  # type: ignore[arg-type] # one of its words, as the parametrisation has them
        TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    found = client.describe_change_set(ChangeSetName=made["Id"])["Changes"]
    client.execute_change_set(ChangeSetName=made["Id"])
    while Stacks(aws).status("stack").endswith("_IN_PROGRESS"):
        pass
    return [(each["ResourceChange"]["Action"], each["ResourceChange"]["LogicalResourceId"]) for each in found]


def test_a_change_set_has_no_resource_whose_condition_is_false(aws: EmbeddedAws) -> None:
    """What a false condition leaves out is no change; where the condition comes to hold it is added, then removed."""
    assert changes(aws, "first", "CREATE") == [("Add", "Always")]
    assert changes(aws, "second", "UPDATE", With="it") == [("Add", "Perhaps")]
    assert changes(aws, "third", "UPDATE", With="") == [("Remove", "Perhaps")]


def function_template(role: str, **properties: Any) -> str:
    """A stack of one function."""
    code = {"ZipFile": "def handler(event, context): return 1"}
    given = {"FunctionName": "one", "Code": code, "Role": role, "Handler": "index.handler", "Runtime": "python3.13"}
    resource = {"Type": "AWS::Lambda::Function", "Properties": {**given, **properties}}
    return json.dumps({"Resources": {"Function": resource}})


def test_a_stack_takes_no_function_that_is_there(aws: EmbeddedAws) -> None:
    """A second stack with a function of the same name fails; the first one's function and its Delete are untouched."""
    stacks, role = Stacks(aws), f"arn:aws:iam::{aws.account}:role/any"
    first = stacks.deploy("first", function_template(role, Description="first"))

    second = stacks.deploy("second", function_template(role, Description="second"))
    described = aws.client("lambda").get_function_configuration(FunctionName="one")["Description"]

    assert (first, second, described) == ("CREATE_COMPLETE", "ROLLBACK_COMPLETE", "first")
    assert "Function creation failed because the function already exists" in stacks.failures("second")[0]
    assert (stacks.delete("second"), stacks.delete("first")) == ("", "")


def test_a_stack_changes_its_own_function(aws: EmbeddedAws) -> None:
    """An update in place, a new name, and a stack made anew are refused by nobody."""
    stacks, role = Stacks(aws), f"arn:aws:iam::{aws.account}:role/any"
    stacks.deploy("stack", function_template(role))

    assert stacks.deploy("stack", function_template(role, Description="changed")) == "UPDATE_COMPLETE"
    assert stacks.deploy("stack", function_template(role, FunctionName="two")) == "UPDATE_COMPLETE"
    assert stacks.delete("stack") == ""
    assert stacks.deploy("stack", function_template(role)) == "CREATE_COMPLETE"
