"""The files that other tools read are made from the tables, and an editor gets along with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from jsonschema import Draft7Validator
from samtranslator.yaml_helper import yaml_parse
from support.fake_aws import PLACE
from support.linting import TYPE
from support.project import PROJECT
from support.template_properties import of_fleet, properties

from log_group_kms.lifecycle.return_values import RETURN_VALUES
from log_group_kms.request.properties import PASSED_ALONG, PROPERTIES, PROVIDER_EXPORT
from log_group_kms.request.values import Scope
from tools.schema.__main__ import files, main, stale
from tools.schema.resource import schema_of_resource, schema_of_template

if TYPE_CHECKING:
    from pathlib import Path

    from log_group_kms.request.properties import Property

EACH: Final = pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in PROPERTIES])
RESOURCE: Final = Draft7Validator(schema_of_resource())
EDITOR: Final = Draft7Validator(schema_of_template())
TEMPLATES: Final = sorted(
    path for path in [*PROJECT.glob("*.yaml"), *PROJECT.glob("examples/**/*.yaml")] if TYPE in path.read_text()
)


class AnEditor(yaml.SafeLoader):
    """YAML as yaml-language-server reads it: a short tag says nothing, and what it stands before counts."""


def _untagged(loader: AnEditor, _: str, node: yaml.Node) -> Any:
    match node:
        case yaml.ScalarNode():
            return loader.construct_scalar(node)
        case yaml.SequenceNode():
            return loader.construct_sequence(node, deep=True)
    raise AssertionError(node)


AnEditor.add_multi_constructor("!", _untagged)


def in_editor(template: str) -> list[str]:
    """The places that an editor underlines, each with the keyword of the schema that it breaks."""
    errors = EDITOR.iter_errors(yaml.load(template, AnEditor))  # noqa: S506 - a SafeLoader
    return [f"{error.json_path.removeprefix('$.Resources.Logs.')}: {error.validator}" for error in errors]


def in_resource(given: dict[str, Any]) -> list[str]:
    """What the schema of the resource says of these properties."""
    return [error.message for error in RESOURCE.iter_errors({"Type": TYPE, "Properties": given})]


# --- the files --------------------------------------------------------------------------------------------------------


def test_the_files_are_those_that_the_tables_make() -> None:
    """`make schema` after a change of a table."""
    assert stale(PROJECT) == []


def test_a_stale_file_is_told_and_mended(tmp_path: Path) -> None:
    """A check fails by its name; a run writes what is missing and what is old."""
    with pytest.raises(SystemExit, match=r"make schema.*schema/template\.json"):
        main(["--check", "--root", str(tmp_path)])
    main(["--root", str(tmp_path)])
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.*"))
    main(["--check", "--root", str(tmp_path)])

    assert written == sorted(files())


@EACH
def test_each_property_is_in_each_file(row: Property) -> None:
    """With its description, its choices and its rule, whatever the tool can take of them."""
    resource, template, rules, guard = files().values()

    for schema in (resource, template):
        shown = json.loads(schema)["definitions"]["Properties"]["properties"][row.name]
        assert shown["description"].startswith(row.description)
        assert all(json.dumps(choice) in json.dumps(shown["anyOf"]) for choice in row.form.choices)
    fact = json.loads(rules)["properties"][row.name]
    assert (fact["rule"], fact["choices"]) == (row.form.rule, [*row.form.choices])
    assert f"{row.name}: {row.form.rule}" in guard


@EACH
def test_each_property_has_what_the_tools_show(row: Property) -> None:
    """A rule in words, examples that the provider takes, and a known property as its limit."""
    examples = (*row.examples, *row.form.choices)
    taken = [row.read([value] if row.form.many else value, Scope(PLACE)) for value in examples]

    assert row.form.rule
    assert len(taken) == len(examples) > 0
    assert row.below in ("", *(each.name for each in PASSED_ALONG))


@pytest.mark.parametrize("schema", [schema_of_resource(), schema_of_template()], ids=["resource", "template"])
def test_the_schemas_are_schemas(schema: dict[str, Any]) -> None:
    """Of draft 7, which yaml-language-server reads."""
    Draft7Validator.check_schema(schema)


def test_each_attribute_is_shown() -> None:
    """Where the editor shows what the resource is for, and in the rules."""
    shown = schema_of_resource()["description"]

    assert [each.name for each in RETURN_VALUES if f"{each.name}: {each.description}" not in shown] == []
    assert json.loads(files()[next(path for path in files() if path.name == "facts.json")])["attributes"] == [
        each.name for each in RETURN_VALUES
    ]


def test_the_export_is_the_providers() -> None:
    """The rules know a resource of another type by it."""
    outputs = yaml_parse((PROJECT / "template.yaml").read_text())["Outputs"]

    assert PROVIDER_EXPORT in [output["Export"]["Name"] for output in outputs.values() if "Export" in output]


# --- the schema of the resource ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(properties(), id="one log group"),
        pytest.param(properties(ServiceTimeout=900, PropagationWaitSeconds=300), id="numbers"),
        pytest.param(of_fleet(ExcludeLogGroupNames=["/a/*", {"Ref": "B"}, ""]), id="a fleet"),
        pytest.param(
            properties(LogGroupName={"Fn::Sub": "/a/${B}"}, OnDelete={"Ref": "C"}, KmsKeyId="{{resolve:ssm:k}}"),
            id="functions",
        ),
        pytest.param(properties(**{"Fn::Transform": {"Name": "AWS::Include"}}), id="a macro"),
    ],
)
def test_the_schema_takes_what_the_provider_takes(given: dict[str, Any]) -> None:
    """Functions in their long form included."""
    assert in_resource(given) == []


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(properties(ServiceToken=None), id="no token"),
        pytest.param(properties(ServiceTimeout=0), id="no time"),
        pytest.param(properties(ServiceTimeout="3601"), id="too long a time"),
        pytest.param(properties(LogGroupName={"Ref": "A", "Fn::Sub": "B"}), id="two functions at once"),
        pytest.param(properties(LogGroupName={"Name": "A"}), id="no function"),
        pytest.param(of_fleet(OnMissingLogGroup={"Ref": "A"}), id="not for a fleet"),
    ],
)
def test_the_schema_refuses_what_the_provider_refuses(given: dict[str, Any]) -> None:
    """Beside what the comparison with the parser finds: see tests/cfn_lint."""
    assert len(in_resource(given)) == 1


# --- the schema for an editor -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(PROJECT))) for path in TEMPLATES])
def test_an_editor_underlines_nothing_in_our_templates(path: Path) -> None:
    """A short tag before a choice, a number or a list is no error."""
    assert in_editor(path.read_text()) == []


@pytest.mark.parametrize("value", ["!Ref A", "!Sub a-${A}", "!GetAtt A.B", "!If [A, B, C]", "{Ref: A}"])
@EACH
def test_a_function_is_no_error_in_an_editor(row: Property, value: str) -> None:
    """In any place, with its short tag or in its long form."""
    others = "" if row.targets else "LogGroupNamePrefix: x"
    if row.not_for and not row.targets:
        (others,) = {f"{each}: !Ref X" for each in _targets_of(row)[:1]}
    key = "" if row.name == "KmsKeyId" else "KmsKeyId: alias/logs"

    assert in_editor(_template(f"ServiceToken: x\n{others}\n{key}\n{row.name}: {value}")) == []


@pytest.mark.parametrize(
    ("lines", "underlined"),
    [
        pytest.param("OnDelet: Retain", "Properties: additionalProperties", id="unknown"),
        pytest.param("OnMissingLogGroup: Fail", "Properties: None", id="not for a fleet"),
        pytest.param("PropagationWaitSeconds: 901", "Properties.PropagationWaitSeconds: anyOf", id="number"),
        pytest.param("LogGroupName: /a", "Properties: oneOf", id="two targets"),
    ],
)
def test_an_editor_underlines_what_no_function_could_mend(lines: str, underlined: str) -> None:
    """An unknown name, what does not fit the target, a number out of its range."""
    assert in_editor(_template(f"ServiceToken: x\nKmsKeyId: alias/logs\nLogGroupNamePrefix: /a\n{lines}")) == [
        underlined
    ]


def test_an_editor_leaves_other_resources_alone() -> None:
    """Their types have schemas of their own."""
    assert in_editor("Transform: AWS::LanguageExtensions\nResources: {Fn::ForEach::A: [B], C: {Type: Custom::C}}") == []


@EACH
def test_an_editor_completes_choices(row: Property) -> None:
    """They are one of two things that a value may be: a choice, or any string for the sake of `!Ref`."""
    value = schema_of_template()["definitions"]["Properties"]["properties"][row.name]

    assert ({"enum": [*row.form.choices]} in value["anyOf"]) is bool(row.form.choices)
    assert {"type": ["string", "array"]} in value["anyOf"]


def _template(properties: str) -> str:
    indented = "".join(f"      {line}\n" for line in properties.splitlines())
    return f"Resources:\n  Logs:\n    Type: {TYPE}\n    Properties:\n{indented}"


def _targets_of(row: Property) -> list[str]:
    """The properties that name a kind of target which takes *row*."""
    return [each.name for each in PROPERTIES if each.targets and not {*each.targets} <= {*row.not_for}]
