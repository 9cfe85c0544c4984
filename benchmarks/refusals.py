"""How long until CloudFormation hears, where AWS refuses: for a while, and for good."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.contenders import FLOOR
from benchmarks.report import Section, Table, median
from benchmarks.stage import Stage
from local.emulator.script import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.bench import Bench
    from benchmarks.contenders import Contender
    from benchmarks.stage import Environment, Heard

ROUNDS: Final = 3
LATENCY: Final = 0.03
#: How many calls are refused before one is taken.
TRIES: Final = (1, 3)
FOR_GOOD: Final = 1_000_000
#: Few enough that they do not wait for each other.
_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of refusal of AssociateKmsKey."""

    title: str
    fault: Callable[[int, str], Fault]


CONCURRENT: Final = Kind(
    "Someone else changes the log group (`OperationAbortedException`)",
    lambda times, name: Fault.operation_aborted(times=times, log_group=name),
)
THROTTLED: Final = Kind(
    "Too many calls (`ThrottlingException`)", lambda times, name: Fault.throttled(times=times, log_group=name)
)
KEY_POLICY: Final = Kind(
    "The key's policy (`AccessDeniedException`)", lambda times, name: Fault.late_key_policy(times=times, log_group=name)
)
ROLE: Final = Kind(
    "The role's policy (`AccessDeniedException`)",
    lambda times, name: Fault.late_role_policy(times=times, log_group=name),
)
UNAVAILABLE: Final = Kind("AWS fails (HTTP 503)", lambda times, name: Fault.unavailable(times=times, log_group=name))
PASSING: Final = (CONCURRENT, THROTTLED, KEY_POLICY, ROLE, UNAVAILABLE)
#: Throttling for good ends with the ServiceTimeout alone, a quarter of an hour.
LASTING: Final = (CONCURRENT, KEY_POLICY, ROLE, UNAVAILABLE)

_PASSING: Final = (
    "A warm Create whose AssociateKmsKey is refused once, or three times in a row, and then works; from the event to"
    " the answer. A stack whose resource answers FAILED rolls back, and someone has to deploy it again."
)
_LASTING: Final = (
    "The same, refused for good: how long until CloudFormation hears FAILED. This provider waits as long as such a"
    " refusal may still pass (docs/reference/waiting.md), then looks for the cause."
)


def passing(bench: Bench) -> Section:
    """Refusals that heal after a while."""
    tries = TRIES[:1] if bench.short else TRIES
    with Stage.start(bench.runtime, LATENCY) as stage:
        kinds = PASSING[:1] if bench.short else PASSING
        asked = [(kind, times) for kind in kinds for times in tries]
        contenders = _peers(bench)

        def column(kind_and_times: tuple[Kind, int]) -> list[str]:
            return [
                _told(_refused(stage, each, Refusals(*kind_and_times), bench.rounds(ROUNDS))) for each in contenders
            ]

        # They mostly wait, each for its own log groups.
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            columns = list(threads.map(column, asked))
    rows = tuple((kind.title, str(times), *cells) for (kind, times), cells in zip(asked, columns, strict=True))
    header = ("Refusal", "Times", *(contender.name for contender in contenders))
    return Section("A refusal that passes", _PASSING, (Table(header, rows),))


def lasting(bench: Bench) -> Section:
    """Refusals that never heal."""
    kinds, service_timeout = (LASTING[:1], 5) if bench.short else (LASTING, None)
    with Stage.start(bench.runtime, LATENCY) as stage:
        contenders = _peers(bench)

        def column(kind: Kind) -> list[str]:
            return [_told(_refused(stage, each, Refusals(kind, FOR_GOOD, service_timeout), 1)) for each in contenders]

        with ThreadPoolExecutor(len(kinds)) as threads:
            columns = list(threads.map(column, kinds))
    rows = tuple((kind.title, *cells) for kind, cells in zip(kinds, columns, strict=True))
    header = ("Refusal", *(contender.name for contender in contenders))
    notes = (
        "The peers hand on AWS's words. This provider's Reason says what is wrong, on which resource, and what to do.",
        "Too many calls for good end with the ServiceTimeout alone, and are not waited for here.",
    )
    return Section("A refusal that stays", _LASTING, (Table(header, rows),), notes)


def _peers(bench: Bench) -> Sequence[Contender]:
    """The floor takes every call to succeed."""
    return [contender for contender in bench.contenders.all if contender.name != FLOOR]


@dataclass(frozen=True, slots=True)
class Refusals:
    """What a Create meets: so many refusals of a kind, and the seconds that CloudFormation waits, if that is told."""

    kind: Kind
    times: int
    service_timeout: int | None = None


def _refused(stage: Stage, contender: Contender, refusals: Refusals, rounds: int) -> list[Heard]:
    with stage.environment(contender) as environment:
        environment.hear(stage.create(contender, stage.log_group()))
        return [_create(environment, refusals) for _ in range(rounds)]


def _create(environment: Environment, refusals: Refusals) -> Heard:
    stage = environment.stage
    log_group = stage.log_group()
    stage.aws.direction.answer_with(refusals.kind.fault(refusals.times, log_group))
    event = stage.create(environment.contender, log_group, service_timeout=refusals.service_timeout)
    return environment.hear(event)


def _told(all_heard: Sequence[Heard]) -> str:
    seconds = [heard.seconds for heard in all_heard]
    successes = sum(heard.answer.status == "SUCCESS" for heard in all_heard)
    outcome = {0: "FAILED", len(all_heard): "SUCCESS"}.get(successes, f"SUCCESS {successes} of {len(all_heard)}")
    low, high = min(seconds), max(seconds)
    between = f" ({low:.1f} to {high:.1f})" if len(seconds) > 1 else ""
    return f"{outcome}, {median(seconds):.1f} s{between}"
