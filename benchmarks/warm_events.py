"""What each event takes an environment that runs already, at the distance of a real AWS."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from benchmarks.contenders import CDK, NAIVE
from benchmarks.plot import Plot
from benchmarks.report import Section, Table, median, milliseconds, spread
from benchmarks.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.bench import Bench
    from benchmarks.stage import Environment, Heard

ROUNDS: Final = 15
#: Seconds for each call of AWS: what CloudWatch Logs takes from within its own Region, in order of magnitude.
LATENCY: Final = 0.03
KINDS: Final = ("Create", "Update", "Delete")

_ASKED: Final = (
    "From the event to the answer's arrival, in an environment that has had one Create before, with"
    f" {LATENCY * 1000:.0f} ms for each call to AWS: a Create, an Update to another key, and the Delete, for a log"
    " group of their own each round."
)


def measure(bench: Bench) -> Section:
    """Everyone's three events, in turns."""
    measured: dict[str, dict[str, list[Heard]]] = {
        contender.name: {kind: [] for kind in KINDS} for contender in bench.contenders.all
    }
    with Stage.start(bench.runtime, LATENCY) as stage, ExitStack() as environments:
        running = {
            contender.name: environments.enter_context(stage.environment(contender))
            for contender in bench.contenders.all
        }
        for environment in running.values():
            environment.hear(stage.create(environment.contender, stage.log_group()))
        for contender in bench.turns(bench.rounds(ROUNDS)):
            for kind, heard in life(running[contender.name]).items():
                measured[contender.name][kind].append(heard)
    return Section("Warm events", _ASKED, (_table(measured),), _notes(measured), _plots(measured))


def life(environment: Environment) -> Mapping[str, Heard]:
    """The three events of a log group of their own."""
    stage, contender = environment.stage, environment.contender
    log_group = stage.log_group()
    heard = {}
    for kind, event in zip(KINDS, (stage.create, stage.update, stage.delete), strict=True):
        stage.aws.direction.forget_calls()
        heard[kind] = environment.hear(event(contender, log_group))
    return heard


def _table(measured: Mapping[str, Mapping[str, list[Heard]]]) -> Table:
    rows = []
    for name, by_kind in measured.items():
        cells = []
        for all_heard in by_kind.values():
            seconds = [heard.seconds for heard in all_heard]
            calls = median(heard.calls for heard in all_heard)
            cells.append(f"{milliseconds(seconds)} ({spread(seconds)}), {calls:.0f} call{'s' if calls > 1 else ''}")
        rows.append((name, *cells))
    return Table(("Median (middle half), calls", *KINDS), tuple(rows))


def _notes(measured: Mapping[str, Mapping[str, list[Heard]]]) -> tuple[str, ...]:
    paused = median(heard.times.paused for heard in measured[NAIVE]["Delete"])
    notes = [
        f"Of crhelper's Delete, {paused:.0f} s are its default `sleep_on_delete`, which is added and not waited for.",
        (
            "The peers make one call and look at nothing: none of them can tell what was there before, put it back, or"
            " notice that another stack owns the log group. Each further call of this provider reads or writes that."
        ),
    ]
    if CDK in measured:
        notes.append("The CDK's resource is told one call for each event by its template, and makes that one.")
    return tuple(notes)


def _plots(measured: Mapping[str, Mapping[str, list[Heard]]]) -> tuple[Plot, ...]:
    bars = {
        name: {
            kind: median(heard.seconds - heard.times.paused for heard in all_heard) * 1000
            for kind, all_heard in by_kind.items()
        }
        for name, by_kind in measured.items()
    }
    title = f"Warm events at {LATENCY * 1000:.0f} ms a call, without crhelper's two minutes in Delete"
    return (Plot("warm-events.svg", title, "ms", bars),)
