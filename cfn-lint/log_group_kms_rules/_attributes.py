"""The rule about what a template asks of a resource."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from cfnlint.rules import CloudFormationLintRule, RuleMatch

from log_group_kms_rules._cases import resources
from log_group_kms_rules._facts import ATTRIBUTES, TYPE, remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfnlint.template import Template

    from log_group_kms_rules._cases import Place


class UnknownAttribute(CloudFormationLintRule):
    """An attribute that `Fn::GetAtt` does not give: the deployment would fail at it."""

    id = "E9706"
    shortdesc = f"{TYPE} has no such attribute"
    description = "Fn::GetAtt in both forms, and ${Resource.Attribute} in Fn::Sub"
    source_url = "docs/reference/return-values.md"
    tags = ("resources", "customresource", "getatt")

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return each use of an attribute that there is not."""
        ours = {name for name, _ in resources(cfn)}
        return [
            RuleMatch([*path], f"{attribute!r} is no attribute of {name} ({TYPE}); {remedy(attribute, ATTRIBUTES)}")
            for path, name, attribute in chain(_got(cfn), _substituted(cfn))
            if name in ours and attribute not in ATTRIBUTES
        ]


def _got(cfn: Template) -> Iterator[tuple[Place, str, str]]:
    for *path, argument in cfn.search_deep_keys("Fn::GetAtt"):
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        match parts:
            case [str() as name, str() as attribute]:
                yield (*path,), name, attribute


def _substituted(cfn: Template) -> Iterator[tuple[Place, str, str]]:
    for *path, argument in cfn.search_deep_keys("Fn::Sub"):
        text = argument[0] if isinstance(argument, list) and argument else argument
        for variable in cfn.get_sub_parameters(text):
            name, dot, attribute = variable.partition(".")
            if dot:
                yield (*path,), name, attribute
