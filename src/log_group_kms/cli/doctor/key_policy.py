"""A plain look at a key's policy: the statements that the documentation asks for, and what stands against them.

This is not IAM. A statement with a condition or a form that is not understood here makes the answer unclear, and people
look at it themselves. `Resource` is not read: in a key's policy it is the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: One action for each pattern that the documentation names.
KEY_ACTIONS: Final = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
)
_EXACT: Final = frozenset({"stringequals"})
_PATTERNS: Final = frozenset({"stringlike", "arnlike", "arnequals"})
_NEGATED: Final = frozenset({"NotPrincipal", "NotAction"})
#: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`
_COLONS: Final = 5


@dataclass(frozen=True, slots=True)
class Access:
    """The use of a key.

    Attributes:
        principals: who wants to use it, as a policy may name them: `AWS` or `Service`, and the name.
        context: the condition keys of such a call, in lower case. A value that ends in `*` stands for all that begin
            so.
        perhaps: names of which it is not known that they mean the same.
    """

    principals: frozenset[tuple[str, str]]
    context: Mapping[str, str]
    perhaps: frozenset[tuple[str, str]] = frozenset()


def allows(policy: Mapping[str, Any], access: Access) -> bool | None:
    """Return whether *policy* allows *access* with all of `KEY_ACTIONS`; None where that is not clear."""
    granted: set[str] = set()
    perhaps: set[str] = set()
    denied: bool | None = False
    for statement in _several(policy.get("Statement", [])):
        applies = _applies(statement, access)
        actions = _actions(statement)
        if applies is False or not actions:
            continue
        if statement.get("Effect") == "Deny":
            # A condition may deny a part of what was asked for: nobody is told that it is all right.
            denied = True if denied or (applies and not statement.get("Condition")) else None
        elif applies:
            granted |= actions
        else:
            perhaps |= actions
    if denied or not granted | perhaps >= set(KEY_ACTIONS):
        return False
    return True if denied is False and granted >= set(KEY_ACTIONS) else None


def _applies(statement: Mapping[str, Any], access: Access) -> bool | None:
    """Return whether *statement* is about *access*, whatever its actions."""
    if _NEGATED & statement.keys():
        return None
    named = statement.get("Principal", {})
    named = {"AWS": named} if isinstance(named, str) else named
    principals = {(kind, name) for kind, names in named.items() for name in _several(names)}
    if not principals & (access.principals | access.perhaps):
        return False
    told = [
        _holds(operator.lower(), key.lower(), _several(values), access.context)
        for operator, pairs in statement.get("Condition", {}).items()
        for key, values in pairs.items()
    ]
    if statement.get("Effect") != "Deny" and False in told:
        return False
    return True if all(told) and principals & access.principals else None


def _actions(statement: Mapping[str, Any]) -> set[str]:
    patterns = [pattern.lower() for pattern in _several(statement.get("Action", "*"))]
    return {action for action in KEY_ACTIONS if any(fnmatchcase(action.lower(), pattern) for pattern in patterns)}


def _holds(operator: str, key: str, values: list[str], context: Mapping[str, str]) -> bool | None:
    value = context.get(key)
    if value is None or operator not in _EXACT | _PATTERNS or any("${" in pattern for pattern in values):
        return None
    if operator in _EXACT:
        return value in values and not value.endswith("*")
    return any(_covers(pattern, value) for pattern in values)


def _covers(pattern: str, value: str) -> bool:
    """Return whether *pattern* takes *value*, or all that begin so."""
    if value.endswith("*") and not pattern.endswith("*"):
        return False
    parts, wanted = pattern.split(":", _COLONS), value.removesuffix("*").split(":", _COLONS)
    return len(parts) == len(wanted) and all(map(fnmatchcase, wanted, parts))


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
