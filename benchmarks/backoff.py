"""Which pauses after "Rate exceeded" serve hundreds of processes best that know nothing of one another: simulated.

`load` measures the provider as it is. This compares policies, each in a moment and for any number of resources:
`python -m benchmarks --only backoff`. A simulation knows no failure but throttling, and no call but those that a Create
needs; a provider that looks again before a retry makes more.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from statistics import fmean
from typing import TYPE_CHECKING, Final

from benchmarks.report import Section, Table
from local.emulator.quotas import PER_SECOND, Quotas

if TYPE_CHECKING:
    from benchmarks.bench import Bench

#: What a Create for one log group needs, in order: look, read the tags, claim, associate, read both back.
CALLS: Final = (
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
    "logs:TagResource",
    "logs:AssociateKmsKey",
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
)
#: Seconds for a call to AWS and back; and in which all resources begin.
NETWORK, BEGIN = 0.03, 1.0
ROUNDS: Final = 5
RESOURCES: Final = (50, 100, 250, 500, 1000)


@dataclass(frozen=True, slots=True)
class Pauses:
    """A policy for throttled calls.

    Attributes:
        first: seconds, the longest pause after a first refusal.
        longest: seconds, the longest pause of all.
        growth: how many times longer each pause is than the one before.
        least: the share of a pause that is no jitter: 0 draws between nothing and all of it, 0.5 between half and all.
        remembered: the share of the steps up that the next call of the same process begins with.
    """

    first: float
    longest: float
    growth: float = 2.0
    least: float = 0.0
    remembered: float = 0.0

    def pause(self, steps: float, chance: random.Random) -> float:
        """Draw the pause after so many steps up."""
        ceiling = min(self.longest, self.first * self.growth**steps)
        return chance.uniform(self.least * ceiling, ceiling)


#: Those worth a look. Longer pauses refuse less and take longer. Half of a pause without jitter refuses less and takes
#: hardly longer; so does a process that remembers how crowded it was a call ago.
POLICIES: Final = {
    "Doubling to 12 s, full jitter (the first version)": Pauses(2, 12),
    "Doubling to 30 s, full jitter": Pauses(2, 30),
    "Doubling to 30 s, half jitter": Pauses(2, 30, least=0.5),
    "Fourfold to 36 s, half jitter": Pauses(2, 36, 4, 0.5),
    "Doubling to 30 s, half jitter, remembered": Pauses(2, 30, least=0.5, remembered=1.0),
    "Threefold to 30 s, half jitter, three quarters remembered": Pauses(2, 30, 3, 0.5, 0.75),
    "Fourfold to 30 s, half jitter, three quarters remembered": Pauses(2, 30, 4, 0.5, 0.75),
    "Fourfold to 50 s, half jitter, three quarters remembered": Pauses(2, 50, 4, 0.5, 0.75),
}


@dataclass(frozen=True, slots=True)
class Ran:
    """A simulated run: its time over what the quotas allow no less than, and the share of calls that was refused."""

    ratio: float
    refused: float


@dataclass(slots=True)
class _Process:
    """One resource's: how many of its calls have passed, and how many steps up its pauses are."""

    passed: int = 0
    steps: float = 0.0


@dataclass
class Crowd:
    """So many processes at once, under one policy."""

    policy: Pauses
    resources: int
    seed: int
    _now: float = 0.0
    _calls: Counter[bool] = field(default_factory=Counter)

    def run(self) -> Ran:
        """Let all of them go through their calls."""
        chance, numbers = random.Random(self.seed), count()  # noqa: S311 - to be drawn again
        quotas = Quotas(clock=lambda: self._now)
        todo = [(chance.uniform(0, BEGIN), next(numbers), _Process()) for _ in range(self.resources)]
        heapq.heapify(todo)
        while todo:
            self._now, _, process = heapq.heappop(todo)
            admitted = quotas.admit(CALLS[process.passed], "111122223333", "eu-west-1")
            self._calls[admitted] += 1
            pause = 0.0
            if admitted:
                process.passed += 1
                process.steps *= self.policy.remembered
            else:
                pause = self.policy.pause(process.steps, chance)
                process.steps += 1
            if process.passed < len(CALLS):
                heapq.heappush(todo, (self._now + NETWORK + pause, next(numbers), process))
        least = max(number * self.resources / PER_SECOND[call] for call, number in Counter(CALLS).items())
        return Ran((self._now + NETWORK) / least, self._calls[False] / self._calls.total())


def measure(bench: Bench) -> Section:
    """Compare the policies."""
    rounds, sizes = (1, RESOURCES[:1]) if bench.short else (ROUNDS, RESOURCES)
    rows = tuple((name, *(_cell(policy, size, rounds) for size in sizes)) for name, policy in POLICIES.items())
    needed = ", ".join(f"{number} {call.removeprefix('logs:')}" for call, number in Counter(CALLS).items())
    asked = (
        "So many resources created at once by processes that know nothing of one another, by their pauses after"
        " `Rate exceeded`: the time until the last is done, over what AWS's quotas allow no less than, and the share of"
        f" all calls that was refused. A simulation; the mean of {rounds} rounds. Each Create needs {needed}."
    )
    notes = (
        "The first pause is 2 s at most for all: it is what a single resource waits that was throttled by chance.",
        "Few resources are done soon whatever they do: their ratio is that of one pause to some seconds.",
    )
    header = ("Pauses", *(f"{size:,} resources" for size in sizes))
    return Section("How to back off", asked, (Table(header, rows),), notes)


def _cell(policy: Pauses, resources: int, rounds: int) -> str:
    ran = [Crowd(policy, resources, seed).run() for seed in range(rounds)]
    return f"{fmean(each.ratio for each in ran):.2f}, {fmean(each.refused for each in ran):.0%} refused"
