"""What a value may be: its type, its pattern, and what is allowed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from log_group_kms_rules._cases import Value, values
from log_group_kms_rules._facts import remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from log_group_kms_rules._facts import Fact

#: CloudFormation user guide, dynamic references: known at the deployment alone.
_DYNAMIC: Final = "{{resolve:"


def broken(value: Value, fact: Fact) -> Iterator[tuple[Value, str]]:
    """Yield the value, or items of it, each with the rule that it breaks."""
    if not fact["many"]:
        judged = [value]
    elif isinstance(value.given, list):
        # An empty CommaDelimitedList arrives as one empty string, and is no item.
        judged = [item for item in _items(value) if item.given != ""]
    else:
        yield value, "it must be a list of strings"
        return
    for each in judged:
        if rule := _rule_broken(each, fact):
            yield each, rule


def _items(value: Value) -> Iterator[Value]:
    for number, item in enumerate(value.given):
        if value.seen_through:
            # It is in no place of its own.
            yield value._replace(given=item)
        else:
            yield from values(item, (*value.path, number), value.context)


def _rule_broken(value: Value, fact: Fact) -> str:
    """Return the rule that a value breaks; empty where it breaks none, or where only a deployment can tell."""
    if isinstance(value.given, dict | list):
        return "it must be a string"
    if _DYNAMIC in value.text or re.fullmatch(fact["pattern"], value.text):
        return ""
    if not value.text:
        return "it must not be empty (leave it out with AWS::NoValue instead)"
    return f"{fact['rule']}; {remedy(value.text, fact['choices'])}" if fact["choices"] else str(fact["rule"])
