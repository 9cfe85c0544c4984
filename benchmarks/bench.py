"""What every question is given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from benchmarks.contenders import Contender, Contenders, build
from benchmarks.stage import Runtime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Bench:
    """One run.

    Attributes:
        folder: for all that it writes, nothing else is there.
        short: a few rounds, to see that it runs.
        others: further sources of this provider, to see what a change brings.
    """

    folder: Path
    short: bool
    others: tuple[Path, ...] = ()

    def prepare(self) -> None:
        """Build all that is measured, which is no part of any question."""
        _ = self.contenders, self.runtime

    def rounds(self, at_length: int) -> int:
        """How many, of which the short form makes one."""
        return 1 if self.short else at_length

    @cached_property
    def contenders(self) -> Contenders:
        """All that can be measured here."""
        packages = self.folder / "packages"
        packages.mkdir()
        return build(packages, self.others)

    @cached_property
    def runtime(self) -> Runtime:
        """What AWS's own runtime has."""
        folder = self.folder / "runtime"
        folder.mkdir()
        return Runtime(folder)

    def turns(self, rounds: int) -> Iterator[Contender]:
        """Everyone once a round; each round begins with another, so that no one always follows the same."""
        everyone = self.contenders.all
        for number in range(rounds):
            first = number % len(everyone)
            yield from (*everyone[first:], *everyone[:first])
