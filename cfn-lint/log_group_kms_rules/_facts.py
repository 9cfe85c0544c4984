"""The provider's tables, as they were when these rules were made."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

Fact = dict[str, Any]

_FACTS: Final[Fact] = json.loads((Path(__file__).parent / "facts.json").read_text(encoding="utf-8"))
#: The resource's type, and the export whose import as ServiceToken makes any other type this resource, too.
TYPE: Final[str] = _FACTS["type"]
EXPORT: Final[str] = _FACTS["export"]
#: By their names: the resource's own properties, and those that CloudFormation passes along.
PROPERTIES: Final[dict[str, Fact]] = _FACTS["properties"]
PASSED_ALONG: Final[dict[str, Fact]] = _FACTS["passed_along"]
KNOWN: Final = (*PASSED_ALONG, *PROPERTIES)
#: Exactly one of these is required.
TARGETS: Final = tuple(name for name, fact in PROPERTIES.items() if fact["kinds"])
#: Of `Fn::GetAtt`.
ATTRIBUTES: Final = tuple(_FACTS["attributes"])

#: Of 1: how alike two names must be.
_ALIKE: Final = 0.5


def meant(name: str, known: Sequence[str]) -> str:
    """Return the known name that comes nearest to a mistyped one; empty where none comes near."""
    folded = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), folded, n=1, cutoff=_ALIKE)
    return folded[near[0]] if near else ""


def remedy(name: str, known: Sequence[str]) -> str:
    """Return what to write instead of a name that is unknown."""
    near = meant(name, known)
    if near.lower() == name.lower():
        return f"upper and lower case matter: write {near}"
    return f"did you mean {near}?" if near else f"there are {', '.join(known)}"
