"""A template as CloudFormation deploys it where nobody sets a parameter.

A rule that reads `RetentionInDays: 365` cannot read `!Ref LogRetentionInDays`, and none knows SAM's resources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from support.template import CHINA, Resolver, parameters_of, plain_form

if TYPE_CHECKING:
    from pathlib import Path

_NOTHING: Final = {"Ref": "AWS::NoValue"}


def as_deployed(path: Path) -> dict[str, Any]:
    """Return a template with its defaults, conditions and pseudo parameters filled in.

    Resources under a condition that does not hold stay: they are what somebody else deploys.
    """
    template: dict[str, Any] = plain_form(path)
    resolve = Resolver({**CHINA, **parameters_of(template)}, template.get("Conditions", {}))
    resources = {
        name: {**resource, "Properties": _without_nothing(resolve(resource.get("Properties", {})))}
        for name, resource in template["Resources"].items()
    }
    return {**template, "Resources": resources}


def _without_nothing(part: Any) -> Any:
    """Return *part* without what is AWS::NoValue."""
    match part:
        case dict():
            return {key: _without_nothing(item) for key, item in part.items() if item != _NOTHING}
        case list():
            return [_without_nothing(item) for item in part if item != _NOTHING]
    return part
