"""Bars as SVG, in a few lines of our own: readable on a light and on a dark page."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_WIDTH, _LABELS, _BAR, _GAP, _MARGIN = 900, 330, 24, 14, 16
_CHARACTER: Final = 7.2
#: Told apart by lightness, too, for who sees no hues.
_COLOURS: Final = ("#3b6fb6", "#e08a1e", "#5aa469", "#b05a9c", "#8a8f98", "#c94f4f")
_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328}.page{fill:#ffffff}.title{font-weight:600;font-size:15px}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}}"
)


@dataclass(frozen=True, slots=True)
class Plot:
    """One bar each row, in parts.

    Attributes:
        file_name: where it is written, beside the page.
        title: what is seen.
        unit: of all values.
        bars: the parts of each row's bar, by name; every row has the same parts.
    """

    file_name: str
    title: str
    unit: str
    bars: Mapping[str, Mapping[str, float]]


def drawn(plot: Plot) -> str:
    """The plot as a file."""
    names = list(next(iter(plot.bars.values())))
    longest = max(sum(parts.values()) for parts in plot.bars.values()) or 1.0
    scale = (_WIDTH - _LABELS - 120) / longest
    top = 48 + (24 if len(names) > 1 else 0)
    height = top + len(plot.bars) * (_BAR + _GAP) + _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(plot.title)}</title><style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}" rx="6"/>',
        f'<text class="title" x="{_MARGIN}" y="28">{escape(plot.title)}</text>',
        *(_legend(names) if len(names) > 1 else []),
    ]
    for row, (label, parts) in enumerate(plot.bars.items()):
        lines += _bar(label, parts, top + row * (_BAR + _GAP), scale, plot.unit)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _legend(names: list[str]) -> list[str]:
    lines, left = [], float(_MARGIN)
    for number, name in enumerate(names):
        lines.append(f'<rect x="{left:.0f}" y="42" width="12" height="12" fill="{_colour(number)}"/>')
        lines.append(f'<text x="{left + 17:.0f}" y="53">{escape(name)}</text>')
        left += 17 + _CHARACTER * len(name) + 18
    return lines


def _bar(label: str, parts: Mapping[str, float], top: int, scale: float, unit: str) -> list[str]:
    middle, left = top + _BAR * 0.7, float(_LABELS)
    lines = [f'<text x="{_LABELS - 10}" y="{middle:.0f}" text-anchor="end">{escape(label)}</text>']
    for number, (name, value) in enumerate(parts.items()):
        told = f"<title>{escape(name)}: {_number(value)} {escape(unit)}</title>"
        box = f'x="{left:.1f}" y="{top}" width="{max(value * scale, 0.5):.1f}" height="{_BAR}"'
        lines.append(f'<rect {box} fill="{_colour(number)}">{told}</rect>')
        left += value * scale
    total = sum(parts.values())
    return [*lines, f'<text x="{left + 8:.0f}" y="{middle:.0f}">{_number(total)} {escape(unit)}</text>']


def _colour(number: int) -> str:
    return _COLOURS[number % len(_COLOURS)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"  # noqa: PLR2004 - two digits are enough
