"""Measure, print each answer, and write RESULTS.md with its plots.

python -m benchmarks [--short] [--only QUESTION ...] [--into FOLDER] [--beside SOURCES ...]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import (
    PROJECT,
    backoff,
    cold_start,
    coverage,
    crash,
    fleet,
    fleet_memory,
    fleet_peer,
    largest_fleet,
    load,
    memory,
    package,
    refusals,
    report,
    warm_events,
)
from benchmarks.bench import Bench

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.report import Section

#: In the order of the page.
QUESTIONS: Final[dict[str, Callable[[Bench], Section]]] = {
    "cold-start": cold_start.measure,
    "warm-events": warm_events.measure,
    "refusals": refusals.passing,
    "lasting-refusals": refusals.lasting,
    "crash": crash.measure,
    "load": load.measure,
    "backoff": backoff.measure,
    "fleet": fleet.measure,
    "largest-fleet": largest_fleet.measure,
    "fleet-peer": fleet_peer.measure,
    "fleet-memory": fleet_memory.measure,
    "report": coverage.measure,
    "memory": memory.measure,
    "package": package.measure,
}
#: These wait for minutes and compute for seconds: they run at the same time, after all others.
PATIENT: Final = ("lasting-refusals", "load", "report")
_AT_ONCE: Final = 4
#: What was tried to make it faster, and did not.
TRIED: Final = PROJECT / "benchmarks" / "TRIED.md"


def main(arguments: list[str]) -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the provider beside its peers.")
    parser.add_argument("--short", action="store_true", help="a few rounds, to see that it runs")
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, default=list(QUESTIONS), help="these questions alone")
    parser.add_argument("--into", type=Path, help="where RESULTS.md goes; by default benchmarks/, for a whole run")
    parser.add_argument("--beside", nargs="+", type=Path, default=[], help="other sources of src/, to see a change")
    given = parser.parse_args(arguments)
    whole = not given.short and not given.beside and given.only == list(QUESTIONS)
    into = given.into or PROJECT / ("benchmarks" if whole else ".local/bench")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(Path(folder), given.short, tuple(given.beside))
        sections = _answers(given.only, bench)
    page = report.write(sections, into, short=given.short, tried=TRIED.read_text() if TRIED.exists() else "")
    print(f"Written to {page}", file=sys.stderr)
    return 0


def _answers(names: Sequence[str], bench: Bench) -> list[Section]:
    """One after the other, then those that mostly wait at the same time; in the page's order."""
    # In the short form no figure counts, so that nobody has to have the machine alone.
    together = [name for name in names if bench.short or name in PATIENT]
    bench.prepare()
    answers = {name: _measured(name, bench) for name in names if name not in together}
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        answers |= zip(together, threads.map(lambda name: _measured(name, bench), together), strict=True)
    return [answers[name] for name in names]


def _measured(name: str, bench: Bench) -> Section:
    begun = time.monotonic()
    section = QUESTIONS[name](bench)
    print(f"{section.markdown()}\n", flush=True)
    print(f"[{name}: {time.monotonic() - begun:.0f} s]", file=sys.stderr)
    return section


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
