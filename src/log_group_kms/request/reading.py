"""Reading properties: every mistake is collected, and named with the property, the value and the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from log_group_kms.model.errors import InvalidRequest
from log_group_kms.request.properties import (
    CLOUDFORMATIONS_OWN,
    FLEET_TARGET,
    PROPERTIES,
    PROPERTY_NAMES,
    TARGET_NAMES,
    TARGET_PROPERTIES,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from log_group_kms.model.targets import Fleet
    from log_group_kms.request.properties import Property
    from log_group_kms.request.values import Scope

#: A Reason holds at most 4,096 bytes and may have to name several values.
_LONGEST_QUOTE: Final = 100


def read_all(given: object, scope: Scope) -> dict[str, Any]:
    """Return the fields of `Association` that the properties of a template set; what is left out has its default.

    Raises:
        InvalidRequest: with every mistake.
    """
    if not isinstance(given, dict):
        raise InvalidRequest([f"ResourceProperties is {quote(given)}; it must be an object"])
    reading = _Reading(given, scope)
    reading.refuse_unknown()
    for each in PROPERTIES:
        if each is TARGET_PROPERTIES[0]:
            reading.read_target()
        if not each.targets:
            reading.read(each)
    return reading.result()


def read_some(given: Mapping[str, object], scope: Scope) -> dict[str, Any]:
    """Return the fields that these properties set; none is required.

    Raises:
        InvalidRequest: with every mistake.
    """
    reading = _Reading(given, scope)
    for each in PROPERTIES:
        if each.name in given:
            reading.read(each)
    return reading.result()


def read_fleet(prefix: str, scope: Scope) -> Fleet:
    """Return the fleet of this *prefix*.

    Raises:
        InvalidRequest: with the mistake.
    """
    fleet: Fleet = read_some({FLEET_TARGET.name: prefix}, scope)[FLEET_TARGET.field]
    return fleet


class _Reading:
    """The values that were read, by their fields, and the mistakes."""

    def __init__(self, given: Mapping[str, object], scope: Scope) -> None:
        self._given = given
        self._scope = scope
        self._values: dict[str, Any] = {}
        self._mistakes: list[str] = []

    def result(self) -> dict[str, Any]:
        """Return the values.

        Raises:
            InvalidRequest: there were mistakes.
        """
        if self._mistakes:
            raise InvalidRequest(self._mistakes)
        return self._values

    def refuse_unknown(self) -> None:
        """Refuse unknown properties, also those in the wrong case: they would be ignored in silence otherwise."""
        for name in self._given:
            if name not in PROPERTY_NAMES and name not in CLOUDFORMATIONS_OWN:
                self._mistakes.append(f"{quote(name)} is no property of this resource; {_nearest(name)}")

    def read_target(self) -> None:
        """Read the one property that names the target, and refuse those that its kind does not take."""
        given = [each for each in TARGET_PROPERTIES if each.name in self._given]
        if len(given) != 1:
            values = ", ".join(f"{each.name} {quote(self._given[each.name])}" for each in given) or "none"
            self._mistakes.append(f"exactly one of {', '.join(TARGET_NAMES)} is required; given: {values}")
            return
        self.read(given[0])
        target = self._values.get(given[0].field)
        kind = type(target) if target else given[0].targets[0]
        for each in PROPERTIES:
            if kind in each.not_for and each.name in self._given:
                value = quote(self._given[each.name])
                self._mistakes.append(
                    f"{each.name} is {value}; it does not apply to {each.not_for[kind]}: leave it out"
                )

    def read(self, each: Property) -> None:
        """Read a property, if it is given."""
        if each.name not in self._given:
            if each.required:
                self._mistakes.append(f"{each.name} is missing; it is required")
            return
        value = self._given[each.name]
        try:
            self._values[each.field] = each.read(value, self._scope)
        except ValueError as broken:
            self._mistakes.append(f"{each.name} is {quote(value)}; {broken}")


def quote(value: object) -> str:
    """Return *value* as a mistake shows it, cut short where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 1]}…"


def _nearest(name: str) -> str:
    # Only a mistake pays for the import.
    from difflib import get_close_matches  # noqa: PLC0415 - as above

    folded = {known.lower(): known for known in PROPERTY_NAMES}
    near = get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    return f"did you mean {folded[near[0]]}?" if near else f"the properties are {', '.join(PROPERTY_NAMES)}"
