"""What cfn-lint's rules read beside them: the tables as JSON, since the folder is copied without this project."""

from __future__ import annotations

from typing import Any

from log_group_kms.lifecycle.return_values import RETURN_VALUES
from log_group_kms.request.properties import PASSED_ALONG, PROPERTIES, PROVIDER_EXPORT, RESOURCE_TYPE


def facts() -> dict[str, Any]:
    """Return all that the rules know."""
    return {
        "type": RESOURCE_TYPE,
        "export": PROVIDER_EXPORT,
        "attributes": [each.name for each in RETURN_VALUES],
        "passed_along": {
            row.name: {
                "many": False,
                "pattern": row.pattern,
                "rule": row.rule,
                "choices": [],
                "when_missing": row.when_missing,
            }
            for row in PASSED_ALONG
        },
        "properties": {
            row.name: {
                "description": row.description,
                "required": row.required,
                "many": row.form.many,
                "pattern": row.form.pattern,
                "rule": row.form.rule,
                "choices": [*row.form.choices],
                "below": row.below,
                "kinds": {kind.__name__: row.patterns.get(kind, row.form.pattern) for kind in row.targets},
                "not_for": {kind.__name__: why for kind, why in row.not_for.items()},
            }
            for row in PROPERTIES
        },
    }
