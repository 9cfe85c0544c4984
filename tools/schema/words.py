"""Descriptions: what an editor shows of a property, and of the resource."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, get_args

from log_group_kms.lifecycle.return_values import RETURN_VALUES
from log_group_kms.model.targets import Fleet, LogGroup, QueryResults, Target
from log_group_kms.request.properties import TARGET_NAMES

if TYPE_CHECKING:
    from log_group_kms.request.properties import PassedAlong, Property

KINDS: Final[tuple[type[Target], ...]] = get_args(Target)
_CALLED: Final[dict[type[Target], str]] = {
    LogGroup: "one log group",
    QueryResults: "query results",
    Fleet: "a fleet",
}
ONE_TARGET: Final = f"exactly one of {', '.join(TARGET_NAMES)} is required"


def of_resource() -> str:
    """Return what the resource does, and what it gives back."""
    values = " ".join(f"{each.name}: {each.description}" for each in RETURN_VALUES)
    return (
        "Associates CloudWatch Logs log groups, or the results of Logs Insights queries, with a KMS key. "
        f"Fn::GetAtt: {values}"
    )


def of_property(row: Property) -> str:
    """Return what the property is for, whether it is required, its limit and default, and where it does not apply."""
    required = " Required." if row.required else ""
    target = f" {ONE_TARGET[0].upper()}{ONE_TARGET[1:]}." if row.targets else ""
    not_for = "".join(f" It does not apply to {words}." for words in row.not_for.values())
    below = f" It must be below {row.below}." if row.below else ""
    return f"{row.description}{required}{target}{below}{_default(row)}{not_for}"


def of_passed_along(row: PassedAlong) -> str:
    """Return what the property is for, and what happens without it."""
    return row.description + (f" Without it, {row.when_missing}." if row.when_missing else " Required.")


def _default(row: Property) -> str:
    taking = [kind for kind in KINDS if kind not in row.not_for]
    defaults = {kind: row.default_for(kind) for kind in taking}
    shown = {kind: str(value) for kind, value in defaults.items() if isinstance(value, StrEnum | int)}
    if not shown:
        return ""
    if len({*shown.values()}) == 1:
        return f" Default: {next(iter(shown.values()))}."
    return f" Default: {', '.join(f'{value} for {_CALLED[kind]}' for kind, value in shown.items())}."
