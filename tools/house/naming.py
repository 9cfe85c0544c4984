"""Modules that name one property of the resource.

A module names a property where its code does: in a name, an attribute, an argument, an import, or a string that is the
name and nothing else; in each case in any of its spellings (OnDelete, on_delete, --on-delete, ON_DELETE). Docstrings,
comments and sentences do not count.

`LogGroupName` is left out: it is also the name of a type of the model. `KmsKeyId` is the one that is required, and all
of the code is about it.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from tools.house.figure import Measured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.house.source import Source

OPTIONAL_PROPERTIES: Final = (
    "ResourceIdentifier",
    "LogGroupNamePrefix",
    "ExcludeLogGroupNames",
    "OnDelete",
    "OnExistingKey",
    "OnMissingLogGroup",
    "PropagationWaitSeconds",
)


def modules_that_name_one_property(source: Source) -> Measured:
    """The number of modules that name the property that most of them name."""
    named = {module.name: names_in(module.tree) for module in source.modules}
    users = {
        property_name: [name for name, names in named.items() if names & spellings(property_name)]
        for property_name in OPTIONAL_PROPERTIES
    }
    most = max(users, key=lambda each: len(users[each]))
    return Measured(len(users[most]), f"{most}: {', '.join(users[most])}")


def spellings(property_name: str) -> frozenset[str]:
    """All forms of a property's name."""
    words = [word.lower() for word in re.findall(r"[A-Z][a-z]*", property_name)]
    snake, kebab = "_".join(words), "-".join(words)
    return frozenset({property_name, snake, snake.upper(), kebab, f"--{kebab}"})


def names_in(tree: ast.Module) -> frozenset[str]:
    """All names in the code, and all strings of one word."""
    sentences = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    return frozenset(name for node in ast.walk(tree) if id(node) not in sentences for name in _names_of(node))


def _names_of(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            yield name
        case ast.arg(arg=name) | ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            yield name
        case ast.keyword(arg=str(name)):
            yield name
        case ast.alias(name=name, asname=other):
            yield from name.split(".")
            yield other or name
        case ast.MatchClass(kwd_attrs=names):
            yield from names
        case ast.ImportFrom(module=str(name)):
            yield from name.split(".")
