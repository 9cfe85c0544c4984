# ruff: noqa: INP001, T201 - a program beside the templates, not a package; it prints
"""Renders the landing zone: the provider's template.yaml and what landing-zone.yaml adds, as plain CloudFormation.

A service-managed StackSet takes neither transforms nor nested stacks (CloudFormation API reference, CreateStackSet,
Capabilities). So what CloudFormation would do with template.yaml is done here, by the same translator, without network
or credentials.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml
from boto3.session import Session
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

HERE: Final = Path(__file__).parent
SAM_FORM: Final = HERE.parents[1] / "template.yaml"
ADDITIONS: Final = HERE / "landing-zone.yaml"
PLAIN_FORM: Final = HERE / "template.yaml"

#: The package, once for all functions: a bucket of the stack's own Region, and a name that says what is in it. No hash
#: stands in the template itself, so that it changes with the templates alone.
CODE: Final = {"Bucket": {"Fn::Sub": "${CodeBucketPrefix}-${AWS::Region}"}, "Key": {"Ref": "CodeKey"}}

#: In bytes: what CloudFormation takes as a template from a bucket. As a text it takes 51,200, and this one is longer
#: (CloudFormation user guide, quotas).
LONGEST_TEMPLATE: Final = 1_000_000

#: Whose metadata the plain form keeps.
SCANNERS: Final = ("cfn_nag", "checkov", "guard")

_HEADER: Final = "# Rendered by `make landing-zone` from ../../template.yaml and landing-zone.yaml: change those.\n"
_INTERFACE: Final = "AWS::CloudFormation::Interface"
#: The translator wants to know one for resources that this template has none of.
_ANY_REGION: Final = "eu-west-1"

Template = dict[str, Any]


def load(path: Path) -> Template:
    """A template, its intrinsic functions in their long form."""
    template: Template = yaml_parse(path.read_text())
    return template


def translated(template: Template) -> Template:
    """What CloudFormation makes of a SAM *template* whose functions take their code from `CODE`.

    The resources stand in the order of *template*, and what the translator adds after what it belongs to.
    """
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = CODE
    order = list(template["Resources"])
    plain: Template = Translator({}, Parser(), boto_session=Session(region_name=_ANY_REGION)).translate(template, {})
    for name, resource in plain["Resources"].items():
        # Not how `sam build` makes the package, which is made already: what scanners may overlook, and why. What the
        # translator adds has the metadata of what it belongs to, and needs none.
        metadata = resource.pop("Metadata", {})
        kept = {key: value for key, value in metadata.items() if key in SCANNERS and name in order}
        if kept:
            resource["Metadata"] = kept
    names = sorted(plain["Resources"], key=lambda name: (order.index(_origin(name, order)), name))
    return {**plain, "Resources": {name: plain["Resources"][name] for name in names}}


def _origin(name: str, order: list[str]) -> str:
    return max((each for each in order if name.startswith(each)), key=len)


def fixed(template: Template, values: dict[str, Any]) -> Template:
    """*template* without the parameters of *values*, which take their place; and without what was on that condition.

    Each value is one that another resource yields, so that a condition which asks whether there is one always holds,
    and one which asks whether it is `*` never does.
    """
    conditions = template["Conditions"].items()
    settled = {name: True for name, rule in conditions if any(rule == _is_set(each) for each in values)}
    settled |= {name: False for name, rule in conditions if any(rule == _is_any(each) for each in values)}
    whole: Template = _filled_in({**template, "Metadata": {}}, values, settled)
    whole["Metadata"] = {_INTERFACE: _interface(template["Metadata"][_INTERFACE], set(values))}
    for name in values:
        del whole["Parameters"][name]
    for name in settled:
        del whole["Conditions"][name]
    for each in (*whole["Resources"].values(), *whole["Outputs"].values()):
        if settled.get(each.get("Condition", "")):
            del each["Condition"]
    return whole


def _is_set(parameter: str) -> Template:
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}


def _is_any(parameter: str) -> Template:
    return {"Fn::Equals": [{"Ref": parameter}, "*"]}


def _filled_in(  # noqa: PLR0911 - one form of a template a line
    part: Any, values: dict[str, Any], settled: dict[str, bool]
) -> Any:
    """A copy of *part* with each parameter's value in its place, and of each Fn::If on a settled condition a branch."""
    match part:
        case {"Ref": str() as name} if name in values:
            return values[name]
        case {"Fn::Split": [_, {"Ref": str() as name}]} if name in values:
            return [values[name]]
        case {"Fn::If": [str() as condition, then, otherwise]} if condition in settled:
            return _filled_in(then if settled[condition] else otherwise, values, settled)
        case {"Fn::And": [{"Condition": str() as condition}, other]} if settled.get(condition) is True:
            return _filled_in(other, values, settled)
        case dict():
            return {key: _filled_in(item, values, settled) for key, item in part.items()}
        case list():
            return [_filled_in(item, values, settled) for item in part]
    return part


def _interface(interface: Template, without: set[str]) -> Template:
    groups = [
        {**group, "Parameters": [name for name in group["Parameters"] if name not in without]}
        for group in interface["ParameterGroups"]
    ]
    labels = {name: label for name, label in interface["ParameterLabels"].items() if name not in without}
    return {"ParameterGroups": groups, "ParameterLabels": labels}


def joined(first: Template, second: Template) -> Template:
    """Both interfaces, parameters, conditions, resources and outputs; the description is the *first* one's."""
    own, other = first["Metadata"][_INTERFACE], second["Metadata"][_INTERFACE]
    return {
        "AWSTemplateFormatVersion": first["AWSTemplateFormatVersion"],
        "Description": first["Description"],
        "Metadata": {
            _INTERFACE: {
                "ParameterGroups": own["ParameterGroups"] + other["ParameterGroups"],
                "ParameterLabels": {**own["ParameterLabels"], **other["ParameterLabels"]},
            }
        },
        "Parameters": {**first["Parameters"], **second["Parameters"]},
        "Conditions": {**first["Conditions"], **second["Conditions"]},
        "Resources": {**first["Resources"], **second["Resources"]},
        "Outputs": {**first["Outputs"], **second["Outputs"]},
    }


class _ShortForm(yaml.SafeDumper):
    """Intrinsic functions as people write them, and no aliases, which CloudFormation does not read."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - of none
        """Nothing is written by reference."""
        return True


def _represent(dumper: yaml.SafeDumper, mapping: dict[str, Any]) -> yaml.Node:
    match list(mapping.items()):
        case [("Fn::GetAtt", [str() as resource, str() as attribute])]:
            return dumper.represent_scalar("!GetAtt", f"{resource}.{attribute}")
        case [(name, value)] if name == "Ref" or name.startswith("Fn::"):
            tag = f"!{name.removeprefix('Fn::')}"
            if isinstance(value, str):
                return dumper.represent_scalar(tag, value)
            return dumper.represent_sequence(tag, value)
    return dumper.represent_dict(mapping)


_ShortForm.add_representer(dict, _represent)


def render() -> str:
    """The text of the plain form."""
    additions = load(ADDITIONS)
    provider = fixed(translated(load(SAM_FORM)), additions["Metadata"]["Fixed"])
    for name, others in additions["Metadata"]["After"].items():
        provider["Resources"][name]["DependsOn"] += others
    return _HEADER + yaml.dump(joined(additions, provider), Dumper=_ShortForm, sort_keys=False, width=120)


def main() -> None:
    """Write the plain form beside this file."""
    text = render()
    PLAIN_FORM.write_text(text)
    print(f"{PLAIN_FORM.relative_to(SAM_FORM.parent)}: {len(text.encode()):,} of {LONGEST_TEMPLATE:,} bytes")


if __name__ == "__main__":
    main()
