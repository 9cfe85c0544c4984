"""The resources of this provider in a template, and their values in each case of the template's conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cfnlint.context.conditions.exceptions import Unsatisfiable
from cfnlint.helpers import FUNCTIONS, is_function
from cfnlint.jsonschema import CfnTemplateValidator

from log_group_kms_rules._facts import EXPORT, TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cfnlint.template import Template

Place = tuple[str | int, ...]

#: A parameter may be as small or as large, and is seldom meant to be.
_LIMITS: Final = ("MinValue", "MaxValue")
_CUSTOM_RESOURCE: Final = "AWS::CloudFormation::CustomResource"
_LONGEST_QUOTE: Final = 100


class Value(NamedTuple):
    """A value that a property has in one case.

    Attributes:
        given: the value, after the functions that it came of.
        path: where it stands in the template.
        context: cfn-lint's validator, with the conditions and parameters of the case.
        seen_through: the function or the parameter that it came of; empty where it stands there as it is.
    """

    given: Any
    path: Place
    context: Any
    seen_through: str = ""

    @property
    def text(self) -> str:
        """A scalar as CloudFormation passes it to a custom resource."""
        return str(self.given).lower() if isinstance(self.given, bool) else str(self.given)

    @property
    def is_limit(self) -> bool:
        """True where it is the smallest or the largest value of a parameter."""
        return self.seen_through.startswith(_LIMITS)

    def __str__(self) -> str:
        """The value as a message shows it."""
        shown = repr(self.given)
        shown = shown if len(shown) <= _LONGEST_QUOTE else f"{shown[: _LONGEST_QUOTE - 1]}…"
        return f"{shown} ({self.seen_through})" if self.seen_through else shown


class Association(NamedTuple):
    """A resource of this provider, with the properties that it has in one case or in all.

    Attributes:
        properties: what the template gives.
        path: where they stand in the template.
        context: cfn-lint's validator, with the conditions of the case.
        beside: what stands beside them in the resource.
    """

    properties: Mapping[str, Any]
    path: Place
    context: Any
    beside: frozenset[str]

    @property
    def transformed(self) -> bool:
        """True where a macro or a loop may add properties that nobody sees here."""
        return any(str(name).startswith("Fn::") for name in self.properties)

    def values(self, name: str) -> Iterator[Value]:
        """Yield each value that a property may have: one for each branch and for each value of a parameter."""
        if name in self.properties:
            yield from values(self.properties[name], (*self.path, name), self.context)

    def cases(self) -> Iterator[Association]:
        """Yield what is given in each case of the conditions; a property that a case leaves out is not there."""
        conditions = self.context.context.conditions
        for given, case in conditions.evolve_from_instance(self.properties, context=self.context.context):
            if given is not None:
                yield self._replace(properties=given, context=_under(self.context, case))


def resources(cfn: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the resources of this provider by their logical ids."""
    for name, resource in cfn.get_resources().items():
        if _is_ours(resource):
            yield name, resource


def associations(cfn: Template) -> Iterator[Association]:
    """Yield the resources of this provider that may come to be, with the condition that they have."""
    context = CfnTemplateValidator({}).evolve(cfn=cfn, context=cfn.context.evolve(functions=[*FUNCTIONS]))
    for name, resource in resources(cfn):
        condition = resource.get("Condition")
        case = _when(context, condition, holds=True) if isinstance(condition, str) else context
        properties = resource.get("Properties", {})
        if case and isinstance(properties, dict):
            yield Association(properties, ("Resources", name, "Properties"), case, frozenset(resource))


def values(given: Any, path: Place, context: Any) -> Iterator[Value]:
    """Yield each value that what a template gives may have; none where only a deployment knows."""
    function, argument = is_function(given)
    match function, argument:
        case None, _:
            yield Value(given, path, context)
        case "Ref", "AWS::NoValue":
            return
        case "Fn::If", [str() as condition, _, _]:
            for number, holds in ((1, True), (2, False)):
                branch = _when(context, condition, holds=holds)
                if branch:
                    yield from values(argument[number], (*path, "Fn::If", number), branch)
        case _:
            for value, resolved, error in context.resolve_value(given):
                if error is None and value is not None:
                    yield Value(value, path, resolved, _origin(function, argument, resolved))


def _is_ours(resource: Mapping[str, Any]) -> bool:
    """Return whether it is of our type, or a custom resource of any other type that imports our ServiceToken."""
    kind, properties = resource.get("Type"), resource.get("Properties")
    if kind == TYPE or not isinstance(kind, str) or not isinstance(properties, dict):
        return kind == TYPE
    custom = kind == _CUSTOM_RESOURCE or kind.startswith("Custom::")
    return custom and properties.get("ServiceToken") == {"Fn::ImportValue": EXPORT}


def _under(context: Any, conditions: Any) -> Any:
    return context.evolve(context=context.context.evolve(conditions=conditions))


def _when(context: Any, condition: str, *, holds: bool) -> Any | None:
    """Return the context in which a condition holds, or does not; None where that cannot be."""
    try:
        return _under(context, context.context.conditions.evolve({condition: holds}))
    except Unsatisfiable:
        return None


def _origin(function: str, argument: Any, resolved: Any) -> str:
    origin = [*resolved.context.path.value_path]
    if function == "Ref" and origin[:1] == ["Parameters"]:
        return f"{origin[2]} of the parameter {argument}"
    return f"by {function}"
