"""How long the first event of an execution environment takes, and where the time goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.contenders import FLOOR, OURS
from benchmarks.plot import Plot
from benchmarks.report import Section, Table, median, milliseconds, ratio, spread
from benchmarks.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.bench import Bench
    from benchmarks.stage import Heard

ROUNDS: Final = 15
#: Rounds that only bring the files into the machine's cache.
WARM_UP: Final = 1
#: Times the floor.
GOAL: Final = 1.1
PARTS: Final = ("Interpreter and runtime client", "Imports", "Clients", "Calls", "PUT")

_ASKED: Final = (
    "From the start of the function's process to the answer's arrival at CloudFormation: a Create for one log group,"
    " under AWS's Runtime Interface Emulator and runtime client, in a fresh environment each round. Everything has"
    " bytecode; AWS and CloudFormation are on loopback, over TLS. *Calls* has the handler's own work between them,"
    " *PUT* all after the last call."
)


@dataclass(frozen=True, slots=True)
class Start:
    """One cold start: what was heard, and the seconds that its process had of a processor."""

    heard: Heard
    processor: float

    @property
    def seconds(self) -> float:
        """From the process's start to the answer."""
        return self.heard.at - self.heard.times.started


def measure(bench: Bench) -> Section:
    """Start everyone, in turns."""
    measured: dict[str, list[Start]] = {contender.name: [] for contender in bench.contenders.all}
    with Stage.start(bench.runtime) as stage:
        for contender in bench.turns(WARM_UP + bench.rounds(ROUNDS)):
            event = stage.create(contender, stage.log_group())
            stage.aws.direction.forget_calls()
            with stage.environment(contender) as environment:
                heard = environment.hear(event)
                measured[contender.name].append(Start(heard, environment.processor_time()))
    kept = {name: starts[WARM_UP:] for name, starts in measured.items()}
    return Section(
        "Cold start", _ASKED, (_table(kept), _split(kept)), (*_notes(kept), *bench.contenders.missing), _plots(kept)
    )


def parts(heard: Heard) -> Mapping[str, float]:
    """The seconds of each of `PARTS`; they add up to all."""
    times = heard.times
    before = sum(end - begin for begin, end in times.clients if begin < times.imported)
    within = sum(end - begin for begin, end in times.clients if begin >= times.handler)
    last = max(end for _, end in times.calls)
    values = (
        times.module - times.started + times.handler - times.imported,
        times.imported - times.module - before + times.importing,
        before + within,
        last - times.handler - within - times.importing,
        heard.at - last,
    )
    return dict(zip(PARTS, values, strict=True))


def _table(measured: Mapping[str, list[Start]]) -> Table:
    floor = [start.seconds for start in measured[FLOOR]]
    floors_processor = [start.processor for start in measured[FLOOR]]
    rows = []
    for name, starts in measured.items():
        seconds, processor = [start.seconds for start in starts], [start.processor for start in starts]
        wall = (milliseconds(seconds), spread(seconds), ratio(seconds, floor))
        calls = f"{median(start.heard.calls for start in starts):.0f}"
        rows.append((name, *wall, milliseconds(processor), ratio(processor, floors_processor), calls))
    header = ("", "Median", "Middle half", "Beside the floor", "Processor time", "Beside the floor's", "Calls")
    return Table(header, tuple(rows))


def _split(measured: Mapping[str, list[Start]]) -> Table:
    rows = tuple(
        (name, *(f"{value * 1000:,.0f} ms" for value in medians.values()))
        for name, medians in _medians(measured).items()
    )
    return Table(("Median of each part", *PARTS), rows)


def _medians(measured: Mapping[str, list[Start]]) -> Mapping[str, Mapping[str, float]]:
    split = {name: [parts(start.heard) for start in starts] for name, starts in measured.items()}
    return {name: {part: median(each[part] for each in found) for part in PARTS} for name, found in split.items()}


def _plots(measured: Mapping[str, list[Start]]) -> tuple[Plot, ...]:
    bars = {
        name: {part: value * 1000 for part, value in medians.items()} for name, medians in _medians(measured).items()
    }
    return (Plot("cold-start.svg", "Cold start: from the process's start to the answer", "ms", bars),)


def _notes(measured: Mapping[str, list[Start]]) -> tuple[str, ...]:
    ours, floor = ([start.processor for start in measured[name]] for name in (OURS, FLOOR))
    return (
        f"Goal: at most {GOAL} times the floor's processor time; this run: {ratio(ours, floor)}.",
        (
            "0.7 s of this provider's calls are a wait: it reads its claim back once nobody acts any more on an older"
            " look at the log group (docs/reference/waiting.md). The peers claim nothing."
        ),
        (
            "The floor is boto3 with one client, this provider's calls with nothing around them, and the PUT."
            " The peers make one call, and look at nothing before or after it."
        ),
        (
            "Processor time is what a busy neighbour disturbs least, and what Lambda gives little of: one processor at"
            " 1,769 MB, a fraction of one at 512 MB."
        ),
        "Under Node, the SDK is imported by the handler and counted as *Imports*; its client counts as *Calls*.",
        "AWS's runtime client for Node needs a compiler; in its place is one of our own, which does less.",
    )
