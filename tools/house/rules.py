"""What the rules should not do: ask again by themselves, and change what workers share without a lock."""

from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tools.house.figure import Measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tools.house.source import Module, Source

#: Where the rules are, and the command line, which has two of the first version's calls.
_RULES: Final = frozenset({"association", "fleet", "lifecycle", "cli"})
#: The one module that may ask again: it wraps the ports.
_GATEWAY: Final = "association.gateway"

#: Modules with classes whose instances workers share, beside all of `fleet`.
_SHARED_MODULES: Final = frozenset({"pacing", "retry.rate_limits", _GATEWAY})
#: Classes and methods that no two threads are in at once, and why.
ONE_THREAD: Final[Mapping[str, str]] = {
    "_Run.make_pass": "it sets the state up before its workers begin, and reads it when they have ended",
    "TakenTurn": "a worker makes one for one log group, and keeps it to itself",
    "ReservedPermit": "a worker makes one for one log group, and keeps it to itself",
}

_MUTATING_WORDS: Final = (
    "append appendleft extend extendleft insert add update setdefault pop popleft popitem remove discard clear "
    "sort reverse subtract intersection_update difference_update symmetric_difference_update"
)
_MUTATING: Final = frozenset(_MUTATING_WORDS.split())
_LOCK: Final = re.compile(r"(^|_)(r?lock|condition|mutex)(_|$|s$)", re.IGNORECASE)
_SAFE_BY_ITSELF: Final = frozenset({"threading", "queue"})


def attempts_in_the_rules(source: Source) -> Measured:
    """Calls of `attempt` in the rules; the gateway makes them for all."""
    found = Counter(
        module.name
        for module in source.modules
        if module.package in _RULES and module.name != _GATEWAY
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and _last_name(node.func) == "attempt"
    )
    return Measured(found.total(), ", ".join(f"{name} {number}" for name, number in found.most_common()))


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def state_changed_without_a_lock(source: Source) -> Measured:
    """Places of run state that workers change without a lock; attributes changed by one line after the other are one.

    Every class in `fleet` counts as shared, but for those in `ONE_THREAD`. The check sees what a method changes of
    `self`, and of what `self` holds. It does not see what a method changes of an argument, or by another name.
    """
    shared = [each for each in source.modules if each.package == "fleet" or each.name in _SHARED_MODULES]
    classes = [node for module in shared for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    safe, owners = _safe_attributes(shared), _owners(classes)
    places = _Places()
    for node in classes:
        for write in _writes(node):
            if write.attribute not in safe:
                owner = owners.get(write.attribute, node.name) if write.through else node.name
                places.add(f"{owner}.{write.attribute}", write)
    named = places.named()
    return Measured(len(named), ", ".join(named))


@dataclass(frozen=True)
class _Write:
    """A change of `self`, or of what `self` holds.

    Attributes:
        attribute: the last name: `proved` of `self._passes.proved`.
        through: it is another object's, as there.
        block: identifies the list of statements.
        position: the statement's in it.
    """

    attribute: str
    through: bool
    block: int
    position: int


class _Places:
    """Attributes, of which those that neighbouring statements change belong together."""

    def __init__(self) -> None:
        self._group: dict[str, str] = {}
        self._last: tuple[str, _Write] | None = None

    def add(self, attribute: str, write: _Write) -> None:
        """Count *attribute*, beside the one before where that is the statement before."""
        self._group.setdefault(attribute, attribute)
        if self._last:
            other, before = self._last
            if before.block == write.block and write.position - before.position <= 1:
                self._join(other, attribute)
        self._last = (attribute, write)

    def _join(self, one: str, other: str) -> None:
        old, new = self._group[other], self._group[one]
        self._group = {name: new if group == old else group for name, group in self._group.items()}

    def named(self) -> list[str]:
        """Each place, by its attributes."""
        groups: dict[str, list[str]] = {}
        for attribute, group in self._group.items():
            groups.setdefault(group, []).append(attribute)
        return [" and ".join(group) for group in groups.values()]


def _safe_attributes(modules: Iterable[Module]) -> frozenset[str]:
    """Names of attributes that are events, locks and queues: they are made for several threads."""
    return frozenset(
        name
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).partition(".")[0] in _SAFE_BY_ITSELF
        for target in _targets(node)
        if (name := _last_name(target))
    )


def _owners(classes: Iterable[ast.ClassDef]) -> dict[str, str]:
    """The classes that set up an attribute, by the attribute's name."""
    return {
        _last_name(target): node.name
        for node in classes
        for method in _methods(node)
        if method.name in _SETTING_UP
        for statement in ast.walk(method)
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for target in _targets(statement)
    }


_SETTING_UP: Final = ("__init__", "__post_init__")


def _methods(node: ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


def _writes(node: ast.ClassDef) -> Iterator[_Write]:
    """All changes in the methods of a class that no lock guards."""
    for method in _methods(node):
        exempt = {node.name, f"{node.name}.{method.name}"} & set(ONE_THREAD)
        if method.name not in _SETTING_UP and not exempt:
            yield from _in_block(method.body)


def _in_block(statements: list[ast.stmt]) -> Iterator[_Write]:
    for position, statement in enumerate(statements):
        for target in _changed(statement):
            yield _Write(_last_name(target), isinstance(target.value, ast.Attribute), id(statements), position)
        if not (isinstance(statement, ast.With | ast.AsyncWith) and _takes_a_lock(statement)):
            for block in _blocks(statement):
                yield from _in_block(block)


def _takes_a_lock(statement: ast.With | ast.AsyncWith) -> bool:
    return any(
        _LOCK.search(_last_name(node))
        for item in statement.items
        for node in ast.walk(item.context_expr)
        if isinstance(node, ast.expr)
    )


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The blocks of statements inside a statement."""
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value
        elif isinstance(value, list):
            for each in value:
                if isinstance(each, ast.ExceptHandler | ast.match_case):
                    yield each.body


def _changed(statement: ast.stmt) -> Iterator[ast.Attribute]:
    """The attributes that a statement itself changes, without those of the blocks inside it."""
    for target in _targets(statement):
        yield from _of_self(target)
    for expression in ast.iter_child_nodes(statement):
        if isinstance(expression, ast.expr):
            for node in ast.walk(expression):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _MUTATING:
                    yield from _of_self(node.func.value)


def _targets(statement: ast.stmt) -> Iterator[ast.expr]:
    match statement:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            for target in targets:
                yield from target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        case ast.AugAssign(target=target):
            yield target
        case ast.AnnAssign(target=target, value=value) if value is not None:
            yield target


def _of_self(node: ast.expr) -> Iterator[ast.Attribute]:
    """The attribute of `self`, or of what it holds, that *node* stands for; nothing where it is another's."""
    while isinstance(node, ast.Subscript | ast.Starred):
        node = node.value
    root = node
    while isinstance(root, ast.Attribute | ast.Subscript):
        root = root.value
    if isinstance(node, ast.Attribute) and isinstance(root, ast.Name) and root.id == "self":
        yield node
