"""One Create, traced: how often its calls go from one package to another.

The scenario runs in a process of its own, on the code of the tree that is measured.

A call is one of a Python function that stands in a file of `log_group_kms`. What `dataclass` writes stands in no file.
A comprehension or a generator expression is part of the function around it, as it is for Python 3.12. A move is a call
in another module, or package, than the call before it; returns do not count. So counted, the first version comes to the
audit's 129 moves, 80 of them between packages, and to 259 of its 264 calls.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.house.figure import Measured
from tools.house.source import package_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.house.source import Source

_SCENARIO: Final = Path(__file__).with_name("scenario.py")
_LONGEST: Final = 60


@dataclass(frozen=True)
class Calls:
    """The modules of all calls of a Create, in their order."""

    modules: Sequence[str]

    @property
    def packages(self) -> list[str]:
        """The packages of all calls, in their order."""
        return [package_of(module) for module in self.modules]


def traced(source: Source, target: str) -> Calls:
    """The calls of one Create in this tree, for a *target* that `scenario` knows."""
    paths = [source.root / "src", source.root, source.root / "tests"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        # CloudFormation is on loopback there, and is answered only where AWS is, too; nobody is called.
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    finished = subprocess.run(  # noqa: S603 - our own interpreter and our own code
        [sys.executable, str(_SCENARIO), target],
        env=environment,
        cwd=source.root,
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(f"the scenario failed: {finished.stderr.strip().rpartition(chr(10))[2]}")
    return Calls(json.loads(finished.stdout.splitlines()[-1]))


def moves(places: Sequence[str]) -> int:
    """The number of *places* that differ from the one before."""
    return sum(one != other for one, other in pairwise(places))


def trace(source: Source) -> str:
    """Return the packages that one Create enters, in their order, and then its moves, the most frequent first."""
    packages = [package for package, _ in groupby(traced(source, "log-group").packages)]
    pairs = Counter(f"{one} -> {other}" for one, other in pairwise(packages))
    return "\n".join([*packages, "", *(f"{count:4} {pair}" for pair, count in pairs.most_common())])


def moves_between_packages(source: Source) -> Measured:
    """The moves between packages in one Create of one log group."""
    calls = traced(source, "log-group")
    entered, there_are = len(set(calls.modules)), sum(not each.path.match("__init__.py") for each in source.modules)
    return Measured(
        moves(calls.packages),
        f"{len(calls.modules)} calls, {entered} of {there_are} modules, {moves(calls.modules)} moves between modules",
    )


def query_results_enter_fleet(source: Source) -> Measured:
    """The answer to: does a Create for query results call anything in `fleet`?"""
    calls = traced(source, "query-results")
    entered = sorted({module for module in calls.modules if package_of(module) == "fleet"})
    return Measured(bool(entered), ", ".join(entered))
