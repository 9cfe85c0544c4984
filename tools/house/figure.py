"""A figure with its goal, and the table of all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: What a figure can be: a number, or yes and no.
Value = int | bool


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure's value in the tree that is measured.

    Attributes:
        value: the figure; None where it cannot be measured.
        detail: where it comes from, or why there is none.
    """

    value: Value | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """What is measured.

    Attributes:
        name: its name.
        measure: takes it.
        first: the first version's, as an audit took it; the script's own figures for that version may differ a little.
        goal: what it should be: that number at most, or this yes or no.
        unit: stands behind the number.
    """

    name: str
    measure: Callable[[], Measured]
    first: Value
    goal: Value
    unit: str = ""

    def row(self) -> Row:
        """Measure; what goes wrong becomes the row's detail, so that the others are seen."""
        try:
            measured = self.measure()
        except Exception as error:  # noqa: BLE001 - a tree under reconstruction may fail in any way
            measured = Measured(None, f"not measured: {type(error).__name__}: {error}")
        return Row(self.name, self.first, measured.value, self.goal, self.unit, measured.detail)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; for the fields see `Figure` and `Measured`."""

    figure: str
    first: Value
    now: Value | None
    goal: Value
    unit: str
    detail: str

    @property
    def reached(self) -> bool:
        """The answer to: is the goal reached?"""
        if self.now is None:
            return False
        return self.now is self.goal if isinstance(self.goal, bool) else self.now <= self.goal

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {**asdict(self), "reached": self.reached}

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        goal = self._told(self.goal)
        goal = goal if isinstance(self.goal, bool) or self.goal == 0 else f"≤ {goal}"
        verdict = "ok" if self.reached else "not yet"
        return (self.figure, self._told(self.first), self._told(self.now), goal, verdict, self.detail)

    def _told(self, value: Value | None) -> str:
        if value is None:
            return "?"
        if isinstance(value, bool):
            return "yes" if value else "no"
        return f"{value:,}{self.unit}"


_HEADINGS: Final = ("figure", "first version", "now", "goal", "", "where")


def table(rows: Iterable[Row]) -> str:
    """The *rows* as plain text, in columns."""
    lines = [_HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if number in (1, 2, 3) else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
