"""The pictures of the demo: two columns, or a fleet of log groups; what has changed stands out.

Each is drawn for a terminal, with colours, and as plain lines for everything else. Its facts are what a scene claims.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from rich.columns import Columns as Row
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

Facts: TypeAlias = Mapping[str, str | int]

NONE: Final = "no key"
_CHANGED: Final = "bold reverse"
#: In the order in which they are met; log groups without a key are dim.
_COLOURS: Final = ("green", "yellow", "cyan", "magenta")
_ACROSS: Final = 24
_COLUMN: Final = 46


@dataclass(frozen=True, slots=True)
class Side:
    """One log group in one of the two columns.

    Attributes:
        before: the key that it had before this scene.
        key: the key that it has.
        stack: the stack's status; empty where it is gone.
        remark: why it came so.
    """

    before: str
    key: str
    stack: str
    remark: str = ""

    @property
    def facts(self) -> Facts:
        """What is claimed."""
        return {"key": self.key, "stack": self.stack or "gone"}

    @property
    def line(self) -> str:
        """The same in one line, without colours."""
        key = self.key if self.before == self.key else f"{self.before} -> {self.key}"
        return f"{key}; stack {self.stack or 'gone'}{'. ' * bool(self.remark)}{self.remark}"

    def lines(self) -> Iterator[Text]:
        """Yield the lines of its column."""
        key = Text("Key    ")
        if self.before == self.key:
            key.append(self.key)
        else:
            key.append(f"{self.before} -> ").append(f" {self.key} ", _CHANGED)
        yield key
        yield Text(f"Stack  {self.stack or 'gone'}", "dim")
        if self.remark:
            yield Text(self.remark)


@dataclass(frozen=True, slots=True)
class TwoColumns:
    """The same event, met by a plain template and by this provider."""

    plain: Side
    ours: Side

    @property
    def facts(self) -> Facts:
        """What is claimed, of both."""
        sides = (("plain", self.plain), ("ours", self.ours))
        return {f"{name}: {what}": value for name, side in sides for what, value in side.facts.items()}

    def draw(self, console: Console) -> None:
        """Show it."""
        if not console.is_terminal:
            for title, side in (("plain template", self.plain), ("this provider ", self.ours)):
                console.print(f"   {title}  {side.line}", soft_wrap=True)
            return
        texts = [Text("\n").join(side.lines()) for side in (self.plain, self.ours)]
        # The frame and a space on either side; both are of one height.
        height = 2 + max(len(text.wrap(console, _COLUMN - 4)) for text in texts)
        titles = (("A plain template today", "red"), ("With this provider", "green"))
        panels: list[RenderableType] = [
            Panel(text, title=title, width=_COLUMN, height=height, border_style=style)
            for text, (title, style) in zip(texts, titles, strict=True)
        ]
        console.print(Padding(Row(panels), (0, 0, 0, 1)))


@dataclass(frozen=True, slots=True)
class FleetPicture:
    """The keys of dozens of log groups.

    Attributes:
        before: the key of each log group before this scene.
        keys: the key of each now, by name.
        said: what a command printed.
    """

    before: Mapping[str, str]
    keys: Mapping[str, str]
    said: tuple[str, ...] = field(default=())

    @property
    def facts(self) -> Facts:
        """The number of log groups under each key."""
        return Counter(self.keys.values())

    def draw(self, console: Console) -> None:
        """Show it."""
        for line in self.said:
            console.print(Text(f"   {line}", "cyan" if line.startswith("$") else ""), soft_wrap=True)
        colours = self._colours()
        if console.is_terminal:
            names = sorted(self.keys)
            for begin in range(0, len(names), _ACROSS):
                squares = Text("   ")
                for name in names[begin : begin + _ACROSS]:
                    changed = self.before.get(name) != self.keys[name]
                    squares.append("■" if changed else "▪", colours[self.keys[name]]).append(" ")
                console.print(squares)
        console.print(self._legend(colours), soft_wrap=True)

    def _colours(self) -> dict[str, str]:
        keys = sorted({*self.keys.values(), *self.before.values()} - {NONE})
        return {NONE: "bright_black"} | {key: _COLOURS[at % len(_COLOURS)] for at, key in enumerate(keys)}

    def _legend(self, colours: Mapping[str, str]) -> Text:
        now, before = Counter(self.keys.values()), Counter(self.before.values())
        legend = Text("   ")
        for key, colour in colours.items():
            if not (now[key] or before[key]):
                continue
            legend.append(f"{now[key]} {key}" if key == NONE else f"{now[key]} under {key}", colour)
            if now[key] != before[key] and self.before:
                legend.append(f" ({now[key] - before[key]:+d})", f"bold {colour}")
            legend.append("   ")
        legend.rstrip()
        return legend


@dataclass(frozen=True, slots=True)
class Deployed:
    """Stacks that are there, and what each is."""

    stacks: Mapping[str, str]
    meanings: Mapping[str, str]

    @property
    def facts(self) -> Facts:
        """The status of each."""
        return dict(self.stacks)

    def draw(self, console: Console) -> None:
        """Show it."""
        for name, status in self.stacks.items():
            console.print(f"   {status}  {name}: {self.meanings[name]}", soft_wrap=True)


Picture: TypeAlias = TwoColumns | FleetPicture | Deployed
