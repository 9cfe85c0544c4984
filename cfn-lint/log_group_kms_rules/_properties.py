"""The rules about the properties of a resource."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final

from cfnlint.rules import CloudFormationLintRule, RuleMatch

from log_group_kms_rules._cases import associations, resources
from log_group_kms_rules._facts import KNOWN, PASSED_ALONG, PROPERTIES, TARGETS, TYPE, meant, remedy
from log_group_kms_rules._values import broken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfnlint.template import Template

    from log_group_kms_rules._cases import Association, Value

#: Of a resource, beside its Properties (CloudFormation template reference, resource attributes).
_BESIDE: Final = ("Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Metadata", "UpdateReplacePolicy")
_ONE_TARGET: Final = f"exactly one of {', '.join(TARGETS)} is required"


class _Rule(CloudFormationLintRule):
    """A rule about each resource of this provider. It has no id, so cfn-lint does not run it by itself."""

    source_url = "docs/reference/properties.md"
    tags = ("resources", "customresource", "kms", "logs")

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return what is wrong; what is wrong in several cases is told once."""
        found = chain.from_iterable(self.check(each) for each in associations(cfn))
        return [*{(match.path_string, match.message): match for match in found}.values()]

    def check(self, association: Association) -> Iterator[RuleMatch]:
        """Yield what is wrong with a resource."""
        raise NotImplementedError


class UnknownProperty(_Rule):
    """An unknown, misspelt or misplaced property: the provider refuses it."""

    id = "E9701"
    shortdesc = f"{TYPE} has no such property"
    description = "Unknown properties, those in the wrong case, and those that stand beside Properties"

    def match(self, cfn: Template) -> list[RuleMatch]:
        """Return also what stands beside Properties, where there may be none at all."""
        beside = [
            RuleMatch(["Resources", name, key], f"{key} stands beside Properties: move it into Properties")
            for name, resource in resources(cfn)
            for key in resource
            if key in KNOWN
        ]
        return [*beside, *super().match(cfn)]

    def check(self, association: Association) -> Iterator[RuleMatch]:
        """Yield each property that there is not."""
        for name in _unknown(association):
            instead = "it belongs beside Properties: move it there" if name in _BESIDE else remedy(str(name), KNOWN)
            yield RuleMatch([*association.path, name], f"{name!r} is no property of {TYPE}; {instead}")


class WrongValue(_Rule):
    """A value that the provider refuses."""

    id = "E9702"
    shortdesc = f"A property of {TYPE} has a wrong value"
    description = "Types, patterns, numbers out of their range, and what is none of the allowed values"

    def check(self, association: Association) -> Iterator[RuleMatch]:
        """Yield each value that breaks the rule of its property."""
        for name, fact in (PASSED_ALONG | PROPERTIES).items():
            for value in association.values(name):
                for each, rule in broken(value, fact):
                    yield RuleMatch([*each.path], f"{name} is {each}; {rule}")


class MissingProperty(_Rule):
    """A property that every resource needs, and exactly one target."""

    id = "E9703"
    shortdesc = f"{TYPE} lacks a property, or has not exactly one target"
    description = "Required properties, and exactly one of those that name the target"

    def check(self, association: Association) -> Iterator[RuleMatch]:
        """Yield what is missing, unless it is misspelt or misplaced, and each target beside the first one."""
        elsewhere = _elsewhere(association)
        for case in association.cases():
            missing = (
                [] if case.transformed else [name for name in PROPERTIES if name not in {*case.properties, *elsewhere}]
            )
            for name in missing:
                if PROPERTIES[name]["required"]:
                    yield RuleMatch(
                        [*case.path], f"{name} is missing; it is required: {PROPERTIES[name]['description']}"
                    )
            if {*TARGETS} <= {*missing}:
                yield RuleMatch([*case.path], f"{_ONE_TARGET}; given: none")
            given = [name for name in case.properties if name in TARGETS]
            for name in given[1:]:
                yield RuleMatch([*case.path, name], f"{_ONE_TARGET}; given: {' and '.join(given)}: leave one out")


class MisfittingProperty(_Rule):
    """A property that the kind of target does not take."""

    id = "E9704"
    shortdesc = f"A property of {TYPE} does not fit its target"
    description = "Properties that one log group, a fleet or query results do not take"

    def check(self, association: Association) -> Iterator[RuleMatch]:
        """Yield each property that the target's kind does not take."""
        for case in association.cases():
            target = next((name for name in case.properties if name in TARGETS), None)
            for kinds in _kinds(case, target) if target else ():
                for name in case.properties:
                    words = [PROPERTIES.get(name, {}).get("not_for", {}).get(kind) for kind in kinds]
                    if all(words):
                        yield RuleMatch([*case.path, name], f"{name} does not apply to {words[0]}: leave it out")


class WaitBeyondTimeout(_Rule):
    """A wait that CloudFormation does not wait for."""

    id = "E9705"
    shortdesc = f"A wait of {TYPE} must be below its time-out"
    description = "CloudFormation would give up before the provider answers"

    def check(self, association: Association) -> Iterator[RuleMatch]:
        """Yield each wait that is as long as the time-out in the same case, or longer."""
        for name, fact in PROPERTIES.items():
            for wait in association.values(name):
                for timeout in association._replace(context=wait.context).values(fact["below"]):
                    if not (wait.is_limit or timeout.is_limit) and _seconds(wait) >= _seconds(timeout) > 0:
                        rule = f"it must be below {fact['below']}, which is {timeout}: lower the one or raise the other"
                        yield RuleMatch([*wait.path], f"{name} is {wait}; {rule}")


class NoTimeout(_Rule):
    """A resource that may block its stack for an hour."""

    id = "W9707"
    shortdesc = f"{TYPE} should have a time-out"
    description = "Without it, CloudFormation waits an hour for an answer that is lost"

    def check(self, association: Association) -> Iterator[RuleMatch]:
        """Yield the cases without one."""
        elsewhere = _elsewhere(association)
        for case in association.cases():
            for name, fact in PASSED_ALONG.items():
                if fact["when_missing"] and not case.transformed and name not in {*case.properties, *elsewhere}:
                    yield RuleMatch([*case.path], f"{name} is missing; {fact['when_missing']}")


def _unknown(association: Association) -> list[str]:
    # Fn::Transform and Fn::ForEach may stand for properties.
    return [name for name in association.properties if name not in KNOWN and not str(name).startswith("Fn::")]


def _elsewhere(association: Association) -> set[str]:
    """Return the properties that are there, but misspelt or misplaced: they are not missing as well."""
    return {*association.beside, *(meant(str(name), KNOWN) for name in _unknown(association))}


def _kinds(case: Association, target: str) -> list[list[str]]:
    """Return the kinds of target for each value of the property that names it.

    Where a value is known to the deployment alone, it may be of any kind: what none of them takes is wrong.
    """
    kinds = PROPERTIES[target]["kinds"]
    texts = {value.text for value in case.values(target)}
    named = [[kind for kind, pattern in kinds.items() if re.fullmatch(pattern, text)] for text in texts]
    return [each for each in named if each] or [[*kinds]]


def _seconds(value: Value) -> int:
    return int(value.text) if re.fullmatch("[0-9]{1,9}", value.text) else -1
