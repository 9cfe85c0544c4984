"""cfn-lint rules for Custom::LogGroupKmsAssociation.

Nothing of a property stands in the rules: `facts.json` beside them is made from the provider's own table. The rules see
through `Fn::If`, `Fn::Sub`, `Fn::Join`, `Fn::FindInMap` and through a `Ref` to a parameter, and check each value that
comes of it. What only a deployment knows, such as an import or the key of another resource, passes.
"""

from log_group_kms_rules._attributes import UnknownAttribute
from log_group_kms_rules._properties import (
    MisfittingProperty,
    MissingProperty,
    NoTimeout,
    UnknownProperty,
    WaitBeyondTimeout,
    WrongValue,
)

__all__ = [
    "MisfittingProperty",
    "MissingProperty",
    "NoTimeout",
    "UnknownAttribute",
    "UnknownProperty",
    "WaitBeyondTimeout",
    "WrongValue",
]
