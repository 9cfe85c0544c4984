"""How many mutants of each module died: what `make mutants` ends with."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Percent of a module's mutants that have to die; docs/explanation/mutation.md explains the others.
GOAL: Final = 92.0
#: What mutmut writes for a mutant that the tests let pass, or that none of them meets.
_LIVES: Final = {0, 5, 33}
#: Its process was ended from outside, or has not begun.
_UNKNOWN: Final = {None, 2, 34, 35, -9, -11}


@dataclass(frozen=True)
class Module:
    """The mutants of a module.

    Attributes:
        name: the module, within the package.
        tried: how many of its mutants were tried.
        survivors: names of those that live.
    """

    name: str
    tried: int
    survivors: tuple[str, ...]

    @property
    def percent(self) -> float:
        """The share of those tried that died; one that never ends counts as dead."""
        return 100.0 * (self.tried - len(self.survivors)) / self.tried


def modules(results: Path) -> Iterator[Module]:
    """Yield each module that *results*, mutmut's folder, has tried mutants of."""
    for path in sorted(results.rglob("*.py.meta")):
        codes = json.loads(path.read_text())["exit_code_by_key"]
        tried = {name: code for name, code in codes.items() if code not in _UNKNOWN}
        if tried:
            name = path.name.removesuffix(".py.meta")
            yield Module(
                f"{path.parent.name}/{name}", len(tried), tuple(name for name, code in tried.items() if code in _LIVES)
            )


def main(results: Path) -> int:
    """Print the survivors and the table; return 1 where a module misses the goal."""
    tried = list(modules(results))
    for module in tried:
        for survivor in module.survivors:
            print(survivor)
    print(f"\n{'module':28} {'mutants':>8} {'died':>8} {'percent':>8}")
    for module in tried:
        died = module.tried - len(module.survivors)
        missed = "" if module.percent >= GOAL else f"  below {GOAL:g}"
        print(f"{module.name:28} {module.tried:8,} {died:8,} {module.percent:8.1f}{missed}")
    return int(not tried or any(module.percent < GOAL for module in tried))


if __name__ == "__main__":
    sys.exit(main(Path("mutants")))
