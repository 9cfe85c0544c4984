"""Names of the templates, and what CloudFormation makes of them."""

from typing import Any, Final

from support.template import CHINA, PROJECT, TEMPLATE, Resolver, parameters_of, plain_form

LANDING_ZONE: Final = PROJECT / "examples" / "landing-zone"
EXAMPLES: Final = [*sorted((PROJECT / "examples").glob("*.yaml")), LANDING_ZONE / "application.yaml"]
ALL_TEMPLATES: Final = [
    TEMPLATE,
    PROJECT / "events" / "template.yaml",
    *EXAMPLES,
    LANDING_ZONE / "code-buckets.yaml",
    LANDING_ZONE / "landing-zone.yaml",
    LANDING_ZONE / "template.yaml",
]

NAME: Final = "log-group-kms-association"
EXPORT: Final = "LogGroupKmsAssociation-ServiceToken"

LOGS: Final = "arn:aws-cn:logs:cn-north-1:111122223333"


def there(section: str, **parameters: Any) -> set[str]:
    """Return the names of a *section* of the template that CloudFormation makes."""
    template = plain_form()
    resolve = Resolver({**CHINA, **parameters_of(template), **parameters}, template["Conditions"])
    return {
        name
        for name, one in template[section].items()
        if "Condition" not in one or resolve(template["Conditions"][one["Condition"]])
    }


def resolved(name: str, **parameters: Any) -> dict[str, Any]:
    """The properties of a resource."""
    template = plain_form()
    resolve = Resolver({**CHINA, **parameters_of(template), **parameters}, template["Conditions"])
    properties: dict[str, Any] = resolve(template["Resources"][name]["Properties"])
    return properties
