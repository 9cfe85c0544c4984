"""Sizes and docstrings."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from tools.house.figure import Measured
from tools.house.source import docstrings, lines_of_code

if TYPE_CHECKING:
    from tools.house.source import Source

#: Neither a verb nor a noun: a summary that begins so is a clause, or the rest of one.
_NO_VERB_AND_NO_NOUN: Final = (
    "what whatever whether how where wherever who whom whose whoever which when whenever why "
    "as if unless until once while because since although though that "
    "with without for from in into on under at to of by after before among between during "
    "never always only there too not early"
)
_CLAUSE_OPENERS: Final = frozenset(_NO_VERB_AND_NO_NOUN.split())


def largest_class(source: Source) -> Measured:
    """Lines of the largest class, with its decorators."""
    sizes = [
        (_lines(node), f"{node.name} in {module.name}")
        for module in source.files
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    ]
    return Measured(*max(sizes, default=(0, "no class")))


def _lines(node: ast.ClassDef) -> int:
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return (node.end_lineno or node.lineno) - first + 1


def largest_module(source: Source) -> Measured:
    """Lines of the longest file."""
    return Measured(*max(((each.lines, each.name) for each in source.files), default=(0, "no module")))


def code(source: Source) -> Measured:
    """Lines of code in `src`."""
    return Measured(sum(map(lines_of_code, source.files)), f"in {len(source.files)} files")


def clause_opened_summaries(source: Source) -> Measured:
    """The share of docstrings whose summary begins with a clause, in percent."""
    openers = [
        (module.name, str(each.value).strip().split()[0].strip("`*.,:;").lower())
        for module in source.files
        for each in docstrings(module.tree)
        if str(each.value).strip()
    ]
    found = [name for name, word in openers if word in _CLAUSE_OPENERS]
    most = f", most in {max(sorted(set(found)), key=found.count)}" if found else ""
    return Measured(round(100 * len(found) / max(1, len(openers))), f"{len(found)} of {len(openers)} docstrings{most}")


def readme(source: Source) -> Measured:
    """Lines of the README."""
    return Measured(len((source.root / "README.md").read_text().splitlines()))
