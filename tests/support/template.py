"""template.yaml as CloudFormation would resolve it, without a stack."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from boto3.session import Session
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROJECT: Final = Path(__file__).parents[2]
TEMPLATE: Final = PROJECT / "template.yaml"

#: A partition whose names differ from those that one would type by habit.
CHINA: Final = {
    "AWS::Partition": "aws-cn",
    "AWS::Region": "cn-north-1",
    "AWS::AccountId": "111122223333",
    "AWS::URLSuffix": "amazonaws.com.cn",
    "AWS::StackId": "arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/logs/5c9f1e20-8d3a-11ef-9b6e-0a58a9feac02",
}


#: Parameters, pseudo parameters, or conditions.
Names = dict[str, Any]


def load(path: Path) -> Any:
    """A template, its intrinsic functions in their long form; each caller has its own."""
    return deepcopy(_parsed(path.read_text()))


def plain_form(path: Path = TEMPLATE) -> Any:
    """What CloudFormation makes of a SAM template; the code of its functions is of no account."""
    return deepcopy(_translated(path.read_text()))


@lru_cache
def _parsed(text: str) -> Any:
    """A second to parse each time would be minutes for all tests."""
    return yaml_parse(text)


@lru_cache
def _translated(text: str) -> Any:
    template = deepcopy(_parsed(text))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "code", "Key": "code.zip"}
    return Translator({}, Parser(), boto_session=Session(region_name="eu-west-1")).translate(template, {})


def parameters_of(template: Any) -> Names:
    """What Ref yields for each parameter that nobody sets."""
    return {
        name: parameter["Default"].split(",") if parameter["Type"] == "CommaDelimitedList" else parameter["Default"]
        for name, parameter in template["Parameters"].items()
        if "Default" in parameter
    }


def needs(resources: Mapping[str, Any], name: str) -> set[str]:
    """All that CloudFormation makes before the resource *name*, and deletes after it."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        direct = _named_in(resources[waiting.pop()]) & resources.keys()
        waiting += direct - found
        found |= direct
    return found


def _named_in(resource: Any) -> set[str]:
    text = json.dumps(resource)
    references = re.findall(r'"Ref": "(\w+)"|"Fn::GetAtt": \["(\w+)"|\$\{(\w+)[.}]', text)
    return {name for groups in references for name in groups if name} | set(as_list(resource.get("DependsOn", [])))


@dataclass(frozen=True, slots=True)
class Resolver:
    """What CloudFormation makes of a template's values; what depends on a resource stays as it is."""

    names: Names
    conditions: Names = field(default_factory=dict)

    def __call__(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"Condition"} and isinstance(value["Condition"], str):
            return self(self.conditions[value["Condition"]])
        for function, resolve in self._functions().items():
            if function in value and (function != "Ref" or value["Ref"] in self.names):
                return resolve(value[function])
        return {key: self(item) for key, item in value.items()}

    def _functions(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "Ref": lambda name: self.names[name],
            "Fn::Sub": lambda text: re.sub(
                r"\$\{([^}]+)}", lambda found: str(self.names.get(found[1], found[0])), text
            ),
            "Fn::If": lambda branches: self(branches[1 if self(self.conditions[branches[0]]) else 2]),
            "Fn::Equals": lambda pair: self(pair[0]) == self(pair[1]),
            "Fn::Not": lambda condition: not self(condition[0]),
            "Fn::And": lambda parts: all(self(part) for part in parts),
            "Fn::Select": lambda choice: self(choice[1])[choice[0]],
            "Fn::Split": lambda pair: self(pair[1]).split(pair[0]),
            "Fn::Join": lambda pair: pair[0].join(self(pair[1])),
        }


def as_list(value: Any) -> list[Any]:
    """IAM writes a list of one without brackets."""
    return value if isinstance(value, list) else [value]


def statements(policy_name: str, role: str = "ProviderRole", **parameters: Any) -> dict[str, dict[str, Any]]:
    """The statements of one of a role's policies by Sid, as they are in China."""
    (policy,) = [one for one in policies(role, **parameters) if one["PolicyName"] == policy_name]
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


def policies(role: str = "ProviderRole", path: Path = TEMPLATE, **parameters: Any) -> list[dict[str, Any]]:
    """A role's policies, as they are in China."""
    template = load(path)
    resolve = Resolver({**CHINA, **parameters_of(template), **parameters}, template["Conditions"])
    resolved = resolve(template["Resources"][role]["Properties"]["Policies"])
    return [policy for policy in resolved if policy != {"Ref": "AWS::NoValue"}]


def actions(policy_name: str, role: str = "ProviderRole") -> list[str]:
    """All that a policy allows, an action as often as it is named."""
    return [action for statement in statements(policy_name, role).values() for action in as_list(statement["Action"])]
