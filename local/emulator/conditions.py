"""The Conditions of a template: Fn::Join in them, and change sets without the resources whose condition is false.

MiniStack compares the function itself there. So `!Equals [!Join ["", !Ref List], ""]`, which is how a template asks
whether a list is empty, never holds. Source: the CloudFormation template reference, "Condition functions", which lists
Fn::Join among what Fn::Equals may hold.

MiniStack's change sets list every resource of the template. On AWS a resource whose condition is false is none of the
stack's, so no change either: the CloudFormation user guide, "Conditions section".
"""

from typing import TYPE_CHECKING, Any, Final

from local.emulator import seams

if TYPE_CHECKING:
    from collections.abc import Callable

_JOIN: Final = "Fn::Join"

Parameters = dict[str, dict[str, Any]]


def install() -> None:
    """Join before conditions are evaluated, wherever MiniStack does, and heed them in change sets."""
    evaluate: Callable[[dict[str, Any], Parameters], dict[str, bool]] = seams.CONDITIONS.get()

    def joining(template: dict[str, Any], parameters: Parameters) -> dict[str, bool]:
        conditions = _joined(template.get("Conditions") or {}, parameters)
        return evaluate({**template, "Conditions": conditions}, parameters)

    seams.CONDITIONS.replace(joining)
    resolve: Callable[..., dict[str, Any]] = seams.RESOLVE_FOR_CHANGES.get()

    def of_true_conditions(template: dict[str, Any], parameters: Parameters, *more: Any) -> dict[str, Any]:
        held = joining(template, parameters) if template else {}
        resources = (template or {}).get("Resources", {})
        there = {name: each for name, each in resources.items() if held.get(each.get("Condition"), True)}
        return resolve({**template, "Resources": there} if template else template, parameters, *more)

    seams.RESOLVE_FOR_CHANGES.replace(of_true_conditions)


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
