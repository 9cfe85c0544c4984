"""The most memory that a function's process takes, beside what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.report import Section, Table, median
from benchmarks.stage import MEMORY, Stage
from benchmarks.warm_events import life

if TYPE_CHECKING:
    from benchmarks.bench import Bench

ROUNDS: Final = 3
_MIB: Final = 2**20

_ASKED: Final = (
    "The largest resident size of the function's process under the Runtime Interface Emulator, after its first event"
    f" and after three further ones (Create, Update, Delete). The function is configured with {MEMORY} MB."
)


def measure(bench: Bench) -> Section:
    """Everyone in a process of its own, each round."""
    peaks: dict[str, list[tuple[int, int]]] = {contender.name: [] for contender in bench.contenders.all}
    with Stage.start(bench.runtime) as stage:
        for contender in bench.turns(bench.rounds(ROUNDS)):
            with stage.environment(contender) as environment:
                environment.hear(stage.create(contender, stage.log_group()))
                first = environment.peak_memory()
                life(environment)
                peaks[contender.name].append((first, environment.peak_memory()))
    rows = tuple(
        (
            name,
            f"{median(first for first, _ in found) / _MIB:.0f} MiB",
            f"{median(last for _, last in found) / _MIB:.0f} MiB",
            f"{median(last for _, last in found) / _MIB / MEMORY:.0%}",
        )
        for name, found in peaks.items()
    )
    header = ("", "After the first event", "After four events", f"Of {MEMORY} MB")
    notes = (
        "Lambda gives CPU in proportion to memory: 512 MB are chosen for the cold start's sake, not for the memory.",
    )
    return Section("Memory", _ASKED, (Table(header, rows),), notes)
