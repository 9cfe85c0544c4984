"""The rules for Custom::LogGroupKmsAssociation, where cfn-lint finds them: in a folder that `append_rules` names.

cfn-lint loads each file of such a folder by itself, as no part of a package. The files whose names begin with an
underscore it leaves alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

_FOLDER = str(Path(__file__).parent)
if _FOLDER not in sys.path:
    sys.path.append(_FOLDER)

from log_group_kms_rules import (  # noqa: E402 - the folder is not on the path before
    MisfittingProperty,
    MissingProperty,
    NoTimeout,
    UnknownAttribute,
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
