"""What README.md and CONTRIBUTING.md say is what the code does."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from samtranslator.yaml_helper import yaml_parse

from log_group_kms.association.diagnosis import Diagnosis
from log_group_kms.cloudformation.envelope import Envelope
from log_group_kms.lifecycle.deadlines import Deadlines
from log_group_kms.lifecycle.event import _return_values
from log_group_kms.model.association import Association, OnMissingLogGroup
from log_group_kms.model.errors import (
    AccessDenied,
    AlreadyExists,
    ApiError,
    ConcurrentChange,
    InvalidParameter,
    InvalidRequest,
    KeyNotFound,
    KeyPolicyDenied,
    LimitExceeded,
    NotFound,
    ReservedLogGroup,
    RoleDenied,
    Throttled,
    Unavailable,
)
from log_group_kms.model.keys import KeyArn, KeyDescription, KeyReference
from log_group_kms.model.results import Outcome
from log_group_kms.model.tags import OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG
from log_group_kms.model.targets import LogGroup, LogGroupName, Place, QueryResults
from log_group_kms.request.parse import parse_association
from log_group_kms.request.properties import CLOUDFORMATIONS_OWN, PROPERTY_NAMES, TARGET_NAMES
from log_group_kms.request.values import DEFAULT_SERVICE_TIMEOUT
from log_group_kms.retry.policies import (
    CONCURRENT_CHANGE,
    KEY_POLICY_PROPAGATION,
    POLICIES,
    READ_BACK,
    RESTORING,
    ROLE_PROPAGATION,
    THROTTLED,
    UNAVAILABLE,
)

if TYPE_CHECKING:
    from enum import StrEnum

PROJECT: Final = Path(__file__).parents[2]
README: Final = (PROJECT / "README.md").read_text()
CONTRIBUTING: Final = (PROJECT / "CONTRIBUTING.md").read_text()
BOTH: Final = pytest.mark.parametrize(
    "page", [pytest.param(README, id="README"), pytest.param(CONTRIBUTING, id="CONTRIBUTING")]
)

PLACE: Final = Place("aws", "eu-west-1", "111122223333")
KEY: Final = KeyArn("arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab")
LOG_GROUP: Final = LogGroup(PLACE, LogGroupName("/aws/lambda/orders"))
UNSET: Final = parse_association({"KmsKeyId": KEY.text, "LogGroupName": "/a"}, PLACE)
PSEUDO_PARAMETERS: Final = {
    "AWS::Partition": PLACE.partition,
    "AWS::Region": PLACE.region,
    "AWS::AccountId": PLACE.account,
    "AWS::URLSuffix": "amazonaws.com",
}

#: In the README's words.
WINDOWS: Final = {
    "Someone else is changing the log group": [CONCURRENT_CHANGE.backoff],
    "Too many calls": [THROTTLED.backoff],
    "The key's policy refuses": [KEY_POLICY_PROPAGATION.backoff],
    "The role lacks a permission": [ROLE_PROPAGATION.backoff],
    "AWS fails or cannot be reached": [UNAVAILABLE.backoff],
    "On Delete, the previous key is refused": [policy.backoff for policy in RESTORING if policy not in POLICIES],
    "Accepted, but not yet visible": [READ_BACK],
}


# --- reading a page ---------------------------------------------------------------------------------------------------


def section(heading: str, page: str = README) -> str:
    """The text under a *heading*, up to the next one of the same or a higher level."""
    level = heading.partition(" ")[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"there is no {heading!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in *text*, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    rules = [number for number, line in enumerate(lines) if line.startswith("|---")]
    return [row for number, row in enumerate(cells) if number not in rules and number + 1 not in rules]


def code_in(text: str) -> list[str]:
    """What stands between single backticks."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def blocks(language: str, page: str = README) -> list[str]:
    """The fenced blocks in a *language*."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def properties() -> dict[str, str]:
    """The properties that the README documents, with what it says of each."""
    text = section("## Properties")
    return {name: section(f"### `{name}`") for name in re.findall(r"^### `(\w+)`$", text, re.MULTILINE)}


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


@pytest.mark.parametrize(
    ("name", "default"),
    [
        pytest.param("OnDelete", UNSET.on_delete, id="OnDelete"),
        pytest.param("OnExistingKey", UNSET.on_existing_key, id="OnExistingKey"),
        pytest.param("OnMissingLogGroup", UNSET.on_missing_log_group, id="OnMissingLogGroup"),
    ],
)
def test_the_choices_are_those_of_the_code(name: str, default: StrEnum) -> None:
    """Allowed values and default are the code's."""
    text = properties()[name]

    assert (fact(text, "Allowed values"), fact(text, "Default")) == (" | ".join(type(default)), default)


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
    documented = [code_in(row[0])[0] for row in rows(section("### Fn::GetAtt"))]

    assert documented == list(_return_values(Outcome(LOG_GROUP, KEY)))


# --- templates --------------------------------------------------------------------------------------------------------


def resolved(value: Any) -> Any:
    """A template's *value* as CloudFormation would pass it to a custom resource: every scalar a string."""
    match value:
        case {"Fn::Sub": str() as text}:
            return re.sub(r"\$\{([^}]+)}", lambda found: PSEUDO_PARAMETERS[found[1]], text)
        case {"Ref": str() as name}:
            return PSEUDO_PARAMETERS[name]
        case {"Fn::GetAtt": _} | {"Fn::ImportValue": _}:
            return KEY.text  # ServiceToken, which the provider does not read, may be anything
        case dict():
            return {name: resolved(item) for name, item in value.items()}
        case list():
            return [resolved(item) for item in value]
    return str(value)


def test_the_template_to_copy_passes_the_providers_own_validation() -> None:
    """Whoever copies the template gets a resource that the provider accepts."""
    (text,) = blocks("yaml", section("## Template to copy"))
    resources = resolved(yaml_parse(text)["Resources"])
    (ours,) = [one for one in resources.values() if one["Type"] == "Custom::LogGroupKmsAssociation"]

    assert parse_association(ours["Properties"], PLACE) == Association(
        LOG_GROUP, KEY, on_missing_log_group=OnMissingLogGroup.CREATE
    )


def reason(refusal: ApiError, description: KeyDescription | ApiError) -> str:
    """What the provider says of *refusal*, with the key as KMS describes it."""

    @dataclass(frozen=True, slots=True)
    class Keys:
        def describe(self, _: KeyReference) -> KeyDescription:
            if isinstance(description, ApiError):
                raise description
            return description

    return Diagnosis(Keys(), PLACE, f"logs.{PLACE.region}.amazonaws.com").reason(refusal)


@pytest.mark.parametrize(
    ("heading", "target", "in_policy"),
    [
        pytest.param(
            "### Key policy for log groups", LOG_GROUP.arn, PLACE.logs_arn("log-group:*"), id="log groups: all of them"
        ),
        pytest.param(
            "### Key policy for query results", QueryResults(PLACE).arn, QueryResults(PLACE).arn, id="query results"
        ),
    ],
)
def test_the_key_policies_are_those_that_the_reason_shows(heading: str, target: str, in_policy: str) -> None:
    """The statement to copy from the README is the one that a refusal asks for."""
    refusal = KeyPolicyDenied("AssociateKmsKey", "AccessDeniedException", "", target, KEY.text)
    told = reason(refusal, KeyDescription(KEY))
    asked_for, _ = json.JSONDecoder().raw_decode(told[told.index('{"Effect"') :].replace(target, in_policy))
    (statement,) = blocks("yaml", section(heading))

    assert resolved(yaml_parse(statement)) == asked_for


def test_the_template_to_copy_has_the_key_policy_for_log_groups() -> None:
    """The statement is the same in the template and under Permissions."""
    (template,) = blocks("yaml", section("## Template to copy"))
    (statement,) = blocks("yaml", section("### Key policy for log groups"))
    policy = yaml_parse(template)["Resources"]["LogsKey"]["Properties"]["KeyPolicy"]

    assert yaml_parse(statement) in policy["Statement"]


@cache
def provider_template() -> Any:
    """The provider's own template."""
    return yaml_parse((PROJECT / "template.yaml").read_text())


def test_the_role_has_the_permissions_that_the_readme_lists() -> None:
    """Each action of the provider's role is explained, and no other."""
    documented = {action for row in rows(section("### The provider's role")) for action in code_in(row[0])}
    granted: set[str] = set()
    for policy in provider_template()["Resources"]["ProviderRole"]["Properties"]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = statement["Action"]
            granted.update([actions] if isinstance(actions, str) else actions)

    assert documented == granted


def test_the_providers_parameters_and_outputs_are_listed() -> None:
    """Each parameter with its default, and each output, and no other."""
    table = rows(section("### Deploy for real"))
    parameters = {code_in(row[0])[0]: (code_in(row[2]) or [""])[0] for row in table if len(row) == 3}
    outputs = {code_in(row[0])[0] for row in table if len(row) == 2}
    template = provider_template()

    assert parameters == {name: str(one["Default"]) for name, one in template["Parameters"].items()}
    assert outputs == set(template["Outputs"])


# --- waiting, and the tags --------------------------------------------------------------------------------------------


def test_the_windows_are_those_of_the_policies() -> None:
    """How long each refusal is asked again is what the code does."""
    said = {row[0]: {float(re.findall(r"[\d.]+", row[1])[0])} for row in rows(section("## Waiting"))}

    assert said == {row: {backoff.window for backoff in backoffs} for row, backoffs in WINDOWS.items()}


def test_each_policy_has_its_window_in_the_readme() -> None:
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
    waiting = section("## Waiting")

    assert f"{sent + 900 - deadlines.stack:.0f} s before `ServiceTimeout` is over" in waiting
    assert f"no later than {deadlines.invocation - sent:.0f} s after the function's start" in waiting


def test_the_tags_are_those_of_the_code() -> None:
    """Their names are part of the contract."""
    assert [code_in(row[0])[0] for row in rows(section("### The tags"))] == [OWNER_TAG, PREVIOUS_KEY_TAG, SCOPE_TAG]


# --- failures ---------------------------------------------------------------------------------------------------------


def test_the_example_of_mistakes_is_what_the_code_says() -> None:
    """The three mistakes of the example event, in the code's own words."""
    event = json.loads((PROJECT / "events" / "malformed-three-mistakes.json").read_text())
    (example,) = blocks("text", section("### Mistakes in the properties"))

    with pytest.raises(InvalidRequest) as raised:
        parse_association(event["ResourceProperties"], PLACE)

    assert example.strip() == str(raised.value)


def patterns() -> dict[str, re.Pattern[str]]:
    """What the tables of failures say that a Reason says; `…` stands for anything."""
    texts = [text for row in rows(section("## When it fails")) for text in code_in(row[0])]
    texts += [text for text in code_in(section("### Notes on success")) if " " in text]
    return {text: re.compile(re.escape(text).replace("…", ".*"), re.DOTALL) for text in texts}


def messages_in_source() -> list[str]:
    """Every string of the provider's source, with `…` for what is filled in."""
    found = []
    for path in (PROJECT / "src" / "log_group_kms").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


ABOUT: Final = ("AssociateKmsKey", "Code", "AWS's own words", LOG_GROUP.arn, KEY.text)
FINE: Final = KeyDescription(KEY)
UNDESCRIBED: Final = RoleDenied("DescribeKey", "AccessDeniedException", "", action="kms:DescribeKey")
REFUSALS: Final = {
    "key policy": reason(KeyPolicyDenied(*ABOUT), FINE),
    "key policy, key not to be described": reason(KeyPolicyDenied(*ABOUT), UNDESCRIBED),
    "role and key": reason(RoleDenied(*ABOUT, action="kms:Encrypt"), FINE),
    "role and log group": reason(RoleDenied(*ABOUT, action="logs:TagResource"), FINE),
    "explicit deny": reason(
        RoleDenied("TagResource", "Code", "with an explicit deny", action="logs:TagResource"), FINE
    ),
    "no such key": reason(KeyPolicyDenied(*ABOUT), KeyNotFound("DescribeKey", "NotFoundException", "")),
    "disabled": reason(InvalidParameter(*ABOUT), KeyDescription(KEY, state="Disabled")),
    "pending deletion": reason(InvalidParameter(*ABOUT), KeyDescription(KEY, state="PendingDeletion")),
    "pending import": reason(InvalidParameter(*ABOUT), KeyDescription(KEY, state="PendingImport")),
    "asymmetric": reason(InvalidParameter(*ABOUT), KeyDescription(KEY, spec="RSA_2048")),
    "AWS managed": reason(InvalidParameter(*ABOUT), KeyDescription(KEY, aws_managed=True)),
    "key refused": reason(InvalidParameter(*ABOUT), FINE),
    "denied": reason(AccessDenied(*ABOUT), FINE),
    "no log group": reason(NotFound(*ABOUT), FINE),
    "reserved": reason(ReservedLogGroup(*ABOUT), FINE),
    "concurrent change": reason(ConcurrentChange(*ABOUT), FINE),
    "throttled": reason(Throttled(*ABOUT), FINE),
    "unavailable": reason(Unavailable(*ABOUT), FINE),
    "limit": reason(LimitExceeded(*ABOUT), FINE),
    "anything else": reason(AlreadyExists(*ABOUT), FINE),
}


@pytest.mark.parametrize("text", patterns())
def test_what_a_reason_says_is_what_the_code_says(text: str) -> None:
    """Each text in the tables of failures is one that the provider gives."""
    says = patterns()[text]

    assert [said for said in (*REFUSALS.values(), *messages_in_source()) if says.search(said)] != []


@pytest.mark.parametrize("said", [pytest.param(said, id=name) for name, said in REFUSALS.items()])
def test_each_refusal_has_a_row(said: str) -> None:
    """Whoever reads a refusal's Reason finds it in the table of refusals."""
    table = {text for row in rows(section("### Refusals")) for text in code_in(row[0])}

    assert [text for text in table if patterns()[text].search(said)] != []


# --- commands, files, links -------------------------------------------------------------------------------------------


@BOTH
def test_each_make_target_exists(page: str) -> None:
    """What a page tells to make has a rule in the Makefile."""
    named = set(re.findall(r"\bmake (?:-s )?([a-z-]+)", "\n".join([*code_in(page), *blocks("sh", page)])))
    rules = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))

    assert named - rules == set()


def paths_in(page: str) -> set[str]:
    """What looks like a file or a folder of the project: in backticks, in commands, or linked."""
    words = {word for code in [*code_in(page), *blocks("sh", page)] for word in code.split()}
    looks = re.compile(r"(?:events|examples|local|src|tests|\.ci)/[\w./-]*|[\w/-]+\.(?:md|py|toml|yaml|yml|txt|json)")
    links = set(re.findall(r"\]\(([^)#:]+)\)", page))
    return {word for word in words if looks.fullmatch(word)} | links


@BOTH
def test_each_path_exists(page: str) -> None:
    """A file or folder that a page names is there."""
    places = (PROJECT, PROJECT / "src" / "log_group_kms")
    missing = {path for path in paths_in(page) if not any((place / path).exists() for place in places)}

    assert paths_in(page) != set()
    assert missing == set()


@BOTH
def test_each_link_within_the_page_leads_to_a_heading(page: str) -> None:
    """No anchor is dead."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    assert set(re.findall(r"\]\(#([^)]+)\)", page)) - anchors == set()
