"""The JSON schemas: one of the resource, one of a whole template for an editor.

The two differ in what may stand for a function. The schema of the resource reads templates after their short tags are
resolved: `{"Ref": "Key"}`. It is strict with every string. An editor reads `!Ref Key` as the string `Key`, and
`!If [A, B, C]` as a list, so its schema has to let every string and list pass: it completes and explains, and leaves
the checks to cfn-lint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from log_group_kms.request.properties import PASSED_ALONG, PROPERTIES, RESOURCE_TYPE, TARGET_PROPERTIES
from tools.schema import words
from tools.schema.patterns import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_group_kms.model.targets import Target
    from log_group_kms.request.properties import Property

Schema = dict[str, Any]

_DIALECT: Final = "http://json-schema.org/draft-07/schema#"
_FUNCTION: Final[Schema] = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "patternProperties": {"^(Ref|Fn::[A-Za-z]+)$": {}},
    "additionalProperties": False,
}
#: CloudFormation user guide, dynamic references.
_DYNAMIC: Final[Schema] = {"type": "string", "pattern": r"\{\{resolve:"}
#: Beside Type and Properties (CloudFormation template reference, resource attributes).
_ATTRIBUTES: Final = (
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "UpdatePolicy",
    "UpdateReplacePolicy",
)


def schema_of_resource() -> Schema:
    """Return the schema of one resource, whose functions have their long form."""
    return {
        "$schema": _DIALECT,
        "title": RESOURCE_TYPE,
        **_resource(),
        "definitions": _definitions(_Strict()),
    }


def schema_of_template() -> Schema:
    """Return the schema of a template, as yaml-language-server reads it; other resources may be anything."""
    named: Schema = {"enum": [RESOURCE_TYPE], "description": words.of_resource()}
    return {
        "$schema": _DIALECT,
        "description": f"A CloudFormation template with {RESOURCE_TYPE}.",
        "type": "object",
        "properties": {
            "Resources": {"type": "object", "additionalProperties": {"$ref": "#/definitions/AnyResource"}},
        },
        "definitions": {
            "AnyResource": {
                "properties": {"Type": {"anyOf": [named, {"type": "string"}]}},
                # Fn::ForEach stands for resources with a list.
                "if": {"type": "object", "required": ["Type"], "properties": {"Type": {"const": RESOURCE_TYPE}}},
                "then": {"$ref": "#/definitions/Resource"},
            },
            "Resource": _resource(),
            **_definitions(_Lenient()),
        },
    }


class _Strict:
    """What may stand where a literal does, after the short tags are resolved: a string is a string."""

    judges_strings: Final = True

    scalars: Final = ({"$ref": "#/definitions/Function"}, _DYNAMIC)
    free: Final = (*scalars, {"type": "string", "minLength": 1})
    lists: Final = ({"$ref": "#/definitions/Function"},)


class _Lenient:
    """What may stand where a literal does, while the short tags are there: a string may be anything."""

    judges_strings: Final = False

    scalars: Final = ({"$ref": "#/definitions/Function"}, {"type": ["string", "array"]})
    free: Final = scalars
    lists: Final = scalars


def _resource() -> Schema:
    return {
        "description": words.of_resource(),
        "type": "object",
        "required": ["Type", "Properties"],
        "properties": {
            "Type": {"const": RESOURCE_TYPE},
            "Properties": {"$ref": "#/definitions/Properties"},
            **{name: {} for name in _ATTRIBUTES},
        },
        "additionalProperties": False,
    }


def _definitions(functions: _Strict | _Lenient) -> Schema:
    return {"Properties": _properties(functions), "Function": _FUNCTION}


def _properties(functions: _Strict | _Lenient) -> Schema:
    ours = {row.name: _property(row, functions) for row in PROPERTIES}
    passed = {
        row.name: {
            "description": words.of_passed_along(row),
            **_examples(row.examples, bounds=row.bounds),
            "anyOf": (
                [*_whole_number(row.bounds, row.pattern), *functions.scalars] if row.bounds else [*functions.free]
            ),
        }
        for row in PASSED_ALONG
    }
    return {
        "type": "object",
        "required": [
            *(row.name for row in PASSED_ALONG if not row.when_missing),
            *(row.name for row in PROPERTIES if row.required),
        ],
        "oneOf": [{"required": [row.name]} for row in TARGET_PROPERTIES],
        "properties": {**passed, **ours},
        # Fn::Transform and Fn::ForEach may stand for properties.
        "patternProperties": {"^Fn::": {}},
        "additionalProperties": False,
        "allOf": [*_exclusions()],
    }


def _property(row: Property, functions: _Strict | _Lenient) -> Schema:
    form = row.form
    if form.choices:
        literals: list[Schema] = [{"enum": [*form.choices]}]
    elif form.bounds:
        literals = _whole_number(form.bounds, form.pattern)
    else:
        literals = [{"type": "string", "pattern": whole(form.pattern)}] if functions.judges_strings else []
    value: Schema = {"anyOf": [*literals, *functions.scalars]}
    if form.many:
        # An empty item is left out: see `forms.Texts`.
        item = {"anyOf": [*value["anyOf"], {"const": ""}]}
        value = {"anyOf": [{"type": "array", "items": item}, *functions.lists]}
    return {
        "description": words.of_property(row),
        **_examples(row.examples, bounds=form.bounds, many=form.many),
        **value,
    }


def _whole_number(bounds: tuple[int, int], pattern: str) -> list[Schema]:
    """Return a number's literals; CloudFormation passes `300` and `"300"` along alike."""
    least, most = bounds
    return [{"type": "integer", "minimum": least, "maximum": most}, {"type": "string", "pattern": whole(pattern)}]


def _examples(values: tuple[str, ...], *, bounds: tuple[int, int] | None, many: bool = False) -> Schema:
    if not values:
        return {}
    if many:
        return {"examples": [[*values]]}
    return {"examples": [int(value) if bounds else value for value in values]}


def _exclusions() -> Iterator[Schema]:
    """Yield what each kind of target does not take: an error at the property that does not fit."""
    for row in TARGET_PROPERTIES:
        for kind in row.targets:
            refused = [each.name for each in PROPERTIES if kind in each.not_for]
            if refused:
                yield {"if": _names(row, kind), "then": {"properties": dict.fromkeys(refused, False)}}


def _names(row: Property, kind: type[Target]) -> Schema:
    """Return the condition that the property names a target of this *kind*."""
    if not row.patterns:
        return {"required": [row.name]}
    value = {"type": "string", "pattern": whole(row.patterns[kind])}
    return {"required": [row.name], "properties": {row.name: value}}
