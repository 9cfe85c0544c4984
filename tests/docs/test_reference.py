"""What the reference pages say is what the code and the template do."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest
from jsonschema import Draft202012Validator
from samtranslator.yaml_helper import yaml_parse
from support.pages import PROJECT, code_in, page

import waker
from log_group_kms.association.audit import VERSION, Source
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.fleet.checkpoint import Counts
from log_group_kms.fleet.gauges import gauges
from log_group_kms.handlers import batch
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import WAY_BACK
from log_group_kms.lifecycle.return_values import return_values
from log_group_kms.model.errors import InvalidRequest
from log_group_kms.model.keys import KeyArn
from log_group_kms.model.results import Outcome
from log_group_kms.model.tags import CANCELLED_TAG, CLAIM_TAGS, RELEASED_TAG, WORK_TAG
from log_group_kms.model.targets import Fleet, LogGroup, LogGroupName, Place
from log_group_kms.request.parse import parse_association
from log_group_kms.request.properties import CLOUDFORMATIONS_OWN, PROPERTY_NAMES, TARGET_NAMES
from log_group_kms.request.properties import PROPERTIES as TABLE
from log_group_kms.request.values import DEFAULT_SERVICE_TIMEOUT
from log_group_kms.retry.policies import (
    CONCURRENT_CHANGE,
    KEY_POLICY_PROPAGATION,
    OTHERS_DELETE,
    POLICIES,
    READ_BACK,
    RESTORING,
    ROLE_PROPAGATION,
    THROTTLED,
    UNAVAILABLE,
)

if TYPE_CHECKING:
    from log_group_kms.request.properties import Property

PLACE: Final = Place("aws", "eu-west-1", "111122223333")
KEY: Final = KeyArn("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
LOG_GROUP: Final = LogGroup(PLACE, LogGroupName("/aws/lambda/orders"))
UNSET: Final = parse_association({"KmsKeyId": KEY.text, "LogGroupName": "/a"}, PLACE)

PROPERTIES: Final = page("docs/reference/properties.md")
PARAMETERS: Final = page("docs/reference/parameters.md")
PERMISSIONS: Final = page("docs/reference/permissions.md")
WAITING: Final = page("docs/reference/waiting.md")

#: In the page's words.
WINDOWS: Final = {
    "Someone else is changing the log group": [CONCURRENT_CHANGE.backoff],
    "Too many calls": [THROTTLED.backoff],
    "The key's policy refuses": [KEY_POLICY_PROPAGATION.backoff],
    "Somebody else's Delete is at work": [OTHERS_DELETE],
    "The role lacks a permission": [ROLE_PROPAGATION.backoff],
    "AWS fails or cannot be reached": [UNAVAILABLE.backoff],
    "On Delete, the previous key is refused": [policy.backoff for policy in RESTORING if policy not in POLICIES],
    "Accepted, but not yet visible": [READ_BACK],
}


def properties() -> dict[str, str]:
    """The properties that the page documents, with what it says of each."""
    names = [code_in(heading)[0] for heading in PROPERTIES.headings if code_in(heading)]
    return {name: PROPERTIES.section(f"`{name}`").text for name in names}


def fact(text: str, name: str) -> str | None:
    """A line such as `*Required*: Yes · *Type*: String`, by the name of the fact."""
    found = re.search(rf"\*{name}\*: (.+?)(?: ·|\n\n|\Z)", text, re.DOTALL)
    return found[1].strip().strip("`") if found else None


# --- properties and return values -------------------------------------------------------------------------------------


def test_the_properties_are_those_that_the_code_knows() -> None:
    """Each property that the provider accepts is documented, and no other."""
    assert set(properties()) == {*PROPERTY_NAMES, *CLOUDFORMATIONS_OWN}


@pytest.mark.parametrize("name", [*PROPERTY_NAMES, *CLOUDFORMATIONS_OWN])
def test_each_property_says_what_aws_pages_say(name: str) -> None:
    """Whether it is required, its type, and what an update of it does."""
    said = {what: fact(properties()[name], what) for what in ("Required", "Type", "Update requires")}

    assert [what for what, text in said.items() if not text] == []


def test_a_new_target_is_a_replacement_and_nothing_else_is() -> None:
    """The properties that name the target, and only they, require a replacement."""
    replacing = {name for name, text in properties().items() if fact(text, "Update requires") == "Replacement"}

    assert replacing == set(TARGET_NAMES)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in TABLE if row.form.choices])
def test_the_choices_are_those_of_the_code(row: Property) -> None:
    """Allowed values and default are the code's; the default may depend on the kind of target."""
    text = properties()[row.name]

    one, many = (row.default_for(kind) for kind in (LogGroup, Fleet))
    words = str(one) if one == many else f"{one}` for one log group, `{many}` for a fleet"

    assert fact(text, "Allowed values") == " | ".join(row.form.choices)
    assert " ".join((fact(text, "Default") or "").split()) == words


def test_the_default_of_propagation_wait() -> None:
    """Nothing is waited unless it is asked for."""
    assert fact(properties()["PropagationWaitSeconds"], "Default") == str(UNSET.propagation_wait)


@pytest.mark.parametrize(
    ("name", "limit", "beyond"),
    [
        pytest.param("PropagationWaitSeconds", "900", "901", id="PropagationWaitSeconds"),
        pytest.param("LogGroupName", "x" * 512, "x" * 513, id="LogGroupName"),
    ],
)
def test_the_maximum_is_the_last_that_is_accepted(name: str, limit: str, beyond: str) -> None:
    """What the README calls the maximum is accepted, and one more is refused."""
    fine = {"KmsKeyId": KEY.text, "LogGroupName": "/a"}
    maximum = str(len(limit)) if name == "LogGroupName" else limit

    assert fact(properties()[name], "Maximum") == maximum
    parse_association(fine | {name: limit}, PLACE)
    with pytest.raises(InvalidRequest):
        parse_association(fine | {name: beyond}, PLACE)


def test_the_default_of_service_timeout() -> None:
    """The README and the code agree on how long CloudFormation waits where nobody says."""
    assert fact(properties()["ServiceTimeout"], "Default") == str(DEFAULT_SERVICE_TIMEOUT)


def test_the_return_values_are_those_that_the_code_gives() -> None:
    """Each Fn::GetAtt attribute of an answer is documented, and no other."""
    documented = [code_in(row[0])[0] for row in page("docs/reference/return-values.md").section("Fn::GetAtt").rows]

    assert documented == list(return_values(Outcome(LOG_GROUP, KEY)))


# --- the provider's template ------------------------------------------------------------------------------------------


@cache
def provider_template() -> Any:
    """The provider's own template."""
    return yaml_parse((PROJECT / "template.yaml").read_text())


def actions_of(role: str) -> set[str]:
    """What a *role* of the template may do."""
    policies = provider_template()["Resources"][role]["Properties"]["Policies"]
    # Those on a condition, and those that only deny, are described below the table.
    always = [policy for policy in policies if "PolicyDocument" in policy]
    statements = [statement for policy in always for statement in policy["PolicyDocument"]["Statement"]]
    actions = [statement["Action"] for statement in statements if statement["Effect"] == "Allow"]
    return {action for some in actions for action in ([some] if isinstance(some, str) else some)}


def test_the_role_has_the_permissions_that_the_page_lists() -> None:
    """Each action of the provider's role is explained, and no other."""
    table = PERMISSIONS.section("The provider's role").rows

    assert {action for row in table for action in code_in(row[0])} == actions_of("ProviderRole")


def test_the_other_roles_differ_as_the_page_says() -> None:
    """The responder's writes its log, the waker's a little more; the enrolment's is the provider's but for a few."""
    named = set(PERMISSIONS.section("The role of enrolment and reconciliation").code)
    wakers = set(PERMISSIONS.section("The responder's and the waker's role").code) - {"WaitQueue"}
    differing = actions_of("EnrolmentRole") ^ actions_of("ProviderRole")
    logging = {"logs:CreateLogStream", "logs:PutLogEvents"}

    assert actions_of("ResponderRole") == logging
    assert actions_of("WakerRole") == logging | (wakers - {"sqs:SendMessage"})
    assert differing <= named <= differing | {"lambda:InvokeFunction", "sqs:SendMessage"}


def test_the_providers_parameters_and_outputs_are_listed() -> None:
    """Each parameter with its default, and each output, and no other."""
    rows = PARAMETERS.section("Parameters").rows
    parameters = {code_in(row[0])[0]: (code_in(row[2]) or [""])[0] for row in rows}
    outputs = {code_in(row[0])[0] for row in PARAMETERS.section("Outputs").rows}
    template = provider_template()

    assert parameters == {name: str(one["Default"]) for name, one in template["Parameters"].items()}
    assert outputs == set(template["Outputs"])


def test_the_alarms_are_those_of_the_template() -> None:
    """Each alarm is explained, and no other."""
    rows = page("docs/reference/metrics.md").section("Alarms").rows
    resources = provider_template()["Resources"]

    assert {code_in(row[0])[0] for row in rows} == {
        name for name, one in resources.items() if one["Type"] == "AWS::CloudWatch::Alarm"
    }


def test_the_metrics_are_those_of_the_code() -> None:
    """Each metric is a word of the source, and so is the namespace."""
    metrics = page("docs/reference/metrics.md").section("Metrics")
    source = "".join(path.read_text() for path in (PROJECT / "src" / "log_group_kms").rglob("*.py"))

    assert [name for row in metrics.rows for name in code_in(row[0]) if f'"{name}"' not in source] == []
    assert f'namespace="{metrics.code[0]}"' in source


# --- waiting, and the tags --------------------------------------------------------------------------------------------


def test_the_windows_are_those_of_the_policies() -> None:
    """How long each refusal is asked again is what the code does."""
    said = {row[0]: {float(re.findall(r"[\d.]+", row[1])[0])} for row in WAITING.rows}

    assert said == {row: {backoff.window for backoff in backoffs} for row, backoffs in WINDOWS.items()}


def test_each_policy_has_its_window_on_the_page() -> None:
    """A new policy needs a row."""
    shown = [backoff for backoffs in WINDOWS.values() for backoff in backoffs]

    assert [policy for policy in (*POLICIES, *RESTORING) if policy.backoff not in shown] == []


def test_the_deadlines_are_those_of_the_code() -> None:
    """When the provider stops waiting, by ServiceTimeout and by the function's own time."""
    event: dict[str, Any] = {
        "RequestType": "Create",
        "RequestId": "1",
        "StackId": "s",
        "LogicalResourceId": "L",
        "ResponseURL": "https://example.com/?X-Amz-Date=20260105T101500Z",
        "ResourceProperties": {"ServiceTimeout": "900"},
    }
    envelope = Envelope.of(event)
    sent = envelope.sent_at or 0.0
    timeout = provider_template()["Resources"]["ProviderFunction"]["Properties"]["Timeout"]
    deadlines = Deadlines.of(envelope, event, sent, timeout)
    said = " ".join(WAITING.text.split())

    assert f"{sent + 900 - deadlines.stack:.0f} s before `ServiceTimeout` is over" in said
    assert f"no later than {deadlines.invocation - sent:.0f} s after the function's start" in said


def test_the_tags_are_those_of_the_code() -> None:
    """Their names are part of the contract."""
    tags = [code_in(row[0])[0].removesuffix("…") for row in page("docs/reference/tags.md").rows]

    assert tags == [*CLAIM_TAGS, WORK_TAG, CANCELLED_TAG, RELEASED_TAG]


def test_the_gauges_are_those_of_the_code() -> None:
    """Each is explained, in the code's order."""
    rows = page("docs/reference/metrics.md").section("Gauges").rows

    assert [code_in(row[0])[0] for row in rows] == list(gauges(Counts()))


# --- explanation ------------------------------------------------------------------------------------------------------


def test_the_architecture_names_each_package_from_the_top_down() -> None:
    """Each package of the source is in the table, in an order in which none imports one above it."""
    table = [code_in(row[0])[0] for row in page("docs/explanation/architecture.md").section("Packages").rows]
    source = PROJECT / "src" / "log_group_kms"
    packages = {path.parent.name for path in source.glob("*/__init__.py")}
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"].get("importlinter", {})
    layers = [layer for contract in contracts.get("contracts", []) for layer in contract.get("layers", [])]
    order = [name.strip().rpartition(".")[2] for layer in layers for name in layer.split("|")]

    assert packages - set(table) <= {"cloudformation"}
    assert [name for name in order if name in table] == [name for name in table if name in order]


def test_the_glossary_is_in_alphabetical_order() -> None:
    """Each word is where a reader looks for it, and is there once."""
    words = [row[0].lower() for row in page("docs/explanation/glossary.md").rows]

    assert words == sorted(set(words))


def test_the_audit_logs_page_is_that_of_its_schema() -> None:
    """Each field is explained, in the schema's order; the example keeps to the schema."""
    text = page("docs/reference/audit-log.md")
    schema = json.loads((PROJECT / "docs" / "reference" / "audit-log.schema.json").read_text())
    fields = [code_in(row[0])[0] for row in text.section("Fields").rows]
    (example,) = (json.loads(block) for block in text.blocks("json"))

    assert fields == list(schema["properties"]) == schema["required"] == list(example)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(example)] == []
    assert {source.value for source in Source} == set(schema["properties"]["source"]["enum"])
    assert schema["properties"]["audit"] == {"const": VERSION}


def test_the_queues_numbers_are_those_of_code_and_template() -> None:
    """What the page on queues says of tries, pauses and times."""
    said = " ".join(page("docs/explanation/queues.md").text.split())
    resources = provider_template()["Resources"]
    queue, letters, waits = (
        resources[name]["Properties"] for name in ("EnrolmentQueue", "EnrolmentDeadLetterQueue", "WaitQueue")
    )

    assert queue["RedrivePolicy"]["maxReceiveCount"] == batch.MOST_RECEIVES == 8
    assert "after eight tries" in said
    assert (batch.pause(1), batch.pause(99)) == (60, 900)
    assert f"for {queue['MessageRetentionPeriod'] / 86400:.0f} days, the dead-letter queue for " in said
    assert f"the dead-letter queue for {letters['MessageRetentionPeriod'] / 86400:.0f}." in said
    assert waits["MessageRetentionPeriod"] == 3600
    assert f"fits in {WAY_BACK:.0f} s before the deadline" in said
    assert f"may take {batch.PATIENCE:.0f} s" in said
    assert f"have {batch.AFTER_A_FAULT:.0f} s each" in said
    assert waker.MOST_RECEIVES == 5
    assert f"take {10_000 * 4 / 5 / 3600:.1f} hours" in said
