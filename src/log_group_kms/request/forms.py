"""The forms of a property's value: a string, one of some strings, a list of strings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

    from log_group_kms.request.values import Scope


@dataclass(frozen=True)
class Text:
    """A string.

    Attributes:
        parse: makes the field's value of it, or raises ValueError with the rule.
        pattern: what the whole of it matches; *parse* asks for more only where the place or another property matters.
        choices: all that it may be; none where it is free.
        rule: the pattern in words.
        bounds: of a whole number, the smallest and the largest.
    """

    parse: Callable[[str, Scope], object]
    pattern: str
    choices: tuple[str, ...] = ()
    rule: str = ""
    bounds: tuple[int, int] | None = None
    many: ClassVar = False

    def read(self, given: object, scope: Scope) -> object:
        """Return the value of the association's field; see `Property.read`."""
        if not isinstance(given, str):
            raise ValueError("it must be a string")
        return self.parse(given, scope)


@dataclass(frozen=True)
class Texts:
    """A list of strings; see `Text` for the attributes. *pattern* and *rule* are each one's."""

    parse: Callable[[tuple[str, ...]], object]
    pattern: str
    rule: str
    bounds: ClassVar[tuple[int, int] | None] = None
    choices: ClassVar[tuple[str, ...]] = ()
    many: ClassVar = True

    def read(self, given: object, _: Scope) -> object:
        """Return the value of the association's field; see `Property.read`."""
        if not isinstance(given, list) or not all(isinstance(value, str) for value in given):
            raise ValueError("it must be a list of strings")
        # An empty CommaDelimitedList of a template arrives as one empty string.
        return self.parse(tuple(value for value in given if value))


def one_of(choices: type[StrEnum]) -> Text:
    """Return the form of one of *choices*, written exactly so."""
    rule = f"it must be one of {', '.join(choices)}"

    def parse(text: str, _: Scope) -> StrEnum:
        if text not in list(choices):
            raise ValueError(rule)
        return choices(text)

    return Text(parse, "|".join(choices), tuple(each.value for each in choices), rule)
