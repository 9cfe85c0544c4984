"""The findings of our own cfn-lint rules, without those of cfn-lint's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.decode.utils import convert_dict
from cfnlint.rules import Rules
from cfnlint.template import Template

from support.project import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = PROJECT / "cfn-lint"
REGION: Final = "eu-west-1"
TYPE: Final = "Custom::LogGroupKmsAssociation"


class Finding(NamedTuple):
    """What a rule says of a line."""

    rule: str
    line: int
    message: str


def findings(template: str) -> list[Finding]:
    """Return what our rules say of a template in YAML or JSON, from its first line to its last."""
    read, errors = decode_str(template)
    assert errors == []
    return _found(read)


def of_resource(properties: Mapping[str, Any], **sections: Any) -> list[tuple[str, str]]:
    """Return rule and message of each finding in one resource with these properties, and sections of the template."""
    template = {"Resources": {"Logs": {"Type": TYPE, "Properties": properties}}} | sections
    return [(found.rule, found.message) for found in _found(convert_dict(template))]


def _found(template: Any) -> list[Finding]:
    rules = Rules.create_from_directory(str(FOLDER))
    matches = rules.run(None, Template(None, template, [REGION]), ConfigMixIn([]))
    return sorted((Finding(each.rule.id, each.linenumber, each.message) for each in matches), key=lambda one: one.line)
