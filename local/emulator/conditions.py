"""Fn::Join in the Conditions of a template.

MiniStack compares the function itself there. So `!Equals [!Join ["", !Ref List], ""]`, which is how a template asks
whether a list is empty, never holds. Source: the CloudFormation template reference, "Condition functions", which lists
Fn::Join among what Fn::Equals may hold.
"""

from typing import TYPE_CHECKING, Any, Final

from local.emulator import seams

if TYPE_CHECKING:
    from collections.abc import Callable

_JOIN: Final = "Fn::Join"

Parameters = dict[str, dict[str, Any]]


def install() -> None:
    """Join before conditions are evaluated, wherever MiniStack does."""
    evaluate: Callable[[dict[str, Any], Parameters], dict[str, bool]] = seams.CONDITIONS.get()

    def joining(template: dict[str, Any], parameters: Parameters) -> dict[str, bool]:
        conditions = _joined(template.get("Conditions") or {}, parameters)
        return evaluate({**template, "Conditions": conditions}, parameters)

    seams.CONDITIONS.replace(joining)


def _joined(node: Any, parameters: Parameters) -> Any:
    """Return *node* with a string in the place of each Fn::Join."""
    if isinstance(node, list):
        return [_joined(each, parameters) for each in node]
    if not isinstance(node, dict):
        return node
    if set(node) != {_JOIN}:
        return {name: _joined(value, parameters) for name, value in node.items()}
    delimiter, items = node[_JOIN]
    return delimiter.join(_strings(items, parameters))


def _strings(items: Any, parameters: Parameters) -> list[str]:
    """Return what to join: a list's members, or a list parameter's values, which MiniStack keeps as one string."""
    if isinstance(items, list):
        return [value for each in items for value in _strings(each, parameters)]
    if isinstance(items, dict):
        value = str(parameters.get(str(items.get("Ref")), {}).get("Value", ""))
        return [each.strip() for each in value.split(",")]
    return [str(items)]
