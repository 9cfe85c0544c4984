"""cfn-guard's rules. They look at literal values: cfn-guard resolves no function and no parameter."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

from log_group_kms.request.properties import (
    CLOUDFORMATIONS_OWN,
    PASSED_ALONG,
    PROPERTIES,
    PROPERTY_NAMES,
    RESOURCE_TYPE,
    TARGET_NAMES,
    TARGET_PROPERTIES,
)
from tools.schema import words
from tools.schema.patterns import whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_group_kms.model.targets import Target
    from log_group_kms.request.properties import PassedAlong, Property

_HEAD: Final = f"""\
# cfn-guard rules for {RESOURCE_TYPE}, version 3 of cfn-guard. Made by `make schema`: change the table there.
# They look at literal values. What is a function, a Ref or a dynamic reference passes.

let log_group_kms_associations = Resources.*[ Type == '{RESOURCE_TYPE}' ]
"""
_DYNAMIC: Final = r"/\{\{resolve:/"


def rules() -> str:
    """Return the file of rules: one for the names, one for the target, and one for each property."""
    bodies = [
        ("PROPERTIES", _names()),
        ("TARGET", _target()),
        *((_rule_name(row.name), _passed_along(row)) for row in PASSED_ALONG),
        *((_rule_name(row.name), _property(row)) for row in PROPERTIES),
    ]
    return "\n".join([_HEAD, *(_rule(name, clauses) for name, clauses in bodies)])


def _rule(name: str, clauses: Iterator[str]) -> str:
    body = "\n".join(f"        {line}" for clause in clauses for line in clause.splitlines())
    return (
        f"rule LOG_GROUP_KMS_ASSOCIATION_{name} when %log_group_kms_associations !empty {{\n"
        f"    %log_group_kms_associations.Properties {{\n{body}\n    }}\n}}\n"
    )


def _rule_name(name: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name).lstrip("_")


def _names() -> Iterator[str]:
    names = "|".join([*CLOUDFORMATIONS_OWN, *PROPERTY_NAMES])
    yield f"this[ keys != /^(?:{names}|Fn::.+)$/ ] empty << The properties are {names.replace('|', ', ')} >>"


def _target() -> Iterator[str]:
    message = words.ONE_TARGET
    yield f"{' or '.join(f'{name} exists' for name in TARGET_NAMES)} << {message} >>"
    for pair in combinations(TARGET_NAMES, 2):
        # Each of the two may be left out by a condition.
        lacking = " or ".join(f"{name} !exists or {name}.'Fn::If' exists" for name in pair)
        yield f"{lacking} << {message}; {pair[0]} and {pair[1]} are given >>"


def _passed_along(row: PassedAlong) -> Iterator[str]:
    missing = row.when_missing or "it is required"
    yield f"{row.name} exists << {row.name} is missing; {missing} >>"
    if row.bounds:
        yield from _whole_number(row.name, row.bounds, row.rule)
        yield from _text(row.name, row.pattern, row.rule)


def _property(row: Property) -> Iterator[str]:
    form = row.form
    if row.required:
        yield f"{row.name} exists << {row.name} is missing; it is required >>"
    if form.many:
        yield f"when {row.name} exists {{\n    {row.name} !is_string << {row.name} must be a list >>\n}}"
        item = _text("this", f"{form.pattern}|", form.rule, called=row.name)
        yield f"when {row.name} is_list {{\n    {row.name}.* {{\n{_indented(item, 8)}\n    }}\n}}"
    else:
        if form.bounds:
            yield from _whole_number(row.name, form.bounds, form.rule)
        yield from _text(row.name, form.pattern, form.rule)
    for target in TARGET_PROPERTIES:
        for kind in target.targets:
            if kind in row.not_for:
                yield _refused(row, target, kind)


def _text(name: str, pattern: str, rule: str, *, called: str = "") -> Iterator[str]:
    expression = whole(pattern).replace("/", r"\/")
    yield (
        f"when {name} is_string\n     {name} != {_DYNAMIC} {{\n"
        f"    {name} == /{expression}/ << {called or name}: {rule} >>\n}}"
    )


def _whole_number(name: str, bounds: tuple[int, int], rule: str) -> Iterator[str]:
    least, most = bounds
    yield (
        f"when {name} is_int {{\n"
        f"    {name} >= {least} << {name}: {rule} >>\n"
        f"    {name} <= {most} << {name}: {rule} >>\n}}"
    )


def _refused(row: Property, target: Property, kind: type[Target]) -> str:
    """Return the clause that the property is not there where *target* names a target of this *kind*."""
    message = f"{row.name} does not apply to {row.not_for[kind]}: leave it out"
    where = f"{target.name} exists"
    if target.patterns:
        expression = whole(target.patterns[kind]).replace("/", r"\/")
        where = f"{target.name} is_string\n     {target.name} == /{expression}/"
    lacking = f"{row.name} !exists or {row.name}.'Fn::If' exists or {target.name}.'Fn::If' exists"
    return f"when {where} {{\n    {lacking} << {message} >>\n}}"


def _indented(clauses: Iterator[str], spaces: int) -> str:
    return "\n".join(f"{' ' * spaces}{line}" for clause in clauses for line in clause.splitlines())
