"""Whole events of others that run between, or within, two calls of one event: every place is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from unit.association.account import Account

#: Makes the account as it is at first.
Begin = Callable[[], Account]
#: A whole event of one resource; what it returns is kept.
Event = Callable[[Account], object]


@dataclass
class Intruder:
    """Runs *event* once, before or after the call of this *number*; meanwhile so many *seconds* pass."""

    account: Account
    event: Event
    number: int
    after: bool
    seconds: float = 2.0
    place: str = ""
    answer: object = None
    _calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._watch()

    @property
    def calls(self) -> int:
        """The number of calls that the event under test has made."""
        return len(self._calls)

    def _watch(self) -> None:
        self.account.aws.before = self._before
        self.account.aws.after = self._after

    def _before(self, operation: str) -> None:
        self._calls.append(operation)
        if not self.after and len(self._calls) == self.number:
            self._run(f"before {operation}, call {self.number}")

    def _after(self, operation: str) -> None:
        if self.after and len(self._calls) == self.number and not self.place:
            self._run(f"after {operation}, call {self.number}")

    def _run(self, place: str) -> None:
        self.place = place
        self.account.aws.before = self.account.aws.after = lambda _: None
        self.account.clock.time += self.seconds / 2
        self.answer = self.event(self.account)
        self.account.clock.time += self.seconds / 2
        self._watch()


def everywhere(begin: Begin, event: Event, seconds: float = 2.0) -> Iterator[tuple[Account, Intruder]]:
    """Yield an account for each place where *event* can come in, until the event under test makes no such call.

    Where AWS refuses a call there is no place after it: then the intruder has none.
    """
    for after in (False, True):
        for number in count(1):
            account = begin()
            intruder = Intruder(account, event, number, after, seconds)
            yield account, intruder
            if number > intruder.calls:
                break
